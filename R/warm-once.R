# Arguments of functions that no adapter is known for: evaluated once, for the key, and handed to
# the function as they are, so that substitute(), match.call() and missing() in it see what the user
# wrote.

# A call's arguments, each as the promise that R makes of it, and what has come of them.
#
#   fun       the function, and its `call` with the arguments' names
#   values    beside each of these, a list of its value, or NULL where it has none by itself
#   promised  the call with the promises for arguments; what is left (it failed, or draws random
#             numbers) is there as it was written: the function comes to it in its own time
#   is_left   beside each argument
#   asked     the call with values for arguments, where to evaluate these again would leave a trace:
#             `is_inlined`, beside each argument
#   said      beside each argument, what was said while it was evaluated
#   home      what evaluate_promised() needs; NULL where the call must be made as it was written,
#             since the function may evaluate its arguments in other circumstances, or may be,
#             since to evaluate them again leaves no trace
#   has_drawn do arguments draw random numbers?
evaluate_dots <- function(call, fun, env) {
  frame <- frame_of(call, env)
  written <- written_dots(call, frame)
  places <- as.list(match.call(fun, as.call(c(call[[1]], dots_symbols(frame)))))[-1]
  evaluated <- lapply(places, evaluate_dot, frame, written, env)
  is_left <- vapply(evaluated, `[[`, NA, "is_left")
  promised <- .Call(C_promised_call, frame)
  for (place in as.character(places[is_left])) {
    if (!is.null(written[[place]])) promised[[match(place, names(written)) + 1]] <- written[[place]]
  }
  at <- places_in(call, written)
  is_inlined <- !is_left & !argument_names(places) %in% evaluated_by_fitter &
    vapply(places, is_inlined_at, NA, at, written, env)
  values <- lapply(evaluated, `[[`, "value")
  is_traceless <- all(vapply(as.list(call)[-1], is_traceless, NA, env))
  list(
    fun = fun, call = match.call(fun, call, envir = env),
    asked = with_values(call, values[is_inlined], at[as.character(places[is_inlined])]),
    values = values, is_left = is_left, is_inlined = is_inlined, promised = promised,
    said = lapply(evaluated, `[[`, "said"),
    home = if (!is_traceless && can_be_promised(fun) && !captures(call, env) &&
      is_plain_function(fun, values)) {
      dispatching_home(values, is_left, fun)
    },
    has_drawn = any(vapply(evaluated, `[[`, NA, "has_drawn"))
  )
}

# What was said while those arguments were evaluated that will not be evaluated again.
say_evaluated <- function(evaluated, call) {
  said <- unlist(evaluated$said[!is.null(evaluated$home) | evaluated$is_inlined], recursive = FALSE)
  with_calls(say(said), function(from) if (identical(from, own_evaluation)) call else from)
}

# R's own functions say whose argument they are by the call that evaluates it.
own_evaluation <- quote(evaluate_at(place, frame))

# What draws is drawn again where the function comes to it, but for what came from elsewhere.
evaluate_dot <- function(place, frame, written, env) {
  expr <- written[[as.character(place)]]
  embraced <- embraced_names(expr)
  if (length(embraced) > 0) {
    return(list(
      value = embraced_values(embraced, env), has_drawn = FALSE, is_left = TRUE, said = NULL
    ))
  }
  random <- save_random_state()
  held <- hold_conditions(or_null(list(evaluate_at(place, frame))))
  has_drawn <- !identical(save_random_state(), random) && is.call(expr)
  is_left <- is.null(held$value) || has_drawn
  if (is_left && !is.null(expr)) restore_random_state(random)
  list(value = held$value, has_drawn = has_drawn, is_left = is_left, said = if (!is_left) held$said)
}

# `{{ v }}` is what `v` was in the call of the function around it, and where: rlang tells, as long
# as nobody has looked at its value.
embraced_names <- function(expr) .Call(C_embraced_names, expr)

embraced_values <- function(names, env) {
  enquo <- get("enquo", asNamespace("rlang"))
  list(lapply(names, function(name) or_null(evaluate_at(as.call(c(enquo, as.name(name))), env))))
}

# Where in the call each argument is that is written there, by its place.
places_in <- function(call, written) {
  at <- which(!vapply(as.list(call)[-1], identical, NA, quote(...))) + 1
  stats::setNames(at, names(written)[!vapply(written, is.null, NA)])
}

is_inlined_at <- function(place, at, written, env) {
  place <- as.character(place)
  place %in% names(at) && !is_traceless(written[[place]], env)
}

with_values <- function(call, values, at) {
  for (i in seq_along(at)) call[[at[[i]]]] <- inline(values[[i]][[1]])
  call
}

frame_of <- function(call, env) {
  call[[1]] <- function(...) environment()
  evaluate_at(call, env)
}

# `..1` and so on, by their names; empty where nothing was given.
dots_symbols <- function(frame) {
  given <- evaluate_at(quote(as.list(substitute(list(...)))[-1]), frame)
  symbols <- lapply(sprintf("..%d", seq_along(given)), as.name)
  is_empty <- vapply(given, is_missing_argument, NA)
  symbols[is_empty] <- given[is_empty]
  stats::setNames(symbols, names(given))
}

# By the place of each argument, what was written there; NULL for what came from the `...` of the
# function that makes the call.
written_dots <- function(call, frame) {
  arguments <- as.list(call)[-1]
  is_dots <- vapply(arguments, identical, NA, quote(...))
  count <- evaluate_at(quote(...length()), frame)
  forwarded <- rep(list(NULL), count - length(arguments) + sum(is_dots))
  at <- if (any(is_dots)) which(is_dots)[[1]] else length(arguments) + 1
  written <- c(arguments[seq_len(at - 1)], forwarded, arguments[seq_along(arguments) > at])
  stats::setNames(written, sprintf("..%d", seq_len(count)))
}

# A promise that has its value has no environment any more, which rlang and lazyeval look for.
captures <- function(call, env) any(c("rlang", "lazyeval") %in% names(producers(call[1], env)))

# Names, and what R's own operators make of them.
is_traceless <- function(expr, env) {
  !is.call(expr) || is_literal(expr) ||
    is.primitive(function_at(expr[[1]], env)) && call_name(expr) %in% repeatable &&
      all(vapply(given(as.list(expr)[-1]), is_traceless, NA, env))
}

#' The value of a call, with promises for its arguments
#'
#' R runs a method of S4 in the place of its generic: with the promises that the generic was given,
#' and under its call. That is turned into the one that was written before the method sees it.
#' @param written The call as the function is to see it.
#' @noRd
evaluate_promised <- function(evaluated, written, env) {
  fun <- evaluated$fun
  home <- evaluated$home
  call <- evaluated$promised
  generic <- function() NULL
  formals(generic) <- formals(fun)
  body(generic) <- bquote({
    .(.Call)(.(C_become), .(read_in(home)), .(read_in(home, "written")))
    .defined <- .target <- .Method <- NULL # nolint: object_name_linter.
    .(standardGeneric)("call", .(home$definition))
  })
  environment(generic) <- home
  call[[1]] <- generic
  home$promised <- call
  home$written <- written
  made <- withVisible(evaluate_at(call, env))
  clear_dispatch(made$value)
  shown(made$value, made$visible)
}

# R's dispatch leaves variables of its own in the frame, which functions and formulas may have kept.
clear_dispatch <- function(value, depth = 3) {
  if (is.environment(value)) {
    clear_frame(value)
  } else if (is.function(value) || inherits(value, "formula")) {
    clear_frame(environment(value))
  } else if (is.list(value) && depth > 0) {
    for (part in unclass(value)) clear_dispatch(part, depth - 1)
  }
}

clear_frame <- function(env) {
  of_dispatch <- c(".defined", ".Generic", ".Method", ".Methods", ".target")
  for (frame in surroundings(env, "frame")) {
    if (all(of_dispatch %in% names(frame)) && is.null(frame$.defined)) {
      or_null(rm(list = of_dispatch, envir = frame))
    }
  }
}

read_in <- function(home, name = "promised") as.call(list(get, name, home))

# Where R's dispatch looks the method up: by the class of one argument that has a value, or is
# missing; where there are none but `...`, by that of these.
dispatching_home <- function(values, is_left, fun) {
  by <- setdiff(names(formals(fun)), c("...", names(values)[is_left]))
  if (length(by) > 0) {
    by <- by[[1]]
    class <- class(values[[by]][[1]])[[1]]
  } else if ("..." %in% names(formals(fun)) && !any(is_left)) {
    by <- "..."
    classes <- lapply(values, function(value) class(value[[1]])[[1]])
    class <- unique(unlist(classes))
    # What several have in common hangs on the packages that are loaded.
    if (length(class) != 1) {
      return(NULL)
    }
  } else {
    return(NULL)
  }
  table <- new.env(parent = emptyenv())
  for (name in c("missing", class[nzchar(class)])) assign(name, fun, envir = table)
  home <- list2env(list(
    .AllMTable = table, .SigArgs = list(as.name(by)), .SigLength = 1L, .Generic = "call",
    .Methods = NULL, definition = function() NULL
  ), parent = baseenv())
  environment(home$definition) <- home
  home
}

# Not one that is a method itself, or an object.
can_be_promised <- function(fun) {
  !is.object(fun) && !any(c("NextMethod", "callNextMethod") %in% all.names(body(fun))) && is_tried()
}

# R's own dispatch is told what it is to find; where another version of R looks elsewhere, arguments
# are evaluated again.
is_tried <- function() {
  if (is.null(tried$works)) {
    tried$works <- FALSE
    tried$works <- isTRUE(or_null(evaluate_trial()))
  }
  tried$works
}

tried <- new.env(parent = emptyenv())

evaluate_trial <- function() {
  count <- 0
  once <- function() count <<- count + 1 # nolint: object_usage_linter.
  fun <- function(x, y, ...) list(substitute(x), missing(y), match.call(), x, parent.frame())
  call <- quote(fun(once(), z = 2))
  env <- environment()
  tried$works <- TRUE
  given <- evaluate_promised(evaluate_dots(call, fun, env), call, env)
  count == 1 && identical(given, list(quote(once()), TRUE, quote(fun(x = once(), z = 2)), 1, env))
}

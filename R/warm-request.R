# What is asked for, worked out once: the user's call, the values of its arguments, who fits it, and
# its keys. All that follows receives these.
#
#   expr     the call, as the user wrote it where it stands in `env`
#   call     the same with its arguments named, as the fitter would have it in the fit
#   asked    the same with the values of those arguments that have one, each evaluated once
#   values   these, by name
#   evaluated what evaluate_dots() gives, of a function that no adapter is known for
#   adapter, key, random, label
#   formulas the environment of each formula that the call is given
#   homes    the environments that the fit may refer to, but does not own
#   versions whose code makes the fit
#   begin    the state of the random number generator where the fit begins
#   said     what was said while the adapter evaluated them for the keys, as conditions
#   reason   why it is not kept, or NULL
new_request <- function(expr, env, depends = list()) {
  request <- list(
    expr = expr, env = env, call = expr, asked = expr, values = list(), evaluated = NULL,
    adapter = NULL, key = NULL,
    random = FALSE, label = NULL, formulas = list(), homes = list(), versions = NULL, begin = NULL,
    said = list(), reason = NULL
  )
  request <- tryCatch(
    resolve_call(request),
    error = function(e) replace(request, "reason", conditionMessage(e))
  )
  if (is.null(request$reason)) request <- identify_request(request)
  if (is.null(request$reason)) {
    if (request$random && is.null(save_random_state())) begin_random_state()
    further <- c(depends, if (request$random) random_part(save_random_state()))
    if (length(further) > 0) request$key <- new_model_fingerprint(c(request$key$parts, further))
  }
  request["begin"] <- list(save_random_state())
  request
}

# The call that it comes to, its function, and the arguments' values.
resolve_call <- function(request) {
  written <- request$expr
  if (is_made_anew(written[[1]])) written[[1]] <- evaluate_at(written[[1]], request$env)
  made <- unwrap(written, request$env)
  request[c("call", "env")] <- made
  request$asked <- request$call
  fun <- evaluate_head(request$call[[1]], request$env)
  request$adapter <- find_adapter(fun)
  if (is.null(request$adapter)) {
    check_any(fun)
    force_promises(request)
    request$evaluated <- evaluate_dots(request$call, fun, request$env)
    request$adapter <- adapter_any(request$evaluated)
    if (is.null(find_model_function(fun))) {
      request$evaluated$is_inlined[] <- FALSE
    } else {
      request$asked <- request$evaluated$asked
      request$evaluated["home"] <- list(NULL)
    }
    say_evaluated(request$evaluated, request$call)
    return(request)
  }
  request$call <- match.call(fun, made[[1]], envir = request$env)
  check_places(made[[1]], request$call)
  evaluate_arguments(request, dots_places(made[[1]], fun, request$env), topenv(environment(fun)))
}

# match.call() drops what was left empty, and with it the places of those without a name behind it.
check_places <- function(written, named) {
  is_empty <- vapply(as.list(written)[-1], is_missing_argument, NA)
  if (any(is_empty) && any(!nzchar(names(named)[-1]))) {
    stop_argument("call", "leaves an argument empty, and has others behind it without a name.")
  }
}

# A function that is made where it is called, as in `make()(x)`: once is enough.
is_made_anew <- function(head) {
  is.call(head) && !(is.name(head[[1]]) && as.character(head[[1]]) %in% looks_up)
}

looks_up <- c("::", ":::", "$", "@", "[[")

evaluate_head <- function(head, env) {
  if (is.name(head)) get(as.character(head), envir = env, mode = "function") else eval(head, env)
}

# Each once, in their order, where they were written; but for those that the fitter evaluates among
# its data, and those that draw random numbers: how often it does so is the fitter's to decide.
evaluate_arguments <- function(request, places, home) {
  request$asked <- request$call
  arguments <- given(as.list(request$call)[-1])
  for (name in setdiff(names(arguments), c("", evaluated_by_fitter))) {
    place <- places[[name]]
    if (!is.null(place) || !is_literal(arguments[[name]])) {
      request <- evaluate_argument(request, name, place, home)
    }
  }
  request
}

# `place` is NULL for an argument that was written in the call itself.
evaluate_argument <- function(request, name, place, home) {
  written <- request$call[[name]]
  random <- save_random_state()
  value <- or_null(list(evaluate_at(place %||% written, request$env)))
  if (is.null(value)) {
    return(request)
  }
  request$values[name] <- value
  if (is.null(place) && !identical(save_random_state(), random)) {
    if (!is.name(written)) restore_random_state(random)
  } else if (!is.null(place) || !is_repeatable(written, request$env, home)) {
    request$asked[name] <- list(inline(value[[1]]))
  }
  request
}

# Of the arguments that come from the `...` of the function that makes the call: by name, what they
# are called there. They were written elsewhere.
dots_places <- function(call, fun, env) {
  at <- which(vapply(as.list(call), identical, NA, quote(...)))
  if (length(at) == 0) {
    return(list())
  }
  given <- evaluate_at(quote(as.list(substitute(list(...)))[-1]), env)
  places <- stats::setNames(lapply(sprintf("..%d", seq_along(given)), as.name), names(given))
  parts <- append(as.list(call)[-at], places, at[[1]] - 1)
  named <- as.list(match.call(fun, as.call(parts)))[-1]
  Filter(function(argument) any(vapply(places, identical, NA, argument)), named)
}

# Does it come to the same each time that the fitter evaluates it, without a trace? Names do, and
# what is made of them by R's own means and by the fitter's package `home`.
is_repeatable <- function(expr, env, home) {
  if (!is.call(expr)) {
    return(TRUE)
  }
  fun <- function_at(expr[[1]], env)
  is_known <- if (is.primitive(fun)) {
    call_name(expr) %in% repeatable
  } else {
    is_closure(fun) &&
      (identical(environment(fun), home) || identical(environment(fun), asNamespace("stats")))
  }
  is_known && all(vapply(as.list(expr)[-1], is_repeatable, NA, env, home))
}

repeatable <- c(
  "(", "[", "[[", "$", "@", "+", "-", "*", "/", "^", ":", "<", ">", "<=", ">=", "==", "!=", "!",
  "&", "|", "&&", "||", "c", "list", "~"
)

# What evaluates to the same again and again, and costs nothing.
is_literal <- function(expr) {
  !is.name(expr) && (!is.call(expr) || is.name(expr[[1]]) && (
    identical(expr[[1]], quote(`~`)) || identical(expr[[1]], quote(`function`))
  ))
}

evaluated_by_fitter <- c(
  "weights", "offset", "subset", "etastart", "mustart", "AR.start", "cluster", "id", "istate"
)

# What the adapter evaluates for the keys the fitter evaluates once more: random numbers come out
# the same there, and what is said is said there. But what the calling function was given is
# evaluated the first time that it is looked at, and never again: that is for now.
identify_request <- function(request) {
  force_promises(request)
  before <- save_random_state()
  held <- hold_conditions(tryCatch(
    {
      request$key <- request$adapter$identify(request$asked, request$env)
      request$random <- isTRUE(request$adapter$random(request$asked, request$env)) ||
        !identical(save_random_state(), before)
      request$label <- request_label(request)
      request
    },
    error = function(e) replace(request, "reason", conditionMessage(e))
  ))
  restore_random_state(before)
  request <- replace(held$value, "said", list(held$said))
  if (is.null(request$reason)) {
    request$formulas <- formula_homes(request)
    request$homes <- request_homes(request)
    request$versions <- request_versions(request)
  }
  request
}

force_promises <- function(request) {
  used <- intersect(all.names(request$asked[-1], unique = TRUE), names(request$env))
  for (name in setdiff(used, embraced_names(request$asked))) {
    tryCatch(get(name, envir = request$env, inherits = FALSE), error = function(e) NULL)
  }
}

# The environments that a fit may refer to but does not own: those of its formulas, where the call
# is made, and those around them. A model's terms have one, with all that happens to be in it; a
# finished fit belongs in those of whoever asks for it.
request_homes <- function(request) {
  found <- list()
  for (i in seq_along(request$formulas)) {
    found <- c(found, surroundings(request$formulas[[i]], paste("formula", i)))
  }
  c(found, surroundings(request$env, "call"))
}

# The environment of each formula that the call is given, by a name or as it is written; those in
# lists last.
formula_homes <- function(request) {
  alone <- list()
  listed <- list()
  for (argument in given(as.list(request$call)[-1])) {
    value <- argument
    if (is.symbol(argument)) {
      value <- or_null(get0(as.character(argument), envir = request$env))
    } else if (is.call(argument) && identical(argument[[1]], quote(`~`))) {
      value <- eval(argument, request$env) # one that is a formula already stays it
    }
    if (inherits(value, "formula")) {
      alone <- c(alone, environment(value))
    } else if (is.list(value) && is_formulas(value)) {
      listed <- c(listed, lapply(value, environment))
    }
  }
  c(alone, unname(listed))
}

# The workspace has no name that a fit could be kept with. Its formulas, where they are from there,
# are told by this, and by at_home() put where the asker's are.
is_in_workspace <- function(request) identical(first_home(request), globalenv())

first_home <- function(request) c(request$formulas, request$env)[[1]]

at_home <- function(finished, request) {
  home <- first_home(request)
  was_in_workspace <- isTRUE(finished$entry$payload$in_workspace)
  if (was_in_workspace && is.environment(home) && !identical(home, globalenv())) {
    move_formulas(finished$fit, home)
  } else {
    finished$fit
  }
}

# An object with its formulas, and its terms, from the workspace moved to `home`.
move_formulas <- function(x, home) {
  if (inherits(x, "formula")) {
    if (identical(environment(x), globalenv())) environment(x) <- home
    return(x)
  }
  held <- if (isS4(x)) methods::slotNames(x) else setdiff(names(attributes(x)), plain_attributes)
  for (name in held) {
    value <- attr(x, name, exact = TRUE)
    moved <- move_formulas(value, home)
    if (!identical(moved, value, ignore.environment = FALSE)) attr(x, name) <- moved
  }
  if (is.list(x)) {
    class <- oldClass(x)
    x <- unclass(x)
    inside <- which(vapply(x, may_hold_formulas, NA))
    x[inside] <- lapply(x[inside], move_formulas, home)
    oldClass(x) <- class
  }
  x
}

plain_attributes <- c("names", "class", "row.names", "dim", "dimnames", "levels")

may_hold_formulas <- function(x) {
  is.list(x) || inherits(x, "formula") || isS4(x) && !is.environment(x) ||
    !all(names(attributes(x)) %in% plain_attributes)
}

# From an environment outwards, short of a package's or the global one.
surroundings <- function(env, name) {
  found <- list()
  while (!is.null(env) && !identical(env, globalenv()) && !identical(env, emptyenv()) &&
    !is_package_environment(env)) {
    found[[paste(name, length(found) + 1)]] <- env
    env <- parent.env(env)
  }
  found
}

# What the user says that it depends on.
depends_part <- function(value) {
  if (!is.null(value)) {
    tryCatch(
      named_part("argument", "depends", value, "values"),
      warmstart_error_opaque = function(e) {
        stop_argument("depends", "must be a value, and holds what has none, as a connection.")
      }
    )
  }
}

# As the first random number of an R session would.
begin_random_state <- function() {
  set.seed(NULL)
  save_random_state()
}

# The formula, or else the call, cut to what a record has room for.
request_label <- function(request) {
  formula <- request$key$parts$formula
  text <- if (is.null(formula)) deparse(request$expr, nlines = 1)[[1]] else part_text(formula)
  text <- gsub("[[:cntrl:]]", " ", enc2utf8(text))
  while (nchar(text, "bytes") > label_bytes) {
    text <- substr(text, 1, nchar(text) - 1)
  }
  text
}

label_bytes <- 143 # as src/core/record.h has it

# Whose code makes the fit: what another one made is only good to start from.
request_versions <- function(request) {
  versions <- or_nothing(producers(request$call, request$env))
  own <- request$adapter$versions()
  c(versions, own[setdiff(names(own), names(versions))])
}

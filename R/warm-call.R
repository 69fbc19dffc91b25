# Where in what the user wrote is the fit? `warm(summary(gam(y ~ s(x))), store)` keeps the gam(),
# and makes the summary of it each time.
#
# A call that is found has its head replaced by a function, a marker, which is called in the place
# of the fitter: with the same arguments, none of which it looks at by itself, and where the user
# stands. So whatever is around it means what it means in R.

#' An expression with the calls in it marked that are to be kept
#'
#' Those of fitters that are known, wherever they are; without one, the call under the wrappers.
#' @param keep `function(call, env)`: gives the value of a call, with its own head again, where it
#'   is evaluated.
#' @noRd
mark_fits <- function(expr, env, keep) {
  marked <- mark_known(expr, env, keep)
  if (identical(marked, expr)) mark_wrapped(expr, env, keep) else marked
}

mark_known <- function(expr, env, keep) {
  if (!is.call(expr) || call_name(expr) %in% unevaluated) {
    expr
  } else if (is_known(expr, env)) {
    mark_call(expr, keep)
  } else {
    change_arguments(expr, mark_known, env, keep)
  }
}

# What is a call's argument, and is not evaluated where it stands.
unevaluated <- c(
  "quote", "bquote", "substitute", "expression", "function", "~", "warm", "warm_find"
)

is_known <- function(expr, env) {
  fun <- function_at(expr[[1]], env)
  is_closure(fun) && !is.null(find_adapter(fun))
}

# The function that a call's head stands for; NULL where it is not found, or has to be computed.
function_at <- function(head, env) {
  if (is.name(head)) {
    get0(as.character(head), envir = env, mode = "function")
  } else if (is.function(head)) {
    head
  } else if (is.call(head) && call_name(head) %in% c("::", ":::", "$")) {
    or_null(eval(head, env))
  }
}

call_name <- function(expr) {
  head <- expr[[1]]
  if (is.call(head) && length(head) == 3 && call_name(head) %in% c("::", ":::")) head <- head[[3]]
  if (is.name(head)) as.character(head) else ""
}

mark_wrapped <- function(expr, env, keep) {
  if (!is.call(expr)) {
    return(expr)
  }
  inside <- Filter(function(i) is.call(expr[[i]]), wrapped_at(expr))
  if (length(inside) > 0) {
    change_arguments(expr, mark_wrapped, env, keep, at = inside)
  } else if (call_name(expr) %in% c("(", "{", "if", assignments)) {
    expr
  } else {
    mark_call(expr, keep)
  }
}

# Where in a call of a wrapper the fit may be.
wrapped_at <- function(expr) {
  name <- call_name(expr)
  if (name %in% c("(", "list")) {
    seq_along(expr)[-1]
  } else if (name == "{") {
    length(expr)
  } else if (name == "if") {
    setdiff(seq_along(expr), 1:2)
  } else if (name %in% c("%>%", assignments)) {
    is_around <- name == "%>%" && is.call(expr[[3]]) && call_name(expr[[3]]) %in% names(wrappers)
    if (is_around) 2 else 3
  } else if (name %in% names(wrappers)) {
    wrapped_argument(expr, wrappers[[name]], if (name == "with") 2 else 1)
  }
}

assignments <- c("<-", "=", "<<-")

wrappers <- c(
  suppressWarnings = "expr", suppressMessages = "expr", suppressPackageStartupMessages = "expr",
  try = "expr", tryCatch = "expr", withCallingHandlers = "expr", system.time = "expr",
  local = "expr", with = "expr", summary = "object", coef = "object", print = "x",
  invisible = "x", identity = "x"
)

wrapped_argument <- function(expr, argument, place) {
  names <- names(expr) %||% character(length(expr))
  if (argument %in% names) {
    return(match(argument, names))
  }
  unnamed <- which(!nzchar(names))[-1]
  unnamed[place[place <= length(unnamed)]]
}

change_arguments <- function(expr, change, env, keep, at = seq_along(expr)[-1]) {
  if (call_name(expr) %in% assignments) at <- setdiff(at, 2)
  kept <- attributes(expr)
  changed <- as.list(expr)
  for (i in at) {
    if (is.call(changed[[i]])) changed[[i]] <- change(changed[[i]], env, keep)
  }
  changed <- as.call(changed)
  attributes(changed) <- kept
  changed
}

# Markers ----------------------------------------------------------------------------------------

mark_call <- function(expr, keep) {
  head <- expr[[1]]
  marker <- function(...) {
    call <- sys.call()
    call[[1]] <- head
    attributes(call) <- attributes(call)["names"]
    keep(call, parent.frame())
  }
  expr[[1]] <- structure(marker, class = "warm_marker", head = head)
  expr
}

# A call, as a condition names it, without markers.
unmark <- function(expr) {
  if (is.call(expr)) {
    if (inherits(expr[[1]], "warm_marker")) expr[[1]] <- attr(expr[[1]], "head")
    for (i in seq_along(expr)) {
      if (is.call(expr[[i]])) expr[[i]] <- unmark(expr[[i]])
    }
  }
  expr
}

# Evaluating ---------------------------------------------------------------------------------------

#' The value of an expression, as of an argument that stands in `env`
#'
#' Of a promise, unlike of eval(), nothing is seen on the stack: parent.frame() and sys.call() in it
#' are what they are there, and return() leaves the function that `env` belongs to.
#' @noRd
evaluate_at <- function(expr, env) {
  value <- NULL
  do.call(delayedAssign, list("value", expr, env, environment()))
  value
}

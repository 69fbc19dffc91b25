# stats::optimize, and the search of stats::optim that is the same.

adapter_optimize <- function() {
  adapter_optimiser(
    "stats::optimize", "interval", "f", quote(f(arg, ...)),
    result = function(fit) {
      optimum(fit$minimum %||% fit$maximum, fit$objective, NA, TRUE)
    },
    sign = function(call, env) {
      if (isTRUE(argument_of(call, env, "maximum", FALSE))) -1 else 1
    },
    lasts = function(call, env) FALSE,
    gradient = NULL, functions = "f",
    seed = replay_search,
    observe = observe_search
  )
}

#' Watch a search in an interval
#'
#' Brent's method makes few evaluations, and what they were is all that its next
#' one depends on. So they are the state: resumed, it gets them again and goes
#' the same way, to the same result.
#' @noRd
observe_search <- function(optimiser, call, env, report) {
  fn <- eval(call[[optimiser$objective]], env)
  note <- new_search(optimiser$sign(call, env), report)
  watched <- function(par, ...) {
    value <- fn(par, ...)
    note(par, value)
    value
  }
  if (is.function(fn)) {
    call[[optimiser$objective]] <- call_as(watched, optimiser$called)
  }
  call
}

new_search <- function(sign, report) {
  seen <- list(at = numeric(), value = numeric())
  best <- Inf
  is_time <- new_pace()
  function(at, value) {
    if (is.numeric(value) && length(value) == 1) {
      seen$at <<- c(seen$at, as.vector(at))
      seen$value <<- c(seen$value, as.vector(value))
      if (isTRUE(is.finite(value))) best <<- min(best, sign * value)
    }
    if (is.finite(best) && is_time()) report(seen, best, length(seen$at))
  }
}

replay_search <- function(optimiser, call, env, state) {
  seen <- if (is.list(state)) state[c("at", "value")]
  if (length(seen$at) == 0 || !all(vapply(seen, is.numeric, NA)) || diff(lengths(seen)) != 0) {
    stop_seed_unfit("it has no evaluations")
  }
  fn <- eval(call[[optimiser$objective]], env)
  call[[optimiser$objective]] <- function(par, ...) {
    known <- match(par, seen$at)
    if (is.na(known)) fn(par, ...) else seen$value[[known]]
  }
  call
}

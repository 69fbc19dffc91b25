# Tests: test-warm-attempt.R, test-adapter-conform.R.
#
# Why the end of a fit is believed that began elsewhere than a cold one: what adapters' `certify`
# parts are made of. A fitter that says it has converged tells only that its last step was short.

# Where an adapter has no certificate of its own: begun again at its own end, the fit stays there;
# and what a cold start reaches in its first steps, where that can be watched, is not better.
certify_by_restart <- function(fit, call, env, adapter) {
  end <- fit_state(adapter, fit, call, env)
  if (!is_number(end$objective)) {
    return("it has no objective that would tell how good it is")
  }
  allowed <- end_tolerance * max(abs(end$objective), 1)
  reached <- cold_objective(adapter, call, env)
  if (isTRUE(end$objective > reached + allowed)) {
    return("a cold start reaches a better objective at once")
  }
  again <- eval(adapter$seed(call, env, end$state, "exact"), env)
  moved <- fit_state(adapter, again, call, env)$objective
  if (!isTRUE(moved >= end$objective - allowed)) {
    return("begun again there, the fit went further")
  }
  TRUE
}

# Of the objective, relative; or absolute, where that is smaller than 1. So far may two ends of the
# same fit be apart.
end_tolerance <- 1e-6

# The lowest objective among the first iterates of a cold fit, which is left there; NA where it
# reports none.
cold_objective <- function(adapter, call, env, iterates = 2) {
  lowest <- NA_real_
  report <- function(state, objective, iteration) {
    lowest <<- min(lowest, objective, na.rm = TRUE)
    iterates <<- iterates - 1
    if (iterates == 0) signalCondition(enough())
  }
  tryCatch(
    {
      watched <- adapter$observe(call, env, report)
      if (!identical(watched, call)) eval(watched, env)
    },
    warmstart_enough = function(condition) NULL,
    error = function(e) NULL
  )
  lowest
}

enough <- function() {
  structure(class = c("warmstart_enough", "condition"), list(message = "enough", call = NULL))
}

#' Does one valley hold two points?
#'
#' Whether `f` falls all the way from one to the other, or falls and then rises: where it rises and
#' falls again there is a ridge between them, and a fit that begins at the one need not end where
#' one does that begins at the other. What is seen are some points of the straight line between
#' them: it is evidence, no proof.
#' @param f A function of the parameters, to be minimised; what is not finite is a ridge.
#' @param from,to Vectors: where a cold fit begins, and the point in question.
#' @param values What `f` is known to be at the two; NA where it is not known.
#' @return TRUE or FALSE; FALSE also where `f` is not lower at `to`.
#' @noRd
is_one_valley <- function(f, from, to, values = c(NA_real_, NA_real_), points = valley_points) {
  value_of <- function(par) tryCatch(as.vector(f(par))[[1]], error = function(e) NA_real_)
  if (is.na(values[[1]])) values[[1]] <- value_of(from)
  if (is.na(values[[2]])) values[[2]] <- value_of(to)
  if (!isTRUE(values[[2]] <= values[[1]])) {
    return(FALSE)
  }
  share <- seq_len(points) / (points + 1)
  between <- vapply(share, function(share) value_of(from + share * (to - from)), 1)
  along <- c(values[[1]], between, values[[2]])
  if (!all(is.finite(along))) {
    return(FALSE)
  }
  rounding <- 1e-9 * max(abs(along))
  change <- diff(along)
  rises <- which(change > rounding)
  falls <- which(change < -rounding)
  length(rises) == 0 || length(falls) == 0 || max(falls) < min(rises)
}

valley_points <- 7

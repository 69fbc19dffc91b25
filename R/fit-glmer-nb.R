# Tests: test-fit-lme4.R.

#' The adapter for lme4::glmer.nb
#'
#' It fits a glmer for each theta of the negative binomial that it tries, by refit(), which takes no
#' function of ours for an optimiser beside glmer's own two. So only finished fits are kept. From a
#' near fit's parameters (`start`) it takes as long as cold, and from its theta of the negative
#' binomial (`initCtrl`) longer: 1.7 times with the ticks of lme4's grouseticks.
#' @noRd
adapter_glmer_nb <- function() {
  warm_adapter(
    name = "lme4::glmer.nb",
    identify = identify_glmer_nb,
    state = finished_glmer_nb,
    restore = restore_glmer_nb,
    converged = lme4_converged,
    compare = compare_lme4
  )
}

# Most of its arguments are glmer's, and need no name.
name_nb_arguments <- function(call, env) {
  fitter <- eval(call[[1]], env)
  own <- seq_along(call) %in% which(names(call) %in% names(formals(fitter)))
  passed <- as.list(call)[!own]
  named <- match.call(lme4::glmer, as.call(passed), envir = env)
  as.call(c(as.list(named), as.list(call)[own]))
}

identify_glmer_nb <- function(call, env) {
  call <- name_nb_arguments(call, env)
  refuse_unfitted(call, env, "devFunOnly", FALSE)
  identify_model(
    call, env, "lme4::glmer.nb", ignored = c("start", "verbose", "initCtrl", "devFunOnly")
  )
}

finished_glmer_nb <- function(fit) {
  list(
    state = list(), objective = -2 * as.vector(stats::logLik(fit)),
    iteration = attr(fit, "nevals") %||% NA_integer_
  )
}

# Its call is the last glmer's, of whose arguments glmer.nb() itself makes the family.
restore_glmer_nb <- function(fit, call, env) {
  if (isS4(fit) && methods::is(fit, "merMod")) {
    given <- as.list(name_nb_arguments(call, env))[-1]
    made <- as.list(fit@call)[c("formula", "family")]
    passed <- c(given[setdiff(names(given), c(names(made), "verbose"))], made)
    passed <- passed[intersect(names(formals(lme4::glmer)), names(passed))]
    fit@call <- as.call(c(fit@call[[1]], passed))
  }
  fit
}

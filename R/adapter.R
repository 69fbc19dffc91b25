# An adapter teaches warm() one fitter. It is a list of functions; `call` is always the user's
# call with its arguments named, `env` where they are to be evaluated.
#
#   recognises(fun)             is this function the fitter?
#   identify(call, env)         a model fingerprint: which fit is this?
#   seed(call, env, state, related, exact)   the call with starting values put in; signals
#                               "warmstart_seed_unfit", then or while the call runs, where the
#                               state does not fit. `exact`: the state is this very fit's;
#                               `related`: another model's, of which some terms fit; neither:
#                               the same model's on other rows
#   observe(call, env, report)  the call, watched: report(state, objective, iteration) is called
#                               for each new iterate, and never fails
#   state(fit)                  list(state, objective, iteration) of a finished fit; the state is
#                               plain data, of the same form as the reported ones
#   restore(fit, call, env)     the fit as a cold start would have left it
#   converged(fit)              did it end well?
#   compare(a, b)               named largest differences between two fits
#   versions()                  named strings: a finished fit is returned only under the same
new_warm_adapter <- function(name, recognises, identify, seed, observe, state, restore,
                             converged, compare, versions) {
  structure(
    list(
      name = name, recognises = recognises, identify = identify, seed = seed,
      observe = observe, state = state, restore = restore, converged = converged,
      compare = compare, versions = versions
    ),
    class = "warm_adapter"
  )
}

find_adapter <- function(fun) {
  for (adapter in known_adapters()) {
    if (adapter$recognises(fun)) {
      return(adapter)
    }
  }
  NULL
}

known_adapters <- function() {
  list(adapter_mgcv_gam(), adapter_mgcv_bam())
}

#' @export
format.warm_adapter <- function(x, ...) {
  paste0("<warm_adapter> ", x$name)
}

#' @export
print.warm_adapter <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  invisible(x)
}

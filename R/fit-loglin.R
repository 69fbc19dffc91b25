# To put a fitted table in takes as long as the few rounds that it saves: it starts as cold always.
adapter_loglin <- function() {
  warm_adapter(
    "stats::loglin",
    identify = function(call, env) {
      identify_call(
        call, env, "stats::loglin", ignored = "print",
        fixed = c("margin", "eps", "iter", "fit", "param")
      )
    },
    state = function(fit) list(state = list(), objective = fit$lrt, iteration = NA),
    compare = function(a, b) {
      fitted <- if (!is.null(b$fit)) max(abs(a$fit - b$fit)) / max(abs(b$fit))
      list(objective = relative_difference(a$lrt, b$lrt), fitted = fitted)
    }
  )
}

adapter_loglin <- function() {
  warm_adapter(
    "stats::loglin",
    relations = "rows",
    identify = function(call, env) {
      identify_call(
        call, env, "stats::loglin", ignored = "print",
        fixed = c("margin", "eps", "iter", "fit", "param")
      )
    },
    seed = seed_loglin,
    state = function(fit) {
      list(
        state = list(fitted = as.vector(fit$fit), dim = dim(fit$fit)), objective = fit$lrt,
        iteration = NA
      )
    },
    compare = function(a, b) {
      fitted <- if (!is.null(b$fit)) max(abs(a$fit - b$fit)) / max(abs(b$fit))
      list(objective = relative_difference(a$lrt, b$lrt), fitted = fitted)
    }
  )
}

# A start keeps what it has beyond the margins, so only one that follows the same model is none
# but a start; and a cell that starts empty stays so.
seed_loglin <- function(call, env, state, relation) {
  check_own_start(call, "start", relation)
  table <- eval(call$table, env)
  fitted <- if (is.list(state)) state$fitted
  if (!is.numeric(fitted) || length(fitted) == 0 ||
    !identical(as.integer(state$dim), dim(table)) || length(fitted) != length(table)) {
    stop_seed_unfit("it is no fitted table of this model")
  }
  if (!all(is.finite(fitted)) || any(fitted <= 0)) {
    stop_seed_unfit("it has empty cells")
  }
  put_lazily(call, "start", function() fitted)
}

# nnet ends in one of many optima, which one its weights at the start decide: it starts as cold
# always. They are random unless given, so the generator's state counts.
adapter_nnet <- function() {
  warm_adapter(
    "nnet::nnet",
    identify = function(call, env) identify_call(call, env, "nnet::nnet", ignored = "trace"),
    state = function(fit) list(state = list(), objective = fit$value, iteration = NA),
    observe = function(call, env, report) {
      # The generic's `x` goes by another name in its methods.
      names(call)[names(call) == "x"] <- ""
      call
    },
    restore = restore_nnet,
    random = function(call, env) is.null(call$Wts),
    converged = function(fit) isTRUE(fit$convergence == 0)
  )
}

# The call is that of the method, by its own names.
restore_nnet <- function(fit, call, env) {
  if (inherits(fit, "nnet") && is.call(fit$call)) {
    method <- if (inherits(fit, "nnet.formula")) "formula" else "default"
    names(call)[names(call) == "x"] <- ""
    called <- fit$call[[1]]
    fit$call <- match.call(
      utils::getS3method("nnet", method, envir = asNamespace("nnet")), call, envir = env
    )
    fit$call[[1]] <- called
  }
  fit
}

# Its optimiser ends up to some hundredths of a standard error away from the one optimum, and where
# depends on the start: from another fit's end it would not be the cold fit, nor sooner there.
adapter_multinom <- function() {
  warm_adapter(
    "nnet::multinom",
    identify = function(call, env) {
      identify_model(
        call, env, "nnet::multinom", aligned = c("weights", "subset"), ignored = "trace"
      )
    },
    state = function(fit) list(state = list(), objective = fit$deviance, iteration = NA),
    restore = restore_written(),
    converged = function(fit) isTRUE(fit$convergence == 0),
    compare = compare_in_errors(function(fit) list(objective = fit$deviance))
  )
}

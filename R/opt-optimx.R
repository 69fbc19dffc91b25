# Tests: test-opt-stats.R, test-opt-near.R.

adapter_optimr <- function() {
  adapter_optimiser(
    "optimx::optimr", "par", "fn", quote(fn(par, ...)),
    result = function(fit) {
      # A convergence of 9998 is a failure, with a value that is none.
      optimum(
        as.vector(fit$par), as.vector(fit$value),
        ended_by_code(fit$convergence) && !anyNA(fit$par)
      )
    },
    hessian = "hess", bounds = c("lower", "upper"), sign = optimx_sign,
    lasts = may_begin_elsewhere,
    unit = unit_optimr, settings = settings_optimr, restore = restore_optimr
  )
}

# The result has the name of its objective, where the call as written names the argument.
restore_optimr <- function(fit, call, env, values, written) {
  if (!is.null(attr(fit$value, "fname"))) {
    attr(fit$value, "fname") <- as.list(written)$fn %||% "(no_name)"
  }
  restore_call(fit, call, env)
}

# What stops the other methods is in the parameters' own units, or in those of the gradient.
unit_optimr <- function(call, env, near) {
  method <- argument_of(call, env, "method", "")
  control <- control_of(call, env)
  is_set <- length(intersect(names(control), c("parscale", "fnscale", "ndeps", "pgtol"))) > 0
  if (is_set || isTRUE(argument_of(call, env, "hessian", FALSE))) {
    NULL
  } else if (identical(method, "Nelder-Mead")) {
    10 * near$step
  } else if (method %in% c("BFGS", "L-BFGS-B", "nlminb")) {
    1
  }
}

# optimr() may take differences as long as the parameters are large.
settings_optimr <- function(call, env, at, near, given) {
  if (eval(call$method, env) == "Nelder-Mead") call else away_from_zero(call, "par", at)
}

# Of several methods in one call, each has its own result.
adapter_optimx <- function() {
  is_single <- function(call, env) {
    length(argument_of(call, env, "method", 1:2)) == 1 && may_begin_elsewhere(call, env)
  }
  adapter_optimiser(
    "optimx::optimx", "par", "fn", quote(fn(par, ...)),
    result = function(fit) {
      best <- which.min(fit$value * if (isTRUE(attr(fit, "maximize"))) -1 else 1)
      row <- as.data.frame(fit)[c(best, 1)[[1]], ]
      par <- unlist(row[seq_len(attr(fit, "npar"))])
      optimum(par, row$value, ended_by_code(row$convcode))
    },
    hessian = "hess", bounds = c("lower", "upper"), sign = optimx_sign,
    lasts = is_single
  )
}

optimx_sign <- function(call, env) {
  if (isTRUE(control_of(call, env)$maximize)) -1 else fnscale_sign(call, env)
}

# stats::optim and constrOptim. -----------------------------------------------------------------

adapter_optim <- function() {
  adapter_optimiser(
    "stats::optim", "par", "fn", quote(fn(par, ...)),
    result = function(fit) {
      optimum(fit$par, fit$value, ended_by_code(fit$convergence))
    },
    bounds = c("lower", "upper"), sign = fnscale_sign, effort = effort_optim,
    # What SANN calls its gradient draws another point.
    recorded = function(call, env) if (optim_method(call, env) != "SANN") "gr",
    unit = function(call, env, near) unit_optim(call, env, near, optim_method(call, env)),
    settings = settings_optim, finish = finish_optim,
    lasts = function(call, env) {
      !optim_method(call, env) %in% c("SANN", "Brent") && may_begin_elsewhere(call, env)
    },
    random = function(call, env) optim_method(call, env) == "SANN"
  )
}

# As optim() finds it; its own complaints come from itself.
optim_method <- function(call, env) {
  method <- argument_of(call, env, "method", "Nelder-Mead")
  bounds <- c(argument_of(call, env, "lower", -Inf), -argument_of(call, env, "upper", Inf))
  bounded <- c("L-BFGS-B", "Brent")
  matched <- tryCatch(
    match.arg(method, c("Nelder-Mead", "BFGS", "CG", "SANN", bounded)),
    error = function(e) "Nelder-Mead"
  )
  if (any(bounds > -Inf) && !matched %in% bounded) "L-BFGS-B" else matched
}

# Conjugate gradients may take any number of steps.
may_begin_elsewhere <- function(call, env) !"CG" %in% argument_of(call, env, "method", "")

# A first step along the gradient is as long as it should be where the objective's curvature is 1.
# The first simplex of Nelder-Mead is a tenth of a unit wide.
unit_optim <- function(call, env, near, method) {
  control <- control_of(call, env)
  if (method == "Nelder-Mead") {
    10 * near$step
  } else if (!isTRUE(control$pgtol > 0)) {
    sqrt(abs(control$fnscale %||% 1))
  }
}

# Differences stay as long as they were, as far as that is sensible. All tolerances are the
# objective's.
settings_optim <- function(call, env, at, near, given) {
  control <- control_of(call, env)
  steps <- (control$ndeps %||% 1e-3) * (control$parscale %||% 1) / diag(at$root)
  control$parscale <- NULL
  control$ndeps <- pmin(pmax(steps, 1e-3), 0.1)
  call$control <- control
  call$hessian <- NULL
  call
}

finish_optim <- function(fit, call, env, at) {
  if (isTRUE(argument_of(call, env, "hessian", FALSE))) {
    call <- call[!names(call) %in% c("method", "lower", "upper", "hessian")]
    call[[1]] <- stats::optimHess
    call$par <- fit$par
    fit$hessian <- eval(call, env)
  }
  fit
}

# Nelder-Mead counts evaluations, the others steps, of which each takes a gradient at least.
effort_optim <- function(fit, call, env) {
  by_values <- optim_method(call, env) == "Nelder-Mead"
  limit <- control_of(call, env)$maxit %||% if (by_values) 500 else 100
  fit$counts[[if (by_values) "function" else "gradient"]] / limit
}

adapter_constr_optim <- function() {
  adapter_optimiser(
    "stats::constrOptim", "theta", "f", quote(f(theta, ...)),
    result = function(fit) {
      optimum(fit$par, fit$value, ended_by_code(fit$convergence, c(1, 7)))
    },
    gradient = "grad", sign = fnscale_sign, lasts = may_begin_elsewhere,
    effort = function(fit, call, env) {
      fit$outer.iterations / argument_of(call, env, "outer.iterations", 100)
    },
    is_inside = interior_of,
    unit = function(call, env, near) {
      method <- argument_of(call, env, "method", if (is.null(call$grad)) "Nelder-Mead" else "BFGS")
      if (method != "SANN" && is.null(call$hessian)) unit_optim(call, env, near, method)
    },
    settings = function(call, env, at, near, given) {
      call <- settings_optim(call, env, at, near, given)
      ui <- eval(call$ui, env)
      call$ui <- ui %*% at$root
      call$ci <- eval(call$ci, env) - drop(ui %*% at$origin)
      call
    }
  )
}

# From where a constraint nearly holds with equality, its method does not get away.
interior_of <- function(call, env, given) {
  ui <- eval(call$ui, env)
  ci <- eval(call$ci, env)
  slack <- function(theta) drop(ui %*% theta) - ci
  enough <- 1e-3 * slack(given)
  function(theta) all(slack(theta) > enough)
}

# stats::nlm and nlminb. ------------------------------------------------------------------------

adapter_nlm <- function() {
  adapter_optimiser(
    "stats::nlm", "p", "f", quote(f(x, ...)),
    result = function(fit) {
      optimum(fit$estimate, fit$minimum, if (fit$code == 4) NA else fit$code < 4)
    },
    effort = function(fit, call, env) fit$iterations / argument_of(call, env, "iterlim", 100),
    gradient = NULL, par = "estimate", named = FALSE, functions = "f",
    ignored = c("print.level", "check.analyticals"),
    gradient_of = function(result) attr(result, "gradient"),
    change_value = function(result, root) {
      for (name in intersect(c("gradient", "hessian"), names(attributes(result)))) {
        change <- if (name == "gradient") gradient_in else hessian_in
        attr(result, name) <- change(attr(result, name), root)
      }
      result
    },
    unit = function(call, env, near) if (is.null(call$stepmax)) 1,
    settings = settings_nlm, finish = finish_nlm
  )
}

# Away from zero, so that what is relative to the parameters' size, as the length of differences,
# is no longer than for the user's own. So is the change of parameters that it stops at; the
# gradient is measured for the parameter that it is largest for.
settings_nlm <- function(call, env, at, near, given) {
  size <- pmax(abs(at$origin), argument_of(call, env, "typsize", 1))
  shift <- min(size / at$reach)
  steepest <- max(size * colSums(abs(solve(at$root))))
  call$p[] <- shift
  call$gradtol <- argument_of(call, env, "gradtol", 1e-6) * max(shift, 1) / steepest
  call$steptol <- argument_of(call, env, "steptol", 1e-6) * min(shift, 1)
  call$typsize <- call$hessian <- NULL
  call
}

# Where it is content with any gradient, it ends at once, and makes its Hessian there.
finish_nlm <- function(fit, call, env, at) {
  if (isTRUE(argument_of(call, env, "hessian", FALSE))) {
    call$p[] <- fit$estimate
    call$print.level <- 0
    call$gradtol <- .Machine$double.xmax
    made <- eval(call, env)
    replace(fit, c("gradient", "hessian"), made[c("gradient", "hessian")])[names(made)]
  } else {
    replace(fit, "gradient", list(gradient_in(fit$gradient, solve(at$root))))
  }
}

adapter_nlminb <- function() {
  adapter_optimiser(
    "stats::nlminb", "start", "objective", quote(objective(.par, ...)),
    result = function(fit) {
      limited <- grepl("limit reached", fit$message, fixed = TRUE)
      ended <- if (fit$convergence == 0) TRUE else if (limited) NA else FALSE
      optimum(fit$par, fit$objective, ended)
    },
    effort = function(fit, call, env) {
      control <- control_of(call, env)
      c(
        fit$iterations / (control$iter.max %||% 150),
        fit$evaluations[["function"]] / (control$eval.max %||% 200)
      )
    },
    gradient = "gradient", hessian = "hessian", bounds = c("lower", "upper"),
    unit = function(call, env, near) {
      in_units <- c("step.min", "step.max")
      if (is.null(call$scale) && !any(in_units %in% names(control_of(call, env)))) 1
    },
    settings = settings_nlminb
  )
}

# Away from zero, so that a relative change of the parameters stays what it is.
settings_nlminb <- function(call, env, at, near, given) away_from_zero(call, "start", at)

away_from_zero <- function(call, start, at) {
  call[[start]][] <- max(abs(at$origin)) / max(at$reach)
  call
}

# stats::optimize, and by its other name optimise. It begins at no point, so that its end is no
# start for others.
adapter_optimize <- function() {
  adapter_optimiser(
    "stats::optimize", "interval", "f", quote(f(arg, ...)),
    result = function(fit) optimum(fit$minimum %||% fit$maximum, fit$objective, TRUE),
    sign = function(call, env) {
      if (isTRUE(argument_of(call, env, "maximum", FALSE))) -1 else 1
    },
    lasts = function(call, env) FALSE,
    gradient = NULL, functions = "f"
  )
}

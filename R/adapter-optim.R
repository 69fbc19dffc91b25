# stats::optim and constrOptim. -----------------------------------------------------------------

adapter_optim <- function() {
  adapter_optimiser(
    "stats::optim", "par", "fn", quote(fn(par, ...)),
    result = function(fit) {
      optimum(fit$par, fit$value, fit$counts[["function"]], ended_by_code(fit$convergence))
    },
    sign = fnscale_sign,
    tune = tune_optim,
    lasts = function(call, env) !optim_method(call, env) %in% c("SANN", "Brent"),
    seed = function(optimiser, call, env, state) {
      start <- if (optim_method(call, env) == "Brent") replay_search else start_from
      start(optimiser, call, env, state)
    },
    observe = function(optimiser, call, env, report) {
      switch(optim_method(call, env),
        Brent = observe_search(optimiser, call, env, report),
        SANN = observe_objective(optimiser, call, env, report_annealing(call, env, report)),
        observe_objective(optimiser, call, env, report)
      )
    }
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

tune_optim <- function(call, env, state, given) {
  switch(optim_method(call, env),
    Brent = call,
    SANN = set_control(call, env, maxit = annealing_left(state)),
    scale_optim(call, env, "par", "fn", "gr")
  )
}

# In units in which the objective is equally curved along each parameter, the first step, along the
# gradient, is about as long as it should be, and a simplex well shaped. Differences for a numerical
# gradient stay as they were.
scale_optim <- function(call, env, start, objective, gradient) {
  control <- control_of(call, env)
  own <- control$parscale %||% 1
  if (isTRUE(control$pgtol > 0)) {
    return(call)
  }
  scale <- scale_at(
    call, env, start, objective, !is.null(eval(call[[gradient]], env)), fnscale_sign(call, env),
    argument_of(call, env, "lower", -Inf), argument_of(call, env, "upper", Inf)
  )
  if (is.null(scale)) {
    return(call)
  }
  scale <- scale * sqrt(abs(control$fnscale %||% 1))
  steps <- rep_len(control$ndeps %||% 1e-3, length(scale)) * own / scale
  set_control(call, env, parscale = scale, ndeps = steps)
}

# Simulated annealing makes as many evaluations as it is told to: after an interruption, those that
# were left.
report_annealing <- function(call, env, report) {
  maxit <- control_of(call, env)$maxit %||% 10000
  function(state, objective, iteration) {
    report(c(state, list(left = max(maxit - iteration, 1))), objective, iteration)
  }
}

annealing_left <- function(state) {
  left <- state[["left"]]
  if (!is_number(left)) {
    stop_seed_unfit("a search by simulated annealing starts from the call's own point")
  }
  left
}

adapter_constr_optim <- function() {
  adapter_optimiser(
    "stats::constrOptim", "theta", "f", quote(f(theta, ...)),
    result = function(fit) {
      optimum(fit$par, fit$value, fit$counts[["function"]], ended_by_code(fit$convergence, c(1, 7)))
    },
    sign = fnscale_sign,
    tune = function(call, env, state, given) {
      inside <- eval(call$ui, env) %*% call$theta - eval(call$ci, env)
      if (!all(inside > 0)) {
        stop_seed_unfit("it is not in the interior of the feasible region")
      }
      scale_optim(call, env, "theta", "f", "grad")
    },
    functions = c("f", "grad")
  )
}

# stats::nlm and nlminb. ------------------------------------------------------------------------

adapter_nlm <- function() {
  adapter_optimiser(
    "stats::nlm", "p", "f", quote(f(x, ...)),
    result = function(fit) {
      optimum(fit$estimate, fit$minimum, NA, if (fit$code == 4) NA else fit$code < 4)
    },
    tune = scale_nlm,
    functions = "f", ignored = c("print.level", "check.analyticals")
  )
}

# Its first guess of the Hessian is made of `typsize`. So is the measure of the gradient; it is to
# be no smaller than for the user's own.
scale_nlm <- function(call, env, state, given) {
  has_gradient <- !is.null(attr(objective_at(call, env, "f")(call$p), "gradient"))
  scale <- scale_at(call, env, "p", "f", has_gradient)
  if (is.null(scale)) {
    return(call)
  }
  own <- argument_of(call, env, "typsize", 1)
  looser <- max(pmax(abs(call$p), own) / pmax(abs(call$p), scale), 1)
  call$typsize <- scale
  call$gradtol <- argument_of(call, env, "gradtol", 1e-6) / looser
  call
}

adapter_nlminb <- function() {
  adapter_optimiser(
    "stats::nlminb", "start", "objective", quote(objective(.par, ...)),
    result = function(fit) {
      limited <- grepl("limit reached", fit$message, fixed = TRUE)
      ended <- if (fit$convergence == 0) TRUE else if (limited) NA else FALSE
      optimum(fit$par, fit$objective, fit$evaluations[["function"]], ended)
    },
    tune = scale_nlminb,
    functions = c("objective", "gradient", "hessian")
  )
}

# Its first guess of the Hessian, and the bound of its first step, are made of `scale`.
scale_nlminb <- function(call, env, state, given) {
  scale <- if (is.null(call$scale)) {
    scale_at(
      call, env, "start", "objective", !is.null(eval(call$gradient, env)), 1,
      argument_of(call, env, "lower", -Inf), argument_of(call, env, "upper", Inf)
    )
  }
  if (!is.null(scale)) call$scale <- 1 / scale
  call
}

# Tests: test-opt-stats.R, test-opt-near.R.

adapter_nloptr <- function() {
  adapter_optimiser(
    "nloptr::nloptr", "x0", "eval_f", quote(eval_f(x, ...)),
    result = function(fit) {
      status <- fit$status
      ended <- if (status %in% 5:6) NA else status > 0
      optimum(fit$solution, fit$objective, ended)
    },
    effort = function(fit, call, env) {
      limit <- control_of(call, env, "opts")$maxeval %||% 100
      if (limit > 0) fit$iterations / limit else 0
    },
    gradient = "eval_grad_f", bounds = c("lb", "ub"), par = "solution", named = FALSE,
    value_of = function(result) if (is.list(result)) result$objective else result,
    gradient_of = function(result) if (is.list(result)) result$gradient,
    change_value = function(result, root) {
      if (is.list(result)) result$gradient <- gradient_in(result$gradient, root)
      result
    },
    # Under constraints the end is no valley's bottom.
    lasts = function(call, env) {
      !is_constrained(call) && !grepl("NLOPT_G", nloptr_algorithm(call, env))
    },
    admit = admit_feasible,
    unit = unit_nloptr, settings = settings_nloptr, finish = finish_nloptr,
    check_plain = check_plain_nloptr, wrap = with_formals_of,
    functions = c("eval_f", "eval_grad_f", nloptr_constraints, "eval_jac_g_ineq", "eval_jac_g_eq"),
    control = "opts", ignored_control = c(
      "print_level", "print_options_doc", "check_derivatives", "check_derivatives_tol",
      "check_derivatives_print"
    ),
    restore = restore_nloptr
  )
}

nloptr_constraints <- c("eval_g_ineq", "eval_g_eq")

nloptr_algorithm <- function(call, env) {
  algorithm <- control_of(call, env, "opts")$algorithm
  if (is.character(algorithm)) algorithm[[1]] else ""
}

is_constrained <- function(call) any(nloptr_constraints %in% names(call))

# NLopt's first step is one unit, or a part of how far the bounds are.
unit_nloptr <- function(call, env, near) {
  algorithm <- nloptr_algorithm(call, env)
  if (!is.null(control_of(call, env, "opts")$local_opts)) {
    NULL
  } else if (grepl("NLOPT_LD", algorithm)) {
    1
  } else if (all(is.infinite(c(near$lower, near$upper)))) {
    near$step
  }
}

# It stops where the parameters have changed by little: relatively, together; or each, absolutely.
settings_nloptr <- function(call, env, at, near, given) {
  opts <- control_of(call, env, "opts")
  relative <- (opts$xtol_rel %||% 1e-4) * sum(abs(at$origin)) / sum(at$reach)
  absolute <- min((opts$xtol_abs %||% 0) / at$reach)
  set_control(call, env, xtol_rel = 0, xtol_abs = max(relative, absolute), name = "opts")
}

# The result shows much of what it was called with: that of an objective with nothing to minimise is
# like the user's own but for where it ends.
finish_nloptr <- function(fit, call, env, at) {
  gradient <- eval(call$eval_grad_f, env)
  has_both <- is.null(gradient) && grepl("NLOPT_LD", nloptr_algorithm(call, env))
  flat <- function(x, ...) if (has_both) list(objective = 0, gradient = 0 * x) else 0
  call$eval_f <- with_formals_of(eval(call$eval_f, env), flat)
  opts <- control_of(call, env, "opts")
  loud <- intersect(names(opts), c("print_level", "print_options_doc", "check_derivatives"))
  call$opts <- replace(opts, loud, 0)
  if (!is.null(gradient)) {
    call$eval_grad_f <- with_formals_of(gradient, function(x, ...) 0 * x)
  }
  own <- eval(call, env)
  own$options[loud] <- opts[loud]
  ends <- c("status", "message", "iterations", "objective", "solution", "num.evals")
  own[ends] <- fit[ends]
  own
}

# Their first step is as long as the starting point, and nloptr() cannot tell them otherwise.
check_plain_nloptr <- function(call, env) {
  if (grepl("BOBYQA|COBYLA|SBPLX", nloptr_algorithm(call, env))) {
    stop_seed_unfit("its algorithm takes longer from there than from the call's own start")
  }
}

# A point that breaks a constraint is no result, however good.
admit_feasible <- function(call, env) {
  constraints <- lapply(nloptr_constraints, function(name) eval(call[[name]], env))
  names(constraints) <- nloptr_constraints
  constraints <- Filter(is.function, constraints)
  if (length(constraints) == 0) {
    return(function(...) TRUE)
  }
  function(...) isTRUE(tryCatch(is_feasible(constraints, ...), error = function(e) FALSE))
}

is_feasible <- function(constraints, ...) {
  excess <- vapply(names(constraints), function(name) {
    value <- constraints[[name]](...)
    value <- if (is.list(value)) value$constraints else value
    max(if (name == "eval_g_eq") abs(value) else value)
  }, 1)
  all(excess <= feasible_within)
}

feasible_within <- 1e-6 # nothing is lost but a start

# nloptr() wants to know the names of the arguments.
with_formals_of <- function(given, fun) {
  names <- names(formals(args(given)))
  arguments <- stats::setNames(lapply(names, as.name), c("", names[-1]))
  outer <- function() NULL
  formals(outer) <- formals(args(given))
  body(outer) <- as.call(c(quote(fun), arguments))
  environment(outer) <- list2env(list(fun = fun), parent = baseenv())
  outer
}

# The result holds what it was called with.
restore_nloptr <- function(fit, call, env) {
  fit <- restore_call(fit, call, env)
  fit$x0 <- eval(call$x0, env)
  frame <- environment(fit$eval_f)
  assign("x0", fit$x0, frame)
  for (name in c("eval_f", "eval_grad_f")) assign(name, eval(call[[name]], env), frame)
  assign("ret", fit, frame)
  fit
}

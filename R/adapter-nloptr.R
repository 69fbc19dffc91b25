adapter_nloptr <- function() {
  adapter_optimiser(
    "nloptr::nloptr", "x0", "eval_f", quote(eval_f(x, ...)),
    result = function(fit) {
      status <- fit$status
      ended <- if (status %in% 5:6) NA else status > 0
      optimum(fit$solution, fit$objective, fit$iterations, ended)
    },
    value_of = function(result) if (is.list(result)) result$objective else result,
    lasts = function(call, env) {
      !grepl("NLOPT_G|SBPLX|BOBYQA|COBYLA", nloptr_algorithm(call, env))
    },
    tune = function(call, env, state, given) {
      algorithm <- nloptr_algorithm(call, env)
      if (grepl("DIRECT|STOGO", algorithm)) {
        stop_seed_unfit("its algorithm does not start from a point")
      }
      # NLopt makes their first step as long as the starting point, and nloptr() cannot tell it
      # otherwise.
      if (grepl("BOBYQA|COBYLA", algorithm)) {
        stop_seed_unfit("its algorithm takes longer from there than from the call's own start")
      }
      call
    },
    functions = c("eval_f", "eval_grad_f", nloptr_constraints, "eval_jac_g_ineq", "eval_jac_g_eq"),
    control = "opts", ignored_control = c(
      "print_level", "print_options_doc", "check_derivatives", "check_derivatives_tol",
      "check_derivatives_print"
    ),
    observe = observe_nloptr,
    restore = restore_nloptr
  )
}

nloptr_constraints <- c("eval_g_ineq", "eval_g_eq")

nloptr_algorithm <- function(call, env) {
  algorithm <- control_of(call, env, "opts")$algorithm
  if (is.character(algorithm)) algorithm[[1]] else ""
}

# A point that breaks a constraint is no result, however good.
observe_nloptr <- function(optimiser, call, env, report) {
  constraints <- lapply(nloptr_constraints, function(name) eval(call[[name]], env))
  names(constraints) <- nloptr_constraints
  constraints <- Filter(is.function, constraints)
  admit <- if (length(constraints) > 0) {
    function(...) isTRUE(tryCatch(is_feasible(constraints, ...), error = function(e) FALSE))
  }
  optimiser$admit <- admit
  given <- eval(call$eval_f, env)
  call <- observe_objective(optimiser, call, env, report)
  if (is.function(given)) call$eval_f <- with_formals_of(given, call$eval_f)
  call
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
  assign("eval_f", eval(call$eval_f, env), frame)
  assign("ret", fit, frame)
  fit
}

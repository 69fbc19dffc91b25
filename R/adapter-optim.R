# Optimisers, which differ in how their arguments and results are called and in what they make of
# a starting point: what adapter_optimiser() takes.

#' Optimisers under warm()
#'
#' [warm()] knows [stats::optim()], [stats::nlm()], [stats::nlminb()], [stats::optimize()],
#' [stats::constrOptim()], `nloptr::nloptr()`, `optimx::optimr()`, `optimx::optimx()`,
#' `minqa::bobyqa()`, `minqa::newuoa()` and `minqa::uobyqa()`. It watches the objective, keeps the
#' best point that it was evaluated at, and starts from that point after a crash.
#'
#' @section What makes it the same optimisation?:
#' The objective and its gradient count by their definition and by the values of what they find in
#' their surroundings; further arguments (`...`), starting values, bounds, method and control count
#' by their values. What only prints (`control$trace`, `print.level`) does not. Another objective,
#' starting point, bound or limit is another optimisation, and nothing is carried over: of a
#' multi-start each start has its own result. An objective that counts its own calls in a variable
#' is another one once the variable has changed; one that holds external pointers, as TMB's do, has
#' no key and is left alone: see [warm_objective()].
#'
#' @section When does it start from an earlier result?:
#' When only data differ: what has more than one row or element, in the objective's surroundings or
#' in `...`. The result on other data is then the start, if the objective is lower there than at
#' the call's own starting values. Starting values that are computed from the data make each data
#' set an optimisation of its own. An objective with several local minima may end in another one
#' from there; `near = FALSE` starts where the call says.
#'
#' @section What is lost at a restart?:
#' A restart knows one point, and not what the optimiser had learned:
#' * Nelder-Mead loses the simplex; the new one's shape is set by `parscale` from the curvature at
#'   the new start. It is a rough method: how many evaluations it takes, and where near the end
#'   it stops, depends on the start by chance.
#' * BFGS, L-BFGS-B and CG lose the approximate Hessian or the conjugate directions. `parscale` is
#'   set from the curvature, and `ndeps` so that differences stay as long. All of this holds for
#'   `constrOptim()`, too.
#' * `nlm()` loses the secant Hessian. `typsize` is set from the curvature, and `gradtol` so that it
#'   is no looser than before.
#' * `nlminb()` loses the secant Hessian and the trust region. `scale` is set from the curvature.
#' * `bobyqa()`, `newuoa()` and `uobyqa()` lose the quadratic model. `rhobeg` is set from the
#'   curvature, and `rhoend` to what it would have been.
#' * SANN loses the temperature, and goes on for the evaluations that were left.
#' * Brent and `optimize()` lose nothing: the evaluations made before are kept and given again.
#' * `optimr()`, `optimx()` and `nloptr()` lose what their methods do; only the starting point is
#'   set. Several methods in one call of `optimx()` are kept when all are done. The algorithms
#'   BOBYQA and COBYLA of nloptr, which take longer from there, and DIRECT and StoGO, which start
#'   from no point, begin again.
#'
#' The curvature takes two evaluations a parameter and one more, and is left out for more than 10
#' parameters where there is a gradient. Nothing is set where what you set is in the way (`scale`,
#' a positive `pgtol`), or where the objective is not curved upwards along each parameter.
#'
#' Results on other data are no start for SANN, Brent and `optimize()`, nor for the global
#' algorithms of nloptr, its BOBYQA, COBYLA and SBPLX, which begin as the call says.
#'
#' @section What are the counts and limits after a restart?:
#' Those of the optimiser's own last run: `counts`, `iterations` and `maxit` begin anew. A run that
#' was interrupted may so take more steps in all than its limit says; simulated annealing, whose
#' `maxit` is what it does, makes no more evaluations in all than it says. A result that has
#' reached its limit is the result of this call: it is kept and returned like any other, and never
#' a start for other data. If a run from other data's result reaches its limit, it is made again
#' from the call's own start. A result that the optimiser calls a failure is not kept: the same
#' line starts from the best point.
#'
#' @section Is it the same result?:
#' Its parts, names and class are the optimiser's own, with the attribute that [warm_info()] reads.
#' `par` is that of a cold start within the optimiser's tolerance; `reltol` and its kin say how near
#' that is. Where the optimiser maximises (`fnscale` below 0, `maximum = TRUE`,
#' `maximize = TRUE`), the store has the value that is minimised. Simulated annealing draws random
#' numbers: resumed, it goes on with those that come next, and its result is another one than
#' without the interruption. The objective is evaluated a few times more than the optimiser counts
#' where it starts from other data; its random numbers are put back then.
#'
#' @section What does it cost?:
#' About a microsecond an evaluation.
#'
#' @name warm-optimisers
#' @seealso [warm()]; [warm_objective()] for other optimisers.
#' @examples
#' wait <- faithful$waiting
#' likelihood <- function(par, x) -sum(dgamma(x, exp(par[1]), exp(par[2]), log = TRUE))
#' store <- warm_store(tempfile("store"))
#' start <- c(shape = 0, rate = 0)
#' fit <- warm(optim(start, likelihood, x = wait[-(1:20)], method = "BFGS"), store)
#' all <- warm(optim(start, likelihood, x = wait, method = "BFGS"), store)
#' warm_info(all)
NULL

adapters_optimisers <- function() {
  c(
    list(
      adapter_optim(), adapter_constr_optim(), adapter_nlm(), adapter_nlminb(),
      adapter_optimize(), adapter_nloptr(), adapter_optimr(), adapter_optimx()
    ),
    lapply(c("bobyqa", "newuoa", "uobyqa"), adapter_minqa)
  )
}

#' An adapter for an optimiser
#'
#' @param start,objective Names of its arguments for the starting point and the
#'   objective.
#' @param called How it calls the objective, which is what an error names.
#' @param result `function(fit)`: `par`, `value`, `evaluations` (or NA) and
#'   `ended`: TRUE, NA at a limit that the call sets, else FALSE.
#' @param sign `function(call, env)`: -1 where it maximises.
#' @param tune `function(call, env, state, given)`: the call, whose starting point
#'   is already the stored one, and was `given`, with what else suits a warm start.
#' @param lasts `function(call, env)`: is its end a start for the same objective
#'   on other data?
#' @noRd
adapter_optimiser <- function(name, start, objective, called, result,
                              sign = function(call, env) 1,
                              tune = function(call, env, state, given) call,
                              lasts = function(call, env) TRUE,
                              functions = c(objective, "gr"), ignored = character(),
                              control = "control", ignored_control = c("trace", "REPORT"),
                              value_of = NULL, seed = start_from,
                              observe = observe_objective, restore = restore_call) {
  optimiser <- list(
    start = start, objective = objective, called = called, sign = sign, value_of = value_of
  )
  warm_adapter(
    name,
    identify = function(call, env) {
      identify_call(
        call, env, name,
        ignored = ignored, fixed = setdiff(formals_of(call, env), c(functions, "...")),
        ignored_control = ignored_control, control = control
      )
    },
    seed = function(call, env, state, relation) {
      given <- eval(call[[start]], env)
      seeded <- tune(seed(optimiser, call, env, state), env, state, given)
      if (relation == "exact") seeded else compare_starts(optimiser, seeded, env, given)
    },
    observe = function(call, env, report) observe(optimiser, call, env, report),
    state = function(fit, call, env) {
      end <- result(fit)
      list(
        state = if (lasts(call, env)) list(par = end$par) else list(),
        objective = sign(call, env) * end$value,
        iteration = end$evaluations
      )
    },
    restore = restore,
    converged = function(fit) result(fit)$ended,
    compare = function(a, b) compare_optima(result(a), result(b))
  )
}

formals_of <- function(call, env) {
  names(formals(args(eval(call[[1]], env))))
}

control_of <- function(call, env, name = "control") {
  control <- eval(call[[name]], env)
  if (is.list(control)) control else list()
}

set_control <- function(call, env, ..., name = "control") {
  call[[name]] <- utils::modifyList(control_of(call, env, name), list(...))
  call
}

# An argument that has a default is there too.
argument_of <- function(call, env, name, default) {
  if (is.null(call[[name]])) default else eval(call[[name]], env)
}

start_from <- function(optimiser, call, env, state) {
  given <- eval(call[[optimiser$start]], env)
  point <- if (is.list(state)) state[["par"]]
  if (!is.numeric(point) || length(point) == 0 || !all(is.finite(point))) {
    stop_seed_unfit("it has no point to start from")
  }
  if (length(point) != length(given)) {
    stop_seed_unfit(paste("it has", counted(length(point), "parameter"), "and this", length(given)))
  }
  given[] <- as.vector(point) # with the names that the user gave
  call[[optimiser$start]] <- given
  call
}

# On other data a stored point must be better than the user's own start, or it is none.
compare_starts <- function(optimiser, call, env, given) {
  objective <- eval(call[[optimiser$objective]], env)
  compared <- compared_once(objective, given, optimiser$sign(call, env), optimiser$value_of)
  call[[optimiser$objective]] <- with_formals_of(objective, compared)
  call
}

# The objective, which compares the two starts when it is called for the first time: there, its
# further arguments are at hand.
compared_once <- function(fn, given, sign, value_of) {
  first <- TRUE
  read <- function(result) {
    value <- if (is.null(value_of)) result else value_of(result)
    if (is.numeric(value) && length(value) == 1 && !is.na(value)) sign * value else Inf
  }
  function(par, ...) {
    result <- fn(par, ...)
    if (first) {
      first <<- FALSE
      random <- save_random_state()
      own <- tryCatch(read(fn(given, ...)), error = function(e) Inf)
      restore_random_state(random)
      if (read(result) > own || !is.finite(read(result))) {
        stop_seed_unfit("on these data it is no better than the call's own start")
      }
    }
    result
  }
}

#' The scale of each parameter at a starting point
#'
#' One over the root of the objective's second derivative: where the objective is
#' a negative log likelihood, about a standard error. NULL where it has no
#' minimum nearby, or would take too many evaluations: two a parameter, as many as
#' one gradient by differences.
#' @noRd
scale_at <- function(call, env, start, objective, has_gradient, sign = 1,
                     lower = -Inf, upper = Inf) {
  point <- call[[start]]
  if (has_gradient && length(point) > scale_up_to) {
    return(NULL)
  }
  random <- save_random_state()
  on.exit(restore_random_state(random))
  tryCatch(
    suppressWarnings({
      value_at <- objective_at(call, env, objective)
      value <- value_at(point)
      lower <- rep_len(lower, length(point))
      upper <- rep_len(upper, length(point))
      curvature <- vapply(seq_along(point), function(j) {
        along <- function(x) if (x == point[[j]]) value else value_at(replace(point, j, x))
        second_difference(function(x) sign * along(x), point[[j]], c(lower[[j]], upper[[j]]))
      }, 1)
      if (all(is.finite(curvature) & curvature > 0)) 1 / sqrt(curvature)
    }),
    error = function(e) NULL
  )
}

scale_up_to <- 10 # parameters: with a gradient, evaluations are few

second_difference <- function(f, at, bounds) {
  step <- 1e-3 * max(abs(at), 0.1)
  at <- max(min(at, bounds[[2]] - step), bounds[[1]] + step)
  values <- c(f(at - step), f(at), f(at + step))
  difference <- values[[1]] - 2 * values[[2]] + values[[3]]
  # Below that, it is rounding.
  if (difference > 1e-11 * max(abs(values))) difference / step^2 else NA_real_
}

# The objective as a function of the parameters alone, with the call's further arguments.
objective_at <- function(call, env, objective) {
  fn <- eval(call[[objective]], env)
  further <- as.list(call)[-1]
  further <- lapply(further[!names(further) %in% formals_of(call, env)], eval, env)
  function(point) as.vector(do.call(fn, c(list(point), further), quote = TRUE))
}

observe_objective <- function(optimiser, call, env, report) {
  objective <- eval(call[[optimiser$objective]], env)
  if (is.function(objective)) {
    watch <- watch_objective(
      objective, optimiser$sign(call, env), function(state, objective, iteration) {
        report(state["par"], objective, iteration)
      },
      optimiser$called, optimiser$value_of, optimiser$admit
    )
    call[[optimiser$objective]] <- watch$fn
  }
  call
}

# By the size of the parameters, as far as they are larger than 1.
compare_optima <- function(a, b) {
  size <- max(abs(b$value), .Machine$double.eps)
  list(
    objective = abs(a$value - b$value) / size,
    coefficients = max(abs(a$par - b$par) / pmax(abs(b$par), 1))
  )
}

optimum <- function(par, value, evaluations, ended) {
  list(par = par, value = value, evaluations = evaluations, ended = ended)
}

# A code of 0 is success, and 1 a limit reached.
ended_by_code <- function(code, limits = 1) {
  if (code %in% limits) NA else code == 0
}

fnscale_sign <- function(call, env) {
  if (isTRUE(control_of(call, env)$fnscale < 0)) -1 else 1
}

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
  if (!is.numeric(left) || length(left) != 1 || !is.finite(left)) {
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

# stats::optimize. ------------------------------------------------------------------------------

adapter_optimize <- function() {
  adapter_optimiser(
    "stats::optimize", "interval", "f", quote(f(arg, ...)),
    result = function(fit) {
      optimum(fit$minimum %||% fit$maximum, fit$objective, NA, TRUE)
    },
    sign = function(call, env) {
      if (isTRUE(argument_of(call, env, "maximum", FALSE))) -1 else 1
    },
    lasts = function(call, env) FALSE,
    functions = "f",
    seed = replay_search,
    observe = observe_search
  )
}

#' Watch a search in an interval
#'
#' Brent's method makes few evaluations, and what they were is all that its next
#' one depends on. So they are the state: resumed, it gets them again and goes
#' the same way, to the same result.
#' @noRd
observe_search <- function(optimiser, call, env, report) {
  fn <- eval(call[[optimiser$objective]], env)
  note <- new_search(optimiser$sign(call, env), report)
  watched <- function(par, ...) {
    value <- fn(par, ...)
    note(par, value)
    value
  }
  if (is.function(fn)) {
    call[[optimiser$objective]] <- call_as(watched, optimiser$called)
  }
  call
}

new_search <- function(sign, report) {
  seen <- list(at = numeric(), value = numeric())
  best <- Inf
  is_time <- new_pace()
  function(at, value) {
    if (is.numeric(value) && length(value) == 1) {
      seen$at <<- c(seen$at, as.vector(at))
      seen$value <<- c(seen$value, as.vector(value))
      if (isTRUE(is.finite(value))) best <<- min(best, sign * value)
    }
    if (is.finite(best) && is_time()) report(seen, best, length(seen$at))
  }
}

replay_search <- function(optimiser, call, env, state) {
  seen <- if (is.list(state)) state[c("at", "value")]
  if (length(seen$at) == 0 || !all(vapply(seen, is.numeric, NA)) || diff(lengths(seen)) != 0) {
    stop_seed_unfit("it has no evaluations")
  }
  fn <- eval(call[[optimiser$objective]], env)
  call[[optimiser$objective]] <- function(par, ...) {
    known <- match(par, seen$at)
    if (is.na(known)) fn(par, ...) else seen$value[[known]]
  }
  call
}

# Optimisers of other packages. -----------------------------------------------------------------

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

adapter_optimr <- function() {
  adapter_optimiser(
    "optimx::optimr", "par", "fn", quote(fn(par, ...)),
    result = function(fit) {
      # A convergence of 9998 is a failure, with a value that is none.
      optimum(
        as.vector(fit$par), as.vector(fit$value), as.vector(fit$counts[[1]]),
        ended_by_code(fit$convergence) && !anyNA(fit$par)
      )
    },
    sign = optimx_sign, functions = c("fn", "gr", "hess")
  )
}

# Of several methods in one call, each has its own result.
adapter_optimx <- function() {
  is_single <- function(call, env) length(argument_of(call, env, "method", 1:2)) == 1
  adapter_optimiser(
    "optimx::optimx", "par", "fn", quote(fn(par, ...)),
    result = function(fit) {
      best <- which.min(fit$value * if (isTRUE(attr(fit, "maximize"))) -1 else 1)
      row <- as.data.frame(fit)[c(best, 1)[[1]], ]
      par <- unlist(row[seq_len(attr(fit, "npar"))])
      optimum(par, row$value, sum(fit$fevals), ended_by_code(row$convcode))
    },
    sign = optimx_sign,
    lasts = is_single,
    tune = function(call, env, state, given) {
      if (!is_single(call, env)) {
        stop_seed_unfit("several methods in one call start from the call's own point")
      }
      call
    },
    functions = c("fn", "gr", "hess")
  )
}

optimx_sign <- function(call, env) {
  if (isTRUE(control_of(call, env)$maximize)) -1 else fnscale_sign(call, env)
}

# bobyqa(), newuoa() and uobyqa().
adapter_minqa <- function(name) {
  force(name)
  adapter_optimiser(
    paste0("minqa::", name), "par", "fn", quote(fn(x, ...)),
    result = function(fit) {
      optimum(fit$par, fit$fval, fit$feval, ended_by_code(fit$ierr))
    },
    tune = scale_minqa,
    functions = "fn", ignored_control = "iprint"
  )
}

# A first trust region as wide as the parameters' scale. It ends as narrow as from the user's start.
scale_minqa <- function(call, env, state, given) {
  control <- control_of(call, env)
  own <- control$rhobeg %||% min(0.95, 0.2 * max(abs(given)))
  end <- control$rhoend %||% (1e-6 * own)
  scale <- scale_at(
    call, env, "par", "fn", FALSE, 1,
    argument_of(call, env, "lower", -Inf), argument_of(call, env, "upper", Inf)
  )
  if (is.null(scale)) {
    return(call)
  }
  begin <- max(min(stats::median(scale), own), 10 * end)
  set_control(call, env, rhobeg = begin, rhoend = end)
}

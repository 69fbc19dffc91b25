# Tests: test-opt-stats.R.
#
# Optimisers, which differ in how their arguments and results are called and in what they make of
# a starting point: what adapter_optimiser() takes.

#' Optimisers under warm()
#'
#' [warm()] knows [stats::optim()], [stats::nlm()], [stats::nlminb()], [stats::optimize()],
#' [stats::constrOptim()], `nloptr::nloptr()`, `optimx::optimr()`, `optimx::optimx()`,
#' `minqa::bobyqa()`, `minqa::newuoa()` and `minqa::uobyqa()`. It records what the objective and
#' its gradient return. After a crash the optimiser gets that again, and goes on where it was.
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
#' @section What is lost in a crash?:
#' The evaluations of the last moments: what was recorded is written when the objective has
#' improved, and else every 2 s, as far as that takes no more than some 2 % of the time. All else is
#' as without the crash: what an optimiser does next depends on what its functions have returned
#' alone, so it takes the same steps to the same result, to the last bit, with the same counts,
#' limits and warnings. An evaluation that warned is made again, so that it warns again. Of more
#' than some 100,000 evaluations, the first ones are kept.
#'
#' @section When does it start from an earlier result?:
#' When only data differ: what has more than one row or element, in the objective's surroundings or
#' in `...`. The result on other data is then the start, where the way down from the call's own
#' starting values leads to it. That is seen from some points of the straight line between the
#' two: on these data the objective must fall along it, ever more slowly, and be curved upwards at
#' both ends. Where it is not, the optimiser begins as the call says, and so it does where
#' * the starting values are computed from the data: each data set is an optimisation of its own,
#' * the earlier result took more than half of `maxit` or of another limit,
#' * the method starts from no point, or depends on more than that: SANN, Brent, CG, `optimize()`,
#'   the global algorithms of nloptr, several methods in one call of `optimx()`,
#' * `nloptr()` has constraints, or one of `constrOptim()` nearly holds with equality,
#' * there are more than 30 parameters and a gradient.
#'
#' An objective with several local minima is no good case for this: what is seen along one line is
#' evidence, no proof, that the call's own start leads to the same one. `near = FALSE` starts where
#' the call says.
#'
#' @section How does it start from an earlier result?:
#' A point alone saves little: the optimiser knows neither a simplex nor an approximate Hessian nor
#' a trust region, and its first steps lead away. So [warm()] first looks around that point. A
#' quadratic through the objective's values there, or through the gradient's where one is given,
#' tells where its bottom is, how large a step each parameter is good for, and how parameters go
#' together. The optimiser then starts at the bottom, in coordinates in which the objective is
#' round, with a first step as long as the bottom is uncertain. Your parameters, bounds, gradient
#' and Hessian are translated, and so are tolerances that are in the parameters' units (`x.tol`,
#' `steptol`, `gradtol`, `rhoend`, `xtol_rel`), to none looser than yours. What it prints on the way
#' (`trace`) is in those coordinates.
#'
#' The end is believed where a step as the quadratic has it would lower the objective by less than
#' 1e-7 of its size, or than 1e-7 where that is less than 1. Else the optimiser begins again as the
#' call says.
#'
#' For p parameters all that takes p(p + 3) + p + 12 evaluations of the objective (of more than 30
#' parameters each is looked at by itself: 5p + 12), or 12 and 2p + 3 of the gradient.
#'
#' The optimiser starts from the bottom, but in your own units,
#' * where what you set is in the way: `scale`, `step.min` and `step.max` of `nlminb()`, `stepmax`
#'   of `nlm()`, a positive `pgtol` of L-BFGS-B, `hessian` of `constrOptim()` and `optimr()`,
#'   `parscale` and its like of `optimr()`, `local_opts` of `nloptr()`, and with bounds its
#'   algorithms without a gradient, of which BOBYQA, COBYLA and SBPLX begin cold then: their first
#'   step, as long as the starting point, would lead away;
#' * under `optimx()`, and `optimr()` by methods other than BFGS, L-BFGS-B, Nelder-Mead and
#'   nlminb.
#'
#' @section What about limits?:
#' A result that has reached its limit is the result of this call: it is kept and returned like any
#' other, and so is one that the optimiser calls a failure; neither is a start for other data. If a
#' run from other data's result reaches its limit, it is made again from the call's own start.
#'
#' @section Is it the same result?:
#' From nothing or after a crash, it is the optimiser's own, bit by bit; [warm_info()] knows it by
#' its value. From another data's result, the parameters are those of a cold start within the
#' optimiser's tolerance; `reltol` and its kin say how near that is. Counts are then those of the
#' shorter run. Where the optimiser maximises (`fnscale` below 0, `maximum = TRUE`,
#' `maximize = TRUE`), the store has the value that is minimised. Simulated annealing draws random
#' numbers, so the state of R's generator counts in the key: call [set.seed()] before it, as you
#' would to have a result again, and the same lines resume it. Random numbers that an objective
#' draws while the stored point is looked around are put back.
#'
#' @section What does it cost?:
#' Some microseconds an evaluation, and for its record as many numbers as there are parameters and
#' results.
#'
#' @name warm-optimisers
#' @seealso [warm()]; [warm_objective()] for other optimisers.
#' @examples
#' wait <- faithful$waiting
#' likelihood <- function(par, x) -sum(dgamma(x, exp(par[1]), exp(par[2]), log = TRUE))
#' old <- options(warmstart.near_from = 0) # so short a fit starts others only on demand
#' store <- warm_store(tempfile("store"))
#' start <- c(shape = 0, rate = 0)
#' fit <- warm(optim(start, likelihood, x = wait[-(1:20)], method = "BFGS"), store)
#' all <- warm(optim(start, likelihood, x = wait, method = "BFGS"), store)
#' warm_info(all)
#' options(old)
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
#' @param start,objective,gradient,hessian,bounds Names of its arguments; NULL
#'   where it has none.
#' @param called How it calls the objective, which is what an error names.
#' @param result `function(fit)`: `par`, `value`, and `ended`: TRUE, NA at a limit that the call
#'   sets, else FALSE.
#' @param par The element of the fit that has the parameters.
#' @param named Does the objective get them with the names of the starting point?
#' @param sign `function(call, env)`: -1 where it maximises.
#' @param value_of,gradient_of `function(result)`: what the objective returned.
#'   `change_value(result, root)` takes that to coordinates.
#' @param lasts `function(call, env)`: does its end depend on its starting point, and on nothing
#'   else, so that it is a start for the same objective on other data?
#' @param effort `function(fit, call, env)`: of each limit that the call sets, the share that was
#'   used.
#' @param recorded `function(call, env)`: its functions other than the objective that return the
#'   same at the same point.
#' @param admit `function(call, env)`: a function of what the objective is called with: can that be
#'   the result?
#' @param is_inside `function(call, env, given)`: a function of the parameters, may
#'   the objective be evaluated there?
#' @param unit `function(call, env, near)`: in what unit of coordinates_along() it
#'   runs near an optimum. NULL where it is to run in the user's own units.
#' @param settings `function(call, env, at, near, given)`: the call, which starts
#'   at zero, with steps and tolerances for the coordinates `at`: none looser than
#'   the user's, from whose start `given` they may be derived. It may have another
#'   starting point.
#' @param finish `function(fit, call, env, at)`: the fit, whose parameters are the
#'   user's again, with the rest of it, too.
#' @param check_plain `function(call, env)`: calls stop_seed_unfit()
#'   where the optimiser gains nothing by a start in the user's own units.
#' @param wrap `function(given, fun)`: a function to be used in place of the user's.
#' @noRd
adapter_optimiser <- function(name, ...) {
  optimiser <- new_optimiser(...)
  result <- optimiser$result
  replaying(warm_adapter(
    name,
    relations = "rows",
    identify = function(call, env) {
      identify_call(
        call, env, name,
        ignored = optimiser$ignored,
        fixed = setdiff(formals_of(call, env), c(optimiser$functions, "...")),
        ignored_control = optimiser$ignored_control, control = optimiser$control
      )
    },
    seed = function(call, env, state, relation) {
      if (is.list(state) && !is.null(state$calls)) {
        if (!is.null(state$from)) call <- begin_near(optimiser, call, env, state$from, "rows")
        replay_calls(optimiser, call, env, state)
      } else {
        begin_near(optimiser, call, env, state, relation)
      }
    },
    observe = function(call, env, report) observe_calls(optimiser, call, env, report),
    state = function(fit, call, env) {
      end <- result(fit)
      value <- optimiser$sign(call, env) * end$value
      # On other data, it might reach a limit that it came near here.
      lasts <- optimiser$lasts(call, env) &&
        all(optimiser$effort(fit, call, env) <= 1 / 2, na.rm = TRUE)
      list(
        state = if (lasts) list(par = end$par, value = value) else list(),
        objective = value, iteration = NA
      )
    },
    restore = optimiser$restore, random = optimiser$random,
    converged = function(fit) result(fit)$ended,
    certify = function(fit, call, env, start) {
      seen <- attr(start$call, "begun")$seen
      certify_optimum(optimiser, result(fit), call, env, start$state, seen)
    },
    compare = function(a, b) compare_optima(result(a), result(b))
  ))
}

# What is known of an optimiser, every field of it.
new_optimiser <- function(start, objective, called, result, ...) {
  given <- list(...)
  optimiser <- c(
    list(start = start, objective = objective, called = called, result = result),
    optimiser_defaults()
  )
  stopifnot(names(given) %in% names(optimiser))
  optimiser[names(given)] <- given
  own <- c(optimiser$gradient, optimiser$hessian)
  optimiser$functions <- optimiser$functions %||% c(objective, own)
  optimiser$recorded <- optimiser$recorded %||% function(call, env) own
  optimiser
}

optimiser_defaults <- function() {
  list(
    gradient = "gr", hessian = NULL, bounds = NULL, functions = NULL,
    par = "par", named = TRUE, control = "control",
    ignored = character(), ignored_control = c("trace", "REPORT"),
    sign = function(call, env) 1,
    value_of = identity, gradient_of = function(result) NULL,
    change_value = function(result, root) result,
    lasts = function(call, env) TRUE,
    effort = function(fit, call, env) 0,
    recorded = NULL,
    admit = function(call, env) function(...) TRUE,
    is_inside = function(call, env, given) function(x) TRUE,
    unit = function(call, env, near) NULL, settings = NULL,
    finish = function(fit, call, env, at) fit,
    check_plain = function(call, env) NULL,
    wrap = function(given, fun) fun,
    restore = restore_call, random = NULL
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

# By the size of the parameters, as far as they are larger than 1.
compare_optima <- function(a, b) {
  list(
    objective = relative_difference(a$value, b$value),
    coefficients = max(abs(a$par - b$par) / pmax(abs(b$par), 1))
  )
}

optimum <- function(par, value, ended) list(par = par, value = value, ended = ended)

# A code of 0 is success, and 1 a limit reached.
ended_by_code <- function(code, limits = 1) {
  if (code %in% limits) NA else code == 0
}

fnscale_sign <- function(call, env) {
  if (isTRUE(control_of(call, env)$fnscale < 0)) -1 else 1
}

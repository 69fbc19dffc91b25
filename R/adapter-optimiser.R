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
#' from there, and one with kinks, which stops an optimiser that expects none short of the minimum,
#' in another place; `near = FALSE` starts where the call says.
#'
#' @section What is lost at a restart?:
#' A restart knows one point, and not what the optimiser had learned: the simplex, the approximate
#' Hessian, the conjugate directions, the trust region. So [warm()] first looks around that point. A
#' quadratic through the objective's values there, or through the gradient's where one is given,
#' tells where its bottom is, how large a step each parameter is good for, and how parameters go
#' together. The optimiser then starts at the bottom, in coordinates in which the objective is
#' round, with a first step as long as the bottom is uncertain. Your parameters, bounds, gradient
#' and Hessian are translated, and so are tolerances that are in the parameters' units (`x.tol`,
#' `steptol`, `gradtol`, `rhoend`, `xtol_rel`), to none looser than yours. What it prints on the way
#' (`trace`) is in those coordinates.
#'
#' For p parameters that takes p(p + 3)/2 + 2 evaluations of the objective (of more than 30
#' parameters each is looked at by itself: 2p + 2), or p + 1 of the gradient and 2 of the objective.
#'
#' The optimiser starts from the stored point, as the call says,
#' * where the objective is not curved upwards there, or for more than 30 parameters with a
#'   gradient,
#' * where `nloptr()` has constraints.
#'
#' It starts from the bottom, but in your own units,
#' * where what you set is in the way: `scale`, `step.min` and `step.max` of `nlminb()`, `stepmax`
#'   of `nlm()`, a positive `pgtol` of L-BFGS-B, `hessian` of `constrOptim()` and `optimr()`,
#'   `parscale` and its like of `optimr()`, `local_opts` of `nloptr()`, and with bounds its
#'   algorithms without a gradient;
#' * under `optimx()`, and `optimr()` by methods other than BFGS, CG, L-BFGS-B, Nelder-Mead and
#'   nlminb.
#'
#' The rest is particular:
#' * SANN loses the temperature, and goes on for the evaluations that were left.
#' * Brent and `optimize()` lose nothing: the evaluations made before are kept and given again.
#' * `constrOptim()` begins again where a constraint nearly holds with equality at the stored
#'   point: it does not get away from there.
#' * Several methods in one call of `optimx()` are kept when all are done.
#' * The algorithms BOBYQA and COBYLA of nloptr begin again where they cannot have those
#'   coordinates: their first step, as long as the starting point, would lead away. So do DIRECT
#'   and StoGO, which start from no point.
#'
#' Results on other data are no start for SANN, Brent and `optimize()`, nor for the global
#' algorithms of nloptr, which begin as the call says.
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
#' numbers, so the state of R's generator counts in the key: call [set.seed()] before it, as you
#' would to have a result again, and the same lines resume it. Resumed, it goes on with the numbers
#' that come next, and its result is another one than
#' without the interruption. The objective is evaluated more often than the optimiser counts, to
#' look around the stored point; random numbers that it draws then are put back.
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
#' @param start,objective,gradient,hessian,bounds Names of its arguments; NULL
#'   where it has none.
#' @param called How it calls the objective, which is what an error names.
#' @param result `function(fit)`: `par`, `value`, `evaluations` (or NA) and
#'   `ended`: TRUE, NA at a limit that the call sets, else FALSE.
#' @param par The element of the fit that has the parameters.
#' @param named Does the objective get them with the names of the starting point?
#' @param sign `function(call, env)`: -1 where it maximises.
#' @param value_of,gradient_of `function(result)`: what the objective returned.
#'   `change_value(result, root)` takes that to coordinates.
#' @param tune `function(call, env, state, given)`: the call, whose starting point
#'   is already the stored one, and was `given`, with what else a restart needs.
#' @param lasts `function(call, env)`: is its end a start for the same objective
#'   on other data, and a stored point one to look around at?
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
#' @param check_plain `function(call, env, relation)`: calls stop_seed_unfit()
#'   where the optimiser gains nothing by a start in the user's own units.
#' @noRd
adapter_optimiser <- function(name, start, objective, called, result,
                              gradient = "gr", hessian = NULL, bounds = NULL, par = "par",
                              named = TRUE,
                              sign = function(call, env) 1,
                              value_of = NULL, gradient_of = function(result) NULL,
                              change_value = function(result, root) result,
                              tune = function(call, env, state, given) call,
                              lasts = function(call, env) TRUE,
                              is_inside = function(call, env, given) function(x) TRUE,
                              unit = function(call, env, near) NULL, settings = NULL,
                              finish = function(fit, call, env, at) fit,
                              check_plain = function(call, env, relation) NULL,
                              wrap = function(given, fun) fun,
                              functions = c(objective, gradient, hessian), ignored = character(),
                              control = "control", ignored_control = c("trace", "REPORT"),
                              random = NULL,
                              seed = start_from,
                              observe = observe_objective, restore = restore_call) {
  optimiser <- list(
    start = start, objective = objective, gradient = gradient, hessian = hessian,
    bounds = bounds, par = par, named = named, called = called, sign = sign, value_of = value_of,
    gradient_of = gradient_of, change_value = change_value, is_inside = is_inside, unit = unit,
    settings = settings, finish = finish, check_plain = check_plain, wrap = wrap
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
      if (lasts(call, env)) {
        begin_near(optimiser, seeded, given, relation)
      } else {
        seeded
      }
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
    restore = restore, random = random,
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
  list(
    objective = relative_difference(a$value, b$value),
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

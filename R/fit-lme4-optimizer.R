# Tests: test-fit-lme4.R.
#
# The function that warm() puts in lme4's optimiser slot, around the user's own optimiser.
#
# lme4 prepares the control of the optimisers it knows by name, and reads their results: here that
# is done for it, since it knows a function by no name. What it would have prepared is kept in the
# function's environment, which the fit holds until restore_lme4() has read it.

#' @param optimizer The user's: a name or a function.
#' @param stage A list of `initial`: does another stage follow, that this one finds a start for?
#'   `follows`: does it follow one? `adjusted`: does lme4 adjust the optimiser's control?
#'   `derivatives`: does it look at those of the end?
#' @noRd
lme4_optimizer <- function(optimizer, stage, verbose) {
  force(optimizer)
  watch <- replay <- seed <- control_cold <- NULL
  convergence <- 0
  optimise <- function(fn, par, lower, upper, control) {
    caller <- sys.call(sys.parent())
    labels <- lme4_labels(fn, length(par))
    objective <- fn
    if (!is.null(watch)) {
      state_of <- function(par) lme4_state(par, labels, log = log_of(replay))
      objective <- watch(fn, state_of, compares = !stage$initial)
    }
    if (!is.null(replay)) objective <- replay$watch(objective)
    control_cold <<- lme4_control(optimizer, stage, fn, par, control, verbose)
    task <- list(
      fn = objective, par = par, par_cold = par, lower = lower, upper = upper,
      control = control_cold, given = names(control)
    )
    rho <- environment(fn)
    start <- if (!is.null(seed)) lme4_start(seed, stage, task, labels, rho, optimizer)
    seed <<- NULL # an optimiser that is called again goes on from where it was
    result <- if (is.null(start)) {
      run_optimizer(optimizer, task)
    } else {
      run_from_start(optimizer, task, start, rho)
    }
    result <- read_result(optimizer, result)
    if (!is.null(start) && !stage$initial && !stage$derivatives) {
      check_bottom(task, start, result, rho)
    }
    check_replayed(replay, result[["fval"]] %||% result$fvalues, fn(result$par))
    convergence <<- convergence_code(result)
    if (is.character(optimizer) && convergence != 0) {
      warning(convergence_warning(optimizer, result, caller))
      result[c("conv", "convergence")] <- list(0, NULL)
    }
    result
  }
  structure(optimise, class = "warm_optimizer")
}

# What lme4's optwrap() does for an optimiser that it knows by name ------------------------------

lme4_control <- function(optimizer, stage, fn, par, control, verbose) {
  if (!is.character(optimizer)) {
    return(control)
  }
  if (stage$adjusted) {
    control <- adjusted_control(optimizer, fn, par, control)
  }
  if (optimizer == "bobyqa") {
    if (!is.numeric(control$iprint)) control$iprint <- min(verbose, 3L)
  } else if (optimizer == "Nelder_Mead") {
    control$verbose <- verbose
  } else if (optimizer == "nloptwrap") {
    control$print_level <- min(as.numeric(verbose), 3)
  }
  control
}

adjusted_control <- function(optimizer, fn, par, control) {
  if (optimizer == "bobyqa") {
    if (!is.numeric(control$rhobeg)) control$rhobeg <- 2e-4
    if (!is.numeric(control$rhoend)) control$rhoend <- 2e-7
  } else if (optimizer == "Nelder_Mead") {
    if (is.null(control$xst)) {
      fixed_se <- sqrt(diag(environment(fn)$pp$unsc()))
      n_theta <- length(par) - length(fixed_se)
      control$xst <- 0.2 * c(rep(0.1, n_theta), pmin(fixed_se, 10))
    }
    if (is.null(control$xt)) control$xt <- control$xst * 5e-4
  }
  control
}

run_optimizer <- function(optimizer, task) {
  fun <- optimizer
  if (is.character(optimizer)) {
    fun <- get(optimizer, envir = asNamespace("lme4"), mode = "function")
    if (optimizer == "bobyqa" && all(task$par == 0)) task$par[] <- 0.001
  }
  arguments <- task[c("fn", "par", "lower", "upper", "control")]
  if (identical(optimizer, "optimx")) {
    arguments$method <- arguments$control$method
    arguments$control$method <- NULL
  }
  do.call(fun, arguments)
}

read_result <- function(optimizer, result) {
  if (identical(optimizer, "bobyqa")) {
    result$convergence <- result$ierr
  } else if (identical(optimizer, "Nelder_Mead") && result$NM.result == 4) {
    result$convergence <- 4
  } else if (identical(optimizer, "optimx")) {
    result <- list(
      par = stats::coef(result)[1, ], fvalues = result$value[1],
      conv = result$convcode[1], feval = result$fevals + result$gevals,
      message = attr(result, "details")[, "message"][[1]]
    )
  }
  result
}

convergence_code <- function(result) {
  result[["conv"]] %||% result[["convergence"]] %||% 0
}

convergence_warning <- function(optimizer, result, caller) {
  says <- result[["message"]] %||% result[["msg"]]
  simpleWarning(
    paste0(
      "convergence code ", convergence_code(result), " from ", optimizer,
      if (!is.null(says)) paste0(": ", says)
    ),
    caller
  )
}

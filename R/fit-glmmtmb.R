#' The adapter for glmmTMB::glmmTMB
#'
#' Observed through its control's optimiser, which also starts it: what the parameters mean is
#' known only once the model has been set up, and the optimiser is where glmmTMB's versions
#' agree, which have named the blocks of `start` differently.
#' @noRd
adapter_glmmtmb <- function() {
  replaying(warm_adapter(
    name = "glmmTMB::glmmTMB",
    identify = identify_glmmtmb,
    seed = seed_glmmtmb,
    observe = observe_glmmtmb,
    state = finished_glmmtmb,
    restore = restore_glmmtmb,
    converged = glmmtmb_converged,
    certify = certify_glmmtmb,
    compare = compare_glmmtmb
  ))
}

# Three formulas, given or not: what is nobody's change must change no key. What `map` holds fixed
# stays at `start`. Variables are looked up where the fitter is called from.
identify_glmmtmb <- function(call, env) {
  refuse_unfitted(call, env, "doFit", TRUE)
  call$ziformula <- call$ziformula %||% quote(~0)
  call$dispformula <- call$dispformula %||% quote(~1)
  formulas <- c("formula", "ziformula", "dispformula")
  given <- lapply(as.list(call)[formulas], function(formula) {
    formula_of_text(eval(formula, env), env)
  })
  identify_model(
    call, env, "glmmTMB::glmmTMB",
    formula = formulas, aligned = c("weights", "offset"),
    also = unname(lapply(given, `environment<-`, env)),
    elsewhere = list(weights = env, offset = env),
    ignored = c(if (is.null(call[["map"]])) "start", "verbose", "doFit"),
    ignored_control = "parallel"
  )
}

#' The state of a glmmTMB fit
#'
#' `par`, named by block and term; their `covariance`, column by column, as far as it is known; and
#' of a fit that has not ended, what it goes on from: the logs of its objective (`log`) and gradient
#' (`log_gradient`; adapter-replay-values.R), and TMB's own `memory`.
#' @noRd
glmmtmb_state <- function(par, labels, covariance = numeric(), replay = NULL) {
  list(
    par = stats::setNames(as.vector(par), labels), covariance = as.vector(covariance),
    log = log_of(replay$objective), log_gradient = log_of(replay$gradient),
    memory = if (is.null(replay)) list() else replay$memory()
  )
}

finished_glmmtmb <- function(fit) {
  par <- fit$fit$par
  covariance <- fit$sdr$cov.fixed
  usable <- identical(dim(covariance), c(length(par), length(par))) && all(is.finite(covariance))
  list(
    state = glmmtmb_state(
      par, glmmtmb_labels(names(par), fit$obj$env$data), if (usable) covariance else numeric()
    ),
    objective = as.vector(fit$fit$objective),
    iteration = NA_integer_
  )
}

#' Names of the parameters
#'
#' Those of fixed effects are the columns' of their model matrix, which is one of two, dense or
#' sparse; those of a random-effect term are numbered. A block of which some are fixed (`map`) is
#' numbered throughout.
#' @noRd
glmmtmb_labels <- function(blocks, data) {
  columns <- function(matrix) {
    c(colnames(data[[matrix]]), colnames(data[[paste0(matrix, "S")]]))
  }
  terms <- function(terms) {
    each <- vapply(data[[terms]], function(term) term$blockNumTheta, 1)
    paste(rep(names(each), each), sequence(each))
  }
  known <- list(
    beta = columns("X"), betazi = columns("Xzi"),
    betadisp = c(columns("Xdisp"), columns("Xd")),
    theta = terms("terms"), thetazi = terms("termszi"), thetadisp = terms("termsdisp")
  )
  blocks[blocks == "betad"] <- "betadisp"
  labels <- character(length(blocks))
  for (block in unique(blocks)) {
    within <- known[[block]]
    n <- sum(blocks == block)
    labels[blocks == block] <- paste(block, if (length(within) == n) within else seq_len(n))
  }
  labels
}

# Putting it into the call -----------------------------------------------------------------------

seed_glmmtmb <- function(call, env, state, relation) {
  check_glmmtmb_state(state)
  change_optimizer(call, env, function(optimizer) {
    here <- environment(optimizer)
    if (length(state$log) > 0) {
      here$replay <- new_glmmtmb_replay(state)
    } else {
      here$seed <- list(state = state, relation = relation)
    }
  })
}

check_glmmtmb_state <- function(state) {
  check_numbers(state, c("par", "covariance"), "glmmTMB")
  n <- length(state$par)
  if (n == 0 || is.null(names(state$par)) || !length(state$covariance) %in% c(0, n^2)) {
    stop_seed_unfit("it is not the state of a glmmTMB fit")
  }
  if (length(state$log) > 0) {
    check_log(state$log)
    check_log(state$log_gradient, width = n)
    if (!is.list(state$memory) || !all(vapply(state$memory, is.double, NA))) {
      stop_seed_unfit("what TMB remembers of its run is not numbers")
    }
  }
}

# Where TMB begins to look for the random effects depends on its memory. Each state has that from
# before the evaluation which is not in its log yet: there it goes on.
new_glmmtmb_replay <- function(state = list()) {
  memory <- state$memory
  is_due <- length(memory) > 0
  list(
    objective = new_replay(state$log), gradient = new_replay(state$log_gradient),
    memory = function() memory,
    remembering = function(fn) {
      env <- environment(fn)
      function(par) {
        fits <- identical(lengths(memory), lengths(remembered(env)))
        if (is_due && fits) list2env(memory, env)
        is_due <<- FALSE
        memory <<- remembered(env)
        fn(par)
      }
    }
  )
}

observe_glmmtmb <- function(call, env, report) {
  watch <- new_watch(report)
  change_optimizer(call, env, function(optimizer) {
    here <- environment(optimizer)
    here$watch <- watch
    here$replay <- here$replay %||% new_glmmtmb_replay()
  })
}

change_optimizer <- function(call, env, change) {
  fitter <- eval(call[[1]], env)
  control <- if (is.null(call$control)) {
    eval(formals(fitter)$control, environment(fitter))
  } else {
    eval(call$control, env)
  }
  if (is.list(control) && !is.null(control$optimizer)) {
    if (!inherits(control$optimizer, "warm_optimizer")) {
      control$optimizer <- glmmtmb_optimizer(match.fun(control$optimizer))
    }
    change(control$optimizer)
    call$control <- control
  }
  call
}

#' The function in glmmTMB's optimiser slot, around the user's own optimiser
#' @noRd
glmmtmb_optimizer <- function(optimizer) {
  force(optimizer)
  watch <- replay <- seed <- NULL
  optimise <- function(par, fn, gr, ...) {
    labels <- glmmtmb_labels(names(par), environment(fn)$data)
    start <- if (!is.null(seed)) start_or_decline(seed, par, labels, fn)
    seed <<- NULL
    # What begins elsewhere is not the way of a cold run.
    if (!is.null(start)) replay <<- NULL
    start <- start %||% list(par = par)
    objective <- if (is.null(replay)) fn else replay$remembering(fn)
    gradient <- gr
    if (!is.null(watch)) {
      objective <- watch(objective, function(x) glmmtmb_state(x, labels, replay = replay))
    }
    if (!is.null(replay)) {
      objective <- replay$objective$watch(objective)
      gradient <- replay$gradient$watch(gradient)
    }
    root <- if (takes_coordinates(optimizer, list(...))) covariance_root(start$covariance)
    result <- if (length(root) > 0) {
      run_about(optimizer, start$par, root, objective, gradient, ...)
    } else {
      optimizer(start$par, objective, gradient, ...)
    }
    check_replayed(replay$objective, result[["objective"]] %||% result$value, fn(result$par))
    result
  }
  structure(optimise, class = "warm_optimizer")
}

# In coordinates about `par`.
run_about <- function(optimizer, par, root, objective, gradient, ...) {
  at <- new_coordinates(par, root)
  # TMB keeps the parameters as they come, and glmmTMB tells their blocks by their names.
  par_at <- function(z) stats::setNames(from_coordinates(at, as.vector(z)), names(par))
  result <- optimizer(
    stats::setNames(numeric(length(par)), names(par)),
    function(z) objective(par_at(z)),
    function(z) drop(crossprod(root, as.vector(gradient(par_at(z))))),
    ...
  )
  result$par <- par_at(result$par)
  result
}

# Too late to stop: the model has been set up, and glmmTMB goes on from its own start.
start_or_decline <- function(seed, par, labels, fn) {
  before <- remembered(environment(fn))
  tryCatch(glmmtmb_start(seed, par, labels, fn), warmstart_seed_unfit = function(unfit) {
    list2env(before, environment(fn))
    signalCondition(structure(
      class = c("warmstart_seed_declined", "condition"), unclass(unfit)
    ))
    NULL
  })
}

# What TMB keeps of its evaluations, and starts the next from.
remembered <- function(env) {
  list(
    last.par = env$last.par, last.par.best = env$last.par.best, # nolint: object_name_linter.
    value.best = as.vector(env$value.best) # nolint: object_name_linter.
  )
}

# Only where a cold fit comes by: in one valley with its start, and lower.
glmmtmb_start <- function(seed, par, labels, fn) {
  state <- seed$state
  known <- state$par
  n <- length(known)
  covariance <- if (length(state$covariance) > 0) matrix(state$covariance, n)
  if (any(is_on_plateau(known, covariance))) stop_seed_unfit(on_plateau)
  if (seed$relation != "exact") known <- known[!is_loose(known, covariance, undetermined)]
  adopted <- adopt_by_name(known, as.vector(par), labels, seed$relation == "exact")
  if (!any(adopted$shared & !grepl("(Intercept)", labels, fixed = TRUE))) {
    stop_seed_unfit("it has no term in common with this model")
  }
  start <- list(par = stats::setNames(adopted$values, names(par)))
  if (!is_one_valley(fn, par, start$par, points = 3)) {
    stop_seed_unfit("on these data a cold start may lead elsewhere")
  }
  if (!is.null(covariance)) {
    at <- match(labels[adopted$shared], names(state$par))
    start$covariance <- diag(length(par))
    start$covariance[adopted$shared, adopted$shared] <- covariance[at, at]
  }
  start
}

# A variance, dispersion or share of zeros that is nothing lies on a plateau of its logarithm. An
# optimiser of other rows would stay there; where it stops, or whether it can, depends on its way.
is_on_plateau <- function(par, covariance) {
  is_share <- startsWith(names(par), "betazi ")
  is_loose(par, covariance, ifelse(is_share, share_undetermined, undetermined))
}

is_loose <- function(par, covariance, errors) {
  if (is.null(covariance)) {
    return(rep(FALSE, length(par)))
  }
  !startsWith(names(par), "beta ") & !(diag(covariance) < errors^2)
}

# Standard errors of a logarithm from which on it may be anything. A share of zeros has several
# coefficients, of which one is often hardly determined.
undetermined <- 2
share_undetermined <- 10
on_plateau <- "a variance, a dispersion or a share of zeros is on a plateau"

# Bounds, and what is said of steps and tolerances in the parameters' own units, keep the
# optimisation in these.
takes_coordinates <- function(optimizer, given) {
  in_units <- c(
    "lower", "upper", "scale", "hessian", "parscale", "ndeps", "x.tol", "xf.tol", "step.min",
    "step.max", "abstol"
  )
  known <- identical(optimizer, stats::nlminb) || identical(optimizer, stats::optim)
  known && !any(in_units %in% c(names(given), names(given$control)))
}

#' Make a fit the user's own again
#' @noRd
restore_glmmtmb <- function(fit, call, env) {
  if (inherits(fit, "glmmTMB")) {
    # As glmmTMB itself completes its call.
    for (name in c("formula", "ziformula", "dispformula")) call[[name]] <- fit$call[[name]]
    fit$call <- call
  }
  fit
}

glmmtmb_converged <- function(fit) {
  inherits(fit, "glmmTMB") && isTRUE((fit$fit$convergence %||% 0) == 0) &&
    !isFALSE(fit$sdr$pdHess)
}

# A start was lower than a cold one, in the same valley; the end has to be its bottom.
certify_glmmtmb <- function(fit, call, env, start) {
  derivatives <- if (is.null(fit$sdr)) {
    glmmtmb_derivatives(fit$obj, fit$fit$par)
  } else {
    list(gradient = as.vector(fit$sdr$gradient.fixed), hessian = solve(fit$sdr$cov.fixed))
  }
  end <- finished_glmmtmb(fit)$state$par
  if (any(is_on_plateau(end, solve(derivatives$hessian)))) {
    return(on_plateau)
  }
  fall <- fall_below(derivatives$gradient, derivatives$hessian)
  if (is_bottom(fall, fit$fit$objective)) TRUE else "its end is not the bottom of its valley"
}

glmmtmb_derivatives <- function(obj, par) {
  before <- remembered(obj$env)
  on.exit(list2env(before, obj$env))
  list(gradient = as.vector(obj$gr(par)), hessian = stats::optimHess(par, obj$fn, obj$gr))
}

compare_glmmtmb <- function(a, b) {
  list(
    objective = relative_difference(a$fit$objective, b$fit$objective),
    fitted = largest_difference(stats::fitted(a), stats::fitted(b)),
    coefficients = largest_difference(a$fit$par, b$fit$par),
    coefficients_se = in_errors(a$fit$par, b$fit$par, sqrt(diag(b$sdr$cov.fixed)))
  )
}

#' The adapter for glmmTMB::glmmTMB
#'
#' Observed through its control's optimiser, which also starts it: what the parameters mean is
#' known only once the model has been set up, and the optimiser is where glmmTMB's versions
#' agree, which have named the blocks of `start` differently.
#' @noRd
adapter_glmmtmb <- function() {
  warm_adapter(
    name = "glmmTMB::glmmTMB",
    identify = identify_glmmtmb,
    seed = seed_glmmtmb,
    observe = observe_glmmtmb,
    state = finished_glmmtmb,
    restore = restore_glmmtmb,
    converged = glmmtmb_converged,
    compare = compare_glmmtmb
  )
}

# Three formulas, given or not: what is nobody's change must change no key. What `map` holds fixed
# stays at `start`. Variables are looked up where the fitter is called from.
identify_glmmtmb <- function(call, env) {
  refuse_unfitted(call, env, "doFit", TRUE)
  call$ziformula <- call$ziformula %||% quote(~0)
  call$dispformula <- call$dispformula %||% quote(~1)
  formulas <- c("formula", "ziformula", "dispformula")
  given <- lapply(as.list(call)[formulas], function(formula) formula_of_text(eval(formula, env), env))
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
#' `par`, named by block and term; their `covariance`, column by column, as far as it is known.
#' @noRd
glmmtmb_state <- function(par, labels, covariance) {
  list(par = stats::setNames(as.vector(par), labels), covariance = as.vector(covariance))
}

finished_glmmtmb <- function(fit) {
  par <- fit$fit$par
  covariance <- fit$sdr$cov.fixed
  usable <- identical(dim(covariance), c(length(par), length(par))) && all(is.finite(covariance))
  evaluations <- fit$fit$evaluations %||% fit$fit$counts
  list(
    state = glmmtmb_state(
      par, glmmtmb_labels(names(par), fit$obj$env$data), if (usable) covariance else numeric()
    ),
    objective = as.vector(fit$fit$objective),
    iteration = if (length(evaluations) > 0) as.integer(evaluations[[1]]) else NA_integer_
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
  check_numbers(state, c("par", "covariance"), "glmmTMB")
  if (is.null(names(state$par))) {
    stop_seed_unfit("its parameters have no names")
  }
  change_optimizer(call, env, function(optimizer) {
    environment(optimizer)$seed <- list(state = state, relation = relation)
  })
}

observe_glmmtmb <- function(call, env, report) {
  watch <- new_watch(report)
  change_optimizer(call, env, function(optimizer) environment(optimizer)$watch <- watch)
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
  watch <- seed <- NULL
  optimise <- function(par, fn, gr, ...) {
    labels <- glmmtmb_labels(names(par), environment(fn)$data)
    start <- if (!is.null(seed)) glmmtmb_start(seed, par, labels) else list(par = par)
    seed <<- NULL
    objective <- fn
    gradient <- gr
    if (!is.null(watch)) {
      curvature <- new_curvature(start$covariance)
      objective <- watch(fn, function(x) glmmtmb_state(x, labels, curvature$covariance()))
      gradient <- function(x) curvature$learn(x, gr(x))
    }
    root <- if (takes_coordinates(optimizer, list(...))) covariance_root(start$covariance)
    if (length(root) == 0) {
      return(optimizer(start$par, objective, gradient, ...))
    }
    at <- new_coordinates(start$par, root)
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
  structure(optimise, class = "warm_optimizer")
}

glmmtmb_start <- function(seed, par, labels) {
  state <- seed$state
  adopted <- adopt_by_name(state$par, as.vector(par), labels, seed$relation == "exact")
  if (!any(adopted$shared & !grepl("(Intercept)", labels, fixed = TRUE))) {
    stop_seed_unfit("it has no term in common with this model")
  }
  start <- list(par = stats::setNames(adopted$values, names(par)))
  n <- length(state$par)
  if (length(state$covariance) == n^2) {
    at <- match(labels[adopted$shared], names(state$par))
    start$covariance <- diag(length(par))
    start$covariance[adopted$shared, adopted$shared] <- matrix(state$covariance, n)[at, at]
  }
  start
}

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

compare_glmmtmb <- function(a, b) {
  list(
    objective = relative_difference(a$fit$objective, b$fit$objective),
    fitted = largest_difference(stats::fitted(a), stats::fitted(b)),
    coefficients = largest_difference(a$fit$par, b$fit$par),
    coefficients_se = in_errors(a$fit$par, b$fit$par, sqrt(diag(b$sdr$cov.fixed)))
  )
}

# lme4: lmer(), glmer() and nlmer(). Fits, seeds and watching; fit-lme4-optimizer.R and
# fit-lme4-start.R have the optimisation.

adapter_lmer <- function() adapter_lme4("lme4::lmer")
# It calls lme4's, and makes of what that returns a fit that tells degrees of freedom.
adapter_lmertest <- function() {
  derive_adapter(adapter_lmer(), "lmerTest::lmer", class = "lmerModLmerTest")
}
adapter_glmer <- function() adapter_lme4("lme4::glmer")
adapter_nlmer <- function() {
  adapter_lme4(
    "lme4::nlmer", identify = identify_nlmer, seed = seed_nlmer, relations = character()
  )
}

#' The adapters for lme4
#'
#' Each evaluation of the deviance is observed from a function in the optimiser slot, around the
#' user's own optimiser; the same function starts it from a state (fit-lme4-optimizer.R). lme4's
#' argument `start` would not do: nlmer takes no theta in it, and what a state means to the model
#' is known only once that has been set up.
#' @noRd
adapter_lme4 <- function(name, identify = identify_lme4(name), seed = seed_lme4,
                         relations = c("rows", "related")) {
  replaying(warm_adapter(
    name = name,
    identify = identify,
    seed = seed,
    observe = observe_lme4,
    state = finished_lme4,
    restore = restore_lme4,
    pack = pack_lmer,
    converged = lme4_converged,
    certify = certify_lme4,
    compare = compare_lme4,
    relations = relations
  ))
}

# What cannot change the fit: where it starts, and what it says.
identify_lme4 <- function(name) {
  function(call, env) {
    refuse_unfitted(call, env, "devFunOnly", FALSE)
    identify_model(call, env, name, ignored = c("start", "verbose", "devFunOnly"))
  }
}

# A call that asks for a function, or for a model that is only set up.
refuse_unfitted <- function(call, env, argument, fits) {
  if (!is.null(call[[argument]]) && !identical(eval(call[[argument]], env), fits)) {
    stop("by `", argument, "`, it asks for no fit", call. = FALSE)
  }
}

# The parameters of the nonlinear model are in no data: `start` brings them.
identify_nlmer <- function(call, env) {
  refuse_unfitted(call, env, "devFunOnly", FALSE)
  start <- eval(call$start, env)
  parameters <- if (is.list(start)) start$nlpars else start
  call$data <- c(as.list(eval(call$data, env)), as.list(parameters))
  call$start <- NULL
  identify_model(call, env, "lme4::nlmer", ignored = c("verbose", "devFunOnly"))
}

#' The state of an lme4 fit
#'
#' `theta` and `fixef`, named, the latter empty where the optimiser has none of them; `hessian` of
#' the deviance, its columns one after the other, in the order of `hessian_names`; and of a fit
#' that has not ended, the `log` that it goes on from (adapter-replay-values.R).
#' @noRd
lme4_state <- function(par, labels, hessian = numeric(), log = list()) {
  names(par) <- labels
  is_theta <- if (is.null(labels)) TRUE else startsWith(labels, theta_prefix)
  list(
    theta = par[is_theta], fixef = par[!is_theta], hessian = as.vector(hessian),
    hessian_names = if (length(hessian) > 0) labels else character(), log = log
  )
}

theta_prefix <- "theta "

# As getME(fit, "theta") has them: the group, and the effect's or the two effects' names.
theta_labels <- function(cnms) {
  of_group <- function(group, effects) {
    pairs <- which(lower.tri(diag(length(effects)), diag = TRUE), arr.ind = TRUE)
    apart <- pairs[, 1] != pairs[, 2]
    paste0(
      theta_prefix, group, ".", effects[pairs[, 1]], ifelse(apart, ".", ""),
      ifelse(apart, effects[pairs[, 2]], "")
    )
  }
  unlist(Map(of_group, names(cnms), unname(cnms)), use.names = FALSE)
}

#' Names of the parameters that an optimiser works on
#'
#' The random-effect terms are read from the frame of the function that has set the model up.
#' NULL where this lme4 does not set a model up as expected.
#' @noRd
lme4_labels <- function(fn, n) {
  cnms <- NULL
  for (frame in rev(sys.frames())) {
    setup <- Filter(is.list, mget(c("lmod", "glmod", "vals"), frame, ifnotfound = NA))
    if (length(setup) > 0 && is.list(setup[[1]]$reTrms)) {
      cnms <- setup[[1]]$reTrms$cnms
      break
    }
  }
  labels <- c(theta_labels(cnms), colnames(environment(fn)$pp$X))
  n_theta <- length(environment(fn)$pp$theta)
  if (length(theta_labels(cnms)) == n_theta) utils::head(labels, n)
}

finished_lme4 <- function(fit) {
  cmp <- fit@devcomp$cmp
  objective <- if (is.na(cmp[["REML"]])) cmp[["dev"]] else cmp[["REML"]]
  hessian <- fit@optinfo$derivs$Hessian
  labels <- c(theta_labels(fit@cnms), names(lme4::fixef(fit)))
  par <- c(fit@theta, fit@beta)
  optimised <- seq_along(fit@optinfo$val)
  usable <- is.numeric(hessian) && all(is.finite(hessian)) &&
    length(hessian) == length(optimised)^2
  list(
    state = lme4_state(par[optimised], labels[optimised], if (usable) hessian else numeric()),
    objective = objective,
    iteration = NA_integer_ # its own count is of the last stage alone
  )
}

# Putting it into the call -----------------------------------------------------------------------

seed_lme4 <- function(call, env, state, relation) {
  check_lme4_state(state)
  replay <- if (length(state$log) > 0) new_replay(state$log)
  change_optimizers(call, env, function(optimizer) {
    here <- environment(optimizer)
    here$replay <- replay
    if (is.null(replay)) here$seed <- list(state = state, relation = relation)
  })
}

# Where it ends hangs on its way: often at a limit, and lme4's derivatives, by steps of 1e-4
# whatever the parameter's units, do not tell how near.
seed_nlmer <- function(call, env, state, relation) {
  check_lme4_state(state)
  if (length(state$log) == 0) stop_seed_unfit("nlmer() goes on from its own interrupted run alone")
  seed_lme4(call, env, state, relation)
}

check_lme4_state <- function(state) {
  check_numbers(state, c("theta", "fixef", "hessian"), "lme4")
  n <- length(state$hessian_names)
  whole <- length(state$theta) > 0 && (n == 0 || is.character(state$hessian_names)) &&
    !anyDuplicated(state$hessian_names) && length(state$hessian) == n^2
  if (!whole) stop_seed_unfit("it is not the state of an lme4 fit")
  if (length(state$log) > 0) check_log(state$log)
}

observe_lme4 <- function(call, env, report) {
  watch <- new_watch(report)
  replay <- new_replay()
  change_optimizers(call, env, function(optimizer) {
    here <- environment(optimizer)
    here$watch <- watch
    # What begins elsewhere is no cold run's way.
    if (is.null(here$seed)) here$replay <- here$replay %||% replay
  })
}

#' The call, with functions of ours around its optimisers, each changed by `change`
#'
#' Where lme4 itself would complain, or fits without an optimiser, the call stays as it is.
#' @noRd
change_optimizers <- function(call, env, change) {
  fitter <- eval(call[[1]], env)
  control <- if (is.null(call$control)) {
    eval(formals(fitter)$control, environment(fitter))
  } else {
    eval(call$control, env)
  }
  stages <- if (inherits(control, "merControl")) lme4_stages(call, env, control)
  if (is.null(stages)) {
    return(call)
  }
  verbose <- as.integer(eval(call$verbose, env) %||% 0L)
  optimizers <- lapply(seq_along(stages), function(i) {
    optimizer <- control$optimizer
    if (!is.function(optimizer)) optimizer <- optimizer[[i]]
    if (!inherits(optimizer, "warm_optimizer")) {
      optimizer <- lme4_optimizer(optimizer, stages[[i]], verbose)
    }
    change(optimizer)
    optimizer
  })
  control$optimizer <- if (length(stages) == 1) optimizers[[1]] else optimizers
  call$control <- control
  # What an optimiser prints it is told by ours.
  if (!is.null(call$verbose)) call$verbose <- 0L
  call
}

# What the optimisers of a call are for; NULL where there is none.
lme4_stages <- function(call, env, control) {
  fitter <- eval(call[[1]], env)
  if (length(control$optimizer) == 0 || identical(control$optimizer, "none")) {
    return(NULL)
  }
  sole <- list(initial = FALSE, follows = FALSE, adjusted = FALSE, derivatives = FALSE)
  derivatives <- !isFALSE(control$calc.derivs)
  if (!"nAGQ" %in% names(formals(fitter))) {
    sole$derivatives <- derivatives
    return(list(sole))
  }
  if (is_lmer_shortcut(call, env, fitter)) {
    return(NULL)
  }
  if (!is.null(call$nAGQ) && eval(call$nAGQ, env) == 0) {
    return(list(sole, sole))
  }
  list(
    list(initial = TRUE, follows = FALSE, adjusted = FALSE, derivatives = FALSE),
    list(
      initial = FALSE, follows = !isFALSE(control$nAGQ0initStep), adjusted = TRUE,
      derivatives = derivatives
    )
  )
}

# glmer hands the gaussian family with identity link to lmer, which takes another control.
is_lmer_shortcut <- function(call, env, fitter) {
  if (!"family" %in% names(formals(fitter))) {
    return(FALSE)
  }
  family <- call_family(call, env)
  is.null(family) || family$family == "gaussian" && family$link == "identity"
}

#' Make a fit the user's own again
#'
#' lme4 keeps the optimiser in the fit; in the environment of ours is the user's.
#' @noRd
restore_lme4 <- function(fit, call, env) {
  if (inherits(fit, "packed_lmer")) fit <- unpack_lmer(fit)
  if (!isS4(fit) || !methods::is(fit, "merMod")) {
    return(fit)
  }
  ours <- fit@optinfo$optimizer
  if (inherits(ours, "warm_optimizer")) {
    used <- environment(ours)
    fit@optinfo$optimizer <- used$optimizer
    fit@optinfo$control <- used$control_cold
    if (is.character(used$optimizer) && used$convergence != 0) {
      fit@optinfo$conv$opt <- used$convergence
      # lme4 keeps the optimiser's own warnings, and not what it says itself of its end.
      fit@optinfo$warnings <- utils::head(fit@optinfo$warnings, -1)
    }
  }
  # glmer() hands what is gaussian to lmer().
  if (methods::is(fit, "lmerMod") && "family" %in% names(formals(eval(call[[1]], env)))) {
    call[[1]] <- quote(lme4::lmer)
    call["family"] <- NULL
  }
  call$formula <- fit@call$formula
  fit@call <- call
  fit
}

#' An lmer fit without the definitions of its reference classes
#'
#' They take a megabyte, and ten milliseconds to serialize. Its two reference objects are stored as
#' the values in them. Those of glmer and nlmer have locked fields, which only their own
#' initialisation can set: their fits are stored as they are.
#' @noRd
pack_lmer <- function(fit) {
  if (class(fit@resp)[[1]] != "lmerResp" || class(fit@pp)[[1]] != "merPredD") {
    return(fit)
  }
  objects <- list(resp = reference_values(fit@resp), pp = reference_values(fit@pp))
  for (part in names(objects)) methods::slot(fit, part, check = FALSE) <- NULL
  structure(list(fit = fit, objects = objects), class = "packed_lmer")
}

unpack_lmer <- function(packed) {
  fit <- packed$fit
  fit@resp <- new_reference("lmerResp", packed$objects$resp)
  fit@pp <- new_reference("merPredD", packed$objects$pp)
  fit
}

# What is bound in an object but its methods and what computes a field.
reference_values <- function(object) {
  env <- as.environment(object)
  names <- setdiff(ls(env, all.names = TRUE), c(".self", ".refClassDef"))
  is_value <- vapply(names, function(name) {
    !bindingIsActive(name, env) && !is.function(env[[name]])
  }, NA)
  mget(names[is_value], env)
}

new_reference <- function(class, values) {
  definition <- methods::getClass(class, where = asNamespace("lme4"))
  object <- methods::new(definition)
  list2env(values, as.environment(object))
  object
}

# A singular fit is a fit.
lme4_converged <- function(fit) {
  if (!isS4(fit) || !methods::is(fit, "merMod")) {
    return(FALSE)
  }
  end <- fit@optinfo$conv
  isTRUE(end$opt == 0) && !any(end$lme4$code < 0)
}

# A start was lower than a cold one, in the same valley; the end has to be its bottom. On the bound
# of a standard deviation the deviance has no slope, as it depends on the square: there the
# curvature tells. Without derivatives, whoever gave the start has looked around the end
# (fit-lme4-start.R), but not around that of a run which others may have kept.
certify_lme4 <- function(fit, call, env, start) {
  if (is_nearly_singular(fit@theta, fit@lower)) {
    return("one of its effects hardly varies")
  }
  derivatives <- if (!methods::is(fit, "nlmerMod")) fit@optinfo$derivs
  if (is.null(derivatives)) {
    is_checked <- length(start$state$log) == 0
    return(if (is_checked) TRUE else "lme4 has no derivatives of its end")
  }
  fall <- fall_below(derivatives$gradient, derivatives$Hessian)
  value <- finished_lme4(fit)$objective
  if (is_bottom(fall, value, deviance = 2)) TRUE else "its end is not the bottom of its valley"
}

# Next to the bound the deviance is flat: whether a fit ends there or on it, and so whether it is
# called singular, hangs on its way.
is_nearly_singular <- function(theta, lower) {
  any(vapply(term_blocks(lower), function(block) {
    any(diag(factor_of(theta[block])) < hardly_varies)
  }, NA))
}

hardly_varies <- 0.05 # of the residuals' standard deviation

compare_lme4 <- function(a, b) {
  fixed_se <- sqrt(diag(fixed_covariance(b)))
  list(
    objective = relative_difference(finished_lme4(a)$objective, finished_lme4(b)$objective),
    fitted = largest_difference(stats::fitted(a), stats::fitted(b)),
    fitted_se = in_errors(linear_predictor(a), linear_predictor(b), predictor_se(b)),
    coefficients = largest_difference(lme4::fixef(a), lme4::fixef(b)),
    coefficients_se = in_errors(lme4::fixef(a), lme4::fixef(b), fixed_se)
  )
}

linear_predictor <- function(fit) {
  if (inherits(fit@resp, "glmResp")) fit@resp$eta else fit@resp$mu
}

# Of the fixed part; of a nonlinear model, the residual standard error.
predictor_se <- function(fit) {
  x <- lme4::getME(fit, "X")
  if (nrow(x) != length(fit@resp$mu)) {
    return(rep(stats::sigma(fit), length(fit@resp$mu)))
  }
  sqrt(rowSums(as.matrix(x %*% fixed_covariance(fit)) * as.matrix(x)))
}

# That it is not the Hessian's is said by a warning.
fixed_covariance <- function(fit) {
  as.matrix(suppressWarnings(stats::vcov(fit, use.hessian = FALSE)))
}

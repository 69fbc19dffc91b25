#' The adapter for mgcv::gam
#'
#' Observes the outer iteration (newton, bfgs and efs) through the probe of
#' fit-mgcv-watch.R, and resumes it with gam's own arguments `in.out` and `start`
#' and the family's own parameters.
#' @noRd
adapter_mgcv_gam <- function() {
  warm_adapter(
    name = "mgcv::gam",
    identify = function(call, env) identify_mgcv(call, env, "mgcv::gam"),
    seed = seed_gam,
    quickstart = quickstart_gam,
    observe = observe_gam,
    state = function(fit) finished_gam(fit, fit$sp),
    restore = restore_gam,
    pack = pack_gam,
    converged = mgcv_converged,
    certify = certify_gam,
    compare = compare_gams
  )
}

#' The adapter for mgcv::bam
#'
#' bam interleaves its iterations in a way that leaves nothing to observe, so
#' only finished fits are kept. What it takes as a seed, `?warm` says.
#' @noRd
adapter_mgcv_bam <- function() {
  warm_adapter(
    name = "mgcv::bam",
    identify = function(call, env) identify_mgcv(call, env, "mgcv::bam"),
    seed = seed_bam,
    state = finished_bam,
    restore = restore_gam,
    pack = pack_gam,
    converged = mgcv_converged,
    certify = function(fit, call, env, start) certify_own_end(fit, start$state),
    compare = compare_gams,
    relations = character(),
    random = function(call, env) isTRUE(eval(call[["samfrac"]], env) < 1)
  )
}

# What cannot change the fit: where it starts, and how the work is divided.
identify_mgcv <- function(call, env, fitter) {
  if (!is.null(call[["G"]])) {
    stop_argument("G", "is a model that was set up beforehand, of which `warm()` keeps nothing.")
  }
  if (isFALSE(eval(call[["fit"]], env))) {
    stop_argument("fit", "is FALSE: the model is set up, and there is no fit to keep.")
  }
  key <- identify_model(
    call, env, fitter,
    aligned = c("weights", "offset", "subset", "AR.start"),
    ignored = c(
      "in.out", "start", "coef", "etastart", "mustart",
      "chunk.size", "cluster", "nthreads", "gc.level", "use.chol"
    ),
    ignored_control = idle_controls
  )
  if (!keeps_data(eval(call$control, env))) {
    return(key)
  }
  data <- eval(call$data, env)
  new_model_fingerprint(c(key$parts, named_part("data", "kept", data, "values")))
}

# Does the fit hold all of its data? gam.control() is given its list's elements as arguments.
keeps_data <- function(control) {
  length(control) > 0 && isTRUE(as.logical(do.call(mgcv::gam.control, as.list(control))$keepData))
}

# What gam.control() sets that cannot change the fit.
idle_controls <- c("nthreads", "ncv.threads", "trace")

#' The state of a fit
#'
#' Named numeric vectors, empty where the fit has no such thing: `sp` (free
#' smoothing parameters), `scale` (where estimated), `coefficients`, `theta`
#' (parameters the family estimates, on their working scale). `finished` tells
#' the optimum from an iterate on the way.
#' @noRd
mgcv_state <- function(sp, scale, coefficients, theta, finished) {
  list(
    sp = sp, scale = scale, coefficients = coefficients, theta = theta,
    finished = finished
  )
}

#' Watch a call while it runs
#' @noRd
observe_gam <- function(call, env, report) {
  family <- tryCatch(call_family(call, env), error = function(e) NULL)
  if (!is.null(family)) {
    call <- put_family(call, probe_family(family, report))
  }
  call
}

#' What a finished fit knows, in the form of a checkpoint
#'
#' `scale` is the one that was iterated with the smoothing parameters where the
#' fit says it (`reml.scale`); the reported `scale` is another estimate.
#' @noRd
finished_gam <- function(fit, sp) {
  theta <- if (count_theta(fit$family) > 0) fit$family$getTheta() else numeric()
  scale <- numeric()
  if (isTRUE(fit$scale.estimated)) {
    reml <- fit$reml.scale
    scale <- if (length(reml) == 1 && is.finite(reml)) reml else fit$sig2
  }
  state <- mgcv_state(
    sp = if (is.null(sp)) numeric() else sp,
    scale = as.vector(scale),
    coefficients = stats::coef(fit),
    theta = as.vector(theta),
    finished = TRUE
  )
  iteration <- fit$outer.info$iter
  list(
    state = state,
    objective = as.vector(fit$gcv.ubre),
    iteration = if (is.null(iteration)) NA_integer_ else iteration
  )
}

# bam's `in.out` wants one smoothing parameter a penalty, linked or not. What
# takes the time in bam are the passes over the data.
finished_bam <- function(fit) {
  end <- finished_gam(fit, if (is.null(fit$full.sp)) fit$sp else fit$full.sp)
  end$iteration <- as.integer(fit$iter)
  end
}

#' What to store of a fit
#' @noRd
pack_gam <- function(fit) {
  family <- fit[["family"]]
  if (!are_from_stats(family)) fit$family <- or_null(drop_byte_code(family)) %||% family
  fit
}

#' Make a fit the user's own again
#' @noRd
restore_gam <- function(fit, call, env, values = list()) {
  if (!inherits(fit, "gam")) {
    fit$cl <- call # a model that is set up only
    return(fit)
  }
  fit$family <- unwrap_family(fit$family)
  if (!is.null(call[["G"]])) {
    return(fit) # which has the call that its model was set up by
  }
  fit$call <- call_as_kept(fit$call, call)
  # bam keeps the model as set up, and its call a second time.
  if (is.call(fit[["G"]]$cl)) fit[["G"]]$cl <- fit$call
  if (is.list(fit$control)) {
    given <- if ("control" %in% names(values)) values$control else eval(call$control, env)
    asked <- do.call(mgcv::gam.control, as.list(given))
    idle <- intersect(idle_controls, names(asked))
    fit$control[idle] <- asked[idle]
  }
  in_workspace(fit)
}

# gam(discrete = TRUE) has bam() set the model up, and keeps that call.
call_as_kept <- function(kept, call) {
  if (isFALSE(kept$fit)) {
    call[[1]] <- kept[[1]]
    call$fit <- FALSE
    call <- match.call(mgcv::bam, call)
  }
  call
}

# Where mgcv puts these, whoever asks.
in_workspace <- function(fit) {
  for (part in c("formula", "pred.formula", "terms", "pterms")) {
    if (!is.null(fit[[part]])) environment(fit[[part]]) <- globalenv()
  }
  if (!is.null(attr(fit$pred.formula, "full"))) {
    environment(attr(fit$pred.formula, "full")) <- globalenv()
  }
  if (!is.null(attr(fit$model, "terms"))) {
    environment(attr(fit$model, "terms")) <- globalenv()
  }
  fit
}

#' Did a fit end well?
#'
#' A step failure at a point where the gradient has vanished is no failure: it
#' is how bfgs() often ends.
#' @noRd
mgcv_converged <- function(fit) {
  if (!inherits(fit, "gam") || isFALSE(fit$converged)) {
    return(FALSE)
  }
  end <- fit$outer.info$conv
  !is.character(end) || end == "full convergence" ||
    (end == "step failed" && has_no_gradient(fit))
}

# By newton()'s own measure.
has_no_gradient <- function(fit) {
  size <- abs(as.vector(fit$gcv.ubre)) + abs(log(fit$sig2))
  all(abs(fit$outer.info$grad) <= 5 * fit$control$newton$conv.tol * size)
}

#' Largest differences between two fits of one model
#'
#' The objective's is relative; `fitted_se` and `coefficients_se` are in
#' standard errors, the former on the scale of the linear predictor.
#' @noRd
compare_gams <- function(a, b) {
  link_se <- tryCatch(
    stats::predict(b, type = "link", se.fit = TRUE)$se.fit,
    error = function(e) NULL
  )
  list(
    objective = relative_difference(a$gcv.ubre, b$gcv.ubre),
    edf = largest_difference(a$edf, b$edf),
    fitted = largest_difference(stats::fitted(a), stats::fitted(b)),
    fitted_se = in_errors(a$linear.predictors, b$linear.predictors, link_se),
    coefficients = largest_difference(stats::coef(a), stats::coef(b)),
    coefficients_se = in_errors(
      stats::coef(a), stats::coef(b), sqrt(diag(b$Vp))
    )
  )
}

#' The adapter for mgcv::gam
#'
#' Observes the outer iteration (newton, bfgs and efs) through the probe of
#' probe-mgcv.R, and resumes it with gam's own arguments `in.out` and `start`
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
    converged = mgcv_converged,
    compare = compare_gams
  )
}

#' The adapter for mgcv::bam
#'
#' bam interleaves its iterations in a way that leaves nothing to observe, so
#' only finished fits are kept. As a seed, every mgcv takes starting
#' coefficients (`coef`: it has no use for them with the gaussian family and
#' identity link, nor before 1.9 with `discrete = TRUE`); initial smoothing
#' parameters and scale (`in.out`) are taken from mgcv 1.9 on.
#' @noRd
adapter_mgcv_bam <- function() {
  warm_adapter(
    name = "mgcv::bam",
    identify = function(call, env) identify_mgcv(call, env, "mgcv::bam"),
    seed = seed_bam,
    state = finished_bam,
    restore = restore_gam,
    converged = mgcv_converged,
    compare = compare_gams
  )
}

# What cannot change the fit: where it starts, and how the work is divided.
identify_mgcv <- function(call, env, fitter) {
  identify_model(
    call, env, fitter,
    aligned = c("weights", "offset", "subset", "AR.start"),
    ignored = c(
      "in.out", "start", "coef", "etastart", "mustart",
      "chunk.size", "cluster", "nthreads", "gc.level", "use.chol"
    ),
    ignored_control = idle_controls
  )
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

#' Put a state into a call
#'
#' What the user gave for `in.out` or `start` stays. How many smoothing
#' parameters and coefficients the model has is known only once mgcv has set it
#' up, so the last check is made then: the arguments put in are calls that mgcv
#' evaluates after set-up, `in.out` before `start`, and they too signal
#' `warmstart_seed_unfit`. Another fit's end is brought nearer to this one's
#' first, by the working model.
#' @noRd
seed_gam <- function(call, env, state, relation) {
  check_seed(state)
  if (relation != "exact") check_other_start(call, env)
  call <- seed_theta(call, env, state)
  settled <- NULL
  if (is.null(call[["in.out"]])) {
    call[["in.out"]] <- as.call(list(function() {
      settled <<- seed_in_out(state, relation)
      settled$in_out
    }))
  }
  if (is.null(call[["start"]])) {
    call[["start"]] <- as.call(list(function() {
      settled$coefficients %||% seed_start(state, relation)
    }))
  }
  call
}

#' Start a fit from its own working model
#'
#' From mgcv's initial smoothing parameters. A family with parameters of its own
#' has none to begin with that are near. Where the model, once set up, turns out
#' to have no working model, mgcv is given nothing and begins by itself.
#' @noRd
quickstart_gam <- function(call, env) {
  if (!is.null(call[["in.out"]]) || !is.null(call[["start"]])) {
    stop_seed_unfit("it has starting values of its own")
  }
  family <- call_family(call, env)
  if (is.null(family) || is_general(family) || count_theta(family) > 0) {
    stop_seed_unfit("its family has parameters of its own")
  }
  found <- NULL
  call[["in.out"]] <- as.call(list(function() {
    found <<- quick_in_out(setup_frame("estimate.gam"))
    found$in_out
  }))
  call[["start"]] <- as.call(list(function() found$coefficients))
  call
}

quick_in_out <- function(frame) {
  if (identical(frame$optimizer[1], "efs")) {
    return(NULL)
  }
  initial <- list(sp = exp(frame$lsp2), scale = if (frame$scale > 0) frame$scale)
  found <- settle_start(frame, initial)
  found$in_out$sp <- found$in_out$sp * exp(optimum_shift)
  found
}

seed_bam <- function(call, env, state, relation) {
  check_seed(state)
  call <- seed_theta(call, env, state)
  fitter <- eval(call[[1]], env)
  if ("in.out" %in% names(formals(fitter)) && is.null(call[["in.out"]])) {
    call[["in.out"]] <- as.call(list(function() seed_bam_in_out(state, relation)))
  }
  if (is.null(call[["coef"]]) && length(state$coefficients) > 0) {
    call[["coef"]] <- as.call(list(function() seed_coef(state, relation)))
  }
  call
}

# Before the model is set up: setting it up once more takes time. mgcv takes efs for a family that
# has no derivatives for another optimiser.
check_other_start <- function(call, env) {
  family <- call_family(call, env)
  optimizer <- if (!is.null(call[["optimizer"]])) eval(call[["optimizer"]], env)
  if (identical(optimizer[1], "efs") || isTRUE(family$available.derivs == 0)) {
    stop_seed_unfit("`efs` is slower from another fit's end than from its own start")
  }
  # Seen with ziP(): from a model with a term less, REML ended 1.1e-5 above the cold fit's.
  if (isTRUE(grepl("^zero inflated", family$family[1]))) {
    stop_seed_unfit("a zero inflated model may have several optima, and end in another one")
  }
}

check_seed <- function(state) {
  parts <- c("sp", "scale", "coefficients", "theta")
  if (!is.list(state) || !all(parts %in% names(state))) {
    stop_seed_unfit("it is not the state of an mgcv fit")
  }
  for (part in parts) {
    value <- state[[part]]
    if (!is.numeric(value) || !all(is.finite(value))) {
      stop_seed_unfit(paste("its", part, "is not all finite numbers"))
    }
  }
  if (!all(c(state$sp, state$scale) > 0)) {
    stop_seed_unfit("a smoothing parameter or scale in it is not positive")
  }
}


seed_theta <- function(call, env, state) {
  family <- call_family(call, env)
  if (is.null(family) || count_theta(family) != length(state$theta)) {
    stop_seed_unfit("its family has another number of parameters")
  }
  if (length(state$theta) > 0) {
    family <- set_family_theta(family, unname(state$theta))
    call <- put_family(call, env, family)
  }
  call
}

in_out_list <- function(state) {
  scale <- if (length(state$scale) > 0) unname(state$scale) else 1
  list(sp = unname(state$sp), scale = scale)
}

# `in_out`, and `coefficients` where the working model has found some.
seed_in_out <- function(state, relation) {
  frame <- setup_frame("estimate.gam")
  if (relation == "related") {
    state$sp <- adopt_sp(state, names(frame$G$sp), exp(frame$lsp2), frame$G$term.names)
  } else {
    check_seed_labels(state, frame$G)
  }
  estimates_scale <- isTRUE(frame$criterion %in% c("REML", "ML")) &&
    isTRUE(frame$scale <= 0)
  if (estimates_scale && length(state$scale) == 0) {
    stop_seed_unfit("it has no scale, which this fit estimates")
  }
  efs <- identical(frame$optimizer[1], "efs")
  settled <- list(in_out = in_out_list(state))
  if (relation != "exact") {
    settled$in_out$sp <- off_the_plateau(settled$in_out$sp, exp(frame$lsp2))
    settled <- settle_start(frame, settled$in_out, seed_start(state, relation)) %||% settled
  }
  shift <- if (efs) -fellner_schall_shift else if (isTRUE(state$finished)) optimum_shift else 0
  settled$in_out$sp <- settled$in_out$sp * exp(shift)
  settled
}

# From the very optimum no step lowers the score, which newton() reports as a
# failure, with a warning. From so little beside it in the log smoothing
# parameters, its first step is back to the optimum, and a success.
optimum_shift <- 1e-3

# The extended Fellner-Schall iteration adds this to the log smoothing
# parameters it is given before it begins.
fellner_schall_shift <- 2.5

#' Keep a seed where the score has a slope
#'
#' A term that another data set or model smooths away altogether has a smoothing
#' parameter so large that the score hardly depends on it: an optimiser that
#' starts there stays there, though the term may be needed now. mgcv's own
#' initial values tell what is large. From the plateau's very edge newton()
#' tries many steps in vain; from a little above its own initial values it is
#' back on the plateau, if that is the place, in a few, which the working model
#' spares it where there is one.
#' @noRd
off_the_plateau <- function(sp, initial) {
  ifelse(sp > initial * exp(plateau), initial * exp(below_plateau), sp)
}

# In the log smoothing parameters. From a plateau of 10 on, fits ended elsewhere
# than cold ones.
plateau <- 7
below_plateau <- 2

#' Another model's smoothing parameters, as far as this one has them
#'
#' By the names of their penalties; mgcv's own initial values for the rest.
#' @noRd
adopt_sp <- function(state, labels, initial, terms) {
  at <- match(labels, names(state$sp))
  shared <- !is.na(at)
  if (!any(shared) && !any(shared_coefficients(state, terms))) {
    stop_seed_unfit("it has no term in common with this model")
  }
  initial[shared] <- state$sp[at[shared]]
  initial
}

#' Another model's coefficients, as far as this one has them; 0 for the rest
#' @noRd
adopt_coefficients <- function(state, terms) {
  shared <- shared_coefficients(state, terms)
  adopted <- numeric(length(terms))
  adopted[shared] <- state$coefficients[terms[shared]]
  adopted
}

# A smooth's coefficients are numbered: with another number of them it has
# another basis, and they mean something else. An intercept alone is no start.
shared_coefficients <- function(state, terms) {
  before <- names(state$coefficients)
  size_before <- table(smooth_label(before))
  size <- table(smooth_label(terms))
  same_basis <- size[smooth_label(terms)] == size_before[smooth_label(terms)]
  shared <- terms %in% before & same_basis %in% TRUE
  if (all(grepl("^\\(Intercept\\)", terms[shared]))) logical(length(terms)) else shared
}

smooth_label <- function(coefficient) sub("[.][0-9]+$", "", coefficient)

seed_start <- function(state, relation) {
  setup <- setup_frame("estimate.gam")$G
  if (length(state$coefficients) == 0) {
    return(NULL)
  }
  if (relation == "related") {
    return(related_start(state, setup))
  }
  check_seed_labels(state, setup)
  # With such a matrix a finished fit's coefficients are not those that were
  # iterated, so they cannot start another.
  if (is.null(setup$P) && (relation == "exact" || has_portable_bases(setup))) {
    unname(state$coefficients)
  }
}

# Do coefficients mean the same on other rows? A basis of eigenvectors, as thin
# plate splines have, is another one there, and its signs are arbitrary: started
# from them, the inner iteration takes longer than from nothing, and bam's may
# diverge.
has_portable_bases <- function(setup) {
  all(vapply(setup$smooth, is_portable, NA))
}

is_portable <- function(smooth) {
  margins <- smooth$margin
  if (length(margins) > 0 && inherits(smooth, "tensor.smooth")) {
    return(all(vapply(margins, is_portable, NA)))
  }
  inherits(smooth, portable_smooths)
}

portable_smooths <- c(
  "cr.smooth", "cs.smooth", "cyclic.smooth", "pspline.smooth", "cpspline.smooth",
  "cp.smooth", "Bspline.smooth", "random.effect", "mrf.smooth"
)

# The multivariate normal family adds coefficients of its own to the model's.
related_start <- function(state, setup) {
  terms <- setup$term.names
  adds_coefficients <- setup$family$family[1] == "Multivariate normal"
  usable <- is.null(setup$P) && !adds_coefficients && has_portable_bases(setup)
  if (usable && any(shared_coefficients(state, terms))) {
    adopt_coefficients(state, terms)
  }
}

seed_bam_in_out <- function(state, relation) {
  frame <- setup_frame(bam_fitters)
  setup <- frame$G
  initial <- if (relation != "exact") bam_initial_sp(frame)
  if (relation == "related") {
    labels <- names(if (is.null(setup$L)) setup$sp else setup$lsp0)
    state$sp <- adopt_sp(state, labels, initial, setup$term.names)
  }
  if (length(state$sp) != length(setup$S)) {
    stop_seed_unfit("its smoothing parameters are not those of this model")
  }
  in_out <- in_out_list(state)
  if (relation != "exact") {
    in_out$sp <- off_the_plateau(in_out$sp, initial)
  }
  in_out
}

# What bam would begin with, were it given no `in.out`.
bam_initial_sp <- function(frame) {
  crossproducts <- !is.null(frame$G$Xd)
  getExportedValue("mgcv", "initial.sp")(
    frame$qrx$R, frame$G$S, frame$G$off, XX = crossproducts
  )
}

seed_coef <- function(state, relation) {
  setup <- setup_frame(bam_fitters)$G
  terms <- setup$term.names
  if (relation == "related") {
    return(related_start(state, setup))
  }
  if (!same_labels(state$coefficients, terms, length(terms))) {
    stop_seed_unfit("its coefficients are not those of this model")
  }
  if (relation == "exact" || has_portable_bases(setup)) unname(state$coefficients)
}

bam_fitters <- c("bam.fit", "bgam.fit", "bgam.fitd", "bam")

#' The frame of mgcv in which the model has just been set up
#' @noRd
setup_frame <- function(functions) {
  at <- find_mgcv_frame(functions)
  if (is.null(at)) {
    stop_seed_unfit("this version of mgcv does not set up a model as expected")
  }
  sys.frame(at$n)
}

check_seed_labels <- function(state, setup) {
  if (!same_labels(state$sp, names(setup$sp), length(setup$sp))) {
    stop_seed_unfit("its smoothing parameters are not those of this model")
  }
  terms <- setup$term.names
  coefficients <- state$coefficients
  # A general family may add coefficients of its own behind the model's.
  if (is_general(setup$family)) {
    shared <- min(length(coefficients), length(terms))
    coefficients <- coefficients[seq_len(shared)]
  }
  if (length(state$coefficients) > 0 &&
    !same_labels(coefficients, terms, ncol(setup$X))) {
    stop_seed_unfit("its coefficients are not those of this model")
  }
}

same_labels <- function(x, labels, n) {
  length(x) == n &&
    (is.null(names(x)) || is.null(labels) || identical(names(x), labels))
}

#' Watch a call while it runs
#' @noRd
observe_gam <- function(call, env, report) {
  family <- tryCatch(call_family(call, env), error = function(e) NULL)
  if (!is.null(family)) {
    call <- put_family(call, env, probe_family(family, report))
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

#' Make a fit the user's own again
#'
#' Only what this adapter may have put into the call is undone, as the fit's
#' call need not be the one that was evaluated: a model that was set up
#' beforehand (`G`) keeps the call that set it up.
#' @noRd
restore_gam <- function(fit, call, env) {
  fit$family <- unwrap_family(fit$family)
  if (is.null(call[["G"]])) {
    slot <- if (inherits(fit, "gam.prefit")) "cl" else "call"
    ours <- c("family", "in.out", "start", "coef")
    for (name in intersect(names(fit[[slot]]), ours)) {
      fit[[slot]][[name]] <- call[[name]]
    }
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

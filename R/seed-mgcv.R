# Where a fit of mgcv starts: what another fit knows, put into the call's arguments.

#' Put a state into a call
#'
#' What the user gave for `in.out` or `start` stays. How many smoothing
#' parameters and coefficients the model has is known only once mgcv has set it
#' up, so the last check is made then: the arguments put in are calls that mgcv
#' evaluates after set-up, and they too signal `warmstart_seed_unfit`. Another
#' fit's end is brought nearer to this one's first, by the working model, in
#' whichever of the two mgcv asks for first.
#' @noRd
seed_gam <- function(call, env, state, relation) {
  check_seed(state)
  family <- checked_family(call, env, state)
  check_takes_start(call, env, family)
  if (relation == "exact") {
    call <- seed_theta(call, family, state)
  } else {
    check_other_start(call, env, family)
  }
  found <- NULL
  settles <- relation != "exact" && is.null(call[["in.out"]])
  if (is.null(call[["in.out"]])) {
    call[["in.out"]] <- as.call(list(function() {
      if (is.null(found)) found <<- seed_estimate(state, relation)
      found$in_out
    }))
  }
  if (is.null(call[["start"]])) {
    call[["start"]] <- as.call(list(function() {
      if (settles && is.null(found)) found <<- seed_estimate(state, relation)
      if (settles) found$coefficients else seed_start(state, relation)
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
  check_takes_start(call, env, family)
  check_optimiser(call, env, family)
  found <- NULL
  call[["in.out"]] <- as.call(list(function() {
    found <<- quick_in_out(setup_frame("estimate.gam"))
    found$in_out
  }))
  call[["start"]] <- as.call(list(function() found$coefficients))
  call
}

quick_in_out <- function(frame) {
  view <- working_view(frame)
  found <- settle_start(view, exp(frame$lsp2), exp(frame$lsp2))
  if (is.null(found)) {
    return(decline_start("There is no quick start", view))
  }
  found$in_out$sp <- found$in_out$sp * exp(optimum_shift)
  found
}

seed_bam <- function(call, env, state, relation) {
  check_seed(state)
  family <- checked_family(call, env, state)
  takes_sp <- "in.out" %in% names(formals(eval(call[[1]], env)))
  if (!takes_sp) check_takes_coef(call, env, family)
  if (relation == "exact") call <- seed_theta(call, family, state)
  if (takes_sp && is.null(call[["in.out"]])) {
    call[["in.out"]] <- as.call(list(function() seed_bam_in_out(state, relation)))
  }
  if (is.null(call[["coef"]]) && length(state$coefficients) > 0) {
    call[["coef"]] <- as.call(list(function() seed_coef(state, relation)))
  }
  call
}

# Before mgcv 1.9: least squares have no use for coefficients, and discrete methods do not look at
# them.
check_takes_coef <- function(call, env, family) {
  discrete <- eval(call[["discrete"]], env)
  if (is_least_squares(family) || length(discrete) > 0 && !identical(discrete, FALSE)) {
    stop_seed_unfit("before mgcv 1.9, `bam()` takes nothing from it for such a model")
  }
}

# Least squares by GCV go to magic(), and nothing says where performance iteration starts.
check_takes_start <- function(call, env, family) {
  method <- eval(call[["method"]], env) %||% "GCV.Cp"
  optimizer <- eval(call[["optimizer"]], env)[1]
  by_gcv <- identical(method[1], "GCV.Cp") && is.null(eval(call[["nei"]], env))
  by_magic <- is_least_squares(family) && !identical(optimizer, "efs")
  if (by_gcv && (by_magic || identical(optimizer, "perf"))) {
    stop_seed_unfit("mgcv takes no starting values for such a model")
  }
}

# mgcv takes efs for a family that has no derivatives for another optimiser, and where that ends
# depends on where it begins: from the point that it makes for, which is not REML's optimum, one fit
# in eight ended some 1e-5 higher.
check_optimiser <- function(call, env, family) {
  optimizer <- eval(call[["optimizer"]], env)[1]
  if (identical(optimizer, "efs") || isTRUE(family$available.derivs == 0)) {
    stop_seed_unfit("where `efs` ends depends on where it begins")
  }
}

# Before the model is set up: setting it up once more takes time.
check_other_start <- function(call, env, family) {
  check_optimiser(call, env, family)
  # Seen with ziP(): from a model with a term less, REML ended 1.1e-5 above the cold fit's.
  if (isTRUE(grepl("^zero inflated", family$family[1]))) {
    stop_seed_unfit("a zero inflated model may have several optima, and end in another one")
  }
  # One seed in ten ended in another one, up to 0.7 % above the cold fit's.
  method <- eval(call[["method"]], env)
  if (isTRUE(method[1] %in% c("NCV", "QNCV"))) {
    stop_seed_unfit("cross-validation may have several optima, and end in another one")
  }
}

# A store may hold any plain data. Whether it is that of this model, check_seed_labels() says.
check_seed <- function(state) {
  if (!is.list(state) || !all(names(seed_ranges) %in% names(state))) {
    stop_seed_unfit("it is not the state of an mgcv fit")
  }
  for (part in names(seed_ranges)) {
    value <- state[[part]]
    if (!is.numeric(value) || !is.null(dim(value)) || !all(is.finite(value))) {
      stop_seed_unfit(paste("its", part, "is not all finite numbers"))
    }
    range <- seed_ranges[[part]]
    if (!all(value >= range[1] & value <= range[2])) {
      stop_seed_unfit(paste("its", part, "is not in the range of a fit's"))
    }
  }
  if (length(state$scale) > 1) stop_seed_unfit("it has more than one scale")
}

# Far wider than data can make them: what is beyond only overflows. `theta` is mostly of logarithms.
seed_ranges <- list(
  sp = c(1e-60, 1e60), scale = c(1e-60, 1e60), coefficients = c(-1e60, 1e60), theta = c(-100, 100)
)

# The call's, which has as many parameters as the state.
checked_family <- function(call, env, state) {
  family <- call_family(call, env)
  if (is.null(family) || count_theta(family) != length(state$theta)) {
    stop_seed_unfit("its family has another number of parameters")
  }
  family
}

# Of this very fit alone. Other rows may have led to where the score has no slope in them, as in
# the degrees of freedom of `scat()`, and from where there is no way back: for these the working
# model finds them, from the family's own guess.
seed_theta <- function(call, family, state) {
  if (length(state$theta) > 0) {
    call <- put_family(call, set_family_theta(family, unname(state$theta)))
  }
  call
}

in_out_list <- function(state) {
  scale <- if (length(state$scale) > 0) unname(state$scale) else 1
  list(sp = unname(state$sp), scale = scale)
}

# `in_out` and `coefficients`. Of a model of several linear predictors mgcv asks for the latter
# first, before it has smoothing parameters of its own: the working model says what is large.
seed_estimate <- function(state, relation) {
  frame <- setup_frame("estimate.gam")
  setup <- frame$G
  if (relation == "exact") {
    return(seed_own_estimate(state, frame))
  }
  view <- working_view(frame, seed_start(state, relation))
  if (is.null(view)) {
    return(decline_start("The stored fit does not start this one", view))
  }
  initial <- if (is.null(frame$lsp2)) view$initial else exp(frame$lsp2)
  if (relation == "related") {
    state$sp <- adopt_sp(state, names(setup$sp), initial, setup$term.names)
  } else {
    check_seed_labels(state, setup)
  }
  sp <- known_sp(unname(state$sp), initial, names(setup$sp), setup)
  found <- settle_start(view, off_the_plateau(sp, initial), initial)
  if (is.null(found)) {
    return(decline_start("The stored fit does not start this one", view))
  }
  found$in_out <- beside_the_optimum(found$in_out, state, frame)
  found
}

# Too late to stop: the model has been set up, and mgcv goes on from its own start.
decline_start <- function(what, view) {
  why <- if (is.null(view)) {
    "where it would lead to is not known of such a model"
  } else {
    "the score may have several optima, and which is lowest is not certain"
  }
  signalCondition(structure(
    class = c("warmstart_seed_declined", "condition"),
    list(message = paste0(what, ": ", why, "."), call = NULL)
  ))
  list()
}

seed_own_estimate <- function(state, frame) {
  check_seed_labels(state, frame$G)
  check_seed_scale(state, frame)
  in_out <- in_out_list(state)
  # mgcv fits these by bfgs(), which from a plateau finds back by what it knows of the way there.
  if (!isTRUE(state$finished) && isTRUE(frame$criterion %in% c("NCV", "QNCV"))) {
    in_out$sp <- off_the_plateau(in_out$sp, exp(frame$lsp2))
  }
  list(in_out = beside_the_optimum(in_out, state, frame))
}

check_seed_scale <- function(state, frame) {
  estimates_scale <- isTRUE(frame$criterion %in% c("REML", "ML")) && isTRUE(frame$scale <= 0)
  if (estimates_scale && length(state$scale) == 0) {
    stop_seed_unfit("it has no scale, which this fit estimates")
  }
}

beside_the_optimum <- function(in_out, state, frame) {
  efs <- identical(frame$optimizer[1], "efs")
  shift <- if (efs) -fellner_schall_shift else if (isTRUE(state$finished)) optimum_shift else 0
  in_out$sp <- in_out$sp * exp(shift)
  # With all of them fixed, newton() has the scale alone to move.
  if (length(in_out$sp) == 0) in_out$scale <- in_out$scale * exp(shift)
  in_out
}

# From the very optimum no step lowers the score, which newton() reports as a
# failure, with a warning. From so little beside it in the log smoothing
# parameters, its first step is back to the optimum, and a success.
optimum_shift <- 1e-3

# The extended Fellner-Schall iteration adds this to the log smoothing
# parameters it is given before it begins.
fellner_schall_shift <- 2.5

# The penalties of a factor smooth's null space are in an order that other rows may turn round:
# which is which is not known there. mgcv's own initial values for these.
known_sp <- function(sp, initial, labels, setup) {
  for (smooth in setup$smooth) {
    if (inherits(smooth, "fs.interaction")) {
      unknown <- labels %in% paste0(smooth$label, seq_along(smooth$S)[-1])
      sp[unknown] <- initial[unknown]
    }
  }
  sp
}

#' Keep a seed where the score has a slope
#'
#' A term that another data set or model smooths away altogether has a smoothing
#' parameter so large that the score hardly depends on it: an optimiser that
#' starts there stays there, though the term may be needed now. So does one
#' whose smoothing parameter is so small that the penalty has no effect. mgcv's
#' own initial values tell what is large and small. From the plateau's very edge newton()
#' tries many steps in vain; from a little above its own initial values it is
#' back on the plateau, if that is the place, in a few, which the working model
#' spares it where there is one.
#' @noRd
off_the_plateau <- function(sp, initial) {
  off <- log(sp / initial)
  ifelse(abs(off) > plateau, initial * exp(sign(off) * below_plateau), sp)
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
  usable <- is.null(setup$P) && !is_mvn(setup$family) && has_portable_bases(setup)
  if (usable && any(shared_coefficients(state, terms))) {
    adopt_coefficients(state, terms)
  }
}

seed_bam_in_out <- function(state, relation) {
  frame <- setup_frame(bam_fitters)
  setup <- frame$G
  if (relation != "exact" && has_adaptive(setup)) {
    stop_seed_unfit("the score of an adaptive smooth may have several optima")
  }
  initial <- if (relation != "exact") bam_initial_sp(frame)
  labels <- names(if (is.null(setup$L)) setup$sp else setup$lsp0)
  if (relation == "related") {
    state$sp <- adopt_sp(state, labels, initial, setup$term.names)
  }
  if (length(state$sp) != length(setup$S)) {
    stop_seed_unfit("its smoothing parameters are not those of this model")
  }
  in_out <- in_out_list(state)
  if (relation != "exact") {
    in_out$sp <- off_the_plateau(known_sp(in_out$sp, initial, labels, setup), initial)
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
  # mvn() adds coefficients of its own behind the model's, once that is set up.
  added <- length(coefficients) - length(terms)
  if (added > 0 && added == count_covariances(setup$family)) {
    coefficients <- coefficients[seq_along(terms)]
  }
  if (length(coefficients) > 0 && !same_labels(coefficients, terms, ncol(setup$X))) {
    stop_seed_unfit("its coefficients are not those of this model")
  }
}

is_mvn <- function(family) family$family[1] == "Multivariate normal"

count_covariances <- function(family) if (is_mvn(family)) family$nlp * (family$nlp + 1) / 2 else 0

same_labels <- function(x, labels, n) {
  length(x) == n &&
    (is.null(names(x)) || is.null(labels) || identical(names(x), labels))
}

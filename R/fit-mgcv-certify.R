# Why the end of a gam is believed that began elsewhere than a cold one.

# From a working model, or from an iterate of its own: the end is the optimum, as near as mgcv comes
# to it, and the working model's, which is a step or two from there.
certify_gam <- function(fit, call, env, start) {
  if (start$relation == "exact" && isTRUE(start$state$finished)) {
    return(certify_own_end(fit, start$state))
  }
  end <- fit$outer.info
  if (is_odd_tweedie(fit$family)) {
    return("the power of its family is near a limit")
  }
  if (!identical(end$conv, "full convergence")) {
    return("it stopped elsewhere than at an optimum")
  }
  if (start$relation != "exact" && end$iter > steps_left) {
    return("its optimum was not where the working model has it")
  }
  score <- as.vector(fit$gcv.ubre)
  if (!isTRUE(left_of(end$grad, end$hess) <= end_tolerance / 2 * max(1, abs(score)))) {
    return("it stopped short of an optimum")
  }
  TRUE
}

# A Tweedie distribution has several modes where its power is near 1 or 2; so has its likelihood.
is_odd_tweedie <- function(family) {
  power <- if (isTRUE(startsWith(family$family, "Tweedie")) && !is.null(family$getTheta)) {
    family$getTheta(TRUE)
  }
  isTRUE(abs(power - 1.5) > 0.35)
}

# Outer iterations.
steps_left <- 4

# From its own end a fit stays there.
certify_own_end <- function(fit, state) {
  end <- stats::coef(fit)
  before <- state$coefficients
  error <- sqrt(diag(fit$Vp))
  if (length(end) == length(before) &&
    isTRUE(all(abs(end - before) <= same_end * error + 1e-10))) {
    TRUE
  } else {
    "begun again at its end, the fit went elsewhere"
  }
}

same_end <- 0.02 # standard errors

# By how much the score would still come down: half the squared slope over the curvature, or as much
# as the slope where that fades with the curvature, as it does where a term is smoothed away. NA
# where the score bends down.
left_of <- function(gradient, hessian) {
  axes <- eigen(as.matrix(hessian), symmetric = TRUE)
  slope <- abs(drop(crossprod(axes$vectors, as.vector(gradient))))
  if (any(axes$values < -2 * slope - 1e-8)) {
    return(NA)
  }
  sum(ifelse(slope < axes$values, slope^2 / (2 * axes$values), slope))
}

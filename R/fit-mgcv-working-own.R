# Tests: test-fit-mgcv-working.R.
#
# What mgcv estimates beside the smoothing parameters: parameters of the family, the scale. For the
# present fit they are where the likelihood has its maximum; in REML the scale's has a term more.
own_parameters <- function(setup, scale, exact) {
  family <- setup$family
  thetas <- seq_len(count_theta(family))
  of_scale <- is.null(scale) && !exact && setup$criterion %in% c("REML", "ML")
  unpenalised <- if (setup$criterion == "REML") setup$Mp else 0
  evaluate <- if (is_extended(family)) extended_likelihood else basic_likelihood(family)
  at <- function(own, rows, scale) {
    if (of_scale) scale <- exp(own[[length(own)]])
    at <- evaluate(family, rows, own[thetas], scale)
    keep <- seq_along(own)
    gradient <- at$gradient[keep] / setup$gamma
    value <- at$value / setup$gamma
    if (of_scale) {
      value <- value - unpenalised * log(scale) / 2
      gradient[length(own)] <- gradient[length(own)] - unpenalised / 2
    }
    stopifnot(is.finite(value), is.finite(gradient))
    list(
      value = value, gradient = gradient,
      hessian = at$hessian[keep, keep, drop = FALSE] / setup$gamma
    )
  }
  theta <- function() if (length(thetas) > 0) family$getTheta()
  put_theta <- function(theta) if (length(thetas) > 0) family$putTheta(theta)
  present <- function(scale) c(theta(), if (of_scale) log(scale))
  list(
    any = length(thetas) > 0 || of_scale, scale = of_scale, theta = theta, put_theta = put_theta,
    # `slope`: what the likelihood at a fit does not know of the score's, see `follow_rows()`. In
    # standard errors `moved`: far out, where a family turns into another, steps are long and
    # change nothing.
    fit = function(rows, scale, slope = 0) {
      before <- present(scale)
      slope <- slope + numeric(length(thetas))
      end <- descend(function(own) {
        found <- at(own, rows, scale)
        found$value <- found$value + sum(slope * (own - before)[thetas])
        found$gradient[thetas] <- found$gradient[thetas] + slope
        found
      }, before)
      put_theta(end$x[thetas])
      list(scale = if (of_scale) exp(end$x[[length(end$x)]]), moved = sqrt(2 * end$gained))
    }
  )
}

# A few steps of Newton's method: where they lead, and how far down.
descend <- function(f, x) {
  at <- f(x)
  begun <- at$value
  for (iteration in seq_len(own_steps)) {
    step <- newton_step(at$gradient, at$hessian)
    for (halving in seq_len(working_halvings)) {
      tried <- or_null(f(x + step))
      if (isTRUE(tried$value <= at$value)) break
      step <- step / 2
    }
    if (!isTRUE(tried$value <= at$value)) break
    x <- x + step
    at <- tried
    if (max(abs(step)) < settled) break
  }
  list(x = x, gained = begun - at$value)
}

own_steps <- 4

# Minus the log likelihood, penalised, in theta and log scale.
extended_likelihood <- function(family, rows, theta, scale) {
  mu <- family$linkinv(rows$eta)
  deviance <- sum(family$dev.resids(rows$y, mu, rows$weights, theta)) + rows$penalty
  saturated <- family$ls(rows$y, rows$weights, theta, scale)
  first <- -deviance / (2 * scale)
  second <- matrix(-first)
  if (length(theta) > 0) {
    slopes <- unwrap_function(family$Dd)(rows$y, mu, theta, rows$weights, level = 2)
    of_theta <- colSums(as.matrix(slopes$Dth)) / (2 * scale)
    both <- matrix(0, length(theta), length(theta))
    both[lower.tri(both, diag = TRUE)] <- colSums(as.matrix(slopes$Dth2)) / (2 * scale)
    both[upper.tri(both)] <- t(both)[upper.tri(both)]
    second <- rbind(cbind(both, -of_theta), c(-of_theta, second))
    first <- c(of_theta, first)
  }
  known <- seq_along(saturated$lsth1)
  first <- first[known] - saturated$lsth1
  second <- second[known, known, drop = FALSE] - saturated$lsth2
  list(value = deviance / (2 * scale) - saturated$ls, gradient = first, hessian = second)
}

basic_likelihood <- function(family) {
  saturated_at <- getExportedValue("mgcv", "fix.family.ls")(family)$ls
  function(family, rows, theta, scale) {
    deviance <- row_deviance(family, rows) + rows$penalty
    saturated <- saturated_at(rows$y, rows$weights, rows$n, scale)
    half <- deviance / (2 * scale)
    curvature <- half - saturated[2] * scale - saturated[3] * scale^2
    list(
      value = half - saturated[1], gradient = -half - saturated[2] * scale,
      hessian = matrix(curvature)
    )
  }
}

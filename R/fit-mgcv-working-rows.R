# Tests: test-fit-mgcv-working.R.
#
# One linear predictor: what the working model is made of is rows.

view_rows <- function(setup, frame) {
  family <- setup$family
  rows <- fitted_rows(frame)
  exact <- is_least_squares(family)
  b <- NULL
  half <- NULL # the observed information, as the least squares have it
  scale <- if (frame$scale > 0) frame$scale
  own <- own_parameters(setup, scale, exact)
  list(
    setup = setup, exact = exact, has_own = own$any,
    informed = function() exact || !is.null(b),
    squares = function(observed = FALSE) {
      if (!observed) {
        return(row_squares(setup, rows))
      }
      half <<- observed_information(family, rows)
      observed_squares(setup, rows, half)
    },
    follow = function(of_xx, inverse, b1) follow_rows(setup, rows, half, of_xx, inverse, b1),
    scale = function() scale,
    approach = function(penalty) NULL,
    move = function(score, penalty, own_slope = 0) {
      b <<- score$coefficients
      rows$eta <<- drop(setup$X %*% b) + setup$offset
      rows$penalty <<- sum(b * (penalty %*% b))
      if (!own$any) {
        return(0)
      }
      found <- own$fit(rows, scale %||% score$scale, own_slope)
      if (own$scale) scale <<- found$scale
      found$moved
    },
    keep = function() {
      was <- list(b = b, rows = rows, scale = scale, theta = own$theta())
      function() {
        b <<- was$b
        rows <<- was$rows
        scale <<- was$scale
        own$put_theta(was$theta)
      }
    },
    coefficients = function() b,
    size = function() rough_score(family, rows)
  )
}

is_least_squares <- function(family) family$family[1] == "gaussian" && family$link[1] == "identity"

# The response, the prior weights and the linear predictor as mgcv's inner fits begin with them.
fitted_rows <- function(frame) {
  setup <- frame$G
  rows <- initialized(setup, frame)
  eta <- rows$etastart %||% setup$family$linkfun(rows$mustart)
  list(y = rows$y, weights = rows$weights, n = rows$n, eta = as.vector(eta))
}

# Where the family has prepared its data as it does in mgcv.
initialized <- function(setup, frame) {
  at <- list2env(list(
    y = setup$y, x = setup$X, E = attr(setup$Sl, "E"), weights = setup$w, nobs = NROW(setup$y),
    offset = setup$offset, family = setup$family, start = NULL, etastart = NULL, mustart = NULL
  ), parent = parent.env(frame))
  eval(setup$family$initialize, at)
  at
}

rough_score <- function(family, rows) {
  mu <- family$linkinv(rows$eta)
  deviance <- row_deviance(family, rows)
  aic <- or_null(if (is_extended(family)) {
    family$aic(rows$y, mu, family$getTheta(), rows$weights, deviance)
  } else {
    family$aic(rows$y, rows$n, mu, rows$weights, deviance)
  })
  if (isTRUE(is.finite(aic))) abs(aic) / 2 else length(mu) / 2
}

row_deviance <- function(family, rows) {
  sum(family$dev.resids(rows$y, family$linkinv(rows$eta), rows$weights))
}

row_squares <- function(setup, rows) {
  half <- row_information(setup$family, rows)
  eta <- rows$eta - setup$offset
  informative <- half$information > 0
  root <- sqrt(half$information)
  residual <- ifelse(informative, half$score / root, 0)
  response <- root * eta + residual
  x <- root * setup$X
  list(
    xx = crossprod(x), xz = drop(crossprod(x, response)), zz = sum(response^2),
    n = sum(informative), effective = sum(half$information)^2 / sum(half$information^2),
    excess = row_deviance(setup$family, rows) - sum(residual^2)
  )
}

own_theta <- function(family) if (is_extended(family)) family$getTheta()

# The score of each row and its expected information, in the linear predictor.
row_information <- function(family, rows, theta = own_theta(family)) {
  mu <- family$linkinv(rows$eta)
  slope <- family$mu.eta(rows$eta)
  half <- if (is_extended(family)) {
    deviance <- unwrap_function(family$Dd)(rows$y, mu, theta, rows$weights)
    list(score = -deviance$Dmu * slope / 2, information = deviance$EDmu2 * slope^2 / 2)
  } else {
    precision <- rows$weights / family$variance(mu)
    list(score = precision * (rows$y - mu) * slope, information = precision * slope^2)
  }
  stopifnot(
    length(half$information) == length(rows$eta), half$information >= 0, is.finite(half$score)
  )
  half
}

# The same with the observed information, which is not always positive, and its derivative as
# `slope`. Central differences of the score, which every family has: exact to 1e-6 or so.
observed_information <- function(family, rows, theta = own_theta(family)) {
  score_at <- function(shift) {
    rows$eta <- rows$eta + shift
    row_information(family, rows, theta)$score
  }
  step <- 1e-3
  below <- score_at(-step)
  here <- score_at(0)
  above <- score_at(step)
  list(
    score = here, information = (below - above) / (2 * step),
    slope = (2 * here - below - above) / step^2
  )
}

# But for a constant in `zz`.
observed_squares <- function(setup, rows, half) {
  eta <- rows$eta - setup$offset
  weighted <- half$information * eta + half$score
  list(
    xx = crossprod(setup$X, half$information * setup$X), xz = drop(crossprod(setup$X, weighted)),
    zz = sum(eta * (weighted + half$score)), n = length(eta)
  )
}

# How the weights follow the smoothing parameters, and the family's own, from what they are `here`.
follow_rows <- function(setup, rows, here, of_xx, inverse, b1) {
  family <- setup$family
  of_weight <- rowSums((setup$X %*% of_xx) * setup$X)
  follow <- function(b1) crossprod(setup$X %*% b1, of_weight * here$slope)
  theta <- if (count_theta(family) > 0) own_theta(family)
  step <- 1e-4
  list(
    slope = drop(follow(b1)),
    own = vapply(seq_along(theta), function(i) {
      beside <- observed_information(family, rows, replace(theta, i, theta[i] + step))
      b1 <- inverse %*% crossprod(setup$X, beside$score - here$score)
      (sum(of_weight * (beside$information - here$information)) + drop(follow(b1))) / step
    }, 1)
  )
}

# What the working model is made of: the fit as it is, of rows or of several linear predictors.

#' How the working model looks at a fit
#'
#' @param frame The frame of mgcv's `estimate.gam()`, in which the model has been set up.
#' @param coefficients To begin with, of the model as set up, or NULL.
#' @return NULL where there is no working model, or a list: `setup`; `exact`, is the working model
#'   the model itself?; `error`, what it may be wrong by between two fits, and `value_error`, what
#'   `value()` may be, where the family's parameters are but likely ones; of several linear
#'   predictors `initial`, smoothing parameters; and functions: `informed()`, is there a fit yet?;
#'   `approach()`, brings the fit near that of a penalty; `squares()`, the least squares about the
#'   present fit; `scale()`, NULL where the working model has to find it; `move()`, to the fit that
#'   a score has found, says how far that was; `value()`, the model's own score there, but for a
#'   constant; `keep()`, a function that goes back to the present fit; `coefficients()`; `size()`,
#'   of what size mgcv's score is, which its tolerance is relative to.
#' @noRd
working_view <- function(frame, coefficients = NULL) {
  setup <- frame$G
  criterion <- if (is_general(setup$family)) frame$method else frame$criterion
  criteria <- c(likelihood_criteria, if (!is_general(setup$family)) c(prediction_criteria, "NCV"))
  usable <- isTRUE(criterion %in% criteria) && length(setup$S) > 0 && is.null(setup$H)
  if (usable) {
    setup$cross_validates <- criterion == "NCV"
    # They estimate the same error, about.
    if (criterion == "NCV") criterion <- if (frame$scale > 0) "UBRE" else "GCV"
    setup$criterion <- criterion
    setup$gamma <- frame$gamma
    setup$tolerance <- frame$control$newton$conv.tol
    setup$blocks <- Map(
      function(penalty, first) first - 1 + seq_len(ncol(penalty)), setup$S, setup$off
    )
    if (is.null(setup$L)) setup$L <- diag(length(setup$S))
    if (is.null(setup$lsp0)) setup$lsp0 <- rep(0, length(setup$S))
    setup$size <- ncol(setup$X)
    if (is_general(setup$family)) setup <- in_own_coordinates(setup)
    setup$penalty <- penalty_determinant(setup)
    view <- if (is_general(setup$family)) view_likelihood else view_rows
    or_null(suppressWarnings(view(setup, frame, coefficients)))
  }
}

likelihood_criteria <- c("REML", "P-REML", "ML", "P-ML")
prediction_criteria <- c("GCV", "UBRE")

# What the working model may say too much of another optimum, in units of the log likelihood. Seen:
# 1 of UBRE, and where a scale is estimated; of REML, 0.02.
working_error <- function(setup, exact, has_own_parameters) {
  if (setup$criterion %in% prediction_criteria || has_own_parameters) {
    2
  } else if (exact) {
    0
  } else {
    0.2
  }
}

# One linear predictor. -----------------------------------------------------------------------

view_rows <- function(setup, frame, coefficients) {
  family <- setup$family
  rows <- fitted_rows(frame, coefficients)
  exact <- is_least_squares(family)
  b <- coefficients
  informed <- exact || !is.null(coefficients)
  scale <- if (frame$scale > 0) frame$scale
  own <- own_parameters(setup, scale, exact)
  list(
    setup = setup, exact = exact,
    error = working_error(setup, exact, own$any), value_error = if (own$any) 0.01 else 0,
    informed = function() informed,
    squares = function() row_squares(setup, rows),
    scale = function() scale,
    approach = function(penalty) NULL,
    move = function(score, penalty) {
      b <<- score$coefficients
      informed <<- TRUE
      rows$eta <<- drop(setup$X %*% b) + setup$offset
      rows$penalty <<- sum(b * (penalty %*% b))
      if (!own$any) {
        return(0)
      }
      found <- own$fit(rows, scale %||% score$scale)
      if (own$scale) scale <<- found$scale
      found$moved
    },
    value = function(score) {
      likelihood <- function() own$value(rows, scale %||% score$scale)
      value_of_rows(setup, rows, score, exact, likelihood)
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

# The model's own score. Of least squares, and where the deviance is all that counts, the working
# model has it.
value_of_rows <- function(setup, rows, score, exact, likelihood) {
  if (setup$cross_validates) {
    cross_validated(setup, rows, score$lsp)
  } else if (exact || setup$criterion %in% prediction_criteria) {
    score$score
  } else {
    likelihood() + score$complexity
  }
}

is_least_squares <- function(family) family$family[1] == "gaussian" && family$link[1] == "identity"

# The response, the prior weights and the linear predictor as mgcv's inner fits begin with them.
fitted_rows <- function(frame, coefficients) {
  setup <- frame$G
  rows <- initialized(setup, frame)
  eta <- if (!is.null(coefficients)) {
    drop(setup$X %*% coefficients) + setup$offset
  } else {
    rows$etastart %||% setup$family$linkfun(rows$mustart)
  }
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
    n = sum(informative), excess = row_deviance(setup$family, rows) - sum(residual^2)
  )
}

# Half the deviance of each row from the others' fit, as far as one step of Newton's method leads:
# what mgcv's neighbourhoods are, unless somebody has chosen others.
cross_validated <- function(setup, rows, lsp) {
  half <- row_information(setup$family, rows)
  precision <- crossprod(sqrt(half$information) * setup$X) + penalty_at(setup, lsp)
  reach <- rowSums((setup$X %*% invert(precision)) * setup$X)
  rows$eta <- rows$eta - reach * half$score / (1 - reach * half$information)
  row_deviance(setup$family, rows) / 2
}

# The score of each row and its expected information, in the linear predictor.
row_information <- function(family, rows) {
  mu <- family$linkinv(rows$eta)
  slope <- family$mu.eta(rows$eta)
  half <- if (is_extended(family)) {
    deviance <- unwrap_function(family$Dd)(rows$y, mu, family$getTheta(), rows$weights)
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
    fit = function(rows, scale) {
      before <- present(scale)
      own <- descend(function(own) at(own, rows, scale), before)
      put_theta(own[thetas])
      list(scale = if (of_scale) exp(own[[length(own)]]), moved = max(abs(own - before)))
    },
    value = function(rows, scale) at(present(scale), rows, scale)$value
  )
}

# A few steps of Newton's method.
descend <- function(f, x) {
  at <- f(x)
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
  x
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

# Several linear predictors. ------------------------------------------------------------------

# Its log likelihood, with gradient and Hessian in the coefficients, takes the rows' place. mgcv
# has put the model matrix into coordinates of its own already; here it is in the model's.
view_likelihood <- function(setup, frame, coefficients) {
  b <- coefficients %||% initialized(setup, frame)$start
  at <- log_likelihood(setup, b)
  # As far towards `to` as the penalised likelihood grows.
  move <- function(score, penalty) {
    penalised <- function(at, b) at$l - sum(b * (penalty %*% b)) / 2
    before <- penalised(at, b)
    step <- score$coefficients - b
    for (halving in seq_len(likelihood_halvings)) {
      tried <- or_null(log_likelihood(setup, b + step))
      if (isTRUE(penalised(tried, b + step) >= before - settled)) break
      step <- step / 2
    }
    stopifnot(is.finite(tried$l))
    b <<- b + step
    at <<- tried
    sqrt(sum(step * -(at$lbb %*% step))) / 10
  }
  list(
    setup = setup, exact = FALSE, error = working_error(setup, FALSE, FALSE), value_error = 0,
    informed = function() TRUE,
    initial = initial_sp(setup, -at$lbb),
    approach = function(penalty) {
      for (step in seq_len(likelihood_steps)) {
        squares <- likelihood_squares(at, b)
        to <- drop(invert(squares$xx + penalty) %*% squares$xz)
        moved <- move(list(coefficients = to), penalty)
        if (isTRUE(moved < 0.1)) break
      }
    },
    squares = function() likelihood_squares(at, b, NROW(setup$y)),
    scale = function() 1,
    move = move,
    value = function(score) score$score,
    keep = function() {
      was <- list(b = b, at = at)
      function() {
        b <<- was$b
        at <<- was$at
      }
    },
    coefficients = function() b,
    size = function() abs(at$l)
  )
}

likelihood_steps <- 20
likelihood_halvings <- 25

in_own_coordinates <- function(setup) {
  back <- function(x) {
    transform <- getExportedValue("mgcv", "Sl.initial.repara")
    transform(setup$Sl, x, inverse = TRUE, both.sides = FALSE, cov = FALSE)
  }
  setup$X <- back(setup$X)
  attributes(setup$Sl)$E <- back(attr(setup$Sl, "E"))
  prepare <- setup$family$preinitialize
  if (!is.null(prepare)) {
    prepared <- prepare(setup)
    setup[names(prepared)] <- prepared
    setup$size <- ncol(setup$X)
  }
  setup
}

log_likelihood <- function(setup, b) {
  evaluate <- unwrap_function(setup$family$ll)
  at <- evaluate(setup$y, setup$X, b, setup$w, setup$family, offset = setup$offset, deriv = 1)
  stopifnot(is.finite(at$l), is.finite(at$lb), is.finite(at$lbb))
  at
}

# Where the likelihood bends upward, the least squares bend downward as much.
likelihood_squares <- function(at, b, n = NULL) {
  axes <- eigen(-at$lbb, symmetric = TRUE)
  root <- sqrt(abs(axes$values)) * t(axes$vectors)
  xx <- crossprod(root)
  xz <- drop(xx %*% b) + drop(at$lb)
  list(xx = xx, xz = xz, zz = sum(b * (xz + at$lb)) - 2 * drop(at$l), n = n)
}

# Smoothing parameters with which each penalty weighs somewhat more than the data.
initial_sp <- function(setup, information) {
  weight <- mapply(function(penalty, first) {
    of_data <- diag(information)[first - 1 + seq_len(ncol(penalty))]
    1.5 * mean(pmax(of_data, 0)[diag(penalty) > 0]) / mean(diag(penalty)[diag(penalty) > 0])
  }, setup$S, setup$off)
  weight <- pmax(weight, 1e-8)
  exp(qr.coef(qr(setup$L), log(weight) - setup$lsp0))
}

# A seed goes through its working model before mgcv begins: a term that other rows smoothed away is
# then where these rows want it, a term that is new has a place, and the outer iteration has a step
# or two left. mgcv's score is not quite the working model's: where a fit starts is decided here,
# and nothing else.

#' Bring a start to the optimum of the working model
#'
#' @param view From `working_view()`; NULL where there is no such model.
#' @param sp Smoothing parameters to begin with.
#' @param initial Those that mgcv would begin with.
#' @return `in_out` and `coefficients`; NULL where there is no such model, or where the iteration
#'   fails. Parameters of its own are put into the family.
#' @noRd
settle_start <- function(view, sp, initial = sp) {
  if (!is.null(view)) {
    or_null(suppressWarnings(settle(view, sp, initial)))
  }
}

or_null <- function(value) tryCatch(value, error = function(e) NULL)

settle <- function(view, sp, initial) {
  begun <- unique(list(log(sp), log(initial)))
  view$approach(penalty_at(view$setup, begun[[1]]))
  found <- last <- settle_from(view, begun[[1]])
  for (place in other_optima(found, begun, log(initial), view$setup$cross_validates)) {
    last <- settle_from(view, place)
    if (isTRUE(last$value < found$value - last$tolerance)) found <- last
  }
  if (!identical(found, last)) found <- settle_from(view, found$score$lsp)
  lsp <- keep_slope(found$score$lsp, found$score, view$setup$tolerance * view$size())
  list(
    in_out = list(sp = exp(lsp), scale = view$scale() %||% found$score$scale),
    coefficients = view$coefficients()
  )
}

penalty_at <- function(setup, lsp) add_penalties(setup, exp(each_log_sp(setup, lsp)))

# The optimum that log smoothing parameters lead to: the working model there, its `score`, and the
# `value` of the model's own.
settle_from <- function(view, lsp) {
  for (pass in seq_len(working_passes)) {
    model <- working_model(view$setup, view$squares(), view$scale())
    tolerance <- view$setup$tolerance * model$n / 16
    # The first weights may be those of the data alone.
    steps <- if (pass > 1 || view$informed()) working_steps else 0
    score <- optimise_working(model, lsp, tolerance, steps)
    moved <- view$move(score, penalty_at(view$setup, score$lsp))
    if (view$exact || pass > 2 && max(abs(score$lsp - lsp), moved) < settled) break
    lsp <- score$lsp
  }
  list(model = model, score = score, value = or_null(view$value(score)), tolerance = tolerance)
}

working_passes <- 8
# In the log smoothing parameters, and those that the family has.
settled <- 0.01

#' Where else the score may have its optimum
#'
#' It may have several. On other rows an eigenvector's penalty, as the null space of a factor smooth
#' has, may be another one's, and the seed lead to an optimum that is none of these rows'; so mgcv's
#' own start is followed as well. From a plateau nothing leads back: what was smoothed away, with
#' weights that were still some way off, is tried where it began. And a term that is not may be
#' better off with nothing but its penalty's null space. What the working model finds not much worse
#' is for the score itself to judge.
#' @noRd
other_optima <- function(found, begun, initial, cross_validates) {
  model <- found$model
  score <- found$score
  is_away <- score$lsp - initial > plateau
  worst <- score$score + working_error[[
    if (model$criterion %in% prediction_criteria) "prediction" else "likelihood"
  ]]
  known <- list(score)
  compare <- function(place, at = working_score(model, place)) {
    # So much is enough to tell them apart.
    other <- or_null(optimise_working(model, place, 100 * found$tolerance, working_steps, at))
    is_new <- isTRUE(other$score < worst) &&
      all(vapply(known, function(optimum) max(abs(optimum$edf - other$edf)) > same_edf, NA))
    if (is_new) known <<- c(known, list(other))
  }
  back <- if (any(is_away)) {
    lapply(if (model$criterion %in% prediction_criteria) begun else begun[1], function(place) {
      ifelse(is_away, place, score$lsp)
    })
  }
  lapply(unique(c(back, begun[-1])), compare)
  for (i in which(!is_away)) {
    place <- replace(score$lsp, i, initial[[i]] + smoothed_away)
    at <- or_null(working_score(model, place))
    if (isTRUE(at$score < worst + 1)) compare(place, at)
  }
  # Of the criteria, cross-validation is the one that is seen to let a term have very much.
  for (i in if (cross_validates) seq_along(initial)) {
    compare(replace(score$lsp, i, initial[[i]] - roughened))
  }
  lapply(known[-1], function(optimum) optimum$lsp)
}

# From mgcv's initial log smoothing parameter.
smoothed_away <- 12
roughened <- 6
# What the working model may say too much of another optimum, in units of the log likelihood. Seen:
# 1 of UBRE, 0.02 of REML.
working_error <- c(prediction = 2, likelihood = 0.2)
same_edf <- 0.01

# Where a term is smoothed away, slope and curvature fade together, and mgcv takes for converged
# what is below its tolerance. Such a term is left the few degrees of freedom with which its slope
# is just above it: one that mgcv's score wants back, and the working model's does not, is still
# heard, and one that it does not is a step from where mgcv would leave it. Where not even
# sqrt(tolerance) / 10 degrees have such a slope, the score would not be brought down, and the term
# stays.
keep_slope <- function(lsp, score, tolerance) {
  retreat <- sqrt(tolerance) / 10 / score$edf
  back <- score$edf > 0 & retreat > 1 & -score$gradient * retreat > 2 * tolerance
  retreat <- pmin(retreat, 1.5 * tolerance / -score$gradient)
  back <- back & retreat > 1
  lsp[back] <- lsp[back] - log(retreat[back])
  lsp
}

#' How the working model looks at a fit
#'
#' @param frame The frame of mgcv's `estimate.gam()`, in which the model has been set up.
#' @param coefficients To begin with, of the model as set up, or NULL.
#' @return NULL where there is no working model, or a list: `setup`; `exact`, is the working model
#'   the model itself?; of several linear predictors `initial`, smoothing parameters; and functions:
#'   `informed()`, is there a fit yet?; `approach()`, brings the fit near that of a penalty;
#'   `squares()`, the least squares about the present fit; `scale()`, NULL where the working model
#'   has to find it; `move()`, to the fit that a score has found, says how far that was; `value()`,
#'   the model's own score there, but for a constant; `coefficients()`; `size()`, of what size
#'   mgcv's score is, which its tolerance is relative to.
#' @noRd
working_view <- function(frame, coefficients = NULL) {
  setup <- frame$G
  criterion <- if (is_general(setup$family)) frame$method else frame$criterion
  usable <- isTRUE(criterion %in% working_criteria) && length(setup$S) > 0 && is.null(setup$H)
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
    view <- if (is_general(setup$family)) view_likelihood else view_rows
    or_null(suppressWarnings(view(setup, frame, coefficients)))
  }
}

prediction_criteria <- c("GCV", "UBRE")
working_criteria <- c("REML", "P-REML", "ML", "P-ML", prediction_criteria, "NCV")

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
      if (setup$cross_validates) {
        cross_validated(setup, rows, score$lsp)
      } else if (exact || setup$criterion %in% prediction_criteria) {
        score$score
      } else {
        own$value(rows, scale %||% score$scale) + score$complexity
      }
    },
    coefficients = function() b,
    size = function() rough_score(family, rows)
  )
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
  present <- function(scale) {
    c(if (length(thetas) > 0) family$getTheta(), if (of_scale) log(scale))
  }
  list(
    any = length(thetas) > 0 || of_scale, scale = of_scale,
    fit = function(rows, scale) {
      before <- present(scale)
      own <- descend(function(own) at(own, rows, scale), before)
      if (length(thetas) > 0) family$putTheta(own[thetas])
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
  setup <- in_own_coordinates(setup)
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
    setup = setup, exact = FALSE, informed = function() TRUE,
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

# About its present fit, a gam is a penalised least squares problem: the working model. Once X'WX
# and X'Wz are known, its REML or ML score and the derivatives take no pass over the data, so that
# it is optimised in a fraction of the time that mgcv takes for one outer iteration. A seed goes
# through it before mgcv begins: a term that other rows smoothed away is then where these rows want
# it, and the outer iteration has a step or two left. Laplace's score is not quite the working
# model's: where a fit starts is decided here, and nothing else.

#' Bring a start to the optimum of the working model
#'
#' @param frame The frame of mgcv's `estimate.gam()`, in which the model has been set up.
#' @param in_out Smoothing parameters and scale to begin with.
#' @param coefficients Of the model as set up, or NULL.
#' @return `in_out`, better, and `coefficients`; NULL where there is no such model, or where the
#'   iteration fails.
#' @noRd
settle_start <- function(frame, in_out, coefficients = NULL) {
  if (!has_working_model(frame)) {
    return(NULL)
  }
  tryCatch(
    suppressWarnings(settle(frame, in_out, coefficients)),
    error = function(e) NULL
  )
}

# What the working model's REML and ML are close to.
has_working_model <- function(frame) {
  setup <- frame$G
  frame$criterion %in% c("REML", "P-REML", "ML", "P-ML") && !is_general(setup$family) &&
    length(setup$sp) > 0 && is.null(setup$H) && frame$gamma == 1
}

settle <- function(frame, in_out, coefficients) {
  setup <- frame$G
  rows <- fitted_rows(frame, coefficients)
  tolerance <- frame$control$newton$conv.tol
  exact <- is_least_squares(setup$family)
  scale <- known_scale(frame, in_out, exact)
  informed <- exact || !is.null(coefficients)
  lsp <- log(in_out$sp)
  for (pass in seq_len(working_passes)) {
    model <- working_model(frame, rows, scale)
    before <- lsp
    # The first weights are those of the data alone.
    if (pass > 1 || informed) {
      lsp <- optimise_working(model, lsp, tolerance * length(rows$eta) / 16)
    }
    score <- working_score(model, lsp)
    rows$eta <- drop(setup$X %*% score$coefficients) + setup$offset
    if (exact || has_settled(pass, lsp - before)) break
  }
  lsp <- keep_slope(lsp, score, tolerance * rough_score(setup$family, rows))
  in_out <- list(sp = exp(lsp), scale = scale %||% score$scale)
  list(in_out = in_out, coefficients = score$coefficients)
}

# NULL where the working model is to find it: it does where it is exact, and where none is given.
known_scale <- function(frame, in_out, exact) {
  if (frame$scale > 0) frame$scale else if (!exact) in_out$scale
}

# Four passes over the data leave less of a difference than lies between the two scores.
working_passes <- 4
settled <- 0.01 # in the log smoothing parameters

has_settled <- function(pass, change) pass > 2 && max(abs(change)) < settled

is_least_squares <- function(family) family$family[1] == "gaussian" && family$link[1] == "identity"

# Where a term is smoothed away, slope and curvature fade together, and mgcv takes for converged
# what is below its tolerance. So few degrees of freedom that a slope is just above it are left to
# such a term: one that Laplace's score wants back, and the working model's does not, is still
# heard. Where even that many have no slope that mgcv would follow, the score would not be brought
# down, and the term stays.
keep_slope <- function(lsp, score, tolerance) {
  retreat <- sqrt(tolerance) / 10 / score$edf
  back <- score$edf > 0 & retreat > 1 & -score$gradient * retreat > 2 * tolerance
  lsp[back] <- lsp[back] - log(retreat[back])
  lsp
}

# The response, the prior weights and the linear predictor as mgcv's inner fits begin with them.
fitted_rows <- function(frame, coefficients) {
  setup <- frame$G
  rows <- list2env(list(
    y = setup$y, weights = setup$w, nobs = NROW(setup$y), offset = setup$offset,
    family = setup$family, start = NULL, etastart = NULL, mustart = NULL
  ), parent = parent.env(frame))
  eval(setup$family$initialize, rows)
  eta <- if (!is.null(coefficients)) {
    drop(setup$X %*% coefficients) + setup$offset
  } else {
    rows$etastart %||% setup$family$linkfun(rows$mustart)
  }
  list(y = rows$y, weights = rows$weights, n = rows$n, eta = as.vector(eta))
}

# Of what size mgcv's score is, which its tolerance is relative to: that of the log likelihood.
rough_score <- function(family, rows) {
  mu <- family$linkinv(rows$eta)
  deviance <- sum(family$dev.resids(rows$y, mu, rows$weights))
  aic <- tryCatch(if (is_extended(family)) {
    family$aic(rows$y, mu, family$getTheta(), rows$weights, deviance)
  } else {
    family$aic(rows$y, rows$n, mu, rows$weights, deviance)
  }, error = function(e) NA)
  if (isTRUE(is.finite(aic))) abs(aic) / 2 else length(mu) / 2
}

# `scale` NULL: estimated with the rest.
working_model <- function(frame, rows, scale) {
  setup <- frame$G
  half <- working_information(setup$family, rows)
  eta <- rows$eta - setup$offset
  informative <- half$information > 0
  root <- sqrt(half$information)
  # root times the working response
  response <- ifelse(informative, root * eta + half$score / root, 0)
  x <- root * setup$X
  penalised <- ncol(x) - setup$Mp
  of_ml <- frame$criterion %in% c("ML", "P-ML")
  list(
    xx = crossprod(x), xz = drop(crossprod(x, response)), zz = sum(response^2),
    dof = sum(informative) - if (of_ml) 0 else setup$Mp, scale = scale,
    # REML integrates over all coefficients, ML over those in the penalties' range.
    range = if (of_ml) setup$U1[, seq_len(penalised), drop = FALSE],
    S = setup$S, roots = setup$UrS,
    blocks = Map(function(penalty, first) first - 1 + seq_len(ncol(penalty)), setup$S, setup$off),
    L = if (is.null(setup$L)) diag(length(setup$S)) else setup$L,
    lsp0 = if (is.null(setup$lsp0)) 0 else setup$lsp0
  )
}

# The score of each row and its expected information, in the linear predictor.
working_information <- function(family, rows) {
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

# The REML or ML score at log smoothing parameters `lsp`, with first and second derivatives; `edf`
# are the degrees of freedom that each penalty leaves to its term.
working_score <- function(model, lsp) {
  lsp <- drop(model$L %*% lsp + model$lsp0)
  sp <- exp(lsp)
  precision <- model$xx + add_penalties(model, sp)
  inverse <- chol2inv(chol(precision))
  b <- drop(inverse %*% model$xz)
  deviance <- model$zz - sum(b * model$xz)
  penalties <- getExportedValue("mgcv", "gam.reparam")(model$roots, lsp, 2)

  pulls <- mapply(function(penalty, block, sp) {
    pull <- numeric(length(b))
    pull[block] <- sp * drop(penalty %*% b[block])
    pull
  }, model$S, model$blocks, sp)
  deviance1 <- colSums(b * pulls)
  deviance2 <- diag(deviance1, length(sp)) - 2 * crossprod(pulls, inverse %*% pulls)
  log_det <- log_determinant(model, sp, precision, inverse)

  scale <- if (is.null(model$scale)) deviance / model$dof else model$scale
  gradient <- deviance1 / scale + log_det$first - penalties$det1
  hessian <- deviance2 / scale + log_det$second - penalties$det2
  fit <- deviance / scale
  if (is.null(model$scale)) {
    fit <- model$dof * log(deviance)
    hessian <- hessian - tcrossprod(deviance1) / (scale * deviance)
  }
  stopifnot(is.finite(b), is.finite(fit))
  list(
    score = (fit + log_det$value - penalties$det) / 2,
    gradient = drop(crossprod(model$L, gradient)) / 2,
    hessian = crossprod(model$L, hessian %*% model$L) / 2,
    edf = drop(crossprod(model$L, penalties$det1 - log_det$first)),
    coefficients = b, scale = scale
  )
}

add_penalties <- function(model, sp) {
  total <- matrix(0, nrow(model$xx), ncol(model$xx))
  for (i in seq_along(sp)) {
    block <- model$blocks[[i]]
    total[block, block] <- total[block, block] + sp[i] * model$S[[i]]
  }
  total
}

# log |X'WX + S|, of what is integrated over, and its derivatives.
log_determinant <- function(model, sp, precision, inverse) {
  if (!is.null(model$range)) {
    precision <- crossprod(model$range, precision %*% model$range)
    inverse <- model$range %*% tcrossprod(chol2inv(chol(precision)), model$range)
  }
  value <- as.vector(determinant(precision)$modulus)
  blocks <- model$blocks
  moved <- Map(function(penalty, block, sp) {
    sp * inverse[, block, drop = FALSE] %*% penalty
  }, model$S, blocks, sp)
  first <- mapply(function(moved, block) sum(diag(moved[block, , drop = FALSE])), moved, blocks)
  second <- diag(first, length(sp))
  for (i in seq_along(sp)) {
    for (j in seq_len(i)) {
      both <- sum(
        moved[[i]][blocks[[j]], , drop = FALSE] * t(moved[[j]][blocks[[i]], , drop = FALSE])
      )
      second[i, j] <- second[i, j] - both
      if (i != j) second[j, i] <- second[i, j]
    }
  }
  list(value = value, first = first, second = second)
}

# By Newton's method, in the directions that still have a slope.
optimise_working <- function(model, lsp, tolerance) {
  at <- working_score(model, lsp)
  for (iteration in seq_len(working_steps)) {
    sloped <- abs(at$gradient) > tolerance
    if (!any(sloped)) break
    step <- numeric(length(lsp))
    step[sloped] <- newton_step(at$gradient[sloped], at$hessian[sloped, sloped, drop = FALSE])
    for (halving in seq_len(working_halvings)) {
      tried <- tryCatch(working_score(model, lsp + step), error = function(e) NULL)
      if (isTRUE(tried$score < at$score)) break
      step <- step / 2
    }
    if (!isTRUE(tried$score < at$score)) break
    lsp <- lsp + step
    at <- tried
  }
  lsp
}

working_steps <- 25
working_halvings <- 8

# Downhill, also where the score is not convex, and not further than `longest_step`.
newton_step <- function(gradient, hessian) {
  axes <- eigen(hessian, symmetric = TRUE)
  curvature <- pmax(abs(axes$values), max(abs(axes$values)) * 1e-8)
  step <- -drop(axes$vectors %*% (crossprod(axes$vectors, gradient) / curvature))
  step / max(1, max(abs(step)) / longest_step)
}

longest_step <- 4

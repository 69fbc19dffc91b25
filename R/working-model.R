# About its present fit, a gam is a penalised least squares problem: the working model. Once X'WX
# and X'Wz are known, its score (REML, ML, GCV or UBRE) and the derivatives take no pass over the
# data, so that it is optimised in a fraction of the time that mgcv takes for one outer iteration.

#' @param setup The model as mgcv has set it up, with `criterion`, `gamma`, and `penalty`, from
#'   `penalty_determinant()`.
#' @param squares Its least squares: `xx`, `xz`, `zz` and `n`, what counts as number of rows.
#' @param scale NULL: to be estimated with the rest.
#' @noRd
working_model <- function(setup, squares, scale) {
  of_ml <- setup$criterion %in% c("ML", "P-ML")
  model <- list(
    xx = squares$xx, xz = squares$xz, zz = squares$zz,
    dof = squares$n / setup$gamma - if (of_ml) 0 else setup$Mp,
    scale = scale, criterion = setup$criterion, gamma = setup$gamma, n = squares$n,
    excess = squares$excess,
    # REML integrates over all coefficients, ML over those in the penalties' range.
    range = if (of_ml) setup$U1[, seq_len(ncol(setup$U1) - setup$Mp), drop = FALSE],
    size = ncol(squares$xx), S = setup$S, blocks = setup$blocks, L = setup$L, lsp0 = setup$lsp0,
    penalty = setup$penalty
  )
  model$basis <- identified(model)
  model
}

# A basis of what rows and penalties together determine; NULL where that is everything.
identified <- function(model) {
  one <- function(m) m / max(abs(m), .Machine$double.xmin)
  model$S <- lapply(model$S, one)
  total <- one(model$xx) + add_penalties(model, rep(1, length(model$S)))
  if (attr(suppressWarnings(chol(total, pivot = TRUE, tol = 1e-12)), "rank") < ncol(total)) {
    axes <- eigen(total, symmetric = TRUE)
    axes$vectors[, axes$values > 1e-12 * axes$values[1], drop = FALSE]
  }
}

invert <- function(precision, basis = NULL) {
  if (is.null(basis)) {
    return(chol2inv(chol(precision)))
  }
  basis %*% tcrossprod(chol2inv(chol(crossprod(basis, precision %*% basis))), basis)
}

# The score at log smoothing parameters `lsp`, in units of the log likelihood, with first and second
# derivatives; `edf` are the degrees of freedom that each penalty leaves to its term, `complexity`
# what of a likelihood's score is not of the fit.
working_score <- function(model, lsp) {
  fit <- working_fit(model, each_log_sp(model, lsp))
  at <- if (model$criterion %in% prediction_criteria) {
    prediction_score(model, fit)
  } else {
    likelihood_score(model, fit)
  }
  # stopifnot() would take a tenth of the time.
  if (!all(is.finite(c(fit$b, at$value)))) stop("no finite score there")
  if (!is.null(model$drift)) at <- add_drift(at, model$drift, fit$lsp)
  list(
    score = at$value, gradient = drop(crossprod(model$L, at$first)),
    hessian = crossprod(model$L, at$second %*% model$L),
    edf = drop(crossprod(model$L, at$edf)),
    coefficients = fit$b, scale = at$scale, complexity = at$complexity
  )
}

#' The working model with the slope that its weights' moving gives the score
#'
#' The weights follow the fit, and the fit follows the smoothing parameters: of that the working
#' model, whose weights stand still, knows nothing. At its optimum a likelihood's score still has
#' a slope, which counts where rows are few. It is taken as constant here.
#' @param follow From `working_view()`.
#' @noRd
drifting <- function(model, lsp, follow) {
  fit <- working_fit(model, each_log_sp(model, lsp))
  model$drift <- follow(integrated(model, fit) / 2, fit$inverse, -fit$inverse %*% fit$pulls)
  model$drift$from <- fit$lsp
  model
}

# A term that is being smoothed away moves the fit less and less.
add_drift <- function(at, drift, lsp) {
  further <- lsp - drift$from
  fade <- exp(-pmax(further, 0))
  slope <- drift$slope * fade
  rise <- sum(drift$slope * ifelse(further > 0, 1 - fade, further))
  at$value <- at$value + rise
  at$complexity <- at$complexity + rise
  at$first <- at$first + slope
  at$second <- at$second - diag(slope * (further > 0), length(slope))
  at
}

# The penalised least squares fit. `pulls` are the penalties' gradients.
working_fit <- function(model, lsp) {
  sp <- exp(lsp)
  precision <- model$xx + add_penalties(model, sp)
  inverse <- invert(precision, model$basis)
  b <- drop(inverse %*% model$xz)
  pulls <- mapply(function(penalty, block, sp) {
    pull <- numeric(length(b))
    pull[block] <- sp * drop(penalty %*% b[block])
    pull
  }, model$S, model$blocks, sp)
  moved <- moved_by(model, inverse, sp)
  list(
    sp = sp, lsp = lsp, precision = precision, inverse = inverse, b = b, pulls = pulls,
    moved = moved
  )
}

# inverse %*% S for each penalty, in its block's columns.
moved_by <- function(model, inverse, sp) {
  Map(function(penalty, block, sp) {
    sp * inverse[, block, drop = FALSE] %*% penalty
  }, model$S, model$blocks, sp)
}

likelihood_score <- function(model, fit) {
  deviance <- model$zz - sum(fit$b * model$xz)
  deviance1 <- colSums(fit$b * fit$pulls)
  deviance2 <- diag(deviance1, length(deviance1)) -
    2 * crossprod(fit$pulls, fit$inverse %*% fit$pulls)
  penalties <- model$penalty(fit$lsp)
  log_det <- log_determinant(model, fit)

  unit <- if (is.null(model$scale)) deviance / model$dof else model$scale * model$gamma
  first <- deviance1 / unit + log_det$first - penalties$det1
  second <- deviance2 / unit + log_det$second - penalties$det2
  value <- deviance / unit
  if (is.null(model$scale)) {
    value <- model$dof * log(deviance)
    second <- second - tcrossprod(deviance1) / (unit * deviance)
  }
  list(
    value = (value + log_det$value - penalties$det) / 2, first = first / 2, second = second / 2,
    complexity = (log_det$value - penalties$det) / 2,
    edf = penalties$det1 - log_det$first, scale = unit / model$gamma
  )
}

# n/2 log GCV, or n/2 UBRE over the scale. Of the deviance, `excess` is what the least squares do
# not have of it.
prediction_score <- function(model, fit) {
  residual <- model$zz - 2 * sum(fit$b * model$xz) + sum(fit$b * (model$xx %*% fit$b))
  deviance <- model$excess + residual
  pull <- rowSums(fit$pulls)
  towards <- fit$inverse %*% fit$pulls
  pulled <- drop(crossprod(towards, pull))
  crossed <- mapply(function(moved, block) {
    crossprod(towards[block, , drop = FALSE], crossprod(moved, pull))
  }, fit$moved, model$blocks)
  dim(crossed) <- dim(towards)[c(2, 2)]
  deviance1 <- 2 * pulled
  deviance2 <- 2 * crossprod(towards, model$xx %*% towards) - 2 * (crossed + t(crossed)) +
    diag(2 * pulled, length(pulled))

  influence <- fit$inverse %*% model$xx
  edf <- sum(diag(influence))
  trace <- traces(fit$moved, model$blocks, influence)
  free <- model$n - model$gamma * edf
  if (model$criterion == "GCV") {
    rate <- model$gamma / free
    half <- model$n / 2
    value <- half * log(deviance) - model$n * log(free)
    first <- half * deviance1 / deviance + model$n * rate * trace$first
    second <- half * (deviance2 / deviance - tcrossprod(deviance1 / deviance)) +
      model$n * (rate * trace$second + tcrossprod(rate * trace$first))
  } else {
    unit <- 2 * model$scale
    value <- deviance / unit + model$gamma * edf
    first <- deviance1 / unit + model$gamma * trace$first
    second <- deviance2 / unit + model$gamma * trace$second
  }
  list(
    value = value, first = first, second = second, edf = -trace$first,
    scale = model$scale %||% (deviance / (model$n - edf))
  )
}

# Derivatives of the influence matrix's trace.
traces <- function(moved, blocks, influence) {
  influences <- Map(function(moved, block) {
    moved %*% influence[block, , drop = FALSE]
  }, moved, blocks)
  first <- -vapply(influences, function(m) sum(diag(m)), 1)
  second <- diag(first, length(first))
  for (i in seq_along(first)) {
    for (j in seq_along(first)) {
      both <- sum(moved[[i]] * t(influences[[j]][blocks[[i]], , drop = FALSE]))
      second[i, j] <- second[i, j] + both
      second[j, i] <- second[j, i] + both
    }
  }
  list(first = first, second = second)
}

each_log_sp <- function(setup, lsp) drop(setup$L %*% lsp) + setup$lsp0

add_penalties <- function(model, sp) {
  total <- matrix(0, model$size, model$size)
  for (i in seq_along(sp)) {
    block <- model$blocks[[i]]
    total[block, block] <- total[block, block] + sp[i] * model$S[[i]]
  }
  total
}

# The inverse of X'WX + S, of what is integrated over.
integrated <- function(model, fit) {
  if (is.null(model$range)) fit$inverse else invert(fit$precision, model$range)
}

# log |X'WX + S|, of the same, and its derivatives.
log_determinant <- function(model, fit) {
  precision <- fit$precision
  moved <- fit$moved
  blocks <- model$blocks
  basis <- model$range %||% model$basis
  if (!is.null(basis)) {
    precision <- crossprod(basis, precision %*% basis)
  }
  if (!is.null(model$range)) moved <- moved_by(model, integrated(model, fit), fit$sp)
  first <- mapply(function(moved, block) sum(diag(moved[block, , drop = FALSE])), moved, blocks)
  second <- diag(first, length(first))
  for (i in seq_along(first)) {
    for (j in seq_len(i)) {
      both <- sum(
        moved[[i]][blocks[[j]], , drop = FALSE] * t(moved[[j]][blocks[[i]], , drop = FALSE])
      )
      second[i, j] <- second[i, j] - both
      if (i != j) second[j, i] <- second[i, j]
    }
  }
  value <- as.vector(determinant(precision)$modulus)
  list(value = value, first = first, second = second)
}

# By Newton's method, in the directions that still have a slope. The score there, and `lsp`.
optimise_working <- function(model, lsp, tolerance, steps) {
  at <- working_score(model, lsp)
  for (iteration in seq_len(steps)) {
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
  c(at, list(lsp = lsp))
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

# About its present fit, a gam is a penalised least squares problem: the working model. Once X'WX
# and X'Wz are known, its score (REML, ML, GCV or UBRE) and the derivatives take no pass over the
# data, so that it is optimised in a fraction of the time that mgcv takes for one outer iteration.
# vignettes/working-model.Rmd has the formulas.

#' @param setup The model as mgcv has set it up, with `criterion`, `gamma`, and `penalty`, from
#'   `penalty_determinant()`.
#' @param squares Its least squares: `xx`, `xz`, `zz` and `n`, what counts as number of rows.
#' @param scale NULL: to be estimated with the rest.
#' @noRd
working_model <- function(setup, squares, scale) {
  of_ml <- setup$criterion %in% c("ML", "P-ML")
  model <- c(setup[c("criterion", "gamma", "penalty", "S", "L", "lsp0", "layout")], list(
    xx = squares$xx, xz = squares$xz, zz = squares$zz, n = squares$n, excess = squares$excess,
    effective = squares$effective,
    dof = squares$n / setup$gamma - if (of_ml) 0 else setup$Mp, scale = scale,
    # REML integrates over all coefficients, ML over those in the penalties' range.
    range = if (of_ml) setup$U1[, seq_len(ncol(setup$U1) - setup$Mp), drop = FALSE]
  ))
  model["basis"] <- list(identified(setup, model$xx))
  model
}

# A basis of what rows and penalties together determine; NULL where that is everything.
identified <- function(setup, xx) {
  total <- xx / max(abs(xx), .Machine$double.xmin) + setup$evenly
  if (attr(suppressWarnings(chol(total, pivot = TRUE, tol = 1e-12)), "rank") < ncol(total)) {
    axes <- eigen(total, symmetric = TRUE)
    axes$vectors[, axes$values > 1e-12 * axes$values[1], drop = FALSE]
  }
}

# The inverse of a precision, and the logarithm of its determinant, within a basis.
invert <- function(precision, basis = NULL) {
  if (!is.null(basis)) precision <- crossprod(basis, precision %*% basis)
  root <- chol(precision)
  inverse <- chol2inv(root)
  if (!is.null(basis)) inverse <- basis %*% tcrossprod(inverse, basis)
  list(inverse = inverse, log_det = 2 * sum(log(diag(root))))
}

# The score at log smoothing parameters `lsp`, in units of the log likelihood, with first and second
# derivatives; `edf` are the degrees of freedom that each penalty leaves to its term.
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
    coefficients = fit$b, scale = at$scale
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
  model$drift <- follow(integrated(model, fit)$inverse / 2, fit$inverse, -fit$towards)
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
  at$first <- at$first + slope
  at$second <- at$second - diag(slope * (further > 0), length(slope))
  at
}

# The penalised least squares fit. `pulls` are the penalties' gradients, a column for each, and
# `towards` where they pull the coefficients; `moved` has the inverse times each penalty, side by
# side.
working_fit <- function(model, lsp) {
  weighted <- weigh_penalties(model, lsp)
  precision <- model$xx + add_penalties(model, weighted)
  inverted <- invert(precision, model$basis)
  b <- drop(inverted$inverse %*% model$xz)
  pulls <- matrix(0, length(b), length(lsp))
  pulls[model$layout$cells] <- unlist(
    Map(function(penalty, block) penalty %*% b[block], weighted, model$layout$blocks),
    use.names = FALSE
  )
  list(
    lsp = lsp, weighted = weighted, precision = precision, b = b, pulls = pulls,
    inverse = inverted$inverse, log_det = inverted$log_det,
    towards = inverted$inverse %*% pulls, moved = moved_by(model, inverted$inverse, weighted)
  )
}

weigh_penalties <- function(setup, lsp) Map(`*`, setup$S, exp(lsp))

add_penalties <- function(setup, weighted) {
  total <- matrix(0, setup$layout$size, setup$layout$size)
  for (i in seq_along(weighted)) {
    block <- setup$layout$blocks[[i]]
    total[block, block] <- total[block, block] + weighted[[i]]
  }
  total
}

moved_by <- function(model, inverse, weighted) {
  do.call(cbind, unname(Map(function(penalty, block) {
    inverse[, block, drop = FALSE] %*% penalty
  }, weighted, model$layout$blocks)))
}

# Where the penalties lie: each one's columns of the model, its `block`; these of all penalties side
# by side, as `columns`, with `member`, which tells in a column for each penalty which are its;
# `cells`, where they are in a matrix that has a row for each coefficient and a column for each
# penalty.
penalty_layout <- function(setup) {
  blocks <- Map(
    function(penalty, first) first - 1 + seq_len(ncol(penalty)), setup$S, setup$off
  )
  columns <- unlist(blocks, use.names = FALSE)
  of <- rep(seq_along(blocks), lengths(blocks))
  list(
    blocks = blocks, size = ncol(setup$X), columns = columns, cells = cbind(columns, of),
    member = diag(length(blocks))[of, , drop = FALSE]
  )
}

# Sums over what belongs to each pair of penalties, and over what belongs to each.
by_pair <- function(model, m) crossprod(model$layout$member, m %*% model$layout$member)
by_penalty <- function(model, v) drop(crossprod(model$layout$member, v))

likelihood_score <- function(model, fit) {
  deviance <- model$zz - sum(fit$b * model$xz)
  deviance1 <- colSums(fit$b * fit$pulls)
  deviance2 <- diag(deviance1, length(deviance1)) - 2 * crossprod(fit$pulls, fit$towards)
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
    edf = penalties$det1 - log_det$first, scale = unit / model$gamma
  )
}

# n/2 log GCV, or n/2 UBRE over the scale. Of the deviance, `excess` is what the least squares do
# not have of it.
prediction_score <- function(model, fit) {
  residual <- model$zz - 2 * sum(fit$b * model$xz) + sum(fit$b * (model$xx %*% fit$b))
  deviance <- model$excess + residual
  pull <- rowSums(fit$pulls)
  towards <- fit$towards
  pulled <- drop(crossprod(towards, pull))
  crossed <- crossprod(
    towards[model$layout$columns, , drop = FALSE],
    drop(crossprod(fit$moved, pull)) * model$layout$member
  )
  deviance1 <- 2 * pulled
  deviance2 <- 2 * crossprod(towards, model$xx %*% towards) - 2 * (crossed + t(crossed)) +
    diag(2 * pulled, length(pulled))

  influence <- fit$inverse %*% model$xx
  edf <- sum(diag(influence))
  trace <- traces(model, fit$moved, influence)
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
traces <- function(model, moved, influence) {
  columns <- model$layout$columns
  influenced <- (influence %*% moved)[columns, , drop = FALSE]
  first <- -by_penalty(model, diag(influenced))
  both <- by_pair(model, moved[columns, , drop = FALSE] * t(influenced))
  list(first = first, second = diag(first, length(first)) + both + t(both))
}

each_log_sp <- function(setup, lsp) drop(setup$L %*% lsp) + setup$lsp0

# The inverse of X'WX + S, of what is integrated over, and its determinant.
integrated <- function(model, fit) {
  if (is.null(model$range)) fit[c("inverse", "log_det")] else invert(fit$precision, model$range)
}

# log |X'WX + S|, of the same, and its derivatives.
log_determinant <- function(model, fit) {
  within <- integrated(model, fit)
  moved <- fit$moved
  if (!is.null(model$range)) moved <- moved_by(model, within$inverse, fit$weighted)
  moved <- moved[model$layout$columns, , drop = FALSE]
  first <- by_penalty(model, diag(moved))
  second <- diag(first, length(first)) - by_pair(model, moved * t(moved))
  list(value = within$log_det, first = first, second = second)
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

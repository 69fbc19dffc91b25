# Tests: test-fit-mgcv-working.R.
#
# What the working model is made of: the fit as it is, of rows or of several linear predictors.

#' How the working model looks at a fit
#'
#' @param frame The frame of mgcv's `estimate.gam()`, in which the model has been set up.
#' @return NULL where there is no working model, or a list: `setup`; `exact`, is the working
#'   model the model itself?; `has_own`, has the family parameters, or a scale, to find?; of
#'   several linear predictors `initial`, smoothing parameters; and functions: `informed()`, is
#'   there a fit yet?; `approach()`, brings the fit near that of a penalty; `squares()`, the least
#'   squares about the present fit, by the expected or the `observed` information; `follow()`, from
#'   those last, and a score's derivatives in X'WX, the coefficients' covariance and their
#'   derivatives, a column for each penalty: the `slope` that the weights' moving gives the score,
#'   and that in the family's `own` parameters; `scale()`, NULL where the working model has to find
#'   it; `move()`, to the fit that a score has found, says how far that was; `keep()`, a function
#'   that goes back to the present fit; `coefficients()`; `size()`, of what size mgcv's score is,
#'   which its tolerance is relative to.
#' @noRd
working_view <- function(frame) {
  setup <- frame$G
  criterion <- if (is_general(setup$family)) frame$method else frame$criterion
  criteria <- c(likelihood_criteria, if (!is_general(setup$family)) prediction_criteria)
  usable <- isTRUE(criterion %in% criteria) && length(setup$S) > 0 && is.null(setup$H)
  usable <- usable && !has_adaptive(setup)
  # Their scale is not the working model's.
  if (!is_least_squares(setup$family)) usable <- usable && !criterion %in% c("P-REML", "P-ML")
  if (usable) {
    setup$criterion <- criterion
    setup$gamma <- frame$gamma
    setup$tolerance <- frame$control$newton$conv.tol
    if (is.null(setup$L)) setup$L <- diag(length(setup$S))
    if (is.null(setup$lsp0)) setup$lsp0 <- rep(0, length(setup$S))
    if (is_general(setup$family)) setup <- in_own_coordinates(setup)
    setup$layout <- penalty_layout(setup)
    setup$evenly <- add_penalties(setup, lapply(setup$S, function(penalty) {
      penalty / max(abs(penalty), .Machine$double.xmin)
    }))
    setup$penalty <- penalty_determinant(setup)
    view <- if (is_general(setup$family)) view_likelihood else view_rows
    or_null(suppressWarnings(view(setup, frame)))
  }
}

# Several penalties of the same coefficients, each of a part of its range: of all smooths, the one
# whose score has other optima that none of the places tried leads to.
has_adaptive <- function(setup) any(vapply(setup$smooth, is_adaptive, NA))

is_adaptive <- function(smooth) {
  inherits(smooth, "pspline.smooth") && length(smooth$S) > 2 || !is.null(smooth$pen.smooth)
}

likelihood_criteria <- c("REML", "P-REML", "ML", "P-ML")
prediction_criteria <- c("GCV", "UBRE")

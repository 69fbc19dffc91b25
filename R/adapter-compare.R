# Tests: test-warm-verify.R.
#
# How far two fits of one model are from each other: what adapters' `compare` parts are made of.

# Of an objective.
relative_difference <- function(a, b) {
  abs(as.vector(a) - as.vector(b)) / max(abs(as.vector(b)), .Machine$double.eps)
}

largest_difference <- function(x, y) {
  max(abs(as.vector(x) - as.vector(y)), 0)
}

in_errors <- function(x, y, se) {
  x <- as.vector(x)
  y <- as.vector(y)
  se <- as.vector(se)
  # Some families predict in another shape than they fit.
  if (length(se) != length(y)) {
    return(NA_real_)
  }
  max(abs(x - y) / pmax(se, .Machine$double.eps), 0)
}

# What any two fits can be compared by; `state` is the adapter's.
compare_fits <- function(a, b, state) {
  of <- function(generic) {
    quietly <- function(fit) tryCatch(generic(fit), error = function(e) NULL)
    x <- quietly(a)
    y <- quietly(b)
    same_shape <- is.numeric(x) && is.numeric(y) && length(x) == length(y)
    if (same_shape && length(x) > 0) largest_difference(x, y)
  }
  # A state that is told only with the call cannot be had here.
  objective <- function(fit) tryCatch(state(fit)$objective, error = function(e) NA_real_)
  list(
    objective = relative_difference(objective(a), objective(b)),
    fitted = of(stats::fitted), coefficients = of(stats::coef)
  )
}

# As compare_fits(), with the coefficients in standard errors as well.
compare_in_errors <- function(state) {
  function(a, b) {
    differences <- compare_fits(a, b, state)
    if (!is.null(differences$coefficients)) {
      differences$coefficients_se <- tryCatch(
        largest_in_errors(stats::coef(a), stats::coef(b), stats::vcov(b)),
        error = function(e) NULL
      )
    }
    differences
  }
}

largest_in_errors <- function(x, y, covariance) {
  # vcov() of some fits has more rows than coefficients, such as a scale's.
  se <- sqrt(diag(covariance))[seq_along(y)]
  moved <- abs(as.vector(x) - as.vector(y)) / se
  moved <- moved[is.finite(moved)]
  if (length(moved) > 0) max(moved)
}

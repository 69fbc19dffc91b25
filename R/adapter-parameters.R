# What the adapters of mixed models share: a state's parameters, and how another model takes them.

# Each a vector of finite numbers, which may have names, each its own.
check_numbers <- function(state, parts, package) {
  if (!is.list(state) || is.object(state) || !all(parts %in% names(state))) {
    stop_seed_unfit(paste("it is not the state of a fit by", package))
  }
  for (part in parts) {
    if (!are_parameters(state[[part]])) {
      stop_seed_unfit(paste("its", part, "is not all finite numbers with names of their own"))
    }
  }
}

are_parameters <- function(x) {
  is_bare_numbers(x) && all(abs(x) < 1e60) && has_distinct_names(x)
}

# Values by name, as far as there are any: of the very same fit, all.
adopt_by_name <- function(values, otherwise, labels, exact) {
  if (is.null(labels) || is.null(names(values))) {
    if (length(values) != length(otherwise)) {
      stop_seed_unfit("its parameters are not those of this model")
    }
    return(list(values = unname(values), shared = rep(TRUE, length(values))))
  }
  at <- match(labels, names(values))
  shared <- !is.na(at)
  if (exact && !all(shared)) {
    stop_seed_unfit("its parameters are not those of this model")
  }
  otherwise[shared] <- values[at[shared]]
  list(values = otherwise, shared = shared)
}

#' How far below a point the bottom is, by the quadratic that the objective is there
#'
#' @param gradient,hessian Of the objective.
#' @return By how much one Newton step would lower the objective. Infinite where the point is
#'   curved downwards; a direction in which it is all but flat counts with the least curvature that
#'   is told from none.
#' @noRd
fall_below <- function(gradient, hessian) {
  size <- sqrt(pmax(abs(diag(hessian)), .Machine$double.eps))
  if (!all(is.finite(hessian)) || !all(is.finite(gradient))) {
    return(Inf)
  }
  directions <- eigen(hessian / outer(size, size), symmetric = TRUE)
  if (any(directions$values < -least_curvature)) {
    return(Inf)
  }
  along <- drop(crossprod(directions$vectors, gradient / size))
  sum(along^2 / pmax(directions$values, least_curvature)) / 2
}

# In the parameters' own scales; a Hessian by differences is no better.
least_curvature <- 1e-4

# Is a point the optimum, for all that can be told by its derivatives? Within a tenth of what two
# ends may be apart, and of half the square of a hundredth of a standard error, where the objective
# is `deviance` times the negative log-likelihood.
is_bottom <- function(fall, value, deviance = 1) {
  fall <= min(0.1 * end_tolerance * max(abs(value), 1), deviance * 0.5e-4)
}

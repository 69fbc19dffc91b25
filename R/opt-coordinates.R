# Parameters in the units that a start is uncertain in.
#
# An optimiser's first steps are made for parameters of size one of which nothing is known. Near an
# optimum, the curvature says how far each may be away, and with which others it moves. In
# coordinates z with par = origin + root z, where root root' is the covariance of the
# parameters, the objective is nearly a round bowl with its bottom within a few units of z = 0:
# what an optimiser finds its way in fastest, with a first step below one.

#' @param root A matrix with a positive diagonal. A parameter that has bounds must depend on its own
#'   coordinate alone, so that its bounds are bounds of that.
#' @noRd
new_coordinates <- function(origin, root) {
  list(
    origin = as.vector(origin), root = root,
    # The largest change of a parameter with a change of one in all coordinates.
    reach = rowSums(abs(root))
  )
}

from_coordinates <- function(at, z) at$origin + drop(at$root %*% z)

bounds_in_coordinates <- function(at, bounds) {
  finite <- is.finite(bounds)
  bounds[finite] <- ((bounds - at$origin) / diag(at$root))[finite]
  bounds
}

#' Coordinates about a point, in which a quadratic objective is round
#'
#' @param bounded Which parameters have bounds: of what they have to do with each other, nothing is
#'   used.
#' @param unit The size of what is one in them; where it is 1, the objective's curvature is.
#' @noRd
coordinates_along <- function(origin, hessian, bounded, unit = 1) {
  n <- length(origin)
  free <- which(!bounded)
  bounded <- which(bounded)
  root <- matrix(0, n, n)
  covariance <- if (length(free) > 0) solve(hessian[free, free, drop = FALSE])
  root[free, free] <- covariance_root(covariance)
  if (length(bounded) > 0) {
    between <- hessian[free, bounded, drop = FALSE]
    drift <- if (length(free) > 0) -covariance %*% between else between
    curvature <- diag(hessian[bounded, bounded, drop = FALSE] + crossprod(between, drift))
    root[bounded, bounded] <- diag(1 / sqrt(curvature), length(bounded))
    root[free, bounded] <- drift %*% root[bounded, bounded]
  }
  new_coordinates(origin, unit * root)
}

# The lower triangular root of a covariance, or NULL.
covariance_root <- function(covariance) {
  if (length(covariance) == 0) {
    return(matrix(0, 0, 0))
  }
  if (all(is.finite(covariance)) && all(diag(covariance) > 0)) {
    tryCatch(t(chol(covariance)), error = function(e) NULL)
  }
}

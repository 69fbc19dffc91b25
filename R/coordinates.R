# Parameters in the units that a start is uncertain in.
#
# An optimiser's first steps are made for parameters of size one of which nothing is known. Near an
# optimum, the curvature says how far each may be away, and with which others it moves. In
# coordinates z with par = origin + root z, where root root' is the covariance of the
# parameters, the objective is nearly a round bowl with its bottom within a few units of z = 0:
# what an optimiser finds its way in fastest, with a first step below one.

#' @param root A lower triangular matrix. A parameter that has bounds must depend on its own
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

# The lower triangular root of a covariance, or NULL.
covariance_root <- function(covariance) {
  if (length(covariance) == 0) {
    return(matrix(0, 0, 0))
  }
  if (all(is.finite(covariance)) && all(diag(covariance) > 0)) {
    tryCatch(t(chol(covariance)), error = function(e) NULL)
  }
}

#' The covariance, as the gradients met on the way tell it
#'
#' The inverse Hessian of the BFGS method. It outlives the optimiser, which keeps its own to itself.
#' @param covariance What is known to begin with; NULL for nothing.
#' @noRd
new_curvature <- function(covariance = NULL) {
  inverse <- covariance
  last <- NULL
  learn <- function(par, gradient) {
    par <- as.vector(par)
    now <- list(par = par, gradient = as.vector(gradient))
    if (!is.null(last) && all(is.finite(now$gradient))) {
      inverse <<- bfgs_update(inverse, par - last$par, now$gradient - last$gradient)
    }
    last <<- now
    gradient
  }
  list(learn = learn, covariance = function() if (is.null(inverse)) numeric() else inverse)
}

bfgs_update <- function(inverse, step, change) {
  along <- sum(step * change)
  if (!is.finite(along) || along <= 1e-10 * sum(change^2)) {
    return(inverse)
  }
  if (is.null(inverse)) {
    inverse <- diag(along / sum(change^2), length(step))
  }
  moved <- drop(inverse %*% change)
  inverse + (1 + sum(change * moved) / along) * outer(step, step) / along -
    (outer(moved, step) + outer(step, moved)) / along
}

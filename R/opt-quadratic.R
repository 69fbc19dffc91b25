# The quadratic that an objective is near its optimum: what a stored point is one step away from.
#
# A stored optimum of other data is some third of a standard error off, and the best point of an
# interrupted run little more. A quadratic through the objective's values about it costs half of the
# square of the number of parameters, takes the start to within a hundredth of that, and says in
# which coordinates an optimiser finds the rest in a few steps.

#' The quadratic about a point
#'
#' @param problem `value`, `gradient` (NULL where there is none), functions of the parameters;
#'   their bounds, `lower` and `upper`; `is_inside`, may it be evaluated there?
#' @param value The objective at `point`.
#' @return A list of the point `at`, which is as far from the bounds as a difference is long, and
#'   the `value`, `gradient` and `hessian` there. NULL where it has no minimum.
#' @noRd
quadratic_at <- function(problem, point, value) {
  step <- difference_steps(point, if (is.null(problem$gradient)) 1e-3 else 1e-4)
  away <- 1.001 * step # by more than rounding
  at <- pmax(pmin(point, problem$upper - away), problem$lower + away)
  room <- pmin(problem$upper - at, at - problem$lower)
  if (any(room < step)) {
    return(NULL)
  }
  if (any(at != point)) value <- problem$value(at)
  quadratic <- if (!is.null(problem$gradient)) {
    from_gradients(problem, at, step)
  } else {
    from_values(problem, at, step, room, value)
  }
  if (!is.null(quadratic) && is_bowl(quadratic$hessian)) {
    c(list(at = at, value = value), quadratic)
  }
}

difference_steps <- function(point, relative) relative * pmax(abs(point), 0.1)

from_gradients <- function(problem, at, step) {
  gradient <- problem$gradient(at)
  change <- vapply(seq_along(at), function(j) {
    problem$gradient(replace(at, j, at[[j]] + step[[j]])) - gradient
  }, gradient)
  hessian <- t(t(change) / step)
  list(gradient = gradient, hessian = (hessian + t(hessian)) / 2)
}

from_values <- function(problem, at, step, room, value) {
  n <- length(at)
  along <- differences_about(problem$value, at, step, room, value)
  curvature <- vapply(along, `[[`, 1, "curvature")
  if (!all(is.finite(curvature) & curvature > 0)) {
    return(NULL)
  }
  step <- vapply(along, `[[`, 1, "step")
  upper <- vapply(along, `[[`, 1, "upper")
  hessian <- diag(curvature, n)
  # Of more parameters than that, the curvature along each must do.
  pairs_among <- if (n <= pairs_up_to) seq_len(n) else integer()
  for (j in pairs_among[-1]) {
    for (i in seq_len(j - 1)) {
      both <- problem$value(replace(at, c(i, j), at[c(i, j)] + step[c(i, j)]))
      hessian[i, j] <- (both - upper[[i]] - upper[[j]] + value) / (step[[i]] * step[[j]])
      hessian[j, i] <- hessian[i, j]
    }
  }
  list(gradient = vapply(along, `[[`, 1, "slope"), hessian = hessian)
}

pairs_up_to <- 30

# Along each parameter: `value` is that of `f` in the middle.
differences_about <- function(f, at, step, room, value) {
  lapply(seq_along(at), function(j) {
    along <- function(x) f(replace(at, j, x))
    differences_along(along, at[[j]], step[[j]], room[[j]], value)
  })
}

# Where the values hardly differ, at a distance where they do.
differences_along <- function(f, at, h, room, value) {
  for (attempt in 1:2) {
    upper <- f(at + h)
    lower <- f(at - h)
    second <- upper - 2 * value + lower
    far <- min(h * sqrt(1e-8 * abs(value) / max(second, 1e-13 * abs(value))), room)
    if (attempt == 2 || !isTRUE(second < 1e-10 * abs(value) && far > h)) break
    h <- far
  }
  # Below that, it is rounding.
  rounding <- 1e-11 * max(abs(c(value, upper, lower)))
  list(
    step = h, upper = upper, slope = (upper - lower) / (2 * h),
    curvature = if (isTRUE(second > rounding)) second / h^2 else NA_real_
  )
}

# Is it curved upwards, in every direction? By the parameters' own scales, since what is flat for
# one is not for another.
is_bowl <- function(hessian) {
  size <- diag(hessian)
  if (!all(is.finite(hessian)) || any(size <= 0)) {
    return(FALSE)
  }
  scaled <- hessian / sqrt(outer(size, size))
  min(eigen(scaled, symmetric = TRUE, only.values = TRUE)$values) > 1e-6
}

# The lowest point of a quadratic within bounds.
bottom_of <- function(quadratic, lower, upper) {
  within <- function(x, j) pmin(pmax(x, lower[j]), upper[j])
  at <- quadratic$at
  hessian <- quadratic$hessian
  all <- seq_along(at)
  bottom <- within(at - solve(hessian, quadratic$gradient), all)
  held <- which(bottom <= lower | bottom >= upper)
  free <- setdiff(all, held)
  if (length(held) > 0 && length(free) > 0) {
    slope <- quadratic$gradient[free] +
      drop(hessian[free, held, drop = FALSE] %*% (bottom - at)[held])
    bottom[free] <- within(at[free] - solve(hessian[free, free, drop = FALSE], slope), free)
  }
  bottom
}

# By how much the objective falls from the quadratic's middle to there, as it says.
fall_to <- function(quadratic, point) {
  by <- point - quadratic$at
  -sum(quadratic$gradient * by) - sum(by * (quadratic$hessian %*% by)) / 2
}

#' By how much the objective may fall from a point that an optimiser has found
#'
#' As a Newton step would have it. The slopes are those of a gradient, or of steps so short that
#' they raise it by the `fall` that does not matter, where the point is the lowest.
#' @noRd
fall_left <- function(problem, at, value, hessian, fall = small_fall(value)) {
  step <- sqrt(2 * fall / diag(hessian))
  at_lower <- at - problem$lower <= step
  at_upper <- problem$upper - at <= step
  slope <- if (!is.null(problem$gradient)) {
    problem$gradient(at)
  } else {
    step <- ifelse(at_upper, -step, step)
    values <- vapply(seq_along(at), function(j) {
      problem$value(replace(at, j, at[[j]] + step[[j]]))
    }, 1)
    (values - value) / step - diag(hessian) * step / 2
  }
  free <- !(at_lower & slope >= 0 | at_upper & slope <= 0)
  if (anyNA(free)) {
    return(Inf)
  }
  sum(slope[free] * solve(hessian[free, free, drop = FALSE], slope[free])) / 2
}

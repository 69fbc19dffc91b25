# The quadratic about a point.

quadratic_at <- asNamespace("warmstart")$quadratic_at
bottom_of <- asNamespace("warmstart")$bottom_of
fall_to <- asNamespace("warmstart")$fall_to

hessian <- matrix(c(4, 1.5, 0, 1.5, 3, -1, 0, -1, 2), 3)
middle <- c(1, -2, 0.5)
bowl <- function(x, height = 7) height + sum((x - middle) * (hessian %*% (x - middle))) / 2
problem_of <- function(value, gradient = NULL, lower = -Inf, upper = Inf, n = 3) {
  list(value = value, gradient = gradient, lower = rep_len(lower, n), upper = rep_len(upper, n))
}

test_that("of a quadratic, values and gradients tell all of it", {
  gradient <- function(x) drop(hessian %*% (x - middle))
  for (problem in list(problem_of(bowl), problem_of(bowl, gradient))) {
    found <- quadratic_at(problem, c(0, 0, 0), bowl(c(0, 0, 0)))
    expect_equal(found$hessian, hessian, tolerance = 1e-4)
    expect_equal(found$gradient, gradient(c(0, 0, 0)), tolerance = 1e-6)
    bottom <- bottom_of(found, problem$lower, problem$upper)
    expect_equal(bottom, middle, tolerance = 1e-4)
    expect_equal(fall_to(found, bottom), bowl(c(0, 0, 0)) - 7, tolerance = 1e-4)
  }
})

test_that("where values hardly differ, they are taken from further away", {
  problem <- problem_of(function(x) bowl(x, 1e6))
  found <- quadratic_at(problem, middle + 1e-4, bowl(middle + 1e-4, 1e6))
  expect_equal(found$hessian, hessian, tolerance = 1e-2)
})

test_that("the values of a quadratic take two evaluations a parameter, and one a pair", {
  count <- 0
  problem <- problem_of(function(x) {
    count <<- count + 1
    bowl(x)
  })
  quadratic_at(problem, c(0, 0, 0), bowl(c(0, 0, 0)))
  expect_identical(count, 9)
})

test_that("no point outside the bounds is evaluated", {
  lower <- c(1, -2.0001, 0.4)
  upper <- c(1.1, 5, 0.5)
  problem <- problem_of(
    function(x) if (all(x >= lower & x <= upper)) bowl(x) else stop("outside"),
    lower = lower, upper = upper
  )
  expect_equal(quadratic_at(problem, middle, 7)$hessian, hessian, tolerance = 1e-3)
})

test_that("there is none between bounds closer than differences are long", {
  problem <- problem_of(bowl, lower = c(-Inf, -2, -Inf), upper = c(Inf, -2, Inf))
  expect_null(quadratic_at(problem, middle, 7))
})

test_that("what is no bowl has no bottom", {
  others <- list(
    saddle = function(x) x[[1]]^2 + x[[2]]^2 - x[[3]]^2,
    mixed = function(x) sum(x^2) + 10 * x[[1]] * x[[2]],
    flat = function(x) (x[[1]] + x[[2]])^2 + x[[3]]^2,
    none = function(x) NA_real_
  )
  for (value in others) expect_null(quadratic_at(problem_of(value), c(1, 2, 3), value(c(1, 2, 3))))
})

test_that("the bottom within bounds is where the rest has settled", {
  found <- list(
    at = c(0, 0, 0), gradient = drop(hessian %*% -middle), hessian = hessian, value = 0
  )
  lower <- c(-Inf, -1, -Inf)
  bottom <- bottom_of(found, lower, rep(Inf, 3))
  expect_identical(bottom[[2]], -1)
  expected <- optim(
    c(0, 0, 0), bowl,
    method = "L-BFGS-B", lower = lower, control = list(factr = 10)
  )
  expect_equal(bottom, expected$par, tolerance = 1e-4)
})

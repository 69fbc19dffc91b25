# Coordinates in which a quadratic is round.

coordinates_along <- asNamespace("warmstart")$coordinates_along

hessian <- matrix(c(4, 1.5, 0.2, 1.5, 3, -1, 0.2, -1, 2), 3)
round_in <- function(at) crossprod(at$root, hessian %*% at$root)

test_that("a quadratic is round in its coordinates", {
  free <- c(FALSE, FALSE, FALSE)
  expect_equal(round_in(coordinates_along(1:3, hessian, free)), diag(3))
  expect_equal(round_in(coordinates_along(1:3, hessian, free, 0.5)), diag(3) / 4)
})

test_that("a parameter that has bounds depends on its own coordinate alone", {
  one <- coordinates_along(1:3, hessian, c(FALSE, TRUE, FALSE))
  expect_identical(one$root[2, c(1, 3)], c(0, 0))
  expect_equal(round_in(one), diag(3))
  two <- coordinates_along(1:3, hessian, c(TRUE, TRUE, FALSE))
  expect_identical(two$root[1, 2:3], c(0, 0))
  expect_identical(two$root[2, c(1, 3)], c(0, 0))
  expect_equal(diag(round_in(two)), rep(1, 3))
  all <- coordinates_along(1:3, hessian, c(TRUE, TRUE, TRUE))
  expect_equal(all$root, diag(1 / sqrt(diag(hessian))))
})

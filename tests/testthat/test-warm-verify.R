skip_if_not_installed("mgcv")

fit_of_quakes <- function(rows = TRUE, store = new_store()) {
  d <- earthquakes[rows, ]
  warm(
    gam(strong ~ s(depth) + s(stations), family = binomial, data = d, method = "REML"),
    store
  )
}

test_that("a cold fit is equal to itself", {
  d <- earthquakes
  checked <- warm_verify(fit_of_quakes())
  expect_identical(attr(checked, "verdict"), "equal")
  expect_equal(checked["difference", "objective"], 0)
})

test_that("a seeded fit is equal to the cold one", {
  store <- new_store()
  fit_of_quakes(-(1:30), store)
  d <- earthquakes
  fit <- fit_of_quakes(store = store)
  expect_identical(source_of(fit), "seeded")
  expect_identical(attr(warm_verify(fit), "verdict"), "equal")
})

test_that("the table has the documented shape", {
  d <- earthquakes
  checked <- warm_verify(fit_of_quakes())
  expect_s3_class(checked, c("warm_verification", "data.frame"), exact = TRUE)
  expect_identical(rownames(checked), c("fit", "cold", "difference"))
  expect_named(checked, c("objective", "edf", "fitted_se", "coefficients_se", "seconds"))
})

test_that("a fit of other rows is different", {
  fit <- fit_of_quakes(1:300)
  d <- earthquakes[101:400, ]
  expect_false(attr(warm_verify(fit), "verdict") == "equal")
})

test_that("a fit that is nearer to the optimum than the cold one is better", {
  verdict <- function(excess, moved) {
    verify_verdict(excess, list(fitted_se = moved), 1e-6, 0.01)
  }
  expect_identical(verdict(-1e-5, 0.5), "better")
  expect_identical(verdict(1e-5, 0), "different")
  expect_identical(verdict(1e-7, 0.5), "different")
  expect_identical(verdict(1e-7, 0.001), "equal")
})

test_that("without an objective, a fit that has moved is different", {
  expect_identical(verify_verdict(NA, list(fitted_se = 0.5), 1e-6, 0.01), "different")
  expect_identical(verify_verdict(NA, list(coefficients = 1), 1e-6, 0.01), "different")
  expect_identical(verify_verdict(NA, list(coefficients = 0), 1e-6, 0.01), "equal")
})

test_that("a fit made without warm() can be verified", {
  d <- earthquakes
  fit <- gam(strong ~ s(depth), family = binomial, data = d)
  expect_identical(attr(warm_verify(fit), "verdict"), "equal")
})

test_that("verifying leaves the store alone", {
  store <- new_store()
  fit <- fit_of_quakes(store = store)
  before <- store_list(store, all = TRUE)$run_id
  d <- earthquakes
  warm_verify(fit)
  expect_setequal(store_list(store, all = TRUE)$run_id, before)
})

test_that("a verification prints its verdict and the table", {
  d <- earthquakes
  shown <- format(warm_verify(fit_of_quakes()))
  expect_match(shown[[1]], "Equal")
  expect_match(shown, "^difference", all = FALSE)
})

test_that("what cannot be verified names its argument", {
  expect_argument_error(warm_verify(1), "fit")
  expect_argument_error(warm_verify(list()), "fit")
  expect_argument_error(warm_verify(lm(mpg ~ hp, mtcars)), "fit")
  d <- earthquakes
  fit <- fit_of_quakes()
  expect_argument_error(warm_verify(fit, tolerance = -1), "tolerance")
  expect_argument_error(warm_verify(fit, fitted_tolerance = NA), "fitted_tolerance")
  expect_argument_error(warm_verify(fit, tolerence = 1), "tolerence")
})

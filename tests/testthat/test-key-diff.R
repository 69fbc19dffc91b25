base <- fingerprint_model(mpg ~ s(hp, k = 10) + wt, data = mtcars, method = "REML")

difference <- function(formula = mpg ~ s(hp, k = 10) + wt, data = mtcars, ..., method = "REML") {
  as.character(fingerprint_diff(base, fingerprint_model(formula, data, ..., method = method)))
}

test_that("the same model has no difference", {
  expect_identical(difference(), character())
})

test_that("a column's values are named", {
  expect_identical(difference(data = transform(mtcars, hp = hp + 1)), "column hp: values differ")
})

test_that("an argument of a term is named with both values", {
  expect_identical(
    difference(mpg ~ s(hp, k = 20) + wt), "argument k of s(hp): 10, 20"
  )
})

test_that("families are named with both links", {
  expect_identical(
    difference(family = stats::Gamma("log")), "family: gaussian(identity), Gamma(log)"
  )
})

test_that("an argument of the fitter is named with both values", {
  expect_identical(difference(method = "ML"), "argument method: REML, ML")
})

test_that("a term that only one model has is named", {
  expect_true("term qsec: only in the second" %in% difference(mpg ~ s(hp, k = 10) + wt + qsec))
  expect_true("term wt: only in the first" %in% difference(mpg ~ s(hp, k = 10)))
})

test_that("terms in another order are a difference", {
  expect_identical(difference(mpg ~ wt + s(hp, k = 10)), "formula: written another way")
})

test_that("a variable's values are named", {
  with_basis <- function(K) fingerprint_model(mpg ~ s(hp, k = K), mtcars)
  expect_identical(
    as.character(fingerprint_diff(with_basis(10), with_basis(20))), "variable K: 10, 20"
  )
})

test_that("a difference prints one line each", {
  expect_output(print(fingerprint_diff(base, base)), "no difference")
  other <- fingerprint_model(mpg ~ s(hp, k = 20) + wt, mtcars, method = "ML")
  expect_length(format(fingerprint_diff(base, other)), 2)
})

test_that("what is no model fingerprint is named", {
  expect_argument_error(fingerprint_diff(1, base), "a")
  expect_argument_error(fingerprint_diff(base, fingerprint(1)), "b")
})

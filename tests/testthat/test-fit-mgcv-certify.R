skip_if_not_installed("mgcv")

strong_fit <- local({
  fit <- NULL
  function() fit <<- if (is.null(fit)) eval(earthquake_model) else fit
})
verdict_on <- function(fit, relation = "rows", state = list(finished = TRUE)) {
  certify_gam(fit, NULL, NULL, list(relation = relation, state = state))
}

test_that("a fit that ended at an optimum, a few steps from its start, is believed", {
  fit <- strong_fit()
  fit$outer.info$iter <- 2
  expect_true(verdict_on(fit))
})

test_that("one that took many steps, or stopped elsewhere than at an optimum, is not", {
  fit <- strong_fit()
  expect_gt(fit$outer.info$iter, steps_left)
  expect_match(verdict_on(fit), "not where the working model has it")
  fit$outer.info$iter <- 1
  failed <- fit
  failed$outer.info$conv <- "step failed"
  expect_match(verdict_on(failed), "elsewhere")
  short <- fit
  short$outer.info$grad[1] <- 0.1
  expect_match(verdict_on(short), "short of an optimum")
  ridge <- fit
  ridge$outer.info$hess[1, 1] <- -1
  expect_match(verdict_on(ridge), "short of an optimum")
  nothing <- fit
  nothing["outer.info"] <- list(NULL)
  expect_match(verdict_on(nothing), "elsewhere")
})

test_that("what is left of a score is its Newton decrement, or its slope where that fades", {
  expect_equal(left_of(c(0.1, 0), diag(c(2, 1))), 0.1^2 / 4)
  expect_equal(left_of(c(0, -1e-5), diag(c(2, 1e-5))), 1e-5)
  expect_equal(left_of(c(0, -1e-5), diag(c(2, -1e-5))), 1e-5)
  expect_identical(left_of(c(0, 0), diag(c(2, -0.1))), NA)
})

test_that("from its own end a fit has to stay there", {
  fit <- strong_fit()
  own <- finished_gam(fit, fit$sp)$state
  expect_true(verdict_on(fit, "exact", own))
  own$coefficients[2] <- own$coefficients[2] + 0.1 * sqrt(fit$Vp[2, 2])
  expect_match(verdict_on(fit, "exact", own), "went elsewhere")
  own$coefficients <- own$coefficients[-1]
  expect_match(verdict_on(fit, "exact", own), "went elsewhere")
})

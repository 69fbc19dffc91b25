# The suite itself: it lets good adapters pass, and finds what is wrong with others.

fit_median <- function(formula, data, start = NULL) {
  x <- model.matrix(formula, data)
  y <- model.response(model.frame(formula, data))
  beta <- if (is.null(start)) qr.coef(qr(x), y) else start
  if (length(beta) != ncol(x) || anyNA(beta)) stop("bad start")
  for (iteration in 1:2000) {
    before <- beta
    w <- 1 / pmax(abs(y - drop(x %*% beta)), 1e-4)
    beta <- stats::lm.wfit(x, y, w)$coefficients
    if (max(abs(beta - before)) < 1e-9) break
  }
  structure(
    list(
      coefficients = beta, deviance = sum(abs(y - x %*% beta)), iterations = iteration,
      call = match.call()
    ),
    class = "median_fit"
  )
}

median_adapter <- function(..., seed = NULL) {
  warm_adapter(
    "fit_median",
    recognises = function(fun) identical(fun, fit_median),
    seed = seed %||% function(call, env, state, relation) {
      if (!is.numeric(state)) stop_seed_unfit("it is no vector of coefficients")
      call$start <- state
      call
    },
    state = function(fit) {
      list(state = coef(fit), objective = fit$deviance, iteration = fit$iterations)
    },
    identify = function(call, env) identify_model(call, env, "fit_median", ignored = "start"),
    ...
  )
}

median_call <- quote(fit_median(mpg ~ wt + hp, data = mtcars))
other_rows <- quote(fit_median(mpg ~ wt + hp, data = mtcars[-(1:3), ]))

# The promises that an adapter breaks.
broken_by <- function(adapter, ...) {
  broken <- character()
  testthat::with_reporter("silent", {
    withCallingHandlers(
      expect_adapter_conforms(adapter, median_call, near = other_rows, tolerance = 1e-4, ...),
      expectation_failure = function(e) {
        broken <<- c(broken, conditionMessage(e))
        invokeRestart("continue_test")
      }
    )
  })
  broken
}

test_that("a good adapter conforms", {
  skip_if_not_installed("callr")
  expect_adapter_conforms(
    median_adapter(), median_call, near = other_rows, tolerance = 1e-4,
    failing = quote(fit_median(mpg ~ nowhere, data = mtcars))
  )
})

test_that("an adapter without a seed conforms", {
  adapter <- median_adapter()
  adapter["seed"] <- list(NULL)
  expect_identical(broken_by(adapter), character())
})

test_that("a seed that changes the fit is found", {
  seed <- function(call, env, state, relation) {
    call$formula <- mpg ~ wt
    call
  }
  expect_match(broken_by(median_adapter(seed = seed)), "Started from other data", all = FALSE)
})

test_that("a seed that changes a fit without an objective is found", {
  state <- function(fit) list(state = coef(fit), objective = NA, iteration = NA)
  seed <- function(call, env, state, relation) {
    call$data <- quote(mtcars[1:9, ])
    call
  }
  adapter <- median_adapter(seed = seed)
  adapter$state <- state
  adapter$compare <- function(a, b) list(coefficients = max(abs(coef(a) - coef(b))))
  expect_match(broken_by(adapter), "Started from other data", all = FALSE)
})

test_that("an update() that makes another fit is found", {
  restore <- function(fit, call, env) {
    fit$call <- call
    fit$call$formula <- mpg ~ wt
    fit
  }
  expect_match(broken_by(median_adapter(restore = restore)), "update\\(\\) makes", all = FALSE)
})

test_that("a key that leaves the data out is found", {
  adapter <- median_adapter()
  adapter$identify <- function(call, env) identify_call(quote(f()), env, "fit_median")
  expect_match(broken_by(adapter), "other data make another fit", all = FALSE)
})

test_that("a call that is not the user's is found", {
  adapter <- median_adapter(restore = function(fit, call, env) fit)
  expect_match(broken_by(adapter), "call is the user's", all = FALSE)
})

test_that("a state that is not plain is found", {
  adapter <- median_adapter()
  adapter$state <- function(fit) list(state = globalenv(), objective = 1, iteration = 1)
  expect_match(broken_by(adapter), "plain data", all = FALSE)
})

test_that("random numbers that are drawn are found", {
  adapter <- median_adapter(observe = function(call, env, report) {
    stats::runif(1)
    call
  })
  expect_match(broken_by(adapter), "random numbers", all = FALSE)
})

test_that("bad arguments are named", {
  expect_error(expect_adapter_conforms(1, median_call), class = "warmstart_error_argument")
  expect_error(expect_adapter_conforms(median_adapter(), 1), class = "warmstart_error_argument")
})

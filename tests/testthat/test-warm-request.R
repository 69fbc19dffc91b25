# What evaluating the arguments draws and says, and what a finished fit says of it.

resampled <- function(data, store) warm(lm(dist ~ speed, data), store)
draw_rows <- function() cars[sample(nrow(cars), replace = TRUE), ]

test_that("rows that are drawn for each fit are drawn as without warm(), found or not", {
  cold <- function(data) lm(dist ~ speed, data)
  boot <- function(fit, ...) vapply(1:4, function(b) coef(fit(draw_rows(), ...))[[2]], 1)
  withr::with_seed(1, {
    expected <- boot(cold)
    state <- .Random.seed
  })
  expect_identical(anyDuplicated(expected), 0L)
  store <- new_store()
  for (round in 1:2) {
    withr::with_seed(1, {
      slopes <- boot(resampled, store)
      expect_identical(.Random.seed, state)
    })
    expect_equal(slopes, expected)
  }
})

test_that("so are those that are drawn in the call itself", {
  boot <- function(fit) vapply(1:4, function(b) coef(fit())[[2]], 1)
  store <- new_store()
  withr::with_seed(1, {
    expected <- boot(function() lm(dist ~ speed, draw_rows()))
    state <- .Random.seed
  })
  for (round in 1:2) {
    withr::with_seed(1, {
      expect_equal(boot(function() warm(lm(dist ~ speed, draw_rows()), store)), expected)
      expect_identical(.Random.seed, state)
    })
  }
})

test_that("and those that are drawn for do.call(), and beside others", {
  store <- new_store()
  both <- function(data) {
    warm(lm(dist ~ speed, data, weights = runif(nrow(cars))), store)
  }
  fits <- function() {
    list(warm(do.call(lm, list(dist ~ speed, draw_rows())), store), both(draw_rows()))
  }
  withr::with_seed(1, {
    first <- fits()
    state <- .Random.seed
  })
  withr::with_seed(1, {
    again <- fits()
    expect_identical(.Random.seed, state)
  })
  expect_identical(vapply(again, source_of, ""), c("finished", "finished"))
  expect_identical(lapply(again, coef), lapply(first, coef))
})

test_that("what arguments say is said as often as without warm()", {
  store <- new_store()
  noisy_rows <- function() {
    warning("some rows were dropped")
    message("rows are read")
    cars
  }
  said_by <- function(expr) vapply(hold_conditions(expr)$said, conditionMessage, "")
  cold <- function(data) lm(dist ~ speed, data)
  expected <- said_by(cold(noisy_rows()))
  expect_length(expected, 2)
  for (round in 1:2) expect_identical(said_by(resampled(noisy_rows(), store)), expected)
  expected <- said_by(lm(dist ~ speed, noisy_rows()))
  for (round in 1:2) {
    expect_identical(said_by(warm(lm(dist ~ speed, noisy_rows()), store)), expected)
  }
})

test_that("a finished fit comes with the fitter's warnings, as from the call", {
  store <- new_store()
  rows <- data.frame(part = c(0.2, 0.4, 0.9, 0.7), x = 1:4)
  call <- quote(glm(part ~ x, binomial, rows))
  expected <- hold_conditions(eval(call))$said
  expect_match(conditionMessage(expected[[1]]), "non-integer")
  for (round in 1:2) {
    heard <- hold_conditions(fit <- warm_call(call, store))$said
    expect_identical(lapply(heard, conditionMessage), lapply(expected, conditionMessage))
    expect_identical(lapply(heard, conditionCall), lapply(expected, conditionCall))
  }
  expect_identical(source_of(fit), "finished")
})

test_that("a formula that stands in the call as a value keeps nothing of where it was made", {
  make <- function() {
    ballast <- runif(1e5)
    dist ~ speed
  }
  formula <- make()
  store <- new_store()
  fit <- warm(do.call(glm, list(formula, data = quote(cars))), store)
  expect_lt(sum(store_list(store, all = TRUE)$bytes), 1e5)
  again <- warm(do.call(glm, list(formula, data = quote(cars))), store)
  expect_identical(source_of(again), "finished")
  expect_identical(environment(again$formula), environment(formula))
})

test_that("what a fit depends on counts", {
  store <- new_store()
  fit <- function(depends = NULL) {
    warm(glm(dist ~ speed, data = cars), store, depends = depends)
    warm_info()$source
  }
  expect_identical(fit("one"), "cold")
  expect_identical(fit("one"), "finished")
  expect_identical(fit(list("one", 2)), "cold")
  expect_identical(fit(), "cold")
  expect_argument_error(fit(methods::new("externalptr")), "depends")
})

test_that("that a function is not watched is said before it starts", {
  withr::local_options(warmstart.verbose = TRUE)
  said <- character()
  slow <- function(x) {
    message("begun")
    x
  }
  withCallingHandlers(warm(slow(1), new_store()), message = function(m) {
    said <<- c(said, conditionMessage(m))
    invokeRestart("muffleMessage")
  })
  expect_match(said[[1]], "`slow()` is not watched", fixed = TRUE)
  expect_identical(said[[2]], "begun\n")
})

test_that("an argument left empty before one without a name keeps its place", {
  fn <- function(p, k) sum((p - k)^2)
  store <- new_store()
  expect_identical(
    bare(warm(optim(c(1, 1), fn, , c(3, 4)), store)), optim(c(1, 1), fn, , c(3, 4))
  )
  expect_identical(
    bare(warm(nlminb(c(1, 1), fn, , , c(3, 4)), store)), nlminb(c(1, 1), fn, , , c(3, 4))
  )
})

# Functions that no adapter is known for, as people use them.

test_that("fits of other packages are kept by the values of their arguments", {
  store <- new_store()
  cars <- mtcars
  fit <- quote(loess(mpg ~ wt, cars, weights = hp))
  first <- warm_call(fit, store)
  expect_identical(source_of(first), "cold")
  expect_match(warm_info(first)$reason, "only finished results")
  again <- warm_call(fit, store)
  expect_identical(source_of(again), "finished")
  expect_equal(fitted(again), fitted(eval(fit)))
  cars$hp[[1]] <- 0
  expect_identical(source_of(warm_call(fit, store)), "cold")
  fit$span <- 0.9
  expect_identical(source_of(warm_call(fit, store)), "cold")
})

test_that("nothing is started from another result", {
  store <- new_store()
  warm(loess(mpg ~ wt, mtcars), store)
  expect_identical(source_of(warm(loess(mpg ~ wt, mtcars[-1, ]), store)), "cold")
})

test_that("what draws inside counts with the state of the generator, and leaves it there", {
  store <- new_store()
  draw <- function(n) list(stats::runif(n))
  set.seed(1)
  plain <- c(replicate(5, draw(3)), list(stats::runif(1)))
  for (source in c("cold", "finished")) {
    set.seed(1)
    expect_identical(c(replicate(5, warm(draw(3), store)), list(stats::runif(1))), plain)
    expect_identical(warm_info()$source, source)
  }
  set.seed(2)
  expect_false(identical(warm(draw(3), store), plain[1]))
  set.seed(1)
  expect_identical(warm(draw(3), store), plain[1])
  expect_identical(warm_info()$source, "finished")
})

test_that("a result made by another version of the package is not returned", {
  skip_if_not_installed("MASS")
  store <- new_store()
  info <- warm_info(warm(MASS::rlm(mpg ~ wt, mtcars), store))
  entry <- store_lookup(store, info$key)
  expect_true(all(c("R", "MASS") %in% names(entry$payload$versions)))
  entry$payload$versions[["MASS"]] <- "0.0.1"
  store_save(store, info$key, entry$payload, kind = "final", run_id = entry$run_id)
  expect_identical(source_of(warm(MASS::rlm(mpg ~ wt, mtcars), store)), "cold")
})

test_that("a killed one starts again, and ends as without warm()", {
  skip_if_not_installed("callr")
  store <- new_store()
  path <- store_config(store)$path
  slow <- function(n, die) {
    if (file.exists(die)) tools::pskill(Sys.getpid(), tools::SIGKILL)
    list(sum(seq_len(n)))
  }
  die <- tempfile()
  file.create(die)
  killed <- tryCatch(in_process(function(slow, die, path) {
    warm(slow(10, die), warm_store(path))
  }, slow, die, path), error = function(e) e)
  expect_s3_class(killed, "error")
  file.remove(die)
  fit <- warm(slow(10, die), store)
  expect_identical(source_of(fit), "cold")
  expect_identical(bare(fit), slow(10, die))
})

test_that("the options that a fitter reads make it another fit", {
  skip_if_not_installed("withr")
  store <- new_store()
  fit <- function() warm(lm(weight ~ group, PlantGrowth), store)
  fit()
  contrasts <- c("contr.sum", "contr.poly")
  withr::with_options(list(contrasts = contrasts), {
    expect_identical(coef(fit()), coef(lm(weight ~ group, PlantGrowth)))
  })
  expect_identical(source_of(fit()), "finished")
})

test_that("a fit that was returned is the same argument as when it was made", {
  store <- new_store()
  predicted <- function(fit) predict(fit)
  predict_again <- function() {
    fit <- warm(lm(weight ~ group, PlantGrowth), store)
    warm(predicted(fit), store)
  }
  first <- predict_again()
  expect_identical(predict_again(), first)
  expect_identical(warm_info()$source, "finished")
})

test_that("a fit of a generic's method has the call that the method has", {
  skip_if_not_installed("MASS")
  store <- new_store()
  plain <- MASS::rlm(stack.loss ~ ., stackloss)
  for (source in c("cold", "finished")) {
    fit <- warm(MASS::rlm(stack.loss ~ ., stackloss), store)
    expect_identical(source_of(fit), source)
    expect_identical(fit$call, plain$call)
  }
})

test_that("what fits a fit's call again counts what that call names", {
  cars <- mtcars
  fit <- lm(mpg ~ wt, cars)
  store <- new_store()
  warm(add1(fit, ~ . + hp), store)
  expect_identical(warm_info()$source, "cold")
  warm(add1(fit, ~ . + hp), store)
  expect_identical(warm_info()$source, "finished")
  cars$hp <- rev(cars$hp)
  expect_identical(bare(warm(add1(fit, ~ . + hp), store)), add1(fit, ~ . + hp))
})

test_that("a data.table is changed in place as ever", {
  skip_if_not_installed("data.table")
  made <- warm(data.table::data.table(x = 1:3), new_store())
  expect_no_warning(data.table::set(made, j = "y", value = 1))
  expect_named(made, c("x", "y"))
})

test_that("a result that is NULL is not said to be kept", {
  nothing <- function() NULL
  store <- new_store()
  withr::local_options(warmstart.verbose = TRUE)
  for (i in 1:2) {
    said <- capture_messages(value <- warm(nothing(), store))
    expect_null(value)
    expect_match(said, "result is NULL", all = FALSE)
    expect_no_match(said, "Saved")
  }
  expect_identical(nrow(store_list(store)), 0L)
})

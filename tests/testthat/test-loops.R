# warm() where people call it: inside functions, in loops, in parallel. Survival with lung cancer: a
# Weibull regression, of all patients and of folds.

lung <- lung_data()
weibull_start[c("intercept", "age")] <- c(5.7, 0) # where each fold's likelihood is curved
folds <- lapply(1:4, function(i) lung[seq_len(nrow(lung)) %% 4 != i - 1, ])
fit_weibull <- function(d) optim(weibull_start, weibull, d = d, method = "BFGS")
warm_weibull <- function(d, store) {
  warm(optim(weibull_start, weibull, d = d, method = "BFGS"), store)
}
cold <- lapply(folds, fit_weibull)
values_of <- function(fits) vapply(fits, function(fit) fit$value, 1)
# What has no class carries no information from another process.
warm_weibull_there <- function(d, store) {
  fit <- warm(optim(weibull_start, weibull, d = d, method = "BFGS"), store)
  c(fit, list(source = warmstart::warm_info()$source))
}
sources_of <- function(fits) {
  vapply(fits, function(fit) if (is.null(fit$source)) source_of(fit) else fit$source, "")
}

expect_cold_values <- function(fits) {
  expect_equal(values_of(fits), values_of(cold), tolerance = 1e-6)
}

# Finding the call, and its place ------------------------------------------------

test_that("inside a function its own variables are used", {
  d <- "not these data"
  fit_here <- function(d, store) {
    start <- weibull_start
    warm(optim(start, weibull, d = d, method = "BFGS"), store)
  }
  expect_identical(bare(fit_here(lung, new_store())), fit_weibull(lung))
})

test_that("arguments that are passed on are found", {
  inner <- function(store, ...) warm(optim(weibull_start, weibull, ...), store)
  outer <- function(store, ...) inner(store, ..., method = "BFGS")
  store <- new_store()
  expect_identical(bare(outer(store, d = lung)), fit_weibull(lung))
  expect_identical(source_of(outer(store, d = lung)), "finished")
})

test_that("do.call() around the fitter, by name and by value, is the same fit", {
  store <- new_store()
  arguments <- list(weibull_start, weibull, d = lung, method = "BFGS")
  warm_weibull(lung, store)
  expect_identical(source_of(warm(do.call(optim, arguments), store)), "finished")
  expect_identical(source_of(warm(do.call("optim", arguments), store)), "finished")
  expect_identical(
    source_of(warm(do.call(stats::optim, arguments, quote = TRUE), store)), "finished"
  )
})

test_that("warm() itself can be called through do.call()", {
  store <- new_store()
  call <- quote(optim(weibull_start, weibull, d = lung, method = "BFGS"))
  first <- do.call(warm, list(call, store))
  expect_identical(source_of(first), "cold")
  expect_identical(source_of(do.call("warm", list(call, store))), "finished")
})

test_that("a call that is piped is the same fit", {
  store <- new_store()
  warm(weibull_start |> optim(weibull, d = lung, method = "BFGS"), store)
  expect_identical(warm_info()$source, "cold")
  optim(weibull_start, weibull, d = lung, method = "BFGS") |> warm(store)
  expect_identical(warm_info()$source, "finished")
})

test_that("data piped into a model are found", {
  store <- new_store()
  by_hand <- warm(nls(mpg ~ a + b / hp, mtcars, list(a = 10, b = 1000)), store)
  piped <- warm(mtcars |> nls(formula = mpg ~ a + b / hp, start = list(a = 10, b = 1000)), store)
  expect_identical(source_of(piped), "finished")
  expect_equal(coef(piped), coef(by_hand))
})

test_that("data piped in by their name are found", {
  skip_if(getRversion() < "4.2.0", "the pipe has no placeholder")
  skip_if_not_installed("mgcv")
  store <- new_store()
  # As text: an older R cannot read it.
  line <- "warm(mtcars |> gam(formula = mpg ~ s(hp), data = _, method = 'REML'), store)"
  piped <- eval(parse(text = line))
  again <- warm(gam(mpg ~ s(hp), data = mtcars, method = "REML"), store)
  expect_identical(sources_of(list(piped, again)), c("cold", "finished"))
})

test_that("a formula in a variable is the formula", {
  skip_if_not_installed("mgcv")
  store <- new_store()
  in_variable <- function(formula, data) warm(gam(formula, data = data, method = "REML"), store)
  first <- in_variable(mpg ~ s(hp), mtcars)
  expect_identical(source_of(in_variable(mpg ~ s(hp), mtcars)), "finished")
  expect_false(source_of(in_variable(mpg ~ s(wt), mtcars)) == "finished")
  expect_equal(coef(first), coef(gam(mpg ~ s(hp), data = mtcars, method = "REML")))
})

test_that("a formula that was made where its variables are finds them", {
  skip_if_not_installed("mgcv")
  make <- function() {
    power <- mtcars$hp
    miles <- mtcars$mpg
    miles ~ s(power)
  }
  formula <- make()
  fit <- warm(gam(formula, method = "REML"), new_store())
  expect_identical(source_of(fit), "cold")
  cold <- gam(mpg ~ s(hp), data = mtcars, method = "REML")
  expect_equal(as.vector(fitted(fit)), as.vector(fitted(cold)))
})

# Loops ------------------------------------------------

test_that("lapply() gives the cold fits; all but the first are seeded", {
  store <- new_store()
  fits <- lapply(folds, warm_weibull, store)
  expect_cold_values(fits)
  expect_identical(sources_of(fits), c("cold", rep("seeded", 3)))
})

test_that("for finds each fit again", {
  store <- new_store()
  fits <- lapply(folds, function(d) {
    warm(optim(weibull_start, weibull, d = d, method = "BFGS"), store)
  })
  for (i in seq_along(folds)) {
    fit <- warm(optim(weibull_start, weibull, d = folds[[i]], method = "BFGS"), store)
    expect_identical(source_of(fit), "finished")
    expect_identical(bare(fit), bare(fits[[i]]))
  }
})

test_that("Map(), mapply() and vapply() give the cold fits", {
  store <- new_store()
  expect_cold_values(Map(function(d, i) warm(fit_weibull(d), store), folds, 1:4))
  again <- mapply(function(d) warm(fit_weibull(d), store), folds, SIMPLIFY = FALSE)
  expect_identical(sources_of(again), rep("finished", 4))
  values <- vapply(folds, function(d) warm(fit_weibull(d), store)$value, 1)
  expect_identical(values, values_of(cold))
})

test_that("purrr::map() gives the cold fits, with functions and formulas", {
  skip_if_not_installed("purrr")
  store <- new_store()
  expect_cold_values(purrr::map(folds, warm_weibull, store))
  again <- purrr::map(folds, ~ warm(optim(weibull_start, weibull, d = .x, method = "BFGS"), store))
  expect_identical(sources_of(again), rep("finished", 4))
})

# In parallel ------------------------------------------------

test_that("mclapply() gives the cold fits", {
  skip_on_os("windows")
  local_many_processes()
  store <- new_store()
  expect_cold_values(parallel::mclapply(folds, warm_weibull, store, mc.cores = 4))
  again <- parallel::mclapply(folds, warm_weibull_there, store, mc.cores = 4)
  expect_identical(sources_of(again), rep("finished", 4))
})

# R processes of their own, which end with the test.
new_cluster <- function(n, env = parent.frame()) {
  skip_if_not_installed("withr")
  cluster <- parallel::makePSOCKcluster(n)
  withr::defer(parallel::stopCluster(cluster), env)
  parallel::clusterCall(cluster, function(libraries) .libPaths(libraries), .libPaths())
  parallel::clusterEvalQ(cluster, {
    suppressWarnings(library(warmstart))
    options(warmstart.verbose = FALSE)
  })
  for (name in c("weibull", "weibull_start")) {
    parallel::clusterCall(cluster, assign, name, in_global(get(name)), envir = globalenv())
  }
  cluster
}

# Of the tests' functions only the text goes to other processes.
in_global <- function(value) {
  if (is.function(value)) environment(value) <- globalenv()
  value
}

test_that("parLapply() gives the cold fits", {
  store <- new_store()
  cluster <- new_cluster(2)
  expect_cold_values(parallel::parLapply(cluster, folds, in_global(warm_weibull_there), store))
  again <- parallel::parLapply(cluster, folds, in_global(warm_weibull_there), store)
  expect_identical(sources_of(again), rep("finished", 4))
})

test_that("future_lapply() gives the cold fits, in the process and in others", {
  skip_if_not_installed("future.apply")
  skip_if_not_installed("withr")
  before <- future::plan(future::sequential)
  withr::defer(future::plan(before))
  in_futures <- function(store) {
    future.apply::future_lapply(folds, function(d) {
      options(warmstart.verbose = FALSE)
      fit <- warmstart::warm(optim(weibull_start, weibull, d = d, method = "BFGS"), store)
      c(fit, list(source = warmstart::warm_info()$source))
    })
  }
  expect_cold_values(in_futures(new_store()))
  future::plan(future::multisession, workers = 2)
  store <- new_store()
  expect_cold_values(in_futures(store))
  expect_identical(sources_of(in_futures(store)), rep("finished", 4))
})

test_that("ten forked workers on one key all end with equal results", {
  skip_on_os("windows")
  local_many_processes()
  store <- new_store()
  fits <- parallel::mclapply(1:10, function(i) warm_weibull(lung, store), mc.cores = 10)
  expect_equal(values_of(fits), rep(fit_weibull(lung)$value, 10), tolerance = 1e-6)
  expect_identical(nrow(store_check(store)), 0L)
  expect_identical(source_of(warm_weibull(lung, store)), "finished")
})

test_that("ten R processes on one key all end with equal results", {
  local_many_processes()
  store <- new_store()
  cluster <- new_cluster(10)
  in_all <- function() parallel::clusterCall(cluster, in_global(warm_weibull_there), lung, store)
  fits <- in_all()
  expect_equal(values_of(fits), rep(fit_weibull(lung)$value, 10), tolerance = 1e-6)
  expect_identical(nrow(store_check(store)), 0L)
  expect_identical(sources_of(in_all()), rep("finished", 10))
})

# Documents ------------------------------------------------

test_that("a knitr document finds its fits again, with the cache and without", {
  skip_if_not_installed("knitr")
  skip_if_not_installed("withr")
  directory <- withr::local_tempdir()
  withr::local_dir(directory)
  writeLines(c(
    "```{r fit, cache=FALSE}",
    "library(warmstart)",
    "store <- warm_store('store')",
    "fit <- warm(optimize(function(x) sum(abs(faithful$waiting - x)), c(40, 100)), store)",
    "cat('source:', warm_info(fit)$source, 'at', round(fit$minimum), '\\n')",
    "```"
  ), "document.Rmd")
  text_of <- function() {
    file <- knitr::knit("document.Rmd", quiet = TRUE, envir = new.env())
    grep("source:", readLines(file), value = TRUE)
  }
  first <- text_of()
  second <- text_of()
  expect_match(first[[length(first)]], "source: cold at 76")
  expect_match(second[[length(second)]], "source: finished at 76")
})

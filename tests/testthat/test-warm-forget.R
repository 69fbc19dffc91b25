states_in <- function(store) sort(list_all(store)$state)

test_that("a fit is forgotten by its call, with its seeds, and says so", {
  store <- new_store()
  warm(glm(am ~ wt, binomial, mtcars), store)
  seeds <- sum(states_in(store) == "seed")
  expect_gt(seeds, 0)
  expect_true(all(c("finished", "near") %in% states_in(store)))
  forgotten <- warm_forget(glm(am ~ wt, binomial, mtcars), store)
  expect_s3_class(forgotten, "warm_forgotten", exact = TRUE)
  expect_identical(c(forgotten$finished, forgotten$seeds), c(1L, seeds))
  expect_gt(forgotten$bytes, 0)
  expect_identical(nrow(list_all(store)), 0L)
  expect_output(print(forgotten), "Removed 1 finished fit, ", fixed = TRUE)
  expect_output(
    print(warm_forget(glm(am ~ wt, binomial, mtcars), store)), "Nothing to remove", fixed = TRUE
  )
})

test_that("a fit, its info, its key and the text of that are one", {
  ways <- list(
    function(fit, store) warm_forget(fit, store),
    function(fit, store) warm_forget(warm_info(fit), store),
    function(fit, store) warm_forget(warm_info(fit)$key, store),
    function(fit, store) warm_forget(list(fit)[[1]], store),
    function(fit, store) {
      key <- format(warm_info(fit)$key)
      warm_forget(key, store_config(store)$path)
    }
  )
  for (way in ways) {
    store <- new_store()
    fit <- warm(glm(am ~ wt, binomial, mtcars), store)
    way(fit, store)
    expect_identical(nrow(list_all(store)), 0L)
  }
})

test_that("others' fits, and the seeds that they have left, stay", {
  store <- new_store()
  warm(glm(am ~ wt, binomial, mtcars), store)
  fold <- warm(glm(am ~ wt, binomial, mtcars[-1, ]), store)
  other <- warm(glm(am ~ hp, binomial, mtcars), store)
  before <- table(states_in(store))
  gone <- warm_forget(glm(am ~ wt, binomial, mtcars), store)
  after <- table(states_in(store))
  expect_identical(after[["finished"]], before[["finished"]] - 1L)
  expect_identical(after[["seed"]], before[["seed"]] - gone$seeds)
  expect_identical(warm_find(glm(am ~ hp, binomial, mtcars), store)$what, "finished")
  warm_forget(fold, store)
  warm_forget(other, store)
  expect_identical(nrow(list_all(store)), 0L)
})

test_that("interrupted runs go, a running one stays", {
  store <- new_store()
  key <- warm_find(glm(am ~ wt, binomial, mtcars), store)$key
  cut <- warm_session(store, key)
  session_checkpoint(cut, 1, objective = 1)
  session_close(cut)
  running <- warm_session(store, key)
  session_checkpoint(running, 1, objective = 1)
  forgotten <- warm_forget(glm(am ~ wt, binomial, mtcars), store)
  expect_identical(c(forgotten$interrupted, forgotten$running), c(1L, 1L))
  expect_output(print(forgotten), "1 interrupted run", fixed = TRUE)
  expect_output(print(forgotten), "1 run that a process is at", fixed = TRUE)
  expect_identical(states_in(store), "running")
  session_close(running)
})

test_that("an interrupted fit is forgotten by its key, with its sketch", {
  store <- new_store()
  stopping <- function(par) if (par[[1]] > 1.05) stop("killed") else sum((par - 1:2)^4)
  try(warm(optim(c(0, 0), stopping), store), silent = TRUE)
  rows <- list_all(store)
  forgotten <- warm_forget(rows$key[rows$state == "interrupted"], store)
  expect_identical(forgotten$interrupted, 1L)
  expect_identical(nrow(list_all(store)), 0L)
})

test_that("what was saved by a session is forgotten by its key", {
  store <- new_store()
  store_save(store, a_key, 1, kind = "final")
  expect_identical(warm_forget(a_key, store)$finished, 1L)
})

test_that("the call is not made", {
  store <- new_store()
  made <- tempfile()
  count <- function(x) {
    cat("x", file = made, append = TRUE)
    x
  }
  warm(count(1), store)
  expect_identical(warm_forget(count(1), store)$finished, 1L)
  warm(fit <- count(1), store)
  expect_identical(warm_forget(suppressWarnings(count(1)), store)$finished, 1L)
  warm(do.call(count, list(1)), store)
  expect_identical(warm_forget(do.call(count, list(1)), store)$finished, 1L)
  expect_identical(readLines(made, warn = FALSE), "xxx")
})

test_that("what cannot be forgotten is named, and nothing is removed", {
  store <- new_store()
  fit <- warm(lm(mpg ~ wt, mtcars), store)
  expect_argument_error(warm_forget(123.456, store), "x")
  expect_argument_error(warm_forget("nothing of that name", store), "x")
  expect_argument_error(warm_forget(NULL, store), "x")
  expect_argument_error(warm_forget(fit, 1), "store")
  expect_argument_error(warm_forget(fit, store, near = TRUE), "near")
  expect_true("finished" %in% states_in(store))
})

# All of it ------------------------------------------------

test_that("a store is cleared of all but what is running", {
  store <- new_store()
  warm(glm(am ~ wt, binomial, mtcars), store)
  as_cachem(store)$set("a", 1)
  running <- new_session(store)
  session_checkpoint(running, 1, objective = 1)
  seeds <- sum(states_in(store) == "seed")
  cleared <- store_clear(store)
  expect_identical(
    unlist(cleared[c("finished", "seeds", "other", "running")]),
    c(finished = 1L, seeds = seeds, other = 2L, running = 1L)
  )
  expect_identical(states_in(store), "running")
  session_close(running)
  expect_identical(store_clear(store)$interrupted, 1L)
  expect_identical(length(run_files(store)), 0L)
  expect_identical(summary(store)$misses, 1)
})

test_that("what has expired is cleared, too", {
  store <- new_store(max_age = "60 s")
  store_save(store, a_key, 1)
  pass_time(store, 100)
  store_clear(store)
  expect_identical(length(run_files(store)), 0L)
})

test_that("it asks, and takes no for an answer", {
  store <- new_store()
  store_save(store, a_key, 1, kind = "final")
  asked <- NULL
  old <- options(askYesNo = function(msg, ...) {
    asked <<- msg
    answer
  })
  on.exit(options(old))
  for (answer in c(FALSE, NA)) {
    expect_message(store_clear(store, ask = TRUE), "Nothing was removed")
    expect_identical(length(run_files(store)), 1L)
  }
  expect_match(asked, "1 run (1 finished)", fixed = TRUE)
  answer <- TRUE
  expect_identical(store_clear(store, ask = TRUE)$finished, 1L)
})

test_that("a directory that is no store is left as it is", {
  path <- tempfile("mine")
  dir.create(path)
  file.create(file.path(path, "thesis.txt"))
  expect_output(print(store_clear(path)), "Nothing to remove")
  expect_identical(list.files(path, all.files = TRUE, no.. = TRUE), "thesis.txt")
})

test_that("of what draws, the one that would be returned is forgotten", {
  store <- new_store()
  draw <- function(seed) {
    set.seed(seed)
    warm(rnorm(3), store)
  }
  first <- draw(1)
  draw(2)
  set.seed(2)
  warm_forget(rnorm(3), store)
  draw(1)
  expect_identical(warm_info()$source, "finished")
  draw(2)
  expect_identical(warm_info()$source, "cold")
})

test_that("what has expired is forgotten, too", {
  store <- new_store()
  fit <- warm(lm(mpg ~ wt, mtcars), store)
  path <- store_config(store)$path
  warm_forget(fit, warm_store(path, max_age = "0 secs"))
  expect_identical(warm_find(lm(mpg ~ wt, mtcars), store)$what, "nothing")
})

test_that("parentheses around a fit are no call, and a missing one is a bad argument", {
  store <- new_store()
  fit <- warm(lm(mpg ~ wt, mtcars), store)
  expect_identical(warm_forget((fit), store)$finished, 1L)
  for (call in list(quote(warm()), quote(warm_find()))) expect_argument_error(eval(call), "call")
  expect_argument_error(warm_forget(store = store), "x")
})

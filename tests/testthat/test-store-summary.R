uses <- function(store) unlist(summary(store)[c("hits", "resumed", "seeded", "misses")])

used_store <- function(...) {
  store <- new_store(...)
  store_save(store, other_key, raw(1))
  store
}

tally_file <- function(store) file.path(store_config(store)$path, "v1", ".tally")

test_that("a store that warm() has not used has counted nothing", {
  summary <- summary(new_store())
  expect_s3_class(summary, "summary.warm_store", exact = TRUE)
  expect_identical(
    names(summary),
    c("path", "since", "hits", "resumed", "seeded", "misses", "seconds_saved")
  )
  expect_identical(as.numeric(summary$since), NA_real_)
  expect_output(print(summary), "No call of warm() has used this store yet", fixed = TRUE)
})

test_that("each kind is counted for itself, with the time it saved", {
  store <- used_store()
  kinds <- c("hits", "resumed", "seeded", "misses")
  for (i in seq_along(kinds)) {
    for (n in seq_len(i)) store_count(store, kinds[[i]], seconds = i)
  }
  expect_identical(uses(store), c(hits = 1, resumed = 2, seeded = 3, misses = 4))
  expect_identical(summary(store)$seconds_saved, 1 + 4 + 9 + 16)
  expect_lt(abs(as.numeric(summary(store)$since) - as.numeric(Sys.time())), 60)
})

test_that("warm() counts what it did", {
  skip_if_not_installed("mgcv")
  store <- interrupted_store(earthquake_model, 2)
  warm_call(earthquake_model, store)
  expect_identical(uses(store), c(hits = 0, resumed = 1, seeded = 0, misses = 0))
  expect_identical(summary(store)$seconds_saved, 1) # as interrupted_store() says
  hit <- warm_call(earthquake_model, store)
  expect_equal(summary(store)$seconds_saved, 1 + warm_info(hit)$seconds_saved)
  model <- earthquake_model
  model$data <- quote(fewer)
  fewer <- earthquakes[-1, ]
  warm_call(model, store)
  fewer <- earthquakes[-(1:2), ]
  warm_call(model, store, near = FALSE)
  expect_identical(uses(store), c(hits = 1, resumed = 1, seeded = 1, misses = 1))
})

test_that("a call that warm() cannot keep is not counted", {
  store <- used_store()
  warm(list(1), store)
  expect_identical(warm_info()$source, "untouched")
  expect_identical(sum(uses(store)), 0)
})

test_that("processes that count at the same time lose nothing once each has let go", {
  store <- used_store()
  processes <- list(new_process(), new_process(), new_process())
  for (process in processes) {
    process$call(function(path) {
      count <- utils::getFromNamespace("store_count", "warmstart")
      store <- warm_store(path)
      for (i in 1:300) count(store, "hits", 1)
      rm(store)
      gc()
      NULL
    }, list(store_config(store)$path))
  }
  for (process in processes) {
    process$poll_process(60000)
    expect_null(process$read()$error)
    process$close()
  }
  expect_identical(summary(store)$hits, 900)
  expect_identical(summary(store)$seconds_saved, 900)
})

test_that("counts that could not be told are told when the handle goes away", {
  store <- new_store()
  store_count(store, "hits", 5)
  store_save(warm_store(store_config(store)$path), a_key, raw(1))
  expect_false(file.exists(tally_file(store)))
  path <- store_config(store)$path
  rm(store)
  gc()
  expect_identical(summary(warm_store(path))$hits, 1)
})

test_that("a damaged count starts again from zero, and is no error", {
  store <- used_store()
  store_count(store, "hits", 5)
  flip_byte(tally_file(store), 30)
  expect_identical(sum(uses(store)), 0)
  store_count(store, "hits", 5)
  expect_identical(uses(store)[["hits"]], 1)
})

test_that("a store that cannot be written counts in vain, and says nothing", {
  store <- blocked_store()
  expect_silent(store_count(store, "hits", 5))
  expect_identical(summary(store)$hits, 1)
})

test_that("the file of the counts is no foreign one, and takes bounded space", {
  store <- used_store()
  for (i in 1:50) store_count(store, "misses")
  expect_identical(file.size(tally_file(store)), 72)
  expect_identical(nrow(store_check(store)), 0L)
  store_evict(store)
  expect_identical(uses(store)[["misses"]], 50)
})

test_that("a summary prints within 80 columns what was counted", {
  store <- used_store()
  for (i in 1:12) store_count(store, "hits", 600)
  store_count(store, "seeded")
  lines <- format(summary(store))
  expect_true(all(nchar(lines[-1]) <= 80))
  expect_match(lines, "13 calls of warm() since 2", fixed = TRUE, all = FALSE)
  expect_match(lines, "  12 returned the finished fit", fixed = TRUE, all = FALSE)
  expect_match(lines, "Time saved: 2 hours of fitting", fixed = TRUE, all = FALSE)
})

offer <- function(session, iteration, objective) {
  session_checkpoint(session, raw(8), objective = objective, iteration = iteration)
}

run_of <- function(store, iterations, objectives = 100 / iterations, ...) {
  session <- new_session(store, ...)
  for (i in seq_along(iterations)) offer(session, iterations[[i]], objectives[[i]])
  session
}

test_that("a session's history is what it was offered, and what of that went to the disk", {
  session <- new_session(label = "a fit")
  offer(session, 1, 5)
  offer(session, 2, 6)
  offer(session, NA, 4)
  history <- session_history(session)
  expect_s3_class(history, c("warm_history", "data.frame"), exact = TRUE)
  expect_identical(names(history), c("iteration", "objective", "seconds", "written", "run"))
  expect_identical(history$iteration, c(1, 2, NA))
  expect_identical(history$objective, c(5, 6, 4))
  expect_identical(history$written, c(TRUE, FALSE, TRUE))
  expect_identical(history$run, c(1L, 1L, 1L))
})

test_that("seconds are those since the session was opened", {
  store <- new_store()
  session <- new_session(store)
  pass_time(store, 100)
  offer(session, 1, 5)
  pass_time(store, 50)
  offer(session, 2, 4)
  expect_true(all(abs(session_history(session)$seconds - c(100, 150)) < 20))
})

test_that("nothing offered is a history without rows", {
  history <- session_history(new_session())
  expect_identical(nrow(history), 0L)
  expect_identical(format(history), "<warm_history> no iterates")
  expect_identical(nrow(session_history(new_store(), a_key)), 0L)
})

test_that("a store tells the history of a key, also when the session is closed", {
  store <- new_store()
  session <- run_of(store, 1:3, label = "a fit")
  stored <- session_history(store, a_key)
  expect_identical(stored, session_history(session))
  session_close(session)
  expect_identical(session_history(session), stored)
  expect_identical(attr(stored, "label"), "a fit")
})

test_that("however long the fit, its history is bounded, with the first, last and best in it", {
  session <- new_session()
  for (i in 1:2000) offer(session, i, if (i == 700) -1 else 1 + i %% 3)
  history <- session_history(session)
  expect_lte(nrow(history), 64)
  expect_true(all(c(1, 700, 2000) %in% history$iteration))
  expect_false(is.unsorted(history$iteration))
})

test_that("a killed process leaves its history, and the run that goes on joins it", {
  store <- new_store()
  process <- new_process()
  process$run(function(store, key) {
    session <<- warm_session(store, key)
    for (i in 1:5) session_checkpoint(session, raw(8), objective = 10 - i, iteration = i)
    session_checkpoint(session, raw(8), objective = 8, iteration = 6)
    session_checkpoint(session, raw(8), objective = 4, iteration = 7)
  }, list(store, a_key))
  crash(process)
  expect_identical(session_history(store, a_key)$iteration, c(1, 2, 3, 4, 5, 6, 7))
  session <- new_session(store)
  expect_identical(session_load(session)$iteration, 7)
  offer(session, 8, 3)
  for (history in list(session_history(session), session_history(store, a_key))) {
    expect_identical(history$iteration, c(1, 2, 3, 4, 5, 6, 7, 8))
    expect_identical(history$run, rep(1:2, c(7, 1)))
    expect_identical(history$written, c(TRUE, TRUE, TRUE, TRUE, TRUE, FALSE, TRUE, TRUE))
  }
})

test_that("what another fit has preloaded brings no history of its own", {
  store <- new_store()
  seed <- run_of(store, 1:3, key = other_key)
  session <- new_session(store)
  session_preload(session, store_lookup(store, other_key))
  session_load(session)
  offer(session, 1, 1)
  expect_identical(nrow(session_history(session)), 1L)
})

test_that("an entry saved without a session has no history", {
  store <- new_store()
  store_save(store, a_key, 1:3, objective = 1)
  expect_identical(nrow(session_history(store, a_key)), 0L)
})

test_that("an argument that has no history is named", {
  expect_argument_error(session_history("no fit"), "x")
  expect_argument_error(session_history(new_store()), "key")
  expect_argument_error(session_history(new_store(), "x"), "key")
  expect_argument_error(session_history(new_session(), a_key), "key")
})

test_that("damage to a history costs no entry", {
  store <- new_store()
  session <- new_session(store)
  session_finalize(session, 1:3, objective = 1)
  flip_byte(run_files(store), 256 + 10)
  expect_identical(nrow(session_history(store, a_key)), 0L)
  expect_identical(store_lookup(store, a_key)$payload, 1:3)
  expect_identical(store_check(store, repair = TRUE)$reason, "partly damaged")
  expect_length(run_files(store), 1)
})

# Of warm(). ------------------------------------------------

test_that("a fit carries its history, also when its store is gone", {
  skip_if_not_installed("mgcv")
  store <- new_store()
  fit <- warm_call(earthquake_model, store)
  history <- session_history(fit)
  expect_gt(nrow(history), 3)
  expect_true(all(history$run == 1) && utils::tail(history$written, 1))
  expect_equal(utils::tail(history$objective, 1), score_of(fit))
  finished <- warm_call(earthquake_model, store)
  unlink(store_config(store)$path, recursive = TRUE)
  expect_identical(session_history(finished), history)
})

test_that("a resumed fit's history begins with that of the run that was cut", {
  skip_if_not_installed("mgcv")
  states <- observe_states(earthquake_model)$states
  store <- new_store()
  session <- new_session(store, key_of(earthquake_model)$exact)
  for (at in states[1:3]) {
    payload <- list(state = at$state, iterations = at$iteration, seconds = 1)
    session_checkpoint(session, payload, at$objective, at$iteration)
  }
  session_close(session)
  fit <- warm_call(earthquake_model, store)
  expect_identical(source_of(fit), "resumed")
  history <- session_history(fit)
  expect_identical(history$run[1:4], c(1L, 1L, 1L, 2L))
  expect_identical(history$objective[1:3], vapply(states[1:3], `[[`, 1, "objective"))
  expect_false(is.unsorted(history$seconds))
})

test_that("a fit that is made again without its seed shows both attempts", {
  skip_if_not_installed("mgcv")
  store <- interrupted_store(earthquake_model, 3, function(state) {
    state$sp[] <- 1e9
    state
  })
  fit <- suppressWarnings(warm_call(earthquake_model, store))
  expect_identical(source_of(fit), "cold")
  expect_identical(sort(unique(session_history(fit)$run)), 1:2)
})

test_that("a fit without warmstart has no history, and a plain result's is in its info", {
  fit <- warm(list(1), new_store())
  expect_identical(nrow(session_history(fit)), 0L)
  warm(mean.default(1:3), new_store())
  expect_identical(nrow(session_history(warm_info())), 1L)
})

# Printing. ------------------------------------------------

test_that("a history prints within 80 columns, with its ends and how much is left out", {
  session <- new_session(label = "y ~ s(x)\u202e")
  for (i in 1:40) offer(session, i * 1e5, 100 - i / 7)
  lines <- format(session_history(session), n = 6)
  expect_true(all(nchar(lines) <= 80))
  expect_identical(lines[[1]], "<warm_history> y ~ s(x)?")
  expect_match(lines, "... 34 more", fixed = TRUE, all = FALSE)
  expect_identical(sum(grepl("TRUE", lines)), 6L)
  expect_output(print(session_history(session)), "best objective 94.285714")
})

day <- 24 * 3600

save_sized <- function(store, key, run_id, bytes = 744, ...) {
  store_save(store, key, raw(bytes), run_id = run_id, ...)
}

# When a run was last used, in days from now.
set_used <- function(store, run_id, days) {
  Sys.setFileTime(run_file(store, run_id), Sys.time() + days * day)
}

# The same store, opened with another bound.
bounded <- function(store, max_size) {
  warm_store(store_config(store)$path, max_size = max_size)
}

runs_of <- function(store) sort(store_list(store, all = TRUE)$run_id)

# store_evict ------------------------------------------------

test_that("evicting removes what has expired, and says so", {
  store <- new_store(max_age = "1 day")
  save_sized(store, a_key, "old")
  pass_time(store, 0.6 * day)
  save_sized(store, a_key, "new")
  pass_time(store, 0.6 * day)
  removed <- store_evict(store)
  expect_identical(removed$files[removed$reason == "expired"], 1)
  expect_identical(removed$bytes[removed$reason == "expired"], 1000)
  expect_identical(basename(run_files(store)), paste0(a_key, "-new.warm"))
})

test_that("evicting removes the least recently used where the store is too large", {
  store <- new_store()
  for (id in c("a", "b", "c")) save_sized(store, a_key, id)
  set_used(store, "b", -3)
  removed <- store_evict(bounded(store, 2000))
  expect_identical(removed$files[removed$reason == "size"], 1)
  expect_identical(runs_of(store), c("a", "c"))
})

test_that("a lookup counts as a use", {
  store <- new_store()
  pass_time(store, -10 * day)
  save_sized(store, a_key, "looked-up")
  save_sized(store, other_key, "not")
  pass_time(store, 10 * day)
  set_used(store, "looked-up", -5)
  set_used(store, "not", -3)
  store_lookup(store, a_key)
  store_evict(bounded(store, 1000))
  expect_identical(runs_of(store), "looked-up")
})

test_that("a final entry outlives its key's checkpoints", {
  store <- new_store()
  save_sized(store, a_key, "final", kind = "final")
  save_sized(store, a_key, "checkpoint")
  set_used(store, "final", -5)
  store_evict(bounded(store, 1000))
  expect_identical(runs_of(store), "final")
})

test_that("evicting leaves the run of a live session", {
  store <- new_store()
  session <- new_session(store)
  session_checkpoint(session, raw(10), 1)
  save_sized(store, other_key, "dead")
  store_evict(bounded(store, 0))
  expect_identical(store_list(store)$state, "running")
})

test_that("evicting a store without files removes nothing", {
  removed <- store_evict(new_store())
  expect_identical(removed$reason, c("expired", "damaged", "leftover", "size"))
  expect_identical(removed$files, rep(0, 4))
})

test_that("evicting asks for a store", {
  expect_argument_error(store_evict(1), "store")
})

# Bounds without being asked ------------------------------------------------

test_that("an expired entry is not found, though no sweep took place", {
  store <- new_store(max_age = "1 hour")
  save_sized(store, a_key, "run")
  pass_time(store, 3601)
  expect_null(store_lookup(store, a_key))
  expect_identical(nrow(store_list(store)), 0L)
})

test_that("what does not fit the store is refused, with the reason", {
  store <- new_store(max_size = 16000)
  expect_warning(
    id <- store_save(store, a_key, raw(15000)), "larger than the store may be",
    class = "warmstart_warning_store"
  )
  expect_identical(id, NA_character_)
  session <- new_session(store)
  session_checkpoint(session, as.raw(1), objective = 1)
  expect_warning(
    kept <- session_finalize(session, raw(15000)), "larger than the store may be",
    class = "warmstart_warning_store"
  )
  expect_false(kept)
  expect_match(session_status(session)$reason, "larger than the store may be")
  expect_identical(session_load(session)$payload, as.raw(1))
})

test_that("stores that are opened for one save each stay within a sixteenth of their size", {
  path <- tempfile("store")
  sizes <- vapply(1:200, function(i) {
    store <- warm_store(path, max_size = 64000)
    save_sized(store, a_key, paste0("run-", i))
    sum(file.size(run_files(store)))
  }, numeric(1))
  expect_lte(max(sizes), 64000 + 64000 / 16 + 1000)
  expect_gt(max(sizes), 60000)
})

# store_check ------------------------------------------------

test_that("a sound store has no findings", {
  store <- new_store()
  save_sized(store, a_key, "one")
  session <- new_session(store)
  session_checkpoint(session, raw(10), 1)
  found <- store_check(store)
  expect_identical(names(found), c("path", "reason", "detail", "bytes", "removed"))
  expect_identical(nrow(found), 0L)
})

test_that("a store that was never written has no findings", {
  expect_identical(nrow(store_check(new_store())), 0L)
})

test_that("a damaged payload is found", {
  store <- new_store()
  save_sized(store, a_key, "one")
  save_sized(store, a_key, "two")
  flip_byte(run_file(store, "two"), 500)
  found <- store_check(store)
  expect_identical(found$path, run_file(store, "two"))
  expect_identical(found$reason, "damaged")
  expect_identical(found$bytes, 1000)
})

test_that("a check alone removes nothing", {
  store <- new_store()
  save_sized(store, a_key, "one")
  flip_byte(run_file(store, "one"), 500)
  expect_false(store_check(store)$removed)
  expect_length(run_files(store), 1)
})

test_that("a repair removes damaged files, and only these", {
  store <- new_store(max_age = "1 day")
  save_sized(store, a_key, "expired")
  pass_time(store, 0.6 * day)
  save_sized(store, a_key, "damaged")
  save_sized(store, a_key, "whole")
  pass_time(store, 0.6 * day)
  flip_byte(run_file(store, "damaged"), 500)
  found <- store_check(store, repair = TRUE)
  expect_identical(found$reason[found$removed], "damaged")
  expect_identical(found$reason[!found$removed], "expired")
  expect_length(run_files(store), 2)
  expect_identical(store_check(store)$reason, "expired")
})

test_that("a repair leaves a live run, though damaged", {
  store <- new_store()
  session <- new_session(store)
  session_checkpoint(session, raw(10), 1)
  flip_byte(run_files(store), 100)
  expect_identical(nrow(store_check(store, repair = TRUE)), 0L)
  expect_length(run_files(store), 1)
})

test_that("a run with a damaged and a whole record is partly damaged, and stays", {
  store <- new_store()
  session <- new_session(store)
  session_checkpoint(session, raw(10), 2)
  session_checkpoint(session, raw(10), 1)
  session_close(session)
  flip_byte(run_files(store), 256 + 32 + 4) # behind the header and a history of one iterate
  found <- store_check(store, repair = TRUE)
  expect_identical(found$reason, "partly damaged")
  expect_identical(store_lookup(store, a_key)$objective, 1)
})

test_that("foreign, newer, leftover and misplaced files are told apart", {
  store <- new_store()
  save_sized(store, a_key, "run")
  path <- store_config(store)$path
  shard <- dirname(run_files(store))
  newer <- read_bytes(run_files(store))
  newer[[9]] <- as.raw(99)
  files <- c(
    foreign = file.path(path, "notes.txt"),
    foreign = file.path(path, "v1", "notes.txt"),
    foreign = file.path(shard, "notes.txt"),
    foreign = file.path(shard, paste0(a_key, "-text.warm")),
    newer = file.path(shard, paste0(a_key, "-newer.warm")),
    orphaned = file.path(shard, paste0(a_key, "-run.0123456789abcdef.tmp")),
    orphaned = file.path(shard, paste0(other_key, "-run.warm"))
  )
  for (file in files) writeLines("x0,x1,y", file)
  write_bytes(files[["newer"]], newer)
  found <- store_check(store, repair = TRUE)
  reasons <- found$reason[match(files, found$path)]
  expect_identical(reasons, names(files))
  expect_identical(nrow(found), length(files))
  expect_false(any(found$removed))
})

test_that("a check asks for a store, and for TRUE or FALSE", {
  expect_argument_error(store_check(1), "store")
  expect_argument_error(store_check(new_store(), repair = NA), "repair")
})

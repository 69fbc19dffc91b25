# What the testthat suite cannot ask for, on the file system that tools/mounts has mounted for TMPDIR:
# backups by hard links, a store that is moved away, lookups beside saves, and a server that dies.

library(testthat)
library(warmstart)
options(warmstart.verbose = FALSE)

kind <- Sys.getenv("MOUNT_KIND")

mount <- function(action) {
  system2("./mount", c(kind, Sys.getenv("MOUNT_BASE"), action))
}

# Not below the session's directory, which goes with a mount that dies.
new_path <- function() {
  tempfile("store", Sys.getenv("TMPDIR"))
}

digests <- function(path) {
  tools::md5sum(list.files(path, "[.]warm$", recursive = TRUE, full.names = TRUE))
}

objective_of <- function(path, key) {
  store_lookup(warm_store(path), key)$objective
}

test_that("a backup by hard links stays as it was, and what comes after it is found", {
  path <- new_path()
  backup <- paste0(path, "-backup")
  key <- fingerprint("backup")
  session <- warm_session(warm_store(path), key)
  expect_true(session_checkpoint(session, c(1, 2), objective = 3))
  skip_if(kind == "sshfs", "sshfs does not tell how many names a file has")
  expect_identical(system2("cp", c("-al", path, backup)), 0L)
  before <- digests(backup)
  for (objective in 2:0) {
    expect_true(session_checkpoint(session, c(1, 2), objective = objective))
    expect_identical(objective_of(path, key), as.numeric(objective))
  }
  expect_identical(digests(backup), before)
  expect_true(session_finalize(session, c(1, 2), objective = 0))
  expect_identical(digests(backup), before)
  expect_identical(objective_of(backup, key), 3)
})

test_that("what comes after the store was moved away is found where the store was", {
  path <- new_path()
  key <- fingerprint("moved")
  session <- warm_session(warm_store(path), key)
  expect_true(session_checkpoint(session, c(1, 2), objective = 3))
  expect_true(file.rename(path, paste0(path, "-moved")))
  # That it is gone is asked with each sync, 2 s after the last one at the latest.
  Sys.sleep(2.1)
  expect_true(session_checkpoint(session, c(1, 2), objective = 2))
  expect_identical(objective_of(path, key), 2)
  expect_true(session_finalize(session, c(1, 2), objective = 1))
  expect_identical(objective_of(path, key), 1)
})

test_that("an entry that is saved again and again is found each time", {
  path <- new_path()
  key <- fingerprint("again")
  store <- warm_store(path)
  save <- function(i) store_save(store, key, raw(5000), objective = i, run_id = "one")
  save(0)
  writer <- callr::r_bg(function(path, key) {
    store <- warmstart::warm_store(path)
    repeat warmstart::store_save(store, key, raw(5000), objective = 1, run_id = "one")
  }, list(path, key), libpath = .libPaths())
  on.exit(writer$kill())
  missed <- 0
  for (i in seq_len(3000)) {
    missed <- missed + is.null(store_lookup(store, key))
  }
  expect_true(writer$is_alive())
  expect_identical(missed, 0)
})

test_that("a session goes on after its file system's server died and came back", {
  path <- new_path()
  key <- fingerprint("died")
  other <- fingerprint("died while it was gone")
  session <- warm_session(warm_store(path), key)
  expect_true(session_checkpoint(session, c(1, 2), objective = 3))
  skip_if(mount("die") != 0, "served by no process")
  warnings <- 0
  kept <- withCallingHandlers(
    session_checkpoint(session, c(1, 2), objective = 2),
    warmstart_warning = function(w) {
      warnings <<- warnings + 1
      invokeRestart("muffleWarning")
    }
  )
  expect_identical(mount("up"), 0L)
  expect_true(session_checkpoint(session, c(1, 2), objective = 1))
  expect_identical(objective_of(path, key), 1)
  expect_true(session_finalize(session, c(1, 2), objective = 1))
  expect_identical(store_lookup(warm_store(path), key)$kind, "final")
})

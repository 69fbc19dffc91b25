payload <- list(sp = c(0.1, 2), text = "state")

# Checkpoint and load ------------------------------------------------

test_that("a load returns the payload that was checkpointed", {
  session <- new_session()
  session_checkpoint(session, payload, objective = 3, iteration = 4)
  expect_identical(session_load(session)$payload, payload)
})

test_that("a load returns objective, iteration and kind of the checkpoint", {
  session <- new_session(label = "banana")
  session_checkpoint(session, payload, objective = 3, iteration = 4)
  entry <- session_load(session)
  expect_identical(
    entry[c("objective", "iteration", "kind", "source", "label")],
    list(objective = 3, iteration = 4, kind = "checkpoint", source = "exact", label = "banana")
  )
})

test_that("an entry says which run and key it is of", {
  session <- new_session()
  session_checkpoint(session, payload)
  entry <- session_load(session)
  expect_identical(entry$run_id, session_run_id(session))
  expect_identical(format(entry$key), a_key)
})

test_that("a load of a key that was never saved is NULL", {
  expect_null(session_load(new_session()))
})

test_that("a checkpoint that was written is TRUE", {
  expect_true(session_checkpoint(new_session(), payload, objective = 1))
})

# What is written, and when ------------------------------------------------

test_that("each objective that improves is written at once", {
  session <- new_session()
  written <- vapply(c(10, 9, 8.5, 8.4999), function(objective) {
    session_checkpoint(session, raw(10), objective)
  }, logical(1))
  expect_identical(written, rep(TRUE, 4))
})

test_that("the first finite objective is written right after a write without one", {
  session <- new_session()
  session_checkpoint(session, raw(10))
  expect_true(session_checkpoint(session, raw(10), objective = 5))
})

test_that("an objective that does not improve is refused within 2 s", {
  session <- new_session()
  session_checkpoint(session, raw(1), objective = 5)
  expect_false(session_checkpoint(session, raw(2), objective = 6))
  pass_time(session_store(session), 1.5)
  expect_false(session_checkpoint(session, raw(2), objective = 6))
})

test_that("an improvement of no more than 1e-12 is none", {
  session <- new_session()
  session_checkpoint(session, raw(1), objective = 1)
  expect_false(session_checkpoint(session, raw(2), objective = 1 - 5e-13))
  expect_true(session_checkpoint(session, raw(2), objective = 1 - 2e-12))
})

test_that("after a refusal the disk still shows the better one", {
  session <- new_session()
  session_checkpoint(session, raw(1), objective = 5)
  session_checkpoint(session, raw(2), objective = 6)
  expect_identical(session_load(session)$objective, 5)
})

worse_after_2_seconds <- function() {
  session <- new_session()
  session_checkpoint(session, raw(1), objective = 5)
  pass_time(session_store(session), 2)
  list(session = session, written = session_checkpoint(session, raw(2), objective = 6))
}

test_that("after 2 s a worse one is written", {
  expect_true(worse_after_2_seconds()$written)
})

test_that("a worse one that was written leaves the better to `best`", {
  session <- worse_after_2_seconds()$session
  expect_identical(session_load(session)$objective, 5)
})

test_that("a worse one that was written is what `latest` finds", {
  session <- worse_after_2_seconds()$session
  entry <- store_lookup(session_store(session), a_key, select = "latest")
  expect_identical(entry$objective, 6)
})

test_that("however many worse ones are written, the best stays", {
  session <- new_session()
  session_checkpoint(session, as.raw(1), objective = 1)
  for (i in 2:20) {
    pass_time(session_store(session), 3)
    session_checkpoint(session, as.raw(i), objective = i)
  }
  expect_identical(session_load(session)$payload, as.raw(1))
})

for (absent in c(NaN, NA, Inf, -Inf)) {
  test_that(paste("an objective of", absent, "counts as absent"), {
    session <- new_session()
    session_checkpoint(session, raw(1), objective = absent)
    expect_identical(session_load(session)$objective, NA_real_)
  })

  test_that(paste("an objective of", absent, "does not block a later improvement"), {
    session <- new_session()
    session_checkpoint(session, raw(1), objective = absent)
    session_checkpoint(session, raw(2), objective = 7)
    pass_time(session_store(session), 3)
    session_checkpoint(session, raw(3), objective = absent)
    expect_true(session_checkpoint(session, raw(4), objective = 6))
    expect_identical(session_load(session)$objective, 6)
  })
}

test_that("without any objective the newest wins", {
  session <- new_session()
  for (i in 1:5) {
    session_checkpoint(session, as.raw(i))
    pass_time(session_store(session), 2)
  }
  expect_identical(session_load(session)$payload, as.raw(5))
})

test_that("a payload that outgrows the one before is kept", {
  session <- new_session()
  session_checkpoint(session, raw(10), objective = 2)
  large <- as.raw(rep(1:200, 5000))
  session_checkpoint(session, large, objective = 1)
  expect_identical(session_load(session)$payload, large)
})

test_that("a payload that outgrows the one before leaves one file of the run", {
  session <- new_session()
  session_checkpoint(session, raw(10), objective = 2)
  session_checkpoint(session, raw(1e6), objective = 1)
  expect_length(run_files(session_store(session)), 1)
})

test_that("a larger payload that is worse leaves the better one to `best`", {
  session <- new_session()
  session_checkpoint(session, as.raw(1:3), objective = 1)
  pass_time(session_store(session), 3)
  session_checkpoint(session, raw(1e6), objective = 2)
  expect_identical(session_load(session)$payload, as.raw(1:3))
})

test_that("a refused payload is not encoded", {
  session <- new_session()
  session_checkpoint(session, list(1), objective = 1)
  untouched <- list(quote(stop("never reached")))
  expect_false(session_checkpoint(session, untouched, objective = 2))
})

test_that("an iterate that is not to be written is not made", {
  session <- new_session()
  made <- 0
  make <- function() {
    made <<- made + 1
    list(par = made)
  }
  expect_false(offer_iterate(session, make, 3, 1, early = TRUE))
  expect_identical(made, 0)
  expect_true(offer_iterate(session, make, 2, 2, early = FALSE))
  expect_identical(session_load(session)$payload, list(par = 1))
  expect_false(offer_iterate(session, make, 2, 3, early = FALSE))
  expect_identical(made, 1)
  # The run has a file by now.
  expect_true(offer_iterate(session, make, 1, 4, early = TRUE))
  expect_identical(made, 2)
  expect_error(offer_iterate(session, function() stop("not made"), 0, 5, FALSE), "not made")
  expect_identical(session_load(session)$payload, list(par = 2))
})

# Finalize ------------------------------------------------

test_that("finalize is written however soon and however bad", {
  session <- new_session()
  session_checkpoint(session, raw(1), objective = 1)
  expect_true(session_finalize(session, raw(2), objective = 100))
})

test_that("finalize turns the run into a final one", {
  session <- new_session()
  session_checkpoint(session, raw(1), objective = 1)
  session_finalize(session, payload, objective = 2, iteration = 9)
  expect_identical(
    session_load(session)[c("payload", "objective", "iteration", "kind")],
    list(payload = payload, objective = 2, iteration = 9, kind = "final")
  )
})

test_that("finalize leaves no checkpoint of its run behind", {
  session <- new_session()
  session_checkpoint(session, raw(1), objective = 1)
  session_finalize(session, raw(2), objective = 2)
  expect_null(store_lookup(session_store(session), a_key, kind = "checkpoint"))
  expect_length(run_files(session_store(session)), 1)
})

test_that("finalize without a checkpoint before it is found", {
  session <- new_session()
  session_finalize(session, payload)
  expect_identical(session_load(session)$kind, "final")
})

test_that("a checkpoint after finalize begins a new run", {
  session <- new_session()
  session_finalize(session, raw(1), objective = 1)
  first <- session_run_id(session)
  session_checkpoint(session, raw(2), objective = 5)
  expect_false(session_run_id(session) == first)
})

test_that("a checkpoint after finalize does not overwrite the final record", {
  session <- new_session()
  session_finalize(session, as.raw(1), objective = 1)
  session_checkpoint(session, as.raw(2), objective = 0.5)
  final <- store_lookup(session_store(session), a_key, kind = "final")
  expect_identical(final$payload, as.raw(1))
})

test_that("a second finalize takes the place of the first, though that was better", {
  session <- new_session()
  session_finalize(session, as.raw(1), objective = 1)
  session_finalize(session, as.raw(2), objective = 2)
  expect_identical(session_load(session)$payload, as.raw(2))
  expect_identical(nrow(store_list(session_store(session))), 1L)
})

# Several sessions on one key ------------------------------------------------

test_that("a session sees another's checkpoint at once", {
  store <- new_store()
  one <- new_session(store)
  two <- new_session(store)
  session_checkpoint(one, as.raw(1), objective = 3)
  expect_identical(session_load(two)$payload, as.raw(1))
})

test_that("two sessions on one key write a file each", {
  store <- new_store()
  session_checkpoint(new_session(store), as.raw(1), objective = 3)
  session_checkpoint(new_session(store), as.raw(2), objective = 4)
  expect_length(run_files(store), 2)
})

test_that("two sessions with one key in two stores do not meet", {
  session_checkpoint(new_session(), as.raw(1))
  expect_null(session_load(new_session()))
})

test_that("another session's better objective does not hold this one's back", {
  store <- new_store()
  session_checkpoint(new_session(store), as.raw(1), objective = 1)
  expect_true(session_checkpoint(new_session(store), as.raw(2), objective = 5))
})

test_that("a process finds what another checkpointed a moment ago", {
  session <- new_session()
  session_checkpoint(session, payload, objective = 3)
  found <- in_process(function(store, key) {
    session_load(warm_session(store, key))$payload
  }, session_store(session), a_key)
  expect_identical(found, payload)
})

test_that("this process finds what another checkpoints, while both sessions are open", {
  store <- new_store()
  here <- new_session(store)
  session_checkpoint(here, as.raw(1), objective = 10)
  there <- new_process()
  there$run(function(store, key) {
    .GlobalEnv$session <- warmstart::warm_session(store, key)
    warmstart::session_checkpoint(session, as.raw(2), objective = 9)
  }, list(store, a_key))
  expect_identical(session_load(here)$payload, as.raw(2))
  session_checkpoint(here, as.raw(3), objective = 8)
  seen <- there$run(function() warmstart::session_load(session)$payload)
  expect_identical(seen, as.raw(3))
  expect_length(run_files(store), 2)
})

test_that("a checkpoint outlives the crash of its process", {
  store <- new_store()
  there <- new_process()
  there$run(function(store, key) {
    session <- warmstart::warm_session(store, key)
    warmstart::session_checkpoint(session, as.raw(7), objective = 1)
  }, list(store, a_key))
  crash(there)
  expect_identical(session_load(new_session(store))$payload, as.raw(7))
})

# Preloading ------------------------------------------------

preloaded_session <- function() {
  store <- new_store()
  store_save(store, other_key, as.raw(9), objective = 1, label = "elsewhere")
  store_save(store, a_key, as.raw(1), objective = 2)
  session <- new_session(store)
  session_preload(session, store_lookup(store, other_key))
  session
}

test_that("a preloaded entry comes ahead of the store", {
  entry <- session_load(preloaded_session())
  expect_identical(
    entry[c("payload", "source")],
    list(payload = as.raw(9), source = "preloaded")
  )
})

test_that("a preloaded entry is as it was in the store", {
  session <- preloaded_session()
  original <- store_lookup(session_store(session), other_key)
  loaded <- session_load(session)
  loaded$source <- NULL
  expect_equal(unclass(loaded), unclass(original), tolerance = 1e-9)
})

test_that("a preloaded entry is returned once, then the store answers", {
  session <- preloaded_session()
  session_load(session)
  expect_identical(
    session_load(session)[c("payload", "source")],
    list(payload = as.raw(1), source = "exact")
  )
})

test_that("peeking does not consume a preloaded entry", {
  session <- preloaded_session()
  session_peek(session)
  expect_identical(session_peek(session)$source, "preloaded")
  expect_identical(session_load(session)$source, "preloaded")
})

test_that("peeking without a preloaded entry shows the store's", {
  session <- preloaded_session()
  session_load(session)
  expect_identical(session_peek(session)$payload, as.raw(1))
})

test_that("a checkpoint after preloading goes to the session's own key", {
  session <- preloaded_session()
  session_load(session)
  session_checkpoint(session, as.raw(5), objective = 0)
  store <- session_store(session)
  expect_identical(store_lookup(store, a_key)$payload, as.raw(5))
  expect_identical(store_lookup(store, other_key)$payload, as.raw(9))
})

test_that("a preloaded entry's objective does not hold checkpoints back", {
  session <- preloaded_session()
  session_load(session)
  expect_true(session_checkpoint(session, as.raw(5), objective = 100))
})

test_that("NULL withdraws a preloaded entry", {
  session <- preloaded_session()
  session_preload(session, NULL)
  expect_identical(session_load(session)$source, "exact")
})

test_that("a second preloaded entry takes the first one's place", {
  session <- preloaded_session()
  session_preload(session, store_lookup(session_store(session), a_key))
  expect_identical(session_load(session)$payload, as.raw(1))
  expect_identical(session_load(session)$source, "exact")
})

test_that("an R object survives being preloaded", {
  store <- new_store()
  store_save(store, other_key, payload)
  session <- new_session(store)
  session_preload(session, store_lookup(store, other_key))
  expect_identical(session_load(session)$payload, payload)
})

# A failing disk ------------------------------------------------

test_that("a checkpoint that cannot be written is FALSE", {
  session <- new_session(blocked_store())
  expect_false(suppressWarnings(session_checkpoint(session, raw(1), objective = 1)))
})

test_that("a finalize that cannot be written is FALSE", {
  session <- new_session(blocked_store())
  expect_false(suppressWarnings(session_finalize(session, raw(1))))
})

test_that("there is one warning a session", {
  session <- new_session(blocked_store())
  warnings <- collect_warnings({
    session_checkpoint(session, raw(1), objective = 2)
    session_checkpoint(session, list(1), objective = 1)
    session_finalize(session, raw(1))
  })
  expect_length(warnings, 1)
  expect_s3_class(warnings[[1]], "warmstart_warning_store")
})

test_that("each session has a warning of its own", {
  store <- blocked_store()
  warnings <- collect_warnings({
    session_checkpoint(new_session(store), raw(1))
    session_checkpoint(new_session(store), raw(1))
  })
  expect_length(warnings, 2)
})

test_that("the status says why nothing was written", {
  session <- new_session(blocked_store())
  warnings <- collect_warnings(session_checkpoint(session, raw(1)))
  status <- session_status(session)
  expect_match(status$reason, "[Nn]ot a directory")
  expect_match(conditionMessage(warnings[[1]]), status$reason, fixed = TRUE)
})

test_that("the status counts what failed", {
  session <- new_session(blocked_store())
  suppressWarnings({
    session_checkpoint(session, raw(1), objective = 2)
    session_finalize(session, raw(1))
  })
  expect_identical(
    session_status(session)[c("written", "failed", "state")],
    list(written = 0, failed = 2, state = "empty")
  )
})

test_that("a load from a store that cannot be read is NULL", {
  expect_null(session_load(new_session(blocked_store())))
})

test_that("a checkpoint works again when the disk does", {
  store <- blocked_store()
  session <- new_session(store)
  suppressWarnings(session_checkpoint(session, raw(1), objective = 1))
  unblock(store)
  expect_true(session_checkpoint(session, raw(1), objective = 2))
  expect_identical(session_status(session)$reason, NA_character_)
})

test_that("a session goes on after its store was deleted", {
  session <- new_session()
  session_checkpoint(session, as.raw(1), objective = 2)
  unlink(store_config(session_store(session))$path, recursive = TRUE)
  expect_true(session_checkpoint(session, as.raw(2), objective = 1))
  expect_identical(session_load(session)$payload, as.raw(2))
})

test_that("a session goes on after its file was deleted", {
  session <- new_session()
  session_checkpoint(session, as.raw(1), objective = 2)
  unlink(run_files(session_store(session)))
  expect_true(session_checkpoint(session, as.raw(2), objective = 1))
  expect_identical(session_load(session)$payload, as.raw(2))
})

offer_in <- function(directory, size) {
  sprintf(
    'suppressMessages(library(warmstart))
     store <- warm_store(file.path("%s", "store"))
     session <- warm_session(store, "%s")
     first <- session_checkpoint(session, as.raw(1:9), objective = 2)
     second <- suppressWarnings(session_checkpoint(session, raw(%d), objective = 1))
     final <- suppressWarnings(session_finalize(session, raw(%d), objective = 1))
     cat(first, second, final, identical(session_load(session)$payload, as.raw(1:9)), "\n")
     cat(session_status(session)$reason, "\n")',
    directory, a_key, size, size
  )
}

test_that("a full disk costs only what does not fit on it", {
  directory <- tempfile("full")
  output <- in_mount("size=256k", directory, offer_in(directory, 1e6))
  expect_match(output, "^TRUE FALSE FALSE TRUE", all = FALSE)
  expect_match(output, "No space left", all = FALSE)
})

# It would be killed for writing more.
test_that("a process whose files may not be so large is told so, and lives", {
  skip_on_os("windows")
  script <- withr::local_tempfile(lines = offer_in(tempfile("limited"), 1e6))
  output <- system2("sh", c("-c", shQuote(paste(
    "ulimit -f 200;", shQuote(file.path(R.home("bin"), "Rscript")), shQuote(script)
  ))), stdout = TRUE, env = paste0("R_LIBS=", paste(.libPaths(), collapse = ":")))
  expect_match(output, "^TRUE FALSE FALSE TRUE", all = FALSE)
  expect_match(output, "File too large", all = FALSE)
})

test_that("without a free descriptor a checkpoint is not kept, says so, and stops nothing", {
  skip_if(Sys.which("bash") == "", "needs bash")
  script <- withr::local_tempfile(lines = sprintf(
    'suppressMessages(library(warmstart))
     session <- warm_session(warm_store("%s"), "%s")
     taken <- list()
     while (!is.null(one <- tryCatch(file("/dev/null", "r"), condition = function(c) NULL))) {
       taken <- c(taken, list(one))
     }
     kept <- withCallingHandlers(session_checkpoint(session, 1), warning = function(w) {
       cat(class(w)[[1]], conditionMessage(w), "\n")
       invokeRestart("muffleWarning")
     })
     for (one in taken) close(one)
     cat(kept, session_checkpoint(session, 1, objective = 1), "\n")',
    tempfile("descriptors"), a_key
  ))
  # R does not start with few of them, and has no more than 128 connections.
  command <- paste(
    "ulimit -n 256; for i in $(seq 10 180); do eval \"exec $i</dev/null\"; done; exec",
    shQuote(file.path(R.home("bin"), "Rscript")), shQuote(script)
  )
  output <- system2("bash", c("-c", shQuote(command)),
    stdout = TRUE, env = paste0("R_LIBS=", paste(.libPaths(), collapse = ":"))
  )
  expect_match(output, "warmstart_warning_store .*Too many open files", all = FALSE)
  expect_match(output, "^FALSE TRUE", all = FALSE)
})

test_that("on a read-only disk nothing is written and nothing stops", {
  directory <- tempfile("readonly")
  code <- sub("first <- ", "first <- suppressWarnings", sub(
    "objective = 2)", "objective = 2))", offer_in(directory, 10),
    fixed = TRUE
  ), fixed = TRUE)
  code <- sub("suppressWarningssession", "suppressWarnings(session", code, fixed = TRUE)
  output <- in_mount("ro", directory, code)
  expect_match(output, "^FALSE FALSE FALSE FALSE", all = FALSE)
  expect_match(output, "[Rr]ead-only", all = FALSE)
})

# Handles ------------------------------------------------

open_files <- function() {
  skip_if_not(dir.exists("/proc/self/fd"), "no /proc")
  gc()
  length(list.files("/proc/self/fd"))
}

test_that("garbage collection closes the files of sessions", {
  store <- new_store()
  before <- open_files()
  sessions <- lapply(1:20, function(i) new_session(store))
  for (session in sessions) {
    session_checkpoint(session, raw(1), objective = 1)
  }
  expect_identical(open_files(), before + 20L)
  rm(session, sessions)
  expect_identical(open_files(), before)
})

test_that("closing a session closes its file", {
  session <- new_session()
  before <- open_files()
  session_checkpoint(session, raw(1))
  session_close(session)
  expect_identical(open_files(), before)
})

test_that("lookups leave no file open", {
  store <- new_store()
  for (i in 1:12) store_save(store, a_key, raw(1), objective = i)
  before <- open_files()
  for (i in 1:5) store_lookup(store, a_key)
  expect_identical(open_files(), before)
})

test_that("a run whose session was collected is interrupted", {
  store <- new_store()
  session <- new_session(store)
  session_checkpoint(session, raw(1))
  rm(session)
  gc()
  expect_identical(store_list(store)$state, "interrupted")
})

thaw <- function(x) {
  file <- tempfile()
  on.exit(unlink(file))
  saveRDS(x, file)
  readRDS(file)
}

test_that("a session that went through saveRDS finds the same entries", {
  session <- new_session()
  session_checkpoint(session, as.raw(3), objective = 1)
  expect_identical(session_load(thaw(session))$payload, as.raw(3))
})

test_that("a session that went through saveRDS is a run of its own", {
  session <- new_session(label = "mine")
  session_checkpoint(session, as.raw(3), objective = 1)
  thawed <- thaw(session)
  expect_false(session_run_id(thawed) == session_run_id(session))
  session_checkpoint(thawed, as.raw(4), objective = 2)
  expect_length(run_files(session_store(session)), 2)
})

test_that("a session that went through saveRDS keeps its key and label", {
  thawed <- thaw(new_session(label = "mine"))
  session_checkpoint(thawed, raw(1))
  expect_identical(format(session_key(thawed)), a_key)
  expect_identical(session_load(thawed)$label, "mine")
})

test_that("a closed session is closed after saveRDS, too", {
  session <- new_session()
  session_close(session)
  expect_argument_error(session_load(thaw(session)), "session")
})

test_that("a session sent to a PSOCK worker is a run of its own there", {
  skip_if_not_installed("parallel")
  session <- new_session()
  session_checkpoint(session, as.raw(1), objective = 5)
  cluster <- tryCatch(parallel::makePSOCKcluster(1), error = function(e) {
    skip("cannot start a PSOCK worker here")
  })
  on.exit(parallel::stopCluster(cluster))
  parallel::clusterCall(cluster, function(paths) .libPaths(paths), .libPaths())
  there <- parallel::clusterCall(cluster, function(session) {
    library(warmstart)
    seen <- session_load(session)$payload
    session_checkpoint(session, as.raw(2), objective = 4)
    list(seen = seen, run_id = session_run_id(session))
  }, session)[[1]]
  expect_identical(there$seen, as.raw(1))
  expect_false(there$run_id == session_run_id(session))
  expect_identical(session_load(session)$run_id, there$run_id)
})

# A process with an open session whose two forked children have run `child`.
fork_process <- function(child, env = parent.frame()) {
  skip_on_os("windows")
  skip_if_not_installed("parallel")
  process <- new_process(env)
  store <- new_store()
  seen <- process$run(function(store, key, child) {
    session <<- warmstart::warm_session(store, key)
    warmstart::session_checkpoint(session, as.raw(1), objective = 5)
    environment(child) <- globalenv()
    children <- parallel::mclapply(1:2, function(i) child(session, i), mc.cores = 2)
    list(children = children, run_id = warmstart::session_run_id(session))
  }, list(store, a_key, child))
  rows <- store_list(store, all = TRUE)
  c(seen, list(
    process = process, store = store, rows = rows,
    state = rows$state[rows$run_id == seen$run_id]
  ))
}

child_checkpoint <- function(session, i) {
  kept <- warmstart::session_checkpoint(session, as.raw(10 + i), objective = i)
  list(kept = kept, run_id = warmstart::session_run_id(session))
}

test_that("a forked child does not write to its parent's file", {
  parent <- fork_process(child_checkpoint)
  expect_identical(parent$rows$objective[parent$rows$run_id == parent$run_id], 5)
})

test_that("each forked child is a run of its own", {
  parent <- fork_process(child_checkpoint)
  runs <- c(parent$run_id, parent$children[[1]]$run_id, parent$children[[2]]$run_id)
  expect_length(unique(runs), 3)
  expect_setequal(parent$rows$run_id, runs)
})

test_that("a forked child that improves says TRUE, and is found", {
  parent <- fork_process(child_checkpoint)
  expect_true(parent$children[[1]]$kept)
  expect_identical(store_lookup(parent$store, a_key)$payload, as.raw(11))
})

test_that("a forked child finalizes a run of its own", {
  parent <- fork_process(function(session, i) {
    warmstart::session_finalize(session, as.raw(2))
  })
  finished <- parent$rows$run_id[parent$rows$state == "finished"]
  expect_gte(length(finished), 1) # the later may have superseded the other one
  expect_false(parent$run_id %in% finished)
  expect_identical(parent$state, "running")
})

test_that("the parent's run is running after its children ended", {
  expect_identical(fork_process(child_checkpoint)$state, "running")
})

test_that("a child may close a session without ending its parent's run", {
  parent <- fork_process(function(session, i) {
    warmstart::session_close(session)
    TRUE
  })
  expect_identical(parent$state, "running")
})

test_that("the parent's run goes on after its children ended", {
  parent <- fork_process(child_checkpoint)
  parent$process$run(function() {
    warmstart::session_checkpoint(session, as.raw(2), objective = 0)
  })
  expect_identical(store_lookup(parent$store, a_key)$run_id, parent$run_id)
})

# Status, closing, printing ------------------------------------------------

test_that("the status counts what was written and refused", {
  session <- new_session()
  session_checkpoint(session, raw(1), objective = 2)
  session_checkpoint(session, list(), objective = 3)
  session_checkpoint(session, raw(1), objective = 3)
  session_checkpoint(session, raw(1), objective = 1)
  expect_identical(
    session_status(session)[c("written", "refused", "failed", "objective", "state")],
    list(written = 2, refused = 2, failed = 0, objective = 1, state = "running")
  )
})

test_that("the status of a session that wrote nothing is empty", {
  status <- session_status(new_session())
  expect_identical(status$state, "empty")
  expect_identical(as.numeric(status$last_write), NA_real_)
})

test_that("the status of a finalized session is finished", {
  session <- new_session()
  session_finalize(session, raw(1))
  expect_identical(session_status(session)$state, "finished")
})

test_that("a closed session says that it is closed", {
  session <- new_session()
  session_close(session)
  expect_identical(session_status(session)$state, "closed")
})

test_that("a session may be closed twice", {
  session <- new_session()
  session_close(session)
  expect_identical(session_close(session), session)
})

test_that("a closed session still knows its key and store", {
  session <- new_session()
  session_close(session)
  expect_identical(format(session_key(session)), a_key)
  expect_s3_class(session_store(session), "warm_store")
})

test_that("closing leaves a checkpoint to be found", {
  session <- new_session()
  session_checkpoint(session, as.raw(1))
  session_close(session)
  expect_identical(session_load(new_session(session_store(session)))$payload, as.raw(1))
})

test_that("a session prints its label, state, key and store", {
  session <- new_session(label = "banana {x}")
  session_checkpoint(session, raw(1), objective = 2.5)
  text <- format(session)
  expect_match(text, "\"banana {x}\"", fixed = TRUE, all = FALSE)
  expect_match(text, "running: 1 written, 0 refused, 0 failed, best objective 2.5", all = FALSE)
  expect_match(text, a_key, all = FALSE)
  expect_match(text, store_config(session_store(session))$path, fixed = TRUE, all = FALSE)
})

test_that("printing a session returns it", {
  session <- new_session()
  expect_output(value <- print(session), "warm_session")
  expect_identical(value, session)
})

test_that("printing the status of a failed session says why", {
  session <- new_session(blocked_store())
  suppressWarnings(session_checkpoint(session, raw(1)))
  expect_output(print(session_status(session)), "last write failed: .*directory")
})

# Bad arguments ------------------------------------------------

bad_session_calls <- list(
  list(quote(warm_session(1, a_key)), "store"),
  list(quote(warm_session(NULL, a_key)), "store"),
  list(quote(warm_session(store, "abc")), "key"),
  list(quote(warm_session(store, toupper(a_key))), "key"),
  list(quote(warm_session(store, c(a_key, other_key))), "key"),
  list(quote(warm_session(store, NA_character_)), "key"),
  list(quote(warm_session(store, 1)), "key"),
  list(quote(warm_session(store, a_key, label = 1)), "label"),
  list(quote(warm_session(store, a_key, label = c("a", "b"))), "label"),
  list(quote(warm_session(store, a_key, label = NA_character_)), "label"),
  list(quote(warm_session(store, a_key, label = strrep("x", 144))), "label"),
  list(quote(warm_session(store, a_key, label = "two\nlines")), "label"),
  list(quote(session_checkpoint(session, raw(1), objective = c(1, 2))), "objective"),
  list(quote(session_checkpoint(session, list(), objective = c(1, 2))), "objective"),
  list(quote(session_checkpoint(session, raw(1), objective = "1")), "objective"),
  list(quote(session_checkpoint(session, raw(1), objective = NULL)), "objective"),
  list(quote(session_checkpoint(session, raw(1), iteration = -1)), "iteration"),
  list(quote(session_checkpoint(session, raw(1), iteration = 1.5)), "iteration"),
  list(quote(session_checkpoint(session, raw(1), iteration = 2^54)), "iteration"),
  list(quote(session_checkpoint(session, raw(1), iteration = 1:2)), "iteration"),
  list(quote(session_finalize(session, raw(1), objective = c(1, 2))), "objective"),
  list(quote(session_finalize(session, raw(1), iteration = "1")), "iteration"),
  list(quote(session_checkpoint(store, raw(1))), "session"),
  list(quote(session_finalize("session", raw(1))), "session"),
  list(quote(session_load(NULL)), "session"),
  list(quote(session_peek(1)), "session"),
  list(quote(session_status(list())), "session"),
  list(quote(session_key(store)), "session"),
  list(quote(session_run_id(store)), "session"),
  list(quote(session_store(store)), "session"),
  list(quote(session_close(store)), "session"),
  list(quote(session_preload(session, 1)), "entry"),
  list(quote(session_preload(session, list(payload = 1))), "entry"),
  list(quote(session_preload(store, NULL)), "session")
)

for (bad in bad_session_calls) {
  test_that(paste(deparse1(bad[[1]]), "names its bad argument"), {
    store <- new_store()
    session <- new_session(store)
    expect_argument_error(eval(bad[[1]]), bad[[2]])
    expect_identical(run_files(store), character())
  })
}

closed_calls <- list(
  quote(session_checkpoint(session, raw(1))), quote(session_checkpoint(session, 1)),
  quote(session_finalize(session, raw(1))), quote(session_load(session)),
  quote(session_peek(session)), quote(session_preload(session, NULL)),
  quote(session_run_id(session))
)

for (call in closed_calls) {
  test_that(paste(deparse1(call), "names a session that was closed"), {
    session <- new_session()
    session_close(session)
    expect_argument_error(eval(call), "session")
  })
}

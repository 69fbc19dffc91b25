# Children checkpoint with falling objectives and report each that was written; they are killed at
# random moments. Whatever was reported must be found by another process, whole: the newest that was
# finalized, or before there is one, the best checkpoint.

skip_on_os("windows")
skip_if_not_installed("parallel")

kills <- 30 # of each kind of child: 120 in all, some tenths of a second each

# A payload that says itself whether it is whole.
payload_of <- function(objective, size) {
  writeBin(rep(objective, size), raw())
}

is_intact <- function(entry) {
  numbers <- readBin(entry$payload, "double", length(entry$payload) / 8)
  length(numbers) > 1 && numbers[[1]] == entry$objective && length(unique(numbers[-1])) == 1
}

# What a child does at its step `i`. Each returns whether it was written, and whether as the final
# one.
steps <- list(
  "checkpoints" = function(session, objective, i) {
    session_checkpoint(session, payload_of(objective, 500), objective, i)
  },
  # A write of many pages, which a kill can cut in the middle.
  "large checkpoints" = local({
    bytes <- payload_of(0, 3e5)
    function(session, objective, i) {
      bytes[1:8] <<- writeBin(objective, raw())
      session_checkpoint(session, bytes, objective, i)
    }
  }),
  # Every payload outgrows the slots of the file.
  "growing payloads" = function(session, objective, i) {
    session_checkpoint(session, payload_of(objective, 400 * i), objective, i)
  },
  # Two checkpoints, then finalize, which begins a new run.
  "finalizes" = function(session, objective, i) {
    is_final <- i %% 3 == 0
    save <- if (is_final) session_finalize else session_checkpoint
    structure(save(session, payload_of(objective, 500), objective, i), final = is_final)
  }
)

# Runs in the child until it is killed. A report is one write to the kernel.
descend <- function(store, key, step, report) {
  session <- warm_session(store, key)
  for (i in 1:1e6) {
    objective <- 1000 - i / 10
    written <- step(session, objective, i)
    if (written) {
      writeLines(paste(format(objective, digits = 17), isTRUE(attr(written, "final"))), report)
      flush(report)
    }
  }
}

reported <- function(file) {
  words <- strsplit(readLines(file, warn = FALSE), " ", fixed = TRUE)
  words <- words[lengths(words) == 2]
  list(
    objective = as.numeric(vapply(words, `[[`, "", 1)),
    final = as.logical(vapply(words, `[[`, "", 2))
  )
}

# The lowest of those that count: objectives fall as time goes on.
lowest <- function(reports) {
  counts <- if (any(reports$final)) reports$final else TRUE
  min(reports$objective[counts])
}

# Kills a child at a random moment after some of its reports: what it had reported, and what a
# lookup finds.
kill_once <- function(store, step) {
  key <- fingerprint(runif(2))
  file <- tempfile("report")
  file.create(file)
  child <- parallel::mcparallel(
    descend(store, key, step, file(file, "a")),
    detached = TRUE, silent = TRUE
  )
  awaited <- sample(6, 1)
  deadline <- Sys.time() + 30
  while (length(reported(file)$final) < awaited && Sys.time() < deadline) Sys.sleep(0.001)
  Sys.sleep(runif(1, 0, 0.02))
  tools::pskill(child$pid, tools::SIGKILL)
  # Reports first: a child that still dies can only improve on them.
  reports <- reported(file)
  list(
    key = key, reported = lowest(reports), count = length(reports$final),
    entry = store_lookup(store, key)
  )
}

set.seed(20240229)

for (what in names(steps)) {
  store <- warm_store(tempfile("store"))
  deaths <- lapply(seq_len(kills), function(i) {
    death <- kill_once(store, steps[[what]])
    store_delete(store, death$key)
    death
  })
  found <- vapply(deaths, function(death) !is.null(death$entry), logical(1))

  test_that(paste("every child that was killed during", what, "had reported something"), {
    expect_true(all(vapply(deaths, `[[`, 1, "reported") < 1000))
    expect_gt(sum(vapply(deaths, `[[`, 1L, "count")), kills)
  })

  test_that(paste("a kill during", what, "loses nothing that was reported"), {
    expect_identical(sum(!found), 0L)
    lost <- Filter(function(death) death$entry$objective > death$reported, deaths[found])
    expect_length(lost, 0)
  })

  test_that(paste("a kill during", what, "leaves an intact payload"), {
    expect_true(all(vapply(lapply(deaths[found], `[[`, "entry"), is_intact, logical(1))))
  })

  test_that(paste("after a kill during", what, "a new session goes on"), {
    last <- kill_once(store, steps[[what]])
    session <- warm_session(store, last$key)
    better <- last$entry$objective - 1
    expect_lte(session_load(session)$objective, last$reported)
    keep <- if (what == "finalizes") session_finalize else session_checkpoint
    expect_true(keep(session, payload_of(better, 10), better))
    expect_identical(session_load(session)$run_id, session_run_id(session))
  })

  unlink(store_info(store)$path, recursive = TRUE)
}

payload <- list(sp = c(0.1, 2), text = "state")

# Saving and looking up ------------------------------------------------

test_that("a lookup returns what was saved", {
  store <- new_store()
  store_save(store, a_key, payload, objective = 3, iteration = 4, kind = "final", label = "mine")
  entry <- store_lookup(store, a_key)
  expect_s3_class(entry, "warm_entry")
  expect_identical(
    entry[c("payload", "objective", "iteration", "kind", "label")],
    list(payload = payload, objective = 3, iteration = 4, kind = "final", label = "mine")
  )
})

test_that("an entry has the documented parts, in order", {
  store <- new_store()
  store_save(store, a_key, raw(1))
  expect_named(store_lookup(store, a_key), c(
    "payload", "objective", "iteration", "kind", "written", "run_id", "key", "label"
  ))
})

test_that("what was not given is missing in the entry", {
  store <- new_store()
  store_save(store, a_key, raw(1))
  expect_identical(
    store_lookup(store, a_key)[c("objective", "iteration", "kind", "label")],
    list(
      objective = NA_real_, iteration = NA_real_, kind = "checkpoint", label = NA_character_
    )
  )
})

test_that("an entry says when it was written", {
  store <- new_store()
  before <- Sys.time()
  store_save(store, a_key, raw(1))
  written <- store_lookup(store, a_key)$written
  expect_s3_class(written, "POSIXct")
  expect_true(written >= before - 1e-3 && written <= Sys.time() + 1e-3)
})

test_that("a save returns its run id, invisibly", {
  store <- new_store()
  expect_invisible(id <- store_save(store, a_key, raw(1)))
  expect_identical(store_lookup(store, a_key)$run_id, id)
})

test_that("a missing key is NULL", {
  store <- new_store()
  store_save(store, other_key, raw(1))
  expect_null(store_lookup(store, a_key))
})

test_that("a lookup in a store that was never written is NULL and makes nothing", {
  store <- new_store()
  expect_null(store_lookup(store, a_key))
  expect_false(file.exists(store_config(store)$path))
})

test_that("a key may be a fingerprint or its digits", {
  store <- new_store()
  key <- fingerprint("my fit")
  store_save(store, key, as.raw(5))
  expect_identical(store_lookup(store, format(key))$payload, as.raw(5))
})

test_that("keys that begin alike do not meet", {
  store <- new_store()
  neighbour <- paste0(substr(a_key, 1, 31), "0")
  store_save(store, neighbour, raw(1))
  expect_null(store_lookup(store, a_key))
})

test_that("another process finds what was saved", {
  store <- new_store()
  store_save(store, a_key, payload)
  found <- in_process(function(store, key) store_lookup(store, key)$payload, store, a_key)
  expect_identical(found, payload)
})

# Which entry a lookup chooses ------------------------------------------------

# Saves entries one second apart, and looks one up by its label.
chosen <- function(..., select = "best", kind = NULL) {
  store <- new_store()
  for (entry in list(...)) {
    do.call(store_save, c(list(store, a_key, raw(1)), entry))
    pass_time(store, 1)
  }
  store_lookup(store, a_key, select, kind)$label
}

test_that("best is the lowest objective", {
  expect_identical(
    chosen(
      list(objective = 2, label = "a"), list(objective = -1, label = "b"),
      list(objective = 3, label = "c")
    ), "b"
  )
})

test_that("best prefers an entry with an objective to one without", {
  expect_identical(chosen(list(objective = 9, label = "a"), list(label = "b")), "a")
})

test_that("best takes objectives within 1e-12 for the same", {
  expect_identical(
    chosen(list(objective = 2, label = "a"), list(objective = 2 + 5e-13, label = "b")), "b"
  )
})

test_that("best prefers a final to a checkpoint that is lower and newer", {
  expect_identical(
    chosen(
      list(objective = 2, label = "a", kind = "final"), list(objective = 1, label = "b")
    ), "a"
  )
})

test_that("best is the newest final, though an older one was lower", {
  finals <- list(
    list(objective = 2 - 1e-9, label = "a", kind = "final"),
    list(objective = 2, label = "b", kind = "final")
  )
  expect_identical(do.call(chosen, finals), "b")
  expect_identical(do.call(chosen, c(finals, kind = "final")), "b")
})

test_that("a final entry removes the final ones before it, and no checkpoint", {
  store <- new_store()
  store_save(store, a_key, raw(1), label = "checkpoint")
  store_save(store, a_key, raw(1), kind = "final", label = "older")
  store_save(store, a_key, raw(1), kind = "final", label = "newer")
  expect_setequal(store_list(store, a_key)$label, c("checkpoint", "newer"))
})

test_that("seeds of one key stay beside each other", {
  store <- new_store()
  for (run_id in c("one", "two")) {
    save_seed(store, a_key, 1, NA, NA, run_id, NULL)
  }
  expect_setequal(store_list(store, a_key)$run_id, c("one", "two"))
})

test_that("best is the newest among equals", {
  expect_identical(
    chosen(list(objective = 2, label = "a"), list(objective = 2, label = "b")), "b"
  )
})

test_that("best is the newest where none has an objective", {
  expect_identical(chosen(list(label = "a"), list(label = "b")), "b")
})

test_that("latest is the newest, whatever its objective and kind", {
  expect_identical(
    chosen(
      list(objective = 1, label = "a", kind = "final"), list(objective = 2, label = "b"),
      select = "latest"
    ), "b"
  )
})

test_that("kind restricts a lookup", {
  entries <- list(
    list(objective = 1, label = "a"), list(objective = 2, label = "b", kind = "final")
  )
  expect_identical(do.call(chosen, c(entries, kind = "final")), "b")
  expect_identical(do.call(chosen, c(entries, kind = "checkpoint")), "a")
})

test_that("a lookup for a kind that is not there is NULL", {
  expect_null(chosen(list(label = "a"), kind = "final"))
})

# Damaged and foreign files ------------------------------------------------

# A store with a better and a worse entry of one key; `spoil` gets the better one's file.
spoiled_store <- function(spoil) {
  store <- new_store()
  better <- store_save(store, a_key, as.raw(1:100), objective = 1)
  store_save(store, a_key, as.raw(9), objective = 2)
  spoil(run_file(store, better))
  store
}

empty_file <- function(file) {
  write_bytes(file, raw())
}

truncate_to <- function(size) {
  function(file) write_bytes(file, read_bytes(file)[seq_len(size)])
}

spoilers <- list(
  "an empty file" = empty_file,
  "a file cut in its header" = truncate_to(100),
  "a file cut after its header" = truncate_to(256),
  "a file cut in its payload" = truncate_to(300),
  "a file without its last byte" = truncate_to(355),
  "a file of another kind" = function(file) writeLines(rep("some text", 100), file),
  "a file of zeros" = function(file) write_bytes(file, raw(4096)),
  "a file of a newer format" = function(file) flip_byte(file, 9),
  "a record with a damaged magic" = function(file) flip_byte(file, 0),
  "a record with a damaged key" = function(file) flip_byte(file, 20),
  "a record with a damaged objective" = function(file) flip_byte(file, 50),
  "a record with a damaged payload size" = function(file) flip_byte(file, 71),
  "a record with a damaged header digest" = function(file) flip_byte(file, 250),
  "a record with a damaged first payload byte" = function(file) flip_byte(file, 256),
  "a record with a damaged last payload byte" = function(file) flip_byte(file, 355),
  "a directory in place of a file" = function(file) {
    file.remove(file)
    dir.create(file)
  }
)

for (what in names(spoilers)) {
  spoil <- spoilers[[what]]

  test_that(paste("a lookup passes over", what), {
    expect_identical(store_lookup(spoiled_store(spoil), a_key)$payload, as.raw(9))
  })

  test_that(paste("a listing shows the sound run beside", what), {
    expect_true(2 %in% store_list(spoiled_store(spoil))$objective)
  })

  test_that(paste("a lookup that finds only", what, "is NULL"), {
    store <- new_store()
    id <- store_save(store, a_key, as.raw(1:100))
    spoil(run_file(store, id))
    expect_null(store_lookup(store, a_key))
  })
}

test_that("a record under another key's name is passed over", {
  store <- new_store()
  store_save(store, a_key, raw(1))
  file <- run_files(store)
  stolen <- sub("00112233445566778899aabbccddeeff", "00112233445566778899aabbccddee00", file)
  file.copy(file, stolen)
  expect_null(store_lookup(store, "00112233445566778899aabbccddee00"))
})

test_that("files that are not ours are left alone", {
  store <- new_store()
  store_save(store, a_key, raw(1))
  stranger <- file.path(dirname(run_files(store)), c("notes.txt", "x.warm", ".hidden"))
  file.create(stranger)
  .Call(C_store_sweep, store)
  expect_identical(nrow(store_list(store)), 1L)
  expect_true(all(file.exists(stranger)))
})

test_that("a sweep leaves a file of a newer format", {
  store <- spoiled_store(spoilers[["a file of a newer format"]])
  .Call(C_store_sweep, store)
  expect_length(run_files(store), 2)
})

test_that("a sweep removes a damaged file", {
  store <- spoiled_store(spoilers[["a record with a damaged objective"]])
  .Call(C_store_sweep, store)
  expect_length(run_files(store), 1)
})

test_that("a random byte that is changed never gives another payload", {
  store <- new_store()
  sound <- as.raw(1:100)
  file <- run_file(store, store_save(store, a_key, sound))
  bytes <- read_bytes(file)
  found <- lapply(seq(0, length(bytes) - 1, by = 3), function(offset) {
    write_bytes(file, bytes)
    flip_byte(file, offset)
    store_lookup(store, a_key)$payload
  })
  # Where the flip is in nothing that counts, the payload may be found: as it was.
  expect_true(all(vapply(found, function(f) is.null(f) || identical(f, sound), logical(1))))
})

test_that("a run with a damaged slot shows the next best", {
  store <- new_store()
  session <- new_session(store)
  session_checkpoint(session, as.raw(rep(1, 50)), objective = 2)
  session_checkpoint(session, as.raw(rep(2, 50)), objective = 1)
  file <- run_files(store)
  bytes <- read_bytes(file)
  best <- which(bytes == as.raw(2))
  run <- best[diff(c(best, Inf)) == 1]
  bytes[run[[25]]] <- as.raw(0)
  write_bytes(file, bytes)
  expect_identical(store_lookup(store, a_key)$objective, 2)
})

# Saving under a given run id ------------------------------------------------

test_that("saving under a run id replaces that run's entry whole", {
  store <- new_store()
  store_save(store, a_key, raw(500), objective = 1, run_id = "mine", label = "old")
  store_save(store, a_key, as.raw(2), objective = 5, run_id = "mine")
  expect_identical(
    store_lookup(store, a_key)[c("payload", "objective", "label")],
    list(payload = as.raw(2), objective = 5, label = NA_character_)
  )
  expect_identical(nrow(store_list(store)), 1L)
})

test_that("one run id under two keys is two runs", {
  store <- new_store()
  store_save(store, a_key, as.raw(1), run_id = "mine")
  store_save(store, other_key, as.raw(2), run_id = "mine")
  expect_identical(store_lookup(store, a_key)$payload, as.raw(1))
})

test_that("a run id that is generated is not used twice", {
  store <- new_store()
  ids <- replicate(50, store_save(store, a_key, raw(1)))
  expect_length(unique(ids), 50)
})

# Listing ------------------------------------------------

test_that("a listing has the documented columns", {
  store <- new_store()
  store_save(store, a_key, raw(1))
  expect_named(store_list(store), c(
    "key", "run_id", "label", "name", "kind", "state", "objective", "iteration", "seconds", "bytes",
    "written", "age"
  ))
})

test_that("a listing shows a row what was saved", {
  store <- new_store()
  store_save(store, a_key, raw(10), 2.5, 7, "final", run_id = "mine", label = "first")
  row <- store_list(store)
  expect_identical(
    as.list(row[c("key", "run_id", "label", "kind", "state", "objective", "iteration")]),
    list(
      key = a_key, run_id = "mine", label = "first", kind = "final", state = "finished",
      objective = 2.5, iteration = 7
    )
  )
})

test_that("a listing shows one row a run, however many checkpoints it wrote", {
  session <- new_session()
  for (i in 10:1) session_checkpoint(session, raw(1), objective = i)
  expect_identical(nrow(store_list(session_store(session))), 1L)
})

test_that("a listing shows a run's best", {
  session <- new_session()
  session_checkpoint(session, raw(1), objective = 1, iteration = 1)
  pass_time(session_store(session), 3)
  session_checkpoint(session, raw(1), objective = 2, iteration = 2)
  expect_identical(store_list(session_store(session))$iteration, 1)
})

test_that("a listing counts the bytes of a run's file", {
  store <- new_store()
  store_save(store, a_key, raw(5000))
  expect_identical(store_list(store)$bytes, as.numeric(file.size(run_files(store))))
})

test_that("a listing has times and ages", {
  store <- new_store()
  store_save(store, a_key, raw(1))
  row <- store_list(store)
  expect_s3_class(row$written, "POSIXct")
  expect_s3_class(row$age, "difftime")
  expect_true(row$age >= -1)
})

test_that("a listing is ordered from the newest", {
  store <- new_store()
  for (label in c("a", "b", "c")) {
    store_save(store, fingerprint(label), raw(1), label = label)
    pass_time(store, 10)
  }
  expect_identical(store_list(store)$label, c("c", "b", "a"))
})

test_that("a listing of a key leaves the others out", {
  store <- new_store()
  store_save(store, a_key, raw(1))
  store_save(store, other_key, raw(1))
  expect_identical(store_list(store, other_key)$key, other_key)
})

test_that("a listing of an empty store has no rows and all columns", {
  expect_identical(dim(store_list(new_store())), c(0L, 12L))
})

test_that("an open session's run is running", {
  session <- new_session()
  session_checkpoint(session, raw(1))
  expect_identical(store_list(session_store(session))$state, "running")
})

test_that("a run is running for other processes, too", {
  session <- new_session()
  session_checkpoint(session, raw(1))
  state <- in_process(function(store) store_list(store)$state, session_store(session))
  expect_identical(state, "running")
})

test_that("a run of a closed session is interrupted", {
  session <- new_session()
  session_checkpoint(session, raw(1))
  session_close(session)
  expect_identical(store_list(session_store(session))$state, "interrupted")
})

test_that("a run whose process crashed is interrupted", {
  store <- new_store()
  there <- new_process()
  there$run(function(store, key) {
    session <<- warmstart::warm_session(store, key)
    warmstart::session_checkpoint(session, raw(1))
  }, list(store, a_key))
  expect_identical(store_list(store)$state, "running")
  crash(there)
  expect_identical(store_list(store)$state, "interrupted")
})

# Deleting ------------------------------------------------

test_that("deleting a key removes its damaged files, too", {
  store <- spoiled_store(empty_file)
  store_delete(store, a_key)
  expect_identical(run_files(store), character())
})

test_that("deleting a key removes its runs and no other", {
  store <- new_store()
  store_save(store, a_key, raw(1))
  store_save(store, a_key, raw(1))
  store_save(store, other_key, raw(1))
  store_delete(store, a_key)
  expect_identical(store_list(store)$key, other_key)
})

test_that("deleting says how many runs it removed, invisibly", {
  store <- new_store()
  store_save(store, a_key, raw(1))
  store_save(store, a_key, raw(1))
  expect_invisible(removed <- store_delete(store, a_key))
  expect_identical(removed, 2)
  expect_identical(store_delete(store, a_key), 0)
})

test_that("deleting a run leaves the others of its key", {
  store <- new_store()
  store_save(store, a_key, raw(1), run_id = "one")
  store_save(store, a_key, raw(1), run_id = "two")
  store_delete(store, a_key, "one")
  expect_identical(store_list(store)$run_id, "two")
})

# Age and size ------------------------------------------------

test_that("an entry is found until it is older than max_age", {
  store <- new_store(max_age = "100 s")
  store_save(store, a_key, raw(1))
  pass_time(store, 99)
  expect_false(is.null(store_lookup(store, a_key)))
})

test_that("an entry older than max_age is not found", {
  store <- new_store(max_age = "100 s")
  store_save(store, a_key, raw(1))
  pass_time(store, 101)
  expect_null(store_lookup(store, a_key))
  expect_identical(nrow(store_list(store)), 0L)
})

test_that("a sweep removes what is older than max_age", {
  store <- new_store(max_age = "100 s")
  store_save(store, a_key, raw(1))
  pass_time(store, 101)
  .Call(C_store_sweep, store)
  expect_identical(run_files(store), character())
})

test_that("a sweep leaves the file of a running fit, however old", {
  store <- new_store(max_age = "100 s")
  session <- new_session(store)
  session_checkpoint(session, raw(1))
  pass_time(store, 1000)
  .Call(C_store_sweep, store)
  expect_length(run_files(store), 1)
})

test_that("a sweep brings a store down to max_size", {
  store <- new_store(max_size = 20000)
  for (i in 1:30) store_save(store, fingerprint(i), raw(2000))
  .Call(C_store_sweep, store)
  expect_lte(store_info(store)$bytes, 20000)
  expect_gt(store_info(store)$runs, 0)
})

test_that("saving keeps a store from growing without bound", {
  store <- new_store(max_size = 1e5)
  for (i in 1:200) store_save(store, fingerprint(i), raw(2000))
  expect_lte(store_info(store)$bytes, 1.2e5)
})

# Opening ------------------------------------------------

test_that("opening a store makes no directory", {
  path <- tempfile("store")
  warm_store(path)
  expect_false(file.exists(path))
})

test_that("two handles on one path are one store", {
  path <- tempfile("store")
  store_save(warm_store(path), a_key, as.raw(1))
  expect_identical(store_lookup(warm_store(path), a_key)$payload, as.raw(1))
})

test_that("a store keeps its place when the working directory changes", {
  skip_if_not_installed("withr")
  here <- withr::local_tempdir()
  withr::local_dir(here)
  store <- warm_store("relative")
  withr::local_dir(tempdir())
  store_save(store, a_key, raw(1))
  expect_true(dir.exists(file.path(here, "relative")))
})

test_that("a path may have spaces and letters of any script", {
  name <- enc2utf8("with space \u00fc\u4e2d")
  skip_if_not(l10n_info()[["UTF-8"]], "needs a UTF-8 locale")
  store <- warm_store(file.path(tempfile(), name))
  store_save(store, a_key, as.raw(1))
  expect_identical(store_lookup(store, a_key)$payload, as.raw(1))
  expect_true(dir.exists(store_config(store)$path))
})

test_that("in the C locale a path is the directory that it is in any other", {
  skip_if_not(l10n_info()[["UTF-8"]], "needs a UTF-8 locale")
  skip_on_os("windows")
  path <- file.path(tempfile("store"), "\u00fc\u4e2d")
  store_save(warm_store(path), a_key, as.raw(1))
  found <- in_process(
    function(key) {
      store <- warmstart::warm_store()
      utils::capture.output(print(store))
      warmstart::store_lookup(store, key)$payload
    },
    a_key,
    env = c(LC_ALL = "C", WARMSTART_STORE = path)
  )
  expect_identical(found, as.raw(1))
})

test_that("without a path the store is where the environment says", {
  skip_if_not_installed("withr")
  path <- tempfile("store")
  withr::local_envvar(WARMSTART_STORE = path)
  expect_identical(store_config(warm_store())$path, path)
})

test_that("without a path and an environment variable the store is in the user's cache", {
  skip_if_not_installed("withr")
  withr::local_envvar(WARMSTART_STORE = NA, R_USER_CACHE_DIR = tempdir())
  expect_identical(
    store_config(warm_store())$path, tools::R_user_dir("warmstart", "cache")
  )
})

test_that("sizes and ages may be numbers or text", {
  config <- store_config(new_store(max_size = "2 MiB", max_age = "12 hours"))
  expect_identical(config[c("max_size", "max_age")], list(max_size = 2^21, max_age = 43200))
})

test_that("a store may be unbounded", {
  store <- new_store(max_size = Inf, max_age = "Inf")
  store_save(store, a_key, raw(1))
  pass_time(store, 1e8)
  expect_false(is.null(store_lookup(store, a_key)))
})

test_that("a store that went through saveRDS is the same store", {
  file <- tempfile()
  store <- new_store(max_size = 1e6)
  store_save(store, a_key, as.raw(1))
  saveRDS(store, file)
  thawed <- readRDS(file)
  expect_identical(store_lookup(thawed, a_key)$payload, as.raw(1))
  expect_identical(store_config(thawed), store_config(store))
})

# A failing disk ------------------------------------------------

test_that("a save that fails is NA with one warning that says why", {
  warnings <- collect_warnings(id <- store_save(blocked_store(), a_key, raw(1)))
  expect_identical(id, NA_character_)
  expect_length(warnings, 1)
  expect_match(conditionMessage(warnings[[1]]), "[Nn]ot a directory")
})

test_that("a store that cannot be read is an empty one", {
  store <- blocked_store()
  expect_null(store_lookup(store, a_key))
  expect_identical(nrow(store_list(store)), 0L)
})

# Info and printing ------------------------------------------------

test_that("info counts runs by state", {
  store <- new_store()
  store_save(store, a_key, raw(1), kind = "final")
  store_save(store, other_key, raw(1))
  session <- new_session(store)
  session_checkpoint(session, raw(1))
  expect_identical(
    unclass(store_info(store))[c("runs", "finished", "running", "interrupted")],
    list(runs = 3L, finished = 1L, running = 1L, interrupted = 1L)
  )
})

test_that("info has path, bounds and bytes", {
  store <- new_store(max_size = 1e6, max_age = "60 s")
  store_save(store, a_key, raw(1000))
  expect_identical(
    unclass(store_info(store))[c("path", "max_size", "max_age", "bytes")],
    list(
      path = store_config(store)$path, max_size = 1e6, max_age = 60,
      bytes = as.numeric(file.size(run_files(store)))
    )
  )
})

test_that("a store prints where it is and how full", {
  store <- new_store()
  store_save(store, a_key, raw(1), kind = "final")
  expect_output(print(store), store_config(store)$path, fixed = TRUE)
  expect_output(
    print(store_info(store)),
    paste0(
      "  1 run: 1 finished, 0 running, 0 interrupted.\n",
      "  257 B of 1 GiB (less than 1 %), each kept for 30 days."
    ),
    fixed = TRUE
  )
})

test_that("a store that is unbounded, or half full, says so", {
  unbounded <- new_store(max_size = Inf, max_age = Inf)
  expect_output(print(unbounded), "0 B of unbounded, each kept for unbounded", fixed = TRUE)
  store <- new_store(max_size = 514)
  store_save(store, a_key, raw(1))
  expect_output(print(store), "257 B of 514 B (50 %)", fixed = TRUE)
})

test_that("an empty store says how to begin, one with an interrupted fit how to go on", {
  store <- new_store()
  expect_output(print(store), "Nothing here yet: wrap a call in warm()", fixed = TRUE)
  session <- new_session(store)
  session_checkpoint(session, raw(1))
  expect_output(print(store), "See store_list() for all of them", fixed = TRUE)
  session_close(session)
  expect_output(print(store), "To go on with an interrupted fit, run the line that began it")
})

test_that("a store shows the newest runs by label, safely, within 80 columns", {
  store <- new_store()
  for (i in 1:9) {
    pass_time(store, 1)
    store_save(store, fingerprint(i), raw(1), label = paste("fit number", i))
  }
  pass_time(store, 1)
  store_save(store, a_key, raw(1), kind = "final")
  pass_time(store, 1)
  store_save(store, other_key, raw(1), label = paste0("\u202e", strrep("\u6a21", 40)))
  save_seed(store, a_key, raw(1), NA, NA, "seed", "a seed")
  lines <- format(store)
  shown <- grep("ago", lines, value = TRUE)
  expect_length(shown, 5)
  expect_match(shown[[1]], "interrupted .* ago +\\?\u6a21+\\.\\.\\.$")
  expect_match(shown[[2]], paste("key", a_key), fixed = TRUE)
  expect_match(shown[[3]], "fit number 9$")
  expect_true(all(nchar(lines[-1], "width") <= 80))
  expect_no_match(lines, "a seed")
  expect_match(lines, "and 1 seed for other fits", all = FALSE)
})

test_that("a store prints without colour", {
  withr::local_options(cli.num_colors = 256)
  store <- new_store()
  store_save(store, a_key, raw(1))
  expect_false(any(grepl("\033", c(format(store), format(summary(store))))))
})

test_that("a listing becomes a tibble as it is", {
  skip_if_not_installed("tibble")
  store <- new_store()
  for (i in 1:3) store_save(store, fingerprint(i), raw(i), label = "a fit")
  listing <- store_list(store)
  tibble <- tibble::as_tibble(listing)
  expect_identical(names(tibble), names(listing))
  expect_identical(as.list(tibble), as.list(listing))
  expect_output(print(tibble), "A tibble: 3")
})

# Bad arguments ------------------------------------------------

a_file <- function() {
  file <- tempfile()
  file.create(file)
  file
}

bad_store_calls <- list(
  list(quote(warm_store(a_file())), "path"),
  list(quote(warm_store("")), "path"),
  list(quote(warm_store(NA_character_)), "path"),
  list(quote(warm_store(1)), "path"),
  list(quote(warm_store(c("a", "b"))), "path"),
  list(quote(warm_store(tempfile(), max_size = -1)), "max_size"),
  list(quote(warm_store(tempfile(), max_size = NA)), "max_size"),
  list(quote(warm_store(tempfile(), max_size = "many")), "max_size"),
  list(quote(warm_store(tempfile(), max_size = "1 parsec")), "max_size"),
  list(quote(warm_store(tempfile(), max_size = c(1, 2))), "max_size"),
  list(quote(warm_store(tempfile(), max_age = -1)), "max_age"),
  list(quote(warm_store(tempfile(), max_age = "soon")), "max_age"),
  list(quote(warm_store(tempfile(), max_age = NULL)), "max_age"),
  list(quote(store_save(1, a_key, raw(1))), "store"),
  list(quote(store_save(store, "abc", raw(1))), "key"),
  list(quote(store_save(store, paste0(a_key, "0"), raw(1))), "key"),
  list(quote(store_save(store, sub("f", "g", a_key), raw(1))), "key"),
  list(quote(store_save(store, a_key, raw(1), objective = c(1, 2))), "objective"),
  list(quote(store_save(store, a_key, raw(1), objective = "low")), "objective"),
  list(quote(store_save(store, a_key, raw(1), objective = list(1))), "objective"),
  list(quote(store_save(store, a_key, raw(1), iteration = -1)), "iteration"),
  list(quote(store_save(store, a_key, raw(1), iteration = 0.5)), "iteration"),
  list(quote(store_save(store, a_key, raw(1), kind = "done")), "kind"),
  list(quote(store_save(store, a_key, raw(1), kind = NA)), "kind"),
  list(quote(store_save(store, a_key, raw(1), run_id = "")), "run_id"),
  list(quote(store_save(store, a_key, raw(1), run_id = "../up")), "run_id"),
  list(quote(store_save(store, a_key, raw(1), run_id = ".hidden")), "run_id"),
  list(quote(store_save(store, a_key, raw(1), run_id = strrep("a", 65))), "run_id"),
  list(quote(store_save(store, a_key, raw(1), run_id = c("a", "b"))), "run_id"),
  list(quote(store_save(store, a_key, raw(1), run_id = 1)), "run_id"),
  list(quote(store_save(store, a_key, raw(1), label = "a\tb")), "label"),
  list(quote(store_save(store, a_key, raw(1), label = 1)), "label"),
  list(quote(store_lookup(1, a_key)), "store"),
  list(quote(store_lookup(store, 1)), "key"),
  list(quote(store_lookup(store, NULL)), "key"),
  list(quote(store_lookup(store, a_key, "worst")), "select"),
  list(quote(store_lookup(store, a_key, kind = "done")), "kind"),
  list(quote(store_lookup(store, a_key, kind = 1)), "kind"),
  list(quote(store_list(1)), "store"),
  list(quote(store_list(store, "abc")), "key"),
  list(quote(store_delete(1, a_key)), "store"),
  list(quote(store_delete(store, "abc")), "key"),
  list(quote(store_delete(store, a_key, run_id = "../up")), "run_id"),
  list(quote(store_delete(store, a_key, run_id = NA_character_)), "run_id"),
  list(quote(store_info(1)), "store")
)

for (bad in bad_store_calls) {
  test_that(paste(deparse1(bad[[1]]), "names its bad argument"), {
    store <- new_store()
    expect_argument_error(eval(bad[[1]]), bad[[2]])
    expect_false(file.exists(store_config(store)$path))
  })
}

test_that("labels up to 143 bytes, in any script, come back as they were", {
  store <- new_store()
  label <- strrep("\u00fc", 71)
  store_save(store, a_key, raw(1), label = label)
  expect_identical(store_lookup(store, a_key)$label, label)
  expect_identical(store_list(store)$label, label)
})

test_that("iterations up to 2^53 come back as they were", {
  store <- new_store()
  store_save(store, a_key, raw(1), iteration = 2^53)
  expect_identical(store_lookup(store, a_key)$iteration, 2^53)
})

test_that("a lookup that may open no file warns once, and finds nothing", {
  skip_on_covr() # which cannot write its counts then, and says so
  skip_if(Sys.which("prlimit") == "", "needs prlimit")
  store <- new_store()
  store_save(store, a_key, raw(1))
  script <- tempfile(fileext = ".R")
  writeLines(c(
    "library(warmstart)",
    "options(warn = 1)",
    "arguments <- commandArgs(TRUE)",
    "store <- warm_store(arguments[[1]])",
    "look <- function() cat(!is.null(store_lookup(store, arguments[[2]])), \"\\n\")",
    "look()",
    "# What a warning takes is in memory from here on.",
    "suppressWarnings(warmstart:::warn_unread(\"path\", \"reason\"))",
    "invisible(system2(\"prlimit\", c(\"--pid\", Sys.getpid(), \"--nofile=3:\")))",
    "look()",
    "look()"
  ), script)
  said <- suppressWarnings(system2(
    file.path(R.home("bin"), "Rscript"),
    shQuote(c(script, store_config(store)$path, a_key)),
    stdout = TRUE, stderr = TRUE, env = paste0("R_LIBS=", paste(.libPaths(), collapse = ":"))
  ))
  expect_identical(trimws(grep("^(TRUE|FALSE)", said, value = TRUE)), c("TRUE", "FALSE", "FALSE"))
  expect_length(grep("Too many open files", said), 1)
})

# Groups ------------------------------------------------

test_that("a shared store says so, and so does any handle on it", {
  skip_on_os("windows")
  path <- tempfile("store")
  store <- warm_store(path, shared = "group")
  store_save(store, a_key, 1)
  expect_true(store_info(warm_store(path))$shared)
  expect_output(print(warm_store(path)), "Shared", fixed = TRUE)
  expect_false(store_info(new_store())$shared)
})

test_that("a store that is shared later is shared with what is there", {
  skip_on_os("windows")
  store <- new_store()
  store_save(store, a_key, 1)
  path <- store_config(store)$path
  warm_store(path, shared = "group")
  found <- list.files(path, recursive = TRUE, full.names = TRUE, pattern = "warm$")
  expect_identical(format(file.mode(found)), "660")
  expect_identical(store_lookup(store, a_key)$payload, 1)
})

test_that("nothing but a group shares a store", {
  for (bad in list("all", TRUE, c("group", "group"), NA)) {
    expect_argument_error(warm_store(tempfile(), shared = bad), "shared")
  }
})

test_that("a store that cannot be shared warns, and is one all the same", {
  parent <- tempfile("parent")
  file.create(parent)
  expect_warning(
    store <- warm_store(file.path(parent, "store"), shared = "group"),
    class = "warmstart_warning_store"
  )
  expect_null(store_lookup(store, a_key))
})

test_that("what cannot be read is counted, and a store that is not in order is not called well", {
  skip_on_os("windows")
  skip_if(Sys.info()[["effective_user"]] == "root", "root reads all; tests/users asks for others")
  store <- new_store()
  store_save(store, a_key, 1)
  path <- file.path(store_config(store)$path, "v1")
  Sys.chmod(path, "0000")
  on.exit(Sys.chmod(path, "0700"))
  expect_identical(attr(store_list(store), "unread"), 1)
  expect_output(print(store_list(store)), "could not be read", fixed = TRUE)
  expect_identical(store_check(store)$reason, "unreadable")
})

# A path in the place of a store ------------------------------------------------

test_that("wherever a store is taken, its path will do", {
  path <- tempfile("store")
  store_save(path, a_key, as.raw(1), kind = "final")
  expect_identical(store_lookup(path, a_key)$payload, as.raw(1))
  expect_identical(store_list(path)$key, a_key)
  expect_identical(store_info(path)$path, path)
  expect_identical(nrow(store_check(path)), 0L)
  expect_identical(sum(store_evict(path)$files), 0)
  session <- warm_session(path, other_key)
  session_checkpoint(session, 1, objective = 1, iteration = 1)
  session_close(session)
  expect_identical(nrow(session_history(path, other_key)), 1L)
  expect_identical(store_config(session_store(session))$path, path)
  as_cachem(path)$set("key", 2)
  expect_identical(as_cachem(path)$get("key"), 2)
  expect_identical(store_delete(path, a_key), 1)
})

test_that("warm() takes a path, from where the user stands", {
  here <- tempfile("here")
  dir.create(here)
  old <- setwd(here)
  on.exit(setwd(old))
  warm(lm(mpg ~ wt, mtcars), "fits")
  expect_true(dir.exists(file.path(here, "fits", "v1")))
  warm(lm(mpg ~ wt, mtcars), "fits")
  expect_identical(warm_info()$source, "finished")
})

test_that("what is neither a store nor a path is a bad argument, and nothing is made", {
  for (bad in list(NULL, 1, "", NA_character_, c("a", "b"), quote(x))) {
    expect_argument_error(warm(lm(mpg ~ wt, mtcars), bad), "store")
    expect_argument_error(store_list(bad), "store")
    expect_argument_error(store_save(bad, a_key, 1), "store")
    expect_argument_error(warm_session(bad, a_key), "store")
  }
})

# What one would think ------------------------------------------------

test_that("`$` gives what a store was made with, and names what it has not", {
  path <- tempfile("store")
  store <- warm_store(path, max_size = "1 kB", max_age = "1 h")
  expect_identical(store$path, path)
  expect_identical(store$max_size, 1000)
  expect_identical(store$max_age, 3600)
  expect_false(store$trust)
  expect_argument_error(store$size, "size")
  expect_identical(store[["path"]], path)
  expect_argument_error(store$max_age <- "1 day", "max_age")
  expect_argument_error(store[["trust"]] <- TRUE, "trust")
  expect_identical(utils::.DollarNames(store, "^max"), c("max_size", "max_age"))
})

test_that("a store is drawn by the history of its newest run", {
  store <- new_store()
  expect_argument_error(plot(store), "x")
  for (i in 1:2) {
    session <- warm_session(store, fingerprint(i), label = paste("fit", i))
    session_checkpoint(session, 1, objective = i, iteration = 1)
    session_close(session)
  }
  store_save(store, fingerprint(3), 1)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_identical(plot(store)$y, 2)
})

test_that("what a store was made with is read as of a list, and what else is asked is named", {
  store <- new_store(max_size = "1 MiB")
  expect_identical(store[["max_size"]], store$max_size)
  expect_identical(store["max_size"], list(max_size = store$max_size))
  expect_identical(names(store[]), c("path", "max_size", "max_age", "trust"))
  expect_argument_error(store[["colour"]], "colour")
  expect_argument_error(store[c("path", "colour")], "colour")
  for (bad in list(1, TRUE, NULL, c("path", "trust"))) expect_argument_error(store[[bad]], "i")
  expect_argument_error(store[[]], "i")
})

test_that("a store's elements are not to be set, and that says what to do", {
  store <- new_store()
  for (set in expression(store$trust <- TRUE, store[["trust"]] <- TRUE, store["trust"] <- TRUE)) {
    expect_argument_error(eval(set), "trust")
    expect_error(eval(set), "warm_store(path, max_size", fixed = TRUE)
  }
  expect_argument_error(store[[1]] <- TRUE, "i")
})

test_that("what is left out is named", {
  for (call in expression(store_save(), store_lookup(), store_delete(), warm_session())) {
    expect_argument_error(eval(call), "store")
  }
  expect_argument_error(warm_get(), "name")
  expect_argument_error(warm_verify(), "fit")
  expect_argument_error(session_history(), "x")
})

test_that("a listing has each fit once, with its name and seconds; all of it on request", {
  store <- new_store()
  cut <- new_session(store, warm_find(glm(am ~ hp, binomial, mtcars), store)$key)
  session_checkpoint(cut, 1, objective = 1)
  named <- warm(glm(am ~ wt, binomial, mtcars), store, name = "b")
  warm(glm(am ~ wt, binomial, mtcars), store, name = "a")
  warm(glm(am ~ hp, binomial, mtcars), store)
  session_close(cut)
  fits <- store_list(store)
  expect_identical(fits$state, c("named", "finished"))
  expect_identical(fits$key[[1]], format(warm_info(named)$key))
  expect_identical(sort(strsplit(fits$name[[1]], ", ")[[1]]), c("a", "b"))
  expect_identical(fits$label, c("am ~ wt", "am ~ hp"))
  expect_true(all(fits$seconds >= 0))
  all <- store_list(store, all = TRUE)
  expect_true(all(c("seed", "interrupted", "named", "finished") %in% all$state))
  expect_identical(sum(all$state == "named"), 2L)
  expect_identical(
    sum(fits$bytes), sum(all$bytes[all$state %in% c("named", "finished")])
  )
  expect_output(print(fits), "\", b\": am ~ wt|\"b, a\": am ~ wt|\"a, b\": am ~ wt")
  expect_argument_error(store_list(store, all = NA), "all")
})

test_that("an interrupted run beside a finished fit is not advertised", {
  store <- new_store()
  key <- warm_find(glm(am ~ hp, binomial, mtcars), store)$key
  cut <- new_session(store, key)
  session_checkpoint(cut, 1, objective = 1)
  warm(glm(am ~ hp, binomial, mtcars), store)
  session_close(cut)
  expect_identical(store_info(store)$interrupted, 0L)
  expect_no_match(format(store_info(store)), "To go on with an interrupted fit")
  expect_identical(sum(store_list(store, key)$state == "interrupted"), 1L)
})

test_that("of several interrupted runs the newest is listed, and none beside a live one", {
  store <- new_store()
  for (objective in 1:2) {
    cut <- new_session(store)
    session_checkpoint(cut, 1, objective = objective)
    session_close(cut)
    pass_time(store, 10)
  }
  expect_identical(store_list(store)$objective, 2)
  live <- new_session(store)
  session_checkpoint(live, 1, objective = 3)
  expect_identical(store_list(store)$state, "running")
  expect_identical(nrow(store_list(store, all = TRUE)), 3L)
  session_close(live)
})

# What keeping a fit's state costs: warmstart against what people use today, in one run.
# 1 KiB payloads; medians; the store is on the file system of tempdir().
#
#   Rscript bench/checkpoint.R

library(warmstart)

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "measure.R"))
bare <- load_bare(here)

payload <- as.raw(sample(0:255, 1024, replace = TRUE))
key <- format(fingerprint("bench"))
dir <- tempfile("bench")
dir.create(dir)

store <- warm_store(file.path(dir, "store"), max_size = "10 GiB")
session <- warm_session(store, key)
objective <- 1e9
improve <- function() {
  objective <<- objective - 1
  session_checkpoint(session, payload, objective)
}
refuse <- function() session_checkpoint(session, payload, 1e10)

save_by_rename <- function() {
  saveRDS(payload, file.path(dir, "state.tmp"))
  file.rename(file.path(dir, "state.tmp"), file.path(dir, "state.rds"))
}

cache <- cachem::cache_disk(file.path(dir, "cachem"))
cache$set(key, payload)

db <- DBI::dbConnect(RSQLite::SQLite(), file.path(dir, "state.sqlite"))
invisible(DBI::dbGetQuery(db, "PRAGMA journal_mode = WAL"))
invisible(DBI::dbExecute(db, "PRAGMA synchronous = NORMAL"))
invisible(DBI::dbExecute(db, "CREATE TABLE state (key TEXT PRIMARY KEY, payload BLOB)"))
save_by_sqlite <- function() {
  DBI::dbExecute(
    db, "INSERT OR REPLACE INTO state VALUES (?, ?)",
    params = list(key, list(payload))
  )
}

checkpoint <- compare(
  `session_checkpoint (improving)` = improve(),
  `saveRDS + rename` = save_by_rename(),
  `cachem::cache_disk set` = cache$set(key, payload),
  `RSQLite (WAL) insert` = save_by_sqlite(),
  rounds = 100, calls = 50
)
write_limit <- bare_write(bare, file.path(dir, "bare"), payload)
show(checkpoint, "A checkpoint", extra = c(`bare positioned write (C)` = write_limit))

refused <- compare(
  `session_checkpoint (refused)` = refuse(),
  `empty .Call` = bare_empty(bare),
  rounds = 1000, calls = 200
)
show(refused, "A refused checkpoint")

invisible(store_save(store, key, payload, objective = -1, kind = "final", run_id = "one"))
session_close(session)
store_delete(store, key)
invisible(store_save(store, key, payload, objective = -1, kind = "final", run_id = "one"))
lookup <- compare(
  store_lookup = store_lookup(store, key),
  `cachem::cache_disk get` = cache$get(key),
  rounds = 100, calls = 50
)
show(lookup, "A lookup")

finalize <- compare(
  session_finalize = {
    session_finalize(final_session, payload, -1)
  },
  rounds = 200,
  before = function() {
    final_session <<- warm_session(store, fingerprint("final"))
    session_checkpoint(final_session, payload, 1)
  }
)
replace_limit <- bare_replace(bare, dir, payload)
show(finalize, "A finalize", extra = c(`bare write + fsync + rename + fsync (C)` = replace_limit))

DBI::dbDisconnect(db)
unlink(dir, recursive = TRUE)

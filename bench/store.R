# What a store costs as it grows: from a hundred entries to a million, of 1 KiB each. Figures of
# the R functions, and of the core alone; sweeps; payloads of all sizes; system calls; disk; and
# what others get to in two minutes. Only bench/store.c fills the stores without syncs.
#
#   Rscript bench/store.R [largest number of entries, 1e6] [seconds for each of the others, 120]

library(warmstart)

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "measure.R"))

given <- as.numeric(commandArgs(trailingOnly = TRUE))
largest <- c(given, 1e6)[[1]]
patience <- c(given[-1], 120)[[1]]
payload <- as.raw(sample(0:255, 1024, replace = TRUE))
dir <- tempfile("bench")
dir.create(dir)

# What the figures depend on.
cpu <- grep("^model name", readLines("/proc/cpuinfo"), value = TRUE)[[1]]
file_system <- system2("stat", c("-f", "-c", "%T", dir), stdout = TRUE)
peers <- c("cachem", "storr", "RSQLite", "R.cache")
peers <- peers[vapply(peers, requireNamespace, logical(1), quietly = TRUE)]
cat(
  paste("Rscript", paste(commandArgs()[-(1:3)], collapse = " ")), format(Sys.time()),
  paste0(sub(".*: ", "", cpu), ", ", parallel::detectCores(), " cores; ", file_system),
  paste(Sys.info()[["sysname"]], Sys.info()[["release"]]),
  R.version.string,
  paste(peers, vapply(peers, function(p) format(utils::packageVersion(p)), ""), collapse = ", "),
  sep = "\n"
)

# bench/store.c, with the core.
build_core <- function() {
  core <- file.path(dirname(here), "src", "core")
  sources <- setdiff(Sys.glob(file.path(core, "*.c")), file.path(core, "os_windows.c"))
  program <- file.path(dir, "store")
  status <- system2("cc", c(
    "-O2", "-std=c11", paste0("-I", core), file.path(here, "store.c"), sources,
    "-lxxhash", "-lm", "-o", program
  ))
  stopifnot("bench/store.c does not compile" = status == 0)
  program
}

program <- build_core()
core <- function(...) system2(program, c(...), stdout = TRUE)
number <- function(x) format(x, scientific = FALSE, trim = TRUE)
keys_of <- function(from, upto, by) core("keys", number(from), number(upto), number(by))

core_figures <- function(...) {
  fields <- do.call(rbind, strsplit(core(...), " "))
  data.frame(
    way = paste0("core: ", fields[, 1]),
    median = as.numeric(fields[, 2]) / 1e9, p99 = as.numeric(fields[, 3]) / 1e9
  )
}

# Seconds of every call, over keys that take turns.
over_keys <- function(keys, f, calls = length(keys)) {
  taken <- vapply(seq_len(calls), function(i) {
    key <- keys[[(i - 1) %% length(keys) + 1]]
    began <- bench::hires_time()
    f(key)
    bench::hires_time() - began
  }, numeric(1))
  c(median = stats::median(taken), p99 = stats::quantile(taken, 0.99, names = FALSE))
}

r_figures <- function(path, entries) {
  store <- warm_store(path, max_size = "1 TiB", max_age = "10 years")
  hits <- keys_of(0, entries, max(1, entries %/% 1000))
  misses <- keys_of(2^40, 2^40 + 1000, 1)
  session <- warm_session(store, misses[[1]])
  objective <- 0
  find <- function(key) store_lookup(store, key)
  # Twice: what is measured is the second time.
  figures <- lapply(1:2, function(i) {
    rbind(
      session_checkpoint = over_keys(hits, function(key) {
        objective <<- objective - 1
        session_checkpoint(session, payload, objective)
      }),
      "store_lookup, found" = over_keys(hits, find, 2000),
      "store_lookup, not found" = over_keys(misses[-1], find, 2000),
      store_save = over_keys(misses[2:101], function(key) store_save(store, key, payload))
    )
  })[[2]]
  session_close(session)
  for (key in misses) store_delete(store, key)
  data.frame(way = rownames(figures), figures, row.names = NULL)
}

numbers_of <- function(...) as.numeric(strsplit(core(...), " ")[[1]])

# All at once, as store_evict(); and what each save pays for its slices, in a store so full that the
# pace is almost the highest. Nothing is removed, since other figures need what is there; so what is
# saved may be a twentieth of that.
sweep_figures <- function(path, entries) {
  whole <- numbers_of("sweep", path, number(2^50))
  full <- number(ceiling(whole[[3]] * 8 / 7))
  saves <- number(min(2000, entries %/% 20))
  slices_line("a save pays for the sweep", numbers_of("slices", path, full, saves))
  cat(sprintf("  the whole at once takes %.2f s and %.0f MiB of memory\n", whole[[1]], whole[[2]]))
}

slices_line <- function(what, slices) {
  cat(sprintf(
    paste0(
      "  %-32s %10.2f us  p99 %10.2f us  mean %.2f us, most %.2f us; ",
      "files: %.1f seen, %.2f removed\n"
    ),
    what, slices[[1]] / 1e3, slices[[2]] / 1e3, slices[[4]] / 1e3, slices[[3]] / 1e3,
    slices[[5]], slices[[6]]
  ))
}

disk_use <- function(path) {
  lines <- system2("du", c("-s", "--block-size=1", paste0(path, "*")), stdout = TRUE)
  sum(as.numeric(sub("\t.*", "", lines)))
}

path <- file.path(dir, "entries")
filled <- 0
baseline <- NULL
for (entries in 10^(2:6)[10^(2:6) <= largest]) {
  invisible(core("fill", path, number(filled), number(entries), "1024"))
  filled <- entries
  figures <- rbind(r_figures(path, entries), core_figures("time", path, number(entries), "1024"))
  if (entries == 1000) baseline <- figures
  cat("\n", number(entries), " entries\n", sep = "")
  cat(sprintf(
    "  %-32s %10.2f us  p99 %10.2f us%s\n", figures$way, 1e6 * figures$median, 1e6 * figures$p99,
    if (is.null(baseline)) "" else sprintf("  to 1000: %5.2f", figures$median / baseline$median)
  ), sep = "")
  sweep_figures(path, entries)
  cat(sprintf("  %.0f bytes of disk an entry\n", disk_use(path) / entries))
}
system2("rm", c("-rf", path))

# Two rounds' saves into a full store: the first finds out, the second removes.
entries <- min(largest, 1e5)
cat("\n", number(entries), " entries, and no room for more\n", sep = "")
invisible(core("fill", path, "0", number(entries), "1024"))
kept <- numbers_of("sweep", path, number(2^50))[[3]]
slices <- numbers_of("slices", path, number(kept), number(entries %/% 8))
slices_line("a save pays for the sweep", slices)
cat(sprintf(
  "  of %s saves; then the store holds %.3f of its size\n",
  number(entries %/% 8), 1 + (1 - slices[[6]]) * (entries %/% 8) / entries
))
system2("rm", c("-rf", path))

payload_figures <- function(path, size) {
  store <- warm_store(path, max_size = "1 TiB")
  session <- warm_session(store, keys_of(1, 2, 1))
  keys <- keys_of(2, 12, 1)
  bytes <- raw(size)
  objective <- 0
  calls <- if (size > 1e6) 10 else 200
  figures <- rbind(
    session_checkpoint = over_keys(keys, function(key) {
      objective <<- objective - 1
      session_checkpoint(session, bytes, objective)
    }, calls),
    store_save = over_keys(keys, function(key) store_save(store, key, bytes), min(calls, 50)),
    store_lookup = over_keys(keys, function(key) store_lookup(store, key), calls)
  )
  session_close(session)
  data.frame(way = rownames(figures), figures, row.names = NULL)
}

cat("\nPayloads\n")
for (size in 10^(2:8)) {
  figures <- rbind(
    payload_figures(file.path(dir, "payload"), size),
    core_figures("payload", file.path(dir, "payload-core"), number(size))
  )
  cat(sprintf(
    "  %9s bytes %24s %12.2f us  p99 %12.2f us\n",
    number(size), figures$way, 1e6 * figures$median, 1e6 * figures$p99
  ), sep = "")
  system2("rm", c("-rf", file.path(dir, "payload"), file.path(dir, "payload-core")))
}

if (nzchar(Sys.which("strace"))) {
  cat("\nSystem calls\n")
  for (way in c("checkpoint", "hit", "hit-of-two", "miss", "save")) {
    trace <- file.path(dir, "trace")
    system2("strace", c("-o", trace, program, "once", file.path(dir, way), way), stderr = FALSE)
    calls <- readLines(trace)
    marks <- grep("^write\\(2, \"(begin|end)", calls)
    calls <- sub("\\(.*", "", calls[seq(marks[[1]] + 1, marks[[2]] - 1)])
    cat(sprintf("  %-12s %2d: %s\n", way, length(calls), paste(calls, collapse = " ")))
  }
}

# Saves new keys for as long as there is patience; then what a find of them takes.
compare_peer <- function(name, place, save, find) {
  began <- Sys.time()
  saved <- 0
  taken <- list()
  while (saved < largest && as.numeric(Sys.time() - began, units = "secs") < patience) {
    keys <- paste0("k", saved + seq_len(100))
    taken <- c(taken, list(vapply(keys, function(key) {
      at <- bench::hires_time()
      save(key)
      bench::hires_time() - at
    }, numeric(1))))
    saved <- saved + 100
  }
  taken <- unlist(taken)
  found <- over_keys(paste0("k", 1 + round(seq(0, saved - 1, length.out = 1000))), find)
  missed <- over_keys(paste0("no", 1:1000), function(key) try(find(key), silent = TRUE))
  cat(sprintf(
    "  %-20s %8d entries, %6.0f bytes of disk each\n", name, as.integer(saved),
    disk_use(file.path(dir, place)) / saved
  ))
  figures <- rbind(
    save = c(stats::median(taken), stats::quantile(taken, 0.99)), found = found, missed = missed
  )
  cat(sprintf(
    "  %20s %10.2f us  p99 %10.2f us\n",
    rownames(figures), 1e6 * figures[, 1], 1e6 * figures[, 2]
  ), sep = "")
}

cat("\nOthers, in", patience, "s each\n")
if ("cachem" %in% peers) {
  cache <- cachem::cache_disk(file.path(dir, "cachem"), max_size = Inf)
  compare_peer("cachem::cache_disk", "cachem", function(k) cache$set(k, payload), cache$get)
}
if ("storr" %in% peers) {
  rds <- storr::storr_rds(file.path(dir, "storr"))
  compare_peer("storr rds", "storr", function(k) rds$set(k, payload), function(k) rds$get(k))
}
if ("RSQLite" %in% peers) {
  db <- DBI::dbConnect(RSQLite::SQLite(), file.path(dir, "sqlite"))
  invisible(DBI::dbGetQuery(db, "PRAGMA journal_mode = WAL"))
  invisible(DBI::dbExecute(db, "CREATE TABLE state (key TEXT PRIMARY KEY, payload BLOB)"))
  compare_peer(
    "RSQLite (WAL)", "sqlite",
    function(k) {
      DBI::dbExecute(db, "INSERT OR REPLACE INTO state VALUES (?, ?)", list(k, list(payload)))
    },
    function(k) DBI::dbGetQuery(db, "SELECT payload FROM state WHERE key = ?", list(k))
  )
  DBI::dbDisconnect(db)
}
if ("R.cache" %in% peers) {
  R.cache::setCacheRootPath(file.path(dir, "rcache"))
  compare_peer(
    "R.cache", "rcache",
    function(k) R.cache::saveCache(payload, key = list(k)),
    function(k) R.cache::loadCache(key = list(k))
  )
}
unlink(dir, recursive = TRUE)

# Timing shared by the benchmarks. All ways are timed in turn, round by round, so that a machine
# that slows down slows all of them. A round times each way over `calls` calls in a row; the
# figures are the median and the 99th percentile over the rounds, for one call.

load_bare <- function(here) {
  build <- tempfile("bare")
  dir.create(build)
  file.copy(file.path(here, "bare.c"), build)
  library_file <- file.path(build, paste0("bare", .Platform$dynlib.ext))
  status <- system2(
    file.path(R.home("bin"), "R"),
    c("CMD", "SHLIB", "-o", library_file, file.path(build, "bare.c")),
    stdout = FALSE, stderr = FALSE
  )
  stopifnot("bench/bare.c does not compile" = status == 0)
  dyn.load(library_file)
}

bare_symbol <- function(bare, name) getNativeSymbolInfo(name, bare)$address
bare_write <- function(bare, path, payload, times = 20000L) {
  .Call(bare_symbol(bare, "bare_write"), path, payload, times) / 1e9
}
bare_replace <- function(bare, dir, payload, times = 200L) {
  .Call(bare_symbol(bare, "bare_replace"), dir, payload, times) / 1e9
}
bare_empty <- local({
  address <- NULL
  function(bare) {
    if (is.null(address)) address <<- bare_symbol(bare, "empty")
    .Call(address)
  }
})

# Seconds of a call, as a data frame with one row a way. `before` runs untimed before each round.
compare <- function(..., rounds, calls = 1, before = NULL) {
  ways <- as.list(substitute(list(...)))[-1]
  env <- parent.frame()
  functions <- lapply(ways, function(expr) {
    compiler::cmpfun(eval(call("function", NULL, expr), env))
  })
  taken <- matrix(NA_real_, rounds, length(ways), dimnames = list(NULL, names(ways)))
  for (round in seq_len(rounds)) {
    for (way in seq_along(functions)) {
      if (!is.null(before)) before()
      taken[round, way] <- time_calls(functions[[way]], calls)
    }
  }
  data.frame(
    way = names(ways),
    median = apply(taken, 2, stats::median),
    p99 = apply(taken, 2, stats::quantile, 0.99),
    row.names = NULL
  )
}

time_calls <- compiler::cmpfun(function(f, calls) {
  began <- bench::hires_time()
  for (i in seq_len(calls)) f()
  (bench::hires_time() - began) / calls
})

show <- function(result, title, extra = NULL) {
  rows <- rbind(result, data.frame(
    way = names(extra), median = unname(extra), p99 = rep(NA_real_, length(extra))
  ))
  rows$ratio <- rows$median / rows$median[[1]]
  cat("\n", title, "\n", sep = "")
  cat(sprintf(
    "  %-40s %10.2f us  p99 %10.2f us  ratio %8.2f\n",
    rows$way, rows$median * 1e6, rows$p99 * 1e6, rows$ratio
  ), sep = "")
}

# Seconds that each vector width of the public header takes for the memory of `x`; NA where the
# processor has no such unit. Compiled here for each width, as fast as it gets.
hash_limit <- function(here, x) {
  widths <- c(sse2 = "", avx2 = "-mavx2", avx512 = "-mavx512f")
  flags <- readLines("/proc/cpuinfo")
  flags <- strsplit(grep("^flags", flags, value = TRUE)[[1]], " ")[[1]]
  widths <- widths[c(TRUE, "avx2" %in% flags, "avx512f" %in% flags)]
  taken <- vapply(names(widths), function(width) {
    build <- tempfile("limit")
    dir.create(build)
    file.copy(file.path(here, "limit.c"), build)
    library_file <- file.path(build, paste0("limit", .Platform$dynlib.ext))
    system2(
      "cc", c(
        "-O3", widths[[width]], "-fPIC", "-shared", paste0("-I", R.home("include")),
        paste0("-I", Sys.getenv("R_INCLUDE_DIR", R.home("include"))),
        file.path(build, "limit.c"), "-o", library_file
      )
    )
    dll <- dyn.load(library_file)
    .Call(getNativeSymbolInfo("hash_time", dll)$address, x, 15L) / 1e9
  }, numeric(1))
  stats::setNames(taken, paste0("XXH3-128 from C, ", names(widths)))
}

# MiB: the most that this process has held in memory, since the last reset.
peak_memory <- function(reset = FALSE) {
  if (reset) {
    gc()
    writeLines("5", "/proc/self/clear_refs")
  }
  line <- grep("^VmHWM", readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}

# What a fingerprint costs, against other digests of R objects, in one run. Medians.
#
#   Rscript bench/fingerprint.R [megabytes for the linear check, default 800]

library(warmstart)

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "measure.R"))
largest <- as.numeric(c(commandArgs(TRUE), "800")[[1]]) * 1e6 / 8

cat("engine:", .Call(warmstart:::C_hash_engine), "\n")
set.seed(1)
# Before there is anything large, which makes each garbage collection longer.
small <- data.frame(y = rnorm(200), a = 1, b = 2, c = 3, d = 4, e = 5)
show(compare(
  `fingerprint_model` = fingerprint_model(y ~ a + b + c + d + e, data = small),
  rounds = 200, calls = 5
), "A formula of 5 terms, 200 rows")

n <- 1e7
doubles <- rnorm(n)
hardware <- hash_limit(here, doubles)
result <- compare(
  `fingerprint` = fingerprint(doubles),
  `rlang::hash` = rlang::hash(doubles),
  `digest xxhash64` = digest::digest(doubles, algo = "xxhash64"),
  rounds = 7
)
show(result, "10 million doubles", extra = hardware)
cat(sprintf(
  "  %.1f GB/s; %.2f of the fastest XXH3-128 here\n",
  8e-9 * n / result$median[[1]], min(hardware) / result$median[[1]]
))

frame <- data.frame(
  a = doubles, b = rev(doubles), c = sample.int(1e6, n, TRUE),
  d = factor(sample(letters, n, TRUE))
)
show(compare(
  `fingerprint` = fingerprint(frame),
  `rlang::hash` = rlang::hash(frame),
  `digest xxhash64` = digest::digest(frame, algo = "xxhash64"),
  rounds = 3
), "Data frame of 10 million rows: two double, one integer, one factor column")
rm(frame)

few <- sample(state.name, n, TRUE)
show(compare(
  `fingerprint` = fingerprint(few), `rlang::hash` = rlang::hash(few),
  rounds = 5
), "10 million strings of 50 distinct values")
rm(few)

many <- paste0("subject ", sample.int(1e9, 1e6))
show(compare(
  `fingerprint` = fingerprint(many), `rlang::hash` = rlang::hash(many),
  rounds = 7
), "1 million distinct strings")
rm(many)

cat("\nMemory above the object itself, at the peak\n")
before <- peak_memory(reset = TRUE)
invisible(fingerprint(doubles))
cat(sprintf("  %.1f MiB\n", peak_memory() - before))

cat("\nLinear in size\n")
for (size in c(1e5, 1e6, 1e7, largest)) {
  x <- numeric(size)
  x[] <- seq_len(1000)
  taken <- compare(fingerprint = fingerprint(x), rounds = if (size > 1e7) 3 else 15)$median
  cat(sprintf("  %12.0f doubles  %8.3f ns each\n", size, taken / size * 1e9))
  rm(x)
}

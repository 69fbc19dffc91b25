# Rscript tools/coverage.R DIRECTORY

# Runs of line numbers: 3, 4, 5 and 9 are "3-5, 9".
ranges <- function(numbers) {
  numbers <- sort(unique(numbers))
  runs <- split(numbers, cumsum(c(1, diff(numbers) != 1)[seq_along(numbers)]))
  paste(vapply(runs, function(run) paste(unique(range(run)), collapse = "-"), ""), collapse = ", ")
}

least <- 90
source <- commandArgs(trailingOnly = TRUE)
coverage <- covr::package_coverage(source, type = "tests", quiet = TRUE)

lines <- covr::tally_coverage(coverage, by = "line")
by_file <- split(lines, lines$filename)
share <- vapply(by_file, function(file) mean(file$value > 0), 0)
missed <- vapply(by_file, function(file) ranges(file$line[file$value == 0]), "")

for (file in names(sort(share))) {
  cat(sprintf("%5.1f %%  %-34s", 100 * share[[file]], file), missed[[file]], "\n")
}
total <- 100 * mean(lines$value > 0)
cat(sprintf("%5.1f %%  of %d lines\n", total, nrow(lines)))
if (total < least) {
  cat(sprintf("Below %d %%\n", least))
  quit(status = 1)
}

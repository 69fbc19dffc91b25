# Fails unless a check log is free of errors, warnings and notes, but for those listed here,
# which say something about the place of the check rather than about the package.
#
#     Rscript tools/verdict.R warmstart.Rcheck/00check.log

# Heading, and every line that may stand below it: a note with any other line is ours.
allowed <- list(
  list(
    "checking CRAN incoming feasibility",
    c(
      "Maintainer: \u2018warmstart authors <warmstart@example.org>\u2019",
      "New submission"
    )
  )
)

log <- readLines(commandArgs(trailingOnly = TRUE), encoding = "UTF-8")
checks <- split(log, cumsum(startsWith(log, "* ")))

is_finding <- function(lines) grepl(" (ERROR|WARNING|NOTE)$", lines[1])

is_allowed <- function(lines) {
  heading <- sub("^[*] (.*) [.]{3}.*", "\\1", lines[1])
  below <- lines[-1][nzchar(trimws(lines[-1]))]
  any(vapply(allowed, function(entry) {
    heading == entry[[1]] && all(below %in% entry[[2]])
  }, logical(1)))
}

findings <- Filter(is_finding, checks)
ours <- Filter(Negate(is_allowed), findings)

if (!any(startsWith(log, "* DONE"))) {
  cat("The check did not come to its end.\n")
  quit(status = 1)
}
cat(sprintf("\n%d of %d findings are ours\n", length(ours), length(findings)))
for (lines in ours) {
  cat(lines, sep = "\n")
}
quit(status = if (length(ours) > 0) 1 else 0)

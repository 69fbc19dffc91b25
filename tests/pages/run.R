# Runs the examples of help pages plain and with every fit in warm(), and compares what they leave.
#
#     Rscript tests/pages/run.R SECONDS PACKAGE[=PAGES]...
#
# SECONDS: at most, for a page's plain run. PAGES: a regular expression over the names of its Rd
# files; all of them else.

for (file in c("code.R", "visit.R", "comparison.R")) source(file.path("tests/pages", file))

arguments <- commandArgs(TRUE)
page_seconds <- as.numeric(arguments[[1]])
seconds <- c(each = page_seconds / 3, page = page_seconds)
passed <- 0
failed <- 0

visit_page <- function(package, page) {
  code <- code_of_page(package, page)
  if (fits_in(code) == 0) {
    return()
  }
  began <- sum(proc.time()[-3])
  first <- tempfile("store")
  near <- tempfile("store")
  on.exit(unlink(c(first, near), recursive = TRUE))
  visits <- list(plain = visit(package, code, "plain", first, seconds))
  upto <- visits$plain$upto
  if (is.null(upto) || upto == 0) {
    return()
  }
  for (mode in setdiff(modes, "plain")) {
    store <- if (mode == "near") near else first
    visits[[mode]] <- visit(package, code, mode, store, seconds, upto)
  }
  ends <- compare_objects(visits)
  bad <- ends$verdict %in% c("WORSE", "MISSING")
  passed <<- passed + sum(!bad)
  failed <<- failed + sum(bad)
  cat(sprintf(
    "%s %s: %d of %d expressions, %d comparisons, %.1f s\n",
    package, page, upto, length(code), length(bad), sum(proc.time()[-3]) - began
  ))
  if (any(bad | ends$verdict == "better")) print(ends[ends$verdict != "same", ], row.names = FALSE)
  found <- compare_visits(visits, code)
  if (length(found) > 0) cat(paste0("    ", found, "\n"), sep = "")
}

invisible(loadNamespace("warmstart")) # once, and not in each page's processes
for (argument in arguments[-1]) {
  wanted <- strsplit(argument, "=", fixed = TRUE)[[1]]
  loadNamespace(wanted[[1]])
  pages <- names(tools::Rd_db(wanted[[1]]))
  for (page in grep(c(wanted, ".")[[2]], pages, value = TRUE)) visit_page(wanted[[1]], page)
}

cat(sprintf("\n# pages objects: %d passed, %d failed\n", passed, failed))
quit(status = if (failed > 0 || passed == 0) 1 else 0)

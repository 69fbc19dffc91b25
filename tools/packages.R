# Which of the named R packages are missing, or their installation from CRAN.
#
#     Rscript tools/packages.R missing|install NAME...
#
# DESCRIPTION as a name stands for all packages named there.

named_in_description <- function() {
  fields <- read.dcf("DESCRIPTION", fields = c("Depends", "Imports", "Suggests"))
  names <- unlist(strsplit(fields[!is.na(fields)], ","))
  setdiff(trimws(sub("[(].*", "", names)), "R")
}

is_missing <- function(name) !nzchar(system.file(package = name))

first_writable_library <- function() {
  dir.create(Sys.getenv("R_LIBS_USER"), showWarnings = FALSE, recursive = TRUE)
  libraries <- unique(c(.libPaths(), path.expand(Sys.getenv("R_LIBS_USER"))))
  libraries[file.access(libraries, mode = 2) == 0][1]
}

arguments <- commandArgs(trailingOnly = TRUE)
names <- arguments[-1]
if ("DESCRIPTION" %in% names) {
  names <- unique(c(setdiff(names, "DESCRIPTION"), named_in_description()))
}
if (arguments[1] == "install") {
  install.packages(names, lib = first_writable_library())
}
missing <- Filter(is_missing, names)
cat(missing, sep = "\n")
if (arguments[1] == "install" && length(missing) > 0) {
  quit(status = 1)
}

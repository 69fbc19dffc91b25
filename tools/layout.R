# Each file of R/ has its tests: in the file of tests/testthat/ that has its name, or in those that
# a comment in its first lines names, as `# Tests: test-a.R, test-b.R.` No name is assigned twice at
# the top level of the package: the second would take the place of the first without a word.

complaints <- character()
complain <- function(...) complaints <<- c(complaints, paste0(...))

files <- list.files("R", "[.]R$", full.names = TRUE)
for (file in files) {
  own <- paste0("test-", basename(file))
  line <- grep("^# Tests: ", readLines(file, 5), value = TRUE)
  named <- unlist(regmatches(line, gregexpr("test-[a-z0-9-]+[.]R", line)))
  if (length(line) > 0 && length(named) == 0) complain(file, " names no test file")
  for (test in c(named, if (length(line) == 0) own)) {
    if (!file.exists(file.path("tests", "testthat", test))) {
      complain(file, " has no tests/testthat/", test)
    }
  }
}

assigned <- lapply(files, function(file) {
  names <- vapply(as.list(parse(file, keep.source = FALSE)), function(expr) {
    is_assignment <- is.call(expr) && identical(expr[[1]], quote(`<-`)) && is.name(expr[[2]])
    if (is_assignment) as.character(expr[[2]]) else ""
  }, "")
  data.frame(file = rep(file, length(names)), name = names)
})
assigned <- do.call(rbind, assigned)
assigned <- assigned[nzchar(assigned$name), ]
for (name in unique(assigned$name[duplicated(assigned$name)])) {
  complain(name, " is assigned in ", paste(assigned$file[assigned$name == name], collapse = ", "))
}

writeLines(complaints)
quit(status = length(complaints) > 0)

# The example of a job with a wall time: each process is killed by timeout(1), until one finishes.

skip_if_not_installed("mgcv")
skip_if(!nzchar(Sys.which("timeout")), "there is no timeout command here")

test_that("a job that is killed at its wall time comes to the end of the uncut one", {
  script <- system.file("examples", "wall-time.sh", package = "warmstart")
  store <- file.path(tempfile("fits"))
  said <- suppressWarnings(system2(
    "sh", c(shQuote(script), shQuote(store)), stdout = TRUE, stderr = TRUE
  ))
  expect_null(attr(said, "status"))
  expect_match(said, "^Killed after 2 seconds", all = FALSE)
  score <- function(lines) grep("^REML", lines, value = TRUE)
  expect_length(score(said), 1)
  # The same lines by themselves.
  code <- readLines(script)
  code <- code[seq(grep("<<'R'", code) + 1, which(code == "R") - 1)]
  plain <- tempfile(fileext = ".R")
  writeLines(c("warm <- function(call, ...) call", "warm_store <- warm_info <- identity",
    grep("^library[(]warmstart|^print", code, value = TRUE, invert = TRUE)), plain)
  alone <- system2(file.path(R.home("bin"), "Rscript"), c(plain, store), stdout = TRUE,
    stderr = FALSE)
  expect_identical(score(alone), score(said))
  listed <- warmstart::store_list(store)
  expect_identical(sum(listed$state == "finished"), 1L)
})

# The R side of tools/suite.

variable <- function(name) {
  value <- Sys.getenv(name)
  if (nzchar(value)) value
}

library(testthat)
library(warmstart)

test_dir(
  "tests/testthat",
  filter = variable("FILTER"), package = "warmstart", load_package = "installed",
  reporter = "check", stop_on_failure = TRUE
)

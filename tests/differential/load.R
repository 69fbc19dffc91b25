# All of the gate, wherever it is read from.
suppressPackageStartupMessages({
  library(warmstart)
  library(survival)
  library(mgcv)
})
options(warmstart.verbose = FALSE)
for (file in setdiff(list.files("tests/differential", "[.]R$"), "load.R")) {
  source(file.path("tests/differential", file))
}

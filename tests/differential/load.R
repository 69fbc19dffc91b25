# All of the gate, wherever it is read from.
suppressPackageStartupMessages({
  library(warmstart)
  library(survival)
  library(mgcv)
})
options(warmstart.verbose = FALSE)
for (file in setdiff(list.files("tests/differential", "[.]R$"), c("load.R", "run.R"))) {
  source(file.path("tests/differential", file))
}

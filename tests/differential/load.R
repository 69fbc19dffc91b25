# All of the gate, wherever it is read from.
suppressPackageStartupMessages({
  library(warmstart)
  library(survival)
  library(mgcv)
})
options(warmstart.verbose = FALSE)
# What takes a moment would start no other.
options(warmstart.near_from = 0)
for (file in setdiff(list.files("tests/differential", "[.]R$"), c("load.R", "run.R"))) {
  source(file.path("tests/differential", file))
}

# Joins the package's own R code in a build that tools/deep makes: what its C code allocates, and
# the R functions it calls, run under gctorture2(); what comes before and after is R's own, and
# would take days. The build must not be byte-compiled, where calls of .Call() skip this one.

.Call <- function(...) { # nolint: object_name_linter.
  list(...) # evaluates what is passed
  before <- gctorture2(1L)
  on.exit(gctorture2(before))
  base::.Call(...)
}

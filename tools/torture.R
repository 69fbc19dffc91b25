# Joins the package's own R code in a build that tools/deep makes: what its C code allocates, and
# the R functions it calls, run under gctorture2(); what comes before and after is R's own, and
# would take days. Seventeen shares no factor with the loops it meets, so that in time each of
# their allocations has its turn. The build must not be byte-compiled, where calls of .Call() skip
# this one.

.Call <- function(...) { # nolint: object_name_linter.
  list(...) # evaluates what is passed
  before <- gctorture2(17L)
  on.exit(gctorture2(before))
  base::.Call(...)
}

# Tests: test-fit-mgcv.R, test-key-byte-code.R.
#
# Copying environments in which functions live, so that what the copies change stays theirs.

#' @param from A list of environments.
#' @param copy `function(x, from, to)`: what takes the place of `x`, found in one of them, in its
#'   copy.
#' @return `to`, their copies.
#' @noRd
copy_environments <- function(from, copy) {
  to <- lapply(from, function(env) new.env(parent = parent.env(env)))
  for (i in seq_along(from)) {
    # A constructor's argument that was never given is a symbol in this list.
    contents <- as.list.environment(from[[i]], all.names = TRUE)
    given <- !vapply(contents, is.symbol, NA)
    contents[given] <- lapply(contents[given], copy, from, to)
    list2env(contents, to[[i]])
  }
  to
}

# Its copy, or else the environment itself.
copy_of_environment <- function(env, from, to) {
  at <- Position(function(other) identical(other, env), from)
  if (is.na(at)) env else to[[at]]
}

# Of no package, and not the workspace.
is_anonymous <- function(env) {
  is.environment(env) && !nzchar(environmentName(env))
}

is_closure <- function(x) is.function(x) && !is.primitive(x)

# R keeps a compiled function's byte code with it, and writes that to a file, too: for some of
# mgcv's families it takes as long as the fit. What is read back runs without it, and R compiles it
# again once it is used.

#' A list with functions in it, without their byte code
#'
#' The environments that they were made in are copied, since functions there have byte code as well,
#' often the same: of those of a package, or that have a name, nothing is copied.
#' @noRd
drop_byte_code <- function(x) {
  functions <- Filter(is_closure, unclass(x))
  from <- Filter(is_anonymous, unique(unname(lapply(functions, environment))))
  to <- lapply(from, function(env) new.env(parent = parent.env(env)))
  moved_to <- function(env) {
    at <- Position(function(other) identical(other, env), from)
    if (is.na(at)) env else to[[at]]
  }
  copy <- function(x) {
    if (is_closure(x)) {
      environment(x) <- moved_to(environment(x)) # drops it
    } else if (is.environment(x)) {
      x <- moved_to(x)
    } else if (is.list(x)) {
      x[] <- lapply(x, copy)
    }
    x
  }
  for (i in seq_along(from)) {
    contents <- as.list.environment(from[[i]], all.names = TRUE)
    # An argument that was never given is a symbol in this list.
    given <- !vapply(contents, is.symbol, NA)
    contents[given] <- lapply(contents[given], copy)
    list2env(contents, to[[i]])
  }
  copy(x)
}

is_closure <- function(x) is.function(x) && !is.primitive(x)

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
  copy_without_byte_code(x, from, copy_environments(from, copy_without_byte_code))
}

copy_without_byte_code <- function(x, from, to) {
  if (is_closure(x)) {
    environment(x) <- copy_of_environment(environment(x), from, to) # drops it
  } else if (is.environment(x)) {
    x <- copy_of_environment(x, from, to)
  } else if (is.list(x)) {
    x[] <- lapply(x, copy_without_byte_code, from, to)
  }
  x
}

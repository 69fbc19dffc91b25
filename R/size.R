# How big is a fit, about?

# In bytes. object.size() looks at each string, so that a data set's row names take it longer than
# the fit, and into no environment of a function, where nls() keeps its data.
rough_size <- function(x) {
  seen <- list()
  size <- function(x) {
    if (isS4(x)) {
      x <- attributes(x)
    } else if (is.function(x)) {
      x <- environment(x)
    }
    if (is.environment(x)) {
      is_seen <- any(vapply(seen, identical, NA, x))
      x <- if (!is_seen && is_local_environment(x)) {
        seen <<- c(seen, x)
        values_of(x)
      }
    }
    if (!is.list(x) || length(x) >= 1000) {
      return(8 * length(x))
    }
    x <- unclass(x)
    is_leaf <- vapply(x, is.atomic, NA)
    8 * sum(lengths(x[is_leaf])) + sum(vapply(x[!is_leaf], size, 0))
  }
  size(x)
}

is_local_environment <- function(env) {
  !identical(env, globalenv()) && !is_package_environment(env)
}

# Of a promise the code, which stays as it is.
values_of <- function(env) {
  names <- ls(env)
  names <- names[!vapply(names, bindingIsActive, NA, env)]
  lapply(names, function(name) do.call(substitute, list(as.name(name), env)))
}

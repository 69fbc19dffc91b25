# How big is a fit, about?

# In bytes. object.size() looks at each string, so that a data set's row names take it longer than
# the fit, and into no environment of a function, where nls() keeps its data.
rough_size <- function(x) {
  size <- 0
  seen <- list(globalenv())
  todo <- list(x)
  while (length(todo) > 0) {
    found <- .Call(C_list_size, todo)
    size <- size + found[[1]]
    is_object <- vapply(found[[2]], isS4, NA)
    before <- length(seen)
    seen <- unique(c(seen, lapply(found[[2]][!is_object], home_of)))
    local <- Filter(Negate(is_package_environment), seen[-seq_len(before)])
    todo <- c(lapply(found[[2]][is_object], attributes), lapply(local, values_of))
  }
  size
}

home_of <- function(x) if (is.function(x)) environment(x) else x

# Of a promise the code, which stays as it is.
values_of <- function(env) {
  names <- names(env)
  names <- names[!vapply(names, bindingIsActive, NA, env)]
  symbols <- as.call(c(quote(list), lapply(names, as.name)))
  as.list(do.call(substitute, list(symbols, env)))[-1]
}

# The names that a function may look up in its surroundings: those that it reads where they need
# not have been assigned before, as `n` in `n$count <- 1` or in `if (few) n <- 2; n`. Names in
# quoted code count, and those that get() and its like are given. A name too many can make a key
# differ without need; one too few returns another function's result.

free_names <- function(fun) {
  names_read(function(walk) {
    read_function(list(NULL, formals(fun), body(fun)), character(), walk)
  })
}

# Those that the terms of formulas look up: `x` in `d$x` is none, nor an argument of a function.
formula_names <- function(formulas) {
  names_read(function(walk) {
    for (formula in as.list(formulas)) read_each(as.list(formula)[-1], character(), walk)
  })
}

names_read <- function(read) {
  walk <- new.env(parent = emptyenv())
  walk$read <- new.env(parent = emptyenv())
  walk$around <- character() # what the functions around the code at hand assign anywhere
  read(walk)
  sort(names(walk$read), method = "radix")
}

# Notes in `walk` the names that the code reads and that are not among `bound`. Returns those that
# are bound after it.
read_code <- function(expr, bound, walk) {
  if (is.name(expr)) {
    read_names(as.character(expr), bound, walk)
  } else if (is.call(expr)) {
    head <- if (is.name(expr[[1]])) as.character(expr[[1]])
    read_names(head, bound, walk)
    reader <- if (!is.null(head)) code_readers[[head]]
    bound <- (reader %||% read_call)(expr, bound, walk)
  }
  bound
}

read_names <- function(names, bound, walk) {
  for (name in setdiff(names, c(bound, ""))) assign(name, TRUE, walk$read)
}

read_each <- function(exprs, bound, walk) {
  for (expr in as.list(exprs)) {
    if (!missing(expr)) bound <- read_code(expr, bound, walk)
  }
  bound
}

# A function by its name, as lapply() takes one, and what get() looks up.
read_call <- function(expr, bound, walk) {
  if (is.name(expr[[1]]) && as.character(expr[[1]]) %in% takes_names) {
    read_names(unlist(Filter(is.character, as.list(expr)[-1])), bound, walk)
  }
  read_each(if (is.name(expr[[1]])) expr[-1] else expr, bound, walk)
}

takes_names <- c(
  "get", "get0", "mget", "dynGet", "match.fun", "do.call", "lapply", "sapply", "vapply", "mapply",
  "Map", "Reduce", "Filter", "apply", "tapply", "outer", "aggregate"
)

# `names(x)[2] <- v` reads x and calls `[<-`, names() and `names<-`.
read_assignment <- function(expr, bound, walk) {
  bound <- read_code(expr[[3]], bound, walk)
  target <- expr[[2]]
  while (is.call(target)) {
    if (is.name(target[[1]])) {
      read_names(paste0(as.character(target[[1]]), "<-"), bound, walk)
    }
    read_code(target, bound, walk)
    target <- target[[2]]
  }
  if (identical(expr[[1]], quote(`<<-`))) {
    read_names(as.character(target), bound, walk)
    bound
  } else {
    c(bound, as.character(target))
  }
}

# When it is called, what the functions around it assign may all have been assigned.
read_function <- function(expr, bound, walk) {
  around <- walk$around
  on.exit(walk$around <- around)
  arguments <- as.list(expr[[2]])
  inside <- c(bound, around, names(arguments))
  if ("function" %in% all.names(expr[[3]])) {
    walk$around <- c(inside, codetools::findFuncLocals(arguments, expr[[3]]))
  }
  read_each(arguments, inside, walk)
  read_code(expr[[3]], inside, walk)
  bound
}

# The first part is evaluated, the others perhaps.
read_first <- function(expr, bound, walk) {
  bound <- read_code(expr[[2]], bound, walk)
  for (other in as.list(expr)[-(1:2)]) {
    if (!missing(other)) read_code(other, bound, walk)
  }
  bound
}

read_if <- function(expr, bound, walk) {
  bound <- read_code(expr[[2]], bound, walk)
  yes <- read_code(expr[[3]], bound, walk)
  no <- if (length(expr) > 3) read_code(expr[[4]], bound, walk) else bound
  intersect(yes, no)
}

read_for <- function(expr, bound, walk) {
  bound <- c(read_code(expr[[3]], bound, walk), as.character(expr[[2]]))
  read_code(expr[[4]], bound, walk)
  bound
}

read_quoted <- function(expr, bound, walk) {
  read_names(all.names(expr, unique = TRUE), bound, walk)
  bound
}

read_element <- function(expr, bound, walk) read_code(expr[[2]], bound, walk)

read_nothing <- function(expr, bound, walk) bound

code_readers <- list(
  `<-` = read_assignment, `=` = read_assignment, `<<-` = read_assignment,
  `function` = read_function,
  `if` = read_if, `for` = read_for, `while` = read_first,
  `&&` = read_first, `||` = read_first, switch = read_first,
  quote = read_quoted, bquote = read_quoted, substitute = read_quoted,
  expression = read_quoted, `~` = read_quoted,
  `$` = read_element, `@` = read_element,
  `::` = read_nothing, `:::` = read_nothing
)

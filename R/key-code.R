# What code may look up in its surroundings. No reading of R code can tell all that it will do, so
# whatever may be looked up counts: a name too many can make a key differ without need; one too few
# returns another function's result.
#
# A variable is hidden by what the code has surely assigned before: by a statement of its own, no
# argument of another call. A function is hidden by a function alone, since R passes over all else.
# Each string may be a name. Where a name is made as the code runs, or an environment is asked for,
# `everything` is TRUE: all counts that can be seen.

#' @return A list of the names that are read: `variables`, `functions` (those that are called),
#'   `lookups` (variables whose value is called, or else looked up), `texts`, `options`, `variables
#'   of the system`, and the flag `everything`.
#' @noRd
code_uses <- function(fun) {
  code <- list(NULL, formals(fun), body(fun))
  names_read(function(walk) {
    walk$unbinds <- any(unbinds %in% all.names(as.expression(code[-1])))
    read_function(code, character(), walk)
  })
}

free_names <- function(fun) {
  uses <- code_uses(fun)
  unique(c(uses$variables, uses$functions, uses$lookups, uses$texts))
}

# Those that the terms of formulas look up: `x` in `d$x` is none, nor an argument of a function.
formula_names <- function(formulas) {
  names_read(function(walk) {
    for (formula in as.list(formulas)) read_each(as.list(formula)[-1], character(), walk)
  })$variables
}

# What formulas, or other code that is looked up as it stands, use.
code_names <- function(exprs) {
  uses <- names_read(function(walk) {
    for (expr in exprs) read_code(unformula(expr), character(), walk)
  })
  uses$variables <- union(formula_uses(exprs)$variables, uses$variables)
  uses
}

# What formulas name: variables, functions and strings. Whatever stands in them may be data.
formula_uses <- function(formulas) {
  uses <- .Call(C_formula_uses, formulas)
  # The same name may stand for a variable here and for a function there.
  if (any(names(lookups) %in% uses$functions)) {
    uses$variables <- unique(c(uses$variables, uses$texts))
  }
  uses
}

unformula <- function(expr) {
  if (head_of(expr) == "~") as.call(c(quote(c), as.list(expr)[-1])) else expr
}

names_read <- function(read) {
  walk <- list2env(list(unbinds = FALSE, everything = FALSE), parent = emptyenv())
  for (kind in kinds_of_names) walk[[kind]] <- new.env(parent = emptyenv())
  read(walk)
  c(lapply(mget(kinds_of_names, walk), names), everything = walk$everything)
}

kinds_of_names <- c("variables", "functions", "lookups", "texts", "options", "settings")

unbinds <- c("rm", "remove")

note <- function(kind, names, walk) {
  for (name in names[nzchar(names) & !is.na(names)]) assign(name, TRUE, walk[[kind]])
}

note_variables <- function(names, bound, walk) {
  note("variables", if (walk$unbinds) names else setdiff(names, bound), walk)
}

# A name that is bound to a function is in `bound` once more, as a call.
note_functions <- function(names, bound, walk) {
  note("functions", if (walk$unbinds) names else names[!as_call(names) %in% bound], walk)
}

as_call <- function(names) paste0(names, "()")

# Notes in `walk` what the code reads that is not among `bound`. Returns what is bound after it.
read_code <- function(expr, bound, walk) {
  reader <- code_readers[[head_of(expr)]]
  if (!is.null(reader)) {
    note_functions(head_of(expr), bound, walk)
    return(reader(expr, bound, walk))
  }
  # A sum of thousands of terms is as many calls inside each other.
  rest <- list(expr)
  while (length(rest) > 0) {
    expr <- rest[[length(rest)]]
    rest[[length(rest)]] <- NULL
    if (is.name(expr)) {
      read_variable(as.character(expr), bound, walk)
    } else if (is.character(expr)) {
      note("texts", expr, walk)
    } else {
      rest <- c(rest, read_call(expr, bound, walk))
    }
  }
  bound
}

# Returns what is still to be read of it.
read_call <- function(expr, bound, walk) {
  if (!is.call(expr)) {
    return(if (is.expression(expr)) as.list(expr))
  }
  head <- head_of(expr)
  if (is.name(expr[[1]])) note_functions(head, bound, walk)
  reader <- code_readers[[head]]
  if (!is.null(reader)) {
    reader(expr, bound, walk)
    return(NULL)
  }
  read_lookup(head, expr, bound, walk)
  given(if (nzchar(head)) as.list(expr)[-1] else as.list(expr))
}

# Without arguments that are empty, as in x[1, ].
given <- function(arguments) .Call(C_given, arguments)

# The function that is called, as `get` in get(x) and base::get(x); "" where that is computed.
head_of <- function(expr) {
  head <- if (is.call(expr)) expr[[1]]
  if (is.call(head) && length(head) == 3 && as.character(head[[1]])[[1]] %in% c("::", ":::")) {
    head <- head[[3]]
  }
  if (is.name(head) || is.character(head)) as.character(head) else ""
}

read_variable <- function(name, bound, walk) {
  if (name %in% environments) walk$everything <- TRUE
  note_variables(name, bound, walk)
}

read_each <- function(exprs, bound, walk) {
  for (expr in given(as.list(exprs))) bound <- read_code(expr, bound, walk)
  bound
}

# What is looked up by name. ---------------------------------------------------------------------

read_lookup <- function(head, expr, bound, walk) {
  if (head %in% environments) walk$everything <- TRUE
  at <- lookups[[head]]
  if (!is.null(at)) {
    what <- argument_at(expr, at)
    if (is.call(what) && head %in% evaluates && head_of(what) %in% quotes) {
      read_quoted(what, character(), walk)
    } else {
      read_looked_up(what, bound, walk)
    }
  }
  if (head %in% parses) read_parsed(expr, walk)
  if (head == "evalq") read_quoted(expr, character(), walk)
  if (head == "getOption") read_setting("options", expr, walk)
  if (head == "Sys.getenv") read_setting("settings", expr, walk)
  if (head %in% c("options", "Sys.setenv")) note(names_of_setters[[head]], names(expr), walk)
}

# Of the name in the second element where it is given, else the place in the first.
argument_at <- function(expr, at) {
  names <- names(expr) %||% character(length(expr))
  given <- which(names %in% at[-1])
  if (length(given) == 0) given <- which(names == "")[-1][as.integer(at[[1]])]
  if (length(given) > 0 && !is.na(given[[1]])) expr[[given[[1]]]]
}

# A text is read as all are. A function in place of a name is what it is.
read_looked_up <- function(what, bound, walk) {
  if (is.name(what)) {
    name <- as.character(what)
    if (as_call(name) %in% bound) {
      return()
    }
    if (name %in% bound || walk$unbinds) walk$everything <- TRUE else note("lookups", name, walk)
  } else if (is.call(what) && !head_of(what) %in% makes_functions) {
    walk$everything <- walk$everything || !is_qualified(what)
  }
}

is_qualified <- function(expr) {
  is.name(expr[[1]]) && as.character(expr[[1]]) %in% c("::", ":::")
}

# Where a place is written as code, it is read; where it is made, it can be anything.
read_parsed <- function(expr, walk) {
  texts <- Filter(is.character, as.list(expr)[-1])
  code <- tryCatch(parse(text = unlist(texts), keep.source = FALSE), error = function(e) NULL)
  if (length(texts) == 0 || is.null(code)) {
    walk$everything <- TRUE
  } else {
    read_quoted(code, character(), walk)
  }
}

read_setting <- function(kind, expr, walk) {
  name <- argument_at(expr, c("1", "x"))
  note(kind, if (is.character(name)) name else every_setting, walk)
}

every_setting <- "*"
names_of_setters <- c(options = "options", Sys.setenv = "settings")

# Where they take what they look up: the place, and the names of the argument.
lookups <- c(
  lapply(stats::setNames(nm = c(
    "get", "get0", "mget", "dynGet", "exists", "as.name", "as.symbol", "call", "match.fun",
    "do.call", "eval", "eval.parent", "Vectorize", "exec", "sym", "ensym", "syms", "eval_tidy",
    "eval_bare", "Map", "mapply", "Reduce", "Filter", "Find", "Position", "invoke", "getFunction",
    "getMethod", "selectMethod", "getGeneric", "getClass", "getRefClass", "new"
  )), function(name) c("1", "x", "what", "FUN", "f", "expr", "name", ".fn", "Class")),
  lapply(stats::setNames(nm = c(
    "lapply", "sapply", "vapply", "rapply", "mclapply", "map", "map_dbl", "future_lapply"
  )), function(name) c("2", "FUN", "f", ".f")),
  lapply(stats::setNames(nm = c(
    "apply", "tapply", "outer", "by", "combn", "parLapply", "parSapply"
  )), function(name) c("3", "FUN", "fun")),
  list(sweep = c("4", "FUN"), aggregate = c("3", "FUN"), ave = c("0", "FUN"))
)

evaluates <- c("eval", "eval.parent", "eval_tidy", "eval_bare")
quotes <- c("quote", "bquote", "expression", "substitute", "expr")
parses <- c(
  "parse", "str2lang", "str2expression", "as.formula", "reformulate", "parse_expr", "parse_exprs"
)
makes_functions <- c(
  "function", "Negate", "Vectorize", "match.fun", "compose", "partial", "approxfun", "splinefun",
  "ecdf", "Recall", "as_function", "as_mapper"
)

# They give an environment, or take names from one that is given.
environments <- c(
  "globalenv", ".GlobalEnv", "environment", "environment<-", "parent.frame", "sys.frame",
  "sys.frames", "sys.function", "topenv", "as.environment", "pos.to.env", "parent.env",
  "parent.env<-", "source", "sys.source", "load", "attach", "ls", "objects", "eapply", "apropos",
  "find", "getAnywhere", "current_env", "caller_env", "global_env", "env_get", "env_get_list"
)

# How code binds. ----------------------------------------------------------------------------------

# `names(x)[2] <- v` reads x and calls `[<-`, names() and `names<-`.
read_assignment <- function(expr, bound, walk) {
  bound <- read_code(expr[[3]], bound, walk)
  target <- expr[[2]]
  is_plain <- !is.call(target)
  while (is.call(target)) {
    setter <- paste0(head_of(target), "<-")
    note_functions(setter, bound, walk)
    if (setter %in% environments) walk$everything <- TRUE
    read_code(target, bound, walk)
    target <- target[[2]]
  }
  name <- as.character(target)
  if (identical(expr[[1]], quote(`<<-`))) {
    note_variables(name, bound, walk)
    return(bound)
  }
  is_function <- is_plain && head_of(expr[[3]]) == "function"
  c(setdiff(bound, as_call(name)), name, if (is_function) as_call(name))
}

# What is bound where a function is made is so when it is called; what comes later may not be.
read_function <- function(expr, bound, walk) {
  arguments <- as.list(expr[[2]])
  inside <- c(setdiff(bound, as_call(names(arguments))), names(arguments))
  for (default in given(arguments)) read_code(default, inside, walk)
  read_code(expr[[3]], inside, walk)
  bound
}

read_block <- function(expr, bound, walk) read_each(as.list(expr)[-1], bound, walk)

# The first part is evaluated, the others perhaps.
read_first <- function(expr, bound, walk) {
  if (length(expr) < 2) {
    return(bound)
  }
  bound <- read_code(expr[[2]], bound, walk)
  for (other in given(as.list(expr)[-(1:2)])) read_code(other, bound, walk)
  bound
}

read_if <- function(expr, bound, walk) {
  bound <- read_code(expr[[2]], bound, walk)
  yes <- read_code(expr[[3]], bound, walk)
  no <- if (length(expr) > 3) read_code(expr[[4]], bound, walk) else bound
  intersect(yes, no)
}

read_for <- function(expr, bound, walk) {
  bound <- read_code(expr[[3]], bound, walk)
  variable <- as.character(expr[[2]])
  read_code(expr[[4]], c(setdiff(bound, as_call(variable)), variable), walk)
  setdiff(bound, as_call(variable))
}

read_repeat <- function(expr, bound, walk) {
  read_code(expr[[2]], bound, walk)
  bound
}

# Each name may be a variable's or a function's.
read_quoted <- function(expr, bound, walk) {
  names <- all.names(expr, unique = TRUE)
  note_variables(names, bound, walk)
  note_functions(names, bound, walk)
  note("texts", texts_in(expr), walk)
  if (any(names %in% environments)) walk$everything <- TRUE
  bound
}

# It may be evaluated where nothing hides its names.
read_quote <- function(expr, bound, walk) {
  read_quoted(as.expression(as.list(expr)[-1]), character(), walk)
  bound
}

read_formula <- function(expr, bound, walk) {
  read_quoted(as.expression(as.list(expr)[-1]), bound, walk)
}

read_element <- function(expr, bound, walk) {
  read_code(expr[[2]], bound, walk)
  bound
}

read_nothing <- function(expr, bound, walk) bound

code_readers <- list(
  `<-` = read_assignment, `=` = read_assignment, `<<-` = read_assignment,
  `function` = read_function, `{` = read_block,
  `if` = read_if, `for` = read_for, `while` = read_first, `repeat` = read_repeat,
  `&&` = read_first, `||` = read_first, switch = read_first,
  quote = read_quote, bquote = read_quote, expression = read_quote,
  substitute = read_formula, `~` = read_formula,
  `$` = read_element, `@` = read_element,
  `::` = read_nothing, `:::` = read_nothing
)

# The strings in an expression.
texts_in <- function(expr) as.character(unlist(.Call(C_strings_in, expr)))

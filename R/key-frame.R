# What a fitter sees of the data: the values of a model's terms, as they come out now. They tell
# apart what no reading of code can: what get() finds, options, time zone, locale, methods for
# columns, the helper of an upgraded package.
#
# A column by its name has a part already. Subset, weights and what becomes of missing values count
# by themselves, so that the values suffice: the frame that the fitter makes of them need not be
# built.

frame_parts <- function(formulas, envs, data) {
  before <- save_random_state()
  values <- Map(frame_values, formulas, envs, MoreArgs = list(data = data))
  has_drawn <- !identical(save_random_state(), before)
  if (has_drawn && is.null(before)) {
    begin_random_state()
    return(frame_parts(formulas, envs, data))
  }
  if (has_drawn) restore_random_state(before)
  c(
    if (any(lengths(values) > 0)) named_part("frame", "values", unname(values), "values"),
    if (has_drawn) random_part(before)
  )
}

# Arguments that are drawn anew each time are kept under where they are drawn from. `expr` makes
# parts, and evaluates arguments for that.
with_drawn_part <- function(expr) {
  before <- save_random_state()
  parts <- expr
  c(parts, if (!identical(save_random_state(), before)) random_part(before))
}

random_part <- function(state) named_part("random numbers", "state", state, "values")

muffled <- function(expr) suppressWarnings(suppressMessages(expr))

# Of the terms that are calls, each in the data and then where the formula comes from. What joins
# terms is no term; a smooth, and what cannot be evaluated, has terms inside.
frame_values <- function(formula, env, data) {
  values <- list()
  evaluate <- function(expr, data) {
    value <- or_null(muffled(list(eval(expr, data, env))))
    values <<- c(values, value)
    !is.null(value)
  }
  has_value <- has_response(formula) && evaluate(formula[[2]], data)
  rest <- list(if (has_value) formula[[3]] else formula)
  while (length(rest) > 0) {
    expr <- rest[[length(rest)]]
    rest[[length(rest)]] <- NULL
    is_done <- !is.call(expr) || is_term(expr) && evaluate(expr, data)
    inside <- if (!is_done) given(as.list(expr)[-1])
    # mgcv evaluates the arguments of a smooth without the data.
    for (argument in named_calls(inside)) evaluate(argument, NULL)
    rest <- c(rest, rev(inside))
  }
  values
}

named_calls <- function(arguments) {
  if (!is.null(names(arguments))) Filter(is.call, arguments[nzchar(names(arguments))])
}

# On the left of a formula, more than a name.
has_response <- function(formula) {
  head_of(formula) == "~" && length(formula) == 3 && is.call(formula[[2]])
}

is_term <- function(expr) !head_of(expr) %in% c(join_terms, smooths) && !has_bar(expr)

join_terms <- c("~", "+", "-", "*", ":", "^", "%in%", "/", "|", "||", "(")
smooths <- c("s", "te", "ti", "t2")

# A random effect's, in parentheses or in a covariance structure, as `diag(1 + x | g)`.
has_bar <- function(expr) {
  any(vapply(as.list(expr)[-1], function(part) head_of(part) %in% c("|", "||"), NA))
}

# Contrasts by the name of a function that stats has not: what it gives.
contrasts_part <- function(columns, names) {
  makers <- lapply(stats::setNames(nm = names), get0, envir = globalenv(), mode = "function")
  makers <- Filter(is.function, makers)
  if (length(makers) == 0) {
    return(NULL)
  }
  counts <- vapply(columns, function(x) length(levels(x) %||% unique(as.vector(x))), 1L)
  counts <- sort(unique(counts[counts > 1 & counts <= levels_tried]))
  made <- lapply(makers, function(maker) {
    lapply(counts, function(n) tryCatch(maker(n), error = function(e) NULL))
  })
  named_part("contrasts", "made", made, "values")
}

levels_tried <- 50 # the matrix grows with the square

# Fits carry row names; those from 1 on are none.
row_names_part <- function(data) {
  names <- if (is.data.frame(data)) attr(data, "row.names")
  if (length(names) > 0 && !identical(names, seq_along(names))) {
    named_part("row names", "of data", names, "values")
  }
}

# The same model takes columns of the same kinds.
kinds_part <- function(columns) {
  kinds <- lapply(columns, function(column) {
    list(oldClass(column) %||% mode(column), if (is.matrix(column)) ncol(column))
  })
  list(kinds = new_part(kinds, "specification", "of the columns"))
}

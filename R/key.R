# Tests: test-key-model.R, test-adapter-conform.R.

#' Which fit is this call?
#'
#' The keys of a fitter's call, for the `identify` part of a [warm_adapter()].
#'
#' `identify_model()` is for fitters that take a formula: see [fingerprint_model()] for what counts
#' of the formula, the data and the family. `identify_call()` is for all others. Every argument
#' counts by its value; one that cannot be evaluated (because the function evaluates it in a place
#' of its own) counts by how it is written, and by the values of the variables in it. A function
#' counts by its definition, and what it finds in its surroundings by its value. What has more than
#' one row or element is taken for data: another value of it makes another fit of the same
#' specification. All else belongs to the specification.
#'
#' @param call A call with its arguments named, as by [match.call()].
#' @param env The environment that its arguments are evaluated in.
#' @param fitter One string that names what fits the model; for `identify_call()`, or the function
#'   itself.
#' @param formula Names of the arguments that hold the formula or formulas. All names here are
#'   character vectors; the defaults are above.
#' @param aligned Names of the arguments with one value a row, evaluated in `data`.
#' @param ignored Names of the arguments that cannot change the result.
#' @param ignored_control Names of the elements of the argument `control` that cannot.
#' @param control One string: the name of the argument that is the fitter's list of controls.
#' @param fixed Names of the arguments that belong to the specification whatever their size, such
#'   as starting values and bounds.
#' @param written TRUE or FALSE, the default: does it also count how the arguments are written? For
#'   functions that may look at that, or evaluate it in a place of their own.
#' @param parameters Names in the formula that stand for what is estimated, as in [stats::nls()]:
#'   they are no data, nor is a name that is found nowhere. NULL where all names are data.
#' @param also A list of further formulas, whose variables count.
#' @param elsewhere A list of environments by the name of an aligned argument: where the fitter
#'   looks for its variables, if not where the formula comes from.
#' @return A list of class `model_fingerprint`; see [fingerprint_model()].
#' @section Errors: As [fingerprint_model()]; an argument's own errors come through.
#' @seealso [warm_adapter()]
#' @examples
#' identify_model(quote(lm(formula = mpg ~ wt, data = mtcars)), globalenv(), "stats::lm")
#' centre <- function(m) sum((mtcars$mpg - m)^2)
#' identify_call(quote(optimize(f = centre, interval = c(0, 50))), environment(), "optimize")
#' @export
identify_model <- function(call, env, fitter, formula = "formula",
                           aligned = c("weights", "offset", "subset"), ignored = character(),
                           ignored_control = character(), parameters = NULL, also = list(),
                           elsewhere = list()) {
  arguments <- as.list(call)[-1]
  fun <- eval(call[[1]], env)
  new_model_fingerprint(with_drawn_part({
    formulas <- unname(lapply(arguments[intersect(formula, names(arguments))], eval, env))
    texts <- Filter(is.character, formulas) # stays in the fit as it is
    formulas <- lapply(formulas, formula_of_text, env)
    formulas <- if (length(formulas) == 1) formulas[[1]] else formulas
    data <- eval(arguments$data, env)
    rest <- setdiff(names(arguments), c(formula, "data", "family", aligned, ignored))
    values <- lapply(arguments[rest], eval, env)
    values$control <- drop_named(values$control, ignored_control)
    home <- formula_home(formulas, env)
    c(
      model_parts(
        fitter, formulas, data, eval(arguments$family, env), home, parameters, also, env
      ),
      aligned_parts(
        arguments[intersect(names(arguments), aligned)], data, home, elsewhere
      ),
      argument_parts(without_defaults(values, fun), home),
      if (length(texts) > 0) named_part("argument", "formula", texts, "specification"),
      spelling_part(formulas)
    )
  }))
}

#' @rdname identify_model
#' @export
identify_call <- function(call, env, fitter, ignored = character(), fixed = character(),
                          ignored_control = character(), control = "control",
                          written = FALSE) {
  arguments <- as.list(call)[-1]
  names(arguments) <- argument_names(arguments)
  arguments <- arguments[!names(arguments) %in% ignored]
  if (length(ignored_control) > 0 && !is.null(arguments[[control]])) {
    arguments[[control]] <- drop_named(eval(arguments[[control]], env), ignored_control)
  }
  shown <- if (is.function(fitter)) deparse(call[[1]], nlines = 1) else fitter
  written <- written && (!is.function(fitter) || sees_code(fitter))
  new_model_fingerprint(with_drawn_part({
    values <- lapply(arguments, value_at, env)
    call_parts(arguments, env, fitter, shown, values, fixed, written)
  }))
}

# Formulas that mean the same stay in the fit as they are written.
spelling_part <- function(formulas) {
  formulas <- if (is.list(formulas)) formulas else list(formulas)
  spelt <- lapply(formulas, function(formula) `attributes<-`(formula, NULL))
  means <- lapply(spelt, canonical_call)
  is_plain <- !"." %in% unlist(lapply(spelt, all.names))
  if (!is_plain || !identical(spelt, means)) {
    named_part("formula", "as it is written", vapply(spelt, deparse1, ""), "values")
  }
}

# A list of the value; NULL where there is none.
value_at <- function(expr, env) {
  if (!is_missing_argument(expr)) or_null(list(evaluate_at(expr, env)))
}

# `values` are beside the arguments, as of value_at().
call_parts <- function(arguments, env, fitter, shown, values, fixed = character(),
                       written = FALSE) {
  names <- argument_names(arguments)
  parts <- Map(function(name, expr, value) {
    call_argument_parts(name, expr, value, env, name %in% fixed, written)
  }, names, arguments, values)
  c(
    fitter_parts(fitter, shown), unlist(unname(parts), recursive = FALSE),
    if (is.function(fitter)) {
      named_part("order", "of the arguments", names, "specification")
    },
    methods_part(surrounding(env)), registered_part(fitter), option_parts(),
    if (is.function(fitter)) place_parts()
  )
}

# May it look at how its arguments are written? One that has no means to does not, nor does one that
# hands none of them on.
sees_code <- function(fun) {
  any(all.names(as.expression(c(list(body(fun)), formals(fun)))) %in% takes_code)
}

takes_code <- c(
  "substitute", "match.call", "sys.call", "sys.function", "UseMethod", "standardGeneric", "...",
  "enquo", "enquos", "enexpr", "enexprs", "ensym", "ensyms", "quo", "quos", "missing"
)

# One of the user's own counts by what it uses, too.
fitter_parts <- function(fitter, shown) {
  c(
    list(fitter = new_part(if (!is.function(fitter)) fitter, "neighbourhood", shown)),
    if (is.function(fitter)) value_parts("fitter", fitter, is_fixed = TRUE)
  )
}

# Most fitters take a formula that is written as text.
formula_of_text <- function(x, env) {
  if (is.character(x) && length(x) == 1) stats::as.formula(x, env) else x
}

# NULL where nothing else is left.
drop_named <- function(list, dropped) {
  is_dropped <- names(list) %in% dropped
  if (!is.list(list) || !any(is_dropped)) {
    list
  } else if (!all(is_dropped)) {
    list[!is_dropped]
  }
}

# Those of `...` without a name, by their place.
argument_names <- function(arguments) {
  names <- names(arguments) %||% character(length(arguments))
  unnamed <- names == ""
  names[unnamed] <- paste0("..", seq_len(sum(unnamed)))
  names
}

# An argument of the name `data` is a value for every function there is.
call_argument_parts <- function(name, expr, value, env, is_fixed, written) {
  if (is_missing_argument(expr)) {
    return(list())
  }
  c(
    if (!is.null(value)) value_parts(name, value[[1]], is_fixed),
    if (is.null(value) || written) {
      written_parts(name, expr, env, is_fixed, is.null(value) || name != "data")
    }
  )
}

is_missing_argument <- function(expr) is.name(expr) && !nzchar(as.character(expr))

# An expression as it is written, with the values of what its surroundings have of it.
written_parts <- function(name, expr, env, is_fixed, with_values) {
  c(
    named_part("expression", name, canonical_call(expr), "specification"),
    if (with_values && is.call(expr)) captured_parts(name, expr, env, is_fixed)
  )
}

captured_parts <- function(name, expr, env, is_fixed) {
  used <- used_bindings(code_names(list(expr)), env)
  used <- used[!names(used) %in% embraced_names(expr)]
  parts <- Map(function(use, home) {
    found <- binding_value(home, use)
    if (length(found) > 0) value_parts(paste0(name, ": ", use), found[[1]], is_fixed)
  }, names(used), used)
  unlist(unname(parts), recursive = FALSE)
}

# A function counts as what it says and, each by itself and once, what it finds in its
# surroundings.
value_parts <- function(name, value, is_fixed, seen = new.env(parent = emptyenv())) {
  if (!is_closure(value)) {
    of_call <- parts_of_call(name, value)
    value <- lasting_value(value)
    scope <- if (is_fixed || !has_rows(value)) "specification" else "values"
    return(c(
      named_part("argument", name, value, scope, "strict"),
      named_function_parts(value, list(globalenv())),
      collation_part(name, value), of_call
    ))
  }
  parts <- function_parts(value)
  used <- if (length(parts) > 1) parts[[2]]
  is_new <- vapply(seq_along(used), function(i) {
    is_new_binding(names(used)[[i]], used[[i]], seen)
  }, NA)
  uses <- Map(function(use, home) {
    found <- binding_value(home, use)
    if (length(found) > 0) value_parts(paste0(name, ": ", use), found[[1]], is_fixed, seen)
  }, names(used)[is_new], used[is_new])
  attributes <- attributes(value)
  own <- list(parts[[1]], attributes[setdiff(names(attributes), "srcref")])
  c(named_part("function", name, own, "specification"), unlist(unname(uses), recursive = FALSE))
}

# Is it met for the first time? Notes it in `seen`, the environments that a name has been seen in.
is_new_binding <- function(name, env, seen) {
  before <- seen[[name]]
  is_new <- !any(vapply(before, identical, NA, env))
  if (is_new) assign(name, c(before, env), envir = seen)
  is_new
}

has_rows <- function(value) {
  if (is.list(value) && !is.data.frame(value)) {
    any(vapply(value, has_rows, NA))
  } else {
    NROW(value) > 1
  }
}

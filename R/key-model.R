#' Fingerprint of a model
#'
#' Which fit is this? `fingerprint_model()` gives three keys, from narrow to wide, and says what
#' went into each; `fingerprint()` of a formula, or of a list of formulas with `data` or other
#' arguments beside it, gives the exact one.
#'
#' | key | over | used for |
#' | --- | --- | --- |
#' | exact | specification and data | resuming, and returning a finished fit |
#' | specification | fitter, formula, family, what shapes the fit | the same model, other rows |
#' | neighbourhood | fitter, response, family and link | a related formula |
#'
#' @section What counts:
#' Of the data, the columns that the formula, the weights, the offset and the subset use, by
#' name; `.` stands for all. Their order does not count, nor do other columns; the order of rows
#' does, and row names other than 1, 2, 3 and so on. Terms that are calls count by their values,
#' too, as they come out here and now: under these options, in this time zone and locale. Of the
#' formula, its terms in their order; not spacing, line breaks or redundant parentheses. Variables
#' from the formula's environment count by value: as data where they have more than one row, else as
#' part of the specification, as `K` in `s(x, k = K)`; those in an argument with a name even where a
#' column has their name. Each formula of a list has its own environment. User functions count by
#' their definition, and so do methods for classes that strings name, as `"mine"` in
#' `s(x, bs = "mine")`. A family given as object, function or name is the same family, and stays it
#' while a fit estimates its parameters. An argument that repeats the fitter's default is the same
#' as none. `options(contrasts, na.action)` count. Where the terms draw random numbers, the state of
#' the generator counts.
#'
#' @param x,formula A formula, or for `fingerprint_model()` also a list of formulas.
#' @param data A data frame, list or environment; NULL, the default, for the formula's environment.
#' @param family A family object, function or name; NULL, the default, for gaussian.
#' @param ... Further arguments of the fit, by name. `weights`, `offset` and `subset` are evaluated
#'   in `data`.
#' @param fitter One string, by default empty, that names what fits the model: the same model from
#'   another fitter is another fit.
#' @return `fingerprint_model()`: a list of class `model_fingerprint` with `exact`, `specification`
#'   and `neighbourhood` (fingerprints) and `parts`; its `print()` method lists the parts.
#' @section Errors: `warmstart_error_argument` names a column that is missing, data or a formula
#'   that is none. `warmstart_error_opaque`, see [fingerprint()].
#' @seealso [fingerprint_diff()] for why two differ.
#' @examples
#' fingerprint(mpg ~ hp + wt, data = mtcars)
#' fingerprint_model(mpg ~ hp + wt, data = mtcars, weights = cyl)
#' @export
fingerprint_model <- function(formula, data = NULL, family = NULL, ..., fitter = "") {
  given <- as.list(substitute(list(...)))[-1]
  if (length(given) > 0 && (is.null(names(given)) || any(names(given) == ""))) {
    stop_argument("...", "must be named, as the fitter's arguments are.")
  }
  is_aligned <- names(given) %in% c("weights", "offset", "subset")
  arguments <- lapply(which(!is_aligned), function(i) ...elt(i))
  names(arguments) <- names(given)[!is_aligned]
  home <- formula_home(formula, parent.frame())
  new_model_fingerprint(c(
    model_parts(fitter, formula, data, family, home),
    aligned_parts(given[is_aligned], data, home),
    argument_parts(arguments, home)
  ))
}

#' @rdname fingerprint_model
#' @export
fingerprint.formula <- function(x, data = NULL, family = NULL, ...) { # nolint: object_name_linter.
  fingerprint_model(x, data, family, ...)$exact
}

new_model_fingerprint <- function(parts) {
  # Sorted by name: the order in which parts are found does not matter.
  sorted <- parts[order(names(parts), method = "radix")]
  scope <- vapply(sorted, .subset2, "", "scope")
  hex <- vapply(sorted, .subset2, "", "fingerprint")
  key <- function(counts) .Call(C_fingerprint, hex[counts], digest_modes[["error"]])
  structure(
    list(
      exact = key(TRUE),
      specification = key(scope != "values"),
      neighbourhood = key(scope == "neighbourhood"),
      parts = parts
    ),
    class = "model_fingerprint"
  )
}

# `calls` is where the fitter is called from.
model_parts <- function(fitter, formula, data, family, home, parameters = NULL, also = list(),
                        calls = home) {
  check_formula(formula)
  check_data(data)
  formulas <- if (is.list(formula)) formula else list(formula)
  canonical <- lapply(lapply(formulas, expand_dot, data), canonical_call)
  in_formulas <- c(canonical, also)
  uses <- formula_uses(in_formulas)
  variables <- setdiff(uses$variables, parameters)
  in_data <- are_in_data(variables, data)
  envs <- lapply(c(formulas, also), function(formula) environment(formula) %||% home)
  homes <- unique(c(list(home), envs))
  is_outside <- is_bound(variables, homes)
  if (is.null(parameters)) check_variables(variables[!in_data & !is_outside], in_formulas)
  # A fitter may evaluate an argument outside the data, as the second `k` of s(x, k = k).
  both <- variables[in_data & is_outside]
  has_calls <- !all(uses$functions %in% join_terms)
  both <- if (has_calls) intersect(both, uses$named)
  responses <- lapply(canonical, function(f) if (length(f) == 3) f[[2]])
  columns <- columns_of(variables[in_data], data)
  c(
    list(
      fitter = new_part(fitter, "neighbourhood", fitter),
      response = new_part(responses, "neighbourhood", responses),
      formula = new_part(canonical, "specification", canonical),
      family = family_part(resolve_family(family, fitter, calls))
    ),
    unlist(lapply(names(columns), column_part, columns), recursive = FALSE),
    if (length(columns) > 0) kinds_part(columns), row_names_part(data),
    terms_part(formulas), na_action_part(data),
    outside_parts(c(variables[!in_data], both), uses$functions, uses$texts, homes),
    registered_part(fitter),
    if (has_calls) frame_parts(in_formulas, envs, data),
    option_parts(columns)
  )
}

# Terms given for a formula say more than it does: without an intercept, in which order, with which
# knots.
terms_part <- function(formulas) {
  said <- lapply(formulas, function(formula) {
    attributes(formula)[setdiff(names(attributes(formula)), c("class", ".Environment"))]
  })
  if (any(lengths(said) > 0)) named_part("formula", "terms", unname(said), "specification")
}

# What becomes of missing values, where the data say it. Of what model.frame() has dropped they keep
# the rows under the same name.
na_action_part <- function(data) {
  action <- attr(data, "na.action", exact = TRUE)
  if (!is.null(action) && !is.numeric(action)) {
    c(
      named_part("data", "na.action", action, "specification"),
      named_function_parts(action, list(globalenv()))
    )
  }
}

check_formula <- function(formula) {
  if (!inherits(formula, "formula") && !is_formulas(formula)) {
    stop_argument("formula", "must be a formula, or a list of formulas.")
  }
}

is_formulas <- function(x) {
  is.list(x) && length(x) > 0 && all(vapply(x, inherits, NA, "formula"))
}

check_data <- function(data) {
  if (!is.null(data) && !is.list(data) && !is.environment(data)) {
    stop_argument("data", "must be a data frame, a list or an environment.")
  }
}

formula_home <- function(formula, otherwise) {
  if (is.list(formula) && length(formula) > 0) {
    formula <- formula[[1]]
  }
  environment(formula) %||% otherwise
}

expand_dot <- function(formula, data) {
  last <- length(formula)
  if (is.data.frame(data) && "." %in% all.vars(formula[[last]])) {
    others <- setdiff(names(data), all.vars(formula[-last]))
    sum <- Reduce(function(a, b) call("+", a, b), lapply(others, as.name))
    formula[[last]] <- do.call(substitute, list(formula[[last]], list(. = sum)))
  }
  formula
}

canonical_call <- function(expr) .Call(C_canonical_call, expr)

# Is there a variable or function of that name, seen from any of the environments?
is_bound <- function(names, homes) {
  Reduce(`|`, lapply(homes, function(home) vapply(names, exists, NA, envir = home)))
}

check_variables <- function(unknown, formulas) {
  if (length(unknown) > 0) unknown <- intersect(unknown, formula_names(formulas))
  if (length(unknown) > 0) {
    stop_argument("data", paste0(
      "has no column `", unknown[[1]], "`, and there is no variable of that name."
    ))
  }
}

are_in_data <- function(names, data) {
  if (is.environment(data)) {
    vapply(names, exists, NA, envir = data, inherits = FALSE)
  } else {
    names %in% names(data)
  }
}

columns_of <- function(names, data) {
  if (is.environment(data)) mget(names, envir = data) else .subset(data, names)
}

# A variable in the data is data, by name.
column_part <- function(name, columns) {
  column <- columns[[name]]
  part <- named_part("column", name, column, "values")
  if (is.numeric(column)) part else c(part, collation_part(name, column))
}

# What is found outside the data, from each of the environments `homes`: a part for each value that
# a name has there.
outside_parts <- function(variables, functions, texts, homes) {
  parts <- lapply(homes, function(home) {
    around <- surrounding(home)
    seen <- unlist(lapply(around, names))
    found <- lapply(stats::setNames(nm = intersect(variables, seen)), find_captured, home)
    found <- lapply(Filter(Negate(is.null), found), .subset2, "value")
    called <- intersect(c(functions, texts), seen)
    c(
      unlist(unname(Map(variable_part, names(found), found)), recursive = FALSE),
      unlist(lapply(called, called_part, home), recursive = FALSE),
      methods_part(around, c(texts, unlist(lapply(found, texts_of))))
    )
  })
  parts <- unlist(parts, recursive = FALSE)
  if (length(homes) > 1 && length(parts) > 0) {
    parts <- parts[!duplicated(Map(list, names(parts), lapply(parts, .subset2, "fingerprint")))]
    names(parts) <- make.unique(as.character(names(parts)), " in environment ")
  }
  parts
}

# Weights, offset and subset differ between folds, so their values are data; that they are given
# belongs to the model. Some fitters look for one of them elsewhere than where the formula comes
# from: `elsewhere` are environments by the name of the argument.
aligned_parts <- function(expressions, data, home, elsewhere = list()) {
  parts <- list()
  for (name in names(expressions)) {
    value <- eval(expressions[[name]], data, elsewhere[[name]] %||% home)
    if (!is.null(value)) {
      scope <- if (length(value) > 1) "values" else "specification"
      parts <- c(
        parts, named_part("argument", name, value, scope),
        named_part("given", name, TRUE, "specification")
      )
    }
  }
  parts
}

# Texts may name functions, which some fitters look for where the formula comes from, others in the
# workspace.
argument_parts <- function(values, home) {
  parts <- lapply(names(values), function(name) {
    c(
      named_part("argument", name, values[[name]], "specification"),
      named_function_parts(values[[name]], unique(list(home, globalenv())))
    )
  })
  unlist(parts, recursive = FALSE)
}

# An argument that repeats the fitter's default is the same as none. A default that depends on
# other arguments, or on where it is evaluated, is no value to repeat.
without_defaults <- function(values, fun) {
  defaults <- formals(fun)
  repeats <- vapply(names(values), function(name) {
    name %in% names(defaults) && is_constant(defaults[[name]], names(defaults)) &&
      identical(values[[name]], eval(defaults[[name]], environment(fun)))
  }, NA)
  values[!repeats]
}

is_constant <- function(default, arguments) {
  names <- all.names(default)
  !is_missing_argument(default) && !any(names %in% c(arguments, environments, depend_on_frames))
}

depend_on_frames <- c(
  "missing", "match.call", "sys.call", "match.arg", "nargs", "stop", "substitute"
)

option_parts <- function(columns = list()) {
  na_action <- getOption("na.action")
  contrasts <- getOption("contrasts")
  of_columns <- lapply(columns, attr, "contrasts")
  dropping <- if (is.character(na_action)) na_action
  names <- unique(c(contrasts, unlist(Filter(is.character, of_columns)), dropping))
  # What stats has under its name is what stats finds.
  names <- names[!vapply(names, exists, NA, envir = asNamespace("stats"), inherits = FALSE)]
  c(
    named_part("option", "contrasts", contrasts, "specification"),
    named_part("option", "na.action", na_action, "specification"),
    if (length(names) > 0) named_function_parts(names, list(globalenv())),
    if (length(names) > 0) contrasts_part(columns, setdiff(names, dropping))
  )
}

#' @export
format.model_fingerprint <- function(x, ...) {
  scope <- vapply(x$parts, function(part) part$scope, "")
  text <- vapply(x$parts, part_text, "")
  c(
    "<model_fingerprint>",
    wrap_beside("exact:         ", x$exact),
    wrap_beside("specification: ", x$specification),
    wrap_beside("neighbourhood: ", x$neighbourhood),
    unlist(Map(
      wrap_beside, paste0("  ", format(names(x$parts)), "  ", format(scope), "  "),
      format_text(text), USE.NAMES = FALSE
    ))
  )
}

#' @export
print.model_fingerprint <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

# What identifies a model fit, part by part, and the keys that are made of the parts.
#
#   exact           all parts: the same fit
#   specification   all but the data: the same model on other rows
#   neighbourhood   fitter, response and family: a related model
#
# A part is a fingerprint, the keys it belongs to, and a text for people.

new_model_fingerprint <- function(parts) {
  structure(
    list(
      exact = combine_parts(parts, c("values", "specification", "neighbourhood")),
      specification = combine_parts(parts, c("specification", "neighbourhood")),
      neighbourhood = combine_parts(parts, "neighbourhood"),
      parts = parts
    ),
    class = "model_fingerprint"
  )
}

new_part <- function(value, scope, text = "") {
  list(fingerprint = fingerprint(value), scope = scope, text = text)
}

# Sorted by name, so that the order in which parts are found does not matter.
combine_parts <- function(parts, scopes) {
  scope <- vapply(parts, function(part) part$scope, character(1))
  chosen <- parts[scope %in% scopes]
  chosen <- chosen[order(names(chosen), method = "radix")]
  fingerprint(vapply(chosen, function(part) format(part$fingerprint), character(1)))
}

#' Keys of a model call
#'
#' Evaluates the call's arguments and takes them apart into what identifies the fit.
#' @param aligned Names of arguments with one value a row, evaluated in the data.
#' @param ignored Names of arguments that cannot change the fit.
#' @param ignored_control The same, of elements of `control`.
#' @noRd
identify_model <- function(call, env, fitter, aligned, ignored, ignored_control = character()) {
  arguments <- as.list(call)[-1]
  if (is.null(names(arguments)) || any(names(arguments) == "")) {
    stop_argument("call", "must have arguments that the fitter knows by name.")
  }
  formula <- eval(arguments$formula, env)
  data <- eval(arguments$data, env)
  family <- eval(arguments$family, env)
  rest <- setdiff(names(arguments), c("formula", "data", "family", aligned, ignored))
  values <- lapply(arguments[rest], eval, env)
  values$control <- drop_elements(values$control, ignored_control)
  new_model_fingerprint(c(
    list(fitter = new_part(fitter, "neighbourhood", fitter)),
    formula_parts(formula, data, env),
    list(family = family_part(family, eval(call[[1]], env))),
    aligned_parts(arguments[intersect(names(arguments), aligned)], data, formula, env),
    argument_parts(without_defaults(values, eval(call[[1]], env))),
    option_parts()
  ))
}

drop_elements <- function(x, names) {
  if (is.list(x)) x[setdiff(names(x), names)] else x
}

# The formula, and what it uses. ---------------------------------------------------------------

formula_parts <- function(formula, data, env) {
  check_formula(formula)
  check_data(data)
  formulas <- if (is.list(formula)) formula else list(formula)
  formulas <- lapply(formulas, expand_dot, data)
  canonical <- lapply(formulas, canonical_call)
  variables <- unique(unlist(lapply(canonical, all.vars)))
  functions <- setdiff(unique(unlist(lapply(canonical, all.names))), variables)
  home <- environment(formulas[[1]]) %||% env
  responses <- lapply(canonical, function(f) if (length(f) == 3) f[[2]])
  c(
    list(
      formula = new_part(canonical, "specification", paste(
        vapply(canonical, deparse1, character(1)),
        collapse = ", "
      )),
      response = new_part(responses, "neighbourhood", deparse1(responses[[1]]))
    ),
    unlist(lapply(variables, variable_part, data, home), recursive = FALSE),
    unlist(lapply(functions, function_part, home), recursive = FALSE)
  )
}

check_formula <- function(formula) {
  is_formula <- function(f) inherits(f, "formula")
  if (!is_formula(formula) && !(is.list(formula) && length(formula) > 0 &&
    all(vapply(formula, is_formula, logical(1))))) {
    stop_argument("formula", "must be a formula, or a list of formulas.")
  }
}

check_data <- function(data) {
  if (!is.null(data) && !is.list(data) && !is.environment(data)) {
    stop_argument("data", "must be a data frame, a list or an environment.")
  }
}

expand_dot <- function(formula, data) {
  if (is.data.frame(data) && "." %in% all.vars(formula)) {
    others <- setdiff(names(data), all.vars(formula[-length(formula)]))
    sum <- Reduce(function(a, b) call("+", a, b), lapply(others, as.name))
    formula[[length(formula)]] <- substitute_dot(formula[[length(formula)]], sum)
  }
  formula
}

substitute_dot <- function(expr, by) {
  do.call(substitute, list(expr, list(. = by)))
}

# Parentheses that the parser needed are in the tree's shape already.
canonical_call <- function(expr) {
  attributes(expr) <- NULL
  while (is.call(expr) && identical(expr[[1]], quote(`(`)) && length(expr) == 2) {
    expr <- expr[[2]]
  }
  if (is.call(expr)) {
    for (i in seq_along(expr)) {
      if (is.call(expr[[i]])) expr[[i]] <- canonical_call(expr[[i]])
    }
  }
  expr
}

# A variable in the data counts as data, by name. One from the formula's environment is data too
# where it is as long as data are; else it shapes the model, as K does in s(x, k = K).
variable_part <- function(name, data, home) {
  if (is_in_data(name, data)) {
    column <- data[[name]]
    return(stats::setNames(
      list(new_part(column, "values", describe_value(column))), paste("column", name)
    ))
  }
  found <- find_captured(name, home)
  if (is.null(found)) {
    if (is_of_package(name, home)) {
      return(NULL)
    }
    stop_argument("data", paste0(
      "has no column `", name, "`, and no variable of that name can be found."
    ))
  }
  scope <- if (NROW(found$value) > 1) "values" else "specification"
  stats::setNames(
    list(new_part(found$value, scope, describe_value(found$value))), paste("variable", name)
  )
}

is_in_data <- function(name, data) {
  if (is.environment(data)) {
    exists(name, envir = data, inherits = FALSE)
  } else {
    name %in% names(data)
  }
}

is_of_package <- function(name, home) {
  exists(name, envir = home)
}

function_part <- function(name, home) {
  found <- find_captured(name, home)
  if (is.null(found) || !is.function(found$value)) {
    return(NULL)
  }
  stats::setNames(
    list(new_part(found$value, "specification", "function")), paste("function", name)
  )
}

describe_value <- function(value) {
  if (is.atomic(value) && length(value) == 1) {
    return(format(value))
  }
  size <- if (is.null(dim(value))) length(value) else paste(dim(value), collapse = " x ")
  paste0(class(value)[[1]], "[", size, "]")
}

# The family. ----------------------------------------------------------------------------------

family_part <- function(family, fitter) {
  family <- resolve_family(family, fitter)
  canonical <- canonical_family(family)
  new_part(canonical, "neighbourhood", paste0(
    canonical$family, "(", paste(canonical$link, collapse = ", "), ")"
  ))
}

# A name, a function and an object that mean the same give one family.
resolve_family <- function(family, fitter) {
  if (is.null(family)) {
    return(stats::gaussian())
  }
  if (is.character(family)) {
    family <- get(family, envir = environment(fitter), mode = "function")
  }
  if (is.function(family)) family() else family
}

# Families of stats and mgcv are known by name, link and parameters; the parameters are the
# numbers and strings in the environments of their functions. Of one made elsewhere the functions
# themselves count as well.
canonical_family <- function(family) {
  if (!is.list(family) || is.null(family$family)) {
    stop_argument("family", "must be a family, as `binomial()` makes one.")
  }
  functions <- Filter(is.function, family)
  list(
    class = class(family),
    family = sub("\\(.*", "", family$family),
    link = family_links(family),
    fixed = Filter(Negate(is.null), unclass(family)[c("n.theta", "nlp", "scale")]),
    parameters = family_parameters(family, functions),
    functions = if (!is_package_family(family)) functions
  )
}

family_links <- function(family) {
  if (is.list(family$linfo)) {
    return(vapply(family$linfo, function(link) link$name, character(1)))
  }
  family$link
}

is_package_family <- function(family) {
  maker <- sub("[ (].*", "", family$family)
  maker %in% package_families || maker %in% getOption("warmstart.families")
}

package_families <- c(
  "gaussian", "binomial", "poisson", "Gamma", "inverse.gaussian", "quasi", "quasibinomial",
  "quasipoisson", "Negative", "negbin", "Tweedie", "Beta", "Scaled", "Ordered", "zero",
  "ziplss", "cnorm", "cpois", "bcg", "clog", "Cox", "multinom", "Multivariate", "gaulss",
  "gammals", "gumbls", "gevlss", "shash", "twlss", "gfam"
)

family_parameters <- function(family, functions) {
  envs <- unique(lapply(functions, environment))
  envs <- Filter(function(env) is.environment(env) && !is_shared(env), envs)
  values <- unlist(lapply(unname(envs), family_values), recursive = FALSE)
  # What is estimated is only a starting value, and changes while the family is used.
  if (isTRUE(family$n.theta > 0)) {
    values[c(".Theta", "iniTheta", "theta")] <- NULL
  }
  values <- values[!duplicated(names(values))]
  if (!is.null(family$varfun)) {
    values$varfun <- family$varfun
  }
  values[order(names(values), method = "radix")]
}

is_shared <- function(env) {
  identical(env, globalenv()) || is_package_environment(env)
}

family_values <- function(env) {
  names <- setdiff(ls(env, all.names = TRUE), c("link", "linktemp", "okLinks", "stats"))
  values <- lapply(stats::setNames(nm = names), function(name) {
    tryCatch(get(name, envir = env, inherits = FALSE), error = function(e) NULL)
  })
  Filter(function(value) is.atomic(value) && !is.null(value) && length(value) < 100, values)
}

# Arguments and options. -----------------------------------------------------------------------

# Weights, offset and subset differ between folds, so their values are data; how they are written
# belongs to the model.
aligned_parts <- function(arguments, data, formula, env) {
  home <- environment(if (is.list(formula)) formula[[1]] else formula) %||% env
  parts <- list()
  for (name in names(arguments)) {
    value <- evaluate_in(arguments[[name]], data, home, env)
    if (!is.null(value)) {
      scope <- if (length(value) > 1) "values" else "specification"
      parts[[paste("argument", name)]] <- new_part(value, scope, describe_value(value))
      parts[[paste(name, "given")]] <- new_part(TRUE, "specification")
    }
  }
  parts
}

evaluate_in <- function(expr, data, home, env) {
  tryCatch(eval(expr, data, home), error = function(e) eval(expr, data, env))
}

argument_parts <- function(values) {
  parts <- lapply(values, function(value) {
    new_part(value, "specification", describe_value(value))
  })
  stats::setNames(parts, paste("argument", names(values), recycle0 = TRUE))
}

# An argument that repeats the fitter's default is the same as none.
without_defaults <- function(values, fitter) {
  defaults <- formals(fitter)
  keep <- vapply(names(values), function(name) {
    default <- tryCatch(eval(defaults[[name]], environment(fitter)), error = function(e) NULL)
    !identical(values[[name]], default) && length(values[[name]]) > 0
  }, logical(1))
  values[keep]
}

option_parts <- function() {
  list(
    "option contrasts" = new_part(getOption("contrasts"), "specification", paste(
      getOption("contrasts"),
      collapse = ", "
    )),
    "option na.action" = new_part(
      as.character(substitute_name(getOption("na.action"))), "specification"
    )
  )
}

substitute_name <- function(option) {
  if (is.function(option)) deparse1(body(option)) else option %||% ""
}

#' @export
format.model_fingerprint <- function(x, ...) {
  scope <- vapply(x$parts, function(part) part$scope, character(1))
  text <- vapply(x$parts, function(part) part$text, character(1))
  c(
    "<model_fingerprint>",
    paste("exact:        ", x$exact),
    paste("specification:", x$specification),
    paste("neighbourhood:", x$neighbourhood),
    paste0("  ", format(names(x$parts)), "  ", format(scope), "  ", format_text(text))
  )
}

#' @export
print.model_fingerprint <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

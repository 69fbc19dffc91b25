# Tests: test-key-model.R.
#
# What a key is made of: a digest, the widest key that it belongs to, and what to tell people: a
# text, or language to be deparsed when somebody looks.
new_part <- function(value, scope, shown, mode = "deep") {
  list(
    fingerprint = unclass(.Call(C_fingerprint, value, digest_modes[[mode]])),
    scope = scope, shown = shown
  )
}

part_text <- function(part) {
  if (is.character(part$shown)) {
    return(part$shown)
  }
  paste(vapply(part$shown, deparse1, ""), collapse = ", ")
}

# A factor is made of text with its levels in the locale's order. That counts where it is another
# than the bytes'.
collation_part <- function(name, value) {
  if (is.numeric(value) || is.factor(value)) {
    return(NULL)
  }
  texts <- if (is.data.frame(value)) unlist(Filter(is.character, as.list(value))) else value
  if (is.character(texts) && length(texts) > 1) {
    levels <- sort(unique(as.vector(texts)), method = "radix")
    if (is.unsorted(levels)) named_part("collation", name, sort(levels), "values")
  }
}

named_part <- function(what, name, value, scope, mode = "deep") {
  part <- list(list(
    fingerprint = unclass(.Call(C_fingerprint, value, digest_modes[[mode]])),
    scope = scope, shown = describe_value(value)
  ))
  names(part) <- paste(what, name)
  part
}

describe_value <- function(value) {
  if (is.atomic(value) && length(value) == 1 && is.null(dim(value))) {
    return(if (is.object(value) || !is.character(value)) format(value) else value)
  }
  if (is.function(value)) {
    return("function")
  }
  size <- if (is.null(dim(value))) length(value) else paste(dim(value), collapse = " x ")
  paste0(class(value)[[1]], "[", size, "]")
}

# It is data where it has rows; else it shapes the model, as K does in s(x, k = K).
variable_part <- function(name, value) {
  scope <- if (NROW(value) > 1) "values" else "specification"
  c(named_part("variable", name, value, scope), collation_part(name, value))
}

# What stands where a function does may also be what holds it, as in `tools$centre(x)`.
called_part <- function(name, home) {
  found <- find_captured(name, home)
  if (is.null(found)) {
    return(NULL)
  }
  c(
    if (is.list(found$value) || is.environment(found$value)) {
      named_part("variable", name, found$value, "specification")
    },
    function_part(name, home)
  )
}

function_part <- function(name, home) {
  found <- find_captured(name, home, "function")
  if (!is.null(found)) named_part("function", name, found$value, "specification")
}

# The functions that a value names: fitters look them up, as they do contrasts.
named_function_parts <- function(value, homes) {
  texts <- texts_of(value)
  if (length(texts) == 0) {
    return(NULL)
  }
  parts <- lapply(homes, function(home) {
    unlist(lapply(intersect(texts, names_around(home)), function_part, home), recursive = FALSE)
  })
  parts <- unlist(parts, recursive = FALSE)
  parts[!duplicated(lapply(parts, .subset2, "fingerprint"))]
}

# A value's strings, where they may be names: data have more of them.
texts_of <- function(value) {
  if (is.list(value) && !is.data.frame(value)) value <- unlist(Filter(is.character, value))
  if (is.character(value) && length(value) < 1000) unique(as.vector(value))
}

# Methods of the user's own, whoever calls them, and what S4 knows of classes and methods: for
# smooths, correlation structures and columns of a class of the user's own.
methods_part <- function(around, classes = character()) {
  found <- method_bindings(around, classes)
  if (length(found) > 0) {
    values <- Map(binding_value, found, names(found))
    named_part("methods", paste(names(found), collapse = ", "), values, "specification")
  }
}

registered_part <- function(fitter) {
  found <- registered_methods(c("base", "stats", package_of(fitter)))
  if (length(found) > 0) {
    named_part(
      "methods", paste("registered:", paste(names(found), collapse = ", ")), found, "specification"
    )
  }
}

# `mgcv` of "mgcv::gam", or of the function itself.
package_of <- function(fitter) {
  if (is.function(fitter)) {
    home <- if (is_closure(fitter)) topenv(environment(fitter))
    if (isNamespace(home)) unname(getNamespaceName(home))
  } else {
    sub("::.*", "", fitter)
  }
}

#' Why two model fingerprints differ
#'
#' @param a,b Model fingerprints, as [fingerprint_model()] makes them.
#' @return A character vector of class `fingerprint_diff`, one element a difference, such as
#'   `"column x2: values differ"` or `"argument k of s(x1): 10, 20"`; empty where there is none.
#' @section Errors: `warmstart_error_argument` where `a` or `b` is no model fingerprint.
#' @seealso [fingerprint_model()]
#' @examples
#' a <- fingerprint_model(mpg ~ hp, data = mtcars)
#' b <- fingerprint_model(mpg ~ hp + wt, data = mtcars, family = Gamma)
#' fingerprint_diff(a, b)
#' @export
fingerprint_diff <- function(a, b) {
  check_class(a, "model_fingerprint", "a", "fingerprint_model")
  check_class(b, "model_fingerprint", "b", "fingerprint_model")
  names <- setdiff(union(names(a$parts), names(b$parts)), "kinds") # of columns, which say it
  differences <- lapply(names, function(name) diff_part(name, a$parts[[name]], b$parts[[name]]))
  structure(as.character(unlist(differences)), class = "fingerprint_diff")
}

diff_part <- function(name, a, b) {
  if (identical(a$fingerprint, b$fingerprint)) {
    return(NULL)
  }
  if (is.null(a) || is.null(b)) {
    side <- if (is.null(b)) "first" else "second"
    text <- part_text(if (is.null(b)) a else b)
    said_elsewhere <- startsWith(name, "given ")
    return(if (!said_elsewhere) paste0(name, ": only in the ", side, ", ", text))
  }
  if (name == "formula") {
    return(diff_formulas(a$shown, b$shown))
  }
  texts <- c(part_text(a), part_text(b))
  if (texts[[1]] == texts[[2]]) {
    return(paste0(name, ": values differ"))
  }
  paste0(name, ": ", texts[[1]], ", ", texts[[2]])
}

# Term by term. What remains when all terms are the same is their order.
diff_formulas <- function(a, b) {
  a <- formula_terms(a)
  b <- formula_terms(b)
  differences <- c(
    unlist(lapply(intersect(names(a), names(b)), function(name) {
      diff_arguments(name, a[[name]], b[[name]])
    })),
    paste0("term ", setdiff(names(a), names(b)), ": only in the first", recycle0 = TRUE),
    paste0("term ", setdiff(names(b), names(a)), ": only in the second", recycle0 = TRUE)
  )
  if (length(differences) > 0) differences else "formula: written another way"
}

# Names of the terms of a model, whatever their arguments.
model_terms <- function(key) {
  names(formula_terms(key$parts$formula$shown))
}

# The summands of the right-hand sides, under the name of a call without its named arguments:
# s(x1, k = 10) is s(x1). Terms of the second and further formulas say which.
formula_terms <- function(formulas) {
  terms <- lapply(seq_along(formulas), function(i) {
    formula <- formulas[[i]]
    terms <- summands(formula[[length(formula)]])
    names <- vapply(terms, term_name, "")
    stats::setNames(terms, if (i > 1) paste0(names, " in formula ", i) else names)
  })
  terms <- unlist(terms, recursive = FALSE)
  terms[!duplicated(names(terms), fromLast = TRUE)]
}

# Sums are calls inside each other: as deep as they are long.
summands <- function(expr) {
  found <- list()
  while (is.call(expr) && identical(expr[[1]], quote(`+`))) {
    if (length(expr) == 3) found <- c(expr[[3]], found)
    expr <- expr[[2]]
  }
  c(expr, unlist(lapply(found, function(term) {
    if (is.call(term) && identical(term[[1]], quote(`+`))) summands(term) else list(term)
  })))
}

term_name <- function(term) {
  if (is.call(term) && !is.null(names(term))) {
    term <- term[names(term) == ""]
  }
  deparse1(term)
}

diff_arguments <- function(name, a, b) {
  if (!is.call(a) || !is.call(b)) {
    return(NULL)
  }
  arguments <- setdiff(union(names(a), names(b)), "")
  unlist(lapply(arguments, function(argument) {
    if (!identical(a[[argument]], b[[argument]])) {
      values <- vapply(list(a[[argument]], b[[argument]]), function(value) {
        if (is.null(value)) "default" else deparse1(value)
      }, "")
      paste0("argument ", argument, " of ", name, ": ", values[[1]], ", ", values[[2]])
    }
  }))
}

#' @export
format.fingerprint_diff <- function(x, ...) {
  if (length(x) == 0) "no difference" else wrap_text(format_text(unclass(x)), exdent = 2)
}

#' @export
print.fingerprint_diff <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' Fingerprint of a value
#'
#' A 128-bit digest of what a value *is*, not of how R happens to hold it. Equal values have equal
#' fingerprints on every platform, in every R version and locale.
#'
#' @section What counts:
#' Values and their type (integer, logical and double differ), dimensions, names, levels,
#' class and other attributes. A data frame counts by its columns and their names, so a
#' tibble or data.table equals the data frame with the same columns; row names do not count.
#' A function counts by its arguments and body, and by the values of what it uses from its
#' surroundings, recursively; functions of packages are taken by name. `-0` equals `0`,
#' every `NaN` is one `NaN`, and `NA` is another. Text counts by its characters, whatever
#' its encoding.
#'
#' @section What has no value:
#' Environments, external pointers and connections. They give an error that says where in `x`
#' they are, unless `opaque = "ignore"`.
#'
#' @param x The value: vectors, lists, data frames, functions, calls and formulas, S4 objects.
#' @param ... For a model: `data`, `family` and more, as [fingerprint_model()] takes them; its
#'   formula may go by the name `formula` too. Else for methods.
#' @param opaque What to do with a value that cannot be fingerprinted: `"error"`, the default, or
#'   `"ignore"`.
#' @return A `fingerprint`: one string of 32 lowercase hex digits.
#' @section Errors: `warmstart_error_opaque` names the place of a value that has no fingerprint.
#' @source The digest is XXH3-128 of the canonical form that `vignette("fingerprints")` describes;
#'   Collet Y., xxHash, <https://xxhash.com>.
#' @seealso [fingerprinter()] to build one in pieces, [warm()] for models.
#' @examples
#' fingerprint(c(a = 1, b = 2))
#' fingerprint(mtcars) == fingerprint(mtcars[sample(nrow(mtcars)), ])
#' fingerprint(function(x) x + 1)
#' @export
fingerprint <- function(x, ...) {
  # As fitters name it: there is no `x` to choose a method by.
  if (missing(x) && "formula" %in% ...names()) {
    return(fingerprint_model(...)$exact)
  }
  UseMethod("fingerprint")
}

#' @rdname fingerprint
#' @export
fingerprint.default <- function(x, ..., opaque = c("error", "ignore")) {
  if (...length() > 0 && is_formulas(x)) {
    return(fingerprint_model(x, ...)$exact)
  }
  check_dots(...)
  .Call(C_fingerprint, x, check_choice(opaque, c("error", "ignore"), "opaque") == "ignore")
}

#' @export
format.fingerprint <- function(x, ...) {
  unclass(x)
}

#' @export
print.fingerprint <- function(x, ...) {
  cat(wrap_text(paste("<fingerprint>", format(x))), sep = "\n")
  invisible(x)
}

#' Build a fingerprint in pieces
#'
#' A `fingerprinter` absorbs one tagged value after another; `fingerprint()` of it gives the
#' digest so far, and the stream goes on. Useful where the values are never in memory together.
#'
#' @param fp A `fingerprinter`; changed in place.
#' @param tag One string that says what `value` is. Another tag gives another fingerprint.
#' @param value Any value that [fingerprint()] takes.
#' @param opaque `"error"`, the default, or `"ignore"`; see [fingerprint()].
#' @return `fingerprinter()`: an object of class `fingerprinter`. `absorb()`: `fp`, invisibly, so
#'   that calls can be piped.
#' @section Errors: As [fingerprint()]; after one, `fp` is as it was before the call. A
#'   `fingerprinter` lives in its R process: one that was saved and read again gives an error.
#' @seealso [fingerprint()]
#' @examples
#' fp <- fingerprinter()
#' absorb(fp, "model", y ~ x)
#' absorb(fp, "data", cars)
#' fingerprint(fp)
#' @export
fingerprinter <- function() {
  .Call(C_fingerprinter)
}

#' @rdname fingerprinter
#' @export
absorb <- function(fp, tag, value, opaque = c("error", "ignore")) {
  ignore <- check_choice(opaque, c("error", "ignore"), "opaque") == "ignore"
  invisible(.Call(C_absorb, fp, tag, value, ignore))
}

#' @export
fingerprint.fingerprinter <- function(x, ...) {
  check_dots(...)
  .Call(C_fingerprinter_digest, x)
}

#' @export
format.fingerprinter <- function(x, ...) {
  wrap_text(paste("<fingerprinter>", format(fingerprint(x)), "so far"))
}

#' @export
print.fingerprinter <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

check_dots <- function(...) {
  if (...length() > 0) {
    given <- ...names()[[1]] %||% ""
    stop_argument(
      if (is.na(given) || given == "") "..." else given,
      "is not an argument of this function; is it spelled as the help page has it?"
    )
  }
}

# What C asks R for. Each returns a list of plain parts.

function_parts <- function(f) {
  home <- topenv(environment(f))
  if (isNamespace(home) && identical(environment(f), home)) {
    return(list(
      package = unname(getNamespaceName(home)), formals = formals(f), body = body(f)
    ))
  }
  parts <- list(formals = formals(f), body = body(f), uses = captured_values(f))
  if (methods::is(f, "standardGeneric")) parts$methods <- generic_methods(f)
  parts
}

generic_methods <- function(generic) {
  methods <- as.list(methods::findMethods(generic))
  lapply(methods[order(names(methods), method = "radix")], methods::slot, ".Data")
}

# The values that a function finds in its surroundings, by name: those of packages are left out,
# since their names already say what they are.
captured_values <- function(f) {
  values <- list()
  for (name in free_names(f)) {
    value <- find_captured(name, environment(f))
    if (!is.null(value)) {
      values[[name]] <- value$value
    }
  }
  values
}

# list(value = ) of the binding of this mode that a name has, seen from `env`; NULL where it is a
# package's, or there is none.
find_captured <- function(name, env, mode = "any") {
  while (!identical(env, emptyenv())) {
    if (exists(name, envir = env, mode = mode, inherits = FALSE)) {
      return(if (!is_package_environment(env)) {
        list(value = get(name, envir = env, mode = mode, inherits = FALSE))
      })
    }
    env <- environment_around(env)
  }
  NULL
}

# Where a name is looked up next; an empty one where there is only what packages bind.
environment_around <- function(env) {
  if (!identical(env, globalenv()) || is_data_attached()) parent.env(env) else emptyenv()
}

# As by attach(); behind the global environment there are only packages else.
is_data_attached <- function() {
  attached <- search()[-1]
  !all(startsWith(attached, "package:") | attached == "Autoloads")
}

is_package_environment <- function(env) {
  isNamespace(env) || identical(env, baseenv()) || !is.null(attr(env, "path")) ||
    grepl("^(package|imports):|^Autoloads$", attr(env, "name") %||% "")
}

primitive_parts <- function(f) {
  list(primitive = deparse(f))
}

s4_parts <- function(x) {
  slots <- setdiff(methods::slotNames(x), s4_caches)
  slots <- sort(slots, method = "radix")
  values <- lapply(slots, function(slot) methods::slot(x, slot))
  list(class = c(class(x)), slots = stats::setNames(values, slots))
}

# Slots that hold what was computed from the others: a Matrix's factorisations.
s4_caches <- "factors"

canonical_time <- function(x) {
  as.POSIXct(x)
}

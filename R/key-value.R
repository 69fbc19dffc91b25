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
  .Call(C_fingerprint, x, digest_mode(opaque))
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
  invisible(.Call(C_absorb, fp, tag, value, digest_mode(opaque)))
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

# `instead` has what people look for under another name, by that.
check_dots <- function(..., instead = character()) {
  if (...length() > 0) {
    given <- ...names()[[1]] %||% ""
    if (is.na(given) || given == "") {
      stop_argument("...", "must be empty: further arguments are given by their names.")
    }
    fun <- sys.function(-1)
    stop_argument(given, paste0(
      "is not an argument of this function", nearest_argument(given, fun, instead)
    ))
  }
}

nearest_argument <- function(given, fun, instead) {
  arguments <- setdiff(names(formals(fun)), "...")
  if (given %in% names(instead)) {
    return(paste0("; ", instead[[given]]))
  }
  nearest <- nearest_text(given, arguments)
  if (is.null(nearest)) {
    "; is it spelled as the help page has it?"
  } else {
    paste0("; is it `", nearest, "`?")
  }
}

# As src/value-walk.h numbers them. Keys go deep: environments count by what they bind.
digest_modes <- c(error = 0, ignore = 1, deep = 2, strict = 3)

digest_mode <- function(opaque) {
  digest_modes[[check_choice(opaque, c("error", "ignore"), "opaque")]]
}

# What C asks R for. Each returns a list of plain parts and, perhaps, of bindings: environments
# under the names that are bound in them.

function_parts <- function(f) {
  env <- environment(f)
  if (isNamespace(env)) {
    return(list(list(
      package = unname(getNamespaceName(env)), formals = formals(f), body = body(f)
    )))
  }
  uses <- code_uses(f)
  parts <- list(formals = formals(f), body = body(f))
  if (inherits(f, "standardGeneric")) parts$methods <- generic_methods(f)
  used <- used_bindings(uses, env)
  if (inherits(f, "memoised")) used <- used[names(used) != "_cache"]
  list(c(parts, settings_parts(uses)), used)
}

# As far as code asks for them by name.
settings_parts <- function(uses) {
  list(
    options = if (length(uses$options) > 0) {
      chosen(uses$options, names(options()), getOption)
    },
    settings = if (length(uses$settings) > 0) {
      chosen(uses$settings, names(Sys.getenv()), Sys.getenv)
    }
  )
}

chosen <- function(names, all, get) {
  if (every_setting %in% names) names <- sort(all, method = "radix")
  lapply(stats::setNames(nm = names), get)
}

generic_methods <- function(generic) {
  methods <- as.list(methods::findMethods(generic))
  lapply(methods[order(names(methods), method = "radix")], methods::slot, ".Data")
}

formula_bindings <- function(formula) {
  used_bindings(code_names(list(canonical_call(formula))), attr(formula, ".Environment"))
}

# A package's is what its name says.
environment_parts <- function(env) {
  if (is_package_environment(env) || identical(env, globalenv()) || identical(env, emptyenv())) {
    return(list(environmentName(env)))
  }
  class <- get0(".refClassDef", envir = env, inherits = FALSE)
  if (isS4(class)) {
    return(reference_parts(env, class))
  }
  list(list(parent.env(env)), every_binding(list(env)))
}

# A reference object is its fields; R copies methods into it as they are used.
reference_parts <- function(env, class) {
  fields <- sort(as.character(names(class@fieldClasses)), method = "radix")
  list(list(class), stats::setNames(rep(list(env), length(fields)), fields))
}

# What lme4 and TMB keep behind a pointer, they keep beside it, too.
is_pointer <- function(env, name) {
  switch(name,
    Ptr = !is.null(env[[".refClassDef"]]) && identical(env[[".refClassDef"]]@package, "lme4"),
    ADFun = , ADGrad = , ADHess = , Fun = all(c("DLL", "last.par") %in% names(env)),
    FALSE
  )
}

# A list of one, or an empty one where there is no value: an argument that was not given.
binding_value <- function(env, name) {
  if (is_pointer(env, name)) {
    return(list())
  }
  if (name == "...") {
    return(tryCatch(list(eval(quote(list(...)), env)), error = function(e) list()))
  }
  value <- tryCatch(list(get(name, envir = env, inherits = FALSE)), error = function(e) list())
  if (length(value) > 0 && is_missing_argument(value[[1]])) list() else value
}

primitive_parts <- function(f) {
  list(list(primitive = deparse(f)))
}

# Slots are attributes, also those of a prototype, which is of no class. What a package defines
# counts by its name.
s4_parts <- function(x) {
  if (methods::is(x, "classRepresentation") && isNamespaceLoaded(x@package)) {
    return(list(list(class = c(class(x)), slots = list(x@className, x@package))))
  }
  slots <- attributes(x)
  slots <- slots[setdiff(sort(as.character(names(slots)), method = "radix"), s4_idle)]
  list(list(class = c(class(x)), slots = slots))
}

# What was computed from other slots, as a Matrix's factorisations, what a class has learned of
# others, and how a fit was come by.
s4_idle <- c("class", "factors", "versionKey", "subclasses", "warmstart")

canonical_time <- function(x) {
  as.POSIXct(x)
}

# Tests: test-key-code.R.
#
# Where the names that code uses are bound. What packages bind counts by its name alone.

#' @param uses What `code_uses()` or `formula_uses()` has found.
#' @return A list of environments, each under the name of a binding in it that counts.
#' @noRd
used_bindings <- function(uses, env) {
  if (uses$everything || any(vapply(uses$lookups, looks_up_any, NA, env))) {
    return(every_binding(surrounding_own(env)))
  }
  names <- c(uses$variables, uses$lookups, uses$texts)
  functions <- c(uses$functions, uses$lookups, uses$texts)
  found <- c(
    first_bindings(unique(names), env, "any"),
    first_bindings(unique(functions), env, "function"),
    definitions(surrounding(env), functions, uses$texts)
  )
  is_again <- duplicated(Map(list, found, names(found)))
  sort_bindings(found[!is_again])
}

# Does this variable hold anything but a function? That may be any name.
looks_up_any <- function(name, env) {
  found <- find_captured(name, env)
  !is.null(found) && !is.function(found$value)
}

first_bindings <- function(names, env, mode) {
  found <- lapply(stats::setNames(nm = names), binding_home, env, mode)
  Filter(Negate(is.null), found)
}

# The environment that binds a name, seen from `env`; NULL where it is a package's, or there is
# none.
binding_home <- function(name, env, mode = "any") {
  while (!identical(env, emptyenv())) {
    if (is_bound_here(name, env, mode)) {
      return(if (!is_package_environment(env)) env)
    }
    env <- environment_around(env)
  }
  NULL
}

# list(value = ) of the binding of this mode that a name has, seen from `env`; NULL where it is a
# package's, or there is none.
find_captured <- function(name, env, mode = "any") {
  home <- binding_home(name, env, mode)
  if (!is.null(home)) {
    value <- binding_value(home, name)
    if (length(value) > 0) list(value = value[[1]])
  }
}

every_binding <- function(envs) {
  found <- lapply(envs, function(env) {
    names <- setdiff(ls(env, all.names = TRUE, sorted = FALSE), never_bound)
    stats::setNames(rep(list(env), length(names)), names)
  })
  sort_bindings(unlist(found, recursive = FALSE))
}

# What R itself keeps among the user's variables; the generator's state has a part of its own.
never_bound <- c(".Random.seed", ".Last.value", ".Traceback")

sort_bindings <- function(bindings) {
  bindings[order(as.character(names(bindings)), method = "radix")]
}

# The environments that can be seen, from the innermost, short of packages'.
surrounding <- function(env) {
  found <- list()
  while (!identical(env, emptyenv()) && !identical(env, globalenv())) {
    if (!is_package_environment(env)) found <- c(found, env)
    env <- parent.env(env)
  }
  if (identical(env, globalenv())) c(found, env, data_attached()) else found
}

# Code of a package, in an environment that the package has made, looks for its own names.
surrounding_own <- function(env) {
  found <- list()
  while (!identical(env, emptyenv()) && !isNamespace(env)) {
    if (!is_package_environment(env)) found <- c(found, env)
    env <- environment_around(env)
  }
  found
}

# Where a name is looked up next; an empty one where there is only what packages bind.
environment_around <- function(env) {
  if (!identical(env, globalenv()) || is_data_attached()) parent.env(env) else emptyenv()
}

# As by attach(); behind the global environment there are only packages else.
is_data_attached <- function() length(data_attached()) > 0

data_attached <- function() {
  attached <- search()[-1]
  at <- which(!startsWith(attached, "package:") & attached != "Autoloads")
  lapply(at + 1L, as.environment)
}

is_package_environment <- function(env) {
  if (isNamespace(env) || identical(env, baseenv())) {
    return(TRUE)
  }
  name <- attr(env, "name", exact = TRUE)
  is.character(name) && (
    startsWith(name, "imports:") || name %in% search() && grepl("^package:|^Autoloads$", name)
  )
}

# What dispatch may find beside the names in the code: definitions of S4 classes and methods, S3
# methods of generics that are called, and of classes that are named.
definitions <- function(envs, functions, texts) {
  dotted_bindings(envs, function(names) {
    is_method_of(names, c(functions, group_generics), texts)
  })
}

# The same whatever is called: methods for any function there is.
method_bindings <- function(envs, classes) {
  dotted_bindings(envs, function(names) {
    is_method_of(names, dotted_functions(names), classes)
  })
}

dotted_bindings <- function(envs, is_method) {
  found <- lapply(envs, function(env) {
    names <- setdiff(ls(env, all.names = TRUE, sorted = FALSE), never_bound)
    names <- names[grepl(".", names, fixed = TRUE)]
    if (length(names) == 0) {
      return(NULL)
    }
    counts <- startsWith(names, ".__")
    counts[!counts] <- is_method(names[!counts]) & has_functions(names[!counts], env)
    stats::setNames(rep(list(env), sum(counts)), names[counts])
  })
  sort_bindings(unlist(found, recursive = FALSE))
}

has_functions <- function(names, env) vapply(names, is_bound_here, NA, env, "function")

# What a function was given may be a promise that cannot be kept: it is no function.
is_bound_here <- function(name, env, mode) {
  isTRUE(or_null(exists(name, envir = env, mode = mode, inherits = FALSE)))
}

# Of what stands before a dot in these names, what is a function.
dotted_functions <- function(names) {
  words <- strsplit(names, ".", fixed = TRUE)
  heads <- unlist(lapply(words, function(word) {
    vapply(seq_len(length(word) - 1), function(n) paste(word[seq_len(n)], collapse = "."), "")
  }))
  heads <- unique(heads[nzchar(heads)])
  heads[vapply(heads, exists, NA, envir = globalenv(), mode = "function")]
}

# All that is bound around, short of packages.
names_around <- function(env) unlist(lapply(surrounding(env), names))

group_generics <- c("Ops", "Math", "Summary", "Complex")

# Is there a dot with a generic before it, or with a class behind it?
is_method_of <- function(names, generics, classes) {
  is_method <- logical(length(names))
  dots <- gregexpr(".", names, fixed = TRUE)
  for (i in seq_along(names)) {
    at <- dots[[i]]
    before <- substring(names[[i]], 1, at - 1)
    behind <- substring(names[[i]], at + 1)
    is_method[[i]] <- any(before %in% generics) || any(behind %in% classes)
  }
  is_method
}

# Methods that packages' tables have from elsewhere: the user has registered them.
registered_methods <- function(packages) {
  found <- list()
  for (package in packages[nzchar(packages)]) {
    table <- .getNamespace(package)[[".__S3MethodsTable__."]] # NULL unless it is loaded
    methods <- if (!is.null(table)) as.list.environment(table, all.names = TRUE)
    known <- tables_known[[package]]
    if (!identical(known$table, methods)) {
      known <- list(table = methods, own = Filter(is_own_method, methods))
      assign(package, known, envir = tables_known)
    }
    found <- c(found, known$own)
  }
  if (length(found) > 1) sort_bindings(found) else found
}

# To look through a table takes longer than to see that it is the one before.
tables_known <- new.env(parent = emptyenv())

is_own_method <- function(f) is_closure(f) && identical(topenv(environment(f)), globalenv())

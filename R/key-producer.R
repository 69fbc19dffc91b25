# Whose code makes a fit: R, the fitter's package, those of the functions in the call, its formulas
# and the user's own functions there, and what these packages import. What another one made is only
# good to start from.

#' @param call A call; `env`, where it is made.
#' @return A named character vector, sorted: `R` (the minor version) and each package, by its
#'   version where it was released, else by the digest of its code; and `compiled`, the digest of
#'   the files that the user's functions may call compiled code from, where they call any.
#' @noRd
producers <- function(call, env) {
  walk <- list2env(list(seen = new.env(), packages = character(), compiled = FALSE))
  note_code(list(call), env, walk)
  for (argument in given(as.list(call)[-1])) {
    formula <- argument
    if (is.name(argument)) formula <- or_null(get0(as.character(argument), envir = env))
    if (inherits(formula, "formula")) {
      note_code(list(canonical_call(formula)), environment(formula) %||% env, walk)
    }
  }
  c(
    R = r_minor_version(), package_versions(setdiff(walk$packages, r_packages)),
    compiled = if (walk$compiled) compiled_files()
  )
}

# With those that they import. To find out anew takes as long as to look a key up.
package_versions <- function(packages) {
  known <- packages_known[["last packages"]]
  if (!identical(known$packages, packages) ||
    !identical(known$spaces, lapply(known$all, .getNamespace))) {
    found <- sort(with_imports(packages), method = "radix")
    all <- union(packages, found)
    known <- list(
      packages = packages, all = all, spaces = lapply(all, .getNamespace),
      versions = vapply(stats::setNames(nm = found), code_version, "")
    )
    changes <- vapply(lapply(found, asNamespace), is_loaded_from_source, NA)
    if (!any(changes)) assign("last packages", known, envir = packages_known)
  }
  known$versions
}

r_minor_version <- function() paste0(R.version$major, ".", sub("[.].*", "", R.version$minor))

# Notes the packages that the functions in code come from, and those that the user's own functions
# use in turn.
note_code <- function(exprs, env, walk) {
  uses <- .Call(C_plain_uses, exprs, special)
  if (is.null(uses)) {
    uses <- code_names(exprs)
    uses$packages <- qualified_packages(exprs)
  }
  note_uses(uses, env, walk)
  walk$packages <- c(walk$packages, uses$packages)
}

# Of code that calls one of these, or names it, more has to be read.
special <- setdiff(
  c(
    names(code_readers), names(lookups), environments, parses, quotes, unbinds, "evalq"
  ),
  c("~", "::", ":::", "$", "@")
)

note_uses <- function(uses, env, walk) {
  names <- unique(c(uses$functions, uses$lookups, uses$texts))
  if (any(c(".C", ".Call", ".External", ".External2", ".Fortran") %in% names)) {
    walk$compiled <- TRUE
  }
  for (name in names) {
    fun <- get0(name, envir = env, mode = "function")
    if (typeof(fun) == "closure") note_function(fun, name, walk)
  }
}

note_function <- function(fun, name, walk) {
  home <- environment(fun)
  space <- topenv(home)
  if (isNamespace(space)) walk$packages <- c(walk$packages, space[[".packageName"]])
  if (!isNamespace(home) && is_new_binding(name, home, walk$seen)) {
    note_uses(code_uses(fun), home, walk)
    walk$packages <- c(walk$packages, qualified_packages(list(body(fun))))
  }
}

# `mgcv` in mgcv::gam.
qualified_packages <- function(exprs) {
  found <- character()
  rest <- exprs
  while (length(rest) > 0) {
    expr <- rest[[length(rest)]]
    rest[[length(rest)]] <- NULL
    if (is.call(expr)) {
      if (is_qualified(expr)) found <- c(found, as.character(expr[[2]]))
      rest <- c(rest, given(as.list(expr)))
    }
  }
  unique(found)
}

# Packages of R itself go with its version.
with_imports <- function(packages) {
  found <- character()
  rest <- packages
  while (length(rest) > 0) {
    package <- rest[[1]]
    rest <- rest[-1]
    if (!package %in% c(found, r_packages) && isNamespaceLoaded(package)) {
      found <- c(found, package)
      rest <- c(rest, imports_of(package))
    }
  }
  found
}

r_packages <- c(
  "base", "compiler", "datasets", "graphics", "grDevices", "grid", "methods", "parallel", "splines",
  "stats", "stats4", "tcltk", "tools", "utils"
)

imports_of <- function(package) {
  known_of(package, "imports", function(space) unique(names(getNamespaceImports(space))))
}

code_version <- function(package) {
  known_of(package, "version", function(space) {
    version <- unname(getNamespaceVersion(space))
    if (is_released(space)) version else paste(version, code_digest(space))
  })
}

# A package's version is kept as long as its namespace is the same, but for one that is loaded from
# its sources, which change under way.
known_of <- function(package, what, find) {
  space <- asNamespace(package)
  if (is_loaded_from_source(space)) {
    return(find(space))
  }
  known <- packages_known[[package]]
  if (!identical(known$space, space)) known <- list(space = space)
  if (is.null(known[[what]])) {
    known[[what]] <- find(space)
    assign(package, known, envir = packages_known)
  }
  known[[what]]
}

packages_known <- new.env(parent = emptyenv())

is_loaded_from_source <- function(space) !is.null(space[[".__DEVTOOLS__"]])

# Base and recommended packages have a priority, those from a repository its name.
is_released <- function(space) {
  if (is_loaded_from_source(space)) {
    return(FALSE)
  }
  file <- system.file("Meta", "package.rds", package = getNamespaceName(space))
  description <- if (nzchar(file)) readRDS(file)$DESCRIPTION
  any(c("Repository", "Priority", "biocViews") %in% names(description))
}

# All functions of its namespace, and what they are compiled against.
code_digest <- function(space) {
  names <- sort(ls(space, all.names = TRUE), method = "radix")
  functions <- Filter(is_closure, mget(names, envir = space, inherits = FALSE))
  code <- lapply(functions, function(f) list(formals(f), body(f)))
  libraries <- vapply(space[[".__NAMESPACE__."]]$DLLs, function(dll) dll[["path"]], "")
  digest_of(list(code, unname(tools::md5sum(libraries[file.exists(libraries)]))))
}

digest_of <- function(value) unclass(.Call(C_fingerprint, value, digest_modes[["ignore"]]))

# Libraries that no package has loaded.
compiled_files <- function() {
  paths <- vapply(getLoadedDLLs(), function(dll) dll[["path"]], "")
  of_packages <- unlist(lapply(loadedNamespaces(), function(package) {
    vapply(asNamespace(package)[[".__NAMESPACE__."]]$DLLs, function(dll) dll[["path"]], "")
  }))
  paths <- setdiff(paths[file.exists(paths)], of_packages)
  own <- paths[!startsWith(paths, R.home())]
  digest_of(sort(unname(tools::md5sum(own))))
}

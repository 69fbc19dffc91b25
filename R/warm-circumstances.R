# Tests: test-warm-once.R.
#
# May a function be handed the values of its arguments? Not where it changes what these are
# evaluated in before it comes to them: options, directories, handlers, devices, locks, clocks. So
# it does in with_options(list(digits = 3), format(pi)). What cannot be read to the end may do so.

#' @param values As evaluate_dots() has them.
#' @noRd
is_plain_function <- function(fun, values) {
  walk <- new.env()
  walk$seen <- list()
  handed <- Filter(is.function, lapply(values, `[[`, 1)) # which it may call
  is_quiet(fun, values, walk) && all(vapply(handed, is_quiet, NA, list(), walk))
}

# Further functions than that are not read.
functions_read <- 60

is_quiet <- function(fun, values, walk) {
  if (typeof(fun) != "closure" || any(vapply(walk$seen, identical, NA, fun))) {
    return(TRUE)
  }
  walk$seen <- c(walk$seen, list(fun))
  if (length(walk$seen) > functions_read) {
    return(FALSE)
  }
  defaults <- as.call(c(quote(list), given(as.list(formals(fun)))))
  code <- call("{", body(fun), defaults)
  names <- all.names(code, unique = TRUE)
  if (any(c(names, unlist(.Call(C_strings_in, code))) %in% change_circumstances)) {
    return(FALSE)
  }
  if ("UseMethod" %in% names && !are_methods_quiet(fun, values, walk)) {
    return(FALSE)
  }
  heads <- Filter(is.call, lapply(calls_in(code), `[[`, 1))
  qualified <- lapply(heads, function_at, environment(fun))
  # What is taken out of an object, or made there, is known only when it runs.
  if (any(vapply(qualified, is.null, NA))) {
    return(FALSE)
  }
  called <- lapply(names, get0, envir = environment(fun), mode = "function")
  # Of R's own functions those that matter are named below.
  called <- Filter(Negate(is_from_r_itself), Filter(is.function, c(called, qualified)))
  all(vapply(called, is_quiet, NA, list(), walk))
}

is_from_r_itself <- function(fun) {
  if (typeof(fun) != "closure") {
    return(TRUE)
  }
  space <- topenv(environment(fun))
  isNamespace(space) && space[[".packageName"]] %in% r_packages
}

# The methods that it may come to: those of the classes of what it is given first.
are_methods_quiet <- function(fun, values, walk) {
  dispatch <- Find(function(part) call_name(part) == "UseMethod", calls_in(body(fun)))
  generic <- if (length(dispatch) > 1) dispatch[[2]]
  if (!is_string(generic) || length(values) == 0 || is.null(values[[1]])) {
    return(FALSE)
  }
  value <- values[[1]][[1]]
  for (class in c(class(value), typeof(value), "numeric", "function", "default")) {
    method <- utils::getS3method(generic, class, optional = TRUE, envir = environment(fun))
    if (!is.null(method) && !is_quiet(method, list(), walk)) {
      return(FALSE)
    }
  }
  TRUE
}

calls_in <- function(expr) {
  if (!is.call(expr)) {
    return(list())
  }
  c(list(expr), unlist(lapply(given(as.list(expr)), calls_in), recursive = FALSE))
}

change_circumstances <- c(
  # what is in force while it runs
  "on.exit", "options", "setwd", "Sys.setenv", "Sys.unsetenv", "Sys.setlocale", "Sys.umask",
  "set.seed", "RNGkind", "attach", "detach", "library", "require", "loadNamespace", "<<-", "assign",
  "delayedAssign", "makeActiveBinding", "lockBinding", "unlockBinding", "trace", "untrace",
  # who hears what is said, and what is printed
  "withCallingHandlers", "tryCatch", "try", "suppressWarnings", "suppressMessages",
  "suppressPackageStartupMessages", "globalCallingHandlers", "sink", "capture.output",
  "textConnection",
  # files and devices
  "file", "file.create", "file.remove", "file.rename", "file.copy", "unlink", "dir.create", "url",
  "gzfile", "pipe", "socketConnection", "open", "close", "writeLines", "write", "write.table",
  "save", "saveRDS", "load", "source", "sys.source", "system", "system2", "par", "layout", "pdf",
  "png", "jpeg", "tiff", "bmp", "svg", "postscript", "dev.new", "dev.off", "dev.set",
  "graphics.off",
  # clocks
  "Sys.time", "Sys.Date", "Sys.sleep", "proc.time", "system.time", "date",
  # code that is not there to be read
  "parse", "str2lang", "str2expression", "standardGeneric"
)

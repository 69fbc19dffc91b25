# Tests: test-store.R.
#
# What a store was made with, as its elements.

#' @export
`$.warm_store` <- function(x, name) { # nolint: object_name_linter.
  config <- store_config(x)
  check_elements(name, config)
  config[[name]]
}

#' @export
`[[.warm_store` <- function(x, i, ...) {
  config <- store_config(x)
  check_elements(if (!missing(i) && length(i) == 1) i, config)
  config[[i]]
}

#' @export
`[.warm_store` <- function(x, i, ...) {
  config <- store_config(x)
  if (missing(i)) {
    return(config)
  }
  check_elements(i, config)
  config[i]
}

check_elements <- function(names, config) {
  if (!is.character(names) || !all(names %in% names(config))) {
    what <- if (is.character(names)) setdiff(names, names(config))[[1]] else "i"
    stop_argument(what, paste0(
      "is nothing that a store has; it has ", paste0("`", names(config), "`", collapse = ", "),
      ", each by `$`, and `store_info()` tells more."
    ))
  }
}

#' @export
`$<-.warm_store` <- function(x, name, value) { # nolint: object_name_linter.
  stop_argument(name, paste(
    "cannot be changed in a store that is made. Make another object of the same directory:",
    "`warm_store(path, max_size = , max_age = , trust = )`."
  ))
}

#' @export
`[[<-.warm_store` <- function(x, i, ..., value) {
  `$<-.warm_store`(x, if (!missing(i) && is_string(i)) i else "i", value)
}

#' @export
`[<-.warm_store` <- `[[<-.warm_store`

#' @importFrom utils .DollarNames
#' @export
.DollarNames.warm_store <- function(x, pattern = "") { # nolint: object_name_linter.
  grep(pattern, names(store_config(x)), value = TRUE)
}

# Tests: test-store.R.
#
# What a store was made with, as its elements.

#' @export
`$.warm_store` <- function(x, name) { # nolint: object_name_linter.
  config <- store_config(x)
  if (!name %in% names(config)) {
    stop_argument(name, paste0(
      "is nothing that a store has; `$` gives ", paste0("`", names(config), "`", collapse = ", "),
      ", and `store_info()` more."
    ))
  }
  config[[name]]
}

#' @export
`[[.warm_store` <- function(x, i) `$.warm_store`(x, i)

#' @export
`$<-.warm_store` <- function(x, name, value) { # nolint: object_name_linter.
  stop_argument(name, "is what the store was made with: make another by `warm_store()`.")
}

#' @export
`[[<-.warm_store` <- function(x, i, value) `$<-.warm_store`(x, i, value)

#' @importFrom utils .DollarNames
#' @export
.DollarNames.warm_store <- function(x, pattern = "") { # nolint: object_name_linter.
  grep(pattern, names(store_config(x)), value = TRUE)
}

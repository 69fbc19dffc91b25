# Whole fits hold functions and environments, and reading them can run what is in them. So
# they are loaded only from a place that nobody else can write, or that the user says to
# trust; plain states are numbers and text, are checked before they are read, and come from
# anywhere.

# Called from C: a lookup has passed over a whole object.
warn_withheld <- function(path) {
  warn_warmstart(
    c(
      paste0(
        "A stored fit was not loaded, since others may have written it: ", format_text(path)
      ),
      i = paste(
        "Other users can change that directory, the file, or the way to it; or it is not",
        "yours, or behind a symbolic link."
      ),
      i = paste(
        "A stored fit holds functions: loading it runs what was put in there, with your",
        "rights."
      ),
      i = paste(
        "If you trust all who can write there, use `warm(..., trust = TRUE)` or",
        "`warm_store(path, trust = TRUE)`."
      )
    ),
    class = "trust"
  )
}

# The same store, with whole fits of others taken for the user's own.
trust_store <- function(store) {
  config <- store_config(store)
  .Call(C_store_open, config$path, config$max_size, config$max_age, TRUE)
}

# A fit may hold no code, and then a lookup returns it from anywhere; but what is returned as
# the user's own must be that.
trusted_fit <- function(entry, store) {
  fit <- entry$payload$fit
  if (is.null(fit) || is_own_entry(entry, store)) {
    return(fit)
  }
  warn_withheld(store_config(store)$path)
  NULL
}

# Can nobody else have written it? Or does the user trust all who can?
is_own_entry <- function(entry, store) {
  isTRUE(.Call(C_store_trusts, store, entry$key, entry$run_id))
}

without_trust_warnings <- function(expr) {
  withCallingHandlers(expr, warmstart_warning_trust = function(w) {
    invokeRestart("muffleWarning")
  })
}

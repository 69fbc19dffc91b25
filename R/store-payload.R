# A payload on its way to bytes and back. The number goes into the record; src/bind-entry.c
# has the same table. Changing a meaning needs a new number.
#
#   0 raw     the bytes of a raw vector without attributes, as they are
#   1 plain   R's serialization format, version 2, XDR: what src/core/plain.h accepts
#   2 object  R's serialization format, version 3, XDR: anything; of the environments that a fit was
#             asked for in, the names, as serialize() has it with a `refhook`
#
# Version 2 of the format has no compact (ALTREP) forms, so plain bytes can be checked before
# they are read: a lookup never returns any that were not. Whole objects hold code, and are
# returned only from a place that nobody else can write (below).
encoding_raw <- 0L
encoding_plain <- 1L
encoding_object <- 2L

# The encoding and the bytes. Of the environments in the named list `homes`, their names are kept
# alone. Called from C, too.
encode_payload <- function(payload, limit = Inf, homes = list()) {
  if (is.raw(payload) && is.null(attributes(payload))) {
    if (length(payload) > limit) stop_too_large(limit)
    return(list(encoding_raw, payload))
  }
  bytes <- plain_bytes(payload, limit)
  if (is.null(bytes)) {
    list(encoding_object, .Call(C_serialize, payload, 3L, limit, homes))
  } else {
    list(encoding_plain, bytes)
  }
}

# NULL where that would be more than `limit` bytes.
encode_within <- function(limit, payload, homes = list()) {
  tryCatch(
    encode_payload(payload, limit, homes),
    warmstart_too_large = function(condition) NULL
  )
}

# Called from C, which stops there.
stop_too_large <- function(limit) {
  stop(errorCondition(
    paste("the payload has more than", format_size(limit)),
    class = "warmstart_too_large"
  ))
}

# Of plain data; NULL for anything else. The reader's own check has the last word here too:
# what is written as plain is what will be accepted.
plain_bytes <- function(payload, limit = Inf) {
  if (.Call(C_may_be_plain, payload)) {
    bytes <- .Call(C_serialize, payload, 2L, limit, list())
    if (.Call(C_bytes_are_plain, bytes)) bytes
  }
}

# Data all the way down.
is_plain <- function(x) {
  !is.null(plain_bytes(x))
}

# Called from C. Where the names of environments were kept, those of the named list `homes` come
# back, and elsewhere the global one.
decode_payload <- function(bytes, homes) {
  unserialize(bytes, refhook = function(name) homes[[name]] %||% globalenv())
}

# Trust ------------------------------------------------------------------------------------------

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
  .Call(
    C_store_open, config$path, config$max_size, config$max_age, TRUE,
    .Call(C_store_is_shared, store)
  )
}

# A fit may hold no code, and then a lookup returns it from anywhere; but what is returned as
# the user's own must be that.
trusted_fit <- function(entry, store) {
  fit <- entry$payload$fit
  if (is.null(fit) || isTRUE(entry$is_trusted)) {
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

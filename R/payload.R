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
# returned only from a place that nobody else can write (see R/trust.R).
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

# Called from C.
decode_payload <- function(bytes, encoding) {
  homes <- registry$homes
  unserialize(bytes, refhook = function(name) homes[[name]] %||% globalenv())
}

# `expr`, a lookup, with `homes` for the environments whose names are kept; elsewhere they are the
# global one.
with_homes <- function(homes, expr) {
  before <- registry$homes
  on.exit(registry$homes <- before)
  registry$homes <- homes
  expr
}

# A payload on its way to bytes and back. The number goes into the record; src/bind-entry.c has
# the same table. Changing a meaning needs a new number.
#
#   0 raw     the bytes of a raw vector without attributes, as they are
#   1 plain   R's serialization format, version 2, XDR: vectors, lists and attributes, no code
#   2 object  R's serialization format, version 3, XDR: anything
#
# Version 2 of the format has no compact (ALTREP) forms, so plain bytes can be checked before
# they are read.
encoding_raw <- 0L
encoding_plain <- 1L
encoding_object <- 2L

payload_encoding <- function(payload) {
  if (is.raw(payload) && is.null(attributes(payload))) {
    encoding_raw
  } else if (is_plain(payload)) {
    encoding_plain
  } else {
    encoding_object
  }
}

# Data all the way down.
is_plain <- function(x) {
  if (isS4(x)) {
    return(FALSE)
  }
  plain_type <- typeof(x) %in%
    c("NULL", "logical", "integer", "double", "complex", "character", "raw", "list")
  if (!plain_type || !all(names(attributes(x)) %in% plain_attributes)) {
    return(FALSE)
  }
  all(vapply(attributes(x), is_plain, logical(1))) &&
    (typeof(x) != "list" || all(vapply(unclass(x), is_plain, logical(1))))
}

plain_attributes <- c("names", "dim", "dimnames", "levels", "tsp", "class")

# Called from C: the encoding and the bytes.
encode_payload <- function(payload) {
  encoding <- payload_encoding(payload)
  bytes <- switch(encoding + 1L,
    payload,
    serialize(payload, NULL, version = 2, xdr = TRUE),
    serialize(payload, NULL, version = 3, xdr = TRUE)
  )
  list(encoding, bytes)
}

# Called from C.
decode_payload <- function(bytes, encoding) {
  unserialize(bytes)
}

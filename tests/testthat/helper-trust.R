# Bytes as someone who means harm would write them.

word <- function(...) {
  unlist(lapply(list(...), function(x) writeBin(as.integer(x), raw(), endian = "big")))
}

xdr_header <- c(charToRaw("X\n"), word(2, 0x00040202, 0x00020300))

# What serialize() writes for a value, without the header.
xdr_body <- function(value, ...) {
  serialize(value, NULL, version = 2, ...)[-seq_along(xdr_header)]
}

# An entry whose record says `encoding` and whose payload is `bytes`, whatever they are.
forge_entry <- function(store, key, bytes, encoding, ...) {
  space <- asNamespace("warmstart")
  original <- get("encode_payload", space)
  replace <- function(with) {
    unlockBinding("encode_payload", space)
    assign("encode_payload", with, space)
    lockBinding("encode_payload", space)
  }
  replace(function(payload) list(as.integer(encoding), bytes))
  on.exit(replace(original))
  store_save(store, key, list(), ...)
}

# Lets everyone write a store's directory.
open_to_all <- function(store) {
  Sys.chmod(store_config(store)$path, "0777", use_umask = FALSE)
  store
}

expect_withheld <- function(expr) {
  expect_warning(expr, class = "warmstart_warning_trust")
}

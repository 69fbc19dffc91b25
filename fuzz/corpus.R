# Makes the seed inputs of the fuzz targets, in fuzz/corpus, from what the package writes.
#
#     Rscript fuzz/corpus.R     from the repository's root, with the package installed
#
# Times are made anew each time, so the bytes of records differ between two runs of this; what
# they are examples of does not.

library(warmstart)

key <- "00112233445566778899aabbccddeeff"

seed <- function(target, name, bytes) {
  directory <- file.path("fuzz", "corpus", target)
  dir.create(directory, showWarnings = FALSE, recursive = TRUE)
  if (is.character(bytes)) {
    bytes <- charToRaw(bytes)
  }
  writeBin(bytes, file.path(directory, name))
}

# Values. ------------------------------------------------

values <- list(
  null = NULL, logical = c(TRUE, NA), integer = c(a = 1L, b = NA), double = c(1.5, NaN),
  complex = 1i, raw = as.raw(1:3), missing = NA_character_, ascii = c("a", ""),
  utf8 = "\u00fc\u4e2d\U1f600", latin1 = iconv("\u00fc", "UTF-8", "latin1"),
  bytes = `Encoding<-`("\xff", "bytes"), native = "\xfc", list = list(1, NULL, list("x")),
  names = list(a = c(b = 1), c = c(d = 2)),
  matrix = matrix(1:4, 2, dimnames = list(NULL, 1:2)), table = table(c(1, 1, 2)),
  factor = factor(c("a", NA)), frame = data.frame(x = 1:2, y = "b"),
  rows = data.frame(x = 1, row.names = "a"),
  series = ts(1:4, start = 2000, frequency = 4), date = as.Date("2020-02-29"),
  array = array(1:8, c(2, 2, 2), list(a = 1:2, b = 3:4, c = c("x", "y"))),
  state = list(sp = c("s(x)" = 0.1), scale = 2, coefficients = c(a = 1, b = -1))
)
# What is refused, one of a kind.
refused <- list(
  symbol = quote(x), call = quote(f(x)), closure = function(x) x, environment = new.env(),
  pairlist = pairlist(a = 1), s4 = asS4(1), builtin = sum, expression = expression(a),
  attribute = structure(1, other = 2), global = globalenv()
)
for (name in names(values)) {
  seed("plain", name, serialize(values[[name]], NULL, version = 2))
}
for (name in names(refused)) {
  seed("plain", paste0("refused-", name), serialize(refused[[name]], NULL, version = 2))
}
seed("plain", "refused-version-3", serialize(1:10, NULL, version = 3))
seed("plain", "refused-ascii", serialize(1:10, NULL, version = 2, ascii = TRUE))

# Records and files. ------------------------------------------------

files_of <- function(store) {
  list.files(format(store_info(store)$path), "warm$", recursive = TRUE, full.names = TRUE)
}

file_bytes <- function(store) {
  file <- files_of(store)
  readBin(file, "raw", file.size(file))
}

kept <- function(...) {
  store <- warm_store(tempfile("store"))
  store_save(store, key, ...)
  file_bytes(store)
}

live <- function(payloads) {
  store <- warm_store(tempfile("store"))
  session <- warm_session(store, key, label = "a run")
  for (i in seq_along(payloads)) {
    session_checkpoint(session, payloads[[i]], objective = -i, iteration = i)
  }
  on.exit(session_close(session))
  file_bytes(store)
}

# What a session ends with, history and all.
ended <- function(payload, iterates) {
  store <- warm_store(tempfile("store"))
  session <- warm_session(store, key)
  on.exit(session_close(session))
  for (i in seq_len(iterates)) {
    session_checkpoint(session, raw(), objective = if (i %% 3 == 0) NA else -i, iteration = i)
  }
  session_finalize(session, payload, objective = -1, iteration = iterates)
  file_bytes(store)
}

finished <- list(
  bytes = kept(as.raw(1:9)),
  empty = kept(raw()),
  labelled = kept(
    list(sp = 1),
    objective = 2, iteration = 3, kind = "final", label = "\u00fc x"
  ),
  plain = kept(c(a = 1, b = 2), objective = -1e300),
  object = kept(function(x) x, iteration = 2^53),
  told = ended(as.raw(1:9), 3),
  long = ended(list(sp = 1), 500)
)
running <- list(
  one = live(list(as.raw(1:9))),
  three = live(list(as.raw(1:9), raw(100), list(sp = 1))),
  many = live(rep(list(raw(50)), 8))
)
for (name in names(finished)) {
  for (signing in c(0, 1, 3, 7)) {
    input <- c(as.raw(signing), finished[[name]])
    seed("record", paste0(name, "-", signing), input)
    seed("runfile", paste0(name, "-", signing), input)
  }
}
for (name in names(running)) {
  for (signing in c(0, 3)) {
    seed("runfile", paste0(name, "-", signing), c(as.raw(signing), running[[name]]))
  }
}

# A store's own files. ------------------------------------------------

own_file <- function(store, name) {
  file <- file.path(store_info(store)$path, "v1", name)
  readBin(file, "raw", file.size(file))
}

swept <- function(saves, ...) {
  store <- warm_store(tempfile("store"), ...)
  for (i in seq_len(saves)) store_save(store, fingerprint(i), raw(500))
  own_file(store, ".swept")
}

told <- function(fits) {
  store <- warm_store(tempfile("store"))
  for (i in fits) {
    warm(optim(c(-1.2, i), function(x) sum((x - 1)^2)), store = store)
  }
  own_file(store, ".tally")
}

rounds <- list(
  one = swept(1), some = swept(20), many = swept(400, max_size = "1 MiB"),
  full = swept(300, max_size = "100 KiB"), small = swept(3, max_size = "1 KiB")
)
tallies <- list(one = told(1), again = told(c(1, 1)), some = told(1:3))
for (signing in 0:1) {
  for (name in names(rounds)) {
    seed("round", paste0(name, "-", signing), c(as.raw(signing), rounds[[name]]))
  }
  for (name in names(tallies)) {
    seed("tally", paste0(name, "-", signing), c(as.raw(signing), tallies[[name]]))
  }
}
for (target in c("round", "tally")) {
  seed(target, "empty", as.raw(1))
  seed(target, "foreign", c(as.raw(1), charToRaw("something else")))
}
seed("round", "cut", c(as.raw(1), rounds$many[1:100]))
seed("round", "newer", c(as.raw(1), replace(rounds$many, 9, as.raw(3))))
seed("tally", "cut", c(as.raw(1), tallies$some[1:40]))
seed("tally", "newer", c(as.raw(1), replace(tallies$some, 9, as.raw(2))))

# Frames and names. ------------------------------------------------

seed("hash", "empty", raw())
seed("hash", "one", c(as.raw(c(68, 1, 2, 8)), charToRaw("x"), as.raw(1:16)))
seed("hash", "two", c(
  as.raw(c(68, 4, 3, 3)), charToRaw("name"), writeBin(c(1, NaN, -0), raw()),
  as.raw(c(83, 0, 1, 255)), charToRaw("a string")
))
seed("hash", "long", c(as.raw(c(68, 0, 255, 100)), writeBin(c(1:200, NA, -0) + 0, raw())))
seed("hash", "block", c(as.raw(c(68, 0, 255, 3)), writeBin(1:1020 + 0, raw())))
seed("hash", "special", c(
  as.raw(c(68, 0, 255, 7)), writeBin(c(1:600, NaN, 1:400) + 0, raw())
))

seed("name", "run", paste0(key, "-host-1-2-3.warm"))
seed("name", "temporary", paste0(key, "-host-1-2-3.0123456789abcdef.tmp"))
seed("name", "id", "host.example_1-2")
seed("name", "outside", paste0(key, "-../../x.warm"))
seed("name", "hidden", paste0(key, "-.x.warm"))
seed("name", "longest", paste0(key, "-", strrep("x", 64), ".warm"))
seed("name", "too-long", paste0(key, "-", strrep("x", 65), ".warm"))

round_trip <- function(payload) {
  store <- new_store()
  store_save(store, a_key, payload)
  store_lookup(store, a_key)$payload
}

payloads <- list(
  "NULL" = NULL,
  "an empty raw vector" = raw(),
  "bytes" = as.raw(0:255),
  "a raw vector with names" = c(a = as.raw(1), b = as.raw(2)),
  "numbers with every special value" = c(1.5, NA, NaN, Inf, -Inf, -0, .Machine$double.xmin),
  "integers" = c(-1L, NA, .Machine$integer.max),
  "a compact sequence" = 1:1e5,
  "complex numbers" = c(1 + 2i, NA),
  "strings of several encodings" = c("a", NA, "\u00fc", "\u4e2d"),
  "a nested list" = list(a = 1, b = list(c = "x", d = NULL), 3L),
  "a matrix with dimnames" = matrix(1:4, 2, dimnames = list(c("a", "b"), NULL)),
  "a factor" = factor(c("b", "a", NA)),
  "a data frame" = data.frame(x = 1:3, y = c("a", "b", "c")),
  "a time series" = ts(1:12, start = 2000, frequency = 12),
  "a date" = as.Date("2020-02-29"),
  "a call" = quote(f(x, y = 2)),
  "a state of a fit" = list(sp = c("s(x)" = 0.1), scale = 2, coefficients = c(a = 1))
)

for (what in names(payloads)) {
  test_that(paste(what, "comes back as it was"), {
    expect_identical(round_trip(payloads[[what]]), payloads[[what]])
  })
}

test_that("what is not plain data is encoded as serialize() does it", {
  home <- new.env(parent = globalenv()) # not this one, which changes
  payloads <- evalq(list(
    mean, getClass("numeric"), y ~ x, lm(mpg ~ wt, mtcars), new.env(),
    list(f = function() x, g = quote(a + b), text = c("\u00fc", NA), ints = 1:1e5)
  ), home)
  for (payload in payloads) {
    encoded <- encode_payload(payload)
    expect_identical(encoded[[1]], encoding_object)
    expect_identical(encoded[[2]], serialize(payload, NULL, version = 3, xdr = TRUE))
  }
})

test_that("a payload beyond its limit is not encoded", {
  for (payload in list(numeric(1000), list(identity, numeric(1000)), as.raw(1:100))) {
    bytes <- encode_payload(payload)[[2]]
    expect_identical(encode_within(length(bytes), payload)[[2]], bytes)
    expect_null(encode_within(length(bytes) - 1, payload))
  }
})

test_that("encoding evaluates nothing", {
  keep <- function(never) function() never
  payload <- keep(stop("evaluated"))
  expect_identical(encode_payload(payload)[[1]], encoding_object)
})

test_that("a large payload comes back as it was", {
  large <- list(as.numeric(1:1e6), as.raw(rep(1:100, 1e4)))
  expect_identical(round_trip(large), large)
})

test_that("a function comes back and works", {
  offset <- 10
  f <- round_trip(list(function(x) x + offset))[[1]]
  expect_identical(f(1), 11)
})

test_that("a formula comes back with its environment", {
  formula <- y ~ x
  environment(formula) <- globalenv()
  expect_identical(round_trip(formula), formula)
})

test_that("bytes are stored as they are", {
  store <- new_store()
  bytes <- as.raw(sample(0:255, 1000, replace = TRUE))
  store_save(store, a_key, bytes)
  stored <- read_bytes(run_files(store))
  expect_identical(utils::tail(stored, 1000), bytes)
})

test_that("plain data is told from code", {
  expect_true(is_plain(list(a = 1, b = "x", c = list(NULL, factor("a")))))
  expect_true(is_plain(data.frame(x = 1)[, "x"]))
  expect_false(is_plain(list(1, list(mean))))
  expect_false(is_plain(list(quote(x))))
  expect_false(is_plain(structure(1, note = "unknown attribute")))
  expect_false(is_plain(structure(list(), class = "a", names = NULL, env = globalenv())))
  expect_false(is_plain(methods::new("numeric") |> asS4()))
})

# What is code is not loaded as plain data ------------------------------------------------

# Each leaves a trace where it runs.
touch <- quote(Sys.setenv(WARMSTART_TOUCHED = "1"))
touched <- function() Sys.getenv("WARMSTART_TOUCHED") != ""

promise_bytes <- c(word(0x405, 253, 252), xdr_body(touch))

active_environment <- function() {
  env <- new.env()
  makeActiveBinding("x", function() eval(touch), env)
  env
}

finalized_environment <- function() {
  env <- new.env()
  reg.finalizer(env, function(e) NULL, onexit = TRUE)
  env
}

compact_body <- function() {
  bytes <- serialize(1:10, NULL, version = 3)
  bytes[-seq_len(18 + readBin(bytes[15:18], "integer", endian = "big"))]
}

bodies <- list(
  "a promise" = promise_bytes,
  "a closure" = xdr_body(function() eval(touch)),
  "byte code" = xdr_body(compiler::compile(touch)),
  "a closure with byte code" = xdr_body(compiler::cmpfun(function() eval(touch))),
  "a call" = xdr_body(touch),
  "a symbol" = xdr_body(quote(T)),
  "an expression" = xdr_body(expression(eval(touch))),
  "a formula" = xdr_body(y ~ x),
  "an environment" = xdr_body(new.env()),
  "an environment with an active binding" = xdr_body(active_environment()),
  "an environment with a finalizer" = xdr_body(finalized_environment()),
  "the global environment" = xdr_body(globalenv()),
  "a namespace" = xdr_body(asNamespace("stats")),
  "a persistent name" = xdr_body(new.env(), refhook = function(env) "name"),
  "an S4 object" = xdr_body(methods::getClass("numeric")),
  "the S4 bit" = xdr_body(asS4(1)),
  "an external pointer" = word(22, 254, 254),
  "a weak reference" = word(23),
  "a function of R's own" = xdr_body(sum),
  "a pairlist" = xdr_body(pairlist(a = 1)),
  "a compact sequence" = compact_body(),
  "an unknown attribute" = xdr_body(structure(1, other = 2)),
  "code in an attribute" = xdr_body(structure(1, levels = touch)),
  "code in a class" = xdr_body(structure(list(1), class = "x", other = function() 1)),
  "a reference to nothing" = word(0x1ff),
  "lists nested a hundred thousand deep" = c(rep(word(19, 1), 1e5), word(254)),
  "a length of 2^31 - 1" = word(24, .Machine$integer.max),
  "a length of 2^31" = word(24, -1, 0, NA),
  "a negative length" = word(14, -2),
  "names beyond the elements" = c(
    word(0x20d, 1, 1, 0x402, 1, 0x40009, 5), charToRaw("names"), xdr_body(c("a", "b")),
    word(254)
  ),
  "a dim beyond the elements" = c(
    word(0x20d, 1, 1, 0x402, 1, 0x40009, 3), charToRaw("dim"), xdr_body(c(1000L, 1000L)),
    word(254)
  )
)

for (what in names(bodies)) {
  test_that(paste(what, "is passed over, and nothing of it runs"), {
    Sys.unsetenv("WARMSTART_TOUCHED")
    good <- list(sp = 1)
    inputs <- list(
      c(xdr_header, bodies[[what]]),
      c(xdr_header, word(19, 1), bodies[[what]])
    )
    for (bytes in inputs) {
      store <- new_store()
      store_save(store, a_key, good, objective = 2)
      forge_entry(store, a_key, bytes, encoding_plain, objective = 1)
      expect_silent(entry <- store_lookup(store, a_key))
      expect_identical(entry$payload, good)
      store_delete(store, a_key, entry$run_id)
      expect_null(store_lookup(store, a_key))
      expect_null(session_load(new_session(store)))
    }
    gc()
    expect_false(touched())
  })
}

test_that("plain bytes of a later version are passed over", {
  store <- new_store()
  forge_entry(store, a_key, serialize(1, NULL, version = 3), encoding_plain)
  expect_null(store_lookup(store, a_key))
})

test_that("an encoding that is not known is passed over", {
  store <- new_store()
  store_save(store, a_key, "known", objective = 2)
  forge_entry(store, a_key, raw(8), 3, objective = 1)
  expect_identical(store_lookup(store, a_key)$payload, "known")
})

test_that("the hostile things do run where nothing stops them", {
  Sys.unsetenv("WARMSTART_TOUCHED")
  value <- unserialize(c(xdr_header, word(19, 1), promise_bytes))
  try(force(value[[1]]), silent = TRUE)
  identity(value)[[1]]
  unserialize(c(xdr_header, bodies[["a closure"]]))()
  expect_true(touched())
  Sys.unsetenv("WARMSTART_TOUCHED")
})

# The validator against R ------------------------------------------------

draw <- function(choices) choices[[sample(length(choices), 1)]]

random_strings <- function(n) {
  latin <- "\xe9"
  Encoding(latin) <- "latin1"
  known <- c("", "a", "some text", NA, "\u00fc", "\u4e2d\u6587", "\U1f600", latin)
  sample(known, n, replace = TRUE)
}

random_vector <- function(n) {
  draw(list(
    function() sample(c(TRUE, FALSE, NA), n, replace = TRUE),
    function() sample(c(-5:5, NA, .Machine$integer.max), n, replace = TRUE),
    function() sample(c(stats::rnorm(5), NA, NaN, Inf, -0), n, replace = TRUE),
    function() complex(real = stats::rnorm(n), imaginary = stats::rnorm(n)),
    function() random_strings(n),
    function() as.raw(sample(0:255, n, replace = TRUE)),
    function() seq_len(n)
  ))()
}

random_list <- function(n, depth) {
  lapply(seq_len(n), function(i) random_plain(depth - 1))
}

random_plain <- function(depth) {
  n <- sample(0:6, 1)
  if (depth == 0) {
    return(random_vector(n))
  }
  draw(list(
    function() NULL,
    function() random_vector(n),
    function() stats::setNames(random_vector(n), random_strings(n)),
    function() random_list(n, depth),
    function() stats::setNames(random_list(n, depth), random_strings(n)),
    function() matrix(random_vector(6), 2, dimnames = list(NULL, random_strings(3))),
    function() matrix(random_vector(6), 3, dimnames = list(rows = NULL, columns = 1:2)),
    function() array(random_vector(12), c(2, 3, 2)),
    function() matrix(nrow = 0, ncol = n),
    function() factor(sample(letters[1:3], n, replace = TRUE), levels = letters[1:4]),
    function() stats::ts(stats::rnorm(n + 1), start = 2000, frequency = 12),
    function() data.frame(x = seq_len(n), y = rep("b", n)),
    function() data.frame(x = seq_len(n), row.names = letters[seq_len(n)]),
    function() as.Date("2020-02-29") + seq_len(n),
    function() table(sample(3, 20, replace = TRUE), sample(2, 20, replace = TRUE)),
    function() {
      grown <- list()
      for (i in seq_len(n)) grown[[i]] <- i
      grown
    },
    function() structure(list(a = 1), class = c("one", "two"))
  ))()
}

with_fixed_chance <- function(expr) {
  skip_if_not_installed("withr")
  withr::with_seed(6, expr)
}

test_that("thousands of random plain objects are accepted and come back identical", {
  with_fixed_chance(for (i in 1:4000) {
    value <- random_plain(3)
    bytes <- plain_bytes(value)
    if (is.null(bytes) || !identical(unserialize(bytes), value)) {
      fail(paste("not accepted, or not the same:", deparse1(value)))
    }
  })
  succeed()
})

# Both must hold of every change that is accepted: R reads it, and what it reads is plain.
test_that("random changes of bytes are refused, or still plain", {
  accepted <- 0
  with_fixed_chance(for (i in 1:8000) {
    bytes <- plain_bytes(random_plain(2))
    for (flip in seq_len(sample(3, 1))) {
      at <- sample(length(bytes), 1)
      bytes[[at]] <- xor(bytes[[at]], as.raw(2^sample(0:7, 1)))
    }
    if (.Call(C_bytes_are_plain, bytes)) {
      accepted <- accepted + 1
      if (!is_plain(unserialize(bytes))) {
        fail(paste("not plain:", deparse1(bytes)))
      }
    }
  })
  expect_gt(accepted, 500)
})

test_that("what is plain to R and cannot be checked is stored as an object", {
  wrong <- "\xfc"
  Encoding(wrong) <- "UTF-8"
  deep <- Reduce(function(inner, i) list(inner), 1:200, 1)
  for (value in list(wrong, deep, list(structure(1, other = 2)))) {
    expect_false(is_plain(value))
    expect_identical(encode_payload(value)[[1]], encoding_object)
  }
})

# Whole objects, from private stores only ------------------------------------------------

skip_on_os("windows")

a_function <- function(x) x + 1

stored_function <- function() {
  store <- new_store()
  store_save(store, a_key, a_function, objective = 1)
  store
}

test_that("an object comes back from a private store", {
  expect_identical(store_lookup(stored_function(), a_key)$payload(1), 2)
})

test_that("an object in a store that others can write is withheld, with one warning", {
  store <- open_to_all(stored_function())
  warnings <- collect_warnings(expect_null(store_lookup(store, a_key)))
  expect_length(warnings, 1)
  expect_s3_class(warnings[[1]], "warmstart_warning_trust")
  expect_match(conditionMessage(warnings[[1]]), "trust = TRUE", fixed = TRUE)
})

test_that("the next best entry is returned in its place", {
  store <- stored_function()
  store_save(store, a_key, list(sp = 1), objective = 2)
  open_to_all(store)
  expect_withheld(entry <- store_lookup(store, a_key))
  expect_identical(entry$payload, list(sp = 1))
})

test_that("a session withholds it too", {
  store <- open_to_all(stored_function())
  session <- new_session(store)
  expect_withheld(expect_null(session_load(session)))
  expect_withheld(expect_null(session_peek(session)))
})

test_that("plain data and bytes come from a store that others can write", {
  store <- new_store()
  store_save(store, a_key, list(sp = 1))
  store_save(store, other_key, as.raw(1:3))
  open_to_all(store)
  expect_silent(state <- store_lookup(store, a_key)$payload)
  expect_silent(bytes <- store_lookup(store, other_key)$payload)
  expect_identical(list(state, bytes), list(list(sp = 1), as.raw(1:3)))
})

test_that("a store that is trusted returns objects that others may have written", {
  path <- store_config(open_to_all(stored_function()))$path
  expect_silent(entry <- store_lookup(warm_store(path, trust = TRUE), a_key))
  expect_identical(entry$payload(1), 2)
})

test_that("trust goes with a handle that is saved", {
  path <- store_config(open_to_all(stored_function()))$path
  store <- unserialize(serialize(warm_store(path, trust = TRUE), NULL))
  expect_identical(store_lookup(store, a_key)$payload(1), 2)
})

test_that("an object behind a symbolic link is withheld", {
  path <- store_config(stored_function())$path
  link <- tempfile("link")
  file.symlink(path, link)
  expect_withheld(expect_null(store_lookup(warm_store(link), a_key)))
})

test_that("an object whose file others can write is withheld", {
  store <- stored_function()
  Sys.chmod(run_files(store), "0666", use_umask = FALSE)
  expect_withheld(expect_null(store_lookup(store, a_key)))
})

test_that("an object of another user is withheld", {
  skip_if(Sys.info()[["effective_user"]] != "root", "needs root")
  store <- stored_function()
  skip_if(system2("chown", c("nobody", shQuote(run_files(store)))) != 0, "no user nobody")
  expect_withheld(expect_null(store_lookup(store, a_key)))
})

test_that("a preloaded object is the caller's own", {
  store <- stored_function()
  entry <- store_lookup(store, a_key)
  session <- new_session(open_to_all(store), other_key)
  session_preload(session, entry)
  expect_silent(loaded <- session_load(session))
  expect_identical(loaded$payload(1), 2)
})

test_that("a new store is its user's alone", {
  before <- Sys.umask("000")
  on.exit(Sys.umask(before))
  store <- stored_function()
  path <- store_config(store)$path
  file <- run_files(store)
  modes <- file.mode(c(path, file.path(path, "v1"), dirname(file), file))
  expect_identical(format(modes), c("700", "700", "700", "600"))
})

for (bad in list(NA, "yes", NULL, c(TRUE, FALSE), 1)) {
  test_that(paste("trust =", deparse1(bad), "is an error"), {
    expect_argument_error(warm_store(tempfile(), trust = bad), "trust")
  })
}

# warm() ------------------------------------------------

fit_cars <- function(store, ...) {
  warm(mgcv::gam(mpg ~ s(hp), data = mtcars, method = "REML"), store, ...)
}

fitted_store <- function() {
  skip_if_not_installed("mgcv")
  store <- new_store()
  fit_cars(store)
  store
}

test_that("a finished fit comes back from a private store", {
  expect_identical(warm_info(fit_cars(fitted_store()))$source, "finished")
})

test_that("where it is withheld, the fit starts from its state, with one warning", {
  store <- open_to_all(fitted_store())
  warnings <- collect_warnings(fit <- fit_cars(store))
  expect_length(warnings, 1)
  expect_s3_class(warnings[[1]], "warmstart_warning_trust")
  expect_identical(warm_info(fit)[c("source", "found")], list(
    source = "seeded", found = "finished fit"
  ))
  plain <- mgcv::gam(mpg ~ s(hp), data = mtcars, method = "REML")
  expect_equal(as.numeric(fit$gcv.ubre), as.numeric(plain$gcv.ubre), tolerance = 1e-6)
})

test_that("that is so without near matches as well", {
  store <- open_to_all(fitted_store())
  expect_withheld(fit <- fit_cars(store, near = FALSE))
  expect_identical(warm_info(fit)$source, "seeded")
})

test_that("warm(trust = TRUE) returns it", {
  store <- open_to_all(fitted_store())
  expect_silent(fit <- fit_cars(store, trust = TRUE))
  expect_identical(warm_info(fit)$source, "finished")
})

test_that("who does not want the stored fit is not warned about it", {
  store <- open_to_all(fitted_store())
  expect_silent(fit <- fit_cars(store, reuse = FALSE))
  expect_identical(warm_info(fit)$source, "seeded")
})

test_that("a finished fit that is plain data and may be anybody's is not returned", {
  store <- fitted_store()
  key <- store_list(store)
  key <- key$key[key$kind == "final" & !grepl("seed", key$label)][[1]]
  entry <- store_lookup(store, key)
  lie <- entry$payload
  lie$fit <- list(coefficients = c(a = 1))
  store_delete(store, key)
  store_save(store, key, lie, -1e9, kind = "final")
  open_to_all(store)
  expect_withheld(fit <- fit_cars(store))
  expect_s3_class(fit, "gam")
})

test_that("warm(trust = NA) is an error", {
  expect_argument_error(fit_cars(new_store(), trust = NA), "trust")
})

# What is printed ------------------------------------------------

test_that("text that would steer a terminal is not printed as it is", {
  expect_identical(
    format_text(c("\033[2J", "a\tb\n", "\u0085", "x\u2066y", "a\u2028", "\u202e")),
    c("?[2J", "a?b?", "?", "x?y", "a?", "?")
  )
})

test_that("text of other scripts, and bytes that are no text, can be read", {
  words <- c("\u4e2d", "\u0645\u06cc\u200c\u062e")
  expect_identical(format_text(words), words)
  expect_identical(format_text("\xff"), "<ff>")
})

test_that("a payload's class is not printed as it is", {
  store <- new_store()
  store_save(store, a_key, structure(list(), class = "\033[31mred"))
  expect_false(any(grepl("\033", format(store_lookup(store, a_key)), fixed = TRUE)))
})

test_that("a related model's terms are not printed as they are", {
  entry <- list(payload = list(state = 1, terms = "s(x)\033[2J"), kind = "final")
  expect_identical(new_start(entry, "related", new_store())$found, "related model, s(x)?[2J")
})

test_that("counts that are none do not get into a fit", {
  entry <- list(
    payload = list(state = 1, iterations = "\033", seconds = list()), kind = "checkpoint",
    key = a_key, run_id = "run"
  )
  expect_identical(new_start(entry, "exact", new_store())[c("iterations", "seconds")], list(
    iterations = 0, seconds = 0
  ))
})

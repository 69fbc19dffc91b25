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

latin1 <- function(text) {
  iconv(text, "UTF-8", "latin1")
}

bytes_of <- function(text) {
  Encoding(text) <- "bytes"
  text
}

same <- function(...) {
  keys <- vapply(list(...), function(x) format(fingerprint(x)), character(1))
  length(unique(keys)) == 1
}

# Pairs that are the same value ------------------------------------------------

equal_pairs <- list(
  "-0 and 0" = list(-0, 0),
  "two kinds of NaN" = list(NaN, -NaN),
  "NaN as it is read from bytes, and R's" = list(
    readBin(as.raw(c(1, 2, 3, 4, 5, 6, 0xf8, 0x7f)), "double", endian = "little"), NaN
  ),
  "complex -0 and 0" = list(complex(real = -0, imaginary = 0), complex(real = 0, imaginary = -0)),
  "a compact sequence and the same written out" = list(1:5, c(1L, 2L, 3L, 4L, 5L)),
  "a long compact sequence and the same copied" = list(1:1e5, c(1:50000, 50001:1e5)),
  "a compact sequence of doubles and the same added up" = list(
    as.numeric(1:2048), cumsum(rep(1, 2048))
  ),
  "deferred strings and the same" = list(as.character(1:2000), paste0(1:2000)),
  "text in UTF-8 and in Latin-1" = list("na\u00efve", latin1("na\u00efve")),
  "names in UTF-8 and in Latin-1" = list(
    stats::setNames(1, "\u00fc"), stats::setNames(1, latin1("\u00fc"))
  ),
  "ASCII text, marked or not" = list("abc", enc2utf8("abc")),
  "levels in UTF-8 and in Latin-1" = list(factor("\u00fc"), factor(latin1("\u00fc"))),
  "data frame columns named in UTF-8 and in Latin-1" = list(
    stats::setNames(data.frame(1), "\u00fc"), stats::setNames(data.frame(1), latin1("\u00fc"))
  ),
  "data frames with other row names" = list(
    data.frame(x = 1:2), data.frame(x = 1:2, row.names = c("a", "b"))
  ),
  "a data frame with automatic and with written row names" = list(
    data.frame(x = 1:3), data.frame(x = 1:3, row.names = 1:3)
  ),
  "a data frame that was subset to all its rows" = list(
    data.frame(x = 1:3), data.frame(x = 1:4)[1:3, , drop = FALSE]
  ),
  "functions with and without source references" = list(
    eval(parse(text = "function(x) x  + 1", keep.source = TRUE)),
    eval(parse(text = "function(x) x + 1", keep.source = FALSE))
  ),
  "function literals with and without source references" = list(
    parse(text = "function(x) x  + 1", keep.source = TRUE)[[1]],
    parse(text = "function(x) x + 1", keep.source = FALSE)[[1]]
  ),
  "a function, compiled or not" = list(
    function(x) x + 1, compiler::cmpfun(function(x) x + 1)
  ),
  "formulas of two environments" = list(list(local(y ~ x)), list(y ~ x)),
  "a call parsed from other spacing" = list(str2lang("f( x,1 )"), quote(f(x, 1))),
  "attributes in another order" = list(
    structure(1, a = 2, b = 3), structure(1, b = 3, a = 2)
  ),
  "a time as POSIXct and as POSIXlt" = list(
    as.POSIXct("2024-02-29 12:00:00", tz = "UTC"), as.POSIXlt("2024-02-29 12:00:00", tz = "UTC")
  ),
  "closures over equal values" = list(
    local({
      k <- 2
      function(x) x * k
    }),
    local({
      k <- 2
      unused <- 5
      function(x) x * k
    })
  ),
  "a local function and the same, defined elsewhere" = list(
    local({
      helper <- function(z) z + 1
      function(x) helper(x)
    }),
    local(local({
      helper <- function(z) z + 1
      function(x) helper(x)
    }))
  )
)

for (what in names(equal_pairs)) {
  test_that(paste("equal fingerprints have", what), {
    pair <- equal_pairs[[what]]
    expect_identical(format(fingerprint(pair[[1]])), format(fingerprint(pair[[2]])))
  })
}

test_that("equal fingerprints have symbols in UTF-8 and in Latin-1", {
  skip_if_not(l10n_info()[["UTF-8"]], "R keeps symbols in the locale's encoding")
  expect_true(same(as.name("\u00fc"), as.name(latin1("\u00fc"))))
})

test_that("one letter beyond ASCII is seen wherever it stands, alone and among many strings", {
  for (size in c(1:40, 64, 100)) {
    places <- seq_len(size)
    text <- vapply(places, function(at) {
      paste(replace(rep("a", size), at, "\u00fc"), collapse = "")
    }, "")
    expect_identical(anyDuplicated(vapply(text, function(x) format(fingerprint(x)), "")), 0L)
    expect_true(same(text, latin1(text)))
    others <- paste("others", size, seq_len(2000))
    expect_true(same(c(text, others), c(latin1(text), others)))
  }
})

test_that("a string that is gone does not stand for one that R puts in its place", {
  # The texts of primitives are made on the way, and nobody keeps them.
  values <- list(as.character(seq_len(2000)), sum, max, min, sin, cos)
  expected <- format(fingerprint(values))
  before <- gctorture2(1L)
  key <- tryCatch(fingerprint(values), finally = gctorture2(before))
  expect_identical(format(key), expected)
})

# Pairs that are not ------------------------------------------------

different_pairs <- list(
  "an integer and a double" = list(1L, 1),
  "a logical and an integer" = list(TRUE, 1L),
  "NA and NaN" = list(NA_real_, NaN),
  "NA of two types" = list(NA, NA_integer_),
  "a missing integer and a missing double" = list(NA_integer_, NA_real_),
  "complex NA and NaN" = list(NA_complex_, complex(real = NaN, imaginary = 0)),
  "a missing string and the text NA" = list(NA_character_, "NA"),
  "an empty string and none" = list("", character()),
  "a missing string and an empty one" = list(NA_character_, ""),
  "neighbouring doubles" = list(1, 1 + .Machine$double.eps),
  "the least double and 0" = list(4.9e-324, 0),
  "Inf and -Inf" = list(Inf, -Inf),
  "real and imaginary parts exchanged" = list(1 + 2i, 2 + 1i),
  "a number and its text" = list(1, "1"),
  "raw and integer" = list(as.raw(1), 1L),
  "vectors in another order" = list(1:3, 3:1),
  "strings split elsewhere" = list(c("ab", "c"), c("a", "bc")),
  "a string and its halves" = list("ab", c("a", "b")),
  "text with an accent and its two bytes" = list("\u00fc", bytes_of("\u00fc")),
  "composed and decomposed letters" = list("\u00fc", "u\u0308"),
  "upper and lower case" = list("a", "A"),
  "NULL and an empty list" = list(NULL, list()),
  "NULL and an empty vector" = list(NULL, integer()),
  "empty vectors of two types" = list(integer(), double()),
  "a vector and a list of it" = list(1:2, list(1:2)),
  "a list of one and of two" = list(list(1:2), list(1L, 2L)),
  "a list and a list in a list" = list(list(1), list(list(1))),
  "lists nested elsewhere" = list(list(list(1), 2), list(1, list(2))),
  "an empty list in a list and NULL in it" = list(list(list()), list(NULL)),
  "named and unnamed" = list(c(a = 1), 1),
  "other names" = list(c(a = 1), c(b = 1)),
  "named and unnamed lists" = list(list(a = 1), list(1)),
  "names exchanged" = list(list(a = 1, b = 2), list(b = 1, a = 2)),
  "a vector and a matrix" = list(1:4, matrix(1:4, 2)),
  "a matrix and its transposed shape" = list(matrix(1:6, 2), matrix(1:6, 3)),
  "a matrix and an array" = list(matrix(1:4, 2), array(1:4, c(2, 2, 1))),
  "dimnames or none" = list(matrix(1, 1, 1), matrix(1, 1, 1, dimnames = list("a", NULL))),
  "dimnames exchanged" = list(
    matrix(1, 1, 1, dimnames = list("a", NULL)), matrix(1, 1, 1, dimnames = list(NULL, "a"))
  ),
  "a factor and its codes" = list(factor(c("a", "b")), 1:2),
  "a factor and its text" = list(factor(c("a", "b")), c("a", "b")),
  "a factor and an ordered one" = list(factor("a"), factor("a", ordered = TRUE)),
  "a factor with a further level" = list(factor("a"), factor("a", levels = c("a", "b"))),
  "levels in another order" = list(
    factor("a", levels = c("a", "b")), factor("a", levels = c("b", "a"))
  ),
  "other contrasts of a factor" = list(
    factor(c("a", "b")), structure(factor(c("a", "b")), contrasts = "contr.sum")
  ),
  "a date and its number" = list(as.Date("2024-02-29"), 19782),
  "a date and a time" = list(
    as.Date("1970-01-01"), as.POSIXct(0, origin = "1970-01-01", tz = "UTC")
  ),
  "time zones" = list(
    as.POSIXct("2024-02-29", tz = "UTC"), as.POSIXct("2024-02-29", tz = "Europe/Berlin")
  ),
  "one moment in two time zones" = list(
    structure(0, class = c("POSIXct", "POSIXt"), tzone = "UTC"),
    structure(0, class = c("POSIXct", "POSIXt"), tzone = "Europe/Berlin")
  ),
  "time zones of POSIXlt" = list(
    as.POSIXlt("2024-02-29", tz = "UTC"), as.POSIXlt("2024-02-29", tz = "Europe/Berlin")
  ),
  "units of a difftime" = list(
    as.difftime(1, units = "hours"), as.difftime(1, units = "mins")
  ),
  "a class or none" = list(1, structure(1, class = "a")),
  "classes in another order" = list(
    structure(1, class = c("a", "b")), structure(1, class = c("b", "a"))
  ),
  "an attribute or none" = list(1, structure(1, note = "x")),
  "time series of another start" = list(ts(1:3, start = 1), ts(1:3, start = 2)),
  "a data frame and its list" = list(data.frame(x = 1:2), list(x = 1:2)),
  "columns in another order" = list(data.frame(x = 1, y = 2), data.frame(y = 2, x = 1)),
  "other column names" = list(data.frame(x = 1), data.frame(y = 1)),
  "column values" = list(data.frame(x = c(1, 2)), data.frame(x = c(1, 3))),
  "rows in another order" = list(data.frame(x = 1:2), data.frame(x = 2:1)),
  "frames without columns, of other rows" = list(
    data.frame(row.names = 1:2), data.frame(row.names = 1:3)
  ),
  "a column of one type and another" = list(data.frame(x = 1L), data.frame(x = 1)),
  "list columns" = list(data.frame(x = I(list(1, 2))), data.frame(x = I(list(1, 3)))),
  "a matrix column and two columns" = list(
    data.frame(x = I(matrix(1:4, 2))), data.frame(x.1 = 1:2, x.2 = 3:4)
  ),
  "calls" = list(quote(f(x)), quote(g(x))),
  "a call's argument names" = list(quote(f(a = x)), quote(f(b = x))),
  "a call and its text" = list(quote(f(x)), "f(x)"),
  "a symbol and its text" = list(quote(x), "x"),
  "an expression and its call" = list(expression(f(x)), quote(f(x))),
  "an expression and a list" = list(expression(1), list(1)),
  "formulas" = list(list(y ~ x), list(y ~ x + z)),
  "a formula and its call" = list(list(y ~ x), list(quote(y ~ x))),
  "a parenthesis in a call" = list(quote((x)), quote(x)),
  "function bodies" = list(function(x) x + 1, function(x) x + 2),
  "function arguments" = list(function(x) x, function(x, y) x),
  "argument names" = list(function(x) 1, function(y) 1),
  "argument defaults" = list(function(x = 1) x, function(x = 2) x),
  "a missing default and NULL" = list(function(x) x, function(x = NULL) x),
  "values in closures" = list(
    local({
      k <- 2
      function(x) x * k
    }),
    local({
      k <- 3
      function(x) x * k
    })
  ),
  "functions that closures call" = list(
    local({
      helper <- function(z) z + 1
      function(x) helper(x)
    }),
    local({
      helper <- function(z) z + 2
      function(x) helper(x)
    })
  ),
  "functions of one name in two packages" = list(stats::filter, base::Filter),
  "primitives" = list(sum, prod),
  "a primitive and a function of a package" = list(sum, mean),
  "parallel functions of one package" = list(stats::sd, stats::var)
)

for (what in names(different_pairs)) {
  test_that(paste("different fingerprints have", what), {
    pair <- different_pairs[[what]]
    expect_false(fingerprint(pair[[1]]) == fingerprint(pair[[2]]))
  })
}

# Data from other packages ------------------------------------------------

plain_frame <- data.frame(x = c(1, 2), y = c("a", NA), z = factor(c("u", "v")))

test_that("a tibble has the fingerprint of its data frame", {
  skip_if_not_installed("tibble")
  expect_true(same(plain_frame, tibble::as_tibble(plain_frame)))
})

test_that("a data.table has the fingerprint of its data frame", {
  skip_if_not_installed("data.table")
  expect_true(same(plain_frame, data.table::as.data.table(plain_frame)))
})

test_that("keys and indices of a data.table do not count", {
  skip_if_not_installed("data.table")
  keyed <- data.table::data.table(x = c(1, 2), y = c("a", "b"))
  data.table::setkeyv(keyed, "x")
  data.table::setindexv(keyed, "y")
  expect_true(same(keyed, data.frame(x = c(1, 2), y = c("a", "b"))))
})

test_that("an integer64 counts by its whole numbers", {
  skip_if_not_installed("bit64")
  one <- bit64::as.integer64(c("1", NA, "9007199254740993"))
  expect_true(same(one, bit64::as.integer64(c("1", NA, "9007199254740993"))))
  expect_false(same(one, bit64::as.integer64(c("1", NA, "9007199254740992"))))
})

test_that("an integer64 is not the double of its bits, nor the integer of its value", {
  skip_if_not_installed("bit64")
  one <- bit64::as.integer64("1")
  expect_false(same(one, unclass(one)))
  expect_false(same(one, 1L))
})

test_that("an integer64's least value is not a negative zero", {
  skip_if_not_installed("bit64")
  expect_false(same(bit64::as.integer64(NA), bit64::as.integer64(0)))
})

a_sparse_matrix <- function(x = 3) {
  Matrix::sparseMatrix(i = c(1, 2), j = c(2, 1), x = c(x, 4), dims = c(2, 2))
}

test_that("sparse matrices count by their values", {
  skip_if_not_installed("Matrix")
  expect_true(same(a_sparse_matrix(), a_sparse_matrix()))
  expect_false(same(a_sparse_matrix(), a_sparse_matrix(5)))
})

test_that("what a sparse matrix has computed of itself does not count", {
  skip_if_not_installed("Matrix")
  used <- Matrix::crossprod(a_sparse_matrix()) + Matrix::Diagonal(2)
  before <- fingerprint(used)
  Matrix::chol(used)
  Matrix::determinant(used)
  expect_identical(fingerprint(used), before)
})

test_that("a sparse matrix is not its dense one", {
  skip_if_not_installed("Matrix")
  expect_false(same(a_sparse_matrix(), as.matrix(a_sparse_matrix())))
})

test_that("S4 objects count by class and slots", {
  one <- methods::setClass("ws_one", representation(a = "numeric"), where = globalenv())
  two <- methods::setClass("ws_two", representation(a = "numeric"), where = globalenv())
  on.exit({
    methods::removeClass("ws_one", where = globalenv())
    methods::removeClass("ws_two", where = globalenv())
  })
  expect_true(same(one(a = 1), one(a = 1)))
  expect_false(same(one(a = 1), one(a = 2)))
  expect_false(same(one(a = 1), two(a = 1)))
})

# Functions ------------------------------------------------

test_that("a recursive function has a fingerprint", {
  count_down <- function(n) if (n > 0) count_down(n - 1)
  expect_s3_class(fingerprint(count_down), "fingerprint")
})

test_that("functions that call each other have a fingerprint", {
  is_even <- function(n) if (n == 0) TRUE else is_odd(n - 1)
  is_odd <- function(n) if (n == 0) FALSE else is_even(n - 1)
  expect_s3_class(fingerprint(is_even), "fingerprint")
})

test_that("recursion tells two depths of a circle apart", {
  circle <- local({
    f <- function(n) g(n)
    g <- function(n) f(n)
    f
  })
  point <- local({
    f <- function(n) g(n)
    g <- function(n) g(n)
    f
  })
  expect_false(same(circle, point))
})

test_that("a value that a function uses counts where it is changed", {
  k <- 1
  f <- function(x) x + k
  before <- fingerprint(f)
  k <- 2
  expect_false(fingerprint(f) == before)
})

test_that("a value that a function does not use does not count", {
  unused <- 1
  f <- function(x) x + 1
  before <- fingerprint(f)
  unused <- 2
  expect_identical(fingerprint(f), before)
})

test_that("taking the fingerprint of a function changes nothing in it", {
  f <- function(x) x + 1
  copy <- f
  fingerprint(f)
  expect_identical(f, copy)
})

# What has no value ------------------------------------------------

expect_opaque <- function(x, place) {
  error <- expect_error(fingerprint(x), class = "warmstart_error_opaque")
  expect_identical(error$place, place)
}

test_that("an environment is an error that names its place", {
  expect_opaque(new.env(), "x")
  expect_opaque(list(1, list(new.env())), "x[[2]][[1]]")
  expect_opaque(list(a = list(b = new.env())), "x$a$b")
  expect_opaque(structure(1, note = globalenv()), "x$note")
})

test_that("a list column's environment is named by column and row", {
  frame <- data.frame(id = 1:2)
  frame$state <- list(1, new.env())
  expect_opaque(frame, "x$state[[2]]")
})

test_that("an external pointer is an error", {
  expect_opaque(list(p = new_store()), "x$p")
})

test_that("a connection's pointer is an error", {
  connection <- textConnection("text")
  on.exit(close(connection))
  expect_error(fingerprint(connection), class = "warmstart_error_opaque")
})

test_that("an environment that a function uses is an error", {
  state <- new.env()
  expect_error(fingerprint(function() state$x), class = "warmstart_error_opaque")
})

test_that("what has no value may be ignored", {
  expect_identical(
    fingerprint(list(1, new.env()), opaque = "ignore"),
    fingerprint(list(1, globalenv()), opaque = "ignore")
  )
})

test_that("what is ignored still takes its place", {
  expect_false(
    fingerprint(list(1, new.env()), opaque = "ignore") == fingerprint(list(1))
  )
})

test_that("ignoring changes no fingerprint of what has a value", {
  expect_identical(fingerprint(mtcars, opaque = "ignore"), fingerprint(mtcars))
})

test_that("names with braces do not upset the error", {
  expect_opaque(list("{a}" = new.env()), "x${a}")
})

# Aliasing ------------------------------------------------

# A random value, small, so that near misses are frequent.
random_value <- function(depth = 2) {
  make <- sample(if (depth > 0) 9 else 6, 1)
  n <- sample(0:3, 1)
  value <- switch(make,
    sample(c(0, 1, 2, NA, NaN), n, replace = TRUE),
    sample(c(0:2, NA), n, replace = TRUE),
    sample(c(TRUE, FALSE, NA), n, replace = TRUE),
    sample(c("", "a", "b", "ab", NA), n, replace = TRUE),
    as.raw(sample(0:2, n, replace = TRUE)),
    sample(c(0 + 0i, 1 + 0i, 1i), n, replace = TRUE),
    lapply(seq_len(n), function(i) random_value(depth - 1)),
    factor(sample(c("a", "b"), n, replace = TRUE), levels = c("a", "b")),
    as.data.frame(matrix(sample(0:1, 2 * n, replace = TRUE), n))
  )
  if (n > 0 && make < 8 && runif(1) < 0.3) {
    names(value) <- sample(c("a", "b", ""), n, replace = TRUE)
  }
  value
}

test_that("among thousands of random values, the same key means the same value", {
  skip_if_not_installed("withr")
  values <- withr::with_seed(1, lapply(1:6000, function(i) random_value()))
  keys <- vapply(values, function(x) format(fingerprint(x)), character(1))
  groups <- split(values, keys)
  alike <- vapply(groups, function(group) {
    all(vapply(group[-1], identical, logical(1), group[[1]]))
  }, logical(1))
  expect_true(all(alike))
})

test_that("among thousands of random values, the same value has the same key", {
  skip_if_not_installed("withr")
  values <- withr::with_seed(2, lapply(1:6000, function(i) random_value()))
  keys <- vapply(values, function(x) format(fingerprint(x)), character(1))
  expect_identical(length(unique(keys)), length(unique(values)))
})

test_that("every split of a text into strings has a key of its own", {
  text <- c("a", "b", "c", "d", "e", "f", "g", "h")
  splits <- lapply(0:127, function(bits) {
    cuts <- cumsum(c(0, bitwAnd(bits, 2^(0:6)) > 0))
    unname(vapply(split(text, cuts), paste, character(1), collapse = ""))
  })
  expect_false(anyDuplicated(vapply(splits, fingerprint, character(1))) > 0)
})

test_that("the same bytes under other types have other keys", {
  zeros <- list(
    raw(16), integer(4), double(2), complex(1), logical(4), c("", ""), factor(integer(4)),
    list(integer(4)), list(double(2)), structure(double(2), class = "integer64")
  )
  expect_false(anyDuplicated(vapply(zeros, fingerprint, character(1))) > 0)
})

test_that("lengths around those of the inner blocks have keys of their own", {
  for (make in list(integer, double, raw, logical, function(n) rep("a", n))) {
    keys <- vapply(c(0:70, 1020:1030, 2045:2051), function(n) {
      format(fingerprint(make(n)))
    }, character(1))
    expect_false(anyDuplicated(keys) > 0)
  }
})

# Long and compact vectors ------------------------------------------------

test_that("a million strings have the key of the same million, made otherwise", {
  one <- sprintf("s%d", seq_len(1e6))
  two <- paste0("s", as.character(seq_len(1e6)))
  expect_true(same(one, two))
})

test_that("one string of a million counts", {
  one <- rep_len(c("a", "b", "c"), 1e6)
  two <- one
  two[[777777]] <- "d"
  expect_false(same(one, two))
})

test_that("one number of a million counts", {
  one <- as.numeric(seq_len(1e6))
  two <- one
  two[[777777]] <- -1
  expect_false(same(one, two))
})

test_that("a compact sequence is not expanded", {
  compact <- 1:1e6
  expect_match(object_inspection(compact), "compact")
  fingerprint(compact)
  expect_match(object_inspection(compact), "compact")
})

test_that("the value is left as it was", {
  x <- list(a = c(b = -0), c = data.frame(d = factor("e")))
  bytes <- serialize(x, NULL)
  fingerprint(x)
  expect_identical(serialize(x, NULL), bytes)
})

test_that("a deeply nested list has a fingerprint or an error, and R goes on", {
  deep <- list()
  for (i in 1:1000) deep <- list(deep)
  expect_s3_class(fingerprint(deep), "fingerprint")
})

# Streams ------------------------------------------------

stream <- function(...) {
  fp <- fingerprinter()
  parts <- list(...)
  for (i in seq_along(parts)) absorb(fp, names(parts)[[i]], parts[[i]])
  fingerprint(fp)
}

test_that("the same pieces give the same fingerprint", {
  expect_identical(stream(a = 1, b = "x"), stream(a = 1, b = "x"))
})

test_that("tags, values and their order count in a stream", {
  keys <- list(
    stream(a = 1, b = 2), stream(b = 1, a = 2), stream(b = 2, a = 1), stream(a = 1),
    stream(a = 1, b = 3), stream(ab = 1), stream(a = c(1, 2)), stream(a = 1, b = NULL)
  )
  expect_false(anyDuplicated(unlist(keys)) > 0)
})

test_that("a tag is not taken for a part of its value", {
  expect_false(stream(a = "bc") == stream(ab = "c"))
})

test_that("a digest does not end the stream", {
  fp <- fingerprinter()
  absorb(fp, "a", 1)
  first <- fingerprint(fp)
  expect_identical(fingerprint(fp), first)
  absorb(fp, "b", 2)
  expect_identical(fingerprint(fp), stream(a = 1, b = 2))
})

test_that("an empty stream has a fingerprint, which a piece changes", {
  expect_false(fingerprint(fingerprinter()) == stream(a = NULL))
})

test_that("absorb() returns the stream, so that calls can be piped", {
  fp <- fingerprinter()
  expect_invisible(absorb(fp, "a", 1))
  piped <- fingerprint(absorb(absorb(fingerprinter(), "a", 1), "b", 2))
  expect_identical(piped, stream(a = 1, b = 2))
})

test_that("a value that cannot be absorbed leaves the stream as it was", {
  fp <- fingerprinter()
  absorb(fp, "a", 1)
  expect_error(absorb(fp, "b", list(1, new.env())), class = "warmstart_error_opaque")
  expect_identical(fingerprint(fp), stream(a = 1))
})

test_that("two streams do not mix", {
  one <- fingerprinter()
  two <- fingerprinter()
  absorb(one, "a", 1)
  absorb(two, "a", 2)
  expect_identical(fingerprint(one), stream(a = 1))
})

test_that("a stream that was saved and read again is an error", {
  file <- tempfile()
  saveRDS(fingerprinter(), file)
  expect_argument_error(fingerprint(readRDS(file)), "fp")
})

test_that("a stream prints its digest so far", {
  fp <- fingerprinter()
  expect_output(print(fp), format(fingerprint(fp)))
})

# The value and bad arguments ------------------------------------------------

test_that("a fingerprint is one string of 32 lowercase hex digits", {
  expect_match(format(fingerprint(mtcars)), "^[0-9a-f]{32}$")
})

test_that("a fingerprint prints", {
  key <- fingerprint(1)
  expect_output(print(key), paste("<fingerprint>", format(key)), fixed = TRUE)
})

bad_fingerprint_calls <- list(
  list(quote(fingerprint(1, opaque = "maybe")), "opaque"),
  list(quote(fingerprint(1, opaqe = "ignore")), "opaqe"),
  list(quote(fingerprint(1, 2)), "..."),
  list(quote(absorb(1, "a", 1)), "fp"),
  list(quote(absorb(fingerprinter(), 1, 1)), "tag"),
  list(quote(absorb(fingerprinter(), NA_character_, 1)), "tag"),
  list(quote(absorb(fingerprinter(), c("a", "b"), 1)), "tag"),
  list(quote(absorb(fingerprinter(), "a", 1, opaque = NA)), "opaque")
)

for (bad in bad_fingerprint_calls) {
  test_that(paste(deparse1(bad[[1]]), "names its bad argument"), {
    expect_argument_error(eval(bad[[1]]), bad[[2]])
  })
}

# Golden values ------------------------------------------------

golden <- function() {
  utils::read.csv(test_path("fixtures", "fingerprints.csv"), colClasses = "character")
}

golden_objects <- function() {
  source(test_path("fixtures", "objects.R"), local = TRUE, encoding = "UTF-8")$value
}

computed_keys <- function(objects) {
  vapply(objects, function(x) format(fingerprint(x)), character(1))
}

test_that("every golden object has its golden fingerprint", {
  expected <- golden()
  keys <- computed_keys(golden_objects())
  keys <- keys[names(keys) %in% expected$name]
  expect_gte(length(keys), 35)
  expect_identical(keys, stats::setNames(expected$key, expected$name)[names(keys)])
})

golden_in_locale <- function(locale) {
  in_process(
    function(file, locale) {
      if (Sys.setlocale("LC_CTYPE", locale) == "") {
        return(NULL)
      }
      objects <- source(file, encoding = "UTF-8")$value
      vapply(objects, function(x) format(fingerprint(x)), character(1))
    },
    normalizePath(test_path("fixtures", "objects.R")), locale,
    env = c(LC_ALL = locale)
  )
}

expect_golden <- function(keys) {
  expect_gte(length(keys), 35)
  expect_identical(keys, computed_keys(golden_objects()))
}

test_that("fingerprints are the same in the C locale", {
  expect_golden(golden_in_locale("C"))
})

test_that("fingerprints are the same in a Latin-1 locale", {
  names <- c("en_US.ISO-8859-1", "en_US.iso88591", "de_DE.ISO-8859-1", "de_DE.iso88591")
  installed <- Filter(function(name) {
    skip_if_not_installed("withr")
    suppressWarnings(withr::with_locale(c(LC_CTYPE = name), l10n_info()[["Latin-1"]]))
  }, names)
  skip_if(length(installed) == 0, "no Latin-1 locale here")
  expect_golden(golden_in_locale(installed[[1]]))
})

# Long vectors ------------------------------------------------

test_that("a vector of more than 2^31 elements counts to its last one", {
  skip_on_cran()
  skip_if(available_gib() < 8, "not enough memory")
  long <- raw(2^31 + 3)
  before <- fingerprint(long)
  long[2^31 + 3] <- as.raw(1)
  expect_false(fingerprint(long) == before)
})

# What a function finds around it ------------------------------------------------

test_that("a variable that a function changes a part of, or may not have assigned, counts", {
  functions <- list(
    part = function(x) {
      place$count <- 1
      x * place$scale
    },
    names = function(x) {
      names(place) <- "a"
      x * place[[1]]
    },
    sometimes = function(x) {
      if (x > 1) place <- x
      place
    },
    before = function(x) {
      first <- place
      place <- 2
      first
    },
    quoted = function(x) eval(quote(place)),
    by_name = function(x) get("place"),
    function_by_name = function(x) sapply(x, "place")
  )
  for (name in names(functions)) {
    f <- functions[[name]]
    environment(f) <- list2env(list(place = list(scale = 1)), parent = globalenv())
    before <- fingerprint(f)
    environment(f) <- list2env(list(place = list(scale = 2)), parent = globalenv())
    expect_false(fingerprint(f) == before, label = name)
  }
})

test_that("what a function has assigned before it reads it does not count", {
  f <- function(xs) {
    place <- 0
    if (length(xs) > 1) way <- "a" else way <- "b"
    add <- function(x) place <<- place + later(x)
    later <- function(x) x
    for (x in xs) add(x)
    c(place, way)
  }
  environment(f) <- list2env(list(place = 1, way = 1, later = 1, x = 1), parent = globalenv())
  before <- fingerprint(f)
  environment(f) <- list2env(list(place = 2, way = 2, later = 2, x = 2), parent = globalenv())
  expect_identical(fingerprint(f), before)
})

test_that("the methods of an S4 generic of the user's own count", {
  skip_if_not_installed("withr")
  place <- new.env(parent = globalenv())
  withr::defer(methods::removeClass("PlainBox", where = place))
  methods::setClass("PlainBox", representation(side = "numeric"), where = place)
  area <- function(method) {
    place <- new.env(parent = globalenv())
    suppressMessages(methods::setGeneric(
      "boxArea", function(box) standardGeneric("boxArea"), where = globalenv()
    ))
    methods::setMethod("boxArea", "PlainBox", method, where = globalenv())
    on.exit(methods::removeGeneric("boxArea", where = globalenv()))
    fingerprint(get("boxArea", globalenv()))
  }
  expect_identical(area(function(box) box@side), area(function(box) box@side))
  expect_false(area(function(box) box@side) == area(function(box) box@side^2))
})

# What no reading of code can tell: the values of a model's terms.

d <- data.frame(
  y = c(1, 3, 2, 5, 4, 6), x = c(2, 4, 3, 6, 5, 1), g = factor(c("a", "b", "c", "a", "b", "c")),
  text = c("b", "A", "c", "b", "A", "c")
)

exact <- function(formula, data = d, ...) format(fingerprint_model(formula, data, ...)$exact)

# Terms whose values `v` decides, in ways that no reading can tell.
hidden <- alist(
  get(paste0("", name)), eval(parse(text = name)), s(x, k = get(name)), s(get(name)),
  s(x, by = get(name)), te(x, eval(as.name(name))), (get(name) | g), (1 | get(name)),
  diag(0 + get(name) | g), x:get(name), x / get(name), offset(get(name)), x * (x + get(name)),
  option("own"), s(x, bs = option("own"))
)

for (term in hidden) {
  test_that(paste("what a term comes to counts:", deparse1(term)), {
    skip_if_not_installed("withr")
    key <- function(value) {
      withr::local_options(own = value)
      name <- "v"
      option <- function(name) do.call("getOption", list(name))
      place <- list2env(list(name = name, v = value, option = option), parent = globalenv())
      exact(eval(bquote(y ~ .(term)), place))
    }
    expect_identical(key(1:6), key(1:6))
    expect_false(key(1:6) == key(6:1))
  })
}

test_that("what a response comes to counts", {
  key <- function(v, name = "v") exact(get(name) + y ~ x)
  expect_identical(key(1:6), key(1:6))
  expect_false(key(1:6) == key(6:1))
})

test_that("each formula has its terms evaluated where it comes from", {
  other <- function(v, name = "v") ~ get(name)
  v <- 0
  expect_identical(exact(list(y ~ x, other(1:6))), exact(list(y ~ x, other(1:6))))
  expect_false(exact(list(y ~ x, other(1:6))) == exact(list(y ~ x, other(6:1))))
})

test_that("values do not count for the specification", {
  key <- function(v, name = "v") format(fingerprint_model(y ~ get(name), d)$specification)
  expect_identical(key(1:6), key(6:1))
})

test_that("time zone and locale count where terms depend on them", {
  skip_if_not_installed("withr")
  times <- data.frame(y = 1:3, at = as.POSIXct(c(0, 1e7, 2e7), origin = "1970-01-01"))
  key <- function(zone) withr::with_timezone(zone, exact(y ~ format(at, "%H"), times))
  expect_false(key("UTC") == key("Asia/Tokyo"))
  plain <- function(zone) withr::with_timezone(zone, exact(y ~ at, times))
  expect_identical(plain("UTC"), plain("Asia/Tokyo"))
})

test_that("terms that draw random numbers count with the generator's state, and leave it", {
  skip_if_not_installed("withr")
  key <- function(seed) {
    withr::with_seed(seed, {
      before <- .Random.seed
      key <- fingerprint_model(y ~ sample(x), d)
      expect_identical(.Random.seed, before)
      format(key)
    })
  }
  expect_identical(key(1), key(1))
  expect_false(identical(key(1), key(2)))
  expect_match(key(1), "random numbers", all = FALSE)
})

test_that("arguments that draw random numbers count with the generator's state", {
  skip_if_not_installed("withr")
  fit <- function(formula, data, size) NULL
  call <- quote(fit(formula = y ~ x, data = d, size = ceiling(runif(1))))
  key <- function(seed) withr::with_seed(seed, identify_model(call, environment(), "fit")$exact)
  expect_identical(key(1), key(1))
  expect_false(key(1) == key(2))
})

test_that("contrasts count as what a package's function gives", {
  skip_if_not_installed("withr")
  skip_if_not_installed("MASS")
  withr::local_options(contrasts = c("contr.other", "contr.poly"))
  place <- new.env()
  key <- function(value) {
    place$contr.other <- function(n) matrix(value, n, n - 1)
    attach(place, name = "package:other", warn.conflicts = FALSE)
    on.exit(detach("package:other", character.only = TRUE))
    exact(y ~ g)
  }
  expect_identical(key(1), key(1))
  expect_false(key(1) == key(2))
})

test_that("a function that a column's contrasts name counts", {
  skip_if_not_installed("withr")
  withr::defer(rm("own_contrasts", envir = globalenv()))
  data <- d
  attr(data$g, "contrasts") <- "own_contrasts"
  key <- function(f) {
    assign("own_contrasts", f, globalenv())
    exact(y ~ g, data)
  }
  expect_false(key(function(n) stats::contr.sum(n)) == key(function(n) stats::contr.helmert(n)))
})

test_that("methods in the workspace count for columns of a class of one's own", {
  skip_if_not_installed("withr")
  withr::defer(rm("[.own_class", envir = globalenv()))
  data <- d
  class(data$x) <- "own_class"
  key <- function(f) {
    assign("[.own_class", f, globalenv())
    exact(y ~ x, data)
  }
  expect_false(key(function(x, i) unclass(x)[i]) == key(function(x, i) -unclass(x)[i]))
})

test_that("the kinds of columns belong to the specification, their values do not", {
  key <- function(x) format(fingerprint_model(y ~ x, data.frame(x = x, y = d$y))$specification)
  expect_identical(key(d$x), key(rev(d$x)))
  expect_false(key(d$x) == key(as.character(d$x)))
  matrices <- lapply(1:2, function(n) {
    data <- d
    data$x <- matrix(1, 6, n)
    format(fingerprint_model(y ~ x, data)$specification)
  })
  expect_false(identical(matrices[[1]], matrices[[2]]))
})

test_that("a covariance structure is not taken for a function of its name", {
  large <- d[rep(1:6, 20000), ]
  expect_match(exact(y ~ x + diag(1 + x | g), large), "^[0-9a-f]{32}$")
})

test_that("a formula of thousands of terms has a key", {
  n <- 2000
  wide <- as.data.frame(matrix(1, 3, n))
  wide$y <- 1:3
  formula <- stats::as.formula(paste("y ~", paste0("V", seq_len(n), collapse = " + ")))
  key <- fingerprint_model(formula, wide)
  expect_length(model_terms(key), n)
  other <- update(formula, . ~ . - V2000)
  expect_identical(fingerprint_diff(key, fingerprint_model(other, wide))[[1]],
    "term V2000: only in the first"
  )
  expect_identical(fingerprint_model(y ~ ., wide)$exact, key$exact)
})

d <- data.frame(
  y = c(1, 3, 2, 5, 4, 6), x = c(2, 4, 3, 6, 5, 1), z = c(1, 0, 1, 0, 1, 1),
  g = factor(c("a", "b", "c", "a", "b", "c")), unused = 1:6
)

model <- function(formula = y ~ x + z, data = d, ...) {
  fingerprint_model(formula, data, ...)
}

exact <- function(...) format(model(...)$exact)
specification <- function(...) format(model(...)$specification)
neighbourhood <- function(...) format(model(...)$neighbourhood)

# The formula ------------------------------------------------

test_that("spacing and line breaks do not count", {
  expect_identical(exact(y ~ x + z), exact(stats::as.formula("y~x  +\n z")))
})

test_that("redundant parentheses do not count", {
  expect_identical(exact(y ~ ((x)) + (z)), exact(y ~ x + z))
  expect_identical(exact(y ~ (x + z)), exact(y ~ x + z))
  expect_identical(exact((y) ~ x + z), exact(y ~ x + z))
})

test_that("parentheses that change the meaning count", {
  expect_false(exact(y ~ (x + z)^2) == exact(y ~ x + z^2))
  expect_false(exact(y ~ I((x + z) * x)) == exact(y ~ I(x + z * x)))
})

test_that("the order of terms counts for the exact key", {
  expect_false(exact(y ~ z + x) == exact(y ~ x + z))
})

test_that("terms and their order do not count for the neighbourhood", {
  expect_identical(neighbourhood(y ~ z + x), neighbourhood(y ~ x + z))
  expect_identical(neighbourhood(y ~ x), neighbourhood(y ~ x + z))
})

test_that("the response counts for the neighbourhood", {
  expect_false(neighbourhood(x ~ z) == neighbourhood(y ~ z))
})

test_that("the arguments of a term count", {
  keys <- c(exact(y ~ s(x)), exact(y ~ s(x, k = 5)), exact(y ~ s(x, k = 6)), exact(y ~ te(x)))
  expect_false(anyDuplicated(keys) > 0)
})

forms <- list(
  cbind(y, z) ~ x, I(y^2) ~ poly(x, 2), log(y) ~ x + offset(z), y ~ te(x, z), y ~ ti(x, z),
  y ~ t2(x, z), y ~ s(x, by = g), y ~ x + (1 | g), y ~ x + (x | g), y ~ x * z, y ~ x:z, y ~ x - 1,
  list(y ~ x, ~z), list(y ~ x, ~ x + z), list(y ~ x, z ~ x), y ~ 1, y ~ .
)

test_that("formulas of every form have keys of their own", {
  expect_false(anyDuplicated(vapply(forms, exact, "")) > 0)
})

test_that("a dot is expanded", {
  small <- d[c("y", "x", "z")]
  expect_identical(exact(y ~ ., small), exact(y ~ x + z, small))
  expect_identical(exact(y ~ . - z, small), exact(y ~ x + z - z, small))
})

test_that("a formula in a variable is its value", {
  f <- y ~ x + z
  expect_identical(exact(f), exact(y ~ x + z))
})

test_that("the environment of a formula does not count by itself", {
  expect_identical(exact(local(y ~ x + z)), exact(y ~ x + z))
})

# The data ------------------------------------------------

test_that("a column that is not used does not count", {
  expect_identical(exact(data = transform(d, unused = 0)), exact())
  expect_identical(exact(data = d[c("y", "x", "z")]), exact())
})

test_that("the order of columns does not count", {
  expect_identical(exact(data = d[c("z", "unused", "y", "x", "g")]), exact())
})

test_that("row names count that a fit would carry", {
  expect_identical(exact(data = `rownames<-`(d, 1:6)), exact())
  expect_false(exact(data = `rownames<-`(d, letters[1:6])) == exact())
  expect_false(exact(data = `rownames<-`(d, 2:7)) == exact())
  expect_identical(specification(data = `rownames<-`(d, letters[1:6])), specification())
})

test_that("the order of rows counts", {
  expect_false(exact(data = d[6:1, ]) == exact())
})

test_that("a value in a column that is used counts", {
  changed <- d
  changed$x[[4]] <- 6.5
  expect_false(exact(data = changed) == exact())
})

test_that("the type of a column counts", {
  expect_false(exact(data = transform(d, z = as.integer(z))) == exact())
})

test_that("columns exchanged under their names count", {
  expect_false(exact(data = transform(d, x = z, z = x)) == exact())
})

test_that("the data do not count for the specification", {
  expect_identical(specification(data = d[-1, ]), specification())
})

test_that("columns of a by variable, a group, a weight, an offset and a subset count", {
  changed <- transform(d, g = rev(g), unused = rev(unused))
  expect_false(exact(y ~ s(x, by = g), changed) == exact(y ~ s(x, by = g)))
  expect_false(exact(y ~ x + (1 | g), changed) == exact(y ~ x + (1 | g)))
  expect_false(exact(data = changed, weights = unused) == exact(weights = unused))
  expect_false(exact(data = changed, offset = unused) == exact(offset = unused))
  expect_false(exact(data = changed, subset = unused > 3) == exact(subset = unused > 3))
})

test_that("whether weights are given counts for the specification, their values do not", {
  expect_false(specification(weights = z) == specification())
  expect_identical(specification(weights = z), specification(weights = x))
})

test_that("a data frame, tibble, data.table, list and environment of the same are the same", {
  expect_identical(exact(data = as.list(d)), exact())
  expect_identical(exact(data = list2env(d)), exact())
  skip_if_not_installed("tibble")
  expect_identical(exact(data = tibble::as_tibble(d)), exact())
  skip_if_not_installed("data.table")
  expect_identical(exact(data = data.table::as.data.table(d)), exact())
})

test_that("columns may be variables of the formula's environment", {
  y <- d$y
  x <- d$x
  z <- d$z
  before <- exact(data = NULL, formula = y ~ x + z)
  expect_identical(exact(data = NULL, formula = y ~ x + z), before)
  z[[1]] <- 7
  expect_false(exact(data = NULL, formula = y ~ x + z) == before)
})

test_that("the data come before the formula's environment", {
  x <- 1
  expect_identical(exact(y ~ x), exact(local(y ~ x)))
})

# What the formula uses besides ------------------------------------------------

test_that("a variable from the formula's environment counts by value", {
  with_basis <- function(K) exact(y ~ s(x, k = K))
  expect_identical(with_basis(10), with_basis(10))
  expect_false(with_basis(10) == with_basis(20))
})

test_that("a single value from the environment shapes the specification", {
  with_basis <- function(K) specification(y ~ s(x, k = K))
  expect_false(with_basis(10) == with_basis(20))
})

test_that("a variable that the formula does not use does not count", {
  with_other <- function(other) exact(y ~ s(x, k = 10))
  expect_identical(with_other(1), with_other(2))
})

test_that("a function of the user counts by its definition", {
  with_function <- function(f) exact(y ~ f(x))
  expect_identical(with_function(function(v) v + 1), with_function(function(v) v + 1))
  expect_false(with_function(function(v) v + 1) == with_function(function(v) v + 2))
})

test_that("what a function of the user uses counts", {
  with_shift <- function(shift) {
    f <- function(v) v + shift
    exact(y ~ f(x))
  }
  expect_false(with_shift(1) == with_shift(2))
})

test_that("a function that the formula does not use does not count", {
  with_unused <- function(f) exact(y ~ x)
  expect_identical(with_unused(mean), with_unused(sum))
})

test_that("a named argument counts from outside, though a column has its name", {
  with_basis <- function(z) exact(y ~ s(x, k = z))
  expect_identical(with_basis(10), with_basis(10))
  expect_false(with_basis(10) == with_basis(20))
})

test_that("a variable with the name of a column does not count", {
  with_other <- function(x) exact(y ~ x + s(x, k = 10))
  expect_identical(with_other(1), with_other(2))
})

test_that("a function of the user with the name of a column counts", {
  with_function <- function(x) exact(y ~ x(x))
  expect_false(with_function(function(v) v + 1) == with_function(function(v) v + 2))
})

test_that("a function counts that a variable of its name hides", {
  with_function <- function(f) {
    local({
      f <- 1
      exact(y ~ f(x))
    })
  }
  expect_false(with_function(function(v) v + 1) == with_function(function(v) v + 2))
})

test_that("each formula of a list finds variables in its own environment", {
  other <- function(k) ~ s(z, k = k)
  keys <- function(k) exact(list(y ~ s(x), other(k)))
  expect_identical(keys(4), keys(4))
  expect_false(keys(4) == keys(8))
  k <- 3
  expect_false(exact(list(y ~ s(x, k = k), other(4))) == exact(list(y ~ s(x, k = k), other(8))))
})

test_that("methods of the user count for a class that a variable names", {
  with_method <- function(smooth.construct.own.smooth.spec) { # nolint: object_name_linter.
    basis <- "own"
    exact(y ~ s(x, bs = basis))
  }
  expect_false(with_method(function(object) 1) == with_method(function(object) 2))
})

test_that("methods in the workspace count for a formula from a package", {
  name <- "smooth.construct.own.smooth.spec"
  on.exit(rm(list = name, envir = globalenv()))
  formula <- y ~ s(x, bs = "own")
  environment(formula) <- new.env(parent = asNamespace("stats"))
  assign(name, function(object) 1, envir = globalenv())
  before <- exact(formula)
  assign(name, function(object) 2, envir = globalenv())
  expect_false(exact(formula) == before)
})

test_that("what a package knows needs not be in the data", {
  expect_match(exact(y ~ I(x * pi)), "^[0-9a-f]{32}$")
})

test_that("options that shape a model count", {
  skip_if_not_installed("withr")
  before <- exact()
  withr::with_options(
    list(contrasts = c("contr.sum", "contr.poly")), expect_false(exact() == before)
  )
  withr::with_options(list(na.action = "na.exclude"), expect_false(exact() == before))
  withr::with_options(list(digits = 3), expect_identical(exact(), before))
})

test_that("further arguments count by value", {
  expect_identical(exact(method = "REML"), exact(method = paste0("RE", "ML")))
  expect_false(exact(method = "REML") == exact(method = "ML"))
})

test_that("the fitter counts for the neighbourhood", {
  expect_false(neighbourhood(fitter = "a") == neighbourhood(fitter = "b"))
})

# Families ------------------------------------------------

test_that("a family given as object, function and name is the same", {
  keys <- c(
    exact(family = stats::poisson()), exact(family = stats::poisson), exact(family = "poisson")
  )
  expect_length(unique(keys), 1)
})

test_that("no family is gaussian", {
  expect_identical(exact(), exact(family = stats::gaussian()))
})

test_that("family and link count", {
  keys <- c(
    exact(), exact(family = stats::poisson()), exact(family = stats::binomial()),
    exact(family = stats::binomial("probit")), exact(family = stats::quasipoisson()),
    exact(family = stats::quasi(link = "log", variance = "mu")),
    exact(family = stats::quasi(link = "log", variance = "mu^2"))
  )
  expect_false(anyDuplicated(keys) > 0)
})

test_that("a link given by name, as a function and as an object is the same", {
  keys <- c(
    exact(family = stats::binomial("probit")), exact(family = stats::binomial(link = probit)),
    exact(family = stats::binomial(stats::make.link("probit")))
  )
  expect_length(unique(keys), 1)
})

test_that("parameters of mgcv's families count", {
  skip_if_not_installed("mgcv")
  keys <- c(
    exact(family = mgcv::negbin(1)), exact(family = mgcv::negbin(2)),
    exact(family = mgcv::Tweedie(1.2)), exact(family = mgcv::Tweedie(1.4)),
    exact(family = mgcv::nb()), exact(family = mgcv::nb(theta = 2)), exact(family = mgcv::tw()),
    exact(family = mgcv::tw(a = 1.1)), exact(family = mgcv::ocat(R = 3)),
    exact(family = mgcv::ocat(R = 4)), exact(family = mgcv::multinom(K = 2)),
    exact(family = mgcv::multinom(K = 3)), exact(family = mgcv::mvn(2)),
    exact(family = mgcv::mvn(3)), exact(family = mgcv::gaulss()),
    exact(family = mgcv::gaulss(link = list("inverse", "logb"))),
    exact(family = mgcv::gaulss(b = 0.1)), exact(family = mgcv::scat()),
    exact(family = mgcv::betar()), exact(family = mgcv::ziP()), exact(family = mgcv::cox.ph())
  )
  expect_identical(which(duplicated(keys)), integer())
})

used_families <- list(
  nb = quote(mgcv::nb()), tw = quote(mgcv::tw()), scat = quote(mgcv::scat()),
  ziP = quote(mgcv::ziP())
)

for (name in names(used_families)) {
  test_that(paste("a fit does not change the key of the family", name), {
    skip_if_not_installed("mgcv")
    family <- eval(used_families[[name]])
    before <- exact(family = family)
    fit <- suppressWarnings(try(
      mgcv::gam(stations ~ s(mag, k = 5), family = family, data = quakes[1:100, ]),
      silent = TRUE
    ))
    expect_identical(exact(family = family), before)
    expect_identical(exact(family = eval(used_families[[name]])), before)
  })
}

test_that("a family of the user's own counts by its functions", {
  own <- function(power) {
    family <- stats::gaussian()
    family$family <- "own"
    family$variance <- function(mu) mu^power
    family
  }
  expect_identical(exact(family = own(1)), exact(family = own(1)))
  expect_false(exact(family = own(1)) == exact(family = own(2)))
})

# Calls of a fitter ------------------------------------------------

call_key <- function(call, env = parent.frame()) {
  skip_if_not_installed("mgcv")
  format(key_of(call, env = env)$exact)
}

test_that("arguments by position and by name are the same call", {
  expect_identical(
    call_key(quote(gam(mpg ~ s(hp), gaussian, mtcars))),
    call_key(quote(gam(data = mtcars, formula = mpg ~ s(hp))))
  )
})

test_that("an argument that repeats the default is the same as none", {
  expect_identical(
    call_key(quote(gam(mpg ~ s(hp), data = mtcars, select = FALSE, gamma = 1))),
    call_key(quote(gam(mpg ~ s(hp), data = mtcars)))
  )
})

test_that("nothing but a default that stands for itself can be repeated", {
  fit <- function(formula, data, weights = NULL, level = 2 * top, top = 1, home = parent.frame()) 1
  key <- function(...) {
    call <- as.call(c(quote(fit), quote(y ~ x), data = quote(d), list(...)))
    names(call)[[2]] <- "formula"
    format(identify_model(call, environment(), "fit")$exact)
  }
  empty <- structure(numeric(), class = "variance")
  keys <- c(
    key(), key(other = empty), key(other = structure(empty, form = "x")),
    key(other = structure(numeric(), class = "other")), key(level = NULL), key(home = NULL),
    key(other = NULL)
  )
  expect_identical(which(duplicated(keys)), integer())
  expect_identical(key(weights = NULL, top = 1), key())
})

test_that("every argument that shapes the fit counts", {
  keys <- vapply(list(
    quote(gam(mpg ~ s(hp), data = mtcars)),
    quote(gam(mpg ~ s(hp), data = mtcars, method = "REML")),
    quote(gam(mpg ~ s(hp), data = mtcars, method = "ML")),
    quote(gam(mpg ~ s(hp), data = mtcars, select = TRUE)),
    quote(gam(mpg ~ s(hp), data = mtcars, gamma = 1.4)),
    quote(gam(mpg ~ s(hp), data = mtcars, scale = 1)),
    quote(gam(mpg ~ s(hp), data = mtcars, sp = 0.1)),
    quote(gam(mpg ~ s(hp), data = mtcars, min.sp = 0.1)),
    quote(gam(mpg ~ s(hp), data = mtcars, knots = list(hp = c(50, 350)))),
    quote(gam(mpg ~ s(hp), data = mtcars, weights = wt)),
    quote(gam(mpg ~ s(hp), data = mtcars, offset = wt)),
    quote(gam(mpg ~ s(hp), data = mtcars, subset = cyl > 4)),
    quote(gam(mpg ~ s(hp), data = mtcars, optimizer = "efs")),
    quote(gam(mpg ~ s(hp), data = mtcars, control = list(epsilon = 1e-4))),
    quote(gam(mpg ~ s(hp), data = mtcars, na.action = na.exclude)),
    quote(gam(mpg ~ s(hp), data = mtcars, drop.unused.levels = FALSE))
  ), call_key, "", environment())
  expect_identical(which(duplicated(keys)), integer())
})

test_that("what cannot change the fit does not count", {
  plain <- call_key(quote(gam(mpg ~ s(hp), data = mtcars)))
  expect_identical(
    call_key(quote(gam(mpg ~ s(hp), data = mtcars, control = list(trace = TRUE)))), plain
  )
  expect_identical(
    call_key(quote(gam(mpg ~ s(hp), data = mtcars, control = mgcv::gam.control(nthreads = 2)))),
    call_key(quote(gam(mpg ~ s(hp), data = mtcars, control = mgcv::gam.control(nthreads = 1))))
  )
  expect_identical(
    call_key(quote(gam(mpg ~ s(hp), data = mtcars, start = rep(0, 10)))), plain
  )
})

test_that("all of the data count where the fit keeps them", {
  cars <- mtcars
  calls <- list(
    quote(gam(mpg ~ s(hp), data = cars, control = list(keepData = TRUE))),
    quote(gam(mpg ~ s(hp), data = cars, control = mgcv::gam.control(keepData = TRUE))),
    quote(gam(mpg ~ s(hp), data = cars))
  )
  before <- vapply(calls, call_key, "", environment())
  cars$carb <- 0
  expect_identical(
    vapply(calls, call_key, "", environment()) == before, c(FALSE, FALSE, TRUE)
  )
})

test_that("weights are evaluated in the data, then in the formula's environment", {
  own_weights <- rep(1:2, 16)
  before <- call_key(quote(gam(mpg ~ s(hp), data = mtcars, weights = own_weights)))
  own_weights <- rep(2:1, 16)
  expect_false(
    call_key(quote(gam(mpg ~ s(hp), data = mtcars, weights = own_weights))) == before
  )
})

test_that("data in the caller's frame are found", {
  in_frame <- function(local_data) call_key(quote(gam(mpg ~ s(hp), data = local_data)))
  expect_false(in_frame(mtcars) == in_frame(mtcars[-1, ]))
})

test_that("two fitters of one model have two keys", {
  skip_if_not_installed("mgcv")
  expect_false(
    key_of(quote(gam(mpg ~ s(hp), data = mtcars)))$exact ==
      key_of(quote(bam(mpg ~ s(hp), data = mtcars)), adapter_mgcv_bam())$exact
  )
})

# The value ------------------------------------------------

test_that("fingerprint() of a formula is the exact key", {
  expect_identical(fingerprint(y ~ x, data = d), model(y ~ x)$exact)
  expect_identical(fingerprint(formula = y ~ x, data = d), model(y ~ x)$exact)
  expect_identical(
    fingerprint(data = d, weights = z, formula = y ~ x), fingerprint(y ~ x, data = d, weights = z)
  )
})

test_that("the three keys of a model are three fingerprints", {
  key <- model()
  expect_s3_class(key$exact, "fingerprint")
  expect_length(unique(unlist(key[c("exact", "specification", "neighbourhood")])), 3)
})

test_that("a model's keys print with the parts that went into them", {
  text <- format(model(y ~ s(x, k = 5), family = stats::poisson(), method = "REML"))
  expect_match(text, "column x", all = FALSE)
  expect_match(text, "poisson(log)", fixed = TRUE, all = FALSE)
  expect_match(text, "y ~ s(x, k = 5)", fixed = TRUE, all = FALSE)
  expect_match(text, "argument method .*REML", all = FALSE)
})

test_that("keys are the same in another process", {
  there <- in_process(function(d) {
    format(fingerprint(y ~ s(x, k = 5) + z, data = d, family = binomial))
  }, d)
  expect_identical(there, format(fingerprint(y ~ s(x, k = 5) + z, data = d, family = binomial)))
})

bad_models <- list(
  list(quote(fingerprint_model("y ~ x", d)), "formula"),
  list(quote(fingerprint_model(1, d)), "formula"),
  list(quote(fingerprint_model(list(), d)), "formula"),
  list(quote(fingerprint_model(list(y ~ x, 1), d)), "formula"),
  list(quote(fingerprint_model(y ~ x, "d")), "data"),
  list(quote(fingerprint_model(y ~ x, 1)), "data"),
  list(quote(fingerprint_model(y ~ no_such_column, d)), "data"),
  list(quote(fingerprint(y ~ no_such_column, data = d)), "data"),
  list(quote(fingerprint_model(y ~ x, d, family = 1)), "family"),
  list(quote(fingerprint_model(y ~ x, d, family = "no_such_family")), "family"),
  list(quote(fingerprint_model(y ~ x, d, stats::gaussian(), 5)), "...")
)

for (bad in bad_models) {
  test_that(paste(deparse1(bad[[1]]), "names its bad argument"), {
    expect_argument_error(eval(bad[[1]]), bad[[2]])
  })
}

test_that("names of elements and of a function's arguments need not be variables", {
  expect_silent(fingerprint_model(d$y ~ d$x + d[, "z"]))
  expect_silent(fingerprint(y ~ sapply(x, function(element) element^2), d))
  before <- fingerprint(d$y ~ d$x)
  d$x[[1]] <- 7
  expect_false(fingerprint(d$y ~ d$x) == before)
  expect_error(fingerprint(y ~ nowhere$x, d), "nowhere", class = "warmstart_error_argument")
})

test_that("the error for a missing column names the column", {
  expect_error(fingerprint_model(y ~ no_such_column, d), "no_such_column")
})

test_that("a list of formulas with a model's arguments is a model", {
  model <- list(mpg ~ wt, ~hp)
  expect_identical(
    fingerprint(model, data = mtcars, weights = cyl),
    fingerprint_model(model, data = mtcars, weights = cyl)$exact
  )
  expect_false(fingerprint(model) == fingerprint(model, data = mtcars))
})

# What a fit depends on beside its arguments ------------------------------------------------

test_that("functions that are looked up by name or class count", {
  in_place <- function(code) {
    place <- new.env(parent = globalenv())
    eval(code, place)
    call <- quote(
      fit(formula = y ~ s(x, bs = "own") + tools$centre(x), data = d, method = "own.fit")
    )
    format(identify_model(call, place, "fit")$exact)
  }
  code <- quote({
    fit <- function(formula, data, method) NULL
    d <- data.frame(x = 1:3, y = 2:4)
    own.fit <- function(x) x
    tools <- list(centre = function(x) x - 1)
    smooth.construct.own.smooth.spec <- function(object) object
  })
  keys <- c(
    in_place(code),
    in_place(bquote({
      .(code)
      own.fit <- function(x) x + 1
    })),
    in_place(bquote({
      .(code)
      tools <- list(centre = function(x) x - 2)
    })),
    in_place(bquote({
      .(code)
      smooth.construct.own.smooth.spec <- function(object) NULL
    }))
  )
  expect_identical(in_place(code), keys[[1]])
  expect_identical(which(duplicated(keys)), integer())
})

test_that("a variable that get() looks up in a formula counts", {
  x <- 1:3
  d <- data.frame(y = 2:4)
  before <- format(fingerprint_model(y ~ get("x"), d)$exact)
  x <- 3:1
  expect_false(format(fingerprint_model(y ~ get("x"), d)$exact) == before)
})

test_that("the function that an option names counts", {
  skip_if_not_installed("withr")
  withr::local_options(contrasts = c("contr.own", "contr.poly"))
  withr::defer(rm("contr.own", envir = globalenv()))
  assign("contr.own", function(n) stats::contr.sum(n), globalenv())
  before <- exact()
  assign("contr.own", function(n) stats::contr.helmert(n), globalenv())
  expect_false(exact() == before)
})

test_that("the order of the levels that text is given counts, and no other trait of a locale", {
  skip_if_not_installed("withr")
  skip_if(capabilities("ICU") && is.na(suppressWarnings(Sys.setlocale("LC_COLLATE", "C.UTF-8"))))
  key <- function(locale, group) {
    withr::local_collate(locale)
    d <- data.frame(y = 1:3, g = group)
    format(fingerprint_model(y ~ g, d)$exact)
  }
  withr::with_collate("C.UTF-8", {
    skip_if(!is.unsorted(c("B", "a")), "no locale that sorts otherwise than the bytes do")
  })
  expect_identical(key("C", c("a", "b", "c")), key("C.UTF-8", c("a", "b", "c")))
  expect_false(key("C", c("a", "B", "c")) == key("C.UTF-8", c("a", "B", "c")))
})

test_that("a family with a function replaced is another one", {
  changed <- stats::poisson()
  changed$variance <- function(mu) mu^2
  expect_false(exact(family = changed) == exact(family = stats::poisson()))
})

# Terms, and what the data say --------------------------------------------

test_that("what terms say beyond their formula counts", {
  bare <- terms(y ~ x + z)
  without <- bare
  attr(without, "intercept") <- 0L
  expect_false(exact(bare) == exact(without))
  expect_false(exact(terms(y ~ x:z + x)) == exact(terms(y ~ x:z + x, keep.order = TRUE)))
  on_other_rows <- terms(lm(y ~ poly(x, 2), d[1:5, ]))
  expect_false(exact(on_other_rows) == exact(terms(lm(y ~ poly(x, 2), d))))
})

test_that("what data say of missing values counts, and which rows they have lost does not", {
  excluding <- structure(d, na.action = "na.exclude")
  expect_false(exact(data = excluding) == exact())
  expect_identical(exact(data = structure(d, na.action = c("7" = 7L))), exact())
})

test_that("a function that drops missing values counts by what it uses", {
  trim <- function(k) function(object, ...) na.omit(object[-seq_len(k), ])
  key <- function(k) withr::with_options(list(na.action = trim(k)), exact())
  expect_false(key(1) == key(2))
  expect_identical(key(1), key(1))
})

test_that("a formula stays in the fit as it is written", {
  key <- function(formula) {
    call <- bquote(glm(formula = .(formula), data = d[c("y", "x", "z")]))
    identify_model(call, environment(), "stats::glm")
  }
  expect_false(key(y ~ .)$exact == key(y ~ x + z)$exact)
  expect_identical(key(y ~ .)$specification, key(y ~ x + z)$specification)
  expect_false(key(y ~ (x) + z)$exact == key(y ~ x + z)$exact)
})

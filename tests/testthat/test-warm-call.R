# What stands around a fit means what it means without warm(), and the fit is found in it: made once
# the first time, and not at all the second.

line <- data.frame(x = 1:20, y = 2 * (1:20) + sin(1:20))

# Gives the same through warm() twice as without it, and `slow()` in it is called once. It tells so
# in a file: what it changed of its own surroundings would make it another function.
expect_fitted_once <- function(code, env = parent.frame()) {
  env <- new.env(parent = env)
  env$trace <- tempfile()
  env$slow <- function(formula, data = environment(formula)) {
    cat("called\n", file = trace, append = TRUE)
    stats::lm(formula, data)
  }
  environment(env$slow) <- env
  env$store <- new_store()
  plain <- eval(code, env)
  unlink(env$trace)
  for (round in 1:2) {
    again <- eval(bquote(warm(.(code), store)), env)
    expect_equal(bare_deeply(again), bare_deeply(plain), info = deparse1(code))
  }
  if ("slow" %in% all.names(code)) {
    expect_identical(readLines(env$trace), "called", info = deparse1(code))
  }
  expect_true(any(store_list(env$store)$state == "finished"), info = deparse1(code))
}

# Without what warm() says of the fits in it, and what differs from run to run.
bare_deeply <- function(x) {
  if (inherits(x, "proc_time")) {
    return("a time")
  }
  if (is.object(x)) attr(x, "warmstart") <- NULL
  if (is.list(x) && is.null(attr(x, "class"))) x <- lapply(x, bare_deeply)
  x
}

around <- list(
  quote((slow(y ~ x, line))),
  quote({
    before <- 1
    slow(y ~ x, line)
  }),
  quote(suppressWarnings(slow(y ~ x, line))),
  quote(suppressMessages(slow(y ~ x, line))),
  quote(try(slow(y ~ x, line), silent = TRUE)),
  quote(tryCatch(slow(y ~ x, line), error = identity)),
  quote(withCallingHandlers(slow(y ~ x, line), warning = identity)),
  quote(system.time(slow(y ~ x, line))),
  quote(local({
    shift <- 2
    slow(y ~ I(x + shift), line)
  })),
  quote(with(line, slow(y ~ x))),
  quote(summary(slow(y ~ x, line))),
  quote(coef(slow(y ~ x, line))),
  quote(if (TRUE) slow(y ~ x, line) else stop("no")),
  quote(kept <- slow(y ~ x, line)),
  quote(slow(data = line, formula = y ~ x))
)

for (code in around) {
  test_that(paste("a function's result is found in", deparse1(code)), {
    expect_fitted_once(code)
  })
}

around_known <- list(
  quote(fit <- glm(y ~ x, data = line)),
  quote(summary(glm(y ~ x, data = line))$deviance),
  quote(list(glm(y ~ x, data = line), glm(y ~ 1, data = line))),
  quote(anova(glm(y ~ x, data = line), test = "F")),
  quote(predict(glm(y ~ x, data = line), data.frame(x = 3))),
  quote(with(line, coef(glm(y ~ x)))),
  quote(local({
    d <- line[1:10, ]
    glm(y ~ x, data = d)
  })),
  quote(vapply(1:2, function(i) i, 1) + deviance(glm(y ~ x, data = line))),
  quote(suppressWarnings(coef(summary(glm(y ~ x, data = line))))),
  quote(do.call(glm, list(y ~ x, data = line))),
  quote(eval(quote(glm(y ~ x, data = line)))),
  quote(eval(quote(glm(y ~ x)), line)),
  quote(evalq(glm(y ~ x), line))
)

for (code in around_known) {
  test_that(paste("a known fitter's fit is found in", deparse1(code)), {
    expect_fitted_once(code)
  })
}

test_that("magrittr's pipe is looked through", {
  skip_if_not_installed("magrittr")
  `%>%` <- magrittr::`%>%`
  expect_fitted_once(quote(line %>% glm(y ~ x, data = .)))
  expect_fitted_once(quote(line %>% slow(formula = y ~ x)))
  expect_fitted_once(quote(line %>% slow(y ~ x, data = .) %>% coef()))
})

test_that("of several fits in one call each is kept", {
  store <- new_store()
  for (round in 1:2) {
    fits <- warm(list(glm(y ~ x, data = line), glm(y ~ 1, data = line)), store)
    expected <- if (round == 1) "cold" else "finished"
    expect_identical(vapply(fits, source_of, ""), rep(expected, 2))
  }
})

test_that("of if() the branch that is taken is kept", {
  store <- new_store()
  fit <- function(both) {
    warm(if (both) glm(y ~ x, data = line) else glm(y ~ 1, data = line), store)
  }
  expect_length(coef(fit(TRUE)), 2)
  expect_length(coef(fit(FALSE)), 1)
  expect_identical(source_of(fit(TRUE)), "finished")
})

# Where the user stands ----------------------------------------------------------------------------

test_that("a call that is put together and evaluated in the caller's frame finds its data", {
  d <- line
  store <- new_store()
  by <- list(
    function(formula, data) {
      call <- match.call()
      call[[1]] <- quote(stats::glm)
      warm(eval(call, parent.frame()), store)
    },
    function(formula, data) {
      call <- match.call()
      call[[1]] <- quote(stats::glm)
      warm(eval.parent(call), store)
    },
    function(formula, data) {
      given <- as.list(match.call())[-1]
      warm(do.call("glm", given, envir = parent.frame()), store)
    }
  )
  for (fitter in by) {
    analysis <- function() {
      d <- transform(line, y = -5 * x + sin(x))
      fitter(y ~ x, data = d)
    }
    expect_equal(coef(analysis())[["x"]], -5, tolerance = 0.01)
    expect_equal(coef(analysis())[["x"]], -5, tolerance = 0.01)
    expect_identical(warm_info()$source, "finished")
  }
})

test_that("the value of an assignment is assigned where the user stands, and invisible", {
  store <- new_store()
  seen <- withVisible(warm(fit <- glm(y ~ x, data = line), store))
  expect_false(seen$visible)
  expect_identical(coef(fit), coef(seen$value))
  counter <- 0
  add <- function() warm(counter <<- counter + 1, store)
  add()
  expect_identical(counter, 1)
})

test_that("return() and on.exit() are those of the function that calls warm()", {
  store <- new_store()
  returns <- function() {
    warm(return(glm(y ~ x, data = line)), store)
    "went on"
  }
  expect_s3_class(returns(), "glm")
  said <- character()
  leaves <- function() {
    warm({
      on.exit(said <<- c(said, "left"))
      glm(y ~ x, data = line)
    }, store)
    said <<- c(said, "fitted")
  }
  leaves()
  expect_identical(said, c("fitted", "left"))
})

test_that("parent.frame(), sys.call() and match.call() are what they are without warm()", {
  store <- new_store()
  here <- environment()
  asks <- function(...) list(parent.frame(), sys.call(), match.call())
  seen <- NULL
  slow <- function(a) {
    seen <<- list(parent.frame(), sys.call(), match.call(), sys.function())
    a
  }
  plain <- {
    slow(a = 1)
    seen
  }
  warm(slow(a = 1), store)
  expect_identical(seen[[1]], here)
  expect_identical(seen[-1], plain[-1])
})

test_that("tryCatch(), try() and handlers see the fitter's own conditions", {
  store <- new_store()
  failing <- quote(glm(y ~ nowhere, data = line))
  plain <- tryCatch(eval(failing), error = identity)
  inside <- warm(tryCatch(glm(y ~ nowhere, data = line), error = identity), store)
  expect_identical(conditionMessage(inside), conditionMessage(plain))
  expect_identical(conditionCall(inside), conditionCall(plain))
  said <- capture.output(
    warm(try(glm(y ~ nowhere, data = line)), store), type = "message"
  )
  expect_identical(said, capture.output(try(glm(y ~ nowhere, data = line)), type = "message"))
})

# Once ---------------------------------------------------------------------------------------------

test_that("each argument of a known fitter is evaluated once, the first time and later", {
  for (data_of in list(function() line, function() line[line$x > 2, ])) {
    store <- new_store()
    evaluated <- character()
    told <- function(what, value) {
      evaluated <<- c(evaluated, what)
      value
    }
    fit <- function() {
      warm(glm(
        told("formula", y ~ x), family = told("family", gaussian()),
        data = told("data", data_of()), control = told("control", list(maxit = 20))
      ), store)
    }
    for (round in 1:2) {
      evaluated <- character()
      fitted <- fit()
      expect_identical(evaluated, c("formula", "family", "data", "control"))
    }
    expect_identical(source_of(fitted), "finished")
    expect_identical(fitted$call$data, quote(told("data", data_of())))
  }
})

test_that("an argument's messages and warnings are heard once, each time", {
  store <- new_store()
  loud <- function() {
    message("reading")
    warning("old data")
    line
  }
  for (round in 1:2) {
    said <- hold_conditions(warm(glm(y ~ x, data = loud()), store))$said
    expect_identical(vapply(said, conditionMessage, ""), c("reading\n", "old data"))
  }
})

test_that("what a function was given is evaluated where it was written", {
  store <- new_store()
  fit <- function(...) warm(glm(...), store)
  outer <- function(...) fit(..., family = poisson())
  by_function <- function() {
    d <- data.frame(y = c(1, 3, 2, 6, 5, 9), x = 1:6)
    outer(y ~ x, data = d)
  }
  d <- "not these"
  for (round in 1:2) {
    got <- by_function()
    expect_equal(coef(got), coef(glm(c(1, 3, 2, 6, 5, 9) ~ x, poisson(), data.frame(x = 1:6))))
  }
  expect_identical(source_of(got), "finished")
})

test_that("empty dots and missing arguments that are handed on are as without warm()", {
  store <- new_store()
  empty <- function(...) warm(glm(y ~ x, data = line, ...), store)
  expect_equal(coef(empty()), coef(glm(y ~ x, data = line)))
  slow <- function(x, w) if (missing(w)) sum(x) else sum(x * w)
  handed <- function(x, w) warm(slow(x, w), store)
  expect_identical(handed(1:3), 6L)
  square <- function(p) sum((p - 1)^2)
  curved <- function(hess) warm(nlm(square, c(0, 0), hessian = hess), store)
  expect_error(curved(), conditionMessage(tryCatch(
    (function(hess) nlm(square, c(0, 0), hessian = hess))(), error = identity
  )), fixed = TRUE)
})

test_that("update() by a method that cannot tell its call makes the fit once", {
  skip_if_not_installed("MASS")
  store <- new_store()
  fit <- MASS::loglm(~ Class + Survived, data = Titanic)
  trace <- tempfile()
  update.counted <- function(object, ...) {
    cat("called\n", file = object$trace, append = TRUE)
    stats::lm(y ~ x, object$data)
  }
  registerS3method("update", "counted", update.counted, envir = asNamespace("stats"))
  counted <- structure(list(data = line, trace = trace), class = "counted")
  for (round in 1:2) {
    warm(update(counted), store)
    expect_identical(readLines(trace), "called")
  }
  expect_equal(coef(warm(update(fit, ~ . + Age), store)), coef(update(fit, ~ . + Age)))
})

test_that("a function that is made where it is called is made once", {
  trace <- tempfile()
  make <- function() {
    cat("made\n", file = trace, append = TRUE)
    function(x) sum(x)
  }
  store <- new_store()
  expect_identical(warm(make()(1:3), store), 6L)
  expect_identical(readLines(trace), "made")
  expect_identical(warm(make()(1:3), store), 6L)
  expect_identical(warm_info()$source, "finished")
})

test_that("what holds no call is evaluated, and said to be kept by nobody", {
  withr::local_options(warmstart.verbose = TRUE)
  x <- 3
  expect_message(value <- warm((x), new_store()), "no call in it")
  expect_identical(value, 3)
})

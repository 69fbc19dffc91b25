# Arguments of functions that no adapter is known for are evaluated once.

counting <- function() {
  count <- 0
  list(of = function(x) {
    count <<- count + 1
    x
  }, count = function() {
    counted <- count
    count <<- 0
    counted
  })
}
once <- counting()
see <- function(x, y = x + 1, w, ...) {
  list(
    substitute(x), match.call(), sys.call(), c(missing(x), missing(y), missing(w)), x, y, nargs(),
    substitute(list(...)), list(...), parent.frame(), identical(sys.function(), see)
  )
}

test_that("an argument is evaluated once each time, and seen as it was written", {
  store <- new_store()
  for (source in c("cold", "finished")) {
    seen <- warm(see(once$of(2), z = once$of(7)), store)
    expect_identical(warm_info()$source, source)
    expect_identical(once$count(), 2)
    expect_identical(seen, see(once$of(2), z = once$of(7)))
    once$count()
  }
})

test_that("so are those that are forwarded, with missing ones among them", {
  store <- new_store()
  plain <- function(a, w, ...) see(once$of(a + 1), w = w, ..., 3)
  warmed <- function(a, w, ...) warm(see(once$of(a + 1), w = w, ..., 3), store)
  expected <- plain(2, , z = once$of(7))
  once$count()
  for (source in c("cold", "finished")) {
    seen <- warmed(2, , z = once$of(7))
    expect_identical(warm_info()$source, source)
    expect_identical(once$count(), 2)
    expect_identical(seen[-10], expected[-10])
  }
})

test_that("a function of nothing but dots, and one of one argument, see theirs", {
  all <- function(...) list(match.call(), ...length(), list(...))
  seen <- warm(all(once$of(1), b = once$of(2)), new_store())
  expect_identical(once$count(), 2)
  expect_identical(seen, all(once$of(1), b = once$of(2)))
  once$count()
  for (value in list(1L, "a", NULL, mtcars, matrix(1, 2, 2), quote(a + b), sum, y ~ x)) {
    one <- function(x) list(substitute(x), x)
    expect_identical(warm(one(once$of(value)), new_store()), list(quote(once$of(value)), value))
    expect_identical(once$count(), 1)
  }
})

test_that("conditions of an argument come once, each time", {
  store <- new_store()
  noisy <- function(x) {
    message("evaluated")
    x
  }
  total <- function(x) list(sum(x))
  for (time in 1:2) {
    said <- character()
    withCallingHandlers(warm(total(noisy(1:3)), store), message = function(m) {
      said <<- c(said, conditionMessage(m))
      invokeRestart("muffleMessage")
    })
    expect_identical(said, "evaluated\n")
  }
})

test_that("what only the function can evaluate is left to it", {
  within_data <- function(data, x) list(eval(substitute(x), data))
  only_here <- function(x) list(tryCatch(x, error = conditionMessage))
  expect_identical(
    warm(within_data(once$of(mtcars), sum(hp)), new_store()), list(sum(mtcars$hp))
  )
  expect_identical(once$count(), 1)
  expect_silent(failed <- warm(only_here(stop("no value")), new_store()))
  expect_identical(failed, list("no value"))
})

test_that("arguments that draw random numbers are those of the plain call", {
  drawing <- function(n, x) list(stats::runif(n), x)
  set.seed(1)
  plain <- drawing(2, stats::runif(once$of(2)))
  after <- save_random_state()
  store <- new_store()
  for (source in c("cold", "finished")) {
    set.seed(1)
    expect_identical(warm(drawing(2, stats::runif(once$of(2))), store), plain)
    expect_identical(warm_info()$source, source)
    expect_identical(save_random_state(), after)
  }
})

test_that("a model's data are evaluated once, and its call is the user's", {
  store <- new_store()
  once$count()
  fit <- warm(lm(mpg ~ wt, once$of(mtcars), weights = hp), store)
  expect_identical(once$count(), 1)
  expect_identical(fit$call, quote(lm(formula = mpg ~ wt, data = once$of(mtcars), weights = hp)))
  expect_equal(coef(fit), coef(lm(mpg ~ wt, mtcars, weights = hp)))
  again <- warm(lm(mpg ~ wt, once$of(mtcars), weights = hp), store)
  expect_identical(source_of(again), "finished")
  expect_identical(once$count(), 1)
})

test_that("a method goes on to the next, and what rlang captures has its environment", {
  double <- function(x) UseMethod("double")
  double.own <- function(x) list("own", NextMethod()) # nolint: object_name_linter.
  double.default <- function(x) 2 * unclass(x)[[1]] # nolint: object_name_linter.
  made <- function() structure(once$of(3), class = "own")
  expect_identical(warm(double(made()), new_store()), list("own", 6))
  skip_if_not_installed("rlang")
  captured <- function(x) list(rlang::eval_tidy(rlang::enquo(x), mtcars))
  forwarded <- function(v, store) warm(captured(identity({{ v }})), store)
  store <- new_store()
  expect_identical(forwarded(sum(hp), store), list(sum(mtcars$hp)))
  expect_identical(forwarded(sum(wt), store), list(sum(mtcars$wt)))
})

test_that("an argument that was left empty is no error", {
  store <- new_store()
  for (source in c("cold", "finished")) {
    expect_identical(bare(warm(head(letters, ), store)), head(letters, ))
    expect_equal(coef(warm(lm(mpg ~ wt, mtcars, ), store)), coef(lm(mpg ~ wt, mtcars)))
    expect_identical(warm_info()$source, source)
  }
})

test_that("what is returned holds nothing of how its function was called", {
  x <- c(3, 1, 2)
  plain <- approxfun(sort(x), x)
  store <- new_store()
  for (source in c("cold", "finished")) {
    fun <- warm(approxfun(sort(x), x), store)
    expect_setequal(names(environment(fun)), names(environment(plain)))
    expect_identical(warm_info()$source, source)
  }
  adder <- function(x) list(add = function(y) x + y)
  made <- warm(adder(sum(1, rev(x))), store)
  expect_named(environment(made$add), "x")
})

# What a function changes before it comes to its argument holds for that.
test_that("an argument is evaluated in the circumstances that its function makes", {
  store <- new_store()
  with_digits <- function(expr) {
    before <- options(digits = 3)
    on.exit(options(before))
    expr
  }
  inside <- function(expr) with_digits(expr)
  quietly <- function(expr) suppressMessages(expr)
  counted <- function(expr) {
    said <- 0
    withCallingHandlers(expr, message = function(m) {
      said <<- said + 1
      invokeRestart("muffleMessage")
    })
    said
  }
  somewhere <- function(expr) {
    before <- setwd(tempdir())
    on.exit(setwd(before))
    expr
  }
  locked <- function(lock, expr) {
    file.create(lock)
    on.exit(unlink(lock))
    expr
  }
  by_hand <- function(set, expr) {
    set()
    expr
  }
  loud <- function() options(scipen = 300)
  elsewhere <- function(expr) withr::with_options(list(digits = 3), expr)
  by_text <- function(expr) {
    before <- do.call("options", list(digits = 4))
    value <- expr
    do.call("options", before)
    value
  }
  kept <- list(digits = with_digits)
  out_of_list <- function(expr) kept$digits(expr)
  skip_if_not_installed("withr")
  withr::local_options(scipen = 0)
  lock <- tempfile()
  calls <- list(
    quote(elsewhere(format(pi))), quote(by_text(format(pi))), quote(out_of_list(format(pi))),
    quote(by_hand(loud, format(1e10))),
    quote(with_digits(format(pi))), quote(inside(format(pi))), quote(somewhere(basename(getwd()))),
    quote(counted({
      message("a")
      1
    })),
    quote(quietly({
      message("a")
      1
    })),
    quote(locked(lock, file.exists(lock))), quote(utils::capture.output(print(1:3)))
  )
  for (call in calls) {
    plain <- hold_conditions(eval(call))
    for (source in c("cold", "finished")) {
      options(scipen = 0)
      got <- hold_conditions(eval(bquote(warm(.(call), store))))
      expect_identical(bare(got$value), plain$value, info = deparse(call)[[1]])
      expect_length(got$said, length(plain$said))
    }
  }
})

# Each as often as in the plain call, whether the function is handed the value, or comes to the
# argument by itself: what leaves no trace, what is captured, and what R dispatches itself.
test_that("what is said in an argument is said once", {
  skip_if_not_installed("rlang")
  # Apart, since code that captures counts all that is where it was made.
  place <- list2env(list(store = new_store()), parent = globalenv())
  evalq(
    {
      f <- function(x) x
      captured <- function(x) rlang::eval_tidy(rlang::enquo(x))
      object <- structure(function(x) x, class = "marked")
      model <- stats::lm
    },
    place
  )
  calls <- list(
    quote(f(1:3 + 1:2)),
    quote(f(as.numeric(c("1", "expect_true")))), # a text that names a function of another package
    quote(captured(as.numeric(c("1", "a")))),
    quote(object(as.numeric(c("1", "a")))),
    quote(model(mpg ~ wt, mtcars, tol = as.numeric(c("1e-7", "a"))[[1]]))
  )
  for (call in calls) {
    plain <- vapply(hold_conditions(eval(call, place))$said, conditionMessage, "")
    expect_length(plain, 1)
    for (source in c("cold", "finished")) {
      said <- hold_conditions(eval(bquote(warmstart::warm(.(call), store)), place))$said
      expect_identical(vapply(said, conditionMessage, ""), plain, info = deparse(call))
      expect_identical(warm_info()$source, source, info = deparse(call))
    }
  }
})

test_that("a warning of R's own in an argument names the call that it is an argument of", {
  store <- new_store()
  f <- function(x) x
  said_by <- function(expr) lapply(hold_conditions(expr)$said, conditionCall)
  plain <- said_by(f(as.numeric(c("1", "a"))))
  for (source in c("cold", "finished")) {
    expect_identical(said_by(warm(f(as.numeric(c("1", "a"))), store)), plain)
    expect_identical(warm_info()$source, source)
  }
})

state_of <- function(fit) list(state = fit, objective = NA, iteration = NA)
nothing <- function(fun) FALSE

local_registry <- function(env = parent.frame()) {
  registry <- asNamespace("warmstart")$registry
  before <- registry$adapters
  withr::defer(registry$adapters <- before, env)
}

test_that("a part that is no function, or takes too few arguments, is named", {
  bad <- list(
    seed = function(call) call, state = 1, observe = function(call, env) call,
    recognises = "mgcv::gam", identify = function() 1, restore = function(fit) fit,
    converged = TRUE, compare = function(a) 1
  )
  for (part in names(bad)) {
    parts <- utils::modifyList(
      list(name = "x", state = state_of, recognises = nothing), bad[part]
    )
    error <- expect_error(do.call(warm_adapter, parts), class = "warmstart_error_argument")
    expect_identical(error$argument, part)
  }
})

test_that("a name is one string, and says by itself what is recognised", {
  expect_error(warm_adapter(1, state = state_of), class = "warmstart_error_argument")
  expect_error(warm_adapter("fit", state = state_of), class = "warmstart_error_argument")
  adapter <- warm_adapter("stats::lm", state = state_of)
  expect_true(adapter$recognises(stats::lm))
  expect_false(adapter$recognises(stats::glm))
})

test_that("a registered adapter replaces its namesake, and comes ahead of the others", {
  skip_if_not_installed("withr")
  local_registry()
  registry <- asNamespace("warmstart")$registry
  fitter <- function(x) list(x = x)
  make <- function(name) {
    warm_adapter(name, state = state_of, recognises = function(fun) identical(fun, fitter))
  }
  register_warm_adapter(make("first"))
  count <- length(registry$adapters)
  register_warm_adapter(make("second"))
  expect_identical(asNamespace("warmstart")$find_adapter(fitter)$name, "second")
  register_warm_adapter(make("first"))
  expect_identical(asNamespace("warmstart")$find_adapter(fitter)$name, "first")
  expect_length(registry$adapters, count + 1)
})

test_that("an adapter that cannot say what it recognises is passed over", {
  skip_if_not_installed("withr")
  local_registry()
  register_warm_adapter(warm_adapter(
    "broken", state = state_of, recognises = function(fun) stop("broken")
  ))
  fitter <- function(x) list(x = x)
  expect_identical(warm(fitter(1), new_store())$x, 1)
  expect_identical(warm_info()$source, "cold")
})

test_that("only an adapter can be registered", {
  expect_error(register_warm_adapter(list()), class = "warmstart_error_argument")
})

test_that("an adapter prints its name", {
  expect_output(print(warm_adapter("stats::lm", state = state_of)), "<warm_adapter> stats::lm")
})

test_that("an unfit seed is an error of its own class", {
  expect_error(stop_seed_unfit("it is short"), "it is short", class = "warmstart_seed_unfit")
})

test_that("an adapter says which other fits it starts from", {
  skip_if_not_installed("withr")
  local_registry()
  fitter <- function(formula, data, start = NULL) list(start = start, data = data)
  make <- function(...) {
    warm_adapter(
      "fitter", recognises = function(fun) identical(fun, fitter),
      state = function(fit) list(state = list(x = 1), objective = 1, iteration = 1),
      seed = function(call, env, state, relation) {
        call$start <- relation
        call
      }, ...
    )
  }
  started <- function(relations) {
    store <- new_store()
    register_warm_adapter(make(relations = relations))
    warm(fitter(mpg ~ wt, mtcars), store)
    list(
      warm(fitter(mpg ~ wt, mtcars[-1, ]), store)$start,
      warm(fitter(mpg ~ wt + hp, mtcars), store)$start
    )
  }
  expect_identical(started(c("rows", "related")), list("rows", "related"))
  expect_identical(started("rows"), list("rows", NULL))
  expect_identical(started("related"), list(NULL, "related"))
  expect_identical(started(character()), list(NULL, NULL))
  expect_argument_error(make(relations = "all"), "relations")
})

test_that("names in a formula may stand for what is estimated", {
  call <- quote(nls(formula = mpg ~ a + b * wt, data = mtcars, start = c(a = 1, b = 1)))
  expect_argument_error(identify_model(call, environment(), "nls"), "data")
  expect_s3_class(
    identify_model(call, environment(), "nls", parameters = c("a", "b")), "model_fingerprint"
  )
})

test_that("variables of further formulas count", {
  key <- function(data, also = list()) {
    identify_model(quote(f(formula = mpg ~ wt, data = data)), environment(), "f", also = also)$exact
  }
  f <- function(formula, data) NULL
  changed <- transform(mtcars, cyl = rev(cyl))
  expect_identical(key(mtcars), key(changed))
  expect_false(key(mtcars, list(~cyl)) == key(changed, list(~cyl)))
})

test_that("an adapter that fails beside the fit does not stop it", {
  fit_mean <- function(x) list(mean = mean(x))
  fails <- function(...) stop("a fault of the adapter's")
  local_registry()
  withr::local_options(warmstart.verbose = TRUE)
  register_warm_adapter(warm_adapter(
    "fit_mean",
    recognises = function(fun) identical(fun, fit_mean), state = fails, observe = fails,
    restore = fails, converged = fails
  ))
  expect_message(fit <- warm(fit_mean(1:3), new_store()), "a fault of the adapter's")
  expect_identical(bare(fit), list(mean = 2))
})

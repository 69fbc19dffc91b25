# A fitter that is another one's, in its own name.
fit_line <- function(formula, data, class = "line") {
  fit <- stats::glm(formula, data = data)
  fit$call <- match.call()
  structure(fit, class = c(class, class(fit)))
}
line_adapter <- function() {
  derive_adapter(
    adapter_glm(), "fit_line",
    class = "line", recognises = function(fun) identical(fun, fit_line)
  )
}

test_that("the adapter for lmerTest's lmer conforms", {
  skip_if_not_installed("lmerTest")
  sleepstudy <- lme4::sleepstudy
  expect_adapter_conforms(
    adapter_lmertest(), quote(lmerTest::lmer(Reaction ~ Days + (Days | Subject), sleepstudy)),
    near = quote(lmerTest::lmer(Reaction ~ Days + (Days | Subject), sleepstudy[-(1:18), ]))
  )
})

test_that("a fit of a derived adapter is what its function returns, cold, finished and seeded", {
  skip_if_not_installed("lmerTest")
  store <- new_store()
  rows <- lme4::sleepstudy
  call <- quote(lmerTest::lmer(Reaction ~ Days + (Days | Subject), rows))
  plain <- eval(call)
  for (source in c("cold", "finished")) {
    fit <- bare(eval(bquote(warm(.(call), store))))
    expect_identical(warm_info()$source, source)
    expect_s4_class(fit, "lmerModLmerTest")
    expect_identical(coef(summary(fit)), coef(summary(plain)))
    expect_identical(fit@call, plain@call)
    expect_equal(stats::anova(fit), stats::anova(plain))
  }
  rows <- rows[-(1:10), ]
  fit <- bare(eval(bquote(warm(.(call), store))))
  expect_identical(warm_info()$source, "seeded")
  expect_equal(coef(summary(fit)), coef(summary(eval(call))), tolerance = 1e-4)
})

test_that("a derived adapter and the one that it is of start each other, and share no fit", {
  skip_if_not_installed("lmerTest")
  store <- new_store()
  rows <- lme4::sleepstudy
  fold <- rows[-(1:10), ]
  warm(lme4::lmer(Reaction ~ Days + (1 | Subject), rows), store)
  fit <- warm(lmerTest::lmer(Reaction ~ Days + (1 | Subject), fold), store)
  expect_identical(warm_info()$source, "seeded")
  expect_s4_class(fit, "lmerModLmerTest")
  same <- warm(lme4::lmer(Reaction ~ Days + (1 | Subject), fold), store)
  expect_false(warm_info()$source == "finished")
  expect_identical(class(same)[[1]], "lmerMod")
})

test_that("what is not of the derived adapter's class is kept, and starts nothing", {
  adapter <- line_adapter()
  call <- quote(fit_line(mpg ~ wt, mtcars))
  expect_gt(length(fit_state(adapter, eval(call), call, environment())$state), 0)
  call$class <- "curve"
  expect_length(fit_state(adapter, eval(call), call, environment())$state, 0)
})

test_that("a derived adapter counts the versions of both packages", {
  versions <- derive_adapter(adapter_glm(), "MASS::lm.ridge")$versions()
  expect_setequal(names(versions), c("MASS", names(adapter_glm()$versions())))
})

test_that("bad arguments of derive_adapter() are named", {
  expect_error(derive_adapter("glm", "a::b"), "adapter", class = "warmstart_error_argument")
  for (name in list(NULL, NA_character_, "", 1, c("a::b", "c::d"), "stats::glm")) {
    expect_error(derive_adapter(adapter_glm(), name), "name", class = "warmstart_error_argument")
  }
  expect_error(derive_adapter(adapter_glm(), "own"), "recognises",
    class = "warmstart_error_argument")
  expect_error(derive_adapter(adapter_glm(), "a::b", class = 1), "class",
    class = "warmstart_error_argument")
  expect_error(derive_adapter(adapter_glm(), "a::b", recognises = 1), "recognises",
    class = "warmstart_error_argument")
})

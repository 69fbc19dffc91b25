# What a user does with a fit is kept: the fit that is its argument counts by what identifies it.

made_once <- function(code, env = parent.frame()) {
  env <- new.env(parent = env)
  env$store <- new_store()
  plain <- suppressMessages(eval(code, env))
  for (source in c("cold", "finished")) {
    again <- suppressMessages(eval(bquote(warm(.(code), store)), env))
    expect_identical(warm_info()$source, source, info = deparse1(code))
  }
  attr(again, "warmstart") <- NULL
  expect_equal(again, plain, info = deparse1(code))
}

test_that("what is made of a glm is kept", {
  fit <- glm(am ~ wt + hp, binomial, mtcars)
  made_once(quote(confint.default(fit)))
  made_once(quote(anova(fit, test = "Chisq")))
  made_once(quote(drop1(fit)))
  made_once(quote(step(fit, trace = 0)))
})

test_that("what is made of an nls is kept, though that changes its environment", {
  fit <- nls(mpg ~ a + b / hp, mtcars, list(a = 10, b = 1000))
  made_once(quote(profile(fit)))
  made_once(quote(anova(fit, nls(mpg ~ a + b / hp + c * wt, mtcars, coef(fit) |> c(c = 0)))))
})

test_that("what is made of a mixed model is kept", {
  skip_if_not_installed("lme4")
  fit <- lme4::lmer(Reaction ~ Days + (1 | Subject), lme4::sleepstudy)
  less <- lme4::lmer(Reaction ~ 1 + (1 | Subject), lme4::sleepstudy)
  made_once(quote(confint(fit, method = "Wald")))
  made_once(quote(anova(less, fit, refit = FALSE)))
  made_once(quote(lme4::ranef(fit)))
})

test_that("what is made of a glmmTMB is kept", {
  skip_if_not_installed("glmmTMB")
  rows <- data.frame(y = c(3, 1, 4, 1, 5, 9, 2, 6, 5, 3), x = 1:10, g = gl(5, 2))
  fit <- glmmTMB::glmmTMB(y ~ x + (1 | g), rows, poisson)
  made_once(quote(confint(fit, parm = "beta_")))
  made_once(quote(drop1(fit)))
})

test_that("another fit is another argument", {
  store <- new_store()
  for (power in 1:2) {
    fit <- nls(mpg ~ a + b / hp^power, mtcars, list(a = 10, b = 1000))
    warm(vcov(fit), store)
    expect_identical(warm_info()$source, "cold")
  }
})

test_that("how a fit was come by does not count, in a list either", {
  store <- new_store()
  count <- function(fits) length(fits)
  fit <- warm(glm(am ~ wt, binomial, mtcars), store)
  warm(count(list(fit)), store)
  fit <- warm(glm(am ~ wt, binomial, mtcars), store)
  warm(count(list(fit)), store)
  expect_identical(warm_info()$source, "finished")
})

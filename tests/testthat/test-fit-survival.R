skip_if_not_installed("survival")

lung <- survival::lung
ovarian <- survival::ovarian
Surv <- survival::Surv # nolint: object_name_linter.
strata <- survival::strata
on_fewer <- function(call) {
  call[[3]] <- bquote(.(call[[3]])[-(1:9), ])
  call
}

# survreg ------------------------------------------------

weibull <- quote(survival::survreg(Surv(time, status) ~ age + sex + ph.ecog, lung))

test_that("the adapter for survreg conforms", {
  expect_adapter_conforms(
    adapter_survreg(), weibull, near = on_fewer(weibull),
    failing = quote(survival::survreg(time ~ age, lung))
  )
})

test_that("the adapter for survreg conforms with strata, a fixed scale, and other distributions", {
  calls <- list(
    quote(survival::survreg(Surv(time, status) ~ age + strata(sex), lung)),
    quote(survival::survreg(Surv(time, status) ~ age + sex, lung, scale = 1)),
    quote(survival::survreg(Surv(time, status) ~ age + sex, lung, dist = "loglogistic")),
    quote(survival::survreg(Surv(time, status) ~ age + sex, lung, dist = "t", parms = 5)),
    quote(survival::survreg(Surv(futime, fustat) ~ age + offset(rx), ovarian[c(1:26, 1:9), ])),
    quote(survival::survreg(Surv(time, status) ~ age + cluster(inst), lung))
  )
  for (call in calls) {
    expect_adapter_conforms(adapter_survreg(), call, near = on_fewer(call))
  }
})

test_that("a related survreg starts from the terms that it shares", {
  store <- new_store()
  warm_call(weibull, store)
  for (formula in list(quote(Surv(time, status) ~ age), quote(Surv(time, status) ~ age + sex + wt.loss))) {
    other <- weibull
    other[[2]] <- formula
    fit <- warm_call(other, store)
    expect_identical(source_of(fit), "seeded")
    expect_equal(coef(fit), coef(eval(other)), tolerance = 1e-6)
  }
})

test_that("another distribution is not started from", {
  store <- new_store()
  warm_call(weibull, store)
  other <- weibull
  other$dist <- "gaussian"
  expect_identical(source_of(warm_call(other, store)), "cold")
})

test_that("a survreg with a penalty starts cold", {
  store <- new_store()
  smooth <- quote(
    survival::survreg(Surv(time, status) ~ survival::pspline(age, df = 2) + sex, lung)
  )
  warm_call(on_fewer(smooth), store)
  fit <- warm_call(smooth, store)
  expect_equal(fit$loglik, eval(smooth)$loglik, tolerance = 1e-6)
})

# coxph ------------------------------------------------

cox <- quote(survival::coxph(Surv(time, status) ~ age + sex + ph.ecog, lung))

test_that("the adapter for coxph conforms", {
  expect_adapter_conforms(
    adapter_coxph(), cox, near = on_fewer(cox),
    failing = quote(survival::coxph(time ~ age, lung))
  )
})

test_that("the adapter for coxph conforms with strata, clusters, frailty and time-dependence", {
  tt <- function(x, t, ...) x * log(t)
  calls <- list(
    quote(survival::coxph(Surv(time, status) ~ age + strata(sex), lung, ties = "breslow")),
    quote(survival::coxph(Surv(time, status) ~ age + survival::cluster(inst), lung)),
    quote(survival::coxph(Surv(time, status) ~ age + sex, lung, cluster = inst)),
    quote(survival::coxph(Surv(time, status) ~ age + survival::frailty(inst), lung)),
    quote(survival::coxph(Surv(time, status) ~ tt(age) + sex, lung, tt = tt))
  )
  for (call in calls) {
    expect_adapter_conforms(adapter_coxph(), call)
  }
})

test_that("the tests of a finished coxph are the cold one's", {
  store <- new_store()
  warm_call(cox, store)
  parts <- c("loglik", "score", "wald.test", "concordance")
  expect_equal(unclass(warm_call(cox, store))[parts], unclass(eval(cox))[parts])
})

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

test_that("the adapter for survreg conforms with a fixed scale, and other distributions", {
  calls <- list(
    quote(survival::survreg(Surv(time, status) ~ age + sex, lung, scale = 1)),
    quote(survival::survreg(Surv(time, status) ~ age + sex, lung, dist = "loglogistic")),
    quote(survival::survreg(Surv(futime, fustat) ~ age + offset(rx), ovarian[c(1:26, 1:9), ])),
    quote(survival::survreg(Surv(time, status) ~ age + cluster(inst), lung))
  )
  for (call in calls) {
    expect_adapter_conforms(adapter_survreg(), call, near = on_fewer(call))
  }
})

test_that("a survreg that may have several optima conforms, and starts from its own run alone", {
  calls <- list(
    quote(survival::survreg(Surv(time, status) ~ age + strata(sex), lung)),
    quote(survival::survreg(Surv(time, status) ~ age + sex, lung, dist = "t", parms = 5))
  )
  for (call in calls) {
    expect_adapter_conforms(adapter_survreg(), call)
    store <- new_store()
    warm_call(on_fewer(call), store)
    expect_identical(source_of(warm_call(call, store)), "cold")
  }
})

test_that("a column that is aliased in these rows alone leaves nothing of its start", {
  more <- transform(lung, years = age + (time > 500))
  call <- quote(survival::survreg(Surv(time, status) ~ age + sex + years, more))
  store <- new_store()
  warm_call(call, store)
  more <- transform(lung, years = 2 * age)
  fit <- warm_call(call, store)
  cold <- eval(call)
  expect_true(anyNA(coef(cold)))
  expect_equal(bare(fit), cold)
})

test_that("a seeded survreg is a cold one, names and all", {
  calls <- list(
    weibull, quote(survival::survreg(Surv(time, status) ~ sex, lung)),
    quote(survival::survreg(Surv(time, status) ~ age, lung, cluster = inst)),
    quote(survival::survreg(Surv(time, status) ~ age + cluster(inst), lung))
  )
  for (call in calls) {
    store <- new_store()
    warm_call(on_fewer(call), store)
    fit <- warm_call(call, store)
    cold <- eval(call)
    expect_identical(source_of(fit), "seeded")
    fit$iter <- cold$iter
    expect_equal(bare(fit), cold, tolerance = 1e-5)
    expect_identical(dimnames(fit$var), dimnames(cold$var))
  }
})

test_that("seeded survregs drawn at random are cold ones", {
  set.seed(1)
  sources <- character()
  for (i in 1:60) {
    n <- sample(20:60, 1)
    d <- data.frame(x = rnorm(n), z = rnorm(n), dead = rbinom(n, 1, 0.6))
    d$time <- rweibull(n, 1.5, exp(1 + d$x * sample(c(0.1, 1), 1)))
    dist <- c("weibull", "lognormal", "loglogistic")[[i %% 3 + 1]]
    call <- quote(survival::survreg(Surv(time, dead) ~ x + z, d, dist = dist))
    store <- new_store()
    warm_call(call, store)
    d <- d[sample(n, replace = TRUE), ]
    if (i %% 4 == 0) d$dead <- 1 - d$dead
    if (i %% 5 == 0) d$x <- 100 * d$x
    fit <- suppressWarnings(warm_call(call, store))
    cold <- suppressWarnings(eval(call))
    sources <- c(sources, source_of(fit))
    expect_equal(fit$loglik, cold$loglik, tolerance = 1e-7)
    expect_equal(coef(fit), coef(cold), tolerance = 1e-4)
  }
  expect_gt(sum(sources == "seeded"), 20)
})

test_that("a survreg that has not come to its end is not believed", {
  early <- weibull
  early$control <- quote(survival::survreg.control(iter.max = 1))
  frame <- NULL
  early$init <- as.call(list(function() {
    frame <<- fitter_frame(survival::survreg.fit)
    c(6, 0, 0.4, -0.3, -0.4)
  }))
  fit <- suppressWarnings(eval(early))
  expect_match(certify_survreg(fit, frame), "score equations")
})

test_that("a survreg whose coefficient goes to infinity is not believed", {
  more <- transform(lung, all_alive = as.numeric(time > 800))
  more$status[more$time > 800] <- 1
  call <- quote(survival::survreg(Surv(time, status) ~ age + all_alive, more))
  store <- new_store()
  suppressWarnings(warm_call(call, store))
  more <- more[-(1:5), ]
  fit <- suppressWarnings(warm_call(call, store))
  expect_identical(source_of(fit), "cold")
  expect_equal(bare(fit), suppressWarnings(eval(call)))
})

test_that("a state that is not a survreg's starts none", {
  cold <- eval(weibull)
  good <- state_survreg(cold)$state
  leaves <- list(
    NULL, "a", list(1), diag(2), numeric(), 1, c(1, 2), c(NA, 1), Inf, 1e300, -1, 0,
    c(a = 1, a = 2, b = 3, d = 4)
  )
  for (part in names(good)) {
    for (leaf in leaves) {
      state <- good
      state[part] <- list(leaf)
      store <- new_store()
      payload <- list(state = state, iterations = 1, seconds = 1)
      store_save(store, key_of(weibull, adapter_survreg())$exact, payload, objective = NA)
      expect_equal(coef(warm_call(weibull, store)), coef(cold), tolerance = 1e-6)
    }
  }
})

test_that("a returned survreg or coxph has the call of who asks for it", {
  mine <- lung
  calls <- list(
    list(weibull, quote(survival::survreg(
      Surv(time, status) ~ age + sex + ph.ecog, data = mine, y = TRUE
    ))),
    list(
      quote(survival::survreg(Surv(time, status) ~ age + cluster(inst), lung)),
      quote(survival::survreg(model, mine))
    ),
    list(
      quote(survival::coxph(Surv(time, status) ~ age + cluster(inst), lung, model = FALSE)),
      quote(survival::coxph(model, mine))
    )
  )
  model <- Surv(time, status) ~ age + cluster(inst)
  cluster <- survival::cluster
  for (pair in calls) {
    store <- new_store()
    warm_call(pair[[1]], store)
    fit <- warm_call(pair[[2]], store)
    expect_identical(source_of(fit), "finished")
    expect_identical(fit$call, eval(pair[[2]])$call)
    expect_identical(
      environment(fit$call$formula), environment(eval(pair[[2]])$call$formula)
    )
  }
})

test_that("a related survreg starts from the terms that it shares", {
  store <- new_store()
  warm_call(weibull, store)
  for (formula in list(
    quote(Surv(time, status) ~ age), quote(Surv(time, status) ~ age + sex + wt.loss)
  )) {
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

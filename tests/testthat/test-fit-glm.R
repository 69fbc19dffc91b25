smoking <- quote(
  glm(cbind(ncases, ncontrols) ~ agegp + unclass(tobgp) + unclass(alcgp), binomial, esoph)
)
on_fewer <- function(call, data) {
  call[[4]] <- data
  call
}

test_that("the adapter for glm conforms", {
  expect_adapter_conforms(
    adapter_glm(), smoking, near = on_fewer(smoking, quote(esoph[-(1:9), ])),
    failing = quote(glm(cbind(ncases, -ncontrols) ~ agegp, binomial, esoph))
  )
})

test_that("the adapter for glm conforms with an offset and weights", {
  skip_if_not_installed("MASS")
  claims <- MASS::Insurance
  claims$w <- rep(1:2, length.out = nrow(claims))
  expect_adapter_conforms(
    adapter_glm(),
    quote(glm(Claims ~ District + Group + Age + offset(log(Holders)), poisson, claims, w)),
    near = quote(
      glm(Claims ~ District + Group + Age + offset(log(Holders)), poisson, claims[-5, ], w)
    )
  )
})

test_that("a glm is watched, and its family is the user's again", {
  store <- new_store()
  fit <- warm_call(smoking, store)
  cold <- eval(smoking)
  expect_identical(warm_info(fit)$checkpoints, as.numeric(cold$iter))
  expect_identical(bare(fit)[names(cold) != "family"], unclass(cold)[names(cold) != "family"],
    ignore_attr = TRUE
  )
  expect_identical(lapply(fit$family, deparse), lapply(cold$family, deparse))
  expect_false(any(vapply(fit$family, inherits, NA, "warm_wrapper")))
})

test_that("an aliased coefficient is so from a start, too", {
  twice <- transform(mtcars, wt2 = 2 * wt)
  store <- new_store()
  warm(glm(am ~ wt + wt2 + hp, binomial, twice[-1, ]), store)
  fit <- warm(glm(am ~ wt + wt2 + hp, binomial, twice), store)
  cold <- glm(am ~ wt + wt2 + hp, binomial, twice)
  expect_identical(source_of(fit), "seeded")
  expect_identical(is.na(coef(fit)), is.na(coef(cold)))
  expect_equal(coef(fit), coef(cold), tolerance = 1e-6)
})

test_that("a glm of rows that lack a level starts from that of all", {
  store <- new_store()
  cars <- transform(mtcars, cyl = factor(cyl))
  warm(glm(carb ~ cyl + wt, poisson, cars), store)
  some <- cars[cars$cyl != "8", ]
  fit <- warm(glm(carb ~ cyl + wt, poisson, some), store)
  expect_identical(source_of(fit), "seeded")
  expect_equal(coef(fit), coef(glm(carb ~ cyl + wt, poisson, some)), tolerance = 1e-6)
})

test_that("a start that the family does not allow is given up for a cold one", {
  store <- new_store()
  positive <- data.frame(x = 1:10, y = 1:10 + rep(0:1, 5))
  far <- data.frame(x = -(1:10), y = 12 - 1:10 + rep(0:1, 5))
  warm(glm(y ~ x, Gamma("identity"), positive), store)
  fit <- warm(glm(y ~ x, Gamma("identity"), far), store)
  expect_identical(source_of(fit), "cold")
  expect_equal(coef(fit), coef(glm(y ~ x, Gamma("identity"), far)))
})

test_that("the user's own start stays, and is another fit's", {
  store <- new_store()
  warm(glm(am ~ wt, binomial, mtcars[-1, ]), store)
  fit <- warm(glm(am ~ wt, binomial, mtcars, start = c(10, -3)), store)
  expect_identical(source_of(fit), "cold")
  expect_identical(fit$call$start, quote(c(10, -3)))
})

test_that("a glm that does not converge warns as a cold one each time, and starts no other", {
  store <- new_store()
  separated <- data.frame(x = 1:6, y = c(0, 0, 0, 1, 1, 1))
  call <- quote(glm(y ~ x, binomial, separated, control = list(maxit = 3)))
  says <- function(expr) capture_warnings(expr)
  expect_identical(says(warm_call(call, store)), says(eval(call)))
  expect_identical(says(warm_call(call, store)), says(eval(call)))
  expect_identical(source_of_last(NULL), "finished")
  separated <- separated[-1, ]
  suppressWarnings(warm_call(call, store))
  expect_identical(warm_info()$source, "cold")
})

test_that("a call without a fit in it is as without warm()", {
  frame <- warm(glm(am ~ wt, binomial, mtcars, method = "model.frame"), new_store())
  expect_identical(names(frame), c("am", "wt"))
})

test_that("a finished glm has the call that it is asked for with", {
  store <- new_store()
  warm(glm(am ~ wt, binomial, mtcars), store)
  cars <- mtcars
  fit <- warm(glm(am ~ wt, binomial, data = cars), store)
  expect_identical(source_of(fit), "finished")
  expect_identical(fit$call$data, quote(cars))
})

test_that("a finished glm is wholly that of who asks for it", {
  store <- new_store()
  cars <- transform(mtcars, garage = 1)
  warm(glm(am ~ wt, binomial, cars, x = FALSE), store)
  cars2 <- transform(mtcars, garage = 2)
  ask <- function(model, mine) {
    list(
      warm = warm(glm(model, data = mine, family = "binomial", model = TRUE), store),
      cold = glm(model, data = mine, family = "binomial", model = TRUE)
    )
  }
  fits <- ask(am ~ wt, cars2)
  expect_identical(source_of(fits$warm), "finished")
  expect_identical(fits$warm$call, fits$cold$call)
  expect_identical(fits$warm$data, cars2)
  expect_identical(names(fits$warm), names(fits$cold))
  expect_equal(bare(fits$warm), fits$cold)
})

test_that("a finished glm without data refers to where it is asked for", {
  store <- new_store()
  ask <- function() {
    am <- mtcars$am
    wt <- mtcars$wt
    list(warm = warm(glm(am ~ wt, binomial), store), here = environment())
  }
  ask()
  fit <- ask()
  expect_identical(source_of(fit$warm), "finished")
  expect_identical(fit$warm$data, fit$here)
})

# Seeds ------------------------------------------------

# What differs between two fits that should be one; empty where they are.
apart <- function(warm, cold) {
  se <- suppressWarnings(stats::predict(cold, se.fit = TRUE)$se.fit)
  moved <- abs(warm$linear.predictors - cold$linear.predictors) / pmax(se, 1e-12)
  limit <- 1e-6 * max(1, abs(deviance(cold)))
  c(
    if (abs(deviance(warm) - deviance(cold)) > limit) "deviance",
    if (warm$converged != cold$converged) "verdict",
    if (!identical(is.na(coef(warm)), is.na(coef(cold)))) "aliasing",
    if (max(moved) > 0.01) "fitted values"
  )
}

test_that("a logistic glm ends where a cold one does, whatever other rows have left", {
  changes <- list(
    bootstrap = function(d) d[sample(nrow(d), replace = TRUE), ],
    recoded = function(d) transform(d[sample(nrow(d), replace = TRUE), ], am = 1 - am),
    units = function(d) transform(d[sample(nrow(d), replace = TRUE), ], wt = 100 * wt),
    reversed = function(d) transform(d, wt = -wt[sample(nrow(d))]),
    separated = function(d) transform(d, am = as.numeric(wt < sample(wt, 1)))
  )
  set.seed(3)
  for (family in list(binomial(), binomial("probit"), binomial("cloglog"))) {
    store <- new_store()
    for (i in 1:60) {
      cars <- changes[[(i - 1) %% length(changes) + 1]](mtcars)
      warm <- suppressWarnings(warm(glm(am ~ wt, family, cars), store))
      cold <- suppressWarnings(glm(am ~ wt, family, cars))
      expect_identical(apart(warm, cold), NULL)
    }
  }
})

test_that("seeded glms drawn at random are cold ones", {
  set.seed(1)
  families <- list(binomial(), poisson(), quasipoisson(), Gamma("log"))
  response <- list(
    binomial = function(eta) rbinom(length(eta), 1, plogis(eta)),
    poisson = function(eta) rpois(length(eta), exp(eta)),
    quasipoisson = function(eta) rpois(length(eta), exp(eta)),
    Gamma = function(eta) rgamma(length(eta), 2, 2 / exp(eta))
  )
  sources <- character()
  for (i in 1:120) {
    family <- families[[i %% 4 + 1]]
    n <- sample(20:60, 1)
    d <- data.frame(x = rnorm(n), z = rnorm(n), f = sample(letters[1:3], n, TRUE))
    d$y <- response[[family$family]](d$x * sample(c(0.1, 1, 2), 1) + rnorm(1))
    store <- new_store()
    try(suppressWarnings(warm(glm(y ~ x + z + f, family, d), store)), silent = TRUE)
    d <- d[sample(n, replace = TRUE), ]
    if (i %% 3 == 0) d$z <- 2 * d$x
    warm <- try(suppressWarnings(warm(glm(y ~ x + z + f, family, d), store)), silent = TRUE)
    cold <- try(suppressWarnings(glm(y ~ x + z + f, family, d)), silent = TRUE)
    expect_identical(class(warm), class(cold))
    if (inherits(cold, "glm")) expect_identical(apart(warm, cold), NULL)
    sources <- c(sources, warm_info()$source)
  }
  expect_gt(sum(sources == "seeded"), 40)
})

test_that("a fit whose steps have left the valley is not believed, though it stands still", {
  astray <- suppressWarnings(glm(am ~ wt, binomial, mtcars, start = c(-40, 12)))
  expect_true(astray$converged)
  expect_lt(max(astray$weights), 1e-10)
  frame <- list(X = model.matrix(astray))
  expect_match(certify_glm(astray, frame, NULL), "score equations")
  expect_match(certify_glm(astray, frame, astray$null.deviance), "null model")
  cold <- glm(am ~ wt, binomial, mtcars)
  expect_true(certify_glm(cold, frame, cold$null.deviance))
})

test_that("a fit that was stopped too early is not believed", {
  early <- glm(am ~ wt, binomial, mtcars, epsilon = 0.1)
  expect_match(certify_glm(early, list(X = model.matrix(early)), NULL), "score equations")
})

test_that("where the link is not canonical, many rows are started from, if some end cold", {
  set.seed(1)
  d <- data.frame(x = rnorm(12000), g = sample(letters[1:4], 12000, TRUE))
  d$size <- rgamma(12000, 2, 2 / exp(d$x))
  d$dead <- rbinom(12000, 1, pnorm(d$x))
  calls <- list(
    quote(glm(size ~ x + g, Gamma("log"), d)), quote(glm(dead ~ x + g, binomial("probit"), d))
  )
  all <- d
  for (call in calls) {
    store <- new_store()
    d <- all[-(1:999), ]
    warm_call(call, store)
    d <- all
    fit <- warm_call(call, store)
    expect_identical(source_of(fit), "seeded")
    cold <- eval(call)
    expect_identical(apart(fit, cold), NULL)
    # Those of the step before, and what is made of them.
    weighed <- c("weights", "qr", "effects", "R")
    parts <- setdiff(names(cold), c(weighed, "family", "iter"))
    expect_equal(unclass(fit)[parts], unclass(cold)[parts], tolerance = 1e-5)
    expect_equal(unclass(fit)[weighed], unclass(cold)[weighed], tolerance = 1e-3)
    d <- all[1:900, ]
    expect_identical(source_of(warm_call(call, store)), "cold")
    d <- all
    d$x[c(1, 13, 25)] <- 60
    fit <- suppressWarnings(warm_call(call, store))
    expect_identical(apart(fit, suppressWarnings(eval(call))), NULL)
  }
})

test_that("a fit to separated groups is not believed", {
  grouped <- data.frame(y = rep(c(0, 1, 0, 1), c(20, 10, 10, 0)), g = rep(c("a", "b"), c(20, 20)))
  fit <- glm(y ~ g, binomial, grouped)
  expect_true(fit$converged)
  expect_match(certify_glm(fit, list(X = model.matrix(fit)), NULL), "boundary")
})

test_that("models that may have several optima are not started from other rows", {
  mine <- binomial()
  mine$mu.eta <- function(eta) pmax(dlogis(eta), 1e-10)
  claims <- data.frame(x = 1:20, y = 1:20 / 20 + rep(c(0.1, 0.2), 10))
  for (family in list(
    Gamma(), Gamma("identity"), gaussian("log"), inverse.gaussian("log"), poisson("sqrt"),
    quasi("log", "mu")
  )) {
    store <- new_store()
    suppressWarnings(warm(glm(y ~ x, family, claims[-1, ]), store))
    expect_identical(source_of(suppressWarnings(warm(glm(y ~ x, family, claims), store))), "cold")
  }
  for (family in list(mine, binomial("cauchit"))) {
    store <- new_store()
    warm(glm(am ~ wt, family, mtcars[-1, ]), store)
    expect_identical(source_of(warm(glm(am ~ wt, family, mtcars), store)), "cold")
  }
})

test_that("a negative binomial model with a given theta is known by its code", {
  skip_if_not_installed("MASS")
  theta2 <- MASS::negative.binomial(2)
  expect_true(has_one_optimum(theta2))
  expect_false(has_one_optimum(MASS::negative.binomial(2, "sqrt")))
  theta2$variance <- function(mu) mu^2
  expect_false(has_one_optimum(theta2))
})

test_that("a glm that a cold fit would not bring to its end begins cold", {
  for (control in list(list(maxit = 5), list(epsilon = 1e-4))) {
    store <- new_store()
    suppressWarnings(warm(glm(am ~ wt, binomial, mtcars[-1, ], control = control), store))
    fit <- suppressWarnings(warm(glm(am ~ wt, binomial, mtcars, control = control), store))
    expect_identical(source_of(fit), "cold")
  }
})

test_that("starting values by etastart stay in the call", {
  store <- new_store()
  eta <- rep(0, 32)
  first <- warm(glm(am ~ wt, binomial, mtcars, etastart = eta), store)
  again <- warm(glm(am ~ wt, binomial, mtcars, etastart = eta), store, reuse = FALSE)
  expect_identical(again$call, glm(am ~ wt, binomial, mtcars, etastart = eta)$call)
  expect_equal(bare(again), bare(first))
})

test_that("a state that is not of such a fit starts none, and is no error", {
  call <- quote(glm(am ~ wt, binomial, mtcars))
  cold <- eval(call)
  good <- list(coefficients = coef(cold), level = 0.5, left = 20)
  leaves <- list(
    NULL, "a", list(1), diag(2), numeric(), 1, c(1, 2, 3), c(NA, 1), c(Inf, 1), c(1e300, 1),
    c(a = 1, a = 2), c(x = 1, y = 2), -1, 0, 1e9, 1.5, TRUE
  )
  for (part in names(good)) {
    for (leaf in leaves) {
      state <- good
      state[part] <- list(leaf)
      store <- new_store()
      payload <- list(state = state, iterations = 1, seconds = 1)
      store_save(store, key_of(call, adapter_glm())$exact, payload, objective = NA)
      fit <- warm_call(call, store)
      expect_identical(apart(fit, cold), NULL)
    }
  }
})

# Interrupted ------------------------------------------------

# A store that holds what a glm left which was killed after `n` iterations.
store_cut_after <- function(n, call, env) {
  states <- list()
  named <- match.call(glm, call)
  report <- function(...) states[[length(states) + 1]] <<- list(...)
  suppressWarnings(eval(adapter_glm()$observe(named, env, report), env))
  store <- new_store()
  at <- states[[n]]
  payload <- list(state = at[[1]], iterations = at[[3]], seconds = 1)
  store_save(
    store, adapter_glm()$identify(named, env)$exact, payload, objective = at[[2]], iteration = n
  )
  store
}

test_that("a resumed glm has the iterations that were left, and ends as the uncut one", {
  separated <- data.frame(x = 1:6, y = c(0, 0, 0, 1, 1, 1))
  calls <- list(
    quote(glm(carb ~ wt + hp, poisson, mtcars)),
    quote(glm(carb ~ wt + offset(log(hp)), poisson, mtcars)),
    quote(glm(y ~ x, binomial, separated, maxit = 7)),
    quote(glm(y ~ x, binomial, separated, control = list(maxit = 8, epsilon = 1e-12))),
    quote(glm(carb ~ wt, Gamma("inverse"), mtcars))
  )
  for (call in calls) {
    whole <- suppressWarnings(eval(call))
    for (n in seq_len(whole$iter - 1)) {
      store <- store_cut_after(n, call, environment())
      expect_identical(
        capture_warnings(fit <- warm_call(call, store)), capture_warnings(eval(call))
      )
      expect_identical(source_of(fit), "resumed")
      expect_identical(warm_info(fit)$iterations, whole$iter - n)
      expect_identical(fit$iter, whole$iter)
      expect_equal(bare(fit), whole, tolerance = 1e-12)
    }
  }
})

test_that("a large fit that is quickly made has its estimates kept alone", {
  large <- data.frame(x = rep(datasets::quakes$depth, 60), y = rep(datasets::quakes$mag > 4.6, 60))
  store <- new_store()
  first <- warm(glm(y ~ x, binomial, large), store)
  again <- warm(glm(y ~ x, binomial, large), store)
  expect_false(is.null(encode_within(room_for(3600), first)))
  expect_null(encode_within(room_for(0.1), first))
  expect_true(source_of(again) %in% c("seeded", "finished"))
  expect_equal(coef(again), coef(first), tolerance = 1e-6)
})

test_that("a family given by name is found where the call is made", {
  d <- data.frame(x = c(1, 4, 2, 6, 3, 5), y = c(2, 5, 3, 9, 4, 6))
  fit <- function(how) {
    poisson <- function(...) stats::Gamma("log")
    how(quote(glm(y ~ x, "poisson", d)), environment())
  }
  store <- new_store()
  warmed <- fit(function(call, env) eval(bquote(warm(.(call), .(store))), env))
  expect_identical(family(warmed)$family, "Gamma")
  expect_identical(deviance(warmed), deviance(fit(eval)))
})

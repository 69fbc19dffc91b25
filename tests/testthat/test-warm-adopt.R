# A fit as of an .rds of last year: read by nobody who has what it was made with.
from_file <- function(fit) {
  file <- tempfile(fileext = ".rds")
  saveRDS(fit, file)
  readRDS(file)
}

expect_not_taken <- function(expr, why) {
  error <- expect_error(expr, class = "warmstart_error_argument")
  expect_match(gsub("\\s+", " ", conditionMessage(error)), why, fixed = TRUE)
}

cases <- list(
  glm = list(
    fit = quote(glm(am ~ log(wt) + factor(cyl), binomial, cars, weights = w, subset = hp < 250)),
    package = "stats"
  ),
  glm_nb = list(fit = quote(MASS::glm.nb(n ~ wt, cars)), package = "MASS"),
  gam = list(
    fit = quote(mgcv::gam(mpg ~ s(hp, k = 5) + wt, data = cars, method = "REML")), package = "mgcv"
  ),
  bam = list(fit = quote(mgcv::bam(mpg ~ s(hp, k = 5), data = cars)), package = "mgcv"),
  lmer = list(fit = quote(lme4::lmer(mpg ~ wt + (1 | cyl), cars)), package = "lme4"),
  glmmTMB = list(
    fit = quote(glmmTMB::glmmTMB(am ~ wt + (1 | carb), cars, family = binomial)),
    package = "glmmTMB"
  ),
  survreg = list(
    fit = quote(survival::survreg(survival::Surv(mpg, am) ~ wt, cars)), package = "survival"
  ),
  nls = list(
    fit = quote(nls(mpg ~ a * exp(b * wt), cars, start = list(a = 40, b = -0.2))),
    package = "stats"
  ),
  gls = list(fit = quote(nlme::gls(mpg ~ wt, cars, nlme::corAR1())), package = "nlme")
)
cars <- transform(mtcars, w = rep(1:2, 16))
cars$wt[3] <- NA
cars$n <- floor(exp(sin(1:32 * 7)^2 * 4))

for (name in names(cases)) {
  test_that(paste("a fit from a file is taken for its call's, of", name), {
    skip_if_not_installed(cases[[name]]$package)
    call <- cases[[name]]$fit
    if (name == "gls") cars <- cars[-3, ]
    fit <- suppressWarnings(suppressMessages(from_file(eval(call))))
    skip_if(name == "lmer" && lme4::isSingular(fit))
    store <- new_store()
    eval(bquote(warm_adopt(fit, .(call), store)))
    again <- suppressWarnings(eval(bquote(warm(.(call), store))))
    expect_false(warm_info(again)$source == "finished")
    expect_equal(
      stats::fitted(again), stats::fitted(fit), tolerance = 1e-4, ignore_attr = TRUE
    )
    cars$mpg[7] <- 20
    cars$am[7] <- 1 - cars$am[7]
    cars$cyl[7] <- 4
    cars$n[7] <- 7
    expect_not_taken(eval(bquote(warm_adopt(fit, .(call), store))), "other values")
  })
}

adopt <- function(fit, store = new_store()) {
  warm_adopt(fit, glm(am ~ wt, binomial, mtcars), store)
}

test_that("what is another model's says what differs", {
  expect_not_taken(adopt(glm(am ~ wt + hp, binomial, mtcars)), "term hp:")
  expect_not_taken(adopt(glm(am ~ wt, quasibinomial, mtcars)), "family")
  expect_not_taken(adopt(glm(hp ~ wt, binomial, transform(mtcars, hp = am))), "response")
  tight <- glm(am ~ wt, binomial, mtcars, control = list(epsilon = 1e-12))
  expect_not_taken(adopt(tight), "control")
})

test_that("what was fitted to other rows, or other data, is not taken", {
  expect_not_taken(
    adopt(glm(am ~ wt, binomial, mtcars[-1, ])), "31 rows, and this call would fit 32"
  )
  more <- rbind(mtcars, extra = mtcars[1, ])
  expect_not_taken(
    adopt(glm(am ~ wt, binomial, more)), "rows that the data of this call do not have"
  )
  moved <- transform(mtcars, wt = wt + (hp > 200))
  expect_not_taken(adopt(glm(am ~ wt, binomial, moved)), "its `wt` has other values")
  expect_not_taken(
    adopt(glm(am ~ wt, binomial, mtcars, weights = rep(2, 32))), "argument weights"
  )
})

test_that("what nothing could be started from is not taken", {
  skip_if_not_installed("nlme")
  fit <- nlme::gls(mpg ~ wt, mtcars)
  expect_not_taken(warm_adopt(fit, nlme::gls(mpg ~ wt, mtcars), new_store()), "is no start")
})

test_that("what is no fit of the fitter, or has not converged, is not taken", {
  expect_not_taken(adopt(lm(am ~ wt, mtcars)), "not")
  expect_not_taken(adopt(list(a = 1)), "not")
  short <- suppressWarnings(glm(am ~ wt, binomial, mtcars, control = list(maxit = 2)))
  expect_not_taken(adopt(short), "has not converged")
  store <- new_store()
  expect_not_taken(warm_adopt(1, mean(1:3), store), "does not know `mean()`")
  expect_argument_error(warm_adopt(1, 2, store), "call")
  expect_argument_error(warm_adopt(call = glm(am ~ wt, binomial, mtcars), store = store), "fit")
  expect_identical(length(run_files(store)), 0L)
})

test_that("an optimiser's result is taken where the objective is there what it says", {
  fn <- function(par) sum((par - centre)^2) + sum(centre)
  centre <- 1:2
  fit <- optim(c(0, 0), fn, method = "BFGS")
  store <- new_store()
  warm_adopt(from_file(fit), optim(c(0, 0), fn, method = "BFGS"), store)
  expect_equal(warm(optim(c(0, 0), fn, method = "BFGS"), store)$par, fit$par, tolerance = 1e-6)
  centre <- 2:3
  expect_not_taken(
    warm_adopt(fit, optim(c(0, 0), fn, method = "BFGS"), store), "objective is another one"
  )
})

adopted_data <- data.frame(x = (1:400 * 0.37) %% 1, z = (1:400 * 0.71) %% 1)
adopted_data$y <- sin(6 * adopted_data$x) + adopted_data$z^2 + sin(1:400 * 7.7) / 3

test_that("a call begins at the estimates that were adopted, and is the asker's", {
  skip_if_not_installed("mgcv")
  store <- new_store()
  fit <- from_file(mgcv::gam(y ~ s(x) + s(z), data = adopted_data, method = "REML"))
  local({
    here <- adopted_data
    for (i in 1:2) {
      warm_adopt(fit, mgcv::gam(y ~ s(x) + s(z), data = here, method = "REML"), store)
    }
    again <- warm(mgcv::gam(y ~ s(x) + s(z), data = here, method = "REML"), store)
    expect_identical(warm_info(again)$source, "seeded")
    expect_lte(warm_info(again)$iterations, 2)
    expect_identical(again$call$data, quote(here))
    expect_equal(fitted(again), fitted(fit), tolerance = 1e-6)
    warm_adopt(fit, mgcv::gam(y ~ s(x) + s(z), data = here, method = "REML"), store)
    warm(mgcv::gam(y ~ s(x) + s(z), data = here, method = "REML"), store)
    expect_identical(warm_info()$source, "finished")
  })
})

# What it keeps says nothing of these, so that it is taken; what comes of it is the call's.
test_that("a fit that is taken, and is not this call's, changes no result", {
  store <- new_store()
  expect_cold <- function(call, env = parent.frame()) {
    plain <- eval(call, env)
    fit <- eval(bquote(warm(.(call), store)), env)
    expect_equal(coef(fit), coef(plain), tolerance = 1e-5)
  }
  cars <- transform(mtcars, c = factor(cyl))
  fit <- glm(mpg ~ c, gaussian, cars)
  cars$c <- factor(cars$cyl, levels = c(8, 6, 4))
  warm_adopt(fit, glm(mpg ~ c, gaussian, cars), store)
  expect_cold(quote(glm(mpg ~ c, gaussian, cars)))
  linked <- "logit"
  fit <- glm(am ~ wt, binomial(linked), mtcars)
  linked <- "probit"
  warm_adopt(fit, glm(am ~ wt, binomial(linked), mtcars), store)
  expect_cold(quote(glm(am ~ wt, binomial(linked), mtcars)))
  skip_if_not_installed("mgcv")
  kk <- 5
  fit <- mgcv::gam(y ~ s(x, k = kk), data = adopted_data, method = "REML")
  kk <- 12
  try(warm_adopt(fit, mgcv::gam(y ~ s(x, k = kk), data = adopted_data, method = "REML"), store),
    silent = TRUE)
  expect_cold(quote(mgcv::gam(y ~ s(x, k = kk), data = adopted_data, method = "REML")))
})

test_that("others start from what was adopted", {
  skip_if_not_installed("mgcv")
  store <- new_store()
  old <- options(warmstart.near_from = 0.1)
  on.exit(options(old))
  fit <- mgcv::gam(y ~ s(x) + s(z), data = adopted_data, method = "REML")
  warm_adopt(fit, mgcv::gam(y ~ s(x) + s(z), data = adopted_data, method = "REML"), store)
  fold <- adopted_data[-(1:20), ]
  warm(mgcv::gam(y ~ s(x) + s(z), data = fold, method = "REML"), store)
  expect_identical(warm_info()$source, "seeded")
})

# A fit in hand ------------------------------------------------

test_that("a fit starts from one that is given, and ends where a cold one does", {
  skip_if_not_installed("mgcv")
  store <- new_store()
  data <- data.frame(x = (1:400 * 0.37) %% 1, z = (1:400 * 0.71) %% 1)
  data$y <- sin(6 * data$x) + data$z^2 + sin(1:400 * 7.7) / 3
  half <- mgcv::gam(y ~ s(x) + s(z), data = data[1:200, ], method = "REML")
  fit <- warm(mgcv::gam(y ~ s(x) + s(z), data = data, method = "REML"), store, from = half)
  expect_identical(warm_info(fit)$found, "fit that was given")
  expect_identical(attr(warm_verify(fit), "verdict"), "equal")
  folds <- warm(
    glm(am ~ wt, binomial, mtcars), store, from = glm(am ~ wt, binomial, mtcars[-1, ])
  )
  expect_identical(warm_info(folds)$source, "seeded")
  expect_equal(coef(folds), coef(glm(am ~ wt, binomial, mtcars)), tolerance = 1e-6)
})

test_that("one that is not at the optimum is a start as any: the end is certified or made again", {
  store <- new_store()
  wild <- glm(am ~ wt, binomial, mtcars[-1, ])
  wild$coefficients[] <- c(2, -1)
  fit <- warm(glm(am ~ wt, binomial, mtcars), store, from = wild)
  expect_equal(coef(fit), coef(glm(am ~ wt, binomial, mtcars)), tolerance = 1e-6)
})

test_that("a fit that cannot start this one is an error that says why", {
  store <- new_store()
  fit <- function(from) warm(glm(am ~ wt, binomial, mtcars), store, from = from)
  expect_argument_error(fit(lm(am ~ wt, mtcars)), "from")
  expect_argument_error(fit(3), "from")
  expect_not_taken(fit(glm(am ~ wt + hp, binomial, mtcars)), "another formula")
  expect_not_taken(
    warm(
      glm(am ~ wt, binomial, mtcars, start = c(1, 1)), store,
      from = glm(am ~ wt, binomial, mtcars)
    ),
    "starting values of its own"
  )
  expect_not_taken(warm(mean(1:3), store, from = 2), "does not know `mean()`")
  expect_identical(nrow(store_list(store)), 0L)
})

test_that("a finished fit is returned, whatever is given to start from", {
  store <- new_store()
  warm(glm(am ~ wt, binomial, mtcars), store)
  warm(glm(am ~ wt, binomial, mtcars), store, from = glm(am ~ wt, binomial, mtcars[-1, ]))
  expect_identical(warm_info()$source, "finished")
})

test_that("of several fits the first starts from it", {
  store <- new_store()
  warm(
    list(a = glm(am ~ wt, binomial, mtcars), b = glm(vs ~ wt, binomial, mtcars)), store,
    near = FALSE, from = glm(am ~ wt, binomial, mtcars[-1, ])
  )
  expect_identical(warm_info()$source, "cold")
  expect_identical(unname(unlist(summary(store)[c("seeded", "misses")])), c(1, 1))
})

skip_if_not_installed("mgcv")

set.seed(1)
d <- data.frame(x = runif(100))
d$y <- sin(6 * d$x) + rnorm(100) / 3
d$count <- rpois(100, 2)
d$grade <- sample(4, 100, TRUE)
d$share <- runif(100, 0.1, 0.9)
d$time <- rexp(100)

family_key <- function(family) format(fingerprint_model(y ~ s(x), d, family)$exact)

expect_own_keys <- function(families) {
  expect_identical(which(duplicated(vapply(families, family_key, ""))), integer())
}

test_that("a family with a name for each theta to choose from has a key", {
  expect_own_keys(list(mgcv::negbin(1:2), mgcv::negbin(c(1, 3)), mgcv::negbin(1)))
})

test_that("a long vector of a family's parameters counts", {
  choices <- seq(1, 9, length.out = 200)
  expect_own_keys(list(mgcv::negbin(choices), mgcv::negbin(choices + 1)))
})

used_families <- list(
  count ~ s(x), mgcv::nb(), y ~ s(x), mgcv::scat(), count ~ s(x), mgcv::ziP(),
  grade ~ s(x), mgcv::ocat(R = 4), share ~ s(x), mgcv::betar(), time ~ s(x), mgcv::cox.ph(),
  count ~ s(x), mgcv::tw(), count ~ s(x), mgcv::nb(3), count ~ s(x), mgcv::Tweedie(1.3),
  count ~ s(x), stats::poisson()
)

for (i in seq(1, length(used_families), by = 2)) {
  formula <- used_families[[i]]
  family <- used_families[[i + 1]]
  test_that(paste("a fit changes the key of no family, its own neither:", family$family), {
    before <- family_key(family)
    fit <- suppressWarnings(mgcv::gam(formula, family = family, data = d))
    expect_identical(family_key(family), before)
    expect_identical(family_key(fit$family), before)
  })
}

test_that("parameters that the user fixes count", {
  expect_own_keys(list(
    mgcv::nb(), mgcv::nb(3), mgcv::nb(4), mgcv::scat(), mgcv::scat(min.df = 4),
    mgcv::scat(theta = c(5, 1)), mgcv::scat(theta = c(6, 1)), mgcv::ocat(theta = c(1, 2)),
    mgcv::ocat(theta = c(1, 3)), mgcv::ziP(), mgcv::ziP(b = 1), mgcv::betar(),
    mgcv::betar(eps = 1e-5), mgcv::tw(theta = 1.5), mgcv::tw(theta = 1.6)
  ))
})

test_that("what a link of the user's own finds outside counts", {
  shifted <- function(by) {
    structure(class = "link-glm", list(
      linkfun = function(mu) qlogis(mu) - by, linkinv = function(eta) plogis(eta + by),
      mu.eta = function(eta) dlogis(eta + by), valideta = function(eta) TRUE, name = "shifted"
    ))
  }
  first <- family_key(binomial(shifted(rep(1:2, 100))))
  expect_identical(family_key(binomial(shifted(rep(1:2, 100)))), first)
  expect_false(family_key(binomial(shifted(rep(2:1, 100)))) == first)
})

test_that("what functions put into a family find outside counts", {
  changed <- function(by) {
    family <- mgcv::fix.family.link(binomial())
    family$linkinv <- function(eta) plogis(eta + by)
    family
  }
  expect_own_keys(list(binomial(), changed(0), changed(2)))
})

test_that("another family's function in a family counts", {
  mixed <- poisson()
  mixed$variance <- Gamma()$variance
  expect_own_keys(list(poisson(), mixed))
})

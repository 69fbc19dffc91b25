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
  expect_false(any(vapply(fit$family, is_wrapper, NA)))
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

test_that("a glm that does not converge warns as a cold one, and is not kept", {
  store <- new_store()
  separated <- data.frame(x = 1:6, y = c(0, 0, 0, 1, 1, 1))
  call <- quote(glm(y ~ x, binomial, separated, control = list(maxit = 3)))
  says <- function(expr) capture_warnings(expr)
  expect_identical(says(warm_call(call, store)), says(eval(call)))
  expect_false(any(store_list(store)$state == "finished"))
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

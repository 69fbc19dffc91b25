# glm ------------------------------------------------

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

# glm.nb ------------------------------------------------

test_that("the adapter for glm.nb conforms", {
  skip_if_not_installed("MASS")
  # To its end, so that theta is the same to the ten digits in the call.
  to_the_end <- stats::glm.control(epsilon = 1e-13, maxit = 100)
  expect_adapter_conforms(
    adapter_glm_nb(),
    quote(MASS::glm.nb(Days ~ Sex / (Age + Eth * Lrn), MASS::quine, control = to_the_end)),
    near = quote(
      MASS::glm.nb(Days ~ Sex / (Age + Eth * Lrn), MASS::quine[-(1:9), ], control = to_the_end)
    ),
    failing = quote(MASS::glm.nb(-Days ~ Sex, MASS::quine))
  )
})

test_that("a glm.nb is watched each round, and is what it is without warm()", {
  skip_if_not_installed("MASS")
  for (call in list(
    quote(MASS::glm.nb(Days ~ Age + Sex, MASS::quine)),
    quote(MASS::glm.nb(Days ~ Age + Sex, MASS::quine, epsilon = 1e-10, maxit = 50)),
    quote(MASS::glm.nb(Days ~ Age + Sex, MASS::quine, control = glm.control(1e-6)))
  )) {
    store <- new_store()
    fit <- warm_call(call, store)
    expect_equal(bare(fit), eval(call), tolerance = 0)
    rounds <- session_history(store, warm_info(fit)$key)
    expect_gt(warm_info(fit)$checkpoints, 2)
    expect_lte(max(diff(rounds$objective)), 1e-9)
    expect_equal(utils::tail(rounds$objective, 1), -fit$twologlik)
  }
})

test_that("a control that glm.nb does not know is its to complain about", {
  skip_if_not_installed("MASS")
  call <- quote(MASS::glm.nb(Days ~ Age, MASS::quine, nowhere = 1))
  said <- character()
  error <- withCallingHandlers(
    expect_error(warm_call(call, new_store())),
    message = function(m) said <<- c(said, conditionMessage(m))
  )
  expect_identical(said, character())
  expect_identical(conditionMessage(error), conditionMessage(expect_error(eval(call))))
})

test_that("links of glm.nb are told apart", {
  skip_if_not_installed("MASS")
  store <- new_store()
  warm(MASS::glm.nb(Days ~ Age, MASS::quine), store)
  other <- warm(MASS::glm.nb(Days ~ Age, MASS::quine, link = sqrt), store)
  expect_identical(source_of(other), "cold")
  expect_identical(other$call$link, quote(sqrt))
})

# nls ------------------------------------------------

treated <- quote(nls(
  rate ~ Vm * conc / (K + conc),
  data = Puromycin, subset = state == "treated", start = c(Vm = 200, K = 0.05)
))
on_other_rows <- function(call) {
  call$data <- quote(Puromycin[-3, ])
  call
}

test_that("the adapter for nls conforms", {
  failing <- treated
  failing$start <- quote(c(Vm = -200, K = -0.02))
  expect_adapter_conforms(
    adapter_nls(), treated, near = on_other_rows(treated), failing = failing
  )
})

test_that("the adapter for nls conforms with its other algorithms", {
  linear <- treated
  linear$formula <- quote(rate ~ conc / (K + conc))
  linear$start <- quote(list(K = 0.05))
  linear$algorithm <- "plinear"
  expect_adapter_conforms(adapter_nls(), linear, near = on_other_rows(linear))
  bounded <- treated
  bounded$algorithm <- "port"
  bounded$lower <- quote(c(0, 0))
  expect_adapter_conforms(adapter_nls(), bounded, near = on_other_rows(bounded))
})

test_that("the adapter for nls conforms with a model that starts itself", {
  expect_adapter_conforms(
    adapter_nls(),
    quote(nls(density ~ SSlogis(log(conc), Asym, xmid, scal), DNase)),
    near = quote(nls(density ~ SSlogis(log(conc), Asym, xmid, scal), DNase[-(1:16), ]))
  )
})

test_that("a model that starts itself does so, without a warning", {
  call <- quote(nls(density ~ SSlogis(log(conc), Asym, xmid, scal), DNase))
  warnings <- hold_conditions(fit <- warm_call(call, new_store()), "warning")$said
  expect_identical(warnings, list())
  expect_equal(bare(fit), eval(call), tolerance = 0)
})

test_that("a start that comes with the data counts", {
  call <- quote(nls(rate ~ Vm * conc / (K + conc), treated_data))
  key_from <- function(K) {
    treated_data <- structure(Puromycin[1:12, ], parameters = list(Vm = 200, K = K))
    adapter_nls()$identify(match.call(nls, call), environment())$exact
  }
  expect_identical(key_from(0.05), key_from(0.05))
  expect_false(key_from(0.05) == key_from(0.5))
})

test_that("an nls is watched at each step, and its model is the user's again", {
  linear <- treated
  linear$formula <- quote(rate ~ conc / (K + conc))
  linear$start <- quote(list(K = 0.05))
  linear$algorithm <- "plinear"
  with_gradient <- quote(nls(
    density ~ SSlogis(log(conc), Asym, xmid, scal), DNase, start = c(Asym = 3, xmid = 0, scal = 1)
  ))
  for (call in list(treated, linear, with_gradient)) {
    fit <- warm_call(call, new_store())
    cold <- eval(call)
    expect_identical(warm_info(fit)$checkpoints, as.numeric(cold$convInfo$finIter))
    expect_identical(formula(fit), formula(cold))
    expect_identical(environment(formula(fit)), environment(formula(cold)))
    expect_lte(length(serialize(bare(fit), NULL)), length(serialize(cold, NULL)))
    expect_identical(predict(fit, Puromycin), predict(cold, Puromycin))
  }
})

test_that("steps to the side are no iterates of an nls", {
  reports <- list()
  report <- function(...) reports[[length(reports) + 1]] <<- list(...)
  named <- match.call(nls, treated)
  fit <- eval(adapter_nls()$observe(named, environment(), report))
  last <- reports[[length(reports)]]
  expect_identical(last[[1]]$coefficients, coef(fit))
  expect_identical(last[[2]], deviance(fit))
})

test_that("errors in a watched model are those of an unwatched one", {
  model <- function(conc, Vm, K) if (K < 0.06) Vm * conc / (K + conc) else stop("too large")
  call <- quote(nls(rate ~ model(conc, Vm, K), Puromycin, start = c(Vm = 200, K = 0.05)))
  error_of <- function(expr) expect_error(expr)[c("message", "call")]
  expect_identical(error_of(warm_call(call, new_store())), error_of(eval(call)))
})

test_that("parameters that are vectors keep their form in a start", {
  by_state <- quote(nls(
    rate ~ Vm[state] * conc / (K[state] + conc), Puromycin,
    start = list(Vm = c(200, 160), K = c(0.05, 0.05))
  ))
  store <- new_store()
  fewer <- by_state
  fewer[[3]] <- quote(Puromycin[-3, ])
  warm_call(fewer, store)
  fit <- warm_call(by_state, store)
  expect_identical(source_of(fit), "seeded")
  expect_equal(coef(fit), coef(eval(by_state)), tolerance = 1e-5)
})

test_that("another start is another fit, and none is started from the other", {
  store <- new_store()
  warm_call(treated, store)
  elsewhere <- treated
  elsewhere$start <- quote(c(Vm = 150, K = 0.1))
  expect_identical(source_of(warm_call(elsewhere, store)), "cold")
})

test_that("a model function of the user's counts in the key", {
  mm <- function(conc, Vm, K) Vm * conc / (K + conc)
  call <- quote(nls(rate ~ mm(conc, Vm, K), Puromycin, start = c(Vm = 200, K = 0.05)))
  before <- key_of(call, adapter_nls())
  mm <- function(conc, Vm, K) Vm * conc^0.9 / (K + conc)
  expect_false(before$exact == key_of(call, adapter_nls())$exact)
})

# loglin ------------------------------------------------

hair <- quote(loglin(
  HairEyeColor, list(c(1, 2), c(1, 3), c(2, 3)),
  fit = TRUE, print = FALSE, eps = 1e-6, iter = 100
))
with_table <- function(table) {
  call <- hair
  call[[2]] <- table
  call
}

test_that("the adapter for loglin conforms", {
  expect_adapter_conforms(
    adapter_loglin(), hair, near = with_table(quote(HairEyeColor + 1)),
    failing = quote(loglin(HairEyeColor, list("nowhere")))
  )
})

test_that("other margins are not started from", {
  store <- new_store()
  warm(loglin(HairEyeColor, list(1:3), fit = TRUE, print = FALSE), store)
  expect_identical(source_of_last(warm_call(hair, store)), "cold")
})

test_that("a table with cells that were fitted as empty is no start", {
  store <- new_store()
  empty <- HairEyeColor
  empty[1, 1, ] <- 0
  warm_call(with_table(empty), store)
  fit <- warm_call(hair, store)
  expect_identical(source_of_last(fit), "cold")
  expect_equal(fit$fit, eval(hair)$fit)
})

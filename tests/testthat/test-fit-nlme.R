skip_if_not_installed("nlme")

orthodont <- nlme::Orthodont
ovary <- nlme::Ovary
on_fewer <- function(call) {
  call[[3]] <- bquote(.(call[[3]])[-(1:4), ])
  call
}

growth <- quote(nlme::lme(distance ~ age, orthodont, random = ~ age | Subject))
follicles <- quote(nlme::gls(
  follicles ~ sin(2 * pi * Time) + cos(2 * pi * Time), ovary,
  correlation = nlme::corAR1(form = ~ 1 | Mare)
))

test_that("the adapter for lme conforms", {
  expect_adapter_conforms(
    adapter_lme(), growth,
    failing = quote(nlme::lme(distance ~ nowhere, orthodont, random = ~ 1 | Subject))
  )
})

test_that("how grouped data are nested counts", {
  store <- new_store()
  pixel <- nlme::Pixel
  call <- quote(nlme::lme(pixel ~ day, pixel, random = ~1))
  warm_call(call, store)
  attr(pixel, "formula") <- pixel ~ day | Side / Dog
  fit <- warm_call(call, store)
  expect_false(source_of(fit) == "finished")
  expect_equal(logLik(fit), logLik(eval(call)))
})

test_that("a fit of a grouped data set itself can be updated, as without warm()", {
  call <- quote(nlme::lme(nlme::Orthodont))
  store <- new_store()
  for (source in c("cold", "finished")) {
    fit <- warm_call(call, store)
    expect_identical(source_of(fit), source)
    expect_identical(fit$call, eval(call)$call)
  }
  expect_equal(logLik(update(fit, method = "ML")), logLik(update(eval(call), method = "ML")))
})

test_that("the adapter for lme conforms with structures", {
  call <- quote(nlme::lme(
    distance ~ age * Sex, orthodont, random = list(Subject = nlme::pdDiag(~age)),
    weights = nlme::varIdent(form = ~ 1 | Sex), subset = age > 8, method = "ML"
  ))
  expect_adapter_conforms(adapter_lme(), call)
})

test_that("the adapter for lme conforms with a correlation to start from", {
  call <- quote(nlme::lme(
    follicles ~ sin(2 * pi * Time) + cos(2 * pi * Time), ovary, random = ~ 1 | Mare,
    correlation = nlme::corAR1()
  ))
  expect_adapter_conforms(adapter_lme(), call, near = on_fewer(call))
})

test_that("a gls begins cold on other data", {
  store <- new_store()
  warm_call(on_fewer(follicles), store)
  fit <- warm_call(follicles, store)
  expect_identical(source_of(fit), "cold")
  expect_equal(bare(fit), eval(follicles), tolerance = 0)
})

test_that("cut off, lme and gls end as without the interruption, to the last bit", {
  by_optim <- follicles
  by_optim$control <- quote(nlme::glsControl(opt = "optim"))
  correlated <- quote(nlme::lme(
    follicles ~ sin(2 * pi * Time), ovary, random = ~ 1 | Mare, correlation = nlme::corAR1()
  ))
  for (call in list(growth, follicles, by_optim, correlated)) {
    store <- new_store()
    cut_off(call, store, 8)
    fit <- warm_call(call, store)
    expect_identical(source_of(fit), "resumed")
    cold <- eval(call)
    expect_equal(bare(fit), cold, tolerance = 0)
    expect_identical(fit$call, cold$call)
  }
})

test_that("a state that is not whole starts nothing", {
  call <- match.call(nlme::lme, quote(nlme::lme(
    follicles ~ sin(2 * pi * Time), ovary, random = ~ 1 | Mare, correlation = nlme::corAR1()
  )))
  adapter <- adapter_lme()
  whole <- fit_state(adapter, eval(call), call, environment())$state$parameters
  mutants <- list(
    NULL, "a", list(), list(1), numeric(), whole[-1], c(whole, whole), unname(whole),
    replace(whole, 1, NA), replace(whole, 1, Inf), rev(whole), 1:2
  )
  for (mutant in mutants) {
    for (state in list(list(parameters = mutant), list(calls = mutant), mutant)) {
      expect_error(
        eval(adapter$seed(call, environment(), state, "rows")), class = "warmstart_seed_unfit"
      )
    }
  }
  far <- adapter$seed(call, environment(), list(parameters = replace(whole, 1, 1e300)), "rows")
  expect_error(eval(far), class = "warmstart_seed_unfit")
})

test_that("a seed from which the likelihood does not rise is none", {
  call <- match.call(nlme::lme, quote(nlme::lme(
    follicles ~ sin(2 * pi * Time), ovary, random = ~ 1 | Mare, correlation = nlme::corAR1()
  )))
  whole <- fit_state(adapter_lme(), eval(call), call, environment())$state$parameters
  seeded <- adapter_lme()$seed(call, environment(), list(parameters = whole - 8), "rows")
  expect_error(eval(seeded), "top of the slope", class = "warmstart_seed_unfit")
})

test_that("a returned lme has the data and the call of whoever asks for it", {
  store <- new_store()
  call <- quote(nlme::lme(distance ~ age, d, random = ~ age | Subject))
  d <- as.data.frame(orthodont)
  d$site <- "A"
  warm_call(call, store)
  d$site <- "B"
  other <- d
  call[[3]] <- quote(other)
  fit <- warm_call(call, store)
  expect_identical(source_of(fit), "finished")
  cold <- eval(call)
  expect_identical(nlme::getData(fit)$site, d$site)
  expect_identical(fit$call, cold$call)
  expect_identical(names(fit), names(cold))
  expect_equal(bare(fit), cold, tolerance = 0)
})

test_that("the arguments that a returned fit shows are the asker's, and no others", {
  store <- new_store()
  call <- follicles
  first <- call
  first$control <- quote(nlme::glsControl(msVerbose = FALSE))
  warm_call(first, store)
  other <- ovary
  call[[3]] <- quote(other)
  call$control <- quote(list(msVerbose = FALSE))
  for (asked in list(first, call)) {
    expect_identical(warm_call(asked, store)$call, eval(asked)$call)
  }
})

test_that("an lme of grouped data or of a list of fits shows the asker's calls", {
  skip_if_not_installed("withr")
  store <- new_store()
  # These methods look their data up where they are called from.
  fits <- nlme::lmList(distance ~ age | Subject, nlme::Orthodont)
  withr::local_environment(list2env(
    list(grouped = orthodont, again = orthodont, fits = fits, same = fits)
  ))
  calls <- list(
    quote(nlme::lme(grouped)), quote(nlme::lme(again)),
    quote(nlme::lme(grouped, random = ~1)), quote(nlme::lme(fits)), quote(nlme::lme(same)),
    quote(nlme::lme(fits, control = list(msVerbose = FALSE)))
  )
  for (call in calls) {
    cold <- eval(call)
    for (time in 1:2) {
      fit <- warm_call(call, store)
      expect_identical(deparse(fit$call), deparse(cold$call))
      expect_identical(fit$origCall, cold$origCall)
      expect_identical(names(fit), names(cold))
      expect_identical(nlme::getData(fit), nlme::getData(cold))
    }
  }
})

test_that("lme and gls are watched, and what they are without warm()", {
  by_optim <- follicles
  by_optim$control <- quote(nlme::glsControl(opt = "optim"))
  for (call in list(growth, follicles, by_optim)) {
    store <- new_store()
    fit <- warm_call(call, store)
    expect_gt(warm_info(fit)$checkpoints, 5)
    evaluations <- session_history(store, warm_info(fit)$key)$objective
    expect_lt(max(diff(evaluations)), 1e-6)
    expect_equal(evaluations[[length(evaluations) - 1]], -as.numeric(logLik(fit)))
    attr(fit, "warmstart") <- NULL
    expect_equal(fit, eval(call), tolerance = 0)
  }
})

test_that("a fit that keeps its fitter's frame keeps nothing of warm() in it", {
  call <- quote(nlme::lme(
    follicles ~ sin(2 * pi * Time), ovary, random = ~ 1 | Mare, correlation = nlme::corAR1()
  ))
  store <- new_store()
  place <- list2env(list(ovary = ovary), parent = globalenv())
  warm_call(on_fewer(call), store, env = place)
  for (fit in list(warm_call(call, env = place), warm_call(call, store, env = place))) {
    frame <- environment(attr(fit$modelStruct$corStruct, "formula"))
    expect_true(exists("lmeSt", frame, inherits = FALSE))
    expect_false(any(c("nlminb", "optim") %in% names(frame)))
    attr(fit, "warmstart") <- NULL
    bytes <- serialize(fit, NULL)
    expect_false(grepl("warm_session", rawToChar(bytes[bytes != 0]), useBytes = TRUE))
  }
})

test_that("a fit with weights starts from their parameters", {
  call <- quote(nlme::lme(
    distance ~ age * Sex, orthodont,
    random = ~ 1 | Subject, weights = nlme::varIdent(form = ~ 1 | Sex)
  ))
  store <- new_store()
  warm_call(on_fewer(call), store)
  fit <- warm_call(call, store)
  cold <- eval(call)
  expect_identical(warm_info(fit)$source, "seeded")
  expect_equal(fit$logLik, cold$logLik, tolerance = 1e-9)
  expect_equal(coef(fit$modelStruct), coef(cold$modelStruct), tolerance = 1e-5)
})

test_that("a fit whose weights depend on it starts as without warm()", {
  call <- quote(nlme::gls(
    rate ~ pressure + I(pressure^2), nlme::Dialyzer, weights = nlme::varPower()
  ))
  store <- new_store()
  warm_call(on_fewer(call), store)
  fit <- warm_call(call, store)
  expect_identical(warm_info(fit)$source, "cold")
  attr(fit, "warmstart") <- NULL
  expect_equal(fit, eval(call), tolerance = 0)
})

test_that("an lme of a grouped data set is watched as well", {
  fit <- warm(nlme::lme(nlme::Orthodont), new_store())
  expect_gt(warm_info(fit)$checkpoints, 5)
  expect_equal(fit$logLik, nlme::lme(nlme::Orthodont)$logLik)
})

test_that("a correlation that is fixed stays what it is", {
  call <- follicles
  call$correlation <- quote(nlme::corAR1(0.3, form = ~ 1 | Mare, fixed = TRUE))
  store <- new_store()
  eval(bquote(warm(.(on_fewer(call)), store)))
  fit <- eval(bquote(warm(.(call), store)))
  expect_equal(coef(fit$modelStruct$corStruct, FALSE), 0.3, ignore_attr = TRUE)
  expect_identical(fit$call$correlation, call$correlation)
})

test_that("the adapter for gls conforms", {
  expect_adapter_conforms(
    adapter_gls(), follicles,
    failing = quote(nlme::gls(follicles ~ nowhere, ovary))
  )
})

test_that("what groups the rows counts, wherever it is said", {
  exact <- function(call, adapter, env = parent.frame()) key_of(call, adapter, env)$exact
  changes <- function(call, adapter, data, column) {
    before <- exact(call, adapter)
    changed <- data
    changed[[column]] <- rev(changed[[column]])
    call[[3]] <- quote(changed)
    after <- exact(call, adapter)
    before != after
  }
  expect_true(changes(growth, adapter_lme(), orthodont, "Subject"))
  from_data <- quote(nlme::lme(distance ~ age, orthodont))
  expect_true(changes(from_data, adapter_lme(), orthodont, "Subject"))
  expect_true(changes(follicles, adapter_gls(), ovary, "Mare"))
  expect_false(changes(growth, adapter_lme(), orthodont, "Sex"))
})

test_that("structures and their values count", {
  exact <- function(correlation) {
    call <- follicles
    call$correlation <- correlation
    key_of(call, adapter_gls())$exact
  }
  keys <- c(
    exact(quote(nlme::corAR1(form = ~ 1 | Mare))),
    exact(quote(nlme::corAR1(0.5, form = ~ 1 | Mare))),
    exact(quote(nlme::corCAR1(form = ~ 1 | Mare))), exact(NULL)
  )
  expect_length(unique(vapply(keys, format, "")), 4)
})

test_that("a fit that does not converge stops as without warm()", {
  store <- new_store()
  hurried <- growth
  hurried$control <- quote(list(msMaxIter = 1, niterEM = 0))
  expect_identical(
    conditionMessage(expect_error(warm_call(hurried, store))),
    conditionMessage(expect_error(eval(hurried)))
  )
  expect_false(any(store_list(store)$state == "finished"))
})

test_that("structures count, also those without parameters of their own yet", {
  store <- new_store()
  d <- nlme::Dialyzer
  calls <- alist(
    nlme::gls(rate ~ pressure, d),
    nlme::gls(rate ~ pressure, d, weights = nlme::varPower(form = ~pressure)),
    nlme::gls(rate ~ pressure, d, weights = nlme::varExp(form = ~pressure)),
    nlme::gls(rate ~ pressure, d, correlation = nlme::corExp(form = ~ index | Subject)),
    nlme::gls(rate ~ pressure, d, correlation = nlme::corGaus(form = ~ index | Subject)),
    nlme::gls(rate ~ pressure, d, correlation = nlme::corSpher(form = ~ index | Subject))
  )
  for (call in calls) {
    fit <- warm_call(call, store)
    expect_identical(source_of(fit), "cold", label = deparse1(call))
    expect_equal(fit$logLik, eval(call)$logLik)
  }
})

test_that("a fit that warns is returned with its warning, and seeds nothing", {
  store <- new_store()
  hurried <- quote(nlme::lme(
    follicles ~ sin(2 * pi * Time), ovary, random = ~ 1 | Mare, correlation = nlme::corAR1(),
    control = list(msMaxIter = 1, niterEM = 0, returnObject = TRUE)
  ))
  expect_warning(warm_call(hurried, store), "convergence error")
  expect_warning(fit <- warm_call(hurried, store), "convergence error")
  expect_identical(source_of(fit), "finished")
  expect_warning(near <- warm_call(on_fewer(hurried), store), "convergence error")
  expect_identical(source_of(near), "cold")
})

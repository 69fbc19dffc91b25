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

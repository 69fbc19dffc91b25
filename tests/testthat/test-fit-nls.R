treated <- quote(nls(
  rate ~ Vm * conc / (K + conc),
  data = Puromycin, subset = state == "treated", start = c(Vm = 200, K = 0.05)
))

# So many rows that a fit starts from another's.
set.seed(1)
growth <- data.frame(x = rnorm(12000))
growth$y <- 5 / (1 + exp((1 - growth$x) / 0.7)) + rnorm(12000, 0, 0.2)
logistic <- quote(nls(
  y ~ Asym / (1 + exp((xmid - x) / scal)), growth, start = c(Asym = 4, xmid = 0.5, scal = 1)
))
on_other_rows <- function(call) {
  call[[3]] <- quote(growth[-(1:1200), ])
  call
}

test_that("the adapter for nls conforms", {
  failing <- treated
  failing$start <- quote(c(Vm = -200, K = -0.02))
  expect_adapter_conforms(adapter_nls(), treated, failing = failing)
  expect_adapter_conforms(adapter_nls(), logistic, near = on_other_rows(logistic))
})

test_that("the adapter for nls conforms with its other algorithms", {
  linear <- treated
  linear$formula <- quote(rate ~ conc / (K + conc))
  linear$start <- quote(list(K = 0.05))
  linear$algorithm <- "plinear"
  expect_adapter_conforms(adapter_nls(), linear)
  bounded <- treated
  bounded$algorithm <- "port"
  bounded$lower <- quote(c(0, 0))
  expect_adapter_conforms(adapter_nls(), bounded)
})

test_that("the adapter for nls conforms with a model that starts itself", {
  expect_adapter_conforms(
    adapter_nls(),
    quote(nls(y ~ SSlogis(x, Asym, xmid, scal), growth)),
    near = quote(nls(y ~ SSlogis(x, Asym, xmid, scal), growth[-(1:1200), ]))
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

# A store that holds what an nls left which was killed after `n` iterations.
store_cut_after <- function(n, call, env = parent.frame()) {
  states <- list()
  named <- match.call(nls, call)
  report <- function(...) states[[length(states) + 1]] <<- list(...)
  eval(adapter_nls()$observe(named, env, report), env)
  at <- states[[n]]
  store <- new_store()
  payload <- list(state = at[[1]], iterations = at[[3]], seconds = 1)
  store_save(
    store, adapter_nls()$identify(named, env)$exact, payload, objective = at[[2]], iteration = n
  )
  store
}

test_that("a resumed nls is the uncut one, whatever the form of its start", {
  before <- coef(lm(rate ~ conc, Puromycin))
  by_state <- quote(nls(
    rate ~ Vm[state] * conc / (K[state] + conc), Puromycin,
    start = list(Vm = c(200, 160), K = c(0.05, 0.05))
  ))
  named <- quote(nls(
    rate ~ Vm * conc / (K + conc), Puromycin,
    start = list(Vm = 2 * before[1], K = c(a = 0.05)), nls.control(maxiter = 9)
  ))
  bounded <- treated
  bounded$algorithm <- "port"
  bounded$lower <- quote(c(0, 0))
  for (call in list(treated, by_state, named, bounded)) {
    store <- store_cut_after(2, call)
    fit <- warm_call(call, store)
    cold <- eval(call)
    expect_identical(source_of(fit), "resumed")
    expect_identical(fit$call, cold$call)
    expect_identical(names(coef(fit)), names(coef(cold)))
    if (!identical(call, bounded)) {
      expect_identical(fit$convInfo$finIter, cold$convInfo$finIter)
      expect_equal(bare(fit)[names(fit) != "m"], unclass(cold)[names(cold) != "m"],
        tolerance = 1e-3, ignore_attr = TRUE
      )
    }
    expect_equal(coef(fit), coef(cold), tolerance = 1e-5)
  }
})

test_that("an nls of few rows begins cold, and so does one that some rows lead elsewhere", {
  store <- new_store()
  fewer <- treated
  fewer$data <- quote(Puromycin[-3, ])
  warm_call(fewer, store)
  expect_identical(source_of(warm_call(treated, store)), "cold")
  store <- new_store()
  warm_call(logistic, store)
  growth$x <- 10 * growth$x
  cold <- try(eval(logistic), silent = TRUE)
  fit <- try(warm_call(logistic, store), silent = TRUE)
  expect_identical(source_of_last(NULL), "cold")
  expect_identical(class(fit), class(cold))
})

test_that("where a cold nls fails, one from a start does not take its place", {
  far <- logistic
  far$start <- quote(c(Asym = 4, xmid = 30, scal = 0.01))
  expect_error(eval(far), "singular")
  store <- new_store()
  state <- list(coefficients = c(Asym = 5, xmid = 1, scal = 0.7))
  payload <- list(state = state, iterations = 1, seconds = 1)
  store_save(store, key_of(far, adapter_nls())$exact, payload, objective = NA, kind = "final")
  expect_error(warm_call(far, store), "singular")
})

test_that("a returned nls is wholly that of who asks for it", {
  store <- new_store()
  ask <- function(scale, data, call) {
    here <- environment()
    list(warm = warm_call(call, store, env = here), cold = eval(call), here = here)
  }
  first <- quote(nls(
    rate ~ Vm * conc / (K + conc) + 0 * scale, data, start = c(Vm = 200, K = 0.05), trace = FALSE
  ))
  other <- quote(nls(
    rate ~ Vm * conc / (K + conc) + 0 * scale, data = data, start = c(Vm = 200, K = 0.05),
    model = FALSE
  ))
  ask(1, Puromycin, first)
  both <- ask(1, Puromycin, other)
  expect_identical(source_of(both$warm), "finished")
  expect_identical(both$warm$call, both$cold$call)
  expect_identical(both$warm$control, both$cold$control)
  expect_identical(both$warm$data, both$cold$data)
  expect_identical(environment(formula(both$warm)), both$here)
  expect_identical(parent.env(both$warm$m$getEnv()), both$here)
})

test_that("an nls from the workspace looks its names up where it is asked for", {
  fits <- in_process(function(path) {
    store <- warm_store(path)
    assign("k", 2, globalenv())
    assign("store", store, globalenv())
    eval(
      quote(warm(nls(mpg ~ a + b * wt^k, mtcars, start = c(a = 30, b = -1)), store)), globalenv()
    )
    assign("k", 3, globalenv())
    f <- function(k, store) {
      fit <- warm(nls(mpg ~ a + b * wt^k, mtcars, start = c(a = 30, b = -1)), store)
      c(warm_info(fit)$source, predict(fit, data.frame(wt = 3)))
    }
    environment(f) <- globalenv()
    cold <- nls(mpg ~ a + b * wt^2, mtcars, start = c(a = 30, b = -1))
    list(f(2, store), predict(cold, data.frame(wt = 3)))
  }, tempfile("store"))
  expect_identical(fits[[1]][[1]], "finished")
  expect_equal(as.numeric(fits[[1]][[2]]), fits[[2]])
})

test_that("a state that is not an nls's starts none", {
  cold <- eval(logistic)
  good <- list(coefficients = coef(cold), left = 40)
  leaves <- list(
    NULL, "a", list(1), diag(3), numeric(), 1, c(1, 2, 3), c(NA, 1), Inf, 1e300, -1, 0,
    c(Asym = 4, xmid = 1), c(Asym = 1, Asym = 2, scal = 1), c(Asym = 1e50, xmid = 1, scal = 1)
  )
  for (part in names(good)) {
    for (leaf in leaves) {
      state <- good
      state[part] <- list(leaf)
      store <- new_store()
      payload <- list(state = state, iterations = 1, seconds = 1)
      store_save(store, key_of(logistic, adapter_nls())$exact, payload, objective = NA)
      expect_equal(coef(warm_call(logistic, store)), coef(cold), tolerance = 1e-5)
    }
  }
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

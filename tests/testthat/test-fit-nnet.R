skip_if_not_installed("nnet")
skip_if_not_installed("MASS")

births <- MASS::birthwt
net <- quote(nnet::nnet(
  factor(race) ~ age + lwt + smoke, births, size = 2, decay = 0.1, maxit = 2000, trace = FALSE
))
race <- quote(nnet::multinom(factor(race) ~ age + lwt + smoke, births, trace = FALSE))

on_fewer <- function(call) {
  call[[3]] <- quote(births[-(1:9), ])
  call
}

# nnet ------------------------------------------------

test_that("the adapter for nnet conforms", {
  failing <- net
  failing$size <- -1
  expect_adapter_conforms(adapter_nnet(), net, near = on_fewer(net), failing = failing)
})

test_that("several nets in a row are the same ones again", {
  store <- new_store()
  fits <- function(fit) {
    set.seed(3)
    c(lapply(1:3, function(i) fit()$value), stats::runif(1))
  }
  cold <- fits(function() eval(net))
  expect_length(unique(unlist(cold)), 4)
  expect_identical(fits(function() warm_call(net, store)), cold)
  expect_identical(fits(function() warm_call(net, store)), cold)
  expect_identical(source_of_last(NULL), "finished")
})

test_that("a net with weights of its own does not depend on random numbers", {
  store <- new_store()
  given <- net
  given$Wts <- quote(rep(0.1, 17))
  warm_call(given, store)
  stats::runif(1)
  expect_identical(source_of(warm_call(given, store)), "finished")
})

test_that("the generator begins where there is no state of it yet", {
  result <- in_process(function(store) {
    fit <- function() {
      warm(nnet::nnet(mpg ~ wt, mtcars, size = 1, trace = FALSE, linout = TRUE, decay = 1,
        maxit = 5000
      ), store)
    }
    fit()
    c(warm_info()$source, length(.Random.seed) > 1)
  }, new_store())
  expect_identical(result, c("cold", "TRUE"))
})

test_that("a net is made from a matrix, too", {
  x <- as.matrix(births[c("age", "lwt")])
  store <- new_store()
  set.seed(1)
  fit <- warm(nnet::nnet(x, births$low, size = 1, decay = 0.1, maxit = 2000, trace = FALSE), store)
  set.seed(1)
  cold <- nnet::nnet(x, births$low, size = 1, decay = 0.1, maxit = 2000, trace = FALSE)
  expect_identical(bare(fit)$wts, cold$wts)
  expect_identical(fit$call, cold$call)
})

# multinom ------------------------------------------------

test_that("the adapter for multinom conforms", {
  failing <- race
  failing[[2]] <- quote(factor(race) ~ nowhere)
  expect_adapter_conforms(adapter_multinom(), race, near = on_fewer(race), failing = failing)
  expect_adapter_conforms(
    adapter_multinom(), quote(nnet::multinom(low ~ age + lwt, births, trace = FALSE))
  )
  expect_adapter_conforms(
    adapter_multinom(),
    quote(nnet::multinom(cbind(ncases, ncontrols) ~ agegp, esoph, trace = FALSE))
  )
})

test_that("a multinom begins cold, and is the cold one, whatever others have left", {
  store <- new_store()
  warm_call(on_fewer(race), store)
  fit <- warm_call(race, store)
  expect_identical(source_of(fit), "cold")
  expect_identical(bare(fit), eval(race))
})

test_that("what multinom and nnet give at their limit is kept, and starts none", {
  for (call in list(race, net)) {
    call$maxit <- 3
    store <- new_store()
    set.seed(1)
    first <- warm_call(call, store)
    expect_identical(first$convergence, 1L)
    set.seed(1)
    again <- warm_call(call, store)
    expect_identical(source_of(again), "finished")
    expect_equal(bare(again), bare(first))
  }
})

test_that("a returned multinom or nnet has the call of who asks for it", {
  mine <- births
  model <- factor(race) ~ age + lwt + smoke
  for (pair in list(
    list(race, quote(nnet::multinom(model, data = mine, Hess = FALSE, trace = FALSE))),
    list(net, quote(nnet::nnet(
      model, mine, decay = 0.1, maxit = 2000, size = 2, trace = TRUE
    )))
  )) {
    store <- new_store()
    set.seed(1)
    warm_call(pair[[1]], store)
    set.seed(1)
    fit <- warm_call(pair[[2]], store)
    expect_identical(source_of(fit), "finished")
    utils::capture.output(cold <- eval(pair[[2]]))
    expect_identical(fit$call, cold$call)
  }
})

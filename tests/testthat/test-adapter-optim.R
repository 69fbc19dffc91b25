# Optimisers through warm().

# The conformance suite ------------------------------------------------

conforms <- function(name, call, near = NULL, failing = NULL, env = parent.frame()) {
  skip_if_not_installed("callr")
  expect_adapter_conforms(
    optimiser(name), call, near = near, failing = failing, env = env
  )
}

for (method in c("Nelder-Mead", "BFGS", "CG", "L-BFGS-B")) {
  test_that(paste("optim() conforms:", method), {
    d <- lung_data()
    fold <- d[-(1:20), ]
    control <- list(maxit = 2000)
    conforms(
      "stats::optim",
      bquote(optim(weibull_start, weibull, d = d, method = .(method), control = control)),
      bquote(optim(weibull_start, weibull, d = fold, method = .(method), control = control)),
      bquote(optim(weibull_start, stops_early, d = d, method = .(method), control = control))
    )
  })
}

test_that("optim() conforms where it maximises, with a gradient and Hessian", {
  d <- lung_data()
  fold <- d[-(1:20), ]
  uphill <- function(par, d) -weibull_gradient(par, d)
  conforms(
    "stats::optim",
    quote(optim(
      weibull_start, log_likelihood, uphill, d = d, method = "BFGS", hessian = TRUE,
      control = list(fnscale = -1)
    )),
    quote(optim(
      weibull_start, log_likelihood, uphill, d = fold, method = "BFGS", hessian = TRUE,
      control = list(fnscale = -1)
    ))
  )
})

test_that("optim() conforms: Brent", {
  conforms(
    "stats::optim",
    quote(optim(70, median_loss, y = waiting, method = "Brent", lower = 40, upper = 100))
  )
})

test_that("nlm() conforms", {
  conforms(
    "stats::nlm",
    quote(nlm(waiting_mixture, mixture_start, y = waiting)),
    quote(nlm(waiting_mixture, mixture_start, y = fewer_waiting))
  )
  d <- lung_data()
  fold <- d[-(1:20), ]
  # Its first steps meet values that are no number, of which it warns.
  suppressWarnings(conforms(
    "stats::nlm",
    quote(nlm(weibull, weibull_start, d = d, hessian = TRUE)),
    quote(nlm(weibull, weibull_start, d = fold, hessian = TRUE)),
    quote(nlm(stops_early, weibull_start, d = d, hessian = TRUE))
  ))
})

test_that("nlminb() conforms", {
  conforms(
    "stats::nlminb",
    quote(nlminb(mixture_start, waiting_mixture, y = waiting)),
    quote(nlminb(mixture_start, waiting_mixture, y = fewer_waiting))
  )
  d <- lung_data()
  fold <- d[-(1:20), ]
  conforms(
    "stats::nlminb",
    quote(nlminb(weibull_start, weibull, weibull_gradient, d = d, lower = -10, upper = 10)),
    quote(nlminb(weibull_start, weibull, weibull_gradient, d = fold, lower = -10, upper = 10)),
    quote(nlminb(weibull_start, stops_early, weibull_gradient, d = d, lower = -10, upper = 10))
  )
})

test_that("optimize() conforms", {
  conforms(
    "stats::optimize", quote(optimize(median_loss, c(40, 100), y = waiting)),
    failing = quote(optimize(stops_in_the_middle, c(40, 100), y = waiting))
  )
  conforms(
    "stats::optimize", quote(optimise(
      function(at, y) -median_loss(at, y), lower = 40, upper = 100, maximum = TRUE, y = waiting
    ))
  )
})

test_that("constrOptim() conforms", {
  d <- lung_data()
  fold <- d[-(1:20), ]
  ui <- rbind(c(1, 0, 0, 0, 0), c(0, 0, 0, 0, -1))
  conforms(
    "stats::constrOptim",
    quote(constrOptim(weibull_start, weibull, weibull_gradient, ui, c(0, -2), d = d)),
    quote(constrOptim(weibull_start, weibull, weibull_gradient, ui, c(0, -2), d = fold)),
    quote(constrOptim(weibull_start, stops_early, weibull_gradient, ui, c(0, -2), d = d))
  )
})

test_that("nloptr() conforms", {
  skip_if_not_installed("nloptr")
  d <- lung_data()
  fold <- d[-(1:20), ]
  gradient <- list(algorithm = "NLOPT_LD_LBFGS", xtol_rel = 1e-8, maxeval = 1000)
  conforms(
    "nloptr::nloptr",
    quote(nloptr::nloptr(weibull_start, weibull, weibull_gradient, d = d, opts = gradient)),
    quote(nloptr::nloptr(weibull_start, weibull, weibull_gradient, d = fold, opts = gradient))
  )
  simplex <- list(algorithm = "NLOPT_LN_NELDERMEAD", xtol_rel = 1e-8, maxeval = 5000)
  conforms(
    "nloptr::nloptr",
    quote(nloptr::nloptr(weibull_start, weibull, d = d, opts = simplex)),
    quote(nloptr::nloptr(weibull_start, weibull, d = fold, opts = simplex)),
    quote(nloptr::nloptr(weibull_start, stops_early, d = d, opts = simplex))
  )
})

test_that("optimr() and optimx() conform", {
  skip_if_not_installed("optimx")
  d <- lung_data()
  fold <- d[-(1:20), ]
  conforms(
    "optimx::optimr",
    quote(optimx::optimr(weibull_start, weibull, weibull_gradient, d = d, method = "Rvmmin")),
    quote(optimx::optimr(weibull_start, weibull, weibull_gradient, d = fold, method = "Rvmmin"))
  )
  control <- list(maximize = TRUE)
  conforms(
    "optimx::optimx",
    quote(optimx::optimx(
      weibull_start, log_likelihood, d = d, method = "BFGS", control = control
    )),
    quote(optimx::optimx(
      weibull_start, log_likelihood, d = fold, method = "BFGS", control = control
    ))
  )
  # That of 2022 minimises whatever it is told.
  hill <- optimx::optimr(c(1, 1), function(x) -sum(x^2), method = "BFGS", control = control)
  if (abs(hill$value) < 1e-6) {
    conforms(
      "optimx::optimr",
      quote(optimx::optimr(
        weibull_start, log_likelihood, d = d, method = "BFGS", control = control
      )),
      quote(optimx::optimr(
        weibull_start, log_likelihood, d = fold, method = "BFGS", control = control
      ))
    )
  }
  conforms(
    "optimx::optimx",
    quote(optimx::optimx(weibull_start, weibull, d = d, method = "BFGS")),
    quote(optimx::optimx(weibull_start, weibull, d = fold, method = "BFGS"))
  )
})

test_that("bobyqa(), newuoa() and uobyqa() conform", {
  skip_if_not_installed("minqa")
  d <- lung_data()
  fold <- d[-(1:20), ]
  for (name in c("bobyqa", "newuoa", "uobyqa")) {
    fun <- call("::", quote(minqa), as.name(name))
    conforms(
      paste0("minqa::", name),
      bquote(.(fun)(weibull_start, weibull, d = d)),
      bquote(.(fun)(weibull_start, weibull, d = fold)),
      bquote(.(fun)(weibull_start, stops_early, d = d))
    )
  }
})

# Keys ------------------------------------------------

key_by <- function(call, env = parent.frame()) {
  fun <- eval(call[[1]], env)
  adapter <- asNamespace("warmstart")$find_adapter(fun)
  adapter$identify(match.call(fun, call), env)
}

test_that("start, bounds, method and limits make another optimisation", {
  key <- key_by(quote(optim(mixture_start, waiting_mixture, y = waiting)))
  others <- list(
    quote(optim(mixture_start + 1, waiting_mixture, y = waiting)),
    quote(optim(mixture_start, waiting_mixture, y = waiting, method = "BFGS")),
    quote(optim(mixture_start, waiting_mixture, y = waiting, lower = 0)),
    quote(optim(mixture_start, waiting_mixture, y = waiting, control = list(maxit = 7))),
    quote(optim(mixture_start, weibull, y = waiting))
  )
  for (other in others) {
    expect_false(key_by(other)$specification == key$specification)
  }
})

test_that("data in further arguments, or that the objective finds, are data", {
  key <- key_by(quote(optim(mixture_start, waiting_mixture, y = waiting)))
  fold <- key_by(quote(optim(mixture_start, waiting_mixture, y = fewer_waiting)))
  expect_true(fold$specification == key$specification)
  expect_false(fold$exact == key$exact)
  make <- function(y) function(par) waiting_mixture(par, y)
  all <- make(waiting)
  some <- make(fewer_waiting)
  key <- key_by(quote(nlminb(mixture_start, all)))
  fold <- key_by(quote(nlminb(mixture_start, some)))
  expect_true(fold$specification == key$specification)
  expect_false(fold$exact == key$exact)
})

test_that("what only prints does not count", {
  key <- key_by(quote(optim(mixture_start, waiting_mixture, y = waiting, control = list(maxit = 7))))
  traced <- key_by(quote(
    optim(mixture_start, waiting_mixture, y = waiting, control = list(trace = 1, maxit = 7))
  ))
  expect_true(key$exact == traced$exact)
  key <- key_by(quote(nlm(waiting_mixture, mixture_start, y = waiting)))
  printed <- key_by(quote(nlm(waiting_mixture, mixture_start, y = waiting, print.level = 2)))
  expect_true(key$exact == printed$exact)
})

test_that("of a multi-start, no start is led to another's optimum", {
  store <- new_store()
  two_minima <- function(x) (x^2 - 1)^2 + 0.1 * x
  ends <- vapply(c(-2, 2), function(start) {
    fit <- warm(optim(start, two_minima, method = "BFGS"), store)
    expect_identical(source_of(fit), "cold")
    fit$par
  }, 1)
  expect_lt(ends[[1]], 0)
  expect_gt(ends[[2]], 0)
})

# Starting again ------------------------------------------------

test_that("an optimisation that was cut off goes on from its best point", {
  d <- lung_data()
  calls <- list(
    quote(optim(weibull_start, weibull, d = d, method = "BFGS")),
    quote(nlm(waiting_mixture, mixture_start, y = waiting)),
    quote(nlminb(weibull_start, weibull, d = d)),
    quote(optimize(median_loss, c(40, 100), y = waiting))
  )
  for (call in calls) {
    store <- new_store()
    cut_off(call, store, 5)
    # Steps from there may meet values that are no number, of which nlm() warns.
    suppressWarnings(fit <- warm_call(call, store))
    info <- warm_info(fit)
    expect_identical(info$source, "resumed")
    expect_gte(info$iterations_before, 5)
    expect_equal(bare(fit)[1], eval(call)[1], tolerance = 1e-3)
  }
})

test_that("Brent's search goes on where it was, to the same result", {
  calls <- list(
    quote(optimize(median_loss, c(40, 100), y = waiting)),
    quote(optim(70, median_loss, y = waiting, method = "Brent", lower = 40, upper = 100))
  )
  for (call in calls) {
    store <- new_store()
    cut_off(call, store, 5)
    fit <- warm_call(call, store)
    expect_identical(source_of(fit), "resumed")
    expect_identical(bare(fit), eval(call))
  }
})

test_that("Brent's search does not evaluate again what it has evaluated", {
  call <- quote(optimize(f = median_loss, interval = c(40, 100), y = waiting))
  seen <- list(at = 40 + (3 - sqrt(5)) / 2 * 60, value = -1e6)
  adapter <- optimiser("stats::optimize")
  fit <- eval(adapter$seed(call, environment(), seen, "exact"))
  expect_identical(fit$objective, -1e6)
})

test_that("annealing that was interrupted makes the evaluations that were left", {
  store <- new_store()
  call <- quote(optim(
    mixture_start, waiting_mixture, y = waiting, method = "SANN", control = list(maxit = 2000)
  ))
  set.seed(1)
  cut_off(call, store, 200)
  set.seed(1)
  fit <- warm_call(call, store)
  info <- warm_info(fit)
  expect_identical(info$source, "resumed")
  expect_equal(fit$counts[["function"]] + info$iterations_before, 2000)
})

test_that("annealing with other random numbers is another fit", {
  store <- new_store()
  call <- quote(optim(mixture_start, waiting_mixture, y = waiting, method = "SANN"))
  annealed <- function(seed) {
    set.seed(seed)
    fit <- warm_call(call, store)
    list(fit = bare(fit), source = source_of(fit), then = runif(1))
  }
  first <- annealed(1)
  second <- annealed(2)
  expect_identical(second$source, "cold")
  expect_false(identical(first$fit, second$fit))
  again <- annealed(1)
  expect_identical(again$source, "finished")
  expect_identical(again[c("fit", "then")], first[c("fit", "then")])
})

test_that("annealing on other data begins at its own start", {
  store <- new_store()
  call <- function(y) {
    bquote(optim(mixture_start, waiting_mixture, y = .(y), method = "SANN"))
  }
  set.seed(1)
  warm_call(call(waiting), store)
  expect_identical(source_of(warm_call(call(fewer_waiting), store)), "cold")
})

test_that("random numbers go on as without warm()", {
  call <- quote(optim(
    mixture_start, waiting_mixture, y = waiting, method = "SANN", control = list(maxit = 100)
  ))
  set.seed(1)
  cold <- eval(call)
  after <- runif(1)
  set.seed(1)
  expect_identical(bare(warm_call(call)), cold)
  expect_identical(runif(1), after)
})

test_that("other data's result that is no better than the call's own start is not used", {
  store <- new_store()
  loss <- function(par, y) sum((y - par)^2)
  near_start <- c(1, 2, 3)
  warm(optim(2, loss, y = near_start + 1000, method = "BFGS"), store)
  fit <- warm(optim(2, loss, y = near_start, method = "BFGS"), store)
  expect_identical(source_of(fit), "cold")
  expect_match(warm_info(fit)$reason, "no better than the call's own start")
})

test_that("a start that is not inside is none for constrOptim()", {
  adapter <- optimiser("stats::constrOptim")
  call <- quote(constrOptim(theta = 1, f = function(x) x^2, grad = NULL, ui = 1, ci = 0))
  expect_error(
    adapter$seed(call, environment(), list(par = 0), "exact"), class = "warmstart_seed_unfit"
  )
})

test_that("a seed never makes the fit another one", {
  d <- lung_data()
  fold <- d[seq_len(nrow(d)) %% 10 != 0, ]
  calls <- list(
    function(d) bquote(optim(weibull_start, weibull, d = .(d), method = "BFGS")),
    function(d) bquote(optim(weibull_start, weibull, weibull_gradient, d = .(d), method = "CG")),
    function(d) bquote(nlminb(weibull_start, weibull, d = .(d))),
    function(d) bquote(nlm(waiting_mixture, mixture_start, y = .(waiting[seq_len(nrow(d))])))
  )
  for (call in calls) {
    store <- new_store()
    warm_call(call(fold), store)
    fit <- warm_call(call(d), store)
    expect_identical(source_of(fit), "seeded")
    expect_identical(attr(warm_verify(fit), "verdict"), "equal")
  }
})

# Limits ------------------------------------------------

test_that("what stopped at the call's own limit is its result, and returned at once", {
  store <- new_store()
  call <- quote(optim(mixture_start, waiting_mixture, y = waiting, control = list(maxit = 20)))
  first <- warm_call(call, store)
  expect_identical(first$convergence, 1L)
  second <- warm_call(call, store)
  expect_identical(source_of(second), "finished")
  expect_identical(bare(second), eval(call))
})

test_that("what stopped at a limit seeds nothing", {
  store <- new_store()
  control <- list(maxit = 20)
  warm(optim(mixture_start, waiting_mixture, y = fewer_waiting, control = control), store)
  fit <- warm(optim(mixture_start, waiting_mixture, y = waiting, control = control), store)
  expect_identical(source_of(fit), "cold")
})

test_that("resumed, it may use the limit again", {
  store <- new_store()
  call <- quote(optim(mixture_start, waiting_mixture, y = waiting, control = list(maxit = 60)))
  cut_off(call, store, 10)
  fit <- warm_call(call, store)
  expect_identical(source_of(fit), "resumed")
  expect_lte(fit$value, eval(call)$value)
})

test_that("a failure is not kept", {
  skip_if_not_installed("optimx")
  store <- new_store()
  # It wants a gradient.
  fit <- warm(optimx::optimr(c(2, 2), function(par) sum(par^2), method = "Rvmmin"), store)
  expect_gt(fit$convergence, 1)
  expect_false(any(store_list(store)$state == "finished"))
})

# The result ------------------------------------------------

test_that("what is returned is the optimiser's own, with names and Hessian", {
  d <- lung_data()
  call <- quote(optim(weibull_start, weibull, d = d, method = "BFGS", hessian = TRUE))
  store <- new_store()
  cold <- eval(call)
  expect_identical(bare(warm_call(call, store)), cold)
  expect_identical(bare(warm_call(call, store)), cold)
})

test_that("the store has what is minimised", {
  d <- lung_data()
  store <- new_store()
  fit <- warm(
    optim(weibull_start, log_likelihood, d = d, method = "BFGS", control = list(fnscale = -1)),
    store
  )
  expect_lt(fit$value, 0)
  expect_identical(store_list(store, warm_info(fit)$key)$objective, -fit$value)
})

test_that("nlm() sees the gradient that comes with a value", {
  with_gradient <- function(par, d) {
    structure(weibull(par, d), gradient = weibull_gradient(par, d))
  }
  d <- lung_data()
  cold <- suppressWarnings(nlm(with_gradient, weibull_start, d = d))
  suppressWarnings(fit <- warm(nlm(with_gradient, weibull_start, d = d), new_store()))
  expect_identical(bare(fit), cold)
})

test_that("an objective that is NA or infinite at places is minimised as without warm()", {
  risky <- function(par) if (par[[2]] < 0) NA else if (par[[1]] > 1.5) Inf else sum((par - 1)^4)
  call <- quote(optim(c(-3, 4), risky))
  expect_identical(bare(warm_call(call)), eval(call))
})

test_that("an objective without data is found finished", {
  banana <- function(x) 100 * (x[[2]] - x[[1]]^2)^2 + (1 - x[[1]])^2
  for (call in list(
    quote(optim(c(-1.2, 1), banana)), quote(nlm(banana, c(-1.2, 1))),
    quote(optimize(cos, c(0, 4)))
  )) {
    store <- new_store()
    cold <- warm_call(call, store)
    expect_identical(source_of(cold), "cold")
    again <- warm_call(call, store)
    expect_identical(source_of(again), "finished")
    expect_identical(bare(again), bare(cold))
  }
})

test_that("nloptr()'s result shows the user's start and objective, and holds none of ours", {
  skip_if_not_installed("nloptr")
  d <- lung_data()
  opts <- list(algorithm = "NLOPT_LN_NELDERMEAD", xtol_rel = 1e-8, maxeval = 5000)
  call <- quote(nloptr::nloptr(weibull_start, weibull, d = d, opts = opts))
  store <- new_store()
  cut_off(call, store, 20)
  fit <- warm_call(call, store)
  expect_identical(source_of(fit), "resumed")
  expect_identical(fit$x0, weibull_start)
  expect_identical(environment(fit$eval_f)$eval_f, weibull)
  expect_identical(deparse(fit$call), deparse(eval(call)$call))
  cold <- eval(call)
  expect_lt(abs(length(serialize(bare(fit), NULL)) / length(serialize(cold, NULL)) - 1), 0.1)
})

test_that("under constraints only points that keep them are kept", {
  skip_if_not_installed("nloptr")
  far <- function(x) sum((x - 3)^2)
  outside <- function(x) sum(x) - 2
  opts <- list(algorithm = "NLOPT_LN_COBYLA", xtol_rel = 1e-8, maxeval = 5000)
  call <- quote(nloptr::nloptr(c(3, 3), far, eval_g_ineq = outside, opts = opts))
  states <- observe_states(call, optimiser("nloptr::nloptr"))$states
  expect_gt(length(states), 0)
  for (at in states) expect_lte(outside(at$state$par), 1e-6)
})

test_that("several methods of optimx() in one call are kept, and not started elsewhere", {
  skip_if_not_installed("optimx")
  store <- new_store()
  call <- function(y) bquote(optimx::optimx(c(-1, 2), function(p, y) sum((y - p)^2), y = .(y)))
  first <- warm_call(call(c(1, 2)), store)
  expect_identical(nrow(first), 2L)
  expect_identical(source_of(warm_call(call(c(1, 2)), store)), "finished")
  expect_identical(source_of(warm_call(call(c(2, 3)), store)), "cold")
})

test_that("an optimiser inside another one's objective is kept as well", {
  store <- new_store()
  inner <- function(a) warm(optimize(function(b) (a - b)^2 + b^4, c(-3, 3)), store)$objective
  fit <- warm(optim(2, inner, method = "BFGS"), store)
  expect_equal(bare(fit)$value, optim(2, function(a) {
    optimize(function(b) (a - b)^2 + b^4, c(-3, 3))$objective
  }, method = "BFGS")$value)
})

test_that("an objective that cannot be fingerprinted is minimised untouched", {
  connection <- textConnection("text")
  on.exit(close(connection))
  looks <- function(par) {
    if (isOpen(connection)) sum(par^2) else 0
  }
  fit <- warm(optim(c(1, 1), looks, method = "BFGS"), new_store())
  expect_identical(source_of(fit), "untouched")
  expect_equal(fit$par, c(0, 0))
})

test_that("what is said of an optimisation is nothing but its beginning and its end", {
  skip_if_not_installed("withr")
  withr::local_options(warmstart.verbose = TRUE)
  store <- new_store()
  said <- character()
  withCallingHandlers(
    for (y in list(fewer_waiting, waiting)) {
      warm(optim(mixture_start, waiting_mixture, y = y, method = "BFGS"), store)
    },
    message = function(m) {
      said <<- c(said, conditionMessage(m))
      invokeRestart("muffleMessage")
    }
  )
  expect_length(grep("Starting from|Saved", said, invert = TRUE, value = TRUE), 0)
})

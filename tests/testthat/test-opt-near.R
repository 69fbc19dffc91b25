# Optimisers that start from a stored point.

# What they save ------------------------------------------------

d <- NULL # lung_data()
calls_near <- list(
  "Nelder-Mead" = quote(optim(weibull_start, weibull, d = d, control = list(maxit = 5000))),
  "BFGS" = quote(optim(weibull_start, weibull, d = d, method = "BFGS")),
  "BFGS with a gradient" = quote(
    optim(weibull_start, weibull, weibull_gradient, d = d, method = "BFGS")
  ),
  "BFGS that maximises" = quote(optim(
    weibull_start, log_likelihood, d = d, method = "BFGS", control = list(fnscale = -2)
  )),
  "L-BFGS-B" = quote(optim(weibull_start, weibull, d = d, method = "L-BFGS-B")),
  "L-BFGS-B in bounds" = quote(optim(
    weibull_start, weibull, d = d, method = "L-BFGS-B", lower = c(0, -3, -3, -0.3, -3), upper = 20
  )),
  "nlm()" = quote(nlm(weibull, weibull_start, d = d)),
  "nlminb()" = quote(nlminb(weibull_start, weibull, d = d)),
  "nlminb() in bounds" = quote(
    nlminb(weibull_start, weibull, d = d, lower = c(0, -3, -3, -0.3, -3), upper = 20)
  ),
  "constrOptim()" = quote(constrOptim(
    weibull_start, weibull, weibull_gradient, rbind(c(1, 0, 0, 0, 0)), 0, d = d
  )),
  "SLSQP" = quote(nloptr::nloptr(
    weibull_start, weibull, weibull_gradient, d = d,
    opts = list(algorithm = "NLOPT_LD_SLSQP", xtol_rel = 1e-7, maxeval = 5000)
  )),
  "nloptr's Nelder-Mead" = quote(nloptr::nloptr(
    weibull_start, weibull, d = d,
    opts = list(algorithm = "NLOPT_LN_NELDERMEAD", xtol_rel = 1e-7, maxeval = 5000)
  )),
  "nloptr's BOBYQA" = quote(nloptr::nloptr(
    weibull_start, weibull, d = d,
    opts = list(algorithm = "NLOPT_LN_BOBYQA", xtol_rel = 1e-7, maxeval = 5000)
  )),
  "SBPLX" = quote(nloptr::nloptr(
    weibull_start, weibull, d = d,
    opts = list(algorithm = "NLOPT_LN_SBPLX", xtol_rel = 1e-7, maxeval = 10000)
  )),
  "bobyqa()" = quote(minqa::bobyqa(weibull_start, weibull, d = d)),
  "bobyqa() in bounds" = quote(
    minqa::bobyqa(weibull_start, weibull, c(0, -3, -3, -0.3, -3), rep(20, 5), d = d)
  ),
  "newuoa()" = quote(minqa::newuoa(weibull_start, weibull, d = d)),
  "uobyqa()" = quote(minqa::uobyqa(weibull_start, weibull, d = d)),
  "optimr(), BFGS" = quote(optimx::optimr(weibull_start, weibull, d = d, method = "BFGS")),
  "optimr(), Nelder-Mead" = quote(optimx::optimr(
    weibull_start, weibull, d = d, method = "Nelder-Mead", control = list(maxit = 5000)
  ))
)

for (name in names(calls_near)) {
  test_that(paste("from a fold's end it takes fewer evaluations to the same end:", name), {
    call <- calls_near[[name]]
    if (is.call(call[[1]])) skip_if_not_installed(as.character(call[[1]][[2]]))
    d <- lung_data()
    cold <- run_counted(call)
    all <- d
    for (fold in 1:3) {
      d <- all[seq_len(nrow(all)) %% 10 != fold, ]
      end <- run_counted(call)$par
      d <- all
      seeded <- run_counted(call, end)
      # Of so short optimisations, to look around takes as long as what it saves.
      if (!name %in% c("L-BFGS-B", "nloptr's Nelder-Mead")) expect_lt(seeded$count, cold$count)
      expect_lte(seeded$objective, cold$objective + 1e-4)
      expect_equal(seeded$par, cold$par, tolerance = 2e-2)
      expect_identical(names(seeded$fit), names(cold$fit))
      expect_identical(names(seeded$par), names(cold$par))
    }
  })
}

test_that("an optimisation that was cut off takes no more evaluations than a cold one", {
  calls <- calls_near[!vapply(calls_near, function(call) is.call(call[[1]]), NA)]
  d <- lung_data()
  for (name in names(calls)) {
    cold <- run_counted(calls[[name]])
    store <- new_store()
    suppressWarnings(cut_off(calls[[name]], store, cold$count %/% 2))
    left <- store_lookup(store, store_list(store)$key[[1]])$payload$state$par
    resumed <- run_counted(calls[[name]], left, "exact")
    expect_lte(resumed$count, cold$count)
    expect_lte(resumed$objective, cold$objective + 1e-4)
  }
})

test_that("it takes few evaluations from its own end", {
  d <- lung_data()
  for (name in c("Nelder-Mead", "BFGS", "nlm()", "nlminb()")) {
    cold <- run_counted(calls_near[[name]])
    again <- run_counted(calls_near[[name]], cold$par, "exact")
    expect_lte(again$count, 65)
    expect_lte(again$objective, cold$objective + 1e-5)
  }
})

# The result is in the user's units ------------------------------------------------

seeded_near <- function(call, d, env = parent.frame()) {
  fold <- list2env(list(d = d[seq_len(nrow(d)) %% 10 != 1, ]), parent = env)
  run_counted(call, run_counted(call, env = fold)$par, env = env)
}

test_that("optim()'s Hessian is the one at its end, in the user's units", {
  d <- lung_data()
  call <- quote(optim(
    weibull_start, weibull, d = d, method = "BFGS", hessian = TRUE,
    control = list(ndeps = rep(1e-4, 5))
  ))
  fit <- seeded_near(call, d)$fit
  expect_identical(
    fit$hessian, optimHess(fit$par, weibull, d = d, control = list(ndeps = rep(1e-4, 5)))
  )
})

test_that("nlm()'s gradient and Hessian are those at its end, in the user's units", {
  d <- lung_data()
  fit <- seeded_near(quote(nlm(weibull, weibull_start, d = d)), d)$fit
  # As nlm() has it: by differences to one side.
  steps <- 1e-6 * pmax(abs(fit$estimate), 1)
  by_hand <- vapply(1:5, function(j) {
    moved <- replace(fit$estimate, j, fit$estimate[[j]] + steps[[j]])
    (weibull(moved, d) - fit$minimum) / steps[[j]]
  }, 1)
  expect_lt(max(abs(fit$gradient - by_hand)), 0.01)
  with_hessian <- quote(nlm(weibull, weibull_start, d = d, hessian = TRUE))
  fit <- seeded_near(with_hessian, d)$fit
  expect_equal(fit$hessian, suppressWarnings(eval(with_hessian))$hessian, tolerance = 1e-2)
})

test_that("a gradient that comes with the value, or a Hessian, is taken along", {
  d <- lung_data()
  with_gradient <- function(par, d) {
    structure(weibull(par, d), gradient = weibull_gradient(par, d))
  }
  call <- quote(nlm(with_gradient, weibull_start, d = d, check.analyticals = FALSE))
  seeded <- seeded_near(call, d)
  expect_equal(seeded$fit$gradient, weibull_gradient(seeded$fit$estimate, d), tolerance = 1e-5)
  curvature <- function(par, d) optimHess(par, weibull, weibull_gradient, d = d)
  call <- quote(nlminb(weibull_start, weibull, weibull_gradient, curvature, d = d))
  seeded <- seeded_near(call, d)
  expect_equal(seeded$par, eval(call)$par, tolerance = 1e-5)
})

test_that("nloptr()'s result shows the user's bounds and tolerances", {
  skip_if_not_installed("nloptr")
  d <- lung_data()
  lower <- c(0, -3, -3, -0.3, -3)
  call <- quote(nloptr::nloptr(
    weibull_start, weibull, weibull_gradient, lb = lower, d = d,
    opts = list(algorithm = "NLOPT_LD_SLSQP", xtol_rel = 1e-7)
  ))
  fit <- seeded_near(call, d)$fit
  cold <- eval(call)
  same <- setdiff(names(cold), c(
    "eval_f", "nloptr_environment", "call", "status", "message", "iterations", "objective",
    "solution"
  ))
  expect_identical(unclass(fit)[same], unclass(cold)[same])
  expect_gte(fit$solution[[4]], -0.3)
})

test_that("nloptr()'s result has the user's objective and gradient, as one function or two", {
  skip_if_not_installed("nloptr")
  d <- lung_data()
  both <- function(par, d) {
    list(objective = weibull(par, d), gradient = weibull_gradient(par, d))
  }
  opts <- list(algorithm = "NLOPT_LD_LBFGS", xtol_rel = 1e-7)
  for (call in list(
    quote(nloptr::nloptr(weibull_start, weibull, weibull_gradient, d = d, opts = opts)),
    quote(nloptr::nloptr(weibull_start, both, d = d, opts = opts))
  )) {
    fit <- seeded_near(call, d)$fit
    expect_identical(fit$eval_f(weibull_start), eval(call)$eval_f(weibull_start))
  }
})

# Tolerances ------------------------------------------------

test_that("nlm() is content with no larger a gradient than in the user's units", {
  d <- lung_data()
  for (tolerance in c(1e-4, 1e-6)) {
    call <- bquote(nlm(weibull, weibull_start, d = d, gradtol = .(tolerance), steptol = 1e-12))
    fit <- seeded_near(call, d)$fit
    expect_identical(fit$code, 1L)
    size <- abs(fit$gradient) * pmax(abs(fit$estimate), 1)
    expect_lt(max(size) / abs(fit$minimum), tolerance)
  }
})

test_that("a tighter tolerance is kept from a seed", {
  skip_if_not_installed("nloptr")
  skip_if_not_installed("minqa")
  d <- lung_data()
  best <- optim(
    weibull_start, weibull, weibull_gradient,
    d = d, method = "BFGS", control = list(reltol = 1e-15)
  )$par
  calls <- list(
    quote(minqa::newuoa(weibull_start, weibull, d = d, control = list(rhoend = 1e-7))),
    quote(nloptr::nloptr(weibull_start, weibull, d = d, opts = list(
      algorithm = "NLOPT_LN_SBPLX", xtol_rel = 1e-8, maxeval = 20000
    ))),
    quote(optim(weibull_start, weibull, d = d, control = list(reltol = 1e-14, maxit = 5000))),
    quote(nlminb(weibull_start, weibull, weibull_gradient, d = d))
  )
  for (call in calls) {
    expect_equal(unname(seeded_near(call, d)$par), unname(best), tolerance = 1e-6)
  }
})

# What the objective gets ------------------------------------------------

test_that("the objective gets its parameters in no other shape than from the optimiser", {
  seen <- list()
  loss <- function(x, y) {
    seen[[length(seen) + 1]] <<- attributes(x)
    sum((x[1:2] - c(mean(y), y[[1]]))^2)
  }
  calls <- list(
    quote(optim(start, loss, y = y)), quote(nlm(loss, start, y = y)),
    quote(nlminb(start, loss, y = y)),
    quote(nloptr::nloptr(start, loss, y = y, opts = list(
      algorithm = "NLOPT_LN_NELDERMEAD", xtol_rel = 1e-6
    )))
  )
  if (!requireNamespace("nloptr", quietly = TRUE)) calls <- calls[-4]
  starts <- list(
    c(a = 1, b = 2), matrix(1:2 / 2, 1, dimnames = list("r", c("a", "b"))),
    structure(c(1, 2), unit = "m")
  )
  y <- c(3, 4, 6)
  for (call in calls) {
    for (start in starts) {
      seen <- list()
      eval(call)
      by_optimiser <- unique(seen)
      fun <- eval(call[[1]])
      adapter <- asNamespace("warmstart")$find_adapter(fun)
      seen <- list()
      eval(adapter$seed(match.call(fun, call), environment(), list(par = c(4, 3)), "rows"))
      expect_true(all(unique(seen) %in% by_optimiser))
    }
  }
})

test_that("rounding takes no parameter over a bound", {
  outside <- 0
  loss <- function(x, at) {
    outside <<- outside + any(x < lower | x > upper)
    d <- x - at
    10 * sum(d * (slant %*% d))
  }
  adapter <- optimiser("stats::nlminb")
  with_seed <- function(seed) {
    set.seed(seed)
    lower <<- round(runif(3, 0.05, 0.9), 2)
    upper <<- lower + round(runif(3, 0.2, 1), 2)
    slant <<- crossprod(matrix(rnorm(9), 3))
    rnorm(3)
  }
  lower <- upper <- slant <- NULL
  for (seed in 1:40) {
    at <- with_seed(seed)
    call <- quote(nlminb(
      start = lower + 0.1, objective = loss, at = at, lower = lower, upper = upper
    ))
    end <- eval(call)$par
    eval(adapter$seed(call, environment(), list(par = end), "exact"))
  }
  expect_identical(outside, 0)
})

test_that("a Hessian as deriv() gives it is taken along", {
  formula <- ~ (a - m)^2 + n * log(1 + exp(-b)) + b^2
  derive <- deriv(formula, c("a", "b"), function(a, b, m, n) NULL, hessian = TRUE)
  loss <- function(x, y) derive(x[[1]], x[[2]], mean(y), length(y))
  call <- quote(nlm(f = loss, p = c(5, 5), y = c(1, 2, 6), hessian = TRUE))
  cold <- eval(call)
  adapter <- optimiser("stats::nlm")
  seeded <- eval(adapter$seed(call, environment(), list(par = cold$estimate + 0.1), "rows"))
  expect_equal(seeded$estimate, cold$estimate, tolerance = 1e-5)
  expect_equal(seeded$hessian, cold$hessian, tolerance = 1e-3)
})

test_that("a warning of the gradient names the call that the optimiser makes", {
  loss <- function(x, y) sum((x - y)^2)
  slope <- function(x, y) {
    warning("steep")
    2 * (x - y)
  }
  called <- function(call, adapter, name) {
    seeded <- optimiser(adapter)$seed(call, environment(), list(par = c(1.1, 1.9)), "rows")
    found <- list()
    withCallingHandlers(eval(seeded), warning = function(w) {
      found <<- c(found, conditionCall(w))
      invokeRestart("muffleWarning")
    })
    expect_identical(unique(found), list(name))
  }
  y <- c(1, 2)
  called(
    quote(optim(par = c(5, 5), fn = loss, gr = slope, y = y, method = "BFGS")),
    "stats::optim", quote(gr(par, ...))
  )
  called(
    quote(nlminb(start = c(5, 5), objective = loss, gradient = slope, y = y)),
    "stats::nlminb", quote(gradient(.par, ...))
  )
})

# What is printed ------------------------------------------------

test_that("what makes the result the user's own prints nothing", {
  d <- lung_data()
  near <- function(call) {
    fun <- eval(call[[1]])
    end <- weibull_start
    end[] <- optim(weibull_start, weibull, weibull_gradient, d = d, method = "BFGS")$par
    adapter <- asNamespace("warmstart")$find_adapter(fun)
    adapter$seed(match.call(fun, call), parent.frame(), list(par = end + 0.01), "exact")
  }
  printed <- capture.output(fit <- eval(near(quote(
    nlm(weibull, weibull_start, d = d, hessian = TRUE, print.level = 1)
  ))))
  expect_identical(sum(printed == "iteration = 0"), 1L)
  skip_if_not_installed("nloptr")
  opts <- list(
    algorithm = "NLOPT_LD_LBFGS", xtol_rel = 1e-8, print_level = 1, check_derivatives = TRUE,
    check_derivatives_print = "none"
  )
  said <- 0
  printed <- withCallingHandlers(
    capture.output(fit <- eval(near(quote(
      nloptr::nloptr(weibull_start, weibull, weibull_gradient, opts = opts, d = d)
    )))),
    message = function(m) {
      said <<- said + grepl("Checking gradients", conditionMessage(m))
      invokeRestart("muffleMessage")
    }
  )
  expect_identical(sum(printed == "iteration: 1"), 1L)
  expect_identical(said, 1)
  expect_identical(fit$options[names(opts)], opts)
})

# Where it stays as it is ------------------------------------------------

test_that("where steps are set in the parameters' own units, the optimiser is called in these", {
  d <- lung_data()
  start_seen <- NULL
  nlminb_seen <- function(start, objective, gradient = NULL, hessian = NULL, ..., scale = 1,
                          control = list(), lower = -Inf, upper = Inf) {
    start_seen <<- start
    stats::nlminb(start, objective, ..., scale = scale, control = control)
  }
  adapter <- optimiser("stats::nlminb")
  best <- nlminb(weibull_start, weibull, d = d)$par
  run <- function(call) {
    call <- match.call(nlminb_seen, call)
    fit <- eval(adapter$seed(call, parent.frame(), list(par = best + 0.02), "exact"))
    expect_equal(fit$par, best, tolerance = 1e-4)
  }
  run(quote(nlminb_seen(weibull_start, weibull, d = d, scale = 1:5)))
  own <- start_seen
  expect_equal(own, best, tolerance = 1e-2)
  run(quote(nlminb_seen(weibull_start, weibull, d = d, control = list(step.max = 0.5))))
  expect_identical(start_seen, own)
  run(quote(nlminb_seen(weibull_start, weibull, d = d)))
  expect_identical(length(unique(start_seen)), 1L)
})

test_that("constrOptim() begins cold where a constraint nearly holds with equality", {
  adapter <- optimiser("stats::constrOptim")
  call <- quote(constrOptim(
    theta = c(1, 1), f = function(x) sum(x^2), grad = NULL, ui = rbind(c(1, 0)), ci = 0
  ))
  expect_error(
    eval(adapter$seed(call, environment(), list(par = c(1e-5, 0)), "exact")),
    class = "warmstart_seed_unfit"
  )
})

test_that("an algorithm that strays with nloptr()'s steps begins as the call says in bounds", {
  skip_if_not_installed("nloptr")
  d <- lung_data()
  call <- function(algorithm) {
    bquote(nloptr::nloptr(
      weibull_start, weibull, d = d, lb = rep(-9, 5), ub = rep(9, 5),
      opts = list(algorithm = .(algorithm), xtol_rel = 1e-6, maxeval = 5000)
    ))
  }
  end <- eval(call("NLOPT_LN_BOBYQA"))$solution
  for (algorithm in c("NLOPT_LN_BOBYQA", "NLOPT_LN_SBPLX")) {
    expect_error(run_counted(call(algorithm), end), class = "warmstart_seed_unfit")
  }
})

test_that("where the objective is no bowl, an optimiser begins cold", {
  # A saddle along the first parameter.
  two_minima <- function(x) (x[[1]]^2 - 1)^2 + (x[[2]] - 1)^2
  call <- quote(nlminb(c(2, 2), two_minima))
  expect_error(run_counted(call, c(0.1, 1.5)), class = "warmstart_seed_unfit")
})

test_that("an end among kinks is not believed", {
  set.seed(1)
  d <- data.frame(x = rnorm(40), z = rnorm(40))
  d$y <- d$x - d$z + rt(40, 2)
  loss <- function(par, d) sum(abs(d$y - par[[1]] - par[[2]] * d$x - par[[3]] * d$z))
  call <- quote(optim(par = c(0, 0, 0), fn = loss, d = d, method = "BFGS"))
  fit <- eval(call)
  adapter <- optimiser("stats::optim")
  expect_match(
    adapter$certify(fit, call, environment(), list(state = list(par = fit$par + 0.01))),
    "not curved upwards|not lowest"
  )
})

test_that("an end is believed at the bottom of the valley, and nowhere else", {
  d <- lung_data()
  for (name in c("BFGS", "BFGS with a gradient", "L-BFGS-B in bounds", "BFGS that maximises")) {
    call <- match.call(optim, calls_near[[name]])
    adapter <- optimiser("stats::optim")
    fit <- eval(call)
    verdict <- function(fit, stored = fit$par) {
      adapter$certify(fit, call, parent.frame(), list(state = list(par = stored)))
    }
    expect_true(verdict(fit))
    away <- fit
    away$par <- fit$par + c(0.01, 0, 0, 0, 0)
    expect_match(verdict(away), "not lowest")
    expect_match(verdict(away, fit$par), "above where it began|not lowest")
  }
})

test_that("a start beyond a ridge is none", {
  ripples <- function(x) x[[1]]^2 + 3 * (1 - cos(3 * x[[1]])) + x[[2]]^2
  call <- quote(optim(c(4, 1), ripples, method = "BFGS"))
  expect_error(run_counted(call, c(0, 0)), "not one slope", class = "warmstart_seed_unfit")
})

test_that("random numbers that the objective draws to look around are put back", {
  drawn <- numeric()
  noisy <- function(par) {
    drawn <<- c(drawn, runif(1))
    sum((par - 1)^2) + 1e-12 * drawn[[1]]
  }
  adapter <- optimiser("stats::optim")
  call <- quote(optim(par = c(3, 3), fn = noisy))
  set.seed(1)
  fit <- eval(adapter$seed(call, environment(), list(par = c(1.1, 0.9)), "exact"))
  by_optim <- fit$counts[["function"]]
  expect_gt(length(drawn), by_optim)
  set.seed(1)
  expect_identical(utils::tail(drawn, by_optim), runif(by_optim))
})

test_that("a warning of the optimiser names the call that the user wrote", {
  store <- new_store()
  loss <- function(par, y) sum((y - par)^2)
  cut_off(quote(optim(1, loss, y = c(1, 2, 5))), store, 5)
  warned <- NULL
  withCallingHandlers(
    fit <- warm(optim(1, loss, y = c(1, 2, 5)), store),
    warning = function(w) {
      warned <<- w
      invokeRestart("muffleWarning")
    }
  )
  expect_identical(source_of(fit), "resumed")
  expect_identical(conditionCall(warned), quote(optim(1, loss, y = c(1, 2, 5))))
})

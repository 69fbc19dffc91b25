# Optimisers through warm().

# The conformance suite ------------------------------------------------

conforms <- function(name, call, near = NULL, failing = NULL, env = parent.frame()) {
  skip_if_not_installed("callr")
  expect_adapter_conforms(
    optimiser(name), call, near = near, failing = failing, env = env
  )
}

for (method in c("Nelder-Mead", "BFGS", "L-BFGS-B")) {
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
  key <- key_by(quote(
    optim(mixture_start, waiting_mixture, y = waiting, control = list(maxit = 7))
  ))
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

limited <- list(maxit = 30)
every_optimiser <- function() {
  calls <- list(
    quote(optim(weibull_start, weibull, d = d)),
    quote(optim(weibull_start, weibull, d = d, control = limited)),
    quote(optim(weibull_start, weibull, weibull_gradient, d = d, method = "BFGS", hessian = TRUE)),
    quote(optim(weibull_start, log_likelihood, d = d, method = "CG", control = list(fnscale = -1))),
    quote(optim(weibull_start, weibull, d = d, method = "L-BFGS-B", lower = -1, upper = 10)),
    quote(optim(70, median_loss, y = waiting, method = "Brent", lower = 40, upper = 100)),
    quote(nlm(waiting_mixture, mixture_start, y = waiting, iterlim = 8)),
    quote(nlm(with_gradient, weibull_start, d = d, hessian = TRUE)),
    quote(nlminb(weibull_start, weibull, weibull_gradient, d = d)),
    quote(nlminb(mixture_start, waiting_mixture, y = waiting, control = list(eval.max = 20))),
    quote(optimize(median_loss, c(40, 100), y = waiting)),
    quote(constrOptim(
      weibull_start, weibull, weibull_gradient, rbind(c(0, 0, 0, 0, 1)), -0.2, d = d
    )),
    quote(constrOptim(weibull_start, weibull, NULL, rbind(c(0, 0, 0, 0, 1)), -0.2, d = d))
  )
  if (requireNamespace("nloptr", quietly = TRUE)) {
    calls <- c(calls, lapply(
      c("NLOPT_LN_BOBYQA", "NLOPT_LN_COBYLA", "NLOPT_GN_DIRECT_L", "NLOPT_LD_MMA"),
      function(algorithm) {
        bquote(nloptr::nloptr(
          weibull_start, both_weibull, d = d, lb = rep(-9, 5), ub = rep(9, 5),
          opts = list(algorithm = .(algorithm), xtol_rel = 1e-6, maxeval = 300)
        ))
      }
    ))
  }
  if (requireNamespace("minqa", quietly = TRUE)) {
    calls <- c(calls, quote(minqa::bobyqa(weibull_start, weibull, d = d)))
  }
  if (requireNamespace("optimx", quietly = TRUE)) {
    calls <- c(
      calls, quote(optimx::optimr(weibull_start, weibull, d = d, method = "BFGS")),
      quote(optimx::optimx(weibull_start, weibull, d = d, method = c("BFGS", "nlminb")))
    )
  }
  calls
}
with_gradient <- function(par, d) {
  structure(weibull(par, d), gradient = weibull_gradient(par, d))
}
both_weibull <- function(par, d) {
  list(objective = weibull(par, d), gradient = weibull_gradient(par, d))
}

last_state <- function(call, env = parent.frame()) {
  report_all(env)
  state <- NULL
  adapter <- asNamespace("warmstart")$find_adapter(eval(call[[1]], env))
  eval(adapter$observe(call, env, function(s, objective, iteration) state <<- s), env)
  state
}

# Seconds by the clock, and functions and environments, are not the same of two plain calls either.
comparable <- function(fit) {
  fit <- bare(fit)
  if (is.data.frame(fit)) fit$xtime <- attr(fit, "details") <- NULL
  if (inherits(fit, "nloptr")) {
    fit <- unclass(fit)
    functions <- vapply(fit, function(part) is.function(part) || is.environment(part), NA)
    fit <- fit[!functions]
  }
  fit
}

test_that("an optimisation that was cut off ends as without the interruption, to the last bit", {
  d <- lung_data()
  for (call in every_optimiser()) {
    cold <- comparable(suppressWarnings(eval(call)))
    for (evaluations in c(2, 9)) {
      store <- new_store()
      suppressWarnings(cut_off(call, store, evaluations))
      fit <- suppressWarnings(warm_call(call, store))
      expect_identical(source_of(fit), "resumed", info = deparse(call))
      expect_identical(comparable(fit), cold, info = deparse(call))
    }
  }
})

test_that("cut off again and again, it makes each evaluation once", {
  d <- lung_data()
  store <- new_store()
  call <- quote(optim(weibull_start, weibull, d = d, method = "BFGS"))
  for (n in 1:3) cut_off(call, store, 40)
  fit <- warm_call(call, store)
  expect_gt(warm_info(fit)$iterations_before, 60)
  expect_identical(bare(fit), eval(call))
  made <- warm_info(fit)$iterations + warm_info(fit)$iterations_before
  expect_identical(made, run_counted(call)$count)
})

test_that("what the objective has said before the interruption, it says again", {
  loud <- function(par, y) {
    if (par[[1]] < 1.2) warning("low")
    sum((par - y)^2)
  }
  call <- quote(optim(c(1, 1), loud, y = c(3, 4), method = "BFGS"))
  heard <- function(expr) {
    said <- character()
    withCallingHandlers(expr, warning = function(w) {
      said <<- c(said, conditionMessage(w))
      invokeRestart("muffleWarning")
    })
    said
  }
  store <- new_store()
  cold <- heard(eval(call))
  expect_gt(length(cold), 2)
  heard(cut_off(call, store, 15))
  expect_identical(heard(fit <- warm_call(call, store)), cold)
  expect_identical(source_of(fit), "resumed")
})

test_that("annealing that was interrupted draws on where it was", {
  store <- new_store()
  call <- quote(optim(
    mixture_start, waiting_mixture, y = waiting, method = "SANN", control = list(maxit = 2000)
  ))
  set.seed(1)
  cold <- eval(call)
  then <- runif(1)
  set.seed(1)
  cut_off(call, store, 200)
  set.seed(1)
  fit <- warm_call(call, store)
  expect_identical(source_of(fit), "resumed")
  expect_identical(bare(fit), cold)
  expect_identical(runif(1), then)
})

test_that("where an optimiser asks for another point than before, its functions are called", {
  d <- lung_data()
  call <- quote(optim(par = weibull_start, fn = weibull, d = d, method = "BFGS"))
  state <- last_state(call)
  cold <- eval(call)
  changed <- state
  changed$calls$fn$at[[7]] <- changed$calls$fn$at[[7]] + 1
  changed$calls$fn$values[-1] <- -1e6
  fit <- eval(optimiser("stats::optim")$seed(call, environment(), changed, "exact"))
  expect_identical(fit, cold)
})

test_that("a state that is not whole is no start, or leads nowhere else", {
  d <- lung_data()
  call <- quote(optim(
    par = weibull_start, fn = weibull, gr = weibull_gradient, d = d, method = "BFGS"
  ))
  cold <- eval(call)
  adapter <- optimiser("stats::optim")
  from <- function(state) {
    tryCatch(
      eval(adapter$seed(call, environment(), state, "exact")),
      warmstart_seed_unfit = function(e) "unfit"
    )
  }
  whole <- last_state(call)
  expect_identical(from(whole), cold)
  mutants <- list(
    "a", list(), list(1, 2), 1, NA, numeric(), Inf, -1, 1e300, matrix(1, 2, 2), TRUE, 1:3
  )
  for (mutant in mutants) {
    expect_identical(from(list(calls = mutant)), "unfit")
    expect_identical(from(list(par = mutant)), "unfit")
    for (part in c("n", "at", "values")) {
      state <- whole
      state$calls$fn[[part]] <- mutant
      fit <- from(state)
      if (!identical(fit, "unfit")) expect_identical(fit, cold)
    }
  }
  for (state in list(
    NULL, list(par = c(1, 2)), list(par = c(rep(1, 4), NA)), list(calls = whole$calls["gr"]),
    list(calls = c(whole$calls, whole$calls)),
    list(calls = c(whole$calls, list(other = whole$calls$fn)))
  )) {
    expect_identical(from(state), "unfit")
  }
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
    eval(adapter$seed(call, environment(), list(par = 0), "exact")), class = "warmstart_seed_unfit"
  )
})

test_that("a seed never makes the fit another one", {
  d <- lung_data()
  fold <- d[seq_len(nrow(d)) %% 10 != 0, ]
  calls <- list(
    function(d) bquote(optim(weibull_start, weibull, d = .(d), method = "BFGS")),
    function(d) bquote(optim(
      weibull_start, weibull, weibull_gradient,
      d = .(d), method = "BFGS", control = list(maxit = 1000)
    )),
    function(d) bquote(nlminb(weibull_start, weibull, d = .(d))),
    function(d) bquote(nlminb(mixture_start, waiting_mixture, y = .(waiting[seq_len(nrow(d))])))
  )
  for (call in calls) {
    store <- new_store()
    warm_call(call(fold), store)
    fit <- warm_call(call(d), store)
    expect_identical(source_of(fit), "seeded")
    cold <- eval(call(d))
    adapter <- asNamespace("warmstart")$find_adapter(eval(call(d)[[1]]))
    expect_lt(max(unlist(adapter$compare(bare(fit), cold))), 1e-3)
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

test_that("conjugate gradients, which may take any number of steps, begin cold", {
  d <- lung_data()
  store <- new_store()
  conjugate <- function(d) {
    call <- quote(optim(weibull_start, weibull, d = d, method = "CG", control = list(maxit = 2000)))
    warm_call(call, store)
  }
  conjugate(d[-(1:20), ])
  expect_identical(source_of(conjugate(d)), "cold")
  by <- quote(constrOptim(
    weibull_start, weibull, weibull_gradient, rbind(c(1, 0, 0, 0, 0)), 0, d = d, method = "CG"
  ))
  expect_false(may_begin_elsewhere(by, environment()))
  by$method <- "BFGS"
  expect_true(may_begin_elsewhere(by, environment()))
})

test_that("what came near a limit seeds nothing", {
  d <- lung_data()
  fold <- d[-(1:20), ]
  near <- function(limit) {
    store <- new_store()
    control <- list(maxit = limit)
    warm(optim(weibull_start, weibull, d = fold, control = control), store)
    source_of(warm(optim(weibull_start, weibull, d = d, control = control), store))
  }
  evaluations <- optim(weibull_start, weibull, d = fold, control = list(maxit = 5000))$counts[[1]]
  expect_identical(near(round(1.5 * evaluations)), "cold")
  expect_identical(near(3 * evaluations), "seeded")
})

test_that("a failure is returned as it was, and seeds nothing", {
  skip_if_not_installed("optimx")
  store <- new_store()
  # It wants a gradient.
  call <- function(y) {
    bquote(optimx::optimr(c(2, 2), function(par, y) sum((par - y)^2), y = .(y), method = "Rvmmin"))
  }
  fit <- warm_call(call(c(1, 2)), store)
  expect_gt(fit$convergence, 1)
  again <- warm_call(call(c(1, 2)), store)
  expect_identical(source_of(again), "finished")
  expect_identical(bare(again), bare(fit))
  expect_identical(source_of(warm_call(call(c(1, 3)), store)), "cold")
})

# The result ------------------------------------------------

test_that("what is returned is the optimiser's own, to the last bit", {
  d <- lung_data()
  for (call in every_optimiser()) {
    store <- new_store()
    cold <- comparable(suppressWarnings(eval(call)))
    first <- suppressWarnings(warm_call(call, store))
    expect_identical(comparable(first), cold)
    again <- suppressWarnings(warm_call(call, store))
    expect_identical(source_of(again), "finished")
    expect_identical(comparable(again), cold)
  }
})

test_that("nothing of a fit's warnings is lost to the line that shows its progress", {
  skip_if_not_installed("withr")
  withr::local_options(warmstart.progress = TRUE)
  shown <- 0
  local_internal("progress_after", 0)
  local_internal("progress_tick", 0)
  local_internal("progress_display", function() {
    list(
      interval = 0, close = function() NULL,
      show = function(line, share) {
        shown <<- shown + 1
        message("a line")
      }
    )
  })
  count <- 0
  loud <- function(par) {
    warning("evaluation ", par[[1]])
    sum((par - 1)^2)
  }
  store <- new_store()
  said <- character()
  heard <- function(expr) {
    said <<- character()
    withCallingHandlers(
      expr,
      warning = function(w) {
        said <<- c(said, conditionMessage(w))
        invokeRestart("muffleWarning")
      },
      message = function(m) {
        if (conditionMessage(m) != "a line\n") said <<- c(said, conditionMessage(m))
        invokeRestart("muffleMessage")
      }
    )
  }
  heard(optim(c(3, 3), loud, control = list(maxit = 20)))
  cold <- said
  expect_gte(length(cold), 20)
  heard(warm(optim(c(3, 3), loud, control = list(maxit = 20)), store))
  expect_identical(said, cold)
  expect_gt(shown, 10)
  heard(again <- warm(optim(c(3, 3), loud, control = list(maxit = 20)), store))
  expect_identical(source_of(again), "finished")
  expect_identical(said, cold)
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

test_that("a result of optimr() has the objective's name where the call names it", {
  skip_if_not_installed("optimx")
  bowl <- function(p) sum((p - 1:2)^2) + 1
  store <- new_store()
  for (call in expression(
    optimx::optimr(c(0, 0), bowl, method = "BFGS"),
    optimx::optimr(c(0, 0), fn = bowl, method = "BFGS"),
    optimx::optimr(c(0, 0), fn = (bowl), method = "BFGS")
  )) {
    expect_identical(warm_call(call, store), eval(call))
  }
})

test_that("data sets on which looking around leads to nothing are left alone, after three", {
  # Curved downwards on the way from where the call begins.
  well <- function(par, at) sum(1 - exp(-(par - at)^2 / 2))
  store <- new_store()
  reasons <- vapply(1:6 / 50, function(shift) {
    fit <- warm(optim(c(1.6, 0), well, at = c(shift, 0), method = "BFGS"), store)
    expect_identical(source_of(fit), "cold")
    c(warm_info(fit)$reason, "none")[[1]]
  }, "")
  expect_match(reasons[2:4], "not one slope")
  expect_match(reasons[5:6], "in doubt too often")
})

test_that("an objective that draws random numbers is not gone on with", {
  left <- 0
  loss <- function(p) {
    left <<- left - 1
    if (left == 0) signalCondition(structure(class = c("cut_off", "condition"), list()))
    mean(rnorm(50, p[[1]])^2) + (p[[2]] - 1)^2
  }
  simulated <- quote(optim(c(1, 1), function(p) loss(p)))
  report_all()
  store <- new_store()
  set.seed(11)
  left <- 40
  was_cut <- FALSE
  tryCatch(warm_call(simulated, store), cut_off = function(c) was_cut <<- TRUE)
  expect_true(was_cut)
  set.seed(11)
  fit <- warm_call(simulated, store)
  after <- runif(1)
  set.seed(11)
  expect_identical(bare(fit), eval(simulated))
  expect_identical(after, runif(1))
})

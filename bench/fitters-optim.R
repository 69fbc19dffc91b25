# What warm() saves with optimisers: evaluations of the objective, or of a gradient that is given,
# and CPU seconds, cold, resumed when half of the cold evaluations were made, and seeded from folds
# of 90 % of the rows (the mean of five). `worse` is by how much the warm results' objective is
# above the cold one's, at most.
#
#   Rscript bench/fitters-optim.R [section...]
#
# Sections: optimisers, objective (what watching an evaluation costs); both by default.

suppressPackageStartupMessages({
  library(warmstart)
  library(survival)
})
options(warmstart.near_from = 0) # what takes a moment starts others, too
options(warmstart.verbose = FALSE, width = 100)
sections <- commandArgs(TRUE)
if (length(sections) == 0) sections <- c("optimisers", "objective")
runs <- function(section) section %in% sections

# Evaluations are counted, and cut off, where no key sees it: keys leave out what packages hold.
counter <- new.env()
counter$count <- 0
counter$limit <- Inf
attach(list(tick = function() {
  counter$count <- counter$count + 1
  if (counter$count > counter$limit) {
    signalCondition(structure(class = c("cut", "condition"), list()))
  }
}), name = "package:counter")

# Negative log likelihoods of real data. ---------------------------------------------------------

waiting_mixture <- function(par, d) {
  tick()
  p <- plogis(par[["weight"]])
  short <- dnorm(d$waiting, par[["short"]], exp(par[["log_sd_short"]]))
  long <- dnorm(d$waiting, par[["long"]], exp(par[["log_sd_long"]]))
  -sum(log(p * short + (1 - p) * long))
}
mixture_start <- c(weight = 0, short = 50, long = 90, log_sd_short = 2, log_sd_long = 2)

# Deaths of 7,800 people after a blood test.
blood <- with(na.omit(flchain[c("futime", "death", "age", "sex", "kappa", "lambda")]), data.frame(
  time = futime + 1, died = death, age = (age - 65) / 10, male = as.numeric(sex == "M"),
  flc = log(kappa + lambda) - 1
))
weibull <- function(par, d) {
  tick()
  x <- cbind(1, d$age, d$male, d$flc)
  z <- (log(d$time) - drop(x %*% par[1:4])) / exp(par[[5]])
  -sum(d$died * (z - par[[5]]) - exp(z))
}
weibull_gradient <- function(par, d) {
  tick()
  x <- cbind(1, d$age, d$male, d$flc)
  scale <- exp(par[[5]])
  z <- (log(d$time) - drop(x %*% par[1:4])) / scale
  r <- d$died - exp(z)
  c(drop(crossprod(x, r)) / scale, sum(r * z + d$died))
}
weibull_start <- c(intercept = 9, age = 0, male = 0, flc = 0, log_scale = 0)

strong_quakes <- transform(
  quakes, strong = as.numeric(mag > 4.6), depth = (depth - 300) / 200, lat = (lat + 20) / 5,
  long = (long - 180) / 6
)
logistic <- function(par, d) {
  tick()
  eta <- par[[1]] + par[[2]] * d$depth + par[[3]] * d$lat + par[[4]] * d$long +
    par[[5]] * d$depth^2 + par[[6]] * d$lat * d$long
  sum(log1p(exp(eta)) - d$strong * eta)
}

chicks <- as.data.frame(ChickWeight)
growth <- function(par, d) {
  tick()
  size <- par[["size"]] / (1 + exp((par[["middle"]] - d$Time) / exp(par[["log_rate"]])))
  nrow(d) / 2 * log(mean((d$weight - size)^2))
}
growth_start <- c(size = 300, middle = 15, log_rate = 2)

count_quakes <- transform(quakes, depth = (depth - 300) / 200, mag = mag - 4.6)
negative_binomial <- function(par, d) {
  tick()
  mu <- exp(par[[1]] + par[[2]] * d$mag + par[[3]] * d$depth + par[[4]] * d$mag^2)
  -sum(dnbinom(d$stations, size = exp(par[[5]]), mu = mu, log = TRUE))
}

profile <- function(lambda, d) {
  tick()
  y <- if (abs(lambda) < 1e-8) log(d$weight) else (d$weight^lambda - 1) / lambda
  r <- lm.fit(cbind(1, d$Time, d$Time^2), y)$residuals
  nrow(d) / 2 * log(mean(r^2)) - (lambda - 1) * sum(log(d$weight))
}

cases <- list(
  "optim Nelder-Mead, mixture" = list(faithful, quote(
    optim(mixture_start, waiting_mixture, d = d, control = list(maxit = 5000))
  )),
  "optim Nelder-Mead, Weibull" = list(blood, quote(
    optim(weibull_start, weibull, d = d, control = list(maxit = 5000))
  )),
  "optim Nelder-Mead, growth" = list(chicks, quote(
    optim(growth_start, growth, d = d, control = list(maxit = 5000))
  )),
  "optim Nelder-Mead, logistic" = list(strong_quakes, quote(
    optim(numeric(6), logistic, d = d, control = list(maxit = 5000))
  )),
  "optim BFGS, Weibull, gradient" = list(blood, quote(
    optim(weibull_start, weibull, weibull_gradient, d = d, method = "BFGS")
  )),
  "optim BFGS, Weibull" = list(blood, quote(
    optim(weibull_start, weibull, d = d, method = "BFGS")
  )),
  "optim BFGS, logistic" = list(strong_quakes, quote(
    optim(numeric(6), logistic, d = d, method = "BFGS")
  )),
  "optim BFGS, counts" = list(count_quakes, quote(
    optim(c(3, 0, 0, 0, 0), negative_binomial, d = d, method = "BFGS")
  )),
  "optim CG, counts" = list(count_quakes, quote(
    optim(c(3, 0, 0, 0, 0), negative_binomial, d = d, method = "CG", control = list(maxit = 5000))
  )),
  "optim CG, logistic" = list(strong_quakes, quote(
    optim(numeric(6), logistic, d = d, method = "CG", control = list(maxit = 5000))
  )),
  "optim L-BFGS-B, mixture" = list(faithful, quote(
    optim(mixture_start, waiting_mixture, d = d, method = "L-BFGS-B", control = list(maxit = 1000))
  )),
  "optim L-BFGS-B, Weibull" = list(blood, quote(
    optim(
      weibull_start, weibull, d = d, method = "L-BFGS-B",
      lower = c(0, -3, -3, -3, -3), upper = c(20, 3, 3, 3, 3)
    )
  )),
  "optim L-BFGS-B, logistic" = list(strong_quakes, quote(
    optim(numeric(6), logistic, d = d, method = "L-BFGS-B", lower = -3, upper = 3)
  )),
  "optim Brent, Box-Cox" = list(chicks, quote(
    optim(0, profile, d = d, method = "Brent", lower = -2, upper = 2)
  )),
  "nlm, Weibull" = list(blood, quote(nlm(weibull, weibull_start, d = d))),
  "nlm, logistic" = list(strong_quakes, quote(nlm(logistic, numeric(6), d = d))),
  "nlm, counts" = list(count_quakes, quote(nlm(negative_binomial, c(3, 0, 0, 0, 0), d = d))),
  "nlminb, mixture" = list(faithful, quote(nlminb(mixture_start, waiting_mixture, d = d))),
  "nlminb, Weibull" = list(blood, quote(nlminb(weibull_start, weibull, d = d))),
  "nlminb, Weibull, gradient" = list(blood, quote(
    nlminb(weibull_start, weibull, weibull_gradient, d = d)
  )),
  "nlminb, logistic" = list(strong_quakes, quote(nlminb(numeric(6), logistic, d = d))),
  "nlminb, growth" = list(chicks, quote(nlminb(growth_start, growth, d = d))),
  "optimize, Box-Cox" = list(chicks, quote(optimize(profile, c(-2, 2), d = d))),
  "constrOptim, Weibull" = list(blood, quote(constrOptim(
    weibull_start, weibull, weibull_gradient, rbind(c(1, 0, 0, 0, 0)), 0, d = d
  ))),
  "nloptr SLSQP, Weibull" = list(blood, quote(nloptr::nloptr(
    weibull_start, weibull, weibull_gradient, d = d,
    opts = list(algorithm = "NLOPT_LD_SLSQP", xtol_rel = 1e-7, maxeval = 5000)
  ))),
  "nloptr Nelder-Mead, Weibull" = list(blood, quote(nloptr::nloptr(
    weibull_start, weibull, d = d,
    opts = list(algorithm = "NLOPT_LN_NELDERMEAD", xtol_rel = 1e-7, maxeval = 5000)
  ))),
  "nloptr BOBYQA, Weibull" = list(blood, quote(nloptr::nloptr(
    weibull_start, weibull, d = d,
    opts = list(algorithm = "NLOPT_LN_BOBYQA", xtol_rel = 1e-7, maxeval = 5000)
  ))),
  "nloptr SBPLX, Weibull" = list(blood, quote(nloptr::nloptr(
    weibull_start, weibull, d = d,
    opts = list(algorithm = "NLOPT_LN_SBPLX", xtol_rel = 1e-7, maxeval = 10000)
  ))),
  "optimr BFGS, Weibull" = list(blood, quote(
    optimx::optimr(weibull_start, weibull, d = d, method = "BFGS")
  )),
  "optimx Nelder-Mead, Weibull" = list(blood, quote(
    optimx::optimx(weibull_start, weibull, d = d, method = "Nelder-Mead", itnmax = 5000)
  )),
  "bobyqa, Weibull" = list(blood, quote(minqa::bobyqa(weibull_start, weibull, d = d))),
  "newuoa, logistic" = list(strong_quakes, quote(minqa::newuoa(rep(0.1, 6), logistic, d = d)))
)

# Evaluations and CPU seconds of an expression on the data `d`.
measure <- function(call, d, limit = Inf) {
  counter$count <- 0
  counter$limit <- limit
  on.exit(counter$limit <- Inf)
  began <- proc.time()
  value <- suppressWarnings(tryCatch(
    eval(call, list2env(list(d = d), parent = globalenv())),
    cut = function(e) NULL
  ))
  list(value = value, count = counter$count, seconds = sum((proc.time() - began)[1:2]))
}

objective_of <- function(call, fit) {
  adapter <- warmstart:::find_adapter(eval(call[[1]]))
  call <- match.call(eval(call[[1]]), call)
  warmstart:::fit_state(adapter, fit, call, globalenv())$objective
}

# Every better point is kept, as where an evaluation takes more than the millisecond that lies
# between two reports.
with_every_point <- function(expr) {
  waits <- asNamespace("warmstart")$waits
  before <- mget(c("report_interval", "first_checkpoint"), waits)
  on.exit(list2env(before, waits))
  list2env(list(report_interval = 0, first_checkpoint = 0), waits)
  expr
}

run_case <- function(name) {
  d <- cases[[name]][[1]]
  call <- cases[[name]][[2]]
  warm_call <- function(store) bquote(warm(.(call), .(store)))
  cold <- measure(call, d)
  store <- warm_store(tempfile("store"))
  with_every_point(measure(warm_call(store), d, limit = cold$count %/% 2))
  resumed <- measure(warm_call(store), d)
  source <- warm_info()$source
  seeded <- lapply(1:5, function(fold) {
    store <- warm_store(tempfile("store"))
    set.seed(fold)
    measure(warm_call(store), d[sort(sample(nrow(d), round(0.9 * nrow(d)))), , drop = FALSE])
    seeded <- measure(warm_call(store), d)
    c(seeded, source = warm_info()$source)
  })
  seeded_counts <- vapply(seeded, function(x) x$count, 1)
  objectives <- vapply(c(list(resumed), seeded), function(x) objective_of(call, x$value), 1)
  data.frame(
    name = name, cold_evals = cold$count, cold_s = cold$seconds,
    resumed_evals = resumed$count, resumed_s = resumed$seconds,
    seeded_evals = mean(seeded_counts), seeded_most = max(seeded_counts),
    seeded_s = mean(vapply(seeded, function(x) x$seconds, 1)),
    worse = max(objectives) - objective_of(call, cold$value),
    sources = paste(
      source, sum(vapply(seeded, function(x) x$source == "seeded", NA))
    )
  )
}

if (runs("optimisers")) {
  rows <- do.call(rbind, lapply(names(cases), run_case))
  print(format(rows, digits = 3), row.names = FALSE)
  ratios <- cbind(
    resumed = rows$resumed_evals / rows$cold_evals, seeded = rows$seeded_evals / rows$cold_evals,
    seeded_most = rows$seeded_most / rows$cold_evals
  )
  rownames(ratios) <- rows$name
  print(round(ratios, 2))
  cat("mean of ratios:", format(colMeans(ratios), digits = 3), "\n")
}

# What watching costs. ---------------------------------------------------------------------------

# Whole optimisations of some 20,000 evaluations, watched and not in turn; CPU seconds. The first
# point makes the session's file and syncs it, whatever comes after; so it is measured by itself.
if (runs("objective")) {
  banana <- function(par) {
    odd <- par[c(1, 3, 5, 7, 9)]
    sum(100 * (par[c(2, 4, 6, 8, 10)] - odd^2)^2 + (1 - odd)^2)
  }
  store <- warm_store(tempfile("store"))
  start <- rep(c(-1.2, 1), 5)
  cpu <- function(expr) {
    began <- proc.time()
    expr
    sum((proc.time() - began)[1:2])
  }
  new_watch <- function() {
    warm_objective(warm_session(store, fingerprint(proc.time())), banana)
  }
  runs_of <- function(fn, method) {
    switch(method,
      "optim Nelder-Mead" = optim(start, fn, control = list(maxit = 20000)),
      "optim SANN" = optim(start, fn, method = "SANN", control = list(maxit = 20000)),
      "optim BFGS" = for (i in 1:10) {
        optim(start + i / 100, fn, method = "BFGS", control = list(maxit = 90))
      },
      "nothing improves" = for (i in 1:20000) fn(start)
    )
  }
  for (method in c("nothing improves", "optim Nelder-Mead", "optim SANN", "optim BFGS")) {
    more <- replicate(9, {
      w <- new_watch()
      w$fn(start)
      taken <- c(plain = cpu(runs_of(banana, method)), watched = cpu(runs_of(w$fn, method)))
      (taken[["watched"]] - taken[["plain"]]) / w$best()$evaluations
    })
    cat(sprintf(
      "warm_objective(), %-20s %5.2f us more an evaluation\n", method, 1e6 * median(more)
    ))
  }
  watches <- lapply(1:200, function(i) new_watch())
  first <- cpu(for (w in watches) w$fn(start)) / 200
  cat(sprintf("its first point: %.0f us\n", 1e6 * first))
}

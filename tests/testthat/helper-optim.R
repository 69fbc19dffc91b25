# Likelihoods of real data, to be minimised.

# Times between eruptions of Old Faithful: a mixture of two normal distributions.
waiting_mixture <- function(par, y) {
  p <- stats::plogis(par[[1]])
  short <- stats::dnorm(y, par[[2]], exp(par[[4]]))
  long <- stats::dnorm(y, par[[3]], exp(par[[5]]))
  -sum(log(p * short + (1 - p) * long))
}
mixture_start <- c(weight = 0, short = 53, long = 83, log_sd_short = 2, log_sd_long = 2)
waiting <- datasets::faithful$waiting
fewer_waiting <- waiting[-(1:27)]

# Survival with lung cancer: Weibull regression.
lung_data <- function() {
  skip_if_not_installed("survival")
  d <- stats::na.omit(survival::lung[c("time", "status", "age", "sex", "ph.ecog")])
  data.frame(
    time = d$time, died = d$status - 1, age = (d$age - 60) / 10, female = d$sex - 1,
    ecog = d$ph.ecog
  )
}
weibull <- function(par, d) {
  x <- cbind(1, d$age, d$female, d$ecog)
  z <- (log(d$time) - drop(x %*% par[1:4])) / exp(par[[5]])
  -sum(d$died * (z - par[[5]]) - exp(z))
}
weibull_gradient <- function(par, d) {
  x <- cbind(1, d$age, d$female, d$ecog)
  scale <- exp(par[[5]])
  z <- (log(d$time) - drop(x %*% par[1:4])) / scale
  r <- d$died - exp(z)
  c(drop(crossprod(x, r)) / scale, sum(r * z + d$died))
}
log_likelihood <- function(par, d) -weibull(par, d)
weibull_start <- c(intercept = 5.6, age = 0.5, female = 0, ecog = 0, log_scale = 0)

# Stops on the way.
stops_early <- function(par, d) {
  if (par[[1]] > 5.8) stop("no likelihood there")
  weibull(par, d)
}

# In one parameter.
median_loss <- function(at, y) sum(abs(y - at)^1.5)
stops_in_the_middle <- function(at, y) {
  if (at > 75) stop("no loss there")
  median_loss(at, y)
}

optimiser <- function(name) {
  adapters <- asNamespace("warmstart")$registry$adapters
  Filter(function(adapter) adapter$name == name, adapters)[[1]]
}

# Has every better point reported, however soon after the last.
report_all <- function(env = parent.frame()) {
  skip_if_not_installed("withr")
  waits <- asNamespace("warmstart")$waits
  before <- waits$report_interval
  waits$report_interval <- 0
  withr::defer(waits$report_interval <- before, env)
}

# Runs `call` until its objective was evaluated n times, and leaves then, as from an interrupt. What
# it kept stays in `store`.
cut_off <- function(call, store, n, env = parent.frame()) {
  report_all()
  adapter <- asNamespace("warmstart")$find_adapter(eval(call[[1]], env))
  observe <- adapter$observe
  leave <- function() signalCondition(structure(class = c("cut_off", "condition"), list()))
  adapter$observe <- function(call, env, report) {
    observe(call, env, function(state, objective, iteration) {
      report(state, objective, iteration)
      if (iteration >= n) leave()
    })
  }
  registry <- asNamespace("warmstart")$registry
  before <- registry$adapters
  on.exit(registry$adapters <- before)
  register_warm_adapter(adapter)
  tryCatch(
    {
      warm_call(call, store, env = env)
      stop("it was not cut off")
    },
    cut_off = function(e) NULL
  )
}

# Runs `call` through its adapter, from the point `par` where one is given, and counts how often its
# objective and gradient were called.
run_counted <- function(call, par = NULL, relation = "rows", env = parent.frame()) {
  fun <- eval(call[[1]], env)
  adapter <- asNamespace("warmstart")$find_adapter(fun)
  call <- match.call(fun, call)
  count <- 0
  functions <- c("fn", "f", "objective", "eval_f", "gr", "gradient", "grad", "eval_grad_f")
  for (name in intersect(functions, names(call))) {
    call[[name]] <- local({
      given <- eval(call[[name]], env)
      counting <- given
      body(counting) <- quote({
        tick()
        given_body
      })
      body(counting) <- do.call(substitute, list(body(counting), list(given_body = body(given))))
      tick <- function() count <<- count + 1
      environment(counting) <- list2env(list(tick = tick), parent = environment(given))
      counting
    })
  }
  started <- if (is.null(par)) call else adapter$seed(call, env, list(par = par), relation)
  fit <- suppressWarnings(eval(started, env))
  fit <- adapter$restore(fit, call, env)
  end <- asNamespace("warmstart")$fit_state(adapter, fit, call, env)
  list(fit = fit, par = end$state$par, objective = end$objective, count = count)
}

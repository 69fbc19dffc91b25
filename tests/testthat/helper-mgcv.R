# Attached, as people do, and as some of its families ask for.
if (requireNamespace("mgcv", quietly = TRUE)) {
  suppressPackageStartupMessages(library(mgcv))
}

# Real data of some hundred rows, on which a fit takes several outer iterations.
earthquakes <- transform(datasets::quakes[1:600, ], strong = mag > 4.6)
earthquake_model <- quote(
  gam(strong ~ s(depth) + s(stations) + s(lat), family = binomial, data = earthquakes,
      method = "REML")
)

# The states that a fit reports while it runs.
observe_states <- function(call, adapter = adapter_mgcv_gam(), env = parent.frame()) {
  states <- list()
  call <- match.call(eval(call[[1]], env), call)
  observed <- adapter$observe(call, env, function(state, objective, iteration) {
    states[[length(states) + 1]] <<-
      list(state = state, objective = objective, iteration = iteration)
  })
  fit <- adapter$restore(eval(observed, env), call, env)
  list(fit = fit, states = states)
}

key_of <- function(call, adapter = adapter_mgcv_gam(), env = parent.frame()) {
  adapter$identify(match.call(eval(call[[1]], env), call), env)
}

# A store in which the fit of `call` was interrupted at its n-th iterate; `change` may spoil the
# state.
interrupted_store <- function(call, n, change = identity, env = parent.frame()) {
  at <- observe_states(call, env = env)$states[[n]]
  store <- new_store()
  store_save(
    store, key_of(call, env = env)$exact,
    list(state = change(at$state), iterations = at$iteration, seconds = 1),
    at$objective, at$iteration
  )
  store
}

# Runs warm() on a call that is held as one.
warm_call <- function(call, store = new_store(), ..., env = parent.frame()) {
  eval(bquote(warm(.(call), .(store), ..(list(...))), splice = TRUE), env)
}

source_of_last <- function(fit) {
  force(fit)
  warm_info()$source
}

source_of <- function(fit) {
  warm_info(fit)$source
}

# REML, ML or GCV score.
score_of <- function(fit) {
  as.vector(fit$gcv.ubre)
}

# What a fit is, without what warm() says of it.
bare <- function(fit) {
  attr(fit, "warmstart") <- NULL
  fit
}

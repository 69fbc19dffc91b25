# Tests: test-opt-stats.R, test-opt-near.R.
#
# bobyqa(), newuoa() and uobyqa().
adapter_minqa <- function(name) {
  force(name)
  adapter_optimiser(
    paste0("minqa::", name), "par", "fn", quote(fn(x, ...)),
    result = function(fit) optimum(fit$par, fit$fval, ended_by_code(fit$ierr)),
    effort = function(fit, call, env) fit$feval / (control_of(call, env)$maxfun %||% 10000),
    gradient = NULL, functions = "fn", ignored_control = "iprint",
    bounds = if (name == "bobyqa") c("lower", "upper"),
    unit = function(call, env, near) 1,
    settings = settings_minqa
  )
}

# A first trust region as wide as the start is uncertain. It ends as narrow as from the user's own.
settings_minqa <- function(call, env, at, near, given) {
  control <- control_of(call, env)
  own <- control$rhobeg %||% min(0.95, 0.2 * max(abs(given)))
  end <- (control$rhoend %||% (1e-6 * own)) / max(at$reach)
  narrowest <- min((at$upper - at$lower) / diag(at$root))
  begin <- min(max(near$step, 10 * end), 0.2 * narrowest)
  set_control(call, env, rhobeg = begin, rhoend = min(end, begin))
}

# bobyqa(), newuoa() and uobyqa().
adapter_minqa <- function(name) {
  force(name)
  adapter_optimiser(
    paste0("minqa::", name), "par", "fn", quote(fn(x, ...)),
    result = function(fit) {
      optimum(fit$par, fit$fval, fit$feval, ended_by_code(fit$ierr))
    },
    tune = scale_minqa,
    functions = "fn", ignored_control = "iprint"
  )
}

# A first trust region as wide as the parameters' scale. It ends as narrow as from the user's start.
scale_minqa <- function(call, env, state, given) {
  control <- control_of(call, env)
  own <- control$rhobeg %||% min(0.95, 0.2 * max(abs(given)))
  end <- control$rhoend %||% (1e-6 * own)
  scale <- scale_at(
    call, env, "par", "fn", FALSE, 1,
    argument_of(call, env, "lower", -Inf), argument_of(call, env, "upper", Inf)
  )
  if (is.null(scale)) {
    return(call)
  }
  begin <- max(min(stats::median(scale), own), 10 * end)
  set_control(call, env, rhobeg = begin, rhoend = end)
}

# stats::optimize, and by its other name optimise. It begins at no point, so that its end is no
# start for others.
adapter_optimize <- function() {
  adapter_optimiser(
    "stats::optimize", "interval", "f", quote(f(arg, ...)),
    result = function(fit) optimum(fit$minimum %||% fit$maximum, fit$objective, TRUE),
    sign = function(call, env) {
      if (isTRUE(argument_of(call, env, "maximum", FALSE))) -1 else 1
    },
    lasts = function(call, env) FALSE,
    gradient = NULL, functions = "f"
  )
}

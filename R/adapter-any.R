# Any function that no adapter is known for: its result is kept under the function and the values
# of its arguments. It runs as the user wrote it.
adapter_any <- function(fun) {
  if (!is_closure(fun)) {
    stop_argument("call", "is not the call of a function that warm() can keep the result of.")
  }
  home <- topenv(environment(fun))
  package <- if (isNamespace(home)) unname(getNamespaceName(home))
  warm_adapter(
    name = any_function,
    recognises = function(fun) TRUE,
    identify = function(call, env) {
      identify_call(match.call(fun, call, envir = env), env, fun, written = TRUE)
    },
    state = function(fit) list(state = list(), objective = NA, iteration = NA),
    restore = function(fit, call, env) fit,
    versions = function() {
      if (!is.null(package) && package != "base") version_of(package)
    }
  )
}

any_function <- "any function"

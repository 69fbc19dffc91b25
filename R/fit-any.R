# Any function that no adapter is known for: its result is kept under the function and the values
# of its arguments. It runs as the user wrote it.
adapter_any <- function(evaluated) {
  fun <- evaluated$fun
  home <- topenv(environment(fun))
  package <- if (isNamespace(home)) unname(getNamespaceName(home))
  warm_adapter(
    name = any_function,
    recognises = function(fun) TRUE,
    identify = function(call, env) identify_any(evaluated, env, package),
    state = function(fit) list(state = list(), objective = NA, iteration = NA),
    restore = function(fit, call, env) restore_any(fit, call, env, fun),
    random = function(call, env) evaluated$has_drawn,
    versions = function() {
      if (!is.null(package) && package != "base") version_of(package)
    }
  )
}

any_function <- "any function"

check_any <- function(fun) {
  if (!is_closure(fun)) {
    stop_argument("call", "is not the call of a function that warm() can keep the result of.")
  }
}

identify_any <- function(evaluated, env, package) {
  named <- evaluated$call
  model <- find_model_function(evaluated$fun)
  if (!is.null(model)) {
    call <- match.call(evaluated$fun, evaluated$asked, envir = env)
    if (is_model_call(call, env, model$formula)) {
      return(identify_model(call, env, model$name, formula = model$formula))
    }
  }
  new_model_fingerprint(call_parts(
    as.list(named)[-1], env, evaluated$fun, deparse(named[[1]], nlines = 1),
    values = evaluated$values, written = sees_code(evaluated$fun)
  ))
}

# What was found by its model frame has the call of whoever asks.
restore_any <- function(fit, call, env, fun) {
  if (is.null(find_model_function(fun))) {
    fit
  } else {
    restore_call(fit, method_call(fun, match.call(fun, call, envir = env)), env)
  }
}

# What runs may be a method, which puts the call into the fit as its own, under the generic's name.
method_call <- function(fun, call) {
  generic <- sub(".*::", "", find_model_function(fun)$name)
  method <- utils::getS3method(generic, "formula", optional = TRUE, envir = environment(fun))
  if (is.null(method)) {
    return(call)
  }
  names(call)[names(call) == names(formals(fun))[[1]]] <- names(formals(method))[[1]]
  call <- match.call(method, call)
  call[[1]] <- as.name(generic)
  call
}

# Of these it is known what they take of their data: a model frame.
find_model_function <- function(fun) {
  for (name in names(model_functions)) {
    parts <- strsplit(name, "::", fixed = TRUE)[[1]]
    if (isNamespaceLoaded(parts[[1]]) && identical(fun, get(parts[[2]], asNamespace(parts[[1]])))) {
      return(list(name = name, formula = model_functions[[name]]))
    }
  }
  NULL
}

model_functions <- c(
  "stats::lm" = "formula", "stats::loess" = "formula", "stats::aov" = "formula",
  "MASS::rlm" = "x", "MASS::polr" = "formula", "rpart::rpart" = "formula"
)

is_model_call <- function(call, env, formula) {
  !is.null(call[[formula]]) && !is.null(call$data) && !anyDuplicated(names(call)) &&
    inherits(eval(call[[formula]], env), "formula")
}

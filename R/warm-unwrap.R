# Tests: test-warm-request.R.
#
# The call that a call makes, and where: do.call(f, list(...)) makes f(...), eval(call) the call,
# and update(fit, ...) the fit's own call, changed.
unwrap <- function(expr, env) {
  fun <- evaluate_head(expr[[1]], env)
  if (identical(fun, base::do.call)) {
    unwrap_do_call(expr, env)
  } else if (identical(fun, base::eval) || identical(fun, base::evalq)) {
    unwrap_eval(expr, env, fun)
  } else if (identical(fun, base::eval.parent)) {
    unwrap_eval_parent(expr, env)
  } else if (is_update(fun)) {
    unwrap_update(expr, env)
  } else {
    list(expr, env)
  }
}

# As do.call() itself puts it together.
unwrap_do_call <- function(expr, env) {
  given <- lapply(as.list(match.call(base::do.call, expr))[-1], evaluate_at, env)
  what <- if (is.character(given$what)) as.name(given$what) else given$what
  arguments <- if (isTRUE(given$quote)) lapply(given$args, enquote) else given$args
  list(as.call(c(what, as.list(arguments))), given$envir %||% env)
}

unwrap_eval <- function(expr, env, fun) {
  given <- as.list(match.call(fun, expr))[-1]
  made <- if (identical(fun, base::evalq)) given$expr else evaluate_at(given$expr, env)
  at <- if (is.null(given$envir)) env else evaluate_at(given$envir, env)
  if (is.list(at)) {
    around <- if (is.null(given$enclos)) env else evaluate_at(given$enclos, env)
    at <- list2env(at, parent = around)
  }
  if (is.call(made) && is.environment(at)) unwrap(made, at) else list(expr, env)
}

unwrap_eval_parent <- function(expr, env) {
  given <- as.list(match.call(base::eval.parent, expr))[-1]
  generations <- if (is.null(given$n)) 1 else evaluate_at(given$n, env)
  at <- evaluate_at(call("parent.frame", generations), env)
  made <- evaluate_at(given$expr, env)
  if (is.call(made)) unwrap(made, at) else list(expr, env)
}

# Also the S4 generic that other packages make of it: Matrix does, and comes with lme4.
is_update <- function(fun) {
  identical(fun, stats::update) || methods::is(fun, "genericFunction") &&
    identical(fun@generic, structure("update", package = "stats"))
}

# A method that cannot tell its call without making it is a function as any other.
unwrap_update <- function(expr, env) {
  named <- match.call(stats::update, expr, envir = env)
  fit <- evaluate_at(named$object, env)
  if (!tells_its_call(fit)) {
    return(list(expr, env))
  }
  expr$evaluate <- NULL
  call <- evaluate_at(as.call(c(as.list(expr), evaluate = FALSE)), env)
  if (!is.call(call)) {
    return(list(expr, env))
  }
  home <- update_home(fit)
  list(call, if (!is.null(home) && is_all_there(call, home)) home else env)
}

tells_its_call <- function(fit) {
  if (isS4(fit)) {
    return(TRUE)
  }
  for (class in c(class(fit), "default")) {
    method <- utils::getS3method("update", class, optional = TRUE)
    if (!is.null(method)) {
      return("evaluate" %in% names(formals(method)))
    }
  }
  FALSE
}

# lme4's method makes the fit where the formula comes from; elsewhere, only if that fails.
update_home <- function(fit) {
  if (inherits(fit, "merMod")) environment(stats::formula(fit))
}

is_all_there <- function(call, home) {
  arguments <- as.list(call)[-1]
  data <- arguments$data
  !is.call(data) && (!is.name(data) || exists(as.character(data), envir = home)) ||
    is.call(data) && all(vapply(all.vars(data), exists, NA, envir = home))
}

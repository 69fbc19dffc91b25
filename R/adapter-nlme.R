# lme and gls take no starting values: what stands for them are the values in the objects that
# `random`, `correlation` and `weights` are given as, which are part of the user's model.

adapter_lme <- function() adapter_of_nlme("nlme::lme", "fixed")

adapter_gls <- function() adapter_of_nlme("nlme::gls", "model")

adapter_of_nlme <- function(name, formula) {
  state <- function(fit) {
    list(state = list(), objective = -as.numeric(fit$logLik), iteration = fit$numIter %||% NA)
  }
  warm_adapter(
    name,
    identify = function(call, env) identify_nlme(call, env, name, formula),
    state = state,
    restore = restore_arguments(),
    # A message in place of the covariance matrix of the variance parameters is none.
    converged = function(fit) inherits(fit, c("lme", "gls")),
    compare = compare_in_errors(state)
  )
}

# What varies is in formulas inside of objects, too; and of grouped data in a formula of their own.
# What is fitted to a list of fits, or to a grouped data set itself, counts by its arguments.
identify_nlme <- function(call, env, fitter, formula) {
  if (!inherits(eval(call[[formula]], env), "formula")) {
    return(identify_call(call, env, fitter))
  }
  data <- eval(call$data, env)
  structures <- lapply(as.list(call)[intersect(nlme_structures, names(call))], eval, env)
  subset <- tryCatch(eval(call$subset, env), error = function(e) NULL)
  identify_model(
    call, env, fitter,
    formula = formula, aligned = "subset", ignored_control = "msVerbose",
    also = c(formulas_in(structures), formulas_in(subset), formulas_in(attr(data, "formula")))
  )
}

nlme_structures <- c("random", "correlation", "weights", "groups", "fixed", "params")

# nlme's `.` stands for the fit.
formulas_in <- function(value) {
  if (inherits(value, "formula")) {
    return(list(do.call(substitute, list(strip_formula(value), list(. = NULL)))))
  }
  within <- attributes(value)
  inside <- c(if (is.list(value)) unclass(value), within[!names(within) %in% c("names", "class")])
  unlist(lapply(unname(inside), formulas_in), recursive = FALSE)
}

strip_formula <- function(formula) {
  attributes(formula) <- NULL
  formula
}

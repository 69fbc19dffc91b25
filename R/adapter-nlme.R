# lme and gls take no starting values: what stands for them are the values in the objects that
# `random`, `correlation` and `weights` are given as, which are part of the user's model. A fit
# starts from another one's correlation parameters, which take the time. From its random effects'
# covariance lme takes longer than cold, since the steps of its EM algorithm are made all the same.

adapter_lme <- function() adapter_of_nlme("nlme::lme", "fixed")

adapter_gls <- function() adapter_of_nlme("nlme::gls", "model")

adapter_of_nlme <- function(name, formula) {
  warm_adapter(
    name,
    relations = "rows",
    identify = function(call, env) identify_nlme(call, env, name, formula),
    seed = seed_nlme,
    state = state_nlme,
    restore = restore_arguments("correlation"),
    # A message in place of the covariance matrix of the variance parameters is none.
    converged = function(fit) inherits(fit, c("lme", "gls")),
    compare = compare_in_errors(state_nlme)
  )
}

# `correlation` is on the scale on which `structure` is given its value.
state_nlme <- function(fit) {
  correlation <- fit$modelStruct$corStruct
  list(
    state = if (is.null(correlation)) {
      list()
    } else {
      list(
        structure = class(correlation)[[1]],
        correlation = as.vector(stats::coef(
          correlation, unconstrained = inherits(correlation, given_unconstrained)
        ))
      )
    },
    objective = -as.numeric(fit$logLik), iteration = fit$numIter %||% NA
  )
}

# Their constructors transform the value; the others leave that to the fitter.
given_unconstrained <- c("corAR1", "corCAR1", "corARMA")

seed_nlme <- function(call, env, state, relation) {
  correlation <- eval(call$correlation, env)
  if (!can_take(correlation, state)) {
    stop_seed_unfit("it has no correlation parameters for this model")
  }
  values <- state$correlation
  if (!is.numeric(values) || length(values) == 0 || !all(is.finite(values))) {
    stop_seed_unfit("its correlation parameters are not all finite numbers")
  }
  # Without a value it has none before the data are known.
  if (!length(correlation) %in% c(0, length(values))) {
    stop_seed_unfit("its correlation parameters are not those of this model")
  }
  attributes(values) <- attributes(correlation)
  put_lazily(call, "correlation", function() values)
}

can_take <- function(correlation, state) {
  inherits(correlation, "corStruct") && !isTRUE(attr(correlation, "fixed")) && is.list(state) &&
    identical(class(correlation)[[1]], state$structure)
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

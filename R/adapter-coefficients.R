# What adapters of fitters with a vector of starting coefficients share. The state holds
# `coefficients`, by name, 0 where they are not estimable, and `level`, the mean of the linear
# predictor. Which coefficients a model has is known once the fitter has set it up; so what is put
# into the call is itself a call, that looks the names up in the fitter's frame when its value is
# asked for. There, too, a state that does not fit signals `warmstart_seed_unfit`.

# `start_in(frame, state, relation)` gives the argument's value, in the frame of the fitter.
seed_lazily <- function(call, env, argument, state, relation, start_in) {
  check_coefficients(state)
  check_own_start(call, argument, relation)
  fitter <- eval(call[[1]], env)
  put_lazily(call, argument, function() start_in(fitter_frame(fitter), state, relation))
}

put_lazily <- function(call, argument, value) {
  call[[argument]] <- as.call(list(value))
  call
}

# Where the user has chosen a start, another fit's is none.
check_own_start <- function(call, arguments, relation) {
  if (relation != "exact" && any(arguments %in% names(call))) {
    stop_seed_unfit("the call has starting values of its own")
  }
}

check_coefficients <- function(state) {
  coefficients <- if (is.list(state)) state$coefficients
  if (!is.numeric(coefficients) || length(coefficients) == 0 || is.null(names(coefficients)) ||
    !all(is.finite(coefficients))) {
    stop_seed_unfit("it has no coefficients, all finite and with names")
  }
}

# The innermost call of a function that is under way.
fitter_frame <- function(fun) {
  for (n in rev(seq_len(sys.nframe()))) {
    if (identical(sys.function(n), fun)) {
      return(sys.frame(n))
    }
  }
  stop_seed_unfit("this version of the fitter does not evaluate its start as expected")
}

coefficient_state <- function(fit, offset = NULL) {
  coefficients <- stats::coef(fit)
  coefficients[is.na(coefficients)] <- 0
  predictors <- fit$linear.predictors
  level <- if (is.numeric(predictors)) mean(predictors) - mean(offset %||% 0)
  list(coefficients = coefficients, level = level)
}

# A model's coefficients from a state. Those it lacks begin at 0, and what the terms that are gone
# added to the linear predictor, on average, goes into the intercept.
adopt_state <- function(state, x, relation) {
  terms <- colnames(x)
  at <- match(terms, names(state$coefficients))
  shared <- !is.na(at)
  if (all(shared) && length(terms) == length(state$coefficients)) {
    return(unname(state$coefficients[at]))
  }
  if (relation == "exact") {
    stop_seed_unfit("its coefficients are not those of this model")
  }
  if (!any(shared & terms != "(Intercept)")) {
    stop_seed_unfit("it has no term in common with this model")
  }
  start <- ifelse(shared, state$coefficients[at], 0)
  intercept <- terms == "(Intercept)"
  if (any(intercept) && is_number(state$level)) {
    start[intercept] <- start[intercept] + state$level - sum(colMeans(x) * start)
  }
  unname(start)
}

start_for_columns <- function(frame, state, relation) {
  adopt_state(state, frame$X, relation)
}

# A maker of `restore` parts, for fitters that write what they have found into the fit's call:
# `put` are the arguments that the adapter puts in, `written` those that the fitter does.
restore_arguments <- function(put = character(), written = character()) {
  force(put)
  force(written)
  function(fit, call, env) {
    if (is.list(fit) && is.call(fit[["call"]])) {
      ours <- setdiff(union(names(call), put), c("", written))
      for (name in intersect(ours, names(fit$call))) fit$call[[name]] <- call[[name]]
    }
    fit
  }
}

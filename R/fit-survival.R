survival_aligned <- c("weights", "subset", "cluster", "id", "istate")

# Of a cluster() term the fitters make an argument.
survival_writes <- c("formula", "cluster")

# coxph's `init` is also the hypothesis of its tests, so another one changes the fit.
adapter_coxph <- function() {
  warm_adapter(
    "survival::coxph",
    identify = function(call, env) {
      identify_model(call, env, "survival::coxph", aligned = survival_aligned)
    },
    state = state_coxph,
    restore = restore_arguments(written = survival_writes),
    converged = function(fit) inherits(fit, "coxph") && is.null(fit$fail),
    compare = compare_in_errors(state_coxph)
  )
}

state_coxph <- function(fit) {
  list(
    state = list(coefficients = stats::coef(fit)), objective = -utils::tail(fit$loglik, 1),
    iteration = sum(fit$iter)
  )
}

adapter_survreg <- function() {
  warm_adapter(
    "survival::survreg",
    identify = function(call, env) {
      identify_model(call, env, "survival::survreg", aligned = survival_aligned)
    },
    seed = function(call, env, state, relation) {
      check_own_start(call, "init", relation)
      seed_lazily(call, "init", eval(call[[1]], env), function(frame) {
        start_survreg(frame, state, relation)
      })
    },
    state = state_survreg,
    restore = restore_arguments("init", survival_writes),
    converged = function(fit) inherits(fit, "survreg") && is.null(fit$fail),
    compare = compare_in_errors(state_survreg)
  )
}

# What an offset adds to the linear predictor the fit does not say.
state_survreg <- function(fit) {
  state <- coefficient_state(fit)
  if (!is.null(attr(fit$terms, "offset"))) {
    state["level"] <- list(NULL)
  }
  state$log_scale <- log(fit$scale)
  state$dist <- if (is.list(fit$dist)) fit$dist$name else fit$dist
  list(state = state, objective = -fit$loglik[[2]], iteration = sum(fit$iter))
}

start_survreg <- function(frame, state, relation) {
  dist <- if (is.list(frame$dist)) frame$dist$name else frame$dist
  if (!identical(dist, state$dist)) {
    stop_seed_unfit("it is of another distribution")
  }
  if (any(unlist(frame$pterms))) {
    stop_seed_unfit("the model has a penalty")
  }
  start <- adopt_state(state, frame$X, relation)
  if (any(frame$scale > 0)) start else c(start, adopt_log_scale(state, frame, length(start)))
}

# Of several strata's scales, all or none. Where there is none, the fitter has them from the model
# of the intercept alone, unless that is the model.
adopt_log_scale <- function(state, frame, coefficients) {
  log_scale <- state$log_scale
  strata <- if (frame$nstrata > 1) levels(frame$strata.keep)
  fits <- is.numeric(log_scale) && length(log_scale) == frame$nstrata &&
    all(is.finite(log_scale)) && identical(names(log_scale), strata)
  if (fits) {
    unname(log_scale)
  } else if (coefficients == 1) {
    stop_seed_unfit("it has other scales")
  }
}

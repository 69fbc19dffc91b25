# Where it starts decides whether and where a model with several optima ends: it counts.
glm_aligned <- c("weights", "offset", "subset", "etastart", "mustart")
glm_starts <- c("start", "etastart", "mustart")

# A cold glm starts from its response, one step away from where a related model's coefficients
# would take it; they save nothing.
adapter_glm <- function() {
  warm_adapter(
    "stats::glm",
    relations = "rows",
    identify = function(call, env) {
      identify_model(call, env, "stats::glm", aligned = glm_aligned, ignored_control = "trace")
    },
    seed = function(call, env, state, relation) {
      check_own_start(call, glm_starts, relation)
      call[c("etastart", "mustart")] <- NULL
      seed_lazily(call, env, "start", state, relation, start_for_columns)
    },
    observe = observe_glm,
    state = state_glm,
    restore = function(fit, call, env) {
      fit <- restore_arguments(c(glm_starts, "family"))(fit, call, env)
      if (inherits(fit, "glm")) fit$family <- unwrap_family(fit$family)
      fit
    },
    converged = function(fit) inherits(fit, "glm") && isTRUE(fit$converged),
    compare = compare_in_errors(state_glm)
  )
}

state_glm <- function(fit) {
  list(
    state = coefficient_state(fit, fit$offset), objective = fit$deviance, iteration = fit$iter
  )
}

# glm.fit() asks its family for the deviance of each new iterate.
observe_glm <- function(call, env, report) {
  family <- tryCatch(call_family(call, env), error = function(e) NULL)
  if (is.function(family$dev.resids)) {
    family$dev.resids <- watch_deviance(family$dev.resids, report)
    call$family <- inline(family)
  }
  call
}

# The deviance of the null model, which it asks for as well, is of another `mu`. Its frame is known
# by the variables in it: to compare functions takes longer than an iteration of a small fit.
watch_deviance <- function(wrapped_original, report) {
  force(wrapped_original)
  force(report)
  look <- function(frame, mu, deviance) {
    is_iterate <- !is.null(frame$iter) && identical(mu, frame$mu) && is.numeric(frame$start)
    if (is_iterate && all(is.finite(frame$start))) {
      coefficients <- stats::setNames(as.vector(frame$start), frame$xnames)
      report(list(coefficients = coefficients), deviance, frame$iter)
    }
  }
  function(y, mu, ...) {
    parts <- wrapped_original(y, mu, ...)
    tryCatch(look(parent.frame(), mu, sum(parts)), error = function(e) NULL)
    parts
  }
}

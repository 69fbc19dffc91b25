adapter_glm_nb <- function() {
  warm_adapter(
    "MASS::glm.nb",
    relations = "rows",
    identify = identify_glm_nb,
    seed = seed_glm_nb,
    observe = observe_glm_nb,
    state = state_glm_nb,
    restore = restore_glm_nb,
    converged = function(fit) {
      inherits(fit, "negbin") && isTRUE(fit$converged) && is.null(fit$th.warn)
    },
    compare = compare_in_errors(state_glm_nb)
  )
}

# What counts down is minus twice the log-likelihood, theta's included.
state_glm_nb <- function(fit) {
  list(
    state = c(coefficient_state(fit, fit$offset), list(theta = fit$theta)),
    objective = -fit$twologlik, iteration = NA
  )
}

seed_glm_nb <- function(call, env, state, relation) {
  check_own_start(call, c(glm_starts, "init.theta"), relation)
  if (!is.list(state) || !is_number(state$theta) || state$theta <= 0) {
    stop_seed_unfit("it has no theta")
  }
  call[c("etastart", "mustart")] <- NULL
  call$init.theta <- state$theta
  seed_lazily(call, "start", eval(call[[1]], env), function(frame) {
    adopt_state(state, frame$X, relation)
  })
}

# Before each round of its two steps, the coefficients and theta, the fitter reads its limit.
observe_glm_nb <- function(call, env, report) {
  control <- if (is.null(call$control)) {
    further <- as.list(call)[!names(call) %in% formals_of(call, env)]
    tryCatch(eval(as.call(c(stats::glm.control, further[-1])), env), error = function(e) NULL)
  } else {
    eval(call$control, env)
  }
  if (is.list(control)) call$control <- inline(watch_control(control, look_at_theta(report)))
  call
}

look_at_theta <- function(report) {
  rounds <- 0
  function(frame) {
    if (isTRUE(frame$iter > rounds)) {
      rounds <<- frame$iter
      coefficients <- frame$fit$coefficients
      coefficients[is.na(coefficients)] <- 0
      report(
        list(coefficients = coefficients, theta = as.vector(frame$th)), -2 * frame$Lm, rounds - 1
      )
    }
  }
}

# A list that has `look` called, with the frame of the function that reads it.
watch_control <- function(control, look) {
  structure(control, class = c("watched_control", oldClass(control)), look = look)
}

#' @export
`$.watched_control` <- function(x, name) {
  frame <- parent.frame()
  tryCatch(attr(x, "look")(frame), error = function(e) NULL)
  .subset2(x, name, exact = FALSE)
}

unwatch_control <- function(control) {
  attr(control, "look") <- NULL
  oldClass(control) <- setdiff(oldClass(control), "watched_control")
  control
}

# The fitter writes theta and the link into the call, behind what it was called with.
restore_glm_nb <- function(fit, call, env) {
  fit <- restore_arguments(c(glm_starts, "control"), glm_nb_writes)(fit, call, env)
  if (inherits(fit, "negbin")) {
    fit$control <- unwatch_control(fit$control)
    found <- as.list(fit$call)[setdiff(glm_nb_writes, names(call))]
    fit$call[names(found)] <- NULL
    fit$call[names(found)] <- found
  }
  fit
}

glm_nb_writes <- c("init.theta", "link")

# The fitter deparses `link`, so it is a word; one that names no link is a variable of the workspace.
identify_glm_nb <- function(call, env) {
  link <- call$link
  if (!is.null(link)) call$link <- deparse1(link)
  key <- identify_model(
    call, env, "MASS::glm.nb", aligned = glm_aligned, ignored_control = "trace"
  )
  value <- if (is.name(link)) find_captured(as.character(link), globalenv())
  if (is.null(value)) {
    return(key)
  }
  new_model_fingerprint(c(key$parts, named_part("variable", "link", value, "specification")))
}

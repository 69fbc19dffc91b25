# glm.nb() alternates between the coefficients and theta, each given the other.
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
    certify = function(fit, call, env, start) {
      certify_glm_nb(fit, frame_of_start(start$raw$call, "start"))
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
  check_glm_method(call, env)
  resumes <- relation == "exact" && is.list(state) && !is.null(state$iter)
  if (!resumes) check_glm_nb_unique(call, env)
  call$init.theta <- state_numbers(state, "theta", 1, if (resumes) c(0, Inf) else theta_range)
  if (resumes) attr(call, "begun") <- lapply(glm_nb_round, state_numbers, state = state, length = 1)
  seed_lazily(call, "start", eval(call[[1]], env), function(frame) {
    start <- adopt_state(state, frame$X, relation)
    if (!resumes) {
      try_cold_fit(length(frame$Y), function(rows) cold_glm_nb(frame, rows))
      check_beats_null(
        list(
          X = frame$X, Y = frame$Y, weights = frame$w, offset = frame$offset, family = frame$fam0
        ),
        start
      )
    }
    start
  })
}

cold_glm_nb <- function(frame, rows) {
  w <- frame$w[rows]
  data <- list(
    x = frame$X[rows, , drop = FALSE], y = frame$Y[rows],
    offset = if (is.null(frame$offset)) rep(0, length(rows)) else frame$offset[rows]
  )
  MASS::glm.nb(y ~ x - 1 + offset(offset), data, weights = w)
}

check_glm_nb_unique <- function(call, env) {
  check_glm_control(call, env)
  link <- call$link %||% "log"
  if (!identical(link, quote(log)) && !identical(link, "log")) {
    stop_seed_unfit("a model of this link may have several optima")
  }
}

# Beyond, the model is one of Poisson or of next to nothing but zeros.
theta_range <- c(1e-4, 1e4)

# With theta given the coefficients have one optimum, and in expectation the two do not meet in the
# information. Of theta it is seen that the likelihood falls on both sides.
certify_glm_nb <- function(fit, frame) {
  if (is.null(frame$X)) {
    return("it is not known which model it has fitted")
  }
  theta <- fit$theta
  if (theta < theta_range[[1]] || theta > theta_range[[2]]) {
    return("its theta is at a limit")
  }
  decrement <- (theta_score(frame, fit$fitted.values, theta) * fit$SE.theta)^2
  if (!isTRUE(decrement <= min(1e-7 * max(1, abs(fit$twologlik)), 1e-6))) {
    return("its theta is not the most likely one")
  }
  rows <- thousand_of(length(frame$Y))
  away <- 2^(1:8)
  slope <- function(theta) theta_score(frame, fit$fitted.values, theta, rows)
  if (!all(vapply(theta / away, slope, 1) > 0) || !all(vapply(theta * away, slope, 1) < 0)) {
    return("there may be another theta as likely")
  }
  fit$family <- MASS::negative.binomial(theta, link = "log")
  certify_glm(fit, frame, fit$null.deviance)
}

# The derivative of the log-likelihood by theta.
theta_score <- function(frame, mu, theta, rows = TRUE) {
  y <- frame$Y[rows]
  mu <- mu[rows]
  sum(frame$w[rows] * (
    rise_of_digamma(theta, y) + log(theta / (theta + mu)) + (mu - y) / (theta + mu)
  ))
}

# digamma(theta + y) - digamma(theta); for counts by its recurrence (Abramowitz and Stegun 6.3.6).
rise_of_digamma <- function(theta, y) {
  most <- max(y)
  if (most < length(y) && all(y == trunc(y))) {
    c(0, cumsum(1 / (theta + seq_len(most) - 1)))[y + 1]
  } else {
    digamma(theta + y) - digamma(theta)
  }
}

# Before each round of its two steps, the coefficients and theta, the fitter reads its limit.
observe_glm_nb <- function(call, env, report) {
  control <- tryCatch(
    if (is.null(call$control)) glm_control(call, env) else eval(call$control, env),
    error = function(e) NULL
  )
  look <- look_at_theta(report, attr(call, "begun"))
  attr(call, "begun") <- NULL
  if (is.list(control)) call$control <- inline(watch_control(control, look))
  call
}

look_at_theta <- function(report, begun) {
  before <- count_of(begun$iter)
  seen <- before
  function(frame) {
    if (!is.null(begun) && identical(frame$iter, 1)) go_on_glm_nb(frame, begun)
    if (isTRUE(frame$iter > seen) && !ends_here(frame)) {
      seen <<- frame$iter
      coefficients <- frame$fit$coefficients
      coefficients[is.na(coefficients)] <- 0
      report(
        c(
          list(coefficients = coefficients, theta = as.vector(frame$th)),
          lapply(glm_nb_round, function(name) as.vector(frame[[name]]))
        ),
        -2 * frame$Lm, seen - max(before, 1)
      )
    }
  }
}

# As the fitter decides it. What it needs besides, at its end, is in no state.
ends_here <- function(frame) {
  change <- abs(frame$Lm0 - frame$Lm) / frame$d1 + abs(frame$del) / frame$d2
  frame$iter > .subset2(frame$control, "maxit") || change <= .subset2(frame$control, "epsilon")
}

# What the fitter decides by whether there is another round: how many there were, and what the last
# one changed. That may hang on the last digit.
glm_nb_round <- c(iter = "iter", Lm = "Lm", Lm0 = "Lm0", del = "del")

# Ahead of its first round the fitter's frame is put where an interrupted fit's was.
go_on_glm_nb <- function(frame, begun) {
  eta <- drop(frame$X %*% frame$start) + (frame$offset %||% 0)
  frame$mu <- frame$fam0$linkinv(eta)
  frame$th <- frame$init.theta
  frame$fam <- frame$fam0
  list2env(begun, frame)
}

# A list that has `look` called, with the frame of the function that reads it.
watch_control <- function(control, look) {
  structure(control, class = c("watched_control", oldClass(control)), look = look)
}

#' @export
`$.watched_control` <- function(x, name) {
  frame <- parent.frame()
  tryCatch(attr(x, "look")(frame), warmstart_seed_unfit = stop, error = function(e) NULL)
  .subset2(x, name, exact = FALSE)
}

unwatch_control <- function(control) {
  attr(control, "look") <- NULL
  oldClass(control) <- setdiff(oldClass(control), "watched_control")
  control
}

# The fitter writes theta and the link into the call.
restore_glm_nb <- function(fit, call, env) {
  if (inherits(fit, "negbin")) {
    fit <- restore_written(c("init.theta", "link"))(fit, call, env)
    fit$control <- unwatch_control(fit$control)
  }
  fit
}

glm_nb_writes <- c("init.theta", "link")

survival_aligned <- c("weights", "subset", "cluster", "id", "istate")

# coxph's `init` is also the hypothesis of its tests, so another one changes the fit.
adapter_coxph <- function() {
  warm_adapter(
    "survival::coxph",
    identify = function(call, env) {
      identify_model(call, env, "survival::coxph", aligned = survival_aligned)
    },
    state = function(fit) {
      list(
        state = list(coefficients = stats::coef(fit)), objective = -utils::tail(fit$loglik, 1),
        iteration = sum(fit$iter)
      )
    },
    restore = restore_survival,
    converged = function(fit) inherits(fit, "coxph") && is.null(fit$fail),
    compare = compare_in_errors(function(fit) list(objective = -utils::tail(fit$loglik, 1)))
  )
}

# Of a cluster() term the fitters make an argument, and take it out of the formula.
restore_survival <- function(fit, call, env) {
  if (is.list(fit) && is.call(fit[["call"]])) {
    asked <- eval(call$formula, env)
    moves_cluster <- "cluster" %in% all.names(asked) &&
      !"cluster" %in% all.names(fit$call$formula)
    fit <- restore_written(if (moves_cluster) c("formula", "cluster"))(fit, call, env)
    if (moves_cluster) {
      home <- survival_home(environment(fit$call$formula), environment(asked))
      environment(fit$call$formula) <- home
    }
  }
  fit
}

# Since survival 3.8, the fitters put their own functions in front of a formula's environment.
survival_home <- function(made, asked) {
  own <- as.list(made, all.names = TRUE)
  is_own <- function(value, name) {
    identical(value, get0(name, envir = asNamespace("survival"), inherits = FALSE))
  }
  if (length(own) > 0 && all(mapply(is_own, own, names(own)))) {
    list2env(own, parent = asked)
  } else {
    asked
  }
}

adapter_survreg <- function() {
  warm_adapter(
    "survival::survreg",
    identify = function(call, env) {
      identify_model(call, env, "survival::survreg", aligned = survival_aligned)
    },
    seed = function(call, env, state, relation) {
      check_own_start(call, "init", relation)
      survreg <- eval(call[[1]], env)
      seed_lazily(call, "init", survival::survreg.fit, function(frame) {
        start_survreg(frame, fitter_frame(survreg), state, relation)
      })
    },
    state = state_survreg,
    restore = restore_survreg,
    converged = function(fit) inherits(fit, "survreg") && is.null(fit$fail),
    certify = function(fit, call, env, start) {
      certify_survreg(fit, frame_of_start(start$raw$call, "init"))
    },
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
  state$dist <- dist_name(fit$dist)
  list(state = state, objective = -fit$loglik[[2]], iteration = sum(fit$iter))
}

dist_name <- function(dist) if (is.list(dist)) dist$name else dist

# `frame` is that of survreg.fit(), `outer` that of survreg().
start_survreg <- function(frame, outer, state, relation) {
  if (!identical(dist_name(outer$dist), state$dist)) {
    stop_seed_unfit("it is of another distribution")
  }
  check_survreg_unique(frame)
  start <- adopt_state(state, frame$x, relation)
  start <- if (frame$scale > 0) c(start, log(frame$scale)) else c(start, adopt_log_scale(state))
  check_beats_null_survreg(frame, start)
  if (frame$scale > 0) start[-length(start)] else start
}

# A log-concave density makes the likelihood log-concave in the coefficients over the scale and the
# inverse of that, whatever the censoring: Burridge (1981), JRSS B 43, 41-45. Several scales have no
# such parameters. The densities that the fitter has in C are log-concave; those by which it goes
# through R may be any.
check_survreg_unique <- function(frame) {
  if (frame$dnum > 3 || frame$nstrat > 1) {
    stop_seed_unfit("a model of this distribution or with several scales may have several optima")
  }
  if (frame$iter.max < 30 || frame$eps > 1e-9) {
    stop_seed_unfit("a cold fit might not come to its end under this control")
  }
}

adopt_log_scale <- function(state) unname(state_numbers(state, "log_scale", 1, c(-50, 50)))

# The model of the intercept alone is fitted before.
check_beats_null_survreg <- function(frame, start) {
  rows <- thousand_of(frame$n)
  eta <- drop(frame$x[rows, , drop = FALSE] %*% start[-length(start)])
  null <- frame$fit0$coef
  at_null <- if (is.null(null)) -Inf else survreg_loglik(frame, rows, null[[1]], null[[2]])
  if (!isTRUE(survreg_loglik(frame, rows, eta, start[[length(start)]]) > at_null)) {
    stop_seed_unfit("the data are further from it than from the null model")
  }
}

# The columns of a density are F, 1 - F, f, and more. A status is 0 where it is censored on the
# right, 1 where it is not, 2 on the left, 3 where there are two ends.
survreg_loglik <- function(frame, rows, eta, log_scale) {
  y <- frame$y[rows, , drop = FALSE]
  eta <- eta + frame$offset[rows]
  parts_at <- function(y) frame$sd$density((y - eta) / exp(log_scale), frame$parms)
  at <- parts_at(y[, 1])
  status <- y[, ncol(y)]
  likelihood <- ifelse(
    status == 1, at[, 3] / exp(log_scale), ifelse(status == 0, at[, 2], at[, 1])
  )
  if (any(status == 3)) {
    both <- abs(parts_at(y[, 2])[, 1] - at[, 1])
    likelihood <- ifelse(status == 3, both, likelihood)
  }
  sum(frame$weights[rows] * log(likelihood))
}

# The fitter knows the score and the inverse information at its end: one more Newton step would
# raise the log-likelihood by half of `decrement`, and move what is estimated by `step`. A start of
# what is not estimable would stay in the linear predictor.
certify_survreg <- function(fit, frame) {
  end <- frame$fit
  if (is.null(end$u)) {
    return("it is not known which model it has fitted")
  }
  if (anyNA(stats::coef(fit))) {
    return("a coefficient is not estimable")
  }
  has_intercept <- all(frame$x[, 1] == 1)
  if (has_intercept && !isTRUE(fit$loglik[[2]] >= fit$loglik[[1]] - 1e-8 * abs(fit$loglik[[1]]))) {
    return("the null model is better")
  }
  step <- drop(matrix(end$var, length(end$u)) %*% end$u)
  decrement <- sum(step * end$u)
  if (!isTRUE(abs(decrement) <= min(1e-7 * max(1, abs(fit$loglik[[2]])), 1e-6))) {
    return("the score equations do not hold at its end")
  }
  further <- drop(frame$x %*% step[seq_len(ncol(frame$x))])
  if (!isTRUE(max(abs(further)) < 0.01 * fit$scale)) {
    return("a coefficient goes on to a boundary")
  }
  TRUE
}

# Without a start the fitter works with scaled columns, where one is none of zeros and ones; and
# loses the names of the covariance matrix over that.
restore_survreg <- function(fit, call, env) {
  frame <- frame_of_start(fit[["call"]], "init")
  if (!is.null(frame) && is.null(call$init) && is_rescaled(frame$x)) {
    dimnames(fit$var) <- NULL
    if (!is.null(fit$naive.var)) dimnames(fit$naive.var) <- NULL
  }
  restore_survival(fit, call, env)
}

is_rescaled <- function(x) {
  is_indicator <- function(j) all(x[, j] == 0 | x[, j] == 1)
  ncol(x) > 1 && all(x[, 1] == 1) && !all(vapply(seq_len(ncol(x)), is_indicator, NA))
}

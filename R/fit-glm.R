# glm() takes the coefficients to start from, and tells of each iterate through its family. A cold
# glm starts from its response, one step away from where a related model's coefficients would take
# it; these save nothing.
adapter_glm <- function() {
  warm_adapter(
    "stats::glm",
    relations = "rows",
    identify = function(call, env) {
      identify_model(call, env, "stats::glm", aligned = glm_aligned, ignored_control = "trace")
    },
    seed = seed_glm,
    observe = observe_glm,
    state = state_glm,
    pack = pack_glm,
    restore = restore_glm,
    converged = function(fit) inherits(fit, "glm") && isTRUE(fit$converged),
    certify = function(fit, call, env, start) {
      certify_glm(fit, frame_of_start(start$raw$call, "start"), fit$null.deviance)
    },
    compare = compare_in_errors(state_glm)
  )
}

# Where it starts decides whether and where a model with several optima ends: it counts.
glm_aligned <- c("weights", "offset", "subset", "etastart", "mustart")
glm_starts <- c("start", "etastart", "mustart")

# The iterations are those of this run, which what it reports tells; the fit has all.
state_glm <- function(fit) {
  list(state = coefficient_state(fit, fit$offset), objective = fit$deviance, iteration = NA)
}

# What it starts from ------------------------------------------------

# The state of an interrupted run says how many iterations were `left` to it.
seed_glm <- function(call, env, state, relation) {
  check_own_start(call, glm_starts, relation)
  check_glm_method(call, env)
  resumes <- is.list(state) && !is.null(state[["left"]])
  call <- if (resumes) put_left(call, env, state) else check_glm_unique(call, env)
  seed_lazily(call, "start", eval(call[[1]], env), function(frame) {
    start <- adopt_state(state, frame$X, relation)
    if (!resumes) {
      check_cold_glm(frame)
      check_beats_null(frame, start)
    }
    start
  })
}

# Others may take other steps, to another end. What is started from goes behind `etastart`.
check_glm_method <- function(call, env) {
  if (!is.null(call$method) && !identical(eval(call$method, env), "glm.fit")) {
    stop_seed_unfit("another method than glm.fit() fits the model")
  }
  if (any(c("etastart", "mustart") %in% names(call))) {
    stop_seed_unfit("the call has starting values of its own")
  }
}

check_glm_unique <- function(call, env) {
  check_glm_control(call, env)
  if (!has_one_optimum(call_family(call, env))) {
    stop_seed_unfit("a model of this family and link may have several optima")
  }
  call
}

# A cold fit that is not let go to its end may end elsewhere than one from a start.
check_glm_control <- function(call, env) {
  control <- glm_control(call, env)
  if (control$epsilon > 1e-8 || control$maxit < 25) {
    stop_seed_unfit("a cold fit might not come to its end under this control")
  }
}

glm_control <- function(call, env) {
  given <- if (is.null(call$control)) {
    further <- as.list(call)[!names(call) %in% formals_of(call, env)]
    lapply(further[-1], eval, env)
  } else {
    eval(call$control, env)
  }
  do.call(stats::glm.control, as.list(given))
}

# Where the log-likelihood is concave in the linear predictor, which may be any number, it is so in
# the coefficients, and has one maximum. Of these families and links that is shown by Wedderburn
# (1976), Biometrika 63, 27-32, and Pratt (1981), JASA 76, 103-106; with theta given, of the
# negative binomial family by its second derivative. Gaussian models with the identity link have one
# as well, but are fitted in one step from anywhere.
has_one_optimum <- function(family) {
  is_negative_binomial(family) && family$link == "log" ||
    is_plain_family(family) && family$link %in% concave_links[[family$family]]
}

concave_links <- list(
  binomial = c("logit", "probit", "cloglog"), quasibinomial = c("logit", "probit", "cloglog"),
  poisson = "log", quasipoisson = "log", Gamma = "log"
)

# As MASS::negative.binomial() makes it, by its code.
is_negative_binomial <- function(family) {
  if (!identical(class(family), "family") || !startsWith(family$family, "Negative Binomial(")) {
    return(FALSE)
  }
  theta <- get0(".Theta", environment(family$variance), inherits = FALSE)
  is_number(theta) && theta > 0 && is.character(family$link) && has_same_code(
    family_code(family), family_code(MASS::negative.binomial(theta, link = family$link))
  )
}

# With a canonical link the steps are Newton's. With others, which take the expected information for
# the observed one, a cold fit may stray or need too many.
check_cold_glm <- function(frame) {
  if (!is_canonical(frame$family)) {
    weights <- frame$weights %||% rep(1, nrow(frame$X))
    offset <- frame$offset %||% rep(0, nrow(frame$X))
    try_cold_fit(nrow(frame$X), function(rows) {
      stats::glm.fit(
        frame$X[rows, , drop = FALSE], rows_of(frame$Y, rows), weights[rows],
        offset = offset[rows], family = unwrap_family(frame$family)
      )
    })
  }
}

rows_of <- function(x, rows) if (is.matrix(x)) x[rows, , drop = FALSE] else x[rows]

# Is a start on these rows better than what the null model has?
check_beats_null <- function(frame, start) {
  n <- NROW(frame$Y)
  rows <- thousand_of(n)
  of_rows <- function(x) rows_of(x, rows)
  family <- frame$family
  model <- list2env(list(
    y = of_rows(frame$Y), weights = of_rows(frame$weights %||% rep(1, n)), nobs = length(rows),
    family = family, start = NULL, etastart = NULL, mustart = NULL
  ), parent = asNamespace("stats"))
  suppressWarnings(eval(family$initialize, model))
  offset <- of_rows(frame$offset %||% rep(0, n))
  deviance <- function(eta) {
    sum(family$dev.resids(model$y, family$linkinv(eta + offset), model$weights))
  }
  null <- if ("(Intercept)" %in% colnames(frame$X)) {
    level <- stats::weighted.mean(model$y, model$weights)
    family$linkfun(level) - stats::weighted.mean(offset, model$weights)
  } else {
    0
  }
  if (!isTRUE(deviance(drop(of_rows(frame$X) %*% start)) < deviance(null))) {
    stop_seed_unfit("the data are further from it than from the null model")
  }
}

# How it ended ------------------------------------------------

#' Is this the optimum of a model that has one?
#'
#' From the score equations X'Wr = 0: how far would one more step lower the deviance, by Newton's
#' decrement, and move the coefficients, in standard errors? A fit whose steps have left the valley
#' may stand still all the same, since its weights have vanished; but then its residuals are large.
#' @param frame That of the fitter, which has the model matrix `X`.
#' @param null The deviance of the null model; NULL where it does not compare.
#' @noRd
certify_glm <- function(fit, frame, null, theta = NULL) {
  if (is.null(frame$X)) {
    return("it is not known which model it has fitted")
  }
  if (isTRUE(fit$boundary)) {
    return("it has ended at a boundary")
  }
  if (!is.null(null) && !isTRUE(fit$deviance <= null + 1e-8 * abs(null) + 1e-8)) {
    return("the null model is better")
  }
  estimable <- fit$qr$pivot[seq_len(fit$rank)]
  root <- fit$R[seq_len(fit$rank), seq_len(fit$rank), drop = FALSE]
  if (!is_rank_certain(fit)) {
    return("which coefficients can be estimated is not certain")
  }
  score <- drop(crossprod(frame$X, glm_scores(fit)))[estimable]
  step <- backsolve(root, score, transpose = TRUE)
  decrement <- sum(step^2)
  if (!isTRUE(decrement <= min(1e-7 * max(1, fit$deviance), 1e-6 * glm_dispersion(fit)))) {
    return("the score equations do not hold at its end")
  }
  if (goes_further_out(fit, frame$X, estimable, backsolve(root, step))) {
    return("fitted values go on to a boundary")
  }
  TRUE
}

# Does one more `step` of the estimable coefficients move the fitted values that are far out?
goes_further_out <- function(fit, x, estimable, step) {
  far <- far_out(fit)
  length(far) > 0 && !isTRUE(max(abs(x[far, estimable, drop = FALSE] %*% step)) < 0.01)
}

# The derivative of half the deviance by each linear predictor.
glm_scores <- function(fit) {
  family <- fit$family
  mu <- fit$fitted.values
  if (is_canonical(family) && !is.null(fit$y)) {
    fit$prior.weights * (fit$y - mu)
  } else {
    fit$prior.weights * fit$residuals *
      family$mu.eta(fit$linear.predictors)^2 / family$variance(mu)
  }
}

is_canonical <- function(family) {
  family$family %in% c("binomial", "quasibinomial") && family$link == "logit" ||
    family$family %in% c("poisson", "quasipoisson")
}

# A column is aliased where little of it is left beside those before it. From another start the
# weights at the end are slightly other ones, so what is left must not be near the limit for that.
is_rank_certain <- function(fit) {
  squares <- fit$R^2
  column <- seq_len(ncol(squares))
  left <- vapply(column, function(j) sum(squares[seq(min(j, fit$rank + 1), j), j]), 1)
  share <- sqrt(left / pmax(colSums(squares), .Machine$double.xmin))
  is_aliased <- column > fit$rank
  isTRUE(all(ifelse(is_aliased, share < 0.1 * fit$qr$tol, share > 10 * fit$qr$tol)))
}

# 1 where the family has none of its own.
glm_dispersion <- function(fit) {
  if (fit$family$family %in% c("binomial", "poisson") || is_negative_binomial(fit$family)) {
    1
  } else {
    sum(fit$weights * fit$residuals^2) / fit$df.residual
  }
}

# Fitted values that may be on their way to a boundary, as those of separated groups are.
far_out <- function(fit) {
  mu <- fit$fitted.values
  highest <- if (fit$family$family %in% c("binomial", "quasibinomial")) 1 - 1e-5 else Inf
  if (fit$family$family != "Gamma" && (min(mu) < 1e-5 || max(mu) > highest)) {
    which((mu < 1e-5 | mu > highest) & fit$prior.weights > 0)
  }
}

# How it is watched ------------------------------------------------

# glm.fit() asks its family for the deviance of each new iterate.
observe_glm <- function(call, env, report) {
  family <- tryCatch(call_family(call, env), error = function(e) NULL)
  if (is.function(family$dev.resids)) {
    family$dev.resids <- watch_deviance(family$dev.resids, report)
    call$family <- inline(family)
  }
  call
}

# The deviance of the null model, which it asks for as well, is of another `mu`; where that takes a
# fit, it has other columns. Its frame is known by the variables in it: to compare functions takes
# longer than an iteration of a small fit.
watch_deviance <- function(original, report) {
  force(original)
  force(report)
  columns <- NULL
  look <- function(frame, mu, deviance) {
    left <- attr(frame$control$maxit, "left")
    if (is.null(columns) && !is.null(left)) frame$control$maxit <- left
    is_iterate <- !is.null(frame$iter) && identical(mu, frame$mu) && is.numeric(frame$start)
    if (!is_iterate || !all(is.finite(frame$start))) {
      return()
    }
    if (is.null(columns)) columns <<- frame$xnames
    if (identical(frame$xnames, columns)) {
      coefficients <- stats::setNames(as.vector(frame$start), columns)
      left <- as.vector(frame$control$maxit) - frame$iter
      report(list(coefficients = coefficients, left = left), deviance, frame$iter)
    }
  }
  new_wrapper(original, function(y, mu, ...) {
    parts <- original(y, mu, ...)
    tryCatch(look(parent.frame(), mu, sum(parts)), error = function(e) NULL)
    parts
  })
}

# Resumed, it has the iterations that were left to it: it ends where the uncut one does, converged
# or not. The limit carries them along, to where it is read for this fit; that of the null model has
# all.
put_left <- function(call, env, state) {
  control <- glm_control(call, env)
  left <- state_numbers(state, "left", 1, c(1, max(control$maxit, 1)))
  control$maxit <- structure(control$maxit, left = left)
  call$control <- inline(control)
  call
}

# What comes back ------------------------------------------------

# The data are all that the call was given, also what is not in the model.
pack_glm <- function(fit) {
  if (inherits(fit, "glm")) fit["data"] <- list(NULL)
  fit
}

restore_glm <- function(fit, call, env, values = list()) {
  if (!inherits(fit, "glm")) {
    return(fit)
  }
  fit$call <- call
  fit$family <- unwrap_family(fit$family)
  left <- attr(fit$control$maxit, "left")
  if (!is.null(left)) {
    fit$control$maxit <- as.vector(fit$control$maxit)
    fit$iter <- as.integer(fit$control$maxit - left) + fit$iter
  }
  if (is.null(fit$data)) {
    data <- argument_value("data", call, env, values) %||% environment(fit$formula)
    fit["data"] <- list(data)
  }
  fit
}

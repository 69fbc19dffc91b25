# Tests: test-fit-lme4.R.
#
# Where an optimiser of lme4's starts that is given another fit's state, and its first steps there.

#' Where to start
#'
#' Only where a cold fit comes by: in one valley with its start, and lower. The first stage of two
#' is taken to its end, since that leaves behind what the second one's deviance is computed from.
#' That end is where a cold second stage starts, and close to its optimum: this one starts there
#' too, unless the state is better. A simplex may be stuck on a bound, short of the optimum: where
#' one begins from afar, only a cold start leads to where it ends.
#' @return A list of `par`, `step` (in the units of opt-coordinates.R), `state` and `labels`; NULL
#'   for lme4's own start.
#' @noRd
lme4_start <- function(seed, stage, task, labels, rho, optimizer) {
  state <- seed$state
  check_smooth_way(stage, rho, optimizer)
  exact <- seed$relation == "exact"
  is_theta <- seq_along(task$par) <= length(rho$pp$theta)
  start <- list(
    par = task$par, state = state, labels = labels, step = if (exact) step_at_end else step_near
  )
  if (stage$follows && seed$relation == "related") {
    return(start)
  }
  if (!all(is_theta) && length(state$fixef) == 0) {
    return(NULL)
  }
  par <- adopt_parameters(state, task, labels, is_theta, exact)
  if (is_one_valley(task$fn, task$par, par)) {
    start$par <- par
  } else if (!stage$follows) {
    stop_seed_doubtful("on these data a cold start may lead elsewhere")
  }
  start
}

# A simplex may be stuck on a bound. With an effect for each row the deviance is as rough as the
# inner iterations of a glmer leave it, and of families with a scale it is flat: where an optimiser
# stops there depends on its way.
check_smooth_way <- function(stage, rho, optimizer) {
  if (!stage$follows && optimizer_method(optimizer) == "Nelder_Mead") {
    stop_seed_doubtful("where a simplex is stuck on a bound is not to be foreseen")
  }
  size <- dim(rho$pp$Zt)
  if (inherits(rho$resp, "glmResp")) {
    if (size[[1]] >= size[[2]]) stop_seed_doubtful("it has as many random effects as rows")
    if (!rho$resp$family$family %in% c("binomial", "poisson")) {
      stop_seed_doubtful("its family has a scale")
    }
  }
}

adopt_parameters <- function(state, task, labels, is_theta, exact) {
  theta <- adopt_by_name(state$theta, task$par[is_theta], labels[is_theta], exact)
  if (!any(theta$shared)) {
    stop_seed_unfit("it has no random-effect term in common with this model")
  }
  par <- task$par
  par[is_theta] <- off_the_bound(theta$values, task$lower[is_theta], exact)
  if (!all(is_theta)) {
    par[!is_theta] <- adopt_by_name(state$fixef, par[!is_theta], labels[!is_theta], exact)$values
  }
  par <- pmin(pmax(par, task$lower), task$upper)
  if (exact) par else turn_weak_effects(par, task$lower[is_theta], task$fn)
}

# In standard errors: from a fit's own end, and from one that is somewhere near. A tenth of the
# rows moves an estimate by a third of its standard error.
step_at_end <- 0.05
step_near <- 0.3

# On its bound, a standard deviation has no slope: an optimiser may stay there. And what correlates
# with an effect of no variance is of no consequence, so that a seed may have it with the wrong
# sign. So the covariance of a term is moved, not its Cholesky factor: that of an effect without
# variance begins at none.
off_the_bound <- function(theta, lower, exact) {
  off <- if (exact) 1e-3 else 0.05
  for (block in term_blocks(lower)) {
    factor <- factor_of(theta[block])
    if (any(diag(factor) < off)) {
      factor <- t(chol(tcrossprod(factor) + diag(off^2, nrow(factor))))
      theta[block] <- factor[lower.tri(factor, diag = TRUE)]
    }
  }
  theta
}

# Of an effect that varies little, other rows may have the correlations with another sign. Between
# the two, at none, the deviance has a ridge: the better side is to start from. Where no effect is
# weak, nothing is evaluated.
turn_weak_effects <- function(par, lower, deviance) {
  value <- NA
  for (block in term_blocks(lower)) {
    factor <- factor_of(par[block])
    weak <- if (nrow(factor) > 1) which(sqrt(rowSums(factor^2)) < weak_effect)
    for (effect in weak) {
      if (is.na(value)) value <- deviance(par)
      turn <- replace(rep(1, nrow(factor)), effect, -1)
      turned <- replace(par, block, (turn * factor_of(par[block]) * rep(turn, each = nrow(factor)))[
        lower.tri(factor, diag = TRUE)
      ])
      value_turned <- deviance(turned)
      if (isTRUE(value_turned < value)) {
        par <- turned
        value <- value_turned
      }
    }
  }
  par
}

weak_effect <- 0.3 # a standard deviation, over the residuals'

# Where in theta each term's factor is, column by column from the diagonal, whose elements alone
# have a bound: below the first of them are as many as the term has further effects.
term_blocks <- function(lower) {
  blocks <- list()
  first <- 1
  while (first <= length(lower) && is.finite(lower[[first]])) {
    size <- 1 + sum(cumprod(is.infinite(lower[-seq_len(first)])))
    block <- first - 1 + seq_len(size * (size + 1) / 2)
    blocks <- c(blocks, list(block))
    first <- max(block) + 1
  }
  blocks
}

factor_of <- function(theta) {
  size <- (sqrt(8 * length(theta) + 1) - 1) / 2
  factor <- matrix(0, size, size)
  factor[lower.tri(factor, diag = TRUE)] <- theta
  factor
}

run_from_start <- function(optimizer, task, start, rho) {
  task$par <- start$par
  method <- optimizer_method(optimizer)
  user_set <- intersect(task$given, user_steps[[method]])
  if (!method %in% names(user_steps) || length(user_set) > 0) {
    return(run_optimizer(optimizer, task))
  }
  # Sets the weights that the covariance of the fixed effects is computed from.
  task$fn(start$par)
  at <- lme4_coordinates(start, rho)
  if (is.null(at)) {
    run_optimizer(optimizer, task)
  } else {
    run_in_coordinates(optimizer, method, task, at, start$step)
  }
}

optimizer_method <- function(optimizer) {
  if (is.character(optimizer)) {
    return(optimizer)
  }
  known <- Filter(function(name) {
    identical(optimizer, get0(name, envir = asNamespace("lme4"), mode = "function"))
  }, names(user_steps))
  c(known, "")[[1]]
}

# Optimisers that can be started near the answer, with what a user may have set of their steps and
# tolerances: those are in the parameters' own units, and then so is the optimisation.
user_steps <- list(
  bobyqa = c("rhobeg", "rhoend", "npt"),
  Nelder_Mead = c("xst", "xt", "XtolRel"),
  nloptwrap = c("algorithm", "xtol_rel", "xtol_abs"),
  nlminbwrap = c("x.tol", "xf.tol", "step.min", "step.max")
)

#' Coordinates about a start
#'
#' How far theta may move, and how the fixed effects move with it, is read from the state's Hessian;
#' how far these may move besides, from their covariance in this very model at the start.
#' @noRd
lme4_coordinates <- function(start, rho) {
  n_theta <- length(rho$pp$theta)
  is_theta <- seq_along(start$par) <= n_theta
  is_known <- start$labels[is_theta] %in% names(start$state$theta)
  spread <- ifelse(is_known, 0.1, 0.5) * pmax(abs(start$par[is_theta]), 0.5)
  known <- theta_curvature(start$state, start$labels, is_theta)
  spread[known$at] <- pmin(known$spread, 2 * spread[known$at])
  root <- diag(spread, n_theta)
  if (all(is_theta)) {
    return(new_coordinates(start$par, root))
  }
  fixed_root <- covariance_root(rho$pp$unsc() * residual_variance(rho$resp, rho$pp))
  if (!is.null(fixed_root)) {
    drift <- matrix(0, sum(!is_theta), n_theta)
    drift[known$fixed_at, known$at] <- known$drift
    zeros <- matrix(0, n_theta, sum(!is_theta))
    new_coordinates(start$par, rbind(cbind(root, zeros), cbind(drift %*% root, fixed_root)))
  }
}

# Of those theta that the state's Hessian (of the deviance) knows: where they are, their standard
# errors given each other, and how far the fixed effects move for one unit of them.
theta_curvature <- function(state, labels, is_theta) {
  nothing <- list(at = integer(), spread = numeric(), fixed_at = integer(), drift = numeric())
  names <- state$hessian_names
  hessian <- matrix(state$hessian, length(names))
  at <- which(is_theta & labels %in% names)
  fixed_at <- which(!is_theta & labels %in% names)
  theta <- match(labels[at], names)
  # A model without them in the optimisation has none in its Hessian.
  fixed <- setdiff(seq_along(names), match(names(state$theta), names))
  if (length(theta) == 0) {
    return(nothing)
  }
  tryCatch(
    {
      drift <- -solve(hessian[fixed, fixed, drop = FALSE], hessian[fixed, theta, drop = FALSE])
      profiled <- hessian[theta, theta, drop = FALSE] +
        hessian[theta, fixed, drop = FALSE] %*% drift
      keep <- diag(profiled) > 0
      list(
        at = at[keep], spread = sqrt(2 / diag(profiled)[keep]),
        fixed_at = fixed_at - sum(is_theta),
        drift = drift[match(labels[fixed_at], names[fixed]), keep, drop = FALSE]
      )
    },
    error = function(e) nothing
  )
}

# What unsc() is to be multiplied by. A binomial or Poisson response has none.
residual_variance <- function(resp, pp) {
  scaled <- !inherits(resp, "glmResp") || !resp$family$family %in% c("binomial", "poisson") &&
    !startsWith(resp$family$family, "Negative Binomial")
  if (scaled) (resp$wrss() + pp$sqrL(1)) / length(resp$y) else 1
}

#' The user's optimiser, at work on coordinates
#'
#' Its first steps fit the start; its tolerances are at least as tight, in the parameters' own
#' units, as they would be from a cold start.
#' @noRd
run_in_coordinates <- function(optimizer, method, task, at, step) {
  inner <- task
  inner$fn <- function(z) task$fn(from_coordinates(at, z))
  inner$par <- rep(0, length(task$par))
  inner$lower <- bounds_in_coordinates(at, task$lower)
  inner$upper <- bounds_in_coordinates(at, task$upper)
  if (method == "Nelder_Mead") {
    inner$par <- near_bottom(inner, step)
    step <- near_bottom_end
  }
  inner$control <- control_in_coordinates(method, task$control, at, step, task$par_cold)
  result <- if (method == "nloptwrap") {
    run_in_boxes(optimizer, inner, box_steps * step)
  } else {
    run_optimizer(optimizer, inner)
  }
  result$par <- pmin(pmax(from_coordinates(at, as.vector(result$par)), task$lower), task$upper)
  result
}

# A simplex finds its way slowly: it is set up where a quadratic model sees the bottom.
near_bottom <- function(task, step) {
  task$control <- list(
    rhobeg = max(step, near_bottom_end), rhoend = near_bottom_end, npt = 2 * length(task$par) + 1
  )
  run_optimizer("bobyqa", task)$par
}

near_bottom_end <- 0.01

control_in_coordinates <- function(method, control, at, step, par_cold) {
  reach <- max(at$reach)
  if (method == "bobyqa") {
    # minqa's own, from where it would have started
    end <- control$rhoend %||% (1e-6 * min(0.95, 0.2 * max(abs(par_cold))))
    control$rhobeg <- step
    control$rhoend <- min(end / reach, step)
    control$npt <- 2 * length(at$origin) + 1
  } else if (method == "Nelder_Mead") {
    end <- control$xt %||% (0.02 * 5e-4)
    control$xst <- rep(step, length(at$origin))
    control$xt <- rep(min(end / at$reach), length(at$origin))
  } else if (method == "nloptwrap") {
    control$xtol_abs <- 1e-8 / reach
  }
  control
}

# NLopt takes its first step from how far the bounds are: a quarter of that. An end on the edge of
# a box is the middle of the next, twice as wide; that costs more than too long a first step.
box_steps <- 16

run_in_boxes <- function(optimizer, task, width) {
  lower <- task$lower
  upper <- task$upper
  evaluations <- 0
  repeat {
    task$lower <- pmax(lower, task$par - width)
    task$upper <- pmin(upper, task$par + width)
    result <- run_optimizer(optimizer, task)
    evaluations <- evaluations + result$feval
    at_edge <- result$par <= task$lower & task$lower > lower |
      result$par >= task$upper & task$upper < upper
    if (!any(at_edge) || convergence_code(result) != 0) {
      break
    }
    task$par <- result$par
    width <- 2 * width
  }
  result$feval <- evaluations
  result
}

# For a fit of which lme4 has no derivatives: along each coordinate about the end, does the deviance
# rise to both sides alike?
check_bottom <- function(task, start, result, rho) {
  start$par <- result$par
  at <- lme4_coordinates(start, rho)
  value <- task$fn(result$par)
  if (is.null(at)) stop("there are no coordinates to look around its end in", call. = FALSE)
  falls <- vapply(seq_along(result$par), function(i) {
    beside <- function(step) {
      task$fn(from_coordinates(at, replace(numeric(length(result$par)), i, step)))
    }
    above <- beside(look_aside)
    # A standard deviation has the same deviance below its bound as above.
    below <- if (result$par[[i]] - look_aside * at$root[i, i] < task$lower[[i]]) {
      above
    } else {
      beside(-look_aside)
    }
    sides <- c(below, above) - value
    slope <- diff(sides) / (2 * look_aside)
    fall_below(slope, matrix(sum(sides) / look_aside^2))
  }, 1)
  if (!is_bottom(sum(falls), value, deviance = 2)) {
    stop("its end is not the bottom of its valley", call. = FALSE)
  }
}

look_aside <- 0.05 # standard errors

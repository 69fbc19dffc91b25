# Tests: test-adapter-conform.R.
#
# What adapters of fitters with a vector of starting coefficients share. The state holds
# `coefficients`, by name, 0 where they are not estimable, and `level`, the mean of the linear
# predictor. A store may hold any plain data: what is taken from a state is checked here first.

coefficient_state <- function(fit, offset = NULL) {
  coefficients <- stats::coef(fit)
  coefficients[is.na(coefficients)] <- 0
  predictors <- fit$linear.predictors
  level <- if (is.numeric(predictors)) mean(predictors) - mean(offset %||% 0)
  list(coefficients = coefficients, level = level)
}

#' The numbers of a part of a stored state
#'
#' @param length How many there have to be; NULL for any, but some.
#' @param range Where they have to lie.
#' @param named Have they to have names, each its own?
#' @return The part, a vector of finite numbers; what is none is no seed.
#' @noRd
state_numbers <- function(state, part, length = NULL, range = c(-1e60, 1e60), named = FALSE) {
  value <- if (is.list(state) && !is.object(state)) state[[part]]
  is_whole <- is_bare_numbers(value) && length(value) == (length %||% max(length(value), 1))
  if (!is_whole || any(value < range[[1]] | value > range[[2]])) {
    stop_seed_unfit(paste("its", part, "is not the numbers of such a fit"))
  }
  if (named && (is.null(names(value)) || !has_distinct_names(value))) {
    stop_seed_unfit(paste("its", part, "has no names"))
  }
  value
}

is_bare_numbers <- function(x) {
  is.numeric(x) && !is.object(x) && is.null(dim(x)) && all(is.finite(x))
}

# Each its own, if there are any.
has_distinct_names <- function(x) !anyNA(names(x)) && !anyDuplicated(names(x))

# Where the user has chosen a start, another fit's is none.
check_own_start <- function(call, arguments, relation) {
  if (relation != "exact" && any(arguments %in% names(call))) {
    stop_seed_unfit("the call has starting values of its own")
  }
}

# A model's coefficients from a state. Those it lacks begin at 0, and what the terms that are gone
# added to the linear predictor, on average, goes into the intercept.
adopt_state <- function(state, x, relation) {
  found <- state_numbers(state, "coefficients", named = TRUE)
  terms <- colnames(x)
  at <- match(terms, names(found))
  shared <- !is.na(at)
  if (all(shared) && length(terms) == length(found)) {
    return(unname(found[at]))
  }
  if (relation == "exact") {
    stop_seed_unfit("its coefficients are not those of this model")
  }
  if (!any(shared & terms != "(Intercept)")) {
    stop_seed_unfit("it has no term in common with this model")
  }
  start <- ifelse(shared, found[at], 0)
  intercept <- terms == "(Intercept)"
  if (any(intercept) && is_number(state$level)) {
    start[intercept] <- start[intercept] + state$level - sum(colMeans(x) * start)
  }
  unname(start)
}

#' Does a cold fit come to its end?
#'
#' From a start, a fitter may converge where a cold one stops at a limit or fails. Of many rows, a
#' cold fit to a thousand of them tells. Few rows are fitted about as soon from a cold start: there
#' a fit starts from its own interrupted run alone.
#' @param n How many rows there are.
#' @param fit A function of the numbers of some: a cold fit to these.
#' @return What it gives. Where it warns or fails, the state is no seed.
#' @noRd
try_cold_fit <- function(n, fit) {
  if (n < 1e4) {
    stop_seed_unfit("so few rows are fitted about as soon from a cold start")
  }
  give_up <- function(condition) {
    stop_seed_unfit("a cold fit to some of the rows does not come to its end")
  }
  tryCatch(suppressMessages(fit(thousand_of(n))), warning = give_up, error = give_up)
}

# The numbers of all rows, or of a thousand, which tell what would take too long of all.
thousand_of <- function(n) if (n > 1000) round(seq(1, n, length.out = 1000)) else seq_len(n)

# Mixed models -----------------------------------------------------------------------------------

# What the adapters of mixed models share: a state's parameters, and how another model takes them.

# Each a vector of finite numbers, which may have names, each its own.
check_numbers <- function(state, parts, package) {
  if (!is.list(state) || is.object(state) || !all(parts %in% names(state))) {
    stop_seed_unfit(paste("it is not the state of a fit by", package))
  }
  for (part in parts) {
    if (!are_parameters(state[[part]])) {
      stop_seed_unfit(paste("its", part, "is not all finite numbers with names of their own"))
    }
  }
}

are_parameters <- function(x) {
  is_bare_numbers(x) && all(abs(x) < 1e60) && has_distinct_names(x)
}

# Values by name, as far as there are any: of the very same fit, all.
adopt_by_name <- function(values, otherwise, labels, exact) {
  if (is.null(labels) || is.null(names(values))) {
    if (length(values) != length(otherwise)) {
      stop_seed_unfit("its parameters are not those of this model")
    }
    return(list(values = unname(values), shared = rep(TRUE, length(values))))
  }
  at <- match(labels, names(values))
  shared <- !is.na(at)
  if (exact && !all(shared)) {
    stop_seed_unfit("its parameters are not those of this model")
  }
  otherwise[shared] <- values[at[shared]]
  list(values = otherwise, shared = shared)
}

#' How far below a point the bottom is, by the quadratic that the objective is there
#'
#' @param gradient,hessian Of the objective.
#' @return By how much one Newton step would lower the objective. Infinite where the point is
#'   curved downwards; a direction in which it is all but flat counts with the least curvature that
#'   is told from none.
#' @noRd
fall_below <- function(gradient, hessian) {
  size <- sqrt(pmax(abs(diag(hessian)), .Machine$double.eps))
  if (!all(is.finite(hessian)) || !all(is.finite(gradient))) {
    return(Inf)
  }
  directions <- eigen(hessian / outer(size, size), symmetric = TRUE)
  if (any(directions$values < -least_curvature)) {
    return(Inf)
  }
  along <- drop(crossprod(directions$vectors, gradient / size))
  sum(along^2 / pmax(directions$values, least_curvature)) / 2
}

# In the parameters' own scales; a Hessian by differences is no better.
least_curvature <- 1e-4

# Is a point the optimum, for all that can be told by its derivatives? Within a tenth of what two
# ends may be apart, and of half the square of a hundredth of a standard error, where the objective
# is `deviance` times the negative log-likelihood.
is_bottom <- function(fall, value, deviance = 1) {
  fall <= min(0.1 * end_tolerance * max(abs(value), 1), deviance * 0.5e-4)
}

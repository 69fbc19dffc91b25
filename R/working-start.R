# A seed goes through its working model before mgcv begins: a term that other rows smoothed away is
# then where these rows want it, a term that is new has a place, and the outer iteration has a step
# or two left. mgcv's score is not quite the working model's: where a fit starts is decided here,
# and nothing else.

#' Bring a start to the optimum of the working model
#'
#' @param view From `working_view()`; NULL where there is no such model.
#' @param sp Smoothing parameters to begin with.
#' @param initial Those that mgcv would begin with.
#' @return `in_out` and `coefficients`; NULL where there is no such model, or where the iteration
#'   fails. Parameters of its own are put into the family.
#' @noRd
settle_start <- function(view, sp, initial = sp) {
  if (!is.null(view)) {
    or_null(suppressWarnings(settle(view, sp, initial)))
  }
}

or_null <- function(value) tryCatch(value, error = function(e) NULL)

settle <- function(view, sp, initial) {
  begun <- unique(list(log(sp), log(initial)))
  view$approach(penalty_at(view$setup, begun[[1]]))
  found <- settle_from(view, begun[[1]])
  go_back <- view$keep()
  for (place in other_optima(view, found, begun, log(initial))) {
    other <- or_null(settle_from(view, place))
    if (isTRUE(other$value < found$value - max(other$value_error, found$value_error))) {
      found <- other
      go_back <- view$keep()
    }
  }
  go_back()
  list(
    in_out = list(sp = exp(found$lsp), scale = view$scale() %||% found$score$scale),
    coefficients = view$coefficients()
  )
}

penalty_at <- function(setup, lsp) add_penalties(setup, exp(each_log_sp(setup, lsp)))

# The optimum that log smoothing parameters lead to: the working model there and its `score`; `lsp`,
# from where mgcv would not leave it; the `value` of the model's own score, and its `value_error`.
settle_from <- function(view, lsp) {
  is_repeat <- FALSE
  for (pass in seq_len(working_passes)) {
    # The first weights may be those of the data alone.
    informed <- view$informed()
    model <- working_model(view$setup, view$squares(), view$scale())
    tolerance <- view$setup$tolerance * model$n / 16
    score <- optimise_working(model, lsp, tolerance, if (informed) working_steps else 0)
    moved <- view$move(score, penalty_at(view$setup, score$lsp))
    if (view$exact || is_repeat && max(abs(score$lsp - lsp), moved) < settled) break
    is_repeat <- informed
    lsp <- score$lsp
  }
  found <- list(model = model, score = score, tolerance = tolerance)
  c(found, take_place(view, found))
}

# `follow()` where it is worth it.
take_place <- function(view, found) {
  of_mgcv <- view$setup$tolerance * view$size()
  lsp <- keep_slope(found$score, of_mgcv)
  go_back <- view$keep()
  followed <- if (is_worth_following(view)) or_null(follow(view, lsp, found$tolerance))
  if (is.null(followed)) go_back()
  list(
    lsp = followed$lsp %||% lsp, value = or_null(view$value(followed %||% found$score)),
    value_error = if (is.null(followed)) max(found$tolerance, view$value_error) else of_mgcv
  )
}

# At the optimum of the working model a likelihood has a slope of some 0.05, of any number of rows:
# of many, that is below mgcv's tolerance.
is_worth_following <- function(view) {
  by_likelihood <- view$setup$criterion %in% c("REML", "ML") && !view$exact
  by_likelihood && view$setup$tolerance * view$size() < 0.003
}

# From there to the score's own optimum: in one pass, or in some where the family has parameters of
# its own, in which the score is steep.
follow <- function(view, lsp, tolerance) {
  for (pass in seq_len(following_passes)) {
    model <- working_model(view$setup, view$squares(observed = TRUE), view$scale())
    model <- drifting(model, lsp, view$follow)
    score <- optimise_working(model, lsp, tolerance, working_steps)
    moved <- view$move(score, penalty_at(view$setup, score$lsp), model$drift$own)
    lsp <- score$lsp
    if (length(model$drift$own) == 0 || moved < settled / 10) break
  }
  score
}

following_passes <- 4
working_passes <- 8
# In the log smoothing parameters, and those that the family has.
settled <- 0.01

# Where else the score may have its optimum, in log smoothing parameters: what the working model
# finds not much worse is for the score itself to judge.
other_optima <- function(view, found, begun, initial) {
  known <- list(found$score)
  worst <- found$score$score + view$error
  is_new <- function(at) {
    isTRUE(at$score < worst) &&
      all(vapply(known, function(optimum) max(abs(optimum$edf - at$edf)) > same_edf, NA))
  }
  for (place in places_elsewhere(view, found, begun, initial, worst)) {
    at <- list(lsp = place)
    # Most lead to what is known, which shows before they are there.
    for (tolerance in c(100, 1) * found$tolerance) {
      at <- or_null(optimise_working(found$model, at$lsp, tolerance, working_steps))
      if (!is_new(at)) break
    }
    if (is_new(at)) known <- c(known, list(at))
  }
  lapply(known[-1], function(optimum) optimum$lsp)
}

#' Where to begin, to find other optima
#'
#' The score may have several. On other rows an eigenvector's penalty, as the null space of a factor
#' smooth has, may be another one's, and the seed lead to an optimum that is none of these rows'; so
#' mgcv's own start is followed as well. From a plateau nothing leads back: what was smoothed away,
#' with weights that were still some way off, is tried where it began. And a term that is not may be
#' better off with nothing but its penalty's null space; or, by cross-validation, with very much.
#' @noRd
places_elsewhere <- function(view, found, begun, initial, worst) {
  model <- found$model
  lsp <- found$score$lsp
  is_away <- lsp - initial > plateau
  beside <- function(terms, shift) lapply(terms, function(i) replace(lsp, i, initial[[i]] + shift))
  is_promising <- function(place) {
    isTRUE(or_null(working_score(model, place))$score < worst + 1)
  }
  from <- if (model$criterion %in% prediction_criteria) begun else begun[1]
  unique(c(
    if (any(is_away)) lapply(from, function(place) ifelse(is_away, place, lsp)),
    begun[-1],
    Filter(is_promising, beside(which(!is_away), smoothed_away)),
    if (view$setup$cross_validates) beside(seq_along(initial), -roughened)
  ))
}

# From mgcv's initial log smoothing parameter.
smoothed_away <- 12
roughened <- 6
same_edf <- 0.01

# Where a term is smoothed away, slope and curvature fade together, and mgcv takes for converged
# what is below its tolerance. Such a term is left the few degrees of freedom with which its slope
# is just above it: one that mgcv's score wants back, and the working model's does not, is still
# heard, and one that it does not is a step from where mgcv would leave it. Where not even
# sqrt(tolerance) / 10 degrees have such a slope, the score would not be brought down, and the term
# stays.
keep_slope <- function(score, tolerance) {
  lsp <- score$lsp
  retreat <- sqrt(tolerance) / 10 / score$edf
  back <- score$edf > 0 & retreat > 1 & -score$gradient * retreat > 2 * tolerance
  retreat <- pmin(retreat, 1.5 * tolerance / -score$gradient)
  back <- back & retreat > 1
  lsp[back] <- lsp[back] - log(retreat[back])
  lsp
}

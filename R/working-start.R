# A seed goes through its working model before mgcv begins: a term that other rows smoothed away is
# then where these rows want it, a term that is new has a place, and the outer iteration has a step
# or two left. mgcv's score is not quite the working model's: where a fit starts is decided here,
# and nothing else.

#' Bring a start to the optimum of the working model
#'
#' @param view From `working_view()`; NULL where there is no such model.
#' @param sp Smoothing parameters to begin with.
#' @param initial Those that mgcv would begin with.
#' @return `in_out` and `coefficients`; NULL where there is no such model, where the iteration
#'   fails, or where two optima are too close to tell which is lower. Parameters of its own are put
#'   into the family.
#' @noRd
settle_start <- function(view, sp, initial) {
  if (!is.null(view)) {
    go_back <- view$keep()
    found <- or_null(suppressWarnings(settle(view, sp, initial)))
    if (is.null(found)) go_back()
    found
  }
}

or_null <- function(value) tryCatch(value, error = function(e) NULL)

settle <- function(view, sp, initial) {
  view$approach(penalty_at(view$setup, log(sp)))
  first <- settle_from(view, log(sp))
  others <- lapply(other_optima(view, first, log(sp), log(initial)), function(place) {
    or_null(settle_from(view, place))
  })
  found <- lowest(c(list(first), Filter(function(end) isTRUE(is.finite(end$value)), others)))
  if (!is.null(found)) {
    found$go_back()
    list(
      in_out = list(sp = exp(found$lsp), scale = view$scale() %||% found$score$scale),
      coefficients = view$coefficients()
    )
  }
}

# NULL where it is in doubt which of them it is, and that makes a difference.
lowest <- function(ends) {
  if (length(ends) == 1) {
    return(ends[[1]])
  }
  values <- vapply(ends, function(end) end$value, 1)
  best <- ends[[which.min(values)]]
  is_rival <- vapply(ends, function(end) {
    end$value < best$value + max(end$value_error, best$value_error) &&
      max(abs(end$edf - best$edf)) > same_fit
  }, NA)
  if (!any(is_rival)) best
}

# Degrees of freedom.
same_fit <- 0.05

penalty_at <- function(setup, lsp) {
  add_penalties(setup, weigh_penalties(setup, each_log_sp(setup, lsp)))
}

# The optimum that log smoothing parameters lead to: the working model there and its `score`; `lsp`,
# from where mgcv would not leave it; the `value` of the model's own score, and its `value_error`.
settle_from <- function(view, lsp) {
  on_the_way <- is_worth_following(view) && !view$has_own
  enough <- if (on_the_way) nearly_settled else settled
  is_repeat <- FALSE
  for (pass in seq_len(working_passes)) {
    # The first weights may be those of the data alone.
    informed <- view$informed()
    model <- working_model(view$setup, view$squares(), view$scale())
    tolerance <- view$setup$tolerance * model$n / 16
    steps <- if (view$exact) working_steps else if (informed) pass_steps else 0
    score <- optimise_working(model, lsp, tolerance, steps)
    moved <- view$move(score, penalty_at(view$setup, score$lsp))
    if (view$exact || is_repeat && max(change(score, lsp), moved) < enough) break
    if (pass == working_passes) stop("no optimum of the working model")
    is_repeat <- informed
    lsp <- score$lsp
  }
  found <- list(model = model, score = score, tolerance = tolerance)
  c(found, take_place(view, found), go_back = view$keep())
}

# `follow()` where it is worth it.
take_place <- function(view, found) {
  go_back <- view$keep()
  followed <- if (is_worth_following(view)) or_null(follow(view, found))
  if (is.null(followed)) go_back()
  score <- followed %||% found$score
  list(
    lsp = followed$lsp %||% keep_slope(score, view$setup$tolerance * view$size()),
    edf = score$edf, value = or_null(view$value(score)) %||% NA,
    value_error = max(found$tolerance, view$value_error)
  )
}

# At the optimum of the working model a likelihood has a slope of some 0.05, of any number of rows:
# of many, that is below mgcv's tolerance.
is_worth_following <- function(view) {
  by_likelihood <- view$setup$criterion %in% c("REML", "ML") && !view$exact
  by_likelihood && view$setup$tolerance * view$size() < 0.003
}

# From there to the score's own optimum. A term that the working model smooths away begins where it
# has a little left, so that the score is heard where that wants more.
follow <- function(view, found) {
  lsp <- found$score$lsp - log(pmax(heard / found$score$edf, 1))
  for (pass in seq_len(following_passes)) {
    model <- working_model(view$setup, view$squares(observed = TRUE), view$scale())
    model <- drifting(model, lsp, view$follow)
    score <- optimise_working(model, lsp, found$tolerance, working_steps)
    moved <- view$move(score, penalty_at(view$setup, score$lsp), model$drift$own)
    # The score is steep in the family's own parameters.
    own <- length(model$drift$own) > 0
    if (change(score, lsp) < 0.1 && (!own || moved < settled)) break
    lsp <- score$lsp
  }
  score
}

# In log smoothing parameters; how far a term is smoothed away makes no difference.
change <- function(score, lsp) max(abs(score$lsp - lsp) * pmin(score$edf, 1))

heard <- 0.05 # degrees of freedom
following_passes <- 4
working_passes <- 16
# The weights move meanwhile.
pass_steps <- 5
# In log smoothing parameters, and in standard errors of those that the family has: where it is the
# working model's optimum that is sought, and where that is but on the way. With parameters of the
# family's own always the former: on weak data they may never come to rest, and it is then that
# nothing is known of where the score has its optimum.
settled <- 0.01
nearly_settled <- 0.1

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
#' with weights that were still some way off, is tried where it began. A term that is not may be
#' better off with nothing but its penalty's null space, and all of them with very much more.
#' @noRd
places_elsewhere <- function(view, found, begun, initial, worst) {
  lsp <- found$score$lsp
  is_away <- lsp - initial > plateau
  beside <- function(terms, shift) lapply(terms, function(i) replace(lsp, i, initial[[i]] + shift))
  is_promising <- function(place) {
    isTRUE(or_null(working_score(found$model, place))$score < worst + 1)
  }
  starts <- unique(list(begun, initial))
  unique(c(
    if (any(is_away)) lapply(starts, function(place) ifelse(is_away, place, lsp)),
    starts[-1],
    beside(which(is_away), 0),
    Filter(is_promising, beside(which(!is_away), smoothed_away)),
    list(initial - roughened)
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

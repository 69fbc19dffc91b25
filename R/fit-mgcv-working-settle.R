# Tests: test-fit-mgcv-working.R.
#
# Where a fit starts that does not begin cold: at the optimum of its working model to which mgcv's
# own start leads, so that the outer iteration has a step or two left. What is stored of other fits
# has to lead there as well, and decides nothing else.

#' Bring a start to the optimum of the working model
#'
#' To the one that mgcv's own smoothing parameters lead to, since a cold fit goes there.
#' @param view From `working_view()`; NULL where there is no such model.
#' @param initial The smoothing parameters that mgcv would begin with.
#' @param seed Those of another fit.
#' @return `in_out` and `coefficients`; NULL where there is no such model, where the iteration
#'   fails, or where it is in doubt where a cold fit would end. Parameters of its own are put into
#'   the family.
#' @noRd
settle_start <- function(view, initial, seed = initial) {
  if (!is.null(view)) {
    go_back <- view$keep()
    found <- or_null(suppressWarnings(settle(view, log(initial), log(seed))))
    if (is.null(found)) go_back()
    found
  }
}

or_null <- function(value) tryCatch(value, error = function(e) NULL)

settle <- function(view, initial, seed) {
  view$approach(penalty_at(view$setup, initial))
  found <- settle_from(view, initial)
  if (has_enough_rows(found$model) && is_only_optimum(view, found, initial, seed)) {
    lsp <- take_place(view, found)
    list(
      in_out = list(sp = exp(lsp), scale = view$scale() %||% found$score$scale),
      coefficients = view$coefficients()
    )
  }
}

# Of few rows, or where few of them tell anything, as where they are separated, the weights move so
# far with the smoothing parameters that the working model does not know the score; and of least
# squares there may be a second optimum on the way.
has_enough_rows <- function(model) {
  model$effective >= rows_a_coefficient * length(model$xz)
}

rows_a_coefficient <- 10

penalty_at <- function(setup, lsp) {
  add_penalties(setup, weigh_penalties(setup, each_log_sp(setup, lsp)))
}

# The optimum that log smoothing parameters lead to: the working model there, its `score`, and the
# `tolerance` of its slope.
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
  list(model = model, score = score, tolerance = tolerance)
}

# In log smoothing parameters; `follow()` where it is worth it.
take_place <- function(view, found) {
  go_back <- view$keep()
  followed <- if (is_worth_following(view)) or_null(follow(view, found))
  if (is.null(followed)) go_back()
  followed$lsp %||% found$score$lsp
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

# Do other places lead to the same optimum? A score that has several is not followed: which of them
# a cold fit ends in may hang on a step. Of least squares, where the way from mgcv's own start is
# known, only the seed has to lead there; but a factor smooth has an optimum for each order of its
# null space's penalties.
is_only_optimum <- function(view, found, initial, seed) {
  knows_way <- view$exact && !any(vapply(view$setup$smooth, is_factor_smooth, NA))
  places <- if (!knows_way) places_elsewhere(found$score$lsp, initial)
  for (place in unique(c(list(seed, initial), places))) {
    end <- or_null(optimum_from(found, place))
    if (!is.null(end) && max(abs(end$edf - found$score$edf)) > same_edf) {
      return(FALSE)
    }
  }
  TRUE
}

# The working model's, with the weights as they are. A term that was smoothed away, and is wanted,
# goes on from where it is heard.
optimum_from <- function(found, lsp) {
  for (round in 1:3) {
    end <- optimise_working(found$model, lsp, found$tolerance, working_steps)
    is_stuck <- end$edf < heard & end$gradient > 0
    if (!any(is_stuck)) break
    lsp <- end$lsp - ifelse(is_stuck, log(heard / end$edf), 0)
  }
  end
}

# Where to begin, to find other optima: a term that is smoothed away may be wanted, and one that is
# not may be better off with nothing but its penalty's null space, and all of them with very much
# more. From a plateau nothing leads back.
places_elsewhere <- function(lsp, initial) {
  is_away <- lsp - initial > plateau
  beside <- function(terms, shift) lapply(terms, function(i) replace(lsp, i, initial[[i]] + shift))
  c(
    if (any(is_away)) list(ifelse(is_away, initial, lsp)),
    beside(which(is_away), 0), beside(which(!is_away), smoothed_away), list(initial - roughened)
  )
}

# From mgcv's initial log smoothing parameter.
smoothed_away <- 12
roughened <- 6
same_edf <- 0.05

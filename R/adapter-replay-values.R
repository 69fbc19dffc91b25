# Tests: test-opt-stats.R.
#
# Going on with an interrupted optimisation exactly where it was.
#
# Where an optimiser goes is decided by the values that it is told. So an interrupted one is run
# again from its own beginning, and told at once what it was told before. When these values are used
# up it is where it was, with all that it had learned and with what is left of its limits, and it
# ends where the uncut one does.

#' What a function was asked and has answered, in order
#'
#' @param known An earlier log, a list of `values`, one after the other, and `points`: a number for
#'   each point, from which it is told whether the optimiser asks for the same point again. Where
#'   it does not, such as with another version of it, what comes after is evaluated.
#' @return A list of `watch(fn)`, which gives `fn` with the answers that are known; `log()`, a log
#'   of all answers so far; and `is_used()`, was one of them taken from `known`?
#' @noRd
new_replay <- function(known = list()) {
  values <- as.double(known$values)
  points <- as.double(known$points)
  n_known <- length(points)
  width <- if (n_known > 0) length(values) / n_known else 1
  asked <- 0
  used <- FALSE
  watch <- function(fn) {
    force(fn)
    function(par) {
      asked <<- asked + 1
      point <- number_of_point(par)
      if (asked <= n_known && identical(points[[asked]], point)) {
        used <<- TRUE
        return(values[(asked - 1) * width + seq_len(width)])
      }
      n_known <<- 0
      value <- fn(par)
      width <<- length(value)
      points[[asked]] <<- point
      values[(asked - 1) * width + seq_len(width)] <<- value
      value
    }
  }
  list(
    watch = watch, is_used = function() used,
    log = function() {
      list(values = utils::head(values, asked * width), points = utils::head(points, asked))
    }
  )
}

# Equal for two points only if these are equal to the last bit, or by an unlikely chance.
number_of_point <- function(par) sum(par * sqrt(seq_along(par) + 1))

log_of <- function(replay) if (is.null(replay)) list() else replay$log()

# A log that was kept may be anybody's: of `width` numbers for each point.
check_log <- function(log, width = 1) {
  whole <- is.list(log) && is.double(log$values) && is.double(log$points) &&
    length(log$values) == width * length(log$points)
  if (!whole) stop_seed_unfit("the log of its run is not whole")
}

# So may its values be, of which the lowest is the fit's objective.
check_replayed <- function(replay, told, value) {
  used <- !is.null(replay) && replay$is_used()
  if (used && !isTRUE(abs(told - value) <= end_tolerance * max(abs(value), 1))) {
    stop_seed_unfit("the log of its run is not of this model")
  }
}

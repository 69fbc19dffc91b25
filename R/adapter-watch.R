# Tests: test-warm-progress.R.
#
# Watching an objective while an optimiser works on it.

# For each evaluation: what `report` has for its progress line's clock. Outside warm(), nothing.
tick_of <- function(report) attr(report, "tick") %||% function() NULL

#' A watch over the evaluations of one fit, which may take several stages
#'
#' Only a value below all those before it in its stage is reported: for the rest, an evaluation
#' costs a comparison more.
#' @return `function(fn, state_of, compares)`: the objective `fn`, watched. `state_of` makes a
#'   state of its argument; where a stage minimises something else than the fit does in the end,
#'   `compares` is FALSE and its values are reported as absent.
#' @noRd
new_watch <- function(report) {
  tick <- tick_of(report)
  evaluations <- 0
  function(fn, state_of, compares = TRUE) {
    force(fn)
    best <- Inf
    function(par) {
      value <- fn(par)
      evaluations <<- evaluations + 1
      tick()
      if (isTRUE(value < best)) {
        best <<- value
        report(state_of(par), if (compares) as.vector(value) else NA_real_, evaluations)
      }
      value
    }
  }
}

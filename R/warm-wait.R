# Another process may be at the very fit that is asked for. It is seen by its run, of which it holds
# the lock: from its first checkpoint on, or, where it was called with `wait = TRUE`, from its
# beginning. Such a call puts a mark into the store, a checkpoint without a state, and then looks
# for others: it is behind those that have iterates, and behind older marks. So of several that
# begin in one moment one fits, and where that dies the next goes on from what it has left.

# The runs that other processes are at.
live_twins <- function(store, session) {
  runs <- list_runs(store, session_key(session))
  is_own <- startsWith(runs$run_id, process_of(session_run_id(session)))
  lapply(runs, `[`, runs$state == "running" & !is_own)
}

# The host and the process that a run id begins with: who waits for oneself waits for ever.
process_of <- function(run_id) sub("[^-]*-[^-]*$", "", run_id)

announce_twin <- function(store, session) {
  twin <- live_twins(store, session)
  if (length(twin$key) > 0) {
    inform(paste0(
      "Another process is at this fit", twin_text(twin), ": it is fitted here, too. ",
      "`wait = TRUE` would wait for it."
    ))
  }
}

twin_text <- function(twin) {
  at <- max(c(-1, twin$iteration), na.rm = TRUE)
  if (at >= 0) paste0(", at iteration ", format(at, scientific = FALSE))
}

#' Waits until it is this process's turn, or another one has finished the fit
#'
#' @return What find_finished() gives where another one has; else NULL: this one is to fit.
#' @noRd
wait_for_twin <- function(request, store, session, name) {
  or_nothing(session_checkpoint(session, list()))
  Sys.sleep(mark_shows)
  began <- proc.time()[["elapsed"]]
  waited <- function() proc.time()[["elapsed"]] - began
  progress <- NULL
  on.exit(if (!is.null(progress)) progress$done())
  while (length((twin <- twins_ahead(store, session))$key) > 0) {
    if (is.null(progress)) {
      inform(paste0("Waiting for another process, which is at this fit", twin_text(twin), "."))
      expected <- function() expected_iterations(request, session, cold_start())
      progress <- new_progress(cold_start(), expected, waited)
    }
    best <- which.max(twin$iteration)
    if (length(best) == 1) {
      progress$tell(twin$iteration[[best]], twin$objective[[best]], waited(), TRUE)
    }
    Sys.sleep(wait_interval)
  }
  finished <- or_nothing(find_finished(request, store, name))
  if (!is.null(finished$fit)) {
    return(finished)
  }
  if (!is.null(progress)) {
    inform("The other process has ended without a result: it is fitted here.")
  }
  NULL
}

mark_shows <- 0.05 # seconds; until others see it in the directory of a disk
wait_interval <- 0.2 # seconds

twins_ahead <- function(store, session) {
  twin <- live_twins(store, session)
  own <- list_run(store, session_key(session), session_run_id(session))
  has_begun <- !is.na(twin$iteration) | !is.na(twin$objective)
  is_older <- if (length(own$written) == 1) {
    twin$written < own$written | twin$written == own$written & twin$run_id < own$run_id
  } else {
    TRUE
  }
  lapply(twin, `[`, has_begun | is_older)
}

# Leaves nothing of the mark.
withdraw <- function(store, session) {
  key <- session_key(session)
  run_id <- session_run_id(session)
  session_close(session)
  or_nothing(store_delete(store, key, run_id))
}

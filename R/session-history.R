#' How a fit came to where it is
#'
#' The iterates of a fit, of all its runs: those before a crash and those after it. Kept with the
#' fit's state on disk, so that it survives with that.
#'
#' @section What if R is killed?:
#' The history goes to the disk with each checkpoint that is written, and includes what was
#' refused before it. What was offered after the last one written is lost.
#'
#' @section How big does it get?:
#' At most 64 iterates, 1544 bytes. Of a longer fit every second, fourth, eighth ... is kept, evenly
#' spaced, and besides these the first, the best and the last.
#'
#' @param x A [warm_session()], a fit that [warm()] returned or its [warm_info()], or a
#'   [warm_store()] or the path of one.
#' @param key With a store, the fit's [fingerprint()], or its 32 hex digits; otherwise NULL, the
#'   default.
#' @return A data frame of class `warm_history`, a row an iterate, without rows where nothing is
#'   known: `iteration` and `objective` (NA where absent), `seconds` (of fitting until then, all
#'   runs together; the time between runs does not count), `written` (did this iterate go to the
#'   disk?) and `run` (1, 2, ...: a run goes on where the one before was cut, or is a new attempt).
#'
#'   With a store, that of the run under `key` that wrote last; the same with a closed session. A
#'   fit carries its own history, and needs no store for it.
#' @section Errors: `warmstart_error_argument` names a bad argument.
#' @seealso [plot.warm_history()], [warm_session()], [warm_info()]
#' @examples
#' store <- warm_store(tempfile("store"))
#' session <- warm_session(store, fingerprint("a fit"), label = "halving")
#' for (i in 1:20) session_checkpoint(session, raw(10), objective = 2^-i, iteration = i)
#' session_history(session)
#' plot(session_history(session), log = "y")
#' session_close(session)
#' @export
session_history <- function(x, key = NULL) {
  if (missing(x)) stop_argument("x", "is missing: give a session, a fit, or a store with a key.")
  if (is_string(x) && !is.null(key)) x <- as_store(x, "x")
  if (inherits(x, "warm_store")) {
    if (is.null(key)) {
      stop_argument("key", "must be the key of a fit in this store.")
    }
    return(new_history(.Call(C_store_history, x, key)))
  }
  if (!is.null(key)) {
    stop_argument("key", "goes with a store only.")
  }
  if (!inherits(x, "warm_session")) {
    return(history_of_fit(x))
  }
  new_history(if (.Call(C_session_is_closed, x)) {
    .Call(C_store_history, session_store(x), session_key(x))
  } else {
    .Call(C_session_history, x)
  })
}

history_of_fit <- function(fit) {
  info <- if (inherits(fit, "warm_info")) fit else known_info(fit)
  if (is.null(info)) {
    stop_argument("x", paste(
      "must be a session, a fit that `warm()` returned, or a store and `key` that of a fit in it."
    ))
  }
  info$history %||% new_history(NULL)
}

new_history <- function(columns) {
  columns <- columns %||% list(
    iteration = numeric(), objective = numeric(), seconds = numeric(), written = logical(),
    run = integer()
  )
  # As data.frame() makes one, which would take longer than all else around a finished fit.
  structure(
    columns[history_columns],
    class = c("warm_history", "data.frame"), row.names = .set_row_names(length(columns$run)),
    label = columns$label
  )
}
history_columns <- c("iteration", "objective", "seconds", "written", "run")

# An attempt of warm() at a fit. One that resumes goes on with the history of what it resumes.
begin_attempt <- function(session, start) {
  or_nothing(.Call(C_session_attempt, session, if (start$interrupted) start$entry$run_id))
}

#' @export
format.warm_history <- function(x, ..., n = 10) {
  if (nrow(x) == 0) {
    return("<warm_history> no iterates")
  }
  shown <- unique(c(utils::head(seq_len(nrow(x)), ceiling(n / 2)), utils::tail(
    seq_len(nrow(x)), floor(n / 2)
  )))
  gap <- if (length(shown) < nrow(x)) which(diff(shown) > 1)
  table <- as.data.frame(x)[shown, ]
  table$seconds <- format(signif(table$seconds, 3), scientific = FALSE)
  rows <- utils::capture.output(print(table, row.names = FALSE, digits = 8))
  left_out <- nrow(x) - length(shown)
  c(
    history_head(x),
    append(
      rows,
      if (left_out > 0) paste0("  ... ", left_out, " more"),
      after = 1 + (gap %||% 0)
    )
  )
}

history_head <- function(x) {
  best <- which.min(x$objective)
  head <- paste0(
    "<warm_history>", if (!is.null(attr(x, "label"))) paste0(" ", format_text(attr(x, "label")))
  )
  facts <- paste0(
    counted(nrow(x), "iterate"), " in ", counted(length(unique(x$run)), "run"), ", ",
    spell_seconds(max(x$seconds)), " of fitting",
    if (length(best) > 0) {
      paste0("; best objective ", format(x$objective[[best]], digits = 8), place_of(x, best))
    }, "."
  )
  wrap_text(c(head, facts))
}

place_of <- function(x, row) {
  if (!is.na(x$iteration[[row]])) {
    paste(" at iteration", format(x$iteration[[row]], scientific = FALSE))
  }
}

#' @export
print.warm_history <- function(x, ..., n = 10) {
  cat(format(x, n = n), sep = "\n")
  invisible(x)
}

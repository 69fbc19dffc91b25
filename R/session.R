#' A session: keep a running fit's state
#'
#' One run of a fit, tied to one key. Load what there is to start from, offer a checkpoint
#' as often as you like, finalize at the end.
#'
#' @section When is a checkpoint written?:
#' When its objective improves on this run's best by more than 1e-12 (the first finite one
#' does), at once; otherwise when 2 s have passed since the last write. A later, worse state
#' never replaces a better one on disk. Data is synced to the disk with the first
#' checkpoint; then with each that comes a hundred times as long after the last sync as that took
#' (at least 0.1 s, at most 2 s), so for less than 1 % of the time; and by `session_finalize()`.
#'
#' @section What if the disk does not answer?:
#' No checkpoint waits for a sync for more than a second. One that takes longer goes on by itself,
#' and the next ones are not waited for at all, until one was quick again. What that costs: until
#' such a sync has ended, a power loss takes what was written since the last one that had (the
#' process may be killed, and loses nothing that was reported as written); `session_status()` says
#' so. While it goes on one more checkpoint is written and further ones are refused, for half a
#' minute at most: they would take the place of what is being synced.
#'
#' On a network's file system the server is asked, once a second at most, whether it is there. While
#' it does not answer within a second nothing is written: `session_checkpoint()` and
#' `session_finalize()` return FALSE with the reason, and lookups find nothing. A server that goes
#' between that answer and the next call, and the making or replacing of a run's file on a slow disk
#' of this machine, are waited for.
#'
#' @section What if R is killed?:
#' The next session on the same key loads the best checkpoint that was reported as written.
#'
#' @section What if the disk fails?:
#' `session_checkpoint()` and `session_finalize()` return FALSE, `session_status()` says
#' why, and there is one warning a session. The fit goes on, and the next checkpoint tries
#' again. Where its open file does not work any more though the store does, as after a mount came
#' back, the session goes on in another one, under a new run id.
#'
#' @section How big does it get?:
#' The file of a live or interrupted run has three times the room of its largest checkpoint, in
#' blocks of 4 KiB; that of a finished run is as large as its payload and some 2 KB.
#'
#' @section Several processes?:
#' Any number of sessions may have one key. Each writes its own file and loads the best of all; the
#' last to finalize supersedes what those before it have finalized. A
#' session in a forked child, one read by `readRDS()`, or one sent to a worker goes on as
#' a run of its own.
#'
#' @param store A [warm_store()], or the path of one.
#' @param key A [fingerprint()], or its 32 hex digits.
#' @param label A short text for people, at most 143 bytes of UTF-8; NULL, the default, for none.
#' @param session A `warm_session`.
#' @param entry An entry of another fit, to start from, as [store_lookup()] returns it: the next
#'   `session_load()` returns it, once, ahead of the store. NULL withdraws it.
#' @param payload A raw vector, kept byte for byte, or any R object.
#' @param objective The number being minimised; NA, the default, NaN and infinite values count as
#'   absent.
#' @param iteration A whole number from 0 to 2^53, or NA, the default.
#' @return `warm_session()`: an object of class `warm_session`. `session_load()` and
#'   `session_peek()`: an entry (see [store_lookup()]) with `source`, `"exact"` or
#'   `"preloaded"`, or NULL; peeking does not consume a preloaded one.
#'   `session_checkpoint()`, `session_finalize()`: TRUE where it was written.
#'   `session_status()`: a list of class `warm_session_status` with `run_id`, `state`
#'   (empty, running, finished or closed), `written`, `refused`, `failed` (counts),
#'   `objective` (best of this run), `last_write` (POSIXct), `reason` (why the last write
#'   failed, or NA), `syncing` (TRUE where a sync takes so long that it goes on by itself).
#' @section Errors: `warmstart_error_argument` names a bad argument, or a session that was closed.
#' @seealso [session_history()] for the iterates that it was offered; [warm()], which does all of
#'   this for a model call.
#' @examples
#' store <- warm_store(tempfile("store"))
#' session <- warm_session(store, fingerprint("banana"), label = "banana function")
#' best <- session_load(session)$payload
#' fn <- function(x) 100 * (x[2] - x[1]^2)^2 + (1 - x[1])^2
#' fit <- optim(if (is.null(best)) c(-1.2, 1) else best, function(x) {
#'   value <- fn(x)
#'   session_checkpoint(session, x, objective = value)
#'   value
#' })
#' session_finalize(session, fit$par, objective = fit$value)
#' session
#' session_close(session)
#' @export
warm_session <- function(store, key, label = NULL) {
  .Call(C_session_open, as_store(store), key, label)
}

#' @rdname warm_session
#' @export
session_key <- function(session) {
  .Call(C_session_get_key, session)
}

#' @rdname warm_session
#' @export
session_run_id <- function(session) {
  .Call(C_session_get_run_id, session)
}

#' @rdname warm_session
#' @export
session_store <- function(session) {
  .Call(C_session_get_store, session)
}

#' @rdname warm_session
#' @export
session_preload <- function(session, entry) {
  if (is.null(entry)) {
    .Call(C_session_preload, session, NULL, NULL)
  } else {
    facts <- entry_facts(entry)
    .Call(C_session_preload, session, encode_payload(entry$payload), facts)
  }
  invisible(session)
}

#' @rdname warm_session
#' @export
session_load <- function(session) {
  .Call(C_session_load, session)
}

#' @rdname warm_session
#' @export
session_peek <- function(session) {
  .Call(C_session_peek, session)
}

#' @rdname warm_session
#' @export
session_checkpoint <- function(session, payload, objective = NA, iteration = NA) {
  .Call(C_session_checkpoint, session, payload, objective, iteration)
}

#' @rdname warm_session
#' @export
session_finalize <- function(session, payload, objective = NA, iteration = NA) {
  finalize_encoded(session, encode_payload(payload), objective, iteration, brief = FALSE)
}

# `make` makes the payload, where it is to be written. Of an early iterate nothing is, unless the
# run has a file already.
offer_iterate <- function(session, make, objective, iteration, early) {
  .Call(C_session_offer, session, make, objective, iteration, early)
}

# A brief fit is not worth waiting for the disk, unless the run has a file already.
finalize_encoded <- function(session, encoded, objective, iteration, brief) {
  .Call(C_session_finalize, session, encoded, objective, iteration, brief)
}

# Called from C, the first time that a write fails.
warn_session <- function(reason, session) {
  warn_not_kept(reason, "The fit's state", session_store(session), session_key(session))
}

#' @rdname warm_session
#' @export
session_status <- function(session) {
  status <- if (.Call(C_session_is_closed, session)) {
    list(
      run_id = NA_character_, state = "closed", written = NA_real_, refused = NA_real_,
      failed = NA_real_, objective = NA_real_, last_write = as.POSIXct(NA), reason = NA_character_,
      syncing = NA
    )
  } else {
    .Call(C_session_get_status, session)
  }
  structure(status, class = "warm_session_status")
}

#' @rdname warm_session
#' @export
session_close <- function(session) {
  .Call(C_session_close, session)
  invisible(session)
}

#' @export
format.warm_session_status <- function(x, ...) {
  if (x$state == "closed") {
    return("closed")
  }
  facts <- c(
    paste0(x$state, ": ", x$written, " written, ", x$refused, " refused, ", x$failed, " failed"),
    if (!is.na(x$objective)) paste("best objective", format(x$objective, digits = 10)),
    if (!is.na(x$last_write)) {
      paste("last written", format_age(as.numeric(Sys.time()) - as.numeric(x$last_write)), "ago")
    }
  )
  c(
    wrap_text(paste(facts, collapse = ", ")),
    if (!is.na(x$reason)) wrap_text(paste("last write failed:", x$reason)),
    if (isTRUE(x$syncing)) {
      wrap_text("the disk takes long to sync: a power loss now would take what was written last")
    }
  )
}

#' @export
print.warm_session_status <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.warm_session <- function(x, ...) {
  label <- quoted_label(.Call(C_session_get_label, x))
  c(
    cut_text(paste(c("<warm_session>", label), collapse = " "), line_width()),
    format(session_status(x)),
    paste("key:", session_key(x)),
    path_line("store:", store_config(session_store(x))$path)
  )
}

#' @export
print.warm_session <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

# Tests: test-warm.R.
#
# Kept as an attribute of the fit, and not stored with it.
new_info <- function(source, call = NULL, key = NULL, found = NULL, written = NULL, reason = NULL,
                     iterations = NA, iterations_before = 0,
                     iterations_cold = NULL, seconds = NA, seconds_saved = 0,
                     checkpoints = 0, failure = NULL, history = NULL, near = NULL) {
  structure(
    list(
      source = source, call = call, key = key, found = found, written = written, reason = reason,
      iterations = iterations, iterations_before = iterations_before,
      iterations_cold = iterations_cold, seconds = seconds, seconds_saved = seconds_saved,
      checkpoints = checkpoints, failure = failure, history = history, near = near
    ),
    class = "warm_info"
  )
}

info_of <- function(request, session, outcome, near) {
  start <- outcome$start
  source <- source_of_start(start, outcome$used)
  failure <- session_status(session)$reason
  new_info(
    source,
    call = request$call, key = request$key$exact, found = start$found,
    written = start$entry$written,
    reason = c(outcome$reasons, if (is.null(request$adapter$seed)) only_finished),
    iterations = outcome$end$iteration,
    iterations_before = start$iterations,
    iterations_cold = if (!is.null(start$entry) && !start$interrupted) {
      count_of(start$entry$payload$iterations)
    },
    seconds = outcome$seconds_now, seconds_saved = start$seconds,
    checkpoints = outcome$checkpoints, failure = if (!is.na(failure)) failure,
    history = session_history(session),
    near = near
  )
}

source_of_start <- function(start, used) {
  if (!used) {
    "cold"
  } else if (start$relation == "quick") {
    "quick"
  } else if (start$interrupted) {
    "resumed"
  } else {
    "seeded"
  }
}

only_finished <- "Of this function, only finished results are kept; see `?warm_adapter`."

# An object of a class carries its information. What has none is returned as it is, and known again
# by its value: an attribute would show.
with_info <- function(fit, info) {
  registry$last_info <- info
  # A data.table of which R makes a copy is no longer changed in place.
  can_tell <- (is.list(fit) || isS4(fit)) && !is.environment(fit) && !inherits(fit, "data.table")
  if (is.object(fit) && can_tell) {
    attr(fit, "warmstart") <- info
  } else if (!is.null(fit)) {
    or_null(remember_info(fit, info))
  }
  fit
}

remember_info <- function(value, info) {
  known <- registry$infos
  registry$infos <- c(
    stats::setNames(list(info), value_name(value)),
    utils::head(known[names(known) != value_name(value)], infos_remembered - 1)
  )
}

known_info <- function(fit) {
  attr(fit, "warmstart", exact = TRUE) %||% or_null(registry$infos[[value_name(fit)]])
}

value_name <- function(value) unclass(fingerprint.default(value, opaque = "ignore"))

infos_remembered <- 256

#' What warm() did for a fit
#'
#' @param fit What [warm()] returned; without it, the last one of this R session. A result that has
#'   no class, such as a number or what [stats::optim()] returns, is known by its value, among the
#'   last 256 of this R session.
#' @return A list of class `warm_info`: `source` ("cold", "quick" for a quick start, "resumed",
#'   "seeded", "finished" or "untouched"), `call` (what was fitted), `key` (fingerprint), `found`
#'   (what there was to start from), `written` (when it was saved, POSIXct), `reason` (why it was
#'   not used), `iterations` (outer iterations now), `iterations_before` (before the interruption),
#'   `seconds` (now), `seconds_saved`, `checkpoints` (written), `failure` (why the store could not
#'   be written, or NULL), `history` (see [session_history()]), `near` (where the fit began cold,
#'   what differs from the nearest stored one, as [warm_find()] has it; not in a loop of fits that
#'   take a moment).
#' @section Errors: `warmstart_error_argument` where `fit` does not come from `warm()`.
#' @seealso [warm_find()], which says the same before the fit; [warm()], [session_history()],
#'   [warm_verify()]
#' @examples
#' store <- warm_store(tempfile("store"))
#' fit <- warm(glm(am ~ wt, binomial, mtcars), store)
#' warm_info(fit)
#' @export
warm_info <- function(fit) {
  info <- if (missing(fit)) {
    registry$last_info
  } else {
    known_info(fit)
  }
  info %||% stop_argument("fit", "must be a fit that `warm()` returned.")
}

#' @export
format.warm_info <- function(x, ...) {
  sentences <- c(
    what_was_done(x),
    if (x$checkpoints > 0) {
      paste0("On the way ", counted(x$checkpoints, "checkpoint"), were(x$checkpoints), "written.")
    },
    if (x$source != "untouched") full_stop(one_line(x$reason)),
    if (!is.null(x$near)) {
      full_stop(paste0(
        "From the nearest stored fit, ", near_name(x$near), ", which is the first, it differs: ",
        paste(differences_of(x$near, 3), collapse = "; ")
      ))
    },
    if (!is.null(x$failure)) paste0("The store could not be written: ", one_line(x$failure), ".")
  )
  c(
    wrap_text(paste(sentences, collapse = " ")),
    if (!is.null(x$key)) paste("Key:", x$key)
  )
}

what_was_done <- function(x) {
  now <- effort(x$iterations, x$seconds)
  saved <- if (!is.null(x$written)) {
    paste0(", saved ", format_age(as.numeric(Sys.time()) - as.numeric(x$written)), " ago,")
  }
  switch(x$source,
    cold = paste0("This fit began cold, and took ", now, "."),
    quick = paste0(
      "This fit found nothing stored, looked for starting values first, and took ", now, "."
    ),
    resumed = paste0(
      "This fit went on from where an earlier run was interrupted", saved, " after ",
      effort(x$iterations_before, x$seconds_saved), ". It took ", now, " more."
    ),
    seeded = paste0(
      "This fit started from the estimates of an earlier one (", one_line(x$found), ")", saved,
      " and took ", now, ".",
      if (!is.null(x$iterations_cold)) {
        paste0(" The earlier one had taken ", counted(x$iterations_cold, "iteration"), ".")
      }
    ),
    finished = paste0(
      "This fit had finished before", saved, " and was returned as it was stored. To fit it had ",
      "taken ", effort(x$iterations_before, count_of(x$seconds_saved)), "."
    ),
    untouched = full_stop(paste0(
      "This fit was made without warmstart: ", one_line(x$reason)
    ))
  )
}

# What is stored may be anybody's, and not every fitter has iterations.
effort <- function(iterations, seconds) {
  known <- is.numeric(iterations) && isTRUE(is.finite(iterations))
  paste(c(if (known) counted(iterations, "iteration"), spell_seconds(seconds)), collapse = " and ")
}

were <- function(n) if (n == 1) " was " else " were "

counted <- function(n, what) {
  paste0(format(n, scientific = FALSE), " ", what, if (n != 1) "s")
}

#' @export
print.warm_info <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' What would warm() do?
#'
#' Looks a call up as [warm()] would, and says what is there for it, without fitting: the finished
#' fit, an interrupted run, another fit's estimates, or nothing; and where the fit itself is not
#' there, what differs from the nearest one that is.
#'
#' @section What does it evaluate?:
#' What [warm()] evaluates before it comes to the fit: the arguments of the call, and what stands
#' before it in braces. It fits nothing, writes nothing, and leaves the random number generator as
#' it was; what it finds counts as used. Where the call holds several fits, it tells of the first
#' that R comes to.
#'
#' @section Which fit is the nearest?:
#' The one of the same fitter, response and family that differs in the fewest parts, and in no more
#' than half of them. Beside the fits their store keeps what went into their keys, as digests and
#' short texts, without data: of the newest 32 of one fitter, response and family, of which four are
#' of one model on several data.
#'
#' @inheritParams warm
#' @return A list of class `warm_found`: `what` (`"finished"`, `"interrupted"`, `"seed"`,
#'   `"nothing"`, or `"untouched"` where `warm()` would not keep the fit), `call` and `key`;
#'   `found` (words for what there is to start from), `of` (the key of the fit whose estimates these
#'   are), `label`, `written` (POSIXct), `iteration`, `objective` and `seconds` (that it took until
#'   then), NULL where there is none; `running` (is a process fitting it now?), `reasons` (why what
#'   was found is not used), and `near`, NULL or a list of the nearest fit's `key`, `label`,
#'   `written` and what `differs`, a [fingerprint_diff()], in which the stored fit is the first.
#' @section Errors: The errors of the call's arguments come through where they would in [warm()].
#'   `warmstart_error_argument` names a bad argument of `warm_find()` itself.
#' @seealso [warm()], [warm_info()], [fingerprint_diff()]
#' @examples
#' store <- warm_store(tempfile("store"))
#' warm_find(glm(am ~ wt, binomial, mtcars), store)
#' fit <- warm(glm(am ~ wt, binomial, mtcars), store)
#' warm_find(glm(am ~ wt, binomial, mtcars), store)
#' # Why is it not found?
#' cars <- transform(mtcars, wt = wt / 2.2)
#' warm_find(glm(am ~ wt, binomial, cars), store)
#' @export
warm_find <- function(call, store = warm_store(), ..., reuse = TRUE, near = TRUE, name = NULL,
                      quickstart = FALSE, trust = FALSE, depends = NULL) {
  check_dots(..., instead = called_here)
  check_how(reuse, near, name, quickstart, trust)
  store <- as_store(store)
  depends <- depends_part(depends)
  expr <- substitute(call)
  check_fit_call(expr)
  if (trust) store <- trust_store(store)
  env <- parent.frame()
  without_trace({
    request <- reach_request(expr, env, depends)
    if (is.null(request)) {
      new_found("untouched", call = expr, reasons = "There is no fit in it that R comes to.")
    } else {
      find_request(request, store, reuse, near, quickstart, name)
    }
  })
}

# Evaluates what warm() does before it comes to the first fit in `expr`, and leaves there: NULL
# where it comes to none.
reach_request <- function(expr, env, depends) {
  callCC(function(leave) {
    keep <- function(call, env) leave(new_request(call, env, depends))
    marked <- mark_fits(expr, env, keep)
    if (!identical(marked, expr)) as_if_unmarked(evaluate_at(marked, env))
    NULL
  })
}

without_trace <- function(expr) {
  random <- save_random_state()
  on.exit(restore_random_state(random))
  without_trust_warnings(expr)
}

new_found <- function(what, call, key = NULL, found = NULL, of = NULL, entry = NULL,
                      seconds = NULL, running = FALSE, reasons = character(), near = NULL) {
  structure(
    list(
      what = what, call = call, key = key, found = found, of = of,
      label = if (!is.null(entry) && !is.na(entry$label)) entry$label, written = entry$written,
      iteration = entry$iteration, objective = entry$objective, seconds = seconds,
      running = running, reasons = reasons, near = near
    ),
    class = "warm_found"
  )
}

find_request <- function(request, store, reuse, near, quickstart, name = NULL) {
  if (!is.null(request$reason)) {
    return(new_found("untouched", call = request$call, reasons = full_stop(request$reason)))
  }
  drawn <- find_drawn(request, store, reuse, name)
  request <- drawn$request
  finished <- drawn$finished
  other <- other_named(request, store, name)
  renamed <- if (!is.null(other)) other_named_text(request, name, other)
  if (reuse && !is.null(finished$fit)) {
    return(new_found(
      "finished",
      call = request$call, key = request$key$exact, found = "finished fit",
      entry = finished$entry, seconds = count_of(finished$entry$payload$seconds),
      reasons = as.character(renamed)
    ))
  }
  chosen <- choose_start(new_starts(request, store, finished$entry, near, quickstart))
  reasons <- c(why_unfinished(request, finished, reuse), chosen$reasons, renamed)
  found_start(request, store, chosen$start, reasons)
}

# The first that warm() would try.
choose_start <- function(starts) {
  reasons <- character()
  while (!is.null(start <- starts())) {
    why <- if (is_quick(start)) too_quick else if (is_doubted(start)) too_doubtful
    if (is.null(why)) break
    reasons <- c(reasons, why_not(start, why))
  }
  list(start = start, reasons = reasons)
}

found_start <- function(request, store, start, reasons) {
  interrupted <- isTRUE(start$interrupted)
  of <- if (is_key(start$entry$payload$of)) start$entry$payload$of
  runs <- list_runs(store, request$key$exact)
  new_found(
    if (interrupted) "interrupted" else if (is.null(start$entry)) "nothing" else "seed",
    call = request$call, key = request$key$exact, found = start$found, of = of,
    entry = start$entry, seconds = if (!is.null(start)) count_of(start$entry$payload$seconds),
    running = any(runs$state == "running"), reasons = reasons,
    near = if (!interrupted) find_near(request, store, of)
  )
}

# Why a fit that has finished is not returned.
why_unfinished <- function(request, finished, reuse) {
  if (is.null(finished) || !reuse) {
    return(NULL)
  }
  made_by <- finished$entry$payload$versions
  if (!identical(made_by, request$versions)) {
    return(paste0(
      "Its finished fit is a start only, since other code made it: ",
      other_versions(made_by, request$versions), "."
    ))
  }
  "Of its finished fit the estimates alone are kept, or others may have written it."
}

# "mgcv 1.9-0, now 1.9-1"
other_versions <- function(before, now) {
  before <- if (is.character(before)) before
  names <- union(names(before), names(now))
  differ <- !mapply(identical, unname(before[names]), unname(now[names]))
  text <- function(version) ifelse(is.na(version), "absent", version)
  paste0(
    names[differ], " ", text(before[names[differ]]), ", now ", text(now[names[differ]]),
    collapse = "; "
  )
}

#' @export
format.warm_found <- function(x, ...) {
  c(
    wrap_text(paste(c(paste("<warm_found>", what_would_be_done(x)), one_line(x$reasons)),
      collapse = " "
    )),
    near_lines(x$near),
    if (!is.null(x$key)) paste("Key:", x$key)
  )
}

what_would_be_done <- function(x) {
  saved <- if (!is.null(x$written)) paste0("saved ", age_of(x), " ago")
  now <- if (x$running) " A process is fitting it now."
  switch(x$what,
    finished = paste0(
      "Finished: warm() would return the fit, ", saved, ". To fit it had taken ",
      effort(x$iteration, x$seconds), "."
    ),
    interrupted = paste0(
      "Interrupted: warm() would go on from ",
      if (is.na(x$iteration)) "what was" else paste0("iteration ", x$iteration, ","), " ", saved,
      ". Until then it had taken ", spell_seconds(x$seconds), ".", now
    ),
    seed = paste0(
      "A seed: warm() would start from the estimates of an earlier fit (", one_line(x$found), "), ",
      saved, ", if they fit.", now
    ),
    nothing = paste0(
      "Nothing: warm() would ",
      if (is.null(x$found)) "begin cold." else "look for starting values first.", now
    ),
    untouched = "Nothing: warm() would make this fit without keeping it."
  )
}

near_lines <- function(near) {
  if (!is.null(near)) {
    c(
      wrap_text(paste0(
        "What differs from the nearest stored fit, ", near_name(near), ", which is the first:"
      )),
      wrap_below(differences_of(near, 8))
    )
  }
}

near_name <- function(near) {
  paste0("\"", format_text(near$label), "\", saved ", age_of(near), " ago")
}

# At most `n`.
differences_of <- function(near, n) {
  differs <- format_text(unclass(near$differs))
  more <- length(differs) - n
  c(utils::head(differs, n), if (more > 0) paste("and", more, "more"))
}

#' @export
print.warm_found <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

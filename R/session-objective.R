#' Watch an objective while it is minimised
#'
#' Wraps a function that an optimiser of any kind is to minimise: the best point so far is kept in
#' the session's store, and is there to start from when R was killed. For the optimisers that
#' [warm()] knows (see [warm-optimisers]) it does this by itself; this is for all others, and for
#' objectives that have no fingerprint, such as those of TMB.
#'
#' @section When is a point kept?:
#' Every evaluation is seen. One that is better than all before is a checkpoint of the session (see
#' [warm_session()]), written at once, or, where the last one was written less than a millisecond
#' ago, with one of the next 16 evaluations after that. Other evaluations cost a comparison. Values
#' that are no finite number are passed on and never the best.
#'
#' @section Is the optimiser's result the same?:
#' What `fn` returns or signals is passed on unchanged, with its attributes. What the optimiser had
#' learned on the way is not kept: see [warm-optimisers] for what each one loses.
#'
#' @param session A [warm_session()]; its key says which objective and data these are.
#' @param fn The objective, a function of a numeric vector and any further arguments.
#' @param gr Its gradient, a function, or NULL, the default. It is passed on as it is.
#' @param ... Must be empty.
#' @param maximise TRUE or FALSE, the default: is `fn` to be maximised, as by
#'   `optim(control = list(fnscale = -1))`? What the session stores as objective is what is
#'   minimised, here `-fn`.
#' @return A list of class `warm_objective`: `fn`, to be used in place of yours; `gr`; `par`, the
#'   best point that the session had stored before, or NULL; `start`, `function(par)`: that point,
#'   or else `par`; and `best`, `function()`: a list of the best `par` seen so far, its `value` as
#'   `fn` gave it, and the number of `evaluations`.
#' @section Errors: `warmstart_error_argument` names a bad argument.
#' @seealso [warm_session()], [warm()], [warm-optimisers].
#' @examples
#' store <- warm_store(tempfile("store"))
#' likelihood <- function(par, x) -sum(dgamma(x, exp(par[1]), exp(par[2]), log = TRUE))
#' wait <- faithful$waiting
#' session <- warm_session(store, fingerprint(list("gamma likelihood", wait)))
#' w <- warm_objective(session, likelihood)
#' fit <- optim(w$start(c(shape = 0, rate = 0)), w$fn, w$gr, x = wait, method = "BFGS")
#' w
#' session_finalize(session, fit, fit$value)
#' session_close(session)
#' @export
warm_objective <- function(session, fn, gr = NULL, ..., maximise = FALSE) {
  check_dots(...)
  check_class(session, "warm_session", "session", "warm_session")
  if (!is.function(fn)) {
    stop_argument("fn", "must be a function of a numeric vector.")
  }
  if (!is.null(gr) && !is.function(gr)) {
    stop_argument("gr", "must be a function of a numeric vector, or NULL.")
  }
  check_flag(maximise, "maximise")
  stored <- stored_point(session_load(session))
  sign <- if (maximise) -1 else 1
  watch <- watch_objective(fn, sign, function(state, objective, iteration) {
    tryCatch(session_checkpoint(session, state, objective, iteration), error = function(e) FALSE)
  })
  best <- function() {
    seen <- watch$seen()
    list(par = seen$par, value = sign * seen$objective, evaluations = seen$evaluations)
  }
  structure(
    list(
      fn = watch$fn, gr = gr, par = stored, start = function(par) stored %||% par, best = best
    ),
    class = "warm_objective"
  )
}

# What a session holds may be our own checkpoint, an optimiser's result, or a bare point.
stored_point <- function(entry) {
  payload <- entry$payload
  par <- if (is.list(payload)) payload[["par"]] else payload
  if (is.numeric(par) && length(par) > 0 && all(is.finite(par))) par
}

#' Watch the evaluations of an objective
#'
#' `report(state, objective, iteration)` is called for the best point so far: at
#' once, but not within a millisecond of the last time, so that it costs next to
#' nothing where an evaluation does. `sign` is -1 where `fn` is maximised.
#' @noRd
watch_objective <- function(fn, sign, report) {
  force(fn)
  force(sign)
  par <- NULL
  best <- Inf
  count <- 0
  at <- 0
  # With which evaluation to look whether it is time to report; Inf where nothing is to be. The
  # clock costs as much as all the rest, so it is asked ever less often, but asked.
  due <- Inf
  wait <- 1
  in_time <- new_pace()
  note <- function(x, value) {
    best <<- value
    par <<- x + 0 # a copy: optimisers may change their vector in place
    at <<- count
    if (due == Inf) due <<- count
  }
  report_in_time <- function() {
    if (in_time(report(list(par = par, evaluations = at), best, at))) {
      due <<- Inf
      wait <<- 1
    } else {
      due <<- count + wait
      wait <<- min(2 * wait, longest_wait)
    }
  }
  watched <- function(par, ...) {
    value <- fn(par, ...)
    count <<- count + 1
    if (is.numeric(value) && isTRUE(sign * value < best) && is.finite(value)) {
      note(par, sign * as.vector(value))
    }
    if (count >= due) report_in_time()
    value
  }
  list(
    fn = watched,
    seen = function() list(par = par, objective = best, evaluations = count)
  )
}

longest_wait <- 16 # evaluations

# Does `what`, unless it was done just now: within the report interval, or `times` what it took.
# Tells whether it did; also where the clock was set back.
new_pace <- function(times = 0) {
  last <- -Inf
  interval <- 0
  clock <- function() unclass(Sys.time())
  function(what) {
    began <- clock()
    if (began - last < interval && began >= last) {
      return(FALSE)
    }
    force(what)
    last <<- clock()
    interval <<- waits$report_interval * max(1, times * (last - began) / 1e-3)
    TRUE
  }
}

# Seconds before what would show in a fit that is over sooner: to make a run's file takes some
# milliseconds.
waits <- list2env(list(first_checkpoint = 0.5, report_interval = 1e-3), parent = emptyenv())

#' @export
format.warm_objective <- function(x, ...) {
  best <- x$best()
  found <- if (is.null(best$par)) {
    "none finite yet"
  } else {
    paste0("best ", format(best$value, digits = 10), " at ", format_point(best$par))
  }
  c(
    wrap_text(paste0("<warm_objective> ", counted(best$evaluations, "evaluation"), ", ", found)),
    if (!is.null(x$par)) wrap_text(paste("stored before:", format_point(x$par)))
  )
}

format_point <- function(par) {
  shown <- format(utils::head(par, 4), digits = 4, trim = TRUE)
  if (!is.null(names(par))) shown <- paste(format_text(names(shown)), "=", shown)
  paste0("(", paste(shown, collapse = ", "), if (length(par) > 4) ", ...", ")")
}

#' @export
print.warm_objective <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

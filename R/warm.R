#' Fit a model so that it survives a crash
#'
#' Wrap a call that fits a model. While the fit runs, its state is kept in a store; if R dies, the
#' same line goes on from there in the next session. When the fit has finished, the same line
#' returns it at once. The same model on other rows starts from the earlier fit's estimates.
#'
#' @section What if R is killed?:
#' Run the line again, in any R process on this machine. The fit goes on from its last outer
#' iteration.
#'
#' @section Is the result the same?:
#' It is the fit that a cold start gives, within the fitter's own tolerance: only starting values
#' are set. `call`, `family` and class are your own, so `update()`, `predict()`, `summary()` and
#' `anova()` work. A seeded fit that stops with an error or does not converge is made again
#' without the seed, and says so.
#'
#' @section What makes it the same fit?:
#' The formula, the values of the columns it uses, the family, and every argument that can change
#' the result; see `vignette("internals")`. Other columns, their order and row
#' names do not count.
#'
#' @section Which fitters?:
#' `mgcv::gam()` is observed while it runs (outer optimisers newton, bfgs and efs). `mgcv::bam()` gives
#' nothing to observe: finished fits are kept, and seed others. Any other call runs as it is,
#' with a message.
#'
#' @param call The call, as you would write it without `warm()`.
#' @param store A [warm_store()].
#' @param ... Must be empty.
#' @param reuse Return a finished fit of the same key? FALSE fits again, from its estimates.
#' @param near Start from an earlier fit of the same model on other rows, where there is none of
#'   this very fit?
#' @param label A short text for people, shown by [store_list()]; by default the formula.
#' @return What `call` returns, with an attribute that [warm_info()] reads.
#' @section Errors: The fitter's own errors come through as they are. `warmstart_error_argument`
#'   names a bad argument of `warm()` itself.
#' @seealso [warm_info()], [warm_session()] for fitters of your own.
#' @examplesIf requireNamespace("mgcv", quietly = TRUE)
#' library(mgcv)
#' store <- warm_store(tempfile("store"))
#' fit <- warm(gam(mpg ~ s(hp) + s(wt), data = mtcars, method = "REML"), store)
#' again <- warm(gam(mpg ~ s(hp) + s(wt), data = mtcars, method = "REML"), store)
#' warm_info(again)
#' @export
warm <- function(call, store = warm_store(), ..., reuse = TRUE, near = TRUE, label = NULL) {
  check_dots(...)
  check_flag(reuse, "reuse")
  check_flag(near, "near")
  expr <- substitute(call)
  env <- parent.frame()
  if (!is.call(expr)) {
    stop_argument("call", "must be a call that fits a model, such as `gam(y ~ s(x))`.")
  }
  check_class(store, "warm_store", "store", "warm_store")
  request <- new_request(expr, env)
  if (!is.null(request$reason)) {
    return(fit_untouched(request))
  }
  fit_kept(request, store, reuse, near, label)
}

# What is asked for: the call, standardised, its adapter and its keys; or why it has none.
new_request <- function(expr, env) {
  request <- list(expr = expr, env = env)
  fun <- tryCatch(eval(expr[[1]], env), error = function(e) NULL)
  adapter <- if (is.function(fun)) find_adapter(fun)
  if (is.null(adapter)) {
    request$reason <- paste0("`", deparse1(expr[[1]]), "()` is not a fitter that warm() knows")
    return(request)
  }
  tryCatch(
    {
      request$call <- match.call(fun, expr, envir = env)
      request$adapter <- adapter
      request$key <- adapter$identify(request$call, env)
    },
    error = function(e) request$reason <<- conditionMessage(e)
  )
  request
}

# Bad arguments are the fitter's to complain about.
fit_untouched <- function(request) {
  fit <- eval(request$expr, request$env)
  inform(paste0("This fit was not kept: ", request$reason, "."))
  with_info(fit, new_info("untouched", reason = request$reason))
}

fit_kept <- function(request, store, reuse, near, label) {
  session <- warm_session(store, request$key$exact, label %||% request_label(request))
  on.exit(session_close(session))
  finished <- find_finished(request, store)
  if (reuse && !is.null(finished$fit)) {
    return(return_finished(request, finished))
  }
  start <- find_start(request, session, store, finished, near)
  announce(start)
  outcome <- run_fit(request, session, start)
  keep_finished(request, session, store, outcome)
  with_info(outcome$fit, info_of(request, session, start, outcome))
}

request_label <- function(request) {
  text <- part_text(request$key$parts$formula)
  text <- gsub("[[:cntrl:]]", " ", enc2utf8(text))
  while (nchar(text, "bytes") > label_bytes) {
    text <- substr(text, 1, nchar(text) - 1)
  }
  text
}

label_bytes <- 143 # as src/core/record.h has it

# A finished fit. ------------------------------------------------------------------------------

find_finished <- function(request, store) {
  entry <- store_lookup(store, request$key$exact, kind = "final")
  payload <- entry$payload
  if (!is.list(payload) || is.null(payload$state)) {
    return(NULL)
  }
  list(
    entry = entry,
    state = payload$state,
    seconds = payload$seconds,
    iterations = payload$iterations,
    fit = if (identical(payload$versions, request_versions(request))) payload$fit
  )
}

# R's minor version and the fitter's: what another one made is only good to start from.
request_versions <- function(request) {
  c(R = sub("\\.[^.]*$", "", as.character(getRversion())), request$adapter$versions())
}

return_finished <- function(request, finished) {
  entry <- finished$entry
  inform(paste0("Finished fit, saved ", age_of(entry), " ago."))
  fit <- request$adapter$restore(finished$fit, request$call, request$env)
  with_info(fit, new_info(
    "finished",
    key = request$key$exact, found = "finished fit", written = entry$written,
    iterations = 0, iterations_before = finished$iterations, seconds = 0,
    seconds_saved = finished$seconds
  ))
}

# What to start from. --------------------------------------------------------------------------

# The best there is of this very fit; else the newest of the same model on other rows.
find_start <- function(request, session, store, finished, near) {
  if (!is.null(finished)) {
    return(new_start("exact", finished$entry, finished$state, "finished fit", finished))
  }
  entry <- session_load(session)
  if (is.null(entry) && near) {
    seed <- store_lookup(store, request$key$specification, select = "latest")
    session_preload(session, seed)
    entry <- if (!is.null(seed)) session_load(session)
  }
  state <- if (is.list(entry$payload)) entry$payload$state
  if (is.null(state)) {
    return(list(source = "none"))
  }
  found <- if (entry$source == "exact") "interrupted fit" else "same model, other rows"
  new_start(entry$source, entry, state, found, entry$payload)
}

new_start <- function(source, entry, state, found, payload) {
  list(
    source = source, entry = entry, state = state, found = found,
    iterations = if (found == "interrupted fit") payload$iterations %||% 0 else 0,
    seconds = if (found == "interrupted fit") payload$seconds %||% 0 else 0
  )
}

announce <- function(start) {
  if (start$source == "none") {
    return(invisible())
  }
  what <- switch(start$found,
    "interrupted fit" = paste("Resuming from iteration", format(start$entry$iteration)),
    "finished fit" = "Starting from the finished fit",
    "Starting from the same model on other rows"
  )
  inform(paste0(what, ", saved ", age_of(start$entry), " ago."))
}

age_of <- function(entry) {
  format_age(as.numeric(Sys.time()) - as.numeric(entry$written))
}

# The fit. -------------------------------------------------------------------------------------

# With the seed; without it where it does not fit, or the fit fails or does not converge.
run_fit <- function(request, session, start) {
  reason <- NULL
  if (start$source != "none") {
    random <- save_random_state()
    outcome <- tryCatch(
      {
        call <- request$adapter$seed(request$call, request$env, start$state)
        run_observed(request, session, call, start)
      },
      warmstart_seed_unfit = function(e) list(reason = conditionMessage(e)),
      error = function(e) {
        list(reason = paste0("The fit failed when started from it: ", conditionMessage(e)))
      }
    )
    if (is.null(outcome$reason)) {
      if (request$adapter$converged(outcome$fit)) {
        return(c(outcome, used = TRUE))
      }
      outcome$reason <- "The fit did not converge when started from it."
    }
    reason <- outcome$reason
    inform(paste(reason, "Fitting from a cold start."))
    restore_random_state(random)
  }
  outcome <- run_observed(request, session, request$call, list(iterations = 0, seconds = 0))
  c(outcome, used = FALSE, reason = reason)
}

run_observed <- function(request, session, call, start) {
  began <- proc.time()[["elapsed"]]
  elapsed <- function() start$seconds + proc.time()[["elapsed"]] - began
  checkpoints <- 0
  report <- function(state, objective, iteration) {
    iterations <- start$iterations + iteration
    payload <- list(state = state, iterations = iterations, seconds = elapsed())
    kept <- tryCatch(
      session_checkpoint(session, payload, objective, iterations),
      error = function(e) FALSE
    )
    checkpoints <<- checkpoints + kept
  }
  observed <- request$adapter$observe(call, request$env, report)
  fit <- eval(observed, request$env)
  list(
    fit = request$adapter$restore(fit, request$call, request$env),
    seconds_now = elapsed() - start$seconds,
    seconds = elapsed(),
    iterations_before = start$iterations,
    checkpoints = checkpoints
  )
}

save_random_state <- function() {
  get0(".Random.seed", envir = globalenv(), inherits = FALSE)
}

restore_random_state <- function(state) {
  if (is.null(state)) {
    suppressWarnings(rm(".Random.seed", envir = globalenv()))
  } else {
    assign(".Random.seed", state, envir = globalenv())
  }
}

# Keeping it. ----------------------------------------------------------------------------------

# The fit under its own key; its state, without the data in it, where other rows will look.
keep_finished <- function(request, session, store, outcome) {
  adapter <- request$adapter
  if (!adapter$converged(outcome$fit)) {
    return(FALSE)
  }
  end <- adapter$state(outcome$fit)
  iterations <- outcome$iterations_before + end$iteration
  kept <- session_finalize(
    session,
    list(
      fit = outcome$fit, state = end$state, iterations = iterations, seconds = outcome$seconds,
      versions = request_versions(request)
    ),
    end$objective, iterations
  )
  if (kept) {
    store_save(
      store, request$key$specification, list(state = end$state), end$objective,
      kind = "final", run_id = format(request$key$exact), label = request_label(request)
    )
    inform(paste0("Saved, after ", format_age(outcome$seconds), " of fitting."))
  }
  kept
}

# What happened. -------------------------------------------------------------------------------

new_info <- function(source, key = NULL, found = NULL, written = NULL, reason = NULL,
                     iterations = NA, iterations_before = 0, seconds = NA, seconds_saved = 0,
                     checkpoints = 0, failure = NULL) {
  structure(
    list(
      source = source, key = key, found = found, written = written, reason = reason,
      iterations = iterations, iterations_before = iterations_before, seconds = seconds,
      seconds_saved = seconds_saved, checkpoints = checkpoints, failure = failure
    ),
    class = "warm_info"
  )
}

info_of <- function(request, session, start, outcome) {
  source <- if (!outcome$used) {
    "cold"
  } else {
    switch(start$found, "interrupted fit" = "resumed", "seeded")
  }
  failure <- session_status(session)$reason
  new_info(
    source,
    key = request$key$exact, found = start$found, written = start$entry$written,
    reason = outcome$reason,
    iterations = request$adapter$state(outcome$fit)$iteration,
    iterations_before = outcome$iterations_before, seconds = outcome$seconds_now,
    seconds_saved = outcome$seconds - outcome$seconds_now, checkpoints = outcome$checkpoints,
    failure = if (!is.na(failure)) failure
  )
}

with_info <- function(fit, info) {
  if (!is.null(fit)) {
    attr(fit, "warmstart") <- info
  }
  fit
}

#' What warm() did for a fit
#'
#' @param fit What [warm()] returned.
#' @return A list of class `warm_info`: `source` ("cold", "resumed", "seeded", "finished" or
#'   "untouched"), `key` (fingerprint), `found` (what there was to start from), `written` (when it was saved, POSIXct), `reason` (why it was not used),
#'   `iterations` (outer iterations now), `iterations_before` (before the
#'   interruption), `seconds` (now), `seconds_saved`, `checkpoints` (written), `failure` (why the
#'   store could not be written, or NULL).
#' @section Errors: `warmstart_error_argument` where `fit` does not come from `warm()`.
#' @seealso [warm()]
#' @examplesIf requireNamespace("mgcv", quietly = TRUE)
#' library(mgcv)
#' store <- warm_store(tempfile("store"))
#' fit <- warm(gam(mpg ~ s(hp), data = mtcars, method = "REML"), store)
#' warm_info(fit)
#' @export
warm_info <- function(fit) {
  attr(fit, "warmstart") %||% stop_argument("fit", "must be a fit that `warm()` returned.")
}

#' @export
format.warm_info <- function(x, ...) {
  number <- function(n) if (is.na(n)) "an unknown number of" else format(n)
  now <- paste0(number(x$iterations), " iterations in ", format_age(x$seconds))
  head <- switch(x$source,
    cold = paste0("Fitted from a cold start: ", now, "."),
    resumed = paste0(
      "Resumed after ", number(x$iterations_before), " iterations: ", now, " more, ",
      format_age(x$seconds_saved), " saved."
    ),
    seeded = paste0("Started from an earlier fit (", x$found, "): ", now, "."),
    finished = paste0(
      "Finished before; returned as it was stored, ", format_age(x$seconds_saved), " saved."
    ),
    untouched = "Fitted without warmstart."
  )
  c(
    paste("<warm_info>", head),
    if (x$checkpoints > 0) paste0(x$checkpoints, " checkpoints written."),
    x$reason,
    if (!is.null(x$failure)) paste0("The store could not be written: ", x$failure, "."),
    if (!is.null(x$key)) paste("key:", x$key)
  )
}

#' @export
print.warm_info <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

inform <- function(text) {
  if (isTRUE(getOption("warmstart.verbose", TRUE))) {
    message("warmstart: ", text)
  }
}

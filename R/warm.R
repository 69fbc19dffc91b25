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
  fit <- as_if_called(request$expr, observed, eval(observed, request$env))
  list(
    fit = request$adapter$restore(fit, request$call, request$env),
    seconds_now = elapsed() - start$seconds,
    seconds = elapsed(),
    iterations_before = start$iterations,
    checkpoints = checkpoints
  )
}

# Errors and warnings of the fitter name the call that the user wrote.
as_if_called <- function(written, called, fit) {
  is_ours <- function(condition) identical(conditionCall(condition), called)
  withCallingHandlers(
    fit,
    error = function(e) {
      if (is_ours(e)) {
        e$call <- written
        stop(e)
      }
    },
    warning = function(w) {
      if (is_ours(w)) {
        w$call <- written
        warning(w)
        invokeRestart("muffleWarning")
      }
    }
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
      kind = "final", run_id = format(request$key$exact), label = request_label(request, "seed: ")
    )
    inform(paste0("Saved, after ", format_age(outcome$seconds), " of fitting."))
  }
  kept
}

# One attempt at a fit: from a start, or cold, observed either way.

# From the first start that fits; cold where none does, or where the fit fails or does not
# converge from one.
run_fit <- function(request, session, starts) {
  random <- save_random_state()
  reasons <- character()
  while (!is.null(start <- starts())) {
    announce(start)
    attempt <- try_start(request, session, start)
    reason <- attempt$reason %||% attempt$declined
    if (!is.null(reason)) {
      reasons <- c(reasons, paste0("Not started from the ", start$found, ": ", reason))
    }
    if (is.null(attempt$reason)) {
      return(c(attempt, list(used = is.null(attempt$declined), reasons = reasons)))
    }
    restore_random_state(random)
    if (attempt$failed) {
      break
    }
  }
  if (length(reasons) > 0) inform_cold(utils::tail(reasons, 1))
  in_doubt <- FALSE
  attempt <- withCallingHandlers(
    run_observed(request, session, request$call, cold_start()),
    warning = function(w) if (is_said(w, no_convergence)) in_doubt <<- TRUE
  )
  c(attempt, list(used = FALSE, reasons = reasons, in_doubt = in_doubt))
}

inform_cold <- function(reason) inform(paste(full_stop(reason), "Fitting from a cold start."))

# The fit, or the reason why there is none: the start does not fit the model, or the fit failed.
# Where an adapter finds only within the fit that the start is none (`declined`), it begins cold.
try_start <- function(request, session, start) {
  declined <- NULL
  held <- hold_conditions(tryCatch(
    withCallingHandlers(
      run_observed(request, session, start_call(request, start), start),
      warmstart_seed_declined = function(c) {
        declined <<- conditionMessage(c)
        inform_cold(declined)
      }
    ),
    warmstart_seed_unfit = function(e) list(reason = conditionMessage(e), failed = FALSE),
    error = function(e) {
      list(reason = paste("the fit failed,", conditionMessage(e)), failed = TRUE)
    }
  ), "warning")
  attempt <- held$value
  says <- function(words) any(vapply(held$said, is_said, NA, words))
  if (!is.null(attempt$reason)) {
    return(attempt)
  }
  if (!is.null(declined)) {
    attempt$declined <- declined
    attempt$start <- cold_start()
    attempt$in_doubt <- says(no_convergence)
  } else {
    attempt$reason <- doubt(request, start, attempt, says(trouble_on_the_way))
    attempt$failed <- TRUE
    attempt$in_doubt <- FALSE
  }
  if (is.null(attempt$reason)) say(held$said)
  attempt
}

start_call <- function(request, start) {
  if (start$relation == "quick") {
    request$adapter$quickstart(request$call, request$env)
  } else {
    request$adapter$seed(request$call, request$env, start$state, start$relation)
  }
}

# Why a fit that ended is not to be trusted; NULL where it is.
doubt <- function(request, start, attempt, had_trouble) {
  # What an interrupted fit has left may be used up to the call's own limits.
  converged <- any(attempt$converged %in% c(TRUE, if (start$interrupted) NA))
  if (!converged || had_trouble) {
    return("the fit did not converge.")
  }
  before <- start$entry$objective
  after <- attempt$end$objective
  if (start$relation == "exact" && isTRUE(after > before + 1e-6 * max(abs(before), 1))) {
    return("the fit ended worse than it began.")
  }
  NULL
}

# What fitters say in warnings. A cold fit is what it is, and only one that says itself that it has
# not converged is not kept; one that was started elsewhere is made again for less.
no_convergence <- "not converge|without convergence|convergence error|limit reached"
trouble_on_the_way <- "converge|divergence|step failure|limit reached"

is_said <- function(warning, words) grepl(words, conditionMessage(warning))

run_observed <- function(request, session, call, start) {
  begin_attempt(session, start)
  began <- proc.time()[["elapsed"]]
  elapsed <- function() start$seconds + proc.time()[["elapsed"]] - began
  checkpoints <- 0
  expected <- function() expected_iterations(request, session, start)
  progress <- new_progress(start, expected, elapsed)
  on.exit(progress$done())
  reported <- NA
  # `state` is evaluated where it is to be written, and nowhere else.
  report <- function(state, objective, iteration) {
    tryCatch(
      {
        reported <<- iteration
        iterations <- start$iterations + iteration
        seconds <- elapsed()
        payload <- function() {
          list(state = state, iterations = iterations, seconds = seconds, seeded = is_seeded(start))
        }
        early <- seconds - start$seconds < registry$first_checkpoint
        kept <- offer_iterate(session, payload, objective, iterations, early)
        checkpoints <<- checkpoints + kept
        progress$tell(iterations, objective, seconds, kept)
      },
      error = function(e) NULL
    )
  }
  observed <- or_nothing(
    with_tick(progress$tick, request$adapter$observe(call, request$env, report))
  ) %||% call
  fit <- as_if_called(request, observed, eval(observed, request$env))
  fit <- or_nothing(request$adapter$restore(fit, request$call, request$env)) %||% fit
  end <- or_nothing(fit_state(request$adapter, fit, request$call, request$env))
  if (is.null(end$iteration) || is.na(end$iteration)) end$iteration <- reported
  list(
    fit = fit, end = end, converged = or_nothing(request$adapter$converged(fit)),
    start = start, seconds = elapsed(), seconds_now = elapsed() - start$seconds,
    checkpoints = checkpoints
  )
}

# Seconds. To make a run's file takes some milliseconds, so much that it would show in a fit that is
# over sooner.
registry$first_checkpoint <- 0.5

# Errors and warnings of the fitter name the call that the user wrote; one that the fitter passes
# its arguments on to, those that the user gave.
as_if_called <- function(request, called, fit) {
  written <- function(condition) {
    call <- conditionCall(condition)
    if (identical(call, called)) request$expr else without_changes(call, called, request$call)
  }
  withCallingHandlers(
    fit,
    error = function(e) {
      call <- written(e)
      if (!identical(call, conditionCall(e))) {
        e$call <- call
        stop(e)
      }
    },
    warning = function(w) {
      call <- written(w)
      if (!identical(call, conditionCall(w))) {
        w$call <- call
        warning(w)
        invokeRestart("muffleWarning")
      }
    }
  )
}

# A call with the arguments of `given`, where it has those of `called`.
without_changes <- function(call, called, given) {
  if (is.call(call)) {
    for (name in intersect(names(call), names(called))) {
      changed <- nzchar(name) && !identical(called[[name]], given[[name]])
      if (changed && identical(call[[name]], called[[name]])) call[[name]] <- given[[name]]
    }
  }
  call
}

save_random_state <- function() {
  get0(".Random.seed", envir = globalenv(), inherits = FALSE)
}

restore_random_state <- function(state) {
  if (is.null(state)) {
    if (!is.null(save_random_state())) rm(".Random.seed", envir = globalenv())
  } else {
    assign(".Random.seed", state, envir = globalenv())
  }
}

# One attempt at a fit: from a start, or cold, observed either way.

# What came of it. Every field is there, whatever happened.
#
#   fit         what the fitter returned, as the user's own
#   raw         the same as the fitter left it, with what the adapter has put into its call
#   end         its state, objective and iteration; NULL where the adapter failed
#   converged   as the adapter says
#   said        the warnings and messages of the fitter, as conditions
#   start, used what it began from, and whether that was taken
#   doubts      how many seeds of this model in a row were not believed
#   reasons     why it did not begin elsewhere
#   seconds     of all runs, and of this one, `seconds_now`
#   worth       seconds that it would take to have it again
#   visible     does the fitter's result print by itself?
new_outcome <- function(fit, raw, end, converged, said, start, seconds, seconds_now, checkpoints,
                        visible = TRUE, worth = seconds) {
  list(
    fit = fit, raw = raw, end = end, converged = converged, said = said, start = start, used = TRUE,
    doubts = 0, reasons = character(), seconds = seconds, seconds_now = seconds_now,
    worth = worth, checkpoints = checkpoints, visible = visible
  )
}

# Can others start from its end? Not from one that the fitter warns of: where every fit of a model
# does, a seed would be made again cold each time.
is_sound <- function(outcome) {
  is_warning <- vapply(outcome$said, inherits, NA, "warning")
  isTRUE(outcome$converged) && !any(is_warning)
}

# From the first start that fits; cold where none does, or where the end is not believed.
run_fit <- function(request, session, starts) {
  random <- save_random_state()
  so_far <- list(reasons = character(), quick = character(), doubts = 0, lost = NULL)
  while (!is.null(start <- starts())) {
    if (is_quick(start) || is_doubted(start)) {
      so_far <- pass_over(so_far, start)
      next
    }
    attempt <- try_start(request, session, start)
    so_far <- note_attempt(so_far, start, attempt)
    check_given(start, attempt)
    if (attempt$failed) or_nothing(doubt_seed(session_store(session), start))
    if (!is.null(attempt$outcome)) {
      attempt$outcome$reasons <- so_far$reasons
      attempt$outcome$doubts <- if (attempt$failed) so_far$doubts else 0
      return(attempt$outcome)
    }
    restore_random_state(random)
    if (attempt$failed) break
  }
  fit_cold(request, session, so_far)
}

fit_cold <- function(request, session, so_far) {
  if (!is.null(so_far$lost)) inform_cold(so_far$lost)
  outcome <- run_observed(request, session, request$asked, cold_start())
  outcome$used <- FALSE
  outcome$doubts <- so_far$doubts
  outcome$reasons <- c(so_far$quick, so_far$reasons)
  outcome
}

# Of a fit in hand it is an error that it fits no model of the kind.
check_given <- function(start, attempt) {
  is_unfit <- is.null(attempt$outcome) && !attempt$failed
  if (isTRUE(start$is_given) && is_unfit) stop_from(attempt$why)
}

pass_over <- function(so_far, start) {
  if (is_quick(start)) {
    so_far$quick <- why_not(start, too_quick)
  } else {
    so_far$doubts <- start$doubts + 1
    so_far$reasons <- c(so_far$reasons, why_not(start, too_doubtful))
  }
  so_far
}

# What fitted nothing from the first was not announced, and is no news; what is `lost` is.
note_attempt <- function(so_far, start, attempt) {
  if (attempt$failed) so_far$doubts <- start$doubts + 1
  if (!is.null(attempt$why)) {
    why <- why_not(start, attempt$why)
    so_far$reasons <- c(so_far$reasons, why)
    if (attempt$failed || start$interrupted) so_far$lost <- why
  }
  so_far
}

why_not <- function(start, why) paste0("Not started from the ", start$found, ": ", why)

inform_cold <- function(reason) inform(paste(full_stop(reason), "Fitting from a cold start."))

# The `outcome`, or the reason `why` there is none: the start does not fit the model, the fit
# failed, or its end is not believed. Where an adapter finds only within the fit that the start is
# none, it begins cold there: then there are both.
try_start <- function(request, session, start) {
  declined <- NULL
  seeded <- NULL
  held <- hold_conditions(tryCatch(
    withCallingHandlers(
      {
        seeded <- start_call(request, start)
        list(outcome = run_observed(request, session, seeded, start), failed = FALSE)
      },
      warmstart_seed_declined = function(c) {
        declined <<- conditionMessage(c)
        inform_cold(declined)
      }
    ),
    warmstart_seed_unfit = function(e) {
      list(why = conditionMessage(e), failed = inherits(e, "warmstart_seed_doubtful"))
    },
    error = function(e) {
      list(why = paste0("the fit failed, ", conditionMessage(e)), failed = TRUE)
    }
  ), "warning")
  attempt <- held$value
  if (is.null(attempt$outcome)) {
    return(attempt)
  }
  if (!is.null(declined)) {
    attempt$why <- declined
    attempt$failed <- TRUE
    attempt$outcome$start <- cold_start()
    attempt$outcome$used <- FALSE
  } else {
    why <- doubt(request, start, seeded, attempt$outcome)
    if (!is.null(why)) {
      return(list(why = why, failed = TRUE))
    }
  }
  attempt$outcome["raw"] <- list(NULL) # with all that its call holds
  if (may_be_refused(start)) say(attempt$outcome$said)
  say(held$said)
  attempt
}

# What comes of it may not be believed, and is not to be heard then.
may_be_refused <- function(start) start$relation != "none" && !start$goes_on

start_call <- function(request, start) {
  if (start$relation == "quick") {
    request$adapter$quickstart(request$asked, request$env)
  } else {
    request$adapter$seed(request$asked, request$env, start$state, start$relation)
  }
}

# Why the end of a fit that began elsewhere than a cold one is not believed; NULL where it is. What
# goes on from the fit's own interrupted run is believed as the uncut fit would be.
doubt <- function(request, start, seeded, outcome) {
  before <- start$entry$objective
  after <- outcome$end$objective
  if (start$relation == "exact" && isTRUE(after > before + 1e-6 * max(abs(before), 1))) {
    return("the fit ended worse than it began.")
  }
  if (start$goes_on) {
    return(NULL)
  }
  if (!isTRUE(outcome$converged)) {
    return("the fit did not converge.")
  }
  if (!is_sound(outcome)) {
    warned <- Find(function(said) inherits(said, "warning"), outcome$said)
    return(full_stop(paste0("the fit warned: ", one_line(conditionMessage(warned)))))
  }
  random <- save_random_state()
  on.exit(restore_random_state(random))
  verdict <- tryCatch(
    suppressMessages(suppressWarnings(
      request$adapter$certify(
        outcome$fit, request$asked, request$env,
        c(start, list(call = seeded, raw = outcome$raw))
      )
    )),
    error = function(e) paste0("its end could not be certified, ", conditionMessage(e))
  )
  if (!isTRUE(verdict)) {
    full_stop(if (is.character(verdict)) verdict[[1]] else "its end was not certified")
  }
}

run_observed <- function(request, session, call, start) {
  force(call) # where a start that does not fit says so
  announce(start)
  or_nothing(announce_begins(session, start))
  begin_attempt(session, start)
  began <- proc.time()[["elapsed"]]
  elapsed <- function() start$seconds + proc.time()[["elapsed"]] - began
  checkpoints <- 0
  expected <- function() expected_iterations(request, session, start)
  progress <- new_progress(start, expected, elapsed)
  on.exit(progress$done())
  ear <- new_ear(progress$is_showing, holds = may_be_refused(start))
  reported <- NA
  saved <- if (start$interrupted) start$iterations
  # `state` is evaluated where it is to be written, and nowhere else.
  report <- function(state, objective, iteration) {
    tryCatch(
      {
        reported <<- iteration
        iterations <- start$iterations + iteration
        seconds <- elapsed()
        payload <- function() {
          list(
            state = state, iterations = iterations, seconds = seconds, seeded = is_seeded(start),
            said = plain_conditions(kept_conditions(ear$said(), request)),
            keys = all_keys(request)
          )
        }
        early <- seconds - start$seconds < waits$first_checkpoint
        kept <- offer_iterate(session, payload, objective, iterations, early)
        checkpoints <<- checkpoints + kept
        if (kept) saved <<- iterations
        progress$tell(iterations, objective, seconds, kept)
        if (kept && checkpoints == 1) keep_sketch(request, session_store(session))
      },
      error = function(e) NULL
    )
  }
  attr(report, "tick") <- progress$tick
  observed <- or_nothing(request$adapter$observe(call, request$env, report)) %||% call
  on_interrupt <- function(condition) {
    progress$done()
    announce_interrupt(saved)
  }
  made <- withCallingHandlers(
    ear$hear({
      if (!isTRUE(request$adapter$replays)) say(given_conditions(start$said, request))
      withVisible(as_if_called(request, observed, evaluate_asked(request, observed)))
    }),
    interrupt = on_interrupt
  )
  raw <- made$value
  fit <- or_nothing(restored(request, raw)) %||% raw
  end <- or_nothing(fit_state(request$adapter, fit, request$asked, request$env))
  if (is.list(end) && (is.null(end$iteration) || is.na(end$iteration))) end$iteration <- reported
  new_outcome(
    fit = fit, raw = raw, end = end,
    converged = or_nothing(request$adapter$converged(fit)),
    said = ear$said(), start = start, seconds = elapsed(),
    seconds_now = elapsed() - start$seconds, checkpoints = checkpoints, visible = made$visible
  )
}

evaluate_asked <- function(request, call) {
  if (!is.null(request$evaluated$home)) {
    evaluate_promised(request$evaluated, call, request$env)
  } else {
    evaluate_at(call, request$env)
  }
}

# The fit as the call would have left it. An adapter may ask for what the arguments came to, and for
# the call as it was written.
restored <- function(request, fit) {
  restore <- request$adapter$restore
  switch(as.character(length(formals(restore))),
    "5" = restore(fit, request$call, request$env, request$values, request$expr),
    "4" = restore(fit, request$call, request$env, request$values),
    restore(fit, request$call, request$env)
  )
}

# Errors and warnings of the fitter name the call that the user wrote; one that the fitter passes
# its arguments on to, those that the user gave.
as_if_called <- function(request, called, fit) {
  with_calls(fit, function(call) {
    if (identical(call, called)) request$expr else without_changes(call, called, request$call)
  })
}

as_if_unmarked <- function(value) with_calls(value, unmark)

# The calls of conditions in `expr` as `written` makes them.
with_calls <- function(expr, written) {
  withCallingHandlers(
    expr,
    error = function(e) {
      call <- written(e$call)
      if (!identical(call, e$call)) {
        e$call <- call
        stop(e)
      }
    },
    warning = function(w) {
      call <- written(w$call)
      if (!identical(call, w$call)) {
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

save_random_state <- function() globalenv()[[".Random.seed"]]

restore_random_state <- function(state) {
  if (is.null(state)) {
    if (!is.null(save_random_state())) rm(".Random.seed", envir = globalenv())
  } else {
    assign(".Random.seed", state, envir = globalenv())
  }
}

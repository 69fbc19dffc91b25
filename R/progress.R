# What a person sees of a long fit: one line while it runs, gone when it ends, and one at the end.
#
#   new_progress(start, expect)    a list of two functions:
#   tell(iterations, objective, seconds, kept)   to be called for each new iterate; never fails
#   done()                                       to be called however the fit ends
#
# `iterations` and `seconds` include what was spent before an interruption. For its first seconds,
# and where nobody is to see it, a fit pays one comparison an iterate.

progress_after <- 2 # seconds

# expect()   outer iterations that the fit may take in all, or NULL; asked once a line is due
# display    list(interval, show(line, share), close()); NULL: nothing is shown
new_progress <- function(start, expect, display = progress_display()) {
  if (is.null(tryCatch(display, error = function(e) NULL))) {
    return(list(tell = function(...) NULL, done = function() NULL))
  }
  due <- start$seconds + progress_after
  saved <- NULL
  expected <- NULL
  show <- function(iterations, objective, seconds) {
    expected <<- expected %||% list(iterations = expect())
    share <- share_done(iterations, expected$iterations)
    display$show(progress_line(iterations, objective, seconds, saved, share), share)
    due <<- seconds + display$interval
  }
  list(
    tell = function(iterations, objective, seconds, kept) {
      if (kept) saved <<- seconds
      if (seconds >= due && !succeeds(show(iterations, objective, seconds))) {
        due <<- Inf
      }
    },
    done = function() {
      succeeds(display$close())
    }
  )
}

# What is shown is beside the fit: it fails in silence, and draws no random numbers of the fit's.
succeeds <- function(expr) {
  random <- save_random_state()
  on.exit(restore_random_state(random))
  tryCatch(
    {
      expr
      TRUE
    },
    error = function(e) FALSE
  )
}

# What a finished fit of the same model took, on this data or others; related models come last.
expected_iterations <- function(request, session, start) {
  same <- without_trust_warnings(
    store_lookup(session_store(session), request$key$specification, select = "latest")
  )
  for (entry in list(same, if (!start$interrupted) start$entry)) {
    iterations <- if (has_state(entry)) count_of(entry$payload$iterations) else 0
    if (iterations > 0) {
      return(iterations)
    }
  }
  NULL
}

# Between 0 and 1; NULL where it is not known, or no guide any more.
share_done <- function(iterations, expected) {
  if (!is.null(expected) && isTRUE(iterations > 0 && iterations < expected)) {
    iterations / expected
  }
}

# Iterations take about the same time each.
progress_line <- function(iterations, objective, seconds, saved, share) {
  facts <- c(
    paste("iteration", format(iterations, scientific = FALSE)),
    if (isTRUE(is.finite(objective))) paste("objective", format(objective, digits = 9)),
    brief_age(seconds),
    if (is.null(saved)) {
      "nothing saved yet"
    } else if (seconds - saved < 1) {
      "saved"
    } else {
      paste("saved", brief_age(seconds - saved), "ago")
    }
  )
  left <- if (!is.null(share)) {
    paste0("; ", floor(100 * share), " %, ", brief_age(seconds * (1 / share - 1)), " left")
  }
  paste0(paste(facts, collapse = ", "), left)
}

# Where it is shown. ---------------------------------------------------------------------------

progress_display <- function() {
  wanted <- getOption("warmstart.progress")
  if (isFALSE(wanted)) {
    NULL
  } else if (progressr_listens()) {
    progressr_display()
  } else if (isTRUE(wanted) || is_watched()) {
    cli_display()
  }
}

is_watched <- function() {
  interactive() && !isTRUE(getOption("knitr.in.progress")) &&
    !identical(Sys.getenv("TESTTHAT"), "true")
}

# Redrawn in place five times a second at most; where a line stays, as in a log, one in ten
# seconds.
cli_display <- function() {
  bar <- NULL
  list(
    interval = if (cli::is_dynamic_tty()) 0.2 else 10,
    show = function(line, share) {
      old <- options(cli.progress_show_after = 0)
      on.exit(options(old))
      line <- list(line = cli::ansi_strtrim(line, cli::console_width() - 1))
      if (is.null(bar)) {
        bar <<- cli::cli_progress_bar(
          format = "{cli::pb_extra$line}", extra = line, total = NA, clear = TRUE,
          current = FALSE, .auto_close = FALSE
        )
      }
      cli::cli_progress_update(id = bar, extra = line, force = TRUE)
    },
    close = function() {
      if (!is.null(bar)) cli::cli_progress_done(id = bar)
    }
  )
}

# progressr's handlers are global ones, or those of the innermost with_progress() under way.
progressr_listens <- function() {
  if (!isNamespaceLoaded("progressr") || !getOption("progressr.enable", interactive())) {
    return(FALSE)
  }
  for (n in rev(seq_len(sys.nframe()))) {
    fun <- sys.function(n)
    if (identical(fun, progressr::with_progress)) {
      return(TRUE)
    }
    if (identical(fun, progressr::without_progress)) {
      return(FALSE)
    }
  }
  isTRUE(progressr::handlers(global = NA))
}

# In hundredths; where the share is not known the text alone moves on.
progressr_display <- function() {
  progressor <- NULL
  shown <- 0
  list(
    interval = 0,
    show = function(line, share) {
      if (is.null(progressor)) {
        progressor <<- progressr::progressor(100, on_exit = FALSE, auto_finish = FALSE)
      }
      now <- max(shown, floor(100 * (share %||% 0)))
      progressor(message = line, amount = now - shown)
      shown <<- now
    },
    close = function() {
      if (!is.null(progressor)) progressor(type = "finish", amount = 0)
    }
  )
}

# The line at the end. -------------------------------------------------------------------------

# `saved` is what keep_finished() tells, or NULL where something went wrong beside the fit, which
# has been said.
announce_end <- function(session, outcome, saved) {
  if (!is.null(saved)) {
    inform(end_line(outcome, saved, session_status(session)$reason))
  }
}

end_line <- function(outcome, saved, failure) {
  if (!is.na(failure)) {
    return(paste0("The finished fit was not saved: ", failure, "."))
  }
  if (saved == "nothing") {
    return(paste0(
      "Not saved as finished, since it did not converge",
      if (outcome$checkpoints > 0) "; its best iterate is kept", "."
    ))
  }
  start <- outcome$start
  spent <- function(n, seconds) {
    paste(c(if (isTRUE(n > 0)) counted(n, "iteration"), format_age(seconds)), collapse = " in ")
  }
  paste0(
    if (saved == "fit") "Saved the finished fit" else "Saved the estimates of the finished fit",
    ", after ", spent(outcome$end$iteration, outcome$seconds_now),
    if (start$interrupted) {
      paste0(" (and ", spent(start$iterations, start$seconds), " before)")
    }, "."
  )
}

# What a person sees of a long fit: one line while it runs, gone when it ends, and one at the end.
#
#   new_progress(start, expect, elapsed)    a list of functions:
#   tell(iterations, objective, seconds, kept)   to be called for each new iterate; never fails
#   tick()                                       to be called as often as one likes in between, so
#                                                that the clock goes on; NULL where nobody looks
#   done()                                       to be called however the fit ends
#   is_showing()                                 is what is said just now the line?
#
# `iterations` and `seconds` include what was spent before an interruption. For its first seconds,
# and where nobody is to see it, a fit pays one comparison an iterate.

progress_after <- 2 # seconds
progress_tick <- 1 # seconds: what the line shows of time is no finer

# expect()   see expected_iterations(); asked once a line is due
# elapsed()  seconds of fitting until now
# display    list(interval, show(line, share), close()); NULL: nothing is shown
new_progress <- function(start, expect, elapsed = NULL, display = progress_display()) {
  if (is.null(tryCatch(display, error = function(e) NULL))) {
    return(list(
      tell = function(...) NULL, done = function() NULL, is_showing = function() FALSE
    ))
  }
  due <- start$seconds + progress_after
  tick_due <- due
  last <- list(seconds = start$seconds)
  saved <- NULL
  if (start$interrupted) {
    last[c("iterations", "objective")] <- list(start$iterations, start$entry$objective)
    saved <- start$seconds
  }
  expected <- NULL
  showing <- FALSE
  show <- function(seconds) {
    showing <<- TRUE
    on.exit(showing <<- FALSE)
    expected <<- expected %||% c(list(), expect())
    done <- progress_share(last, expected)
    display$show(progress_line(last, seconds, saved, done), done$share)
    due <<- seconds + display$interval
    tick_due <<- seconds + max(display$interval, progress_tick)
  }
  attempt <- function(seconds) {
    if (!succeeds(show(seconds))) due <<- tick_due <<- Inf
  }
  list(
    tell = function(iterations, objective, seconds, kept) {
      last <<- list(iterations = iterations, objective = objective, seconds = seconds)
      if (kept) saved <<- seconds
      if (seconds >= due) attempt(seconds)
    },
    tick = sparingly(function() {
      seconds <- elapsed()
      if (seconds >= tick_due) attempt(seconds)
      seconds
    }),
    done = function() {
      succeeds(display$close())
    },
    is_showing = function() showing
  )
}

# A function that calls `read`, which tells the time in seconds, with one of its own calls in up to
# 64, as long as these are short: the clock costs ten times as much as counting.
sparingly <- function(read) {
  every <- 1
  left <- 1
  before <- -Inf
  function() {
    left <<- left - 1
    if (left <= 0) {
      now <- read()
      every <<- if (now - before < 0.1) min(2 * every, 64) else 1
      left <<- every
      before <<- now
    }
  }
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

# What a finished fit of the same model took, on this data or others; related models come last: a
# list of `iterations`, and `bound`: 1 where this fit should take fewer, since it began from another
# one's estimates and that one did not; -1 the other way round. NULL where nothing is known.
expected_iterations <- function(request, session, start) {
  same <- without_trust_warnings(
    store_lookup(session_store(session), request$key$specification, select = "latest")
  )
  for (entry in list(same, if (!start$interrupted) start$entry)) {
    iterations <- if (has_state(entry)) count_of(entry$payload$iterations) else 0
    if (iterations > 0) {
      bound <- is_seeded(start) - isTRUE(entry$payload$seeded)
      return(list(iterations = iterations, bound = bound))
    }
  }
  NULL
}

# What of a fit is done at its last iterate: `share`, between 0 and 1, `seconds` that it will take
# in all if iterations take the same time each, and `bound`. NULL where it is not known, or no guide
# any more.
progress_share <- function(last, expected) {
  share <- last$iterations / expected$iterations
  if (isTRUE(share > 0 && share < 1)) {
    list(share = share, seconds = last$seconds / share, bound = expected$bound)
  }
}

progress_line <- function(last, seconds, saved, done) {
  facts <- c(
    if (is.null(last$iterations)) {
      "first iteration"
    } else {
      paste("iteration", format(last$iterations, scientific = FALSE))
    },
    if (isTRUE(is.finite(last$objective))) paste("objective", format(last$objective, digits = 9)),
    clock(seconds),
    if (is.null(saved)) {
      "nothing saved yet"
    } else if (seconds - saved < 1) {
      "saved"
    } else {
      paste("saved", brief_age(seconds - saved), "ago")
    }
  )
  paste(c(paste(facts, collapse = ", "), share_text(done, seconds)), collapse = "; ")
}

# No time is left where the iteration takes longer than those before: then the share stands alone.
share_text <- function(done, seconds) {
  if (!is.null(done)) {
    signs <- c("<", "", ">")
    left <- done$seconds - seconds
    paste(c(
      paste0(signs[[2 + done$bound]], floor(100 * done$share), " %"),
      if (left >= 1) paste0(signs[[2 - done$bound]], brief_age(left), " left")
    ), collapse = ", ")
  }
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
progress_interval <- c(redrawn = 0.2, logged = 10)

cli_display <- function() {
  bar <- NULL
  list(
    interval = progress_interval[[if (cli::is_dynamic_tty()) "redrawn" else "logged"]],
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
  paste0(
    if (saved == "fit") "Saved the finished fit" else "Saved the fit's estimates",
    if (!isTRUE(outcome$converged)) ", which did not converge", ", after ",
    effort_in_all(outcome$start, outcome$end$iteration, outcome$seconds_now), "."
  )
}

# Of a resumed fit, that before the interruption and now.
effort_in_all <- function(start, iterations, seconds) {
  if (start$interrupted) {
    iterations <- c(start$iterations, iterations)
    seconds <- c(start$seconds, seconds)
  }
  paste(c(
    if (isTRUE(sum(iterations) > 0)) {
      numbers <- format(iterations, scientific = FALSE, trim = TRUE)
      paste0(paste(numbers, collapse = " + "), " iteration", if (sum(iterations) != 1) "s")
    },
    paste(if (start$interrupted) brief_age(seconds) else spell_seconds(seconds), collapse = " + ")
  ), collapse = " in ")
}

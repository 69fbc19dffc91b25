# A display that remembers what it was asked to show.
recording_display <- function(interval = 0) {
  seen <- list(lines = character(), shares = list(), closed = 0)
  list(
    interval = interval,
    show = function(line, share) {
      seen$lines <<- c(seen$lines, line)
      seen$shares <<- c(seen$shares, list(share))
    },
    close = function() seen$closed <<- seen$closed + 1,
    seen = function() seen
  )
}

# The lines that a fit shows whose iterates come at `seconds`; every one is saved.
lines_of <- function(seconds, start = cold_start(), expected = NULL, interval = 0) {
  display <- recording_display(interval)
  progress <- new_progress(start, function() expected, display = display)
  for (i in seq_along(seconds)) {
    progress$tell(start$iterations + i, 100 / i, seconds[[i]], TRUE)
  }
  display$seen()$lines
}

# As if a fit had been running for a while at its first iterate.
show_at_once <- function(env = parent.frame()) {
  local_internal("progress_after", 0, env)
}

# When ------------------------------------------------

test_that("for two seconds a fit shows nothing", {
  expect_identical(lines_of(c(0.5, 1.9)), character())
})

test_that("from two seconds on it shows its iterates", {
  expect_length(lines_of(c(1, 2, 3)), 2)
})

test_that("a resumed fit's two seconds are its own", {
  start <- list(interrupted = TRUE, iterations = 5, seconds = 100)
  expect_length(lines_of(c(100.5, 101.9, 102.1), start), 1)
})

test_that("lines keep the display's distance", {
  expect_length(lines_of(2 + seq(0, 1, by = 0.05), interval = 0.26), 4)
})

test_that("a script, a test and a document see no line", {
  skip_if_not_installed("withr")
  withr::local_options(warmstart.progress = NULL)
  expect_null(progress_display())
})

test_that("the option shows the line, or hides it", {
  skip_if_not_installed("withr")
  withr::local_options(warmstart.progress = TRUE)
  expect_type(progress_display(), "list")
  withr::local_options(warmstart.progress = FALSE)
  expect_null(progress_display())
})

# What ------------------------------------------------

test_that("a line tells iteration, objective, seconds and the last checkpoint", {
  iterate <- list(iterations = 7, objective = 1234.5, seconds = 35)
  expect_identical(
    progress_line(iterate, 35, saved = 35, done = NULL),
    "iteration 7, objective 1234.5, 35 s, saved"
  )
  expect_identical(
    progress_line(iterate, 135, saved = 95, done = NULL),
    "iteration 7, objective 1234.5, 2:15, saved 40 s ago"
  )
  iterate$objective <- NaN
  expect_identical(
    progress_line(iterate, 7200, saved = NULL, done = NULL),
    "iteration 7, 2:00:00, nothing saved yet"
  )
  expect_identical(
    progress_line(list(seconds = 0), 5, saved = NULL, done = NULL),
    "first iteration, 5 s, nothing saved yet"
  )
})

# A guide that began as this fit did.
like <- function(iterations, bound = 0) list(iterations = iterations, bound = bound)

test_that("a line tells the share done and the time left, where they are known", {
  expect_identical(
    lines_of(c(1, 30), expected = like(4))[[1]],
    "iteration 2, objective 50, 30 s, saved; 50 %, 30 s left"
  )
})

test_that("a seeded fit's share is a bound where the fit before was not seeded, and vice versa", {
  expect_match(lines_of(c(1, 30), expected = like(4, 1))[[1]], "; >50 %, <30 s left$")
  expect_match(lines_of(c(1, 30), expected = like(4, -1))[[1]], "; <50 %, >30 s left$")
})

test_that("a fit that takes longer than the one before tells no share", {
  expect_no_match <- function(line) expect_false(grepl("%", line))
  lapply(lines_of(c(30, 40, 50), expected = like(1)), expect_no_match)
})

test_that("the number of iterations to expect is asked for once, and not before it is due", {
  asked <- 0
  progress <- new_progress(cold_start(), function() {
    asked <<- asked + 1
    NULL
  }, display = recording_display())
  progress$tell(1, 1, 1, TRUE)
  expect_identical(asked, 0)
  progress$tell(2, 1, 2, TRUE)
  progress$tell(3, 1, 3, TRUE)
  expect_identical(asked, 1)
})

test_that("a long line fits 80 columns", {
  iterate <- list(iterations = 99, objective = -123456.789, seconds = 3400)
  done <- progress_share(iterate, like(171))
  expect_lte(nchar(progress_line(iterate, 3500, saved = 3400, done)), 80)
})

test_that("a display that fails is not asked again, and stops nothing", {
  tried <- 0
  display <- list(interval = 0, close = function() stop("broken"), show = function(...) {
    tried <<- tried + 1
    stop("broken")
  })
  progress <- new_progress(cold_start(), function() NULL, display = display)
  for (second in 1:9) {
    progress$tell(second, 1, second, TRUE)
  }
  expect_silent(progress$done())
  expect_identical(tried, 1)
})

test_that("an expectation that fails stops nothing", {
  progress <- new_progress(cold_start(), function() stop("broken"), display = recording_display())
  expect_silent(progress$tell(1, 1, 9, TRUE))
})

# Between iterates ------------------------------------------------

# A fit that shows what it does, whose time is a parameter.
ticking_fit <- function(start = cold_start(), expected = NULL, interval = 0.2) {
  display <- recording_display(interval)
  now <- start$seconds
  progress <- new_progress(start, function() expected, function() now, display)
  list(
    iterate = function(seconds, iterations) {
      now <<- seconds
      progress$tell(iterations, 100 / iterations, seconds, TRUE)
    },
    tick = function(seconds) {
      now <<- seconds
      progress$tick()
    },
    lines = function() display$seen()$lines
  )
}

test_that("the clock goes on within an iteration, a second at a time", {
  fit <- ticking_fit()
  fit$iterate(10, 3)
  for (seconds in seq(10.3, 12.9, by = 0.3)) fit$tick(seconds)
  expect_identical(fit$lines(), paste(
    "iteration 3, objective 33.3333333,",
    c("10 s, saved", "11 s, saved 1 s ago", "12 s, saved 2 s ago")
  ))
})

test_that("the first iteration shows its clock", {
  fit <- ticking_fit()
  fit$tick(1)
  fit$tick(5)
  expect_identical(fit$lines(), "first iteration, 5 s, nothing saved yet")
})

test_that("the first iteration of a resumed fit shows where it goes on", {
  entry <- list(objective = 12.5)
  fit <- ticking_fit(list(interrupted = TRUE, iterations = 5, seconds = 100, entry = entry))
  fit$tick(103)
  expect_identical(fit$lines(), "iteration 5, objective 12.5, 1:43, saved 3 s ago")
})

test_that("the time left gets less within an iteration, and is not told when it is over", {
  fit <- ticking_fit(expected = like(4))
  fit$iterate(30, 2)
  for (seconds in c(40, 55, 70)) fit$tick(seconds)
  expect_match(fit$lines()[[2]], "; 50 %, 20 s left$")
  expect_match(fit$lines()[[3]], "; 50 %, 5 s left$")
  expect_match(fit$lines()[[4]], "; 50 %$")
})

test_that("a clock that is asked too often is read with one call in 64", {
  read <- 0
  ask <- sparingly(function() {
    read <<- read + 1
    0
  })
  for (i in 1:6400) ask()
  expect_lt(read, 110)
})

test_that("a clock that is asked rarely is read each time, also after it was asked often", {
  now <- 0
  read <- 0
  ask <- sparingly(function() {
    read <<- read + 1
    now
  })
  for (i in 1:1000) ask()
  read <- 0
  for (i in 1:200) {
    now <- i
    ask()
  }
  expect_gt(read, 200 - 64)
})

# Real fits ------------------------------------------------

has_terminals <- function() {
  Sys.info()[["sysname"]] != "Linux" || file.exists("/dev/pts/ptmx")
}

end_of_output <- "<end>"

# What a child process writes to its terminal, or where it has none, to stderr.
child_output <- function(code, terminal, interactive = FALSE) {
  skip_if_not_installed("processx")
  skip_if_not_installed("withr")
  skip_if_not_installed("mgcv")
  skip_on_os("windows")
  script <- tempfile(fileext = ".R")
  writeLines(c(
    "suppressMessages({library(mgcv); library(warmstart)})",
    "space <- asNamespace('warmstart')",
    "set <- function(name, value) {",
    "  unlockBinding(name, space)",
    "  assign(name, value, space)",
    "}",
    "assign('first_checkpoint', 0, space$waits)",
    "set('progress_after', 0)",
    "set('progress_interval', c(redrawn = 0, logged = 0))",
    "quakes$strong <- quakes$mag > 4.6",
    paste("store <- warm_store(", deparse(tempfile("store")), ")"),
    "fit <- function(...) warm(gam(strong ~ s(depth) + s(lat), binomial, quakes, ...,",
    "                               method = 'REML'), store)",
    deparse(code),
    # What a terminal has not handed over goes with its other end: that stays until all is read.
    if (terminal) paste0("cat('", end_of_output, "'); Sys.sleep(60)")
  ), script)
  skip_if(terminal && !has_terminals(), "no pseudo-terminals here")
  run <- processx::process$new(
    file.path(R.home("bin"), if (interactive) "R" else "Rscript"),
    c("--vanilla", if (interactive) c("--no-echo", "--interactive") else script),
    pty = terminal, stdout = if (!terminal) "|", stderr = if (!terminal) "|",
    env = c("current", R_LIBS = paste(.libPaths(), collapse = ":"), TESTTHAT = "false")
  )
  withr::defer(run$kill())
  if (interactive) {
    run$write_input(paste0("source(", deparse(script), "); q('no')\n"))
  }
  # A terminal whose other end has gone away is an error to read.
  read <- function() {
    tryCatch(
      c(run$read_output(), if (!terminal) run$read_error()),
      error = function(e) NULL
    )
  }
  output <- ""
  while (run$is_alive() && !grepl(end_of_output, output, fixed = TRUE)) {
    run$poll_io(1000)
    output <- paste(c(output, read()), collapse = "")
  }
  sub(end_of_output, "", paste(c(output, read()), collapse = ""), fixed = TRUE)
}

# What stands on the lines of a terminal after it was written to: cursor to the first column, and
# erasing to the end of the line.
screen_of <- function(output) {
  output <- gsub("\033[[][?]25[lh]", "", output)
  lines <- strsplit(output, "\r?\n")[[1]]
  vapply(strsplit(lines, "\r"), function(written) {
    screen <- ""
    for (text in written) {
      erased <- grepl("\033[K", text, fixed = TRUE)
      text <- sub("\033[K", "", text, fixed = TRUE)
      rest <- if (erased) "" else substring(screen, nchar(text) + 1)
      screen <- paste0(text, rest)
    }
    trimws(screen, "right")
  }, "")
}

test_that("on a terminal the line is shown, and gone after the fit", {
  output <- child_output(quote({
    options(warmstart.progress = TRUE)
    invisible(fit())
    cat("after\n")
  }), terminal = TRUE)
  expect_match(output, "iteration 0, objective [0-9.]+, [0-9]+ s, saved")
  expect_match(screen_of(output), "^warmstart: Saved the finished fit", all = FALSE)
  expect_false(any(grepl("objective", screen_of(output))))
})

test_that("a person at a terminal sees the line without asking for it", {
  output <- child_output(quote(invisible(fit())), terminal = TRUE, interactive = TRUE)
  expect_match(output, "iteration 0, objective [0-9.]+, [0-9]+ s, saved")
  expect_false(any(grepl("objective", screen_of(output))))
})

test_that("the line is gone after an error in the fit", {
  output <- child_output(quote({
    options(warmstart.progress = TRUE)
    calls <- 0
    broken <- binomial()
    residuals <- broken$dev.resids
    broken$dev.resids <- function(y, mu, wt) {
      calls <<- calls + 1
      if (calls > 40) stop("broken on purpose")
      residuals(y, mu, wt)
    }
    quakes$strong <- as.numeric(quakes$strong)
    try(warm(gam(strong ~ s(depth) + s(lat), broken, quakes, method = "REML"), store))
    cat("after\n")
  }), terminal = TRUE)
  expect_match(output, "iteration 0, objective [0-9.]+, [0-9]+ s, saved")
  expect_match(output, "broken on purpose")
  expect_false(any(grepl("objective", screen_of(output))))
  expect_true("after" %in% screen_of(output))
})

test_that("the line is gone after an interrupt", {
  output <- child_output(quote({
    options(warmstart.progress = TRUE)
    calls <- 0
    broken <- binomial()
    residuals <- broken$dev.resids
    broken$dev.resids <- function(y, mu, wt) {
      calls <<- calls + 1
      if (calls == 41) tools::pskill(Sys.getpid(), tools::SIGINT) # a second could end the handler
      residuals(y, mu, wt)
    }
    quakes$strong <- as.numeric(quakes$strong)
    tryCatch(
      warm(gam(strong ~ s(depth) + s(lat), broken, quakes, method = "REML"), store),
      interrupt = function(e) cat("interrupted\n")
    )
  }), terminal = TRUE)
  expect_match(output, "iteration 0, objective [0-9.]+, [0-9]+ s, saved")
  expect_true("interrupted" %in% screen_of(output))
  expect_false(any(grepl("objective", screen_of(output))))
  kept <- "warmstart: Interrupted. Iteration [0-9]+ is kept: the same line goes on from there."
  expect_length(grep(kept, screen_of(output)), 1)
})

test_that("an interrupt before anything was kept says so", {
  output <- child_output(quote({
    slow <- function(x) {
      tools::pskill(Sys.getpid(), tools::SIGINT)
      Sys.sleep(60)
    }
    tryCatch(warm(slow(1), store), interrupt = function(e) cat("interrupted\n"))
  }), terminal = FALSE)
  expect_match(output, "Interrupted before anything was kept", fixed = TRUE)
  expect_match(output, "\ninterrupted\n", fixed = TRUE)
})

test_that("a script says nothing between its start and its end", {
  output <- child_output(quote(invisible(fit())), terminal = FALSE)
  expect_match(output, "^warmstart: Saved the finished fit, after [^\n]*\n$")
})

test_that("a log gets whole lines, without control characters", {
  output <- child_output(quote({
    options(warmstart.progress = TRUE)
    invisible(fit())
  }), terminal = FALSE)
  expect_match(output, "^first iteration, [0-9]+ s, nothing saved yet\n")
  expect_match(output, "\niteration 0, objective [0-9.]+, [0-9]+ s, saved\n")
  expect_false(grepl("[\r\033]", output))
})

test_that("a fit's iterates are shown as they come, and its random numbers left alone", {
  skip_if_not_installed("mgcv")
  show_at_once()
  display <- recording_display()
  local_internal("progress_display", function() display)
  set.seed(1)
  before <- .Random.seed
  fit <- warm_call(earthquake_model)
  expect_identical(.Random.seed, before)
  expect_match(display$seen()$lines[[1]], "^first iteration, [0-9]+ s, nothing saved yet$")
  expect_match(display$seen()$lines[[2]], "^iteration 0, objective [0-9.]+, [0-9]+ s, saved$")
  expect_gte(length(display$seen()$lines), 1 + fit$outer.info$iter)
  expect_identical(display$seen()$closed, 1)
})

# By this criterion two iterations are left from a neighbour's end.
slow_to_end <- quote(gam(
  stations ~ s(depth) + s(lat) + s(mag), family = inverse.gaussian("log"), data = earthquakes
))

test_that("a fit that has a neighbour tells its share of the neighbour's iterations", {
  skip_if_not_installed("mgcv")
  show_at_once()
  store <- new_store()
  before <- warm_info(warm_call(slow_to_end, store))$iterations
  display <- recording_display()
  local_internal("progress_display", function() display)
  other_rows <- earthquakes[-1, ]
  model <- slow_to_end
  model$data <- quote(other_rows)
  warm_call(model, store)
  expect_match(display$seen()$lines, "^iteration 1, .*; >[0-9]+ %", all = FALSE)
  expect_true((1 / before) %in% unlist(display$seen()$shares))
})

test_that("a seeded fit is a guide to the next one that is", {
  skip_if_not_installed("mgcv")
  show_at_once()
  store <- new_store()
  display <- recording_display()
  local_internal("progress_display", function() display)
  for (left_out in 1:3) {
    other_rows <- earthquakes[-(40 * left_out + 1:40), ]
    model <- slow_to_end
    model$data <- quote(other_rows)
    warm_call(model, store)
  }
  shares <- regmatches(display$seen()$lines, regexpr("[<>]?[0-9]+ %", display$seen()$lines))
  expect_identical(substr(shares, 1, 1) == ">", seq_along(shares) <= sum(grepl(">", shares)))
  expect_match(shares, "^>[0-9]", all = FALSE)
  expect_match(shares, "^[0-9]", all = FALSE)
})

test_that("a checkpoint tells whether its fit was seeded, also when it is resumed", {
  skip_if_not_installed("mgcv")
  store <- new_store()
  seeded <- logical()
  local_internal("session_checkpoint", function(session, payload, ...) {
    seeded <<- c(seeded, payload$seeded)
    TRUE
  })
  warm_call(earthquake_model, store)
  expect_false(any(seeded))
  seeded <- logical()
  other_rows <- earthquakes[-1, ]
  model <- earthquake_model
  model$data <- quote(other_rows)
  warm_call(model, store)
  expect_true(all(seeded))
  resumed <- list(interrupted = TRUE, entry = list(payload = list(seeded = TRUE)))
  expect_true(is_seeded(resumed))
})

# Lines that a fit shows where each time that its functions look at the clock shows one.
lines_within <- function(call, env = parent.frame()) {
  show_at_once()
  local_internal("progress_tick", 0)
  display <- recording_display()
  local_internal("progress_display", function() display)
  warm_call(call, env = env)
  display$seen()$lines
}

repeated <- function(lines) max(table(sub(", [^,]*, (saved|nothing).*", "", lines)))

test_that("a gam's clock goes on within an iteration", {
  skip_if_not_installed("mgcv")
  expect_gt(repeated(lines_within(earthquake_model)), 1)
})

test_that("an optimiser's clock goes on between better points", {
  banana <- function(x) 100 * (x[2] - x[1]^2)^2 + (1 - x[1])^2
  expect_gt(repeated(lines_within(quote(optim(c(-1.2, 1), banana)))), 1)
})

test_that("a mixed model's clock goes on between better points", {
  skip_if_not_installed("lme4")
  model <- quote(lme4::lmer(Reaction ~ Days + (Days | Subject), lme4::sleepstudy))
  expect_gt(repeated(lines_within(model)), 1)
})

test_that("no function of a fit looks at a clock where nobody sees it", {
  looked <- 0
  local_internal("sparingly", function(read) function() looked <<- looked + 1)
  display <- recording_display()
  local_internal("progress_display", function() display)
  search <- quote(optim(c(-1.2, 1), function(x) sum(x^2)))
  warm_call(search)
  expect_gt(looked, 50)
  looked <- 0
  display <- NULL
  warm_call(search)
  expect_identical(looked, 0)
})

test_that("a resumed fit goes on with the share it had", {
  skip_if_not_installed("mgcv")
  show_at_once()
  store <- interrupted_store(earthquake_model, 4)
  other_rows <- earthquakes[-1, ]
  model <- earthquake_model
  model$data <- quote(other_rows)
  before <- warm_info(warm_call(model, store))$iterations
  display <- recording_display()
  local_internal("progress_display", function() display)
  warm_call(earthquake_model, store)
  expect_match(display$seen()$lines[[1]], "^iteration 3, .*, [0-9]+ s, saved; ")
  expect_equal(display$seen()$shares[[1]], 3 / before)
})

# progressr ------------------------------------------------

progressions_of <- function(expr) {
  skip_if_not_installed("progressr")
  skip_if_not_installed("withr")
  withr::local_options(progressr.enable = TRUE)
  seen <- list()
  handler <- progressr::make_progression_handler("record", list(
    initiate = function(config, state, progression, ...) seen$steps <<- config$max_steps,
    update = function(config, state, progression, ...) {
      seen$messages <<- c(seen$messages, state$message)
      seen$at <<- c(seen$at, state$step)
    },
    finish = function(config, state, progression, ...) seen$finished <<- TRUE
  ), interval = 0, enable = TRUE)
  progressr::with_progress(expr, handlers = handler, interval = 0)
  seen
}

test_that("progressr's handlers are told of a fit", {
  skip_if_not_installed("mgcv")
  show_at_once()
  seen <- progressions_of(warm_call(earthquake_model))
  expect_match(seen$messages, "^iteration [0-9]+, objective .*, saved$", all = FALSE)
  expect_true(seen$finished)
})

test_that("progressr's handlers are told the share done", {
  seen <- progressions_of({
    progress <- new_progress(cold_start(), function() like(10))
    for (i in 1:9) {
      progress$tell(i, 1, 2 + i, TRUE)
    }
  })
  expect_identical(seen$steps, 100)
  expect_equal(seen$at[1:9], 10 * (1:9))
})

test_that("where progressr has a handler cli draws nothing", {
  skip_if_not_installed("progressr")
  skip_if_not_installed("withr")
  withr::local_options(progressr.enable = TRUE, warmstart.progress = TRUE)
  local_internal("cli_display", function() "cli")
  local_internal("progressr_display", function() "progressr")
  expect_identical(progressr::with_progress(progress_display()), "progressr")
  expect_identical(progressr::without_progress(progress_display()), "cli")
  expect_identical(progress_display(), "cli")
})

# The line at the end ------------------------------------------------

ended <- function(iterations, start = cold_start(), converged = TRUE) {
  new_outcome(
    fit = NULL, raw = NULL, end = list(iteration = iterations), converged = converged,
    said = list(), start = start, seconds = 35, seconds_now = 35, checkpoints = 7
  )
}

test_that("the line at the end tells what was saved", {
  expect_identical(
    end_line(ended(8), "fit", NA), "Saved the finished fit, after 8 iterations in 35 seconds."
  )
  expect_identical(end_line(ended(NA), "fit", NA), "Saved the finished fit, after 35 seconds.")
  expect_identical(
    end_line(ended(NA), "estimates", NA), "Saved the fit's estimates, after 35 seconds."
  )
  resumed <- list(interrupted = TRUE, iterations = 5, seconds = 180)
  expect_identical(
    end_line(ended(1, resumed), "fit", NA),
    "Saved the finished fit, after 5 + 1 iterations in 3 min + 35 s."
  )
})

test_that("the line at the end tells why nothing was saved", {
  expect_identical(
    end_line(ended(8), "nothing", "disk full"), "The finished fit was not saved: disk full."
  )
})

# What a fit says, as one string.
said_of <- function(call, store) {
  skip_if_not_installed("mgcv")
  skip_if_not_installed("withr")
  withr::local_options(warmstart.verbose = TRUE)
  paste(capture_messages(suppressWarnings(warm_call(call, store))), collapse = "")
}

test_that("a fit that cannot be saved says so at its end", {
  expect_match(
    said_of(earthquake_model, blocked_store()),
    "^warmstart: The finished fit was not saved: .*directory.*[.]\n$"
  )
})

test_that("a resumed fit tells at its end what was spent before", {
  expect_match(
    said_of(earthquake_model, interrupted_store(earthquake_model, 3)), paste0(
      "Saved the finished fit, after 2 [+] [0-9]+ iterations in 1 s [+] [0-9]+ s[.]"
    )
  )
})

test_that("a fit that did not converge says so at its end", {
  model <- earthquake_model
  model$control <- quote(list(newton = list(maxNstep = 1e-3), maxit = 2))
  if ("outerPIsteps" %in% names(formals(gam.control))) {
    model$control$outerPIsteps <- 0 # mgcv 1.8 only
  }
  expect_match(said_of(model, new_store()), "Saved the finished fit, which did not converge, after")
})

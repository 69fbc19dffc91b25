# One fit, which other processes ask for as well. Its objective notes who evaluates it. As long as
# the file `hold` is there, other processes than this one stop after some evaluations.

new_task <- function() {
  place <- tempfile("task")
  dir.create(place)
  task <- list(path = file.path(place, "store"), log = file.path(place, "log"))
  task$hold <- file.path(place, "hold")
  file.create(task$hold, paste0(task$hold, Sys.getpid()))
  task
}

run_task <- function(task, ...) {
  log <- task$log
  hold <- task$hold
  loss <- function(par) {
    cat(Sys.getpid(), "\n", file = log, append = TRUE)
    done <- length(readLines(log))
    is_free <- done < 20 || file.exists(paste0(hold, Sys.getpid()))
    while (!is_free && file.exists(hold)) Sys.sleep(0.01)
    sum((par - c(1, 3))^4) + 1
  }
  warm(optim(c(0, 0), loss), task$path, near = FALSE, ...)
}
environment(run_task) <- globalenv() # as in another process

start_twin <- function(task, ..., fun = run_task, env = parent.frame()) {
  skip_if_not_installed("callr")
  skip_if_not_installed("withr")
  twin <- callr::r_bg(
    function(fun, task, arguments) {
      suppressWarnings(library(warmstart))
      waits <- asNamespace("warmstart")$waits
      waits$first_checkpoint <- waits$report_interval <- 0
      options(warmstart.verbose = FALSE)
      environment(fun) <- globalenv()
      do.call(fun, c(list(task), arguments))
    },
    list(fun, task, list(...)),
    libpath = .libPaths(), env = callr::rcmd_safe_env()
  )
  withr::defer(twin$kill(), envir = env)
  twin
}

running <- function(task) sum(store_list(task$path)$state == "running")

wait_until <- function(process, seen) {
  for (look in 1:30000) { # rather than for ever
    if (!process$is_alive() || seen()) break
    process$wait(timeout = 5)
  }
  expect_true(process$is_alive() && seen())
}

who <- function(task) unique(trimws(readLines(task$log)))

# Runs it here, and calls `then` when it is told of the other.
run_here <- function(task, then, ...) {
  old <- options(warmstart.verbose = TRUE)
  on.exit(options(old))
  said <- character()
  fit <- withCallingHandlers(
    run_task(task, ...),
    warmstart_message = function(m) {
      text <- gsub("\\s+", " ", conditionMessage(m))
      said <<- c(said, text)
      if (grepl("is at this fit", text)) then()
      invokeRestart("muffleMessage")
    }
  )
  list(fit = fit, said = said)
}

test_that("who waits for another process takes its result, and evaluates nothing", {
  task <- new_task()
  twin <- start_twin(task)
  wait_until(twin, function() running(task) == 1)
  here <- run_here(task, function() file.remove(task$hold), wait = TRUE)
  expect_identical(warm_info()$source, "finished")
  expect_false(as.character(Sys.getpid()) %in% who(task))
  twin$wait(timeout = 60000)
  expect_identical(here$fit, twin$get_result())
  expect_match(here$said[[1]], "Waiting for another process, which is at this fit, at iteration")
  expect_identical(store_list(task$path)$state[[1]], "finished")
  expect_false(any(c("running", "interrupted") %in% store_list(task$path, all = TRUE)$state))
})

test_that("where the one that is waited for is killed, its last iterate is gone on from", {
  task <- new_task()
  twin <- start_twin(task)
  wait_until(twin, function() running(task) == 1)
  here <- run_here(task, function() crash(twin), wait = TRUE)
  expect_match(here$said, "has ended without a result", all = FALSE)
  expect_match(here$said, "Resuming from iteration", all = FALSE)
  expect_identical(warm_info()$source, "resumed")
  expect_gt(warm_info()$iterations_before, 0)
  fresh <- new_task()
  expect_identical(here$fit, run_task(fresh))
})

test_that("who does not wait says that another one is at it, and from whose iterate it goes on", {
  task <- new_task()
  twin <- start_twin(task)
  wait_until(twin, function() running(task) == 1)
  told <- 0
  here <- run_here(task, function() told <<- told + 1)
  expect_identical(told, 1)
  expect_match(here$said[[1]], "it is fitted here, too. `wait = TRUE` would wait", fixed = TRUE)
  expect_match(here$said[[2]], "Going on from its iteration", fixed = TRUE)
  expect_false(any(grepl("Resuming", here$said)))
  expect_true(twin$is_alive())
  crash(twin)
  expect_identical(here$fit, run_task(new_task()))
})

test_that("of several that begin at once and wait, one fits, though nothing of it is watched", {
  local_many_processes()
  slow <- function(task, ...) {
    log <- task$log
    hold <- task$hold
    work <- function(x) {
      cat(Sys.getpid(), "\n", file = log, append = TRUE)
      while (file.exists(hold)) Sys.sleep(0.01)
      x
    }
    warm(work(7), task$path, wait = TRUE)
  }
  task <- new_task()
  twins <- list(start_twin(task, fun = slow), start_twin(task, fun = slow))
  wait_until(twins[[1]], function() running(task) == 2 && file.exists(task$log))
  file.remove(task$hold)
  for (twin in twins) {
    twin$wait(timeout = 60000)
    expect_identical(twin$get_result(), 7)
  }
  expect_length(who(task), 1)
  expect_identical(store_list(task$path)$state, "finished")
})

test_that("who waits where nobody else is fits at once, and leaves no trace of waiting", {
  store <- new_store()
  fit <- warm(glm(am ~ wt, binomial, mtcars), store, wait = TRUE)
  expect_identical(warm_info(fit)$source, "cold")
  expect_false(any(c("running", "interrupted") %in% store_list(store, all = TRUE)$state))
  again <- warm(glm(am ~ wt, binomial, mtcars), store, wait = TRUE, reuse = FALSE)
  expect_identical(warm_info(again)$source, "seeded")
  expect_argument_error(warm(glm(am ~ wt, binomial, mtcars), store, wait = NA), "wait")
})

test_that("a session of this very process is not waited for", {
  store <- new_store()
  key <- warm_find(glm(am ~ wt, binomial, mtcars), store)$key
  session <- warm_session(store, key)
  session_checkpoint(session, list(1), objective = 1, iteration = 3)
  fit <- warm(glm(am ~ wt, binomial, mtcars), store, wait = TRUE)
  expect_s3_class(fit, "glm")
  session_close(session)
})

test_that("where the store cannot be written the fit is made", {
  store <- blocked_store()
  expect_warning(
    fit <- warm(glm(am ~ wt, binomial, mtcars), store, wait = TRUE),
    class = "warmstart_warning_store"
  )
  expect_s3_class(fit, "glm")
})

# What is believed of a fit that began elsewhere than a cold one, and what is made of the rest. The
# fitter takes the mean, from `start` by as many steps as it is told; its adapter is told by the
# test what to make of the end. Each run leaves a line in a file.

trace <- tempfile()

fit_mean <- function(y, start = NULL, says = NULL, stops = NULL, tells = FALSE) {
  begins <- if (is.null(start)) "cold" else "warm"
  cat(begins, "\n", file = trace, append = TRUE)
  if (tells) message(begins)
  if (!is.null(stops) && !is.null(start)) stop(stops)
  if (!is.null(says) && (says != "if warm" || !is.null(start))) warning(says)
  list(mean = mean(y), objective = sum((y - mean(y))^2), converged = TRUE)
}

local_adapter <- function(..., certify = function(fit, call, env, start) TRUE,
                          env = parent.frame()) {
  before <- registry$adapters
  withr::defer(registry$adapters <- before, envir = env)
  unlink(trace)
  register_warm_adapter(warm_adapter(
    "fit_mean",
    recognises = function(fun) identical(fun, fit_mean),
    identify = function(call, env) {
      identify_call(call, env, "fit_mean", ignored = c("start", "says", "stops", "tells"))
    },
    seed = function(call, env, state, relation) {
      call$start <- state$mean
      call
    },
    state = function(fit) {
      list(state = list(mean = fit$mean), objective = fit$objective, iteration = 1)
    },
    certify = certify, ...
  ))
}

runs <- function() trimws(readLines(trace))

data_sets <- lapply(1:12, function(i) c(1, 2, i))

test_that("a seeded fit that is certified is taken", {
  local_adapter()
  store <- new_store()
  for (y in data_sets[1:3]) warm(fit_mean(y), store)
  expect_identical(runs(), c("cold", "warm", "warm"))
})

test_that("a seeded fit that is not certified is made again cold, which the information says", {
  local_adapter(certify = function(fit, call, env, start) "it is not to be trusted")
  store <- new_store()
  for (y in data_sets[1:2]) fit <- warm(fit_mean(y), store)
  expect_identical(runs(), c("cold", "warm", "cold"))
  expect_identical(source_of(fit), "cold")
  expect_match(warm_info(fit)$reason, "it is not to be trusted", all = FALSE)
})

test_that("what is said by a fit that is not believed is not heard; by another, it is, and once", {
  local_adapter(certify = function(fit, call, env, start) start$state$mean > 2)
  store <- new_store()
  heard <- function(y) {
    said <- hold_conditions(warm(fit_mean(y, tells = TRUE), store))$said
    trimws(vapply(said, conditionMessage, ""))
  }
  expect_identical(heard(c(0, 0, 3)), "cold") # mean 1
  expect_identical(heard(c(1, 2, 9)), "cold") # 4
  expect_identical(heard(c(1, 2, 12)), "warm")
  expect_identical(runs(), c("cold", "warm", "cold", "warm"))
})

test_that("a certificate that fails counts as none", {
  local_adapter(certify = function(fit, call, env, start) stop("no such thing"))
  store <- new_store()
  for (y in data_sets[1:2]) fit <- warm(fit_mean(y), store)
  expect_identical(source_of(fit), "cold")
  expect_match(warm_info(fit)$reason, "no such thing", all = FALSE)
})

test_that("a fit that is returned is made once, whatever became of its seed", {
  local_adapter(certify = function(fit, call, env, start) "no")
  store <- new_store()
  for (y in data_sets[1:2]) warm(fit_mean(y), store)
  unlink(trace)
  warm(fit_mean(data_sets[[2]]), store)
  expect_identical(source_of(warm(fit_mean(data_sets[[2]]), store)), "finished")
  expect_false(file.exists(trace))
})

test_that("seeds that lead to nothing three times are left alone", {
  local_adapter(certify = function(fit, call, env, start) "no")
  store <- new_store()
  for (y in data_sets) warm(fit_mean(y), store)
  expect_identical(sum(runs() == "cold"), 12L)
  expect_identical(sum(runs() == "warm"), 3L)
})

test_that("a seed that is believed ends the doubt", {
  believed <- FALSE
  local_adapter(certify = function(fit, call, env, start) if (believed) TRUE else "no")
  store <- new_store()
  for (y in data_sets[1:3]) warm(fit_mean(y), store)
  believed <- TRUE
  for (y in data_sets[4:6]) warm(fit_mean(y), store)
  believed <- FALSE
  unlink(trace)
  for (y in data_sets[7:9]) warm(fit_mean(y), store)
  expect_identical(runs(), rep(c("warm", "cold"), 3))
})

test_that("a seeded fit that warns, which a cold one does not, is made again cold in silence", {
  local_adapter()
  store <- new_store()
  warm(fit_mean(data_sets[[1]], says = "if warm"), store)
  expect_silent(fit <- warm(fit_mean(data_sets[[2]], says = "if warm"), store))
  expect_identical(runs(), c("cold", "warm", "cold"))
  expect_identical(source_of(fit), "cold")
})

test_that("a seeded fit that stops is made again cold", {
  local_adapter()
  store <- new_store()
  warm(fit_mean(data_sets[[1]], stops = "a step too far"), store)
  fit <- warm(fit_mean(data_sets[[2]], stops = "a step too far"), store)
  expect_identical(source_of(fit), "cold")
  expect_match(warm_info(fit)$reason, "a step too far", all = FALSE)
})

test_that("a cold fit with a warning is kept and returned with it, and seeds nothing", {
  local_adapter()
  store <- new_store()
  for (round in 1:3) {
    expect_warning(fit <- warm(fit_mean(data_sets[[1]], says = "mind the gap"), store), "mind")
  }
  expect_identical(source_of(fit), "finished")
  expect_false(any(store_list(store, all = TRUE)$state == "seed"))
  warm(fit_mean(data_sets[[2]]), store)
  expect_identical(runs(), c("cold", "cold"))
})

test_that("a cold fit that did not converge is kept, and seeds nothing", {
  local_adapter(converged = function(fit) FALSE)
  store <- new_store()
  warm(fit_mean(data_sets[[1]]), store)
  expect_identical(source_of(warm(fit_mean(data_sets[[1]]), store)), "finished")
  expect_false(any(store_list(store, all = TRUE)$state == "seed"))
})

test_that("a fit that warned is made again cold where it is asked for anew", {
  local_adapter()
  store <- new_store()
  for (round in 1:2) {
    suppressWarnings(warm(fit_mean(data_sets[[1]], says = "mind the gap"), store, reuse = FALSE))
  }
  expect_identical(runs(), c("cold", "cold"))
})

test_that("a start that does not fit is passed over without alarm", {
  withr::local_options(warmstart.verbose = TRUE)
  local_adapter()
  register_warm_adapter(local({
    adapter <- registry$adapters[[1]]
    adapter$seed <- function(call, env, state, relation) stop_seed_unfit("it is too small")
    adapter
  }))
  store <- new_store()
  suppressMessages(warm(fit_mean(data_sets[[1]]), store))
  said <- capture_messages(fit <- warm(fit_mean(data_sets[[2]]), store))
  expect_length(said, 1)
  expect_match(said, "Saved the finished fit")
  expect_match(warm_info(fit)$reason, "it is too small", all = FALSE)
  expect_identical(source_of(fit), "cold")
})

test_that("by default, an end that the fitter leaves again is not believed", {
  skip_if_not_installed("withr")
  before <- registry$adapters
  withr::defer(registry$adapters <- before)
  halfway <- function(y, start = 0) {
    at <- if (identical(start, 0)) mean(y) else start + (mean(y) - start) / 2
    list(at = at, objective = sum((y - at)^2))
  }
  register_warm_adapter(warm_adapter(
    "halfway",
    recognises = function(fun) identical(fun, halfway),
    identify = function(call, env) identify_call(call, env, "halfway", ignored = "start"),
    seed = function(call, env, state, relation) {
      call$start <- state$at
      call
    },
    state = function(fit) {
      list(state = list(at = fit$at), objective = fit$objective, iteration = 1)
    }
  ))
  store <- new_store()
  warm(halfway(c(1, 2, 9)), store)
  fit <- warm(halfway(c(1, 2, 30)), store)
  expect_identical(fit, halfway(c(1, 2, 30)))
  expect_match(warm_info(fit)$reason, "went further", all = FALSE)
})

# Valleys ------------------------------------------------------------------------------------------

test_that("two points are in one valley where the objective falls, or falls and rises", {
  bowl <- function(x) sum((x - 3)^2)
  expect_true(is_one_valley(bowl, 0, 3))
  expect_true(is_one_valley(bowl, 0, 3.5))
  expect_true(is_one_valley(bowl, c(0, 9), c(3, 3)))
})

test_that("a ridge, a higher point or a value that is not finite part them", {
  two <- function(x) (x^2 - 1)^2 + x / 10
  expect_false(is_one_valley(two, 1.2, -1))
  expect_false(is_one_valley(function(x) x^2, 1, 2))
  expect_false(is_one_valley(function(x) if (x > 1 && x < 2) NaN else -x, 0, 3))
  expect_false(is_one_valley(function(x) stop("no"), 0, 3))
})

test_that("a resumed fit says what it said before it was cut, and once", {
  set.seed(14)
  x <- rnorm(60)
  y <- rbinom(60, 1, pmin(0.95, exp(0.5 * x - 0.4)))
  call <- quote(glm(y ~ x, binomial("log"), start = c(-3, 0)))
  warnings_of <- function(expr) vapply(hold_conditions(expr, "warning")$said, conditionMessage, "")
  plain <- warnings_of(eval(call))
  store <- new_store()
  suppressWarnings(cut_off(call, store, 5))
  key <- store_list(store)$key[[1]]
  expect_true(is_plain(store_lookup(store, key)$payload)) # whoever may write the store
  again <- warnings_of(fit <- warm_call(call, store))
  expect_identical(warm_info(fit)$source, "resumed")
  expect_gt(sum(grepl("step size truncated", plain)), 1)
  expect_identical(again, plain)
})

test_that("what took a moment leaves nothing to start from, and starts nothing", {
  local_adapter()
  store <- new_store()
  withr::with_options(list(warmstart.near_from = 60), {
    for (y in data_sets[1:2]) warm(fit_mean(y), store)
  })
  expect_false(any(store_list(store, all = TRUE)$state == "seed"))
  warm(fit_mean(data_sets[[3]]), store)
  expect_true(any(store_list(store, all = TRUE)$state == "seed"))
  withr::with_options(list(warmstart.near_from = 60), {
    fit <- warm(fit_mean(data_sets[[4]]), store)
  })
  expect_match(warm_info(fit)$reason, "too little time", all = FALSE)
  warm(fit_mean(data_sets[[5]]), store)
  expect_identical(runs(), c(rep("cold", 4), "warm"))
})

test_that("a finished fit says all that it has said, in its own classes", {
  loud <- function(n) {
    for (i in seq_len(n)) warning(warningCondition(paste("step", i), class = "my_warning"))
    message("the end")
    n
  }
  store <- new_store()
  plain <- hold_conditions(loud(60))$said
  for (source in c("cold", "finished")) {
    said <- hold_conditions(warm(loud(60), store))$said
    expect_identical(warm_info()$source, source)
    expect_identical(lapply(said, class), lapply(plain, class))
    expect_identical(lapply(said, conditionMessage), lapply(plain, conditionMessage))
  }
})

test_that("what is returned invisibly stays so", {
  quiet <- function(x) invisible(x)
  store <- new_store()
  for (source in c("cold", "finished")) {
    expect_false(withVisible(warm(quiet(1), store))$visible)
    expect_identical(warm_info()$source, source)
  }
  expect_true(withVisible(warm(sum(1, 2), store))$visible)
})

test_that("who begins at one iterate for the third time is told; what has moved on is not", {
  store <- new_store()
  old <- options(warmstart.verbose = TRUE)
  on.exit(options(old))
  stuck <- function(par) {
    if (par[[1]] > as.numeric(readLines(wall))) stop("wall time")
    sum((par - 1:2)^4)
  }
  wall <- tempfile()
  writeLines("1.05", wall)
  said <- function() {
    text <- character()
    withCallingHandlers(
      try(warm(optim(c(0, 0), stuck), store), silent = TRUE),
      message = function(m) {
        text <<- c(text, gsub("\\s+", " ", conditionMessage(m)))
        invokeRestart("muffleMessage")
      }
    )
    any(grepl("start number 3 .*longer than your wall time allows", text))
  }
  key <- warm_find(optim(c(0, 0), stuck), store)$key
  cut <- warm_session(store, key)
  state <- list(state = list(par = c(0, 0), value = 17), iterations = 4, seconds = 60)
  session_checkpoint(cut, state, objective = 17, iteration = 4)
  session_close(cut)
  start <- exact_starts(new_request(quote(optim(c(0, 0), stuck)), environment()), store, NULL)[[1]]
  expect_identical(vapply(1:3, function(i) count_begins(store, key, start), 0), c(1, 2, 3))
  expect_false("begins" %in% store_list(store)$state)
  start$entry$iteration <- 5
  expect_identical(count_begins(store, key, start), 1)
  start$entry$iteration <- 4
  for (i in 1:2) count_begins(store, key, start)
  expect_true(said())
  writeLines("9", wall)
  suppressMessages(warm(optim(c(0, 0), stuck), store))
  expect_false("begins" %in% list_all(store)$state)
})

# Watching an objective.

banana <- function(par) 100 * (par[[2]] - par[[1]]^2)^2 + (1 - par[[1]])^2

test_that("an optimiser gives the same with the objective watched", {
  w <- warm_objective(new_session(), banana)
  expect_identical(optim(c(-1.2, 1), w$fn), optim(c(-1.2, 1), banana))
})

test_that("the best point and its value are known, and every evaluation was counted", {
  w <- warm_objective(new_session(), banana)
  fit <- optim(c(-1.2, 1), w$fn)
  expect_identical(w$best(), list(
    par = fit$par, value = fit$value, evaluations = as.numeric(fit$counts[["function"]])
  ))
})

test_that("another session starts from the best point", {
  report_all()
  store <- new_store()
  w <- warm_objective(new_session(store), banana)
  w$fn(c(-1.2, 1))
  w$fn(c(a = 0.5, b = 0.5))
  w$fn(c(3, 3))
  again <- warm_objective(new_session(store), banana)
  expect_identical(again$par, c(a = 0.5, b = 0.5))
  expect_identical(again$start(c(9, 9)), c(a = 0.5, b = 0.5))
})

test_that("a better point soon after another is kept with an evaluation after that", {
  store <- new_store()
  w <- warm_objective(new_session(store), banana)
  w$fn(c(-1.2, 1))
  w$fn(c(0.5, 0.5))
  until <- proc.time()[["elapsed"]] + 0.1
  while (proc.time()[["elapsed"]] < until) w$fn(c(3, 3))
  expect_identical(warm_objective(new_session(store), banana)$par, c(0.5, 0.5))
})

test_that("with nothing stored, the start is the user's", {
  w <- warm_objective(new_session(), banana)
  expect_null(w$par)
  expect_identical(w$start(c(-1.2, 1)), c(-1.2, 1))
})

test_that("an optimiser's result that finished the session is a start, too", {
  store <- new_store()
  session <- new_session(store)
  fit <- optim(c(-1.2, 1), banana)
  session_finalize(session, fit, fit$value)
  expect_identical(warm_objective(new_session(store), banana)$par, fit$par)
})

test_that("a payload without a point is no start", {
  store <- new_store()
  for (payload in list("text", list(par = c(1, NA)), list(3), numeric())) {
    store_save(store, a_key, payload, 1)
    expect_null(warm_objective(new_session(store), banana)$par)
  }
})

test_that("a process that is killed leaves its best point", {
  skip_if_not_installed("callr")
  store <- new_store()
  killed <- tryCatch(
    in_process(function(store, banana) {
      assign("report_interval", 0, asNamespace("warmstart")$waits) # whatever the clock says
      session <- warm_session(store, "00112233445566778899aabbccddeeff")
      count <- 0
      w <- warm_objective(session, function(par) {
        count <<- count + 1
        if (count == 150) tools::pskill(Sys.getpid(), tools::SIGKILL)
        banana(par)
      })
      optim(c(-1.2, 1), w$fn)
    }, store, banana),
    error = identity
  )
  expect_s3_class(killed, "error")
  w <- warm_objective(new_session(store), banana)
  expect_lt(banana(w$par), banana(c(-1.2, 1)))
})

test_that("the objective that is stored is the one that is minimised", {
  store <- new_store()
  w <- warm_objective(new_session(store), function(par) -banana(par), maximise = TRUE)
  fit <- optim(c(-1.2, 1), w$fn, control = list(fnscale = -1))
  expect_identical(w$best()$value, fit$value)
  expect_gt(store_list(store, a_key)$objective, 0)
})

test_that("values that are no number, and infinite ones, pass through and are never the best", {
  values <- list(NA, NaN, Inf, -Inf, NULL, "a", NA_real_, c(1, 2), 1i)
  i <- 0
  w <- warm_objective(new_session(), function(par) values[[i <<- i + 1]])
  for (value in values) expect_identical(w$fn(1), value)
  expect_null(w$best()$par)
})

test_that("attributes of the value pass through", {
  with_gradient <- function(par) structure(sum(par^2), gradient = 2 * par)
  w <- warm_objective(new_session(), with_gradient)
  expect_identical(w$fn(c(1, 2)), with_gradient(c(1, 2)))
  expect_identical(w$best()$value, 5)
})

test_that("further arguments pass through", {
  w <- warm_objective(new_session(), function(par, a, b) sum((par - a)^2) + b)
  expect_identical(w$fn(1, b = 2, a = 3), 6)
})

test_that("an error of the objective names its own call", {
  w <- warm_objective(new_session(), function(par) stop("no value"))
  error <- expect_error(w$fn(1), "no value")
  expect_identical(conditionCall(error), quote(fn(par, ...)))
})

test_that("a point that the optimiser changes in place was copied", {
  w <- warm_objective(new_session(), function(par) sum(par^2))
  nlminb(c(3, 4), w$fn)
  best <- w$best()
  expect_equal(sum(best$par^2), best$value)
})

test_that("a session that was closed does not stop the objective", {
  session <- new_session()
  w <- warm_objective(session, banana)
  session_close(session)
  expect_identical(w$fn(c(1, 1)), 0)
})

test_that("the gradient is passed on", {
  gradient <- function(par) 2 * par
  expect_identical(warm_objective(new_session(), banana, gradient)$gr, gradient)
})

test_that("bad arguments are named", {
  expect_argument_error(warm_objective(1, banana), "session")
  expect_argument_error(warm_objective(new_session(), 1), "fn")
  expect_argument_error(warm_objective(new_session(), banana, 1), "gr")
  expect_argument_error(warm_objective(new_session(), banana, maximise = 1), "maximise")
  expect_argument_error(warm_objective(new_session(), banana, extra = 1), "extra")
})

test_that("it prints what it has seen", {
  w <- warm_objective(new_session(), banana)
  expect_output(print(w), "0 evaluations, none finite yet")
  w$fn(c(x = 1, y = 2))
  expect_output(print(w), "1 evaluation, best 100 at (x = 1, y = 2)", fixed = TRUE)
})

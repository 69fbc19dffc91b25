skip_if_not_installed("MASS")

test_that("the adapter for glm.nb conforms", {
  # To its end, so that theta is the same to the ten digits in the call.
  to_the_end <- stats::glm.control(epsilon = 1e-13, maxit = 100)
  expect_adapter_conforms(
    adapter_glm_nb(),
    quote(MASS::glm.nb(Days ~ Sex / (Age + Eth * Lrn), MASS::quine, control = to_the_end)),
    failing = quote(MASS::glm.nb(-Days ~ Sex, MASS::quine))
  )
})

# So many rows that a fit starts from another's.
set.seed(1)
visits <- data.frame(x = rnorm(12000), z = rbinom(12000, 1, 0.3), days = rexp(12000))
visits$n <- rnbinom(12000, 2, mu = visits$days * exp(0.5 * visits$x + visits$z))
many <- quote(MASS::glm.nb(
  n ~ x + z + offset(log(days)), visits, control = glm.control(1e-13, 100)
))
on_fewer <- function(call) {
  call[[3]] <- quote(visits[-(1:900), ])
  call
}

test_that("the adapter for glm.nb conforms on many rows", {
  expect_adapter_conforms(adapter_glm_nb(), many, near = on_fewer(many))
})

test_that("few rows, other links, and what a cold fit stumbles over begin cold", {
  store <- new_store()
  warm_call(many, store)
  begins_cold <- function(call) {
    fit <- suppressWarnings(warm_call(call, store))
    expect_identical(source_of(fit), "cold")
    expect_equal(coef(fit), coef(suppressWarnings(eval(call))))
  }
  all <- visits
  visits <- all[1:500, ]
  begins_cold(many)
  visits <- transform(all, n = rpois(12000, days)) # of which some versions make an error
  error_of <- function(expr) tryCatch({
    suppressWarnings(expr)
    NULL
  }, error = conditionMessage)
  expect_identical(error_of(warm_call(many, store)), error_of(eval(many)))
  visits <- transform(all, x = -x, n = rev(n))
  begins_cold(many)
  visits <- all
  root <- quote(MASS::glm.nb(n ~ z, visits, link = sqrt))
  warm_call(on_fewer(root), store)
  begins_cold(root)
})

test_that("a seeded glm.nb is the cold one", {
  store <- new_store()
  warm_call(on_fewer(many), store)
  fit <- warm_call(many, store)
  cold <- eval(many)
  expect_identical(source_of(fit), "seeded")
  fit$iter <- cold$iter
  fit$call$init.theta <- cold$call$init.theta
  fit$family <- cold$family
  expect_equal(bare(fit), cold, tolerance = 1e-6)
})

test_that("a glm.nb is believed at its optimum alone", {
  cold <- eval(many)
  frame <- list(
    X = model.matrix(cold), Y = visits$n, w = rep(1, 12000), offset = log(visits$days)
  )
  expect_true(certify_glm_nb(cold, frame))
  other <- cold
  other$theta <- 1.01 * cold$theta
  expect_match(certify_glm_nb(other, frame), "theta")
  early <- suppressWarnings(MASS::glm.nb(
    n ~ x + z + offset(log(days)), visits, control = glm.control(0.5)
  ))
  expect_type(certify_glm_nb(early, frame), "character")
})

test_that("a resumed glm.nb is the uncut one", {
  states <- list()
  named <- match.call(MASS::glm.nb, quote(MASS::glm.nb(Days ~ Age + Sex, MASS::quine)))
  report <- function(...) states[[length(states) + 1]] <<- list(...)
  eval(adapter_glm_nb()$observe(named, environment(), report))
  cold <- eval(named)
  for (at in states[-length(states)]) {
    store <- new_store()
    payload <- list(state = at[[1]], iterations = at[[3]], seconds = 1)
    store_save(
      store, adapter_glm_nb()$identify(named, environment())$exact, payload,
      objective = at[[2]], iteration = at[[3]]
    )
    fit <- warm_call(named, store)
    expect_identical(source_of(fit), "resumed")
    ends <- c("coefficients", "theta", "twologlik")
    expect_identical(fit[ends], cold[ends])
    expect_identical(fit$call[-4], cold$call[-4])
  }
})

test_that("a returned glm.nb has the call of who asks for it", {
  store <- new_store()
  warm(MASS::glm.nb(Days ~ Age, MASS::quine, x = FALSE), store)
  mine <- MASS::quine
  model <- Days ~ Age
  fit <- warm(MASS::glm.nb(model, data = mine, model = TRUE), store)
  expect_identical(source_of(fit), "finished")
  expect_identical(fit$call, MASS::glm.nb(model, data = mine, model = TRUE)$call)
})

test_that("a state that is not a glm.nb's starts none", {
  call <- quote(MASS::glm.nb(Days ~ Age, MASS::quine))
  cold <- eval(call)
  good <- state_glm_nb(cold)$state
  for (part in names(good)) {
    for (leaf in list(
      NULL, "a", list(1), diag(2), numeric(), 1, c(1, 2), c(NA, 1), Inf, 1e300, -1, 0
    )) {
      state <- good
      state[part] <- list(leaf)
      store <- new_store()
      payload <- list(state = state, iterations = 1, seconds = 1)
      store_save(store, key_of(call, adapter_glm_nb())$exact, payload, objective = NA)
      expect_equal(coef(warm_call(call, store)), coef(cold), tolerance = 1e-5)
    }
  }
})

test_that("a glm.nb is watched each round, and is what it is without warm()", {
  for (call in list(
    quote(MASS::glm.nb(Days ~ Age + Sex, MASS::quine)),
    quote(MASS::glm.nb(Days ~ Age + Sex, MASS::quine, epsilon = 1e-10, maxit = 50)),
    quote(MASS::glm.nb(Days ~ Age + Sex, MASS::quine, control = glm.control(1e-6)))
  )) {
    store <- new_store()
    fit <- warm_call(call, store)
    expect_equal(bare(fit), eval(call), tolerance = 0)
    rounds <- session_history(store, warm_info(fit)$key)
    expect_gt(warm_info(fit)$checkpoints, 2)
    expect_lte(max(diff(rounds$objective)), 1e-9)
    expect_equal(utils::tail(rounds$objective, 1), -fit$twologlik)
  }
})

test_that("a control that glm.nb does not know is its to complain about", {
  call <- quote(MASS::glm.nb(Days ~ Age, MASS::quine, nowhere = 1))
  said <- character()
  error <- withCallingHandlers(
    expect_error(warm_call(call, new_store())),
    message = function(m) said <<- c(said, conditionMessage(m))
  )
  expect_identical(said, character())
  expect_identical(conditionMessage(error), conditionMessage(expect_error(eval(call))))
})

test_that("links of glm.nb are told apart", {
  store <- new_store()
  warm(MASS::glm.nb(Days ~ Age, MASS::quine), store)
  other <- warm(MASS::glm.nb(Days ~ Age, MASS::quine, link = sqrt), store)
  expect_identical(source_of(other), "cold")
  expect_identical(other$call$link, quote(sqrt))
})

test_that("a resumed glm.nb reaches the limit of its rounds where the uncut one does", {
  call <- quote(MASS::glm.nb(Days ~ Sex / (Age + Eth * Lrn), MASS::quine, maxit = 7))
  cold <- hold_conditions(eval(call), "warning")
  expect_match(conditionMessage(cold$said[[1]]), "alternation limit")
  store <- new_store()
  suppressWarnings(cut_off(call, store, 2))
  resumed <- hold_conditions(warm_call(call, store), "warning")
  expect_identical(source_of(resumed$value), "resumed")
  expect_identical(lapply(resumed$said, conditionMessage), lapply(cold$said, conditionMessage))
  expect_identical(resumed$value$theta, cold$value$theta)
})

test_that("the rise of digamma is the same by its recurrence", {
  y <- c(0, 1, 2, 7, 3, 0, 0, 9, 4, 4, 1)
  expect_equal(rise_of_digamma(0.3, y), digamma(0.3 + y) - digamma(0.3), tolerance = 1e-12)
  expect_identical(rise_of_digamma(0.3, y / 2), digamma(0.3 + y / 2) - digamma(0.3))
  expect_identical(rise_of_digamma(2, c(0, 0)), c(0, 0))
})

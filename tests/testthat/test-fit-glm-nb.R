skip_if_not_installed("MASS")

test_that("the adapter for glm.nb conforms", {
  # To its end, so that theta is the same to the ten digits in the call.
  to_the_end <- stats::glm.control(epsilon = 1e-13, maxit = 100)
  expect_adapter_conforms(
    adapter_glm_nb(),
    quote(MASS::glm.nb(Days ~ Sex / (Age + Eth * Lrn), MASS::quine, control = to_the_end)),
    near = quote(
      MASS::glm.nb(Days ~ Sex / (Age + Eth * Lrn), MASS::quine[-(1:9), ], control = to_the_end)
    ),
    failing = quote(MASS::glm.nb(-Days ~ Sex, MASS::quine))
  )
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

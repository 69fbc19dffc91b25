hair <- quote(loglin(
  HairEyeColor, list(c(1, 2), c(1, 3), c(2, 3)),
  fit = TRUE, print = FALSE, eps = 1e-6, iter = 100
))
with_table <- function(table) {
  call <- hair
  call[[2]] <- table
  call
}

test_that("the adapter for loglin conforms", {
  expect_adapter_conforms(
    adapter_loglin(), hair, near = with_table(quote(HairEyeColor + 1)),
    failing = quote(loglin(HairEyeColor, list("nowhere")))
  )
})

test_that("other margins are not started from", {
  store <- new_store()
  warm(loglin(HairEyeColor, list(1:3), fit = TRUE, print = FALSE), store)
  expect_identical(source_of_last(warm_call(hair, store)), "cold")
})

test_that("a table with cells that were fitted as empty is no start", {
  store <- new_store()
  empty <- HairEyeColor
  empty[1, 1, ] <- 0
  warm_call(with_table(empty), store)
  fit <- warm_call(hair, store)
  expect_identical(source_of_last(fit), "cold")
  expect_equal(fit$fit, eval(hair)$fit)
})

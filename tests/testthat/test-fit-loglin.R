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

test_that("a loglin begins cold, whatever other tables have left", {
  store <- new_store()
  warm_call(with_table(quote(HairEyeColor + 1)), store)
  fit <- warm_call(hair, store)
  expect_identical(source_of_last(fit), "cold")
  expect_identical(bare(fit), eval(hair))
})

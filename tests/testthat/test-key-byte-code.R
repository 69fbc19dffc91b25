# Functions without their byte code.

counter <- function() {
  count <- 0
  add <- compiler::cmpfun(function(by = 1) count <<- count + by)
  list(add = add, read = compiler::cmpfun(function() count), name = "counter", home = environment())
}

has_byte_code <- function(fun) any(grepl("bytecode", capture.output(print(fun))))

test_that("functions lose their byte code, and keep what they share", {
  compiled <- counter()
  compiled$add(2)
  plain <- drop_byte_code(compiled)
  expect_true(has_byte_code(compiled$add))
  expect_false(has_byte_code(plain$add))
  expect_false(has_byte_code(get("add", plain$home)))
  expect_equal(plain$add, compiled$add, ignore_function_env = TRUE)
  expect_identical(plain$name, "counter")
  # State of its own, in one place.
  plain$add(5)
  expect_identical(plain$read(), 7)
  expect_identical(plain$home$count, 7)
  expect_identical(compiled$read(), 2)
})

test_that("functions of packages stay where they are, in lists, too", {
  plain <- drop_byte_code(list(list(stats::sd), base::sum, 1))
  expect_identical(environment(plain[[1]][[1]]), asNamespace("stats"))
  expect_false(has_byte_code(plain[[1]][[1]]))
  expect_identical(plain[2:3], list(base::sum, 1))
})

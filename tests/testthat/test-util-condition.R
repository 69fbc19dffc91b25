test_that("a bad argument is an error of two classes that names it", {
  error <- expect_error(stop_argument("key", "is wrong."), class = "warmstart_error")
  expect_s3_class(error, "warmstart_error_argument")
  expect_identical(error$argument, "key")
  expect_match(conditionMessage(error), "`key` is wrong.", fixed = TRUE)
})

test_that("braces in a user's text are text", {
  error <- expect_error(stop_argument("path", "is {not} a {.val directory}."))
  expect_match(conditionMessage(error), "is {not} a {.val directory}.", fixed = TRUE)
})

test_that("braces in a reason of a warning are text", {
  expect_warning(warn_not_kept("no {room}", "It"), "no {room}", fixed = TRUE)
})

test_that("a warning has a class of ours", {
  expect_warning(warn_warmstart("text", "store"), class = "warmstart_warning_store")
  expect_warning(warn_warmstart("text", "store"), class = "warmstart_warning")
})

test_that("all choices stand for the first", {
  expect_identical(check_choice(c("a", "b"), c("a", "b"), "x"), "a")
})

for (bad in list("c", NA_character_, character(), c("b", "a"), 1, NULL)) {
  test_that(paste(deparse1(bad), "is not one of the choices"), {
    expect_argument_error(check_choice(bad, c("a", "b"), "x"), "x")
  })
}

for (bad in list(NA, 1, "TRUE", c(TRUE, FALSE), NULL)) {
  test_that(paste(deparse1(bad), "is not a flag"), {
    expect_argument_error(check_flag(bad, "reuse"), "reuse")
  })
}

test_that("what bars its own owner names the right that is missing, or the file system", {
  skip_on_os("windows")
  path <- tempfile("mine")
  dir.create(path)
  own <- list(path, file.info(path)$uid)
  expect_match(way_past(own, path), "is yours, but", all = FALSE)
  expect_match(way_past(own, path), "mounted for reading only", all = FALSE)
  Sys.chmod(path, "0500", use_umask = FALSE)
  said <- way_past(own, path)
  Sys.chmod(path, "0700", use_umask = FALSE)
  expect_match(said, paste("chmod u+rwx", shQuote(path)), all = FALSE, fixed = TRUE)
  expect_no_match(said, "sudo|belongs to|share it with")
})

sizes <- list(
  list("1 GiB", 2^30), list("1GiB", 2^30), list("1 gib", 2^30), list("500 MB", 5e8),
  list("1.5 kB", 1500), list("2e3 B", 2000), list("10", 10), list(" 3 KiB ", 3072),
  list("Inf", Inf), list(1e6, 1e6), list(0, 0), list(5L, 5)
)

for (size in sizes) {
  test_that(paste("the size", deparse(size[[1]]), "is", size[[2]], "bytes"), {
    expect_identical(parse_size(size[[1]], "max_size"), as.numeric(size[[2]]))
  })
}

ages <- list(
  list("30 days", 30 * 86400), list("1 day", 86400), list("12 hours", 43200), list("0", 0),
  list("5 min", 300), list("2 weeks", 14 * 86400), list("1 year", 365.25 * 86400),
  list("10 s", 10), list("Inf", Inf), list(Inf, Inf), list(0, 0)
)

for (age in ages) {
  test_that(paste("the age", deparse(age[[1]]), "is", age[[2]], "seconds"), {
    expect_identical(parse_age(age[[1]], "max_age"), as.numeric(age[[2]]))
  })
}

test_that("an age without a unit is asked for one", {
  for (age in list(30, 30L, "30", " 30 ")) {
    error <- expect_error(parse_age(age, "max_age"), class = "warmstart_error_argument")
    expect_match(conditionMessage(error), "is it \"30 days\"", fixed = TRUE)
  }
})

test_that("an age may be a difftime of any unit", {
  expect_identical(parse_age(as.difftime(2, units = "hours"), "max_age"), 7200)
})

for (bad in list(-1, NA, NaN, "", "GiB", "1 furlong", "1..5 MB", c(1, 2), NULL, TRUE, list(1))) {
  test_that(paste("the size", deparse1(bad), "is a bad argument"), {
    expect_argument_error(parse_size(bad, "max_size"), "max_size")
  })
}

test_that("sizes are written with three digits and a unit", {
  expect_identical(
    format_size(c(0, 1, 1023, 1024, 1536, 2^30, 1.234 * 2^20, Inf)),
    c("0 B", "1 B", "1020 B", "1 KiB", "1.5 KiB", "1 GiB", "1.23 MiB", "unbounded")
  )
})

test_that("ages are written in their largest unit, with its plural", {
  expect_identical(
    format_age(c(0, 1, 59, 60, 7200, 86400, 30 * 86400, Inf, NA)),
    c(
      "0 seconds", "1 second", "59 seconds", "1 minute", "2 hours", "1 day", "30 days",
      "unbounded", "never"
    )
  )
})

test_that("control characters of a text are shown, not obeyed", {
  expect_identical(format_text(c("a\tb", "\033[31mred", NA)), c("a?b", "?[31mred", ""))
})

test_that("a clock tells time to the second", {
  expect_identical(clock(0), "0 s")
  expect_identical(clock(59.4), "59 s")
  expect_identical(clock(59.9), "1:00")
  expect_identical(clock(60), "1:00")
  expect_identical(clock(754.6), "12:35")
  expect_identical(clock(3605), "1:00:05")
  expect_identical(clock(360000), "100:00:00")
})

test_that("the same duration is never both less than a second and a second", {
  seconds <- c(0, 0.4, 0.6, 0.99, 1.4)
  expect_identical(spell_seconds(seconds), c(rep("less than a second", 2), rep("1 second", 3)))
  expect_identical(format_age(seconds[3:5]), spell_seconds(seconds[3:5]))
})

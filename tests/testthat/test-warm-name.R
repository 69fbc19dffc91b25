keep <- function(store, ...) warm(glm(am ~ wt, binomial, mtcars), store, ...)
get_quietly <- function(...) suppressMessages(warm_get(...))

test_that("a fit is returned by its name, without its call or its data", {
  store <- new_store()
  local({
    cars <- mtcars[1:30, ]
    warm(glm(am ~ wt, binomial, cars), store, name = "thesis-3")
  })
  fit <- warm_get("thesis-3", store)
  expect_equal(coef(fit), coef(glm(am ~ wt, binomial, mtcars[1:30, ])))
  expect_identical(warm_info(fit)$source, "finished")
  expect_length(predict(fit, mtcars), 32)
  expect_identical(deparse1(fit$call$data), "cars")
})

test_that("another process gets it, of any fitter", {
  skip_if_not_installed("mgcv")
  skip_if_not_installed("lme4")
  store <- new_store()
  smooth <- warm(mgcv::gam(mpg ~ s(hp), data = mtcars), store, name = "smooth")
  mixed <- warm(
    lme4::lmer(Reaction ~ Days + (1 | Subject), lme4::sleepstudy), store,
    name = "mixed"
  )
  number <- warm(mean(c(1, 2, 6)), store, name = "number")
  there <- in_process(function(store) {
    list(
      coef(warm_get("smooth", store)), predict(warm_get("smooth", store), data.frame(hp = 100)),
      lme4::fixef(warm_get("mixed", store)), warm_get("number", store)
    )
  }, store)
  expect_identical(there[[1]], coef(smooth))
  expect_equal(there[[2]], predict(smooth, data.frame(hp = 100)))
  expect_identical(there[[3]], lme4::fixef(mixed))
  expect_identical(there[[4]], 3)
})

test_that("a fit with a name is found by its call, with the name and without", {
  store <- new_store()
  first <- keep(store, name = "a")
  for (fit in list(keep(store), keep(store, name = "a"))) {
    expect_identical(warm_info(fit)$source, "finished")
    expect_equal(coef(fit), coef(first))
  }
  expect_identical(warm_find(glm(am ~ wt, binomial, mtcars), store)$what, "finished")
})

test_that("it is kept once", {
  skip_if_not_installed("mgcv")
  store <- new_store()
  warm(gam(mpg ~ s(hp), data = mtcars), store, name = "a")
  rows <- store_list(store, all = TRUE)
  named <- rows$bytes[rows$state == "named"]
  expect_lt(rows$bytes[rows$state == "finished"], named / 4)
})

test_that("a fit that has finished may be given a name, and another", {
  store <- new_store()
  keep(store)
  expect_identical(warm_info(keep(store, name = "a"))$source, "finished")
  expect_identical(warm_info(keep(store, name = "b"))$source, "finished")
  expect_equal(coef(warm_get("a", store)), coef(warm_get("b", store)))
})

test_that("it is kept past the bounds of the store", {
  store <- new_store(max_age = "10 days", max_size = "64 KiB")
  keep(store, name = "a")
  pass_time(store, 400 * 86400)
  for (i in 1:60) store_save(store, fingerprint(i), raw(2000))
  store_evict(store)
  expect_false("finished" %in% store_list(store)$state)
  expect_identical(store_list(store)$name[[1]], "a")
  expect_s3_class(get_quietly("a", store), "glm")
  expect_identical(warm_info(keep(store, name = "a"))$source, "finished")
  expect_identical(nrow(store_check(store)), 0L)
})

test_that("where another fit takes the name it is said what differs; the old one stays till then", {
  store <- new_store()
  keep(store, name = "a")
  old <- options(warmstart.verbose = TRUE)
  on.exit(options(old))
  failing <- function() {
    stop("no data")
  }
  expect_error(
    suppressMessages(warm(glm(am ~ hp, binomial, failing()), store, name = "a")), "no data"
  )
  expect_identical(names(coef(get_quietly("a", store))), c("(Intercept)", "wt"))
  expect_message(
    warm(glm(am ~ hp, binomial, mtcars), store, name = "a"),
    "which is the first: term wt:"
  )
  options(old)
  expect_identical(names(coef(get_quietly("a", store))), c("(Intercept)", "hp"))
  expect_false(warm_info(keep(store))$source == "finished")
})

test_that("warm_find() says so, too", {
  store <- new_store()
  keep(store, name = "a")
  found <- warm_find(glm(am ~ hp, binomial, mtcars), store, name = "a")
  expect_match(found$reasons, "\"a\" has been another fit's", all = FALSE)
  expect_identical(warm_find(glm(am ~ wt, binomial, mtcars), store, name = "a")$what, "finished")
  expect_identical(names(coef(get_quietly("a", store))), c("(Intercept)", "wt"))
})

test_that("of several fits in a call the first has the name", {
  store <- new_store()
  warm(list(glm(am ~ wt, binomial, mtcars), glm(am ~ hp, binomial, mtcars)), store, name = "a")
  expect_identical(names(coef(get_quietly("a", store))), c("(Intercept)", "wt"))
})

test_that("names are listed first, and counted", {
  store <- new_store()
  keep(store, name = "a")
  warm(glm(am ~ hp, binomial, mtcars), store)
  expect_identical(store_list(store)$state[[1]], "named")
  expect_identical(store_info(store)$named, 1L)
  expect_output(print(store), "1 named fit", fixed = TRUE)
})

test_that("a name is forgotten, with all that its fit has left", {
  ways <- list(
    quote(warm_forget("a", store)), quote(warm_forget(glm(am ~ wt, binomial, mtcars), store)),
    quote(warm_forget(fit, store)), quote(warm_forget(warm_info(fit)$key, store)),
    quote(warm_forget(warm_get("a", store), store)), quote(store_clear(store))
  )
  for (way in ways) {
    store <- new_store()
    fit <- keep(store, name = "a")
    expect_identical(eval(way)$names, "a")
    expect_identical(nrow(store_list(store)), 0L)
    expect_argument_error(warm_get("a", store), "name")
  }
})

test_that("another name of a fit that is forgotten by one stays", {
  store <- new_store()
  keep(store, name = "a")
  keep(store, name = "b")
  forgotten <- warm_forget("a", store)
  expect_output(print(forgotten), "the name \"a\"", fixed = TRUE)
  expect_s3_class(get_quietly("b", store), "glm")
  again <- keep(store, name = "c")
  expect_identical(sort(warm_forget(again, store)$names), c("b", "c"))
})

test_that("a name that is not there is told the nearest", {
  store <- new_store()
  keep(store, name = "thesis-3")
  error <- expect_error(warm_get("thesis3", store), class = "warmstart_error_argument")
  expect_match(conditionMessage(error), "is it \"thesis-3\"?", fixed = TRUE)
  expect_argument_error(warm_get("colour", store), "name")
  expect_argument_error(warm_get("a", tempfile("none")), "name")
})

test_that("a name that cannot be one is a bad argument, and nothing is written", {
  store <- new_store()
  for (bad in list("", NA_character_, 1, c("a", "b"), a_key, "a\nb", strrep("x", 144))) {
    expect_argument_error(keep(store, name = bad), "name")
    expect_argument_error(warm_get(bad, store), "name")
  }
  expect_argument_error(warm_get(NULL, store), "name")
  expect_false(file.exists(store_config(store)$path))
})

test_that("from a store that others can write a named fit is not loaded, unless it is trusted", {
  skip_on_os("windows")
  store <- new_store()
  keep(store, name = "a")
  Sys.chmod(store_config(store)$path, "0777", use_umask = FALSE)
  suppressWarnings(expect_argument_error(warm_get("a", store), "name"))
  expect_warning(try(warm_get("a", store), silent = TRUE), class = "warmstart_warning_trust")
  expect_s3_class(warm_get("a", store, trust = TRUE), "glm")
})

test_that("a fit of other versions is returned, and that is said", {
  store <- new_store()
  keep(store, name = "a")
  entry <- find_named(store, "a")
  entry$payload$versions[["R"]] <- "1.0"
  save_encoded(
    4L, store, name_key("a"), encode_payload(entry$payload), NA, NA, name_run_id, "a"
  )
  old <- options(warmstart.verbose = TRUE)
  on.exit(options(old))
  expect_message(warm_get("a", store), "R 1.0, now", fixed = TRUE)
})

test_that("the fitter's warnings come with it", {
  store <- new_store()
  separated <- data.frame(y = c(0, 0, 1, 1), x = 1:4)
  suppressWarnings(warm(glm(y ~ x, binomial, separated), store, name = "a"))
  expect_warning(warm_get("a", store), "fitted probabilities")
})

test_that("where the store cannot be written the fit is made, with a warning", {
  store <- blocked_store()
  warnings <- collect_warnings(fit <- keep(store, name = "a"))
  expect_length(warnings, 1)
  expect_s3_class(warnings[[1]], "warmstart_warning_store")
  expect_s3_class(fit, "glm")
})

test_that("where it is the name alone that cannot be kept, that is said, and the fit kept", {
  local_internal("keep_named", function(...) NULL)
  store <- new_store()
  expect_warning(keep(store, name = "a"), "under its name: a", class = "warmstart_warning_store")
  expect_identical(warm_find(glm(am ~ wt, binomial, mtcars), store)$what, "finished")
  expect_warning(keep(store, name = "a"), "under its name: a", class = "warmstart_warning_store")
})

# What they all say of one fit that has several names ------------------------------------------

# What each way to ask for keep()'s fit says is there: all of one mind, or NA.
told_of_it <- function(store, name) {
  said <- c(
    warm = warm_info(keep(store, reuse = TRUE))$source == "finished",
    find = warm_find(glm(am ~ wt, binomial, mtcars), store)$what == "finished",
    get = !is.null(tryCatch(get_quietly(name, store), warmstart_error_argument = function(e) NULL)),
    list = name %in% unlist(strsplit(store_list(store)$name, ", "))
  )
  if (length(unique(said)) == 1) said[[1]] else NA
}

test_that("of two names of one fit the other keeps it, whichever is forgotten", {
  for (gone in c("a", "b")) {
    store <- new_store()
    keep(store, name = "a")
    keep(store, name = "b")
    expect_identical(warm_forget(gone, store)$names, gone)
    left <- setdiff(c("a", "b"), gone)
    expect_true(told_of_it(store, left))
    expect_argument_error(warm_get(gone, store), "name")
    expect_identical(warm_forget(glm(am ~ wt, binomial, mtcars), store)$names, left)
    expect_identical(nrow(list_all(store)), 0L)
  }
})

test_that("a fit is there by its call when all but its names has expired, whichever is forgotten", {
  for (gone in c("a", "b")) {
    store <- new_store(max_age = "10 days")
    keep(store, name = "a")
    keep(store, name = "b")
    pass_time(store, 400 * 86400)
    store_evict(store)
    expect_identical(store_list(store)$state, "named")
    expect_setequal(strsplit(store_list(store)$name, ", ")[[1]], c("a", "b"))
    left <- setdiff(c("a", "b"), gone)
    expect_true(told_of_it(store, left))
    warm_forget(gone, store)
    expect_true(told_of_it(store, left))
    expect_identical(warm_forget(left, store)$names, left)
    expect_identical(nrow(list_all(store)), 0L)
    expect_identical(warm_find(glm(am ~ wt, binomial, mtcars), store)$what, "nothing")
  }
})

test_that("a name that another fit takes leaves the first its other one", {
  store <- new_store(max_age = "10 days")
  keep(store, name = "a")
  keep(store, name = "b")
  warm(glm(am ~ hp, binomial, mtcars), store, name = "a")
  pass_time(store, 400 * 86400)
  expect_true(told_of_it(store, "b"))
  expect_identical(warm_find(glm(am ~ hp, binomial, mtcars), store)$what, "finished")
  expect_identical(warm_forget(glm(am ~ hp, binomial, mtcars), store)$names, "a")
  expect_true(told_of_it(store, "b"))
  warm_forget("b", store)
  expect_identical(nrow(list_all(store)), 0L)
})

test_that("of a fit whose only name another takes nothing is left that does not expire", {
  store <- new_store(max_age = "10 days")
  keep(store, name = "a")
  warm(glm(am ~ hp, binomial, mtcars), store, name = "a")
  pass_time(store, 400 * 86400)
  store_evict(store)
  expect_identical(sort(list_all(store)$state), c("named", "names"))
})

test_that("of names with fits of other versions, the one of these is returned", {
  store <- new_store(max_age = "10 days")
  keep(store, name = "a")
  keep(store, name = "b")
  entry <- find_named(store, "a")
  entry$payload$versions[["R"]] <- "1.0"
  save_encoded(
    4L, store, name_key("a"), encode_payload(entry$payload), NA, NA, name_run_id, "a"
  )
  pass_time(store, 400 * 86400)
  expect_identical(warm_find(glm(am ~ wt, binomial, mtcars), store)$what, "finished")
})

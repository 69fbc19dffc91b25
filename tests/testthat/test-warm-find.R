cars <- mtcars

# What is there ------------------------------------------------

test_that("of an empty store it says that there is nothing, and makes none", {
  store <- new_store()
  found <- warm_find(glm(am ~ wt, binomial, mtcars), store)
  expect_s3_class(found, "warm_found", exact = TRUE)
  expect_identical(found$what, "nothing")
  expect_null(found$near)
  expect_false(file.exists(store_config(store)$path))
  expect_output(print(found), "Nothing: warm() would begin cold.", fixed = TRUE)
})

test_that("a finished fit is found, under the key that warm() gives it", {
  store <- new_store()
  fit <- warm(glm(am ~ wt, binomial, mtcars), store)
  found <- warm_find(glm(am ~ wt, binomial, mtcars), store)
  expect_identical(found$what, "finished")
  expect_identical(found$key, warm_info(fit)$key)
  expect_output(print(found), "Finished: warm() would return the fit, saved", fixed = TRUE)
})

test_that("without reuse a finished fit is a start", {
  store <- new_store()
  warm(glm(am ~ wt, binomial, mtcars), store)
  found <- warm_find(glm(am ~ wt, binomial, mtcars), store, reuse = FALSE)
  expect_identical(found[c("what", "found")], list(what = "seed", found = "finished fit"))
})

test_that("an interrupted fit is found, and where", {
  skip_if_not_installed("mgcv")
  store <- interrupted_store(earthquake_model, 3)
  at <- store_list(store)$iteration
  found <- eval(bquote(warm_find(.(earthquake_model), store)))
  expect_identical(found$what, "interrupted")
  expect_identical(found$iteration, at)
  expect_false(found$running)
  expect_output(print(found), paste0("from iteration ", at, ", saved"), fixed = TRUE)
})

test_that("a fit that a process is making now is told of", {
  store <- new_store()
  key <- warm_find(glm(am ~ wt, binomial, mtcars), store)$key
  session <- warm_session(store, key)
  session_checkpoint(session, list(state = 1, iterations = 2, seconds = 1), 1, 2)
  found <- warm_find(glm(am ~ wt, binomial, mtcars), store)
  expect_true(found$running)
  expect_output(print(found), "A process is fitting it now")
  session_close(session)
  expect_false(warm_find(glm(am ~ wt, binomial, mtcars), store)$running)
})

test_that("a seed is found, whose it is, and what differs", {
  store <- new_store()
  first <- warm(glm(am ~ wt, binomial, mtcars), store)
  found <- warm_find(glm(am ~ wt, binomial, mtcars[-1, ]), store)
  expect_identical(
    found[c("what", "found", "of")],
    list(what = "seed", found = "same model, other rows", of = format(warm_info(first)$key))
  )
  expect_identical(found$near$key, found$of)
  expect_match(found$near$differs, "^column wt: ", all = FALSE)
  alone <- warm_find(glm(am ~ wt, binomial, mtcars[-1, ]), store, near = FALSE)
  expect_identical(alone$what, "nothing")
})

test_that("a seed that is not used is told with the reason", {
  store <- new_store()
  warm(glm(am ~ wt, binomial, mtcars), store)
  old <- options(warmstart.near_from = 1e6)
  on.exit(options(old))
  found <- warm_find(glm(am ~ wt, binomial, mtcars[-1, ]), store)
  expect_identical(found$what, "nothing")
  expect_match(found$reasons, "too little time", fixed = TRUE, all = FALSE)
})

test_that("a finished fit that other code has made says which", {
  store <- new_store()
  key <- warm_info(warm(lm(mpg ~ wt, mtcars), store))$key
  entry <- store_lookup(store, key, kind = "final")
  entry$payload$versions[["R"]] <- "1.0"
  store_save(store, key, entry$payload, kind = "final", run_id = entry$run_id)
  found <- warm_find(lm(mpg ~ wt, mtcars), store)
  expect_identical(found$what, "nothing") # of lm() nothing starts
  expect_match(found$reasons, "R 1.0, now ", fixed = TRUE, all = FALSE)
})

test_that("a call that warm() would not keep says why", {
  found <- warm_find(list(1), new_store())
  expect_identical(found$what, "untouched")
  opaque <- warm_find(identity(stdin())(1), new_store())
  expect_identical(opaque$what, "untouched")
  expect_output(print(found), "without keeping it")
})

# Why is it not found? ------------------------------------------------

test_that("a column that differs is named", {
  store <- new_store()
  warm(glm(am ~ wt, binomial, mtcars), store)
  cars$wt[[3]] <- 9
  near <- warm_find(glm(am ~ wt, binomial, cars), store)$near
  expect_identical(unclass(near$differs), "column wt: values differ")
  expect_identical(near$label, "am ~ wt")
})

test_that("an argument of a smooth that differs is named", {
  skip_if_not_installed("mgcv")
  store <- new_store()
  warm(gam(mpg ~ s(hp, k = 5), data = mtcars), store)
  found <- warm_find(gam(mpg ~ s(hp, k = 6), data = mtcars), store)
  expect_identical(unclass(found$near$differs), "argument k of s(hp): 5, 6")
  expect_output(print(found), "\n  argument k of s(hp): 5, 6\n", fixed = TRUE)
})

test_that("it is said of fits that seed nothing, and of any function", {
  store <- new_store()
  warm(lm(mpg ~ wt, mtcars), store)
  expect_identical(
    unclass(warm_find(lm(mpg ~ wt + hp, mtcars), store)$near$differs),
    c("term hp: only in the second", "column hp: only in the second, numeric[32]")
  )
  slow <- function(n, m = 1) n + m
  warm(slow(1), store)
  expect_identical(unclass(warm_find(slow(2), store)$near$differs), "argument n: 1, 2")
  quick <- function(n, m = 2) n + m
  expect_null(warm_find(quick(1), store)$near)
})

test_that("of an interrupted fit it is said, too", {
  store <- new_store()
  stopping <- function(par) if (par[[1]] > 1.05) stop("killed") else sum((par - 1:2)^4)
  try(warm(optim(c(0, 0), stopping, control = list(maxit = 400)), store), silent = TRUE)
  expect_true("interrupted" %in% store_list(store)$state)
  found <- warm_find(optim(c(0, 0), stopping, control = list(maxit = 500)), store)
  expect_match(found$near$differs, "control", all = FALSE)
})

test_that("the nearest is the one that differs least, and is still stored", {
  store <- new_store()
  first <- warm(lm(mpg ~ wt, mtcars), store)
  warm(lm(mpg ~ wt + hp + qsec, mtcars), store)
  find <- function() warm_find(lm(mpg ~ wt + hp, mtcars), store)
  expect_identical(find()$near$key, format(warm_info()$key))
  store_delete(store, warm_info()$key)
  expect_identical(find()$near$key, format(warm_info(first)$key))
  store_delete(store, warm_info(first)$key)
  expect_null(find()$near)
})

test_that("what has next to nothing in common is not near", {
  store <- new_store()
  warm(lm(mpg ~ wt, mtcars), store)
  expect_null(warm_find(lm(mpg ~ a + b + c + d + e + f + g, cbind(
    mtcars["mpg"], matrix(1:(7 * 32), 32, dimnames = list(NULL, letters[1:7]))
  )), store)$near)
})

test_that("what is kept of keys is bounded, and holds no data", {
  store <- new_store()
  for (i in 1:7) warm(lm(mpg ~ wt, mtcars[-i, ]), store)
  for (i in 1:40) {
    terms <- names(mtcars)[-1][as.logical(intToBits(i)[1:10])]
    eval(bquote(warm(lm(.(stats::reformulate(terms, "mpg")), mtcars), store)))
  }
  rows <- list_all(store)
  rows <- rows[rows$state == "near", ]
  expect_identical(nrow(rows), 1L)
  sketches <- store_lookup(store, rows$key)$payload
  expect_identical(length(sketches), sketches_kept)
  expect_lt(rows$bytes, 2^17)
  expect_false(any(grepl("21.4", unlist(sketches), fixed = TRUE)))
  models <- table(vapply(sketches, `[[`, "", "model"))
  expect_lte(max(models), sketches_of_model)
})

test_that("a key of very many parts is bounded, and its differences are told", {
  store <- new_store()
  wide <- as.data.frame(matrix(rnorm(200 * 20), 20))
  call <- bquote(warm(lm(V1 ~ ., wide), store))
  eval(call)
  wide$V200[[1]] <- 0
  find <- warm_find(lm(V1 ~ ., wide), store)
  expect_gt(length(find$near$differs), 0)
  rows <- list_all(store)
  expect_lt(rows$bytes[rows$state == "near"], 20000)
})

test_that("whatever others have written there breaks nothing", {
  store <- new_store()
  warm(lm(mpg ~ wt, mtcars), store)
  row <- list_all(store)
  row <- row[row$state == "near", ]
  sketch <- store_lookup(store, row$key)$payload[[1]]
  save <- function(payload) save_sketches(store, row$key, payload, "x")
  find <- function() warm_find(lm(mpg ~ wt + hp, mtcars), store)$near$differs
  bad <- list(
    1, "text", list(), list(1), list(list(of = 1)), list(replace(sketch, "names", list(1:3))),
    list(replace(sketch, "of", "../up")), list(replace(sketch, "digests", list("a"))),
    list(replace(sketch, "names", list(rep("a", length(sketch$names)))))
  )
  for (payload in bad) {
    save(payload)
    expect_null(find())
  }
  for (text in c("stop('run')", "a ~", strrep("(", 5000), "~", "\033[31m ~ x")) {
    save(list(replace(sketch, "formulas", text)))
    expect_gt(length(find()), 0)
  }
  save(list(replace(sketch, "label", "\033[31mred")))
  near <- warm_find(lm(mpg ~ wt + hp, mtcars), store)
  expect_false(any(grepl("\033", format(near), fixed = TRUE)))
})

# Without a trace ------------------------------------------------

test_that("it fits nothing, writes nothing and draws nothing", {
  store <- new_store()
  set.seed(1)
  warm(lm(mpg ~ wt, mtcars), store)
  files <- function() {
    names <- list.files(store_config(store)$path, recursive = TRUE, all.files = TRUE)
    tools::md5sum(file.path(store_config(store)$path, names))
  }
  before <- files()
  state <- .Random.seed
  fitted <- 0
  fit <- function(x) {
    fitted <<- fitted + 1
    x
  }
  warm_find(fit(rnorm(3)), store)
  warm_find(lm(mpg ~ rnorm(32), mtcars), store)
  warm_find(lm(mpg ~ wt, mtcars), store)
  expect_identical(files(), before)
  expect_identical(.Random.seed, state)
  expect_identical(fitted, 0)
  expect_identical(summary(store)$misses, 1)
})

test_that("where there is no state of the generator yet, there is none after it", {
  in_process(function() {
    stopifnot(!exists(".Random.seed", globalenv()))
    warm_find(lm(mpg ~ rnorm(32), mtcars), tempfile("store"))
    stopifnot(!exists(".Random.seed", globalenv()))
  })
  succeed()
})

test_that("it finds the fit where warm() does, and nothing around it is done", {
  store <- new_store()
  warm(fit <- lm(mpg ~ wt, mtcars), store)
  rm(fit)
  found <- list(
    warm_find(fit <- lm(mpg ~ wt, mtcars), store),
    warm_find(summary(lm(mpg ~ wt, mtcars)), store),
    warm_find(suppressWarnings(local(lm(mpg ~ wt, mtcars))), store),
    warm_find(do.call(lm, list(quote(mpg ~ wt), quote(mtcars))), store),
    warm_find(tryCatch(lm(mpg ~ wt, mtcars), condition = function(e) NULL), store)
  )
  expect_identical(vapply(found, `[[`, "", "what"), rep("finished", 5))
  expect_false(exists("fit", inherits = FALSE))
})

test_that("an error of an argument is what it is in warm()", {
  expect_identical(warm_find(lm(mpg ~ nowhere, mtcars), new_store())$what, "untouched")
  stopping <- function() stop("before the fit")
  expect_error(
    warm_find(
      {
        stopping()
        lm(mpg ~ wt, mtcars)
      },
      new_store()
    ),
    "before the fit"
  )
})

test_that("bad arguments are named", {
  store <- new_store()
  expect_argument_error(warm_find(1, store), "call")
  expect_argument_error(warm_find(lm(mpg ~ wt, mtcars), 1), "store")
  expect_argument_error(warm_find(lm(mpg ~ wt, mtcars), store, near = NA), "near")
  expect_argument_error(warm_find(lm(mpg ~ wt, mtcars), store, reuse = 1), "reuse")
})

# And warm_info() ------------------------------------------------

test_that("of a cold fit warm_info() says what differs from the nearest", {
  store <- new_store()
  first <- warm(lm(mpg ~ wt, mtcars), store)
  expect_null(warm_info(first)$near)
  cars$wt[[3]] <- 9
  info <- warm_info(warm(lm(mpg ~ wt, cars), store))
  expect_identical(info$near$key, format(warm_info(first)$key))
  expect_identical(unclass(info$near$differs), "column wt: values differ")
  expect_match(
    paste(format(info), collapse = " "), "it differs: column wt: values differ.",
    fixed = TRUE
  )
})

test_that("of a loop of fits that take a moment some sketches are kept, and no more written", {
  store <- new_store()
  local_internal("save_sketches", local({
    save <- save_sketches
    function(...) {
      saved <<- saved + 1
      save(...)
    }
  }))
  saved <- 0
  old <- options(warmstart.near_from = 1e6)
  on.exit(options(old))
  for (i in 1:8) quick <- warm_info(warm(lm(mpg ~ wt, mtcars[-i, ]), store))
  expect_identical(saved, as.numeric(sketches_of_model))
  expect_null(quick$near)
})

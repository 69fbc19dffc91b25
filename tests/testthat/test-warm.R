skip_if_not_installed("mgcv")

small_model <- quote(gam(mpg ~ s(hp) + s(wt), data = mtcars, method = "REML"))

# Cold ------------------------------------------------

test_that("with nothing stored the fit is the cold one, to the last bit", {
  cold <- eval(earthquake_model)
  fit <- warm_call(earthquake_model)
  same <- c("gcv.ubre", "coefficients", "sp", "edf", "fitted.values", "Vp", "outer.info")
  expect_identical(fit[same], cold[same])
})

test_that("with nothing stored the fit says that it was cold", {
  expect_identical(source_of(warm_call(small_model)), "cold")
})

test_that("a fit is checkpointed while it runs", {
  expect_gte(warm_info(warm_call(earthquake_model))$checkpoints, 3)
})

test_that("a fit that ended is stored as final, and no checkpoint of it is left", {
  store <- new_store()
  fit <- warm_call(small_model, store)
  rows <- store_list(store, warm_info(fit)$key)
  expect_identical(rows$kind, "final")
})

test_that("a run is labelled with its formula", {
  store <- new_store()
  fit <- warm_call(small_model, store)
  expect_identical(store_list(store, warm_info(fit)$key)$label, "mpg ~ s(hp) + s(wt)")
})

test_that("a long formula is cut to make a label", {
  store <- new_store()
  long <- stats::reformulate(
    c("s(hp)", paste0("I(wt + ", strrep("0", 1:20), "1)")[1:12]), "mpg"
  )
  fit <- warm(gam(long, data = mtcars), store)
  expect_lte(nchar(store_list(store, warm_info(fit)$key)$label, "bytes"), 143)
})

# Finished ------------------------------------------------

test_that("a second run returns the finished fit", {
  store <- new_store()
  first <- warm_call(small_model, store)
  second <- warm_call(small_model, store)
  expect_identical(source_of(second), "finished")
  expect_equal(bare(second), bare(first))
})

test_that("a second run does not call the fitter", {
  store <- new_store()
  warm_call(small_model, store)
  info <- warm_info(warm_call(small_model, store))
  expect_identical(info$iterations, 0)
  expect_identical(info$seconds, 0)
})

test_that("a finished fit serves predict() and summary()", {
  store <- new_store()
  first <- warm_call(small_model, store)
  second <- warm_call(small_model, store)
  expect_equal(predict(second, mtcars[1:5, ]), predict(first, mtcars[1:5, ]))
  expect_equal(summary(second)$s.table, summary(first)$s.table)
})

test_that("without reuse a finished fit is fitted again, from its estimates", {
  store <- new_store()
  first <- warm_call(earthquake_model, store)
  again <- warm_call(earthquake_model, store, reuse = FALSE)
  expect_identical(source_of(again), "seeded")
  expect_lte(warm_info(again)$iterations, 2)
  expect_equal(score_of(again), score_of(first), tolerance = 1e-6)
})

test_that("another fit is not taken for it", {
  store <- new_store()
  warm_call(small_model, store)
  other <- warm(gam(mpg ~ s(hp) + s(qsec), data = mtcars, method = "REML"), store)
  cold <- gam(mpg ~ s(hp) + s(qsec), data = mtcars, method = "REML")
  expect_false(source_of(other) == "finished")
  expect_equal(score_of(other), score_of(cold), tolerance = 1e-6)
})

test_that("a changed value in a column that is used makes it another fit", {
  store <- new_store()
  changed <- mtcars
  warm(gam(mpg ~ s(hp), data = changed), store)
  changed$hp[[3]] <- changed$hp[[3]] + 1
  expect_false(source_of(warm(gam(mpg ~ s(hp), data = changed), store)) == "finished")
})

test_that("a changed value in a column that is not used does not", {
  store <- new_store()
  changed <- mtcars
  warm(gam(mpg ~ s(hp), data = changed), store)
  changed$qsec[[3]] <- 0
  expect_identical(source_of(warm(gam(mpg ~ s(hp), data = changed), store)), "finished")
})

test_that("a finished fit of other versions is only a start", {
  store <- new_store()
  key <- warm_info(warm_call(earthquake_model, store))$key
  entry <- store_lookup(store, key, kind = "final")
  entry$payload$versions[["mgcv"]] <- "0.0.1"
  store_save(
    store, key, entry$payload, entry$objective, entry$iteration, "final", entry$run_id
  )
  expect_identical(source_of(warm_call(earthquake_model, store)), "seeded")
})

test_that("a process finds what another has fitted", {
  store <- new_store()
  fit <- warm(mgcv::gam(mpg ~ s(hp), data = mtcars), store)
  there <- in_process(function(store) {
    fit <- warm(mgcv::gam(mpg ~ s(hp), data = mtcars), store)
    list(source = warm_info(fit)$source, coefficients = coef(fit))
  }, store)
  expect_identical(there, list(source = "finished", coefficients = coef(fit)))
})

# Resumed ------------------------------------------------

test_that("an interrupted fit is resumed", {
  fit <- warm_call(earthquake_model, interrupted_store(earthquake_model, 3))
  expect_identical(source_of(fit), "resumed")
})

test_that("a resumed fit is the cold one, within tolerance", {
  cold <- eval(earthquake_model)
  fit <- warm_call(earthquake_model, interrupted_store(earthquake_model, 3))
  expect_equal(score_of(fit), score_of(cold), tolerance = 1e-6)
  expect_equal(fit$fitted.values, cold$fitted.values, tolerance = 1e-6)
})

test_that("iterations before and after an interruption are at most one more than cold", {
  cold <- eval(earthquake_model)
  fit <- warm_call(earthquake_model, interrupted_store(earthquake_model, 3))
  info <- warm_info(fit)
  expect_gt(info$iterations_before, 0)
  expect_lte(info$iterations_before + info$iterations, cold$outer.info$iter + 1)
})

test_that("a resumed fit is stored, and found", {
  store <- interrupted_store(earthquake_model, 3)
  warm_call(earthquake_model, store)
  expect_identical(source_of(warm_call(earthquake_model, store)), "finished")
})

test_that("a state of another form is passed over", {
  store <- new_store()
  store_save(store, key_of(small_model)$exact, list("not", "a state"))
  expect_identical(source_of(warm_call(small_model, store)), "cold")
})

# Seeded ------------------------------------------------

test_that("the same model on other rows starts from the earlier fit", {
  store <- new_store()
  warm(gam(mag ~ s(depth) + s(stations), data = quakes, method = "REML"), store)
  fit <- warm(gam(mag ~ s(depth) + s(stations), data = quakes[-(1:9), ], method = "REML"), store)
  expect_identical(source_of(fit), "seeded")
})

test_that("a fit that was seeded is the cold one, within tolerance", {
  store <- new_store()
  warm_call(earthquake_model, store)
  fold <- earthquakes[seq_len(nrow(earthquakes)) %% 10 != 0, ]
  on_fold <- earthquake_model
  on_fold$data <- quote(fold)
  fit <- warm_call(on_fold, store)
  expect_identical(source_of(fit), "seeded")
  expect_equal(score_of(fit), score_of(eval(on_fold)), tolerance = 1e-6)
})

test_that("near = FALSE starts cold", {
  store <- new_store()
  warm(gam(mpg ~ s(hp), data = mtcars), store)
  fit <- warm(gam(mpg ~ s(hp), data = mtcars[-1, ]), store, near = FALSE)
  expect_identical(source_of(fit), "cold")
})

test_that("a model with one term more starts from the one without", {
  store <- new_store()
  warm_call(earthquake_model, store)
  larger <- earthquake_model
  larger[[2]] <- quote(strong ~ s(depth) + s(stations) + s(lat) + long)
  fit <- warm_call(larger, store)
  expect_identical(source_of(fit), "seeded")
  expect_match(warm_info(fit)$found, "related")
  expect_equal(score_of(fit), score_of(eval(larger)), tolerance = 1e-6)
})

test_that("near = FALSE does not start from a related model", {
  store <- new_store()
  warm_call(earthquake_model, store)
  smaller <- earthquake_model
  smaller[[2]] <- quote(strong ~ s(depth) + s(stations))
  expect_identical(source_of(warm_call(smaller, store, near = FALSE)), "cold")
})

test_that("a model with another response does not start from this one", {
  store <- new_store()
  warm(gam(mpg ~ s(hp), data = mtcars), store)
  expect_identical(source_of(warm(gam(qsec ~ s(hp), data = mtcars), store)), "cold")
})

spoiled_seed <- function(change) {
  warm_call(earthquake_model, interrupted_store(earthquake_model, 3, change))
}

test_that("a seed with other coefficients is passed over, and the reason kept", {
  fit <- spoiled_seed(function(state) {
    names(state$coefficients)[[2]] <- "s(other).1"
    state
  })
  expect_identical(source_of(fit), "cold")
  expect_match(warm_info(fit)$reason, "coefficients")
})

test_that("a seed of another length is passed over, and the reason kept", {
  fit <- spoiled_seed(function(state) {
    state$sp <- state$sp[-1]
    state
  })
  expect_identical(source_of(fit), "cold")
  expect_match(warm_info(fit)$reason, "smoothing parameters")
})

test_that("a seed that is not finite is passed over", {
  fit <- spoiled_seed(function(state) {
    state$sp[[1]] <- NaN
    state
  })
  expect_identical(source_of(fit), "cold")
})

test_that("a fit whose seed was passed over is the cold one, to the last bit", {
  fit <- spoiled_seed(function(state) list())
  expect_identical(fit$coefficients, eval(earthquake_model)$coefficients)
})

# The fit is the user's own ------------------------------------------------

# Cold, resumed, and returned.
fits_of_all_sources <- function() {
  store <- interrupted_store(earthquake_model, 3)
  list(
    cold = warm_call(earthquake_model),
    resumed = warm_call(earthquake_model, store),
    finished = warm_call(earthquake_model, store)
  )
}

test_that("call, class and formula are as without warm()", {
  plain <- eval(earthquake_model)
  for (fit in fits_of_all_sources()) {
    expect_identical(fit$call, plain$call, info = source_of(fit))
    expect_identical(class(fit), class(plain), info = source_of(fit))
    expect_identical(fit$formula, plain$formula, info = source_of(fit))
  }
})

test_that("the family is as without warm()", {
  plain <- eval(earthquake_model)
  for (fit in fits_of_all_sources()) {
    expect_identical(lapply(fit$family, deparse), lapply(plain$family, deparse))
    expect_s3_class(fit$family, "family", exact = TRUE)
  }
})

test_that("the fit has the parts that it has without warm()", {
  plain <- eval(earthquake_model)
  for (fit in fits_of_all_sources()) {
    expect_identical(names(fit), names(plain))
  }
})

test_that("update() refits without warmstart", {
  for (fit in fits_of_all_sources()) {
    smaller <- update(fit, . ~ . - s(lat))
    expect_null(attr(smaller, "warmstart"))
    expect_identical(formula(smaller), strong ~ s(depth) + s(stations), ignore_formula_env = TRUE)
  }
})

test_that("update() may be kept in its turn", {
  fit <- warm_call(small_model)
  other <- warm(update(fit, . ~ s(hp)), new_store())
  expect_identical(source_of(other), "cold")
  expect_identical(formula(other), mpg ~ s(hp), ignore_formula_env = TRUE)
  expect_identical(warm_info(other)$call[[1]], quote(gam))
})

test_that("update() is seen through where a package has made an S4 generic of it", {
  skip_if_not_installed("Matrix")
  fit <- warm_call(small_model)
  update <- Matrix::update
  other <- warm(update(fit, . ~ s(hp)), new_store())
  expect_identical(warm_info(other)$call[[1]], quote(gam))
})

test_that("predict(), summary(), anova() and residuals() are as without warm()", {
  plain <- eval(earthquake_model)
  for (fit in fits_of_all_sources()) {
    rows <- earthquakes[1:9, ]
    expect_equal(predict(fit, rows), predict(plain, rows), tolerance = 1e-5)
    expect_equal(summary(fit)$s.table, summary(plain)$s.table, tolerance = 1e-3)
    expect_equal(anova(fit)$s.table, anova(plain)$s.table, tolerance = 1e-3)
    expect_equal(residuals(fit), residuals(plain), tolerance = 1e-5)
  }
})

test_that("two fits can be compared by anova()", {
  fit <- warm_call(small_model)
  smaller <- warm(gam(mpg ~ s(hp), data = mtcars, method = "REML"), new_store())
  expect_s3_class(anova(smaller, fit, test = "F"), "anova")
})

test_that("the fit prints as without warm()", {
  plain <- eval(small_model)
  expect_identical(capture.output(print(warm_call(small_model))), capture.output(print(plain)))
})

test_that("the user's family object is left as it was", {
  family <- mgcv::nb()
  before <- family$getTheta()
  warm(gam(carb ~ s(hp), family = family, data = mtcars, method = "REML"), new_store())
  expect_identical(family$getTheta(), before)
})

# Nothing else is touched ------------------------------------------------

random_state_after <- function(expr) {
  set.seed(1)
  force(expr)
  get(".Random.seed", globalenv())
}

test_that("the random numbers go on as after a cold fit", {
  skip_if_not_installed("withr")
  withr::local_preserve_seed()
  after_cold <- random_state_after(eval(earthquake_model))
  store <- interrupted_store(earthquake_model, 3)
  expect_identical(random_state_after(warm_call(earthquake_model)), after_cold)
  expect_identical(random_state_after(warm_call(earthquake_model, store)), after_cold)
  expect_identical(random_state_after(warm_call(earthquake_model, store)), after_cold)
})

test_that("a generator that was not yet seeded stays so", {
  seeded <- in_process(function(store) {
    fit <- warm(mgcv::gam(mpg ~ s(hp), data = mtcars), store)
    fit <- warm(mgcv::gam(mpg ~ s(hp), data = mtcars), store)
    exists(".Random.seed", globalenv())
  }, new_store())
  expect_false(seeded)
})

test_that("options and the search path stay as they are", {
  before <- list(options(), search())
  fits_of_all_sources()
  expect_identical(list(options(), search()), before)
})

test_that("the fitter's own warnings come through, and no others", {
  warning_of <- function(expr) {
    texts <- character()
    withCallingHandlers(expr, warning = function(w) {
      texts <<- c(texts, conditionMessage(w))
      invokeRestart("muffleWarning")
    })
    texts
  }
  noisy <- quote(gam(I(mpg / 40) ~ s(hp), family = binomial, data = mtcars))
  cold <- warning_of(eval(noisy))
  expect_gt(length(cold), 0)
  expect_identical(warning_of(warm_call(noisy)), cold)
})

error_of <- function(expr) {
  tryCatch(expr, error = identity)
}

failing <- list(
  "a missing column" = quote(gam(mpg ~ s(no_such_column), data = mtcars)),
  "missing data" = quote(gam(mpg ~ s(hp), data = no_such_data)),
  "too large a basis" = quote(gam(mpg ~ s(cyl, k = 20), data = mtcars)),
  "an unknown argument's value" = quote(gam(mpg ~ s(hp), data = mtcars, method = "GUESS")),
  "a formula that is none" = quote(gam("mpg", data = mtcars)),
  "a family that is none" = quote(gam(mpg ~ s(hp), family = no_such_family, data = mtcars)),
  "no arguments" = quote(gam())
)

for (what in names(failing)) {
  test_that(paste("the fitter's own error comes through for", what), {
    plain <- error_of(eval(failing[[what]]))
    kept <- error_of(warm_call(failing[[what]]))
    expect_s3_class(plain, "error")
    expect_identical(conditionMessage(kept), conditionMessage(plain))
    expect_identical(class(kept), class(plain))
  })
}

test_that("an error of the fitter leaves no finished fit", {
  store <- new_store()
  error_of(warm(gam(mpg ~ s(cyl, k = 20), data = mtcars), store))
  expect_false("final" %in% store_list(store)$kind)
})

test_that("an error leaves no session open", {
  store <- new_store()
  error_of(warm(gam(mpg ~ s(cyl, k = 20), data = mtcars), store))
  expect_false("running" %in% store_list(store, all = TRUE)$state)
})

test_that("a fit leaves no session open", {
  store <- new_store()
  warm_call(small_model, store)
  expect_false("running" %in% store_list(store, all = TRUE)$state)
})

# Where the call is ------------------------------------------------

expect_kept <- function(fit) {
  expect_identical(source_of(fit), "cold")
  expect_equal(bare(fit)$sp, gam(mpg ~ s(hp), data = mtcars)$sp)
}

test_that("a call inside a function is evaluated there", {
  fit_it <- function(rows) {
    local_data <- mtcars[rows, ]
    warm(gam(mpg ~ s(hp), data = local_data), new_store())
  }
  expect_kept(fit_it(TRUE))
})

test_that("a formula may be in a variable", {
  formula <- mpg ~ s(hp)
  expect_kept(warm(gam(formula, data = mtcars), new_store()))
})

test_that("a formula may come as a function's argument", {
  fit_it <- function(f, ...) warm(gam(f, ...), new_store())
  expect_kept(fit_it(mpg ~ s(hp), data = mtcars))
})

test_that("the data may be piped in", {
  skip_if(getRversion() < "4.2", "the pipe has no placeholder")
  expect_kept(eval(str2lang("warm(mtcars |> gam(mpg ~ s(hp), data = _), new_store())")))
})

test_that("a call may be piped into warm()", {
  expect_kept(gam(mpg ~ s(hp), data = mtcars) |> warm(new_store()))
})

test_that("the fitter may be named by its package", {
  expect_kept(warm(mgcv::gam(mpg ~ s(hp), data = mtcars), new_store()))
})

test_that("the fitter's arguments may be given by position", {
  expect_kept(warm(gam(mpg ~ s(hp), gaussian, mtcars), new_store()))
})

test_that("the fitter may be called by do.call", {
  arguments <- list(mpg ~ s(hp), data = mtcars)
  fit <- warm(do.call(gam, arguments), new_store())
  expect_equal(fit$sp, gam(mpg ~ s(hp), data = mtcars)$sp)
})

test_that("warm() may be called by do.call", {
  expect_kept(do.call(warm, list(quote(gam(mpg ~ s(hp), data = mtcars)), new_store())))
})

test_that("warm() works in lapply", {
  fits <- lapply(c("hp", "wt"), function(name) {
    warm(gam(stats::reformulate(sprintf("s(%s)", name), "mpg"), data = mtcars), new_store())
  })
  expect_kept(fits[[1]])
})

test_that("the data may be columns of the calling environment", {
  mpg <- mtcars$mpg
  hp <- mtcars$hp
  expect_kept(warm(gam(mpg ~ s(hp)), new_store()))
})

test_that("warm() may fit within another's formula function", {
  inner <- function(x) {
    warm(gam(mpg ~ s(wt), data = mtcars), new_store())
    x
  }
  expect_kept(warm(gam(mpg ~ s(hp), data = transform(mtcars, wt = inner(wt))), new_store()))
})

# Functions without an adapter ------------------------------------------------

test_that("the result of any function is kept, and returned at once", {
  trace <- tempfile()
  count <- function(x, trace) {
    cat("called\n", file = trace, append = TRUE)
    list(sum = sum(x))
  }
  store <- new_store()
  first <- warm(count(1:3, trace), store)
  expect_identical(source_of(first), "cold")
  again <- warm(count(1:3, trace), store)
  expect_identical(readLines(trace), "called")
  expect_identical(source_of(again), "finished")
  expect_identical(again, list(sum = 6L))
  expect_identical(source_of(warm(count(1:4, trace), store)), "cold")
})

test_that("a function's call is as the user wrote it", {
  written <- function(...) list(call = sys.call())
  expect_identical(warm(written(b = 2, 1), new_store())$call, quote(written(b = 2, 1)))
})

test_that("another definition of a function is another key", {
  store <- new_store()
  scale <- 2
  double <- function(x) list(scale * x)
  warm(double(3), store)
  scale <- 3
  expect_identical(bare(warm(double(3), store)), list(9))
})

test_that("an argument that only the function can evaluate counts", {
  store <- new_store()
  pick <- function(data, which) eval(substitute(which), data)
  frame <- data.frame(a = 1:3, b = 4:6)
  limit <- 2
  expect_identical(bare(warm(pick(frame, list(a > limit)), store)), list(c(FALSE, FALSE, TRUE)))
  limit <- 1
  expect_identical(bare(warm(pick(frame, list(a > limit)), store)), list(c(FALSE, TRUE, TRUE)))
  expect_identical(bare(warm(pick(frame, list(b > limit)), store)), list(rep(TRUE, 3)))
})

test_that("such an argument counts also where it happens to have a value outside", {
  store <- new_store()
  pick <- function(data, which) eval(substitute(which), data)
  frame <- data.frame(a = 1:3)
  a <- "outside"
  limit <- 2
  expect_identical(bare(warm(pick(frame, list(a > limit)), store)), list(c(FALSE, FALSE, TRUE)))
  limit <- 1
  expect_identical(bare(warm(pick(frame, list(a > limit)), store)), list(c(FALSE, TRUE, TRUE)))
})

test_that("the variables of a formula without data count", {
  store <- new_store()
  middle <- function(formula) list(mean(eval(formula[[2]], environment(formula))))
  x <- c(1, 3)
  model <- ~x
  expect_identical(bare(warm(middle(model), store)), list(2))
  x <- c(1, 5)
  expect_identical(bare(warm(middle(model), store)), list(3))
})

test_that("a result that is no list stays as it is, and the last information can be had", {
  number <- function() 42
  expect_identical(warm(number(), new_store()), 42)
  expect_identical(warm_info()$source, "cold")
})

test_that("what is not the call of a closure runs untouched, with a message", {
  skip_if_not_installed("withr")
  withr::local_options(warmstart.verbose = TRUE)
  expect_message(value <- warm({ 1 + 1 }, new_store()), "not kept.*[^.][.]\n$")
  expect_identical(value, 2)
})

test_that("a formula may be written as text", {
  store <- new_store()
  warm(glm(mpg ~ wt, data = mtcars), store)
  # In such a fit it stays text.
  expect_identical(source_of(warm(glm("mpg ~ wt", data = mtcars), store)), "cold")
  fit <- warm(glm("mpg ~ wt", data = mtcars), store)
  expect_identical(source_of(fit), "finished")
  expect_identical(fit$formula, glm("mpg ~ wt", data = mtcars)$formula)
  expect_identical(fit$call, quote(glm(formula = "mpg ~ wt", data = mtcars)))
})

# Calls that make calls ------------------------------------------------

test_that("do.call() is the call that it makes", {
  store <- new_store()
  fit <- warm(do.call("gam", list(mpg ~ s(hp), data = quote(mtcars), method = "REML")), store)
  same <- warm(gam(mpg ~ s(hp), data = mtcars, method = "REML"), store)
  expect_identical(source_of(fit), "cold")
  expect_identical(source_of(same), "finished")
  expect_identical(
    fit$call, do.call("gam", list(mpg ~ s(hp), data = quote(mtcars), method = "REML"))$call
  )
})

test_that("warm() itself may be the function of do.call()", {
  store <- new_store()
  fit <- do.call(warm, list(small_model, store))
  expect_identical(source_of(fit), "cold")
  expect_identical(source_of(warm_call(small_model, store)), "finished")
})

test_that("a fitter that returns NULL returns NULL", {
  nothing <- function() NULL
  expect_null(warm(nothing(), new_store()))
})

test_that("an error of a fitter that is not known comes through", {
  kept <- error_of(warm(lm(mpg ~ no_such_column, data = mtcars), new_store()))
  plain <- error_of(lm(mpg ~ no_such_column, data = mtcars))
  expect_identical(conditionMessage(kept), conditionMessage(plain))
})

# What is worth keeping ------------------------------------------------

test_that("a fit is kept whole unless it is large and quickly made", {
  megabytes <- function(n) list(fit = numeric(n * 1e6 / 8), code = identity)
  is_kept <- function(payload, seconds) !is.null(encode_within(room_for(seconds), payload))
  expect_true(is_kept(megabytes(0.001), 0.001))
  expect_true(is_kept(megabytes(8), 1))
  expect_false(is_kept(megabytes(8), 0.1))
  expect_true(is_kept(megabytes(80), 2))
})

test_that("what else is in the function that asks for a fit is not stored with it", {
  store <- new_store()
  analyse <- function(formula = count ~ spray) {
    elsewhere <- numeric(1e6)
    sprays <- datasets::InsectSprays
    fit <- warm(glm(formula, poisson, sprays), store)
    list(fit = fit, is_here = identical(environment(terms(fit)), environment()))
  }
  cold <- analyse()
  expect_true(cold$is_here)
  expect_lt(sum(store_list(store, all = TRUE)$bytes), 1e6)
  again <- analyse()
  expect_identical(source_of(again$fit), "finished")
  # As of a fit that is made there.
  expect_true(again$is_here)
  expect_equal(coef(again$fit), coef(cold$fit))

  outer <- function() {
    besides <- numeric(1e6)
    formula <- count ~ rev(spray)
    fit <- analyse(formula)$fit
    list(source = source_of(fit), is_here = identical(environment(terms(fit)), environment()))
  }
  expect_identical(outer(), list(source = "cold", is_here = TRUE))
  expect_identical(outer(), list(source = "finished", is_here = TRUE))
  expect_lt(sum(store_list(store, all = TRUE)$bytes), 1e6)
})

test_that("a fit from elsewhere has the global environment where it has none of its own", {
  store <- new_store()
  ask <- function() (function() warm(glm(count ~ spray, poisson, datasets::InsectSprays), store))()
  ask()
  key <- new_request(quote(glm(count ~ spray, poisson, datasets::InsectSprays)), environment())$key
  stored <- store_lookup(store, key$exact)$payload$fit
  expect_identical(environment(terms(stored)), globalenv())
  again <- evalq(warm(glm(count ~ spray, poisson, datasets::InsectSprays), store),
    list2env(list(store = store), parent = globalenv())
  )
  expect_identical(source_of(again), "finished")
})

test_that("a bootstrap of any length leaves a bounded number of starting values", {
  store <- new_store()
  samples <- lapply(1:300, function(seed) {
    set.seed(seed)
    datasets::InsectSprays[sample(72, replace = TRUE), ]
  })
  fits <- lapply(samples, function(d) warm(glm(count ~ spray, poisson, d), store))
  key_of <- function(d) new_request(quote(glm(count ~ spray, poisson, d)), environment())$key
  keys <- lapply(samples, key_of)
  run_ids <- vapply(keys, run_id_of_data, "")
  expect_setequal(list_runs(store, keys[[1]]$specification)$run_id, run_ids)
  # Of those that share one, the last is there; and of all, the newest is found.
  is_there <- !vapply(keys, function(key) is.null(find_seed_of(key, store)), NA)
  expect_identical(is_there, !duplicated(run_ids, fromLast = TRUE))
  newest <- find_seed_for_rows(keys[[1]], store)
  expect_identical(newest$payload$of, format(keys[[300]]$exact))
  expect_equal(newest$payload$state$coefficients, coef(fits[[300]]))
})

# A failing store ------------------------------------------------

test_that("a store that cannot be written stops no fit", {
  fit <- suppressWarnings(warm_call(earthquake_model, blocked_store()))
  expect_identical(fit$coefficients, eval(earthquake_model)$coefficients)
})

test_that("a store that cannot be written gives one warning", {
  expect_length(collect_warnings(warm_call(earthquake_model, blocked_store())), 1)
})

test_that("the info says why the store could not be written", {
  fit <- suppressWarnings(warm_call(small_model, blocked_store()))
  expect_match(warm_info(fit)$failure, "directory")
  expect_match(paste(format(warm_info(fit)), collapse = " "), "could not be written")
})

# What it says ------------------------------------------------

messages_of <- function(expr) {
  skip_if_not_installed("withr")
  withr::local_options(warmstart.verbose = TRUE)
  capture_messages(expr)
}

test_that("a cold fit says at its end what it saved", {
  said <- messages_of(warm_call(small_model))
  expect_length(said, 1)
  expect_match(said, "^warmstart: Saved")
})

test_that("a resumed fit says from where", {
  store <- interrupted_store(earthquake_model, 3)
  expect_match(
    messages_of(warm_call(earthquake_model, store))[[1]],
    "Resuming from iteration [0-9]+, saved .* ago"
  )
})

test_that("a finished fit says so", {
  store <- new_store()
  warm_call(small_model, store)
  expect_match(messages_of(warm_call(small_model, store)), "Finished fit, saved .* ago")
})

test_that("warmstart.verbose = FALSE says nothing", {
  expect_silent(warm_call(small_model))
})

test_that("the info of each source prints as a sentence", {
  fits <- fits_of_all_sources()
  patterns <- c(
    cold = "This fit began cold, and took [0-9]+ iterations and",
    resumed = "was interrupted, saved .* ago, after [0-9]+ iterations? and .* It took [0-9]+ iter",
    finished = "had finished before, saved .* ago, and was returned as it was stored"
  )
  for (source in names(fits)) {
    lines <- format(warm_info(fits[[source]]))
    expect_match(paste(lines, collapse = " "), patterns[[source]])
    expect_true(all(nchar(lines) <= 80))
    expect_identical(utils::tail(lines, 1), paste("Key:", warm_info(fits[[source]])$key))
  }
})

test_that("the info is a paragraph as wide as the console, whatever its words", {
  info <- new_info(
    "seeded",
    key = a_key, found = "related model, s(x)\u202e", written = Sys.time() - 200,
    iterations = 3, iterations_cold = 1, seconds = 90, checkpoints = 1,
    reason = "Not started from the finished fit: no", failure = "disk\nfull"
  )
  withr::local_options(width = 40)
  lines <- format(info)
  expect_true(all(nchar(lines) <= 40))
  expect_identical(paste(lines, collapse = " "), paste(
    "This fit started from the estimates of an earlier one (related model, s(x)?), saved 3 minutes",
    "ago, and took 3 iterations and 2 minutes. The earlier one had taken 1 iteration. On the way",
    "1 checkpoint was written. Not started from the finished fit: no. The store could not be",
    "written: disk full. Key: 00112233445566778899aabbccddeeff"
  ))
})

test_that("the info has the documented parts", {
  expect_named(unclass(warm_info(warm_call(small_model))), c(
    "source", "call", "key", "found", "written", "reason", "iterations", "iterations_before",
    "seconds", "seconds_saved", "checkpoints", "failure", "iterations_cold", "history", "near"
  ), ignore.order = TRUE)
})

# Bad arguments ------------------------------------------------

bad_warm_calls <- list(
  list(quote(warm(fit_it, store)), "call"),
  list(quote(warm(1, store)), "call"),
  list(quote(warm(gam(mpg ~ s(hp), data = mtcars), 1)), "store"),
  list(quote(warm(gam(mpg ~ s(hp), data = mtcars), store, reuse = NA)), "reuse"),
  list(quote(warm(gam(mpg ~ s(hp), data = mtcars), store, reuse = "yes")), "reuse"),
  list(quote(warm(gam(mpg ~ s(hp), data = mtcars), store, near = c(TRUE, FALSE))), "near"),
  list(quote(warm(gam(mpg ~ s(hp), data = mtcars), store, label = 1)), "label"),
  list(quote(warm(gam(mpg ~ s(hp), data = mtcars), store, name = 1)), "name"),
  list(quote(warm(gam(mpg ~ s(hp), data = mtcars), store, resue = TRUE)), "resue"),
  list(quote(warm_info("no fit")), "fit"),
  list(quote(warm_info(NULL)), "fit"),
  list(quote(warm_info(lm(mpg ~ hp, mtcars))), "fit")
)

for (bad in bad_warm_calls) {
  test_that(paste(deparse1(bad[[1]]), "names its bad argument"), {
    store <- new_store()
    expect_argument_error(eval(bad[[1]]), bad[[2]])
    expect_identical(nrow(store_list(store)), 0L)
  })
}

test_that("a random subset is the one that a cold fit would have drawn", {
  set.seed(1)
  cold <- mgcv::gam(mpg ~ s(hp), data = mtcars[sample(32, 28), ], method = "REML")
  after_cold <- stats::runif(1)
  set.seed(1)
  fit <- warm(
    mgcv::gam(mpg ~ s(hp), data = mtcars[sample(32, 28), ], method = "REML"),
    warm_store(withr::local_tempdir())
  )
  expect_equal(rownames(fit$model), rownames(cold$model))
  expect_equal(stats::runif(1), after_cold)
})

test_that("a misspelled argument is told the nearest, one of others what it is called here", {
  said <- function(expr) conditionMessage(expect_error(expr, class = "warmstart_error_argument"))
  expect_match(said(warm(lm(mpg ~ wt, mtcars), resue = FALSE)), "is it `reuse`?", fixed = TRUE)
  expect_match(said(warm(lm(mpg ~ wt, mtcars), quick = TRUE)), "is it `quickstart`?", fixed = TRUE)
  expect_match(said(warm_find(lm(mpg ~ wt, mtcars), dependson = 1)), "`depends`", fixed = TRUE)
  expect_match(said(warm(lm(mpg ~ wt, mtcars), verbose = FALSE)), "warmstart.verbose", fixed = TRUE)
  expect_match(said(warm(lm(mpg ~ wt, mtcars), key = "a")), "`depends`", fixed = TRUE)
  expect_match(said(warm(lm(mpg ~ wt, mtcars), resume = TRUE)), "by itself", fixed = TRUE)
  for (name in c("file", "cache")) {
    call <- as.call(c(quote(warm), quote(lm(mpg ~ wt, mtcars)), stats::setNames(list("x"), name)))
    expect_match(said(eval(call)), "`store`", fixed = TRUE)
  }
  expect_match(said(warm(lm(mpg ~ wt, mtcars), seed = 1)), "set.seed", fixed = TRUE)
  expect_match(said(warm(lm(mpg ~ wt, mtcars), tempfile(), FALSE)), "by their names", fixed = TRUE)
})

test_that("a finished fit's warnings come with those of their fields that are plain and small", {
  store <- new_store()
  fields <- list(rows = 3:5, why = list(code = "E1"), fun = mean, big = numeric(1000))
  fit <- function(x) {
    warning(do.call(warningCondition, c("odd rows", fields, class = "odd")))
    x
  }
  heard <- NULL
  withCallingHandlers(
    for (i in 1:2) warm(fit(1), store),
    odd = function(w) {
      heard <<- c(heard, list(w))
      invokeRestart("muffleWarning")
    }
  )
  expect_identical(warm_info()$source, "finished")
  again <- heard[[2]]
  expect_identical(class(again), class(heard[[1]]))
  expect_identical(conditionMessage(again), "odd rows")
  expect_identical(again[c("rows", "why")], fields[c("rows", "why")])
  expect_null(again$fun)
  expect_null(again$big)
})

test_that("rlang's warnings come with their fields, and their words as they were", {
  skip_if_not_installed("rlang")
  store <- new_store()
  fit <- function(x) {
    rlang::warn(
      c("Not quite.", i = "Try again."),
      class = "not_quite", value = 7, body = c(x = "No")
    )
    x
  }
  heard <- NULL
  withCallingHandlers(
    for (i in 1:2) warm(fit(1), store),
    not_quite = function(w) {
      heard <<- c(heard, list(w))
      invokeRestart("muffleWarning")
    }
  )
  expect_identical(warm_info()$source, "finished")
  expect_identical(heard[[2]]$value, 7)
  expect_identical(conditionMessage(heard[[2]]), conditionMessage(heard[[1]]))
  expect_identical(class(heard[[2]]), class(heard[[1]]))
})

test_that("what a store cannot keep beside a fit is no news, since the fit is kept", {
  store <- new_store()
  keys <- all_keys(new_request(quote(glm(am ~ wt, binomial, mtcars)), environment()))
  for (key in keys) {
    branch <- file.path(store_config(store)$path, "v1", substr(key, 1, 3))
    dir.create(dirname(branch), FALSE, recursive = TRUE)
    file.create(branch)
  }
  expect_no_warning(warm(glm(am ~ wt, binomial, mtcars), store))
  expect_identical(store_list(store)$state, "finished")
})

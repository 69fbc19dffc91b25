skip_if_not_installed("mgcv")

quakes_state <- function(formula) {
  finished_gam_state(
    mgcv::gam(formula, data = datasets::quakes, family = Gamma("log"))
  )
}

finished_gam_state <- function(fit) adapter_mgcv_gam()$state(fit)$state

# What a related model's state becomes in the frames of the fit that it starts: where the working
# model begins a second time.
adopted <- function(state, call, env = parent.frame()) {
  seen <- NULL
  local_internal("settle_start", function(view, initial, seed) {
    seen <<- list(initial = initial, seed = seed)
    list(in_out = list(sp = initial, scale = 1), coefficients = NULL)
  })
  call <- match.call(eval(call[[1]], env), call)
  eval(adapter_mgcv_gam()$seed(call, env, state, "related"), env)
  seen
}

smaller <- mag ~ s(depth, bs = "cr") + s(stations, bs = "cr", k = 6)
larger <- quote(gam(
  mag ~ s(depth, bs = "cr") + s(lat, bs = "cr") + s(stations, bs = "cr", k = 6),
  data = datasets::quakes, family = Gamma("log")
))

test_that("smoothing parameters go over by the names of their penalties, others are mgcv's own", {
  state <- quakes_state(smaller)
  begun <- adopted(state, larger)
  expect_equal(begun$seed[c(1, 3)], unname(state$sp[c("s(depth)", "s(stations)")]))
  expect_equal(begun$seed[[2]], begun$initial[[2]])
  setup <- eval(as.call(c(as.list(larger), fit = FALSE)))
  expect_equal(begun$initial, mgcv::initial.sp(setup$X, setup$S, setup$off), tolerance = 1e-6)
})

test_that("a model with no term in common cannot start this one", {
  state <- quakes_state(mag ~ s(long))
  expect_error(adopted(state, larger), class = "warmstart_seed_unfit")
})

test_that("where a fit starts is not for the store to say", {
  ends <- lapply(list(smaller, mag ~ s(lat, bs = "cr"), NULL), function(stored) {
    store <- new_store()
    if (!is.null(stored)) {
      warm(gam(stored, data = datasets::quakes, family = Gamma("log")), store)
    }
    fit <- warm_call(larger, store, quickstart = TRUE)
    expect_identical(source_of(fit), if (is.null(stored)) "quick" else "seeded")
    bare(fit)[c("coefficients", "sp", "gcv.ubre", "edf")]
  })
  expect_identical(ends[[1]], ends[[3]])
  expect_identical(ends[[2]], ends[[3]])
})

test_that("a term that was smoothed away is started where the score has a slope", {
  state <- quakes_state(smaller)
  state$sp[] <- 1e15
  sp <- adopted(state, larger)$seed
  expect_true(all(sp < 1e10))
})

test_that("so is a term whose penalty had no effect", {
  state <- quakes_state(smaller)
  state$sp[] <- 1e-15
  sp <- adopted(state, larger)$seed
  expect_true(all(sp > 1e-10))
})

test_that("an exact seed is taken as it is", {
  state <- quakes_state(smaller)
  state$finished <- FALSE
  call <- as.call(list(quote(gam), smaller, data = quote(quakes), method = "REML"))
  state$sp[] <- c(1e12, 1)
  call <- match.call(mgcv::gam, call)
  seeded <- adapter_mgcv_gam()$seed(call, environment(), state, "exact")
  seen <- NULL
  given <- seeded[["in.out"]]
  seeded[["in.out"]] <- as.call(list(function() seen <<- eval(given)))
  suppressWarnings(eval(seeded))
  expect_equal(seen$sp, c(1e12, 1))
})

test_that("a related model starts this one through warm(), and the fit is the cold one", {
  store <- new_store()
  warm(gam(mag ~ s(depth), data = datasets::quakes, family = Gamma("log")), store)
  fit <- warm_call(larger, store)
  cold <- eval(larger)
  expect_identical(source_of(fit), "seeded")
  expect_match(warm_info(fit)$found, "related model")
  expect_equal(as.vector(fit$gcv.ubre), as.vector(cold$gcv.ubre), tolerance = 1e-6)
})

test_that("where there is no working model to say where a seed leads to, a fit begins cold", {
  store <- new_store()
  call <- larger
  call$method <- "GACV.Cp"
  smaller_call <- call
  smaller_call[[2]] <- smaller
  warm_call(smaller_call, store)
  fit <- warm_call(call, store)
  expect_identical(source_of(fit), "cold")
  expect_match(warm_info(fit)$reason, "related model.*not known")
  expect_equal(bare(fit)$coefficients, eval(call)$coefficients)
})

test_that("a model that mgcv takes no starting values for begins cold, and says so", {
  skip_if_not_installed("MASS")
  for (call in list(
    quote(gam(accel ~ s(times), data = d)),
    quote(gam(accel ~ s(times), data = d, method = "GCV.Cp", optimizer = c("outer", "newton")))
  )) {
    store <- new_store()
    at <- function(d, ...) warm_call(call, store, ..., env = list2env(list(d = d)))
    at(MASS::mcycle)
    for (fit in list(at(MASS::mcycle[-(1:9), ]), at(MASS::mcycle, reuse = FALSE))) {
      expect_identical(source_of(fit), "cold")
      expect_match(warm_info(fit)$reason[[1]], "takes no starting values")
    }
    call$method <- "REML"
    at(MASS::mcycle)
    expect_identical(source_of(at(MASS::mcycle, reuse = FALSE)), "seeded")
  }
})

# Seen with 22 and 26 rows: from an iterate on the way, bfgs ended in another optimum.
test_that("of few rows, a fit that bfgs was interrupted in begins cold", {
  rows <- earthquakes[seq(1, 600, by = 10), ]
  call <- quote(gam(strong ~ s(depth, k = 5) + s(lat, k = 5), family = binomial, data = rows,
                    method = "REML", optimizer = c("outer", "bfgs")))
  plain <- eval(call)
  fit <- warm_call(call, interrupted_store(call, 3))
  expect_identical(source_of(fit), "cold")
  expect_match(warm_info(fit)$reason, "of so few rows, where `bfgs` ends depends on its way")
  expect_identical(fit$coefficients, plain$coefficients)
})

efs_model <- quote(gam(strong ~ s(depth) + s(stations, k = 6) + s(lat), family = binomial,
                       data = earthquakes, optimizer = "efs"))

test_that("by efs and bfgs, a fit begins cold, and says so", {
  for (optimizer in c("efs", "bfgs")) {
    store <- new_store()
    call <- efs_model
    if (optimizer == "bfgs") {
      call$method <- "REML"
      call$optimizer <- c("outer", "bfgs")
    }
    smaller <- call
    smaller[[2]] <- strong ~ s(depth) + s(stations, k = 6)
    warm_call(smaller, store)
    fit <- warm_call(call, store)
    expect_identical(source_of(fit), "cold")
    expect_match(warm_info(fit)$reason, paste0("related model.*", optimizer))
    again <- warm_call(call, store, reuse = FALSE)
    expect_match(warm_info(again)$reason[[1]], paste0("finished fit.*", optimizer))
    expect_identical(again$coefficients, fit$coefficients)
  }
})

test_that("from its own end a fit takes less than from a cold start", {
  store <- new_store()
  call <- efs_model
  call$method <- "REML"
  call$optimizer <- c("outer", "newton")
  warm_call(call, store)
  fit <- eval(bquote(warm(.(call), store, reuse = FALSE)))
  expect_identical(source_of(fit), "seeded")
  cold <- eval(call)
  expect_lt(warm_info(fit)$iterations, cold$outer.info$iter)
  expect_lte(fit$gcv.ubre, cold$gcv.ubre + 1e-6 * abs(cold$gcv.ubre))
})

test_that("a zero inflated model, which may have several optima, starts from its own end alone", {
  store <- new_store()
  d <- data.frame(x = seq(0, 1, length.out = 200))
  d$y <- rep(c(0, 0, 1, 3, 0, 2, 5, 0), 25)
  model <- quote(gam(y ~ s(x, k = 5), family = ziP(), data = d, method = "REML"))
  evaluate <- function(data) {
    d <- data
    eval(bquote(warm(.(model), store)))
  }
  evaluate(d)
  fold <- evaluate(d[-(1:20), ])
  expect_identical(warm_info(fold)$source, "cold")
  expect_match(warm_info(fold)$reason, "several optima")
  expect_identical(warm_info(evaluate(d))$source, "finished")
})

test_that("of a factor smooth's null space, smoothing parameters are not taken from other rows", {
  smooths <- list(
    structure(list(label = "s(x,f)", S = list(1, 2, 3)), class = "fs.interaction"),
    structure(list(label = "s(z)", S = list(1, 2)), class = "tprs.smooth")
  )
  labels <- c("s(x,f)1", "s(x,f)2", "s(x,f)3", "s(z)1", "s(z)2")
  found <- known_sp(c(1, 2, 3, 4, 5), rep(9, 5), labels, list(smooth = smooths))
  expect_identical(found, c(1, 9, 9, 4, 5))
})

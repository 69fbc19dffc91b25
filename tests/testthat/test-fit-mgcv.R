skip_if_not_installed("mgcv")

# Families on real data, small, each with several outer iterations.
counts <- transform(datasets::quakes[1:300, ], level = cut(mag, 3, labels = FALSE))
counts$band <- factor(counts$level)

families <- list(
  "gaussian" = quote(gam(mag ~ s(depth) + s(lat), data = counts, method = "REML")),
  "binomial" = quote(gam(mag > 4.6 ~ s(depth) + s(lat), binomial, counts, method = "REML")),
  "poisson" = quote(gam(stations ~ s(depth) + s(mag), poisson, counts, method = "REML")),
  "Gamma" = quote(gam(stations ~ s(depth) + s(mag), Gamma("log"), counts, method = "ML")),
  "quasipoisson" = quote(gam(stations ~ s(depth) + s(mag), quasipoisson, counts, method = "REML")),
  "negative binomial" = quote(gam(stations ~ s(depth) + s(mag), mgcv::nb, counts, method = "REML")),
  "Tweedie" = quote(gam(stations ~ s(depth) + s(mag), mgcv::tw, counts, method = "REML")),
  "scaled t" = quote(gam(mag ~ s(depth) + s(stations), mgcv::scat, counts, method = "REML")),
  "ordered" = quote(
    gam(level ~ s(depth) + s(stations), mgcv::ocat(R = 3), counts, method = "REML")
  ),
  "location and scale" = quote(
    gam(list(mag ~ s(stations), ~ s(depth)), mgcv::gaulss(), counts, method = "REML")
  ),
  "GCV" = quote(gam(stations ~ s(depth) + s(mag), Gamma("log"), counts)),
  "bfgs" = quote(
    gam(stations ~ s(depth) + s(mag), poisson, counts, method = "REML",
        optimizer = c("outer", "bfgs"))
  ),
  "random effect" = quote(
    gam(stations ~ s(depth) + s(band, bs = "re"), poisson, counts, method = "REML")
  ),
  "by factor" = quote(
    gam(stations ~ s(depth, by = band), poisson, counts, method = "REML")
  ),
  "tensor product" = quote(
    gam(mag > 4.6 ~ te(lat, long, k = 4) + s(depth), binomial, counts, method = "REML")
  )
)

same_parts <- c("gcv.ubre", "coefficients", "sp", "edf", "fitted.values", "Vp")

for (name in names(families)) {
  call <- families[[name]]
  cold <- eval(call)
  observed <- observe_states(call)
  states <- observed$states

  test_that(paste(name, "fit: watching it changes nothing in it"), {
    expect_identical(observed$fit[same_parts], cold[same_parts])
  })

  test_that(paste(name, "fit: once watched, its family is the user's again"), {
    expect_false(any(vapply(observed$fit$family, inherits, NA, "warm_wrapper")))
    expect_identical(lapply(observed$fit$family, deparse), lapply(cold$family, deparse))
  })

  test_that(paste(name, "fit: its call is the user's"), {
    expect_identical(observed$fit$call, cold$call)
  })

  test_that(paste(name, "fit: its iterates are reported, in order"), {
    iterations <- vapply(states, `[[`, 1, "iteration")
    expect_gte(length(states), 2)
    expect_false(is.unsorted(iterations, strictly = TRUE))
    expect_lte(max(iterations), cold$outer.info$iter)
  })

  test_that(paste(name, "fit: reported objectives come down to its score"), {
    objectives <- vapply(states, `[[`, 1, "objective")
    expect_true(all(is.finite(objectives)))
    expect_gte(min(objectives), as.vector(cold$gcv.ubre) - 1e-8 * abs(cold$gcv.ubre))
  })

  test_that(paste(name, "fit: reported states are plain, finite numbers"), {
    for (state in lapply(states, `[[`, "state")) {
      expect_true(is_plain(state))
      expect_true(all(c("sp", "scale", "coefficients", "theta") %in% names(state)))
      expect_true(all(is.finite(unlist(state))))
    }
  })

  test_that(paste(name, "fit: the finished fit's state has the form of the reported ones"), {
    end <- adapter_mgcv_gam()$state(cold)
    last <- states[[length(states)]]$state
    iterated <- c("sp", "coefficients", "theta")
    expect_identical(lengths(end$state[iterated]), lengths(last[iterated]))
    expect_identical(names(end$state$sp), names(last$sp))
  })

  test_that(paste(name, "fit: resumed half-way, it is the cold one within tolerance"), {
    fit <- warm_call(call, interrupted_store(call, (length(states) + 1) %/% 2))
    expect_identical(source_of(fit), "resumed")
    expect_lte(fit$gcv.ubre, cold$gcv.ubre + 1e-6 * abs(cold$gcv.ubre))
    se <- predict(cold, type = "link", se.fit = TRUE)$se.fit
    moved <- abs(as.vector(fit$linear.predictors) - as.vector(cold$linear.predictors))
    expect_lt(max(moved / as.vector(se)), 0.01)
  })

  test_that(paste(name, "fit: resumed half-way, it takes at most one iteration more"), {
    info <- warm_info(warm_call(call, interrupted_store(call, (length(states) + 1) %/% 2)))
    expect_lte(info$iterations + info$iterations_before, cold$outer.info$iter + 1)
  })

  test_that(paste(name, "fit: from its own end, it takes at most two iterations"), {
    store <- new_store()
    warm_call(call, store)
    again <- warm_call(call, store, reuse = FALSE)
    if (name == "bfgs") {
      expect_identical(source_of(again), "cold")
    } else {
      expect_identical(source_of(again), "seeded")
      expect_lte(warm_info(again)$iterations, 2)
    }
  })
}

# bam ------------------------------------------------

test_that("a bam fit is kept and returned", {
  store <- new_store()
  first <- warm(bam(mag ~ s(depth) + s(lat), data = counts), store)
  second <- warm(bam(mag ~ s(depth) + s(lat), data = counts), store)
  expect_identical(source_of(second), "finished")
  expect_equal(coef(second), coef(first))
})

test_that("a bam starts from its own end, and stays there", {
  store <- new_store()
  call <- quote(bam(stations ~ s(depth), poisson, counts))
  first <- warm_call(call, store)
  fit <- warm_call(call, store, reuse = FALSE)
  expect_identical(source_of(fit), "seeded")
  expect_equal(fitted(fit), fitted(first), tolerance = 1e-5)
  expect_identical(fit$call, first$call)
})

test_that("a bam begins cold on other rows, whatever is stored", {
  store <- new_store()
  warm(bam(stations ~ s(depth), poisson, counts), store)
  warm(bam(stations ~ s(depth) + s(lat), poisson, counts[-(1:20), ]), store)
  fit <- warm(bam(stations ~ s(depth), poisson, counts[-(1:20), ]), store)
  cold <- bam(stations ~ s(depth), poisson, counts[-(1:20), ])
  expect_identical(source_of(fit), "cold")
  expect_identical(coef(fit), coef(cold))
})

test_that("a bam that this mgcv can give nothing to start from begins cold, and says so", {
  skip_if("in.out" %in% names(formals(bam)), "this mgcv's bam() takes smoothing parameters")
  for (call in list(
    quote(bam(mag ~ s(depth), data = counts)),
    quote(bam(stations ~ s(depth), poisson, counts, discrete = TRUE))
  )) {
    store <- new_store()
    warm_call(call, store)
    fit <- warm_call(call, store, reuse = FALSE)
    expect_identical(source_of(fit), "cold")
    expect_match(warm_info(fit)$reason, "takes nothing from it")
  }
})

# Where there is nothing to observe ------------------------------------------------

test_that("a model without smooths is fitted, kept and returned", {
  store <- new_store()
  first <- warm(gam(mpg ~ hp, data = mtcars), store)
  expect_equal(coef(first), coef(gam(mpg ~ hp, data = mtcars)))
  expect_identical(source_of(warm(gam(mpg ~ hp, data = mtcars), store)), "finished")
})

test_that("a model whose smoothing parameters are fixed is fitted, kept and returned", {
  store <- new_store()
  first <- warm(gam(mpg ~ s(hp), sp = 0.1, data = mtcars), store)
  expect_equal(first$fitted.values, gam(mpg ~ s(hp), sp = 0.1, data = mtcars)$fitted.values)
  expect_identical(source_of(warm(gam(mpg ~ s(hp), sp = 0.1, data = mtcars), store)), "finished")
})

test_that("a set-up without a fit is as without warm(), and said to be none", {
  for (fitter in list(quote(gam), quote(bam))) {
    call <- as.call(list(fitter, mpg ~ s(hp), data = quote(mtcars), fit = FALSE))
    setup <- NULL
    withr::with_options(list(warmstart.verbose = TRUE), {
      expect_message(setup <- warm_call(call), "not kept: `fit` is FALSE")
    })
    expect_identical(names(bare(setup)), names(eval(call)))
  }
})

# What comes back ------------------------------------------------

# Whole, with the environments in it.
expect_as_plain <- function(fit, plain) {
  expect_identical(environments_in(bare(fit)), environments_in(plain))
  expect_equal(bare(fit), plain, ignore_function_env = TRUE, ignore_formula_env = TRUE)
}

environments_in <- function(x) {
  if (is.environment(x)) {
    return(list(x))
  }
  if (is.function(x)) {
    return(NULL)
  }
  held <- c(attributes(x)[setdiff(names(attributes(x)), "names")], if (is.list(x)) unclass(x))
  unlist(lapply(held, environments_in), use.names = FALSE)
}

asked_twice <- list(
  "gam" = quote(gam(stations ~ s(depth) + factor(mag > 4.6), poisson, d, method = "REML")),
  "several linear predictors" = quote(gam(list(mag ~ s(stations), ~1), gaulss(), data = d)),
  "bam" = quote(bam(stations ~ s(depth), gaussian, d)),
  "discrete" = quote(bam(stations ~ s(depth), poisson, d, discrete = TRUE))
)
# Where the first asker stands, and the second.
places <- list(
  "the workspace, then in a function" = c(TRUE, FALSE), "two functions" = c(FALSE, FALSE),
  "a function, then in the workspace" = c(FALSE, TRUE)
)
for (name in names(asked_twice)) {
  for (place in names(places)) {
    test_that(paste0(name, ": asked for in ", place, ", it is the asker's"), {
      store <- new_store()
      ask <- function(call, in_workspace) {
        at <- if (in_workspace) globalenv() else new.env(parent = globalenv())
        at$d <- at$rows <- counts
        on.exit(rm("d", "rows", envir = at))
        list(fit = warm_call(call, store, env = at), plain = eval(call, at))
      }
      call <- asked_twice[[name]]
      ask(call, places[[place]][1])
      names(call)[3:4] <- c("family", "data")
      call$data <- quote(rows)
      asked <- ask(call, places[[place]][2])
      expect_identical(source_of(asked$fit), "finished")
      expect_as_plain(asked$fit, asked$plain)
    })
  }
}

test_that("what the asker gives besides, and has no say in the fit, is in the call", {
  store <- new_store()
  warm(gam(mag ~ s(depth), data = quakes, method = "REML", in.out = NULL), store)
  control <- list(nthreads = 2)
  fit <- warm(mgcv::gam(mag ~ s(depth), data = quakes, method = "REML", control = control), store)
  plain <- mgcv::gam(mag ~ s(depth), data = quakes, method = "REML", control = control)
  expect_identical(source_of(fit), "finished")
  expect_identical(fit$call, plain$call)
  expect_identical(fit$control, plain$control)
})

# Fits within fits ------------------------------------------------

test_that("the probe tells its own fit from one that runs inside it", {
  inner <- function(x) {
    gam(mag ~ s(depth), poisson, data = transform(counts, mag = round(mag)), method = "REML")
    x
  }
  outer <- quote(
    gam(stations ~ s(depth) + s(mag), poisson, transform(counts, mag = inner(mag)),
        method = "REML")
  )
  plain <- quote(gam(stations ~ s(depth) + s(mag), poisson, counts, method = "REML"))
  states <- function(call) lapply(observe_states(call)$states, `[[`, "objective")
  expect_identical(states(outer), states(plain))
})

# Seeds ------------------------------------------------

a_state <- function() {
  observe_states(families$poisson)$states[[2]]$state
}

test_that("what the user gives for in.out and start stays", {
  call <- families$poisson
  call$start <- quote(own_start)
  call[["in.out"]] <- quote(own_in_out)
  call <- match.call(gam, call)
  seeded <- adapter_mgcv_gam()$seed(call, environment(), a_state(), "exact")
  expect_identical(seeded$start, quote(own_start))
  expect_identical(seeded[["in.out"]], quote(own_in_out))
})

test_that("a state without the parts of one is unfit", {
  call <- match.call(gam, families$poisson)
  expect_error(
    adapter_mgcv_gam()$seed(call, environment(), list(sp = 1), "exact"),
    class = "warmstart_seed_unfit"
  )
})

# Each of its parts as no fit has it.
spoilt <- list(
  NULL, "1", list(1), numeric(), NA_real_, function(x) matrix(x),
  function(x) Inf + x, function(x) 1e300 + x, function(x) -abs(x) - 1e80, function(x) x[-1],
  function(x) c(x, 1), function(x) c(x, x),
  function(x) stats::setNames(x, rep("other", length(x)))
)
for (fitter in c("gam", "bam")) {
  test_that(paste("a state that is not this model's reaches no fitter:", fitter), {
    call <- if (fitter == "gam") {
      quote(gam(stations ~ s(depth, k = 5) + s(mag, k = 4), mgcv::nb, counts, method = "REML"))
    } else {
      quote(bam(stations ~ s(depth, k = 5) + s(mag, k = 4), mgcv::nb, counts))
    }
    adapter <- if (fitter == "gam") adapter_mgcv_gam() else adapter_mgcv_bam()
    call <- match.call(eval(call[[1]]), call)
    cold <- eval(call)
    state <- adapter$state(cold)$state
    state$scale <- 1
    refused <- 0
    for (part in c("sp", "scale", "coefficients", "theta")) {
      for (change in spoilt) {
        bad <- state
        bad[[part]] <- if (is.function(change)) change(state[[part]]) else change
        for (relation in c("exact", "rows")) {
          fit <- tryCatch(
            eval(adapter$seed(call, environment(), bad, relation)),
            warmstart_seed_unfit = function(e) NULL
          )
          refused <- refused + is.null(fit)
          if (!is.null(fit)) expect_equal(score_of(fit), score_of(cold), tolerance = 1e-5)
        }
      }
    }
    expect_gt(refused, 60)
  })
}

test_that("a scale of two numbers is no scale, of least squares as well", {
  call <- match.call(gam, quote(gam(mag ~ s(depth), data = quakes, method = "REML")))
  state <- adapter_mgcv_gam()$state(eval(call))$state
  state$scale <- rep(state$scale, 2)
  for (relation in c("exact", "rows", "related")) {
    expect_error(
      eval(adapter_mgcv_gam()$seed(call, environment(), state, relation)),
      class = "warmstart_seed_unfit"
    )
  }
})

test_that("two equal fits compare as equal, two others do not", {
  one <- eval(families$poisson)
  other <- eval(families$quasipoisson)
  compare <- adapter_mgcv_gam()$compare
  expect_identical(unlist(compare(one, one), use.names = FALSE), rep(0, length(compare(one, one))))
  expect_gt(compare(other, one)$coefficients, 0)
})

test_that("only mgcv's own functions are recognised", {
  expect_true(adapter_mgcv_gam()$recognises(mgcv::gam))
  expect_false(adapter_mgcv_gam()$recognises(mgcv::bam))
  expect_false(adapter_mgcv_gam()$recognises(function(...) mgcv::gam(...)))
})

# The protocol ------------------------------------------------

test_that("the adapter of gam() conforms", {
  skip_if_not_installed("callr")
  expect_adapter_conforms(
    adapter_mgcv_gam(), earthquake_model,
    near = quote(gam(strong ~ s(depth) + s(stations) + s(lat),
      family = binomial,
      data = earthquakes[-(1:20), ], method = "REML"
    )),
    failing = quote(gam(strong ~ s(depth, k = 1000), family = binomial, data = earthquakes))
  )
})

test_that("the adapter of bam() conforms", {
  skip_if_not_installed("callr")
  expect_adapter_conforms(
    adapter_mgcv_bam(), quote(bam(stations ~ s(depth) + s(lat, long), poisson, quakes)),
    failing = quote(bam(mag ~ s(nowhere), data = quakes))
  )
})

test_that("a bam that was seeded keeps no trace of it in its call", {
  store <- new_store()
  call <- quote(bam(stations ~ s(depth), poisson, data = quakes))
  warm_call(call, store)
  fit <- warm_call(call, store, reuse = FALSE)
  expect_identical(source_of(fit), "seeded")
  expect_identical(fit$call, match.call(bam, call))
})

test_that("a fit is kept without its family's byte code, and works as before", {
  call <- quote(gam(list(mag ~ s(depth), ~1, ~1), family = gevlss, data = quakes))
  store <- new_store()
  fit <- suppressWarnings(warm_call(call, store))
  kept <- store_lookup(store, key_of(call)$exact)$payload$fit
  size <- function(x) length(serialize(x, NULL))
  expect_lt(size(kept$family), size(fit$family) / 2)
  again <- warm_call(call, store)
  expect_identical(source_of(again), "finished")
  expect_identical(names(again), names(fit))
  expect_equal(again$family$ll, fit$family$ll, ignore_function_env = TRUE)
  predicted <- function(fit) predict(fit, quakes[1:5, ], se.fit = TRUE)
  expect_equal(predicted(again), predicted(fit))
})

test_that("a fit that is kept has parameters of its family of its own", {
  call <- quote(gam(stations ~ s(depth), family = nb, data = quakes, method = "REML"))
  fit <- eval(call)
  kept <- adapter_mgcv_gam()$pack(fit)
  theta <- fit$family$getTheta()
  kept$family$putTheta(theta + 1)
  expect_identical(kept$family$getTheta(), theta + 1)
  expect_identical(fit$family$getTheta(), theta)
})

test_that("a bam that starts from a sample of the rows is another one from another seed", {
  store <- new_store()
  call <- quote(bam(stations ~ s(depth), poisson, quakes, samfrac = 0.2))
  fit_from <- function(seed) withr::with_seed(seed, list(warm_call(call, store), runif(1)))
  first <- fit_from(1)
  again <- fit_from(1)
  expect_identical(source_of(again[[1]]), "finished")
  expect_identical(again[[2]], first[[2]])
  expect_identical(source_of(fit_from(2)[[1]]), "cold")
})

test_that("a fit of which all smoothing parameters are fixed starts beside the scale's optimum", {
  for (seed in 1:3) {
    d <- withr::with_seed(seed, {
      d <- data.frame(x = runif(800), z = runif(800))
      transform(d, y = sin(6 * x) + z^2 + rnorm(800) * 0.4)
    })
    call <- quote(gam(y ~ s(x) + s(z), data = d, method = "REML", sp = c(1, 0.1)))
    store <- new_store()
    warm_call(call, store, env = environment())
    fit <- warm_call(call, store, reuse = FALSE, env = environment())
    expect_identical(source_of(fit), "seeded")
    expect_identical(warm_info(fit)$reason, character())
  }
})

test_that("an interrupted fit by cross-validation does not go on from a plateau", {
  call <- families$poisson
  call$method <- "NCV"
  smoothed_away <- function(state) {
    state$sp[2] <- 1e12
    state
  }
  fit <- warm_call(call, interrupted_store(call, 2, smoothed_away))
  cold <- eval(call)
  expect_identical(source_of(fit), "resumed")
  expect_gt(sum(cold$edf[grepl("mag", names(coef(cold)))]), 2)
  expect_equal(score_of(fit), score_of(cold), tolerance = 1e-6)
})

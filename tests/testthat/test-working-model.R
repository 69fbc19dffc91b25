skip_if_not_installed("mgcv")

# The frame of estimate.gam() as `look` sees it, just before mgcv takes its start.
in_setup <- function(call, look, env = parent.frame()) {
  seen <- NULL
  call <- match.call(mgcv::gam, call)
  call$in.out <- as.call(list(function() {
    seen <<- look(setup_frame("estimate.gam"))
    NULL
  }))
  eval(call, env)
  seen
}

own_start <- function(frame) {
  list(sp = exp(frame$lsp2), scale = if (frame$scale > 0) frame$scale)
}

settled_from_own_start <- function(call, env = parent.frame()) {
  in_setup(call, function(frame) settle_start(frame, own_start(frame)), env)
}

a_working_model <- function(call, scale) {
  in_setup(call, function(frame) {
    working_model(frame, fitted_rows(frame, NULL), scale)
  })
}

differences <- function(f, at, by = 1e-4) {
  vapply(seq_along(at), function(i) {
    step <- replace(numeric(length(at)), i, by)
    (f(at + step) - f(at - step)) / (2 * by)
  }, f(at))
}

models <- list(
  "known scale" = earthquake_model,
  "a tensor product and a random effect" = quote(gam(
    mag ~ te(lat, long, k = 4) + s(stations, bs = "re") + s(depth, k = 6),
    data = quakes, method = "REML"
  )),
  "maximum likelihood" = quote(gam(
    mag ~ te(lat, long, k = 4) + s(depth, k = 6), data = quakes, method = "ML"
  )),
  "linked smoothing parameters" = quote(gam(
    mag ~ s(lat, id = 1, k = 6) + s(long, id = 1, k = 6) + s(depth, k = 6),
    data = quakes, method = "REML"
  ))
)

for (name in names(models)) {
  for (scale in list(1.3, NULL)) {
    test_that(paste0("derivatives are those of the score: ", name, ", scale ", format(scale)), {
      model <- a_working_model(models[[name]], scale)
      lsp <- seq(-1, 2, length.out = ncol(model$L))
      at <- working_score(model, lsp)
      slope <- differences(function(lsp) working_score(model, lsp)$score, lsp)
      curvature <- differences(function(lsp) working_score(model, lsp)$gradient, lsp)
      expect_equal(at$gradient, slope, tolerance = 1e-3, ignore_attr = TRUE)
      expect_equal(at$hessian, curvature, tolerance = 1e-3, ignore_attr = TRUE)
    })
  }
}

test_that("of a least squares fit it is the model itself, and its optimum the fit's", {
  call <- quote(gam(mag ~ s(depth) + s(stations), data = quakes, method = "REML"))
  for (method in c("REML", "ML")) {
    call$method <- method
    fit <- eval(call)
    found <- settled_from_own_start(call)
    expect_equal(log(found$in_out$sp), log(unname(fit$sp)), tolerance = 1e-3)
    expect_equal(found$in_out$scale, unname(fit$reml.scale), tolerance = 1e-5)
    expect_equal(found$coefficients, unname(coef(fit)), tolerance = 1e-3)
  }
})

test_that("of a binomial fit its optimum is near the fit's", {
  fit <- eval(earthquake_model)
  found <- settled_from_own_start(earthquake_model)
  expect_lt(max(abs(found$coefficients - coef(fit)) / sqrt(diag(fit$Vp))), 0.5)
})

noisy <- local({
  set.seed(4)
  x <- seq(0, 1, length.out = 500)
  data.frame(x = x, flat = rep(c(3, 5), 250), curved = rpois(500, exp(1 + sin(6 * x))))
})
poisson_call <- function(response) {
  bquote(gam(.(as.name(response)) ~ s(x, bs = "cr"), family = poisson, data = noisy,
             method = "REML"))
}

test_that("a term that other rows smoothed away comes back where these rows want it", {
  found <- in_setup(poisson_call("curved"), function(frame) {
    start <- list(sp = off_the_plateau(1e12, exp(frame$lsp2)), scale = 1)
    settle_start(frame, start)$in_out$sp
  })
  expect_equal(log(found), log(unname(eval(poisson_call("curved"))$sp)), tolerance = 0.05)
})

test_that("a term that these rows do not want is smoothed away, and has a slope yet", {
  score <- in_setup(poisson_call("flat"), function(frame) {
    found <- settle_start(frame, list(sp = exp(frame$lsp2), scale = 1))
    rows <- fitted_rows(frame, found$coefficients)
    working_score(working_model(frame, rows, 1), log(found$in_out$sp))
  })
  expect_lt(score$edf, 0.01)
  expect_gt(score$edf, 1e-6)
})

extended <- list(
  nb = quote(nb()), tw = quote(tw()), scat = quote(scat()), betar = quote(betar()),
  Tweedie = quote(Tweedie(1.5)), negbin = quote(negbin(2))
)
for (name in names(extended)) {
  test_that(paste("a family of mgcv has a working model:", name), {
    rows <- transform(quakes, y = if (name == "betar") (mag - 3) / 4 else stations)
    scale <- if (name %in% c("tw", "Tweedie")) 1
    found <- in_setup(
      bquote(gam(y ~ s(depth) + s(lat), family = .(extended[[name]]), data = rows,
                 method = "REML")),
      function(frame) settle_start(frame, list(sp = exp(frame$lsp2), scale = scale %||% 1))
    )
    expect_true(all(found$in_out$sp > 0))
  })
}

test_that("where there is no working model, or it fails, there is none", {
  expect_null(settled_from_own_start(
    quote(gam(mag ~ s(depth), family = Gamma("log"), data = quakes))
  ))
  expect_null(settled_from_own_start(quote(
    gam(list(mag ~ s(depth), ~ s(lat)), family = gaulss(), data = quakes)
  )))
  failed <- in_setup(earthquake_model, function(frame) {
    settle_start(frame, list(sp = rep(NaN, 3), scale = 1))
  })
  expect_null(failed)
})

test_that("a quick start leads to the cold fit, in fewer iterations", {
  cold <- eval(earthquake_model)
  fit <- warm_call(earthquake_model, quickstart = TRUE)
  expect_identical(source_of(fit), "quick")
  expect_match(format(warm_info(fit))[[1]], "looked for starting values")
  expect_lt(fit$outer.info$iter, cold$outer.info$iter)
  expect_lte(score_of(fit), score_of(cold) + 1e-6 * abs(score_of(cold)))
  expect_identical(fit$call, cold$call)
})

test_that("a quick start counts as a call that found nothing", {
  store <- new_store()
  warm_call(earthquake_model, store, quickstart = TRUE)
  expect_identical(summary(store)$misses, 1)
})

test_that("what is stored comes before a quick start", {
  store <- new_store()
  warm_call(earthquake_model, store)
  expect_identical(source_of(warm_call(earthquake_model, store, quickstart = TRUE)), "finished")
  again <- warm_call(earthquake_model, store, quickstart = TRUE, reuse = FALSE)
  expect_identical(source_of(again), "seeded")
})

test_that("a quick start that there is none of is a cold one", {
  call <- quote(gam(stations ~ s(depth), family = nb(), data = quakes, method = "REML"))
  fit <- warm_call(call, quickstart = TRUE)
  expect_identical(source_of(fit), "cold")
  expect_match(warm_info(fit)$reason, "parameters of its own")
  call <- quote(gam(mag ~ s(depth), family = Gamma("log"), data = quakes))
  expect_identical(bare(warm_call(call, quickstart = TRUE))$sp, eval(call)$sp)
  call <- quote(glm(mag ~ depth, data = quakes))
  expect_identical(source_of(warm_call(call, quickstart = TRUE)), "cold")
})

test_that("a quick start draws no random numbers", {
  set.seed(1)
  warm_call(earthquake_model, quickstart = TRUE)
  drawn <- runif(1)
  set.seed(1)
  warm_call(earthquake_model)
  expect_identical(runif(1), drawn)
})

test_that("quickstart must be TRUE or FALSE", {
  expect_error(
    warm(glm(mag ~ depth, data = quakes), new_store(), quickstart = NA),
    class = "warmstart_error_argument"
  )
})

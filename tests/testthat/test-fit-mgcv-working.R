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

settled_from_own_start <- function(call, env = parent.frame()) {
  in_setup(call, function(frame) settle_start(working_view(frame), exp(frame$lsp2)), env)
}

a_working_model <- function(call, scale) {
  in_setup(call, function(frame) {
    view <- working_view(frame)
    working_model(view$setup, view$squares(), scale)
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

models <- lapply(models, function(call) list(call = call, scales = list(1.3, NULL)))
models <- c(models, list(
  "gamma" = list(
    call = as.call(c(as.list(earthquake_model), gamma = 1.4)), scales = list(1.3, NULL)
  ),
  "rows that do not determine a coefficient" = list(call = quote(gam(
    stations ~ s(mag, k = 6) + mag, data = quakes, method = "REML"
  )), scales = list(1.3, NULL)),
  "generalised cross validation" = list(call = quote(gam(
    mag ~ te(lat, long, k = 4) + s(depth, k = 6), family = Gamma("log"), data = quakes
  )), scales = list(NULL)),
  "UBRE" = list(call = quote(gam(
    strong ~ s(depth) + s(lat, stations), family = binomial, data = earthquakes
  )), scales = list(1)),
  "several linear predictors" = list(call = quote(gam(
    list(mag ~ s(depth, k = 6) + s(lat, k = 5), ~ s(stations, k = 5)), family = gaulss(),
    data = quakes
  )), scales = list(1))
))

for (name in names(models)) {
  for (scale in models[[name]]$scales) {
    test_that(paste0("derivatives are those of the score: ", name, ", scale ", format(scale)), {
      model <- a_working_model(models[[name]]$call, scale)
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
    view <- working_view(frame)
    take_place(view, settle_from(view, log(off_the_plateau(1e12, exp(frame$lsp2)))))
  })
  expect_equal(found, log(unname(eval(poisson_call("curved"))$sp)), tolerance = 0.05)
})

test_that("where a seed leads elsewhere than mgcv's own start, a fit begins cold", {
  set.seed(1)
  d <- mgcv::gamSim(1, n = 600, scale = 2, verbose = FALSE)
  d$fac <- factor(sample(letters[1:3], 600, TRUE))
  call <- quote(gam(y ~ s(x0) + s(x2, fac, bs = "fs", k = 5), data = d, method = "REML"))
  cold <- log(unname(eval(call)$sp))
  # The optimum of this start alone, or of the penalties in the order that other rows may have.
  local_internal("places_elsewhere", function(lsp, initial) NULL)
  settled <- in_setup(call, function(frame) {
    settle <- function(seed) settle_start(working_view(frame), exp(frame$lsp2), exp(seed))
    list(own = settle(cold), swapped = settle(cold[c(1, 2, 4, 3)]))
  })
  expect_equal(log(settled$own$in_out$sp), cold, tolerance = 0.02)
  expect_null(settled$swapped)
})

test_that("a factor smooth with an optimum for another order of its penalties begins cold", {
  set.seed(1)
  d <- mgcv::gamSim(1, n = 600, scale = 2, verbose = FALSE)
  d$fac <- factor(sample(letters[1:3], 600, TRUE))
  call <- quote(gam(y ~ s(x0) + s(x2, fac, bs = "fs", k = 5), data = d, method = "REML"))
  expect_null(settled_from_own_start(call, environment()))
})

# Weak effects, few rows: the scores of these have two optima, and the seed, or the way from it,
# leads to another one than the cold fit's.
weak_data <- function(seed, n, strength, respond) {
  set.seed(seed)
  d <- mgcv::gamSim(1, n = n, verbose = FALSE)
  d$y <- respond((d$f - mean(d$f)) * strength)
  d
}
two_optima <- list(
  "UBRE, an effect that the seed has not" = list(
    data = weak_data(21, 200, 1 / 8, function(eta) rpois(200, exp(1 + eta))),
    family = poisson(), method = "GCV.Cp", from = y ~ s(x0) + s(x2)
  ),
  "GCV, an effect too many" = list(
    data = weak_data(23, 200, 1 / 8, function(eta) rgamma(200, 3, 3 / exp(eta))),
    family = Gamma("log"), method = "GCV.Cp", from = y ~ s(x0) + s(x1) + s(x2) + s(x3)
  ),
  "REML, smoothed away on the way" = list(
    data = weak_data(8, 200, 1 / 8, function(eta) rnbinom(200, mu = exp(1 + eta), size = 2)),
    family = quasipoisson(), method = "REML", from = y ~ s(x0) + s(x1) + s(x2) + s(x3)
  ),
  "REML, two that are close" = list(
    data = weak_data(18, 200, 1 / 8, function(eta) rbinom(200, 1, plogis(2 * eta))),
    family = binomial(), method = "REML", from = y ~ s(x0) + s(x2)
  ),
  "REML, by another theta" = list(
    data = weak_data(21, 200, 0.3 / 4, function(eta) rnbinom(200, mu = exp(1 + eta), size = 2)),
    family = nb(), method = "REML", from = y ~ s(x0) + s(x1) + s(x2) + s(x3)
  )
)
for (name in names(two_optima)) {
  test_that(paste("of two optima a fit ends in the cold one's, whatever is stored:", name), {
    case <- two_optima[[name]]
    store <- new_store()
    call_of <- function(formula) {
      bquote(gam(.(formula), family = case$family, data = case$data, method = case$method))
    }
    warm_call(call_of(case$from), store, env = environment())
    call <- call_of(y ~ s(x0) + s(x1) + s(x2))
    fit <- warm_call(call, store, env = environment())
    cold <- eval(call)
    expect_lt(abs(score_of(fit) - score_of(cold)), 1e-6 * max(1, abs(score_of(cold))))
    expect_lt(max(abs(fit$edf - cold$edf)), 0.01)
  })
}

test_that("where it is not known where mgcv's own start leads, a fit begins cold and says so", {
  # The scale is another one than the working model's; cross-validation has several optima.
  rows <- weak_data(3, 60, 1 / 8, function(eta) rpois(60, exp(1 + eta)))
  for (method in c("P-REML", "NCV")) {
    store <- new_store()
    call <- bquote(gam(y ~ s(x0) + s(x1), family = quasipoisson, data = rows, method = .(method)))
    less <- call
    less[[2]] <- y ~ s(x0)
    warm_call(less, store, env = environment())
    cold <- eval(call)
    fit <- warm_call(call, store, env = environment())
    expect_identical(source_of(fit), "cold")
    expect_match(warm_info(fit)$reason, "not known|may have several")
    expect_identical(fit$coefficients, cold$coefficients)
    expect_identical(fit$outer.info$iter, cold$outer.info$iter)
  }
})

test_that("of few rows, or of few that tell anything, a fit begins cold", {
  rows <- withr::with_seed(1, data.frame(x = runif(400), z = runif(400)))
  rows$y <- withr::with_seed(2, rbinom(400, 1, plogis(4 * sin(6 * rows$x))))
  rows$side <- rows$x > 0.5
  call <- quote(gam(y ~ s(x) + s(z), family = binomial, data = rows, method = "REML"))
  settles <- function(call) !is.null(settled_from_own_start(call, environment()))
  expect_true(settles(call))
  few <- call
  few$data <- quote(rows[1:60, ])
  expect_false(settles(few))
  separated <- call
  separated[[2]] <- side ~ s(x) + s(z)
  expect_false(suppressWarnings(settles(separated)))
})

test_that("of survival times, those that ended are counted", {
  rows <- withr::with_seed(3, data.frame(x = runif(200), ended = rbinom(200, 1, 0.15)))
  rows$time <- withr::with_seed(4, rexp(200, exp(2 * sin(6 * rows$x))))
  call <- quote(gam(time ~ s(x, k = 5), cox.ph(), rows, weights = ended, method = "REML"))
  settles <- function(call) !is.null(settled_from_own_start(call, environment()))
  expect_false(settles(call))
  rows$ended <- 1
  expect_true(settles(call))
})

test_that("a seed from which the working model does not settle is not used", {
  # One that went 58 standard errors astray.
  d <- withr::with_seed(5137, {
    n <- sample(c(60, 150, 400), 1)
    d <- data.frame(x = runif(n), z = runif(n), w = runif(n), v = rnorm(n))
    d$f <- factor(sample(3, n, TRUE))
    d$re <- factor(sample(max(4, n %/% 15), n, TRUE))
    a <- sample(c(0, 0, .3, 1, 2), 4, TRUE)
    eta <- a[1] * sin(6 * d$x) + a[2] * d$z^2 + a[3] * d$w * d$x
    d$y <- eta + a[4] * rnorm(nlevels(d$re))[d$re] * 0.3 + rnorm(n) * 0.5
    d
  })
  store <- new_store()
  model <- list(y ~ t2(x, w, k = 4) + s(re, bs = "re") + s(x), ~ s(z))
  part <- d[withr::with_seed(1, sort(sample(nrow(d), 0.9 * nrow(d)))), ]
  warm(gam(model, family = gaulss(), data = part), store)
  fit <- warm(gam(model, family = gaulss(), data = d), store)
  cold <- gam(model, family = gaulss(), data = d)
  expect_lte(score_of(fit), score_of(cold) + 1e-6 * abs(score_of(cold)))
})

test_that("a term that these rows do not want is smoothed away, and has a slope yet", {
  score <- in_setup(poisson_call("flat"), function(frame) {
    view <- working_view(frame)
    found <- settle_start(view, exp(frame$lsp2))
    working_score(working_model(view$setup, view$squares(), 1), log(found$in_out$sp))
  })
  expect_lt(score$edf, 0.01)
  expect_gt(score$edf, 1e-6)
})

# Of quakes, with the smoothing parameters fixed at `lsp`: the score, or what the working model has
# for its slope at the fit.
fixed_score <- function(call, lsp) {
  call$sp <- exp(lsp)
  call$control <- list(epsilon = 1e-11)
  as.vector(eval(call)$gcv.ubre)
}
slope_at <- function(call, lsp) {
  in_setup(call, function(frame) {
    view <- working_view(frame)
    for (pass in 1:12) {
      model <- working_model(view$setup, view$squares(observed = pass > 4), view$scale())
      view$move(working_score(model, lsp), penalty_at(view$setup, lsp))
    }
    model <- drifting(model, lsp, view$follow)
    list(whole = working_score(model, lsp)$gradient, drift = model$drift$slope)
  })
}
followed <- c(
  "canonical link" = quote(gam(
    mag > 4.6 ~ s(depth) + s(lat, bs = "cr"), family = binomial, data = quakes, method = "REML"
  )),
  "ML" = quote(gam(
    stations ~ s(depth) + s(lat), family = poisson, data = quakes, method = "ML"
  )),
  "observed information that is not expected" = quote(gam(
    stations ~ s(depth) + s(mag), family = Gamma("log"), scale = 0.2, data = quakes,
    method = "REML"
  )),
  "a parameter of the family, given" = quote(gam(
    stations ~ s(depth) + s(mag), family = negbin(3), data = quakes, method = "REML"
  )),
  "several linear predictors" = quote(gam(
    list(mag ~ s(depth, k = 6) + s(lat, k = 5), ~ s(stations, k = 5)), family = gaulss(),
    data = quakes
  ))
)
for (name in names(followed)) {
  test_that(paste("with its weights' moving, the slope is the score's:", name), {
    call <- followed[[name]]
    lsp <- if (name == "several linear predictors") c(0, 1, -2) else c(-1, 2)
    slope <- slope_at(call, lsp)
    expect_gt(max(abs(slope$drift)), 0.002)
    of_mgcv <- differences(function(lsp) fixed_score(call, lsp), lsp, by = 1e-3)
    expect_lt(max(abs(slope$whole - of_mgcv)), max(abs(slope$drift)) / 50)
  })
}

test_that("so is that in the family's own parameters", {
  call <- quote(gam(
    stations ~ s(depth, k = 5) + s(lat, bs = "cr"), family = nb(), data = quakes[1:500, ],
    method = "REML"
  ))
  call$control <- list(newton = list(conv.tol = 1e-10))
  fit <- eval(call)
  call$control <- NULL
  theta <- in_setup(call, function(frame) {
    settle_start(working_view(frame), exp(frame$lsp2))
    frame$G$family$getTheta()
  })
  expect_equal(theta, fit$family$getTheta(), tolerance = 1e-5)
})

# Near enough that mgcv has one step to make; without their weights' moving, two.
starts_near <- c(
  "Gamma, REML" = quote(gam(stations ~ s(depth), family = Gamma("log"), method = "REML")),
  "Gamma, GCV" = quote(gam(stations ~ s(depth), family = Gamma("log"))),
  "poisson, UBRE" = quote(gam(stations ~ s(depth), family = poisson)),
  "quasipoisson" = quote(gam(stations ~ s(depth), family = quasipoisson, method = "REML")),
  "nb" = quote(gam(stations ~ s(depth), family = nb(), method = "REML")),
  "tw" = quote(gam(far ~ s(depth), family = tw(), method = "REML")),
  "scat" = quote(gam(mag ~ s(depth), family = scat(), method = "REML")),
  "betar" = quote(gam(part ~ s(depth), family = betar(), method = "REML")),
  "Tweedie" = quote(gam(stations ~ s(depth), family = Tweedie(1.5), method = "REML")),
  "gaulss" = quote(gam(list(mag ~ s(stations), ~ s(depth)), family = gaulss())),
  "gammals" = quote(gam(list(stations ~ s(depth), ~ s(lat)), family = gammals())),
  "cox.ph" = quote(gam(stations ~ s(depth), family = cox.ph())),
  "mvn" = quote(gam(list(mag ~ s(depth), lat ~ s(depth)), family = mvn(2)))
)
for (name in names(starts_near)) {
  test_that(paste("a fold starts where few steps are left:", name), {
    call <- starts_near[[name]]
    call$data <- quote(rows)
    store <- new_store()
    rows <- transform(quakes, part = (mag - 3.5) / 4, far = pmax(stations - 20, 0) / 10)
    call_on <- function(rows) warm_call(call, store, env = environment())
    call_on(rows[seq_len(nrow(rows)) %% 5 > 0, ])
    fit <- call_on(rows)
    expect_identical(source_of(fit), "seeded")
    expect_lte(fit$outer.info$iter, if (grepl("GCV|UBRE", name)) 2 else 1)
    cold <- eval(call)
    expect_lte(score_of(fit), score_of(cold) + 1e-6 * abs(score_of(cold)))
  })
}

test_that("a term that is new, and what it leaves of the scale, has a place from the start", {
  store <- new_store()
  call <- quote(gam(stations ~ s(lat) + s(mag), family = nb(), data = quakes, method = "REML"))
  warm(gam(stations ~ s(lat), family = nb(), data = quakes, method = "REML"), store)
  fit <- warm_call(call, store)
  expect_match(warm_info(fit)$found, "related model")
  expect_lte(fit$outer.info$iter, 2)
  expect_equal(fit$family$getTheta(), eval(call)$family$getTheta(), tolerance = 1e-3)
})

test_that("where there is no working model, or it fails, there is none", {
  expect_null(settled_from_own_start(
    quote(gam(mag ~ s(depth), family = Gamma("log"), data = quakes, method = "GACV.Cp"))
  ))
  failed <- in_setup(earthquake_model, function(frame) {
    settle_start(working_view(frame), rep(NaN, 3))
  })
  expect_null(failed)
})

test_that("a model with an adaptive smooth starts from its own end alone, also by a quick start", {
  store <- new_store()
  call <- quote(gam(accel ~ s(times, bs = "ad", k = 15), data = d, method = "REML"))
  at <- function(d, ...) warm_call(call, store, ..., env = list2env(list(d = d)))
  expect_identical(source_of(at(MASS::mcycle, quickstart = TRUE)), "cold")
  fold <- at(MASS::mcycle[-(1:9), ])
  expect_identical(source_of(fold), "cold")
  expect_match(warm_info(fold)$reason, "not known")
  expect_identical(source_of(at(MASS::mcycle, reuse = FALSE)), "seeded")
  smooths <- mgcv::gam(
    accel ~ te(times, id, k = 3) + s(times, id, bs = "ad", k = 5),
    data = transform(MASS::mcycle, id = sin(seq_along(times))), fit = FALSE, select = TRUE
  )$smooth
  expect_identical(vapply(smooths, is_adaptive, NA), c(FALSE, TRUE))
  plain <- mgcv::gam(accel ~ s(times, bs = "ps"), data = MASS::mcycle, fit = FALSE, select = TRUE)
  expect_false(is_adaptive(plain$smooth[[1]]))
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
  call <- quote(gam(mag ~ s(depth), family = Gamma("log"), data = quakes, method = "GACV.Cp"))
  fit <- warm_call(call, quickstart = TRUE)
  expect_identical(source_of(fit), "cold")
  expect_match(warm_info(fit)$reason, "quick start.*not known")
  expect_identical(fit$sp, eval(call)$sp)
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

test_that("the penalties' determinant is mgcv's, but for a constant", {
  calls <- list(
    quote(gam(
      mag ~ s(depth, bs = "cs") + s(lat, bs = "ps", k = 8) + s(long) + s(stations, bs = "re"),
      data = quakes, method = "REML"
    )),
    quote(gam(
      mag ~ poly(depth, 3) + s(lat),
      data = quakes, method = "ML", paraPen = list("poly(depth, 3)" = list(diag(c(0, 1, 1))))
    )),
    quote(gam(mag ~ te(lat, long, k = 4) + s(depth), data = quakes, method = "REML")),
    quote(gam(mag ~ te(lat, long, stations, k = 3), data = quakes, method = "REML")),
    quote(gam(mag ~ ti(lat, k = 4) + ti(lat, long, k = 4), data = quakes, method = "REML")),
    quote(gam(mag ~ t2(lat, long, k = 4) + s(depth, k = 6), data = quakes, method = "REML")),
    quote(gam(mag ~ s(lat) + s(depth, bs = "cr"), data = quakes, method = "ML", select = TRUE))
  )
  for (call in calls) {
    seen <- in_setup(call, function(frame) {
      setup <- working_view(frame)$setup
      has_axes <- !is.null(common_axes(setup))
      list(ours = setup$penalty, UrS = setup$UrS, has_axes = has_axes)
    })
    is_of_three <- any(grepl("te(lat, long, stations", deparse(call), fixed = TRUE))
    expect_identical(seen$has_axes, !is_of_three)
    n <- length(seen$UrS)
    of_mgcv <- function(lsp) mgcv::gam.reparam(seen$UrS, lsp, 2)
    for (lsp in list(seq(-2, 2, length.out = n), rep(1, n))) {
      ours <- seen$ours(lsp)
      expect_equal(as.vector(ours$det1), as.vector(of_mgcv(lsp)$det1), tolerance = 1e-6)
      expect_equal(ours$det2, of_mgcv(lsp)$det2, tolerance = 1e-6, ignore_attr = TRUE)
    }
    rise <- function(det) det(rep(1, n))$det - det(seq(-2, 2, length.out = n))$det
    expect_equal(rise(seen$ours), rise(of_mgcv), tolerance = 1e-6)
  }
})

test_that("so it is with several linear predictors", {
  call <- quote(gam(
    list(mag ~ s(depth, k = 6) + s(lat, bs = "ts", k = 5), ~ s(stations, k = 5)),
    family = gaulss(), data = quakes, select = TRUE
  ))
  seen <- in_setup(call, function(frame) {
    setup <- working_view(frame)$setup
    list(ours = setup$penalty, has_axes = !is.null(common_axes(setup)), frame = frame$G)
  })
  expect_true(seen$has_axes)
  n <- length(seen$frame$S)
  expect_gt(n, 3)
  of_mgcv <- function(lsp) mgcv::ldetS(seen$frame$Sl, lsp, rep(FALSE, n), ncol(seen$frame$X))
  from <- seq(-2, 2, length.out = n)
  expect_equal(seen$ours(from)$det1, of_mgcv(from)$ldet1, tolerance = 1e-6)
  expect_equal(seen$ours(from)$det2, of_mgcv(from)$ldet2, tolerance = 1e-6)
  rise <- function(det, what) det(rep(1, n))[[what]] - det(from)[[what]]
  expect_equal(rise(seen$ours, "det"), rise(of_mgcv, "ldetS"), tolerance = 1e-6)
})

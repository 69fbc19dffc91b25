skip_if_not_installed("glmmTMB")

Salamanders <- glmmTMB::Salamanders # nolint: object_name_linter. The data set's own name.

test_that("the adapter for glmmTMB conforms", {
  expect_adapter_conforms(
    adapter_glmmtmb(),
    quote(
      glmmTMB::glmmTMB(count ~ mined + (1 | site), Salamanders, glmmTMB::nbinom2,
        ziformula = ~mined)
    ),
    near = quote(
      glmmTMB::glmmTMB(count ~ mined + (1 | site), Salamanders[-(1:60), ], glmmTMB::nbinom2,
        ziformula = ~mined)
    ),
    failing = quote(glmmTMB::glmmTMB(count ~ mined + (1 | site), Salamanders, quasipoisson))
  )
})

Owls <- glmmTMB::Owls # nolint: object_name_linter. The data set's own name.
owls <- Owls[seq(1, nrow(Owls), by = 3), ]

fits <- list(
  "zero-inflated" = quote(
    glmmTMB::glmmTMB(count ~ mined + spp + (1 | site), Salamanders, glmmTMB::nbinom2,
      ziformula = ~mined)
  ),
  "with a dispersion model" = quote(
    glmmTMB::glmmTMB(count ~ mined + (1 | site), Salamanders, glmmTMB::nbinom1,
      dispformula = ~mined)
  ),
  "with an offset" = quote(
    glmmTMB::glmmTMB(
      SiblingNegotiation ~ FoodTreatment + offset(logBroodSize) + (1 | Nest), owls, poisson,
      ziformula = ~1
    )
  ),
  "by optim" = quote(
    glmmTMB::glmmTMB(count ~ mined + (1 | site), Salamanders, poisson,
      control = glmmTMB::glmmTMBControl(optimizer = optim, optArgs = list(method = "BFGS")))
  ),
  "by REML" = quote(
    glmmTMB::glmmTMB(Reaction ~ Days + (Days | Subject), sleepstudy, REML = TRUE)
  ),
  "profiled" = quote(
    glmmTMB::glmmTMB(count ~ mined + (1 | site), Salamanders, poisson,
      control = glmmTMB::glmmTMBControl(profile = TRUE))
  ),
  "with a fixed parameter" = quote(
    glmmTMB::glmmTMB(count ~ mined + (1 | site), Salamanders, glmmTMB::nbinom2,
      start = list(theta = log(0.5)), map = list(theta = factor(NA)))
  )
)

if (requireNamespace("lme4", quietly = TRUE)) sleepstudy <- lme4::sleepstudy

same_parts <- function(fit) {
  end <- fit$fit[c("par", "objective", "convergence", "message")]
  list(end, fit$sdr$cov.fixed, lapply(as.list(fit$call), deparse), names(fit), names(fit$fit))
}

for (name in names(fits)) {
  call <- fits[[name]]
  cold <- eval(call)

  test_that(paste("a glmmTMB", name, ": watched, it is the cold one to the last bit"), {
    expect_equal(same_parts(bare(warm_call(call))), same_parts(cold), tolerance = 0)
  })

  test_that(paste("a glmmTMB", name, ": from its own end, it is the cold one"), {
    store <- new_store()
    warm_call(call, store)
    fit <- warm_call(call, store, reuse = FALSE)
    expect_identical(source_of(fit), "seeded")
    expect_lt(abs(fit$fit$objective - cold$fit$objective), 1e-6 * abs(cold$fit$objective))
    expect_lt(compare_glmmtmb(fit, cold)$coefficients_se, 0.01)
    expect_identical(lapply(as.list(fit$call), deparse), lapply(as.list(cold$call), deparse))
    expect_identical(names(fit$fit$par), names(cold$fit$par))
  })

  test_that(paste("a glmmTMB", name, ": resumed, it goes the way of the uncut one to its end"), {
    reports <- observe_states(call, adapter_glmmtmb())$states
    for (at in reports[c(1, length(reports) %/% 2, length(reports))]) {
      store <- new_store()
      store_save(
        store, key_of(call, adapter_glmmtmb())$exact,
        list(state = at$state, iterations = at$iteration, seconds = 1), at$objective, at$iteration
      )
      fit <- warm_call(call, store)
      expect_identical(source_of(fit), "resumed")
      expect_equal(same_parts(bare(fit)), same_parts(cold), tolerance = 0)
      how <- c("iterations", "evaluations", "counts", "message")
      expect_identical(fit$fit[how], cold$fit[how])
    }
  })
}

# How it ends --------------------------------------------------------------------------------------

few <- Salamanders[seq(1, nrow(Salamanders), by = 3), ]
undetermined_model <- quote(
  glmmTMB::glmmTMB(count ~ mined, few, glmmTMB::nbinom2, ziformula = ~ mined * spp)
)

test_that("a glmmTMB whose Hessian is not positive definite is fitted once, and warns each time", {
  store <- new_store()
  sources <- character()
  for (repeated in 1:4) {
    expect_warning(fit <- warm_call(undetermined_model, store), "non-positive-definite")
    sources <- c(sources, source_of(fit))
  }
  expect_identical(sources, c("cold", rep("finished", 3)))
  expect_identical(store_list(store)$state, "finished")
})

test_that("killed, such a fit goes on to the end of the uncut one", {
  skip_if_not_installed("callr")
  store <- new_store()
  expect_error(callr::r(fit_until_killed, list(
    adapter_glmmtmb(), undetermined_model, list(few = few), store_config(store)$path, 25,
    character()
  )))
  expect_identical(store_list(store)$state, "interrupted")
  expect_warning(fit <- warm_call(undetermined_model, store), "non-positive-definite")
  expect_identical(source_of(fit), "resumed")
  cold <- suppressWarnings(eval(undetermined_model))
  expect_identical(fit$fit$evaluations, cold$fit$evaluations)
  expect_equal(fit$fit$objective, cold$fit$objective, tolerance = 1e-9)
  expect_warning(again <- warm_call(undetermined_model, store), "non-positive-definite")
  expect_identical(source_of(again), "finished")
})

test_that("such a fit starts no other", {
  store <- new_store()
  suppressWarnings(warm_call(undetermined_model, store))
  data <- few
  few <- Salamanders
  fit <- suppressWarnings(warm_call(undetermined_model, store))
  expect_identical(source_of(fit), "cold")
})

test_that("what is left of a limit of iterations is what the uncut fit has left", {
  call <- quote(
    glmmTMB::glmmTMB(count ~ mined + (1 | site), few, glmmTMB::nbinom2,
      control = glmmTMB::glmmTMBControl(optCtrl = list(iter.max = 8)))
  )
  cold <- suppressWarnings(eval(call))
  expect_identical(cold$fit$convergence, 1L)
  middle <- suppressWarnings(observe_states(call, adapter_glmmtmb()))$states[[5]]
  store <- new_store()
  store_save(
    store, key_of(call, adapter_glmmtmb())$exact,
    list(state = middle$state, iterations = middle$iteration, seconds = 1), middle$objective
  )
  expect_warning(fit <- warm_call(call, store), "convergence")
  expect_identical(fit$fit$convergence, 1L)
  expect_equal(fit$fit$par, cold$fit$par, tolerance = 1e-6)
})

# Starts -------------------------------------------------------------------------------------------

test_that("a term more starts a related glmmTMB by name", {
  store <- new_store()
  warm(glmmTMB::glmmTMB(count ~ mined + (1 | site), Salamanders, glmmTMB::nbinom2), store)
  fit <- warm(
    glmmTMB::glmmTMB(count ~ mined + spp + (1 | site), Salamanders, glmmTMB::nbinom2), store
  )
  cold <- glmmTMB::glmmTMB(count ~ mined + spp + (1 | site), Salamanders, glmmTMB::nbinom2)
  expect_identical(source_of(fit), "seeded")
  expect_lt(abs(fit$fit$objective - cold$fit$objective), 1e-6 * cold$fit$objective)
})

test_that("a fold of a glmmTMB takes fewer evaluations than cold", {
  store <- new_store()
  data <- Salamanders
  call <- quote(
    glmmTMB::glmmTMB(count ~ mined + spp + (1 | site), data, glmmTMB::nbinom2, ziformula = ~mined)
  )
  warm_call(call, store)
  data <- Salamanders[-seq(1, nrow(Salamanders), by = 10), ]
  fit <- warm_call(call, store)
  cold <- eval(call)
  expect_identical(source_of(fit), "seeded")
  expect_lt(fit$fit$evaluations[["function"]], cold$fit$evaluations[["function"]])
  expect_lt(compare_glmmtmb(fit, cold)$coefficients_se, 0.01)
})

test_that("a model that is only set up goes untouched", {
  setup <- warm(glmmTMB::glmmTMB(count ~ 1, Salamanders, poisson, doFit = FALSE), new_store())
  expect_identical(source_of_last(setup), "untouched")
})

test_that("where a seed is declined, nothing of it is left in the fit", {
  call <- quote(glmmTMB::glmmTMB(count ~ mined + (1 | site), data, poisson))
  store <- new_store()
  data <- Salamanders
  warm_call(call, store)
  data$count <- rev(50 - data$count)
  said <- character()
  fit <- withCallingHandlers(
    warm_call(call, store),
    message = function(m) said <<- c(said, m$message)
  )
  expect_identical(source_of(fit), "cold")
  expect_match(warm_info(fit)$reason, "cold start", all = FALSE)
  expect_identical(said, character())
  expect_equal(same_parts(bare(fit)), same_parts(eval(call)), tolerance = 0)
})

test_that("a finished glmmTMB read in another process serves as in its own", {
  path <- tempfile("store")
  fit <- function(path) {
    data <- glmmTMB::Salamanders
    fit <- warm(
      glmmTMB::glmmTMB(count ~ mined + (1 | site), data, glmmTMB::nbinom2, ziformula = ~mined),
      warm_store(path)
    )
    list(
      warm_info(fit)$source, predict(fit), vcov(fit), coef(summary(fit)),
      glmmTMB::VarCorr(fit)$cond$site[1], glmmTMB::fixef(update(fit, . ~ . - mined))
    )
  }
  first <- in_process(fit, path)
  second <- in_process(fit, path)
  expect_identical(c(first[[1]], second[[1]]), c("cold", "finished"))
  expect_equal(second[-1], first[-1], tolerance = 1e-6)
})

test_that("the names of the parameters do not depend on how glmmTMB calls their block", {
  x <- list(Xd = matrix(0, 1, 1, dimnames = list(NULL, "mined")))
  names(x) <- "Xdisp"
  old <- glmmtmb_labels("betad", list(Xd = x$Xdisp))
  expect_identical(glmmtmb_labels("betadisp", x), old)
})

test_that("where a parameter is held at its start, that counts", {
  store <- new_store()
  at <- function(theta) {
    bquote(glmmTMB::glmmTMB(
      count ~ mined + (1 | site), Salamanders, poisson,
      start = list(theta = .(theta)), map = list(theta = factor(NA))
    ))
  }
  warm_call(at(0), store)
  fit <- warm_call(at(1), store)
  expect_false(source_of(fit) == "finished")
  expect_equal(logLik(fit), logLik(eval(at(1))))
})

# What people ask of a fit, and of one that has begun elsewhere ------------------------------------

# Everything that there is to be seen of a fit, and that can be asked of it.
seen_of <- function(fit) {
  coefficients <- coef(summary(fit))
  smaller <- eval(update(fit, . ~ . - spp, evaluate = FALSE), parent.frame())
  variances <- lapply(glmmTMB::VarCorr(fit), lapply, unclass)
  list(
    table = coefficients, variances = variances, fixef = unclass(glmmTMB::fixef(fit)),
    ranef = lapply(glmmTMB::ranef(fit), lapply, unclass),
    loglik = c(logLik(fit)), df = attr(logLik(fit), "df"), aic = AIC(fit), bic = BIC(fit),
    residual_df = df.residual(fit), vcov = vcov(fit, full = TRUE), sigma = sigma(fit),
    anova = data.frame(anova(fit, smaller)),
    predicted = predict(fit, type = "response", se.fit = TRUE), drop1 = data.frame(drop1(fit)),
    simulated = stats::simulate(fit, seed = 1), printed = utils::capture.output(summary(fit))[1:8],
    names = list(names(fit), names(fit$fit), names(fit$fit$par), names(fit$fit$parfull)),
    sdr = list(names(fit$sdr), names(fit$sdr$par.fixed), dimnames(fit$sdr$cov.fixed)),
    call = lapply(as.list(fit$call), deparse), home = environment(fit$call$formula)
  )
}

without_random <- list(
  poisson = quote(
    glmmTMB::glmmTMB(count ~ mined + spp, data, poisson, ziformula = ~mined)
  ),
  "negative binomial" = quote(glmmTMB::glmmTMB(count ~ mined + spp, data, glmmTMB::nbinom2)),
  "by optim" = quote(
    glmmTMB::glmmTMB(count ~ mined + spp, data, poisson,
      control = glmmTMB::glmmTMBControl(optimizer = optim, optArgs = list(method = "BFGS")))
  ),
  "with random effects" = quote(
    glmmTMB::glmmTMB(count ~ mined + spp + (1 | site), data, poisson, ziformula = ~mined)
  )
)

for (name in names(without_random)) {
  test_that(paste("a seeded glmmTMB is a cold one in all that it is asked:", name), {
    call <- without_random[[name]]
    store <- new_store()
    data <- Salamanders[-(1:40), ]
    warm_call(call, store)
    data <- Salamanders
    fit <- warm_call(call, store)
    expect_identical(source_of(fit), "seeded")
    expect_equal(seen_of(bare(fit)), seen_of(eval(call)), tolerance = 1e-3)
  })
}

test_that("a state that is not whole, or not of this model, changes no glmmTMB", {
  call <- quote(glmmTMB::glmmTMB(count ~ mined, few, poisson, ziformula = ~1))
  objective <- function(fit) fit$fit$objective
  reports <- observe_states(call, adapter_glmmtmb())
  expect_cold_from_mutated(call, adapter_glmmtmb(), finished_glmmtmb(reports$fit)$state, objective)
  expect_cold_from_mutated(call, adapter_glmmtmb(), reports$states[[4]]$state, objective)
})

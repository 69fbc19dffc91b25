skip_if_not_installed("lme4")

sleepstudy <- lme4::sleepstudy
cbpp <- lme4::cbpp
VerbAgg <- lme4::VerbAgg # nolint: object_name_linter. The data set's own name.

test_that("the adapter for lmer conforms", {
  expect_adapter_conforms(
    adapter_lmer(), quote(lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy)),
    near = quote(lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy[-(1:18), ])),
    failing = quote(lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy, control = 1))
  )
})

test_that("the adapter for glmer conforms", {
  expect_adapter_conforms(
    adapter_glmer(),
    quote(lme4::glmer(incidence / size ~ period + (1 | herd), cbpp, binomial, weights = size)),
    near = quote(
      lme4::glmer(incidence / size ~ period + (1 | herd), cbpp[-(1:5), ], binomial, weights = size)
    ),
    failing = quote(lme4::glmer(incidence ~ period + (1 | herd), cbpp, quasipoisson)),
    tolerance = 1e-6
  )
})

test_that("the adapter for nlmer conforms", {
  # Started from nothing but its own interrupted run.
  expect_adapter_conforms(
    adapter_nlmer(),
    quote(
      lme4::nlmer(circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree, Orange,
        start = c(Asym = 200, xmid = 725, scal = 350))
    ),
    failing = quote(
      lme4::nlmer(circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree, Orange,
        start = c(Asym = 200, xmid = 725))
    )
  )
})

test_that("the adapter for glmer.nb conforms", {
  # Started from nothing: there is no seed.
  ticks <- droplevels(lme4::grouseticks[lme4::grouseticks$YEAR == "95", ])
  expect_adapter_conforms(
    adapter_glmer_nb(), quote(lme4::glmer.nb(TICKS ~ 1 + (1 | LOCATION), data = ticks))
  )
})

# A cold start leaves nothing else ------------------------------------------------

verb <- VerbAgg[as.integer(VerbAgg$id) <= 100, ]

fits <- list(
  "lmer" = quote(lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy)),
  "lmer, by bobyqa" = quote(
    lme4::lmer(Reaction ~ Days + (Days || Subject), sleepstudy, REML = FALSE,
      control = lme4::lmerControl(optimizer = "bobyqa"))
  ),
  "lmer, by Nelder_Mead" = quote(
    lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy,
      control = lme4::lmerControl("Nelder_Mead"))
  ),
  "lmer, by a function" = quote(
    lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy,
      control = lme4::lmerControl(optimizer = lme4::nloptwrap))
  ),
  "glmer" = quote(
    lme4::glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)
  ),
  "glmer, by bobyqa" = quote(
    lme4::glmer(r2 ~ btype + situ + (1 | id) + (1 | item), verb, binomial,
      control = lme4::glmerControl(optimizer = "bobyqa"))
  ),
  "glmer, by nloptwrap" = quote(
    lme4::glmer(r2 ~ btype + situ + (1 | id) + (1 | item), verb, binomial,
      control = lme4::glmerControl(optimizer = "nloptwrap"))
  ),
  "glmer, by nlminbwrap" = quote(
    lme4::glmer(r2 ~ btype + situ + (1 | id), verb, binomial,
      control = lme4::glmerControl(optimizer = "nlminbwrap"))
  ),
  "glmer, nAGQ = 0" = quote(
    lme4::glmer(r2 ~ btype + (1 | id) + (1 | item), verb, binomial, nAGQ = 0)
  ),
  "glmer, nAGQ = 9" = quote(
    lme4::glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial, nAGQ = 9)
  ),
  "glmer, without a first stage" = quote(
    lme4::glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial,
      control = lme4::glmerControl(optimizer = "bobyqa", nAGQ0initStep = FALSE))
  ),
  "nlmer" = quote(
    lme4::nlmer(circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree, Orange,
      start = c(Asym = 200, xmid = 725, scal = 350))
  )
)

# Its environments, which are each fit's own, left out.
slots_of <- function(fit) {
  slots <- setdiff(methods::slotNames(fit), c("pp", "resp"))
  slots <- lapply(stats::setNames(nm = slots), function(slot) methods::slot(fit, slot))
  slots$frame <- c(as.list(slots$frame), list(
    names(attributes(slots$frame)), deparse(attr(slots$frame, "terms"))
  ))
  slots$call <- lapply(as.list(slots$call), deparse)
  slots
}

# What two starts may leave different: the numbers, within tolerance, and how it ended.
expect_cold_slots <- function(fit, cold) {
  ends <- c("derivs", "feval", "message", "val")
  fit <- slots_of(fit)
  cold <- slots_of(cold)
  how <- setdiff(names(cold$optinfo), ends)
  expect_equal(fit$optinfo[how], cold$optinfo[how], tolerance = 0.01)
  expect_identical(names(fit$optinfo), names(cold$optinfo))
  exact <- c("call", "frame", "flist", "cnms", "Gp", "lower")
  expect_equal(fit[exact], cold[exact])
  near <- c("theta", "beta", "u")
  expect_equal(fit[near], cold[near], tolerance = 2e-3)
  expect_equal(fit$devcomp$dims, cold$devcomp$dims)
}

for (name in names(fits)) {
  call <- fits[[name]]
  cold <- eval(call)

  test_that(paste(name, "fit: watched, it is the cold one to the last bit"), {
    expect_equal(slots_of(bare(warm_call(call))), slots_of(cold), tolerance = 0)
  })

  test_that(paste(name, "fit: from its own end, it is as from a cold start"), {
    store <- new_store()
    warm_call(call, store)
    again <- warm_call(call, store, reuse = FALSE)
    begins_cold <- name %in% c("nlmer", "lmer, by Nelder_Mead")
    expect_identical(source_of(again), if (begins_cold) "cold" else "seeded")
    expect_cold_slots(bare(again), cold)
    expect_lte(finished_lme4(again)$objective, finished_lme4(cold)$objective * (1 + 1e-6))
  })

  test_that(paste(name, "fit: resumed at each third of its way, it is the uncut one"), {
    named <- match.call(eval(call[[1]]), call)
    adapter <- find_adapter(eval(call[[1]]))
    reports <- observe_states(call, adapter)$states
    for (n in ceiling(length(reports) * c(0.1, 0.4, 0.7, 1))) {
      store <- new_store()
      at <- reports[[n]]
      store_save(
        store, adapter$identify(named, environment())$exact,
        list(state = at$state, iterations = at$iteration, seconds = 1), at$objective, at$iteration
      )
      fit <- warm_call(call, store)
      expect_identical(source_of(fit), "resumed")
      # nlmer() finds the random effects from where it was before.
      expect_equal(
        slots_of(bare(fit)), slots_of(cold), tolerance = if (name == "nlmer") 1e-5 else 0
      )
    }
  })
}

# Starts ------------------------------------------------

# A fit of `call` in a store in which one of `before` has finished.
fit_after <- function(before, call, env = parent.frame()) {
  store <- new_store()
  warm_call(before, store, env = env)
  warm_call(call, store, env = env)
}

expect_same_end <- function(fit, cold, tolerance = 1e-6) {
  excess <- finished_lme4(fit)$objective - finished_lme4(cold)$objective
  expect_lt(abs(excess), tolerance * abs(finished_lme4(cold)$objective))
}

test_that("another random-effect term starts a related lmer by the names of those it shares", {
  fit <- fit_after(
    quote(lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy)),
    quote(lme4::lmer(Reaction ~ Days + (1 | Subject), sleepstudy))
  )
  expect_identical(source_of(fit), "seeded")
  expect_same_end(fit, lme4::lmer(Reaction ~ Days + (1 | Subject), sleepstudy))
})

test_that("a fixed effect more starts a related glmer", {
  control <- lme4::glmerControl(optimizer = "bobyqa")
  call <- quote(
    lme4::glmer(r2 ~ btype + situ + (1 | id) + (1 | item), verb, binomial, control = control)
  )
  fit <- fit_after(
    quote(lme4::glmer(r2 ~ btype + (1 | id) + (1 | item), verb, binomial, control = control)), call
  )
  cold <- eval(call)
  expect_identical(source_of(fit), "seeded")
  expect_same_end(fit, cold)
  expect_lt(fit@optinfo$feval, cold@optinfo$feval)
})

test_that("a model with no random-effect term in common is no start", {
  fit <- fit_after(
    quote(lme4::lmer(strength ~ 1 + (1 | batch), lme4::Pastes)),
    quote(lme4::lmer(strength ~ 1 + (1 | sample), lme4::Pastes))
  )
  expect_identical(source_of(fit), "cold")
})

test_that("rows that lack a level of a fixed factor start by the names of the others", {
  fit <- fit_after(
    quote(
      lme4::glmer(cbind(incidence, size - incidence) ~ period + (1 | herd),
        cbpp[cbpp$period != "4", ], binomial)
    ),
    quote(lme4::glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial))
  )
  expect_identical(source_of(fit), "seeded")
  cold <- lme4::glmer(
    cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial
  )
  expect_same_end(fit, cold)
})

# Two subjects' noise, with nothing between the subjects.
flat <- transform(sleepstudy, Reaction = 250 + 20 * sin(seq_along(Reaction) * 1.7))

test_that("a state that is worse on these data than a cold start is not started from", {
  call <- quote(lme4::lmer(Reaction ~ Days + (1 | Subject), data))
  expect_true(lme4::isSingular(suppressMessages(
    lme4::lmer(Reaction ~ Days + (1 | Subject), flat)
  )))
  for (pair in list(list(flat, sleepstudy), list(sleepstudy, flat))) {
    store <- new_store()
    data <- pair[[1]]
    suppressMessages(warm_call(call, store))
    expect_identical(source_of(suppressMessages(warm_call(call, store))), "finished")
    data <- pair[[2]]
    fit <- suppressMessages(warm_call(call, store))
    expect_identical(source_of(fit), "cold")
    expect_match(warm_info()$reason, "cold start", all = FALSE)
    expect_equal(slots_of(bare(fit)), slots_of(suppressMessages(eval(call))), tolerance = 0)
  }
})

# Ten groups of eight, with effects of groups that are weak or none.
weak_groups <- function(seed, sd, respond) {
  set.seed(seed)
  d <- data.frame(g = factor(rep(1:10, each = 8)), x = stats::rnorm(80), z = stats::rnorm(80))
  eta <- stats::rnorm(10)[d$g] * sd + stats::rnorm(10)[d$g] * sd * d$x * 0.7 + 0.5 * d$x
  d$y <- respond(eta)
  d
}
nine_of_ten <- function(rows) rows[seq_len(nrow(rows)) %% 10 != 3, ]

test_that("a correlation whose sign the seed has not, or has wrong, is found", {
  of <- list(
    none = list(
      rows = weak_groups(29, 0, function(eta) eta + stats::rnorm(80)),
      call = quote(lme4::lmer(y ~ x + (x | g), data))
    ),
    wrong = list(
      rows = weak_groups(5, 0.15, function(eta) stats::rbinom(80, 1, stats::plogis(eta))),
      call = quote(lme4::glmer(y ~ x + (x | g), data, binomial))
    )
  )
  for (case in of) {
    store <- new_store()
    data <- nine_of_ten(case$rows)
    suppressMessages(warm_call(case$call, store))
    data <- case$rows
    fit <- suppressMessages(warm_call(case$call, store))
    cold <- suppressMessages(eval(case$call))
    expect_gte(as.numeric(logLik(fit)), as.numeric(logLik(cold)) - 1e-4)
  }
})

test_that("the factors of several terms are found by their bounds", {
  lower <- c(0, -Inf, 0, 0, 0, -Inf, -Inf, 0, -Inf, 0)
  expect_identical(term_blocks(lower), list(c(1, 2, 3), 4, c(5, 6, 7, 8, 9, 10)))
  theta <- c(0, -0.2, 0.1, 0.7, 1, 0.5, 0.2, 2, 0.1, 3)
  lifted <- off_the_bound(theta, lower, exact = FALSE)
  expect_identical(lifted[4:10], theta[4:10])
  expect_equal(tcrossprod(factor_of(lifted[1:3])), diag(c(0, 0.05)) + diag(0.05^2, 2))
})

test_that("steps and tolerances that the user sets stay", {
  given <- list()
  observing <- function(fn, par, lower, upper, control) {
    given <<- c(given, list(list(par = par, control = control)))
    lme4::nloptwrap(par, fn, lower, upper, control)
  }
  control <- lme4::lmerControl(optimizer = observing, optCtrl = list(xtol_abs = 1e-9))
  store <- new_store()
  call <- quote(lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy, control = control))
  cold <- warm_call(call, store)
  warm_call(call, store, reuse = FALSE)
  expect_identical(given[[2]]$control, list(xtol_abs = 1e-9))
  expect_equal(given[[2]]$par, unname(cold@theta))
})

# How it ends ------------------------------------------------

few <- lme4::glmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 60))
short <- quote(
  lme4::glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial,
    control = few)
)

# A fit, and what it says.
heard <- function(expr) {
  said <- character()
  fit <- withCallingHandlers(expr, warning = function(w) {
    said <<- c(said, conditionMessage(w), deparse(conditionCall(w)))
    invokeRestart("muffleWarning")
  })
  list(said = said, conv = fit@optinfo$conv, warnings = fit@optinfo$warnings, theta = fit@theta)
}

test_that("a fit that ends with warnings is made once, and says so each time", {
  few$optCtrl$maxfun <- 20
  cold <- heard(eval(short))
  expect_gt(length(cold$said), 0)
  expect_equal(cold$conv$opt, 1)
  store <- new_store()
  sources <- character()
  for (repeated in 1:4) {
    expect_equal(heard(warm_call(short, store)), cold)
    sources <- c(sources, warm_info()$source)
  }
  expect_identical(sources, c("cold", rep("finished", 3)))
  expect_identical(store_list(store)$state, "finished")
})

test_that("killed, such a fit goes on to the same end, with the same words", {
  skip_if_not_installed("callr")
  few$optCtrl$maxfun <- 20
  cold <- heard(eval(short))
  store <- new_store()
  expect_error(callr::r(fit_until_killed, list(
    adapter_glmer(), short, list(few = few, cbpp = cbpp), store_config(store)$path, 15, character()
  )))
  expect_identical(store_list(store)$state, "interrupted")
  expect_identical(heard(warm_call(short, store)), cold)
  expect_identical(warm_info()$source, "resumed")
  expect_identical(heard(warm_call(short, store)), cold)
  expect_identical(warm_info()$source, "finished")
})

test_that("lme4's own doubts about the gradient come with a resumed fit, too", {
  loose <- lme4::glmerControl(optimizer = "nloptwrap", optCtrl = list(ftol_abs = 1e-2))
  call <- quote(
    lme4::glmer(r2 ~ btype + situ + (1 | id) + (1 | item), verb, binomial, control = loose)
  )
  cold <- heard(eval(call))
  expect_match(cold$said, "failed to converge", all = FALSE)
  reports <- suppressWarnings(observe_states(call, adapter_glmer()))$states
  at <- reports[[length(reports) - 2]]
  store <- new_store()
  store_save(
    store, key_of(call, adapter_glmer())$exact,
    list(state = at$state, iterations = at$iteration, seconds = 1), at$objective, at$iteration
  )
  expect_identical(heard(warm_call(call, store)), cold)
  expect_identical(warm_info()$source, "resumed")
})

test_that("what the optimiser prints is printed", {
  loud <- quote(
    lme4::lmer(Reaction ~ Days + (1 | Subject), sleepstudy, verbose = 1L,
      control = lme4::lmerControl("bobyqa", optCtrl = list(iprint = 2L)))
  )
  cold <- capture.output(plain <- eval(loud))
  expect_gt(length(cold), 0)
  expect_identical(capture.output(fit <- warm_call(loud)), cold)
  expect_identical(deparse(fit@call), deparse(plain@call))
})

test_that("a call that asks for the deviance function goes untouched", {
  call <- quote(lme4::lmer(Reaction ~ Days + (1 | Subject), sleepstudy, devFunOnly = TRUE))
  deviance <- warm_call(call)
  expect_type(deviance, "closure")
  expect_null(attributes(deviance)$warmstart)
  expect_equal(deviance(1), eval(call)(1))
})

test_that("a gaussian glmer, which lme4 hands to lmer, is kept", {
  call <- quote(lme4::glmer(Reaction ~ Days + (1 | Subject), sleepstudy))
  store <- new_store()
  fit <- suppressWarnings(warm_call(call, store))
  cold <- suppressWarnings(eval(call))
  expect_equal(slots_of(bare(fit)), slots_of(cold), tolerance = 0)
  expect_warning(again <- warm_call(call, store), "deprecated")
  expect_identical(source_of(again), "finished")
})

test_that("the call of a returned glmer.nb() is the asker's, with all its arguments", {
  ticks <- lme4::grouseticks[lme4::grouseticks$YEAR == "95", ]
  mine <- ticks
  store <- new_store()
  warm(lme4::glmer.nb(TICKS ~ 1 + (1 | LOCATION), data = ticks), store)
  fit <- warm(
    lme4::glmer.nb(TICKS ~ 1 + (1 | LOCATION), mine, verbose = FALSE, start = list(theta = 1)),
    store
  )
  cold <- lme4::glmer.nb(
    TICKS ~ 1 + (1 | LOCATION), mine, verbose = FALSE, start = list(theta = 1)
  )
  expect_identical(source_of(fit), "finished")
  expect_identical(deparse(fit@call), deparse(cold@call))
})

# What people do with it ------------------------------------------------

for (kind in c("seeded", "finished")) {
  test_that(paste("a", kind, "fit serves update(), anova(), predict(), refit() and bootMer()"), {
    store <- new_store()
    call <- quote(
      lme4::glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial)
    )
    warm_call(call, store)
    fit <- bare(warm_call(call, store, reuse = kind == "finished"))
    cold <- eval(call)
    expect_equal(predict(fit), predict(cold), tolerance = 1e-3)
    expect_equal(summary(fit)$coefficients, summary(cold)$coefficients, tolerance = 1e-2)
    smaller <- update(fit, . ~ . - period)
    expect_equal(anova(fit, smaller)$Chisq, anova(cold, smaller)$Chisq, tolerance = 1e-4)
    again <- lme4::refit(fit, model.response(model.frame(cold)))
    expect_equal(lme4::fixef(again), lme4::fixef(cold), tolerance = 1e-3)
    boot <- lme4::bootMer(fit, lme4::fixef, nsim = 2, seed = 1)
    expect_equal(boot$t, lme4::bootMer(cold, lme4::fixef, nsim = 2, seed = 1)$t, tolerance = 1e-2)
  })
}

test_that("a finished fit read in another process serves as in its own", {
  path <- tempfile("store")
  fit <- function(path) {
    cbpp <- lme4::cbpp
    fit <- warm(
      lme4::glmer(incidence / size ~ period + (1 | herd), cbpp, binomial, weights = size),
      warm_store(path)
    )
    list(warm_info(fit)$source, predict(fit), vcov(fit), lme4::refit(fit)@theta)
  }
  first <- in_process(fit, path)
  second <- in_process(fit, path)
  expect_identical(c(first[[1]], second[[1]]), c("cold", "finished"))
  expect_equal(second[-1], first[-1])
})

test_that("update() finds the data where lme4's method does", {
  fit_all <- function() {
    d <- sleepstudy
    lme4::lmer(Reaction ~ Days + (1 | Subject), d)
  }
  fit <- fit_all()
  d <- sleepstudy[1:100, ] # the caller has something else by that name
  update <- stats::update
  expect_identical(stats::nobs(warm(update(fit, REML = FALSE), new_store())), 180L)
  few <- sleepstudy[1:90, ]
  expect_identical(stats::nobs(warm(update(fit, data = few), new_store())), 90L)
})

# Names ------------------------------------------------

test_that("glmer.nb() takes its arguments without names", {
  ticks <- lme4::grouseticks
  key <- function(call) {
    identify_glmer_nb(match.call(lme4::glmer.nb, call), environment())$exact
  }
  expect_identical(
    key(quote(lme4::glmer.nb(TICKS ~ 1 + (1 | LOCATION), ticks))),
    key(quote(lme4::glmer.nb(TICKS ~ 1 + (1 | LOCATION), data = ticks)))
  )
})

test_that("theta is named as lme4 names it", {
  fit <- lme4::lmer(Reaction ~ Days + (Days + I(Days^2) | Subject), sleepstudy,
    control = lme4::lmerControl(optimizer = NULL, calc.derivs = FALSE))
  expect_identical(
    theta_labels(fit@cnms), paste0(theta_prefix, names(lme4::getME(fit, "theta")))
  )
})

test_that("an lmer fit comes back from a small record, and is whole", {
  call <- quote(lme4::lmer(Reaction ~ Days + (Days | Subject), sleep))
  sleep <- lme4::sleepstudy
  cold <- eval(call, list(sleep = sleep), globalenv()) # its formula holds on to no more than that
  expect_lt(length(serialize(pack_lmer(cold), NULL)), length(serialize(cold, NULL)) / 10)
  store <- new_store()
  eval(bquote(warm(.(call), store)))
  fit <- eval(bquote(warm(.(call), store)))
  expect_identical(warm_info(fit)$source, "finished")
  expect_true(methods::validObject(fit))
  for (part in c("resp", "pp")) {
    values <- reference_values(methods::slot(fit, part))
    wanted <- reference_values(methods::slot(cold, part))
    expect_equal(values[names(values) != ".->Ptr"], wanted[names(wanted) != ".->Ptr"])
  }
  expect_equal(stats::predict(fit), stats::predict(cold))
  shuffled <- rev(sleep$Reaction)
  expect_equal(
    lme4::fixef(lme4::refit(fit, shuffled)), lme4::fixef(lme4::refit(cold, shuffled))
  )
  longer <- stats::update(fit, . ~ . + I(Days^2))
  expect_equal(lme4::fixef(longer), lme4::fixef(stats::update(cold, . ~ . + I(Days^2))))
})

# What others may have written ------------------------------------------------

test_that("a state that is not whole, or not of this model, changes no lmer() or glmer()", {
  calls <- list(
    quote(lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy)),
    quote(
      lme4::glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial,
        control = lme4::glmerControl(optimizer = "bobyqa"))
    )
  )
  for (call in calls) {
    adapter <- find_adapter(eval(call[[1]]))
    objective <- function(fit) finished_lme4(fit)$objective
    expect_cold_from_mutated(call, adapter, finished_lme4(eval(call))$state, objective)
    reports <- observe_states(call, adapter)$states
    expect_cold_from_mutated(call, adapter, reports[[length(reports) - 3]]$state, objective)
  }
})

test_that("a log whose values are not this model's does not decide where a fit ends", {
  call <- quote(lme4::lmer(Reaction ~ Days + (Days | Subject), sleepstudy))
  reports <- observe_states(call, adapter_lmer())$states
  forged <- reports[[length(reports)]]$state
  forged$log$values <- forged$log$values - 50
  store <- new_store()
  store_save(
    store, key_of(call, adapter_lmer())$exact, list(state = forged, iterations = 1, seconds = 1)
  )
  expect_equal(slots_of(bare(warm_call(call, store))), slots_of(eval(call)), tolerance = 0)
  expect_match(warm_info()$reason, "not of this model", all = FALSE)
})

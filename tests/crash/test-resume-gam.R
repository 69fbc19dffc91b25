# A fit of real data is killed part-way, resumed by another process, and returned by a third.

skip_if_not_installed("mgcv")
skip_if_not_installed("nlme")
skip_if_not_installed("callr")

models <- list(
  "negative binomial" = "gam(
    stations ~ te(lat, long, k = 8) + s(depth, k = 20) + te(depth, mag),
    family = nb, data = quakes, method = 'REML'
  )",
  "Tweedie" = "gam(
    stations ~ te(lat, long, k = 8) + s(depth, k = 20) + s(mag, k = 20),
    family = tw, data = quakes, method = 'REML'
  )",
  "binomial" = "gam(
    I(MathAch > 15) ~ s(SES, by = Sex) + s(MEANSES, k = 20) + te(SES, MEANSES) + Sex + Minority,
    family = binomial, data = nlme::MathAchieve, method = 'ML'
  )"
)

# What happened to the fit of `model` when it was killed after `checkpoints` of them were seen.
kill_and_resume <- function(model, checkpoints = 3) {
  path <- tempfile("store")
  line <- paste0("warm(", model, ", warm_store(path))")
  store <- warm_store(path)
  first <- fit_in_process(line, path, callr::r_bg)
  watch(first, function() any(store_list(store)$iteration >= checkpoints, na.rm = TRUE))
  alive <- first$is_alive()
  first$kill()
  first$wait()
  list(
    killed_alive = alive,
    left = store_list(store, all = TRUE),
    cold = fit_in_process(model, path),
    resumed = fit_in_process(line, path),
    again = fit_in_process(line, path)
  )
}

for (name in names(models)) {
  story <- kill_and_resume(models[[name]])

  test_that(paste(name, "fit: it was killed while it ran, and left one interrupted run"), {
    expect_true(story$killed_alive)
    expect_identical(story$left$state, "interrupted")
  })

  test_that(paste(name, "fit: the next process resumes it"), {
    expect_identical(story$resumed$info$source, "resumed")
    expect_identical(story$resumed$info$iterations_before, story$left$iteration)
  })

  test_that(paste(name, "fit: resumed and cold agree on the score"), {
    expect_equal(story$resumed$score, story$cold$score, tolerance = 1e-6)
  })

  test_that(paste(name, "fit: resumed and cold agree on the edf"), {
    expect_equal(story$resumed$edf, story$cold$edf, tolerance = 1e-6)
  })

  test_that(paste(name, "fit: resumed and cold agree on the fitted values"), {
    expect_equal(story$resumed$fitted, story$cold$fitted, tolerance = 1e-6)
  })

  test_that(paste(name, "fit: interrupted, it takes at most one iteration more"), {
    taken <- story$resumed$info$iterations_before + story$resumed$info$iterations
    expect_gte(story$cold$iterations, 6)
    expect_lte(taken, story$cold$iterations + 1)
  })

  test_that(paste(name, "fit: resumed and cold have the same call"), {
    expect_identical(story$resumed$call, story$cold$call)
  })

  test_that(paste(name, "fit: a third process returns it without fitting"), {
    expect_identical(story$again$info$source, "finished")
    expect_identical(story$again$info$iterations, 0)
    parts <- c("score", "edf", "fitted", "iterations", "call")
    expect_identical(story$again[parts], story$resumed[parts])
  })
}

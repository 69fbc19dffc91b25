# Optimisations of real data are killed part-way from outside, resumed by another process, and
# returned by a third.

skip_if_not_installed("survival")
skip_if_not_installed("callr")

# Deaths of 7,800 people after a blood test: a Weibull regression, by a likelihood that takes some
# milliseconds.
setup <- "
  d <- na.omit(survival::flchain[c('futime', 'death', 'age', 'sex', 'kappa', 'lambda')])
  d <- d[rep(seq_len(nrow(d)), 3), ]
  x <- cbind(1, (d$age - 65) / 10, d$sex == 'M', log(d$kappa + d$lambda) - 1)
  weibull <- function(par) {
    z <- (log(d$futime + 1) - drop(x %*% par[1:4])) / exp(par[[5]])
    -sum(d$death * (z - par[[5]]) - exp(z))
  }
  start <- c(9, 0, 0, 0, 0)
"

optimisations <- c(
  "optim, Nelder-Mead" = "optim(start, weibull, control = list(maxit = 2000))",
  "optim, BFGS" = "optim(start, weibull, method = 'BFGS')",
  "nlminb" = "nlminb(start, weibull)",
  "nlm" = "nlm(weibull, start)"
)

# Evaluates one line of R in a process of its own; what there is to compare of the result. One that
# is to be killed waits for it, once it has kept the evaluation `wait_at`.
optimise_in_process <- function(line, path, start = callr::r, wait_at = Inf) {
  start(function(setup, line, path, wait_at) {
    library(warmstart)
    options(warmstart.verbose = FALSE)
    # Some tenths of a second, of which the first two would not be kept.
    assign("first_checkpoint", 0, asNamespace("warmstart")$waits)
    offer <- asNamespace("warmstart")$offer_iterate
    offer_and_wait <- function(session, payload, objective, iteration, ...) {
      kept <- offer(session, payload, objective, iteration, ...)
      if (kept && iteration >= wait_at) Sys.sleep(60)
      kept
    }
    utils::assignInNamespace("offer_iterate", offer_and_wait, "warmstart")
    eval(parse(text = setup), globalenv())
    assign("store", warm_store(path), globalenv())
    fit <- suppressWarnings(eval(parse(text = line), globalenv()))
    info <- if (grepl("^warm", line)) unclass(warm_info(fit))
    list(value = c(fit$value, fit$objective, fit$minimum), info = info)
  }, list(setup, line, path, wait_at), libpath = .libPaths())
}

for (name in names(optimisations)) {
  path <- tempfile("store")
  line <- paste0("warm(", optimisations[[name]], ", store)")
  store <- warm_store(path)
  first <- optimise_in_process(line, path, callr::r_bg, 40)
  watch(first, function() any(store_list(store)$iteration >= 40, na.rm = TRUE))
  alive <- first$is_alive()
  first$kill()
  first$wait()
  left <- store_list(store, all = TRUE)
  cold <- optimise_in_process(optimisations[[name]], path)
  resumed <- optimise_in_process(line, path)
  again <- optimise_in_process(line, path)

  test_that(paste0(name, ": it was killed while it ran, and left one interrupted run"), {
    expect_true(alive)
    expect_identical(left$state, "interrupted")
  })

  test_that(paste0(name, ": the next process resumes it where it was"), {
    expect_identical(resumed$info$source, "resumed")
    expect_identical(resumed$info$iterations_before, left$iteration)
  })

  test_that(paste0(name, ": resumed and cold agree"), {
    expect_equal(resumed$value, cold$value, tolerance = 1e-6)
  })

  test_that(paste0(name, ": it is there for the third process"), {
    expect_identical(again$info$source, "finished")
    expect_identical(again$value, resumed$value)
  })
}

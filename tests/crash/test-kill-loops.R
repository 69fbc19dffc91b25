# Loops that draw random numbers, killed at random places, again and again, until a process comes to
# their end: what they give, and the state of the generator after it, is that of the uncut loop.

skip_if_not_installed("callr")

setup <- quote({
  d <- data.frame(x = seq(-1, 1, length.out = 60))
  d$y <- exp(d$x) + sin(9 * d$x) / 5
  # The slope and the spread, by random walk.
  chain <- function(d, steps) {
    density <- function(p) sum(stats::dnorm(d$y, 1 + p[[1]] * d$x, exp(p[[2]]), log = TRUE))
    at <- c(1, 0)
    visited <- matrix(0, steps, 2)
    for (step in seq_len(steps)) {
      proposed <- at + stats::rnorm(2) / 10
      if (log(stats::runif(1)) < density(proposed) - density(at)) at <- proposed
      visited[step, ] <- at
    }
    visited
  }
})

# `WARM` is warm(), or gives its first argument.
loops <- list(
  "sample()" = quote(lapply(1:8, function(i) {
    rows <- sample(nrow(d), replace = TRUE)
    WARM(chain(d[rows, ], 3000), store)[3000, ] + stats::runif(1)
  })),
  "replicate()" = quote(replicate(8, WARM(chain(d, 3000), store), simplify = FALSE)),
  "boot::boot()" = quote(
    boot::boot(d, function(d, rows) colMeans(WARM(chain(d[rows, ], 3000), store)), R = 7)$t
  ),
  "future.apply::future_lapply()" = quote({
    future::plan(future::multisession, workers = 2)
    on.exit(future::plan(future::sequential))
    future.apply::future_lapply(1:8, function(i) WARM(chain(d, 3000), store), future.seed = TRUE)
  }),
  "MCMCglmm::MCMCglmm()" = quote(lapply(1:4, function(i) {
    fit <- WARM(
      MCMCglmm::MCMCglmm(y ~ x, data = d, nitt = 6000, burnin = 1000, verbose = FALSE), store
    )
    as.matrix(fit$Sol) + stats::rnorm(1)
  }))
)

run_loop <- function(loop, path, start = callr::r) {
  start(function(setup, loop, path) {
    options(warmstart.verbose = FALSE)
    eval(setup, globalenv())
    assign("first", function(x, store) x, globalenv())
    store <- if (!is.null(path)) warmstart::warm_store(path)
    assign("store", store, globalenv())
    warm_or_not <- if (is.null(path)) quote(first) else quote(warmstart::warm)
    run <- eval(call("function", NULL, do.call(substitute, list(loop, list(WARM = warm_or_not)))))
    environment(run) <- globalenv()
    set.seed(19)
    list(given = run(), random = get(".Random.seed", globalenv()))
  }, list(setup, loop, path), libpath = .libPaths())
}

is_there <- function(loop) {
  packages <- c("boot", "future", "future.apply", "MCMCglmm")
  all(vapply(intersect(packages, all.names(loop)), requireNamespace, NA, quietly = TRUE))
}

for (name in names(loops)) {
  test_that(paste("a loop of", name, "that is killed and run again is the uncut one"), {
    loop <- loops[[name]]
    skip_if_not(is_there(loop), "a package of the loop")
    path <- tempfile("store")
    store <- warm_store(path)
    finished <- function() sum(store_list(store)$state == "finished")
    kills <- 0
    for (more in sample(3)) {
      until <- finished() + more - 1
      process <- run_loop(loop, path, callr::r_bg)
      watch(process, function() finished() > until)
      process$wait(timeout = sample(20, 1)) # ms: somewhere in the next step
      kills <- kills + process$is_alive()
      process$kill_tree()
      process$wait()
    }
    expect_gt(kills, 0)
    before <- finished()
    resumed <- run_loop(loop, path)
    expect_identical(resumed, run_loop(loop, NULL))
    made <- finished() - before
    expect_identical(run_loop(loop, path), resumed)
    expect_gt(before, 0)
    expect_gt(made + before, 3)
    expect_identical(finished(), made + before)
  })
}

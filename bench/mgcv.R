# What warm() saves, and what it costs, with mgcv. CPU seconds of this process, cold and
# warm in turn, as ratios in one run.
#
#   Rscript bench/mgcv.R [section...]
#
# Sections: gate (the models of tests/gate: iterations resumed, refitted and seeded),
# folds, exact, overhead, quickstart; all but the last by default.

suppressPackageStartupMessages({
  library(warmstart)
  library(mgcv)
})
options(warmstart.near_from = 0) # what takes a moment starts others, too
options(warmstart.verbose = FALSE)

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
setwd(file.path(here, ".."))
source("tests/gate/helper-gate.R")
sections <- commandArgs(TRUE)
if (length(sections) == 0) sections <- c("gate", "folds", "exact", "overhead")
runs <- function(section) section %in% sections

new_store <- function() warm_store(tempfile("store"))

binomial_data <- function(n, seed = 1) {
  set.seed(seed)
  d <- gamSim(1, n = n, scale = 2, verbose = FALSE)
  d$y <- rbinom(n, 1, plogis((d$f - mean(d$f)) / 3))
  d
}

binomial_model <- quote(
  gam(y ~ s(x0, k = 20) + s(x1, k = 20) + s(x2, k = 20) + s(x3, k = 20),
    family = binomial, data = d, method = "REML"
  )
)

warm_model <- function(call, store, ...) {
  bquote(warm(.(call), .(store), ..(list(...))), splice = TRUE)
}

report <- function(what, value, target = "") {
  cat(sprintf("%-56s %10s  %s\n", what, value, target))
}
count <- function(x) sprintf("%d of %d", sum(x), length(x))
ratio <- function(x) sprintf("%.3f", x)

# The models of the gate. --------------------------------------------------------------

# One line a model; each start's cell has its outer iterations and its time over cold's.
gate_starts <- c("own end", "third", "two thirds", "fold", "less", "more")

show_line <- function(...) cat("|", paste(c(...), collapse = " | "), "|\n")

gate_row_of <- function(rows) {
  cell <- function(start) {
    row <- rows[rows$start == start, ]
    if (nrow(row) > 0) sprintf("%d, %.2f", row$iterations, row$time) else ""
  }
  better <- if (any(rows$verdict == "better")) " (better)"
  show_line(
    rows$model[1], sprintf("%d, %.2f", rows$cold[1], rows$seconds_cold[1]),
    vapply(gate_starts, cell, ""), format(max(rows$objective), digits = 1),
    paste0(format(max(rows$fitted_se), digits = 1), better)
  )
  rows
}

# WARMSTART_BENCH_REPEATS cold and warm fits in turn, of WARMSTART_BENCH_ROWS rows, and only of the
# models that match WARMSTART_BENCH_MODELS, a regular expression. gate.csv has all models, of 600
# rows.
if (runs("gate")) {
  repeats <- as.integer(Sys.getenv("WARMSTART_BENCH_REPEATS", "3"))
  size <- as.integer(Sys.getenv("WARMSTART_BENCH_ROWS", "600"))
  which_models <- Sys.getenv("WARMSTART_BENCH_MODELS", "")
  show_line("model", "cold: iterations, s", gate_starts, "objective", "fitted values, SE")
  show_line(rep("---", length(gate_starts) + 4))
  models <- grep(which_models, names(known_gate_models()), value = TRUE)
  rows <- do.call(rbind, lapply(models, function(name) {
    gate_row_of(gate_case(name, n = size, repeats = repeats))
  }))
  if (which_models == "") {
    utils::write.csv(
      rows[setdiff(names(rows), "reason")],
      if (size == 600) "bench/gate.csv" else sprintf("bench/gate-%d.csv", size),
      row.names = FALSE, quote = 1:2
    )
  }
  watched <- !is.na(rows$cold) & !startsWith(rows$model, "bam")
  resumed <- rows[rows$start %in% c("third", "two thirds") & watched, ]
  excess <- resumed$iterations - (resumed$cold - resumed$before + 1)
  report("resumed at k of K: cases over K - k + 1", count(excess > 0), "target 0")
  own <- rows[rows$start == "own end" & watched, ]
  report("refitted from its end: most iterations", max(own$iterations), "target 2")
  report("refitted from its end: time, mean", ratio(mean(own$time)))
  report("refitted from its end: time, largest", ratio(max(own$time)), "target 1")
  neighbours <- rows[rows$start %in% c("fold", "less", "more"), ]
  for (start in c("fold", "less", "more")) {
    some <- neighbours[neighbours$start == start, ]
    iterations <- sum(some$iterations, na.rm = TRUE) / sum(some$cold, na.rm = TRUE)
    seconds <- sum(some$time * some$seconds_cold) / sum(some$seconds_cold)
    report(paste0(start, ": iterations, sum over sum cold"), ratio(iterations))
    report(paste0(start, ": time, mean of ratios"), ratio(mean(some$time)))
    report(paste0(start, ": time, sum over sum cold"), ratio(seconds))
  }
  time <- neighbours$time[!is.na(neighbours$time)]
  report("seeded from a neighbour: time, mean", ratio(mean(time)), "target 0.75")
  report("seeded from a neighbour: cases above 1.10", count(time > 1.1), "target 0")
}

# Ten folds. ---------------------------------------------------------------------------

# Of the first nothing is stored: what it does then is for the caller to say.

folds <- function(quickstart) {
  all_rows <- binomial_data(20000)
  set.seed(2)
  fold <- sample(rep(1:10, length.out = nrow(all_rows)))
  store <- new_store()
  taken <- lapply(1:10, function(i) {
    d <- all_rows[fold != i, ]
    cold <- timed(eval(binomial_model))
    warm <- timed(eval(warm_model(binomial_model, store, quickstart = quickstart)))
    difference <- warmstart:::find_adapter(gam)$compare(warm$value, cold$value)
    data.frame(
      fold = i, cold = cold$seconds, warm = warm$seconds,
      iterations_cold = cold$value$outer.info$iter,
      iterations = warm$value$outer.info$iter,
      objective = difference$objective, fitted_se = difference$fitted_se
    )
  })
  taken <- do.call(rbind, taken)
  print(taken, digits = 3, row.names = FALSE)
  total <- colSums(taken)
  seconds <- total[["warm"]] / total[["cold"]]
  first <- if (quickstart) "a quick start" else "cold"
  report(paste("ten folds, the first", first), ratio(seconds), "target 0.6")
  iterations <- total[["iterations"]] / total[["iterations_cold"]]
  report("their iterations", ratio(iterations))
}

if (runs("folds")) {
  folds(quickstart = FALSE)
  folds(quickstart = TRUE)
}

# An exact hit. ------------------------------------------------------------------------

if (runs("exact")) {
  d <- binomial_data(20000)
  store <- new_store()
  first <- timed(eval(warm_model(binomial_model, store)))
  hits <- replicate(5, timed(eval(warm_model(binomial_model, store)))$seconds)
  again <- timed(eval(warm_model(binomial_model, store, reuse = FALSE)))
  hit <- median(hits) / first$seconds
  report("exact hit, 20,000 rows: over the cold fit", ratio(hit), "target 0.05")
  report("refitted from its own end", ratio(again$seconds / first$seconds), "target 1")
}

# What a cold fit costs more. ----------------------------------------------------------

# Of a fit that takes long, what warm() does is less than its own time varies. So its two parts are
# timed by themselves as well: what is done beside the fit, once, and what is done within it, to
# watch it and to write its checkpoints; the latter by the clock, which has the finer ticks. To read
# the clock twice takes longer there than to look at an iterate that has been seen: a third fit
# times nothing at the same places, and that is taken off.
if (runs("overhead")) {
  space <- asNamespace("warmstart")
  in_fit <- 0
  fit_as_called <- space$as_if_called
  unlockBinding("as_if_called", space)
  assign("as_if_called", function(request, called, fit) {
    taken <- timed(fit_as_called(request, called, fit))
    in_fit <<- in_fit + taken$seconds
    taken$value
  }, space)
  watching <- 0
  timed_look <- TRUE
  seconds_of <- function(expr) {
    began <- as.numeric(Sys.time())
    expr
    as.numeric(Sys.time()) - began
  }
  probe_function <- space$wrap_probed
  unlockBinding("wrap_probed", space)
  assign("wrap_probed", function(original, look) {
    force(original)
    force(look)
    space$new_wrapper(original, function(...) {
      watching <<- watching + if (timed_look) seconds_of(look()) else seconds_of(NULL)
      if (!timed_look) look()
      original(...)
    })
  }, space)
  small_model <- quote(
    gam(y ~ s(x0) + s(x1) + s(x2) + s(x3), family = binomial, data = d, method = "REML")
  )
  for (size in list(
    list(n = 400, pairs = 40, model = small_model), list(n = 400, pairs = 20),
    list(n = 4000, pairs = 8), list(n = 20000, pairs = 3), list(n = 100000, pairs = 1)
  )) {
    d <- binomial_data(size$n)
    model <- if (is.null(size$model)) binomial_model else size$model
    taken <- replicate(size$pairs, {
      gc()
      plain <- timed(eval(model))$seconds
      keep <- function() {
        store <- new_store()
        eval(warm_model(quote(glm(y ~ x0, binomial, d)), store)) # one that is in use
        gc()
        in_fit <<- 0
        watching <<- 0
        timed(eval(warm_model(model, store)))$seconds
      }
      timed_look <<- FALSE
      if (plain < 10) keep()
      nothing <- watching
      timed_look <<- TRUE
      kept <- keep()
      c(plain, kept, kept - in_fit, watching - if (plain < 10) nothing else 0)
    })
    report(
      sprintf("cold fit of %.2f s: warm over plain, median", median(taken[1, ])),
      ratio(median(taken[2, ] / taken[1, ])), "target 1.01"
    )
    report("    more, in CPU milliseconds", sprintf("%.1f", 1e3 * median(taken[2, ] - taken[1, ])))
    part <- function(what, taken, of) {
      share <- median(taken) / median(of)
      report(what, sprintf("%.1f, %.2f %%", 1e3 * median(taken), 100 * share))
    }
    part("    beside the fit, in CPU milliseconds", taken[3, ], taken[1, ])
    part("    within it: watching, checkpoints, in milliseconds", taken[4, ], taken[1, ])
  }
  assign("as_if_called", fit_as_called, space)
  assign("wrap_probed", probe_function, space)
}

# A quick start. -----------------------------------------------------------------------

# First fits, on real data and on simulated rows; medians of WARMSTART_BENCH_REPEATS.
if (runs("quickstart")) {
  set.seed(1)
  rows <- gate_data(20000)
  people <- stats::na.omit(survival::flchain[
    c("death", "age", "sex", "kappa", "lambda", "creatinine", "sample.yr")
  ])
  students <- nlme::MathAchieve
  large <- list(
    "binomial, flchain, 6524 rows" = quote(gam(
      death ~ sex + s(age, k = 20) + s(log(kappa)) + s(log(lambda)) + s(log(creatinine)) +
        s(sample.yr, k = 8),
      family = binomial, data = people, method = "REML"
    )),
    "gaussian, MathAchieve, 7185 rows" = quote(gam(
      MathAch ~ Sex + s(SES) + s(MEANSES) + s(School, bs = "re"),
      data = students, method = "REML"
    )),
    "binomial, 20,000 rows, tp" = quote(gam(
      binary ~ s(x0, k = 20) + s(x1, k = 20) + s(x2, k = 20) + s(x3, k = 20),
      family = binomial, data = rows, method = "REML"
    )),
    "binomial, 20,000 rows, cr" = quote(gam(
      binary ~ s(x0, bs = "cr") + s(x1, bs = "cr") + s(x2, bs = "cr") + s(x3, bs = "cr"),
      family = binomial, data = rows, method = "REML"
    )),
    "poisson, 20,000 rows, one term" = quote(gam(
      count ~ s(x2, bs = "cr"),
      family = poisson, data = rows, method = "REML"
    )),
    "quasipoisson, 20,000 rows" = quote(gam(
      count ~ s(x0) + s(x1) + s(x2),
      family = quasipoisson, data = rows, method = "REML"
    )),
    "Gamma, 20,000 rows" = quote(gam(
      positive ~ s(x0) + s(x1) + s(x2) + s(x3),
      family = Gamma("log"), data = rows, method = "REML"
    )),
    "gaussian, 20,000 rows, select" = quote(gam(
      y ~ s(x0) + s(x1) + s(x2) + s(x3),
      data = rows, method = "REML", select = TRUE
    )),
    "gaussian, 20,000 rows, t2 by factor" = quote(gam(
      y ~ fac + t2(x0, x1) + s(x2, by = fac),
      data = rows, method = "REML"
    ))
  )
  repeats <- as.integer(Sys.getenv("WARMSTART_BENCH_REPEATS", "3"))
  total <- c(cold = 0, quick = 0)
  for (name in names(large)) {
    call <- large[[name]]
    taken <- replicate(repeats, {
      cold <<- timed(eval(call))
      quick <<- timed(eval(warm_model(call, new_store(), quickstart = TRUE)))
      c(cold$seconds, quick$seconds)
    })
    taken <- apply(taken, 1, median)
    total <- total + taken
    report(
      sprintf("quick start, %s (%.1f s)", name, taken[[1]]), ratio(taken[[2]] / taken[[1]]),
      sprintf("iterations %d, cold %d", quick$value$outer.info$iter, cold$value$outer.info$iter)
    )
  }
  report("quick start: times faster in all", ratio(total[[1]] / total[[2]]), "kept from 1.3")
}

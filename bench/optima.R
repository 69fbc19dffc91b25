# Does a fit that starts from another one's end go where a cold one goes? Data sets with weak
# effects and few rows, whose scores often have several optima, each fitted cold and, in a store of
# its own, after a fit of nine rows of ten, a model with a term less, and one with a term more.
#
#   Rscript bench/optima.R [section...]
#
# Sections: REML, ML, GCV.Cp, bfgs (REML by that optimiser), drawn (mgcv), lmer, glmer
# (lme4); all by default. WARMSTART_BENCH_SETS
# is the number of data sets for each family, 10 by default; of "drawn", models drawn at random
# from many families and smooths, ten times as many.

suppressPackageStartupMessages({
  library(warmstart)
  library(mgcv)
})
options(warmstart.near_from = 0) # what takes a moment starts others, too
options(warmstart.verbose = FALSE, warn = -1)

sections <- commandArgs(TRUE)
if (length(sections) == 0) {
  sections <- c("REML", "ML", "GCV.Cp", "bfgs", "drawn", "lmer", "glmer")
}
sets <- seq_len(as.integer(Sys.getenv("WARMSTART_BENCH_SETS", "10")))

nine_of_ten <- function(d) d[seq_len(nrow(d)) %% 10 != 3, ]

# `fit(formula, data, store)` fits, cold without a store; `score(fit)` is what it minimises. NULL
# where one of the two has failed.
compare_starts <- function(formulas, d, fit, score) {
  cold <- tryCatch(fit(formulas$full, d, NULL), error = function(e) NULL)
  ends <- lapply(c("fold", "less", "more"), function(start) {
    store <- warm_store(tempfile("store"))
    warm <- tryCatch(
      {
        fit(formulas[[start]], if (start == "fold") nine_of_ten(d) else d, store)
        fit(formulas$full, d, store)
      },
      error = function(e) NULL
    )
    if (is.null(cold) || is.null(warm)) {
      return(NULL)
    }
    data.frame(
      start = start, seeded = warm_info(warm)$source == "seeded",
      excess = (score(warm) - score(cold)) / abs(score(cold))
    )
  })
  do.call(rbind, ends)
}

# Of those that were seeded; by how much relative to the cold fit's score.
show_ends <- function(section, ends) {
  seeded <- ends[ends$seeded, ]
  cat(sprintf(
    "| %s | %d | %d | %d | %d | %d | %.1g |\n", section, nrow(seeded),
    sum(abs(seeded$excess) <= 1e-6), sum(seeded$excess < -1e-6),
    sum(seeded$excess > 1e-6 & seeded$excess <= 1e-5), sum(seeded$excess > 1e-5),
    max(seeded$excess)
  ))
}

# Smooth models. -----------------------------------------------------------------------

# Made anew for each data set: a fit leaves its theta in the family.
families <- list(
  gaussian = list(quote(gaussian()), function(eta) eta + rnorm(length(eta))),
  poisson = list(quote(poisson()), function(eta) rpois(length(eta), exp(eta + 1))),
  binomial = list(quote(binomial()), function(eta) rbinom(length(eta), 1, plogis(2 * eta))),
  Gamma = list(quote(Gamma("log")), function(eta) rgamma(length(eta), 3, 3 / exp(eta))),
  quasipoisson = list(
    quote(quasipoisson()), function(eta) rnbinom(length(eta), mu = exp(eta + 1), size = 2)
  ),
  nb = list(quote(nb()), function(eta) rnbinom(length(eta), mu = exp(eta + 1), size = 2))
)
smooths <- list(
  full = y ~ s(x0) + s(x1) + s(x2), fold = y ~ s(x0) + s(x1) + s(x2), less = y ~ s(x0) + s(x2),
  more = y ~ s(x0) + s(x1) + s(x2) + s(x3)
)

smooth_ends <- function(section, family, set) {
  by <- if (section == "bfgs") c("outer", "bfgs")
  method <- if (is.null(by)) section else "REML"
  set.seed(set)
  d <- gamSim(1, n = 200, verbose = FALSE)
  d$y <- family[[2]]((d$f - mean(d$f)) / 8)
  fit <- function(formula, data, store) {
    call <- bquote(gam(.(formula), family = .(family[[1]]), data = data, method = method))
    call$optimizer <- by
    if (is.null(store)) eval(call) else eval(bquote(warm(.(call), store)))
  }
  compare_starts(smooths, d, fit, function(fit) as.vector(fit$gcv.ubre))
}

# Models drawn at random. ---------------------------------------------------------------

terms_drawn <- c(
  "s(x)", "s(z)", "s(z, k = 15)", "s(w, bs = 'cr')", "s(v, bs = 'ps')", "s(x, by = f)", "s(near_x)",
  "te(x, z, k = 4)", "ti(x, z, k = 4)", "t2(x, w, k = 4)", "s(re, bs = 're')", "f", "v",
  "s(x, f, bs = 'fs', k = 4)", "s(z, by = v)", "s(w, bs = 'ts')", "s(x, bs = 'ad', k = 10)",
  "s(z, bs = 'gp')", "s(w, k = 5, fx = TRUE)", "s(v, sp = 0.5)"
)
families_drawn <- c(families, list(
  tw = list(quote(tw()), function(eta) {
    rgamma(length(eta), 3, 3 / exp(eta)) * rbinom(length(eta), 1, 0.7)
  }),
  scat = list(quote(scat()), function(eta) eta + rt(length(eta), 3) * 0.3),
  ocat = list(quote(ocat(R = 3)), function(eta) {
    cut(eta + rlogis(length(eta)) * 0.4, c(-Inf, 0, 1, Inf), labels = FALSE)
  }),
  inverse.gaussian = list(
    quote(inverse.gaussian("log")), function(eta) rgamma(length(eta), 3, 3 / exp(eta)) + 1e-3
  ),
  cox.ph = list(quote(cox.ph()), function(eta) rexp(length(eta), exp(eta))),
  gaulss = list(quote(gaulss()), function(eta) eta + rnorm(length(eta)) / 2)
))

drawn_ends <- function(set) {
  set.seed(set)
  n <- sample(c(60, 150, 400), 1)
  d <- data.frame(x = runif(n), z = runif(n), w = runif(n), v = rnorm(n))
  d$near_x <- d$x + rnorm(n, 0, 0.03)
  d$f <- factor(sample(3, n, TRUE))
  d$re <- factor(sample(max(4, n %/% 15), n, TRUE))
  a <- sample(c(0, 0, 0.3, 1, 2), 5, TRUE)
  family <- families_drawn[[sample(length(families_drawn), 1)]]
  d$y <- family[[2]](a[1] * sin(6 * d$x) + a[2] * d$z^2 + a[3] * d$w * d$x +
    0.3 * (a[4] * rnorm(nlevels(d$re))[d$re] + a[5] * sin(8 * pi * d$near_x)))
  terms <- sample(terms_drawn, sample(2:4, 1))
  method <- sample(c("REML", "ML", "GCV.Cp"), 1, prob = c(2, 1, 1))
  only_reml <- deparse(family[[1]]) %in% c("gaulss()", "cox.ph()")
  if (only_reml || method == "GCV.Cp" && inherits(eval(family[[1]]), "extended.family")) {
    method <- "REML"
  }
  of <- function(terms) {
    formula <- reformulate(terms, "y")
    if (identical(family[[1]], quote(gaulss()))) list(formula, ~ s(z)) else formula
  }
  select <- runif(1) < 0.2
  formulas <- list(
    full = of(terms), fold = of(terms), less = of(terms[-1]),
    more = of(c(sample(setdiff(terms_drawn, terms), 1), terms))
  )
  fit <- function(formula, data, store) {
    call <- bquote(gam(.(formula),
      family = .(family[[1]]), data = data, method = method, select = select
    ))
    if (is.null(store)) eval(call) else eval(bquote(warm(.(call), store)))
  }
  compare_starts(formulas, d, fit, function(fit) as.vector(fit$gcv.ubre))
}

# Mixed models. ------------------------------------------------------------------------

effects <- list(
  full = y ~ x + (x | g), fold = y ~ x + (x | g), less = y ~ x + (1 | g), more = y ~ x + z + (x | g)
)

mixed_ends <- function(section, sd, set) {
  set.seed(set)
  d <- data.frame(g = factor(rep(1:10, each = 8)), x = rnorm(80), z = rnorm(80))
  eta <- rnorm(10)[d$g] * sd + rnorm(10)[d$g] * sd * d$x * 0.7 + 0.5 * d$x
  d$y <- if (section == "lmer") eta + rnorm(80) else rbinom(80, 1, plogis(eta))
  fit <- function(formula, data, store) {
    call <- if (section == "lmer") {
      bquote(lme4::lmer(.(formula), data))
    } else {
      bquote(lme4::glmer(.(formula), data, binomial))
    }
    suppressMessages(if (is.null(store)) eval(call) else eval(bquote(warm(.(call), store))))
  }
  compare_starts(effects, d, fit, function(fit) -as.numeric(stats::logLik(fit)))
}

cat("| | seeded | as cold, within 1e-6 | lower | higher, up to 1e-5 | higher | highest |\n")
cat("| --- | --- | --- | --- | --- | --- | --- |\n")
for (section in sections) {
  ends <- if (section == "drawn") {
    lapply(seq_len(10 * length(sets)), drawn_ends)
  } else if (section %in% c("lmer", "glmer")) {
    cases <- expand.grid(sd = c(0, 0.15, 0.4), set = sets)
    Map(function(sd, set) mixed_ends(section, sd, set), cases$sd, cases$set)
  } else {
    # mgcv has no GCV for families that estimate parameters of their own.
    fitted <- names(families)
    if (section == "GCV.Cp") fitted <- setdiff(fitted, "nb")
    cases <- expand.grid(name = fitted, set = sets, stringsAsFactors = FALSE)
    Map(function(name, set) smooth_ends(section, families[[name]], set), cases$name, cases$set)
  }
  show_ends(section, do.call(rbind, ends))
}

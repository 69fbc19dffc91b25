# What it costs to ask whether the end of a seeded fit is believed: the certificate of each adapter,
# of fits that take some 0.5 s. CPU seconds: the cold fit; all that `certify` takes, once, after a
# start from nine rows of ten; and the second over the first, in per cent.
#
#   Rscript bench/certificates.R [fit...]

suppressPackageStartupMessages(library(warmstart))
options(warmstart.near_from = 0) # what takes a moment starts others, too
options(warmstart.verbose = FALSE)
chosen <- commandArgs(TRUE)

set.seed(1)
n <- 200000
d <- as.data.frame(matrix(rnorm(n * 10), n))
line <- drop(as.matrix(d) %*% seq(-0.5, 0.5, length.out = 10))
d$binary <- rbinom(n, 1, plogis(line))
d$count <- rpois(n, exp(0.5 + line))
d$over <- rnbinom(n, 2, mu = exp(0.5 + line))
d$size <- rgamma(n, 2, 2 / exp(line))
d$time <- rweibull(n, 2, exp(line))
d$dead <- rbinom(n, 1, 0.7)
d$growth <- 5 / (1 + exp((1 - d$V1) / 0.7)) + rnorm(n, 0, 0.2)
d$group <- factor(sample(200, n, TRUE))
effect <- rnorm(200, 0, 0.7)[d$group]
d$grouped <- line + effect + rnorm(n)
d$events <- rpois(n, exp(line / 2 + effect))
d$errors <- line + rnorm(n / 20)[rep(seq_len(n / 20), each = 20)] +
  c(replicate(n / 20, stats::filter(rnorm(20), 0.5, "recursive")))
d$subject <- factor(rep(seq_len(n / 20), each = 20))
negative_likelihood <- function(par, rows) {
  line <- par[[1]] + par[[2]] * rows$V1 + par[[3]] * rows$V2
  -sum(plogis((2 * rows$binary - 1) * line, log.p = TRUE))
}
formula_of <- function(response) {
  as.formula(paste(response, "~", paste0("V", 1:10, collapse = " + ")))
}

# Each with its number of rows.
fits <- list(
  "glm, binomial" = list(200000, quote(glm(formula_of("binary"), binomial, rows))),
  "glm, poisson" = list(200000, quote(glm(formula_of("count"), poisson, rows))),
  "glm, Gamma(log)" = list(200000, quote(glm(formula_of("size"), Gamma("log"), rows))),
  "glm.nb" = list(50000, quote(MASS::glm.nb(formula_of("over"), rows))),
  "nls" = list(200000, quote(nls(
    growth ~ Asym / (1 + exp((xmid - V1) / scal)), rows,
    start = c(Asym = 4, xmid = 0.5, scal = 1)
  ))),
  "survreg" = list(100000, quote(
    survival::survreg(formula_of("survival::Surv(time, dead)"), rows)
  )),
  "lme, AR(1)" = list(5000, quote(nlme::lme(
    errors ~ V1, rows, random = ~ 1 | subject, correlation = nlme::corAR1()
  ))),
  "gam, REML" = list(4000, quote(mgcv::gam(
    binary ~ s(V1) + s(V2) + s(V3), binomial, rows, method = "REML"
  ))),
  "lmer" = list(20000, quote(lme4::lmer(grouped ~ V1 + V2 + (1 | group), rows))),
  "glmer" = list(2000, quote(lme4::glmer(events ~ V1 + V2 + (1 | group), rows, poisson))),
  "glmmTMB" = list(4000, quote(
    glmmTMB::glmmTMB(events ~ V1 + V2 + (1 | group), rows, poisson)
  )),
  "optim" = list(50000, quote(
    optim(c(0, 0, 0), negative_likelihood, rows = rows, method = "BFGS")
  ))
)
if (length(chosen) > 0) fits <- fits[chosen]

cpu <- function(expr) {
  began <- proc.time()
  expr
  sum((proc.time() - began)[1:2])
}

spent <- new.env()

# An adapter whose certificate is timed.
timed <- function(adapter) {
  certify <- adapter$certify
  adapter$certify <- function(fit, call, env, start) {
    spent$seconds <- cpu(verdict <- certify(fit, call, env, start))
    verdict
  }
  adapter
}

measure <- function(name) {
  fitter <- eval(fits[[name]][[2]][[1]])
  register_warm_adapter(timed(warmstart:::find_adapter(fitter)))
  call <- fits[[name]][[2]]
  env <- list2env(list(rows = d[seq_len(fits[[name]][[1]]), ]), parent = globalenv())
  cold <- median(replicate(3, cpu(eval(call, env))))
  all <- env$rows
  taken <- replicate(3, {
    store <- warm_store(tempfile("store"))
    env$rows <- all[sort(sample(nrow(all), 0.9 * nrow(all))), ]
    eval(bquote(warm(.(call), .(store))), env)
    env$rows <- all
    spent$seconds <- NA
    eval(bquote(warm(.(call), .(store))), env)
    spent$seconds
  })
  certificate <- median(taken)
  cat(sprintf(
    "%-16s cold %.2f s, certificate %.4f s, %.2f %%\n",
    name, cold, certificate, 100 * certificate / cold
  ))
}

for (name in names(fits)) measure(name)

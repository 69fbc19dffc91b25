# stats, MASS, nnet and survival.

fitters_models <- function() c(fitters_glm(), fitters_stats(), fitters_nnet(), fitters_survival())

fitters_glm <- function() {
  ordinary <- list(
    "glm, binomial" = quote(glm(binary ~ f + x1 + x2, binomial, d)),
    "glm, binomial, probit" = quote(glm(binary ~ x1 + x2 + x3, binomial("probit"), d)),
    "glm, binomial, cloglog" = quote(glm(binary ~ x1 + f, binomial("cloglog"), d)),
    "glm, binomial of several" = quote(
      glm(cbind(successes, trials - successes) ~ x1 * f + x2, binomial, d)
    ),
    "glm, poisson" = quote(glm(count ~ x1 + x2 + f, poisson, d)),
    "glm, poisson, interaction" = quote(glm(count ~ f * h + x1, poisson, d)),
    "glm, quasipoisson" = quote(glm(over ~ x1 + x2 + f, quasipoisson, d)),
    "glm, Gamma, log" = quote(glm(positive ~ x1 + x2 + f, Gamma("log"), d)),
    "glm, gaussian" = quote(glm(y ~ x1 + x2 + f, data = d))
  )
  odd <- list(
    "glm, binomial, cauchit" = quote(glm(binary ~ x1 + x3, binomial("cauchit"), d)),
    "glm, binomial, log" = quote(
      glm(binary ~ x3 + h, binomial("log"), d, start = c(-2, 0, 0))
    ),
    "glm, binomial, maxit" = quote(
      glm(binary ~ x1 + x2, binomial, d, control = list(maxit = 4))
    ),
    "glm, poisson, sqrt" = quote(glm(count ~ x1 + f, poisson("sqrt"), d)),
    "glm, poisson, identity" = quote(
      glm(count ~ h, poisson("identity"), d, start = c(2, 0))
    ),
    "glm, Gamma" = quote(glm(positive ~ x3 + h, Gamma, d)),
    "glm, inverse.gaussian" = quote(glm(positive ~ x3 + h, inverse.gaussian("log"), d)),
    "glm, gaussian, log" = quote(
      glm(positive ~ x3 + f, gaussian("log"), d, mustart = pmax(positive, 0.1))
    ),
    "glm, quasi" = quote(
      glm(share ~ x1 + f, quasi(link = "logit", variance = "mu(1-mu)"), d)
    ),
    "glm, quasibinomial" = quote(glm(share ~ x1 + x2 + f, quasibinomial, d))
  )
  verdict <- function(fit) fit$converged
  negbin <- list(
    "glm.nb" = quote(MASS::glm.nb(over ~ x1 + x2 + f, d)),
    "glm.nb, sqrt" = quote(MASS::glm.nb(over ~ x3 + h, d, link = sqrt))
  )
  c(
    fitters_of(ordinary, stats::deviance, verdict, most = 2000, weight = 3),
    fitters_of(odd, stats::deviance, verdict),
    fitters_of(
      negbin, function(fit) -fit$twologlik / 2,
      function(fit) c(fit$converged, is.null(fit$th.warn)),
      weight = 2
    )
  )
}

fitters_stats <- function() {
  nls <- list(
    "nls, logistic" = quote(
      nls(growth ~ a / (1 + exp((m - t) / s)), d, start = list(a = 8, m = 2, s = 1))
    ),
    "nls, exponential" = quote(
      nls(decay ~ a * exp(b * t), d, start = c(a = 2, b = -0.5))
    ),
    "nls, selfStart" = quote(nls(growth ~ SSlogis(t, Asym, xmid, scal), d)),
    "nls, port" = quote(
      nls(decay ~ a * exp(b * t), d, start = list(a = 2, b = -0.5), algorithm = "port",
        lower = c(0, -2), upper = c(50, 0)
      )
    ),
    "nls, plinear" = quote(
      nls(decay ~ exp(b * t), d, start = list(b = -0.3), algorithm = "plinear")
    )
  )
  loglin <- list(
    "loglin" = quote(
      loglin(table(d$f, d$h, d$dead), list(1:2, c(1, 3), 2:3), fit = TRUE, print = FALSE)
    ),
    "loglin, given" = quote(
      loglin(table(d$f, d$h, d$dead) + 0.5, list(1:2, 3), fit = TRUE, print = FALSE, param = TRUE)
    )
  )
  c(
    fitters_of(nls, stats::deviance, function(fit) fit$convInfo$isConv, related = NULL),
    fitters_of(loglin, function(fit) fit$lrt, function(fit) TRUE, related = NULL)
  )
}

fitters_nnet <- function() {
  # From random weights, the same ones cold and in warm(): the generator begins alike.
  nnet <- list(
    "nnet" = quote(nnet::nnet(binary ~ x1 + x2, d, size = 2, decay = 0.1, trace = FALSE)),
    "nnet, given weights" = quote(nnet::nnet(
      y ~ x1 + x3, d, size = 2, decay = 0.1, trace = FALSE, linout = TRUE, Wts = seq(-0.5, 0.5,
        length.out = 9
      )
    ))
  )
  multinom <- list(
    "multinom" = quote(nnet::multinom(class ~ x1 + x2 + f, d, trace = FALSE)),
    "multinom, to the end" = quote(
      nnet::multinom(class ~ x1 + f, d, trace = FALSE, maxit = 1000, Hess = TRUE)
    ),
    "multinom, binary" = quote(nnet::multinom(binary ~ x1 + x3, d, trace = FALSE))
  )
  verdict <- function(fit) fit$convergence
  c(
    fitters_of(nnet, function(fit) fit$value, verdict),
    fitters_of(multinom, function(fit) fit$value, verdict, weight = 2)
  )
}

fitters_survival <- function() {
  survreg <- list(
    "survreg" = quote(survreg(Surv(time, dead) ~ x1 + x2 + f, d)),
    "survreg, exponential" = quote(survreg(Surv(time, dead) ~ x1 + f, d, dist = "exponential")),
    "survreg, lognormal" = quote(survreg(Surv(time, dead) ~ x1 + x2, d, dist = "lognormal")),
    "survreg, loglogistic" = quote(survreg(Surv(time, dead) ~ x1 + h, d, dist = "loglogistic")),
    "survreg, strata" = quote(survreg(Surv(time, dead) ~ x1 + x2 + strata(h), d)),
    "survreg, t" = quote(survreg(Surv(y, dead) ~ x1 + f, d, dist = "t")),
    "survreg, ridge" = quote(survreg(Surv(time, dead) ~ x1 + ridge(x2, x3, theta = 1), d))
  )
  coxph <- list(
    "coxph" = quote(coxph(Surv(time, dead) ~ x1 + x2 + f, d)),
    "coxph, strata" = quote(coxph(Surv(time, dead) ~ x1 + f + strata(h), d)),
    "coxph, cluster" = quote(coxph(Surv(time, dead) ~ x1 + x2, d, cluster = g)),
    "coxph, frailty" = quote(coxph(Surv(time, dead) ~ x1 + frailty(g), d))
  )
  loss <- function(fit) -utils::tail(fit$loglik, 1)
  verdict <- function(fit) is.null(fit$fail)
  c(
    fitters_of(survreg, loss, verdict, weight = 2),
    fitters_of(coxph, loss, verdict)
  )
}

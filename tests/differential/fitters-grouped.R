# nlme, lme4 and glmmTMB.

fitters_grouped <- function() c(fitters_nlme(), fitters_lme4(), fitters_glmmtmb())

fitters_nlme <- function() {
  nlme <- list(
    "lme" = quote(nlme::lme(y ~ x1 + f, d, ~ 1 | g)),
    "lme, slopes" = quote(nlme::lme(y ~ x1 + x2, d, ~ x1 | g, method = "ML")),
    "lme, AR(1)" = quote(nlme::lme(y ~ x1, d, ~ 1 | g, correlation = nlme::corAR1())),
    "lme, varIdent" = quote(
      nlme::lme(y ~ x1 + h, d, ~ 1 | g, weights = nlme::varIdent(form = ~ 1 | h))
    ),
    "lme, varPower" = quote(nlme::lme(y ~ x1, d, ~ 1 | g, weights = nlme::varPower())),
    "gls" = quote(nlme::gls(y ~ x1 + f, d)),
    "gls, AR(1)" = quote(
      nlme::gls(y ~ x1 + x2, d, correlation = nlme::corAR1(form = ~ 1 | g))
    ),
    "gls, compound symmetry" = quote(
      nlme::gls(y ~ x1 + f, d, correlation = nlme::corCompSymm(form = ~ 1 | g), method = "ML")
    ),
    "gls, varIdent" = quote(
      nlme::gls(y ~ x1 + x2, d, weights = nlme::varIdent(form = ~ 1 | f))
    ),
    "gls, varExp of a column" = quote(
      nlme::gls(y ~ x1, d, weights = nlme::varExp(form = ~x3))
    )
  )
  fitters_of(nlme, minus_log_likelihood, function(fit) is.character(fit$apVar))
}

fitters_lme4 <- function() {
  lmer <- list(
    "lmer" = quote(lme4::lmer(y ~ x1 + f + (1 | g), d)),
    "lmer, slopes" = quote(lme4::lmer(y ~ x1 + (x1 | g), d)),
    "lmer, ML, two factors" = quote(lme4::lmer(y ~ x1 + (1 | g) + (1 | f), d, REML = FALSE)),
    "lmer, bobyqa" = quote(lme4::lmer(
      y ~ x1 + x2 + (1 | g), d, control = lme4::lmerControl(optimizer = "bobyqa")
    )),
    "lmer, Nelder-Mead" = quote(lme4::lmer(
      y ~ x1 + (x3 || g), d, control = lme4::lmerControl(optimizer = "Nelder_Mead")
    ))
  )
  glmer <- list(
    "glmer, binomial" = quote(lme4::glmer(binary ~ x1 + f + (1 | g), d, binomial)),
    "glmer, binomial of several" = quote(lme4::glmer(
      cbind(successes, trials - successes) ~ x1 + (1 | g), d, binomial,
      control = lme4::glmerControl(optimizer = "bobyqa")
    )),
    "glmer, poisson" = quote(lme4::glmer(count ~ x1 + (1 | g), d, poisson)),
    "glmer, Gamma" = quote(lme4::glmer(positive ~ x1 + (1 | g), d, Gamma("log"))),
    "glmer, nAGQ 0" = quote(lme4::glmer(count ~ x1 + f + (1 | g), d, poisson, nAGQ = 0))
  )
  slow <- list(
    "nlmer" = quote(lme4::nlmer(
      growth ~ SSlogis(t, Asym, xmid, scal) ~ Asym | g, d,
      start = c(Asym = 10, xmid = 2.5, scal = 1.2)
    )),
    "glmer.nb" = quote(lme4::glmer.nb(over ~ x1 + (1 | g), d))
  )
  verdict <- function(fit) {
    conv <- fit@optinfo$conv
    list(conv$opt == 0, length(conv$lme4$messages), lme4::isSingular(fit))
  }
  c(
    fitters_of(lmer, minus_log_likelihood, verdict),
    fitters_of(glmer, minus_log_likelihood, verdict, most = 120),
    fitters_of(slow, minus_log_likelihood, verdict, related = NULL, most = 120)
  )
}

fitters_glmmtmb <- function() {
  calls <- list(
    "glmmTMB" = quote(glmmTMB::glmmTMB(y ~ x1 + f + (1 | g), d)),
    "glmmTMB, poisson" = quote(glmmTMB::glmmTMB(count ~ x1 + (1 | g), d, poisson)),
    "glmmTMB, binomial" = quote(glmmTMB::glmmTMB(binary ~ x1 + x2 + (1 | g), d, binomial)),
    "glmmTMB, nbinom2" = quote(glmmTMB::glmmTMB(over ~ x1 + (1 | g), d, glmmTMB::nbinom2)),
    "glmmTMB, zero inflated" = quote(
      glmmTMB::glmmTMB(zeros ~ x1 + f, d, poisson, ziformula = ~h)
    ),
    "glmmTMB, no random effects" = quote(glmmTMB::glmmTMB(count ~ x1 + f, d, poisson)),
    "glmmTMB, dispersion" = quote(glmmTMB::glmmTMB(y ~ x1 + x2, d, dispformula = ~h))
  )
  fitters_of(
    calls, function(fit) fit$fit$objective,
    function(fit) list(fit$fit$convergence, fit$sdr$pdHess),
    most = 120
  )
}

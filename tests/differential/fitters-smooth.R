# mgcv.

fitters_smooth <- function() {
  gams <- list(
    "gam, gaussian, REML" = quote(gam(y ~ s(x1, k = 5) + s(x3, k = 5), data = d, method = "REML")),
    "gam, gaussian, GCV" = quote(gam(y ~ s(x1, k = 5) + x2, data = d)),
    "gam, binomial, REML" = quote(
      gam(binary ~ s(x1, k = 5) + s(x3, k = 5), binomial, d, method = "REML")
    ),
    "gam, binomial, UBRE" = quote(gam(binary ~ f + s(x1, k = 5), binomial, d)),
    "gam, poisson, REML" = quote(
      gam(count ~ s(x1, k = 5) + s(x3, k = 5), poisson, d, method = "REML")
    ),
    "gam, poisson, ML, ordered by" = quote(
      gam(count ~ s(x1, k = 5) + s(x1, by = ordered(h), k = 5), poisson, d, method = "ML")
    ),
    "gam, nb, REML" = quote(gam(over ~ s(x1, k = 5) + s(x3, k = 5), nb(), d, method = "REML")),
    "gam, Gamma, REML" = quote(
      gam(positive ~ s(x1, k = 5) + s(x3, k = 5), Gamma("log"), d, method = "REML")
    ),
    "gam, tw" = quote(gam(over ~ s(x1, k = 5), tw(), d, method = "REML")),
    "gam, betar" = quote(gam(share ~ s(x1, k = 5), betar(), d, method = "REML")),
    "gam, ocat" = quote(gam(grade ~ s(x1, k = 5), ocat(R = 3), d, method = "REML")),
    "gam, gaulss" = quote(gam(list(y ~ s(x1, k = 5), ~ s(x3, k = 4)), gaulss(), d)),
    "gam, cox.ph" = quote(gam(time ~ s(x1, k = 5), cox.ph(), d, weights = dead)),
    "gam, random effect" = quote(
      gam(y ~ s(x1, k = 5) + s(g, bs = "re"), data = d, method = "REML")
    ),
    "gam, select" = quote(
      gam(y ~ s(x1, k = 5) + s(x3, k = 5), data = d, method = "REML", select = TRUE)
    ),
    "gam, bfgs" = quote(
      gam(binary ~ s(x1, k = 5) + s(x3, k = 5), binomial, d, method = "REML",
        optimizer = c("outer", "bfgs")
      )
    )
  )
  bams <- list(
    "bam, gaussian" = quote(bam(y ~ s(x1, k = 5) + s(x3, k = 5), data = d)),
    "bam, binomial" = quote(bam(binary ~ s(x1, k = 5) + f, binomial, d)),
    "bam, poisson, discrete" = quote(
      bam(count ~ s(x1, k = 5) + s(x3, k = 5), poisson, d, discrete = TRUE)
    )
  )
  score <- function(fit) as.numeric(fit$gcv.ubre)
  # Where the score is flat, mgcv stops some way off.
  closer <- function(call) {
    call$control <- quote(list(newton = list(conv.tol = 1e-10)))
    call
  }
  ends <- fitters_of(
    gams, score, function(fit) list(fit$converged, fit$outer.info$conv), closer = closer
  )
  # Resumed, it makes its Hessian anew, and may find a step where the uncut one finds none.
  ends[["gam, bfgs"]]$verdict <- function(fit) fit$converged
  c(
    ends,
    fitters_of(bams, score, function(fit) fit$converged)
  )
}

# Tests: test-fit-lme4.R, test-fit-glmmtmb.R.

#' Mixed models: lme4 and glmmTMB under warm()
#'
#' What [warm()] keeps of `lme4::lmer()`, `glmer()`, `nlmer()`, `glmer.nb()` and
#' `glmmTMB::glmmTMB()`, what the next fit starts from, and what is lost in between. All that is
#' said of `lme4::lmer()` holds for `lmerTest::lmer()`, which is `lmer()` where lmerTest is
#' attached.
#'
#' @section What is observed?:
#' Every evaluation of the deviance (glmmTMB: of the negative log-likelihood and its gradient), by a
#' function in the optimiser slot of the fit's control, around your own optimiser. Kept are the best
#' parameters so far (theta, and in the last stage of `glmer()` and `nlmer()` the fixed effects) and
#' the values of all evaluations, 16 bytes each, and as much for each number of a gradient.
#' `glmer.nb()` fits a series of models through a function that has no such slot: of it, only
#' finished fits are kept. `nlmer()` goes on from its own interrupted run, and starts from nothing
#' else.
#'
#' @section What is lost?:
#' Nothing but the time since the last checkpoint. The optimiser is run again from its own
#' beginning, and told at once the values that it was told before. So it goes on exactly where it
#' was, with what it had learned of the curvature and with what is left of its limits, to the
#' end of the uncut fit and to its warnings. It is the same to the last digit with `lmer()` and
#' `glmer()`; `nlmer()` and `glmmTMB()` find the random effects anew, to within the tolerance of
#' their inner iterations. Another version of an optimiser may ask for other points: from the first
#' of these on, it evaluates them.
#'
#' @section What does a fit start from?:
#' From the parameters of the same model on other rows, or of a related one with the same response
#' and family: theta by random-effect term, fixed effects by name, and the fitter's own
#' starting values for the rest. A standard deviation of zero starts a little above it; with
#' glmmTMB, one that the earlier fit could not tell from zero starts where it does cold, and so do a
#' dispersion and a share of zeros.
#'
#' It is a start only where the objective is lower than at a cold fit's start, and where it does not
#' rise and fall again on the way from there, at seven points in between (glmmTMB: three). The end
#' is believed where the fitter warns of nothing, and where its gradient and Hessian say that one
#' more step would lower the objective by no more than 1e-7 of it, and move no estimate by a
#' hundredth of its standard error. Else the fit is made again cold, and [warm_info()] says so.
#'
#' An optimiser that starts near the answer with its usual first step walks away first. So your own
#' optimiser is run in units of standard errors, as the earlier fit's Hessian and this model's own
#' covariance tell them: `bobyqa`, `Nelder_Mead`, `nloptwrap` and `nlminbwrap` with lme4,
#' [stats::nlminb()] and [stats::optim()] with glmmTMB. A `Nelder_Mead` is first brought near by
#' `bobyqa`, and only in the second stage of `glmer()`: elsewhere it may be stuck on a bound, short
#' of the optimum, and begins cold. The tolerances stay as tight as yours. Where you have set its
#' steps or tolerances yourself, and with any other optimiser, nothing but the starting values is
#' changed.
#'
#' The first stage of `glmer()` is made again from a near fit, as the deviance of the second one
#' depends on where it ended, by up to the tolerance `tolPwrss`.
#'
#' @section What is kept?:
#' What a cold fit ends with, with its warnings: also where the optimiser gave up, where lme4 doubts
#' the gradient or Hessian, or where glmmTMB's Hessian is not positive definite. Such a fit starts
#' no other. A singular fit is a fit like any other. Calls with `devFunOnly` or `doFit = FALSE` go
#' untouched.
#'
#' @section What is different?:
#' The fit's call, optimiser and control are your own. From another fit's parameters, the counts of
#' evaluations are those of this fit; and an optimiser that stops short of the optimum from a cold
#' start, so that lme4 warns of the gradient, may reach it, and then nothing warns. With `verbose`,
#' the optimiser's own output is printed, but not that of the inner iterations (`verbose` above 1).
#'
#' @name warm-mixed
#' @seealso [warm()], [warm_verify()]
#' @examplesIf requireNamespace("lme4", quietly = TRUE)
#' library(lme4)
#' old <- options(warmstart.near_from = 0) # so short a fit starts others only on demand
#' store <- warm_store(tempfile("store"))
#' fit <- warm(lmer(Reaction ~ Days + (1 | Subject), sleepstudy), store)
#' fold <- warm(lmer(Reaction ~ Days + (1 | Subject), sleepstudy[-(1:10), ]), store)
#' warm_info(fold)
#' options(old)
NULL

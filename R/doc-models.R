# Tests: test-fit-glm.R, test-fit-nlme.R.

#' Models that warm() knows
#'
#' For each fitter: what of it is watched while it runs, so that it can go on after a crash; what
#' another fit can start from; and what neither is. Finished fits of all of them are kept, and
#' returned at once.
#'
#' | fitter | watched | starts from another fit's |
#' | --- | --- | --- |
#' | `mgcv::gam()` | each outer iteration | smoothing parameters |
#' | `mgcv::bam()` | nothing | nothing |
#' | [stats::glm()] | each iteration | coefficients, same formula |
#' | `MASS::glm.nb()` | each round | coefficients and theta, same formula, from 10,000 rows on |
#' | [stats::nls()] | each step | parameters, same formula and `start`, from 10,000 rows on |
#' | [stats::loglin()] | nothing | nothing |
#' | `nnet::multinom()`, `nnet()` | nothing | nothing |
#' | `survival::survreg()` | nothing | coefficients and scale, same distribution |
#' | `survival::coxph()` | nothing | nothing |
#' | `nlme::lme()` | evaluations of the likelihood | variance parameters, same formula |
#' | `nlme::gls()` | evaluations of the likelihood | nothing |
#'
#' @section Is it worth it?:
#' For fits of seconds. `warm()` itself takes some milliseconds a call, most of them to keep the
#' finished fit; of one that takes less than 50 ms, that is more than a tenth. Of a fit of less than
#' 2 s that is large for its time, such as a `glm()` of 10^5 rows, only the estimates are kept: the
#' same call again starts from them.
#'
#' @section Which fits does a fit start from?:
#' From the last one of the same specification on other rows; else, unless the table says "same
#' formula", from a related one's: what has the same name is taken over. What you give for `start`
#' or its like belongs to the specification, and in `glm()` and `survreg()` no other fit's takes its
#' place. One that is further from the data than the null model is not used.
#'
#' @section Is the result the same?:
#' Yes, within the fitter's tolerance. A start from another fit is used only where there is one
#' optimum, or a cold fit to some of the rows is seen to lead there; and its end is believed only
#' if the fitter's own mathematics say that it is that optimum: score equations that hold, the same
#' coefficients estimable, nothing on its way to a boundary as with separated groups. Else the fit
#' is made again cold, and [warm_info()] says why.
#'
#' * `glm()`: `binomial()`, `quasibinomial()`, `poisson()` and `quasipoisson()` with their own
#'   links; the probit and cloglog links, `Gamma()` and `MASS::negative.binomial()` with the log
#'   link, from 10,000 rows on. All others begin cold, as do those with a `method` of their own,
#'   with `etastart` or `mustart`, or with less than 25 iterations or a wider tolerance than the
#'   default's.
#' * `glm.nb()`: with the log link. `nls()`: where `data` is a data frame and there is no `subset`.
#' * `survreg()`: with its own distributions but `t`, and one scale.
#'
#' From 10,000 rows on means: from a cold start some of these stop at a limit, or fail, where they
#' would not from another one's end. So a cold fit to a thousand of the rows is made first, which
#' takes some hundredths of the time, and has to come to its end; that of `nls()`, next to the
#' start. Fewer rows are fitted about as soon from a cold start.
#'
#' What was interrupted goes on in any of these: it ends where the uncut fit would have, with the
#' iterations that were left to it. (A `glm.nb()` begins its rounds anew. An `nls()` with `warnOnly`
#' begins cold.)
#'
#' @section What about random starts?:
#' The weights that `nnet()` starts with are random, and decide where it ends. Unless `Wts` is
#' given, the state of the random number generator therefore counts in the key, and after a
#' finished fit was returned it is where the fit would have left it: after `set.seed()`, several
#' fits in a row are the same ones again, each found by itself.
#'
#' @section Why are some not watched?:
#' They work in compiled code that calls nothing back: `loglin()`, `multinom()`, `nnet()` and
#' `coxph()`. `survreg()` calls back for distributions that the user has written, and the functions
#' of these see residuals, no coefficients. To stop and start them anew every few iterations would
#' lose what they have learned of the curvature, and print and warn otherwise. An `nls()` is watched
#' where it has a `start`, its own or another fit's, and its formula's right side is a call, such as
#' `a * exp(b * x)`.
#' A `gls()` or `lme()` whose weights depend on the fit, as those of `nlme::varPower()` do by
#' default, goes through several rounds, each with an objective of its own: it is not watched, nor
#' started from another.
#'
#' @section How do `lme()` and `gls()` go on?:
#' Resumed, they get the values of the likelihood that they had before the interruption, and end
#' where they would have ended without it, to the last bit. An `lme()` with `correlation` or
#' `weights` starts from another data's end where the likelihood rises to that from its own start,
#' without a fall on the way, and its end is believed where a Newton step would gain next to
#' nothing. One with neither begins cold: an EM algorithm gives it a start as near as another fit's
#' end. So does `gls()`: to look whether a start is one takes as many evaluations as it would save.
#'
#' @section Why are some not started from others?:
#' `multinom()` ends some hundredths of a standard error away from its optimum, and where depends
#' on its start; `loglin()` takes as long to be given a table as it saves. The `init` of `coxph()`
#' is also the hypothesis that its likelihood ratio, score and Wald tests are against. Another one
#' gives another summary.
#'
#' @seealso [warm()], [warm_adapter()] to add a fitter.
#' @name warm-models
#' @examples
#' old <- options(warmstart.near_from = 0) # so short a fit starts others only on demand
#' store <- warm_store(tempfile("store"))
#' model <- cbind(ncases, ncontrols) ~ agegp + unclass(tobgp)
#' fit <- warm(glm(model, binomial, esoph), store)
#' fold <- warm(glm(model, binomial, esoph[-(1:9), ]), store)
#' warm_info(fold)
#' options(old)
NULL

# What came of a call: what it returned, said, and drew.

#' @return A list of `fit`, `error` (a message, or NULL), `said` (the distinct warnings and
#'   messages, without their numbers) and `random` (the state that R's generator is left in).
#' @noRd
outcome_of <- function(expr) {
  set.seed(1)
  said <- character()
  hear <- function(kind, restart) {
    function(condition) {
      said <<- c(said, paste0(kind, ": ", without_numbers(conditionMessage(condition))))
      tryInvokeRestart(restart)
    }
  }
  error <- NULL
  fit <- tryCatch(
    withCallingHandlers(
      expr,
      warning = hear("warning", "muffleWarning"), message = hear("message", "muffleMessage")
    ),
    error = function(e) {
      error <<- conditionMessage(e)
      NULL
    }
  )
  list(
    fit = fit, error = error, said = sort(unique(said)), random = get(".Random.seed", globalenv())
  )
}

without_numbers <- function(text) {
  text <- gsub("0x[0-9a-f]+", "#", text)
  text <- gsub("-?[0-9]+([.][0-9]+)?(e[-+]?[0-9]+)?", "#", text)
  gsub("[[:space:]]+", " ", trimws(text))
}

# How two fits of one model may be compared. -----------------------------------------------------

coefficients_of <- function(fit) {
  found <- tryCatch(
    if (inherits(fit, c("lme", "merMod"))) {
      nlme::fixef(fit)
    } else if (inherits(fit, "glmmTMB")) {
      glmmTMB::fixef(fit)$cond
    } else if (is.object(fit) && !inherits(fit, c("nnet.formula", "optimx"))) {
      stats::coef(fit)
    },
    error = function(e) NULL
  )
  if (is.numeric(found)) found
}

freedom_of <- function(fit) {
  if (is.object(fit)) {
    c(
      tryCatch(attr(stats::logLik(fit), "df"), error = function(e) NULL),
      tryCatch(stats::df.residual(fit), error = function(e) NULL)
    )
  }
}

# But for the estimate that glm.nb() writes into it.
call_in <- function(fit) {
  call <- if (isS4(fit)) fit@call else if (is.list(fit)) fit[["call"]]
  if (inherits(fit, "negbin")) call["init.theta"] <- list("its own")
  call
}

#' How far the fitted values are from each other, in standard errors
#'
#' Of the linear predictor, where the fitter predicts that with its errors; else of the
#' coefficients.
#' @return A number; NA where there are no errors to go by.
#' @noRd
moved_in_errors <- function(fit, cold) {
  moved <- tryCatch(
    suppressWarnings(if (inherits(cold, "gam") || inherits(cold, c("glm", "survreg", "coxph"))) {
      type <- if (inherits(cold, c("survreg", "coxph"))) "lp" else "link"
      there <- stats::predict(cold, type = type, se.fit = TRUE)
      here <- stats::predict(fit, type = type, se.fit = TRUE)
      # Where a smooth crosses zero it may have no error of its own.
      abs(here$fit - there$fit) / pmax(there$se.fit, stats::median(there$se.fit) / 10)
    } else {
      coefficients_in_errors(fit, cold)
    }),
    error = function(e) NA_real_
  )
  moved <- moved[is.finite(moved)]
  if (length(moved) > 0) max(moved) else NA_real_
}

coefficients_in_errors <- function(fit, cold) {
  covariance <- stats::vcov(cold)
  if (is.list(covariance)) covariance <- covariance$cond
  here <- coefficients_of(fit)
  there <- coefficients_of(cold)
  if (is.matrix(there)) { # of multinom
    here <- t(here)
    there <- t(there)
  }
  covariance <- as.matrix(covariance)
  errors <- sqrt(diag(covariance))[seq_along(there)]
  if (rcond(stats::cov2cor(covariance)) > 1e-10) {
    abs(as.vector(here) - as.vector(there)) / errors
  } else {
    NA_real_ # the errors are rounding errors themselves
  }
}

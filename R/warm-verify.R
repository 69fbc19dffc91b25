#' Is a fit the one that a cold start gives?
#'
#' Makes the fit again without `warm()`, from the fitter's own starting values, and
#' compares the two.
#'
#' @section Which call is made again?:
#' The fit's own, `fit$call`, in the place that `warm_verify()` is called from: the data
#' must still be there, under the same names. No store is read or written. It takes as
#' long as a cold fit.
#'
#' @section When are two fits the same?:
#' Where the objective differs by at most `tolerance` of its size, and the fitted values
#' by at most `fitted_tolerance` standard errors. A fitter stops when it is near enough
#' to the optimum, so two starts end at two places near it. Where the warm fit's
#' objective is lower by more, or the fitted values moved while its objective is not
#' higher, the cold fit stopped too early, and the verdict is "better".
#'
#' @param fit What [warm()] returned, or any fit of a fitter that it knows.
#' @param ... Must be empty.
#' @param tolerance A number, by default 1e-6: how far the objectives may differ, relative to the
#'   cold one's.
#' @param fitted_tolerance A number, by default 0.01: how far the fitted values may, in standard
#'   errors on the scale of the linear predictor.
#' @return A data frame of class `warm_verification` with the rows `fit`, `cold` and
#'   `difference`, and the columns `objective` (the difference is relative to the cold
#'   one's), `edf` (effective degrees of freedom in all; the difference is the largest of
#'   a coefficient's), `fitted_se` and `coefficients_se` (largest differences, in
#'   standard errors), and `seconds`. Its attribute `verdict` is "equal", "better" or
#'   "different".
#' @section Errors: `warmstart_error_argument` names a bad argument, such as a fit
#'   without a call or of a fitter that `warm()` does not know. The fitter's own errors
#'   come through.
#' @seealso [warm()], [warm_info()]
#' @examples
#' store <- warm_store(tempfile("store"))
#' first <- warm(glm(count ~ spray, poisson, InsectSprays[-(1:7), ]), store)
#' fit <- warm(glm(count ~ spray, poisson, InsectSprays), store)
#' warm_verify(fit)
#' @export
warm_verify <- function(fit, ..., tolerance = 1e-6, fitted_tolerance = 0.01) {
  check_dots(...)
  check_tolerance(tolerance, "tolerance")
  check_tolerance(fitted_tolerance, "fitted_tolerance")
  if (missing(fit)) stop_argument("fit", "is missing: give a fit that `warm()` returned.")
  env <- parent.frame()
  call <- call_of(fit)
  adapter <- adapter_of(call, env)
  began <- proc.time()[["elapsed"]]
  cold <- eval(call, env)
  seconds <- proc.time()[["elapsed"]] - began
  difference <- adapter$compare(fit, cold)
  objective <- c(
    fit_state(adapter, fit, call, env)$objective, fit_state(adapter, cold, call, env)$objective
  )
  excess <- excess_of(objective)
  info <- attr(fit, "warmstart")
  structure(
    data.frame(
      objective = c(objective, excess),
      edf = c(sum_or_na(fit$edf), sum_or_na(cold$edf), difference$edf %||% NA_real_),
      fitted_se = c(NA, NA, difference$fitted_se %||% NA_real_),
      coefficients_se = c(NA, NA, difference$coefficients_se %||% NA_real_),
      seconds = c(info$seconds %||% NA_real_, seconds, NA),
      row.names = c("fit", "cold", "difference")
    ),
    verdict = verify_verdict(excess, difference, tolerance, fitted_tolerance),
    class = c("warm_verification", "data.frame")
  )
}

# Of the first objective over the second, relative; NA where a fit has none.
excess_of <- function(objective) {
  (objective[1] - objective[2]) / max(abs(objective[2]), .Machine$double.eps)
}

# Where there are no standard errors, the fitted values themselves are held to the
# tolerance of the objective, by its root. Without an objective nothing says which is better.
verify_verdict <- function(excess, difference, tolerance, fitted_tolerance) {
  in_errors <- difference$fitted_se %||% NA
  moved <- if (is.na(in_errors)) {
    isTRUE((difference$fitted %||% difference$coefficients) > sqrt(tolerance))
  } else {
    in_errors > fitted_tolerance
  }
  if (!moved && (is.na(excess) || abs(excess) <= tolerance)) {
    "equal"
  } else if (isTRUE(excess <= 0)) {
    "better"
  } else {
    "different"
  }
}

# The call that a fit keeps, or NULL.
call_in <- function(fit) {
  if (isS4(fit)) {
    if (methods::.hasSlot(fit, "call")) fit@call
  } else if (is.list(fit)) {
    fit[["call"]]
  }
}

call_of <- function(fit) {
  call <- call_in(fit)
  if (!is.call(call)) {
    call <- attr(fit, "warmstart", exact = TRUE)$call
  }
  call %||% stop_argument("fit", "must be a fit that keeps its call, or that `warm()` returned.")
}

adapter_of <- function(call, env) {
  fun <- tryCatch(eval(call[[1]], env), error = function(e) NULL)
  find_adapter(fun) %||% stop_argument("fit", paste0(
    "is of `", deparse1(call[[1]]), "()`, a fitter that `warm()` does not know."
  ))
}

check_tolerance <- function(value, argument) {
  if (!is.numeric(value) || length(value) != 1 || !is.finite(value) || value < 0) {
    stop_argument(argument, "must be a number, 0 or greater.")
  }
}

sum_or_na <- function(x) if (is.null(x)) NA_real_ else sum(x)

#' @export
format.warm_verification <- function(x, ...) {
  verdict <- switch(attr(x, "verdict"),
    equal = "Equal: the fit is the one that a cold start gives.",
    better = "Better: the cold fit stopped further from the optimum than this one.",
    different = "Different: the cold fit is closer to the optimum."
  )
  table <- utils::capture.output(print(as_plain_table(x)))
  c(wrap_text(paste("<warm_verification>", verdict)), table)
}

as_plain_table <- function(x) {
  columns <- lapply(unclass(x), format_column)
  rows <- c("fit", "cold", "difference")
  noquote(matrix(unlist(columns), nrow = 3, dimnames = list(rows, names(columns))))
}

format_column <- function(values) {
  text <- vapply(values, format, "", digits = 7)
  text[3] <- format(values[3], digits = 2)
  ifelse(is.na(values), "", text)
}

#' @export
print.warm_verification <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' Does an adapter keep its promises?
#'
#' A conformance suite for the tests of a package that brings a [warm_adapter()]. It fits `call`
#' cold and through [warm()] in every way there is, and compares.
#'
#' @section What is expected:
#' * The adapter recognises the call's function; the call has one key, and `near` the same
#'   specification under another.
#' * What it reports while the fit runs, and at its end, is plain data.
#' * Fitted cold, through `warm()`, resumed after its process was killed half way, from `near`, and
#'   from stored states that do not fit, the results have the same parts and are the same fit.
#' * The finished fit is returned at once; also to somebody who calls the data by another name, in
#'   another function, after the first data are gone: then its call, and the place of its formula,
#'   are as that one's cold fit has them.
#' * Begun again at its own end, a fit is the cold one.
#' * `failing` stops with the error that it has without `warm()`, and leaves no finished fit.
#' * Where the fit has a call, it is the cold fit's, and `update()` makes the same of it as of a
#'   cold fit.
#' * The random numbers drawn, and the user's objects, are as without `warm()`.
#' * A call inside a function that is itself called through `warm()` is kept as well.
#'
#' The adapter is registered for as long as the suite runs. The process that is killed is made by
#' the callr package; where that is missing, this part is left out.
#'
#' @param adapter A [warm_adapter()].
#' @param call A call of the fitter, quoted, that converges.
#' @param ... Must be empty.
#' @param near A quoted call of the same model on other data; NULL, the default, leaves this part
#'   out.
#' @param failing A quoted call that stops with an error in the fitter; NULL, the default, leaves it
#'   out.
#' @param tolerance A number, by default 1e-6: how far the objectives may differ, relative to the
#'   cold one's; see [warm_verify()].
#' @param fitted_tolerance A number, by default 0.01: how far the fitted values may, in standard
#'   errors; where the adapter's `compare` knows none, they or the coefficients may differ by the
#'   root of `tolerance`.
#' @param env The environment that the calls are evaluated in, by default the caller's.
#' @return The cold fit, invisibly. Each broken promise is a failure of testthat's.
#' @section Errors: `warmstart_error_argument` names a bad argument.
#' @seealso [warm_adapter()]
#' @examplesIf requireNamespace("testthat", quietly = TRUE)
#' # A fitter whose coefficients are all there is to its state.
#' adapter <- warm_adapter("stats::glm",
#'   seed = function(call, env, state, relation) {
#'     call$start <- state
#'     call
#'   },
#'   state = function(fit) {
#'     list(state = coef(fit), objective = deviance(fit), iteration = fit$iter)
#'   }
#' )
#' # In a test, within `test_that()`.
#' expect_adapter_conforms(adapter, quote(glm(am ~ wt, binomial, mtcars)))
#' @export
expect_adapter_conforms <- function(adapter, call, ..., near = NULL, failing = NULL,
                                    tolerance = 1e-6, fitted_tolerance = 0.01,
                                    env = parent.frame()) {
  check_dots(...)
  check_class(adapter, "warm_adapter", "adapter", "warm_adapter")
  check_quoted(call, "call")
  if (!is.null(near)) check_quoted(near, "near")
  if (!is.null(failing)) check_quoted(failing, "failing")
  if (!requireNamespace("testthat", quietly = TRUE)) {
    stop_argument("adapter", "can only be tested where the package testthat is installed.")
  }
  before <- options(warmstart.verbose = FALSE, warmstart.near_from = 0)
  registered <- registry$adapters
  on.exit({
    options(before)
    registry$adapters <- registered
  })
  register_warm_adapter(adapter)
  suite <- new_suite(adapter, call, near, tolerance, fitted_tolerance, env)
  expect_keys(suite)
  expect_reports(suite)
  expect_same_fit(suite)
  expect_asker_s_own(suite)
  expect_certified(suite)
  expect_resumed(suite)
  expect_seeded(suite)
  expect_quick(suite)
  expect_unfit_passed_over(suite)
  expect_own_error(suite, failing)
  expect_update(suite)
  expect_random_numbers(suite)
  expect_nested(suite)
  invisible(suite$cold)
}

check_quoted <- function(value, argument) {
  if (!is.call(value)) {
    stop_argument(argument, "must be a quoted call, as by `quote(fit(y ~ x))`.")
  }
}

new_suite <- function(adapter, call, near, tolerance, fitted_tolerance, env) {
  fun <- eval(call[[1]], env)
  suite <- list(
    adapter = adapter, call = call, near = near, env = env,
    named = match.call(fun, call, envir = env),
    tolerance = tolerance, fitted_tolerance = fitted_tolerance
  )
  if (isTRUE(adapter$random(suite$named, env))) {
    suite$random <- save_random_state() %||% begin_random_state()
  }
  suite$cold <- eval(call, env)
  suite
}

promise <- function(kept, words) {
  testthat::expect(isTRUE(kept), paste0("Not kept: ", words, "."))
}

# A fit through warm(), in a place of its own. `call` becomes the code of warm()'s argument.
fit_warm <- function(suite, call = suite$call, store, env = suite$env, ...) {
  if (!is.null(suite$random)) restore_random_state(suite$random)
  eval(bquote(warmstart::warm(.(call), .(store), ..(list(...))), splice = TRUE), env)
}

fresh_store <- function() warm_store(tempfile("conforms"))

# The promise that a fit is the cold one, and how it came about.
promise_cold_fit <- function(suite, fit, sources, how) {
  force(fit)
  source <- warm_info()$source
  promise(source %in% sources, paste0(
    how, ", a fit is ", paste(sources, collapse = " or "), ", not ", source,
    reasons_of(warm_info())
  ))
  attr(fit, "warmstart") <- NULL
  cold <- suite$cold
  promise(identical(class(fit), class(cold)), paste(how, "the fit has the class of a cold one"))
  promise(identical(names(fit), names(cold)), paste(how, "the fit has the parts of a cold one"))
  promise(
    identical(deparse(call_in(fit)), deparse(call_in(cold))),
    paste(how, "the fit's call is the user's")
  )
  promise_same(suite, fit, paste0(how, ", the fit is the cold one"))
}

promise_same <- function(suite, fit, words, cold = suite$cold) {
  difference <- suite$adapter$compare(fit, cold)
  objective <- c(state_in(suite, fit)$objective, state_in(suite, cold)$objective)
  verdict <- verify_verdict(
    excess_of(objective), difference, suite$tolerance, suite$fitted_tolerance
  )
  promise(verdict != "different", paste0(
    words, "; it differs by ",
    paste(names(difference), vapply(difference, format, "", digits = 3), collapse = ", ")
  ))
}

state_in <- function(suite, fit) {
  fit_state(suite$adapter, fit, suite$named, suite$env)
}

reasons_of <- function(info) {
  if (length(info$reason) > 0) paste0(" (", paste(info$reason, collapse = "; "), ")")
}

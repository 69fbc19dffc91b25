#' One adapter for another function
#'
#' An adapter for a function that fits as another one does, with the same arguments: for a package
#' that calls a fitter in its own name and gives what it returns a class, or more slots.
#'
#' The derived adapter watches, resumes and seeds as the first one does. Its fits have keys of their
#' own, and count the versions of both packages. The two start each other: `lme4::lmer()` from what
#' `lmerTest::lmer()` has left, and the other way round.
#'
#' @param adapter A [warm_adapter()].
#' @param name The function, as `"package::function"`.
#' @param class The class of what it returns; NULL, the default, for any. A result of another class
#'   is kept, and starts nothing.
#' @inheritParams warm_adapter
#' @return An object of class `warm_adapter`, for [register_warm_adapter()].
#' @section Errors: `warmstart_error_argument` names a bad argument.
#' @seealso [warm_adapter()]; [expect_adapter_conforms()] to test one.
#' @examples
#' # lm() in another name, whose fits are of a class of their own.
#' fit_line <- function(formula, data) {
#'   fit <- lm(formula, data)
#'   fit$call <- match.call()
#'   structure(fit, class = c("line", class(fit)))
#' }
#' lines <- warm_adapter(
#'   "stats::lm",
#'   state = function(fit) list(state = coef(fit), objective = deviance(fit), iteration = NA),
#'   relations = character()
#' )
#' derive_adapter(lines, "fit_line", class = "line", recognises = function(fun) {
#'   identical(fun, fit_line)
#' })
#' @export
derive_adapter <- function(adapter, name, class = NULL, recognises = NULL) {
  check_class(adapter, "warm_adapter", "adapter", "warm_adapter")
  if (!is_string(name) || !nzchar(name) || name == adapter$name) {
    stop_argument("name", "must be one string, such as \"lmerTest::lmer\", and not the adapter's.")
  }
  if (!is.null(class) && !is_string(class)) stop_argument("class", "must be one string, or NULL.")
  recognises <- recognises %||% recognise_name(name)
  if (!takes_arguments(recognises, part_arity[["recognises"]])) {
    stop_argument("recognises", "must be a function of 1 argument.")
  }
  derived <- adapter
  derived$name <- name
  derived$recognises <- recognises
  # It tells the fits apart, and not what they can start from.
  derived$identify <- function(call, env) {
    key <- adapter$identify(call, env)
    new_model_fingerprint(c(key$parts, named_part("called", "as", name, "values")))
  }
  derived$versions <- function() {
    own <- package_version_of(name)
    c(own, adapter$versions()[setdiff(names(adapter$versions()), names(own))])
  }
  if (!is.null(class)) {
    derived$state <- function(fit, call, env) {
      state <- fit_state(adapter, fit, call, env)
      if (!inherits(fit, class)) state$state <- list()
      state
    }
  }
  derived
}

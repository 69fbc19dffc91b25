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
#' * The finished fit is returned at once.
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
  before <- options(warmstart.verbose = FALSE)
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

expect_keys <- function(suite) {
  adapter <- suite$adapter
  promise(adapter$recognises(eval(suite$call[[1]], suite$env)), "the call's function is recognised")
  key <- adapter$identify(suite$named, suite$env)
  promise(inherits(key, "model_fingerprint"), "`identify` gives a model fingerprint")
  promise(
    identical(key$exact, adapter$identify(suite$named, suite$env)$exact), "a call has one key"
  )
  if (!is.null(suite$near)) {
    near <- match.call(eval(suite$near[[1]], suite$env), suite$near, envir = suite$env)
    other <- adapter$identify(near, suite$env)
    promise(key$exact != other$exact, "other data make another fit")
    promise(key$specification == other$specification, "other data make the same specification")
  }
}

expect_reports <- function(suite) {
  adapter <- suite$adapter
  reports <- count_reports(suite)
  plain <- vapply(reports, function(report) is_plain(report$state), NA)
  promise(all(plain), "what is reported is plain data")
  end <- state_in(suite, suite$cold)
  promise(
    is.list(end) && all(c("state", "objective", "iteration") %in% names(end)),
    "`state` gives a state, an objective and an iteration"
  )
  promise(is_plain(end$state), "the state of a finished fit is plain data")
  promise(adapter$converged(suite$cold), "the cold fit converged")
}

count_reports <- function(suite) {
  reports <- list()
  report <- function(state, objective, iteration) {
    reports[[length(reports) + 1]] <<- list(state = state, objective = objective)
  }
  eval(suite$adapter$observe(suite$named, suite$env, report), suite$env)
  reports
}

expect_same_fit <- function(suite) {
  before <- objects_used(suite)
  store <- fresh_store()
  promise_cold_fit(suite, fit_warm(suite, store = store), "cold", "Fitted with nothing stored")
  promise_cold_fit(suite, fit_warm(suite, store = store), "finished", "Fitted before")
  promise(identical(before, objects_used(suite)), "the user's objects stay as they are")
}

objects_used <- function(suite) {
  calls <- Filter(Negate(is.null), list(suite$call, suite$near))
  unlist(lapply(calls, captured_deeply, suite$env), recursive = FALSE)
}

# What a call finds in its surroundings, with what the functions among it find in theirs.
captured_deeply <- function(call, env) {
  found <- list()
  look <- function(names, env) {
    for (name in setdiff(names, names(found))) {
      binding <- find_captured(name, env)
      if (!is.null(binding)) {
        found[[name]] <<- binding$value
        if (is.function(binding$value)) {
          look(free_names(binding$value), environment(binding$value))
        }
      }
    }
  }
  look(all.names(call, unique = TRUE), env)
  found
}

# Killed half way, in a process of its own; by its own hand, so that it is no matter of time.
expect_resumed <- function(suite) {
  if (!requireNamespace("callr", quietly = TRUE)) {
    return()
  }
  store <- fresh_store()
  last <- ceiling(length(count_reports(suite)) / 2)
  killed <- tryCatch(
    callr::r(fit_until_killed, list(
      suite$adapter, suite$call, captured_deeply(suite$call, suite$env),
      store_config(store)$path, last,
      rev(.packages())
    )),
    error = function(e) e
  )
  promise(inherits(killed, "error"), "the process was killed while it fitted")
  source <- if (any(store_list(store)$state == "interrupted")) "resumed" else "cold"
  if (is.null(suite$adapter$seed)) {
    source <- "cold"
  }
  promise_cold_fit(suite, fit_warm(suite, store = store), source, "Resumed after a kill")
}

# In the process to be killed, at the fit's very end at the latest.
fit_until_killed <- function(adapter, call, objects, path, last, packages) {
  for (package in packages) try(library(package, character.only = TRUE), silent = TRUE)
  assign("first_checkpoint", 0, asNamespace("warmstart")$registry)
  die <- function() tools::pskill(Sys.getpid(), tools::SIGKILL)
  observe <- adapter$observe
  adapter$observe <- function(call, env, report) {
    count <- 0
    observe(call, env, function(state, objective, iteration) {
      report(state, objective, iteration)
      count <<- count + 1
      if (count == last) die()
    })
  }
  adapter$converged <- function(fit) die()
  warmstart::register_warm_adapter(adapter)
  env <- list2env(objects, parent = globalenv())
  eval(bquote(warmstart::warm(.(call), warmstart::warm_store(.(path)))), env)
}

expect_seeded <- function(suite) {
  if (is.null(suite$near) || is.null(suite$adapter$seed)) {
    return()
  }
  store <- fresh_store()
  fit_warm(suite, suite$near, store)
  promise_cold_fit(suite, fit_warm(suite, store = store), "seeded", "Started from other data")
}

expect_quick <- function(suite) {
  if (is.null(suite$adapter$quickstart)) {
    return()
  }
  fit <- fit_warm(suite, store = fresh_store(), quickstart = TRUE)
  promise_cold_fit(suite, fit, "quick", "Begun from a quick start")
}

# States as another version or a damaged store may have left them.
expect_unfit_passed_over <- function(suite) {
  if (is.null(suite$adapter$seed)) {
    return()
  }
  key <- suite$adapter$identify(suite$named, suite$env)
  end <- state_in(suite, suite$cold)
  if (!is_plain(end$state)) {
    return()
  }
  unfit <- list(
    "nonsense" = list(nonsense = "yes"),
    "a shorter one" = change_leaves(end$state, function(x) x[seq_len(max(length(x) - 1, 0))]),
    "one that is not finite" = change_leaves(end$state, function(x) {
      if (is.numeric(x)) x * NA else x
    })
  )
  for (what in names(unfit)) {
    store <- fresh_store()
    payload <- list(state = unfit[[what]], iterations = 1, seconds = 1)
    store_save(store, key$exact, payload, objective = NA)
    promise_cold_fit(
      suite, fit_warm(suite, store = store), c("cold", "resumed"),
      paste("With", what, "for a stored state")
    )
  }
}

change_leaves <- function(state, change) {
  if (is.list(state)) lapply(state, change_leaves, change) else change(state)
}

expect_own_error <- function(suite, failing) {
  if (is.null(failing)) {
    return()
  }
  store <- fresh_store()
  catch <- function(expr) {
    tryCatch(list(expr), error = function(e) e)
  }
  cold <- catch(eval(failing, suite$env))
  warm <- catch(fit_warm(suite, failing, store))
  promise(inherits(cold, "error"), "`failing` stops with an error")
  promise(
    identical(format_error(cold), format_error(warm)),
    "an error is the fitter's own, and names the user's call"
  )
  promise(!any(store_list(store)$state == "finished"), "a fit that failed is not kept")
}

format_error <- function(e) {
  if (inherits(e, "error")) c(conditionMessage(e), deparse(conditionCall(e)))
}

expect_update <- function(suite) {
  fit <- fit_warm(suite, store = fresh_store())
  update_of <- function(fit) eval(bquote(.(stats::update)(.(fit))), suite$env)
  cold <- try(update_of(suite$cold), silent = TRUE)
  if (is.null(call_in(fit)) || inherits(cold, "try-error")) {
    return()
  }
  again <- update_of(fit)
  promise(is.null(attr(again, "warmstart", exact = TRUE)), "update() fits without warm()")
  promise_same(suite, again, "update() makes the fit that it makes of a cold one", cold)
}

expect_random_numbers <- function(suite) {
  random <- save_random_state()
  on.exit(restore_random_state(random))
  set.seed(1)
  eval(suite$call, suite$env)
  cold <- save_random_state()
  set.seed(1)
  if (!is.null(suite$random)) suite$random <- save_random_state()
  store <- fresh_store()
  fit_warm(suite, store = store)
  promise(identical(save_random_state(), cold), "random numbers go on as after a cold fit")
  if (!is.null(suite$random)) {
    fit_warm(suite, store = store)
    promise(
      identical(save_random_state(), cold), "a finished fit that is returned leaves them there, too"
    )
  }
}

expect_nested <- function(suite) {
  store <- fresh_store()
  inner <- fresh_store()
  outer <- function() fit_warm(suite, store = inner)
  env <- list2env(list(outer = outer), parent = suite$env)
  fit <- fit_warm(suite, quote(outer()), store, env)
  promise(!is.null(fit), "a call inside another one is fitted")
  promise(
    any(store_list(inner)$state == "finished"), "a call inside another one is kept"
  )
}

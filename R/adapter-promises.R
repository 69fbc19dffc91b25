# Tests: test-adapter-conform.R.
#
# The promises of expect_adapter_conforms(), one function each.

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

# Asked for in another place, under another name of the data, after the first ones are gone.
expect_asker_s_own <- function(suite) {
  data <- Filter(is.data.frame, mget(
    all.names(suite$call, unique = TRUE), suite$env, ifnotfound = list(NULL), inherits = TRUE
  ))
  if (length(data) == 0) {
    return()
  }
  store <- fresh_store()
  first <- list2env(data, parent = suite$env)
  fit_warm(suite, store = store, env = first)
  rm(list = names(data), envir = first)
  renamed <- stats::setNames(lapply(paste0(names(data), "_again"), as.name), names(data))
  call <- do.call(substitute, list(suite$call, renamed))
  second <- list2env(stats::setNames(data, paste0(names(data), "_again")), parent = suite$env)
  if (!is.null(suite$random)) restore_random_state(suite$random)
  suite$cold <- eval(call, second)
  fit <- fit_warm(suite, call, store, second)
  promise_cold_fit(suite, fit, "finished", "Returned to somebody else")
  place <- function(fit) or_null(environment(stats::formula(fit)))
  promise(
    !identical(place(suite$cold), second) || identical(place(fit), second),
    "the formula of a fit that is returned to somebody else is from there"
  )
}

# From its own end, which the certificate must not let become another fit.
expect_certified <- function(suite) {
  if (is.null(suite$adapter$seed)) {
    return()
  }
  store <- fresh_store()
  fit_warm(suite, store = store)
  fit <- fit_warm(suite, store = store, reuse = FALSE)
  promise_cold_fit(suite, fit, c("seeded", "cold"), "Fitted again from its own end")
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
  assign("first_checkpoint", 0, asNamespace("warmstart")$waits)
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

# Tests: test-warm.R.
#
# What is kept of a finished fit, and how it comes back.

# Where the fit itself cannot be had, the state that keep_seeds() has put beside it can.
find_finished <- function(request, store, name = NULL) {
  final <- lookup_fit(store, request$key$exact, request$homes)
  named <- if (is.null(final$payload$fit)) find_named_fit(request, store, name)
  if (!is.null(named)) {
    named$entry$history <- final$history
    return(named)
  }
  entry <- final %||% find_seed_of(request$key, store)
  if (has_state(entry)) as_finished(entry, request, store)
}

# An entry, with its fit where this code has made it, and nobody else.
as_finished <- function(entry, request, store) {
  same_versions <- identical(entry$payload$versions, request$versions)
  list(entry = entry, fit = if (same_versions) trusted_fit(entry, store))
}

# The finished fit, and the request as it turns out to be: one that draws random numbers, though
# nothing had said so, is another one from another state of the generator. The first that was kept,
# under the plain key, tells.
find_drawn <- function(request, store, reuse, name = NULL) {
  find <- function(request) {
    or_nothing(if (reuse) {
      find_finished(request, store, name)
    } else {
      without_trust_warnings(find_finished(request, store, name))
    })
  }
  finished <- find(request)
  random <- finished$entry$payload$random
  if (!request$random && is.list(random) && !identical(random$from, state_name(request$begin))) {
    request$key <- new_model_fingerprint(c(request$key$parts, random_part(request$begin)))
    request$random <- TRUE
    finished <- find(request)
  }
  list(request = request, finished = finished)
}

state_name <- function(state) format(fingerprint(state))

return_finished <- function(request, finished, store, name = NULL) {
  entry <- finished$entry
  inform(paste0("Finished fit, saved ", age_of(entry), " ago."))
  fit <- restored(request, at_home(finished, request))
  if (!is.null(name)) or_nothing(name_finished(request, store, name, finished, fit))
  said <- given_conditions(entry$payload$said, request)
  say(c(unsaid(request$said, said), said))
  restore_random_state(random_after(entry$payload$random, request))
  info <- count_use(store, new_info(
    "finished",
    call = request$call, key = request$key$exact, found = "finished fit", written = entry$written,
    iterations = 0, iterations_before = entry$payload$iterations, seconds = 0,
    seconds_saved = entry$payload$seconds,
    history = new_history(entry$history)
  ))
  shown(with_info(fit, info), entry$payload$visible)
}

# Keeping it -------------------------------------------------------------------------------------

# The fit under its own key, and what other rows and related models can start from. Tells what was
# kept: "fit", "estimates" or "nothing"; NULL where the adapter failed, which has been said.
keep_finished <- function(request, session, store, outcome, name = NULL) {
  if (is.null(outcome$converged) || is.null(outcome$end)) {
    return(NULL)
  }
  if (is.null(outcome$fit)) {
    inform("Its result is NULL: there is nothing to keep.")
    return(NULL)
  }
  end <- outcome$end
  iterations <- outcome$start$iterations + end$iteration
  seeds <- can_start_from(outcome, request$adapter)
  payload <- finished_payload(request, outcome, iterations, if (seeds) end$state else list())
  named <- if (!is.null(name)) {
    or_nothing(keep_named(
      request, store, name, payload, outcome$fit, end$objective, iterations
    ))
  }
  room <- if (seeds) room_for(outcome$worth) else Inf
  encoded <- encode_kept(payload, room, is.null(named), request$homes)
  kept <- finalize_encoded(
    session, encoded$payload, end$objective, iterations,
    brief = outcome$worth < quickly_made
  )
  if (!kept) {
    return("nothing")
  }
  if (!identical(named, name)) warn_unnamed(name)
  if (seeds) keep_seeds(request, store, outcome, iterations)
  delete_superseded(store, request$key$exact)
  if (outcome$start$interrupted) store_delete(store, begins_key(request$key$exact))
  encoded$what
}

# Whole, where that is within `room` and it `is_alone`: not so under a name already.
encode_kept <- function(payload, room, is_alone, homes) {
  whole <- if (is_alone) encode_within(room, payload, homes)
  if (!is.null(whole)) {
    return(list(payload = whole, what = "fit"))
  }
  payload["fit"] <- list(NULL)
  list(payload = encode_payload(payload), what = if (is_alone) "estimates" else "fit")
}

finished_payload <- function(request, outcome, iterations, state) {
  list(
    fit = if (!is.null(outcome$fit)) request$adapter$pack(outcome$fit), state = state,
    iterations = iterations, seconds = outcome$seconds, seeded = is_seeded(outcome$start),
    versions = request$versions, visible = outcome$visible, random = kept_random_state(request),
    said = kept_conditions(outcome$said, request), in_workspace = is_in_workspace(request),
    keys = all_keys(request)
  )
}

# Where the fit, or the evaluation of its arguments, has left the random number generator.
kept_random_state <- function(request) {
  state <- save_random_state()
  if (!identical(state, request$begin)) list(from = state_name(request$begin), to = state)
}

random_after <- function(kept, request) {
  from_here <- is.list(kept) && is.integer(kept$to) && kept$from == state_name(request$begin)
  if (from_here) kept$to else request$begin
}

# What the fitter said, for when its fit is returned: the words, who said so, and fields that are
# plain data and small.
kept_conditions <- function(conditions, request) {
  lapply(utils::head(conditions, conditions_kept), function(condition) {
    call <- conditionCall(condition)
    is_own <- identical(call, request$expr)
    is_small <- is.call(call) && utils::object.size(call) < 4096
    list(
      class = class(condition), text = conditionMessage(condition), own = is_own,
      call = if (is_small && !is_own) call, fields = kept_fields(condition)
    )
  })
}

# The first ones, as many as `fields_kept` bytes hold. Some words are put together from several
# fields, as rlang does: where those come out otherwise, there are the words alone.
kept_fields <- function(condition) {
  fields <- if (is.list(condition)) unclass(condition)
  fields <- fields[!names(fields) %in% c("", "call")]
  others <- fields[names(fields) != "message"]
  if (length(others) == 0) {
    return(NULL)
  }
  bytes <- vapply(others, function(field) as.numeric(utils::object.size(field)), 0)
  others <- others[cumsum(bytes) <= fields_kept]
  others <- others[vapply(others, is_plain, NA)]
  with_text <- c(list(message = conditionMessage(condition)), others)
  for (kept in list(c(fields["message"], others), with_text)) {
    made <- structure(class = class(condition), c(kept, list(call = conditionCall(condition))))
    if (identical(or_null(conditionMessage(made)), with_text$message)) {
      return(kept)
    }
  }
  NULL
}

fields_kept <- 4096 # as object.size() has it, of one condition

# As plain data, which can be read from wherever a checkpoint is kept: calls as text.
plain_conditions <- function(kept) {
  lapply(kept, function(said) {
    if (!is.null(said$call)) said$call <- deparse1(said$call)
    said
  })
}

given_conditions <- function(kept, request) {
  lapply(Filter(function(said) is.character(said$class), kept), function(said) {
    call <- if (said$own) request$expr else said$call
    if (is.character(call)) call <- or_null(str2lang(call))
    fields <- if (is.list(said$fields) && is_string(said$fields$message)) said$fields
    fields <- fields %||% list(message = said$text)
    structure(class = said$class, c(fields["message"], list(call = call), fields[-1]))
  })
}

conditions_kept <- 1000

# Bytes. A large fit that is quickly made again from its estimates would take longer to write than
# it saves, and push others out of the store.
room_for <- function(seconds) {
  if (seconds < quickly_made) max(seconds, 0.1) * bytes_a_second else Inf
}

quickly_made <- 2 # seconds; see ?warm under "What if R is killed?"
bytes_a_second <- 2e7 # a tenth of what is serialized and written in that time

# What a finished fit leaves behind of its interrupted runs is of no use any more.
delete_superseded <- function(store, key) {
  runs <- list_runs(store, key)
  for (run_id in runs$run_id[runs$state == "interrupted"]) {
    store_delete(store, key, run_id)
  }
}

# What others may start from ---------------------------------------------------------------------

# What a finished fit leaves for others to start from: its state alone, which holds no data.
#
#   key            run id                        one for
#   specification  of the exact key, two digits  each data set, 256 at most
#   neighbourhood  the specification key         each model
#
# Of a bootstrap's thousands of data sets, whose seeds a lookup would have to read all, some share
# a run id, and the last one stays. `of` tells whose it is.

keep_seeds <- function(request, store, outcome, iterations) {
  key <- request$key
  relations <- request$adapter$relations
  cold <- cold_seconds(outcome)
  if (cold < near_from()) {
    return()
  }
  seed <- list(
    state = outcome$end$state, iterations = iterations, seconds = outcome$seconds,
    seeded = is_seeded(outcome$start), of = format(key$exact), doubts = outcome$doubts,
    cold = cold
  )
  save <- function(key, run_id) {
    save_seed(store, key, seed, outcome$end$objective, iterations, run_id, request$label)
  }
  if ("rows" %in% relations && has_rows_of_its_own(key)) {
    save(key$specification, run_id_of_data(key))
  }
  if ("related" %in% relations) {
    seed$terms <- model_terms(key)
    if (length(seed$terms) > 0) save(key$neighbourhood, format(key$specification))
  }
}

# As much as the fit from whose end this one began took cold, if that is more. What was adopted is
# worth a start, however long it took.
cold_seconds <- function(outcome) {
  worth <- if (is.finite(outcome$worth)) outcome$worth else quickly_made
  max(worth, if (outcome$used) count_of(outcome$start$entry$payload$cold))
}

# Can another fit begin where this one has ended?
can_start_from <- function(outcome, adapter) {
  !is.null(adapter$seed) && length(outcome$end$state) > 0 && is_sound(outcome)
}

# What began from this seed was not believed.
doubt_seed <- function(store, start) {
  entry <- start$entry
  if (!is.null(entry) && start$relation %in% c("rows", "related")) {
    entry$payload$doubts <- start$doubts + 1
    save_seed(
      store, entry$key, entry$payload, entry$objective, entry$iteration, entry$run_id,
      if (!is.na(entry$label)) entry$label
    )
  }
}

run_id_of_data <- function(key) substr(format(key$exact), 1, 2)

# Without any, nothing differs from the specification: a seed would lie among the finished fits.
has_rows_of_its_own <- function(key) !identical(key$exact, key$specification)

# The one that this very fit has left.
find_seed_of <- function(key, store) {
  entry <- store_lookup_run(store, key$specification, run_id_of_data(key))
  if (has_state(entry) && identical(entry$payload$of, format(key$exact))) entry
}

# The newest of the same model, on any data.
find_seed_for_rows <- function(key, store) {
  if (has_rows_of_its_own(key)) store_lookup(store, key$specification, select = "latest")
}

# Of other models with the same response and family, newest first.
find_seeds_of_relatives <- function(key, store) {
  runs <- list_runs(store, key$neighbourhood)
  run_ids <- runs$run_id[order(runs$written, decreasing = TRUE)]
  run_ids <- setdiff(run_ids, format(key$specification))
  lapply(utils::head(run_ids, neighbours_read), function(run_id) {
    store_lookup_run(store, key$neighbourhood, run_id)
  })
}

neighbours_read <- 64 # a person's history of one analysis, not a store's

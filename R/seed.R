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
  seed <- list(
    state = outcome$end$state, iterations = iterations, seconds = outcome$seconds,
    seeded = is_seeded(outcome$start), of = format(key$exact), doubts = outcome$doubts,
    cold = cold_seconds(outcome)
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

# As much as the fit from whose end this one began took cold, if that is more.
cold_seconds <- function(outcome) {
  max(outcome$seconds, if (outcome$used) count_of(outcome$start$entry$payload$cold))
}

# Can another fit begin where this one has ended?
can_start_from <- function(outcome, adapter) {
  !is.null(adapter$seed) && length(outcome$end$state) > 0 && is_sound(outcome)
}

# What began from this seed was not believed.
doubt_seed <- function(store, start) {
  entry <- start$entry
  if (start$relation %in% c("rows", "related")) {
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

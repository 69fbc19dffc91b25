# What a fit may start from, best first. Each is an entry with a state in it, and
#
#   found    words for people
#   relation "exact", this very fit's: its objective compares; "rows", the same model's on
#            other rows; "related", another model's, of which some terms fit
#   iterations, seconds   what was spent on this fit before

find_starts <- function(request, store, finished, near) {
  if (is.null(request$adapter$seed)) {
    return(list())
  }
  exact <- finished$entry %||% store_lookup(store, request$key$exact)
  if (has_state(exact) && length(exact$payload$state) > 0) {
    return(list(new_start(exact, "exact")))
  }
  if (!near) {
    return(list())
  }
  relations <- request$adapter$relations
  same <- if ("rows" %in% relations && has_rows_of_its_own(request$key)) {
    store_lookup(store, request$key$specification, select = "latest")
  }
  related <- if ("related" %in% relations) related_entries(request, store)
  c(if (has_state(same)) list(new_start(same, "rows")), lapply(related, new_start, "related"))
}

# Of no class: `$` must not be somebody's method.
has_state <- function(entry) {
  payload <- entry$payload
  is.list(payload) && !is.object(payload) && !is.null(payload$state)
}

new_start <- function(entry, relation) {
  payload <- entry$payload
  interrupted <- relation == "exact" && entry$kind == "checkpoint"
  list(
    entry = entry, state = payload$state, relation = relation, interrupted = interrupted,
    found = switch(relation,
      exact = if (interrupted) "interrupted fit" else "finished fit",
      rows = "same model, other rows",
      related = paste("related model,", paste(format_text(payload$terms), collapse = " + "))
    ),
    iterations = if (interrupted) count_of(payload$iterations) else 0,
    seconds = if (interrupted) count_of(payload$seconds) else 0
  )
}

# Did a fit begin nearer than a cold one, from another one's estimates or from a quick start? One
# that goes on, if it did so when it was new.
is_seeded <- function(start) {
  if (start$interrupted) isTRUE(start$entry$payload$seeded) else start$relation != "none"
}

# What an adapter finds by itself, before the fit.
quick_start <- function(request) {
  if (!is.null(request$adapter$quickstart)) {
    list(c(list(found = "quick start", state = NULL), cold_start("quick")))
  }
}

# Nothing to start from.
cold_start <- function(relation = "none") {
  list(relation = relation, interrupted = FALSE, iterations = 0, seconds = 0)
}

# Of models with the same response and family, those that share most terms, then the newest. Each
# keeps one entry a specification.
related_entries <- function(request, store) {
  runs <- list_runs(store, request$key$neighbourhood)
  if (length(runs$run_id) == 0) {
    return(list())
  }
  run_ids <- runs$run_id[order(runs$written, decreasing = TRUE)]
  run_ids <- setdiff(run_ids, format(request$key$specification))
  entries <- lapply(utils::head(run_ids, neighbours_read), function(run_id) {
    store_lookup_run(store, request$key$neighbourhood, run_id)
  })
  entries <- Filter(has_state, entries)
  terms <- model_terms(request$key)
  shared <- vapply(entries, function(entry) length(intersect(entry$payload$terms, terms)), 1L)
  best_first <- order(-shared, seq_along(shared))
  entries[utils::head(best_first[shared[best_first] > 0], neighbours_tried)]
}

neighbours_read <- 64 # a person's history of one analysis, not a store's
neighbours_tried <- 3

announce <- function(start) {
  if (start$relation == "quick") {
    return(inform("Looking for starting values first."))
  }
  what <- if (start$interrupted) {
    paste("Resuming from iteration", format(start$entry$iteration, scientific = FALSE))
  } else {
    paste0("Starting from the ", start$found)
  }
  inform(paste0(what, ", saved ", age_of(start$entry), " ago."))
}

age_of <- function(entry) {
  format_age(as.numeric(Sys.time()) - as.numeric(entry$written))
}

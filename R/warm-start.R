# Tests: test-warm.R, test-warm-adopt.R.
#
# What a fit may start from, best first. Each is an entry with a state in it, and
#
#   found    words for people
#   relation "exact", this very fit's: its objective compares; "rows", the same model's on
#            other rows; "related", another model's, of which some terms fit; "quick", found by the
#            adapter itself, before the fit
#   interrupted  is it this fit's own run, that was interrupted?
#   goes_on  and began cold, and nobody else can have written it: what comes of it is believed as
#            the uncut fit would be
#   doubts   how many seeds of this model in a row were not believed
#   cold     seconds that the fit took, or would have taken from a cold start; Inf where that is of
#            no account
#   iterations, seconds   what was spent on this fit before
#   said     and what the fitter said meanwhile
#   is_given from a fit in hand, which has no entry: that it does not fit is an error
#   is_live  from a run that another process is still at

#' A function that gives the next start each time it is called, and NULL after the last
#'
#' What a kind of start takes to find is spent only where those before it have been used up. That a
#' finished fit was withheld has been said.
#' @noRd
new_starts <- function(request, store, finished, near, quickstart, from = NULL) {
  # A fit that nothing can start from begins as it began.
  ends_alone <- !is.null(finished) && length(finished$payload$state) == 0
  takes_seeds <- !is.null(request$adapter$seed) && !ends_alone
  sources <- c(
    if (takes_seeds) exact_starts,
    if (!is.null(from)) function(...) list(from),
    if (takes_seeds && near) list(rows_starts, related_starts),
    if (quickstart) quick_starts
  )
  found <- list()
  function() {
    while (length(found) == 0 && length(sources) > 0) {
      look <- sources[[1]]
      sources <<- sources[-1]
      found <<- or_nothing(without_trust_warnings(look(request, store, finished)))
    }
    start <- if (length(found) > 0) found[[1]]
    found <<- found[-1]
    start
  }
}

# From the finished fit, where there is one; else from what an interrupted one left.
exact_starts <- function(request, store, finished) {
  entry <- finished %||% store_lookup(store, request$key$exact)
  if (has_state(entry) && length(entry$payload$state) > 0) {
    start <- new_start(entry, "exact", store)
    list(c(start, is_live = start$interrupted && is_live_run(store, entry)))
  }
}

is_live_run <- function(store, entry) {
  runs <- list_runs(store, entry$key)
  "running" %in% runs$state[runs$run_id == entry$run_id]
}

rows_starts <- function(request, store, finished) {
  entry <- if ("rows" %in% request$adapter$relations) find_seed_for_rows(request$key, store)
  if (has_state(entry)) list(new_start(entry, "rows", store))
}

# Those that share most terms, then the newest.
related_starts <- function(request, store, finished) {
  if (!"related" %in% request$adapter$relations) {
    return(list())
  }
  entries <- Filter(has_state, find_seeds_of_relatives(request$key, store))
  terms <- model_terms(request$key)
  shared <- vapply(entries, function(entry) length(intersect(entry$payload$terms, terms)), 1L)
  best_first <- order(-shared, seq_along(shared))
  best <- entries[utils::head(best_first[shared[best_first] > 0], neighbours_tried)]
  lapply(best, new_start, "related", store)
}

neighbours_tried <- 3

# What an adapter finds by itself, before the fit.
quick_starts <- function(request, store, finished) {
  if (!is.null(request$adapter$quickstart)) {
    list(c(list(found = "quick start", state = NULL), cold_start("quick")))
  }
}

# Of no class: `$` must not be somebody's method.
has_state <- function(entry) {
  payload <- entry$payload
  is.list(payload) && !is.object(payload) && !is.null(payload$state)
}

new_start <- function(entry, relation, store) {
  payload <- entry$payload
  interrupted <- relation == "exact" && entry$kind == "checkpoint"
  is_own <- interrupted && is_own_entry(entry, store)
  list(
    entry = entry, state = payload$state, relation = relation, interrupted = interrupted,
    goes_on = is_own && !isTRUE(payload$seeded),
    doubts = if (relation == "exact") 0 else count_of(payload$doubts),
    cold = if (relation == "exact") Inf else count_of(payload$cold),
    found = switch(relation,
      exact = if (interrupted) "interrupted fit" else "finished fit",
      rows = "same model, other rows",
      related = paste("related model,", paste(format_text(payload$terms), collapse = " + "))
    ),
    iterations = if (interrupted) count_of(payload$iterations) else 0,
    seconds = if (interrupted) count_of(payload$seconds) else 0,
    said = if (is_own) payload$said
  )
}

# Did a fit begin nearer than a cold one, from another one's estimates or from a quick start? One
# that goes on, if it did so when it was new.
is_seeded <- function(start) {
  if (start$interrupted) isTRUE(start$entry$payload$seeded) else start$relation != "none"
}

# Nothing to start from.
cold_start <- function(relation = "none") {
  list(
    relation = relation, interrupted = FALSE, goes_on = FALSE, doubts = 0, iterations = 0,
    seconds = 0
  )
}

# Why a start is passed over.
too_quick <- "it took too little time for a start to save any."
too_doubtful <- "such starts have ended in doubt too often."

is_quick <- function(start) {
  start$relation %in% c("rows", "related") && start$cold < near_from()
}

# Seconds that a fit has to take cold for others to begin at its end: of less there is nothing to
# save, and where few rows leave a model in doubt, more to lose.
near_from <- function() {
  from <- getOption("warmstart.near_from")
  if (is_number(from)) from else 0.1
}

# After three seeds in a row that led to nothing, one in sixteen is tried.
is_doubted <- function(start) start$doubts >= 3 && start$doubts %% 16 != 0

announce <- function(start) {
  if (start$relation == "none") {
    return()
  }
  if (start$relation == "quick") {
    return(inform("Looking for starting values first."))
  }
  what <- if (start$interrupted) {
    paste(
      if (isTRUE(start$is_live)) "Going on from its iteration" else "Resuming from iteration",
      format(start$entry$iteration, scientific = FALSE)
    )
  } else {
    paste0("Starting from the ", start$found)
  }
  saved <- if (!is.null(start$entry)) paste0(", saved ", age_of(start$entry), " ago")
  inform(paste0(what, saved, "."))
}

# How often has a run begun at this iterate, with nothing kept since? One entry for each fit tells,
# which goes when the fit has finished.
count_begins <- function(store, key, start) {
  iterate <- list(start$entry$run_id, start$entry$iteration, as.numeric(start$entry$written))
  before <- store_lookup_run(store, begins_key(key), begins_run_id)$payload
  is_same <- is.list(before) && !is.object(before) && identical(before$iterate, iterate)
  times <- if (is_same) count_of(before$times) + 1 else 1
  begins <- list(iterate = iterate, times = times)
  save_seed(store, begins_key(key), begins, NA, NA, begins_run_id, NULL)
  times
}

begins_key <- function(key) fingerprint(c("begins", format(key)))

begins_run_id <- "begins"

begins_told <- 3

announce_begins <- function(session, start) {
  if (start$interrupted && !isTRUE(start$is_live)) {
    times <- count_begins(session_store(session), session_key(session), start)
    if (times >= begins_told) {
      inform(paste0(
        "This is start number ", times, " from this iterate, and nothing was kept after it: where ",
        "a time limit ends your runs, this step takes longer than your wall time allows."
      ))
    }
  }
}

# `saved`: the iteration that is on disk; NULL where none is.
announce_interrupt <- function(saved) {
  inform(if (is.null(saved)) {
    "Interrupted before anything was kept: the same line begins anew."
  } else {
    paste0(
      "Interrupted. Iteration ", format(saved, scientific = FALSE),
      " is kept: the same line goes on from there."
    )
  })
}

age_of <- function(entry) {
  format_age(as.numeric(Sys.time()) - as.numeric(entry$written))
}

# A fit in hand ----------------------------------------------------------------------------------

#' A start from a fit that is given, for `warm(from = )`
#'
#' @return As new_start(), with `is_given`: that it does not fit is an error.
#' @noRd
given_start <- function(request, fit) {
  adapter <- request$adapter
  end <- tryCatch(check_fitted(fit, request), warmstart_unusable = function(e) {
    stop_from(conditionMessage(e))
  })
  relation <- if (has_same_formula(fit, request)) "rows" else "related"
  if (is.null(adapter$seed) || length(end$state) == 0) {
    stop_from("nothing can be started from this fit")
  }
  if (!relation %in% adapter$relations) {
    stop_from(paste0(
      "a fit of `", call_name(request$call), "()` starts from no fit of ",
      if (relation == "rows") "other rows" else "another formula"
    ))
  }
  replace(cold_start(relation), c("found", "state", "is_given", "cold"), list(
    "fit that was given", end$state, TRUE, Inf
  ))
}

# What keeps no formula is the same model, as far as anybody can tell.
has_same_formula <- function(fit, request) {
  asked <- request$key$parts$formula$shown
  data <- or_null(eval(request$asked$data, request$env))
  own <- or_null(stats::formula(fit))
  if (inherits(own, "formula")) own <- list(own)
  if (!is_formulas(own) || is.null(asked)) {
    return(is.null(asked))
  }
  own <- lapply(own, function(formula) canonical_call(expand_dot(formula, data)))
  text <- function(formulas) vapply(formulas, deparse1, "")
  identical(text(own), utils::head(text(asked), length(own)))
}

stop_from <- function(why) {
  why <- sub("^The stored fit cannot start this one: ", "", why)
  stop_argument("from", paste0("cannot start this fit: ", full_stop(why)))
}

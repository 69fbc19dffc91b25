# The best there is of this very fit; else the newest of the same model on other rows.
find_start <- function(request, session, store, finished, near) {
  if (!is.null(finished)) {
    return(new_start("exact", finished$entry, finished$state, "finished fit", finished))
  }
  entry <- session_load(session)
  if (is.null(entry) && near) {
    seed <- store_lookup(store, request$key$specification, select = "latest")
    session_preload(session, seed)
    entry <- if (!is.null(seed)) session_load(session)
  }
  state <- if (is.list(entry$payload)) entry$payload$state
  if (is.null(state)) {
    return(list(source = "none"))
  }
  found <- if (entry$source == "exact") "interrupted fit" else "same model, other rows"
  new_start(entry$source, entry, state, found, entry$payload)
}

new_start <- function(source, entry, state, found, payload) {
  list(
    source = source, entry = entry, state = state, found = found,
    iterations = if (found == "interrupted fit") payload$iterations %||% 0 else 0,
    seconds = if (found == "interrupted fit") payload$seconds %||% 0 else 0
  )
}

announce <- function(start) {
  if (start$source == "none") {
    return(invisible())
  }
  what <- switch(start$found,
    "interrupted fit" = paste("Resuming from iteration", format(start$entry$iteration)),
    "finished fit" = "Starting from the finished fit",
    "Starting from the same model on other rows"
  )
  inform(paste0(what, ", saved ", age_of(start$entry), " ago."))
}

age_of <- function(entry) {
  format_age(as.numeric(Sys.time()) - as.numeric(entry$written))
}

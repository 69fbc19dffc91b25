# A name is a key of its own. Its one entry is the whole fit, with a mark in its record: no sweep
# removes it, and it does not expire. So one write puts another fit under the name, and the old one
# is there until then.
#
#   of      the fit's own key
#   sketch  what went into that, to say what differs where another call asks for the name
#   fit     as the fitter has left it and not packed, since no call is at hand to unpack it
#
# Under the fit's own key its state alone stays, which expires as any. Which names it has is told by
# an entry with the same mark, under a key made from the fit's. Of two processes that name one fit
# in the same moment, that may lose one's name: so it serves to find the fit, and what is to be
# forgotten is listed.

name_key <- function(name) fingerprint(c("name", unname(name)))

name_run_id <- "name"

names_key <- function(of) fingerprint(c("names", of))

names_run_id <- "names"

check_name <- function(name) {
  if (!is.null(name) && (!is_string(name) || !nzchar(name) || is_key(name) || !is_label(name))) {
    stop_argument("name", paste(
      "must be one string of at most 143 bytes, without control characters, that is no key; or",
      "NULL."
    ))
  }
}

is_label <- function(text) {
  validUTF8(enc2utf8(text)) && nchar(enc2utf8(text), "bytes") <= label_bytes &&
    !grepl("[[:cntrl:]]", text)
}

# Keeping and finding ----------------------------------------------------------------------------

#' Keeps a fit under its name
#'
#' Gives that, or NULL where the store fails, of which the fit's session tells.
#' @param payload What is kept of it, as finished_payload() makes it.
#' @noRd
keep_named <- function(request, store, name, payload, fit, objective, iterations) {
  payload["fit"] <- list(fit)
  payload$of <- format(request$key$exact)
  payload$sketch <- sketch_of(request)
  encoded <- encode_payload(payload, Inf, request$homes)
  before <- without_trust_warnings(find_named(store, name))$payload$of
  saved <- without_store_warnings(save_encoded(
    4L, store, name_key(name), encoded, objective, iterations, name_run_id, name
  ))
  if (is.na(saved)) {
    return(NULL)
  }
  if (!is.null(before) && before != payload$of) drop_names(store, before, name)
  save_names(store, payload$of, union(known_names(store, payload$of), name))
  name
}

# As the fit's own entry of them tells; some may be another's by now.
known_names <- function(store, of) {
  names <- read_names(store, names_key(of))
  if (identical(names$of, of)) names$names else character()
}

# An entry of names, which is plain data of anybody's.
read_names <- function(store, key) {
  payload <- store_lookup_run(store, key, names_run_id)$payload
  if (is.list(payload) && !is.object(payload) && is_key(payload$of) &&
    is.character(payload$names)) {
    payload
  }
}

save_names <- function(store, of, names) {
  key <- names_key(of)
  if (length(names) == 0) {
    store_delete(store, key, names_run_id)
  } else if (!identical(names, known_names(store, of))) {
    encoded <- encode_payload(list(of = of, names = names))
    without_store_warnings(save_encoded(4L, store, key, encoded, NA, NA, names_run_id, NULL))
  }
}

drop_names <- function(store, of, names) {
  save_names(store, of, setdiff(known_names(store, of), names))
}

warn_unnamed <- function(name) {
  warn_warmstart(
    paste0("The fit could not be kept under its name: ", format_text(name)),
    class = "store"
  )
}

find_named <- function(store, name, homes = list()) {
  entry <- lookup_fit(store, name_key(name), homes, name_run_id)
  payload <- entry$payload
  if (is.list(payload) && !is.object(payload) && is_key(payload$of)) entry
}

# The fit that is asked for, where it has finished and is kept under this name or another; one of
# these versions, if there is one.
find_named_fit <- function(request, store, name) {
  of <- format(request$key$exact)
  found <- NULL
  for (name in union(name, known_names(store, of))) {
    entry <- find_named(store, name, request$homes)
    if (identical(entry$payload$of, of) && has_state(entry)) {
      finished <- as_finished(entry, request, store)
      found <- if (is.null(finished$fit)) found %||% finished else finished
      if (!is.null(finished$fit)) break
    }
  }
  found
}

# A finished fit that is to have a name has none yet, or another.
name_finished <- function(request, store, name, finished, fit) {
  named <- without_trust_warnings(find_named(store, name))
  if (!identical(named$payload$of, format(request$key$exact))) {
    entry <- finished$entry
    named <- keep_named(
      request, store, name, entry$payload, bare_fit(fit), entry$objective, entry$iteration
    )
    if (is.null(named)) warn_unnamed(name)
  }
}

bare_fit <- function(fit) {
  if (!is.null(attr(fit, "warmstart"))) attr(fit, "warmstart") <- NULL
  fit
}

# What the name stands for so far, where that is another fit.
other_named <- function(request, store, name) {
  payload <- if (!is.null(name)) without_trust_warnings(find_named(store, name))$payload
  if (!is.null(payload) && payload$of != format(request$key$exact)) payload
}

announce_other_named <- function(request, store, name) {
  other <- other_named(request, store, name)
  if (!is.null(other)) inform(other_named_text(request, name, other))
}

other_named_text <- function(request, name, other) {
  differs <- if (is_sketch(other$sketch)) diff_sketches(other$sketch, sketch_of(request))
  paste0(
    "The name \"", name, "\" has been another fit's",
    if (length(differs) > 0) {
      paste0(", which is the first: ", paste(differences_of(list(differs = differs), 3),
        collapse = "; "
      ))
    },
    ". That stays until this one has finished."
  )
}

# By name ----------------------------------------------------------------------------------------

#' The fit of a name
#'
#' A fit that [warm()] keeps under a name, `warm(..., name = "thesis-3")`, as it was: without its
#' call, and without its data.
#'
#' @section How long is it kept?:
#' Until [warm_forget()] removes it or another fit takes its name, past the store's `max_age` and
#' `max_size`; what has a name comes on top of the latter. Only what is larger than the store may be
#' cannot be kept.
#'
#' @section Other versions?:
#' It is returned whatever versions of R and of packages have made it; where they are others now, a
#' message says so.
#'
#' @param name One string.
#' @param store A [warm_store()], or the path of one; by default the one that [`warmstart-options`]
#'   names.
#' @param ... Must be empty.
#' @param trust TRUE or FALSE, the default: return it also from a store that others can write? See
#'   [warm_store()].
#' @return What [warm()] returned, with what [warm_info()] reads. The fitter's warnings come with
#'   it. Where the fit was made in a function, its formulas refer to the workspace instead.
#' @section Errors: `warmstart_error_argument` where the store has no fit of that name, or others
#'   may have written it.
#' @seealso [warm()], [warm_forget()], [store_list()], which has names first
#' @examples
#' store <- warm_store(tempfile("store"))
#' fit <- warm(glm(am ~ wt, binomial, mtcars), store, name = "thesis-3")
#' warm_get("thesis-3", store)
#' # The name of another fit: it says what differs.
#' fit <- warm(glm(am ~ wt + hp, binomial, mtcars), store, name = "thesis-3")
#' store_list(store)
#' @export
warm_get <- function(name, store = warm_store(), ..., trust = FALSE) {
  check_dots(...)
  check_flag(trust, "trust")
  if (missing(name) || is.null(name)) {
    stop_argument("name", "must be one string; `store_list()` shows the names that there are.")
  }
  check_name(name)
  store <- as_store(store)
  if (trust) store <- trust_store(store)
  entry <- find_named(store, name)
  fit <- if (!is.null(entry)) trusted_fit(entry, store)
  if (is.null(fit)) stop_argument("name", why_no_name(store, name))
  payload <- entry$payload
  announce_versions(payload$versions)
  if (is.list(payload$said)) {
    say(given_conditions(payload$said, list(expr = or_null(call_in(fit)))))
  }
  with_info(fit, new_info(
    "finished",
    call = or_null(call_in(fit)), key = entry_key(payload$of), found = "finished fit",
    written = entry$written, iterations = 0, iterations_before = count_of(payload$iterations),
    seconds = 0, seconds_saved = count_of(payload$seconds)
  ))
}

entry_key <- function(hex) structure(hex, class = "fingerprint")

why_no_name <- function(store, name) {
  if (length(list_runs(store, name_key(name))$run_id) > 0) {
    return(paste(
      "is that of a fit that was not loaded: others may have written it (see `trust`), or it is",
      "damaged."
    ))
  }
  nearest <- nearest_text(name, names_in(store)$label)
  paste0("is no name of a fit in this store; ", if (is.null(nearest)) {
    "`store_list()` has them first."
  } else {
    paste0("is it \"", nearest, "\"?")
  })
}

# The runs that are names.
names_in <- function(store) {
  runs <- list_runs(store, NULL)
  lapply(runs, `[`, runs$state == "named" & runs$run_id == name_run_id)
}

# Those of one fit.
names_of <- function(store, key) {
  runs <- names_in(store)
  is_own <- vapply(runs$label, function(name) {
    identical(without_trust_warnings(find_named(store, name))$payload$of, key)
  }, NA)
  lapply(runs, `[`, is_own)
}

announce_versions <- function(before) {
  if (is.character(before)) {
    now <- vapply(names(before), version_now, "")
    before <- stats::setNames(sub(" .*", "", before), names(before))
    known <- !is.na(now)
    if (!identical(before[known], now[known])) {
      others <- other_versions(before[known], now[known])
      inform(paste0("Other code has made this fit: ", others, "."))
    }
  }
}

# NA where it is not known.
version_now <- function(package) {
  if (package == "R") {
    r_minor_version()
  } else {
    or_null(getNamespaceVersion(package)[[1]]) %||% NA_character_
  }
}

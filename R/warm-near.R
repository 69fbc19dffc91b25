# Tests: test-warm-find.R.
#
# Why was a fit not found? Of each fit that is kept a sketch stays: what its key was made of, as
# digests and short texts, without data. All sketches of one fitter, response and family are in one
# entry of the store, under a key of its own, the newest first. It is bounded: of a bootstrap's
# thousands some will do.
#
# It is plain data that anybody may have written, and serves to tell people something, no more. Of
# two processes that write at once, one's sketch is lost, and with it an explanation.

sketches_kept <- 32L # a person's history of one analysis
sketches_of_model <- 4 # on other data
sketch_parts <- 64
sketch_text <- 80 # characters that a part is shown by
formula_text <- 2000

# Sketches ---------------------------------------------------------------------------------------

#' What a request's key was made of, as plain data
#' @noRd
sketch_of <- function(request, seconds = NULL) {
  parts <- request$key$parts
  names(parts) <- make.unique(strtrim(names(parts), sketch_text))
  kept <- utils::head(parts, sketch_parts)
  digests <- vapply(kept, function(part) substr(part$fingerprint, 1, 16), "")
  shown <- vapply(kept, function(part) strtrim(format_text(part_text(part)), sketch_text), "")
  if (length(parts) > length(kept)) {
    rest <- lapply(parts[-seq_along(kept)], .subset2, "fingerprint")
    digests <- c(digests, "further parts" = substr(format(fingerprint(rest)), 1, 16))
    shown <- c(shown, paste(length(rest), "in all"))
  }
  formulas <- vapply(parts$formula$shown, deparse1, "")
  list(
    of = format(request$key$exact), model = format(request$key$specification),
    label = request$label, written = as.numeric(Sys.time()), names = names(digests),
    digests = unname(digests), shown = unname(shown),
    formulas = if (sum(nchar(formulas)) <= formula_text) unname(formulas), seconds = seconds
  )
}

is_sketch <- function(x) {
  is.list(x) && !is.object(x) && tells_whose(x) && has_sketched_parts(x)
}

tells_whose <- function(x) {
  all(vapply(x[c("of", "model", "label")], is_string, NA)) && is_key(x$of) &&
    is_number(x$written) && (is.null(x$formulas) || is.character(x$formulas))
}

has_sketched_parts <- function(x) {
  parts <- x[c("names", "digests", "shown")]
  all(vapply(parts, is.character, NA)) && !anyNA(unlist(parts)) &&
    all(lengths(parts) == length(x$names)) && !anyDuplicated(x$names)
}

is_key <- function(x) is_string(x) && grepl("^[0-9a-f]{32}\\z", x, perl = TRUE)

# Two in the form that fingerprint_diff() compares: formulas as such where both have them.
diff_sketches <- function(a, b) {
  formulas <- lapply(list(a, b), function(sketch) sketched_formulas(sketch$formulas))
  if (any(lengths(formulas) == 0)) formulas <- list(NULL, NULL)
  fingerprint_diff(as_fingerprint(a, formulas[[1]]), as_fingerprint(b, formulas[[2]]))
}

# NULL where the text is anything else.
sketched_formulas <- function(texts) {
  formulas <- lapply(texts, function(text) or_null(str2lang(text)))
  is_one <- vapply(formulas, function(x) is.call(x) && head_of(x) == "~", NA)
  if (all(is_one)) formulas
}

as_fingerprint <- function(sketch, formulas) {
  parts <- Map(
    function(digest, shown) list(fingerprint = digest, shown = shown),
    stats::setNames(sketch$digests, sketch$names), sketch$shown
  )
  if (!is.null(formulas) && !is.null(parts$formula)) {
    parts$formula$shown <- formulas
  } else {
    names(parts)[names(parts) == "formula"] <- "model formula" # compared as a text
  }
  structure(list(parts = parts), class = "model_fingerprint")
}

# How many parts two sketches have apart, and of how many.
distance <- function(a, b) {
  names <- setdiff(union(a$names, b$names), "kinds")
  same <- a$digests[match(names, a$names)] == b$digests[match(names, b$names)]
  c(sum(is.na(same) | !same), length(names))
}

# In the store -----------------------------------------------------------------------------------

near_run_id <- "near"

is_near_run <- function(run_id) run_id == near_run_id

# Functions that `warm()` does not know have one neighbourhood: what they are called tells them
# apart.
near_key <- function(request) {
  fitter <- request$key$parts$fitter
  fingerprint(list("near", format(request$key$neighbourhood), part_text(fitter)))
}

find_sketches <- function(store, key) {
  payload <- store_lookup_run(store, key, near_run_id)$payload
  if (is.list(payload) && !is.object(payload)) Filter(is_sketch, payload)
}

save_sketches <- function(store, key, sketches, label) {
  save_seed(store, key, sketches, NA, NA, near_run_id, label)
}

# Keeps the sketch of a fit that was kept, and tells what is near to one that began cold. Where a
# model has its share of sketches, what takes a moment goes without either: they would take another.
note_near <- function(request, store, outcome, kept) {
  sketches <- find_sketches(store, near_key(request))
  models <- vapply(sketches, .subset2, "", "model")
  of_model <- sum(models == format(request$key$specification))
  if (outcome$seconds < near_from() && of_model >= sketches_of_model) {
    return(NULL)
  }
  sketch <- sketch_of(request, outcome$seconds)
  if (isTRUE(kept %in% c("fit", "estimates"))) keep_sketch(request, store, sketch, sketches)
  if (!outcome$used) find_near(request, store, NULL, sketch, sketches)
}

# That of a fit which has been interrupted and of one that has finished is the same, but for the
# seconds that it took.
keep_sketch <- function(request, store, sketch = sketch_of(request),
                        sketches = find_sketches(store, near_key(request))) {
  of <- vapply(sketches, .subset2, "", "of")
  if (!sketch$of %in% utils::head(of, 1) || !is.null(sketch$seconds)) {
    sketches <- within_bounds(c(list(sketch), sketches[of != sketch$of]))
    save_sketches(store, near_key(request), sketches, request$label)
  }
}

within_bounds <- function(sketches) {
  models <- vapply(sketches, .subset2, "", "model")
  place <- stats::ave(seq_along(models), models, FUN = seq_along)
  utils::head(sketches[place <= sketches_of_model], sketches_kept)
}

forget_sketch <- function(store, key, of) {
  sketches <- find_sketches(store, key)
  left <- Filter(function(sketch) sketch$of != of, sketches)
  if (length(left) == 0 && length(sketches) > 0) {
    store_delete(store, key, near_run_id)
  } else if (length(left) < length(sketches)) {
    save_sketches(store, key, left, left[[1]]$label)
  }
}

# The nearest ------------------------------------------------------------------------------------

#' The nearest of other fits that are stored, and what differs from it
#'
#' @param of The key of the one to compare with, where it has a sketch.
#' @return A list of its `key`, `label`, `written` and `differs`, a [fingerprint_diff()]; NULL where
#'   none has half of its parts in common.
#' @noRd
find_near <- function(request, store, of = NULL, sketch = sketch_of(request),
                      sketches = find_sketches(store, near_key(request))) {
  others <- Filter(function(other) other$of != sketch$of, sketches)
  apart <- vapply(others, distance, numeric(2), sketch)
  is_asked <- vapply(others, function(other) other$of %in% of, NA)
  order <- order(!is_asked, apart[1, ], seq_along(others))
  near <- others[order[apart[1, order] <= apart[2, order] / 2]]
  for (other in utils::head(near, near_looked_at)) {
    if (length(list_runs(store, other$of)$run_id) > 0) {
      return(list(
        key = other$of, label = other$label,
        written = as.POSIXct(other$written, origin = "1970-01-01"),
        differs = diff_sketches(other, sketch)
      ))
    }
  }
  NULL
}

near_looked_at <- 8 # others may have been removed

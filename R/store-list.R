# Tests: test-store.R.

#' What is in a store
#'
#' @param store A [warm_store()], or the path of one; by default the one that [`warmstart-options`]
#'   names.
#' @param key Only the runs of this key, a [fingerprint()] or its 32 hex digits; NULL, the default,
#'   for all.
#' @return `store_list()`: a data frame, one row a run, those with a name first, then the newest, of
#'   which 20 are printed: `key`, `run_id`, `label`, `kind` (checkpoint or final), `state`
#'   (running, interrupted, finished, named: a finished fit whose label is its name, seed:
#'   starting values that [warm()] keeps for other fits, or cached: a value of [as_cachem()]),
#'   `objective`, `iteration`, `bytes` (of the file), `written` (POSIXct), `age` (difftime). Where
#'   files or directories could not be read, the attribute `unread` is how many, and `reason` why;
#'   this is printed. `store_info()`: a list of class `warm_store_info` with `path`, `max_size`
#'   (bytes), `max_age` (seconds), `shared` (by its group, TRUE or FALSE), `unread` (files and
#'   directories that could not be read), `bytes`, `runs`, how many of them are `finished`,
#'   `running` and `interrupted`, the numbers of `named` fits, of `seeds` and of `cached` values,
#'   and `newest`, the rows of `store_list()` of up to five runs. A store prints as its
#'   `store_info()`.
#' @section Errors: `warmstart_error_argument` names a bad argument.
#' @seealso [warm_store()], [store_lookup()], [summary.warm_store()]
#' @examples
#' store <- warm_store(tempfile("store"))
#' store_save(store, fingerprint("a"), 1:3, label = "first try")
#' store_list(store)
#' store_info(store)
#' @export
store_list <- function(store = warm_store(), key = NULL) {
  frame <- list_all(as_store(store), key)
  unread <- attributes(frame)[c("unread", "reason")]
  frame <- frame[!frame$state %in% not_listed, , drop = FALSE]
  rownames(frame) <- NULL
  attributes(frame)[names(unread)] <- unread
  new_listing(frame, "warm_store_list")
}

# What is said about fits, as well: "near", what went into their keys; "names", which a fit has;
# "begins", how often it has begun at one iterate.
not_listed <- c("near", "names", "begins")

list_all <- function(store, key = NULL) {
  rows <- list_runs(store, key)
  unread <- attributes(rows)[c("unread", "reason")]
  rows$written <- as.POSIXct(rows$written, origin = "1970-01-01")
  frame <- as.data.frame(rows, stringsAsFactors = FALSE)
  frame$state[is_cached_run(frame$run_id)] <- "cached"
  frame$state[frame$state == "seed" & is_near_run(frame$run_id)] <- "near"
  frame$state[frame$state == "named" & frame$run_id == names_run_id] <- "names"
  frame$state[frame$state == "seed" & frame$run_id == begins_run_id] <- "begins"
  frame$age <- as.difftime(as.numeric(Sys.time()) - as.numeric(frame$written), units = "secs")
  frame <- frame[order(frame$state != "named", -as.numeric(frame$written)), , drop = FALSE]
  attr(frame, "unread") <- unread$unread
  attr(frame, "reason") <- unread$reason
  frame
}

# As vectors beside each other, in no order: a data frame takes half a millisecond to make.
list_runs <- function(store, key) {
  .Call(C_store_list, store, key)
}

#' @rdname store_list
#' @export
store_info <- function(store = warm_store()) {
  store <- as_store(store)
  config <- store_config(store)
  runs <- store_list(store)
  structure(
    c(config, list(
      shared = .Call(C_store_is_shared, store),
      unread = count_of(attr(runs, "unread")),
      bytes = sum(runs$bytes),
      runs = sum(!runs$state %in% c(beside_fits, "named")),
      named = sum(runs$state == "named"),
      finished = sum(runs$state == "finished"),
      running = sum(runs$state == "running"),
      interrupted = sum(runs$state == "interrupted"),
      seeds = sum(runs$state == "seed"),
      cached = sum(runs$state == "cached"),
      newest = utils::head(runs[!runs$state %in% beside_fits, ], newest_shown)
    )),
    class = "warm_store_info"
  )
}

newest_shown <- 5
beside_fits <- c("seed", "cached")

# path, max_size in bytes, max_age in seconds, trust.
store_config <- function(store) {
  stats::setNames(.Call(C_store_config, store)[1:4], c("path", "max_size", "max_age", "trust"))
}

#' @export
format.warm_store_info <- function(x, ...) {
  states <- c("finished", "running", "interrupted")
  numbers <- paste(vapply(x[states], format, "", scientific = FALSE), states)
  fullness <- paste0(
    format_size(x$bytes), " of ", format_size(x$max_size), share_of(x$bytes, x$max_size),
    ", each kept for ", format_age(x$max_age), "."
  )
  c(
    store_head(x$path),
    wrap_below(paste0(
      counted(x$runs, "run"), ": ", paste(numbers, collapse = ", "),
      if (x$named > 0) paste0("; ", counted(x$named, "named fit"), ", kept until forgotten"),
      if (x$seeds > 0) paste0("; and ", counted(x$seeds, "seed"), " for other fits"),
      if (x$cached > 0) paste0("; and ", counted(x$cached, "cached value")), "."
    )),
    wrap_below(fullness),
    if (x$shared) wrap_below("Shared: all of its group can read and write it."),
    if (x$unread > 0) wrap_below(unread_text(x$unread, "")),
    if (nrow(x$newest) > 0) c(wrap_below("Newest:"), newest_lines(x$newest)),
    wrap_below(next_step(x))
  )
}

store_head <- function(path) path_line("<warm_store>", path)

path_line <- function(head, path) {
  paste(head, cut_middle(format_text(path), line_width() - 1 - nchar(head)))
}

share_of <- function(bytes, max_size) {
  if (is.finite(max_size) && max_size > 0) {
    share <- round(100 * bytes / max_size)
    paste0(" (", if (share < 1 && bytes > 0) "less than 1" else share, " %)")
  }
}

# A line each: state, age, label or else the key, cut where the line ends.
newest_lines <- function(runs) {
  name <- ifelse(is.na(runs$label), paste("key", runs$key), format_text(runs$label))
  age <- paste(format_age(as.numeric(runs$age, units = "secs")), "ago")
  cut_text(paste("   ", format(runs$state), format(age), name), line_width())
}

# What whoever looks at a store may want to do.
next_step <- function(x) {
  if (x$interrupted > 0) {
    "To go on with an interrupted fit, run the line that began it again."
  } else if (x$runs + x$seeds + x$named == 0) {
    "Nothing here yet: wrap a call in warm(), as in warm(gam(y ~ s(x)), store)."
  } else {
    "See store_list() for all of them, summary() for what they were good for."
  }
}

#' @export
print.warm_store_info <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' @export
format.warm_store <- function(x, ...) {
  format(store_info(x))
}

#' @export
print.warm_store <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

# Tests: test-store.R.

#' What is in a store
#'
#' @param store A [warm_store()], or the path of one; by default the one that [`warmstart-options`]
#'   names.
#' @param key Only the runs of this key, a [fingerprint()] or its 32 hex digits; NULL, the default,
#'   for all.
#' @param ... Must be empty.
#' @param all TRUE or FALSE: all runs, one row each? FALSE, the default without `key`, shows each
#'   fit once, and leaves out what serves others or has been superseded: seeds, interrupted runs of
#'   a fit that another run has finished or is at, and of several such the older ones. With a name,
#'   a fit has the key of its call, and the bytes of all its files.
#' @return `store_list()`: a data frame, those with a name first, then the newest, of which 20 are
#'   printed: `key`, `run_id`, `label`, `name` (or several, with commas; NA where a fit has none),
#'   `kind` (checkpoint or final), `state` (running, interrupted, finished, named: a finished fit
#'   that has a name; seed: starting values that [warm()] keeps for other fits; or cached: a value
#'   of [as_cachem()]), `objective`, `iteration`, `seconds` (that the fit took; NA where it is not
#'   known, as of the older ones among many similar fits, see [warm_find()]), `bytes` (of the
#'   files), `written` (POSIXct), `age` (difftime). Where
#'   files or directories could not be read, the attribute `unread` is how many, and `reason` why;
#'   this is printed. `store_info()`: a list of class `warm_store_info` with `path`, `max_size`
#'   (bytes), `max_age` (seconds), `shared` (by its group, TRUE or FALSE), `unread` (files and
#'   directories that could not be read), `bytes`, `runs`, as `store_list()` shows them, how many of
#'   these are `finished`, `running` and `interrupted`, the numbers of names (`named`), of `seeds`
#'   and of `cached` values, and `newest`, up to five rows of `store_list()`. A store prints as its
#'   `store_info()`.
#' @section Errors: `warmstart_error_argument` names a bad argument.
#' @seealso [warm_store()], [store_lookup()], [summary.warm_store()]
#' @examples
#' store <- warm_store(tempfile("store"))
#' store_save(store, fingerprint("a"), 1:3, label = "first try")
#' store_list(store)
#' store_info(store)
#' @export
store_list <- function(store = warm_store(), key = NULL, ..., all = !is.null(key)) {
  check_dots(...)
  store <- as_store(store)
  frame <- list_all(store, key)
  check_flag(all, "all")
  unread <- attributes(frame)[c("unread", "reason")]
  frame <- with_said(frame, store)
  frame <- frame[!frame$state %in% not_listed, , drop = FALSE]
  if (!all) frame <- one_a_fit(frame)
  frame <- frame[listed]
  rownames(frame) <- NULL
  attributes(frame)[names(unread)] <- unread
  new_listing(frame, "warm_store_list")
}

listed <- c(
  "key", "run_id", "label", "name", "kind", "state", "objective", "iteration", "seconds", "bytes",
  "written", "age"
)

# The names and seconds of fits, as other entries tell them, and `of`, the key of the fit that a row
# belongs to.
with_said <- function(frame, store) {
  frame$of <- frame$key
  frame$name <- rep(NA_character_, nrow(frame))
  frame$seconds <- rep(NA_real_, nrow(frame))
  is_name <- frame$state == "named"
  frame$name[is_name] <- frame$label[is_name]
  for (key in frame$key[frame$state == "names"]) {
    names <- read_names(store, key)
    own <- is_name & frame$name %in% names$names
    frame$of[own] <- names$of
  }
  sketches <- lapply(frame$key[frame$state == "near"], find_sketches, store = store)
  sketches <- unlist(sketches, recursive = FALSE)
  at <- match(frame$of, vapply(sketches, .subset2, "", "of"))
  seconds <- vapply(sketches, function(sketch) {
    if (is_number(sketch$seconds)) as.numeric(sketch$seconds) else NA_real_
  }, 0)
  is_done <- frame$state %in% c("finished", "named")
  frame$seconds[is_done] <- seconds[at[is_done]]
  labels <- vapply(sketches, .subset2, "", "label")[at]
  is_told <- is_name & !is.na(labels)
  frame$label[is_told] <- labels[is_told]
  frame
}

# A row with a name stands for its fit; else the finished run, those that are alive, or the newest
# of the interrupted ones.
one_a_fit <- function(frame) {
  frame <- frame[frame$state != "seed", , drop = FALSE]
  is_name <- frame$state == "named"
  for (of in unique(frame$of[is_name])) {
    rows <- which(frame$of == of)
    first <- rows[is_name[rows]][[1]]
    frame$name[first] <- paste(frame$name[rows[is_name[rows]]], collapse = ", ")
    frame$bytes[first] <- sum(frame$bytes[rows[frame$kind[rows] == "final"]])
  }
  frame$key <- frame$of
  rank <- match(frame$state, c("named", "finished", "running", "interrupted"), nomatch = 0)
  best <- stats::ave(rank, frame$of, FUN = min)
  is_later <- rank %in% c(1, 2, 4) & duplicated(paste(frame$of, rank))
  frame[frame$state == "running" | rank == best & !is_later, , drop = FALSE]
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
  runs <- store_list(store, all = TRUE)
  fits <- store_list(store)
  structure(
    c(config, list(
      shared = .Call(C_store_is_shared, store),
      unread = count_of(attr(runs, "unread")),
      bytes = sum(runs$bytes),
      runs = sum(!fits$state %in% c(beside_fits, "named")),
      named = sum(runs$state == "named"),
      finished = sum(fits$state == "finished"),
      running = sum(fits$state == "running"),
      interrupted = sum(fits$state == "interrupted"),
      seeds = sum(runs$state == "seed"),
      cached = sum(runs$state == "cached"),
      newest = utils::head(fits[!fits$state %in% beside_fits, ], newest_shown)
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
  name <- ifelse(is.na(runs$label), paste("key", runs$key), format_text(named_label(runs)))
  age <- paste(format_age(as.numeric(runs$age, units = "secs")), "ago")
  cut_text(paste("   ", format(runs$state), format(age), name), line_width())
}

# A fit's name ahead of its formula.
named_label <- function(runs) {
  ifelse(is.na(runs$name), runs$label, ifelse(
    runs$name == runs$label, dQuote(runs$name, FALSE),
    paste0(dQuote(runs$name, FALSE), ": ", runs$label)
  ))
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

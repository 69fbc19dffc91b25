#' A store of fits
#'
#' A directory that keeps the states of running fits and the finished ones, found by
#' [fingerprint()], bounded in size and age.
#'
#' @section Where is it?:
#' Without `path`, in the directory that the option `warmstart.store` names; else in that of the
#' environment variable `WARMSTART_STORE`; else in the user's cache directory,
#' `tools::R_user_dir("warmstart", "cache")`. It is made when something is first saved.
#'
#' Wherever a store is taken, its path will do, for a store with the default bounds:
#' `warm(..., "fits")`.
#'
#' @section How big does it get?:
#' About `max_size` bytes. The store sweeps itself in slices: whoever saves looks, after that, at
#' some sixteen files for each of its size that was added, and never at many more than a thousand;
#' so no save waits for all of a large store. What has expired goes, then what was used (written, or
#' looked up, to the day) least recently; of one key, checkpoints before the final entry. Once
#' around takes a sixteenth of `max_size` in saves, or a day. A store can be larger than `max_size`
#' by an eighth, and by one entry for each process that is writing. Processes count together, and
#' need not wait for each other to do so: at the worst, each of `p` that write at the same time adds
#' a sixteenth of its own. The files of running fits are never removed, and come on top; where
#' entries are some sixty times as large as those that have to go for them, it takes more saves.
#' Entries older than `max_age` are never returned, and removed when the sweep comes to them.
#' What is larger than 15/16 of `max_size` is refused, with the reason. No save sweeps its own
#' entry. [store_evict()] sweeps all at once.
#'
#' @section What if R is killed?:
#' Whatever a call reported as saved is found by the next lookup, from any process of this
#' machine. So it is after a power loss, but for checkpoints that came less than 2 s after one that
#' was synced (on a fast disk less than 0.1 s, see [warm_session()]), and for fits of [warm()] that
#' took less than 2 s. What is lost took no longer than that to compute, however long the iteration
#' that it fell into.
#'
#' @section Several processes?:
#' Any number may use one store at once. Each run has its own file; a lookup sees them all, takes
#' no lock and never waits.
#'
#' @section Several machines?:
#' On a directory that machines share (NFS, SMB, a cluster's file system) this still holds: an
#' entry is returned whole or not at all; each run writes to its own file, named by host, process
#' and chance, so that no two ever write to one; what a machine has finished, the others find.
#'
#' What does not hold there: an entry is found by the others only when their view of the directory
#' is renewed, on NFS after up to a minute. Checkpoints reach the server when they are synced: the
#' first, and then one in two seconds; the others see them no sooner. A run is known to be alive by
#' a lock on its file; on a mount without locks (`nolock`) it looks interrupted to other machines,
#' and a sweep of theirs may remove its file; the fit goes on, and makes a new file once it
#' notices. Clocks should agree: what a clock far behind has written may have expired. Where fits
#' are long and machines many, keep a store on each machine's own disk.
#'
#' @section Another machine?:
#' A store may be copied, moved and backed up as files, while nothing writes to it: it holds the
#' same bytes on every platform, and keys are the same in every version of R. What is found there
#' is trusted as in any store: see "Is a shared store safe?".
#'
#' @section Is the result the same?:
#' What was saved is returned as it was: a raw vector byte for byte, any other object as
#' `serialize()` keeps it. Damage is noticed by digests of 128 bits, and what is damaged is passed
#' over. What [warm()] makes of it: see there.
#'
#' @section Who can read it?:
#' Of a running or finished fit its state (parameters, objective, iteration), and of a finished one
#' the fit itself, with the data that the fitter keeps in it; besides, a label, for [warm()] the
#' formula, and the objectives of up to 64 iterates; and of the store, how often it was of use.
#' Nothing is encrypted. All of it is in the store's directory, and nowhere else: there are no logs
#' and no copies. [store_delete()] removes a key's data for good; [warm()] keeps a finished fit's
#' state under two further keys, for related models, which [store_list()] shows.
#'
#' A new store can be read and written by you alone: the modes of directories are 0700, those of
#' files 0600, whatever the umask. A directory that is there already keeps its rights, but files in
#' it are still yours alone: where others are to use them, change their modes. On Windows the
#' rights of the directory above apply.
#'
#' @section Is a shared store safe?:
#' What others have written cannot run code, nor break anything by what it says. States are
#' plain data, which is checked byte for byte before R reads it: numbers, text, and lists of
#' these; warm starts work from any store. A whole fit holds functions. It is loaded only
#' where nobody else can have written it: the file and the store's directory are yours,
#' others cannot write them nor replace a directory on the way, and there is no symbolic
#' link. Otherwise the lookup warns (`warmstart_warning_trust`) and goes on to the next
#' entry, and `warm()` fits again, from the plain state. `trust = TRUE` takes whole fits
#' from such a store too: then whoever can write there can run code with your rights. On
#' Windows lists of rights are not read: private is what you own below your own profile.
#'
#' What others have written can still be wrong: a start far from the optimum, or a finished fit's
#' state that is another's. `warm()` checks how a fit ends, not where its start came from.
#'
#' @param path Path of the directory; NULL for the default: see "Where is it?".
#' @param max_size Bound in bytes: a number, or text such as `"1 GiB"`, the default, `"500 MB"`,
#'   `"Inf"`.
#' @param max_age Bound with its unit: text such as `"30 days"`, the default, `"12 hours"`, or a
#'   `difftime`; `Inf` for none.
#' @param trust TRUE or FALSE, the default: load whole fits also from a store that others can write?
#' @return An object of class `warm_store`. It may be saved and sent to other processes: there it
#'   opens the same directory again. `store$path`, `store$max_size` (bytes), `store$max_age`
#'   (seconds) and `store$trust` tell what it was made with; `plot(store)` draws the history of its
#'   newest run, see [plot.warm_history()].
#' @section Errors: `warmstart_error_argument` names a bad argument, such as a path that is a file.
#' @seealso [store_save()], [store_list()], [warm_session()], [warm()]
#' @examples
#' store <- warm_store(tempfile("store"))
#' key <- fingerprint("my fit")
#' store_save(store, key, list(sp = c(0.1, 2)), objective = 12.5, kind = "final")
#' store_lookup(store, key)
#' store
#' @export
warm_store <- function(path = NULL, max_size = "1 GiB", max_age = "30 days", trust = FALSE) {
  if (is.null(path)) {
    path <- default_path()
  }
  check_path(path, "path")
  check_flag(trust, "trust")
  .Call(
    C_store_open,
    system_path(absolute_path(path)),
    parse_size(max_size, "max_size"),
    parse_age(max_age, "max_age"),
    trust
  )
}

#' A store, or the path of one, as whoever takes a store does
#' @noRd
as_store <- function(store, argument = "store") {
  if (inherits(store, "warm_store")) {
    store
  } else if (is.character(store)) {
    check_path(store, argument)
    warm_store(store)
  } else {
    stop_argument(argument, "must be made by `warm_store()`, or the path of a store.")
  }
}

default_path <- function() {
  option <- getOption("warmstart.store")
  if (!is.null(option)) {
    check_path(option, "options(warmstart.store)")
    return(option)
  }
  # A variable that is set to nothing is as good as none.
  variable <- Sys.getenv("WARMSTART_STORE")
  if (nzchar(variable)) variable else tools::R_user_dir("warmstart", "cache")
}

check_path <- function(path, argument) {
  if (!is.character(path) || length(path) != 1 || is.na(path) || path == "") {
    stop_argument(argument, "must be the path of a directory, as one string.")
  }
}

# A store keeps its place when the working directory changes, or another process opens it.
absolute_path <- function(path) {
  path <- path.expand(path)
  if (grepl("^(/|\\\\|[A-Za-z]:)", path)) path else file.path(getwd(), path)
}

# As the system knows it, by its bytes. What is not ASCII is no text to R in the C locale, and would
# be spelled out: another directory.
system_path <- function(path) {
  if (Encoding(path) == "unknown" && validUTF8(path)) path else enc2utf8(path)
}

#' Save, find and delete entries of a store
#'
#' The plain way into a store, without a session's rules: every save is written and synced.
#'
#' @param store A [warm_store()], or the path of one.
#' @param key A [fingerprint()], or its 32 hex digits.
#' @param payload A raw vector, kept byte for byte, or any R object.
#' @param objective The number being minimised; lower is better. NA, the default, NaN and infinite
#'   values count as absent.
#' @param iteration A whole number from 0 to 2^53, or NA, the default.
#' @param kind `store_save()`: `"checkpoint"` for a fit that was alive, `"final"` for one that
#'   ended well, which takes the place of the key's earlier final entries, also of other runs.
#'   `store_lookup()`: return entries of this kind only; NULL for either.
#' @param run_id The run to save under, whose entry is replaced whole: 1 to 64 letters, digits,
#'   dots, dashes and underscores. NULL makes a new one.
#' @param label A short text for people, at most 143 bytes of UTF-8; NULL, the default, for none.
#' @param select `"best"`: the newest final entry; where there is none, the checkpoint of the lowest
#'   objective, within 1e-12 the newest, and one with an objective before one without. `"latest"`:
#'   the newest of all.
#' @return `store_save()`: the run id, invisibly; NA with a warning where the disk failed.
#'   `store_lookup()`: an entry, or NULL where there is none: a list of class
#'   `warm_entry` with `payload`, `objective`, `iteration`, `kind`, `written` (POSIXct), `run_id`,
#'   `key` and `label`. `store_delete()`: the number of files removed, invisibly.
#' @section Errors: `warmstart_error_argument` names a bad argument, before anything is written. A
#'   damaged, foreign or newer file is no error: it is passed over. So is an object that holds code,
#'   in a store that others can write, with a warning (`warmstart_warning_trust`); see
#'   [warm_store()].
#' @seealso [warm_store()], [store_list()]
#' @examples
#' store <- warm_store(tempfile("store"))
#' key <- fingerprint("my fit")
#' id <- store_save(store, key, list(sp = 0.5), objective = 3, iteration = 1)
#' store_save(store, key, list(sp = 0.4), objective = 2, iteration = 2, run_id = id)
#' store_lookup(store, key)$objective
#' store_delete(store, key)
#' @export
store_save <- function(store, key, payload, objective = NA, iteration = NA,
                       kind = c("checkpoint", "final"), run_id = NULL, label = NULL) {
  kind <- check_choice(kind, c("checkpoint", "final"), "kind")
  save_as(kind_code(kind), store, key, payload, objective, iteration, run_id, label)
}

# Starting values for other fits; listed as what they are, not as anybody's fit.
save_seed <- function(store, key, payload, objective, iteration, run_id, label) {
  save_as(3L, store, key, payload, objective, iteration, run_id, label)
}

save_as <- function(code, store, key, payload, objective, iteration, run_id, label) {
  save_encoded(
    code, as_store(store), key, encode_payload(payload), objective, iteration, run_id, label
  )
}

save_encoded <- function(code, store, key, encoded, objective, iteration, run_id, label) {
  result <- .Call(
    C_store_save, store, key, encoded, objective, iteration, code, run_id, label
  )
  if (inherits(result, "failure")) {
    warn_not_kept(unclass(result), "The entry")
    return(invisible(NA_character_))
  }
  invisible(result)
}

#' @rdname store_save
#' @export
store_lookup <- function(store, key, select = c("best", "latest"), kind = NULL) {
  select <- check_choice(select, c("best", "latest"), "select")
  .Call(C_store_lookup, as_store(store), key, select == "latest", kind_code(kind), NULL)
}

# The best entry of one run.
store_lookup_run <- function(store, key, run_id) {
  .Call(C_store_lookup, store, key, FALSE, 0L, run_id)
}

kind_code <- function(kind) {
  if (is.null(kind)) 0L else match(check_choice(kind, c("checkpoint", "final"), "kind"), kinds)
}
kinds <- c("checkpoint", "final")

#' @rdname store_save
#' @export
store_delete <- function(store, key, run_id = NULL) {
  invisible(.Call(C_store_delete, as_store(store), key, run_id))
}

#' What is in a store
#'
#' @param store A [warm_store()], or the path of one; by default the one that [`warmstart-options`]
#'   names.
#' @param key Only the runs of this key, a [fingerprint()] or its 32 hex digits; NULL, the default,
#'   for all.
#' @return `store_list()`: a data frame, one row a run, those with a name first, then the newest, of
#'   which 20 are printed:
#'   `key`, `run_id`, `label`, `kind` (checkpoint or final), `state` (running, interrupted,
#'   finished, named: a finished fit whose label is its name, seed: starting values that [warm()]
#'   keeps for other fits, cached: a value of [as_cachem()], or near: what went into the keys of
#'   fits, for [warm_find()]), `objective`, `iteration`, `bytes` (of the file), `written` (POSIXct),
#'   `age` (difftime). `store_info()`: a list of class `warm_store_info` with `path`, `max_size`
#'   (bytes), `max_age` (seconds), `bytes`, `runs`, how many of them are `finished`, `running` and
#'   `interrupted`, the numbers of `named` fits, of `seeds` and of `cached` values, and `newest`,
#'   the rows of `store_list()` of up to five runs. A store prints as its `store_info()`.
#' @section Errors: `warmstart_error_argument` names a bad argument.
#' @seealso [warm_store()], [store_lookup()], [summary.warm_store()]
#' @examples
#' store <- warm_store(tempfile("store"))
#' store_save(store, fingerprint("a"), 1:3, label = "first try")
#' store_list(store)
#' store_info(store)
#' @export
store_list <- function(store = warm_store(), key = NULL) {
  rows <- list_runs(as_store(store), key)
  rows$written <- as.POSIXct(rows$written, origin = "1970-01-01")
  frame <- as.data.frame(rows, stringsAsFactors = FALSE)
  frame$state[is_cached_run(frame$run_id)] <- "cached"
  frame$state[frame$state == "seed" & is_near_run(frame$run_id)] <- "near"
  frame$age <- as.difftime(as.numeric(Sys.time()) - as.numeric(frame$written), units = "secs")
  frame <- frame[order(frame$state != "named", -as.numeric(frame$written)), , drop = FALSE]
  rownames(frame) <- NULL
  new_listing(frame, "warm_store_list")
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
beside_fits <- c("seed", "cached", "near")

# path, max_size in bytes, max_age in seconds, trust.
store_config <- function(store) {
  stats::setNames(.Call(C_store_config, store), c("path", "max_size", "max_age", "trust"))
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

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
#' Entries that nobody has used for `max_age` are never returned, and removed when the sweep comes
#' to them. The last use of an entry is its file's time of modification: it is written or, by a
#' lookup, set to the present where that is more than a day later, or more than an eighth of
#' `max_age`. So an entry in daily use stays, and one that is copied without its times counts as
#' used by that. An entry of another user that you may read and not write is not marked. Where a
#' clock has leaped by more than a day, or nobody has used the store for as long, what has expired
#' by it is not removed before a day has passed: a wrong clock makes lookups miss, but takes nothing
#' away. What is larger than 15/16 of `max_size` is refused, with the reason. No save sweeps its own
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
#' is renewed, on NFS after up to a minute; what `summary()` counts, after up to an hour.
#' Checkpoints reach the server when they are synced: the first, and then one in two seconds; the
#' others see them no sooner. A run is known to be alive by a lock on its file, held by the fitting
#' process alone and not by what it forks; on a mount without locks (`nolock`) it looks interrupted
#' to other machines, and a sweep of theirs may remove its file; the fit goes on, and makes a new
#' file once it notices. Clocks should agree: what a clock far behind has written may seem to have
#' expired. Where fits are long and machines many, keep a store on each machine's own disk.
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
#' it are still yours alone, unless the store is shared. On Windows the rights of the directory
#' above apply.
#'
#' @section Can a group share one?:
#' Yes: `warm_store(path, shared = "group")`, said once by the store's owner. The group is that of
#' the directory `path`, or where that is missing, of the directory that it is made in, if that
#' hands its group down (as `chmod g+s` has it). All its members can then read, write and delete
#' what is in the store, whatever their umask: directories get the mode 2770, files 0660, as git's
#' `core.sharedRepository` has it. What is there already is shared as well. That is kept in the
#' store: the others' `warm_store(path)` follows. The directories above `path` must let the group
#' through. Whoever cannot read a part of a store is told so: [store_list()] counts it, and
#' [store_check()] names it. Not on Windows.
#'
#' What members get back of each other's: all that was saved as plain data, and the states of fits,
#' which new fits start from. A finished fit is withheld, your own too, since the group can change
#' its file: [warm()] then warns and fits again, which takes few iterations from that state. With
#' `trust = TRUE` it is returned; see "Is a shared store safe?".
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
#' @param max_age Bound since the last use, with its unit: text such as `"30 days"`, the default,
#'   `"12 hours"`, or a `difftime`; `Inf` for none.
#' @param trust TRUE or FALSE, the default: load whole fits also from a store that others can write?
#' @param shared `"group"` shares the store with its group: see "Can a group share one?". NULL, the
#'   default, leaves the store as it is; a new one is yours alone.
#' @return An object of class `warm_store`. It may be saved and sent to other processes: there it
#'   opens the same directory again. `store$path`, `store$max_size` (bytes), `store$max_age`
#'   (seconds) and `store$trust` tell what it was made with; `plot(store)` draws the history of its
#'   newest run, see [plot.warm_history()].
#' @section Errors: `warmstart_error_argument` names a bad argument, such as a path that is a file.
#'   A store that cannot be shared is no error: there is a warning (`warmstart_warning_store`).
#' @seealso [store_save()], [store_list()], [warm_session()], [warm()]
#' @examples
#' store <- warm_store(tempfile("store"))
#' key <- fingerprint("my fit")
#' store_save(store, key, list(sp = c(0.1, 2)), objective = 12.5, kind = "final")
#' store_lookup(store, key)
#' store
#' @export
warm_store <- function(path = NULL, max_size = "1 GiB", max_age = "30 days", trust = FALSE,
                       shared = NULL) {
  if (is.null(path)) {
    path <- default_path()
  }
  check_path(path, "path")
  check_flag(trust, "trust")
  shares <- !is.null(shared)
  if (shares) check_choice(shared, "group", "shared")
  store <- .Call(
    C_store_open,
    system_path(absolute_path(path)),
    parse_size(max_size, "max_size"),
    parse_age(max_age, "max_age"),
    trust, shares
  )
  if (shares) share_store(store)
  store
}

share_store <- function(store) {
  reason <- .Call(C_store_share, store)
  if (!is.null(reason)) {
    warn_warmstart(
      c(
        paste0(
          "The store could not be shared: ", reason, ": ", format_text(store_config(store)$path)
        ),
        i = "Only the owner of a store can share it."
      ),
      class = "store"
    )
  }
}

#' A store, or the path of one, as whoever takes a store does
#' @noRd
as_store <- function(store, argument = "store") {
  if (missing(store)) {
    stop_argument(argument, "is missing: give a store made by `warm_store()`, or the path of one.")
  } else if (inherits(store, "warm_store")) {
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
#' @return `store_save()`: the run id, invisibly; NA with a warning where the disk failed, or where
#'   the store is not yours to write, as after a session as root; that says what mends it.
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

# Starting values for other fits; listed as what they are, not as anybody's fit. That they could not
# be kept is no news: the fit says so of itself.
save_seed <- function(store, key, payload, objective, iteration, run_id, label) {
  without_store_warnings(
    save_as(3L, store, key, payload, objective, iteration, run_id, label)
  )
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
    warn_not_kept(unclass(result), "The entry", store, key)
    return(invisible(NA_character_))
  }
  invisible(result)
}

#' @rdname store_save
#' @export
store_lookup <- function(store, key, select = c("best", "latest"), kind = NULL) {
  select <- check_choice(select, c("best", "latest"), "select")
  .Call(C_store_lookup, as_store(store), key, select == "latest", kind_code(kind), NULL, NULL)
}

# A finished fit, or what one run holds, as it comes back to where it is asked for: with `homes`, a
# named list of environments, in the place of their names, and besides with its `history`, and
# whether it `is_trusted`, all of the one time that its file is open.
lookup_fit <- function(store, key, homes, run_id = NULL) {
  kind <- if (is.null(run_id)) "final"
  .Call(C_store_lookup, store, key, FALSE, kind_code(kind), run_id, homes)
}

# The best entry of one run.
store_lookup_run <- function(store, key, run_id) {
  .Call(C_store_lookup, store, key, FALSE, 0L, run_id, NULL)
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

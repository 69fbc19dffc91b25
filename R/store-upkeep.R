# Tests: test-store.R, test-store-bounds.R.

#' Sweep a store now, or check all of it
#'
#' `store_evict()` does what happens by itself from time to time: it removes what has expired, then
#' what was used least recently, until the store fits its size. `store_check()` reads every file
#' and reports those that a lookup would pass over.
#'
#' @param store A [warm_store()], or the path of one; by default the one that [`warmstart-options`]
#'   names.
#' @param repair TRUE or FALSE, the default: remove damaged files of runs that are not alive?
#' @return `store_evict()`: what was removed, a data frame with a row for each `reason`: `"expired"`
#'   (not used for `max_age`, by this machine's clock), `"damaged"`, `"leftover"` (of a process that
#'   died while it wrote) and `"size"` (least recently used, where the store was larger than
#'   `max_size`); `files`, and `bytes`.
#'
#'   `store_check()`: a data frame with a row for each file found, none where all is well: `path`,
#'   `reason`, `detail` in words, `bytes` (NA where not asked for), and whether it was `removed`.
#'   The reasons: `"damaged"` (nothing in it verifies), `"partly damaged"` (one of its records,
#'   or a history, does not verify; another record does and is found), `"foreign"` (not ours),
#'   `"newer"` (written by a newer version of this package), `"orphaned"` (left by a
#'   process that died while it wrote, or in the wrong directory), `"expired"` (not returned any
#'   more; the next sweep removes it) and `"unreadable"`: a file or a directory, often another
#'   user's.
#' @section What is never removed:
#' The file of a running fit, and files that are not this package's or in a newer format. Of one
#' key, checkpoints go before the final entry.
#' @section Errors: `warmstart_error_argument` names a bad argument. An R error says so where the
#'   store's directory cannot be read.
#' @seealso [warm_store()], [store_delete()]
#' @examples
#' store <- warm_store(tempfile("store"), max_size = "2 KiB")
#' for (i in 1:9) store_save(store, fingerprint(i), raw(500))
#' store_evict(store)
#' store_check(store)
#' @export
store_evict <- function(store = warm_store()) {
  removed <- .Call(C_store_sweep, as_store(store))
  frame <- data.frame(
    reason = c("expired", "damaged", "leftover", "size"),
    files = removed[, 1],
    bytes = removed[, 2]
  )
  new_listing(frame, "warm_store_evict")
}

#' @rdname store_evict
#' @export
store_check <- function(store = warm_store(), repair = FALSE) {
  store <- as_store(store)
  check_flag(repair, "repair")
  findings <- c(
    list(finding_frame(.Call(C_store_check_beside, store))),
    check_branches(store, .Call(C_store_branches, store), repair)
  )
  new_listing(do.call(rbind, findings), "warm_store_check")
}

# In the order of the core's kinds of findings.
finding_reasons <- c(
  "damaged" = "no record in it verifies: it was cut short, or changed",
  "partly damaged" = "one of its records, or a history, does not verify; the rest is found",
  "foreign" = "not written by warmstart",
  "newer" = "written by a newer version of warmstart",
  "orphaned" = "left by a process that died while it wrote, or in the wrong directory",
  "expired" = "not used for max_age; the next sweep removes it",
  "unreadable" = "cannot be read: is it another user's?"
)

# A progress bar shows itself where it takes more than a second.
check_branches <- function(store, branches, repair) {
  old <- options(cli.progress_show_after = 1)
  on.exit(options(old))
  bar <- cli::cli_progress_bar("Checking the store", total = length(branches))
  findings <- vector("list", length(branches))
  for (i in seq_along(branches)) {
    found <- .Call(C_store_check_branch, store, branches[[i]], repair)
    if (length(found$path) > 0) {
      findings[[i]] <- finding_frame(found)
    }
    if (i %% 16 == 0) {
      cli::cli_progress_update(set = i, id = bar)
    }
  }
  cli::cli_progress_done(id = bar)
  findings
}

finding_frame <- function(found) {
  data.frame(
    path = found$path,
    reason = names(finding_reasons)[found$kind],
    detail = unname(finding_reasons)[found$kind],
    bytes = found$bytes,
    removed = found$removed
  )
}

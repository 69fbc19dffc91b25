#' What a store was good for
#'
#' How often [warm()] found something in a store, and how much fitting that saved, of all processes
#' that used it.
#'
#' @section How is it counted?:
#' In one file of 72 bytes in the store. Processes share it, and never wait for each other or for
#' the disk: a count that cannot be added at once is kept in the `warm_store` object, and added the
#' next time or when that object goes away. A process that is killed meanwhile loses what it had not
#' added; where the store is never writable, nothing is counted. Damage to the file, or its removal,
#' starts again from zero.
#'
#' @param object A [warm_store()].
#' @param ... Ignored.
#' @return A list of class `summary.warm_store`: `path`; `since`, the time of the first count
#'   (POSIXct, NA before it); the number of calls of `warm()` that were `hits` (the finished fit was
#'   returned), `resumed` (went on after an interruption), `seeded` (started from another fit's
#'   estimates) and `misses` (began cold); and `seconds_saved`: the time of fitting of what was
#'   returned, and of what resumed fits did not have to do again. What seeded fits saved is not
#'   known, and not in it.
#' @section Errors: `warmstart_error_argument` where `object` is no store.
#' @seealso [store_info()], [warm_info()]
#' @examples
#' store <- warm_store(tempfile("store"))
#' fit <- warm(glm(am ~ wt, binomial, mtcars), store)
#' fit <- warm(glm(am ~ wt, binomial, mtcars), store)
#' summary(store)
#' @export
summary.warm_store <- function(object, ...) {
  tally <- .Call(C_store_tally, object)
  uses <- stats::setNames(as.list(tally[-(1:2)]), store_uses)
  structure(
    c(
      list(
        path = store_config(object)$path,
        since = as.POSIXct(if (tally[[1]] > 0) tally[[1]] else NA_real_, origin = "1970-01-01")
      ),
      uses,
      list(seconds_saved = tally[[2]])
    ),
    class = "summary.warm_store"
  )
}

# In the order of src/core/store.h.
store_uses <- c("hits", "resumed", "seeded", "misses")

store_count <- function(store, what, seconds = 0) {
  .Call(C_store_count, store, match(what, store_uses), seconds)
  invisible(store)
}

# Counts what warm() did, as `info` tells it, and returns that.
count_use <- function(store, info) {
  what <- switch(info$source,
    finished = "hits",
    resumed = "resumed",
    seeded = "seeded",
    quick = ,
    cold = "misses"
  )
  or_nothing(store_count(store, what, count_of(info$seconds_saved)))
  info
}

#' @export
format.summary.warm_store <- function(x, ...) {
  calls <- x$hits + x$resumed + x$seeded + x$misses
  if (calls == 0) {
    return(c(store_head(x$path), wrap_below("No call of warm() has used this store yet.")))
  }
  since <- paste0(
    counted(calls, "call"), " of warm() since ", format(x$since, "%Y-%m-%d"), ":"
  )
  rows <- c(
    "returned the finished fit" = x$hits,
    "went on after an interruption" = x$resumed,
    "started from another fit's estimates" = x$seeded,
    "began cold" = x$misses
  )
  saved <- paste0(
    "Time saved: ",
    if (x$seconds_saved > 0) paste(spell_seconds(x$seconds_saved), "of fitting") else "none", ".",
    if (x$seeded > 0) " How much the starts from other fits saved is not known."
  )
  c(
    store_head(x$path),
    wrap_below(since),
    unlist(Map(
      wrap_beside, paste0("  ", format(rows, width = 6, scientific = FALSE), " "), names(rows),
      USE.NAMES = FALSE
    )),
    wrap_below(saved)
  )
}

#' @export
print.summary.warm_store <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

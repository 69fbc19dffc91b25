#' A store as a cache for memoise and shiny
#'
#' An object with the methods of package cachem's caches, which keeps its values in a warmstart
#' store: for `memoise::memoise(cache = )`, `shiny::bindCache(cache = )`,
#' `cachem::cache_layered()`, and whatever else takes a cache of cachem's. cachem itself is not
#' needed.
#'
#' @section Methods:
#' \describe{
#' \item{`get(key, missing)`}{The value. Where there is none, `missing` is evaluated and returned;
#'   without it, that of `as_cachem()`.}
#' \item{`set(key, value)`}{Keeps a value, and syncs it to the disk; returns TRUE, invisibly. Where
#'   the disk fails: FALSE, with a warning.}
#' \item{`exists(key)`}{Would `get()` find it? Reads the value to know.}
#' \item{`remove(key)`}{Removes the value, if there is one.}
#' \item{`keys()`, `size()`}{All keys, sorted, and their number. They read the headers of all that
#'   is in the store, fits too.}
#' \item{`reset()`}{Removes all values of this cache; fits stay.}
#' \item{`prune()`}{Sweeps the store, as [store_evict()]. It happens by itself, too.}
#' \item{`info()`}{A list: `path`, `max_size` (bytes), `max_age` (seconds), `trust`, and `missing`,
#'   the expression.}
#' }
#'
#' @section Which keys?:
#' As in cachem: lowercase letters, digits, `_` and `-`; of any length.
#'
#' @section How big does it get?:
#' Values and fits share the bounds of the store, `max_size` and `max_age`; what was used least
#' recently goes first, be it the one or the other; `get()` is a use. A cache of its own bounds is
#' one in a store of its own: `as_cachem(warm_store(path, max_size = "100 MB"))`. cachem's `max_n`
#' and `evict = "fifo"` have no counterpart, and there is no `destroy()`: the directory holds fits,
#' too.
#'
#' @section Fits and values in one store:
#' They do not meet: a value has a key of its own kind, is listed by [store_list()] in the state
#' `"cached"`, and no method here finds, lists or removes a fit.
#'
#' @section Is a shared store safe?:
#' A value that is plain data (numbers, text, and lists of these, data frames and factors among
#' them) is returned from any store. One that holds code, such as a function, a formula, a fitted
#' model or a plot, is returned only where nobody else can have written it, or from a store with
#' `trust = TRUE`; otherwise it counts as missing, with a warning (`warmstart_warning_trust`). See
#' [warm_store()].
#'
#' @section Several processes?:
#' Any number may use one cache at once. A value is found whole or not at all; the last `set()` of
#' a key stays. The object may be saved and sent to other processes.
#'
#' @section Missing values:
#' `missing` is an expression, evaluated anew each time that a key is not found: a value, such as
#' `NULL`, or `stop("Not found")`. A quosure is evaluated in turn. The default is an object of class
#' `key_missing`, which `cachem::is.key_missing()` knows.
#'
#' @param store A [warm_store()], or the path of one; by default the one that [`warmstart-options`]
#'   names.
#' @param ... Must be empty.
#' @param missing An expression: what `get()` returns for a key that is not found; by default an
#'   object of class `key_missing`. See "Missing values".
#' @return A list of functions, of class `warm_cachem` and `cachem`.
#' @section Errors: `warmstart_error_argument` names a bad argument, such as a key that is none.
#' @seealso [warm_store()], [`warmstart-recipes`]
#' @examples
#' cache <- as_cachem(warm_store(tempfile("store")))
#' cache$set("answer", 42)
#' cache$get("answer")
#' cache$get("question", missing = NULL)
#' cache$keys()
#' @examplesIf requireNamespace("memoise", quietly = TRUE)
#' slow_mean <- memoise::memoise(mean, cache = cache)
#' slow_mean(1:10)
#' @export
as_cachem <- function(store = warm_store(), ..., missing = key_missing()) {
  check_dots(...)
  store <- as_store(store)
  # Not missing(): a search for that function would evaluate what is given for `missing`.
  env <- if (base::missing(missing)) environment() else parent.frame()
  expr <- unquote_missing(substitute(missing), env)
  structure(
    list(
      get = function(key, missing = eval(expr, list(), env)) {
        entry <- find_cached(store, key)
        if (is.null(entry)) {
          return(eval_quosure(missing))
        }
        mark_used(store, key)
        entry$value
      },
      set = function(key, value) {
        check_cache_key(key)
        id <- store_save(
          store, cache_key(key), list(key = key, value = value),
          kind = "final", run_id = cache_run_id(key), label = substr(key, 1, label_bytes)
        )
        invisible(!is.na(id))
      },
      exists = function(key) !is.null(find_cached(store, key)),
      keys = function() sort(cached_rows(store)$cached, method = "radix"),
      remove = function(key) {
        check_cache_key(key)
        store_delete(store, cache_key(key), cache_run_id(key))
        invisible(TRUE)
      },
      reset = function() {
        rows <- cached_rows(store)
        Map(store_delete, list(store), rows$key, rows$run_id)
        invisible(TRUE)
      },
      prune = function() {
        store_evict(store)
        invisible(TRUE)
      },
      size = function() nrow(cached_rows(store)),
      info = function() c(store_config(store), list(missing = expr))
    ),
    class = c("warm_cachem", "cachem")
  )
}

# What is kept. --------------------------------------------------------------------------------

# A value is the one run of a key made from its cache key, so that a store spreads values as it
# does fits. The run's id begins with a mark and holds the cache key where there is room for it;
# a longer one is in the payload alone, and the id has a dot more, which no cache key has. A row
# of a listing is a value's only where its key is the one made from its cache key: no fit's is.

cache_mark <- "cachem."

# Bytes of a run's id that are left for the cache key.
cache_id_room <- function() {
  .Call(C_run_id_max) - nchar(cache_mark)
}

cache_key <- function(key) {
  fingerprint(list("cachem", key))
}

cache_run_id <- function(key) {
  is_short <- nchar(key) <= cache_id_room()
  paste0(cache_mark, if (is_short) key else paste0(".", format(cache_key(key))))
}

find_cached <- function(store, key) {
  check_cache_key(key)
  payload <- store_lookup_run(store, cache_key(key), cache_run_id(key))$payload
  if (is_cached(payload) && identical(payload$key, key)) payload
}

# A lookup marks what it finds as used once a day, which is too seldom for a cache. Where others
# own the file it cannot be marked.
mark_used <- function(store, key) {
  .Call(C_store_use, store, format(cache_key(key)), cache_run_id(key))
}

# A payload may be anybody's.
is_cached <- function(payload) {
  is.list(payload) && !is.object(payload) && identical(names(payload), c("key", "value"))
}

is_cached_run <- function(run_id) {
  startsWith(run_id, cache_mark)
}

# The runs that are values, with their cache keys as `cached`.
cached_rows <- function(store) {
  rows <- as.data.frame(list_runs(store, NULL)[c("key", "run_id")])
  rows <- rows[is_cached_run(rows$run_id), ]
  cached <- substring(rows$run_id, nchar(cache_mark) + 1)
  for (i in which(startsWith(cached, "."))) {
    cached[[i]] <- long_cache_key(store, rows$key[[i]], rows$run_id[[i]])
  }
  rows$cached <- cached
  keys <- vapply(cached, function(key) format(cache_key(key)), "")
  rows[is_cache_key(cached) & keys == rows$key, ]
}

long_cache_key <- function(store, store_key, run_id) {
  payload <- without_trust_warnings(store_lookup_run(store, store_key, run_id))$payload
  key <- if (is_cached(payload)) payload$key
  if (is_string(key) && identical(cache_run_id(key), run_id)) key else ""
}

is_cache_key <- function(keys) {
  grepl("^[a-z0-9_-]+\\z", keys, perl = TRUE)
}

is_string <- function(value) {
  is.character(value) && length(value) == 1 && !is.na(value)
}

check_cache_key <- function(key) {
  if (!is_string(key) || !is_cache_key(key)) {
    stop_argument("key", paste(
      "must be one string of lowercase letters, digits, `_` and `-`, and not empty."
    ))
  }
}

# What is returned where there is nothing. -----------------------------------------------------

# As cachem makes one.
key_missing <- function() {
  structure(list(), class = "key_missing")
}

# `!!` before a quosure is rlang's way to give the quosure itself.
unquote_missing <- function(expr, env) {
  if (is_unquoted(expr)) eval(expr[[2]][[2]], env) else expr
}

is_unquoted <- function(expr) {
  is_bang <- function(x) is.call(x) && !is.object(x) && identical(x[[1]], quote(`!`))
  is_bang(expr) && is_bang(expr[[2]])
}

eval_quosure <- function(value) {
  if (inherits(value, "quosure")) eval(unclass(value)[[2]], environment(value)) else value
}

#' @export
format.warm_cachem <- function(x, ...) {
  info <- x$info()
  c(
    path_line("<warm_cachem>", info$path),
    counted(x$size(), "value"),
    wrap_text(paste0("methods: ", paste0(names(x), "()", collapse = ", ")))
  )
}

#' @export
print.warm_cachem <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

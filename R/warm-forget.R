#' Forget fits
#'
#' `warm_forget()` removes a fit from a store, with the starting values that it has left for others,
#' its interrupted runs and its names. `store_clear()` removes all that is in a store.
#'
#' @section What does a name forget?:
#' The fit, where that is its only name. Of several, the one goes, and the fit stays.
#'
#' @section What stays?:
#' The files of running fits: when they have finished they are kept as ever. Fits that began from
#' the estimates of this one. Of the store, its directory, and what its
#' [summary()][summary.warm_store()] tells.
#'
#' @section Is it a call or a value?:
#' A call of a fitter is looked up as [warm()] would, and nothing is fitted; so is one of any other
#' function, unless that is one of R's own package base or of this package: `fits[[1]]`,
#' `warm_info(fit)$key` and `paste0("model-", i)` are evaluated.
#'
#' @param x What to forget: a call, as [warm()] takes it; what `warm()` returned, or its
#'   [warm_info()]; a key, or its 32 hex digits; or a name.
#' @param store A [warm_store()], or the path of one; for `warm_forget()` by default the one that
#'   [`warmstart-options`] names.
#' @param ... Must be empty.
#' @param depends As for [warm()], where `x` is a call.
#' @param ask TRUE or FALSE: ask before the store is cleared? By default where R is interactive.
#' @return A list of class `warm_forgotten`, of what was removed: the numbers of `finished` fits,
#'   `interrupted` runs, `seeds` and `other` entries (cached values, and what [warm_find()] compares
#'   with), the `names`, and `bytes`; and `running`, the number of runs that stay, since a process
#'   is at them.
#' @section Errors: `warmstart_error_argument` names a bad argument, before anything is removed; so
#'   does a name that is not in the store. An error says so where the store cannot be changed.
#' @seealso [store_delete()] for one key; [store_evict()]
#' @examples
#' store <- warm_store(tempfile("store"))
#' fit <- warm(glm(am ~ wt, binomial, mtcars), store)
#' warm_forget(glm(am ~ wt, binomial, mtcars), store)
#' fit <- warm(glm(am ~ hp, binomial, mtcars), store)
#' warm_forget(fit, store)
#' fit <- warm(glm(am ~ hp, binomial, mtcars), store)
#' store_clear(store)
#' @export
warm_forget <- function(x, store = warm_store(), ..., depends = NULL) {
  check_dots(...)
  store <- as_store(store)
  depends <- depends_part(depends)
  if (missing(x)) stop_argument("x", "must be a call, a fit, a key, or a name.")
  expr <- substitute(x)
  while (is.call(expr) && call_name(expr) == "(") expr <- expr[[2]]
  env <- parent.frame()
  if (is.call(expr) && !is_value(expr, env)) {
    request <- without_trace(reach_request(expr, env, depends))
    if (is.null(request$key)) {
      stop_argument("x", paste0(
        "is a call whose result is not kept", if (!is.null(request$reason)) ": ", request$reason
      ))
    }
    request <- find_drawn(request, store, reuse = FALSE)$request
    return(forget_fit(store, format(request$key$exact), all_keys(request)))
  }
  forget_value(x, store)
}

# Is a call there to be evaluated, or to be looked up? What R's own functions and ours give is no
# fit that is kept, but for what wraps a call.
is_value <- function(expr, env) {
  name <- call_name(expr)
  is_wrapper <- name %in% c(names(wrappers), "{", "if", "list", "%>%", assignments)
  if (is_wrapper || !identical(mark_known(expr, env, identity), expr)) {
    return(FALSE)
  }
  fun <- function_at(expr[[1]], env)
  homes <- list(baseenv(), asNamespace("base"), asNamespace("warmstart"))
  makes_calls <- list(base::do.call, base::eval, base::evalq, base::eval.parent)
  is.primitive(fun) || is.function(fun) &&
    any(vapply(homes, identical, NA, environment(fun))) &&
    !any(vapply(makes_calls, identical, NA, fun))
}

forget_value <- function(x, store) {
  info <- if (inherits(x, "warm_info")) x else if (!is.character(x)) known_info(x)
  if (is_key(unclass(x))) {
    forget_fit(store, as.vector(unclass(x)))
  } else if (is_string(x)) {
    forget_name(store, x)
  } else if (is.null(info$key)) {
    stop_argument("x", paste(
      "must be a call, a fit that `warm()` returned and kept, a key, or a name."
    ))
  } else {
    forget_fit(store, format(info$key))
  }
}

# Where the fit has another name it stays.
forget_name <- function(store, name) {
  named <- list_run(store, name_key(name), name_run_id)
  if (length(named$key) == 0) {
    stop_argument("x", paste("is no key, and as a name it", why_no_name(store, name)))
  }
  of <- without_trust_warnings(find_named(store, name))$payload$of
  if (is.null(of)) {
    return(delete_runs(store, named))
  }
  names <- names_of(store, of)
  if (all(names$label == name)) {
    return(forget_fit(store, of, names = named))
  }
  forgotten <- delete_runs(store, named)
  save_names(store, of, setdiff(names$label, name))
  forgotten
}

# The keys under which a fit leaves something.
all_keys <- function(request) {
  key <- request$key
  vapply(
    list(
      specification = key$specification, neighbourhood = key$neighbourhood, near = near_key(request)
    ),
    format, ""
  )
}

# What the fit's own entries say of them.
stored_keys <- function(store, key, named) {
  runs <- c_runs(list_runs(store, key), named)
  for (i in seq_along(runs$key)) {
    entry <- without_trust_warnings(store_lookup_run(store, runs$key[[i]], runs$run_id[[i]]))
    payload <- entry$payload
    keys <- if (is.list(payload) && !is.object(payload)) payload$keys
    if (are_keys(keys)) {
      return(keys)
    }
  }
  NULL
}

are_keys <- function(keys) {
  is.character(keys) && setequal(names(keys), c("specification", "neighbourhood", "near")) &&
    all(vapply(keys, is_key, NA))
}

forget_fit <- function(store, key, keys = NULL, names = names_of(store, key)) {
  keys <- keys %||% stored_keys(store, key, names)
  runs <- list_runs(store, key)
  seeds <- if (!is.null(keys)) seeds_of(store, key, keys)
  forgotten <- delete_runs(store, c_runs(names, runs, seeds))
  save_names(store, key, character())
  store_delete(store, begins_key(key))
  if (!is.null(keys)) forget_sketch(store, keys[["near"]], key)
  # What has expired is not listed, and is there until a sweep comes by.
  if (forgotten$running == 0) forgotten$other <- forgotten$other + store_delete(store, key)
  forgotten
}

# The seeds that this fit has left: another one's may have taken their place.
seeds_of <- function(store, key, keys) {
  found <- list(
    list_run(store, keys[["specification"]], substr(key, 1, 2)),
    list_run(store, keys[["neighbourhood"]], keys[["specification"]])
  )
  is_own <- vapply(found, function(run) {
    length(run$key) == 1 && run$state == "seed" &&
      identical(store_lookup_run(store, run$key, run$run_id)$payload$of, key)
  }, NA)
  do.call(c_runs, found[is_own])
}

list_run <- function(store, key, run_id) {
  runs <- list_runs(store, key)
  lapply(runs, `[`, runs$run_id == run_id)
}

c_runs <- function(...) {
  runs <- Filter(length, list(...))
  if (length(runs) > 0) do.call(Map, c(list(c), runs))
}

# Deletes them, but for those that a process is at.
delete_runs <- function(store, runs) {
  if (is.null(runs)) {
    return(new_forgotten())
  }
  gone <- runs$state != "running"
  for (i in which(gone)) store_delete(store, runs$key[[i]], runs$run_id[[i]])
  is_other <- is_cached_run(runs$run_id) | is_near_run(runs$run_id)
  is_name <- runs$state == "named" & runs$run_id == name_run_id
  count <- function(state) sum(runs$state == state & !is_other)
  new_forgotten(
    finished = count("finished"), interrupted = count("interrupted"), seeds = count("seed"),
    other = sum(is_other), names = runs$label[is_name],
    bytes = sum(runs$bytes[gone]), running = count("running")
  )
}

new_forgotten <- function(finished = 0L, interrupted = 0L, seeds = 0L, other = 0L, bytes = 0,
                          running = 0L, names = character()) {
  structure(
    list(
      finished = finished, interrupted = interrupted, seeds = seeds, other = other, names = names,
      bytes = bytes, running = running
    ),
    class = "warm_forgotten"
  )
}

#' @rdname warm_forget
#' @export
store_clear <- function(store, ..., ask = interactive()) {
  check_dots(...)
  check_flag(ask, "ask")
  store <- as_store(store)
  if (ask && !isTRUE(utils::askYesNo(clear_question(store), default = FALSE))) {
    message("Nothing was removed.")
    return(invisible(new_forgotten()))
  }
  .Call(C_store_sweep, store) # what has expired is not listed
  delete_runs(store, list_runs(store, NULL))
}

clear_question <- function(store) {
  info <- store_info(store)
  paste0(
    "Remove all that is in ", format_text(info$path), ", ", counted(info$runs, "run"), " (",
    info$finished, " finished)",
    if (info$named > 0) paste0(", ", counted(info$named, "named fit")),
    " and ", format_size(info$bytes), "?"
  )
}

#' @export
format.warm_forgotten <- function(x, ...) {
  what <- c(
    if (length(x$names) > 0) {
      paste0("the name ", paste0("\"", format_text(x$names), "\"", collapse = ", "))
    },
    if (x$finished > 0) counted(x$finished, "finished fit"),
    if (x$interrupted > 0) counted(x$interrupted, "interrupted run"),
    if (x$seeds > 0) counted(x$seeds, "seed"),
    if (x$other > 0) paste(x$other, if (x$other == 1) "other entry" else "other entries")
  )
  removed <- if (length(what) == 0) {
    "Nothing to remove."
  } else {
    paste0("Removed ", paste(what, collapse = ", "), "; ", format_size(x$bytes), ".")
  }
  running <- if (x$running > 0) {
    paste(counted(x$running, "run"), "that a process is at will be kept as ever.")
  }
  wrap_text(paste(c("<warm_forgotten>", removed, running), collapse = " "))
}

#' @export
print.warm_forgotten <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

#' Start a call from a fit that was made before
#'
#' What a fit that was made without [warm()] has found, such as that of an `.rds` of last year, goes
#' into a store as the estimates of a call: `warm(call, store)` begins at them. One that cannot be
#' used for that, because it is another model's or was fitted to other data, is an error that says
#' why.
#'
#' @section Is the result the same?:
#' Yes: the fit itself is not returned, whatever it says of itself. `warm()` begins at its
#' estimates, and believes the end as that of any start: on the adapter's certificate, or else it
#' fits cold.
#' Where a fitter gains nothing from its own end (models of few rows, families with several optima,
#' see [warm-models], [warm-mixed], [warm-optimisers]), it fits cold at once.
#'
#' @section What is checked?:
#' What can be, so that a mistake is told at once: that `warm()` knows the fitter, that the fit is
#' one of that and has converged; that its own call, on the data of yours, is your call; that the
#' columns which it keeps of its data have the values that your call sees, in the same rows; and of
#' what keeps no call, as optimisers' results, that the objective is there what it says.
#'
#' @param fit The fit.
#' @param call The call that would make it, as [warm()] takes it. Nothing is fitted.
#' @param store A [warm_store()], or the path of one; by default the one that [`warmstart-options`]
#'   names.
#' @param ... Must be empty.
#' @param depends As for [warm()].
#' @return `fit` as it is, invisibly.
#' @section Errors: `warmstart_error_argument` where `fit` cannot be taken for the call's, or where
#'   nothing could be started from it.
#' @seealso [warm()], whose `from` starts from a fit that is not quite the call's
#' @examples
#' store <- warm_store(tempfile("store"))
#' file <- tempfile(fileext = ".rds")
#' saveRDS(nlme::gls(mpg ~ wt, mtcars, nlme::corAR1()), file)
#' warm_adopt(readRDS(file), nlme::gls(mpg ~ wt, mtcars, nlme::corAR1()), store)
#' fit <- warm(nlme::gls(mpg ~ wt, mtcars, nlme::corAR1()), store)
#' warm_info(fit)
#' # Of another model it says what differs.
#' try(warm_adopt(fit, nlme::gls(mpg ~ hp, mtcars, nlme::corAR1()), store))
#' @export
warm_adopt <- function(fit, call, store = warm_store(), ..., depends = NULL) {
  check_dots(..., instead = called_here)
  if (missing(fit)) stop_argument("fit", "is missing: give the fit to start from.")
  store <- as_store(store)
  depends <- depends_part(depends)
  expr <- substitute(call)
  check_fit_call(expr)
  request <- without_trace(reach_request(expr, parent.frame(), depends))
  if (is.null(request)) stop_argument("call", "has no fit in it that R comes to.")
  if (!is.null(request$reason)) {
    stop_argument("call", paste0("is not kept by `warm()`: ", full_stop(request$reason)))
  }
  end <- tryCatch(
    without_trace(check_adoptable(fit, request)),
    warmstart_unusable = function(e) {
      stop_argument("fit", paste0("is not this call's: ", full_stop(conditionMessage(e))))
    }
  )
  if (is.null(request$adapter$seed) || length(end$state) == 0) {
    stop_argument("fit", "is no start: nothing can be started from what it ended with.")
  }
  if (!is.null(without_trust_warnings(find_finished(request, store))$fit)) {
    inform("The store has a finished fit of this call, which stays.")
  } else {
    adopt_end(end, request, store)
  }
  invisible(fit)
}

# As a finished fit is kept whose fit itself was too large.
adopt_end <- function(end, request, store) {
  session <- warm_session(store, request$key$exact, request$label)
  on.exit(session_close(session))
  outcome <- new_outcome(
    fit = NULL, raw = NULL, end = end, converged = TRUE, said = list(), start = cold_start(),
    seconds = 0, seconds_now = 0, checkpoints = 0, worth = Inf
  )
  iterations <- count_of(end$iteration)
  payload <- finished_payload(request, outcome, iterations, end$state)
  payload["fit"] <- list(NULL)
  encoded <- encode_payload(payload)
  if (!finalize_encoded(session, encoded, end$objective, iterations, brief = FALSE)) {
    stop_argument("store", "did not take it.")
  }
  keep_seeds(request, store, outcome, iterations)
  inform("Kept its estimates: this call begins at them.")
}

# What can be checked ----------------------------------------------------------------------------

stop_unusable <- function(...) {
  stop(errorCondition(paste0(...), class = "warmstart_unusable"))
}

# Gives the fit's end, as its adapter tells it.
check_adoptable <- function(fit, request) {
  end <- check_fitted(fit, request)
  if (!isTRUE(or_null(request$adapter$converged(fit)))) {
    stop_unusable("it has not converged")
  }
  own <- own_call(fit)
  if (is.null(own)) {
    check_objective(end, request)
  } else {
    check_same_call(fit, own, request)
    check_same_data(fit, request)
  }
  end
}

# Is it one of the fitter's at all?
check_fitted <- function(fit, request) {
  adapter <- request$adapter
  if (adapter$name == any_function) {
    stop_unusable(
      "`warm()` does not know `", call_name(request$call), "()`, and cannot tell whose result it is"
    )
  }
  own <- own_call(fit)
  if (!is.null(own) && !is_of_fitter(own, request)) {
    stop_unusable("it was made by `", call_name(own), "()`")
  }
  end <- or_null(fit_state(adapter, fit, request$asked, request$env))
  if (!is.list(end) || !is.list(end$state) || !is.numeric(end$objective)) {
    stop_unusable("it is no fit of `", call_name(request$call), "()`")
  }
  if (is.null(end$iteration)) end$iteration <- NA
  end
}

# A method puts its own name into the call.
is_of_fitter <- function(own, request) {
  name <- call_name(request$call)
  fun <- function_at(own[[1]], request$env)
  if (is.function(fun) && identical(find_adapter(fun)$name, request$adapter$name)) {
    return(TRUE)
  }
  call_name(own) == name || startsWith(call_name(own), paste0(name, "."))
}

own_call <- function(fit) {
  call <- call_in(fit)
  if (is.call(call)) call
}

# The fit's own call, on the data of this one, has the same key.
check_same_call <- function(fit, own, request) {
  asked <- request$asked
  fun <- eval(asked[[1]], request$env)
  own[[1]] <- asked[[1]]
  own <- tryCatch(match.call(fun, own, envir = request$env), error = function(e) {
    stop_unusable("its own call is none of `", call_name(asked), "()`")
  })
  own["data"] <- list(asked$data)
  if (is.null(asked$data)) own$data <- NULL
  left <- names(own_call(or_null(restored(request, fit))))
  own <- without_written(with_own_formula(fit, own), asked, fun, request$env, left)
  key <- function(call, whose) {
    tryCatch(request$adapter$identify(call, request$env), error = function(e) {
      stop_unusable(whose, " call cannot be looked at here, ", conditionMessage(e))
    })
  }
  differs <- fingerprint_diff(key(own, "its own"), key(asked, "this"))
  if (length(differs) > 0) {
    stop_unusable(
      "from its own call, which is the first, this one differs: ",
      paste(utils::head(format_text(unclass(differs)), 3), collapse = "; ")
    )
  }
}

# A name in the fit's call may stand for another formula by now: the fit has it.
with_own_formula <- function(fit, own) {
  formula <- or_null(stats::formula(fit))
  if (is.name(own$formula) && inherits(formula, "formula")) own$formula <- formula
  own
}

# Some fitters write what they have made of an argument, or of its default, into the fit's call:
# then that is `left` there when the fit is made this call's.
without_written <- function(own, asked, fun, env, left) {
  defaults <- formals(fun)
  for (name in intersect(names(own), names(defaults))) {
    is_made <- if (is_missing_argument(defaults[[name]])) {
      is.null(asked[[name]]) && name %in% left
    } else {
      repeats_default(own[[name]], asked[[name]], defaults[[name]], fun, env)
    }
    if (is_made) own[[name]] <- asked[[name]]
  }
  own
}

repeats_default <- function(own, asked, default, fun, env) {
  if (is.null(asked) && identical(own, default)) {
    return(TRUE)
  }
  made <- or_null(eval(own, env))
  given <- or_null(eval(asked, env))
  default <- or_null(eval(default, environment(fun)))
  wanted <- if (is.list(default)) {
    utils::modifyList(default, as.list(given))
  } else {
    given %||% if (is.atomic(default)) default[1]
  }
  !is.null(made) && identical(made, wanted)
}

check_same_data <- function(fit, request) {
  data <- or_null(eval(request$asked$data, request$env))
  frame <- frame_in(fit)
  if (!is.null(frame)) {
    check_same_frame(frame, data, request)
  } else {
    check_same_response(fit, data, request)
  }
}

# As it is kept: model.frame() would evaluate the fit's call now.
frame_in <- function(fit) {
  frame <- if (isS4(fit)) {
    if (methods::.hasSlot(fit, "frame")) fit@frame
  } else if (is.list(fit)) {
    found <- Filter(is.data.frame, unclass(fit)[c("model", "frame")])
    if (length(found) > 0) found[[1]]
  }
  if (is.data.frame(frame) && nrow(frame) > 0) frame
}

check_same_frame <- function(frame, data, request) {
  values <- lapply(stats::setNames(nm = names(frame)), column_now, data, request)
  seen <- Filter(Negate(is.null), values)
  if (length(seen) == 0) {
    stop_unusable("none of its variables is in the data of this call")
  }
  rows <- if (is.data.frame(data)) row.names(data) else as.character(seq_len(NROW(seen[[1]])))
  at <- match(row.names(frame), rows)
  if (anyNA(at)) {
    stop_unusable("it was fitted to rows that the data of this call do not have")
  }
  for (name in names(frame)) check_same_column(name, frame[[name]], values[[name]], at)
  used <- used_rows(seen, length(rows), data, request)
  if (!setequal(at, which(used))) {
    stop_unusable(
      "it was fitted to ", counted(length(at), "row"), ", and this call would fit ", sum(used)
    )
  }
}

# A column of a model frame, as this call would see it; NULL where it does not.
column_now <- function(name, data, request) {
  is_argument <- grepl("^\\(.*\\)$", name)
  expr <- if (is_argument) {
    request$asked[[substr(name, 2, nchar(name) - 1)]]
  } else if (name %in% names(data)) {
    as.name(name)
  } else {
    or_null(str2lang(name))
  }
  or_null(muffled(eval(expr, data, first_home(request))))
}

check_same_column <- function(name, column, value, at) {
  if (is.null(value) && (is.matrix(column) || length(unique(column)) > 1)) {
    stop_unusable("this call does not have its `", name, "`")
  }
  if (!is.null(value) && !has_same_values(column, rows_of(value, at))) {
    stop_unusable("its `", name, "` has other values than this call's")
  }
}

has_same_values <- function(a, b) {
  plain <- function(x) {
    if (is.factor(x)) as.character(x) else if (is.list(x)) unlist(x) else as.vector(x)
  }
  a <- plain(a)
  b <- plain(b)
  if (is.logical(a) || is.logical(b)) {
    a <- as.character(a)
    b <- as.character(b)
  }
  length(a) == length(b) && isTRUE(all.equal(a, b, tolerance = 1e-12, check.attributes = FALSE))
}

# Those of the subset that miss nothing.
used_rows <- function(values, n, data, request) {
  subset <- or_null(eval(request$asked$subset, data, first_home(request)))
  used <- if (is.null(subset)) rep(TRUE, n) else seq_len(n) %in% seq_len(n)[subset]
  for (value in values) {
    if (NROW(value) == n) used <- used & stats::complete.cases(value)
  }
  used
}

# Where a fit keeps no more.
check_same_response <- function(fit, data, request) {
  formula <- or_null(stats::formula(fit))
  response <- if (inherits(formula, "formula") && length(formula) == 3) formula[[2]]
  now <- or_null(muffled(eval(response, data, first_home(request))))
  kept <- response_in(fit)
  if (is.null(now) || is.null(kept)) {
    stop_unusable("it keeps nothing of its data that could be compared")
  }
  now <- rows_of(now, which(used_rows(list(now), NROW(now), data, request)))
  dropped <- or_null(stats::na.action(fit))
  if (NROW(now) > NROW(kept) && is.integer(dropped)) now <- rows_of(now, -dropped)
  if (!has_same_values_nearly(kept, now)) {
    stop_unusable("its response has other values than this call's")
  }
}

response_in <- function(fit) {
  fit$y %||% or_null(unclass(stats::fitted(fit)) + unclass(stats::residuals(fit)))
}

# What was put together from fitted values and residuals is rounded.
has_same_values_nearly <- function(kept, now) {
  kept <- as.vector(unclass(kept))
  if (length(kept) > length(unclass(now))) { # an indicator of each class
    now <- factor(now)
    now <- outer(as.character(now), levels(now), "==")
  } else if (is.factor(now) || is.character(now)) {
    now <- as.integer(factor(now)) - 1
  }
  now <- as.numeric(unclass(now))
  length(kept) == length(now) && isTRUE(all.equal(kept, now, tolerance = 1e-8))
}

# What keeps no call: does this one, begun at its end, go no further, and is the objective there
# what it says?
check_objective <- function(end, request) {
  adapter <- request$adapter
  call <- tryCatch(
    adapter$seed(request$asked, request$env, end$state, "exact"),
    error = function(e) {
      stop_unusable("it keeps no call, and the objective cannot be looked at there")
    }
  )
  objective <- cold_objective(adapter, call, request$env, iterates = Inf)
  allowed <- end_tolerance * max(abs(end$objective), 1)
  if (!isTRUE(abs(objective - end$objective) <= allowed)) {
    stop_unusable("this call's objective is another one there than it says")
  }
}

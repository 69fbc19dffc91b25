#' Fit a model so that it survives a crash
#'
#' Wrap a call that fits a model. While the fit runs, its state is kept in a store; if R dies, the
#' same line goes on from there in the next session. When the fit has finished, the same line
#' returns it at once. The same model on other rows starts from the earlier fit's estimates.
#'
#' @section What if R is killed?:
#' Run the line again, in any R process on this machine. The fit goes on from the last iterate that
#' was kept: with most fitters that can be watched the last iteration, or the best point so far. A
#' fitter that cannot be watched begins anew, and so does a fit that had run for less than 0.5 s.
#' Where three runs in a row begin at one iterate, since a time limit ends each of them before the
#' next one, that is said.
#' Where the power fails, up to the last 2 s of a fit are lost, and finished fits that took less
#' than that may be: `warm()` does not wait for the disk to have them.
#'
#' @section Is the result the same?:
#' It is the fit that a cold start gives, within the fitter's own tolerance, whatever the store
#' holds: only starting values are set. A fit that began elsewhere than a cold one is not believed
#' because it says that it has converged. It is accepted on a certificate from the fitter's own
#' mathematics: that it is at an optimum, at the one that a cold start leads to, and no worse than
#' what a cold start is known to reach. Without that, with a warning or an error, it is made again
#' cold, and says so; and where such starts lead to nothing several times, they are left alone.
#' Where another start leads to a better optimum, the cold fit counts.
#'
#' What a cold fit returns with warnings, singular or not converged, is what you would get without
#' `warm()`: it is kept and returned with its warnings, and nothing starts from it. A fit that goes
#' on after a crash is believed as the uncut one would be.
#'
#' `call`, `family`, class, data and the environments of formulas are those of whoever asks, so
#' `update()`, `predict()`, `summary()` and `anova()` work. A finished fit comes with the warnings
#' and messages that the fitter had for it, the first 1000: their words, classes, and what else is
#' in them of plain data, up to 4 KiB each. It leaves the random number generator where the fit did,
#' if that began in the same state.
#'
#' @section What makes it the same fit?:
#' The formula, the values of its terms and of the columns it uses, the family, and every argument
#' that can change the result, with the code of the functions in them; see
#' `vignette("fingerprints")`. Other columns and their order do not count. Row names do, unless they
#' are numbers from 1 on, since fits carry them.
#'
#' No key can know what is not in R when the fit begins: files, databases, the network, the clock,
#' environment variables. Where the fit reads such a thing, name it in `depends`.
#'
#' @section What may stand around the fit?:
#' Anything: `warm()` evaluates the call as R evaluates an argument, and finds the fit in it. In
#' `warm(summary(fit <- gam(...)), store)` it is the `gam()` that is watched, kept and returned at
#' once; it is assigned, and its summary made, each time. A fitter that `warm()` knows is found
#' wherever it is called; several in one call are kept each. Of other functions, the one is kept
#' that stands under assignments, parentheses, braces (the last call), `if`, pipes, `list()`,
#' `local()`, `with()`, `suppressWarnings()`, `suppressMessages()`, `try()`, `tryCatch()`,
#' `withCallingHandlers()`, `system.time()`, `summary()` and `coef()`. What `do.call()`, `eval()`
#' and [update()] make is kept as if it had been written.
#'
#' Each argument is evaluated once, where it was written, each time, and a function that looks at
#' how its arguments are written sees yours. Of functions that are not known, arguments are
#' evaluated for the key, in their order, also those that the function would not come to, and the
#' function is handed the values. But it comes to them by itself, so that they are evaluated twice,
#' where it may evaluate them in other circumstances: where it, or what it calls, sets options or a
#' directory, listens to conditions or output, opens files, looks at the clock or assigns to what
#' lies around it. So it does with what it makes of its own call or captures for rlang, what draws
#' random numbers, the arguments of S4 generics, of methods of reference classes and of functions
#' with `NextMethod()`, and values of several classes for `...` alone. Weights and the like are
#' evaluated among the data.
#'
#' @section How big does it get?:
#' A checkpoint holds the parameters, no data: some kilobytes, at most three of them for each run
#' that is alive or was interrupted. A finished fit is kept whole, as `saveRDS()` would without
#' compression (not one of less than 2 s that is large for its time, see [warm-models]), but for
#' what R can make again: the byte code of a `gam()`'s family, class definitions in a fit of
#' `lmer()`. Nor is kept what else is in the function that makes the call, or in the one that made
#' its formula: a finished fit refers to those of whoever asks for it. Its parameters are kept twice
#' more, for similar fits. The store keeps all of it within `max_size` and `max_age`; see
#' [warm_store()].
#'
#' @section Who can read it?:
#' You alone, where the store was made by this package. A finished fit is kept with the data that
#' the fitter keeps in it, unencrypted; [warm_store()] says more.
#'
#' @section Several processes?:
#' They may share a store, and find each other's finished fits. Two that run the same line at the
#' same time both fit it, and the second one says so; by default neither waits for the other, since
#' one that hangs or was suspended would hold up all. With `wait = TRUE` the second one shows how
#' far the first one is, and takes its result; where that dies, it goes on from its last iterate,
#' and a third one waits on. So of a hundred tasks that need one fit, one makes it.
#'
#' A process is seen when it has kept something of the fit: after half a second, or, of a function
#' that is not watched, never; one that was called with `wait = TRUE`, at once. On a directory that
#' machines share, others see it later, and not at all where the mount has no locks: see
#' [warm_store()].
#'
#' @section Another machine?:
#' A store can be copied, or shared as [warm_store()] says under "Several machines?"; keys are the
#' same everywhere. A finished fit is returned by the same minor version of R and the same version
#' of the fitter's package; others start from its estimates.
#'
#' @section A first fit, faster?:
#' With `quickstart = TRUE`, a `gam()` by REML, ML, GCV or UBRE of which nothing is stored begins
#' where its working model has its optimum: a penalised least squares problem that takes a few
#' passes over the data. Measured on fits of 6,000 to 200,000 rows, by REML, it took 0.2 to 0.6 of
#' the time. Families with parameters of their own begin cold, as do those of several linear
#' predictors, and models that start from their own end alone, which are named below.
#'
#' @section Which fitters?:
#' * `mgcv::gam()` is observed while it runs (outer optimisers newton, bfgs and efs).
#'   Where another fit is stored, of other rows or of a related model, it starts from the optimum of
#'   a penalised least squares problem of its own rows, to which mgcv's own start leads; of few
#'   rows, from there to the optimum of REML or ML itself. What is stored says whether it starts
#'   there, not where. It begins cold, and [warm_info()] says so, where the stored fit leads
#'   elsewhere, where the score may have several optima, and where there are fewer than ten
#'   informative rows a coefficient. The end is believed where mgcv's own gradient and Hessian say
#'   that it is an optimum.
#'   From its own end alone it starts by NCV, GACV, P-REML and P-ML (but least squares), with
#'   `min.sp` or `H`, by `twlss()`, with adaptive smooths (`bs = "ad"`), and where the model is a
#'   zero inflated one (`ziP()`). With efs a finished fit starts nothing. Gaussian models with the
#'   identity link take no start by GCV, the default: they are kept, and begin cold.
#'   `mgcv::bam()` gives nothing to observe: finished fits are kept, and start themselves alone. It
#'   takes smoothing parameters and scale (`in.out`) from mgcv 1.9 on, and coefficients (`coef`)
#'   where the family is another than gaussian with the identity link, before 1.9 only without
#'   `discrete`; what takes neither begins cold. `vignette("resume-mgcv")` shows both.
#' * [warm-models]: `glm()`, `nls()` and others of stats, MASS, nnet, survival and nlme.
#' * [warm-mixed]: lme4 and glmmTMB.
#' * [warm-optimisers]: `optim()`, `nlm()`, `nlminb()` and others, of stats, nloptr, minqa and
#'   optimx.
#' * [warm_adapter()] teaches it another one.
#'
#' Of any other function, the finished result is kept and returned at once when the function and
#' the values of its arguments are the same again; nothing is kept on the way, and nothing is
#' started from it. Whether that is what you want is yours to judge where the function has side
#' effects, reads files, options, environment variables or the time: that does not count, and does
#' not happen again. Whatever draws random numbers counts with the state of the generator.
#'
#' @param call The call, as you would write it without `warm()`; see "What may stand around the
#'   fit?".
#' @param store A [warm_store()], or the path of one; by default the one that [`warmstart-options`]
#'   names.
#' @param ... Must be empty.
#' @param reuse TRUE, the default, or FALSE: return a finished fit of the same key? FALSE fits
#'   again, from its estimates.
#' @param near TRUE, the default, or FALSE: where there is none of this very fit, start from an
#'   earlier fit of the same model on other rows, or of a related model? Only from one that took
#'   0.1 s or more; see [`warmstart-options`].
#' @param name One string: keeps the finished fit under this name, past the store's bounds, until
#'   [warm_forget()] removes it; [warm_get()] returns it without its call or its data. Where the
#'   name has been another fit's, it is said what differs, and that one stays until this one has
#'   finished. Of several fits in one call the first has the name. NULL, the default, for none.
#' @param quickstart TRUE or FALSE, the default: where nothing is stored to start from, look for
#'   starting values first? `mgcv::gam()` can, by a (restricted) marginal likelihood; see "A first
#'   fit, faster?". Elsewhere it has no effect.
#' @param trust TRUE or FALSE, the default: return a finished fit also from a store that others can
#'   write? FALSE starts from its estimates there, with a warning; see [warm_store()].
#' @param depends Any value that shall count besides, such as `tools::md5sum("x.csv")`,
#'   `Sys.getenv("MODE")` or `packageVersion("helpers")`; NULL, the default, for none.
#' @param from A fit in hand of the same fitter, of other rows or another formula, to start from;
#'   NULL, the default, for none. It goes ahead of what the store has, but for this fit's own: where
#'   that has finished it is returned, where it was interrupted it goes on. The end is believed as
#'   from any start, or else made again cold. Where the fit cannot start this one, that is an error.
#'   Of several fits in one call the first starts from it. [warm_adopt()] keeps what a fit has
#'   found as this call's own.
#' @param wait TRUE or FALSE, the default: where another process is at this very fit, wait for its
#'   result? There is no limit to that; an interrupt ends it. See "Several processes?". With
#'   `reuse = FALSE` it has no effect.
#' @return What `call` returns; an object that has a class, with an attribute that [warm_info()]
#'   reads.
#' @section Errors: The fitter's own errors come through as they are. `warmstart_error_argument`
#'   names a bad argument of `warm()` itself. Warning: `warmstart_warning_trust` where a finished
#'   fit was not returned because others may have written it.
#' @seealso [warm_find()], [warm_info()], [warm_verify()], [session_history()]; [warm_store()];
#'   [`warmstart-options`], [`warmstart-recipes`]; [warm_session()] for fitters of your own.
#' @examples
#' store <- warm_store(tempfile("store"))
#' fit <- warm(glm(count ~ spray, poisson, InsectSprays), store)
#' # The same line returns the finished fit.
#' again <- warm(glm(count ~ spray, poisson, InsectSprays), store)
#' warm_info(again)
#' # Other rows start from its estimates; from those of so short a fit only on demand.
#' old <- options(warmstart.near_from = 0)
#' fold <- warm(glm(count ~ spray, poisson, InsectSprays[-(1:7), ]), store)
#' warm_info(fold)
#' options(old)
#' @export
warm <- function(call, store = warm_store(), ..., reuse = TRUE, near = TRUE, name = NULL,
                 quickstart = FALSE, trust = FALSE, depends = NULL, from = NULL, wait = FALSE) {
  check_dots(..., instead = called_here)
  check_how(reuse, near, name, quickstart, trust)
  check_flag(wait, "wait")
  store <- as_store(store)
  depends <- depends_part(depends)
  expr <- substitute(call)
  check_fit_call(expr)
  if (trust) store <- trust_store(store)
  keep <- function(call, env) {
    request <- new_request(call, env, depends)
    if (is.null(request$reason)) {
      mine <- list(name = name, from = from)
      name <<- from <<- NULL
      fit_kept(request, store, reuse, near, mine$name, quickstart, mine$from, wait)
    } else {
      fit_untouched(request)
    }
  }
  marked <- mark_fits(expr, parent.frame(), keep)
  if (identical(marked, expr)) inform("There is no call in it whose result could be kept.")
  value <- withVisible(as_if_unmarked(evaluate_at(marked, parent.frame())))
  shown(value$value, value$visible)
}

# As the user's own call would be, where it stands by itself.
shown <- function(value, visible) if (isFALSE(visible)) invisible(value) else value

# What arguments of other packages do, by their names there.
called_here <- c(
  verbose = "`options(warmstart.verbose = FALSE)` keeps it silent.",
  quiet = "`options(warmstart.verbose = FALSE)` keeps it silent.",
  progress = "`options(warmstart.progress = FALSE)` shows no progress.",
  label = "`name` keeps a fit under a name.",
  key = "the key is made of the call; `depends` adds to it, and `warm_find()` tells it.",
  resume = paste(
    "an interrupted fit goes on by itself; `reuse = FALSE` fits a finished one again, and",
    "`warm_forget()` removes it."
  ),
  file = "the directory that fits are kept in is `store`.",
  path = "the directory that fits are kept in is `store`.",
  dir = "the directory that fits are kept in is `store`.",
  cache = "the directory that fits are kept in is `store`; `reuse = FALSE` fits again.",
  refit = "`reuse = FALSE` fits again.",
  force = "`reuse = FALSE` fits again.",
  seed = paste(
    "for random numbers, call `set.seed()` before; for starts from other fits it is `near`."
  ),
  data = "arguments of the fit go into its call: `warm(gam(y ~ x, data = d), store)`."
)

check_how <- function(reuse, near, name, quickstart, trust) {
  check_flag(reuse, "reuse")
  check_flag(near, "near")
  check_flag(quickstart, "quickstart")
  check_flag(trust, "trust")
  check_name(name)
}

check_fit_call <- function(expr) {
  if (missing(expr) || !is.call(expr)) {
    stop_argument("call", "must be a call that fits a model, such as `gam(y ~ s(x))`.")
  }
}

# Bad arguments are the fitter's to complain about.
fit_untouched <- function(request) {
  inform(full_stop(paste0("This fit is not kept: ", request$reason)))
  made <- withVisible(
    as_if_called(request, request$asked, evaluate_asked(request, request$asked))
  )
  fit <- if (is.null(request$adapter)) made$value else restored(request, made$value)
  shown(with_info(fit, new_info("untouched", reason = request$reason)), made$visible)
}

fit_kept <- function(request, store, reuse, near, name, quickstart, from, wait) {
  found <- find_drawn(request, store, reuse, name)
  request <- found$request
  finished <- found$finished
  if (!is.null(name)) or_nothing(announce_other_named(request, store, name))
  if (reuse && !is.null(finished$fit)) {
    return(return_finished(request, finished, store, name))
  }
  if (!is.null(from)) from <- given_start(request, from)
  session <- warm_session(store, request$key$exact, request$label)
  on.exit(session_close(session))
  if (wait && reuse) {
    on.exit(withdraw(store, session))
    finished <- wait_for_twin(request, store, session, name) %||% finished
    if (!is.null(finished$fit)) {
      return(return_finished(request, finished, store, name))
    }
    on.exit(session_close(session))
  } else {
    or_nothing(announce_twin(store, session))
  }
  if (request$adapter$name == any_function) inform(not_watched(request))
  starts <- new_starts(request, store, finished$entry, near, quickstart, from)
  outcome <- run_fit(request, session, starts)
  kept <- or_nothing(keep_finished(request, session, store, outcome, name))
  or_nothing(announce_end(session, outcome, kept))
  near <- or_nothing(note_near(request, store, outcome, kept))
  info <- or_nothing(count_use(store, info_of(request, session, outcome, near)))
  shown(with_info(outcome$fit, info), outcome$visible)
}

not_watched <- function(request) {
  paste0(
    "`", cut_text(deparse(request$expr[[1]], nlines = 1)[[1]], 40),
    "()` is not watched: its result is kept when it has finished."
  )
}

# What goes wrong around a fit must not stop it.
or_nothing <- function(value) {
  tryCatch(value, error = function(e) {
    inform(paste0("Something went wrong beside the fit: ", conditionMessage(e)))
    NULL
  })
}

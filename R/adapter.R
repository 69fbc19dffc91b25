#' Teach warm() a fitter
#'
#' An adapter tells [warm()] all that it has to know of one fitter: how to put a seed into its
#' call, how to watch it, and what to keep of its result. `register_warm_adapter()` makes
#' [warm()] use it. Of its parts only `seed` and `state` have to be written; without `seed`
#' finished fits are kept and nothing is started from them.
#'
#' In what follows, `call` is the user's call with its arguments named in full (as by
#' [match.call()]), and `env` is where they are to be evaluated.
#'
#' @param name The fitter, as `"package::function"`, or any other name.
#' @param ... Must be empty.
#' @param seed `function(call, env, state, relation)`: the call, with starting values from `state`
#'   put in. `relation` is `"exact"` where the state is this very fit's, `"rows"` where it is the
#'   same model's on other data, `"related"` where it is another model's with the same response.
#'   Where the state does not fit, it calls [stop_seed_unfit()], at once or while the call runs.
#' @param state `function(fit)` or `function(fit, call, env)`: of a finished fit a list of `state`
#'   (plain data: vectors and lists of them, with names; what `seed` takes; empty where nothing can
#'   start from it), `objective` (a number, the smaller the better, or NA) and `iteration` (a count;
#'   where it is NA, the last one reported).
#' @param observe `function(call, env, report)`: the call, changed so that
#'   `report(state, objective, iteration)` is called for each new iterate while it runs; `report`
#'   never fails, and evaluates `state` only where it is written. Between iterates, `attr(report,
#'   "tick")`, a function without arguments or NULL, may be called as often as one likes: the
#'   progress line's clock goes on. NULL where the fitter gives nothing to watch.
#' @param recognises `function(fun)`: is this function the fitter? By default, whether it is the
#'   one that `name` says.
#' @param identify `function(call, env)`: which fit is this? A [fingerprint_model()]. By default
#'   [identify_model()] where the fitter has an argument `formula`, else [identify_call()].
#' @param restore `function(fit, call, env)`: the fit as a cold start would have left it for this
#'   call, which may be another's than it was made for. It may take two arguments more: `values`, a
#'   list of the arguments' values, as far as they have been evaluated; and `written`, the call as
#'   the user wrote it. By default its element or slot `call` is the user's again.
#' @param pack `function(fit)`: what to store of a finished fit, where it holds what need not be.
#'   `restore` is given that, and makes the fit of it. By default the fit.
#' @param converged `function(fit)`: did it end well? Where it did not (FALSE, or NA where it
#'   stopped at a limit that its call sets), a cold fit is kept as the call's result, and nothing is
#'   started from it; one that began elsewhere is made again cold. By default TRUE, unless it has an
#'   element `converged` that is FALSE.
#' @param certify `function(fit, call, env, start)`: does the end of a fit deserve belief that began
#'   elsewhere than a cold one? TRUE, or one string that says why not: then it is made again cold.
#'   It is asked where the fit has converged, without a warning. `start` is a list of the `state`
#'   that it began from and its `relation`, as `seed` has them (`"quick"` for a quick start), the
#'   `call` as `seed` made it, and the fit before `restore`, `raw`, whose call is what `observe` has
#'   made of that. To have
#'   converged is not enough: it should say from the fitter's own mathematics that this is the
#'   optimum which a cold start finds. By default the fit, begun again at its own end, must stay
#'   there, and be no worse than the first iterates of a cold one.
#' @param compare `function(a, b)`: a named list of the largest differences between two fits, as
#'   [warm_verify()] reports them (`objective`, relative; `fitted`, `coefficients`; `fitted_se`,
#'   `coefficients_se` in standard errors; `edf`). By default those of the objective in `state`,
#'   and of what [stats::fitted()] and [stats::coef()] give.
#' @param versions `function()`: named strings; a finished fit is returned only where they are the
#'   same as when it was made. By default the version of the package in `name`.
#' @param random `function(call, env)`: does where this fit ends depend on random numbers? Then the
#'   state of R's generator counts in the key, and is left as the fit left it where a finished one
#'   is returned. By default no.
#' @param quickstart `function(call, env)`: the call, with starting values put in that take little
#'   time to find. Used where nothing is stored and [warm()] is asked for it. It too may call
#'   [stop_seed_unfit()]. NULL, the default, where the fitter has none.
#' @param relations Which other fits `seed` can start from: `"rows"`, `"related"`, both (the
#'   default), or none (`character()`).
#' @param adapter A `warm_adapter`. It replaces one of the same name, and is asked ahead of those
#'   that were there before.
#' @return `warm_adapter()`: an object of class `warm_adapter`. `register_warm_adapter()`: the
#'   adapter, invisibly; for the R session, so packages call it from their `.onLoad()`.
#' @section Errors: `warmstart_error_argument` names a part that is no function, or takes other
#'   arguments.
#' @seealso [expect_adapter_conforms()] to test one; `vignette("write-an-adapter")`.
#' @examples
#' # Iteratively reweighted least squares for a median regression, with starting values.
#' fit_median <- function(formula, data, start = NULL) {
#'   x <- model.matrix(formula, data)
#'   y <- model.response(model.frame(formula, data))
#'   beta <- if (is.null(start)) qr.coef(qr(x), y) else start
#'   for (iteration in 1:500) {
#'     before <- beta
#'     w <- 1 / pmax(abs(y - drop(x %*% beta)), 1e-6)
#'     beta <- lm.wfit(x, y, w)$coefficients
#'     if (max(abs(beta - before)) < 1e-8) break
#'   }
#'   list(coefficients = beta, deviance = sum(abs(y - x %*% beta)), iterations = iteration)
#' }
#' register_warm_adapter(warm_adapter(
#'   "fit_median",
#'   recognises = function(fun) identical(fun, fit_median),
#'   seed = function(call, env, state, relation) {
#'     if (relation == "related") stop_seed_unfit("it is another model's")
#'     call$start <- state
#'     call
#'   },
#'   state = function(fit) {
#'     list(state = fit$coefficients, objective = fit$deviance, iteration = fit$iterations)
#'   }
#' ))
#' old <- options(warmstart.near_from = 0) # so short a fit starts others only on demand
#' store <- warm_store(tempfile("store"))
#' fit <- warm(fit_median(mpg ~ wt, mtcars), store)
#' fold <- warm(fit_median(mpg ~ wt, mtcars[-1, ]), store)
#' warm_info(fold)
#' options(old)
#' @export
warm_adapter <- function(name, ..., seed = NULL, state, observe = NULL, recognises = NULL,
                         identify = NULL, restore = NULL, pack = NULL, converged = NULL,
                         certify = NULL, compare = NULL, versions = NULL, random = NULL,
                         quickstart = NULL,
                         relations = c("rows", "related")) {
  check_dots(...)
  if (!is.character(name) || length(name) != 1 || is.na(name) || !nzchar(name)) {
    stop_argument("name", "must be one string, such as \"mgcv::gam\".")
  }
  parts <- list(
    seed = seed,
    state = state,
    observe = observe %||% function(call, env, report) call,
    recognises = recognises %||% recognise_name(name),
    identify = identify %||% identify_by_formals(name),
    restore = restore %||% restore_call,
    pack = pack %||% identity,
    converged = converged %||% converged_unless_said,
    certify = certify,
    compare = compare %||% function(a, b) compare_fits(a, b, state),
    versions = versions %||% function() package_version_of(name),
    random = random %||% function(call, env) FALSE,
    quickstart = quickstart
  )
  check_parts(parts)
  check_relations(relations)
  adapter <- structure(c(list(name = name, relations = relations), parts), class = "warm_adapter")
  if (is.null(certify)) {
    adapter$certify <- function(fit, call, env, start) certify_by_restart(fit, call, env, adapter)
  }
  adapter
}

# How many arguments each part is called with.
part_arity <- c(
  seed = 4, state = 1, observe = 3, recognises = 1, identify = 2, restore = 3, pack = 1,
  converged = 1, certify = 4, compare = 2, versions = 0, random = 2, quickstart = 2
)

may_be_missing <- c("seed", "quickstart", "certify")

check_relations <- function(relations) {
  if (!is.character(relations) || !all(relations %in% c("rows", "related"))) {
    stop_argument("relations", "must be among \"rows\" and \"related\".")
  }
}

check_parts <- function(parts) {
  for (name in may_be_missing) {
    if (is.null(parts[[name]])) parts[[name]] <- function(...) NULL
  }
  for (name in names(part_arity)) {
    if (!takes_arguments(parts[[name]], part_arity[[name]])) {
      stop_argument(name, paste0(
        "must be a function of ", counted(part_arity[[name]], "argument"), "."
      ))
    }
  }
}

takes_arguments <- function(part, n) {
  takes <- if (is.function(part)) names(formals(args(part)))
  is.function(part) && (length(takes) >= n || "..." %in% takes)
}

# Most fits tell their state by themselves; some only with their call.
fit_state <- function(adapter, fit, call, env) {
  takes <- length(formals(args(adapter$state)))
  if (takes > 1) adapter$state(fit, call, env) else adapter$state(fit)
}

#' @rdname warm_adapter
#' @export
register_warm_adapter <- function(adapter) {
  check_class(adapter, "warm_adapter", "adapter", "warm_adapter")
  others <- Filter(function(other) other$name != adapter$name, registry$adapters)
  registry$adapters <- c(list(adapter), others)
  invisible(adapter)
}

registry <- new.env(parent = emptyenv())

# Remembers the last: who asks again asks for the same fitter, as a rule.
find_adapter <- function(fun) {
  asked <- list(fun, registry$adapters)
  if (!identical(asked, registry$found$asked)) {
    registry$found <- list(asked = asked, adapter = search_adapters(fun))
  }
  registry$found$adapter
}

# One adapter's error must not keep the others' fits: the search goes on behind it.
search_adapters <- function(fun) {
  adapters <- registry$adapters
  while (length(adapters) > 0) {
    tryCatch(
      for (adapter in adapters) {
        adapters <- adapters[-1]
        if (isTRUE(adapter$recognises(fun))) {
          return(adapter)
        }
      },
      error = function(e) NULL
    )
  }
  NULL
}

#' A stored state does not fit
#'
#' For the `seed` part of a [warm_adapter()]: the state that it was given is no start for this
#' call. [warm()] goes on to the next one it has found, or to a cold start, and [warm_info()]
#' says why.
#'
#' @param why One string: why not, as words that end a sentence.
#' @return Nothing: it does not return.
#' @section Errors: It is one, of class `warmstart_seed_unfit`, which [warm()] catches.
#' @seealso [warm_adapter()]
#' @examples
#' tryCatch(
#'   stop_seed_unfit("it has 3 coefficients, and the model 4"),
#'   warmstart_seed_unfit = conditionMessage
#' )
#' @export
stop_seed_unfit <- function(why) {
  stop(errorCondition(
    paste0("The stored fit cannot start this one: ", why, "."),
    why = why, class = "warmstart_seed_unfit"
  ))
}

# As stop_seed_unfit(), after work that took time: a model of which starts end so again and again is
# left alone.
stop_seed_doubtful <- function(why) {
  stop(errorCondition(
    paste0("The stored fit cannot start this one: ", why, "."),
    class = c("warmstart_seed_doubtful", "warmstart_seed_unfit")
  ))
}

# What an adapter is, unless it says otherwise. -------------------------------------------------

# A package's function can only come from the package, once that is loaded.
recognise_name <- function(name) {
  at <- strsplit(name, "::", fixed = TRUE)[[1]]
  if (length(at) != 2) {
    stop_argument("recognises", "must be given where `name` is not \"package::function\".")
  }
  function(fun) {
    home <- .getNamespace(at[[1]]) # NULL unless it is loaded
    !is.null(home) && identical(fun, get0(at[[2]], envir = home))
  }
}

identify_by_formals <- function(name) {
  force(name)
  function(call, env) {
    fun <- eval(call[[1]], env)
    identify <- if ("formula" %in% names(formals(args(fun)))) identify_model else identify_call
    identify(call, env, name)
  }
}

restore_call <- function(fit, call, env) {
  if (isS4(fit)) {
    if (methods::.hasSlot(fit, "call")) fit@call <- call
  } else if (is.list(fit) && is.call(fit[["call"]])) {
    fit$call <- call
  }
  fit
}

converged_unless_said <- function(fit) {
  !(is.list(fit) && isFALSE(fit[["converged"]]))
}

package_version_of <- function(name) {
  at <- strsplit(name, "::", fixed = TRUE)[[1]]
  if (length(at) == 2) {
    version_of(at[[1]])
  } else {
    character()
  }
}

# Of the loaded code; packageVersion() reads the library's description file.
version_of <- function(package) {
  stats::setNames(getNamespaceVersion(package), package)
}

#' @export
format.warm_adapter <- function(x, ...) {
  paste0("<warm_adapter> ", x$name)
}

#' @export
print.warm_adapter <- function(x, ...) {
  cat(wrap_text(format(x)), sep = "\n")
  invisible(x)
}

#' Options and environment variables
#'
#' All that warmstart reads from outside its arguments. None of it changes a fit.
#'
#' @section Where is the store?:
#' [warm_store()] without a path, and so [warm()] without a store, takes the first of these:
#'
#' 1. `options(warmstart.store = "path")`, for one R session or, in a `.Rprofile`, one project;
#' 2. the environment variable `WARMSTART_STORE`, for whatever a shell, a cluster job or a
#'    container runs. Where it is empty it counts as not set;
#' 3. the user's cache directory, `tools::R_user_dir("warmstart", "cache")`; `R_USER_CACHE_DIR` and
#'    `XDG_CACHE_HOME` move that.
#'
#' A relative path is one below the working directory at the time of the call. Nothing is made there
#' before something is saved.
#'
#' @section What is said of a fit?:
#' \describe{
#' \item{`warmstart.verbose`}{TRUE or FALSE, by default TRUE: [warm()] says in one line what it
#'   found to start from, and in one at the end what it saved. They are messages.}
#' \item{`warmstart.progress`}{TRUE or FALSE, by default not set: a fit that takes more than 2 s
#'   shows a line while it runs, where somebody can see it: in an interactive session, but not
#'   while knitr makes a document or testthat runs tests. TRUE shows it always (where output is no
#'   terminal as lines of a log, one in 10 s at most), FALSE never.
#'
#'   The line tells outer iteration, objective, time so far, and the last checkpoint. Where the
#'   same model has been fitted before, on these data or others, it tells what share of that fit's
#'   iterations is done, and guesses the time left from it. Where this fit began from another one's
#'   estimates and that one did not, it should need fewer: then the share is a lower bound
#'   and the time an upper one, `>40 %, <3 min left`; and the other way round.
#'
#'   It is renewed at each iterate, and within an iteration once a second, as often as the fitter
#'   calls a function that `warm()` watches: `gam()` its family's at each inner iteration, lme4,
#'   glmmTMB and the optimisers their objective. While a fitter is elsewhere (setting up the model,
#'   in one long computation, taking a Hessian at the end) the seconds stand still; of a fitter that
#'   is not watched no line is shown. With an adapter of your own, it is renewed at each iterate.
#'   The line is gone when the fit ends.
#'
#'   Under `progressr::with_progress()`, or after `progressr::handlers(global = TRUE)`, the same is
#'   told to progressr's handlers instead, unless the option is FALSE.}
#' }
#'
#' @section Which fits start others?:
#' `warmstart.near_from`: seconds, by default 0.1. A fit that took less, or would have taken less
#' from a cold start, starts none on other rows and no related one: there is nothing to save, and of
#' few rows a model may have several optima. Its own next fit starts from it, however short.
#'
#' @section How wide is what is printed?:
#' As R's option `width` says, and sentences at most 80 columns. A label is cut at its end,
#' and a path too long for its line in the middle. Both are whole in the object that is printed.
#' Only warnings and errors have colours; the environment variable `NO_COLOR` turns them off.
#'
#' @section What belongs to a model:
#' The R options `contrasts` and `na.action` are read as part of a model's [fingerprint_model()],
#' since they change what is fitted.
#'
#' @seealso [warm()], [warm_store()]
#' @name warmstart-options
#' @aliases WARMSTART_STORE
#' @examples
#' old <- options(warmstart.store = tempfile("store"), warmstart.verbose = FALSE)
#' warm_store()
#' options(old)
NULL

#' Recipes: documents, pipelines, apps, batch jobs
#'
#' How [warm()] and its store go with what people use around a fit.
#'
#' @section knitr and Quarto:
#' Write `warm()` in a chunk as anywhere else. The fit is kept in the store, outside the document:
#' a render that was killed goes on at the next one, other documents and the console find the same
#' fit, and editing the chunk's text, a comment or a plot beside the fit does not make it again,
#' which it does with `cache = TRUE`. No line is shown while a document is made; the lines at
#' the start and the end are messages, which `message = FALSE` or
#' `options(warmstart.verbose = FALSE)` leaves out.
#'
#' A relative path of a store is one below knitr's working directory, as a rule the document's. To
#' keep a project's fits in one place, set the store once in its `.Rprofile`:
#' `options(warmstart.store = "/path/to/project/fits")`.
#'
#' `cache = TRUE` may stand beside it: then knitr keeps the chunk's objects, the fit among them, and
#' does not call `warm()` at all as long as the chunk's text stays. When that changes, `warm()`
#' decides anew whether it is the same fit. A fit that knitr took from its cache says in
#' [warm_info()] what was true when the chunk ran. A store in such a chunk is only a path, and
#' opens itself again.
#'
#' @section targets:
#' Wrap the fit in the command of its target:
#'
#' ```r
#' # _targets.R
#' library(targets)
#' tar_option_set(packages = c("mgcv", "warmstart"))
#' list(
#'   tar_target(d, read.csv("data.csv")),
#'   tar_target(fit, warm(
#'     gam(y ~ s(x), data = d, method = "REML"),
#'     warm_store("/path/to/project/fits")
#'   ))
#' )
#' ```
#'
#' targets decides whether the target is out of date, and `warm()` from where it starts. A pipeline
#' that was killed in the fit goes on, at the next `tar_make()`, from the fit's last iterate. A
#' target that is out of date for a reason that does not concern the fit, such as another column in
#' `d`, is back at once. A fit that was made again is not the same bytes as the one before, as
#' [warm_info()] says something else: targets then makes again what depends on it. It has the same
#' estimates, within the fitter's tolerance.
#'
#' @section memoise and shiny:
#' [as_cachem()] makes a store a cache:
#'
#' ```r
#' slow <- memoise::memoise(slow, cache = as_cachem())
#' reactive(...) |> shiny::bindCache(input$n, cache = as_cachem())
#' ```
#'
#' In an app, wrap a fit in `warm()` within the reactive, and leave `bindCache()` to what is drawn
#' from it: so a change of inputs starts from the fit before.
#'
#' @section Loops and workers:
#' Cross-validation, bootstraps and simulations need nothing more than `warm()` in the loop: each
#' fit starts from the one before. Workers of parallel, future or a cluster share a store on
#' a disk that they share; see "Several machines?" in [warm_store()]. With
#' `progressr::with_progress()` around it, a single long fit reports to the handlers there; see
#' [`warmstart-options`].
#'
#' @section Jobs with a wall time:
#' Write the fit in `warm()`, with a store on a disk that outlives the job, and submit the same
#' script until it has finished. What a batch system kills goes on, at the next submission, from its
#' last checkpoint; what has finished is returned at once. With Slurm, a chain of jobs does it, each
#' of which begins when the one before has ended, however it ended:
#'
#' ```sh
#' #!/bin/sh
#' #SBATCH --time=04:00:00
#' # Submit four times: sbatch --dependency=singleton --job-name=fit job.sh
#' exec Rscript fit.R
#' ```
#'
#' To see it on any machine, run
#' `sh "$(Rscript -e 'cat(system.file("examples/wall-time.sh", package = "warmstart"))')"`: one
#' script, killed by `timeout -s KILL` after 2, 4, 8 ... seconds, until its fit is there.
#'
#' A wall time must leave room for a checkpoint: the first better iterate after half a second of
#' fitting, so for one or two iterations of the fitter.
#'
#' @section Job arrays and several nodes:
#' The tasks of an array may share one store: each fit has a key of its own, made of its data and
#' its call, and each process writes files of its own. To submit the whole array once more is to do
#' what is missing. Between nodes the store has to be on a file system that they share; see "Several
#' machines?" in [warm_store()]. Where that is slow, give each node a store on its own disk, and use
#' the shared one for what must outlive the node.
#'
#' ```r
#' # fit.R, of: sbatch --array=1-20 --wrap "Rscript fit.R"
#' task <- as.integer(Sys.getenv("SLURM_ARRAY_TASK_ID"))
#' set.seed(task)
#' rows <- d[sample(nrow(d), replace = TRUE), ]
#' fit <- warm(gam(y ~ s(x), data = rows, method = "REML"), "/scratch/me/fits")
#' saveRDS(coef(fit), sprintf("coef-%d.rds", task))
#' ```
#'
#' @section Mixed models with lmerTest and afex:
#' `lmer()` is watched, resumed and seeded as lmerTest's, too: with `library(lmerTest)` a returned
#' fit has its degrees of freedom and p values. `afex::mixed()` and `afex::aov_ez()` are to [warm()]
#' what any other function is: their result is kept when they have finished, and a killed call
#' begins anew. Where the models of a `mixed()` are long, fit the largest one by `lmer()` in
#' `warm()` first.
#'
#' @section What to back up:
#' A store is a directory of files, and may be copied as any other, with `cp -a` or rsync; what is
#' written meanwhile is whole in the copy, or is passed over there. It can be made again by fitting,
#' so that losing it costs time alone. What must not be lost, keep under a name
#' (`warm(..., name = "thesis-3")`), so that no sweep removes it, and save it in a file of its own:
#' `saveRDS(warm_get("thesis-3"), "thesis-3.rds")`.
#'
#' @seealso [warm()], [as_cachem()], [`warmstart-options`]
#' @name warmstart-recipes
#' @examplesIf requireNamespace("knitr", quietly = TRUE)
#' document <- tempfile(fileext = ".Rmd")
#' writeLines(c(
#'   "```{r}",
#'   "library(warmstart)",
#'   "store <- warm_store(tempfile('store'))",
#'   "fit <- warm(glm(count ~ spray, poisson, InsectSprays), store)",
#'   "warm_info(fit)",
#'   "```"
#' ), document)
#' cat(readLines(knitr::knit(document, tempfile(fileext = ".md"), quiet = TRUE)), sep = "\n")
NULL

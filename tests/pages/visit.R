# One run of a page's examples, in a process of its own.
#
#   plain   without warm()
#   first   with a new store, and near = FALSE
#   again   with that store, in a new process
#   refit   the same, with reuse = FALSE
#   near    with a new store, and near = TRUE
modes <- c("plain", "first", "again", "refit", "near")

#' @param package Attached first.
#' @param code Expressions.
#' @param seconds Of this process's own time, for each expression, and for the whole page, of the
#'   plain run.
#' @param upto How many of them to run: as many as the plain run got through.
#' @return A list of `said`, of each expression the output, conditions, error and random numbers;
#'   `ends`, the end_of() each object that it leaves; `uses`, what is made of each fit; `upto`. NULL
#'   where it was stopped.
#' @noRd
visit <- function(package, code, mode, store, seconds, upto = length(code)) {
  job <- parallel::mcparallel(run_page(package, code, mode, store, seconds, upto),
    silent = TRUE, mc.set.seed = FALSE
  )
  made <- parallel::mccollect(job, wait = FALSE, timeout = 20 * seconds[["page"]] + 200)
  if (is.null(made)) {
    tools::pskill(job$pid, tools::SIGKILL)
    suppressWarnings(parallel::mccollect(job))
  }
  if (is.list(made[[1]])) made[[1]]
}

run_page <- function(package, code, mode, store, seconds, upto) {
  suppressPackageStartupMessages(library(package, character.only = TRUE))
  old <- setwd(tempdir())
  on.exit(setwd(old))
  workspace <- globalenv()
  kept <- ls(workspace, all.names = TRUE)
  options(warn = 1, width = 100, device = function(...) grDevices::pdf(NULL))
  if (mode != "plain") {
    suppressPackageStartupMessages(library(warmstart))
    options(warmstart.near_from = 0) # what takes a moment, too
    options(warmstart.verbose = FALSE)
    list2env(list(
      .store = warm_store(store), .near = mode == "near", .reuse = mode != "refit"
    ), workspace)
    code <- lapply(code, in_warm)
  }
  grDevices::pdf(NULL)
  set.seed(20240501)
  said <- list()
  began <- seconds_used()
  for (i in seq_len(upto)) {
    left <- seconds[["page"]] - (seconds_used() - began)
    limit <- if (mode == "plain") min(seconds[["each"]], left) else 4 * seconds[["each"]]
    record <- if (limit > 0) run_expression(code[[i]], workspace, limit)
    if (is.null(record) || record$timed_out) break
    said[[i]] <- record
  }
  names <- setdiff(ls(workspace, all.names = TRUE), c(kept, ".store", ".near", ".reuse"))
  objects <- mget(setdiff(names, ".Random.seed"), workspace)
  objects <- Filter(function(object) utils::object.size(object) < 4e7, objects)
  list(
    said = said, ends = lapply(objects, end_of), upto = length(said),
    uses = lapply(Filter(is.object, lapply(objects, without_info)), uses_of)
  )
}

run_expression <- function(expr, env, limit) {
  conditions <- character()
  hear <- function(kind) {
    function(condition) {
      text <- paste(kind, conditionMessage(condition))
      if (!inherits(condition, "packageStartupMessage")) conditions <<- c(conditions, text)
      tryInvokeRestart(if (kind == "warning") "muffleWarning" else "muffleMessage")
    }
  }
  error <- NULL
  setTimeLimit(cpu = limit, transient = TRUE)
  output <- utils::capture.output(tryCatch(
    withCallingHandlers(
      {
        made <- withVisible(eval(expr, env))
        if (made$visible) show_value(made$value)
      },
      warning = hear("warning"), message = hear("message")
    ),
    error = function(e) error <<- c(conditionMessage(e), deparse1(conditionCall(e)))
  ))
  setTimeLimit()
  list(
    output = output, conditions = conditions, error = error,
    random = get0(".Random.seed", globalenv()),
    timed_out = any(grepl("reached (elapsed|CPU) time limit", error))
  )
}

seconds_used <- function() sum(proc.time()[1:2])

show_value <- function(value) if (isS4(value)) methods::show(value) else print(value)

# What warm_info() reads is no difference.
without_info <- function(object) {
  if (is.object(object) && !is.environment(object)) attr(object, "warmstart") <- NULL
  object
}

uses_of <- function(object) {
  words <- function(expr) {
    setTimeLimit(cpu = 4, transient = TRUE)
    on.exit(setTimeLimit())
    tryCatch(
      utils::capture.output(suppressMessages(suppressWarnings(print(expr)))),
      error = function(e) paste("error:", conditionMessage(e))
    )
  }
  if (is.null(tryCatch(stats::getCall(object), error = function(e) NULL))) {
    return(NULL)
  }
  list(
    summary = words(summary(object)), call = words(stats::getCall(object)),
    formula = words(stats::formula(object)), logLik = words(stats::logLik(object)),
    predict = words(utils::head(stats::predict(object))), vcov = words(stats::vcov(object)),
    anova = words(stats::anova(object)), names = words(names(object)),
    update = words(class(stats::update(object))),
    residuals = words(utils::head(stats::residuals(object))),
    str = words(utils::str(object, give.attr = FALSE, max.level = 2))
  )
}

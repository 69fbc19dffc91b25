# Do two calls that differ have two keys, and the same call one? A case is a pair of calls, A and B.
# A runs in one process; A again, and B, in another, each beside what plain R gives.
#
# Called by tools/keys, with PHASE (1, then 2, in another process), CASES.R, ROOT, a pattern, and N,
# to take each Nth case.
#
# CASES.R calls case(name, A, B, expect, pkgs), with FIT(...) around each fit. What phase 2 finds of
# each case is in ROOT/CASES.R.csv:
#
#     again     does A find its fit again?
#     verdict   ok
#               stale    B got A's fit, though plain R gives another
#               wrong    B was fitted, and is not what plain R gives
#               missed   B is what A is, by plain R too, and was fitted again
#               unkept   the fit was not kept
#               error    it stopped, where plain R does not
#               void     plain R gives the same though it should not, or differs though it should

main <- function(phase, file, root, filter = "", every = "1") {
  suppressPackageStartupMessages(library(warmstart))
  options(warmstart.verbose = FALSE, warmstart.progress = FALSE)
  cases <- read_cases(file)
  cases <- cases[grepl(filter, names(cases))]
  cases <- cases[seq(1, length(cases), by = as.integer(every))]
  out <- file.path(root, basename(file))
  results <- lapply(stats::setNames(nm = names(cases)), function(name) {
    case <- cases[[name]]
    for (package in case$pkgs) {
      suppressPackageStartupMessages(library(package, character.only = TRUE))
    }
    store <- file.path(out, gsub("[^A-Za-z0-9]+", "_", name))
    if (phase == "1") {
      list(a = run(case$A, store), plain_a = run(case$A))
    } else {
      again <- run(case$A, store)
      if (is.null(case$B)) {
        return(list(again = again))
      }
      plain_b <- run(case$B)
      list(again = again, plain_b = plain_b, b = run(case$B, store))
    }
  })
  if (phase == "1") {
    return(saveRDS(results, paste0(out, ".rds")))
  }
  first <- readRDS(paste0(out, ".rds"))
  verdicts <- lapply(names(cases), function(name) {
    judge(name, cases[[name]]$expect, c(first[[name]], results[[name]]))
  })
  utils::write.csv(do.call(rbind, verdicts), paste0(out, ".csv"), row.names = FALSE)
}

# What the cases see: FIT(), which is warm() or nothing.
place <- new.env()

read_cases <- function(file) {
  cases <- list()
  place$case <- function(name, A, B, expect = "diff", pkgs = character()) { # nolint
    stopifnot(!name %in% names(cases), expect %in% c("diff", "same"))
    cases[[name]] <<- list(
      A = substitute(A), B = if (missing(B)) NULL else substitute(B), expect = expect, pkgs = pkgs
    )
  }
  sys.source(file, envir = new.env(parent = place))
  cases
}

# One call, in an empty workspace; `store` NULL: without warm().
run <- function(code, store = NULL) {
  before <- options()
  attached <- search()
  locale <- Sys.getlocale("LC_COLLATE")
  zone <- Sys.getenv("TZ", NA)
  on.exit({
    options(before)
    Sys.setlocale("LC_COLLATE", locale)
    if (is.na(zone)) Sys.unsetenv("TZ") else Sys.setenv(TZ = zone)
    for (name in setdiff(search(), attached)) {
      if (!startsWith(name, "package:")) detach(name, character.only = TRUE)
    }
    empty_workspace()
  })
  empty_workspace()
  options(warmstart.store = store)
  place$FIT <- if (is.null(store)) identity else warmstart::warm
  attach(place, name = "fitting", warn.conflicts = FALSE)
  set.seed(1)
  forget()
  value <- tryCatch(
    suppressWarnings(suppressMessages(eval(code, globalenv()))),
    error = function(e) structure(list(conditionMessage(e)), class = "failed")
  )
  info <- if (!is.null(store)) tryCatch(warm_info(), error = function(e) NULL)
  list(
    gives = if (inherits(value, "failed")) {
      value
    } else {
      tryCatch(look(value), error = conditionMessage)
    },
    source = if (is.null(info)) "none" else info$source
  )
}

empty_workspace <- function() {
  rm(list = setdiff(ls(globalenv(), all.names = TRUE), ".Random.seed"), envir = globalenv())
  for (package in intersect(c("base", "stats", "mgcv"), loadedNamespaces())) {
    table <- asNamespace(package)[[".__S3MethodsTable__."]]
    registered <- Filter(function(name) {
      identical(topenv(environment(table[[name]]) %||% baseenv()), globalenv())
    }, ls(table, all.names = TRUE))
    rm(list = registered, envir = table)
  }
}

`%||%` <- function(a, b) if (is.null(a)) b else a

# No fit has been made yet.
forget <- function() {
  registry <- get("registry", asNamespace("warmstart"))
  registry$last_info <- NULL
}

# What of a fit is compared.
look <- function(x) {
  if (is.list(x) || isS4(x)) attr(x, "warmstart") <- NULL
  quantity <- function(f) tryCatch(f(x), error = function(e) NULL)
  if (is.environment(x)) {
    "an environment"
  } else if (isS4(x) && methods::is(x, "merMod")) {
    list(lme4::fixef(x), lme4::getME(x, "theta"), stats::fitted(x))
  } else if (inherits(x, "glmmTMB")) {
    list(x$fit$par, as.vector(stats::fitted(x)))
  } else if (inherits(x, "rpart")) {
    x[c("frame", "where")]
  } else if (is.list(x) && !is.data.frame(x) && inherits(x$gam, "gam")) {
    list(stats::coef(x$gam), stats::fitted(x$gam))
  } else if (is.list(x) && !is.data.frame(x) && (!is.null(x$terms) || inherits(x, models))) {
    lapply(list(stats::coef, stats::fitted, stats::deviance, function(x) {
      as.numeric(stats::logLik(x))
    }), quantity)
  } else if (is.list(x) && !is.data.frame(x)) {
    lapply(unclass(x), function(part) if (is_code(part)) deparse1(part) else look(part))
  } else {
    x
  }
}

models <- c("gam", "lme", "gls", "nls", "coxph", "survreg", "multinom", "glm", "lm")

is_code <- function(x) is.function(x) || is.environment(x) || is.language(x)

judge <- function(name, expect, r) {
  again <- if (inherits(r$a$gives, "failed")) {
    "error"
  } else {
    switch(r$again$source, finished = "hit", untouched = "unkept", "missed")
  }
  is_same <- function(a, b) isTRUE(all.equal(a$gives, b$gives, tolerance = 1e-3))
  verdict <- if (is.null(r$b)) {
    "ok"
  } else if (inherits(r$b$gives, "failed") && !inherits(r$plain_b$gives, "failed")) {
    "error"
  } else if (r$b$source == "finished" && !is_same(r$b, r$plain_b)) {
    "stale"
  } else if (r$b$source == "untouched") {
    "unkept"
  } else if (!is_same(r$b, r$plain_b)) {
    "wrong"
  } else if (is_same(r$plain_a, r$plain_b) != (expect == "same")) {
    "void"
  } else if (expect == "same" && r$b$source != "finished") {
    "missed"
  } else {
    "ok"
  }
  data.frame(case = name, expect = expect, again = again, verdict = verdict)
}

do.call(main, as.list(commandArgs(TRUE)))

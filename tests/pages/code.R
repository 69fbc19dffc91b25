# The examples of a help page, plain and with every fit in warm().

# Fitters that warm() has an adapter for, and other functions of which it keeps the results.
fitters_known <- c(
  "gam", "bam", "lmer", "glmer", "nlmer", "glmer.nb", "glmmTMB", "lme", "gls", "glm", "glm.nb",
  "nls", "optim", "nlm", "nlminb", "optimize", "optimise", "constrOptim", "coxph", "survreg",
  "multinom", "nnet", "loglin", "optimr", "optimx", "bobyqa", "newuoa", "uobyqa", "nloptr"
)
fitters_other <- c(
  "lm", "aov", "loess", "nlsList", "lmList", "nlme", "gnls", "gamm", "rlm", "lqs", "polr", "lda",
  "qda", "loglm", "glmmPQL", "lm.ridge", "lm.gls", "fitdistr", "isoMDS", "sammon", "cov.rob",
  "corresp", "mca", "survfit", "survdiff", "survexp", "pyears", "aareg", "cch", "clogit",
  "concordance", "ppr", "supsmu", "arima", "ar", "StructTS", "HoltWinters", "factanal",
  "princomp", "prcomp", "kmeans", "hclust", "smooth.spline", "optimHess", "uniroot", "integrate",
  "stl", "medpolish", "isoreg", "ksmooth", "lowess", "density", "allFit", "bootMer", "profile",
  "confint", "update", "refit", "ginla", "magic", "gam.fit", "finegray", "manova", "TukeyHSD"
)

# Within these nothing is evaluated, or something else than what is written.
left_alone <- c(
  "~", "quote", "bquote", "substitute", "expression", "library", "require", "::", ":::", "data",
  "@", "$", "match.call", "sys.call", "UseMethod", "rm", "expand.model.frame", "deriv", "deriv3",
  "body", "formals", "on.exit", "alist", "curve", "setClass", "setMethod", "setGeneric"
)

# What leaves the process, or asks somebody.
not_run <- paste(
  "install\\.packages|download\\.file|browseURL|readline|update\\.packages|vignette\\(|system\\(",
  "makeCluster|file\\.edit|mclapply|parallel::|q\\(\\)|quit\\(|help\\.start|menu\\(|identify\\(",
  "locator\\(|x11\\(|windows\\(|quartz\\(|setwd\\(|demo\\(|unlink|example\\(|openmp|sink\\(",
  "dev\\.off|graphics\\.off",
  sep = "|"
)

#' @return Expressions, also those that are in `\dontrun{}`, where they can be parsed; none where
#'   the page has no examples.
#' @noRd
code_of_page <- function(package, page) {
  rd <- tools::Rd_db(package)[[page]]
  code <- parsed_examples(rd, commentDontrun = FALSE) %||% parsed_examples(rd)
  Filter(function(expr) !any(grepl(not_run, deparse(expr))), as.list(code))
}

parsed_examples <- function(rd, ...) {
  file <- tempfile(fileext = ".R")
  suppressWarnings(tools::Rd2ex(rd, file, ...))
  if (file.exists(file)) {
    lines <- readLines(file, warn = FALSE)
    tryCatch(
      parse(text = lines[!grepl("^##D *$", lines)], keep.source = FALSE),
      error = function(e) NULL
    )
  }
}

`%||%` <- function(x, y) if (is.null(x)) y else x

#' @param expr Code.
#' @return The same, with each fit in `warm()`, of the store `.store`, with `.near` and `.reuse`.
#' @noRd
in_warm <- function(expr) {
  if (!is.call(expr)) {
    return(expr)
  }
  name <- name_of(expr[[1]])
  if (name %in% left_alone) {
    return(expr)
  }
  for (i in parts_to_walk(expr, name)) {
    part <- expr[[i]]
    if (is.call(part)) expr[[i]] <- in_warm(part)
  }
  called <- if (name == "do.call" && length(expr) > 1) name_of(expr[[2]]) else name
  if (called %in% c(fitters_known, fitters_other)) {
    expr <- as.call(list(
      quote(warm), expr, store = quote(.store), near = quote(.near), reuse = quote(.reuse)
    ))
  }
  expr
}

parts_to_walk <- function(expr, name) {
  switch(name,
    "<-" = , "=" = , "<<-" = , "function" = 3,
    "%>%" = 2,
    Filter(function(i) !identical(expr[[i]], quote(expr = )), seq_along(expr))
  )
}

name_of <- function(head) {
  if (is.symbol(head)) {
    as.character(head)
  } else if (is.character(head)) {
    head[[1]]
  } else if (is.call(head) && as.character(head[[1]])[[1]] %in% c("::", ":::")) {
    as.character(head[[3]])
  } else {
    ""
  }
}

fits_in <- function(code) {
  sum(vapply(code, function(expr) {
    sum(all.names(in_warm(expr)) == ".store") - sum(all.names(expr) == ".store")
  }, 1))
}

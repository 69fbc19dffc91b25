library(warmstart)
options(warmstart.verbose = FALSE)

# Evaluates one line of R in a process of its own, which has mgcv and warmstart attached and may
# use `path`; the answer is what there is to compare of the fit.
fit_in_process <- function(line, path, start = callr::r) {
  start(function(line, path) {
    suppressMessages({
      library(mgcv)
      library(warmstart)
    })
    options(warmstart.verbose = FALSE)
    fit <- eval(parse(text = line), list(path = path), globalenv())
    list(
      score = as.vector(fit$gcv.ubre), edf = fit$edf, fitted = as.vector(fitted(fit)),
      iterations = fit$outer.info$iter, call = fit$call,
      info = if (grepl("^warm", line)) unclass(warm_info(fit))
    )
  }, list(line, path), libpath = .libPaths())
}

# Polls until `seen()` or the process has ended.
watch <- function(process, seen) {
  while (process$is_alive() && !seen()) {
    process$wait(timeout = 5)
  }
}

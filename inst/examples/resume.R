# A long fit, killed in the middle, resumed, and returned: what `make demo` runs.
#
#     Rscript resume.R
#
# Each of the four fits has an R process of its own. The second is killed with SIGKILL,
# which no program can catch, once the store shows it half-way.

needed <- c("warmstart", "mgcv", "survival", "callr")
missing <- needed[!vapply(needed, requireNamespace, logical(1), quietly = TRUE)]
if (length(missing) > 0) {
  stop("This needs the R packages ", paste(missing, collapse = ", "), ".", call. = FALSE)
}
library(warmstart)

# Serum free light chains and death: the 6524 residents of Olmsted County, Minnesota,
# whose creatinine was measured (Dispenzieri and others 2012; in the package survival).
# Without a path it is the same line, but warm() does nothing.
fit_deaths <- function(path = NULL) {
  suppressPackageStartupMessages(library(mgcv))
  warm <- if (is.null(path)) function(call, ...) call else warmstart::warm
  people <- survival::flchain
  people <- people[!is.na(people$creatinine), ]
  began <- proc.time()[["elapsed"]]
  fit <- warm(
    gam(
      death ~ sex + s(age, by = sex, k = 20) + s(log(kappa), k = 20) +
        s(log(lambda), k = 20) + s(log(creatinine), k = 20) + s(sample.yr, k = 8) +
        te(age, log(kappa)),
      family = binomial, data = people, method = "REML"
    ),
    warmstart::warm_store(path)
  )
  seconds <- proc.time()[["elapsed"]] - began
  list(
    seconds = seconds,
    iterations = if (is.null(path)) {
      fit$outer.info$iter
    } else {
      warmstart::warm_info(fit)$iterations
    },
    REML = as.vector(fit$gcv.ubre), edf = fit$edf, fitted = fitted(fit)
  )
}

run <- function(...) callr::r(fit_deaths, list(...), show = TRUE)

# Starts the fit, and kills its process at the first checkpoint from iteration `at` on.
run_and_kill <- function(store, path, at) {
  began <- proc.time()[["elapsed"]]
  elapsed <- function() proc.time()[["elapsed"]] - began
  child <- callr::r_bg(fit_deaths, list(path), supervise = TRUE)
  on.exit(child$kill())
  seen <- -1
  while (seen < at) {
    Sys.sleep(0.05)
    checkpoint <- store_list(store)
    if (nrow(checkpoint) == 1 && checkpoint$iteration > seen) {
      seen <- checkpoint$iteration
      cat(sprintf(
        "   %5.1f s  checkpoint of iteration %d, REML %.3f\n",
        elapsed(), seen, checkpoint$objective
      ))
    }
    if (!child$is_alive()) {
      child$get_result()
      stop("The fit had ended before it could be killed.")
    }
  }
  tools::pskill(child$get_pid(), tools::SIGKILL)
  child$wait()
  status <- child$get_exit_status()
  cat(sprintf("   %5.1f s  SIGKILL: exit status %d\n", elapsed(), status))
  list(seconds = elapsed(), iterations = store_list(store)$iteration)
}

difference <- function(fit, cold) {
  c(
    REML = abs(fit$REML - cold$REML) / abs(cold$REML),
    edf = max(abs(fit$edf - cold$edf)),
    fitted = max(abs(fit$fitted - cold$fitted))
  )
}

path <- tempfile("store")
store <- warm_store(path)

cat("1. A cold fit, without warmstart, to compare with\n")
cold <- run()
cat(sprintf("   %d outer iterations, %.1f s\n", cold$iterations, cold$seconds))

cat("\n2. The same line in warm(), killed half-way\n")
killed <- run_and_kill(store, path, at = ceiling(cold$iterations / 2))
print(store)

cat("\n3. The same line in a new R process\n")
resumed <- run(path)

cat("\n4. And once more, in another\n")
stored <- run(path)

cat("\nOuter iterations, seconds, and the largest differences from the cold fit:\n")
cat("REML score (relative), edf of a coefficient, fitted probability\n\n")
fits <- list(cold, killed, resumed, stored)
gaps <- vapply(list(resumed, stored), difference, numeric(3), cold)
print(data.frame(
  " " = c("cold, without warmstart", "killed", "resumed", "returned from the store"),
  iterations = vapply(fits, function(fit) format(fit$iterations), ""),
  seconds = vapply(fits, function(fit) sprintf("%.2f", fit$seconds), ""),
  REML = c("", "", sprintf("%.0e", gaps["REML", ])),
  edf = c("", "", sprintf("%.0e", gaps["edf", ])),
  fitted = c("", "", sprintf("%.0e", gaps["fitted", ])),
  check.names = FALSE
), row.names = FALSE)

cat(sprintf(
  "\nOf the %d iterations before the kill %d were saved: the fit was complete\n",
  killed$iterations, cold$iterations - resumed$iterations
))
cat(sprintf(
  "%.0f s after R came back, instead of %.0f s.\n", resumed$seconds, cold$seconds
))

# Far more than the tolerance of gam() itself.
if (max(gaps) > 1e-3) {
  stop("The results differ.", call. = FALSE)
}

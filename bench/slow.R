# A disk that answers no sync for 28 s: how long does a checkpoint take that comes meanwhile?
#
#     Rscript bench/slow.R      with the package installed
#
# Each sync after the tenth takes 28 s (bench/slow.c). A fit offers a better state each 10 ms, for
# 40 s.

fit <- function(seconds) {
  library(warmstart)
  session <- warm_session(warm_store(tempfile("store")), fingerprint("fit"))
  took <- kept <- numeric()
  began <- Sys.time()
  while (difftime(Sys.time(), began, units = "secs") < seconds) {
    i <- length(took) + 1
    before <- proc.time()[["elapsed"]]
    kept[i] <- session_checkpoint(session, raw(1000), objective = -i)
    took[i] <- proc.time()[["elapsed"]] - before
    Sys.sleep(0.01)
  }
  cat(sprintf(
    "%d checkpoints, %d kept, %d refused; the longest took %.2f s, the second longest %.2f s\n",
    length(took), sum(kept), sum(!kept), max(took), sort(took, decreasing = TRUE)[[2]]
  ))
}

if (nzchar(Sys.getenv("SLOW_AFTER"))) {
  fit(40)
  # Not at the end of the script: closing waits for nothing, but the process for its files.
  tools::pskill(Sys.getpid(), tools::SIGKILL)
}

library <- tempfile(fileext = ".so")
status <- system2("cc", c("-shared", "-fPIC", "-O1", "-o", library, "bench/slow.c"))
stopifnot(status == 0)
system2("Rscript", c("bench/slow.R"), env = c(
  paste0("LD_PRELOAD=", library), "SLOW_AFTER=10", "SLOW_SECONDS=28"
))

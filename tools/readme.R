# Runs the example of README.md, and draws its figure, man/figures/README-kill.png, from that.
#
#   Rscript tools/readme.R
#
# Each run has an R process of its own. The example is killed with SIGKILL in the middle, run again,
# and run once more; what these runs print is what README shows. For the figure the same fit is made
# without warm(), killed as late, and made anew.

library(warmstart)

plain_call <- "gam(MathAch ~ Sex + Minority + s(SES) + s(MEANSES) + ti(SES, MEANSES),
    family = scat(), data = pupils, method = \"REML\"
  )"
warm_call <- sprintf("warm(\n  %s,\n  store = warm_store(\"fits\")\n)", plain_call)

example_of <- function(call) {
  c(
    "suppressPackageStartupMessages(library(mgcv))",
    "library(warmstart)",
    "pupils <- as.data.frame(nlme::MathAchieve)",
    "began <- file.create('began')",
    paste("fit <-", call),
    "ended <- file.create('ended')",
    "if (inherits(attr(fit, 'warmstart'), 'warm_info')) {",
    "  print(warm_info(fit))",
    "  saveRDS(session_history(fit), 'history.rds')",
    "}"
  )
}

# Seconds of fitting, in a process that is killed once `is_time(seconds)`.
run <- function(call, is_time = function(seconds) FALSE) {
  unlink(c("began", "ended"))
  writeLines(example_of(call), "example.R")
  child <- processx::process$new(
    file.path(R.home("bin"), "Rscript"), "example.R",
    stdout = "output", stderr = "2>&1"
  )
  on.exit(child$kill())
  wait_until <- function(is_so) {
    while (!is_so()) {
      if (!child$is_alive()) stop("The fit failed: ", paste(readLines("output"), collapse = "\n"))
      Sys.sleep(0.01)
    }
  }
  wait_until(function() file.exists("began"))
  start <- proc.time()[["elapsed"]]
  seconds <- function() proc.time()[["elapsed"]] - start
  wait_until(function() file.exists("ended") || is_time(seconds()))
  taken <- seconds()
  if (is_time(taken)) tools::pskill(child$get_pid(), tools::SIGKILL)
  child$wait()
  cat(readLines("output"), "", sep = "\n")
  taken
}

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
figures <- file.path(normalizePath(file.path(here, "..")), "man", "figures")
dir.create(figures, showWarnings = FALSE)
setwd(local({
  dir.create(path <- tempfile("readme"))
  path
}))

third <- function(seconds) any(store_list(warm_store("fits"))$iteration >= 3)
killed <- run(warm_call, third)
print(warm_store("fits"))
cat("\n")
resumed <- run(warm_call)
history <- readRDS("history.rds")
returned <- run(warm_call)
lost <- run(plain_call, function(seconds) seconds >= killed)
if (lost < killed) stop("The fit had ended before it could be killed.")
anew <- run(plain_call)
print(c(
  killed = killed, resumed = resumed, returned = returned, lost = lost, anew = anew
))

# The figure. --------------------------------------------------------------------------

grDevices::png(
  file.path(figures, "README-kill.png"),
  width = 1300, height = 600, res = 200, type = "cairo"
)
par(mar = c(3.2, 0.4, 0.2, 1), mgp = c(2, 0.6, 0), cex = 0.9)
end <- lost + anew
plot.new()
plot.window(c(0, end * 1.08), c(0.1, 3.3))
axis(1)
title(xlab = "Seconds of fitting")

bar <- function(from, to, y, text, ...) {
  rect(from, y, to, y + 0.42, ...)
  text((from + to) / 2, y + 0.21, text, cex = 0.8)
}
name_row <- function(y, text) text(0, y + 0.6, text, adj = 0, family = "mono", cex = 0.8)
kill_at <- function(x, y) {
  points(x, y + 0.21, pch = 4, cex = 2, lwd = 3)
}

name_row(2.3, "fit <- gam(...)")
bar(0, lost, 2.3, "lost", density = 12, col = "grey40", border = "black")
rect(lost * 0.38, 2.38, lost * 0.62, 2.64, col = "white", border = NA)
text(lost / 2, 2.51, "lost", cex = 0.8)
bar(lost, end, 2.3, "all of it again", col = "white")
kill_at(lost, 2.3)

name_row(1.3, "fit <- warm(gam(...))")
bar(0, killed, 1.3, "", col = "grey80")
bar(killed, killed + resumed, 1.3, "", col = "grey80")
kill_at(killed, 1.3)
text(killed + resumed, 1.51, " goes on; points: kept on disk",
  adj = 0, cex = 0.8
)
after <- pmax(history$seconds - max(history$seconds[history$run == 1]), 0)
points(
  ifelse(history$run == 1, history$seconds, killed + after), rep(1.51, nrow(history)),
  pch = 16, cex = 0.7
)

name_row(0.3, "fit <- warm(gam(...))")
rect(0, 0.3, returned, 0.72, col = "grey80")
text(returned, 0.51, sprintf(" the same line once more: %.2f s", returned), adj = 0, cex = 0.8)

legend("topright", "killed with kill -9", pch = 4, pt.cex = 1.5, pt.lwd = 3, bty = "n", cex = 0.8)
invisible(grDevices::dev.off())

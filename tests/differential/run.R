# Runs cases, one after the other, in the directory of the project.
#
#     Rscript tests/differential/run.R SEED CASES [PART PARTS]
#
# CASES: how many, or first:last. Of PARTS processes, this is the PARTth.

source("tests/differential/load.R")

arguments <- commandArgs(TRUE)
seed <- as.integer(arguments[[1]])
numbers <- as.integer(strsplit(arguments[[2]], ":")[[1]])
numbers <- if (length(numbers) == 1) seq_len(numbers) else seq(numbers[[1]], numbers[[2]])
part <- as.integer(c(arguments[-(1:2)], 1, 1)[1:2])
numbers <- numbers[(numbers - 1) %% part[[2]] == part[[1]] - 1]
fitters <- all_fitters()
every <- max(1, length(numbers) %/% 20)

cat(sprintf("Seed %d, %d cases of %d fitters\n", seed, length(numbers), length(fitters)))
failed <- 0
noted <- character()
done <- data.frame(fitter = character(), start = character(), source = character(), seconds = 1[0])
for (i in seq_along(numbers)) {
  case <- new_case(numbers[[i]], seed, fitters)
  result <- run_case(case)
  done[i, ] <- list(case$fitter, case$start, result$source, result$seconds)
  if (length(result$faults) > 0) {
    failed <- failed + 1
    cat("\n", paste0(code_of(case), "\n"), paste0("#> ", result$faults, "\n"), sep = "")
  }
  if (length(result$notes) > 0) {
    noted <- c(noted, sprintf("case %d, %s: %s", case$number, case$fitter, result$notes))
  }
  if (i %% every == 0) {
    cat(sprintf("%d of %d, %d failed, %.0f s\n", i, length(numbers), failed, sum(done$seconds)))
  }
}

cat("\nStart, and what warm() did:\n")
print(table(done$start, done$source))
seconds <- sort(tapply(done$seconds, done$fitter, sum), decreasing = TRUE)
cat("\nSeconds, the longest:\n")
print(round(utils::head(seconds, 12), 1))
if (length(noted) > 0) cat("\nLower than cold:", noted, sep = "\n")
cat(sprintf(
  "\n# differential seed %d: %d passed, %d failed\n", seed, length(numbers) - failed, failed
))
quit(status = if (failed > 0) 1 else 0)

# Adds up what harness.R found: Rscript count.R FILE.csv... Fails where a fit is stale or wrong, or
# more than 2 % of what is the same was missed.

found <- do.call(rbind, lapply(commandArgs(TRUE), function(file) {
  cbind(file = sub("[.]csv$", "", basename(file)), utils::read.csv(file))
}))
is_bad <- !(found$verdict %in% c("ok", "void") & found$again %in% c("hit", "error"))
for (i in which(is_bad)) {
  cat(sprintf(
    "%s: %s [%s] again: %s, B: %s\n",
    found$file[[i]], found$case[[i]], found$expect[[i]], found$again[[i]], found$verdict[[i]]
  ))
}
same <- sum(found$again != "error") + sum(found$expect == "same" & found$verdict != "void")
missed <- sum(found$again == "missed") + sum(found$verdict == "missed")
unkept <- sum(found$again == "unkept" | found$verdict == "unkept")
broken <- sum(found$verdict %in% c("stale", "wrong", "error"))
cat(sprintf(
  "%d pairs: %d stale, %d wrong, %d errors; of %d that are the same %d missed, %d not kept\n",
  nrow(found), sum(found$verdict == "stale"), sum(found$verdict == "wrong"),
  sum(found$verdict == "error"), same, missed, unkept
))
failed <- broken + (missed > 0.02 * same)
cat(sprintf(
  "[ FAIL %d | WARN 0 | SKIP %d | PASS %d ]\n",
  failed, sum(found$verdict == "void"), nrow(found) - broken - sum(found$verdict == "void")
))
if (failed > 0 || nrow(found) == 0) quit(status = 1)

#!/bin/sh
# A job with a wall time, on any machine with coreutils: the same script is run again and again, and
# killed (SIGKILL, as a batch system does) after 2, 4, 8 ... seconds, until the fit has finished.
# Each run goes on where the one before was killed.
#
#     wall-time.sh [STORE]    a directory for the fits; a temporary one else

store=${1:-$(mktemp -d)/fits}
script=$(mktemp)
trap 'rm -f "$script"' EXIT

cat >"$script" <<'R'
library(warmstart)
library(mgcv)
store <- commandArgs(TRUE)[[1]]
set.seed(1)
data <- gamSim(1, n = 5000, scale = 4, verbose = FALSE)
fit <- warm(
  gam(y ~ s(x0, k = 20) + s(x1, k = 20) + s(x2, k = 20) + s(x3, k = 20), data = data,
    family = Gamma(link = "log"), method = "REML", subset = y > 0),
  store
)
print(warm_info(fit))
cat("REML", format(fit$gcv.ubre, digits = 12), "\n")
R

limit=2
until timeout -s KILL "$limit" Rscript "$script" "$store"; do
    echo "Killed after $limit seconds." >&2
    limit=$((2 * limit))
    # The data and the model cost nothing like a day: something else is wrong.
    test "$limit" -lt 2000 || exit 1
done

# Makes cross-validation.csv for cross-validation.Rmd: ten folds, each cold and warm in
# turn.
#
#   Rscript vignettes/cross-validation-data.R

library(mgcv)
library(warmstart)
options(warmstart.verbose = FALSE)

people <- na.omit(survival::flchain[
  c("death", "age", "sex", "kappa", "lambda", "creatinine", "sample.yr")
])
set.seed(1)
fold <- sample(rep(1:10, length.out = nrow(people)))
store <- warm_store(tempfile("store"))

seconds <- function(taken) sum(taken[c("user.self", "sys.self")])

loss <- function(fit, rows) {
  p <- predict(fit, rows, type = "response")
  -mean(ifelse(rows$death == 1, log(p), log(1 - p)))
}

result <- lapply(1:10, function(i) {
  d <- people[fold != i, ]
  taken_cold <- system.time(
    cold <- gam(
      death ~ sex + s(age, k = 20) + s(log(kappa)) + s(log(lambda)) + s(log(creatinine)) +
        s(sample.yr, k = 8),
      family = binomial, data = d, method = "REML"
    )
  )
  taken_warm <- system.time(
    fit <- warm(gam(
      death ~ sex + s(age, k = 20) + s(log(kappa)) + s(log(lambda)) + s(log(creatinine)) +
        s(sample.yr, k = 8),
      family = binomial, data = d, method = "REML"
    ), store)
  )
  checked <- warm_verify(fit)
  held_out <- people[fold == i, ]
  data.frame(
    fold = i, start = warm_info(fit)$source,
    iterations_cold = cold$outer.info$iter, iterations_warm = fit$outer.info$iter,
    seconds_cold = round(seconds(taken_cold), 2),
    seconds_warm = round(seconds(taken_warm), 2),
    loss_cold = signif(loss(cold, held_out), 7),
    loss_warm = signif(loss(fit, held_out), 7),
    fitted_se = signif(checked["difference", "fitted_se"], 2),
    verdict = attr(checked, "verdict")
  )
})

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
utils::write.csv(
  do.call(rbind, result), file.path(here, "cross-validation.csv"),
  row.names = FALSE, quote = FALSE
)

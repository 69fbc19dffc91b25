# What warm() saves with optimisers: evaluations of the objective, and CPU seconds, cold, resumed
# when half of the cold evaluations were made, and seeded from a fold of 90 % of the rows.
#
#   Rscript bench/fitters-optim.R [section...]
#
# Sections: optimisers, objective (what watching an evaluation costs); both by default.

suppressPackageStartupMessages({
  library(warmstart)
  library(survival)
})
options(warmstart.verbose = FALSE, width = 100)
sections <- commandArgs(TRUE)
if (length(sections) == 0) sections <- c("optimisers", "objective")
runs <- function(section) section %in% sections

# Evaluations are counted, and cut off, where no key sees it: keys leave out what packages hold.
counter <- new.env()
counter$count <- 0
counter$limit <- Inf
attach(list(tick = function() {
  counter$count <- counter$count + 1
  if (counter$count > counter$limit) signalCondition(structure(class = c("cut", "condition"), list()))
}), name = "package:counter")

# Negative log likelihoods of real data. ---------------------------------------------------------

waiting_mixture <- function(par, d) {
  tick()
  p <- plogis(par[["weight"]])
  short <- dnorm(d$waiting, par[["short"]], exp(par[["log_sd_short"]]))
  long <- dnorm(d$waiting, par[["long"]], exp(par[["log_sd_long"]]))
  -sum(log(p * short + (1 - p) * long))
}
mixture_start <- c(weight = 0, short = 50, long = 90, log_sd_short = 2, log_sd_long = 2)

lung_data <- with(na.omit(lung[c("time", "status", "age", "sex", "ph.ecog")]), data.frame(
  time, died = status - 1, age = (age - 60) / 10, female = sex - 1, ecog = ph.ecog
))
weibull <- function(par, d) {
  tick()
  x <- cbind(1, d$age, d$female, d$ecog)
  z <- (log(d$time) - drop(x %*% par[1:4])) / exp(par[[5]])
  -sum(d$died * (z - par[[5]]) - exp(z))
}
weibull_gradient <- function(par, d) {
  x <- cbind(1, d$age, d$female, d$ecog)
  scale <- exp(par[[5]])
  z <- (log(d$time) - drop(x %*% par[1:4])) / scale
  r <- d$died - exp(z)
  c(drop(crossprod(x, r)) / scale, sum(r * z + d$died))
}
weibull_start <- c(intercept = 5, age = 0, female = 0, ecog = 0, log_scale = 0)

strong_quakes <- transform(
  quakes, strong = as.numeric(mag > 4.6), depth = (depth - 300) / 200, lat = (lat + 20) / 5,
  long = (long - 180) / 6
)
logistic <- function(par, d) {
  tick()
  eta <- par[[1]] + par[[2]] * d$depth + par[[3]] * d$lat + par[[4]] * d$long +
    par[[5]] * d$depth^2 + par[[6]] * d$lat * d$long
  sum(log1p(exp(eta)) - d$strong * eta)
}

chicks <- as.data.frame(ChickWeight)
growth <- function(par, d) {
  tick()
  size <- par[["size"]] / (1 + exp((par[["middle"]] - d$Time) / exp(par[["log_rate"]])))
  nrow(d) / 2 * log(mean((d$weight - size)^2))
}
growth_start <- c(size = 300, middle = 15, log_rate = 2)

count_quakes <- transform(quakes, depth = (depth - 300) / 200, mag = mag - 4.6)
negative_binomial <- function(par, d) {
  tick()
  mu <- exp(par[[1]] + par[[2]] * d$mag + par[[3]] * d$depth + par[[4]] * d$mag^2)
  -sum(dnbinom(d$stations, size = exp(par[[5]]), mu = mu, log = TRUE))
}

profile <- function(lambda, d) {
  tick()
  y <- if (abs(lambda) < 1e-8) log(d$weight) else (d$weight^lambda - 1) / lambda
  r <- lm.fit(cbind(1, d$Time, d$Time^2), y)$residuals
  nrow(d) / 2 * log(mean(r^2)) - (lambda - 1) * sum(log(d$weight))
}

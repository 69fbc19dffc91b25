# What the optimisers minimise: likelihoods of the rows, of 1 to 5 parameters.

logistic_loss <- function(par, d) {
  eta <- par[[1]] + par[[2]] * d$x1 + par[[3]] * d$x2 + par[[4]] * d$x3 + d$o
  sum(d$w * (log1p(exp(-abs(eta))) + pmax(eta, 0) - d$binary * eta)) + 0.01 * sum(par^2)
}

logistic_gradient <- function(par, d) {
  eta <- par[[1]] + par[[2]] * d$x1 + par[[3]] * d$x2 + par[[4]] * d$x3 + d$o
  residual <- d$w * (stats::plogis(eta) - d$binary)
  c(sum(residual), sum(residual * d$x1), sum(residual * d$x2), sum(residual * d$x3)) + 0.02 * par
}

poisson_loss <- function(par, d) {
  eta <- par[[1]] + par[[2]] * d$x1 + par[[3]] * d$x3 + d$o
  sum(d$w * (exp(pmin(eta, 30)) - d$count * eta)) + 0.01 * sum(par^2)
}

weibull_loss <- function(par, d) {
  z <- (log(d$time) - par[[1]] - par[[2]] * d$x1 - par[[3]] * d$x3 - d$o) / exp(par[[4]])
  -sum(d$w * (d$dead * (z - par[[4]]) - exp(pmin(z, 30))))
}

# Several minima.
mixture_loss <- function(par, d) {
  share <- stats::plogis(par[[1]])
  low <- stats::dnorm(d$y, par[[2]], exp(par[[4]]) + 0.3)
  high <- stats::dnorm(d$y, par[[3]], exp(par[[5]]) + 0.3)
  -sum(d$w * log(share * low + (1 - share) * high + 1e-300))
}

banana_loss <- function(par, d) {
  bend <- 1 + mean(d$x1^2)
  steep <- 20 + mean(d$w)
  steep * (par[[2]] - bend * par[[1]]^2)^2 + (mean(d$y) / 5 - par[[1]])^2
}

huber_loss <- function(at, d) {
  residual <- abs(d$y - at)
  sum(d$w * ifelse(residual < 1, residual^2 / 2, residual - 0.5))
}

wavy_loss <- function(at, d) sum(d$w * (1 - cos(d$y - at))) + 0.01 * sum((d$y - at)^2)

growth_loss <- function(par, d) {
  size <- par[["size"]] / (1 + exp((par[["middle"]] - d$t) / exp(par[["log_rate"]])))
  sum(d$w * (d$growth - size)^2)
}

# Within the half plane where the first is below the second and a bit.
mixture_within <- list(ui = rbind(c(0, -1, 1, 0, 0)), ci = -1)

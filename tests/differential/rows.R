# Data drawn at random, with a response for every fitter.

#' @param strength How much the predictors say: 0 nothing, 1 what is usual, 4 nearly all.
#' @return A data frame of n rows: responses, predictors x1 to x4, factors f and h, groups g, the
#'   place t in the group, weights w of 1 and offsets o of 0.
#' @noRd
draw_rows <- function(seed, n, strength) {
  set.seed(seed)
  d <- data.frame(x1 = stats::rnorm(n), x2 = draw_skewed(n), x3 = stats::runif(n, -1, 1))
  d$x4 <- 0.7 * d$x1 + 0.7 * stats::rnorm(n)
  d$f <- draw_factor(n, letters[1:3])
  d$h <- draw_factor(n, c("low", "high"))
  groups <- max(5, n %/% 6)
  d$g <- factor(sprintf("g%02d", rep_len(seq_len(groups), n)))
  d$t <- stats::ave(seq_len(n), d$g, FUN = seq_along)
  d$w <- 1
  d$o <- 0
  slopes <- stats::rnorm(3) * strength
  level <- c(0, stats::rnorm(2)) * strength
  eta <- slopes[1] * d$x1 + slopes[2] * d$x2 + slopes[3] * sin(2 * d$x3) + level[d$f]
  eta <- pmin(pmax(eta + stats::rnorm(groups, sd = 0.5)[d$g], -4), 4)
  add_responses(d, eta, shift = stats::rnorm(1, sd = 0.7))
}

draw_skewed <- function(n) {
  if (stats::runif(1) < 0.5) stats::rnorm(n) else stats::rexp(n) - 1
}

# Every level is there.
draw_factor <- function(n, levels) {
  factor(sample(c(levels, sample(levels, n - length(levels), TRUE))), levels)
}

add_responses <- function(d, eta, shift) {
  n <- nrow(d)
  d$y <- 3 + 2 * shift + 2 * eta + stats::rnorm(n)
  d$binary <- stats::rbinom(n, 1, stats::plogis(eta + shift))
  d$trials <- sample(1:10, n, TRUE)
  d$successes <- stats::rbinom(n, d$trials, stats::plogis(eta + shift))
  d$count <- stats::rpois(n, exp(0.7 + eta / 2))
  d$over <- stats::rnbinom(n, size = 1.5, mu = exp(1 + eta / 2))
  d$zeros <- d$count * stats::rbinom(n, 1, 0.7)
  d$positive <- stats::rgamma(n, 3, 3 / exp(eta / 2))
  d$share <- pmin(pmax(stats::plogis(eta / 2 + stats::rnorm(n)), 0.01), 0.99)
  d$class <- factor(
    c("left", "middle", "right")[1 + (eta + stats::rlogis(n) > 0) + (stats::rlogis(n) > 0)]
  )
  d$grade <- as.integer(cut(eta + stats::rlogis(n), c(-Inf, -1, 1, Inf)))
  d$time <- stats::rweibull(n, 1.5, exp(1 + eta / 2)) + 0.01
  d$dead <- stats::rbinom(n, 1, 0.7)
  size <- 10 + stats::rnorm(nlevels(d$g))[d$g]
  d$growth <- size / (1 + exp((2.5 - d$t) / 1.2)) + stats::rnorm(n, sd = 0.4)
  d$decay <- exp(1 + shift / 2 - 0.4 * d$t) + stats::rnorm(n, sd = 0.1)
  d
}

# What differs between the fit that a store has and the one that is asked for. Each changes the
# rows; where all rows of both are to have something, such as weights, `both` does.

variation <- function(change, both = identity, call = identity) {
  list(change = change, both = both, call = call)
}

# Where the fitter takes none, the rows alone differ.
use_column <- function(call, argument, column) {
  fun <- eval(call[[1]])
  if (argument %in% names(formals(fun)) && is.null(call[[argument]])) {
    call[[argument]] <- as.name(column)
  }
  call
}

add_offset <- function(call) {
  if (has_formula(call) && takes_offset(call)) {
    at <- which(vapply(as.list(call), is_formula_call, NA))
    formula <- call[[at[[1]]]]
    formula[[length(formula)]] <- bquote(.(formula[[length(formula)]]) + offset(o))
    call[[at[[1]]]] <- formula
  }
  call
}

takes_offset <- function(call) {
  as.character(call[[1]])[[length(call[[1]])]] %in% c(
    "glm", "glm.nb", "gam", "bam", "lmer", "glmer", "glmmTMB", "coxph", "survreg", "multinom"
  )
}

has_formula <- function(call) any(vapply(as.list(call), is_formula_call, NA))

is_formula_call <- function(x) is.call(x) && identical(x[[1]], quote(`~`))

predictors <- c("x1", "x2", "x3", "x4")
real_responses <- c("y", "growth", "decay")

variations <- list(
  "same" = variation(identity),
  "bootstrap" = variation(function(d) d[sample(nrow(d), replace = TRUE), ]),
  "fold" = variation(function(d) d[sample(nrow(d), ceiling(0.8 * nrow(d))), ]),
  "half" = variation(function(d) d[sample(nrow(d), ceiling(0.5 * nrow(d))), ]),
  "appended" = variation(function(d) rbind(d, d[sample(nrow(d), ceiling(nrow(d) / 4), TRUE), ])),
  "shuffled rows" = variation(function(d) d[sample(nrow(d)), ]),
  "permuted predictor" = variation(function(d) {
    d[c("x1", "x2")] <- d[sample(nrow(d)), c("x1", "x2")]
    d
  }),
  "permuted response" = variation(function(d) {
    moved <- setdiff(names(d), c(predictors, "f", "h", "g", "t", "w", "o"))
    d[moved] <- d[sample(nrow(d)), moved]
    d
  }),
  "permuted levels" = variation(function(d) {
    for (name in c("f", "h", "g", "class")) d[[name]] <- factor(d[[name]], rev(levels(d[[name]])))
    d
  }),
  "swapped columns" = variation(function(d) {
    d[c("x1", "x2")] <- d[c("x2", "x1")]
    d
  }),
  "flipped predictors" = variation(function(d) {
    d[predictors] <- -d[predictors]
    d
  }),
  "flipped response" = variation(function(d) {
    d[real_responses] <- -d[real_responses]
    d
  }),
  "recoded outcome" = variation(function(d) {
    d$binary <- 1 - d$binary
    d$successes <- d$trials - d$successes
    d$dead <- 1 - d$dead
    d$count <- max(d$count) - d$count
    d$over <- max(d$over) - d$over
    d$share <- 1 - d$share
    d$grade <- max(d$grade) + 1L - d$grade
    levels(d$class) <- rev(levels(d$class))
    d
  }),
  "other units" = variation(function(d) {
    d[predictors] <- d[predictors] * 100
    d
  }),
  "small units" = variation(function(d) {
    d$x1 <- d$x1 / 1000
    d
  }),
  "response in other units" = variation(function(d) {
    changed <- c(real_responses, "time", "positive")
    d[changed] <- d[changed] * 60
    d
  }),
  "moved" = variation(function(d) {
    d$x1 <- d$x1 + 50
    d$y <- d$y + 1000
    d
  }),
  "aliased column" = variation(function(d) {
    d$x2 <- 2 * d$x1
    d
  }),
  "constant column" = variation(function(d) {
    d$x2 <- 1
    d
  }),
  "dropped level" = variation(function(d) d[d$f != "c", ]),
  "empty level" = variation(function(d) {
    d <- d[d$f != "c", ]
    d$f <- factor(d$f, letters[1:2])
    d
  }),
  "weights" = variation(
    change = function(d) {
      d$w <- stats::runif(nrow(d), 0.5, 2)
      d
    },
    call = function(call) use_column(call, "weights", "w")
  ),
  "zero weights" = variation(
    change = function(d) {
      d$w[sample(nrow(d), nrow(d) %/% 4)] <- 0
      d
    },
    call = function(call) use_column(call, "weights", "w")
  ),
  "offset" = variation(
    change = function(d) {
      d$o <- stats::rnorm(nrow(d))
      d
    },
    call = add_offset
  ),
  "separated" = variation(function(d) {
    high <- d$x1 > stats::median(d$x1)
    d$binary <- as.numeric(high)
    d$successes <- ifelse(high, d$trials, 0)
    d$count[high] <- d$over[high] <- d$zeros[high] <- 0
    d$dead[high] <- 0
    d$class[high] <- "left"
    d
  }),
  "empty in a level" = variation(function(d) {
    there <- d$f == "b"
    d$binary[there] <- d$successes[there] <- d$count[there] <- d$over[there] <- 0
    d$dead[there] <- d$zeros[there] <- 0
    d
  }),
  "one row a group" = variation(function(d) {
    d$g <- factor(sprintf("r%03d", seq_len(nrow(d))))
    d
  }),
  "other groups" = variation(function(d) {
    d$g <- d$g[sample(nrow(d))]
    d
  }),
  "rank-deficient" = variation(
    change = function(d) d[sample(nrow(d), replace = TRUE), ],
    both = function(d) {
      d$x3 <- d$x1 + d$x2
      d
    }
  ),
  "missing values" = variation(function(d) {
    for (name in c("x1", "y", "binary", "count", "f", "time", "over")) {
      d[[name]][sample(nrow(d), 2)] <- NA
    }
    d
  }),
  "duplicated rows" = variation(function(d) d[rep(seq_len(nrow(d)), 2), ]),
  "outlier" = variation(function(d) {
    at <- which.max(d$x1)
    d$x1[at] <- 20
    d$y[at] <- -50
    d$count[at] <- d$over[at] <- 60
    d$positive[at] <- d$time[at] <- 100
    d
  })
)

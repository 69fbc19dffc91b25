# Tests: test-fit-mgcv-working.R.
#
# Several linear predictors: the log likelihood, with gradient and Hessian in the coefficients,
# takes the rows' place.

# mgcv has put the model matrix into coordinates of its own already; here it is in the model's.
view_likelihood <- function(setup, frame) {
  b <- initialized(setup, frame)$start
  at <- log_likelihood(setup, b)
  # As far towards `to` as the penalised likelihood grows.
  move <- function(score, penalty, own_slope = NULL) {
    penalised <- function(at, b) at$l - sum(b * (penalty %*% b)) / 2
    before <- penalised(at, b)
    step <- score$coefficients - b
    for (halving in seq_len(likelihood_halvings)) {
      tried <- or_null(log_likelihood(setup, b + step))
      if (isTRUE(penalised(tried, b + step) >= before - settled)) break
      step <- step / 2
    }
    stopifnot(is.finite(tried$l))
    b <<- b + step
    at <<- tried
    sqrt(sum(step * -(at$lbb %*% step))) / 10
  }
  list(
    setup = setup, exact = FALSE, has_own = FALSE,
    informed = function() TRUE,
    initial = initial_sp(setup, -at$lbb),
    approach = function(penalty) {
      for (step in seq_len(likelihood_steps)) {
        squares <- likelihood_squares(at, b)
        to <- drop(invert(squares$xx + penalty)$inverse %*% squares$xz)
        moved <- move(list(coefficients = to), penalty)
        if (isTRUE(moved < 0.1)) break
      }
    },
    squares = function(observed) likelihood_squares(at, b, NROW(setup$y), telling_rows(setup)),
    follow = function(of_xx, inverse, b1) follow_likelihood(setup, at, b, of_xx, b1),
    scale = function() 1,
    move = move,
    keep = function() {
      was <- list(b = b, at = at)
      function() {
        b <<- was$b
        at <<- was$at
      }
    },
    coefficients = function() b,
    size = function() abs(at$l)
  )
}

likelihood_steps <- 20
likelihood_halvings <- 25

in_own_coordinates <- function(setup) {
  back <- function(x) {
    transform <- getExportedValue("mgcv", "Sl.initial.repara")
    transform(setup$Sl, x, inverse = TRUE, both.sides = FALSE, cov = FALSE)
  }
  setup$X <- back(setup$X)
  attributes(setup$Sl)$E <- back(attr(setup$Sl, "E"))
  prepare <- setup$family$preinitialize
  if (!is.null(prepare)) {
    prepared <- prepare(setup)
    setup[names(prepared)] <- prepared
  }
  setup
}

log_likelihood <- function(setup, b) {
  evaluate <- unwrap_function(setup$family$ll)
  at <- evaluate(setup$y, setup$X, b, setup$w, setup$family, offset = setup$offset, deriv = 1)
  stopifnot(is.finite(at$l), is.finite(at$lb), is.finite(at$lbb))
  at
}

# Of survival times, those that ended: the others have weight zero.
telling_rows <- function(setup) sum(setup$w > 0)

# Where the likelihood bends upward, the least squares bend downward as much.
likelihood_squares <- function(at, b, n = NULL, telling = n) {
  axes <- eigen(-at$lbb, symmetric = TRUE)
  root <- sqrt(abs(axes$values)) * t(axes$vectors)
  xx <- crossprod(root)
  xz <- drop(xx %*% b) + drop(at$lb)
  list(xx = xx, xz = xz, zz = sum(b * (xz + at$lb)) - 2 * drop(at$l), n = n, effective = telling)
}

follow_likelihood <- function(setup, at, b, of_xx, b1) {
  list(slope = apply(b1, 2, function(b1) {
    step <- 1e-4 * max(abs(b)) / max(abs(b1), .Machine$double.xmin)
    beside <- log_likelihood(setup, b + step * b1)
    sum(of_xx * (at$lbb - beside$lbb)) / step
  }))
}

# Smoothing parameters with which each penalty weighs somewhat more than the data.
initial_sp <- function(setup, information) {
  weight <- mapply(function(penalty, first) {
    of_data <- diag(information)[first - 1 + seq_len(ncol(penalty))]
    1.5 * mean(pmax(of_data, 0)[diag(penalty) > 0]) / mean(diag(penalty)[diag(penalty) > 0])
  }, setup$S, setup$off)
  weight <- pmax(weight, 1e-8)
  exp(qr.coef(qr(setup$L), log(weight) - setup$lsp0))
}

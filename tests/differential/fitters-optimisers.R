# stats, nloptr, minqa and optimx.

fitters_optimisers <- function() {
  all <- c(fitters_optim(), fitters_newton(), fitters_nloptr(), fitters_minqa(), fitters_optimx())
  lapply(all, function(one) {
    one["related"] <- list(NULL)
    one
  })
}

fitters_optim <- function() {
  calls <- list(
    "optim, Nelder-Mead" = quote(optim(c(0, 0, 0), poisson_loss, d = d)),
    "optim, Nelder-Mead, several minima" = quote(optim(
      c(share = 0, low = 1, high = 5, log_low = 0, log_high = 0), mixture_loss, d = d,
      control = list(maxit = 3000)
    )),
    "optim, BFGS" = quote(optim(c(0, 0, 0, 0), logistic_loss, d = d, method = "BFGS")),
    "optim, BFGS, gradient" = quote(
      optim(c(0, 0, 0, 0), logistic_loss, logistic_gradient, d = d, method = "BFGS", hessian = TRUE)
    ),
    "optim, BFGS, several minima" = quote(optim(
      c(share = 0, low = 1, high = 5, log_low = 0, log_high = 0), mixture_loss, d = d,
      method = "BFGS", control = list(maxit = 1000)
    )),
    "optim, CG" = quote(
      optim(c(0, 0, 0), poisson_loss, d = d, method = "CG", control = list(maxit = 2000))
    ),
    "optim, L-BFGS-B" = quote(optim(
      c(1, 0, 0, 0), weibull_loss, d = d, method = "L-BFGS-B", lower = -3, upper = c(9, 3, 3, 3)
    )),
    "optim, Brent" = quote(optim(
      0, huber_loss, d = d, method = "Brent", lower = -100, upper = 100
    )),
    "optim, maximising" = quote(optim(
      c(0, 0, 0), function(par, d) -poisson_loss(par, d), d = d, method = "BFGS",
      control = list(fnscale = -1)
    )),
    "constrOptim" = quote(constrOptim(
      c(share = 0, low = 1, high = 5, log_low = 0, log_high = 0), mixture_loss, NULL, d = d,
      ui = mixture_within$ui, ci = mixture_within$ci
    )),
    "constrOptim, gradient" = quote(constrOptim(
      c(0, 0, 0, 0), logistic_loss, logistic_gradient, d = d, ui = diag(4), ci = rep(-2, 4)
    ))
  )
  loss <- function(fit) fit$value
  verdict <- function(fit) fit$convergence
  ends <- fitters_of(calls, loss, verdict)
  ends[["optim, maximising"]]$objective <- function(fit) -fit$value
  # It anneals by random numbers, and resumed by those that come next.
  ends[["optim, SANN"]] <- fitter(
    quote(optim(c(0, 0, 0), poisson_loss, d = d, method = "SANN", control = list(maxit = 2000))),
    loss, verdict, cold_runs = 20
  )
  ends
}

fitters_newton <- function() {
  nlm <- list(
    "nlm" = quote(nlm(poisson_loss, c(0, 0, 0), d = d)),
    "nlm, hessian" = quote(nlm(weibull_loss, c(1, 0, 0, 0), d = d, hessian = TRUE)),
    "nlm, bent" = quote(nlm(banana_loss, c(0, 0), d = d))
  )
  nlminb <- list(
    "nlminb" = quote(nlminb(c(1, 0, 0, 0), weibull_loss, d = d)),
    "nlminb, gradient" = quote(nlminb(c(0, 0, 0, 0), logistic_loss, logistic_gradient, d = d)),
    "nlminb, bounds" = quote(nlminb(c(0, 0, 0, 0), logistic_loss, d = d, lower = -1, upper = 1)),
    "nlminb, growth" = quote(nlminb(c(size = 8, middle = 2, log_rate = 0), growth_loss, d = d)),
    "nlminb, several minima" = quote(nlminb(
      c(share = 0, low = 1, high = 5, log_low = 0, log_high = 0), mixture_loss, d = d
    ))
  )
  optimize <- list(
    "optimize" = quote(optimize(huber_loss, c(-50, 50), d = d)),
    "optimize, several minima" = quote(optimize(wavy_loss, c(-20, 20), d = d)),
    "optimize, maximum" = quote(
      optimize(function(at, d) -huber_loss(at, d), c(-50, 50), d = d, maximum = TRUE)
    )
  )
  ends <- fitters_of(optimize, function(fit) fit$objective, function(fit) TRUE)
  ends[["optimize, maximum"]]$objective <- function(fit) -fit$objective
  c(
    fitters_of(nlm, function(fit) fit$minimum, function(fit) max(2, fit$code)),
    fitters_of(nlminb, function(fit) fit$objective, function(fit) fit$convergence),
    ends
  )
}

fitters_nloptr <- function() {
  calls <- list(
    "nloptr, SLSQP" = quote(nloptr::nloptr(
      c(0, 0, 0, 0), logistic_loss, logistic_gradient, d = d,
      opts = list(algorithm = "NLOPT_LD_SLSQP", xtol_rel = 1e-8, maxeval = 1000)
    )),
    "nloptr, LBFGS" = quote(nloptr::nloptr(
      c(0, 0, 0, 0), logistic_loss, logistic_gradient, d = d, lb = rep(-2, 4), ub = rep(2, 4),
      opts = list(algorithm = "NLOPT_LD_LBFGS", xtol_rel = 1e-8, maxeval = 1000)
    )),
    "nloptr, Nelder-Mead" = quote(nloptr::nloptr(
      c(0, 0, 0), poisson_loss, d = d,
      opts = list(algorithm = "NLOPT_LN_NELDERMEAD", xtol_rel = 1e-8, maxeval = 5000)
    )),
    "nloptr, SBPLX" = quote(nloptr::nloptr(
      c(1, 0, 0, 0), weibull_loss, d = d,
      opts = list(algorithm = "NLOPT_LN_SBPLX", xtol_rel = 1e-7, maxeval = 5000)
    )),
    "nloptr, BOBYQA" = quote(nloptr::nloptr(
      c(0, 0, 0), poisson_loss, d = d,
      opts = list(algorithm = "NLOPT_LN_BOBYQA", xtol_rel = 1e-8, maxeval = 2000)
    )),
    "nloptr, COBYLA, constrained" = quote(nloptr::nloptr(
      c(0, 0, 0), poisson_loss, d = d, eval_g_ineq = function(x, d) sum(x^2) - 1,
      opts = list(algorithm = "NLOPT_LN_COBYLA", xtol_rel = 1e-8, maxeval = 2000)
    )),
    "nloptr, DIRECT" = quote(nloptr::nloptr(
      c(0, 0), banana_loss, d = d, lb = c(-3, -3), ub = c(3, 3),
      opts = list(algorithm = "NLOPT_GN_DIRECT_L", maxeval = 400)
    ))
  )
  verdict <- function(fit) fit$status %in% 1:4
  fitters_of(calls, function(fit) fit$objective, verdict)
}

fitters_minqa <- function() {
  calls <- list(
    "bobyqa" = quote(
      minqa::bobyqa(rep(0.1, 4), logistic_loss, d = d, lower = -2, upper = 2)
    ),
    "newuoa" = quote(minqa::newuoa(c(1, 0, 0, 0), weibull_loss, d = d)),
    # Where the objective is missing, it searches without end.
    "uobyqa" = quote(minqa::uobyqa(rep(0.1, 3), poisson_loss, d = stats::na.omit(d)))
  )
  fitters_of(calls, function(fit) fit$fval, function(fit) fit$ierr)
}

fitters_optimx <- function() {
  optimr <- list(
    "optimr, BFGS" = quote(
      optimx::optimr(c(0, 0, 0, 0), logistic_loss, logistic_gradient, d = d, method = "BFGS")
    ),
    "optimr, Nelder-Mead" = quote(
      optimx::optimr(c(0, 0, 0), poisson_loss, d = d, method = "Nelder-Mead")
    ),
    "optimr, nlminb" = quote(
      optimx::optimr(c(1, 0, 0, 0), weibull_loss, d = d, method = "nlminb")
    )
  )
  optimx <- list(
    "optimx" = quote(optimx::optimx(c(0.1, 0.1, 0.1), poisson_loss, d = d, method = "BFGS")),
    "optimx, two methods" = quote(
      optimx::optimx(c(0, 0, 0), poisson_loss, d = d, method = c("Nelder-Mead", "BFGS"))
    )
  )
  c(
    fitters_of(optimr, function(fit) fit$value, function(fit) fit$convergence),
    fitters_of(optimx, function(fit) min(fit$value), function(fit) fit$convcode)
  )
}

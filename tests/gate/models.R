# The models of the gate: families, smooths and methods of mgcv, its own help-page
# examples among them. `gate_data(n)` makes the rows, with the same seed each time;
# `gate_models` holds the calls, all with `data = d`. Each has a name, and may say which
# term to leave out and which to put in for a related model (by default the last term,
# and a smooth of a variable that is in no model).

gate_data <- function(n = 300) {
  set.seed(3)
  d <- mgcv::gamSim(1, n = n, scale = 2, verbose = FALSE)
  d$x4 <- stats::runif(n)
  eta <- (d$f - mean(d$f)) / 3
  mu <- stats::plogis(eta)
  d$fac <- factor(sample(letters[1:3], n, TRUE))
  d$group <- factor(sample(1:12, n, TRUE))
  d$w <- stats::runif(n, 0.5, 1.5)
  d$exposure <- stats::runif(n, 0.5, 2)
  d$binary <- stats::rbinom(n, 1, mu)
  d$successes <- stats::rbinom(n, 10, mu)
  d$count <- stats::rpois(n, exp(eta / 1.5))
  d$rate <- stats::rpois(n, d$exposure * exp(eta / 1.5))
  d$dispersed <- stats::rnbinom(n, size = 2, mu = exp(eta / 1.5))
  d$positive <- stats::rgamma(n, 3, 3 / exp(eta / 2))
  d$inverse <- pmax(0.05, mgcv::rig(n, exp(eta / 3), 0.3))
  d$heap <- mgcv::rTweedie(exp(eta / 2), p = 1.4, phi = 0.8)
  d$share <- stats::rbeta(n, mu * 6, (1 - mu) * 6)
  d$heavy <- eta * 2 + stats::rt(n, 4)
  d$grade <- as.numeric(cut(eta * 2 + stats::rlogis(n), c(-Inf, -1.5, 0, 2, Inf)))
  d$zeros <- ifelse(stats::runif(n) < 0.6, stats::rpois(n, exp(eta / 1.5 + 0.7)), 0)
  d$choice <- ifelse(
    eta + stats::rnorm(n) > 0.5, 1, ifelse(eta + stats::rnorm(n) < -0.7, 2, 0)
  )
  d$spread <- eta * 2 + stats::rnorm(n) * exp(-0.5 + d$x1)
  d$second <- d$spread + stats::rnorm(n)
  d$time <- stats::rexp(n, exp(eta / 2))
  d$event <- stats::rbinom(n, 1, 0.7)
  d$late <- pmin(d$spread, 1)
  d$censored <- cbind(d$late, ifelse(d$spread > 1, Inf, d$late))
  d$echo <- d$x2 + stats::rnorm(n, sd = 0.1)
  d$lags <- matrix(rep(0:5, each = n), n)
  d$history <- matrix(stats::runif(6 * n), n)
  d
}

gate_model <- function(call, less = NULL, more = "s(x4, k = 6)", mgcv = "1.8") {
  list(call = substitute(call), less = less, more = more, mgcv = mgcv)
}

gate_models <- list(
  # Families of stats, and methods.
  "gaussian, REML" = gate_model(
    gam(y ~ s(x0) + s(x1) + s(x2) + s(x3), data = d, method = "REML")
  ),
  "gaussian, ML, weights" = gate_model(
    gam(y ~ s(x0) + s(x1) + s(x2) + s(x3), data = d, weights = w, method = "ML")
  ),
  "gaussian, P-REML" = gate_model(
    gam(y ~ s(x0) + s(x1) + s(x2) + s(x3), data = d, method = "P-REML")
  ),
  "gaussian, GCV" = gate_model(
    gam(y ~ s(x0) + s(x1) + s(x2) + s(x3), data = d)
  ),
  "binomial, REML" = gate_model(
    gam(binary ~ s(x0) + s(x1) + s(x2) + s(x3),
      family = binomial, data = d, method = "REML"
    )
  ),
  "binomial probit, ML" = gate_model(
    gam(binary ~ s(x0) + s(x1) + s(x2) + s(x3),
      family = binomial("probit"), data = d, method = "ML"
    )
  ),
  "binomial of ten, UBRE" = gate_model(
    gam(cbind(successes, 10 - successes) ~ s(x0) + s(x1) + s(x2),
      family = binomial, data = d
    )
  ),
  "binomial, REML, bfgs" = gate_model(
    gam(binary ~ s(x0) + s(x1) + s(x2),
      family = binomial, data = d, method = "REML", optimizer = c("outer", "bfgs")
    )
  ),
  "binomial, efs" = gate_model(
    gam(binary ~ s(x0) + s(x1) + s(x2), family = binomial, data = d, optimizer = "efs")
  ),
  "poisson, REML, offset" = gate_model(
    gam(rate ~ s(x0) + s(x1) + s(x2) + offset(log(exposure)),
      family = poisson, data = d, method = "REML"
    )
  ),
  "poisson, NCV" = gate_model(
    gam(count ~ s(x0, k = 6) + s(x2, k = 6), family = poisson, data = d, method = "NCV")
  ),
  "quasipoisson, REML" = gate_model(
    gam(count ~ s(x0) + s(x1) + s(x2), family = quasipoisson, data = d, method = "REML")
  ),
  "quasi, REML" = gate_model(
    gam(count ~ s(x0) + s(x1) + s(x2),
      family = quasi(link = "log", variance = "mu"), data = d, method = "REML"
    )
  ),
  "Gamma, REML" = gate_model(
    gam(positive ~ s(x0) + s(x1) + s(x2) + s(x3),
      family = Gamma("log"), data = d, method = "REML"
    )
  ),
  "Gamma, P-ML" = gate_model(
    gam(positive ~ s(x0) + s(x1) + s(x2) + s(x3),
      family = Gamma("log"), data = d, method = "P-ML"
    )
  ),
  "Gamma, GCV" = gate_model(
    gam(positive ~ s(x0) + s(x1) + s(x2) + s(x3), family = Gamma("log"), data = d)
  ),
  "Gamma, REML, bfgs" = gate_model(
    gam(positive ~ s(x0) + s(x1) + s(x2),
      family = Gamma("log"), data = d, method = "REML", optimizer = c("outer", "bfgs")
    )
  ),
  "inverse gaussian, REML" = gate_model(
    gam(inverse ~ s(x0) + s(x1) + s(x2),
      family = inverse.gaussian("log"), data = d, method = "REML"
    )
  ),
  # Families of mgcv.
  "negbin of known theta" = gate_model(
    gam(dispersed ~ s(x0) + s(x1) + s(x2), family = negbin(2), data = d, method = "REML")
  ),
  "nb, REML" = gate_model(
    gam(dispersed ~ s(x0) + s(x1) + s(x2) + s(x3),
      family = nb(), data = d, method = "REML"
    )
  ),
  "nb, ML, bfgs" = gate_model(
    gam(dispersed ~ s(x0) + s(x1) + s(x2),
      family = nb(), data = d, method = "ML", optimizer = c("outer", "bfgs")
    )
  ),
  "Tweedie of known p" = gate_model(
    gam(heap ~ s(x0) + s(x1) + s(x2), family = Tweedie(1.4), data = d, method = "REML")
  ),
  "tw, REML" = gate_model(
    gam(heap ~ s(x0) + s(x1) + s(x2) + s(x3), family = tw(), data = d, method = "REML")
  ),
  "betar, REML" = gate_model(
    gam(share ~ s(x0) + s(x1) + s(x2), family = betar(), data = d, method = "REML")
  ),
  "scat, REML" = gate_model(
    gam(heavy ~ s(x0) + s(x1) + s(x2), family = scat(), data = d, method = "REML")
  ),
  "ocat, REML" = gate_model(
    gam(grade ~ s(x0) + s(x1) + s(x2), family = ocat(R = 4), data = d, method = "REML")
  ),
  "ziP, REML" = gate_model(
    gam(zeros ~ s(x0) + s(x1) + s(x2), family = ziP(), data = d, method = "REML")
  ),
  "cnorm, REML" = gate_model(
    gam(censored ~ s(x0) + s(x1) + s(x2), family = cnorm(), data = d, method = "REML"),
    mgcv = "1.9"
  ),
  "cox.ph" = gate_model(
    gam(time ~ s(x0) + s(x1) + s(x2), family = cox.ph(), data = d, weights = event)
  ),
  "gaulss" = gate_model(
    gam(list(spread ~ s(x0) + s(x2), ~ s(x1)), family = gaulss(), data = d)
  ),
  "multinom" = gate_model(
    gam(list(choice ~ s(x1) + s(x2), ~ s(x1) + s(x2)), family = multinom(K = 2), data = d)
  ),
  "mvn" = gate_model(
    gam(list(spread ~ s(x1) + s(x2), second ~ s(x1)), family = mvn(d = 2), data = d)
  ),
  "gammals" = gate_model(
    gam(list(positive ~ s(x0) + s(x2), ~ s(x1)), family = gammals(), data = d)
  ),
  "gumbls" = gate_model(
    gam(list(spread ~ s(x1) + s(x2), ~ s(x1)), family = gumbls(), data = d)
  ),
  "gevlss" = gate_model(
    gam(list(spread ~ s(x1) + s(x2), ~ s(x1), ~1), family = gevlss(), data = d)
  ),
  "shash" = gate_model(
    gam(list(spread ~ s(x1) + s(x2), ~ s(x1), ~1, ~1), family = shash(), data = d)
  ),
  "ziplss" = gate_model(
    gam(list(zeros ~ s(x0) + s(x2), ~ s(x1)), family = ziplss(), data = d)
  ),
  "twlss" = gate_model(
    gam(list(heap ~ s(x1) + s(x2), ~1, ~ s(x0)), family = twlss(), data = d)
  ),
  # Smooths, and what else shapes a model.
  "select" = gate_model(
    gam(y ~ s(x0) + s(x1) + s(x2) + s(x3), data = d, method = "REML", select = TRUE)
  ),
  "te and linked smooths" = gate_model(
    gam(y ~ te(x0, x1) + s(x2, id = 1) + s(x3, id = 1), data = d, method = "REML"),
    less = "te(x0, x1)"
  ),
  "t2, by factor" = gate_model(
    gam(y ~ fac + t2(x0, x1) + s(x2, by = fac), data = d, method = "REML"),
    less = "t2(x0, x1)"
  ),
  "ti" = gate_model(
    gam(count ~ ti(x0) + ti(x1) + ti(x0, x1), family = poisson, data = d, method = "REML")
  ),
  "ps, cr, gp, random effect" = gate_model(
    gam(y ~ s(x0, bs = "ps") + s(x1, bs = "cr") + s(x2, bs = "gp") + s(group, bs = "re"),
      data = d, method = "REML"
    )
  ),
  "ad, ds, cc, ts" = gate_model(
    gam(
      y ~ s(x2, bs = "ad", k = 15) + s(x0, bs = "ds") + s(x1, bs = "cc") +
        s(x3, bs = "ts"),
      data = d, method = "REML"
    )
  ),
  "factor smooth" = gate_model(
    gam(y ~ s(x0) + s(x1) + s(x2, fac, bs = "fs", k = 5), data = d, method = "REML"),
    less = "s(x0)"
  ),
  "matrix arguments" = gate_model(
    gam(y ~ s(x1) + s(x2) + te(lags, history, k = 4), data = d, method = "REML"),
    less = "s(x1)"
  ),
  "paraPen, gamma" = gate_model(
    gam(y ~ x0 + x1 + s(x2) + s(x3),
      data = d, method = "REML", gamma = 1.4, paraPen = list(x0 = list(diag(1)))
    )
  ),
  "min.sp" = gate_model(
    gam(count ~ s(x0) + s(x1) + s(x2),
      family = poisson, data = d, method = "REML", min.sp = c(0.1, 0.1, 0.1)
    ),
    less = NA, more = NA
  ),
  "some sp fixed" = gate_model(
    gam(y ~ s(x0) + s(x1, sp = 1) + s(x2) + s(x3), data = d, method = "REML")
  ),
  "subset, knots, scale" = gate_model(
    gam(y ~ s(x0, bs = "cr", k = 5) + s(x1) + s(x2),
      data = d, method = "REML", subset = x3 > 0.1, scale = 4,
      knots = list(x0 = c(0, 0.2, 0.5, 0.8, 1))
    )
  ),
  # Beside s(x2) the second term is smoothed away; without it, it is needed.
  "a term that another hides" = gate_model(
    gam(count ~ s(x1) + s(echo), family = poisson, data = d, method = "REML"),
    more = "s(x2)"
  ),
  # bam.
  "bam, gaussian" = gate_model(
    bam(y ~ s(x0) + s(x1) + s(x2) + s(x3), data = d)
  ),
  "bam, binomial" = gate_model(
    bam(binary ~ s(x0) + s(x1) + s(x2), family = binomial, data = d)
  ),
  "bam, poisson, discrete" = gate_model(
    bam(count ~ s(x0) + s(x1) + s(x2), family = poisson, data = d, discrete = TRUE)
  ),
  "bam, nb, discrete" = gate_model(
    bam(dispersed ~ s(x0) + s(x1) + s(x2), family = nb(), data = d, discrete = TRUE)
  ),
  "bam, gaussian, rho" = gate_model(
    bam(y ~ s(x0) + s(x1) + s(x2), data = d, rho = 0.2)
  )
)

# Those that this mgcv can fit.
known_gate_models <- function() {
  Filter(function(model) utils::packageVersion("mgcv") >= model$mgcv, gate_models)
}

# The call with another formula: a term less, or a term more in its (first) formula;
# NULL where the model has no such relative.
change_terms <- function(call, remove = NULL, add = NULL) {
  formula <- call$formula
  of_list <- identical(formula[[1]], quote(list))
  first <- if (of_list) formula[[2]] else formula
  terms <- split_sum(first[[3]])
  labels <- vapply(terms, deparse1, "")
  keep <- !labels %in% remove
  terms <- c(terms[keep], lapply(add, str2lang))
  first[[3]] <- Reduce(function(a, b) base::call("+", a, b), terms)
  if (of_list) formula[[2]] <- first else formula <- first
  call$formula <- formula
  call
}

split_sum <- function(expr) {
  if (is.call(expr) && identical(expr[[1]], quote(`+`)) && length(expr) == 3) {
    c(split_sum(expr[[2]]), split_sum(expr[[3]]))
  } else {
    list(expr)
  }
}

one_term_less <- function(model) {
  formula <- gate_call(model)$formula
  first <- if (identical(formula[[1]], quote(list))) formula[[2]] else formula
  last <- utils::tail(vapply(split_sum(first[[3]]), deparse1, ""), 1)
  less <- if (is.null(model$less)) last else model$less
  if (!is.na(less)) change_terms(gate_call(model), remove = less)
}

one_term_more <- function(model) {
  if (!is.na(model$more)) change_terms(gate_call(model), add = model$more)
}

# With its arguments named.
gate_call <- function(model) {
  match.call(getExportedValue("mgcv", as.character(model$call[[1]])), model$call)
}

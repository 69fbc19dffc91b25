# What warm() saves, and what it costs, with models that take starting values. CPU seconds of this
# process, cold and warm in turn; medians over the rounds.
#
#   Rscript bench/fitters-models.R [rounds [model...]]
#
# A line a model: CPU seconds cold; then as ratios to it, cold inside warm(), started from a fit to
# 90 % of the rows, and, of what is watched, resumed half way; and iterations of each, resumed with
# those before. Of glm.nb they are its rounds, of lme and gls evaluations of the likelihood, those
# for the curvature at a warm start included.

suppressPackageStartupMessages({
  library(warmstart)
  library(survival)
})
options(warmstart.near_from = 0) # what takes a moment starts others, too
options(warmstart.verbose = FALSE)
rounds <- as.integer(c(commandArgs(TRUE), 5)[[1]])
chosen <- commandArgs(TRUE)[-1]

set.seed(1)
n <- 200000
d <- as.data.frame(matrix(rnorm(n * 10), n))
line <- drop(as.matrix(d) %*% seq(-0.5, 0.5, length.out = 10))
d$binary <- rbinom(n, 1, plogis(line))
d$count <- rpois(n, exp(0.5 + line))
d$over <- rnbinom(n, 2, mu = exp(0.5 + line))
d$size <- rgamma(n, 2, 2 / exp(line))
d$class <- factor(sample(letters[1:4], n, TRUE, c(1, 2, 3, 4)))
d$time <- rweibull(n, 2, exp(line))
d$dead <- rbinom(n, 1, 0.7)
d$growth <- 5 / (1 + exp((1 - d$V1) / 0.7)) + rnorm(n, 0, 0.2)
d$subject <- factor(rep(seq_len(n / 20), each = 20))
d$distance <- (1 + 0.7 * rnorm(n / 20))[d$subject] * d$V1 + 2 * rnorm(n / 20)[d$subject] +
  c(replicate(n / 20, stats::filter(rnorm(20), 0.5, "recursive")))
few <- function(rows) d[seq_len(rows), ]
counts <- array(rpois(20^4, 40) + 1, rep(20, 4))
terms <- paste0("V", 1:10, collapse = " + ")
formula_of <- function(response) as.formula(paste(response, "~", terms))

models <- list(
  "glm, binomial" = quote(glm(formula_of("binary"), binomial, rows)),
  "glm, poisson" = quote(glm(formula_of("count"), poisson, rows)),
  "glm, Gamma(log)" = quote(glm(formula_of("size"), Gamma("log"), rows)),
  "glm.nb" = quote(MASS::glm.nb(formula_of("over"), rows, control = glm.control(trace = 1))),
  "nls" = quote(
    nls(growth ~ Asym / (1 + exp((xmid - V1) / scal)), rows,
      start = c(Asym = 4, xmid = 0.5, scal = 1))
  ),
  "multinom" = quote(nnet::multinom(formula_of("class"), rows, trace = FALSE)),
  "survreg" = quote(survreg(formula_of("Surv(time, dead)"), rows)),
  "nnet" = quote(
    nnet::nnet(formula_of("binary"), rows, size = 2, decay = 1, maxit = 1000, trace = FALSE)
  ),
  "coxph" = quote(coxph(formula_of("Surv(time, dead)"), rows)),
  "lme" = quote(nlme::lme(distance ~ V1, rows, random = ~ V1 | subject)),
  "lme, AR(1)" = quote(nlme::lme(
    distance ~ V1, rows, random = ~ V1 | subject, correlation = nlme::corAR1()
  )),
  "gls, AR(1)" = quote(
    nlme::gls(distance ~ V1, rows, correlation = nlme::corAR1(form = ~ 1 | subject))
  ),
  "gls, AR(2)" = quote(nlme::gls(
    follicles ~ sin(2 * pi * Time) + cos(2 * pi * Time), rows,
    correlation = nlme::corARMA(form = ~ 1 | Mare, p = 2)
  )),
  "loglin" = quote(
    loglin(rows, combn(4, 3, simplify = FALSE), fit = TRUE, eps = 1e-4, iter = 200)
  )
)
data_of <- list(loglin = counts, "gls, AR(2)" = nlme::Ovary)
rows_of <- c(
  nnet = 5000, lme = 40000, "lme, AR(1)" = 20000, multinom = 40000, glm.nb = 100000,
  "gls, AR(1)" = 20000
)

# Where the fit does not tell its iterations, the fitter prints them, or they are counted.
tally <- new.env()
for (class in c("lmeStruct", "lmeStructInt", "glsStruct")) {
  invisible(suppressMessages(trace(
    paste0("logLik.", class), bquote(assign("n", .(tally)$n + 1, .(tally))),
    where = asNamespace("nlme"), print = FALSE
  )))
}

cpu <- function(call, env) {
  gc()
  tally$n <- 0
  round <- function(m) {
    tally$n <- tally$n + grepl("^Theta", conditionMessage(m))
    invokeRestart("muffleMessage")
  }
  began <- proc.time()
  printed <- capture.output(value <- withCallingHandlers(eval(call, env), message = round))
  seconds <- sum((proc.time() - began)[1:2])
  list(value = value, seconds = seconds, iterations = iterations(value, printed))
}

iterations <- function(fit, printed) {
  if (identical(fitter, loglin)) {
    as.numeric(sub(" iterations.*", "", grep("iterations:", printed, value = TRUE)))
  } else if (tally$n > 0) {
    tally$n
  } else {
    c(fit$iter, fit$convInfo$finIter, NA)[[1]]
  }
}

new_store <- function() warm_store(tempfile("store"))
warm_call <- function(call, store) bquote(warm(.(call), .(store)))

# The store that a process killed half way leaves.
interrupted <- function(call, env) {
  adapter <- warmstart:::find_adapter(fitter)
  named <- match.call(fitter, call, envir = env)
  states <- list()
  report <- function(...) states[[length(states) + 1]] <<- list(...)
  cpu(adapter$observe(named, env, report), env)
  if (length(states) < 2) {
    return(NULL)
  }
  at <- states[[ceiling(length(states) / 2)]]
  store <- new_store()
  store_save(
    store, adapter$identify(named, env)$exact,
    list(state = at[[1]], iterations = at[[3]], seconds = 0), at[[2]], at[[3]]
  )
  store
}

cat(sprintf("%-18s %8s %6s | %6s | %6s %5s | %6s %5s\n",
  "model", "cold, s", "it.", "inside", "fold", "it.", "half", "it."
))
for (name in if (length(chosen) > 0) chosen else names(models)) {
  call <- models[[name]]
  fitter <- eval(call[[1]])
  env <- new.env()
  fold <- new.env()
  env$rows <- if (name %in% names(data_of)) {
    data_of[[name]]
  } else {
    few(if (is.na(rows_of[name])) n else rows_of[name])
  }
  fold$rows <- if (name == "loglin") {
    counts - rbinom(length(counts), 3, 0.1)
  } else {
    env$rows[seq_len(nrow(env$rows)) %% 200 > 19, ]
  }
  taken <- vapply(seq_len(rounds), function(round) {
    set.seed(round)
    cold <- cpu(call, env)
    its <- cold$iterations
    seconds <- cold$seconds
    rm(cold)
    set.seed(round)
    inside <- cpu(warm_call(call, new_store()), env)$seconds
    store <- new_store()
    cpu(warm_call(call, store), fold)
    seeded <- cpu(warm_call(call, store), env)
    source <- warm_info()$source
    half <- interrupted(call, env)
    resumed <- if (!is.null(half)) cpu(warm_call(call, half), env)
    c(
      seconds, its, inside / seconds,
      if (source == "seeded") c(seeded$seconds / seconds, seeded$iterations) else c(NA, NA),
      if (is.null(half)) c(NA, NA) else c(resumed$seconds / seconds, resumed$iterations)
    )
  }, numeric(7))
  m <- apply(taken, 1, median)
  text <- function(x, digits) ifelse(is.na(x), "", formatC(x, digits = digits, format = "f"))
  cat(sprintf("%-18s %8s %6s | %6s | %6s %5s | %6s %5s\n",
    name, text(m[1], 2), text(m[2], 0), text(m[3], 2), text(m[4], 2), text(m[5], 0),
    text(m[6], 2), text(m[7], 0)
  ))
}

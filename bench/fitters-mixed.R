# What warm() saves with lme4 and glmmTMB. Seconds are of this process's own CPU time; cold and
# warm fits are made in turn. Evaluations are the fit's own count, which for glmer and nlmer is that
# of the last stage; of a resumed fit, with those before the interruption; of a seeded one, without
# those on the way from a cold start to the seed, nine a stage (glmmTMB: five). The time is of the
# whole fit.
#
#   Rscript bench/fitters-mixed.R [model...]
#
# Models: see `models` below; all by default.

suppressPackageStartupMessages({
  library(warmstart)
  library(lme4)
  library(glmmTMB)
})
options(warmstart.near_from = 0) # what takes a moment starts others, too
options(warmstart.verbose = FALSE)
internal <- asNamespace("warmstart")

data(InstEval, package = "lme4")
data(Owls, package = "glmmTMB")
ratings <- transform(InstEval[InstEval$dept %in% c("1", "2", "3", "4"), ], good = y > 3)

models <- list(
  "lmer, InstEval" = list(
    quote(lmer(y ~ service * studage + lectage + (1 | s) + (1 | d) + (1 | dept), d)), InstEval
  ),
  "lmer, sleepstudy" = list(quote(lmer(Reaction ~ Days + (Days | Subject), d)), sleepstudy),
  "glmer, bobyqa, VerbAgg" = list(
    quote(glmer(
      r2 ~ Anger + Gender + btype + situ + mode + (1 | id) + (1 | item), d, binomial,
      control = glmerControl(optimizer = "bobyqa")
    )),
    VerbAgg
  ),
  "glmer, bobyqa, VerbAgg, interactions" = list(
    quote(glmer(
      r2 ~ Anger + Gender * btype + situ * btype + mode + (1 | id) + (1 | item), d, binomial,
      control = glmerControl(optimizer = "bobyqa")
    )),
    VerbAgg
  ),
  "glmer, nloptwrap, VerbAgg" = list(
    quote(glmer(
      r2 ~ Anger + Gender + btype + situ + mode + (1 | id) + (1 | item), d, binomial,
      control = glmerControl(optimizer = "nloptwrap")
    )),
    VerbAgg
  ),
  "glmer, bobyqa, InstEval" = list(
    quote(glmer(
      good ~ service + lectage + studage + (1 | s) + (1 | d), d, binomial,
      control = glmerControl(optimizer = "bobyqa")
    )),
    ratings
  ),
  "glmer, its default, cbpp" = list(
    quote(glmer(incidence / size ~ period + (1 | herd), d, binomial, weights = size)), cbpp
  ),
  "glmer, its default, grouseticks" = list(
    quote(glmer(
      TICKS ~ YEAR + scale(HEIGHT) + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION), d, poisson
    )),
    grouseticks
  ),
  "nlmer, Orange" = list(
    quote(nlmer(
      circumference ~ SSlogis(age, Asym, xmid, scal) ~ Asym | Tree, d,
      start = c(Asym = 200, xmid = 725, scal = 350)
    )),
    as.data.frame(Orange)
  ),
  "glmmTMB, Salamanders" = list(
    quote(glmmTMB(count ~ mined * spp + (1 | site), d, nbinom2, ziformula = ~ spp + (1 | site))),
    Salamanders
  ),
  "glmmTMB, Owls" = list(
    quote(glmmTMB(
      SiblingNegotiation ~ FoodTreatment * SexParent + ArrivalTime + offset(logBroodSize) +
        (1 | Nest), d, nbinom1, ziformula = ~FoodTreatment
    )),
    Owls
  ),
  "glmmTMB, VerbAgg" = list(
    quote(glmmTMB(
      r2 ~ (Anger + Gender + btype + situ + mode)^2 + (1 | id) + (1 | item), d, binomial
    )),
    VerbAgg
  ),
  "glmmTMB, InstEval" = list(
    quote(glmmTMB(good ~ service + lectage + studage + (1 | s) + (1 | d), d, binomial)), ratings
  )
)

timed <- function(expr, env) {
  gc()
  began <- proc.time()[["user.self"]]
  fit <- suppressMessages(eval(expr, env))
  list(fit = fit, seconds = proc.time()[["user.self"]] - began)
}

evaluations <- function(fit) {
  if (isS4(fit)) fit@optinfo$feval else fit$fit$evaluations[["function"]]
}

# A store in which the fit was interrupted half way to its last improvement.
interrupted <- function(call, env) {
  adapter <- internal$find_adapter(eval(call[[1]], env))
  named <- match.call(eval(call[[1]], env), call)
  reports <- list()
  observed <- adapter$observe(named, env, function(state, objective, iteration) {
    reports[[length(reports) + 1]] <<- list(state, objective, iteration)
  })
  suppressMessages(eval(observed, env))
  at <- vapply(reports, function(report) report[[3]], 1)
  half <- reports[[max(which(at <= max(at) / 2))]]
  store <- warm_store(tempfile("store"))
  store_save(
    store, adapter$identify(named, env)$exact,
    list(state = half[[1]], iterations = half[[3]], seconds = 1), half[[2]], half[[3]]
  )
  store
}

measure <- function(name) {
  call <- models[[name]][[1]]
  full <- models[[name]][[2]]
  set.seed(1)
  env <- new.env(parent = globalenv())
  env$store <- warm_store(tempfile("store"))
  env$d <- full
  warm_call <- bquote(warm(.(call), store))
  first <- timed(warm_call, env)
  env$d <- full[sort(sample(nrow(full), round(0.9 * nrow(full)))), ]
  env$empty <- warm_store(tempfile("store"))
  cold <- timed(call, env)
  seeded <- timed(warm_call, env)
  source <- warm_info(seeded$fit)$source
  again <- timed(call, env)
  watched <- timed(bquote(warm(.(call), empty)), env)
  env$store <- interrupted(call, env)
  resumed <- timed(warm_call, env)
  seconds <- mean(c(cold$seconds, again$seconds))
  adapter <- internal$find_adapter(eval(call[[1]], env))
  excess <- function(fit) {
    (adapter$state(fit)$objective - adapter$state(cold$fit)$objective) /
      abs(adapter$state(cold$fit)$objective)
  }
  cat(sprintf(
    paste(
      "| %s | %d, %.2f | %.2f | %s %d, %.2f | %.2f | %s %d, %.2f | %.2f | %.0e, %.0e |\n"
    ),
    name, evaluations(cold$fit), seconds, watched$seconds / seconds,
    warm_info(resumed$fit)$source, evaluations(resumed$fit), resumed$seconds,
    resumed$seconds / seconds, source, evaluations(seeded$fit), seeded$seconds,
    seeded$seconds / seconds, excess(resumed$fit), excess(seeded$fit)
  ))
}

chosen <- commandArgs(TRUE)
cat(
  "| model | cold: evaluations, s | watched: ratio | resumed at half: evaluations, s | ratio |",
  "seeded on a 90 % fold: evaluations, s | ratio | objective over the cold one's, relative |\n"
)
cat("| --- | --- | --- | --- | --- | --- | --- | --- |\n")
for (name in if (length(chosen) > 0) chosen else names(models)) measure(name)

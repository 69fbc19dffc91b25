# What is made of a fit, by whom.

uses <- list(
  summary = quote(summary(fit)), anova = quote(anova(fit)), AIC = quote(AIC(fit)),
  update = quote(update(fit)), "update to 1" = quote(update(fit, . ~ 1)),
  predict = quote(predict(fit)), vcov = quote(vcov(fit)), residuals = quote(residuals(fit)),
  model.frame = quote(model.frame(fit)), nobs = quote(nobs(fit)), terms = quote(terms(fit))
)

#' @param env Where the fits' data are.
#' @return Words, one a use of the one fit that comes to something else than that of the other.
#' @noRd
use_faults <- function(warm, plain, env) {
  if (is.object(plain)) {
    used <- function(fit) lapply(uses, use_fit, list2env(list(fit = fit), parent = env))
    faults_where(used(warm), used(plain), differ_in_use)
  }
}

# Its shape and its words, without their numbers; of a single number, that.
use_fit <- function(use, env) {
  made <- outcome_of(eval(use, env))
  value <- made$fit
  words <- c(
    made$error, made$said, class(value), paste("length", length(value)),
    paste("dim", dim(value)), unlist(dimnames(value)), if (is.list(value)) names(value),
    if (!is.atomic(value)) unique(words_of(value))
  )
  list(words = words, number = if (is.numeric(value) && length(value) == 1) as.numeric(value))
}

differ_in_use <- function(a, b) {
  differ(a$words, b$words) || !isTRUE(all.equal(a$number, b$number, tolerance = 1e-4))
}

# Stars and signs are of the numbers, and so is where a line ends. Of nls() by "port", one of two
# criteria may be met, or both.
words_of <- function(value) {
  old <- options(width = 500)
  on.exit(options(old))
  text <- tryCatch(utils::capture.output(print(value)), error = conditionMessage)
  text <- sub("(both X-convergence and |X-)?(relative )?convergence [(][0-9][)]", "converged", text)
  text <- gsub("[*.<>+-]|TRUE|FALSE|NaN|NA|Inf", " ", without_numbers(text))
  trimws(gsub("[# ]+", " ", text))
}

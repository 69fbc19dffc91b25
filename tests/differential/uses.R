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
    faults_where(used(warm), used(plain))
  }
}

# Its shape and its words, without their numbers; of a single number, that.
use_fit <- function(use, env) {
  made <- outcome_of(eval(use, env))
  value <- made$fit
  is_number <- is.numeric(value) && length(value) == 1
  c(
    made$error, made$said, class(value), paste("length", length(value)),
    paste("dim", dim(value)), unlist(dimnames(value)), if (is.list(value)) names(value),
    if (is_number) signif(value, 4) else if (!is.atomic(value)) unique(words_of(value))
  )
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

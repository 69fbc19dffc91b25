# Is what warm() gave what the plain call gives?

objective_tolerance <- 1e-6 # of max(1, |cold|)
fitted_tolerance <- 0.01 # standard errors, where the objective is the same

# A lower end than the cold one is better where the cold fit stopped on its way there. So far below,
# of max(1, |cold|), and an error away, it is another optimum.
elsewhere_by <- 1e-3

#' @param asked,cold What outcome_of() tells of the call in warm(), and of the plain one.
#' @param again Outcomes of further plain calls, of fitters that do not repeat themselves.
#' @param env Where both were made, to compare them whole there: what summary(), anova(), update()
#'   and others make of them. NULL for a brief look.
#' @param exactly Where warm() says that it did this, the fit is the plain one to the last digit. What
#'   is returned may itself have begun elsewhere, where the store holds several.
#' @return A list of `faults` and `notes`, as words.
#' @noRd
judge <- function(asked, cold, fitter, again = list(), env = NULL, exactly = "cold") {
  repeats <- length(again) == 0
  faults <- character()
  fault <- function(is_fault, ...) if (!isFALSE(is_fault)) faults <<- c(faults, paste0(...))
  if (!is.null(asked$error) || !is.null(cold$error)) {
    fault(!identical(asked$error, cold$error), "error: ", asked$error, " | ", cold$error)
    return(list(faults = faults, notes = "error"))
  }
  warm <- asked$fit
  plain <- cold$fit
  fault(differ(class(warm), class(plain)), "class: ", shown(class(warm)))
  fault(differ(parts_of(warm), parts_of(plain)), "parts: ", shown_change(
    parts_of(warm), parts_of(plain)
  ))
  fault(differ(deparse1(call_in(warm)), deparse1(call_in(plain))), "call: ", shown(call_in(warm)))
  fault(differ(asked$said, cold$said), "said: ", shown_change(asked$said, cold$said))
  fault(repeats && differ(asked$random, cold$random), "random numbers go on otherwise")
  verdicts <- lapply(list(warm, plain), fitter$verdict)
  fault(repeats && differ(verdicts[[1]], verdicts[[2]]), "verdict: ", shown_change(
    unlist(verdicts[[1]]), unlist(verdicts[[2]])
  ))
  here <- coefficients_of(warm)
  there <- coefficients_of(plain)
  fault(differ(attributes_of(here), attributes_of(there)), "names of coefficients")
  fault(differ(is.na(here), is.na(there)), "aliasing: ", shown(names(which(is.na(here)))))
  fault(differ_much(freedom_of(warm), freedom_of(plain), 0.05), "degrees of freedom: ", shown_change(
    freedom_of(warm), freedom_of(plain)
  ))
  objectives <- objectives_of(warm, c(list(cold), again), fitter)
  more <- objectives[[1]] - objectives[[2]]
  allowed <- objective_tolerance * max(1, abs(objectives[[2]]))
  fault(isTRUE(more > allowed) || differ(is.na(objectives[[1]]), is.na(objectives[[2]])), sprintf(
    "objective: %.10g, cold %.10g", objectives[[1]], objectives[[2]]
  ))
  moved <- if (repeats) moved_in_errors(warm, plain) else NA
  same <- isTRUE(abs(more) <= allowed)
  fault(same && isTRUE(moved > fitted_tolerance), sprintf("fitted values: %.3g errors apart", moved))
  if (!is.null(env) && same && repeats) {
    faults <- c(faults, whole_faults(warm, plain, env))
  }
  lower <- sprintf(
    "objective %.8g, cold %.8g, %.2g errors apart", objectives[[1]], objectives[[2]], moved
  )
  elsewhere <- isTRUE(more < -elsewhere_by * max(1, abs(objectives[[2]]))) && !isTRUE(moved < 1)
  fault(repeats && elsewhere, "another optimum: ", lower)
  source <- tryCatch(warmstart::warm_info()$source, error = function(e) "none")
  if (source %in% exactly) faults <- c(faults, content_faults(warm, plain))
  list(faults = faults, notes = if (isTRUE(more < -allowed) && !elsewhere) lower)
}

# Of those that do not repeat themselves, the worst cold one.
objectives_of <- function(warm, colds, fitter) {
  c(
    as.vector(fitter$objective(warm))[[1]],
    max(vapply(colds, function(cold) as.vector(fitter$objective(cold$fit))[[1]], 1))
  )
}

parts_of <- function(fit) if (isS4(fit)) methods::slotNames(fit) else names(fit)

attributes_of <- function(x) if (is.null(dim(x))) names(x) else dimnames(x)

differ <- function(a, b) !identical(a, b)

differ_much <- function(a, b, by) {
  length(a) != length(b) || !identical(is.na(a), is.na(b)) || any(abs(a - b) > by, na.rm = TRUE)
}

shown <- function(x) substr(paste(deparse(x, width.cutoff = 100), collapse = " "), 1, 200)

shown_change <- function(a, b) {
  if (is.character(a) || is.character(b)) {
    paste(c(paste("+", setdiff(a, b)), paste("-", setdiff(b, a))), collapse = "; ")
  } else {
    paste(shown(a), "for", shown(b))
  }
}

content_faults <- function(warm, plain) {
  parts <- if (isS4(plain)) {
    Filter(function(part) !is.environment(slot(plain, part)), methods::slotNames(plain))
  } else if (is.list(plain)) {
    is_data <- !vapply(plain, function(x) is.environment(x) || is.function(x), NA)
    setdiff(names(plain)[is_data], "xtime") # the seconds of optimx()
  }
  get_part <- function(fit, part) if (isS4(fit)) slot(fit, part) else fit[[part]]
  different <- Filter(function(part) {
    !isTRUE(tryCatch(
      all.equal(
        get_part(warm, part), get_part(plain, part), tolerance = 1e-10, check.environment = FALSE
      ),
      error = conditionMessage
    ))
  }, parts)
  if (length(different) > 0) paste("other than the plain fit's:", toString(different))
}

# Whole. ---------------------------------------------------------------------------------------

# What is made of a fit, by whom.
uses <- list(
  summary = quote(summary(fit)), anova = quote(anova(fit)), AIC = quote(AIC(fit)),
  update = quote(update(fit)), "update, a term less" = quote(update(fit, . ~ 1)),
  predict = quote(predict(fit)), vcov = quote(vcov(fit)), residuals = quote(residuals(fit)),
  model.frame = quote(model.frame(fit)), nobs = quote(nobs(fit)), terms = quote(terms(fit))
)

whole_faults <- function(warm, plain, env) {
  found <- character()
  if (is.object(plain)) {
    for (name in names(uses)) {
      here <- used(uses[[name]], warm, env)
      there <- used(uses[[name]], plain, env)
      if (differ(here, there)) found <- c(found, paste0(name, "(): ", shown_change(here, there)))
    }
  }
  found
}

# Its shape and its words, without its numbers; of a single number, that.
used <- function(use, fit, env) {
  made <- outcome_of(eval(use, list2env(list(fit = fit), parent = env)))
  value <- made$fit
  words <- if (is.atomic(value)) {
    if (length(value) == 1) signif(value, 4)
  } else {
    unique(words_of(value))
  }
  c(
    made$error, made$said, class(value), paste("length", length(value)),
    paste("dim", dim(value)), unlist(dimnames(value)), if (is.list(value)) names(value), words
  )
}

# Stars and signs are of the numbers. Of nls() by "port", one of two criteria may be met, or both.
words_of <- function(value) {
  text <- tryCatch(utils::capture.output(print(value)), error = conditionMessage)
  text <- sub("(both X convergence and |X-)?(relative )?convergence [(][0-9][)]", "converged", text)
  text <- gsub("[*.<>+-]|TRUE|FALSE|NaN|NA|Inf", " ", without_numbers(text))
  trimws(gsub("[# ]+", " ", text))
}

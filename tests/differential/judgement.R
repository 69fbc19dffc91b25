# Is what warm() gave what the plain call gives?

objective_tolerance <- 1e-6 # of max(1, |cold|)
fitted_tolerance <- 0.01 # standard errors, where the objective is the same
freedom_tolerance <- 0.05 # of effective degrees of freedom

# A lower end than the cold one is better where the cold fit stopped on its way there. So far below,
# of max(1, |cold|), and an error away, it is another optimum.
elsewhere_by <- 1e-3

#' @param asked,cold What outcome_of() tells of the call in warm(), and of the plain one.
#' @param again Outcomes of further plain calls, of fitters that do not repeat themselves: then the
#'   worst of the ends counts, and what is told of them does not.
#' @param env Where both were made, to compare them whole there: what summary(), anova(), update()
#'   and others make of them. NULL for a brief look.
#' @param exactly Where warm() says that it did this, the fit is the plain one to the last digit.
#'   What is returned may itself have begun elsewhere, where the store holds several.
#' @param closer The plain fit at a closer tolerance, evaluated where the fitted values differ: then
#'   those count that are further from it than the plain call's.
#' @return A list of `faults` and `notes`, as words, and the `error` of a plain call that failed.
#' @noRd
judge <- function(asked, cold, fitter, again = list(), env = NULL, exactly = "cold",
                  closer = NULL) {
  if (!is.null(asked$error) || !is.null(cold$error)) {
    faults <- if (differ(asked$error, cold$error)) {
      paste("error:", shown_change(asked$error, cold$error))
    }
    return(list(faults = faults, error = cold$error))
  }
  source <- tryCatch(warmstart::warm_info()$source, error = function(e) "none")
  end <- compare_ends(asked$fit, c(list(cold), again), fitter)
  if (end$is_same && end$is_moved && !is.null(closer)) {
    end$is_moved <- !is_nearer(asked$fit, cold$fit, closer)
  }
  list(
    faults = c(
      shape_faults(asked, cold),
      if (end$repeats) told_faults(asked, cold, fitter),
      end_faults(end),
      if (source %in% exactly) content_faults(asked$fit, cold$fit),
      if (!is.null(env) && end$is_same) use_faults(asked$fit, cold$fit, env)
    ),
    notes = if (end$repeats && end$is_lower && !end$is_elsewhere) words_of_end(end)
  )
}

is_nearer <- function(warm, cold, closer) {
  isTRUE(moved_in_errors(warm, closer) <= max(moved_in_errors(cold, closer), fitted_tolerance))
}

# Each a named list of what must be alike.
faults_where <- function(here, there, different = differ) {
  unlist(lapply(names(here), function(name) {
    if (different(here[[name]], there[[name]])) {
      paste0(name, ": ", shown_change(here[[name]], there[[name]]))
    }
  }))
}

shape_faults <- function(asked, cold) {
  shape <- function(outcome) {
    fit <- outcome$fit
    coefficients <- coefficients_of(fit)
    list(
      class = class(fit), parts = parts_of(fit), call = deparse(call_in(fit), 500),
      coefficients = if (is.matrix(coefficients)) dimnames(coefficients) else names(coefficients),
      aliased = names(which(is.na(coefficients))), said = outcome$said
    )
  }
  c(
    faults_where(shape(asked), shape(cold)),
    faults_where(
      list("degrees of freedom" = freedom_of(asked$fit)),
      list("degrees of freedom" = freedom_of(cold$fit)),
      differ_much
    )
  )
}

# What the fitter says of its end, and how random numbers go on.
told_faults <- function(asked, cold, fitter) {
  told <- function(outcome) list(verdict = fitter$verdict(outcome$fit), random = outcome$random)
  faults_where(told(asked), told(cold))
}

# The objective, and how far the fitted values are from the cold ones.
compare_ends <- function(warm, colds, fitter) {
  objective_of <- function(fit) as.vector(fitter$objective(fit))[[1]]
  objective <- objective_of(warm)
  cold <- max(vapply(colds, function(outcome) objective_of(outcome$fit), 1))
  size <- if (is.finite(cold)) max(1, abs(cold)) else 1 # of a fit that failed it may be none
  is_near <- identical(objective, cold) || abs(objective - cold) <= objective_tolerance * size
  repeats <- length(colds) == 1
  moved <- if (repeats) moved_in_errors(warm, colds[[1]]$fit) else NA
  list(
    objective = objective, cold = cold, moved = moved, repeats = repeats,
    is_same = repeats && isTRUE(is_near),
    is_above = !isTRUE(objective <= cold + objective_tolerance * size) && !is.na(cold),
    # That many errors away from the optimum, a log-likelihood is lower by half their square: where
    # the cold end is above by a quarter of that, it is the cold fit that stopped short.
    is_moved = isTRUE(moved > fitted_tolerance && cold - objective < moved^2 / 8),
    is_lower = isTRUE(objective < cold - objective_tolerance * size),
    is_elsewhere = repeats && isTRUE(objective < cold - elsewhere_by * size) && !isTRUE(moved < 1)
  )
}

end_faults <- function(end) {
  c(
    if (end$is_above) paste("worse:", words_of_end(end)),
    if (end$is_elsewhere) paste("another optimum:", words_of_end(end)),
    if (end$is_same && end$is_moved) paste("moved:", words_of_end(end))
  )
}

words_of_end <- function(end) {
  sprintf(
    "objective %.10g, cold %.10g, %.2g standard errors apart", end$objective, end$cold, end$moved
  )
}

# All of its parts, but for functions and their surroundings.
content_faults <- function(warm, plain) {
  parts <- if (is.list(plain) || isS4(plain)) parts_of(plain)
  part_of <- function(fit, part) if (isS4(fit)) methods::slot(fit, part) else fit[[part]]
  is_other <- vapply(parts, function(part) {
    here <- part_of(warm, part)
    there <- part_of(plain, part)
    # optimx() tells how many seconds it took.
    counts <- !is.environment(there) && !is.function(there) && part != "xtime"
    counts && !isTRUE(tryCatch(
      all.equal(here, there, tolerance = 1e-10, check.environment = FALSE), error = conditionMessage
    ))
  }, NA)
  if (any(is_other)) paste("other than the plain fit's:", toString(parts[is_other]))
}

parts_of <- function(fit) if (isS4(fit)) methods::slotNames(fit) else names(fit)

differ <- function(a, b) !identical(a, b)

differ_much <- function(a, b) {
  length(a) != length(b) || !identical(is.na(a), is.na(b)) ||
    any(abs(a - b) > freedom_tolerance, na.rm = TRUE)
}

shown_change <- function(a, b) {
  text <- if (is.character(a) || is.character(b)) {
    paste(c(paste("+", setdiff(a, b)), paste("-", setdiff(b, a))), collapse = "; ")
  } else {
    paste(deparse1(unlist(a)), "for", deparse1(unlist(b)))
  }
  substr(text, 1, 300)
}

# What is fitted: calls to every function that warm() knows, with what says how they ended. All
# take the rows `d`.
#
#   call        as a user writes it
#   objective   function(fit): the smaller the better
#   verdict     function(fit): what the fitter says of its convergence
#   related     another call, whose fit this one may start from; NULL where there is none
#   most        rows that it is given at most: a case takes a second, not a minute
#   weight      how often it is drawn
#   closer      function(call): the same at a closer tolerance, where that may stop far from the end
#   cold_runs   where one cold fit need not end where another does: of how many the worst counts

fitter <- function(call, objective, verdict, related = one_term_less(call), most = 300,
                   weight = 1, closer = NULL, cold_runs = 1) {
  list(
    call = call, objective = objective, verdict = verdict, related = related, most = most,
    weight = weight, closer = closer, cold_runs = cold_runs
  )
}

# Fitters that end alike.
fitters_of <- function(calls, objective, verdict, ...) {
  lapply(calls, function(call) fitter(call, objective, verdict, ...))
}

# The first formula's last term; NULL where that leaves none.
one_term_less <- function(call) {
  if (!has_formula(call)) {
    return(NULL)
  }
  at <- which(vapply(as.list(call), is_formula_call, NA))
  formula <- call[[at[[1]]]]
  right <- formula[[length(formula)]]
  if (!is.call(right) || !identical(right[[1]], quote(`+`)) || length(right) < 3) {
    return(NULL)
  }
  formula[[length(formula)]] <- right[[2]]
  call[[at[[1]]]] <- formula
  call
}

minus_log_likelihood <- function(fit) -as.numeric(stats::logLik(fit))

all_fitters <- function() {
  c(fitters_models(), fitters_grouped(), fitters_smooth(), fitters_optimisers())
}

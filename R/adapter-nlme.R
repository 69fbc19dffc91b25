# lme and gls take no starting values, and call nlminb() or optim() by name. Here a copy of these,
# put into the fitter's frame, has its arguments changed: the objective is watched, and the start
# is another fit's end.

adapter_lme <- function() adapter_of_nlme("nlme::lme", "fixed")

adapter_gls <- function() adapter_of_nlme("nlme::gls", "model")

adapter_of_nlme <- function(name, formula) {
  warm_adapter(
    name,
    relations = "rows",
    identify = function(call, env) identify_nlme(call, env, name, formula),
    seed = seed_nlme,
    observe = observe_nlme,
    state = state_nlme,
    restore = function(fit, call, env) restore_nlme(fit, call, env, formula),
    # A message in place of the covariance matrix of the variance parameters is none.
    converged = function(fit) inherits(fit, c("lme", "gls")),
    compare = compare_in_errors(state_nlme)
  )
}

# The fitter works with the inverse of the random effects' covariance.
state_nlme <- function(fit) {
  structure <- fit$modelStruct
  if (!is.null(structure$reStruct)) structure$reStruct <- solve(structure$reStruct)
  list(
    state = if (takes_start(structure)) list(parameters = stats::coef(structure)) else list(),
    objective = -as.numeric(fit$logLik), iteration = fit$numIter %||% NA
  )
}

# Random effects alone have a start of their own as near as another fit's end. Where weights depend
# on the fit, such an end is that of the last of several rounds.
takes_start <- function(structure) {
  any(names(structure) != "reStruct") && length(stats::coef(structure)) > 0 &&
    !nlme::needUpdate(structure)
}

# A method for other than formulas puts a call together itself: of the user's, it has the control.
restore_nlme <- function(fit, call, env, formula) {
  given <- eval(call[[formula]], env)
  if (!inherits(given, "formula")) call <- call[names(call) %in% c("", "control")]
  restore_arguments("control")(fit, call, env)
}

# An EM algorithm would look for the random effects' covariance at the start.
seed_nlme <- function(call, env, state, relation) {
  parameters <- if (is.list(state)) state$parameters
  if (!is.numeric(parameters) || length(parameters) == 0 || !all(is.finite(parameters))) {
    stop_seed_unfit("it has no parameters, all finite numbers")
  }
  begin <- function(frame) change_optimisers(frame, start_optimiser(parameters))
  at_controls(call, env, begin, list(niterEM = 0))
}

observe_nlme <- function(call, env, report) {
  at_controls(call, env, function(frame) {
    tryCatch(change_optimisers(frame, watch_optimiser(frame, report)), error = function(e) NULL)
  })
}

# `in_fitter(frame)` is called when the fitter asks for its controls, before all else; once, and
# then forgotten: some fits keep the fitter's frame, with this argument in it.
at_controls <- function(call, env, in_fitter, control = list()) {
  given <- call$control
  fitter <- if ("fixed" %in% formals_of(call, env)) {
    utils::getS3method("lme", "formula", envir = asNamespace("nlme"))
  } else {
    eval(call[[1]], env)
  }
  put_lazily(call, "control", function() {
    in_fitter(fitter_frame(fitter))
    in_fitter <<- function(frame) NULL
    fitter <<- NULL
    controls <- eval(given, env)
    controls[names(control)] <- control
    if (is.null(controls)) list() else controls
  })
}

# `change(at, start, objective)` comes first in each: in its frame, with the names of its arguments.
# Once, too: more rounds follow where weights depend on the fit.
change_optimisers <- function(frame, change) {
  arguments <- list(nlminb = c("start", "objective"), optim = c("par", "fn"))
  change_once <- function(at, start, objective) {
    rm(list = intersect(names(arguments), names(frame)), envir = frame)
    change(at, start, objective)
  }
  for (name in names(arguments)) {
    optimiser <- get(name, frame, mode = "function")
    first <- as.call(c(change_once, quote(environment()), arguments[[name]]))
    body(optimiser) <- call("{", first, body(optimiser))
    frame[[name]] <- optimiser
  }
}

start_optimiser <- function(parameters) {
  function(at, start, objective) {
    if (!identical(names(at[[start]]), names(parameters))) {
      stop_seed_unfit("its parameters are not those of this model")
    }
    at[[start]] <- parameters
    if (start == "start") scale_within(at)
  }
}

# nlminb()'s first guess of the Hessian is made of `scale`: the curvature along each parameter.
scale_within <- function(at) {
  start <- at$start
  curvature <- tryCatch(
    suppressWarnings(vapply(differences_about(
      at$objective, start, difference_steps(start, 1e-3), rep(Inf, length(start)),
      at$objective(start)
    ), `[[`, 1, "curvature")),
    error = function(e) NA
  )
  if (all(is.finite(curvature) & curvature > 0)) at$scale <- sqrt(curvature)
}

# Where weights depend on the fit, each round maximises another likelihood.
watch_optimiser <- function(frame, report) {
  watch <- new_watch(function(state, objective, iteration) {
    report(state, objective - likelihood_constant(frame), iteration)
  })
  begin <- function(at, start, objective) {
    labels <- names(at[[start]])
    state_of <- function(par) list(parameters = stats::setNames(as.vector(par), labels))
    if (!nlme::needUpdate(frame$lmeSt %||% frame$glsSt)) {
      compares <- !isTRUE(frame$controlvals$sigma > 0)
      at[[objective]] <- watch(at[[objective]], state_of, compares)
    }
  }
  function(at, start, objective) {
    tryCatch(begin(at, start, objective), error = function(e) NULL)
  }
}

# What the fitter leaves out of the likelihood until the end.
likelihood_constant <- function(frame) {
  n <- frame$N - if (frame$REML) ncol(frame$X) else 0
  n * (log(n) - log(2 * pi) - 1) / 2
}

# What varies is in formulas inside of objects, too; and of grouped data in a formula of their own.
# What is fitted to a list of fits, or to a grouped data set itself, counts by its arguments.
identify_nlme <- function(call, env, fitter, formula) {
  if (!inherits(eval(call[[formula]], env), "formula")) {
    return(identify_call(call, env, fitter))
  }
  data <- eval(call$data, env)
  structures <- lapply(as.list(call)[intersect(nlme_structures, names(call))], eval, env)
  subset <- tryCatch(eval(call$subset, env), error = function(e) NULL)
  grouping <- formulas_in(attr(data, "formula"))
  # What is in no data the fitter looks for from its own frame.
  space <- new.env(parent = asNamespace("nlme"))
  fitters_own <- lapply(formulas_in(eval(call[[formula]], env)), `environment<-`, space)
  key <- identify_model(
    call, env, fitter,
    formula = formula, aligned = "subset", ignored_control = "msVerbose",
    also = c(formulas_in(structures), formulas_in(subset), grouping, fitters_own),
    elsewhere = list(subset = space)
  )
  if (length(grouping) == 0) {
    return(key)
  }
  new_model_fingerprint(c(key$parts, named_part("data", "grouping", grouping, "specification")))
}

nlme_structures <- c("random", "correlation", "weights", "groups", "fixed", "params")

# nlme's `.` stands for the fit.
formulas_in <- function(value) {
  if (inherits(value, "formula")) {
    return(list(do.call(substitute, list(strip_formula(value), list(. = NULL)))))
  }
  within <- attributes(value)
  inside <- c(if (is.list(value)) unclass(value), within[!names(within) %in% c("names", "class")])
  unlist(lapply(unname(inside), formulas_in), recursive = FALSE)
}

strip_formula <- function(formula) {
  attributes(formula) <- NULL
  formula
}

# lme and gls take no starting values, and call nlminb() or optim() by name. Here a copy of these,
# put into the fitter's frame, has its arguments changed: the likelihood is recorded, and given
# again after an interruption (adapter-replay.R); or the start is another fit's end.

adapter_lme <- function() adapter_of_nlme("nlme::lme", "fixed", "rows")

# It takes few evaluations, of which to look whether a start is one would be the most.
adapter_gls <- function() adapter_of_nlme("nlme::gls", "model", character())

adapter_of_nlme <- function(name, formula, relations) {
  replaying(warm_adapter(
    name,
    relations = relations,
    identify = function(call, env) identify_nlme(call, env, name, formula),
    seed = seed_nlme,
    observe = observe_nlme,
    state = state_nlme,
    restore = function(fit, call, env) restore_nlme(fit, call, env, formula),
    pack = pack_nlme, certify = certify_nlme,
    # A message in place of the covariance matrix of the variance parameters is none.
    converged = function(fit) inherits(fit, c("lme", "gls")),
    compare = compare_in_errors(state_nlme)
  ))
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

# The data with which the fit was made are the asker's, with columns that the model does not have.
# Those of a list of fits are found in that.
pack_nlme <- function(fit) {
  if (is.data.frame(fit$data) && is.null(fit$origCall)) fit$data <- data.frame()
  fit
}

# Methods put a call together: of grouped data, which name their formula, and of a list of fits.
restore_nlme <- function(fit, call, env, formula) {
  given <- as.list(call)[-1]
  others <- given[names(given) != formula]
  data <- call$data
  if (!is.null(fit$origCall)) {
    fit$origCall <- as.call(c(fit$origCall[[1]], given))
    made <- as.list(fit$call)[-1]
    written <- c("fixed", "data", "random", "na.action")
    others <- others[!names(others) %in% written]
    made <- c(made[names(made) %in% written], others)[c(
      intersect(names(made), c(written, names(others))), setdiff(names(others), names(made))
    )]
  } else if (inherits(eval(call[[formula]], env), "formula")) {
    made <- given
  } else {
    data <- call$fixed
    made <- c(list(fixed = fit$call$fixed, data = data), others)
  }
  fit$call <- as.call(c(if (formula == "fixed") fit$call[[1]] else call[[1]], made))
  if (is.data.frame(fit$data) && is.null(fit$origCall)) fit$data <- eval(data, env)
  fit
}

seed_nlme <- function(call, env, state, relation) {
  if (is.list(state) && !is.null(state$calls)) {
    calls <- check_calls(state$calls, "likelihood")
    attr(call, "begun") <- list(replayed = calls$likelihood$n)
    return(at_controls(call, env, function(frame) {
      change_optimisers(frame, replay_optimiser(calls$likelihood))
    }))
  }
  parameters <- if (is.list(state)) state$parameters
  if (!is.double(parameters) || length(parameters) == 0 || !all(is.finite(parameters))) {
    stop_seed_unfit("it has no parameters, all finite numbers")
  }
  begin <- function(frame) change_optimisers(frame, start_optimiser(parameters))
  # An EM algorithm would look for the random effects' covariance at the start.
  at_controls(call, env, begin, list(niterEM = 0))
}

# The end itself was looked at when the optimiser had found it; see start_optimiser(). Where the
# curvature there is asked for, it must be that of a maximum, and by far: it comes of differences,
# whose last digits decide near a plateau.
certify_nlme <- function(fit, call, env, start) {
  if (!is.null(start$state$calls)) {
    "its evaluations are from a store that others can write"
  } else if (is.character(fit$apVar)) {
    "the likelihood is not curved downwards at its end"
  } else if (is.matrix(fit$apVar) && any(diag(fit$apVar) > 1)) {
    on_plateau
  } else {
    TRUE
  }
}

observe_nlme <- function(call, env, report) {
  replayed <- count_of(attr(call, "begun")$replayed)
  attr(call, "begun") <- NULL
  at_controls(call, env, function(frame) {
    watch <- watch_optimiser(frame, report, replayed)
    tryCatch(change_optimisers(frame, watch), error = function(e) NULL)
  })
}

# `in_fitter(frame)` is called when the fitter asks for its controls, before all else; once, and
# then forgotten: some fits keep the fitter's frame, with this argument in it, and its own call.
at_controls <- function(call, env, in_fitter, control = list()) {
  given <- call$control
  fitter <- if ("fixed" %in% formals_of(call, env)) {
    utils::getS3method("lme", "formula", envir = asNamespace("nlme"))
  } else {
    eval(call[[1]], env)
  }
  put_lazily(call, "control", function() {
    if (!is.null(in_fitter)) {
      frame <- fitter_frame(fitter)
      in_fitter(frame)
      if (is.call(frame$Call)) frame$Call$control <- given
      in_fitter <<- fitter <<- NULL
    }
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

replay_optimiser <- function(calls) {
  function(at, start, objective) {
    at[[objective]] <- played(at[[objective]], calls, new_agreement())
  }
}

# Where the likelihood rises to another fit's end from where a cold fit begins, and nowhere falls;
# nlminb()'s first guess of the Hessian is made of `scale`: the curvature along each parameter.
start_optimiser <- function(parameters) {
  function(at, start, objective) {
    cold <- at[[start]]
    if (!identical(names(cold), names(parameters))) {
      stop_seed_unfit("its parameters are not those of this model")
    }
    f <- at[[objective]]
    value <- function(x) suppressWarnings(f(replace(cold, seq_along(cold), x)))
    if (!is_one_valley(value, as.vector(cold), as.vector(parameters))) {
      stop_seed_unfit("on these data it is not the top of the slope on which a cold fit begins")
    }
    problem <- list(
      value = value, lower = rep(-Inf, length(cold)), upper = rep(Inf, length(cold))
    )
    hessian <- bowl_at(problem, as.vector(parameters), value(parameters))$hessian
    at[[start]] <- parameters
    if (start == "start") at$scale <- sqrt(diag(hessian))
    check <- function(end) {
      if (is.list(end)) check_end(problem, as.vector(end$par), hessian)
    }
    do.call(on.exit, list(as.call(list(check, quote(returnValue())))), envir = at)
  }
}

check_end <- function(problem, par, hessian) {
  end <- problem$value(par)
  if (!isTRUE(fall_left(problem, par, end, hessian) <= small_fall(end))) {
    stop("the likelihood is not highest at its end", call. = FALSE)
  }
}

# Where weights depend on the fit, each round maximises another likelihood.
watch_optimiser <- function(frame, report, replayed) {
  tell <- function(state, objective, iteration) {
    if (iteration > replayed) {
      report(state, objective - likelihood_constant(frame), iteration - replayed)
    }
  }
  watch <- new_watch(structure(tell, tick = attr(report, "tick")))
  begin <- function(at, start, objective) {
    tape <- new_tape()
    state <- function(par) list(calls = list(likelihood = tape$all()))
    if (!nlme::needUpdate(frame$lmeSt %||% frame$glsSt)) {
      compares <- !isTRUE(frame$controlvals$sigma > 0)
      at[[objective]] <- watch(heard_by(at[[objective]], tape), state, compares)
    }
  }
  function(at, start, objective) {
    tryCatch(begin(at, start, objective), error = function(e) NULL)
  }
}

heard_by <- function(fn, tape) {
  force(fn)
  noted <- function(condition) tape$skip()
  taped(
    function(par) withCallingHandlers(fn(par), warning = noted, message = noted), tape,
    function(...) NULL
  )
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

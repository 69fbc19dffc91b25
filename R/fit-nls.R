adapter_nls <- function() {
  warm_adapter(
    "stats::nls",
    relations = "rows",
    identify = function(call, env) {
      # Where nls() looks for a start that is not given.
      if (is.null(call$start)) call$start <- attr(eval(call$data, env), "parameters")
      identify_model(
        call, env, "stats::nls",
        ignored = "trace", ignored_control = "printEval",
        parameters = names(eval(call$start, env)) %||% character()
      )
    },
    seed = seed_nls,
    observe = observe_nls,
    state = state_nls,
    restore = restore_nls,
    converged = function(fit) isTRUE(fit$convInfo$isConv),
    compare = compare_in_errors(state_nls)
  )
}

state_nls <- function(fit) {
  list(
    state = list(coefficients = stats::coef(fit)), objective = stats::deviance(fit),
    iteration = fit$convInfo$finIter %||% NA
  )
}

# The values change, the form of `start` does not. What is linear in the model ("plinear") has no
# start. Related fits are no start: another formula's parameters may go by the same names and mean
# something else, and who gives the same formula another `start` looks for another optimum.
seed_nls <- function(call, env, state, relation) {
  found <- state_numbers(state, "coefficients", named = TRUE)
  start <- eval(call$start, env) %||% as.list(found[!grepl("^[.]lin", names(found))])
  flat <- unlist(start)
  if (is.null(names(flat)) || !all(names(flat) %in% names(found))) {
    stop_seed_unfit("its parameters are not those of this model")
  }
  start <- utils::relist(found[names(flat)], start)
  put_lazily(call, "start", function() start)
}

# The right hand side is evaluated at each trial of the parameters, and next to it for derivatives.
# A function stands where its outermost one did. Where there is no `start`, the fitter asks that one
# for it, which has to be the user's.
observe_nls <- function(call, env, report) {
  formula <- eval(call$formula, env)
  model <- if (inherits(formula, "formula")) formula[[length(formula)]]
  if (is.call(model) && !is.null(call$start)) {
    formula[[length(formula)]][[1]] <- watch_model(model, report)
    call$formula <- inline(formula)
  }
  call
}

watch_model <- function(model, report) {
  tick <- registry$tick
  fitter <- NULL
  best <- NULL
  iteration <- 0
  look <- function(frame, value) {
    fitter <<- fitter %||% find_frame(c("env", "ind", "lhs"))
    # While it is set up, there is the start alone.
    if (is.null(fitter$dev) || is.null(fitter$internalPars)) {
      return()
    }
    if (is.null(best)) best <<- fitter$dev
    parameters <- unlist(mget(names(fitter$ind), frame, inherits = TRUE))
    is_trial <- all(parameters == fitter$internalPars)
    deviance <- if (is_trial) sum(residuals_nls(fitter, value)^2) else Inf
    if (deviance < best) {
      best <<- deviance
      iteration <<- iteration + 1
      report(list(coefficients = parameters), deviance, iteration)
    }
  }
  watched <- function(...) {
    frame <- parent.frame()
    value <- eval(model, frame)
    tryCatch(look(frame, value), error = function(e) NULL)
    if (!is.null(tick)) tick()
    value
  }
  structure(watched, class = "watched_model", name = model[[1]])
}

residuals_nls <- function(fitter, value) {
  if (is.null(fitter$topzero)) {
    fitter$.swts * (fitter$lhs - value)
  } else {
    qr.resid(qr(fitter$.swts * value), fitter$.swts * fitter$lhs) # "plinear"
  }
}

# The innermost frame that has these variables, if any.
find_frame <- function(variables) {
  Find(function(frame) all(variables %in% names(frame)), sys.frames(), right = TRUE)
}

# A fit keeps the frame that its model was set up in; and where promises are left in it, the
# fitter's own, with the watched formula.
restore_nls <- function(fit, call, env) {
  fit <- restore_arguments("start", c("algorithm", "control", "trace", "lower", "upper"))(
    fit, call, env
  )
  if (inherits(fit, "nls")) {
    frame <- environment(fit$m$formula)
    for (variable in names(frame)) get(variable, frame)
    model <- frame$form[[3]]
    if (is.call(model) && inherits(model[[1]], "watched_model")) {
      frame$form[[3]][[1]] <- attr(model[[1]], "name")
    }
  }
  fit
}

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
    certify = function(fit, call, env, start) certify_nls(fit),
    compare = compare_in_errors(state_nls)
  )
}

# The iterations are those of this run, which what it reports tells.
state_nls <- function(fit) {
  list(
    state = list(coefficients = stats::coef(fit)), objective = stats::deviance(fit), iteration = NA
  )
}

# The values change, the form of `start` does not. What is linear in the model ("plinear") has no
# start. Related fits are no start: another formula's parameters may go by the same names and mean
# something else, and who gives the same formula another `start` looks for another optimum.
seed_nls <- function(call, env, state, relation) {
  found <- state_numbers(state, "coefficients", named = TRUE)
  start <- eval(call$start, env) %||% as.list(found[!grepl("^[.]lin", names(found))])
  # Inside an element, names are the user's own, and gone after the first step.
  names <- names(unlist(lapply(as.list(start), unname)))
  if (is.null(names) || !all(names %in% names(found))) {
    stop_seed_unfit("its parameters are not those of this model")
  }
  start <- utils::relist(unname(found[names]), lapply(as.list(start), unname))
  if (is.null(state[["left"]])) {
    check_nls_valley(call, env, start)
  } else {
    call <- put_nls_left(call, env, state)
  }
  put_lazily(call, "start", function() start)
}

# A sum of squares may have several minima, and from a start far away the steps may lead nowhere.
# So a cold fit to some of the rows has to end next to the start: no further in its own errors than
# two samples of one model are from each other; and no ridge lies on the way there.
check_nls_valley <- function(call, env, start) {
  data <- eval(call$data, env)
  aligned <- all.vars(call$weights)
  if (!is.data.frame(data) || !is.null(call$subset) || !all(aligned %in% names(data))) {
    stop_seed_unfit("what a cold fit to some of the rows does is not known")
  }
  fit <- try_cold_fit(nrow(data), function(rows) {
    some <- data[rows, , drop = FALSE]
    attr(some, "parameters") <- attr(data, "parameters") # a start that comes with the data
    call$data <- some
    call$trace <- FALSE
    eval(call, env)
  })
  best <- stats::deviance(fit)
  deviance_at <- function(par) {
    fit$m$setPars(par)
    fit$m$deviance()
  }
  excess <- (deviance_at(unlist(start)) - best) / (best / max(stats::df.residual(fit), 1))
  is_next <- isTRUE(excess >= -1e-6 && excess <= 10 * length(stats::coef(fit)))
  given <- unlist(eval(call$start, env))
  if (!is_next || !is.null(given) && !is_one_valley(deviance_at, given, unlist(start))) {
    stop_seed_unfit("a cold fit to some of the rows ends elsewhere")
  }
}

# By the fitter's own measure: the part of the residuals that one more step would take away, over
# that which would be left.
certify_nls <- function(fit) {
  # By `algorithm = "port"` alone, the fitter has not worked it out at its end.
  criterion <- if (is.null(fit$convergence)) fit$convInfo$finTol else fit$m$conv()
  left <- criterion^2 * stats::df.residual(fit)
  if (isTRUE(left <= 1e-5)) TRUE else "one more step would go further"
}

# Resumed, it has the iterations that were left to it; the limit carries along how many there were.
# What it says where these do not suffice tells their number.
put_nls_left <- function(call, env, state) {
  control <- nls_control(call, env)
  if (isTRUE(control$warnOnly)) {
    stop_seed_unfit("it has to say how many iterations did not suffice")
  }
  left <- state_numbers(state, "left", 1, c(1, max(control$maxiter, 1)))
  control$maxiter <- structure(left, all = control$maxiter)
  call$control <- inline(control)
  call
}

nls_control <- function(call, env) {
  given <- as.list(eval(call$control, env))
  utils::modifyList(stats::nls.control(), given)
}

# The right hand side is evaluated at each trial of the parameters, and next to it for derivatives.
# A function stands where its outermost one did. Where there is no `start`, the fitter asks that one
# for it, which has to be the user's.
observe_nls <- function(call, env, report) {
  formula <- eval(call$formula, env)
  model <- if (inherits(formula, "formula")) formula[[length(formula)]]
  if (is.call(model) && !is.null(call$start)) {
    formula[[length(formula)]][[1]] <- watch_model(model, report, nls_control(call, env)$maxiter)
    call$formula <- inline(formula)
  }
  call
}

watch_model <- function(model, report, maxiter) {
  tick <- tick_of(report)
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
      left <- as.vector(maxiter) - iteration
      report(list(coefficients = parameters, left = left), deviance, iteration)
    }
  }
  watched <- function(...) {
    frame <- parent.frame()
    value <- eval(model, frame)
    tryCatch(look(frame, value), error = function(e) NULL)
    tick()
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

# A fit keeps the frame that its model was set up in; and where promises are left in it, the
# fitter's own, with the watched formula. The model's variables lie before the formula's
# environment, which is the asker's.
restore_nls <- function(fit, call, env) {
  if (!inherits(fit, "nls")) {
    return(fit)
  }
  frame <- environment(fit$m$formula)
  for (variable in names(frame)) get(variable, frame)
  model <- frame$form[[3]]
  if (is.call(model) && inherits(model[[1]], "watched_model")) {
    frame$form[[3]][[1]] <- attr(model[[1]], "name")
  }
  formula <- eval(call$formula, env)
  home <- if (inherits(formula, "formula")) environment(formula)
  if (is.environment(home) && !identical(home, environment(frame$form))) {
    parent.env(frame$env) <- home
    environment(frame$form) <- home
  }
  all <- attr(fit$call$control$maxiter, "all")
  if (!is.null(all)) {
    before <- all - as.vector(fit$call$control$maxiter)
    fit$convInfo$finIter <- as.integer(before) + fit$convInfo$finIter
  }
  if ("data" %in% names(call)) fit$data <- call$data
  fit$control <- if (is.null(call$control)) {
    stats::nls.control()
  } else {
    as.list(eval(call$control, env))
  }
  fit$call <- call_of_nls(fit$call, call, env)
  fit
}

# With what the fitter writes into it: bounds by their values, or not at all where they are ignored,
# and three settings in full.
call_of_nls <- function(written, call, env) {
  arguments <- as.list(call)
  for (bound in c("lower", "upper")) arguments[[bound]] <- as.list(written)[[bound]]
  arguments$algorithm <- written$algorithm
  arguments$control <- nls_control(call, env)
  arguments$trace <- if (is.null(call$trace)) FALSE else eval(call$trace, env)
  as.call(arguments)
}

#' Models that warm() knows
#'
#' For each fitter: what of it is watched while it runs, so that it can go on after a crash; what
#' another fit can start from; and what neither is. Finished fits of all of them are kept, and
#' returned at once.
#'
#' | fitter | watched | starts from another fit's |
#' | --- | --- | --- |
#' | `mgcv::gam()` | each outer iteration | smoothing parameters, coefficients |
#' | `mgcv::bam()` | nothing | the same |
#' | [stats::glm()] | each iteration | coefficients, same formula |
#' | `MASS::glm.nb()` | each round | coefficients and theta, same formula |
#' | [stats::nls()] | each step | parameters, same formula and `start` |
#' | [stats::loglin()] | nothing | fitted table, same margins, with `fit = TRUE` |
#' | `nnet::multinom()` | nothing | weights, same classes |
#' | `nnet::nnet()` | nothing | nothing |
#' | `survival::survreg()` | nothing | coefficients and scales, same distribution |
#' | `survival::coxph()` | nothing | nothing |
#' | `nlme::lme()`, `gls()` | better evaluations | variance parameters, same formula |
#'
#' @section Is it worth it?:
#' For fits of seconds. `warm()` itself takes some milliseconds a call, most of them to keep the
#' finished fit; of one that takes less than 50 ms, that is more than a tenth. Of a fit of less than
#' 2 s that is large for its time, such as a `glm()` of 10^5 rows, only the estimates are kept: the
#' same call again starts from them.
#'
#' @section Which fits does a fit start from?:
#' From the last one of the same specification on other rows; else, unless the table says "same
#' formula", from a related one's: what has the same name is taken over. What you give for `start`
#' or its like belongs to the specification, and in `glm()`, `survreg()` and `multinom()` no other
#' fit's takes its place.
#'
#' @section Is the result the same?:
#' Where there is one optimum, as in the models of the table, up to the fitter's tolerance. `nls()`,
#' and `glm()` with some links, may have several: from a start near another one they end there,
#' as they would from another `start`. `warm(..., near = FALSE)` starts as the fitter does.
#'
#' @section What about random starts?:
#' The weights that `nnet()` starts with are random, and decide where it ends. Unless `Wts` is
#' given, the state of the random number generator therefore counts in the key, and after a
#' finished fit was returned it is where the fit would have left it: after `set.seed()`, several
#' fits in a row are the same ones again, each found by itself.
#'
#' @section Why are some not watched?:
#' They work in compiled code that calls nothing back: `loglin()`, `multinom()`, `nnet()` and
#' `coxph()`. `survreg()` calls back for distributions that the user has written, and the functions
#' of these see residuals, no coefficients. To stop and start them anew every few iterations would
#' lose what they have learned of the curvature, and print and warn otherwise. An `nls()` is watched
#' where it has a `start`, its own or another fit's, and its formula's right side is a call, such as
#' `a * exp(b * x)`.
#' A `gls()` or `lme()` whose weights depend on the fit, as those of `nlme::varPower()` do by
#' default, goes through several rounds, each with an objective of its own: it is not watched, nor
#' started from another.
#'
#' @section What of `lme()` is not started from?:
#' One with neither `correlation` nor `weights` starts from its own interrupted run alone: an EM
#' algorithm gives it a start as near as another fit's end. Resumed, it knows the parameters, and
#' takes the curvature there from two evaluations a parameter and one more. Where a cold fit takes
#' fewer than some 30 evaluations, that saves none.
#'
#' @section Why are Cox models not started from others?:
#' The `init` of `coxph()` is also the hypothesis that its likelihood ratio, score and Wald tests
#' are against. Another one gives another summary.
#'
#' @seealso [warm()], [warm_adapter()] to add a fitter.
#' @name warm-models
#' @examples
#' store <- warm_store(tempfile("store"))
#' model <- cbind(ncases, ncontrols) ~ agegp + unclass(tobgp)
#' fit <- warm(glm(model, binomial, esoph), store)
#' fold <- warm(glm(model, binomial, esoph[-(1:9), ]), store)
#' warm_info(fold)
NULL

# glm ------------------------------------------------

# Where it starts decides whether and where a model with several optima ends: it counts.
glm_aligned <- c("weights", "offset", "subset", "etastart", "mustart")
glm_starts <- c("start", "etastart", "mustart")

# A cold glm starts from its response, one step away from where a related model's coefficients
# would take it; they save nothing.
adapter_glm <- function() {
  warm_adapter(
    "stats::glm",
    relations = "rows",
    identify = function(call, env) {
      identify_model(call, env, "stats::glm", aligned = glm_aligned, ignored_control = "trace")
    },
    seed = function(call, env, state, relation) {
      check_own_start(call, glm_starts, relation)
      call[c("etastart", "mustart")] <- NULL
      seed_lazily(call, env, "start", state, relation, start_for_columns)
    },
    observe = observe_glm,
    state = state_glm,
    restore = function(fit, call, env) {
      fit <- restore_arguments(c(glm_starts, "family"))(fit, call, env)
      if (inherits(fit, "glm")) fit$family <- unwrap_family(fit$family)
      fit
    },
    converged = function(fit) inherits(fit, "glm") && isTRUE(fit$converged),
    compare = compare_in_errors(state_glm)
  )
}

state_glm <- function(fit) {
  list(
    state = coefficient_state(fit, fit$offset), objective = fit$deviance, iteration = fit$iter
  )
}

# glm.fit() asks its family for the deviance of each new iterate.
observe_glm <- function(call, env, report) {
  family <- tryCatch(call_family(call, env), error = function(e) NULL)
  if (is.function(family$dev.resids)) {
    family$dev.resids <- watch_deviance(family$dev.resids, report)
    call$family <- inline(family)
  }
  call
}

# The deviance of the null model, which it asks for as well, is of another `mu`. Its frame is known
# by the variables in it: to compare functions takes longer than an iteration of a small fit.
watch_deviance <- function(wrapped_original, report) {
  force(wrapped_original)
  force(report)
  look <- function(frame, mu, deviance) {
    is_iterate <- !is.null(frame$iter) && identical(mu, frame$mu) && is.numeric(frame$start)
    if (is_iterate && all(is.finite(frame$start))) {
      coefficients <- stats::setNames(as.vector(frame$start), frame$xnames)
      report(list(coefficients = coefficients), deviance, frame$iter)
    }
  }
  function(y, mu, ...) {
    parts <- wrapped_original(y, mu, ...)
    tryCatch(look(parent.frame(), mu, sum(parts)), error = function(e) NULL)
    parts
  }
}

# glm.nb ------------------------------------------------

adapter_glm_nb <- function() {
  warm_adapter(
    "MASS::glm.nb",
    relations = "rows",
    # The fitter deparses `link`, so it is a word and no value.
    identify = function(call, env) {
      if (!is.null(call$link)) call$link <- deparse1(call$link)
      identify_model(call, env, "MASS::glm.nb", aligned = glm_aligned, ignored_control = "trace")
    },
    seed = seed_glm_nb,
    observe = observe_glm_nb,
    state = state_glm_nb,
    restore = restore_glm_nb,
    converged = function(fit) {
      inherits(fit, "negbin") && isTRUE(fit$converged) && is.null(fit$th.warn)
    },
    compare = compare_in_errors(state_glm_nb)
  )
}

# What counts down is minus twice the log-likelihood, theta's included.
state_glm_nb <- function(fit) {
  list(
    state = c(coefficient_state(fit, fit$offset), list(theta = fit$theta)),
    objective = -fit$twologlik, iteration = NA
  )
}

seed_glm_nb <- function(call, env, state, relation) {
  check_own_start(call, c(glm_starts, "init.theta"), relation)
  if (!is.list(state) || !is_number(state$theta) || state$theta <= 0) {
    stop_seed_unfit("it has no theta")
  }
  call[c("etastart", "mustart")] <- NULL
  call$init.theta <- state$theta
  seed_lazily(call, env, "start", state, relation, start_for_columns)
}

# Before each round of its two steps, the coefficients and theta, the fitter reads its limit.
observe_glm_nb <- function(call, env, report) {
  control <- if (is.null(call$control)) {
    further <- as.list(call)[!names(call) %in% formals_of(call, env)]
    tryCatch(eval(as.call(c(stats::glm.control, further[-1])), env), error = function(e) NULL)
  } else {
    eval(call$control, env)
  }
  if (is.list(control)) call$control <- inline(watch_control(control, look_at_theta(report)))
  call
}

look_at_theta <- function(report) {
  rounds <- 0
  function(frame) {
    if (isTRUE(frame$iter > rounds)) {
      rounds <<- frame$iter
      coefficients <- frame$fit$coefficients
      coefficients[is.na(coefficients)] <- 0
      report(
        list(coefficients = coefficients, theta = as.vector(frame$th)), -2 * frame$Lm, rounds - 1
      )
    }
  }
}

# A list that has `look` called, with the frame of the function that reads it.
watch_control <- function(control, look) {
  structure(control, class = c("watched_control", oldClass(control)), look = look)
}

#' @export
`$.watched_control` <- function(x, name) {
  frame <- parent.frame()
  tryCatch(attr(x, "look")(frame), error = function(e) NULL)
  .subset2(x, name, exact = FALSE)
}

unwatch_control <- function(control) {
  attr(control, "look") <- NULL
  oldClass(control) <- setdiff(oldClass(control), "watched_control")
  control
}

# The fitter writes theta and the link into the call, behind what it was called with.
restore_glm_nb <- function(fit, call, env) {
  fit <- restore_arguments(c(glm_starts, "control"), glm_nb_writes)(fit, call, env)
  if (inherits(fit, "negbin")) {
    fit$control <- unwatch_control(fit$control)
    found <- as.list(fit$call)[setdiff(glm_nb_writes, names(call))]
    fit$call[names(found)] <- NULL
    fit$call[names(found)] <- found
  }
  fit
}

glm_nb_writes <- c("init.theta", "link")

# nls ------------------------------------------------

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
  check_coefficients(state)
  found <- state$coefficients
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

# loglin ------------------------------------------------

adapter_loglin <- function() {
  warm_adapter(
    "stats::loglin",
    relations = "rows",
    identify = function(call, env) {
      identify_call(
        call, env, "stats::loglin", ignored = "print",
        fixed = c("margin", "eps", "iter", "fit", "param")
      )
    },
    seed = seed_loglin,
    state = function(fit) {
      list(
        state = list(fitted = as.vector(fit$fit), dim = dim(fit$fit)), objective = fit$lrt,
        iteration = NA
      )
    },
    compare = function(a, b) {
      fitted <- if (!is.null(b$fit)) max(abs(a$fit - b$fit)) / max(abs(b$fit))
      list(objective = relative_difference(a$lrt, b$lrt), fitted = fitted)
    }
  )
}

# A start keeps what it has beyond the margins, so only one that follows the same model is none
# but a start; and a cell that starts empty stays so.
seed_loglin <- function(call, env, state, relation) {
  check_own_start(call, "start", relation)
  table <- eval(call$table, env)
  fitted <- if (is.list(state)) state$fitted
  if (!is.numeric(fitted) || length(fitted) == 0 ||
    !identical(as.integer(state$dim), dim(table)) || length(fitted) != length(table)) {
    stop_seed_unfit("it is no fitted table of this model")
  }
  if (!all(is.finite(fitted)) || any(fitted <= 0)) {
    stop_seed_unfit("it has empty cells")
  }
  put_lazily(call, "start", function() fitted)
}

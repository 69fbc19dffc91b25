# Tests: test-fit-mgcv.R, test-fit-mgcv-working.R.
#
# Where a fit of mgcv starts: what another fit knows, put into the call's arguments.

#' Put a state into a call
#'
#' This fit's own goes in as it is. What other rows and other models have found decides nothing but
#' whether a fit starts from its working model: that goes to the optimum to which mgcv's own start
#' leads, and is believed where the other fit's smoothing parameters lead there as well.
#'
#' How many smoothing parameters and coefficients the model has is known only once mgcv has set it
#' up, so the last check is made then: the arguments put in are calls that mgcv evaluates after
#' set-up, and they too signal `warmstart_seed_unfit`.
#' @noRd
seed_gam <- function(call, env, state, relation) {
  check_seed(state)
  family <- checked_family(call, env, state)
  check_takes_start(call, env, family)
  if (relation == "exact") {
    seed_own(call, env, family, state)
  } else {
    seed_working(call, env, family, function(frame, initial) {
      seed_sp(state, relation, frame$G, initial)
    })
  }
}

#' Start a fit from its own working model, with nothing stored
#'
#' A family with parameters of its own has none to begin with that are near.
#' @noRd
quickstart_gam <- function(call, env) {
  family <- call_family(call, env)
  if (is.null(family) || is_general(family) || count_theta(family) > 0) {
    stop_seed_unfit("its family has parameters of its own")
  }
  check_takes_start(call, env, family)
  seed_working(call, env, family, function(frame, initial) initial)
}

# What the user gave for `in.out` or `start` stays.
seed_own <- function(call, env, family, state) {
  if (isTRUE(state$finished)) check_optimizer_path(optimizer_of(call, env))
  call <- seed_theta(call, family, state)
  if (is.null(call[["in.out"]])) call[["in.out"]] <- later(function() own_in_out(state))
  if (is.null(call[["start"]])) call[["start"]] <- later(function() own_start(state))
  call
}

later <- function(value) as.call(list(value))

own_in_out <- function(state) {
  frame <- setup_frame("estimate.gam")
  check_seed_labels(state, frame$G)
  estimates_scale <- isTRUE(frame$criterion %in% c("REML", "ML")) && isTRUE(frame$scale <= 0)
  if (estimates_scale && length(state$scale) == 0) {
    stop_seed_unfit("it has no scale, which this fit estimates")
  }
  in_out <- in_out_list(state)
  # mgcv fits these by bfgs(), which from a plateau finds back by what it knows of the way there.
  by_validation <- isTRUE(frame$criterion %in% c("NCV", "QNCV"))
  if (!isTRUE(state$finished)) {
    check_memory(by_validation || isTRUE(frame$optimizer[2] == "bfgs"), frame$G)
    if (by_validation) in_out$sp <- off_the_plateau(in_out$sp, exp(frame$lsp2))
  }
  if (identical(frame$optimizer[1], "efs")) {
    beside(in_out, -fellner_schall_shift)
  } else {
    beside(in_out, if (isTRUE(state$finished)) optimum_shift else 0)
  }
}

# bfgs() goes by what it has seen on its way, which an iterate does not tell. Of so few rows the
# score has several optima now and then, and from there it may go to another one.
check_memory <- function(by_bfgs, setup) {
  if (by_bfgs && telling_rows(setup) < 100) {
    stop_seed_unfit("of so few rows, where `bfgs` ends depends on its way")
  }
}

own_start <- function(state) {
  setup <- setup_frame("estimate.gam")$G
  check_seed_labels(state, setup)
  # With such a matrix a finished fit's coefficients are not those that were iterated, so they
  # cannot start another.
  if (is.null(setup$P) && length(state$coefficients) > 0) unname(state$coefficients)
}

# Of a model of several linear predictors mgcv asks for `start` first, before it has smoothing
# parameters of its own: the working model says what is large.
seed_working <- function(call, env, family, seed_of) {
  if (!is.null(call[["in.out"]]) || !is.null(call[["start"]])) {
    stop_seed_unfit("the call has starting values of its own")
  }
  check_working(call, env, family)
  found <- NULL
  find <- function() {
    if (is.null(found)) found <<- working_start(seed_of)
    found
  }
  call[["in.out"]] <- later(function() find()$in_out)
  call[["start"]] <- later(function() find()$coefficients)
  call
}

working_start <- function(seed_of) {
  frame <- setup_frame("estimate.gam")
  view <- working_view(frame)
  if (is.null(view)) {
    return(decline_start("where it would lead to is not known"))
  }
  initial <- view$initial %||% exp(frame$lsp2)
  found <- settle_start(view, initial, off_the_plateau(seed_of(frame, initial), initial))
  if (is.null(found)) {
    return(decline_start("the score may have several optima, and end in another one"))
  }
  found$in_out <- beside(found$in_out, optimum_shift)
  found
}

# Too late to stop: the model has been set up, and mgcv goes on from its own start.
decline_start <- function(why) {
  signalCondition(structure(
    class = c("warmstart_seed_declined", "condition"),
    list(message = paste0("The stored fit does not start this one: ", why, "."), call = NULL)
  ))
  list()
}

#' The adapter's seed for bam
#'
#' This very fit's alone: from other rows it begins no nearer than from nothing.
#' @noRd
seed_bam <- function(call, env, state, relation) {
  check_seed(state)
  family <- checked_family(call, env, state)
  takes_sp <- "in.out" %in% names(formals(eval(call[[1]], env)))
  if (!takes_sp) check_takes_coef(call, env, family)
  call <- seed_theta(call, family, state)
  if (takes_sp && is.null(call[["in.out"]])) {
    call[["in.out"]] <- later(function() {
      if (length(state$sp) != length(setup_frame(bam_fitters)$G$S)) {
        stop_seed_unfit("its smoothing parameters are not those of this model")
      }
      in_out_list(state)
    })
  }
  if (is.null(call[["coef"]])) {
    call[["coef"]] <- later(function() {
      terms <- setup_frame(bam_fitters)$G$term.names
      if (!same_labels(state$coefficients, terms, length(terms))) {
        stop_seed_unfit("its coefficients are not those of this model")
      }
      unname(state$coefficients)
    })
  }
  call
}

bam_fitters <- c("bam.fit", "bgam.fit", "bgam.fitd", "bam")

# Before mgcv 1.9: least squares have no use for coefficients, and discrete methods do not look at
# them.
check_takes_coef <- function(call, env, family) {
  discrete <- eval(call[["discrete"]], env)
  if (is_least_squares(family) || length(discrete) > 0 && !identical(discrete, FALSE)) {
    stop_seed_unfit("before mgcv 1.9, `bam()` takes nothing from it for such a model")
  }
}

# Least squares by GCV go to magic(), and nothing says where performance iteration starts.
check_takes_start <- function(call, env, family) {
  method <- eval(call[["method"]], env) %||% "GCV.Cp"
  optimizer <- eval(call[["optimizer"]], env)[1]
  by_gcv <- identical(method[1], "GCV.Cp") && is.null(eval(call[["nei"]], env))
  by_magic <- is_least_squares(family) && !identical(optimizer, "efs")
  if (by_gcv && (by_magic || identical(optimizer, "perf"))) {
    stop_seed_unfit("mgcv takes no starting values for such a model")
  }
}

optimizer_of <- function(call, env) eval(call[["optimizer"]], env) %||% c("outer", "newton")

# From the point that efs makes for, which is not REML's optimum, one fit in eight ended some 1e-5
# higher. bfgs often ends where a step fails, some way off the optimum.
check_optimizer_path <- function(optimizer) {
  for (name in intersect(c("efs", "bfgs"), optimizer)) {
    stop_seed_unfit(paste0("where `", name, "` ends depends on where it begins"))
  }
}

# Before the model is set up: setting it up once more takes time.
check_working <- function(call, env, family) {
  optimizer <- optimizer_of(call, env)
  # mgcv takes efs for a family that has no derivatives for another optimiser.
  check_optimizer_path(if (isTRUE(family$available.derivs == 0)) "efs" else optimizer)
  if (!optimizer[2] %in% c(NA, "newton")) {
    stop_seed_unfit("where its optimiser leads to is not known")
  }
  # Seen with ziP(): from a model with a term less, REML ended 1.1e-5 above the cold fit's.
  if (isTRUE(grepl("^zero inflated", family$family[1]))) {
    stop_seed_unfit("a zero inflated model may have several optima, and end in another one")
  }
  # One seed in ten ended in another one, up to 0.7 % above the cold fit's.
  method <- eval(call[["method"]], env)
  if (isTRUE(method[1] %in% c("NCV", "QNCV"))) {
    stop_seed_unfit("cross-validation may have several optima, and end in another one")
  }
}

# A store may hold any plain data. Whether it is that of this model, check_seed_labels() says.
check_seed <- function(state) {
  if (!is.list(state) || !all(names(seed_ranges) %in% names(state))) {
    stop_seed_unfit("it is not the state of an mgcv fit")
  }
  for (part in names(seed_ranges)) {
    value <- state[[part]]
    if (!is.numeric(value) || !is.null(dim(value)) || !all(is.finite(value))) {
      stop_seed_unfit(paste("its", part, "is not all finite numbers"))
    }
    range <- seed_ranges[[part]]
    if (!all(value >= range[1] & value <= range[2])) {
      stop_seed_unfit(paste("its", part, "is not in the range of a fit's"))
    }
  }
  if (length(state$scale) > 1) stop_seed_unfit("it has more than one scale")
}

# Far wider than data can make them: what is beyond only overflows. `theta` is mostly of logarithms.
seed_ranges <- list(
  sp = c(1e-60, 1e60), scale = c(1e-60, 1e60), coefficients = c(-1e60, 1e60), theta = c(-100, 100)
)

# The call's, which has as many parameters as the state.
checked_family <- function(call, env, state) {
  family <- call_family(call, env)
  if (is.null(family) || count_theta(family) != length(state$theta)) {
    stop_seed_unfit("its family has another number of parameters")
  }
  family
}

# Of this very fit alone. Other rows may have led to where the score has no slope in them, as in
# the degrees of freedom of `scat()`, and from where there is no way back: for these the working
# model finds them, from the family's own guess.
seed_theta <- function(call, family, state) {
  if (length(state$theta) > 0) {
    call <- put_family(call, set_family_theta(family, unname(state$theta)))
  }
  call
}

in_out_list <- function(state) {
  scale <- if (length(state$scale) > 0) unname(state$scale) else 1
  list(sp = unname(state$sp), scale = scale)
}

# With all smoothing parameters fixed, newton() has the scale alone to move.
beside <- function(in_out, shift) {
  in_out$sp <- in_out$sp * exp(shift)
  if (length(in_out$sp) == 0) in_out$scale <- in_out$scale * exp(shift)
  in_out
}

# From the very optimum no step lowers the score, which newton() reports as a
# failure, with a warning. From so little beside it in the log smoothing
# parameters, its first step is back to the optimum, and a success.
optimum_shift <- 1e-3

# The extended Fellner-Schall iteration adds this to the log smoothing
# parameters it is given before it begins.
fellner_schall_shift <- 2.5

# Another fit's smoothing parameters, as far as this model has them; mgcv's own initial values for
# the rest.
seed_sp <- function(state, relation, setup, initial) {
  if (relation == "rows") check_seed_labels(state, setup)
  at <- match(names(setup$sp), names(state$sp))
  if (all(is.na(at)) && relation == "related") {
    stop_seed_unfit("it has no term in common with this model")
  }
  sp <- ifelse(is.na(at), initial, state$sp[at])
  known_sp(sp, initial, names(setup$sp), setup)
}

# The penalties of a factor smooth's null space are in an order that other rows may turn round:
# which is which is not known there. mgcv's own initial values for these.
known_sp <- function(sp, initial, labels, setup) {
  for (smooth in setup$smooth) {
    if (is_factor_smooth(smooth)) {
      unknown <- labels %in% paste0(smooth$label, seq_along(smooth$S)[-1])
      sp[unknown] <- initial[unknown]
    }
  }
  sp
}

is_factor_smooth <- function(smooth) inherits(smooth, "fs.interaction")

#' Keep a seed where the score has a slope
#'
#' A term that another data set or model smooths away altogether has a smoothing
#' parameter so large that the score hardly depends on it: an optimiser that
#' starts there stays there, though the term may be needed now. So does one
#' whose smoothing parameter is so small that the penalty has no effect. mgcv's
#' own initial values tell what is large and small. From the plateau's very edge newton()
#' tries many steps in vain; from a little above its own initial values it is
#' back on the plateau, if that is the place, in a few, which the working model
#' spares it where there is one.
#' @noRd
off_the_plateau <- function(sp, initial) {
  off <- log(sp / initial)
  ifelse(abs(off) > plateau, initial * exp(sign(off) * below_plateau), sp)
}

# In the log smoothing parameters. From a plateau of 10 on, fits ended elsewhere
# than cold ones.
plateau <- 7
below_plateau <- 2

#' The frame of mgcv in which the model has just been set up
#' @noRd
setup_frame <- function(functions) {
  at <- find_mgcv_frame(functions)
  if (is.null(at)) {
    stop_seed_unfit("this version of mgcv does not set up a model as expected")
  }
  sys.frame(at$n)
}

check_seed_labels <- function(state, setup) {
  if (!same_labels(state$sp, names(setup$sp), length(setup$sp))) {
    stop_seed_unfit("its smoothing parameters are not those of this model")
  }
  terms <- setup$term.names
  coefficients <- state$coefficients
  # mvn() adds coefficients of its own behind the model's, once that is set up.
  added <- length(coefficients) - length(terms)
  if (added > 0 && added == count_covariances(setup$family)) {
    coefficients <- coefficients[seq_along(terms)]
  }
  if (length(coefficients) > 0 && !same_labels(coefficients, terms, ncol(setup$X))) {
    stop_seed_unfit("its coefficients are not those of this model")
  }
}

is_mvn <- function(family) family$family[1] == "Multivariate normal"

count_covariances <- function(family) if (is_mvn(family)) family$nlp * (family$nlp + 1) / 2 else 0

same_labels <- function(x, labels, n) {
  length(x) == n &&
    (is.null(names(x)) || is.null(labels) || identical(names(x), labels))
}

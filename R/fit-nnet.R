# nnet ends in one of many optima, which one its weights at the start decide: it starts as cold
# always. They are random unless given, so the generator's state counts.
adapter_nnet <- function() {
  warm_adapter(
    "nnet::nnet",
    identify = function(call, env) identify_call(call, env, "nnet::nnet", ignored = "trace"),
    state = function(fit) {
      list(state = list(weights = fit$wts), objective = fit$value, iteration = NA)
    },
    observe = function(call, env, report) {
      # The generic's `x` goes by another name in its methods.
      names(call)[names(call) == "x"] <- ""
      call
    },
    restore = restore_arguments(),
    random = function(call, env) is.null(call$Wts),
    converged = function(fit) isTRUE(fit$convergence == 0)
  )
}

# Of one optimum: it has no hidden units, and starts at 0.
adapter_multinom <- function() {
  warm_adapter(
    "nnet::multinom",
    identify = function(call, env) {
      identify_model(
        call, env, "nnet::multinom", aligned = c("weights", "subset"), ignored = "trace"
      )
    },
    seed = function(call, env, state, relation) {
      check_own_start(call, "Wts", "rows")
      seed_lazily(call, "Wts", eval(call[[1]], env), function(frame) {
        start_multinom(frame, state, relation)
      })
    },
    state = state_multinom,
    restore = restore_arguments("Wts"),
    converged = function(fit) isTRUE(fit$convergence == 0),
    compare = compare_in_errors(state_multinom)
  )
}

# For each class a bias that stays 0, then the coefficients of the model's columns. An offset adds
# weights that are held; there the fitter gives the start itself.
state_multinom <- function(fit) {
  columns <- fit$coefnames
  weights <- if (length(columns) == length(fit$vcoefnames)) {
    stats::setNames(as.vector(fit$wts), weight_names(fit$lab %||% fit$lev[-1], columns))
  }
  list(
    state = list(coefficients = weights, classes = as.character(fit$lab %||% fit$lev)),
    objective = fit$deviance, iteration = NA
  )
}

weight_names <- function(classes, columns) {
  names <- c("bias", columns)
  paste(rep(classes, each = length(names)), rep(names, length(classes)), sep = ":")
}

start_multinom <- function(frame, state, relation) {
  state_numbers(state, "coefficients", named = TRUE)
  classes <- if (is.matrix(frame$Y)) {
    colnames(frame$Y) %||% seq_len(ncol(frame$Y))
  } else {
    frame$lev
  }
  if (!identical(as.character(classes), state$classes)) {
    stop_seed_unfit("it has other classes")
  }
  if (length(frame$offset) > 1) {
    stop_seed_unfit("the model has an offset")
  }
  columns <- colnames(frame$X)
  terms <- weight_names(if (is.matrix(frame$Y)) classes else classes[-1], columns)
  found <- state$coefficients[terms]
  shared <- !is.na(found)
  if (relation == "exact" && (!all(shared) || length(terms) != length(state$coefficients))) {
    stop_seed_unfit("its coefficients are not those of this model")
  }
  if (!any(shared & !grepl(":(bias|\\(Intercept\\))$", terms))) {
    stop_seed_unfit("it has no term in common with this model")
  }
  unname(ifelse(shared, found, 0))
}

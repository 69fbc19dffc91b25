# One model, fitted cold and from every start that there is, each through warm() and a
# store of its own.
#
#   own end    its finished fit, refitted
#   third      its own fit, interrupted after a third of the outer iterations
#   two thirds
#   fold       the same model, fitted to nine rows of ten
#   less       the model with a term less
#   more       the model with a term more

library(mgcv)
options(warmstart.near_from = 0) # what takes a moment starts others, too
source(if (file.exists("models.R")) "models.R" else "tests/gate/models.R")

# For times that compare, cold and warm fits are made `repeats` times in turn.
gate_case <- function(name, n = 300, repeats = 1) {
  model <- known_gate_models()[[name]]
  call <- gate_call(model)
  rows <- gate_data(n)
  env <- gate_env(rows)
  adapter <- warmstart:::find_adapter(eval(call[[1]]))
  cold <- timed(eval(call, env))
  iterations <- adapter$state(cold$value)$iteration
  fit_from <- function(start, store) {
    if (is.null(store)) {
      return(NULL)
    }
    copies <- lapply(seq_len(repeats - 1), function(i) copy_store(store))
    fit <- tryCatch(timed(warm_in(call, store, env)), error = identity)
    if (inherits(fit, "error")) {
      return(gate_error(name, start, fit))
    }
    row <- gate_row(name, start, fit, cold, adapter)
    if (repeats > 1) {
      seconds <- vapply(copies, function(copy) {
        c(timed(eval(call, env))$seconds, timed(warm_in(call, copy, env))$seconds)
      }, numeric(2))
      row$seconds_cold <- stats::median(c(cold$seconds, seconds[1, ]))
      row$time <- stats::median(c(fit$seconds, seconds[2, ])) / row$seconds_cold
    }
    row
  }
  rbind(
    fit_from("cold", new_gate_store()),
    fit_from("own end", store_after(call, env)),
    fit_from("third", store_interrupted(call, env, iterations, 1 / 3)),
    fit_from("two thirds", store_interrupted(call, env, iterations, 2 / 3)),
    fit_from("fold", store_after(call, gate_env(a_fold(rows)))),
    fit_from("less", store_after(one_term_less(model), env)),
    fit_from("more", store_after(one_term_more(model), env))
  )
}

gate_env <- function(rows) list2env(list(d = rows), parent = globalenv())

new_gate_store <- function() warmstart::warm_store(tempfile("store"))

a_fold <- function(rows) rows[seq_len(nrow(rows)) %% 10 != 3, ]

copy_store <- function(store) {
  to <- tempfile("store")
  dir.create(to)
  from <- warmstart:::store_config(store)$path
  file.copy(list.files(from, full.names = TRUE), to, recursive = TRUE)
  warmstart::warm_store(to)
}

warm_in <- function(call, store, env, reuse = FALSE) {
  eval(bquote(warmstart::warm(.(call), .(store), reuse = .(reuse))), env)
}

store_after <- function(call, env) {
  if (!is.null(call)) {
    store <- new_gate_store()
    quietly(warm_in(call, store, env))
    store
  }
}

# The fit is left by a condition raised where its checkpoint has just been written. What a
# process leaves behind that is killed there is the subject of tests/crash.
store_interrupted <- function(call, env, iterations, part) {
  if (is.na(iterations) || iterations < 2) {
    return(NULL)
  }
  last <- max(round(iterations * part), 1)
  store <- new_gate_store()
  waits <- asNamespace("warmstart")$waits
  first <- waits$first_checkpoint
  waits$first_checkpoint <- 0
  write <- asNamespace("warmstart")$offer_iterate
  write_and_leave <- function(session, payload, objective, iteration, early) {
    written <- write(session, payload, objective, iteration, early)
    if (iteration >= last) {
      interrupt <- list(message = "interrupted", call = NULL)
      signalCondition(structure(interrupt, class = c("gate_interrupt", "condition")))
    }
    written
  }
  utils::assignInNamespace("offer_iterate", write_and_leave, "warmstart")
  on.exit({
    utils::assignInNamespace("offer_iterate", write, "warmstart")
    waits$first_checkpoint <- first
  })
  ended <- tryCatch(quietly(warm_in(call, store, env)), gate_interrupt = function(c) NULL)
  if (is.null(ended)) store
}

quietly <- function(expr) {
  withCallingHandlers(
    expr,
    warning = function(w) invokeRestart("muffleWarning"),
    message = function(m) invokeRestart("muffleMessage")
  )
}

# CPU time, since other processes are about.
timed <- function(expr) {
  began <- proc.time()
  value <- quietly(expr)
  taken <- proc.time() - began
  list(value = value, seconds = sum(taken[c("user.self", "sys.self")]))
}

# Equal: the objective is that of the cold fit, within 1e-6 of it, and so are the fitted
# values, within 0.01 standard errors. Better: the objective is lower than the cold
# fit's, which then stopped before its optimum, and it is not for the warm fit to repeat
# that; how far the fitted values moved is shown and not judged.
gate_row <- function(name, start, fit, cold, adapter) {
  info <- warmstart::warm_info(fit$value)
  differences <- adapter$compare(fit$value, cold$value)
  objective <- adapter$state(fit$value)$objective
  objective_cold <- adapter$state(cold$value)$objective
  excess <- (objective - objective_cold) / max(abs(objective_cold), .Machine$double.eps)
  moved <- if (is.na(differences$fitted_se)) differences$fitted else differences$fitted_se
  verdict <- if (abs(excess) <= 1e-6 && moved <= 0.01) {
    "equal"
  } else if (excess < 0) {
    "better"
  } else {
    "WORSE"
  }
  data.frame(
    model = name, start = start, source = info$source, iterations = info$iterations,
    before = info$iterations_before, cold = adapter$state(cold$value)$iteration,
    time = fit$seconds / cold$seconds, seconds_cold = cold$seconds,
    objective = excess, fitted_se = moved, verdict = verdict,
    reason = paste(info$reason, collapse = " ")
  )
}

gate_error <- function(name, start, error) {
  data.frame(
    model = name, start = start, source = "error", iterations = NA, before = NA,
    cold = NA, time = NA, seconds_cold = NA, objective = NA, fitted_se = NA,
    verdict = "ERROR",
    reason = conditionMessage(error)
  )
}

gate_line <- function(row) {
  sprintf(
    "| %-26s | %-10s | %-8s | %2s + %2s | %3s | %9s | %8s | %-6s | %s",
    row$model, row$start, row$source, row$before, row$iterations, row$cold,
    format_each(row$objective), format_each(row$fitted_se), row$verdict, row$reason
  )
}

format_each <- function(x) vapply(x, format, "", digits = 2)

gate_head <- paste0(
  "| model | start | source | iterations, before + now | cold | ",
  "objective, relative to cold | fitted values, standard errors | verdict |\n",
  "| --- | --- | --- | --- | --- | --- | --- | --- |"
)

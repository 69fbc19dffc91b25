# A state's parts, each as somebody may have written it into a shared store.
mutated_states <- function(state) {
  changes <- list(
    missing = NULL, null = list(NULL), character = "one", list = list(1, 2), factor = factor(1:3),
    matrix = matrix(1, 2, 2), none = numeric(), one = 1, na = function(x) replace(x, 1, NA),
    infinite = function(x) replace(x, length(x), Inf), huge = function(x) x * 0 + 1e300,
    fewer = function(x) x[-1], more = function(x) c(x, 1), twice = function(x) c(x, x),
    negative = function(x) -abs(x) - 10, nameless = unname,
    renamed = function(x) stats::setNames(x, rep("a", length(x)))
  )
  states <- list()
  for (part in names(state)) {
    for (how in names(changes)) {
      change <- changes[[how]]
      changed <- state
      value <- if (is.function(change)) try(change(state[[part]]), silent = TRUE) else change
      if (inherits(value, "try-error")) next
      changed[part] <- if (how == "null") value else if (is.null(value)) NULL else list(value)
      states[[paste(part, how)]] <- changed
    }
  }
  states
}

# With each of them in the store, the fit is the cold one; the state's own run did not end.
expect_cold_from_mutated <- function(call, adapter, state, objective, env = parent.frame()) {
  cold <- suppressWarnings(eval(call, env))
  key <- key_of(call, adapter, env)$exact
  ends <- vapply(mutated_states(state), function(changed) {
    store <- open_to_all(new_store())
    store_save(store, key, list(state = changed, iterations = 1, seconds = 1), objective = NA)
    objective(suppressMessages(suppressWarnings(warm_call(call, store, env = env))))
  }, 1)
  excess <- ends - objective(cold)
  expect_length(which(!(abs(excess) <= 1e-6 * max(1, abs(objective(cold))))), 0)
}

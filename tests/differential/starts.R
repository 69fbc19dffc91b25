# What the store holds when the fit is asked for: each a list of steps, as code. In them `d` are the
# rows of the fit, `before` those it differs from, and `mine` are
# those of `d` under another name and, where a formula says which count, with a column more.

#' @param call,related The call that is asked for, and another; NULL where there is none.
#' @param share Where an interrupted fit was left, of all its iterates.
#' @return A list of `steps`, expressions, and `ask`, the last of them.
#' @noRd
start_steps <- function(start, call, related, share) {
  on <- function(rows, call) {
    bquote(outcome_of(warm(.(do.call(substitute, list(call, list(d = as.name(rows))))), store)))
  }
  leave <- bquote(leave_at(.(share), warm(.(call), store)))
  steps <- switch(start,
    none = , quick = list(),
    rows = list(on("before", call)),
    finished = , exact = list(on("mine", call)),
    related = list(on("d", related %||% call)),
    "related, other rows" = list(on("before", related %||% call)),
    interrupted = list(leave),
    "interrupted after a seed" = list(on("before", call), leave),
    several = list(on("before", related %||% call), on("before", call), on("half", call))
  )
  ask <- switch(start,
    exact = bquote(warm(.(call), store, reuse = FALSE)),
    quick = bquote(warm(.(call), store, quickstart = TRUE)),
    bquote(warm(.(call), store))
  )
  list(steps = steps, ask = ask)
}

starts <- c(
  none = 1, quick = 1, rows = 10, finished = 2, exact = 3, related = 3, "related, other rows" = 2,
  interrupted = 5, "interrupted after a seed" = 2, several = 2
)

`%||%` <- function(x, y) if (is.null(x)) y else x

#' Leaves a fit in warm() where it has reported that share of its iterates
#'
#' As by a kill, but for the process: its checkpoint has just been written.
#' @noRd
leave_at <- function(share, expr) {
  call <- substitute(expr)
  env <- parent.frame()
  adapter <- warmstart:::find_adapter(eval(call[[2]][[1]], env))
  in_all <- 0
  aside <- list2env(list(store = copy_store(env$store)), parent = env)
  with_reports(adapter, function(n) in_all <<- n, outcome_of(eval(call, aside)))
  last <- max(1, ceiling(share * in_all))
  leave <- function(n) {
    if (n == last) {
      signalCondition(structure(class = c("left", "condition"), list(message = "", call = NULL)))
    }
  }
  if (in_all > 0) {
    with_reports(adapter, leave, tryCatch(outcome_of(eval(call, env)), left = function(c) NULL))
  }
  invisible()
}

# Each iterate is reported, however soon after the last, and then `seen` is told how many there are.
with_reports <- function(adapter, seen, expr) {
  waits <- asNamespace("warmstart")$waits
  before <- mget(c("first_checkpoint", "report_interval"), waits)
  watched <- adapter
  watched$observe <- function(call, env, report) {
    n <- 0
    adapter$observe(call, env, function(state, objective, iteration) {
      report(state, objective, iteration)
      n <<- n + 1
      seen(n)
    })
  }
  on.exit({
    list2env(before, waits)
    warmstart::register_warm_adapter(adapter)
  })
  list2env(list(first_checkpoint = 0, report_interval = 0), waits)
  warmstart::register_warm_adapter(watched)
  expr
}

copy_store <- function(store) {
  to <- tempfile("store")
  dir.create(to)
  from <- warmstart:::store_config(store)$path
  files <- list.files(from, full.names = TRUE, all.files = TRUE, no.. = TRUE)
  file.copy(files, to, recursive = TRUE)
  warmstart::warm_store(to)
}

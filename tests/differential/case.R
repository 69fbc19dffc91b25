# One case: a fit that is asked for in warm() with something in its store, and the same call by
# itself. It is made of its number and a seed, and is a script that can be run by itself.

new_case <- function(number, seed, fitters = all_fitters()) {
  name <- fitter_at(number, seed, fitters)
  one <- fitters[[name]]
  begin_numbers(number, seed)
  pick <- function(from, weights = rep(1, length(from))) sample(from, 1, prob = weights)
  n <- round(switch(pick(c("small", "some", "many"), c(14, 5, 1)),
    small = stats::runif(1, 20, 60),
    some = stats::runif(1, 60, min(one$most, 300)),
    many = one$most
  ))
  case <- list(
    number = number, seed = seed, fitter = name, rows = sample.int(1e6, 1), n = n,
    strength = pick(c(0, 0.3, 1, 2, 4)), variation = pick(names(variations)),
    start = pick(names(starts), starts), reversed = stats::runif(1) < 0.3,
    share = round(stats::runif(1), 2), whole = stats::runif(1) < 0.25, one = one
  )
  if (number %% 100 == 50) case$start <- "chain"
  case$script <- if (case$start == "chain") chain_script(case) else case_script(case)
  case
}

begin_numbers <- function(number, seed) set.seed((seed %% 20000) * 100003 + number)

# Each fitter has its turns, in an order that the seed decides.
fitter_at <- function(number, seed, fitters) {
  turns <- rep(names(fitters), vapply(fitters, `[[`, 1, "weight"))
  set.seed(seed)
  sample(turns)[[(number - 1) %% length(turns) + 1]]
}

case_script <- function(case) {
  one <- case$one
  change <- bquote(variations[[.(case$variation)]])
  call <- variations[[case$variation]]$call(one$call)
  steps <- start_steps(
    case$start, call, one$related %&&% variations[[case$variation]]$call(one$related), case$share
  )
  again <- if (one$cold_runs > 1) bquote(cold_again(.(call), .(one$cold_runs)))
  as.expression(c(
    bquote(before <- .(change)$both(draw_rows(.(case$rows), .(case$n), .(case$strength)))),
    bquote(d <- .(change)$change(before)),
    quote(half <- before[seq_len(nrow(before) %/% 2), ]),
    if (case$reversed) quote({
      changed <- d
      d <- before
      before <- changed
    }),
    if (has_formula(call)) quote(mine <- cbind(d, spare = 0)) else quote(mine <- d),
    quote(store <- warm_store(tempfile("store"))),
    steps$steps,
    quote(rm(before, half, mine)), # what comes back is nothing of theirs
    bquote(asked <- outcome_of(.(steps$ask))),
    bquote(cold <- outcome_of(.(call))),
    if (!is.null(again)) bquote(again <- .(again)),
    bquote(judge(
      asked, cold, all_fitters()[[.(case$fitter)]],
      again = .(if (is.null(again)) quote(list()) else quote(again)),
      env = .(if (case$whole) quote(environment())),
      exactly = .(if (case$start %in% c("none", "finished")) c("cold", "finished") else "cold"),
      closer = .(if (!is.null(one$closer)) bquote(suppressWarnings(.(one$closer(call)))))
    ))
  ))
}

`%&&%` <- function(x, y) if (is.null(x)) NULL else y

# Further cold fits, with other random numbers.
cold_again <- function(call, times) {
  call <- substitute(call)
  env <- parent.frame()
  lapply(seq_len(times), function(i) {
    set.seed(1 + i)
    list(fit = eval(call, env))
  })
}

chain_script <- function(case) {
  as.expression(list(
    bquote(d <- draw_rows(.(case$rows), .(case$n), .(case$strength))),
    bquote(run_chain(.(case$fitter), d, links = 100))
  ))
}

# Each link starts from the one before, whatever that was, and is compared with a cold fit.
run_chain <- function(name, d, links) {
  one <- all_fitters()[[name]]
  store <- warmstart::warm_store(tempfile("store"))
  judged <- lapply(seq_len(links), function(link) {
    set.seed(link)
    variation <- if (stats::runif(1) < 0.6) "bootstrap" else sample(names(variations), 1)
    env <- list2env(list(
      d = variations[[variation]]$change(d), store = store
    ), parent = globalenv())
    asked <- outcome_of(eval(bquote(warm(.(one$call), store)), env))
    cold <- outcome_of(eval(one$call, env))
    again <- if (one$cold_runs > 1) eval(bquote(cold_again(.(one$call), .(one$cold_runs))), env)
    found <- judge(
      asked, cold, one,
      again = c(list(), again),
      closer = if (!is.null(one$closer)) suppressWarnings(eval(one$closer(one$call), env))
    )
    of_link <- function(words) {
      if (length(words) > 0) paste0("link ", link, ", ", variation, ": ", words)
    }
    list(faults = of_link(found$faults), notes = of_link(found$notes))
  })
  list(
    faults = unlist(lapply(judged, `[[`, "faults")), notes = unlist(lapply(judged, `[[`, "notes"))
  )
}

#' @return A list of `faults`, `notes`, `source` (what warm() did, as it says; "error" where the
#'   plain call fails) and `seconds`.
#' @noRd
run_case <- function(case) {
  began <- proc.time()
  env <- new.env(parent = globalenv())
  judged <- tryCatch(
    {
      for (step in case$script) value <- eval(step, env)
      value
    },
    error = function(e) list(faults = paste("the case failed:", conditionMessage(e)))
  )
  source <- tryCatch(warmstart::warm_info()$source, error = function(e) "none")
  unlink(list.files(tempdir(), "^store", full.names = TRUE), recursive = TRUE)
  list(
    faults = judged$faults, notes = judged$notes,
    source = if (is.null(judged$error)) source else "error",
    seconds = sum((proc.time() - began)[1:2])
  )
}

# As one would type it, in the directory of the project.
code_of <- function(case) {
  c(
    sprintf("# Case %d of seed %d: %s", case$number, case$seed, case$fitter),
    sprintf("# n = %d, %s, start: %s", case$n, case$variation, case$start),
    'source("tests/differential/load.R")',
    unlist(lapply(case$script, deparse, width.cutoff = 90))
  )
}

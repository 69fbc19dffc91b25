# Tests: test-opt-stats.R.
#
# Going on with an optimiser that was interrupted.
#
# What an optimiser does next depends on nothing but what its functions have returned so far. So
# that is its state. Given again, call by call, it leads the optimiser to where it was, with its
# simplex or approximate Hessian, its counts and limits, to the last bit; from there it goes on.

#' Watch an optimiser
#'
#' Its objective, gradient and Hessian are recorded. Reported is the state of all calls so far, with
#' the lowest value of the objective among them, and the number of its evaluations.
#' @noRd
observe_calls <- function(optimiser, call, env, report) {
  begun <- attr(call, "begun")
  attr(call, "begun") <- NULL
  names <- c(optimiser$objective, optimiser$recorded(call, env))
  functions <- Filter(is.function, sapply(names, optional, call, env, simplify = FALSE))
  if (!optimiser$objective %in% names(functions)) {
    return(call)
  }
  tapes <- lapply(functions, function(fn) new_tape())
  tick <- tick_of(report)
  in_time <- new_pace(50) # 2 % of the time
  best <- Inf
  count <- 0
  due <- wait <- 1
  tell <- function() {
    is_random <- any(vapply(tapes, function(tape) tape$is_random(), NA))
    if (!is_random) report(state_of(tapes, begun["from"]), best, count - count_of(begun$replayed))
  }
  judge <- function(value, par, ...) {
    count <<- count + 1
    value <- finite_value(optimiser, value)
    better <- optimiser$sign * value < best
    if (isTRUE(better) && optimiser$admit(par, ...)) best <<- optimiser$sign * value
    if (count >= due) {
      wait <<- if (best < Inf && in_time(tell())) 1 else min(2 * wait, longest_wait)
      due <<- count + wait
    }
    tick()
  }
  optimiser$sign <- optimiser$sign(call, env)
  optimiser$admit <- optimiser$admit(call, env)
  call <- put_tapes(call, optimiser, functions, tapes, judge)
  call_within(call, function(inner, env) {
    noted <- function(condition) for (tape in tapes) tape$skip()
    fit <- withCallingHandlers(eval(inner, env), warning = noted, message = noted)
    if (best < Inf) tell()
    fit
  })
}

# `judge` gets each value of the objective.
put_tapes <- function(call, optimiser, functions, tapes, judge) {
  for (name in names(functions)) {
    after <- if (name == optimiser$objective) judge else function(value, ...) NULL
    call[[name]] <- in_their_name(
      optimiser, name, functions[[name]], taped(functions[[name]], tapes[[name]], after)
    )
  }
  call
}

state_of <- function(tapes, from) {
  calls <- lapply(tapes, function(tape) tape$all())
  c(list(calls = Filter(function(calls) calls$n > 0, calls)), from)
}

taped <- function(fn, tape, after) {
  force(fn)
  force(tape)
  force(after)
  function(par, ...) {
    tape$begin(par)
    random <- save_random_state()
    value <- fn(par, ...)
    tape$end(value, has_drawn = !identical(save_random_state(), random))
    after(value, par, ...)
    value
  }
}

#' The calls of one function
#'
#' A call that says something, in a warning or a message, is to be made again, and so is one that
#' returns neither numbers nor a list. One that draws random numbers cannot be told from its result:
#' from then on nothing is kept.
#' @noRd
new_tape <- function() {
  at <- values <- list()
  n <- 0
  room <- tape_room
  is_open <- FALSE
  is_random <- FALSE
  list(
    begin = function(par) {
      room <<- room - length(par) - 1
      is_open <<- room > 0
      if (is_open) {
        n <<- n + 1
        if (n > length(at)) length(at) <<- length(values) <<- 2 * n
        at[[n]] <<- par + 0 # a copy: optimisers may change their vector in place
      }
    },
    skip = function() is_open <<- FALSE,
    is_random = function() is_random,
    end = function(value, has_drawn = FALSE) {
      is_random <<- is_random || has_drawn
      if (is_open && (is.numeric(value) || is.list(value))) values[[n]] <<- value
    },
    all = function() {
      made <- seq_len(n)
      list(n = n, at = as.double(unlist(at[made])), values = pack_values(values[made]))
    }
  )
}

tape_room <- 1e6 # numbers; of calls so quick that there are more, the first ones are kept

# Numbers in one vector where there is nothing else, which takes less room than a list.
pack_values <- function(values) {
  is_bare <- function(value) is.double(value) && is.null(attributes(value))
  if (all(vapply(values, is_bare, NA)) && length(unique(lengths(values))) == 1) {
    unlist(values)
  } else {
    lapply(values, function(value) {
      list(value = `attributes<-`(value, NULL), attributes = attributes(value))
    })
  }
}

unpack_value <- function(calls, i) {
  if (is.list(calls$values)) {
    packed <- calls$values[[i]]
    `attributes<-`(packed$value, packed$attributes)
  } else {
    part_of(calls$values, calls$n, i)
  }
}

# The i-th of n parts of a vector.
part_of <- function(x, n, i) {
  size <- length(x) / n
  x[(i - 1) * size + seq_len(size)]
}

# Gives the recorded results again for as long as the calls of all functions are the same.
replay_calls <- function(optimiser, call, env, state) {
  calls <- check_calls(state$calls, c(optimiser$objective, optimiser$recorded(call, env)))
  is_same <- new_agreement()
  for (name in names(calls)) {
    fn <- optional(name, call, env)
    if (!is.function(fn)) stop_seed_unfit(paste0("it has calls of `", name, "`"))
    call[[name]] <- in_their_name(optimiser, name, fn, played(fn, calls[[name]], is_same))
  }
  attr(call, "begun")$replayed <- calls[[optimiser$objective]]$n
  call
}

# An adapter whose fits run again from their beginning after an interruption, and so say again what
# they have said.
replaying <- function(adapter) {
  adapter$replays <- TRUE
  adapter
}

new_agreement <- function() {
  holds <- TRUE
  function(now) holds <<- holds && now
}

played <- function(fn, calls, is_same) {
  force(fn)
  force(calls)
  force(is_same)
  i <- 0
  function(par, ...) {
    i <<- i + 1
    value <- if (i <= calls$n &&
      is_same(identical(as.double(par), part_of(calls$at, calls$n, i)))) {
      unpack_value(calls, i)
    }
    if (is.null(value)) fn(par, ...) else value
  }
}

check_calls <- function(calls, names) {
  is_known <- is.list(calls) && names[[1]] %in% names(calls) && all(names(calls) %in% names)
  if (!is_known || anyDuplicated(names(calls)) || !all(vapply(calls, are_calls, NA))) {
    stop_seed_unfit("it has no calls that can be given again")
  }
  calls
}

are_calls <- function(x) {
  n <- if (is.list(x)) x$n
  is_count(n) && n > 0 && is.double(x$at) && is_share(x$at, n) && are_values(x$values, n)
}

are_values <- function(x, n) {
  if (is.list(x)) {
    length(x) == n && all(vapply(x, is.list, NA))
  } else {
    is.double(x) && is_share(x, n)
  }
}

is_count <- function(n) is_number(n) && n == round(n)

is_share <- function(x, n) length(x) > 0 && length(x) %% n == 0

# A function in the place of the one called `name`: a condition in it names the call that the
# optimiser makes.
in_their_name <- function(optimiser, name, given, fn) {
  called <- optimiser$called
  if (name != optimiser$objective) called[[1]] <- as.name(name)
  optimiser$wrap(given, call_as(fn, called))
}

# Renames a function's `fn` and `par`, as they are in `called`.
call_as <- function(watched, called) {
  if (!identical(called, quote(fn(par, ...)))) {
    assign(as.character(called[[1]]), environment(watched)$fn, environment(watched))
    body <- do.call(substitute, list(body(watched), list(fn = called[[1]], par = called[[2]])))
    names(formals(watched))[[1]] <- as.character(called[[2]])
    body(watched) <- body
  }
  watched
}

# The call, made by `run(call, env)`. Conditions name it as it is.
call_within <- function(call, run) {
  fitter <- call[[1]]
  call[[1]] <- function(...) {
    outer <- inner <- sys.call()
    env <- parent.frame()
    inner[[1]] <- fitter
    as_if_called(list(expr = outer, call = outer), inner, run(inner, env))
  }
  call
}

# Tests: test-fit-mgcv.R.
#
# mgcv has no callback, but it calls its family's functions in every inner
# iteration. The probe rides on one of them: it reads, and never writes, the
# variables of mgcv's outer optimiser, which is a few frames up the stack.
# The order of things: clone_family(), then probe_family() before the fit,
# unwrap_family() after it.

#' The family a call will fit
#'
#' Evaluates the `family` argument of a standardised call the way the fitter
#' does (a name, a function or an object; gaussian by default). `NULL` where this
#' makes no family: the fitter's own error is the one to show.
#' @noRd
call_family <- function(call, env) {
  family <- if (is.null(call[["family"]])) stats::gaussian() else eval(call[["family"]], env)
  if (is.character(family)) {
    home <- topenv(environment(eval(call[[1]], env)))
    family <- named_family(family, paste0(getNamespaceName(home), "::"), env)
  }
  if (is.function(family)) {
    family <- family()
  }
  if (is.list(family) && is.character(family$family)) family
}

put_family <- function(call, family) {
  call[["family"]] <- inline(family)
  call
}

# As a value, a family fills the screen wherever an error shows its call.
inline <- function(value) {
  force(value)
  as.call(list(function() value))
}

is_extended <- function(family) inherits(family, "extended.family")

is_general <- function(family) inherits(family, "general.family")

#' How many parameters of its own a family estimates with the smoothing
#' parameters
#' @noRd
count_theta <- function(family) {
  if (!is_extended(family) || is_general(family)) {
    return(0L)
  }
  max(as.integer(family$n.theta), 0L)
}

#' Copy a family so that fitting leaves the original alone
#'
#' Fitting changes an extended family in place: putTheta(), and a few others,
#' assign into the environment of their own. The copy has copies of these
#' environments, and the functions that lived there move over. The others stay
#' as they are: moving a function drops its byte code.
#' @noRd
clone_family <- function(family) {
  if (!is_extended(family)) {
    return(family)
  }
  from <- state_environments(family)
  to <- copy_environments(from, clone_content)
  family[] <- lapply(family, move_function, from, to)
  family
}

# A function found under its own name in its environment was left in the frame
# of the family's constructor; the others were moved to one that keeps state.
state_environments <- function(family) {
  functions <- Filter(is.function, family)
  homes <- lapply(functions, environment)
  keeps_state <- mapply(function(home, name) {
    is_anonymous(home) &&
      (name == "putTheta" || !exists(name, envir = home, inherits = FALSE))
  }, homes, names(functions))
  unique(unname(homes[as.logical(keeps_state)]))
}

# Families of several responses (gfam) hold families.
clone_content <- function(x, from, to) {
  if (inherits(x, "family")) {
    clone_family(x)
  } else if (is.list(x) && all(vapply(x, inherits, NA, "family"))) {
    x[] <- lapply(x, clone_family)
    x
  } else {
    move_function(x, from, to)
  }
}

move_function <- function(x, from, to) {
  if (is.function(x)) {
    home <- copy_of_environment(environment(x), from, to)
    if (!identical(home, environment(x))) environment(x) <- home
  }
  x
}

#' Give a family other values of its own parameters
#'
#' Some families (ocat, scat) guess their parameters from the response just
#' before the fit, which would undo this; their guess is dropped.
#' @noRd
set_family_theta <- function(family, theta) {
  family <- clone_family(family)
  family$putTheta(theta)
  if (!is.null(family$preinitialize)) {
    family$preinitialize <- wrap_preinitialize(family$preinitialize)
  }
  family
}

# A wrapper is known by its class, and has what it wraps in its environment. It passes `...` on, so
# lazy and missing arguments stay what they were, and it keeps the attributes, some of which mgcv
# reads ("needG").
wrap_preinitialize <- function(original) {
  force(original)
  new_wrapper(original, function(...) {
    first <- original(...)
    first$Theta <- NULL
    first
  })
}

wrap_probed <- function(original, look) {
  force(original)
  force(look)
  new_wrapper(original, function(...) {
    look()
    original(...)
  })
}

new_wrapper <- function(original, wrapper) {
  attributes(wrapper) <- attributes(original)
  structure(wrapper, class = "warm_wrapper")
}

#' Take every wrapper out of a family again
#' @noRd
unwrap_family <- function(family) {
  if (is.list(family)) {
    wrapped <- vapply(family, inherits, NA, "warm_wrapper")
    if (any(wrapped)) family[wrapped] <- lapply(family[wrapped], unwrap_function)
  }
  family
}

unwrap_function <- function(x) {
  while (inherits(x, "warm_wrapper")) {
    x <- environment(x)$original
  }
  x
}

#' A copy of a family that reports each new outer iterate
#'
#' The probed function is the one that every inner iteration calls: it depends
#' on which of mgcv's inner fits (gam.fit3, gam.fit4, gam.fit5) the family gets.
#' @noRd
probe_family <- function(family, report) {
  slot <- if (is_general(family)) {
    "ll"
  } else if (is_extended(family)) {
    "Dd"
  } else {
    "dev.resids"
  }
  if (!is.function(family[[slot]])) {
    return(family)
  }
  family <- clone_family(family)
  family[[slot]] <- wrap_probed(family[[slot]], new_probe(slot, report))
  family
}

# Fits that mgcv makes without an optimiser we know call the family too: after
# so many calls without having met one the probe stops looking for it.
probe_patience <- 50L

#' The function that looks at the outer optimiser
#'
#' Called in every inner iteration, so the usual case (the iterate is still the
#' one last reported) costs one variable look-up and one comparison, and has
#' nothing in it that can fail. Nor can report(), which evaluates what it is
#' given.
#' @noRd
new_probe <- function(slot, report) {
  patience <- probe_patience
  tick <- tick_of(report)
  outer <- NULL
  score_last <- NULL

  find <- function() {
    patience <<- patience - 1L
    outer <<- tryCatch(find_outer(slot, look), error = function(e) {
      patience <<- 0L
      NULL
    })
  }
  look <- function() {
    tick()
    if (is.null(outer)) {
      if (patience > 0L) find()
      if (is.null(outer)) {
        return(NULL)
      }
    }
    score <- outer$score(outer$frame)
    if (!is.null(score) && !identical(score, score_last)) {
      score_last <<- score
      report(
        iterate_state(outer$read(outer$frame), outer$layout), as.vector(score),
        outer$iteration(outer$frame)
      )
    }
    NULL
  }
  look
}

#' The frame of the optimiser that is running this probe's fit
#'
#' `NULL` where there is none that we know, or where it belongs to another fit
#' further down the stack.
#' @noRd
find_outer <- function(slot, look) {
  at <- find_mgcv_frame(names(outer_optimisers))
  if (is.null(at)) {
    return(NULL)
  }
  frame <- sys.frame(at$n)
  setup <- sys.frame(sys.parents()[at$n])$G
  probed <- environment(frame$family[[slot]])
  if (!identical(probed$look, look) || is.null(setup)) {
    return(NULL)
  }
  layout <- iterate_layout(frame, setup)
  c(outer_optimisers[[at$name]], list(frame = frame, layout = layout))
}

#' The innermost call under way to one of mgcv's functions, by its frame number
#'
#' It is but a few frames from the family's function that mgcv calls to ours; a
#' fit without one would pay for all of the user's.
#' @noRd
find_mgcv_frame <- function(functions) {
  here <- sys.nframe()
  for (up in seq_len(min(frames_searched, here - 1))) {
    called <- sys.call(-up)[[1]]
    if (is.symbol(called) && any(functions == as.character(called)) &&
      identical(environmentName(environment(sys.function(-up))), "mgcv")) {
      return(list(n = here - up, name = as.character(called)))
    }
  }
  NULL
}

frames_searched <- 20

# Where each optimiser keeps the iterate it accepted last: its score, how many there have been, and
# what it is. newton() replaces `lsp`, `start` and `score` together, and only once a step is
# accepted. bfgs() moves `ilsp` on before it moves `initial` on, so `initial` decides; until it has
# a history it uses `ilsp` for finite differences around `lsp`. efsudr() and efsud() (extended
# Fellner-Schall) save the accepted score as `old.reml` before they try the next step, and move
# `lsp` only after it.
outer_optimisers <- list(
  newton = list(
    score = function(frame) frame$score,
    iteration = function(frame) count_scores(frame),
    read = function(frame) list(lsp = frame$lsp, coefficients = frame$start)
  ),
  bfgs = list(
    score = function(frame) frame$initial$score,
    iteration = function(frame) max(count_scores(frame) - 1L, 0L),
    read = function(frame) {
      list(
        lsp = if (count_scores(frame) > 0L) frame$ilsp else frame$lsp,
        coefficients = frame$initial$start
      )
    }
  )
)

fellner_schall <- list(
  score = function(frame) frame$old.reml,
  iteration = function(frame) frame$iter - 1L,
  read = function(frame) list(lsp = frame$lsp, coefficients = frame$start)
)
outer_optimisers$efsudr <- fellner_schall
outer_optimisers$efsud <- fellner_schall

count_scores <- function(frame) sum(!is.na(frame$score.hist))

#' What the optimiser's parameter vector is made of
#'
#' The family's own parameters come first, then the log smoothing parameters,
#' then the log scale where it is estimated with them.
#' @noRd
iterate_layout <- function(frame, setup) {
  parts <- c(count_theta(frame$family), length(setup$sp))
  scale <- length(frame$lsp) - sum(parts)
  stopifnot(scale %in% 0:1)
  ends <- cumsum(c(parts, scale))
  list(
    theta = seq_len(ends[1]),
    sp = seq_len(parts[2]) + ends[1],
    scale = seq_len(scale) + ends[2],
    sp_names = names(setup$sp),
    term_names = setup$term.names,
    # General families are fitted in coordinates of mgcv's own choice.
    Sl = if (is_general(frame$family)) frame$Sl
  )
}

iterate_state <- function(iterate, layout) {
  lsp <- as.vector(iterate$lsp)
  sp <- exp(lsp[layout$sp])
  names(sp) <- layout$sp_names
  coefficients <- as.vector(iterate$coefficients)
  if (!is.null(layout$Sl)) {
    back <- getExportedValue("mgcv", "Sl.initial.repara")
    coefficients <- back(layout$Sl, coefficients, inverse = TRUE)
  }
  names(coefficients) <- layout$term_names
  mgcv_state(
    sp = sp, scale = exp(lsp[layout$scale]), coefficients = coefficients,
    theta = lsp[layout$theta], finished = FALSE
  )
}

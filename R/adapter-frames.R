# Tests: test-fit-survival.R.
#
# Walking up to a fitter's frame. Which coefficients a model has is known once the fitter has set it
# up; so what is put into the call is itself a call, which works the start out in the fitter's frame
# when its value is asked for. There, too, a state that does not fit signals `warmstart_seed_unfit`.
# The frame stays in that call, and with it in the fit as the fitter leaves it: a certificate finds
# the model there as it was set up, and need not set it up once more.

# `start_in(frame)` gives the argument's value, in the frame of the fitter.
seed_lazily <- function(call, argument, fitter, start_in) {
  frame <- NULL
  put_lazily(call, argument, function() {
    frame <<- fitter_frame(fitter)
    start_in(frame)
  })
}

put_lazily <- function(call, argument, value) {
  call[[argument]] <- as.call(list(value))
  call
}

# The frame in which a start was worked out that seed_lazily() has put into a call; NULL where
# nobody asked for it.
frame_of_start <- function(call, argument) {
  start <- call[[argument]]
  if (is.call(start) && is_closure(start[[1]])) environment(start[[1]])$frame
}

# The innermost call of a function that is under way.
fitter_frame <- function(fun) {
  for (n in rev(seq_len(sys.nframe()))) {
    if (identical(sys.function(n), fun)) {
      return(sys.frame(n))
    }
  }
  stop_seed_unfit("this version of the fitter does not evaluate its start as expected")
}

# The innermost frame that has these variables, if any.
find_frame <- function(variables) {
  Find(function(frame) all(variables %in% names(frame)), sys.frames(), right = TRUE)
}

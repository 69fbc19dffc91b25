# Tests: test-adapter-conform.R.
#
# Parts of an adapter that make a fit the asker's own again.

# A maker of `restore` parts. The fit has the asker's call, with what the fitter itself writes into
# it: the arguments `written`, in the order in which it does.
restore_written <- function(written = character()) {
  force(written)
  function(fit, call, env) {
    if (is.list(fit) && is.call(fit[["call"]])) {
      for (name in intersect(written, names(fit$call))) call[[name]] <- fit$call[[name]]
      fit$call <- call
    }
    fit
  }
}

# As restore_written(), for fitters that write where only part of the call is to be put back: `put`
# are the arguments that the adapter puts in.
restore_arguments <- function(put = character(), written = character()) {
  force(put)
  force(written)
  function(fit, call, env) {
    if (is.list(fit) && is.call(fit[["call"]])) {
      ours <- setdiff(union(names(call), put), c("", written))
      for (name in intersect(ours, names(fit$call))) fit$call[[name]] <- call[[name]]
    }
    fit
  }
}

# The value of an argument, which `values` has where warm() has evaluated it.
argument_value <- function(name, call, env, values) {
  if (name %in% names(values)) values[[name]] else eval(call[[name]], env)
}

# A fit that is the argument of another call, as in `confint(fit)`, counts by what identifies it.
# Some fits hold what has no value (pointers into compiled code), or what changes whenever somebody
# asks them something: the state of an optimiser's function.

#' @param x Any value.
#' @return What stands for it in a key: for a fit of lme4, glmmTMB or [stats::nls()], its lasting
#'   parts; else itself.
#' @noRd
lasting_value <- function(x) {
  if (isS4(x) && methods::is(x, "merMod")) {
    lasting_mer_mod(x)
  } else if (is_list_of(x, "glmmTMB")) {
    lasting_glmmtmb(x)
  } else if (is_list_of(x, "nls") && is.list(x$m)) {
    list(lasting_list(x, "m"), lasting_nls(x$m))
  } else if (is.list(x) && is.null(attr(x, "class"))) {
    lapply(x, lasting_value)
  } else {
    x
  }
}

is_list_of <- function(x, class) inherits(x, class) && is.list(x)

lasting_list <- function(x, changing) {
  kept <- attributes(x)
  kept[c("names", "warmstart")] <- NULL
  list(unclass(x)[setdiff(names(x), changing)], kept)
}

# Its functions, in `obj` and in what is known of the standard errors, hold compiled code, and its
# formulas lead to all that is where it was made.
lasting_glmmtmb <- function(x) {
  list(
    x$fit, lapply(x$frame, identity), x$call, x$modelInfo$family[c("family", "link")],
    x$sdr[c("par.fixed", "cov.fixed", "pdHess")]
  )
}

# The pointer of a reference object is made from its other fields.
lasting_mer_mod <- function(x) {
  slots <- setdiff(methods::slotNames(x), c("pp", "resp"))
  without_pointer <- function(object) {
    values <- reference_values(object)
    values[!grepl("Ptr$|^initialized|family$", names(values))]
  }
  values <- lapply(stats::setNames(nm = slots), function(slot) methods::slot(x, slot))
  list(
    class = c(class(x)), slots = values, pp = without_pointer(x@pp), resp = without_pointer(x@resp)
  )
}

# The parameters in a model's environment are those that it was asked for last.
lasting_nls <- function(model) {
  env <- model$getEnv()
  data <- setdiff(ls(env, all.names = TRUE), names(model$getPars()))
  list(model$formula(), model$getAllPars(), model$resid(), mget(data, env))
}

# What the call of a fit names, where its formula comes from: what fits it again looks there.
parts_of_call <- function(name, fit) {
  call <- if (isS4(fit) && methods::is(fit, "merMod")) fit@call else if (is.list(fit)) fit[["call"]]
  if (!is.call(call) || !is.object(fit)) {
    return(NULL)
  }
  home <- or_null(environment(stats::formula(fit))) %||% globalenv()
  values <- lapply(stats::setNames(nm = all.vars(call[-1])), get0, envir = home)
  values <- Filter(function(value) !is.null(value) && !is.function(value), values)
  parts <- Map(function(variable, value) {
    or_null(named_part(paste0("argument ", name, ":"), variable, value, "values", "strict"))
  }, names(values), values)
  unlist(unname(parts), recursive = FALSE)
}

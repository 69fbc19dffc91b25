# What is asked for: the call, standardised, its adapter and its keys; or why it has none.
#
#   expr          as the user wrote it
#   plain, env    what that comes to, and where its arguments are evaluated
#   call          the same, standardised
#   adapter, key, random, label
#   reason        why it is not kept
#   said          what the fitter's evaluation of its arguments will say, as conditions
#   begin, drawn  the state of the random number generator before and after that
new_request <- function(expr, env) {
  request <- list(expr = expr, plain = expr, env = env, random = FALSE)
  random <- save_random_state()
  reason <- tryCatch(
    {
      request[c("plain", "env")] <- unwrap(expr, env)
      NULL
    },
    error = conditionMessage
  )
  if (!is.null(reason)) {
    restore_random_state(random)
    return(c(request, reason = reason))
  }
  request <- evaluate_arguments(request)
  if (request$random) {
    if (is.null(save_random_state())) begin_random_state()
    request$key <- add_random_state(request$key, save_random_state())
  }
  request["begin"] <- list(save_random_state())
  request
}

# The fitter evaluates the arguments once more, and random ones must come out the same. But what a
# calling function was given is evaluated the first time that it is looked at, and never again:
# what that draws and says is for now. A second evaluation shows which is which.
evaluate_arguments <- function(request) {
  begin <- save_random_state()
  first <- identify_request(request)
  drawn <- save_random_state()
  if (identical(drawn, begin) && length(first$said) == 0) {
    first["drawn"] <- list(drawn)
    return(first)
  }
  restore_random_state(begin)
  found <- identify_request(request)
  again <- save_random_state()
  if (!identical(again, drawn)) {
    draws_anew <- !identical(again, begin)
    begin <- drawn
    # What is drawn anew each time comes after what was drawn once and for all.
    if (draws_anew) {
      restore_random_state(begin)
      found <- identify_request(request)
      drawn <- save_random_state()
    }
  }
  restore_random_state(begin)
  say(unsaid(first$said, found$said))
  found["drawn"] <- list(drawn)
  found
}

identify_request <- function(request) {
  held <- hold_conditions(tryCatch(
    {
      fun <- eval(request$plain[[1]], request$env)
      request$adapter <- find_adapter(fun)
      if (is.null(request$adapter)) {
        request$call <- request$plain
        request$adapter <- adapter_any(fun)
      } else {
        request$call <- match.call(fun, request$plain, envir = request$env)
      }
      request$key <- request$adapter$identify(request$call, request$env)
      request$random <- isTRUE(request$adapter$random(request$call, request$env))
      request$label <- request_label(request)
      request
    },
    error = function(e) c(request, reason = conditionMessage(e))
  ))
  c(held$value, list(said = held$said))
}

# The environments that a fit may refer to but does not own: those of its formulas, where the call
# is made, and those around them. A model's terms have one, with all that happens to be in it; a
# finished fit belongs in those of whoever asks for it.
request_homes <- function(request) {
  homes <- formula_homes(request)
  around <- Map(surroundings, homes, sprintf("formula %d", seq_along(homes)))
  c(unlist(unname(around)), surroundings(request$env, "call"))
}

# The environment of each formula that the call is given, by a name or as it is written.
formula_homes <- function(request) {
  values <- lapply(as.list(request$call)[-1], function(argument) {
    if (is.symbol(argument) && !is_missing_argument(argument)) {
      get0(as.character(argument), envir = request$env)
    } else if (is.call(argument) && identical(argument[[1]], quote(`~`))) {
      eval(argument, request$env) # one that is a formula already stays it
    } else {
      argument
    }
  })
  lists <- vapply(values, is_formulas, NA)
  values <- c(values[!lists], unlist(values[lists], recursive = FALSE))
  formulas <- Filter(function(value) inherits(value, "formula"), values)
  lapply(unname(formulas), environment)
}

# The workspace has no name that a fit could be kept with. Its formulas, where they are from there,
# are told by this, and by at_home() put where the asker's are.
is_in_workspace <- function(request) identical(first_home(request), globalenv())

first_home <- function(request) c(formula_homes(request), request$env)[[1]]

at_home <- function(finished, request) {
  home <- first_home(request)
  was_in_workspace <- isTRUE(finished$entry$payload$in_workspace)
  if (was_in_workspace && is.environment(home) && !identical(home, globalenv())) {
    move_formulas(finished$fit, home)
  } else {
    finished$fit
  }
}

# An object with its formulas, and its terms, from the workspace moved to `home`.
move_formulas <- function(x, home) {
  if (inherits(x, "formula")) {
    if (identical(environment(x), globalenv())) environment(x) <- home
    return(x)
  }
  held <- if (isS4(x)) methods::slotNames(x) else setdiff(names(attributes(x)), plain_attributes)
  for (name in held) {
    value <- attr(x, name, exact = TRUE)
    moved <- move_formulas(value, home)
    if (!identical(moved, value, ignore.environment = FALSE)) attr(x, name) <- moved
  }
  if (is.list(x)) {
    class <- oldClass(x)
    x <- unclass(x)
    inside <- which(vapply(x, may_hold_formulas, NA))
    x[inside] <- lapply(x[inside], move_formulas, home)
    oldClass(x) <- class
  }
  x
}

plain_attributes <- c("names", "class", "row.names", "dim", "dimnames", "levels")

may_hold_formulas <- function(x) {
  is.list(x) || inherits(x, "formula") || isS4(x) && !is.environment(x) ||
    !all(names(attributes(x)) %in% plain_attributes)
}

# From an environment outwards, short of a package's or the global one.
surroundings <- function(env, name) {
  found <- list()
  while (!is.null(env) && !identical(env, globalenv()) && !identical(env, emptyenv()) &&
    !is_package_environment(env)) {
    found[[paste(name, length(found) + 1)]] <- env
    env <- parent.env(env)
  }
  found
}

# A fit that draws random numbers is another one from another state of the generator.
add_random_state <- function(key, random) {
  state <- named_part("random numbers", "state", random, "values")
  new_model_fingerprint(c(key$parts, state))
}

# As the first random number of an R session would.
begin_random_state <- function() {
  set.seed(NULL)
  save_random_state()
}

# The call that a call makes, and where: do.call(f, list(...)) makes f(...), and update(fit, ...)
# the fit's own call, changed.
unwrap <- function(expr, env) {
  fun <- eval(expr[[1]], env)
  if (identical(fun, base::do.call)) {
    unwrap_do_call(expr, env)
  } else if (is_update(fun)) {
    unwrap_update(expr, env)
  } else {
    list(expr, env)
  }
}

# As do.call() itself puts it together.
unwrap_do_call <- function(expr, env) {
  given <- lapply(as.list(match.call(base::do.call, expr))[-1], eval, env)
  what <- if (is.character(given$what)) as.name(given$what) else given$what
  arguments <- if (isTRUE(given$quote)) lapply(given$args, enquote) else given$args
  list(as.call(c(what, as.list(arguments))), given$envir %||% env)
}

# Also the S4 generic that other packages make of it: Matrix does, and comes with lme4.
is_update <- function(fun) {
  identical(fun, stats::update) || methods::is(fun, "genericFunction") &&
    identical(fun@generic, structure("update", package = "stats"))
}

unwrap_update <- function(expr, env) {
  expr$evaluate <- NULL
  call <- eval(as.call(c(as.list(expr), evaluate = FALSE)), env)
  if (!is.call(call)) {
    return(list(expr, env))
  }
  home <- update_home(eval(match.call(stats::update, expr, envir = env)$object, env))
  is_there <- !is.null(home) && !identical(home, env) &&
    is.null(evaluate_arguments(list(expr = call, plain = call, env = home))$reason)
  list(call, if (is_there) home else env)
}

# lme4's method makes the fit where the formula comes from; elsewhere, only if that fails.
update_home <- function(fit) {
  if (inherits(fit, "merMod")) environment(stats::formula(fit))
}

# The formula, or else the call, cut to what a record has room for.
request_label <- function(request) {
  formula <- request$key$parts$formula
  text <- if (is.null(formula)) deparse(request$expr, nlines = 1)[[1]] else part_text(formula)
  text <- gsub("[[:cntrl:]]", " ", enc2utf8(text))
  while (nchar(text, "bytes") > label_bytes) {
    text <- substr(text, 1, nchar(text) - 1)
  }
  text
}

label_bytes <- 143 # as src/core/record.h has it

# R's minor version and the fitter's: what another one made is only good to start from.
request_versions <- function(request) {
  minor <- sub("[.].*", "", R.version$minor)
  c(R = paste0(R.version$major, ".", minor), request$adapter$versions())
}

# Running an optimiser from a stored point, in coordinates in which it is as good as there.
#
# A stored point alone saves little: an optimiser's first steps are made for a start of which
# nothing is known, and lead away from it. So the fit's call gets another function at its head,
# which looks around the point (quadratic.R), starts the user's optimiser at the bottom that it sees
# from there, in the coordinates that suit (coordinates.R), and takes the result back to the user's.

begin_near <- function(optimiser, call, given, relation) {
  fitter <- call[[1]]
  call[[1]] <- function(...) {
    outer <- sys.call()
    call <- outer
    call[[1]] <- fitter
    run_near(optimiser, call, parent.frame(), given, relation, outer)
  }
  call
}

run_near <- function(optimiser, call, env, given, relation, outer) {
  random <- save_random_state()
  near <- suppressWarnings(look_around(optimiser, call, env, given, relation))
  restore_random_state(random)
  call[[optimiser$start]][] <- near$par
  inner <- if (near$is_bowl) to_coordinates(optimiser, call, env, near, given)
  if (is.null(inner)) {
    optimiser$check_plain(call, env, relation)
    return(as_if_called(list(expr = outer, call = outer), call, eval(call, env)))
  }
  fit <- as_if_called(list(expr = outer, call = outer), inner$call, eval(inner$call, env))
  from_their_result(optimiser, fit, call, env, inner$at)
}

#' What there is to be seen around the stored point
#'
#' @return `par`, the best point; `is_bowl`, is it near an optimum? Then `hessian`, the bounds, and
#'   `step`: how far from `par` the optimum may be, where one is a distance of which a curvature of
#'   one makes a half.
#' @noRd
look_around <- function(optimiser, call, env, given, relation) {
  problem <- new_problem(optimiser, call, env, given)
  start <- as.double(eval(call[[optimiser$start]], env))
  value <- problem$value_at_start
  if (relation != "exact") {
    own <- tryCatch(problem$value(as.double(given), always = TRUE), error = function(e) NA_real_)
    if (is.na(value) || isTRUE(own < value)) {
      stop_seed_unfit("on these data it is no better than the call's own start")
    }
  }
  found <- tryCatch(find_bottom(problem, start, value), error = function(e) NULL)
  c(
    found %||% list(par = start), is_bowl = !is.null(found), problem[c("lower", "upper")]
  )
}

find_bottom <- function(problem, start, value) {
  # With a gradient, evaluations are few.
  if (is.na(value) || !is.null(problem$gradient) && length(start) > gradients_up_to) {
    return(NULL)
  }
  quadratic <- quadratic_at(problem, start, value)
  if (is.null(quadratic)) {
    return(NULL)
  }
  bottom <- bottom_of(quadratic, problem$lower, problem$upper)
  fall <- fall_to(quadratic, bottom)
  bottom_value <- problem$value(bottom)
  miss <- abs(quadratic$value - fall - bottom_value)
  doubt <- max(if (is.na(miss)) fall else miss, 1e-3 * fall, 1e-8 * abs(value))
  best <- which.min(c(value, quadratic$value, bottom_value))
  list(
    par = list(start, quadratic$at, bottom)[[best]], hessian = quadratic$hessian,
    step = max(sqrt(2 * doubt), 1e-6)
  )
}

gradients_up_to <- 30 # parameters

# The call's objective and gradient as functions of the parameters alone, to be minimised.
new_problem <- function(optimiser, call, env, given) {
  start <- plain_start(optimiser, call, env)
  applied <- with_call_arguments(call, env, start)
  objective <- applied(eval(call[[optimiser$objective]], env))
  at_start <- objective(start)
  sign <- optimiser$sign(call, env)
  read <- function(result) sign * finite_value(optimiser, result)
  gradient <- applied(optional(optimiser$gradient, call, env))
  if (is.null(gradient) && !is.null(optimiser$gradient_of(at_start))) {
    gradient <- function(x) optimiser$gradient_of(objective(x))
  }
  is_inside <- optimiser$is_inside(call, env, given)
  bound <- function(i, otherwise) {
    rep_len(optional(optimiser$bounds[i], call, env) %||% otherwise, length(start))
  }
  list(
    value_at_start = read(at_start),
    value = function(x, always = FALSE) {
      if (always || is_inside(x)) read(objective(x)) else NA_real_
    },
    gradient = if (!is.null(gradient)) {
      function(x) if (is_inside(x)) sign * as.vector(gradient(x)) else NA * x
    },
    lower = bound(1, -Inf), upper = bound(2, Inf)
  )
}

# Optimisers keep the names of a start, if anything.
plain_start <- function(optimiser, call, env) {
  start <- eval(call[[optimiser$start]], env)
  stats::setNames(as.double(start), if (optimiser$named) names(start))
}

# Of what the objective returned, one number; NA where it is none, or not finite.
finite_value <- function(optimiser, result) {
  value_of <- optimiser$value_of %||% identity
  value <- as.vector(value_of(result))
  if (is.numeric(value) && length(value) == 1 && is.finite(value)) value else NA_real_
}

# Makes functions of the parameters alone, in the shape of `start`, with the call's further
# arguments.
with_call_arguments <- function(call, env, start) {
  further <- as.list(call)[-1]
  further <- lapply(further[!names(further) %in% formals_of(call, env)], eval, env)
  function(fn) {
    if (is.function(fn)) {
      function(x) {
        start[] <- x
        do.call(fn, c(list(start), further), quote = TRUE)
      }
    }
  }
}

# The value of an argument that the call, or the optimiser, may not have.
optional <- function(name, call, env) if (!is.null(name)) eval(call[[name]], env)

#' The user's call in coordinates about the best point
#'
#' @return A list of the `call` and its coordinates, `at`. NULL where something that the user has
#'   set is in the parameters' own units, and cannot be translated.
#' @noRd
to_coordinates <- function(optimiser, call, env, near, given) {
  unit <- optimiser$unit(call, env, near)
  if (is.null(unit)) {
    return(NULL)
  }
  bounded <- is.finite(near$lower) | is.finite(near$upper)
  at <- coordinates_along(near$par, near$hessian, bounded, unit)
  at[c("lower", "upper")] <- near[c("lower", "upper")]
  inner <- call
  inner[[optimiser$start]][] <- 0
  inner <- optimiser$settings(inner, env, at, near, given)
  at$origin <- from_coordinates(at, -as.vector(inner[[optimiser$start]]))
  # Rounding must not take it over a bound.
  outward <- function(z) {
    z[] <- pmin(pmax(from_coordinates(at, as.vector(z)), at$lower), at$upper)
    z
  }
  set <- function(name, change) {
    fn <- optional(name, call, env)
    if (is.function(fn)) {
      called <- optimiser$called
      called[[1]] <- as.name(name)
      inner[[name]] <<- optimiser$wrap(fn, moved(fn, outward, change, at$root, called))
    }
  }
  set(optimiser$objective, optimiser$change_value)
  set(optimiser$gradient, gradient_in)
  set(optimiser$hessian, hessian_in)
  for (name in optimiser$bounds[optimiser$bounds %in% names(inner)]) {
    bound <- if (name == optimiser$bounds[[1]]) near$lower else near$upper
    inner[[name]] <- bounds_in_coordinates(at, bound)
  }
  list(call = inner, at = at)
}

# `fn` in coordinates: a condition in it names the call `called`.
moved <- function(fn, outward, change, root, called) {
  force(outward)
  force(change)
  force(root)
  call_as(function(par, ...) {
    par <- outward(par)
    change(fn(par, ...), root)
  }, called)
}

gradient_in <- function(gradient, root) drop(crossprod(root, as.vector(gradient)))

# deriv() gives it three dimensions.
hessian_in <- function(hessian, root) crossprod(root, matrix(hessian, nrow(root)) %*% root)

from_their_result <- function(optimiser, fit, call, env, at) {
  par <- from_coordinates(at, as.vector(fit[[optimiser$par]]))
  fit[[optimiser$par]][] <- pmin(pmax(par, at$lower), at$upper)
  optimiser$finish(fit, call, env, at)
}

# Running an optimiser from a stored point, in coordinates in which it is as good as there.
#
# A stored point alone saves little: an optimiser's first steps are made for a start of which
# nothing is known, and lead away from it. So the fit's call gets another function at its head,
# which looks around the point (opt-quadratic.R), starts the user's optimiser at the bottom that it
# sees from there, in the coordinates that suit (opt-coordinates.R), and takes the result back to
# the user's.

#' Begin at another data's optimum
#'
#' @param state A list of that point, `par`, and the objective's `value` there on its own data.
#' @param relation "exact", the end of this very optimisation, or "rows".
#' @noRd
begin_near <- function(optimiser, call, env, state, relation) {
  given <- eval(call[[optimiser$start]], env)
  point <- if (is.list(state)) state$par
  if (!is.numeric(point) || length(point) == 0 || !all(is.finite(point))) {
    stop_seed_unfit("it has no point to start from")
  }
  if (length(point) != length(given)) {
    stop_seed_unfit(paste("it has", counted(length(point), "parameter"), "and this", length(given)))
  }
  state$par <- as.double(point)
  seen <- new.env(parent = emptyenv()) # from there, for the certificate
  attr(call, "begun") <- list(from = state, seen = seen)
  call_within(call, function(call, env) {
    random <- save_random_state()
    near <- tryCatch(
      suppressWarnings(look_around(optimiser, call, env, state, given, relation, seen)),
      warmstart_seed_unfit = function(unfit) stop_seed_doubtful(unfit$why)
    )
    restore_random_state(random)
    call[[optimiser$start]] <- replace(given, seq_along(given), near$par) # with the user's names
    inner <- to_coordinates(optimiser, call, env, near, given)
    if (is.null(inner)) {
      optimiser$check_plain(call, env)
      return(eval(call, env))
    }
    fit <- as_if_called(list(expr = call, call = call), inner$call, eval(inner$call, env))
    from_their_result(optimiser, fit, call, env, inner$at)
  })
}

#' What there is to be seen around the stored point
#'
#' @return The best point, `par`, the `hessian` and the bounds there, and `step`: how far from `par`
#'   the optimum may be, where one is a distance of which a curvature of one makes a half.
#' @noRd
look_around <- function(optimiser, call, env, state, given, relation, seen) {
  point <- state$par
  problem <- new_problem(optimiser, call, env, given)
  given <- as.double(given)
  values <- c(problem$value(given, always = TRUE), problem$value(point))
  if (!isTRUE(values[[2]] < values[[1]])) {
    stop_seed_unfit("on these data it is no better than the call's own start")
  }
  if (is_number(state$value) &&
    abs(values[[2]] - state$value) > max(values[[1]] - values[[2]], abs(state$value))) {
    stop_seed_unfit("on these data the objective is of another size there")
  }
  if (!is_hollow(problem$value, given, point, values)) {
    stop_seed_unfit("on these data the way to it from the call's own start is not one slope")
  }
  # Else a cold fit's first steps may lead anywhere; this one's own have led here.
  if (relation != "exact") bowl_at(problem, given, values[[1]])
  quadratic <- bowl_at(problem, point, values[[2]])
  bottom <- bottom_of(quadratic, problem$lower, problem$upper)
  fall <- fall_to(quadratic, bottom)
  bottom_value <- problem$value(bottom)
  miss <- abs(quadratic$value - fall - bottom_value)
  if (!isTRUE(miss <= max(fall / 4, small_fall(bottom_value)))) {
    stop_seed_unfit("the objective is not round there")
  }
  if (fall > (values[[1]] - bottom_value) / 10) {
    stop_seed_unfit("on these data it is hardly nearer than the call's own start")
  }
  best <- which.min(c(values[[2]], quadratic$value, bottom_value))
  seen$hessian <- quadratic$hessian
  list(
    par = list(point, quadratic$at, bottom)[[best]], hessian = quadratic$hessian,
    step = max(sqrt(2 * max(miss, 1e-3 * fall, 1e-8 * abs(bottom_value))), 1e-6),
    lower = problem$lower, upper = problem$upper
  )
}

# Is `f` lower at `to`, and convex along the line that leads there? Of objectives with several
# optima, few are so from one to another.
is_hollow <- function(f, from, to, values, points = valley_points) {
  share <- seq_len(points) / (points + 1)
  between <- vapply(share, function(share) f(from + share * (to - from)), 1)
  along <- c(values[[1]], between, values[[2]])
  rounding <- 1e-9 * max(abs(along))
  isTRUE(values[[2]] <= values[[1]] && all(diff(along, differences = 2) >= -rounding))
}

# So far above the bottom an end may be, as a quadratic from some way off has it.
small_fall <- function(value) end_tolerance / 10 * max(abs(value), 1)

bowl_at <- function(problem, point, value) {
  quadratic <- if (is.null(problem$gradient) || length(point) <= gradients_up_to) {
    tryCatch(quadratic_at(problem, point, value), error = function(e) NULL)
  }
  quadratic %||% stop_seed_unfit("the objective is not curved upwards at both ends of the way")
}

gradients_up_to <- 30 # parameters

#' Is this the optimum that the optimiser finds from the call's own start?
#'
#' @param end What optimum() made of the fit.
#' @param state What it began from.
#' @param seen What look_around() saw there.
#' @return TRUE, or why it is not sure.
#' @noRd
certify_optimum <- function(optimiser, end, call, env, state, seen) {
  given <- eval(call[[optimiser$start]], env)
  problem <- new_problem(optimiser, call, env, given)
  at <- as.double(end$par)
  value <- problem$value(at)
  begun <- if (is.null(state$calls)) as.double(state$par) else state$from$par
  stored <- if (!is.null(begun)) problem$value(begun)
  hessian <- seen$hessian
  if (is.null(hessian)) {
    given <- as.double(given)
    if (!is_hollow(problem$value, given, at, c(problem$value(given, always = TRUE), value))) {
      return("the way to its end from the call's own start is not one slope")
    }
    hessian <- bowl_at(problem, at, value)$hessian
  }
  if (!isTRUE(value <= min(stored, Inf) + small_fall(value))) {
    return("it ended above where it began")
  }
  if (!isTRUE(fall_left(problem, at, value, hessian) <= small_fall(value))) {
    return("the objective is not lowest at its end")
  }
  TRUE
}

# The call's objective and gradient as functions of the parameters alone, to be minimised.
new_problem <- function(optimiser, call, env, given) {
  # Optimisers keep the names of a start, if anything.
  shape <- stats::setNames(as.double(given), if (optimiser$named) names(given))
  applied <- with_call_arguments(call, env, shape)
  objective <- applied(eval(call[[optimiser$objective]], env))
  gradient <- applied(optional(optimiser$gradient, call, env))
  last <- NULL
  evaluate <- function(x) {
    if (!identical(x, last$x)) last <<- list(x = x, result = objective(x))
    last$result
  }
  sign <- optimiser$sign(call, env)
  if (is.null(gradient) && !is.null(optimiser$gradient_of(evaluate(as.double(given))))) {
    gradient <- function(x) optimiser$gradient_of(evaluate(x))
  }
  is_inside <- optimiser$is_inside(call, env, given)
  bound <- function(i, otherwise) {
    rep_len(optional(optimiser$bounds[i], call, env) %||% otherwise, length(given))
  }
  list(
    value = function(x, always = FALSE) {
      if (always || is_inside(x)) sign * finite_value(optimiser, evaluate(x)) else NA_real_
    },
    gradient = if (!is.null(gradient)) {
      function(x) if (is_inside(x)) sign * as.vector(gradient(x)) else NA * x
    },
    lower = bound(1, -Inf), upper = bound(2, Inf)
  )
}

# Of what the objective returned, one number; NA where it is none, or not finite.
finite_value <- function(optimiser, result) {
  value <- as.vector(optimiser$value_of(result))
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
      inner[[name]] <<- in_their_name(
        optimiser, name, fn, moved(fn, outward, change, at$root)
      )
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

moved <- function(fn, outward, change, root) {
  force(fn)
  force(outward)
  force(change)
  force(root)
  function(par, ...) {
    par <- outward(par)
    change(fn(par, ...), root)
  }
}

gradient_in <- function(gradient, root) drop(crossprod(root, as.vector(gradient)))

# deriv() gives it three dimensions.
hessian_in <- function(hessian, root) crossprod(root, matrix(hessian, nrow(root)) %*% root)

from_their_result <- function(optimiser, fit, call, env, at) {
  par <- from_coordinates(at, as.vector(fit[[optimiser$par]]))
  fit[[optimiser$par]][] <- pmin(pmax(par, at$lower), at$upper)
  optimiser$finish(fit, call, env, at)
}

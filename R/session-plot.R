#' Draw a history
#'
#' The objective against the iteration or the time of fitting. Told apart without colour: each fit
#' has a line type and a symbol of its own. A filled symbol is an iterate that went to the disk, an
#' open one was held back. A cross marks where a run was cut; the line goes on to where the next
#' run took up.
#'
#' `plot()` uses base graphics. The method for `ggplot2::autoplot()` draws the same, and is there
#' when ggplot2 is.
#'
#' @param x,object A history, from [session_history()]; `plot()` also takes a [warm_store()], and
#'   draws the history of its newest run, be it alive or not.
#' @param y What to draw beside it, such as a cold fit's history beside a warm one's: a history, or
#'   a list of them; names of the list name the fits.
#' @param ... `plot()`: passed to [graphics::plot.default()], such as `log = "y"` or `xlim`.
#'   `autoplot()`: ignored.
#' @param against What the horizontal axis is: `"iteration"`, or `"seconds"` of fitting, shown in
#'   seconds, minutes or hours as it fits. Where no iterate has an iteration, they are counted.
#' @param labels A name for each fit in the legend, as strings; NULL, the default, takes the names
#'   of `y` and the expressions that `x` and `y` were given by.
#' @param xlab,ylab,main Texts of axes and title; NULL for those that go with the data, and for the
#'   fit's label as title.
#' @param xlim Ends of the horizontal axis; NULL for those of the data.
#' @return `plot()`: what was drawn, invisibly: a data frame, a row an iterate, with `fit` (its
#'   label), `x` (in the axis' unit), `y` (the objective), `written`, `run`, and `cut`: was this the
#'   last of a run that another followed? Iterates without objective are left out. `autoplot()`: a
#'   ggplot.
#' @section Errors: `warmstart_error_argument` names a bad argument, such as a history without any
#'   objective.
#' @seealso [session_history()]
#' @examples
#' store <- warm_store(tempfile("store"))
#' follow <- function(from, label) {
#'   session <- warm_session(store, fingerprint(label), label)
#'   for (i in 1:12) {
#'     session_checkpoint(session, raw(), objective = 1 + from * 0.5^i, iteration = i)
#'   }
#'   session_history(session)
#' }
#' cold <- follow(100, "cold")
#' warm <- follow(1, "warm")
#' plot(warm, cold, log = "y")
#' plot(warm, list(cold = cold), against = "seconds", labels = c("warm", "cold"))
#' plot(store)
#' @rdname plot.warm_history
#' @export
plot.warm_store <- function(x, ...) {
  runs <- store_list(x)
  runs <- runs[!runs$state %in% beside_fits, ]
  for (key in unique(runs$key)) {
    history <- session_history(x, key)
    if (any(!is.na(history$objective))) {
      return(plot.warm_history(history, ...))
    }
  }
  stop_argument("x", "has no run with a history yet: nothing to draw.")
}

#' @rdname plot.warm_history
#' @export
plot.warm_history <- function(x, y = NULL, ..., against = c("iteration", "seconds"),
                              labels = NULL, xlab = NULL, ylab = NULL, main = NULL,
                              xlim = NULL) {
  names <- c(deparse1(substitute(x)), deparse1(substitute(y)))
  drawn <- curves_of(x, y, against, labels, names)
  axes <- attr(drawn, "axes")
  graphics::plot.default(
    drawn$x, drawn$y,
    type = "n", xlab = xlab %||% axes[[1]], ylab = ylab %||% axes[[2]],
    xlim = xlim %||% horizontal_range(drawn$x),
    main = main %||% wrap_title(title_of(x)), ...
  )
  fits <- levels(drawn$fit)
  for (i in seq_along(fits)) {
    draw_curve(drawn[drawn$fit == fits[[i]], ], i)
  }
  draw_legend(drawn)
  invisible(drawn)
}

#' @rdname plot.warm_history
#' @exportS3Method ggplot2::autoplot
autoplot.warm_history <- function( # nolint: object_name_linter. It is ggplot2's.
                                  object, y = NULL, ..., against = c("iteration", "seconds"),
                                  labels = NULL) {
  names <- c(deparse1(substitute(object)), deparse1(substitute(y)))
  drawn <- curves_of(object, y, against, labels, names)
  axes <- attr(drawn, "axes")
  shown <- function(...) do.call(ggplot2::aes, lapply(c(...), as.name))
  fits <- levels(drawn$fit)
  several <- length(fits) > 1
  drawn$symbol <- factor(
    paste(drawn$fit, drawn$written),
    levels = c(paste(fits, TRUE), paste(fits, FALSE))
  )
  style <- symbols_of(seq_along(fits))
  ggplot2::ggplot(drawn, shown(x = "x", y = "y")) +
    ggplot2::geom_path(shown(linetype = "fit"), show.legend = several) +
    ggplot2::geom_point(shown(shape = "symbol"), show.legend = FALSE) +
    ggplot2::geom_point(data = drawn[drawn$cut, ], shape = cut_symbol, size = 4) +
    ggplot2::scale_linetype_manual(values = line_types[seq_along(fits)]) +
    ggplot2::scale_shape_manual(
      values = c(style$written, style$held_back), drop = FALSE, guide = "none"
    ) +
    ggplot2::labs(x = axes[[1]], y = axes[[2]], title = title_of(object), linetype = NULL)
}

# Line types and symbols that are told apart in black and white, and how many fits can be.
line_types <- c(1, 2, 4, 5)
symbols_written <- c(16, 17, 15, 18)
symbols_held_back <- c(1, 2, 0, 5)
cut_symbol <- 4

symbols_of <- function(i) list(written = symbols_written[i], held_back = symbols_held_back[i])

# Neither time nor iterations go below 0, where R would let a single point's axis begin.
horizontal_range <- function(x) {
  ends <- range(x)
  if (ends[[1]] == ends[[2]]) ends <- if (ends[[1]] > 0) ends * c(0.5, 1.5) else c(0, 1)
  ends
}

# Two lines at most, as wide as the figure that is next. A letter of a title is about as wide as
# three quarters of the device's character.
wrap_title <- function(title) {
  width <- graphics::par("fin")[[1]] / (0.75 * graphics::par("cin")[[1]])
  lines <- strwrap(title, width)
  if (length(lines) > 2) {
    lines <- c(lines[[1]], paste(lines[[2]], "..."))
  }
  paste(lines, collapse = "\n")
}

title_of <- function(history) format_text(attr(history, "label") %||% "")

# Of all fits, one below the other, in the unit of the axis; attribute `axes`: what these are.
curves_of <- function(x, y, against, labels, names) {
  against <- check_choice(against, c("iteration", "seconds"), "against")
  histories <- c(list(x), if (inherits(y, "warm_history")) list(y) else y)
  check_histories(histories)
  labels <- fit_labels(labels, histories, y, names)
  unit <- if (against == "seconds") time_unit(histories)
  counted <- against == "iteration" && all(is.na(unlist(lapply(histories, `[[`, "iteration"))))
  curves <- Map(curve_of, histories, labels, MoreArgs = list(
    place = function(history) {
      if (counted) {
        seq_len(nrow(history))
      } else {
        history[[against]] / (unit %||% 1)
      }
    }
  ))
  drawn <- do.call(rbind, curves)
  drawn$fit <- factor(drawn$fit, levels = labels)
  if (nrow(drawn) == 0) {
    stop_argument("x", "must have an iterate with an objective.")
  }
  across <- if (against == "seconds") {
    paste0("Time of fitting (", names(unit), ")")
  } else if (counted) {
    "Iterate"
  } else {
    "Iteration"
  }
  rownames(drawn) <- NULL
  structure(drawn, axes = c(across, "Objective (lower is better)"))
}

check_histories <- function(histories) {
  for (history in histories) {
    if (!inherits(history, "warm_history") || !all(history_columns %in% names(history))) {
      stop_argument("y", "must be a history, as `session_history()` returns it, or a list of them.")
    }
  }
  if (length(histories) > length(line_types)) {
    stop_argument("y", paste(
      "must be at most", length(line_types) - 1, "histories; more cannot be told apart."
    ))
  }
}

fit_labels <- function(labels, histories, y, names) {
  others <- length(histories) - 1
  if (is.null(labels)) {
    named <- if (is.list(y) && !inherits(y, "warm_history")) base::names(y)
    labels <- c(
      names[[1]],
      named %||% if (others == 1) names[[2]] else paste(rep("fit", others), seq_len(others) + 1)
    )
    labels <- make.unique(labels)
  }
  if (!is.character(labels) || length(labels) != length(histories) || anyDuplicated(labels)) {
    stop_argument("labels", "must be as many different texts as there are histories.")
  }
  format_text(labels)
}

# Seconds in the unit that suits the longest.
time_unit <- function(histories) {
  longest <- max(0, unlist(lapply(histories, `[[`, "seconds")))
  units <- c(s = 1, min = 60, h = 3600)
  utils::tail(units[units == 1 | units <= longest / 3], 1)
}

curve_of <- function(history, label, place) {
  curve <- data.frame(
    fit = rep(label, nrow(history)), x = place(history), y = history$objective,
    written = history$written, run = history$run
  )
  curve <- curve[!is.na(curve$x) & !is.na(curve$y), ]
  curve$cut <- c(diff(curve$run) > 0, logical(min(1, nrow(curve))))
  curve
}

draw_curve <- function(curve, i) {
  style <- symbols_of(i)
  graphics::lines(curve$x, curve$y, lty = line_types[[i]])
  graphics::points(
    curve$x, curve$y,
    pch = ifelse(curve$written, style$written, style$held_back)
  )
  if (any(curve$cut)) {
    graphics::points(curve$x[curve$cut], curve$y[curve$cut], pch = cut_symbol, cex = 2)
  }
}

# What the reader needs to tell apart what is there, and no more.
draw_legend <- function(drawn) {
  fits <- levels(drawn$fit)
  if (length(fits) == 1) {
    fits <- character()
  }
  n <- length(fits)
  extra <- c(if (any(!drawn$written)) "not written", if (any(drawn$cut)) "run cut here")
  if (n + length(extra) == 0) {
    return(invisible())
  }
  graphics::legend(
    emptiest_corner(drawn),
    legend = c(fits, extra), bty = "n",
    lty = c(line_types[seq_len(n)], rep(0, length(extra))),
    pch = c(
      symbols_of(seq_len(n))$written,
      if (any(!drawn$written)) symbols_held_back[[1]], if (any(drawn$cut)) cut_symbol
    )
  )
}

# Of the plot that is open.
emptiest_corner <- function(drawn) {
  upper_half <- function(values, is_log) {
    values <- if (is_log) log(values) else values
    values > mean(range(values, finite = TRUE))
  }
  right <- upper_half(drawn$x, graphics::par("xlog"))
  top <- upper_half(drawn$y, graphics::par("ylog"))
  points <- c(
    topright = sum(top & right), bottomleft = sum(!top & !right), topleft = sum(top & !right),
    bottomright = sum(!top & right)
  )
  names(which.min(points))
}

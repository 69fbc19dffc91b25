# A device that keeps what is drawn on it, and no file.
with_device <- function(code) {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  grDevices::dev.control("enable")
  force(code)
  grDevices::recordPlot()
}

# The calls of one kind in a recorded plot, each as the list of its arguments.
pieces <- function(plot, kind) {
  calls <- lapply(plot[[1]], function(piece) piece[[2]])
  names <- vapply(calls, function(call) call[[1]]$name, "")
  lapply(calls[names == kind], function(call) call[-1])
}

history_from <- function(iteration, objective, run = 1L, written = TRUE,
                         seconds = seq_along(iteration)) {
  columns <- data.frame(iteration, objective, seconds, written, run)
  new_history(c(columns, label = "y ~ s(x)"))
}

cut_history <- function() {
  history_from(
    c(1, 2, 3, 3, 4), c(9, 7, 5, 5, 4), c(1L, 1L, 1L, 2L, 2L), c(TRUE, TRUE, FALSE, TRUE, TRUE)
  )
}

test_that("the curve is drawn against the iteration, with the objective upwards", {
  plot <- with_device(plot(cut_history()))
  curve <- pieces(plot, "C_plotXY")[[2]]
  expect_identical(curve[[1]]$x, c(1, 2, 3, 3, 4))
  expect_identical(curve[[1]]$y, c(9, 7, 5, 5, 4))
  labels <- pieces(plot, "C_title")[[1]]
  expect_identical(labels[[1]], "y ~ s(x)")
  expect_identical(labels[3:4], list("Iteration", "Objective (lower is better)"))
})

test_that("against seconds the axis names its unit, and has the right one", {
  units <- list(s = 1, min = 60, h = 3600)
  for (unit in names(units)) {
    history <- history_from(1:4, 4:1, seconds = 1:4 * units[[unit]])
    drawn <- NULL
    plot <- with_device(drawn <- plot(history, against = "seconds"))
    expect_identical(pieces(plot, "C_title")[[1]][[3]], paste0("Time of fitting (", unit, ")"))
    expect_identical(drawn$x, c(1, 2, 3, 4))
  }
})

test_that("filled symbols went to the disk, open ones did not, and a cross marks the cut", {
  plot <- with_device(plot(cut_history()))
  symbols <- lapply(pieces(plot, "C_plotXY"), `[[`, 3)
  expect_identical(symbols[[3]], c(16, 16, 1, 16, 16))
  expect_identical(symbols[[4]], 4)
  cross <- pieces(plot, "C_plotXY")[[4]][[1]]
  expect_identical(c(cross$x, cross$y), c(3, 5))
})

test_that("fits side by side differ in line type and symbol, not in colour", {
  cold <- history_from(1:6, 10:5)
  plot <- with_device(plot(cut_history(), cold))
  drawn <- pieces(plot, "C_plotXY")
  lines <- Filter(function(piece) piece[[2]] == "l", drawn)
  expect_identical(vapply(lines, `[[`, 1, 4), c(1, 2))
  points <- Filter(function(piece) piece[[2]] == "p", drawn)
  expect_false(any(points[[1]][[3]] %in% points[[3]][[3]]))
  colours <- unlist(lapply(drawn, `[[`, 5))
  expect_identical(unique(colours), "black")
})

test_that("the legend names the fits and explains what is there, no more", {
  legend_of <- function(...) {
    texts <- pieces(with_device(plot(...)), "C_text")
    unlist(lapply(texts, function(text) text[[2]]))
  }
  cold <- history_from(1:6, 10:5)
  expect_null(legend_of(cold))
  expect_identical(legend_of(cut_history()), c("not written", "run cut here"))
  expect_identical(legend_of(cold, list(other = cold)), c("cold", "other"))
  expect_identical(legend_of(cold, cold, labels = c("a", "b")), c("a", "b"))
})

test_that("a long label is cut to two lines of title", {
  history <- cut_history()
  attr(history, "label") <- paste0("y ~ ", paste0("s(x", 1:60, ")", collapse = " + "))
  title <- pieces(with_device(plot(history)), "C_title")[[1]][[1]]
  lines <- strsplit(title, "\n")[[1]]
  expect_length(lines, 2)
  expect_true(all(nchar(lines) < 90))
  expect_match(title, "^y ~ s\\(x1\\).* \\.\\.\\.$")
})

test_that("the range holds all that is drawn", {
  high <- history_from(1:20, 1000 - 1:20)
  window <- pieces(with_device(plot(cut_history(), high)), "C_plot_window")[[1]]
  expect_identical(window[[1]], c(1, 20))
  expect_identical(window[[2]], c(4, 999))
})

test_that("what is drawn is returned, without iterates that have no objective", {
  history <- history_from(1:3, c(3, NA, 1))
  with_device(drawn <- plot(history))
  expect_identical(drawn$y, c(3, 1))
  expect_identical(names(drawn), c("fit", "x", "y", "written", "run", "cut"))
})

test_that("iterates without iteration are counted", {
  plot <- with_device(drawn <- plot(history_from(rep(NA_real_, 3), 3:1)))
  expect_identical(drawn$x, 1:3)
  expect_identical(pieces(plot, "C_title")[[1]][[3]], "Iterate")
})

test_that("an argument that cannot be drawn is named", {
  history <- cut_history()
  expect_argument_error(plot(new_history(NULL)), "x")
  expect_argument_error(plot(history, 1), "y")
  expect_argument_error(plot(history, list(history, history, history, history)), "y")
  expect_argument_error(plot(history, history, labels = "one"), "labels")
  expect_argument_error(plot(history, against = "hours"), "against")
})

test_that("ggplot2 draws the same", {
  skip_if_not_installed("ggplot2")
  plot <- ggplot2::autoplot(cut_history(), history_from(1:6, 10:5), labels = c("warm", "cold"))
  built <- ggplot2::ggplot_build(plot)
  expect_identical(built$data[[1]]$linetype, rep(c(1, 2), c(5, 6)))
  expect_identical(built$data[[2]]$shape, c(16, 16, 1, 16, 16, rep(17, 6)))
  expect_identical(c(built$data[[3]]$x, built$data[[3]]$y), c(3, 5))
  expect_identical(plot$labels$x, "Iteration")
  expect_identical(plot$scales$get_scales("shape")$guide, "none")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_no_warning(print(plot))
})

test_that("the axis of a single point does not go below 0", {
  left_end <- function(...) {
    end <- NULL
    with_device({
      plot(history_from(...), against = "seconds")
      end <- graphics::par("usr")[[1]]
    })
    end
  }
  expect_gt(left_end(1, 5, seconds = 0), -0.1)
  expect_gt(left_end(1, 5, seconds = 3), 0)
})

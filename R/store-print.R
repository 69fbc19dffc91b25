# How the data frames that tell of a store print: to be read at the width of a terminal. They stay
# data frames; with other columns than they were made with they print as such.

new_listing <- function(frame, class) {
  structure(frame, class = c(class, "data.frame"))
}

#' @export
print.warm_store_list <- function(x, ..., n = 20) {
  shown <- c("key", "label", "name", "state", "objective", "iteration", "seconds", "bytes", "age")
  if (!is.null(attr(x, "unread"))) {
    cat(wrap_text(unread_text(attr(x, "unread"), attr(x, "reason"))), sep = "\n")
  }
  if (!all(shown %in% names(x)) || nrow(x) == 0) {
    return(print_plain(x, if (all(shown %in% names(x))) "No runs."))
  }
  rows <- utils::head(structure(x, class = "data.frame")[shown], n)
  columns <- data.frame(
    key = substr(rows$key, 1, 8),
    state = rows$state,
    objective = format_each(rows$objective, digits = 7),
    iteration = format_each(rows$iteration, scientific = FALSE),
    took = ifelse(is.na(rows$seconds), "", brief_age(rows$seconds)),
    size = format_size(rows$bytes),
    age = brief_age(as.numeric(rows$age, units = "secs"))
  )
  if (all(columns$took == "")) columns$took <- NULL
  room <- getOption("width") - nchar(utils::capture.output(print(columns, row.names = FALSE))[[1]])
  columns$label <- cut_text(format_text(named_label(rows)), room - 2)
  print(columns, row.names = FALSE, right = TRUE)
  more <- nrow(x) - nrow(rows)
  cat(wrap_text(paste0(
    if (more > 0) paste0("... and ", more, " more. "),
    "Whole keys and run ids are in the columns `key` and `run_id`."
  )), sep = "\n")
  invisible(x)
}

unread_text <- function(count, reason) {
  paste0(
    format(count, scientific = FALSE), if (count == 1) " file or directory" else
      " files or directories", " could not be read",
    if (nzchar(reason)) paste0(" (", reason, ")"), ": see store_check()."
  )
}

#' @export
print.warm_store_check <- function(x, ...) {
  if (!all(c("path", "reason", "detail", "bytes", "removed") %in% names(x)) || nrow(x) == 0) {
    return(print_plain(x, if (all(c("path", "reason") %in% names(x))) "All is well."))
  }
  for (i in seq_len(nrow(x))) {
    size <- if (!is.na(x$bytes[[i]])) paste0(" (", format_size(x$bytes[[i]]), ")")
    gone <- if (x$removed[[i]]) "; removed"
    said <- paste0(x$reason[[i]], size, ": ", x$detail[[i]], gone)
    cat(wrap_text(said, exdent = 2), path_line(" ", x$path[[i]]), sep = "\n")
  }
  if (any(nchar(x$path, "width") > line_width() - 2)) {
    cat(wrap_text("Whole paths are in the column `path`."), sep = "\n")
  }
  invisible(x)
}

#' @export
print.warm_store_evict <- function(x, ...) {
  if (!all(c("reason", "files", "bytes") %in% names(x))) {
    return(print_plain(x))
  }
  files <- sum(x$files)
  of_each <- paste(x$files, x$reason)[x$files > 0]
  said <- if (files == 0) {
    "Nothing to remove."
  } else {
    paste0(
      "Removed ", counted(files, "file"), ", ", format_size(sum(x$bytes)), ": ",
      paste(of_each, collapse = ", "), "."
    )
  }
  cat(wrap_text(said), sep = "\n")
  invisible(x)
}

print_plain <- function(x, instead = NULL) {
  if (is.null(instead)) {
    print(structure(x, class = "data.frame"))
  } else {
    cat(instead, "\n", sep = "")
  }
  invisible(x)
}

# Objectives of different fits need not be of one size.
format_each <- function(numbers, ...) {
  vapply(numbers, function(number) if (is.na(number)) "" else format(number, ...), "")
}

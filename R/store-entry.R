#' @export
format.warm_entry <- function(x, ...) {
  now <- as.numeric(Sys.time())
  facts <- c(
    if (!is.na(x$objective)) paste("objective", format(x$objective, digits = 10)),
    if (!is.na(x$iteration)) paste("iteration", format(x$iteration, scientific = FALSE)),
    paste("written", format_age(now - as.numeric(x$written)), "ago"),
    if (!is.null(x$source)) paste("source", x$source)
  )
  c(
    cut_text(paste(c("<warm_entry>", x$kind, quoted_label(x$label)), collapse = " "), line_width()),
    wrap_text(paste(facts, collapse = ", ")),
    paste("payload:", describe_payload(x$payload)),
    paste("key:", x$key),
    path_line("run:", x$run_id)
  )
}

quoted_label <- function(label) {
  if (!is.null(label) && !is.na(label)) paste0("\"", format_text(label), "\"")
}

describe_payload <- function(payload) {
  if (is.raw(payload)) {
    return(paste(length(payload), "bytes"))
  }
  size <- as.numeric(utils::object.size(payload))
  paste0(format_text(class(payload)[[1]]), ", ", format_size(size))
}

#' @export
print.warm_entry <- function(x, ...) {
  cat(format(x), sep = "\n")
  invisible(x)
}

# The parts of an entry that a session keeps besides its payload, checked, in the order that
# src/bind-session.c reads them.
entry_facts <- function(entry) {
  if (!inherits(entry, "warm_entry") || !is.list(entry)) {
    stop_argument("entry", paste(
      "must be an entry, as `store_lookup()` or `session_load()` return one, or NULL."
    ))
  }
  list(
    entry$objective, entry$iteration, identical(entry$kind, "final"),
    as.numeric(entry$written), entry$run_id, entry$key,
    if (!is.na(entry$label)) entry$label
  )
}

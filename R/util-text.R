# Printed text fits the console, and is no wider than 80 columns, so that the eye finds the next
# line. Sentences are wrapped. A label is cut at its end, and a word too long for a line, such as a
# path, in its middle: the objects that are printed have them whole.

line_width <- function() min(getOption("width"), 80)

wrap_text <- function(text, indent = 0, exdent = indent) {
  if (length(text) == 1 && indent == 0 && is_short_line(text)) {
    return(text)
  }
  text <- cut_words(text, line_width() - 1 - max(indent, exdent))
  strwrap(text, line_width(), indent = indent, exdent = exdent)
}

# One that strwrap(), which takes its time, would leave as it is.
is_short_line <- function(text) {
  nchar(text, "width") < line_width() && !grepl("^ |  |[\t\n]| $", text)
}

wrap_below <- function(text) wrap_text(text, indent = 2)

# `text` beside a `head` that stands in the first line alone; below it where there is no room.
wrap_beside <- function(head, text) {
  room <- line_width() - 1 - nchar(head, "width")
  if (max(nchar(strsplit(text, " ", fixed = TRUE)[[1]], "width"), 0) > room) {
    return(c(trimws(head, "right"), wrap_text(text, indent = 4)))
  }
  lines <- strwrap(text, room + 1)
  paste0(c(head, rep(strrep(" ", nchar(head, "width")), max(length(lines) - 1, 0))), lines)
}

cut_words <- function(text, width) {
  vapply(strsplit(text, " ", fixed = TRUE), function(words) {
    paste(cut_middle(words, width), collapse = " ")
  }, "")
}

# Widths are columns of a terminal.
cut_text <- function(text, width) {
  width <- max(width, 4)
  ifelse(nchar(text, "width") > width, paste0(strtrim(text, width - 3), "..."), text)
}

cut_middle <- function(text, width) {
  room <- max(width, 5) - 3
  long <- nchar(text, "width") > max(width, 5)
  text[long] <- paste0(
    strtrim(text[long], room %/% 2), "...", trim_start(text[long], room - room %/% 2)
  )
  text
}

trim_start <- function(text, width) {
  reverse <- function(text) {
    vapply(strsplit(text, ""), function(letters) paste(rev(letters), collapse = ""), "")
  }
  reverse(strtrim(reverse(text), width))
}

full_stop <- function(text) sub("([^.!?])$", "\\1.", text)

# The text that somebody may have meant; NULL where none is near.
nearest_text <- function(given, texts) {
  distance <- drop(utils::adist(given, texts, ignore.case = TRUE))
  is_begun <- startsWith(tolower(texts), tolower(given))
  distance[is_begun] <- 0
  if (length(texts) > 0 && min(distance) <= max(min(nchar(given) %/% 2, 2), nchar(given) %/% 3)) {
    texts[[which.min(distance)]]
  }
}

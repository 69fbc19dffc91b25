# Sizes and ages as people write them, and back.

size_units <- c(
  B = 1, kB = 1e3, MB = 1e6, GB = 1e9, TB = 1e12,
  KiB = 2^10, MiB = 2^20, GiB = 2^30, TiB = 2^40
)

age_units <- c(
  second = 1, sec = 1, s = 1, minute = 60, min = 60, hour = 3600, h = 3600,
  day = 86400, d = 86400, week = 7 * 86400, year = 365.25 * 86400
)

parse_quantity <- function(value, units, argument, example) {
  if (length(value) == 1 && is.numeric(value) && !is.na(value)) {
    number <- as.numeric(value)
  } else if (length(value) == 1 && is.character(value)) {
    number <- quantity_of_text(trimws(value), units)
  } else {
    number <- NA
  }
  if (is.na(number) || number < 0) {
    stop_argument(argument, paste0("must be a positive number, or text such as \"", example, "\"."))
  }
  number
}

quantity_of_text <- function(text, units) {
  if (tolower(text) %in% c("inf", "infinite")) {
    return(Inf)
  }
  parts <- regmatches(text, regexec("^([0-9.]+(?:[eE][+-]?[0-9]+)?)\\s*([A-Za-z]*)$", text))[[1]]
  if (length(parts) == 0) {
    return(NA)
  }
  unit <- match(tolower(sub("s$", "", parts[[3]])), tolower(names(units)))
  if (parts[[3]] %in% c("", "s")) {
    unit <- 1
  }
  suppressWarnings(as.numeric(parts[[2]])) * units[unit][[1]]
}

`%||%` <- function(x, y) if (is.null(x)) y else x

# Bytes.
parse_size <- function(value, argument) {
  parse_quantity(value, size_units, argument, "1 GiB")
}

# Seconds. A number by itself might be days as well.
parse_age <- function(value, argument) {
  if (inherits(value, "difftime")) {
    value <- as.numeric(value, units = "secs")
  } else if (lacks_unit(value)) {
    number <- trimws(format(value))
    stop_argument(argument, paste0(
      "needs a unit: is it \"", number, " days\" or \"", number, " seconds\"?"
    ))
  }
  parse_quantity(value, age_units, argument, "30 days")
}

lacks_unit <- function(value) {
  number <- if (length(value) == 1 && (is.numeric(value) || is.character(value))) {
    suppressWarnings(as.numeric(value))
  }
  isTRUE(is.finite(number) && number > 0)
}

format_size <- function(bytes) {
  units <- c("B", "KiB", "MiB", "GiB", "TiB")
  power <- pmin(pmax(floor(log(pmax(bytes, 1), 1024)), 0), 4)
  ifelse(
    is.finite(bytes),
    paste(signif(bytes / 1024^power, 3), units[power + 1]),
    "unbounded"
  )
}

format_age <- function(seconds) {
  units <- c(second = 1, minute = 60, hour = 3600, day = 86400)
  vapply(seconds, function(s) {
    if (is.na(s)) {
      return("never")
    }
    if (!is.finite(s)) {
      return("unbounded")
    }
    unit <- max(1, sum(units <= abs(s)))
    number <- round(s / units[[unit]])
    paste0(number, " ", names(units)[[unit]], if (number != 1) "s")
  }, character(1))
}

# As short as a line that is redrawn has room for.
brief_age <- function(seconds) {
  sub("minutes?", "min", sub(" (s|h|d)[a-z]*", " \\1", format_age(seconds)))
}

# A time that goes on, to the second: 35 s, 2:05, 1:00:05.
clock <- function(seconds) {
  seconds <- round(seconds)
  if (seconds < 60) {
    return(brief_age(seconds))
  }
  parts <- c(seconds %/% 3600, seconds %/% 60 %% 60, seconds %% 60)
  text <- paste(sprintf("%02d", as.integer(parts)), collapse = ":")
  sub("^0", "", sub("^00:", "", text))
}

# A duration in prose.
spell_seconds <- function(seconds) {
  ifelse(!is.na(seconds) & round(seconds) < 1, "less than a second", format_age(seconds))
}

# Text of users and of files, safe to print: what would steer a terminal or turn the direction of
# writing is shown as "?", bytes that are no text as their codes. The joiners of letters stay.
format_text <- function(text) {
  if (is_plain_text(text)) {
    return(as.character(text))
  }
  text <- iconv(enc2utf8(as.character(text)), "UTF-8", "UTF-8", sub = "byte")
  steering <- "(?![\u200c\u200d])[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Co}]"
  ifelse(is.na(text), "", gsub(steering, "?", text, perl = TRUE))
}

# Printable ASCII, as nearly all of it is.
is_plain_text <- function(text) {
  is.character(text) && !is.object(text) && !anyNA(text) &&
    !any(grepl("[^ -~]", text, perl = TRUE, useBytes = TRUE))
}

# The same for messages, which may have several lines and colours.
one_line <- function(text) {
  if (is_plain_text(text)) text else format_text(gsub("[\r\n]+", " ", cli::ansi_strip(text)))
}

is_number <- function(value) {
  is.numeric(value) && length(value) == 1 && is.finite(value)
}

# A number in a payload, which may be anybody's.
count_of <- function(value) {
  if (is_number(value)) as.numeric(value) else 0
}

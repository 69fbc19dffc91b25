# Tests: test-fit-any.R.
#
# What code that nobody knows depends on besides what it is given: where it runs. A place counts by
# what comes out there, not by its names, which differ between systems and containers.

place_parts <- function() {
  named_part("place", "locale, time zone and options", list(
    order(letters_probe), toupper(cases_probe), format(days_probe, "%a %b"),
    as.numeric(as.POSIXct(times_probe, format = "%Y-%m-%d %H:%M")),
    options()[intersect(place_options, names(options()))]
  ), "specification")
}

letters_probe <- c(
  "b", "B", "a", "A", "_", "1", " a", "a-b", "ab", "ch", "cz", "ll", "lz", "v", "w"
)
cases_probe <- c("i", "\u00e4")
days_probe <- as.Date(c("2024-01-03", "2024-05-07", "2024-10-20"))
times_probe <- c("1975-01-01 12:00", "1999-07-01 12:00", "2024-01-01 12:00", "2024-07-01 12:00")

# Those of R that change what functions compute.
place_options <- c(
  "digits", "digits.secs", "encoding", "OutDec", "scipen", "stringsAsFactors", "ts.eps",
  "ts.S.compat", "useFancyQuotes"
)

# Spelling of the help pages, vignettes and other texts; fails on a word that neither the dictionary
# nor inst/WORDLIST knows.

words <- rbind(
  spelling::spell_check_package("."),
  spelling::spell_check_files(
    c("CONTRIBUTING.md", "bench/RESULTS.md"),
    ignore = c("warmstart", readLines("inst/WORDLIST")), lang = "en_GB"
  )
)

# Formulas are written in commands of TeX.
text <- paste(readLines("vignettes/working-model.Rmd"), collapse = "\n")
math <- regmatches(text, gregexpr("(?s)[$]{2}.*?[$]{2}|[$][^$]+[$]", text, perl = TRUE))[[1]]
commands <- unlist(regmatches(math, gregexpr("[A-Za-z]+", math)))
found <- vapply(words$found, toString, "")
is_math <- words$word %in% commands & grepl("^working-model[.]Rmd:[0-9,]+$", found)
words <- words[!is_math, ]
print(words)
quit(status = min(1, nrow(words)))

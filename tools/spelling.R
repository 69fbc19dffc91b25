# Spelling of the help pages, vignettes and other texts; fails on a word that neither the dictionary
# nor inst/WORDLIST knows.

words <- rbind(
  spelling::spell_check_package("."),
  spelling::spell_check_files(
    c("CONTRIBUTING.md", "bench/RESULTS.md"),
    ignore = c("warmstart", readLines("inst/WORDLIST")), lang = "en_GB"
  )
)
print(words)
quit(status = min(1, nrow(words)))

# For each model: does every start lead to the fit that a cold start gives? The
# objective is within 1e-6 of the cold one, relative, and the fitted values within 0.01
# standard errors. Where mgcv stops a cold fit early and the warm one goes on to a lower
# objective, the warm fit is better; how far its fitted values are from those of the
# cold fit is then no measure of it.
#
# GATE_ROWS is the number of rows; GATE_EVERY = 4 takes every fourth model. One line a
# case is printed, as a table in Markdown.

gate_rows <- as.integer(Sys.getenv("GATE_ROWS", "300"))
gate_every <- as.integer(Sys.getenv("GATE_EVERY", "1"))
gate_names <- names(known_gate_models())
gate_names <- gate_names[seq(1, length(gate_names), by = gate_every)]

old_options <- options(warmstart.verbose = FALSE)
cat("", gate_head, sep = "\n")

for (gate_name in gate_names) {
  test_that(paste("every start leads to the cold fit:", gate_name), {
    rows <- gate_case(gate_name, gate_rows)
    cat(gate_line(rows), sep = "\n")
    watched <- !startsWith(gate_name, "bam") && isTRUE(rows$cold[1] > 1)
    expect_identical(sum(rows$source == "resumed"), if (watched) 2L else 0L)
    for (i in seq_len(nrow(rows))) {
      expect_true(rows$verdict[i] %in% c("equal", "better"), info = gate_line(rows[i, ]))
    }
  })
}

test_that("there are at least forty models", {
  expect_gte(length(known_gate_models()), 40)
})

options(old_options)

skip_if_not_installed("mgcv")

# knitr ------------------------------------------------

# The lines of a document with one chunk, knitted in an R process of its own as a person would.
knit_chunk <- function(code, options = "", path = tempfile("knit")) {
  skip_if_not_installed("knitr")
  dir.create(path, showWarnings = FALSE)
  document <- file.path(path, "document.Rmd")
  writeLines(c(paste0("```{r fit", options, "}"), code, "```"), document)
  in_process(function(document) {
    options(warmstart.verbose = TRUE)
    setwd(dirname(document))
    readLines(knitr::knit(document, sub("Rmd$", "md", document), quiet = TRUE))
  }, document)
}

chunk_of <- function(store, comment = "") {
  c(
    paste("#", comment),
    "library(mgcv)",
    "library(warmstart)",
    paste0("store <- warm_store(", deparse(store_config(store)$path), ")"),
    "fit <- warm(gam(mpg ~ s(hp) + s(wt), data = mtcars, method = \"REML\"), store)",
    "cat(\"source:\", warm_info(fit)$source, \"\\n\")",
    "cat(\"score:\", format(fit$gcv.ubre, digits = 10), \"\\n\")"
  )
}

said <- function(lines, what) {
  found <- grep(paste0("^## ", what), lines, value = TRUE)
  trimws(sub(paste0("^## ", what), "", found))
}

test_that("a document's fit is kept, and returned when the document is made again", {
  store <- new_store()
  first <- knit_chunk(chunk_of(store))
  again <- knit_chunk(chunk_of(store))
  expect_identical(said(first, "source:"), "cold")
  expect_identical(said(again, "source:"), "finished")
  expect_identical(said(again, "score:"), said(first, "score:"))
})

test_that("a document has the lines at the start and end, and no progress line", {
  lines <- knit_chunk(chunk_of(new_store()))
  expect_match(lines, "^## warmstart: Saved the finished fit", all = FALSE)
  expect_false(any(grepl("objective", lines)))
})

test_that("message = FALSE leaves the lines out", {
  lines <- knit_chunk(chunk_of(new_store()), ", message = FALSE")
  expect_false(any(grepl("warmstart:", lines)))
})

test_that("a document goes on with a fit that was interrupted elsewhere", {
  model <- quote(gam(mpg ~ s(hp) + s(wt), data = mtcars, method = "REML"))
  store <- interrupted_store(model, 2)
  expect_identical(said(knit_chunk(chunk_of(store)), "source:"), "resumed")
})

test_that("cache = TRUE may stand beside it: a chunk that changed finds its fit in the store", {
  store <- new_store()
  path <- tempfile("knit")
  cached <- function(comment) knit_chunk(chunk_of(store, comment), ", cache = TRUE", path)
  expect_identical(said(cached("one"), "source:"), "cold")
  expect_identical(said(cached("one"), "source:"), "cold") # as it was when the chunk ran
  expect_identical(said(cached("another"), "source:"), "finished")
})

test_that("in an interactive session no line is shown while knitr is at work", {
  skip_if_not_installed("withr")
  withr::local_options(knitr.in.progress = TRUE, warmstart.progress = NULL)
  expect_false(is_watched())
})

# targets ------------------------------------------------

# Not among the suggested packages: its own take a quarter of an hour to build.
from_targets <- function(name) getExportedValue("targets", name)

# A pipeline whose fit ends its own process with SIGKILL after some checkpoints, where a variable
# says so.
write_pipeline <- function(path, store) {
  dir.create(path)
  script <- file.path(path, "_targets.R")
  writeLines(c(
    "library(targets)",
    "tar_option_set(packages = c('mgcv', 'warmstart'))",
    "options(warmstart.verbose = FALSE)",
    "kill_after <- as.numeric(Sys.getenv('KILL_AFTER', 'Inf'))",
    "if (is.finite(kill_after)) {",
    "  space <- asNamespace('warmstart')",
    "  assign('first_checkpoint', 0, space$waits)",
    "  checkpoint <- space$offer_iterate",
    "  written <- 0",
    "  unlockBinding('offer_iterate', space)",
    "  assign('offer_iterate', function(...) {",
    "    written <<- written + checkpoint(...)",
    "    if (written == kill_after) tools::pskill(Sys.getpid(), tools::SIGKILL)",
    "    TRUE",
    "  }, space)",
    "}",
    "list(",
    "  tar_target(d, transform(quakes[1:400, ], strong = mag > 4.6)),",
    "  tar_target(fit, warm(",
    "    gam(strong ~ s(depth) + s(stations) + s(lat), family = binomial, data = d,",
    "        method = 'REML'),",
    paste0("    warm_store(", deparse(store_config(store)$path), ")"),
    "  )),",
    "  tar_target(score, as.vector(fit$gcv.ubre))",
    ")"
  ), script)
  list(script = script, store = file.path(path, "_targets"))
}

make_pipeline <- function(pipeline) {
  from_targets("tar_make")(
    script = pipeline$script, store = pipeline$store, reporter = "silent",
    callr_arguments = list(show = FALSE)
  )
}

read_target <- function(pipeline, name) {
  from_targets("tar_read_raw")(name, store = pipeline$store)
}

test_that("a pipeline that was killed in its fit resumes it", {
  skip_if_not_installed("targets")
  skip_if_not_installed("withr")
  skip_on_os("windows")
  store <- new_store()
  pipeline <- write_pipeline(tempfile("pipeline"), store)
  withr::with_envvar(c(KILL_AFTER = "4"), expect_error(make_pipeline(pipeline)))
  expect_identical(store_list(store)$state, "interrupted")
  at <- store_list(store)$iteration

  make_pipeline(pipeline)
  fit <- read_target(pipeline, "fit")
  expect_identical(source_of(fit), "resumed")
  expect_equal(warm_info(fit)$iterations_before, at)
  cold <- eval(earthquake_model)
  expect_equal(read_target(pipeline, "score"), score_of(cold), tolerance = 1e-6)
  expect_lte(at + warm_info(fit)$iterations, cold$outer.info$iter + 1)

  # Out of date, but the same fit: back at once.
  from_targets("tar_invalidate")("fit", store = pipeline$store)
  make_pipeline(pipeline)
  expect_identical(source_of(read_target(pipeline, "fit")), "finished")
})

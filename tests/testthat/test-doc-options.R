path_of <- function(store) store_config(store)$path

# None of the ways to a default is set.
local_defaults <- function(env = parent.frame()) {
  skip_if_not_installed("withr")
  withr::local_options(warmstart.store = NULL, .local_envir = env)
  withr::local_envvar(
    WARMSTART_STORE = NA, R_USER_CACHE_DIR = file.path(tempdir(), "cache"), .local_envir = env
  )
}

test_that("without anything set the store is in the user's cache directory", {
  local_defaults()
  expect_identical(path_of(warm_store()), tools::R_user_dir("warmstart", "cache"))
})

test_that("WARMSTART_STORE names the store", {
  local_defaults()
  withr::local_envvar(WARMSTART_STORE = file.path(tempdir(), "variable"))
  expect_identical(path_of(warm_store()), file.path(tempdir(), "variable"))
})

test_that("an empty WARMSTART_STORE counts as none", {
  local_defaults()
  withr::local_envvar(WARMSTART_STORE = "")
  expect_identical(path_of(warm_store()), tools::R_user_dir("warmstart", "cache"))
})

test_that("the option comes before the variable, and the argument before both", {
  local_defaults()
  withr::local_envvar(WARMSTART_STORE = file.path(tempdir(), "variable"))
  withr::local_options(warmstart.store = file.path(tempdir(), "option"))
  expect_identical(path_of(warm_store()), file.path(tempdir(), "option"))
  expect_identical(
    path_of(warm_store(file.path(tempdir(), "argument"))), file.path(tempdir(), "argument")
  )
})

test_that("an option that is no path is named", {
  local_defaults()
  withr::local_options(warmstart.store = 7)
  expect_argument_error(warm_store(), "options(warmstart.store)")
})

test_that("every option and variable that the package reads is documented", {
  page <- tools::Rd_db("warmstart")[["warmstart-options.Rd"]]
  skip_if(is.null(page), "installed without help pages")
  text <- paste(as.character(page), collapse = "")
  space <- asNamespace("warmstart")
  code <- unlist(lapply(ls(space, all.names = TRUE), function(name) {
    value <- get(name, space)
    if (is.function(value)) deparse(value)
  }))
  reads <- regmatches(code, gregexpr("(getOption|Sys.getenv)\\(\"[^\"]+\"", code))
  names <- unique(sub(".*\"(.*)\"", "\\1", unlist(reads)))
  ours <- setdiff(names, c("TESTTHAT", "knitr.in.progress", "progressr.enable"))
  expect_true("warmstart.verbose" %in% ours)
  for (name in ours) {
    expect_match(text, name, fixed = TRUE)
  }
})

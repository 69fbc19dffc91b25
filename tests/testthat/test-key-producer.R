made_by <- function(call, env = parent.frame()) producers(call, env)

test_that("a fit is made by R and the fitter's package, with its imports", {
  skip_if_not_installed("mgcv")
  versions <- made_by(quote(mgcv::gam(y ~ s(x), data = d)))
  expect_match(versions[["R"]], "^[0-9]+[.][0-9]+$")
  expect_identical(versions[["mgcv"]], as.character(getNamespaceVersion("mgcv"))[[1]])
  expect_true(all(c("nlme", "Matrix") %in% names(versions)))
})

test_that("R's own packages go with its version", {
  expect_identical(names(made_by(quote(glm(y ~ x, data = d)))), "R")
})

test_that("packages of functions in formulas and of the user's own functions count", {
  skip_if_not_installed("MASS")
  skip_if_not_installed("nlme")
  inner <- function(x) MASS::fractions(x)
  helper <- function(x) inner(x)
  formula <- y ~ helper(x)
  expect_true("MASS" %in% names(made_by(quote(glm(formula, data = d)))))
  expect_true("MASS" %in% names(made_by(quote(glm(y ~ helper(x), data = d)))))
  expect_true("nlme" %in% names(made_by(quote(lm(y ~ nlme::getGroups(x))))))
})

test_that("functions that use each other are no obstacle", {
  even <- function(n) n == 0 || odd(n - 1)
  odd <- function(n) n > 0 && even(n - 1)
  packages <- names(made_by(quote(glm(y ~ even(x)))))
  expect_identical(setdiff(packages, c("warmstart", "cli")), "R")
})

# A package that is installed from its sources.
install_source_package <- function(library, body) {
  source <- file.path(tempfile(), "unreleased")
  dir.create(file.path(source, "R"), recursive = TRUE)
  writeLines(c("Package: unreleased", "Version: 1.0", "Title: T", "Description: D.",
    "License: GPL", "Author: A", "Maintainer: A <a@b.c>"
  ), file.path(source, "DESCRIPTION"))
  writeLines("export(shift)", file.path(source, "NAMESPACE"))
  writeLines(paste("shift <- function(x)", body), file.path(source, "R", "shift.R"))
  utils::install.packages(source, library, repos = NULL, type = "source", quiet = TRUE)
}

test_that("a package that was not released counts by its code", {
  skip_on_cran()
  skip_if_not_installed("callr")
  library <- tempfile()
  dir.create(library)
  version <- function(body) {
    install_source_package(library, body)
    in_process(function(library) {
      do.call(loadNamespace, list("unreleased", lib.loc = library))
      warmstart:::producers(str2lang("unreleased::shift(1)"), globalenv())[["unreleased"]]
    }, library)
  }
  first <- version("x + 1")
  expect_match(first, "^1.0 [0-9a-f]{32}$")
  expect_identical(version("x   +  1"), first)
  expect_false(version("x + 2") == first)
})

test_that("compiled code that the workspace calls counts by its file", {
  expect_false("compiled" %in% names(made_by(quote(f(1)))))
  f <- function(x) .C("own", x)
  expect_match(made_by(quote(f(1)))[["compiled"]], "^[0-9a-f]{32}$")
})

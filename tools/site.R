# Builds the web site of build/tree into build/site.

# pkgdown would ask CRAN whether it knows this package, and downlit, for the home pages of packages
# that are named and not installed. Links to those are left out.
options(pkgdown.internet = FALSE)
utils::assignInNamespace(
  "CRAN_urls", function() data.frame(Package = character(), URL = character()), "downlit"
)
pkgdown::check_pkgdown("build/tree")
pkgdown::build_site(
  "build/tree",
  devel = FALSE, install = FALSE, preview = FALSE, new_process = FALSE,
  override = list(destination = normalizePath("build/site"))
)

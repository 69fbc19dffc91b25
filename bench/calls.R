# How many R functions does `warm()` call to return a finished fit, and how often does it open that
# fit's file? Counts, the same on any machine.
#
#   Rscript bench/calls.R [each]
#
# A call is one application of a closure of a loaded namespace, or of one that is written inside
# such a closure: a first statement that counts, and is no closure itself, is put into the body of
# each. Primitives do not count, nor do S4's methods and mgcv's functions, nor what makes families,
# since these are part of the keys. What is asked for is a glm() and a gam(), on data
# in the workspace, the second time in a process. With `each`, also how often each was called.

library(warmstart)
options(warmstart.verbose = FALSE, warmstart.progress = FALSE)
invisible(compiler::enableJIT(0))
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(here, "measure.R"))
bare <- load_bare(here)
counter <- bare_symbol(bare, "count_call")
counted <- bare_symbol(bare, "counted_calls")
known <- character()

counting <- function(body, name) {
  known[[length(known) + 1]] <<- name
  bquote({
    .Call(.(counter), .(length(known)))
    .(body)
  })
}

# Code in which the functions that are written in it count.
count_inside <- function(expr, name) {
  if (!is.call(expr)) {
    return(expr)
  }
  if (identical(expr[[1]], quote(`function`))) {
    expr[[3]] <- counting(count_inside(expr[[3]], name), paste(name, "inside"))
    return(expr)
  }
  for (i in seq_along(expr)) {
    part <- expr[[i]]
    if (!missing(part) && is.call(part)) expr[[i]] <- count_inside(part, name)
  }
  expr
}

count_function <- function(fun, name) {
  body(fun) <- counting(count_inside(body(fun), name), name)
  fun
}

makes_families <- c(
  "gaussian", "binomial", "poisson", "Gamma", "inverse.gaussian", "quasi", "quasibinomial",
  "quasipoisson"
)

# The functions of a package wherever they are: in its namespace, attached, imported, as methods.
count_package <- function(package) {
  space <- asNamespace(package)
  names <- setdiff(ls(space, all.names = TRUE), c(makes_families, "make.link"))
  own <- Filter(
    function(fun) typeof(fun) == "closure" && is.null(attributes(fun)[["class"]]),
    mget(names, space)
  )
  made <- Map(count_function, own, paste0(package, "::", names(own)))
  tables <- lapply(loadedNamespaces(), function(other) asNamespace(other)[[".__S3MethodsTable__."]])
  imports <- lapply(setdiff(loadedNamespaces(), "base"), function(p) parent.env(asNamespace(p)))
  places <- c(space, lapply(search(), as.environment), tables, imports)
  list(own = own, made = made, places = places)
}

replace_functions <- function(counted) {
  for (place in counted$places) {
    for (name in intersect(names(counted$own), names(place))) {
      if (identical(get(name, place), counted$own[[name]])) {
        if (bindingIsLocked(name, place)) unlockBinding(name, place)
        assign(name, counted$made[[name]], place)
      }
    }
  }
}

count_all <- function() {
  packages <- setdiff(loadedNamespaces(), c("compiler", "mgcv"))
  for (made in lapply(packages, count_package)) replace_functions(made)
}

set.seed(1)
d <- data.frame(x = runif(400))
d$y <- rpois(400, exp(sin(6 * d$x)))
path <- tempfile("store")
store <- warmstart::warm_store(path)
fits <- list(
  glm = quote(warm(glm(y ~ x, poisson, d), store)),
  gam = quote(warm(mgcv::gam(y ~ s(x), poisson, d, method = "REML"), store))
)
for (fit in fits) for (time in 1:2) eval(fit)

if ("strace" %in% commandArgs(TRUE)) {
  # What it opens between these two looks is for the caller to count.
  for (name in names(fits)) {
    file.exists(paste0("/begin-", name))
    eval(fits[[name]])
    file.exists(paste0("/end-", name))
  }
  quit()
}

count_all()
for (name in names(fits)) {
  fit <- fits[[name]]
  eval(fit)
  .Call(counted, length(known))
  eval(fit)
  calls <- .Call(counted, length(known))
  .Call(counted, length(known))
  cat(sprintf("%s: %d calls, %d of them of warmstart's functions\n", name, sum(calls),
    sum(calls[startsWith(known, "warmstart::")])))
  if ("each" %in% commandArgs(TRUE)) {
    by <- sort(tapply(calls, known, sum), decreasing = TRUE)
    by <- by[by > 0]
    cat(sprintf("  %5d %s\n", by, names(by)), sep = "")
  }
}
if ("trace" %in% commandArgs(TRUE)) print(warm_info())

# What identifies a family: its name, its links, and the numbers and strings that its functions
# carry with them. Of a family that neither stats nor mgcv made, the functions count as well.

family_part <- function(family) {
  canonical <- if (is.null(family)) {
    list(family = "gaussian", link = "identity") # what fitters take then
  } else {
    canonical_family(resolve_family(family))
  }
  new_part(canonical, "neighbourhood", paste0(
    canonical$family, "(", paste(canonical$link, collapse = ", "), ")"
  ))
}

# A name, a function and an object that mean the same give one family. Names are looked up where
# fitters do: among stats and whatever is attached.
resolve_family <- function(family) {
  if (is.null(family)) {
    return(stats::gaussian())
  }
  if (is.character(family) && length(family) == 1) {
    family <- get0(family, mode = "function", envir = globalenv()) %||%
      get0(family, mode = "function", envir = asNamespace("stats"))
  }
  if (is.function(family)) {
    family <- family()
  }
  if (!is.list(family) || !is.character(family$family)) {
    stop_argument("family", "must be a family, as `binomial()` makes one, or its name.")
  }
  family
}

canonical_family <- function(family) {
  if (is_plain_family(family)) {
    return(list(family = family$family, link = family$link))
  }
  functions <- Filter(is.function, unclass(family))
  list(
    class = class(family),
    # Families that estimate parameters write them into their name.
    family = sub(" *\\(.*", "", family$family),
    link = family_links(family),
    shape = Filter(Negate(is.null), unclass(family)[c("n.theta", "nlp", "varfun")]),
    parameters = family_parameters(family, functions),
    functions = if (is_known_family(family)) foreign_code(functions) else functions
  )
}

# mgcv's own are among them, in environments that a fit writes to: what the functions find there are
# the parameters.
foreign_code <- function(functions) {
  lapply(Filter(Negate(is_from_stats), functions), function(fun) list(formals(fun), body(fun)))
}

# All that there is to it is its name and its link's.
is_plain_family <- function(family) {
  identical(class(family), "family") && family$family %in% plain_families &&
    isTRUE(family$link %in% plain_links) &&
    all(vapply(Filter(is.function, unclass(family)), is_from_stats, NA))
}

# As stats makes it, and not put in by the user.
is_from_stats <- function(fun) identical(topenv(environment(fun)), asNamespace("stats"))

plain_families <- c(
  "gaussian", "binomial", "poisson", "Gamma", "inverse.gaussian", "quasibinomial", "quasipoisson"
)
plain_links <- c(
  "logit", "probit", "cauchit", "cloglog", "log", "identity", "inverse", "sqrt", "1/mu^2"
)

family_links <- function(family) {
  if (is.list(family$linfo)) {
    vapply(family$linfo, function(link) link$name %||% "", "")
  } else {
    family$link
  }
}

is_known_family <- function(family) {
  sub("[ (].*", "", family$family) %in% known_families
}

# First words of the names of the families of stats and mgcv.
known_families <- c(
  "gaussian", "binomial", "poisson", "Gamma", "inverse.gaussian", "quasi", "quasibinomial",
  "quasipoisson", "Negative", "negative", "negbin", "Tweedie", "Beta", "Scaled", "scaled",
  "Ordered", "zero", "ziplss", "cnorm", "cpois", "bcg", "clog", "Cox", "multinom", "Multivariate",
  "gaulss", "gammals", "gumbls", "gevlss", "shash", "twlss", "gfam"
)

# The plain values in the environments that the family's constructor left behind. What the family
# estimates is only a starting value there, and changes while the family is used.
family_parameters <- function(family, functions) {
  envs <- unique(lapply(functions, environment))
  envs <- Filter(function(env) {
    is.environment(env) && !identical(env, globalenv()) && !is_package_environment(env)
  }, envs)
  values <- unlist(lapply(unname(envs), plain_values), recursive = FALSE)
  values <- values[!duplicated(names(values))]
  if (isTRUE(family$n.theta > 0)) {
    values[c(".Theta", "iniTheta", "theta")] <- NULL
  }
  values[order(as.character(names(values)), method = "radix")]
}

# A link is known by its name; how it was written in the call does not count.
not_parameters <- c("link", "linktemp", "okLinks", "stats", "linkname")

plain_values <- function(env) {
  values <- lapply(stats::setNames(nm = setdiff(ls(env, all.names = TRUE), not_parameters)), {
    function(name) tryCatch(get(name, envir = env), error = function(e) NULL)
  })
  Filter(function(value) is.atomic(value) && length(value) %in% 1:100, values)
}

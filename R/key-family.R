# What identifies a family: its name, its links, its functions, and the parameters that these carry
# with them; not what a fit leaves in it.

family_part <- function(family) {
  if (is.null(family)) {
    canonical <- list(family = "gaussian", link = "identity") # what fitters take then
    shown <- canonical$family
  } else {
    canonical <- canonical_family(family)
    shown <- family_name(family)
  }
  new_part(canonical, "neighbourhood", paste0(
    shown, "(", paste(canonical$link, collapse = ", "), ")"
  ))
}

# A name, a function and an object that mean the same give one family. NULL stands for gaussian.
resolve_family <- function(family, fitter = "", env = globalenv()) {
  if (is.null(family)) {
    return(NULL)
  }
  if (is.character(family) && length(family) == 1) {
    family <- named_family(family, fitter, env)
  }
  if (is.function(family)) {
    family <- family()
  }
  if (!is.list(family) || !is.character(family$family)) {
    stop_argument("family", "must be a family, as `binomial()` makes one, or its name.")
  }
  family
}

# mgcv takes a text for code that it evaluates in a function of its own; others look for a function
# of that name from where they are called.
named_family <- function(name, fitter, env) {
  if (startsWith(fitter, "mgcv::")) {
    place <- new.env(parent = asNamespace("mgcv"))
    return(tryCatch(eval(parse(text = name), place), error = function(e) NULL))
  }
  if (fitter == "glmmTMB::glmmTMB" && name == "beta") name <- "beta_family"
  get0(name, mode = "function", envir = env) %||%
    get0(name, mode = "function", envir = asNamespace("stats"))
}

canonical_family <- function(family) {
  if (is_plain_family(family)) {
    return(list(family = family$family, link = family$link))
  }
  code <- family_code(family)
  functions <- Filter(is.function, code)
  frames <- constructor_frames(functions)
  own <- mapply(is_own_function, functions, names(functions), MoreArgs = list(frames))
  functions[own] <- lapply(functions[own], function(fun) list(formals(fun), body(fun)))
  list(
    class = class(family),
    family = tolower(family_name(family)), # a fit of nb() makes capitals of its initials
    link = family_links(family),
    shape = Filter(Negate(is.null), unclass(family)[c("n.theta", "nlp", "varfun")]),
    theta = if (isTRUE(family$n.theta == 0)) family$getTheta(), # else estimated
    parameters = family_parameters(frames),
    functions = functions,
    expressions = Filter(is.expression, code),
    members = if (is.function(family$getfl)) lapply(family$getfl(), canonical_family) # gfam's
  )
}

# Without parameters: families that estimate them write them into their name, and negbin() has one
# name for each that it chooses from.
family_name <- function(family) {
  sub(" *\\(.*", "", family$family[[1]])
}

family_links <- function(family) {
  if (is.list(family$linfo)) {
    vapply(family$linfo, function(link) link$name %||% "", "")
  } else {
    family$link
  }
}

# All that there is to it is its name and its link's.
is_plain_family <- function(family) {
  if (!identical(class(family), "family") || !isTRUE(family$family %in% plain_families) ||
    !isTRUE(family$link %in% plain_links)) {
    return(FALSE)
  }
  code <- family_code(family)
  has_same_code(code, plain_code(family$family, family$link)) &&
    are_from_stats(code)
}

are_from_stats <- function(family) {
  parts <- unclass(family)
  homes <- unique(lapply(parts[vapply(parts, is.function, NA)], environment))
  all(vapply(homes, is_within, NA, "stats"))
}

# Kept once it is known: to make a family takes as long as to make the key.
plain_code <- function(name, link) {
  key <- paste(name, link)
  if (is.null(plain_codes[[key]])) {
    constructor <- get(name, asNamespace("stats"))
    plain_codes[[key]] <- family_code(constructor(stats::make.link(link)))
  }
  plain_codes[[key]]
}

plain_codes <- new.env(parent = emptyenv())

plain_families <- c(
  "gaussian", "binomial", "poisson", "Gamma", "inverse.gaussian", "quasibinomial", "quasipoisson"
)
plain_links <- c(
  "logit", "probit", "cauchit", "cloglog", "log", "identity", "inverse", "sqrt", "1/mu^2"
)

# Its functions and expressions, short of what a fit by mgcv adds to it.
family_code <- function(family) {
  parts <- unclass(family)
  code <- parts[vapply(parts, is.function, NA) | vapply(parts, is.expression, NA)]
  for (basis in names(derived_functions)) {
    if (is_from(code[[basis]], family_packages)) {
      added <- intersect(derived_functions[[basis]], names(code))
      code[added[vapply(code[added], is_from, NA, family_packages)]] <- NULL
    }
  }
  code
}

# What mgcv derives from a function of a family, and adds to it.
derived_functions <- list(
  linkfun = c("d2link", "d3link", "d4link", "g2g", "g3g", "g4g"),
  variance = c("dvar", "d2var", "d3var", "ls")
)

family_packages <- c("stats", "mgcv")

is_from <- function(fun, packages) typeof(fun) == "closure" && is_within(environment(fun), packages)

is_within <- function(env, packages) {
  is.environment(env) && environmentName(topenv(env)) %in% packages
}

has_same_code <- function(a, b) identical(a, b, ignore.environment = TRUE)

# The frames of constructors of stats or mgcv: a function that was left there is found under its own
# name.
constructor_frames <- function(functions) {
  is_left <- mapply(function(fun, name) {
    is_from(fun, family_packages) && is_anonymous(environment(fun)) &&
      exists(name, envir = environment(fun), inherits = FALSE)
  }, functions, names(functions))
  unique(unname(lapply(functions[as.logical(is_left)], environment)))
}

# As stats or mgcv made it. What such a function finds outside are its constructor's variables, or,
# moved to an environment that a fit writes to, copies of them.
is_own_function <- function(fun, name, frames) {
  is_from(fun, family_packages) || any(vapply(frames, function(frame) {
    has_same_code(get0(name, envir = frame, inherits = FALSE), fun)
  }, NA))
}

# The plain values among the constructor's variables, by name.
family_parameters <- function(frames) {
  values <- unlist(lapply(frames, plain_values), recursive = FALSE)
  values <- values[!duplicated(names(values))]
  values[order(as.character(names(values)), method = "radix")]
}

plain_values <- function(env) {
  values <- lapply(stats::setNames(nm = setdiff(ls(env, all.names = TRUE), not_parameters)), {
    function(name) tryCatch(get(name, envir = env), error = function(e) NULL)
  })
  Filter(function(value) is.atomic(value) && length(value) > 0, values)
}

# A link is known by its name; how it was written in the call does not count. Theta is known by
# getTheta(), or else is where its estimation starts.
not_parameters <- c("link", "linktemp", "okLinks", "stats", "linkname", "theta", "iniTheta")

# The fitter deparses `link`, so that it is a word. One that names no link is a variable of the
# workspace.
identify_glm_nb <- function(call, env) {
  link <- call$link
  if (!is.null(link)) call$link <- deparse1(link)
  key <- identify_model(
    call, env, "MASS::glm.nb", aligned = glm_aligned, ignored_control = "trace"
  )
  value <- if (is.name(link)) find_captured(as.character(link), globalenv())
  if (is.null(value)) {
    return(key)
  }
  new_model_fingerprint(c(key$parts, named_part("variable", "link", value, "specification")))
}

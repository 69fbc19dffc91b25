# What a key must tell apart beyond what code refers to: what the fitter sees of its data, arguments
# as they are, names that only the fitter can look up, random numbers, the place where it runs.

code <- function(...) {
  as.call(c(as.name("{"), as.list(parse(text = paste0(...), keep.source = FALSE))))
}
pair <- function(name, a, b, expect = "diff", pkgs = character()) {
  do.call(case, list(name, a, b, expect, pkgs))
}
both <- function(name, text, values, expect = "diff", pkgs = character()) {
  made <- lapply(values, function(value) code(gsub("VAL", value, text, fixed = TRUE)))
  pair(name, made[[1]], made[[2]], expect, pkgs)
}

data <- paste(
  "set.seed(3); n <- 60;",
  "d <- data.frame(x = runif(n), z = runif(n), g = gl(6, 10), v1 = runif(n));",
  "d$v2 <- rev(d$v1) + .1; d$y <- d$x + d$v1^2 + rnorm(6)[d$g] + rnorm(n) / 5; d$b <- d$y > 1;",
  "d$time <- as.POSIXct(3600 * (1:60), origin = '2024-01-01', tz = ''); d$cnt <- rpois(n, 2);",
  "d$txt <- rep(c('a', 'B', '_c'), 20); d$h <- factor(d$txt);"
)

# Terms, seen by no reading of code. ---------------------------------------------------------------

terms <- list(
  get = c("nm <- 'vVAL';", "get(nm)"),
  get_paste = c("k <- VAL;", "get(paste0('v', k))"),
  parse = c("nm <- 'vVAL';", "eval(parse(text = nm))"),
  text = c("nm <- 'vVAL';", "eval(str2lang(nm))"),
  power = c("k <- VAL;", "I(x^k)"),
  helper = c("f <- function(x) x^VAL;", "f(x)"),
  by_name = c("f <- function(x) x^VAL; nm <- 'f';", "do.call(nm, list(x))"),
  global = c("g2 <- VAL; f <- function(x) x^get('g2', globalenv());", "f(x)"),
  option = c("options(own = VAL);", "I(x^getOption('own'))"),
  deep_option = c(
    "options(own = VAL); o <- function(n) do.call('getOption', list(n));",
    "I(x^o('own'))"
  ),
  setting = c("Sys.setenv(OWN = VAL);", "I(x^as.numeric(Sys.getenv('OWN')))"),
  sample = c("set.seed(VAL);", "sample(x)"),
  noise = c("set.seed(VAL);", "I(x + rnorm(60))"),
  element = c("l <- list(k = VAL);", "I(x^l$k)"),
  matrix = c("m <- cbind(d$x^VAL);", "m"),
  env = c("e <- new.env(); e$k <- VAL;", "I(x^e$k)"),
  method = c(
    "d$x <- structure(d$x, class = 'own'); `^.own` <- function(e1, e2) unclass(e1)^VAL;",
    "I(x^2)"
  ),
  zone = c("Sys.setenv(TZ = c('UTC', 'Asia/Kolkata')[VAL]);", "as.numeric(format(time, '%H'))"),
  knots = c("k <- c(.4, .6)[VAL];", "pmax(x - k, 0)"),
  cut = c("k <- VAL + 1;", "cut(x, k)"),
  poly = c("k <- VAL;", "poly(x, k)"),
  ifelse = c("k <- VAL / 3;", "ifelse(x > k, 1, 0)")
)
fitters <- list(
  gam = c("mgcv", "mgcv::gam(y ~ TERM + s(z, k = 4), data = d, method = 'REML')"),
  glm = c("stats", "glm(y ~ TERM + z, data = d)"),
  lmer = c("lme4", "lme4::lmer(y ~ TERM + (1 | g), data = d)"),
  lme = c("nlme", "nlme::lme(y ~ TERM, random = ~ 1 | g, data = d)"),
  gls = c("nlme", "nlme::gls(y ~ TERM, data = d)"),
  glmmTMB = c("glmmTMB", "glmmTMB::glmmTMB(y ~ TERM + (1 | g), data = d)"),
  lm = c("stats", "lm(y ~ TERM + z, data = d)"),
  survreg = c("survival", "survival::survreg(survival::Surv(exp(y)) ~ TERM, data = d)")
)
for (fitter in names(fitters)) {
  for (term in names(terms)) {
    call <- sub("TERM", terms[[term]][[2]], fitters[[fitter]][[2]], fixed = TRUE)
    both(
      paste("term", fitter, term), paste0(data, terms[[term]][[1]], "FIT(", call, ")"), 1:2,
      pkgs = setdiff(fitters[[fitter]][[1]], "stats")
    )
  }
}

with_bases <- paste(
  "function(object, data, knots) {",
  "  object$bs.dim <- 4 + VAL; mgcv::smooth.construct.cr.smooth.spec(object, data, knots)",
  "}"
)
smooths <- list(
  get = c("nm <- 'vVAL';", "s(get(nm), k = 5)"),
  basis = c("k <- 3 + VAL;", "s(x, k = k)"),
  basis_get = c("kVAL <- 4 + VAL; nm <- 'kVAL';", "s(x, k = get(nm))"),
  type = c("bs <- c('tp', 'cr')[VAL];", "s(x, bs = bs, k = 5)"),
  by = c("nm <- 'vVAL';", "s(x, by = get(nm), k = 5)"),
  sp = c("k <- 10^VAL;", "s(x, sp = k, k = 5)"),
  tensor = c("nm <- 'vVAL';", "te(z, get(nm), k = 3)"),
  helper = c("f <- function(x) x^VAL;", "s(f(x), k = 5)"),
  constructor = c(
    paste(
      "smooth.construct.own.smooth.spec <-", with_bases, ";",
      "Predict.matrix.own <- mgcv::Predict.matrix;"
    ),
    "s(x, bs = 'own', k = 5)"
  ),
  registered = c(
    paste(
      "registerS3method('smooth.construct', 'reg.smooth.spec',", with_bases, ",",
      "envir = asNamespace('mgcv'));"
    ),
    "s(x, bs = 'reg', k = 5)"
  )
)
for (fitter in c("gam", "bam")) {
  for (smooth in names(smooths)) {
    call <- paste0("mgcv::", fitter, "(y ~ ", smooths[[smooth]][[2]], ", data = d)")
    both(
      paste("smooth", fitter, smooth), paste0(data, smooths[[smooth]][[1]], "FIT(", call, ")"), 1:2,
      pkgs = "mgcv"
    )
  }
}

# Structures of nlme, each against each. -----------------------------------------------------------

structures <- c(
  none = "",
  power = "weights = nlme::varPower(form = ~ x)",
  exp = "weights = nlme::varExp(form = ~ x)",
  ident = "weights = nlme::varIdent(form = ~ 1 | h)",
  fixed = "weights = nlme::varFixed(~ x)",
  corExp = "correlation = nlme::corExp(form = ~ z | g)",
  corGaus = "correlation = nlme::corGaus(form = ~ z | g)",
  corSpher = "correlation = nlme::corSpher(form = ~ z | g)",
  corLin = "correlation = nlme::corLin(form = ~ z | g)",
  corRatio = "correlation = nlme::corRatio(form = ~ z | g)",
  corAR1 = "correlation = nlme::corAR1(form = ~ 1 | g)",
  corCAR1 = "correlation = nlme::corCAR1(form = ~ z | g)",
  symm = "correlation = nlme::corCompSymm(form = ~ 1 | g)"
)
for (i in seq_along(structures)) {
  for (j in seq_len(i - 1)) {
    calls <- lapply(structures[c(i, j)], function(structure) {
      code(data, "FIT(nlme::gls(y ~ x", if (nzchar(structure)) ", ", structure, ", data = d))")
    })
    name <- paste("gls", names(structures)[[i]], names(structures)[[j]])
    pair(name, calls[[1]], calls[[2]], "diff", "nlme")
  }
}

# What only the fitter can look up. ----------------------------------------------------------------

mine <- "mine <- function() binomial('VAL');"
named <- list(
  family_local = paste(
    "f <- function() { mine <- binomial('VAL'); m <- function() mine; glm(b ~ x, 'm', data = d) };",
    "FIT(f())"
  ),
  family_global = paste(mine, "FIT(glm(b ~ x, 'mine', data = d))"),
  family_function = paste(mine, "FIT(glm(b ~ x, mine, data = d))"),
  family_object = "mine <- binomial('VAL'); FIT(glm(b ~ x, mine, data = d))",
  family_gam = paste(mine, "FIT(mgcv::gam(b ~ s(x, k = 4), family = 'mine', data = d))"),
  family_lmer = paste(
    mine, "FIT(lme4::glmer(b ~ x + (1 | g), family = 'mine', data = d, nAGQ = 0))"
  ),
  family_TMB = paste(mine, "FIT(glmmTMB::glmmTMB(b ~ x + (1 | g), family = 'mine', data = d))"),
  link = "lk <- 'VAL'; FIT(glm(b ~ x, binomial(link = lk), data = d))",
  inner = paste("f <- function() {", mine, "FIT(glm(b ~ x, 'mine', data = d)) }; f()")
)
for (name in names(named)) {
  both(paste("named", name), paste0(data, named[[name]]), c("logit", "probit"))
}
both(
  "named glm.nb link",
  paste0(data, "lk <- 'VAL'; FIT(MASS::glm.nb(cnt ~ x, link = lk, data = d))"),
  c("log", "sqrt")
)
both(
  "named scat",
  paste(
    data, "scat <- function(...) gaussian(link = 'VAL');",
    "FIT(mgcv::gam(exp(y) ~ s(x, k = 4), family = 'scat', data = d))"
  ),
  c("log", "identity"), "same", "mgcv"
)

contrasted <- list(
  argument = "FIT(lm(y ~ h, d, contrasts = list(h = 'cm')))",
  glm = "FIT(glm(y ~ h, data = d, contrasts = list(h = 'cm')))",
  lmer = "FIT(lme4::lmer(y ~ h + (1 | g), d, contrasts = list(h = 'cm')))",
  attribute = "attr(d$h, 'contrasts') <- 'cm'; FIT(glm(y ~ h, data = d))",
  option = "options(contrasts = c('cm', 'contr.poly')); FIT(glm(y ~ h, data = d))",
  matrix = "FIT(glm(y ~ h, data = d, contrasts = list(h = cm(3))))",
  C = "FIT(glm(y ~ C(h, cm), data = d))"
)
for (name in names(contrasted)) {
  both(
    paste("contrasts", name),
    paste0(data, "cm <- function(n, ...) contr.VAL(n);", contrasted[[name]]),
    c("sum", "helmert")
  )
}

rows <- list(
  lme = "FIT(nlme::lme(y ~ x, random = ~ 1 | g, data = d, subset = keep))",
  gls = "FIT(nlme::gls(y ~ x, data = d, subset = keep))",
  gls_written = "FIT(nlme::gls(y ~ x, data = d, subset = x > lim))",
  glm = "FIT(glm(y ~ x, data = d, subset = keep))",
  lm = "FIT(lm(y ~ x, d, subset = x > lim))",
  gam = "FIT(mgcv::gam(y ~ s(x, k = 4), data = d, subset = x > lim))",
  lmer = "FIT(lme4::lmer(y ~ x + (1 | g), d, subset = keep))",
  weights = "FIT(glm(y ~ x, data = d, weights = wt))",
  lm_weights = "FIT(lm(y ~ x, d, weights = wt))",
  TMB_weights = "FIT(glmmTMB::glmmTMB(y ~ x + (1 | g), d, weights = wt))",
  TMB_offset = "FIT(glmmTMB::glmmTMB(y ~ x + (1 | g), d, offset = wt))",
  offset = "FIT(glm(y ~ x, data = d, offset = wt))",
  offset_term = "FIT(glm(y ~ x + offset(wt), data = d))",
  indexed = "FIT(glm(y ~ x, data = d[d$x > lim, ]))",
  ordered = "FIT(loess(y ~ x, d[d$x > lim, ]))"
)
for (name in names(rows)) {
  both(paste("rows", name), paste0(
    data, "lim <- .VAL; keep <- d$x > lim; wt <- 1 + d$v1 * VAL;", rows[[name]]
  ), 1:2, pkgs = if (grepl("TMB", name)) "glmmTMB" else character())
}

# Any function: its arguments as they are. ---------------------------------------------------------

any_values <- list(
  type = c("1L", "1"),
  class = c("1", "structure(1, class = 'a')"),
  name = c("c(a = 1)", "1"),
  attribute = c("1", "structure(1, note = 2)"),
  row_names = c("data.frame(a = 1)", "data.frame(a = 1, row.names = 'r')"),
  columns = c("data.frame(a = 1, b = 2)", "data.frame(b = 2, a = 1)"),
  levels = c("factor('a')", "factor('a', c('a', 'b'))"),
  ordered = c("factor('a')", "factor('a', ordered = TRUE)"),
  zone = c(
    "as.POSIXct(0, 'UTC', origin = '1970-01-01')",
    "as.POSIXct(0, 'Asia/Tokyo', origin = '1970-01-01')"
  ),
  tibble = c("data.frame(a = 1)", "tibble::tibble(a = 1)"),
  units = c("as.difftime(1, units = 'mins')", "as.difftime(1, units = 'secs')"),
  language = c("quote(a)", "quote(b)"),
  call = c("quote(f(1))", "quote(f(2))"),
  list = c("list(1)", "list(list(1))"),
  empty = c("NULL", "list()"),
  empty_class = c("numeric()", "structure(numeric(), class = 'a')"),
  environment = c("list2env(list(a = 1))", "list2env(list(a = 2))"),
  deep = c("list(list2env(list(a = 1)))", "list(list2env(list(a = 2)))"),
  closure = c("local({ a <- 1; function() a })", "local({ a <- 2; function() a })"),
  missing = c("NA", "NA_integer_"),
  nan = c("NaN", "NA_real_"),
  near = c("1", "1 + 2^-52"),
  order = c("c(a = 1, b = 2)", "c(b = 2, a = 1)"),
  text = c("'a'", "'b'"),
  matrix = c("matrix(1:4, 2)", "matrix(1:4, 1)"),
  dimnames = c("matrix(1, 1)", "matrix(1, 1, dimnames = list('a', NULL))")
)
show <- paste(
  "f <- function(a) list(",
  "  class(a), typeof(a),",
  "  paste(deparse(if (is.environment(a)) as.list(a) else a), collapse = ''),",
  "  if (is.function(a)) a(),",
  "  if (is.list(a) && length(a) > 0 && is.environment(a[[1]])) as.list(a[[1]]),",
  "  attributes(a), identical(a, 1)",
  ");"
)
for (name in names(any_values)) {
  values <- any_values[[name]]
  both(paste("value", name), paste0(show, "FIT(f(VAL))"), values)
  both(paste("value in dots", name), paste0(show, "g <- function(...) f(...); FIT(g(VAL))"), values)
}

# Each a text, and what VAL is in A and in B.
any_calls <- list(
  order = c("f <- function(...) c(...); FIT(f(VAL))", "1, 2", "2, 1"),
  names = c("f <- function(...) list(...); FIT(f(VAL))", "a = 1, b = 2", "b = 2, a = 1"),
  duplicates = c("f <- function(...) list(...); FIT(f(VAL))", "a = 1, a = 2", "a = 2, a = 1"),
  forwarded = c(
    "f <- function(...) sum(...); g <- function(...) FIT(f(...)); g(1, VAL)", "2", "3"
  ),
  forwarded_name = c(
    "f <- function(...) sum(...); g <- function(...) FIT(f(...)); a <- VAL; g(a)", "1", "2"
  ),
  masked = c("k <- VAL; FIT(subset(data.frame(a = 1:4), a > k))", "1", "2"),
  masked_bound = c("a <- 9; k <- VAL; FIT(subset(data.frame(a = 1:4), a > k))", "1", "2"),
  with = c("k <- VAL; FIT(with(list(a = 1), a + k))", "1", "2"),
  written = c("f <- function(a) deparse(substitute(a)); u <- v <- 1; FIT(f(VAL))", "u", "v"),
  formula = c(
    "v <- VAL; f <- function(a) eval(a[[2]], environment(a)); FIT(f(~v))", "1", "2"
  ),
  formula_list = c(
    "v <- VAL; f <- function(a) eval(a[[1]][[2]], environment(a[[1]])); FIT(f(list(~v)))",
    "1", "2"
  ),
  quosure = c(
    "v <- VAL; f <- function(a) rlang::eval_tidy(a); FIT(f(rlang::quo(v)))", "1", "2"
  ),
  named_function = c(
    "h <- function(x) VAL; f <- function(a) do.call(a, list(1)); FIT(f('h'))", "x", "-x"
  ),
  default = c("v <- VAL; f <- function(a = v) a; FIT(f())", "1", "2"),
  body = c("f <- function() VAL; FIT(f())", "1", "2"),
  collation = c(
    paste(
      "Sys.setlocale('LC_COLLATE', 'VAL'); f <- function() sort(c('b', 'A', 'a'));",
      "FIT(f())"
    ),
    "C", "en_US.UTF-8"
  ),
  zone = c(
    paste(
      "Sys.setenv(TZ = 'VAL');",
      "f <- function() format(as.POSIXct(0, origin = '1970-01-01')); FIT(f())"
    ),
    "UTC", "Asia/Tokyo"
  ),
  digits = c("options(digits = VAL); f <- function() format(pi); FIT(f())", "3", "5"),
  drawn = c("set.seed(VAL); f <- function(x) mean(x); FIT(f(runif(3)))", "1", "2"),
  method = c(
    paste(
      "print.own <- NULL; mean.own <- function(x, ...) VAL;",
      "FIT(lapply(list(structure(1, class = 'own')), mean))"
    ),
    "1", "2"
  ),
  registered = c(
    paste(
      "registerS3method('mean', 'reg', function(x, ...) VAL);",
      "FIT(lapply(list(structure(1, class = 'reg')), mean))"
    ),
    "1", "2"
  ),
  fit = c("a <- lm(mpg ~ VAL, mtcars); f <- function(a) coef(a); FIT(f(a))", "wt", "hp"),
  fit_merMod = c(
    paste(
      "a <- lme4::lmer(Reaction ~ VAL + (1 | Subject), lme4::sleepstudy);",
      "f <- function(a) lme4::fixef(a); FIT(f(a))"
    ),
    "Days", "1"
  ),
  fit_gam = c(
    "a <- mgcv::gam(mpg ~ s(VAL), data = mtcars); f <- function(a) coef(a); FIT(f(a))",
    "wt", "hp"
  ),
  fit_gam_poisson = c(
    paste(
      "a <- mgcv::gam(carb ~ s(VAL), poisson, data = mtcars);",
      "f <- function(a) coef(a); FIT(f(a))"
    ),
    "wt", "hp"
  )
)
for (name in names(any_calls)) {
  both(paste("call", name), any_calls[[name]][[1]], any_calls[[name]][-1])
}

# What is the same. --------------------------------------------------------------------------------

alike <- list(
  indexed = c("d2 <- d; FIT(loess(y ~ x, data = d2[VAL, ]))", "d2$x > .2", "which(d2$x > .2)"),
  others_rows = c(
    "VAL f <- function(data) mean(data$y); FIT(f(data = d[d$g == 1, ]))", "", "d$y[60] <- 99;"
  ),
  spelled = c("FIT(glm(VAL))", "y ~ x + z, data = d", "data = d, formula = y  ~  (x) + z"),
  unrelated = c("VAL FIT(glm(y ~ x, data = d))", "", "unrelated <- 1;"),
  unused_column = c("VAL FIT(lm(y ~ x, data = d))", "", "d$v1 <- NULL;"),
  default = c("FIT(mgcv::gam(y ~ s(x), data = dVAL))", "", ", gamma = 1, select = FALSE"),
  seed = c("set.seed(VAL); FIT(glm(y ~ x, data = d))", "1", "2"),
  local = c(
    "VAL f <- function(p) { v <- 1; (p - v)^2 }; FIT(optimize(f, c(-5, 5)))", "", "v <- 7;"
  ),
  argument = c("VAL f <- function(v) (v - 1)^2; FIT(optimize(f, c(-5, 5)))", "", "v <- 7;"),
  alias = c("FIT(VALloess(y ~ x, data = d))", "stats::", ""),
  family = c("FIT(glm(b ~ x, VAL, data = d))", "binomial", "'binomial'"),
  method = c("VAL FIT(glm(y ~ x, data = d))", "", "my.helper <- function(x) x;"),
  zone = c("Sys.setenv(TZ = 'VAL'); FIT(glm(y ~ x, data = d))", "UTC", "Asia/Tokyo"),
  store = c(
    "f <- function(p) (p - 1)^2; VAL FIT(optimize(f, c(-5, 5)))",
    "", "st <- warmstart::warm_store(tempfile());"
  )
)
for (name in names(alike)) {
  both(paste("same", name), paste0(data, alike[[name]][[1]]), alike[[name]][-1], "same")
}

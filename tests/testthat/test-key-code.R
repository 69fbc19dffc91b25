# What of its surroundings counts for a function: all that its code could mean.

# Does a value that the code's surroundings have under the name `v` or `h` count?
in_place <- function(f, v) {
  h <- function(p) p - v
  environment(f) <- list2env(list(v = v, h = h), parent = globalenv())
  fingerprint(f)
}

expect_counts <- function(f) expect_false(in_place(f, 1) == in_place(f, 2))
expect_hidden <- function(f) expect_identical(in_place(f, 1), in_place(f, 2))

masked <- alist(
  "in a branch" = if (p > 1) v <- 10,
  "in both branches of another name" = if (p > 1) v <- 10 else w <- 10,
  "in a loop over nothing" = for (i in integer()) v <- 10,
  "in a loop that is left" = repeat {
    if (p > 1) break
    v <- 10
  },
  "in a switch" = switch(p,
    a = v <- 10
  ),
  "behind &&" = p > 1 && (v <- 10),
  "in an argument that is perhaps not evaluated" = list(v <- 10),
  "in a place of its own" = local(v <- 10),
  "in quoted code" = quote(v <- 10),
  "in a function" = (function() v <- 10)(),
  "in a try() that fails" = try(v <- stop(), silent = TRUE),
  "and then removed" = {
    v <- 10
    rm(v)
  },
  "of its parts alone" = v$a <- 10,
  "in a function that was made before" = {
    g <- function() v
    p <- g()
    v <- 10
  }
)

for (how in names(masked)) {
  test_that(paste("a name counts that code assigns", how), {
    f <- eval(bquote(function(p) {
      .(masked[[how]])
      v
    }))
    expect_counts(f)
  })
}

test_that("a name that code has surely assigned before does not count", {
  expect_hidden(function(p) {
    v <- p
    v
  })
  expect_hidden(function(v) v)
  expect_hidden(function(p) {
    if (p > 1) v <- 1 else v <- 2
    g <- function() v
    g()
  })
  expect_hidden(function(p) {
    for (v in p) print(v)
  })
  expect_hidden(function(p) {
    h <- function(p) p
    h(p)
  })
  expect_hidden(function(p) p$v)
  expect_hidden(function(p) stats::v)
})

test_that("a function counts though a variable has its name", {
  expect_counts(function(p) {
    h <- 5
    h(p)
  })
  expect_counts(function(h) h(2))
  expect_counts(function(p) {
    h <- function(p) p
    h <- 5
    h(p)
  })
})

looked_up <- alist(
  get("v"), get0("v"), mget(c("v", "w")), exists("v"), dynGet("v"), base::get("v"),
  get(paste0("", p)), eval(quote(v)), eval(p), evalq(v, p), eval(parse(text = "v")),
  eval(str2lang("v + 1")), parse(text = p), eval(as.name("v")), as.name(p),
  eval(as.formula("~ v")[[2]]), as.formula(p), call("v"), call(p), globalenv()$v,
  .GlobalEnv[["v"]], environment()$v, parent.frame()$v, sys.function(1), as.environment(1),
  do.call("h", p), do.call(what = "h", args = p), do.call(p, list()), do.call(paste0("h", ""), p),
  match.fun("h"), match.fun(p), sapply(p, "h"), base::sapply(p, "h"), lapply(p, p), Map("h", p),
  vapply(FUN = "h", X = p, FUN.VALUE = 1), Reduce("h", p), outer(p, 1, "h"), sweep(p, 2, 1, "h"),
  purrr::map(p, "h"), rlang::exec("h", p), optim(p, "h"), p("h"), h(p), list(h)[[1]](p), p ~ v,
  with(p, v), local(v), bquote(.(v)), (function(x = v) x)(), v <<- p, `v`, if (p) v, -v
)

for (code in looked_up) {
  test_that(paste("what is looked up counts by", deparse1(code)), {
    expect_counts(eval(bquote(function(p) .(code))))
  })
}

test_that("names that no reading can tell make all count that is bound around", {
  bound <- function(...) {
    f <- function(name) get(name)
    environment(f) <- list2env(list(...), parent = globalenv())
    fingerprint(f)
  }
  expect_identical(bound(a = 1, b = "x"), bound(b = "x", a = 1))
  expect_false(bound(a = 1) == bound(a = 2))
  expect_false(bound(a = 1) == bound(a = 1, b = 2))
})

test_that("a variable that names a function for a look-up makes all count", {
  place <- function(f, value) {
    call <- function(p) do.call(f, list(p))
    environment(call) <- list2env(list(f = f, other = value), parent = globalenv())
    fingerprint(call)
  }
  expect_false(place("other", function(p) 1) == place("other", function(p) 2))
  expect_identical(place(mean, function(p) 1), place(mean, function(p) 2))
})

test_that("methods count for generics that are called and classes that are named", {
  place <- function(f, name, method) {
    environment(f) <- list2env(stats::setNames(list(method), name), parent = globalenv())
    fingerprint(f)
  }
  differ <- function(f, name) {
    expect_false(place(f, name, function(x, ...) 1) == place(f, name, function(x, ...) 2))
  }
  differ(function(p) UseMethod("g"), "g.default")
  differ(function(p) length(p), "length.mine")
  differ(function(p) sum(p), "Summary.mine")
  differ(function(p) p + 1, "Ops.mine")
  differ(function(p) p[[1]], "[[.mine")
  differ(function(p) stats::weighted.mean(structure(p, class = "mine")), "as.double.mine")
  expect_identical(
    place(function(p) p + 1, "unrelated.name", function(x) 1),
    place(function(p) p + 1, "unrelated.name", function(x) 2)
  )
})

test_that("options and environment variables count that code asks for", {
  skip_if_not_installed("withr")
  asks <- function(p) getOption("own.option")
  reads <- function(p) Sys.getenv("OWN_VARIABLE")
  before <- c(fingerprint(asks), fingerprint(reads))
  withr::local_options(own.option = 1)
  withr::local_envvar(OWN_VARIABLE = "1")
  expect_false(any(c(fingerprint(asks), fingerprint(reads)) == before))
})

test_that("functions that use each other in many ways have a fingerprint in no time", {
  place <- new.env()
  names <- paste0("f", 1:40)
  for (name in names) {
    uses_all <- as.call(c(quote(list), lapply(names, as.name)))
    assign(name, as.function(c(alist(x = ), uses_all)), place)
    environment(place[[name]]) <- place
  }
  expect_match(format(fingerprint(place$f1)), "^[0-9a-f]{32}$")
})

test_that("an argument that was not given, and dots, are no obstacle", {
  outer <- function(x, missing, ...) {
    f <- function(p) p + x + missing + sum(...)
    fingerprint(f)
  }
  expect_identical(outer(1, , 2), outer(1, , 2))
  expect_false(outer(1, , 2) == outer(1, , 3))
  expect_false(outer(1, , 2) == outer(1, 5, 2))
})

# What cachem documents of its caches ------------------------------------------------

# The same expectations for cachem's own caches and for ours. `make(missing)` makes an empty cache
# that is given the expression `missing`.
expect_cachem <- function(make) {
  cache <- make(key_missing())
  expect_s3_class(cache, "cachem")
  methods <- c("get", "set", "exists", "remove", "keys", "reset", "prune", "size", "info")
  expect_true(all(methods %in% names(cache)))
  expect_true(all(vapply(cache[methods], is.function, NA)))

  # Empty.
  expect_identical(cache$size(), 0L)
  expect_identical(cache$keys(), character())
  expect_false(cache$exists("a"))
  expect_s3_class(cache$get("a"), "key_missing")
  expect_identical(cache$get("a"), cachem::key_missing())
  expect_true(cachem::is.key_missing(cache$get("a")))

  # Values of every kind come back as they went in.
  values <- list(
    null = NULL, na = NA, int = 1:3, raw = as.raw(0:255), text = c(a = "\u00e9"),
    list = list(1, NULL),
    frame = data.frame(x = 1:2, f = factor(c("u", "v"))), fun = stats::sd,
    formula = stats::as.formula("y ~ x", globalenv()), call = quote(f(x)),
    time = as.POSIXct("2020-01-01", "UTC"), empty = list()
  )
  for (name in names(values)) {
    expect_true(cache$set(name, values[[name]]))
    expect_true(cache$exists(name))
    expect_equal(cache$get(name), values[[name]])
  }
  expect_invisible(cache$set("na", NA))
  expect_setequal(cache$keys(), names(values))
  expect_identical(cache$size(), length(values))

  # A value is replaced.
  cache$set("int", "other")
  expect_identical(cache$get("int"), "other")
  expect_identical(cache$size(), length(values))

  # Removing what is there, and what is not.
  cache$remove("int")
  expect_false(cache$exists("int"))
  expect_s3_class(cache$get("int"), "key_missing")
  expect_invisible(cache$remove("int"))
  expect_setequal(cache$keys(), setdiff(names(values), "int"))

  # Keys.
  valid <- c("a", "0", "a_b", "a-b", "-", "_", strrep("k", 79), paste0(strrep("k", 78), "l"))
  for (key in valid) {
    cache$set(key, key)
  }
  for (key in valid) {
    expect_identical(cache$get(key), key)
  }
  expect_true(all(valid %in% cache$keys()))
  invalid <- list("", "A", "a.b", "a b", "a/b", "\u00e9", NA_character_, 1, NULL, letters, TRUE)
  for (key in invalid) {
    expect_error(cache$set(key, 1))
    expect_error(cache$get(key))
    expect_error(cache$exists(key))
    expect_error(cache$remove(key))
  }

  # What is missing is an expression.
  expect_null(cache$get("nothing", missing = NULL))
  expect_error(cache$get("nothing", missing = stop("on purpose")), "on purpose")
  expect_identical(cache$get("na", missing = stop("on purpose")), NA)
  quosure <- rlang::quo(1 + 1)
  expect_identical(cache$get("nothing", missing = quosure), 2)
  evaluated <- 0
  counting <- make({
    evaluated <<- evaluated + 1
    evaluated
  })
  expect_identical(evaluated, 0)
  expect_identical(counting$get("nothing"), 1)
  expect_identical(counting$get("nothing"), 2)
  expect_null(counting$get("nothing", missing = NULL))
  throwing <- make(stop("not there"))
  expect_error(throwing$get("nothing"), "not there")
  # Not within an expectation, which would unquote it itself.
  unquoted <- make(!!quosure)
  expect_identical(unquoted$get("nothing"), 2)

  # Everything goes, and more can come.
  cache$prune()
  expect_true(cache$exists("na"))
  expect_invisible(cache$reset())
  expect_identical(cache$size(), 0L)
  cache$set("a", 1)
  expect_identical(cache$get("a"), 1)
  expect_type(cache$info(), "list")
}

# `missing` is passed on as it was written.
makes <- function(call) {
  call <- substitute(call)
  function(missing) {
    call$missing <- substitute(missing)
    eval.parent(call)
  }
}

test_that("cachem's own disk cache behaves as these tests expect", {
  skip_if_not_installed("cachem")
  skip_if_not_installed("rlang")
  expect_cachem(makes(cachem::cache_disk(tempfile("cache"))))
})

test_that("a store as a cache behaves as cachem's disk cache does", {
  skip_if_not_installed("cachem")
  skip_if_not_installed("rlang")
  expect_cachem(makes(as_cachem(warm_store(tempfile("store")))))
})

# Keys ------------------------------------------------

test_that("a key may be of any length", {
  cache <- as_cachem(new_store())
  keys <- c(strrep("a", c(57, 58, 143, 144, 5000)), paste0(strrep("a", 4999), "b"))
  for (key in keys) {
    cache$set(key, nchar(key))
  }
  expect_identical(vapply(keys, cache$get, 1L, USE.NAMES = FALSE), nchar(keys))
  expect_setequal(cache$keys(), keys)
  cache$remove(keys[[5]])
  expect_setequal(cache$keys(), keys[-5])
})

test_that("a key that is none names the argument", {
  expect_argument_error(as_cachem(new_store())$get("Not a key"), "key")
  expect_argument_error(as_cachem(new_store())$set("a\n", 1), "key")
  expect_argument_error(as_cachem(new_store())$remove(""), "key")
})

test_that("what is no store is named", {
  expect_argument_error(as_cachem(1), "store")
})

# Beside fits ------------------------------------------------

test_that("fits are neither found, listed, removed nor reset", {
  store <- new_store()
  cache <- as_cachem(store)
  store_save(store, cache_key("a"), 1, kind = "final", label = "a")
  store_save(store, a_key, list(key = "b", value = 1), kind = "final", run_id = "cachem.b")
  store_save(store, other_key, 2)
  before <- store_list(store)
  cache$set("c", 3)
  expect_identical(cache$keys(), "c")
  expect_false(cache$exists("a"))
  expect_false(cache$exists("b"))
  cache$remove("a")
  cache$reset()
  expect_setequal(store_list(store)$run_id, before$run_id)
})

test_that("a listing tells values from fits", {
  store <- new_store()
  store_save(store, a_key, 1, kind = "final")
  as_cachem(store)$set("the-key", 1)
  rows <- store_list(store)
  expect_setequal(rows$state, c("finished", "cached"))
  expect_identical(rows$label[rows$state == "cached"], "the-key")
  expect_identical(store_info(store)$runs, 1L)
  expect_identical(store_info(store)$finished, 1L)
  expect_identical(store_info(store)$cached, 1L)
  expect_match(format(store_info(store)), "and 1 cached value.", all = FALSE)
})

test_that("a fit is resumed and returned beside values", {
  skip_if_not_installed("mgcv")
  store <- interrupted_store(earthquake_model, 3)
  as_cachem(store)$set("a", 1)
  expect_identical(source_of(warm_call(earthquake_model, store)), "resumed")
  as_cachem(store)$reset()
  expect_identical(source_of(warm_call(earthquake_model, store)), "finished")
})

# Bounds ------------------------------------------------

test_that("a value that is too old is missing", {
  store <- new_store(max_age = "10 s")
  cache <- as_cachem(store)
  cache$set("a", 1)
  pass_time(store, 11)
  expect_null(cache$get("a", missing = NULL))
  expect_identical(cache$keys(), character())
})

test_that("prune keeps the store's bound, and what was used last", {
  store <- new_store(max_size = 20000)
  cache <- as_cachem(store)
  for (key in c("a", "b", "c", "d")) {
    cache$set(key, as.raw(rep(1, 6000)))
    pass_time(store, 5)
  }
  cache$prune()
  expect_true(cache$exists("d"))
  expect_false(cache$exists("a"))
  expect_lte(store_info(store)$bytes, 20000)
})

test_that("prune keeps the values that were got last", {
  store <- new_store()
  cache <- as_cachem(store)
  for (key in c("a", "b", "c", "d")) cache$set(key, as.raw(rep(1, 6000)))
  Sys.setFileTime(run_files(store), Sys.time() - 60)
  cache$get("a")
  as_cachem(warm_store(store_config(store)$path, max_size = 7000))$prune()
  expect_identical(cache$keys(), "a")
})

test_that("a store that cannot be written keeps nothing, with a warning", {
  cache <- as_cachem(blocked_store())
  expect_warning(kept <- cache$set("a", 1), class = "warmstart_warning_store")
  expect_false(kept)
  expect_s3_class(cache$get("a"), "key_missing")
})

# Trust ------------------------------------------------

test_that("from a store of all, plain values are returned and code is missing, with a warning", {
  skip_on_os("windows")
  store <- new_store()
  cache <- as_cachem(store)
  cache$set("plain", data.frame(x = 1:3))
  cache$set("code", function(x) x)
  open_to_all(store)
  expect_identical(cache$get("plain"), data.frame(x = 1:3))
  expect_withheld(expect_null(cache$get("code", missing = NULL)))
  trusting <- as_cachem(warm_store(store_config(store)$path, trust = TRUE))
  expect_type(trusting$get("code"), "closure")
})

test_that("a value under another's key is not taken for it", {
  store <- new_store()
  cache <- as_cachem(store)
  cache$set("b", 1)
  store_save(
    store, cache_key("a"), list(key = "b", value = 2), kind = "final",
    run_id = cache_run_id("a")
  )
  expect_s3_class(cache$get("a"), "key_missing")
})

# Several processes ------------------------------------------------

test_that("what one process has set another gets, also through an object that was sent there", {
  store <- new_store()
  cache <- as_cachem(store)
  cache$set("here", 1)
  there <- in_process(function(cache) {
    cache$set("there", mean)
    list(cache$get("here"), cache$keys())
  }, cache)
  expect_identical(there, list(1, c("here", "there")))
  expect_identical(cache$get("there"), mean)
})

test_that("processes that set the same keys at once leave whole values", {
  skip_on_os("windows")
  skip_if_not_installed("parallel")
  local_many_processes()
  cache <- as_cachem(new_store())
  parallel::mclapply(1:4, function(process) {
    for (i in 1:25) {
      cache$set(paste0("k", i %% 5), rep(process, 2000))
    }
  }, mc.cores = 4)
  expect_identical(cache$keys(), paste0("k", 0:4))
  for (key in cache$keys()) {
    value <- cache$get(key)
    expect_length(value, 2000)
    expect_length(unique(value), 1)
  }
})

# Who uses caches ------------------------------------------------

test_that("memoise keeps its values in a store, for other processes too", {
  skip_if_not_installed("memoise")
  store <- new_store()
  calls <- 0
  square <- memoise::memoise(function(x) {
    calls <<- calls + 1
    x^2
  }, cache = as_cachem(store))
  expect_identical(square(3), 9)
  expect_identical(square(3), 9)
  expect_identical(square(4), 16)
  expect_identical(calls, 2)
  memoise::drop_cache(square)(4)
  square(4)
  expect_identical(calls, 3)
  memoise::forget(square)
  square(3)
  expect_identical(calls, 4)
})

test_that("a memoised function finds in a new process what it had computed", {
  skip_if_not_installed("memoise")
  call_memoised <- function(store) {
    calls <- 0
    square <- memoise::memoise(function(x) {
      calls <<- calls + 1
      x^2
    }, cache = as_cachem(store))
    c(square(3), calls)
  }
  store <- new_store()
  expect_identical(in_process(call_memoised, store), c(9, 1))
  expect_identical(in_process(call_memoised, store), c(9, 0))
})

test_that("shiny's bindCache keeps its values in a store", {
  skip_if_not_installed("shiny")
  store <- new_store()
  computed <- 0
  server <- function(input, output, session) {
    doubled <- shiny::bindCache(shiny::reactive({
      computed <<- computed + 1
      input$x * 2
    }), input$x, cache = as_cachem(store))
    output$doubled <- shiny::renderText(doubled())
  }
  for (visit in 1:2) {
    shiny::testServer(server, {
      session$setInputs(x = 3)
      expect_identical(output$doubled, "6")
      session$setInputs(x = 4)
      expect_identical(output$doubled, "8")
      session$setInputs(x = 3)
      expect_identical(output$doubled, "6")
    })
  }
  expect_identical(computed, 2)
  expect_identical(as_cachem(store)$size(), 2L)
})

test_that("a store may be a layer under memory", {
  skip_if_not_installed("cachem")
  store <- new_store()
  cache <- cachem::cache_layered(cachem::cache_mem(), as_cachem(store))
  cache$set("a", 1)
  expect_identical(as_cachem(store)$get("a"), 1)
  fresh <- cachem::cache_layered(cachem::cache_mem(), as_cachem(store))
  expect_identical(fresh$get("a"), 1)
})

test_that("a cache prints where it is and what it holds", {
  store <- new_store()
  cache <- as_cachem(store)
  cache$set("a", 1)
  expect_output(print(cache), store_config(store)$path, fixed = TRUE)
  expect_output(print(cache), "1 value")
})

test_that("a word that is too long is cut in its middle, to the width", {
  expect_identical(cut_middle("abcdefghij", 10), "abcdefghij")
  expect_identical(cut_middle("abcdefghijk", 10), "abc...hijk")
  expect_identical(cut_middle(c("a", strrep("x", 9), ""), 5), c("a", "x...x", ""))
})

test_that("widths are those of a terminal", {
  wide <- strrep("\u6f22", 10)
  expect_lte(nchar(cut_middle(wide, 11), "width"), 11)
  expect_lte(nchar(cut_text(wide, 11), "width"), 11)
})

test_that("wrapped text keeps its words, but for those too long for a line", {
  skip_if_not_installed("withr")
  withr::local_options(width = 30)
  text <- paste("at", strrep("/directory", 6), "there is nothing")
  lines <- wrap_text(text, exdent = 2)
  expect_lte(max(nchar(lines)), 30)
  expect_match(
    paste(lines, collapse = ""), "^at +/directory/.*[.]{3}.*/directory +there is +nothing$"
  )
})

test_that("what stands beside a head goes below it where it has no room", {
  skip_if_not_installed("withr")
  withr::local_options(width = 40)
  expect_identical(wrap_beside("head: ", "text"), "head: text")
  expect_identical(
    wrap_beside("head: ", strrep("word ", 10)),
    c("head: word word word word word word", "      word word word word")
  )
  expect_identical(wrap_beside("head: ", a_key), paste("head:", a_key))
  expect_identical(
    wrap_beside("a longer head: ", a_key), c("a longer head:", paste0("    ", a_key))
  )
  expect_identical(wrap_beside("head: ", ""), "head: ")
})

# Everything that prints, of a store deep down ------------------------------------------------

deep_store <- function() {
  warm_store(file.path(tempfile("deep"), strrep("directory", 8), strrep("another", 8)))
}

# Prints, messages, warnings and errors of `expr`, as lines.
said_in_all <- function(expr) {
  said <- character()
  note <- function(condition) said <<- c(said, conditionMessage(condition))
  shown <- withCallingHandlers(
    capture.output(tryCatch(print(expr), error = note)),
    message = function(m) {
      note(m)
      invokeRestart("muffleMessage")
    },
    warning = function(w) {
      note(w)
      invokeRestart("muffleWarning")
    }
  )
  unlist(strsplit(c(shown, said), "\n"))
}

silent <- function(expr) {
  force(expr)
  "done"
}

expect_within <- function(expr, width) {
  lines <- said_in_all(expr)
  long <- lines[nchar(lines, "width") > width | grepl("\033", lines)]
  expect_identical(long, character())
  expect_gt(length(lines), 0)
}

for (width in c(80, 40)) {
  test_that(paste("a store and its listings hold in", width, "columns"), {
    skip_if_not_installed("withr")
    withr::local_options(width = width, cli.width = width)
    store <- deep_store()
    expect_within(store, width)
    expect_within(summary(store), width)
    as_cachem(store)$set("value", 1)
    label <- strrep("long label ", 12)
    store_save(store, a_key, 1, objective = -1e12, iteration = 2^52, label = label)
    store_count(store, "seeded")
    store_save(store, other_key, 1, kind = "final")
    flip_byte(run_file(store, list_runs(store, other_key)$run_id), 260)
    file.create(file.path(store_config(store)$path, strrep("stranger", 12)))
    expect_within(store, width)
    expect_within(store_info(store), width)
    expect_within(store_list(store), width)
    expect_within(summary(store), width)
    expect_within(as_cachem(store), width)
    expect_within(store_check(store), width)
    expect_within(store_evict(store), width)
    expect_within(store_lookup(store, a_key), width)
  })

  test_that(paste("sessions, histories and keys hold in", width, "columns"), {
    skip_if_not_installed("withr")
    withr::local_options(width = width, cli.width = width)
    session <- new_session(deep_store(), label = strrep("long label ", 12))
    expect_within(session, width)
    for (i in 1:20) session_checkpoint(session, i, objective = -1e12 / i, iteration = 2^50)
    expect_within(session, width)
    expect_within(session_status(session), width)
    expect_within(session_history(session), width)
    search <- warm_objective(new_session(deep_store()), function(x) sum(x^2))
    search$fn(c(a_long_name = 1.23456789, another_long_name = pi))
    expect_within(search, width)
    expect_within(fingerprint(1), width)
    expect_within(fingerprinter(), width)
    a <- fingerprint_model(mpg ~ hp + wt + qsec + drat + disp + cyl + gear + carb + am, mtcars)
    b <- fingerprint_model(mpg ~ hp + log(disp), mtcars[-1, ], family = Gamma("log"))
    expect_within(a, width)
    expect_within(fingerprint_diff(a, b), width)
  })

  test_that(paste("what is said of a fit holds in", width, "columns"), {
    skip_if_not_installed("withr")
    withr::local_options(width = width, cli.width = width, warmstart.verbose = TRUE)
    store <- deep_store()
    many <- quote(glm(mpg ~ hp + wt + qsec + drat + disp + cyl + gear + carb, data = mtcars))
    some <- many
    some$data <- quote(mtcars[-1, ])
    short <- function(call, store) warm_info(suppressWarnings(warm_call(call, store)))
    for (call in list(many, some, some)) expect_within(short(call, store), width)
    expect_within(short(many, blocked_store()), width)
    fit <- suppressMessages(warm_call(many, store))
    expect_within(warm_verify(fit), width)
    expect_within(warm_call(quote(noquote("untouched")), store), width)
  })

  test_that(paste("warnings and errors that name a path hold in", width, "columns"), {
    skip_if_not_installed("withr")
    withr::local_options(width = width, cli.width = width, cli.condition_width = width)
    path <- store_config(deep_store())$path
    expect_within(silent(warn_withheld(path)), width)
    expect_within(silent(warn_unread(path, "Input/output error")), width)
    expect_within(stop_store(paste("cannot open", path), "Permission denied"), width)
    expect_within(stop_argument("path", paste("is no", strrep("/directory", 10))), width)
  })
}

test_that("the nearest text is one with few letters apart, or one that is begun so", {
  texts <- c("reuse", "near", "quickstart", "trust", "depends")
  expect_identical(nearest_text("resue", texts), "reuse")
  expect_identical(nearest_text("Reuse", texts), "reuse")
  expect_identical(nearest_text("quick", texts), "quickstart")
  expect_identical(nearest_text("dependson", texts), "depends")
  expect_null(nearest_text("colour", texts))
  expect_null(nearest_text("a", character()))
})

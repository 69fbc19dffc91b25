# What an Rscript prints: lines of stdout and stderr.
shell_output <- function(code, path) {
  skip_if_not_installed("callr")
  skip_if_not_installed("withr")
  withr::local_envvar(
    WARMSTART_STORE = path, R_LIBS = paste(.libPaths(), collapse = .Platform$path.sep)
  )
  output <- callr::rscript(
    script_of(code), show = FALSE, cmdargs = "--vanilla", env = Sys.getenv(), stderr = "2>&1"
  )$stdout
  strsplit(output, "\r?\n")[[1]]
}

script_of <- function(code) {
  script <- tempfile(fileext = ".R")
  writeLines(code, script)
  script
}

# A store with a name short enough for a line, and everything in it.
full_store <- function() {
  store <- new_store()
  store_save(store, a_key, 1, objective = 12.5, iteration = 7, label = strrep("long label ", 12))
  store_save(store, other_key, 1, objective = -1e12, kind = "final", label = "\u00fcber")
  store_save(store, fingerprint(1), 1, iteration = 2^52)
  save_seed(store, fingerprint(2), 1, 3, 4, NULL, "seed")
  as_cachem(store)$set("value", 1)
  store
}

looks <- c(
  "warmstart::store_info()", "warmstart::store_list()", "warmstart::store_check()",
  "warmstart::store_evict()", "warmstart::warm_store()", "warmstart::as_cachem()"
)

test_that("looking at a store that is not there prints, and makes nothing", {
  path <- tempfile("none")
  for (look in looks) {
    expect_gt(length(shell_output(look, path)), 0)
  }
  expect_false(file.exists(path))
})

test_that("listings of a store hold in 80 columns, without colour", {
  store <- full_store()
  for (look in c("warmstart::store_list()", "warmstart::store_evict()")) {
    lines <- shell_output(look, store_config(store)$path)
    expect_lte(max(nchar(lines, "width")), 80)
    expect_false(any(grepl("[\001-\037\177]", lines)))
  }
})

test_that("from a shell a listing tells state, label, objective and age of each run", {
  lines <- shell_output("warmstart::store_list()", store_config(full_store())$path)
  expect_match(lines[[1]], "key .*state .*objective .*iteration .*size .*age .*label")
  expect_match(lines, "interrupted +12[.]5 +7 .* long label .*[.]{3}$", all = FALSE)
  expect_match(lines, "finished +-1e[+]12 ", all = FALSE)
  expect_match(lines, "interrupted +4503599627370496 ", all = FALSE)
  expect_match(lines, "cached .* value$", all = FALSE)
  lines <- shell_output("warmstart::store_list(all = TRUE)", store_config(full_store())$path)
  expect_match(lines, "seed +3 +4 ", all = FALSE)
})

test_that("of a long listing the newest are printed", {
  store <- new_store()
  for (i in 1:25) store_save(store, fingerprint(i), i)
  expect_output(print(store_list(store)), "... and 5 more.", fixed = TRUE)
  expect_length(capture.output(print(store_list(store), n = 3)), 5)
})

test_that("a listing with columns left out prints as a data frame", {
  rows <- store_list(full_store())
  expect_output(print(rows["objective"]), "objective")
  expect_output(print(rows[0, ]), "No runs.")
  expect_output(print(store_check(full_store())["path"]), "path")
  expect_output(print(store_evict(full_store())["files"]), "files")
})

test_that("listings are data frames", {
  skip_if_not_installed("tibble")
  store <- full_store()
  for (frame in list(store_list(store), store_check(store), store_evict(store))) {
    expect_s3_class(frame, "data.frame")
    expect_named(tibble::as_tibble(frame), names(frame))
  }
})

test_that("a check prints each finding with its path on a line of its own", {
  store <- new_store()
  store_save(store, a_key, 1)
  flip_byte(run_files(store), 260)
  lines <- shell_output(
    "warmstart::store_check(repair = TRUE)", store_config(store)$path
  )
  expect_lte(max(nchar(lines)), 80)
  path <- grepl("[.]warm$", lines)
  expect_identical(sum(path), 1L)
  expect_match(
    paste(lines[!path], collapse = " "),
    "^damaged [(].*[)]: .*removed Whole paths are in the column `path`[.]$"
  )
})

test_that("a sweep prints what it removed", {
  store <- new_store(max_age = "10 s")
  store_save(store, a_key, 1)
  pass_time(store, 11)
  expect_output(print(store_evict(store)), "^Removed 1 file, .*: 1 expired[.]$")
})

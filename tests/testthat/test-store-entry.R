an_entry <- function(payload = raw(3), ...) {
  store <- new_store()
  store_save(store, a_key, payload, ..., run_id = "mine")
  store_lookup(store, a_key)
}

test_that("an entry prints its kind, label, key and run", {
  text <- format(an_entry(kind = "final", label = "banana {x}"))
  expect_identical(text[[1]], "<warm_entry> final \"banana {x}\"")
  expect_true(paste("key:", a_key) %in% text)
  expect_true("run: mine" %in% text)
})

test_that("an entry prints objective and iteration where it has them", {
  expect_match(
    format(an_entry(objective = 2.5, iteration = 1e6)),
    "^objective 2.5, iteration 1000000, written .* ago$",
    all = FALSE
  )
})

test_that("an entry without objective and iteration prints neither", {
  expect_no_match(format(an_entry()), "objective|iteration")
})

test_that("an entry prints how large its payload is", {
  expect_true("payload: 3 bytes" %in% format(an_entry()))
  expect_match(format(an_entry(list(1))), "^payload: list, ", all = FALSE)
})

test_that("an entry that was loaded prints its source", {
  session <- new_session()
  session_checkpoint(session, raw(1))
  expect_match(format(session_load(session)), "source exact", all = FALSE)
})

test_that("printing an entry returns it", {
  entry <- an_entry()
  expect_output(value <- print(entry), "warm_entry")
  expect_identical(value, entry)
})

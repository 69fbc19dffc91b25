# Two users of one group, whom tools/users has made, and root, who runs this. Ana makes the stores.

library(testthat)

users <- strsplit(Sys.getenv("USERS"), " ")[[1]]
ana <- users[[1]]
ben <- users[[2]]

# What R code prints and says, run by `user` under that umask, with the store's path for `path`.
as_user <- function(user, path, code, umask = "077") {
  script <- tempfile("script", Sys.getenv("USERS_BASE"), ".R")
  writeLines(c(
    "library(warmstart); options(warmstart.verbose = FALSE, width = 200)",
    paste0("Sys.umask(\"", umask, "\")"), paste("path <-", deparse(path)), code
  ), script)
  Sys.chmod(script, "0644", use_umask = FALSE)
  on.exit(unlink(script))
  command <- if (user == "root") "Rscript" else "runuser"
  suppressWarnings(system2(
    command, c(if (user != "root") c("-u", user, "--", "Rscript"), script),
    stdout = TRUE, stderr = TRUE
  ))
}

# A directory of the user's, which the group may write.
new_place <- function(user, mode = "0770") {
  place <- tempfile("place", Sys.getenv("USERS_BASE"))
  dir.create(place)
  system2("chown", c(paste0(user, ":", Sys.getenv("USERS_GROUP")), place))
  Sys.chmod(place, mode, use_umask = FALSE)
  file.path(place, "store")
}

save_some <- function(ids, open = "warm_store(path)") {
  paste0(
    "store <- ", open, "; for (i in ", ids,
    ") cat(!is.na(store_save(store, fingerprint(i), i, objective = i)), '')"
  )
}

test_that("members of a group share a store, whatever their umask", {
  path <- new_place(ana)
  said <- as_user(ana, path, save_some("1:20", "warm_store(path, shared = \"group\")"))
  expect_identical(said, strrep("TRUE ", 20))
  expect_identical(as_user(ben, path, save_some("11:40")), strrep("TRUE ", 30))
  expect_identical(as_user(ana, path, save_some("31:40")), strrep("TRUE ", 10))
  for (user in c(ana, ben)) {
    said <- as_user(user, path, c(
      "store <- warm_store(path); cat(nrow(store_list(store)), ''); print(store_check(store))",
      "found <- function(i) store_lookup(store, fingerprint(i))$payload",
      "cat(found(5L), found(25L), '')",
      "print(store)"
    ))
    expect_match(said, "^60 All is well", all = FALSE)
    expect_match(said, "^5 25", all = FALSE)
    expect_match(said, "Shared: all of its group", all = FALSE)
  }
  said <- as_user(ben, path, "cat(store_delete(warm_store(path), fingerprint(5L)))")
  expect_identical(said, "1")
})

test_that("a finished fit of a shared store is withheld unless trusted, and its state starts one", {
  path <- new_place(ana)
  fit <- c(
    "data <- data.frame(x = seq(0, 3, length.out = 200)); data$y <- exp(data$x) + sin(1:200)",
    "fit <- warm(nls(y ~ a * exp(b * x), data, start = list(a = 2, b = 0.5)), store)",
    "cat(warm_info(fit)$source)"
  )
  said <- as_user(ana, path, c("store <- warm_store(path, shared = \"group\")", fit))
  expect_match(said, "cold", all = FALSE)
  said <- as_user(ben, path, c("store <- warm_store(path)", fit))
  expect_match(said, "was not loaded, since others may have written it", all = FALSE)
  expect_false(any(grepl("finished", said)))
  said <- as_user(ben, path, c("store <- warm_store(path, trust = TRUE)", fit))
  expect_identical(said, "finished")
})

test_that("a store that is another's alone is said to be, and how it could be shared", {
  path <- new_place(ana)
  expect_identical(as_user(ana, path, save_some("1:3")), strrep("TRUE ", 3))
  said <- as_user(ben, path, c(save_some("1:3"), "print(store_list(store))", "print(store)"))
  expect_match(said, "shared = \"group\"", all = FALSE, fixed = TRUE)
  expect_match(said, "1 file or directory could not be read (Permission denied)",
    all = FALSE, fixed = TRUE
  )
  said <- as_user(ben, path, "print(store_check(warm_store(path)))")
  expect_match(said, "unreadable", all = FALSE)
  expect_false(any(grepl("All is well", said)))
  said <- as_user(ben, path, "store <- warm_store(path, shared = \"group\")")
  expect_match(said, "could not be shared", all = FALSE)
  # Its owner shares what is there.
  as_user(ana, path, "store <- warm_store(path, shared = \"group\")")
  said <- as_user(ben, path, "cat(nrow(store_list(warm_store(path))))")
  expect_identical(said, "3")
})

test_that("after a session as root the first save that fails says which command mends the store", {
  path <- new_place(ana, "0755")
  expect_identical(as_user(ana, path, save_some("1:2")), "TRUE TRUE ")
  as_user("root", path, save_some("100:300"))
  # The same keys, so the same directories.
  said <- as_user(ana, path, "store_save(warm_store(path), fingerprint(150L), 1)")
  command <- paste0("chown -R ", ana, " '", path, "'")
  expect_match(said, "belongs to root", all = FALSE)
  expect_match(said, paste("sudo", command), all = FALSE, fixed = TRUE)
  session <- paste(
    "session_checkpoint(warm_session(warm_store(path), fingerprint(150L)), 1, objective = 1)"
  )
  expect_match(as_user(ana, path, session), paste("sudo", command), all = FALSE, fixed = TRUE)
  expect_identical(system(command), 0L)
  expect_identical(as_user(ana, path, save_some("150:160")), strrep("TRUE ", 11))
})

test_that("what another user says of the sweep removes nothing", {
  path <- new_place(ana)
  expect_identical(as_user(ana, path, save_some("1:20")), strrep("TRUE ", 20))
  Sys.chmod(c(path, file.path(path, "v1")), "0777", use_umask = FALSE)
  unlink(file.path(path, "v1", ".swept"))
  # To him the store is far too large; what has to go for that is in the file he writes.
  said <- as_user(ben, path, save_some("1001:1040", "warm_store(path, max_size = 2000)"))
  expect_true(file.exists(file.path(path, "v1", ".swept")))
  Sys.chmod(file.path(path, "v1", ".swept"), "0666", use_umask = FALSE)
  expect_identical(as_user(ana, path, save_some("21:40")), strrep("TRUE ", 20))
  found <- as_user(ana, path, c(
    "store <- warm_store(path)",
    "cat(sum(vapply(1:40, function(i) !is.null(store_lookup(store, fingerprint(i))), NA)))"
  ))
  expect_match(found, "^40$", all = FALSE)
})

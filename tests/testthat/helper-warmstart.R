options(warmstart.verbose = FALSE)
# Most fits of these tests are over before warm() would keep anything of them.
assign("first_checkpoint", 0, asNamespace("warmstart")$waits)
options(warmstart.near_from = 0) # what takes a moment starts others, too

# Stores and keys ------------------------------------------------

a_key <- "00112233445566778899aabbccddeeff"
other_key <- "ffeeddccbbaa99887766554433221100"

new_store <- function(...) {
  warm_store(tempfile("store"), ...)
}

new_session <- function(store = new_store(), key = a_key, ...) {
  warm_session(store, key, ...)
}

# Time in a store is a parameter.
pass_time <- function(store, seconds) {
  .Call(C_store_shift_clock, store, seconds)
}

# The files of a store's runs.
run_files <- function(store) {
  list.files(
    store_config(store)$path,
    pattern = "[.]warm$", recursive = TRUE, full.names = TRUE, all.files = TRUE
  )
}

run_file <- function(store, run_id) {
  force(run_id)
  file <- run_files(store)
  file[endsWith(file, paste0("-", run_id, ".warm"))]
}

read_bytes <- function(file) {
  readBin(file, "raw", file.size(file))
}

write_bytes <- function(file, bytes) {
  writeBin(bytes, file)
}

# Flips the bits of one byte, counted from 0.
flip_byte <- function(file, offset) {
  bytes <- read_bytes(file)
  bytes[[offset + 1]] <- xor(bytes[[offset + 1]], as.raw(0xff))
  write_bytes(file, bytes)
}

# A store that cannot be written: a regular file stands where its parent should be. Holds for
# every user, root among them.
blocked_store <- function() {
  parent <- tempfile("parent")
  store <- warm_store(file.path(parent, "store"))
  file.create(parent)
  store
}

unblock <- function(store) {
  file.remove(dirname(store_config(store)$path))
}

# Expectations ------------------------------------------------

expect_argument_error <- function(expr, argument) {
  error <- expect_error(expr, class = "warmstart_error_argument")
  expect_identical(error$argument, argument)
}

# Warnings of ours, muffled and gathered.
collect_warnings <- function(expr) {
  warnings <- list()
  withCallingHandlers(expr, warmstart_warning = function(w) {
    warnings <<- c(warnings, list(w))
    invokeRestart("muffleWarning")
  })
  warnings
}

# Other processes ------------------------------------------------

# Runs `fun` in an R process of its own, with this package attached.
in_process <- function(fun, ..., env = character()) {
  skip_if_not_installed("callr")
  callr::r(
    function(fun, arguments) {
      suppressWarnings(library(warmstart))
      options(warmstart.verbose = FALSE)
      assign("first_checkpoint", 0, asNamespace("warmstart")$waits)
      options(warmstart.near_from = 0)
      environment(fun) <- globalenv()
      do.call(fun, arguments, quote = TRUE)
    },
    list(fun, list(...)),
    libpath = .libPaths(), env = c(callr::rcmd_safe_env(), env)
  )
}

# An R process that stays, for as long as the test does.
new_process <- function(env = parent.frame()) {
  skip_if_not_installed("callr")
  skip_if_not_installed("withr")
  process <- callr::r_session$new(
    callr::r_session_options(libpath = .libPaths(), env = callr::rcmd_safe_env()),
    wait_timeout = 60000
  )
  withr::defer(process$close(), envir = env)
  process$run(function() {
    suppressWarnings(library(warmstart))
    NULL
  })
  process
}

# Ends a process as a crash does.
crash <- function(process) {
  process$kill()
  process$wait()
}

# Runs R code in a namespace of its own, where a small file system is mounted on `directory`; it
# is gone with the process. `options` are mount's.
in_mount <- function(options, directory, code) {
  skip_if(Sys.which("unshare") == "", "needs unshare")
  dir.create(directory)
  mount <- paste("mount -t tmpfs -o", options, "none", shQuote(directory))
  if (length(attr(in_namespace(mount), "status")) > 0) {
    skip("cannot mount a file system here")
  }
  script <- tempfile(fileext = ".R")
  writeLines(code, script)
  rscript <- file.path(R.home("bin"), "Rscript")
  in_namespace(paste(mount, "&& exec", shQuote(rscript), shQuote(script)))
}

# Output of a shell command, whose mounts nobody else sees. Users other than root need a
# namespace of users, too.
in_namespace <- function(command) {
  flags <- if (Sys.info()[["effective_user"]] == "root") "-m" else "-rm"
  suppressWarnings(system2(
    "unshare", c(flags, "sh", "-c", shQuote(command)),
    stdout = TRUE, stderr = TRUE, env = paste0("R_LIBS=", paste(.libPaths(), collapse = ":"))
  ))
}

# Internals ------------------------------------------------

# Another value for something inside the package, for as long as the test runs.
local_internal <- function(name, value, env = parent.frame()) {
  skip_if_not_installed("withr")
  space <- asNamespace("warmstart")
  original <- get(name, space)
  replace <- function(with) {
    unlockBinding(name, space)
    assign(name, with, space)
    lockBinding(name, space)
  }
  replace(value)
  withr::defer(replace(original), envir = env)
}

# R CMD check allows two processes at a time. What has to hold among ten cannot be shown with two;
# on CRAN's machines it is not shown.
local_many_processes <- function(env = parent.frame()) {
  skip_on_cran()
  skip_if_not_installed("withr")
  withr::local_envvar("_R_CHECK_LIMIT_CORES_" = "false", .local_envir = env)
}

# What is asked for: the call, standardised, its adapter and its keys; or why it has none. The
# arguments are evaluated here and again by the fitter: random ones must come out the same.
new_request <- function(expr, env) {
  request <- list(expr = expr, env = env)
  fun <- tryCatch(eval(expr[[1]], env), error = function(e) NULL)
  adapter <- if (is.function(fun)) find_adapter(fun)
  if (is.null(adapter)) {
    request$reason <- paste0("`", deparse1(expr[[1]]), "()` is not a fitter that warm() knows")
    return(request)
  }
  random <- save_random_state()
  on.exit(restore_random_state(random))
  tryCatch(
    {
      request$call <- match.call(fun, expr, envir = env)
      request$adapter <- adapter
      request$key <- adapter$identify(request$call, env)
    },
    error = function(e) request$reason <<- conditionMessage(e)
  )
  request
}

# The formula, cut to what a record has room for.
request_label <- function(request) {
  text <- part_text(request$key$parts$formula)
  text <- gsub("[[:cntrl:]]", " ", enc2utf8(text))
  while (nchar(text, "bytes") > label_bytes) {
    text <- substr(text, 1, nchar(text) - 1)
  }
  text
}

label_bytes <- 143 # as src/core/record.h has it

# R's minor version and the fitter's: what another one made is only good to start from.
request_versions <- function(request) {
  c(R = sub("\\.[^.]*$", "", as.character(getRversion())), request$adapter$versions())
}

# Every error of ours has the class "warmstart_error" and one of its own; every warning,
# "warmstart_warning". Texts say what went wrong, with which argument, and what to do.

stop_warmstart <- function(message, class, ..., call = NULL) {
  stop(errorCondition(
    told(cli::format_error, message),
    ...,
    class = c(paste0("warmstart_error_", class), "warmstart_error"),
    call = call
  ))
}

# Called from C, too.
stop_argument <- function(argument, problem) {
  stop_warmstart(
    paste0("`", argument, "` ", problem),
    class = "argument",
    argument = argument
  )
}

# Called from C: `place` is where in the object the value sits, `type` its R type.
stop_opaque <- function(place, type) {
  stop_warmstart(
    c(
      paste0("`", place, "` is of type ", type, ", which has no value to fingerprint."),
      i = "Leave it out, or use `opaque = \"ignore\"` if it cannot change the result."
    ),
    class = "opaque",
    place = place
  )
}

# Called from C: `doing` is what could not be done.
stop_store <- function(doing, reason) {
  stop_warmstart(paste0(doing, ": ", reason, "."), class = "store")
}

warn_warmstart <- function(message, class) {
  warning(warningCondition(
    told(cli::format_warning, message),
    class = c(paste0("warmstart_warning_", class), "warmstart_warning")
  ))
}

# As cli sets it; where a file that this takes cannot be opened, since the process has no descriptor
# left, as it is. cli is loaded with this package, for the same reason.
#' @importFrom cli format_error
told <- function(format, message) {
  tryCatch(
    suppressWarnings(format(for_cli(message))),
    error = function(e) paste(message, collapse = "\n")
  )
}

warn_not_kept <- function(reason, what, store = NULL, key = NULL) {
  warn_warmstart(
    c(
      paste0(what, " could not be kept: ", reason, "."),
      if (!is.null(store)) way_past(.Call(C_store_barrier, store, key), store_config(store)$path),
      i = "Nothing stops; there will be no further warning about it."
    ),
    class = "store"
  )
}

# What is in the way, and the command that mends it: a session as root leaves directories of its own
# in a user's store.
way_past <- function(barrier, path) {
  if (is.null(barrier)) {
    return(NULL)
  }
  barred <- file.info(barrier[[1]])
  if (barred$uname %in% Sys.info()[["effective_user"]]) {
    return(own_way(barrier[[1]], is_writable = bitwAnd(barred$mode, as.octmode("200")) > 0))
  }
  is_root <- barrier[[2]] == 0
  owner <- if (is_root) "root" else paste("the user of number", barrier[[2]])
  c(
    i = paste0(format_text(barrier[[1]]), " belongs to ", owner, "."),
    i = if (is_root) {
      user <- Sys.info()[["effective_user"]]
      paste("To make the store yours again: sudo chown -R", user, shQuote(path))
    } else {
      paste0(
        "Its owner can share it with a group: warm_store(",
        encodeString(path, quote = "\""), ", shared = \"group\")"
      )
    }
  )
}

# What bars its own owner, who may be root: its rights, or the file system that it is on.
own_way <- function(path, is_writable) {
  c(
    i = paste0(format_text(path), " is yours, but cannot be written."),
    i = if (is_writable) {
      "Its file system is mounted for reading only."
    } else {
      paste("To write there again: chmod u+rwx", shQuote(path))
    }
  )
}

# Called from C: a lookup met a file or a directory that the system failed to read.
warn_unread <- function(path, reason) {
  warn_warmstart(
    c(
      paste0("The store could not be read in full: ", reason, ": ", format_text(path)),
      i = "What could be read was used; there will be no further warning about it."
    ),
    class = "store"
  )
}

# Of what can be done without.
without_store_warnings <- function(expr) {
  withCallingHandlers(expr, warmstart_warning_store = muffle)
}

# One line where it has room there, to be silenced by an option; scripts see it on stderr.
inform <- function(text) {
  if (isTRUE(getOption("warmstart.verbose", TRUE))) {
    text <- wrap_text(paste0("warmstart: ", one_line(text)), exdent = 2)
    text <- paste0(paste(text, collapse = "\n"), "\n")
    message(structure(
      class = c("warmstart_message", "message", "condition"), list(message = text, call = NULL)
    ))
  }
}

# What others say: warnings and messages. ------------------------------------------------------

# The value of `expr`, and what it `said`, held back.
hold_conditions <- function(expr, kinds = c("warning", "message")) {
  said <- list()
  hold <- function(condition) {
    if (inherits(condition, kinds)) {
      said <<- c(said, list(condition))
      muffle(condition)
    }
  }
  value <- withCallingHandlers(expr, warning = hold, message = hold)
  list(value = value, said = said)
}

# Hears what others say, but for what is said while `is_ours()`, and may hold it back: `hear(expr)`
# is the value of `expr`, `said()` all that was heard so far.
new_ear <- function(is_ours, holds = FALSE) {
  said <- list()
  note <- function(condition) {
    if (!inherits(condition, others_said) && !is_ours()) {
      said <<- c(said, list(condition))
      if (holds) muffle(condition)
    }
  }
  list(
    hear = function(expr) withCallingHandlers(expr, warning = note, message = note),
    said = function() said
  )
}

muffle <- function(condition) {
  tryInvokeRestart(if (inherits(condition, "warning")) "muffleWarning" else "muffleMessage")
}

# Not the fitter's.
others_said <- c("warmstart_message", "warmstart_warning", "packageStartupMessage")

say <- function(conditions) {
  for (condition in conditions) {
    if (inherits(condition, "warning")) warning(condition) else message(condition)
  }
}

# Those of `conditions` that are not among `others`, by their words.
unsaid <- function(conditions, others) {
  words <- function(conditions) vapply(conditions, conditionMessage, "")
  conditions[!words(conditions) %in% words(others)]
}

# cli breaks lines between words. It would take braces in a user's text for its own.
for_cli <- function(text) {
  text <- cut_words(text, line_width() - 4)
  gsub("}", "}}", gsub("{", "{{", text, fixed = TRUE), fixed = TRUE)
}

check_choice <- function(value, choices, argument) {
  if (identical(value, choices)) {
    return(choices[[1]])
  }
  if (!is.character(value) || length(value) != 1 || is.na(value) || !value %in% choices) {
    stop_argument(argument, paste0(
      "must be one of ", paste0("\"", choices, "\"", collapse = ", "), "."
    ))
  }
  value
}

check_flag <- function(value, argument) {
  if (!is.logical(value) || length(value) != 1 || is.na(value)) {
    stop_argument(argument, "must be TRUE or FALSE.")
  }
}

check_class <- function(value, class, argument, maker) {
  if (!inherits(value, class)) {
    stop_argument(argument, paste0("must be made by `", maker, "()`."))
  }
}

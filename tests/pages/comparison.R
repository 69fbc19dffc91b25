# How far a page's objects in warm() are from those of the plain run.

# An object is worse where its objective is above the plain one's by more than this, of its size or
# 1; it is another model where it has other degrees of freedom and another objective.
worse_by <- 1e-6
other_by <- 1e-4

#' @return A data frame, a row an object with an objective and mode: `objective`, `plain`,
#'   `freedom`, `freedom_plain`, `verdict` ("same", "better", "WORSE", "MISSING").
#' @noRd
compare_objects <- function(visits) {
  plain <- Filter(is_end, visits$plain$ends)
  rows <- lapply(names(plain), function(name) {
    do.call(rbind, lapply(setdiff(modes, "plain"), function(mode) {
      here <- visits[[mode]]$ends[[name]]
      if (!is_end(here)) here <- c(objective = NA, freedom = NA)
      data.frame(
        mode = mode, object = name, objective = here[[1]], plain = plain[[name]][[1]],
        freedom = here[[2]], freedom_plain = plain[[name]][[2]],
        verdict = verdict_of(here, plain[[name]])
      )
    }))
  })
  do.call(rbind, rows)
}

is_end <- function(end) is.numeric(end) && is.finite(end[[1]])

verdict_of <- function(here, plain) {
  more <- (here[[1]] - plain[[1]]) / max(1, abs(plain[[1]]))
  other <- isTRUE(here[[2]] != plain[[2]]) && isTRUE(abs(more) > other_by)
  if (is.na(more)) {
    "MISSING"
  } else if (more > worse_by || other) {
    "WORSE"
  } else if (more < -worse_by) {
    "better"
  } else {
    "same"
  }
}

# The smaller, the better.
end_of <- function(object) {
  tryCatch(
    if (inherits(object, "gam")) {
      c(objective = as.vector(object$gcv.ubre)[[1]], freedom = sum(object$edf))
    } else if (inherits(object, c(
      "nls", "glm", "lm", "lme", "gls", "merMod", "glmmTMB", "survreg", "coxph", "polr", "multinom"
    ))) {
      likelihood <- stats::logLik(object)
      c(objective = -as.numeric(likelihood), freedom = attr(likelihood, "df"))
    } else if (is.list(object) && !is.object(object)) {
      found <- intersect(c("value", "objective", "minimum", "fval"), names(object))
      if (length(found) > 0 && is.numeric(object[[found[[1]]]])) {
        c(objective = object[[found[[1]]]][[1]], freedom = NA)
      }
    },
    error = function(e) NULL
  )
}

#' All else: what is printed, said and drawn, and what is made of the fits
#'
#' Of a first and a returned fit to the last digit; of others the conditions and errors alone.
#' @return Words, one a difference.
#' @noRd
compare_visits <- function(visits, code) {
  unlist(lapply(setdiff(modes, "plain"), function(mode) {
    there <- visits[[mode]]
    if (is.null(there)) {
      return(paste0(mode, ": no result"))
    }
    strictly <- mode %in% c("first", "again")
    parts <- c("error", "conditions", if (strictly) c("output", "random"))
    said <- lapply(seq_len(min(there$upto, visits$plain$upto)), function(i) {
      different <- Filter(function(part) {
        differ(visits$plain$said[[i]][[part]], there$said[[i]][[part]])
      }, parts)
      if (length(different) > 0) {
        sprintf(
          "%s: %s of %s: %s", mode, paste(different, collapse = ", "),
          brief(deparse(code[[i]])),
          first_difference(visits$plain$said[[i]][[different[1]]], there$said[[i]][[different[1]]])
        )
      }
    })
    used <- if (strictly) compare_uses(visits$plain$uses, there$uses, mode)
    c(unlist(said), used, if (there$upto < visits$plain$upto) paste0(mode, ": ended early"))
  }))
}

compare_uses <- function(plain, here, mode) {
  unlist(lapply(names(plain), function(name) {
    different <- Filter(function(use) {
      differ(plain[[name]][[use]], here[[name]][[use]])
    }, names(plain[[name]]))
    if (length(different) > 0) {
      sprintf(
        "%s: %s: %s(): %s", mode, name, different,
        vapply(different, function(use) {
          first_difference(plain[[name]][[use]], here[[name]][[use]])
        }, "")
      )
    }
  }))
}

differ <- function(a, b) !identical(as_words(a), as_words(b))

# Addresses, and files of this process, are others each time.
as_words <- function(x) {
  if (is.character(x)) {
    x <- gsub("0x[0-9a-f]+|<bytecode: [^>]*>", "", x)
    x <- gsub("/[^ ]*/Rtmp[A-Za-z0-9]+[^ ]*", "", x)
    x[nzchar(trimws(x))]
  } else {
    x
  }
}

first_difference <- function(a, b) {
  a <- as_words(a)
  b <- as_words(b)
  at <- match(FALSE, vapply(seq_len(max(length(a), length(b))), function(i) {
    identical(a[i], b[i])
  }, NA))
  paste(brief(a[at]), "|", brief(b[at]))
}

brief <- function(text) substr(gsub("[[:space:]]+", " ", paste(text, collapse = " ")), 1, 100)

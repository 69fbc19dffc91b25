# Tests: test-fit-mgcv-working.R.
#
# The determinant of a model's penalties, sp by sp: what of a likelihood's score needs no data.

#' A function of log smoothing parameters, one a penalty, that gives log |S|+
#'
#' But for a constant, as `det`, with its derivatives `det1` and `det2`. Where the penalties that
#' share coefficients have their axes in common it is a sum over these; elsewhere mgcv knows how to
#' compute it without loss, for ten times as long.
#' @noRd
penalty_determinant <- function(setup) {
  along <- common_axes(setup)
  if (!is.null(along)) {
    return(function(lsp) determinant_along(along, lsp))
  }
  if (is_general(setup$family)) {
    of_blocks <- getExportedValue("mgcv", "ldetS")
    function(lsp) {
      at <- of_blocks(setup$Sl, lsp, rep(FALSE, length(lsp)), ncol(setup$X))
      list(det = at$ldetS, det1 = at$ldet1, det2 = at$ldet2)
    }
  } else {
    reparametrise <- getExportedValue("mgcv", "gam.reparam")
    function(lsp) reparametrise(setup$UrS, lsp, 2)
  }
}

#' The axes of all penalties
#'
#' @return `values`, the penalties' eigenvalues: a row for each axis and a column for each penalty;
#'   `times`, how often each row counts. NULL where some penalties share coefficients and no axes,
#'   as those of te() of three variables do.
#' @noRd
common_axes <- function(setup) {
  blocks <- setup$layout$blocks
  shared <- split(seq_along(setup$S), match(blocks, unique(blocks)))
  columns <- unlist(unique(blocks))
  # Does one block lie across another?
  found <- if (!anyDuplicated(columns)) lapply(shared, axes_of, setup$S, setup$rank)
  if (length(found) > 0 && !any(vapply(found, is.null, NA))) {
    values <- matrix(0, sum(lengths(lapply(found, `[[`, "times"))), length(setup$S))
    at <- 0
    for (i in seq_along(found)) {
      rows <- at + seq_along(found[[i]]$times)
      values[rows, shared[[i]]] <- found[[i]]$values
      at <- at + length(rows)
    }
    list(values = values, times = unlist(lapply(found, `[[`, "times"), use.names = FALSE))
  }
}

# Of penalties of the same coefficients.
axes_of <- function(which, penalties, rank) {
  if (length(which) == 1) {
    return(list(values = matrix(1), times = rank[which]))
  }
  size <- vapply(penalties[which], function(penalty) max(abs(penalty)), 1)
  one <- Map(`/`, penalties[which], size)
  values <- if (length(one) == 2) axes_of_two(one, rank[which]) else axes_of_many(one, rank[which])
  if (!is.null(values)) {
    values <- values[rowSums(values) > 0, , drop = FALSE]
    list(values = values * rep(size, each = nrow(values)), times = rep(1, nrow(values)))
  }
}

# Two have axes in common always, though not at right angles: in coordinates in which their sum is
# round. An eigenvalue of one is 1 less that of the other there, and ranks tell which are 0.
axes_of_two <- function(one, rank) {
  sum <- eigen(one[[1]] + one[[2]], symmetric = TRUE)
  kept <- sum$values > 1e-10 * sum$values[1]
  root <- sqrt(sum$values[kept])
  round <- sum$vectors[, kept, drop = FALSE] * rep(1 / root, each = ncol(one[[1]]))
  first <- eigen(crossprod(round, one[[1]] %*% round), symmetric = TRUE, only.values = TRUE)$values
  at <- seq_along(first)
  first <- ifelse(at > rank[1], 0, ifelse(at <= length(first) - rank[2], 1, first))
  cbind(first, 1 - first, deparse.level = 0)
}

# More have where they commute: the axes of any mixture that tells them apart.
axes_of_many <- function(one, rank) {
  mixture <- Reduce(`+`, Map(`*`, one, sqrt(seq_along(one) + 1)))
  axes <- eigen(mixture, symmetric = TRUE)$vectors
  turned <- lapply(one, function(penalty) crossprod(axes, penalty %*% axes))
  off_axis <- vapply(turned, function(penalty) max(abs(penalty - diag(diag(penalty)))), 1)
  if (all(off_axis < 1e-10)) {
    values <- vapply(seq_along(turned), function(i) {
      at <- diag(turned[[i]])
      replace(at, utils::tail(order(at, decreasing = TRUE), length(at) - rank[i]), 0)
    }, numeric(ncol(axes)))
    matrix(values, ncol(axes))
  }
}

determinant_along <- function(along, lsp) {
  weighted <- along$values * rep(exp(lsp), each = nrow(along$values))
  total <- rowSums(weighted)
  share <- weighted / total
  first <- colSums(along$times * share)
  list(
    det = sum(along$times * log(total)), det1 = first,
    det2 = diag(first, length(first)) - crossprod(share, along$times * share)
  )
}

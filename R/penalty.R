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
#'   as those of te() do.
#' @noRd
common_axes <- function(setup) {
  shared <- split(seq_along(setup$S), match(setup$blocks, unique(setup$blocks)))
  columns <- unlist(unique(setup$blocks))
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

# Of penalties of the same coefficients. Their axes are those of any mixture that tells them apart.
axes_of <- function(which, penalties, rank) {
  if (length(which) == 1) {
    return(list(values = matrix(1), times = rank[which]))
  }
  size <- vapply(penalties[which], function(penalty) max(abs(penalty)), 1)
  one <- Map(`/`, penalties[which], size)
  mixture <- Reduce(`+`, Map(`*`, one, sqrt(seq_along(one) + 1)))
  axes <- eigen(mixture, symmetric = TRUE)$vectors
  turned <- lapply(one, function(penalty) crossprod(axes, penalty %*% axes))
  off_axis <- vapply(turned, function(penalty) max(abs(penalty - diag(diag(penalty)))), 1)
  if (all(off_axis < 1e-10)) {
    values <- vapply(seq_along(turned), function(i) {
      at <- size[i] * diag(turned[[i]])
      beyond <- utils::tail(order(at, decreasing = TRUE), length(at) - rank[which[i]])
      replace(at, beyond, 0)
    }, numeric(ncol(axes)))
    dim(values) <- c(ncol(axes), length(turned))
    values <- values[rowSums(values) > 0, , drop = FALSE]
    list(values = values, times = rep(1, nrow(values)))
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

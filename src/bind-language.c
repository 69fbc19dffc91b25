#include "bind.h"

#include "bind-calls.h"

/* Calls inside of calls: a sum of thousands of terms is as deep as it is long. */

static SEXP without_parentheses(SEXP expr) {
    SEXP parenthesis = Rf_install("(");

    while (TYPEOF(expr) == LANGSXP && CAR(expr) == parenthesis && Rf_length(expr) == 2) {
        expr = CADR(expr);
    }
    return expr;
}

static SEXP canonical(SEXP expr) {
    R_CheckStack();
    expr = without_parentheses(expr);
    if (TYPEOF(expr) != LANGSXP) {
        return expr;
    }
    SEXP copy = PROTECT(Rf_lcons(R_NilValue, Rf_allocList(Rf_length(expr) - 1)));
    for (SEXP to = copy; expr != R_NilValue; expr = CDR(expr), to = CDR(to)) {
        SEXP part = CAR(expr);
        SETCAR(to, TYPEOF(part) == LANGSXP ? canonical(part) : part);
        SET_TAG(to, TAG(expr));
    }
    UNPROTECT(1);
    return copy;
}

/* Without attributes and parentheses: where the parser needed them, they are in the tree's shape.
 */
SEXP bind_canonical_call(SEXP expr) { return canonical(expr); }

/* Conses the strings in `expr` onto `found`, a pairlist, the last one first. */
static SEXP strings_in(SEXP expr, SEXP found) {
    R_CheckStack();
    if (TYPEOF(expr) == STRSXP) {
        return Rf_cons(expr, found);
    }
    PROTECT(found);
    if (TYPEOF(expr) == EXPRSXP) {
        for (R_xlen_t i = 0; i < XLENGTH(expr); i++) {
            found = strings_in(VECTOR_ELT(expr, i), found);
            UNPROTECT(1);
            PROTECT(found);
        }
    } else if (TYPEOF(expr) == LANGSXP) {
        for (; expr != R_NilValue; expr = CDR(expr)) {
            found = strings_in(CAR(expr), found);
            UNPROTECT(1);
            PROTECT(found);
        }
    }
    UNPROTECT(1);
    return found;
}

SEXP bind_strings_in(SEXP expr) { return strings_in(expr, R_NilValue); }

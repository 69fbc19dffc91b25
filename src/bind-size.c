#include "bind-calls.h"
#include "bind.h"

/* A walk through lists; what it passes by, in `opaque`. */
struct walk {
    SEXP opaque;
    PROTECT_INDEX index;
};

static double bytes_in(SEXP value, struct walk *walk) {
    double bytes = 0;

    if (Rf_isS4(value) || TYPEOF(value) == CLOSXP || TYPEOF(value) == ENVSXP) {
        walk->opaque = Rf_cons(value, walk->opaque);
        REPROTECT(walk->opaque, walk->index);
    } else if (TYPEOF(value) == VECSXP) {
        R_CheckStack();
        for (R_xlen_t i = 0; i < XLENGTH(value); i++) {
            bytes += bytes_in(VECTOR_ELT(value, i), walk);
        }
    } else {
        bytes = 8 * (double)Rf_xlength(value);
    }
    return bytes;
}

/* list(8 for each element, lists all the way down; functions, environments and S4 objects met) */
SEXP bind_list_size(SEXP value) {
    struct walk walk = {.opaque = R_NilValue};

    PROTECT_WITH_INDEX(walk.opaque, &walk.index);
    SEXP size = PROTECT(Rf_ScalarReal(bytes_in(value, &walk)));
    SEXP both = PROTECT(Rf_allocVector(VECSXP, 2));
    SET_VECTOR_ELT(both, 0, size);
    SET_VECTOR_ELT(both, 1, Rf_PairToVectorList(walk.opaque));
    UNPROTECT(3);
    return both;
}

#include "bind.h"

#include <string.h>

#include "bind-calls.h"
#include "core/plain.h"

/* The same as core/plain.c accepts. */
static const char *const plain_attributes[] = {"names", "dim",   "dimnames",  "levels",
                                               "tsp",   "class", "row.names", NULL};

static bool may_be_plain(SEXP value, int depth);

static bool is_plain_attribute(const char *name) {
    for (const char *const *known = plain_attributes; *known; known++) {
        if (strcmp(name, *known) == 0) {
            return true;
        }
    }
    return false;
}

static bool attributes_may_be_plain(SEXP value, int depth) {
    if (!bind_has_attributes(value)) {
        return true;
    }
    SEXP list = PROTECT(bind_call("attributes", value, NULL));
    SEXP names = PROTECT(Rf_getAttrib(list, R_NamesSymbol));
    bool plain = true;

    for (R_xlen_t i = 0; plain && i < XLENGTH(list); i++) {
        plain = is_plain_attribute(CHAR(STRING_ELT(names, i))) &&
                may_be_plain(VECTOR_ELT(list, i), depth);
    }
    UNPROTECT(2);
    return plain;
}

static bool elements_may_be_plain(SEXP list, int depth) {
    for (R_xlen_t i = 0; i < XLENGTH(list); i++) {
        if (!may_be_plain(VECTOR_ELT(list, i), depth)) {
            return false;
        }
    }
    return true;
}

static bool may_be_plain(SEXP value, int depth) {
    if (depth > WS_PLAIN_DEPTH || Rf_isS4(value)) {
        return false;
    }
    switch (TYPEOF(value)) {
    case NILSXP:
        return true;
    case LGLSXP:
    case INTSXP:
    case REALSXP:
    case CPLXSXP:
    case STRSXP:
    case RAWSXP:
        return attributes_may_be_plain(value, depth + 1);
    case VECSXP:
        return elements_may_be_plain(value, depth + 1) && attributes_may_be_plain(value, depth + 1);
    default:
        return false;
    }
}

/* Whether it is worth the cost to serialize `value` and look. */
SEXP bind_may_be_plain(SEXP value) { return Rf_ScalarLogical(may_be_plain(value, 0)); }

SEXP bind_bytes_are_plain(SEXP bytes) {
    return Rf_ScalarLogical(ws_plain_check(RAW(bytes), (size_t)XLENGTH(bytes)) == WS_OK);
}

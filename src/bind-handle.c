#include "bind.h"

#include <Rversion.h>
#include <errno.h>
#include <math.h>
#include <string.h>

static SEXP namespace_of_package(void) {
    SEXP name = PROTECT(Rf_mkString("warmstart"));
    SEXP space = R_FindNamespace(name);

    UNPROTECT(1);
    return space;
}

/* As an argument that evaluates to `value`. */
static SEXP quoted(SEXP value) {
    bool evaluates = TYPEOF(value) == LANGSXP || TYPEOF(value) == SYMSXP;

    return evaluates ? Rf_lang2(R_QuoteSymbol, value) : value;
}

SEXP bind_call(const char *function, SEXP first, SEXP second) {
    SEXP space = PROTECT(namespace_of_package());
    SEXP argument = PROTECT(quoted(first));
    SEXP call = PROTECT(second ? Rf_lang3(Rf_install(function), argument, second)
                               : Rf_lang2(Rf_install(function), argument));
    SEXP value = Rf_eval(call, space);

    UNPROTECT(3);
    return value;
}

void bind_stop_argument(const char *argument, const char *problem) {
    SEXP first = PROTECT(Rf_mkString(argument));
    SEXP second = PROTECT(Rf_mkString(problem));

    bind_call("stop_argument", first, second);
    UNPROTECT(2);
    Rf_error("`%s` %s", argument, problem); /* not reached */
}

void bind_stop_status(const char *doing, enum ws_status status) {
    char reason[256];

    ws_status_describe(status, errno, reason, sizeof reason);
    SEXP first = PROTECT(Rf_mkString(doing));
    SEXP second = PROTECT(Rf_mkString(reason));
    bind_call("stop_store", first, second);
    UNPROTECT(2);
    Rf_error("%s: %s", doing, reason); /* not reached */
}

/* Arguments. */

const char *bind_string(SEXP value, const char *argument) {
    if (TYPEOF(value) != STRSXP || XLENGTH(value) != 1 || STRING_ELT(value, 0) == NA_STRING) {
        bind_stop_argument(argument, "must be one string, not missing.");
    }
    return Rf_translateCharUTF8(STRING_ELT(value, 0));
}

const char *bind_optional_string(SEXP value, const char *argument) {
    return value == R_NilValue ? NULL : bind_string(value, argument);
}

double bind_number(SEXP value, const char *argument) {
    if (Rf_xlength(value) == 1) {
        switch (TYPEOF(value)) {
        case REALSXP:
            return REAL_ELT(value, 0);
        case INTSXP:
            return INTEGER_ELT(value, 0) == NA_INTEGER ? NA_REAL : INTEGER_ELT(value, 0);
        case LGLSXP:
            if (LOGICAL_ELT(value, 0) == NA_LOGICAL) {
                return NA_REAL;
            }
        }
    }
    bind_stop_argument(argument, "must be one number, or NA.");
    return NA_REAL;
}

int bind_flag(SEXP value, const char *argument) {
    if (TYPEOF(value) != LGLSXP || XLENGTH(value) != 1 || LOGICAL_ELT(value, 0) == NA_LOGICAL) {
        bind_stop_argument(argument, "must be TRUE or FALSE.");
    }
    return LOGICAL_ELT(value, 0);
}

struct ws_digest bind_key(SEXP value, const char *argument) {
    struct ws_digest key = {{0}};

    if (TYPEOF(value) != STRSXP || XLENGTH(value) != 1 || STRING_ELT(value, 0) == NA_STRING ||
        ws_digest_parse(CHAR(STRING_ELT(value, 0)), &key) != WS_OK) {
        bind_stop_argument(argument,
                           "must be a fingerprint, or its 32 lowercase hex digits as one string.");
    }
    return key;
}

const char *bind_label(SEXP value) {
    const char *label = bind_optional_string(value, "label");
    struct ws_note note;

    if (ws_note_set_label(&note, label) != WS_OK) {
        bind_stop_argument("label", "must be at most 143 bytes of UTF-8 text without control "
                                    "characters.");
    }
    return label;
}

struct ws_offer bind_offer(SEXP objective, SEXP iteration) {
    double count = bind_number(iteration, "iteration");
    struct ws_offer offer = {
        .objective = bind_number(objective, "objective"),
        .has_iteration = !isnan(count),
    };

    if (offer.has_iteration) {
        if (count < 0 || count > (double)WS_ITERATION_MAX || count != floor(count)) {
            bind_stop_argument("iteration", "must be a whole number from 0 to 2^53, or NA.");
        }
        offer.iteration = (uint64_t)count;
    }
    return offer;
}

bool bind_has_attributes(SEXP value) {
#if R_VERSION >= R_Version(4, 5, 0)
    return ANY_ATTRIB(value);
#else
    return ATTRIB(value) != R_NilValue;
#endif
}

SEXP bind_payload(SEXP payload, struct ws_offer *offer) {
    if (TYPEOF(payload) == RAWSXP && !bind_has_attributes(payload)) {
        offer->encoding = 0;
        offer->payload = RAW(payload);
        offer->size = (size_t)XLENGTH(payload);
        return payload;
    }
    SEXP encoded = PROTECT(bind_call("encode_payload", payload, NULL));
    bind_encoded(encoded, offer);
    UNPROTECT(1);
    return encoded;
}

void bind_encoded(SEXP encoded, struct ws_offer *offer) {
    SEXP bytes = VECTOR_ELT(encoded, 1);

    offer->encoding = (uint8_t)Rf_asInteger(VECTOR_ELT(encoded, 0));
    offer->payload = RAW(bytes);
    offer->size = (size_t)XLENGTH(bytes);
}

/* External pointers. */

SEXP bind_tag_get(SEXP pointer, int index) {
    SEXP tag = R_ExternalPtrTag(pointer);

    return TYPEOF(tag) == VECSXP && XLENGTH(tag) > index ? VECTOR_ELT(tag, index) : R_NilValue;
}

void bind_tag_set_flag(SEXP pointer, int index, int value) {
    SET_VECTOR_ELT(R_ExternalPtrTag(pointer), index, Rf_ScalarLogical(value));
}

SEXP bind_pointer(void *address, SEXP tag, SEXP protect, const char *class,
                  R_CFinalizer_t finalizer) {
    SEXP pointer = PROTECT(R_MakeExternalPtr(address, tag, protect));
    SEXP name = PROTECT(Rf_mkString(class));

    R_RegisterCFinalizerEx(pointer, finalizer, TRUE);
    Rf_setAttrib(pointer, R_ClassSymbol, name);
    UNPROTECT(2);
    return pointer;
}

SEXP bind_with_cleanup(SEXP (*make)(void *context), void (*cleanup)(void *context, Rboolean jump),
                       void *context) {
    return R_UnwindProtect(make, context, cleanup, context, NULL);
}

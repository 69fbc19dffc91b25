#include <string.h>

#include "bind-calls.h"
#include "bind.h"

/* A stream of R's into a raw vector, the first element of `holder`, which doubles when it is full
 * and never gets larger than `limit` bytes. */
struct sink {
    SEXP holder;
    size_t used;
    double limit;
};

static void make_room(struct sink *sink, size_t needed) {
    SEXP old = VECTOR_ELT(sink->holder, 0);
    size_t room = (size_t)XLENGTH(old);

    if ((double)needed > sink->limit) {
        SEXP limit = PROTECT(Rf_ScalarReal(sink->limit));
        bind_call("stop_too_large", limit, NULL);
        UNPROTECT(1);
    }
    if (needed <= room) {
        return;
    }
    size_t doubled = needed > 2 * room ? needed : 2 * room;
    SEXP larger = Rf_allocVector(RAWSXP, (R_xlen_t)doubled);
    memcpy(RAW(larger), RAW(old), sink->used);
    SET_VECTOR_ELT(sink->holder, 0, larger);
}

static void take_bytes(R_outpstream_t stream, void *bytes, int length) {
    struct sink *sink = stream->data;

    make_room(sink, sink->used + (size_t)length);
    memcpy(RAW(VECTOR_ELT(sink->holder, 0)) + sink->used, bytes, (size_t)length);
    sink->used += (size_t)length;
}

static void take_char(R_outpstream_t stream, int byte) {
    unsigned char one = (unsigned char)byte;

    take_bytes(stream, &one, 1);
}

/* The name of an environment among the named ones of `homes`, which is written in its place. */
static SEXP name_of_home(SEXP value, SEXP homes) {
    for (R_xlen_t i = 0; i < XLENGTH(homes); i++) {
        if (VECTOR_ELT(homes, i) == value) {
            return Rf_ScalarString(STRING_ELT(Rf_getAttrib(homes, R_NamesSymbol), i));
        }
    }
    return R_NilValue;
}

/* As serialize(value, NULL, version = version), which would go on past `limit` bytes: this stops
 * there, with a condition of class "warmstart_too_large". Of `homes`, a named list of environments,
 * the names are written alone. */
SEXP bind_serialize(SEXP value, SEXP version, SEXP limit, SEXP homes) {
    struct R_outpstream_st stream;
    struct sink sink = {.used = 0, .limit = bind_number(limit, "limit")};

    sink.holder = PROTECT(Rf_allocVector(VECSXP, 1));
    SET_VECTOR_ELT(sink.holder, 0, Rf_allocVector(RAWSXP, 8192));
    R_InitOutPStream(&stream, (R_pstream_data_t)&sink, R_pstream_xdr_format, Rf_asInteger(version),
                     take_char, take_bytes, name_of_home, homes);
    R_Serialize(value, &stream);
    SEXP bytes = Rf_allocVector(RAWSXP, (R_xlen_t)sink.used);
    memcpy(RAW(bytes), RAW(VECTOR_ELT(sink.holder, 0)), sink.used);
    UNPROTECT(1);
    return bytes;
}

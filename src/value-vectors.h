/*
 * value-vectors: the data of a vector as the bytes that count, absorbed into a hasher. Type,
 * length and attributes are value-walk.c's.
 */
#ifndef WS_VALUE_VECTORS_H
#define WS_VALUE_VECTORS_H

#include "bind.h"
#include "core/values.h"

struct value_stream {
    struct ws_hasher *hasher;
    struct seen_string *seen; /* NULL until the first string vector of some length */
};

void value_absorb_integers(struct value_stream *stream, SEXP value);
void value_absorb_doubles(struct value_stream *stream, SEXP value);
void value_absorb_integer64(struct value_stream *stream, SEXP value);
void value_absorb_complex(struct value_stream *stream, SEXP value);
void value_absorb_raw(struct value_stream *stream, SEXP value);
void value_absorb_strings(struct value_stream *stream, SEXP value);

void value_stream_free(struct value_stream *stream);

#endif

/*
 * bind-vectors: the data of a vector as the bytes that count, absorbed into a hasher. Type,
 * length and attributes are bind-fingerprint.c's.
 */
#ifndef WS_BIND_VECTORS_H
#define WS_BIND_VECTORS_H

#include "bind.h"
#include "core/values.h"

struct bind_stream {
    struct ws_hasher *hasher;
    struct seen_string *seen; /* NULL until the first string vector of some length */
};

void bind_absorb_integers(struct bind_stream *stream, SEXP value);
void bind_absorb_doubles(struct bind_stream *stream, SEXP value);
void bind_absorb_integer64(struct bind_stream *stream, SEXP value);
void bind_absorb_complex(struct bind_stream *stream, SEXP value);
void bind_absorb_raw(struct bind_stream *stream, SEXP value);
void bind_absorb_strings(struct bind_stream *stream, SEXP value);

void bind_stream_free(struct bind_stream *stream);

#endif

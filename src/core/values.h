/*
 * values: the canonical bytes of vectors, absorbed into a hasher in blocks. Nothing is copied
 * but a block that needs it: one with a value that has several representations, or any on a
 * processor that is not little-endian.
 *
 *     integers   i32, little-endian. Logicals and factor codes are integers
 *     doubles    f64, little-endian; -0 as 0; every NaN as 7ff8000000000000, except R's NA,
 *                the NaN with 1954 in its low word, as 7ff00000000007a2
 *     int64      i64, little-endian
 *     strings    16 bytes each, see ws_hasher_string
 */
#ifndef WS_VALUES_H
#define WS_VALUES_H

#include "hash.h"

void ws_hasher_int32(struct ws_hasher *hasher, const int32_t *values, size_t count);
void ws_hasher_int64(struct ws_hasher *hasher, const int64_t *values, size_t count);
void ws_hasher_doubles(struct ws_hasher *hasher, const double *values, size_t count);

/* Text is UTF-8. Bytes are of no known encoding: their digest is that of the same text with the
 * first byte's bits flipped, so that the two differ. A missing string is all zeros. Digests of
 * equal length stand for the strings in a vector, so a string that occurs a million times need
 * be read only once. The hasher only lends its engine; nothing is absorbed. */
enum ws_string { WS_TEXT, WS_BYTES, WS_MISSING };
struct ws_digest ws_hasher_string(const struct ws_hasher *hasher, enum ws_string what,
                                  const void *bytes, size_t size);

#endif

/*
 * hash: streaming XXH3-128 over typed, tagged, length-prefixed frames, and the plain digests
 * that records carry.
 *
 *     ws_hasher_new(&hasher)
 *     ws_hasher_frame(hasher, type, tag, tag_size, count)   then the frame's data:
 *     ws_hasher_bytes(hasher, data, size)                   any number of times
 *     ws_hasher_digest(hasher)                              at any point; the stream goes on
 *     ws_hasher_free(hasher)
 *
 * A frame begins with its type (1 byte), the size of its tag (u32) and the tag, and the count of
 * its elements (u64), little-endian. With the sizes in front, no two sequences of frames give the
 * same bytes. What the types mean, and how a value becomes frames, is the caller's.
 *
 * The work is done by libxxhash, or, where the processor has wider vector units than libxxhash
 * was built for, by the same public header compiled for them (hash_avx2.c, hash_avx512.c). All
 * give the same digests; the choice is made once a hasher, from what the processor reports.
 */
#ifndef WS_HASH_H
#define WS_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

#define WS_DIGEST_HEX 32

/* XXH3-128 in its canonical form: most significant byte first. */
struct ws_digest {
    uint8_t bytes[16];
};

struct ws_hasher;

enum ws_status ws_hasher_new(struct ws_hasher **hasher);
enum ws_status ws_hasher_copy(const struct ws_hasher *from, struct ws_hasher **hasher);
void ws_hasher_free(struct ws_hasher *hasher);

void ws_hasher_frame(struct ws_hasher *hasher, uint8_t type, const char *tag, uint32_t tag_size,
                     uint64_t count);
void ws_hasher_bytes(struct ws_hasher *hasher, const void *bytes, size_t size);

/* Whether any of WS_SPECIAL_BLOCK doubles is NaN or -0: for values.c, which gives those one
 * form. */
int ws_hasher_has_special(const struct ws_hasher *hasher, const double *values);
/* 2 KiB: a block that was looked at is hashed from the first cache, while the processor already
 * fetches the next. */
#define WS_SPECIAL_BLOCK 256

struct ws_digest ws_hasher_digest(const struct ws_hasher *hasher);

/* The digest of these bytes alone, by the hasher's engine. */
struct ws_digest ws_hasher_hash(const struct ws_hasher *hasher, const void *bytes, size_t size);

/* The same of many texts, at a fraction of the cost of a call each. */
struct ws_text {
    const char *bytes;
    size_t size;
};
void ws_hasher_hash_each(const struct ws_hasher *hasher, const struct ws_text *texts, size_t count,
                         struct ws_digest *digests);

struct ws_digest ws_hash_128(const void *bytes, size_t size);
uint64_t ws_hash_64(const void *bytes, size_t size);

/* Lowercase hex, terminated. */
void ws_digest_format(const struct ws_digest *digest, char hex[WS_DIGEST_HEX + 1]);
/* WS_INVALID unless `hex` is exactly 32 lowercase hex digits. */
enum ws_status ws_digest_parse(const char *hex, struct ws_digest *digest);

/* Which code hashes here: "libxxhash", "avx2" or "avx512". */
const char *ws_hash_engine(void);

#endif

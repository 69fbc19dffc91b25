/*
 * hash_engine: the XXH3 that does the work, as a table of functions; one table a vector width.
 *
 * hash.c picks the widest that the processor runs. Every table works on the same XXH3_state_t,
 * made and freed by libxxhash, and gives the same digests. A wide table is NULL where the
 * compiler or the processor's family has no such unit.
 */
#ifndef WS_HASH_ENGINE_H
#define WS_HASH_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "hash.h"

/* Bytes ahead of the hash that memory is fetched: two blocks of ws_hasher_has_special(), so that
 * the next is in the cache when it is looked at. Measured: 0.98 of the speed of a hash that looks
 * at nothing, against 0.92 with xxHash's own distance. */
#define ENGINE_PREFETCH 4096

/* Before a function into which all that it calls is to go. */
#if defined(__GNUC__)
#define ENGINE_FLATTEN __attribute__((flatten))
#else
#define ENGINE_FLATTEN
#endif

struct ws_hash_engine {
    const char *name;
    void (*reset)(void *state);
    void (*update)(void *state, const void *bytes, size_t size);
    /* The canonical 16 bytes. */
    void (*digest)(const void *state, uint8_t digest[16]);
    void (*hash_128)(const void *bytes, size_t size, uint8_t digest[16]);
    void (*hash_128_each)(const struct ws_text *texts, size_t count, struct ws_digest *digests);
    uint64_t (*hash_64)(const void *bytes, size_t size);
    /* Whether any of WS_SPECIAL_BLOCK doubles is NaN or -0, the values with several
     * representations. */
    int (*has_special)(const double *values);
};

const struct ws_hash_engine *ws_hash_engine_system(void);
const struct ws_hash_engine *ws_hash_engine_avx2(void);
const struct ws_hash_engine *ws_hash_engine_avx512(void);

#endif

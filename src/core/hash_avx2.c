#include "hash_engine.h"

/* The target is set for this file's functions alone, so the package as a whole still runs on
 * any processor of the family; hash.c asks before it calls. */
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_AVX2
#define XXH_PREFETCH_DIST ENGINE_PREFETCH
#include <immintrin.h>
#include <string.h>
#include <xxhash.h>

#define ENGINE_LEAVE() _mm256_zeroupper()
#define ENGINE_NAME "avx2"
#include "hash_engine_body.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const struct ws_hash_engine *ws_hash_engine_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") ? &engine : NULL;
}

#else

const struct ws_hash_engine *ws_hash_engine_avx2(void) { return NULL; }

#endif

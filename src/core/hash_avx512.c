#include "hash_engine.h"

/* The target is set for this file's functions alone, so the package as a whole still runs on
 * any processor of the family; hash.c asks before it calls. */
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f")
#endif

#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_AVX512
#include <immintrin.h>
#include <string.h>
#include <xxhash.h>

#define ENGINE_NAME "avx512"
#include "hash_engine_body.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const struct ws_hash_engine *ws_hash_engine_avx512(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") ? &engine : NULL;
}

#else

const struct ws_hash_engine *ws_hash_engine_avx512(void) { return NULL; }

#endif

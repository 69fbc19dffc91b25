#include "hash_engine.h"

/* The target is set for this file's functions alone, so the package as a whole still runs on
 * any processor of the family; hash.c asks before it calls. */
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,avx512f,avx512dq"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,avx512f,avx512dq")
#endif

#define XXH_INLINE_ALL
/* The 512-bit hash is no faster than the 256-bit one where it was measured (EPYC, Zen 4). */
#define XXH_VECTOR XXH_AVX2
#define XXH_PREFETCH_DIST ENGINE_PREFETCH
#include <immintrin.h>
#include <string.h>
#include <xxhash.h>

/* One instruction tells these values from the others. */
static int engine_has_special(const double *values) {
    enum { QUIET_NAN = 0x01, NEGATIVE_ZERO = 0x04, SIGNALING_NAN = 0x80 };
    __mmask8 special = 0;

    for (int i = 0; i < WS_SPECIAL_BLOCK; i += 8) {
        special |= _mm512_fpclass_pd_mask(_mm512_loadu_pd(values + i),
                                          QUIET_NAN | NEGATIVE_ZERO | SIGNALING_NAN);
    }
    _mm256_zeroupper();
    return special != 0;
}

#define ENGINE_LEAVE() _mm256_zeroupper()
#define ENGINE_NAME "avx512"
#define ENGINE_HAS_SPECIAL
#include "hash_engine_body.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const struct ws_hash_engine *ws_hash_engine_avx512(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") ? &engine : NULL;
}

#else

const struct ws_hash_engine *ws_hash_engine_avx512(void) { return NULL; }

#endif

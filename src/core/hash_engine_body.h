/*
 * The functions of one engine, over whichever <xxhash.h> the including file has set up. It
 * defines ENGINE_NAME, ENGINE_HAS_SPECIAL where it has a better engine_has_special(), and
 * ENGINE_LEAVE(), which every function here ends with. In a wide engine that is vzeroupper: with
 * the upper halves of the vector registers left in use, all narrower vector code of the process,
 * R's and its BLAS's, would run at half its speed from then on. Compilers put it in by
 * themselves, but for a call at the end of a function (gcc 12).
 */
static void engine_reset(void *state) {
    XXH3_128bits_reset(state);
    ENGINE_LEAVE();
}

static void engine_update(void *state, const void *bytes, size_t size) {
    XXH3_128bits_update(state, bytes, size);
    ENGINE_LEAVE();
}

static inline void engine_canonical(XXH128_hash_t hash, uint8_t digest[16]) {
    XXH128_canonical_t canonical;

    XXH128_canonicalFromHash(&canonical, hash);
    memcpy(digest, canonical.digest, sizeof canonical.digest);
}

static void engine_digest(const void *state, uint8_t digest[16]) {
    engine_canonical(XXH3_128bits_digest(state), digest);
    ENGINE_LEAVE();
}

static void engine_hash_128(const void *bytes, size_t size, uint8_t digest[16]) {
    engine_canonical(XXH3_128bits(bytes, size), digest);
    ENGINE_LEAVE();
}

/* Many short texts in one call: a call for each costs as much again as its hash, and a half where
 * XXH3's own function is not flattened into this one. They are hashed first and put in canonical
 * form some time later, and the halves go to arrays of their own: side by side, compilers write
 * both and read them back as one, for which the processor waits. */
ENGINE_FLATTEN static void engine_hash_128_each(const struct ws_text *texts, size_t count,
                                                struct ws_digest *digests) {
    enum { BATCH = 64 };
    uint64_t low[BATCH];
    uint64_t high[BATCH];

    for (size_t done = 0; done < count; done += BATCH) {
        size_t n = count - done < BATCH ? count - done : BATCH;
        for (size_t i = 0; i < n; i++) {
            XXH128_hash_t hash = XXH3_128bits(texts[done + i].bytes, texts[done + i].size);
            low[i] = hash.low64;
            high[i] = hash.high64;
        }
        for (size_t i = 0; i < n; i++) {
            XXH128_hash_t hash = {.low64 = low[i], .high64 = high[i]};
            engine_canonical(hash, digests[done + i].bytes);
        }
    }
    ENGINE_LEAVE();
}

static uint64_t engine_hash_64(const void *bytes, size_t size) {
    uint64_t hash = XXH3_64bits(bytes, size);

    ENGINE_LEAVE();
    return hash;
}

#ifndef ENGINE_HAS_SPECIAL
/* Sign bits collect in `special`: all bits of a NaN's lane, and of a zero's its own. Of a known
 * length and without branches, so that compilers make vector code of it. */
static int engine_has_special(const double *values) {
    uint64_t special = 0;

    for (int i = 0; i < WS_SPECIAL_BLOCK; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        uint64_t is_nan = values[i] != values[i] ? UINT64_MAX : 0;
        uint64_t is_zero = values[i] == 0 ? UINT64_MAX : 0;
        special |= is_nan | (is_zero & bits);
    }
    ENGINE_LEAVE();
    return special >> 63 != 0;
}
#endif

static const struct ws_hash_engine engine = {
    .name = ENGINE_NAME,
    .reset = engine_reset,
    .update = engine_update,
    .digest = engine_digest,
    .hash_128 = engine_hash_128,
    .hash_128_each = engine_hash_128_each,
    .hash_64 = engine_hash_64,
    .has_special = engine_has_special,
};

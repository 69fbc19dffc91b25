#include "values.h"

#include <string.h>

#include "bytes.h"

#define BLOCK 512 /* values that are given another form at a time, on the stack */

#define SIGN UINT64_C(0x8000000000000000)
#define INFINITY_BITS UINT64_C(0x7ff0000000000000)
#define CANONICAL_NAN UINT64_C(0x7ff8000000000000)
#define CANONICAL_NA UINT64_C(0x7ff00000000007a2)
#define NA_LOW_WORD 1954

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LITTLE_ENDIAN_HOST 0
#else
#define LITTLE_ENDIAN_HOST 1
#endif

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

void ws_hasher_int32(struct ws_hasher *hasher, const int32_t *values, size_t count) {
    if (LITTLE_ENDIAN_HOST) {
        ws_hasher_bytes(hasher, values, count * sizeof *values);
        return;
    }
    while (count > 0) {
        uint8_t block[BLOCK * 4];
        size_t n = least(count, BLOCK);
        for (size_t i = 0; i < n; i++) {
            ws_put_u32(block + 4 * i, (uint32_t)values[i]);
        }
        ws_hasher_bytes(hasher, block, 4 * n);
        values += n;
        count -= n;
    }
}

static void hash_words(struct ws_hasher *hasher, const uint64_t *words, size_t count) {
    uint8_t block[BLOCK * 8];

    if (LITTLE_ENDIAN_HOST) {
        ws_hasher_bytes(hasher, words, count * sizeof *words);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        ws_put_u64(block + 8 * i, words[i]);
    }
    ws_hasher_bytes(hasher, block, 8 * count);
}

void ws_hasher_int64(struct ws_hasher *hasher, const int64_t *values, size_t count) {
    uint64_t words[BLOCK];

    if (LITTLE_ENDIAN_HOST) {
        ws_hasher_bytes(hasher, values, count * sizeof *values);
        return;
    }
    while (count > 0) {
        size_t n = least(count, BLOCK);
        memcpy(words, values, n * sizeof *words);
        hash_words(hasher, words, n);
        values += n;
        count -= n;
    }
}

static uint64_t canonical(uint64_t bits) {
    if (bits == SIGN) {
        return 0;
    }
    if ((bits & ~SIGN) > INFINITY_BITS) {
        return (bits & 0xffffffff) == NA_LOW_WORD ? CANONICAL_NA : CANONICAL_NAN;
    }
    return bits;
}

static void hash_canonical(struct ws_hasher *hasher, const double *values, size_t count) {
    uint64_t words[BLOCK];

    while (count > 0) {
        size_t n = least(count, BLOCK);
        memcpy(words, values, n * sizeof *words);
        for (size_t i = 0; i < n; i++) {
            words[i] = canonical(words[i]);
        }
        hash_words(hasher, words, n);
        values += n;
        count -= n;
    }
}

/* Most blocks need no other form, and are hashed where they are. */
void ws_hasher_doubles(struct ws_hasher *hasher, const double *values, size_t count) {
    while (LITTLE_ENDIAN_HOST && count >= WS_SPECIAL_BLOCK) {
        if (ws_hasher_has_special(hasher, values)) {
            hash_canonical(hasher, values, WS_SPECIAL_BLOCK);
        } else {
            ws_hasher_bytes(hasher, values, WS_SPECIAL_BLOCK * sizeof *values);
        }
        values += WS_SPECIAL_BLOCK;
        count -= WS_SPECIAL_BLOCK;
    }
    hash_canonical(hasher, values, count);
}

struct ws_digest ws_hasher_string(const struct ws_hasher *hasher, enum ws_string what,
                                  const void *bytes, size_t size) {
    struct ws_digest digest = {{0}};

    if (what != WS_MISSING) {
        digest = ws_hasher_hash(hasher, bytes, size);
    }
    if (what == WS_BYTES) {
        digest.bytes[0] ^= 0xff;
    }
    return digest;
}

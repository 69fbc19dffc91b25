#include "hash.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "bytes.h"
#include "hash_engine.h"

struct ws_hasher {
    const struct ws_hash_engine *engine;
    XXH3_state_t *state; /* by libxxhash, which knows its alignment */
};

static const struct ws_hash_engine *widest_engine(void) {
    const struct ws_hash_engine *engine = ws_hash_engine_avx512();

    if (!engine) {
        engine = ws_hash_engine_avx2();
    }
    return engine ? engine : ws_hash_engine_system();
}

const char *ws_hash_engine(void) { return widest_engine()->name; }

enum ws_status ws_hasher_new(struct ws_hasher **hasher) {
    struct ws_hasher *fresh = malloc(sizeof *fresh);

    if (!fresh) {
        return WS_NO_MEMORY;
    }
    fresh->engine = widest_engine();
    fresh->state = XXH3_createState();
    if (!fresh->state) {
        free(fresh);
        return WS_NO_MEMORY;
    }
    fresh->engine->reset(fresh->state);
    *hasher = fresh;
    return WS_OK;
}

enum ws_status ws_hasher_copy(const struct ws_hasher *from, struct ws_hasher **hasher) {
    enum ws_status status = ws_hasher_new(hasher);

    if (status == WS_OK) {
        XXH3_copyState((*hasher)->state, from->state);
    }
    return status;
}

void ws_hasher_free(struct ws_hasher *hasher) {
    if (hasher) {
        XXH3_freeState(hasher->state);
        free(hasher);
    }
}

void ws_hasher_bytes(struct ws_hasher *hasher, const void *bytes, size_t size) {
    hasher->engine->update(hasher->state, bytes, size);
}

void ws_hasher_frame(struct ws_hasher *hasher, uint8_t type, const char *tag, uint32_t tag_size,
                     uint64_t count) {
    uint8_t head[5];
    uint8_t tail[8];

    head[0] = type;
    ws_put_u32(head + 1, tag_size);
    ws_put_u64(tail, count);
    ws_hasher_bytes(hasher, head, sizeof head);
    ws_hasher_bytes(hasher, tag, tag_size);
    ws_hasher_bytes(hasher, tail, sizeof tail);
}

int ws_hasher_has_special(const struct ws_hasher *hasher, const double *values) {
    return hasher->engine->has_special(values);
}

struct ws_digest ws_hasher_digest(const struct ws_hasher *hasher) {
    struct ws_digest digest;

    hasher->engine->digest(hasher->state, digest.bytes);
    return digest;
}

struct ws_digest ws_hasher_hash(const struct ws_hasher *hasher, const void *bytes, size_t size) {
    struct ws_digest digest;

    hasher->engine->hash_128(bytes, size, digest.bytes);
    return digest;
}

void ws_hasher_hash_each(const struct ws_hasher *hasher, const struct ws_text *texts, size_t count,
                         struct ws_digest *digests) {
    hasher->engine->hash_128_each(texts, count, digests);
}

struct ws_digest ws_hash_128(const void *bytes, size_t size) {
    struct ws_digest digest;

    widest_engine()->hash_128(bytes, size, digest.bytes);
    return digest;
}

uint64_t ws_hash_64(const void *bytes, size_t size) {
    return widest_engine()->hash_64(bytes, size);
}

void ws_digest_format(const struct ws_digest *digest, char hex[WS_DIGEST_HEX + 1]) {
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof digest->bytes; i++) {
        hex[2 * i] = digits[digest->bytes[i] >> 4];
        hex[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    hex[WS_DIGEST_HEX] = '\0';
}

static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

enum ws_status ws_digest_parse(const char *hex, struct ws_digest *digest) {
    if (strlen(hex) != WS_DIGEST_HEX) {
        return WS_INVALID;
    }
    for (size_t i = 0; i < sizeof digest->bytes; i++) {
        int high = hex_value(hex[2 * i]);
        int low = hex_value(hex[2 * i + 1]);
        if (high < 0 || low < 0) {
            return WS_INVALID;
        }
        digest->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return WS_OK;
}

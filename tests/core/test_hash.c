#include "fixtures.h"

#include <xxhash.h>

#include "hash_engine.h"

#define MOST 4096

static struct ws_digest reference(const void *bytes, size_t size) {
    XXH128_canonical_t canonical;
    struct ws_digest digest;

    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, size));
    memcpy(digest.bytes, canonical.digest, sizeof digest.bytes);
    return digest;
}

static struct ws_hasher *new_hasher(void) {
    struct ws_hasher *hasher = NULL;

    CHECK_STATUS(ws_hasher_new(&hasher), WS_OK);
    return hasher;
}

static struct ws_digest end_of(struct ws_hasher *hasher) {
    struct ws_digest digest = ws_hasher_digest(hasher);

    ws_hasher_free(hasher);
    return digest;
}

static struct ws_digest framed(uint8_t type, const char *tag, uint64_t count, const char *data) {
    struct ws_hasher *hasher = new_hasher();

    ws_hasher_frame(hasher, type, tag, (uint32_t)strlen(tag), count);
    ws_hasher_bytes(hasher, data, strlen(data));
    return end_of(hasher);
}

static void fill(uint8_t *bytes) {
    uint64_t chance = 1;

    fill_random(&chance, bytes, MOST);
}

TEST("the digest of bytes at once is XXH3-128 at every size") {
    uint8_t bytes[MOST];

    fill(bytes);
    for (size_t size = 0; size <= MOST; size++) {
        struct ws_digest got = ws_hash_128(bytes, size);
        struct ws_digest wanted = reference(bytes, size);
        CHECK(same_key(&got, &wanted));
    }
}

TEST("the 64-bit digest is XXH3-64 at every size") {
    uint8_t bytes[MOST];

    fill(bytes);
    for (size_t size = 0; size <= MOST; size++) {
        CHECK(ws_hash_64(bytes, size) == XXH3_64bits(bytes, size));
    }
}

TEST("a stream split in two anywhere gives the digest of the whole") {
    uint8_t bytes[MOST];

    fill(bytes);
    struct ws_digest wanted = reference(bytes, MOST);
    for (size_t split = 0; split <= MOST; split++) {
        struct ws_hasher *hasher = new_hasher();
        ws_hasher_bytes(hasher, bytes, split);
        ws_hasher_bytes(hasher, bytes + split, MOST - split);
        struct ws_digest got = end_of(hasher);
        CHECK(same_key(&got, &wanted));
    }
}

TEST("a stream in pieces of any size gives the digest of the whole") {
    uint8_t bytes[MOST];

    fill(bytes);
    struct ws_digest wanted = reference(bytes, MOST);
    for (size_t step = 1; step <= 600; step++) {
        struct ws_hasher *hasher = new_hasher();
        for (size_t at = 0; at < MOST; at += step) {
            ws_hasher_bytes(hasher, bytes + at, at + step < MOST ? step : MOST - at);
        }
        struct ws_digest got = end_of(hasher);
        CHECK(same_key(&got, &wanted));
    }
}

TEST("every engine that runs here gives libxxhash's digests, at once and streamed") {
    const struct ws_hash_engine *engines[] = {ws_hash_engine_system(), ws_hash_engine_avx2(),
                                              ws_hash_engine_avx512()};
    uint8_t bytes[MOST];
    struct ws_digest got;

    fill(bytes);
    XXH3_state_t *state = XXH3_createState();
    CHECK(state != NULL);
    for (size_t e = 0; e < sizeof engines / sizeof engines[0]; e++) {
        for (size_t size = 0; engines[e] && size <= MOST; size++) {
            struct ws_digest wanted = reference(bytes, size);
            engines[e]->hash_128(bytes, size, got.bytes);
            CHECK(same_key(&got, &wanted));
            engines[e]->reset(state);
            engines[e]->update(state, bytes, size / 3);
            engines[e]->update(state, bytes + size / 3, size - size / 3);
            engines[e]->digest(state, got.bytes);
            CHECK(same_key(&got, &wanted));
            CHECK(engines[e]->hash_64(bytes, size) == XXH3_64bits(bytes, size));
        }
    }
    XXH3_freeState(state);
}

TEST("every engine gives each of many texts the digest that it has alone") {
    const struct ws_hash_engine *engines[] = {ws_hash_engine_system(), ws_hash_engine_avx2(),
                                              ws_hash_engine_avx512()};
    enum { TEXTS = 300 };
    uint8_t bytes[MOST];
    struct ws_text texts[TEXTS];
    struct ws_digest got[TEXTS];

    fill(bytes);
    for (size_t i = 0; i < TEXTS; i++) {
        texts[i] = (struct ws_text){(const char *)bytes + i % 7, i % (MOST - 7)};
    }
    for (size_t e = 0; e < sizeof engines / sizeof engines[0]; e++) {
        if (engines[e]) {
            engines[e]->hash_128_each(texts, TEXTS, got);
        }
        for (size_t i = 0; engines[e] && i < TEXTS; i++) {
            struct ws_digest wanted = reference((const uint8_t *)texts[i].bytes, texts[i].size);
            CHECK(same_key(&got[i], &wanted));
        }
    }
}

TEST("the engine in use has one of the names it may have") {
    const char *name = ws_hash_engine();

    CHECK(strcmp(name, "libxxhash") == 0 || strcmp(name, "avx2") == 0 ||
          strcmp(name, "avx512") == 0);
}

TEST("a digest in the middle of a stream does not end it") {
    uint8_t bytes[MOST];
    struct ws_hasher *hasher = new_hasher();

    fill(bytes);
    for (size_t at = 0; at < MOST; at += 64) {
        ws_hasher_bytes(hasher, bytes + at, 64);
        struct ws_digest got = ws_hasher_digest(hasher);
        struct ws_digest wanted = reference(bytes, at + 64);
        CHECK(same_key(&got, &wanted));
    }
    ws_hasher_free(hasher);
}

TEST("a copy goes on from where its original was") {
    uint8_t bytes[MOST];
    struct ws_hasher *hasher = new_hasher();
    struct ws_hasher *copy = NULL;

    fill(bytes);
    ws_hasher_bytes(hasher, bytes, 1000);
    CHECK_STATUS(ws_hasher_copy(hasher, &copy), WS_OK);
    ws_hasher_free(hasher);
    ws_hasher_bytes(copy, bytes + 1000, MOST - 1000);
    struct ws_digest got = end_of(copy);
    struct ws_digest wanted = reference(bytes, MOST);
    CHECK(same_key(&got, &wanted));
}

TEST("what goes into a copy does not reach its original") {
    uint8_t bytes[MOST];
    struct ws_hasher *hasher = new_hasher();
    struct ws_hasher *copy = NULL;

    fill(bytes);
    ws_hasher_bytes(hasher, bytes, 1000);
    CHECK_STATUS(ws_hasher_copy(hasher, &copy), WS_OK);
    ws_hasher_bytes(copy, bytes, 3000);
    ws_hasher_free(copy);
    struct ws_digest got = end_of(hasher);
    struct ws_digest wanted = reference(bytes, 1000);
    CHECK(same_key(&got, &wanted));
}

TEST("freeing no hasher is allowed") { ws_hasher_free(NULL); }

TEST("a frame is its type, tag size, tag and count, little-endian, then its data") {
    static const uint8_t bytes[] = {7,    3,    0,    0,    0,    't',  'a', 'g', 0x08, 0x07,
                                    0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 'd', 'a', 't',  'a'};
    struct ws_digest wanted = reference(bytes, sizeof bytes);
    struct ws_digest got = framed(7, "tag", 0x0102030405060708u, "data");

    CHECK(same_key(&got, &wanted));
}

TEST("frames that differ only in their type differ") {
    struct ws_digest a = framed(1, "tag", 4, "data");
    struct ws_digest b = framed(2, "tag", 4, "data");

    CHECK(!same_key(&a, &b));
}

TEST("frames that differ only in their count differ") {
    struct ws_digest a = framed(1, "tag", 4, "data");
    struct ws_digest b = framed(1, "tag", 5, "data");

    CHECK(!same_key(&a, &b));
}

TEST("a byte moved from a frame's data to its tag gives another digest") {
    struct ws_digest a = framed(1, "tag", 4, "xdata");
    struct ws_digest b = framed(1, "tagx", 4, "data");

    CHECK(!same_key(&a, &b));
}

TEST("two frames are not one frame whose data holds the second") {
    static const char second[] = "\1\1\0\0\0b\1\0\0\0\0\0\0\0y";
    struct ws_hasher *two = new_hasher();
    struct ws_hasher *one = new_hasher();

    ws_hasher_frame(two, 1, "a", 1, 1);
    ws_hasher_bytes(two, "x", 1);
    ws_hasher_frame(two, 1, "b", 1, 1);
    ws_hasher_bytes(two, "y", 1);

    ws_hasher_frame(one, 1, "a", 1, 1 + sizeof second - 1);
    ws_hasher_bytes(one, "x", 1);
    ws_hasher_bytes(one, second, sizeof second - 1);
    struct ws_digest a = end_of(two);
    struct ws_digest b = end_of(one);
    CHECK(!same_key(&a, &b));
}

TEST("no two of many short sequences of frames give the same digest") {
    static const char *const texts[] = {"", "a", "b", "aa", "ab"};
    enum { TEXTS = 5, FRAMES = TEXTS * TEXTS, ALL = FRAMES + FRAMES * FRAMES };
    static struct ws_digest digests[ALL];
    size_t count = 0;

    /* Each text as a tag and as data of its own size, alone and in pairs. */
    for (size_t i = 0; i < FRAMES; i++) {
        for (size_t j = 0; j <= FRAMES; j++) {
            struct ws_hasher *hasher = new_hasher();
            size_t frames[2] = {i, j};
            for (int f = 0; f < (j == FRAMES ? 1 : 2); f++) {
                const char *tag = texts[frames[f] / TEXTS];
                const char *data = texts[frames[f] % TEXTS];
                ws_hasher_frame(hasher, 1, tag, (uint32_t)strlen(tag), strlen(data));
                ws_hasher_bytes(hasher, data, strlen(data));
            }
            digests[count++] = end_of(hasher);
        }
    }
    CHECK(count == ALL);
    for (size_t i = 0; i < ALL; i++) {
        for (size_t j = 0; j < i; j++) {
            CHECK(!same_key(&digests[i], &digests[j]));
        }
    }
}

TEST("hex shows the bytes in order, in lowercase") {
    struct ws_digest digest;
    char hex[WS_DIGEST_HEX + 1];

    for (size_t i = 0; i < sizeof digest.bytes; i++) {
        digest.bytes[i] = (uint8_t)(0xf0 - 0x0f * i);
    }
    ws_digest_format(&digest, hex);
    CHECK(strcmp(hex, "f0e1d2c3b4a5968778695a4b3c2d1e0f") == 0);
}

TEST("hex read back is the digest it was") {
    uint64_t chance = 2;
    struct ws_digest digest;
    struct ws_digest again;
    char hex[WS_DIGEST_HEX + 1];

    for (int i = 0; i < 1000; i++) {
        fill_random(&chance, digest.bytes, sizeof digest.bytes);
        ws_digest_format(&digest, hex);
        CHECK_STATUS(ws_digest_parse(hex, &again), WS_OK);
        CHECK(same_key(&digest, &again));
    }
}

TEST("hex of another length than 32 is refused") {
    char hex[2 * WS_DIGEST_HEX + 1] = "";
    struct ws_digest digest;

    for (size_t size = 0; size <= sizeof hex - 1; size++) {
        memset(hex, 'a', size);
        hex[size] = '\0';
        CHECK((ws_digest_parse(hex, &digest) == WS_OK) == (size == WS_DIGEST_HEX));
    }
}

TEST("any character but a lowercase hex digit is refused, in any place") {
    struct ws_digest digest;

    for (int place = 0; place < WS_DIGEST_HEX; place++) {
        for (int c = 1; c < 256; c++) {
            char hex[WS_DIGEST_HEX + 1] = KEY_HEX;
            hex[place] = (char)c;
            bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
            CHECK_STATUS(ws_digest_parse(hex, &digest), is_digit ? WS_OK : WS_INVALID);
        }
    }
}

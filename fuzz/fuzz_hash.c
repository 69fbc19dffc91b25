/*
 * Hash framing: data in pieces hashes as data in one; a copy goes on as its original; no prefix
 * of a sequence of frames has the digest of the whole.
 *
 * Input: frames, each of a type, the size of its tag, how many SIZE_UNITs of data, where they are
 * cut, then tag and data.
 */
#include "fuzz.h"

#include "values.h"

#define FRAME_HEAD 4
#define SIZE_UNIT 32 /* of data: up to 1020 doubles, more than values.c takes at a time */
#define FRAMES_MAX 8 /* more find nothing new, and take their time */

struct frame {
    uint8_t type;
    size_t tag_size;
    size_t size;
    size_t cut;
    const uint8_t *tag;
    const uint8_t *data;
};

/* False at the end of the input. */
static int next_frame(const uint8_t **bytes, size_t *left, struct frame *frame) {
    if (*left < FRAME_HEAD) {
        return 0;
    }
    const uint8_t *head = *bytes;
    *bytes += FRAME_HEAD;
    *left -= FRAME_HEAD;
    frame->type = head[0];
    frame->tag_size = head[1] < *left ? head[1] : *left;
    frame->tag = *bytes;
    *bytes += frame->tag_size;
    *left -= frame->tag_size;
    frame->size = (size_t)head[2] * SIZE_UNIT < *left ? (size_t)head[2] * SIZE_UNIT : *left;
    frame->cut = head[3] < frame->size ? head[3] : frame->size;
    frame->data = *bytes;
    *bytes += frame->size;
    *left -= frame->size;
    return 1;
}

static void begin(struct ws_hasher *hasher, const struct frame *frame) {
    ws_hasher_frame(hasher, frame->type, (const char *)frame->tag, (uint32_t)frame->tag_size,
                    frame->size);
}

static int same(struct ws_digest a, struct ws_digest b) {
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

/* Doubles in two parts, at any alignment, hash as in one. */
static void check_doubles(const struct frame *frame) {
    size_t count = frame->size / sizeof(double);
    size_t cut = count > 0 ? frame->cut % (count + 1) : 0;
    struct ws_hasher *whole = NULL;
    struct ws_hasher *parts = NULL;
    double *values = malloc(count > 0 ? count * sizeof *values : 1);

    FUZZ_CHECK(values && ws_hasher_new(&whole) == WS_OK && ws_hasher_new(&parts) == WS_OK);
    memcpy(values, frame->data, count * sizeof *values);
    ws_hasher_doubles(whole, values, count);
    ws_hasher_doubles(parts, values, cut);
    ws_hasher_doubles(parts, values + cut, count - cut);
    FUZZ_CHECK(same(ws_hasher_digest(whole), ws_hasher_digest(parts)));
    ws_hasher_free(whole);
    ws_hasher_free(parts);
    free(values);
}

static void check_digest_text(struct ws_digest digest) {
    char hex[WS_DIGEST_HEX + 1];
    struct ws_digest parsed;

    ws_digest_format(&digest, hex);
    FUZZ_CHECK(ws_digest_parse(hex, &parsed) == WS_OK && same(parsed, digest));
    hex[WS_DIGEST_HEX - 1] = '\0';
    FUZZ_CHECK(ws_digest_parse(hex, &parsed) == WS_INVALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct ws_hasher *whole = NULL;
    struct ws_hasher *parts = NULL;
    struct frame frame;

    FUZZ_CHECK(ws_hasher_new(&whole) == WS_OK && ws_hasher_new(&parts) == WS_OK);
    for (int i = 0; i < FRAMES_MAX && next_frame(&bytes, &size, &frame); i++) {
        struct ws_digest before = ws_hasher_digest(whole);
        begin(whole, &frame);
        ws_hasher_bytes(whole, frame.data, frame.size);
        begin(parts, &frame);
        ws_hasher_bytes(parts, frame.data, frame.cut);
        if (i == 0) {
            struct ws_hasher *copy = NULL;
            FUZZ_CHECK(ws_hasher_copy(parts, &copy) == WS_OK);
            ws_hasher_free(parts);
            parts = copy;
            check_doubles(&frame);
        }
        ws_hasher_bytes(parts, frame.data + frame.cut, frame.size - frame.cut);
        FUZZ_CHECK(same(ws_hasher_digest(whole), ws_hasher_digest(parts)));
        FUZZ_CHECK(!same(ws_hasher_digest(whole), before));
        ws_hasher_string(whole, WS_TEXT, frame.data, frame.size);
    }
    check_digest_text(ws_hasher_digest(whole));
    ws_hasher_free(whole);
    ws_hasher_free(parts);
    return 0;
}

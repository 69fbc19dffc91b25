#include "fixtures.h"

#include <float.h>
#include <limits.h>

static const char payload[] = "the quick brown fox jumps over the lazy dog";

/* To a record, a history is bytes. */
static const uint8_t history[] = {1, 2, 3, 4, 5};

/* A record with something in every field. */
static struct ws_record full_record(void) {
    struct ws_record record = record_of(WS_FINAL, -1234.5678, 77);

    record.note.encoding = 3;
    record.note.has_iteration = true;
    record.note.iteration = 42;
    record.slot = 2;
    record.slot_size = 3 * WS_SLOT_ALIGN;
    record.written = 1700000000123456789;
    ws_record_set_history(&record, history, sizeof history);
    CHECK_STATUS(ws_note_set_label(&record.note, "gam: y ~ s(x0), \xc3\xa9t\xc3\xa9"), WS_OK);
    return record;
}

static void encode(struct ws_record *record, uint8_t header[WS_RECORD_HEADER]) {
    ws_record_encode(record, payload, sizeof payload, header);
}

static void full_header(uint8_t header[WS_RECORD_HEADER]) {
    struct ws_record record = full_record();

    encode(&record, header);
}

static bool same_note(const struct ws_note *a, const struct ws_note *b) {
    return a->kind == b->kind && a->encoding == b->encoding &&
           a->has_objective == b->has_objective && a->has_iteration == b->has_iteration &&
           memcmp(&a->objective, &b->objective, sizeof a->objective) == 0 &&
           a->iteration == b->iteration && strcmp(a->label, b->label) == 0;
}

static bool same_record(const struct ws_record *a, const struct ws_record *b) {
    return same_note(&a->note, &b->note) && same_key(&a->key, &b->key) &&
           a->sequence == b->sequence && a->written == b->written && a->slot == b->slot &&
           a->slot_size == b->slot_size && a->payload_size == b->payload_size &&
           same_key(&a->payload_digest, &b->payload_digest) && a->history_size == b->history_size &&
           a->history_digest == b->history_digest;
}

static void expect_round_trip(struct ws_record *record) {
    uint8_t header[WS_RECORD_HEADER];
    struct ws_record got;

    encode(record, header);
    CHECK_STATUS(ws_record_decode(header, sizeof header, &got), WS_OK);
    CHECK(same_record(record, &got));
}

/* What decoding says of a full header in which `size` bytes at `at` were set to `value`,
 * little-endian, and the digest made to fit. */
static enum ws_status decode_lie(size_t at, size_t size, uint64_t value) {
    uint8_t header[WS_RECORD_HEADER];
    struct ws_record record;

    full_header(header);
    for (size_t i = 0; i < size; i++) {
        header[at + i] = (uint8_t)(value >> (8 * i));
    }
    sign_header(header);
    return ws_record_decode(header, sizeof header, &record);
}

static enum ws_status decode_label(const char *label, size_t size) {
    uint8_t header[WS_RECORD_HEADER];
    struct ws_record record;

    full_header(header);
    memset(header + 97, 0, WS_LABEL_MAX);
    header[96] = (uint8_t)size;
    memcpy(header + 97, label, size < WS_LABEL_MAX ? size : WS_LABEL_MAX);
    sign_header(header);
    return ws_record_decode(header, sizeof header, &record);
}

static enum ws_status set_label(const char *label) {
    struct ws_note note;

    return ws_note_set_label(&note, label);
}

/* Labels that no terminal should see, and no reader accept. */
static const char *const bad_labels[] = {
    "\x1b[31mred",      /* an escape */
    "two\nlines",       /* a line end */
    "a\ttab",           /* a tab */
    "\x7f",             /* delete */
    "\xc2\x9bK",        /* the one-character form of an escape, U+009B */
    "\x80",             /* a continuation alone */
    "\xc3",             /* a sequence cut short */
    "\xc3(",            /* a sequence broken off */
    "\xc0\xaf",         /* an overlong '/' */
    "\xe0\x80\xaf",     /* a longer one */
    "\xf0\x80\x80\xaf", /* and longer */
    "\xed\xa0\x80",     /* half of a surrogate pair, U+D800 */
    "\xf4\x90\x80\x80", /* beyond U+10FFFF */
    "\xf5\x80\x80\x80", /* no such first byte */
    "\xff",             /* nor this */
};

enum { BAD_LABELS = sizeof bad_labels / sizeof bad_labels[0] };

/* Round trips. */

TEST("every field comes back as it was written") {
    struct ws_record record = full_record();

    expect_round_trip(&record);
}

TEST("a record with nothing optional comes back as it was written") {
    struct ws_record record = record_of(WS_CHECKPOINT, NO_OBJECTIVE, 1);

    expect_round_trip(&record);
}

TEST("random records come back as they were written") {
    uint64_t chance = 3;

    for (int i = 0; i < 2000; i++) {
        double objective = ldexp((double)(int64_t)draw(&chance), (int)draw_below(&chance, 600));
        struct ws_record record =
            record_of(draw_below(&chance, 2) ? WS_CHECKPOINT : WS_FINAL, objective, 1);
        record.sequence = draw(&chance) | 1;
        record.written = (int64_t)draw(&chance);
        record.note.encoding = (uint8_t)draw(&chance);
        record.note.has_iteration = draw_below(&chance, 2) == 1;
        record.note.iteration =
            record.note.has_iteration ? draw_below(&chance, WS_ITERATION_MAX + 1) : 0;
        record.slot_size = WS_SLOT_ALIGN * draw_below(&chance, 1000000);
        record.slot = record.slot_size > 0 ? (uint8_t)draw_below(&chance, WS_SLOTS) : 0;
        fill_random(&chance, record.key.bytes, sizeof record.key.bytes);
        expect_round_trip(&record);
    }
}

TEST("objectives come back to the last bit") {
    static const double values[] = {0.0, -0.0, DBL_MIN, DBL_TRUE_MIN, DBL_MAX, -DBL_MAX, 0.1};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct ws_record record = record_of(WS_FINAL, values[i], 1);
        CHECK(record.note.has_objective);
        expect_round_trip(&record);
    }
}

TEST("times before 1970 come back") {
    struct ws_record record = record_of(WS_FINAL, 1, 1);

    record.written = INT64_MIN;
    expect_round_trip(&record);
}

TEST("the largest iteration comes back") {
    struct ws_record record = full_record();

    record.note.iteration = WS_ITERATION_MAX;
    expect_round_trip(&record);
}

TEST("a label of full length comes back") {
    struct ws_record record = full_record();
    char label[WS_LABEL_MAX + 1] = "";

    memset(label, 'x', WS_LABEL_MAX);
    CHECK_STATUS(ws_note_set_label(&record.note, label), WS_OK);
    expect_round_trip(&record);
}

TEST("an empty payload verifies") {
    struct ws_record record = record_of(WS_FINAL, 1, 1);
    uint8_t header[WS_RECORD_HEADER];

    ws_record_encode(&record, NULL, 0, header);
    CHECK_STATUS(ws_record_decode(header, sizeof header, &record), WS_OK);
    CHECK_STATUS(ws_record_verify(&record, "", 0), WS_OK);
}

TEST("the fields are where the format's table says") {
    struct ws_record record = full_record();
    uint8_t header[WS_RECORD_HEADER];

    encode(&record, header);
    CHECK(memcmp(header, "\x89WARM\r\n\x1a", 8) == 0);
    CHECK(ws_get_u16(header + 8) == 1 && ws_get_u16(header + 10) == 256);
    CHECK(header[12] == 2 && header[13] == 3 && header[14] == 3 && header[15] == 2);
    CHECK(memcmp(header + 16, record.key.bytes, 16) == 0);
    CHECK(ws_get_u64(header + 32) == 77);
    CHECK(ws_get_u64(header + 40) == 1700000000123456789);
    CHECK(ws_get_double(header + 48) == -1234.5678);
    CHECK(ws_get_u64(header + 56) == 42);
    CHECK(ws_get_u64(header + 64) == sizeof payload);
    struct ws_digest digest = ws_hash_128(payload, sizeof payload);
    CHECK(memcmp(header + 72, digest.bytes, 16) == 0);
    CHECK(ws_get_u64(header + 88) == 3 * WS_SLOT_ALIGN);
    CHECK(header[96] == strlen(record.note.label));
    CHECK(memcmp(header + 97, record.note.label, header[96]) == 0);
    CHECK(ws_get_u64(header + 248) == ws_hash_64(header, 248));
}

TEST("bytes that no field owns are zero") {
    struct ws_record record = record_of(WS_CHECKPOINT, NO_OBJECTIVE, 1);
    uint8_t header[WS_RECORD_HEADER];

    memset(header, 0xff, sizeof header);
    encode(&record, header);
    for (size_t at = 97; at < 248; at++) {
        CHECK(header[at] == 0);
    }
}

/* Damage. */

TEST("every flip of a single bit of the header is refused") {
    uint8_t header[WS_RECORD_HEADER];
    struct ws_record record;

    full_header(header);
    for (size_t bit = 0; bit < 8 * sizeof header; bit++) {
        header[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum ws_status status = ws_record_decode(header, sizeof header, &record);
        CHECK_STATUS(status, bit < 64                           ? WS_FOREIGN
                             : bit < 80 && status != WS_DAMAGED ? WS_NEWER
                                                                : WS_DAMAGED);
        header[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

TEST("every header cut short is refused") {
    uint8_t header[WS_RECORD_HEADER];
    struct ws_record record;

    full_header(header);
    for (size_t size = 0; size < sizeof header; size++) {
        uint8_t *cut = malloc(size + 1); /* so that a look beyond is seen by the sanitizer */
        CHECK(cut != NULL);
        memcpy(cut + 1, header, size);
        CHECK_STATUS(ws_record_decode(cut + 1, size, &record), size < 8 ? WS_FOREIGN : WS_DAMAGED);
        free(cut);
    }
}

TEST("every flip of a single bit of the payload is refused") {
    struct ws_record record = full_record();
    uint8_t header[WS_RECORD_HEADER];
    char changed[sizeof payload];

    encode(&record, header);
    memcpy(changed, payload, sizeof payload);
    for (size_t bit = 0; bit < 8 * sizeof changed; bit++) {
        changed[bit / 8] ^= (char)(1u << bit % 8);
        CHECK_STATUS(ws_record_verify(&record, changed, sizeof changed), WS_DAMAGED);
        changed[bit / 8] ^= (char)(1u << bit % 8);
    }
    CHECK_STATUS(ws_record_verify(&record, changed, sizeof changed), WS_OK);
}

TEST("a payload of another size is refused") {
    struct ws_record record = full_record();
    uint8_t header[WS_RECORD_HEADER];

    encode(&record, header);
    for (size_t size = 0; size < sizeof payload; size++) {
        CHECK_STATUS(ws_record_verify(&record, payload, size), WS_DAMAGED);
    }
}

TEST("every flip of a single bit of the history is refused, and the payload is not") {
    struct ws_record record = full_record();
    uint8_t header[WS_RECORD_HEADER];
    uint8_t changed[sizeof history];

    encode(&record, header);
    memcpy(changed, history, sizeof history);
    for (size_t bit = 0; bit < 8 * sizeof changed; bit++) {
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK_STATUS(ws_record_verify_history(&record, changed, sizeof changed), WS_DAMAGED);
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CHECK_STATUS(ws_record_verify_history(&record, changed, sizeof changed), WS_OK);
    CHECK_STATUS(ws_record_verify_history(&record, changed, sizeof changed - 1), WS_DAMAGED);
    CHECK_STATUS(ws_record_verify(&record, payload, sizeof payload), WS_OK);
}

TEST("the payload lies behind the history") {
    struct ws_record record = full_record();

    CHECK(ws_record_payload_at(&record) == WS_RECORD_HEADER + sizeof history);
    ws_record_set_history(&record, NULL, 0);
    CHECK(ws_record_payload_at(&record) == WS_RECORD_HEADER);
}

TEST("bytes that are not a record's are foreign") {
    uint8_t bytes[2 * WS_RECORD_HEADER];
    struct ws_record record;
    uint64_t chance = 4;

    for (int i = 0; i < 1000; i++) {
        fill_random(&chance, bytes, sizeof bytes);
        CHECK_STATUS(ws_record_decode(bytes, sizeof bytes, &record), WS_FOREIGN);
    }
}

/* Lies: headers whose digest fits. */

TEST("a header changed by hand and signed is believed where it tells no lie") {
    CHECK_STATUS(decode_lie(32, 8, 78), WS_OK);
}

TEST("every later version is newer") {
    for (uint64_t version = 2; version < 65536; version++) {
        CHECK_STATUS(decode_lie(8, 2, version), WS_NEWER);
    }
}

TEST("a later version is newer although its header ends differently") {
    uint8_t header[WS_RECORD_HEADER];
    struct ws_record record;

    full_header(header);
    ws_put_u16(header + 8, WS_RECORD_VERSION + 1);
    CHECK_STATUS(ws_record_decode(header, sizeof header, &record), WS_NEWER);
}

TEST("version 0 is damaged") { CHECK_STATUS(decode_lie(8, 2, 0), WS_DAMAGED); }

TEST("a header of another size is damaged") {
    CHECK_STATUS(decode_lie(10, 2, 0), WS_DAMAGED);
    CHECK_STATUS(decode_lie(10, 2, 255), WS_DAMAGED);
    CHECK_STATUS(decode_lie(10, 2, 65535), WS_DAMAGED);
}

TEST("a kind that is neither checkpoint nor final is damaged") {
    for (uint64_t kind = 0; kind < 256; kind++) {
        CHECK_STATUS(decode_lie(12, 1, kind), kind == 1 || kind == 2 ? WS_OK : WS_DAMAGED);
    }
}

TEST("any encoding is accepted, being the caller's") {
    for (uint64_t encoding = 0; encoding < 256; encoding++) {
        CHECK_STATUS(decode_lie(13, 1, encoding), WS_OK);
    }
}

TEST("a flag that is not known is damaged") {
    for (uint64_t flags = 16; flags < 256; flags++) {
        CHECK_STATUS(decode_lie(14, 1, flags), WS_DAMAGED);
    }
}

TEST("an objective that is not finite is damaged") {
    CHECK_STATUS(decode_lie(48, 8, 0x7ff8000000000000u), WS_DAMAGED);
    CHECK_STATUS(decode_lie(48, 8, 0x7ff00000000007a2u), WS_DAMAGED);
    CHECK_STATUS(decode_lie(48, 8, 0x7ff0000000000000u), WS_DAMAGED);
    CHECK_STATUS(decode_lie(48, 8, 0xfff0000000000000u), WS_DAMAGED);
}

TEST("an iteration beyond the largest is damaged") {
    CHECK_STATUS(decode_lie(56, 8, WS_ITERATION_MAX + 1), WS_DAMAGED);
    CHECK_STATUS(decode_lie(56, 8, UINT64_MAX), WS_DAMAGED);
}

TEST("a payload size that overflows any sum is damaged") {
    CHECK_STATUS(decode_lie(64, 8, UINT64_MAX), WS_DAMAGED);
    CHECK_STATUS(decode_lie(64, 8, UINT64_MAX - WS_RECORD_HEADER), WS_DAMAGED);
    CHECK_STATUS(decode_lie(64, 8, UINT64_MAX / 2 + 1), WS_DAMAGED);
}

TEST("a sequence number of zero is refused") {
    CHECK_STATUS(decode_lie(32, 8, 0), WS_DAMAGED);
    CHECK_STATUS(decode_lie(32, 8, UINT64_MAX), WS_OK);
}

TEST("a slot that no file has is refused, and one of a record that has no slot") {
    for (uint64_t slot = 0; slot < 256; slot++) {
        CHECK_STATUS(decode_lie(15, 1, slot), slot < WS_SLOTS ? WS_OK : WS_DAMAGED);
    }
    CHECK_STATUS(decode_lie(88, 8, 0), WS_DAMAGED); /* it says slot 2 */
}

TEST("a slot size that overflows any product is damaged") {
    CHECK_STATUS(decode_lie(88, 8, UINT64_MAX), WS_DAMAGED);
    CHECK_STATUS(decode_lie(88, 8, UINT64_MAX / WS_SLOTS), WS_DAMAGED);
}

TEST("a history larger than any is damaged") {
    CHECK_STATUS(decode_lie(240, 2, WS_HISTORY_MAX), WS_OK);
    CHECK_STATUS(decode_lie(240, 2, WS_HISTORY_MAX + 1), WS_DAMAGED);
    CHECK_STATUS(decode_lie(240, 2, UINT16_MAX), WS_DAMAGED);
}

TEST("a label size beyond the label is damaged") {
    for (uint64_t size = WS_LABEL_MAX + 1; size < 256; size++) {
        CHECK_STATUS(decode_lie(96, 1, size), WS_DAMAGED);
    }
}

TEST("a label with a zero byte in it is damaged") {
    CHECK_STATUS(decode_label("a\0b", 3), WS_DAMAGED);
}

TEST("a label that is not printable UTF-8 is damaged") {
    for (size_t i = 0; i < BAD_LABELS; i++) {
        CHECK_STATUS(decode_label(bad_labels[i], strlen(bad_labels[i])), WS_DAMAGED);
    }
}

TEST("a label whose last character goes on beyond its size is damaged") {
    CHECK_STATUS(decode_label("\xc3\xa9", 1), WS_DAMAGED);
}

/* Notes. */

TEST("a label that is not printable UTF-8 is invalid") {
    for (size_t i = 0; i < BAD_LABELS; i++) {
        CHECK_STATUS(set_label(bad_labels[i]), WS_INVALID);
    }
}

TEST("every control character in a label is invalid") {
    for (int c = 1; c < 0x80; c++) {
        char label[] = {'a', (char)c, 'b', '\0'};
        CHECK_STATUS(set_label(label), c < 0x20 || c == 0x7f ? WS_INVALID : WS_OK);
    }
}

TEST("labels in UTF-8 of every length are valid") {
    CHECK_STATUS(set_label("a \xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9f"), WS_OK);
    CHECK_STATUS(set_label("\xc2\xa0\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"), WS_OK);
    CHECK_STATUS(set_label("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), WS_OK);
}

TEST("a label is at most 143 bytes") {
    char label[WS_LABEL_MAX + 2] = "";

    memset(label, 'x', WS_LABEL_MAX);
    CHECK_STATUS(set_label(label), WS_OK);
    label[WS_LABEL_MAX] = 'x';
    CHECK_STATUS(set_label(label), WS_INVALID);
}

TEST("no label is the empty label") {
    struct ws_note note;

    memset(note.label, 'x', sizeof note.label);
    CHECK_STATUS(ws_note_set_label(&note, NULL), WS_OK);
    CHECK(note.label[0] == '\0');
}

TEST("NaN and infinite objectives are absent") {
    static const double values[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct ws_note note = note_of(WS_FINAL, 1);
        ws_note_set_objective(&note, values[i]);
        CHECK(!note.has_objective);
    }
}

TEST("an absent objective leaves a header that decodes") {
    struct ws_record record = record_of(WS_FINAL, NO_OBJECTIVE, 1);
    uint8_t header[WS_RECORD_HEADER];
    struct ws_record got;

    encode(&record, header);
    CHECK_STATUS(ws_record_decode(header, sizeof header, &got), WS_OK);
    CHECK(!got.note.has_objective);
}

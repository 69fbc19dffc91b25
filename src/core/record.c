#include "record.h"

#include <math.h>
#include <string.h>

#include "bytes.h"
#include "history.h"
#include "utf8.h"

enum field {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_HEADER_SIZE = 10,
    AT_KIND = 12,
    AT_ENCODING = 13,
    AT_FLAGS = 14,
    AT_SLOT = 15,
    AT_KEY = 16,
    AT_SEQUENCE = 32,
    AT_WRITTEN = 40,
    AT_OBJECTIVE = 48,
    AT_ITERATION = 56,
    AT_PAYLOAD_SIZE = 64,
    AT_PAYLOAD_DIGEST = 72,
    AT_SLOT_SIZE = 88,
    AT_LABEL_SIZE = 96,
    AT_LABEL = 97,
    AT_HISTORY_SIZE = 240,
    AT_HISTORY_DIGEST = 244,
    AT_HEADER_DIGEST = 248,
};

enum flag { HAS_OBJECTIVE = 1, HAS_ITERATION = 2, IS_SEED = 4, IS_NAMED = 8 };

static const uint8_t magic[8] = {0x89, 'W', 'A', 'R', 'M', 0x0d, 0x0a, 0x1a};

static bool is_control(uint32_t point) { return point < 0x20 || (point >= 0x7f && point < 0xa0); }

static bool label_is_valid(const char *label, size_t size) {
    uint32_t point;

    for (size_t i = 0, step; i < size; i += step) {
        step = ws_utf8_next((const uint8_t *)label + i, size - i, &point);
        if (step == 0 || is_control(point)) {
            return false;
        }
    }
    return true;
}

void ws_note_set_objective(struct ws_note *note, double objective) {
    note->has_objective = isfinite(objective);
    note->objective = note->has_objective ? objective : 0;
}

enum ws_status ws_note_set_label(struct ws_note *note, const char *label) {
    size_t size = label ? strlen(label) : 0;

    if (size > WS_LABEL_MAX || !label_is_valid(label, size)) {
        return WS_INVALID;
    }
    memset(note->label, 0, sizeof note->label);
    if (size > 0) {
        memcpy(note->label, label, size);
    }
    return WS_OK;
}

static uint32_t history_digest(const void *history, size_t size) {
    return (uint32_t)ws_hash_64(history, size);
}

void ws_record_set_history(struct ws_record *record, const void *history, size_t size) {
    record->history_size = (uint16_t)size;
    record->history_digest = size > 0 ? history_digest(history, size) : 0;
}

void ws_record_encode(struct ws_record *record, const void *payload, size_t payload_size,
                      uint8_t header[WS_RECORD_HEADER]) {
    const struct ws_note *note = &record->note;
    size_t label_size = strlen(note->label);

    record->payload_size = payload_size;
    record->payload_digest = ws_hash_128(payload, payload_size);

    memset(header, 0, WS_RECORD_HEADER);
    memcpy(header + AT_MAGIC, magic, sizeof magic);
    ws_put_u16(header + AT_VERSION, WS_RECORD_VERSION);
    ws_put_u16(header + AT_HEADER_SIZE, WS_RECORD_HEADER);
    header[AT_KIND] = (uint8_t)note->kind;
    header[AT_ENCODING] = note->encoding;
    header[AT_FLAGS] = (uint8_t)((note->has_objective ? HAS_OBJECTIVE : 0) |
                                 (note->has_iteration ? HAS_ITERATION : 0) |
                                 (note->is_seed ? IS_SEED : 0) | (note->is_named ? IS_NAMED : 0));
    header[AT_SLOT] = record->slot;
    memcpy(header + AT_KEY, record->key.bytes, sizeof record->key.bytes);
    ws_put_u64(header + AT_SEQUENCE, record->sequence);
    ws_put_u64(header + AT_WRITTEN, (uint64_t)record->written);
    ws_put_double(header + AT_OBJECTIVE, note->has_objective ? note->objective : 0);
    ws_put_u64(header + AT_ITERATION, note->has_iteration ? note->iteration : 0);
    ws_put_u64(header + AT_PAYLOAD_SIZE, record->payload_size);
    memcpy(header + AT_PAYLOAD_DIGEST, record->payload_digest.bytes,
           sizeof record->payload_digest.bytes);
    ws_put_u64(header + AT_SLOT_SIZE, record->slot_size);
    header[AT_LABEL_SIZE] = (uint8_t)label_size;
    memcpy(header + AT_LABEL, note->label, label_size);
    ws_put_u16(header + AT_HISTORY_SIZE, record->history_size);
    ws_put_u32(header + AT_HISTORY_DIGEST, record->history_digest);
    ws_put_u64(header + AT_HEADER_DIGEST, ws_hash_64(header, AT_HEADER_DIGEST));
}

/* The header verifies; are its fields in their domains? A digest is no signature: whoever can
 * write the bytes can write one that fits. */
static bool fields_are_valid(const struct ws_record *record, uint8_t flags, size_t label_size) {
    const struct ws_note *note = &record->note;

    return (note->kind == WS_CHECKPOINT || note->kind == WS_FINAL) &&
           (flags & ~(HAS_OBJECTIVE | HAS_ITERATION | IS_SEED | IS_NAMED)) == 0 &&
           isfinite(note->objective) && note->iteration <= WS_ITERATION_MAX &&
           label_size <= WS_LABEL_MAX && record->sequence > 0 && record->slot < WS_SLOTS &&
           (record->slot_size > 0 || record->slot == 0) && record->payload_size <= UINT64_MAX / 2 &&
           record->slot_size <= UINT64_MAX / 8 && record->history_size <= WS_HISTORY_MAX;
}

enum ws_status ws_record_decode(const uint8_t *bytes, size_t size, struct ws_record *record) {
    if (size < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0) {
        return WS_FOREIGN;
    }
    if (size < AT_HEADER_SIZE) {
        return WS_DAMAGED;
    }
    if (ws_get_u16(bytes + AT_VERSION) > WS_RECORD_VERSION) {
        return WS_NEWER;
    }
    if (size < WS_RECORD_HEADER || ws_get_u16(bytes + AT_VERSION) != WS_RECORD_VERSION ||
        ws_get_u16(bytes + AT_HEADER_SIZE) != WS_RECORD_HEADER ||
        ws_get_u64(bytes + AT_HEADER_DIGEST) != ws_hash_64(bytes, AT_HEADER_DIGEST)) {
        return WS_DAMAGED;
    }

    uint8_t flags = bytes[AT_FLAGS];
    size_t label_size = bytes[AT_LABEL_SIZE];
    *record = (struct ws_record){
        .note =
            {
                .kind = (enum ws_kind)bytes[AT_KIND],
                .encoding = bytes[AT_ENCODING],
                .has_objective = (flags & HAS_OBJECTIVE) != 0,
                .has_iteration = (flags & HAS_ITERATION) != 0,
                .is_seed = (flags & IS_SEED) != 0,
                .is_named = (flags & IS_NAMED) != 0,
                .objective = ws_get_double(bytes + AT_OBJECTIVE),
                .iteration = ws_get_u64(bytes + AT_ITERATION),
            },
        .sequence = ws_get_u64(bytes + AT_SEQUENCE),
        .written = (int64_t)ws_get_u64(bytes + AT_WRITTEN),
        .slot = bytes[AT_SLOT],
        .slot_size = ws_get_u64(bytes + AT_SLOT_SIZE),
        .payload_size = ws_get_u64(bytes + AT_PAYLOAD_SIZE),
        .history_size = ws_get_u16(bytes + AT_HISTORY_SIZE),
        .history_digest = ws_get_u32(bytes + AT_HISTORY_DIGEST),
    };
    memcpy(record->key.bytes, bytes + AT_KEY, sizeof record->key.bytes);
    memcpy(record->payload_digest.bytes, bytes + AT_PAYLOAD_DIGEST,
           sizeof record->payload_digest.bytes);
    if (!fields_are_valid(record, flags, label_size) ||
        !label_is_valid((const char *)bytes + AT_LABEL, label_size)) {
        return WS_DAMAGED;
    }
    memcpy(record->note.label, bytes + AT_LABEL, label_size);
    return WS_OK;
}

enum ws_status ws_record_verify(const struct ws_record *record, const void *payload, size_t size) {
    if (size != record->payload_size) {
        return WS_DAMAGED;
    }
    struct ws_digest digest = ws_hash_128(payload, size);
    return memcmp(digest.bytes, record->payload_digest.bytes, sizeof digest.bytes) == 0
               ? WS_OK
               : WS_DAMAGED;
}

enum ws_status ws_record_verify_history(const struct ws_record *record, const void *history,
                                        size_t size) {
    return size == record->history_size && history_digest(history, size) == record->history_digest
               ? WS_OK
               : WS_DAMAGED;
}

size_t ws_record_payload_at(const struct ws_record *record) {
    return (size_t)WS_RECORD_HEADER + record->history_size;
}

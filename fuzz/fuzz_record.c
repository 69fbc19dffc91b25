/*
 * A record: what decodes is in the domain of every field, and encodes to the same header again. Its
 * history goes on, bounded, and what it is then decodes again.
 *
 * Input: what to sign, then the record's bytes.
 */
#include "fuzz.h"

#include <math.h>

static void check_domains(const struct ws_record *record) {
    const struct ws_note *note = &record->note;
    struct ws_note same = *note;

    FUZZ_CHECK(note->kind == WS_CHECKPOINT || note->kind == WS_FINAL);
    FUZZ_CHECK(isfinite(note->objective) && record->sequence > 0);
    FUZZ_CHECK(record->slot < WS_SLOTS && (record->slot_size > 0 || record->slot == 0));
    FUZZ_CHECK(note->iteration <= WS_ITERATION_MAX);
    FUZZ_CHECK(memchr(note->label, '\0', sizeof note->label));
    FUZZ_CHECK(ws_note_set_label(&same, note->label) == WS_OK);
}

/* Where there is no objective, or no iteration, encode writes zero; bytes that are not named may
 * be anything, and are written as zero. */
static void check_round_trip(struct ws_record record, const uint8_t *payload) {
    uint8_t header[WS_RECORD_HEADER];
    struct ws_record again;

    ws_record_encode(&record, payload, (size_t)record.payload_size, header);
    FUZZ_CHECK(ws_record_decode(header, sizeof header, &again) == WS_OK);
    FUZZ_CHECK(again.sequence == record.sequence && again.written == record.written);
    FUZZ_CHECK(again.payload_size == record.payload_size && again.slot == record.slot);
    FUZZ_CHECK(strcmp(again.note.label, record.note.label) == 0);
    FUZZ_CHECK(ws_record_verify(&again, payload, (size_t)again.payload_size) == WS_OK);
}

static void check_points(const struct ws_history *history) {
    double seconds = 0;

    FUZZ_CHECK(history->count >= 1 && history->count <= WS_HISTORY_POINTS);
    for (size_t i = 0; i < history->count; i++) {
        struct ws_point point = ws_history_point(history, i);
        FUZZ_CHECK(isfinite(point.objective) && point.iteration <= WS_ITERATION_MAX);
        FUZZ_CHECK(point.seconds >= seconds && point.run >= 1);
        seconds = point.seconds;
    }
}

static void check_history(const uint8_t *bytes, size_t size) {
    struct ws_history history;
    uint8_t again[WS_HISTORY_MAX];

    if (ws_history_decode(bytes, size, &history) != WS_OK) {
        return;
    }
    check_points(&history);
    FUZZ_CHECK(ws_history_encode(&history, again) == size && memcmp(again, bytes, size) == 0);
    ws_history_cut(&history, 0);
    for (int i = 0; i < 2 * WS_HISTORY_POINTS; i++) {
        struct ws_point point = {.has_objective = true, .objective = i % 3 - i, .seconds = i};
        ws_history_add(&history, &point);
        check_points(&history);
    }
    size = ws_history_encode(&history, again);
    FUZZ_CHECK(ws_history_decode(again, size, &history) == WS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct ws_record record;
    size_t length;
    uint8_t *copy = fuzz_copy(bytes, size, &length);

    if (!copy) {
        return 0;
    }
    fuzz_sign(copy, length, bytes[0]);
    if (ws_record_decode(copy, length, &record) == WS_OK) {
        size_t payload_at = ws_record_payload_at(&record);
        const uint8_t *payload = copy + payload_at;
        size_t left = length > payload_at ? length - payload_at : 0;
        check_domains(&record);
        if (length >= payload_at && ws_record_verify_history(&record, copy + WS_RECORD_HEADER,
                                                             record.history_size) == WS_OK) {
            check_history(copy + WS_RECORD_HEADER, record.history_size);
        }
        if (length >= payload_at && ws_record_verify(&record, payload, left) == WS_OK) {
            check_round_trip(record, payload);
        }
    }
    free(copy);
    return 0;
}

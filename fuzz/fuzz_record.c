/*
 * A record: what decodes is in the domain of every field, and encodes to the same header again.
 *
 * Input: what to sign, then the record's bytes.
 */
#include "fuzz.h"

#include <math.h>

static void check_domains(const struct ws_record *record) {
    const struct ws_note *note = &record->note;
    struct ws_note same = *note;

    FUZZ_CHECK(note->kind == WS_CHECKPOINT || note->kind == WS_FINAL);
    FUZZ_CHECK(isfinite(note->objective));
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct ws_record record;

    if (size == 0) {
        return 0;
    }
    /* Of its own size exactly, so that a read past the end is seen. */
    size_t length = size - 1;
    uint8_t *copy = malloc(length > 0 ? length : 1);
    FUZZ_CHECK(copy);
    memcpy(copy, bytes + 1, length);
    fuzz_sign(copy, length, bytes[0]);
    if (ws_record_decode(copy, length, &record) == WS_OK) {
        const uint8_t *payload = copy + WS_RECORD_HEADER;
        size_t left = length - WS_RECORD_HEADER;
        check_domains(&record);
        if (ws_record_verify(&record, payload, left) == WS_OK) {
            check_round_trip(record, payload);
        }
    }
    free(copy);
    return 0;
}

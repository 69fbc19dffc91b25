/*
 * A round of the sweep: what decodes is in the domain of every field, encodes to the same bytes
 * again, and goes on from there, whatever runs come, to an end from which the next begins.
 *
 * Input: whether to sign, then the file's bytes.
 */
#include "fuzz.h"

#include <math.h>

#include "round.h"

static void check_round(const struct ws_round *round) {
    FUZZ_CHECK(round->branch < WS_BRANCHES && round->sampled <= WS_SAMPLE);
    FUZZ_CHECK(round->owed >= 0 && round->owed <= WS_OWED_MAX);
    FUZZ_CHECK(isfinite(round->dropped) && round->dropped >= 0);
}

/* Runs whose times and sizes are the file's own bytes. */
static void go_on(struct ws_round *round, const uint8_t *bytes) {
    for (size_t at = 0; at + 24 <= WS_ROUND_BYTES; at += 24) {
        struct ws_turn turn = {.used = (int64_t)ws_get_u64(bytes + at),
                               .id = ws_get_u64(bytes + at + 8)};
        uint64_t size = ws_get_u64(bytes + at + 16);
        uint64_t excess = round->excess;
        if (ws_round_takes(round, &turn, size)) {
            FUZZ_CHECK(excess > 0 && round->excess <= excess);
        } else {
            ws_round_keep(round, &turn, size);
        }
        ws_round_count(round, size);
        check_round(round);
    }
    ws_round_end(round, round->kept / 2);
    FUZZ_CHECK(round->sampled == 0 && round->branch == 0 && round->kept == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct ws_round round;
    uint8_t encoded[WS_ROUND_BYTES];
    size_t length;
    uint8_t *copy = fuzz_copy(bytes, size, &length);

    if (copy && (bytes[0] & 1) != 0) {
        fuzz_sign_form(copy, length, WS_ROUND_BYTES);
    }
    if (copy && ws_round_decode(copy, length, &round) == WS_OK) {
        check_round(&round);
        go_on(&round, copy);
        ws_round_encode(&round, encoded);
        FUZZ_CHECK(ws_round_decode(encoded, sizeof encoded, &round) == WS_OK);
    }
    free(copy);
    return 0;
}

/*
 * A tally: what decodes is in the domain of every field, and encodes to the same counts again.
 *
 * Input: whether to sign, then the file's bytes.
 */
#include "fuzz.h"

#include <math.h>

#include "tally.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct ws_tally tally;
    struct ws_tally again;
    uint8_t encoded[WS_TALLY_BYTES];
    size_t length;
    uint8_t *copy = fuzz_copy(bytes, size, &length);

    if (copy && (bytes[0] & 1) != 0) {
        fuzz_sign_form(copy, length, WS_TALLY_BYTES);
    }
    if (copy && ws_tally_decode(copy, length, &tally) == WS_OK) {
        FUZZ_CHECK(tally.since > 0);
        FUZZ_CHECK(isfinite(tally.seconds_saved) && tally.seconds_saved >= 0);
        ws_tally_encode(&tally, encoded);
        FUZZ_CHECK(ws_tally_decode(encoded, sizeof encoded, &again) == WS_OK);
        FUZZ_CHECK(again.since == tally.since && again.seconds_saved == tally.seconds_saved);
        for (int i = 0; i < WS_USES; i++) {
            FUZZ_CHECK(tally.uses[i] <= WS_TALLY_MAX && again.uses[i] == tally.uses[i]);
        }
    }
    free(copy);
    return 0;
}

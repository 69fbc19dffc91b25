/*
 * The validator: it reads no byte that is not there, and what it accepts is whole: no part of it
 * is accepted alone, nor with more behind it.
 *
 * Input: the serialized object.
 */
#include "fuzz.h"

#include "plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size + 1);

    FUZZ_CHECK(copy);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    copy[size] = 0;
    if (ws_plain_check(bytes, size) == WS_OK) {
        FUZZ_CHECK(ws_plain_check(copy, size + 1) == WS_DAMAGED);
        FUZZ_CHECK(ws_plain_check(copy, size - 1) == WS_DAMAGED);
    }
    free(copy);
    return 0;
}

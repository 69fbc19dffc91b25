/*
 * fuzz: bytes from anywhere, given to what reads them. One file a target, one target a reader.
 *
 * A target is fuzz_<name>.c and defines LLVMFuzzerTestOneInput. `make fuzz` builds each with
 * libFuzzer, ASan and UBSan and runs it for a while, from the inputs in corpus/<name> on; those
 * are made by corpus.R. tests/core/test_corpus.c builds the same functions without libFuzzer and
 * runs them over the same inputs.
 *
 * Records carry digests, and a byte that was changed by chance would never get past them. Whoever
 * means harm writes digests that fit. So the targets that read records take a first byte that says
 * what is to be signed again: see fuzz_sign().
 *
 * What must hold is said with FUZZ_CHECK. The process ends where it does not.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "history.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum fuzz_signing { FUZZ_SIGN_HEADER = 1, FUZZ_SIGN_PAYLOAD = 2, FUZZ_SIGN_FORM = 4 };

/* What follows an input's first byte, malloc'd, of its own size exactly, so that a read past the
 * end is seen; NULL where there is no first byte. */
static inline uint8_t *fuzz_copy(const uint8_t *bytes, size_t size, size_t *length) {
    if (size == 0) {
        return NULL;
    }
    uint8_t *copy = malloc(size > 1 ? size - 1 : 1);
    FUZZ_CHECK(copy);
    *length = size - 1;
    memcpy(copy, bytes + 1, *length);
    return copy;
}

/* Makes the digest in the last eight bytes of a form of `form` bytes fit the rest, where `size`
 * bytes hold one. */
static inline void fuzz_sign_form(uint8_t *bytes, size_t size, size_t form) {
    if (size >= form) {
        ws_put_u64(bytes + form - 8, ws_hash_64(bytes, form - 8));
    }
}

/* Makes the digests at `record`, of which `size` bytes are there, fit what they cover: the
 * header's, the history's and payload's where all of these is there; FUZZ_SIGN_FORM: also magic,
 * version and header size. */
static inline void fuzz_sign(uint8_t *record, size_t size, unsigned what) {
    static const uint8_t form[12] = {0x89, 'W', 'A', 'R', 'M', 0x0d, 0x0a, 0x1a, 1, 0, 0, 1};

    if (size < WS_RECORD_HEADER) {
        return;
    }
    uint64_t payload_size = ws_get_u64(record + 64);
    if ((what & FUZZ_SIGN_FORM) != 0) {
        memcpy(record, form, sizeof form);
    }
    size_t history_size = ws_get_u16(record + 240);
    size_t left = size - WS_RECORD_HEADER;
    if ((what & FUZZ_SIGN_PAYLOAD) != 0 && history_size <= left &&
        payload_size <= left - history_size) {
        const uint8_t *history = record + WS_RECORD_HEADER;
        struct ws_digest digest = ws_hash_128(history + history_size, (size_t)payload_size);
        ws_put_u32(record + 244, (uint32_t)ws_hash_64(history, history_size));
        memcpy(record + 72, digest.bytes, sizeof digest.bytes);
    }
    if ((what & FUZZ_SIGN_HEADER) != 0) {
        ws_put_u64(record + 248, ws_hash_64(record, 248));
    }
}

#endif

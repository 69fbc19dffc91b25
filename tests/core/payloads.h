/*
 * payloads: bytes that say themselves which objective they belong to, and whether they are whole.
 */
#ifndef PAYLOADS_H
#define PAYLOADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bytes.h"
#include "store.h"

static inline void make_payload(uint8_t *bytes, size_t size, double objective) {
    uint8_t word[8];

    ws_put_double(word, objective);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = word[i % sizeof word];
    }
}

static inline bool is_intact(const struct ws_entry *entry) {
    const uint8_t *bytes = entry->payload;
    uint8_t word[8];

    ws_put_double(word, entry->record.note.objective);
    for (size_t i = 0; i < entry->record.payload_size; i++) {
        if (bytes[i] != word[i % sizeof word]) {
            return false;
        }
    }
    return true;
}

#endif

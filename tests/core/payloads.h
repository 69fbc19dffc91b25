/*
 * payloads: bytes that say themselves which objective they belong to, and whether they are whole.
 */
#ifndef PAYLOADS_H
#define PAYLOADS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bytes.h"
#include "lookup.h"

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

/* The lowest objective that lookups of the two kinds find, since a final entry hides checkpoints;
 * INFINITY where they find nothing. Clears `intact` where one is not whole. */
static inline double lowest_found(struct ws_store *store, const struct ws_digest *key,
                                  bool *intact) {
    double lowest = INFINITY;

    for (int kind = WS_CHECKPOINT; kind <= WS_FINAL; kind++) {
        struct ws_entry *entry = NULL;
        if (ws_store_lookup(store, key, WS_BEST, kind, NULL, &entry) == WS_OK) {
            *intact = *intact && is_intact(entry);
            lowest = fmin(lowest, entry->record.note.objective);
            ws_entry_free(entry);
        }
    }
    return lowest;
}

#endif

/*
 * record: one payload with its metadata, as bytes. Pure: no I/O, no clock, no allocation.
 *
 * A record is a header of WS_RECORD_HEADER bytes, then the history, if any (history.h), then the
 * payload. All integers are little-endian; bytes not named are zero. This table is the format,
 * version 1:
 *
 *     offset size  field
 *          0    8  magic: 89 'W' 'A' 'R' 'M' 0d 0a 1a. Not text, and damaged by any transfer
 *                  that rewrites line ends or strips the eighth bit
 *          8    2  format version
 *         10    2  size of this header
 *         12    1  kind: 1 checkpoint, 2 final
 *         13    1  encoding of the payload; the core stores it and does not look inside
 *         14    1  flags: 1 has an objective, 2 has an iteration, 4 is a seed, 8 has a name
 *         15    1  slot the record was written for, below WS_SLOTS; 0 where it has its file for
 *                  itself
 *         16   16  key
 *         32    8  sequence number within the run, from 1
 *         40    8  time written, ns since 1970-01-01 UTC, signed
 *         48    8  objective, IEEE double; finite, or absent
 *         56    8  iteration, at most 2^53
 *         64    8  payload size in bytes
 *         72   16  XXH3-128 of the payload, in canonical (big-endian) form
 *         88    8  size of the slot in bytes; 0 where the record has its file for itself
 *         96    1  label size in bytes
 *         97  143  label, UTF-8 without control characters
 *        240    2  history size in bytes; 0 where there is none
 *        244    4  low half of the history's XXH3-64
 *        248    8  XXH3-64 of the header's first 248 bytes
 *
 * ws_record_encode() fills a header; ws_record_decode() checks one and reads it;
 * ws_record_verify() checks the payload that goes with it, ws_record_verify_history() the history.
 * The two are checked apart, so that damage to the history costs the history alone. What decode
 * accepts is in the domain of every field, so callers need not check again, except sizes against
 * the file they came from.
 */
#ifndef WS_RECORD_H
#define WS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash.h"
#include "status.h"

#define WS_RECORD_HEADER 256
#define WS_RECORD_VERSION 1
#define WS_SLOTS 3 /* of a file; runfile.h says why */
#define WS_LABEL_MAX 143
/* The last whole number that every double can tell apart. */
#define WS_ITERATION_MAX ((uint64_t)1 << 53)

enum ws_kind { WS_CHECKPOINT = 1, WS_FINAL = 2 };

/* What the writer says of a payload. */
struct ws_note {
    enum ws_kind kind;
    uint8_t encoding;
    bool has_objective;
    bool has_iteration;
    bool is_seed;  /* starting values for other fits; nobody's fit by itself */
    bool is_named; /* kept until it is deleted, whatever the store's bounds */
    double objective;
    uint64_t iteration;
    char label[WS_LABEL_MAX + 1];
};

struct ws_record {
    struct ws_note note;
    struct ws_digest key;
    uint64_t sequence;
    int64_t written;
    uint8_t slot;
    uint64_t slot_size;
    uint64_t payload_size;
    struct ws_digest payload_digest;
    uint16_t history_size;
    uint32_t history_digest;
};

/* NaN and infinite objectives are absent ones. */
void ws_note_set_objective(struct ws_note *note, double objective);
/* WS_INVALID where `label` is too long, not UTF-8, or has control characters. NULL is "". */
enum ws_status ws_note_set_label(struct ws_note *note, const char *label);

/* Before encoding: these bytes will lie between header and payload. `size` may be 0. */
void ws_record_set_history(struct ws_record *record, const void *history, size_t size);
/* Fills `header`, and the record's payload size and digest, from the payload. */
void ws_record_encode(struct ws_record *record, const void *payload, size_t payload_size,
                      uint8_t header[WS_RECORD_HEADER]);
/* WS_FOREIGN, WS_NEWER or WS_DAMAGED where `bytes` does not begin with a valid header. */
enum ws_status ws_record_decode(const uint8_t *bytes, size_t size, struct ws_record *record);
enum ws_status ws_record_verify(const struct ws_record *record, const void *payload, size_t size);
enum ws_status ws_record_verify_history(const struct ws_record *record, const void *history,
                                        size_t size);
/* Where the payload begins, counted from the header on, in bytes. */
size_t ws_record_payload_at(const struct ws_record *record);

#endif

/*
 * tally: what a store was good for, counted by all processes together.
 *
 *     ws_tally_add(store, use, seconds)     one more; never fails, never waits
 *     ws_tally_flush(store)                 whether all that this handle has counted is told
 *     ws_tally_read(store, &tally)          what all have counted
 *
 * The counts are in one small file of the store, <path>/v1/.tally, which whoever adds to it holds
 * locked. Where another holds it, or the disk refuses, the handle keeps its counts, and adds them
 * the next time. They are lost with the process: they are for people to look at, and not worth a
 * wait or a sync. The file is made once the store has its directory. Where the disk is not this
 * system's own a handle tells of its counts each WS_TALLY_WAITS, and at its end.
 *
 * All integers are little-endian; bytes not named are zero:
 *
 *     offset size  field
 *          0    8  magic: 89 'W' 'T' 'L' 'Y' 0d 0a 1a
 *          8    2  format version, 1
 *         16    8  time of the first count, ns since 1970-01-01 UTC, signed, positive
 *         24   32  counts, in the order of enum ws_use, each at most 2^53
 *         56    8  seconds saved, IEEE double, finite, not negative
 *         64    8  XXH3-64 of the first 64 bytes
 *
 * Anything else under that name counts as zero, and is written over; a later version is left
 * alone, and what is not a regular file.
 */
#ifndef WS_TALLY_H
#define WS_TALLY_H

#include "store.h"

#define WS_TALLY_BYTES 72
#define WS_TALLY_MAX ((uint64_t)1 << 53)
#define WS_TALLY_WAITS ((int64_t)3600 * 1000000000) /* ns */

/* `seconds` of fitting were saved; what is not finite or negative saved none. */
void ws_tally_add(struct ws_store *store, enum ws_use use, double seconds);
/* WS_BUSY where another was adding in that moment. */
enum ws_status ws_tally_flush(struct ws_store *store);
/* The same, tried often enough for others' additions to end; for the handle's own end. */
void ws_tally_settle(struct ws_store *store);
/* What was told, and what this handle has not told. */
void ws_tally_read(struct ws_store *store, struct ws_tally *tally);

/* Pure. */
void ws_tally_encode(const struct ws_tally *tally, uint8_t bytes[WS_TALLY_BYTES]);
/* WS_FOREIGN, WS_NEWER or WS_DAMAGED where the bytes are no tally. */
enum ws_status ws_tally_decode(const uint8_t *bytes, size_t size, struct ws_tally *tally);

#endif

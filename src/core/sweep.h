/*
 * sweep: keeps a store within its bounds of age and size.
 *
 *     ws_sweep(store, &swept)      now
 *     ws_sweep_when_due(store)     for whoever has put a file into the store
 *
 * A sweep reads every shard. It removes what has expired, files that are ours and damaged, and
 * leftover temporary files; then, least recently used first, runs until what is left fits
 * `max_size`, where a key's checkpoints go before its final entry. It never touches a file that
 * a live run holds locked, nor one in a format it does not know, nor a name that is not a
 * store's; and of what it found, nothing that was used or written since. It takes some 40 bytes
 * of memory for each run that may go.
 *
 * Sweeps pay for themselves: one is due when 1/WS_SWEEP_SHARE of `max_size` was added since the
 * last, and once a day. All processes count together, in the time of modification of one file,
 * the marker: a sweep sets it to its beginning, and whoever adds the whole share sets it back by
 * a day. They do so in portions of 1/WS_TELL_SHARE of the share, and two that do so at the same
 * moment may count as one; so each handle counts also for itself, and sweeps when it alone
 * has added the share. So however unlucky, `p` writing processes exceed `max_size` by at most
 * p / WS_SWEEP_SHARE of it, one record each, and what running fits hold.
 */
#ifndef WS_SWEEP_H
#define WS_SWEEP_H

#include "store.h"

#define WS_SWEEP_SHARE 16
#define WS_TELL_SHARE 64 /* keeps the cost of telling below that of a file's own syncs */

enum ws_sweep_reason { WS_EXPIRED, WS_BROKEN, WS_LEFTOVER, WS_LEAST_USED, WS_SWEEP_REASONS };

struct ws_swept {
    uint64_t files; /* removed */
    uint64_t bytes; /* removed */
    uint64_t kept_bytes;
    struct {
        uint64_t files;
        uint64_t bytes;
    } removed[WS_SWEEP_REASONS];
};

enum ws_status ws_sweep(struct ws_store *store, struct ws_swept *swept);
/* A sweep that fails is tried again by the next call; the caller's own work is done anyway. */
void ws_sweep_when_due(struct ws_store *store);

#endif

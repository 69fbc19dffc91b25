/*
 * sweep: keeps a store within its bounds of age and size.
 *
 * A sweep reads every shard. It removes what has expired, files that are ours and damaged, and
 * leftover temporary files; then, least recently used first, runs until what is left fits
 * `max_size`, where a key's checkpoints go before its final entry. It never touches a file that
 * a live run holds locked, nor one in a format it does not know, nor a name that is not a
 * store's.
 *
 * Sweeps pay for themselves: whoever has put a file into the store calls ws_sweep_when_due(),
 * which sweeps once the handle has added 1/WS_SWEEP_SHARE of `max_size` since its last sweep, or
 * with its first file where nobody has swept for a day. So `p` writing processes exceed
 * `max_size` by at most p / WS_SWEEP_SHARE of it, one record each, and what running fits hold.
 */
#ifndef WS_SWEEP_H
#define WS_SWEEP_H

#include "store.h"

#define WS_SWEEP_SHARE 16

struct ws_swept {
    uint64_t files; /* removed */
    uint64_t bytes; /* removed */
    uint64_t kept_bytes;
};

enum ws_status ws_sweep(struct ws_store *store, struct ws_swept *swept);
/* A sweep that fails is tried again by the next call; the caller's own work is done anyway. */
void ws_sweep_when_due(struct ws_store *store);

#endif

/*
 * sweep: keeps a store within its bounds of age and size.
 *
 *     ws_sweep(store, &swept)                   all of it, now
 *     ws_sweep_when_due(store, name, &swept)    a slice, for whoever has put a file into the store
 *
 * A sweep reads every shard. It removes what has expired, files that are ours and damaged, and
 * leftover temporary files; then, least recently used first, runs until what is left fits
 * `max_size`, where a key's checkpoints go before its final entry. It never touches a file that
 * a live run holds locked, nor one that has a name and so is kept until it is deleted, nor one in
 * a format it does not know, nor a name that is not a store's; and of what it found, nothing that
 * was used or written since. It takes some 40 bytes of memory for each run that may go.
 *
 * A store sweeps itself in slices, so that nobody who saves waits for all of it: a round (round.h)
 * goes on by as much of the store's branches as what was added is of 1/WS_SWEEP_SHARE of
 * `max_size`, the share, and the time since it last went on is of a day. So in a full store a save
 * pays for the look at some WS_SWEEP_SHARE files, and at most for WS_SLICE and those of one
 * branch more; what is due beyond that is left to the next. Where another process is at it, nobody
 * waits; what was added is told the next time, and a handle that has a share to tell, or cannot
 * keep the round's file, sweeps the whole. As a round finds out what the next one removes, a store
 * that `p` processes write to can be larger than `max_size` by (2 + p) shares, the latter only
 * where they hinder each other, one record each, and what running fits hold; by one share more
 * after the round's file was lost; and by what was looked up within a round after it had been found
 * to be the least recently used. Where records are larger than WS_SLICE / WS_SWEEP_SHARE times
 * those that have to go for them, it takes more saves.
 *
 * What others can write decides no deletion: where the round's file, or the way to it, is not this
 * user's alone, and it says that something has to go, the whole store is swept, by what is
 * measured.
 */
#ifndef WS_SWEEP_H
#define WS_SWEEP_H

#include "store.h"

#define WS_SWEEP_SHARE 16
#define WS_SLICE 1000 /* files, and shards without any; some 25 ms */

/* On a disk that is not this system's a handle tells of what it has added once it is this part of a
 * share, or that long after it last did. */
#define WS_SWEEP_WAITING 64
#define WS_SWEEP_WAITS ((int64_t)3600 * 1000000000) /* ns */

enum ws_sweep_reason { WS_EXPIRED, WS_BROKEN, WS_LEFTOVER, WS_LEAST_USED, WS_SWEEP_REASONS };

struct ws_swept {
    uint64_t visited; /* names looked at */
    uint64_t files;   /* removed */
    uint64_t bytes;   /* removed */
    uint64_t kept_bytes;
    struct {
        uint64_t files;
        uint64_t bytes;
    } removed[WS_SWEEP_REASONS];
};

enum ws_status ws_sweep(struct ws_store *store, struct ws_swept *swept);
/* `name` is that of the file that was put, which the caller has acknowledged or is about to: it is
 * not removed. NULL: none. What fails is tried again by the next call; the caller's own work is
 * done anyway. */
void ws_sweep_when_due(struct ws_store *store, const char *name, struct ws_swept *swept);
/* Tells of what the handle has added and not told yet; for its end. */
void ws_sweep_settle(struct ws_store *store);
/* Whether a file of so many bytes can stay in the store: no more than what a round leaves. */
bool ws_sweep_has_room_for(const struct ws_store *store, uint64_t bytes);

#endif

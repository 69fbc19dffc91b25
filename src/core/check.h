/*
 * check: reads one branch of a store, all of it, and tells what a lookup would pass over.
 *
 *     ws_check_beside(store, visit, context)                                what is not in a branch
 *     for each of WS_BRANCHES: ws_check_branch(store, branch, repair, visit, context)
 *
 * A sweep reads headers alone; this reads and verifies every payload. It takes memory for the
 * largest payload. What a live run is just writing is not damaged; its file is never removed.
 */
#ifndef WS_CHECK_H
#define WS_CHECK_H

#include "store.h"

enum ws_finding_kind {
    WS_FINDING_DAMAGED,    /* ours, and no record in it verifies */
    WS_FINDING_PARTIAL,    /* a record or history does not verify; another record does, is found */
    WS_FINDING_FOREIGN,    /* not ours by its name or its content */
    WS_FINDING_NEWER,      /* in a format that this build does not know */
    WS_FINDING_ORPHANED,   /* left by a writer that died, or in a shard that is not its key's */
    WS_FINDING_EXPIRED,    /* waits for the next sweep */
    WS_FINDING_UNREADABLE, /* the system does not let us; errno is not kept */
};

struct ws_finding {
    enum ws_finding_kind kind;
    enum ws_level level;
    uint32_t shard;
    const char *name; /* in that directory; NULL: the directory itself */
    uint64_t bytes;
    bool removed;
};

/* Names that a store does not have, beside its branches. */
enum ws_status ws_check_beside(struct ws_store *store,
                               enum ws_status (*visit)(void *context,
                                                       const struct ws_finding *finding),
                               void *context);
/* With `repair` removes what is damaged and not held by a live run. WS_OK where there is no such
 * branch. */
enum ws_status ws_check_branch(struct ws_store *store, uint32_t branch, bool repair,
                               enum ws_status (*visit)(void *context,
                                                       const struct ws_finding *finding),
                               void *context);

#endif

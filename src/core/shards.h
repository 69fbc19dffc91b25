/*
 * shards: goes through a store's directories, all of them or a branch's.
 *
 *     ws_store_each_shard / ws_store_each_shard_of     calls `visit` with each, in their order
 *     ws_store_branches                                which there are
 *
 * What cannot be read hides nothing else: a shard that cannot be is visited with NULL for its
 * directory.
 */
#ifndef WS_SHARDS_H
#define WS_SHARDS_H

#include <errno.h>

#include "store.h"

/* Whether the system failed to read a directory or a file. A file, or a link, in the place of a
 * directory can be read, and is not ours. */
static inline bool ws_is_unread(enum ws_status status) {
    return status == WS_OS_ERROR && errno != ENOTDIR && errno != ELOOP;
}

enum ws_status ws_store_branches(const struct ws_store *store, bool present[WS_BRANCHES]);
enum ws_status ws_store_each_shard_of(const struct ws_store *store, uint32_t branch,
                                      enum ws_status (*visit)(void *context, uint32_t shard,
                                                              struct ws_dir *dir),
                                      void *context);
enum ws_status ws_store_each_shard(const struct ws_store *store,
                                   enum ws_status (*visit)(void *context, uint32_t shard,
                                                           struct ws_dir *dir),
                                   void *context);
/* Where it has been empty since. */
void ws_store_remove_shard(const struct ws_store *store, uint32_t shard, int64_t since);

#endif

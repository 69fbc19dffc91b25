#include "shards.h"

#include <string.h>

struct shard_visit {
    const struct ws_store *store;
    uint32_t branch;
    enum ws_status (*visit)(void *context, uint32_t shard, struct ws_dir *dir);
    void *context;
};

static enum ws_status visit_shard(void *context, const char *name) {
    const struct shard_visit *visit = context;
    uint32_t number;
    struct ws_dir *dir = NULL;

    if (!ws_layout_parse_number(name, &number)) {
        return WS_OK;
    }
    uint32_t shard = visit->branch * WS_SHARDS_OF_BRANCH + number;
    enum ws_status status =
        ws_store_directory(visit->store, WS_LEVEL_SHARD, shard, WS_MAKE_NONE, &dir);
    if (status != WS_OK && !ws_is_unread(status)) {
        return WS_OK; /* not ours, or gone */
    }
    status = visit->visit(visit->context, shard, dir);
    ws_os_dir_close(dir);
    return status;
}

enum ws_status ws_store_each_shard_of(const struct ws_store *store, uint32_t branch,
                                      enum ws_status (*visit)(void *context, uint32_t shard,
                                                              struct ws_dir *dir),
                                      void *context) {
    struct shard_visit each = {
        .store = store, .branch = branch, .visit = visit, .context = context};
    struct ws_dir *dir = NULL;
    enum ws_status status = ws_store_directory(store, WS_LEVEL_BRANCH, branch * WS_SHARDS_OF_BRANCH,
                                               WS_MAKE_NONE, &dir);

    if (status == WS_OK) {
        status = ws_os_dir_list(dir, visit_shard, &each);
    }
    ws_os_dir_close(dir);
    return status == WS_NOT_FOUND ? WS_OK : status;
}

static enum ws_status note_branch(void *context, const char *name) {
    bool *present = context;
    uint32_t branch;

    if (ws_layout_parse_number(name, &branch)) {
        present[branch] = true;
    }
    return WS_OK;
}

enum ws_status ws_store_branches(const struct ws_store *store, bool present[WS_BRANCHES]) {
    struct ws_dir *root = NULL;
    enum ws_status status = ws_store_root(store, &root);

    memset(present, false, WS_BRANCHES * sizeof *present);
    if (status == WS_OK) {
        status = ws_os_dir_list(root, note_branch, present);
    }
    ws_os_dir_close(root);
    return status == WS_NOT_FOUND ? WS_OK : status;
}

enum ws_status ws_store_each_shard(const struct ws_store *store,
                                   enum ws_status (*visit)(void *context, uint32_t shard,
                                                           struct ws_dir *dir),
                                   void *context) {
    bool present[WS_BRANCHES];
    enum ws_status status = ws_store_branches(store, present);

    for (uint32_t branch = 0; status == WS_OK && branch < WS_BRANCHES; branch++) {
        if (present[branch]) {
            status = ws_store_each_shard_of(store, branch, visit, context);
        }
        if (status == WS_OS_ERROR) { /* one that cannot be read hides no other */
            status =
                ws_is_unread(status) ? visit(context, branch * WS_SHARDS_OF_BRANCH, NULL) : WS_OK;
        }
    }
    return status;
}

void ws_store_remove_shard(const struct ws_store *store, uint32_t shard, int64_t since) {
    char name[4];
    struct ws_dir *dir = NULL;

    ws_layout_number(shard % WS_SHARDS_OF_BRANCH, name);
    if (ws_store_directory(store, WS_LEVEL_BRANCH, shard, WS_MAKE_NONE, &dir) == WS_OK) {
        ws_os_dir_remove(dir, name, since);
    }
    ws_os_dir_close(dir);
}

#include "check.h"

#include <stdlib.h>

#include "shards.h"

struct check {
    struct ws_store *store;
    enum ws_level level;
    uint32_t shard;
    bool repair;
    int64_t now;
    struct ws_dir *dir;
    bool changed;
    enum ws_status (*visit)(void *context, const struct ws_finding *finding);
    void *context;
};

static enum ws_status find(struct check *check, enum ws_finding_kind kind, const char *name,
                           uint64_t bytes) {
    struct ws_finding finding = {
        .kind = kind, .level = check->level, .shard = check->shard, .name = name, .bytes = bytes};

    return check->visit(check->context, &finding);
}

static enum ws_status find_damaged(struct check *check, struct ws_file *file, const char *name,
                                   uint64_t bytes) {
    struct ws_finding finding = {.kind = WS_FINDING_DAMAGED,
                                 .level = check->level,
                                 .shard = check->shard,
                                 .name = name,
                                 .bytes = bytes};

    if (check->repair && ws_runfile_remove(check->dir, name, file)) {
        finding.removed = check->changed = true;
    }
    return check->visit(check->context, &finding);
}

/* How many of a scan's records verify, whether one of these has not expired, and whether one has
 * lost its history. WS_TOO_LARGE where one claims too much to be read. */
static enum ws_status verify_all(const struct check *check, struct ws_file *file,
                                 const struct ws_scan *scan, int *whole, bool *in_time,
                                 bool *lost_history) {
    struct ws_history history;
    enum ws_status status = WS_OK;

    *whole = 0;
    *in_time = *lost_history = false;
    for (int i = 0; i < scan->count && status != WS_NO_MEMORY && status != WS_TOO_LARGE; i++) {
        void *payload = NULL;
        status = ws_runfile_read(file, scan, i, &payload);
        if (status == WS_OK) {
            ++*whole;
            *in_time = *in_time || !ws_store_has_expired(check->store, &scan->records[i],
                                                         scan->info.modified, check->now);
            free(payload);
            *lost_history =
                *lost_history || ws_runfile_read_history(file, scan, i, &history) == WS_DAMAGED;
        }
    }
    return status == WS_NO_MEMORY || status == WS_TOO_LARGE ? status : WS_OK;
}

static enum ws_status check_scan(struct check *check, struct ws_file *file, const char *name,
                                 const struct ws_scan *scan) {
    uint64_t size = scan->info.size;
    int whole = 0;
    bool in_time = false;
    bool lost_history = false;
    bool locked = false;

    if (!scan->info.regular || scan->reason == WS_FOREIGN) {
        return find(check, WS_FINDING_FOREIGN, name, size);
    }
    if (scan->reason == WS_NEWER) {
        return find(check, WS_FINDING_NEWER, name, size);
    }
    enum ws_status status = verify_all(check, file, scan, &whole, &in_time, &lost_history);
    if (status == WS_TOO_LARGE) {
        return find(check, WS_FINDING_UNREADABLE, name, size);
    }
    if (status != WS_OK) {
        return status;
    }
    if (ws_os_file_is_locked(file, &locked) == WS_OK && locked) {
        return WS_OK; /* a live run: it may be writing what did not verify */
    }
    if (whole == 0) {
        return find_damaged(check, file, name, size);
    }
    if (!in_time) {
        return find(check, WS_FINDING_EXPIRED, name, size);
    }
    return whole < scan->count || lost_history ? find(check, WS_FINDING_PARTIAL, name, size)
                                               : WS_OK;
}

static enum ws_status check_temporary(struct check *check, struct ws_file *file, const char *name) {
    struct ws_file_info info = {0};
    bool locked = false;

    ws_os_file_info(file, &info);
    if (ws_os_file_is_locked(file, &locked) == WS_OK && locked) {
        return WS_OK; /* on its way to become a run's */
    }
    return find(check, WS_FINDING_ORPHANED, name, info.size);
}

static enum ws_status check_run(struct check *check, struct ws_file *file, const char *name,
                                const struct ws_digest *key) {
    struct ws_scan scan;
    bool misplaced = ws_shard_of(key) != check->shard;

    if (ws_runfile_scan(file, key, &scan) != WS_OK) {
        return find(check, WS_FINDING_UNREADABLE, name, 0);
    }
    return misplaced ? find(check, WS_FINDING_ORPHANED, name, scan.info.size)
                     : check_scan(check, file, name, &scan);
}

static enum ws_status check_file(void *context, const char *name) {
    struct check *check = context;
    struct ws_digest key;
    char run_id[WS_RUN_ID_MAX + 1];
    struct ws_file *file = NULL;
    bool is_run = ws_run_file_parse(name, &key, run_id) == WS_OK;

    if (!is_run && ws_temporary_file_parse(name, &key, run_id) != WS_OK) {
        return find(check, WS_FINDING_FOREIGN, name, 0);
    }
    enum ws_status status = ws_os_file_open(check->dir, name, &file);
    if (status != WS_OK) {
        return status == WS_NOT_FOUND ? WS_OK : find(check, WS_FINDING_UNREADABLE, name, 0);
    }
    status = is_run ? check_run(check, file, name, &key) : check_temporary(check, file, name);
    ws_os_file_close(file);
    return status;
}

static enum ws_status check_shard(void *context, uint32_t shard, struct ws_dir *dir) {
    struct check *check = context;

    check->shard = shard;
    check->dir = dir;
    check->changed = false;
    enum ws_status status = dir ? ws_os_dir_list(dir, check_file, check) : WS_OS_ERROR;
    if (status == WS_OS_ERROR) {
        status = find(check, WS_FINDING_UNREADABLE, NULL, 0);
    }
    if (check->changed) {
        ws_os_dir_sync(dir);
    }
    return status;
}

enum ws_status ws_check_branch(struct ws_store *store, uint32_t branch, bool repair,
                               enum ws_status (*visit)(void *context,
                                                       const struct ws_finding *finding),
                               void *context) {
    struct check check = {.store = store,
                          .level = WS_LEVEL_SHARD,
                          .repair = repair,
                          .now = ws_store_now(store),
                          .visit = visit,
                          .context = context};
    enum ws_status status = ws_store_each_shard_of(store, branch, check_shard, &check);

    if (status == WS_OS_ERROR) {
        check.level = WS_LEVEL_BRANCH;
        check.shard = branch * WS_SHARDS_OF_BRANCH;
        status = find(&check, WS_FINDING_UNREADABLE, NULL, 0);
    }
    return status;
}

static enum ws_status check_name(void *context, const char *name) {
    struct check *check = context;

    return ws_layout_has(check->level, name) ? WS_OK : find(check, WS_FINDING_FOREIGN, name, 0);
}

enum ws_status ws_check_beside(struct ws_store *store,
                               enum ws_status (*visit)(void *context,
                                                       const struct ws_finding *finding),
                               void *context) {
    struct check check = {.store = store, .visit = visit, .context = context};
    enum ws_status status = WS_OK;

    for (check.level = WS_LEVEL_STORE; status == WS_OK && check.level <= WS_LEVEL_ROOT;
         check.level++) {
        struct ws_dir *dir = NULL;
        status = ws_store_directory(store, check.level, 0, WS_MAKE_NONE, &dir);
        if (status == WS_OK) {
            status = ws_os_dir_list(dir, check_name, &check);
        }
        ws_os_dir_close(dir);
        if (status == WS_OS_ERROR) {
            status = find(&check, WS_FINDING_UNREADABLE, NULL, 0);
        }
    }
    return status == WS_NOT_FOUND ? WS_OK : status;
}

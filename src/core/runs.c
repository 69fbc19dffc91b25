#include "runs.h"

#include <string.h>

#include "shards.h"

enum ws_status ws_runs_named(struct ws_dir *dir, const struct ws_digest *key, const char *run_id,
                             enum ws_status (*visit)(void *context, const char *name),
                             void *context) {
    char name[WS_FILE_NAME_MAX + 1];

    if (!run_id) {
        return ws_os_dir_list(dir, visit, context);
    }
    if (!ws_run_id_is_valid(run_id)) {
        return WS_OK;
    }
    ws_run_file_name(key, run_id, name);
    return visit(context, name);
}

void ws_run_open(const struct ws_store *store, const struct ws_digest *key, const char *run_id,
                 struct ws_file **file) {
    char name[WS_FILE_NAME_MAX + 1];
    struct ws_dir *dir = NULL;

    *file = NULL;
    if (ws_run_id_is_valid(run_id) && ws_store_shard(store, key, WS_MAKE_NONE, &dir) == WS_OK) {
        ws_run_file_name(key, run_id, name);
        ws_os_file_open(dir, name, file);
    }
    ws_os_dir_close(dir);
}

void ws_store_use(const struct ws_store *store, const struct ws_digest *key, const char *run_id) {
    struct ws_file *file;

    ws_run_open(store, key, run_id, &file);
    if (file) {
        ws_os_file_touch(file, ws_store_now(store));
    }
    ws_os_file_close(file);
}

/* Listing. */

struct each {
    struct ws_store *store;
    const struct ws_digest *key; /* NULL: all */
    int64_t now;
    struct ws_dir *dir;
    enum ws_status (*visit)(void *context, const struct ws_run *run);
    void *context;
};

/* The record that stands for a run; -1 where all have expired. */
static int best_of_scan(const struct each *each, const struct ws_scan *scan) {
    struct ws_ranking ranking;
    bool expired[WS_SLOTS];
    int best = -1;

    ws_rank_begin(&ranking, WS_BEST, each->now);
    for (int i = 0; i < scan->count; i++) {
        expired[i] =
            ws_store_has_expired(each->store, &scan->records[i], scan->info.modified, each->now);
        if (!expired[i]) {
            ws_rank_see(&ranking, &scan->records[i]);
        }
    }
    for (int i = 0; i < scan->count; i++) {
        const struct ws_record *chosen = best < 0 ? NULL : &scan->records[best];
        if (!expired[i] && ws_rank_prefers(&ranking, &scan->records[i], chosen)) {
            best = i;
        }
    }
    return best;
}

static void note_unlisted(const struct each *each) {
    struct ws_passed_over *passed_over = ws_store_passed_over(each->store);

    passed_over->unlisted++;
    passed_over->unlisted_errno = errno;
}

static enum ws_status visit_run(void *context, const char *name) {
    const struct each *each = context;
    struct ws_digest key;
    struct ws_run run;
    struct ws_scan scan;
    struct ws_file *file = NULL;

    if (ws_run_file_parse(name, &key, run.run_id) != WS_OK ||
        (each->key && memcmp(key.bytes, each->key->bytes, sizeof key.bytes) != 0)) {
        return WS_OK;
    }
    enum ws_status status = ws_os_file_open(each->dir, name, &file);
    if (status == WS_OK) {
        status = ws_runfile_scan(file, &key, &scan);
    }
    if (ws_is_unread(status)) {
        note_unlisted(each);
    }
    int best = status == WS_OK ? best_of_scan(each, &scan) : -1;
    run.running = false;
    if (best >= 0) {
        run.record = scan.records[best];
        run.size = scan.info.size;
        if (ws_os_file_is_locked(file, &run.running) != WS_OK) {
            run.running = false;
        }
    }
    ws_os_file_close(file);
    return best >= 0 ? each->visit(each->context, &run) : WS_OK;
}

static enum ws_status visit_runs(void *context, uint32_t shard, struct ws_dir *dir) {
    struct each *each = context;

    (void)shard;
    each->dir = dir;
    enum ws_status status = dir ? ws_os_dir_list(dir, visit_run, each) : WS_OS_ERROR;
    if (ws_is_unread(status)) {
        note_unlisted(each);
        status = WS_OK;
    }
    return status;
}

enum ws_status ws_store_each(struct ws_store *store, const struct ws_digest *key,
                             enum ws_status (*visit)(void *context, const struct ws_run *run),
                             void *context) {
    struct each each = {
        .store = store, .key = key, .now = ws_store_now(store), .visit = visit, .context = context};
    struct ws_dir *dir = NULL;

    enum ws_status status = key ? ws_store_shard(store, key, WS_MAKE_NONE, &dir)
                                : ws_store_each_shard(store, visit_runs, &each);
    if (ws_is_unread(status)) {
        note_unlisted(&each);
        status = WS_NOT_FOUND;
    }
    if (key && status == WS_OK) {
        status = visit_runs(&each, 0, dir);
    }
    ws_os_dir_close(dir);
    return status == WS_NOT_FOUND ? WS_OK : status;
}

/* Deleting. */

struct deletion {
    struct ws_dir *dir;
    const struct ws_digest *key;
    const char *run_id; /* NULL: all of the key's */
    uint64_t removed;
    bool changed; /* a name is gone, be it that of a run or not */
};

/* A live writer's temporary file is about to become a run's: as if that had been saved later. */
static bool is_being_written(struct ws_dir *dir, const char *name) {
    struct ws_file *file = NULL;
    bool locked = false;

    if (ws_os_file_open(dir, name, &file) == WS_OK &&
        ws_os_file_is_locked(file, &locked) != WS_OK) {
        locked = false;
    }
    ws_os_file_close(file);
    return locked;
}

/* Also what a killed writer left behind: deleted data is gone for good. */
static enum ws_status delete_run(void *context, const char *name) {
    struct deletion *deletion = context;
    struct ws_digest key;
    char run_id[WS_RUN_ID_MAX + 1];
    bool is_run = ws_run_file_parse(name, &key, run_id) == WS_OK;

    if ((!is_run && ws_temporary_file_parse(name, &key, run_id) != WS_OK) ||
        memcmp(key.bytes, deletion->key->bytes, sizeof key.bytes) != 0 ||
        (deletion->run_id && strcmp(run_id, deletion->run_id) != 0) ||
        (!is_run && is_being_written(deletion->dir, name))) {
        return WS_OK;
    }
    enum ws_status status = ws_os_unlink(deletion->dir, name);
    if (status == WS_OK) {
        deletion->removed += is_run;
        deletion->changed = true;
    }
    return status == WS_NOT_FOUND ? WS_OK : status;
}

enum ws_status ws_store_delete(struct ws_store *store, const struct ws_digest *key,
                               const char *run_id, uint64_t *removed) {
    struct deletion deletion = {.key = key, .run_id = run_id};

    *removed = 0;
    if (run_id && !ws_run_id_is_valid(run_id)) {
        return WS_INVALID;
    }
    enum ws_status status = ws_store_shard(store, key, WS_MAKE_NONE, &deletion.dir);
    if (status == WS_OK) {
        status = ws_os_dir_list(deletion.dir, delete_run, &deletion);
    }
    if (status == WS_OK && deletion.changed) {
        status = ws_os_dir_sync(deletion.dir);
    }
    ws_os_dir_close(deletion.dir);
    *removed = deletion.removed;
    return status == WS_NOT_FOUND ? WS_OK : status;
}

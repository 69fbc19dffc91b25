#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reach.h"

struct ws_store {
    struct ws_store_options options;
    uint64_t added;
    struct ws_untold untold;
    struct ws_passed_over passed_over;
    int64_t clock_shift;
    int64_t told; /* when a sweep last knew of what was added, ns since 1970-01-01 UTC */
    struct ws_reach *reach;
    uint8_t missed[WS_BRANCHES / 8]; /* a bit a branch: a shard of it was missing */
    unsigned references;             /* R calls from one thread */
    char path[];
};

/* Opening. */

/* The directory that holds `path`'s last name. */
static enum ws_status open_parent(const char *path, struct ws_dir **dir) {
    size_t end = strlen(path);
    char *parent = malloc(end + 1);

    if (!parent) {
        return WS_NO_MEMORY;
    }
    memcpy(parent, path, end + 1);
    while (end > 1 && parent[end - 1] == '/') {
        end--;
    }
    while (end > 0 && parent[end - 1] != '/') {
        end--;
    }
    parent[end] = '\0';
    enum ws_status status = ws_os_dir_open(end > 0 ? parent : ".", WS_MAKE_NONE, dir);
    free(parent);
    return status;
}

/* WS_INVALID where `path` names something that can never become a store. A path that cannot be
 * reached now may be reached later: that is the disk's failing, not the caller's. */
static enum ws_status check_path(const char *path) {
    struct ws_dir *dir = NULL;

    if (path[0] == '\0') {
        return WS_INVALID;
    }
    enum ws_status status = ws_os_dir_open(path, WS_MAKE_NONE, &dir);
    if (status == WS_OS_ERROR && errno == ENOTDIR) {
        status = open_parent(path, &dir) == WS_OK ? WS_INVALID : WS_OK;
    }
    ws_os_dir_close(dir);
    return status == WS_INVALID || status == WS_NO_MEMORY ? status : WS_OK;
}

enum ws_status ws_store_open(const char *path, const struct ws_store_options *options,
                             struct ws_store **store) {
    size_t size = strlen(path) + 1;
    struct ws_reach *reach = NULL;
    enum ws_status status = ws_reach_open(path, &reach);

    if (status == WS_OK && ws_reach_answers(reach)) {
        status = check_path(path);
    }
    if (status == WS_OK && options->max_age < 0) {
        status = WS_INVALID;
    }
    struct ws_store *fresh = status == WS_OK ? calloc(1, sizeof *fresh + size) : NULL;
    if (!fresh) {
        ws_reach_close(reach);
        return status == WS_OK ? WS_NO_MEMORY : status;
    }
    fresh->reach = reach;
    fresh->options = *options;
    fresh->told = ws_os_now();
    fresh->references = 1;
    memcpy(fresh->path, path, size);
    *store = fresh;
    return WS_OK;
}

struct ws_store *ws_store_retain(struct ws_store *store) {
    store->references++;
    return store;
}

void ws_store_release(struct ws_store *store) {
    if (store && --store->references == 0) {
        ws_reach_close(store->reach);
        free(store);
    }
}

bool ws_store_answers(const struct ws_store *store) {
    if (ws_reach_answers(store->reach)) {
        return true;
    }
    errno = ETIMEDOUT;
    return false;
}

const char *ws_store_path(const struct ws_store *store) { return store->path; }

struct ws_store_options ws_store_options(const struct ws_store *store) {
    return store->options;
}

int64_t ws_store_now(const struct ws_store *store) { return ws_os_now() + store->clock_shift; }

void ws_store_shift_clock(struct ws_store *store, int64_t ns) { store->clock_shift += ns; }

uint64_t *ws_store_added(struct ws_store *store) { return &store->added; }

struct ws_untold *ws_store_untold(struct ws_store *store) {
    return &store->untold;
}

int64_t *ws_store_told(struct ws_store *store) { return &store->told; }

enum ws_disk ws_store_disk(const struct ws_store *store) { return ws_reach_disk(store->reach); }

void ws_store_grew(struct ws_store *store, uint64_t bytes) { store->added += bytes; }

struct ws_passed_over *ws_store_passed_over(struct ws_store *store) {
    return &store->passed_over;
}

/* Directories. */

static enum ws_status share(const struct ws_store *store) {
    char below[WS_BELOW_MAX + 1];

    ws_layout_below(WS_LEVEL_ROOT, 0, below);
    return ws_os_dir_share(store->path, below);
}

enum ws_status ws_store_directory(const struct ws_store *store, enum ws_level level, uint32_t shard,
                                  enum ws_make make, struct ws_dir **dir) {
    char below[WS_BELOW_MAX + 1];

    if (!ws_store_answers(store)) {
        return WS_OS_ERROR;
    }
    if (make != WS_MAKE_NONE && store->options.shared) {
        enum ws_status status = share(store);
        if (status != WS_OK) {
            return status;
        }
    }
    /* There a name is durable once it is made; for whoever comes to the disk by another way, the
     * directories keep the mark that says the contrary. */
    if (make == WS_MAKE_DURABLE && ws_store_disk(store) == WS_DISK_SERVED) {
        make = WS_MAKE;
    }
    ws_layout_below(level, shard, below);
    return ws_os_dir_open_below(store->path, below, make, dir);
}

enum ws_status ws_store_share(struct ws_store *store) { return share(store); }

enum ws_status ws_store_root(const struct ws_store *store, struct ws_dir **dir) {
    return ws_store_directory(store, WS_LEVEL_ROOT, 0, WS_MAKE_NONE, dir);
}

bool ws_store_is_shared(const struct ws_store *store) {
    struct ws_dir *root = NULL;
    bool shared = ws_store_root(store, &root) == WS_OK && ws_os_dir_is_shared(root);

    ws_os_dir_close(root);
    return shared;
}

enum ws_status ws_store_shard(const struct ws_store *store, const struct ws_digest *key,
                              enum ws_make make, struct ws_dir **dir) {
    return ws_store_directory(store, WS_LEVEL_SHARD, ws_shard_of(key), make, dir);
}

/* Whether a shard of this branch was missing before; from now on one was. */
static bool has_missed(struct ws_store *store, uint32_t branch) {
    uint8_t bit = (uint8_t)(1u << branch % 8);
    bool missed = (store->missed[branch / 8] & bit) != 0;

    store->missed[branch / 8] |= bit;
    return missed;
}

enum ws_status ws_store_missing_shard(struct ws_store *store, const struct ws_digest *key,
                                      struct ws_dir **dir) {
    uint32_t shard = ws_shard_of(key);
    struct ws_dir *above = NULL;
    enum ws_status status = WS_NOT_FOUND;

    if (ws_store_disk(store) == WS_DISK_OWN || !has_missed(store, ws_branch_of(shard))) {
        return WS_NOT_FOUND;
    }
    for (int level = WS_LEVEL_BRANCH; level > WS_LEVEL_STORE && status == WS_NOT_FOUND; level--) {
        status = ws_store_directory(store, (enum ws_level)level, shard, WS_MAKE_NONE, &above);
    }
    if (status == WS_NOT_FOUND) {
        status = ws_os_dir_open(store->path, WS_MAKE_NONE, &above);
    }
    ws_os_dir_close(above);
    return status == WS_OK ? ws_store_shard(store, key, WS_MAKE_NONE, dir) : status;
}

bool ws_store_barrier(const struct ws_store *store, const struct ws_digest *key, char *path,
                      size_t size, uint64_t *owner) {
    bool is_barred = false;

    for (int level = WS_LEVEL_STORE; level <= WS_LEVEL_SHARD && !is_barred; level++) {
        char *whole = ws_layout_path(store->path, (enum ws_level)level, ws_shard_of(key), NULL);
        is_barred = whole && ws_os_is_barred(whole, owner);
        snprintf(path, size, "%s", whole ? whole : "");
        free(whole);
    }
    return is_barred;
}

/* The shards, in the order of their numbers within a branch. */

struct shard_visit {
    const struct ws_store *store;
    uint32_t branch;
    enum ws_status (*visit)(void *context, uint32_t shard, struct ws_dir *dir);
    void *context;
};

/* A file, or a link, in the place of a directory can be read, and is not ours. */
static bool is_unread(enum ws_status status) {
    return status == WS_OS_ERROR && errno != ENOTDIR && errno != ELOOP;
}

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
    if (status != WS_OK && !is_unread(status)) {
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
            status = is_unread(status) ? visit(context, branch * WS_SHARDS_OF_BRANCH, NULL) : WS_OK;
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

/* Files of the store's own. */

/* Others may have made it meanwhile. */
static enum ws_status edit_or_create(struct ws_dir *root, const char *name, struct ws_file **file) {
    enum ws_status status = ws_os_file_edit(root, name, file);

    if (status == WS_NOT_FOUND) {
        status = ws_os_file_create(root, name, file);
        if (status != WS_OK) {
            status = ws_os_file_edit(root, name, file);
        }
    }
    return status;
}

enum ws_status ws_store_lock_file(const struct ws_store *store, const char *name,
                                  struct ws_file **file) {
    struct ws_dir *root = NULL;
    struct ws_file *opened = NULL;
    struct ws_file_info info;
    enum ws_status status = ws_store_root(store, &root);

    if (status == WS_OK) {
        status = edit_or_create(root, name, &opened);
    }
    if (status == WS_OK) {
        status = ws_os_file_info(opened, &info);
    }
    if (status == WS_OK) {
        status = info.regular ? ws_runfile_lock(opened) : WS_FOREIGN;
    }
    ws_os_dir_close(root);
    if (status != WS_OK) {
        ws_os_file_close(opened);
        return status;
    }
    *file = opened;
    return WS_OK;
}

bool ws_store_trusts_at(const struct ws_store *store, enum ws_level level, uint32_t shard,
                        const char *name, struct ws_file *file) {
    struct ws_file_identity identity;

    if (store->options.trust) {
        return true;
    }
    char *path = ws_os_file_identity(file, &identity) == WS_OK
                     ? ws_layout_path(store->path, level, shard, name)
                     : NULL;
    bool trusts = path && ws_os_is_private(path, level, &identity);
    free(path);
    return trusts;
}

/* Saving. */

static enum ws_status put_once(struct ws_store *store, const char *run_id, struct ws_record *record,
                               const void *payload, size_t size, struct ws_dir **dir) {
    char name[WS_FILE_NAME_MAX + 1];
    bool durable = !record->note.is_seed; /* a fit begins without it as well */
    enum ws_status status =
        ws_store_shard(store, &record->key, durable ? WS_MAKE_DURABLE : WS_MAKE, dir);

    if (status == WS_OK) {
        ws_run_file_name(&record->key, run_id, name);
        status = ws_runfile_put(*dir, name, record, NULL, payload, size, durable);
    }
    if (status != WS_OK) {
        ws_os_dir_close(*dir);
        *dir = NULL;
    }
    return status;
}

enum ws_status ws_store_put(struct ws_store *store, const char *run_id, struct ws_record *record,
                            const void *payload, size_t size, struct ws_dir **dir) {
    *dir = NULL;
    if (!ws_run_id_is_valid(run_id)) {
        return WS_INVALID;
    }
    enum ws_status status = put_once(store, run_id, record, payload, size, dir);
    if (status == WS_NOT_FOUND) { /* the directory was deleted under our hands */
        status = put_once(store, run_id, record, payload, size, dir);
    }
    if (status == WS_OK) {
        ws_store_grew(store, WS_RECORD_HEADER + (uint64_t)size);
    }
    return status == WS_NOT_FOUND ? WS_OS_ERROR : status;
}

enum ws_status ws_store_save(struct ws_store *store, const struct ws_digest *key,
                             const char *run_id, const struct ws_note *note, const void *payload,
                             size_t size) {
    struct ws_record record = {
        .note = *note, .key = *key, .sequence = 1, .written = ws_store_now(store)};
    struct ws_dir *dir = NULL;
    enum ws_status status = ws_store_put(store, run_id, &record, payload, size, &dir);

    ws_os_dir_close(dir);
    return status;
}

/* Time. */

/* A use is noted this many times before the entry would expire. */
#define USES_NOTED 8

bool ws_store_has_expired(const struct ws_store *store, const struct ws_record *record,
                          int64_t modified, int64_t now) {
    int64_t oldest = now - store->options.max_age;

    return !record->note.is_named && modified < oldest &&
           (record->written < oldest || ws_rank_is_ahead(record->written, now));
}

int64_t ws_store_use_interval(const struct ws_store *store) {
    int64_t part = store->options.max_age / USES_NOTED;

    return part < WS_DAY ? part : WS_DAY;
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
    if (is_unread(status)) {
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
    if (is_unread(status)) {
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
    if (is_unread(status)) {
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

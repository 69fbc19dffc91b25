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
    int64_t told;     /* when a sweep last knew of what was added, ns since 1970-01-01 UTC */
    uint64_t process; /* that opened it */
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
    fresh->process = ws_os_process();
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

bool ws_store_can_wait(const struct ws_store *store, int64_t since, int64_t ns) {
    int64_t waited = ws_store_now(store) - since;

    return ws_store_disk(store) != WS_DISK_OWN && store->process == ws_os_process() &&
           waited >= 0 && waited < ns;
}

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
    return level == WS_LEVEL_STORE ? ws_os_dir_open(store->path, make, dir)
                                   : ws_os_dir_open_below(store->path, below, make, dir);
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
    for (int level = WS_LEVEL_BRANCH; level >= WS_LEVEL_STORE && status == WS_NOT_FOUND; level--) {
        status = ws_store_directory(store, (enum ws_level)level, shard, WS_MAKE_NONE, &above);
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

#include "sweep.h"

#include <stdlib.h>
#include <string.h>

#define MARKER ".swept" /* its time of modification is that of the last sweep */

struct kept {
    struct ws_digest key;
    char run_id[WS_RUN_ID_MAX + 1];
    int64_t used;
    uint64_t size;
    bool final;
};

struct sweep {
    struct ws_store *store;
    int64_t now;
    struct ws_dir *dir;
    struct kept *kept; /* what may go if the store is too large */
    size_t count;
    size_t room;
    struct ws_swept swept;
};

static void count_removed(struct sweep *sweep, uint64_t size) {
    sweep->swept.files++;
    sweep->swept.bytes += size;
}

static enum ws_status keep(struct sweep *sweep, const struct kept *run) {
    if (sweep->count == sweep->room) {
        size_t room = sweep->room > 0 ? 2 * sweep->room : 64;
        struct kept *kept = realloc(sweep->kept, room * sizeof *kept);
        if (!kept) {
            return WS_NO_MEMORY;
        }
        sweep->kept = kept;
        sweep->room = room;
    }
    sweep->kept[sweep->count++] = *run;
    return WS_OK;
}

/* Expired as a whole: a run may hold one record that is and one that is not. */
static bool is_expired(const struct sweep *sweep, const struct ws_scan *scan) {
    int64_t oldest = sweep->now - ws_store_options(sweep->store).max_age;

    for (int i = 0; i < scan->count; i++) {
        if (scan->records[i].written >= oldest) {
            return false;
        }
    }
    return true;
}

static enum ws_status judge_run(struct sweep *sweep, struct ws_file *file, const char *name,
                                const struct ws_digest *key,
                                const char run_id[WS_RUN_ID_MAX + 1]) {
    struct ws_scan scan;
    bool locked = true;

    if (ws_runfile_scan(file, key, &scan) != WS_OK || !scan.info.regular) {
        return WS_OK;
    }
    if (ws_os_file_is_locked(file, &locked) != WS_OK || locked || scan.reason == WS_NEWER ||
        scan.reason == WS_FOREIGN) {
        sweep->swept.kept_bytes += scan.info.size;
        return WS_OK;
    }
    if (scan.count == 0 || is_expired(sweep, &scan)) {
        if (ws_os_unlink(sweep->dir, name) == WS_OK) {
            count_removed(sweep, scan.info.size);
        }
        return WS_OK;
    }
    struct kept run = {
        .key = *key,
        .used = scan.info.modified,
        .size = scan.info.size,
        .final = scan.records[0].note.kind == WS_FINAL,
    };
    memcpy(run.run_id, run_id, sizeof run.run_id);
    sweep->swept.kept_bytes += run.size;
    return keep(sweep, &run);
}

/* A writer that has made its temporary file and not locked it yet loses it here, notices, and
 * makes another. */
static void remove_leftover(struct sweep *sweep, struct ws_file *file, const char *name) {
    struct ws_file_info info;
    bool locked = true;

    if (ws_os_file_info(file, &info) == WS_OK && info.regular &&
        ws_os_file_is_locked(file, &locked) == WS_OK && !locked &&
        ws_os_unlink(sweep->dir, name) == WS_OK) {
        count_removed(sweep, info.size);
    }
}

static enum ws_status judge_file(void *context, const char *name) {
    struct sweep *sweep = context;
    struct ws_digest key;
    char run_id[WS_RUN_ID_MAX + 1];
    struct ws_file *file = NULL;
    enum ws_status status = WS_OK;
    bool temporary = ws_temporary_file_parse(name, &key, run_id) == WS_OK;

    if ((!temporary && ws_run_file_parse(name, &key, run_id) != WS_OK) ||
        ws_os_file_open(sweep->dir, name, &file) != WS_OK) {
        return WS_OK;
    }
    if (temporary) {
        remove_leftover(sweep, file, name);
    } else {
        status = judge_run(sweep, file, name, &key, run_id);
    }
    ws_os_file_close(file);
    return status;
}

static int by_key(const void *a, const void *b) {
    return memcmp(((const struct kept *)a)->key.bytes, ((const struct kept *)b)->key.bytes,
                  sizeof(struct ws_digest));
}

/* Within one key, what is not final counts as used no later than the oldest final entry, so that
 * it goes first. */
static void order_key(struct kept *runs, size_t count) {
    int64_t oldest_final = INT64_MAX;

    for (size_t i = 0; i < count; i++) {
        if (runs[i].final && runs[i].used < oldest_final) {
            oldest_final = runs[i].used;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!runs[i].final && runs[i].used > oldest_final) {
            runs[i].used = oldest_final;
        }
    }
}

/* All runs of a key are in one shard. */
static enum ws_status judge_shard(void *context, struct ws_dir *dir) {
    struct sweep *sweep = context;
    size_t begin = sweep->count;

    sweep->dir = dir;
    enum ws_status status = ws_os_dir_list(dir, judge_file, sweep);
    if (status != WS_OK) {
        return status;
    }
    if (sweep->count > begin) {
        qsort(sweep->kept + begin, sweep->count - begin, sizeof *sweep->kept, by_key);
    }
    for (size_t first = begin, last; first < sweep->count; first = last) {
        for (last = first + 1; last < sweep->count; last++) {
            if (by_key(&sweep->kept[first], &sweep->kept[last]) != 0) {
                break;
            }
        }
        order_key(sweep->kept + first, last - first);
    }
    return WS_OK;
}

static int by_use(const void *a, const void *b) {
    const struct kept *x = a;
    const struct kept *y = b;

    if (x->used != y->used) {
        return x->used < y->used ? -1 : 1;
    }
    return (int)x->final - (int)y->final;
}

static void remove_run(struct sweep *sweep, const struct kept *run) {
    char name[WS_FILE_NAME_MAX + 1];
    struct ws_dir *dir = NULL;

    ws_run_file_name(&run->key, run->run_id, name);
    if (ws_store_shard(sweep->store, &run->key, false, &dir) == WS_OK &&
        ws_os_unlink(dir, name) == WS_OK) {
        count_removed(sweep, run->size);
        sweep->swept.kept_bytes -= run->size;
    }
    ws_os_dir_close(dir);
}

static void fit_size(struct sweep *sweep) {
    uint64_t max_size = ws_store_options(sweep->store).max_size;

    if (sweep->swept.kept_bytes <= max_size) {
        return;
    }
    if (sweep->count > 0) {
        qsort(sweep->kept, sweep->count, sizeof *sweep->kept, by_use);
    }
    for (size_t i = 0; i < sweep->count && sweep->swept.kept_bytes > max_size; i++) {
        remove_run(sweep, &sweep->kept[i]);
    }
}

/* The marker is there to be seen by others; without one they sweep more often. */
static void mark_swept(const struct sweep *sweep) {
    struct ws_dir *root = NULL;
    struct ws_file *file = NULL;

    if (ws_store_root(sweep->store, false, &root) == WS_OK) {
        if (ws_os_file_open(root, MARKER, &file) != WS_OK) {
            ws_os_file_create(root, MARKER, &file);
        }
        if (file) {
            ws_os_file_touch(file, sweep->now);
        }
    }
    ws_os_file_close(file);
    ws_os_dir_close(root);
}

enum ws_status ws_sweep(struct ws_store *store, struct ws_swept *swept) {
    struct sweep sweep = {.store = store, .now = ws_store_now(store)};
    enum ws_status status = ws_store_each_shard(store, judge_shard, &sweep);

    if (status == WS_OK) {
        fit_size(&sweep);
        mark_swept(&sweep);
        *ws_store_growth(store) = (struct ws_growth){.looked = true};
    }
    free(sweep.kept);
    *swept = sweep.swept;
    return status;
}

static bool swept_within_a_day(const struct ws_store *store) {
    struct ws_dir *root = NULL;
    struct ws_file *file = NULL;
    struct ws_file_info info = {.modified = INT64_MIN};

    if (ws_store_root(store, false, &root) == WS_OK &&
        ws_os_file_open(root, MARKER, &file) == WS_OK) {
        ws_os_file_info(file, &info);
    }
    ws_os_file_close(file);
    ws_os_dir_close(root);
    return info.modified > ws_store_now(store) - WS_DAY;
}

void ws_sweep_when_due(struct ws_store *store) {
    struct ws_growth *growth = ws_store_growth(store);
    struct ws_swept swept;
    bool due = growth->bytes > ws_store_options(store).max_size / WS_SWEEP_SHARE;

    if (!due && !growth->looked) {
        growth->looked = true;
        due = !swept_within_a_day(store);
    }
    if (due) {
        ws_sweep(store, &swept);
    }
}

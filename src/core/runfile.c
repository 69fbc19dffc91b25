#include "runfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reach.h"

#define NO_SLOT (-1)

/* Each time a sweep would have to come within the microseconds between making and locking. */
#define PUBLISH_ATTEMPTS_MAX 8

struct ws_runfile {
    struct ws_file *file;
    uint64_t slot_size;
    struct ws_record best;
    int best_slot;
    int durable_slot;
    int newest_slot;
    struct ws_errand *syncing; /* NULL: none goes on */
    struct syncing *sync;
    int syncing_slot; /* that it makes durable; NO_SLOT: it was written to since */
    bool is_slow;     /* the last sync took longer than anybody waits */
    bool suspect;     /* a sync failed: what the disk holds of this file is not known any more */
    bool failed;
    /* The best once more, where it is small enough. */
    bool is_kept;
    uint8_t *kept;
    size_t kept_room;
    bool kept_has_history;
    struct ws_history kept_history;
};

/* A record on its way into a new file. */
struct piece {
    struct ws_record *record;
    const struct ws_history *history; /* NULL: none */
    const void *payload;
    size_t size;
};

static uint64_t slot_size_for(size_t size) {
    uint64_t whole = (uint64_t)WS_RECORD_HEADER + size;

    return (whole + WS_SLOT_ALIGN - 1) / WS_SLOT_ALIGN * WS_SLOT_ALIGN;
}

uint64_t ws_runfile_size(size_t size) { return WS_SLOTS * slot_size_for(size); }

static enum ws_status check_size(size_t size) { return size > SIZE_MAX / 8 ? WS_INVALID : WS_OK; }

static enum ws_status write_piece(struct ws_file *file, const struct piece *piece) {
    uint8_t head[WS_RECORD_HEADER + WS_HISTORY_MAX];
    uint8_t *history = head + WS_RECORD_HEADER;
    struct ws_record *record = piece->record;

    ws_record_set_history(record, history,
                          piece->history ? ws_history_encode(piece->history, history) : 0);
    ws_record_encode(record, piece->payload, piece->size, head);
    return ws_os_file_write(file, record->slot * record->slot_size, head,
                            ws_record_payload_at(record), piece->payload, piece->size);
}

static bool has_no_locks(void) {
    return errno == ENOLCK || errno == ENOSYS || errno == EINVAL || errno == ENOTSUP ||
           errno == EOPNOTSUPP;
}

enum ws_status ws_runfile_lock(struct ws_file *file) {
    enum ws_status status = ws_os_file_lock(file);

    return status == WS_OS_ERROR && has_no_locks() ? WS_OK : status;
}

/* WS_NOT_FOUND where a sweep or a deletion took the temporary file before it was locked; from there
 * on they leave it alone. */
static enum ws_status publish_once(struct ws_dir *dir, const char *name, uint64_t reserve,
                                   const struct piece *pieces, int count, bool durable,
                                   struct ws_file **out) {
    char temporary[WS_FILE_NAME_MAX + 1];
    struct ws_file *file = NULL;
    enum ws_status status = ws_temporary_file_name(name, temporary);

    if (status == WS_OK) {
        status = ws_os_file_create(dir, temporary, &file);
    }
    if (status != WS_OK) {
        return status;
    }
    status = ws_runfile_lock(file);
    if (status == WS_OK && reserve > 0) {
        status = ws_os_file_allocate(file, reserve);
    }
    for (int i = 0; status == WS_OK && i < count; i++) {
        status = write_piece(file, &pieces[i]);
    }
    if (status == WS_OK && durable) {
        status = ws_os_file_sync(file);
    }
    if (status == WS_OK) {
        status = ws_os_rename(dir, temporary, name);
    }
    if (status != WS_OK) {
        int saved = errno;
        ws_os_unlink(dir, temporary);
        ws_os_file_close(file);
        errno = saved;
        return status;
    }
    status = durable ? ws_os_dir_sync(dir) : WS_OK;
    if (status != WS_OK) {
        int saved = errno;
        ws_os_file_close(file);
        errno = saved;
        return status;
    }
    *out = file;
    return WS_OK;
}

/* Makes the file `name` of these records, complete and, if it is to be durable, synced; returns it
 * open and locked. */
static enum ws_status publish(struct ws_dir *dir, const char *name, uint64_t reserve,
                              const struct piece *pieces, int count, bool durable,
                              struct ws_file **file) {
    enum ws_status status = WS_NOT_FOUND;

    /* A sweep that met the temporary file before it was locked took it. The next has another
     * name. */
    for (int i = 0; i < PUBLISH_ATTEMPTS_MAX && (status == WS_NOT_FOUND || status == WS_BUSY);
         i++) {
        status = publish_once(dir, name, reserve, pieces, count, durable, file);
    }
    return status;
}

/* Whether `candidate` is the one to protect. Strict, so that the protected objective never
 * creeps up, not even by less than the tolerance of a lookup. */
static bool is_better(const struct ws_record *candidate, const struct ws_record *best) {
    const struct ws_note *a = &candidate->note;
    const struct ws_note *b = &best->note;

    if (a->has_objective != b->has_objective) {
        return a->has_objective;
    }
    return !a->has_objective || a->objective <= b->objective;
}

static void keep_in_memory(struct ws_runfile *run, const struct piece *piece) {
    if (piece->payload == run->kept && run->is_kept) {
        return; /* it comes from there */
    }
    run->is_kept = false;
    if (piece->size > WS_KEPT_MAX) {
        return;
    }
    if (piece->size > run->kept_room || !run->kept) {
        uint8_t *room = realloc(run->kept, piece->size > 0 ? piece->size : 1);
        if (!room) {
            return;
        }
        run->kept = room;
        run->kept_room = piece->size;
    }
    if (piece->size > 0) {
        memcpy(run->kept, piece->payload, piece->size);
    }
    run->kept_has_history = piece->history != NULL;
    if (piece->history) {
        run->kept_history = *piece->history;
    }
    run->is_kept = true;
}

static void became_best(struct ws_runfile *run, const struct piece *piece) {
    run->best = *piece->record;
    run->best_slot = piece->record->slot;
    keep_in_memory(run, piece);
}

static int free_slot(const struct ws_runfile *run) {
    int fallback = NO_SLOT;

    for (int slot = 0; slot < WS_SLOTS; slot++) {
        if (slot == run->best_slot || slot == run->durable_slot) {
            continue;
        }
        if (slot != run->newest_slot && !(run->syncing && slot == run->syncing_slot)) {
            return slot;
        }
        fallback = slot;
    }
    return fallback;
}

/* Syncs. */

struct syncing {
    struct ws_file *file;
    bool owns_file;
    int64_t took; /* ns */
};

static enum ws_status sync_file(void *context) {
    struct syncing *sync = context;
    int64_t began = ws_os_now();
    enum ws_status status = ws_os_file_sync(sync->file);

    sync->took = ws_os_now() - began;
    return status;
}

static void end_sync(void *context) {
    struct syncing *sync = context;

    if (sync->owns_file) {
        ws_os_file_close(sync->file);
    }
    free(sync);
}

/* Also while it is being synced. */
static void let_go_of_file(struct ws_runfile *run) {
    if (run->syncing) {
        run->sync->owns_file = true;
        ws_os_errand_leave(run->syncing);
        run->syncing = NULL;
    } else {
        ws_os_file_close(run->file);
    }
    run->file = NULL;
}

/* Puts pieces into the slots of a new file, and `run` onto it. The first is the best. */
static enum ws_status start_file(struct ws_runfile *run, struct ws_dir *dir, const char *name,
                                 struct piece *pieces, int count) {
    struct ws_file *file = NULL;
    size_t largest = 0;

    for (int i = 0; i < count; i++) {
        size_t size = pieces[i].size + (pieces[i].history ? WS_HISTORY_MAX : 0);
        largest = size > largest ? size : largest;
    }
    uint64_t slot_size = slot_size_for(largest);
    for (int i = 0; i < count; i++) {
        pieces[i].record->slot = (uint8_t)i;
        pieces[i].record->slot_size = slot_size;
    }
    enum ws_status status = publish(dir, name, WS_SLOTS * slot_size, pieces, count, true, &file);
    if (status != WS_OK) {
        return status;
    }
    let_go_of_file(run);
    run->file = file;
    run->slot_size = slot_size;
    run->suspect = false;
    run->failed = false;
    became_best(run, &pieces[0]);
    run->durable_slot = run->best_slot;
    run->newest_slot = count - 1;
    return WS_OK;
}

enum ws_status ws_runfile_create(struct ws_dir *dir, const char *name, struct ws_record *record,
                                 const struct ws_history *history, const void *payload, size_t size,
                                 struct ws_runfile **run) {
    struct piece piece = {.record = record, .history = history, .payload = payload, .size = size};
    enum ws_status status = check_size(size);

    if (status != WS_OK) {
        return status;
    }
    struct ws_runfile *fresh = calloc(1, sizeof *fresh);
    if (!fresh) {
        return WS_NO_MEMORY;
    }
    status = start_file(fresh, dir, name, &piece, 1);
    if (status != WS_OK) {
        free(fresh);
        return status;
    }
    *run = fresh;
    return WS_OK;
}

static bool is_for_want_of_room(void) {
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
}

/* What came of a call on the open file. */
static enum ws_status note_failure(struct ws_runfile *run, enum ws_status status) {
    run->failed = status == WS_OS_ERROR && !is_for_want_of_room();
    return status;
}

static enum ws_status note_synced(struct ws_runfile *run, enum ws_status status, int slot) {
    if (note_failure(run, status) != WS_OK) {
        run->suspect = true;
    } else if (slot != NO_SLOT) {
        run->durable_slot = slot;
    }
    return status;
}

/* Looks whether the sync that goes on has ended, for no longer than that time. */
static enum ws_status settle(struct ws_runfile *run, int64_t ns) {
    enum ws_status result = WS_OK;

    if (!run->syncing) {
        return WS_OK;
    }
    if (ws_os_errand_wait(run->syncing, ns, &result) == WS_BUSY) {
        run->is_slow = true;
        return WS_OK;
    }
    run->is_slow = run->sync->took > WS_PATIENCE;
    ws_os_errand_leave(run->syncing);
    run->syncing = NULL;
    return note_synced(run, result, run->syncing_slot);
}

static enum ws_status sync_run(struct ws_runfile *run) {
    struct syncing *sync = calloc(1, sizeof *sync);

    ws_os_file_ask_limit(run->file);
    if (sync) {
        sync->file = run->file;
    }
    if (!sync || ws_os_errand_start(sync_file, end_sync, sync, &run->syncing) != WS_OK) {
        run->syncing = NULL;
        free(sync);
        return note_synced(run, ws_os_file_sync(run->file), run->best_slot);
    }
    run->sync = sync;
    run->syncing_slot = run->best_slot;
    return settle(run, run->is_slow ? 0 : WS_PATIENCE);
}

bool ws_runfile_is_syncing(struct ws_runfile *run) {
    settle(run, 0);
    return run->syncing != NULL;
}

bool ws_runfile_would_undo_sync(struct ws_runfile *run) {
    return ws_runfile_is_syncing(run) && free_slot(run) == run->syncing_slot;
}

enum ws_status ws_runfile_write(struct ws_runfile *run, struct ws_record *record,
                                const struct ws_history *history, const void *payload, size_t size,
                                bool sync) {
    struct piece piece = {.record = record, .history = history, .payload = payload, .size = size};
    bool has_one_name = false;
    enum ws_status status = check_size(size);

    if (status != WS_OK) {
        return status;
    }
    if (settle(run, 0) != WS_OK && run->failed) {
        return WS_OS_ERROR;
    }
    if (run->suspect || slot_size_for(size + (history ? WS_HISTORY_MAX : 0)) > run->slot_size) {
        return WS_NOT_FOUND;
    }
    status = note_failure(run, ws_os_file_has_one_name(run->file, &has_one_name));
    if (status != WS_OK) {
        return status;
    }
    if (!has_one_name) {
        return WS_NOT_FOUND;
    }
    record->slot = (uint8_t)free_slot(run);
    record->slot_size = run->slot_size;
    status = note_failure(run, write_piece(run->file, &piece));
    if (status != WS_OK) {
        return status;
    }
    run->newest_slot = record->slot;
    run->syncing_slot = run->syncing_slot == record->slot ? NO_SLOT : run->syncing_slot;
    if (is_better(record, &run->best)) {
        became_best(run, &piece);
    }
    return sync && !run->syncing ? sync_run(run) : WS_OK;
}

bool ws_runfile_knows_its_names(const struct ws_runfile *run) {
    return ws_os_file_knows_its_names(run->file);
}

enum ws_status ws_runfile_is_named(struct ws_runfile *run, struct ws_dir *dir, const char *name,
                                   bool *is_named) {
    return ws_os_file_is_named(dir, name, run->file, is_named);
}

/* The best record with all that belongs to it, from memory or else from the file. What it points to
 * is the caller's `*payload`, to be freed, and `*history`. */
static enum ws_status fetch_best(struct ws_runfile *run, struct ws_record *record, void **payload,
                                 struct ws_history *history, struct piece *piece) {
    bool has_history;

    *record = run->best;
    if (run->is_kept) {
        *history = run->kept_history;
        has_history = run->kept_has_history;
    } else {
        enum ws_status status = note_failure(run, ws_record_read(run->file, record, payload));
        if (status != WS_OK) {
            return status;
        }
        has_history = ws_record_read_history(run->file, record, history) == WS_OK;
    }
    *piece = (struct piece){.record = record,
                            .history = has_history ? history : NULL,
                            .payload = run->is_kept ? run->kept : *payload,
                            .size = (size_t)record->payload_size};
    return WS_OK;
}

/* `must_carry`: nothing else has the best where the old file's name is taken. */
static enum ws_status move_on(struct ws_runfile *run, struct ws_dir *dir, const char *name,
                              const struct piece *fresh, bool must_carry) {
    struct ws_record best;
    struct ws_history best_history;
    void *best_payload = NULL;
    struct piece pieces[2];
    int count = 0;
    enum ws_status status = check_size(fresh->size);

    if (status == WS_OK && !is_better(fresh->record, &run->best)) {
        status = fetch_best(run, &best, &best_payload, &best_history, &pieces[0]);
        count = status == WS_OK;
        if (!must_carry || status == WS_DAMAGED) {
            /* Damaged: the disk lost it already, and the new record is the best there is. */
            status = WS_OK;
        }
    }
    if (status == WS_OK) {
        pieces[count++] = *fresh;
        status = start_file(run, dir, name, pieces, count);
    }
    free(best_payload);
    return status;
}

enum ws_status ws_runfile_replace(struct ws_runfile *run, struct ws_dir *dir, const char *name,
                                  struct ws_record *record, const struct ws_history *history,
                                  const void *payload, size_t size) {
    struct piece fresh = {.record = record, .history = history, .payload = payload, .size = size};

    return move_on(run, dir, name, &fresh, true);
}

enum ws_status ws_runfile_leave(struct ws_runfile *run, struct ws_dir *dir, const char *name,
                                struct ws_record *record, const struct ws_history *history,
                                const void *payload, size_t size) {
    struct piece fresh = {.record = record, .history = history, .payload = payload, .size = size};

    return move_on(run, dir, name, &fresh, false);
}

bool ws_runfile_has_failed(const struct ws_runfile *run) { return run->failed; }

const struct ws_record *ws_runfile_best(const struct ws_runfile *run) { return &run->best; }

void ws_runfile_close(struct ws_runfile *run) {
    if (run) {
        let_go_of_file(run);
        free(run->kept);
        free(run);
    }
}

enum ws_status ws_runfile_put(struct ws_dir *dir, const char *name, struct ws_record *record,
                              const struct ws_history *history, const void *payload, size_t size,
                              bool durable) {
    struct piece piece = {.record = record, .history = history, .payload = payload, .size = size};
    struct ws_file *file = NULL;
    enum ws_status status = check_size(size);

    if (status != WS_OK) {
        return status;
    }
    record->slot = 0;
    record->slot_size = 0;
    status = publish(dir, name, 0, &piece, 1, durable, &file);
    return status == WS_OK ? ws_os_file_close(file) : status;
}

bool ws_runfile_remove(struct ws_dir *dir, const char *name, struct ws_file *file) {
    bool is_named = false;

    return ws_os_file_is_named(dir, name, file, &is_named) == WS_OK && is_named &&
           ws_os_unlink(dir, name) == WS_OK;
}

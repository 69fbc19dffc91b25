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

static enum ws_status read_payload(struct ws_file *file, const struct ws_record *record,
                                   void **payload) {
    size_t size = (size_t)record->payload_size;
    size_t got = 0;
    void *bytes = malloc(size > 0 ? size : 1);

    if (!bytes) {
        return WS_NO_MEMORY;
    }
    enum ws_status status = ws_os_file_read(
        file, record->slot * record->slot_size + ws_record_payload_at(record), bytes, size, &got);
    if (status == WS_OK) {
        status = ws_record_verify(record, bytes, got);
    }
    if (status != WS_OK) {
        free(bytes);
        return status;
    }
    *payload = bytes;
    return WS_OK;
}

static enum ws_status read_history(struct ws_file *file, const struct ws_record *record,
                                   struct ws_history *history) {
    uint8_t bytes[WS_HISTORY_MAX];
    size_t got = 0;

    if (record->history_size == 0) {
        return WS_NOT_FOUND;
    }
    enum ws_status status =
        ws_os_file_read(file, record->slot * record->slot_size + WS_RECORD_HEADER, bytes,
                        record->history_size, &got);
    if (status == WS_OK) {
        status = ws_record_verify_history(record, bytes, got);
    }
    return status == WS_OK ? ws_history_decode(bytes, got, history) : status;
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
        enum ws_status status = note_failure(run, read_payload(run->file, record, payload));
        if (status != WS_OK) {
            return status;
        }
        has_history = read_history(run->file, record, history) == WS_OK;
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

/* Reading. */

static bool fits(const struct ws_record *record, uint64_t available) {
    return record->payload_size <= available &&
           ws_record_payload_at(record) <= available - record->payload_size;
}

static bool has_key(const struct ws_record *record, const struct ws_digest *key) {
    return memcmp(record->key.bytes, key->bytes, sizeof key->bytes) == 0;
}

static enum ws_status decode_at(struct ws_file *file, uint64_t offset, struct ws_record *record) {
    uint8_t header[WS_RECORD_HEADER];
    size_t got = 0;
    enum ws_status status = ws_os_file_read(file, offset, header, sizeof header, &got);

    return status == WS_OK ? ws_record_decode(header, got, record) : status;
}

static void scan_alone(const struct ws_record *record, const struct ws_digest *key,
                       struct ws_scan *scan) {
    if (!has_key(record, key) || !fits(record, scan->info.size) ||
        ws_record_payload_at(record) + record->payload_size != scan->info.size) {
        scan->reason = WS_DAMAGED;
        return;
    }
    scan->records[scan->count++] = *record;
}

/* A record counts only where it says of itself that it was written for this slot: what looks
 * like one inside another's payload does not. */
static enum ws_status scan_slots(struct ws_file *file, uint64_t slot_size,
                                 const struct ws_digest *key, struct ws_scan *scan) {
    for (int slot = 0; slot < WS_SLOTS; slot++) {
        struct ws_record record;
        uint64_t offset = (uint64_t)slot * slot_size;
        if (offset >= scan->info.size) {
            break;
        }
        enum ws_status status =
            slot == 0 || offset + WS_RECORD_HEADER <= scan->head_size
                ? ws_record_decode(scan->head + offset, scan->head_size - offset, &record)
                : decode_at(file, offset, &record);
        if (status == WS_OS_ERROR) {
            return status;
        }
        if (status == WS_OK && record.slot == slot && record.slot_size == slot_size &&
            has_key(&record, key) && fits(&record, slot_size) &&
            fits(&record, scan->info.size - offset)) {
            scan->records[scan->count++] = record;
        }
    }
    return WS_OK;
}

/* What a power loss leaves of bytes that no sync has covered: none, or zeros. */
static bool is_unwritten(const struct ws_scan *scan) {
    for (size_t i = 0; i < scan->head_size; i++) {
        if (scan->head[i] != 0) {
            return false;
        }
    }
    return true;
}

/* What the head, which is there already, and the rest of the file tell. */
static enum ws_status scan_from_head(struct ws_file *file, const struct ws_digest *key,
                                     struct ws_scan *scan) {
    struct ws_record first;
    enum ws_status scanned = WS_OK;
    enum ws_status status = ws_record_decode(scan->head, scan->head_size, &first);

    scan->count = 0;
    scan->reason = WS_OK;
    if (status == WS_OK && first.slot_size == 0) {
        scan_alone(&first, key, scan);
        return WS_OK;
    }
    /* Damage to the first slot, also to the version it shows, must not hide the others. */
    uint64_t slot_size = status == WS_OK ? first.slot_size : scan->info.size / WS_SLOTS;
    if (slot_size > 0 && slot_size % WS_SLOT_ALIGN == 0) {
        scanned = scan_slots(file, slot_size, key, scan);
    }
    if (scan->count == 0) {
        scan->reason = status == WS_OK || is_unwritten(scan) ? WS_DAMAGED : status;
    }
    return scanned;
}

/* Asks for the file's size, and reads what is not there yet of its head. */
static enum ws_status scan_whole(struct ws_file *file, const struct ws_digest *key,
                                 struct ws_scan *scan) {
    enum ws_status status = ws_os_file_info(file, &scan->info);

    if (status != WS_OK) {
        return status;
    }
    if (!scan->info.regular) {
        scan->count = 0;
        scan->reason = WS_FOREIGN;
        return WS_OK;
    }
    /* Not past the end: to see that there is nothing takes another call. */
    uint64_t size = scan->info.size;
    size_t wanted = size < sizeof scan->head ? (size_t)size : sizeof scan->head;
    if (scan->head_size != wanted) {
        status = ws_os_file_read(file, 0, scan->head, wanted, &scan->head_size);
    }
    return status == WS_OK ? scan_from_head(file, key, scan) : status;
}

enum ws_status ws_runfile_scan(struct ws_file *file, const struct ws_digest *key,
                               struct ws_scan *scan) {
    scan->head_size = 0;
    return scan_whole(file, key, scan);
}

enum ws_status ws_runfile_glance(struct ws_file *file, const struct ws_digest *key,
                                 struct ws_scan *scan) {
    struct ws_record first;

    if (ws_os_file_peek(file, scan->head, sizeof scan->head, &scan->head_size) != WS_OK) {
        return ws_runfile_scan(file, key, scan);
    }
    if (ws_record_decode(scan->head, scan->head_size, &first) == WS_OK) {
        bool told = first.slot_size == 0
                        ? fits(&first, scan->head_size)
                        : first.slot_size == WS_SLOT_ALIGN && scan->head_size == WS_SCAN_HEAD;
        scan->info = (struct ws_file_info){.size = scan->head_size, .links = 1, .regular = true};
        if (told && scan_from_head(file, key, scan) == WS_OK && scan->count > 0) {
            return WS_OK;
        }
    }
    return scan_whole(file, key, scan);
}

static bool can_be_there(const struct ws_scan *scan, const struct ws_record *record) {
    return record->payload_size <= WS_UNQUESTIONED || scan->info.blocks == 0 ||
           record->payload_size / WS_HOLES_MAX <= scan->info.blocks;
}

enum ws_status ws_runfile_read(struct ws_file *file, const struct ws_scan *scan, int index,
                               void **payload) {
    const struct ws_record *record = &scan->records[index];
    uint64_t offset = record->slot * record->slot_size;

    if (offset < scan->head_size && fits(record, scan->head_size - offset)) {
        size_t size = (size_t)record->payload_size;
        void *bytes = malloc(size > 0 ? size : 1);
        if (!bytes) {
            return WS_NO_MEMORY;
        }
        memcpy(bytes, scan->head + offset + ws_record_payload_at(record), size);
        if (ws_record_verify(record, bytes, size) != WS_OK) {
            free(bytes);
            return WS_DAMAGED;
        }
        *payload = bytes;
        return WS_OK;
    }
    return can_be_there(scan, record) ? read_payload(file, record, payload) : WS_TOO_LARGE;
}

enum ws_status ws_runfile_read_history(struct ws_file *file, const struct ws_scan *scan, int index,
                                       struct ws_history *history) {
    return read_history(file, &scan->records[index], history);
}

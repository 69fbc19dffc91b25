#include "session.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "save.h"
#include "story.h"
#include "sweep.h"

struct ws_session {
    struct ws_store *store;
    struct ws_digest key;
    char label[WS_LABEL_MAX + 1];
    struct ws_entry *preloaded;

    /* The run. */
    uint64_t process; /* the one it belongs to */
    char run_id[WS_RUN_ID_MAX + 1];
    struct ws_runfile *file; /* NULL before the first record and after the final one */
    uint64_t sequence;
    double objective;   /* best on disk; NaN before the first */
    int64_t last_write; /* by the clock */
    int64_t last_sync;
    int64_t sync_cost; /* ns that the last one took */
    int64_t newest;    /* the time that the last record bears */
    bool finalized;
    int64_t began;
    struct ws_history history;
    bool has_iterate; /* of its own: the history is not another run's alone */

    uint64_t written;
    uint64_t refused;
    uint64_t failed;
    enum ws_status failure;
    int failure_errno;
};

static enum ws_status begin_run(struct ws_session *session) {
    enum ws_status status = ws_run_id_new(session->run_id);

    if (status != WS_OK) {
        return status;
    }
    session->process = ws_os_process();
    session->file = NULL;
    session->sequence = 0;
    session->objective = NAN;
    session->last_write = 0;
    session->last_sync = 0;
    session->sync_cost = 0;
    session->newest = 0;
    session->finalized = false;
    session->began = ws_store_now(session->store);
    ws_history_start(&session->history);
    session->has_iterate = false;
    return WS_OK;
}

enum ws_status ws_session_open(struct ws_store *store, const struct ws_digest *key,
                               const char *label, struct ws_session **session) {
    struct ws_note note;
    enum ws_status status = ws_note_set_label(&note, label);

    if (status != WS_OK) {
        return status;
    }
    struct ws_session *fresh = calloc(1, sizeof *fresh);
    if (!fresh) {
        return WS_NO_MEMORY;
    }
    fresh->store = store;
    status = begin_run(fresh);
    if (status != WS_OK) {
        free(fresh);
        return status;
    }
    ws_store_retain(store);
    fresh->key = *key;
    for (size_t i = 0; i < sizeof note.label; i++) {
        fresh->label[i] = note.label[i];
    }
    *session = fresh;
    return WS_OK;
}

void ws_session_close(struct ws_session *session) {
    if (session) {
        ws_runfile_close(session->file);
        ws_entry_free(session->preloaded);
        ws_store_release(session->store);
        free(session);
    }
}

const struct ws_digest *ws_session_key(const struct ws_session *session) { return &session->key; }

/* In a forked child the file is the parent's. Closing it here leaves the parent's lock alone. */
static enum ws_status own_run(struct ws_session *session) {
    if (session->process == ws_os_process()) {
        return WS_OK;
    }
    ws_runfile_close(session->file);
    session->file = NULL;
    session->written = session->refused = session->failed = 0;
    return begin_run(session);
}

struct ws_session_status ws_session_status(struct ws_session *session) {
    own_run(session);
    return (struct ws_session_status){
        .run_id = session->run_id,
        .has_file = session->file != NULL,
        .finalized = session->finalized,
        .written = session->written,
        .refused = session->refused,
        .failed = session->failed,
        .objective = session->objective,
        .last_write = session->newest,
        .failure = session->failure,
        .failure_errno = session->failure_errno,
        .is_syncing = session->file && ws_runfile_is_syncing(session->file),
    };
}

static double seconds_of_run(const struct ws_session *session, int64_t now) {
    return now > session->began ? (double)(now - session->began) / 1e9 : 0;
}

/* What to start from. */

enum ws_status ws_session_preload(struct ws_session *session, const struct ws_entry *entry) {
    struct ws_entry *copy = NULL;

    if (entry) {
        enum ws_status status = ws_entry_copy(entry, &copy);
        if (status != WS_OK) {
            return status;
        }
    }
    ws_entry_free(session->preloaded);
    session->preloaded = copy;
    return WS_OK;
}

void ws_session_attempt(struct ws_session *session, const char *run_id) {
    struct ws_note note;

    if (own_run(session) != WS_OK) {
        return;
    }
    int64_t now = ws_store_now(session->store);
    bool joins =
        run_id && !session->has_iterate &&
        ws_store_history(session->store, &session->key, run_id, &session->history, &note) == WS_OK;
    ws_history_cut(&session->history, joins ? 0 : seconds_of_run(session, now));
    session->began = now;
}

const struct ws_history *ws_session_history(struct ws_session *session) {
    own_run(session);
    return &session->history;
}

static enum ws_status load_exact(struct ws_session *session, struct ws_entry **entry,
                                 enum ws_source *source) {
    enum ws_status status =
        ws_store_lookup(session->store, &session->key, WS_BEST, WS_ANY_KIND, NULL, entry);

    *source = WS_EXACT;
    if (status == WS_OK && !session->has_iterate && (*entry)->record.note.kind == WS_CHECKPOINT &&
        !(*entry)->record.note.is_seed) {
        ws_session_attempt(session, (*entry)->run_id);
    }
    return status;
}

enum ws_status ws_session_load(struct ws_session *session, struct ws_entry **entry,
                               enum ws_source *source) {
    if (!session->preloaded) {
        return load_exact(session, entry, source);
    }
    *source = WS_PRELOADED;
    *entry = session->preloaded;
    session->preloaded = NULL;
    return WS_OK;
}

enum ws_status ws_session_peek(struct ws_session *session, struct ws_entry **entry,
                               enum ws_source *source) {
    if (!session->preloaded) {
        return load_exact(session, entry, source);
    }
    *source = WS_PRELOADED;
    return ws_entry_copy(session->preloaded, entry);
}

/* What to keep. */

/* Also where the clock was set back: then nobody knows how long ago it was. */
static bool has_passed(int64_t interval, int64_t since, int64_t now) {
    return since == 0 || now < since || now - since >= interval;
}

/* A sync is worth a hundredth of the time since the last. */
static int64_t sync_interval(const struct ws_session *session) {
    if (session->sync_cost >= WS_RATE_INTERVAL / WS_SYNC_SHARE) {
        return WS_RATE_INTERVAL;
    }
    return session->sync_cost > WS_SYNC_LEAST ? session->sync_cost * WS_SYNC_SHARE
                                              : WS_SYNC_LEAST * WS_SYNC_SHARE;
}

static void was_synced(struct ws_session *session, int64_t began) {
    session->last_sync = ws_store_now(session->store);
    session->sync_cost = session->last_sync > began ? session->last_sync - began : 0;
    if (session->file && ws_runfile_is_syncing(session->file)) {
        session->sync_cost = WS_RATE_INTERVAL; /* or more: it goes on */
    }
}

static bool is_wanted(const struct ws_session *session, const struct ws_offer *offer, int64_t now) {
    double objective = offer->objective;

    if (offer->is_early && !session->file) {
        return false;
    }
    if (session->file && !has_passed(WS_SYNC_GIVEN_UP, session->last_sync, now) &&
        ws_runfile_would_undo_sync(session->file)) {
        return false;
    }
    if (isfinite(objective) &&
        (isnan(session->objective) || objective < session->objective - WS_OBJECTIVE_TOLERANCE)) {
        return true;
    }
    return has_passed(WS_RATE_INTERVAL, session->last_write, now);
}

static void remember(struct ws_session *session, const struct ws_offer *offer, int64_t now,
                     bool written) {
    struct ws_point point = {
        .has_objective = isfinite(offer->objective),
        .has_iteration = offer->has_iteration,
        .written = written,
        .objective = offer->objective,
        .iteration = offer->iteration,
        .seconds = seconds_of_run(session, now),
    };

    ws_history_add(&session->history, &point);
    session->has_iterate = true;
}

static enum ws_status keep_status(struct ws_session *session, enum ws_status status) {
    if (status == WS_NOT_FOUND) { /* twice in a row: the directory cannot be kept in place */
        status = WS_OS_ERROR;
        errno = ENOENT;
    }
    session->failure = status;
    session->failure_errno = status == WS_OS_ERROR ? errno : 0;
    if (status != WS_OK) {
        session->failed++;
    }
    return status;
}

static struct ws_record record_of(struct ws_session *session, const struct ws_offer *offer,
                                  enum ws_kind kind, int64_t now) {
    struct ws_record record = {
        .note = {.kind = kind,
                 .encoding = offer->encoding,
                 .has_iteration = offer->has_iteration,
                 .iteration = offer->iteration},
        .key = session->key,
        .sequence = ++session->sequence,
        /* Within a run time goes forward, whatever the clock does. */
        .written = now > session->newest ? now : session->newest + 1,
    };

    ws_note_set_objective(&record.note, offer->objective);
    ws_note_set_label(&record.note, session->label);
    return record;
}

/* May a power loss take what is offered? Not where the run has a file, whose place it takes. */
static bool may_be_lost(const struct ws_session *session, const struct ws_offer *offer) {
    return offer->is_brief && !session->file;
}

/* Calls `put` with the run's directory and name, making the directory where it is missing; once
 * more where it was deleted in between. */
static enum ws_status
in_directory(struct ws_session *session,
             enum ws_status (*put)(struct ws_session *session, struct ws_dir *dir, const char *name,
                                   struct ws_record *record, const struct ws_offer *offer),
             struct ws_record *record, const struct ws_offer *offer) {
    char name[WS_FILE_NAME_MAX + 1];
    enum ws_status status = WS_NOT_FOUND;
    enum ws_make make = may_be_lost(session, offer) ? WS_MAKE : WS_MAKE_DURABLE;

    ws_run_file_name(&session->key, session->run_id, name);
    for (int attempt = 0; attempt < 2 && status == WS_NOT_FOUND; attempt++) {
        struct ws_dir *dir = NULL;
        status = ws_store_shard(session->store, &session->key, make, &dir);
        if (status == WS_OK) {
            status = put(session, dir, name, record, offer);
        }
        ws_os_dir_close(dir);
    }
    return status;
}

static enum ws_status put_file(struct ws_session *session, struct ws_dir *dir, const char *name,
                               struct ws_record *record, const struct ws_offer *offer) {
    if (session->file) {
        return ws_runfile_replace(session->file, dir, name, record, &session->history,
                                  offer->payload, offer->size);
    }
    return ws_runfile_create(dir, name, record, &session->history, offer->payload, offer->size,
                             &session->file);
}

/* Beside the old file, at which nobody can write any more. */
static enum ws_status put_beside(struct ws_session *session, struct ws_dir *dir, const char *name,
                                 struct ws_record *record, const struct ws_offer *offer) {
    return ws_runfile_leave(session->file, dir, name, record, &session->history, offer->payload,
                            offer->size);
}

static enum ws_status remove_name(struct ws_session *session, const char *run_id) {
    char name[WS_FILE_NAME_MAX + 1];
    struct ws_dir *dir = NULL;
    enum ws_status status = ws_store_shard(session->store, &session->key, WS_MAKE_NONE, &dir);

    ws_run_file_name(&session->key, run_id, name);
    if (status == WS_OK) {
        status = ws_os_unlink(dir, name);
    }
    ws_os_dir_close(dir);
    return status;
}

/* The open file does not work, though the store may: the run goes on under another id. Its old file
 * stays where it has a better record than the new one could get. */
static enum ws_status leave_file(struct ws_session *session, struct ws_record *record,
                                 const struct ws_offer *offer) {
    char before[WS_RUN_ID_MAX + 1];
    struct ws_note was = ws_runfile_best(session->file)->note;

    memcpy(before, session->run_id, sizeof before);
    enum ws_status status = ws_run_id_new(session->run_id);
    if (status == WS_OK) {
        status = in_directory(session, put_beside, record, offer);
    }
    if (status != WS_OK) {
        memcpy(session->run_id, before, sizeof before);
        return status;
    }
    struct ws_note is = ws_runfile_best(session->file)->note;
    if (!was.has_objective || (is.has_objective && is.objective <= was.objective)) {
        remove_name(session, before);
    }
    session->objective = is.has_objective ? is.objective : NAN;
    return WS_OK;
}

static enum ws_status put_final(struct ws_session *session, struct ws_dir *dir, const char *name,
                                struct ws_record *record, const struct ws_offer *offer) {
    bool durable = !may_be_lost(session, offer);
    enum ws_status status =
        ws_runfile_put(dir, name, record, &session->history, offer->payload, offer->size, durable);

    if (status == WS_OK) {
        ws_supersede(dir, record, session->run_id, durable);
    }
    return status;
}

static void was_written(struct ws_session *session, const struct ws_record *record, int64_t now) {
    const struct ws_note *note = &record->note;

    session->written++;
    session->last_write = now;
    session->newest = record->written;
    if (note->has_objective &&
        (isnan(session->objective) || note->objective < session->objective)) {
        session->objective = note->objective;
    }
}

static void file_was_put(struct ws_session *session, int64_t now, uint64_t size) {
    char name[WS_FILE_NAME_MAX + 1];
    struct ws_swept swept;

    was_synced(session, now);
    ws_store_grew(session->store, size);
    ws_run_file_name(&session->key, session->run_id, name);
    ws_sweep_when_due(session->store, name, &swept);
}

/* Whether a lookup would come to the run's file. Where the system does not say, the write does. */
static bool is_in_place(const struct ws_session *session) {
    char name[WS_FILE_NAME_MAX + 1];
    struct ws_dir *dir = NULL;
    bool is_named = true;
    enum ws_status status = ws_store_shard(session->store, &session->key, WS_MAKE_NONE, &dir);

    ws_run_file_name(&session->key, session->run_id, name);
    if (status == WS_OK) {
        status = ws_runfile_is_named(session->file, dir, name, &is_named);
    }
    ws_os_dir_close(dir);
    return status == WS_OK ? is_named : status != WS_NOT_FOUND;
}

/* A run to write to: this process's, and not ended. */
static enum ws_status open_run(struct ws_session *session) {
    enum ws_status status = own_run(session);

    if (status == WS_OK && session->finalized) {
        status = begin_run(session);
    }
    return status;
}

bool ws_session_wants(struct ws_session *session, const struct ws_offer *offer) {
    int64_t now = ws_store_now(session->store);

    /* Without a run id there is no run to compare with: let the write say so. */
    if (own_run(session) != WS_OK || session->finalized || is_wanted(session, offer, now)) {
        return true;
    }
    remember(session, offer, now, false);
    session->refused++;
    return false;
}

enum ws_status ws_session_checkpoint(struct ws_session *session, const struct ws_offer *offer) {
    int64_t now = ws_store_now(session->store);
    enum ws_status status = open_run(session);

    if (status != WS_OK) {
        return keep_status(session, status);
    }
    if (!is_wanted(session, offer, now)) {
        remember(session, offer, now, false);
        session->refused++;
        return WS_REFUSED;
    }
    if (!ws_store_answers(session->store)) {
        remember(session, offer, now, false);
        return keep_status(session, WS_OS_ERROR);
    }
    remember(session, offer, now, true);
    struct ws_record record = record_of(session, offer, WS_CHECKPOINT, now);
    bool sync = has_passed(sync_interval(session), session->last_sync, now);
    bool was_syncing = session->file && ws_runfile_is_syncing(session->file);
    status = WS_NOT_FOUND;
    if (session->file &&
        ((!sync && ws_runfile_knows_its_names(session->file)) || is_in_place(session))) {
        status = ws_runfile_write(session->file, &record, &session->history, offer->payload,
                                  offer->size, sync);
    }
    bool put = status == WS_NOT_FOUND;
    if (put) {
        status = in_directory(session, put_file, &record, offer);
    }
    if (status == WS_OS_ERROR && session->file && ws_runfile_has_failed(session->file)) {
        put = true;
        status = leave_file(session, &record, offer);
    }
    if (status == WS_OK) {
        was_written(session, &record, now);
        if (put) {
            file_was_put(session, now, ws_runfile_size(offer->size + WS_HISTORY_MAX));
        } else if (sync && !was_syncing) {
            was_synced(session, now);
        }
    } else {
        ws_history_not_written(&session->history);
    }
    return keep_status(session, status);
}

/* A final entry that does not fit would be swept as soon as somebody saves. A live run's file comes
 * on top of the store's bound. */
static bool has_room_for_final(const struct ws_session *session, const struct ws_offer *offer) {
    uint64_t beside = WS_RECORD_HEADER + WS_HISTORY_MAX;

    return offer->size <= UINT64_MAX - beside &&
           ws_sweep_has_room_for(session->store, beside + offer->size);
}

enum ws_status ws_session_finalize(struct ws_session *session, const struct ws_offer *offer) {
    int64_t now = ws_store_now(session->store);
    enum ws_status status = open_run(session);

    if (status != WS_OK) {
        return keep_status(session, status);
    }
    remember(session, offer, now, true);
    struct ws_record record = record_of(session, offer, WS_FINAL, now);
    status = has_room_for_final(session, offer) ? in_directory(session, put_final, &record, offer)
                                                : WS_TOO_LARGE;
    if (status == WS_OK) {
        ws_runfile_close(session->file);
        session->file = NULL;
        session->finalized = true;
        was_written(session, &record, now);
        file_was_put(session, now, ws_record_payload_at(&record) + (uint64_t)offer->size);
    } else {
        ws_history_not_written(&session->history);
    }
    return keep_status(session, status);
}

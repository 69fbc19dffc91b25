#include "save.h"

#include <string.h>

#include "sweep.h"

struct superseding {
    struct ws_dir *dir;
    const struct ws_record *record;
    const char *run_id;
    bool durable;
};

static bool is_superseded(const struct superseding *superseding, struct ws_file *file) {
    struct ws_scan scan;

    if (ws_runfile_scan(file, &superseding->record->key, &scan) != WS_OK || scan.count != 1) {
        return false;
    }
    const struct ws_record *other = &scan.records[0];
    /* One that has its file for itself is written, and held by nobody. */
    return other->note.kind == WS_FINAL && !other->note.is_seed && other->slot_size == 0 &&
           other->written < superseding->record->written;
}

/* What is removed may have outlasted a power loss: so must what takes its place. */
static bool make_durable(struct superseding *superseding) {
    char name[WS_FILE_NAME_MAX + 1];
    struct ws_file *file = NULL;

    if (!superseding->durable) {
        ws_run_file_name(&superseding->record->key, superseding->run_id, name);
        superseding->durable = ws_os_file_edit(superseding->dir, name, &file) == WS_OK &&
                               ws_os_file_sync(file) == WS_OK &&
                               ws_os_dir_sync(superseding->dir) == WS_OK;
        ws_os_file_close(file);
    }
    return superseding->durable;
}

static enum ws_status remove_superseded(void *context, const char *name) {
    struct superseding *superseding = context;
    struct ws_digest key;
    char run_id[WS_RUN_ID_MAX + 1];
    struct ws_file *file = NULL;

    if (ws_run_file_parse(name, &key, run_id) == WS_OK &&
        memcmp(key.bytes, superseding->record->key.bytes, sizeof key.bytes) == 0 &&
        strcmp(run_id, superseding->run_id) != 0 &&
        ws_os_file_open(superseding->dir, name, &file) == WS_OK &&
        is_superseded(superseding, file) && make_durable(superseding)) {
        ws_runfile_remove(superseding->dir, name, file);
    }
    ws_os_file_close(file);
    return WS_OK;
}

void ws_supersede(struct ws_dir *dir, const struct ws_record *record, const char *run_id,
                  bool durable) {
    struct superseding superseding = {
        .dir = dir, .record = record, .run_id = run_id, .durable = durable};

    if (!ws_os_dir_is_new(dir)) {
        ws_os_dir_list(dir, remove_superseded, &superseding);
    }
}

enum ws_status ws_save(struct ws_store *store, const struct ws_digest *key,
                       char run_id[WS_RUN_ID_MAX + 1], const struct ws_note *note,
                       const void *payload, size_t size) {
    struct ws_record record = {
        .note = *note, .key = *key, .sequence = 1, .written = ws_store_now(store)};
    char name[WS_FILE_NAME_MAX + 1];
    struct ws_swept swept;
    struct ws_dir *dir = NULL;
    bool has_room = size <= UINT64_MAX - WS_RECORD_HEADER &&
                    ws_sweep_has_room_for(store, WS_RECORD_HEADER + (uint64_t)size);
    enum ws_status status = run_id[0] == '\0' ? ws_run_id_new(run_id) : WS_OK;

    if (status == WS_OK) {
        status =
            has_room ? ws_store_put(store, run_id, &record, payload, size, &dir) : WS_TOO_LARGE;
    }
    if (status == WS_OK) {
        if (note->kind == WS_FINAL && !note->is_seed) {
            ws_supersede(dir, &record, run_id, true);
        }
        ws_os_dir_close(dir);
        ws_run_file_name(key, run_id, name);
        ws_sweep_when_due(store, name, &swept);
    }
    return status;
}

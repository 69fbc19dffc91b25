#include "story.h"

#include <string.h>

#include "runs.h"

struct story {
    struct ws_store *store;
    const struct ws_digest *key;
    int64_t now;
    struct ws_dir *dir;
    struct ws_record newest;
    bool found;
    struct ws_history *history;
};

/* Newer than what was found before, and whole. */
static enum ws_status take_story(void *context, const char *name) {
    struct story *story = context;
    struct ws_digest key;
    char run_id[WS_RUN_ID_MAX + 1];
    struct ws_scan scan;
    struct ws_history history;
    struct ws_file *file = NULL;

    if (ws_run_file_parse(name, &key, run_id) != WS_OK ||
        memcmp(key.bytes, story->key->bytes, sizeof key.bytes) != 0 ||
        ws_os_file_open(story->dir, name, &file) != WS_OK) {
        return WS_OK;
    }
    if (ws_runfile_scan(file, &key, &scan) != WS_OK) {
        scan.count = 0;
    }
    for (int i = 0; i < scan.count; i++) {
        const struct ws_record *record = &scan.records[i];
        if (!ws_store_has_expired(story->store, record, scan.info.modified, story->now) &&
            (!story->found || ws_rank_is_newer(record, &story->newest, story->now)) &&
            ws_runfile_read_history(file, &scan, i, &history) == WS_OK) {
            story->newest = *record;
            story->found = true;
            *story->history = history;
        }
    }
    ws_os_file_close(file);
    return WS_OK;
}

enum ws_status ws_store_history(struct ws_store *store, const struct ws_digest *key,
                                const char *run_id, struct ws_history *history,
                                struct ws_note *note) {
    struct story story = {
        .store = store, .key = key, .now = ws_store_now(store), .history = history};
    enum ws_status status = ws_store_shard(store, key, WS_MAKE_NONE, &story.dir);

    if (status == WS_OK) {
        status = ws_runs_named(story.dir, key, run_id, take_story, &story);
    }
    ws_os_dir_close(story.dir);
    if (status == WS_OK && !story.found) {
        status = WS_NOT_FOUND;
    }
    if (status == WS_OK) {
        *note = story.newest.note;
    }
    return status;
}

/*
 * runs: every run of a store or of a key: listed, deleted, opened.
 *
 *     ws_store_each      visits them, as their headers tell
 *     ws_store_delete    removes those of a key, or one
 *     ws_run_open        one run's file
 */
#ifndef WS_RUNS_H
#define WS_RUNS_H

#include "store.h"

/* Calls `visit` with the names in a shard among which those of the key's runs are, or with that of
 * the one run `run_id`, which need not be there. */
enum ws_status ws_runs_named(struct ws_dir *dir, const struct ws_digest *key, const char *run_id,
                             enum ws_status (*visit)(void *context, const char *name),
                             void *context);
/* Where there is no such run, or may be none, *file is NULL. */
void ws_run_open(const struct ws_store *store, const struct ws_digest *key, const char *run_id,
                 struct ws_file **file);
/* A use of the run that no lookup has noted: it is noted now, where the file may be changed. */
void ws_store_use(const struct ws_store *store, const struct ws_digest *key, const char *run_id);

/* One run, as its file's headers tell. */
struct ws_run {
    struct ws_record record; /* the run's best, as a lookup would choose */
    char run_id[WS_RUN_ID_MAX + 1];
    bool running;  /* a live process holds it */
    uint64_t size; /* bytes of the file */
};

/* Visits each run of `key`, or of the store where `key` is NULL; expired ones are left out. */
enum ws_status ws_store_each(struct ws_store *store, const struct ws_digest *key,
                             enum ws_status (*visit)(void *context, const struct ws_run *run),
                             void *context);
/* Deletes the runs of a key, or one of them where `run_id` is not NULL; *removed counts them. */
enum ws_status ws_store_delete(struct ws_store *store, const struct ws_digest *key,
                               const char *run_id, uint64_t *removed);

#endif

/*
 * store: a directory of runs, found by key.
 *
 *     <path>/v1/<first four digits of the key>/<key>-<run id>.warm
 *
 * Directories are made on demand and never removed, so no writer can lose its directory to a
 * sweep. 65536 of them keep the directory that a lookup lists at some 15 names in a store of a
 * million entries.
 *
 *     ws_store_open(path, &options, &store)      touches no disk but to see what `path` is
 *     ws_store_save / ws_store_lookup            one record in, one entry out
 *     ws_store_each / ws_store_delete            every run, or those of one key
 *     ws_store_release(store)                    stores are counted: sessions retain theirs
 *
 * A lookup returns an entry whose digests verify and that the store's accept() takes, or
 * WS_NOT_FOUND; damaged, foreign and newer files are passed over. A digest is no signature: what
 * verifies may be anybody's. A file's time of modification is the time of its last use, written or
 * looked up; that is what a sweep goes by (sweep.h).
 */
#ifndef WS_STORE_H
#define WS_STORE_H

#include "runfile.h"

#define WS_DAY ((int64_t)86400 * 1000000000) /* ns */

struct ws_store;
struct ws_candidate;

struct ws_store_options {
    uint64_t max_size; /* bytes */
    int64_t max_age;   /* ns */
    bool trust;        /* take what others may have written for the user's own */
    /* Whether a lookup may return what it found. Not WS_OK: it is passed over, as what is damaged
     * is; WS_REFUSED: and counted, see ws_store_withheld(). NULL: it may. */
    enum ws_status (*accept)(const struct ws_candidate *candidate);
};

/* WS_INVALID where `path` exists and is not a directory. */
enum ws_status ws_store_open(const char *path, const struct ws_store_options *options,
                             struct ws_store **store);
struct ws_store *ws_store_retain(struct ws_store *store);
void ws_store_release(struct ws_store *store);

const char *ws_store_path(const struct ws_store *store);
struct ws_store_options ws_store_options(const struct ws_store *store);
/* The store's time: the clock's, and what tests have added to it. */
int64_t ws_store_now(const struct ws_store *store);
void ws_store_shift_clock(struct ws_store *store, int64_t ns);

/* What a lookup found, and has verified, for accept() to judge. */
struct ws_candidate {
    const struct ws_record *record;
    const void *payload;
    const struct ws_store *store;
    const char *run_id;
    struct ws_file *file;
};

/* Whether nobody but this user can have written it (ws_os_is_private), or the store is trusted. */
bool ws_candidate_is_trusted(const struct ws_candidate *candidate);
/* The same of a run's file as it is now. */
bool ws_store_trusts(const struct ws_store *store, const struct ws_digest *key, const char *run_id);
/* How many entries lookups through this handle have passed over because accept() refused. */
uint64_t ws_store_withheld(const struct ws_store *store);

/* 1 to WS_RUN_ID_MAX of A-Z a-z 0-9 . _ - and not a dot first. */
bool ws_run_id_is_valid(const char *run_id);
/* Host, process, time and chance: unique among all runs of all hosts. */
enum ws_status ws_run_id_new(char run_id[WS_RUN_ID_MAX + 1]);
void ws_run_file_name(const struct ws_digest *key, const char *run_id,
                      char name[WS_FILE_NAME_MAX + 1]);
/* Takes a file's name apart; WS_FOREIGN where it is not that of a run. */
enum ws_status ws_run_file_parse(const char *name, struct ws_digest *key,
                                 char run_id[WS_RUN_ID_MAX + 1]);

/* The same for the name that a run's file has while it is made. */
enum ws_status ws_temporary_file_parse(const char *name, struct ws_digest *key,
                                       char run_id[WS_RUN_ID_MAX + 1]);

/* The directory that holds the key's runs. */
enum ws_status ws_store_shard(const struct ws_store *store, const struct ws_digest *key,
                              bool create, struct ws_dir **dir);

/* Saves one record under `run_id`, replacing that run's entry whole. */
enum ws_status ws_store_save(struct ws_store *store, const struct ws_digest *key,
                             const char *run_id, const struct ws_note *note, const void *payload,
                             size_t size);

struct ws_entry {
    struct ws_record record;
    char run_id[WS_RUN_ID_MAX + 1];
    void *payload; /* record.payload_size bytes */
};

/* Objectives nearer than this are taken for equal. */
#define WS_OBJECTIVE_TOLERANCE 1e-12

enum ws_select {
    WS_BEST,  /* lowest objective; within the tolerance final before checkpoint, then newest */
    WS_LATEST /* newest; objectives ignored */
};
#define WS_ANY_KIND 0

/* `kind` is an enum ws_kind or WS_ANY_KIND; `run_id` is NULL, or the one run to look at. */
enum ws_status ws_store_lookup(struct ws_store *store, const struct ws_digest *key,
                               enum ws_select select, int kind, const char *run_id,
                               struct ws_entry **entry);
enum ws_status ws_entry_copy(const struct ws_entry *from, struct ws_entry **entry);
void ws_entry_free(struct ws_entry *entry);

/* The history that was written last under `key`, of the one run where `run_id` is not NULL, and
 * what else its record says. The payload is not looked at. */
enum ws_status ws_store_history(struct ws_store *store, const struct ws_digest *key,
                                const char *run_id, struct ws_history *history,
                                struct ws_note *note);

/* One run, as its file's headers tell. */
struct ws_run {
    struct ws_record record; /* the run's best */
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

/* For sweep.c: the directory of the shards, and each of them in turn. */
enum ws_status ws_store_root(const struct ws_store *store, bool create, struct ws_dir **dir);
enum ws_status ws_store_each_shard(const struct ws_store *store,
                                   enum ws_status (*visit)(void *context, struct ws_dir *dir),
                                   void *context);

/* What this handle has added to the store; sweep.c keeps it. */
struct ws_growth {
    uint64_t bytes;  /* since its last sweep */
    uint64_t untold; /* of these, what other processes do not know of yet */
    bool looked;     /* when the store was last swept has been asked */
};
struct ws_growth *ws_store_growth(struct ws_store *store);

/* What a store was good for; tally.h says more. */
enum ws_use { WS_HIT, WS_RESUMED, WS_SEEDED, WS_MISS, WS_USES };
struct ws_tally {
    int64_t since; /* ns since 1970-01-01 UTC; 0 before anything was counted */
    uint64_t uses[WS_USES];
    double seconds_saved;
};
/* What this handle has counted and other processes do not know of yet; tally.c keeps it. */
struct ws_untold {
    struct ws_tally tally;
    uint64_t process; /* whose it is */
};
struct ws_untold *ws_store_untold(struct ws_store *store);
void ws_store_grew(struct ws_store *store, uint64_t bytes);

#endif

/*
 * store: a directory of runs, found by key. layout.h says where in it what is.
 *
 * Directories are made on demand, and a sweep removes shards that were empty for a day: long enough
 * for no writer to lose one that it has just made.
 *
 *     ws_store_open(path, &options, &store)      touches no disk but to see what `path` is
 *     ws_store_save                              one record in; lookup.h has the way out,
 *                                                runs.h and shards.h what goes through all of it
 *     ws_store_release(store)                    stores are counted: sessions retain theirs
 *
 * A file's time of modification is the time of its last use, written or looked up, to the day; that
 * is what a sweep goes by (sweep.h), and what an entry's age counts from.
 */
#ifndef WS_STORE_H
#define WS_STORE_H

#include "layout.h"
#include "rank.h"
#include "runfile.h"

struct ws_store;
struct ws_candidate; /* trust.h */

struct ws_store_options {
    uint64_t max_size; /* bytes */
    int64_t max_age;   /* ns */
    bool trust;        /* take what others may have written for the user's own */
    bool shared;       /* make it, where it is made, one that its group shares */
    /* Whether a lookup may return what it found. Not WS_OK: it is passed over, as what is damaged
     * is; WS_REFUSED: and counted as withheld. NULL: it may. */
    enum ws_status (*accept)(const struct ws_candidate *candidate);
};

/* WS_INVALID where `path` exists and is not a directory. */
enum ws_status ws_store_open(const char *path, const struct ws_store_options *options,
                             struct ws_store **store);
struct ws_store *ws_store_retain(struct ws_store *store);
void ws_store_release(struct ws_store *store);

/* Whether its file system answers (reach.h). All that begins with a directory of the store asks
 * that itself, and fails with ETIMEDOUT where it does not. */
bool ws_store_answers(const struct ws_store *store);

const char *ws_store_path(const struct ws_store *store);
struct ws_store_options ws_store_options(const struct ws_store *store);
/* Makes what is there of the store, or an empty one, the group's, see os.h; from then on it is that
 * to every handle, also without the option. */
enum ws_status ws_store_share(struct ws_store *store);
bool ws_store_is_shared(const struct ws_store *store);
/* The store's time: the clock's, and what tests have added to it. */
int64_t ws_store_now(const struct ws_store *store);
void ws_store_shift_clock(struct ws_store *store, int64_t ns);

/* What this handle has passed over, but for what is damaged, foreign or newer. */
struct ws_passed_over {
    uint64_t withheld; /* entries that accept() refused */
    uint64_t unread;   /* files and directories that the system failed to read in lookups */
    int unread_errno;  /* the last reason */
    uint64_t unlisted; /* the same of listings */
    int unlisted_errno;
};
struct ws_passed_over *ws_store_passed_over(struct ws_store *store);

/* Whether a record was neither written nor used within `max_age`. `modified` is its file's time; a
 * time more than a day ahead of `now` is not when it was written. */
bool ws_store_has_expired(const struct ws_store *store, const struct ws_record *record,
                          int64_t modified, int64_t now);
/* How long after the last use that was noted another one is: a day, or less where `max_age` is. */
int64_t ws_store_use_interval(const struct ws_store *store);

/* A directory of the store: that which holds the shard, or is it. */
enum ws_status ws_store_directory(const struct ws_store *store, enum ws_level level, uint32_t shard,
                                  enum ws_make make, struct ws_dir **dir);
/* The directory of the branches. */
enum ws_status ws_store_root(const struct ws_store *store, struct ws_dir **dir);
/* The directory that holds the key's runs. */
enum ws_status ws_store_shard(const struct ws_store *store, const struct ws_digest *key,
                              enum ws_make make, struct ws_dir **dir);
/* The same where it seems to be missing. Where other machines may have made it since this handle
 * last missed something near it, the deepest directory that is there is opened first: thereby the
 * system learns of it. */
enum ws_status ws_store_missing_shard(struct ws_store *store, const struct ws_digest *key,
                                      struct ws_dir **dir);
/* Saves one record under `run_id`, replacing that run's entry whole, and nothing else; save.h does
 * what goes with it. */
enum ws_status ws_store_save(struct ws_store *store, const struct ws_digest *key,
                             const char *run_id, const struct ws_note *note, const void *payload,
                             size_t size);
/* The same of a record that has its note, key, sequence and time. *dir is the shard, the caller's
 * to close; NULL where it fails. */
enum ws_status ws_store_put(struct ws_store *store, const char *run_id, struct ws_record *record,
                            const void *payload, size_t size, struct ws_dir **dir);

/* Whether in a directory on the way to the key's shard, from the store's own on, this user may make
 * no name: the first such one's path, cut to fit, and who owns it. */
bool ws_store_barrier(const struct ws_store *store, const struct ws_digest *key, char *path,
                      size_t size, uint64_t *owner);

/* Bytes that this handle has added, and that no sweep knows of yet, and when one last did; sweep.c
 * keeps them. */
uint64_t *ws_store_added(struct ws_store *store);
int64_t *ws_store_told(struct ws_store *store);
/* Whose disk it is on, once it has answered. */
enum ws_disk ws_store_disk(const struct ws_store *store);
/* Whether what this handle has to tell others since then may be told later: on a disk that is not
 * this system's, where each time takes round trips, and not for longer than that. A forked child
 * may end without a word. */
bool ws_store_can_wait(const struct ws_store *store, int64_t since, int64_t ns);
void ws_store_grew(struct ws_store *store, uint64_t bytes);

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

/* A small file of the store's own, beside the branches: to be read and changed, and locked; made
 * where it is missing. WS_BUSY where another holds it, WS_FOREIGN where it is no regular file,
 * WS_NOT_FOUND where there is no store. */
enum ws_status ws_store_lock_file(const struct ws_store *store, const char *name,
                                  struct ws_file **file);
#endif

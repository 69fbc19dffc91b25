/*
 * save: one entry into a store, and all that goes with it.
 *
 *     ws_save(store, &key, run_id, &note, payload, size)
 *
 * gives the entry a run id where it has none, puts it into the store, removes what it supersedes,
 * and goes on with the store's sweep. A session, which has a file of its own, does the same by the
 * parts.
 */
#ifndef WS_SAVE_H
#define WS_SAVE_H

#include "store.h"

/* `run_id` is "" for a new one, which is left there. WS_TOO_LARGE, before anything is written,
 * where the store's bound leaves no room for the entry. A status other than WS_OK is that of the
 * save; nothing was removed then. */
enum ws_status ws_save(struct ws_store *store, const struct ws_digest *key,
                       char run_id[WS_RUN_ID_MAX + 1], const struct ws_note *note,
                       const void *payload, size_t size);

/* Removes from `dir` the final records of its key that `record`, which is final and was just put
 * there under `run_id`, supersedes: those of other runs that were written before. Seeds stay, since
 * each is another fit's, as does what a live run holds, what bears a later time, and what is in a
 * newer format. Where the record is not `durable` it is synced before anything is removed.
 *
 * The times alone decide, whatever this process takes the time to be: of two processes that finish
 * one fit at once, one at most removes the other's. */
void ws_supersede(struct ws_dir *dir, const struct ws_record *record, const char *run_id,
                  bool durable);

#endif

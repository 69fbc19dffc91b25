/*
 * lookup: finds the entry of a key.
 *
 *     ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry)  ->  ws_entry_free(entry)
 *
 * It returns an entry whose digests verify and that the store's accept() takes, or WS_NOT_FOUND;
 * damaged, foreign and newer files are passed over. A digest is no signature: what verifies may be
 * anybody's. Which of several it is, rank.h says. It takes no lock and waits for nobody.
 *
 * The cost, in system calls on Linux: the shard is opened, and listed by two (the second says that
 * there is no more: a signal can cut the first short); each run's file is opened and read; one call
 * closes all, where their descriptors are neighbours. So six for a key with one run, and two for
 * each further run. Which record is best stands in the files alone: a checkpoint is one write into
 * its own, and nothing that names or lists it could tell without being changed too. Two more are
 * taken by a payload beyond the first WS_SCAN_HEAD bytes of its file (its size, and the rest), one
 * by an entry more than a day old (when it was last used).
 *
 * A miss is one call where the shard is missing. On a network's file system the next one near it
 * asks once more after the directory above was opened, so that what another machine has made since
 * is seen.
 * Where the shard is there, one more call tells when it last changed: in one that has just done so
 * a miss is one after four listings.
 */
#ifndef WS_LOOKUP_H
#define WS_LOOKUP_H

#include "rank.h"
#include "store.h"
#include "trust.h"

struct ws_entry {
    struct ws_record record;
    char run_id[WS_RUN_ID_MAX + 1];
    void *payload;          /* record.payload_size bytes */
    struct ws_story *story; /* NULL where it was not asked for */
};

/* What else there is to a finished fit, which comes of the file while it is open. */
struct ws_story {
    bool is_trusted;
    struct ws_history history; /* without points where there is none */
};

#define WS_ANY_KIND 0

/* `kind` is an enum ws_kind or WS_ANY_KIND; `run_id` is NULL, or the one run to look at. */
enum ws_status ws_store_lookup(struct ws_store *store, const struct ws_digest *key,
                               enum ws_select select, int kind, const char *run_id,
                               struct ws_entry **entry);
/* The same, with its story. */
enum ws_status ws_store_lookup_whole(struct ws_store *store, const struct ws_digest *key, int kind,
                                     const char *run_id, struct ws_entry **entry);
enum ws_status ws_entry_copy(const struct ws_entry *from, struct ws_entry **entry);
void ws_entry_free(struct ws_entry *entry);

#endif

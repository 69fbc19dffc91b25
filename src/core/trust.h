/*
 * trust: who can have written what a store holds.
 *
 *     ws_candidate_is_trusted    what a lookup has found, for a store's accept()
 *     ws_store_trusts            a run's file
 *     ws_store_trusts_at         any file of the store
 *
 * What nobody but this user can have written is trusted (ws_os_is_private), and all there is in a
 * store whose options say so.
 */
#ifndef WS_TRUST_H
#define WS_TRUST_H

#include "store.h"

enum ws_trust { WS_TRUST_UNKNOWN, WS_TRUSTED, WS_UNTRUSTED };

/* What a lookup found, and has verified, for accept() to judge. */
struct ws_candidate {
    const struct ws_record *record;
    const void *payload;
    const struct ws_store *store;
    const char *run_id;
    struct ws_file *file;
    enum ws_trust *trust; /* what was made out of it before */
};

/* Whether nobody but this user can have written it (ws_os_is_private), or the store is trusted. */
bool ws_candidate_is_trusted(const struct ws_candidate *candidate);
/* The same of a run's file as it is now. */
bool ws_store_trusts(const struct ws_store *store, const struct ws_digest *key, const char *run_id);

/* Whether nobody but this user can have written the file, which is open, of that name in that
 * directory (ws_os_is_private), or the store is trusted. */
bool ws_store_trusts_at(const struct ws_store *store, enum ws_level level, uint32_t shard,
                        const char *name, struct ws_file *file);

#endif

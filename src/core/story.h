/*
 * story: how a fit went, as the newest of its records tells.
 */
#ifndef WS_STORY_H
#define WS_STORY_H

#include "store.h"

/* The history that was written last under `key`, of the one run where `run_id` is not NULL, and
 * what else its record says. The payload is not looked at. */
enum ws_status ws_store_history(struct ws_store *store, const struct ws_digest *key,
                                const char *run_id, struct ws_history *history,
                                struct ws_note *note);

#endif

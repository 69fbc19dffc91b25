/*
 * session: one run tied to one key. What to keep of a fit, and when.
 *
 *     ws_session_open(store, &key, label, &session)         touches no disk
 *     ws_session_load(session, &entry, &source)             what to start from, if anything
 *     ws_session_checkpoint(session, &offer) ...            WS_REFUSED is an answer, not a fault
 *     ws_session_finalize(session, &offer)
 *     ws_session_close(session)
 *
 * A checkpoint is written when its objective improves on this run's best by more than
 * WS_OBJECTIVE_TOLERANCE (the first finite one does), or when WS_RATE_INTERVAL has passed since
 * the last write. Data is synced with the first write; then as soon as that costs less than 1 % of
 * the time since the last sync, by what that took (WS_SYNC_LEAST at the least), or the interval has
 * passed; and at finalize, but for brief fits. So what a power loss takes of a running fit are
 * iterates that came within that time after a synced one: of a slow fit none. Finalize always
 * writes and ends the run: a checkpoint after it begins a new one.
 *
 * A sync that takes longer than WS_PATIENCE goes on by itself. While it does, one more record is
 * written; others that are offered are refused until it has ended, or WS_SYNC_GIVEN_UP has passed
 * since it began: they would take the place of what it makes durable. Nor is anything written while
 * the store's file system does not answer (reach.h): the call fails with ETIMEDOUT.
 *
 * With each sync it is asked, by name and anew, whether a lookup would come to the run's file;
 * where it would not, the record, and the best before it, go to a new one.
 *
 * A failing disk is no error of the session's: the call returns the status, the session keeps it
 * for ws_session_status(), and the next call tries again, also after the file or its directory
 * were deleted. Where it is the open file that failed, and not for want of room, the run goes on in
 * another one at once, under a new run id; where that cannot be made either, the next call tries
 * both. So a file that a server has forgotten is given up, and one that comes back is used.
 *
 * A session remembers the iterates that it was offered, also those that it refused; each record
 * carries this history (history.h). One that loads an interrupted run's entry goes on with that
 * run's.
 *
 * A session notices that it woke up in a forked child: it closes the parent's file there and
 * goes on as a run of its own.
 */
#ifndef WS_SESSION_H
#define WS_SESSION_H

#include "lookup.h"

#define WS_RATE_INTERVAL ((int64_t)2 * 1000000000) /* ns; as often as a person cares about */
#define WS_SYNC_SHARE 100                          /* 1 % of a fit's time */
#define WS_SYNC_LEAST ((int64_t)1000000)           /* ns; no disk is faster by much */

#define WS_SYNC_GIVEN_UP ((int64_t)30 * 1000000000) /* ns; servers come back by then, or late */

struct ws_session;

enum ws_source { WS_EXACT, WS_PRELOADED };

/* What a fit offers to keep. */
struct ws_offer {
    const void *payload;
    size_t size;
    uint8_t encoding;
    double objective; /* NaN or infinite: absent */
    bool has_iteration;
    uint64_t iteration;
    bool is_early; /* not worth a file yet: refused unless the run has one */
    bool is_brief; /* a final that is not worth a sync, unless the run has a file already */
};

struct ws_session_status {
    const char *run_id;
    bool has_file;          /* a run of this session is on disk, and live */
    bool finalized;         /* the last write was a final one */
    uint64_t written;       /* checkpoints and finals on disk */
    uint64_t refused;       /* checkpoints that the rules held back */
    uint64_t failed;        /* calls that the disk held back */
    double objective;       /* this run's best; NaN before the first */
    int64_t last_write;     /* ns since 1970-01-01 UTC; 0 before the first */
    enum ws_status failure; /* of the last write that was tried; WS_OK after one that worked */
    int failure_errno;
    bool is_syncing; /* the disk takes its time: the last records are not durable yet */
};

/* WS_INVALID where the label is. */
enum ws_status ws_session_open(struct ws_store *store, const struct ws_digest *key,
                               const char *label, struct ws_session **session);
void ws_session_close(struct ws_session *session);

const struct ws_digest *ws_session_key(const struct ws_session *session);
struct ws_session_status ws_session_status(struct ws_session *session);

/* Takes a copy of `entry`: the next load returns it, once, ahead of the store. NULL withdraws. */
enum ws_status ws_session_preload(struct ws_session *session, const struct ws_entry *entry);
enum ws_status ws_session_load(struct ws_session *session, struct ws_entry **entry,
                               enum ws_source *source);
/* As load, but consumes nothing. */
enum ws_status ws_session_peek(struct ws_session *session, struct ws_entry **entry,
                               enum ws_source *source);

/* A new attempt at the fit begins: in the history, another run. The first goes on with the history
 * of the run `run_id` of this key, where that is not NULL and has one. */
void ws_session_attempt(struct ws_session *session, const char *run_id);
const struct ws_history *ws_session_history(struct ws_session *session);

/* Whether this checkpoint would be written now: to be asked before encoding a payload is paid for.
 * The offer's payload is not looked at. Counts a refusal. */
bool ws_session_wants(struct ws_session *session, const struct ws_offer *offer);
enum ws_status ws_session_checkpoint(struct ws_session *session, const struct ws_offer *offer);
/* WS_TOO_LARGE where the store's bound leaves no room for it: the checkpoints stay. */
enum ws_status ws_session_finalize(struct ws_session *session, const struct ws_offer *offer);

#endif

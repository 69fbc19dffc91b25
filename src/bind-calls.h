/*
 * bind-calls: the routines that R calls, as init.c registers them.
 */
#ifndef WS_BIND_CALLS_H
#define WS_BIND_CALLS_H

#define R_NO_REMAP
#include <Rinternals.h>

SEXP bind_fingerprint(SEXP value, SEXP mode);
SEXP bind_fingerprinter(void);
SEXP bind_absorb(SEXP fingerprinter, SEXP tag, SEXP value, SEXP mode);
SEXP bind_fingerprinter_digest(SEXP fingerprinter);
SEXP bind_hash_engine(void);
SEXP bind_canonical_call(SEXP expr);
SEXP bind_strings_in(SEXP expr);
SEXP bind_formula_uses(SEXP exprs);
SEXP bind_plain_uses(SEXP exprs, SEXP special);
SEXP bind_embraced_names(SEXP expr);
SEXP bind_given(SEXP list);
SEXP bind_promised_call(SEXP frame);
SEXP bind_become(SEXP call, SEXP written);

SEXP bind_may_be_plain(SEXP value);
SEXP bind_bytes_are_plain(SEXP bytes);
SEXP bind_serialize(SEXP value, SEXP version, SEXP limit, SEXP homes);

SEXP bind_store_open(SEXP path, SEXP max_size, SEXP max_age, SEXP trust, SEXP shared);
SEXP bind_store_config(SEXP store);
SEXP bind_store_share(SEXP store);
SEXP bind_store_is_shared(SEXP store);
SEXP bind_run_id_max(void);
SEXP bind_store_use(SEXP store, SEXP key, SEXP run_id);
SEXP bind_store_barrier(SEXP store, SEXP key);
SEXP bind_store_shift_clock(SEXP store, SEXP seconds);
SEXP bind_store_save(SEXP store, SEXP key, SEXP encoded, SEXP objective, SEXP iteration, SEXP kind,
                     SEXP run_id, SEXP label);
SEXP bind_store_lookup(SEXP store, SEXP key, SEXP latest, SEXP kind, SEXP run_id, SEXP homes);
SEXP bind_store_list(SEXP store, SEXP key);
SEXP bind_store_delete(SEXP store, SEXP key, SEXP run_id);

SEXP bind_store_count(SEXP store, SEXP use, SEXP seconds);
SEXP bind_store_tally(SEXP store);

SEXP bind_store_sweep(SEXP store);
SEXP bind_store_branches(SEXP store);
SEXP bind_store_check_branch(SEXP store, SEXP branch, SEXP repair);
SEXP bind_store_check_beside(SEXP store);
SEXP bind_store_trusts(SEXP store, SEXP key, SEXP run_id);

SEXP bind_session_open(SEXP store, SEXP key, SEXP label);
SEXP bind_session_close(SEXP session);
SEXP bind_session_is_closed(SEXP session);
SEXP bind_session_get_key(SEXP session);
SEXP bind_session_get_label(SEXP session);
SEXP bind_session_get_store(SEXP session);
SEXP bind_session_get_run_id(SEXP session);
SEXP bind_session_preload(SEXP session, SEXP encoded, SEXP entry);
SEXP bind_session_load(SEXP session);
SEXP bind_session_peek(SEXP session);
SEXP bind_session_checkpoint(SEXP session, SEXP payload, SEXP objective, SEXP iteration);
SEXP bind_session_offer(SEXP session, SEXP make, SEXP objective, SEXP iteration, SEXP early);
SEXP bind_session_finalize(SEXP session, SEXP encoded, SEXP objective, SEXP iteration, SEXP brief);
SEXP bind_session_get_status(SEXP session);

SEXP bind_session_attempt(SEXP session, SEXP run_id);
SEXP bind_session_history(SEXP session);
SEXP bind_store_history(SEXP store, SEXP key);

#endif

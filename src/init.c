#include "bind-calls.h"

#include <R_ext/Rdynload.h>
#include <R_ext/Visibility.h>

#define CALL(name, arguments)                                                                      \
    { #name, (DL_FUNC)&bind_##name, arguments }

static const R_CallMethodDef routines[] = {
    CALL(fingerprint, 2),
    CALL(fingerprinter, 0),
    CALL(absorb, 4),
    CALL(fingerprinter_digest, 1),
    CALL(hash_engine, 0),
    CALL(canonical_call, 1),
    CALL(strings_in, 1),
    CALL(formula_uses, 1),
    CALL(plain_uses, 2),
    CALL(embraced_names, 1),
    CALL(given, 1),
    CALL(promised_call, 1),
    CALL(become, 2),

    CALL(may_be_plain, 1),
    CALL(bytes_are_plain, 1),
    CALL(serialize, 4),

    CALL(store_open, 5),
    CALL(store_config, 1),
    CALL(store_share, 1),
    CALL(store_is_shared, 1),
    CALL(store_barrier, 2),
    CALL(store_shift_clock, 2),
    CALL(store_save, 8),
    CALL(store_lookup, 6),
    CALL(store_list, 2),
    CALL(store_use, 3),
    CALL(run_id_max, 0),
    CALL(store_delete, 3),

    CALL(store_count, 3),
    CALL(store_tally, 1),

    CALL(store_sweep, 1),
    CALL(store_branches, 1),
    CALL(store_check_branch, 3),
    CALL(store_check_beside, 1),
    CALL(store_trusts, 3),

    CALL(session_open, 3),
    CALL(session_close, 1),
    CALL(session_is_closed, 1),
    CALL(session_get_key, 1),
    CALL(session_get_label, 1),
    CALL(session_get_store, 1),
    CALL(session_get_run_id, 1),
    CALL(session_preload, 3),
    CALL(session_load, 1),
    CALL(session_peek, 1),
    CALL(session_checkpoint, 4),
    CALL(session_offer, 5),
    CALL(session_finalize, 5),
    CALL(session_get_status, 1),

    CALL(session_attempt, 2),
    CALL(session_history, 1),
    CALL(store_history, 2),
    {NULL, NULL, 0},
};

void attribute_visible R_init_warmstart(DllInfo *dll) {
    R_registerRoutines(dll, NULL, routines, NULL, NULL);
    R_useDynamicSymbols(dll, FALSE);
    R_forceSymbols(dll, TRUE);
}

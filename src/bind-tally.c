#include "bind-calls.h"
#include "bind.h"
#include "core/tally.h"

/* `use` counts from 1, in the order of enum ws_use. */
SEXP bind_store_count(SEXP store, SEXP use, SEXP seconds) {
    int code = Rf_asInteger(use) - 1;
    struct ws_store *opened = bind_store(store);
    double saved = bind_number(seconds, "seconds");

    if (code < 0 || code >= WS_USES) {
        bind_stop_argument("use", "must be one that is counted.");
    }
    ws_tally_add(opened, (enum ws_use)code, saved);
    return R_NilValue;
}

/* Time of the first count (0: none yet), seconds saved, then the counts. */
SEXP bind_store_tally(SEXP store) {
    struct ws_tally tally;
    SEXP value = PROTECT(Rf_allocVector(REALSXP, 2 + WS_USES));
    struct ws_store *opened = bind_store(store);

    ws_tally_flush(opened);
    ws_tally_read(opened, &tally);
    REAL(value)[0] = (double)tally.since / 1e9;
    REAL(value)[1] = tally.seconds_saved;
    for (int i = 0; i < WS_USES; i++) {
        REAL(value)[2 + i] = (double)tally.uses[i];
    }
    UNPROTECT(1);
    return value;
}

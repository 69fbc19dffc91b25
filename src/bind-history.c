#include "bind-calls.h"
#include "bind.h"
#include "core/story.h"

SEXP bind_session_attempt(SEXP session, SEXP run_id) {
    ws_session_attempt(bind_session(session), bind_optional_string(run_id, "run_id"));
    return R_NilValue;
}

static double *add_numbers(SEXP list, int index, size_t count) {
    return REAL(SET_VECTOR_ELT(list, index, Rf_allocVector(REALSXP, (R_xlen_t)count)));
}

SEXP bind_history(const struct ws_history *history, SEXP label) {
    const char *names[] = {"iteration", "objective", "seconds", "written", "run", "label", ""};
    size_t count = history->count;
    SEXP value = PROTECT(Rf_mkNamed(VECSXP, names));
    double *iteration = add_numbers(value, 0, count);
    double *objective = add_numbers(value, 1, count);
    double *seconds = add_numbers(value, 2, count);
    int *written = LOGICAL(SET_VECTOR_ELT(value, 3, Rf_allocVector(LGLSXP, (R_xlen_t)count)));
    int *run = INTEGER(SET_VECTOR_ELT(value, 4, Rf_allocVector(INTSXP, (R_xlen_t)count)));

    for (size_t i = 0; i < count; i++) {
        struct ws_point point = ws_history_point(history, i);
        iteration[i] = point.has_iteration ? (double)point.iteration : NA_REAL;
        objective[i] = point.has_objective ? point.objective : NA_REAL;
        seconds[i] = point.seconds;
        written[i] = point.written;
        run[i] = point.run;
    }
    SET_VECTOR_ELT(value, 5, label);
    UNPROTECT(1);
    return value;
}

SEXP bind_session_history(SEXP session) {
    return bind_history(ws_session_history(bind_session(session)), bind_session_get_label(session));
}

/* NULL where there is none. */
SEXP bind_store_history(SEXP store, SEXP key) {
    struct ws_digest digest = bind_key(key, "key");
    struct ws_history history;
    struct ws_note note;

    if (ws_store_history(bind_store(store), &digest, NULL, &history, &note) != WS_OK) {
        return R_NilValue;
    }
    SEXP label = R_NilValue;
    if (note.label[0] != '\0') {
        label = Rf_ScalarString(Rf_mkCharCE(note.label, CE_UTF8));
    }
    PROTECT(label);
    SEXP value = bind_history(&history, label);
    UNPROTECT(1);
    return value;
}

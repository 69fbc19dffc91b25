#include "bind.h"

#include <math.h>
#include <string.h>

#include "bind-calls.h"

enum session_tag { SESSION_KEY, SESSION_LABEL, SESSION_CLOSED, SESSION_WARNED, SESSION_TAGS };

static void finalize_session(SEXP pointer) {
    ws_session_close(R_ExternalPtrAddr(pointer));
    R_ClearExternalPtr(pointer);
}

static void open_session(SEXP pointer) {
    struct ws_session *session = NULL;
    struct ws_digest key = bind_key(bind_tag_get(pointer, SESSION_KEY), "key");
    const char *label = bind_label(bind_tag_get(pointer, SESSION_LABEL));
    struct ws_store *store = bind_store(R_ExternalPtrProtected(pointer));
    enum ws_status status = ws_session_open(store, &key, label, &session);

    if (status != WS_OK) {
        bind_stop_status("cannot open the session", status);
    }
    R_SetExternalPtrAddr(pointer, session);
}

SEXP bind_session_open(SEXP store, SEXP key, SEXP label) {
    bind_store(store);
    SEXP tag = PROTECT(Rf_allocVector(VECSXP, SESSION_TAGS));
    struct ws_digest digest = bind_key(key, "key");

    SET_VECTOR_ELT(tag, SESSION_KEY, bind_key_string(&digest));
    SET_VECTOR_ELT(tag, SESSION_LABEL, label);
    SET_VECTOR_ELT(tag, SESSION_CLOSED, Rf_ScalarLogical(0));
    SET_VECTOR_ELT(tag, SESSION_WARNED, Rf_ScalarLogical(0));
    SEXP pointer = PROTECT(bind_pointer(NULL, tag, store, "warm_session", finalize_session));
    open_session(pointer);
    UNPROTECT(2);
    return pointer;
}

static void check_session(SEXP session) {
    if (TYPEOF(session) != EXTPTRSXP || !Rf_inherits(session, "warm_session")) {
        bind_stop_argument("session", "must be a session made by `warm_session()`.");
    }
}

static bool tag_is_set(SEXP session, int index) {
    return Rf_asLogical(bind_tag_get(session, index)) == 1;
}

struct ws_session *bind_session(SEXP session) {
    check_session(session);
    struct ws_session *open = R_ExternalPtrAddr(session);
    if (!open) {
        if (tag_is_set(session, SESSION_CLOSED)) {
            bind_stop_argument("session", "has been closed; open another with `warm_session()`.");
        }
        open_session(session);
        R_RegisterCFinalizerEx(session, finalize_session, TRUE);
        open = R_ExternalPtrAddr(session);
    }
    return open;
}

SEXP bind_session_close(SEXP session) {
    check_session(session);
    finalize_session(session);
    bind_tag_set_flag(session, SESSION_CLOSED, 1);
    return R_NilValue;
}

SEXP bind_session_is_closed(SEXP session) {
    check_session(session);
    return Rf_ScalarLogical(tag_is_set(session, SESSION_CLOSED));
}

/* Needs no open session: a closed one still says whose it was. */
SEXP bind_session_get_key(SEXP session) {
    check_session(session);
    return bind_tag_get(session, SESSION_KEY);
}

SEXP bind_session_get_label(SEXP session) {
    check_session(session);
    return bind_tag_get(session, SESSION_LABEL);
}

SEXP bind_session_get_store(SEXP session) {
    check_session(session);
    return R_ExternalPtrProtected(session);
}

SEXP bind_session_get_run_id(SEXP session) {
    return Rf_mkString(ws_session_status(bind_session(session)).run_id);
}

/* What to start from. */

SEXP bind_session_preload(SEXP session, SEXP encoded, SEXP entry) {
    struct ws_session *open = bind_session(session);
    struct ws_entry preloaded = {.payload = NULL};

    if (encoded == R_NilValue) {
        ws_session_preload(open, NULL);
        return R_NilValue;
    }
    /* `entry` is a list that R has checked: objective, iteration, final, written, run id, key,
     * label. */
    struct ws_offer offer = bind_offer(VECTOR_ELT(entry, 0), VECTOR_ELT(entry, 1));
    SEXP bytes = VECTOR_ELT(encoded, 1);
    struct ws_record *record = &preloaded.record;
    const char *run_id = bind_string(VECTOR_ELT(entry, 4), "entry");
    if (!ws_run_id_is_valid(run_id)) {
        bind_stop_argument("entry", "must have a valid run id.");
    }
    record->note.kind = bind_flag(VECTOR_ELT(entry, 2), "entry") ? WS_FINAL : WS_CHECKPOINT;
    record->note.encoding = (uint8_t)Rf_asInteger(VECTOR_ELT(encoded, 0));
    record->note.has_iteration = offer.has_iteration;
    record->note.iteration = offer.iteration;
    ws_note_set_objective(&record->note, offer.objective);
    ws_note_set_label(&record->note, bind_label(VECTOR_ELT(entry, 6)));
    record->written = (int64_t)(bind_number(VECTOR_ELT(entry, 3), "entry") * 1e9);
    record->key = bind_key(VECTOR_ELT(entry, 5), "entry");
    record->payload_size = (uint64_t)XLENGTH(bytes);
    memcpy(preloaded.run_id, run_id, strlen(run_id) + 1);
    preloaded.payload = RAW(bytes);
    enum ws_status status = ws_session_preload(open, &preloaded);
    if (status != WS_OK) {
        bind_stop_status("cannot preload the entry", status);
    }
    return R_NilValue;
}

typedef enum ws_status (*loader)(struct ws_session *, struct ws_entry **, enum ws_source *);

static SEXP load_by(loader load, SEXP session) {
    struct ws_entry *entry = NULL;
    enum ws_source source;
    struct ws_session *open = bind_session(session);
    struct ws_store *store = bind_store(R_ExternalPtrProtected(session));
    struct ws_passed_over before = *ws_store_passed_over(store);
    SEXP value = R_NilValue;

    if (load(open, &entry, &source) == WS_OK) {
        value = bind_entry(entry, source == WS_EXACT ? "exact" : "preloaded", R_NilValue);
    }
    return bind_with_warnings(store, &before, value);
}

SEXP bind_session_load(SEXP session) { return load_by(ws_session_load, session); }

SEXP bind_session_peek(SEXP session) { return load_by(ws_session_peek, session); }

/* What to keep. */

/* Whether it was written; warns the first time that the disk fails. */
static SEXP answer(SEXP session, struct ws_session *open, enum ws_status status) {
    if (status != WS_OK && status != WS_REFUSED && !tag_is_set(session, SESSION_WARNED)) {
        char reason[256];
        struct ws_session_status state = ws_session_status(open);
        ws_status_describe(state.failure, state.failure_errno, reason, sizeof reason);
        bind_tag_set_flag(session, SESSION_WARNED, 1);
        SEXP text = PROTECT(Rf_mkString(reason));
        bind_call("warn_session", text, session);
        UNPROTECT(1);
    }
    return Rf_ScalarLogical(status == WS_OK);
}

static SEXP checkpoint(SEXP session, struct ws_session *open, SEXP payload,
                       struct ws_offer *offer) {
    PROTECT(bind_payload(payload, offer));
    enum ws_status status = ws_session_checkpoint(open, offer);
    UNPROTECT(1);
    return answer(session, open, status);
}

SEXP bind_session_checkpoint(SEXP session, SEXP payload, SEXP objective, SEXP iteration) {
    struct ws_session *open = bind_session(session);
    struct ws_offer offer = bind_offer(objective, iteration);

    /* A payload that would be refused is not worth encoding. */
    if (!ws_session_wants(open, &offer)) {
        return Rf_ScalarLogical(0);
    }
    return checkpoint(session, open, payload, &offer);
}

/* `make` is a function that makes the payload: one that would be refused is not worth that. */
SEXP bind_session_offer(SEXP session, SEXP make, SEXP objective, SEXP iteration, SEXP early) {
    struct ws_session *open = bind_session(session);
    struct ws_offer offer = bind_offer(objective, iteration);
    offer.is_early = Rf_asLogical(early) == TRUE;

    if (!ws_session_wants(open, &offer)) {
        return Rf_ScalarLogical(0);
    }
    SEXP call = PROTECT(Rf_lang1(make));
    SEXP payload = PROTECT(Rf_eval(call, R_BaseEnv));
    SEXP written = checkpoint(session, open, payload, &offer);
    UNPROTECT(2);
    return written;
}

SEXP bind_session_finalize(SEXP session, SEXP encoded, SEXP objective, SEXP iteration, SEXP brief) {
    struct ws_session *open = bind_session(session);
    struct ws_offer offer = bind_offer(objective, iteration);
    offer.is_brief = Rf_asLogical(brief) == TRUE;

    bind_encoded(encoded, &offer);
    return answer(session, open, ws_session_finalize(open, &offer));
}

SEXP bind_session_get_status(SEXP session) {
    struct ws_session_status status = ws_session_status(bind_session(session));
    const char *names[] = {"run_id",    "state",      "written", "refused", "failed",
                           "objective", "last_write", "reason",  "syncing", ""};
    char reason[256];
    SEXP value = PROTECT(Rf_mkNamed(VECSXP, names));

    SET_VECTOR_ELT(value, 0, Rf_mkString(status.run_id));
    SET_VECTOR_ELT(value, 1,
                   Rf_mkString(status.finalized  ? "finished"
                               : status.has_file ? "running"
                                                 : "empty"));
    SET_VECTOR_ELT(value, 2, Rf_ScalarReal((double)status.written));
    SET_VECTOR_ELT(value, 3, Rf_ScalarReal((double)status.refused));
    SET_VECTOR_ELT(value, 4, Rf_ScalarReal((double)status.failed));
    SET_VECTOR_ELT(value, 5, Rf_ScalarReal(isnan(status.objective) ? NA_REAL : status.objective));
    SET_VECTOR_ELT(value, 6, bind_time(status.last_write));
    if (status.last_write == 0) {
        REAL(VECTOR_ELT(value, 6))[0] = NA_REAL;
    }
    if (status.failure != WS_OK) {
        ws_status_describe(status.failure, status.failure_errno, reason, sizeof reason);
        SET_VECTOR_ELT(value, 7, Rf_mkString(reason));
    } else {
        SET_VECTOR_ELT(value, 7, Rf_ScalarString(NA_STRING));
    }
    SET_VECTOR_ELT(value, 8, Rf_ScalarLogical(status.is_syncing));
    UNPROTECT(1);
    return value;
}

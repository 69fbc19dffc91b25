#include "bind.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bind-calls.h"
#include "core/grow.h"
#include "core/lookup.h"
#include "core/runs.h"
#include "core/save.h"
#include "core/sweep.h"
#include "core/tally.h"

#define NS_PER_S 1e9
#define AGE_MAX_S 9e9 /* 285 years, within the ns that an int64 holds */

/* As R/store.R numbers them. */
enum kind_code { KIND_CHECKPOINT = 1, KIND_FINAL = 2, KIND_SEED = 3, KIND_NAMED = 4 };

enum store_tag { STORE_PATH, STORE_MAX_SIZE, STORE_MAX_AGE, STORE_TRUST, STORE_SHARED, STORE_TAGS };

static void finalize_store(SEXP pointer) {
    struct ws_store *store = R_ExternalPtrAddr(pointer);

    if (store) {
        ws_tally_settle(store);
        ws_sweep_settle(store);
    }
    ws_store_release(store);
    R_ClearExternalPtr(pointer);
}

/* As R/store.R has chosen it: what it left in the locale's encoding is not to be translated. */
static const char *path_of(SEXP tag) {
    SEXP path = VECTOR_ELT(tag, STORE_PATH);
    const char *text = bind_string(path, "path");
    SEXP string = STRING_ELT(path, 0);

    return Rf_getCharCE(string) == CE_NATIVE ? CHAR(string) : text;
}

/* A store that an earlier version has saved says nothing of it. */
static bool shared_of(SEXP tag) {
    return Rf_length(tag) > STORE_SHARED && bind_flag(VECTOR_ELT(tag, STORE_SHARED), "shared");
}

static struct ws_store *open_store(SEXP tag) {
    struct ws_store *store = NULL;
    double age = bind_number(VECTOR_ELT(tag, STORE_MAX_AGE), "max_age");
    double size = bind_number(VECTOR_ELT(tag, STORE_MAX_SIZE), "max_size");
    struct ws_store_options options = {
        .max_size = size < 9e18 ? (uint64_t)size : UINT64_MAX / 2,
        .max_age = (int64_t)((age < AGE_MAX_S ? age : AGE_MAX_S) * NS_PER_S),
        .trust = bind_flag(VECTOR_ELT(tag, STORE_TRUST), "trust"),
        .shared = shared_of(tag),
        .accept = bind_accept,
    };
    enum ws_status status = ws_store_open(path_of(tag), &options, &store);

    if (status == WS_INVALID) {
        bind_stop_argument("path", "must be a directory, or a path where one can be made; there "
                                   "is a file of that name.");
    }
    if (status != WS_OK) {
        bind_stop_status("cannot open the store", status);
    }
    return store;
}

SEXP bind_store_open(SEXP path, SEXP max_size, SEXP max_age, SEXP trust, SEXP shared) {
    SEXP tag = PROTECT(Rf_allocVector(VECSXP, STORE_TAGS));

    SET_VECTOR_ELT(tag, STORE_PATH, path);
    SET_VECTOR_ELT(tag, STORE_MAX_SIZE, max_size);
    SET_VECTOR_ELT(tag, STORE_MAX_AGE, max_age);
    SET_VECTOR_ELT(tag, STORE_TRUST, trust);
    SET_VECTOR_ELT(tag, STORE_SHARED, shared);
    SEXP pointer = PROTECT(bind_pointer(NULL, tag, R_NilValue, "warm_store", finalize_store));
    R_SetExternalPtrAddr(pointer, open_store(tag));
    UNPROTECT(2);
    return pointer;
}

struct ws_store *bind_store(SEXP store) {
    if (TYPEOF(store) != EXTPTRSXP || !Rf_inherits(store, "warm_store")) {
        bind_stop_argument("store", "must be a store made by `warm_store()`.");
    }
    if (!R_ExternalPtrAddr(store)) {
        R_SetExternalPtrAddr(store, open_store(R_ExternalPtrTag(store)));
        R_RegisterCFinalizerEx(store, finalize_store, TRUE);
    }
    return R_ExternalPtrAddr(store);
}

SEXP bind_store_config(SEXP store) {
    bind_store(store);
    return R_ExternalPtrTag(store);
}

/* NULL, or why not. */
SEXP bind_store_share(SEXP store) {
    char reason[256];
    enum ws_status status = ws_store_share(bind_store(store));

    if (status == WS_OK) {
        return R_NilValue;
    }
    ws_status_describe(status, errno, reason, sizeof reason);
    return Rf_mkString(reason);
}

SEXP bind_store_is_shared(SEXP store) {
    return Rf_ScalarLogical(ws_store_is_shared(bind_store(store)));
}

/* Where the key's way is barred to this user: the path, with its owner's number; else NULL. */
/* Of what begins with the store's path. */
cetype_t bind_path_encoding(SEXP store) {
    return Rf_getCharCE(STRING_ELT(VECTOR_ELT(R_ExternalPtrTag(store), STORE_PATH), 0));
}

SEXP bind_store_barrier(SEXP store, SEXP key) {
    struct ws_store *opened = bind_store(store);
    struct ws_digest digest = bind_key(key, "key");
    char path[4096];
    uint64_t owner = 0;

    if (!ws_store_barrier(opened, &digest, path, sizeof path, &owner)) {
        return R_NilValue;
    }
    SEXP value = PROTECT(Rf_allocVector(VECSXP, 2));
    SET_VECTOR_ELT(value, 0, Rf_ScalarString(Rf_mkCharCE(path, bind_path_encoding(store))));
    SET_VECTOR_ELT(value, 1, Rf_ScalarReal((double)owner));
    UNPROTECT(1);
    return value;
}

SEXP bind_store_shift_clock(SEXP store, SEXP seconds) {
    ws_store_shift_clock(bind_store(store), (int64_t)(bind_number(seconds, "seconds") * NS_PER_S));
    return R_NilValue;
}

/* `encoded` is a payload as encode_payload() makes it. The run id, or where the disk failed the
 * reason with its class set to "failure". */
SEXP bind_store_save(SEXP store, SEXP key, SEXP encoded, SEXP objective, SEXP iteration, SEXP kind,
                     SEXP run_id, SEXP label) {
    struct ws_store *opened = bind_store(store);
    struct ws_digest digest = bind_key(key, "key");
    struct ws_offer offer = bind_offer(objective, iteration);
    const char *given = bind_optional_string(run_id, "run_id");
    char name[WS_RUN_ID_MAX + 1];
    int code = Rf_asInteger(kind);
    struct ws_note note = {
        .kind = code == KIND_CHECKPOINT ? WS_CHECKPOINT : WS_FINAL,
        .is_seed = code == KIND_SEED,
        .is_named = code == KIND_NAMED,
        .has_iteration = offer.has_iteration,
        .iteration = offer.iteration,
    };

    ws_note_set_objective(&note, offer.objective);
    ws_note_set_label(&note, bind_label(label));
    if (given && !ws_run_id_is_valid(given)) {
        bind_stop_argument("run_id", "must be 1 to 64 letters, digits, dots, dashes or "
                                     "underscores, and not begin with a dot.");
    }
    memcpy(name, given ? given : "", given ? strlen(given) + 1 : 1);
    bind_encoded(encoded, &offer);
    note.encoding = offer.encoding;
    enum ws_status status = ws_save(opened, &digest, name, &note, offer.payload, offer.size);
    if (status != WS_OK) {
        char reason[256];
        ws_status_describe(status, errno, reason, sizeof reason);
        SEXP failure = PROTECT(Rf_mkString(reason));
        SEXP class = PROTECT(Rf_mkString("failure"));
        Rf_setAttrib(failure, R_ClassSymbol, class);
        UNPROTECT(2);
        return failure;
    }
    return Rf_mkString(name);
}

SEXP bind_run_id_max(void) { return Rf_ScalarInteger(WS_RUN_ID_MAX); }

SEXP bind_store_use(SEXP store, SEXP key, SEXP run_id) {
    struct ws_digest digest = bind_key(key, "key");

    ws_store_use(bind_store(store), &digest, bind_string(run_id, "run_id"));
    return R_NilValue;
}

/* With its story, and `homes` in the place of their names, where these are not NULL. */
SEXP bind_store_lookup(SEXP store, SEXP key, SEXP latest, SEXP kind, SEXP run_id, SEXP homes) {
    struct ws_entry *entry = NULL;
    struct ws_store *opened = bind_store(store);
    struct ws_digest digest = bind_key(key, "key");
    enum ws_select select = bind_flag(latest, "select") ? WS_LATEST : WS_BEST;
    const char *only = bind_optional_string(run_id, "run_id");

    struct ws_passed_over before = *ws_store_passed_over(opened);
    enum ws_status status =
        homes == R_NilValue
            ? ws_store_lookup(opened, &digest, select, INTEGER_ELT(kind, 0), only, &entry)
            : ws_store_lookup_whole(opened, &digest, INTEGER_ELT(kind, 0), only, &entry);
    SEXP value = status == WS_OK ? bind_entry(entry, NULL, homes) : R_NilValue;
    return bind_with_warnings(opened, &before, value);
}

SEXP bind_store_trusts(SEXP store, SEXP key, SEXP run_id) {
    struct ws_store *opened = bind_store(store);
    struct ws_digest digest = bind_key(key, "key");

    return Rf_ScalarLogical(ws_store_trusts(opened, &digest, bind_string(run_id, "run_id")));
}

/* Listing: rows are collected first, then made into R vectors. */

struct rows {
    struct ws_run *runs;
    size_t count;
    size_t room;
};

static enum ws_status add_row(void *context, const struct ws_run *run) {
    struct rows *rows = context;

    struct ws_run *runs = ws_with_room(rows->runs, sizeof *runs, rows->count, &rows->room);

    if (!runs) {
        return WS_NO_MEMORY;
    }
    rows->runs = runs;
    runs[rows->count++] = *run;
    return WS_OK;
}

static const char *state_of(const struct ws_run *run) {
    if (run->record.note.is_seed) {
        return "seed";
    }
    if (run->record.note.is_named) {
        return "named";
    }
    if (run->record.note.kind == WS_FINAL) {
        return "finished";
    }
    return run->running ? "running" : "interrupted";
}

static SEXP add_column(SEXP frame, int index, SEXPTYPE type, size_t rows) {
    SEXP column = Rf_allocVector(type, (R_xlen_t)rows);

    SET_VECTOR_ELT(frame, index, column);
    return column;
}

static SEXP make_frame(void *context) {
    const struct rows *rows = context;
    const char *names[] = {"key",       "run_id",    "label", "kind",    "state",
                           "objective", "iteration", "bytes", "written", ""};
    SEXP frame = PROTECT(Rf_mkNamed(VECSXP, names));
    SEXP key = add_column(frame, 0, STRSXP, rows->count);
    SEXP run_id = add_column(frame, 1, STRSXP, rows->count);
    SEXP label = add_column(frame, 2, STRSXP, rows->count);
    SEXP kind = add_column(frame, 3, STRSXP, rows->count);
    SEXP state = add_column(frame, 4, STRSXP, rows->count);
    double *objective = REAL(add_column(frame, 5, REALSXP, rows->count));
    double *iteration = REAL(add_column(frame, 6, REALSXP, rows->count));
    double *bytes = REAL(add_column(frame, 7, REALSXP, rows->count));
    double *written = REAL(add_column(frame, 8, REALSXP, rows->count));

    for (size_t i = 0; i < rows->count; i++) {
        const struct ws_run *run = &rows->runs[i];
        const struct ws_note *note = &run->record.note;
        char hex[WS_DIGEST_HEX + 1];

        ws_digest_format(&run->record.key, hex);
        SET_STRING_ELT(key, (R_xlen_t)i, Rf_mkChar(hex));
        SET_STRING_ELT(run_id, (R_xlen_t)i, Rf_mkChar(run->run_id));
        SET_STRING_ELT(label, (R_xlen_t)i,
                       note->label[0] != '\0' ? Rf_mkCharCE(note->label, CE_UTF8) : NA_STRING);
        SET_STRING_ELT(kind, (R_xlen_t)i,
                       Rf_mkChar(note->kind == WS_FINAL ? "final" : "checkpoint"));
        SET_STRING_ELT(state, (R_xlen_t)i, Rf_mkChar(state_of(run)));
        objective[i] = note->has_objective ? note->objective : NA_REAL;
        iteration[i] = note->has_iteration ? (double)note->iteration : NA_REAL;
        bytes[i] = (double)run->size;
        written[i] = (double)run->record.written / NS_PER_S;
    }
    UNPROTECT(1);
    return frame;
}

static void free_rows(void *context, Rboolean jump) {
    struct rows *rows = context;

    (void)jump;
    free(rows->runs);
}

/* How many files and directories could not be read, and why the last of them, as attributes. */
static void note_unlisted(SEXP frame, const struct ws_passed_over *before,
                          const struct ws_passed_over *after) {
    char reason[256];

    if (after->unlisted == before->unlisted) {
        return;
    }
    ws_status_describe(WS_OS_ERROR, after->unlisted_errno, reason, sizeof reason);
    SEXP count = PROTECT(Rf_ScalarReal((double)(after->unlisted - before->unlisted)));
    Rf_setAttrib(frame, Rf_install("unread"), count);
    SEXP text = PROTECT(Rf_mkString(reason));
    Rf_setAttrib(frame, Rf_install("reason"), text);
    UNPROTECT(2);
}

SEXP bind_store_list(SEXP store, SEXP key) {
    struct rows rows = {0};
    struct ws_store *opened = bind_store(store);
    struct ws_digest digest;
    bool all = key == R_NilValue;

    if (!all) {
        digest = bind_key(key, "key");
    }
    struct ws_passed_over before = *ws_store_passed_over(opened);
    enum ws_status status = ws_store_each(opened, all ? NULL : &digest, add_row, &rows);
    if (status == WS_NO_MEMORY) {
        free(rows.runs);
        bind_stop_status("cannot list the store", status);
    }
    SEXP frame = PROTECT(bind_with_cleanup(make_frame, free_rows, &rows));
    note_unlisted(frame, &before, ws_store_passed_over(opened));
    UNPROTECT(1);
    return frame;
}

SEXP bind_store_delete(SEXP store, SEXP key, SEXP run_id) {
    uint64_t removed = 0;
    struct ws_store *opened = bind_store(store);
    struct ws_digest digest = bind_key(key, "key");
    enum ws_status status =
        ws_store_delete(opened, &digest, bind_optional_string(run_id, "run_id"), &removed);

    if (status == WS_INVALID) {
        bind_stop_argument("run_id", "must be the id of a run, as `store_list()` shows it.");
    }
    if (status != WS_OK) {
        bind_stop_status("cannot delete from the store", status);
    }
    return Rf_ScalarReal((double)removed);
}

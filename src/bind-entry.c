#include "bind.h"

#include <math.h>
#include <string.h>

#include "core/plain.h"

/* How a payload became bytes; R/store-payload.R has the same table. */
enum encoding { ENCODING_RAW = 0, ENCODING_PLAIN = 1, ENCODING_OBJECT = 2 };

enum ws_status bind_accept(const struct ws_candidate *candidate) {
    const struct ws_record *record = candidate->record;

    switch (record->note.encoding) {
    case ENCODING_RAW:
        return WS_OK;
    case ENCODING_PLAIN:
        return ws_plain_check(candidate->payload, (size_t)record->payload_size);
    case ENCODING_OBJECT:
        return ws_candidate_is_trusted(candidate) ? WS_OK : WS_REFUSED;
    default:
        return WS_NEWER;
    }
}

SEXP bind_with_warnings(struct ws_store *store, const struct ws_passed_over *before, SEXP value) {
    struct ws_passed_over now = *ws_store_passed_over(store);
    bool first_unread = before->unread == 0 && now.unread > 0;

    if (now.withheld == before->withheld && !first_unread) {
        return value;
    }
    PROTECT(value);
    SEXP path = PROTECT(Rf_ScalarString(Rf_mkCharCE(ws_store_path(store), CE_UTF8)));
    if (first_unread) {
        char words[256];
        ws_status_describe(WS_OS_ERROR, now.unread_errno, words, sizeof words);
        SEXP reason = PROTECT(Rf_mkString(words));
        bind_call("warn_unread", path, reason);
        UNPROTECT(1);
    }
    if (now.withheld != before->withheld) {
        bind_call("warn_withheld", path, NULL);
    }
    UNPROTECT(2);
    return value;
}

SEXP bind_time(int64_t ns) {
    SEXP time = PROTECT(Rf_ScalarReal((double)ns / 1e9));
    SEXP class = PROTECT(Rf_allocVector(STRSXP, 2));

    SET_STRING_ELT(class, 0, Rf_mkChar("POSIXct"));
    SET_STRING_ELT(class, 1, Rf_mkChar("POSIXt"));
    Rf_setAttrib(time, R_ClassSymbol, class);
    UNPROTECT(2);
    return time;
}

SEXP bind_key_string(const struct ws_digest *key) {
    char hex[WS_DIGEST_HEX + 1];

    ws_digest_format(key, hex);
    SEXP value = PROTECT(Rf_mkString(hex));
    SEXP class = PROTECT(Rf_mkString("fingerprint"));
    Rf_setAttrib(value, R_ClassSymbol, class);
    UNPROTECT(2);
    return value;
}

static SEXP decode_payload(const struct ws_entry *entry, SEXP homes) {
    SEXP bytes = PROTECT(Rf_allocVector(RAWSXP, (R_xlen_t)entry->record.payload_size));

    if (XLENGTH(bytes) > 0) {
        memcpy(RAW(bytes), entry->payload, (size_t)XLENGTH(bytes));
    }
    if (entry->record.note.encoding != ENCODING_RAW) {
        bytes = bind_call("decode_payload", bytes, homes);
    }
    UNPROTECT(1);
    return bytes;
}

struct making {
    struct ws_entry *entry;
    const char *source;
    SEXP homes;
};

static SEXP make_entry(void *context) {
    const struct making *making = context;
    const struct ws_entry *entry = making->entry;
    const struct ws_note *note = &entry->record.note;
    const char *names[] = {"payload", "objective", "iteration", "kind", "written", "run_id",
                           "key",     "label",     "",          "",     ""};

    if (making->source) {
        names[8] = "source";
    } else if (entry->story) {
        names[8] = "is_trusted";
        names[9] = "history";
    }
    SEXP value = PROTECT(Rf_mkNamed(VECSXP, names));
    SET_VECTOR_ELT(value, 0, decode_payload(entry, making->homes));
    SET_VECTOR_ELT(value, 1, Rf_ScalarReal(note->has_objective ? note->objective : NA_REAL));
    SET_VECTOR_ELT(value, 2,
                   Rf_ScalarReal(note->has_iteration ? (double)note->iteration : NA_REAL));
    SET_VECTOR_ELT(value, 3, Rf_mkString(note->kind == WS_FINAL ? "final" : "checkpoint"));
    SET_VECTOR_ELT(value, 4, bind_time(entry->record.written));
    SET_VECTOR_ELT(value, 5, Rf_mkString(entry->run_id));
    SET_VECTOR_ELT(value, 6, bind_key_string(&entry->record.key));
    SEXP label = PROTECT(Rf_mkCharCE(note->label, CE_UTF8));
    SET_VECTOR_ELT(value, 7, Rf_ScalarString(note->label[0] != '\0' ? label : NA_STRING));
    if (making->source) {
        SET_VECTOR_ELT(value, 8, Rf_mkString(making->source));
    } else if (entry->story) {
        SET_VECTOR_ELT(value, 8, Rf_ScalarLogical(entry->story->is_trusted));
        SET_VECTOR_ELT(value, 9,
                       bind_history(&entry->story->history,
                                    note->label[0] != '\0' ? VECTOR_ELT(value, 7) : R_NilValue));
    }
    SEXP class = PROTECT(Rf_mkString("warm_entry"));
    Rf_setAttrib(value, R_ClassSymbol, class);
    UNPROTECT(3);
    return value;
}

static void free_entry(void *context, Rboolean jump) {
    struct making *making = context;

    (void)jump;
    ws_entry_free(making->entry);
}

SEXP bind_entry(struct ws_entry *entry, const char *source, SEXP homes) {
    struct making making = {.entry = entry, .source = source, .homes = homes};

    return bind_with_cleanup(make_entry, free_entry, &making);
}

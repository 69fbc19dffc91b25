#include "bind.h"

#include <stdlib.h>
#include <string.h>

#include "bind-calls.h"
#include "core/check.h"
#include "core/grow.h"
#include "core/shards.h"
#include "core/sweep.h"

/* Two numbers for each reason, files and bytes, in the order of enum ws_sweep_reason. */
SEXP bind_store_sweep(SEXP store) {
    struct ws_swept swept;
    enum ws_status status = ws_sweep(bind_store(store), &swept);

    if (status != WS_OK) {
        bind_stop_status("cannot sweep the store", status);
    }
    SEXP value = PROTECT(Rf_allocMatrix(REALSXP, WS_SWEEP_REASONS, 2));
    for (int i = 0; i < WS_SWEEP_REASONS; i++) {
        REAL(value)[i] = (double)swept.removed[i].files;
        REAL(value)[WS_SWEEP_REASONS + i] = (double)swept.removed[i].bytes;
    }
    UNPROTECT(1);
    return value;
}

/* Findings are collected first, then made into R vectors. */

struct found {
    struct ws_finding finding;
    char *path;
};

struct findings {
    struct ws_store *store;
    cetype_t encoding; /* of paths */
    struct found *all;
    size_t count;
    size_t room;
};

static struct findings findings_of(SEXP store) {
    return (struct findings){.store = bind_store(store), .encoding = bind_path_encoding(store)};
}

static enum ws_status add_finding(void *context, const struct ws_finding *finding) {
    struct findings *findings = context;
    struct found *all = ws_with_room(findings->all, sizeof *all, findings->count, &findings->room);

    if (!all) {
        return WS_NO_MEMORY;
    }
    findings->all = all;
    char *path = ws_layout_path(ws_store_path(findings->store), finding->level, finding->shard,
                                finding->name);
    if (!path) {
        return WS_NO_MEMORY;
    }
    all[findings->count++] = (struct found){.finding = *finding, .path = path};
    return WS_OK;
}

static void free_findings(void *context, Rboolean jump) {
    struct findings *findings = context;

    (void)jump;
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->all[i].path);
    }
    free(findings->all);
}

static SEXP make_findings(void *context) {
    const struct findings *findings = context;
    R_xlen_t count = (R_xlen_t)findings->count;
    const char *names[] = {"path", "kind", "bytes", "removed", ""};
    SEXP value = PROTECT(Rf_mkNamed(VECSXP, names));
    SEXP path = SET_VECTOR_ELT(value, 0, Rf_allocVector(STRSXP, count));
    int *kind = INTEGER(SET_VECTOR_ELT(value, 1, Rf_allocVector(INTSXP, count)));
    double *bytes = REAL(SET_VECTOR_ELT(value, 2, Rf_allocVector(REALSXP, count)));
    int *removed = LOGICAL(SET_VECTOR_ELT(value, 3, Rf_allocVector(LGLSXP, count)));

    for (R_xlen_t i = 0; i < count; i++) {
        const struct found *found = &findings->all[i];
        SET_STRING_ELT(path, i, Rf_mkCharCE(found->path, findings->encoding));
        kind[i] = (int)found->finding.kind + 1;
        bytes[i] = found->finding.level == WS_LEVEL_SHARD ? (double)found->finding.bytes : NA_REAL;
        removed[i] = found->finding.removed;
    }
    UNPROTECT(1);
    return value;
}

static SEXP tell_findings(struct findings *findings, enum ws_status status) {
    if (status != WS_OK) {
        free_findings(findings, FALSE);
        bind_stop_status("cannot check the store", status);
    }
    return bind_with_cleanup(make_findings, free_findings, findings);
}

SEXP bind_store_check_beside(SEXP store) {
    struct findings findings = findings_of(store);

    return tell_findings(&findings, ws_check_beside(findings.store, add_finding, &findings));
}

SEXP bind_store_check_branch(SEXP store, SEXP branch, SEXP repair) {
    struct findings findings = findings_of(store);
    uint32_t number = (uint32_t)Rf_asInteger(branch);
    bool repairing = bind_flag(repair, "repair");

    return tell_findings(
        &findings, ws_check_branch(findings.store, number, repairing, add_finding, &findings));
}

/* Those that there are. */
SEXP bind_store_branches(SEXP store) {
    bool present[WS_BRANCHES];
    int count = 0;

    ws_store_branches(bind_store(store), present);
    for (int i = 0; i < WS_BRANCHES; i++) {
        count += present[i];
    }
    SEXP value = PROTECT(Rf_allocVector(INTSXP, count));
    for (int i = WS_BRANCHES, at = count; i-- > 0;) {
        if (present[i]) {
            INTEGER(value)[--at] = i;
        }
    }
    UNPROTECT(1);
    return value;
}

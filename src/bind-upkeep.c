#include "bind.h"

#include <stdlib.h>
#include <string.h>

#include "bind-calls.h"
#include "core/check.h"
#include "core/grow.h"
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
    char *name;
};

struct findings {
    struct found *all;
    size_t count;
    size_t room;
};

static enum ws_status add_finding(void *context, const struct ws_finding *finding) {
    struct findings *findings = context;

    const char *text = finding->name ? finding->name : "";
    size_t size = strlen(text) + 1;
    struct found *all = ws_with_room(findings->all, sizeof *all, findings->count, &findings->room);

    if (!all) {
        return WS_NO_MEMORY;
    }
    findings->all = all;
    char *name = malloc(size);
    if (!name) {
        return WS_NO_MEMORY;
    }
    memcpy(name, text, size);
    all[findings->count++] = (struct found){.finding = *finding, .name = name};
    return WS_OK;
}

static void free_findings(void *context, Rboolean jump) {
    struct findings *findings = context;

    (void)jump;
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->all[i].name);
    }
    free(findings->all);
}

static SEXP make_findings(void *context) {
    const struct findings *findings = context;
    R_xlen_t count = (R_xlen_t)findings->count;
    const char *names[] = {"name", "kind", "bytes", "removed", "shard", ""};
    SEXP value = PROTECT(Rf_mkNamed(VECSXP, names));
    SEXP name = SET_VECTOR_ELT(value, 0, Rf_allocVector(STRSXP, count));
    int *kind = INTEGER(SET_VECTOR_ELT(value, 1, Rf_allocVector(INTSXP, count)));
    double *bytes = REAL(SET_VECTOR_ELT(value, 2, Rf_allocVector(REALSXP, count)));
    int *removed = LOGICAL(SET_VECTOR_ELT(value, 3, Rf_allocVector(LGLSXP, count)));
    int *shard = INTEGER(SET_VECTOR_ELT(value, 4, Rf_allocVector(INTSXP, count)));

    for (R_xlen_t i = 0; i < count; i++) {
        const struct found *found = &findings->all[i];
        SET_STRING_ELT(name, i, Rf_mkChar(found->name));
        kind[i] = (int)found->finding.kind + 1;
        bytes[i] = (double)found->finding.bytes;
        removed[i] = found->finding.removed;
        shard[i] = (int)(found->finding.shard % WS_SHARDS_OF_BRANCH);
    }
    UNPROTECT(1);
    return value;
}

/* Whether the directory of the branches is there and cannot be read. */
SEXP bind_store_check_root(SEXP store) {
    struct ws_dir *root = NULL;
    enum ws_status status = ws_store_root(bind_store(store), &root);

    ws_os_dir_close(root);
    return Rf_ScalarLogical(status == WS_OS_ERROR);
}

SEXP bind_store_check_branch(SEXP store, SEXP branch, SEXP repair) {
    struct findings findings = {0};
    struct ws_store *opened = bind_store(store);
    uint32_t number = (uint32_t)Rf_asInteger(branch);
    bool repairing = bind_flag(repair, "repair");
    enum ws_status status = ws_check_branch(opened, number, repairing, add_finding, &findings);

    if (status == WS_NO_MEMORY) {
        free_findings(&findings, FALSE);
        bind_stop_status("cannot check the store", status);
    }
    if (status == WS_OS_ERROR) {
        free_findings(&findings, FALSE);
        return R_NilValue;
    }
    return bind_with_cleanup(make_findings, free_findings, &findings);
}

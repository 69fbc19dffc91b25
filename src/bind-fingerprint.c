#include "bind-calls.h"
#include "bind.h"
#include "value-walk.h"

/* At once. */

struct once {
    struct value_walk walk;
    SEXP value;
};

static SEXP fingerprint_once(void *context) {
    struct once *once = context;

    value_begin(once->walk.stream.hasher);
    value_absorb(&once->walk, value_no_tag, once->value);
    struct ws_digest digest = ws_hasher_digest(once->walk.stream.hasher);
    return bind_key_string(&digest);
}

static void free_walk(void *context, Rboolean jump) {
    struct once *once = context;

    (void)jump;
    value_stream_free(&once->walk.stream);
}

static enum value_mode mode_of(SEXP mode) { return (enum value_mode)bind_number(mode, "opaque"); }

SEXP bind_fingerprint(SEXP value, SEXP mode) {
    SEXP seen = PROTECT(Rf_allocVector(VECSXP, 1));
    struct once once = {.value = value, .walk = {.seen = seen, .mode = mode_of(mode)}};

    if (ws_hasher_new(&once.walk.stream.hasher) != WS_OK) {
        bind_stop_status("cannot compute a fingerprint", WS_NO_MEMORY);
    }
    SEXP key = bind_with_cleanup(fingerprint_once, free_walk, &once);
    UNPROTECT(1);
    return key;
}

/* In pieces. */

static void finalize_fingerprinter(SEXP pointer) {
    ws_hasher_free(R_ExternalPtrAddr(pointer));
    R_ClearExternalPtr(pointer);
}

static struct ws_hasher *hasher_of(SEXP fingerprinter) {
    if (TYPEOF(fingerprinter) != EXTPTRSXP || !Rf_inherits(fingerprinter, "fingerprinter")) {
        bind_stop_argument("fp", "must be made by `fingerprinter()`.");
    }
    if (!R_ExternalPtrAddr(fingerprinter)) {
        bind_stop_argument("fp", "comes from another R session; what it had absorbed is lost.");
    }
    return R_ExternalPtrAddr(fingerprinter);
}

SEXP bind_fingerprinter(void) {
    SEXP pointer = PROTECT(
        bind_pointer(NULL, R_NilValue, R_NilValue, "fingerprinter", finalize_fingerprinter));
    struct ws_hasher *hasher = NULL;

    if (ws_hasher_new(&hasher) != WS_OK) {
        bind_stop_status("cannot begin a fingerprint", WS_NO_MEMORY);
    }
    value_begin(hasher);
    R_SetExternalPtrAddr(pointer, hasher);
    UNPROTECT(1);
    return pointer;
}

struct piece {
    struct once once; /* first: free_walk is told of it */
    struct value_tag tag;
    SEXP fingerprinter;
};

/* The stream goes on in a copy, which takes its place only when all of the value is in: one that
 * cannot be fingerprinted leaves the stream as it was. */
static SEXP absorb_piece(void *context) {
    struct piece *piece = context;
    struct value_walk *walk = &piece->once.walk;

    value_absorb(walk, piece->tag, piece->once.value);
    struct ws_hasher *before = R_ExternalPtrAddr(piece->fingerprinter);
    R_SetExternalPtrAddr(piece->fingerprinter, walk->stream.hasher);
    walk->stream.hasher = before;
    return R_NilValue;
}

SEXP bind_absorb(SEXP fingerprinter, SEXP tag, SEXP value, SEXP mode) {
    struct ws_hasher *hasher = hasher_of(fingerprinter);
    SEXP seen = PROTECT(Rf_allocVector(VECSXP, 1));
    struct piece piece = {.tag = value_tag_of(bind_string(tag, "tag")),
                          .fingerprinter = fingerprinter,
                          .once = {.value = value, .walk = {.seen = seen, .mode = mode_of(mode)}}};

    if (ws_hasher_copy(hasher, &piece.once.walk.stream.hasher) != WS_OK) {
        bind_stop_status("cannot absorb the value", WS_NO_MEMORY);
    }
    bind_with_cleanup(absorb_piece, free_walk, &piece);
    UNPROTECT(1);
    return fingerprinter;
}

SEXP bind_fingerprinter_digest(SEXP fingerprinter) {
    struct ws_digest digest = ws_hasher_digest(hasher_of(fingerprinter));

    return bind_key_string(&digest);
}

SEXP bind_hash_engine(void) { return Rf_mkString(ws_hash_engine()); }

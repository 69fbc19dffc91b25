/*
 * bind: between R and the core. The only files that see R's headers.
 *
 * What R holds are external pointers. The pointer's tag is a list with what it takes to open the
 * thing again, so one that went through saveRDS or to another process, where its address is
 * NULL, reopens itself when it is next used. A session's protected value is its store.
 *
 * Errors: argument checks come first, before anything is opened or written, and raise the R
 * condition that names the argument. After that the core's status decides. Whatever the core
 * allocated is released before R can jump away, or is released by bind_with_cleanup().
 */
#ifndef WS_BIND_H
#define WS_BIND_H

#define R_NO_REMAP
#define STRICT_R_HEADERS
#include <R.h>
#include <Rinternals.h>

#include "core/session.h"

/* Raises warmstart's condition for a bad argument; does not return. */
void bind_stop_argument(const char *argument, const char *problem);
/* Raises an R error for a status that an argument cannot be blamed for; does not return. */
void bind_stop_status(const char *doing, enum ws_status status);
/* Calls an R function of this package with one or two arguments. */
SEXP bind_call(const char *function, SEXP first, SEXP second);

/* Arguments; each raises bind_stop_argument. Strings are UTF-8, NULL for R's NULL. */
const char *bind_string(SEXP value, const char *argument);
const char *bind_optional_string(SEXP value, const char *argument);
double bind_number(SEXP value, const char *argument); /* NA is NaN */
int bind_flag(SEXP value, const char *argument);
struct ws_digest bind_key(SEXP value, const char *argument);
const char *bind_label(SEXP value);
/* Objective and iteration; the payload is added by bind_payload. */
struct ws_offer bind_offer(SEXP objective, SEXP iteration);
/* The payload's bytes. A raw vector's are its own, anything else is encoded by R. Returns what
 * holds the bytes, to be protected as long as the offer is used. */
SEXP bind_payload(SEXP payload, struct ws_offer *offer);
/* One that R has encoded already, by encode_payload(). */
void bind_encoded(SEXP encoded, struct ws_offer *offer);
bool bind_has_attributes(SEXP value);

/* The element `name` of a tag list, and its replacement in place. */
SEXP bind_tag_get(SEXP pointer, int index);
void bind_tag_set_flag(SEXP pointer, int index, int value);
SEXP bind_pointer(void *address, SEXP tag, SEXP protect, const char *class,
                  R_CFinalizer_t finalizer);

struct ws_store *bind_store(SEXP store);
cetype_t bind_path_encoding(SEXP store);       /* open, or opened again */
struct ws_session *bind_session(SEXP session); /* the same; raises where it was closed */

/* An R value made from what `context` holds; `cleanup` runs whether that works or R jumps. */
SEXP bind_with_cleanup(SEXP (*make)(void *context), void (*cleanup)(void *context, Rboolean jump),
                       void *context);

/* What a lookup may return to R: bytes, plain data that was checked, and whole objects from a
 * place that nobody else can write. */
enum ws_status bind_accept(const struct ws_candidate *candidate);
/* A `warm_entry`; frees `entry`. `homes` are the environments that it has the names of, a list. */
SEXP bind_entry(struct ws_entry *entry, const char *source, SEXP homes);
/* A list of columns, and last the label, NULL where there is none. */
SEXP bind_history(const struct ws_history *history, SEXP label);
/* `value`, with R's warnings about what the store has passed over since `before`: about what it
 * withheld, and once about what it could not read. */
SEXP bind_with_warnings(struct ws_store *store, const struct ws_passed_over *before, SEXP value);
SEXP bind_time(int64_t ns);
SEXP bind_key_string(const struct ws_digest *key);

#endif

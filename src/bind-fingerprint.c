#include "bind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bind-calls.h"
#include "core/values.h"

/*
 * A value as frames. vignettes/fingerprints.Rmd is the definition; this is its only
 * implementation. A value is, in this order:
 *
 *     where attributes of it count: a frame TYPE_ATTRIBUTES with their number, then each, as a
 *     value tagged with its name, sorted by name
 *     a frame of one of the types below, and its data
 *
 * A frame whose data are values again says how many, so no two values give the same bytes.
 */
enum type {
    TYPE_VERSION = 'K',    /* opens every stream; the count is the version */
    TYPE_ATTRIBUTES = 'A', /* values */
    TYPE_NULL = 'N',
    TYPE_LOGICAL = 'L',    /* int32 */
    TYPE_INTEGER = 'I',    /* int32 */
    TYPE_DOUBLE = 'D',     /* double */
    TYPE_COMPLEX = 'C',    /* two doubles each */
    TYPE_STRING = 'S',     /* 16-byte digests */
    TYPE_RAW = 'R',        /* bytes */
    TYPE_INTEGER64 = '6',  /* int64 */
    TYPE_FACTOR = 'F',     /* int32 codes, then the levels as a value */
    TYPE_ORDERED = 'O',    /* the same */
    TYPE_LIST = 'V',       /* values */
    TYPE_EXPRESSION = 'E', /* values */
    TYPE_PAIRLIST = 'P',   /* values, tagged with their names */
    TYPE_CALL = 'Q',       /* values, tagged with the arguments' names */
    TYPE_SYMBOL = 'Y',     /* the name's bytes */
    TYPE_FRAME = 'T',      /* number of rows (u64), then the columns as values, by name */
    TYPE_FUNCTION = 'f',   /* one value: the list that function_parts() makes */
    TYPE_RECURSION = 'r',  /* a function inside itself; the count is how many levels up */
    TYPE_S4 = 'X',         /* one value: the list that s4_parts() makes */
    TYPE_OPAQUE = 'U',     /* ignored on request */
};

#define KEY_VERSION 1
#define KEY_TAG "warmstart"

#define BLOCK 1024
#define STRINGS 128 /* absorbed at a time */
#define ABREAST 16  /* digested at a time */

/* Strings seen before: direct-mapped by address, since R keeps one copy of each. Fixed in size,
 * so that a million distinct strings cost no more memory than ten. */
#define STRING_CACHE_BITS 14

#define CACHE_LINE 64
#define FETCH_AHEAD 64

struct seen_string {
    SEXP string;
    struct ws_digest digest;
};

struct walk {
    struct ws_hasher *hasher;
    struct seen_string *strings; /* NULL until the first string vector of some length */
    SEXP functions;              /* pairlist of the functions we are inside of, innermost first */
    int ignore_opaque;
};

/* The way from the value a caller gave down to where the walk is. */
struct where {
    const struct where *parent;
    const char *name; /* NULL: by index */
    R_xlen_t index;   /* from 1 */
};

struct tag {
    const char *text;
    uint32_t size;
};

static const struct tag no_tag = {"", 0};

static void absorb(struct walk *walk, struct tag tag, SEXP value, const struct where *where);

static struct tag tag_of(const char *text) {
    size_t size = strlen(text);

    return (struct tag){text, size < UINT32_MAX ? (uint32_t)size : UINT32_MAX};
}

static void frame(struct walk *walk, enum type type, struct tag tag, R_xlen_t count) {
    ws_hasher_frame(walk->hasher, (uint8_t)type, tag.text, tag.size, (uint64_t)count);
}

/* Where we are, as R code would say it: x$a[[2]]. */
static void describe_where(const struct where *where, char *text, size_t size) {
    if (!where) {
        strncpy(text, "x", size);
        return;
    }
    describe_where(where->parent, text, size);
    size_t used = strlen(text);
    if (where->name) {
        snprintf(text + used, size - used, "$%s", where->name);
    } else {
        snprintf(text + used, size - used, "[[%lld]]", (long long)where->index);
    }
}

static void stop_opaque(SEXP value, const struct where *where) {
    char text[512];

    describe_where(where, text, sizeof text);
    SEXP place = PROTECT(Rf_mkString(text));
    SEXP type = PROTECT(Rf_mkString(Rf_type2char((SEXPTYPE)TYPEOF(value))));
    bind_call("stop_opaque", place, type);
    UNPROTECT(2);
}

/* Strings. */

static inline uint64_t word_at(const char *text) {
    uint64_t word;

    memcpy(&word, text, sizeof word);
    return word;
}

/* Two words at a time; the last ones overlap what came before them. */
static inline bool is_ascii(const char *text, size_t size) {
    const size_t word = sizeof(uint64_t);
    uint64_t high = 0;

    if (size < word) {
        for (size_t i = 0; i < size; i++) {
            high |= (unsigned char)text[i];
        }
        return high < 0x80;
    }
    high = word_at(text) | word_at(text + size - word);
    if (size > 2 * word) {
        for (size_t i = word; i < size - 2 * word; i += 2 * word) {
            high |= word_at(text + i) | word_at(text + i + word);
        }
        high |= word_at(text + size - 2 * word);
    }
    return (high & UINT64_C(0x8080808080808080)) == 0;
}

static struct ws_digest digest_of_string(const struct walk *walk, SEXP string) {
    if (string == NA_STRING) {
        return ws_hasher_string(walk->hasher, WS_MISSING, NULL, 0);
    }
    const char *text = CHAR(string);
    size_t size = (size_t)LENGTH(string);
    if (is_ascii(text, size) || Rf_getCharCE(string) == CE_UTF8) {
        return ws_hasher_string(walk->hasher, WS_TEXT, text, size);
    }
    if (Rf_getCharCE(string) == CE_BYTES) {
        return ws_hasher_string(walk->hasher, WS_BYTES, text, size);
    }
    const void *mark = vmaxget();
    const char *utf8 = Rf_translateCharUTF8(string);
    struct ws_digest digest = ws_hasher_string(walk->hasher, WS_TEXT, utf8, strlen(utf8));
    vmaxset(mark);
    return digest;
}

/* Digests of a block through the cache; how many were in it. */
static size_t digest_cached(struct walk *walk, const SEXP *strings, size_t count,
                            struct ws_digest *digests) {
    size_t hits = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t mixed = (uint64_t)(uintptr_t)strings[i] * UINT64_C(0x9e3779b97f4a7c15);
        struct seen_string *seen = &walk->strings[mixed >> (64 - STRING_CACHE_BITS)];
        if (seen->string == strings[i]) {
            hits++;
        } else {
            seen->digest = digest_of_string(walk, strings[i]);
            seen->string = strings[i];
        }
        digests[i] = seen->digest;
    }
    return hits;
}

/* Whether its own bytes are what counts: ASCII or UTF-8, as nearly all are. */
static bool is_plain_text(SEXP string, const char *text, size_t size) {
    return string != NA_STRING && (is_ascii(text, size) || Rf_getCharCE(string) == CE_UTF8);
}

/* The memory of a string, header and text, on its way to the cache. */
static void fetch(SEXP string) {
#if defined(__GNUC__)
    __builtin_prefetch(string);
    __builtin_prefetch((const char *)string + CACHE_LINE);
#else
    (void)string;
#endif
}

/* Distinct strings lie all over the memory: of the `fetchable` that follow, some are fetched ahead.
 * So few at a time that what was asked for arrives while the last ones are hashed. */
static void digest_abreast(const struct walk *walk, const SEXP *strings, size_t count,
                           size_t fetchable, struct ws_digest *digests) {
    struct ws_text texts[ABREAST];
    size_t others[ABREAST];
    size_t other_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (i + FETCH_AHEAD < fetchable) {
            fetch(strings[i + FETCH_AHEAD]);
        }
        texts[i] = (struct ws_text){CHAR(strings[i]), (size_t)LENGTH(strings[i])};
        if (!is_plain_text(strings[i], texts[i].bytes, texts[i].size)) {
            others[other_count++] = i;
        }
    }
    ws_hasher_hash_each(walk->hasher, texts, count, digests);
    for (size_t k = 0; k < other_count; k++) {
        digests[others[k]] = digest_of_string(walk, strings[others[k]]);
    }
}

static void digest_each(const struct walk *walk, const SEXP *strings, size_t count,
                        size_t fetchable, struct ws_digest *digests) {
    for (size_t i = 0; i < count; i += ABREAST) {
        size_t n = count - i < ABREAST ? count - i : ABREAST;
        digest_abreast(walk, strings + i, n, fetchable - i, digests + i);
    }
}

static void absorb_strings(struct walk *walk, SEXP value) {
    struct ws_digest digests[STRINGS];
    SEXP elements[STRINGS];
    R_xlen_t count = XLENGTH(value);
    const SEXP *data = DATAPTR_OR_NULL(value);
    size_t hits = STRINGS;

    if (!walk->strings && count > BLOCK) {
        /* Without the memory each string is read each time: slower, and the same. */
        walk->strings = calloc((size_t)1 << STRING_CACHE_BITS, sizeof *walk->strings);
    }
    for (R_xlen_t i = 0, blocks = 0; i < count; i += STRINGS, blocks++) {
        size_t n = count - i < STRINGS ? (size_t)(count - i) : STRINGS;
        const SEXP *strings = data ? data + i : elements;
        for (size_t k = 0; !data && k < n; k++) {
            elements[k] = STRING_ELT(value, i + (R_xlen_t)k);
        }
        /* Where strings seldom recur the cache costs more than it saves; asked again now and
         * then. */
        if (walk->strings && (hits >= STRINGS / 4 || blocks % 32 == 0)) {
            hits = digest_cached(walk, strings, n, digests);
        } else {
            digest_each(walk, strings, n, data ? (size_t)(count - i) : n, digests);
        }
        ws_hasher_bytes(walk->hasher, digests, n * sizeof *digests);
    }
}

/* Numbers. A vector that R holds in a compact form is read in blocks and stays as it is. */

static void absorb_integers(struct walk *walk, SEXP value) {
    R_xlen_t count = XLENGTH(value);
    const int *data = DATAPTR_OR_NULL(value);
    int block[BLOCK];

    if (data) {
        ws_hasher_int32(walk->hasher, data, (size_t)count);
        return;
    }
    for (R_xlen_t i = 0; i < count; i += BLOCK) {
        R_xlen_t n = TYPEOF(value) == LGLSXP ? LOGICAL_GET_REGION(value, i, BLOCK, block)
                                             : INTEGER_GET_REGION(value, i, BLOCK, block);
        ws_hasher_int32(walk->hasher, block, (size_t)n);
    }
}

static void absorb_doubles(struct walk *walk, SEXP value) {
    R_xlen_t count = XLENGTH(value);
    const double *data = DATAPTR_OR_NULL(value);
    double block[BLOCK];

    if (data) {
        ws_hasher_doubles(walk->hasher, data, (size_t)count);
        return;
    }
    for (R_xlen_t i = 0; i < count; i += BLOCK) {
        R_xlen_t n = REAL_GET_REGION(value, i, BLOCK, block);
        ws_hasher_doubles(walk->hasher, block, (size_t)n);
    }
}

static void absorb_integer64(struct walk *walk, SEXP value) {
    R_xlen_t count = XLENGTH(value);
    double block[BLOCK];

    for (R_xlen_t i = 0; i < count; i += BLOCK) {
        R_xlen_t n = REAL_GET_REGION(value, i, BLOCK, block);
        ws_hasher_int64(walk->hasher, (const int64_t *)(const void *)block, (size_t)n);
    }
}

/* R takes a complex number for missing where either part is, and its versions differ in what
 * they put into the other. */
static void settle_missing(Rcomplex *value) {
    if (R_IsNA(value->r) || R_IsNA(value->i)) {
        value->r = value->i = NA_REAL;
    }
}

static void absorb_complex(struct walk *walk, SEXP value) {
    R_xlen_t count = XLENGTH(value);
    Rcomplex block[BLOCK];

    for (R_xlen_t i = 0; i < count; i += BLOCK) {
        R_xlen_t n = COMPLEX_GET_REGION(value, i, BLOCK, block);
        for (R_xlen_t k = 0; k < n; k++) {
            settle_missing(&block[k]);
        }
        ws_hasher_doubles(walk->hasher, &block[0].r, 2 * (size_t)n);
    }
}

static void absorb_raw(struct walk *walk, SEXP value) {
    R_xlen_t count = XLENGTH(value);
    Rbyte block[BLOCK];

    for (R_xlen_t i = 0; i < count; i += BLOCK) {
        R_xlen_t n = RAW_GET_REGION(value, i, BLOCK, block);
        ws_hasher_bytes(walk->hasher, block, (size_t)n);
    }
}

/* Attributes. */

static bool is_one_of(const char *name, const char *const *names) {
    for (; *names; names++) {
        if (strcmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}

/* Where code came from is not what it says; data.table's pointer is an address. A formula's
 * environment counts through the values that a model takes from it. */
static const char *const never_count[] = {"srcref",       "srcfile",           "wholeSrcref",
                                          ".Environment", ".internal.selfref", NULL};
/* Said by the frame's own type and columns, or trimmings of a class of data frames. */
static const char *const not_of_frames[] = {"names",  "row.names", "class",    "sorted", "index",
                                            "groups", "spec",      "problems", NULL};
static const char *const not_of_factors[] = {"levels", "class", NULL};
static const char *const not_of_integer64[] = {"class", NULL};
static const char *const none[] = {NULL};

/* Indices into `names` of the attributes that count, sorted by name; their number. */
static int counting_attributes(SEXP names, const char *const *skip, int *order) {
    int count = 0;

    for (int i = 0; i < LENGTH(names); i++) {
        const char *name = Rf_translateCharUTF8(STRING_ELT(names, i));
        if (is_one_of(name, never_count) || is_one_of(name, skip)) {
            continue;
        }
        int at = count++;
        for (; at > 0 && strcmp(name, Rf_translateCharUTF8(STRING_ELT(names, order[at - 1]))) < 0;
             at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    return count;
}

static void absorb_attributes(struct walk *walk, struct tag tag, SEXP value,
                              const char *const *skip, const struct where *where) {
    if (!bind_has_attributes(value)) {
        return;
    }
    SEXP list = PROTECT(bind_call("attributes", value, NULL));
    SEXP names = PROTECT(Rf_getAttrib(list, R_NamesSymbol));
    int *order = (int *)R_alloc((size_t)LENGTH(names) + 1, sizeof *order);
    int count = counting_attributes(names, skip, order);
    if (count > 0) {
        frame(walk, TYPE_ATTRIBUTES, tag, count);
    }
    for (int i = 0; i < count; i++) {
        const char *name = Rf_translateCharUTF8(STRING_ELT(names, order[i]));
        struct where here = {.parent = where, .name = name};
        absorb(walk, tag_of(name), VECTOR_ELT(list, order[i]), &here);
    }
    UNPROTECT(2);
}

/* Containers. */

static void absorb_list(struct walk *walk, SEXP value, const struct where *where) {
    SEXP names = PROTECT(Rf_getAttrib(value, R_NamesSymbol));

    for (R_xlen_t i = 0; i < XLENGTH(value); i++) {
        struct where here = {.parent = where, .index = i + 1};
        if (names != R_NilValue && LENGTH(STRING_ELT(names, i)) > 0) {
            here.name = Rf_translateCharUTF8(STRING_ELT(names, i));
        }
        absorb(walk, no_tag, VECTOR_ELT(value, i), &here);
    }
    UNPROTECT(1);
}

static void absorb_frame(struct walk *walk, struct tag tag, SEXP value, const struct where *where) {
    SEXP names = PROTECT(Rf_getAttrib(value, R_NamesSymbol));
    SEXP rows = PROTECT(Rf_getAttrib(value, R_RowNamesSymbol));
    int64_t row_count = XLENGTH(rows);

    absorb_attributes(walk, tag, value, not_of_frames, where);
    frame(walk, TYPE_FRAME, tag, XLENGTH(value));
    ws_hasher_int64(walk->hasher, &row_count, 1);
    for (R_xlen_t i = 0; i < XLENGTH(value); i++) {
        bool named = TYPEOF(names) == STRSXP && i < XLENGTH(names);
        const char *name = named ? Rf_translateCharUTF8(STRING_ELT(names, i)) : "";
        struct where here = {.parent = where, .name = name};
        absorb(walk, tag_of(name), VECTOR_ELT(value, i), &here);
    }
    UNPROTECT(2);
}

static void absorb_factor(struct walk *walk, struct tag tag, SEXP value,
                          const struct where *where) {
    SEXP levels = PROTECT(Rf_getAttrib(value, R_LevelsSymbol));
    enum type type = Rf_inherits(value, "ordered") ? TYPE_ORDERED : TYPE_FACTOR;

    absorb_attributes(walk, tag, value, not_of_factors, where);
    frame(walk, type, tag, XLENGTH(value));
    absorb_integers(walk, value);
    absorb(walk, no_tag, levels, where);
    UNPROTECT(1);
}

static void absorb_symbol(struct walk *walk, struct tag tag, SEXP value) {
    struct tag name = tag_of(Rf_translateCharUTF8(PRINTNAME(value)));

    frame(walk, TYPE_SYMBOL, tag, name.size);
    ws_hasher_bytes(walk->hasher, name.text, name.size);
}

/* Calls and pairlists. A function literal's fourth element is where its text came from. */
static void absorb_cells(struct walk *walk, enum type type, struct tag tag, SEXP value,
                         const struct where *where) {
    R_xlen_t count = Rf_xlength(value);

    if (type == TYPE_CALL && CAR(value) == Rf_install("function") && count > 3) {
        count = 3;
    }
    frame(walk, type, tag, count);
    for (R_xlen_t i = 0; i < count; i++, value = CDR(value)) {
        SEXP name = TAG(value);
        struct where here = {.parent = where, .index = i + 1};
        absorb(walk, name == R_NilValue ? no_tag : tag_of(Rf_translateCharUTF8(PRINTNAME(name))),
               CAR(value), &here);
    }
}

static R_xlen_t levels_up(SEXP functions, SEXP function) {
    for (R_xlen_t level = 1; functions != R_NilValue; functions = CDR(functions), level++) {
        if (CAR(functions) == function) {
            return level;
        }
    }
    return 0;
}

static void absorb_function(struct walk *walk, struct tag tag, SEXP value,
                            const struct where *where) {
    R_xlen_t level = levels_up(walk->functions, value);

    if (level > 0) {
        frame(walk, TYPE_RECURSION, tag, level);
        return;
    }
    SEXP outer = walk->functions;
    SEXP parts = PROTECT(bind_call("function_parts", value, NULL));
    walk->functions = PROTECT(Rf_cons(value, outer));
    absorb_attributes(walk, tag, value, none, where);
    frame(walk, TYPE_FUNCTION, tag, 1);
    absorb(walk, no_tag, parts, where);
    walk->functions = outer;
    UNPROTECT(2);
}

static void absorb_vector(struct walk *walk, struct tag tag, SEXP value, enum type type,
                          void (*data)(struct walk *, SEXP), const struct where *where) {
    absorb_attributes(walk, tag, value, type == TYPE_INTEGER64 ? not_of_integer64 : none, where);
    frame(walk, type, tag, XLENGTH(value));
    data(walk, value);
}

static void absorb_parts(struct walk *walk, enum type type, struct tag tag, const char *function,
                         SEXP value, const struct where *where) {
    SEXP parts = PROTECT(bind_call(function, value, NULL));

    frame(walk, type, tag, 1);
    absorb(walk, no_tag, parts, where);
    UNPROTECT(1);
}

static void absorb_opaque(struct walk *walk, struct tag tag, SEXP value,
                          const struct where *where) {
    if (!walk->ignore_opaque) {
        stop_opaque(value, where);
    }
    frame(walk, TYPE_OPAQUE, tag, 0);
}

static void absorb(struct walk *walk, struct tag tag, SEXP value, const struct where *where) {
    R_CheckStack();
    switch (TYPEOF(value)) {
    case NILSXP:
        frame(walk, TYPE_NULL, tag, 0);
        break;
    case LGLSXP:
        absorb_vector(walk, tag, value, TYPE_LOGICAL, absorb_integers, where);
        break;
    case INTSXP:
        if (Rf_inherits(value, "factor")) {
            absorb_factor(walk, tag, value, where);
        } else {
            absorb_vector(walk, tag, value, TYPE_INTEGER, absorb_integers, where);
        }
        break;
    case REALSXP:
        if (Rf_inherits(value, "integer64")) {
            absorb_vector(walk, tag, value, TYPE_INTEGER64, absorb_integer64, where);
        } else {
            absorb_vector(walk, tag, value, TYPE_DOUBLE, absorb_doubles, where);
        }
        break;
    case CPLXSXP:
        absorb_vector(walk, tag, value, TYPE_COMPLEX, absorb_complex, where);
        break;
    case STRSXP:
        absorb_vector(walk, tag, value, TYPE_STRING, absorb_strings, where);
        break;
    case RAWSXP:
        absorb_vector(walk, tag, value, TYPE_RAW, absorb_raw, where);
        break;
    case VECSXP:
        if (Rf_inherits(value, "data.frame")) {
            absorb_frame(walk, tag, value, where);
        } else if (Rf_inherits(value, "POSIXlt")) {
            SEXP time = PROTECT(bind_call("canonical_time", value, NULL));
            absorb(walk, tag, time, where);
            UNPROTECT(1);
        } else {
            absorb_attributes(walk, tag, value, none, where);
            frame(walk, TYPE_LIST, tag, XLENGTH(value));
            absorb_list(walk, value, where);
        }
        break;
    case EXPRSXP:
        absorb_attributes(walk, tag, value, none, where);
        frame(walk, TYPE_EXPRESSION, tag, XLENGTH(value));
        absorb_list(walk, value, where);
        break;
    case LISTSXP:
        absorb_cells(walk, TYPE_PAIRLIST, tag, value, where);
        break;
    case LANGSXP:
        absorb_attributes(walk, tag, value, none, where);
        absorb_cells(walk, TYPE_CALL, tag, value, where);
        break;
    case SYMSXP:
        absorb_symbol(walk, tag, value);
        break;
    case CLOSXP:
        absorb_function(walk, tag, value, where);
        break;
    case BUILTINSXP:
    case SPECIALSXP:
        absorb_parts(walk, TYPE_FUNCTION, tag, "primitive_parts", value, where);
        break;
    case S4SXP:
        absorb_parts(walk, TYPE_S4, tag, "s4_parts", value, where);
        break;
    default:
        absorb_opaque(walk, tag, value, where);
    }
}

static void begin_stream(struct ws_hasher *hasher) {
    ws_hasher_frame(hasher, TYPE_VERSION, KEY_TAG, sizeof KEY_TAG - 1, KEY_VERSION);
}

/* At once. */

struct once {
    struct walk walk;
    SEXP value;
};

static SEXP fingerprint_once(void *context) {
    struct once *once = context;

    begin_stream(once->walk.hasher);
    absorb(&once->walk, no_tag, once->value, NULL);
    struct ws_digest digest = ws_hasher_digest(once->walk.hasher);
    return bind_key_string(&digest);
}

static void free_walk(void *context, Rboolean jump) {
    struct once *once = context;

    (void)jump;
    ws_hasher_free(once->walk.hasher);
    free(once->walk.strings);
}

SEXP bind_fingerprint(SEXP value, SEXP ignore_opaque) {
    struct once once = {
        .value = value,
        .walk = {.functions = R_NilValue, .ignore_opaque = bind_flag(ignore_opaque, "opaque")}};

    if (ws_hasher_new(&once.walk.hasher) != WS_OK) {
        bind_stop_status("cannot compute a fingerprint", WS_NO_MEMORY);
    }
    return bind_with_cleanup(fingerprint_once, free_walk, &once);
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
    begin_stream(hasher);
    R_SetExternalPtrAddr(pointer, hasher);
    UNPROTECT(1);
    return pointer;
}

struct piece {
    struct once once; /* first: free_walk is told of it */
    struct tag tag;
    SEXP fingerprinter;
};

/* The stream goes on in a copy, which takes its place only when all of the value is in: one that
 * cannot be fingerprinted leaves the stream as it was. */
static SEXP absorb_piece(void *context) {
    struct piece *piece = context;
    struct walk *walk = &piece->once.walk;

    absorb(walk, piece->tag, piece->once.value, NULL);
    struct ws_hasher *before = R_ExternalPtrAddr(piece->fingerprinter);
    R_SetExternalPtrAddr(piece->fingerprinter, walk->hasher);
    walk->hasher = before;
    return R_NilValue;
}

SEXP bind_absorb(SEXP fingerprinter, SEXP tag, SEXP value, SEXP ignore_opaque) {
    struct ws_hasher *hasher = hasher_of(fingerprinter);
    struct piece piece = {.tag = tag_of(bind_string(tag, "tag")),
                          .fingerprinter = fingerprinter,
                          .once = {.value = value,
                                   .walk = {.functions = R_NilValue,
                                            .ignore_opaque = bind_flag(ignore_opaque, "opaque")}}};

    if (ws_hasher_copy(hasher, &piece.once.walk.hasher) != WS_OK) {
        bind_stop_status("cannot absorb the value", WS_NO_MEMORY);
    }
    bind_with_cleanup(absorb_piece, free_walk, &piece);
    return fingerprinter;
}

SEXP bind_fingerprinter_digest(SEXP fingerprinter) {
    struct ws_digest digest = ws_hasher_digest(hasher_of(fingerprinter));

    return bind_key_string(&digest);
}

SEXP bind_hash_engine(void) { return Rf_mkString(ws_hash_engine()); }

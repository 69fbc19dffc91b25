#include "value-walk.h"

#include <stdio.h>
#include <string.h>

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
    TYPE_LOGICAL = 'L',     /* int32 */
    TYPE_INTEGER = 'I',     /* int32 */
    TYPE_DOUBLE = 'D',      /* double */
    TYPE_COMPLEX = 'C',     /* two doubles each */
    TYPE_STRING = 'S',      /* 16-byte digests */
    TYPE_RAW = 'R',         /* bytes */
    TYPE_INTEGER64 = '6',   /* int64 */
    TYPE_FACTOR = 'F',      /* int32 codes, then the levels as a value */
    TYPE_ORDERED = 'O',     /* the same */
    TYPE_LIST = 'V',        /* values */
    TYPE_EXPRESSION = 'E',  /* values */
    TYPE_PAIRLIST = 'P',    /* values, tagged with their names */
    TYPE_CALL = 'Q',        /* values, tagged with the arguments' names */
    TYPE_SYMBOL = 'Y',      /* the name's bytes */
    TYPE_FRAME = 'T',       /* number of rows (u64), then the columns as values, by name */
    TYPE_FUNCTION = 'f',    /* the list that function_parts() makes, then bindings */
    TYPE_S4 = 'X',          /* the list that s4_parts() makes, then bindings */
    TYPE_ENVIRONMENT = 'e', /* the list that environment_parts() makes, then bindings */
    TYPE_BINDINGS = 'B',    /* values, tagged with the names that they are bound to */
    TYPE_AGAIN = 'r',       /* a binding or environment met before: the count is which, from 1 */
    TYPE_OPAQUE = 'U',      /* ignored on request */
};

#define KEY_VERSION 2
#define KEY_TAG "warmstart"

/* The way from the value a caller gave down to where the walk is. */
struct where {
    const struct where *parent;
    const char *name; /* NULL: by index */
    R_xlen_t index;   /* from 1 */
};

static void absorb(struct value_walk *walk, struct value_tag tag, SEXP value,
                   const struct where *where);

struct value_tag value_tag_of(const char *text) {
    size_t size = strlen(text);

    return (struct value_tag){text, size < UINT32_MAX ? (uint32_t)size : UINT32_MAX};
}

static void frame(struct value_walk *walk, enum type type, struct value_tag tag, R_xlen_t count) {
    ws_hasher_frame(walk->stream.hasher, (uint8_t)type, tag.text, tag.size, (uint64_t)count);
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

/* Attributes. */

static bool is_one_of(const char *name, const char *const *names) {
    for (; *names; names++) {
        if (strcmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}

/* Where code came from is not what it says; data.table's pointer is an address; how a fit was come
 * by is not what it is. A formula's environment counts through what it finds there. */
static const char *const never_count[] = {
    "srcref", "srcfile", "wholeSrcref", ".Environment", ".internal.selfref", "warmstart", NULL};
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

static void absorb_attributes(struct value_walk *walk, struct value_tag tag, SEXP value,
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
        absorb(walk, value_tag_of(name), VECTOR_ELT(list, order[i]), &here);
    }
    UNPROTECT(2);
}

/* Containers. */

static void absorb_list(struct value_walk *walk, SEXP value, const struct where *where) {
    SEXP names = PROTECT(Rf_getAttrib(value, R_NamesSymbol));

    for (R_xlen_t i = 0; i < XLENGTH(value); i++) {
        struct where here = {.parent = where, .index = i + 1};
        if (names != R_NilValue && LENGTH(STRING_ELT(names, i)) > 0) {
            here.name = Rf_translateCharUTF8(STRING_ELT(names, i));
        }
        absorb(walk, value_no_tag, VECTOR_ELT(value, i), &here);
    }
    UNPROTECT(1);
}

static void absorb_frame(struct value_walk *walk, struct value_tag tag, SEXP value,
                         const struct where *where) {
    SEXP names = PROTECT(Rf_getAttrib(value, R_NamesSymbol));
    SEXP rows = PROTECT(Rf_getAttrib(value, R_RowNamesSymbol));
    int64_t row_count = XLENGTH(rows);

    absorb_attributes(walk, tag, value, not_of_frames, where);
    frame(walk, TYPE_FRAME, tag, XLENGTH(value));
    ws_hasher_int64(walk->stream.hasher, &row_count, 1);
    for (R_xlen_t i = 0; i < XLENGTH(value); i++) {
        bool named = TYPEOF(names) == STRSXP && i < XLENGTH(names);
        const char *name = named ? Rf_translateCharUTF8(STRING_ELT(names, i)) : "";
        struct where here = {.parent = where, .name = name};
        absorb(walk, value_tag_of(name), VECTOR_ELT(value, i), &here);
    }
    UNPROTECT(2);
}

static void absorb_factor(struct value_walk *walk, struct value_tag tag, SEXP value,
                          const struct where *where) {
    SEXP levels = PROTECT(Rf_getAttrib(value, R_LevelsSymbol));
    enum type type = Rf_inherits(value, "ordered") ? TYPE_ORDERED : TYPE_FACTOR;

    absorb_attributes(walk, tag, value, not_of_factors, where);
    frame(walk, type, tag, XLENGTH(value));
    value_absorb_integers(&walk->stream, value);
    absorb(walk, value_no_tag, levels, where);
    UNPROTECT(1);
}

static void absorb_symbol(struct value_walk *walk, struct value_tag tag, SEXP value) {
    struct value_tag name = value_tag_of(Rf_translateCharUTF8(PRINTNAME(value)));

    frame(walk, TYPE_SYMBOL, tag, name.size);
    ws_hasher_bytes(walk->stream.hasher, name.text, name.size);
}

/* Calls and pairlists. A function literal's fourth element is where its text came from. */
static void absorb_cells(struct value_walk *walk, enum type type, struct value_tag tag, SEXP value,
                         const struct where *where) {
    R_xlen_t count = Rf_xlength(value);

    if (type == TYPE_CALL && CAR(value) == Rf_install("function") && count > 3) {
        count = 3;
    }
    frame(walk, type, tag, count);
    for (R_xlen_t i = 0; i < count; i++, value = CDR(value)) {
        SEXP name = TAG(value);
        struct where here = {.parent = where, .index = i + 1};
        absorb(walk,
               name == R_NilValue ? value_no_tag
                                  : value_tag_of(Rf_translateCharUTF8(PRINTNAME(name))),
               CAR(value), &here);
    }
}

/* Environments. */

/* Which one it was in the order of the walk, from 1; 0 where it is met for the first time. `name`
 * is R's NULL for the environment itself. */
static R_xlen_t seen_before(struct value_walk *walk, SEXP env, SEXP name) {
    SEXP seen = VECTOR_ELT(walk->seen, 0);
    R_xlen_t count = Rf_xlength(seen);

    for (SEXP at = seen; at != R_NilValue; at = CDR(at), count--) {
        if (CAR(at) == env && TAG(at) == name) {
            return count;
        }
    }
    SET_VECTOR_ELT(walk->seen, 0, Rf_cons(env, seen));
    SET_TAG(VECTOR_ELT(walk->seen, 0), name);
    return 0;
}

/* `homes` are environments, each under the name of a binding in it. */
static void absorb_bindings(struct value_walk *walk, SEXP homes, const struct where *where) {
    SEXP names = PROTECT(Rf_getAttrib(homes, R_NamesSymbol));

    frame(walk, TYPE_BINDINGS, value_no_tag, XLENGTH(homes));
    for (R_xlen_t i = 0; i < XLENGTH(homes); i++) {
        SEXP env = VECTOR_ELT(homes, i);
        const char *text = Rf_translateCharUTF8(STRING_ELT(names, i));
        struct where here = {.parent = where, .name = text};
        R_xlen_t before = seen_before(walk, env, Rf_installTrChar(STRING_ELT(names, i)));
        if (before > 0) {
            frame(walk, TYPE_AGAIN, value_tag_of(text), before);
            continue;
        }
        SEXP name = PROTECT(Rf_ScalarString(STRING_ELT(names, i)));
        SEXP value = PROTECT(bind_call("binding_value", env, name));
        enum value_mode mode = walk->mode;
        if (strncmp(text, ".__", 3) == 0 && mode < MODE_DEEP) {
            walk->mode = MODE_DEEP; /* what S4 knows of classes and methods is in environments */
        }
        absorb(walk, value_tag_of(text), value, &here);
        walk->mode = mode;
        UNPROTECT(2);
    }
    UNPROTECT(1);
}

/* What R's `function` makes of it: a list of a value and, perhaps, of bindings. */
static void absorb_parts(struct value_walk *walk, enum type type, struct value_tag tag,
                         const char *function, SEXP value, const struct where *where) {
    SEXP parts = PROTECT(bind_call(function, value, NULL));

    frame(walk, type, tag, XLENGTH(parts));
    absorb(walk, value_no_tag, VECTOR_ELT(parts, 0), where);
    if (XLENGTH(parts) > 1) {
        absorb_bindings(walk, VECTOR_ELT(parts, 1), where);
    }
    UNPROTECT(1);
}

static void absorb_environment(struct value_walk *walk, struct value_tag tag, SEXP value,
                               const struct where *where) {
    R_xlen_t before = seen_before(walk, value, R_NilValue);

    if (before > 0) {
        frame(walk, TYPE_AGAIN, tag, before);
        return;
    }
    absorb_attributes(walk, tag, value, none, where);
    absorb_parts(walk, TYPE_ENVIRONMENT, tag, "environment_parts", value, where);
}

static void absorb_function(struct value_walk *walk, struct value_tag tag, SEXP value,
                            const struct where *where) {
    absorb_attributes(walk, tag, value, none, where);
    absorb_parts(walk, TYPE_FUNCTION, tag, "function_parts", value, where);
}

/* A formula, or what else brings along the environment that its names are looked up in. */
static void absorb_call(struct value_walk *walk, struct value_tag tag, SEXP value,
                        const struct where *where) {
    absorb_attributes(walk, tag, value, none, where);
    absorb_cells(walk, TYPE_CALL, tag, value, where);
    if (walk->mode >= MODE_DEEP &&
        Rf_isEnvironment(Rf_getAttrib(value, Rf_install(".Environment")))) {
        SEXP homes = PROTECT(bind_call("formula_bindings", value, NULL));
        absorb_bindings(walk, homes, where);
        UNPROTECT(1);
    }
}

static void absorb_vector(struct value_walk *walk, struct value_tag tag, SEXP value, enum type type,
                          void (*data)(struct value_stream *, SEXP), const struct where *where) {
    absorb_attributes(walk, tag, value, type == TYPE_INTEGER64 ? not_of_integer64 : none, where);
    frame(walk, type, tag, XLENGTH(value));
    data(&walk->stream, value);
}

/* This package's own change no result. */
static bool is_handle(SEXP value) {
    return Rf_inherits(value, "warm_store") || Rf_inherits(value, "warm_session") ||
           Rf_inherits(value, "fingerprinter");
}

static void absorb_opaque(struct value_walk *walk, struct value_tag tag, SEXP value,
                          const struct where *where) {
    if (walk->mode != MODE_IGNORE && !(walk->mode >= MODE_DEEP && is_handle(value))) {
        stop_opaque(value, where);
    }
    frame(walk, TYPE_OPAQUE, tag, 0);
}

static void absorb(struct value_walk *walk, struct value_tag tag, SEXP value,
                   const struct where *where) {
    R_CheckStack();
    switch (TYPEOF(value)) {
    case NILSXP:
        frame(walk, TYPE_NULL, tag, 0);
        break;
    case LGLSXP:
        absorb_vector(walk, tag, value, TYPE_LOGICAL, value_absorb_integers, where);
        break;
    case INTSXP:
        if (Rf_inherits(value, "factor")) {
            absorb_factor(walk, tag, value, where);
        } else {
            absorb_vector(walk, tag, value, TYPE_INTEGER, value_absorb_integers, where);
        }
        break;
    case REALSXP:
        if (Rf_inherits(value, "integer64")) {
            absorb_vector(walk, tag, value, TYPE_INTEGER64, value_absorb_integer64, where);
        } else {
            absorb_vector(walk, tag, value, TYPE_DOUBLE, value_absorb_doubles, where);
        }
        break;
    case CPLXSXP:
        absorb_vector(walk, tag, value, TYPE_COMPLEX, value_absorb_complex, where);
        break;
    case STRSXP:
        absorb_vector(walk, tag, value, TYPE_STRING, value_absorb_strings, where);
        break;
    case RAWSXP:
        absorb_vector(walk, tag, value, TYPE_RAW, value_absorb_raw, where);
        break;
    case VECSXP:
        if (Rf_inherits(value, "data.frame") && walk->mode != MODE_STRICT) {
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
        absorb_call(walk, tag, value, where);
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
    case ENVSXP:
        if (walk->mode >= MODE_DEEP) {
            absorb_environment(walk, tag, value, where);
            break;
        } /* fall through */
    default:
        absorb_opaque(walk, tag, value, where);
    }
}

void value_begin(struct ws_hasher *hasher) {
    ws_hasher_frame(hasher, TYPE_VERSION, KEY_TAG, sizeof KEY_TAG - 1, KEY_VERSION);
}

void value_absorb(struct value_walk *walk, struct value_tag tag, SEXP value) {
    absorb(walk, tag, value, NULL);
}

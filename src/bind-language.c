#include "bind.h"

#include <Rversion.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bind-calls.h"

/* Calls inside of calls: a sum of thousands of terms is as deep as it is long. */

static SEXP without_parentheses(SEXP expr) {
    SEXP parenthesis = Rf_install("(");

    while (TYPEOF(expr) == LANGSXP && CAR(expr) == parenthesis && Rf_length(expr) == 2) {
        expr = CADR(expr);
    }
    return expr;
}

static SEXP canonical(SEXP expr) {
    R_CheckStack();
    expr = without_parentheses(expr);
    if (TYPEOF(expr) != LANGSXP) {
        return expr;
    }
    SEXP copy = PROTECT(Rf_lcons(R_NilValue, Rf_allocList(Rf_length(expr) - 1)));
    for (SEXP to = copy; expr != R_NilValue; expr = CDR(expr), to = CDR(to)) {
        SEXP part = CAR(expr);
        SETCAR(to, TYPEOF(part) == LANGSXP ? canonical(part) : part);
        SET_TAG(to, TAG(expr));
    }
    UNPROTECT(1);
    return copy;
}

/* Without attributes and parentheses: where the parser needed them, they are in the tree's shape.
 */
SEXP bind_canonical_call(SEXP expr) { return canonical(expr); }

/* Conses the strings in `expr` onto `found`, a pairlist, the last one first. */
static SEXP strings_in(SEXP expr, SEXP found) {
    R_CheckStack();
    if (TYPEOF(expr) == STRSXP) {
        return Rf_cons(expr, found);
    }
    PROTECT(found);
    if (TYPEOF(expr) == EXPRSXP) {
        for (R_xlen_t i = 0; i < XLENGTH(expr); i++) {
            found = strings_in(VECTOR_ELT(expr, i), found);
            UNPROTECT(1);
            PROTECT(found);
        }
    } else if (TYPEOF(expr) == LANGSXP) {
        for (; expr != R_NilValue; expr = CDR(expr)) {
            found = strings_in(CAR(expr), found);
            UNPROTECT(1);
            PROTECT(found);
        }
    }
    UNPROTECT(1);
    return found;
}

SEXP bind_strings_in(SEXP expr) { return strings_in(expr, R_NilValue); }

/* What a formula, or a call, names. */

/* Names in the order in which they were met, each once: an open hash over R's own symbols and
 * strings, of which each has one address. */
struct names {
    SEXP *found;
    size_t count;
    size_t *slots; /* an index into `found`, from 1; 0 where it is free */
    size_t capacity;
};

static size_t slot_of(const struct names *names, SEXP name) {
    size_t at = ((size_t)(uintptr_t)name >> 4) * 2654435761u;

    while (names->slots[at % names->capacity] != 0 &&
           names->found[names->slots[at % names->capacity] - 1] != name) {
        at++;
    }
    return at % names->capacity;
}

/* The memory is R's, and goes when the call ends. */
static void grow_names(struct names *names) {
    struct names larger = {.count = names->count,
                           .capacity = names->capacity > 0 ? 4 * names->capacity : 64};

    larger.found = (SEXP *)R_alloc(larger.capacity, sizeof *larger.found);
    larger.slots = (size_t *)R_alloc(larger.capacity, sizeof *larger.slots);
    memset(larger.slots, 0, larger.capacity * sizeof *larger.slots);
    for (size_t i = 0; i < names->count; i++) {
        larger.found[i] = names->found[i];
        larger.slots[slot_of(&larger, names->found[i])] = i + 1;
    }
    *names = larger;
}

/* `name` is a CHARSXP that something else protects. */
static void add_name(struct names *names, SEXP name) {
    if (LENGTH(name) == 0 || name == NA_STRING) {
        return;
    }
    if (2 * names->count >= names->capacity) {
        grow_names(names);
    }
    size_t slot = slot_of(names, name);
    if (names->slots[slot] == 0) {
        names->found[names->count++] = name;
        names->slots[slot] = names->count;
    }
}

static void add_strings(struct names *names, SEXP strings) {
    for (R_xlen_t i = 0; i < XLENGTH(strings); i++) {
        add_name(names, STRING_ELT(strings, i));
    }
}

static SEXP names_vector(const struct names *names) {
    SEXP vector = PROTECT(Rf_allocVector(STRSXP, (R_xlen_t)names->count));

    for (size_t i = 0; i < names->count; i++) {
        SET_STRING_ELT(vector, (R_xlen_t)i, names->found[i]);
    }
    UNPROTECT(1);
    return vector;
}

struct uses {
    struct names variables, functions, texts, named;
};

/* What stands at the head of a call is a function, and so is all in a head that is a call. What is
 * in an argument with a name is in `named` besides. */
static void note_uses(struct uses *uses, SEXP expr, bool is_head, bool is_named) {
    R_CheckStack();
    switch (TYPEOF(expr)) {
    case SYMSXP:
        add_name(is_head ? &uses->functions : &uses->variables, PRINTNAME(expr));
        if (is_named && !is_head) {
            add_name(&uses->named, PRINTNAME(expr));
        }
        break;
    case STRSXP:
        add_strings(&uses->texts, expr);
        break;
    case LANGSXP:
        note_uses(uses, CAR(expr), true, is_named);
        for (expr = CDR(expr); expr != R_NilValue; expr = CDR(expr)) {
            note_uses(uses, CAR(expr), is_head, is_named || TAG(expr) != R_NilValue);
        }
        break;
    case EXPRSXP:
        for (R_xlen_t i = 0; i < XLENGTH(expr); i++) {
            note_uses(uses, VECTOR_ELT(expr, i), is_head, is_named);
        }
        break;
    default:
        break;
    }
}

/* A list of the names of variables and of functions, the strings, and the variables in arguments
 * that
 * have a name, in a list of expressions. */
SEXP bind_formula_uses(SEXP exprs) {
    const char *names[] = {"variables", "functions", "texts", "named", ""};
    struct uses uses = {{0}, {0}, {0}, {0}};

    for (R_xlen_t i = 0; i < XLENGTH(exprs); i++) {
        note_uses(&uses, VECTOR_ELT(exprs, i), false, false);
    }
    SEXP list = PROTECT(Rf_mkNamed(VECSXP, names));
    SET_VECTOR_ELT(list, 0, names_vector(&uses.variables));
    SET_VECTOR_ELT(list, 1, names_vector(&uses.functions));
    SET_VECTOR_ELT(list, 2, names_vector(&uses.texts));
    SET_VECTOR_ELT(list, 3, names_vector(&uses.named));
    UNPROTECT(1);
    return list;
}

static bool is_braced(SEXP expr) {
    return TYPEOF(expr) == LANGSXP && CAR(expr) == Rf_install("{") && Rf_length(expr) == 2;
}

static void note_embraced(struct names *names, SEXP expr) {
    R_CheckStack();
    if (is_braced(expr) && is_braced(CADR(expr)) && TYPEOF(CADR(CADR(expr))) == SYMSXP) {
        add_name(names, PRINTNAME(CADR(CADR(expr))));
    } else if (TYPEOF(expr) == LANGSXP) {
        for (; expr != R_NilValue; expr = CDR(expr)) {
            note_embraced(names, CAR(expr));
        }
    }
}

/* The names in doubled braces, as in {{ x }}. */
SEXP bind_embraced_names(SEXP expr) {
    struct names names = {0};

    note_embraced(&names, expr);
    return names_vector(&names);
}

/* What code uses that is nothing but calls: of functions none of which is `special`, which may look
 * names up, or bind them. */
struct plain_uses {
    struct names special, functions, texts, packages;
    bool is_plain;
};

static bool is_among(const struct names *names, SEXP name) {
    return names->capacity > 0 && names->slots[slot_of(names, name)] != 0;
}

static bool is_qualified(SEXP expr) {
    return TYPEOF(expr) == LANGSXP && Rf_length(expr) == 3 && TYPEOF(CADR(expr)) == SYMSXP &&
           TYPEOF(CADDR(expr)) == SYMSXP &&
           (CAR(expr) == R_DoubleColonSymbol || CAR(expr) == R_TripleColonSymbol);
}

static void note_plain(struct plain_uses *uses, SEXP expr, bool in_formula);

static void note_plain_call(struct plain_uses *uses, SEXP call, bool in_formula) {
    SEXP head = CAR(call);
    SEXP name = is_qualified(head) ? CADDR(head) : head;

    if (is_qualified(call)) {
        add_name(&uses->packages, PRINTNAME(CADR(call)));
        return;
    }
    if (is_qualified(head)) {
        add_name(&uses->packages, PRINTNAME(CADR(head)));
    } else if (TYPEOF(head) == SYMSXP) {
        add_name(&uses->functions, PRINTNAME(head));
    } else {
        note_plain(uses, head, in_formula);
    }
    if (TYPEOF(name) == SYMSXP && is_among(&uses->special, PRINTNAME(name))) {
        uses->is_plain = false;
    }
    bool is_element = head == R_DollarSymbol || head == Rf_install("@");
    bool is_formula = in_formula || head == Rf_install("~");
    for (SEXP at = CDR(call); at != R_NilValue; at = CDR(at)) {
        note_plain(uses, CAR(at), is_formula);
        if (is_element && !in_formula) {
            break; /* what follows is the name of a part */
        }
    }
}

static void note_plain(struct plain_uses *uses, SEXP expr, bool in_formula) {
    R_CheckStack();
    switch (TYPEOF(expr)) {
    case SYMSXP:
        if (is_among(&uses->special, PRINTNAME(expr))) {
            uses->is_plain = false;
        }
        if (in_formula) {
            add_name(&uses->functions, PRINTNAME(expr));
        }
        break;
    case STRSXP:
        add_strings(&uses->texts, expr);
        break;
    case LANGSXP:
        note_plain_call(uses, expr, in_formula);
        break;
    case EXPRSXP:
    case LISTSXP:
        uses->is_plain = false;
        break;
    default:
        break;
    }
}

/* A list of the names of functions, the strings, and the packages that are named, in a list of
 * expressions; NULL where one is not as plain as that. A name in a formula may be a function's. */
SEXP bind_plain_uses(SEXP exprs, SEXP special) {
    const char *names[] = {"functions", "texts", "packages", ""};
    struct plain_uses uses = {.is_plain = true};

    add_strings(&uses.special, special);
    for (R_xlen_t i = 0; i < XLENGTH(exprs) && uses.is_plain; i++) {
        note_plain(&uses, VECTOR_ELT(exprs, i), false);
    }
    if (!uses.is_plain) {
        return R_NilValue;
    }
    SEXP list = PROTECT(Rf_mkNamed(VECSXP, names));
    SET_VECTOR_ELT(list, 0, names_vector(&uses.functions));
    SET_VECTOR_ELT(list, 1, names_vector(&uses.texts));
    SET_VECTOR_ELT(list, 2, names_vector(&uses.packages));
    UNPROTECT(1);
    return list;
}

/* A list without what is missing in it, as is the first index of x[, 1]. */
SEXP bind_given(SEXP list) {
    R_xlen_t count = 0;

    for (R_xlen_t i = 0; i < XLENGTH(list); i++) {
        count += VECTOR_ELT(list, i) != R_MissingArg;
    }
    if (count == XLENGTH(list)) {
        return list;
    }
    SEXP names = PROTECT(Rf_getAttrib(list, R_NamesSymbol));
    SEXP given = PROTECT(Rf_allocVector(VECSXP, count));
    SEXP kept = PROTECT(names != R_NilValue ? Rf_allocVector(STRSXP, count) : R_NilValue);
    R_xlen_t at = 0;
    for (R_xlen_t i = 0; i < XLENGTH(list); i++) {
        if (VECTOR_ELT(list, i) == R_MissingArg) {
            continue;
        }
        SET_VECTOR_ELT(given, at, VECTOR_ELT(list, i));
        if (kept != R_NilValue) {
            SET_STRING_ELT(kept, at, STRING_ELT(names, i));
        }
        at++;
    }
    Rf_setAttrib(given, R_NamesSymbol, kept);
    UNPROTECT(3);
    return given;
}

/* Calls whose arguments are promises. */

static SEXP dots_of(SEXP frame) {
#if R_VERSION >= R_Version(4, 5, 0)
    return R_getVarEx(R_DotsSymbol, frame, FALSE, R_NilValue);
#else
    return Rf_findVarInFrame(frame, R_DotsSymbol);
#endif
}

/* A call of nothing yet, with the promises in the `...` of a function's frame for its arguments. */
SEXP bind_promised_call(SEXP frame) {
    SEXP dots = PROTECT(dots_of(frame));
    int count = TYPEOF(dots) == DOTSXP ? Rf_length(dots) : 0;
    SEXP call = PROTECT(Rf_lcons(R_NilValue, Rf_allocList(count)));

    for (SEXP at = dots, to = CDR(call); to != R_NilValue; at = CDR(at), to = CDR(to)) {
        SETCAR(to, CAR(at));
        SET_TAG(to, TAG(at));
    }
    UNPROTECT(2);
    return call;
}

/* Makes `call`, which is ours and being run, the one that was written: what runs sees that. */
SEXP bind_become(SEXP call, SEXP written) {
    SETCAR(call, CAR(written));
    SETCDR(call, CDR(written));
    return R_NilValue;
}

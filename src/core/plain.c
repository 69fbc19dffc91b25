#include "plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "utf8.h"

/* R's type codes, as its format writes them. */
enum type {
    SYMBOL = 1,
    PAIRLIST = 2,
    STRING = 9, /* one element of a character vector */
    LOGICAL = 10,
    INTEGER = 13,
    DOUBLE = 14,
    COMPLEX = 15,
    CHARACTER = 16,
    LIST = 19,
    RAW = 24,
    NOTHING = 254, /* NULL, and the end of a pairlist */
    REFERENCE = 255,
};

/* The word before each item: type in 8 bits, then flags, then R's "levels" from bit 12. */
#define TYPE_BITS 0xffu
#define IS_OBJECT (1u << 8)
#define HAS_ATTRIBUTES (1u << 9)
#define HAS_TAG (1u << 10)
#define LEVEL(bit) (1u << (12 + (bit)))

/* Set on vectors that R has grown in place; of no meaning to a reader. */
#define GROWABLE LEVEL(5)

/* Of a string's levels exactly one is set, or none: then its encoding is its writer's. */
#define TEXT_BYTES LEVEL(1)
#define TEXT_LATIN1 LEVEL(2)
#define TEXT_UTF8 LEVEL(3)
#define TEXT_ASCII LEVEL(6)

#define MISSING 0x80000000u /* R's NA among integers and logicals */
#define LENGTH_MAX INT32_MAX
#define NO_TEXT UINT32_MAX
#define FORMAT_VERSION 2
#define READER_VERSION 0x00020300u /* R 2.3.0, the first that reads version 2 */

enum attribute { NAMES, DIM, DIMNAMES, LEVELS, TSP, CLASS, ROW_NAMES, ATTRIBUTES };

static const char *const attribute_names[ATTRIBUTES] = {"names", "dim",   "dimnames", "levels",
                                                        "tsp",   "class", "row.names"};

struct walk {
    const uint8_t *bytes;
    size_t size;
    size_t at;
    unsigned depth;
    bool again;                  /* this part was walked before */
    uint8_t symbols[ATTRIBUTES]; /* the attributes named so far, in order */
    unsigned symbol_count;
};

/* A value: its vector, and where that begins. */
struct item {
    enum type type;
    uint32_t length;
    size_t data;
    unsigned symbols; /* that had been seen there */
};

static bool walk_item(struct walk *walk, struct item *item);

/* Bytes. */

static uint32_t word_at(const struct walk *walk, size_t at) {
    const uint8_t *b = walk->bytes + at;

    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static size_t left(const struct walk *walk) { return walk->size - walk->at; }

static bool take_word(struct walk *walk, uint32_t *word) {
    if (left(walk) < 4) {
        return false;
    }
    *word = word_at(walk, walk->at);
    walk->at += 4;
    return true;
}

static bool expect_word(struct walk *walk, uint32_t wanted) {
    uint32_t word;

    return take_word(walk, &word) && word == wanted;
}

/* Text. */

static bool is_ascii(const uint8_t *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (text[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static bool is_utf8(const uint8_t *text, size_t size) {
    uint32_t point;

    for (size_t i = 0, step; i < size; i += step) {
        step = ws_utf8_next(text + i, size - i, &point);
        if (step == 0) {
            return false;
        }
    }
    return true;
}

/* R marks ASCII as such, whatever else was asked for. */
static bool text_is_valid(const uint8_t *text, size_t size, uint32_t encoding) {
    if (size > 0 && memchr(text, 0, size)) {
        return false;
    }
    switch (encoding) {
    case TEXT_ASCII:
        return is_ascii(text, size);
    case TEXT_UTF8:
        return is_utf8(text, size) && !is_ascii(text, size);
    case TEXT_LATIN1:
    case TEXT_BYTES:
    case 0:
        return !is_ascii(text, size);
    default:
        return false;
    }
}

/* The size of a missing string is NO_TEXT. */
static bool take_string(struct walk *walk, const uint8_t **text, uint32_t *size) {
    uint32_t flags;

    if (!take_word(walk, &flags) || !take_word(walk, size) || (flags & 0xfff) != STRING) {
        return false;
    }
    *text = walk->bytes + walk->at;
    if (*size == NO_TEXT) {
        return flags == STRING;
    }
    if (*size > LENGTH_MAX || *size > left(walk)) {
        return false;
    }
    walk->at += *size;
    return text_is_valid(*text, *size, flags & ~0xfffu);
}

static bool take_strings(struct walk *walk, uint32_t count) {
    const uint8_t *text;
    uint32_t size;

    for (uint32_t i = 0; i < count; i++) {
        if (!take_string(walk, &text, &size)) {
            return false;
        }
    }
    return true;
}

/* Vectors. */

/* Bytes that one element takes at the least; 0 where `type` is no vector's. */
static size_t element_size(enum type type) {
    switch (type) {
    case LOGICAL:
    case INTEGER:
    case LIST:
        return 4;
    case DOUBLE:
    case CHARACTER:
        return 8;
    case COMPLEX:
        return 16;
    case RAW:
        return 1;
    default:
        return 0;
    }
}

static bool take_logicals(struct walk *walk, uint32_t count) {
    for (uint32_t i = 0; i < count; i++, walk->at += 4) {
        uint32_t value = word_at(walk, walk->at);
        if (value > 1 && value != MISSING) {
            return false;
        }
    }
    return true;
}

static bool take_items(struct walk *walk, uint32_t count) {
    struct item child;

    for (uint32_t i = 0; i < count; i++) {
        if (!walk_item(walk, &child)) {
            return false;
        }
    }
    return true;
}

/* That the elements fit was checked. */
static bool take_elements(struct walk *walk, enum type type, uint32_t count) {
    switch (type) {
    case LOGICAL:
        return take_logicals(walk, count);
    case CHARACTER:
        return take_strings(walk, count);
    case LIST:
        return take_items(walk, count);
    default:
        walk->at += element_size(type) * count;
        return true;
    }
}

/* Attributes. */

/* In full the first time, then by number. */
static bool take_symbol(struct walk *walk, enum attribute *attribute) {
    const uint8_t *text;
    uint32_t flags;
    uint32_t size;

    if (!take_word(walk, &flags)) {
        return false;
    }
    if ((flags & TYPE_BITS) == REFERENCE) {
        uint32_t number = flags >> 8;
        if (number < 1 || number > walk->symbol_count) {
            return false;
        }
        *attribute = (enum attribute)walk->symbols[number - 1];
        return true;
    }
    if (flags != SYMBOL || !take_string(walk, &text, &size)) {
        return false;
    }
    for (unsigned i = 0; i < ATTRIBUTES; i++) {
        if (strlen(attribute_names[i]) == size && memcmp(attribute_names[i], text, size) == 0) {
            if (memchr(walk->symbols, (int)i, walk->symbol_count)) {
                return false;
            }
            walk->symbols[walk->symbol_count++] = (uint8_t)i;
            *attribute = (enum attribute)i;
            return true;
        }
    }
    return false;
}

/* The attributes of one value; those absent are of type NOTHING, which none present is. */
struct attributes {
    struct item values[ATTRIBUTES];
};

static bool take_attributes(struct walk *walk, struct attributes *attributes) {
    uint32_t flags;
    bool any = false;

    while (take_word(walk, &flags)) {
        enum attribute attribute;
        if (flags == NOTHING) {
            return any;
        }
        if (flags != (PAIRLIST | HAS_TAG) || !take_symbol(walk, &attribute)) {
            return false;
        }
        struct item *value = &attributes->values[attribute];
        if (value->type != NOTHING || !walk_item(walk, value) || value->type == NOTHING) {
            return false;
        }
        any = true;
    }
    return false;
}

/* Whether a class is among those of a value. A missing class name is none. */
static bool has_class(const struct walk *walk, const struct item *classes, const char *name) {
    struct walk again = *walk;
    bool found = false;

    again.at = classes->data;
    for (uint32_t i = 0; i < classes->length; i++) {
        const uint8_t *text;
        uint32_t size;
        if (!take_string(&again, &text, &size)) {
            return false; /* was walked before: cannot be */
        }
        found = found || (size == strlen(name) && memcmp(text, name, size) == 0);
    }
    return found;
}

static bool class_fits(const struct walk *walk, const struct item *item,
                       const struct attributes *attributes, bool is_object) {
    const struct item *classes = &attributes->values[CLASS];

    if (classes->type == NOTHING) {
        return !is_object;
    }
    if (!is_object || classes->type != CHARACTER || classes->length == 0) {
        return false;
    }
    if (has_class(walk, classes, "factor")) {
        return item->type == INTEGER && attributes->values[LEVELS].type == CHARACTER;
    }
    return item->type == LIST || !has_class(walk, classes, "data.frame");
}

static bool dim_fits(const struct walk *walk, const struct item *item, const struct item *dim) {
    uint64_t product = 1;

    if (dim->type != INTEGER || dim->length == 0) {
        return false;
    }
    for (uint32_t i = 0; i < dim->length; i++) {
        uint32_t extent = word_at(walk, dim->data + (size_t)4 * i);
        if (extent > LENGTH_MAX) {
            return false;
        }
        product *= extent;
        if (product > LENGTH_MAX) { /* a zero may follow, but no R program makes such an array */
            return false;
        }
    }
    return product == item->length;
}

/* One vector of names a dimension, or NULL. */
static bool dimnames_fit(const struct walk *walk, const struct item *dimnames,
                         const struct item *dim) {
    struct walk again = *walk;
    struct item names;

    if (dimnames->type != LIST || dimnames->length != dim->length) {
        return false;
    }
    if (walk->again) {
        return true;
    }
    again.again = true;
    again.at = dimnames->data;
    again.symbol_count = dimnames->symbols;
    for (uint32_t i = 0; i < dim->length; i++) {
        if (!walk_item(&again, &names) ||
            (names.type != NOTHING && (names.type != CHARACTER ||
                                       names.length != word_at(walk, dim->data + (size_t)4 * i)))) {
            return false;
        }
    }
    return true;
}

/* One a row; or, where they are only numbered, NA and how many there are. */
static bool row_names_fit(const struct walk *walk, const struct item *rows) {
    if (rows->type != INTEGER) {
        return rows->type == CHARACTER;
    }
    return rows->length != 2 || word_at(walk, rows->data) != MISSING ||
           word_at(walk, rows->data + 4) != MISSING;
}

static bool attributes_fit(const struct walk *walk, const struct item *item,
                           const struct attributes *attributes, bool is_object) {
    const struct item *names = &attributes->values[NAMES];
    const struct item *dim = &attributes->values[DIM];
    const struct item *dimnames = &attributes->values[DIMNAMES];
    const struct item *tsp = &attributes->values[TSP];
    const struct item *rows = &attributes->values[ROW_NAMES];

    return class_fits(walk, item, attributes, is_object) &&
           (names->type == NOTHING ||
            (names->type == CHARACTER && names->length == item->length)) &&
           (dim->type == NOTHING || dim_fits(walk, item, dim)) &&
           (dimnames->type == NOTHING ||
            (dim->type != NOTHING && dimnames_fit(walk, dimnames, dim))) &&
           (tsp->type == NOTHING || (tsp->type == DOUBLE && tsp->length == 3)) &&
           (rows->type == NOTHING || row_names_fit(walk, rows));
}

/* Values. */

static bool walk_vector(struct walk *walk, uint32_t flags, struct item *item) {
    struct attributes attributes;
    size_t size = element_size(item->type);

    if (size == 0 || (flags & ~(TYPE_BITS | IS_OBJECT | HAS_ATTRIBUTES | GROWABLE)) != 0 ||
        !take_word(walk, &item->length) || item->length > LENGTH_MAX ||
        item->length > left(walk) / size) {
        return false;
    }
    item->data = walk->at;
    item->symbols = walk->symbol_count;
    if (!take_elements(walk, item->type, item->length)) {
        return false;
    }
    for (unsigned i = 0; i < ATTRIBUTES; i++) {
        attributes.values[i].type = NOTHING;
    }
    return ((flags & HAS_ATTRIBUTES) == 0 || take_attributes(walk, &attributes)) &&
           attributes_fit(walk, item, &attributes, (flags & IS_OBJECT) != 0);
}

static bool walk_item(struct walk *walk, struct item *item) {
    uint32_t flags;

    if (walk->depth == WS_PLAIN_DEPTH || !take_word(walk, &flags)) {
        return false;
    }
    item->type = (enum type)(flags & TYPE_BITS);
    if (item->type == NOTHING) {
        return flags == NOTHING;
    }
    walk->depth++;
    bool valid = walk_vector(walk, flags, item);
    walk->depth--;
    return valid;
}

static bool take_header(struct walk *walk) {
    uint32_t writer;

    if (walk->size < 2 || walk->bytes[0] != 'X' || walk->bytes[1] != '\n') {
        return false;
    }
    walk->at = 2;
    return expect_word(walk, FORMAT_VERSION) && take_word(walk, &writer) &&
           writer >= READER_VERSION && writer <= INT32_MAX && expect_word(walk, READER_VERSION);
}

enum ws_status ws_plain_check(const void *bytes, size_t size) {
    struct walk walk = {.bytes = bytes, .size = size};
    struct item item;

    return take_header(&walk) && walk_item(&walk, &item) && walk.at == size ? WS_OK : WS_DAMAGED;
}

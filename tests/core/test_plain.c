#include "fixtures.h"
#include "plain.h"

/* Serialized objects, put together item by item. Words are big-endian, as XDR has them. */

#define BYTES_MAX 16384

static uint8_t bytes[BYTES_MAX];
static size_t size;

static void word(uint32_t value) {
    CHECK(size + 4 <= BYTES_MAX);
    for (int shift = 24; shift >= 0; shift -= 8) {
        bytes[size++] = (uint8_t)(value >> shift);
    }
}

static void raw_bytes(const void *from, size_t count) {
    CHECK(size + count <= BYTES_MAX);
    memcpy(bytes + size, from, count);
    size += count;
}

enum {
    SYMBOL = 1,
    PAIRLIST = 2,
    CLOSURE = 3,
    ENVIRONMENT = 4,
    PROMISE = 5,
    LANGUAGE = 6,
    SPECIAL = 7,
    BUILTIN = 8,
    STRING = 9,
    LOGICAL = 10,
    INTEGER = 13,
    DOUBLE = 14,
    COMPLEX = 15,
    CHARACTER = 16,
    DOTS = 17,
    LIST = 19,
    EXPRESSION = 20,
    BYTECODE = 21,
    POINTER = 22,
    WEAK_REFERENCE = 23,
    RAW = 24,
    S4 = 25,
    ALTREP = 238,
    NOTHING = 254,
    REFERENCE = 255,
    OBJECT = 1 << 8,
    ATTRIBUTES = 1 << 9,
    TAG = 1 << 10,
    S4_BIT = 1 << 16,
    GROWABLE = 1 << 17,
    ASCII = 1 << 18,
    UTF8 = 1 << 15,
    LATIN1 = 1 << 14,
    BYTES = 1 << 13
};

#define R_4_2_2 0x00040202u
#define R_2_3_0 0x00020300u
#define MISSING 0x80000000u

static void header(void) {
    size = 0;
    raw_bytes("X\n", 2);
    word(2);
    word(R_4_2_2);
    word(R_2_3_0);
}

static void text_of(uint32_t encoding, const char *text, size_t length) {
    word(STRING | encoding);
    word((uint32_t)length);
    raw_bytes(text, length);
}

static void ascii(const char *text) { text_of(ASCII, text, strlen(text)); }

static void vector(uint32_t flags, uint32_t length) {
    word(flags);
    word(length);
}

static void integers(uint32_t flags, uint32_t length) {
    vector(INTEGER | flags, length);
    for (uint32_t i = 0; i < length; i++) {
        word(i + 1);
    }
}

static void strings(uint32_t flags, uint32_t length) {
    vector(CHARACTER | flags, length);
    for (uint32_t i = 0; i < length; i++) {
        ascii("x");
    }
}

static void attribute(const char *name) {
    word(PAIRLIST | TAG);
    word(SYMBOL);
    ascii(name);
}

static void attribute_again(uint32_t number) {
    word(PAIRLIST | TAG);
    word(number << 8 | REFERENCE);
}

static void end(void) { word(NOTHING); }

static void accepted(void) { CHECK_STATUS(ws_plain_check(bytes, size), WS_OK); }
static void refused(void) { CHECK_STATUS(ws_plain_check(bytes, size), WS_DAMAGED); }

/* The header. */

TEST("NULL is plain") {
    header();
    end();
    accepted();
}

TEST("no bytes at all are refused") { CHECK_STATUS(ws_plain_check("", 0), WS_DAMAGED); }

TEST("a header alone is refused") {
    header();
    refused();
}

TEST("another format than XDR is refused") {
    for (int format = 0; format < 256; format++) {
        header();
        end();
        bytes[0] = (uint8_t)format;
        CHECK_STATUS(ws_plain_check(bytes, size), format == 'X' ? WS_OK : WS_DAMAGED);
    }
}

TEST("another version of the format is refused") {
    for (uint8_t version = 0; version < 255; version++) {
        header();
        end();
        bytes[5] = version;
        CHECK_STATUS(ws_plain_check(bytes, size), version == 2 ? WS_OK : WS_DAMAGED);
    }
}

TEST("a writer older than the format is refused") {
    header();
    end();
    bytes[7] = 1;
    refused();
}

TEST("a writer of a version that cannot be is refused") {
    header();
    end();
    bytes[6] = 0x80;
    refused();
}

TEST("a least reader that no writer names is refused") {
    header();
    end();
    bytes[12] = 1;
    refused();
}

/* Types. */

TEST("every type of vector is plain") {
    static const struct {
        uint32_t type;
        size_t words;
    } types[] = {{LOGICAL, 1}, {INTEGER, 1}, {DOUBLE, 2}, {COMPLEX, 4}};

    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        header();
        vector(types[t].type, 3);
        for (size_t i = 0; i < 3 * types[t].words; i++) {
            word(0);
        }
        accepted();
    }
}

TEST("text and raw bytes are plain") {
    header();
    vector(LIST, 2);
    strings(0, 2);
    vector(RAW, 3);
    raw_bytes("abc", 3);
    accepted();
}

TEST("an empty vector of each type is plain") {
    static const uint32_t types[] = {LOGICAL, INTEGER, DOUBLE, COMPLEX, CHARACTER, LIST, RAW};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        header();
        vector(types[i], 0);
        accepted();
    }
}

TEST("every other type is refused, also inside a list") {
    for (uint32_t type = 0; type < 256; type++) {
        bool is_plain = type == LOGICAL || (type >= INTEGER && type <= CHARACTER) || type == LIST ||
                        type == RAW || type == NOTHING;
        for (int inside = 0; inside < 2; inside++) {
            header();
            if (inside) {
                vector(LIST, 1);
            }
            word(type);
            if (type != NOTHING) {
                word(0);
            }
            CHECK_STATUS(ws_plain_check(bytes, size), is_plain ? WS_OK : WS_DAMAGED);
        }
    }
}

TEST("an S4 object is refused") {
    header();
    integers(S4_BIT, 1);
    refused();
}

TEST("of the flags of a vector none but these is accepted") {
    for (int bit = 8; bit < 32; bit++) {
        header();
        integers(1u << bit, 1);
        CHECK_STATUS(ws_plain_check(bytes, size), 1u << bit == GROWABLE ? WS_OK : WS_DAMAGED);
    }
}

TEST("NULL with flags is refused") {
    for (int bit = 8; bit < 32; bit++) {
        header();
        word(NOTHING | 1u << bit);
        refused();
    }
}

/* Lengths. */

TEST("every cut is refused") {
    header();
    vector(LIST, 2);
    strings(ATTRIBUTES, 1);
    attribute("names");
    strings(0, 1);
    end();
    vector(DOUBLE, 1);
    word(0);
    word(0);
    accepted();
    size_t whole = size;
    for (size = 0; size < whole; size++) {
        refused();
    }
}

TEST("bytes behind the object are refused") {
    header();
    integers(0, 1);
    raw_bytes("", 1);
    refused();
}

TEST("a length beyond the bytes that are left is refused") {
    static const uint32_t types[] = {LOGICAL, INTEGER, DOUBLE, COMPLEX, CHARACTER, LIST, RAW};
    static const uint32_t lengths[] = {2,          1000,       0x20000000, 0x40000001,
                                       0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            header();
            vector(types[t], lengths[l]);
            raw_bytes("\0", 1);
            refused();
        }
    }
}

TEST("the form that vectors of 2^31 elements have is refused") {
    header();
    vector(RAW, 0xffffffff);
    word(0);
    word(1);
    raw_bytes("x", 1);
    refused();
}

TEST("text longer than what is left is refused") {
    static const uint32_t lengths[] = {2, 0x7fffffff, 0x80000000, 0xfffffffe};

    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        header();
        vector(CHARACTER, 1);
        word(STRING | ASCII);
        word(lengths[l]);
        raw_bytes("x", 1);
        refused();
    }
}

/* Text. */

static void check_text(uint32_t encoding, const char *text, enum ws_status wanted) {
    header();
    vector(CHARACTER, 1);
    text_of(encoding, text, strlen(text));
    CHECK_STATUS(ws_plain_check(bytes, size), wanted);
}

TEST("text is in the encoding that it says") {
    check_text(ASCII, "plain", WS_OK);
    check_text(ASCII, "", WS_OK);
    check_text(ASCII, "\xc3\xbc", WS_DAMAGED);
    check_text(UTF8, "\xc3\xbc", WS_OK);
    check_text(UTF8, "\xf0\x9f\x98\x80", WS_OK);
    check_text(LATIN1, "\xfc", WS_OK);
    check_text(BYTES, "\xfc", WS_OK);
    check_text(0, "\xfc", WS_OK);
}

TEST("what is marked as UTF-8 and is not is refused") {
    static const char *const wrong[] = {"\xfc",         "\xc3",         "\xc0\xaf",
                                        "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                        "\xff",         "a\x80"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_text(UTF8, wrong[i], WS_DAMAGED);
    }
}

TEST("ASCII under another mark is refused: R does not write it") {
    check_text(UTF8, "x", WS_DAMAGED);
    check_text(LATIN1, "x", WS_DAMAGED);
    check_text(BYTES, "x", WS_DAMAGED);
    check_text(0, "x", WS_DAMAGED);
}

TEST("two marks at once are refused") {
    check_text(UTF8 | LATIN1, "\xc3\xbc", WS_DAMAGED);
    check_text(UTF8 | ASCII, "x", WS_DAMAGED);
    check_text(1u << 12, "\xfc", WS_DAMAGED);
    check_text(1u << 17, "\xfc", WS_DAMAGED);
}

TEST("a NUL inside text is refused") {
    static const uint32_t encodings[] = {ASCII, UTF8, LATIN1, BYTES, 0};

    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        header();
        vector(CHARACTER, 1);
        text_of(encodings[i], "\xc3\xbc\0x", 4);
        refused();
    }
}

TEST("missing text is plain, without a mark") {
    header();
    vector(CHARACTER, 1);
    word(STRING);
    word(0xffffffff);
    accepted();
    header();
    vector(CHARACTER, 1);
    word(STRING | ASCII);
    word(0xffffffff);
    refused();
}

TEST("text with flags is refused") {
    header();
    vector(CHARACTER, 1);
    text_of(ASCII | ATTRIBUTES, "x", 1);
    end();
    refused();
}

TEST("logicals are TRUE, FALSE or NA") {
    static const struct {
        uint32_t value;
        enum ws_status wanted;
    } cases[] = {
        {0, WS_OK}, {1, WS_OK}, {MISSING, WS_OK}, {2, WS_DAMAGED}, {UINT32_MAX, WS_DAMAGED}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        header();
        vector(LOGICAL, 1);
        word(cases[i].value);
        CHECK_STATUS(ws_plain_check(bytes, size), cases[i].wanted);
    }
}

/* Attributes. */

TEST("every attribute of the list is plain where it fits") {
    header();
    vector(LIST, 3);
    integers(ATTRIBUTES, 2); /* a matrix */
    attribute("dim");
    vector(INTEGER, 2);
    word(1);
    word(2);
    attribute("dimnames");
    vector(LIST, 2);
    end();
    strings(0, 2);
    end();
    integers(ATTRIBUTES | OBJECT, 2); /* a factor */
    attribute("levels");
    strings(0, 2);
    attribute("class");
    vector(CHARACTER, 1);
    ascii("factor");
    end();
    vector(LIST | ATTRIBUTES | OBJECT, 1); /* a data frame with a time series */
    vector(DOUBLE | ATTRIBUTES, 1);
    word(0);
    word(0);
    attribute("tsp");
    vector(DOUBLE, 3);
    for (int i = 0; i < 6; i++) {
        word(0);
    }
    end();
    attribute("names");
    strings(0, 1);
    attribute("row.names");
    vector(INTEGER, 2);
    word(MISSING);
    word(0xffffffff);
    attribute_again(4);
    vector(CHARACTER, 1);
    ascii("data.frame");
    end();
    accepted();
}

TEST("an attribute of another name is refused") {
    static const char *const names[] = {"",      "name",   "names2",       "srcref",
                                        "Names", "class ", ".Environment", "comment"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        header();
        integers(ATTRIBUTES, 1);
        attribute(names[i]);
        strings(0, 1);
        end();
        refused();
    }
}

TEST("the same attribute twice is refused") {
    header();
    integers(ATTRIBUTES, 1);
    attribute("names");
    strings(0, 1);
    attribute_again(1);
    strings(0, 1);
    end();
    refused();
}

TEST("a name in full where it was seen before is refused") {
    header();
    vector(LIST, 2);
    for (int i = 0; i < 2; i++) {
        integers(ATTRIBUTES, 1);
        attribute("names");
        strings(0, 1);
        end();
    }
    refused();
}

static void with_reference(uint32_t number) {
    header();
    vector(LIST, 2);
    integers(ATTRIBUTES, 1);
    attribute("names");
    strings(0, 1);
    end();
    integers(ATTRIBUTES, 1);
    attribute_again(number);
    strings(0, 1);
    end();
}

TEST("a name that was seen may be referred to") {
    with_reference(1);
    accepted();
}

TEST("a reference to what was not seen is refused") {
    static const uint32_t numbers[] = {0, 2, 7, 8, 255, 0x7fffff, 0xffffff};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        with_reference(numbers[i]);
        refused();
    }
}

TEST("a reference that is a value is refused") {
    header();
    vector(LIST, 2);
    integers(ATTRIBUTES, 1);
    attribute("names");
    strings(0, 1);
    end();
    word(1 << 8 | REFERENCE);
    refused();
}

TEST("attributes that are announced and missing are refused") {
    header();
    integers(ATTRIBUTES, 1);
    end();
    refused();
}

TEST("an attribute without a tag is refused") {
    header();
    integers(ATTRIBUTES, 1);
    word(PAIRLIST);
    strings(0, 1);
    end();
    refused();
}

TEST("an attribute list with flags of its own is refused") {
    static const uint32_t flags[] = {OBJECT, ATTRIBUTES, 1 << 12, 1 << 26, 1 << 27};

    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        header();
        integers(ATTRIBUTES, 1);
        word(PAIRLIST | TAG | flags[i]);
        word(SYMBOL);
        ascii("names");
        strings(0, 1);
        end();
        refused();
    }
}

TEST("an attribute list that ends in something else is refused") {
    header();
    integers(ATTRIBUTES, 1);
    attribute("names");
    strings(0, 1);
    integers(0, 1);
    refused();
}

TEST("an attribute that is NULL is refused") {
    header();
    integers(ATTRIBUTES, 1);
    attribute("names");
    end();
    end();
    refused();
}

TEST("an attribute that is code is refused") {
    header();
    integers(ATTRIBUTES, 1);
    attribute("levels");
    word(LANGUAGE);
    word(SYMBOL);
    ascii("q");
    end();
    end();
    refused();
}

/* What R's own code relies on. */

static void with_attribute(uint32_t length, const char *name, void (*value)(void)) {
    header();
    integers(ATTRIBUTES, length);
    attribute(name);
    value();
    end();
}

static void two_strings(void) { strings(0, 2); }
static void two_integers(void) { integers(0, 2); }
static void no_integers(void) { integers(0, 0); }
static void three_integers(void) { integers(0, 3); }
static void no_strings(void) { strings(0, 0); }
static void empty_list(void) { vector(LIST, 0); }

static void minus_one_and_minus_two(void) {
    vector(INTEGER, 2);
    word(0xffffffff);
    word(0xfffffffe);
}

static void large_dims(void) {
    vector(INTEGER, 3);
    word(0x7fffffff);
    word(0x7fffffff);
    word(4);
}

TEST("names are as many as elements, and text") {
    with_attribute(2, "names", two_strings);
    accepted();
    with_attribute(3, "names", two_strings);
    refused();
    with_attribute(1, "names", two_strings);
    refused();
    with_attribute(2, "names", two_integers);
    refused();
}

TEST("a dim's product is the length") {
    with_attribute(2, "dim", two_integers);
    accepted();
    with_attribute(3, "dim", two_integers);
    refused();
    with_attribute(1, "dim", no_integers);
    refused();
    with_attribute(2, "dim", two_strings);
    refused();
    with_attribute(2, "dim", minus_one_and_minus_two);
    refused();
    with_attribute(4, "dim", large_dims);
    refused();
}

TEST("dimnames need a dim") {
    with_attribute(2, "dimnames", empty_list);
    refused();
}

TEST("a tsp is three doubles") {
    with_attribute(3, "tsp", three_integers);
    refused();
}

TEST("row names are whole numbers or text") {
    with_attribute(2, "row.names", two_strings);
    accepted();
    with_attribute(2, "row.names", empty_list);
    refused();
}

TEST("a class comes with the object bit, and the bit with a class") {
    with_attribute(2, "class", two_strings);
    refused();
    header();
    integers(OBJECT, 2);
    refused();
    header();
    integers(OBJECT | ATTRIBUTES, 2);
    attribute("class");
    two_strings();
    end();
    accepted();
    header();
    integers(OBJECT | ATTRIBUTES, 2);
    attribute("class");
    no_strings();
    end();
    refused();
}

static void with_dimnames(void (*first)(void), void (*second)(void)) {
    header();
    integers(ATTRIBUTES, 2);
    attribute("dimnames");
    vector(LIST, 2);
    first();
    second();
    attribute("dim");
    integers(0, 2); /* 1 and 2 */
    end();
}

TEST("dimnames fit the dim, in whichever order they come") {
    with_dimnames(end, two_strings);
    accepted();
    with_dimnames(two_strings, end);
    refused();
    with_dimnames(end, two_integers);
    refused();
    with_dimnames(end, end);
    accepted();
}

TEST("dimnames are as many as dims") {
    header();
    integers(ATTRIBUTES, 2);
    attribute("dim");
    two_integers();
    attribute("dimnames");
    vector(LIST, 1);
    end();
    end();
    refused();
}

TEST("dimnames may have names, and names in them") {
    header();
    integers(ATTRIBUTES, 2);
    attribute("dim");
    two_integers();
    attribute("dimnames");
    vector(LIST | ATTRIBUTES, 2);
    end();
    strings(ATTRIBUTES, 2);
    attribute("names");
    strings(0, 2);
    end();
    attribute_again(3);
    strings(0, 2);
    end();
    end();
    accepted();
}

static void with_class(uint32_t type, const char *class, bool with_levels) {
    header();
    vector(type | OBJECT | ATTRIBUTES, 0);
    if (with_levels) {
        attribute("levels");
        strings(0, 1);
    }
    attribute("class");
    vector(CHARACTER, 2);
    ascii("other");
    ascii(class);
    end();
}

TEST("a factor is of integers and has levels") {
    with_class(INTEGER, "factor", true);
    accepted();
    with_class(INTEGER, "factor", false);
    refused();
    with_class(DOUBLE, "factor", true);
    refused();
    with_class(RAW, "factor", true);
    refused();
}

TEST("a data frame is a list") {
    with_class(LIST, "data.frame", false);
    accepted();
    with_class(INTEGER, "data.frame", false);
    refused();
}

/* Depth. */

static void nested_lists(unsigned depth) {
    header();
    for (unsigned i = 0; i < depth; i++) {
        vector(LIST, 1);
    }
    integers(0, 1);
}

TEST("lists nest as deep as is said, and no deeper") {
    nested_lists(WS_PLAIN_DEPTH - 1);
    accepted();
    nested_lists(WS_PLAIN_DEPTH);
    refused();
    nested_lists(2000);
    refused();
}

TEST("attributes of attributes nest no deeper") {
    for (unsigned depth = 1; depth <= WS_PLAIN_DEPTH + 1; depth++) {
        header();
        for (unsigned i = 0; i < depth; i++) {
            integers(i + 1 < depth ? ATTRIBUTES : 0, 1);
            if (i + 1 < depth) {
                if (i == 0) {
                    attribute("levels");
                } else {
                    attribute_again(1);
                }
            }
        }
        for (unsigned i = 1; i < depth; i++) {
            end();
        }
        CHECK_STATUS(ws_plain_check(bytes, size), depth <= WS_PLAIN_DEPTH ? WS_OK : WS_DAMAGED);
    }
}

/* Each level's dimnames are the next. Each of them walked twice would take 2^90 steps. */
TEST("dimnames in dimnames do not multiply the time") {
    header();
    for (unsigned i = 0; i < 90; i++) {
        vector(LIST | ATTRIBUTES, 1);
        end();
        if (i == 0) {
            attribute("dim");
        } else {
            attribute_again(1);
        }
        integers(0, 1);
        if (i == 0) {
            attribute("dimnames");
        } else {
            attribute_again(2);
        }
    }
    vector(LIST, 1);
    strings(0, 1);
    for (unsigned i = 0; i < 90; i++) {
        end();
    }
    accepted();
}

TEST("no random change makes it read beyond its bytes") {
    uint64_t chance = 6;
    uint8_t *copy;

    header();
    vector(LIST, 2);
    strings(ATTRIBUTES, 2);
    attribute("names");
    strings(0, 2);
    end();
    integers(ATTRIBUTES, 2);
    attribute("dim");
    two_integers();
    end();
    accepted();
    for (int round = 0; round < 200000; round++) {
        size_t length = draw_below(&chance, size + 1);
        copy = malloc(length + 1);
        CHECK(copy);
        memcpy(copy, bytes, length);
        for (uint64_t flips = draw_below(&chance, 4); flips > 0 && length > 0; flips--) {
            copy[draw_below(&chance, length)] ^= (uint8_t)(1u << draw_below(&chance, 8));
        }
        ws_plain_check(copy, length);
        free(copy);
    }
}

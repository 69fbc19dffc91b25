#include "value-vectors.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK 1024  /* numbers read from a compact vector at a time */
#define STRINGS 128 /* absorbed at a time */
#define ABREAST 16  /* digested at a time */

/* Strings that a vector had before: direct-mapped by address, since R keeps one copy of each. Fixed
 * in size, so that a million distinct strings cost no more memory than ten. */
#define STRING_CACHE_BITS 14

#define CACHE_LINE 64
#define FETCH_AHEAD 64

struct seen_string {
    SEXP string;
    struct ws_digest digest;
};

/* Numbers. A vector that R holds in a compact form is read in blocks and stays as it is. */

void value_absorb_integers(struct value_stream *stream, SEXP value) {
    R_xlen_t count = XLENGTH(value);
    const int *data = DATAPTR_OR_NULL(value);
    int block[BLOCK];

    if (data) {
        ws_hasher_int32(stream->hasher, data, (size_t)count);
        return;
    }
    for (R_xlen_t i = 0; i < count; i += BLOCK) {
        R_xlen_t n = TYPEOF(value) == LGLSXP ? LOGICAL_GET_REGION(value, i, BLOCK, block)
                                             : INTEGER_GET_REGION(value, i, BLOCK, block);
        ws_hasher_int32(stream->hasher, block, (size_t)n);
    }
}

void value_absorb_doubles(struct value_stream *stream, SEXP value) {
    R_xlen_t count = XLENGTH(value);
    const double *data = DATAPTR_OR_NULL(value);
    double block[BLOCK];

    if (data) {
        ws_hasher_doubles(stream->hasher, data, (size_t)count);
        return;
    }
    for (R_xlen_t i = 0; i < count; i += BLOCK) {
        R_xlen_t n = REAL_GET_REGION(value, i, BLOCK, block);
        ws_hasher_doubles(stream->hasher, block, (size_t)n);
    }
}

void value_absorb_integer64(struct value_stream *stream, SEXP value) {
    R_xlen_t count = XLENGTH(value);
    double block[BLOCK];

    for (R_xlen_t i = 0; i < count; i += BLOCK) {
        R_xlen_t n = REAL_GET_REGION(value, i, BLOCK, block);
        ws_hasher_int64(stream->hasher, (const int64_t *)(const void *)block, (size_t)n);
    }
}

/* R takes a complex number for missing where either part is, and its versions differ in what
 * they put into the other. */
static void settle_missing(Rcomplex *value) {
    if (R_IsNA(value->r) || R_IsNA(value->i)) {
        value->r = value->i = NA_REAL;
    }
}

void value_absorb_complex(struct value_stream *stream, SEXP value) {
    R_xlen_t count = XLENGTH(value);
    Rcomplex block[BLOCK];

    for (R_xlen_t i = 0; i < count; i += BLOCK) {
        R_xlen_t n = COMPLEX_GET_REGION(value, i, BLOCK, block);
        for (R_xlen_t k = 0; k < n; k++) {
            settle_missing(&block[k]);
        }
        ws_hasher_doubles(stream->hasher, &block[0].r, 2 * (size_t)n);
    }
}

void value_absorb_raw(struct value_stream *stream, SEXP value) {
    R_xlen_t count = XLENGTH(value);
    Rbyte block[BLOCK];

    for (R_xlen_t i = 0; i < count; i += BLOCK) {
        R_xlen_t n = RAW_GET_REGION(value, i, BLOCK, block);
        ws_hasher_bytes(stream->hasher, block, (size_t)n);
    }
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

static struct ws_digest digest_of_string(const struct value_stream *stream, SEXP string) {
    if (string == NA_STRING) {
        return ws_hasher_string(stream->hasher, WS_MISSING, NULL, 0);
    }
    const char *text = CHAR(string);
    size_t size = (size_t)LENGTH(string);
    if (is_ascii(text, size) || Rf_getCharCE(string) == CE_UTF8) {
        return ws_hasher_string(stream->hasher, WS_TEXT, text, size);
    }
    if (Rf_getCharCE(string) == CE_BYTES) {
        return ws_hasher_string(stream->hasher, WS_BYTES, text, size);
    }
    const void *mark = vmaxget();
    const char *utf8 = Rf_translateCharUTF8(string);
    struct ws_digest digest = ws_hasher_string(stream->hasher, WS_TEXT, utf8, strlen(utf8));
    vmaxset(mark);
    return digest;
}

/* Digests of a block through the cache; how many were in it. */
static size_t digest_cached(struct value_stream *stream, const SEXP *strings, size_t count,
                            struct ws_digest *digests) {
    size_t hits = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t mixed = (uint64_t)(uintptr_t)strings[i] * UINT64_C(0x9e3779b97f4a7c15);
        struct seen_string *seen = &stream->seen[mixed >> (64 - STRING_CACHE_BITS)];
        if (seen->string == strings[i]) {
            hits++;
        } else {
            seen->digest = digest_of_string(stream, strings[i]);
            seen->string = strings[i];
        }
        digests[i] = seen->digest;
    }
    return hits;
}

/* Whether its own bytes are what counts: ASCII or UTF-8, as nearly all are. */
static inline bool is_plain_text(SEXP string, const char *text, size_t size) {
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
static void digest_abreast(const struct value_stream *stream, const SEXP *strings, size_t count,
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
    ws_hasher_hash_each(stream->hasher, texts, count, digests);
    for (size_t k = 0; k < other_count; k++) {
        digests[others[k]] = digest_of_string(stream, strings[others[k]]);
    }
}

static void digest_each(const struct value_stream *stream, const SEXP *strings, size_t count,
                        size_t fetchable, struct ws_digest *digests) {
    for (size_t i = 0; i < count; i += ABREAST) {
        size_t n = count - i < ABREAST ? count - i : ABREAST;
        digest_abreast(stream, strings + i, n, fetchable - i, digests + i);
    }
}

/* The cache, empty: an address says which string it is only while a vector holds the string, and
 * the one before may be gone. False where there is no memory: then each string is read each time,
 * slower, and the same. */
static bool empty_cache(struct value_stream *stream) {
    const size_t size = ((size_t)1 << STRING_CACHE_BITS) * sizeof *stream->seen;

    if (stream->seen) {
        memset(stream->seen, 0, size);
    } else {
        stream->seen = calloc(1, size);
    }
    return stream->seen != NULL;
}

static void absorb_held(struct value_stream *stream, const SEXP *strings, size_t count) {
    struct ws_digest digests[STRINGS];
    bool cached = count > BLOCK && empty_cache(stream);
    size_t hits = STRINGS;

    for (size_t i = 0, blocks = 0; i < count; i += STRINGS, blocks++) {
        size_t n = count - i < STRINGS ? count - i : STRINGS;
        /* Where strings seldom recur the cache costs more than it saves; asked again now and
         * then. */
        if (cached && (hits >= STRINGS / 4 || blocks % 256 == 0)) {
            hits = digest_cached(stream, strings + i, n, digests);
        } else {
            digest_each(stream, strings + i, n, count - i, digests);
        }
        ws_hasher_bytes(stream->hasher, digests, n * sizeof *digests);
    }
}

/* Of a vector that makes its strings when they are asked for, and need not keep them. */
static void absorb_made(struct value_stream *stream, SEXP value) {
    SEXP block = PROTECT(Rf_allocVector(STRSXP, STRINGS));
    R_xlen_t count = XLENGTH(value);

    for (R_xlen_t i = 0; i < count; i += STRINGS) {
        R_xlen_t n = count - i < STRINGS ? count - i : STRINGS;
        for (R_xlen_t k = 0; k < n; k++) {
            SET_STRING_ELT(block, k, STRING_ELT(value, i + k));
        }
        absorb_held(stream, STRING_PTR_RO(block), (size_t)n);
    }
    UNPROTECT(1);
}

void value_absorb_strings(struct value_stream *stream, SEXP value) {
    const SEXP *strings = DATAPTR_OR_NULL(value);

    if (strings) {
        absorb_held(stream, strings, (size_t)XLENGTH(value));
    } else {
        absorb_made(stream, value);
    }
}

void value_stream_free(struct value_stream *stream) {
    ws_hasher_free(stream->hasher);
    free(stream->seen);
}

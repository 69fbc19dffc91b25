/*
 * value-walk: an R value as a stream of frames, absorbed into a hasher.
 *
 *     value_begin(hasher)                once, at the beginning of a stream
 *     value_absorb(&walk, tag, value)    each value, under its tag
 *
 * Whatever is not to be fingerprinted is an R error: what a walk holds is freed by
 * value_stream_free, which the caller has R call for it.
 */
#ifndef WS_VALUE_WALK_H
#define WS_VALUE_WALK_H

#include "value-vectors.h"

/* What to do with environments and the like; R knows the numbers too. */
enum value_mode {
    MODE_STOP,   /* they are an error */
    MODE_IGNORE, /* they are left out */
    MODE_DEEP,   /* environments count by what they bind, formulas by what they refer to */
    MODE_STRICT, /* the same, and data frames by all of their attributes */
};

/* Each binding is walked once, so that functions may use each other, and environments contain
 * themselves. */
struct value_walk {
    struct value_stream stream;
    SEXP seen; /* a list of one: a pairlist of environments, each tagged with the name in it */
    enum value_mode mode;
};

struct value_tag {
    const char *text;
    uint32_t size;
};

static const struct value_tag value_no_tag = {"", 0};

struct value_tag value_tag_of(const char *text);
void value_begin(struct ws_hasher *hasher);
void value_absorb(struct value_walk *walk, struct value_tag tag, SEXP value);

#endif

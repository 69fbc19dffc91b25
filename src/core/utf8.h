/*
 * utf8: one character of UTF-8 at a time, as RFC 3629 has it: no overlong forms, no surrogates,
 * nothing above U+10FFFF.
 *
 *     for (size_t i = 0; i < size; i += step) {
 *         step = ws_utf8_next(text + i, size - i, &point);     0: this is not UTF-8
 *     }
 */
#ifndef WS_UTF8_H
#define WS_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Size of the character at `text`, of which `left` > 0 bytes may be read, and its code point;
 * 0 where there is none. */
static inline size_t ws_utf8_next(const uint8_t *text, size_t left, uint32_t *point) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t first = text[0];
    size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (size > left || (first >= 0x80 && first < 0xc2) || first > 0xf4) {
        return 0;
    }
    uint32_t value = size > 1 ? first & (0x7fu >> size) : first;
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (text[i] & 0x3f);
    }
    if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
        return 0;
    }
    *point = value;
    return size;
}

#endif

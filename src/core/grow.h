/*
 * grow: an array that takes one element more.
 *
 *     struct x *more = ws_with_room(array, sizeof *more, count, &room);
 *     if (!more) return WS_NO_MEMORY;     // `array` is as it was
 *     array = more;
 *     array[count++] = ...;
 */
#ifndef WS_GROW_H
#define WS_GROW_H

#include <stddef.h>
#include <stdlib.h>

/* `elements` with room for more than `count` of `size` bytes; NULL where memory is out. */
static inline void *ws_with_room(void *elements, size_t size, size_t count, size_t *room) {
    if (count < *room) {
        return elements;
    }
    size_t wanted = *room + *room / 2 + 16;
    void *larger = realloc(elements, wanted * size);
    if (larger) {
        *room = wanted;
    }
    return larger;
}

#endif

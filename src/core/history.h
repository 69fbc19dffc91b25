/*
 * history: how a fit came to where it is, iterate by iterate, in bounded space. Pure: no I/O, no
 * clock, no allocation.
 *
 *     ws_history_start(&history)            nothing yet
 *     ws_history_add(&history, &point) ...  one iterate more
 *     ws_history_cut(&history, seconds)     those that follow are another run's
 *     ws_history_encode / _decode           bytes and back
 *
 * Of more iterates than WS_HISTORY_POINTS every second, fourth, eighth ... is kept, evenly spaced
 * from the first on; besides these the best and the last.
 *
 * As bytes, little-endian, bytes that are not named zero:
 *
 *     offset size  field
 *          0    4  spacing: of how many iterates one is kept, a power of two
 *          4    4  iterates since the last that was kept for its place, less than the spacing
 *          8   24  each point:
 *               8    objective, IEEE double, finite; 0 where absent
 *               8    iteration, at most 2^53; 0 where absent
 *               4    seconds of fitting until then, all runs together, IEEE single, never less
 *                    than before
 *               2    run, from 1, never less than before
 *               1    flags: 1 has an objective, 2 has an iteration, 4 went to the disk, 8 is kept
 *                    for its place
 */
#ifndef WS_HISTORY_H
#define WS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

#define WS_HISTORY_POINTS 64 /* a curve's shape; and with 2 KiB of payload in one disk block */
#define WS_HISTORY_HEAD 8
#define WS_HISTORY_POINT 24
#define WS_HISTORY_MAX (WS_HISTORY_HEAD + WS_HISTORY_POINTS * WS_HISTORY_POINT) /* bytes */

struct ws_point {
    bool has_objective;
    bool has_iteration;
    bool written;
    double objective;
    uint64_t iteration;
    double seconds; /* to add: of this run; as read: of all */
    uint16_t run;   /* as read */
};

/* A value; the fields are this module's. Points are kept as they are encoded. */
struct ws_history {
    size_t count;
    bool has_best;
    size_t best;
    double lowest;
    uint32_t spacing;
    uint32_t since;
    uint16_t run;
    double before; /* seconds of the runs before */
    uint8_t points[WS_HISTORY_POINTS * WS_HISTORY_POINT];
};

void ws_history_start(struct ws_history *history);
/* Numbers are in their domains: the objective finite, the iteration at most 2^53, seconds not
 * negative. Seconds that run backwards stand still. */
void ws_history_add(struct ws_history *history, const struct ws_point *point);
/* The last point did not get to the disk after all. */
void ws_history_not_written(struct ws_history *history);
/* Those that follow are another run's; this one took so many seconds, 0 where the history was
 * decoded and nothing is known but its last point's. */
void ws_history_cut(struct ws_history *history, double seconds);

/* `index` is less than `history->count`. */
struct ws_point ws_history_point(const struct ws_history *history, size_t index);

/* Returns how many bytes it took; none where there is no point. */
size_t ws_history_encode(const struct ws_history *history, uint8_t bytes[WS_HISTORY_MAX]);
/* WS_DAMAGED where any field is outside its domain. */
enum ws_status ws_history_decode(const uint8_t *bytes, size_t size, struct ws_history *history);

#endif

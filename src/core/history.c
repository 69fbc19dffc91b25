#include "history.h"

#include <math.h>
#include <string.h>

#include "bytes.h"
#include "record.h"

enum field { AT_OBJECTIVE = 0, AT_ITERATION = 8, AT_SECONDS = 16, AT_RUN = 20, AT_FLAGS = 22 };

enum flag { HAS_OBJECTIVE = 1, HAS_ITERATION = 2, WRITTEN = 4, IN_PLACE = 8, FLAGS = 15 };

#define SPACING_MAX ((uint32_t)1 << 31)

static uint8_t *at(struct ws_history *history, size_t index) {
    return history->points + index * WS_HISTORY_POINT;
}

static const uint8_t *in(const struct ws_history *history, size_t index) {
    return history->points + index * WS_HISTORY_POINT;
}

static bool is_in_place(const struct ws_history *history, size_t index) {
    return (in(history, index)[AT_FLAGS] & IN_PLACE) != 0;
}

void ws_history_start(struct ws_history *history) {
    history->count = 0;
    history->has_best = false;
    history->spacing = 1;
    history->since = 0;
    history->run = 1;
    history->before = 0;
}

static void drop(struct ws_history *history, size_t index) {
    history->count--;
    memmove(at(history, index), in(history, index + 1),
            (history->count - index) * WS_HISTORY_POINT);
}

/* The points that were kept for being the last or the best, and are not any more. */
static void drop_superseded(struct ws_history *history, bool is_best) {
    size_t last = history->count - 1;

    if (is_best && history->has_best && !is_in_place(history, history->best)) {
        drop(history, history->best);
        last = history->count - 1;
    }
    if (history->count > 0 && !is_in_place(history, last) &&
        (is_best || !history->has_best || history->best != last)) {
        history->count--;
    }
}

/* Every other point goes, but for the best. */
static void thin(struct ws_history *history) {
    size_t kept = 0;
    bool stays = false; /* the one in place that was looked at last */

    for (size_t i = 0; i < history->count; i++) {
        bool in_place = is_in_place(history, i);
        bool is_best = history->has_best && history->best == i;
        stays = in_place ? !stays : stays;
        if ((in_place && stays) || is_best) {
            memmove(at(history, kept), in(history, i), WS_HISTORY_POINT);
            if (!stays) {
                at(history, kept)[AT_FLAGS] &= (uint8_t)~IN_PLACE;
            }
            history->best = is_best ? kept : history->best;
            kept++;
        }
    }
    history->count = kept;
    if (history->spacing < SPACING_MAX) {
        history->since += stays ? 0 : history->spacing;
        history->spacing *= 2;
    }
}

static float bits_as_single(uint32_t bits) {
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t single_as_bits(float value) {
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float seconds_at(const struct ws_history *history, size_t index) {
    return bits_as_single(ws_get_u32(in(history, index) + AT_SECONDS));
}

static void put_point(struct ws_history *history, const struct ws_point *point, float seconds,
                      bool in_place) {
    uint8_t *bytes = at(history, history->count);

    ws_put_double(bytes + AT_OBJECTIVE, point->has_objective ? point->objective : 0);
    ws_put_u64(bytes + AT_ITERATION, point->has_iteration ? point->iteration : 0);
    ws_put_u32(bytes + AT_SECONDS, single_as_bits(seconds));
    ws_put_u16(bytes + AT_RUN, history->run);
    ws_put_u16(bytes + AT_FLAGS,
               (uint16_t)((point->has_objective ? HAS_OBJECTIVE : 0) |
                          (point->has_iteration ? HAS_ITERATION : 0) |
                          (point->written ? WRITTEN : 0) | (in_place ? IN_PLACE : 0)));
}

void ws_history_add(struct ws_history *history, const struct ws_point *point) {
    bool is_best =
        point->has_objective && (!history->has_best || point->objective < history->lowest);
    float seconds = (float)(history->before + point->seconds);

    if (history->count > 0) {
        float last = seconds_at(history, history->count - 1);
        seconds = seconds > last ? seconds : last;
        drop_superseded(history, is_best);
    }
    if (is_best) {
        history->has_best = false; /* the former one has no claim to stay */
    }
    if (history->count == WS_HISTORY_POINTS) {
        thin(history);
    }
    bool in_place = history->count == 0 || ++history->since >= history->spacing;
    if (in_place) {
        history->since = 0;
    }
    if (is_best) {
        history->has_best = true;
        history->best = history->count;
        history->lowest = point->objective;
    }
    put_point(history, point, seconds, in_place);
    history->count++;
}

void ws_history_not_written(struct ws_history *history) {
    if (history->count > 0) {
        at(history, history->count - 1)[AT_FLAGS] &= (uint8_t)~WRITTEN;
    }
}

/* Where a run was cut is worth a point as any other place. */
void ws_history_cut(struct ws_history *history, double seconds) {
    size_t last = history->count - 1;

    history->before += seconds;
    if (history->count > 0 && ws_history_point(history, last).run == history->run) {
        at(history, last)[AT_FLAGS] |= IN_PLACE;
        history->run = (uint16_t)(history->run < UINT16_MAX ? history->run + 1 : UINT16_MAX);
    }
}

struct ws_point ws_history_point(const struct ws_history *history, size_t index) {
    const uint8_t *bytes = in(history, index);
    uint8_t flags = bytes[AT_FLAGS];

    return (struct ws_point){
        .has_objective = (flags & HAS_OBJECTIVE) != 0,
        .has_iteration = (flags & HAS_ITERATION) != 0,
        .written = (flags & WRITTEN) != 0,
        .objective = ws_get_double(bytes + AT_OBJECTIVE),
        .iteration = ws_get_u64(bytes + AT_ITERATION),
        .seconds = (double)seconds_at(history, index),
        .run = ws_get_u16(bytes + AT_RUN),
    };
}

size_t ws_history_encode(const struct ws_history *history, uint8_t bytes[WS_HISTORY_MAX]) {
    if (history->count == 0) {
        return 0;
    }
    ws_put_u32(bytes, history->spacing);
    ws_put_u32(bytes + 4, history->since);
    memcpy(bytes + WS_HISTORY_HEAD, history->points, history->count * WS_HISTORY_POINT);
    return WS_HISTORY_HEAD + history->count * WS_HISTORY_POINT;
}

static bool point_is_valid(const struct ws_history *history, size_t index) {
    struct ws_point point = ws_history_point(history, index);
    const uint8_t *bytes = in(history, index);
    double least = index > 0 ? (double)seconds_at(history, index - 1) : 0;
    uint16_t first_run = index > 0 ? ws_get_u16(in(history, index - 1) + AT_RUN) : 1;

    return isfinite(point.objective) && (point.has_objective || point.objective == 0) &&
           point.iteration <= WS_ITERATION_MAX && (point.has_iteration || point.iteration == 0) &&
           isfinite(point.seconds) && point.seconds >= least && point.run >= first_run &&
           bytes[AT_FLAGS] <= FLAGS && bytes[AT_FLAGS + 1] == 0;
}

enum ws_status ws_history_decode(const uint8_t *bytes, size_t size, struct ws_history *history) {
    if (size < WS_HISTORY_HEAD + WS_HISTORY_POINT || size > WS_HISTORY_MAX ||
        (size - WS_HISTORY_HEAD) % WS_HISTORY_POINT != 0) {
        return WS_DAMAGED;
    }
    ws_history_start(history);
    history->spacing = ws_get_u32(bytes);
    history->since = ws_get_u32(bytes + 4);
    if (history->spacing == 0 || (history->spacing & (history->spacing - 1)) != 0 ||
        history->since >= history->spacing) {
        return WS_DAMAGED;
    }
    history->count = (size - WS_HISTORY_HEAD) / WS_HISTORY_POINT;
    memcpy(history->points, bytes + WS_HISTORY_HEAD, size - WS_HISTORY_HEAD);
    for (size_t i = 0; i < history->count; i++) {
        struct ws_point point = ws_history_point(history, i);
        if (!point_is_valid(history, i)) {
            return WS_DAMAGED;
        }
        if (point.has_objective && (!history->has_best || point.objective < history->lowest)) {
            history->has_best = true;
            history->best = i;
            history->lowest = point.objective;
        }
    }
    history->run = ws_history_point(history, history->count - 1).run;
    history->before = (double)seconds_at(history, history->count - 1);
    return WS_OK;
}

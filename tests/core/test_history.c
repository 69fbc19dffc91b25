#include "fixtures.h"

#include "history.h"

static struct ws_point point_at(uint64_t iteration, double objective) {
    return (struct ws_point){.has_objective = isfinite(objective),
                             .has_iteration = true,
                             .written = true,
                             .objective = isfinite(objective) ? objective : 0,
                             .iteration = iteration,
                             .seconds = (double)iteration};
}

static void add(struct ws_history *history, uint64_t iteration, double objective) {
    struct ws_point point = point_at(iteration, objective);

    ws_history_add(history, &point);
}

static uint64_t iteration_at(const struct ws_history *history, size_t index) {
    return ws_history_point(history, index).iteration;
}

static bool holds_iteration(const struct ws_history *history, uint64_t iteration) {
    for (size_t i = 0; i < history->count; i++) {
        if (iteration_at(history, i) == iteration) {
            return true;
        }
    }
    return false;
}

static uint64_t last_iteration(const struct ws_history *history) {
    return iteration_at(history, history->count - 1);
}

/* Of `count` iterates, numbered from 1, whose objectives go down. */
static struct ws_history descent(uint64_t count) {
    struct ws_history history;

    ws_history_start(&history);
    for (uint64_t i = 1; i <= count; i++) {
        add(&history, i, -(double)i);
    }
    return history;
}

static bool same_history(const struct ws_history *a, const struct ws_history *b) {
    uint8_t x[WS_HISTORY_MAX];
    uint8_t y[WS_HISTORY_MAX];
    size_t size = ws_history_encode(a, x);

    return size == ws_history_encode(b, y) && memcmp(x, y, size) == 0;
}

TEST("as many iterates as there are points are all kept") {
    struct ws_history history = descent(WS_HISTORY_POINTS);

    CHECK(history.count == WS_HISTORY_POINTS);
    for (size_t i = 0; i < history.count; i++) {
        CHECK(iteration_at(&history, i) == i + 1);
    }
}

TEST("a point is read as it was added") {
    struct ws_history history;
    struct ws_point point = {.has_objective = true,
                             .has_iteration = true,
                             .objective = -12.5,
                             .iteration = WS_ITERATION_MAX,
                             .seconds = 2.5};

    ws_history_start(&history);
    ws_history_add(&history, &point);
    struct ws_point got = ws_history_point(&history, 0);
    CHECK(got.has_objective && got.has_iteration && !got.written);
    CHECK(got.objective == -12.5 && got.iteration == WS_ITERATION_MAX && got.seconds == 2.5);
    CHECK(got.run == 1);
}

TEST("whatever the number of iterates, first, last and best are kept, in order and bounded") {
    for (uint64_t best = 1; best < 3000; best += 97) {
        struct ws_history history;
        ws_history_start(&history);
        for (uint64_t i = 1; i <= 3000; i++) {
            add(&history, i, i == best ? -1 : (double)(i % 7));
            CHECK(history.count <= WS_HISTORY_POINTS);
            CHECK(iteration_at(&history, 0) == 1 && last_iteration(&history) == i);
            CHECK(i < best || holds_iteration(&history, best));
        }
        for (size_t i = 1; i < history.count; i++) {
            CHECK(iteration_at(&history, i) > iteration_at(&history, i - 1));
        }
    }
}

TEST("points of a long story lie evenly") {
    struct ws_history history = descent(100000);
    uint64_t spacing = iteration_at(&history, 1) - 1;

    CHECK(history.count > WS_HISTORY_POINTS / 3 && spacing == history.spacing);
    for (size_t i = 2; i + 1 < history.count; i++) {
        CHECK(iteration_at(&history, i) - iteration_at(&history, i - 1) == spacing);
    }
}

TEST("iterates without objective are kept too, and none is best") {
    struct ws_history history;

    ws_history_start(&history);
    for (uint64_t i = 1; i <= 1000; i++) {
        add(&history, i, NO_OBJECTIVE);
    }
    CHECK(last_iteration(&history) == 1000 && !ws_history_point(&history, 3).has_objective);
    add(&history, 1001, 5);
    add(&history, 1002, 6);
    CHECK(holds_iteration(&history, 1001));
}

TEST("seconds never run backwards") {
    struct ws_history history;
    struct ws_point point = point_at(1, 1);

    ws_history_start(&history);
    point.seconds = 10;
    ws_history_add(&history, &point);
    point.seconds = 3;
    ws_history_add(&history, &point);
    CHECK(ws_history_point(&history, 1).seconds == 10);
}

TEST("after a cut the run counts on, and seconds add up") {
    struct ws_history history = descent(5);

    ws_history_cut(&history, 5);
    add(&history, 4, -4);
    struct ws_point point = ws_history_point(&history, 5);
    CHECK(point.run == 2 && point.seconds == 5 + 4);
}

TEST("a cut without an iterate since the last is none, nor is one before the first") {
    struct ws_history history;

    ws_history_start(&history);
    ws_history_cut(&history, 0);
    add(&history, 1, 1);
    CHECK(ws_history_point(&history, 0).run == 1);
    ws_history_cut(&history, 0);
    ws_history_cut(&history, 0);
    add(&history, 2, 1);
    CHECK(ws_history_point(&history, 1).run == 2);
}

TEST("the last iterate before a cut is kept beside its successors") {
    struct ws_history history = descent(70);

    add(&history, 71, 0);
    ws_history_cut(&history, 0);
    add(&history, 1, 0);
    add(&history, 2, 0);
    CHECK(holds_iteration(&history, 71));
}

TEST("runs without end do not overflow their number") {
    struct ws_history history;

    ws_history_start(&history);
    for (uint64_t i = 0; i < 70000; i++) {
        add(&history, i, 0);
        ws_history_cut(&history, 0);
    }
    CHECK(ws_history_point(&history, history.count - 1).run == UINT16_MAX);
    CHECK(last_iteration(&history) == 69999);
}

TEST("what is encoded is what is decoded, and goes on in the same way") {
    for (uint64_t count = 1; count < 400; count += 13) {
        struct ws_history history = descent(count);
        struct ws_history got;
        uint8_t bytes[WS_HISTORY_MAX];
        size_t size = ws_history_encode(&history, bytes);

        CHECK_STATUS(ws_history_decode(bytes, size, &got), WS_OK);
        CHECK(same_history(&history, &got));
        ws_history_cut(&history, (double)count);
        ws_history_cut(&got, 0); /* that is in what was decoded */
        for (uint64_t i = 0; i < 100; i++) {
            add(&history, i, (double)(i % 5) - 1000);
            add(&got, i, (double)(i % 5) - 1000);
        }
        CHECK(same_history(&history, &got));
    }
}

TEST("no story takes no bytes") {
    struct ws_history history;
    uint8_t bytes[WS_HISTORY_MAX];

    ws_history_start(&history);
    CHECK(ws_history_encode(&history, bytes) == 0);
    CHECK_STATUS(ws_history_decode(bytes, 0, &history), WS_DAMAGED);
}

TEST("only whole points are a story") {
    struct ws_history history = descent(3);
    struct ws_history got;
    uint8_t bytes[WS_HISTORY_MAX];
    size_t size = ws_history_encode(&history, bytes);

    for (size_t cut = 0; cut < size; cut++) {
        bool whole = cut > WS_HISTORY_HEAD && (cut - WS_HISTORY_HEAD) % WS_HISTORY_POINT == 0;
        CHECK_STATUS(ws_history_decode(bytes, cut, &got), whole ? WS_OK : WS_DAMAGED);
    }
}

/* What decoding says of three points in which `size` bytes at `offset` are `value`. */
static enum ws_status decode_lie(size_t offset, size_t size, uint64_t value) {
    struct ws_history history = descent(3);
    uint8_t bytes[WS_HISTORY_MAX];
    size_t whole = ws_history_encode(&history, bytes);

    for (size_t i = 0; i < size; i++) {
        bytes[offset + i] = (uint8_t)(value >> (8 * i));
    }
    return ws_history_decode(bytes, whole, &history);
}

#define SECOND_POINT (WS_HISTORY_HEAD + WS_HISTORY_POINT)

TEST("a story changed by hand is believed where it tells no lie") {
    CHECK_STATUS(decode_lie(SECOND_POINT + 8, 8, 77), WS_OK);
}

TEST("a spacing that is no power of two is damaged") {
    CHECK_STATUS(decode_lie(0, 4, 0), WS_DAMAGED);
    CHECK_STATUS(decode_lie(0, 4, 3), WS_DAMAGED);
    CHECK_STATUS(decode_lie(4, 4, 1), WS_DAMAGED);
}

TEST("numbers outside their domains are damaged") {
    CHECK_STATUS(decode_lie(SECOND_POINT, 8, 0x7ff8000000000000u), WS_DAMAGED);
    CHECK_STATUS(decode_lie(SECOND_POINT, 8, 0x7ff0000000000000u), WS_DAMAGED);
    CHECK_STATUS(decode_lie(SECOND_POINT + 8, 8, WS_ITERATION_MAX + 1), WS_DAMAGED);
    CHECK_STATUS(decode_lie(SECOND_POINT + 16, 4, 0x7fc00000u), WS_DAMAGED);
    CHECK_STATUS(decode_lie(SECOND_POINT + 16, 4, 0x7f800000u), WS_DAMAGED);
    CHECK_STATUS(decode_lie(SECOND_POINT + 16, 4, 0xbf800000u), WS_DAMAGED);
}

TEST("time or runs that go backwards are damaged") {
    CHECK_STATUS(decode_lie(SECOND_POINT + 16, 4, 0x3f000000u), WS_DAMAGED); /* 0.5 after 1 */
    CHECK_STATUS(decode_lie(SECOND_POINT + 20, 2, 0), WS_DAMAGED);
    CHECK_STATUS(decode_lie(SECOND_POINT + 20, 2, 2), WS_DAMAGED); /* and the next is 1 */
}

TEST("unknown flags, and values that are flagged absent, are damaged") {
    CHECK_STATUS(decode_lie(SECOND_POINT + 22, 1, 16), WS_DAMAGED);
    CHECK_STATUS(decode_lie(SECOND_POINT + 23, 1, 1), WS_DAMAGED);
    CHECK_STATUS(decode_lie(SECOND_POINT + 22, 1, 2), WS_DAMAGED);
    CHECK_STATUS(decode_lie(SECOND_POINT + 22, 1, 1), WS_DAMAGED);
}

/* A digest is no signature: whoever can write the bytes can flag every point as they like. */
TEST("whatever the flags of a full story, it stays bounded when it goes on") {
    uint64_t chance = 11;

    for (int trial = 0; trial < 300; trial++) {
        struct ws_history history = descent(WS_HISTORY_POINTS);
        uint8_t bytes[WS_HISTORY_MAX];
        size_t size = ws_history_encode(&history, bytes);
        uint64_t dense = draw_below(&chance, 5);

        for (size_t i = 0; i < WS_HISTORY_POINTS; i++) {
            bool in_place = dense == 0 ? false : draw_below(&chance, dense) == 0;
            bytes[WS_HISTORY_HEAD + i * WS_HISTORY_POINT + 22] = in_place ? 15 : 7;
        }
        CHECK_STATUS(ws_history_decode(bytes, size, &history), WS_OK);
        for (uint64_t i = 0; i < 500; i++) {
            add(&history, i, (double)draw_below(&chance, 9));
            CHECK(history.count >= 1 && history.count <= WS_HISTORY_POINTS);
            CHECK(last_iteration(&history) == i);
        }
        size = ws_history_encode(&history, bytes);
        CHECK_STATUS(ws_history_decode(bytes, size, &history), WS_OK);
    }
}

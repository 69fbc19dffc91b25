#include "fixtures.h"
#include "round.h"

#define ROOM 1000

/* With a chance of its own, the same each time. */
static struct ws_turn turn_at(int64_t used) {
    uint64_t state = (uint64_t)used;

    return (struct ws_turn){.used = used, .id = draw(&state)};
}

static void keep(struct ws_round *round, int64_t used, uint64_t bytes) {
    struct ws_turn turn = turn_at(used);

    ws_round_keep(round, &turn, bytes);
    ws_round_count(round, bytes);
}

static bool takes(struct ws_round *round, int64_t used, uint64_t bytes) {
    struct ws_turn turn = turn_at(used);

    return ws_round_takes(round, &turn, bytes);
}

/* Turns. */

TEST("who was used earlier has the earlier turn, and of two at once the lower id") {
    struct ws_turn early = {.used = -1, .id = 9};
    struct ws_turn low = {.used = 1, .id = 1};
    struct ws_turn high = {.used = 1, .id = UINT64_MAX};

    CHECK(ws_turn_compare(&early, &low) < 0 && ws_turn_compare(&low, &early) > 0);
    CHECK(ws_turn_compare(&low, &high) < 0 && ws_turn_compare(&high, &low) > 0);
    CHECK(ws_turn_compare(&high, &high) == 0);
}

/* Clocks. */

#define NOON (10000 * WS_DAY + WS_DAY / 2)

static int64_t believed(struct ws_round *round, int64_t now) {
    int64_t time = ws_round_tell_time(round, now);

    round->went_on = now;
    return time;
}

TEST("a new round believes a clock after a day") {
    struct ws_round round;

    ws_round_start(&round, NOON);
    CHECK(believed(&round, NOON) == 0);
    CHECK(believed(&round, NOON + WS_DAY - 1) == 0);
    CHECK(believed(&round, NOON + WS_DAY) == NOON + WS_DAY);
}

TEST("after a leap ahead a round believes the time before it, for a day") {
    struct ws_round round = {.went_on = NOON};

    CHECK(believed(&round, NOON + WS_DAY) == NOON + WS_DAY);
    int64_t ahead = NOON + 40 * WS_DAY;
    CHECK(believed(&round, ahead) == NOON + WS_DAY);
    CHECK(believed(&round, ahead + WS_DAY - 1) == NOON + WS_DAY);
    CHECK(believed(&round, ahead + WS_DAY) == ahead + WS_DAY);
}

TEST("after a leap back a round knows no time, and begins anew") {
    struct ws_round round = {.went_on = NOON + 40 * WS_DAY, .branch = 7};

    CHECK(believed(&round, NOON) == 0);
    CHECK(round.branch == 0 && round.steady == NOON);
}

TEST("clocks less than a day apart are steady") {
    struct ws_round round = {.went_on = NOON};

    CHECK(believed(&round, NOON - WS_DAY) == NOON - WS_DAY);
    CHECK(believed(&round, NOON) == NOON);
}

/* What has to go. */

TEST("in a round that begins nothing has to go") {
    struct ws_round round = {0};

    CHECK(!takes(&round, INT64_MIN, 1) && !takes(&round, 0, 1));
}

TEST("where all has room nothing has to go") {
    struct ws_round round = {0};

    keep(&round, 1, ROOM);
    ws_round_end(&round, ROOM);
    CHECK(!takes(&round, 1, ROOM));
}

TEST("what was used longest ago has to go, in whatever order it came") {
    static const int64_t used[] = {5, 2, 9, 1, 7, 3, 8, 4, 6};
    struct ws_round round = {0};

    for (size_t i = 0; i < 9; i++) {
        keep(&round, used[i], 100);
    }
    ws_round_end(&round, 900 - 250);
    for (size_t i = 0; i < 9; i++) {
        CHECK(takes(&round, used[i], 100) == (used[i] <= 3));
    }
}

TEST("no more is taken than is too much, though more would be old enough") {
    struct ws_round round = {0};

    keep(&round, 1, 100);
    keep(&round, 2, 100);
    ws_round_end(&round, 150);
    CHECK(takes(&round, 0, 30) && takes(&round, 0, 30) && !takes(&round, 0, 30));
}

TEST("what may not go takes room from what may") {
    struct ws_round round = {0};

    ws_round_count(&round, ROOM);
    keep(&round, 1, 100);
    keep(&round, 2, 100);
    ws_round_end(&round, ROOM);
    CHECK(takes(&round, 1, 100) && takes(&round, 2, 100) && !takes(&round, 2, 100));
}

TEST("the end of a round begins the next") {
    struct ws_round round = {.branch = WS_BRANCHES};

    keep(&round, 1, 100);
    ws_round_end(&round, 0);
    CHECK(round.branch == 0 && round.kept == 0 && round.sampled == 0 && round.excess == 100);
}

/* The sample. */

/* Of `count` runs, used at `used_of(i)`, of `size_of(i)`, a sixteenth has to go: what the limit
 * lets go is enough, and not much more. */
static void expect_close(const char *what, uint64_t count, int64_t (*used_of)(uint64_t),
                         uint64_t (*size_of)(uint64_t)) {
    struct ws_round round = {0};
    uint64_t all = 0;
    uint64_t old_enough = 0;

    for (uint64_t i = 0; i < count; i++) {
        keep(&round, used_of(i), size_of(i));
        all += size_of(i);
    }
    uint64_t excess = all / WS_SWEEP_SHARE;
    ws_round_end(&round, all - excess);
    CHECK(round.excess == excess);
    for (uint64_t i = 0; i < count; i++) {
        struct ws_turn turn = turn_at(used_of(i));
        old_enough += ws_turn_compare(&turn, &round.limit) <= 0 ? size_of(i) : 0;
    }
    printf("# %s: %.2f %% old enough\n", what, 100 * (double)old_enough / (double)all);
    CHECK(old_enough >= excess - all / 50 && old_enough <= excess + all / 10);
}

static uint64_t mixed(uint64_t i) { return draw(&i); }
static uint64_t equal_size(uint64_t i) { return i < UINT64_MAX ? 1000 : 0; }
static uint64_t any_size(uint64_t i) { return 1 + mixed(i + 7) % 1000000; }
static uint64_t few_large(uint64_t i) { return mixed(i + 9) % 1000 == 0 ? 100000000 : 1000; }
static int64_t rising(uint64_t i) { return (int64_t)i; }
static int64_t falling(uint64_t i) { return -(int64_t)i; }
static int64_t by_chance(uint64_t i) { return (int64_t)(mixed(i) >> 1); }
/* An hour a year ago, and one long before. */
static int64_t at_once(uint64_t i) {
    return i == 0 ? 1 : 365 * WS_DAY + (int64_t)(mixed(i) % 3600) * SECOND + (int64_t)i;
}

TEST("the last turn to go is found closely, whatever the times, sizes and order are") {
    enum { RUNS = 20000 };

    expect_close("times by chance", RUNS, by_chance, equal_size);
    expect_close("times by chance, any size", RUNS, by_chance, any_size);
    expect_close("times by chance, few large", RUNS, by_chance, few_large);
    expect_close("all at once", RUNS, at_once, equal_size);
    expect_close("rising", RUNS, rising, equal_size);
    expect_close("falling", RUNS, falling, any_size);
    expect_close("as many as are sampled", WS_SAMPLE, by_chance, any_size);
}

TEST("sizes that no disk has do not overflow") {
    struct ws_round round = {0};

    for (int i = 0; i < 3 * WS_SAMPLE; i++) {
        keep(&round, i, UINT64_MAX);
    }
    ws_round_end(&round, 0);
    CHECK(round.excess > UINT64_MAX / 8 && takes(&round, 0, UINT64_MAX) && round.excess == 0);
    for (int i = 0; i < 3 * WS_SAMPLE; i++) {
        keep(&round, i, 0);
    }
    ws_round_end(&round, 0);
    CHECK(!takes(&round, 0, 0));
}

/* Bytes. */

static struct ws_round some_round(void) {
    struct ws_round round = {.branch = 17,
                             .went_on = 12 * WS_DAY,
                             .owed = 0.25,
                             .excess = 400,
                             .steady = 11,
                             .settled = 9,
                             .dropped = 1.5,
                             .limit = {.used = -3, .id = 4}};

    keep(&round, 10, 100);
    keep(&round, 20, 200);
    return round;
}

static void sign(uint8_t bytes[WS_ROUND_BYTES]) {
    ws_put_u64(bytes + WS_ROUND_BYTES - 8, ws_hash_64(bytes, WS_ROUND_BYTES - 8));
}

TEST("a round is read as it was written") {
    struct ws_round round = some_round();
    struct ws_round again;
    uint8_t bytes[WS_ROUND_BYTES];

    ws_round_encode(&round, bytes);
    CHECK_STATUS(ws_round_decode(bytes, sizeof bytes, &again), WS_OK);
    CHECK(again.branch == 17 && again.went_on == 12 * WS_DAY && again.owed == 0.25);
    CHECK(again.steady == 11 && again.settled == 9);
    CHECK(again.kept == 300 && again.excess == 400);
    CHECK(again.limit.used == -3 && again.limit.id == 4 && again.sampled == 2);
    CHECK(again.dropped == 1.5 && again.sample[0].turn.used == 10);
    CHECK(again.sample[0].turn.id == turn_at(10).id);
    CHECK(again.sample[0].bytes == 100 && again.sample[1].bytes == 200);
}

TEST("the bytes are those of the table") {
    struct ws_round round = some_round();
    uint8_t bytes[WS_ROUND_BYTES];

    ws_round_encode(&round, bytes);
    CHECK(memcmp(bytes, "\x89WSWP\r\n\x1a\2\0\2\0\21\0\0\0", 16) == 0);
    CHECK(ws_get_u64(bytes + 16) == 12 * (uint64_t)WS_DAY && ws_get_double(bytes + 24) == 0.25);
    CHECK(ws_get_u64(bytes + 32) == 300 && ws_get_u64(bytes + 40) == 400);
    CHECK((int64_t)ws_get_u64(bytes + 48) == -3 && ws_get_u64(bytes + 56) == 4);
    CHECK(ws_get_double(bytes + 64) == 1.5);
    CHECK(ws_get_u64(bytes + 72) == 11 && ws_get_u64(bytes + 80) == 9);
    CHECK(ws_get_u64(bytes + 88) == 10 && ws_get_u64(bytes + 96) == turn_at(10).id);
    CHECK(ws_get_u64(bytes + 104) == 100 && ws_get_u64(bytes + 112) == 20);
    CHECK(ws_get_u64(bytes + 136) == 0);
}

TEST("a round that was cut or changed by a bit is none") {
    struct ws_round round = some_round();
    struct ws_round again;
    uint8_t bytes[WS_ROUND_BYTES];

    ws_round_encode(&round, bytes);
    for (size_t size = 0; size < sizeof bytes; size++) {
        CHECK(ws_round_decode(bytes, size, &again) != WS_OK);
    }
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(ws_round_decode(bytes, sizeof bytes, &again) != WS_OK);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    bytes[8] = 3;
    CHECK_STATUS(ws_round_decode(bytes, sizeof bytes, &again), WS_NEWER);
}

static void expect_refused(size_t at, const void *field, size_t size) {
    struct ws_round round = some_round();
    struct ws_round again;
    uint8_t bytes[WS_ROUND_BYTES];

    ws_round_encode(&round, bytes);
    memcpy(bytes + at, field, size);
    sign(bytes);
    CHECK_STATUS(ws_round_decode(bytes, sizeof bytes, &again), WS_DAMAGED);
}

TEST("a round that lies is none, though its digest fits") {
    uint8_t nan[8];
    uint8_t large[8];

    ws_put_double(nan, NAN);
    ws_put_double(large, WS_OWED_MAX + 1);
    expect_refused(10, "\1\1", 2);   /* runs in the sample */
    expect_refused(12, "\0\x10", 2); /* branch */
    expect_refused(24, nan, 8);      /* due */
    expect_refused(24, large, 8);
    expect_refused(24, "\0\0\0\0\0\0\xf0\xbf", 8); /* -1 */
    expect_refused(39, "\xff", 1);                 /* kept */
    expect_refused(47, "\xff", 1);                 /* excess */
    expect_refused(64, nan, 8);                    /* dropped */
    expect_refused(64, "\0\0\0\0\0\0\xf0\xbf", 8);
    expect_refused(79, "\xff", 1);  /* steady */
    expect_refused(87, "\xff", 1);  /* settled */
    expect_refused(111, "\xff", 1); /* bytes of a run */
}

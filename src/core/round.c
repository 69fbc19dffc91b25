#include "round.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "hash.h"

enum field {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_SAMPLED = 10,
    AT_BRANCH = 12,
    AT_WENT_ON = 16,
    AT_OWED = 24,
    AT_KEPT = 32,
    AT_EXCESS = 40,
    AT_LIMIT = 48,
    AT_DROPPED = 64,
    AT_STEADY = 72,
    AT_SETTLED = 80,
    AT_SAMPLE = 88,
    AT_DIGEST = AT_SAMPLE + 24 * WS_SAMPLE,
};

#define VERSION 2

static const uint8_t magic[8] = {0x89, 'W', 'S', 'W', 'P', 0x0d, 0x0a, 0x1a};

/* A store has less, and sums of two do not overflow. */
#define BYTES_MAX (UINT64_MAX / 4)

int ws_turn_compare(const struct ws_turn *a, const struct ws_turn *b) {
    if (a->used != b->used) {
        return a->used < b->used ? -1 : 1;
    }
    return (a->id > b->id) - (a->id < b->id);
}

static uint64_t sum_of(uint64_t a, uint64_t b) {
    return a < BYTES_MAX && b < BYTES_MAX - a ? a + b : BYTES_MAX;
}

bool ws_round_takes(struct ws_round *round, const struct ws_turn *turn, uint64_t bytes) {
    if (round->excess == 0 || ws_turn_compare(turn, &round->limit) > 0) {
        return false;
    }
    round->excess -= bytes < round->excess ? bytes : round->excess;
    return true;
}

static double priority(const struct ws_sampled *run) {
    uint64_t chance = run->turn.id % ((uint64_t)1 << 53) + 1;

    return (double)run->bytes / ldexp((double)chance, -53);
}

void ws_round_keep(struct ws_round *round, const struct ws_turn *turn, uint64_t bytes) {
    struct ws_sampled run = {.turn = *turn, .bytes = bytes < BYTES_MAX ? bytes : BYTES_MAX};

    if (round->sampled < WS_SAMPLE) {
        round->sample[round->sampled++] = run;
        return;
    }
    double lowest = priority(&run);
    for (size_t i = 0; i < WS_SAMPLE; i++) {
        double other = priority(&round->sample[i]);
        if (other < lowest) {
            struct ws_sampled displaced = round->sample[i];
            round->sample[i] = run;
            run = displaced;
            lowest = other;
        }
    }
    round->dropped = fmax(round->dropped, lowest);
}

void ws_round_count(struct ws_round *round, uint64_t bytes) {
    round->kept = sum_of(round->kept, bytes);
}

static int by_turn(const void *a, const void *b) {
    return ws_turn_compare(&((const struct ws_sampled *)a)->turn,
                           &((const struct ws_sampled *)b)->turn);
}

void ws_round_start(struct ws_round *round, int64_t now) {
    *round = (struct ws_round){.went_on = now - WS_DAY, .steady = now};
}

int64_t ws_round_tell_time(struct ws_round *round, int64_t now) {
    if (round->went_on > now + WS_DAY) { /* one of the clocks is wrong, and nobody knows which */
        ws_round_start(round, now);
    } else if (round->went_on < now - WS_DAY) {
        round->settled = round->went_on > 0 ? round->went_on : 0;
        round->steady = now;
    }
    return round->steady <= now - WS_DAY ? now : round->settled;
}

void ws_round_end(struct ws_round *round, uint64_t room) {
    double wanted = 0;
    double gone = 0;

    round->excess = round->kept > room ? round->kept - room : 0;
    if (round->excess > 0) {
        double margin = round->dropped > 0 ? (double)round->kept / 32 : 0;
        wanted = (double)round->excess + margin;
    }
    qsort(round->sample, round->sampled, sizeof *round->sample, by_turn);
    for (size_t i = 0; i < round->sampled && gone < wanted; i++) {
        gone += fmax((double)round->sample[i].bytes, round->dropped);
        round->limit = round->sample[i].turn;
    }
    if (gone == 0) {
        round->excess = 0; /* nothing may go */
    }
    round->branch = 0;
    round->kept = 0;
    round->dropped = 0;
    round->sampled = 0;
}

static void put_turn(uint8_t *bytes, const struct ws_turn *turn) {
    ws_put_u64(bytes, (uint64_t)turn->used);
    ws_put_u64(bytes + 8, turn->id);
}

static struct ws_turn get_turn(const uint8_t *bytes) {
    return (struct ws_turn){.used = (int64_t)ws_get_u64(bytes), .id = ws_get_u64(bytes + 8)};
}

void ws_round_encode(const struct ws_round *round, uint8_t bytes[WS_ROUND_BYTES]) {
    memset(bytes, 0, WS_ROUND_BYTES);
    memcpy(bytes + AT_MAGIC, magic, sizeof magic);
    ws_put_u16(bytes + AT_VERSION, VERSION);
    ws_put_u16(bytes + AT_SAMPLED, (uint16_t)round->sampled);
    ws_put_u32(bytes + AT_BRANCH, round->branch);
    ws_put_u64(bytes + AT_WENT_ON, (uint64_t)round->went_on);
    ws_put_double(bytes + AT_OWED, round->owed);
    ws_put_u64(bytes + AT_KEPT, round->kept);
    ws_put_u64(bytes + AT_EXCESS, round->excess);
    put_turn(bytes + AT_LIMIT, &round->limit);
    ws_put_double(bytes + AT_DROPPED, round->dropped);
    ws_put_u64(bytes + AT_STEADY, (uint64_t)round->steady);
    ws_put_u64(bytes + AT_SETTLED, (uint64_t)round->settled);
    for (size_t i = 0; i < round->sampled; i++) {
        uint8_t *run = bytes + AT_SAMPLE + 24 * i;
        put_turn(run, &round->sample[i].turn);
        ws_put_u64(run + 16, round->sample[i].bytes);
    }
    ws_put_u64(bytes + AT_DIGEST, ws_hash_64(bytes, AT_DIGEST));
}

static bool is_valid(const struct ws_round *round) {
    for (size_t i = 0; i < round->sampled; i++) {
        if (round->sample[i].bytes > BYTES_MAX) {
            return false;
        }
    }
    return round->branch < WS_BRANCHES && round->owed >= 0 && round->owed <= WS_OWED_MAX &&
           round->kept <= BYTES_MAX && round->excess <= BYTES_MAX && isfinite(round->dropped) &&
           round->dropped >= 0 && round->steady >= 0 && round->settled >= 0;
}

enum ws_status ws_round_decode(const uint8_t *bytes, size_t size, struct ws_round *round) {
    if (size < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0) {
        return WS_FOREIGN;
    }
    if (size >= AT_VERSION + 2 && ws_get_u16(bytes + AT_VERSION) > VERSION) {
        return WS_NEWER;
    }
    if (size < WS_ROUND_BYTES || ws_get_u16(bytes + AT_VERSION) != VERSION ||
        ws_get_u16(bytes + AT_SAMPLED) > WS_SAMPLE ||
        ws_get_u64(bytes + AT_DIGEST) != ws_hash_64(bytes, AT_DIGEST)) {
        return WS_DAMAGED;
    }
    round->sampled = ws_get_u16(bytes + AT_SAMPLED);
    round->branch = ws_get_u32(bytes + AT_BRANCH);
    round->went_on = (int64_t)ws_get_u64(bytes + AT_WENT_ON);
    round->owed = ws_get_double(bytes + AT_OWED);
    round->kept = ws_get_u64(bytes + AT_KEPT);
    round->excess = ws_get_u64(bytes + AT_EXCESS);
    round->limit = get_turn(bytes + AT_LIMIT);
    round->dropped = ws_get_double(bytes + AT_DROPPED);
    round->steady = (int64_t)ws_get_u64(bytes + AT_STEADY);
    round->settled = (int64_t)ws_get_u64(bytes + AT_SETTLED);
    for (size_t i = 0; i < round->sampled; i++) {
        const uint8_t *run = bytes + AT_SAMPLE + 24 * i;
        round->sample[i] =
            (struct ws_sampled){.turn = get_turn(run), .bytes = ws_get_u64(run + 16)};
    }
    return is_valid(round) ? WS_OK : WS_DAMAGED;
}

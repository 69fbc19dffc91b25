/*
 * round: how far the sweep of a store has come, and what it has learned, for whoever goes on with
 * it. Pure: no I/O, no clock, no allocation.
 *
 * A round goes through the store's branches once. It removes the runs that the round before has
 * found to be too many, and finds out which ones will be when it ends itself:
 *
 *     ws_round_takes(round, &turn, size)    of each run that may go: whether it has to; else
 *     ws_round_keep(round, &turn, size)
 *     ws_round_count(round, size)           of all that is left in a branch
 *     ws_round_end(round, room)             what is to go in the next one, so that `room` is left
 *
 * Runs go in the order of their turns. Which turn is the last to go needs no list of all: a round
 * keeps a priority sample, the WS_SAMPLE runs of the highest priority, which is the size over a
 * number from 0 to 1 that is the run's by chance. Each stands for its own size or for the highest
 * priority that was dropped, whichever is more. So up to WS_SAMPLE runs the last turn is exact, and
 * beyond that right to within 1.5 % of what is kept (one standard deviation, where a sixteenth has
 * to go), whatever the times and sizes are and in whatever order they come. It is set two of these
 * late; and as what is gone is counted, no more goes than has to.
 *
 * A round is a small file of the store, <path>/v1/.swept. All integers are little-endian; bytes
 * not named are zero:
 *
 *     offset size  field
 *          0    8  magic: 89 'W' 'S' 'W' 'P' 0d 0a 1a
 *          8    2  format version, 2
 *         10    2  runs in the sample
 *         12    4  the next branch
 *         16    8  when it last went on, ns since 1970-01-01 UTC, signed
 *         24    8  branches that are due, IEEE double, at most WS_OWED_MAX
 *         32    8  bytes kept so far
 *         40    8  bytes that have yet to go
 *         48   16  the last turn to go: time of last use, ns since 1970-01-01 UTC, signed; id
 *         64    8  the highest priority that was dropped, IEEE double
 *         72    8  since when the clocks are steady, ns since 1970-01-01 UTC
 *         80    8  when it had gone on before that, likewise
 *         88   24  each of WS_SAMPLE runs: its turn, its bytes
 *       6232    8  XXH3-64 of what comes before
 *
 * Version 1 had no word of clocks; a round of it is begun anew.
 *
 * A clock can be wrong, and by what it says all others' runs have expired. So a round knows since
 * when the clocks of those that went on with it have been steady, which is without a leap of more
 * than a day. What has expired goes by a clock that has been steady for a day; before, by the time
 * at which the round had gone on last.
 */
#ifndef WS_ROUND_H
#define WS_ROUND_H

#include "layout.h"
#include "rank.h"

#define WS_OWED_MAX (2.0 * WS_BRANCHES) /* a round that finds out, and one that removes */
#define WS_SAMPLE 256
#define WS_ROUND_BYTES (88 + 24 * WS_SAMPLE + 8)

/* When a run's turn to go comes: the least recently used first. */
struct ws_turn {
    int64_t used; /* ns since 1970-01-01 UTC */
    uint64_t id;  /* by chance; tells those apart that were used at the same time */
};

struct ws_sampled {
    struct ws_turn turn;
    uint64_t bytes;
};

struct ws_round {
    uint32_t branch; /* the next */
    int64_t went_on; /* ns since 1970-01-01 UTC */
    double owed;     /* branches that are due */
    uint64_t kept;   /* bytes, in the branches before */
    uint64_t excess; /* bytes that have yet to go */
    struct ws_turn limit;
    double dropped;  /* the highest priority that is not in the sample */
    int64_t steady;  /* since when the clocks are */
    int64_t settled; /* when it had gone on before that; 0: not known */
    size_t sampled;
    struct ws_sampled sample[WS_SAMPLE];
};

/* Less than, equal to or more than 0, as memcmp. */
int ws_turn_compare(const struct ws_turn *a, const struct ws_turn *b);

/* Whether the run is one of those that have to go; counts it as gone. */
bool ws_round_takes(struct ws_round *round, const struct ws_turn *turn, uint64_t bytes);
/* A run that may go, and stays for now. */
void ws_round_keep(struct ws_round *round, const struct ws_turn *turn, uint64_t bytes);
void ws_round_count(struct ws_round *round, uint64_t bytes);
/* A new round, of a store of which nothing is known. A day's share of it is due. */
void ws_round_start(struct ws_round *round, int64_t now);
/* What the clock of whoever goes on says. Returns the time by which runs expire. */
int64_t ws_round_tell_time(struct ws_round *round, int64_t now);
/* Begins the next round. */
void ws_round_end(struct ws_round *round, uint64_t room);

void ws_round_encode(const struct ws_round *round, uint8_t bytes[WS_ROUND_BYTES]);
/* WS_FOREIGN, WS_NEWER or WS_DAMAGED where the bytes are no round. */
enum ws_status ws_round_decode(const uint8_t *bytes, size_t size, struct ws_round *round);

#endif

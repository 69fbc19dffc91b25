/*
 * rank: the one order of a key's records, for whoever looks one up and whoever lists them. Pure: no
 * I/O, no clock, no allocation.
 *
 *     ws_rank_begin(&ranking, select, now)
 *     for each record: ws_rank_see(&ranking, record)                  what there is
 *     for each record: if (ws_rank_prefers(&ranking, record, chosen)) chosen = record
 *
 * Two passes, since what counts as best depends on all: a final record comes before any checkpoint,
 * and of final ones the newest counts, whatever their objectives are. A fit that was made again,
 * say after an upgrade, would else never be seen beside an older one that is lower by a rounding
 * error. Of checkpoints, which are iterates of one and the same fit, the lowest counts, and the
 * newest of those within WS_OBJECTIVE_TOLERANCE of it; one with an objective comes before one
 * without.
 *
 * Which slot of a live run's file is best is another question, which runfile.h answers.
 */
#ifndef WS_RANK_H
#define WS_RANK_H

#include "record.h"

#define WS_DAY ((int64_t)86400 * 1000000000) /* ns */

/* Objectives nearer than this are taken for equal. */
#define WS_OBJECTIVE_TOLERANCE 1e-12

enum ws_select {
    WS_BEST,  /* the newest final one; else the lowest objective */
    WS_LATEST /* newest; objectives and kinds ignored */
};

/* A value; the fields are this module's. */
struct ws_ranking {
    enum ws_select select;
    int64_t now;
    bool has_final;
    bool has_objective; /* a checkpoint has one */
    double lowest;      /* of the checkpoints */
};

void ws_rank_begin(struct ws_ranking *ranking, enum ws_select select, int64_t now);
void ws_rank_see(struct ws_ranking *ranking, const struct ws_record *record);
/* Whether a record that was seen comes before `chosen`, which is NULL or was preferred before. */
bool ws_rank_prefers(const struct ws_ranking *ranking, const struct ws_record *record,
                     const struct ws_record *chosen);

/* A time more than a day ahead is a wrong clock's: such a record is older than any other. */
bool ws_rank_is_ahead(int64_t written, int64_t now);
bool ws_rank_is_newer(const struct ws_record *a, const struct ws_record *b, int64_t now);

#endif

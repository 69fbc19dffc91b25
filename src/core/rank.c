#include "rank.h"

void ws_rank_begin(struct ws_ranking *ranking, enum ws_select select, int64_t now) {
    *ranking = (struct ws_ranking){.select = select, .now = now};
}

void ws_rank_see(struct ws_ranking *ranking, const struct ws_record *record) {
    const struct ws_note *note = &record->note;

    if (note->kind == WS_FINAL) {
        ranking->has_final = true;
    } else if (note->has_objective &&
               (!ranking->has_objective || note->objective < ranking->lowest)) {
        ranking->has_objective = true;
        ranking->lowest = note->objective;
    }
}

/* Whether it is one of those of which the newest counts. */
static bool is_eligible(const struct ws_ranking *ranking, const struct ws_note *note) {
    if (ranking->select == WS_LATEST) {
        return true;
    }
    if (ranking->has_final) {
        return note->kind == WS_FINAL;
    }
    return !ranking->has_objective ||
           (note->has_objective && note->objective <= ranking->lowest + WS_OBJECTIVE_TOLERANCE);
}

bool ws_rank_prefers(const struct ws_ranking *ranking, const struct ws_record *record,
                     const struct ws_record *chosen) {
    return is_eligible(ranking, &record->note) &&
           (!chosen || ws_rank_is_newer(record, chosen, ranking->now));
}

bool ws_rank_is_ahead(int64_t written, int64_t now) { return written > now + WS_DAY; }

bool ws_rank_is_newer(const struct ws_record *a, const struct ws_record *b, int64_t now) {
    bool a_is_ahead = ws_rank_is_ahead(a->written, now);
    bool b_is_ahead = ws_rank_is_ahead(b->written, now);

    if (a_is_ahead != b_is_ahead) {
        return b_is_ahead;
    }
    if (a->written != b->written) {
        return a->written > b->written;
    }
    return a->sequence > b->sequence;
}

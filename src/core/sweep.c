#include "sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "grow.h"
#include "round.h"
#include "shards.h"
#include "trust.h"

/* From so many branches on it is asked first which there are: to list a large store's takes as long
 * as to try some dozens that are not there. */
#define LISTED_FROM 64

/* A run of the shard that is being judged. */
struct run {
    struct ws_digest key;
    uint64_t id;
    int64_t used;
    uint64_t size;
    bool final;
};

/* What is kept in mind of a run, until it is known whether it has to go. */
struct kept {
    struct ws_turn turn;
    uint64_t id; /* of its name and the time of its last use: used again, it is another */
    uint64_t size;
    uint32_t shard;
};

struct sweep {
    struct ws_store *store;
    int64_t now;
    int64_t believed;   /* by which runs expire: `now`, or less */
    const char *spared; /* the name of a file; NULL: none */
    struct ws_dir *dir;
    struct run *runs; /* of this shard */
    size_t run_count;
    size_t run_room;
    size_t name_count; /* of this shard, with all that is not a run's */
    uint64_t empty;    /* shards without a name */
    struct kept *kept; /* what may go */
    size_t count;
    size_t room;
    struct ws_swept swept;
};

static void count_removed(struct sweep *sweep, enum ws_sweep_reason reason, uint64_t size) {
    sweep->swept.files++;
    sweep->swept.bytes += size;
    sweep->swept.removed[reason].files++;
    sweep->swept.removed[reason].bytes += size;
}

static uint64_t id_of(const char *name, int64_t used) {
    uint8_t bytes[WS_FILE_NAME_MAX + 8];
    size_t size = strlen(name);

    size = size > WS_FILE_NAME_MAX ? WS_FILE_NAME_MAX : size;
    memcpy(bytes, name, size);
    ws_put_u64(bytes + size, (uint64_t)used);
    return ws_hash_64(bytes, size + 8);
}

/* Judging files. */

/* Nobody's to remove but the user's. */
static bool is_named(const struct ws_scan *scan) {
    return scan->count > 0 && scan->records[0].note.is_named;
}

/* Expired as a whole: a run may hold one record that is and one that is not. */
static bool is_expired(const struct sweep *sweep, const struct ws_scan *scan) {
    for (int i = 0; i < scan->count; i++) {
        if (!ws_store_has_expired(sweep->store, &scan->records[i], scan->info.modified,
                                  sweep->believed)) {
            return false;
        }
    }
    return true;
}

static enum ws_status keep(struct sweep *sweep, const struct run *run) {
    struct run *runs = ws_with_room(sweep->runs, sizeof *runs, sweep->run_count, &sweep->run_room);

    if (!runs) {
        return WS_NO_MEMORY;
    }
    sweep->runs = runs;
    runs[sweep->run_count++] = *run;
    sweep->swept.kept_bytes += run->size;
    return WS_OK;
}

static enum ws_status judge_run(struct sweep *sweep, struct ws_file *file, const char *name,
                                const struct ws_digest *key) {
    struct ws_scan scan;
    bool locked = true;

    if (ws_runfile_scan(file, key, &scan) != WS_OK || !scan.info.regular) {
        return WS_OK;
    }
    /* A record that has its file for itself is held by nobody: that need not be asked. */
    bool alone = scan.count > 0 && scan.records[0].slot_size == 0;
    bool spared = sweep->spared && strcmp(name, sweep->spared) == 0;
    if (spared || (!alone && (ws_os_file_is_locked(file, &locked) != WS_OK || locked)) ||
        scan.reason == WS_NEWER || scan.reason == WS_FOREIGN) {
        sweep->swept.kept_bytes += scan.info.size;
        return WS_OK;
    }
    if (is_named(&scan)) { /* on top of `max_size`: else it would push out all others */
        return WS_OK;
    }
    /* Its age counts from here on; where it is this clock that is wrong, that must not be noted. */
    if (sweep->believed == sweep->now && ws_rank_is_ahead(scan.info.modified, sweep->now)) {
        ws_os_file_touch(file, sweep->now);
        scan.info.modified = sweep->now;
    }
    if (scan.count == 0 || is_expired(sweep, &scan)) {
        if (ws_runfile_remove(sweep->dir, name, file)) {
            count_removed(sweep, scan.count == 0 ? WS_BROKEN : WS_EXPIRED, scan.info.size);
        }
        return WS_OK;
    }
    struct run run = {
        .key = *key,
        .id = id_of(name, scan.info.modified),
        .used = scan.info.modified,
        .size = scan.info.size,
        .final = scan.records[0].note.kind == WS_FINAL,
    };
    return keep(sweep, &run);
}

/* A writer that has made its temporary file and not locked it yet loses it here, notices, and
 * makes another. */
static void remove_leftover(struct sweep *sweep, struct ws_file *file, const char *name) {
    struct ws_file_info info;
    bool locked = true;

    if (ws_os_file_info(file, &info) == WS_OK && info.regular &&
        ws_os_file_is_locked(file, &locked) == WS_OK && !locked &&
        ws_runfile_remove(sweep->dir, name, file)) {
        count_removed(sweep, WS_LEFTOVER, info.size);
    }
}

static enum ws_status judge_file(void *context, const char *name) {
    struct sweep *sweep = context;
    struct ws_digest key;
    char run_id[WS_RUN_ID_MAX + 1];
    struct ws_file *file = NULL;
    enum ws_status status = WS_OK;

    sweep->name_count++;
    sweep->swept.visited++;
    bool temporary = ws_temporary_file_parse(name, &key, run_id) == WS_OK;

    if ((!temporary && ws_run_file_parse(name, &key, run_id) != WS_OK) ||
        ws_os_file_open(sweep->dir, name, &file) != WS_OK) {
        return WS_OK;
    }
    if (temporary) {
        remove_leftover(sweep, file, name);
    } else {
        status = judge_run(sweep, file, name, &key);
    }
    ws_os_file_close(file);
    return status;
}

/* Judging shards. */

static int by_key(const void *a, const void *b) {
    return memcmp(((const struct run *)a)->key.bytes, ((const struct run *)b)->key.bytes,
                  sizeof(struct ws_digest));
}

/* Within one key, what is not final counts as used no later than the oldest final entry, so that
 * it goes first. */
static void order_key(struct run *runs, size_t count) {
    int64_t oldest_final = INT64_MAX;

    for (size_t i = 0; i < count; i++) {
        if (runs[i].final && runs[i].used < oldest_final) {
            oldest_final = runs[i].used;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!runs[i].final && runs[i].used > oldest_final) {
            runs[i].used = oldest_final;
        }
    }
}

static enum ws_status keep_in_mind(struct sweep *sweep, const struct run *run) {
    struct kept *kept = ws_with_room(sweep->kept, sizeof *kept, sweep->count, &sweep->room);

    if (!kept) {
        return WS_NO_MEMORY;
    }
    sweep->kept = kept;
    kept[sweep->count++] = (struct kept){
        /* Of those used at the same time, what is final goes last. */
        .turn = {.used = run->used, .id = (uint64_t)run->final << 63 | run->id >> 1},
        .id = run->id,
        .size = run->size,
        .shard = ws_shard_of(&run->key),
    };
    return WS_OK;
}

/* All runs of a key are in one shard. */
static enum ws_status judge_shard(void *context, uint32_t shard, struct ws_dir *dir) {
    struct sweep *sweep = context;

    if (!dir) {
        return WS_OK;
    }
    sweep->dir = dir;
    sweep->run_count = 0;
    sweep->name_count = 0;
    enum ws_status status = ws_os_dir_list(dir, judge_file, sweep);
    if (status == WS_OK && sweep->name_count == 0) {
        sweep->empty++;
        ws_store_remove_shard(sweep->store, shard, sweep->now - WS_DAY);
    }
    if (sweep->run_count > 1) {
        qsort(sweep->runs, sweep->run_count, sizeof *sweep->runs, by_key);
    }
    for (size_t first = 0, last; first < sweep->run_count; first = last) {
        for (last = first + 1; last < sweep->run_count; last++) {
            if (by_key(&sweep->runs[first], &sweep->runs[last]) != 0) {
                break;
            }
        }
        order_key(sweep->runs + first, last - first);
    }
    for (size_t i = 0; status == WS_OK && i < sweep->run_count; i++) {
        status = keep_in_mind(sweep, &sweep->runs[i]);
    }
    return status;
}

/* Removing what was used least recently. */

static int by_turn(const void *a, const void *b) {
    return ws_turn_compare(&((const struct kept *)a)->turn, &((const struct kept *)b)->turn);
}

static int by_shard(const void *a, const void *b) {
    const struct kept *x = a;
    const struct kept *y = b;

    if (x->shard != y->shard) {
        return x->shard < y->shard ? -1 : 1;
    }
    return (x->id > y->id) - (x->id < y->id);
}

/* Those of one shard that have to go, by their ids. */
struct removal {
    struct sweep *sweep;
    const struct kept *kept;
    size_t count;
};

static int by_id(const void *id, const void *kept) {
    uint64_t x = *(const uint64_t *)id;
    uint64_t y = ((const struct kept *)kept)->id;

    return (x > y) - (x < y);
}

static enum ws_status remove_if_listed(void *context, const char *name) {
    const struct removal *removal = context;
    struct sweep *sweep = removal->sweep;
    struct ws_file *file = NULL;
    struct ws_file_info info;
    bool locked = true;

    if (ws_os_file_open(sweep->dir, name, &file) != WS_OK) {
        return WS_OK;
    }
    if (ws_os_file_info(file, &info) == WS_OK &&
        bsearch(&(uint64_t){id_of(name, info.modified)}, removal->kept, removal->count,
                sizeof *removal->kept, by_id) &&
        ws_os_file_is_locked(file, &locked) == WS_OK && !locked &&
        ws_runfile_remove(sweep->dir, name, file)) {
        count_removed(sweep, WS_LEAST_USED, info.size);
        sweep->swept.kept_bytes -= info.size;
    }
    ws_os_file_close(file);
    return WS_OK;
}

static void remove_from_shard(struct sweep *sweep, const struct kept *kept, size_t count) {
    struct removal removal = {.sweep = sweep, .kept = kept, .count = count};

    if (ws_store_directory(sweep->store, WS_LEVEL_SHARD, kept->shard, WS_MAKE_NONE, &sweep->dir) ==
        WS_OK) {
        ws_os_dir_list(sweep->dir, remove_if_listed, &removal);
        ws_os_dir_close(sweep->dir);
    }
}

/* Removes the first `going` of those kept in mind, where nobody holds or has used them since. */
static void remove_first(struct sweep *sweep, size_t going) {
    if (going == 0) {
        return; /* of nothing there is no array */
    }
    qsort(sweep->kept, going, sizeof *sweep->kept, by_shard);
    for (size_t first = 0, last; first < going; first = last) {
        for (last = first + 1; last < going; last++) {
            if (sweep->kept[last].shard != sweep->kept[first].shard) {
                break;
            }
        }
        remove_from_shard(sweep, sweep->kept + first, last - first);
    }
}

/* The round's file. */

/* Where it is not one it begins anew, and is due. */
static enum ws_status read_round(struct ws_file *file, int64_t now, struct ws_round *round) {
    uint8_t bytes[WS_ROUND_BYTES];
    size_t got = 0;
    enum ws_status status = ws_os_file_read(file, 0, bytes, sizeof bytes, &got);

    if (status == WS_OK) {
        status = ws_round_decode(bytes, got, round);
    }
    if (status == WS_DAMAGED || status == WS_FOREIGN) {
        ws_round_start(round, now);
        status = WS_OK;
    }
    return status;
}

static enum ws_status write_round(struct ws_file *file, const struct ws_round *round) {
    uint8_t bytes[WS_ROUND_BYTES];

    ws_round_encode(round, bytes);
    return ws_os_file_write(file, 0, bytes, sizeof bytes, NULL, 0);
}

/* All was swept: what the round had found does not hold any more. */
static void restart_round(struct ws_file *file, const struct ws_round *before, int64_t now) {
    struct ws_round round = {.went_on = now, .steady = before->steady, .settled = before->settled};

    write_round(file, &round);
}

/* All of it. */

static void fit_size(struct sweep *sweep) {
    uint64_t max_size = ws_store_options(sweep->store).max_size;
    uint64_t excess = sweep->swept.kept_bytes > max_size ? sweep->swept.kept_bytes - max_size : 0;
    size_t going = 0;

    if (excess == 0 || sweep->count == 0) {
        return;
    }
    qsort(sweep->kept, sweep->count, sizeof *sweep->kept, by_turn);
    for (uint64_t bytes = 0; going < sweep->count && bytes < excess; going++) {
        bytes += sweep->kept[going].size;
    }
    remove_first(sweep, going);
}

static void was_told(const struct sweep *sweep) {
    *ws_store_added(sweep->store) = 0;
    *ws_store_told(sweep->store) = sweep->now;
}

static void free_sweep(struct sweep *sweep) {
    free(sweep->runs);
    free(sweep->kept);
}

/* Others' slices wait until it has ended, where it has the round's file: what they found meanwhile
 * would not hold. Who `asked` for it is told what went, and has looked at the clock. */
static enum ws_status sweep_all(struct ws_store *store, const char *spared, bool asked,
                                struct ws_swept *swept) {
    struct sweep sweep = {.store = store, .now = ws_store_now(store), .spared = spared};
    struct ws_file *file = NULL;
    struct ws_round round;
    /* One of a newer version is not ours to change. */
    bool is_ours = ws_store_lock_file(store, WS_ROUND_FILE, &file) == WS_OK &&
                   read_round(file, sweep.now, &round) == WS_OK;
    int64_t told = is_ours ? ws_round_tell_time(&round, sweep.now) : 0;

    sweep.believed = asked ? sweep.now : told;
    enum ws_status status = ws_store_each_shard(store, judge_shard, &sweep);

    if (status == WS_OK) {
        fit_size(&sweep);
        was_told(&sweep);
    }
    if (status == WS_OK && is_ours) {
        restart_round(file, &round, sweep.now);
    }
    ws_os_file_close(file);
    free_sweep(&sweep);
    *swept = sweep.swept;
    return status;
}

enum ws_status ws_sweep(struct ws_store *store, struct ws_swept *swept) {
    return sweep_all(store, NULL, true, swept);
}

/* In slices. */

static enum ws_status sweep_branch(struct sweep *sweep, struct ws_round *round) {
    uint64_t kept_before = sweep->swept.kept_bytes;
    size_t going = 0;

    sweep->count = 0;
    enum ws_status status = ws_store_each_shard_of(sweep->store, round->branch, judge_shard, sweep);
    if (status == WS_NO_MEMORY) {
        return status;
    }
    for (size_t i = 0; i < sweep->count; i++) {
        struct kept kept = sweep->kept[i];
        if (ws_round_takes(round, &kept.turn, kept.size)) {
            sweep->kept[i] = sweep->kept[going];
            sweep->kept[going++] = kept;
        } else {
            ws_round_keep(round, &kept.turn, kept.size);
        }
    }
    remove_first(sweep, going);
    ws_round_count(round, sweep->swept.kept_bytes - kept_before);
    return WS_OK; /* also of a branch that cannot be read: it hides no other */
}

static uint64_t share_of(const struct ws_store *store) {
    return ws_store_options(store).max_size / WS_SWEEP_SHARE;
}

/* What a round leaves. By its end the next one, too, has let a share in. */
static uint64_t room_of(const struct ws_store *store) {
    return ws_store_options(store).max_size - share_of(store);
}

bool ws_sweep_has_room_for(const struct ws_store *store, uint64_t bytes) {
    return bytes <= room_of(store);
}

/* As much of a round as the bytes are of the share, and the time of a day. */
static void add_due(const struct sweep *sweep, struct ws_round *round, uint64_t added) {
    double share = (double)share_of(sweep->store);
    double rounds = share > 0 ? (double)added / share : WS_OWED_MAX;

    if (sweep->now > round->went_on) {
        rounds += fmin(1, ((double)sweep->now - (double)round->went_on) / (double)WS_DAY);
        round->went_on = sweep->now;
    }
    round->owed = fmin(round->owed + rounds * WS_BRANCHES, WS_OWED_MAX);
}

/* WS_REFUSED where something would have to go on the word of others. */
static enum ws_status go_on(struct sweep *sweep, struct ws_round *round, struct ws_file *file) {
    bool is_believed = false;
    bool present[WS_BRANCHES];
    enum ws_status status = WS_OK;

    memset(present, true, sizeof present);
    if (round->owed > LISTED_FROM) {
        status = ws_store_branches(sweep->store, present);
    }
    while (status == WS_OK && round->owed >= 1 && sweep->swept.visited + sweep->empty < WS_SLICE) {
        if (round->excess > 0 && !is_believed) {
            is_believed = ws_store_trusts_at(sweep->store, WS_LEVEL_ROOT, 0, WS_ROUND_FILE, file);
            if (!is_believed) {
                return WS_REFUSED;
            }
        }
        if (present[round->branch]) {
            status = sweep_branch(sweep, round);
        }
        round->owed -= 1;
        if (++round->branch == WS_BRANCHES) {
            ws_round_end(round, room_of(sweep->store));
        }
    }
    return status;
}

static enum ws_status sweep_slice(struct sweep *sweep, struct ws_file *file) {
    struct ws_round round;
    enum ws_status status = read_round(file, sweep->now, &round);

    if (status == WS_OK) {
        sweep->believed = ws_round_tell_time(&round, sweep->now);
        add_due(sweep, &round, *ws_store_added(sweep->store));
        status = go_on(sweep, &round, file);
    }
    if (status == WS_OK) {
        status = write_round(file, &round);
    }
    if (status == WS_OK) {
        was_told(sweep);
    }
    return status;
}

static void go_on_with_round(struct ws_store *store, const char *name, struct ws_swept *swept) {
    struct sweep sweep = {.store = store, .now = ws_store_now(store), .spared = name};
    struct ws_file *file = NULL;
    enum ws_status status = ws_store_lock_file(store, WS_ROUND_FILE, &file);

    if (status == WS_OK) {
        status = sweep_slice(&sweep, file);
    }
    ws_os_file_close(file);
    free_sweep(&sweep);
    *swept = sweep.swept;
    if (status == WS_REFUSED || (status != WS_OK && *ws_store_added(store) > share_of(store))) {
        sweep_all(store, name, false, swept);
    }
}

void ws_sweep_when_due(struct ws_store *store, const char *name, struct ws_swept *swept) {
    bool can_wait = *ws_store_added(store) < share_of(store) / WS_SWEEP_WAITING &&
                    ws_store_can_wait(store, *ws_store_told(store), WS_SWEEP_WAITS);

    *swept = (struct ws_swept){0};
    if (!can_wait) {
        go_on_with_round(store, name, swept);
    }
}

void ws_sweep_settle(struct ws_store *store) {
    struct ws_swept swept;

    if (*ws_store_added(store) > 0) {
        go_on_with_round(store, NULL, &swept);
    }
}

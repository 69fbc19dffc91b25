#include "fixtures.h"
#include "payloads.h"

#include <time.h>

/*
 * Sixteen processes at one store, on the same key and on different ones, while sweeps and
 * deletions go on all the time. Each process checks what it sees itself.
 *
 * DURATION in the environment says for how long, 3 else.
 */

#define SESSIONS_ALONE 4    /* each on a key of its own */
#define SESSIONS_TOGETHER 4 /* on one key */
#define SESSIONS_DELETED 2  /* on a key that is deleted all the time */
#define SAVERS 2
#define READERS 2
#define SWEEPERS 1
#define DELETERS 1
#define PROCESSES 16

#define KEY_TOGETHER 100
#define KEY_DELETED 101
#define KEY_SAVED 102

struct worker {
    struct ws_store *store;
    uint64_t chance;
    unsigned number;
    time_t end;
    uint64_t done;
};

static struct ws_digest key_number(unsigned number) { return ws_hash_128(&number, sizeof number); }

static bool has_time(const struct worker *worker) { return time(NULL) < worker->end; }

/* What a lookup finds must be whole. NaN: nothing. */
static double find(struct worker *worker, unsigned key_at, const char *run_id) {
    struct ws_digest key = key_number(key_at);
    struct ws_entry *entry = NULL;
    enum ws_status status =
        ws_store_lookup(worker->store, &key, WS_BEST, WS_ANY_KIND, run_id, &entry);

    if (status == WS_NOT_FOUND) {
        return NAN;
    }
    CHECK_STATUS(status, WS_OK);
    CHECK(is_intact(entry));
    double found = entry->record.note.objective;
    ws_entry_free(entry);
    return found;
}

static void offer(struct worker *worker, struct ws_session *session, bool final, double objective) {
    static uint8_t payload[20000];
    struct ws_offer made = {.payload = payload,
                            .size = 1 + draw_below(&worker->chance, sizeof payload),
                            .objective = objective};

    make_payload(payload, made.size, objective);
    CHECK_STATUS(
        final ? ws_session_finalize(session, &made) : ws_session_checkpoint(session, &made), WS_OK);
    worker->done++;
}

/* Fits, one after the other. While one runs, the best that was acknowledged is found. */
static void run_sessions(struct worker *worker, unsigned key_at, bool safe) {
    struct ws_digest key = key_number(key_at);

    while (has_time(worker)) {
        struct ws_session *session = NULL;
        uint64_t steps = 1 + draw_below(&worker->chance, 30);
        CHECK_STATUS(ws_session_open(worker->store, &key, NULL, &session), WS_OK);
        for (uint64_t step = 0; step < steps; step++) {
            double objective = 1000.0 * worker->number - (double)step;
            offer(worker, session, false, objective);
            double found = find(worker, key_at, ws_session_status(session).run_id);
            CHECK(!safe || found == objective);
        }
        if (draw_below(&worker->chance, 2) == 0) {
            offer(worker, session, true, -1);
        }
        ws_session_close(session);
    }
}

static void run_saves(struct worker *worker) {
    struct ws_digest key = key_number(KEY_SAVED);
    uint8_t payload[3000];
    char run_id[16];

    while (has_time(worker)) {
        double objective = (double)draw_below(&worker->chance, 1000);
        struct ws_note note = note_of(WS_FINAL, objective);
        make_payload(payload, sizeof payload, objective);
        snprintf(run_id, sizeof run_id, "run-%d", (int)draw_below(&worker->chance, 5));
        CHECK_STATUS(ws_store_save(worker->store, &key, run_id, &note, payload, sizeof payload),
                     WS_OK);
        sweep_when_due(worker->store);
        worker->done++;
    }
}

static enum ws_status see_run(void *context, const struct ws_run *run) {
    CHECK(run->record.payload_size <= 20000);
    ++*(int *)context;
    return WS_OK;
}

static void run_lookups(struct worker *worker) {
    while (has_time(worker)) {
        int runs = 0;
        for (unsigned key = 0; key < SESSIONS_ALONE; key++) {
            find(worker, key, NULL);
        }
        find(worker, KEY_TOGETHER, NULL);
        find(worker, KEY_DELETED, NULL);
        find(worker, KEY_SAVED, NULL);
        CHECK_STATUS(ws_store_each(worker->store, NULL, see_run, &runs), WS_OK);
        worker->done++;
    }
}

/* Every other sweep leaves nothing but what runs. */
static void run_sweeps(struct worker *worker) {
    struct ws_store *empty = bounded_store(0, 30 * WS_DAY);
    struct ws_swept swept;

    while (has_time(worker)) {
        CHECK_STATUS(ws_sweep(worker->done++ % 2 == 0 ? empty : worker->store, &swept), WS_OK);
    }
    ws_store_release(empty);
}

static void run_deletions(struct worker *worker) {
    struct ws_digest key = key_number(KEY_DELETED);
    uint64_t removed;

    while (has_time(worker)) {
        CHECK_STATUS(ws_store_delete(worker->store, &key, NULL, &removed), WS_OK);
        worker->done++;
    }
}

static void work(struct worker *worker) {
    static const unsigned counts[] = {SESSIONS_ALONE, SESSIONS_TOGETHER, SESSIONS_DELETED, SAVERS,
                                      READERS,        SWEEPERS,          DELETERS};
    unsigned role = 0;

    for (unsigned left = worker->number; left >= counts[role]; role++) {
        left -= counts[role];
    }
    switch (role) {
    case 0:
        run_sessions(worker, worker->number, true);
        break;
    case 1:
        run_sessions(worker, KEY_TOGETHER, true);
        break;
    case 2:
        run_sessions(worker, KEY_DELETED, false);
        break;
    case 3:
        run_saves(worker);
        break;
    case 4:
        run_lookups(worker);
        break;
    case 5:
        run_sweeps(worker);
        break;
    default:
        run_deletions(worker);
    }
}

TEST("sixteen processes together see no error, no damage and no loss") {
    const char *seconds = getenv("DURATION");
    pid_t children[PROCESSES];
    int counts[2];
    uint64_t done;
    uint64_t all = 0;

    harness_dir();
    CHECK(pipe(counts) == 0);
    for (unsigned i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct worker worker = {.store = bounded_store((uint64_t)1 << 20, 30 * WS_DAY),
                                    .chance = i,
                                    .number = i,
                                    .end = time(NULL) + (seconds ? atoi(seconds) : 3)};
            work(&worker);
            CHECK(worker.done > 0);
            CHECK(write(counts[1], &worker.done, sizeof worker.done) == sizeof worker.done);
            _exit(0);
        }
    }
    close(counts[1]);
    for (int i = 0; i < PROCESSES; i++) {
        expect_success(children[i]);
    }
    while (read(counts[0], &done, sizeof done) == sizeof done) {
        all += done;
    }
    close(counts[0]);
    printf("# %llu operations by %d processes\n", (unsigned long long)all, PROCESSES);
}

#include "fixtures.h"
#include "payloads.h"
#include "save.h"

#include <limits.h>
#include <poll.h>
#include <time.h>

/*
 * Children checkpoint with falling objectives and report each that was acknowledged. They are
 * killed at random moments; what was reported must then be found, whole, by another process.
 *
 * KILLS in the environment says how many children of all kinds die, 500 else.
 */

#define DELAY_MAX 1500000 /* ns: a child writes some dozens of records in that time */
#define PATIENCE 60000    /* ms: a child that says nothing for so long hangs */

/* What a child may say of its key: the best objective, or that it may be deleted now. */
#define NOTHING ((double)INFINITY)

struct child {
    struct ws_store *store;
    struct ws_session *session;
    struct ws_digest key;
    int reports;
    uint64_t chance;
};

static void report(const struct child *child, double objective) {
    if (write(child->reports, &objective, sizeof objective) != sizeof objective) {
        _exit(0); /* the parent is gone */
    }
}

static void offer(const struct child *child, bool final, double objective, size_t size) {
    static uint8_t payload[1 << 20];
    struct ws_offer made = {.payload = payload, .size = size, .objective = objective};

    make_payload(payload, size, objective);
    CHECK_STATUS(final ? ws_session_finalize(child->session, &made)
                       : ws_session_checkpoint(child->session, &made),
                 WS_OK);
    report(child, objective);
}

/* One step of a child's life, at which its objective falls to `objective`. */

static void step_checkpoint(struct child *child, double objective, int step) {
    (void)step;
    offer(child, false, objective, 4000);
}

static void step_of_any_size(struct child *child, double objective, int step) {
    (void)step;
    offer(child, false, objective, 1 + draw_below(&child->chance, 60000));
}

static void step_growth(struct child *child, double objective, int step) {
    offer(child, false, objective, (size_t)(step % 200 + 1) * 4096);
}

static void step_finalize(struct child *child, double objective, int step) {
    offer(child, step % 3 == 2, objective, 2000);
}

static void step_save(struct child *child, double objective, int step) {
    uint8_t payload[3000];
    struct ws_note note = note_of(step % 2 == 0 ? WS_CHECKPOINT : WS_FINAL, objective);
    char run_id[WS_RUN_ID_MAX + 1] = "saved";

    if (step % 4 == 3) {
        run_id[0] = '\0'; /* a run of its own, which supersedes the other final ones */
    }
    make_payload(payload, sizeof payload, objective);
    CHECK_STATUS(ws_save(child->store, &child->key, run_id, &note, payload, sizeof payload), WS_OK);
    report(child, objective);
}

/* The store may hold nothing but what runs: all that others left goes, and this run stays. */
static void step_sweep(struct child *child, double objective, int step) {
    struct ws_swept swept;

    offer(child, false, objective, 1000);
    if (step % 8 == 3) {
        CHECK_STATUS(ws_sweep(child->store, &swept), WS_OK);
    } else if (step % 8 == 7) {
        ws_sweep_when_due(child->store, NULL, &swept);
    }
}

static void step_delete(struct child *child, double objective, int step) {
    uint64_t removed = 0;

    if (step % 4 == 3) {
        report(child, NOTHING);
        CHECK_STATUS(ws_store_delete(child->store, &child->key, NULL, &removed), WS_OK);
    }
    offer(child, false, objective, 1000);
}

struct kind {
    void (*step)(struct child *child, double objective, int step);
    uint64_t max_size;
    uint64_t kills;   /* of a hundred */
    uint64_t reports; /* the most that is waited for before a kill */
};

static struct ws_store *open_store(const struct kind *kind) {
    return bounded_store(kind->max_size, 30 * WS_DAY);
}

/* Runs in the child until it is killed. */
static void live(const struct kind *kind, const struct ws_digest *key, int reports) {
    struct child child = {
        .store = open_store(kind), .key = *key, .reports = reports, .chance = key->bytes[0]};

    CHECK_STATUS(ws_session_open(child.store, key, NULL, &child.session), WS_OK);
    for (int step = 0;; step++) {
        kind->step(&child, 1000 - step, step);
    }
}

/* The last report there is; waits for the first, or for the death of all who could write. */
static double last_report(int reports, int wanted) {
    double last = NAN;
    struct pollfd ready = {.fd = reports, .events = POLLIN};

    for (int got = 0; got < wanted; got++) {
        double next;
        CHECK(poll(&ready, 1, PATIENCE) == 1);
        if (read(reports, &next, sizeof next) != sizeof next) {
            break;
        }
        last = next;
    }
    return last;
}

static void expect_reported(const struct kind *kind, const struct ws_digest *key, double reported) {
    struct ws_store *store = open_store(kind);
    bool intact = true;
    double found = lowest_found(store, key, &intact);

    ws_store_release(store);
    CHECK(intact);
    if (found > reported) {
        harness_fail(__FILE__, __LINE__, "found %g, but %g had been reported", found, reported);
    }
}

static void kill_one(const struct kind *kind, uint64_t *chance) {
    int reports[2];
    int status;
    struct ws_digest key;
    struct timespec delay = {.tv_nsec = (long)draw_below(chance, DELAY_MAX)};

    fill_random(chance, key.bytes, sizeof key.bytes);
    CHECK(pipe(reports) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(reports[0]);
        live(kind, &key, reports[1]);
    }
    close(reports[1]);
    double reported = last_report(reports[0], 1 + (int)draw_below(chance, kind->reports));
    nanosleep(&delay, NULL);
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    double later = last_report(reports[0], INT_MAX);
    close(reports[0]);
    CHECK(!isnan(reported));
    expect_reported(kind, &key, isnan(later) ? reported : later);
}

static int kills_wanted(const struct kind *kind) {
    const char *text = getenv("KILLS");
    uint64_t all = text ? strtoull(text, NULL, 10) : 500;

    return (int)((all * kind->kills + 99) / 100);
}

static void kill_many(const struct kind *kind) {
    static int all;
    int kills = kills_wanted(kind);
    uint64_t chance = kind->kills * 1000003u + (uint64_t)(all + 1);

    harness_dir(); /* the children's, too */
    for (int i = 0; i < kills; i++) {
        kill_one(kind, &chance);
    }
    all += kills;
    printf("# %d kills, %d so far, nothing lost\n", kills, all);
}

#define GIB ((uint64_t)1 << 30)

TEST("a kill between or in checkpoints loses nothing that was reported") {
    kill_many(&(struct kind){step_checkpoint, GIB, 30, 60});
}

TEST("a kill while payloads are of any size loses nothing that was reported") {
    kill_many(&(struct kind){step_of_any_size, GIB, 15, 20});
}

TEST("a kill while every payload outgrows its slot loses nothing that was reported") {
    kill_many(&(struct kind){step_growth, GIB, 15, 4});
}

TEST("a kill between or in finalizes loses nothing that was reported") {
    kill_many(&(struct kind){step_finalize, GIB, 15, 4});
}

TEST("a kill between or in saves loses nothing that was reported") {
    kill_many(&(struct kind){step_save, GIB, 5, 4});
}

TEST("a kill between or in sweeps of a store too large loses nothing that was reported") {
    kill_many(&(struct kind){step_sweep, 0, 10, 6});
}

TEST("a kill between or in deletions loses nothing that was reported since") {
    kill_many(&(struct kind){step_delete, GIB, 10, 5});
}

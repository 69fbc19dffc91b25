#include "fixtures.h"
#include "os_sim.h"
#include "payloads.h"

/*
 * Each test does something to a store, and then looks at every state that a power loss or a kill
 * in the middle may have left: what had been promised by then must be found, and a new process
 * can go on from there.
 */

#define SHORT ((size_t)700)   /* with its header, two sectors */
#define LONGER ((size_t)5000) /* more than a block */
#define PROMISES_MAX 256

/* What a lookup of the key must find from a moment on: this objective or a better one; NaN:
 * nothing is promised. */
struct promise {
    size_t moment;
    double after_kill;
    double after_power_loss;
    bool gone; /* nothing may be found */
};

static struct promise promises[PROMISES_MAX];
static size_t promise_count;
static struct ws_store *store;
static double interrupted; /* best of the runs before this one that did not end, synced */
static double ended;       /* the final record that was made last */
static double ended_synced;
static double reached; /* best of this run */
static double synced;  /* and what of that was synced */
static int64_t passed; /* ns */
static int unsynced;   /* records that were never synced: what is left of one may not verify */
static size_t states;

static double lower(double a, double b) { return a < b ? a : b; }

static void add_promise(double after_kill, double after_power_loss, bool gone) {
    double kill = lower(interrupted, lower(ended, after_kill));
    double power = lower(interrupted, lower(ended_synced, after_power_loss));

    CHECK(promise_count < PROMISES_MAX);
    promises[promise_count++] = (struct promise){.moment = sim_moment(),
                                                 .after_kill = isinf(kill) ? NAN : kill,
                                                 .after_power_loss = isinf(power) ? NAN : power,
                                                 .gone = gone};
}

static void promise_nothing(void) { add_promise(INFINITY, INFINITY, false); }

static struct ws_store *open_simulated(uint64_t max_size) {
    struct ws_store_options options = {.max_size = max_size, .max_age = 30 * WS_DAY};
    struct ws_store *opened = NULL;

    CHECK_STATUS(ws_store_open("/home/store", &options, &opened), WS_OK);
    return opened;
}

static void begin(void) {
    sim_reset();
    promise_count = 0;
    interrupted = ended = ended_synced = reached = synced = INFINITY;
    unsynced = 0;
    passed = 0;
    store = open_simulated((uint64_t)1 << 30);
}

/* Work, and what it promises. */

/* What comes now is another run. */
static void next_run(void) {
    interrupted = lower(interrupted, synced);
    reached = synced = INFINITY;
}

/* Until a final record is there, either is right: the checkpoints of its run and the final record
 * before it, or this one, the fit's own last word. */
static void begin_final(double objective) {
    double kill = fmax(objective, lower(ended, reached));
    double power = fmax(objective, lower(ended_synced, synced));

    ended = ended_synced = INFINITY;
    add_promise(kill, power, false);
}

static void end_final(double objective, bool was_synced) {
    ended = objective;
    ended_synced = was_synced ? objective : INFINITY;
    reached = synced = INFINITY;
    add_promise(reached, synced, false);
}

static struct ws_session *a_session(void) {
    struct ws_digest key = a_key();
    struct ws_session *session = NULL;

    next_run();
    CHECK_STATUS(ws_session_open(store, &key, NULL, &session), WS_OK);
    return session;
}

static enum ws_status try_offer(struct ws_session *session, bool final, double objective,
                                size_t size) {
    uint8_t payload[2 * LONGER];
    struct ws_offer made = {.payload = payload, .size = size, .objective = objective};

    make_payload(payload, size, objective);
    return final ? ws_session_finalize(session, &made) : ws_session_checkpoint(session, &made);
}

static void offer(struct ws_session *session, bool final, double objective, size_t size) {
    size_t before = sim_moment();

    if (final) {
        begin_final(objective);
    }
    CHECK_STATUS(try_offer(session, final, objective, size), WS_OK);
    bool was_synced = sim_synced_since(before);
    if (final) {
        CHECK(was_synced);
        end_final(objective, true);
        return;
    }
    reached = lower(reached, objective);
    synced = was_synced ? reached : synced;
    add_promise(reached, synced, false);
}

static void checkpoint(struct ws_session *session, double objective) {
    offer(session, false, objective, SHORT);
}

static void finalize(struct ws_session *session, double objective) {
    offer(session, true, objective, SHORT);
}

/* Nothing of it is promised to outlast a power loss, unless it takes the place of what would: its
 * run's file, or another's final record. */
static void finalize_brief(struct ws_session *session, double objective) {
    uint8_t payload[SHORT];
    struct ws_offer made = {
        .payload = payload, .size = SHORT, .objective = objective, .is_brief = true};
    bool takes_a_place = ws_session_status(session).has_file || !isinf(ended);
    size_t before = sim_moment();

    make_payload(payload, SHORT, objective);
    begin_final(objective);
    CHECK_STATUS(ws_session_finalize(session, &made), WS_OK);
    CHECK(sim_synced_since(before) == takes_a_place);
    unsynced += !takes_a_place;
    end_final(objective, takes_a_place);
}

/* The next write is synced. */
static void let_time_pass(void) {
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    passed += WS_RATE_INTERVAL;
}

static void save(const char *run_id, double objective, size_t size) {
    uint8_t payload[2 * LONGER];
    struct ws_digest key = a_key();
    struct ws_note note = note_of(WS_CHECKPOINT, objective);

    make_payload(payload, size, objective);
    CHECK_STATUS(ws_store_save(store, &key, run_id, &note, payload, size), WS_OK);
}

/* What must hold. */

static struct promise promise_at(size_t moment) {
    struct promise held = {.after_kill = NAN, .after_power_loss = NAN};

    for (size_t i = 0; i < promise_count && promises[i].moment <= moment; i++) {
        held = promises[i];
    }
    return held;
}

static void check_lookup(struct ws_store *after, const struct promise *promise) {
    struct ws_digest key = a_key();
    double promised = sim_state_is_whole() ? promise->after_kill : promise->after_power_loss;
    bool intact = true;
    double found = lowest_found(after, &key, &intact);

    CHECK(intact);
    CHECK(!promise->gone || isinf(found));
    CHECK(isnan(promised) || found <= promised);
}

static void expect_objective(struct ws_store *after, double objective) {
    struct ws_digest key = a_key();
    bool intact = true;

    CHECK(lowest_found(after, &key, &intact) == objective && intact);
}

/* A new run, that gets further than any before it. */
static void check_goes_on(struct ws_store *after) {
    struct ws_digest key = a_key();
    struct ws_session *session = NULL;
    uint8_t payload[LONGER];

    CHECK_STATUS(ws_session_open(after, &key, NULL, &session), WS_OK);
    for (int i = 1; i <= 3; i++) {
        struct ws_offer made = {.payload = payload, .size = SHORT, .objective = -1000.0 * i};
        make_payload(payload, made.size, made.objective);
        CHECK_STATUS(i < 3 ? ws_session_checkpoint(session, &made)
                           : ws_session_finalize(session, &made),
                     WS_OK);
        expect_objective(after, made.objective);
    }
    ws_session_close(session);
}

/* Nothing is left that a run's name does not lead to, but for what the power may have cut short. */
static void check_sweep(struct ws_store *after) {
    struct ws_swept swept;

    CHECK_STATUS(ws_sweep(after, &swept), WS_OK);
    int runs = runs_in(after, NULL);
    int names = sim_names_in("/home/store/v1/012/345");
    CHECK(runs <= names && names <= runs + unsynced);
}

static void check_state(void *context, size_t moment) {
    struct promise promise = promise_at(moment);
    struct ws_store *after = open_simulated((uint64_t)1 << 30);

    (void)context;
    ws_store_shift_clock(after, passed);
    check_lookup(after, &promise);
    check_sweep(after);
    check_lookup(after, &promise);
    check_goes_on(after);
    ws_store_release(after);
    CHECK(sim_open_handles() == 0 && sim_held_locks() == 0);
}

static void check_all_states(void) {
    ws_store_release(store);
    CHECK(sim_open_handles() == 0 && sim_held_locks() == 0);
    size_t tried = sim_each_crash(check_state, NULL);
    states += tried;
    printf("# %zu states after %zu changes of the disk\n", tried, sim_moment());
}

/* The tests. */

TEST("a power loss during a run's first checkpoint loses nothing that was synced") {
    begin();
    struct ws_session *session = a_session();
    checkpoint(session, 10);
    CHECK(synced == 10);
    ws_session_close(session);
    check_all_states();
}

TEST("a power loss loses nothing in a shard that another process made and has not synced") {
    begin();
    sim_make_young("/home/store/v1/012", "345");
    struct ws_session *session = a_session();
    checkpoint(session, 10);
    ws_session_close(session);
    check_all_states();
}

TEST("a power loss loses nothing in a store that another process made and has not synced") {
    begin();
    sim_make_young("/home", "store");
    struct ws_session *session = a_session();
    checkpoint(session, 10);
    ws_session_close(session);
    check_all_states();
}

/* Nothing is synced but files there. */
TEST("a power loss loses nothing on a server's disk that it has answered for") {
    begin();
    ws_store_release(store);
    sim_serves(true);
    store = open_simulated((uint64_t)1 << 30);
    struct ws_session *session = a_session();
    checkpoint(session, 10);
    finalize(session, 9);
    ws_session_close(session);
    check_all_states();
}

TEST("a power loss between improving checkpoints loses none that was synced") {
    begin();
    struct ws_session *session = a_session();
    for (int i = 0; i < 12; i++) {
        if (i % 4 == 3) {
            let_time_pass();
        }
        checkpoint(session, 10 - i);
        CHECK(i % 4 != 3 || synced == reached);
    }
    ws_session_close(session);
    check_all_states();
}

TEST("a power loss among better and worse checkpoints leaves the best that was synced") {
    static const double objectives[] = {10, 12, 9, 11, 13, 8, 8.5, 7, 9, 6, 20, 5};

    begin();
    struct ws_session *session = a_session();
    for (size_t i = 0; i < sizeof objectives / sizeof *objectives; i++) {
        if (objectives[i] > reached || i % 5 == 4) {
            let_time_pass();
        }
        checkpoint(session, objectives[i]);
    }
    ws_session_close(session);
    check_all_states();
}

TEST("a power loss while payloads outgrow their slots loses nothing that was synced") {
    begin();
    struct ws_session *session = a_session();
    checkpoint(session, 10);
    checkpoint(session, 9);
    offer(session, false, 8, LONGER);
    checkpoint(session, 7);
    let_time_pass();
    offer(session, false, 8, 2 * LONGER); /* worse: the best is carried over */
    checkpoint(session, 6);
    ws_session_close(session);
    check_all_states();
}

TEST("a power loss during finalize leaves the checkpoints or the final record") {
    begin();
    struct ws_session *session = a_session();
    checkpoint(session, 10);
    checkpoint(session, 9);
    finalize(session, 8);
    ws_session_close(session);
    check_all_states();
}

TEST("a power loss costs a brief fit's final record, and nothing that is written beside it") {
    begin();
    struct ws_session *session = a_session();
    finalize_brief(session, 5);
    ws_session_close(session);
    /* In a shard whose name is not durable yet. */
    session = a_session();
    checkpoint(session, 10);
    CHECK(synced == 10);
    finalize(session, 9);
    ws_session_close(session);
    session = a_session();
    finalize_brief(session, 4);
    ws_session_close(session);
    check_all_states();
}

TEST("a brief fit's final record is synced where its run has something to lose") {
    begin();
    struct ws_session *session = a_session();
    checkpoint(session, 10);
    finalize_brief(session, 8);
    ws_session_close(session);
    check_all_states();
}

TEST("a power loss during finalize at a worse objective leaves the one or the other") {
    begin();
    struct ws_session *session = a_session();
    checkpoint(session, 10);
    checkpoint(session, 7);
    finalize(session, 8);
    ws_session_close(session);
    check_all_states();
}

TEST("a power loss during a run after a finished one loses neither") {
    begin();
    struct ws_session *session = a_session();
    checkpoint(session, 10);
    finalize(session, 9);
    next_run();
    checkpoint(session, 12);
    checkpoint(session, 8);
    finalize(session, 7);
    ws_session_close(session);
    check_all_states();
}

TEST("a power loss while two runs of a key go on loses nothing that was synced") {
    begin();
    struct ws_session *one = a_session();
    checkpoint(one, 10);
    struct ws_session *two = a_session();
    checkpoint(two, 12);
    checkpoint(two, 9);
    ws_session_close(one);
    let_time_pass();
    checkpoint(two, 8);
    ws_session_close(two);
    check_all_states();
}

TEST("a power loss while saves replace each other leaves one or the next") {
    begin();
    for (int i = 0; i < 4; i++) {
        double before = reached;
        double objective = 10 + i;
        add_promise(fmax(before, objective), fmax(before, objective), false);
        reached = objective;
        save("run", objective, i % 2 == 0 ? SHORT : LONGER);
        add_promise(objective, objective, false);
    }
    check_all_states();
}

TEST("after a power loss, what was deleted stays deleted") {
    struct ws_digest key = a_key();
    uint64_t removed = 0;

    begin();
    save("one", 10, SHORT);
    save("two", 9, SHORT);
    add_promise(9, 9, false);
    promise_nothing();
    CHECK_STATUS(ws_store_delete(store, &key, NULL, &removed), WS_OK);
    CHECK(removed == 2);
    add_promise(INFINITY, INFINITY, true);
    check_all_states();
}

TEST("a power loss during a sweep takes nothing that the sweep would have kept") {
    struct ws_swept swept;

    begin();
    struct ws_session *session = a_session();
    save("expired", 3, SHORT);
    ws_store_shift_clock(store, 31 * WS_DAY);
    checkpoint(session, 10);
    CHECK_STATUS(ws_sweep(store, &swept), WS_OK);
    checkpoint(session, 9);
    ws_session_close(session);
    /* The clock of the process that looks is not shifted: it may see what had expired. */
    check_all_states();
}

TEST("a power loss after the run's file was deleted loses nothing that was synced since") {
    struct ws_digest key = a_key();
    uint64_t removed = 0;

    begin();
    struct ws_session *session = a_session();
    checkpoint(session, 10);
    synced = INFINITY;
    promise_nothing();
    CHECK_STATUS(ws_store_delete(store, &key, NULL, &removed), WS_OK);
    checkpoint(session, 9);
    CHECK(synced == 9);
    checkpoint(session, 8);
    ws_session_close(session);
    check_all_states();
}

TEST("a power loss after a call that failed loses nothing that was synced") {
    /* The first is the best, so that it matters whether its failed sync is forgotten. */
    static const double objectives[] = {7, 8, 7.5, 7.2};

    for (size_t call = 0; call < 80; call++) {
        begin();
        struct ws_session *session = a_session();
        if (call % 2 == 0) {
            checkpoint(session, 10);
            let_time_pass();
        } /* else the directories are made while calls fail */
        sim_fail(sim_calls() + call / 2, sim_calls() + call / 2 + 1, EIO, SIM_CLEAN);
        for (int i = 0; i < 4; i++) {
            size_t before = sim_moment();
            if (try_offer(session, false, objectives[i], SHORT) == WS_OK) {
                reached = lower(reached, objectives[i]);
                synced = sim_synced_since(before) ? reached : synced;
                add_promise(reached, synced, false);
            }
        }
        sim_fail_stops();
        ws_session_close(session);
        ws_store_release(store);
        states += sim_each_crash_now(check_state, NULL);
    }
}

/* How many of ten checkpoints are synced that come so long after each other. */
static int synced_of_ten(struct ws_session *session, int64_t apart) {
    int count = 0;

    for (int i = 0; i < 10; i++) {
        size_t before = sim_moment();
        sim_time_passes(apart);
        CHECK_STATUS(try_offer(session, false, ws_session_status(session).objective - 1, SHORT),
                     WS_OK);
        count += sim_synced_since(before);
    }
    return count;
}

TEST("checkpoints are synced that come a hundred times what a sync takes after the last") {
    begin();
    struct ws_session *session = a_session();

    sim_syncs_take(5 * SECOND / 1000);
    CHECK_STATUS(try_offer(session, false, 100, SHORT), WS_OK);
    sim_time_passes(WS_RATE_INTERVAL);
    CHECK_STATUS(try_offer(session, false, 99, SHORT), WS_OK);
    CHECK(synced_of_ten(session, SECOND / 2 + SECOND / 1000) == 10);
    CHECK(synced_of_ten(session, SECOND / 3) == 5);
    ws_session_close(session);
    ws_store_release(store);
}

/* A sync goes on from 8 on; two records before it are synced. */
static struct ws_session *session_with_hanging_sync(void) {
    begin();
    struct ws_session *session = a_session();
    checkpoint(session, 10);
    let_time_pass();
    checkpoint(session, 9);
    CHECK(synced == 9);
    let_time_pass();
    sim_errands_hang(true);
    checkpoint(session, 8);
    CHECK(synced == 9 && ws_session_status(session).is_syncing);
    checkpoint(session, 7);
    CHECK_STATUS(try_offer(session, false, 6, SHORT), WS_REFUSED);
    return session;
}

static void checkpoint_after_sync(struct ws_session *session, double objective) {
    CHECK_STATUS(try_offer(session, false, objective, SHORT), WS_OK);
    reached = objective;
    add_promise(reached, synced, false);
}

TEST("a sync that goes on by itself makes durable what it began with, and nothing undoes it") {
    struct ws_session *session = session_with_hanging_sync();

    sim_errands_hang(false);
    synced = 8;
    checkpoint_after_sync(session, 5);
    CHECK(!ws_session_status(session).is_syncing);
    checkpoint(session, 4);
    checkpoint(session, 3);
    let_time_pass();
    checkpoint(session, 2);
    CHECK(synced == 2);
    ws_session_close(session);
    check_all_states();
}

TEST("a sync that never ends stops no checkpoints for longer than half a minute") {
    struct ws_session *session = session_with_hanging_sync();

    ws_store_shift_clock(store, WS_SYNC_GIVEN_UP);
    passed += WS_SYNC_GIVEN_UP;
    checkpoint_after_sync(session, 5);
    checkpoint_after_sync(session, 4);
    sim_errands_hang(false);
    checkpoint_after_sync(session, 3);
    checkpoint_after_sync(session, 2);
    ws_session_close(session);
    check_all_states();
}

TEST("a sync that goes on does not hold up the final record") {
    struct ws_session *session = session_with_hanging_sync();

    finalize(session, 1);
    CHECK(!ws_session_status(session).is_syncing);
    ws_session_close(session);
    sim_errands_hang(false);
    check_all_states();
}

/* A run that does what comes, until it is finished or a dozen of writes are done. */
static void work_by_chance(struct ws_session *session, uint64_t *chance) {
    for (int i = 0; i < 12; i++) {
        double step = (double)draw_below(chance, 8) - 2;
        double objective = isinf(reached) ? 50 : reached - step;
        size_t size = draw_below(chance, 4) == 0 ? 1 + draw_below(chance, 2 * LONGER) : SHORT;
        bool final = draw_below(chance, 12) == 0;
        if (objective >= reached || draw_below(chance, 4) == 0) {
            let_time_pass();
        }
        offer(session, final, objective, size);
        if (final) {
            return;
        }
    }
}

TEST("a power loss during work by chance loses nothing that was synced") {
    uint64_t chance = 5;

    for (int i = 0; i < 8; i++) {
        begin();
        for (int run = 0; run < 3; run++) {
            struct ws_session *session = a_session();
            work_by_chance(session, &chance);
            ws_session_close(session);
        }
        check_all_states();
    }
}

TEST("thousands of states were tried") {
    printf("# power loss: %zu states tried\n", states);
    CHECK(states > 5000);
}

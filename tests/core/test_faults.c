#include "fixtures.h"
#include "os_sim.h"
#include "payloads.h"
#include "reach.h"
#include "save.h"
#include "sweep.h"
#include "tally.h"

/*
 * Each test does the same work again and again, and each time another of its calls to the system
 * fails: once, three times in a row, or from there on. Whatever came of it, what had been
 * acknowledged is found afterwards, nothing stays open or locked, the reason was given, and the
 * next call works.
 */

#define SHORT ((size_t)700)
#define LONGER ((size_t)5000)
#define LARGE (WS_KEPT_MAX + (size_t)1) /* more than is kept in memory */
#define CALLS_MAX 2000                  /* of work without an end */

static const int errors[] = {ENOSPC, EDQUOT, EIO, EROFS, EACCES, EMFILE};
static const size_t lengths[] = {1, 3, CALLS_MAX};

static struct ws_store *store;
static struct ws_session *session;
static double acknowledged; /* a lookup must find this or better; INFINITY: nothing */
static int injected;        /* the error that calls may report */
static int failures;

static uint64_t max_size = 20000;

static struct ws_store *open_simulated(void) {
    struct ws_store_options options = {.max_size = max_size, .max_age = 30 * WS_DAY};
    struct ws_store *opened = NULL;

    CHECK_STATUS(ws_store_open("/home/store", &options, &opened), WS_OK);
    return opened;
}

/* A failed call says so, and why. */
static bool succeeded(enum ws_status status) {
    int reason = errno;

    if (status == WS_OK) {
        return true;
    }
    failures++;
    CHECK_STATUS(status, WS_OS_ERROR);
    CHECK(reason == injected);
    return false;
}

static void offer(bool final, double objective, size_t size) {
    static uint8_t payload[2 * LARGE];
    struct ws_offer made = {.payload = payload, .size = size, .objective = objective};

    make_payload(payload, size, objective);
    if (!final) {
        enum ws_status status = ws_session_checkpoint(session, &made);
        if (succeeded(status)) {
            acknowledged = fmin(acknowledged, objective);
        } else {
            CHECK(ws_session_status(session).failure_errno == injected);
        }
        return;
    }
    bool finished = succeeded(ws_session_finalize(session, &made));
    /* Where it failed it may have taken place or not. */
    acknowledged = finished || isinf(acknowledged) ? acknowledged : fmax(acknowledged, objective);
    acknowledged = finished ? objective : acknowledged;
}

static void checkpoint(double objective) { offer(false, objective, SHORT); }
static void finalize(double objective) { offer(true, objective, SHORT); }

static void open_session(void) {
    struct ws_digest key = a_key();

    /* Without chance there is no run id. */
    if (!succeeded(ws_session_open(store, &key, "label", &session))) {
        session = NULL;
    }
}

static void let_time_pass(void) { ws_store_shift_clock(store, WS_RATE_INTERVAL); }

/* Under a fault it may find nothing, but nothing that is wrong. */
static void look_up(void) {
    struct ws_digest key = a_key();
    struct ws_entry *entry = NULL;
    enum ws_status status = ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry);

    CHECK(status == WS_OK || status == WS_NOT_FOUND || status == WS_OS_ERROR);
    bool right = status != WS_OK || is_intact(entry);
    if (status == WS_OK) {
        ws_entry_free(entry);
    }
    CHECK(right);
}

/* The works. */

static void work_of_a_fit(void) {
    open_session();
    if (session) {
        checkpoint(10);
        checkpoint(9);
        let_time_pass();
        checkpoint(11);
        look_up();
        checkpoint(8);
    }
}

static void work_that_grows(void) {
    open_session();
    if (session) {
        checkpoint(10);
        offer(false, 9, LONGER);
        let_time_pass();
        offer(false, 9.5, 2 * LONGER); /* the best is read, and carried over */
    }
}

/* More than is kept in memory: the best is read from the file. */
static void work_that_grows_large(void) {
    open_session();
    if (session) {
        offer(false, 9, LARGE);
        let_time_pass();
        offer(false, 9.5, 2 * LARGE);
    }
}

static void work_that_ends(void) {
    open_session();
    if (session) {
        checkpoint(10);
        checkpoint(9);
        finalize(8);
        look_up();
    }
}

static void work_that_goes_on_after_its_end(void) {
    open_session();
    if (session) {
        checkpoint(10);
        finalize(9);
        checkpoint(8);
        finalize(7);
    }
}

static void save(const char *run_id, double objective) {
    uint8_t payload[SHORT];
    struct ws_digest key = a_key();
    struct ws_note note = note_of(WS_FINAL, objective);

    char name[WS_RUN_ID_MAX + 1];

    snprintf(name, sizeof name, "%s", run_id);
    make_payload(payload, sizeof payload, objective);
    if (succeeded(ws_save(store, &key, name, &note, payload, sizeof payload))) {
        acknowledged = fmin(acknowledged, objective);
    }
}

static void work_of_saves(void) {
    save("one", 10);
    save("two", 9);
    save("one", 8);
}

static void work_of_deleting(void) {
    struct ws_digest key = a_key();
    uint64_t removed = 0;

    save("one", 10);
    acknowledged = INFINITY;
    succeeded(ws_store_delete(store, &key, NULL, &removed));
    save("two", 9);
}

/* Nothing is larger than the store may be, and nothing expired: a sweep takes nothing. */
static void work_of_sweeping(void) {
    struct ws_swept swept;

    save("one", 10);
    succeeded(ws_sweep(store, &swept));
    succeeded(ws_store_each(store, NULL, count_one_run, &(int){0}));
    look_up();
}

static void work_while_the_run_is_deleted(void) {
    struct ws_digest key = a_key();
    uint64_t removed = 0;

    open_session();
    if (session) {
        checkpoint(10);
        acknowledged = INFINITY;
        succeeded(ws_store_delete(store, &key, NULL, &removed));
        checkpoint(9);
        checkpoint(8);
    }
}

/* What must hold. */

static void expect_acknowledged(void) {
    struct ws_digest key = a_key();
    struct ws_store *other = open_simulated();
    bool intact = true;
    double found = lowest_found(other, &key, &intact);

    ws_store_release(other);
    CHECK(intact);
    if (found > acknowledged) {
        harness_fail(__FILE__, __LINE__, "found %g, not %g, after %s failed", found, acknowledged,
                     sim_failed_call());
    }
}

static size_t work_with_failing(void (*work)(void), size_t call, size_t length, int error,
                                enum sim_failure how) {
    sim_reset();
    store = open_simulated();
    session = NULL;
    acknowledged = INFINITY;
    injected = error;
    size_t before = sim_calls();
    sim_fail(before + call, before + call + length, error, how);
    work();
    size_t taken = sim_calls() - before;
    CHECK(taken < CALLS_MAX);
    sim_fail_stops();

    expect_acknowledged();
    if (session) {
        checkpoint(-1);
        CHECK(acknowledged == -1 && ws_session_status(session).failure == WS_OK);
    } else {
        save("afterwards", -1);
        CHECK(acknowledged == -1);
    }
    expect_acknowledged();
    ws_session_close(session);
    ws_store_release(store);
    CHECK(sim_open_handles() == 0 && sim_held_locks() == 0);
    return taken;
}

static void expect_no_harm(void (*work)(void)) {
    size_t calls = work_with_failing(work, CALLS_MAX, 1, EIO, SIM_CLEAN);
    int tried = 0;

    failures = 0;
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            for (size_t call = 0; call < calls; call++) {
                work_with_failing(work, call, lengths[l], errors[e], SIM_CLEAN);
                work_with_failing(work, call, lengths[l], errors[e], SIM_PART);
                tried += 2;
            }
        }
    }
    CHECK(failures > 0);
    printf("# %zu calls, %d faults, %d calls of ours that reported one\n", calls, tried, failures);
}

/* The tests. */

TEST("whichever call fails, checkpoints lose nothing, and say why") {
    expect_no_harm(work_of_a_fit);
}

TEST("whichever call fails, payloads that grow lose nothing") { expect_no_harm(work_that_grows); }

TEST("whichever call fails, large payloads that grow lose nothing") {
    max_size = (uint64_t)1 << 30;
    expect_no_harm(work_that_grows_large);
    max_size = 20000;
}

TEST("whichever call fails, a fit that ends loses nothing") { expect_no_harm(work_that_ends); }

TEST("whichever call fails, a second run of a session loses nothing") {
    expect_no_harm(work_that_goes_on_after_its_end);
}

TEST("whichever call fails, saves lose nothing") { expect_no_harm(work_of_saves); }

TEST("whichever call fails, a deletion says so, and later saves lose nothing") {
    expect_no_harm(work_of_deleting);
}

TEST("whichever call fails, a sweep takes nothing that it should keep") {
    expect_no_harm(work_of_sweeping);
}

TEST("whichever call fails, a run whose file was deleted is safe again") {
    expect_no_harm(work_while_the_run_is_deleted);
}

/* What a server that has forgotten the file says, a disk, and a mount that came back. */
static const int deaths[] = {ESTALE, EIO, ENOTCONN, EBADF};

/* A session at 9 whose file is dead. */
static void begin_dead(int error, size_t size) {
    sim_reset();
    store = open_simulated();
    acknowledged = INFINITY;
    injected = error;
    open_session();
    offer(false, 10, size);
    offer(false, 9, size);
    sim_handles_die(error);
    failures = 0;
}

static void end_dead(void) {
    CHECK(failures == 0);
    expect_acknowledged();
    ws_session_close(session);
    ws_store_release(store);
    CHECK(sim_open_handles() == 0 && sim_held_locks() == 0);
}

static int runs_of_the_key(void) {
    struct ws_digest key = a_key();

    return runs_in(store, &key);
}

TEST("a file that died is given up: a better record goes to another, in place of it") {
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        for (int synced = 0; synced < 2; synced++) {
            begin_dead(deaths[i], SHORT);
            if (synced) {
                let_time_pass();
            }
            checkpoint(8);
            expect_acknowledged();
            CHECK(acknowledged == 8 && runs_of_the_key() == 1);
            size_t before = sim_calls();
            checkpoint(7);
            CHECK(sim_calls() - before == 2); /* is it there, and the write */
            end_dead();
        }
    }
}

TEST("a file that died is given up: a worse record goes to another, with the best from memory") {
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        struct ws_digest key = a_key();
        uint64_t removed;
        begin_dead(deaths[i], SHORT);
        CHECK_STATUS(ws_store_delete(store, &key, NULL, &removed), WS_OK);
        let_time_pass();
        checkpoint(12);
        CHECK(acknowledged == 9 && runs_of_the_key() == 1);
        end_dead();
    }
}

TEST("where the best is too large for memory it stays in the file that died") {
    max_size = (uint64_t)1 << 30;
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        begin_dead(deaths[i], SHORT);
        offer(false, 8, LARGE);
        sim_handles_die(deaths[i]);
        let_time_pass();
        checkpoint(12);
        CHECK(runs_of_the_key() == 2);
        expect_acknowledged();
        checkpoint(11); /* an improvement of what this file has */
        CHECK(ws_session_status(session).objective == 11);
        end_dead();
    }
    max_size = 20000;
}

TEST("a fit whose file died finalizes") {
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        begin_dead(deaths[i], SHORT);
        finalize(8);
        CHECK(acknowledged == 8 && runs_of_the_key() == 1);
        end_dead();
    }
}

TEST("while nothing can be written a file that died is kept, and left once that works") {
    begin_dead(EIO, SHORT);
    sim_fail(sim_calls(), SIZE_MAX, EIO, SIM_CLEAN);
    for (int i = 0; i < 10; i++) {
        checkpoint(8);
    }
    CHECK(failures == 10 && acknowledged == 9);
    sim_fail_stops();
    failures = 0;
    expect_acknowledged();
    checkpoint(8);
    CHECK(acknowledged == 8);
    end_dead();
}

TEST("for want of room a run keeps its file") {
    static const int wants[] = {ENOSPC, EDQUOT, EFBIG};

    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
        char run_id[WS_RUN_ID_MAX + 1];
        sim_reset();
        store = open_simulated();
        acknowledged = INFINITY;
        injected = wants[i];
        open_session();
        checkpoint(10);
        snprintf(run_id, sizeof run_id, "%s", ws_session_status(session).run_id);
        sim_fail(sim_calls(), SIZE_MAX, wants[i], SIM_PART);
        checkpoint(9);
        sim_fail_stops();
        checkpoint(8);
        CHECK(acknowledged == 8 && strcmp(run_id, ws_session_status(session).run_id) == 0);
        failures = 0;
        end_dead();
    }
}

TEST("a lookup finds what is renamed while it lists") {
    for (int misses = 1; misses <= 3; misses++) {
        sim_reset();
        store = open_simulated();
        acknowledged = INFINITY;
        save("run", 1);
        sim_listings_miss(misses);
        expect_acknowledged();
        ws_store_release(store);
        CHECK(sim_open_handles() == 0);
    }
}

static bool finds_something(void) {
    struct ws_digest key = a_key();
    bool intact = true;

    return isfinite(lowest_found(store, &key, &intact)) && intact;
}

static void expect_no_answer(void) {
    struct ws_note note = note_of(WS_FINAL, 1);
    struct ws_offer made = {.payload = "x", .size = 1, .objective = 1};
    struct ws_digest key = a_key();
    char run_id[WS_RUN_ID_MAX + 1] = "other";
    size_t before = sim_calls();
    uint64_t removed;

    CHECK(!finds_something());
    CHECK_STATUS(ws_save(store, &key, run_id, &note, "x", 1), WS_OS_ERROR);
    CHECK(errno == ETIMEDOUT);
    CHECK_STATUS(ws_session_checkpoint(session, &made), WS_OS_ERROR);
    CHECK(errno == ETIMEDOUT && ws_session_status(session).failure_errno == ETIMEDOUT);
    CHECK_STATUS(ws_session_finalize(session, &made), WS_OS_ERROR);
    CHECK_STATUS(ws_store_delete(store, &key, NULL, &removed), WS_OS_ERROR);
    CHECK(sim_calls() == before);
}

TEST("nothing is asked of a server that does not answer, until it does again") {
    struct ws_digest key = a_key();

    sim_reset();
    sim_caches_names(true); /* so it is a server's */
    store = open_simulated();
    sim_caches_names(false);
    acknowledged = INFINITY;
    save("run", 5);
    CHECK_STATUS(ws_session_open(store, &key, NULL, &session), WS_OK);
    offer(false, 4, SHORT);
    sim_errands_hang(true);
    CHECK(finds_something()); /* it has just answered */
    sim_time_passes(WS_ANSWER_HOLDS);
    expect_no_answer();
    sim_time_passes(WS_ANSWER_HOLDS);
    expect_no_answer();
    sim_errands_hang(false);
    CHECK(finds_something());
    offer(true, 3, SHORT);
    CHECK(finds_something());
    ws_session_close(session);
    ws_store_release(store);
    CHECK(sim_open_handles() == 0);
}

TEST("what another host has saved after a miss is found at once, whatever there was before") {
    static const char *const there[] = {"/home/store", "/home/store/v1", "/home/store/v1/012",
                                        "/home/store/v1/012/345"};

    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        struct ws_dir *dir = NULL;
        sim_reset();
        CHECK_STATUS(ws_os_dir_open(there[i], WS_MAKE_DURABLE, &dir), WS_OK);
        ws_os_dir_close(dir);
        sim_caches_names(true);
        store = open_simulated();
        acknowledged = INFINITY;
        CHECK(!finds_something());
        sim_caches_names(false);
        save("run", 1);
        sim_caches_names(true);
        CHECK(finds_something());
        ws_store_release(store);
        CHECK(sim_open_handles() == 0);
    }
}

/* What is beside the branch of the one key, as another host sees it. */
static int files_of_store(void) {
    sim_caches_names(false);
    int names = sim_names_in("/home/store/v1");
    sim_caches_names(true);
    return names - 1;
}

static void save_sized(size_t size) {
    static const char payload[1 << 20];
    struct ws_note note = note_of(WS_FINAL, 1);
    struct ws_digest key = a_key();
    char run_id[WS_RUN_ID_MAX + 1] = "run";

    CHECK_STATUS(ws_save(store, &key, run_id, &note, payload, size), WS_OK);
}

static void begin_on_shared_disk(void) {
    struct ws_store_options options = {.max_size = (uint64_t)1 << 30, .max_age = 30 * WS_DAY};

    sim_reset();
    sim_caches_names(true);
    CHECK_STATUS(ws_store_open("/home/store", &options, &store), WS_OK);
    save_sized(SHORT);
    ws_tally_add(store, WS_HIT, 1);
    CHECK(files_of_store() == 0);
}

TEST("on a disk that machines share a handle tells at its end what it has saved and counted") {
    begin_on_shared_disk();
    ws_tally_settle(store);
    ws_sweep_settle(store);
    CHECK(files_of_store() == 2);
    ws_store_release(store);
}

TEST("on a disk that machines share a handle tells each hour what it has saved and counted") {
    begin_on_shared_disk();
    sim_time_passes(3600 * SECOND);
    save_sized(SHORT);
    ws_tally_add(store, WS_HIT, 1);
    CHECK(files_of_store() == 2);
    ws_store_release(store);
}

TEST("on a disk that machines share a forked child tells at once") {
    begin_on_shared_disk();
    sim_process_dies();
    save_sized(SHORT);
    ws_tally_add(store, WS_HIT, 1);
    CHECK(files_of_store() == 2);
    ws_store_release(store);
}

TEST("on a disk that machines share a handle tells at once of a part of what the store may hold") {
    begin_on_shared_disk();
    save_sized((1 << 20) - SHORT);
    CHECK(files_of_store() == 1);
    ws_store_release(store);
}

TEST("a lookup that cannot read says so, and finds what it can") {
    sim_reset();
    store = open_simulated();
    acknowledged = INFINITY;
    save("run", 1);
    CHECK(ws_store_passed_over(store)->unread == 0);
    sim_fail(sim_calls(), SIZE_MAX, EMFILE, SIM_CLEAN);
    look_up();
    sim_fail_stops();
    CHECK(ws_store_passed_over(store)->unread == 1 &&
          ws_store_passed_over(store)->unread_errno == EMFILE);
    size_t opening_the_file = sim_calls() + 2; /* after the directory, and its names */
    sim_fail(opening_the_file, opening_the_file + 1, EIO, SIM_CLEAN);
    look_up();
    CHECK(ws_store_passed_over(store)->unread == 2 &&
          ws_store_passed_over(store)->unread_errno == EIO);
    expect_acknowledged();
    ws_store_release(store);
    CHECK(sim_open_handles() == 0);
}

TEST("while the disk is full, an earlier best stays, and later ones are kept again") {
    sim_reset();
    store = open_simulated();
    acknowledged = INFINITY;
    injected = ENOSPC;
    open_session();
    checkpoint(10);
    sim_fail(sim_calls(), SIZE_MAX, ENOSPC, SIM_PART);
    for (int i = 0; i < 100; i++) {
        checkpoint(9 - i / 100.0);
    }
    CHECK(acknowledged == 10 && ws_session_status(session).failed == 100);
    sim_fail_stops();
    expect_acknowledged();
    checkpoint(5);
    expect_acknowledged();
    ws_session_close(session);
    ws_store_release(store);
    CHECK(sim_open_handles() == 0 && sim_held_locks() == 0);
}

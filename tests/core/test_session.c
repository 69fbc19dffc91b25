#ifdef __linux__
#define _GNU_SOURCE /* AT_EMPTY_PATH */
#endif

#include "fixtures.h"
#include "story.h"
#include "syncs.h"

#include <sys/resource.h>

static struct ws_session *session_on(struct ws_store *store, struct ws_digest key) {
    struct ws_session *session = NULL;

    CHECK_STATUS(ws_session_open(store, &key, NULL, &session), WS_OK);
    return session;
}

static struct ws_session *a_session(struct ws_store *store) { return session_on(store, a_key()); }

static struct ws_offer offer_of(double objective, const char *text) {
    return (struct ws_offer){.payload = text, .size = strlen(text), .objective = objective};
}

static enum ws_status checkpoint(struct ws_session *session, double objective, const char *text) {
    struct ws_offer offer = offer_of(objective, text);

    return ws_session_checkpoint(session, &offer);
}

static enum ws_status finalize(struct ws_session *session, double objective, const char *text) {
    struct ws_offer offer = offer_of(objective, text);

    return ws_session_finalize(session, &offer);
}

static bool wants(struct ws_session *session, double objective) {
    struct ws_offer offer = offer_of(objective, "");

    return ws_session_wants(session, &offer);
}

static void best_is(struct ws_store *store, const char *text) {
    struct ws_digest key = a_key();

    expect_best(store, &key, text);
}

static void latest_is(struct ws_store *store, const char *text) {
    struct ws_digest key = a_key();

    expect_latest(store, &key, text);
}

static int runs_of_key(struct ws_store *store) {
    struct ws_digest key = a_key();

    return runs_in(store, &key);
}

static const char *file_of(struct ws_session *session) {
    return run_path(KEY_HEX, ws_session_status(session).run_id);
}

static void close_both(struct ws_session *session, struct ws_store *store) {
    ws_session_close(session);
    ws_store_release(store);
}

/* 1. What is kept comes back. */

TEST("a checkpoint is what a load gives") {
    struct ws_store *store = a_store();
    struct ws_session *session = NULL;
    struct ws_digest key = a_key();
    struct ws_offer offer = offer_of(12.5, "state");
    struct ws_entry *entry = NULL;
    enum ws_source source = WS_PRELOADED;

    offer.encoding = 3;
    offer.has_iteration = true;
    offer.iteration = 7;
    CHECK_STATUS(ws_session_open(store, &key, "a label", &session), WS_OK);
    CHECK_STATUS(ws_session_checkpoint(session, &offer), WS_OK);
    CHECK_STATUS(ws_session_load(session, &entry, &source), WS_OK);
    CHECK(source == WS_EXACT && holds_text(entry, "state"));
    CHECK(entry->record.note.kind == WS_CHECKPOINT && entry->record.note.objective == 12.5);
    CHECK(entry->record.note.has_iteration && entry->record.note.iteration == 7);
    CHECK(entry->record.note.encoding == 3 && same_key(&entry->record.key, &key));
    CHECK(strcmp(entry->record.note.label, "a label") == 0);
    CHECK(strcmp(entry->run_id, ws_session_status(session).run_id) == 0);
    ws_entry_free(entry);
    close_both(session, store);
}

TEST("loads repeat") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OK);
    for (int i = 0; i < 3; i++) {
        struct ws_entry *entry = NULL;
        enum ws_source source;
        CHECK_STATUS(ws_session_load(session, &entry, &source), WS_OK);
        ws_entry_free(entry);
    }
    close_both(session, store);
}

TEST("opening a session and loading from it touch no disk") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_entry *entry = NULL;
    enum ws_source source;

    CHECK_STATUS(ws_session_load(session, &entry, &source), WS_NOT_FOUND);
    CHECK(!exists(harness_path("store")));
    close_both(session, store);
}

TEST("a session keeps its store though that was released") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_entry *entry = NULL;
    enum ws_source source;

    ws_store_release(store);
    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OK);
    CHECK_STATUS(ws_session_load(session, &entry, &source), WS_OK);
    ws_entry_free(entry);
    ws_session_close(session);
}

TEST("a session knows its key") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_digest key = a_key();

    CHECK(same_key(ws_session_key(session), &key));
    close_both(session, store);
}

TEST("closing no session is allowed") { ws_session_close(NULL); }

/* 2. Improvements are written at once. */

TEST("each improvement is written, however soon after the last") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    char text[32];

    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "state %d", i);
        CHECK_STATUS(checkpoint(session, -i, text), WS_OK);
        best_is(store, text);
    }
    close_both(session, store);
}

TEST("an improvement by no more than the tolerance is refused") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "first"), WS_OK);
    CHECK_STATUS(checkpoint(session, 1 - 5e-13, "second"), WS_REFUSED);
    close_both(session, store);
}

TEST("an improvement by more than the tolerance is written") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "first"), WS_OK);
    CHECK_STATUS(checkpoint(session, 1 - 3e-12, "second"), WS_OK);
    close_both(session, store);
}

TEST("a session's first checkpoint is written though another run's is better") {
    struct ws_store *store = a_store();
    struct ws_session *first = a_session(store);
    struct ws_session *second = a_session(store);

    CHECK_STATUS(checkpoint(first, 1, "better"), WS_OK);
    CHECK_STATUS(checkpoint(second, 2, "worse"), WS_OK);
    CHECK(runs_of_key(store) == 2);
    ws_session_close(first);
    close_both(second, store);
}

/* 3. What does not improve is held back for a while, and never hides what is better. */

TEST("what does not improve is refused within the interval") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    ws_store_shift_clock(store, WS_RATE_INTERVAL - SECOND / 2);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_REFUSED);
    CHECK_STATUS(checkpoint(session, 1, "equal"), WS_REFUSED);
    close_both(session, store);
}

TEST("an early offer is refused until the run has a file") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_offer offer = offer_of(3, "early");

    offer.is_early = true;
    CHECK(!ws_session_wants(session, &offer));
    CHECK_STATUS(ws_session_checkpoint(session, &offer), WS_REFUSED);
    CHECK(ws_session_history(session)->count == 2);
    CHECK_STATUS(checkpoint(session, 2, "first"), WS_OK);
    offer.objective = 1;
    CHECK_STATUS(ws_session_checkpoint(session, &offer), WS_OK);
    best_is(store, "early");
    close_both(session, store);
}

TEST("what was refused left the disk as it was") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_REFUSED);
    best_is(store, "better");
    latest_is(store, "better");
    close_both(session, store);
}

TEST("what does not improve is written once the interval has passed") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_OK);
    close_both(session, store);
}

TEST("best finds the better one and latest the newer, however many were worse") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    char text[32];

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    for (int i = 0; i < 20; i++) {
        ws_store_shift_clock(store, WS_RATE_INTERVAL);
        snprintf(text, sizeof text, "worse %d", i);
        CHECK_STATUS(checkpoint(session, 2 + i % 3, text), WS_OK);
        best_is(store, "better");
        latest_is(store, text);
    }
    close_both(session, store);
}

TEST("the interval counts from the last write, not from the last offer") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    for (int i = 0; i < 3; i++) {
        ws_store_shift_clock(store, WS_RATE_INTERVAL / 4);
        CHECK_STATUS(checkpoint(session, 2, "worse"), WS_REFUSED);
    }
    ws_store_shift_clock(store, WS_RATE_INTERVAL / 4);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_OK);
    close_both(session, store);
}

TEST("a clock that is set back holds nothing back") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    ws_store_shift_clock(store, -3600 * SECOND);
    CHECK_STATUS(checkpoint(session, 2, "later"), WS_OK);
    latest_is(store, "later");
    close_both(session, store);
}

TEST("from when the clock was set back the interval counts anew") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    ws_store_shift_clock(store, -3600 * SECOND);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_OK);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_REFUSED);
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    CHECK_STATUS(checkpoint(session, 2, "later"), WS_OK);
    latest_is(store, "later");
    close_both(session, store);
}

TEST("asking whether a checkpoint is wanted gives the answer it would get") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK(wants(session, NO_OBJECTIVE) && wants(session, 5));
    CHECK_STATUS(checkpoint(session, 5, "state"), WS_OK);
    CHECK(wants(session, 4) && !wants(session, 5));
    CHECK(!wants(session, NO_OBJECTIVE));
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    CHECK(wants(session, 6));
    close_both(session, store);
}

TEST("the status counts what was written, refused and failed") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 5, "state"), WS_OK);
    CHECK_STATUS(checkpoint(session, 4, "state"), WS_OK);
    CHECK_STATUS(checkpoint(session, 6, "state"), WS_REFUSED);
    CHECK(!wants(session, 7));
    failing_sync = 1;
    CHECK_STATUS(finalize(session, 4, "state"), WS_OS_ERROR);
    struct ws_session_status status = ws_session_status(session);
    CHECK(status.written == 2 && status.refused == 2 && status.failed == 1);
    close_both(session, store);
}

TEST("the status of a new session says that nothing was written") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_session_status status = ws_session_status(session);

    CHECK(!status.has_file && !status.finalized && isnan(status.objective));
    CHECK(status.written == 0 && status.last_write == 0 && status.failure == WS_OK);
    CHECK(ws_run_id_is_valid(status.run_id));
    close_both(session, store);
}

TEST("the status shows the best objective, not the last") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_OK);
    struct ws_session_status status = ws_session_status(session);
    CHECK(status.objective == 1 && status.has_file);
    close_both(session, store);
}

static struct ws_store *slow_store;
static int64_t sync_takes; /* ns */

static void let_sync_take_time(void) { ws_store_shift_clock(slow_store, sync_takes); }

/* A store in which a sync takes that long. */
static struct ws_store *store_with_syncs_of(int64_t ns) {
    slow_store = a_store();
    sync_takes = ns;
    while_syncing = let_sync_take_time;
    return slow_store;
}

/* How many of checkpoints are synced that come so long after each other. */
static int synced_of(struct ws_session *session, int count, int64_t apart) {
    int before = syncs;

    for (int i = 0; i < count; i++) {
        double objective = ws_session_status(session).objective;
        ws_store_shift_clock(slow_store, apart);
        CHECK_STATUS(checkpoint(session, objective - 1, "state"), WS_OK);
    }
    return syncs - before;
}

TEST("however short a sync is, ten a second are enough") {
    struct ws_store *store = store_with_syncs_of(1);
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 100, "state"), WS_OK);
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    CHECK_STATUS(checkpoint(session, 99, "state"), WS_OK);
    CHECK(synced_of(session, 50, SECOND / 100) <= 7);
    while_syncing = NULL;
    close_both(session, store);
}

TEST("however long a sync takes, one is made in each interval") {
    struct ws_store *store = store_with_syncs_of(SECOND);
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 100, "state"), WS_OK);
    CHECK(synced_of(session, 10, WS_RATE_INTERVAL) == 10);
    CHECK(synced_of(session, 4, WS_RATE_INTERVAL / 2) == 2);
    while_syncing = NULL;
    close_both(session, store);
}

TEST("data is synced with the first write, then at most once in the interval, and at finalize") {
    struct ws_store *store = store_with_syncs_of(SECOND / 50);
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 100, "state"), WS_OK);
    syncs = 0;
    for (int i = 0; i < 50; i++) {
        CHECK_STATUS(checkpoint(session, 99 - i, "state"), WS_OK);
    }
    CHECK(syncs == 0);
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    CHECK_STATUS(checkpoint(session, 10, "state"), WS_OK);
    CHECK_STATUS(checkpoint(session, 9, "state"), WS_OK);
    CHECK(syncs == 1);
    CHECK_STATUS(finalize(session, 8, "state"), WS_OK);
    CHECK(syncs == 3); /* the file and its name */
    while_syncing = NULL;
    close_both(session, store);
}

/* What saving a first record in the shard takes, where that is there with these rights. */
static int syncs_in_shard(unsigned rights) {
    struct ws_store *store = a_store();

    ws_os_dir_close(dir_at(harness_path("store/v1/012/345")));
    CHECK(chmod(harness_path("store/v1/012/345"), rights) == 0);
    struct ws_session *session = a_session(store);
    syncs = 0;
    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OK);
    int taken = syncs;
    close_both(session, store);
    return taken;
}

TEST("the name of a shard that another process has made and not synced is synced, once") {
    struct stat info;

    int taken = syncs_in_shard(01700);
    CHECK(stat(harness_path("store/v1/012/345"), &info) == 0 && (info.st_mode & 07777) == 0700);
    CHECK(syncs_in_shard(0700) == taken - 1);
}

#ifdef __linux__

static bool drops_marks; /* as a file system does that keeps no such bits */

int fstat(int fd, struct stat *info) {
    int result = fstatat(fd, "", info, AT_EMPTY_PATH);

    info->st_mode &= drops_marks ? ~(mode_t)S_ISVTX : ~(mode_t)0;
    return result;
}

/* What a brief fit takes in a store that is not there. */
static int syncs_of_brief(bool marks) {
    struct ws_store *store = a_store();
    struct ws_offer offer = {.payload = "end", .size = 3, .is_brief = true};
    struct ws_session *session = a_session(store);

    syncs = 0;
    drops_marks = !marks;
    CHECK_STATUS(ws_session_finalize(session, &offer), WS_OK);
    drops_marks = false;
    close_both(session, store);
    remove_tree(harness_path("store"));
    return syncs;
}

TEST("where the disk cannot mark a directory, a brief fit that makes it makes its name durable") {
    CHECK(syncs_of_brief(false) == syncs_of_brief(true) + 4); /* v1, in a new store; 012; 345 */
}

#endif

/* 4. Objectives that are no numbers. */

TEST("an objective that is not finite counts as absent and blocks no later one") {
    static const double values[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct ws_store *store = a_store();
        struct ws_session *session = a_session(store);
        CHECK_STATUS(checkpoint(session, values[i], "without"), WS_OK);
        CHECK(isnan(ws_session_status(session).objective));
        CHECK_STATUS(checkpoint(session, 1e300, "with"), WS_OK);
        best_is(store, "with");
        close_both(session, store);
        remove_tree(harness_path("store"));
    }
}

TEST("an objective that is not finite is no improvement") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "with"), WS_OK);
    CHECK_STATUS(checkpoint(session, -(double)INFINITY, "infinite"), WS_REFUSED);
    CHECK_STATUS(checkpoint(session, NO_OBJECTIVE, "without"), WS_REFUSED);
    close_both(session, store);
}

TEST("without objectives the newest wins") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    char text[32];

    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "state %d", i);
        CHECK_STATUS(checkpoint(session, NO_OBJECTIVE, text), WS_OK);
        best_is(store, text);
        ws_store_shift_clock(store, WS_RATE_INTERVAL);
    }
    close_both(session, store);
}

/* 5. Finalize. */

TEST("finalize leaves the final record and no checkpoint of its run") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_digest key = a_key();

    CHECK_STATUS(checkpoint(session, 1, "checkpoint"), WS_OK);
    CHECK_STATUS(finalize(session, 1, "final"), WS_OK);
    expect_found(store, &key, WS_BEST, WS_FINAL, "final");
    expect_found(store, &key, WS_BEST, WS_CHECKPOINT, NULL);
    CHECK(runs_of_key(store) == 1 && names_in(harness_path("store/v1/012/345")) == 1);
    close_both(session, store);
}

TEST("finalize writes though nothing was written before") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(finalize(session, NO_OBJECTIVE, "final"), WS_OK);
    best_is(store, "final");
    close_both(session, store);
}

TEST("finalize writes though it improves nothing and comes at once") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "checkpoint"), WS_OK);
    CHECK_STATUS(finalize(session, 2, "final"), WS_OK);
    best_is(store, "final");
    close_both(session, store);
}

TEST("a finalized session holds no file") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "checkpoint"), WS_OK);
    CHECK_STATUS(finalize(session, 1, "final"), WS_OK);
    CHECK(ws_session_status(session).finalized && !ws_session_status(session).has_file);
    close_both(session, store);
}

TEST("a checkpoint after finalize begins a new run and leaves the final record") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_digest key = a_key();

    CHECK_STATUS(finalize(session, 1, "final"), WS_OK);
    CHECK_STATUS(checkpoint(session, 5, "checkpoint"), WS_OK);
    expect_found(store, &key, WS_BEST, WS_FINAL, "final");
    expect_found(store, &key, WS_BEST, WS_CHECKPOINT, "checkpoint");
    CHECK(runs_of_key(store) == 2 && !ws_session_status(session).finalized);
    close_both(session, store);
}

TEST("a second finalize supersedes the first final record, though that was better") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(finalize(session, 1, "first"), WS_OK);
    CHECK_STATUS(finalize(session, 2, "second"), WS_OK);
    CHECK(runs_of_key(store) == 1);
    best_is(store, "second");
    close_both(session, store);
}

TEST("a brief fit's finalize supersedes as well, and is synced for that") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_offer brief = {.payload = "second", .size = 6, .objective = 2, .is_brief = true};

    CHECK_STATUS(finalize(session, 1, "first"), WS_OK);
    syncs = 0;
    CHECK_STATUS(ws_session_finalize(session, &brief), WS_OK);
    CHECK(syncs == 2); /* the file and its name */
    CHECK(runs_of_key(store) == 1);
    best_is(store, "second");
    close_both(session, store);
}

TEST("a finalize leaves the checkpoints of other runs, and their final records of later times") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_session *running = a_session(store);
    struct ws_session *ahead = a_session(store);

    CHECK_STATUS(checkpoint(running, 3, "checkpoint"), WS_OK);
    ws_store_shift_clock(store, SECOND);
    CHECK_STATUS(finalize(ahead, 1, "later"), WS_OK);
    ws_store_shift_clock(store, -SECOND);
    CHECK_STATUS(finalize(session, 2, "final"), WS_OK);
    CHECK(runs_of_key(store) == 3);
    ws_session_close(running);
    ws_session_close(ahead);
    close_both(session, store);
}

/* 6. Several sessions on one key. */

TEST("two sessions on one key see each other's entries at once") {
    struct ws_store *store = a_store();
    struct ws_store *second_store = a_store();
    struct ws_session *first = a_session(store);
    struct ws_session *second = a_session(second_store);
    struct ws_entry *entry = NULL;
    enum ws_source source;

    CHECK_STATUS(checkpoint(first, 1, "of the first"), WS_OK);
    CHECK_STATUS(ws_session_load(second, &entry, &source), WS_OK);
    CHECK(holds_text(entry, "of the first"));
    ws_entry_free(entry);
    close_both(first, store);
    close_both(second, second_store);
}

TEST("two sessions on one key write a file each") {
    struct ws_store *store = a_store();
    struct ws_session *first = a_session(store);
    struct ws_session *second = a_session(store);

    CHECK_STATUS(checkpoint(first, 2, "of the first"), WS_OK);
    CHECK_STATUS(checkpoint(second, 1, "of the second"), WS_OK);
    CHECK(strcmp(file_of(first), file_of(second)) != 0);
    CHECK(exists(file_of(first)) && exists(file_of(second)));
    best_is(store, "of the second");
    ws_session_close(first);
    close_both(second, store);
}

TEST("a session sees what another process wrote, at once") {
    struct ws_store *store = a_store();
    pid_t child = fork();

    if (child == 0) {
        struct ws_session *session = a_session(store);
        CHECK_STATUS(checkpoint(session, 1, "of the child"), WS_OK);
        _exit(0);
    }
    expect_success(child);
    best_is(store, "of the child");
    ws_store_release(store);
}

TEST("sessions on other keys see nothing of it") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_session *other = session_on(store, other_key());
    struct ws_entry *entry = NULL;
    enum ws_source source;

    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OK);
    CHECK_STATUS(ws_session_load(other, &entry, &source), WS_NOT_FOUND);
    ws_session_close(other);
    close_both(session, store);
}

/* 7. Preloading. */

/* An entry of another key: what a seed is. */
static struct ws_entry *a_seed(struct ws_store *store) {
    struct ws_digest key = other_key();
    struct ws_entry *entry = NULL;

    save_text(store, &key, "seed", WS_FINAL, 0, "seed");
    CHECK_STATUS(ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry), WS_OK);
    return entry;
}

static struct ws_session *preloaded_session(struct ws_store *store) {
    struct ws_session *session = a_session(store);
    struct ws_entry *seed = a_seed(store);

    CHECK_STATUS(ws_session_preload(session, seed), WS_OK);
    ws_entry_free(seed);
    return session;
}

static void load_is(struct ws_session *session, enum ws_source wanted, const char *text) {
    struct ws_entry *entry = NULL;
    enum ws_source source;

    CHECK_STATUS(ws_session_load(session, &entry, &source), WS_OK);
    CHECK(source == wanted && holds_text(entry, text));
    ws_entry_free(entry);
}

static void peek_is(struct ws_session *session, enum ws_source wanted, const char *text) {
    struct ws_entry *entry = NULL;
    enum ws_source source;

    CHECK_STATUS(ws_session_peek(session, &entry, &source), WS_OK);
    CHECK(source == wanted && holds_text(entry, text));
    ws_entry_free(entry);
}

TEST("a preloaded entry is loaded once, ahead of the store; then the store answers") {
    struct ws_store *store = a_store();
    struct ws_session *session = preloaded_session(store);

    CHECK_STATUS(checkpoint(session, -1, "better"), WS_OK);
    load_is(session, WS_PRELOADED, "seed");
    load_is(session, WS_EXACT, "better");
    close_both(session, store);
}

TEST("a preloaded entry that was loaded leaves a key that is not in the store") {
    struct ws_store *store = a_store();
    struct ws_session *session = preloaded_session(store);
    struct ws_entry *entry = NULL;
    enum ws_source source;

    load_is(session, WS_PRELOADED, "seed");
    CHECK_STATUS(ws_session_load(session, &entry, &source), WS_NOT_FOUND);
    close_both(session, store);
}

TEST("peeking shows a preloaded entry and does not consume it") {
    struct ws_store *store = a_store();
    struct ws_session *session = preloaded_session(store);

    peek_is(session, WS_PRELOADED, "seed");
    peek_is(session, WS_PRELOADED, "seed");
    load_is(session, WS_PRELOADED, "seed");
    close_both(session, store);
}

TEST("peeking without a preloaded entry shows the store's") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OK);
    peek_is(session, WS_EXACT, "state");
    close_both(session, store);
}

TEST("a second preload replaces the first") {
    struct ws_store *store = a_store();
    struct ws_session *session = preloaded_session(store);
    struct ws_digest key = key_of("00000000000000000000000000000000");
    struct ws_entry *entry = NULL;

    save_text(store, &key, "run", WS_FINAL, 0, "second seed");
    CHECK_STATUS(ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry), WS_OK);
    CHECK_STATUS(ws_session_preload(session, entry), WS_OK);
    ws_entry_free(entry);
    load_is(session, WS_PRELOADED, "second seed");
    close_both(session, store);
}

TEST("a preload of nothing withdraws what was preloaded") {
    struct ws_store *store = a_store();
    struct ws_session *session = preloaded_session(store);

    CHECK_STATUS(ws_session_preload(session, NULL), WS_OK);
    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OK);
    load_is(session, WS_EXACT, "state");
    close_both(session, store);
}

TEST("checkpoints of a preloaded session go to its own key") {
    struct ws_store *store = a_store();
    struct ws_session *session = preloaded_session(store);
    struct ws_digest seeds_key = other_key();

    load_is(session, WS_PRELOADED, "seed");
    CHECK_STATUS(checkpoint(session, -5, "state"), WS_OK);
    CHECK_STATUS(finalize(session, -6, "final"), WS_OK);
    best_is(store, "final");
    expect_best(store, &seeds_key, "seed");
    close_both(session, store);
}

TEST("a preloaded entry's objective holds no checkpoint back") {
    struct ws_store *store = a_store();
    struct ws_session *session = preloaded_session(store);

    load_is(session, WS_PRELOADED, "seed"); /* its objective is 0 */
    CHECK_STATUS(checkpoint(session, 100, "state"), WS_OK);
    CHECK_STATUS(checkpoint(session, 99, "state"), WS_OK);
    close_both(session, store);
}

/* 8. Damage. */

TEST("a damaged file is not loaded; the next best entry is") {
    struct ws_store *store = a_store();
    struct ws_session *dead = a_session(store);
    struct ws_session *session = a_session(store);

    CHECK_STATUS(finalize(dead, 1, "damaged"), WS_OK);
    flip_bit(file_of(dead), image_size(file_of(dead)) - 1);
    CHECK_STATUS(checkpoint(session, 2, "state"), WS_OK);
    load_is(session, WS_EXACT, "state");
    ws_session_close(dead);
    close_both(session, store);
}

/* 9. Runs, as others see them. */

struct seen {
    int count;
    struct ws_run run;
};

static enum ws_status see_run(void *context, const struct ws_run *run) {
    struct seen *seen = context;

    seen->count++;
    seen->run = *run;
    return WS_OK;
}

static struct seen only_run(struct ws_store *store) {
    struct ws_digest key = a_key();
    struct seen seen = {0};

    CHECK_STATUS(ws_store_each(store, &key, see_run, &seen), WS_OK);
    CHECK(seen.count == 1);
    return seen;
}

TEST("a session's run is running until it is closed, then interrupted") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OK);
    CHECK(only_run(store).run.running);
    ws_session_close(session);
    CHECK(!only_run(store).run.running);
    ws_store_release(store);
}

TEST("a finalized run is not running") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OK);
    CHECK_STATUS(finalize(session, 1, "final"), WS_OK);
    CHECK(!only_run(store).run.running && only_run(store).run.record.note.kind == WS_FINAL);
    close_both(session, store);
}

static void checkpoint_in_child(void *store) {
    CHECK_STATUS(checkpoint(a_session(store), 1, "of the child"), WS_OK);
}

TEST("a run whose process was killed is interrupted, and its checkpoint is found") {
    struct ws_store *store = a_store();
    struct victim victim = start_victim(checkpoint_in_child, store);

    CHECK(only_run(store).run.running);
    kill_victim(victim);
    CHECK(!only_run(store).run.running);
    best_is(store, "of the child");
    ws_store_release(store);
}

/* Checkpoints with falling objectives as fast as it can, reporting each that was acknowledged. */
static _Noreturn void fall(struct ws_store *store, int report) {
    static char payload[20000];
    struct ws_session *session = a_session(store);

    for (int i = 0;; i++) {
        struct ws_offer offer = {.payload = payload,
                                 .size = (size_t)(500 + i * 37 % 600 * (i % 64 == 0 ? 30 : 1)),
                                 .objective = -i};
        memset(payload, i & 0xff, offer.size);
        CHECK_STATUS(ws_session_checkpoint(session, &offer), WS_OK);
        CHECK(write(report, &i, sizeof i) == sizeof i);
    }
}

static void is_whole(const struct ws_entry *entry) {
    const uint8_t *bytes = entry->payload;
    int i = (int)-entry->record.note.objective;

    for (size_t at = 0; at < entry->record.payload_size; at++) {
        CHECK(bytes[at] == (uint8_t)i);
    }
}

TEST("nothing that was acknowledged is lost to a kill at any moment") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();
    uint64_t chance = 6;

    for (int round = 0; round < 40; round++) {
        uint64_t reports = draw_below(&chance, 300) + 1;
        struct ws_entry *entry = NULL;
        int ends[2];
        int last = -1;
        int reported;
        CHECK(pipe(ends) == 0);
        pid_t child = fork();
        if (child == 0) {
            fall(store, ends[1]);
        }
        close(ends[1]);
        while (reports-- > 0 && read(ends[0], &last, sizeof last) == sizeof last) {
        }
        kill_victim((struct victim){.pid = child, .leash = dup(ends[0])});
        while (read(ends[0], &reported, sizeof reported) == sizeof reported) {
            last = reported;
        }
        close(ends[0]);
        CHECK(last >= 0);
        CHECK_STATUS(ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry), WS_OK);
        CHECK(entry->record.note.objective <= -last);
        is_whole(entry);
        ws_entry_free(entry);
        remove_tree(harness_path("store"));
    }
    ws_store_release(store);
}

TEST("lookups beside a writer find a whole record each time, and never a worse one") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();
    int ends[2];
    int reported = 0;

    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        fall(store, ends[1]);
    }
    close(ends[1]);
    for (int i = 0; i < 3000; i++) {
        struct ws_entry *entry = NULL;
        CHECK(read(ends[0], &reported, sizeof reported) == sizeof reported);
        CHECK_STATUS(ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry), WS_OK);
        CHECK(entry->record.note.objective <= -reported);
        is_whole(entry);
        ws_entry_free(entry);
    }
    kill_victim((struct victim){.pid = child, .leash = ends[0]});
    ws_store_release(store);
}

/* 10. Failing disks. */

static struct ws_store *store_below_a_file(void) {
    struct ws_store_options options = {.max_size = 1 << 20, .max_age = WS_DAY};
    struct ws_store *store = NULL;

    make_file(harness_path("file"), "", 0);
    CHECK_STATUS(ws_store_open(harness_path("file/store"), &options, &store), WS_OK);
    return store;
}

TEST("a checkpoint that the disk refuses says so, and the status says why") {
    struct ws_store *store = store_below_a_file();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OS_ERROR);
    struct ws_session_status status = ws_session_status(session);
    CHECK(status.failure == WS_OS_ERROR && status.failure_errno == ENOTDIR);
    CHECK(status.written == 0 && !status.has_file);
    close_both(session, store);
}

TEST("a finalize that the disk refuses says so, and the status says why") {
    struct ws_store *store = store_below_a_file();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(finalize(session, 1, "state"), WS_OS_ERROR);
    struct ws_session_status status = ws_session_status(session);
    CHECK(status.failure == WS_OS_ERROR && status.failure_errno == ENOTDIR);
    CHECK(!status.finalized);
    close_both(session, store);
}

TEST("a checkpoint that the disk refused is no write: the same objective is written later") {
    struct ws_store *store = store_below_a_file();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OS_ERROR);
    CHECK(unlink(harness_path("file")) == 0);
    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OK);
    best_is(store, "state");
    close_both(session, store);
}

TEST("a failure is forgotten after a write that worked") {
    struct ws_store *store = store_below_a_file();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OS_ERROR);
    CHECK(unlink(harness_path("file")) == 0);
    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OK);
    struct ws_session_status status = ws_session_status(session);
    CHECK(status.failure == WS_OK && status.failure_errno == 0 && status.failed == 1);
    close_both(session, store);
}

/* As `ulimit -f` sets it; it would be killed for writing more. */
TEST("a process that may not write so much is told so, and keeps what it may") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    static char large[20000];
    struct ws_offer offer = {.payload = large, .size = sizeof large, .objective = 1};

    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        CHECK(setrlimit(RLIMIT_FSIZE,
                        &(struct rlimit){.rlim_cur = 16384, .rlim_max = RLIM_INFINITY}) == 0);
        CHECK_STATUS(checkpoint(session, 2, "small"), WS_OK);
        CHECK_STATUS(ws_session_checkpoint(session, &offer), WS_OS_ERROR);
        CHECK(ws_session_status(session).failure_errno == EFBIG);
        CHECK_STATUS(ws_session_finalize(session, &offer), WS_OS_ERROR);
        best_is(store, "small");
        CHECK_STATUS(finalize(session, 1, "final"), WS_OK);
        _exit(0);
    }
    expect_success(child);
    best_is(store, "final");
    close_both(session, store);
}

TEST("a finalize that failed leaves the checkpoints, and can be repeated") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "checkpoint"), WS_OK);
    failing_sync = 1;
    CHECK_STATUS(finalize(session, 1, "final"), WS_OS_ERROR);
    best_is(store, "checkpoint");
    CHECK_STATUS(finalize(session, 1, "final"), WS_OK);
    best_is(store, "final");
    CHECK(runs_of_key(store) == 1);
    close_both(session, store);
}

TEST("where a sync failed the record goes to another file, with the better one") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    failing_sync = 1;
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_OK);
    CHECK(runs_of_key(store) == 1);
    best_is(store, "better");
    latest_is(store, "worse");
    close_both(session, store);
}

TEST("a sync that failed twice costs no better record, and the next checkpoint works") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    failing_sync = 1;
    next_sync_fails_too = true;
    CHECK_STATUS(checkpoint(session, 3, "not synced"), WS_OS_ERROR);
    best_is(store, "better");
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_OK);
    best_is(store, "better");
    latest_is(store, "worse");
    close_both(session, store);
}

TEST("a run whose file was deleted is whole again after the next checkpoint") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    CHECK(unlink(file_of(session)) == 0);
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_OK);
    best_is(store, "better");
    latest_is(store, "worse");
    close_both(session, store);
}

/* Through a backup's link the file has a name still, though no lookup comes to it. */
TEST("a run whose file was deleted, but for a backup's link, is whole again with the next sync") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    CHECK(link(file_of(session), harness_path("backup")) == 0);
    CHECK(unlink(file_of(session)) == 0);
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_OK);
    best_is(store, "better");
    latest_is(store, "worse");
    close_both(session, store);
}

TEST("a backup of hard links stays as it was made, whatever the run writes") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    const char *backup = harness_path("backup");

    CHECK_STATUS(checkpoint(session, 10, "saved"), WS_OK);
    make_link(file_of(session), backup);
    struct image before = image_of(backup);
    for (int i = 0; i < 5; i++) {
        CHECK_STATUS(checkpoint(session, 9 - i, "state"), WS_OK);
    }
    CHECK_STATUS(finalize(session, 1, "final"), WS_OK);
    struct image after = image_of(backup);
    CHECK(before.size == after.size && memcmp(before.bytes, after.bytes, after.size) == 0);
    free(before.bytes);
    free(after.bytes);
    best_is(store, "final");
    close_both(session, store);
}

TEST("a run whose store was moved away is whole again with the next sync, where it was") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    CHECK(rename(harness_path("store"), harness_path("moved")) == 0);
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_OK);
    best_is(store, "better");
    close_both(session, store);
}

TEST("a run in whose place another store was put writes to that with the next sync") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    CHECK(rename(harness_path("store"), harness_path("moved")) == 0);
    CHECK(rename(harness_path("moved/v1/012/345"), harness_path("kept")) == 0);
    CHECK(rename(harness_path("moved"), harness_path("store")) == 0);
    ws_os_dir_close(dir_at(harness_path("store/v1/012/345")));
    make_file(file_of(session), "another's", 9);
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_OK);
    best_is(store, "better");
    close_both(session, store);
}

TEST("a run whose store was deleted is whole again after the next checkpoint") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    remove_tree(harness_path("store"));
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_OK);
    best_is(store, "better");
    CHECK(only_run(store).run.running);
    close_both(session, store);
}

TEST("a run whose store was deleted finalizes") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "checkpoint"), WS_OK);
    remove_tree(harness_path("store"));
    CHECK_STATUS(finalize(session, 1, "final"), WS_OK);
    best_is(store, "final");
    close_both(session, store);
}

TEST("a store that turned into a file fails, and recovers with the better record") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    remove_tree(harness_path("store"));
    make_file(harness_path("store"), "", 0);
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_OS_ERROR);
    CHECK(unlink(harness_path("store")) == 0);
    CHECK_STATUS(checkpoint(session, 2, "worse"), WS_OK);
    best_is(store, "better");
    close_both(session, store);
}

TEST("a payload that outgrows its slot is written, and the better one kept") {
    static const char large[100000];
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_offer offer = {.payload = large, .size = sizeof large, .objective = 2};

    CHECK_STATUS(checkpoint(session, 1, "better"), WS_OK);
    ws_store_shift_clock(store, WS_RATE_INTERVAL);
    CHECK_STATUS(ws_session_checkpoint(session, &offer), WS_OK);
    best_is(store, "better");
    CHECK(only_run(store).run.running && names_in(harness_path("store/v1/012/345")) == 1);
    close_both(session, store);
}

TEST("a session's own writes never sweep its own run") {
    struct ws_store *store = bounded_store(0, WS_DAY);
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OK);
    sweep_when_due(store);
    best_is(store, "state");
    close_both(session, store);
}

TEST("a final record that can stay nowhere in the store is refused, and the checkpoints stay") {
    static char large[20000];
    struct ws_store *store = bounded_store(16000, WS_DAY);
    struct ws_session *session = a_session(store);
    struct ws_offer offer = {.payload = large, .size = sizeof large, .objective = 1};

    CHECK_STATUS(checkpoint(session, 1, "checkpoint"), WS_OK);
    CHECK_STATUS(ws_session_finalize(session, &offer), WS_TOO_LARGE);
    CHECK(ws_session_status(session).failure == WS_TOO_LARGE);
    best_is(store, "checkpoint");
    CHECK_STATUS(finalize(session, 1, "final"), WS_OK);
    best_is(store, "final");
    close_both(session, store);
}

TEST("a final record is not swept by its own save, however full the store is") {
    static char large[12000];
    struct ws_store *store = bounded_store(16000, WS_DAY);
    struct ws_offer offer = {.payload = large, .size = sizeof large, .objective = 1};

    for (int i = 0; i < 20; i++) {
        struct ws_digest key = a_key();
        key.bytes[0] = (uint8_t)i;
        struct ws_session *session = session_on(store, key);
        CHECK_STATUS(ws_session_finalize(session, &offer), WS_OK);
        CHECK(runs_in(store, &key) == 1);
        ws_session_close(session);
    }
    ws_store_release(store);
}

/* 11. Forks. */

TEST("a forked child writes a file of its own") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 1, "of the parent"), WS_OK);
    pid_t child = fork();
    if (child == 0) {
        CHECK_STATUS(checkpoint(session, 2, "of the child"), WS_OK);
        CHECK(runs_of_key(store) == 2);
        _exit(0);
    }
    expect_success(child);
    latest_is(store, "of the child");
    close_both(session, store);
}

TEST("whatever a forked child does leaves its parent's file as it was") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 5, "of the parent"), WS_OK);
    struct image before = image_of(file_of(session));
    pid_t child = fork();
    if (child == 0) {
        CHECK_STATUS(checkpoint(session, 4, "better"), WS_OK);
        CHECK_STATUS(checkpoint(session, 3, "better still"), WS_OK);
        CHECK_STATUS(finalize(session, 2, "final"), WS_OK);
        ws_session_close(session);
        _exit(0);
    }
    expect_success(child);
    struct image after = image_of(file_of(session));
    CHECK(before.size == after.size && memcmp(before.bytes, after.bytes, after.size) == 0);
    free(before.bytes);
    free(after.bytes);
    close_both(session, store);
}

static enum ws_status see_running(void *context, const struct ws_run *run) {
    *(bool *)context = run->running;
    return WS_OK;
}

static bool is_running(struct ws_store *store) {
    struct ws_digest key = a_key();
    bool running = false;

    CHECK_STATUS(ws_store_each(store, &key, see_running, &running), WS_OK);
    return running;
}

static void fit_with_worker(void *worker) {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    int ready[2];
    char byte;

    CHECK_STATUS(checkpoint(session, 1, "of the parent"), WS_OK);
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        const int *leash = worker;
        close(leash[1]);
        CHECK(write(ready[1], "", 1) == 1);
        _exit(read(leash[0], &byte, 1) == 0 ? 0 : 1);
    }
    CHECK(child > 0 && read(ready[0], &byte, 1) == 1);
    CHECK(is_running(store));
}

TEST("a run whose process was killed is not running, though a forked worker of it lives") {
    struct ws_store *store = a_store();
    int worker[2];

    CHECK(pipe(worker) == 0);
    struct victim victim = start_victim(fit_with_worker, worker);
    CHECK(is_running(store));
    kill_victim(victim);
    CHECK(!is_running(store));
    close(worker[0]);
    close(worker[1]);
    ws_store_release(store);
}

TEST("a forked child that finalizes leaves its parent's checkpoints") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_digest key = a_key();

    CHECK_STATUS(checkpoint(session, 5, "of the parent"), WS_OK);
    pid_t child = fork();
    if (child == 0) {
        CHECK_STATUS(finalize(session, 2, "of the child"), WS_OK);
        _exit(0);
    }
    expect_success(child);
    expect_found(store, &key, WS_BEST, WS_CHECKPOINT, "of the parent");
    expect_found(store, &key, WS_BEST, WS_FINAL, "of the child");
    close_both(session, store);
}

TEST("a parent's run goes on, and stays its own, after a forked child used the session") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 5, "of the parent"), WS_OK);
    pid_t child = fork();
    if (child == 0) {
        CHECK_STATUS(checkpoint(session, 4, "of the child"), WS_OK);
        ws_session_close(session);
        _exit(0);
    }
    expect_success(child);
    struct ws_dir *dir = dir_at(harness_path("store/v1/012/345"));
    struct ws_file *file = file_in(dir, strrchr(file_of(session), '/') + 1);
    CHECK(is_locked(file));
    CHECK_STATUS(checkpoint(session, 3, "of the parent again"), WS_OK);
    CHECK(runs_of_key(store) == 2);
    best_is(store, "of the parent again");
    ws_os_file_close(file);
    ws_os_dir_close(dir);
    close_both(session, store);
}

TEST("a forked child begins a run with counts of its own") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    char parents[WS_RUN_ID_MAX + 1];

    CHECK_STATUS(checkpoint(session, 5, "state"), WS_OK);
    CHECK_STATUS(checkpoint(session, 6, "state"), WS_REFUSED);
    snprintf(parents, sizeof parents, "%s", ws_session_status(session).run_id);
    pid_t child = fork();
    if (child == 0) {
        struct ws_session_status status = ws_session_status(session);
        CHECK(strcmp(status.run_id, parents) != 0 && !status.has_file);
        CHECK(status.written == 0 && status.refused == 0 && isnan(status.objective));
        _exit(0);
    }
    expect_success(child);
    close_both(session, store);
}

TEST("a forked child asked first whether it wants a checkpoint wants its first") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(checkpoint(session, 5, "state"), WS_OK);
    pid_t child = fork();
    if (child == 0) {
        CHECK(wants(session, 6));
        _exit(0);
    }
    expect_success(child);
    close_both(session, store);
}

TEST("many forked children write a file each, and all are found") {
    enum { CHILDREN = 8 };
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    pid_t children[CHILDREN];

    CHECK_STATUS(checkpoint(session, 100, "of the parent"), WS_OK);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            for (int step = 0; step < 50; step++) {
                CHECK_STATUS(checkpoint(session, 50 - step, "of a child"), WS_OK);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        expect_success(children[i]);
    }
    CHECK(runs_of_key(store) == CHILDREN + 1);
    close_both(session, store);
}

/* Each may remove what is older, and none what is newer: the newest stays. */
TEST("of many processes that finish a fit at the same time, one's final record is found") {
    enum { CHILDREN = 8, TIMES = 100 };
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_digest key = a_key();
    pid_t children[CHILDREN];

    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            for (int time = 0; time < TIMES; time++) {
                CHECK_STATUS(finalize(session, 1, "final"), WS_OK);
                expect_found(store, &key, WS_BEST, WS_FINAL, "final");
            }
            _exit(0);
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        expect_success(children[i]);
    }
    CHECK(runs_of_key(store) >= 1 && runs_of_key(store) <= CHILDREN);
    close_both(session, store);
}

/* 12. Arguments. */

TEST("a label that is not printable is invalid, and nothing is made") {
    struct ws_store *store = a_store();
    struct ws_session *session = NULL;
    struct ws_digest key = a_key();

    CHECK_STATUS(ws_session_open(store, &key, "two\nlines", &session), WS_INVALID);
    CHECK(session == NULL && !exists(harness_path("store")));
    ws_store_release(store);
}

TEST("a size that overflows is invalid, and the session goes on") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_offer offer = {.payload = "", .size = SIZE_MAX, .objective = 1};

    CHECK_STATUS(ws_session_checkpoint(session, &offer), WS_INVALID);
    CHECK_STATUS(checkpoint(session, 1, "state"), WS_OK);
    close_both(session, store);
}

/* 11. The history. */

static enum ws_status offer_at(struct ws_session *session, uint64_t iteration, double objective) {
    struct ws_offer offer = offer_of(objective, "state");

    offer.has_iteration = true;
    offer.iteration = iteration;
    return ws_session_checkpoint(session, &offer);
}

/* What the store tells of the key, as "iteration[*] ..." with * for written and | for a cut. */
static const char *story_of(const struct ws_history *history) {
    static char text[1024];
    uint16_t run = 1;

    text[0] = '\0';
    for (size_t i = 0; i < history->count; i++) {
        struct ws_point point = ws_history_point(history, i);
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s%d%s", i > 0 ? " " : "",
                 point.run > run ? "| " : "", (int)point.iteration, point.written ? "*" : "");
        run = point.run;
    }
    return text;
}

static const char *stored_story(struct ws_store *store) {
    struct ws_digest key = a_key();
    struct ws_history history;
    struct ws_note note;

    return ws_store_history(store, &key, NULL, &history, &note) == WS_OK ? story_of(&history)
                                                                         : "none";
}

/* The same, as a lookup tells it of the file that it has open. */
static const char *found_story(struct ws_store *store) {
    struct ws_digest key = a_key();
    struct ws_entry *entry = NULL;
    const char *story = "none";

    if (ws_store_lookup_whole(store, &key, WS_ANY_KIND, NULL, &entry) == WS_OK) {
        CHECK(entry->story->is_trusted == ws_store_trusts(store, &key, entry->run_id));
        if (entry->story->history.count > 0) {
            story = story_of(&entry->story->history);
        }
    }
    ws_entry_free(entry);
    return story;
}

static void story_is(struct ws_store *store, const char *story) {
    if (strcmp(stored_story(store), story) != 0) {
        harness_fail(__FILE__, __LINE__, "the story is \"%s\"", stored_story(store));
    }
}

TEST("a refused iterate travels with the next that is written") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(offer_at(session, 1, 5), WS_OK);
    CHECK_STATUS(offer_at(session, 2, 6), WS_REFUSED);
    story_is(store, "1*");
    CHECK(strcmp(story_of(ws_session_history(session)), "1* 2") == 0);
    CHECK_STATUS(offer_at(session, 3, 4), WS_OK);
    story_is(store, "1* 2 3*");
    close_both(session, store);
}

TEST("the history is in the final record") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);
    struct ws_offer end = offer_of(4, "fit");

    CHECK_STATUS(offer_at(session, 1, 5), WS_OK);
    end.has_iteration = true;
    end.iteration = 2;
    CHECK_STATUS(ws_session_finalize(session, &end), WS_OK);
    story_is(store, "1* 2*");
    best_is(store, "fit");
    close_both(session, store);
}

static void work_and_wait(void *context) {
    struct ws_session *session = a_session(context);

    CHECK_STATUS(offer_at(session, 1, 5), WS_OK);
    CHECK_STATUS(offer_at(session, 2, 4), WS_OK);
    CHECK_STATUS(offer_at(session, 3, 4.5), WS_REFUSED);
    ws_store_shift_clock(context, WS_RATE_INTERVAL);
    CHECK_STATUS(offer_at(session, 4, 4.2), WS_OK);
}

TEST("a killed run's history is found, and joined by the run that goes on") {
    struct ws_store *store = a_store();
    struct ws_entry *entry = NULL;
    enum ws_source source;

    kill_victim(start_victim(work_and_wait, store));
    story_is(store, "1* 2* 3 4*");
    struct ws_session *session = a_session(store);
    ws_store_shift_clock(store, 2 * WS_RATE_INTERVAL); /* as it was in the child */
    CHECK_STATUS(ws_session_peek(session, &entry, &source), WS_OK);
    ws_entry_free(entry);
    CHECK_STATUS(ws_session_load(session, &entry, &source), WS_OK);
    CHECK(entry->record.note.iteration == 2);
    ws_entry_free(entry);
    CHECK_STATUS(offer_at(session, 3, 3), WS_OK);
    story_is(store, "1* 2* 3 4* | 3*");
    close_both(session, store);
}

TEST("seconds are those of all runs together") {
    struct ws_store *store = a_store();
    struct ws_session *first = a_session(store);
    struct ws_entry *entry = NULL;
    enum ws_source source;

    ws_store_shift_clock(store, 100 * SECOND);
    CHECK_STATUS(offer_at(first, 1, 5), WS_OK);
    ws_session_close(first);
    ws_store_shift_clock(store, 5000 * SECOND);
    struct ws_session *second = a_session(store);
    CHECK_STATUS(ws_session_load(second, &entry, &source), WS_OK);
    ws_entry_free(entry);
    ws_store_shift_clock(store, 20 * SECOND);
    CHECK_STATUS(offer_at(second, 2, 4), WS_OK);
    double seconds = ws_history_point(ws_session_history(second), 1).seconds;
    CHECK(seconds >= 120 && seconds < 1000);
    close_both(second, store);
}

TEST("a finished fit's history is not joined by the next run") {
    struct ws_store *store = a_store();
    struct ws_session *first = a_session(store);
    struct ws_session *second = a_session(store);
    struct ws_entry *entry = NULL;
    enum ws_source source;

    CHECK_STATUS(finalize(first, 1, "fit"), WS_OK);
    CHECK_STATUS(ws_session_load(second, &entry, &source), WS_OK);
    ws_entry_free(entry);
    CHECK_STATUS(offer_at(second, 7, 0), WS_OK);
    CHECK(strcmp(story_of(ws_session_history(second)), "7*") == 0);
    ws_session_close(first);
    close_both(second, store);
}

TEST("a preloaded entry brings no history") {
    struct ws_store *store = a_store();
    struct ws_session *session = preloaded_session(store);

    load_is(session, WS_PRELOADED, "seed");
    CHECK_STATUS(offer_at(session, 1, 5), WS_OK);
    story_is(store, "1*");
    close_both(session, store);
}

TEST("loading in the middle of a run leaves its history whole") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(offer_at(session, 1, 5), WS_OK);
    load_is(session, WS_EXACT, "state");
    CHECK_STATUS(offer_at(session, 2, 4), WS_OK);
    story_is(store, "1* 2*");
    close_both(session, store);
}

TEST("an iterate that the disk did not take is told as not written") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    failing_sync = 1;
    CHECK_STATUS(offer_at(session, 1, 5), WS_OS_ERROR);
    CHECK_STATUS(offer_at(session, 2, 4), WS_OK);
    story_is(store, "1 2*");
    close_both(session, store);
}

TEST("a new attempt is another run of the story") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    ws_session_attempt(session, NULL);
    CHECK_STATUS(offer_at(session, 1, 5), WS_OK);
    ws_session_attempt(session, NULL);
    CHECK_STATUS(offer_at(session, 1, 4), WS_OK);
    story_is(store, "1* | 1*");
    close_both(session, store);
}

TEST("the seconds of attempts in one session add up") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    ws_store_shift_clock(store, 100 * SECOND);
    CHECK_STATUS(offer_at(session, 1, 5), WS_OK);
    ws_session_attempt(session, NULL);
    ws_store_shift_clock(store, 10 * SECOND);
    CHECK_STATUS(offer_at(session, 1, 4), WS_OK);
    double seconds = ws_history_point(ws_session_history(session), 1).seconds;
    CHECK(seconds >= 110 && seconds < 150);
    close_both(session, store);
}

TEST("a finished fit is found with its story, in a file of one block and in a larger one") {
    static char large[3 * WS_SCAN_HEAD];
    size_t sizes[] = {10, sizeof large};

    for (int i = 0; i < 2; i++) {
        struct ws_store *store = a_store();
        struct ws_session *session = a_session(store);
        struct ws_offer last = {.payload = large, .size = sizes[i], .objective = 4};
        CHECK_STATUS(offer_at(session, 1, 5), WS_OK);
        last.has_iteration = true;
        last.iteration = 2;
        CHECK_STATUS(ws_session_finalize(session, &last), WS_OK);
        CHECK(strcmp(found_story(store), "1* 2*") == 0);
        flip_bit(file_of(session), WS_RECORD_HEADER + 20);
        CHECK(strcmp(found_story(store), "none") == 0);
        CHECK(unlink(file_of(session)) == 0);
        close_both(session, store);
    }
}

TEST("a damaged history costs the history alone; an earlier one is told") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(offer_at(session, 1, 5), WS_OK);
    CHECK_STATUS(offer_at(session, 2, 4), WS_OK);
    flip_bit(file_of(session), WS_SLOT_ALIGN + WS_RECORD_HEADER + 20);
    story_is(store, "1*");
    best_is(store, "state");
    flip_bit(file_of(session), WS_RECORD_HEADER + 20);
    story_is(store, "none");
    close_both(session, store);
}

TEST("an expired run tells no story") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(offer_at(session, 1, 5), WS_OK);
    ws_store_shift_clock(store, 31 * WS_DAY);
    story_is(store, "none");
    close_both(session, store);
}

TEST("however long the run, its file does not grow") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(offer_at(session, 0, 5), WS_OK);
    size_t size = image_size(file_of(session));
    for (uint64_t i = 1; i < 5000; i++) {
        CHECK_STATUS(offer_at(session, i, 5 - (double)i), WS_OK);
    }
    CHECK(image_size(file_of(session)) == size);
    close_both(session, store);
}

TEST("a forked child tells its own story") {
    struct ws_store *store = a_store();
    struct ws_session *session = a_session(store);

    CHECK_STATUS(offer_at(session, 1, 5), WS_OK);
    pid_t child = fork();
    if (child == 0) {
        CHECK(ws_session_history(session)->count == 0);
        CHECK_STATUS(offer_at(session, 9, 3), WS_OK);
        CHECK(strcmp(story_of(ws_session_history(session)), "9*") == 0);
        _exit(0);
    }
    expect_success(child);
    CHECK(strcmp(story_of(ws_session_history(session)), "1*") == 0);
    close_both(session, store);
}

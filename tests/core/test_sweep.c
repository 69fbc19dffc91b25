#include "fixtures.h"
#include "lookup.h"
#include "round.h"
#include "save.h"
#include "syncs.h"

#include <signal.h>
#include <time.h>

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define PAYLOAD 744
#define FILE_SIZE ((uint64_t)1000) /* WS_RECORD_HEADER + PAYLOAD */

/* When runs were last used, oldest first. */
#define LONG_AGO (ws_os_now() - 10 * WS_DAY)
#define DAYS_AGO (ws_os_now() - 5 * WS_DAY)

static struct ws_swept sweep(struct ws_store *store) {
    struct ws_swept swept;

    CHECK_STATUS(ws_sweep(store, &swept), WS_OK);
    return swept;
}

static void save(struct ws_store *store, const char *hex, const char *run_id, enum ws_kind kind) {
    static const char payload[PAYLOAD];
    struct ws_digest key = key_of(hex);
    struct ws_note note = note_of(kind, 1);

    CHECK_STATUS(ws_store_save(store, &key, run_id, &note, payload, sizeof payload), WS_OK);
}

static void save_used(struct ws_store *store, const char *hex, const char *run_id,
                      enum ws_kind kind, int64_t used) {
    save(store, hex, run_id, kind);
    set_modified(run_path(hex, run_id), used);
}

static bool has(const char *hex, const char *run_id) { return exists(run_path(hex, run_id)); }

/* A live run that holds its file, and is a second newer than the clock says. */
static struct ws_runfile *hold_run(struct ws_store *store, const char *run_id) {
    struct ws_digest key = a_key();
    struct ws_record record = record_of(WS_CHECKPOINT, 1, 1);
    struct ws_runfile *run = NULL;
    struct ws_dir *dir = NULL;
    char name[WS_FILE_NAME_MAX + 1];

    record.written = ws_store_now(store);
    ws_run_file_name(&key, run_id, name);
    CHECK_STATUS(ws_store_shard(store, &key, WS_MAKE_DURABLE, &dir), WS_OK);
    CHECK_STATUS(ws_runfile_create(dir, name, &record, NULL, "", 0, &run), WS_OK);
    ws_os_dir_close(dir);
    return run;
}

/* What every sweep removes, so that its absence shows that one took place. */
static void set_canary(struct ws_store *store) {
    save(store, OTHER_HEX, "canary", WS_FINAL);
    flip_bit(run_path(OTHER_HEX, "canary"), 60);
}

static bool canary_lives(void) { return has(OTHER_HEX, "canary"); }

TEST("sweeping a store that does not exist removes nothing and makes nothing") {
    struct ws_store *store = a_store();

    CHECK(sweep(store).files == 0 && !exists(harness_path("store")));
    ws_store_release(store);
}

TEST("a named entry outlives both bounds, is found, and takes no other's room") {
    struct ws_store *store = bounded_store(FILE_SIZE, WS_DAY);
    static const char payload[PAYLOAD];
    struct ws_digest key = key_of(KEY_HEX);
    struct ws_note note = note_of(WS_FINAL, 1);
    struct ws_entry *entry = NULL;

    note.is_named = true;
    CHECK_STATUS(ws_store_save(store, &key, "name", &note, payload, PAYLOAD), WS_OK);
    set_modified(run_path(KEY_HEX, "name"), LONG_AGO);
    ws_store_shift_clock(store, 10 * WS_DAY);
    save(store, OTHER_HEX, "other", WS_FINAL);
    struct ws_swept swept = sweep(store);
    CHECK(swept.files == 0 && swept.kept_bytes == FILE_SIZE);
    CHECK(has(KEY_HEX, "name") && has(OTHER_HEX, "other"));
    CHECK_STATUS(ws_store_lookup(store, &key, WS_BEST, WS_FINAL, NULL, &entry), WS_OK);
    CHECK(entry->record.note.is_named);
    ws_entry_free(entry);
    ws_store_release(store);
}

TEST("a sweep within the bounds removes nothing") {
    struct ws_store *store = bounded_store(2 * FILE_SIZE, WS_DAY);

    save(store, KEY_HEX, "one", WS_FINAL);
    save(store, OTHER_HEX, "two", WS_CHECKPOINT);
    struct ws_swept swept = sweep(store);
    CHECK(swept.files == 0 && swept.bytes == 0 && swept.kept_bytes == 2 * FILE_SIZE);
    CHECK(has(KEY_HEX, "one") && has(OTHER_HEX, "two"));
    ws_store_release(store);
}

TEST("a sweep that cannot read the store says why") {
    struct ws_store_options options = {.max_size = MIB, .max_age = WS_DAY};
    struct ws_store *store = NULL;
    struct ws_swept swept;

    make_file(harness_path("file"), "", 0);
    CHECK_STATUS(ws_store_open(harness_path("file/store"), &options, &store), WS_OK);
    CHECK_STATUS(ws_sweep(store, &swept), WS_OS_ERROR);
    CHECK(errno == ENOTDIR);
    ws_store_release(store);
}

/* Age. */

TEST("a sweep removes what has expired, and nothing else") {
    struct ws_store *store = bounded_store(MIB, WS_DAY);

    save(store, KEY_HEX, "expired", WS_FINAL);
    ws_store_shift_clock(store, WS_DAY);
    save(store, KEY_HEX, "in-time", WS_FINAL);
    struct ws_swept swept = sweep(store);
    CHECK(swept.files == 1 && swept.bytes == FILE_SIZE && swept.kept_bytes == FILE_SIZE);
    CHECK(!has(KEY_HEX, "expired") && has(KEY_HEX, "in-time"));
    ws_store_release(store);
}

TEST("a lookup keeps an entry from expiring") {
    struct ws_store *store = bounded_store(MIB, 3 * WS_DAY);
    struct ws_digest key = a_key();

    save_text(store, &key, "used", WS_FINAL, 1, "text");
    save(store, OTHER_HEX, "unused", WS_FINAL);
    ws_store_shift_clock(store, 2 * WS_DAY);
    expect_best(store, &key, "text");
    ws_store_shift_clock(store, 2 * WS_DAY);
    CHECK(sweep(store).files == 1 && has(KEY_HEX, "used"));
    ws_store_shift_clock(store, WS_DAY);
    CHECK(sweep(store).files == 1);
    ws_store_release(store);
}

/* Clocks. Each save brings a round through the whole store. */

static void save_sweeping(struct ws_store *store, const char *hex, const char *run_id) {
    struct ws_digest key = key_of(hex);
    struct ws_note note = note_of(WS_FINAL, 1);
    char id[WS_RUN_ID_MAX + 1];

    snprintf(id, sizeof id, "%s", run_id);
    CHECK_STATUS(ws_save(store, &key, id, &note, "text", 4), WS_OK);
}

TEST("a clock far ahead removes nothing of others', however often it saves") {
    struct ws_store *store = bounded_store(16 * KIB, 30 * WS_DAY);
    struct ws_store *ahead = bounded_store(16 * KIB, 30 * WS_DAY);

    save_sweeping(store, KEY_HEX, "run");
    ws_store_shift_clock(ahead, 40 * WS_DAY);
    for (int i = 0; i < 10; i++) {
        save_sweeping(ahead, OTHER_HEX, "other");
        ws_store_shift_clock(ahead, 3600 * SECOND);
        CHECK(has(KEY_HEX, "run"));
    }
    save_sweeping(store, KEY_HEX, "second");
    save_sweeping(ahead, OTHER_HEX, "other");
    CHECK(has(KEY_HEX, "second"));
    ws_store_release(ahead);
    ws_store_release(store);
}

TEST("a clock far behind notes no use that makes others' entries expire") {
    struct ws_store *store = bounded_store(16 * KIB, 30 * WS_DAY);
    struct ws_store *behind = bounded_store(16 * KIB, 30 * WS_DAY);

    save_sweeping(store, KEY_HEX, "run");
    int64_t used = modified_of(run_path(KEY_HEX, "run"));
    ws_store_shift_clock(behind, -40 * WS_DAY);
    save_sweeping(behind, OTHER_HEX, "other");
    CHECK(modified_of(run_path(KEY_HEX, "run")) == used);
    ws_store_release(behind);
    ws_store_release(store);
}

TEST("slices remove what has expired by a clock that has been steady for a day") {
    struct ws_store *store = bounded_store(16 * KIB, 30 * WS_DAY);

    save_sweeping(store, KEY_HEX, "run");
    ws_store_shift_clock(store, 40 * WS_DAY);
    save_sweeping(store, OTHER_HEX, "other");
    ws_store_shift_clock(store, WS_DAY / 2);
    save_sweeping(store, OTHER_HEX, "other");
    CHECK(has(KEY_HEX, "run"));
    ws_store_shift_clock(store, WS_DAY / 2 + 60 * SECOND);
    save_sweeping(store, OTHER_HEX, "other");
    CHECK(!has(KEY_HEX, "run"));
    ws_store_release(store);
}

TEST("slices of a store that is seldom used remove what had expired the last time") {
    struct ws_store *store = bounded_store(16 * KIB, 30 * WS_DAY);

    save_sweeping(store, KEY_HEX, "run");
    ws_store_shift_clock(store, 40 * WS_DAY);
    save_sweeping(store, OTHER_HEX, "other");
    CHECK(has(KEY_HEX, "run"));
    ws_store_shift_clock(store, 40 * WS_DAY);
    save_sweeping(store, OTHER_HEX, "other");
    CHECK(!has(KEY_HEX, "run"));
    ws_store_release(store);
}

TEST("a run with one record in time is kept") {
    struct ws_store *store = bounded_store(MIB, WS_DAY);
    struct ws_runfile *run = hold_run(store, "run");
    struct ws_record record = record_of(WS_CHECKPOINT, 2, 2);

    ws_store_shift_clock(store, WS_DAY + SECOND);
    record.written = ws_store_now(store);
    CHECK_STATUS(ws_runfile_write(run, &record, NULL, "", 0, false), WS_OK);
    ws_runfile_close(run);
    CHECK(sweep(store).files == 0);
    ws_store_release(store);
}

TEST("what has expired goes first, though it was used last") {
    struct ws_store *store = bounded_store(FILE_SIZE, WS_DAY);

    save(store, KEY_HEX, "expired", WS_FINAL);
    ws_store_shift_clock(store, WS_DAY);
    save_used(store, KEY_HEX, "in-time", WS_FINAL, LONG_AGO);
    CHECK(sweep(store).files == 1 && has(KEY_HEX, "in-time"));
    ws_store_release(store);
}

/* Size. */

TEST("the least recently used goes first") {
    struct ws_store *store = bounded_store(2 * FILE_SIZE, WS_DAY);

    save_used(store, KEY_HEX, "now", WS_FINAL, ws_os_now());
    save_used(store, OTHER_HEX, "long-ago", WS_FINAL, LONG_AGO);
    save_used(store, KEY_HEX, "days-ago", WS_FINAL, DAYS_AGO);
    CHECK(sweep(store).files == 1);
    CHECK(!has(OTHER_HEX, "long-ago"));
    ws_store_release(store);
}

TEST("no more is removed than brings the store within its size") {
    struct ws_store *store = bounded_store(5 * FILE_SIZE + 999, WS_DAY);
    char run_id[32];

    for (int i = 0; i < 20; i++) {
        snprintf(run_id, sizeof run_id, "run-%d", i);
        save_used(store, KEY_HEX, run_id, WS_FINAL, LONG_AGO + i * SECOND);
    }
    struct ws_swept swept = sweep(store);
    CHECK(swept.files == 15 && swept.bytes == 15 * FILE_SIZE);
    CHECK(swept.kept_bytes == 5 * FILE_SIZE && runs_in(store, NULL) == 5);
    CHECK(has(KEY_HEX, "run-15") && !has(KEY_HEX, "run-14"));
    ws_store_release(store);
}

TEST("a lookup of an entry keeps it from being the least recently used") {
    struct ws_store *store = bounded_store(FILE_SIZE, 30 * WS_DAY);
    struct ws_digest key = a_key();
    struct ws_entry *entry = NULL;

    ws_store_shift_clock(store, -10 * WS_DAY);
    save_used(store, KEY_HEX, "looked-up", WS_FINAL, LONG_AGO);
    ws_store_shift_clock(store, 10 * WS_DAY);
    save_used(store, OTHER_HEX, "not", WS_FINAL, DAYS_AGO);
    CHECK_STATUS(ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry), WS_OK);
    ws_entry_free(entry);
    sweep(store);
    CHECK(has(KEY_HEX, "looked-up") && !has(OTHER_HEX, "not"));
    ws_store_release(store);
}

TEST("a size of nothing leaves nothing that may go") {
    struct ws_store *store = bounded_store(0, WS_DAY);

    save(store, KEY_HEX, "one", WS_FINAL);
    save(store, OTHER_HEX, "two", WS_FINAL);
    struct ws_swept swept = sweep(store);
    CHECK(swept.files == 2 && swept.kept_bytes == 0 && runs_in(store, NULL) == 0);
    ws_store_release(store);
}

TEST("a key's final entry outlives its checkpoints, though it was used before them") {
    struct ws_store *store = bounded_store(FILE_SIZE, WS_DAY);

    save_used(store, KEY_HEX, "final", WS_FINAL, LONG_AGO);
    save_used(store, KEY_HEX, "one", WS_CHECKPOINT, DAYS_AGO);
    save_used(store, KEY_HEX, "two", WS_CHECKPOINT, ws_os_now());
    sweep(store);
    CHECK(has(KEY_HEX, "final"));
    ws_store_release(store);
}

TEST("a key's checkpoints do not outlive another key's entries by its final's age") {
    struct ws_store *store = bounded_store(2 * FILE_SIZE, WS_DAY);

    save_used(store, KEY_HEX, "final", WS_FINAL, ws_os_now());
    save_used(store, KEY_HEX, "checkpoint", WS_CHECKPOINT, LONG_AGO);
    save_used(store, OTHER_HEX, "other", WS_CHECKPOINT, DAYS_AGO);
    sweep(store);
    CHECK(!has(KEY_HEX, "checkpoint") && has(OTHER_HEX, "other"));
    ws_store_release(store);
}

TEST("a key's checkpoint is no reason to keep another key's older final entry") {
    struct ws_store *store = bounded_store(FILE_SIZE, WS_DAY);

    save_used(store, OTHER_HEX, "final", WS_FINAL, LONG_AGO);
    save_used(store, KEY_HEX, "checkpoint", WS_CHECKPOINT, ws_os_now());
    sweep(store);
    CHECK(has(KEY_HEX, "checkpoint") && !has(OTHER_HEX, "final"));
    ws_store_release(store);
}

TEST("what a clock far ahead has written expires all the same, by its last use") {
    struct ws_store *store = bounded_store(MIB, 30 * WS_DAY);

    ws_store_shift_clock(store, 400 * WS_DAY);
    save_used(store, KEY_HEX, "ahead", WS_FINAL, ws_os_now() + 400 * WS_DAY);
    ws_store_shift_clock(store, -400 * WS_DAY);
    CHECK(sweep(store).files == 0);
    CHECK(modified_of(run_path(KEY_HEX, "ahead")) <= ws_os_now());
    ws_store_shift_clock(store, 31 * WS_DAY);
    CHECK(sweep(store).files == 1);
    ws_store_release(store);
}

/* What is never removed. */

TEST("a run that is held is kept, though expired") {
    struct ws_store *store = bounded_store(MIB, WS_DAY);
    struct ws_runfile *run = hold_run(store, "held");

    ws_store_shift_clock(store, 2 * WS_DAY);
    CHECK(sweep(store).files == 0 && has(KEY_HEX, "held"));
    ws_runfile_close(run);
    ws_store_release(store);
}

TEST("a run that is held is kept, though the store is too large") {
    struct ws_store *store = bounded_store(0, WS_DAY);
    struct ws_runfile *run = hold_run(store, "held");

    set_modified(run_path(KEY_HEX, "held"), LONG_AGO);
    save(store, KEY_HEX, "not-held", WS_FINAL);
    struct ws_swept swept = sweep(store);
    CHECK(swept.files == 1 && has(KEY_HEX, "held"));
    CHECK(swept.kept_bytes == ws_runfile_size(0));
    ws_runfile_close(run);
    ws_store_release(store);
}

TEST("a run that is held is kept, though damaged") {
    struct ws_store *store = bounded_store(MIB, WS_DAY);
    struct ws_runfile *run = hold_run(store, "held");

    flip_bit(run_path(KEY_HEX, "held"), 60);
    CHECK(sweep(store).files == 0);
    ws_runfile_close(run);
    ws_store_release(store);
}

TEST("a run that is not held any more is removed") {
    struct ws_store *store = bounded_store(0, WS_DAY);

    ws_runfile_close(hold_run(store, "run"));
    CHECK(sweep(store).files == 1);
    ws_store_release(store);
}

static void hold_in_child(void *store) { hold_run(store, "run"); }

TEST("a run held by another process is kept until that is killed") {
    struct ws_store *store = bounded_store(0, WS_DAY);
    struct victim victim = start_victim(hold_in_child, store);

    CHECK(sweep(store).files == 0);
    kill_victim(victim);
    CHECK(sweep(store).files == 1);
    ws_store_release(store);
}

TEST("a file in a newer format is kept, and counts") {
    struct ws_store *store = bounded_store(0, WS_DAY);

    save(store, KEY_HEX, "newer", WS_FINAL);
    write_at(run_path(KEY_HEX, "newer"), 8, "\2", 1);
    ws_store_shift_clock(store, 2 * WS_DAY);
    struct ws_swept swept = sweep(store);
    CHECK(swept.files == 0 && swept.kept_bytes == FILE_SIZE);
    ws_store_release(store);
}

TEST("something else under a run's name is kept") {
    struct ws_store *store = bounded_store(0, WS_DAY);
    const char *outside = harness_path("outside");

    save(store, KEY_HEX, "foreign", WS_FINAL);
    make_file(run_path(KEY_HEX, "foreign"), "x0,x1,y\n", 8);
    CHECK(mkdir(run_path(KEY_HEX, "directory"), 0700) == 0);
    make_pipe(run_path(KEY_HEX, "pipe"));
    make_file(outside, "x", 1);
    CHECK(symlink(outside, run_path(KEY_HEX, "link")) == 0);
    CHECK(sweep(store).files == 0);
    CHECK(has(KEY_HEX, "foreign") && has(KEY_HEX, "directory") && has(KEY_HEX, "pipe"));
    CHECK(has(KEY_HEX, "link") && exists(outside));
    ws_store_release(store);
}

TEST("names that are not a store's are kept") {
    struct ws_store *store = bounded_store(0, WS_DAY);
    static const char *const names[] = {
        "store/notes.txt",
        "store/v1/notes.txt",
        "store/v1/012/345/notes.txt",
        "store/v1/012/345/notes.tmp",
        "store/v1/012/345/.hidden",
        "store/v1/012/345/" KEY_HEX,
        "store/v1/012/345/" KEY_HEX "-notes.tmp",
        "store/v1/012/345/" KEY_HEX "-.warm",
        "store/v1/012/345/" KEY_HEX "-run.warm.bak",
    };

    save(store, KEY_HEX, "run", WS_FINAL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        make_file(harness_path(names[i]), "x", 1);
        set_modified(harness_path(names[i]), LONG_AGO);
    }
    CHECK(sweep(store).files == 1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CHECK(exists(harness_path(names[i])));
    }
    ws_store_release(store);
}

TEST("directories that are not shards are not looked into") {
    struct ws_store *store = bounded_store(0, WS_DAY);
    static const char *const shards[] = {"store/v1/012",    "store/v1/0123",     "store/v1/01G/345",
                                         "store/v1/012/34", "store/v1/012/3456", "store/v1/012/34G",
                                         "store/v2/012/345"};

    save(store, KEY_HEX, "run", WS_FINAL);
    for (size_t i = 0; i < sizeof shards / sizeof shards[0]; i++) {
        char path[256];
        ws_os_dir_close(dir_at(harness_path(shards[i])));
        snprintf(path, sizeof path, "%s/" KEY_HEX "-run.warm", shards[i]);
        make_file(harness_path(path), "x", 1);
    }
    CHECK(sweep(store).files == 1);
    ws_store_release(store);
}

#ifndef _WIN32 /* see ws_os_dir_remove() */
TEST("a shard that was empty for a day is removed, and made anew by the next save") {
    struct ws_store *store = bounded_store(0, WS_DAY);

    save(store, KEY_HEX, "run", WS_FINAL);
    CHECK(sweep(store).files == 1);
    sweep(store);
    CHECK(exists(harness_path("store/v1/012/345")));
    ws_store_shift_clock(store, 2 * WS_DAY);
    sweep(store);
    CHECK(!exists(harness_path("store/v1/012/345")) && exists(harness_path("store/v1/012")));
    save(store, KEY_HEX, "run", WS_FINAL);
    CHECK(has(KEY_HEX, "run"));
    ws_store_release(store);
}

#endif

/* Damage and leftovers. */

TEST("a damaged file is removed") {
    struct ws_store *store = bounded_store(MIB, WS_DAY);

    save(store, KEY_HEX, "damaged", WS_FINAL);
    save(store, KEY_HEX, "whole", WS_FINAL);
    flip_bit(run_path(KEY_HEX, "damaged"), 60);
    struct ws_swept swept = sweep(store);
    CHECK(swept.files == 1 && swept.bytes == FILE_SIZE && has(KEY_HEX, "whole"));
    ws_store_release(store);
}

TEST("what a power loss leaves of a file that was not synced is removed") {
    struct ws_store *store = bounded_store(MIB, WS_DAY);
    static const char zeros[FILE_SIZE];

    save(store, KEY_HEX, "whole", WS_FINAL);
    make_file(run_path(KEY_HEX, "empty"), "", 0);
    make_file(run_path(KEY_HEX, "zeros"), zeros, sizeof zeros);
    CHECK(sweep(store).removed[WS_BROKEN].files == 2 && has(KEY_HEX, "whole"));
    ws_store_release(store);
}

TEST("a run whose first slot alone is damaged is kept") {
    struct ws_store *store = bounded_store(MIB, WS_DAY);
    struct ws_runfile *run = hold_run(store, "run");
    struct ws_record record = record_of(WS_CHECKPOINT, 2, 2);

    record.written = ws_store_now(store);
    CHECK_STATUS(ws_runfile_write(run, &record, NULL, "", 0, false), WS_OK);
    ws_runfile_close(run);
    flip_bit(run_path(KEY_HEX, "run"), 60);
    CHECK(sweep(store).files == 0);
    ws_store_release(store);
}

#define LEFTOVER "store/v1/012/345/" KEY_HEX "-run.0123456789abcdef.tmp"

TEST("a temporary file that nobody holds is removed") {
    struct ws_store *store = bounded_store(MIB, WS_DAY);

    save(store, KEY_HEX, "run", WS_FINAL);
    make_file(harness_path(LEFTOVER), "half a record", 13);
    struct ws_swept swept = sweep(store);
    CHECK(swept.files == 1 && swept.bytes == 13 && !exists(harness_path(LEFTOVER)));
    ws_store_release(store);
}

TEST("a temporary file that is held is kept") {
    struct ws_store *store = bounded_store(0, WS_DAY);
    struct ws_dir *dir = dir_at(harness_path("store/v1/012/345"));
    struct ws_file *file = new_file_in(dir, strrchr(LEFTOVER, '/') + 1);

    CHECK_STATUS(ws_os_file_lock(file), WS_OK);
    CHECK(sweep(store).files == 0 && exists(harness_path(LEFTOVER)));
    ws_os_file_close(file);
    ws_os_dir_close(dir);
    ws_store_release(store);
}

TEST("a save loses nothing to sweeps that go on meanwhile") {
    enum { SAVES = 400 };
    struct ws_store *store = bounded_store((uint64_t)1 << 30, WS_DAY);
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        char run_id[32];
        for (int i = 0; i < SAVES; i++) {
            snprintf(run_id, sizeof run_id, "run-%d", i);
            save(store, KEY_HEX, run_id, WS_FINAL);
        }
        _exit(0);
    }
    pid_t ended = 0;
    while (ended == 0) {
        sweep(store);
        ended = waitpid(child, &status, WNOHANG);
    }
    CHECK(ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(runs_in(store, NULL) == SAVES);
    ws_store_release(store);
}

/* What others can write. */

/* A round's file by which all has to go: `later` in the next round, which this one finds out. */
static void write_lie(bool later) {
    uint8_t bytes[WS_ROUND_BYTES];
    struct ws_round round = {.went_on = ws_os_now(),
                             .owed = WS_OWED_MAX,
                             .limit = {.used = INT64_MAX, .id = UINT64_MAX}};

    if (later) {
        round.kept = UINT64_MAX / 2;
    } else {
        round.excess = UINT64_MAX / 2;
    }
    ws_round_encode(&round, bytes);
    make_file(harness_path("store/v1/" WS_ROUND_FILE), bytes, sizeof bytes);
}

static void expect_disbelief(const char *writable, unsigned mode, bool later) {
    struct ws_store *store = bounded_store(MIB, WS_DAY);
    char run_id[32];

    for (int i = 0; i < 20; i++) {
        snprintf(run_id, sizeof run_id, "run-%d", i);
        save(store, KEY_HEX, run_id, WS_FINAL);
    }
    write_lie(later);
    CHECK(chmod(harness_path(writable), mode) == 0);
    sweep_when_due(store);
    CHECK(runs_in(store, NULL) == 20);
    ws_store_release(store);
    remove_tree(harness_path("store"));
}

TEST("a round that others can write removes nothing") {
    for (int later = 0; later < 2; later++) {
        expect_disbelief("store/v1", 0770, later);
        expect_disbelief("store", 0777, later);
        expect_disbelief("store/v1/" WS_ROUND_FILE, 0660, later);
    }
}

TEST("a store that others can write is brought down to its size by what is measured") {
    struct ws_store *store = bounded_store(20 * FILE_SIZE, WS_DAY);
    char run_id[32];

    save(store, KEY_HEX, "run", WS_FINAL);
    CHECK(chmod(harness_path("store/v1"), 0770) == 0);
    for (int i = 0; i < 100; i++) {
        snprintf(run_id, sizeof run_id, "run-%d", i);
        save(store, KEY_HEX, run_id, WS_FINAL);
        sweep_when_due(store);
        CHECK(runs_in(store, NULL) <= 23);
    }
    CHECK(has(KEY_HEX, "run-99") && runs_in(store, NULL) > 15);
    ws_store_release(store);
}

/* When. */

TEST("a handle's first file brings a sweep where there never was one") {
    struct ws_store *store = bounded_store(MIB, WS_DAY);

    set_canary(store);
    sweep_when_due(store);
    CHECK(!canary_lives());
    ws_store_release(store);
}

TEST("a sweep goes on by as much of the store as has passed of a day") {
    struct ws_store *store = bounded_store(MIB, 30 * WS_DAY);

    save(store, KEY_HEX, "run", WS_FINAL);
    sweep(store);
    set_canary(store);                                   /* in one of the last branches */
    ws_store_shift_clock(store, WS_DAY - 3600 * SECOND); /* the canary counts for some minutes */
    sweep_when_due(store);
    CHECK(canary_lives());
    ws_store_shift_clock(store, 3600 * SECOND);
    sweep_when_due(store);
    CHECK(!canary_lives());
    ws_store_release(store);
}

TEST("a handle's first file brings a sweep a day after the last") {
    struct ws_store *store = bounded_store(MIB, 30 * WS_DAY);
    struct ws_store *second = bounded_store(MIB, 30 * WS_DAY);

    save(store, KEY_HEX, "run", WS_FINAL);
    sweep(store);
    set_canary(second);
    ws_store_shift_clock(second, WS_DAY + 60 * SECOND);
    sweep_when_due(second);
    CHECK(!canary_lives());
    ws_store_release(second);
    ws_store_release(store);
}

TEST("a sweep goes on by as much of the store as was added of a share") {
    struct ws_store *store = bounded_store(4 * WS_SWEEP_SHARE * FILE_SIZE, WS_DAY);

    save(store, KEY_HEX, "run", WS_FINAL);
    sweep(store);
    set_canary(store);
    for (int saved = 1; saved <= 3; saved++) {
        sweep_when_due(store);
        CHECK(canary_lives());
        save(store, KEY_HEX, "run", WS_FINAL);
    }
    sweep_when_due(store);
    CHECK(!canary_lives());
    ws_store_release(store);
}

TEST("a sweep starts the count of what was added anew") {
    struct ws_store *store = bounded_store(4 * WS_SWEEP_SHARE * FILE_SIZE, WS_DAY);

    for (int saved = 0; saved < 6; saved++) {
        save(store, KEY_HEX, "run", WS_FINAL);
    }
    sweep_when_due(store);
    set_canary(store);
    sweep_when_due(store);
    CHECK(canary_lives());
    ws_store_release(store);
}

TEST("a sweep that failed is due again") {
    struct ws_store *store = bounded_store(FILE_SIZE, WS_DAY);

    set_canary(store);
    save(store, KEY_HEX, "run", WS_FINAL);
    CHECK(rename(harness_path("store"), harness_path("away")) == 0);
    make_file(harness_path("store"), "", 0);
    sweep_when_due(store);
    CHECK(unlink(harness_path("store")) == 0);
    CHECK(rename(harness_path("away"), harness_path("store")) == 0);
    sweep_when_due(store);
    CHECK(!canary_lives());
    ws_store_release(store);
}

static enum ws_status add_size(void *context, const struct ws_run *run) {
    *(uint64_t *)context += run->size;
    return WS_OK;
}

/* What a store with one writer may have at most, before the writer's slice. */
static uint64_t largest_size(uint64_t max_size, uint64_t largest_file) {
    return max_size + 2 * (max_size / WS_SWEEP_SHARE) + largest_file;
}

TEST("one writer exceeds the size by no more than two shares and one record") {
    uint64_t max_size = 4 * WS_SWEEP_SHARE * FILE_SIZE;
    struct ws_store *store = bounded_store(max_size, WS_DAY);
    char run_id[32];

    for (int i = 0; i < 300; i++) {
        uint64_t total = 0;
        snprintf(run_id, sizeof run_id, "run-%d", i);
        save(store, KEY_HEX, run_id, WS_FINAL);
        CHECK_STATUS(ws_store_each(store, NULL, add_size, &total), WS_OK);
        CHECK(total <= largest_size(max_size, FILE_SIZE));
        sweep_when_due(store);
    }
    ws_store_release(store);
}

static uint64_t size_of_store(struct ws_store *store) {
    uint64_t total = 0;

    CHECK_STATUS(ws_store_each(store, NULL, add_size, &total), WS_OK);
    return total;
}

TEST("a last sweep that lies in the future counts for nothing") {
    struct ws_store *ahead = bounded_store(MIB, 300 * WS_DAY);
    struct ws_store *store = bounded_store(MIB, 300 * WS_DAY);

    save(ahead, KEY_HEX, "run", WS_FINAL);
    ws_store_shift_clock(ahead, 100 * WS_DAY);
    sweep(ahead);
    set_canary(store);
    sweep_when_due(store);
    CHECK(!canary_lives());
    ws_store_release(ahead);
    ws_store_release(store);
}

TEST("handles that live for one save each count together") {
    uint64_t max_size = 4 * WS_SWEEP_SHARE * FILE_SIZE;
    char run_id[32];

    for (int i = 0; i < 300; i++) {
        struct ws_store *store = bounded_store(max_size, WS_DAY);
        snprintf(run_id, sizeof run_id, "run-%d", i);
        save(store, KEY_HEX, run_id, WS_FINAL);
        CHECK(size_of_store(store) <= largest_size(max_size, FILE_SIZE));
        sweep_when_due(store);
        ws_store_release(store);
    }
}

/* Saves under one key of its own. */
static void save_many(uint64_t max_size, int writer) {
    struct ws_store *store = bounded_store(max_size, WS_DAY);
    char hex[WS_DIGEST_HEX + 1] = KEY_HEX;
    char run_id[32];

    hex[3] = "0123456789abcdef"[writer];
    for (int i = 0; i < 200; i++) {
        snprintf(run_id, sizeof run_id, "run-%d-%d", writer, i);
        save(store, hex, run_id, WS_FINAL);
        sweep_when_due(store);
    }
    _exit(0);
}

/* Nobody writes while the store is measured: a listing sees what came and misses what went. Forgets
 * those that have ended; false where all have. */
static bool stop_all(pid_t *children, int count) {
    bool any = false;

    for (int i = 0; i < count; i++) {
        int status = -1;
        if (children[i] == 0) {
            continue;
        }
        kill(children[i], SIGSTOP);
        CHECK(waitpid(children[i], &status, WUNTRACED) == children[i]);
        if (WIFSTOPPED(status)) {
            any = true;
        } else {
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            children[i] = 0;
        }
    }
    return any;
}

static void let_all_go_on(const pid_t *children, int count) {
    const struct timespec moment = {.tv_nsec = 500000};

    for (int i = 0; i < count; i++) {
        if (children[i] != 0) {
            kill(children[i], SIGCONT);
        }
    }
    nanosleep(&moment, NULL);
}

TEST("several writers exceed the size by two shares, and one more and a record each, at most") {
    enum { WRITERS = 4 };
    uint64_t max_size = 4 * WS_SWEEP_SHARE * FILE_SIZE;
    struct ws_store *store = bounded_store(max_size, WS_DAY);
    pid_t children[WRITERS];

    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            save_many(max_size, i);
        }
    }
    uint64_t largest = 0;
    while (stop_all(children, WRITERS)) {
        uint64_t size = size_of_store(store);
        largest = size > largest ? size : largest;
        let_all_go_on(children, WRITERS);
    }
    printf("# %llu bytes at most, of %llu\n", (unsigned long long)largest,
           (unsigned long long)max_size);
    CHECK(largest <= largest_size(max_size, WRITERS * (max_size / WS_SWEEP_SHARE + FILE_SIZE)));
    ws_store_release(store);
}

/* Slices. */

/* Keys all over the store. */
static void hex_of(uint64_t number, char hex[WS_DIGEST_HEX + 1]) {
    struct ws_digest key = ws_hash_128(&number, sizeof number);

    ws_digest_format(&key, hex);
}

static void save_number(struct ws_store *store, uint64_t number) {
    char hex[WS_DIGEST_HEX + 1];

    hex_of(number, hex);
    save(store, hex, "run", WS_FINAL);
}

static bool has_number(uint64_t number) {
    char hex[WS_DIGEST_HEX + 1];

    hex_of(number, hex);
    return has(hex, "run");
}

TEST("the slices of a round look at every file once") {
    enum { FILES = 600 };
    struct ws_store *store = bounded_store((uint64_t)FILES * FILE_SIZE * 2, 30 * WS_DAY);
    char hex[WS_DIGEST_HEX + 1];
    uint64_t removed = 0;
    uint64_t visited = 0;

    save_number(store, 0);
    sweep(store); /* nothing is due from here on */
    for (uint64_t i = 0; i < FILES; i++) {
        save_number(store, i);
        hex_of(i, hex);
        flip_bit(run_path(hex, "run"), 60);
    }
    *ws_store_added(store) = 0;
    for (int slice = 0; slice < 24; slice++) {
        ws_store_shift_clock(store, WS_DAY / 24);
        struct ws_swept swept = sweep_when_due(store);
        CHECK(swept.visited < FILES / 10);
        removed += swept.removed[WS_BROKEN].files;
        visited += swept.visited;
    }
    CHECK(removed == FILES && visited == FILES && runs_in(store, NULL) == 0);
    ws_store_release(store);
}

TEST("no save looks at more files than a slice has, whatever is due") {
    enum { FILES = 2 * WS_SLICE };
    struct ws_store *store = bounded_store((uint64_t)FILES * FILE_SIZE, 30 * WS_DAY);
    uint64_t visited = 0;

    for (uint64_t i = 0; i < FILES; i++) {
        save_number(store, i);
    }
    for (int slice = 0; slice < 8; slice++) {
        struct ws_swept swept = sweep_when_due(store);
        CHECK(swept.visited <= WS_SLICE + 16); /* of one branch */
        visited += swept.visited;
    }
    CHECK(visited > FILES); /* two rounds were due */
    ws_store_release(store);
}

#ifndef _WIN32 /* see ws_os_dir_remove() */
TEST("no save looks at more shards than a slice has files, though all are empty") {
    enum { SHARDS = 2 * WS_SLICE };
    struct ws_store *store = bounded_store(MIB, 30 * WS_DAY);
    char shard[64];
    int left = 0;

    for (uint64_t i = 0; i < SHARDS; i++) {
        char hex[WS_DIGEST_HEX + 1];
        hex_of(i, hex);
        snprintf(shard, sizeof shard, "store/v1/%.3s/%.3s", hex, hex + 3);
        ws_os_dir_close(dir_at(harness_path(shard)));
        set_modified(harness_path(shard), LONG_AGO);
    }
    sweep_when_due(store);
    for (uint64_t i = 0; i < SHARDS; i++) {
        char hex[WS_DIGEST_HEX + 1];
        hex_of(i, hex);
        snprintf(shard, sizeof shard, "store/v1/%.3s/%.3s", hex, hex + 3);
        left += exists(harness_path(shard));
    }
    CHECK(left >= SHARDS - WS_SLICE - 16); /* of one branch */
    ws_store_release(store);
}

#endif

TEST("thousands of saves keep the size, remove what was used longest ago, and cost little each") {
    enum { SAVES = 4000, KEPT = 400 };
    uint64_t max_size = KEPT * FILE_SIZE;
    struct ws_store *store = bounded_store(max_size, 30 * WS_DAY);
    uint64_t chance = 1;
    uint64_t visited = 0;
    int missing = 0;

    ws_store_shift_clock(store, -SAVES * SECOND);
    for (uint64_t i = 0; i < SAVES; i++) {
        char hex[WS_DIGEST_HEX + 1];
        ws_store_shift_clock(store, SECOND);
        hex_of(i, hex);
        save_used(store, hex, "run", WS_FINAL, ws_store_now(store));
        if (i % 100 == 99) {
            CHECK(size_of_store(store) <= largest_size(max_size, FILE_SIZE));
        }
        visited += sweep_when_due(store).visited;
        /* Of what the bounds have room for, less the shares that make it hold, nothing is gone. */
        uint64_t back = draw_below(&chance, KEPT * 3 / 4);
        missing += i >= back && !has_number(i - back);
    }
    CHECK(size_of_store(store) >= max_size * 3 / 4);
    CHECK(missing == 0);
    CHECK(visited <= (uint64_t)SAVES * (WS_SWEEP_SHARE + 4));
    ws_store_release(store);
}

TEST("saves of any size keep the size") {
    enum { SAVES = 1500 };
    uint64_t max_size = 200000;
    struct ws_store *store = bounded_store(max_size, 30 * WS_DAY);
    struct ws_note note = note_of(WS_FINAL, 1);
    uint64_t chance = 2;
    static char payload[20000];

    for (uint64_t i = 0; i < SAVES; i++) {
        struct ws_digest key = ws_hash_128(&i, sizeof i);
        uint64_t size = draw_below(&chance, 20) == 0 ? draw_below(&chance, sizeof payload)
                                                     : draw_below(&chance, 1000);
        CHECK_STATUS(ws_store_save(store, &key, "run", &note, payload, (size_t)size), WS_OK);
        if (i % 50 == 49) {
            CHECK(size_of_store(store) <= largest_size(max_size, sizeof payload));
        }
        sweep_when_due(store);
    }
    ws_store_release(store);
}

TEST("records of a tenth of the size each keep it") {
    uint64_t max_size = 10 * FILE_SIZE;
    struct ws_store *store = bounded_store(max_size, 30 * WS_DAY);

    for (uint64_t i = 0; i < 100; i++) {
        save_number(store, i);
        CHECK(size_of_store(store) <= max_size + FILE_SIZE);
        sweep_when_due(store);
        CHECK(has_number(i) && size_of_store(store) <= max_size);
    }
    ws_store_release(store);
}

/* Two rounds: one finds out, one removes. */
static void sweep_in_slices(struct ws_store *store) {
    for (int i = 0; i < 3; i++) {
        ws_store_shift_clock(store, WS_DAY);
        sweep_when_due(store);
    }
}

TEST("slices remove a key's checkpoints before its final entry, and no more than is too much") {
    struct ws_store *store = bounded_store(3 * FILE_SIZE / 2, 30 * WS_DAY);

    save_used(store, KEY_HEX, "final", WS_FINAL, LONG_AGO);
    save_used(store, KEY_HEX, "one", WS_CHECKPOINT, DAYS_AGO);
    save_used(store, KEY_HEX, "two", WS_CHECKPOINT, ws_os_now());
    *ws_store_added(store) = 0;
    sweep_in_slices(store);
    CHECK(has(KEY_HEX, "final") && runs_in(store, NULL) == 1);
    ws_store_release(store);
}

TEST("slices keep a run that is held") {
    struct ws_store *store = bounded_store(0, WS_DAY);
    struct ws_runfile *run = hold_run(store, "held");

    set_modified(run_path(KEY_HEX, "held"), LONG_AGO);
    save(store, KEY_HEX, "not-held", WS_FINAL);
    sweep_in_slices(store);
    CHECK(has(KEY_HEX, "held") && !has(KEY_HEX, "not-held"));
    ws_runfile_close(run);
    ws_store_release(store);
}

TEST("slices keep what was used after it had been found to go") {
    struct ws_store *store = bounded_store(3 * FILE_SIZE / 2, 300 * WS_DAY);

    save_used(store, KEY_HEX, "one", WS_FINAL, LONG_AGO);
    save_used(store, OTHER_HEX, "two", WS_FINAL, DAYS_AGO);
    *ws_store_added(store) = 0;
    sweep_when_due(store); /* the first round: one is to go */
    set_modified(run_path(KEY_HEX, "one"), ws_os_now());
    ws_store_shift_clock(store, WS_DAY);
    sweep_when_due(store);
    CHECK(has(KEY_HEX, "one") && has(OTHER_HEX, "two"));
    ws_store_shift_clock(store, WS_DAY);
    sweep_when_due(store);
    CHECK(has(KEY_HEX, "one") && !has(OTHER_HEX, "two"));
    ws_store_release(store);
}

TEST("slices remove what was used at the same time no further than is too much") {
    enum { FILES = 300 };
    struct ws_store *store = bounded_store(FILES / 2 * FILE_SIZE, 300 * WS_DAY);
    char hex[WS_DIGEST_HEX + 1];

    for (uint64_t i = 0; i < FILES; i++) {
        hex_of(i, hex);
        save_used(store, hex, "run", WS_FINAL, DAYS_AGO);
    }
    *ws_store_added(store) = 0;
    sweep_in_slices(store);
    CHECK(size_of_store(store) <= FILES / 2 * FILE_SIZE);
    CHECK(size_of_store(store) >= FILES / 3 * FILE_SIZE);
    ws_store_release(store);
}

/* The round's file. */

static const char *round_path(void) { return harness_path("store/v1/" WS_ROUND_FILE); }

static struct ws_round round_on_disk(void) {
    struct image image = image_of(round_path());
    struct ws_round round;

    CHECK_STATUS(ws_round_decode(image.bytes, image.size, &round), WS_OK);
    free(image.bytes);
    return round;
}

TEST("where another process is sweeping nobody waits, and what was added is told later") {
    struct ws_store *store = bounded_store(4 * WS_SWEEP_SHARE * FILE_SIZE, WS_DAY);
    struct ws_file *held = NULL;

    save(store, KEY_HEX, "run", WS_FINAL);
    sweep(store);
    set_canary(store);
    CHECK_STATUS(ws_store_lock_file(store, WS_ROUND_FILE, &held), WS_OK);
    for (int saved = 1; saved <= 3; saved++) {
        CHECK(sweep_when_due(store).visited == 0 && canary_lives());
        save(store, KEY_HEX, "run", WS_FINAL);
    }
    ws_os_file_close(held);
    sweep_when_due(store);
    CHECK(!canary_lives() && *ws_store_added(store) == 0);
    ws_store_release(store);
}

TEST("where another process never ends its slice, a handle sweeps for itself after a share") {
    struct ws_store *store = bounded_store(4 * WS_SWEEP_SHARE * FILE_SIZE, WS_DAY);
    struct ws_file *held = NULL;

    save(store, KEY_HEX, "run", WS_FINAL);
    sweep(store);
    set_canary(store);
    CHECK_STATUS(ws_store_lock_file(store, WS_ROUND_FILE, &held), WS_OK);
    for (int saved = 1; saved <= 4; saved++) {
        sweep_when_due(store);
        CHECK(canary_lives());
        save(store, KEY_HEX, "run", WS_FINAL);
    }
    sweep_when_due(store);
    CHECK(!canary_lives());
    ws_os_file_close(held);
    ws_store_release(store);
}

static void expect_begun_anew(void) {
    struct ws_store *store = bounded_store(MIB, 30 * WS_DAY);

    set_canary(store);
    sweep_when_due(store);
    CHECK(!canary_lives());
    round_on_disk();
    ws_store_release(store);
}

TEST("a round's file that is cut, damaged or something else is begun anew") {
    struct ws_store *store = bounded_store(MIB, 30 * WS_DAY);

    save(store, KEY_HEX, "run", WS_FINAL);
    sweep(store);
    flip_bit(round_path(), 30);
    expect_begun_anew();
    CHECK(truncate(round_path(), 100) == 0);
    expect_begun_anew();
    CHECK(truncate(round_path(), 0) == 0);
    expect_begun_anew();
    make_file(round_path(), "something else", 14);
    expect_begun_anew();
    ws_store_release(store);
}

TEST("a round that went on before all times goes on by one day's share") {
    struct ws_store *store = bounded_store(MIB, 30 * WS_DAY);
    struct ws_round round = {.went_on = INT64_MIN};
    uint8_t bytes[WS_ROUND_BYTES];

    save(store, KEY_HEX, "run", WS_FINAL);
    ws_round_encode(&round, bytes);
    make_file(round_path(), bytes, sizeof bytes);
    expect_begun_anew();
    ws_store_release(store);
}

TEST("a round's file of a newer version is left alone, and a handle sweeps for itself") {
    struct ws_store *store = bounded_store(4 * WS_SWEEP_SHARE * FILE_SIZE, WS_DAY);

    save(store, KEY_HEX, "run", WS_FINAL);
    sweep(store);
    write_at(round_path(), 8, "\3", 1);
    set_canary(store);
    for (int saved = 1; saved <= 4; saved++) {
        sweep_when_due(store);
        CHECK(canary_lives());
        save(store, KEY_HEX, "run", WS_FINAL);
    }
    sweep_when_due(store);
    CHECK(!canary_lives());
    struct image image = image_of(round_path());
    CHECK(image.bytes[8] == 3);
    free(image.bytes);
    ws_store_release(store);
}

TEST("what is no file under the round's name is left alone, and hangs nobody") {
    struct ws_store *store = bounded_store(MIB, 30 * WS_DAY);
    const char *outside = harness_path("outside");

    save(store, KEY_HEX, "run", WS_FINAL);
    make_file(outside, "x", 1);
    CHECK(symlink(outside, round_path()) == 0);
    sweep_when_due(store);
    CHECK(image_size(outside) == 1 && unlink(round_path()) == 0);
    make_pipe(round_path());
    sweep_when_due(store);
    CHECK(unlink(round_path()) == 0 && mkdir(round_path(), 0700) == 0);
    sweep_when_due(store);
    CHECK(has(KEY_HEX, "run"));
    ws_store_release(store);
}

TEST("a sweep says what it removed, and why") {
    struct ws_store *store = bounded_store(FILE_SIZE, WS_DAY);

    save(store, KEY_HEX, "expired", WS_FINAL);
    ws_store_shift_clock(store, WS_DAY);
    save(store, KEY_HEX, "damaged", WS_FINAL);
    flip_bit(run_path(KEY_HEX, "damaged"), 60);
    save_used(store, KEY_HEX, "used", WS_FINAL, ws_os_now());
    save_used(store, KEY_HEX, "unused", WS_FINAL, LONG_AGO);
    make_file(harness_path(LEFTOVER), "half a record", 13);
    struct ws_swept swept = sweep(store);
    CHECK(swept.files == 4 && swept.bytes == 3 * FILE_SIZE + 13);
    CHECK(swept.removed[WS_EXPIRED].files == 1 && swept.removed[WS_BROKEN].files == 1);
    CHECK(swept.removed[WS_LEFTOVER].files == 1 && swept.removed[WS_LEFTOVER].bytes == 13);
    CHECK(swept.removed[WS_LEAST_USED].files == 1 && has(KEY_HEX, "used"));
    ws_store_release(store);
}

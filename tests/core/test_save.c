#include "fixtures.h"
#include "save.h"

static void save_as(struct ws_store *store, const char *run_id, const struct ws_note *note,
                    const char *text) {
    struct ws_digest key = a_key();
    char name[WS_RUN_ID_MAX + 1];

    snprintf(name, sizeof name, "%s", run_id);
    CHECK_STATUS(ws_save(store, &key, name, note, text, strlen(text)), WS_OK);
}

static void save(struct ws_store *store, const char *run_id, enum ws_kind kind, double objective,
                 const char *text) {
    struct ws_note note = note_of(kind, objective);

    save_as(store, run_id, &note, text);
}

static bool is_there(const char *run_id) { return exists(run_path(KEY_HEX, run_id)); }

TEST("a save without a run id gets a new one, and is found") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();
    struct ws_note note = note_of(WS_CHECKPOINT, 1);
    char first[WS_RUN_ID_MAX + 1] = "";
    char second[WS_RUN_ID_MAX + 1] = "";

    CHECK_STATUS(ws_save(store, &key, first, &note, "text", 4), WS_OK);
    CHECK_STATUS(ws_save(store, &key, second, &note, "text", 4), WS_OK);
    CHECK(is_there(first) && is_there(second) && strcmp(first, second) != 0);
    ws_store_release(store);
}

TEST("a final entry supersedes those of other runs, whatever their objectives") {
    struct ws_store *store = a_store();

    save(store, "lower", WS_FINAL, 1 - 1e-9, "lower");
    save(store, "without", WS_FINAL, NO_OBJECTIVE, "without");
    save(store, "newest", WS_FINAL, 1, "newest");
    CHECK(!is_there("lower") && !is_there("without") && is_there("newest"));
    ws_store_release(store);
}

TEST("a final entry leaves checkpoints, and those of other keys") {
    struct ws_store *store = a_store();
    struct ws_digest other = other_key();
    struct ws_digest neighbour = key_of("0123456789abcdef0123456789abcdee");

    save(store, "checkpoint", WS_CHECKPOINT, 2, "checkpoint");
    save_text(store, &other, "other", WS_FINAL, 1, "other");
    save_text(store, &neighbour, "neighbour", WS_FINAL, 1, "neighbour");
    save(store, "final", WS_FINAL, 1, "final");
    CHECK(runs_in(store, NULL) == 4);
    ws_store_release(store);
}

TEST("a final entry leaves seeds, and a seed leaves final entries") {
    struct ws_store *store = a_store();
    struct ws_note seed = note_of(WS_FINAL, 1);

    seed.is_seed = true;
    save_as(store, "one", &seed, "one");
    save(store, "final", WS_FINAL, 1, "final");
    save_as(store, "two", &seed, "two");
    CHECK(is_there("one") && is_there("final") && is_there("two"));
    ws_store_release(store);
}

TEST("a checkpoint supersedes nothing") {
    struct ws_store *store = a_store();

    save(store, "final", WS_FINAL, 1, "final");
    save(store, "checkpoint", WS_CHECKPOINT, 0, "checkpoint");
    CHECK(is_there("final") && is_there("checkpoint"));
    ws_store_release(store);
}

TEST("a final entry leaves one of a later time, by however little, and of the same") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();
    struct ws_record record = record_of(WS_FINAL, 1, 1);

    record.written = ws_store_now(store) + SECOND;
    struct ws_dir *dir = NULL;
    CHECK_STATUS(ws_store_put(store, "one", &record, "one", 3, &dir), WS_OK);
    ws_os_dir_close(dir);
    CHECK_STATUS(ws_store_put(store, "two", &record, "two", 3, &dir), WS_OK);
    ws_supersede(dir, &record, "one", true);
    ws_os_dir_close(dir);
    save(store, "three", WS_FINAL, 1, "three");
    CHECK(runs_in(store, &key) == 3);
    ws_store_release(store);
}

TEST("a final entry of a clock far ahead is not removed by a right one, nor does it hide that") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();

    ws_store_shift_clock(store, 400 * WS_DAY);
    save(store, "ahead", WS_FINAL, 1, "ahead");
    ws_store_shift_clock(store, -400 * WS_DAY);
    save(store, "now", WS_FINAL, 1, "now");
    CHECK(is_there("ahead") && is_there("now"));
    expect_best(store, &key, "now");
    ws_store_release(store);
}

TEST("a final entry leaves what is in a newer format, and what is not ours") {
    struct ws_store *store = a_store();
    uint8_t version[2] = {WS_RECORD_VERSION + 1, 0};

    save(store, "newer", WS_FINAL, 1, "newer");
    save(store, "foreign", WS_CHECKPOINT, 1, "foreign");
    write_at(run_path(KEY_HEX, "newer"), 8, version, sizeof version);
    make_file(run_path(KEY_HEX, "foreign"), "not a record", 12);
    save(store, "final", WS_FINAL, 1, "final");
    CHECK(is_there("newer") && is_there("foreign"));
    ws_store_release(store);
}

TEST("what is saved is not swept by its own save, however full the store is") {
    for (uint64_t room = 16; room < 20; room++) {
        struct ws_store *store = bounded_store(room * 1000, WS_DAY);
        struct ws_digest key = a_key();
        static uint8_t payload[15000 - WS_RECORD_HEADER];
        struct ws_note note = note_of(WS_CHECKPOINT, 1);
        for (int i = 0; i < 20; i++) {
            char run_id[WS_RUN_ID_MAX + 1] = "";
            CHECK_STATUS(ws_save(store, &key, run_id, &note, payload, sizeof payload), WS_OK);
            CHECK(is_there(run_id));
        }
        ws_store_release(store);
        remove_tree(harness_path("store"));
    }
}

/* It would go before the final entry, which was used long ago. */
TEST("a checkpoint beside an old final entry is not swept by its own save") {
    struct ws_store *store = bounded_store(16000, WS_DAY);
    struct ws_digest key = a_key();
    struct ws_digest other = other_key();
    static uint8_t payload[4000];
    struct ws_note final = note_of(WS_FINAL, 1);
    struct ws_note checkpoint = note_of(WS_CHECKPOINT, 1);
    char names[4][WS_RUN_ID_MAX + 1] = {"final", "one", "two", "checkpoint"};

    CHECK_STATUS(ws_save(store, &key, names[0], &final, payload, sizeof payload), WS_OK);
    set_modified(run_path(KEY_HEX, "final"), ws_os_now() - WS_DAY / 2);
    CHECK_STATUS(ws_save(store, &other, names[1], &checkpoint, payload, sizeof payload), WS_OK);
    CHECK_STATUS(ws_save(store, &other, names[2], &checkpoint, payload, sizeof payload), WS_OK);
    for (int i = 0; i < 5; i++) {
        CHECK_STATUS(ws_save(store, &key, names[3], &checkpoint, payload, sizeof payload), WS_OK);
        CHECK(is_there("checkpoint"));
    }
    ws_store_release(store);
}

TEST("what can stay nowhere in the store is refused before anything is written") {
    struct ws_store *store = bounded_store(16000, WS_DAY);
    struct ws_digest key = a_key();
    static uint8_t payload[15001 - WS_RECORD_HEADER];
    struct ws_note note = note_of(WS_FINAL, 1);
    char run_id[WS_RUN_ID_MAX + 1] = "run";

    CHECK_STATUS(ws_save(store, &key, run_id, &note, payload, sizeof payload), WS_TOO_LARGE);
    CHECK(!exists(harness_path("store")));
    CHECK_STATUS(ws_save(store, &key, run_id, &note, payload, sizeof payload - 1), WS_OK);
    ws_store_release(store);
}

TEST("a store without a bound has room for anything") {
    struct ws_store *store = bounded_store(UINT64_MAX / 2, WS_DAY);

    save(store, "run", WS_FINAL, 1, "text");
    CHECK(is_there("run"));
    ws_store_release(store);
}

TEST("a final entry that cannot be saved removes nothing") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();
    struct ws_note note = note_of(WS_FINAL, 1);
    char invalid[WS_RUN_ID_MAX + 1] = "../x";
    char large[WS_RUN_ID_MAX + 1] = "large";

    save(store, "one", WS_FINAL, 1, "one");
    CHECK_STATUS(ws_save(store, &key, invalid, &note, "text", 4), WS_INVALID);
    CHECK_STATUS(ws_save(store, &key, large, &note, "text", SIZE_MAX), WS_TOO_LARGE);
    CHECK(is_there("one"));
    ws_store_release(store);
}

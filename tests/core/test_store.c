#include "fixtures.h"

#ifndef _WIN32
#include <sys/resource.h>
#endif

#define KIB ((uint64_t)1024)

static enum ws_status try_open(const char *path, int64_t max_age) {
    struct ws_store_options options = {.max_size = KIB, .max_age = max_age};
    struct ws_store *store = NULL;
    enum ws_status status = ws_store_open(path, &options, &store);

    ws_store_release(status == WS_OK ? store : NULL);
    return status;
}

static struct ws_entry *best_of(struct ws_store *store) {
    struct ws_digest key = a_key();
    struct ws_entry *entry = NULL;

    CHECK_STATUS(ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry), WS_OK);
    return entry;
}

/* Saves under KEY_HEX. What is saved later is a second newer. */
static void save(struct ws_store *store, const char *run_id, enum ws_kind kind, double objective,
                 const char *text) {
    struct ws_digest key = a_key();

    save_text(store, &key, run_id, kind, objective, text);
    ws_store_shift_clock(store, SECOND);
}

static void best_is(struct ws_store *store, const char *text) {
    struct ws_digest key = a_key();

    expect_best(store, &key, text);
    ws_store_release(store);
}

static void latest_is(struct ws_store *store, const char *text) {
    struct ws_digest key = a_key();

    expect_latest(store, &key, text);
    ws_store_release(store);
}

static void kind_is(struct ws_store *store, enum ws_kind kind, const char *text) {
    struct ws_digest key = a_key();

    expect_found(store, &key, WS_BEST, (int)kind, text);
    ws_store_release(store);
}

/* Opening. */

TEST("opening a store makes nothing") {
    ws_store_release(a_store());
    CHECK(!exists(harness_path("store")));
}

TEST("a path that is a file is invalid") {
    make_file(harness_path("file"), "", 0);
    CHECK_STATUS(try_open(harness_path("file"), WS_DAY), WS_INVALID);
}

TEST("a path that is a file but for a separator at its end is invalid") {
    make_file(harness_path("file"), "", 0);
    CHECK_STATUS(try_open(harness_path("file/"), WS_DAY), WS_INVALID);
}

TEST("a relative path that is a file is invalid") {
    make_file(harness_path("file"), "", 0);
    CHECK(chdir(harness_dir()) == 0);
    enum ws_status status = try_open("file", WS_DAY);
    CHECK(chdir("/") == 0);
    CHECK_STATUS(status, WS_INVALID);
}

TEST("an empty path is invalid") { CHECK_STATUS(try_open("", WS_DAY), WS_INVALID); }

TEST("a negative age is invalid") { CHECK_STATUS(try_open(harness_path("store"), -1), WS_INVALID); }

TEST("a store keeps its path and its options") {
    struct ws_store *store = bounded_store(123, 456);

    CHECK(strcmp(ws_store_path(store), harness_path("store")) == 0);
    CHECK(ws_store_options(store).max_size == 123 && ws_store_options(store).max_age == 456);
    ws_store_release(store);
}

TEST("a store that was retained outlives one release") {
    struct ws_store *store = a_store();

    CHECK(ws_store_retain(store) == store);
    ws_store_release(store);
    save(store, "run", WS_FINAL, 1, "text");
    best_is(store, "text");
}

TEST("releasing no store is allowed") { ws_store_release(NULL); }

TEST("a store's clock is the system's, shifted") {
    struct ws_store *store = a_store();
    int64_t now = ws_store_now(store);

    CHECK(now - ws_os_now() < SECOND && ws_os_now() - now < SECOND);
    ws_store_shift_clock(store, 100 * WS_DAY);
    CHECK(ws_store_now(store) - now >= 100 * WS_DAY);
    ws_store_release(store);
}

/* Layout. */

TEST("a run's file lies in v1, in the branch and shard of its key's first six digits") {
    struct ws_store *store = a_store();

    save(store, "a-run", WS_FINAL, 1, "text");
    CHECK(exists(harness_path("store/v1/012/345/0123456789abcdef0123456789abcdef-a-run.warm")));
    ws_store_release(store);
}

TEST("a saved record is alone in its file") {
    struct ws_store *store = a_store();

    save(store, "run", WS_CHECKPOINT, 1, "text");
    struct image image = image_of(run_path(KEY_HEX, "run"));
    CHECK(image.size == WS_RECORD_HEADER + 4);
    CHECK(memcmp(image.bytes + WS_RECORD_HEADER, "text", 4) == 0);
    free(image.bytes);
    ws_store_release(store);
}

TEST("a store's directories and files are its owner's alone") {
    struct ws_store *store = a_store();
    mode_t before = umask(0);
    static const char *const paths[] = {"store", "store/v1", "store/v1/012", "store/v1/012/345"};
    struct stat info;

    save(store, "run", WS_FINAL, 1, "text");
    umask(before);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        CHECK(stat(harness_path(paths[i]), &info) == 0 && (info.st_mode & 0777) == 0700);
    }
    CHECK(stat(run_path(KEY_HEX, "run"), &info) == 0 && (info.st_mode & 0777) == 0600);
    ws_store_release(store);
}

/* Saving. */

TEST("a lookup gives back everything that was saved") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();
    struct ws_note note = note_of(WS_FINAL, -12.5);
    int64_t before = ws_store_now(store);

    note.encoding = 4;
    note.has_iteration = true;
    note.iteration = 99;
    CHECK_STATUS(ws_note_set_label(&note, "a label"), WS_OK);
    CHECK_STATUS(ws_store_save(store, &key, "run", &note, "pay\0load", 8), WS_OK);
    struct ws_entry *entry = best_of(store);
    CHECK(entry->record.payload_size == 8 && memcmp(entry->payload, "pay\0load", 8) == 0);
    CHECK(entry->record.note.kind == WS_FINAL && entry->record.note.encoding == 4);
    CHECK(entry->record.note.has_objective && entry->record.note.objective == -12.5);
    CHECK(entry->record.note.has_iteration && entry->record.note.iteration == 99);
    CHECK(strcmp(entry->record.note.label, "a label") == 0);
    CHECK(strcmp(entry->run_id, "run") == 0 && same_key(&entry->record.key, &key));
    CHECK(entry->record.written >= before && entry->record.written <= ws_store_now(store));
    ws_entry_free(entry);
    ws_store_release(store);
}

TEST("a payload of nothing and one of many bytes come back") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();
    static const size_t sizes[] = {0, 1, 3840, 3841, 5000000};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct ws_note note = note_of(WS_FINAL, 1);
        uint8_t *payload = malloc(sizes[i] + 1);
        uint64_t chance = i;
        CHECK(payload != NULL);
        fill_random(&chance, payload, sizes[i]);
        CHECK_STATUS(ws_store_save(store, &key, "run", &note, payload, sizes[i]), WS_OK);
        struct ws_entry *entry = best_of(store);
        CHECK(entry->record.payload_size == sizes[i]);
        CHECK(memcmp(entry->payload, payload, sizes[i]) == 0);
        ws_entry_free(entry);
        free(payload);
    }
    ws_store_release(store);
}

TEST("saving under a run id replaces that run's entry whole, though it was better") {
    struct ws_store *store = a_store();

    save(store, "run", WS_FINAL, 1, "better");
    save(store, "run", WS_CHECKPOINT, 2, "worse");
    best_is(store, "worse");
}

TEST("saving under another run id leaves the first run's entry") {
    struct ws_store *store = a_store();

    save(store, "one", WS_CHECKPOINT, 1, "better");
    save(store, "two", WS_CHECKPOINT, 2, "worse");
    best_is(store, "better");
}

TEST("saving under an invalid run id is invalid, and makes nothing") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();
    struct ws_note note = note_of(WS_FINAL, 1);

    CHECK_STATUS(ws_store_save(store, &key, "../../x", &note, "", 0), WS_INVALID);
    CHECK(!exists(harness_path("store")));
    ws_store_release(store);
}

TEST("saving below a file fails with the reason, and works once the file is gone") {
    struct ws_store_options options = {.max_size = KIB, .max_age = WS_DAY};
    struct ws_store *store = NULL;
    struct ws_digest key = a_key();
    struct ws_note note = note_of(WS_FINAL, 1);

    make_file(harness_path("file"), "", 0);
    CHECK_STATUS(ws_store_open(harness_path("file/store"), &options, &store), WS_OK);
    CHECK_STATUS(ws_store_save(store, &key, "run", &note, "text", 4), WS_OS_ERROR);
    CHECK(errno == ENOTDIR);
    CHECK(unlink(harness_path("file")) == 0);
    CHECK_STATUS(ws_store_save(store, &key, "run", &note, "text", 4), WS_OK);
    best_is(store, "text");
}

TEST("saving makes the store's directory again where it was deleted") {
    struct ws_store *store = a_store();

    save(store, "one", WS_FINAL, 1, "first");
    remove_tree(harness_path("store"));
    save(store, "two", WS_FINAL, 2, "second");
    best_is(store, "second");
}

/* Selecting. */

TEST("best is the lowest objective, whichever came first") {
    struct ws_store *store = a_store();

    save(store, "one", WS_CHECKPOINT, 2, "second");
    save(store, "two", WS_CHECKPOINT, 1, "first");
    save(store, "three", WS_CHECKPOINT, 3, "third");
    best_is(store, "first");
}

TEST("best takes negative objectives for lower") {
    struct ws_store *store = a_store();

    save(store, "one", WS_CHECKPOINT, -10, "lower");
    save(store, "two", WS_CHECKPOINT, 0, "higher");
    best_is(store, "lower");
}

TEST("best is the newest of checkpoints alike within the tolerance, though not the lowest") {
    struct ws_store *store = a_store();

    save(store, "one", WS_CHECKPOINT, 1, "older");
    save(store, "two", WS_CHECKPOINT, 1 + 5e-13, "newer");
    best_is(store, "newer");
}

TEST("the tolerance is counted from the lowest, and does not add up") {
    struct ws_store *store = a_store();

    save(store, "one", WS_CHECKPOINT, 1, "lowest");
    save(store, "two", WS_CHECKPOINT, 1 + 8e-13, "within");
    save(store, "three", WS_CHECKPOINT, 1 + 16e-13, "within of within");
    best_is(store, "within");
}

TEST("best is a checkpoint with an objective before a newer one without") {
    struct ws_store *store = a_store();

    save(store, "one", WS_CHECKPOINT, 1e300, "with");
    save(store, "two", WS_CHECKPOINT, NO_OBJECTIVE, "without");
    best_is(store, "with");
}

TEST("best is the newest of checkpoints without objectives") {
    struct ws_store *store = a_store();

    save(store, "one", WS_CHECKPOINT, NO_OBJECTIVE, "older");
    save(store, "two", WS_CHECKPOINT, NO_OBJECTIVE, "newer");
    best_is(store, "newer");
}

TEST("best is a final entry before any checkpoint, however low and new that is") {
    struct ws_store *store = a_store();

    save(store, "one", WS_CHECKPOINT, 1, "older checkpoint");
    save(store, "two", WS_FINAL, 2, "final");
    save(store, "three", WS_CHECKPOINT, -1e300, "newer checkpoint");
    best_is(store, "final");
}

TEST("best is a final entry without an objective before a checkpoint with one") {
    struct ws_store *store = a_store();

    save(store, "one", WS_FINAL, NO_OBJECTIVE, "final");
    save(store, "two", WS_CHECKPOINT, 1, "checkpoint");
    best_is(store, "final");
}

TEST("best is the newest final entry, whatever the objectives") {
    struct ws_store *store = a_store();

    save(store, "c", WS_FINAL, 1 - 1e-9, "lower");
    save(store, "b", WS_FINAL, NO_OBJECTIVE, "without");
    save(store, "a", WS_FINAL, 1, "newest");
    kind_is(store, WS_FINAL, "newest");
}

TEST("best is not a final entry that a clock far ahead has written, where there is another") {
    struct ws_store *store = a_store();

    ws_store_shift_clock(store, 400 * WS_DAY);
    save(store, "ahead", WS_FINAL, 1, "ahead");
    ws_store_shift_clock(store, -400 * WS_DAY);
    save(store, "now", WS_FINAL, 2, "now");
    best_is(store, "now");
}

TEST("best is a final entry of a clock far ahead before a checkpoint") {
    struct ws_store *store = a_store();

    ws_store_shift_clock(store, 400 * WS_DAY);
    save(store, "ahead", WS_FINAL, 1, "ahead");
    ws_store_shift_clock(store, -400 * WS_DAY);
    save(store, "now", WS_CHECKPOINT, 1, "now");
    best_is(store, "ahead");
}

TEST("best is the older final entry where the newest is damaged") {
    struct ws_store *store = a_store();

    save(store, "one", WS_FINAL, 1, "older");
    save(store, "two", WS_FINAL, 1, "newer");
    save(store, "three", WS_CHECKPOINT, 0, "checkpoint");
    flip_bit(run_path(KEY_HEX, "two"), WS_RECORD_HEADER);
    best_is(store, "older");
}

TEST("an infinite objective counts as absent") {
    struct ws_store *store = a_store();

    save(store, "one", WS_CHECKPOINT, 5, "with");
    save(store, "two", WS_CHECKPOINT, -(double)INFINITY, "infinite");
    best_is(store, "with");
}

TEST("latest is the newest, objectives and kinds ignored") {
    struct ws_store *store = a_store();

    save(store, "one", WS_FINAL, 1, "better");
    save(store, "two", WS_CHECKPOINT, 2, "newer");
    latest_is(store, "newer");
}

TEST("latest is not what a clock far ahead has written") {
    struct ws_store *store = a_store();

    ws_store_shift_clock(store, 400 * WS_DAY);
    save(store, "ahead", WS_FINAL, 1, "ahead");
    ws_store_shift_clock(store, -400 * WS_DAY);
    save(store, "now", WS_FINAL, 1, "now");
    latest_is(store, "now");
}

TEST("what a clock far ahead has written is found where there is nothing else") {
    struct ws_store *store = a_store();

    ws_store_shift_clock(store, 400 * WS_DAY);
    save(store, "ahead", WS_FINAL, 1, "ahead");
    ws_store_shift_clock(store, -400 * WS_DAY);
    latest_is(store, "ahead");
}

TEST("latest goes by the time written, not by the name") {
    struct ws_store *store = a_store();

    save(store, "b", WS_FINAL, 1, "older");
    save(store, "a", WS_FINAL, 1, "newer");
    latest_is(store, "newer");
}

TEST("a lookup of one kind passes over the other") {
    struct ws_store *store = a_store();

    save(store, "one", WS_FINAL, 2, "final");
    save(store, "two", WS_CHECKPOINT, 1, "checkpoint");
    kind_is(store, WS_FINAL, "final");
}

TEST("a lookup of a kind that is not there finds nothing") {
    struct ws_store *store = a_store();

    save(store, "one", WS_CHECKPOINT, 1, "checkpoint");
    kind_is(store, WS_FINAL, NULL);
}

TEST("entries of other keys are not found, not even of the same shard") {
    struct ws_store *store = a_store();
    struct ws_digest neighbour = key_of("0123456789abcdef0123456789abcdee");

    save_text(store, &neighbour, "run", WS_FINAL, 1, "text");
    best_is(store, NULL);
}

TEST("the best of more runs than a lookup keeps open is found") {
    struct ws_store *store = a_store();
    char run_id[32];
    char text[32];

    for (int i = 0; i < 40; i++) {
        snprintf(run_id, sizeof run_id, "run-%d", i);
        snprintf(text, sizeof text, "text %d", i);
        save(store, run_id, WS_CHECKPOINT, (i * 7 + 3) % 40, text);
    }
    best_is(store, "text 11"); /* 11 * 7 + 3 = 80 */
}

TEST("a missing key is not found") {
    struct ws_store *store = a_store();

    best_is(store, NULL);
}

TEST("looking a missing key up makes nothing") {
    struct ws_store *store = a_store();

    best_is(store, NULL);
    CHECK(!exists(harness_path("store")));
}

/* Age. */

TEST("an expired entry is not found") {
    struct ws_store *store = bounded_store(KIB, WS_DAY);

    save(store, "run", WS_FINAL, 1, "text");
    ws_store_shift_clock(store, WS_DAY);
    best_is(store, NULL);
}

TEST("an entry is found until its age is reached") {
    struct ws_store *store = bounded_store(KIB, WS_DAY);

    save(store, "run", WS_FINAL, 1, "text");
    ws_store_shift_clock(store, WS_DAY - 60 * SECOND);
    best_is(store, "text");
}

TEST("an expired entry does not hide a worse one that is not") {
    struct ws_store *store = bounded_store(KIB, WS_DAY);

    save(store, "one", WS_FINAL, 1, "expired");
    ws_store_shift_clock(store, WS_DAY / 2);
    save(store, "two", WS_FINAL, 2, "in time");
    ws_store_shift_clock(store, WS_DAY / 2);
    best_is(store, "in time");
}

TEST("an entry in daily use does not expire") {
    struct ws_store *store = bounded_store(KIB, 3 * WS_DAY);
    struct ws_digest key = a_key();

    save(store, "run", WS_FINAL, 1, "text");
    for (int day = 0; day < 10; day++) {
        ws_store_shift_clock(store, WS_DAY + 60 * SECOND);
        expect_best(store, &key, "text");
    }
    ws_store_shift_clock(store, 4 * WS_DAY);
    best_is(store, NULL);
}

TEST("an entry that may not age for a day does not expire while it is used") {
    struct ws_store *store = bounded_store(KIB, WS_DAY / 24);
    struct ws_digest key = a_key();

    save(store, "run", WS_FINAL, 1, "text");
    for (int use = 0; use < 10; use++) {
        ws_store_shift_clock(store, WS_DAY / 24 / 2);
        expect_best(store, &key, "text");
    }
    ws_store_shift_clock(store, WS_DAY / 24);
    best_is(store, NULL);
}

TEST("the largest age never expires") {
    struct ws_store *store = bounded_store(KIB, INT64_MAX);

    save(store, "run", WS_FINAL, 1, "text");
    ws_store_shift_clock(store, 80 * 365 * WS_DAY);
    best_is(store, "text");
}

/* Damage: never returned, never an error, and what is next best is. */

static struct ws_store *store_with_two_runs(void) {
    struct ws_store *store = a_store();

    save(store, "next", WS_FINAL, 2, "next");
    save(store, "best", WS_FINAL, 1, "best");
    return store;
}

TEST("a damaged payload is passed over") {
    struct ws_store *store = store_with_two_runs();

    flip_bit(run_path(KEY_HEX, "best"), WS_RECORD_HEADER + 1);
    best_is(store, "next");
}

TEST("a damaged header is passed over") {
    struct ws_store *store = store_with_two_runs();

    flip_bit(run_path(KEY_HEX, "best"), 60);
    best_is(store, "next");
}

TEST("a truncated file is passed over") {
    struct ws_store *store = store_with_two_runs();

    CHECK(truncate(run_path(KEY_HEX, "best"), WS_RECORD_HEADER + 3) == 0);
    best_is(store, "next");
}

TEST("an empty file is passed over") {
    struct ws_store *store = store_with_two_runs();

    CHECK(truncate(run_path(KEY_HEX, "best"), 0) == 0);
    best_is(store, "next");
}

TEST("a foreign file under a run's name is passed over") {
    struct ws_store *store = store_with_two_runs();

    make_file(run_path(KEY_HEX, "best"), "x0,x1,y\n", 8);
    best_is(store, "next");
}

TEST("a file in a newer format is passed over") {
    struct ws_store *store = store_with_two_runs();

    write_at(run_path(KEY_HEX, "best"), 8, "\2", 1);
    best_is(store, "next");
}

TEST("a directory under a run's name is passed over") {
    struct ws_store *store = store_with_two_runs();

    CHECK(unlink(run_path(KEY_HEX, "best")) == 0);
    CHECK(mkdir(run_path(KEY_HEX, "best"), 0700) == 0);
    best_is(store, "next");
}

TEST("a pipe under a run's name is passed over") {
    struct ws_store *store = store_with_two_runs();

    CHECK(unlink(run_path(KEY_HEX, "best")) == 0);
    make_pipe(run_path(KEY_HEX, "best"));
    best_is(store, "next");
}

TEST("a symbolic link under a run's name is not followed") {
    struct ws_store *store = store_with_two_runs();

    CHECK(rename(run_path(KEY_HEX, "best"), harness_path("elsewhere")) == 0);
    CHECK(symlink(harness_path("elsewhere"), run_path(KEY_HEX, "best")) == 0);
    best_is(store, "next");
}

TEST("a run's file under another key's name is not that key's entry") {
    struct ws_store *store = store_with_two_runs();
    struct ws_digest other = other_key();

    save_text(store, &other, "keep", WS_FINAL, 5, "other");
    CHECK(rename(run_path(KEY_HEX, "best"), run_path(OTHER_HEX, "moved")) == 0);
    expect_best(store, &other, "other");
    ws_store_release(store);
}

TEST("a shard that is a file is no shard") {
    struct ws_store *store = a_store();
    struct ws_digest other = other_key();
    struct ws_entry *entry = NULL;

    save_text(store, &other, "run", WS_FINAL, 1, "text");
    ws_os_dir_close(dir_at(harness_path("store/v1/012")));
    make_file(harness_path("store/v1/012/345"), "", 0);
    struct ws_digest key = a_key();
    CHECK(ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry) != WS_OK);
    expect_best(store, &other, "text");
    ws_store_release(store);
}

TEST("files of all sorts in a shard do not disturb its entries") {
    struct ws_store *store = store_with_two_runs();
    static const char *const names[] = {
        "store/v1/012/345/notes.txt",
        "store/v1/012/345/.hidden",
        "store/v1/012/345/" KEY_HEX,
        "store/v1/012/345/" KEY_HEX "-.warm",
        "store/v1/012/345/" KEY_HEX "-x.0123456789abcdef.tmp",
        "store/v1/012/345/0123456789ABCDEF0123456789ABCDEF-x.warm",
        "store/v1/notes.txt",
        "store/notes.txt",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        make_file(harness_path(names[i]), "x", 1);
    }
    best_is(store, "best");
}

TEST("when most runs are damaged the one that is not is found") {
    struct ws_store *store = a_store();
    char run_id[32];

    for (int i = 0; i < 30; i++) {
        snprintf(run_id, sizeof run_id, "run-%d", i);
        save(store, run_id, WS_FINAL, i, i == 29 ? "whole" : "damaged");
        if (i < 29) {
            flip_bit(run_path(KEY_HEX, run_id), WS_RECORD_HEADER);
        }
    }
    best_is(store, "whole");
}

/* A dead run's file with three records, of which `damaged` have payloads that do not verify. */
static void make_slotted_run(struct ws_store *store, const bool damaged[WS_SLOTS]) {
    static const char *const texts[WS_SLOTS] = {"third", "second", "first"};
    struct ws_digest key = a_key();
    struct ws_dir *dir = NULL;
    struct ws_runfile *run = NULL;
    char name[WS_FILE_NAME_MAX + 1];

    CHECK_STATUS(ws_store_shard(store, &key, WS_MAKE_DURABLE, &dir), WS_OK);
    ws_run_file_name(&key, "run", name);
    for (int i = 0; i < WS_SLOTS; i++) {
        struct ws_record record = record_of(WS_CHECKPOINT, 3 - i, (uint64_t)i + 1);
        size_t size = strlen(texts[i]);
        record.written = ws_store_now(store) + i;
        CHECK_STATUS(run ? ws_runfile_write(run, &record, NULL, texts[i], size, false)
                         : ws_runfile_create(dir, name, &record, NULL, texts[i], size, &run),
                     WS_OK);
        if (damaged[i]) {
            flip_bit(run_path(KEY_HEX, "run"),
                     (size_t)record.slot * WS_SLOT_ALIGN + WS_RECORD_HEADER);
        }
    }
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("of a run's records the best is found") {
    struct ws_store *store = a_store();

    make_slotted_run(store, (bool[WS_SLOTS]){false, false, false});
    best_is(store, "first");
}

TEST("of a run's records the next best is found where the best is damaged") {
    struct ws_store *store = a_store();

    make_slotted_run(store, (bool[WS_SLOTS]){false, false, true});
    best_is(store, "second");
}

/* What a power loss leaves when both writes since the last sync were torn. */
TEST("of a run's records the third best is found where two are damaged") {
    struct ws_store *store = a_store();

    make_slotted_run(store, (bool[WS_SLOTS]){false, true, true});
    best_is(store, "third");
}

TEST("of a run's records none is found where all are damaged") {
    struct ws_store *store = a_store();

    make_slotted_run(store, (bool[WS_SLOTS]){true, true, true});
    best_is(store, NULL);
}

TEST("another run's entry is found where all records of the best run are damaged") {
    struct ws_store *store = a_store();

    make_slotted_run(store, (bool[WS_SLOTS]){true, true, true});
    save(store, "other", WS_CHECKPOINT, 100, "other");
    best_is(store, "other");
}

/* What others can write takes no memory beyond what is there. */

/* A final record of a payload that is a hole but for its header, as large as it says. */
static void make_hollow(struct ws_store *store, const char *run_id, uint64_t size) {
    struct ws_record record = record_of(WS_FINAL, 0, 1);
    uint8_t header[WS_RECORD_HEADER];
    const char *path = run_path(KEY_HEX, run_id);

    record.written = ws_store_now(store) + SECOND;
    ws_record_encode(&record, "", 0, header);
    ws_put_u64(header + 64, size);
    sign_header(header);
    make_file(path, header, sizeof header);
    CHECK(truncate(path, (off_t)(sizeof header + size)) == 0);
}

TEST("a file of holes is passed over, and takes no memory") {
    struct ws_store *store = store_with_two_runs();
    struct ws_digest key = a_key();

    make_hollow(store, "bomb", (uint64_t)900 << 20);
    struct ws_dir *dir = dir_at(harness_path("store/v1/012/345"));
    struct ws_file *file = file_in(dir, strrchr(run_path(KEY_HEX, "bomb"), '/') + 1);
    struct ws_scan scan;
    void *payload = NULL;
    CHECK_STATUS(ws_runfile_scan(file, &key, &scan), WS_OK);
    CHECK(scan.count == 1);
    if (scan.info.blocks >= (uint64_t)900 << 20) {
        harness_skip("needs to be told what a file takes on the disk");
    }
    CHECK_STATUS(ws_runfile_read(file, &scan, 0, &payload), WS_TOO_LARGE);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
    best_is(store, "best");
}

TEST("a payload larger than the store may be is passed over, however much of it is there") {
    static char text[3 << 20];
    struct ws_store *store = a_store();
    struct ws_store *small = bounded_store(2 << 20, 30 * WS_DAY);
    struct ws_digest key = a_key();
    struct ws_note note = note_of(WS_FINAL, 1);

    CHECK_STATUS(ws_store_save(store, &key, "run", &note, text, sizeof text), WS_OK);
    expect_best(small, &key, NULL);
    ws_store_release(small);
    ws_store_release(store);
}

/* Use. */

TEST("a lookup notes the use of an entry whose last use was more than a day ago") {
    struct ws_store *store = a_store();
    const char *path = run_path(KEY_HEX, "run");

    ws_store_shift_clock(store, -2 * WS_DAY);
    save(store, "run", WS_FINAL, 1, "text");
    ws_store_shift_clock(store, 2 * WS_DAY);
    set_modified(path, ws_os_now() - 2 * WS_DAY);
    best_is(store, "text");
    CHECK(modified_of(path) > ws_os_now() - WS_DAY);
}

TEST("a lookup writes nothing where the last use was within a day") {
    struct ws_store *store = a_store();
    const char *path = run_path(KEY_HEX, "run");
    int64_t used = (ws_os_now() - WS_DAY / 2) / SECOND * SECOND;

    ws_store_shift_clock(store, -2 * WS_DAY);
    save(store, "run", WS_FINAL, 1, "text");
    ws_store_shift_clock(store, 2 * WS_DAY);
    set_modified(path, used);
    best_is(store, "text");
    CHECK(modified_of(path) == used);
}

TEST("a lookup notes no use of the entries that it did not choose") {
    struct ws_store *store = store_with_two_runs();
    const char *path = run_path(KEY_HEX, "next");
    int64_t used = (ws_os_now() - 2 * WS_DAY) / SECOND * SECOND;

    set_modified(path, used);
    best_is(store, "best");
    CHECK(modified_of(path) == used);
}

/* Copies. */

TEST("a copy of an entry outlives it") {
    struct ws_store *store = a_store();
    struct ws_entry *copy = NULL;

    save(store, "run", WS_FINAL, 1, "text");
    struct ws_entry *entry = best_of(store);
    CHECK_STATUS(ws_entry_copy(entry, &copy), WS_OK);
    ws_entry_free(entry);
    CHECK(holds_text(copy, "text") && strcmp(copy->run_id, "run") == 0);
    ws_entry_free(copy);
    ws_store_release(store);
}

TEST("freeing no entry is allowed") { ws_entry_free(NULL); }

/* Listing. */

struct listing {
    int count;
    struct ws_run last;
};

static enum ws_status list_run(void *context, const struct ws_run *run) {
    struct listing *listing = context;

    listing->count++;
    listing->last = *run;
    return WS_OK;
}

static struct listing list_key(struct ws_store *store) {
    struct ws_digest key = a_key();
    struct listing listing = {0};

    CHECK_STATUS(ws_store_each(store, &key, list_run, &listing), WS_OK);
    return listing;
}

TEST("a listing shows each run of a key once, and no other key's") {
    struct ws_store *store = store_with_two_runs();
    struct ws_digest key = a_key();
    struct ws_digest other = other_key();

    save_text(store, &other, "run", WS_FINAL, 1, "text");
    CHECK(runs_in(store, &key) == 2);
    ws_store_release(store);
}

TEST("a listing without a key shows the runs of all") {
    struct ws_store *store = store_with_two_runs();
    struct ws_digest other = other_key();

    save_text(store, &other, "run", WS_FINAL, 1, "text");
    CHECK(runs_in(store, NULL) == 3);
    ws_store_release(store);
}

TEST("a listing of nothing is empty") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();

    CHECK(runs_in(store, NULL) == 0 && runs_in(store, &key) == 0);
    CHECK(!exists(harness_path("store")));
    ws_store_release(store);
}

TEST("a listing shows what a run's file says") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();

    save(store, "a-run", WS_FINAL, 7, "text");
    struct listing listing = list_key(store);
    CHECK(listing.count == 1 && strcmp(listing.last.run_id, "a-run") == 0);
    CHECK(same_key(&listing.last.record.key, &key));
    CHECK(listing.last.record.note.kind == WS_FINAL && listing.last.record.note.objective == 7);
    CHECK(listing.last.size == WS_RECORD_HEADER + 4 && !listing.last.running);
    ws_store_release(store);
}

TEST("a listing shows a run with several records once, as its best") {
    struct ws_store *store = a_store();

    make_slotted_run(store, (bool[WS_SLOTS]){false, false, false});
    struct listing listing = list_key(store);
    CHECK(listing.count == 1 && listing.last.record.note.objective == 1);
    CHECK(!listing.last.running);
    ws_store_release(store);
}

TEST("a listing shows that a run's file is held by a writer") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();
    struct ws_record record = record_of(WS_CHECKPOINT, 1, 1);
    struct ws_runfile *run = NULL;
    struct ws_dir *dir = NULL;
    char name[WS_FILE_NAME_MAX + 1];

    record.written = ws_store_now(store);
    ws_run_file_name(&key, "run", name);
    CHECK_STATUS(ws_store_shard(store, &key, WS_MAKE_DURABLE, &dir), WS_OK);
    CHECK_STATUS(ws_runfile_create(dir, name, &record, NULL, "", 0, &run), WS_OK);
    CHECK(list_key(store).last.running);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
    ws_store_release(store);
}

TEST("a listing leaves out expired runs") {
    struct ws_store *store = bounded_store(KIB, WS_DAY);

    save(store, "run", WS_FINAL, 1, "text");
    ws_store_shift_clock(store, WS_DAY);
    CHECK(runs_in(store, NULL) == 0);
    ws_store_release(store);
}

TEST("a listing leaves out damaged and foreign files") {
    struct ws_store *store = store_with_two_runs();

    flip_bit(run_path(KEY_HEX, "best"), 60);
    make_file(harness_path("store/v1/012/345/notes.txt"), "x", 1);
    make_file(harness_path("store/v1/notes.txt"), "x", 1);
    CHECK(runs_in(store, NULL) == 1);
    ws_store_release(store);
}

static enum ws_status refuse_run(void *context, const struct ws_run *run) {
    (void)run;
    ++*(int *)context;
    return WS_REFUSED;
}

TEST("a listing stops where its visitor does not say OK, and passes that on") {
    struct ws_store *store = store_with_two_runs();
    int calls = 0;

    CHECK_STATUS(ws_store_each(store, NULL, refuse_run, &calls), WS_REFUSED);
    CHECK(calls == 1);
    ws_store_release(store);
}

/* Deleting. */

static uint64_t delete_from(struct ws_store *store, const char *run_id) {
    struct ws_digest key = a_key();
    uint64_t removed = 99;

    CHECK_STATUS(ws_store_delete(store, &key, run_id, &removed), WS_OK);
    return removed;
}

TEST("deleting a run removes its file and leaves the others") {
    struct ws_store *store = store_with_two_runs();

    CHECK(delete_from(store, "best") == 1);
    CHECK(!exists(run_path(KEY_HEX, "best")));
    best_is(store, "next");
}

TEST("deleting a key removes all its runs, and no other key's") {
    struct ws_store *store = store_with_two_runs();
    struct ws_digest other = other_key();
    struct ws_digest neighbour = key_of("0123456789abcdef0123456789abcdee");

    save_text(store, &other, "run", WS_FINAL, 1, "text");
    save_text(store, &neighbour, "run", WS_FINAL, 1, "text");
    CHECK(delete_from(store, NULL) == 2);
    CHECK(runs_in(store, NULL) == 2);
    best_is(store, NULL);
}

TEST("deleting a run does not touch one whose id begins alike") {
    struct ws_store *store = a_store();

    save(store, "run", WS_FINAL, 1, "text");
    save(store, "run-2", WS_FINAL, 1, "longer");
    CHECK(delete_from(store, "run") == 1);
    best_is(store, "longer");
}

TEST("deleting what is not there removes nothing, and is no error") {
    struct ws_store *store = a_store();

    CHECK(delete_from(store, NULL) == 0);
    CHECK(delete_from(store, "run") == 0);
    save(store, "other", WS_FINAL, 1, "text");
    CHECK(delete_from(store, "run") == 0);
    ws_store_release(store);
}

TEST("deleting a key removes what a killed writer left behind for it") {
    struct ws_store *store = store_with_two_runs();
    const char *left = harness_path("store/v1/012/345/" KEY_HEX "-run.0123456789abcdef.tmp");

    make_file(left, "half a record", 13);
    delete_from(store, NULL);
    CHECK(!exists(left));
    ws_store_release(store);
}

TEST("deleting a run removes what a killed writer left behind for it") {
    struct ws_store *store = store_with_two_runs();
    const char *left = harness_path("store/v1/012/345/" KEY_HEX "-best.0123456789abcdef.tmp");

    make_file(left, "half a record", 13);
    delete_from(store, "best");
    CHECK(!exists(left));
    ws_store_release(store);
}

TEST("deleting counts runs, not what was left behind for them") {
    struct ws_store *store = store_with_two_runs();

    make_file(harness_path("store/v1/012/345/" KEY_HEX "-best.0123456789abcdef.tmp"), "", 0);
    CHECK(delete_from(store, NULL) == 2);
    ws_store_release(store);
}

TEST("deleting a key leaves files that are not a store's, though they begin alike") {
    struct ws_store *store = store_with_two_runs();
    const char *notes = harness_path("store/v1/012/345/" KEY_HEX "-notes.txt");

    make_file(notes, "x", 1);
    delete_from(store, NULL);
    CHECK(exists(notes));
    ws_store_release(store);
}

TEST("deleting with an invalid run id is invalid, and removes nothing") {
    struct ws_store *store = store_with_two_runs();
    struct ws_digest key = a_key();
    uint64_t removed = 99;

    CHECK_STATUS(ws_store_delete(store, &key, "../best", &removed), WS_INVALID);
    CHECK(removed == 0 && runs_in(store, NULL) == 2);
    ws_store_release(store);
}

/* Run ids and file names. */

TEST("a run id is letters, digits, dots, underscores and dashes") {
    char id[2] = "";

    for (int c = 1; c < 256; c++) {
        id[0] = (char)c;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        CHECK(ws_run_id_is_valid(id) == (plain || c == '_' || c == '-'));
    }
    CHECK(ws_run_id_is_valid("a.b_c-D9"));
}

TEST("a run id does not begin with a dot") {
    CHECK(!ws_run_id_is_valid(".") && !ws_run_id_is_valid("..") && !ws_run_id_is_valid(".a"));
}

TEST("a run id is 1 to 64 long") {
    char id[WS_RUN_ID_MAX + 2] = "";

    CHECK(!ws_run_id_is_valid(id));
    memset(id, 'x', WS_RUN_ID_MAX);
    CHECK(ws_run_id_is_valid(id));
    id[WS_RUN_ID_MAX] = 'x';
    CHECK(!ws_run_id_is_valid(id));
}

TEST("new run ids are valid and differ") {
    char first[WS_RUN_ID_MAX + 1];
    char second[WS_RUN_ID_MAX + 1];

    CHECK_STATUS(ws_run_id_new(first), WS_OK);
    CHECK_STATUS(ws_run_id_new(second), WS_OK);
    CHECK(ws_run_id_is_valid(first) && ws_run_id_is_valid(second));
    CHECK(strcmp(first, second) != 0);
}

TEST("a new run id names the process") {
    char id[WS_RUN_ID_MAX + 1];
    char process[32];

    CHECK_STATUS(ws_run_id_new(id), WS_OK);
    snprintf(process, sizeof process, "-%llu-", (unsigned long long)ws_os_process());
    CHECK(strstr(id, process) != NULL);
}

TEST("the longest names of a run and of its temporary file fit") {
    struct ws_store *store = a_store();
    char id[WS_RUN_ID_MAX + 1] = "";

    memset(id, 'x', WS_RUN_ID_MAX);
    save(store, id, WS_FINAL, 1, "text");
    CHECK(exists(run_path(KEY_HEX, id)));
    best_is(store, "text");
}

TEST("a run's file name taken apart gives the key and the run id it was made of") {
    static const char *const ids[] = {"x",      "a-b.c_d", "-",
                                      "x.warm", "warm",    "0123456789abcdef0123456789abcdef"};
    struct ws_digest key = a_key();
    struct ws_digest got;
    char name[WS_FILE_NAME_MAX + 1];
    char run_id[WS_RUN_ID_MAX + 1];

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        ws_run_file_name(&key, ids[i], name);
        CHECK_STATUS(ws_run_file_parse(name, &got, run_id), WS_OK);
        CHECK(same_key(&got, &key) && strcmp(run_id, ids[i]) == 0);
    }
}

TEST("names that are not a run's are foreign") {
    static const char *const names[] = {
        "",
        ".",
        "..",
        ".warm",
        "-.warm",
        "notes.txt",
        KEY_HEX,
        KEY_HEX ".warm",
        KEY_HEX "-.warm",
        KEY_HEX "-warm",
        KEY_HEX "-run",
        KEY_HEX "-run.warm.tmp",
        KEY_HEX "-run.0123456789abcdef.tmp",
        KEY_HEX "-run.WARM",
        KEY_HEX "-run.warm ",
        KEY_HEX "-run.warm\n",
        KEY_HEX "_run.warm",
        KEY_HEX "-..warm",
        KEY_HEX "-.run.warm",
        KEY_HEX "-../../etc/passwd.warm",
        KEY_HEX "-a/b.warm",
        KEY_HEX "-a\\b.warm",
        KEY_HEX "-a:b.warm",
        KEY_HEX "-a b.warm",
        KEY_HEX "-a\x1b[31m.warm",
        KEY_HEX "-\xc3\xa9.warm",
        "/" KEY_HEX "-run.warm",
        "../" KEY_HEX "-run.warm",
        " " KEY_HEX "-run.warm",
        "0123456789ABCDEF0123456789ABCDEF-run.warm",
        "0123456789abcdef0123456789abcdeg-run.warm",
        "0123456789abcdef0123456789abcde-run.warm",
        "0123456789abcdef0123456789abcdef0-run.warm",
    };
    struct ws_digest key;
    char run_id[WS_RUN_ID_MAX + 1];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (ws_run_file_parse(names[i], &key, run_id) != WS_FOREIGN) {
            harness_fail(__FILE__, __LINE__, "\"%s\" was taken for a run's", names[i]);
        }
    }
}

TEST("the name of a run's temporary file taken apart gives the key and the run id") {
    struct ws_digest key = a_key();
    struct ws_digest got;
    char run_id[WS_RUN_ID_MAX + 1];

    CHECK_STATUS(ws_temporary_file_parse(KEY_HEX "-a.b.0123456789abcdef.tmp", &got, run_id), WS_OK);
    CHECK(same_key(&got, &key) && strcmp(run_id, "a.b") == 0);
}

TEST("names that are not a temporary file's are foreign") {
    static const char *const names[] = {
        "",
        ".tmp",
        "notes.tmp",
        ".0123456789abcdef.tmp",
        KEY_HEX ".0123456789abcdef.tmp",
        KEY_HEX "-.0123456789abcdef.tmp",
        KEY_HEX "-run.tmp",
        KEY_HEX "-run.0123456789abcde.tmp",
        KEY_HEX "-run.0123456789abcdef0.tmp",
        KEY_HEX "-run.0123456789ABCDEF.tmp",
        KEY_HEX "-run-0123456789abcdef.tmp",
        KEY_HEX "-run.0123456789abcdef.tmp~",
        KEY_HEX "-run.0123456789abcdef.warm",
        KEY_HEX "-../x.0123456789abcdef.tmp",
    };
    struct ws_digest key;
    char run_id[WS_RUN_ID_MAX + 1];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CHECK_STATUS(ws_temporary_file_parse(names[i], &key, run_id), WS_FOREIGN);
    }
}

TEST("names longer than any run's are foreign") {
    struct ws_digest key;
    char run_id[WS_RUN_ID_MAX + 1];

    for (size_t length = WS_RUN_ID_MAX + 1; length < 300; length++) {
        char name[400] = KEY_HEX "-";
        memset(name + WS_DIGEST_HEX + 1, 'x', length);
        strcpy(name + WS_DIGEST_HEX + 1 + length, ".warm");
        CHECK_STATUS(ws_run_file_parse(name, &key, run_id), WS_FOREIGN);
    }
}

#ifndef _WIN32

static enum ws_status accept_worst(const struct ws_candidate *candidate) {
    return candidate->record->note.objective < 200 ? WS_REFUSED : WS_OK;
}

TEST("however many entries are refused, one that is not is found, with few files open at a time") {
    struct ws_store_options options = {
        .max_size = KIB, .max_age = 30 * WS_DAY, .accept = accept_worst};
    struct rlimit limit;
    struct ws_store *store = NULL;
    char run_id[16];

    CHECK_STATUS(ws_store_open(harness_path("store"), &options, &store), WS_OK);
    for (int i = 0; i <= 200; i++) {
        snprintf(run_id, sizeof run_id, "run-%d", i);
        save(store, run_id, WS_FINAL, i, i == 200 ? "accepted" : "refused");
    }
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 64;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    best_is(store, "accepted");
    limit.rlim_cur = before;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

#endif

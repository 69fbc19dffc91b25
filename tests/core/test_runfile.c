#include "fixtures.h"
#include "syncs.h"

#define RUN "0123456789abcdef0123456789abcdef-run.warm"
#define SECTOR 512 /* what a disk writes whole */

/* Payloads that tell by themselves what they should be. */

static void fill_payload(uint8_t *bytes, size_t size, uint64_t sequence) {
    uint64_t chance = sequence;

    fill_random(&chance, bytes, size);
}

static uint8_t *payload_of(const struct ws_record *record, size_t size) {
    uint8_t *bytes = malloc(size + 1);

    CHECK(bytes != NULL);
    fill_payload(bytes, size, record->sequence);
    return bytes;
}

static bool is_its_payload(const struct ws_record *record, const void *got) {
    uint8_t *wanted = payload_of(record, (size_t)record->payload_size);
    bool same = memcmp(wanted, got, (size_t)record->payload_size) == 0;

    free(wanted);
    return same;
}

static struct ws_runfile *create_run(struct ws_dir *dir, struct ws_record record, size_t size) {
    uint8_t *payload = payload_of(&record, size);
    struct ws_runfile *run = NULL;

    CHECK_STATUS(ws_runfile_create(dir, RUN, &record, NULL, payload, size, &run), WS_OK);
    free(payload);
    return run;
}

static enum ws_status write_run(struct ws_runfile *run, struct ws_record *record, size_t size,
                                bool sync) {
    uint8_t *payload = payload_of(record, size);
    enum ws_status status = ws_runfile_write(run, record, NULL, payload, size, sync);

    free(payload);
    return status;
}

static enum ws_status replace_run(struct ws_runfile *run, struct ws_dir *dir,
                                  struct ws_record record, size_t size) {
    uint8_t *payload = payload_of(&record, size);
    enum ws_status status = ws_runfile_replace(run, dir, RUN, &record, NULL, payload, size);

    free(payload);
    return status;
}

static void put_run(struct ws_dir *dir, struct ws_record record, size_t size) {
    uint8_t *payload = payload_of(&record, size);

    CHECK_STATUS(ws_runfile_put(dir, RUN, &record, NULL, payload, size, true), WS_OK);
    free(payload);
}

/* What a reader makes of a file. */

static struct ws_scan scan_of(struct ws_file *file) {
    struct ws_digest key = a_key();
    struct ws_scan scan;

    CHECK_STATUS(ws_runfile_scan(file, &key, &scan), WS_OK);
    CHECK(scan.count >= 0 && scan.count <= WS_SLOTS);
    CHECK((scan.count == 0) == (scan.reason != WS_OK));
    return scan;
}

static struct ws_scan scan_in(struct ws_dir *dir) {
    struct ws_file *file = file_in(dir, RUN);
    struct ws_scan scan = scan_of(file);

    ws_os_file_close(file);
    return scan;
}

/* The lowest objective, or without any the newest; what the writer promises to protect. */
static bool is_as_good(const struct ws_record *record, const struct ws_record *reference) {
    const struct ws_note *a = &record->note;
    const struct ws_note *b = &reference->note;

    if (b->has_objective) {
        return a->has_objective && a->objective <= b->objective;
    }
    return a->has_objective || record->sequence >= reference->sequence;
}

/* The best record whose payload verifies, which must then be the one that was written. */
static bool find_best(struct ws_file *file, struct ws_record *best) {
    struct ws_scan scan = scan_of(file);
    bool found = false;

    for (int i = 0; i < scan.count; i++) {
        void *payload = NULL;
        enum ws_status status = ws_runfile_read(file, &scan, i, &payload);
        if (status != WS_OK) {
            CHECK_STATUS(status, WS_DAMAGED);
            continue;
        }
        CHECK(is_its_payload(&scan.records[i], payload));
        free(payload);
        if (!found || is_as_good(&scan.records[i], best)) {
            *best = scan.records[i];
            found = true;
        }
    }
    return found;
}

static struct ws_record best_in(struct ws_dir *dir) {
    struct ws_file *file = file_in(dir, RUN);
    struct ws_record best;

    CHECK(find_best(file, &best));
    ws_os_file_close(file);
    return best;
}

static int count_valid(struct ws_dir *dir) {
    struct ws_file *file = file_in(dir, RUN);
    struct ws_scan scan = scan_of(file);
    int valid = 0;

    for (int i = 0; i < scan.count; i++) {
        void *payload = NULL;
        if (ws_runfile_read(file, &scan, i, &payload) == WS_OK) {
            valid++;
            free(payload);
        }
    }
    ws_os_file_close(file);
    return valid;
}

/* THE RULE, attacked. A trial is one run with random objectives; `now` is its file after the last
 * write, and `crashed` a second file that is given the bytes a crash may leave. */

#define HISTORY 16

struct trial {
    uint64_t chance;
    struct ws_dir *dir;
    struct ws_runfile *run;
    struct ws_record best;    /* of all acknowledged */
    struct ws_record durable; /* of all acknowledged at the last sync */
    struct ws_record last;
    size_t last_size;
    struct image images[HISTORY]; /* the file at the last sync, and after each write since */
    int count;
    struct ws_file *crashed;
    int crashed_fd;
    uint64_t states;
    uint64_t seed;
    int step;
};

static void forget_images(struct trial *trial) {
    while (trial->count > 0) {
        free(trial->images[--trial->count].bytes);
    }
}

static void take_image(struct trial *trial) {
    CHECK(trial->count < HISTORY);
    trial->images[trial->count++] = image_of(harness_path(RUN));
}

/* A few values, so that equal ones are common; one in eight has none. */
static double draw_objective(uint64_t *chance) {
    uint64_t value = draw_below(chance, 16);

    return value < 2 ? NO_OBJECTIVE : (double)value / 2;
}

static size_t draw_size(uint64_t *chance) {
    return draw_below(chance, 8) == 0 ? 0
                                      : draw_below(chance, WS_SLOT_ALIGN - WS_RECORD_HEADER + 1);
}

static void begin_trial(struct trial *trial, uint64_t seed) {
    struct ws_record first;

    trial->seed = seed;
    trial->chance = seed;
    trial->step = 0;
    first = record_of(WS_CHECKPOINT, draw_objective(&trial->chance), 1);
    trial->run = create_run(trial->dir, first, draw_size(&trial->chance));
    trial->best = trial->durable = first;
    take_image(trial);
}

static void end_trial(struct trial *trial) {
    ws_runfile_close(trial->run);
    CHECK_STATUS(ws_os_unlink(trial->dir, RUN), WS_OK);
    forget_images(trial);
}

static void step_trial(struct trial *trial, bool sync) {
    double objective = draw_objective(&trial->chance);
    size_t size = draw_size(&trial->chance);

    trial->step++;
    trial->last = record_of(WS_CHECKPOINT, objective, (uint64_t)trial->step + 1);
    trial->last_size = size;
    CHECK_STATUS(write_run(trial->run, &trial->last, size, sync), WS_OK);
    if (is_as_good(&trial->last, &trial->best)) {
        trial->best = trial->last;
    }
}

static void begin_attack(struct trial *trial) {
    *trial = (struct trial){.dir = test_dir()};
    trial->crashed_fd = open(harness_path("crashed"), O_RDWR | O_CREAT, 0600);
    CHECK(trial->crashed_fd >= 0);
    trial->crashed = file_in(trial->dir, "crashed");
}

static void end_attack(struct trial *trial, const char *what) {
    printf("# %s: %llu states from fixed seeds\n", what, (unsigned long long)trial->states);
    ws_os_file_close(trial->crashed);
    close(trial->crashed_fd);
    ws_os_dir_close(trial->dir);
}

static void crash(struct trial *trial, size_t offset, const uint8_t *bytes, size_t size) {
    CHECK(pwrite(trial->crashed_fd, bytes, size, (off_t)offset) == (ssize_t)size);
}

static void expect_as_good(struct trial *trial, const struct ws_record *reference) {
    struct ws_record found;

    trial->states++;
    if (!find_best(trial->crashed, &found) || !is_as_good(&found, reference)) {
        harness_fail(__FILE__, __LINE__, "seed %llu, write %d: record %llu was lost",
                     (unsigned long long)trial->seed, trial->step,
                     (unsigned long long)reference->sequence);
    }
}

/* The process is killed within the last write: any prefix of it is there. */
static void tear_last_write(struct trial *trial, const struct ws_record *before, size_t stride) {
    const struct image *old = &trial->images[trial->count - 2];
    const struct image *now = &trial->images[trial->count - 1];
    size_t begin = trial->last.slot * (size_t)trial->last.slot_size;
    size_t whole = WS_RECORD_HEADER + trial->last_size;

    crash(trial, 0, old->bytes, old->size);
    expect_as_good(trial, before);
    for (size_t done = 0; done < whole;) {
        size_t next = done + 1 + (stride > 1 ? draw_below(&trial->chance, stride) : 0);
        next = next < whole ? next : whole;
        crash(trial, begin + done, now->bytes + begin + done, next - done);
        expect_as_good(trial, next < whole ? before : &trial->best);
        done = next;
    }
}

static void attack_by_kill(struct trial *trial, uint64_t seed, int writes, size_t stride) {
    begin_trial(trial, seed);
    for (int i = 0; i < writes; i++) {
        struct ws_record before = trial->best;
        step_trial(trial, draw_below(&trial->chance, 4) == 0);
        take_image(trial);
        tear_last_write(trial, &before, stride);
        forget_images(trial);
        take_image(trial);
    }
    end_trial(trial);
}

TEST("a write cut short after any byte leaves the best record as it was") {
    struct trial trial;

    begin_attack(&trial);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        attack_by_kill(&trial, seed, 12, 1);
    }
    end_attack(&trial, "writes cut short after every byte");
}

TEST("after thousands of random runs a write cut short leaves the best record as it was") {
    struct trial trial;

    begin_attack(&trial);
    for (uint64_t seed = 1000; seed < 3000; seed++) {
        attack_by_kill(&trial, seed, 10, 1500);
    }
    end_attack(&trial, "writes cut short in random runs");
}

/* The power goes: of the writes since the last sync, every sector is there in any of the states
 * it went through, each for itself. */
static void lose_power(struct trial *trial) {
    static uint8_t disk[WS_SLOTS * WS_SLOT_ALIGN];
    uint64_t count = (uint64_t)trial->count;

    for (size_t slot = 0; slot < WS_SLOTS; slot++) {
        uint64_t whole = draw_below(&trial->chance, count);
        uint64_t other = draw_below(&trial->chance, count);
        uint64_t manner = draw_below(&trial->chance, 3);
        size_t torn_at = draw_below(&trial->chance, WS_SLOT_ALIGN / SECTOR + 1);
        for (size_t sector = 0; sector < WS_SLOT_ALIGN / SECTOR; sector++) {
            /* One write's state for the whole slot; that of two, torn; any mixture. */
            uint64_t from = manner == 0 || (manner == 1 && sector < torn_at) ? whole
                            : manner == 1                                    ? other
                                          : draw_below(&trial->chance, count);
            size_t at = slot * WS_SLOT_ALIGN + sector * SECTOR;
            memcpy(disk + at, trial->images[from].bytes + at, SECTOR);
        }
    }
    crash(trial, 0, disk, sizeof disk);
    expect_as_good(trial, &trial->durable);
}

static void was_synced(struct trial *trial) {
    forget_images(trial);
    trial->durable = trial->best;
}

TEST("a power loss, whatever it leaves of the writes since the last sync, keeps the synced best") {
    struct trial trial;

    begin_attack(&trial);
    for (uint64_t seed = 10000; seed < 12000; seed++) {
        begin_trial(&trial, seed);
        for (int i = 0; i < 14; i++) {
            bool sync = draw_below(&trial.chance, 5) == 0;
            step_trial(&trial, sync);
            if (sync) {
                was_synced(&trial);
            }
            take_image(&trial);
            for (int state = 0; state < 4; state++) {
                lose_power(&trial);
            }
        }
        end_trial(&trial);
    }
    end_attack(&trial, "power losses");
}

/* Runs that only ever improve are what sessions mostly write, and what overwrites a synced record
 * first if anything does. */
TEST("many improvements without a sync never overwrite the synced best") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1000, 1), 100);
    struct image synced = image_of(harness_path(RUN));

    for (uint64_t sequence = 2; sequence < 200; sequence++) {
        struct ws_record record = record_of(WS_CHECKPOINT, 1000 - (double)sequence, sequence);
        CHECK_STATUS(write_run(run, &record, 100, false), WS_OK);
        struct image now = image_of(harness_path(RUN));
        CHECK(memcmp(now.bytes, synced.bytes, WS_RECORD_HEADER + 100) == 0);
        free(now.bytes);
    }
    free(synced.bytes);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("worse records, however many, leave the best one in place") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100);

    for (uint64_t sequence = 2; sequence < 50; sequence++) {
        struct ws_record record = record_of(WS_CHECKPOINT, 2, sequence);
        CHECK_STATUS(write_run(run, &record, 100, sequence % 3 == 0), WS_OK);
        CHECK(best_in(dir).sequence == 1);
    }
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("the newest record is there beside a better one") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100);
    struct ws_record record = record_of(WS_CHECKPOINT, 2, 2);

    CHECK_STATUS(write_run(run, &record, 100, false), WS_OK);
    record = record_of(WS_CHECKPOINT, 3, 3);
    CHECK_STATUS(write_run(run, &record, 100, false), WS_OK);
    struct ws_scan scan = scan_in(dir);
    uint64_t newest = 0;
    for (int i = 0; i < scan.count; i++) {
        newest = scan.records[i].sequence > newest ? scan.records[i].sequence : newest;
    }
    CHECK(newest == 3);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a write does not go to the newest record's slot while another is free") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100);

    for (uint64_t sequence = 2; sequence <= 3; sequence++) {
        struct ws_record record = record_of(WS_CHECKPOINT, 2, sequence);
        CHECK_STATUS(write_run(run, &record, 100, false), WS_OK);
    }
    CHECK(count_valid(dir) == 3);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("of equal objectives the newest is the one to protect") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100);
    struct ws_record record = record_of(WS_CHECKPOINT, 1, 2);

    CHECK_STATUS(write_run(run, &record, 100, true), WS_OK);
    for (uint64_t sequence = 3; sequence < 9; sequence++) {
        record = record_of(WS_CHECKPOINT, 2, sequence);
        CHECK_STATUS(write_run(run, &record, 100, false), WS_OK);
    }
    CHECK(best_in(dir).sequence == 2);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a write changes nothing outside one slot") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 3000);

    for (uint64_t sequence = 2; sequence < 20; sequence++) {
        struct image before = image_of(harness_path(RUN));
        struct ws_record record = record_of(WS_CHECKPOINT, 1, sequence);
        CHECK_STATUS(write_run(run, &record, 3000, false), WS_OK);
        struct image after = image_of(harness_path(RUN));
        CHECK(before.size == after.size);
        for (size_t at = 0; at < after.size; at++) {
            CHECK(before.bytes[at] == after.bytes[at] || at / WS_SLOT_ALIGN == record.slot);
        }
        free(before.bytes);
        free(after.bytes);
    }
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

/* Creating. */

TEST("a new run's file holds its first record") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100);

    CHECK(best_in(dir).sequence == 1 && count_valid(dir) == 1);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a new run's file has three whole slots") {
    struct ws_dir *dir = test_dir();
    static const size_t sizes[] = {0, 1, 3840, 3841, 100000};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ws_runfile_close(create_run(dir, record_of(WS_CHECKPOINT, 1, 1), sizes[i]));
        struct ws_scan scan = scan_in(dir);
        CHECK(scan.info.size == ws_runfile_size(sizes[i]));
        CHECK(scan.info.size % (WS_SLOTS * WS_SLOT_ALIGN) == 0);
        CHECK(scan.info.size >= WS_SLOTS * (WS_RECORD_HEADER + sizes[i]));
    }
    ws_os_dir_close(dir);
}

TEST("a new run's file and its name are synced") {
    struct ws_dir *dir = test_dir();

    syncs = 0;
    ws_runfile_close(create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100));
    CHECK(syncs == 2);
    ws_os_dir_close(dir);
}

TEST("a new run leaves no temporary file") {
    struct ws_dir *dir = test_dir();

    ws_runfile_close(create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100));
    CHECK(names_in(harness_dir()) == 1);
    ws_os_dir_close(dir);
}

TEST("a run is locked while its writer has it, and not after") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100);
    struct ws_file *file = file_in(dir, RUN);

    CHECK(is_locked(file));
    ws_runfile_close(run);
    CHECK(!is_locked(file));
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("a run that cannot be synced is not created, and leaves nothing") {
    struct ws_dir *dir = test_dir();
    struct ws_record record = record_of(WS_CHECKPOINT, 1, 1);
    struct ws_runfile *run = NULL;

    failing_sync = 1;
    CHECK_STATUS(ws_runfile_create(dir, RUN, &record, NULL, "x", 1, &run), WS_OS_ERROR);
    CHECK(errno == EIO);
    CHECK(names_in(harness_dir()) == 0);
    ws_os_dir_close(dir);
}

TEST("a run is not created in a directory that was deleted") {
    struct ws_dir *dir = dir_at(harness_path("gone"));
    struct ws_record record = record_of(WS_CHECKPOINT, 1, 1);
    struct ws_runfile *run = NULL;

    remove_tree(harness_path("gone"));
    CHECK_STATUS(ws_runfile_create(dir, RUN, &record, NULL, "x", 1, &run), WS_NOT_FOUND);
    ws_os_dir_close(dir);
}

TEST("a size that overflows is invalid") {
    struct ws_dir *dir = test_dir();
    struct ws_record record = record_of(WS_CHECKPOINT, 1, 1);
    struct ws_runfile *run = NULL;

    CHECK_STATUS(ws_runfile_create(dir, RUN, &record, NULL, "x", SIZE_MAX, &run), WS_INVALID);
    CHECK_STATUS(ws_runfile_put(dir, RUN, &record, NULL, "x", SIZE_MAX - 256, true), WS_INVALID);
    CHECK(names_in(harness_dir()) == 0);
    ws_os_dir_close(dir);
}

/* Writing. */

TEST("a write syncs only when asked") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 3, 1), 100);
    struct ws_record record = record_of(WS_CHECKPOINT, 2, 2);

    syncs = 0;
    CHECK_STATUS(write_run(run, &record, 100, false), WS_OK);
    CHECK(syncs == 0);
    CHECK_STATUS(write_run(run, &record, 100, true), WS_OK);
    CHECK(syncs == 1);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a payload fills its slot to the last byte") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 9, 1), 0);

    for (uint64_t sequence = 2; sequence < 5; sequence++) {
        struct ws_record record = record_of(WS_CHECKPOINT, 9 - (double)sequence, sequence);
        CHECK_STATUS(write_run(run, &record, WS_SLOT_ALIGN - WS_RECORD_HEADER, false), WS_OK);
    }
    CHECK(count_valid(dir) == WS_SLOTS);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a payload that outgrows the slot is not written") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 2, 1), 0);
    struct ws_record record = record_of(WS_CHECKPOINT, 1, 2);
    struct image before = image_of(harness_path(RUN));
    size_t size = WS_SLOT_ALIGN - WS_RECORD_HEADER + 1;

    CHECK_STATUS(write_run(run, &record, size, false), WS_NOT_FOUND);
    struct image after = image_of(harness_path(RUN));
    CHECK(before.size == after.size && memcmp(before.bytes, after.bytes, after.size) == 0);
    free(before.bytes);
    free(after.bytes);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a run whose file was unlinked says so, and writes nothing") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 2, 1), 100);
    struct ws_record record = record_of(WS_CHECKPOINT, 1, 2);

    if (!ws_runfile_knows_its_names(run)) {
        harness_skip("needs files that know their names; elsewhere a session asks");
    }
    CHECK_STATUS(ws_os_unlink(dir, RUN), WS_OK);
    CHECK_STATUS(write_run(run, &record, 100, false), WS_NOT_FOUND);
    CHECK(names_in(harness_dir()) == 0);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a run whose file was replaced under its name says so") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 2, 1), 100);
    struct ws_record record = record_of(WS_CHECKPOINT, 1, 2);

    if (!ws_runfile_knows_its_names(run)) {
        harness_skip("needs files that know their names; elsewhere a session asks");
    }
    put_run(dir, record_of(WS_FINAL, 3, 9), 100);
    CHECK_STATUS(write_run(run, &record, 100, false), WS_NOT_FOUND);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a sync that fails is told, and the file is not used again") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 3, 1), 100);
    struct ws_record record = record_of(WS_CHECKPOINT, 2, 2);

    failing_sync = 1;
    CHECK_STATUS(write_run(run, &record, 100, true), WS_OS_ERROR);
    CHECK(errno == EIO);
    CHECK_STATUS(write_run(run, &record, 100, true), WS_NOT_FOUND);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a run goes on in a new file after a sync that failed") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 3, 1), 100);
    struct ws_record record = record_of(WS_CHECKPOINT, 2, 2);

    failing_sync = 1;
    CHECK_STATUS(write_run(run, &record, 100, true), WS_OS_ERROR);
    CHECK_STATUS(replace_run(run, dir, record_of(WS_CHECKPOINT, 1, 3), 100), WS_OK);
    record = record_of(WS_CHECKPOINT, 0, 4);
    CHECK_STATUS(write_run(run, &record, 100, true), WS_OK);
    CHECK(best_in(dir).sequence == 4);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("closing no run is allowed") { ws_runfile_close(NULL); }

/* Replacing. */

TEST("growth past the slot carries a better record over") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100);

    CHECK_STATUS(replace_run(run, dir, record_of(WS_CHECKPOINT, 2, 2), 10000), WS_OK);
    CHECK(best_in(dir).sequence == 1 && count_valid(dir) == 2);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

static void carry_over(size_t size) {
    struct ws_dir *dir = test_dir();
    struct ws_record first = record_of(WS_CHECKPOINT, 1, 1);

    CHECK_STATUS(ws_note_set_label(&first.note, "label"), WS_OK);
    first.note.encoding = 5;
    first.note.has_iteration = true;
    first.note.iteration = 17;
    struct ws_runfile *run = create_run(dir, first, size);
    CHECK_STATUS(replace_run(run, dir, record_of(WS_CHECKPOINT, 2, 2), 100 * size), WS_OK);
    struct ws_record best = best_in(dir);
    CHECK(strcmp(best.note.label, "label") == 0 && best.note.encoding == 5);
    CHECK(best.note.iteration == 17 && best.written == first.written);
    CHECK(best.payload_size == size && count_valid(dir) == 2);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a record carried over from memory keeps everything it said") { carry_over(100); }

TEST("a record carried over from its file keeps everything it said") {
    carry_over(WS_KEPT_MAX + 1);
}

TEST("growth by a better record has nothing to carry over") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 2, 1), 100);

    CHECK_STATUS(replace_run(run, dir, record_of(WS_CHECKPOINT, 1, 2), 10000), WS_OK);
    CHECK(best_in(dir).sequence == 2 && count_valid(dir) == 1);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("THE RULE holds on in a file that replaced another") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100);

    CHECK_STATUS(replace_run(run, dir, record_of(WS_CHECKPOINT, 2, 2), 10000), WS_OK);
    for (uint64_t sequence = 3; sequence < 30; sequence++) {
        struct ws_record record = record_of(WS_CHECKPOINT, 3, sequence);
        CHECK_STATUS(write_run(run, &record, 10000, sequence % 2 == 0), WS_OK);
        CHECK(best_in(dir).sequence == 1);
    }
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a small payload's replacement makes room for a larger best") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 10000);

    CHECK_STATUS(ws_os_unlink(dir, RUN), WS_OK);
    CHECK_STATUS(replace_run(run, dir, record_of(WS_CHECKPOINT, 2, 2), 10), WS_OK);
    CHECK(best_in(dir).sequence == 1 && count_valid(dir) == 2);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("an unlinked file's replacement is locked and carries the best over") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100);

    CHECK_STATUS(ws_os_unlink(dir, RUN), WS_OK);
    CHECK_STATUS(replace_run(run, dir, record_of(WS_CHECKPOINT, 2, 2), 100), WS_OK);
    struct ws_file *file = file_in(dir, RUN);
    CHECK(is_locked(file) && best_in(dir).sequence == 1);
    ws_os_file_close(file);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a replacement that cannot be synced leaves the old file in use") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 2, 1), 100);
    struct ws_record record = record_of(WS_CHECKPOINT, 1, 3);

    failing_sync = 1;
    CHECK_STATUS(replace_run(run, dir, record_of(WS_CHECKPOINT, 1, 2), 10000), WS_OS_ERROR);
    CHECK(names_in(harness_dir()) == 1 && best_in(dir).sequence == 1);
    CHECK_STATUS(write_run(run, &record, 100, false), WS_OK);
    CHECK(best_in(dir).sequence == 3);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a replacement whose name cannot be synced loses nothing") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100);

    failing_sync = 2;
    CHECK_STATUS(replace_run(run, dir, record_of(WS_CHECKPOINT, 2, 2), 10000), WS_OS_ERROR);
    CHECK(best_in(dir).sequence == 1);
    CHECK_STATUS(replace_run(run, dir, record_of(WS_CHECKPOINT, 3, 3), 10000), WS_OK);
    CHECK(best_in(dir).sequence == 1 && count_valid(dir) == 2);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a best record that the disk lost does not keep the next from being written") {
    struct ws_dir *dir = test_dir();
    size_t size = WS_KEPT_MAX + 1; /* more than is kept in memory */
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), size);

    flip_bit(harness_path(RUN), WS_RECORD_HEADER + 50);
    CHECK_STATUS(replace_run(run, dir, record_of(WS_CHECKPOINT, 2, 2), 10 * size), WS_OK);
    CHECK(best_in(dir).sequence == 2);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a small best record that the disk lost is carried over from memory") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), WS_KEPT_MAX);

    flip_bit(harness_path(RUN), WS_RECORD_HEADER + 50);
    CHECK_STATUS(replace_run(run, dir, record_of(WS_CHECKPOINT, 2, 2), 100000), WS_OK);
    CHECK(best_in(dir).sequence == 1 && count_valid(dir) == 2);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

/* One record alone. */

TEST("a record put alone takes its header and its payload, and not a byte more") {
    struct ws_dir *dir = test_dir();
    static const size_t sizes[] = {0, 1, 3840, 3841, 100000};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        put_run(dir, record_of(WS_FINAL, 1, 1), sizes[i]);
        CHECK(scan_in(dir).info.size == WS_RECORD_HEADER + sizes[i]);
        CHECK(best_in(dir).payload_size == sizes[i]);
    }
    ws_os_dir_close(dir);
}

TEST("a record put alone replaces all that the run had") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100);

    put_run(dir, record_of(WS_FINAL, 2, 2), 100);
    CHECK(count_valid(dir) == 1 && best_in(dir).sequence == 2);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a record put alone is synced, unlocked, and leaves no temporary file") {
    struct ws_dir *dir = test_dir();

    syncs = 0;
    put_run(dir, record_of(WS_FINAL, 1, 1), 100);
    struct ws_file *file = file_in(dir, RUN);
    CHECK(syncs == 2 && !is_locked(file) && names_in(harness_dir()) == 1);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("a record that cannot be put leaves what was there") {
    struct ws_dir *dir = test_dir();
    struct ws_record record = record_of(WS_FINAL, 1, 2);

    put_run(dir, record_of(WS_FINAL, 2, 1), 100);
    failing_sync = 1;
    CHECK_STATUS(ws_runfile_put(dir, RUN, &record, NULL, "x", 1, true), WS_OS_ERROR);
    CHECK(best_in(dir).sequence == 1 && names_in(harness_dir()) == 1);
    ws_os_dir_close(dir);
}

TEST("a reader of the file that was replaced reads on") {
    struct ws_dir *dir = test_dir();

    put_run(dir, record_of(WS_FINAL, 2, 1), 10000);
    struct ws_file *file = file_in(dir, RUN);
    struct ws_scan scan = scan_of(file);
    void *payload = NULL;
    put_run(dir, record_of(WS_FINAL, 1, 2), 10000);
    CHECK_STATUS(ws_runfile_read(file, &scan, 0, &payload), WS_OK);
    CHECK(is_its_payload(&scan.records[0], payload));
    free(payload);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

/* Damage. */

/* Scans the file at every length, longest first. find_best() fails on an error or on a payload
 * that is not the one written. */
static int lengths_with_a_record(struct ws_dir *dir, size_t size) {
    struct ws_file *file = file_in(dir, RUN);
    struct ws_record best;
    int found = 0;

    for (size_t length = size + 1; length-- > 0;) {
        CHECK(truncate(harness_path(RUN), (off_t)length) == 0);
        found += find_best(file, &best) ? 1 : 0;
    }
    ws_os_file_close(file);
    return found;
}

TEST("a live run's file cut off anywhere gives the records that are whole in it") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 3, 1), 2000);

    for (uint64_t sequence = 2; sequence <= 3; sequence++) {
        struct ws_record record = record_of(WS_CHECKPOINT, 4 - (double)sequence, sequence);
        CHECK_STATUS(write_run(run, &record, 2000, false), WS_OK);
    }
    ws_runfile_close(run);
    size_t size = (size_t)ws_runfile_size(2000);
    CHECK(lengths_with_a_record(dir, size) == (int)(size + 1 - WS_RECORD_HEADER - 2000));
    ws_os_dir_close(dir);
}

TEST("a single record's file cut off anywhere gives nothing") {
    struct ws_dir *dir = test_dir();
    static const size_t sizes[] = {0, 100, WS_SLOTS * WS_SLOT_ALIGN - WS_RECORD_HEADER};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        put_run(dir, record_of(WS_FINAL, 1, 1), sizes[i]);
        CHECK(lengths_with_a_record(dir, WS_RECORD_HEADER + sizes[i]) == 1);
    }
    ws_os_dir_close(dir);
}

TEST("a single record's file with bytes behind it gives nothing") {
    struct ws_dir *dir = test_dir();

    put_run(dir, record_of(WS_FINAL, 1, 1), 100);
    write_at(harness_path(RUN), WS_RECORD_HEADER + 100, "", 1);
    CHECK(scan_in(dir).count == 0 && scan_in(dir).reason == WS_DAMAGED);
    ws_os_dir_close(dir);
}

/* The first slot also says how large slots are, so its damage could hide the others. */
TEST("damage to any bit of one slot leaves the records of the others") {
    struct ws_dir *dir = test_dir();
    struct ws_runfile *run = create_run(dir, record_of(WS_CHECKPOINT, 3, 1), 40);

    for (uint64_t sequence = 2; sequence <= 3; sequence++) {
        struct ws_record record = record_of(WS_CHECKPOINT, 4 - (double)sequence, sequence);
        CHECK_STATUS(write_run(run, &record, 40, false), WS_OK);
    }
    ws_runfile_close(run);
    struct image image = image_of(harness_path(RUN));
    for (size_t slot = 0; slot < WS_SLOTS; slot++) {
        for (size_t bit = 0; bit < 8 * (WS_RECORD_HEADER + 40); bit++) {
            size_t at = slot * WS_SLOT_ALIGN + bit / 8;
            uint8_t changed = image.bytes[at] ^ (uint8_t)(1u << bit % 8);
            write_at(harness_path(RUN), at, &changed, 1);
            CHECK(count_valid(dir) == WS_SLOTS - 1);
            write_at(harness_path(RUN), at, &image.bytes[at], 1);
        }
    }
    free(image.bytes);
    ws_os_dir_close(dir);
}

TEST("every flip of a single bit of a single record's file gives nothing") {
    struct ws_dir *dir = test_dir();

    put_run(dir, record_of(WS_FINAL, 1, 1), 40);
    struct image image = image_of(harness_path(RUN));
    for (size_t bit = 0; bit < 8 * image.size; bit++) {
        uint8_t changed = image.bytes[bit / 8] ^ (uint8_t)(1u << bit % 8);
        write_at(harness_path(RUN), bit / 8, &changed, 1);
        CHECK(count_valid(dir) == 0);
        write_at(harness_path(RUN), bit / 8, &image.bytes[bit / 8], 1);
    }
    free(image.bytes);
    ws_os_dir_close(dir);
}

TEST("a large payload that was damaged is not read") {
    struct ws_dir *dir = test_dir();

    put_run(dir, record_of(WS_FINAL, 1, 1), 100000);
    flip_bit(harness_path(RUN), 90000);
    CHECK(scan_in(dir).count == 1 && count_valid(dir) == 0);
    ws_os_dir_close(dir);
}

TEST("an empty file, or one of zeros, is damaged: a power loss leaves such of what is not synced") {
    struct ws_dir *dir = test_dir();
    static const char zeros[2 * WS_SCAN_HEAD];

    make_file(harness_path(RUN), "", 0);
    CHECK(scan_in(dir).reason == WS_DAMAGED);
    make_file(harness_path(RUN), zeros, 300);
    CHECK(scan_in(dir).reason == WS_DAMAGED);
    make_file(harness_path(RUN), zeros, sizeof zeros);
    CHECK(scan_in(dir).reason == WS_DAMAGED);
    ws_os_dir_close(dir);
}

TEST("a file of something else is foreign, of whatever size") {
    struct ws_dir *dir = test_dir();
    static const char text[WS_SLOTS * WS_SLOT_ALIGN] = "x0,x1,y\n";

    make_file(harness_path(RUN), text, 8);
    CHECK(scan_in(dir).reason == WS_FOREIGN);
    make_file(harness_path(RUN), text, sizeof text);
    CHECK(scan_in(dir).reason == WS_FOREIGN);
    ws_os_dir_close(dir);
}

TEST("a directory under a run's name gives nothing") {
    struct ws_dir *dir = test_dir();
    struct ws_digest key = a_key();
    struct ws_file *file = NULL;
    struct ws_scan scan = {0};

    ws_os_dir_close(dir_at(harness_path(RUN)));
    if (ws_os_file_open(dir, RUN, &file) == WS_OK) {
        ws_runfile_scan(file, &key, &scan);
    }
    CHECK(scan.count == 0);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("a pipe under a run's name is foreign, and nobody waits for it") {
    struct ws_dir *dir = test_dir();

    make_pipe(harness_path(RUN));
    CHECK(scan_in(dir).reason == WS_FOREIGN);
    ws_os_dir_close(dir);
}

static void make_newer(void) {
    static const uint8_t version[] = {WS_RECORD_VERSION + 1, 0};

    write_at(harness_path(RUN), 8, version, sizeof version);
}

TEST("a file in a newer format is newer, alone or with slots") {
    struct ws_dir *dir = test_dir();

    put_run(dir, record_of(WS_FINAL, 1, 1), 100);
    make_newer();
    CHECK(scan_in(dir).reason == WS_NEWER);
    ws_runfile_close(create_run(dir, record_of(WS_CHECKPOINT, 1, 1), 100));
    make_newer();
    CHECK(scan_in(dir).reason == WS_NEWER);
    ws_os_dir_close(dir);
}

TEST("records of another key are not counted, alone or in slots") {
    struct ws_dir *dir = test_dir();
    struct ws_record record = record_of(WS_FINAL, 1, 1);

    record.key = other_key();
    put_run(dir, record, 100);
    CHECK(scan_in(dir).reason == WS_DAMAGED);
    ws_runfile_close(create_run(dir, record, 100));
    CHECK(scan_in(dir).reason == WS_DAMAGED);
    ws_os_dir_close(dir);
}

/* Lies. */

/* A header, signed, at `offset` of the run's file. */
static void plant(struct ws_record record, size_t payload_size, size_t offset) {
    uint8_t header[WS_RECORD_HEADER];
    uint8_t *payload = payload_of(&record, payload_size);

    ws_record_encode(&record, payload, payload_size, header);
    write_at(harness_path(RUN), offset, header, sizeof header);
    write_at(harness_path(RUN), offset + sizeof header, payload, payload_size);
    free(payload);
}

static struct ws_record slotted(uint64_t sequence, uint8_t slot, uint64_t slot_size) {
    struct ws_record record = record_of(WS_CHECKPOINT, 1, sequence);

    record.slot = slot;
    record.slot_size = slot_size;
    return record;
}

static void make_zeros(size_t size) {
    make_file(harness_path(RUN), "", 0);
    CHECK(truncate(harness_path(RUN), (off_t)size) == 0);
}

TEST("records planted where they say they belong are counted") {
    struct ws_dir *dir = test_dir();

    make_zeros(WS_SLOTS * WS_SLOT_ALIGN);
    for (uint8_t slot = 0; slot < WS_SLOTS; slot++) {
        plant(slotted(1, slot, WS_SLOT_ALIGN), 100, slot * WS_SLOT_ALIGN);
        CHECK(count_valid(dir) == slot + 1);
    }
    ws_os_dir_close(dir);
}

TEST("a record that was written for another slot is not counted") {
    struct ws_dir *dir = test_dir();

    make_zeros(WS_SLOTS * WS_SLOT_ALIGN);
    plant(slotted(1, 1, WS_SLOT_ALIGN), 100, 2 * WS_SLOT_ALIGN);
    plant(slotted(1, 2, WS_SLOT_ALIGN), 100, 0);
    plant(slotted(1, 0, WS_SLOT_ALIGN), 100, WS_SLOT_ALIGN);
    CHECK(scan_in(dir).count == 0);
    ws_os_dir_close(dir);
}

TEST("a slot beyond the third is not counted") {
    struct ws_dir *dir = test_dir();

    make_zeros(4 * WS_SLOT_ALIGN);
    plant(slotted(1, 0, WS_SLOT_ALIGN), 100, 0);
    plant(slotted(2, 3, WS_SLOT_ALIGN), 100, 3 * WS_SLOT_ALIGN);
    CHECK(scan_in(dir).count == 1);
    ws_os_dir_close(dir);
}

TEST("a record that was written for slots of another size is not counted") {
    struct ws_dir *dir = test_dir();

    make_zeros(WS_SLOTS * WS_SLOT_ALIGN);
    plant(slotted(1, 1, 2 * WS_SLOT_ALIGN), 100, WS_SLOT_ALIGN);
    plant(slotted(1, 2, 0), 100, 2 * WS_SLOT_ALIGN);
    CHECK(scan_in(dir).count == 0);
    ws_os_dir_close(dir);
}

TEST("a payload that would reach into the next slot is not counted") {
    struct ws_dir *dir = test_dir();

    make_zeros(WS_SLOTS * WS_SLOT_ALIGN);
    plant(slotted(1, 0, WS_SLOT_ALIGN), WS_SLOT_ALIGN - WS_RECORD_HEADER + 1, 0);
    CHECK(scan_in(dir).count == 0);
    ws_os_dir_close(dir);
}

TEST("slots of no valid size are not looked for") {
    struct ws_dir *dir = test_dir();
    static const uint64_t sizes[] = {1, 512, WS_SLOT_ALIGN + 1, UINT64_MAX / 8};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        make_zeros(WS_SLOTS * WS_SLOT_ALIGN);
        plant(slotted(1, 0, sizes[i]), 100, 0);
        CHECK(scan_in(dir).count == 0);
    }
    ws_os_dir_close(dir);
}

TEST("slots larger than the file are no reason to read past its end") {
    struct ws_dir *dir = test_dir();
    uint64_t huge = UINT64_MAX / 8 / WS_SLOT_ALIGN * WS_SLOT_ALIGN;

    make_zeros(WS_SLOTS * WS_SLOT_ALIGN);
    plant(slotted(1, 0, huge), 100, 0);
    CHECK(scan_in(dir).count <= 1);
    ws_os_dir_close(dir);
}

TEST("a payload size beyond the file is not counted, and no memory is taken for it") {
    struct ws_dir *dir = test_dir();
    uint8_t header[WS_RECORD_HEADER];
    static const uint64_t sizes[] = {101, 1 << 20, (uint64_t)1 << 62, UINT64_MAX / 2};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        put_run(dir, record_of(WS_FINAL, 1, 1), 100);
        struct image image = image_of(harness_path(RUN));
        memcpy(header, image.bytes, sizeof header);
        ws_put_u64(header + 64, sizes[i]);
        sign_header(header);
        write_at(harness_path(RUN), 0, header, sizeof header);
        CHECK(scan_in(dir).count == 0);
        free(image.bytes);
    }
    ws_os_dir_close(dir);
}

TEST("a slot's payload beyond the file's end is not counted") {
    struct ws_dir *dir = test_dir();

    make_zeros(WS_SLOTS * WS_SLOT_ALIGN);
    plant(slotted(1, 0, WS_SLOT_ALIGN), 1000, 0);
    CHECK(truncate(harness_path(RUN), WS_RECORD_HEADER + 999) == 0);
    CHECK(scan_in(dir).count == 0);
    ws_os_dir_close(dir);
}

TEST("what looks like a slot's record inside a payload is payload") {
    struct ws_dir *dir = test_dir();
    static uint8_t payload[WS_SLOTS * WS_SLOT_ALIGN - WS_RECORD_HEADER];
    struct ws_record outer = record_of(WS_FINAL, 2, 7);
    struct ws_scan scan;

    for (uint8_t slot = 1; slot < WS_SLOTS; slot++) {
        struct ws_record inner = slotted(1, slot, WS_SLOT_ALIGN);
        ws_record_encode(&inner, "", 0, payload + slot * WS_SLOT_ALIGN - WS_RECORD_HEADER);
    }
    CHECK_STATUS(ws_runfile_put(dir, RUN, &outer, NULL, payload, sizeof payload, true), WS_OK);
    scan = scan_in(dir);
    CHECK(scan.count == 1 && scan.records[0].sequence == 7);
    ws_os_dir_close(dir);
}

TEST("what looks like a record inside a slot's payload is payload") {
    struct ws_dir *dir = test_dir();
    static uint8_t payload[3 * WS_SLOT_ALIGN];
    struct ws_record outer = record_of(WS_CHECKPOINT, 2, 7);
    struct ws_runfile *run = NULL;

    for (uint8_t slot = 0; slot < WS_SLOTS; slot++) {
        struct ws_record inner = slotted(1, slot, WS_SLOT_ALIGN);
        ws_record_encode(&inner, "", 0, payload + slot * WS_SLOT_ALIGN);
        inner = slotted(2, slot, 4 * WS_SLOT_ALIGN);
        ws_record_encode(&inner, "", 0, payload + slot * WS_SLOT_ALIGN + WS_SLOT_ALIGN / 2);
    }
    CHECK_STATUS(ws_runfile_create(dir, RUN, &outer, NULL, payload, sizeof payload, &run), WS_OK);
    struct ws_scan scan = scan_in(dir);
    CHECK(scan.count == 1 && scan.records[0].sequence == 7);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("random bytes behind a valid beginning are never an error") {
    struct ws_dir *dir = test_dir();
    static uint8_t bytes[WS_SLOTS * WS_SLOT_ALIGN];
    uint64_t chance = 5;
    struct ws_record best;

    put_run(dir, record_of(WS_FINAL, 1, 1), 100);
    struct image image = image_of(harness_path(RUN));
    for (int i = 0; i < 3000; i++) {
        size_t size = draw_below(&chance, sizeof bytes + 1);
        fill_random(&chance, bytes, size < 600 ? size : 600);
        memcpy(bytes, image.bytes, draw_below(&chance, 97));
        if (i % 2 == 0 && size >= WS_RECORD_HEADER) {
            sign_header(bytes);
        }
        make_file(harness_path(RUN), bytes, size);
        struct ws_file *file = file_in(dir, RUN);
        find_best(file, &best);
        ws_os_file_close(file);
    }
    free(image.bytes);
    ws_os_dir_close(dir);
}

/* Histories. */

static struct ws_history history_of(uint64_t iterates) {
    struct ws_history history;

    ws_history_start(&history);
    for (uint64_t i = 1; i <= iterates; i++) {
        struct ws_point point = {.has_iteration = true, .iteration = i};
        ws_history_add(&history, &point);
    }
    return history;
}

static size_t points_in(struct ws_dir *dir, uint64_t sequence) {
    struct ws_scan scan = scan_in(dir);
    struct ws_file *file = file_in(dir, RUN);
    struct ws_history history = {.count = 0};

    for (int i = 0; i < scan.count; i++) {
        if (scan.records[i].sequence == sequence) {
            CHECK_STATUS(ws_runfile_read_history(file, &scan, i, &history), WS_OK);
        }
    }
    ws_os_file_close(file);
    return history.count;
}

TEST("a new file has the best record's history too") {
    struct ws_dir *dir = test_dir();
    struct ws_record best = record_of(WS_CHECKPOINT, 1, 1);
    struct ws_record worse = record_of(WS_CHECKPOINT, 2, 2);
    struct ws_history few = history_of(3);
    struct ws_history many = history_of(30);
    struct ws_runfile *run = NULL;
    uint8_t *payload = payload_of(&worse, 10000);

    CHECK_STATUS(ws_runfile_create(dir, RUN, &best, &few, payload, 10, &run), WS_OK);
    CHECK_STATUS(ws_runfile_replace(run, dir, RUN, &worse, &many, payload, 10000), WS_OK);
    CHECK(points_in(dir, 1) == 3 && points_in(dir, 2) == 30);
    free(payload);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a slot has room for what a history may grow to") {
    struct ws_dir *dir = test_dir();
    struct ws_record record = record_of(WS_CHECKPOINT, 1, 1);
    struct ws_history history = history_of(1);
    struct ws_runfile *run = NULL;
    size_t size = WS_SLOT_ALIGN - WS_RECORD_HEADER - WS_HISTORY_HEAD - WS_HISTORY_POINT;
    uint8_t *payload = payload_of(&record, size);

    CHECK_STATUS(ws_runfile_create(dir, RUN, &record, &history, payload, size, &run), WS_OK);
    history = history_of(WS_HISTORY_POINTS);
    CHECK_STATUS(ws_runfile_write(run, &record, &history, payload, size, false), WS_OK);
    CHECK(points_in(dir, 1) == WS_HISTORY_POINTS);
    free(payload);
    ws_runfile_close(run);
    ws_os_dir_close(dir);
}

TEST("a record without a history has none to read") {
    struct ws_dir *dir = test_dir();
    struct ws_history history;

    put_run(dir, record_of(WS_FINAL, 1, 1), 100);
    struct ws_scan scan = scan_in(dir);
    struct ws_file *file = file_in(dir, RUN);
    CHECK_STATUS(ws_runfile_read_history(file, &scan, 0, &history), WS_NOT_FOUND);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("a history that claims to go beyond its file is not read") {
    struct ws_dir *dir = test_dir();
    struct ws_record record = record_of(WS_FINAL, 1, 1);

    record.history_size = WS_HISTORY_MAX;
    plant(record, 100, 0);
    CHECK(scan_in(dir).count == 0 && scan_in(dir).reason == WS_DAMAGED);
    plant(slotted(1, 0, WS_SLOT_ALIGN), 0, 0);
    CHECK(truncate(harness_path(RUN), WS_SLOT_ALIGN) == 0);
    CHECK(scan_in(dir).count == 1);
    record = slotted(1, 0, WS_SLOT_ALIGN);
    record.history_size = WS_HISTORY_MAX;
    plant(record, WS_SLOT_ALIGN - WS_RECORD_HEADER - WS_HISTORY_MAX + 1, 0);
    CHECK(scan_in(dir).count == 0);
    ws_os_dir_close(dir);
}

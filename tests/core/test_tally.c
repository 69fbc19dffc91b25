#include "fixtures.h"
#include "tally.h"

static const char *tally_path(void) { return harness_path("store/v1/" WS_TALLY_FILE); }

/* A store with a directory, as one that something was saved to. */
static struct ws_store *used_store(void) {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();

    save_text(store, &key, "run", WS_FINAL, 0, "fit");
    return store;
}

static void add_all_kinds(struct ws_store *store) {
    for (int use = 0; use < WS_USES; use++) {
        for (int i = 0; i <= use; i++) {
            ws_tally_add(store, (enum ws_use)use, 1.5);
        }
    }
}

static uint64_t counted(struct ws_store *store, enum ws_use use) {
    struct ws_tally tally;

    ws_tally_read(store, &tally);
    return tally.uses[use];
}

/* As another process sees it. */
static uint64_t told(enum ws_use use) {
    struct ws_store *other = a_store();
    uint64_t count = counted(other, use);

    ws_store_release(other);
    return count;
}

/* Holds the file's lock, as a process in the middle of adding does. */
static struct ws_file *hold_tally(void) {
    struct ws_dir *root = dir_at(harness_path("store/v1"));
    struct ws_file *file = NULL;

    CHECK_STATUS(ws_os_file_edit(root, WS_TALLY_FILE, &file), WS_OK);
    CHECK_STATUS(ws_os_file_lock(file), WS_OK);
    ws_os_dir_close(root);
    return file;
}

TEST("what is counted is read, by other handles too") {
    struct ws_store *store = used_store();
    struct ws_store *other = a_store();
    struct ws_tally tally;

    add_all_kinds(store);
    ws_tally_read(other, &tally);
    for (int use = 0; use < WS_USES; use++) {
        CHECK(tally.uses[use] == (uint64_t)use + 1);
    }
    CHECK(tally.seconds_saved == 15 && tally.since > 0 && tally.since <= ws_store_now(store));
    ws_store_release(store);
    ws_store_release(other);
}

TEST("nothing counted is zero, and makes no file") {
    struct ws_store *store = used_store();
    struct ws_tally tally;

    ws_tally_read(store, &tally);
    CHECK(tally.since == 0 && tally.uses[WS_HIT] == 0 && tally.seconds_saved == 0);
    CHECK_STATUS(ws_tally_flush(store), WS_OK);
    CHECK(!exists(tally_path()));
    ws_store_release(store);
}

TEST("counting makes no store; what was counted before there is one is told once there is") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();

    ws_tally_add(store, WS_MISS, 0);
    CHECK(!exists(harness_path("store")) && counted(store, WS_MISS) == 1);
    save_text(store, &key, "run", WS_FINAL, 0, "fit");
    ws_tally_add(store, WS_MISS, 0);
    CHECK(told(WS_MISS) == 2);
    ws_store_release(store);
}

TEST("where another is adding nobody waits, and nothing is lost") {
    struct ws_store *store = used_store();

    ws_tally_add(store, WS_HIT, 1);
    struct ws_file *held = hold_tally();
    ws_tally_add(store, WS_HIT, 1);
    CHECK_STATUS(ws_tally_flush(store), WS_BUSY);
    ws_tally_settle(store);
    CHECK(counted(store, WS_HIT) == 2 && told(WS_HIT) == 1);
    ws_os_file_close(held);
    CHECK_STATUS(ws_tally_flush(store), WS_OK);
    CHECK(told(WS_HIT) == 2);
    ws_store_release(store);
}

TEST("many processes that count at the same time lose nothing once each has told") {
    enum { PROCESSES = 8, EACH = 500 };
    struct ws_store *store = used_store();
    pid_t children[PROCESSES];

    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            for (int n = 0; n < EACH; n++) {
                ws_tally_add(store, (enum ws_use)(n % WS_USES), 0.25);
            }
            while (ws_tally_flush(store) == WS_BUSY) {
            }
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        expect_success(children[i]);
    }
    for (int use = 0; use < WS_USES; use++) {
        CHECK(told((enum ws_use)use) == PROCESSES * EACH / WS_USES);
    }
    ws_store_release(store);
}

TEST("a forked child does not tell what its parent has counted") {
    struct ws_store *store = used_store();

    ws_tally_add(store, WS_HIT, 1);
    struct ws_file *held = hold_tally();
    ws_tally_add(store, WS_HIT, 1);
    ws_os_file_close(held);
    pid_t child = fork();
    if (child == 0) {
        CHECK_STATUS(ws_tally_flush(store), WS_OK);
        ws_tally_add(store, WS_HIT, 1);
        _exit(0);
    }
    expect_success(child);
    CHECK_STATUS(ws_tally_flush(store), WS_OK);
    CHECK(told(WS_HIT) == 3);
    ws_store_release(store);
}

TEST("a killed process leaves what it told") {
    struct ws_store *store = used_store();

    kill_victim(start_victim((void (*)(void *))add_all_kinds, store));
    CHECK(told(WS_HIT) == 1 && told(WS_MISS) == 4);
    ws_store_release(store);
}

TEST("what is no tally counts as zero and is written over") {
    struct ws_store *store = used_store();
    uint8_t bytes[300];
    uint64_t chance = 5;

    for (size_t size = 0; size <= sizeof bytes; size += 37) {
        fill_random(&chance, bytes, size);
        make_file(tally_path(), bytes, size);
        CHECK(told(WS_HIT) == 0);
        ws_tally_add(store, WS_HIT, 1);
        CHECK(told(WS_HIT) == 1);
    }
    ws_store_release(store);
}

TEST("a flip of any bit of the file costs the counts, and no more") {
    struct ws_store *store = used_store();

    ws_tally_add(store, WS_HIT, 1);
    struct image whole = image_of(tally_path());
    CHECK(whole.size == WS_TALLY_BYTES);
    for (size_t bit = 0; bit < 8 * whole.size; bit++) {
        struct ws_tally tally;
        whole.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(ws_tally_decode(whole.bytes, whole.size, &tally) != WS_OK);
        whole.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < whole.size; size++) {
        struct ws_tally tally;
        CHECK(ws_tally_decode(whole.bytes, size, &tally) != WS_OK);
    }
    free(whole.bytes);
    ws_store_release(store);
}

/* What decoding says of `value` at `offset`, with a digest that fits. */
static enum ws_status decode_lie(size_t offset, uint64_t value) {
    struct ws_tally tally = {.since = 5, .uses = {1, 2, 3, 4}, .seconds_saved = 2};
    uint8_t bytes[WS_TALLY_BYTES];

    ws_tally_encode(&tally, bytes);
    ws_put_u64(bytes + offset, value);
    ws_put_u64(bytes + 64, ws_hash_64(bytes, 64));
    return ws_tally_decode(bytes, sizeof bytes, &tally);
}

TEST("values outside their domains are damaged") {
    CHECK_STATUS(decode_lie(24, 77), WS_OK);
    CHECK_STATUS(decode_lie(16, 0), WS_DAMAGED);
    CHECK_STATUS(decode_lie(16, UINT64_MAX), WS_DAMAGED);
    for (size_t offset = 24; offset < 56; offset += 8) {
        CHECK_STATUS(decode_lie(offset, WS_TALLY_MAX + 1), WS_DAMAGED);
    }
    CHECK_STATUS(decode_lie(56, 0x7ff8000000000000u), WS_DAMAGED);
    CHECK_STATUS(decode_lie(56, 0x7ff0000000000000u), WS_DAMAGED);
    CHECK_STATUS(decode_lie(56, 0xbff0000000000000u), WS_DAMAGED);
    CHECK_STATUS(decode_lie(8, 2), WS_NEWER);
}

TEST("counts at their bound stay there") {
    struct ws_store *store = used_store();
    struct ws_tally tally = {.since = 5, .uses = {WS_TALLY_MAX}, .seconds_saved = 1e308};
    uint8_t bytes[WS_TALLY_BYTES];

    ws_tally_encode(&tally, bytes);
    make_file(tally_path(), bytes, sizeof bytes);
    ws_tally_add(store, WS_HIT, 1e308);
    ws_tally_read(store, &tally);
    CHECK(tally.uses[WS_HIT] == WS_TALLY_MAX && tally.seconds_saved == 1e308 && tally.since == 5);
    ws_store_release(store);
}

TEST("seconds that are none save none") {
    struct ws_store *store = used_store();
    struct ws_tally tally;

    ws_tally_add(store, WS_HIT, (double)NAN);
    ws_tally_add(store, WS_HIT, (double)INFINITY);
    ws_tally_add(store, WS_HIT, -5);
    ws_tally_read(store, &tally);
    CHECK(tally.uses[WS_HIT] == 3 && tally.seconds_saved == 0);
    ws_store_release(store);
}

TEST("a tally of a later version is left alone") {
    struct ws_store *store = used_store();
    struct ws_tally tally = {.since = 5};
    uint8_t bytes[WS_TALLY_BYTES];

    ws_tally_encode(&tally, bytes);
    bytes[8] = 2;
    make_file(tally_path(), bytes, sizeof bytes);
    ws_tally_add(store, WS_HIT, 1);
    struct image image = image_of(tally_path());
    CHECK(image.size == sizeof bytes && memcmp(image.bytes, bytes, sizeof bytes) == 0);
    CHECK(counted(store, WS_HIT) == 1);
    free(image.bytes);
    ws_store_release(store);
}

TEST("a link, a FIFO or a directory under the name is neither followed, waited for nor written") {
    struct ws_store *store = used_store();
    const char *aim = harness_path("aim");

    make_file(aim, "text", 4);
    CHECK(symlink(aim, tally_path()) == 0);
    ws_tally_add(store, WS_HIT, 1);
    CHECK(image_size(aim) == 4 && told(WS_HIT) == 0);
    CHECK(unlink(tally_path()) == 0);
    make_pipe(tally_path());
    ws_tally_add(store, WS_HIT, 1);
    CHECK(unlink(tally_path()) == 0 && mkdir(tally_path(), 0700) == 0);
    ws_tally_add(store, WS_HIT, 1);
    CHECK(rmdir(tally_path()) == 0);
    ws_tally_add(store, WS_HIT, 1);
    CHECK(told(WS_HIT) == 4);
    ws_store_release(store);
}

TEST("the file is the user's alone, whatever the umask") {
    mode_t before = umask(0);
    struct ws_store *store = used_store();
    struct stat info;

    ws_tally_add(store, WS_HIT, 1);
    umask(before);
    CHECK(stat(tally_path(), &info) == 0 && (info.st_mode & 0777) == 0600);
    ws_store_release(store);
}

TEST("sweeps leave the file") {
    struct ws_store *store = used_store();
    struct ws_swept swept;

    ws_tally_add(store, WS_HIT, 1);
    ws_store_shift_clock(store, 100 * WS_DAY);
    CHECK_STATUS(ws_sweep(store, &swept), WS_OK);
    CHECK(told(WS_HIT) == 1);
    ws_store_release(store);
}

#define _GNU_SOURCE

#include "check.h"
#include "fixtures.h"
#include "payloads.h"
#include "round.h"
#include "save.h"
#include "sweep.h"

/* What somebody else does between two calls of ours: once a run's file was read, or before one is
 * opened that was listed. A backup's link keeps what was replaced from going. */
#ifdef __linux__

#include <stdarg.h>
#include <sys/syscall.h>

static struct ws_store *saving; /* the other one's; NULL: nobody is there */

ssize_t pread(int fd, void *bytes, size_t size, off_t offset) {
    ssize_t got = syscall(SYS_pread64, fd, bytes, size, offset);
    struct ws_store *store = saving;

    if (store && size != WS_ROUND_BYTES) {
        struct ws_digest key = a_key();
        saving = NULL;
        CHECK(link(run_path(KEY_HEX, "run"), harness_path("backup")) == 0);
        save_text(store, &key, "run", WS_FINAL, 1, "new");
    }
    return got;
}

static struct ws_store *finishing; /* the other one's; NULL: nobody is there */

int openat(int at, const char *name, int flags, ...) {
    struct ws_store *store = finishing;
    va_list arguments;

    va_start(arguments, flags);
    int mode = (flags & O_CREAT) != 0 ? va_arg(arguments, int) : 0;
    va_end(arguments);
    if (store && strstr(name, "-run.warm")) {
        struct ws_digest key = a_key();
        struct ws_note note = note_of(WS_FINAL, 2);
        char run_id[WS_RUN_ID_MAX + 1] = "other";
        finishing = NULL;
        CHECK_STATUS(ws_save(store, &key, run_id, &note, "new", 3), WS_OK);
    }
    return (int)syscall(SYS_openat, at, name, flags, mode);
}

TEST("an entry that takes the place of one that expires is not removed with it") {
    struct ws_store *store = bounded_store((uint64_t)1 << 20, WS_DAY);
    struct ws_store *other = bounded_store((uint64_t)1 << 20, WS_DAY);
    struct ws_digest key = a_key();
    struct ws_swept swept;

    save_text(store, &key, "run", WS_FINAL, 1, "old");
    ws_store_shift_clock(store, 2 * WS_DAY);
    ws_store_shift_clock(other, 2 * WS_DAY);
    saving = other;
    CHECK_STATUS(ws_sweep(store, &swept), WS_OK);
    CHECK(!saving);
    expect_best(store, &key, "new");
    ws_store_release(other);
    ws_store_release(store);
}

TEST("an entry that takes the place of one that is superseded is not removed with it") {
    struct ws_store *store = a_store();
    struct ws_store *other = a_store();
    struct ws_digest key = a_key();
    struct ws_note note = note_of(WS_FINAL, 1);
    char run_id[WS_RUN_ID_MAX + 1] = "mine";

    save_text(store, &key, "run", WS_FINAL, 1, "old");
    saving = other;
    CHECK_STATUS(ws_save(store, &key, run_id, &note, "mine", 4), WS_OK);
    CHECK(!saving);
    expect_best(store, &key, "new");
    ws_store_release(other);
    ws_store_release(store);
}

static enum ws_status note_removed(void *context, const struct ws_finding *finding) {
    *(bool *)context = finding->removed;
    return WS_OK;
}

TEST("an entry that takes the place of a damaged one is not removed by a repair") {
    struct ws_store *store = a_store();
    struct ws_store *other = a_store();
    struct ws_digest key = a_key();
    bool removed = true;

    save_text(store, &key, "run", WS_FINAL, 1, "old");
    flip_bit(run_path(KEY_HEX, "run"), WS_RECORD_HEADER);
    saving = other;
    CHECK_STATUS(ws_check_branch(store, 0x012, true, note_removed, &removed), WS_OK);
    CHECK(!saving && !removed);
    expect_best(store, &key, "new");
    ws_store_release(other);
    ws_store_release(store);
}

TEST("a lookup finds what supersedes an entry between its listing and its opening") {
    struct ws_store *store = a_store();
    struct ws_store *other = a_store();
    struct ws_digest key = a_key();

    save_text(store, &key, "run", WS_FINAL, 1, "old");
    finishing = other;
    expect_best(store, &key, "new");
    CHECK(!finishing);
    ws_store_release(other);
    ws_store_release(store);
}

#endif

#define _GNU_SOURCE

#include "fixtures.h"
#include "payloads.h"
#include "round.h"
#include "sweep.h"

/* What somebody else does between two calls of ours: here, once a run's file was read. */
#ifdef __linux__

#include <sys/syscall.h>

static struct ws_store *saving; /* the other one's; NULL: nobody is there */

ssize_t pread(int fd, void *bytes, size_t size, off_t offset) {
    ssize_t got = syscall(SYS_pread64, fd, bytes, size, offset);
    struct ws_store *store = saving;

    if (store && size != WS_ROUND_BYTES) {
        struct ws_digest key = a_key();
        saving = NULL;
        save_text(store, &key, "run", WS_FINAL, 1, "new");
    }
    return got;
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

#endif

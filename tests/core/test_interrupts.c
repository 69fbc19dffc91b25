#define _GNU_SOURCE

#include "fixtures.h"
#include "payloads.h"

/*
 * The real os, on a kernel that interrupts every call once before it lets it through, and reads
 * and writes a few bytes at a time. Where there is no Linux, its calls go by other names.
 */
#ifdef __linux__

#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define BYTES_AT_A_TIME ((size_t)100)

static bool interrupting;
static bool shortening;
static int interruptions;
static int cuts;

/* Every other call is interrupted, so that each gets through at its second try. */
static bool is_interrupted(void) {
    if (!interrupting || ++interruptions % 2 == 0) {
        return false;
    }
    errno = EINTR;
    return true;
}

static size_t shortened(size_t size) {
    if (!shortening || size <= BYTES_AT_A_TIME) {
        return size;
    }
    cuts++;
    return BYTES_AT_A_TIME;
}

ssize_t pread(int fd, void *bytes, size_t size, off_t offset) {
    return is_interrupted() ? -1 : syscall(SYS_pread64, fd, bytes, shortened(size), offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    const struct iovec *part = parts;

    if (is_interrupted()) {
        return -1;
    }
    if (!shortening) {
        return syscall(SYS_pwritev, fd, parts, count, offset, 0L);
    }
    while (part->iov_len == 0) {
        part++;
    }
    return syscall(SYS_pwrite64, fd, part->iov_base, shortened(part->iov_len), offset);
}

int fsync(int fd) { return is_interrupted() ? -1 : (int)syscall(SYS_fsync, fd); }

int fdatasync(int fd) { return is_interrupted() ? -1 : (int)syscall(SYS_fdatasync, fd); }

int fallocate(int fd, int mode, off_t offset, off_t size) {
    return is_interrupted() ? -1 : (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

int openat(int at, const char *name, int flags, ...) {
    va_list arguments;

    va_start(arguments, flags);
    int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
    va_end(arguments);
    return is_interrupted() ? -1 : (int)syscall(SYS_openat, at, name, flags, mode);
}

static void offer(struct ws_session *session, double objective, size_t size, bool final) {
    uint8_t *payload = malloc(size);

    CHECK(payload);
    make_payload(payload, size, objective);
    struct ws_offer made = {.payload = payload, .size = size, .objective = objective};
    enum ws_status status =
        final ? ws_session_finalize(session, &made) : ws_session_checkpoint(session, &made);
    free(payload);
    CHECK_STATUS(status, WS_OK);
}

static void expect_whole(struct ws_store *store, double objective) {
    struct ws_digest key = a_key();
    struct ws_entry *entry = NULL;

    CHECK_STATUS(ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry), WS_OK);
    CHECK(entry->record.note.objective == objective && is_intact(entry));
    ws_entry_free(entry);
}

static void work(void) {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();
    struct ws_session *session = NULL;
    uint64_t removed = 0;

    CHECK_STATUS(ws_session_open(store, &key, "label", &session), WS_OK);
    offer(session, 10, 700, false);
    expect_whole(store, 10);
    offer(session, 9, 20000, false);
    expect_whole(store, 9);
    offer(session, 8, 5000, true);
    expect_whole(store, 8);
    ws_session_close(session);
    CHECK_STATUS(ws_store_delete(store, &key, NULL, &removed), WS_OK);
    CHECK(removed == 1);
    ws_store_release(store);
}

TEST("calls that are interrupted are made again") {
    interrupting = true;
    work();
    interrupting = false;
    CHECK(interruptions > 20);
}

TEST("short reads and writes are completed") {
    shortening = true;
    work();
    shortening = false;
    CHECK(cuts > 100);
}

TEST("calls that are interrupted and short are completed") {
    interrupting = shortening = true;
    work();
    interrupting = shortening = false;
}

#endif

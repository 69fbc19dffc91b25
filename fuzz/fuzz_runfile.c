/*
 * A run's file: a scan finds at most its slots, each record lies within the file, and reading one
 * gives a payload that verifies, or says that it is damaged.
 *
 * Input: what to sign in each slot, then the file's bytes.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif

#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include "runfile.h"

#define FILE_MAX (1u << 20)

/* One file, written anew for each input, in memory where the system has a place for that. */
struct scratch {
    int fd;
    struct ws_file *file;
};

static struct scratch make_scratch(void) {
    struct scratch scratch;
    struct ws_dir *dir = NULL;
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    char path[64];

    snprintf(path, sizeof path, "%s/fuzz-runfile-XXXXXX", parent);
    scratch.fd = mkstemp(path);
    FUZZ_CHECK(scratch.fd >= 0);
    FUZZ_CHECK(ws_os_dir_open(parent, WS_MAKE_NONE, &dir) == WS_OK);
    FUZZ_CHECK(ws_os_file_open(dir, strrchr(path, '/') + 1, &scratch.file) == WS_OK);
    ws_os_dir_close(dir);
    unlink(path);
    return scratch;
}

static void fill(const struct scratch *scratch, const uint8_t *bytes, size_t size) {
    FUZZ_CHECK(ftruncate(scratch->fd, 0) == 0);
    FUZZ_CHECK(pwrite(scratch->fd, bytes, size, 0) == (ssize_t)size);
}

static void sign_slots(uint8_t *bytes, size_t size, unsigned what) {
    size_t sizes[2] = {size / WS_SLOTS, 0};

    fuzz_sign(bytes, size, what);
    if (size >= WS_RECORD_HEADER && ws_get_u64(bytes + 88) < size) {
        sizes[1] = (size_t)ws_get_u64(bytes + 88);
    }
    for (int i = 0; i < 2; i++) {
        for (size_t slot = 1; sizes[i] > 0 && slot < WS_SLOTS && slot * sizes[i] < size; slot++) {
            fuzz_sign(bytes + slot * sizes[i], size - slot * sizes[i], what);
        }
    }
}

static void check_record(struct ws_file *file, const struct ws_scan *scan, int index, size_t size) {
    const struct ws_record *record = &scan->records[index];
    struct ws_history history;
    void *payload = NULL;
    enum ws_status status;

    FUZZ_CHECK(record->payload_size <= size - ws_record_payload_at(record));
    status = ws_runfile_read_history(file, scan, index, &history);
    FUZZ_CHECK(status == WS_OK || status == WS_DAMAGED || status == WS_NOT_FOUND);
    status = ws_runfile_read(file, scan, index, &payload);
    FUZZ_CHECK(status == WS_OK || status == WS_DAMAGED);
    if (status == WS_OK) {
        FUZZ_CHECK(ws_record_verify(record, payload, (size_t)record->payload_size) == WS_OK);
        free(payload);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct scratch scratch;
    struct ws_scan scan;
    struct ws_digest key = {{0}};

    if (size < 2 || size > FILE_MAX) {
        return 0;
    }
    if (!scratch.file) {
        scratch = make_scratch();
    }
    size_t length = size - 1;
    uint8_t *copy = malloc(length);
    FUZZ_CHECK(copy);
    memcpy(copy, bytes + 1, length);
    sign_slots(copy, length, bytes[0]);
    if (length >= 32) {
        memcpy(key.bytes, copy + 16, sizeof key.bytes);
    }
    fill(&scratch, copy, length);
    free(copy);
    FUZZ_CHECK(ws_runfile_scan(scratch.file, &key, &scan) == WS_OK);
    FUZZ_CHECK(scan.count >= 0 && scan.count <= WS_SLOTS);
    FUZZ_CHECK(scan.count > 0 || scan.reason != WS_OK);
    for (int i = 0; i < scan.count; i++) {
        check_record(scratch.file, &scan, i, length);
    }
    return 0;
}

#include "tally.h"

#include <math.h>
#include <string.h>

#include "bytes.h"

enum field {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_SINCE = 16,
    AT_USES = 24,
    AT_SECONDS = 56,
    AT_DIGEST = 64,
};

#define VERSION 1

/* A reader that meets a writer looks again; the writer is done within microseconds. */
#define READ_ATTEMPTS_MAX 8

/* Each try takes some microseconds: time for a process that holds the lock to get its turn. */
#define SETTLE_ATTEMPTS_MAX 4096

static const uint8_t magic[8] = {0x89, 'W', 'T', 'L', 'Y', 0x0d, 0x0a, 0x1a};

void ws_tally_encode(const struct ws_tally *tally, uint8_t bytes[WS_TALLY_BYTES]) {
    memset(bytes, 0, WS_TALLY_BYTES);
    memcpy(bytes + AT_MAGIC, magic, sizeof magic);
    ws_put_u16(bytes + AT_VERSION, VERSION);
    ws_put_u64(bytes + AT_SINCE, (uint64_t)tally->since);
    for (int i = 0; i < WS_USES; i++) {
        ws_put_u64(bytes + AT_USES + 8 * i, tally->uses[i]);
    }
    ws_put_double(bytes + AT_SECONDS, tally->seconds_saved);
    ws_put_u64(bytes + AT_DIGEST, ws_hash_64(bytes, AT_DIGEST));
}

static bool is_valid(const struct ws_tally *tally) {
    for (int i = 0; i < WS_USES; i++) {
        if (tally->uses[i] > WS_TALLY_MAX) {
            return false;
        }
    }
    return tally->since > 0 && isfinite(tally->seconds_saved) && tally->seconds_saved >= 0;
}

enum ws_status ws_tally_decode(const uint8_t *bytes, size_t size, struct ws_tally *tally) {
    if (size < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0) {
        return WS_FOREIGN;
    }
    if (size >= AT_VERSION + 2 && ws_get_u16(bytes + AT_VERSION) > VERSION) {
        return WS_NEWER;
    }
    if (size < WS_TALLY_BYTES || ws_get_u16(bytes + AT_VERSION) != VERSION ||
        ws_get_u64(bytes + AT_DIGEST) != ws_hash_64(bytes, AT_DIGEST)) {
        return WS_DAMAGED;
    }
    tally->since = (int64_t)ws_get_u64(bytes + AT_SINCE);
    for (int i = 0; i < WS_USES; i++) {
        tally->uses[i] = ws_get_u64(bytes + AT_USES + 8 * i);
    }
    tally->seconds_saved = ws_get_double(bytes + AT_SECONDS);
    return is_valid(tally) ? WS_OK : WS_DAMAGED;
}

static void add_to(struct ws_tally *sum, const struct ws_tally *other) {
    if (sum->since == 0 || (other->since > 0 && other->since < sum->since)) {
        sum->since = other->since;
    }
    for (int i = 0; i < WS_USES; i++) {
        uint64_t left = WS_TALLY_MAX - sum->uses[i];
        sum->uses[i] += other->uses[i] < left ? other->uses[i] : left;
    }
    double seconds = sum->seconds_saved + other->seconds_saved;
    sum->seconds_saved = isfinite(seconds) ? seconds : sum->seconds_saved;
}

/* What a parent has counted is the parent's to tell. */
static struct ws_untold *own_untold(struct ws_store *store) {
    struct ws_untold *untold = ws_store_untold(store);

    if (untold->process != ws_os_process()) {
        *untold = (struct ws_untold){.process = ws_os_process()};
    }
    return untold;
}

static enum ws_status read_from(struct ws_file *file, struct ws_tally *tally) {
    uint8_t bytes[WS_TALLY_BYTES];
    size_t got = 0;
    enum ws_status status = ws_os_file_read(file, 0, bytes, sizeof bytes, &got);

    return status == WS_OK ? ws_tally_decode(bytes, got, tally) : status;
}

static enum ws_status tell(struct ws_file *file, const struct ws_tally *untold) {
    uint8_t bytes[WS_TALLY_BYTES];
    struct ws_tally tally;
    enum ws_status status = read_from(file, &tally);

    if (status == WS_DAMAGED || status == WS_FOREIGN) {
        tally = (struct ws_tally){0};
        status = WS_OK;
    }
    if (status == WS_OK) {
        add_to(&tally, untold);
        ws_tally_encode(&tally, bytes);
        status = ws_os_file_write(file, 0, bytes, sizeof bytes, NULL, 0);
    }
    return status;
}

enum ws_status ws_tally_flush(struct ws_store *store) {
    struct ws_untold *untold = own_untold(store);
    struct ws_file *file = NULL;

    if (untold->tally.since == 0) {
        return WS_OK;
    }
    enum ws_status status = ws_store_lock_file(store, WS_TALLY_FILE, &file);
    if (status == WS_OK) {
        status = tell(file, &untold->tally);
    }
    if (status == WS_OK) {
        untold->tally = (struct ws_tally){0};
    }
    ws_os_file_close(file);
    return status;
}

void ws_tally_settle(struct ws_store *store) {
    enum ws_status status = WS_BUSY;

    for (int i = 0; i < SETTLE_ATTEMPTS_MAX && status == WS_BUSY; i++) {
        status = ws_tally_flush(store);
    }
}

void ws_tally_add(struct ws_store *store, enum ws_use use, double seconds) {
    struct ws_untold *untold = own_untold(store);
    int64_t now = ws_store_now(store);
    struct ws_tally one = {.since = now > 0 ? now : 1};

    one.uses[use] = 1;
    one.seconds_saved = isfinite(seconds) && seconds > 0 ? seconds : 0;
    add_to(&untold->tally, &one);
    if (!ws_store_can_wait(store, untold->tally.since, WS_TALLY_WAITS)) {
        ws_tally_flush(store);
    }
}

void ws_tally_read(struct ws_store *store, struct ws_tally *tally) {
    struct ws_dir *root = NULL;
    struct ws_file *file = NULL;
    struct ws_tally told = {0};
    enum ws_status status = ws_store_root(store, &root);

    if (status == WS_OK) {
        status = ws_os_file_open(root, WS_TALLY_FILE, &file);
    }
    if (status == WS_OK) {
        status = WS_DAMAGED;
        for (int i = 0; i < READ_ATTEMPTS_MAX && status == WS_DAMAGED; i++) {
            status = read_from(file, &told);
        }
    }
    ws_os_file_close(file);
    ws_os_dir_close(root);
    *tally = status == WS_OK ? told : (struct ws_tally){0};
    add_to(tally, &own_untold(store)->tally);
}

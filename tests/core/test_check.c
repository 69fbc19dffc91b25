#ifdef __linux__
#define _GNU_SOURCE /* F_OFD_GETLK */
#endif
#include "fixtures.h"

#include "check.h"

#ifdef __linux__
#include <stdarg.h>
#include <sys/syscall.h>
#endif

/* What a check of the whole store finds. */
struct findings {
    int count;
    int of_kind[WS_FINDING_UNREADABLE + 1];
    int removed;
};

static enum ws_status note(void *context, const struct ws_finding *finding) {
    struct findings *findings = context;

    findings->count++;
    findings->of_kind[finding->kind]++;
    findings->removed += finding->removed;
    return WS_OK;
}

static struct findings check(struct ws_store *store, bool repair) {
    struct findings findings = {0};

    for (uint32_t branch = 0; branch < WS_BRANCHES; branch++) {
        CHECK_STATUS(ws_check_branch(store, branch, repair, note, &findings), WS_OK);
    }
    return findings;
}

/* Exactly one, of that kind. */
static bool only(struct findings findings, enum ws_finding_kind kind) {
    return findings.count == 1 && findings.of_kind[kind] == 1;
}

static struct ws_store *store_with(const char *run_id) {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();

    save_text(store, &key, run_id, WS_FINAL, 1, "text");
    return store;
}

TEST("a store without a fault, and one that is not there, have no findings") {
    struct ws_store *store = a_store();

    CHECK(check(store, true).count == 0);
    struct ws_digest key = a_key();
    save_text(store, &key, "run", WS_FINAL, 1, "text");
    CHECK(check(store, true).count == 0);
    expect_best(store, &key, "text");
    ws_store_release(store);
}

TEST("a damaged file is found, and removed where that is asked for") {
    struct ws_store *store = store_with("run");
    const char *path = run_path(KEY_HEX, "run");

    flip_bit(path, WS_RECORD_HEADER);
    struct findings findings = check(store, false);
    CHECK(only(findings, WS_FINDING_DAMAGED) && findings.removed == 0 && exists(path));
    CHECK(check(store, true).removed == 1 && !exists(path));
    CHECK(check(store, true).count == 0);
    ws_store_release(store);
}

TEST("a run that is alive is not found, whatever its file holds") {
    struct ws_store *store = store_with("run");
    struct ws_dir *dir = dir_at(harness_path("store/v1/012/345"));
    struct ws_file *file = NULL;

    flip_bit(run_path(KEY_HEX, "run"), WS_RECORD_HEADER);
    CHECK_STATUS(ws_os_file_edit(dir, strrchr(run_path(KEY_HEX, "run"), '/') + 1, &file), WS_OK);
    CHECK_STATUS(ws_os_file_lock(file), WS_OK);
    CHECK(check(store, true).count == 0);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
    ws_store_release(store);
}

TEST("what is foreign, newer, misplaced, left over or expired is found, and stays") {
    struct ws_store *store = store_with("newer");
    struct ws_digest key = a_key();
    uint8_t version[2] = {WS_RECORD_VERSION + 1, 0};

    write_at(run_path(KEY_HEX, "newer"), 8, version, sizeof version);
    CHECK(only(check(store, true), WS_FINDING_NEWER));
    make_file(run_path(KEY_HEX, "newer"), "not a record", 12);
    CHECK(only(check(store, true), WS_FINDING_FOREIGN));
    CHECK(unlink(run_path(KEY_HEX, "newer")) == 0);
    make_file(harness_path("store/v1/012/345/stray"), "", 0);
    CHECK(only(check(store, true), WS_FINDING_FOREIGN));
    CHECK(unlink(harness_path("store/v1/012/345/stray")) == 0);
    make_file(harness_path("store/v1/012/345/" KEY_HEX "-run.0123456789abcdef.tmp"), "", 0);
    CHECK(only(check(store, true), WS_FINDING_ORPHANED));
    CHECK(unlink(harness_path("store/v1/012/345/" KEY_HEX "-run.0123456789abcdef.tmp")) == 0);
    save_text(store, &key, "run", WS_FINAL, 1, "text");
    ws_store_shift_clock(store, 31 * WS_DAY);
    CHECK(only(check(store, true), WS_FINDING_EXPIRED));
    ws_store_shift_clock(store, -31 * WS_DAY);
    CHECK(check(store, true).count == 0);
    ws_store_release(store);
}

TEST("a run with one record that does not verify is found as partly damaged, and stays") {
    struct ws_store *store = a_store();
    struct ws_session *session = NULL;
    struct ws_digest key = a_key();

    CHECK_STATUS(ws_session_open(store, &key, NULL, &session), WS_OK);
    for (int i = 0; i < 3; i++) {
        struct ws_offer offer = {.payload = "state", .size = 5, .objective = -i};
        CHECK_STATUS(ws_session_checkpoint(session, &offer), WS_OK);
    }
    const char *path = run_path(KEY_HEX, ws_session_status(session).run_id);
    ws_session_close(session);
    flip_bit(path, image_size(path) / WS_SLOTS * 2 + WS_RECORD_HEADER);
    CHECK(only(check(store, true), WS_FINDING_PARTIAL));
    CHECK(exists(path));
    ws_store_release(store);
}

TEST("what lies beside the branches and is not the store's is found") {
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();
    struct findings findings = {0};

    save_text(store, &key, "run", WS_FINAL, 0, "fit");
    make_file(harness_path("store/v1/" WS_TALLY_FILE), "", 0);
    CHECK_STATUS(ws_check_beside(store, note, &findings), WS_OK);
    CHECK(findings.count == 0);
    make_file(harness_path("store/notes"), "", 0);
    make_file(harness_path("store/v1/notes"), "", 0);
    CHECK_STATUS(ws_check_beside(store, note, &findings), WS_OK);
    CHECK(findings.count == 2 && findings.of_kind[WS_FINDING_FOREIGN] == 2);
    ws_store_release(store);
}

static enum ws_status stop_at_first(void *context, const struct ws_finding *finding) {
    (void)finding;
    ++*(int *)context;
    return WS_BUSY;
}

TEST("a file that claims more than is there is found as unreadable, and stays") {
    struct ws_store *store = store_with("run");
    const char *path = run_path(KEY_HEX, "run");
    uint8_t header[WS_RECORD_HEADER];
    struct image image = image_of(path);
    uint64_t size = (uint64_t)900 << 20;

    memcpy(header, image.bytes, sizeof header);
    free(image.bytes);
    ws_put_u64(header + 64, size);
    sign_header(header);
    write_at(path, 0, header, sizeof header);
    CHECK(truncate(path, (off_t)(sizeof header + size)) == 0);
    if (bytes_on_disk(path) >= size) {
        harness_skip("needs to be told what a file takes on the disk");
    }
    CHECK(only(check(store, true), WS_FINDING_UNREADABLE));
    CHECK(exists(path));
    ws_store_release(store);
}

#ifdef F_OFD_GETLK

/* Whether a run lives is asked last, after its file was judged: there somebody saves under the same
 * name. */
static struct ws_store *saved_meanwhile;

int fcntl(int fd, int command, ...) {
    struct ws_store *store = command == F_OFD_GETLK ? saved_meanwhile : NULL;
    va_list arguments;

    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (store) {
        struct ws_digest key = a_key();
        saved_meanwhile = NULL;
        save_text(store, &key, "run", WS_FINAL, 1, "saved again");
    }
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

TEST("an entry that is saved again while a repair has its damaged file in hand stays") {
    struct ws_store *store = store_with("run");
    struct ws_digest key = a_key();

    flip_bit(run_path(KEY_HEX, "run"), WS_RECORD_HEADER);
    saved_meanwhile = store;
    struct findings findings = check(store, true);
    CHECK(!saved_meanwhile);
    CHECK(only(findings, WS_FINDING_DAMAGED) && findings.removed == 0);
    expect_best(store, &key, "saved again");
    CHECK(check(store, true).count == 0);
    ws_store_release(store);
}

#endif

TEST("a visitor that does not say OK ends the check") {
    struct ws_store *store = store_with("run");
    struct ws_digest key = a_key();
    int count = 0;

    save_text(store, &key, "other", WS_FINAL, 1, "text");
    flip_bit(run_path(KEY_HEX, "run"), WS_RECORD_HEADER);
    flip_bit(run_path(KEY_HEX, "other"), WS_RECORD_HEADER);
    CHECK_STATUS(ws_check_branch(store, 0x012, false, stop_at_first, &count), WS_BUSY);
    CHECK(count == 1);
    ws_store_release(store);
}

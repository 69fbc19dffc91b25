/* The system calls that the core makes, counted by a parent that traces its child, as strace does.
 * Calls for memory are left out: they are the allocator's, and the sanitizers'. */

#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/ptrace.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#endif

#include "fixtures.h"
#include "harness.h"
#include "save.h"
#include "session.h"

#if defined(__linux__) && defined(PTRACE_GET_SYSCALL_INFO)

#define MARK SYS_getppid /* what a child does before and after what is counted */

/* In place of the system's: every disk is an NFS server's, while that is wanted. */
static bool is_served;

int statfs(const char *path, struct statfs *found) {
    int result = (int)syscall(SYS_statfs, path, found);

    if (result == 0 && is_served) {
        found->f_type = 0x6969;
    }
    return result;
}

struct counted {
    int all;
    int asked; /* calls that a server has to answer */
    int writes;
    int syncs;
    bool refused; /* here nobody may trace */
};

static bool is_for_memory(uint64_t number) {
    return number == SYS_mmap || number == SYS_munmap || number == SYS_madvise ||
           number == SYS_brk || number == SYS_mprotect || number == SYS_mremap;
}

/* What was opened brings its attributes along, and a listing its end; what is written is sent once,
 * by the sync or at the close; and of a directory there is nothing to sync. */
static bool asks_server(uint64_t number, const uint64_t arguments[6]) {
    switch (number) {
    case SYS_openat:
    case SYS_openat2:
    case SYS_mkdirat:
    case SYS_fchmod:
    case SYS_fchmodat:
    case SYS_fchown:
#ifdef SYS_chmod
    case SYS_chmod:
#endif
#ifdef SYS_renameat
    case SYS_renameat:
#endif
    case SYS_renameat2:
    case SYS_unlinkat:
    case SYS_linkat:
    case SYS_faccessat:
    case SYS_utimensat:
    case SYS_statfs:
    case SYS_getdents64:
    case SYS_pread64:
    case SYS_pwritev:
    case SYS_fallocate:
    case SYS_ftruncate:
        return true;
    case SYS_fcntl:
        return arguments[1] == F_OFD_SETLK || arguments[1] == F_OFD_GETLK;
    case SYS_newfstatat:
        return (arguments[3] & AT_EMPTY_PATH) == 0;
    case SYS_statx:
        return (arguments[2] & AT_EMPTY_PATH) == 0;
    default:
        return false;
    }
}

static void count_call(struct counted *counted, uint64_t number, const uint64_t arguments[6]) {
    if (!is_for_memory(number)) {
        counted->all++;
    }
    counted->asked += asks_server(number, arguments);
    counted->writes += number == SYS_pwritev || number == SYS_pwrite64 || number == SYS_write;
    counted->syncs += number == SYS_fsync || number == SYS_fdatasync;
}

static void trace(pid_t child, struct counted *counted) {
    struct __ptrace_syscall_info info;
    int status;
    uint64_t number = 0;
    bool between = false;

    CHECK(ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0);
    while (ptrace(PTRACE_SYSCALL, child, NULL, NULL) == 0 && waitpid(child, &status, 0) == child &&
           WIFSTOPPED(status)) {
        if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0) {
            continue;
        }
        if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
            counted->asked -= between && number == SYS_getdents64 && info.exit.rval == 0;
        } else if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            number = info.entry.nr;
            if (number == (uint64_t)MARK) {
                between = !between;
            } else if (between) {
                count_call(counted, number, (const uint64_t *)info.entry.args);
            }
        }
    }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* `prepare`, then `count` with its calls counted, in a child. */
static struct counted count_calls(void (*prepare)(void), void (*count)(void)) {
    struct counted counted = {0};
    int status;

    harness_dir();
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        prepare();
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0) {
            _exit(2);
        }
        raise(SIGSTOP);
        syscall(MARK);
        count();
        syscall(MARK);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFSTOPPED(status)) {
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
        counted.refused = true;
        return counted;
    }
    trace(child, &counted);
    return counted;
}

static struct ws_store *store;
static struct ws_session *session;
static int runs;
static size_t size;
static char payload[65536];

static void save_run(enum ws_kind kind, int run) {
    struct ws_digest key = a_key();
    struct ws_note note = {.kind = kind, .has_objective = true, .objective = run};
    char run_id[20];

    snprintf(run_id, sizeof run_id, "run-%d", run);
    CHECK_STATUS(ws_store_save(store, &key, run_id, &note, payload, size), WS_OK);
}

static void find(void) {
    struct ws_digest key = a_key();
    struct ws_entry *entry = NULL;

    CHECK_STATUS(ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry), WS_OK);
    ws_entry_free(entry);
}

static void find_named(void) {
    struct ws_digest key = a_key();
    struct ws_entry *entry = NULL;

    CHECK_STATUS(ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, "run-0", &entry), WS_OK);
    ws_entry_free(entry);
}

static void find_none(void) {
    struct ws_digest key = a_key();
    struct ws_entry *entry = NULL;

    key.bytes[15]++;
    CHECK_STATUS(ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry), WS_NOT_FOUND);
}

static void improve(void) {
    static double objective = 1000;
    struct ws_offer offer = {.payload = payload, .size = size, .objective = --objective};

    CHECK_STATUS(ws_session_checkpoint(session, &offer), WS_OK);
}

static void prepare_finished(void) {
    store = a_store();
    for (int run = 0; run < runs; run++) {
        save_run(WS_FINAL, run);
    }
    find();
}

static void prepare_running(void) {
    struct ws_digest key = a_key();

    store = a_store();
    CHECK_STATUS(ws_session_open(store, &key, NULL, &session), WS_OK);
    for (int i = 0; i < 4; i++) {
        improve();
    }
    find();
}

static void prepare_interrupted(void) {
    prepare_running();
    ws_session_close(session); /* its file stays, as at a kill */
}

static void prepare_none(void) {
    store = a_store();
    find_none();
}

static void prepare_swept(void) {
    struct ws_swept swept;

    prepare_finished();
    CHECK_STATUS(ws_sweep(store, &swept), WS_OK);
}

static void sweep_nothing(void) { CHECK(sweep_when_due(store).visited == 0); }

/* What was added makes a whole round due: `runs` files, in one shard. */
static void prepare_due(void) {
    prepare_swept();
    ws_store_release(store);
    store = bounded_store((uint64_t)runs * 16 * (WS_RECORD_HEADER + size), 30 * WS_DAY);
    for (int run = 0; run < runs; run++) {
        save_run(WS_FINAL, run);
    }
}

static void sweep_all(void) { CHECK(sweep_when_due(store).visited == (uint64_t)runs); }

static void at_most(struct counted counted, int calls) {
    if (!counted.refused && (counted.all == 0 || counted.all > calls)) {
        harness_fail(__FILE__, __LINE__, "%d system calls, not %d", counted.all, calls);
    }
}

static void asks_at_most(struct counted counted, int calls) {
    if (!counted.refused && (counted.asked == 0 || counted.asked > calls)) {
        harness_fail(__FILE__, __LINE__, "%d round trips, not %d", counted.asked, calls);
    }
}

/* As `store_save()` does it, of the key with this beginning, under a new name. */
static void save_new(const char *begin) {
    char hex[WS_DIGEST_HEX + 1] = KEY_HEX;
    char run_id[WS_RUN_ID_MAX + 1] = "";
    struct ws_note note = note_of(WS_FINAL, 1);

    memcpy(hex, begin, strlen(begin));
    struct ws_digest key = key_of(hex);
    CHECK_STATUS(ws_save(store, &key, run_id, &note, payload, size), WS_OK);
}

static void save_one(void) { save_new("012345"); }
static void save_in_new_shard(void) { save_new("012777"); }
static void save_in_new_branch(void) { save_new("777777"); }

static void prepare_served(void) {
    is_served = true;
    store = a_store();
}

static void prepare_used(void) {
    prepare_served();
    save_one();
}

static void find_none_elsewhere(void) {
    struct ws_digest key = key_of(OTHER_HEX);
    struct ws_entry *entry = NULL;

    CHECK_STATUS(ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry), WS_NOT_FOUND);
}

TEST("on a server's disk a lookup that finds no shard is one round trip") {
    asks_at_most(count_calls(prepare_served, find_none_elsewhere), 1);
    asks_at_most(count_calls(prepare_used, find_none_elsewhere), 1);
}

/* Four directories, each made and opened. */
TEST("on a server's disk the first save of a store is eighteen round trips") {
    size = 1024;
    asks_at_most(count_calls(prepare_served, save_one), 18);
}

TEST("on a server's disk a save in a new branch is eleven round trips") {
    size = 1024;
    asks_at_most(count_calls(prepare_used, save_in_new_branch), 11);
}

TEST("on a server's disk a save in a new shard is eight round trips") {
    size = 1024;
    asks_at_most(count_calls(prepare_used, save_in_new_shard), 8);
}

TEST("on a server's disk a save in place of another is ten round trips") {
    size = 1024;
    asks_at_most(count_calls(prepare_used, save_one), 10);
}

static void prepare_store(void) {
    store = a_store();
    save_one();
    save_new("777777");
}

TEST("a save in a new shard takes thirty-two system calls, with the sweep's") {
    size = 1024;
    at_most(count_calls(prepare_store, save_in_new_shard), 32);
}

TEST("a lookup of a key with one finished run takes six system calls") {
    runs = 1;
    size = 1024;
    at_most(count_calls(prepare_finished, find), 6);
}

TEST("a lookup of a key with one interrupted run takes six system calls") {
    size = 1024;
    at_most(count_calls(prepare_interrupted, find), 6);
}

TEST("a lookup takes two system calls for each further run") {
    runs = 4;
    size = 1024;
    at_most(count_calls(prepare_finished, find), 6 + 3 * 2);
}

TEST("a lookup of one run by its name takes four system calls, however many there are") {
    runs = 100;
    size = 1024;
    at_most(count_calls(prepare_finished, find_named), 4);
}

TEST("a lookup of a large payload takes two system calls more") {
    runs = 1;
    size = sizeof payload;
    at_most(count_calls(prepare_finished, find), 8);
}

TEST("a lookup that finds nothing takes one system call where the key's shard is missing") {
    at_most(count_calls(prepare_none, find_none), 1);
}

TEST("a checkpoint is one write") {
    size = 1024;
    struct counted counted = count_calls(prepare_running, improve);
    CHECK(counted.refused || (counted.writes == 1 && counted.syncs == 0 && counted.all <= 3));
}

/* One asks how large a file may be, which it would be killed for exceeding. */
TEST("a save in a store whose sweep is not due pays nine system calls for that") {
    runs = 1;
    size = 1024;
    at_most(count_calls(prepare_swept, sweep_nothing), 9);
}

/* Beside these, three directories are opened, listed and closed. */
TEST("a save pays four system calls for each file that it looks at") {
    runs = 40;
    size = 1024;
    at_most(count_calls(prepare_due, sweep_all), 9 + 12 + 4 * 40);
}

#endif

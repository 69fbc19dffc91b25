/*
 * What store.R measures from C, so that nothing of R is in the figures. Linked with the core.
 *
 *     store fill DIR FROM UPTO SIZE     final entries of these numbers, by as many processes as
 *                                       there are cores; nothing is synced
 *     store time DIR ENTRIES SIZE       way, median and 99th percentile in ns, a line each
 *     store sweep DIR MAX_SIZE          the whole: seconds, MiB of memory at most, bytes kept
 *     store slices DIR MAX_SIZE SAVES   what saves of 1 KiB pay for the sweep: median, 99th
 *                                       percentile, most and mean in ns, files looked at, files
 *                                       removed a save
 *     store once DIR WAY                one call, for strace: between two lines on stderr
 *     store payload DIR SIZE            as time, of one key with a payload of SIZE bytes
 *     store keys FROM UPTO BY           the keys of these numbers, a line each
 *
 * Syncs are this program's own: it can leave them out. A million of them would take a night.
 */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "session.h"
#include "sweep.h"

#define CALLS 2000
#define UNBOUNDED ((uint64_t)1 << 50)

static int syncing;

int fsync(int fd) { return syncing ? (int)syscall(SYS_fsync, fd) : 0; }

int fdatasync(int fd) { return syncing ? (int)syscall(SYS_fdatasync, fd) : 0; }

static void *payload;
static size_t payload_size;
static struct ws_store *store;
static uint64_t entries;

static void check(enum ws_status status) {
    if (status != WS_OK) {
        char words[200];
        ws_status_describe(status, 0, words, sizeof words);
        fprintf(stderr, "bench/store.c: %s\n", words);
        exit(1);
    }
}

static struct ws_digest key_of(uint64_t number) { return ws_hash_128(&number, sizeof number); }

static void open_store(const char *path, uint64_t max_size, size_t size) {
    struct ws_store_options options = {.max_size = max_size, .max_age = 3650 * WS_DAY};

    check(ws_store_open(path, &options, &store));
    payload = calloc(1, size + 1);
    payload_size = size;
}

static void save(uint64_t number) {
    struct ws_digest key = key_of(number);
    struct ws_note note = {.kind = WS_FINAL, .has_objective = true, .objective = 1};
    char run_id[WS_RUN_ID_MAX + 1];

    check(ws_run_id_new(run_id));
    check(ws_store_save(store, &key, run_id, &note, payload, payload_size));
}

static int64_t now(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* The ways. Each takes a number of its own at every call. */

static void look_up(uint64_t number, enum ws_status wanted) {
    struct ws_digest key = key_of(number);
    struct ws_entry *entry = NULL;
    enum ws_status status = ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry);

    if (status != wanted) {
        check(status == WS_OK ? WS_FOREIGN : status);
    }
    if (status == WS_OK) {
        ws_entry_free(entry);
    }
}

/* A thousand in every store: it is the store that is large, not what is in use of it. */
static void way_hit(uint64_t call) { look_up(call % 1000 * (entries / 1000) % entries, WS_OK); }
static void way_hit_any(uint64_t call) { look_up(call * 2654435761u % entries, WS_OK); }
static void way_miss(uint64_t call) { look_up(call % 1000 + ((uint64_t)1 << 40), WS_NOT_FOUND); }
static void way_save(uint64_t call) {
    struct ws_swept swept;

    save(call % 200 + ((uint64_t)1 << 41));
    ws_sweep_when_due(store, NULL, &swept);
}

static struct ws_session *session;
static uint64_t improvements;

static void way_checkpoint(uint64_t call) {
    struct ws_offer offer = {.payload = payload, .size = payload_size};

    (void)call;
    offer.objective = 1e9 - (double)++improvements;
    check(ws_session_checkpoint(session, &offer));
}

static void begin_session(void) {
    struct ws_digest key = key_of(entries / 2);

    check(ws_session_open(store, &key, NULL, &session));
    way_checkpoint(0);
}

static int by_size(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void measure(const char *name, void (*way)(uint64_t call), int calls) {
    static int64_t taken[CALLS];

    for (int i = 0; i < calls; i++) {
        int64_t began = now();
        way((uint64_t)i);
        taken[i] = now() - began;
    }
    qsort(taken, (size_t)calls, sizeof *taken, by_size);
    printf("%s %lld %lld\n", name, (long long)taken[calls / 2], (long long)taken[calls * 99 / 100]);
    fflush(stdout);
}

static void delete_numbers(uint64_t first, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        uint64_t removed;
        struct ws_digest key = key_of(first + i);
        check(ws_store_delete(store, &key, NULL, &removed));
    }
}

static void delete_saved(void) { delete_numbers((uint64_t)1 << 41, 200); }

static void measure_all(void) {
    begin_session();
    measure("checkpoint", way_checkpoint, CALLS);
    ws_session_close(session);
    measure("hit-anywhere", way_hit_any, CALLS);
    measure("first-hits", way_hit, CALLS);
    measure("hit", way_hit, CALLS);
    measure("first-misses", way_miss, CALLS);
    measure("miss", way_miss, CALLS);
    measure("save-unsynced", way_save, 200);
    delete_saved();
    measure("save-unsynced", way_save, 200);
    delete_saved();
    syncing = 1;
    measure("save", way_save, 200);
    syncing = 0;
    delete_saved();
}

static void measure_payload(void) {
    int calls = payload_size > 1000000 ? 10 : 200;

    entries = 1;
    begin_session();
    measure("checkpoint", way_checkpoint, calls);
    ws_session_close(session);
    syncing = 1;
    measure("save", way_save, calls < 50 ? calls : 50);
    syncing = 0;
    delete_saved();
    save(0);
    measure("hit", way_hit, calls);
}

static void sweep(void) {
    struct ws_swept swept;
    struct rusage usage;
    int64_t began = now();

    check(ws_sweep(store, &swept));
    double seconds = (double)(now() - began) / 1e9;
    getrusage(RUSAGE_SELF, &usage);
    printf("%f %f %llu\n", seconds, (double)usage.ru_maxrss / 1024,
           (unsigned long long)swept.kept_bytes);
}

static void slices(size_t saves) {
    int64_t *taken = calloc(saves + 1, sizeof *taken);
    uint64_t first = (uint64_t)1 << 42;
    uint64_t visited = 0;
    uint64_t removed = 0;
    double sum = 0;
    struct ws_swept swept;

    for (size_t i = 0; i < saves; i++) {
        save(first + i);
        int64_t began = now();
        ws_sweep_when_due(store, NULL, &swept);
        taken[i] = now() - began;
        sum += (double)taken[i];
        visited += swept.visited;
        removed += swept.files;
    }
    qsort(taken, saves, sizeof *taken, by_size);
    printf("%lld %lld %lld %f %f %f\n", (long long)taken[saves / 2],
           (long long)taken[saves * 99 / 100], (long long)taken[saves - 1], sum / (double)saves,
           (double)visited / (double)saves, (double)removed / (double)saves);
    free(taken);
    delete_numbers(first, saves);
}

static void fill(uint64_t from, uint64_t upto) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t parts = cores > 0 ? (uint64_t)cores : 1;

    for (uint64_t part = 0; part < parts; part++) {
        if (fork() == 0) {
            for (uint64_t i = from + part; i < upto; i += parts) {
                save(i);
            }
            _exit(0);
        }
    }
    for (uint64_t part = 0; part < parts; part++) {
        int status = -1;
        wait(&status);
        check(status == 0 ? WS_OK : WS_OS_ERROR);
    }
}

static void print_keys(char **argv) {
    uint64_t by = strtoull(argv[4], NULL, 10);

    for (uint64_t i = strtoull(argv[2], NULL, 10); i < strtoull(argv[3], NULL, 10); i += by) {
        char hex[WS_DIGEST_HEX + 1];
        struct ws_digest key = key_of(i);
        ws_digest_format(&key, hex);
        puts(hex);
    }
}

static void say(const char *line) {
    if (write(2, line, strlen(line)) < 0) {
        exit(1);
    }
}

static void once(const char *way) {
    entries = 1;
    save(0);
    if (strcmp(way, "hit-of-two") == 0) {
        save(0);
    }
    if (strcmp(way, "save") == 0) {
        way_save(1); /* makes the shard, and the round's file */
    }
    if (strcmp(way, "checkpoint") == 0) {
        begin_session();
    }
    say("begin\n");
    if (strcmp(way, "save") == 0) {
        syncing = 1;
        way_save(1);
    } else if (strcmp(way, "checkpoint") == 0) {
        way_checkpoint(1);
    } else if (strcmp(way, "miss") == 0) {
        look_up(((uint64_t)1 << 16) + 0, WS_NOT_FOUND);
    } else {
        way_hit(0);
    }
    say("end\n");
}

int main(int argc, char **argv) {
    const char *what = argc > 3 ? argv[1] : "";

    if (strcmp(what, "fill") == 0 && argc > 5) {
        open_store(argv[2], UNBOUNDED, strtoull(argv[5], NULL, 10));
        fill(strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    } else if (strcmp(what, "time") == 0 && argc > 4) {
        entries = strtoull(argv[3], NULL, 10);
        open_store(argv[2], UNBOUNDED, strtoull(argv[4], NULL, 10));
        measure_all();
    } else if (strcmp(what, "sweep") == 0) {
        open_store(argv[2], strtoull(argv[3], NULL, 10), 0);
        sweep();
    } else if (strcmp(what, "slices") == 0 && argc > 4) {
        open_store(argv[2], strtoull(argv[3], NULL, 10), 1024);
        slices(strtoull(argv[4], NULL, 10));
    } else if (strcmp(what, "keys") == 0 && argc > 4) {
        print_keys(argv);
    } else if (strcmp(what, "once") == 0) {
        open_store(argv[2], UNBOUNDED, 1024);
        once(argv[3]);
    } else if (strcmp(what, "payload") == 0) {
        open_store(argv[2], UNBOUNDED, strtoull(argv[3], NULL, 10));
        measure_payload();
    } else {
        fputs("see the head of bench/store.c\n", stderr);
        return 2;
    }
    ws_store_release(store);
    free(payload);
    return 0;
}

/*
 * fixtures: what several of the core's tests need. Keys, notes, files as bytes, stores, children.
 *
 * Everything here fails the running test itself, so that a test reads as what it is about. Objects
 * that a test makes are its own to close; paths and directories go with the harness.
 */
#ifndef FIXTURES_H
#define FIXTURES_H

#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytes.h"
#include "harness.h"
#include "runs.h"
#include "session.h"
#include "sweep.h"

#define SECOND ((int64_t)1000000000) /* ns */
#define NO_OBJECTIVE ((double)NAN)

/* Chance, the same in every run: splitmix64. */
static inline uint64_t draw(uint64_t *state) {
    uint64_t mixed = *state += 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

static inline uint64_t draw_below(uint64_t *state, uint64_t bound) { return draw(state) % bound; }

static inline void fill_random(uint64_t *state, uint8_t *bytes, size_t size) {
    uint8_t word[8];

    for (size_t i = 0; i < size; i++) {
        if (i % sizeof word == 0) {
            ws_put_u64(word, draw(state));
        }
        bytes[i] = word[i % sizeof word];
    }
}

/* Keys and notes. */

static inline struct ws_digest key_of(const char *hex) {
    struct ws_digest key;

    CHECK_STATUS(ws_digest_parse(hex, &key), WS_OK);
    return key;
}

#define KEY_HEX "0123456789abcdef0123456789abcdef"
#define OTHER_HEX "fedcba9876543210fedcba9876543210"

static inline struct ws_digest a_key(void) { return key_of(KEY_HEX); }
static inline struct ws_digest other_key(void) { return key_of(OTHER_HEX); }

static inline bool same_key(const struct ws_digest *a, const struct ws_digest *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static inline struct ws_note note_of(enum ws_kind kind, double objective) {
    struct ws_note note = {.kind = kind};

    ws_note_set_objective(&note, objective);
    return note;
}

static inline struct ws_record record_of(enum ws_kind kind, double objective, uint64_t sequence) {
    return (struct ws_record){.note = note_of(kind, objective),
                              .key = a_key(),
                              .sequence = sequence,
                              .written = (int64_t)(sequence % 1000000000) * SECOND};
}

/* Gives a header that was changed by hand the digest that fits it, as a liar would. */
static inline void sign_header(uint8_t header[WS_RECORD_HEADER]) {
    ws_put_u64(header + 248, ws_hash_64(header, 248));
}

/* Files, seen from outside. */

struct image {
    uint8_t *bytes;
    size_t size;
};

static inline struct image image_of(const char *path) {
    struct image image = {0};
    struct stat info;
    int fd = open(path, O_RDONLY);

    CHECK(fd >= 0 && fstat(fd, &info) == 0);
    image.size = (size_t)info.st_size;
    image.bytes = malloc(image.size + 1);
    CHECK(image.bytes && pread(fd, image.bytes, image.size, 0) == (ssize_t)image.size);
    close(fd);
    return image;
}

static inline size_t image_size(const char *path) {
    struct stat info;

    CHECK(stat(path, &info) == 0);
    return (size_t)info.st_size;
}

static inline void write_at(const char *path, size_t offset, const void *bytes, size_t size) {
    int fd = open(path, O_RDWR | O_CREAT, 0600);

    CHECK(fd >= 0 && pwrite(fd, bytes, size, (off_t)offset) == (ssize_t)size);
    close(fd);
}

/* A new file each time: emptying one, or renaming over one, makes some file systems write to the
 * disk. */
static inline void make_file(const char *path, const void *bytes, size_t size) {
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

    CHECK(fd >= 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
    close(fd);
}

static inline void flip_bit(const char *path, size_t offset) {
    struct image image = image_of(path);

    CHECK(offset < image.size);
    image.bytes[offset] ^= 1;
    write_at(path, offset, image.bytes + offset, 1);
    free(image.bytes);
}

static inline bool exists(const char *path) {
    struct stat info;

    return lstat(path, &info) == 0;
}

/* What some file systems cannot: their tests are not run. */

static inline void make_pipe(const char *path) {
    if (mkfifo(path, 0600) != 0) {
        CHECK(errno == ENOSYS || errno == EPERM || errno == EOPNOTSUPP || errno == EIO);
        harness_skip("needs pipes");
    }
}

/* A second name, and that the file's count of names tells of it. */
static inline void make_link(const char *path, const char *name) {
    struct stat info;

    CHECK(link(path, name) == 0 && lstat(name, &info) == 0);
    if (info.st_nlink == 1) {
        harness_skip("needs counts of names");
    }
}

static inline uint64_t bytes_on_disk(const char *path) {
    struct stat info;

    CHECK(stat(path, &info) == 0);
    return (uint64_t)info.st_blocks * 512;
}

static inline void set_modified(const char *path, int64_t ns) {
    struct timespec times[2] = {{.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND},
                                {.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND}};

    CHECK(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0);
}

static inline int64_t modified_of(const char *path) {
    struct stat info;

    CHECK(stat(path, &info) == 0);
    return (int64_t)info.st_mtim.tv_sec * SECOND + info.st_mtim.tv_nsec;
}

static inline void remove_tree(const char *path) {
    harness_remove(path);
    /* Windows keeps an open file, as do file systems in user space, under a name of their own. */
    if (exists(path)) {
        harness_skip("needs directories that go while a file in them is open");
    }
}

/* Handles of the core. */

static inline struct ws_dir *dir_at(const char *path) {
    struct ws_dir *dir = NULL;

    CHECK_STATUS(ws_os_dir_open(path, WS_MAKE_DURABLE, &dir), WS_OK);
    return dir;
}

static inline struct ws_dir *test_dir(void) { return dir_at(harness_dir()); }

static inline struct ws_file *file_in(struct ws_dir *dir, const char *name) {
    struct ws_file *file = NULL;

    CHECK_STATUS(ws_os_file_open(dir, name, &file), WS_OK);
    return file;
}

static inline struct ws_file *new_file_in(struct ws_dir *dir, const char *name) {
    struct ws_file *file = NULL;

    CHECK_STATUS(ws_os_file_create(dir, name, &file), WS_OK);
    return file;
}

static inline bool is_locked(struct ws_file *file) {
    bool locked = false;

    CHECK_STATUS(ws_os_file_is_locked(file, &locked), WS_OK);
    return locked;
}

/* Stores. */

static inline struct ws_store *bounded_store(uint64_t max_size, int64_t max_age) {
    struct ws_store_options options = {.max_size = max_size, .max_age = max_age};
    struct ws_store *store = NULL;

    CHECK_STATUS(ws_store_open(harness_path("store"), &options, &store), WS_OK);
    return store;
}

static inline struct ws_store *a_store_at(const char *path) {
    struct ws_store_options options = {.max_size = (uint64_t)1 << 30, .max_age = 30 * WS_DAY};
    struct ws_store *store = NULL;

    CHECK_STATUS(ws_store_open(path, &options, &store), WS_OK);
    return store;
}

static inline struct ws_store *a_store(void) {
    return bounded_store((uint64_t)1 << 30, 30 * WS_DAY);
}

static inline struct ws_swept sweep_when_due(struct ws_store *store) {
    struct ws_swept swept;

    ws_sweep_when_due(store, NULL, &swept);
    return swept;
}

/* The path of a run's file, by the layout that the design fixes. */
static inline const char *run_path(const char *hex, const char *run_id) {
    char relative[256];

    snprintf(relative, sizeof relative, "store/v1/%.3s/%.3s/%s-%s.warm", hex, hex + 3, hex, run_id);
    return harness_path(relative);
}

/* Text is its own payload. */
static inline void save_text(struct ws_store *store, const struct ws_digest *key,
                             const char *run_id, enum ws_kind kind, double objective,
                             const char *text) {
    struct ws_note note = note_of(kind, objective);

    CHECK_STATUS(ws_store_save(store, key, run_id, &note, text, strlen(text)), WS_OK);
}

static inline bool holds_text(const struct ws_entry *entry, const char *text) {
    return entry->record.payload_size == strlen(text) &&
           memcmp(entry->payload, text, strlen(text)) == 0;
}

/* Fails where a lookup does not find exactly this text; NULL: nothing. */
static inline void expect_found(struct ws_store *store, const struct ws_digest *key,
                                enum ws_select select, int kind, const char *text) {
    struct ws_entry *entry = NULL;
    enum ws_status status = ws_store_lookup(store, key, select, kind, NULL, &entry);

    if (!text) {
        CHECK_STATUS(status, WS_NOT_FOUND);
        return;
    }
    CHECK_STATUS(status, WS_OK);
    if (!holds_text(entry, text)) {
        harness_fail(__FILE__, __LINE__, "found \"%.*s\", not \"%s\"",
                     (int)entry->record.payload_size, (const char *)entry->payload, text);
    }
    ws_entry_free(entry);
}

static inline void expect_best(struct ws_store *store, const struct ws_digest *key,
                               const char *text) {
    expect_found(store, key, WS_BEST, WS_ANY_KIND, text);
}

static inline void expect_latest(struct ws_store *store, const struct ws_digest *key,
                                 const char *text) {
    expect_found(store, key, WS_LATEST, WS_ANY_KIND, text);
}

static inline enum ws_status count_one_run(void *context, const struct ws_run *run) {
    (void)run;
    ++*(int *)context;
    return WS_OK;
}

/* How many runs the store shows; of all keys where `key` is NULL. */
static inline int runs_in(struct ws_store *store, const struct ws_digest *key) {
    int count = 0;

    CHECK_STATUS(ws_store_each(store, key, count_one_run, &count), WS_OK);
    return count;
}

/* But for what a file system in user space keeps of a deleted file that is open. */
static inline enum ws_status count_one_name(void *context, const char *name) {
    *(int *)context += strncmp(name, ".fuse_hidden", 12) != 0;
    return WS_OK;
}

static inline int names_in(const char *path) {
    struct ws_dir *dir = dir_at(path);
    int count = 0;

    CHECK_STATUS(ws_os_dir_list(dir, count_one_name, &count), WS_OK);
    ws_os_dir_close(dir);
    return count;
}

/* Children. */

/* Waits for a child that ends by itself, having met all its checks. */
static inline void expect_success(pid_t child) {
    int status = -1;

    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A child that does its work, then waits to be killed; or for its parent's end, lest it stay. */
struct victim {
    pid_t pid;
    int leash; /* the child ends when this is closed */
};

/* Returns when the work is done. */
static inline struct victim start_victim(void (*work)(void *context), void *context) {
    struct victim victim;
    int done[2];
    int leash[2];
    char byte;

    CHECK(pipe(done) == 0 && pipe(leash) == 0);
    victim.pid = fork();
    if (victim.pid == 0) {
        close(leash[1]);
        work(context);
        CHECK(write(done[1], "", 1) == 1);
        _exit(read(leash[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(done[1]);
    close(leash[0]);
    victim.leash = leash[1];
    CHECK(victim.pid > 0 && read(done[0], &byte, 1) == 1);
    close(done[0]);
    return victim;
}

static inline void kill_victim(struct victim victim) {
    int status = -1;

    CHECK(kill(victim.pid, SIGKILL) == 0 && waitpid(victim.pid, &status, 0) == victim.pid);
    CHECK(WIFSIGNALED(status));
    close(victim.leash);
}

#endif

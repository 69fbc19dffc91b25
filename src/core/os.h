/*
 * os: the little that the core asks of the operating system. Every platform difference lives
 * behind this header, in os_posix*.c and os_windows.c; a test may link a third implementation.
 *
 * Files are reached through a directory handle, by a single name:
 *
 *     ws_os_dir_open(path, make, &dir)          a directory; missing parents are made on request
 *     ws_os_dir_open_below(path, below, ...)    one below it, by names that are no links
 *     ws_os_file_open / _edit / _create         a file in it: to read, to change, or new
 *     ws_os_file_read / _write / _sync ...      positioned; there is no file offset to keep
 *     ws_os_rename / ws_os_unlink               names in one directory
 *     ws_os_dir_sync(dir)                       makes names durable, as _file_sync does bytes
 *     ws_os_file_close / ws_os_dir_close        accept NULL
 *     ws_os_errand_start / _wait / _leave       what may take long, without waiting for its end
 *
 * Handles belong to the caller. They are never inherited across exec; a forked child closes its
 * copies and nothing happens to the parent's. Those of files that are locked are closed in the
 * child as it begins, so that the lock ends with the process that took it; there they only remain
 * to be given to _file_close. Interrupted calls are retried here and short reads
 * and writes completed, so a status of WS_OK always means the whole thing. On WS_OS_ERROR errno
 * is set, also on Windows, and closing on an error path leaves errno as it was.
 */
#ifndef WS_OS_H
#define WS_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

struct ws_dir;
struct ws_file;
struct ws_errand;

struct ws_file_info {
    uint64_t size;    /* bytes */
    uint64_t blocks;  /* bytes of the disk that it takes; 0 where that is not told */
    uint64_t links;   /* names that lead to the file; 0 once it was unlinked */
    int64_t modified; /* ns since 1970-01-01 UTC */
    bool regular;
};

/* Which file it is, among all that exist on this machine. */
struct ws_file_identity {
    uint64_t device;
    uint64_t number;
};

/* What becomes of directories that are missing: they stay so, and the status is WS_NOT_FOUND; they
 * are made; or they are made, and neither their names nor others' on the way, which somebody else
 * may have made a moment ago, are lost with the power once the call has returned. */
enum ws_make { WS_MAKE_NONE, WS_MAKE, WS_MAKE_DURABLE };

/* Made: 0700, whatever the umask; in a directory that is shared, as that. */
enum ws_status ws_os_dir_open(const char *path, enum ws_make make, struct ws_dir **dir);
/* The directory `below` ("v1/0123") the directory `path`. Symbolic links are followed on the way
 * to `path`, which is the user's to choose, and not below it. */
enum ws_status ws_os_dir_open_below(const char *path, const char *below, enum ws_make make,
                                    struct ws_dir **dir);
/* Calls `visit` for each name except "." and ".."; stops at the first that is not WS_OK. */
enum ws_status ws_os_dir_list(struct ws_dir *dir,
                              enum ws_status (*visit)(void *context, const char *name),
                              void *context);
enum ws_status ws_os_dir_sync(struct ws_dir *dir);
/* When a name in it was last added, taken or changed, ns since 1970-01-01 UTC. */
enum ws_status ws_os_dir_modified(struct ws_dir *dir, int64_t *modified);
/* Whether the call that opened it made it; false where that is not known. */
bool ws_os_dir_is_new(const struct ws_dir *dir);
/* Whose disk it is that `path` is on. */
enum ws_disk {
    WS_DISK_OWN,    /* this system's, or it cannot be known */
    WS_DISK_SHARED, /* others may change names without its knowing at once, as on a network's */
    WS_DISK_SERVED  /* NFS: besides, no change of a name is answered before it is durable */
};
enum ws_disk ws_os_disk(const char *path);
/* Whether `path` is a directory in which this user may make no name for want of rights, and whose
 * it is. */
bool ws_os_is_barred(const char *path, uint64_t *owner);
/* Removes a directory from `dir`, where it is empty and no name in it has changed since; else
 * WS_BUSY. */
enum ws_status ws_os_dir_remove(struct ws_dir *dir, const char *name, int64_t since);
/* Makes the directory `name` in `path`, and what is missing on the way, and shares it with the
 * group of `path`: mode 2770, and so for all directories that will be made below, 0660 for files.
 * What is in it is shared as well. Where it is shared already nothing is done. WS_OS_ERROR with
 * EPERM where it is somebody else's and not shared, with ENOSYS where the system has no such
 * rights. */
enum ws_status ws_os_dir_share(const char *path, const char *name);
bool ws_os_dir_is_shared(struct ws_dir *dir);
void ws_os_dir_close(struct ws_dir *dir);

/* For reading. Symbolic links are not followed. */
enum ws_status ws_os_file_open(struct ws_dir *dir, const char *name, struct ws_file **file);
/* For reading and writing what is there. Symbolic links are not followed. */
enum ws_status ws_os_file_edit(struct ws_dir *dir, const char *name, struct ws_file **file);
/* For reading and writing; the name must be new. Created: 0600, whatever the umask; in a
 * directory that is shared, 0660. */
enum ws_status ws_os_file_create(struct ws_dir *dir, const char *name, struct ws_file **file);
enum ws_status ws_os_file_info(struct ws_file *file, struct ws_file_info *info);
enum ws_status ws_os_file_identity(struct ws_file *file, struct ws_file_identity *identity);
/* Whether the file is the one at `path`, an absolute one, and nobody but this user and the
 * system's administrator can have put it there or changed it: the file and the `depth` directories
 * above it are owned by this user and cannot be written by others; so for the directories further
 * up, but for those that the administrator owns, and where all may add names but only a name's
 * owner remove it, as in /tmp. No part is a symbolic link, but for such that the administrator set
 * up further up. False where that cannot be known. */
bool ws_os_is_private(const char *path, int depth, const struct ws_file_identity *identity);
/* Whether just one name leads to the file, as far as the system knows without asking a server.
 * Cheap enough to ask before every write. */
enum ws_status ws_os_file_has_one_name(struct ws_file *file, bool *has_one_name);
/* Whether the file itself knows that a name was taken from it: to a program that serves a file
 * system it may be what its name was, for as long as it is open. */
bool ws_os_file_knows_its_names(struct ws_file *file);
/* Whether `name` leads to the file. Asked of the file system itself, not of what the system has
 * kept in mind. */
enum ws_status ws_os_file_is_named(struct ws_dir *dir, const char *name, struct ws_file *file,
                                   bool *is_named);
/* Reads up to `size` bytes from `offset`; *got is less only where the file ends. */
enum ws_status ws_os_file_read(struct ws_file *file, uint64_t offset, void *bytes, size_t size,
                               size_t *got);
/* Reads the first up to `size` bytes by one system call; *got may be less though there is more. */
enum ws_status ws_os_file_peek(struct ws_file *file, void *bytes, size_t size, size_t *got);
/* Writes `head`, then `body` right behind it: one system call where the platform has one. */
enum ws_status ws_os_file_write(struct ws_file *file, uint64_t offset, const void *head,
                                size_t head_size, const void *body, size_t body_size);
/* Sets the size and, where the file system can, reserves the blocks, so that a later write
 * inside the file does not meet a full disk. This and writing fail with EFBIG where the process may
 * not write so far: its limit is asked for when the file is opened, and again on request. */
enum ws_status ws_os_file_allocate(struct ws_file *file, uint64_t size);
void ws_os_file_ask_limit(struct ws_file *file);
/* May be called by an errand while others write. */
enum ws_status ws_os_file_sync(struct ws_file *file);
/* Sets the time of last modification, ns since 1970-01-01 UTC. Of a file that is another's, and may
 * be written, to what the time is by the system's clock. */
enum ws_status ws_os_file_touch(struct ws_file *file, int64_t modified);
enum ws_status ws_os_file_close(struct ws_file *file);
/* Closes a directory and files that were only read, by one system call where that can be. */
void ws_os_close_together(struct ws_dir *dir, struct ws_file *const files[], size_t count);

/* Errands. A server that is gone answers no call, and none that waits for it can be interrupted. So
 * `work` is done by a thread of its own, which handles no signals and calls nothing of R's; `end`
 * releases what `context` is, by whichever thread is the last to need it. Where there is no thread
 * to be had it fails, and `end` is not called. A system without threads does the work at once. */
enum ws_status ws_os_errand_start(enum ws_status (*work)(void *context), void (*end)(void *context),
                                  void *context, struct ws_errand **errand);
/* WS_BUSY where it has not come back within that time; else what it came to, with its errno. In a
 * forked child no errand of its parent ever succeeds. */
enum ws_status ws_os_errand_wait(struct ws_errand *errand, int64_t ns, enum ws_status *result);
/* Nobody waits for it any more. Accepts NULL. */
void ws_os_errand_leave(struct ws_errand *errand);

/* An advisory lock on the whole file, held by this open file until it is closed or its process
 * dies. WS_BUSY where another holds it; never waits. */
enum ws_status ws_os_file_lock(struct ws_file *file);
/* Whether another open file holds the lock. Does not take it. */
enum ws_status ws_os_file_is_locked(struct ws_file *file, bool *locked);

/* Atomic; replaces `to`. */
enum ws_status ws_os_rename(struct ws_dir *dir, const char *from, const char *to);
enum ws_status ws_os_unlink(struct ws_dir *dir, const char *name);

int64_t ws_os_now(void);      /* ns since 1970-01-01 UTC */
uint64_t ws_os_process(void); /* id of this process, another one in a forked child */
/* This host's name, cut to fit and always terminated; "localhost" where it has none. */
void ws_os_host(char *name, size_t size);
enum ws_status ws_os_random(void *bytes, size_t size);

#endif

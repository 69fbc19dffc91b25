/*
 * os_posix: what the files os_posix*.c have in common.
 */
#ifndef WS_OS_POSIX_H
#define WS_OS_POSIX_H

#ifdef __linux__
#define _GNU_SOURCE /* open file description locks, O_PATH, openat2, pwritev, statx */
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os.h"

#define NS_PER_S ((int64_t)1000000000)

struct ws_dir {
    int fd;
    mode_t mode; /* 0: not asked for */
    bool is_new;
#ifdef __linux__
    bool listed; /* its position is not the beginning any more */
#else
    DIR *stream; /* owns fd once it is open */
#endif
};

struct ws_file {
    int fd;              /* less than 0 in a forked child of the process that has locked it */
    uint64_t size_limit; /* of this process's files, as it was asked last */
    struct ws_file *next_held;
    bool is_placed;     /* whether that was asked: */
    bool in_user_space; /* it is some program's, which is to the system what a disk is */
};

static inline enum ws_status status_of_errno(void) {
    if (errno == ENOENT) {
        return WS_NOT_FOUND;
    }
    return errno == ENOMEM ? WS_NO_MEMORY : WS_OS_ERROR;
}

static inline void close_quietly(int fd) {
    int saved = errno;

    if (fd >= 0) {
        close(fd);
    }
    errno = saved;
}

static inline int sync_retrying(int fd) {
    int result;

    do {
#ifdef __APPLE__
        result = fcntl(fd, F_FULLFSYNC); /* fsync does not empty the drive's cache there */
        if (result < 0 && (errno == ENOTSUP || errno == ENOTTY || errno == EINVAL)) {
            result = fsync(fd);
        }
#else
        result = fsync(fd);
#endif
    } while (result < 0 && errno == EINTR);
    return result;
}

/* Some file systems cannot sync a directory; then its names are as durable as they get. */
static inline enum ws_status sync_directory(int fd) {
    return sync_retrying(fd) < 0 && errno != EINVAL ? WS_OS_ERROR : WS_OK;
}

/* File systems go further than nanoseconds can count, and anyone can set a file's time. */
static inline int64_t ns_of(struct timespec time) {
    if ((int64_t)time.tv_sec >= INT64_MAX / NS_PER_S) {
        return INT64_MAX;
    }
    if ((int64_t)time.tv_sec <= INT64_MIN / NS_PER_S) {
        return INT64_MIN;
    }
    return (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec;
}

static inline int64_t modified_of(const struct stat *stat) {
#ifdef __APPLE__
    return ns_of(stat->st_mtimespec);
#else
    return ns_of(stat->st_mtim);
#endif
}

/* As openat(), but for being interrupted and inherited. */
static inline int open_retrying(int at, const char *name, int flags, mode_t mode) {
    int fd;

    do {
        fd = openat(at, name, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* 0 where it cannot be known. */
static inline mode_t mode_of(int fd) {
    struct stat stat;

    return fstat(fd, &stat) == 0 ? stat.st_mode : 0;
}

/* Gives what was just made the rights that it was to have, of which a umask may have taken some;
 * where that fails, that is how it stays. It is asked first what is there, which the system knows:
 * to set it is a server's work. Returns the mode. */
static inline mode_t set_rights(int fd, mode_t rights) {
    int saved = errno;
    mode_t mode = mode_of(fd);

    if ((mode & 07777) != rights && fchmod(fd, rights) == 0) {
        mode = mode_of(fd);
    }
    errno = saved;
    return mode;
}

/* What a group shares, which its mode tells: both the right to write and that what is made there is
 * the group's too. */
#define WS_GROUP_DIRECTORY (S_ISGID | S_IRWXU | S_IRWXG)
#define WS_GROUP_FILE (S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP)

static inline bool ws_is_for_group(mode_t mode) {
    return (mode & (S_ISGID | S_IWGRP)) == (S_ISGID | S_IWGRP);
}

/* The file is closed: it holds no lock any more. */
void ws_posix_forget_lock(const struct ws_file *file);

#endif

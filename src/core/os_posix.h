/*
 * os_posix: what os_posix.c, os_posix_group.c and os_posix_private.c have in common.
 */
#ifndef WS_OS_POSIX_H
#define WS_OS_POSIX_H

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "os.h"

/* As openat(), but for being interrupted and inherited. */
static inline int open_retrying(int at, const char *name, int flags, mode_t mode) {
    int fd;

    do {
        fd = openat(at, name, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* What a group shares, which its mode tells: both the right to write and that what is made there is
 * the group's too. */
#define WS_GROUP_DIRECTORY (S_ISGID | S_IRWXU | S_IRWXG)
#define WS_GROUP_FILE (S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP)

static inline bool ws_is_for_group(mode_t mode) {
    return (mode & (S_ISGID | S_IWGRP)) == (S_ISGID | S_IWGRP);
}

#endif

/*
 * os_posix: what os_posix.c and os_posix_private.c share.
 */
#ifndef WS_OS_POSIX_H
#define WS_OS_POSIX_H

#include <errno.h>
#include <fcntl.h>

#include "os.h"

/* As openat(), but for being interrupted and inherited. */
static inline int open_retrying(int at, const char *name, int flags, mode_t mode) {
    int fd;

    do {
        fd = openat(at, name, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

#endif

#include "os_posix.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#ifdef __linux__
#include <sys/statfs.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif

#if defined(__linux__) || defined(MNT_LOCAL)

/* Of what is there on the way to `path`. */
static bool find_file_system(const char *path, struct statfs *found) {
    char upto[PATH_MAX];

    if (snprintf(upto, sizeof upto, "%s", path) >= (int)sizeof upto) {
        return false;
    }
    while (statfs(upto, found) < 0) {
        char *end = strrchr(upto, '/');
        if (errno != ENOENT || !end || end == upto) {
            return false;
        }
        *end = '\0';
    }
    return true;
}

#endif

#ifdef __linux__

/* Those of disks and memory. Any other may be another machine's. */
enum ws_disk ws_os_disk(const char *path) {
    static const unsigned long own[] = {
        0xef53,     /* ext2 to ext4 */
        0x58465342, /* xfs */
        0x9123683e, /* btrfs */
        0xf2f52010, /* f2fs */
        0x01021994, /* tmpfs */
        0x858458f6, /* ramfs */
        0x794c7630, /* overlay */
        0x2fc12fc1, /* zfs */
    };
    struct statfs found;

    if (!find_file_system(path, &found)) {
        return WS_DISK_OWN;
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if ((unsigned long)found.f_type == own[i]) {
            return WS_DISK_OWN;
        }
    }
    return (unsigned long)found.f_type == 0x6969 ? WS_DISK_SERVED : WS_DISK_SHARED; /* nfs */
}

#elif defined(MNT_LOCAL)

enum ws_disk ws_os_disk(const char *path) {
    struct statfs found;
    bool is_shared = find_file_system(path, &found) && (found.f_flags & MNT_LOCAL) == 0;

    return is_shared ? WS_DISK_SHARED : WS_DISK_OWN;
}

#else

enum ws_disk ws_os_disk(const char *path) {
    (void)path;
    return WS_DISK_OWN;
}

#endif

bool ws_os_is_barred(const char *path, uint64_t *owner) {
    struct stat stat;

    if (faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) == 0 || errno != EACCES ||
        fstatat(AT_FDCWD, path, &stat, 0) < 0) {
        return false;
    }
    *owner = (uint64_t)stat.st_uid;
    return true;
}

#include "os_posix.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether others could have put a file where it is. The path is gone through name by name, each
 * opened in the directory that was checked before it: so that what was checked is what was gone
 * through. */

#define LINKS_MAX 40 /* as many as Linux follows */

#ifdef O_PATH
#define GO_THROUGH O_PATH /* also where the directory may not be listed */
#else
#define GO_THROUGH O_RDONLY
#endif

static bool others_can_write(const struct stat *stat) {
    return (stat->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

static bool is_own(const struct stat *stat) {
    return stat->st_uid == geteuid() && !others_can_write(stat);
}

/* Whether nobody else can replace what is in this directory and ours, or the administrator's. */
static bool keeps_names(const struct stat *stat) {
    return (stat->st_uid == 0 || stat->st_uid == geteuid()) &&
           (!others_can_write(stat) || (stat->st_mode & S_ISVTX) != 0);
}

struct way {
    int at;         /* the directory reached */
    char *path;     /* what is left to go, malloc'd */
    unsigned links; /* followed so far */
};

static unsigned names_in(const char *path) {
    unsigned count = 0;

    for (path += strspn(path, "/"); *path != '\0'; path += strspn(path, "/")) {
        path += strcspn(path, "/");
        count++;
    }
    return count;
}

static bool go_to(struct way *way, int fd) {
    if (way->at >= 0) {
        close(way->at);
    }
    way->at = fd;
    return fd >= 0;
}

/* Back to the root, where the way that is left begins there. */
static bool begin_way(struct way *way) {
    struct stat stat;

    if (way->path[0] != '/') {
        return way->at >= 0;
    }
    return go_to(way, open_retrying(AT_FDCWD, "/", GO_THROUGH | O_DIRECTORY, 0)) &&
           fstat(way->at, &stat) == 0 && keeps_names(&stat);
}

/* Puts the link's target before `rest`. */
static bool follow_link(struct way *way, const char *name, const char *rest) {
    char target[PATH_MAX];
    struct stat stat;

    if (++way->links > LINKS_MAX || fstatat(way->at, name, &stat, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISLNK(stat.st_mode) || stat.st_uid != 0) {
        return false;
    }
    ssize_t size = readlinkat(way->at, name, target, sizeof target);
    if (size <= 0 || (size_t)size == sizeof target) {
        return false;
    }
    size_t room = (size_t)size + strlen(rest) + 2;
    char *path = malloc(room);
    if (!path) {
        return false;
    }
    snprintf(path, room, "%.*s/%s", (int)size, target, rest);
    free(way->path);
    way->path = path;
    return begin_way(way);
}

/* Goes through the directory `name`. */
static bool go_through(struct way *way, const char *name, const char *rest, bool must_be_own) {
    struct stat stat;
    int fd = open_retrying(way->at, name, GO_THROUGH | O_DIRECTORY | O_NOFOLLOW, 0);

    if (fd < 0) {
        return !must_be_own && follow_link(way, name, rest);
    }
    if (fstat(fd, &stat) < 0 || !(must_be_own ? is_own(&stat) : keeps_names(&stat))) {
        close(fd);
        return false;
    }
    memmove(way->path, rest, strlen(rest) + 1);
    return go_to(way, fd);
}

static bool is_private_file(int at, const char *name, const struct ws_file_identity *identity) {
    struct stat stat;

    return fstatat(at, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(stat.st_mode) &&
           is_own(&stat) && (uint64_t)stat.st_dev == identity->device &&
           (uint64_t)stat.st_ino == identity->number;
}

bool ws_os_is_private(const char *path, int depth, const struct ws_file_identity *identity) {
    char name[NAME_MAX + 1];
    struct way way = {.at = -1, .path = strdup(path)};
    bool private = way.path && begin_way(&way);
    unsigned ahead = private ? names_in(way.path) : 0;

    for (; private && ahead > 0; ahead = names_in(way.path)) {
        const char *begin = way.path + strspn(way.path, "/");
        size_t size = strcspn(begin, "/");
        if (size >= sizeof name) {
            private = false;
            break;
        }
        memcpy(name, begin, size);
        name[size] = '\0';
        if (ahead == 1) {
            private = is_private_file(way.at, name, identity);
            break;
        }
        private = go_through(&way, name, begin + size, ahead <= (unsigned)depth + 1);
    }
    go_to(&way, -1);
    free(way.path);
    return private && ahead == 1;
}

#include "os_posix.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/syscall.h>
#ifdef SYS_openat2
#include <linux/openat2.h>
#endif
#endif

#ifdef O_PATH
#define TO_PASS_THROUGH (O_PATH | O_DIRECTORY)
#else
#define TO_PASS_THROUGH (O_RDONLY | O_DIRECTORY)
#endif

/* One that may be passed through and not read, as a drop box, will do to reach what is below. */
static int open_directory(int at, const char *path) {
    int fd = open_retrying(at, path, O_RDONLY | O_DIRECTORY, 0);

    return fd < 0 && errno == EACCES ? open_retrying(at, path, TO_PASS_THROUGH, 0) : fd;
}

/* Makes the name of the directory `fd`, which is in `parent`, durable. A parent that may not be
 * read cannot be synced (EBADF); where there is a journal, what is in it is synced in the order in
 * which it was made. */
static enum ws_status sync_name_in(int parent, int fd) {
    enum ws_status status = sync_directory(parent);

    return status == WS_OS_ERROR && errno == EBADF ? sync_directory(fd) : status;
}

/* Opens the directory that was just made. */
static int enter_made(int at, const char *name, mode_t rights, mode_t *mode) {
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    int fd = open_retrying(at, name, flags, 0);

    if (fd < 0 && errno == EACCES && fchmodat(at, name, rights, AT_SYMLINK_NOFOLLOW) == 0) {
        fd = open_retrying(at, name, flags, 0);
    }
    *mode = fd < 0 ? 0 : set_rights(fd, rights);
    return fd;
}

/* Makes the name durable. Where it fails the directory goes again, so that the next to need it
 * comes here too. */
static enum ws_status sync_made(int parent, int at, const char *name, int fd) {
    enum ws_status status = sync_name_in(parent, fd);

    if (status != WS_OK) {
        int saved = errno;
        unlinkat(at, name, AT_REMOVEDIR);
        errno = saved;
    }
    return status;
}

/* Makes `path` a directory and its name durable. */
static enum ws_status make_directory(const char *path) {
    mode_t mode;

    if (mkdirat(AT_FDCWD, path, 0700) < 0) {
        return errno == EEXIST ? WS_OK : status_of_errno();
    }
    int own = enter_made(AT_FDCWD, path, 0700, &mode);
    int parent = own < 0 ? -1 : open_directory(own, "..");
    enum ws_status status = parent < 0 ? status_of_errno() : sync_made(parent, AT_FDCWD, path, own);
    close_quietly(parent);
    close_quietly(own);
    return status;
}

/* The directory that holds the path's last name, malloc'd; NULL where that is not in the path. */
static char *parent_of(const char *path, enum ws_status *status) {
    size_t end = strlen(path);

    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    while (end > 0 && path[end - 1] != '/') {
        end--;
    }
    char *parent = end > 1 ? strndup(path, end) : NULL;
    *status = end > 1 && !parent ? WS_NO_MEMORY : WS_OK;
    return parent;
}

/* Makes `path`, and before it what is missing of the way there. */
static enum ws_status make_directories(const char *path) {
    enum ws_status status = make_directory(path);

    if (status != WS_NOT_FOUND) {
        return status;
    }
    char *parent = parent_of(path, &status);
    if (!parent) {
        return status == WS_OK ? WS_NOT_FOUND : status;
    }
    status = make_directories(parent);
    free(parent);
    return status == WS_OK ? make_directory(path) : status;
}

static enum ws_status open_or_make(const char *path, enum ws_make make, bool is_missing, int *fd) {
    *fd = is_missing ? -1 : open_directory(AT_FDCWD, path);
    if (*fd < 0 && (is_missing || errno == ENOENT) && make != WS_MAKE_NONE) {
        enum ws_status status = make_directories(path);
        if (status != WS_OK) {
            return status;
        }
        *fd = open_directory(AT_FDCWD, path);
    }
    return *fd < 0 ? status_of_errno() : WS_OK;
}

/* A directory below the user's path bears this bit until its name is durable, so that whoever finds
 * it before that syncs it too: what is put there may be acknowledged before its maker comes to it.
 * In a directory of one user the bit has no other effect. In one that a group shares it keeps
 * others from replacing files, and only its maker can take it off; so that is done at once. */
#define NOT_DURABLE S_ISVTX

/* A directory on the way. */
struct place {
    int fd;
    mode_t mode;     /* 0: not asked for */
    bool made;       /* here and now, so that nothing is in it */
    bool is_missing; /* the next one, as far as is known */
};

/* One name in a directory, which may not be a link. */
static enum ws_status enter(int at, const char *name, int *fd) {
    *fd = open_retrying(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    return *fd < 0 ? status_of_errno() : WS_OK;
}

/* Somebody else may make it first. */
static enum ws_status make_and_enter(int at, const char *name, mode_t rights, struct place *to) {
    to->made = to->is_missing = mkdirat(at, name, rights) == 0;
    if (!to->made) {
        return errno == EEXIST ? enter(at, name, &to->fd) : status_of_errno();
    }
    to->fd = enter_made(at, name, rights, &to->mode);
    return to->fd < 0 ? status_of_errno() : WS_OK;
}

/* The directory `name`; where it is missing it is made. *young says that its parent's name may not
 * be durable; its own is, if it is to be. */
static enum ws_status enter_or_make(const struct place *at, const char *name, enum ws_make make,
                                    struct place *to, bool *young) {
    *to = (struct place){.fd = -1};
    *young = false;
    enum ws_status status = at->is_missing ? WS_NOT_FOUND : enter(at->fd, name, &to->fd);
    if (status == WS_NOT_FOUND && make != WS_MAKE_NONE) {
        bool for_group = ws_is_for_group(at->mode != 0 ? at->mode : mode_of(at->fd));
        make = for_group ? WS_MAKE_DURABLE : make;
        status =
            make_and_enter(at->fd, name, (for_group ? WS_GROUP_DIRECTORY : 0700) | NOT_DURABLE, to);
    }
    if (status != WS_OK || make == WS_MAKE_NONE) {
        return status;
    }
    to->mode = to->mode != 0 ? to->mode : mode_of(to->fd);
    /* Where a file system does not keep the bit, nobody could tell later. */
    bool marked = (to->mode & NOT_DURABLE) != 0;
    if (make == WS_MAKE_DURABLE ? !to->made && !marked : !to->made || marked) {
        return WS_OK;
    }
    *young = true;
    status = to->made ? sync_made(at->fd, at->fd, name, to->fd) : sync_name_in(at->fd, to->fd);
    int saved = errno;
    if (status != WS_OK) {
        close(to->fd);
    } else if (marked && fchmod(to->fd, to->mode & 07777 & ~(mode_t)NOT_DURABLE) == 0) {
        to->mode &= ~(mode_t)NOT_DURABLE;
    }
    errno = saved;
    return status;
}

/* Of the user's own path its maker may have synced all but the last name. */
static enum ws_status sync_name_of(int fd) {
    int parent = open_retrying(fd, "..", O_RDONLY | O_DIRECTORY, 0);

    if (parent < 0) {
        return WS_OK; /* not ours to read, so not ours to have made anything in */
    }
    enum ws_status status = sync_directory(parent);
    close_quietly(parent);
    return status;
}

static enum ws_status dir_of(const struct place *place, struct ws_dir **dir) {
    *dir = malloc(sizeof **dir);
    if (!*dir) {
        close(place->fd);
        return WS_NO_MEMORY;
    }
    **dir = (struct ws_dir){.fd = place->fd, .mode = place->mode, .is_new = place->made};
    return WS_OK;
}

enum ws_status ws_os_dir_open(const char *path, enum ws_make make, struct ws_dir **dir) {
    struct place place = {.fd = -1};
    enum ws_status status = open_or_make(path, make, false, &place.fd);

    return status == WS_OK ? dir_of(&place, dir) : status;
}

/* The first `size` bytes of `below`, in one call, where no part of the whole path is a link at all.
 * Less than 0 where that is not so, or the system has no such call; with ENOENT only where there is
 * no such directory. */
static int open_without_links(const char *path, const char *below, size_t size) {
#ifdef SYS_openat2
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS};
    char whole[PATH_MAX];

    if (snprintf(whole, sizeof whole, "%s/%.*s", path, (int)size, below) < (int)sizeof whole) {
        return (int)syscall(SYS_openat2, AT_FDCWD, whole, &how, sizeof how);
    }
#else
    (void)path;
    (void)below;
    (void)size;
#endif
    errno = ENOSYS;
    return -1;
}

/* Goes from `at`, which it closes, to `below`. `at` is what the user has named, or below that. */
static enum ws_status go_below(struct place *at, const char *below, enum ws_make make,
                               bool is_users) {
    char name[NAME_MAX + 1];
    enum ws_status status = WS_OK;

    while (status == WS_OK && *below != '\0') {
        size_t size = strcspn(below, "/");
        bool young = false;
        struct place next = {.fd = -1};
        if (size >= sizeof name) {
            errno = ENAMETOOLONG;
            status = WS_OS_ERROR;
        } else {
            memcpy(name, below, size);
            name[size] = '\0';
            status = enter_or_make(at, name, make, &next, &young);
        }
        if (status == WS_OK && young && is_users) {
            status = sync_name_of(at->fd);
            if (status != WS_OK) {
                close_quietly(next.fd);
            }
        }
        close_quietly(at->fd);
        *at = next;
        is_users = false;
        below += size + (below[size] == '/');
    }
    return status;
}

/* From the user's path on, of which any part may be a link. */
static enum ws_status go_all_the_way(const char *path, const char *below, enum ws_make make,
                                     bool is_missing, struct place *place) {
    *place = (struct place){.fd = -1, .is_missing = is_missing};
    enum ws_status status = open_or_make(path, make, is_missing, &place->fd);

    return status == WS_OK ? go_below(place, below, make, true) : status;
}

enum ws_status ws_os_dir_open_below(const char *path, const char *below, enum ws_make make,
                                    struct ws_dir **dir) {
    size_t size = strlen(below);
    size_t there = size;
    struct place place = {.fd = open_without_links(path, below, size)};
    enum ws_status status = WS_OK;

    if (place.fd < 0 && errno == ENOENT && make == WS_MAKE_NONE) {
        return WS_NOT_FOUND;
    }
    /* Most of what is missing is the last name or two. */
    while (place.fd < 0 && errno == ENOENT && there > 0) {
        while (there > 0 && below[--there] != '/') {
        }
        place.fd = open_without_links(path, below, there);
    }
    bool is_missing = place.fd < 0 && errno == ENOENT;
    if (place.fd >= 0 && there > 0 && make == WS_MAKE_DURABLE) {
        place.mode = mode_of(place.fd);
        if ((place.mode & NOT_DURABLE) != 0) {
            close(place.fd);
            place.fd = -1;
        }
    }
    if (place.fd < 0) {
        status = go_all_the_way(path, below, make, is_missing, &place);
    } else if (there < size) {
        place.is_missing = true;
        status = go_below(&place, below + there + (there > 0), make, there == 0);
    }
    return status == WS_OK ? dir_of(&place, dir) : status;
}

bool ws_os_dir_is_new(const struct ws_dir *dir) { return dir->is_new; }

static bool is_own_or_parent(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

#ifdef __linux__

/* What getdents64 fills. */
struct listed_name {
    uint64_t number;
    int64_t next;
    unsigned short size;
    unsigned char type;
    char name[];
};

/* A directory stream would ask three things of the system before it lists. */
enum ws_status ws_os_dir_list(struct ws_dir *dir,
                              enum ws_status (*visit)(void *context, const char *name),
                              void *context) {
    _Alignas(struct listed_name) char buffer[8192];
    enum ws_status status = WS_OK;

    if (dir->listed && lseek(dir->fd, 0, SEEK_SET) < 0) {
        return WS_OS_ERROR;
    }
    dir->listed = true;
    for (;;) {
        long size = syscall(SYS_getdents64, dir->fd, buffer, sizeof buffer);
        if (size == 0) {
            return WS_OK;
        }
        if (size < 0) {
            /* A directory that was deleted has no names. */
            return errno == ENOENT ? WS_OK : WS_OS_ERROR;
        }
        for (long at = 0; at < size;) {
            const struct listed_name *found = (const struct listed_name *)(buffer + at);
            at += found->size;
            status = is_own_or_parent(found->name) ? WS_OK : visit(context, found->name);
            if (status != WS_OK) {
                return status;
            }
        }
    }
}

#else

enum ws_status ws_os_dir_list(struct ws_dir *dir,
                              enum ws_status (*visit)(void *context, const char *name),
                              void *context) {
    enum ws_status status = WS_OK;

    if (dir->stream) {
        rewinddir(dir->stream);
    } else {
        dir->stream = fdopendir(dir->fd);
        if (!dir->stream) {
            return status_of_errno();
        }
    }
    while (status == WS_OK) {
        errno = 0;
        struct dirent *found = readdir(dir->stream);
        if (!found) {
            return errno ? WS_OS_ERROR : WS_OK;
        }
        if (!is_own_or_parent(found->d_name)) {
            status = visit(context, found->d_name);
        }
    }
    return status;
}

#endif

bool ws_os_dir_is_shared(struct ws_dir *dir) {
    if (dir->mode == 0) {
        dir->mode = mode_of(dir->fd);
    }
    return ws_is_for_group(dir->mode);
}

enum ws_status ws_os_dir_sync(struct ws_dir *dir) { return sync_directory(dir->fd); }

enum ws_status ws_os_dir_modified(struct ws_dir *dir, int64_t *modified) {
    struct stat stat;

    if (fstat(dir->fd, &stat) < 0) {
        return status_of_errno();
    }
    *modified = modified_of(&stat);
    return WS_OK;
}

enum ws_status ws_os_dir_remove(struct ws_dir *dir, const char *name, int64_t since) {
    struct stat stat;

    if (fstatat(dir->fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0) {
        return status_of_errno();
    }
    if (modified_of(&stat) > since) {
        return WS_BUSY;
    }
    if (unlinkat(dir->fd, name, AT_REMOVEDIR) == 0) {
        return WS_OK;
    }
    return errno == ENOTEMPTY || errno == EEXIST ? WS_BUSY : status_of_errno();
}

void ws_os_dir_close(struct ws_dir *dir) {
    if (!dir) {
        return;
    }
    int saved = errno;
#ifdef __linux__
    close(dir->fd);
#else
    if (dir->stream) {
        closedir(dir->stream);
    } else {
        close(dir->fd);
    }
#endif
    free(dir);
    errno = saved;
}

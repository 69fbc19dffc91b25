#ifdef __linux__
#define _GNU_SOURCE /* open file description locks, pwritev, fallocate */
#endif

#include "os_posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#ifdef __linux__
#include <sys/syscall.h>
#ifdef SYS_openat2
#include <linux/openat2.h>
#endif
#endif
#include <sys/resource.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

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

static enum ws_status status_of_errno(void) {
    if (errno == ENOENT) {
        return WS_NOT_FOUND;
    }
    return errno == ENOMEM ? WS_NO_MEMORY : WS_OS_ERROR;
}

static void close_quietly(int fd) {
    int saved = errno;

    if (fd >= 0) {
        close(fd);
    }
    errno = saved;
}

static int sync_retrying(int fd) {
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

/* File systems go further than nanoseconds can count, and anyone can set a file's time. */
static int64_t ns_of(struct timespec time) {
    if ((int64_t)time.tv_sec >= INT64_MAX / NS_PER_S) {
        return INT64_MAX;
    }
    if ((int64_t)time.tv_sec <= INT64_MIN / NS_PER_S) {
        return INT64_MIN;
    }
    return (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec;
}

static int64_t modified_of(const struct stat *stat) {
#ifdef __APPLE__
    return ns_of(stat->st_mtimespec);
#else
    return ns_of(stat->st_mtim);
#endif
}

/* Directories. */

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

/* Some file systems cannot sync a directory; then its names are as durable as they get. */
static enum ws_status sync_directory(int fd) {
    return sync_retrying(fd) < 0 && errno != EINVAL ? WS_OS_ERROR : WS_OK;
}

/* Makes the name of the directory `fd`, which is in `parent`, durable. A parent that may not be
 * read cannot be synced (EBADF); where there is a journal, what is in it is synced in the order in
 * which it was made. */
static enum ws_status sync_name_in(int parent, int fd) {
    enum ws_status status = sync_directory(parent);

    return status == WS_OS_ERROR && errno == EBADF ? sync_directory(fd) : status;
}

/* 0 where it cannot be known. */
static mode_t mode_of(int fd) {
    struct stat stat;

    return fstat(fd, &stat) == 0 ? stat.st_mode : 0;
}

/* Gives what was just made the rights that it was to have, of which a umask may have taken some;
 * where that fails, that is how it stays. It is asked first what is there, which the system knows:
 * to set it is a server's work. Returns the mode. */
static mode_t set_rights(int fd, mode_t rights) {
    int saved = errno;
    mode_t mode = mode_of(fd);

    if ((mode & 07777) != rights && fchmod(fd, rights) == 0) {
        mode = mode_of(fd);
    }
    errno = saved;
    return mode;
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

/* Files that hold a lock. The lock is the open file's, which a forked child shares: while that
 * lived, its parent's run would seem to. So a child closes its descriptors of these at once. */

static struct ws_file *held;
static pthread_mutex_t holding = PTHREAD_MUTEX_INITIALIZER;

static void before_fork(void) { pthread_mutex_lock(&holding); }

static void after_fork(void) { pthread_mutex_unlock(&holding); }

static void close_held(void) {
    int saved = errno;

    for (struct ws_file *file = held; file; file = file->next_held) {
        close(file->fd);
        file->fd = -1;
    }
    held = NULL;
    errno = saved;
    after_fork();
}

static void watch_forks(void) { pthread_atfork(before_fork, after_fork, close_held); }

static void take_out(const struct ws_file *file) {
    struct ws_file **at = &held;

    while (*at && *at != file) {
        at = &(*at)->next_held;
    }
    if (*at) {
        *at = file->next_held;
    }
}

static void remember_held(struct ws_file *file) {
    static pthread_once_t watching = PTHREAD_ONCE_INIT;

    pthread_once(&watching, watch_forks);
    pthread_mutex_lock(&holding);
    take_out(file); /* it may hold it already */
    file->next_held = held;
    held = file;
    pthread_mutex_unlock(&holding);
}

static void forget_held(const struct ws_file *file) {
    pthread_mutex_lock(&holding);
    take_out(file);
    pthread_mutex_unlock(&holding);
}

/* Files. */

static enum ws_status file_of_fd(int fd, struct ws_file **file) {
    if (fd < 0) {
        return status_of_errno();
    }
    *file = malloc(sizeof **file);
    if (!*file) {
        close(fd);
        return WS_NO_MEMORY;
    }
    **file = (struct ws_file){.fd = fd, .size_limit = UINT64_MAX};
    return WS_OK;
}

/* Whoever writes beyond RLIMIT_FSIZE is killed by a signal. */
void ws_os_file_ask_limit(struct ws_file *file) {
    struct rlimit limit;
    bool is_limited = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;

    file->size_limit = is_limited ? (uint64_t)limit.rlim_cur : UINT64_MAX;
}

static enum ws_status writable_file_of_fd(int fd, struct ws_file **file) {
    enum ws_status status = file_of_fd(fd, file);

    if (status == WS_OK) {
        ws_os_file_ask_limit(*file);
    }
    return status;
}

static enum ws_status check_size_limit(const struct ws_file *file, uint64_t end) {
    if (end <= file->size_limit) {
        return WS_OK;
    }
    errno = EFBIG;
    return WS_OS_ERROR;
}

/* Not blocking: a FIFO under a run's name must not hang whoever looks. */
#define AS_IT_IS (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

enum ws_status ws_os_file_open(struct ws_dir *dir, const char *name, struct ws_file **file) {
    return file_of_fd(open_retrying(dir->fd, name, O_RDONLY | AS_IT_IS, 0), file);
}

enum ws_status ws_os_file_edit(struct ws_dir *dir, const char *name, struct ws_file **file) {
    return writable_file_of_fd(open_retrying(dir->fd, name, O_RDWR | AS_IT_IS, 0), file);
}

enum ws_status ws_os_file_create(struct ws_dir *dir, const char *name, struct ws_file **file) {
    int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
    mode_t rights = ws_os_dir_is_shared(dir) ? WS_GROUP_FILE : 0600;
    int fd = open_retrying(dir->fd, name, flags, rights);

    if (fd >= 0) {
        set_rights(fd, rights);
    }
    return writable_file_of_fd(fd, file);
}

enum ws_status ws_os_file_info(struct ws_file *file, struct ws_file_info *info) {
    struct stat stat;

    if (fstat(file->fd, &stat) < 0) {
        return status_of_errno();
    }
    *info = (struct ws_file_info){
        .size = (uint64_t)stat.st_size,
        .blocks = (uint64_t)stat.st_blocks * 512,
        .links = (uint64_t)stat.st_nlink,
        .modified = modified_of(&stat),
        .regular = S_ISREG(stat.st_mode),
    };
    return WS_OK;
}

enum ws_status ws_os_file_identity(struct ws_file *file, struct ws_file_identity *identity) {
    struct stat stat;

    if (fstat(file->fd, &stat) < 0) {
        return status_of_errno();
    }
    *identity = (struct ws_file_identity){
        .device = (uint64_t)stat.st_dev,
        .number = (uint64_t)stat.st_ino,
    };
    return WS_OK;
}

/* There each name may be another file to the system, and a link that is made of one of them changes
 * nothing of what it has in mind of the others. */
static bool is_in_user_space(struct ws_file *file) {
#ifdef __linux__
    struct statfs found;

    if (!file->is_placed) {
        file->in_user_space =
            fstatfs(file->fd, &found) == 0 && (unsigned long)found.f_type == 0x65735546;
        file->is_placed = true;
    }
#endif
    return file->in_user_space;
}

bool ws_os_file_knows_its_names(struct ws_file *file) { return !is_in_user_space(file); }

enum ws_status ws_os_file_has_one_name(struct ws_file *file, bool *has_one_name) {
#ifdef STATX_NLINK
    /* fstat might wait for a server. It would also ask for the times, and a kernel that was asked
     * for a file's times makes the next write to it record a new one: three times the cost of the
     * write. */
    struct statx statx_info;
    int flags = AT_EMPTY_PATH | (is_in_user_space(file) ? AT_STATX_FORCE_SYNC : AT_STATX_DONT_SYNC);

    if (statx(file->fd, "", flags, STATX_NLINK, &statx_info) == 0) {
        *has_one_name = statx_info.stx_nlink == 1;
        return WS_OK;
    }
#endif
    struct ws_file_info info;
    enum ws_status status = ws_os_file_info(file, &info);
    if (status == WS_OK) {
        *has_one_name = info.links == 1;
    }
    return status;
}

/* Less than 0 where it fails, as stat has it. */
static int identify(struct ws_dir *dir, const char *name, struct ws_file_identity *identity) {
    struct stat stat;

#ifdef AT_STATX_FORCE_SYNC
    struct statx found;
    int flags = AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC;

    if (statx(dir->fd, name, flags, STATX_INO, &found) == 0) {
        identity->device = (uint64_t)makedev(found.stx_dev_major, found.stx_dev_minor);
        identity->number = found.stx_ino;
        return 0;
    }
    if (errno != ENOSYS) {
        return -1;
    }
#endif
    if (fstatat(dir->fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0) {
        return -1;
    }
    identity->device = (uint64_t)stat.st_dev;
    identity->number = (uint64_t)stat.st_ino;
    return 0;
}

enum ws_status ws_os_file_is_named(struct ws_dir *dir, const char *name, struct ws_file *file,
                                   bool *is_named) {
    struct ws_file_identity own;
    struct ws_file_identity found;
    enum ws_status status = ws_os_file_identity(file, &own);

    *is_named = false;
    if (status != WS_OK) {
        return status;
    }
    if (identify(dir, name, &found) < 0) {
        return errno == ENOENT ? WS_OK : status_of_errno();
    }
    *is_named = found.device == own.device && found.number == own.number;
    return WS_OK;
}

enum ws_status ws_os_file_read(struct ws_file *file, uint64_t offset, void *bytes, size_t size,
                               size_t *got) {
    *got = 0;
    while (*got < size) {
        ssize_t n = pread(file->fd, (char *)bytes + *got, size - *got, (off_t)(offset + *got));
        if (n == 0) {
            break;
        }
        if (n > 0) {
            *got += (size_t)n;
        } else if (errno != EINTR) {
            return status_of_errno();
        }
    }
    return WS_OK;
}

enum ws_status ws_os_file_peek(struct ws_file *file, void *bytes, size_t size, size_t *got) {
    ssize_t n;

    do {
        n = pread(file->fd, bytes, size, 0);
    } while (n < 0 && errno == EINTR);
    *got = n > 0 ? (size_t)n : 0;
    return n < 0 ? status_of_errno() : WS_OK;
}

static ssize_t write_some(int fd, struct iovec parts[2], off_t offset) {
#if defined(__linux__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
    return pwritev(fd, parts, 2, offset);
#else
    const struct iovec *part = parts[0].iov_len > 0 ? &parts[0] : &parts[1];
    return pwrite(fd, part->iov_base, part->iov_len, offset);
#endif
}

enum ws_status ws_os_file_write(struct ws_file *file, uint64_t offset, const void *head,
                                size_t head_size, const void *body, size_t body_size) {
    struct iovec parts[2] = {
        {.iov_base = (void *)(uintptr_t)head, .iov_len = head_size},
        {.iov_base = (void *)(uintptr_t)body, .iov_len = body_size},
    };

    if (check_size_limit(file, offset + head_size + body_size) != WS_OK) {
        return WS_OS_ERROR;
    }
    while (parts[0].iov_len + parts[1].iov_len > 0) {
        ssize_t n = write_some(file->fd, parts, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return WS_OS_ERROR;
        }
        offset += (uint64_t)n;
        for (int i = 0; i < 2; i++) {
            size_t done = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;
            if (done > 0) { /* an empty part may have no address to add to */
                parts[i].iov_base = (char *)parts[i].iov_base + done;
                parts[i].iov_len -= done;
                n -= (ssize_t)done;
            }
        }
    }
    return WS_OK;
}

enum ws_status ws_os_file_allocate(struct ws_file *file, uint64_t size) {
    int result;

    if (check_size_limit(file, size) != WS_OK) {
        return WS_OS_ERROR;
    }
#ifdef __linux__
    do {
        result = fallocate(file->fd, 0, 0, (off_t)size);
    } while (result < 0 && errno == EINTR);
    if (result == 0) {
        return WS_OK;
    }
    if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL) {
        return WS_OS_ERROR;
    }
#endif
    do {
        result = ftruncate(file->fd, (off_t)size);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? WS_OS_ERROR : WS_OK;
}

enum ws_status ws_os_file_sync(struct ws_file *file) {
#ifdef __linux__
    int result;

    do {
        result = fdatasync(file->fd);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? WS_OS_ERROR : WS_OK;
#else
    return sync_retrying(file->fd) < 0 ? WS_OS_ERROR : WS_OK;
#endif
}

/* Both times: some file systems in user space take one alone for none. Of a file of somebody else's
 * that this user may write, only "now" can be set. */
enum ws_status ws_os_file_touch(struct ws_file *file, int64_t modified) {
    struct timespec time = {.tv_sec = (time_t)(modified / NS_PER_S),
                            .tv_nsec = (long)(modified % NS_PER_S)};
    struct timespec times[2] = {time, time};

    if (futimens(file->fd, times) == 0 || (errno == EPERM && futimens(file->fd, NULL) == 0)) {
        return WS_OK;
    }
    return WS_OS_ERROR;
}

enum ws_status ws_os_file_close(struct ws_file *file) {
    if (!file) {
        return WS_OK;
    }
    int saved = errno;
    forget_held(file);
    int result = file->fd < 0 ? 0 : close(file->fd);
    free(file);
    /* After EINTR the descriptor is gone all the same; a second close could hit another's. */
    if (result < 0 && errno != EINTR) {
        return WS_OS_ERROR;
    }
    errno = saved;
    return WS_OK;
}

#ifdef SYS_close_range

/* Descriptors without a gap between them, as those opened one after the other usually are. */
static bool close_neighbours(const struct ws_dir *dir, struct ws_file *const files[],
                             size_t count) {
    int lowest = dir->fd;
    int highest = dir->fd;

    for (size_t i = 0; i < count; i++) {
        lowest = files[i]->fd < lowest ? files[i]->fd : lowest;
        highest = files[i]->fd > highest ? files[i]->fd : highest;
    }
    return (size_t)(highest - lowest) == count && syscall(SYS_close_range, lowest, highest, 0) == 0;
}

#else

static bool close_neighbours(const struct ws_dir *dir, struct ws_file *const files[],
                             size_t count) {
    (void)dir;
    (void)files;
    (void)count;
    return false;
}

#endif

void ws_os_close_together(struct ws_dir *dir, struct ws_file *const files[], size_t count) {
    int saved = errno;
    bool closed = dir && count > 0 && close_neighbours(dir, files, count);

    for (size_t i = 0; i < count; i++) {
        if (closed) {
            free(files[i]);
        } else {
            ws_os_file_close(files[i]);
        }
    }
    if (closed) {
        free(dir);
    } else {
        ws_os_dir_close(dir);
    }
    errno = saved;
}

/*
 * Locks belong to the open file, not to the process: a process that looks at its own run's file
 * and closes it again must not lose the lock, as it would with POSIX's process locks.
 */
#ifdef F_OFD_SETLK

enum ws_status ws_os_file_lock(struct ws_file *file) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int result;

    do {
        result = fcntl(file->fd, F_OFD_SETLK, &lock);
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
        return errno == EAGAIN || errno == EACCES ? WS_BUSY : WS_OS_ERROR;
    }
    remember_held(file);
    return WS_OK;
}

enum ws_status ws_os_file_is_locked(struct ws_file *file, bool *locked) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(file->fd, F_OFD_GETLK, &lock) < 0) {
        return WS_OS_ERROR;
    }
    *locked = lock.l_type != F_UNLCK;
    return WS_OK;
}

#else

static int flock_retrying(int fd, int operation) {
    int result;

    do {
        result = flock(fd, operation);
    } while (result < 0 && errno == EINTR);
    return result;
}

enum ws_status ws_os_file_lock(struct ws_file *file) {
    if (flock_retrying(file->fd, LOCK_EX | LOCK_NB) < 0) {
        return errno == EWOULDBLOCK ? WS_BUSY : WS_OS_ERROR;
    }
    remember_held(file);
    return WS_OK;
}

/* flock cannot ask without taking. A writer locks its file before it has its name, so nobody
 * who finds a file by its name can get in the way of that. */
enum ws_status ws_os_file_is_locked(struct ws_file *file, bool *locked) {
    if (flock_retrying(file->fd, LOCK_SH | LOCK_NB) == 0) {
        *locked = false;
        return flock_retrying(file->fd, LOCK_UN) < 0 ? WS_OS_ERROR : WS_OK;
    }
    *locked = errno == EWOULDBLOCK;
    return *locked ? WS_OK : WS_OS_ERROR;
}

#endif

/* Names. */

enum ws_status ws_os_rename(struct ws_dir *dir, const char *from, const char *to) {
    return renameat(dir->fd, from, dir->fd, to) < 0 ? status_of_errno() : WS_OK;
}

enum ws_status ws_os_unlink(struct ws_dir *dir, const char *name) {
    return unlinkat(dir->fd, name, 0) < 0 ? status_of_errno() : WS_OK;
}

/* Clock, process, host, chance. */

int64_t ws_os_now(void) {
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

uint64_t ws_os_process(void) { return (uint64_t)getpid(); }

void ws_os_host(char *name, size_t size) {
    char whole[256] = ""; /* asked for less than all of it, glibc reports an error */

    if (gethostname(whole, sizeof whole - 1) < 0 || whole[0] == '\0') {
        strcpy(whole, "localhost");
    }
    snprintf(name, size, "%s", whole);
}

enum ws_status ws_os_random(void *bytes, size_t size) {
    return getentropy(bytes, size) < 0 ? WS_OS_ERROR : WS_OK;
}

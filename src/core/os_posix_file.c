#include "os_posix.h"

#include <stdlib.h>
#include <sys/resource.h>
#ifdef __linux__
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#endif
#include <sys/uio.h>
#include <time.h>

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
    ws_posix_forget_lock(file);
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

#include "os_posix.h"

#include <pthread.h>
#include <sys/file.h>

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

void ws_posix_forget_lock(const struct ws_file *file) {
    pthread_mutex_lock(&holding);
    take_out(file);
    pthread_mutex_unlock(&holding);
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

/*
 * A disk that stops answering, for bench/slow.R: with SLOW_AFTER, syncs after so many take
 * SLOW_SECONDS each. Loaded by LD_PRELOAD.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void take_time(void) {
    static int syncs;
    const char *after = getenv("SLOW_AFTER");
    const char *seconds = getenv("SLOW_SECONDS");

    if (after && seconds && __atomic_add_fetch(&syncs, 1, __ATOMIC_RELAXED) > atoi(after)) {
        usleep((useconds_t)(atof(seconds) * 1e6));
    }
}

int fsync(int fd) {
    take_time();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
    take_time();
    return (int)syscall(SYS_fdatasync, fd);
}

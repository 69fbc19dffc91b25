#include "os_posix.h"

#include <stdio.h>
#include <string.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif
#include <time.h>

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

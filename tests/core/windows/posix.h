/*
 * posix: what the tests ask of POSIX, on Windows. Included before everything else (-include), so
 * that the tests' sources are the same everywhere.
 *
 * What Windows has under other names is here as a function. What it does not have (fork, links,
 * FIFOs, modes, limits) ends the test that asks for it as skipped, with the reason; the last line
 * of a program counts those.
 */
#ifndef POSIX_H
#define POSIX_H

#include <direct.h>
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

_Noreturn void harness_skip(const char *reason);

/* Files. Their bytes are never translated. */

struct posix_stat {
    int64_t st_size;
    unsigned st_mode;
    uint64_t st_dev;
    uint64_t st_ino;
    struct timespec st_mtim;
};

int posix_open(const char *path, int flags, ...);
ssize_t pread(int fd, void *bytes, size_t size, int64_t offset);
ssize_t pwrite(int fd, const void *bytes, size_t size, int64_t offset);
int posix_stat(const char *path, struct posix_stat *info);
int posix_fstat(int fd, struct posix_stat *info);
int posix_truncate(const char *path, int64_t size);
int posix_rename(const char *from, const char *to);
int posix_unlink(const char *path);
int utimensat(int at, const char *path, const struct timespec times[2], int flags);
char *posix_mkdtemp(char *template);

#define AT_FDCWD (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define open posix_open
#define stat posix_stat
#define lstat posix_stat
#define fstat posix_fstat
#define truncate posix_truncate
#define ftruncate(fd, size) _chsize_s(fd, size)
#define rename posix_rename
#define unlink posix_unlink
#define mkdtemp posix_mkdtemp
#define mkdir(path, mode) _mkdir(path)
#define dprintf(fd, ...) fprintf(stderr, __VA_ARGS__)
#define S_ISLNK(mode) false

/* What is not there. */

static inline mode_t harness_no_modes(void) { harness_skip("needs modes"); }

#define EDQUOT 1133
#define SIGKILL 9
#define SIGXFSZ 25
#define SIGSTOP 19
#define SIGCONT 18
#define WUNTRACED 2
#define WIFSTOPPED(status) false
#define nanosleep(time, left) ((void)(time), 0)
#define WIFEXITED(status) ((status) == 0)
#define WEXITSTATUS(status) (status)
#define WIFSIGNALED(status) ((status) != 0)
#define WTERMSIG(status) (status)
#define fork() (harness_skip("needs fork"), (pid_t)-1)
#define waitpid(child, status, flags) (harness_skip("needs fork"), (void)(status), (pid_t)-1)
#define kill(child, signal) (harness_skip("needs signals"), -1)
#define pipe(ends) (harness_skip("needs pipes"), (void)(ends), -1)
#define symlink(from, to) (harness_skip("needs symbolic links"), -1)
#define link(from, to) (harness_skip("needs hard links"), -1)
#define mkfifo(path, mode) (harness_skip("needs FIFOs"), -1)
#define chmod(path, mode) ((void)harness_no_modes(), -1)
#define umask(mode) harness_no_modes()
#define geteuid() (harness_skip("needs users"), 0u)

#endif

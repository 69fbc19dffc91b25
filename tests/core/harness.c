#define _XOPEN_SOURCE 700

#include "harness.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef _WIN32
#include <pthread.h>
#endif
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* A path handed out by harness_path(). */
struct path {
    struct path *next;
    char text[];
};

static struct harness_test *first;
static struct harness_test **last = &first;

static pid_t runner;
static jmp_buf test_end;
static char failure[1024];
static const char *skipped; /* why the running test was */
static char dir[300];       /* "" until the running test asks for one */
static struct path *paths;

#ifdef _WIN32
/* Constructors run last to first there. */
void harness_add(struct harness_test *test) {
    (void)last;
    test->next = first;
    first = test;
}
#else
void harness_add(struct harness_test *test) {
    *last = test;
    last = &test->next;
}
#endif

_Noreturn void harness_fail(const char *file, int line, const char *format, ...) {
    const char *slash = strrchr(file, '/');
    char reason[768];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    snprintf(failure, sizeof failure, "%s:%d: %s", slash ? slash + 1 : file, line, reason);
    if (getpid() != runner) {
        /* _exit: the parent's buffers and temporary directory are not this child's to flush or
         * remove. */
        dprintf(STDERR_FILENO, "# in a child: %s\n", failure);
        _exit(1);
    }
    longjmp(test_end, 1);
}

_Noreturn void harness_skip(const char *reason) {
    skipped = reason;
    longjmp(test_end, 1);
}

void harness_check_status(const char *file, int line, const char *expression, enum ws_status got,
                          const char *wanted_name, enum ws_status wanted) {
    int os_errno = errno;
    char words[256];

    if (got != wanted) {
        ws_status_describe(got, os_errno, words, sizeof words);
        harness_fail(file, line, "%s gave %d (%s), not %s", expression, (int)got, words,
                     wanted_name);
    }
}

const char *harness_dir(void) {
    if (dir[0] == '\0') {
        const char *place = getenv("TMPDIR");
        snprintf(dir, sizeof dir, "%s/warmstart-test-XXXXXX", place ? place : "/tmp");
        if (mkdtemp(dir) == NULL) {
            dir[0] = '\0';
            harness_fail(__FILE__, __LINE__, "no temporary directory: %s", strerror(errno));
        }
    }
    return dir;
}

const char *harness_path(const char *name) {
    size_t size = strlen(harness_dir()) + strlen(name) + 2;
    struct path *path = malloc(sizeof *path + size);

    if (path == NULL) {
        harness_fail(__FILE__, __LINE__, "out of memory");
    }
    snprintf(path->text, size, "%s/%s", dir, name);
    path->next = paths;
    paths = path;
    return path->text;
}

/* Windows has no modes; what it removes directories by is another function. */
#ifdef _WIN32
#define remove(name) (_rmdir(name) == 0 ? 0 : unlink(name))
#else
static int unlock_dir(const char *name, const struct stat *info, int type, struct FTW *place) {
    (void)info;
    (void)place;
    return type == FTW_D || type == FTW_DNR ? chmod(name, 0700) : 0;
}
#endif

static int remove_one(const char *name, const struct stat *info, int type, struct FTW *place) {
    (void)info;
    (void)type;
    (void)place;
    return remove(name);
}

void harness_remove(const char *path) {
#ifndef _WIN32
    nftw(path, unlock_dir, 16, FTW_PHYS); /* a test may have taken its own permissions away */
#endif
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void clean_up(void) {
    while (paths != NULL) {
        struct path *next = paths->next;

        free(paths);
        paths = next;
    }
    if (dir[0] != '\0') {
        harness_remove(dir);
        dir[0] = '\0';
    }
}

static bool run(const struct harness_test *test) {
    bool passed = setjmp(test_end) == 0;

    if (passed) {
        test->run();
    }
    clean_up();
    return passed;
}

#ifdef _WIN32
static void die_with_parents(void) {}
#else
/* A child that waits for a word from its parent would wait for ever, were that to crash. */
static void die_with_parent(void) {
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

static void die_with_parents(void) { pthread_atfork(NULL, NULL, die_with_parent); }
#endif

static bool wanted(const struct harness_test *test, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strstr(test->sentence, argv[i]) != NULL) {
            return true;
        }
    }
    return argc < 2;
}

int main(int argc, char **argv) {
    const char *name = argv[0] + strlen(argv[0]);
    int passed = 0;
    int failed = 0;
    int left_out = 0;

    while (name > argv[0] && name[-1] != '/' && name[-1] != '\\') {
        name--;
    }

    /* What was printed before a crash should be seen, and no forked child should print it again. */
#ifdef _WIN32
    setvbuf(stdout, NULL, _IONBF, 0); /* has no buffer of lines */
#else
    setvbuf(stdout, NULL, _IOLBF, 0);
#endif
    runner = getpid();
    die_with_parents();
    for (const struct harness_test *test = first; test != NULL; test = test->next) {
        if (!wanted(test, argc, argv)) {
            continue;
        }
        skipped = NULL;
        bool held = run(test);
        if (skipped) {
            left_out++;
            printf("# not run: %s (%s)\n", test->sentence, skipped);
        } else if (held) {
            passed++;
            printf("ok %d - %s\n", passed + failed, test->sentence);
        } else {
            failed++;
            printf("not ok %d - %s (%s)\n", passed + failed, test->sentence, failure);
        }
    }
    if (left_out > 0) {
        printf("# %d not run\n", left_out);
    }
    printf("# core %s: %d passed, %d failed\n", strncmp(name, "test_", 5) == 0 ? name + 5 : name,
           passed, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

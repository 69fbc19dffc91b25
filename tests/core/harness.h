/*
 * harness: what a C test of the core is written in. One file a module, one program a file.
 *
 *     #include "harness.h"
 *     #include "store.h"
 *
 *     TEST("a missing key is not found") {
 *         struct ws_store *store = NULL;
 *
 *         CHECK_STATUS(ws_store_open(harness_dir(), &store), WS_OK);
 *         CHECK(store != NULL);
 *     }
 *
 * harness.c holds main(): it runs the tests in the order of the file, each on its own, and prints
 * a line for each and a last one with the counts. Arguments are parts of sentences: only tests
 * that contain one of them run. The first check that does not hold ends its test, wherever it
 * stands, also in a function that the test called; in a forked child it ends the child, with
 * status 1, which is for the parent to check.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "status.h"

struct harness_test {
    const char *sentence;
    void (*run)(void);
    struct harness_test *next;
};

void harness_add(struct harness_test *test);

/* Ends the running test as failed; takes a printf format. */
_Noreturn void harness_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void harness_check_status(const char *file, int line, const char *expression, enum ws_status got,
                          const char *wanted_name, enum ws_status wanted);

/* Ends the running test as one that cannot be run here, which counts neither way. */
_Noreturn void harness_skip(const char *reason);

/* A directory for the running test alone, empty at first and removed with all in it afterwards. */
const char *harness_dir(void);

/* "<harness_dir()>/<name>"; valid until the test ends. */
const char *harness_path(const char *name);

/* Removes a file, or a directory with all in it. */
void harness_remove(const char *path);

/* Defines a test, named by a sentence that says what must hold. */
#define TEST(sentence) HARNESS_TEST_AT(sentence, __LINE__)

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            harness_fail(__FILE__, __LINE__, "%s", #condition);                                    \
        }                                                                                          \
    } while (0)

/* Names the status that came instead and, where the system refused, its reason. */
#define CHECK_STATUS(expression, wanted)                                                           \
    harness_check_status(__FILE__, __LINE__, #expression, (expression), #wanted, (wanted))

/* Two steps, so that __LINE__ is a number before it becomes part of a name. */
#define HARNESS_TEST_AT(sentence, line) HARNESS_TEST_NAMED(sentence, line)
#define HARNESS_TEST_NAMED(sentence, line)                                                         \
    static void harness_run_##line(void);                                                          \
    __attribute__((constructor)) static void harness_add_##line(void) {                            \
        static struct harness_test test = {sentence, harness_run_##line, NULL};                    \
        harness_add(&test);                                                                        \
    }                                                                                              \
    static void harness_run_##line(void)

#endif

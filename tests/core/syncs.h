/*
 * syncs: the system's syncs, counted and made to fail, in place of the real ones. A program that
 * includes this takes no time to sync; what a power loss leaves it has to simulate.
 */
#ifndef SYNCS_H
#define SYNCS_H

#include <errno.h>
#include <stdbool.h>

#include "harness.h"

#ifdef _WIN32

/* There it is a function of a system library, which a program cannot take the place of. */
static inline int *no_syncs(void) { harness_skip("needs syncs that can be counted"); }
#define syncs (*no_syncs())
#define failing_sync (*no_syncs())
#define next_sync_fails_too (*no_syncs())
#define while_syncing (*(void (**)(void))no_syncs())

#else

static int syncs;
static int failing_sync; /* the how manieth from now fails; 0: none does */
static bool next_sync_fails_too;
static void (*while_syncing)(void); /* NULL: it takes no time */

static int sync_simulated(void) {
    syncs++;
    if (while_syncing) {
        while_syncing();
    }
    if (failing_sync > 0 && --failing_sync == 0) {
        failing_sync = next_sync_fails_too;
        next_sync_fails_too = false;
        errno = EIO;
        return -1;
    }
    return 0;
}

int fsync(int fd);
int fsync(int fd) {
    (void)fd;
    return sync_simulated();
}

int fdatasync(int fd);
int fdatasync(int fd) {
    (void)fd;
    return sync_simulated();
}

#endif

#endif

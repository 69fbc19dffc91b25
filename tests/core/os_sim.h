/*
 * os_sim: a file system in memory behind os.h, for what a real disk does too rarely.
 *
 * A program that links os_sim.o has no other disk. It keeps what was synced apart from what was
 * not, so that the disk can be looked at as a power loss at any moment might have left it:
 *
 *     sim_reset()                       an empty disk, no handles, the clock at its beginning
 *     ...the core at work...            each change of the disk is recorded
 *     sim_each_crash(check, context)    calls `check` on every state that the disk may be in
 *                                       after a power loss, as a new process finds it
 *
 * The states: after each change but the last few, in turn, the power goes. What a sync has
 * covered is there. Of what none has covered (bytes and size of files, names in directories) any
 * part may be there: each subset of up to SIM_SUBSETS_ALL changes is tried; of more, none, all,
 * each one alone, all but each one, and some by chance. A write that is not covered may also be
 * torn: of its 512-byte sectors the first half, the last half, or some by chance are there. A
 * rename is there or not, whole. After a sync that failed no later one covers what it should
 * have: that is how Linux behaves.
 *
 * And every call of os.h can be made to fail:
 *
 *     sim_fail(from, upto, error, how)  of the calls numbered so; sim_calls() is the number of
 *                                       the next
 *     sim_fail_stops()
 *
 * Interrupted calls and short reads and writes are completed below os.h and never show here;
 * test_interrupts.c has them.
 */
#ifndef OS_SIM_H
#define OS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os.h"

#define SIM_SECTOR 512
#define SIM_SUBSETS_ALL 8

enum sim_failure {
    SIM_CLEAN, /* nothing of the failed call happens */
    SIM_PART   /* a write gets half-way; a close, a rename or an unlink happens all the same */
};

void sim_reset(void);

size_t sim_calls(void);
void sim_fail(size_t from, size_t upto, int error, enum sim_failure how);
void sim_fail_stops(void);
/* The name of the last call that was made to fail; "" where none was. */
const char *sim_failed_call(void);

/* Whatever is asked of files that are open now fails from here on, as where a server has forgotten
 * them, or a mount has gone and come back; but for closing. */
void sim_handles_die(int error);

/* The next listings show nothing, as where all names were changed while they went on. */
void sim_listings_miss(int count);

/* While this is on, names that were not there are not asked for again until their directory was
 * opened, as on a network's file system. While it is off, it is another host that works. */
void sim_caches_names(bool on);

/* While this is on, each change of a name is durable at once, as on NFS. */
void sim_serves(bool on);

/* While this is on, errands do not come back; then they are done by the next who looks. */
void sim_errands_hang(bool on);

/* Moves the clock; with each sync from here on. */
void sim_time_passes(int64_t ns);
void sim_syncs_take(int64_t ns);

/* Changes of the disk so far; their numbers are moments. */
size_t sim_moment(void);
/* Whether bytes of a file were synced since then. */
bool sim_synced_since(size_t moment);

/* `moment` is how many changes had been made when the power went. Returns how many states. */
size_t sim_each_crash(void (*check)(void *context, size_t moment), void *context);
/* The same, of the last moment alone. */
size_t sim_each_crash_now(void (*check)(void *context, size_t moment), void *context);

/* Whether the state that is being checked misses nothing: as after a kill, not a power loss. */
bool sim_state_is_whole(void);

/* Another process from here on: locks and files that are still open go as at its death. */
void sim_process_dies(void);

/* Makes a directory in `path` as another process does that has not synced its name yet. */
void sim_make_young(const char *path, const char *name);

/* Handles that nobody closed, and names in a directory. */
int sim_open_handles(void);
int sim_held_locks(void);
int sim_names_in(const char *path);

#endif

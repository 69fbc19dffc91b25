/*
 * layout: where in a store what is, and what it is called. Pure text; it touches no disk.
 *
 *     <path>/v1/<digits 1 to 3 of the key>/<digits 4 to 6>/<key>-<run id>.warm            a run
 *     <path>/v1/<digits 1 to 3 of the key>/<digits 4 to 6>/<key>-<run id>.<chance>.tmp    being
 * made <path>/v1/.swept and .tally                                                         the
 * store's
 *
 * The first level are branches, the second shards. There can be 2^24 shards, so that one holds a
 * single key's runs also in a store of a million: what a lookup costs is the listing of names, some
 * 0.5 us each, and what it costs to find nothing is one failed call. A directory takes 4 KiB on
 * most disks, as does the smallest file; with 2^22 a million entries would take 5 % less of it, but
 * of the lookups that find nothing each fifth would have a shard to list.
 *
 *     ws_layout_below(level, shard, below)           a directory, from the store's path on
 *     ws_layout_path(path, level, shard, name)       a file or directory, whole
 *     ws_run_file_name / ws_run_file_parse           a run's file
 *     ws_temporary_file_name / _parse                the same while it is made
 */
#ifndef WS_LAYOUT_H
#define WS_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "hash.h"
#include "status.h"

#define WS_BRANCHES 4096
#define WS_SHARDS_OF_BRANCH 4096
#define WS_ROUND_FILE ".swept"
#define WS_TALLY_FILE ".tally"

#define WS_RUN_ID_MAX 64     /* file names stay below the 143 bytes of an encrypted home */
#define WS_FILE_NAME_MAX 128 /* key, '-', run id, '.', 16 random hex digits, ".tmp" */

/* A directory of the store; the number is how many of them the store has made, or is, from itself
 * on. */
enum ws_level { WS_LEVEL_STORE = 1, WS_LEVEL_ROOT, WS_LEVEL_BRANCH, WS_LEVEL_SHARD };

#define WS_BELOW_MAX 10 /* "v1/012/345" */

/* The key's shard: its branch * WS_SHARDS_OF_BRANCH + its number there. */
uint32_t ws_shard_of(const struct ws_digest *key);
uint32_t ws_branch_of(uint32_t shard);

/* The directory of that level that holds the shard, or is it, from the store's path on: "" for the
 * store itself. */
void ws_layout_below(enum ws_level level, uint32_t shard, char below[WS_BELOW_MAX + 1]);
/* What a shard is called in its branch, and a branch in its store. */
void ws_layout_number(uint32_t number, char name[4]);
/* Whether `name` is such a one, and which. */
bool ws_layout_parse_number(const char *name, uint32_t *number);
/* `name` in that directory, or the directory where it is NULL; malloc'd, NULL where memory is out.
 */
char *ws_layout_path(const char *path, enum ws_level level, uint32_t shard, const char *name);
/* Whether a name is one that a store has in its directory of that level, of the first two. */
bool ws_layout_has(enum ws_level level, const char *name);

/* 1 to WS_RUN_ID_MAX of A-Z a-z 0-9 . _ - and not a dot first. */
bool ws_run_id_is_valid(const char *run_id);
/* Host, process, time and chance: unique among all runs of all hosts. */
enum ws_status ws_run_id_new(char run_id[WS_RUN_ID_MAX + 1]);
void ws_run_file_name(const struct ws_digest *key, const char *run_id,
                      char name[WS_FILE_NAME_MAX + 1]);
/* Takes a file's name apart; WS_FOREIGN where it is not that of a run. */
enum ws_status ws_run_file_parse(const char *name, struct ws_digest *key,
                                 char run_id[WS_RUN_ID_MAX + 1]);

/* What the file of that name is called while it is made. */
enum ws_status ws_temporary_file_name(const char *name, char temporary[WS_FILE_NAME_MAX + 1]);
enum ws_status ws_temporary_file_parse(const char *name, struct ws_digest *key,
                                       char run_id[WS_RUN_ID_MAX + 1]);

#endif

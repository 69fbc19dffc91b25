/*
 * runfile: the one file of one run.
 *
 * While a run lives its file has three slots of equal size, each a multiple of WS_SLOT_ALIGN, so
 * that no two share a disk block. A slot holds one record. Two of them may matter at any time:
 *
 *     best     the best record so far; what a reader finds after the process dies
 *     durable  the record that was best when the file was last synced; what is left of it when
 *              the power goes, whatever happened to the writes since
 *
 * THE RULE: a write goes to a slot that is neither. So a torn write, by a kill or by a power
 * loss, costs only the record that was being written. (With two slots the rule could be kept
 * against kills alone: between two syncs the second improvement would overwrite the durable one.)
 *
 * A sync that takes long is not waited for: what it covers becomes durable once it has ended, where
 * that slot was not written to meanwhile.
 *
 * A record that will not be followed by others, such as a final one, has its file for itself, and
 * nothing else is in that.
 *
 *     ws_runfile_create -> ws_runfile_write* -> ws_runfile_close     a live run
 *     ws_runfile_put                                                 one record alone
 *
 * scan.h reads what these write.
 *
 * A file appears under its name complete and synced: it is written under a temporary name,
 * locked, synced, renamed, and the directory synced. The lock is held until the writer closes,
 * which is how others tell a live run from an interrupted one. Readers take no lock.
 */
#ifndef WS_RUNFILE_H
#define WS_RUNFILE_H

#include "history.h"
#include "layout.h"
#include "os.h"
#include "record.h"
#include "scan.h"

/* Bytes of the best payload up to which a copy is kept in memory, for when its file cannot be read
 * any more. To copy as much takes a tenth of the time that it takes to write it. */
#define WS_KEPT_MAX 65536

struct ws_runfile;

/* A new live run whose first record this is; replaces a file of that name. `history` may be NULL,
 * here and below; where it is not, the slots have room for what it may grow to. */
enum ws_status ws_runfile_create(struct ws_dir *dir, const char *name, struct ws_record *record,
                                 const struct ws_history *history, const void *payload, size_t size,
                                 struct ws_runfile **run);
/* Adds a record by THE RULE. `sync` makes it durable before the call returns, where that takes no
 * longer than WS_PATIENCE; else it goes on by itself, and so do the next ones, until one was quick
 * again. While one goes on no other is begun. WS_NOT_FOUND, and nothing written, where this file
 * will not do (the payload outgrows its slots; it has lost its name, or another one leads to it,
 * such as a backup's of hard links, which must not change; or it could not be synced before): then
 * ws_runfile_replace. */
enum ws_status ws_runfile_write(struct ws_runfile *run, struct ws_record *record,
                                const struct ws_history *history, const void *payload, size_t size,
                                bool sync);
/* Whether a sync goes on, and the next write would have to go to the slot that it is to make
 * durable: then that sync would be in vain. */
bool ws_runfile_would_undo_sync(struct ws_runfile *run);
bool ws_runfile_is_syncing(struct ws_runfile *run);
/* Whether `name`, in the run's directory as it is reached now, still leads to this file. The count
 * of names, which each write asks for, tells less: a backup may hold the last of them, the
 * directory may have been moved away, and some file systems tell what was. */
bool ws_runfile_knows_its_names(const struct ws_runfile *run); /* see os.h */
enum ws_status ws_runfile_is_named(struct ws_runfile *run, struct ws_dir *dir, const char *name,
                                   bool *is_named);
/* A new file under the same name, with room for `size`; carries the best record over where the
 * new one is not better. On failure the run goes on in the old file. */
enum ws_status ws_runfile_replace(struct ws_runfile *run, struct ws_dir *dir, const char *name,
                                  struct ws_record *record, const struct ws_history *history,
                                  const void *payload, size_t size);
/* Whether the open file failed, though there was room: then it may never work again, as when a
 * server has forgotten it, while the store does. */
bool ws_runfile_has_failed(const struct ws_runfile *run);
/* A new file under another name, at which nobody looks. The old one stays as it is, with the best
 * record in it; that is carried over as well where it is in memory or can be read. */
enum ws_status ws_runfile_leave(struct ws_runfile *run, struct ws_dir *dir, const char *name,
                                struct ws_record *record, const struct ws_history *history,
                                const void *payload, size_t size);
/* The best record of the file. */
const struct ws_record *ws_runfile_best(const struct ws_runfile *run);
/* Bytes of the file of a run whose records hold up to `size` bytes, payload and history. */
uint64_t ws_runfile_size(size_t size);
void ws_runfile_close(struct ws_runfile *run);
/* Locks a file where the file system can. Where it cannot, a live run looks interrupted to others,
 * and a sweep may take its file; the session then makes a new one. That beats keeping nothing. */
enum ws_status ws_runfile_lock(struct ws_file *file);

/* Puts one record alone under `name`, replacing what is there. What is not `durable` is not synced:
 * after a power loss it may be gone, or not verify. */
enum ws_status ws_runfile_put(struct ws_dir *dir, const char *name, struct ws_record *record,
                              const struct ws_history *history, const void *payload, size_t size,
                              bool durable);

/* Removes `name`, which was opened as `file` and judged. Somebody who saves under the same name may
 * have put another file in its place since: that one stays. Between this question and the removal
 * lies a microsecond, which only a lock for each name could close. */
bool ws_runfile_remove(struct ws_dir *dir, const char *name, struct ws_file *file);

#endif

/*
 * scan: what the file of a run holds.
 *
 *     ws_runfile_scan or ws_runfile_glance -> ws_runfile_read, ws_runfile_read_history
 *
 * A scan reads headers, and what comes along with them; a payload is read and verified on its own.
 * It takes no lock: what a live run is just writing does not verify.
 */
#ifndef WS_SCAN_H
#define WS_SCAN_H

#include "history.h"
#include "os.h"
#include "record.h"

#define WS_SLOT_ALIGN 4096 /* the largest atomic write unit of today's disks */

/* A file of slots of the smallest size fits whole, and most finished records do: one read is all
 * that they cost. */
#define WS_SCAN_HEAD (WS_SLOTS * WS_SLOT_ALIGN)

/* The records of a file, as their headers tell. */
struct ws_scan {
    int count;
    struct ws_record records[WS_SLOTS];
    struct ws_file_info info;
    enum ws_status reason; /* why there are none: WS_FOREIGN, WS_NEWER or WS_DAMAGED */
    size_t head_size;
    uint8_t head[WS_SCAN_HEAD]; /* the beginning of the file, read on the way */
};

/* WS_OK also for a file without a valid record: `count` is 0 then, and `reason` set. Records
 * whose key is not `key` are not counted. */
enum ws_status ws_runfile_scan(struct ws_file *file, const struct ws_digest *key,
                               struct ws_scan *scan);
/* The same with fewer calls, where the first read tells all; `info` is then the size alone. */
enum ws_status ws_runfile_glance(struct ws_file *file, const struct ws_digest *key,
                                 struct ws_scan *scan);
/* What a payload may be of the blocks that its file takes on the disk. A hole takes none, and
 * anybody can make a file of holes that claims gigabytes; but file systems that compress take less
 * than was written. */
#define WS_HOLES_MAX 64
#define WS_UNQUESTIONED ((uint64_t)1 << 20) /* bytes that anybody may claim */

/* Reads and verifies record `index` of a scan; *payload is malloc'd, the caller's. WS_TOO_LARGE,
 * and no memory is taken, where the payload claims more than can be there. */
enum ws_status ws_runfile_read(struct ws_file *file, const struct ws_scan *scan, int index,
                               void **payload);
/* The same of its history; WS_NOT_FOUND where it has none. */
enum ws_status ws_runfile_read_history(struct ws_file *file, const struct ws_scan *scan, int index,
                                       struct ws_history *history);

/* The same of a record that is known to be there; its header is believed. */
enum ws_status ws_record_read(struct ws_file *file, const struct ws_record *record, void **payload);
enum ws_status ws_record_read_history(struct ws_file *file, const struct ws_record *record,
                                      struct ws_history *history);

#endif

#include "scan.h"

#include <stdlib.h>
#include <string.h>

enum ws_status ws_record_read(struct ws_file *file, const struct ws_record *record,
                              void **payload) {
    size_t size = (size_t)record->payload_size;
    size_t got = 0;
    void *bytes = malloc(size > 0 ? size : 1);

    if (!bytes) {
        return WS_NO_MEMORY;
    }
    enum ws_status status = ws_os_file_read(
        file, record->slot * record->slot_size + ws_record_payload_at(record), bytes, size, &got);
    if (status == WS_OK) {
        status = ws_record_verify(record, bytes, got);
    }
    if (status != WS_OK) {
        free(bytes);
        return status;
    }
    *payload = bytes;
    return WS_OK;
}

static uint64_t history_at(const struct ws_record *record) {
    return record->slot * record->slot_size + WS_RECORD_HEADER;
}

static enum ws_status decode_history(const struct ws_record *record, const uint8_t *bytes,
                                     size_t size, struct ws_history *history) {
    enum ws_status status = ws_record_verify_history(record, bytes, size);

    return status == WS_OK ? ws_history_decode(bytes, size, history) : status;
}

enum ws_status ws_record_read_history(struct ws_file *file, const struct ws_record *record,
                                      struct ws_history *history) {
    uint8_t bytes[WS_HISTORY_MAX];
    size_t got = 0;

    if (record->history_size == 0) {
        return WS_NOT_FOUND;
    }
    enum ws_status status =
        ws_os_file_read(file, history_at(record), bytes, record->history_size, &got);
    return status == WS_OK ? decode_history(record, bytes, got, history) : status;
}

static bool fits(const struct ws_record *record, uint64_t available) {
    return record->payload_size <= available &&
           ws_record_payload_at(record) <= available - record->payload_size;
}

static bool has_key(const struct ws_record *record, const struct ws_digest *key) {
    return memcmp(record->key.bytes, key->bytes, sizeof key->bytes) == 0;
}

static enum ws_status decode_at(struct ws_file *file, uint64_t offset, struct ws_record *record) {
    uint8_t header[WS_RECORD_HEADER];
    size_t got = 0;
    enum ws_status status = ws_os_file_read(file, offset, header, sizeof header, &got);

    return status == WS_OK ? ws_record_decode(header, got, record) : status;
}

static void scan_alone(const struct ws_record *record, const struct ws_digest *key,
                       struct ws_scan *scan) {
    if (!has_key(record, key) || !fits(record, scan->info.size) ||
        ws_record_payload_at(record) + record->payload_size != scan->info.size) {
        scan->reason = WS_DAMAGED;
        return;
    }
    scan->records[scan->count++] = *record;
}

/* A record counts only where it says of itself that it was written for this slot: what looks
 * like one inside another's payload does not. */
static enum ws_status scan_slots(struct ws_file *file, uint64_t slot_size,
                                 const struct ws_digest *key, struct ws_scan *scan) {
    for (int slot = 0; slot < WS_SLOTS; slot++) {
        struct ws_record record;
        uint64_t offset = (uint64_t)slot * slot_size;
        if (offset >= scan->info.size) {
            break;
        }
        enum ws_status status =
            slot == 0 || offset + WS_RECORD_HEADER <= scan->head_size
                ? ws_record_decode(scan->head + offset, scan->head_size - offset, &record)
                : decode_at(file, offset, &record);
        if (status == WS_OS_ERROR) {
            return status;
        }
        if (status == WS_OK && record.slot == slot && record.slot_size == slot_size &&
            has_key(&record, key) && fits(&record, slot_size) &&
            fits(&record, scan->info.size - offset)) {
            scan->records[scan->count++] = record;
        }
    }
    return WS_OK;
}

/* What a power loss leaves of bytes that no sync has covered: none, or zeros. */
static bool is_unwritten(const struct ws_scan *scan) {
    for (size_t i = 0; i < scan->head_size; i++) {
        if (scan->head[i] != 0) {
            return false;
        }
    }
    return true;
}

/* What the head, which is there already, and the rest of the file tell. */
static enum ws_status scan_from_head(struct ws_file *file, const struct ws_digest *key,
                                     struct ws_scan *scan) {
    struct ws_record first;
    enum ws_status scanned = WS_OK;
    enum ws_status status = ws_record_decode(scan->head, scan->head_size, &first);

    scan->count = 0;
    scan->reason = WS_OK;
    if (status == WS_OK && first.slot_size == 0) {
        scan_alone(&first, key, scan);
        return WS_OK;
    }
    /* Damage to the first slot, also to the version it shows, must not hide the others. */
    uint64_t slot_size = status == WS_OK ? first.slot_size : scan->info.size / WS_SLOTS;
    if (slot_size > 0 && slot_size % WS_SLOT_ALIGN == 0) {
        scanned = scan_slots(file, slot_size, key, scan);
    }
    if (scan->count == 0) {
        scan->reason = status == WS_OK || is_unwritten(scan) ? WS_DAMAGED : status;
    }
    return scanned;
}

/* Asks for the file's size, and reads what is not there yet of its head. */
static enum ws_status scan_whole(struct ws_file *file, const struct ws_digest *key,
                                 struct ws_scan *scan) {
    enum ws_status status = ws_os_file_info(file, &scan->info);

    if (status != WS_OK) {
        return status;
    }
    if (!scan->info.regular) {
        scan->count = 0;
        scan->reason = WS_FOREIGN;
        return WS_OK;
    }
    /* Not past the end: to see that there is nothing takes another call. */
    uint64_t size = scan->info.size;
    size_t wanted = size < sizeof scan->head ? (size_t)size : sizeof scan->head;
    if (scan->head_size != wanted) {
        status = ws_os_file_read(file, 0, scan->head, wanted, &scan->head_size);
    }
    return status == WS_OK ? scan_from_head(file, key, scan) : status;
}

enum ws_status ws_runfile_scan(struct ws_file *file, const struct ws_digest *key,
                               struct ws_scan *scan) {
    scan->head_size = 0;
    return scan_whole(file, key, scan);
}

enum ws_status ws_runfile_glance(struct ws_file *file, const struct ws_digest *key,
                                 struct ws_scan *scan) {
    struct ws_record first;

    if (ws_os_file_peek(file, scan->head, sizeof scan->head, &scan->head_size) != WS_OK) {
        return ws_runfile_scan(file, key, scan);
    }
    if (ws_record_decode(scan->head, scan->head_size, &first) == WS_OK) {
        bool told = first.slot_size == 0
                        ? fits(&first, scan->head_size)
                        : first.slot_size == WS_SLOT_ALIGN && scan->head_size == WS_SCAN_HEAD;
        scan->info = (struct ws_file_info){.size = scan->head_size, .links = 1, .regular = true};
        if (told && scan_from_head(file, key, scan) == WS_OK && scan->count > 0) {
            return WS_OK;
        }
    }
    return scan_whole(file, key, scan);
}

static bool can_be_there(const struct ws_scan *scan, const struct ws_record *record) {
    return record->payload_size <= WS_UNQUESTIONED || scan->info.blocks == 0 ||
           record->payload_size / WS_HOLES_MAX <= scan->info.blocks;
}

enum ws_status ws_runfile_read(struct ws_file *file, const struct ws_scan *scan, int index,
                               void **payload) {
    const struct ws_record *record = &scan->records[index];
    uint64_t offset = record->slot * record->slot_size;

    if (offset < scan->head_size && fits(record, scan->head_size - offset)) {
        size_t size = (size_t)record->payload_size;
        void *bytes = malloc(size > 0 ? size : 1);
        if (!bytes) {
            return WS_NO_MEMORY;
        }
        memcpy(bytes, scan->head + offset + ws_record_payload_at(record), size);
        if (ws_record_verify(record, bytes, size) != WS_OK) {
            free(bytes);
            return WS_DAMAGED;
        }
        *payload = bytes;
        return WS_OK;
    }
    return can_be_there(scan, record) ? ws_record_read(file, record, payload) : WS_TOO_LARGE;
}

enum ws_status ws_runfile_read_history(struct ws_file *file, const struct ws_scan *scan, int index,
                                       struct ws_history *history) {
    const struct ws_record *record = &scan->records[index];
    uint64_t offset = history_at(record);
    size_t size = record->history_size;

    if (size > 0 && offset + size <= scan->head_size) {
        return decode_history(record, scan->head + offset, size, history);
    }
    return ws_record_read_history(file, record, history);
}

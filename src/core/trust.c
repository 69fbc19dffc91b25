#include "trust.h"

#include <stdlib.h>

#include "runs.h"

bool ws_store_trusts_at(const struct ws_store *store, enum ws_level level, uint32_t shard,
                        const char *name, struct ws_file *file) {
    struct ws_file_identity identity;

    if (ws_store_options(store).trust) {
        return true;
    }
    char *path = ws_os_file_identity(file, &identity) == WS_OK
                     ? ws_layout_path(ws_store_path(store), level, shard, name)
                     : NULL;
    bool trusts = path && ws_os_is_private(path, level, &identity);
    free(path);
    return trusts;
}

static bool trusts_file(const struct ws_store *store, const struct ws_digest *key,
                        const char *run_id, struct ws_file *file) {
    char name[WS_FILE_NAME_MAX + 1];

    ws_run_file_name(key, run_id, name);
    return ws_store_trusts_at(store, WS_LEVEL_SHARD, ws_shard_of(key), name, file);
}

bool ws_candidate_is_trusted(const struct ws_candidate *candidate) {
    if (*candidate->trust == WS_TRUST_UNKNOWN) {
        bool trusts = trusts_file(candidate->store, &candidate->record->key, candidate->run_id,
                                  candidate->file);
        *candidate->trust = trusts ? WS_TRUSTED : WS_UNTRUSTED;
    }
    return *candidate->trust == WS_TRUSTED;
}

bool ws_store_trusts(const struct ws_store *store, const struct ws_digest *key,
                     const char *run_id) {
    struct ws_file *file;

    ws_run_open(store, key, run_id, &file);
    bool trusts = file && trusts_file(store, key, run_id, file);
    ws_os_file_close(file);
    return trusts;
}

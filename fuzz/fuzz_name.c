/*
 * File names: a name that is taken apart is put together again as it was, and none leads out of
 * its directory.
 *
 * Input: the name.
 */
#include "fuzz.h"

#include "store.h"

static void check_run_id(const char *run_id) {
    FUZZ_CHECK(ws_run_id_is_valid(run_id));
    FUZZ_CHECK(strlen(run_id) <= WS_RUN_ID_MAX && run_id[0] != '.' && !strchr(run_id, '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char *name = malloc(size + 1);
    char again[WS_FILE_NAME_MAX + 1];
    char run_id[WS_RUN_ID_MAX + 1];
    struct ws_digest key = {{0}};

    FUZZ_CHECK(name);
    if (size > 0) {
        memcpy(name, bytes, size);
    }
    name[size] = '\0';
    if (ws_run_file_parse(name, &key, run_id) == WS_OK) {
        check_run_id(run_id);
        ws_run_file_name(&key, run_id, again);
        FUZZ_CHECK(strcmp(name, again) == 0);
    }
    if (ws_temporary_file_parse(name, &key, run_id) == WS_OK) {
        check_run_id(run_id);
    }
    if (ws_run_id_is_valid(name)) {
        ws_run_file_name(&key, name, again);
        FUZZ_CHECK(ws_run_file_parse(again, &key, run_id) == WS_OK && strcmp(run_id, name) == 0);
    }
    free(name);
    return 0;
}

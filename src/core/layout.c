#include "layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os.h"

#define VERSION_DIRECTORY "v1"
#define RUN_SUFFIX ".warm"
#define TEMPORARY_SUFFIX ".tmp"
#define LEVEL_DIGITS 3

/* Directories. */

uint32_t ws_shard_of(const struct ws_digest *key) {
    return (uint32_t)key->bytes[0] << 16 | (uint32_t)key->bytes[1] << 8 | key->bytes[2];
}

uint32_t ws_branch_of(uint32_t shard) { return shard / WS_SHARDS_OF_BRANCH % WS_BRANCHES; }

void ws_layout_number(uint32_t number, char name[LEVEL_DIGITS + 1]) {
    snprintf(name, LEVEL_DIGITS + 1, "%03x", (unsigned)number % WS_BRANCHES);
}

bool ws_layout_parse_number(const char *name, uint32_t *number) {
    if (strlen(name) != LEVEL_DIGITS || strspn(name, "0123456789abcdef") != LEVEL_DIGITS) {
        return false;
    }
    *number = (uint32_t)strtoul(name, NULL, 16);
    return true;
}

void ws_layout_below(enum ws_level level, uint32_t shard, char below[WS_BELOW_MAX + 1]) {
    char branch_name[LEVEL_DIGITS + 1];
    char shard_name[LEVEL_DIGITS + 1];
    /* How much of it is each level's. */
    static const int sizes[] = {[WS_LEVEL_STORE] = 0,
                                [WS_LEVEL_ROOT] = sizeof VERSION_DIRECTORY - 1,
                                [WS_LEVEL_BRANCH] = WS_BELOW_MAX - 1 - LEVEL_DIGITS,
                                [WS_LEVEL_SHARD] = WS_BELOW_MAX};

    ws_layout_number(ws_branch_of(shard), branch_name);
    ws_layout_number(shard % WS_SHARDS_OF_BRANCH, shard_name);
    snprintf(below, WS_BELOW_MAX + 1, VERSION_DIRECTORY "/%s/%s", branch_name, shard_name);
    below[sizes[level]] = '\0';
}

char *ws_layout_path(const char *path, enum ws_level level, uint32_t shard, const char *name) {
    char below[WS_BELOW_MAX + 1];
    size_t size = strlen(path) + WS_BELOW_MAX + (name ? strlen(name) : 0) + sizeof "//";
    char *whole = malloc(size);

    ws_layout_below(level, shard, below);
    if (whole) {
        snprintf(whole, size, "%s%s%s%s%s", path, below[0] ? "/" : "", below, name ? "/" : "",
                 name ? name : "");
    }
    return whole;
}

bool ws_layout_has(enum ws_level level, const char *name) {
    uint32_t branch;

    if (level == WS_LEVEL_STORE) {
        return strcmp(name, VERSION_DIRECTORY) == 0;
    }
    return level == WS_LEVEL_ROOT &&
           (ws_layout_parse_number(name, &branch) || strcmp(name, WS_ROUND_FILE) == 0 ||
            strcmp(name, WS_TALLY_FILE) == 0);
}

/* Files. */

static bool is_run_id_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool ws_run_id_is_valid(const char *run_id) {
    size_t size = 0;

    for (; run_id[size] != '\0'; size++) {
        if (size == WS_RUN_ID_MAX || !is_run_id_character(run_id[size])) {
            return false;
        }
    }
    return size > 0 && run_id[0] != '.';
}

enum ws_status ws_run_id_new(char run_id[WS_RUN_ID_MAX + 1]) {
    char host[21];
    uint32_t chance;
    enum ws_status status = ws_os_random(&chance, sizeof chance);

    if (status != WS_OK) {
        return status;
    }
    ws_os_host(host, sizeof host);
    for (char *c = host; *c != '\0'; c++) {
        if (!is_run_id_character(*c) || (*c == '.' && c == host)) {
            *c = '_';
        }
    }
    /* 20 + 10 + 12 + 8 digits, three dashes: within WS_RUN_ID_MAX. */
    snprintf(run_id, WS_RUN_ID_MAX + 1, "%s-%u-%llx-%08x", host, (unsigned)ws_os_process(),
             (unsigned long long)(ws_os_now() / 1000000) & 0xffffffffffff, (unsigned)chance);
    return WS_OK;
}

void ws_run_file_name(const struct ws_digest *key, const char *run_id,
                      char name[WS_FILE_NAME_MAX + 1]) {
    char hex[WS_DIGEST_HEX + 1];

    ws_digest_format(key, hex);
    snprintf(name, WS_FILE_NAME_MAX + 1, "%s-%s" RUN_SUFFIX, hex, run_id);
}

/* Takes "<key>-<run id>" apart. */
static enum ws_status parse_stem(const char *stem, size_t size, struct ws_digest *key,
                                 char run_id[WS_RUN_ID_MAX + 1]) {
    char hex[WS_DIGEST_HEX + 1];

    if (size <= WS_DIGEST_HEX + 1 || size > WS_DIGEST_HEX + 1 + WS_RUN_ID_MAX ||
        stem[WS_DIGEST_HEX] != '-') {
        return WS_FOREIGN;
    }
    size_t run_id_size = size - WS_DIGEST_HEX - 1;
    memcpy(hex, stem, WS_DIGEST_HEX);
    hex[WS_DIGEST_HEX] = '\0';
    memcpy(run_id, stem + WS_DIGEST_HEX + 1, run_id_size);
    run_id[run_id_size] = '\0';
    return ws_digest_parse(hex, key) == WS_OK && ws_run_id_is_valid(run_id) ? WS_OK : WS_FOREIGN;
}

enum ws_status ws_run_file_parse(const char *name, struct ws_digest *key,
                                 char run_id[WS_RUN_ID_MAX + 1]) {
    size_t size = strlen(name);
    size_t suffix = strlen(RUN_SUFFIX);

    if (size < suffix || strcmp(name + size - suffix, RUN_SUFFIX) != 0) {
        return WS_FOREIGN;
    }
    return parse_stem(name, size - suffix, key, run_id);
}

enum ws_status ws_temporary_file_name(const char *name, char temporary[WS_FILE_NAME_MAX + 1]) {
    uint64_t chance;
    size_t stem = strlen(name) - strlen(RUN_SUFFIX);
    enum ws_status status = ws_os_random(&chance, sizeof chance);

    if (status == WS_OK) {
        snprintf(temporary, WS_FILE_NAME_MAX + 1, "%.*s.%016llx" TEMPORARY_SUFFIX, (int)stem, name,
                 (unsigned long long)chance);
    }
    return status;
}

enum ws_status ws_temporary_file_parse(const char *name, struct ws_digest *key,
                                       char run_id[WS_RUN_ID_MAX + 1]) {
    size_t size = strlen(name);
    size_t chance = strlen(".0123456789abcdef");
    size_t suffix = chance + strlen(TEMPORARY_SUFFIX);

    if (size < suffix || name[size - suffix] != '.' ||
        strspn(name + size - suffix + 1, "0123456789abcdef") != chance - 1 ||
        strcmp(name + size - suffix + chance, TEMPORARY_SUFFIX) != 0) {
        return WS_FOREIGN;
    }
    return parse_stem(name, size - suffix, key, run_id);
}

#include "fixtures.h"
#include "layout.h"

#define SHARD 0x012345

static bool is_below(enum ws_level level, const char *expected) {
    char below[WS_BELOW_MAX + 1];

    ws_layout_below(level, SHARD, below);
    return strcmp(below, expected) == 0;
}

static bool is_path(enum ws_level level, const char *name, const char *expected) {
    char *path = ws_layout_path("/home/store", level, SHARD, name);

    CHECK(path);
    bool same = strcmp(path, expected) == 0;
    free(path);
    return same;
}

TEST("a key's shard is its first six digits, and the branch half of them") {
    struct ws_digest key = a_key();

    CHECK(ws_shard_of(&key) == SHARD && ws_branch_of(SHARD) == 0x012);
    key = key_of("ffffff00000000000000000000000000");
    CHECK(ws_shard_of(&key) == 0xffffff && ws_branch_of(0xffffff) == WS_BRANCHES - 1);
}

TEST("a store has a directory for the version, the branch and the shard") {
    CHECK(is_below(WS_LEVEL_STORE, ""));
    CHECK(is_below(WS_LEVEL_ROOT, "v1"));
    CHECK(is_below(WS_LEVEL_BRANCH, "v1/012"));
    CHECK(is_below(WS_LEVEL_SHARD, "v1/012/345"));
}

TEST("a path is that of a directory, or of a name in it") {
    CHECK(is_path(WS_LEVEL_STORE, NULL, "/home/store"));
    CHECK(is_path(WS_LEVEL_STORE, "name", "/home/store/name"));
    CHECK(is_path(WS_LEVEL_ROOT, WS_ROUND_FILE, "/home/store/v1/.swept"));
    CHECK(is_path(WS_LEVEL_SHARD, NULL, "/home/store/v1/012/345"));
    CHECK(is_path(WS_LEVEL_SHARD, "name", "/home/store/v1/012/345/name"));
}

TEST("each number of a branch or a shard is found in its name") {
    char name[4];
    uint32_t number;

    for (uint32_t i = 0; i < WS_BRANCHES; i++) {
        ws_layout_number(i, name);
        CHECK(ws_layout_parse_number(name, &number) && number == i);
    }
}

TEST("what is no name of a branch has no number") {
    static const char *const names[] = {"", "0", "01", "0123", "0g1", "01F", " 12", "+12", "0x1"};
    uint32_t number;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK(!ws_layout_parse_number(names[i], &number));
    }
}

TEST("a store has the names that are its own, and no others") {
    CHECK(ws_layout_has(WS_LEVEL_STORE, "v1") && !ws_layout_has(WS_LEVEL_STORE, "v2"));
    CHECK(ws_layout_has(WS_LEVEL_ROOT, "012") && !ws_layout_has(WS_LEVEL_ROOT, "0123"));
    CHECK(ws_layout_has(WS_LEVEL_ROOT, ".swept") && ws_layout_has(WS_LEVEL_ROOT, ".tally"));
    CHECK(!ws_layout_has(WS_LEVEL_ROOT, "v1") && !ws_layout_has(WS_LEVEL_STORE, "012"));
}

TEST("a file's name while it is made is taken apart into the same key and run") {
    struct ws_digest key = a_key();
    struct ws_digest found;
    char name[WS_FILE_NAME_MAX + 1];
    char temporary[WS_FILE_NAME_MAX + 1];
    char run_id[WS_RUN_ID_MAX + 1];

    ws_run_file_name(&key, "run", name);
    CHECK_STATUS(ws_temporary_file_name(name, temporary), WS_OK);
    CHECK_STATUS(ws_temporary_file_parse(temporary, &found, run_id), WS_OK);
    CHECK(same_key(&key, &found) && strcmp(run_id, "run") == 0);
    CHECK_STATUS(ws_run_file_parse(temporary, &found, run_id), WS_FOREIGN);
}

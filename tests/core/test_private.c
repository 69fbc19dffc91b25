#define _DEFAULT_SOURCE /* setgroups */
#include "fixtures.h"

#include <grp.h>

/* Who may have written a file, and the rights that a store's own files get. Where a second user
 * is needed the test runs as root only: it gives files to `nobody`, or becomes it in a child. */

#define NOBODY 65534
#define DEPTH WS_LEVEL_SHARD

static bool is_root(void) { return geteuid() == 0; }

static struct ws_file_identity identity_of(const char *path) {
    struct stat info;

    CHECK(lstat(path, &info) == 0);
    return (struct ws_file_identity){.device = info.st_dev, .number = info.st_ino};
}

static bool is_private(const char *path) {
    struct ws_file_identity identity = identity_of(path);

    return ws_os_is_private(path, DEPTH, &identity);
}

/* A store with one entry: its file's path, and those of what is above it. */
struct place {
    const char *parent;
    const char *store;
    const char *version;
    const char *branch;
    const char *shard;
    const char *file;
};

static struct place a_place(void) {
    struct place place = {
        .parent = harness_path("parent"),
        .store = harness_path("parent/store"),
        .version = harness_path("parent/store/v1"),
        .branch = harness_path("parent/store/v1/012"),
        .shard = harness_path("parent/store/v1/012/345"),
        .file = harness_path("parent/store/v1/012/345/" KEY_HEX "-one.warm"),
    };
    struct ws_store_options options = {.max_size = 1 << 20, .max_age = WS_DAY};
    struct ws_store *store = NULL;
    struct ws_digest key = a_key();

    CHECK_STATUS(ws_store_open(place.store, &options, &store), WS_OK);
    save_text(store, &key, "one", WS_FINAL, 1, "text");
    ws_store_release(store);
    return place;
}

static const char *part_of(const struct place *place, int part) {
    const char *const parts[] = {place->file,    place->shard, place->branch,
                                 place->version, place->store, place->parent};

    return parts[part];
}

#define PARTS 6

static mode_t mode_of(const char *path) {
    struct stat info;

    CHECK(lstat(path, &info) == 0);
    return info.st_mode & 07777;
}

/* In a child, since a process cannot become root again. */
static void as_nobody(void (*work)(void *context), void *context) {
    pid_t child = fork();

    if (child == 0) {
        CHECK(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
        work(context);
        _exit(0);
    }
    expect_success(child);
}

/* Rights. */

static void check_rights(mode_t mask) {
    harness_dir(); /* that is not the store's to make */
    mode_t before = umask(mask);
    struct place place = a_place();

    umask(before);
    for (int part = 1; part < PARTS; part++) {
        CHECK(mode_of(part_of(&place, part)) == 0700);
    }
    CHECK(mode_of(place.file) == 0600);
}

TEST("a new store is its user's alone, with a umask that takes nothing away") { check_rights(0); }

TEST("a new store is its user's alone, with the usual umask") { check_rights(022); }

TEST("a new store can be used, with a umask that takes everything away") { check_rights(0777); }

static void use_with_full_umask(void *context) {
    (void)context;
    check_rights(0777);
}

TEST("a new store can be used by a user without privileges under any umask") {
    if (is_root()) {
        CHECK(chown(harness_dir(), NOBODY, NOBODY) == 0);
        as_nobody(use_with_full_umask, NULL);
    } else {
        use_with_full_umask(NULL);
    }
}

static void use_drop_box(void *context) {
    (void)context;
    a_place();
}

TEST("the first save works below a directory that may be written and not read") {
    if (is_root()) {
        CHECK(chmod(harness_dir(), 01733) == 0);
        as_nobody(use_drop_box, NULL);
    }
}

TEST("the first save works in a store that may be written and not read") {
    if (is_root()) {
        CHECK(chmod(harness_dir(), 0755) == 0 && mkdir(harness_path("parent"), 0755) == 0);
        CHECK(mkdir(harness_path("parent/store"), 01733) == 0);
        CHECK(chmod(harness_path("parent/store"), 01733) == 0);
        as_nobody(use_drop_box, NULL);
    }
}

TEST("a live run's file is its user's alone") {
    harness_dir();
    mode_t before = umask(0);
    struct ws_store *store = a_store();
    struct ws_digest key = a_key();
    struct ws_session *session = NULL;
    struct ws_offer offer = {.payload = "x", .size = 1, .objective = 1};

    CHECK_STATUS(ws_session_open(store, &key, NULL, &session), WS_OK);
    CHECK_STATUS(ws_session_checkpoint(session, &offer), WS_OK);
    umask(before);
    CHECK(mode_of(run_path(KEY_HEX, ws_session_status(session).run_id)) == 0600);
    ws_session_close(session);
    ws_store_release(store);
}

/* Groups. */

#define GROUP 54321
#define OTHER_USER 54322

/* A directory of the group's, in which a store of this user is made under that umask, and shared.
 */
static struct ws_store *shared_store(const char *path, mode_t mask) {
    struct ws_store_options options = {.max_size = 1 << 20, .max_age = WS_DAY, .shared = true};
    struct ws_store *store = NULL;
    struct ws_digest key = a_key();
    mode_t before = umask(mask);

    CHECK_STATUS(ws_store_open(path, &options, &store), WS_OK);
    CHECK_STATUS(ws_store_share(store), WS_OK);
    save_text(store, &key, "mine", WS_FINAL, 1, "text");
    umask(before);
    return store;
}

static void check_group_rights(const char *path, gid_t group) {
    const char *below[] = {"/v1", "/v1/012", "/v1/012/345"};
    char whole[512];
    struct stat info;

    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        snprintf(whole, sizeof whole, "%s%s", path, below[i]);
        CHECK(mode_of(whole) == 02770);
        CHECK(stat(whole, &info) == 0 && info.st_gid == group);
    }
    snprintf(whole, sizeof whole, "%s/v1/012/345/" KEY_HEX "-mine.warm", path);
    CHECK(mode_of(whole) == 0660);
    CHECK(stat(whole, &info) == 0 && info.st_gid == group);
}

static void check_shared_rights(mode_t mask) {
    const char *path = harness_path("store");

    harness_dir();
    ws_store_release(shared_store(path, mask));
    check_group_rights(path, getegid());
    CHECK((mode_of(path) & 07777 & ~(mode_t)S_ISGID) == 0750);
}

TEST("a shared store is the group's, with the usual umask") { check_shared_rights(022); }

TEST("a shared store is the group's, with a umask that takes everything away") {
    check_shared_rights(0777);
}

TEST("a shared store has the group of the directory that it is in") {
    const char *path = harness_path("store");

    if (!is_root()) {
        harness_skip("needs root");
    }
    harness_dir();
    CHECK(mkdir(path, 0770) == 0 && chown(path, 0, GROUP) == 0);
    ws_store_release(shared_store(path, 022));
    check_group_rights(path, GROUP);
}

TEST("a store that is shared later is shared with all that is in it") {
    struct place place = a_place();
    struct ws_store *store = a_store_at(place.store);

    CHECK(!ws_store_is_shared(store));
    CHECK_STATUS(ws_store_share(store), WS_OK);
    CHECK(mode_of(place.store) == 0750);
    CHECK(ws_store_is_shared(store));
    CHECK(mode_of(place.version) == 02770 && mode_of(place.branch) == 02770 &&
          mode_of(place.shard) == 02770 && mode_of(place.file) == 0660);
    ws_store_release(store);
}

TEST("a directory that bore the mark of one not yet durable is shared without it") {
    struct place place = a_place();
    struct ws_store *store = a_store_at(place.store);

    CHECK(chmod(place.version, 01700) == 0 && chmod(place.shard, 01700) == 0);
    CHECK_STATUS(ws_store_share(store), WS_OK);
    CHECK(mode_of(place.version) == 02770 && mode_of(place.shard) == 02770);
    ws_store_release(store);
}

static struct ws_digest key_of_chance(void) {
    struct ws_digest key = a_key();

    key.bytes[0] ^= 0xff; /* another branch */
    return key;
}

/* As another member of the group would, who knows nothing of how the store was made. */
static void use_as_member(void *context) {
    struct ws_store *store = a_store_at(context);
    struct ws_digest own = key_of_chance();
    struct ws_digest key = a_key();
    uint64_t removed = 0;

    expect_best(store, &key, "text");
    save_text(store, &own, "theirs", WS_CHECKPOINT, 1, "their text");
    save_text(store, &key, "theirs", WS_CHECKPOINT, 1, "their text");
    CHECK(runs_in(store, NULL) == 3);
    CHECK(ws_store_passed_over(store)->unlisted == 0);
    CHECK_STATUS(ws_store_delete(store, &key, "mine", &removed), WS_OK);
    CHECK(removed == 1);
    ws_store_release(store);
}

static void as_user(uid_t user, gid_t group, void (*work)(void *context), void *context) {
    pid_t child = fork();

    if (child == 0) {
        umask(077);
        CHECK(setgroups(0, NULL) == 0 && setgid(group) == 0 && setuid(user) == 0);
        work(context);
        _exit(0);
    }
    expect_success(child);
}

static void find_theirs(void *context) {
    struct ws_store *store = a_store_at(context);
    struct ws_digest own = key_of_chance();

    expect_best(store, &own, "their text");
    ws_store_release(store);
}

TEST("members of the group find, save and delete in a shared store, whatever their umask") {
    const char *path = harness_path("store");

    if (!is_root()) {
        harness_skip("needs root");
    }
    CHECK(chmod(harness_dir(), 0755) == 0);
    CHECK(mkdir(path, 0750) == 0 && chown(path, 0, GROUP) == 0);
    ws_store_release(shared_store(path, 077));
    as_user(OTHER_USER, GROUP, use_as_member, (void *)(uintptr_t)path);
    as_user(OTHER_USER + 1, GROUP, find_theirs, (void *)(uintptr_t)path);
}

static void use_in_vain(void *context) {
    struct ws_store *store = a_store_at(context);
    struct ws_digest key = a_key();
    uint64_t owner = OTHER_USER;

    CHECK(runs_in(store, NULL) == 0 && ws_store_passed_over(store)->unlisted == 1);
    CHECK(ws_store_passed_over(store)->unlisted_errno == EACCES);
    CHECK_STATUS(ws_store_share(store), WS_OS_ERROR);
    char barrier[512];
    CHECK(ws_store_barrier(store, &key, barrier, sizeof barrier, &owner));
    CHECK(strcmp(barrier + strlen(barrier) - 3, "/v1") == 0 && owner == 0);
    ws_store_release(store);
}

TEST("what another user cannot read is counted, and named as what is in the way") {
    const char *path = harness_path("store");

    if (!is_root()) {
        harness_skip("needs root");
    }
    CHECK(chmod(harness_dir(), 0755) == 0);
    CHECK(mkdir(path, 0777) == 0 && chmod(path, 0777) == 0);
    struct ws_store *store = a_store_at(path);
    struct ws_digest key = a_key();
    save_text(store, &key, "mine", WS_FINAL, 1, "text");
    char barrier[512];
    CHECK(!ws_store_barrier(store, &key, barrier, sizeof barrier, &(uint64_t){0}));
    ws_store_release(store);
    as_user(OTHER_USER, GROUP, use_in_vain, (void *)(uintptr_t)path);
}

TEST("a shared store is not private: what is in it may be its group's") {
    const char *path = harness_path("store");
    struct ws_digest key = a_key();

    harness_dir();
    struct ws_store *store = shared_store(path, 022);
    CHECK(!ws_store_trusts(store, &key, "mine"));
    ws_store_release(store);
}

/* Privacy. */

TEST("a new store's file is private") {
    struct place place = a_place();

    CHECK(is_private(place.file));
}

TEST("a path may have slashes and dots to spare") {
    a_place();
    CHECK(is_private(harness_path("parent//./store/v1/012/345/" KEY_HEX "-one.warm")));
}

TEST("what others can write is not private, at any place on the way") {
    static const mode_t writable[] = {0020, 0002};
    struct place place = a_place();

    for (int part = 0; part < PARTS; part++) {
        for (int i = 0; i < 2; i++) {
            mode_t mode = mode_of(part_of(&place, part));
            CHECK(chmod(part_of(&place, part), mode | writable[i]) == 0);
            CHECK(!is_private(place.file));
            CHECK(chmod(part_of(&place, part), mode) == 0);
        }
    }
    CHECK(is_private(place.file));
}

TEST("what others can read is private all the same") {
    struct place place = a_place();

    for (int part = 0; part < PARTS; part++) {
        CHECK(chmod(part_of(&place, part), mode_of(part_of(&place, part)) | 0055) == 0);
    }
    CHECK(is_private(place.file));
}

TEST("a directory where all add names and none removes another's may hold a store") {
    struct place place = a_place();

    CHECK(chmod(place.parent, 01777) == 0);
    CHECK(is_private(place.file));
}

TEST("the store itself may not be such a directory") {
    struct place place = a_place();

    for (int part = 1; part <= DEPTH; part++) {
        CHECK(chmod(part_of(&place, part), 01777) == 0);
        CHECK(!is_private(place.file));
        CHECK(chmod(part_of(&place, part), 0700) == 0);
    }
}

TEST("what another user owns is not private, at any place on the way") {
    struct place place = a_place();

    for (int part = 0; is_root() && part < PARTS; part++) {
        CHECK(chown(part_of(&place, part), NOBODY, NOBODY) == 0);
        CHECK(!is_private(place.file));
        CHECK(chown(part_of(&place, part), 0, 0) == 0);
    }
    CHECK(is_private(place.file));
}

static void check_not_private(void *context) {
    const struct place *place = context;

    CHECK(!is_private(place->file));
}

TEST("what root owns is not private to a user without privileges") {
    struct place place = a_place();

    if (is_root()) {
        CHECK(chmod(harness_dir(), 0755) == 0);
        for (int part = 0; part < PARTS; part++) {
            CHECK(chmod(part_of(&place, part), 0755) == 0);
        }
        as_nobody(check_not_private, &place);
    }
}

static void check_private(void *context) {
    (void)context;
    struct place place = a_place();

    CHECK(is_private(place.file));
}

TEST("a store of a user without privileges is private, below root's directories") {
    if (is_root()) {
        const char *home = harness_path("parent");
        CHECK(chmod(harness_dir(), 0755) == 0 && mkdir(home, 0700) == 0);
        CHECK(chown(home, NOBODY, NOBODY) == 0);
        as_nobody(check_private, NULL);
    }
}

TEST("a directory that may be entered and not listed does not hide a store") {
    struct place place = a_place();

    CHECK(chmod(place.parent, 0100) == 0);
    CHECK(is_private(place.file));
    CHECK(chmod(place.parent, 0700) == 0);
}

/* Links. */

static void replace_by_link(const char *path, const char *moved) {
    CHECK(rename(path, moved) == 0);
    CHECK(symlink(moved, path) == 0);
}

TEST("a symbolic link in place of the file or of a directory of the store is not private") {
    for (int part = 0; part <= DEPTH; part++) {
        struct place place = a_place();
        struct ws_file_identity identity = identity_of(place.file);
        replace_by_link(part_of(&place, part), harness_path("moved"));
        CHECK(!ws_os_is_private(place.file, DEPTH, &identity));
        remove_tree(harness_path("moved"));
        remove_tree(place.parent);
    }
}

TEST("the administrator's links further up are followed") {
    struct place place = a_place();

    if (is_root()) {
        replace_by_link(place.parent, harness_path("moved"));
        CHECK(is_private(place.file));
    }
}

TEST("relative links of the administrator are followed") {
    struct place place = a_place();

    if (is_root()) {
        CHECK(rename(place.parent, harness_path("moved")) == 0);
        CHECK(symlink("./moved/../moved", place.parent) == 0);
        CHECK(is_private(place.file));
    }
}

TEST("another user's link further up is not followed") {
    struct place place = a_place();

    if (is_root()) {
        replace_by_link(place.parent, harness_path("moved"));
        CHECK(lchown(place.parent, NOBODY, NOBODY) == 0);
        CHECK(!is_private(place.file));
    }
}

TEST("links that lead to each other end") {
    struct ws_file_identity identity = {.device = 1, .number = 1};

    CHECK(symlink(harness_path("b"), harness_path("a")) == 0);
    CHECK(symlink(harness_path("a"), harness_path("b")) == 0);
    CHECK(!ws_os_is_private(harness_path("a/b/c/d/e/f"), DEPTH, &identity));
}

TEST("another file than the one that was opened is not private") {
    struct place place = a_place();
    struct ws_file_identity identity = identity_of(place.file);
    struct image image = image_of(place.file);

    make_file(harness_path("copy"), image.bytes, image.size);
    CHECK(rename(harness_path("copy"), place.file) == 0);
    CHECK(!ws_os_is_private(place.file, DEPTH, &identity));
    free(image.bytes);
}

TEST("what is missing, relative or no file is not private") {
    struct place place = a_place();
    struct ws_file_identity identity = identity_of(place.shard);

    CHECK(!ws_os_is_private(place.shard, DEPTH, &identity));
    CHECK(!ws_os_is_private(harness_path("missing/a/b/c/d"), DEPTH, &identity));
    CHECK(!ws_os_is_private("v1/012/345/file", DEPTH, &identity));
    CHECK(!ws_os_is_private("", DEPTH, &identity));
    CHECK(!ws_os_is_private("/", DEPTH, &identity));
}

/* What the store makes of it. */

static enum ws_status accept_trusted(const struct ws_candidate *candidate) {
    return ws_candidate_is_trusted(candidate) ? WS_OK : WS_REFUSED;
}

static struct ws_store *wary_store(bool trust) {
    struct ws_store_options options = {
        .max_size = 1 << 20, .max_age = WS_DAY, .trust = trust, .accept = accept_trusted};
    struct ws_store *store = NULL;

    CHECK_STATUS(ws_store_open(harness_path("parent/store"), &options, &store), WS_OK);
    return store;
}

TEST("a lookup returns what the store accepts") {
    a_place();
    struct ws_store *store = wary_store(false);
    struct ws_digest key = a_key();

    expect_best(store, &key, "text");
    CHECK(ws_store_passed_over(store)->withheld == 0);
    CHECK(ws_store_trusts(store, &key, "one"));
    ws_store_release(store);
}

TEST("a lookup passes over what the store does not accept, and counts it") {
    struct place place = a_place();
    struct ws_store *store = wary_store(false);
    struct ws_digest key = a_key();

    ws_store_shift_clock(store, -SECOND);
    save_text(store, &key, "two", WS_FINAL, 2, "older");
    ws_store_shift_clock(store, SECOND);
    CHECK(chmod(place.file, 0666) == 0);
    expect_best(store, &key, "older");
    CHECK(ws_store_passed_over(store)->withheld == 1);
    CHECK(!ws_store_trusts(store, &key, "one"));
    CHECK(ws_store_trusts(store, &key, "two"));
    CHECK(chmod(place.store, 0770) == 0);
    expect_best(store, &key, NULL);
    CHECK(ws_store_passed_over(store)->withheld == 3);
    ws_store_release(store);
}

TEST("a store that is trusted returns what others can write") {
    struct place place = a_place();
    struct ws_store *store = wary_store(true);
    struct ws_digest key = a_key();

    CHECK(chmod(place.store, 0777) == 0);
    expect_best(store, &key, "text");
    CHECK(ws_store_trusts(store, &key, "one"));
    ws_store_release(store);
}

TEST("no run of a name that cannot be is trusted") {
    a_place();
    struct ws_store *store = wary_store(true);
    struct ws_digest key = a_key();

    CHECK(!ws_store_trusts(store, &key, "missing"));
    CHECK(!ws_store_trusts(store, &key, "../one"));
    CHECK(!ws_store_trusts(store, &key, ""));
    ws_store_release(store);
}

TEST("a store's own directories are not found through links") {
    for (int part = 1; part < DEPTH; part++) {
        struct place place = a_place();
        struct ws_store *store = wary_store(true);
        struct ws_digest key = a_key();
        struct ws_note note = note_of(WS_FINAL, 1);
        struct ws_entry *entry = NULL;
        uint64_t removed;
        replace_by_link(part_of(&place, part), harness_path("moved"));
        CHECK(ws_store_lookup(store, &key, WS_BEST, WS_ANY_KIND, NULL, &entry) != WS_OK);
        CHECK(ws_store_save(store, &key, "two", &note, "x", 1) != WS_OK);
        CHECK(ws_store_delete(store, &key, NULL, &removed) != WS_OK);
        ws_store_release(store);
        remove_tree(harness_path("moved"));
        remove_tree(place.parent);
    }
}

TEST("a store may itself be reached by a link: plain data is taken from there") {
    struct place place = a_place();
    struct ws_store_options options = {.max_size = 1 << 20, .max_age = WS_DAY};
    struct ws_store *store = NULL;
    struct ws_digest key = a_key();

    replace_by_link(place.store, harness_path("moved"));
    CHECK_STATUS(ws_store_open(place.store, &options, &store), WS_OK);
    expect_best(store, &key, "text");
    ws_store_release(store);
}

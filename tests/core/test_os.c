#include "fixtures.h"

#include <sys/resource.h>

static void write_text(struct ws_file *file, uint64_t offset, const char *text) {
    CHECK_STATUS(ws_os_file_write(file, offset, text, strlen(text), NULL, 0), WS_OK);
}

/* Whether the file's bytes from `offset` to its end are `text`. */
static bool reads(struct ws_file *file, uint64_t offset, const char *text) {
    char bytes[256];
    size_t got = 0;

    CHECK_STATUS(ws_os_file_read(file, offset, bytes, sizeof bytes, &got), WS_OK);
    return got == strlen(text) && memcmp(bytes, text, got) == 0;
}

static struct ws_file_info info_of(struct ws_file *file) {
    struct ws_file_info info;

    CHECK_STATUS(ws_os_file_info(file, &info), WS_OK);
    return info;
}

static unsigned permissions_of(const char *path) {
    struct stat info;

    CHECK(lstat(path, &info) == 0);
    return (unsigned)info.st_mode & 0777;
}

static void hold_lock(void *context) {
    CHECK_STATUS(ws_os_file_lock(new_file_in(context, "file")), WS_OK);
}

/* Directories. */

TEST("a missing directory is not found") {
    struct ws_dir *dir = NULL;

    CHECK_STATUS(ws_os_dir_open(harness_path("missing"), WS_MAKE_NONE, &dir), WS_NOT_FOUND);
}

TEST("a directory below a missing one is not found") {
    struct ws_dir *dir = NULL;

    CHECK_STATUS(ws_os_dir_open(harness_path("missing/inner"), WS_MAKE_NONE, &dir), WS_NOT_FOUND);
}

TEST("opening without create makes nothing") {
    struct ws_dir *dir = NULL;

    ws_os_dir_open(harness_path("missing"), WS_MAKE_NONE, &dir);
    CHECK(!exists(harness_path("missing")));
}

TEST("a directory is made with its parents") {
    ws_os_dir_close(dir_at(harness_path("a/b/c")));
    CHECK(exists(harness_path("a/b/c")));
}

TEST("a path may end in a separator") {
    ws_os_dir_close(dir_at(harness_path("a/b/")));
    CHECK(exists(harness_path("a/b")));
}

TEST("a path may repeat its separators") {
    ws_os_dir_close(dir_at(harness_path("a//b")));
    CHECK(exists(harness_path("a/b")));
}

TEST("a relative path is made from the working directory") {
    CHECK(chdir(harness_dir()) == 0);
    ws_os_dir_close(dir_at("a/b"));
    CHECK(chdir("/") == 0);
    CHECK(exists(harness_path("a/b")));
}

TEST("an existing directory opens with create") { ws_os_dir_close(test_dir()); }

TEST("directories are made for their owner alone, whatever the umask") {
    mode_t before = umask(0);

    ws_os_dir_close(dir_at(harness_path("a/b")));
    umask(before);
    CHECK(permissions_of(harness_path("a")) == 0700);
    CHECK(permissions_of(harness_path("a/b")) == 0700);
}

TEST("a file is no directory") {
    struct ws_dir *dir = NULL;

    make_file(harness_path("file"), "", 0);
    CHECK_STATUS(ws_os_dir_open(harness_path("file"), WS_MAKE_NONE, &dir), WS_OS_ERROR);
    CHECK(errno == ENOTDIR);
}

TEST("no directory is made below a file") {
    struct ws_dir *dir = NULL;

    make_file(harness_path("file"), "", 0);
    CHECK_STATUS(ws_os_dir_open(harness_path("file/inner"), WS_MAKE_DURABLE, &dir), WS_OS_ERROR);
    CHECK(errno == ENOTDIR);
}

struct listing {
    int count;
    bool saw[2];
};

static enum ws_status list_one(void *context, const char *name) {
    struct listing *listing = context;

    listing->count++;
    listing->saw[0] |= strcmp(name, "one") == 0;
    listing->saw[1] |= strcmp(name, "two") == 0;
    return WS_OK;
}

TEST("a listing names each file once, and not the directory itself") {
    struct ws_dir *dir = test_dir();
    struct listing listing = {0};

    make_file(harness_path("one"), "", 0);
    make_file(harness_path("two"), "", 0);
    CHECK_STATUS(ws_os_dir_list(dir, list_one, &listing), WS_OK);
    CHECK(listing.count == 2 && listing.saw[0] && listing.saw[1]);
    ws_os_dir_close(dir);
}

TEST("a second listing sees what was made since the first") {
    struct ws_dir *dir = test_dir();
    struct listing listing = {0};

    make_file(harness_path("one"), "", 0);
    CHECK_STATUS(ws_os_dir_list(dir, list_one, &listing), WS_OK);
    make_file(harness_path("two"), "", 0);
    listing = (struct listing){0};
    CHECK_STATUS(ws_os_dir_list(dir, list_one, &listing), WS_OK);
    if (listing.count < 2 && ws_os_disk(harness_dir()) != WS_DISK_OWN) {
        harness_skip("needs directories that are not kept in mind while they are open");
    }
    CHECK(listing.count == 2);
    ws_os_dir_close(dir);
}

TEST("a directory serves its files after it was listed") {
    struct ws_dir *dir = test_dir();
    struct listing listing = {0};

    CHECK_STATUS(ws_os_dir_list(dir, list_one, &listing), WS_OK);
    ws_os_file_close(new_file_in(dir, "one"));
    CHECK_STATUS(ws_os_dir_sync(dir), WS_OK);
    ws_os_dir_close(dir);
}

static enum ws_status stop_at_once(void *context, const char *name) {
    (void)name;
    ++*(int *)context;
    return WS_REFUSED;
}

TEST("a listing stops where its visitor does not say OK, and passes that on") {
    struct ws_dir *dir = test_dir();
    int calls = 0;

    make_file(harness_path("one"), "", 0);
    make_file(harness_path("two"), "", 0);
    CHECK_STATUS(ws_os_dir_list(dir, stop_at_once, &calls), WS_REFUSED);
    CHECK(calls == 1);
    ws_os_dir_close(dir);
}

TEST("closing no directory and no file is allowed") {
    ws_os_dir_close(NULL);
    CHECK_STATUS(ws_os_file_close(NULL), WS_OK);
}

/* Opening and creating files. */

TEST("a missing file is not found") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = NULL;

    CHECK_STATUS(ws_os_file_open(dir, "missing", &file), WS_NOT_FOUND);
    ws_os_dir_close(dir);
}

TEST("a file is created only under a new name") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = NULL;

    ws_os_file_close(new_file_in(dir, "file"));
    CHECK_STATUS(ws_os_file_create(dir, "file", &file), WS_OS_ERROR);
    CHECK(errno == EEXIST);
    ws_os_dir_close(dir);
}

TEST("files are created for their owner alone, whatever the umask") {
    struct ws_dir *dir = test_dir();
    mode_t before = umask(0);

    ws_os_file_close(new_file_in(dir, "file"));
    umask(before);
    CHECK(permissions_of(harness_path("file")) == 0600);
    ws_os_dir_close(dir);
}

TEST("a file is not created in a directory that was deleted") {
    struct ws_dir *dir = dir_at(harness_path("gone"));
    struct ws_file *file = NULL;

    CHECK(rmdir(harness_path("gone")) == 0);
    CHECK_STATUS(ws_os_file_create(dir, "file", &file), WS_NOT_FOUND);
    ws_os_dir_close(dir);
}

TEST("a symbolic link to a file is not opened") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = NULL;

    make_file(harness_path("target"), "", 0);
    CHECK(symlink("target", harness_path("link")) == 0);
    CHECK_STATUS(ws_os_file_open(dir, "link", &file), WS_OS_ERROR);
    ws_os_dir_close(dir);
}

TEST("nothing is created through a symbolic link") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = NULL;

    CHECK(symlink("target", harness_path("link")) == 0);
    CHECK_STATUS(ws_os_file_create(dir, "link", &file), WS_OS_ERROR);
    CHECK(!exists(harness_path("target")));
    ws_os_dir_close(dir);
}

TEST("opening a pipe does not wait for its other end") {
    struct ws_dir *dir = test_dir();

    make_pipe(harness_path("pipe"));
    struct ws_file *file = file_in(dir, "pipe");
    CHECK(!info_of(file).regular);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

/* How many files are open in a program that this process executes. */
static int inherited_files(void) {
    pid_t child = fork();
    int status = -1;

    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "exit $(ls /dev/fd/ | wc -l)", (char *)NULL);
        _exit(255);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) < 255);
    return WEXITSTATUS(status);
}

TEST("handles are not left to a program that is executed") {
    int before = inherited_files();
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");
    struct listing listing = {0};

    CHECK_STATUS(ws_os_dir_list(dir, list_one, &listing), WS_OK);
    CHECK(inherited_files() == before);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

/* Reading and writing. */

TEST("head and body are written one behind the other") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");

    CHECK_STATUS(ws_os_file_write(file, 0, "head", 4, "body", 4), WS_OK);
    CHECK(reads(file, 0, "headbody"));
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("a write without a head writes the body") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");

    CHECK_STATUS(ws_os_file_write(file, 0, NULL, 0, "body", 4), WS_OK);
    CHECK(reads(file, 0, "body"));
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("a write of nothing writes nothing") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");

    CHECK_STATUS(ws_os_file_write(file, 100, NULL, 0, NULL, 0), WS_OK);
    CHECK(info_of(file).size == 0);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("a write in the middle leaves what is around it") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");

    write_text(file, 0, "0123456789");
    CHECK_STATUS(ws_os_file_write(file, 3, "a", 1, "bc", 2), WS_OK);
    CHECK(reads(file, 0, "012abc6789"));
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("a read that begins before the end and goes past it gets what is there") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");

    write_text(file, 0, "0123456789");
    CHECK(reads(file, 7, "789"));
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("a read past the end gets nothing, and is no error") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");

    write_text(file, 0, "0123456789");
    CHECK(reads(file, 10, "") && reads(file, 1 << 20, ""));
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("what one open file wrote another reads at once") {
    struct ws_dir *dir = test_dir();
    struct ws_file *writer = new_file_in(dir, "file");
    struct ws_file *reader = file_in(dir, "file");

    write_text(writer, 0, "text");
    CHECK(reads(reader, 0, "text"));
    ws_os_file_close(reader);
    ws_os_file_close(writer);
    ws_os_dir_close(dir);
}

TEST("a file is changed where it is, and not made where it is missing") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = NULL;

    CHECK_STATUS(ws_os_file_edit(dir, "file", &file), WS_NOT_FOUND);
    make_file(harness_path("file"), "text", 4);
    CHECK_STATUS(ws_os_file_edit(dir, "file", &file), WS_OK);
    write_text(file, 1, "a");
    CHECK(reads(file, 0, "taxt"));
    ws_os_file_close(file);
    CHECK(symlink("file", harness_path("link")) == 0);
    CHECK_STATUS(ws_os_file_edit(dir, "link", &file), WS_OS_ERROR);
    ws_os_dir_close(dir);
}

TEST("a file opened for reading is not written") {
    struct ws_dir *dir = test_dir();

    ws_os_file_close(new_file_in(dir, "file"));
    struct ws_file *file = file_in(dir, "file");
    CHECK_STATUS(ws_os_file_write(file, 0, "text", 4, NULL, 0), WS_OS_ERROR);
    CHECK(reads(file, 0, ""));
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

/* The limit on a file's size stands for a full disk: a write up to it is short, the next fails. */
TEST("a write that the disk takes only in part is an error that says why") {
    struct ws_dir *dir = test_dir();
    pid_t child = fork();

    if (child == 0) {
        struct rlimit limit = {.rlim_cur = 1000, .rlim_max = 1000};
        static const char body[2000];
        struct ws_file *file = new_file_in(dir, "file");
        signal(SIGXFSZ, SIG_IGN);
        CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
        CHECK_STATUS(ws_os_file_write(file, 0, "head", 4, body, sizeof body), WS_OS_ERROR);
        CHECK(errno == EFBIG);
        _exit(0);
    }
    expect_success(child);
    ws_os_dir_close(dir);
}

TEST("allocating sets the size, and reads as zeros") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");
    uint8_t bytes[3 * WS_SLOT_ALIGN + 1];
    size_t got = 0;

    CHECK_STATUS(ws_os_file_allocate(file, 3 * WS_SLOT_ALIGN), WS_OK);
    CHECK(info_of(file).size == 3 * WS_SLOT_ALIGN);
    CHECK_STATUS(ws_os_file_read(file, 0, bytes, sizeof bytes, &got), WS_OK);
    CHECK(got == 3 * WS_SLOT_ALIGN);
    for (size_t i = 0; i < got; i++) {
        CHECK(bytes[i] == 0);
    }
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("allocating keeps what was written") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");
    char bytes[4];
    size_t got = 0;

    write_text(file, 0, "text");
    CHECK_STATUS(ws_os_file_allocate(file, WS_SLOT_ALIGN), WS_OK);
    CHECK_STATUS(ws_os_file_read(file, 0, bytes, sizeof bytes, &got), WS_OK);
    CHECK(got == 4 && memcmp(bytes, "text", 4) == 0);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("syncing a file and its directory works") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");

    write_text(file, 0, "text");
    CHECK_STATUS(ws_os_file_sync(file), WS_OK);
    CHECK_STATUS(ws_os_dir_sync(dir), WS_OK);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

/* What is known of a file. */

TEST("a file's size is what was written") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");

    write_text(file, 1000, "text");
    struct ws_file_info info = info_of(file);
    CHECK(info.size == 1004 && info.regular);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("a directory is not a regular file") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = NULL;

    ws_os_dir_close(dir_at(harness_path("inner")));
    enum ws_status status = ws_os_file_open(dir, "inner", &file);
    CHECK(status == WS_OS_ERROR || !info_of(file).regular);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("a file has one link, and none once it was unlinked") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");

    CHECK(info_of(file).links == 1);
    CHECK_STATUS(ws_os_unlink(dir, "file"), WS_OK);
    CHECK(info_of(file).links == 0 || !ws_os_file_knows_its_names(file));
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("a file has no link once another was renamed over it") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");

    ws_os_file_close(new_file_in(dir, "other"));
    CHECK_STATUS(ws_os_rename(dir, "other", "file"), WS_OK);
    CHECK(info_of(file).links == 0);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

/* In a child: the limit is the process's. */
static void limit_files(rlim_t bytes) {
    CHECK(setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = bytes, .rlim_max = RLIM_INFINITY}) ==
          0);
}

TEST("writing and reserving beyond the process's limit fail, and do not kill it") {
    struct ws_dir *dir = test_dir();
    static char bytes[5000];

    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        limit_files(4096);
        struct ws_file *file = new_file_in(dir, "file");
        CHECK_STATUS(ws_os_file_write(file, 0, bytes, 4096, NULL, 0), WS_OK);
        CHECK_STATUS(ws_os_file_write(file, 0, bytes, 96, bytes, 4001), WS_OS_ERROR);
        CHECK(errno == EFBIG);
        CHECK_STATUS(ws_os_file_write(file, 4096, bytes, 1, NULL, 0), WS_OS_ERROR);
        CHECK(errno == EFBIG);
        CHECK_STATUS(ws_os_file_allocate(file, 4097), WS_OS_ERROR);
        CHECK(errno == EFBIG);
        CHECK_STATUS(ws_os_file_allocate(file, 4096), WS_OK);
        limit_files(100);
        ws_os_file_ask_limit(file);
        CHECK_STATUS(ws_os_file_sync(file), WS_OK);
        CHECK_STATUS(ws_os_file_write(file, 0, bytes, 101, NULL, 0), WS_OS_ERROR);
        ws_os_file_close(file);
        _exit(0);
    }
    expect_success(child);
    ws_os_dir_close(dir);
}

static bool has_one_name(struct ws_file *file) {
    bool has = false;

    CHECK_STATUS(ws_os_file_has_one_name(file, &has), WS_OK);
    return has;
}

TEST("a file has one name until it is linked, and again once one of the two is gone") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");

    CHECK(has_one_name(file));
    make_link(harness_path("file"), harness_path("link"));
    CHECK(!has_one_name(file));
    CHECK_STATUS(ws_os_unlink(dir, "file"), WS_OK);
    CHECK(has_one_name(file));
    CHECK_STATUS(ws_os_unlink(dir, "link"), WS_OK);
    CHECK(!has_one_name(file) || !ws_os_file_knows_its_names(file));
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

static bool is_named(struct ws_dir *dir, const char *name, struct ws_file *file) {
    bool is = false;

    CHECK_STATUS(ws_os_file_is_named(dir, name, file, &is), WS_OK);
    return is;
}

TEST("a name leads to its file, and not to another's nor through a link") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "file");
    struct ws_file *other = new_file_in(dir, "other");

    CHECK(symlink("file", harness_path("link")) == 0);
    CHECK(is_named(dir, "file", file) && is_named(dir, "other", other));
    CHECK(!is_named(dir, "other", file) && !is_named(dir, "link", file));
    CHECK(!is_named(dir, "missing", file));
    CHECK_STATUS(ws_os_rename(dir, "other", "file"), WS_OK);
    CHECK(!is_named(dir, "file", file) && is_named(dir, "file", other));
    ws_os_file_close(file);
    ws_os_file_close(other);
    ws_os_dir_close(dir);
}

TEST("a new file was modified about now") {
    struct ws_dir *dir = test_dir();
    int64_t before = ws_os_now() - SECOND; /* file systems keep a coarser clock */
    struct ws_file *file = new_file_in(dir, "file");

    write_text(file, 0, "text");
    CHECK(info_of(file).modified >= before && info_of(file).modified <= ws_os_now() + SECOND);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("touching sets the time of modification, also through a file opened for reading") {
    struct ws_dir *dir = test_dir();

    ws_os_file_close(new_file_in(dir, "file"));
    struct ws_file *file = file_in(dir, "file");
    CHECK_STATUS(ws_os_file_touch(file, 1234567890 * SECOND), WS_OK);
    CHECK(info_of(file).modified == 1234567890 * SECOND);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

/* Nanoseconds since 1970 end in 2262; file systems go further, and anyone can set a file's time. */
TEST("a time of modification beyond what can be counted is the last that can") {
    struct ws_dir *dir = test_dir();
    struct timespec times[2] = {{.tv_sec = (time_t)15000000000}, {.tv_sec = (time_t)15000000000}};

    make_file(harness_path("file"), "", 0);
    CHECK(utimensat(AT_FDCWD, harness_path("file"), times, 0) == 0);
    struct stat set;
    CHECK(stat(harness_path("file"), &set) == 0);
    if (set.st_mtim.tv_sec != times[1].tv_sec) {
        harness_skip("needs times of more than 32 bits");
    }
    struct ws_file *file = file_in(dir, "file");
    CHECK(info_of(file).modified >= 9223372036 * SECOND);
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

/* Locks. */

TEST("a lock is seen by a second open file of the same process") {
    struct ws_dir *dir = test_dir();
    struct ws_file *holder = new_file_in(dir, "file");
    struct ws_file *other = file_in(dir, "file");

    CHECK(!is_locked(other));
    CHECK_STATUS(ws_os_file_lock(holder), WS_OK);
    CHECK(is_locked(other));
    ws_os_file_close(other);
    ws_os_file_close(holder);
    ws_os_dir_close(dir);
}

TEST("the holder of a lock does not see it as another's") {
    struct ws_dir *dir = test_dir();
    struct ws_file *holder = new_file_in(dir, "file");

    CHECK_STATUS(ws_os_file_lock(holder), WS_OK);
    CHECK(!is_locked(holder));
    ws_os_file_close(holder);
    ws_os_dir_close(dir);
}

TEST("a lock survives that another open file of its process is closed") {
    struct ws_dir *dir = test_dir();
    struct ws_file *holder = new_file_in(dir, "file");

    CHECK_STATUS(ws_os_file_lock(holder), WS_OK);
    ws_os_file_close(file_in(dir, "file"));
    struct ws_file *other = file_in(dir, "file");
    CHECK(is_locked(other));
    ws_os_file_close(other);
    ws_os_file_close(holder);
    ws_os_dir_close(dir);
}

TEST("a lock ends when its file is closed") {
    struct ws_dir *dir = test_dir();
    struct ws_file *holder = new_file_in(dir, "file");
    struct ws_file *other = file_in(dir, "file");

    CHECK_STATUS(ws_os_file_lock(holder), WS_OK);
    ws_os_file_close(holder);
    CHECK(!is_locked(other));
    ws_os_file_close(other);
    ws_os_dir_close(dir);
}

TEST("a lock follows its file to another name") {
    struct ws_dir *dir = test_dir();
    struct ws_file *holder = new_file_in(dir, "file");

    CHECK_STATUS(ws_os_file_lock(holder), WS_OK);
    CHECK_STATUS(ws_os_rename(dir, "file", "renamed"), WS_OK);
    struct ws_file *other = file_in(dir, "renamed");
    CHECK(is_locked(other));
    ws_os_file_close(other);
    ws_os_file_close(holder);
    ws_os_dir_close(dir);
}

TEST("a locked file is read all the same") {
    struct ws_dir *dir = test_dir();
    struct ws_file *holder = new_file_in(dir, "file");
    struct ws_file *other = file_in(dir, "file");

    CHECK_STATUS(ws_os_file_lock(holder), WS_OK);
    write_text(holder, 0, "text");
    CHECK(reads(other, 0, "text"));
    ws_os_file_close(other);
    ws_os_file_close(holder);
    ws_os_dir_close(dir);
}

TEST("asking for a lock does not take it") {
    struct ws_dir *dir = test_dir();
    struct ws_file *holder = new_file_in(dir, "file");
    struct ws_file *asking = file_in(dir, "file");

    CHECK(!is_locked(asking));
    CHECK_STATUS(ws_os_file_lock(holder), WS_OK);
    ws_os_file_close(asking);
    ws_os_file_close(holder);
    ws_os_dir_close(dir);
}

TEST("a lock of another process is seen, and ends when that is killed") {
    struct ws_dir *dir = test_dir();
    struct victim victim = start_victim(hold_lock, dir);
    struct ws_file *file = file_in(dir, "file");

    CHECK(is_locked(file));
    kill_victim(victim);
    CHECK(!is_locked(file));
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("taking a lock again that one holds is allowed") {
    struct ws_dir *dir = test_dir();
    struct ws_file *holder = new_file_in(dir, "file");

    CHECK_STATUS(ws_os_file_lock(holder), WS_OK);
    CHECK_STATUS(ws_os_file_lock(holder), WS_OK);
    ws_os_file_close(holder);
    ws_os_dir_close(dir);
}

TEST("a forked child that closes its copy of a file leaves the parent's lock alone") {
    struct ws_dir *dir = test_dir();
    struct ws_file *holder = new_file_in(dir, "file");

    CHECK_STATUS(ws_os_file_lock(holder), WS_OK);
    pid_t child = fork();
    if (child == 0) {
        ws_os_file_close(holder);
        _exit(0);
    }
    expect_success(child);
    struct ws_file *other = file_in(dir, "file");
    CHECK(is_locked(other));
    ws_os_file_close(other);
    ws_os_file_close(holder);
    ws_os_dir_close(dir);
}

/* Names. */

TEST("renaming replaces what had the name") {
    struct ws_dir *dir = test_dir();
    struct ws_file *file = new_file_in(dir, "new");

    make_file(harness_path("old"), "old", 3);
    write_text(file, 0, "new");
    ws_os_file_close(file);
    CHECK_STATUS(ws_os_rename(dir, "new", "old"), WS_OK);
    file = file_in(dir, "old");
    CHECK(reads(file, 0, "new") && !exists(harness_path("new")));
    ws_os_file_close(file);
    ws_os_dir_close(dir);
}

TEST("renaming replaces a file that others have open, and they read on") {
    struct ws_dir *dir = test_dir();

    make_file(harness_path("old"), "old", 3);
    make_file(harness_path("new"), "new", 3);
    struct ws_file *reader = file_in(dir, "old");
    CHECK_STATUS(ws_os_rename(dir, "new", "old"), WS_OK);
    CHECK(reads(reader, 0, "old"));
    ws_os_file_close(reader);
    ws_os_dir_close(dir);
}

TEST("renaming a missing file finds none") {
    struct ws_dir *dir = test_dir();

    CHECK_STATUS(ws_os_rename(dir, "missing", "other"), WS_NOT_FOUND);
    ws_os_dir_close(dir);
}

TEST("an unlinked name is free at once, though the file is still open") {
    struct ws_dir *dir = test_dir();
    struct ws_file *first = new_file_in(dir, "file");

    CHECK_STATUS(ws_os_unlink(dir, "file"), WS_OK);
    struct ws_file *second = new_file_in(dir, "file");
    write_text(first, 0, "first");
    CHECK(reads(second, 0, "") && reads(first, 0, "first"));
    ws_os_file_close(second);
    ws_os_file_close(first);
    ws_os_dir_close(dir);
}

TEST("unlinking a missing file finds none") {
    struct ws_dir *dir = test_dir();

    CHECK_STATUS(ws_os_unlink(dir, "missing"), WS_NOT_FOUND);
    ws_os_dir_close(dir);
}

/* Clock, process, host, chance. */

TEST("now is between 2020 and 2262") { CHECK(ws_os_now() > 1577836800 * SECOND); }

TEST("a forked child is another process") {
    uint64_t here = ws_os_process();
    pid_t child = fork();

    if (child == 0) {
        _exit(ws_os_process() == here);
    }
    expect_success(child);
    CHECK(ws_os_process() == here);
}

TEST("the host's name is cut to fit") {
    char whole[256] = "";
    char cut[2];

    ws_os_host(whole, sizeof whole);
    ws_os_host(cut, sizeof cut);
    CHECK(strlen(whole) > 0 && strlen(cut) < sizeof cut);
    CHECK(strncmp(whole, cut, strlen(cut)) == 0);
}

TEST("random bytes differ from call to call") {
    uint8_t a[32];
    uint8_t b[32];

    CHECK_STATUS(ws_os_random(a, sizeof a), WS_OK);
    CHECK_STATUS(ws_os_random(b, sizeof b), WS_OK);
    CHECK(memcmp(a, b, sizeof a) != 0);
}

/* Errands. */

struct sent {
    int go[2];
    int ended[2];
};

static enum ws_status wait_for_go(void *context) {
    const struct sent *sent = context;
    char byte;

    CHECK(read(sent->go[0], &byte, 1) == 1);
    errno = EDQUOT;
    return WS_OS_ERROR;
}

static void tell_the_end(void *context) {
    const struct sent *sent = context;

    CHECK(write(sent->ended[1], "", 1) == 1);
}

static struct ws_errand *send_out(struct sent *sent) {
    struct ws_errand *errand = NULL;

    CHECK(pipe(sent->go) == 0 && pipe(sent->ended) == 0);
    CHECK_STATUS(ws_os_errand_start(wait_for_go, tell_the_end, sent, &errand), WS_OK);
    return errand;
}

static void close_pipes(const struct sent *sent) {
    close(sent->go[0]);
    close(sent->go[1]);
    close(sent->ended[0]);
    close(sent->ended[1]);
}

TEST("nobody waits for an errand that does not come back, and its result is had later") {
    struct sent sent;
    struct ws_errand *errand = send_out(&sent);
    enum ws_status result = WS_OK;
    char byte;

    CHECK_STATUS(ws_os_errand_wait(errand, 0, &result), WS_BUSY);
    CHECK_STATUS(ws_os_errand_wait(errand, 1000000, &result), WS_BUSY);
    CHECK(write(sent.go[1], "", 1) == 1);
    CHECK_STATUS(ws_os_errand_wait(errand, 600 * SECOND, &result), WS_OK);
    CHECK(errno == EDQUOT);
    CHECK_STATUS(result, WS_OS_ERROR);
    ws_os_errand_leave(errand);
    CHECK(read(sent.ended[0], &byte, 1) == 1);
    close_pipes(&sent);
}

TEST("an errand that nobody waits for any more ends by itself") {
    struct sent sent;
    char byte;

    ws_os_errand_leave(send_out(&sent));
    CHECK(write(sent.go[1], "", 1) == 1);
    CHECK(read(sent.ended[0], &byte, 1) == 1);
    close_pipes(&sent);
    ws_os_errand_leave(NULL);
}

TEST("a forked child waits for no errand of its parent's") {
    struct sent sent;
    struct ws_errand *errand = send_out(&sent);
    enum ws_status result = WS_OK;
    char byte;
    pid_t child = fork();

    if (child == 0) {
        CHECK_STATUS(ws_os_errand_wait(errand, 600 * SECOND, &result), WS_OK);
        CHECK(result == WS_OS_ERROR);
        ws_os_errand_leave(errand);
        _exit(0);
    }
    expect_success(child);
    CHECK(read(sent.ended[0], &byte, 1) == 1); /* the child's copy */
    CHECK(write(sent.go[1], "", 1) == 1);
    CHECK_STATUS(ws_os_errand_wait(errand, 600 * SECOND, &result), WS_OK);
    ws_os_errand_leave(errand);
    CHECK(read(sent.ended[0], &byte, 1) == 1);
    close_pipes(&sent);
}

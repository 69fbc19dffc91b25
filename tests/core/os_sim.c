#include "os_sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT 0
#define NAME_ROOM 160
#define SAMPLES 200 /* subsets by chance, where there are too many for all */
#define EPOCH ((int64_t)1700000000 * 1000000000)

/* The disk, as a process sees it. */

struct name {
    char text[NAME_ROOM];
    unsigned node;
};

struct node {
    bool directory;
    bool young; /* a directory of a process that has not come to make its name durable */
    unsigned links;
    uint8_t *bytes;
    uint64_t size;
    int64_t modified;
    struct ws_file *owner; /* of the lock */
    struct name *names;
    size_t count;
};

struct disk {
    struct node *nodes;
    unsigned count;
};

struct ws_dir {
    unsigned node;
};

struct ws_file {
    unsigned node;
    unsigned life; /* of the process that opened it */
    unsigned long serial;
    bool writable;
};

/* A change, or a sync of what was changed before. */
enum change_kind { MAKE, WRITE, ALLOCATE, TOUCH, RENAME, UNLINK, SYNC, SYNC_FAILED };

struct change {
    enum change_kind kind;
    unsigned node;   /* the file, or the directory that holds the names */
    unsigned target; /* what the name leads to */
    bool directory;
    char name[NAME_ROOM];
    char from[NAME_ROOM];
    uint64_t offset;
    uint8_t *bytes;
    uint64_t size;
    int64_t time;
};

static struct disk disk;
static struct change *history;
static size_t moments;
static size_t room;
static bool recording = true;
static bool state_is_whole;

static size_t calls;
static size_t fail_from, fail_upto;
static int fail_error;
static enum sim_failure fail_how;
static const char *failed_call = "";
static unsigned long opened;    /* files */
static unsigned long dead_upto; /* of these */
static int dead_error;

#define REMEMBERED_MAX 64
static bool errands_hang;
static int64_t sync_takes;
static int missing_listings;
static bool caches_names;
static bool is_served;
static size_t remembered;
static unsigned missing_in[REMEMBERED_MAX];
static char missing[REMEMBERED_MAX][NAME_ROOM];

static unsigned life = 1;
static int handles;
static int64_t ticks;
static uint64_t chance;

static void *checked(void *memory) {
    if (!memory) {
        fputs("os_sim: out of memory\n", stderr);
        abort();
    }
    return memory;
}

static uint64_t draw_chance(void) {
    uint64_t mixed = chance += 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

/* Disks. */

static void empty_disk(struct disk *at) {
    for (unsigned i = 0; i < at->count; i++) {
        free(at->nodes[i].bytes);
        free(at->nodes[i].names);
    }
    free(at->nodes);
    *at = (struct disk){0};
}

static struct node *node_of(struct disk *at, unsigned id) {
    if (id >= at->count) {
        at->nodes = checked(realloc(at->nodes, (id + 1) * sizeof *at->nodes));
        memset(at->nodes + at->count, 0, (id + 1 - at->count) * sizeof *at->nodes);
        at->count = id + 1;
    }
    return &at->nodes[id];
}

static struct name *find_name(const struct node *dir, const char *text) {
    for (size_t i = 0; i < dir->count; i++) {
        if (strcmp(dir->names[i].text, text) == 0) {
            return &dir->names[i];
        }
    }
    return NULL;
}

static void drop_name(struct disk *at, unsigned dir_id, const char *text) {
    struct node *dir = node_of(at, dir_id);
    struct name *name = find_name(dir, text);

    if (name) {
        at->nodes[name->node].links--;
        *name = dir->names[--dir->count];
    }
}

static void add_name(struct disk *at, unsigned dir_id, const char *text, unsigned target) {
    drop_name(at, dir_id, text);
    node_of(at, target)->links++;
    struct node *dir = node_of(at, dir_id);
    dir->names = checked(realloc(dir->names, (dir->count + 1) * sizeof *dir->names));
    struct name *name = &dir->names[dir->count++];
    snprintf(name->text, sizeof name->text, "%s", text);
    name->node = target;
}

static void resize(struct node *node, uint64_t size) {
    node->bytes = checked(realloc(node->bytes, size > 0 ? size : 1));
    if (size > node->size) {
        memset(node->bytes + node->size, 0, size - node->size);
    }
    node->size = size;
}

/* Which sectors of a torn write are there. */
enum tear { WHOLE, FIRST_HALF, LAST_HALF, BY_CHANCE, TEARS };

static bool sector_is_there(enum tear tear, uint64_t sector, uint64_t sectors) {
    switch (tear) {
    case FIRST_HALF:
        return sector < sectors / 2;
    case LAST_HALF:
        return sector >= sectors / 2;
    case BY_CHANCE:
        return draw_chance() % 2 == 0;
    default:
        return true;
    }
}

static void write_bytes(struct node *node, const struct change *change, enum tear tear) {
    uint64_t first = change->offset / SIM_SECTOR;
    uint64_t end = change->offset + change->size;
    uint64_t sectors = (end + SIM_SECTOR - 1) / SIM_SECTOR - first;

    if (end > node->size) {
        resize(node, end);
    }
    for (uint64_t i = 0; i < sectors; i++) {
        uint64_t from = (first + i) * SIM_SECTOR;
        uint64_t upto = from + SIM_SECTOR;
        from = from < change->offset ? change->offset : from;
        upto = upto > end ? end : upto;
        if (sector_is_there(tear, i, sectors)) {
            memcpy(node->bytes + from, change->bytes + (from - change->offset), upto - from);
        }
    }
}

static void apply(struct disk *at, const struct change *change, enum tear tear) {
    switch (change->kind) {
    case MAKE:
        node_of(at, change->target)->directory = change->directory;
        add_name(at, change->node, change->name, change->target);
        break;
    case WRITE:
        write_bytes(node_of(at, change->node), change, tear);
        node_of(at, change->node)->modified = change->time;
        break;
    case ALLOCATE:
        resize(node_of(at, change->node), change->size);
        break;
    case TOUCH:
        node_of(at, change->node)->modified = change->time;
        break;
    case RENAME:
        drop_name(at, change->node, change->from);
        add_name(at, change->node, change->name, change->target);
        break;
    case UNLINK:
        drop_name(at, change->node, change->name);
        break;
    case SYNC:
    case SYNC_FAILED:
        break;
    }
}

static void make_change(const struct change *change) {
    apply(&disk, change, WHOLE);
    if (!recording) {
        return;
    }
    if (moments == room) {
        room = room > 0 ? 2 * room : 64;
        history = checked(realloc(history, room * sizeof *history));
    }
    history[moments] = *change;
    if (change->kind == WRITE) {
        history[moments].bytes = checked(malloc(change->size + 1));
        memcpy(history[moments].bytes, change->bytes, change->size);
    }
    moments++;
    if (is_served && (change->kind == MAKE || change->kind == RENAME || change->kind == UNLINK)) {
        make_change(&(struct change){.kind = SYNC, .node = change->node, .directory = true});
    }
}

/* What a test says. */

static void no_disk(struct disk *at) {
    empty_disk(at);
    node_of(at, ROOT)->directory = true;
    node_of(at, ROOT)->links = 1;
}

void sim_reset(void) {
    for (size_t i = 0; i < moments; i++) {
        if (history[i].kind == WRITE) {
            free(history[i].bytes);
        }
    }
    free(history);
    history = NULL;
    moments = room = 0;
    recording = true;
    no_disk(&disk);
    sim_fail_stops();
    calls = 0;
    handles = 0;
    ticks = 0;
    opened = dead_upto = 0;
    errands_hang = false;
    sync_takes = 0;
    missing_listings = 0;
    caches_names = false;
    is_served = false;
    remembered = 0;
    chance = 20240229;
    life++;
}

size_t sim_calls(void) { return calls; }

void sim_fail(size_t from, size_t upto, int error, enum sim_failure how) {
    fail_from = from;
    fail_upto = upto;
    fail_error = error;
    fail_how = how;
    failed_call = "";
}

void sim_handles_die(int error) {
    dead_upto = opened;
    dead_error = error;
}

void sim_fail_stops(void) { fail_from = fail_upto = 0; }

const char *sim_failed_call(void) { return failed_call; }

void sim_time_passes(int64_t ns) { ticks += ns; }

void sim_syncs_take(int64_t ns) { sync_takes = ns; }

void sim_serves(bool on) { is_served = on; }

void sim_errands_hang(bool on) { errands_hang = on; }

size_t sim_moment(void) { return moments; }

bool sim_synced_since(size_t moment) {
    for (size_t i = moment; i < moments; i++) {
        if (history[i].kind == SYNC && !history[i].directory) {
            return true;
        }
    }
    return false;
}

void sim_process_dies(void) {
    life++;
    for (unsigned i = 0; i < disk.count; i++) {
        disk.nodes[i].owner = NULL;
    }
}

bool sim_state_is_whole(void) { return state_is_whole; }

int sim_open_handles(void) { return handles; }

int sim_held_locks(void) {
    int held = 0;

    for (unsigned i = 0; i < disk.count; i++) {
        held += disk.nodes[i].owner != NULL;
    }
    return held;
}

/* Crashes. */

struct crash {
    size_t moment;
    size_t *pending; /* changes that no sync has covered */
    size_t count;
    bool *is_there; /* of each change up to the moment */
    size_t torn;
    enum tear tear;
    unsigned nodes;
    void (*check)(void *context, size_t moment);
    void *context;
    size_t states;
};

static void find_pending(struct crash *crash) {
    bool *synced = checked(calloc(crash->nodes, sizeof *synced));

    crash->count = 0;
    for (size_t i = crash->moment; i-- > 0;) {
        const struct change *change = &history[i];
        crash->is_there[i] = true;
        if (change->kind == SYNC || change->kind == SYNC_FAILED) {
            synced[change->node] = change->kind == SYNC;
        } else if (change->kind != TOUCH && !synced[change->node]) {
            crash->pending[crash->count++] = i;
        }
    }
    free(synced);
}

static void check_state(struct crash *crash) {
    no_disk(&disk);
    sim_process_dies();
    for (size_t i = 0; i < crash->moment; i++) {
        if (crash->is_there[i]) {
            apply(&disk, &history[i], i == crash->torn ? crash->tear : WHOLE);
        }
    }
    crash->states++;
    crash->check(crash->context, crash->moment - (state_is_whole && crash->torn != SIZE_MAX));
}

static void check_subset(struct crash *crash, uint64_t subset) {
    for (size_t i = 0; i < crash->count; i++) {
        crash->is_there[crash->pending[i]] = i < 64 ? (subset >> i & 1) != 0 : subset != 0;
    }
    check_state(crash);
}

static void check_subsets(struct crash *crash) {
    uint64_t all = crash->count < 64 ? ((uint64_t)1 << crash->count) - 1 : UINT64_MAX;

    if (crash->count <= SIM_SUBSETS_ALL) {
        for (uint64_t subset = 0; subset <= all; subset++) {
            check_subset(crash, subset);
        }
        return;
    }
    check_subset(crash, 0);
    check_subset(crash, all);
    for (size_t i = 0; i < crash->count && i < 64; i++) {
        check_subset(crash, (uint64_t)1 << i);
        check_subset(crash, all & ~((uint64_t)1 << i));
    }
    for (int i = 0; i < SAMPLES; i++) {
        check_subset(crash, draw_chance() & all);
    }
}

/* Torn, with all else there, and with nothing else that is pending. */
static void check_tears(struct crash *crash) {
    for (size_t i = 0; i < crash->count; i++) {
        if (history[crash->pending[i]].kind != WRITE) {
            continue;
        }
        crash->torn = crash->pending[i];
        for (crash->tear = FIRST_HALF; crash->tear < TEARS; crash->tear++) {
            check_subset(crash, UINT64_MAX);
            check_subset(crash, (uint64_t)1 << (i < 64 ? i : 63));
        }
        crash->torn = SIZE_MAX;
    }
}

/* What a kill leaves: the kernel goes on. Only the write that it interrupts may be torn, and of
 * that nobody was told yet. */
static void check_kills(struct crash *crash) {
    state_is_whole = true;
    check_subset(crash, UINT64_MAX);
    if (crash->moment > 0 && history[crash->moment - 1].kind == WRITE) {
        crash->torn = crash->moment - 1;
        for (crash->tear = FIRST_HALF; crash->tear < TEARS; crash->tear++) {
            check_subset(crash, UINT64_MAX);
        }
        crash->torn = SIZE_MAX;
    }
    state_is_whole = false;
}

static size_t each_crash(size_t first, void (*check)(void *context, size_t moment), void *context) {
    struct crash crash = {
        .torn = SIZE_MAX, .nodes = disk.count, .check = check, .context = context};

    recording = false;
    sim_fail_stops();
    crash.pending = checked(calloc(moments + 1, sizeof *crash.pending));
    crash.is_there = checked(calloc(moments + 1, sizeof *crash.is_there));
    for (crash.moment = first; crash.moment <= moments; crash.moment++) {
        find_pending(&crash);
        check_kills(&crash);
        check_subsets(&crash);
        check_tears(&crash);
    }
    free(crash.pending);
    free(crash.is_there);
    recording = true;
    return crash.states;
}

size_t sim_each_crash(void (*check)(void *context, size_t moment), void *context) {
    return each_crash(0, check, context);
}

size_t sim_each_crash_now(void (*check)(void *context, size_t moment), void *context) {
    return each_crash(moments, check, context);
}

/* os.h. */

static bool fails(const char *call) {
    size_t number = calls++;

    if (number < fail_from || number >= fail_upto) {
        return false;
    }
    failed_call = call;
    errno = fail_error;
    return true;
}

void sim_listings_miss(int count) { missing_listings = count; }

void sim_caches_names(bool on) { caches_names = on; }

static void remember_missing(unsigned node, const char *name) {
    if (caches_names && remembered < REMEMBERED_MAX) {
        missing_in[remembered] = node;
        snprintf(missing[remembered++], NAME_ROOM, "%s", name);
    }
}

static bool is_remembered(unsigned node, const char *name) {
    for (size_t i = 0; caches_names && i < remembered; i++) {
        if (missing_in[i] == node && strcmp(missing[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void forget_missing(unsigned node) {
    for (size_t i = 0; caches_names && i < remembered; i++) {
        if (missing_in[i] == node) {
            missing[i][0] = '\0';
        }
    }
}

static bool is_dead(const struct ws_file *file) {
    if (file->serial <= dead_upto) {
        errno = dead_error;
    }
    return file->serial <= dead_upto;
}

static bool file_fails(const struct ws_file *file, const char *call) {
    return fails(call) || is_dead(file);
}

static bool copy_name(char to[NAME_ROOM], const char *from, size_t size) {
    if (size >= NAME_ROOM) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(to, from, size);
    to[size] = '\0';
    return true;
}

static enum ws_status make_directory(unsigned parent, const char *name, enum ws_make make,
                                     unsigned *made) {
    struct change change = {.kind = MAKE, .node = parent, .target = disk.count, .directory = true};

    if (fails("mkdir")) {
        return WS_OS_ERROR;
    }
    snprintf(change.name, sizeof change.name, "%s", name);
    make_change(&change);
    *made = change.target;
    if (make != WS_MAKE_DURABLE) {
        disk.nodes[*made].young = true;
        return WS_OK;
    }
    struct change sync = {.kind = SYNC, .node = parent, .directory = true};
    if (fails("sync of a new directory's name")) {
        struct change undo = {.kind = UNLINK, .node = parent};
        memcpy(undo.name, change.name, sizeof undo.name);
        int saved = errno;
        make_change(&undo);
        errno = saved;
        return WS_OS_ERROR;
    }
    make_change(&sync);
    return WS_OK;
}

/* As os_posix_dir.c does it, change by change. */
static enum ws_status walk(unsigned *at, const char *path, enum ws_make make) {
    enum ws_status status = WS_OK;

    while (status == WS_OK && path[strspn(path, "/")] != '\0') {
        char name[NAME_ROOM];
        path += strspn(path, "/");
        size_t size = strcspn(path, "/");
        if (!copy_name(name, path, size)) {
            return WS_OS_ERROR;
        }
        path += size;
        struct name *found = is_remembered(*at, name) ? NULL : find_name(&disk.nodes[*at], name);
        if (found && !disk.nodes[found->node].directory) {
            errno = ENOTDIR;
            return WS_OS_ERROR;
        }
        if (found && make == WS_MAKE_DURABLE && disk.nodes[found->node].young) {
            struct change sync = {.kind = SYNC, .node = *at, .directory = true};
            if (fails("sync of another's new directory's name")) {
                return WS_OS_ERROR;
            }
            disk.nodes[found->node].young = false;
            make_change(&sync);
            found = find_name(&disk.nodes[*at], name);
        }
        if (found) {
            *at = found->node;
        } else {
            unsigned parent = *at;
            remember_missing(parent, name);
            status = make == WS_MAKE_NONE ? WS_NOT_FOUND : make_directory(parent, name, make, at);
            if (status == WS_OK) {
                forget_missing(parent);
            }
        }
    }
    return status;
}

enum ws_status ws_os_dir_open_below(const char *path, const char *below, enum ws_make make,
                                    struct ws_dir **dir) {
    unsigned at = ROOT;

    if (fails("opening a directory")) {
        return WS_OS_ERROR;
    }
    /* The way to the store is made durable at once. */
    enum ws_status status = walk(&at, path, make == WS_MAKE_NONE ? make : WS_MAKE_DURABLE);
    if (status == WS_OK) {
        status = walk(&at, below, make);
    }
    if (status == WS_OK) {
        *dir = checked(malloc(sizeof **dir));
        (*dir)->node = at;
        forget_missing(at);
        handles++;
    }
    return status;
}

void sim_make_young(const char *path, const char *name) {
    struct change change = {.kind = MAKE, .directory = true};
    unsigned at = ROOT;

    if (walk(&at, path, WS_MAKE_DURABLE) == WS_OK) {
        change.node = at;
        change.target = disk.count;
        snprintf(change.name, sizeof change.name, "%s", name);
        make_change(&change);
        disk.nodes[change.target].young = true;
    }
}

enum ws_status ws_os_dir_open(const char *path, enum ws_make make, struct ws_dir **dir) {
    return ws_os_dir_open_below(path, "", make, dir);
}

enum ws_status ws_os_dir_list(struct ws_dir *dir,
                              enum ws_status (*visit)(void *context, const char *name),
                              void *context) {
    if (fails("listing a directory")) {
        return WS_OS_ERROR;
    }
    /* A copy: the visitor may change the directory. */
    size_t count = missing_listings > 0 ? 0 : disk.nodes[dir->node].count;
    missing_listings -= missing_listings > 0;
    struct name *names = checked(malloc((count + 1) * sizeof *names));
    if (count > 0) {
        memcpy(names, disk.nodes[dir->node].names, count * sizeof *names);
    }
    enum ws_status status = WS_OK;
    for (size_t i = 0; i < count && status == WS_OK; i++) {
        status = visit(context, names[i].text);
    }
    free(names);
    return status;
}

static enum ws_status sync_node(unsigned node, bool directory, const char *call) {
    struct change change = {.kind = SYNC, .node = node, .directory = directory};
    bool failed = fails(call);

    /* Of names, a later sync covers all. */
    if (failed && !directory) {
        int saved = errno;
        change.kind = SYNC_FAILED;
        make_change(&change);
        errno = saved;
    } else if (!failed) {
        make_change(&change);
    }
    return failed ? WS_OS_ERROR : WS_OK;
}

enum ws_status ws_os_dir_sync(struct ws_dir *dir) {
    return sync_node(dir->node, true, "sync of a directory");
}

/* Just now. */
enum ws_status ws_os_dir_modified(struct ws_dir *dir, int64_t *modified) {
    (void)dir;
    if (fails("asking for a directory's time")) {
        return WS_OS_ERROR;
    }
    *modified = EPOCH + ticks;
    return WS_OK;
}

bool ws_os_dir_is_new(const struct ws_dir *dir) {
    (void)dir;
    return false;
}

enum ws_disk ws_os_disk(const char *path) {
    (void)path;
    return is_served ? WS_DISK_SERVED : caches_names ? WS_DISK_SHARED : WS_DISK_OWN;
}

/* Has no groups. */
enum ws_status ws_os_dir_share(const char *path, const char *name) {
    (void)path;
    (void)name;
    errno = ENOSYS;
    return WS_OS_ERROR;
}

bool ws_os_dir_is_shared(struct ws_dir *dir) {
    (void)dir;
    return false;
}

bool ws_os_is_barred(const char *path, uint64_t *owner) {
    (void)path;
    (void)owner;
    return false;
}

enum ws_status ws_os_dir_remove(struct ws_dir *dir, const char *name, int64_t since) {
    struct change change = {.kind = UNLINK, .node = dir->node};

    (void)since; /* it was long ago */
    if (fails("removing a directory")) {
        return WS_OS_ERROR;
    }
    const struct name *found = find_name(&disk.nodes[dir->node], name);
    if (!found || !copy_name(change.name, name, strlen(name))) {
        errno = ENOENT;
        return WS_NOT_FOUND;
    }
    if (!disk.nodes[found->node].directory || disk.nodes[found->node].count > 0) {
        return WS_BUSY;
    }
    make_change(&change);
    return WS_OK;
}

void ws_os_dir_close(struct ws_dir *dir) {
    if (dir) {
        handles--;
        free(dir);
    }
}

static void open_node(unsigned node, bool writable, struct ws_file **file) {
    *file = checked(malloc(sizeof **file));
    **file = (struct ws_file){.node = node, .life = life, .serial = ++opened, .writable = writable};
    handles++;
}

static enum ws_status open_as(struct ws_dir *dir, const char *name, bool writable,
                              struct ws_file **file) {
    if (fails("opening a file")) {
        return WS_OS_ERROR;
    }
    const struct name *found = find_name(&disk.nodes[dir->node], name);
    if (!found) {
        errno = ENOENT;
        return WS_NOT_FOUND;
    }
    open_node(found->node, writable, file);
    return WS_OK;
}

enum ws_status ws_os_file_open(struct ws_dir *dir, const char *name, struct ws_file **file) {
    return open_as(dir, name, false, file);
}

enum ws_status ws_os_file_edit(struct ws_dir *dir, const char *name, struct ws_file **file) {
    return open_as(dir, name, true, file);
}

enum ws_status ws_os_file_create(struct ws_dir *dir, const char *name, struct ws_file **file) {
    struct change change = {.kind = MAKE, .node = dir->node, .target = disk.count};

    if (fails("making a file") || !copy_name(change.name, name, strlen(name))) {
        return WS_OS_ERROR;
    }
    if (disk.nodes[dir->node].links == 0) {
        errno = ENOENT;
        return WS_NOT_FOUND;
    }
    if (find_name(&disk.nodes[dir->node], name)) {
        errno = EEXIST;
        return WS_OS_ERROR;
    }
    make_change(&change);
    open_node(change.target, true, file);
    return WS_OK;
}

enum ws_status ws_os_file_info(struct ws_file *file, struct ws_file_info *info) {
    const struct node *node = &disk.nodes[file->node];

    if (file_fails(file, "asking for a file's size")) {
        return WS_OS_ERROR;
    }
    *info = (struct ws_file_info){.size = node->size,
                                  .blocks = node->size,
                                  .links = node->links,
                                  .modified = node->modified,
                                  .regular = !node->directory};
    return WS_OK;
}

enum ws_status ws_os_file_identity(struct ws_file *file, struct ws_file_identity *identity) {
    *identity = (struct ws_file_identity){.device = 1, .number = file->node};
    return WS_OK;
}

bool ws_os_is_private(const char *path, int depth, const struct ws_file_identity *identity) {
    (void)path;
    (void)depth;
    (void)identity;
    return true;
}

bool ws_os_file_knows_its_names(struct ws_file *file) {
    (void)file;
    return true;
}

enum ws_status ws_os_file_has_one_name(struct ws_file *file, bool *has_one_name) {
    if (file_fails(file, "asking for a file's links")) {
        return WS_OS_ERROR;
    }
    *has_one_name = disk.nodes[file->node].links == 1;
    return WS_OK;
}

enum ws_status ws_os_file_is_named(struct ws_dir *dir, const char *name, struct ws_file *file,
                                   bool *is_named) {
    if (file_fails(file, "asking what a name leads to")) {
        return WS_OS_ERROR;
    }
    const struct name *found = find_name(&disk.nodes[dir->node], name);
    *is_named = found && found->node == file->node;
    return WS_OK;
}

enum ws_status ws_os_file_read(struct ws_file *file, uint64_t offset, void *bytes, size_t size,
                               size_t *got) {
    const struct node *node = &disk.nodes[file->node];

    *got = 0;
    if (file_fails(file, "reading")) {
        return WS_OS_ERROR;
    }
    if (offset < node->size) {
        uint64_t left = node->size - offset;
        *got = left < size ? (size_t)left : size;
        memcpy(bytes, node->bytes + offset, *got);
    }
    return WS_OK;
}

enum ws_status ws_os_file_peek(struct ws_file *file, void *bytes, size_t size, size_t *got) {
    return ws_os_file_read(file, 0, bytes, size, got);
}

enum ws_status ws_os_file_write(struct ws_file *file, uint64_t offset, const void *head,
                                size_t head_size, const void *body, size_t body_size) {
    struct change change = {.kind = WRITE,
                            .node = file->node,
                            .offset = offset,
                            .size = head_size + body_size,
                            .time = EPOCH + ticks};
    bool failed = fails("writing");
    int saved = errno;

    if (!file->writable) {
        errno = EBADF;
        return WS_OS_ERROR;
    }
    if (is_dead(file)) {
        return WS_OS_ERROR;
    }
    change.bytes = checked(malloc(change.size + 1));
    memcpy(change.bytes, head, head_size);
    if (body_size > 0) {
        memcpy(change.bytes + head_size, body, body_size);
    }
    if (failed) {
        change.size = fail_how == SIM_PART ? change.size / 2 : 0;
    }
    if (change.size > 0) {
        make_change(&change);
    }
    free(change.bytes);
    errno = saved;
    return failed ? WS_OS_ERROR : WS_OK;
}

enum ws_status ws_os_file_allocate(struct ws_file *file, uint64_t size) {
    struct change change = {.kind = ALLOCATE, .node = file->node, .size = size};

    if (file_fails(file, "reserving room")) {
        return WS_OS_ERROR;
    }
    make_change(&change);
    return WS_OK;
}

void ws_os_file_ask_limit(struct ws_file *file) { (void)file; }

struct ws_errand {
    enum ws_status (*work)(void *context);
    void (*end)(void *context);
    void *context;
    bool done;
    enum ws_status result;
    int result_errno;
};

static void do_errand(struct ws_errand *errand) {
    if (!errand->done) {
        errand->result = errand->work(errand->context);
        errand->result_errno = errno;
        errand->done = true;
    }
}

enum ws_status ws_os_errand_start(enum ws_status (*work)(void *context), void (*end)(void *context),
                                  void *context, struct ws_errand **errand) {
    *errand = checked(calloc(1, sizeof **errand));
    **errand = (struct ws_errand){.work = work, .end = end, .context = context};
    return WS_OK;
}

enum ws_status ws_os_errand_wait(struct ws_errand *errand, int64_t ns, enum ws_status *result) {
    (void)ns;
    if (errands_hang) {
        return WS_BUSY;
    }
    do_errand(errand);
    *result = errand->result;
    errno = errand->result_errno;
    return WS_OK;
}

/* What nobody waits for is done at once: a later moment would be another test's. */
void ws_os_errand_leave(struct ws_errand *errand) {
    int saved = errno;

    if (errand) {
        do_errand(errand);
        errand->end(errand->context);
        free(errand);
    }
    errno = saved;
}

enum ws_status ws_os_file_sync(struct ws_file *file) {
    if (is_dead(file)) {
        return WS_OS_ERROR;
    }
    ticks += sync_takes;
    return sync_node(file->node, false, "sync of a file");
}

enum ws_status ws_os_file_touch(struct ws_file *file, int64_t modified) {
    struct change change = {.kind = TOUCH, .node = file->node, .time = modified};

    if (file_fails(file, "setting a file's time")) {
        return WS_OS_ERROR;
    }
    make_change(&change);
    return WS_OK;
}

enum ws_status ws_os_file_close(struct ws_file *file) {
    if (!file) {
        return WS_OK;
    }
    if (file->life == life && disk.nodes[file->node].owner == file) {
        disk.nodes[file->node].owner = NULL;
    }
    int saved = errno;
    bool failed = file->life == life && fails("closing a file");
    handles--;
    free(file);
    if (!failed) {
        errno = saved;
    }
    return failed ? WS_OS_ERROR : WS_OK;
}

void ws_os_close_together(struct ws_dir *dir, struct ws_file *const files[], size_t count) {
    for (size_t i = 0; i < count; i++) {
        ws_os_file_close(files[i]);
    }
    ws_os_dir_close(dir);
}

enum ws_status ws_os_file_lock(struct ws_file *file) {
    struct node *node = &disk.nodes[file->node];

    if (file_fails(file, "locking")) {
        return WS_OS_ERROR;
    }
    if (node->owner && node->owner != file) {
        return WS_BUSY;
    }
    node->owner = file;
    return WS_OK;
}

enum ws_status ws_os_file_is_locked(struct ws_file *file, bool *locked) {
    const struct node *node = &disk.nodes[file->node];

    if (file_fails(file, "asking for a lock")) {
        return WS_OS_ERROR;
    }
    *locked = node->owner && node->owner != file;
    return WS_OK;
}

enum ws_status ws_os_rename(struct ws_dir *dir, const char *from, const char *to) {
    struct change change = {.kind = RENAME, .node = dir->node};
    bool failed = fails("renaming");
    int saved = errno;
    const struct name *found = find_name(&disk.nodes[dir->node], from);

    if (failed && fail_how == SIM_CLEAN) {
        return WS_OS_ERROR;
    }
    if (!found || !copy_name(change.name, to, strlen(to)) ||
        !copy_name(change.from, from, strlen(from))) {
        errno = ENOENT;
        return WS_NOT_FOUND;
    }
    change.target = found->node;
    make_change(&change);
    errno = saved;
    return failed ? WS_OS_ERROR : WS_OK;
}

enum ws_status ws_os_unlink(struct ws_dir *dir, const char *name) {
    struct change change = {.kind = UNLINK, .node = dir->node};
    bool failed = fails("unlinking");
    int saved = errno;

    if (failed && fail_how == SIM_CLEAN) {
        return WS_OS_ERROR;
    }
    if (!find_name(&disk.nodes[dir->node], name) || !copy_name(change.name, name, strlen(name))) {
        errno = ENOENT;
        return WS_NOT_FOUND;
    }
    make_change(&change);
    errno = saved;
    return failed ? WS_OS_ERROR : WS_OK;
}

int64_t ws_os_now(void) { return EPOCH + (ticks += 1000); }

uint64_t ws_os_process(void) { return life; }

void ws_os_host(char *name, size_t size) { snprintf(name, size, "simulated"); }

enum ws_status ws_os_random(void *bytes, size_t size) {
    if (fails("drawing chance")) {
        return WS_OS_ERROR;
    }
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)bytes)[i] = (uint8_t)draw_chance();
    }
    return WS_OK;
}

static enum ws_status count_name(void *context, const char *name) {
    (void)name;
    ++*(int *)context;
    return WS_OK;
}

int sim_names_in(const char *path) {
    struct ws_dir *dir = NULL;
    int count = 0;

    if (ws_os_dir_open(path, WS_MAKE_NONE, &dir) == WS_OK) {
        ws_os_dir_list(dir, count_name, &count);
    }
    ws_os_dir_close(dir);
    return count;
}

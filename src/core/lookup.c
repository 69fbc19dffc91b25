#include "lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runs.h"

/* A lookup keeps this many files open between choosing an entry and reading it; further ones it
 * opens again. Most keys have one to three runs. */
#define OPEN_FILES_MAX 8

/* A live writer can overwrite what a reader is about to read: then the reader looks again. Each
 * time it must be overtaken by two improvements within microseconds to fail. The same of a listed
 * file that is gone, since what has superseded it may not have been listed. */
#define READ_ATTEMPTS_MAX 64

/* Some file systems show neither name of a file that is renamed while its directory is read: what
 * is being saved again would be missed one time in some thousands. So where a directory has changed
 * within the time below, by clocks that may differ, a miss is one only after so many listings. */
#define MISSES_MAX 4
#define RECENTLY (60 * (int64_t)1000000000) /* ns */

struct found_run {
    struct found_run *next;
    char run_id[WS_RUN_ID_MAX + 1];
    struct ws_file *file; /* NULL: to be opened again */
    int attempts;
    bool dropped[WS_SLOTS]; /* records that do not verify, or were not asked for */
    struct ws_scan scan;
};

struct lookup {
    struct ws_store *store;
    const struct ws_digest *key;
    char hex[WS_DIGEST_HEX + 1];
    enum ws_select select;
    int kind;
    int64_t now;
    const char *run_id; /* NULL: any */
    bool wants_story;
    enum ws_trust trust; /* of the file that is being judged */
    bool vanished;       /* a name that was listed is gone */
    bool is_changing;    /* the directory, in which nothing was found */
    struct ws_dir *dir;
    struct found_run *first;
    struct found_run **last;
    size_t open; /* files */
};

/* What the system fails to read. A file that others have not let us see, or that is none (a link,
 * a directory), is no failure of it. */
static void note_failure(const struct lookup *lookup, enum ws_status status) {
    struct ws_passed_over *passed_over = ws_store_passed_over(lookup->store);

    if (status == WS_OS_ERROR && errno != EACCES && errno != EPERM && errno != ELOOP &&
        errno != ENXIO && errno != ENOTDIR) {
        passed_over->unread++;
        passed_over->unread_errno = errno;
    }
}

/* Finding the runs. */

/* What is larger than the store may be was not saved there. */
static uint64_t largest_payload(const struct lookup *lookup) {
    uint64_t max_size = ws_store_options(lookup->store).max_size;

    return max_size > WS_UNQUESTIONED ? max_size : WS_UNQUESTIONED;
}

/* When the run's file was last used has to be asked only where its record is old. */
static bool has_expired(const struct lookup *lookup, const struct found_run *run,
                        const struct ws_record *record) {
    struct ws_file_info info;

    return ws_store_has_expired(lookup->store, record, INT64_MIN, lookup->now) &&
           (ws_os_file_info(run->file, &info) != WS_OK ||
            ws_store_has_expired(lookup->store, record, info.modified, lookup->now));
}

static void drop_unwanted(const struct lookup *lookup, struct found_run *run) {
    for (int i = 0; i < run->scan.count; i++) {
        const struct ws_record *record = &run->scan.records[i];
        run->dropped[i] = record->payload_size > largest_payload(lookup) ||
                          (lookup->kind != WS_ANY_KIND && (int)record->note.kind != lookup->kind) ||
                          has_expired(lookup, run, record);
    }
}

static enum ws_status open_run(struct lookup *lookup, struct found_run *run) {
    char name[WS_FILE_NAME_MAX + 1];

    if (run->file) {
        return WS_OK;
    }
    ws_run_file_name(lookup->key, run->run_id, name);
    enum ws_status status = ws_os_file_open(lookup->dir, name, &run->file);
    lookup->open += status == WS_OK;
    lookup->vanished = lookup->vanished || (status == WS_NOT_FOUND && !lookup->run_id);
    return status;
}

static void close_run(struct lookup *lookup, struct found_run *run) {
    lookup->open -= run->file != NULL;
    ws_os_file_close(run->file);
    run->file = NULL;
}

/* Opens the run's file where it is not, and reads its headers. */
static enum ws_status scan_run(struct lookup *lookup, struct found_run *run) {
    enum ws_status status = open_run(lookup, run);

    if (status == WS_OK) {
        status = ws_runfile_glance(run->file, lookup->key, &run->scan);
    }
    note_failure(lookup, status);
    if (status == WS_OK) {
        drop_unwanted(lookup, run);
    }
    return status;
}

static enum ws_status add_run(void *context, const char *name) {
    struct lookup *lookup = context;
    struct ws_digest key;
    char run_id[WS_RUN_ID_MAX + 1];

    /* In a large store most names of a shard are other keys'. */
    if (strncmp(name, lookup->hex, WS_DIGEST_HEX) != 0 ||
        ws_run_file_parse(name, &key, run_id) != WS_OK ||
        memcmp(key.bytes, lookup->key->bytes, sizeof key.bytes) != 0) {
        return WS_OK;
    }
    struct found_run *run = malloc(sizeof *run);
    if (!run) {
        return WS_NO_MEMORY;
    }
    run->next = NULL;
    run->file = NULL;
    run->attempts = 0;
    memcpy(run->run_id, run_id, sizeof run_id);
    memset(run->dropped, 0, sizeof run->dropped);
    if (scan_run(lookup, run) != WS_OK || run->scan.count == 0) {
        close_run(lookup, run); /* gone, unreadable or damaged: passed over */
        free(run);
        return WS_OK;
    }
    *lookup->last = run;
    lookup->last = &run->next;
    if (lookup->open > OPEN_FILES_MAX) {
        close_run(lookup, run);
    }
    return WS_OK;
}

static void close_all(struct lookup *lookup) {
    struct ws_file *files[OPEN_FILES_MAX + 1];
    size_t count = 0;

    while (lookup->first) {
        struct found_run *run = lookup->first;
        lookup->first = run->next;
        if (run->file && count < sizeof files / sizeof files[0]) {
            files[count++] = run->file;
        } else {
            ws_os_file_close(run->file);
        }
        free(run);
    }
    ws_os_close_together(lookup->dir, files, count);
    lookup->dir = NULL;
    lookup->last = &lookup->first;
    lookup->open = 0;
}

/* Opens all there are, and reads their headers. */
static enum ws_status find_runs(struct lookup *lookup) {
    lookup->vanished = false;
    lookup->last = &lookup->first;
    enum ws_status status = ws_store_shard(lookup->store, lookup->key, WS_MAKE_NONE, &lookup->dir);
    if (status == WS_NOT_FOUND) {
        status = ws_store_missing_shard(lookup->store, lookup->key, &lookup->dir);
    }
    if (status == WS_OK) {
        status = ws_runs_named(lookup->dir, lookup->key, lookup->run_id, add_run, lookup);
    }
    if (status == WS_OS_ERROR) {
        note_failure(lookup, status);
    }
    return status;
}

/* Choosing among them. */

static void see_all(const struct lookup *lookup, struct ws_ranking *ranking) {
    for (const struct found_run *run = lookup->first; run; run = run->next) {
        for (int i = 0; i < run->scan.count; i++) {
            if (!run->dropped[i]) {
                ws_rank_see(ranking, &run->scan.records[i]);
            }
        }
    }
}

/* The first of the records that are left; NULL where none is. */
static struct found_run *choose(const struct lookup *lookup, int *index) {
    struct ws_ranking ranking;
    struct found_run *chosen_run = NULL;
    const struct ws_record *chosen = NULL;

    ws_rank_begin(&ranking, lookup->select, lookup->now);
    see_all(lookup, &ranking);
    for (struct found_run *run = lookup->first; run; run = run->next) {
        for (int i = 0; i < run->scan.count; i++) {
            const struct ws_record *record = &run->scan.records[i];
            if (!run->dropped[i] && ws_rank_prefers(&ranking, record, chosen)) {
                chosen = record;
                chosen_run = run;
                *index = i;
            }
        }
    }
    return chosen_run;
}

/* The lookup is a use of the run: noted once a day, in the file's time of modification, and more
 * often where it would have expired by then. */
static void note_use(const struct lookup *lookup, const struct found_run *run, int index) {
    struct ws_file_info info;
    int64_t noted = lookup->now - ws_store_use_interval(lookup->store);

    /* What was written today was used today: that need not be asked. */
    if (run->scan.records[index].written < noted && ws_os_file_info(run->file, &info) == WS_OK &&
        info.modified < noted) {
        ws_os_file_touch(run->file, lookup->now);
    }
}

/* After a record that did not verify: was it overwritten meanwhile, and is there another now?
 * What had failed before and is still there stays out: nobody is writing it, it is damaged. */
static void look_again(struct lookup *lookup, struct found_run *run, int index) {
    struct ws_record failed[WS_SLOTS];
    int failures = 0;

    run->dropped[index] = true;
    for (int i = 0; i < run->scan.count; i++) {
        if (run->dropped[i]) {
            failed[failures++] = run->scan.records[i];
        }
    }
    close_run(lookup, run); /* the name may stand for another file by now */
    if (++run->attempts > READ_ATTEMPTS_MAX || scan_run(lookup, run) != WS_OK) {
        run->scan.count = 0;
        return;
    }
    for (int i = 0; i < run->scan.count; i++) {
        const struct ws_record *record = &run->scan.records[i];
        for (int f = 0; f < failures; f++) {
            if (record->slot == failed[f].slot && record->sequence == failed[f].sequence) {
                run->dropped[i] = true;
            }
        }
    }
}

static enum ws_status read_chosen(struct lookup *lookup, struct found_run *run, int index,
                                  void **payload) {
    enum ws_status status = open_run(lookup, run);

    if (status == WS_OK) {
        status = ws_runfile_read(run->file, &run->scan, index, payload);
    }
    note_failure(lookup, status);
    return status;
}

static struct ws_candidate candidate_of(struct lookup *lookup, const struct found_run *run,
                                        int index, const void *payload) {
    return (struct ws_candidate){
        .record = &run->scan.records[index],
        .payload = payload,
        .store = lookup->store,
        .run_id = run->run_id,
        .file = run->file,
        .trust = &lookup->trust,
    };
}

static bool is_accepted(struct lookup *lookup, const struct found_run *run, int index,
                        const void *payload) {
    struct ws_candidate candidate = candidate_of(lookup, run, index, payload);
    struct ws_store_options options = ws_store_options(lookup->store);
    enum ws_status status = options.accept ? options.accept(&candidate) : WS_OK;

    if (status == WS_REFUSED) {
        ws_store_passed_over(lookup->store)->withheld++;
    }
    return status == WS_OK;
}

static void drop(struct lookup *lookup, struct found_run *run, int index) {
    run->dropped[index] = true;
    if (lookup->open > OPEN_FILES_MAX) {
        close_run(lookup, run);
    }
}

static struct ws_story *tell_story(struct lookup *lookup, const struct found_run *run, int index,
                                   const void *payload) {
    struct ws_candidate candidate = candidate_of(lookup, run, index, payload);
    struct ws_story *story = malloc(sizeof *story);

    if (story) {
        story->is_trusted = ws_candidate_is_trusted(&candidate);
        if (ws_runfile_read_history(run->file, &run->scan, index, &story->history) != WS_OK) {
            ws_history_start(&story->history);
        }
    }
    return story;
}

static enum ws_status take_best(struct lookup *lookup, struct ws_entry **entry) {
    int i;
    struct found_run *run;
    struct ws_entry *found = calloc(1, sizeof *found);

    if (!found) {
        return WS_NO_MEMORY;
    }
    while ((run = choose(lookup, &i)) != NULL) {
        enum ws_status status = read_chosen(lookup, run, i, &found->payload);
        lookup->trust = WS_TRUST_UNKNOWN;
        if (status == WS_OK && !is_accepted(lookup, run, i, found->payload)) {
            free(found->payload);
            found->payload = NULL;
            drop(lookup, run, i);
            continue;
        }
        if (status == WS_OK) {
            found->record = run->scan.records[i];
            memcpy(found->run_id, run->run_id, sizeof found->run_id);
            if (lookup->wants_story) {
                found->story = tell_story(lookup, run, i, found->payload);
            }
            note_use(lookup, run, i);
            *entry = found;
            return WS_OK;
        }
        if (status == WS_NO_MEMORY || status == WS_TOO_LARGE) {
            drop(lookup, run, i); /* another entry may fit */
            continue;
        }
        if (lookup->vanished) {
            break;
        }
        look_again(lookup, run, i);
    }
    free(found);
    return WS_NOT_FOUND;
}

static bool has_just_changed(const struct lookup *lookup) {
    int64_t modified;

    return lookup->dir && ws_os_dir_modified(lookup->dir, &modified) == WS_OK &&
           modified > ws_os_now() - RECENTLY;
}

static enum ws_status look_once(struct lookup *lookup, struct ws_entry **entry) {
    enum ws_status status = find_runs(lookup);

    if (status == WS_OK) {
        status = lookup->vanished ? WS_NOT_FOUND : take_best(lookup, entry);
    }
    lookup->is_changing = status == WS_NOT_FOUND && has_just_changed(lookup);
    close_all(lookup);
    return status;
}

static enum ws_status look(struct lookup *lookup, struct ws_entry **entry) {
    enum ws_status status;
    int attempts = 0;
    uint64_t withheld = ws_store_passed_over(lookup->store)->withheld;

    ws_digest_format(lookup->key, lookup->hex);
    do {
        /* Counted once a lookup, however often it looks. */
        ws_store_passed_over(lookup->store)->withheld = withheld;
        status = look_once(lookup, entry);
        attempts++;
    } while (status != WS_OK && ((lookup->vanished && attempts < READ_ATTEMPTS_MAX) ||
                                 (lookup->is_changing && attempts < MISSES_MAX)));
    return status;
}

enum ws_status ws_store_lookup(struct ws_store *store, const struct ws_digest *key,
                               enum ws_select select, int kind, const char *run_id,
                               struct ws_entry **entry) {
    struct lookup lookup = {.store = store,
                            .key = key,
                            .select = select,
                            .kind = kind,
                            .now = ws_store_now(store),
                            .run_id = run_id};

    return look(&lookup, entry);
}

enum ws_status ws_store_lookup_whole(struct ws_store *store, const struct ws_digest *key, int kind,
                                     const char *run_id, struct ws_entry **entry) {
    struct lookup lookup = {.store = store,
                            .key = key,
                            .select = WS_BEST,
                            .kind = kind,
                            .now = ws_store_now(store),
                            .run_id = run_id,
                            .wants_story = true};

    return look(&lookup, entry);
}

/* Entries. */

enum ws_status ws_entry_copy(const struct ws_entry *from, struct ws_entry **entry) {
    size_t size = (size_t)from->record.payload_size;
    struct ws_entry *copy = malloc(sizeof *copy);
    void *payload = malloc(size > 0 ? size : 1);

    if (!copy || !payload) {
        free(copy);
        free(payload);
        return WS_NO_MEMORY;
    }
    *copy = *from;
    memcpy(payload, from->payload, size);
    copy->payload = payload;
    copy->story = NULL;
    *entry = copy;
    return WS_OK;
}

void ws_entry_free(struct ws_entry *entry) {
    if (entry) {
        free(entry->payload);
        free(entry->story);
        free(entry);
    }
}

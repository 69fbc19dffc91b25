#include "reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct question {
    enum ws_disk disk; /* the answer */
    char path[];
};

struct ws_reach {
    struct ws_errand *asking; /* NULL: nobody is */
    struct question *question;
    int64_t answered; /* ns since 1970-01-01 UTC */
    bool is_known;
    enum ws_disk disk;
    char path[];
};

enum ws_status ws_reach_open(const char *path, struct ws_reach **reach) {
    size_t size = strlen(path) + 1;

    *reach = calloc(1, sizeof **reach + size);
    if (!*reach) {
        return WS_NO_MEMORY;
    }
    memcpy((*reach)->path, path, size);
    return WS_OK;
}

void ws_reach_close(struct ws_reach *reach) {
    if (reach) {
        ws_os_errand_leave(reach->asking);
        free(reach);
    }
}

static enum ws_status ask(void *context) {
    struct question *question = context;

    question->disk = ws_os_disk(question->path);
    return WS_OK;
}

static void begin_asking(struct ws_reach *reach) {
    size_t size = strlen(reach->path) + 1;
    struct question *question = malloc(sizeof *question + size);

    if (!question) {
        return;
    }
    memcpy(question->path, reach->path, size);
    if (ws_os_errand_start(ask, free, question, &reach->asking) == WS_OK) {
        reach->question = question;
    } else {
        reach->asking = NULL;
        free(question);
    }
}

static void note_answer(struct ws_reach *reach, enum ws_disk disk) {
    reach->disk = disk;
    reach->is_known = true;
    reach->answered = ws_os_now();
}

/* Whether there is an answer after that time. */
static bool wait_for_answer(struct ws_reach *reach, int64_t ns) {
    enum ws_status result = WS_OK;

    if (ws_os_errand_wait(reach->asking, ns, &result) == WS_BUSY) {
        return false;
    }
    if (result == WS_OK) {
        note_answer(reach, reach->question->disk);
    }
    ws_os_errand_leave(reach->asking);
    reach->asking = NULL;
    return true;
}

static bool has_just_answered(const struct ws_reach *reach) {
    int64_t now = ws_os_now();

    return now >= reach->answered && now - reach->answered < WS_ANSWER_HOLDS;
}

/* The first question is not an errand: most file systems are local, and a thread that is still on
 * its way may hold what a forked child needs. */
bool ws_reach_answers(struct ws_reach *reach) {
    if (!reach->is_known) {
        note_answer(reach, ws_os_disk(reach->path));
    }
    if (reach->disk == WS_DISK_OWN) {
        return true;
    }
    if (reach->asking && !wait_for_answer(reach, 0)) {
        return false;
    }
    if (has_just_answered(reach)) {
        return true;
    }
    begin_asking(reach);
    if (!reach->asking) { /* no memory, or no thread: then as anybody asks */
        note_answer(reach, ws_os_disk(reach->path));
        return true;
    }
    return wait_for_answer(reach, WS_PATIENCE);
}

enum ws_disk ws_reach_disk(const struct ws_reach *reach) { return reach->disk; }

#include "os_posix.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#ifdef __APPLE__
#define WAITING_CLOCK CLOCK_REALTIME /* the only one that a wait goes by there */
#else
#define WAITING_CLOCK CLOCK_MONOTONIC
#endif

struct ws_errand {
    enum ws_status (*work)(void *context);
    void (*end)(void *context);
    void *context;
    pid_t process; /* in a forked child there is no thread */
    pthread_mutex_t lock;
    pthread_cond_t came_back;
    bool done;
    bool left;
    enum ws_status result;
    int result_errno;
};

static void free_errand(struct ws_errand *errand) {
    errand->end(errand->context);
    pthread_cond_destroy(&errand->came_back);
    pthread_mutex_destroy(&errand->lock);
    free(errand);
}

static void *run_errand(void *argument) {
    struct ws_errand *errand = argument;
    enum ws_status result = errand->work(errand->context);
    int result_errno = errno;

    pthread_mutex_lock(&errand->lock);
    errand->result = result;
    errand->result_errno = result_errno;
    errand->done = true;
    bool left = errand->left;
    pthread_cond_signal(&errand->came_back);
    pthread_mutex_unlock(&errand->lock);
    if (left) {
        free_errand(errand);
    }
    return NULL;
}

/* Signals are for the threads that are there already. */
static int start_thread(struct ws_errand *errand) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    int failure = pthread_attr_init(&attributes);

    if (failure != 0) {
        return failure;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failure = pthread_create(&thread, &attributes, run_errand, errand);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failure;
}

enum ws_status ws_os_errand_start(enum ws_status (*work)(void *context), void (*end)(void *context),
                                  void *context, struct ws_errand **errand) {
    pthread_condattr_t attributes;
    struct ws_errand *fresh = calloc(1, sizeof *fresh);

    if (!fresh) {
        return WS_NO_MEMORY;
    }
    *fresh = (struct ws_errand){.work = work, .end = end, .context = context, .process = getpid()};
    pthread_mutex_init(&fresh->lock, NULL);
    pthread_condattr_init(&attributes);
#ifndef __APPLE__
    pthread_condattr_setclock(&attributes, WAITING_CLOCK);
#endif
    pthread_cond_init(&fresh->came_back, &attributes);
    pthread_condattr_destroy(&attributes);
    int failure = start_thread(fresh);
    if (failure != 0) {
        pthread_cond_destroy(&fresh->came_back);
        pthread_mutex_destroy(&fresh->lock);
        free(fresh);
        errno = failure;
        return WS_OS_ERROR;
    }
    *errand = fresh;
    return WS_OK;
}

static struct timespec time_in(int64_t ns) {
    struct timespec until;

    clock_gettime(WAITING_CLOCK, &until);
    ns += until.tv_nsec;
    until.tv_sec += (time_t)(ns / NS_PER_S);
    until.tv_nsec = (long)(ns % NS_PER_S);
    return until;
}

enum ws_status ws_os_errand_wait(struct ws_errand *errand, int64_t ns, enum ws_status *result) {
    if (errand->process != getpid()) {
        *result = WS_OS_ERROR;
        errno = ESRCH;
        return WS_OK;
    }
    struct timespec until = time_in(ns);
    int failure = 0;
    pthread_mutex_lock(&errand->lock);
    while (!errand->done && ns > 0 && failure == 0) {
        failure = pthread_cond_timedwait(&errand->came_back, &errand->lock, &until);
    }
    bool done = errand->done;
    pthread_mutex_unlock(&errand->lock);
    if (!done) {
        return WS_BUSY;
    }
    *result = errand->result;
    errno = errand->result_errno;
    return WS_OK;
}

void ws_os_errand_leave(struct ws_errand *errand) {
    int saved = errno;
    bool done = true;

    if (!errand) {
        return;
    }
    if (errand->process == getpid()) {
        pthread_mutex_lock(&errand->lock);
        done = errand->done;
        errand->left = true;
        pthread_mutex_unlock(&errand->lock);
    }
    if (done) {
        free_errand(errand);
    }
    errno = saved;
}

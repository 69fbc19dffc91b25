/*
 * status: how every function of the core says what came of a call.
 *
 * A function that can fail returns an enum ws_status; WS_OK is zero. Where the operating system
 * refused, the status is WS_OS_ERROR and errno holds the reason: callers that keep a failure for
 * later keep errno with it. ws_status_describe() turns the pair into words; nothing else does.
 */
#ifndef WS_STATUS_H
#define WS_STATUS_H

#include <stddef.h>

enum ws_status {
    WS_OK = 0,
    WS_NOT_FOUND, /* nothing has that name or key */
    WS_REFUSED,   /* the session's rules say: not now */
    WS_BUSY,      /* another open file holds the lock */
    WS_INVALID,   /* an argument outside its domain */
    WS_DAMAGED,   /* our format, but a digest does not verify */
    WS_FOREIGN,   /* not our format */
    WS_NEWER,     /* our format, in a version this build does not know */
    WS_TOO_LARGE, /* for the bound of the store */
    WS_NO_MEMORY,
    WS_OS_ERROR, /* errno says why */
};

/* Writes a sentence fragment ("no space left on device") into `text`, always terminated. */
void ws_status_describe(enum ws_status status, int os_errno, char *text, size_t size);

#endif

#include "status.h"

#include <stdio.h>
#include <string.h>

void ws_status_describe(enum ws_status status, int os_errno, char *text, size_t size) {
    static const char *const words[] = {
        [WS_OK] = "no error",
        [WS_NOT_FOUND] = "not found",
        [WS_REFUSED] = "refused: no improvement, and too soon after the last write",
        [WS_BUSY] = "locked by another process",
        [WS_INVALID] = "invalid argument",
        [WS_DAMAGED] = "damaged record",
        [WS_FOREIGN] = "not a warmstart record",
        [WS_NEWER] = "written by a newer version of warmstart",
        [WS_TOO_LARGE] = "it is larger than the store may be, see max_size",
        [WS_NO_MEMORY] = "out of memory",
        [WS_OS_ERROR] = "the operating system reported an error",
    };
    const char *message = words[WS_OS_ERROR];

    if (size == 0) {
        return;
    }
    if (status == WS_OS_ERROR && os_errno != 0) {
        message = strerror(os_errno);
    } else if ((size_t)status < sizeof words / sizeof words[0]) {
        message = words[status];
    }
    snprintf(text, size, "%s", message);
}

/*
 * reach: whether the file system of a path answers.
 *
 *     ws_reach_open(path, &reach) -> ws_reach_answers(reach) ... -> ws_reach_close(reach)
 *
 * A server that is gone answers no call, and whoever has made one waits until it is back. So of a
 * file system that may be another machine's it is asked first, by an errand, whether it is there:
 * nobody waits for that longer than WS_PATIENCE, and not at all while the answer is out. An answer
 * holds for WS_ANSWER_HOLDS, so that many calls cost one question; a server that goes within that
 * time still blocks the next call. A disk of this machine is asked once.
 */
#ifndef WS_REACH_H
#define WS_REACH_H

#include "os.h"

#define WS_PATIENCE ((int64_t)1000000000)     /* ns; what a person takes for a pause */
#define WS_ANSWER_HOLDS ((int64_t)1000000000) /* ns; a question takes a server's round trip */

struct ws_reach;

enum ws_status ws_reach_open(const char *path, struct ws_reach **reach);
bool ws_reach_answers(struct ws_reach *reach);
/* WS_DISK_OWN before it has answered. */
enum ws_disk ws_reach_disk(const struct ws_reach *reach);
void ws_reach_close(struct ws_reach *reach);

#endif

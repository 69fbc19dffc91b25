#include "hash_engine.h"

#include <string.h>
#include <xxhash.h>

#define ENGINE_LEAVE() ((void)0)
#define ENGINE_NAME "libxxhash"
#include "hash_engine_body.h"

const struct ws_hash_engine *ws_hash_engine_system(void) { return &engine; }

/* The walk through a tree of files that the harness removes one by. */
#ifndef FTW_H
#define FTW_H

#include "posix.h"

enum { FTW_F, FTW_D, FTW_DNR, FTW_DP };
#define FTW_DEPTH 1
#define FTW_PHYS 2

struct FTW {
    int level;
};

int nftw(const char *path,
         int (*visit)(const char *name, const struct stat *info, int type, struct FTW *place),
         int descriptors, int flags);

#endif

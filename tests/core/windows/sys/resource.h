/* Limits, which Windows has not. */
#ifndef RESOURCE_H
#define RESOURCE_H

typedef uint64_t rlim_t;
struct rlimit {
    rlim_t rlim_cur;
    rlim_t rlim_max;
};
#define RLIMIT_FSIZE 0
#define getrlimit(what, limit) (harness_skip("needs limits"), (void)(limit), -1)
#define setrlimit(what, limit) (harness_skip("needs limits"), (void)(limit), -1)

#endif

/*
 * The limits that bench/checkpoint.R measures against: what the same bytes cost without R and
 * without a store around them. Each routine repeats its work and returns the median in ns, timed
 * here so that the clock's own cost is the only overhead.
 */
#define _GNU_SOURCE
#define R_NO_REMAP
#include <Rinternals.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, int n) {
    qsort(values, (size_t)n, sizeof *values, ascending);
    return values[n / 2];
}

SEXP empty(void) { return R_NilValue; }

/* A positioned write of the payload into a preallocated file. */
SEXP bare_write(SEXP path, SEXP payload, SEXP times) {
    int n = Rf_asInteger(times);
    double *taken = (double *)R_alloc((size_t)n, sizeof *taken);
    int fd = open(CHAR(STRING_ELT(path, 0)), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t size = (size_t)XLENGTH(payload);

    if (fd < 0 || posix_fallocate(fd, 0, (off_t)(3 * size)) != 0) {
        Rf_error("cannot make the file");
    }
    for (int i = 0; i < n; i++) {
        double began = now_ns();
        if (pwrite(fd, RAW(payload), size, (off_t)((size_t)(i % 3) * size)) != (ssize_t)size) {
            Rf_error("cannot write");
        }
        taken[i] = now_ns() - began;
    }
    close(fd);
    return Rf_ScalarReal(median(taken, n));
}

/* A new file: write, fsync, rename over the old one, fsync the directory. */
SEXP bare_replace(SEXP directory, SEXP payload, SEXP times) {
    int n = Rf_asInteger(times);
    double *taken = (double *)R_alloc((size_t)n, sizeof *taken);
    int dir = open(CHAR(STRING_ELT(directory, 0)), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t size = (size_t)XLENGTH(payload);

    for (int i = 0; i < n; i++) {
        double began = now_ns();
        int fd = openat(dir, "bare.tmp", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 || pwrite(fd, RAW(payload), size, 0) != (ssize_t)size || fsync(fd) < 0 ||
            renameat(dir, "bare.tmp", dir, "bare") < 0 || fsync(dir) < 0 || close(fd) < 0) {
            Rf_error("cannot replace the file");
        }
        taken[i] = now_ns() - began;
    }
    close(dir);
    return Rf_ScalarReal(median(taken, n));
}

/* How often each of R's functions was called that count_call() was put into: see bench/calls.R. */
enum { MOST_FUNCTIONS = 200000 };
static int calls[MOST_FUNCTIONS];

SEXP count_call(SEXP id) {
    calls[Rf_asInteger(id)]++;
    return R_NilValue;
}

/* Since the last time it was asked. */
SEXP counted_calls(SEXP number) {
    int n = Rf_asInteger(number);
    SEXP counted = PROTECT(Rf_allocVector(INTSXP, n));

    for (int i = 0; i < n; i++) {
        INTEGER(counted)[i] = calls[i + 1];
        calls[i + 1] = 0;
    }
    UNPROTECT(1);
    return counted;
}

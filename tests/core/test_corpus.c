/* The fuzz targets' functions, over the inputs that are kept in the repository. What libFuzzer
 * finds is put among them with the fix. */
#define _XOPEN_SOURCE 700

#include <dirent.h>

#include "harness.h"

#define LLVMFuzzerTestOneInput fuzz_hash
#include "fuzz_hash.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_name
#include "fuzz_name.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_plain
#include "fuzz_plain.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_record
#include "fuzz_record.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_round
#include "fuzz_round.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_runfile
#include "fuzz_runfile.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_tally
#include "fuzz_tally.c"
#undef LLVMFuzzerTestOneInput

#define INPUT_MAX ((size_t)1 << 20)

static void replay_file(const char *path, int (*target)(const uint8_t *bytes, size_t size)) {
    static uint8_t bytes[INPUT_MAX];
    FILE *file = fopen(path, "rb");

    CHECK(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    /* Of its own size exactly, so that a read past the end is seen. */
    uint8_t *copy = malloc(size > 0 ? size : 1);
    CHECK(copy);
    memcpy(copy, bytes, size);
    target(copy, size);
    free(copy);
}

static void replay(const char *name, int (*target)(const uint8_t *bytes, size_t size)) {
    char path[1024];
    struct dirent *found;
    int count = 0;

    snprintf(path, sizeof path, "%s/%s", CORPUS, name);
    DIR *dir = opendir(path);
    CHECK(dir);
    while ((found = readdir(dir)) != NULL) {
        if (found->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s/%s", CORPUS, name, found->d_name);
            replay_file(path, target);
            count++;
        }
    }
    closedir(dir);
    CHECK(count > 0);
}

TEST("the inputs for hash framing hold") { replay("hash", fuzz_hash); }

TEST("the inputs for file names hold") { replay("name", fuzz_name); }

TEST("the inputs for plain data hold") { replay("plain", fuzz_plain); }

TEST("the inputs for records hold") { replay("record", fuzz_record); }

TEST("the inputs for rounds of the sweep hold") { replay("round", fuzz_round); }

TEST("the inputs for the files of runs hold") { replay("runfile", fuzz_runfile); }

TEST("the inputs for tallies hold") { replay("tally", fuzz_tally); }

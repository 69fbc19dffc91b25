#include "posix.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <windows.h>

#undef open
#undef stat
#undef fstat
#undef truncate
#undef rename
#undef unlink
#undef mkdir

#define TICKS_PER_S 10000000
#define TICKS_TO_1970 ((int64_t)11644473600 * TICKS_PER_S)

static int fail(void) {
    switch (GetLastError()) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        errno = ENOENT;
        break;
    default:
        errno = EIO;
    }
    return -1;
}

/* As the core opens files: others may delete and rename them meanwhile. */
static HANDLE open_shared(const char *path, DWORD access, DWORD creation) {
    return CreateFileA(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                       creation, FILE_FLAG_BACKUP_SEMANTICS, NULL);
}

int posix_open(const char *path, int flags, ...) {
    DWORD access = GENERIC_READ | (flags & (_O_RDWR | _O_WRONLY) ? GENERIC_WRITE : 0);
    DWORD creation = flags & _O_EXCL ? CREATE_NEW : flags & _O_CREAT ? OPEN_ALWAYS : OPEN_EXISTING;
    HANDLE handle = open_shared(path, access, creation);

    return handle == INVALID_HANDLE_VALUE ? fail()
                                          : _open_osfhandle((intptr_t)handle, _O_BINARY | _O_RDWR);
}

ssize_t pread(int fd, void *bytes, size_t size, int64_t offset) {
    return _lseeki64(fd, offset, SEEK_SET) < 0 ? -1 : _read(fd, bytes, (unsigned)size);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, int64_t offset) {
    return _lseeki64(fd, offset, SEEK_SET) < 0 ? -1 : _write(fd, bytes, (unsigned)size);
}

static int stat_handle(HANDLE handle, struct posix_stat *info) {
    BY_HANDLE_FILE_INFORMATION found;

    if (!GetFileInformationByHandle(handle, &found)) {
        return fail();
    }
    int64_t ticks = (int64_t)((uint64_t)found.ftLastWriteTime.dwHighDateTime << 32 |
                              found.ftLastWriteTime.dwLowDateTime) -
                    TICKS_TO_1970;
    *info = (struct posix_stat){
        .st_size = (int64_t)found.nFileSizeHigh << 32 | found.nFileSizeLow,
        .st_mode = found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY ? _S_IFDIR : _S_IFREG,
        .st_dev = found.dwVolumeSerialNumber,
        .st_ino = (uint64_t)found.nFileIndexHigh << 32 | found.nFileIndexLow,
        .st_mtim = {.tv_sec = ticks / TICKS_PER_S, .tv_nsec = (long)(ticks % TICKS_PER_S) * 100},
    };
    return 0;
}

int posix_stat(const char *path, struct posix_stat *info) {
    HANDLE handle = open_shared(path, FILE_READ_ATTRIBUTES, OPEN_EXISTING);

    if (handle == INVALID_HANDLE_VALUE) {
        return fail();
    }
    int result = stat_handle(handle, info);
    CloseHandle(handle);
    return result;
}

int posix_fstat(int fd, struct posix_stat *info) {
    return stat_handle((HANDLE)_get_osfhandle(fd), info);
}

int posix_truncate(const char *path, int64_t size) {
    int fd = posix_open(path, _O_RDWR);
    int result = fd < 0 ? -1 : _chsize_s(fd, size);

    if (fd >= 0) {
        _close(fd);
    }
    return result == 0 ? 0 : -1;
}

int posix_rename(const char *from, const char *to) {
    return MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING) ? 0 : fail();
}

int posix_unlink(const char *path) { return DeleteFileA(path) ? 0 : fail(); }

int utimensat(int at, const char *path, const struct timespec times[2], int flags) {
    uint64_t ticks =
        (uint64_t)(times[1].tv_sec * (int64_t)TICKS_PER_S + times[1].tv_nsec / 100 + TICKS_TO_1970);
    FILETIME time = {.dwLowDateTime = (DWORD)ticks, .dwHighDateTime = (DWORD)(ticks >> 32)};
    HANDLE handle = open_shared(path, FILE_WRITE_ATTRIBUTES, OPEN_EXISTING);

    (void)at;
    (void)flags;
    if (handle == INVALID_HANDLE_VALUE) {
        return fail();
    }
    bool set = SetFileTime(handle, NULL, NULL, &time);
    CloseHandle(handle);
    return set ? 0 : fail();
}

/* In the directory that TEST_DIRECTORY names, else in that for temporary files (wine makes its own
 * value of TMP); `template` has room for either. */
char *posix_mkdtemp(char *template) {
    char base[MAX_PATH];
    const char *given = getenv("TEST_DIRECTORY");
    static unsigned count;

    if (given && strlen(given) < sizeof base) {
        strcpy(base, given);
    } else if (GetTempPathA(sizeof base, base) == 0) {
        return NULL;
    }
    do { /* process ids come again, and a test that crashed leaves its directory */
        sprintf(template, "%swarmstart-%lu-%u", base, GetCurrentProcessId(), count++);
        for (char *c = template; *c != '\0'; c++) {
            *c = *c == '\\' ? '/' : *c; /* either will do, and the tests write this one */
        }
        if (_mkdir(template) == 0) {
            return template;
        }
    } while (errno == EEXIST);
    return NULL;
}

static int walk(const char *path,
                int (*visit)(const char *, const struct posix_stat *, int, struct FTW *), int flags,
                int level);

static int walk_names(const char *path,
                      int (*visit)(const char *, const struct posix_stat *, int, struct FTW *),
                      int flags, int level) {
    char pattern[1024];
    WIN32_FIND_DATAA found;
    int result = 0;

    snprintf(pattern, sizeof pattern, "%s/*", path);
    HANDLE search = FindFirstFileA(pattern, &found);
    if (search == INVALID_HANDLE_VALUE) {
        return 0;
    }
    do {
        if (strcmp(found.cFileName, ".") != 0 && strcmp(found.cFileName, "..") != 0) {
            char name[1024];
            snprintf(name, sizeof name, "%s/%s", path, found.cFileName);
            result = walk(name, visit, flags, level + 1);
        }
    } while (result == 0 && FindNextFileA(search, &found));
    FindClose(search);
    return result;
}

static int walk(const char *path,
                int (*visit)(const char *, const struct posix_stat *, int, struct FTW *), int flags,
                int level) {
    DWORD attributes = GetFileAttributesA(path);
    bool is_directory =
        attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    struct FTW place = {.level = level};
    int result = flags & FTW_DEPTH ? 0 : visit(path, NULL, is_directory ? FTW_D : FTW_F, &place);

    if (result == 0 && is_directory) {
        result = walk_names(path, visit, flags, level);
    }
    if (result == 0 && (flags & FTW_DEPTH) != 0) {
        result = visit(path, NULL, is_directory ? FTW_DP : FTW_F, &place);
    }
    return result;
}

int nftw(const char *path,
         int (*visit)(const char *name, const struct posix_stat *info, int type, struct FTW *place),
         int descriptors, int flags) {
    (void)descriptors;
    return walk(path, visit, flags, 0);
}

#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00 /* Windows 10: renaming and deleting as POSIX does */
#endif
#define WIN32_LEAN_AND_MEAN

#include "os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <windows.h>

#include <aclapi.h>
#include <winioctl.h>

/* Made known by <ntsecapi.h>, which clashes with other headers; in advapi32 since Windows 2000. */
BOOLEAN NTAPI SystemFunction036(PVOID bytes, ULONG size);

#define NS_PER_TICK 100                           /* FILETIME counts in 100 ns */
#define TICKS_TO_1970 INT64_C(116444736000000000) /* from 1601, where FILETIME begins */

/* Windows' locks keep others from reading what they cover, so ours cover one byte where no data
 * will ever be. */
#define LOCK_OFFSET UINT64_C(0x7ffffffffffffff0)

/* One call moves at most this much; ReadFile and WriteFile count in 32 bits. */
#define MOVE_MAX ((size_t)1 << 30)

/* Values of later headers than some toolchains have. */
#define RENAME_INFO_EX 22 /* FileRenameInfoEx */
#define DELETE_INFO_EX 21 /* FileDispositionInfoEx */
#define RENAME_REPLACE 1u
#define RENAME_POSIX 2u
#define DELETE_DELETE 1u
#define DELETE_POSIX 2u
#define DELETE_READ_ONLY 0x10u

struct rename_info {
    DWORD flags;
    HANDLE root;
    DWORD size; /* of the name, in bytes */
    WCHAR name[1];
};

/* A directory is known by its path: what is done in it goes by <path>\<name>. The handle makes
 * sure that it is one, and is what is synced. */
struct ws_dir {
    HANDLE handle;
    size_t size; /* characters of the path */
    WCHAR path[];
};

struct ws_file {
    HANDLE handle;
    bool holds_lock;
};

/* Errors. */

static int errno_of(DWORD error) {
    switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_BAD_NETPATH:
    case ERROR_BAD_NET_NAME:
    case ERROR_INVALID_DRIVE:
    case ERROR_DELETE_PENDING: /* the name is on its way out: for us it is gone */
        return ENOENT;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS:
        return EEXIST;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_NETWORK_ACCESS_DENIED:
        return EACCES;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
    case 1295: /* ERROR_DISK_QUOTA_EXCEEDED, which not all headers have */
        return ENOSPC;
    case ERROR_WRITE_PROTECT:
        return EROFS;
    case ERROR_TOO_MANY_OPEN_FILES:
        return EMFILE;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_NO_SYSTEM_RESOURCES:
        return ENOMEM;
    case ERROR_DIRECTORY:
        return ENOTDIR;
    case ERROR_INVALID_NAME:
    case ERROR_INVALID_PARAMETER:
    case ERROR_NO_UNICODE_TRANSLATION:
        return EINVAL;
    case ERROR_FILENAME_EXCED_RANGE:
    case ERROR_BUFFER_OVERFLOW:
        return ENAMETOOLONG;
    case ERROR_CANT_RESOLVE_FILENAME:
        return ELOOP;
    default:
        return EIO;
    }
}

static enum ws_status fail_with(int reason) {
    errno = reason;
    if (reason == ENOENT) {
        return WS_NOT_FOUND;
    }
    return reason == ENOMEM ? WS_NO_MEMORY : WS_OS_ERROR;
}

static enum ws_status fail(void) { return fail_with(errno_of(GetLastError())); }

static void close_quietly(HANDLE handle) {
    DWORD error = GetLastError();

    CloseHandle(handle);
    SetLastError(error);
}

/* Names. */

/* UTF-8 to what Windows takes; the caller's to free. NULL with the last error set. */
static WCHAR *wide_of(const char *text) {
    int size = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    WCHAR *wide = size > 0 ? malloc((size_t)size * sizeof *wide) : NULL;

    if (size > 0 && !wide) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    }
    if (wide) {
        MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, size);
    }
    return wide;
}

static bool is_separator(WCHAR c) { return c == L'\\' || c == L'/'; }

/* The absolute path with the prefix that lifts the limit of 260 characters, without a separator
 * at its end (but for a drive's root). The caller's to free; NULL with the last error set. */
static WCHAR *long_path_of(const char *path) {
    static const WCHAR local[] = L"\\\\?\\";
    static const WCHAR share[] = L"\\\\?\\UNC";
    WCHAR *wide = wide_of(path);
    DWORD room = wide ? GetFullPathNameW(wide, 0, NULL, NULL) : 0;
    WCHAR *result =
        room > 0 ? malloc((room + sizeof share / sizeof *share) * sizeof *result) : NULL;

    if (room > 0 && !result) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    }
    if (result) {
        /* Full paths begin with a drive, a share's two separators, or a prefix already. */
        WCHAR *full = result + wcslen(share);
        DWORD size = GetFullPathNameW(wide, room, full, NULL);
        while (size > 3 && is_separator(full[size - 1])) {
            full[--size] = L'\0';
        }
        if (size >= 4 && full[0] == L'\\' && full[1] == L'\\' &&
            (full[2] == L'?' || full[2] == L'.') && full[3] == L'\\') {
            wmemmove(result, full, (size_t)size + 1);
        } else if (size >= 2 && full[0] == L'\\' && full[1] == L'\\') {
            wmemmove(result + wcslen(share), full + 1, (size_t)size);
            wmemcpy(result, share, wcslen(share));
        } else {
            wmemmove(result + wcslen(local), full, (size_t)size + 1);
            wmemcpy(result, local, wcslen(local));
        }
    }
    free(wide);
    return result;
}

/* <dir>\<name>; the caller's to free. Names with a separator would lead elsewhere. */
static WCHAR *path_in(const struct ws_dir *dir, const char *name) {
    if (name[0] == '\0' || strpbrk(name, "\\/:") || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0) {
        SetLastError(ERROR_INVALID_NAME);
        return NULL;
    }
    WCHAR *wide = wide_of(name);
    WCHAR *path = wide ? malloc((dir->size + wcslen(wide) + 2) * sizeof *path) : NULL;

    if (wide && !path) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    }
    if (path) {
        wmemcpy(path, dir->path, dir->size);
        path[dir->size] = L'\\';
        wmemcpy(path + dir->size + 1, wide, wcslen(wide) + 1);
    }
    free(wide);
    return path;
}

/* Opening. Nobody's handle keeps others from reading, writing, renaming or deleting. Reparse
 * points (symbolic links, junctions) are opened themselves, so that they are seen as what they
 * are. Handles are not inherited: that is the default. */
static HANDLE open_path(const WCHAR *path, DWORD access, DWORD disposition, DWORD flags) {
    DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

    return CreateFileW(path, access, share, NULL, disposition, FILE_ATTRIBUTE_NORMAL | flags, NULL);
}

/* Directories. */

static bool is_directory(HANDLE handle) {
    BY_HANDLE_FILE_INFORMATION info;

    return GetFileInformationByHandle(handle, &info) &&
           (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

/* Whether some part of the way to `path` is a file: then the path cannot come to be, and POSIX
 * says ENOTDIR where Windows says that the path was not found. */
static bool leads_through_file(const WCHAR *path) {
    WCHAR *upto = _wcsdup(path);
    bool through = false;

    for (size_t size = upto ? wcslen(upto) : 0; size > 0; size--) {
        if (upto[size] != L'\0' && upto[size] != L'\\') {
            continue;
        }
        upto[size] = L'\0';
        DWORD attributes = GetFileAttributesW(upto);
        if (attributes != INVALID_FILE_ATTRIBUTES) {
            through = (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
            break;
        }
    }
    free(upto);
    return through;
}

static enum ws_status open_directory(const WCHAR *path, HANDLE *handle) {
    static const DWORD accesses[] = {
        FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES | FILE_ADD_FILE |
            SYNCHRONIZE, /* can be synced */
        FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES | SYNCHRONIZE,
    };
    HANDLE found = INVALID_HANDLE_VALUE;

    for (int i = 0; i < 2 && found == INVALID_HANDLE_VALUE; i++) {
        found = open_path(path, accesses[i], OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
    }
    if (found == INVALID_HANDLE_VALUE) {
        enum ws_status status = fail();
        return status == WS_NOT_FOUND && leads_through_file(path) ? fail_with(ENOTDIR) : status;
    }
    if (!is_directory(found)) {
        close_quietly(found);
        return fail_with(ENOTDIR);
    }
    *handle = found;
    return WS_OK;
}

/* Makes each missing directory on the way to `path`, outermost first. Who may enter them is
 * inherited from the parent: below a user's profile that is the user alone. */
static enum ws_status make_directories(WCHAR *path) {
    size_t size = wcslen(path);
    DWORD error = ERROR_SUCCESS;

    for (size_t at = 0; at <= size; at++) {
        if (path[at] != L'\0' && path[at] != L'\\') {
            continue;
        }
        WCHAR cut = path[at];
        path[at] = L'\0';
        /* What is not a directory's name, such as "\\?\C:", fails and is there already. */
        error = CreateDirectoryW(path, NULL) ? ERROR_SUCCESS : GetLastError();
        path[at] = cut;
    }
    if (error == ERROR_SUCCESS || error == ERROR_ALREADY_EXISTS) {
        return WS_OK;
    }
    return leads_through_file(path) ? fail_with(ENOTDIR) : fail_with(errno_of(error));
}

enum ws_status ws_os_dir_open(const char *path, enum ws_make make, struct ws_dir **dir) {
    HANDLE handle = INVALID_HANDLE_VALUE;

    if (path[0] == '\0') {
        return fail_with(ENOENT);
    }
    WCHAR *wide = long_path_of(path);
    if (!wide) {
        return fail();
    }
    enum ws_status status = open_directory(wide, &handle);
    if (status == WS_NOT_FOUND && make != WS_MAKE_NONE) {
        status = make_directories(wide);
        if (status == WS_OK) {
            status = open_directory(wide, &handle);
        }
    }
    if (status == WS_OK) {
        size_t size = wcslen(wide);
        struct ws_dir *fresh = malloc(sizeof *fresh + (size + 1) * sizeof *wide);
        if (fresh) {
            fresh->handle = handle;
            fresh->size = is_separator(wide[size - 1]) ? size - 1 : size;
            wmemcpy(fresh->path, wide, size + 1);
            *dir = fresh;
        } else {
            CloseHandle(handle);
            status = WS_NO_MEMORY;
        }
    }
    free(wide);
    return status;
}

/* Whether none of the names of `path` from the character `from` on is a link. */
static bool is_straight(const WCHAR *path, size_t from) {
    WCHAR *upto = _wcsdup(path);
    bool straight = upto != NULL;

    for (size_t at = from + 1; straight && at <= wcslen(path); at++) {
        if (path[at] != L'\0' && path[at] != L'\\') {
            continue;
        }
        upto[at] = L'\0';
        DWORD attributes = GetFileAttributesW(upto);
        straight = attributes == INVALID_FILE_ATTRIBUTES ||
                   (attributes & FILE_ATTRIBUTE_REPARSE_POINT) == 0;
        upto[at] = path[at];
    }
    free(upto);
    return straight;
}

enum ws_status ws_os_dir_open_below(const char *path, const char *below, enum ws_make make,
                                    struct ws_dir **dir) {
    size_t size = strlen(path) + strlen(below) + 2;
    char *whole = malloc(size);
    struct ws_dir *fresh = NULL;

    if (!whole) {
        return WS_NO_MEMORY;
    }
    snprintf(whole, size, "%s\\%s", path, below);
    enum ws_status status = ws_os_dir_open(whole, make, &fresh);
    free(whole);
    if (status == WS_OK && !is_straight(fresh->path, fresh->size - strlen(below) - 1)) {
        ws_os_dir_close(fresh);
        return fail_with(ELOOP);
    }
    if (status == WS_OK) {
        *dir = fresh;
    }
    return status;
}

static enum ws_status visit_found(const WIN32_FIND_DATAW *found,
                                  enum ws_status (*visit)(void *context, const char *name),
                                  void *context) {
    char name[4 * MAX_PATH];

    if (wcscmp(found->cFileName, L".") == 0 || wcscmp(found->cFileName, L"..") == 0) {
        return WS_OK;
    }
    /* A name that is not UTF-16 is none of ours: WC_ERR_INVALID_CHARS refuses it. */
    if (WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, found->cFileName, -1, name,
                            (int)sizeof name, NULL, NULL) == 0) {
        return WS_OK;
    }
    return visit(context, name);
}

enum ws_status ws_os_dir_list(struct ws_dir *dir,
                              enum ws_status (*visit)(void *context, const char *name),
                              void *context) {
    WCHAR *pattern = path_in(dir, "*");
    WIN32_FIND_DATAW found;

    if (!pattern) {
        return fail();
    }
    HANDLE search =
        FindFirstFileExW(pattern, FindExInfoBasic, &found, FindExSearchNameMatch, NULL, 0);
    free(pattern);
    if (search == INVALID_HANDLE_VALUE) {
        /* The empty root of a drive; any other directory has "." and "..". */
        return GetLastError() == ERROR_FILE_NOT_FOUND ? WS_OK : fail();
    }
    enum ws_status status = WS_OK;
    do {
        status = visit_found(&found, visit, context);
    } while (status == WS_OK && FindNextFileW(search, &found));
    DWORD error = GetLastError();
    int saved = errno;
    FindClose(search);
    errno = saved;
    if (status == WS_OK && error != ERROR_NO_MORE_FILES) {
        status = fail_with(errno_of(error));
    }
    return status;
}

enum ws_status ws_os_dir_sync(struct ws_dir *dir) {
    if (FlushFileBuffers(dir->handle)) {
        return WS_OK;
    }
    /* Some file systems cannot, and a directory opened without the right to add files must not:
     * NTFS journals its names, so they are as durable as they get. */
    switch (GetLastError()) {
    case ERROR_ACCESS_DENIED:
    case ERROR_INVALID_FUNCTION:
    case ERROR_INVALID_HANDLE:
    case ERROR_INVALID_PARAMETER:
    case ERROR_NOT_SUPPORTED:
        return WS_OK;
    default:
        return fail();
    }
}

enum ws_status ws_os_dir_modified(struct ws_dir *dir, int64_t *modified) {
    FILETIME written;

    if (!GetFileTime(dir->handle, NULL, NULL, &written)) {
        return fail();
    }
    *modified = ns_of(written);
    return WS_OK;
}

/* Groups have lists of rights there, which are the administrator's to write. */
enum ws_status ws_os_dir_share(const char *path, const char *name) {
    (void)path;
    (void)name;
    errno = ENOSYS;
    return WS_OS_ERROR;
}

bool ws_os_dir_is_shared(struct ws_dir *dir) {
    (void)dir;
    return false;
}

bool ws_os_is_barred(const char *path, uint64_t *owner) {
    (void)path;
    (void)owner;
    return false;
}

enum ws_disk ws_os_disk(const char *path) {
    WCHAR *wide = long_path_of(path);
    WCHAR root[MAX_PATH];
    bool shared =
        wide && GetVolumePathNameW(wide, root, MAX_PATH) && GetDriveTypeW(root) == DRIVE_REMOTE;

    free(wide);
    return shared ? WS_DISK_SHARED : WS_DISK_OWN;
}

bool ws_os_dir_is_new(const struct ws_dir *dir) {
    (void)dir;
    return false;
}

/* Its name would stay, and be of no use to anyone, while somebody has it open. */
enum ws_status ws_os_dir_remove(struct ws_dir *dir, const char *name, int64_t since) {
    (void)dir;
    (void)name;
    (void)since;
    return fail_with(ENOSYS);
}

void ws_os_dir_close(struct ws_dir *dir) {
    if (dir) {
        int saved = errno;
        CloseHandle(dir->handle);
        free(dir);
        errno = saved;
    }
}

/* Files. */

static enum ws_status file_of_handle(HANDLE handle, struct ws_file **file) {
    struct ws_file *fresh = malloc(sizeof *fresh);

    if (!fresh) {
        CloseHandle(handle);
        return WS_NO_MEMORY;
    }
    *fresh = (struct ws_file){.handle = handle};
    *file = fresh;
    return WS_OK;
}

/* With the first access that the system grants. */
static enum ws_status open_as(struct ws_dir *dir, const char *name, const DWORD *accesses,
                              int count, struct ws_file **file) {
    HANDLE handle = INVALID_HANDLE_VALUE;
    BY_HANDLE_FILE_INFORMATION info;
    WCHAR *path = path_in(dir, name);

    if (!path) {
        return fail();
    }
    for (int i = 0; i < count && handle == INVALID_HANDLE_VALUE; i++) {
        handle = open_path(path, accesses[i], OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT);
        if (handle == INVALID_HANDLE_VALUE && GetLastError() != ERROR_ACCESS_DENIED) {
            break;
        }
    }
    enum ws_status status = handle == INVALID_HANDLE_VALUE ? fail() : WS_OK;
    free(path);
    if (status != WS_OK) {
        return status;
    }
    if (!GetFileInformationByHandle(handle, &info)) {
        status = fail();
    } else if ((info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0) {
        status = fail_with(ELOOP);
    }
    if (status != WS_OK) {
        int saved = errno;
        CloseHandle(handle);
        errno = saved;
        return status;
    }
    return file_of_handle(handle, file);
}

enum ws_status ws_os_file_open(struct ws_dir *dir, const char *name, struct ws_file **file) {
    /* A reader also notes when the file was last used; one who may not can still read. */
    static const DWORD accesses[] = {GENERIC_READ | FILE_WRITE_ATTRIBUTES, GENERIC_READ};

    return open_as(dir, name, accesses, 2, file);
}

enum ws_status ws_os_file_edit(struct ws_dir *dir, const char *name, struct ws_file **file) {
    static const DWORD accesses[] = {GENERIC_READ | GENERIC_WRITE};

    return open_as(dir, name, accesses, 1, file);
}

enum ws_status ws_os_file_create(struct ws_dir *dir, const char *name, struct ws_file **file) {
    WCHAR *path = path_in(dir, name);

    if (!path) {
        return fail();
    }
    HANDLE handle =
        open_path(path, GENERIC_READ | GENERIC_WRITE, CREATE_NEW, FILE_FLAG_OPEN_REPARSE_POINT);
    enum ws_status status = handle == INVALID_HANDLE_VALUE ? fail() : WS_OK;
    free(path);
    return status == WS_OK ? file_of_handle(handle, file) : status;
}

static int64_t ns_of(FILETIME time) {
    uint64_t ticks = (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
    int64_t since_1970 = (int64_t)(ticks & INT64_MAX) - TICKS_TO_1970;

    if (since_1970 > INT64_MAX / NS_PER_TICK) {
        return INT64_MAX; /* later than nanoseconds can count */
    }
    return since_1970 < INT64_MIN / NS_PER_TICK ? INT64_MIN : since_1970 * NS_PER_TICK;
}

/* A file whose deletion waits for its last handle has lost its name. */
static uint64_t links_of(const FILE_STANDARD_INFO *info) {
    return info->DeletePending ? 0 : info->NumberOfLinks;
}

enum ws_status ws_os_file_info(struct ws_file *file, struct ws_file_info *info) {
    BY_HANDLE_FILE_INFORMATION found;
    FILE_STANDARD_INFO standard;

    if (!GetFileInformationByHandle(file->handle, &found) ||
        !GetFileInformationByHandleEx(file->handle, FileStandardInfo, &standard, sizeof standard)) {
        return fail();
    }
    *info = (struct ws_file_info){
        .size = (uint64_t)standard.EndOfFile.QuadPart,
        .links = links_of(&standard),
        .modified = ns_of(found.ftLastWriteTime),
        .regular = (found.dwFileAttributes &
                    (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT)) == 0 &&
                   GetFileType(file->handle) == FILE_TYPE_DISK,
    };
    return WS_OK;
}

enum ws_status ws_os_file_identity(struct ws_file *file, struct ws_file_identity *identity) {
    BY_HANDLE_FILE_INFORMATION found;

    if (!GetFileInformationByHandle(file->handle, &found)) {
        return fail();
    }
    *identity = (struct ws_file_identity){
        .device = found.dwVolumeSerialNumber,
        .number = (uint64_t)found.nFileIndexHigh << 32 | found.nFileIndexLow,
    };
    return WS_OK;
}

/* Whether `path` begins with the directory that an environment variable names. */
static bool is_below(const WCHAR *path, const WCHAR *variable) {
    WCHAR directory[MAX_PATH];
    DWORD size = GetEnvironmentVariableW(variable, directory, MAX_PATH);

    if (size == 0 || size >= MAX_PATH) {
        return false;
    }
    while (size > 0 && is_separator(directory[size - 1])) {
        size--;
    }
    path += wcsncmp(path, L"\\\\?\\", 4) == 0 ? 4 : 0;
    return wcslen(path) > size && _wcsnicmp(path, directory, size) == 0 && is_separator(path[size]);
}

static bool is_own_file(WCHAR *path) {
    union {
        TOKEN_USER user;
        BYTE room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    } token;
    DWORD size = 0;
    HANDLE process = NULL;
    PSID owner = NULL;
    PSECURITY_DESCRIPTOR descriptor = NULL;
    bool own = false;

    if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &process)) {
        own = GetTokenInformation(process, TokenUser, &token, sizeof token, &size) &&
              GetNamedSecurityInfoW(path, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL,
                                    NULL, NULL, &descriptor) == ERROR_SUCCESS &&
              EqualSid(owner, token.user.User.Sid);
        LocalFree(descriptor);
        CloseHandle(process);
    }
    return own;
}

static bool is_same_file(const WCHAR *path, const struct ws_file_identity *identity) {
    struct ws_file file = {.handle = open_path(path, FILE_READ_ATTRIBUTES, OPEN_EXISTING,
                                               FILE_FLAG_OPEN_REPARSE_POINT)};
    struct ws_file_identity found;

    if (file.handle == INVALID_HANDLE_VALUE) {
        return false;
    }
    bool same = ws_os_file_identity(&file, &found) == WS_OK && found.device == identity->device &&
                found.number == identity->number;
    CloseHandle(file.handle);
    return same;
}

/* Access control lists are not read. What a user owns below the own profile is private there by
 * what Windows sets up, unless the user has changed it; elsewhere nobody knows. */
bool ws_os_is_private(const char *path, int depth, const struct ws_file_identity *identity) {
    WCHAR *wide = long_path_of(path);

    (void)depth;
    bool private = wide && is_below(wide, L"USERPROFILE") && is_straight(wide, 4) &&
                   is_own_file(wide) && is_same_file(wide, identity);
    free(wide);
    return private;
}

bool ws_os_file_knows_its_names(struct ws_file *file) {
    (void)file;
    return true;
}

enum ws_status ws_os_file_has_one_name(struct ws_file *file, bool *has_one_name) {
    FILE_STANDARD_INFO info;

    if (!GetFileInformationByHandleEx(file->handle, FileStandardInfo, &info, sizeof info)) {
        return fail();
    }
    *has_one_name = links_of(&info) == 1;
    return WS_OK;
}

enum ws_status ws_os_file_is_named(struct ws_dir *dir, const char *name, struct ws_file *file,
                                   bool *is_named) {
    struct ws_file_identity own;
    WCHAR *path = path_in(dir, name);
    enum ws_status status = path ? ws_os_file_identity(file, &own) : fail();

    *is_named = status == WS_OK && is_same_file(path, &own);
    free(path);
    return status;
}

static OVERLAPPED at_offset(uint64_t offset) {
    return (OVERLAPPED){.Offset = (DWORD)(offset & 0xffffffff),
                        .OffsetHigh = (DWORD)(offset >> 32)};
}

enum ws_status ws_os_file_read(struct ws_file *file, uint64_t offset, void *bytes, size_t size,
                               size_t *got) {
    *got = 0;
    while (*got < size) {
        size_t left = size - *got;
        OVERLAPPED place = at_offset(offset + *got);
        DWORD n = 0;
        if (!ReadFile(file->handle, (char *)bytes + *got,
                      (DWORD)(left < MOVE_MAX ? left : MOVE_MAX), &n, &place)) {
            return GetLastError() == ERROR_HANDLE_EOF ? WS_OK : fail();
        }
        if (n == 0) {
            break;
        }
        *got += n;
    }
    return WS_OK;
}

enum ws_status ws_os_file_peek(struct ws_file *file, void *bytes, size_t size, size_t *got) {
    return ws_os_file_read(file, 0, bytes, size, got);
}

static enum ws_status write_all(struct ws_file *file, uint64_t offset, const void *bytes,
                                size_t size) {
    size_t done = 0;

    while (done < size) {
        size_t left = size - done;
        OVERLAPPED place = at_offset(offset + done);
        DWORD n = 0;
        if (!WriteFile(file->handle, (const char *)bytes + done,
                       (DWORD)(left < MOVE_MAX ? left : MOVE_MAX), &n, &place)) {
            enum ws_status status = fail();
            return status == WS_NOT_FOUND ? WS_OS_ERROR : status;
        }
        if (n == 0) {
            return fail_with(ENOSPC);
        }
        done += n;
    }
    return WS_OK;
}

/* Two calls: Windows gathers only whole pages, and only without its cache. The body goes first:
 * a header does not speak for a payload that is not there yet. */
enum ws_status ws_os_file_write(struct ws_file *file, uint64_t offset, const void *head,
                                size_t head_size, const void *body, size_t body_size) {
    enum ws_status status = write_all(file, offset + head_size, body, body_size);

    return status == WS_OK ? write_all(file, offset, head, head_size) : status;
}

enum ws_status ws_os_file_allocate(struct ws_file *file, uint64_t size) {
    FILE_ALLOCATION_INFO blocks;
    FILE_END_OF_FILE_INFO end;

    if (size > INT64_MAX) {
        return fail_with(EFBIG);
    }
    blocks.AllocationSize.QuadPart = (LONGLONG)size;
    end.EndOfFile.QuadPart = (LONGLONG)size;
    /* A file system that cannot reserve says so; a full disk must be told. */
    if (!SetFileInformationByHandle(file->handle, FileAllocationInfo, &blocks, sizeof blocks) &&
        errno_of(GetLastError()) == ENOSPC) {
        return fail();
    }
    return SetFileInformationByHandle(file->handle, FileEndOfFileInfo, &end, sizeof end) ? WS_OK
                                                                                         : fail();
}

void ws_os_file_ask_limit(struct ws_file *file) { (void)file; }

/* Not by a thread: nobody has seen a server of Windows' that does not answer. */
struct ws_errand {
    void (*end)(void *context);
    void *context;
    enum ws_status result;
    int result_errno;
};

enum ws_status ws_os_errand_start(enum ws_status (*work)(void *context), void (*end)(void *context),
                                  void *context, struct ws_errand **errand) {
    struct ws_errand *fresh = calloc(1, sizeof *fresh);

    if (!fresh) {
        return WS_NO_MEMORY;
    }
    fresh->end = end;
    fresh->context = context;
    fresh->result = work(context);
    fresh->result_errno = errno;
    *errand = fresh;
    return WS_OK;
}

enum ws_status ws_os_errand_wait(struct ws_errand *errand, int64_t ns, enum ws_status *result) {
    (void)ns;
    *result = errand->result;
    errno = errand->result_errno;
    return WS_OK;
}

void ws_os_errand_leave(struct ws_errand *errand) {
    int saved = errno;

    if (errand) {
        errand->end(errand->context);
        free(errand);
    }
    errno = saved;
}

enum ws_status ws_os_file_sync(struct ws_file *file) {
    return FlushFileBuffers(file->handle) ? WS_OK : fail();
}

enum ws_status ws_os_file_touch(struct ws_file *file, int64_t modified) {
    uint64_t ticks = (uint64_t)(modified / NS_PER_TICK + TICKS_TO_1970);
    FILETIME time = {.dwLowDateTime = (DWORD)(ticks & 0xffffffff),
                     .dwHighDateTime = (DWORD)(ticks >> 32)};

    return SetFileTime(file->handle, NULL, NULL, &time) ? WS_OK : fail();
}

enum ws_status ws_os_file_close(struct ws_file *file) {
    if (!file) {
        return WS_OK;
    }
    int saved = errno;
    /* Windows ends a lock with its handle, but says that it may take its time; this does not. */
    if (file->holds_lock) {
        OVERLAPPED place = at_offset(LOCK_OFFSET);
        UnlockFileEx(file->handle, 0, 1, 0, &place);
    }
    BOOL closed = CloseHandle(file->handle);
    free(file);
    if (!closed) {
        return fail_with(EIO);
    }
    errno = saved;
    return WS_OK;
}

static enum ws_status take_lock(struct ws_file *file, DWORD flags) {
    OVERLAPPED place = at_offset(LOCK_OFFSET);

    if (LockFileEx(file->handle, flags | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &place)) {
        return WS_OK;
    }
    DWORD error = GetLastError();
    if (error == ERROR_LOCK_VIOLATION || error == ERROR_IO_PENDING) {
        return WS_BUSY;
    }
    enum ws_status status = fail_with(errno_of(error));
    return status == WS_NOT_FOUND ? WS_OS_ERROR : status;
}

void ws_os_close_together(struct ws_dir *dir, struct ws_file *const files[], size_t count) {
    for (size_t i = 0; i < count; i++) {
        ws_os_file_close(files[i]);
    }
    ws_os_dir_close(dir);
}

enum ws_status ws_os_file_lock(struct ws_file *file) {
    enum ws_status status = file->holds_lock ? WS_OK : take_lock(file, LOCKFILE_EXCLUSIVE_LOCK);

    file->holds_lock = file->holds_lock || status == WS_OK;
    return status;
}

/* Windows cannot ask without taking, so this takes a shared lock, for a moment: any number may
 * ask at once. A writer locks its file before that has its name, so nobody who finds a file by its
 * name can get in the way of that; one who finds it by its temporary name makes the writer try
 * another. */
enum ws_status ws_os_file_is_locked(struct ws_file *file, bool *locked) {
    OVERLAPPED place = at_offset(LOCK_OFFSET);

    *locked = false;
    if (file->holds_lock) {
        return WS_OK;
    }
    enum ws_status status = take_lock(file, 0);
    if (status == WS_BUSY) {
        *locked = true;
        return WS_OK;
    }
    if (status != WS_OK) {
        return status;
    }
    return UnlockFileEx(file->handle, 0, 1, 0, &place) ? WS_OK : fail();
}

/* Renaming and deleting, as POSIX does where Windows can (10 and later, NTFS): the name changes
 * hands at once though others have the file open, and what they have open stays readable. */

static HANDLE open_to_move(const WCHAR *path) {
    return open_path(path, DELETE | SYNCHRONIZE, OPEN_EXISTING,
                     FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS);
}

static bool rename_as_posix(const WCHAR *from, const WCHAR *to) {
    size_t name_size = wcslen(to) * sizeof *to;
    size_t size = sizeof(struct rename_info) + name_size;
    struct rename_info *info = calloc(1, size);
    HANDLE handle = open_to_move(from);
    bool done = false;

    if (info && handle != INVALID_HANDLE_VALUE) {
        info->flags = RENAME_REPLACE | RENAME_POSIX;
        info->size = (DWORD)name_size;
        wmemcpy(info->name, to, wcslen(to));
        done = SetFileInformationByHandle(handle, (FILE_INFO_BY_HANDLE_CLASS)RENAME_INFO_EX, info,
                                          (DWORD)size);
    }
    if (handle != INVALID_HANDLE_VALUE) {
        close_quietly(handle);
    }
    free(info);
    return done;
}

static bool delete_as_posix(const WCHAR *path) {
    DWORD flags = DELETE_DELETE | DELETE_POSIX | DELETE_READ_ONLY;
    HANDLE handle = open_to_move(path);

    if (handle == INVALID_HANDLE_VALUE) {
        return false;
    }
    bool done = SetFileInformationByHandle(handle, (FILE_INFO_BY_HANDLE_CLASS)DELETE_INFO_EX,
                                           &flags, sizeof flags);
    close_quietly(handle);
    return done;
}

static WCHAR *aside_of(const WCHAR *path) {
    static const WCHAR suffix[] = L".aside";
    size_t size = wcslen(path);
    WCHAR *aside = malloc(size * sizeof *aside + sizeof suffix);

    if (aside) {
        wmemcpy(aside, path, size);
        wmemcpy(aside + size, suffix, sizeof suffix / sizeof *suffix);
    } else {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    }
    return aside;
}

/* Where a name stays taken while somebody, such as a run's own writer, has its file open, the
 * file is moved aside, which is allowed, and deleted there: gone with its last handle. */
static bool delete_aside(const WCHAR *path) {
    WCHAR *aside = aside_of(path);
    bool done = aside && MoveFileExW(path, aside, 0) && DeleteFileW(aside);

    free(aside);
    return done;
}

/* The same to give the name to another file. For a moment nothing has it. */
static bool rename_in_two_steps(const WCHAR *from, const WCHAR *to) {
    WCHAR *aside = aside_of(from);
    bool moved = aside && MoveFileExW(to, aside, 0);
    bool done = moved && MoveFileExW(from, to, 0);
    DWORD error = GetLastError();

    if (done) {
        DeleteFileW(aside);
    } else if (moved) {
        MoveFileExW(aside, to, 0);
    }
    free(aside);
    SetLastError(error);
    return done;
}

static bool replace(const WCHAR *from, const WCHAR *to) {
    if (rename_as_posix(from, to) || MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING)) {
        return true;
    }
    DWORD error = GetLastError();
    return (error == ERROR_ACCESS_DENIED || error == ERROR_SHARING_VIOLATION) &&
           rename_in_two_steps(from, to);
}

enum ws_status ws_os_rename(struct ws_dir *dir, const char *from, const char *to) {
    WCHAR *from_path = path_in(dir, from);
    WCHAR *to_path = path_in(dir, to);
    bool done = from_path && to_path && replace(from_path, to_path);
    enum ws_status status = done ? WS_OK : fail();

    free(from_path);
    free(to_path);
    return status;
}

enum ws_status ws_os_unlink(struct ws_dir *dir, const char *name) {
    WCHAR *path = path_in(dir, name);
    enum ws_status status = WS_OK;

    if (!path) {
        return fail();
    }
    DWORD attributes = GetFileAttributesW(path);
    if (attributes == INVALID_FILE_ATTRIBUTES) {
        status = fail();
    } else if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
        status = fail_with(EISDIR);
    } else if (!delete_as_posix(path) && !delete_aside(path) && !DeleteFileW(path)) {
        status = fail();
    }
    free(path);
    return status;
}

/* Clock, process, host, chance. */

int64_t ws_os_now(void) {
    FILETIME now;

    GetSystemTimePreciseAsFileTime(&now);
    return ns_of(now);
}

uint64_t ws_os_process(void) { return GetCurrentProcessId(); }

void ws_os_host(char *name, size_t size) {
    WCHAR wide[MAX_COMPUTERNAME_LENGTH + 1];
    DWORD count = MAX_COMPUTERNAME_LENGTH + 1;
    char whole[4 * (MAX_COMPUTERNAME_LENGTH + 1)] = "";

    if (!GetComputerNameW(wide, &count) ||
        WideCharToMultiByte(CP_UTF8, 0, wide, -1, whole, (int)sizeof whole, NULL, NULL) == 0 ||
        whole[0] == '\0') {
        strcpy(whole, "localhost");
    }
    snprintf(name, size, "%s", whole);
}

enum ws_status ws_os_random(void *bytes, size_t size) {
    if (size > ULONG_MAX) {
        return fail_with(EINVAL);
    }
    return SystemFunction036(bytes, (ULONG)size) ? WS_OK : fail_with(EIO);
}

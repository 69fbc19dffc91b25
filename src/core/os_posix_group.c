#include "os_posix.h"

#include <stdlib.h>
#include <string.h>

/* Directories that a group shares. Its mark is their mode, which only an owner can set, and which
 * os_posix_dir.c hands down to what is made in them: so it is kept in the store, and nowhere else.
 */

/* What is in `at`. The group first: to change it takes rights away. What is not this user's stays
 * as it is. A directory's mark goes, see os_posix_dir.c, once it is durable what that says may not
 * be.
 */
static void share_one(int at, int fd, const struct stat *stat, gid_t group) {
    bool is_dir = S_ISDIR(stat->st_mode);
    bool marked = is_dir && (stat->st_mode & S_ISVTX) != 0 && sync_directory(at) != WS_OK;
    mode_t rights = is_dir ? WS_GROUP_DIRECTORY : (stat->st_mode & 0777) | WS_GROUP_FILE;

    if (stat->st_gid != group && fchown(fd, (uid_t)-1, group) < 0) {
        return;
    }
    (void)!fchmod(fd, rights | (marked ? S_ISVTX : 0));
}

/* What is in the directory `fd`, which it closes, and below. */
static void share_all_in(int fd, gid_t group) {
    DIR *stream = fdopendir(fd);
    struct dirent *found;

    if (!stream) {
        close(fd);
        return;
    }
    while ((found = readdir(stream)) != NULL) {
        struct stat stat;
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0) {
            continue;
        }
        int below = open_retrying(fd, found->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
        bool known = below >= 0 && fstat(below, &stat) == 0;
        if (known && (S_ISDIR(stat.st_mode) || S_ISREG(stat.st_mode))) {
            share_one(fd, below, &stat, group);
        }
        if (known && S_ISDIR(stat.st_mode)) {
            share_all_in(below, group);
        } else {
            close_quietly(below);
        }
    }
    closedir(stream);
}

/* `name` in the directory `at`, of which the group is `group`. Itself last, so that what bears the
 * mark was shared with all that is in it. */
static enum ws_status share_directory(int at, const char *name, gid_t group) {
    struct stat stat;
    bool made = mkdirat(at, name, 0700) == 0;
    int fd = open_retrying(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

    if (fd < 0) {
        return WS_OS_ERROR;
    }
    bool known = fstat(fd, &stat) == 0;
    if (known && !made) {
        int again = open_retrying(fd, ".", O_RDONLY | O_DIRECTORY, 0);
        if (again >= 0) {
            share_all_in(again, group);
        }
    }
    if (known) {
        share_one(at, fd, &stat, group);
        known = fstat(fd, &stat) == 0;
    }
    close_quietly(fd);
    if (known && !(ws_is_for_group(stat.st_mode) && stat.st_gid == group)) {
        errno = EPERM; /* somebody else's */
        known = false;
    }
    return known && (!made || sync_directory(at) == WS_OK) ? WS_OK : WS_OS_ERROR;
}

/* Where it is missing; its group may look into it. */
static enum ws_status make_directory(const char *path) {
    struct stat stat;

    if (mkdir(path, 0700) < 0) {
        return WS_OK; /* there is one, or there will be none to open */
    }
    int fd = open_retrying(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    int parent = fd < 0 ? -1 : open_retrying(fd, "..", O_RDONLY | O_DIRECTORY, 0);
    bool done = fd >= 0 && fstat(fd, &stat) == 0 &&
                fchmod(fd, (stat.st_mode & S_ISGID) | S_IRWXU | S_IRGRP | S_IXGRP) == 0 &&
                (parent < 0 || sync_directory(parent) == WS_OK);
    close_quietly(parent);
    close_quietly(fd);
    return done ? WS_OK : WS_OS_ERROR;
}

/* All on the way to `path`, and that. */
static enum ws_status make_directories(const char *path) {
    char *upto = strdup(path);
    enum ws_status status = upto ? WS_OK : WS_NO_MEMORY;

    for (char *end = upto; status == WS_OK && *end != '\0';) {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        char cut = *end;
        *end = '\0';
        status = make_directory(upto);
        *end = cut;
    }
    free(upto);
    return status;
}

/* Where it is this user's to say: to look, and to go through. */
static void let_group_in(int fd, const struct stat *stat) {
    const mode_t rights = S_IRGRP | S_IXGRP;

    if ((stat->st_mode & rights) != rights) {
        (void)!fchmod(fd, (stat->st_mode & 07777) | rights);
    }
}

enum ws_status ws_os_dir_share(const char *path, const char *name) {
    struct stat stat;
    struct stat inner;
    enum ws_status status = make_directories(path);
    int fd = status == WS_OK ? open_retrying(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0) : -1;

    if (fd < 0 || fstat(fd, &stat) < 0) {
        status = status == WS_OK ? WS_OS_ERROR : status;
    } else if (fstatat(fd, name, &inner, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(inner.st_mode) ||
               !ws_is_for_group(inner.st_mode)) {
        let_group_in(fd, &stat);
        status = share_directory(fd, name, stat.st_gid);
    }
    close_quietly(fd);
    return status;
}

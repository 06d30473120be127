/* A disk that fails on command: preloaded into a server, it looks into the file FAULTY_DISK before
 * each call. One line there, `CALL ENDING ERRNO`, makes that call fail with that error on every file
 * whose name ends like that; CALL is one of read, write, tear (half of it is written) and sync. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The error that a call on a file is to fail with; 0 none. */
static int fault(const char *call, int file) {
    const char *orders = getenv("FAULTY_DISK");
    char line[64] = "", link[32], name[512];
    char wanted[8], ending[32];
    int number = 0;
    int handle = orders ? open(orders, O_RDONLY | O_CLOEXEC) : -1;
    if (handle < 0)
        return 0;
    ssize_t length = syscall(SYS_read, handle, line, sizeof line - 1);
    close(handle);
    if (length <= 0 || sscanf(line, "%7s %31s %d", wanted, ending, &number) != 3)
        return 0;
    if (strcmp(wanted, call) != 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, name, sizeof name - 1);
    if (length < (ssize_t)strlen(ending))
        return 0;
    name[length] = 0;
    return strcmp(name + length - strlen(ending), ending) == 0 ? number : 0;
}

#define NEXT(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))
#define FAIL(call, file)                                                                           \
    do {                                                                                           \
        int number = fault(call, file);                                                            \
        if (number) {                                                                              \
            errno = number;                                                                        \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

#define WRITING(name, offset_type)                                                                 \
    ssize_t name(int file, const void *from, size_t count, offset_type offset) {                   \
        FAIL("write", file);                                                                       \
        int torn = count > 1 ? fault("tear", file) : 0;                                            \
        if (torn) {                                                                                \
            NEXT(name)(file, from, count / 2, offset);                                             \
            errno = torn;                                                                          \
            return -1;                                                                             \
        }                                                                                          \
        return NEXT(name)(file, from, count, offset);                                              \
    }
WRITING(pwrite, off_t)
WRITING(pwrite64, off64_t)

#define READING(name, offset_type)                                                                 \
    ssize_t name(int file, void *to, size_t count, offset_type offset) {                           \
        FAIL("read", file);                                                                        \
        return NEXT(name)(file, to, count, offset);                                                \
    }
READING(pread, off_t)
READING(pread64, off64_t)

int fsync(int file) {
    FAIL("sync", file);
    return NEXT(fsync)(file);
}

int fdatasync(int file) {
    FAIL("sync", file);
    return NEXT(fdatasync)(file);
}

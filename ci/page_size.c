/*
 * Makes a program believe that pages are larger than they are: a library for LD_PRELOAD, by which
 * ci/test runs tests as on a kernel with pages of 16 or 64 KiB (AArch64 has them), and as strictly. The size is
 * in PAGE_SIZE_TO_TEST, in bytes.
 *
 * Large pages consist of small ones, so whatever a kernel with large pages does, this one can do:
 * mappings begin at multiples of the size and are rounded up to it, and addresses
 * that are no such multiples are refused.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static size_t page;

/* Before main and before any other thread. */
__attribute__((constructor)) static void start(void) {
    const char *text = getenv("PAGE_SIZE_TO_TEST");
    page = text ? strtoul(text, NULL, 10) : 0;
    if (page < 4096 || (page & (page - 1)) != 0) {
        static const char message[] = "page_size.so: PAGE_SIZE_TO_TEST is no page size\n";
        (void)!write(2, message, sizeof message - 1);
        _exit(2);
    }
}

static size_t up(size_t n) { return (n + page - 1) & ~(page - 1); }

long sysconf(int name) {
    static long (*real)(int);
    if (name == _SC_PAGESIZE && page != 0)
        return (long)page;
    if (!real)
        real = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
    return real(name);
}

static void *map(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    size_t wide;
    char *start, *aligned;
    if (page == 0 || address != NULL || !(flags & MAP_ANONYMOUS))
        return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
    wide = up(length) + page;
    start = (char *)syscall(SYS_mmap, NULL, wide, protection, flags, fd, offset);
    if (start == MAP_FAILED)
        return MAP_FAILED;
    aligned = (char *)up((uintptr_t)start);
    if (aligned > start)
        syscall(SYS_munmap, start, aligned - start);
    if (aligned + up(length) < start + wide)
        syscall(SYS_munmap, aligned + up(length), start + wide - (aligned + up(length)));
    return aligned;
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    return map(address, length, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    return map(address, length, protection, flags, fd, offset);
}

static int refused(void *address) {
    if (page == 0 || (uintptr_t)address % page == 0)
        return 0;
    errno = EINVAL;
    return 1;
}

int munmap(void *address, size_t length) {
    return refused(address) ? -1 : (int)syscall(SYS_munmap, address, page ? up(length) : length);
}

int mprotect(void *address, size_t length, int protection) {
    if (refused(address))
        return -1;
    return (int)syscall(SYS_mprotect, address, page ? up(length) : length, protection);
}

int madvise(void *address, size_t length, int advice) {
    if (refused(address))
        return -1;
    return (int)syscall(SYS_madvise, address, page ? up(length) : length, advice);
}

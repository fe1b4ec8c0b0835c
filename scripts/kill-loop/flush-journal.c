/*
 * Preloaded into a node (LD_PRELOAD). After each successful fsync or fdatasync of a regular file it appends one line to
 * $FLUSH_JOURNAL: "<inode> <bytes>", the size that the file had when the flush began. What lies behind that size is not
 * promised to survive a power cut.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int journal(void) {
  static int fd = -2;
  if (fd == -2) {
    const char *path = getenv("FLUSH_JOURNAL");
    fd = path == NULL ? -1 : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  }
  return fd;
}

static int flush(const char *name, int fd) {
  struct stat before;
  int known = fstat(fd, &before) == 0 && S_ISREG(before.st_mode);
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  int result = real(fd);
  if (result == 0 && known && journal() >= 0) {
    int saved = errno;
    char line[64];
    int length =
        snprintf(line, sizeof line, "%llu %lld\n", (unsigned long long)before.st_ino, (long long)before.st_size);
    /* One write of a short line to a file opened with O_APPEND is whole. */
    if (write(journal(), line, (size_t)length) != length) abort();
    errno = saved;
  }
  return result;
}

int fsync(int fd) { return flush("fsync", fd); }
int fdatasync(int fd) { return flush("fdatasync", fd); }

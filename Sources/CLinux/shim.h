// Kernel interfaces that Swift's Glibc module leaves out.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <unistd.h>

// renameat2(2) with RENAME_NOREPLACE: gives a file its name unless another file has it (errno EEXIST).
static inline int linux_rename_without_replacing(const char *from, const char *to) {
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

#include "confined.h"

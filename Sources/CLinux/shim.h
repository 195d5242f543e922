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

// unshare(2): gives the calling thread a working directory and a table of open files of its own. 0, or -1 with errno.
static inline int linux_unshare_thread(void) {
    enum { own_folder = 0x00000200 /* CLONE_FS */, own_files = 0x00000400 /* CLONE_FILES */ };
    return (int)syscall(SYS_unshare, own_folder | own_files);
}

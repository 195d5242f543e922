// Kernel interfaces that Swift's Glibc module leaves out.
#include <linux/magic.h>
#include <sys/timex.h>
#include <sys/vfs.h>

"""Confines the process it is called in: no network, no new programs, few files, bounded memory and time.

Every layer that the kernel offers without privileges is used; one that is missing is skipped, because the renderer's
own URL fetcher, which refuses everything, does not depend on it.
"""
import ctypes
import os
import resource

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
PR_SET_NO_NEW_PRIVS = 38
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_RULE_PATH_BENEATH = 1
LANDLOCK_EXECUTE, LANDLOCK_READ_FILE, LANDLOCK_READ_DIR = 1, 4, 8
LANDLOCK_ABI_1 = (1 << 13) - 1


def limit(memory, seconds, output):
    """Bytes of address space, seconds of processor time, bytes of one file."""
    for kind, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, output),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(kind, (value, value))


def isolate(readable):
    """Leaves the network and lets nothing but `readable` folders be opened, and those for reading only."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        libc.unshare(CLONE_NEWNET)

    class Ruleset(ctypes.Structure):
        _fields_ = [("handled_access_fs", ctypes.c_uint64)]

    class PathBeneath(ctypes.Structure):
        _pack_ = 1
        _fields_ = [("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]

    ruleset = Ruleset(LANDLOCK_ABI_1)
    descriptor = libc.syscall(
        LANDLOCK_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(ctypes.sizeof(ruleset)), 0)
    if descriptor < 0:
        return
    for path in readable:
        try:
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        rule = PathBeneath(LANDLOCK_READ_FILE | LANDLOCK_READ_DIR | LANDLOCK_EXECUTE, folder)
        libc.syscall(LANDLOCK_ADD_RULE, descriptor, LANDLOCK_RULE_PATH_BENEATH, ctypes.byref(rule), 0)
        os.close(folder)
    libc.syscall(LANDLOCK_RESTRICT_SELF, descriptor, 0)
    os.close(descriptor)

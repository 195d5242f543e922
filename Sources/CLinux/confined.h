// Starts a program that reads untrusted input, with as few rights as the kernel lets us take from it.
//
// Between fork and exec only system calls are made: the parent may have threads, so nothing that allocates or locks may run.
#include <errno.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#define LINUX_LANDLOCK_TRUNCATE (1ULL << 14)
#define LINUX_LANDLOCK_IOCTL_DEV (1ULL << 15)
#define LINUX_O_PATH 010000000
#define LINUX_NOBODY 65534
#define LINUX_MOST_CONFINED_DESCRIPTORS 512

// Exit codes of a child that never became the program.
enum {
    linux_confined_cannot_read = 124,
    linux_confined_failed = 125,
    linux_confined_not_started = 126,
    linux_confined_missing = 127,
};

struct linux_confined_program {
    const char *path;
    char *const *arguments;
    // At most 14 entries; one that begins with LISTEN_PID= is given the child's number.
    char *const *environment;
    // These become the child's descriptors 0, 1, 2, …; it has no others.
    const int *descriptors;
    int descriptor_count;
    // Descriptors from this one on are files that it may open again, for reading.
    int first_readable;
    // Bytes of address space; 0 for no limit.
    unsigned long memory;
    // Keeps the caller's user: for files that only this user can read.
    int keeps_user;
    // The program is ours and calls linux_confine_self when all of it is loaded, which leaves it less than a wall here would.
    int builds_own_wall;
};

// No network, no shared memory of others; as nobody who may read everything where the caller is root.
static inline void linux_confined_leave(int keeps_user) {
    if (geteuid() != 0 || keeps_user) {
        if (syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC) != 0)
            (void)syscall(SYS_unshare, CLONE_NEWNET | CLONE_NEWIPC);
        return;
    }
    (void)syscall(SYS_unshare, CLONE_NEWNET | CLONE_NEWIPC);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
    if (syscall(SYS_capget, &header, data) != 0) return;
    const unsigned int read_all = 1u << CAP_DAC_READ_SEARCH;
    if (!(data[0].permitted & read_all)) return;
    (void)prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    (void)syscall(SYS_setgroups, 0, 0);
    if (syscall(SYS_setresgid, LINUX_NOBODY, LINUX_NOBODY, LINUX_NOBODY) != 0) return;
    if (syscall(SYS_setresuid, LINUX_NOBODY, LINUX_NOBODY, LINUX_NOBODY) != 0) return;
    data[0].effective = data[0].permitted = data[0].inheritable = read_all;
    data[1].effective = data[1].permitted = data[1].inheritable = 0;
    (void)syscall(SYS_capset, &header, data);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0);
}

static inline void linux_landlock_allow(int ruleset, int descriptor, unsigned long long access) {
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = descriptor};
    (void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

// Opens nothing but the files given, for reading only, and the system's libraries where the program still needs them.
static inline void linux_confined_wall(const int *readable, int count, int needs_system) {
    long version = syscall(SYS_landlock_create_ruleset, 0, 0, 1);
    if (version < 1) return;
    struct {
        unsigned long long files, network, scoped;
    } handled = {(1ULL << 13) - 1, 0, 0};
    if (version >= 2) handled.files |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3) handled.files |= LINUX_LANDLOCK_TRUNCATE;
    if (version >= 5) handled.files |= LINUX_LANDLOCK_IOCTL_DEV;
    if (version >= 4) handled.network = 3;  // bind and connect
    if (version >= 6) handled.scoped = 3;   // abstract sockets and signals
    unsigned long size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
    if (ruleset < 0) return;
    static const char *const folders[] = {"/usr", "/lib", "/lib64"};
    for (int index = 0; needs_system && index < 3; index++) {
        int folder = open(folders[index], LINUX_O_PATH | O_CLOEXEC);
        if (folder < 0) continue;
        linux_landlock_allow(
            ruleset, folder, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE);
        close(folder);
    }
    int cache = needs_system ? open("/etc/ld.so.cache", LINUX_O_PATH | O_CLOEXEC) : -1;
    if (cache >= 0) {
        linux_landlock_allow(ruleset, cache, LANDLOCK_ACCESS_FS_READ_FILE);
        close(cache);
    }
    for (int index = 0; index < count; index++)
        linux_landlock_allow(ruleset, readable[index], LANDLOCK_ACCESS_FS_READ_FILE);
    (void)syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
}

static inline void linux_confined_limit(int kind, unsigned long value) {
    struct rlimit limit;
    if (getrlimit(kind, &limit) != 0) return;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < value) value = limit.rlim_max;
    limit.rlim_cur = limit.rlim_max = value;
    (void)setrlimit(kind, &limit);
}

// True when each file can be opened again, as the program will do it.
static inline int linux_confined_can_read(int first, int end) {
    for (int number = first; number < end; number++) {
        char path[32] = "/proc/self/fd/";
        int at = 14, divisor = 1;
        while (number / divisor >= 10) divisor *= 10;
        for (; divisor > 0; divisor /= 10) path[at++] = (char)('0' + number / divisor % 10);
        path[at] = 0;
        int again = open(path, O_RDONLY | O_CLOEXEC);
        if (again < 0) return 0;
        close(again);
    }
    return 1;
}

static inline void linux_confined_become(const struct linux_confined_program *program, pid_t parent) {
    int count = program->descriptor_count;
    if (count > LINUX_MOST_CONFINED_DESCRIPTORS) _exit(linux_confined_failed);
    int high[LINUX_MOST_CONFINED_DESCRIPTORS];
    for (int index = 0; index < count; index++) {
        high[index] = fcntl(program->descriptors[index], F_DUPFD_CLOEXEC, count + 3);
        if (high[index] < 0) _exit(linux_confined_failed);
    }
    for (int index = 0; index < count; index++)
        if (dup2(high[index], index) != index) _exit(linux_confined_failed);
    (void)syscall(SYS_close_range, (unsigned)count, ~0u, 0);

    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, 0);
    (void)setsid();
    linux_confined_leave(program->keeps_user);
    // After the change of user, which forgets it.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) _exit(linux_confined_failed);
    if (getppid() != parent) _exit(linux_confined_failed);
    if (!linux_confined_can_read(program->first_readable, count)) _exit(linux_confined_cannot_read);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int readable[LINUX_MOST_CONFINED_DESCRIPTORS];
    int readable_count = 0;
    for (int index = program->first_readable; index < count; index++) readable[readable_count++] = index;
    if (!program->builds_own_wall) linux_confined_wall(readable, readable_count, 1);
    linux_confined_limit(RLIMIT_FSIZE, 0);
    linux_confined_limit(RLIMIT_CORE, 0);
    linux_confined_limit(RLIMIT_NOFILE, LINUX_MOST_CONFINED_DESCRIPTORS * 2);
    if (program->memory > 0) linux_confined_limit(RLIMIT_AS, program->memory);

    char number[32] = "LISTEN_PID=";
    int at = 11;
    pid_t own = getpid(), divisor = 1;
    while (own / divisor >= 10) divisor *= 10;
    for (; divisor > 0; divisor /= 10) number[at++] = (char)('0' + own / divisor % 10);
    number[at] = 0;
    char *environment[16] = {0};
    for (int index = 0; index < 14 && program->environment[index]; index++) {
        char *entry = program->environment[index];
        int same = 0;
        while (same < 11 && entry[same] == number[same]) same++;
        environment[index] = same == 11 ? number : entry;
    }
    (void)execve(program->path, program->arguments, environment);
    _exit(errno == ENOENT ? linux_confined_missing : linux_confined_not_started);
}

// Answers the child's number, or -1 and errno. The child is killed when the calling *thread* ends (prctl(2)).
static inline pid_t linux_start_confined(const struct linux_confined_program *program) {
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) linux_confined_become(program, parent);
    return child;
}

// What a program of ours does before it looks at its input: from here on it opens nothing.
static inline void linux_confine_self(void) {
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    linux_confined_wall(0, 0, 0);
}

// pipe2(2) with O_CLOEXEC.
static inline int linux_pipe(int *ends) { return (int)syscall(SYS_pipe2, ends, O_CLOEXEC); }

// A program of ours that serves requests, each in a process of its own: no request's process may look into the server, or
// change it.
static inline void linux_confine_server(void) {
    linux_confine_self();
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// What <sys/socket.h> has; it is not included, because Swift files that use sockets would then have to import this module.
struct linux_message_part {
    void *bytes;
    unsigned long size;
};
struct linux_message_rights {
    unsigned long size;
    int level, kind;
    int descriptors[2];
};
struct linux_message {
    void *name;
    unsigned name_size;
    struct linux_message_part *parts;
    unsigned long part_count;
    struct linux_message_rights *rights;
    unsigned long rights_size;
    int flags;
};
enum {
    linux_af_unix = 1,
    linux_seqpacket_cloexec = 5 | 02000000,
    linux_sol_socket = 1,
    linux_scm_rights = 1,
    linux_no_signal = 0x4000,
    linux_rights_cloexec = 0x40000000,
};

// A pair of connected sockets that keep the borders of messages.
static inline int linux_message_sockets(int *ends) {
    return (int)syscall(SYS_socketpair, linux_af_unix, linux_seqpacket_cloexec, 0, ends);
}

// Sends a text and two descriptors as one message; 0 when that was done.
static inline int linux_send_request(int socket, const char *text, unsigned long size, const int *descriptors) {
    struct linux_message_part part = {(void *)text, size};
    struct linux_message_rights rights = {
        sizeof rights, linux_sol_socket, linux_scm_rights, {descriptors[0], descriptors[1]}};
    struct linux_message message = {0, 0, &part, 1, &rights, sizeof rights, 0};
    long sent;
    do sent = syscall(SYS_sendmsg, socket, &message, linux_no_signal);
    while (sent < 0 && errno == EINTR);
    return sent == (long)size ? 0 : -1;
}

// Takes what linux_send_request sent; answers the size of the text, or -1 when there is no more.
static inline long linux_take_request(int socket, char *text, unsigned long size, int *descriptors) {
    struct linux_message_part part = {text, size};
    struct linux_message_rights rights = {0};
    struct linux_message message = {0, 0, &part, 1, &rights, sizeof rights, 0};
    long taken;
    do taken = syscall(SYS_recvmsg, socket, &message, linux_rights_cloexec);
    while (taken < 0 && errno == EINTR);
    if (taken <= 0 || rights.kind != linux_scm_rights || rights.size != sizeof rights) return -1;
    for (int index = 0; index < 2; index++) descriptors[index] = rights.descriptors[index];
    return taken;
}

// Forks a process for one request: it ends with the server. For a server without threads.
static inline pid_t linux_fork_for_request(void) {
    pid_t server = getpid();
    pid_t child = fork();
    if (child != 0) return child;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != server) _exit(linux_confined_failed);
    return 0;
}

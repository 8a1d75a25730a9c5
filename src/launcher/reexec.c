/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reexec.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <systemd/sd-daemon.h>

#include "file-util.h"
#include "log.h"
#include "parse.h"
#include "time-util.h"

/* "reload MEMFD", or "crash SIGNAL COUNT SINCE DUMPER" in decimal, SINCE on CLOCK_MONOTONIC. */
#define VARIABLE "AGENTHOST_LAUNCHER_REEXEC"

#define MESSAGE_REEXECUTED "3d1c4c8e0a5f4f3c9b1f6f0f5a3a8a61"

#define STACK_BYTES (64u * 1024u)

static const int crash_signals[] = { SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE };

/* What is needed to execute ourselves, made ready in advance: a handler for a crash can make nothing. */
static struct {
        char **argv;
        char **environment; /* ours, as it is to be; the last entry is variable */
        char listen_pid[32];
        char variable[160];
        int listen_fd;
        struct rlimit nofile;
        sigset_t mask;
        uint64_t first_crash_usec;
        unsigned n_crashes;
        char stack[STACK_BYTES];
} self = { .listen_fd = -EBADF };

static void read_crash(Reexec *r, const char *text)
{
        int dumper = 0;

        if (sscanf(text, "%d %u %" SCNu64 " %d", &r->signal, &self.n_crashes, &self.first_crash_usec,
                    &dumper) < 3)
                return;
        r->cause = REEXEC_CRASH;
        r->n_crashes = self.n_crashes;
        r->dumper = dumper;
        r->handover_error = -ENODATA;
}

static int read_handover(int fd, Handover *ret)
{
        char *text = NULL;
        size_t size = 0;
        int r;

        if (memfd_check_sealed(fd) < 0)
                return -EBADF;
        r = read_fd(fd, HANDOVER_SIZE_MAX, &text, &size);
        if (r < 0)
                return r;
        return handover_parse(text, size, ret);
}

static void read_reload(Reexec *r, const char *text)
{
        unsigned fd;

        r->cause = REEXEC_RELOAD;
        r->handover_error = -EBADMSG;
        if (parse_uint(text, 3, INT32_MAX, &fd) < 0)
                return;
        r->handover_error = read_handover((int)fd, &r->handover);
        close((int)fd);
}

/* Whatever is open without that we know of it is nobody's. */
static void close_descriptors(const Reexec *r)
{
        if (r->cause == REEXEC_RELOAD && r->handover_error >= 0)
                (void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
        else
                (void)close_range(SD_LISTEN_FDS_START + 1, ~0U, 0);
}

void reexec_begin(Reexec *ret)
{
        const char *text = getenv(VARIABLE);
        sigset_t crashes;

        *ret = (Reexec){ 0 };
        if (!text)
                return;

        if (strncmp(text, "crash ", 6) == 0)
                read_crash(ret, text + 6);
        else if (strncmp(text, "reload ", 7) == 0)
                read_reload(ret, text + 7);
        (void)unsetenv(VARIABLE);
        close_descriptors(ret);

        /* The one that we are in the handler of was blocked when we were executed there by a build that
         * forgot about it. */
        sigemptyset(&crashes);
        for (size_t i = 0; i < ELEMENTSOF(crash_signals); i++)
                sigaddset(&crashes, crash_signals[i]);
        (void)sigprocmask(SIG_UNBLOCK, &crashes, NULL);
}

void reexec_done(Reexec *r)
{
        handover_done(&r->handover);
}

void reexec_log(const Reexec *r)
{
        if (r->cause == REEXEC_CRASH)
                log_event(LOG_CRIT, MESSAGE_REEXECUTED,
                        "Crashed by SIG%s, executed again in place (crash %u of at most %u within %us); the "
                        "agents run on",
                        sigabbrev_np(r->signal) ? sigabbrev_np(r->signal) : "?", r->n_crashes,
                        REEXEC_CRASHES_MAX, (unsigned)(REEXEC_CRASHES_USEC / USEC_PER_SEC));
        else if (r->cause == REEXEC_RELOAD && r->handover_error < 0)
                log_event(LOG_WARNING, MESSAGE_REEXECUTED,
                        "Executed again in place, as version " AGENTHOST_VERSION
                        "; what the former build has handed over cannot be used: %s",
                        strerror(-r->handover_error));
        else if (r->cause == REEXEC_RELOAD)
                log_event(LOG_INFO, MESSAGE_REEXECUTED,
                        "Executed again in place, as version " AGENTHOST_VERSION
                        ", with %zu agents of version %s",
                        r->handover.n_agents, r->handover.version ? r->handover.version : "unknown");
}

/* The environment of the next life: ours, without what it is not to have, and with a place for what it is
 * to be told. */
static int make_environment(void)
{
        static char listen_fds[] = "LISTEN_FDS=1";
        size_t n = 0, k = 0;

        while (environ[n])
                n++;
        self.environment = calloc(n + 4, sizeof(char *));
        if (!self.environment)
                return -ENOMEM;

        for (size_t i = 0; i < n; i++)
                if (strncmp(environ[i], "LISTEN_PID=", 11) != 0 &&
                        strncmp(environ[i], "LISTEN_FDS=", 11) != 0)
                        self.environment[k++] = environ[i];
        snprintf(self.listen_pid, sizeof(self.listen_pid), "LISTEN_PID=%d", (int)getpid());
        self.environment[k++] = self.listen_pid;
        self.environment[k++] = listen_fds;
        self.environment[k] = self.variable;
        return 0;
}

/* From here on everything is async-signal-safe. */

static char *put_text(char *to, const char *text)
{
        while (*text)
                *to++ = *text++;
        *to = '\0';
        return to;
}

static char *put_number(char *to, uint64_t number)
{
        char digits[24];
        size_t n = sizeof(digits);

        digits[--n] = '\0';
        do
                digits[--n] = (char)('0' + number % 10);
        while ((number /= 10) > 0);
        *to++ = ' ';
        return put_text(to, digits + n);
}

static int keep_open(int fd)
{
        return fcntl(fd, F_SETFD, 0) < 0 ? -errno : 0;
}

/* Should there be nothing at our path, this very build goes on. */
static int execute(void)
{
        (void)setrlimit(RLIMIT_NOFILE, &self.nofile);
        (void)sigprocmask(SIG_SETMASK, &self.mask, NULL);
        (void)execve(self.argv[0], self.argv, self.environment);
        (void)execve("/proc/self/exe", self.argv, self.environment);
        return -errno;
}

/* A copy of us that dies of the signal as we would have. It keeps nothing open that others wait for the end
 * of. Not by fork(), which does more than a handler may. */
static pid_t dump_core(int signal_number)
{
        pid_t pid = (pid_t)syscall(SYS_clone, (unsigned long)SIGCHLD, 0UL, 0UL, 0UL, 0UL);
        sigset_t mask;

        if (pid != 0)
                return pid > 0 ? pid : 0;

        (void)close_range(STDERR_FILENO + 1, ~0U, 0);
        (void)signal(signal_number, SIG_DFL);
        sigemptyset(&mask);
        (void)sigprocmask(SIG_SETMASK, &mask, NULL);
        (void)kill(getpid(), signal_number);
        _exit(EXIT_FAILURE);
}

static void on_crash(int signal_number)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC);
        char *p;

        if (self.n_crashes == 0 || now - self.first_crash_usec > REEXEC_CRASHES_USEC) {
                self.first_crash_usec = now;
                self.n_crashes = 0;
        }
        if (self.n_crashes < REEXEC_CRASHES_MAX) {
                pid_t dumper = dump_core(signal_number);

                p = put_text(self.variable, VARIABLE "=crash");
                p = put_number(p, (uint64_t)signal_number);
                p = put_number(p, self.n_crashes + 1);
                p = put_number(p, self.first_crash_usec);
                (void)put_number(p, (uint64_t)dumper);
                (void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
                (void)keep_open(self.listen_fd);
                (void)execute();
        }

        (void)signal(signal_number, SIG_DFL);
        (void)kill(getpid(), signal_number);
}

int reexec_arm(char **argv, int listen_fd, const struct rlimit *nofile)
{
        static char installed[] = LIBEXECDIR "/agenthost-launcher";
        const stack_t stack = { .ss_sp = self.stack, .ss_size = sizeof(self.stack) };
        struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };
        int r;

        r = make_environment();
        if (r < 0)
                return r;
        self.argv = argv;
        if (!argv[0] || argv[0][0] != '/')
                argv[0] = installed;
        self.listen_fd = listen_fd;
        self.nofile = *nofile;

        if (sigprocmask(SIG_SETMASK, NULL, &self.mask) < 0 || sigaltstack(&stack, NULL) < 0)
                return -errno;
        sigfillset(&action.sa_mask);
        for (size_t i = 0; i < ELEMENTSOF(crash_signals); i++)
                if (sigaction(crash_signals[i], &action, NULL) < 0)
                        return -errno;
        return 0;
}

int reexec_execute(const Handover *handover, int memfd)
{
        int r;

        if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                return -errno;
        r = keep_open(self.listen_fd);
        if (r >= 0)
                r = keep_open(memfd);
        for (size_t i = 0; r >= 0 && i < handover->n_agents; i++)
                r = keep_open(handover->agents[i].pidfd);
        if (r < 0)
                return r;

        (void)put_number(put_text(self.variable, VARIABLE "=reload"), (uint64_t)memfd);
        return execute();
}

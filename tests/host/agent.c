/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The agent of the tests: does what its arguments say, one after the other, and exits with 0 behind the
 * last. They are words, some with a value ("exit=3"):
 *
 *   wait            until SIGUSR1; at SIGTERM it exits with 0
 *   wait-term       until SIGTERM
 *   ignore-term     from here on, also by its children
 *   ignore=N        this signal
 *   eat=MIB         of memory, and keeps it
 *   gulp=MIB        the same all at once, which is quick also where page faults are slow
 *   child-eat=MIB   has a child eat and wait, and says in its status how the child ended
 *   fork-up-to=N    children, and says in its status how many there could be
 *   bomb=N          forks for ever, and so does each child until it has forked N times
 *   ready status=TEXT stopping mainpid=PID barrier   what sd_notify(3) knows
 *   notify=TEXT     any other assignment
 *   pets=N          says WATCHDOG=1 so many times, ten a second
 *   flood=N         N messages, STATUS=1 to STATUS=N, as quick as they go
 *   close-notify    sends READY=1 through a socket of its own and closes it at once; says nothing afterwards
 *   ready-elsewhere has a process in a scope of its own say READY=1, and waits until it is done
 *   children=N      that wait for signals
 *   busy=MSEC       uses processor time
 *   log=BYTES       on standard output, without a newline
 *   exit=N signal=N its end */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#define BARRIER_USEC (UINT64_C(60) * 1000 * 1000)

static sigset_t awaited;
static const char *own_path;

static void die(const char *what)
{
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

static void must(int r, const char *what)
{
        if (r < 0) {
                errno = -r;
                die(what);
        }
}

static void act_wait(const char *value)
{
        int signal_number;

        (void)value;
        if (sigwait(&awaited, &signal_number) != 0)
                die("sigwait");
        if (signal_number == SIGTERM)
                exit(EXIT_SUCCESS);
}

static void act_wait_term(const char *value)
{
        int signal_number;

        (void)value;
        do
                if (sigwait(&awaited, &signal_number) != 0)
                        die("sigwait");
        while (signal_number != SIGTERM);
}

static void act_ignore(const char *value)
{
        signal(atoi(value), SIG_IGN);
}

static void act_ignore_term(const char *value)
{
        (void)value;
        signal(SIGTERM, SIG_IGN);
        sigdelset(&awaited, SIGTERM);
}

static void *map_memory(size_t size)
{
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                die("mmap");
        return p;
}

static void act_eat(const char *value)
{
        size_t size = strtoul(value, NULL, 10) << 20;

        memset(map_memory(size), 'x', size);
}

static void act_gulp(const char *value)
{
        size_t size = strtoul(value, NULL, 10) << 20;

        if (madvise(map_memory(size), size, MADV_POPULATE_WRITE) < 0)
                die("madvise");
}

static void act_child_eat(const char *value)
{
        int status;
        pid_t pid = fork();

        if (pid < 0)
                die("fork");
        if (pid == 0) {
                act_eat(value);
                act_wait(NULL);
                exit(EXIT_SUCCESS);
        }
        if (waitpid(pid, &status, 0) < 0)
                die("waitpid");
        if (WIFSIGNALED(status))
                must(sd_notifyf(0, "STATUS=child ended by signal %d", WTERMSIG(status)), "STATUS=");
        else
                must(sd_notifyf(0, "STATUS=child ended by itself"), "STATUS=");
}

static void act_fork_up_to(const char *value)
{
        unsigned long i, n = strtoul(value, NULL, 10);

        for (i = 0; i < n; i++) {
                pid_t pid = fork();

                if (pid < 0)
                        break;
                if (pid == 0)
                        for (;;)
                                act_wait(NULL);
        }
        must(sd_notifyf(0, "STATUS=%lu children, then %s", i, i < n ? strerrorname_np(errno) : "enough"),
                "STATUS=");
}

/* As many as there may be, and never the same for long. Signals stay blocked in all of them. */
static void act_bomb(const char *value)
{
        unsigned long n_forks = 0, max = strtoul(value, NULL, 10);
        pid_t first = getpid();

        signal(SIGCHLD, SIG_IGN);
        for (;;) {
                if (fork() == 0)
                        n_forks = 0;
                else if (getpid() != first && ++n_forks > max)
                        _exit(EXIT_SUCCESS);
        }
}

static void act_ready(const char *value)
{
        (void)value;
        must(sd_notify(0, "READY=1"), "READY=1");
}

static void act_status(const char *value)
{
        must(sd_notifyf(0, "STATUS=%s", value), "STATUS=");
}

static void act_stopping(const char *value)
{
        (void)value;
        must(sd_notify(0, "STOPPING=1"), "STOPPING=1");
}

static void act_mainpid(const char *value)
{
        must(sd_notifyf(0, "MAINPID=%s", value), "MAINPID=");
}

static void act_barrier(const char *value)
{
        (void)value;
        must(sd_notify_barrier(0, BARRIER_USEC), "BARRIER=1");
}

static void act_notify(const char *value)
{
        must(sd_notify(0, value), value);
}

static void act_pets(const char *value)
{
        for (unsigned long i = strtoul(value, NULL, 10); i > 0; i--) {
                must(sd_notify(0, "WATCHDOG=1"), "WATCHDOG=1");
                usleep(100 * 1000);
        }
}

static void act_flood(const char *value)
{
        for (unsigned long i = 1; i <= strtoul(value, NULL, 10); i++)
                must(sd_notifyf(0, "STATUS=%lu", i), "STATUS=");
}

static void act_close_notify(const char *value)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        (void)value;
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", getenv("NOTIFY_SOCKET"));
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
                send(fd, "READY=1", strlen("READY=1"), 0) < 0)
                die("NOTIFY_SOCKET");
        close(fd);
        unsetenv("NOTIFY_SOCKET");
}

static void act_ready_elsewhere(const char *value)
{
        int status;
        pid_t pid = fork();

        (void)value;
        if (pid < 0)
                die("fork");
        if (pid == 0) {
                execlp("systemd-run", "systemd-run", "--scope", "--quiet", own_path, "ready", "barrier",
                        NULL);
                die("systemd-run");
        }
        if (waitpid(pid, &status, 0) < 0 || status != 0)
                die("systemd-run");
}

static void act_children(const char *value)
{
        for (unsigned long i = 0; i < strtoul(value, NULL, 10); i++) {
                pid_t pid = fork();

                if (pid < 0)
                        die("fork");
                if (pid == 0)
                        for (;;)
                                act_wait(NULL);
        }
}

static void act_busy(const char *value)
{
        clock_t end = clock() + (clock_t)(strtoul(value, NULL, 10) * (CLOCKS_PER_SEC / 1000));

        while (clock() <= end)
                ;
}

static void act_log(const char *value)
{
        char block[4096];

        memset(block, 'x', sizeof(block));
        for (size_t left = strtoul(value, NULL, 10); left > 0;) {
                size_t size = left < sizeof(block) ? left : sizeof(block);
                ssize_t n = write(STDOUT_FILENO, block, size);

                if (n < 0)
                        die("standard output");
                left -= (size_t)n;
        }
}

static void act_exit(const char *value)
{
        exit(atoi(value));
}

static void act_signal(const char *value)
{
        int number = atoi(value);
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, number);
        signal(number, SIG_DFL);
        raise(number);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static const struct Action {
        const char *name;
        void (*act)(const char *value);
} actions[] = {
        { "wait", act_wait },
        { "wait-term", act_wait_term },
        { "ignore-term", act_ignore_term },
        { "ignore", act_ignore },
        { "eat", act_eat },
        { "gulp", act_gulp },
        { "child-eat", act_child_eat },
        { "fork-up-to", act_fork_up_to },
        { "bomb", act_bomb },
        { "ready", act_ready },
        { "status", act_status },
        { "stopping", act_stopping },
        { "mainpid", act_mainpid },
        { "barrier", act_barrier },
        { "notify", act_notify },
        { "pets", act_pets },
        { "flood", act_flood },
        { "close-notify", act_close_notify },
        { "ready-elsewhere", act_ready_elsewhere },
        { "children", act_children },
        { "busy", act_busy },
        { "log", act_log },
        { "exit", act_exit },
        { "signal", act_signal },
};

static void perform(char *word)
{
        char *equals = strchr(word, '=');

        if (equals)
                *equals = '\0';
        for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
                if (strcmp(actions[i].name, word) == 0) {
                        actions[i].act(equals ? equals + 1 : "");
                        return;
                }
        errno = EINVAL;
        die(word);
}

int main(int argc, char *argv[])
{
        own_path = argv[0];
        sigemptyset(&awaited);
        sigaddset(&awaited, SIGTERM);
        sigaddset(&awaited, SIGUSR1);
        sigprocmask(SIG_BLOCK, &awaited, NULL);

        for (int i = 1; i < argc; i++)
                perform(argv[i]);
        return EXIT_SUCCESS;
}

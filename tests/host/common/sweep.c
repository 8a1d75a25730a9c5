/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agents.h"
#include "fleet.h"
#include "host-state.h"
#include "outcome.h"

#define EVERY 7u
#define DAY_SEC (24 * 60 * 60)

/* System calls, and what each can fail with: openat(2) for want of space only where it makes a file, which
 * is what mkdir(2), write(2) and a full directory (test-exhaustion.c) stand for. Those that only fail are
 * not swept over when the service is killed: that is as good just before or behind another one. */
static const struct SweptCall {
        const char *name;
        bool only_fails;
        const char *errors[4];
} swept[] = {
        { "sendmsg", .errors = { "ENOMEM" } },
        { "recvmsg", .errors = { "ENOMEM" } },
        { "sendto", .errors = { "ENOMEM" } },
        { "recvfrom", .errors = { "ENOMEM" } },
        { "write", .errors = { "ENOSPC", "EIO", "ENOMEM" } },
        { "pwrite64", .errors = { "ENOSPC", "EIO", "ENOMEM" } },
        { "openat", .errors = { "EMFILE", "ENOMEM", "EIO" } },
        { "renameat", .errors = { "ENOSPC", "EIO", "ENOMEM" } },
        { "unlinkat", .errors = { "EIO", "ENOMEM", "ENOSPC" } },
        { "mkdir", .errors = { "ENOSPC", "EIO", "ENOMEM" } },
        { "mkdirat", .errors = { "ENOSPC", "EIO", "ENOMEM" } },
        { "rmdir", .errors = { "EIO", "ENOMEM", "ENOSPC" } },
        { "memfd_create", .errors = { "EMFILE", "ENOMEM" } },
        { "pidfd_open", .errors = { "EMFILE", "ENOMEM" } },
        { .name = "pidfd_send_signal" },
        { "clone", .errors = { "ENOMEM" } },
        { "vfork", .errors = { "ENOMEM" } },
        { "clone3", .errors = { "ENOMEM" } },
        { "execve", .errors = { "ENOMEM", "EIO" } },
        { "close_range", .errors = { "ENOMEM" } },
        { .name = "waitid" },
        { "epoll_ctl", .errors = { "ENOMEM", "ENOSPC" } },
        { "socketpair", .errors = { "EMFILE", "ENOMEM" } },
        { "accept4", .errors = { "EMFILE", "ENOMEM" } },
        { "timerfd_create", .errors = { "EMFILE", "ENOMEM" } },
        { "socket", true, { "EMFILE", "ENOMEM" } },
        { "connect", true, { "ENOMEM" } },
        { "setsockopt", true, { "ENOMEM" } },
        { "fcntl", true, { "EMFILE" } },
        { "ftruncate", true, { "ENOSPC", "EIO", "ENOMEM" } },
        { "pread64", true, { "EIO" } },
        { "read", true, { "EIO", "ENOMEM" } },
        { "getdents64", true, { "EIO", "ENOMEM" } },
        { "inotify_init1", true, { "EMFILE", "ENOMEM" } },
        { "inotify_add_watch", true, { "ENOSPC", "ENOMEM" } },
        { "mmap", true, { "ENOMEM" } },
};

/* What the process that tries a point is told by the one that goes through them. */
static const Sweep *current;
static Tracer tracer;

static void try_point(void)
{
        _cleanup_client_ Client *c = NULL;

        /* The last point may have been at its very end. */
        g_free(systemctl("start agenthost-launcher.service agenthostd.service"));
        c = agents_begin();
        client_add_match(c,
                "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" BUS_NAME "'");
        current->live(c, current->service, &tracer);
        tracer_detach(&tracer);
        fleet_wait_forgotten(c);
}

typedef struct Tally {
        unsigned every, next; /* which points are tried; the next one of them */
        unsigned day;
        bool all_errors; /* of each point */
        const char *only; /* NULL, or this point and no other */
        unsigned n, n_tried, n_reached, n_failed;
} Tally;

static void choose_every(Tally *t)
{
        const char *text = g_getenv("AGENTHOST_TEST_POINTS");
        char *end;

        t->day = (unsigned)(time(NULL) / DAY_SEC);
        t->every = g_getenv("AGENTHOST_TEST_ALL") ? 1 : EVERY;
        if (text && g_ascii_isalpha(text[0])) {
                t->only = text;
                t->every = 1;
        } else if (text) {
                t->every = MAX(1u, (unsigned)strtoul(text, &end, 10));
                if (*end == ':') {
                        t->next = (unsigned)strtoul(end + 1, NULL, 10);
                        return;
                }
        }
        t->next = 1 + t->day % t->every;
}

static void choose_points(Tally *t)
{
        choose_every(t);
        t->all_errors = t->every == 1 || g_getenv("AGENTHOST_TEST_ALL");
}

static void prepare(void)
{
        current->prepare(current->service);
}

static void try_again_cleanly(void)
{
        g_free(systemctl("restart agenthost-launcher.service agenthostd.service"));
        host_clean();
}

/* What says which settings there are: line is the call as strace shows it. See Sweep.settings. */
static bool is_of_settings(const char *line)
{
        static const char *const calls[] = { "openat(", "pread64(", "read(", "getdents64(" };

        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                if (g_str_has_prefix(line, calls[i]))
                        return strstr(line, "agenthost.conf") || strstr(line, "runtimes.d");
        return false;
}

static bool is_no_point(const char *line, const char *error)
{
        return current->settings && strcmp(error, "EIO") == 0 && is_of_settings(line);
}

/* Not every life has the same number of calls before that one. */
static bool was_no_point(const Injection *injection)
{
        g_autofree char *line = tracer_injected();

        return line && injection->error && is_no_point(line, injection->error);
}

static void try_injection(Tally *t, const Injection *injection)
{
        bool worked;

        t->n_tried++;
        tracer.injection = injection;
        worked = outcome_run_apart("the point", try_point);
        t->n_reached += tracer_has_injected();
        if (worked)
                return;

        if (was_no_point(injection))
                g_test_message("point %u was none: this time it was a file of settings", t->n);
        else {
                t->n_failed++;
                g_test_message("point %u failed: %s at %s no. %u of %s", t->n,
                        injection->error ? injection->error : "SIGKILL", injection->call, injection->n,
                        current->service);
        }
        if (!outcome_run_apart("cleaning up behind the point", try_again_cleanly) ||
                !outcome_run_apart("preparing the next", prepare))
                fail("no further points are tried");
}

static bool is_tried(Tally *t, const struct SweptCall *call, unsigned n)
{
        g_autofree char *name = g_strdup_printf("%s:%u", call->name, n);

        t->n++;
        if (t->only)
                return strcmp(t->only, call->name) == 0 || strcmp(t->only, name) == 0;
        if (t->n != t->next)
                return false;
        t->next += t->every;
        return true;
}

/* Of what the call can fail with: all, or another one every day. */
static void visit_point(Tally *t, const struct SweptCall *call, unsigned n, const char *line)
{
        unsigned n_errors = 0;

        if (!is_tried(t, call, n))
                return;
        if (!current->errors) {
                try_injection(t, &(Injection){ .call = call->name, .n = n });
                return;
        }

        while (n_errors < ELEMENTSOF(call->errors) && call->errors[n_errors])
                n_errors++;
        for (unsigned i = 0; i < n_errors; i++) {
                bool today = t->all_errors || i == (t->day + n) % n_errors;

                if (today && !is_no_point(line, call->errors[i]))
                        try_injection(
                                t, &(Injection){ .call = call->name, .n = n, .error = call->errors[i] });
        }
}

static bool is_of_interest(const struct SweptCall *call)
{
        return current->errors ? call->errors[0] != NULL : !call->only_fails;
}

/* Of the life that has just been looked at: each point leaves a trace of its own. */
static void visit_points(Tally *t)
{
        char **lines[ELEMENTSOF(swept)];

        for (size_t i = 0; i < ELEMENTSOF(swept); i++)
                lines[i] = tracer_calls(swept[i].name);
        for (size_t i = 0; i < ELEMENTSOF(swept); i++) {
                for (unsigned n = 1; is_of_interest(&swept[i]) && lines[i][n - 1]; n++)
                        visit_point(t, &swept[i], n, lines[i][n - 1]);
                g_strfreev(lines[i]);
        }
}

void sweep_run(const Sweep *sweep)
{
        const char *calls[ELEMENTSOF(swept) + 1];
        Tally t = { 0 };

        current = sweep;
        choose_points(&t);
        if (t.only)
                g_test_message("only %s is tried", t.only);
        else
                g_test_message("every %uth point is tried, from point %u on", t.every, t.next);
        prepare();
        /* Each point has its own limit. */
        alarm(0);
        for (size_t i = 0; i <= ELEMENTSOF(swept); i++)
                calls[i] = i < ELEMENTSOF(swept) ? swept[i].name : NULL;
        tracer = (Tracer){ .calls = calls, .paths = sweep->settings };
        if (!outcome_run_apart("the life that is swept over", try_point))
                fail("it does not work by itself");
        visit_points(&t);
        g_test_message("%u points, %u injections tried, of them reached %u, failed %u", t.n, t.n_tried,
                t.n_reached, t.n_failed);
        expect_number("points that failed", 0, t.n_failed);
}

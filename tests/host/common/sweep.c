/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sweep.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "agents.h"
#include "fleet.h"
#include "host-state.h"
#include "outcome.h"

#define EVERY 7u
#define DAY_SEC (24 * 60 * 60)

static const char *const calls[] = { "sendmsg", "recvmsg", "sendto", "recvfrom", "write", "pwrite64",
        "openat", "renameat", "unlinkat", "mkdir", "mkdirat", "rmdir", "memfd_create", "pidfd_open",
        "pidfd_send_signal", "clone", "vfork", "clone3", "execve", "close_range", "waitid", "epoll_ctl",
        "socketpair", "accept4", "timerfd_create", NULL };

/* In turn. */
static const char *const errors[] = { "ENOMEM", "EMFILE", "ENOSPC", "EIO" };

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
        unsigned n, n_tried, n_reached, n_failed;
} Tally;

static void choose_points(Tally *t)
{
        const char *text = g_getenv("AGENTHOST_TEST_POINTS");
        char *end;

        t->every = g_getenv("AGENTHOST_TEST_ALL") ? 1 : EVERY;
        if (text) {
                t->every = MAX(1u, (unsigned)strtoul(text, &end, 10));
                if (*end == ':') {
                        t->next = (unsigned)strtoul(end + 1, NULL, 10);
                        return;
                }
        }
        t->next = 1 + (unsigned)(time(NULL) / DAY_SEC) % t->every;
}

static void prepare(void)
{
        current->prepare(current->service);
}

static void visit_point(Tally *t, const Injection *injection)
{
        bool worked;

        if (++t->n != t->next)
                return;

        t->next += t->every;
        t->n_tried++;
        tracer.injection = injection;
        worked = outcome_run_apart("the point", try_point);
        t->n_reached += tracer_has_injected();
        if (!worked) {
                t->n_failed++;
                g_test_message("point %u failed: %s at %s no. %u of %s", t->n,
                        injection->error ? injection->error : "SIGKILL", injection->call, injection->n,
                        current->service);
                if (!outcome_run_apart("cleaning up behind the point", host_clean) ||
                        !outcome_run_apart("preparing the next", prepare))
                        fail("no further points are tried");
        }
}

void sweep_run(const Sweep *sweep)
{
        unsigned counts[ELEMENTSOF(calls)] = { 0 };
        Tally t = { 0 };

        current = sweep;
        choose_points(&t);
        prepare();
        /* Each point has its own limit. */
        alarm(0);
        tracer = (Tracer){ .calls = calls };
        if (!outcome_run_apart("the life that is swept over", try_point))
                fail("it does not work by itself");
        for (size_t i = 0; calls[i]; i++)
                counts[i] = tracer_count(calls[i]);
        for (size_t i = 0; calls[i]; i++)
                for (unsigned n = 1; n <= counts[i]; n++)
                        visit_point(&t,
                                &(Injection){ .call = calls[i],
                                        .n = n,
                                        .error = sweep->errors ? errors[(n + i) % ELEMENTSOF(errors)]
                                                               : NULL });

        g_test_message("%u points, every %uth tried: %u, of them reached %u, failed %u", t.n, t.every,
                t.n_tried, t.n_reached, t.n_failed);
        expect_number("points that failed", 0, t.n_failed);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server-event.h"

#include <glib.h>
#include <sys/epoll.h>

/* After so many runs in a row from which nothing came, what asks for them is not heeded for a while: the
 * library's word that it has more to do, because of a handshake that waits for its client; or its epoll
 * descriptor, because of a connection that cannot be accepted for want of descriptors. What a run reads of a
 * record that GnuTLS holds already is not seen, but a record is read in fewer runs. */
#define VAIN_RUNS_MAX 16u
#define VAIN_PAUSE_USEC (20 * USEC_PER_MSEC)

struct ServerEvent {
        struct MHD_Daemon *daemon; /* borrowed */
        sd_event_source *io;
        sd_event_source *again; /* as soon as others had their turn */
        sd_event_source *timer;
        unsigned n_vain; /* runs in a row */
        unsigned n_vain_io; /* of these, those that the descriptor asked for */
        bool progress; /* in this run */
        uint64_t n_runs;
};

static void run_again_at(ServerEvent *e, uint64_t usec)
{
        (void)sd_event_source_set_time_relative(e->timer, usec);
        (void)sd_event_source_set_enabled(e->timer, SD_EVENT_ONESHOT);
}

static void plan_next_run(ServerEvent *e)
{
        MHD_UNSIGNED_LONG_LONG msec;
        bool more = MHD_get_timeout(e->daemon, &msec) == MHD_YES;

        if (e->n_vain_io >= VAIN_RUNS_MAX) {
                (void)sd_event_source_set_enabled(e->io, SD_EVENT_OFF);
                run_again_at(e, VAIN_PAUSE_USEC);
        } else if (more && msec > 0) {
                run_again_at(e, msec * USEC_PER_MSEC);
        } else if (more && e->n_vain < VAIN_RUNS_MAX) {
                server_event_kick(e);
        } else if (more) {
                run_again_at(e, VAIN_PAUSE_USEC);
        }
}

static void count_vain(ServerEvent *e, bool by_io)
{
        e->n_vain = e->progress ? 0 : e->n_vain + 1;
        e->n_vain_io = e->progress ? 0 : e->n_vain_io + (by_io ? 1 : 0);
}

static void run(ServerEvent *e, bool by_io)
{
        e->n_runs++;
        e->progress = false;
        (void)sd_event_source_set_enabled(e->again, SD_EVENT_OFF);
        (void)sd_event_source_set_enabled(e->timer, SD_EVENT_OFF);
        (void)sd_event_source_set_enabled(e->io, SD_EVENT_ON);
        (void)MHD_run(e->daemon);
        count_vain(e, by_io);
        plan_next_run(e);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        (void)s;
        (void)fd;
        (void)revents;

        run(userdata, true);
        return 0;
}

static int on_again(sd_event_source *s, void *userdata)
{
        (void)s;

        run(userdata, false);
        return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        (void)s;
        (void)usec;

        run(userdata, false);
        return 0;
}

static int add_sources(ServerEvent *e, sd_event *event)
{
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(e->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        int r;

        if (!info)
                return -EOPNOTSUPP;
        r = sd_event_add_io(event, &e->io, info->epoll_fd, EPOLLIN, on_io, e);
        if (r >= 0)
                r = sd_event_add_defer(event, &e->again, on_again, e);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &e->timer, CLOCK_MONOTONIC, 0, 1, on_timer, e);
        if (r < 0)
                return r;

        (void)sd_event_source_set_description(e->io, "http-server");
        (void)sd_event_source_set_description(e->again, "http-server-again");
        (void)sd_event_source_set_description(e->timer, "http-server-timer");
        return 0;
}

int server_event_new(sd_event *event, struct MHD_Daemon *daemon, ServerEvent **ret)
{
        ServerEvent *e = g_new0(ServerEvent, 1);
        int r;

        e->daemon = daemon;
        r = add_sources(e, event);
        if (r < 0) {
                server_event_free(e);
                return r;
        }

        /* The first run, which comes right away, puts the listening socket into the epoll descriptor. */
        *ret = e;
        return 0;
}

ServerEvent *server_event_free(ServerEvent *e)
{
        if (!e)
                return NULL;

        sd_event_source_disable_unref(e->io);
        sd_event_source_disable_unref(e->again);
        sd_event_source_disable_unref(e->timer);
        g_free(e);
        return NULL;
}

void server_event_kick(ServerEvent *e)
{
        (void)sd_event_source_set_enabled(e->again, SD_EVENT_ONESHOT);
}

void server_event_progress(ServerEvent *e)
{
        e->progress = true;
}

uint64_t server_event_runs(const ServerEvent *e)
{
        return e->n_runs;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus-pump.h"

#include <poll.h>

#include "time-util.h"

/* The kernel has not taken what the connection waits for: nothing might ever wake us up otherwise. */
#define AGAIN_USEC (10 * USEC_PER_MSEC)

struct BusPump {
        sd_bus *bus;
        sd_event_source *io, *timer;
        BusPumpBroken broken;
        void *userdata;
        bool running; /* bus_pump_run() is below us on the stack, and frees us */
        bool freed;
};

static void pump_destroy(BusPump *p)
{
        sd_event_source_disable_unref(p->io);
        sd_event_source_disable_unref(p->timer);
        sd_bus_unref(p->bus);
        free(p);
}

BusPump *bus_pump_free(BusPump *p)
{
        if (!p)
                return NULL;

        p->freed = true;
        if (!p->running)
                pump_destroy(p);
        return NULL;
}

void bus_pump_run(BusPump *p)
{
        int r;

        p->running = true;
        do
                r = sd_bus_process(p->bus, NULL);
        while (r > 0 && !p->freed);

        if (r < 0 && !p->freed)
                p->broken(p->userdata);
        p->running = false;
        if (p->freed)
                pump_destroy(p);
}

void bus_pump_set_pace(BusPump *p, uint64_t usec)
{
        (void)sd_event_source_set_ratelimit(p->io, usec, usec > 0);
}

bool bus_pump_is_behind(const BusPump *p)
{
        uint64_t n;

        return sd_bus_is_open(p->bus) > 0 && sd_bus_get_n_queued_write(p->bus, &n) >= 0 && n > 0;
}

void bus_pump_push(BusPump *p, uint64_t limit_usec)
{
        struct pollfd fd = { .fd = sd_bus_get_fd(p->bus), .events = POLLOUT };

        (void)poll(&fd, 1, (int)(limit_usec / USEC_PER_MSEC));
        bus_pump_run(p);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        (void)s;
        (void)fd;
        (void)revents;

        bus_pump_run(userdata);
        return 0;
}

static int on_time(sd_event_source *s, uint64_t usec, void *userdata)
{
        (void)s;
        (void)usec;

        bus_pump_run(userdata);
        return 0;
}

/* When to look at the connection though nothing has come; USEC_INFINITY: never. */
static uint64_t next_look(const BusPump *p, sd_event_source *io)
{
        int events = sd_bus_get_events(p->bus);
        uint64_t until = USEC_INFINITY, again;

        /* A closed one has one more thing to say. */
        if (events < 0)
                return 0;

        if (sd_bus_get_timeout(p->bus, &until) <= 0)
                until = USEC_INFINITY;
        if (sd_event_source_set_io_events(io, (uint32_t)events) >= 0)
                return until;
        again = usec_add(now_usec(CLOCK_MONOTONIC), AGAIN_USEC);
        return again < until ? again : until;
}

/* Before each wait: what the connection waits for depends on what was sent meanwhile. */
static int on_prepare(sd_event_source *s, void *userdata)
{
        const BusPump *p = userdata;
        uint64_t until = next_look(p, s);
        int r;

        if (until == USEC_INFINITY)
                return sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
        r = sd_event_source_set_time(p->timer, until);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

static int setup(BusPump *p, sd_event *event, int64_t priority)
{
        int r;

        r = sd_event_add_io(event, &p->io, sd_bus_get_fd(p->bus), 0, on_io, p);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(p->io, priority);
        if (r < 0)
                return r;
        r = sd_event_source_set_prepare(p->io, on_prepare);
        if (r < 0)
                return r;
        r = sd_event_add_time(event, &p->timer, CLOCK_MONOTONIC, 0, 0, on_time, p);
        if (r < 0)
                return r;
        return sd_event_source_set_priority(p->timer, priority);
}

int bus_pump_new(
        sd_event *event, sd_bus *bus, int64_t priority, BusPumpBroken broken, void *userdata, BusPump **ret)
{
        BusPump *p = malloc(sizeof(BusPump));
        int r;

        if (!p)
                return -ENOMEM;

        *p = (BusPump){ .bus = sd_bus_ref(bus), .broken = broken, .userdata = userdata };
        r = setup(p, event, priority);
        if (r < 0) {
                pump_destroy(p);
                return r;
        }

        *ret = p;
        return 0;
}

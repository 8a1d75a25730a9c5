/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "oom.h"

#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "time-util.h"

/* Before what systemd tells of the end (MANAGER_PRIORITY). */
#define WATCH_PRIORITY (SD_EVENT_PRIORITY_IMPORTANT - 1)

/* Several agents that one lack of memory ends are seen to exit one after the other. */
#define RECENT_USEC (30 * USEC_PER_SEC)

typedef struct Slice {
        OomFleet *fleet;
        const char *name; /* NULL: agents.slice */
        bool readable;
        uint64_t own_seen, all_seen; /* how often its limit was hit; or one below it */
        uint64_t own_rose_at_usec; /* 0: not since we look */
        uint64_t below_rose_at_usec; /* one below it for certain */
        sd_event_source *watch; /* of the group that the slice had when it was last looked for */
        ino_t watched;
} Slice;

struct OomGuild {
        char *name; /* first: the tree's key; of the slice */
        unsigned n_agents;
        Slice slice;
};

struct OomFleet {
        char *dir;
        sd_event *event;
        void *guilds; /* a tree of tsearch(3) */
        Slice slice;
};

/* By how much a count has risen, of a slice that may have been made anew meanwhile. */
static uint64_t take_rise(uint64_t *seen, uint64_t value)
{
        uint64_t rise = value < *seen ? value : value - *seen;

        *seen = value;
        return rise;
}

static void slice_look(Slice *slice, uint64_t now_usec)
{
        _cleanup_close_ int fd = cgroup_open(slice->fleet->dir, slice->name, NULL);
        uint64_t own, all;

        /* In this order, what is counted meanwhile is taken for the slice's at last. */
        slice->readable = fd >= 0 && cgroup_read_key(fd, "memory.events.local", "oom", &own) >= 0 &&
                cgroup_read_key(fd, "memory.events", "oom", &all) >= 0;
        if (!slice->readable)
                return;
        own = take_rise(&slice->own_seen, own);
        if (own > 0)
                slice->own_rose_at_usec = now_usec;
        if (take_rise(&slice->all_seen, all) > own)
                slice->below_rose_at_usec = now_usec;
}

static int on_events(sd_event_source *s, const struct inotify_event *event, void *userdata)
{
        (void)s;
        (void)event;

        slice_look(userdata, now_usec(CLOCK_MONOTONIC));
        return 0;
}

/* The kernel tells that memory.events changes, also for what is below, before the process that it kills has
 * ended. A slice that comes again has another group. */
static void slice_watch(Slice *slice)
{
        _cleanup_close_ int dir_fd = cgroup_open(slice->fleet->dir, slice->name, NULL), fd = -EBADF;
        struct stat st;

        if (dir_fd < 0 || fstat(dir_fd, &st) < 0 || (slice->watch && slice->watched == st.st_ino))
                return;
        fd = openat(dir_fd, "memory.events", O_PATH | O_CLOEXEC);
        if (fd < 0)
                return;

        slice->watch = sd_event_source_disable_unref(slice->watch);
        slice->watched = st.st_ino;
        /* Without it, counts are looked at when an agent has exited, as they are anyway. */
        if (sd_event_add_inotify_fd(slice->fleet->event, &slice->watch, fd, IN_MODIFY, on_events, slice) >=
                0)
                (void)sd_event_source_set_priority(slice->watch, WATCH_PRIORITY);
}

/* What happened before anybody of it was here is nobody's end. */
static void slice_begin(Slice *slice, OomFleet *fleet, const char *name)
{
        *slice = (Slice){ .fleet = fleet, .name = name };
        slice_look(slice, 0);
        slice_watch(slice);
}

static void slice_end(Slice *slice)
{
        slice->watch = sd_event_source_disable_unref(slice->watch);
}

int oom_fleet_new(const char *dir, sd_event *event, OomFleet **ret)
{
        OomFleet *f = calloc(1, sizeof(OomFleet));

        if (!f)
                return -ENOMEM;
        f->dir = dir ? strdup(dir) : NULL;
        if (dir && !f->dir) {
                free(f);
                return -ENOMEM;
        }

        f->event = sd_event_ref(event);
        slice_begin(&f->slice, f, NULL);
        *ret = f;
        return 0;
}

OomFleet *oom_fleet_free(OomFleet *f)
{
        if (!f)
                return NULL;

        slice_end(&f->slice);
        sd_event_unref(f->event);
        free(f->dir);
        free(f);
        return NULL;
}

static int compare(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static OomGuild *guild_new(OomFleet *fleet, const char *name)
{
        OomGuild *g = calloc(1, sizeof(OomGuild));

        if (!g)
                return NULL;
        g->name = strdup(name);
        if (!g->name || !tsearch(g, &fleet->guilds, compare)) {
                free(g->name);
                free(g);
                return NULL;
        }

        slice_begin(&g->slice, fleet, g->name);
        return g;
}

OomGuild *oom_guild_join(OomFleet *fleet, const char *slice)
{
        OomGuild *const *found = tfind(&slice, &fleet->guilds, compare);
        OomGuild *g = found ? *found : guild_new(fleet, slice);

        if (g)
                g->n_agents++;
        return g;
}

OomGuild *oom_guild_leave(OomGuild *g)
{
        if (!g || --g->n_agents > 0)
                return NULL;

        tdelete(g, &g->slice.fleet->guilds, compare);
        slice_end(&g->slice);
        free(g->name);
        free(g);
        return NULL;
}

OomCounts oom_read(int dir_fd)
{
        OomCounts counts = { 0 };

        counts.known =
                dir_fd >= 0 && cgroup_read_key(dir_fd, "memory.events.local", "oom", &counts.oom) >= 0;
        return counts;
}

void oom_guild_watch(OomGuild *g)
{
        if (!g)
                return;
        slice_watch(&g->slice);
        slice_watch(&g->slice.fleet->slice);
}

void oom_guild_look(OomGuild *g, uint64_t now_usec)
{
        if (!g)
                return;
        slice_look(&g->slice, now_usec);
        slice_look(&g->slice.fleet->slice, now_usec);
}

typedef struct Cause {
        uint64_t at_usec;
        const char *level;
} Cause;

/* The latest one; of those at the same time, the first. */
static void cause_take(Cause *cause, const char *level, uint64_t at_usec)
{
        if (at_usec > cause->at_usec)
                *cause = (Cause){ at_usec, level };
}

const char *oom_level(OomGuild *g, const OomCounts *own, uint64_t now_usec)
{
        Cause cause = { .at_usec = now_usec > RECENT_USEC ? now_usec - RECENT_USEC : 0 };

        if (own->known && own->oom > 0)
                return "agent";
        if (!g)
                return "";

        oom_guild_look(g, now_usec);
        cause_take(&cause, "guild", g->slice.own_rose_at_usec);
        cause_take(&cause, "fleet", g->slice.fleet->slice.own_rose_at_usec);
        /* Its scope was gone before it could be read: what the guild counts without its own is an agent's.
         */
        if (!own->known)
                cause_take(&cause, "agent", g->slice.below_rose_at_usec);
        if (cause.level)
                return cause.level;
        return own->known || g->slice.readable ? "host" : "";
}

const char *oom_level_intern(const char *level)
{
        static const char *const known[] = { "agent", "guild", "fleet", "host" };

        for (size_t i = 0; level && i < ELEMENTSOF(known); i++)
                if (strcmp(level, known[i]) == 0)
                        return known[i];
        return "";
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "oom.h"

#include <search.h>
#include <string.h>

#include "cgroup.h"

/* Several agents that one lack of memory ends are seen to exit one after the other. */
#define RECENT_USEC (30 * USEC_PER_SEC)

/* A count of a slice that may have been made anew meanwhile. */
typedef struct Count {
        uint64_t seen;
        uint64_t rose_at_usec; /* 0: not since we look */
} Count;

typedef struct Slice {
        bool readable;
        Count own; /* its limit was hit */
        Count all; /* or one below it */
} Slice;

struct OomGuild {
        char *name; /* first: the tree's key; of the slice */
        OomFleet *fleet;
        unsigned n_agents;
        Slice slice;
};

struct OomFleet {
        char *dir;
        void *guilds; /* a tree of tsearch(3) */
        Slice slice;
};

static void count_update(Count *count, uint64_t value, uint64_t now_usec)
{
        if (value < count->seen)
                count->seen = 0;
        if (value > count->seen)
                count->rose_at_usec = now_usec;
        count->seen = value;
}

static bool rose_recently(const Count *count, uint64_t now_usec)
{
        return count->rose_at_usec > 0 && now_usec - count->rose_at_usec <= RECENT_USEC;
}

static void slice_look(Slice *slice, const char *dir, const char *name, uint64_t now_usec)
{
        _cleanup_close_ int fd = cgroup_open(dir, name, NULL);
        uint64_t own, all;

        slice->readable = fd >= 0 && cgroup_read_key(fd, "memory.events.local", "oom", &own) >= 0 &&
                cgroup_read_key(fd, "memory.events", "oom", &all) >= 0;
        if (!slice->readable)
                return;
        count_update(&slice->own, own, now_usec);
        count_update(&slice->all, all, now_usec);
}

/* What happened before anybody of it was here is nobody's end. */
static void slice_begin(Slice *slice, const char *dir, const char *name)
{
        slice_look(slice, dir, name, 0);
}

int oom_fleet_new(const char *dir, OomFleet **ret)
{
        OomFleet *f = calloc(1, sizeof(OomFleet));

        if (!f)
                return -ENOMEM;
        f->dir = dir ? strdup(dir) : NULL;
        if (dir && !f->dir) {
                free(f);
                return -ENOMEM;
        }

        slice_begin(&f->slice, f->dir, NULL);
        *ret = f;
        return 0;
}

OomFleet *oom_fleet_free(OomFleet *f)
{
        if (!f)
                return NULL;

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
        g->fleet = fleet;
        g->name = strdup(name);
        if (!g->name || !tsearch(g, &fleet->guilds, compare)) {
                free(g->name);
                free(g);
                return NULL;
        }

        slice_begin(&g->slice, fleet->dir, name);
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

        tdelete(g, &g->fleet->guilds, compare);
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

void oom_guild_look(OomGuild *g, uint64_t now_usec)
{
        if (!g)
                return;
        slice_look(&g->slice, g->fleet->dir, g->name, now_usec);
        slice_look(&g->fleet->slice, g->fleet->dir, NULL, now_usec);
}

const char *oom_level(OomGuild *g, const OomCounts *own, uint64_t now_usec)
{
        if (own->known && own->oom > 0)
                return "agent";
        if (!g)
                return "";

        oom_guild_look(g, now_usec);
        if (rose_recently(&g->slice.own, now_usec))
                return "guild";
        if (rose_recently(&g->fleet->slice.own, now_usec))
                return "fleet";
        if (own->known)
                return "host";

        /* Its scope was gone before it could be read: what the guild counts without its own is an agent's.
         */
        if (rose_recently(&g->slice.all, now_usec))
                return "agent";
        return g->slice.readable ? "host" : "";
}

const char *oom_level_intern(const char *level)
{
        static const char *const known[] = { "agent", "guild", "fleet", "host" };

        for (size_t i = 0; level && i < ELEMENTSOF(known); i++)
                if (strcmp(level, known[i]) == 0)
                        return known[i];
        return "";
}

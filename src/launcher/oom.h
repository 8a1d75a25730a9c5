/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whose limit of memory it was that an agent was killed for: its own, its guild's, the fleet's
 * (agents.slice), or the host's. The kernel counts, for each cgroup, how often an allocation failed at its
 * limit ("oom" in memory.events.local), and for it and all below it in memory.events. An agent's own counts
 * begin with its scope, and are read when it exits. Those of the slices live longer than agents: they are
 * remembered as they were last seen, and have to have risen since, or not long ago.
 *
 * An agent's scope, and its guild's slice with the last one, may be gone before anybody has read what they
 * count: the slices are watched, so that theirs is known as soon as the kernel tells of it.
 *
 * A global lack of memory is counted nowhere: what is left is the host's (also a limit above agents.slice,
 * and what systemd-oomd kills). */

#include <systemd/sd-event.h>

#include "macros.h"

typedef struct OomFleet OomFleet;
typedef struct OomGuild OomGuild;

/* dir: see cgroup.h; NULL: levels are not known. */
int oom_fleet_new(const char *dir, sd_event *event, OomFleet **ret);
OomFleet *oom_fleet_free(OomFleet *fleet); /* all guilds have been left */

/* The slice of a guild, for one agent; to be joined before its scope is there. Costs a look into the cgroup
 * only for the first agent of a guild. NULL if there is no memory. */
OomGuild *oom_guild_join(OomFleet *fleet, const char *slice);
OomGuild *oom_guild_leave(OomGuild *guild); /* NULL is fine */

/* To be called when a scope is there in the guild's slice, before its agent begins. */
void oom_guild_watch(OomGuild *guild);

/* A level as a static text; one that is not known is none. */
const char *oom_level_intern(const char *level);

/* An agent's own counts. */
typedef struct OomCounts {
        bool known;
        uint64_t oom;
} OomCounts;

/* dir_fd: of its scope; negative when that has gone. */
OomCounts oom_read(int dir_fd);

/* To be called when an agent of the guild has exited, whatever of: keeps what was last seen recent. */
void oom_guild_look(OomGuild *guild, uint64_t now_usec);

/* "agent", "guild", "fleet", "host", or "" when nobody knows. */
const char *oom_level(OomGuild *guild, const OomCounts *own, uint64_t now_usec);

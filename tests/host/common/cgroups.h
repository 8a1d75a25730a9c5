/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the kernel has been told about agents and their guilds, for tests of limits (../uml). */

/* The first line of a file such as "memory.max" in the unit's control group. */
char *cgroup_read(const char *unit, const char *file);
void cgroup_expect(const char *unit, const char *file, const char *expected);

/* systemctl set-property, until the next boot; "MemoryMax=1G" or several such words. */
void cgroup_set(const char *unit, const char *properties);

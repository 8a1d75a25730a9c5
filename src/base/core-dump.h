/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The services' memory holds passwords, keys, and the texts of everybody's agents, which libraries copy as
 * they like: none of it is to be found in a core dump, or wherever else a crash is kept. Used by both of
 * them. */

/* No core dump of this process, be it into a file or a pipe (of systemd-coredump); and nobody but root may
 * look into its memory. Programs that it executes are not affected. */
void core_dump_forbid(void);

/* The same, unless the limit (LimitCORE=) allows core dumps: for who looks for a bug. */
void core_dump_forbid_unless_allowed(void);

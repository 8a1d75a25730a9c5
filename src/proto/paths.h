/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where everything of ours is, and how people reach it: what differs between system mode and user mode. Made
 * once at the start of agenthostd and of agenthost-launcher, which come to the same result as they have it
 * from the same service manager; borrowed by their objects. */

#include "macros.h"

typedef struct Paths {
        bool user_mode;
        char *state_dir; /* agenthostd's: what it knows of the agents */
        char *credentials_dir; /* the launcher's: a directory for the texts of each agent */
        char *notify_socket; /* where agents send what sd_notify(3) knows */
        char *launcher_address; /* D-Bus addresses: of the launcher's socket ... */
        char *manager_address; /* ... and of the service manager's private one */
        char **config_dirs; /* those that hold agenthost.conf, highest precedence first */
        char **runtimes_dirs; /* likewise, *.runtime */

        /* For hints, to be followed by a verb, and by the name of a unit. */
        const char *systemctl;
        const char *journalctl;
} Paths;

/* In user mode by $XDG_RUNTIME_DIR, $XDG_CONFIG_HOME, $XDG_DATA_HOME and $HOME, of which relative paths do
 * not count. -ENXIO where there is no $XDG_RUNTIME_DIR, -ENOMEM. */
int paths_new(bool user_mode, Paths **ret);
Paths *paths_free(Paths *paths);
void paths_freep(Paths **paths);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unsupported.h"

#include "log.h"
#include "manager-bus.h"
#include "strv.h"

int unsupported_read(Host *host, sd_bus_message *m)
{
        _cleanup_strv_free_ char **names = NULL;
        g_autofree char *text = NULL;
        int r;

        r = sd_bus_message_read_strv(m, &names);
        if (r < 0)
                return r;
        if (strv_length(names) == strv_length(host->unsupported)) {
                size_t i = 0;

                while (names && names[i] && strcmp(names[i], host->unsupported[i]) == 0)
                        i++;
                if (!names || !names[i])
                        return 0;
        }

        strv_free(host->unsupported);
        host->unsupported = steal_ptr(names);
        text = host->unsupported ? g_strjoinv(" ", host->unsupported) : g_strdup("");
        if (text[0])
                log_info("Without effect on this host as properties of agents: %s", text);
        else
                log_info("All resource-control properties have effect on this host");
        manager_bus_unsupported_changed(host);
        return 0;
}

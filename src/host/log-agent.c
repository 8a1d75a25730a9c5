/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log-agent.h"

#include <stdarg.h>

#include "host.h"

int agent_event_level(const Agent *a)
{
        return a->host->config->log_all_events ? LOG_INFO : LOG_DEBUG;
}

void agent_log_id(const Agent *a, int level, const char *message_id, const char *format, ...)
{
        g_autofree char *text = NULL;
        char status[16];
        bool ended = agent_has_ended(a) || a->state == AGENT_RESTARTING;
        va_list ap;

        if (level > log_level())
                return;

        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);
        (void)snprintf(status, sizeof(status), "%d", a->exit_status);

        const LogField fields[] = {
                { "MESSAGE_ID", message_id },
                { "AGENT_ID", a->id },
                { "GUILD_ID", a->guild ? a->guild->guild_id : NULL },
                { a->host && a->host->paths->user_mode ? "USER_UNIT" : "UNIT", a->unit },
                { "RESULT", ended ? a->result : NULL },
                { "EXIT_STATUS", ended ? status : NULL },
        };
        log_fields(level, fields, ELEMENTSOF(fields), "%s", text);
}

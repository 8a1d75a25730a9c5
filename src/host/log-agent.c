/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log-agent.h"

#include <stdarg.h>
#include <string.h>

#include "escape.h"
#include "host.h"

int agent_event_level(const Agent *a)
{
        return a->host->config->log_all_events ? LOG_INFO : LOG_DEBUG;
}

static const char *unit_field(const Host *host)
{
        return host && host->paths->user_mode ? "USER_UNIT" : "UNIT";
}

static _printf_(4, 0) void log_formatted(
        int level, const LogField *fields, size_t n_fields, const char *format, va_list ap)
{
        g_autofree char *text = g_strdup_vprintf(format, ap);

        log_fields(level, fields, n_fields, "%s", text);
}

void agent_log_id(const Agent *a, int level, const char *message_id, const char *format, ...)
{
        char status[16];
        bool has_result =
                agent_has_ended(a) || a->state == AGENT_RESTARTING || strcmp(a->result, "success") != 0;
        va_list ap;

        if (level > log_level())
                return;

        (void)snprintf(status, sizeof(status), "%d", a->exit_status);

        const LogField fields[] = {
                { "MESSAGE_ID", message_id },
                { "AGENT_ID", a->id },
                { "GUILD_ID", a->guild ? a->guild->guild_id : NULL },
                { unit_field(a->host), a->unit },
                { "RESULT", has_result ? a->result : NULL },
                { "EXIT_STATUS", has_result ? status : NULL },
        };
        va_start(ap, format);
        log_formatted(level, fields, ELEMENTSOF(fields), format, ap);
        va_end(ap);
}

void host_log_agent(
        const Host *host, const char *agent_id, int level, const char *message_id, const char *format, ...)
{
        _cleanup_free_ char *unit = NULL;
        va_list ap;

        if (level > log_level())
                return;

        if (agent_unit_name(agent_id, &unit) < 0)
                unit = NULL;

        const LogField fields[] = {
                { "MESSAGE_ID", message_id },
                { "AGENT_ID", agent_id },
                { unit_field(host), unit },
        };
        va_start(ap, format);
        log_formatted(level, fields, ELEMENTSOF(fields), format, ap);
        va_end(ap);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

static void sink_stderr(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)fields;
        (void)n_fields;

        /* The prefix is what sd-daemon(3) describes: journald takes the priority from it. */
        if (getenv("JOURNAL_STREAM"))
                fprintf(stderr, "<%d>%s\n", level, text);
        else
                fprintf(stderr, "%s: %s\n", program_invocation_short_name, text);
}

static LogSink current_sink = sink_stderr;
static int max_level = LOG_INFO;

void log_set_sink(LogSink sink)
{
        current_sink = sink ? sink : sink_stderr;
}

void log_set_level(int level)
{
        max_level = level;
}

int log_level(void)
{
        return max_level;
}

int log_level_parse(const char *text, int *ret_level)
{
        static const struct {
                const char *name;
                int level;
        } names[] = {
                { "emerg", LOG_EMERG },
                { "alert", LOG_ALERT },
                { "crit", LOG_CRIT },
                { "critical", LOG_CRIT },
                { "err", LOG_ERR },
                { "error", LOG_ERR },
                { "warning", LOG_WARNING },
                { "warn", LOG_WARNING },
                { "notice", LOG_NOTICE },
                { "info", LOG_INFO },
                { "debug", LOG_DEBUG },
        };

        if (text[0] >= '0' && text[0] <= '7' && !text[1]) {
                *ret_level = text[0] - '0';
                return 0;
        }

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strcasecmp(text, names[i].name) == 0) {
                        *ret_level = names[i].level;
                        return 0;
                }

        return -EINVAL;
}

void log_fields(int level, const LogField *fields, size_t n_fields, const char *format, ...)
{
        PROTECT_ERRNO;
        char text[2048];
        va_list ap;

        if (level > max_level)
                return;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);

        current_sink(level, fields, n_fields, text);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-server.h"

#include <glib.h>
#include <stdarg.h>
#include <string.h>

#include "host-state.h"
#include "outcome.h"
#include "properties.h"
#include "time-util.h"

#define POLL_USEC (20 * USEC_PER_MSEC)

/* The server and the checker of its files are one program, which goes by its name; only the latter comes
 * with the tools alone. */
#define SERVER_ARGUMENTS                                                               \
        "exec -a redis-server $(command -v redis-server redis-check-rdb | head -n 1) " \
        "--supervised systemd --port 6399 --bind 127.0.0.1 --save \"\" --appendonly no"

static void shell(const char *line)
{
        g_autofree char *quoted = g_shell_quote(line);

        g_free(command("/bin/bash -c %s", quoted));
}

void redis_server_kill(void)
{
        shell("systemctl kill --kill-whom=all --signal=SIGKILL " REDIS_UNIT " 2>/dev/null; "
              "systemctl stop " REDIS_UNIT " 2>/dev/null; "
              "systemctl reset-failed " REDIS_UNIT " 2>/dev/null; true");
}

void redis_server_start(const char *options)
{
        g_autofree char *line = g_strconcat(SERVER_ARGUMENTS " ", options, NULL);
        g_autofree char *quoted = g_shell_quote(line);

        redis_server_kill();
        g_free(command("systemd-run --quiet --collect --unit=" REDIS_UNIT
                       " --property=Type=notify /bin/bash -c %s",
                quoted));
}

void redis_server_hang(bool hang)
{
        g_free(command("systemctl kill --signal=%s " REDIS_UNIT, hang ? "SIGSTOP" : "SIGCONT"));
}

void redis_server_begin(Client *c, const char *settings)
{
        redis_server_start("");
        config_write(settings);
        host_reload();
        client_wait_property(c, MANAGER, "RegistryState", "ok");
}

static gint compare_texts(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *sort_lines(const char *text)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        qsort(lines, g_strv_length(lines), sizeof(char *), compare_texts);
        return g_strjoinv(" ", lines);
}

static char *ask(const char *format, va_list ap) _printf_(1, 0);
static char *ask(const char *format, va_list ap)
{
        g_autofree char *question = g_strdup_vprintf(format, ap);
        g_autofree char *answer = command("redis-cli -p 6399 --no-auth-warning %s", question);

        g_strchomp(answer);
        return sort_lines(answer);
}

char *redis_ask(const char *format, ...)
{
        char *answer;
        va_list ap;

        va_start(ap, format);
        answer = ask(format, ap);
        va_end(ap);
        return answer;
}

void redis_expect(const char *expected, const char *format, ...)
{
        g_autofree char *answer = NULL;
        va_list ap;

        va_start(ap, format);
        answer = ask(format, ap);
        va_end(ap);
        expect_text(format, expected, answer);
}

void redis_wait(const char *expected, const char *format, ...)
{
        uint64_t until = now_usec(CLOCK_MONOTONIC) + LIMIT_SEC * USEC_PER_SEC;

        for (;;) {
                g_autofree char *answer = NULL;
                va_list ap;

                va_start(ap, format);
                answer = ask(format, ap);
                va_end(ap);
                if (strcmp(answer, expected) == 0)
                        return;
                if (now_usec(CLOCK_MONOTONIC) > until)
                        fail("%s: waited for '%s', it is '%s'", format, expected, answer);
                g_usleep(POLL_USEC);
        }
}

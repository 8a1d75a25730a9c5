/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tracer.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "client.h"
#include "host-state.h"
#include "outcome.h"

#define TRACE_FILE "/run/agenthost-tests/trace"

/* A question mark: a name that this machine does not know is no error. */
static char *trace_option(const Tracer *t)
{
        GString *option = g_string_new("trace=");

        if (t->injection)
                g_string_append(option, t->injection->call);
        else
                for (const char *const *call = t->calls; *call; call++)
                        g_string_append_printf(option, "%s?%s", call == t->calls ? "" : ",", *call);
        return g_string_free(option, false);
}

static char *inject_option(const Injection *injection)
{
        g_autofree char *what = injection->error ? g_strconcat("error=", injection->error, NULL)
                                                 : g_strdup("signal=SIGKILL");

        if (injection->n == 0)
                return g_strdup_printf("inject=%s:%s", injection->call, what);
        return g_strdup_printf("inject=%s:%s:when=%u", injection->call, what, injection->n);
}

/* A point that fails ends without a look back. */
static void end_with_parent(gpointer userdata)
{
        (void)userdata;
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
}

/* Its first line says that it is attached. */
void tracer_attach(Tracer *t, pid_t pid)
{
        g_autofree char *trace = trace_option(t), *pid_text = g_strdup_printf("%d", (int)pid);
        g_autofree char *inject = t->injection ? inject_option(t->injection) : NULL;
        g_autoptr(GPtrArray) argv = g_ptr_array_new();
        g_autoptr(GError) error = NULL;
        char line[256];
        int fd;

        for (const char *const *word = (const char *const[]){ "strace", "-s", "300", "-o", TRACE_FILE, "-p",
                     pid_text, "-e", trace, NULL };
                *word; word++)
                g_ptr_array_add(argv, (char *)*word);
        if (t->paths)
                g_ptr_array_add(argv, (char *)"-y");
        if (inject) {
                g_ptr_array_add(argv, (char *)"-e");
                g_ptr_array_add(argv, inject);
        }
        g_ptr_array_add(argv, NULL);
        if (!g_spawn_async_with_pipes(NULL, (char **)argv->pdata, NULL,
                    G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, end_with_parent, NULL, &t->strace, NULL,
                    NULL, &fd, &error))
                fail("strace: %s", error->message);
        t->says = fdopen(fd, "r");
        if (!t->says || !fgets(line, sizeof(line), t->says))
                fail("strace: expected it to say something, it has not");
        expect_part("strace", "attached", line);
        t->pid = pid;
}

void tracer_detach(Tracer *t)
{
        if (t->strace == 0)
                return;

        /* It ends with whom it traces, and says how that was. */
        if (process_is_alive(t->pid))
                (void)kill(t->strace, SIGTERM);
        process_wait_end(t->strace);
        g_spawn_close_pid(t->strace);
        t->strace = 0;
        fclose(t->says);
}

static char **read_trace(void)
{
        g_autofree char *text = NULL;
        g_autoptr(GError) error = NULL;

        if (!g_file_get_contents(TRACE_FILE, &text, NULL, &error))
                fail("%s", error->message);
        return g_strsplit(text, "\n", -1);
}

char **tracer_calls(const char *call)
{
        g_auto(GStrv) lines = read_trace();
        g_autofree char *start = g_strconcat(call, "(", NULL);
        g_autoptr(GStrvBuilder) calls = g_strv_builder_new();

        for (char **line = lines; *line; line++)
                if (g_str_has_prefix(*line, start))
                        g_strv_builder_add(calls, *line);
        return g_strv_builder_end(calls);
}

unsigned tracer_find(const char *call, const char *part)
{
        g_auto(GStrv) lines = read_trace();
        g_autofree char *start = g_strconcat(call, "(", NULL);
        unsigned n = 0;

        for (char **line = lines; *line; line++) {
                n += g_str_has_prefix(*line, start);
                if (g_str_has_prefix(*line, start) && strstr(*line, part))
                        return n;
        }
        return 0;
}

char *tracer_injected(void)
{
        g_auto(GStrv) lines = read_trace();

        for (char **line = lines; *line; line++)
                if (strstr(*line, "(INJECTED)") || strstr(*line, "killed by SIGKILL"))
                        return g_strdup(*line);
        return NULL;
}

bool tracer_has_injected(void)
{
        g_autofree char *line = tracer_injected();

        return line;
}

void tracer_wait_injected(const char *part)
{
        gint64 deadline = g_get_monotonic_time() + LIMIT_SEC * G_USEC_PER_SEC;

        while (g_get_monotonic_time() < deadline) {
                g_auto(GStrv) lines = read_trace();

                for (char **line = lines; *line; line++)
                        if (strstr(*line, part) && strstr(*line, "(INJECTED)"))
                                return;
                g_usleep(5 * 1000);
        }
        fail("strace: expected a call with %s that fails, there was none", part);
}

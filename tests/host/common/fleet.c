/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet.h"

#include <glib.h>
#include <string.h>

#include "agents.h"
#include "host-state.h"
#include "mode.h"
#include "outcome.h"

#define LAUNCHER "agenthost-launcher.service"
#define EXECUTOR "/usr/lib/agenthost/agenthost-executor"

/* Others than the launcher's one for the next agent. */
#define EXECUTORS_IDLE 1u

static int compare(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "agent-a1.scope", "agent-a2.scope" -> "a1 a2" */
static char *ids_of(char **units)
{
        GString *text = g_string_new(NULL);

        qsort(units, g_strv_length(units), sizeof(*units), compare);
        for (char **unit = units; *unit; unit++) {
                g_autofree char *id = g_strdup(*unit);

                if (g_str_has_prefix(id, "agent-"))
                        memmove(id, id + strlen("agent-"), strlen(id) - strlen("agent-") + 1);
                if (g_str_has_suffix(id, ".scope"))
                        id[strlen(id) - strlen(".scope")] = '\0';
                g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", id);
        }
        return g_string_free(text, false);
}

static char *listed_ids(Client *c)
{
        _cleanup_message_ sd_bus_message *answer =
                call_answer(client_send(c, MANAGER, "ListAgents", "s", ""));
        const sd_bus_error *e = sd_bus_message_get_error(answer);
        g_autoptr(GStrvBuilder) ids = g_strv_builder_new();
        g_auto(GStrv) list = NULL;
        const char *id;

        if (e)
                return g_strdup_printf("(%s: %s)", e->name, e->message);
        must(sd_bus_message_enter_container(answer, 'a', "(sssubtso)"), "reading ListAgents' answer");
        while (sd_bus_message_read(answer, "(sssubtso)", &id, NULL, NULL, NULL, NULL, NULL, NULL, NULL) > 0)
                g_strv_builder_add(ids, id);
        list = g_strv_builder_end(ids);
        return ids_of(list);
}

/* Its name in /proc/PID/stat has no space. */
static bool read_stat(const char *pid, char *ret_state, int *ret_parent)
{
        g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid), *text = NULL;

        return g_file_get_contents(path, &text, NULL, NULL) &&
                sscanf(strrchr(text, ')') + 1, " %c %d", ret_state, ret_parent) == 2;
}

/* Executors that nobody will give anything to do, the dead that nobody will look at. */
static char *leftovers(void)
{
        g_autofree char *launcher_text = systemctl("show --property=MainPID --value " LAUNCHER);
        g_auto(GStrv) pids = directory_list("/proc", "");
        GString *text = g_string_new(NULL);
        int launcher = atoi(launcher_text);
        unsigned n_executors = 0;

        for (char **pid = pids; *pid; pid++) {
                g_autofree char *link = g_strdup_printf("/proc/%s/exe", *pid), *target = NULL;
                int parent;
                char state;

                if (!g_ascii_isdigit(**pid) || !read_stat(*pid, &state, &parent))
                        continue;
                if (parent == launcher && state == 'Z')
                        g_string_append_printf(text, "zombie %s ", *pid);
                target = g_file_read_link(link, NULL);
                if (g_strcmp0(target, EXECUTOR) != 0)
                        continue;
                if (parent != launcher)
                        g_string_append_printf(text, "executor %s of %d ", *pid, parent);
                else if (++n_executors > EXECUTORS_IDLE)
                        g_string_append_printf(text, "further executor %s ", *pid);
        }
        return g_string_free(text, false);
}

static char *format(const char *listed,
        const char *states,
        const char *scopes,
        const char *credentials,
        unsigned n_processes,
        const char *leftover)
{
        return g_strdup_printf(
                "listed [%s], with a state file [%s], in a scope [%s], with credentials [%s], processes %u, left over [%s]",
                listed, states, scopes, credentials, n_processes, leftover);
}

static char *fleet_text(Client *c)
{
        g_auto(GStrv) state_units = state_list(), scope_units = scope_list(),
                      credential_units = directory_list(mode_paths()->credentials_dir, "");
        g_autofree char *listed = listed_ids(c), *states = ids_of(state_units),
                        *scopes = ids_of(scope_units), *credentials = ids_of(credential_units),
                        *leftover = leftovers();

        return format(listed, states, scopes, credentials, agent_process_count(), leftover);
}

/* Not all of it is told by a signal. */
static void wait_until(Client *c, const char *expected, char *(*look)(Client *c))
{
        gint64 deadline = g_get_monotonic_time() + LIMIT_SEC * G_USEC_PER_SEC;

        for (;;) {
                g_autofree char *got = look(c);

                if (strcmp(got, expected) == 0)
                        return;
                if (g_get_monotonic_time() > deadline)
                        fail("the fleet: expected %s, got %s", expected, got);
                g_usleep(20 * 1000);
        }
}

void fleet_wait(Client *c, const char *listed, const char *running)
{
        g_auto(GStrv) ids = g_strsplit(running, " ", -1);
        g_autofree char *expected = format(listed, listed, running, running, g_strv_length(ids), "");

        wait_until(c, expected, fleet_text);
}

static char *files_text(Client *c)
{
        g_auto(GStrv) files = directory_list(mode_paths()->state_dir, "");

        (void)c;
        return g_strjoinv(" ", files);
}

void fleet_wait_forgotten(Client *c)
{
        fleet_wait(c, "", "");
        wait_until(c, "", files_text);
}

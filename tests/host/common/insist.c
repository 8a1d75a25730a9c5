/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "insist.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "agents.h"
#include "host-state.h"
#include "outcome.h"

/* Of Drain; of Freeze and Thaw; of Kill; of Restart; of one that goes in order. */
static bool is_expected_failure(const char *message)
{
        static const char *const parts[] = { "draining cannot be written below", "systemd cannot ",
                "Cannot signal agent ", " is not running", "is just being ", "agenthostd is stopping" };

        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                if (strstr(message, parts[i]))
                        return true;
        return false;
}

/* The others come of who has died: the last of a bus that has asked systemd for agenthostd, and was told
 * that it has just failed. */
static bool is_expected(const sd_bus_error *e)
{
        return g_str_has_prefix(e->name, ERROR_("")) || g_str_has_prefix(e->name, "System.Error.") ||
                sd_bus_error_has_names(e, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_DISCONNECTED,
                        SD_BUS_ERROR_NAME_HAS_NO_OWNER, SD_BUS_ERROR_NO_MEMORY, SD_BUS_ERROR_IO_ERROR) ||
                (sd_bus_error_has_name(e, SD_BUS_ERROR_FAILED) && is_expected_failure(e->message));
}

/* Of the last call that failed. */
static char last_error[256];

/* The call's answer if it worked; NULL: it is to be made again. */
static sd_bus_message *answer_or_again(Call *call)
{
        sd_bus_message *answer = call_answer(call);
        const sd_bus_error *e = sd_bus_message_get_error(answer);

        if (!e)
                return answer;
        if (!is_expected(e))
                fail("expected success, no answer, or an error of ours, got %s: %s", e->name, e->message);
        g_strlcpy(last_error, e->message, sizeof(last_error));
        sd_bus_message_unref(answer);
        g_usleep(10 * 1000);
        return NULL;
}

void insist_check_time(gint64 since, const char *what)
{
        if (g_get_monotonic_time() > since + LIMIT_SEC * G_USEC_PER_SEC)
                fail("%s: asked for again and again for %d s; the last error: %s", what, LIMIT_SEC,
                        last_error);
}

static bool worked(Call *call, gint64 since, const char *what)
{
        _cleanup_message_ sd_bus_message *answer = answer_or_again(call);

        if (!answer)
                insist_check_time(since, what);
        return answer;
}

/* Ids, of starts that did not work at once. The test's process is one life's. */
static GHashTable *asked_again;

static void note_asked_again(const char *id)
{
        if (!asked_again)
                asked_again = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_hash_table_add(asked_again, g_strdup(id));
}

bool insist_asked_again(const char *id)
{
        return asked_again && g_hash_table_contains(asked_again, id);
}

void insist_on_create(Client *c, const char *id, const char *runtime)
{
        Create create = { .id = id, .runtime = runtime, .wait = "ready", .request_id = id };
        gint64 since = g_get_monotonic_time();

        while (!worked(create_send(c, &create), since, "CreateAgent"))
                note_asked_again(id);
}

void insist_on_stop(Client *c, const char *id)
{
        gint64 since = g_get_monotonic_time();
        bool asked_before = false;

        for (;;) {
                _cleanup_message_ sd_bus_message *answer =
                        answer_or_again(client_send(c, MANAGER, "StopAgent", "su", id, 0u));
                int stopped;

                if (answer) {
                        must(sd_bus_message_read(answer, "b", &stopped), "reading StopAgent's answer");
                        expect_true("stopped, or known no more", stopped || asked_before);
                        return;
                }
                insist_check_time(since, "StopAgent");
                asked_before = true;
        }
}

void insist_on_forgetting(Client *c)
{
        gint64 since = g_get_monotonic_time();

        while (!worked(client_send(c, MANAGER, "CleanupDeadAgents", ""), since, "CleanupDeadAgents"))
                ;
}

static Call *send_draining(Client *c, bool drain)
{
        return drain ? client_send(c, MANAGER, "Drain", "bu", true, 0u)
                     : client_send(c, MANAGER, "Resume", "");
}

void insist_on_draining(Client *c, bool drain)
{
        gint64 since = g_get_monotonic_time();

        while (!worked(send_draining(c, drain), since, drain ? "Drain" : "Resume"))
                ;
}

void insist_on_freezing(Client *c, const char *id, bool freeze)
{
        const char *member = freeze ? "Freeze" : "Thaw";
        gint64 since = g_get_monotonic_time();
        _cleanup_free_ char *path = agent_path(id);

        while (!worked(client_send(c, path, AGENT_INTERFACE, member, ""), since, member))
                ;
}

void insist_on_killing(Client *c, const char *id, const char *who, int signal_number)
{
        gint64 since = g_get_monotonic_time();
        _cleanup_free_ char *path = agent_path(id);
        pid_t pid = insist_pid(c, id);

        while (process_is_alive(pid) &&
                !worked(client_send(c, path, AGENT_INTERFACE, "Kill", "si", who, signal_number), since,
                        "Kill"))
                ;
        process_wait_end(pid);
}

void insist_on_restart(Client *c, const char *id)
{
        gint64 since = g_get_monotonic_time();
        _cleanup_free_ char *path = agent_path(id);

        while (!worked(client_send(c, path, AGENT_INTERFACE, "Restart", ""), since, "Restart")) {
                g_autofree char *state = client_try_property(c, BUS_NAME, path, AGENT_INTERFACE, "State");

                if (g_strcmp0(state, "running") == 0)
                        return;
                note_asked_again(id);
        }
}

void insist_wait(Client *c, const char *id, const char *property, const char *expected)
{
        gint64 since = g_get_monotonic_time();
        _cleanup_free_ char *path = agent_path(id);

        for (;;) {
                g_autofree char *value = client_try_property(c, BUS_NAME, path, AGENT_INTERFACE, property);

                if (g_strcmp0(value, expected) == 0)
                        return;
                if (g_get_monotonic_time() > since + LIMIT_SEC * G_USEC_PER_SEC)
                        fail("%s of %s: expected %s, got %s", property, id, expected,
                                value ? value : "nothing");
                g_usleep(5 * 1000);
        }
}

pid_t insist_pid(Client *c, const char *id)
{
        gint64 since = g_get_monotonic_time();
        _cleanup_free_ char *path = agent_path(id);

        for (;;) {
                g_autofree char *value = client_try_property(c, BUS_NAME, path, AGENT_INTERFACE, "MainPID");

                if (value && atoi(value) > 0)
                        return atoi(value);
                insist_check_time(since, "MainPID");
                g_usleep(5 * 1000);
        }
}

void insist_expect_draining(Client *c, const char *expected)
{
        gint64 since = g_get_monotonic_time();

        for (;;) {
                g_autofree char *value = client_try_property(c, BUS_NAME, MANAGER, "Draining");

                if (value) {
                        expect_text("Draining", expected, value);
                        return;
                }
                insist_check_time(since, "Draining");
                g_usleep(5 * 1000);
        }
}

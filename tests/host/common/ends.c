/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ends.h"

#include <glib.h>
#include <string.h>

#include "host-state.h"
#include "insist.h"
#include "outcome.h"

#define LAUNCHER "agenthost-launcher.service"

bool end_may_be_lost(const char *service)
{
        return strcmp(service, LAUNCHER) == 0 && !kernel_tells_exits();
}

static char *end_text(sd_bus_message *m)
{
        const char *id, *result;
        int status;

        must(sd_bus_message_read(m, "sosi", &id, NULL, &result, &status), "reading AgentExited");
        return g_strdup_printf("%s %s %d", id, result, status);
}

static GPtrArray *take_told(Client *c)
{
        GPtrArray *told = g_ptr_array_new_with_free_func(g_free);
        sd_bus_message *m;

        while ((m = client_take_received(c, "AgentExited"))) {
                g_ptr_array_add(told, end_text(m));
                sd_bus_message_unref(m);
        }
        return told;
}

static char *listed(const GPtrArray *texts)
{
        GString *list = g_string_new(NULL);

        for (guint i = 0; i < texts->len; i++)
                g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", (char *)texts->pdata[i]);
        return g_string_free(list, false);
}

/* "a1 lost -1" is that of any end of a1. */
static bool is_end(const char *told, const char *expected, bool may_be_lost)
{
        size_t length = strcspn(expected, " ");

        return strcmp(told, expected) == 0 ||
                (may_be_lost && strncmp(told, expected, length) == 0 &&
                        strcmp(told + length, " lost -1") == 0);
}

static bool take_expected(GPtrArray *left, const char *told, bool may_be_lost)
{
        for (guint i = 0; i < left->len; i++)
                if (is_end(told, left->pdata[i], may_be_lost)) {
                        g_ptr_array_remove_index(left, i);
                        return true;
                }
        return false;
}

static bool is_of_unanswered_start(const char *told)
{
        size_t length = strcspn(told, " ");
        g_autofree char *id = g_strndup(told, length);

        return insist_asked_again(id) && g_str_has_prefix(told + length, " success ");
}

/* Calls have been answered since: who has come and gone was told before. */
static bool agenthostd_was_away(Client *c)
{
        sd_bus_message *m = client_take_received(c, "NameOwnerChanged");

        sd_bus_message_unref(m);
        return m;
}

void ends_expect(Client *c, const char *service, const char *const *expected)
{
        g_autoptr(GPtrArray) told = take_told(c), left = g_ptr_array_new();
        bool may_be_lost = end_may_be_lost(service);
        g_autofree char *all = listed(told), *missing = NULL;

        for (const char *const *end = expected; *end; end++)
                g_ptr_array_add(left, (char *)*end);
        for (guint i = 0; i < told->len; i++)
                if (!take_expected(left, told->pdata[i], may_be_lost) &&
                        !is_of_unanswered_start(told->pdata[i]))
                        fail("AgentExited: unexpected, or told twice: %s; all: %s", (char *)told->pdata[i],
                                all);
        missing = listed(left);
        if (left->len > 0 && !agenthostd_was_away(c))
                fail("AgentExited: not told: %s; all that was: %s", missing, all);
}

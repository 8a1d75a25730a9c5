/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "locations.h"

#include <glib.h>
#include <string.h>

#include "outcome.h"
#include "properties.h"

char *location_of(Client *c, const char *id)
{
        _cleanup_message_ sd_bus_message *answer =
                call_answer(client_send(c, MANAGER, "GetLocation", "s", id));
        const sd_bus_error *e = sd_bus_message_get_error(answer);
        const char *address;

        if (e) {
                expect_text("error of GetLocation", ERROR_("NoSuchAgent"), e->name);
                expect_part("error of GetLocation", "not found in location registry", e->message);
                return NULL;
        }

        must(sd_bus_message_read(answer, "s", &address), "reading GetLocation's answer");
        return g_strdup(address);
}

void location_expect(Client *c, const char *id, const char *address)
{
        g_autofree char *got = location_of(c, id);

        expect_text("GetLocation", address, got);
}

static int compare_texts(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *join_sorted(GPtrArray *texts)
{
        g_ptr_array_sort(texts, compare_texts);
        g_ptr_array_add(texts, NULL);
        return g_strjoinv(" ", (char **)texts->pdata);
}

char *location_load(Client *c)
{
        _cleanup_message_ sd_bus_message *answer = client_call(c, MANAGER, "GetHostLoad", "");
        g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(g_free);
        const char *hostname;
        uint32_t n;
        int r;

        must(sd_bus_message_enter_container(answer, 'a', "{su}"), "reading GetHostLoad's answer");
        while ((r = sd_bus_message_read(answer, "{su}", &hostname, &n)) > 0)
                g_ptr_array_add(hosts, g_strdup_printf("%s=%u", hostname, n));
        must(r, "reading GetHostLoad's answer");
        return join_sorted(hosts);
}

void location_expect_load(Client *c, const char *expected)
{
        g_autofree char *got = location_load(c);

        expect_text("GetHostLoad", expected, got);
}

char *location_members(Client *c, const char *hostname)
{
        _cleanup_message_ sd_bus_message *answer = client_call(c, MANAGER, "GetHostAgents", "s", hostname);
        g_autoptr(GPtrArray) ids = g_ptr_array_new();
        const char *id;
        int r;

        must(sd_bus_message_enter_container(answer, 'a', "s"), "reading GetHostAgents' answer");
        while ((r = sd_bus_message_read(answer, "s", &id)) > 0)
                g_ptr_array_add(ids, (char *)id);
        must(r, "reading GetHostAgents' answer");
        return join_sorted(ids);
}

void location_expect_members(Client *c, const char *hostname, const char *expected)
{
        g_autofree char *got = location_members(c, hostname);

        expect_text("GetHostAgents", expected, got);
}

bool location_is_running(Client *c, const char *id)
{
        _cleanup_message_ sd_bus_message *answer = client_call(c, MANAGER, "IsAgentRunning", "s", id);
        int running;

        must(sd_bus_message_read(answer, "b", &running), "reading IsAgentRunning's answer");
        return running;
}

char *location_here(Client *c)
{
        return client_property(c, MANAGER, "Address");
}

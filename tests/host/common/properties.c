/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "properties.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "outcome.h"

static char *read_basic(sd_bus_message *m)
{
        union {
                const char *s;
                int b;
                int32_t i;
                uint32_t u;
                uint64_t t;
        } v;
        char type;

        if (sd_bus_message_peek_type(m, &type, NULL) <= 0 || !strchr("sobiut", type) ||
                sd_bus_message_read_basic(m, type, &v) <= 0)
                return NULL;

        switch (type) {
        case 'b':
                return g_strdup(v.b ? "true" : "false");
        case 'i':
                return g_strdup_printf("%" PRIi32, v.i);
        case 'u':
                return g_strdup_printf("%" PRIu32, v.u);
        case 't':
                return g_strdup_printf("%" PRIu64, v.t);
        default:
                return g_strdup(v.s);
        }
}

char *message_read_variant(sd_bus_message *m)
{
        const char *contents;
        char *value;

        must(sd_bus_message_peek_type(m, NULL, &contents), "reading a variant");
        must(sd_bus_message_enter_container(m, 'v', contents), "reading a variant");
        value = read_basic(m);
        if (!value)
                must(sd_bus_message_skip(m, contents), "reading a variant");
        must(sd_bus_message_exit_container(m), "reading a variant");
        return value;
}

static int compare_texts(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **message_read_dictionary(sd_bus_message *m)
{
        GPtrArray *pairs = g_ptr_array_new();
        int r;

        must(sd_bus_message_enter_container(m, 'a', "{sv}"), "reading a dictionary");
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                g_autofree char *value = NULL;
                const char *key;

                must(sd_bus_message_read(m, "s", &key), "reading a dictionary");
                value = message_read_variant(m);
                g_ptr_array_add(pairs, g_strdup_printf("%s=%s", key, value ? value : "..."));
                must(sd_bus_message_exit_container(m), "reading a dictionary");
        }
        must(r, "reading a dictionary");
        must(sd_bus_message_exit_container(m), "reading a dictionary");

        g_ptr_array_sort(pairs, compare_texts);
        g_ptr_array_add(pairs, NULL);
        return (char **)g_ptr_array_free(pairs, false);
}

static bool has_pair_of(char **pairs, const char *name)
{
        size_t n = strlen(name);

        for (; *pairs; pairs++)
                if (strncmp(*pairs, name, n) == 0 && (*pairs)[n] == '=')
                        return true;
        return false;
}

char *client_wait_changed(Client *c, const char *path, const char *interface, const char *name)
{
        for (;;) {
                _cleanup_message_ sd_bus_message *m = client_take_signal(c, "PropertiesChanged", interface);
                g_auto(GStrv) pairs = NULL;

                if (strcmp(sd_bus_message_get_path(m), path) != 0)
                        continue;
                must(sd_bus_message_skip(m, "s"), "reading PropertiesChanged");
                pairs = message_read_dictionary(m);
                if (has_pair_of(pairs, name))
                        return g_strjoinv(" ", pairs);
        }
}

char *client_try_property(
        Client *c, const char *destination, const char *path, const char *interface, const char *name)
{
        _cleanup_message_ sd_bus_message *m = NULL, *answer = NULL;

        must(sd_bus_message_new_method_call(
                     client_bus(c), &m, destination, path, "org.freedesktop.DBus.Properties", "Get"),
                "making a call");
        must(sd_bus_message_append(m, "ss", interface, name), "filling in a call");
        answer = call_answer(client_send_message(c, m));
        return sd_bus_message_is_method_error(answer, NULL) ? NULL : message_read_variant(answer);
}

char *client_property(Client *c, const char *path, const char *interface, const char *name)
{
        char *value = client_try_property(c, BUS_NAME, path, interface, name);

        if (!value)
                fail("property %s of %s: expected a value, it cannot be read", name, path);
        return value;
}

void client_expect_property(
        Client *c, const char *path, const char *interface, const char *name, const char *expected)
{
        g_autofree char *value = client_property(c, path, interface, name);

        expect_text(name, expected, value);
}

void client_wait_property(
        Client *c, const char *path, const char *interface, const char *name, const char *expected)
{
        for (;;) {
                unsigned seen = client_signal_count(c);
                g_autofree char *value = client_property(c, path, interface, name), *what = NULL;

                if (strcmp(value, expected) == 0)
                        return;
                what = g_strdup_printf(
                        "property %s of %s to become '%s' (it is '%s')", name, path, expected, value);
                client_wait_more_signals(c, seen, what);
        }
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What agenthostd exports is what its interface files say, in both directions. */

#include <glib.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define INTERFACES_DIR "/usr/share/dbus-1/interfaces/"
#define EMITS_CHANGED "org.freedesktop.DBus.Property.EmitsChangedSignal"

/* One interface as lines that can be compared: "method Stop: in u timeout_sec", "property Id: s read emits
 * const". Comments are left out, and annotations but the one that says how a property's changes are told. */
typedef struct Reading {
        const char *interface; /* wanted */
        bool inside;
        GString *member; /* NULL: none is open */
        const char *emits; /* static */
        bool is_property;
        GPtrArray *lines;
} Reading;

static const char *attribute(const char **names, const char **values, const char *name)
{
        for (; *names; names++, values++)
                if (strcmp(*names, name) == 0)
                        return *values;
        return "";
}

static const char *emits_word(const char *value)
{
        static const char *const words[] = { "true", "false", "invalidates", "const" };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcmp(words[i], value) == 0)
                        return words[i];
        return "something else";
}

static void on_start(GMarkupParseContext *context,
        const char *element,
        const char **names,
        const char **values,
        gpointer userdata,
        GError **error)
{
        const char *name = attribute(names, values, "name");
        Reading *reading = userdata;

        (void)context;
        (void)error;

        if (strcmp(element, "interface") == 0)
                reading->inside = strcmp(name, reading->interface) == 0;
        else if (!reading->inside)
                return;
        else if (strcmp(element, "arg") == 0)
                g_string_append_printf(reading->member, " %s %s %s", attribute(names, values, "direction"),
                        attribute(names, values, "type"), name);
        else if (strcmp(element, "annotation") == 0) {
                if (strcmp(name, EMITS_CHANGED) == 0)
                        reading->emits = emits_word(attribute(names, values, "value"));
        } else {
                reading->member = g_string_new(NULL);
                reading->is_property = strcmp(element, "property") == 0;
                reading->emits = "true";
                g_string_append_printf(reading->member, "%s %s:", element, name);
                if (reading->is_property)
                        g_string_append_printf(reading->member, " %s %s", attribute(names, values, "type"),
                                attribute(names, values, "access"));
        }
}

static void on_end(GMarkupParseContext *context, const char *element, gpointer userdata, GError **error)
{
        Reading *reading = userdata;

        (void)context;
        (void)error;

        if (strcmp(element, "interface") == 0)
                reading->inside = false;
        if (!reading->member || strcmp(element, "arg") == 0 || strcmp(element, "annotation") == 0)
                return;
        if (reading->is_property)
                g_string_append_printf(reading->member, " emits %s", reading->emits);
        g_ptr_array_add(reading->lines, g_string_free(g_steal_pointer(&reading->member), false));
}

static int compare_lines(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char **read_interface(const char *xml, const char *interface)
{
        static const GMarkupParser parser = { .start_element = on_start, .end_element = on_end };
        Reading reading = { .interface = interface, .lines = g_ptr_array_new() };
        g_autoptr(GMarkupParseContext) context =
                g_markup_parse_context_new(&parser, G_MARKUP_DEFAULT_FLAGS, &reading, NULL);
        g_autoptr(GError) error = NULL;

        if (!g_markup_parse_context_parse(context, xml, -1, &error) ||
                !g_markup_parse_context_end_parse(context, &error))
                fail("%s: %s", interface, error->message);

        g_ptr_array_sort(reading.lines, compare_lines);
        g_ptr_array_add(reading.lines, NULL);
        return (char **)g_ptr_array_free(reading.lines, false);
}

static char *introspect(Client *c, const char *path)
{
        _cleanup_message_ sd_bus_message *answer =
                client_call(c, path, "org.freedesktop.DBus.Introspectable", "Introspect", "");
        const char *xml;

        must(sd_bus_message_read(answer, "s", &xml), "reading Introspect's answer");
        return g_strdup(xml);
}

static unsigned say_missing(char **lines, char **others, const char *where)
{
        unsigned n = 0;

        for (; *lines; lines++)
                if (!g_strv_contains((const char *const *)others, *lines)) {
                        g_test_message("only in %s: %s", where, *lines);
                        n++;
                }
        return n;
}

static void expect_as_written(Client *c, const char *path, const char *interface)
{
        g_autofree char *file = g_strconcat(INTERFACES_DIR, interface, ".xml", NULL);
        g_autofree char *written = NULL, *exported = introspect(c, path);
        g_auto(GStrv) written_lines = NULL, exported_lines = NULL;
        g_autoptr(GError) error = NULL;

        if (!g_file_get_contents(file, &written, NULL, &error))
                fail("%s", error->message);
        written_lines = read_interface(written, interface);
        exported_lines = read_interface(exported, interface);
        expect_true("the file has members", written_lines[0] != NULL);
        expect_number("differences", 0,
                say_missing(written_lines, exported_lines, file) +
                        say_missing(exported_lines, written_lines, "what is exported"));
}

static void test_manager_is_as_its_file_says(void)
{
        _cleanup_client_ Client *c = client_new();

        expect_as_written(c, MANAGER);
}

static void test_agent_is_as_its_file_says(void)
{
        _cleanup_client_ Client *c = agents_begin();
        _cleanup_free_ char *path = agent_path("a1");

        create(c, &(Create){ .id = "a1" });
        expect_as_written(c, path, AGENT_INTERFACE);
}

/* The tree can be walked from its root, as busctl does. */
static void test_agents_are_found_by_introspection(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *tree = NULL, *empty = NULL;

        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a-2" });
        tree = command("busctl tree --list " BUS_NAME);
        expect_part("tree", HOST_PATH "\n", tree);
        expect_part("tree", AGENT_PATH_PREFIX "/a1\n", tree);
        expect_part("tree", AGENT_PATH_PREFIX "/a_2d2\n", tree);

        sd_bus_message_unref(client_call(c, MANAGER, "ShutdownAgents", "u", 0u));
        empty = command("busctl tree --list " BUS_NAME);
        expect_text("agents in the tree", NULL, strstr(empty, AGENT_PATH_PREFIX "/"));
}

/* Nothing, of any type. */
static void append_nothing(sd_bus_message *m, const char *type)
{
        int r;

        if (type[0] == 'a') {
                r = sd_bus_message_open_container(m, 'a', type + 1);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        } else if (type[0] == 's')
                r = sd_bus_message_append(m, "s", "");
        else
                r = sd_bus_message_append(m, type, UINT64_C(0));
        must(r, type);
}

/* line: as read_interface() makes them, of a method. */
static void expect_not_for_everybody(Client *c, const char *path, const char *interface, const char *line)
{
        g_auto(GStrv) words = g_strsplit(line, " ", -1);
        g_autofree char *member = g_strndup(words[1], strlen(words[1]) - 1);
        _cleanup_message_ sd_bus_message *m = NULL;

        must(sd_bus_message_new_method_call(client_bus(c), &m, BUS_NAME, path, interface, member), member);
        for (char **word = words + 2; *word; word += 3)
                if (strcmp(*word, "in") == 0)
                        append_nothing(m, word[1]);
        call_expect_error(
                client_send_message(c, m), SD_BUS_ERROR_ACCESS_DENIED, " is for root and members of group");
}

static unsigned expect_only_looking(
        Client *c, const char *path, const char *interface, const char *const *for_everybody)
{
        g_autofree char *xml = introspect(c, path);
        g_auto(GStrv) lines = read_interface(xml, interface);
        unsigned n = 0;

        for (char **line = lines; *line; line++) {
                g_auto(GStrv) words = g_strsplit_set(*line, " :", 3);

                if (strcmp(words[0], "method") != 0 || g_strv_contains(for_everybody, words[1]))
                        continue;
                expect_not_for_everybody(c, path, interface, *line);
                n++;
        }
        return n;
}

/* Whatever methods there are: those that are not known here as harmless are refused. */
static void test_only_looking_is_for_everybody(void)
{
        static const char *const looking[] = { "GetAgentInfo", "ListAgents", "GetAgent", "Health",
                "IsAgentRunning", "GetLocation", "GetHostLoad", "GetHostAgents", "ListHosts",
                "GetHostStatuses", "ListFleetAgents", "ListRuntimes", NULL };
        static const char *const nothing[] = { NULL };
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL);
        _cleanup_free_ char *path = agent_path("a1");

        polkit_mask();
        create(root, &(Create){ .id = "a1" });
        expect_true("there are such methods", expect_only_looking(nobody, MANAGER, looking) >= 5);
        expect_true(
                "there are such methods", expect_only_looking(nobody, path, AGENT_INTERFACE, nothing) >= 2);
        agent_expect(root, "a1", "State", "running");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/introspection/" name, test_##function)
        ADD("manager-is-as-its-file-says", manager_is_as_its_file_says);
        ADD("agent-is-as-its-file-says", agent_is_as_its_file_says);
        ADD("agents-are-found-by-introspection", agents_are_found_by_introspection);
        ADD("only-looking-is-for-everybody", only_looking_is_for_everybody);
#undef ADD

        return host_tests_run();
}

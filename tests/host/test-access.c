/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who may do what: root, our own user and members of group agenthost may act; everybody may look, but not at
 * specs. What polkit has to say to that: test-polkit.c. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

/* polkit, without a rule, would have them asked for a password. */
#define DENIED SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED

static void test_others_may_not_act(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL);
        _cleanup_free_ char *path = agent_path("a1");

        create(root, &(Create){ .id = "a1" });
        create_expect_error(nobody, &(Create){ .id = "a2" }, DENIED,
                "CreateAgent is for root and members of group agenthost, and for those who authenticate");
        create_expect_error(nobody, &(Create){ .agent_spec = "no JSON" }, DENIED, NULL);
        call_expect_error(client_send(nobody, MANAGER, "StopAgent", "su", "a1", 0u), DENIED, "StopAgent");
        call_expect_error(client_send(nobody, MANAGER, "StopAgent", "su", "no-such", 0u), DENIED, NULL);
        call_expect_error(client_send(nobody, MANAGER, "ShutdownAgents", "u", 0u), DENIED, NULL);
        call_expect_error(client_send(nobody, MANAGER, "Drain", "bu", true, 0u), DENIED, "Drain");
        call_expect_error(client_send(nobody, MANAGER, "Resume", ""), DENIED, "Resume");
        client_expect_property(root, MANAGER, "Draining", "false");
        call_expect_error(client_send(nobody, MANAGER, "CleanupDeadAgents", ""), DENIED, NULL);
        call_expect_error(client_send(nobody, MANAGER, "GetAgentSpec", "s", "a1"), DENIED, NULL);
        call_expect_error(client_send(nobody, path, AGENT_INTERFACE, "Stop", "u", 0u), DENIED, NULL);
        call_expect_error(
                client_send(nobody, path, AGENT_INTERFACE, "Kill", "si", "main", SIGTERM), DENIED, NULL);

        agent_expect(root, "a1", "State", "running");
        expect_number("processes", 1, agent_process_count());
}

/* Those that everybody may call. Whatever else there is, is for those who may act. */
static const char *const looks[] = { "GetAgent", "GetAgentInfo", "GetHostAgents", "GetHostLoad",
        "GetHostStatuses", "GetLocation", "Health", "IsAgentRunning", "ListAgents", "ListFleetAgents",
        "ListHosts", "ListRuntimes", NULL };

static void append_nothing(sd_bus_message *m, const char **types);

/* Of an array or a struct, its contents; types is moved behind it. */
static void append_container(sd_bus_message *m, const char **types)
{
        g_autofree char *contents = NULL;
        const char *end;

        if (!g_variant_type_string_scan(*types, NULL, &end))
                fail("'%s' is no signature", *types);
        contents = **types == 'a' ? g_strndup(*types + 1, (gsize)(end - *types - 1))
                                  : g_strndup(*types + 1, (gsize)(end - *types - 2));
        must(sd_bus_message_open_container(m, **types == 'a' ? 'a' : 'r', contents), "opening a container");
        if (**types != 'a')
                for (const char *inner = contents; *inner;)
                        append_nothing(m, &inner);
        must(sd_bus_message_close_container(m), "closing a container");
        *types = end;
}

/* A value of the first type: empty, zero, or the agent that is there. */
static void append_nothing(sd_bus_message *m, const char **types)
{
        static const uint64_t zero = 0;
        char type = **types;

        if (type == 'a' || type == '(')
                return append_container(m, types);
        must(sd_bus_message_append_basic(m, type, type == 's' ? (const void *)"a1" : &zero),
                "appending a value");
        (*types)++;
}

static Call *send_anything(
        Client *c, const char *path, const char *interface, const char *member, const char *types)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        must(sd_bus_message_new_method_call(client_bus(c), &m, BUS_NAME, path, interface, member),
                "making a call");
        while (*types)
                append_nothing(m, &types);
        return client_send_message(c, m);
}

typedef struct Methods {
        const char *interface; /* the one that is looked for */
        bool inside;
        GString *method; /* the one that is being read */
        GPtrArray *found; /* "NAME TYPES" */
} Methods;

static const char *attribute(const char **names, const char **values, const char *wanted)
{
        for (; *names; names++, values++)
                if (strcmp(*names, wanted) == 0)
                        return *values;
        return "";
}

static void on_start(GMarkupParseContext *context,
        const char *element,
        const char **names,
        const char **values,
        gpointer userdata,
        GError **error)
{
        Methods *methods = userdata;

        (void)context;
        (void)error;

        if (strcmp(element, "interface") == 0)
                methods->inside = strcmp(attribute(names, values, "name"), methods->interface) == 0;
        else if (methods->inside && strcmp(element, "method") == 0) {
                methods->method = g_string_new(attribute(names, values, "name"));
                g_string_append_c(methods->method, ' ');
        } else if (methods->method && strcmp(element, "arg") == 0 &&
                strcmp(attribute(names, values, "direction"), "out") != 0)
                g_string_append(methods->method, attribute(names, values, "type"));
}

static void on_end(GMarkupParseContext *context, const char *element, gpointer userdata, GError **error)
{
        Methods *methods = userdata;

        (void)context;
        (void)error;

        if (methods->method && strcmp(element, "method") == 0)
                g_ptr_array_add(methods->found, g_string_free(g_steal_pointer(&methods->method), false));
}

/* Each method of an interface as "NAME TYPES", as the service says it. */
static GPtrArray *list_methods(Client *c, const char *path, const char *interface)
{
        static const GMarkupParser parser = { .start_element = on_start, .end_element = on_end };
        Methods methods = { .interface = interface, .found = g_ptr_array_new_with_free_func(g_free) };
        g_autoptr(GMarkupParseContext) context =
                g_markup_parse_context_new(&parser, G_MARKUP_DEFAULT_FLAGS, &methods, NULL);
        _cleanup_message_ sd_bus_message *answer =
                client_call(c, path, "org.freedesktop.DBus.Introspectable", "Introspect", "");
        const char *xml;

        must(sd_bus_message_read(answer, "s", &xml), "reading Introspect's answer");
        expect_true("the XML is read", g_markup_parse_context_parse(context, xml, -1, NULL));
        expect_true("there are methods", methods.found->len > 0);
        return methods.found;
}

static unsigned expect_only_looks(Client *other, const char *path, const char *interface)
{
        g_autoptr(GPtrArray) methods = list_methods(other, path, interface);
        unsigned n_denied = 0;

        for (guint i = 0; i < methods->len; i++) {
                g_auto(GStrv) words = g_strsplit(g_ptr_array_index(methods, i), " ", 2);
                Call *call = send_anything(other, path, interface, words[0], words[1]);
                _cleanup_message_ sd_bus_message *answer = NULL;
                const sd_bus_error *e;

                if (!g_strv_contains(looks, words[0])) {
                        call_expect_error(call, DENIED, words[0]);
                        n_denied++;
                        continue;
                }
                answer = call_answer(call);
                e = sd_bus_message_get_error(answer);
                if (e && strcmp(e->name, DENIED) == 0)
                        fail("%s: %s", words[0], e->message);
        }
        return n_denied;
}

/* Also the methods that come later: each one is for those who may act, unless it is named above. */
static void test_others_may_call_nothing_but_looks(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL);
        _cleanup_free_ char *path = agent_path("a1");

        create(root, &(Create){ .id = "a1" });
        expect_true("denied of the Manager", expect_only_looks(nobody, MANAGER) >= 7);
        expect_true("denied of the Agent", expect_only_looks(nobody, path, AGENT_INTERFACE) >= 5);
        agent_expect(root, "a1", "State", "running");
}

/* The policy of the bus: who asks for an agent asks us. */
static void test_the_name_is_ours_alone(void)
{
        _cleanup_client_ Client *root = agents_begin();
        static const struct {
                const char *user, *group;
        } others[] = { { "nobody", NULL }, { "nobody", AGENTHOST_GROUP }, { AGENT_USER, NULL },
                { "root", NULL } };

        (void)root;
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                _cleanup_client_ Client *c = client_new_as(others[i].user, others[i].group);

                expect_number("RequestName", -EACCES,
                        sd_bus_request_name(client_bus(c), BUS_NAME, SD_BUS_NAME_REPLACE_EXISTING));
        }
}

static void test_others_may_look(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL);
        _cleanup_agent_info_ AgentInfo info = { 0 };
        g_autofree char *list = NULL;

        create(root, &(Create){ .id = "a1" });
        list = agent_list(nobody, "");
        expect_text("ListAgents", "a1", list);
        expect_true("GetAgentInfo", agent_info(nobody, "a1", &info));
        sd_bus_message_unref(client_call(nobody, MANAGER, "Health", ""));
        sd_bus_message_unref(client_call(nobody, MANAGER, "IsAgentRunning", "s", "a1"));
        sd_bus_message_unref(client_call(nobody, MANAGER, "GetAgent", "s", "a1"));
        sd_bus_message_unref(client_call(
                nobody, HOST_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", ""));
        agent_expect(nobody, "a1", "State", "running");
        client_expect_property(nobody, MANAGER, "AgentCount", "1");
}

static void expect_may_act(Client *c)
{
        _cleanup_free_ char *path = agent_path("a2");

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        sd_bus_message_unref(client_call(c, MANAGER, "GetAgentSpec", "s", "a1"));
        agent_signal(c, "a1", SIGTERM);
        agent_wait_end(c, "a1", "success", 0);
        g_free(agents_clean_up(c));
        create(c, &(Create){ .id = "a1" });
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        create(c, &(Create){ .id = "a2" });
        sd_bus_message_unref(client_call(c, path, AGENT_INTERFACE, "Stop", "u", 0u));
        create(c, &(Create){ .id = "a3" });
        sd_bus_message_unref(client_call(c, MANAGER, "ShutdownAgents", "u", 0u));
        expect_number("processes", 0, agent_process_count());
}

static void test_members_of_the_group_may_act(void)
{
        _cleanup_client_ Client *member = client_new_as("nobody", AGENTHOST_GROUP);

        agents_prepare();
        expect_may_act(member);
}

static void test_our_own_user_may_act(void)
{
        _cleanup_client_ Client *own = client_new_as(AGENTHOST_USER, NULL);

        agents_prepare();
        expect_may_act(own);
}

/* Being one of an agent's own users gives no right. */
static void test_agents_may_not_act(void)
{
        _cleanup_client_ Client *agent = client_new_as(AGENT_USER, NULL);

        agents_prepare();
        create_expect_error(agent, &(Create){ .id = "a1" }, DENIED, NULL);
}

/* The agent's texts are its own user's, nobody else's. */
static void test_texts_of_an_agent_are_readable_by_its_user_only(void)
{
        static const char *const texts[] = { "agent_spec", "guild_spec", "messaging_config",
                "client_properties" };
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1" });
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                g_autofree char *seen =
                        command("stat --format='%%a %%U' " CREDENTIALS_DIR "/agent-a1.scope/%s", texts[i]);

                expect_text(texts[i], "400 " AGENT_USER, g_strstrip(seen));
        }
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        expect_false("the directory is there",
                g_file_test(CREDENTIALS_DIR "/agent-a1.scope", G_FILE_TEST_EXISTS));
}

static void test_sockets_and_state_are_closed_to_others(void)
{
        static const struct {
                const char *path, *expected;
        } cases[] = {
                { "/run/agenthost", "755 root" },
                { "/run/agenthost/launcher.sock", "600 agenthost" },
                { STATE_DIR, "700 agenthost" },
                { CREDENTIALS_DIR, "711 root" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *seen = command("stat --format='%%a %%U' %s", cases[i].path);

                expect_text(cases[i].path, cases[i].expected, g_strstrip(seen));
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/access/" name, test_##function)
        ADD("others-may-not-act", others_may_not_act);
        ADD("others-may-call-nothing-but-looks", others_may_call_nothing_but_looks);
        ADD("the-name-is-ours-alone", the_name_is_ours_alone);
        ADD("others-may-look", others_may_look);
        ADD("members-of-the-group-may-act", members_of_the_group_may_act);
        ADD("our-own-user-may-act", our_own_user_may_act);
        ADD("agents-may-not-act", agents_may_not_act);
        ADD("texts-of-an-agent-are-readable-by-its-user-only",
                texts_of_an_agent_are_readable_by_its_user_only);
        ADD("sockets-and-state-are-closed-to-others", sockets_and_state_are_closed_to_others);
#undef ADD

        return host_tests_run();
}

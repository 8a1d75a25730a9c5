/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who may do what: root, our own user and members of group agenthost may act; everybody may look, but not at
 * specs. What polkit has to say to that: test-polkit.c. */

#include <glib.h>
#include <signal.h>

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

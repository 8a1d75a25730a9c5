/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Those who are neither root nor in the group: polkit says what they may. Whatever is wrong with polkit,
 * they may nothing, are told why, and nobody else is hindered. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define DENIED SD_BUS_ERROR_ACCESS_DENIED
#define CHALLENGE SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED
#define POLKIT_SERVICE "polkit.service"

#define OURS "if (action.id != 'org.agenthost.host1.manage-agents') return polkit.Result.NOT_HANDLED;\n"
#define RULE_YES OURS "if (subject.user == 'nobody') return polkit.Result.YES;"

/* What agenthostd lets wait for polkit, of one caller and of all. */
#define WAITING_MAX_OF_ONE 32u
#define WAITING_MAX 96u

static Call *send_interactive(Client *c, const char *member, const char *id)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        must(sd_bus_message_new_method_call(client_bus(c), &m, BUS_NAME, MANAGER, member), "making a call");
        must(sd_bus_message_append(m, "s", id), "filling in a call");
        must(sd_bus_message_set_allow_interactive_authorization(m, 1), "allowing interaction");
        return client_send_message(c, m);
}

static void test_without_a_rule_one_has_to_authenticate(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL);

        create(root, &(Create){ .id = "a1" });
        create_expect_error(nobody, &(Create){ .id = "a2" }, CHALLENGE,
                "and for those who authenticate: call with interactive authorization allowed, or add yourself "
                "with 'usermod -aG agenthost USER'");
        call_expect_error(client_send(nobody, MANAGER, "GetAgentSpec", "s", "a1"), CHALLENGE, NULL);
        expect_number("processes", 1, agent_process_count());
}

static void expect_may_act(Client *c)
{
        _cleanup_free_ char *path = agent_path("a1");

        create(c, &(Create){ .id = "a1" });
        sd_bus_message_unref(client_call(c, MANAGER, "GetAgentSpec", "s", "a1"));
        sd_bus_message_unref(client_call(c, path, AGENT_INTERFACE, "Kill", "si", "main", SIGKILL));
        agent_wait_end(c, "a1", "signal", SIGKILL);
        g_free(agents_clean_up(c));
        create(c, &(Create){ .id = "a1" });
        sd_bus_message_unref(client_call(c, path, AGENT_INTERFACE, "Stop", "u", 0u));
        create(c, &(Create){ .id = "a1" });
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        sd_bus_message_unref(client_call(c, MANAGER, "ShutdownAgents", "u", 0u));
}

static void test_with_a_rule_one_may_act(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL),
                                *other = client_new_as("daemon", NULL);

        polkit_rule(RULE_YES);
        expect_may_act(nobody);
        create_expect_error(other, &(Create){ .id = "a2" }, CHALLENGE, NULL);
        create(root, &(Create){ .id = "a3" });
}

static void test_a_rule_may_also_refuse(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL),
                                *member = client_new_as("nobody", AGENTHOST_GROUP);

        polkit_rule(OURS "return polkit.Result.NO;");
        create_expect_error(nobody, &(Create){ .id = "a1" }, DENIED,
                "CreateAgent is for root and members of group agenthost; add yourself with 'usermod -aG");
        /* They are not for polkit to judge. */
        create(member, &(Create){ .id = "a2" });
        create(root, &(Create){ .id = "a3" });
}

static void test_rules_see_method_agent_and_guild(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL);
        _cleanup_free_ char *path1 = agent_path("a1"), *path2 = agent_path("b 2");
        g_autofree char *spec1 = agent_spec_text("a1"), *spec2 = agent_spec_text("a2");

        polkit_rule(OURS
                "var verb = action.lookup('verb'), agent = action.lookup('agent'), guild = action.lookup('guild');\n"
                "if (verb == 'CreateAgent' && agent == 'a1' && guild == 'g1') return polkit.Result.YES;\n"
                "if (verb == 'Stop' && agent == 'b 2' && guild == 'g2') return polkit.Result.YES;\n"
                "if (verb == 'StopAgent' && agent == 'b 2' && guild == 'g2') return polkit.Result.YES;\n"
                "if (verb == 'StopAgent' && agent == 'gone' && !guild) return polkit.Result.YES;\n"
                "if (verb == 'SelectHost' && agent == 'a1' && !guild) return polkit.Result.YES;\n"
                "if (verb == 'CleanupDeadAgents' && !agent && !guild) return polkit.Result.YES;");

        create(nobody, &(Create){ .id = "a1", .guild = "g1" });
        create_expect_error(nobody, &(Create){ .id = "a3", .guild = "g1" }, CHALLENGE, NULL);
        create_expect_error(nobody, &(Create){ .id = "a1", .guild = "g2" }, CHALLENGE, NULL);
        call_expect_error(
                client_send(nobody, path1, AGENT_INTERFACE, "Stop", "u", 0u), CHALLENGE, "Stop is for");
        call_expect_error(client_send(nobody, MANAGER, "StopAgent", "su", "a1", 0u), CHALLENGE, NULL);

        create(root, &(Create){ .id = "b 2", .guild = "g2" });
        sd_bus_message_unref(client_call(nobody, path2, AGENT_INTERFACE, "Stop", "u", 0u));
        create(root, &(Create){ .id = "b 2", .guild = "g2" });
        expect_true("StopAgent", agent_stop(nobody, "b 2", 0));
        expect_false("StopAgent of one that is gone", agent_stop(nobody, "gone", 0));
        g_free(agents_clean_up(nobody));

        sd_bus_message_unref(client_call(nobody, MANAGER, "SelectHost", "s", spec1));
        call_expect_error(client_send(nobody, MANAGER, "SelectHost", "s", spec2), CHALLENGE, NULL);
}

/* polkit 122 looks at the groups of the user, newer ones at those of the process: the same here. */
static void test_the_example_does_what_it_says(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = NULL;

        g_free(command("systemd-sysusers --inline 'g developers -' 'm nobody developers'"));
        nobody = client_new_as("nobody", "developers");
        polkit_rules_file("/usr/share/doc/agenthost/examples/50-agenthost.rules");
        create(nobody, &(Create){ .id = "a1", .guild = "playground" });
        create_expect_error(nobody, &(Create){ .id = "a2", .guild = "production" }, CHALLENGE, NULL);
        create(root, &(Create){ .id = "a2", .guild = "production" });
        call_expect_error(client_send(nobody, MANAGER, "StopAgent", "su", "a2", 0u), CHALLENGE, NULL);
        call_expect_error(client_send(nobody, MANAGER, "GetAgentSpec", "s", "a1"), CHALLENGE, NULL);
        expect_true("StopAgent", agent_stop(nobody, "a1", 0));
}

/* A call with broken arguments tells polkit less, and is refused as it would be with good ones. */
static void test_broken_specs_are_not_looked_at_before_polkit_agrees(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL);

        (void)root;
        create_expect_error(nobody, &(Create){ .agent_spec = "no JSON" }, CHALLENGE, NULL);
        polkit_rule(RULE_YES);
        create_expect_error(nobody, &(Create){ .agent_spec = "no JSON" }, ERROR_("InvalidSpec"), NULL);
}

static void test_polkit_is_asked_each_time(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL);

        (void)root;
        polkit_rule(RULE_YES);
        create(nobody, &(Create){ .id = "a1" });
        polkit_rule(NULL);
        create_expect_error(nobody, &(Create){ .id = "a2" }, CHALLENGE, NULL);
        polkit_rule(RULE_YES);
        create(nobody, &(Create){ .id = "a2" });
}

static void test_without_polkit_others_may_not_act(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL),
                                *member = client_new_as("nobody", AGENTHOST_GROUP);

        polkit_mask();
        create_expect_error(nobody, &(Create){ .id = "a1" }, DENIED,
                "let a rule of polkit allow you org.agenthost.host1.manage-agents (polkit does not help now: ");
        call_expect_error(
                send_interactive(nobody, "GetAgentSpec", "a1"), DENIED, "polkit does not help now: ");
        create(member, &(Create){ .id = "a2" });
        create(root, &(Create){ .id = "a3" });
}

static void test_a_polkit_that_hangs_is_waited_for_for_a_while(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL);
        Call *call;

        /* To be there. */
        create_expect_error(nobody, &(Create){ .id = "a1" }, CHALLENGE, NULL);
        service_signal(POLKIT_SERVICE, SIGSTOP);
        call = create_send(nobody, &(Create){ .id = "a1" });
        create(root, &(Create){ .id = "a2" });
        call_expect_error(call, DENIED, "polkit does not help now: ");
        service_signal(POLKIT_SERVICE, SIGCONT);
        create_expect_error(nobody, &(Create){ .id = "a1" }, CHALLENGE, NULL);
}

/* Sends a call and comes back when it has been looked at: what root is answered comes later. */
static Call *send_and_let_arrive(Client *c, Client *root, const char *id)
{
        Call *call = client_send(c, MANAGER, "GetAgentSpec", "s", id);

        sd_bus_message_unref(client_call(root, MANAGER, "Health", ""));
        return call;
}

static bool is_refused_for_the_number(Call *call)
{
        const sd_bus_error *e;
        _cleanup_message_ sd_bus_message *answer = NULL;

        if (!call_is_answered(call))
                return false;
        answer = call_answer(call);
        e = sd_bus_message_get_error(answer);
        expect_text("the error", SD_BUS_ERROR_LIMITS_EXCEEDED, e ? e->name : NULL);
        return true;
}

/* Fills all places of those who wait for polkit; freed once they leave. */
static void test_who_leaves_while_polkit_is_asked_is_not_waited_for(void)
{
        _cleanup_client_ Client *root = agents_begin(), *last = client_new_as("nobody", NULL);
        Client *callers[WAITING_MAX / WAITING_MAX_OF_ONE];
        Call *calls[ELEMENTSOF(callers)][WAITING_MAX_OF_ONE], *call;

        call_expect_error(client_send(last, MANAGER, "GetAgentSpec", "s", "a1"), CHALLENGE, NULL);
        service_signal(POLKIT_SERVICE, SIGSTOP);
        for (size_t i = 0; i < ELEMENTSOF(callers); i++) {
                callers[i] = client_new_as("nobody", NULL);
                for (size_t k = 0; k < WAITING_MAX_OF_ONE; k++)
                        calls[i][k] = client_send(callers[i], MANAGER, "GetAgentSpec", "s", "a1");
                /* One more than one may have. */
                call_expect_error(client_send(callers[i], MANAGER, "GetAgentSpec", "s", "a1"),
                        SD_BUS_ERROR_LIMITS_EXCEEDED, "call again when they are answered");
        }
        call_expect_error(
                client_send(last, MANAGER, "GetAgentSpec", "s", "a1"), SD_BUS_ERROR_LIMITS_EXCEEDED, NULL);
        create(root, &(Create){ .id = "a1" });

        for (size_t i = 0; i < ELEMENTSOF(callers); i++) {
                for (size_t k = 0; k < WAITING_MAX_OF_ONE; k++)
                        call_forget(calls[i][k]);
                client_free(callers[i]);
        }
        do
                call = send_and_let_arrive(last, root, "a1");
        while (is_refused_for_the_number(call));

        service_signal(POLKIT_SERVICE, SIGCONT);
        call_expect_error(call, CHALLENGE, NULL);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/polkit/" name, test_##function)
        ADD("without-a-rule-one-has-to-authenticate", without_a_rule_one_has_to_authenticate);
        ADD("with-a-rule-one-may-act", with_a_rule_one_may_act);
        ADD("a-rule-may-also-refuse", a_rule_may_also_refuse);
        ADD("rules-see-method-agent-and-guild", rules_see_method_agent_and_guild);
        ADD("the-example-does-what-it-says", the_example_does_what_it_says);
        ADD("broken-specs-are-not-looked-at-before-polkit-agrees",
                broken_specs_are_not_looked_at_before_polkit_agrees);
        ADD("polkit-is-asked-each-time", polkit_is_asked_each_time);
        ADD("without-polkit-others-may-not-act", without_polkit_others_may_not_act);
        ADD("a-polkit-that-hangs-is-waited-for-for-a-while", a_polkit_that_hangs_is_waited_for_for_a_while);
        ADD("who-leaves-while-polkit-is-asked-is-not-waited-for",
                who_leaves_while_polkit_is_asked_is_not_waited_for);
#undef ADD

        return host_tests_run();
}

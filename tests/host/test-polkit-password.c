/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Those who may act once they have authenticated: they are asked for a password if their call allows it and
 * there is somebody to ask (a polkit agent, played here). */

#include <glib.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define DENIED SD_BUS_ERROR_ACCESS_DENIED
#define CHALLENGE SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED

static Call *send_interactive(Client *c, const char *member, const char *id)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        must(sd_bus_message_new_method_call(client_bus(c), &m, BUS_NAME, MANAGER, member), "making a call");
        must(sd_bus_message_append(m, "s", id), "filling in a call");
        must(sd_bus_message_set_allow_interactive_authorization(m, 1), "allowing interaction");
        return client_send_message(c, m);
}

/* What pkttyagent does, but for the password: it is root's, and root says that it was right. */
typedef struct PasswordAgent {
        Client *root;
        sd_bus_message *begun; /* BeginAuthentication, until it is answered */
        char *action, *text;
        bool cancelled;
} PasswordAgent;

#define AUTHORITY "org.freedesktop.PolicyKit1.Authority"
#define POLKIT "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", AUTHORITY
#define PASSWORD_AGENT_PATH "/test/PasswordAgent"

static int on_begin(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        PasswordAgent *agent = userdata;
        const char *action, *text;

        (void)error;

        must(sd_bus_message_read(m, "ss", &action, &text), "reading BeginAuthentication");
        agent->action = g_strdup(action);
        agent->text = g_strdup(text);
        agent->begun = sd_bus_message_ref(m);
        return 1;
}

static int on_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        PasswordAgent *agent = userdata;

        (void)error;

        agent->cancelled = true;
        return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable password_agent_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD(
                "BeginAuthentication", "sssa{ss}sa(sa{sv})", NULL, on_begin, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("CancelAuthentication", "s", NULL, on_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

/* When this process was started, in clock ticks since the boot: proc(5). */
static uint64_t start_time(void)
{
        g_autofree char *stat = NULL;
        g_auto(GStrv) fields = NULL;

        if (!g_file_get_contents("/proc/self/stat", &stat, NULL, NULL))
                fail("/proc/self/stat: %m");
        fields = g_strsplit(strrchr(stat, ')') + 2, " ", -1);
        return g_ascii_strtoull(fields[22 - 3], NULL, 10);
}

/* For all connections of this process, whoever made them. */
static void password_agent_register(PasswordAgent *agent, Client *root)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        *agent = (PasswordAgent){ .root = root };
        must(sd_bus_add_object_vtable(client_bus(root), NULL, PASSWORD_AGENT_PATH,
                     "org.freedesktop.PolicyKit1.AuthenticationAgent", password_agent_vtable, agent),
                "adding an object");
        if (sd_bus_call_method(client_bus(root), POLKIT, "RegisterAuthenticationAgent", &error, NULL,
                    "(sa{sv})ss", "unix-process", 2, "pid", "u", (uint32_t)getpid(), "start-time", "t",
                    start_time(), "C.UTF-8", PASSWORD_AGENT_PATH) < 0)
                fail("RegisterAuthenticationAgent: %s", error.message);
}

static void password_agent_done(PasswordAgent *agent)
{
        sd_bus_message_unref(agent->begun);
        g_free(agent->action);
        g_free(agent->text);
}

static bool has_begun(Client *c, void *userdata)
{
        const PasswordAgent *agent = userdata;

        (void)c;
        return agent->begun;
}

static bool is_cancelled(Client *c, void *userdata)
{
        const PasswordAgent *agent = userdata;

        (void)c;
        return agent->cancelled;
}

static void password_agent_await(PasswordAgent *agent)
{
        client_wait(agent->root, has_begun, agent, "somebody is asked for a password");
        expect_text("action", "org.agenthost.host1.manage-agents", agent->action);
        expect_text("message", "Authentication is required to create, stop or inspect agents.", agent->text);
}

/* right: the password was; else there was none. */
static void password_agent_answer(PasswordAgent *agent, bool right)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *cookie;

        must(sd_bus_message_rewind(agent->begun, true), "reading BeginAuthentication");
        must(sd_bus_message_skip(agent->begun, "sssa{ss}"), "reading BeginAuthentication");
        must(sd_bus_message_read(agent->begun, "s", &cookie), "reading BeginAuthentication");
        if (right &&
                sd_bus_call_method(client_bus(agent->root), POLKIT, "AuthenticationAgentResponse2", &error,
                        NULL, "us(sa{sv})", 0u, cookie, "unix-user", 1, "uid", "u", 0u) < 0)
                fail("AuthenticationAgentResponse2: %s", error.message);
        must(sd_bus_reply_method_return(agent->begun, NULL), "answering BeginAuthentication");
        must(sd_bus_flush(client_bus(agent->root)), "answering BeginAuthentication");
}

/* There is no session here in which anybody could be asked. */
static void test_without_an_agent_nobody_is_asked_for_a_password(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL);

        create(root, &(Create){ .id = "a1" });
        call_expect_error(send_interactive(nobody, "GetAgentSpec", "a1"), DENIED,
                "nobody could be asked for a password, as no polkit agent runs in your session");
}

static void test_with_a_password_one_may_act(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL);
        _cleanup_(password_agent_done) PasswordAgent agent;
        Call *call;

        create(root, &(Create){ .id = "a1" });
        password_agent_register(&agent, root);
        /* Not asked, as the call does not allow it. */
        call_expect_error(client_send(nobody, MANAGER, "GetAgentSpec", "s", "a1"), CHALLENGE, NULL);
        expect_true("nobody was asked", agent.begun == NULL);

        call = send_interactive(nobody, "GetAgentSpec", "a1");
        password_agent_await(&agent);
        /* Others are not kept waiting by it. */
        create(root, &(Create){ .id = "a2" });
        password_agent_answer(&agent, true);
        sd_bus_message_unref(call_success(call));
}

static void test_without_the_password_one_may_not_act(void)
{
        _cleanup_client_ Client *root = agents_begin(), *nobody = client_new_as("nobody", NULL);
        _cleanup_(password_agent_done) PasswordAgent agent;
        Call *call;

        create(root, &(Create){ .id = "a1" });
        password_agent_register(&agent, root);
        call = send_interactive(nobody, "GetAgentSpec", "a1");
        password_agent_await(&agent);
        password_agent_answer(&agent, false);
        call_expect_error(call, DENIED, "GetAgentSpec is for root and members of group agenthost");
}

static void test_who_leaves_is_not_asked_for_a_password_any_more(void)
{
        _cleanup_client_ Client *root = agents_begin();
        _cleanup_(password_agent_done) PasswordAgent agent;
        Client *nobody = client_new_as("nobody", NULL);

        create(root, &(Create){ .id = "a1" });
        password_agent_register(&agent, root);
        call_forget(send_interactive(nobody, "GetAgentSpec", "a1"));
        password_agent_await(&agent);
        client_free(nobody);
        client_wait(root, is_cancelled, &agent, "the password is not asked for any more");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/polkit-password/" name, test_##function)
        ADD("without-an-agent-nobody-is-asked-for-a-password",
                without_an_agent_nobody_is_asked_for_a_password);
        ADD("with-a-password-one-may-act", with_a_password_one_may_act);
        ADD("without-the-password-one-may-not-act", without_the_password_one_may_not_act);
        ADD("who-leaves-is-not-asked-for-a-password-any-more",
                who_leaves_is_not_asked_for_a_password_any_more);
#undef ADD

        return host_tests_run();
}

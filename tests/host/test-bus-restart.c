/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The message bus may be restarted, or be away for a while: agents and agenthostd run on, and when the name
 * is there again everything is as true as before. */

#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define BUS_SOCKET "/run/dbus/system_bus_socket"
#define SERVICE "agenthostd.service"
#define DBUS "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus"

/* As a runtime: at SIGUSR1 it exits with 7. */
#define SEVEN "test-seven"

static bool name_has_owner(Client *c)
{
        _cleanup_message_ sd_bus_message *answer = NULL;
        int owned;

        must(sd_bus_call_method(client_bus(c), DBUS, "NameHasOwner", NULL, &answer, "s", BUS_NAME),
                "asking for the name");
        must(sd_bus_message_read(answer, "b", &owned), "reading who owns the name");
        return owned;
}

static bool is_owned(Client *c, void *userdata)
{
        (void)userdata;

        return name_has_owner(c);
}

/* A call would have the bus start what owns the name. */
static Client *client_new_when_owned(void)
{
        Client *c = client_new();

        client_add_match(c,
                "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" BUS_NAME "'");
        client_wait(c, is_owned, NULL, BUS_NAME " is owned again");
        client_drop_signals(c);
        return c;
}

static void stop_bus(void)
{
        g_free(command("systemctl stop dbus.socket dbus.service"));
}

static void start_bus(void)
{
        g_free(command("systemctl start dbus.socket dbus.service"));
}

static void restart_bus(void)
{
        g_free(command("systemctl restart dbus.service"));
}

static void expect_same_process(pid_t before)
{
        g_autofree char *restarts = command("systemctl show --property=NRestarts --value " SERVICE);

        expect_number("MainPID of " SERVICE, before, service_pid(SERVICE));
        expect_text("NRestarts", "0", g_strstrip(restarts));
}

/* For expect_same_process(). */
static Client *begin(void)
{
        g_free(command("systemctl stop " SERVICE));
        g_free(command("systemctl start " SERVICE));
        runtime_add(SEVEN, "notify", "ready wait exit=7", NULL);
        return agents_begin();
}

static void expect_works(Client *c, const char *expected_list)
{
        g_autofree char *list = agent_list(c, "");

        expect_text("ListAgents", expected_list, list);
        create(c, &(Create){ .id = "later", .runtime = NOTIFY, .wait = "ready" });
        agent_expect(c, "later", "State", "running");
        sd_bus_message_unref(client_take_signal(c, "AgentAdded", "later"));
        sd_bus_message_unref(
                client_call(c, HOST_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", ""));
        expect_true("StopAgent", agent_stop(c, "later", 0));
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "later"));
}

static void test_agents_and_service_run_on(void)
{
        _cleanup_client_ Client *before = begin(), *after = NULL;
        pid_t service = service_pid(SERVICE), agent;

        agent = create(before, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        create(before, &(Create){ .id = "a2", .runtime = SEVEN, .wait = "ready" });
        agent_signal(before, "a2", SIGUSR1);
        agent_wait_end(before, "a2", "exit-code", 7);

        restart_bus();
        after = client_new_when_owned();
        expect_same_process(service);
        expect_true("the agent is alive", process_is_alive(agent));
        agent_expect(after, "a1", "State", "running");
        agent_expect(after, "a2", "ExitStatus", "7");
        expect_works(after, "a1 a2");
        expect_true("journal", journal_has(SERVICE, "Connected to the message bus again"));
}

/* Not quicker than the name is back: dbus-broker-launch, stopped while it starts, may hang until it is
 * killed. */
static void test_many_restarts_in_a_row(void)
{
        _cleanup_client_ Client *before = begin(), *after = NULL;
        pid_t service = service_pid(SERVICE);

        create(before, &(Create){ .id = "a1" });
        /* So many that systemd does not refuse to start the bus. */
        for (unsigned i = 0; i < 4; i++) {
                restart_bus();
                g_free(command("systemctl reset-failed dbus.service"));
                client_free(after);
                after = client_new_when_owned();
        }
        expect_same_process(service);
        expect_works(after, "a1");
}

/* Nobody is told, everybody can see it afterwards. */
static void test_agents_that_end_while_the_bus_is_away_have_ended(void)
{
        _cleanup_client_ Client *before = begin(), *after = NULL;
        pid_t service = service_pid(SERVICE), a1, a2;

        a1 = create(before, &(Create){ .id = "a1", .runtime = SEVEN, .wait = "ready" });
        a2 = create(before, &(Create){ .id = "a2" });
        create(before, &(Create){ .id = "a3" });

        stop_bus();
        if (kill(a1, SIGUSR1) < 0 || kill(a2, SIGKILL) < 0)
                fail("the agents cannot be signalled: %m");
        g_free(command("systemctl stop agent-a3.scope"));
        start_bus();

        after = client_new_when_owned();
        expect_same_process(service);
        agent_wait(after, "a1", "State", "exited");
        agent_expect(after, "a1", "ExitStatus", "7");
        agent_wait(after, "a2", "State", "failed");
        agent_expect(after, "a2", "Result", "signal");
        expect_works(after, "a1 a2");
}

/* The caller gets no answer; the agent is there all the same, and a repeat finds it. */
static void test_launches_go_on_when_their_callers_are_cut_off(void)
{
        _cleanup_client_ Client *before = begin(), *after = NULL;
        Create request = { .id = "a1", .runtime = SILENT, .wait = "ready", .request_id = "r1" };
        Call *call, *repeat;

        call = create_send(before, &request);
        sd_bus_message_unref(client_take_signal(before, "AgentAdded", "a1"));
        agent_wait(before, "a1", "StatusText", "waiting");
        restart_bus();
        call_forget(call);

        after = client_new_when_owned();
        repeat = create_send(after, &request);
        agent_let_be_ready(after, "a1");
        sd_bus_message_unref(call_success(repeat));
        agent_expect(after, "a1", "State", "running");
        expect_works(after, "a1");
}

/* Unique names begin anew: what was known of one says nothing of who has it now. */
static void test_nobody_inherits_the_rights_of_a_name(void)
{
        _cleanup_client_ Client *before = begin(), *after = NULL;
        Client *others[256];
        const char *name, *old_name;
        g_autofree char *copy = NULL;
        size_t n = 0;

        polkit_mask();
        create(before, &(Create){ .id = "a1" });
        must(sd_bus_get_unique_name(client_bus(before), &old_name), "our name");
        copy = g_strdup(old_name);
        restart_bus();
        after = client_new_when_owned();
        /* Names are given in turn. */
        do {
                if (n == ELEMENTSOF(others))
                        fail("no connection gets the name %s again", copy);
                others[n] = client_new_as("nobody", NULL);
                must(sd_bus_get_unique_name(client_bus(others[n]), &name), "a name");
                n++;
        } while (strcmp(name, copy) != 0);

        call_expect_error(client_send(others[n - 1], MANAGER, "StopAgent", "su", "a1", 0u),
                SD_BUS_ERROR_ACCESS_DENIED, NULL);
        while (n > 0)
                client_free(others[--n]);
        agent_expect(after, "a1", "State", "running");
}

/* A bus that takes connections and says nothing. */
static int listen_as_the_bus(void)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = BUS_SOCKET };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)unlink(BUS_SOCKET);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 64) < 0)
                fail(BUS_SOCKET ": %m");
        g_free(command("chmod 0666 " BUS_SOCKET));
        return fd;
}

static void test_a_bus_that_says_nothing_holds_nobody_up(void)
{
        _cleanup_client_ Client *before = begin(), *after = NULL;
        _cleanup_close_ int bus = -EBADF, connection = -EBADF;
        g_autofree char *result = NULL;
        pid_t a1, service = service_pid(SERVICE);

        a1 = create(before, &(Create){ .id = "a1", .runtime = SEVEN, .wait = "ready" });
        create(before, &(Create){ .id = "a2" });
        stop_bus();
        bus = listen_as_the_bus();
        do {
                struct ucred peer;
                socklen_t size = sizeof(peer);

                close_fd(connection);
                connection = accept4(bus, NULL, NULL, SOCK_CLOEXEC);
                if (connection < 0 || getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                        fail("nobody connects: %m");
                if (peer.pid == service)
                        break;
        } while (true);

        /* It goes on working meanwhile: what ends is written down, and so acknowledged and reaped. */
        if (kill(a1, SIGUSR1) < 0)
                fail("the agent cannot be signalled: %m");
        process_wait_end(a1);
        while (kill(a1, 0) == 0)
                g_usleep(5000);
        /* And ends when it is told to, without being killed for it. */
        g_free(command("systemctl stop " SERVICE));
        result = command("systemctl show --property=Result --value " SERVICE);
        expect_text("Result of " SERVICE, "success", g_strstrip(result));

        close_fd(steal_fd(&bus));
        (void)unlink(BUS_SOCKET);
        start_bus();
        g_free(command("systemctl start " SERVICE));
        after = client_new_when_owned();
        agent_expect(after, "a1", "ExitStatus", "7");
        expect_works(after, "a1 a2");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/bus-restart/" name, test_##function)
        ADD("agents-and-service-run-on", agents_and_service_run_on);
        ADD("many-restarts-in-a-row", many_restarts_in_a_row);
        ADD("agents-that-end-while-the-bus-is-away-have-ended",
                agents_that_end_while_the_bus_is_away_have_ended);
        ADD("launches-go-on-when-their-callers-are-cut-off", launches_go_on_when_their_callers_are_cut_off);
        ADD("nobody-inherits-the-rights-of-a-name", nobody_inherits_the_rights_of_a_name);
        ADD("a-bus-that-says-nothing-holds-nobody-up", a_bus_that_says_nothing_holds_nobody_up);
#undef ADD

        return host_tests_run();
}

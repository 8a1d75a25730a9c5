/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Freeze() and Thaw(). */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

static void call_method(Client *c, const char *id, const char *method)
{
        _cleanup_free_ char *path = agent_path(id);

        sd_bus_message_unref(client_call(c, path, AGENT_INTERFACE, method, ""));
}

static void expect_refused(Client *c, const char *id, const char *method, const char *part)
{
        _cleanup_free_ char *path = agent_path(id);

        call_expect_error(client_send(c, path, AGENT_INTERFACE, method, ""), SD_BUS_ERROR_FAILED, part);
}

static void expect_freezer(const char *id, const char *expected)
{
        _cleanup_free_ char *unit = agent_unit(id);
        g_autofree char *state = scope_property(unit, "Unit", "FreezerState");

        expect_text("FreezerState", expected, state);
}

static void expect_cgroup_frozen(const char *path)
{
        g_autofree char *events = command("cat /sys/fs/cgroup/agents.slice/%s/cgroup.events", path);

        expect_part(path, "frozen 1", events);
}

static void create_frozen(Client *c, const char *id, const char *runtime)
{
        create(c, &(Create){ .id = id, .runtime = runtime, .wait = "ready" });
        call_method(c, id, "Freeze");
        agent_expect(c, id, "State", "frozen");
        agent_expect(c, id, "Alive", "true");
        expect_freezer(id, "frozen");
}

static void expect_runs(Client *c, const char *id)
{
        agent_expect(c, id, "State", "running");
        expect_freezer(id, "running");
}

static void test_frozen_agent_does_nothing_until_it_is_thawed(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create_frozen(c, "a1", NOTIFY);
        agent_signal(c, "a1", SIGTERM);
        call_method(c, "a1", "Freeze");
        agent_expect(c, "a1", "State", "frozen");
        call_method(c, "a1", "Thaw");
        agent_wait_end(c, "a1", "success", 0);
}

static void test_thawing_what_runs_changes_nothing(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        call_method(c, "a1", "Thaw");
        expect_runs(c, "a1");
}

static void test_frozen_agent_can_be_stopped(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create_frozen(c, "a1", NOTIFY);
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        agent_wait_end(c, "a1", "success", 0);
        expect_false("agent is known", agent_is_known(c, "a1"));
}

static void test_frozen_agent_can_be_restarted(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create_frozen(c, "a1", NOTIFY);
        agent_restart(c, "a1");
        agent_wait_end(c, "a1", "success", 0);
        agent_wait(c, "a1", "State", "running");
        expect_freezer("a1", "running");
}

static void test_frozen_agent_can_be_killed(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create_frozen(c, "a1", STUBBORN);
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        agent_expect(c, "a1", "State", "failed");
        expect_number("processes", 0, agent_process_count());
}

/* systemd of Debian 12 thaws it, that of Debian 13 refuses: then nobody has asked for anything. */
static void test_frozen_agent_is_stopped_by_an_administrator_or_goes_on(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *says = NULL;

        create_frozen(c, "a1", NOTIFY);
        says = command("sh -c 'systemctl stop agent-a1.scope 2>&1 || true'");
        if (says[0]) {
                expect_part("systemctl stop", "frozen", says);
                agent_expect(c, "a1", "State", "frozen");
                expect_freezer("a1", "frozen");
                agent_signal(c, "a1", SIGKILL);
                agent_wait_end(c, "a1", "signal", SIGKILL);
        } else {
                agent_wait_end(c, "a1", "success", 0);
                sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "a1"));
        }
}

/* systemd of Debian 12 thaws a slice for a scope in it, and leaves its other scopes as they are; that of
 * Debian 13 does not. */
static bool scope_is_thawed_in_a_frozen_slice(const char *unit)
{
        g_autofree char *says = command("sh -c 'systemctl thaw %s 2>&1 || true'", unit);

        if (says[0])
                expect_part("systemctl thaw", "frozen", says);
        return !says[0];
}

/* Where it is not thawed it cannot act on the signal. */
static void test_agent_of_a_frozen_guild_can_be_stopped(void)
{
        _cleanup_client_ Client *c = agents_begin();
        bool is_thawed;

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        create(c, &(Create){ .id = "a2", .runtime = NOTIFY, .wait = "ready" });
        create(c, &(Create){ .id = "a3", .runtime = STUBBORN, .wait = "ready" });
        g_free(command("systemctl freeze agents-g.slice"));
        is_thawed = scope_is_thawed_in_a_frozen_slice("agent-a2.scope");
        g_free(command("systemctl freeze agents-g.slice"));

        expect_true("StopAgent", agent_stop(c, "a1", 1));
        agent_wait_end(c, "a1", "success", is_thawed ? 0 : SIGKILL);
        expect_true("StopAgent of one with a child", agent_stop(c, "a3", 1));
        agent_wait_end(c, "a3", "success", SIGKILL);
        expect_cgroup_frozen("agents-g.slice/agent-a2.scope");
        g_free(command("systemctl thaw agents-g.slice"));
        expect_true("StopAgent of the last", agent_stop(c, "a2", 0));
        agent_wait_end(c, "a2", "success", 0);
        expect_number("processes", 0, agent_process_count());
}

static void expect_freeze_lasts_over(void (*interruption)(void))
{
        _cleanup_client_ Client *c = agents_begin();

        create_frozen(c, "a1", NOTIFY);
        interruption();
        agent_expect(c, "a1", "State", "frozen");
        expect_freezer("a1", "frozen");
        /* Both sides must have found each other again. */
        agent_signal(c, "a1", SIGCONT);
        call_method(c, "a1", "Thaw");
        expect_runs(c, "a1");
}

static void crash_of_the_launcher(void)
{
        _cleanup_client_ Client *c = client_new();
        bool healthy = false;

        launcher_crash();
        while (!healthy) {
                _cleanup_message_ sd_bus_message *answer =
                        call_answer(create_send(c, &(Create){ .id = "probe" }));

                healthy = !sd_bus_message_is_method_error(answer, NULL);
        }
}

static void test_freeze_lasts_over_a_crash_of_agenthostd(void)
{
        expect_freeze_lasts_over(agenthostd_crash);
}

static void test_freeze_lasts_over_a_crash_of_the_launcher(void)
{
        expect_freeze_lasts_over(crash_of_the_launcher);
}

static void test_what_does_not_run_is_refused(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "starting", .runtime = SILENT });
        expect_refused(c, "starting", "Freeze", "starting");
        create(c, &(Create){ .id = "ended" });
        agent_signal(c, "ended", SIGKILL);
        agent_wait_end(c, "ended", "signal", SIGKILL);
        expect_refused(c, "ended", "Freeze", "failed");
        expect_refused(c, "ended", "Thaw", "failed");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/freeze/" name, test_##function)
        ADD("frozen-agent-does-nothing-until-it-is-thawed", frozen_agent_does_nothing_until_it_is_thawed);
        ADD("thawing-what-runs-changes-nothing", thawing_what_runs_changes_nothing);
        ADD("frozen-agent-can-be-stopped", frozen_agent_can_be_stopped);
        ADD("frozen-agent-can-be-restarted", frozen_agent_can_be_restarted);
        ADD("frozen-agent-can-be-killed", frozen_agent_can_be_killed);
        ADD("freeze-lasts-over-a-crash-of-agenthostd", freeze_lasts_over_a_crash_of_agenthostd);
        ADD("freeze-lasts-over-a-crash-of-the-launcher", freeze_lasts_over_a_crash_of_the_launcher);
        ADD("what-does-not-run-is-refused", what_does_not_run_is_refused);
        ADD("frozen-agent-is-stopped-by-an-administrator-or-goes-on",
                frozen_agent_is_stopped_by_an_administrator_or_goes_on);
        ADD("agent-of-a-frozen-guild-can-be-stopped", agent_of_a_frozen_guild_can_be_stopped);
#undef ADD

        return host_tests_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* More agents than the journal has streams for: those above the budget run without, none loses its output or
 * dies of it, and it is said. */

#include <glib.h>
#include <signal.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/outcome.h"

#define LAUNCHER "agenthost-launcher.service"

#define MANY 4200u /* journald takes 4,096 streams */
#define BUDGET 3000u
#define IN_FLIGHT 64u
#define STOP_SEC 120u /* for all of them, and systemd is slow then */

static bool writes_to_journal(pid_t pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/fd/1", (int)pid);
        g_autofree char *target = g_file_read_link(path, NULL);

        return target && g_str_has_prefix(target, "socket:");
}

/* agenthostd is back when all agents have been given back to the launcher. */
static void crash_both(void)
{
        launcher_crash();
        agenthostd_crash();
}

static void test_agents_above_the_budget_run_without(void)
{
        static const char warning[] =
                "2 agents write to the journal, which is as many as it can take safely";
        _cleanup_client_ Client *c = agents_begin();
        pid_t pids[4];

        unit_write(LAUNCHER, "[Service]\nEnvironment=AGENTHOST_STREAMS_MAX=2\n");
        crash_both();
        for (size_t i = 0; i < ELEMENTSOF(pids); i++) {
                g_autofree char *id = g_strdup_printf("a%zu", i);

                pids[i] = create(c, &(Create){ .id = id });
        }
        for (size_t i = 0; i < ELEMENTSOF(pids); i++)
                expect_true("whether it writes to the journal", writes_to_journal(pids[i]) == (i < 2));
        expect_true("journal", journal_has(LAUNCHER, warning));

        /* The next launcher counts those that it finds. */
        crash_both();
        expect_false("a fifth writes to the journal", writes_to_journal(create(c, &(Create){ .id = "a4" })));
        for (size_t i = 0; i < 5; i++) {
                g_autofree char *id = g_strdup_printf("a%zu", i);

                expect_true("StopAgent", agent_stop(c, id, 0));
        }
        expect_true("one more writes to the journal", writes_to_journal(create(c, &(Create){ .id = "a5" })));
}

/* Each says a line when it is started. */
static void create_many(Client *c, pid_t *pids)
{
        Call *calls[IN_FLIGHT];

        for (unsigned done = 0; done < MANY; done += IN_FLIGHT) {
                unsigned n = MANY - done < IN_FLIGHT ? MANY - done : IN_FLIGHT;

                for (unsigned i = 0; i < n; i++) {
                        g_autofree char *id = g_strdup_printf("a%u", done + i);

                        calls[i] = create_send(c, &(Create){ .id = id, .runtime = "test-talk" });
                }
                for (unsigned i = 0; i < n; i++) {
                        _cleanup_message_ sd_bus_message *answer = call_success(calls[i]);
                        uint32_t pid;

                        must(sd_bus_message_read(answer, "suo", NULL, &pid, NULL),
                                "reading CreateAgent's answer");
                        pids[done + i] = (pid_t)pid;
                }
                client_drop_signals(c);
        }
}

static void test_4200_agents_with_output_live(void)
{
        g_autofree pid_t *pids = g_new(pid_t, MANY);
        _cleanup_client_ Client *c = NULL;
        unsigned n_writing = 0;

        if (!g_getenv("AGENTHOST_TEST_ALL")) {
                g_test_skip("takes long: tests/run --all");
                return;
        }
        config_write("[Host]\nMaxAgents=5000\n");
        runtime_add("test-talk", "exec", "log=100 wait log=100 wait", NULL);
        c = agents_begin();

        create_many(c, pids);
        for (unsigned i = 0; i < MANY; i++) {
                expect_true("it lives", process_is_alive(pids[i]));
                n_writing += writes_to_journal(pids[i]);
        }
        expect_number("agents that write to the journal", BUDGET, n_writing);
        expect_true("journal", journal_has(LAUNCHER, "3000 agents write to the journal"));
        expect_false("journald is out of streams",
                journal_has("systemd-journald.service", "Too many stdout streams"));

        /* The last one's output goes nowhere, and it does not mind. */
        agent_signal(c, "a4199", SIGUSR1);
        agent_signal(c, "a0", SIGUSR1);
        expect_true("StopAgent", agent_stop(c, "a4199", 5));
        expect_true("StopAgent", agent_stop(c, "a0", 5));
        sd_bus_message_unref(call_success(client_send(c, MANAGER, "ShutdownAgents", "u", STOP_SEC)));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/streams/" name, test_##function)
        ADD("agents-above-the-budget-run-without", agents_above_the_budget_run_without);
        ADD("4200-agents-with-output-live", 4200_agents_with_output_live);
#undef ADD

        return host_tests_run();
}

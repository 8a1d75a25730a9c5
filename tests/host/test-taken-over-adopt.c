/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Somebody who has taken agenthostd over gives back what is no agent, so that it is killed for him. */

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "common/taken-over.h"
#include "pidfd.h"

static void adopted_add(GPtrArray *agents, const char *id, pid_t pid, int pidfd)
{
        Listed *l = g_new0(Listed, 1);

        l->unit = g_strdup_printf("agent-%s.scope", id);
        l->agent_id = g_strdup(id);
        l->guild_id = g_strdup("g");
        l->runtime = g_strdup("sleep");
        l->pid = pid;
        l->pidfd = pidfd;
        g_ptr_array_add(agents, l);
}

static void adopted_free(gpointer data)
{
        Listed *l = data;

        close(l->pidfd);
        g_free(l->unit);
        g_free(l->agent_id);
        g_free(l->guild_id);
        g_free(l->runtime);
        g_free(l);
}

/* Processes that are no agents: not taken, and nothing happens to them. */
static void test_only_agents_are_given_back(void)
{
        g_autoptr(Fixture) f = take_over();
        g_autoptr(GPtrArray) agents = g_ptr_array_new_with_free_func(adopted_free);
        pid_t victim = start_victim(), launcher = main_pid_of("agenthost-launcher.service");
        g_autoptr(Spawned) other = fixture_spawn(f, "other", "sleep");

        adopted_add(agents, "init", 1, pidfd_open_pid(1));
        adopted_add(agents, "launcher", launcher, pidfd_open_pid(launcher));
        adopted_add(agents, "victim", victim, pidfd_open_pid(victim));
        adopted_add(agents, "ours", getpid(), pidfd_open_pid(getpid()));
        /* In the scope of another agent. */
        adopted_add(agents, "thief", other->pid, pidfd_open_pid(other->pid));
        /* Another process's, and of one that is not there. */
        adopted_add(agents, "swapped", victim, pidfd_open_pid(getpid()));
        adopted_add(agents, "nobody", 0x3fffffff, pidfd_open_pid(victim));

        g_auto(GStrv) refused = fixture_adopt(f, agents);
        g_assert_cmpuint(g_strv_length(refused), ==, agents->len);
        for (guint i = 0; i < agents->len; i++) {
                const Listed *l = agents->pdata[i];
                const End *end = fixture_wait_end(f, l->unit);

                g_assert_true(g_strv_contains((const char *const *)refused, l->unit));
                g_assert_cmpstr(end->result, ==, "lost");
                fixture_acknowledge(f, l->unit);
        }

        g_assert_cmpint(main_pid_of("agenthost-launcher.service"), ==, launcher);
        expect_victim_alive(victim);
        stop_victim();
        g_assert_cmpint(kill(other->pid, 0), ==, 0);
        fixture_stop(f, other->unit, 0);
        fixture_expect_end(f, other, "success", CLD_KILLED, SIGTERM, true);
        expect_works(f);
}

static void test_only_pidfds_stand_for_a_process(void)
{
        g_autoptr(Fixture) f = take_over();
        pid_t victim = start_victim();
        int pipes[2];

        g_assert_cmpint(pipe2(pipes, O_CLOEXEC), ==, 0);
        const int bad[] = { open("/dev/null", O_RDONLY | O_CLOEXEC), memfd_create("no-pidfd", MFD_CLOEXEC),
                pipes[0], open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC) };

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autofree char *error = fixture_call(f, LAUNCHER_ADOPT, LAUNCHER_ADOPT_IN, 1,
                        "agent-a.scope", "a", "g", "sleep", (uint32_t)victim, bad[i]);

                g_assert_cmpstr(error, ==, SD_BUS_ERROR_INVALID_ARGS);
                close(bad[i]);
        }
        close(pipes[1]);
        expect_victim_alive(victim);
        stop_victim();
        expect_works(f);
}

static void send_call(Fixture *f, sd_bus_message *m)
{
        g_assert_cmpint(sd_bus_message_set_expect_reply(m, false), >=, 0);
        g_assert_cmpint(sd_bus_send(f->bus, m, NULL), >=, 0);
        sd_bus_message_unref(m);
}

static sd_bus_message *new_call(Fixture *f, const char *member)
{
        sd_bus_message *m;

        g_assert_cmpint(
                sd_bus_message_new_method_call(f->bus, &m, NULL, LAUNCHER_PATH, LAUNCHER_INTERFACE, member),
                >=, 0);
        return m;
}

/* Before systemd has said whose process it is, it is nobody's. */
static void test_a_process_that_is_given_back_is_not_touched_before_it_is_checked(void)
{
        g_autoptr(Fixture) f = take_over();
        pid_t victim = start_victim();
        pid_t launcher;
        int pidfd = pidfd_open_pid(victim);
        sd_bus_message *m;

        /* It finds all of it waiting for it at once. */
        expect_empty_list(f);
        launcher = main_pid_of("agenthost-launcher.service");
        g_assert_cmpint(kill(launcher, SIGSTOP), ==, 0);
        m = new_call(f, LAUNCHER_ADOPT);
        g_assert_cmpint(sd_bus_message_append(m, LAUNCHER_ADOPT_IN, 1, "agent-a.scope", "a", "g", "sleep",
                                (uint32_t)victim, pidfd),
                >=, 0);
        send_call(f, m);
        for (unsigned i = 0; i < 3; i++) {
                static const char *const whom[] = { "main", "all" };

                for (size_t k = 0; k < G_N_ELEMENTS(whom); k++) {
                        m = new_call(f, LAUNCHER_KILL);
                        g_assert_cmpint(sd_bus_message_append(
                                                m, LAUNCHER_KILL_IN, "agent-a.scope", whom[k], SIGKILL),
                                >=, 0);
                        send_call(f, m);
                }
                m = new_call(f, LAUNCHER_STOP);
                g_assert_cmpint(
                        sd_bus_message_append(m, LAUNCHER_STOP_IN, "agent-a.scope", UINT64_C(0)), >=, 0);
                send_call(f, m);
        }
        g_assert_cmpint(kill(launcher, SIGCONT), ==, 0);

        (void)fixture_wait_end(f, "agent-a.scope");
        fixture_acknowledge(f, "agent-a.scope");
        close(pidfd);
        expect_victim_alive(victim);
        stop_victim();
        expect_works(f);
}

static void test_names_that_do_not_belong_together_are_refused(void)
{
        static const struct {
                const char *unit, *id, *guild;
        } cases[] = {
                { VICTIM, "victim", "g" },
                { "dbus.service", "dbus", "g" },
                { "init.scope", "init", "g" },
                { "agent-a.scope", "b", "g" },
                { "agent-a.scope", "a\n", "g" },
                { "agent-a.scope", "a", "" },
        };
        g_autoptr(Fixture) f = take_over();
        pid_t victim = start_victim();
        int pidfd = pidfd_open_pid(victim);

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *error = fixture_call(f, LAUNCHER_ADOPT, LAUNCHER_ADOPT_IN, 1, cases[i].unit,
                        cases[i].id, cases[i].guild, "sleep", (uint32_t)victim, pidfd);

                g_assert_cmpstr(error, ==, SD_BUS_ERROR_INVALID_ARGS);
        }
        close(pidfd);
        expect_victim_alive(victim);
        stop_victim();
        expect_works(f);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) g_test_add_func("/taken-over-adopt/" name, test_##function)
        ADD("only-agents-are-given-back", only_agents_are_given_back);
        ADD("only-pidfds-stand-for-a-process", only_pidfds_stand_for_a_process);
        ADD("a-process-that-is-given-back-is-not-touched-before-it-is-checked",
                a_process_that_is_given_back_is_not_touched_before_it_is_checked);
        ADD("names-that-do-not-belong-together-are-refused", names_that_do_not_belong_together_are_refused);
#undef ADD

        return g_test_run();
}

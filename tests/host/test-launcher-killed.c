/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The launcher is killed at moments that were once fatal to somebody else's plans, found by the sweeps
 * (test-crash-points.c), which come by there only now and then. */

#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/agents.h"
#include "common/fleet.h"
#include "common/host-state.h"
#include "common/outcome.h"
#include "common/tracer.h"

#define LAUNCHER "agenthost-launcher.service"
#define AGAIN "test-again"

/* What the launcher sends with a single descriptor is the answer, with the agent's pidfd, to who asked for
 * it. */
#define PIDFD "cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS"

/* It is back only when the client has asked for more. */
static Client *begin_with_slow_return(void)
{
        Client *c = agents_begin();

        unit_write(LAUNCHER, "[Service]\nRestartSec=2s\n");
        return c;
}

/* The how manyth call of sendmsg the answer to a launch is, if the launcher has nothing else to do. */
static unsigned find_answer(Client *c)
{
        static const char *const calls[] = { "sendmsg", NULL };
        Tracer t = { .calls = calls };
        unsigned n;

        tracer_attach(&t, service_pid(LAUNCHER));
        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        tracer_detach(&t);
        n = tracer_find("sendmsg", PIDFD);
        expect_true("the answer is found", n > 0);
        expect_true("a1", agent_stop(c, "a1", 0));
        fleet_wait(c, "", "");
        return n;
}

/* The agent runs, and nobody has heard of it. The launcher is away then, so what is left is to be ended when
 * it is back; but by then the next agent of this name has been asked for, whose scope that could be taken
 * for. */
static void test_agent_asked_for_again_is_not_taken_for_the_stray_of_a_death_amid_the_launch(void)
{
        _cleanup_client_ Client *c = begin_with_slow_return();
        Injection injection = { .call = "sendmsg", .n = find_answer(c) };
        Tracer t = { .injection = &injection };
        pid_t launcher = service_pid(LAUNCHER), pid;

        tracer_attach(&t, launcher);
        create_expect_error(c, &(Create){ .id = "a1", .runtime = NOTIFY }, ERROR_("LauncherUnavailable"),
                "agenthost-launcher");
        process_wait_end(launcher);
        tracer_detach(&t);
        expect_true("killed at the answer", tracer_has_injected());
        expect_number("processes of the launch that was cut off", 1, agent_process_count());

        pid = create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        fleet_wait(c, "a1", "a1");
        expect_true("it runs", process_is_alive(pid));
        expect_true("a1", agent_stop(c, "a1", 0));
        fleet_wait_forgotten(c);
}

/* It ends with 3, and is started again. */
static void end_of_itself(Client *c)
{
        g_autofree char *pid = agent_property(c, "a1", "MainPID");

        kill(atoi(pid), SIGUSR1);
}

/* The same of an agent that is being started again: what is left of that start is told to end when the
 * launcher is back, and is not gone yet when the next start wants the name. */
static void test_restart_outlasts_a_death_amid_it(void)
{
        static const char *const calls[] = { "sendmsg", NULL };
        _cleanup_client_ Client *c = begin_with_slow_return();
        Tracer t = { .calls = calls };
        Injection injection = { .call = "sendmsg" };
        pid_t launcher = service_pid(LAUNCHER);

        runtime_add(AGAIN, "notify", "ready wait exit=3",
                "Restart=on-failure\nRestartSec=1ms\nRestartMaxSec=2ms");
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = AGAIN, .wait = "ready" });
        tracer_attach(&t, launcher);
        end_of_itself(c);
        agent_wait(c, "a1", "Restarts", "1");
        agent_wait(c, "a1", "State", "running");
        tracer_detach(&t);
        injection.n = tracer_find("sendmsg", PIDFD);
        expect_true("the answer is found", injection.n > 0);

        t.injection = &injection;
        tracer_attach(&t, launcher);
        end_of_itself(c);
        process_wait_end(launcher);
        tracer_detach(&t);
        expect_true("killed at the answer", tracer_has_injected());
        agent_wait(c, "a1", "State", "running");
        fleet_wait(c, "a1", "a1");
        expect_true("a1", agent_stop(c, "a1", 0));
        fleet_wait_forgotten(c);
}

/* SIGTERM has been sent, SIGCONT not: the agent ends, and the next launcher, which did not ask for that,
 * finds it ended. */
static void test_stop_that_is_cut_off_by_a_death_of_the_launcher_is_still_a_stop(void)
{
        static const Injection second_signal = { .call = "pidfd_send_signal", .n = 2 };
        _cleanup_client_ Client *c = begin_with_slow_return();
        Tracer t = { .injection = &second_signal };
        pid_t launcher = service_pid(LAUNCHER);

        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready", .restart = "always" });
        tracer_attach(&t, launcher);
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        process_wait_end(launcher);
        tracer_detach(&t);
        expect_true("killed amid the stop", tracer_has_injected());
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "a1"));
        fleet_wait_forgotten(c);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/launcher-killed/" name, test_##function)
        ADD("agent-asked-for-again-is-not-taken-for-the-stray-of-a-death-amid-the-launch",
                agent_asked_for_again_is_not_taken_for_the_stray_of_a_death_amid_the_launch);
        ADD("restart-outlasts-a-death-amid-it", restart_outlasts_a_death_amid_it);
        ADD("stop-that-is-cut-off-by-a-death-of-the-launcher-is-still-a-stop",
                stop_that_is_cut_off_by_a_death_of_the_launcher_is_still_a_stop);
#undef ADD

        return host_tests_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agenthostd or the launcher is killed at a system call, at the next one, and so on, wherever in the lives
 * of some agents that is. The client that asks again gets what it asked for, once; nothing is lost, doubled
 * or left over. */

#include "common/host-state.h"
#include "common/life.h"
#include "common/outcome.h"
#include "common/sweep.h"

#define AGENTHOSTD "agenthostd.service"
#define LAUNCHER "agenthost-launcher.service"

static void test_agenthostd_killed_anywhere_in_the_lives_of_agents(void)
{
        sweep_run(&(Sweep){ .service = AGENTHOSTD, .prepare = life_whole_prepare, .live = life_whole });
}

static void test_launcher_killed_anywhere_in_the_lives_of_agents(void)
{
        sweep_run(&(Sweep){ .service = LAUNCHER, .prepare = life_whole_prepare, .live = life_whole });
}

static void test_agenthostd_killed_anywhere_while_agents_are_handled(void)
{
        sweep_run(&(Sweep){ .service = AGENTHOSTD, .prepare = life_whole_prepare, .live = life_handled });
}

static void test_launcher_killed_anywhere_while_agents_are_handled(void)
{
        sweep_run(&(Sweep){ .service = LAUNCHER, .prepare = life_whole_prepare, .live = life_handled });
}

static void test_agenthostd_killed_anywhere_while_the_host_drains(void)
{
        sweep_run(&(Sweep){ .service = AGENTHOSTD, .prepare = life_whole_prepare, .live = life_drained });
}

static void test_launcher_killed_anywhere_while_the_host_drains(void)
{
        sweep_run(&(Sweep){ .service = LAUNCHER, .prepare = life_whole_prepare, .live = life_drained });
}

static void test_agenthostd_killed_anywhere_while_it_starts(void)
{
        sweep_run(&(Sweep){
                .service = AGENTHOSTD, .prepare = life_over_restart_prepare, .live = life_over_restart });
}

static void test_launcher_killed_anywhere_while_it_starts(void)
{
        sweep_run(&(Sweep){
                .service = LAUNCHER, .prepare = life_over_restart_prepare, .live = life_over_restart });
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/crash-points/" name, test_##function)
        ADD("agenthostd-killed-anywhere-in-the-lives-of-agents",
                agenthostd_killed_anywhere_in_the_lives_of_agents);
        ADD("launcher-killed-anywhere-in-the-lives-of-agents",
                launcher_killed_anywhere_in_the_lives_of_agents);
        ADD("agenthostd-killed-anywhere-while-agents-are-handled",
                agenthostd_killed_anywhere_while_agents_are_handled);
        ADD("launcher-killed-anywhere-while-agents-are-handled",
                launcher_killed_anywhere_while_agents_are_handled);
        ADD("agenthostd-killed-anywhere-while-the-host-drains",
                agenthostd_killed_anywhere_while_the_host_drains);
        ADD("launcher-killed-anywhere-while-the-host-drains",
                launcher_killed_anywhere_while_the_host_drains);
        ADD("agenthostd-killed-anywhere-while-it-starts", agenthostd_killed_anywhere_while_it_starts);
        ADD("launcher-killed-anywhere-while-it-starts", launcher_killed_anywhere_while_it_starts);
#undef ADD

        return host_tests_run();
}

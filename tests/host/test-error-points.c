/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A system call of agenthostd or of the launcher fails, then another one, and so on: for want of memory,
 * descriptors or space, or because a disk is broken. An operation may fail of it; the client that asks again
 * gets what it asked for, once; nothing is lost, doubled or left over. */

#include "common/host-state.h"
#include "common/life.h"
#include "common/outcome.h"
#include "common/sweep.h"

#define AGENTHOSTD "agenthostd.service"
#define LAUNCHER "agenthost-launcher.service"

static void test_agenthostd_short_of_anything_in_the_lives_of_agents(void)
{
        sweep_run(&(Sweep){
                .service = AGENTHOSTD, .errors = true, .prepare = life_whole_prepare, .live = life_whole });
}

static void test_launcher_short_of_anything_in_the_lives_of_agents(void)
{
        sweep_run(&(Sweep){
                .service = LAUNCHER, .errors = true, .prepare = life_whole_prepare, .live = life_whole });
}

static void test_agenthostd_short_of_anything_while_agents_are_handled(void)
{
        sweep_run(&(Sweep){ .service = AGENTHOSTD,
                .errors = true,
                .prepare = life_whole_prepare,
                .live = life_handled });
}

static void test_launcher_short_of_anything_while_agents_are_handled(void)
{
        sweep_run(&(Sweep){
                .service = LAUNCHER, .errors = true, .prepare = life_whole_prepare, .live = life_handled });
}

static void test_agenthostd_short_of_anything_while_the_host_drains(void)
{
        sweep_run(&(Sweep){ .service = AGENTHOSTD,
                .errors = true,
                .prepare = life_whole_prepare,
                .live = life_drained });
}

static void test_agenthostd_short_of_anything_while_it_starts(void)
{
        sweep_run(&(Sweep){ .service = AGENTHOSTD,
                .errors = true,
                .settings = true,
                .prepare = life_over_restart_prepare,
                .live = life_over_restart });
}

static void test_launcher_short_of_anything_while_it_starts(void)
{
        sweep_run(&(Sweep){ .service = LAUNCHER,
                .errors = true,
                .settings = true,
                .prepare = life_over_restart_prepare,
                .live = life_over_restart });
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/error-points/" name, test_##function)
        ADD("agenthostd-short-of-anything-in-the-lives-of-agents",
                agenthostd_short_of_anything_in_the_lives_of_agents);
        ADD("launcher-short-of-anything-in-the-lives-of-agents",
                launcher_short_of_anything_in_the_lives_of_agents);
        ADD("agenthostd-short-of-anything-while-agents-are-handled",
                agenthostd_short_of_anything_while_agents_are_handled);
        ADD("launcher-short-of-anything-while-agents-are-handled",
                launcher_short_of_anything_while_agents_are_handled);
        ADD("agenthostd-short-of-anything-while-the-host-drains",
                agenthostd_short_of_anything_while_the_host_drains);
        ADD("agenthostd-short-of-anything-while-it-starts", agenthostd_short_of_anything_while_it_starts);
        ADD("launcher-short-of-anything-while-it-starts", launcher_short_of_anything_while_it_starts);
#undef ADD

        return host_tests_run();
}

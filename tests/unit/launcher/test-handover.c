/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover.h"

#include <signal.h>
#include <string.h>

#include <glib.h>

/* A text with NULs: given as lines. */
static int parse_lines(const char *lines, Handover *ret)
{
        size_t size = strlen(lines);
        char *text = g_strdup(lines);

        g_strdelimit(text, "\n", '\0');
        return handover_parse(text, size, ret);
}

static HandoverAgent full_agent(void)
{
        return (HandoverAgent){
                .unit = "agent-a\\x2d1.scope",
                .agent_id = "a-1 \xf0\x9f\x98\x80=x",
                .guild_id = "g",
                .runtime = "rustic",
                .scope_result = "oom-kill",
                .pid = 4711,
                .pidfd = 17,
                .job = UINT32_MAX,
                .adopted = true,
                .has_stream = true,
                .requested = true,
                .removing = true,
                .stopping = true,
                .exited = true,
                .ended = true,
                .code = CLD_KILLED,
                .status = SIGKILL,
                .stop_deadline_usec = UINT64_MAX,
                .ended_at_usec = UINT64_C(1790000000000000),
                .measured = true,
                .memory_peak = 0,
                .cpu_nsec = 1,
                .oom_known = true,
                .oom = 3,
                .oom_level = "guild",
        };
}

static void expect_same(const HandoverAgent *a, const HandoverAgent *b)
{
        g_assert_cmpstr(a->unit, ==, b->unit);
        g_assert_cmpstr(a->agent_id, ==, b->agent_id);
        g_assert_cmpstr(a->guild_id, ==, b->guild_id);
        g_assert_cmpstr(a->runtime, ==, b->runtime);
        g_assert_cmpstr(a->scope_result, ==, b->scope_result);
        g_assert_cmpint(a->pid, ==, b->pid);
        g_assert_cmpint(a->pidfd, ==, b->pidfd);
        g_assert_cmpuint(a->job, ==, b->job);
        g_assert_cmpint(a->adopted, ==, b->adopted);
        g_assert_cmpint(a->has_stream, ==, b->has_stream);
        g_assert_cmpint(a->requested, ==, b->requested);
        g_assert_cmpint(a->removing, ==, b->removing);
        g_assert_cmpint(a->stopping, ==, b->stopping);
        g_assert_cmpint(a->exited, ==, b->exited);
        g_assert_cmpint(a->ended, ==, b->ended);
        g_assert_cmpint(a->code, ==, b->code);
        g_assert_cmpint(a->status, ==, b->status);
        g_assert_cmpuint(a->stop_deadline_usec, ==, b->stop_deadline_usec);
        g_assert_cmpuint(a->ended_at_usec, ==, b->ended_at_usec);
        g_assert_cmpint(a->measured, ==, b->measured);
        g_assert_cmpuint(a->memory_peak, ==, b->memory_peak);
        g_assert_cmpuint(a->cpu_nsec, ==, b->cpu_nsec);
        g_assert_cmpint(a->oom_known, ==, b->oom_known);
        g_assert_cmpuint(a->oom, ==, b->oom);
        g_assert_cmpstr(a->oom_level, ==, b->oom_level);
}

static void test_all_that_is_written_is_read(void)
{
        HandoverAgent agents[] = { full_agent(),
                { .unit = "agent-b.scope",
                        .agent_id = "b",
                        .guild_id = "g",
                        .runtime = "r",
                        .pid = 1,
                        .pidfd = 3,
                        .memory_peak = UINT64_MAX,
                        .cpu_nsec = UINT64_MAX } };
        const char *strays[] = { "agent-s1.scope", "agent-s2.scope" };
        const Handover written = { .version = "0.1.0",
                .agents = agents,
                .n_agents = G_N_ELEMENTS(agents),
                .strays = strays,
                .n_strays = G_N_ELEMENTS(strays) };
        Handover h;
        char *text;
        size_t size;

        g_assert_cmpint(handover_write(&written, &text, &size), ==, 0);
        g_assert_cmpint(handover_parse(text, size, &h), ==, 0);
        g_assert_cmpstr(h.version, ==, "0.1.0");
        g_assert_cmpuint(h.n_agents, ==, 2);
        expect_same(&h.agents[0], &agents[0]);
        expect_same(&h.agents[1], &agents[1]);
        g_assert_cmpuint(h.n_strays, ==, 2);
        g_assert_cmpstr(h.strays[0], ==, "agent-s1.scope");
        g_assert_cmpstr(h.strays[1], ==, "agent-s2.scope");
        handover_done(&h);
}

static void test_nothing_to_hand_over_is_a_handover(void)
{
        const Handover nothing = { 0 };
        Handover h;
        char *text;
        size_t size;

        g_assert_cmpint(handover_write(&nothing, &text, &size), ==, 0);
        g_assert_cmpint(handover_parse(text, size, &h), ==, 0);
        g_assert_cmpuint(h.n_agents, ==, 0);
        g_assert_cmpuint(h.n_strays, ==, 0);
        g_assert_null(h.version);
        handover_done(&h);
}

static void test_what_a_newer_build_adds_is_passed_over(void)
{
        Handover h;

        g_assert_cmpint(
                parse_lines("Format=1\nVersion=9.9\nMood=good\n"
                            "Unit=agent-a.scope\nUnitFlavour=sweet\nAgent=a\nGuild=g\nRuntime=r\nPID=5\n"
                            "Colour=blue=green\nPIDFD=7\nCode=1\n",
                        &h),
                ==, 0);
        g_assert_cmpstr(h.version, ==, "9.9");
        g_assert_cmpuint(h.n_agents, ==, 1);
        g_assert_cmpstr(h.agents[0].unit, ==, "agent-a.scope");
        g_assert_cmpint(h.agents[0].pid, ==, 5);
        g_assert_cmpint(h.agents[0].pidfd, ==, 7);
        g_assert_cmpint(h.agents[0].code, ==, 1);
        handover_done(&h);
}

static void test_what_an_older_build_does_not_say_is_the_default(void)
{
        Handover h;

        g_assert_cmpint(
                parse_lines(
                        "Format=1\nUnit=agent-a.scope\nAgent=a\nGuild=g\nRuntime=r\nPID=5\nPIDFD=7\n", &h),
                ==, 0);
        g_assert_cmpuint(h.n_agents, ==, 1);
        g_assert_false(h.agents[0].adopted);
        g_assert_false(h.agents[0].requested);
        g_assert_null(h.agents[0].scope_result);
        g_assert_cmpuint(h.agents[0].stop_deadline_usec, ==, 0);
        g_assert_cmpuint(h.agents[0].memory_peak, ==, UINT64_MAX);
        g_assert_cmpuint(h.agents[0].cpu_nsec, ==, UINT64_MAX);
        g_assert_null(h.agents[0].oom_level);
        handover_done(&h);
}

static void test_records_that_make_no_agent_are_left_out(void)
{
        Handover h;

        g_assert_cmpint(parse_lines("Format=1\nUnit=agent-a.scope\nAgent=a\nGuild=g\nRuntime=r\nPID=5\n"
                                    "Unit=agent-b.scope\nAgent=b\nGuild=g\nRuntime=r\nPID=6\nPIDFD=8\n"
                                    "Unit=agent-c.scope\nGuild=g\nRuntime=r\nPID=7\nPIDFD=9\n",
                                &h),
                ==, 0);
        g_assert_cmpuint(h.n_agents, ==, 1);
        g_assert_cmpstr(h.agents[0].unit, ==, "agent-b.scope");
        handover_done(&h);
}

static void test_other_formats_are_refused(void)
{
        Handover h;

        g_assert_cmpint(parse_lines("Format=2\nUnit=agent-a.scope\n", &h), ==, -EPROTONOSUPPORT);
        g_assert_cmpint(parse_lines("Format=0\n", &h), ==, -EPROTONOSUPPORT);
}

static void test_what_is_no_handover_is_refused(void)
{
        static const char *const wrong[] = {
                "",
                "Format=1",
                "Format=x\n",
                "Unit=agent-a.scope\n",
                "Format=1\nnonsense\n",
                "Format=1\nUnit=agent-a.scope\nPID=-5\n",
                "Format=1\nUnit=agent-a.scope\nPID=5x\n",
                "Format=1\nUnit=agent-a.scope\nPID=4294967296\n",
                "Format=1\nUnit=agent-a.scope\nRequested=2\n",
                "Format=1\nUnit=agent-a.scope\nJob=\n",
        };
        Handover h;

        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
                g_assert_cmpint(parse_lines(wrong[i], &h), ==, -EBADMSG);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/handover/all_that_is_written_is_read", test_all_that_is_written_is_read);
        g_test_add_func(
                "/handover/nothing_to_hand_over_is_a_handover", test_nothing_to_hand_over_is_a_handover);
        g_test_add_func("/handover/what_a_newer_build_adds_is_passed_over",
                test_what_a_newer_build_adds_is_passed_over);
        g_test_add_func("/handover/what_an_older_build_does_not_say_is_the_default",
                test_what_an_older_build_does_not_say_is_the_default);
        g_test_add_func("/handover/records_that_make_no_agent_are_left_out",
                test_records_that_make_no_agent_are_left_out);
        g_test_add_func("/handover/other_formats_are_refused", test_other_formats_are_refused);
        g_test_add_func("/handover/what_is_no_handover_is_refused", test_what_is_no_handover_is_refused);
        return g_test_run();
}

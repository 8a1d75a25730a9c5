/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "placement.h"

#include <glib.h>
#include <string.h>

#include "pass-over.h"

#define HOSTS_MAX 16

/* The order as text: "1 2 0". */
static char *order_of(PlacementStrategy strategy, const PlacementHost *hosts, size_t n, uint64_t turn)
{
        GString *text = g_string_new(NULL);
        size_t order[HOSTS_MAX], n_order = 0;

        g_assert_cmpint(placement_order(strategy, hosts, n, turn, order, &n_order, NULL), ==, 0);
        for (size_t i = 0; i < n_order; i++)
                g_string_append_printf(text, "%s%zu", i > 0 ? " " : "", order[i]);
        return g_string_free(text, FALSE);
}

static void expect_order(PlacementStrategy strategy,
        const PlacementHost *hosts,
        size_t n,
        uint64_t turn,
        const char *expected)
{
        g_autofree char *order = order_of(strategy, hosts, n, turn);

        g_assert_cmpstr(order, ==, expected);
}

static void test_strategies_are_found_by_their_names(void)
{
        for (PlacementStrategy s = PLACEMENT_ROUND_ROBIN; s < _PLACEMENT_STRATEGY_MAX; s++)
                g_assert_cmpint(placement_strategy_from_name(placement_strategy_name(s)), ==, s);
        g_assert_cmpint(placement_strategy_from_name("random"), ==, _PLACEMENT_STRATEGY_MAX);
        g_assert_cmpint(placement_strategy_from_name(""), ==, _PLACEMENT_STRATEGY_MAX);
}

static void test_P8_hosts_take_turns(void)
{
        static const PlacementHost hosts[3] = { { .ready = true }, { .ready = true }, { .ready = true } };
        static const char *const expected[] = { "0 1 2", "1 2 0", "2 0 1", "0 1 2", "1 2 0", "2 0 1" };

        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                expect_order(PLACEMENT_ROUND_ROBIN, hosts, 3, i + 1, expected[i]);
}

static void test_P9_one_host_is_always_it(void)
{
        static const PlacementHost host = { .ready = true };

        for (uint64_t turn = 1; turn <= 3; turn++)
                for (PlacementStrategy s = PLACEMENT_ROUND_ROBIN; s < _PLACEMENT_STRATEGY_MAX; s++)
                        expect_order(s, &host, 1, turn, "0");
}

static void test_P10_without_hosts_there_is_none(void)
{
        static const PlacementHost hosts[2] = { { .ready = false }, { .ready = false } };

        for (size_t n = 0; n <= 2; n++)
                for (PlacementStrategy s = PLACEMENT_ROUND_ROBIN; s < _PLACEMENT_STRATEGY_MAX; s++) {
                        _cleanup_fault_ Fault fault = FAULT_INIT;
                        size_t order[2], n_order = 99;

                        /* Which is known before a turn is taken. */
                        g_assert_cmpuint(placement_count_ready(hosts, n), ==, 0);
                        g_assert_cmpint(
                                placement_order(s, hosts, n, 1, order, &n_order, &fault), ==, -EHOSTUNREACH);
                        g_assert_cmpint(fault.kind, ==, FAULT_NO_HOSTS);
                        g_assert_cmpstr(fault_text(&fault), ==, "No agent hosts available");
                        g_assert_cmpuint(n_order, ==, 99);
                }
}

static void test_only_ready_hosts_have_turns(void)
{
        static const PlacementHost hosts[5] = { { .ready = false }, { .ready = true }, { .ready = false },
                { .ready = true }, { .ready = true } };

        expect_order(PLACEMENT_ROUND_ROBIN, hosts, 5, 1, "1 3 4");
        expect_order(PLACEMENT_ROUND_ROBIN, hosts, 5, 2, "3 4 1");
        expect_order(PLACEMENT_ROUND_ROBIN, hosts, 5, 3, "4 1 3");
        expect_order(PLACEMENT_ROUND_ROBIN, hosts, 5, 4, "1 3 4");
        g_assert_cmpuint(placement_count_ready(hosts, 5), ==, 3);
}

static void test_turns_may_be_any_number(void)
{
        static const PlacementHost hosts[3] = { { .ready = true }, { .ready = true }, { .ready = true } };

        expect_order(PLACEMENT_ROUND_ROBIN, hosts, 3, 0, "0 1 2");
        /* 2^64 - 2 is 2 modulo 3. */
        expect_order(PLACEMENT_ROUND_ROBIN, hosts, 3, UINT64_MAX, "2 0 1");
}

/* Others do not pass over the same hosts; still a turn must mean the same host to all. */
static void test_passed_over_hosts_keep_their_turns_but_come_last(void)
{
        static const PlacementHost hosts[4] = { { .ready = true }, { .ready = true, .passed_over = true },
                { .ready = true }, { .ready = true } };

        expect_order(PLACEMENT_ROUND_ROBIN, hosts, 4, 1, "0 2 3 1");
        expect_order(PLACEMENT_ROUND_ROBIN, hosts, 4, 2, "2 3 0 1");
        expect_order(PLACEMENT_ROUND_ROBIN, hosts, 4, 3, "2 3 0 1");
        expect_order(PLACEMENT_ROUND_ROBIN, hosts, 4, 4, "3 0 2 1");
}

static void test_when_all_are_passed_over_they_are_asked_in_turn(void)
{
        static const PlacementHost hosts[3] = { { .ready = true, .passed_over = true },
                { .ready = true, .passed_over = true }, { .ready = true, .passed_over = true } };

        for (PlacementStrategy s = PLACEMENT_ROUND_ROBIN; s < _PLACEMENT_STRATEGY_MAX; s++)
                expect_order(s, hosts, 3, 2, "1 2 0");
}

static void test_full_hosts_come_behind_those_passed_over_and_draining_ones_last(void)
{
        static const PlacementHost hosts[6] = { { .ready = true, .draining = true },
                { .ready = true, .full = true }, { .ready = true, .passed_over = true }, { .ready = true },
                { .ready = true, .full = true, .draining = true, .passed_over = true },
                { .ready = true, .full = true, .passed_over = true } };

        for (PlacementStrategy s = PLACEMENT_ROUND_ROBIN; s < _PLACEMENT_STRATEGY_MAX; s++) {
                expect_order(s, hosts, 6, 1, "3 2 1 5 0 4");
                expect_order(s, hosts, 6, 3, "3 2 5 1 4 0");
        }
}

static void test_every_host_is_in_the_order_once(void)
{
        for (unsigned bits = 0; bits < 1u << 12; bits++) {
                PlacementHost hosts[6] = { { 0 } };
                size_t order[6], n_order, n_ready;
                unsigned seen = 0;

                for (size_t i = 0; i < 6; i++) {
                        hosts[i].ready = bits >> i & 1;
                        hosts[i].passed_over = bits >> (6 + i) & 1;
                        hosts[i].n_agents = (uint32_t)(bits * 7 + i * 5) % 4;
                        hosts[i].n_guild_agents = (uint32_t)(bits * 3 + i) % 3;
                }
                n_ready = placement_count_ready(hosts, 6);
                for (PlacementStrategy s = PLACEMENT_ROUND_ROBIN; n_ready > 0 && s < _PLACEMENT_STRATEGY_MAX;
                        s++) {
                        bool over = false;

                        g_assert_cmpint(placement_order(s, hosts, 6, bits, order, &n_order, NULL), ==, 0);
                        g_assert_cmpuint(n_order, ==, n_ready);
                        seen = 0;
                        for (size_t i = 0; i < n_order; i++) {
                                g_assert_true(hosts[order[i]].ready);
                                g_assert_cmpuint(seen & 1u << order[i], ==, 0);
                                seen |= 1u << order[i];
                                g_assert_true(!over || hosts[order[i]].passed_over);
                                over = hosts[order[i]].passed_over;
                        }
                }
        }
}

static void test_least_agents_takes_the_better_of_the_next_two(void)
{
        static const PlacementHost hosts[4] = { { .ready = true, .n_agents = 5 },
                { .ready = true, .n_agents = 3 }, { .ready = true, .n_agents = 0 },
                { .ready = true, .n_agents = 3 } };

        expect_order(PLACEMENT_LEAST_AGENTS, hosts, 4, 1, "1 0 2 3");
        expect_order(PLACEMENT_LEAST_AGENTS, hosts, 4, 2, "2 1 3 0");
        expect_order(PLACEMENT_LEAST_AGENTS, hosts, 4, 3, "2 3 0 1");
        expect_order(PLACEMENT_LEAST_AGENTS, hosts, 4, 4, "3 0 1 2");
}

static void test_least_agents_leaves_equal_and_unknown_hosts_in_turn(void)
{
        static const PlacementHost hosts[4] = { { .ready = true, .n_agents = 2 },
                { .ready = true, .n_agents = 2 }, { .ready = true, .n_agents = PLACEMENT_AGENTS_UNKNOWN },
                { .ready = true, .n_agents = 0 } };

        expect_order(PLACEMENT_LEAST_AGENTS, hosts, 4, 1, "0 1 2 3");
        expect_order(PLACEMENT_LEAST_AGENTS, hosts, 4, 2, "1 2 3 0");
        expect_order(PLACEMENT_LEAST_AGENTS, hosts, 4, 3, "2 3 0 1");
}

static void test_least_agents_does_not_prefer_a_host_that_is_passed_over(void)
{
        static const PlacementHost hosts[3] = { { .ready = true, .n_agents = 9 },
                { .ready = true, .n_agents = 0, .passed_over = true }, { .ready = true, .n_agents = 10 } };

        expect_order(PLACEMENT_LEAST_AGENTS, hosts, 3, 1, "0 2 1");
        expect_order(PLACEMENT_LEAST_AGENTS, hosts, 2, 1, "0 1");
}

static void test_spread_guild_takes_the_host_with_the_fewest_of_the_guild(void)
{
        static const PlacementHost hosts[4] = { { .ready = true, .n_guild_agents = 2 },
                { .ready = true, .n_guild_agents = 1 }, { .ready = true, .n_guild_agents = 1 },
                { .ready = true, .n_guild_agents = 3 } };

        expect_order(PLACEMENT_SPREAD_GUILD, hosts, 4, 1, "1 0 2 3");
        expect_order(PLACEMENT_SPREAD_GUILD, hosts, 4, 3, "2 3 0 1");
        expect_order(PLACEMENT_SPREAD_GUILD, hosts, 4, 4, "1 3 0 2");
}

static void test_spread_guild_prefers_the_zone_with_the_fewest(void)
{
        static const PlacementHost hosts[4] = { { .ready = true, .n_guild_agents = 1, .zone = "a" },
                { .ready = true, .n_guild_agents = 0, .zone = "a" },
                { .ready = true, .n_guild_agents = 0, .zone = "b" },
                { .ready = true, .n_guild_agents = 0, .zone = NULL } };

        expect_order(PLACEMENT_SPREAD_GUILD, hosts, 4, 1, "2 0 1 3");
        expect_order(PLACEMENT_SPREAD_GUILD, hosts, 4, 4, "3 0 1 2");
}

static void test_spread_guild_knows_any_number_of_zones(void)
{
        PlacementHost hosts[100] = { { 0 } };
        char zones[100][8];
        size_t order[100], n;

        for (size_t i = 0; i < ELEMENTSOF(hosts); i++) {
                g_snprintf(zones[i], sizeof(zones[i]), "z%zu", i);
                hosts[i] = (PlacementHost){
                        .ready = true, .n_guild_agents = i == 77 ? 0 : 1, .zone = zones[i]
                };
        }
        g_assert_cmpint(placement_order(PLACEMENT_SPREAD_GUILD, hosts, 100, 1, order, &n, NULL), ==, 0);
        g_assert_cmpuint(order[0], ==, 77);
        g_assert_cmpuint(n, ==, 100);
}

static bool is_passed_over(const PassOver *p, const char *hostname, uint64_t now_usec)
{
        const char *name;

        for (size_t i = 0; (name = pass_over_next(p, now_usec, &i));)
                if (strcmp(name, hostname) == 0)
                        return true;
        return false;
}

static void test_a_host_is_passed_over_for_ten_seconds(void)
{
        PassOver p = { .n = 0 };

        g_assert_false(is_passed_over(&p, "a", 0));
        pass_over_add(&p, "a", 1000);
        g_assert_true(is_passed_over(&p, "a", 1000));
        g_assert_true(is_passed_over(&p, "a", 1000 + PASS_OVER_USEC - 1));
        g_assert_false(is_passed_over(&p, "a", 1000 + PASS_OVER_USEC));
        g_assert_false(is_passed_over(&p, "b", 1000));

        /* Once more, from then on. */
        pass_over_add(&p, "a", 2000);
        g_assert_true(is_passed_over(&p, "a", 1000 + PASS_OVER_USEC));
        g_assert_cmpuint(p.n, ==, 1);
        pass_over_done(&p);
}

static void test_the_oldest_are_forgotten_when_too_many_are_passed_over(void)
{
        PassOver p = { .n = 0 };

        for (unsigned i = 0; i <= PASS_OVER_MAX; i++) {
                g_autofree char *name = g_strdup_printf("host-%u", i);

                pass_over_add(&p, name, 1000);
        }
        g_assert_cmpuint(p.n, ==, PASS_OVER_MAX);
        g_assert_false(is_passed_over(&p, "host-0", 1000));
        g_assert_true(is_passed_over(&p, "host-1", 1000));

        /* What is over makes room first. */
        pass_over_add(&p, "late", 1000 + PASS_OVER_USEC);
        g_assert_cmpuint(p.n, ==, 1);
        pass_over_done(&p);
        g_assert_cmpuint(p.n, ==, 0);
}

#define ADD(name, test) g_test_add_func("/placement/" name, test)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("strategies-are-found-by-their-names", test_strategies_are_found_by_their_names);
        ADD("P8-hosts-take-turns", test_P8_hosts_take_turns);
        ADD("P9-one-host-is-always-it", test_P9_one_host_is_always_it);
        ADD("P10-without-hosts-there-is-none", test_P10_without_hosts_there_is_none);
        ADD("only-ready-hosts-have-turns", test_only_ready_hosts_have_turns);
        ADD("turns-may-be-any-number", test_turns_may_be_any_number);
        ADD("passed-over-hosts-keep-their-turns-but-come-last",
                test_passed_over_hosts_keep_their_turns_but_come_last);
        ADD("when-all-are-passed-over-they-are-asked-in-turn",
                test_when_all_are_passed_over_they_are_asked_in_turn);
        ADD("full-hosts-come-behind-those-passed-over-and-draining-ones-last",
                test_full_hosts_come_behind_those_passed_over_and_draining_ones_last);
        ADD("every-host-is-in-the-order-once", test_every_host_is_in_the_order_once);
        ADD("least-agents-takes-the-better-of-the-next-two",
                test_least_agents_takes_the_better_of_the_next_two);
        ADD("least-agents-leaves-equal-and-unknown-hosts-in-turn",
                test_least_agents_leaves_equal_and_unknown_hosts_in_turn);
        ADD("least-agents-does-not-prefer-a-host-that-is-passed-over",
                test_least_agents_does_not_prefer_a_host_that_is_passed_over);
        ADD("spread-guild-takes-the-host-with-the-fewest-of-the-guild",
                test_spread_guild_takes_the_host_with_the_fewest_of_the_guild);
        ADD("spread-guild-prefers-the-zone-with-the-fewest",
                test_spread_guild_prefers_the_zone_with_the_fewest);
        ADD("spread-guild-knows-any-number-of-zones", test_spread_guild_knows_any_number_of_zones);
        ADD("a-host-is-passed-over-for-ten-seconds", test_a_host_is_passed_over_for_ten_seconds);
        ADD("the-oldest-are-forgotten-when-too-many-are-passed-over",
                test_the_oldest_are_forgotten_when_too_many_are_passed_over);
        return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "oom.h"

#include <fcntl.h>

#include "cgroup.h"
#include "test-dir.h"
#include "time-util.h"

#define SLICE "agents-g.slice"
#define SCOPE SLICE "/agent-a.scope"

/* A cgroup file system of plain files: this manager's agents.slice, a guild's slice, an agent's scope. */
typedef struct Fixture {
        TestDir dir;
        sd_event *event;
        OomFleet *fleet;
        OomGuild *guild;
        uint64_t now_usec;
} Fixture;

/* How often the limit of this group was hit, and that of it or one below. */
static void put(Fixture *f, const char *group, unsigned own, unsigned all)
{
        g_autofree char *path = g_build_filename(f->dir.path, "agents.slice", group, NULL);
        g_autofree char *local = g_strdup_printf("low 0\nhigh 9\nmax 9\noom %u\noom_kill 9\n", own);
        g_autofree char *events = g_strdup_printf("low 0\nhigh 9\nmax 9\noom %u\noom_kill 9\n", all);
        TestDir at = { path };

        g_assert_cmpint(g_mkdir_with_parents(path, 0755), ==, 0);
        test_dir_put(&at, "memory.events.local", local);
        test_dir_put(&at, "memory.events", events);
}

static void fixture_up(Fixture *f, gconstpointer data)
{
        (void)data;

        f->dir = test_dir_new();
        f->now_usec = now_usec(CLOCK_MONOTONIC) + 1000 * USEC_PER_SEC;
        g_assert_cmpint(sd_event_new(&f->event), ==, 0);
        put(f, "", 3, 8);
        put(f, SLICE, 2, 5);
        put(f, SCOPE, 0, 0);
        g_assert_cmpint(oom_fleet_new(f->dir.path, f->event, &f->fleet), ==, 0);
        f->guild = oom_guild_join(f->fleet, SLICE);
        g_assert_nonnull(f->guild);
}

static void fixture_down(Fixture *f, gconstpointer data)
{
        (void)data;

        oom_guild_leave(f->guild);
        oom_fleet_free(f->fleet);
        sd_event_unref(f->event);
        test_dir_done(&f->dir);
}

static OomCounts read_own(Fixture *f)
{
        _cleanup_close_ int fd = cgroup_open(f->dir.path, SLICE, "agent-a.scope");

        return oom_read(fd);
}

static void assert_level(Fixture *f, const char *expected)
{
        OomCounts own = read_own(f);

        g_assert_cmpstr(oom_level(f->guild, &own, f->now_usec), ==, expected);
}

static void test_agents_own_limit_is_told(Fixture *f, gconstpointer data)
{
        (void)data;

        put(f, SCOPE, 1, 1);
        put(f, SLICE, 2, 6);
        put(f, "", 3, 9);
        assert_level(f, "agent");
}

static void test_guilds_limit_is_told(Fixture *f, gconstpointer data)
{
        (void)data;

        put(f, SLICE, 3, 6);
        put(f, "", 3, 9);
        assert_level(f, "guild");
}

static void test_fleets_limit_is_told(Fixture *f, gconstpointer data)
{
        (void)data;

        put(f, "", 4, 9);
        assert_level(f, "fleet");
}

/* Counts that are not 0, but as they were. */
static void test_what_nobodys_limit_tells_is_the_hosts(Fixture *f, gconstpointer data)
{
        (void)data;

        assert_level(f, "host");
}

static void test_agents_own_limit_is_told_when_its_scope_is_gone(Fixture *f, gconstpointer data)
{
        g_autofree char *scope = test_dir_path(&f->dir, "agents.slice/" SCOPE);

        (void)data;

        put(f, SLICE, 2, 6);
        put(f, "", 3, 9);
        test_dir_remove(scope);
        assert_level(f, "agent");
}

static void test_victims_that_exit_one_after_the_other_have_the_same_cause(Fixture *f, gconstpointer data)
{
        OomGuild *second = oom_guild_join(f->fleet, SLICE);

        (void)data;

        g_assert_true(second == f->guild);
        put(f, SLICE, 4, 7);
        oom_guild_look(f->guild, f->now_usec);
        f->now_usec += USEC_PER_SEC;
        assert_level(f, "guild");
        assert_level(f, "guild");
        oom_guild_leave(second);
}

static void test_what_was_long_ago_is_no_cause(Fixture *f, gconstpointer data)
{
        (void)data;

        put(f, SLICE, 3, 6);
        oom_guild_look(f->guild, f->now_usec);
        f->now_usec += 3600 * USEC_PER_SEC;
        assert_level(f, "host");
}

/* A slice goes with its last agent, and comes again with counts that begin anew. */
static void test_counts_of_a_slice_may_begin_anew(Fixture *f, gconstpointer data)
{
        (void)data;

        put(f, SLICE, 1, 1);
        assert_level(f, "guild");
}

static void test_other_guilds_limit_is_not_ours(Fixture *f, gconstpointer data)
{
        OomGuild *other = oom_guild_join(f->fleet, "agents-h.slice");
        OomCounts own = { .known = true };

        (void)data;

        put(f, "agents-h.slice", 1, 1);
        put(f, "", 3, 9);
        assert_level(f, "host");
        g_assert_cmpstr(oom_level(other, &own, f->now_usec), ==, "guild");
        oom_guild_leave(other);
}

static void handle_events(Fixture *f)
{
        while (sd_event_run(f->event, 0) > 0)
                continue;
        f->now_usec = now_usec(CLOCK_MONOTONIC);
}

/* It stays aside: the next one is to have another inode, as it has with the kernel. */
static void remove_slice(Fixture *f)
{
        g_autofree char *slice = test_dir_path(&f->dir, "agents.slice/" SLICE),
                        *aside = test_dir_path(&f->dir, "removed");

        test_dir_remove(aside);
        g_assert_cmpint(rename(slice, aside), ==, 0);
}

static void test_what_a_slice_has_counted_outlives_it(Fixture *f, gconstpointer data)
{
        (void)data;

        put(f, SLICE, 3, 6);
        handle_events(f);
        remove_slice(f);
        assert_level(f, "guild");
}

static void test_what_agents_have_counted_outlives_their_slice(Fixture *f, gconstpointer data)
{
        (void)data;

        put(f, SLICE, 2, 6);
        handle_events(f);
        remove_slice(f);
        assert_level(f, "agent");
}

static void test_slice_that_comes_again_is_watched_again(Fixture *f, gconstpointer data)
{
        (void)data;

        remove_slice(f);
        put(f, SLICE, 0, 0);
        oom_guild_watch(f->guild);
        put(f, SLICE, 1, 1);
        handle_events(f);
        remove_slice(f);
        assert_level(f, "guild");
}

static void test_latest_cause_counts(Fixture *f, gconstpointer data)
{
        g_autofree char *scope = test_dir_path(&f->dir, "agents.slice/" SCOPE);

        (void)data;

        put(f, "", 4, 9);
        assert_level(f, "fleet");
        f->now_usec += USEC_PER_SEC;
        put(f, SLICE, 2, 6);
        put(f, "", 4, 10);
        test_dir_remove(scope);
        assert_level(f, "agent");
}

static void test_nothing_is_told_where_nothing_is_counted(void)
{
        OomFleet *fleet;
        OomGuild *guild;
        OomCounts own = oom_read(-EBADF);

        g_assert_cmpint(oom_fleet_new(NULL, NULL, &fleet), ==, 0);
        guild = oom_guild_join(fleet, SLICE);
        g_assert_false(own.known);
        g_assert_cmpstr(oom_level(guild, &own, 1), ==, "");
        g_assert_cmpstr(oom_level(NULL, &own, 1), ==, "");
        oom_guild_leave(guild);
        oom_fleet_free(fleet);
}

#define ADD(name, function) g_test_add("/oom/" name, Fixture, NULL, fixture_up, function, fixture_down)

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        ADD("agents-own-limit-is-told", test_agents_own_limit_is_told);
        ADD("guilds-limit-is-told", test_guilds_limit_is_told);
        ADD("fleets-limit-is-told", test_fleets_limit_is_told);
        ADD("what-nobodys-limit-tells-is-the-hosts", test_what_nobodys_limit_tells_is_the_hosts);
        ADD("agents-own-limit-is-told-when-its-scope-is-gone",
                test_agents_own_limit_is_told_when_its_scope_is_gone);
        ADD("victims-that-exit-one-after-the-other-have-the-same-cause",
                test_victims_that_exit_one_after_the_other_have_the_same_cause);
        ADD("what-was-long-ago-is-no-cause", test_what_was_long_ago_is_no_cause);
        ADD("counts-of-a-slice-may-begin-anew", test_counts_of_a_slice_may_begin_anew);
        ADD("other-guilds-limit-is-not-ours", test_other_guilds_limit_is_not_ours);
        ADD("what-a-slice-has-counted-outlives-it", test_what_a_slice_has_counted_outlives_it);
        ADD("what-agents-have-counted-outlives-their-slice",
                test_what_agents_have_counted_outlives_their_slice);
        ADD("slice-that-comes-again-is-watched-again", test_slice_that_comes_again_is_watched_again);
        ADD("latest-cause-counts", test_latest_cause_counts);
        g_test_add_func("/oom/nothing-is-told-where-nothing-is-counted",
                test_nothing_is_told_where_nothing_is_counted);
        return g_test_run();
}

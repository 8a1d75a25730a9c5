/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host may run out of: the space below /run, and processes, which an agent takes that does nothing
 * but fork. What cannot be done is refused, nothing is lost, and all works as ever when there is enough
 * again. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/fleet.h"
#include "common/host-state.h"
#include "common/mode.h"
#include "common/outcome.h"

#define AGENTHOSTD "agenthostd.service"
#define LAUNCHER "agenthost-launcher.service"
#define ENDING "test-ending"
#define AGAIN "test-again"
#define BOMB "test-bomb"

/* In a file of its own, which is all that fills it. */
#define STUFFING "stuffing"

static void mount_small(const char *dir, const char *owner)
{
        g_free(command("mount -t tmpfs -o size=128k,mode=%s,uid=%s,gid=%s small %s",
                strcmp(owner, "root") == 0 ? "0755" : "0700", owner, owner, dir));
}

static void fill(const char *dir)
{
        g_free(command("sh -c 'cat /dev/zero >>%s/" STUFFING " 2>/dev/null || true'", dir));
}

static void make_room(const char *dir)
{
        g_free(command("rm %s/" STUFFING, dir));
}

static void unmount(const char *dir)
{
        g_free(command("umount --lazy %s", dir));
}

/* Its files are on a file system of their own. */
static Client *begin_with_small_state(void)
{
        g_free(systemctl("stop " AGENTHOSTD));
        mount_small(mode_paths()->state_dir, "agenthost");
        g_free(systemctl("start " AGENTHOSTD));
        Client *c = agents_begin();

        runtime_add(ENDING, "notify", "ready wait exit=42", "StartTimeoutSec=1h");
        host_reload();
        return c;
}

static void end_small_state(void)
{
        g_free(systemctl("stop " AGENTHOSTD));
        unmount(mode_paths()->state_dir);
        g_free(systemctl("start " AGENTHOSTD));
}

static void test_full_state_directory_loses_nothing(void)
{
        const char *dir = mode_paths()->state_dir;
        _cleanup_client_ Client *c = begin_with_small_state();

        create(c, &(Create){ .id = "a1", .runtime = ENDING, .wait = "ready" });
        create(c, &(Create){ .id = "a2", .runtime = NOTIFY, .wait = "ready" });
        fill(dir);
        create_expect_error(
                c, &(Create){ .id = "a3", .runtime = NOTIFY }, ERROR_("StartFailed"), "No space left");
        create_expect_error(c, &(Create){ .id = "a3", .runtime = NOTIFY, .guild = "another" },
                ERROR_("StartFailed"), "No space left");
        agent_signal(c, "a1", SIGUSR1);
        agent_wait_end(c, "a1", "exit-code", 42);
        agent_expect(c, "a1", "State", "exited");

        /* Nowhere written down, and known all the same: it was not acknowledged. */
        agenthostd_crash();
        agent_wait(c, "a1", "ExitStatus", "42");
        agent_expect(c, "a2", "State", "running");
        expect_true("a2", agent_stop(c, "a2", 0));

        make_room(dir);
        create(c, &(Create){ .id = "a3", .runtime = NOTIFY, .wait = "ready" });
        fleet_wait(c, "a1 a3", "a3");
        agenthostd_crash();
        agent_wait(c, "a1", "ExitStatus", "42");
        fleet_wait(c, "a1 a3", "a3");
        expect_true("a3", agent_stop(c, "a3", 0));
        g_free(agents_clean_up(c));
        fleet_wait_forgotten(c);
        end_small_state();
}

/* The launch has begun when the space ends: what comes of it is written down later. */
static void test_state_that_could_not_be_written_is_written_when_there_is_room(void)
{
        const char *dir = mode_paths()->state_dir;
        _cleanup_client_ Client *c = begin_with_small_state();
        g_autofree char *file = g_strdup_printf("%s/agent-a1.scope.json", dir);

        create(c, &(Create){ .id = "a1", .runtime = SILENT });
        fill(dir);
        agent_let_be_ready(c, "a1");
        agent_wait(c, "a1", "State", "running");
        make_room(dir);
        g_free(command("timeout 60 sh -c 'until grep --quiet running %s; do sleep 0.1; done'", file));
        expect_true("a1", agent_stop(c, "a1", 0));
        fleet_wait_forgotten(c);
        end_small_state();
}

static void test_no_room_for_an_agents_texts_fails_its_start_clearly(void)
{
        const char *dir = mode_paths()->credentials_dir;
        _cleanup_client_ Client *c = agents_begin();

        mount_small(dir, "root");
        fill(dir);
        create_expect_error(
                c, &(Create){ .id = "a1", .runtime = NOTIFY }, ERROR_("StartFailed"), "No space left");
        make_room(dir);
        fleet_wait(c, "", "");
        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        g_free(command("test -s %s/agent-a1.scope/agent_spec", dir));
        expect_true("a1", agent_stop(c, "a1", 0));
        fleet_wait_forgotten(c);
        unmount(dir);
}

static Client *begin_with_bomb(void)
{
        Client *c = agents_begin();
        gint64 deadline = g_get_monotonic_time() + LIMIT_SEC * G_USEC_PER_SEC;

        runtime_add(BOMB, "exec", "bomb=3", "LimitNPROC=100\nStopTimeoutSec=1");
        host_reload();
        create(c, &(Create){ .id = "a1", .runtime = BOMB });
        while (agent_process_count() < 50)
                if (g_get_monotonic_time() > deadline)
                        fail("a1: expected many processes, there are %u", agent_process_count());
        return c;
}

static void test_agent_that_does_nothing_but_fork_can_be_stopped(void)
{
        _cleanup_client_ Client *c = begin_with_bomb();

        /* As another user's it has processes left. */
        runtime_write(
                "test-other", "[Runtime]\nType=notify\nUser=daemon\nExec=" AGENT_PROGRAM " ready wait\n");
        host_reload();
        create(c, &(Create){ .id = "a2", .runtime = "test-other", .wait = "ready" });
        expect_true("a1", agent_stop(c, "a1", 0));
        fleet_wait(c, "a2", "a2");
}

static void test_what_a_killed_agent_leaves_that_forks_is_killed_too(void)
{
        _cleanup_client_ Client *c = begin_with_bomb();

        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        fleet_wait(c, "a1", "");
}

/* Where systemd writes the scopes down, too. A small one is soon full. */
static void begin_with_small_run(void)
{
        g_free(command("mount -o remount,size=64m /run"));
}

static void end_small_run(void)
{
        make_room("/run");
        g_free(command("mount -o remount,size=50%% /run"));
}

/* Some is made by whoever ends. */
static void fill_run_until(Client *c, const char *id, const char *name, const char *expected)
{
        gint64 deadline = g_get_monotonic_time() + LIMIT_SEC * G_USEC_PER_SEC;

        for (;;) {
                g_autofree char *got = NULL;

                fill("/run");
                got = agent_property(c, id, name);
                if (strcmp(got, expected) == 0)
                        return;
                if (g_get_monotonic_time() > deadline)
                        fail("%s of %s: expected %s, got %s", name, id, expected, got);
        }
}

static void expect_no_room_in_run(Client *c, const char *part)
{
        fill("/run");
        create_expect_error(c, &(Create){ .id = "a9", .runtime = NOTIFY }, ERROR_("StartFailed"), part);
}

static void expect_room_in_run(Client *c)
{
        create(c, &(Create){ .id = "a9", .runtime = NOTIFY, .wait = "ready" });
        expect_true("a9", agent_stop(c, "a9", 0));
}

static void test_full_run_loses_nothing(void)
{
        _cleanup_client_ Client *c = agents_begin();

        runtime_add(ENDING, "notify", "ready wait exit=42", "StartTimeoutSec=1h");
        runtime_add(AGAIN, "notify", "ready wait", "Restart=always\nRestartSec=1s\nRestartMaxSec=1s");
        host_reload();
        begin_with_small_run();
        create(c, &(Create){ .id = "a1", .runtime = ENDING, .wait = "ready" });
        create(c, &(Create){ .id = "a2", .runtime = NOTIFY, .wait = "ready" });
        create(c, &(Create){ .id = "a3", .runtime = NOTIFY, .wait = "ready" });
        create(c, &(Create){ .id = "a4", .runtime = AGAIN, .wait = "ready" });
        expect_no_room_in_run(c, "No space left");
        agent_signal(c, "a1", SIGUSR1);
        agent_wait_end(c, "a1", "exit-code", 42);
        expect_true("a2", agent_stop(c, "a2", 0));
        agent_signal(c, "a4", SIGKILL);
        agent_wait_end(c, "a4", "signal", SIGKILL);
        fill_run_until(c, "a4", "Result", "resources");
        fleet_wait(c, "a1 a3 a4", "a3");
        expect_no_room_in_run(c, "No space left");

        agenthostd_crash();
        agent_wait(c, "a1", "ExitStatus", "42");
        g_free(systemctl("reload " LAUNCHER));
        expect_no_room_in_run(c, "No space left");
        g_free(systemctl("restart " AGENTHOSTD));
        expect_no_room_in_run(c, "No space left");
        g_free(systemctl("restart " LAUNCHER));
        expect_no_room_in_run(c, "No space left");
        fleet_wait(c, "a1 a3 a4", "a3");
        agent_wait(c, "a1", "ExitStatus", "42");

        end_small_run();
        expect_room_in_run(c);
        fleet_wait(c, "a1 a3 a4", "a3 a4");
        expect_true("a3", agent_stop(c, "a3", 0));
        expect_true("a4", agent_stop(c, "a4", 0));
        g_free(agents_clean_up(c));
        fleet_wait_forgotten(c);
}

/* There is room for our own files, but not for systemd's, which does not say what it lacks. */
static void test_scope_that_systemd_has_no_room_for_fails_its_start_clearly(void)
{
        const char *dir = mode_paths()->credentials_dir;
        _cleanup_client_ Client *c = begin_with_small_state();

        mount_small(dir, "root");
        begin_with_small_run();
        expect_no_room_in_run(c, "No space left below /run");
        fleet_wait(c, "", "");
        end_small_run();
        expect_room_in_run(c);
        fleet_wait_forgotten(c);
        unmount(dir);
        end_small_state();
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/exhaustion/" name, test_##function)
        ADD("full-state-directory-loses-nothing", full_state_directory_loses_nothing);
        ADD("state-that-could-not-be-written-is-written-when-there-is-room",
                state_that_could_not_be_written_is_written_when_there_is_room);
        ADD("no-room-for-an-agents-texts-fails-its-start-clearly",
                no_room_for_an_agents_texts_fails_its_start_clearly);
        ADD("agent-that-does-nothing-but-fork-can-be-stopped",
                agent_that_does_nothing_but_fork_can_be_stopped);
        ADD("what-a-killed-agent-leaves-that-forks-is-killed-too",
                what_a_killed_agent_leaves_that_forks_is_killed_too);
        /* Last: on a host where they have failed nothing can be done any more. */
        ADD("full-run-loses-nothing", full_run_loses_nothing);
        ADD("scope-that-systemd-has-no-room-for-fails-its-start-clearly",
                scope_that_systemd_has_no_room_for_fails_its_start_clearly);
#undef ADD

        return host_tests_run();
}

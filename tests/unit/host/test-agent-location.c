/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An agent's place, with a registry that takes its time: what waits for it, and what does not. The launcher
 * is away for a moment all the time, so that a launch that is asked for stays asked for. */

#include <string.h>

#include "agent-end.h"
#include "agent-location.h"
#include "agent-start.h"
#include "agent-stop.h"
#include "agent-wait.h"
#include "fake-registry.h"
#include "log.h"
#include "test-dir.h"

#define ELSEWHERE "host-2:50051"

typedef struct Fixture {
        TestDir dir;
        char *config_dirs[1];
        Paths paths;
        sd_event *event;
        Host *host;
        FakeRegistry *fake;
        Agent *agent; /* "a1", queued, in the host's tables; not looked at once it is gone */
        unsigned n_done; /* those who waited for its launch have been told */
        FaultKind kind;
        char *text;
} Fixture;

static GString *logged;

static void keep_log(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)fields;
        (void)n_fields;

        if (level <= LOG_WARNING)
                g_string_append_printf(logged, "%s\n", text);
}

static void ignore(void *userdata)
{
        (void)userdata;
}

static const LauncherHandlers launcher_handlers = { .connected = ignore, .disconnected = ignore };

static void on_launched(Agent *a, const Fault *fault, void *userdata)
{
        Fixture *f = userdata;

        (void)a;

        f->n_done++;
        f->kind = fault ? fault->kind : FAULT_NONE;
        f->text = fault ? g_strdup(fault_text(fault)) : NULL;
}

static void add_agent(Fixture *f)
{
        Agent *a = agent_new(f->host, "a1");

        a->name = g_strdup("A");
        a->class_name = g_strdup("");
        a->runtime = g_strdup("r");
        a->client_type = g_strdup("");
        for (size_t i = 0; i < _AGENT_TEXT_MAX; i++)
                a->texts[i] = g_strdup("{}");
        g_assert_cmpint(guild_texts_take(f->host->guilds, "{\"id\":\"g\"}", &a->guild, NULL), ==, 0);
        host_add(f->host, a);
        agent_wait_add(a, AGENT_EVENT_LAUNCHED, USEC_INFINITY, on_launched, f);
        f->agent = a;
}

static void set_up(Fixture *f, const void *data)
{
        static const RegistryHandlers no_handlers = { 0 };
        Config *config;

        (void)data;

        logged = g_string_new(NULL);
        log_set_sink(keep_log);
        f->dir = test_dir_new();
        f->paths = (Paths){
                .state_dir = f->dir.path,
                .config_dirs = f->config_dirs,
                .launcher_address = g_strdup_printf("unix:path=%s/launcher", f->dir.path),
                .systemctl = "systemctl",
                .journalctl = "journalctl -u",
        };
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        g_assert_cmpint(config_load((const char *const *)f->config_dirs, &config), ==, 0);
        g_assert_cmpint(host_new(f->event, &f->paths, config, &f->host), ==, 0);
        g_assert_cmpint(store_open(f->dir.path, &f->host->store), ==, 0);
        f->host->guilds = guild_texts_new(f->host->store);
        f->host->sync = launcher_sync_new(f->host);
        f->host->launcher = launcher_client_new(f->event, &f->paths, &launcher_handlers, f->host);
        f->fake = fake_registry_new(f->event, &no_handlers, f->host);
        f->host->registry = &f->fake->registry;
        add_agent(f);
        g_string_truncate(logged, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        (void)data;

        host_free(f->host);
        sd_event_unref(f->event);
        g_free(f->paths.launcher_address);
        g_free(f->text);
        test_dir_done(&f->dir);
        log_set_sink(NULL);
        g_string_free(logged, true);
}

static bool is_gone(Fixture *f)
{
        return !host_find(f->host, "a1");
}

static void launch(Fixture *f)
{
        agent_claim_and_spawn(f->agent, false);
        fake_registry_grant(f->fake);
        /* As if the launcher had answered. */
        f->agent->spawn_call = launcher_call_free(f->agent->spawn_call);
        agent_launched(f->agent, getpid(), -EBADF);
        g_string_truncate(f->fake->heard, 0);
}

static void test_launch_waits_for_its_claim(Fixture *f, const void *data)
{
        (void)data;

        agent_claim_and_spawn(f->agent, false);
        fake_registry_expect(f->fake, "claim a1; ");
        g_assert_nonnull(f->agent->claim_call);
        g_assert_null(f->agent->spawn_call);

        fake_registry_grant(f->fake);
        g_assert_null(f->agent->claim_call);
        g_assert_nonnull(f->agent->spawn_call);
        g_assert_true(f->agent->in_registry);
        g_assert_cmpuint(f->n_done, ==, 0);
}

static void test_takeover_is_asked_for_where_it_is_wanted(Fixture *f, const void *data)
{
        (void)data;

        agent_claim_and_spawn(f->agent, true);
        fake_registry_expect(f->fake, "take a1; ");
}

static void test_refused_claim_is_a_refused_launch(Fixture *f, const void *data)
{
        (void)data;

        agent_claim_and_spawn(f->agent, false);
        fake_registry_refuse(f->fake, FAULT_AGENT_EXISTS, "Agent a1 already exists on host " ELSEWHERE);
        g_assert_true(is_gone(f));
        g_assert_cmpuint(f->n_done, ==, 1);
        g_assert_cmpint(f->kind, ==, FAULT_AGENT_EXISTS);
        g_assert_cmpstr(f->text, ==, "Agent a1 already exists on host " ELSEWHERE);
        /* It is another's: there is nothing to give back. */
        fake_registry_expect(f->fake, "claim a1; ");
}

static void test_launch_goes_on_without_a_registry(Fixture *f, const void *data)
{
        (void)data;

        f->fake->put_answer = LOCATION_PENDING;
        agent_claim_and_spawn(f->agent, false);
        fake_registry_refuse(f->fake, FAULT_REGISTRY_UNAVAILABLE, "away");
        g_assert_nonnull(f->agent->spawn_call);
        g_assert_false(f->agent->in_registry);
        g_assert_cmpuint(f->n_done, ==, 0);

        agent_launched(f->agent, getpid(), -EBADF);
        fake_registry_expect(f->fake, "claim a1; put a1; ");
        g_assert_cmpint(f->agent->location, ==, LOCATION_PENDING);
        g_assert_cmpint(f->kind, ==, FAULT_NONE);
}

static void test_failed_launch_gives_its_claim_back(Fixture *f, const void *data)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        (void)data;

        agent_claim_and_spawn(f->agent, false);
        fake_registry_grant(f->fake);
        fault_set(&fault, FAULT_START_FAILED, "no such file");
        agent_launch_failed(f->agent, &fault);
        g_assert_true(is_gone(f));
        fake_registry_expect(f->fake, "claim a1; drop a1; ");
        g_assert_cmpint(f->kind, ==, FAULT_START_FAILED);
}

static void on_stopped(bool stopped, const Fault *fault, void *userdata)
{
        g_assert_null(fault);
        *(bool *)userdata = stopped;
}

static void test_stop_withdraws_a_claim(Fixture *f, const void *data)
{
        bool stopped = false;

        (void)data;

        agent_claim_and_spawn(f->agent, false);
        host_stop_agent(f->host, "a1", 0, on_stopped, &stopped);
        g_assert_true(is_gone(f));
        fake_registry_expect(f->fake, "claim a1; cancel it; flush all; ");
        g_assert_false(stopped);
        fake_registry_grant(f->fake);
        g_assert_true(stopped);
        g_assert_cmpuint(f->n_done, ==, 1);
        g_assert_cmpint(f->kind, ==, FAULT_START_FAILED);
        g_assert_nonnull(strstr(f->text, "was stopped before it was launched"));
}

static void test_stop_of_a_restart_withdraws_its_claim(Fixture *f, const void *data)
{
        bool stopped = false;

        (void)data;

        f->agent->state = AGENT_RESTARTING;
        agent_claim_and_spawn(f->agent, false);
        host_stop_agent(f->host, "a1", 0, on_stopped, &stopped);
        g_assert_true(is_gone(f));
        fake_registry_expect(f->fake, "claim a1; cancel it; flush all; ");
        g_assert_false(stopped);
        fake_registry_grant(f->fake);
        g_assert_true(stopped);
}

static void test_end_of_a_former_one_leaves_a_claim_alone(Fixture *f, const void *data)
{
        const AgentEnd end = { .result = "success", .code = CLD_EXITED, .oom_level = "" };

        (void)data;

        agent_claim_and_spawn(f->agent, false);
        host_agent_ended(f->host, f->agent->unit, &end);
        g_assert_false(is_gone(f));
        g_assert_cmpint(f->agent->state, ==, AGENT_QUEUED);
        fake_registry_grant(f->fake);
        g_assert_nonnull(f->agent->spawn_call);
        g_assert_cmpuint(f->n_done, ==, 0);
}

static void test_restart_keeps_its_place(Fixture *f, const void *data)
{
        const AgentEnd end = { .result = "signal", .code = CLD_KILLED, .status = 9, .oom_level = "" };

        (void)data;

        f->agent->restart = RESTART_ALWAYS;
        f->agent->restart_usec = f->agent->restart_max_usec = 3600 * USEC_PER_SEC;
        launch(f);
        host_agent_ended(f->host, f->agent->unit, &end);
        g_assert_cmpint(f->agent->state, ==, AGENT_RESTARTING);
        g_assert_true(f->agent->in_registry);
        fake_registry_expect(f->fake, "");

        agent_claim_and_spawn(f->agent, false);
        g_assert_nonnull(f->agent->spawn_call);
        fake_registry_expect(f->fake, "");
}

static void test_end_gives_the_place_up(Fixture *f, const void *data)
{
        const AgentEnd end = { .result = "signal", .code = CLD_KILLED, .status = 9, .oom_level = "" };

        (void)data;

        f->agent->restart = RESTART_NO;
        launch(f);
        g_assert_cmpint(f->agent->location, ==, LOCATION_REGISTERED);
        host_agent_ended(f->host, f->agent->unit, &end);
        g_assert_cmpint(f->agent->state, ==, AGENT_FAILED);
        g_assert_cmpint(f->agent->location, ==, LOCATION_OFF);
        fake_registry_expect(f->fake, "drop a1; ");

        host_forget(f->host, f->agent);
        fake_registry_expect(f->fake, "");
}

static void test_requested_end_gives_the_place_up(Fixture *f, const void *data)
{
        const AgentEnd end = { .result = "success", .code = CLD_EXITED, .requested = true, .oom_level = "" };

        (void)data;

        launch(f);
        host_agent_ended(f->host, f->agent->unit, &end);
        g_assert_true(is_gone(f));
        fake_registry_expect(f->fake, "drop a1; ");
}

static void lose(Fixture *f, bool alive)
{
        host_location_changed(
                f->host, "a1", LOCATION_LOST, &(RegistryConflict){ .address = ELSEWHERE, .alive = alive });
}

static void test_agent_that_another_host_has_is_stopped(Fixture *f, const void *data)
{
        (void)data;

        launch(f);
        lose(f, true);
        g_assert_cmpint(f->agent->location, ==, LOCATION_LOST);
        g_assert_true(f->agent->stop_requested);
        g_assert_cmpint(f->agent->state, ==, AGENT_STOPPING);
        g_assert_nonnull(strstr(logged->str, "Agent a1 has its location on host " ELSEWHERE));
        g_assert_nonnull(strstr(logged->str, "it is stopped here (OnConflict=stop)"));
}

static void test_agent_that_a_dead_host_has_runs_on(Fixture *f, const void *data)
{
        (void)data;

        launch(f);
        lose(f, false);
        g_assert_cmpint(f->agent->location, ==, LOCATION_LOST);
        g_assert_false(f->agent->stop_requested);

        /* When that host is back after all. */
        lose(f, true);
        g_assert_true(f->agent->stop_requested);
}

static void test_agent_that_another_host_has_is_kept_if_so_configured(Fixture *f, const void *data)
{
        (void)data;

        f->host->config->on_conflict = ON_CONFLICT_KEEP;
        launch(f);
        lose(f, true);
        g_assert_cmpint(f->agent->location, ==, LOCATION_LOST);
        g_assert_false(f->agent->stop_requested);
        g_assert_nonnull(strstr(logged->str, "it runs on here too"));

        host_location_changed(f->host, "a1", LOCATION_REGISTERED, NULL);
        g_assert_cmpint(f->agent->location, ==, LOCATION_REGISTERED);
}

static void test_agent_that_waits_to_be_started_again_is_forgotten(Fixture *f, const void *data)
{
        (void)data;

        launch(f);
        agent_enter_restarting(f->agent);
        lose(f, true);
        g_assert_true(is_gone(f));
        fake_registry_expect(f->fake, "drop a1; flush all; ");
}

static void test_news_of_what_is_not_ours_is_passed_over(Fixture *f, const void *data)
{
        (void)data;

        lose(f, true);
        g_assert_cmpint(f->agent->location, ==, LOCATION_OFF);
        host_location_changed(f->host, "unknown", LOCATION_REGISTERED, NULL);
        g_assert_cmpstr(logged->str, ==, "");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) \
        g_test_add("/agent-location/" name, Fixture, NULL, set_up, test_##function, tear_down)
        ADD("launch-waits-for-its-claim", launch_waits_for_its_claim);
        ADD("takeover-is-asked-for-where-it-is-wanted", takeover_is_asked_for_where_it_is_wanted);
        ADD("refused-claim-is-a-refused-launch", refused_claim_is_a_refused_launch);
        ADD("launch-goes-on-without-a-registry", launch_goes_on_without_a_registry);
        ADD("failed-launch-gives-its-claim-back", failed_launch_gives_its_claim_back);
        ADD("stop-withdraws-a-claim", stop_withdraws_a_claim);
        ADD("stop-of-a-restart-withdraws-its-claim", stop_of_a_restart_withdraws_its_claim);
        ADD("end-of-a-former-one-leaves-a-claim-alone", end_of_a_former_one_leaves_a_claim_alone);
        ADD("restart-keeps-its-place", restart_keeps_its_place);
        ADD("end-gives-the-place-up", end_gives_the_place_up);
        ADD("requested-end-gives-the-place-up", requested_end_gives_the_place_up);
        ADD("agent-that-another-host-has-is-stopped", agent_that_another_host_has_is_stopped);
        ADD("agent-that-a-dead-host-has-runs-on", agent_that_a_dead_host_has_runs_on);
        ADD("agent-that-another-host-has-is-kept-if-so-configured",
                agent_that_another_host_has_is_kept_if_so_configured);
        ADD("agent-that-waits-to-be-started-again-is-forgotten",
                agent_that_waits_to_be_started_again_is_forgotten);
        ADD("news-of-what-is-not-ours-is-passed-over", news_of_what_is_not_ours_is_passed_over);
#undef ADD

        return g_test_run();
}

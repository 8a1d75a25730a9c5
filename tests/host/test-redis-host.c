/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A host with Redis, a real one: what the original's clients find there, what becomes of agents that others
 * have too, and that a Redis which is away, hangs, refuses or has forgotten everything hinders nobody. */

#include <glib.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/locations.h"
#include "common/outcome.h"
#include "common/redis-server.h"

#define ALWAYS "test-always" /* is started again after a long time */
#define ELSEWHERE "host-9:50051"
#define LOST_LOCATION "dc05cabcd4ef482d9bc85d57d929c2eb"

static Client *begin_with(const char *settings)
{
        Client *c = NULL;

        runtime_add(ALWAYS, "notify", "ready wait", "Restart=always\nRestartSec=1h\nRestartMaxSec=1h");
        c = agents_begin();
        redis_server_begin(c, settings);
        return c;
}

static Client *begin(void)
{
        return begin_with(REDIS_SETTINGS);
}

static char *here(Client *c)
{
        return client_property(c, MANAGER, "Hostname");
}

static void expect_in_redis(Client *c, const char *id)
{
        g_autofree char *address = location_here(c);

        redis_expect(address, "GET 'agent_location:%s'", id);
}

static void wait_in_redis(Client *c, const char *id)
{
        g_autofree char *address = location_here(c);

        redis_wait(address, "GET 'agent_location:%s'", id);
}

static void expect_unavailable(Client *c, const char *part)
{
        call_expect_error(
                client_send(c, MANAGER, "GetLocation", "s", "a1"), ERROR_("RegistryUnavailable"), part);
}

static void test_running_agents_are_where_the_originals_clients_look(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *hostname = here(c), *address = location_here(c), *ttl = NULL;

        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a/2 b" });
        expect_in_redis(c, "a1");
        expect_in_redis(c, "a/2 b");
        redis_expect("a/2 b a1", "SMEMBERS host_agents:%s", hostname);
        ttl = redis_ask("TTL agent_location:a1");
        expect_true("TTL", strcmp(ttl, "1") >= 0 && strcmp(ttl, "3") <= 0);
        agent_expect(c, "a1", "Location", "registered");
        location_expect(c, "a1", address);
        redis_wait("2", "HGET host_status:%s agents", hostname);
}

static void test_ended_agents_are_gone_at_once(void)
{
        _cleanup_client_ Client *c =
                begin_with("[Registry]\nRedisUrl=" REDIS_URL "\nHeartbeatSec=1h\nTtlSec=7200\n");
        g_autofree char *hostname = here(c);

        create(c, &(Create){ .id = "stopped" });
        create(c, &(Create){ .id = "dies" });
        expect_true("StopAgent", agent_stop(c, "stopped", 0));
        redis_expect("", "GET agent_location:stopped");
        agent_signal(c, "dies", SIGKILL);
        agent_wait_end(c, "dies", "signal", SIGKILL);
        redis_wait("", "GET agent_location:dies");
        redis_wait("", "SMEMBERS host_agents:%s", hostname);
        agent_expect(c, "dies", "Location", "off");
        location_expect_load(c, "");
}

/* The answer means that the id is free on all hosts. */
static void test_stop_is_answered_when_redis_knows(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "runs" });
        create(c, &(Create){ .id = "ends" });
        redis_expect("OK", "CLIENT PAUSE 1000 WRITE");
        expect_true("StopAgent", agent_stop(c, "runs", 0));
        redis_expect("", "GET agent_location:runs");

        redis_expect("OK", "CLIENT PAUSE 1000 WRITE");
        agent_signal(c, "ends", SIGKILL);
        agent_wait_end(c, "ends", "signal", SIGKILL);
        expect_true("StopAgent", agent_stop(c, "ends", 0));
        redis_expect("", "GET agent_location:ends");
}

static void test_failed_launch_gives_its_claim_back(void)
{
        _cleanup_client_ Client *c =
                begin_with("[Registry]\nRedisUrl=" REDIS_URL "\nHeartbeatSec=1h\nTtlSec=7200\n");
        g_autofree char *hostname = here(c);

        runtime_write("test-missing", "[Runtime]\n%s\nExec=/nonexistent/agent\n", runtime_user());
        host_reload();
        create_expect_error(
                c, &(Create){ .id = "a1", .runtime = "test-missing" }, ERROR_("StartFailed"), NULL);
        redis_wait("", "GET agent_location:a1");
        redis_wait("", "SMEMBERS host_agents:%s", hostname);
        agent_is_known(c, "a1");
}

static void test_what_runs_elsewhere_exists(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *hostname = here(c), *load = NULL;

        g_free(redis_ask("SET agent_location:a1 " ELSEWHERE));
        g_free(redis_ask("SADD host_agents:host-9 a1"));
        create_expect_error(c, &(Create){ .id = "a1" }, ERROR_("AgentExists"),
                "Agent a1 already exists on host " ELSEWHERE);
        expect_false("agent is known", agent_is_known(c, "a1"));
        expect_true("IsAgentRunning", location_is_running(c, "a1"));
        location_expect(c, "a1", ELSEWHERE);
        location_expect_load(c, "host-9=1");
        location_expect_members(c, "host-9", "a1");

        create(c, &(Create){ .id = "a1", .takeover = true });
        expect_in_redis(c, "a1");
        redis_wait("", "SMEMBERS host_agents:host-9");
        load = g_strdup_printf("%s=1", hostname);
        location_expect_load(c, load);
}

static void test_dead_entries_of_any_host_are_cleaned_up(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *cleaned = NULL;

        create(c, &(Create){ .id = "ended" });
        create(c, &(Create){ .id = "lives" });
        agent_signal(c, "ended", SIGKILL);
        agent_wait_end(c, "ended", "signal", SIGKILL);
        g_free(redis_ask("SADD host_agents:host-9 foreign"));
        cleaned = agents_clean_up(c);
        expect_text("CleanupDeadAgents", "ended foreign", cleaned);
        redis_expect("", "SMEMBERS host_agents:host-9");
        expect_in_redis(c, "lives");
}

static void become_lost(Client *c, bool alive)
{
        create(c, &(Create){ .id = "a1" });
        if (alive)
                g_free(redis_ask("HSET host_status:host-9 address " ELSEWHERE));
        g_free(redis_ask("SET agent_location:a1 " ELSEWHERE));
}

static void test_agent_that_another_host_has_is_stopped(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *hostname = here(c), *lines = NULL;

        become_lost(c, true);
        sd_bus_message_unref(client_take_signal(c, "AgentRemoved", "a1"));
        redis_expect(ELSEWHERE, "GET agent_location:a1");
        redis_wait("", "SMEMBERS host_agents:%s", hostname);
        lines = command("journalctl --quiet --no-pager --output=cat MESSAGE_ID=" LOST_LOCATION
                        " AGENT_ID=a1 GUILD_ID=g UNIT=agent-a1.scope");
        expect_part("journal", "Agent a1 has its location on host " ELSEWHERE, lines);
}

static void test_agent_that_a_dead_host_has_gets_its_place_back(void)
{
        _cleanup_client_ Client *c = begin();

        become_lost(c, false);
        agent_wait(c, "a1", "Location", "lost");
        agent_expect(c, "a1", "State", "running");
        g_free(redis_ask("DEL agent_location:a1"));
        agent_wait(c, "a1", "Location", "registered");
        wait_in_redis(c, "a1");
}

static void test_agent_that_another_host_has_is_kept_if_so_configured(void)
{
        _cleanup_client_ Client *c = begin_with(REDIS_SETTINGS "OnConflict=keep\n");

        become_lost(c, true);
        agent_wait(c, "a1", "Location", "lost");
        agent_expect(c, "a1", "State", "running");
        expect_true("IsAgentRunning", location_is_running(c, "a1"));
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        redis_expect(ELSEWHERE, "GET agent_location:a1");
}

static void test_what_redis_forgets_is_written_again(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *hostname = here(c);

        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2" });
        g_free(redis_ask("FLUSHALL"));
        wait_in_redis(c, "a1");
        wait_in_redis(c, "a2");
        redis_wait("a1 a2", "SMEMBERS host_agents:%s", hostname);
}

static void test_agents_come_and_go_while_redis_is_dead(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *hostname = here(c);

        create(c, &(Create){ .id = "before" });
        create(c, &(Create){ .id = "goes" });
        redis_server_kill();
        client_wait_property(c, MANAGER, "RegistryState", "stale");
        expect_unavailable(c, NULL);
        create(c, &(Create){ .id = "meanwhile" });
        agent_expect(c, "meanwhile", "State", "running");
        agent_expect(c, "meanwhile", "Location", "pending");
        expect_true("StopAgent", agent_stop(c, "goes", 0));
        client_wait_property(c, MANAGER, "RegistryState", "down");
        agent_wait(c, "before", "Location", "pending");

        redis_server_start("");
        client_wait_property(c, MANAGER, "RegistryState", "ok");
        agent_wait(c, "meanwhile", "Location", "registered");
        agent_wait(c, "before", "Location", "registered");
        expect_in_redis(c, "before");
        expect_in_redis(c, "meanwhile");
        redis_wait("before meanwhile", "SMEMBERS host_agents:%s", hostname);
}

static void test_agents_come_and_go_while_redis_hangs(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "before" });
        redis_server_hang(true);
        create(c, &(Create){ .id = "meanwhile" });
        agent_expect(c, "meanwhile", "State", "running");
        expect_true("StopAgent", agent_stop(c, "before", 0));
        /* It takes longer to be noticed than the entries live. */
        client_wait_property(c, MANAGER, "RegistryState", "down");
        expect_unavailable(c, NULL);

        redis_server_hang(false);
        client_wait_property(c, MANAGER, "RegistryState", "ok");
        wait_in_redis(c, "meanwhile");
        redis_wait("", "GET agent_location:before");
}

static void test_agents_come_and_go_while_redis_refuses(void)
{
        _cleanup_client_ Client *c = begin();

        redis_server_start("--requirepass other");
        create(c, &(Create){ .id = "a1" });
        agent_expect(c, "a1", "State", "running");
        client_wait_property(c, MANAGER, "RegistryState", "down");
        expect_unavailable(c, "assword");
        expect_true("StopAgent", agent_stop(c, "a1", 0));
}

static void test_a_crash_leaves_everything_in_place(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *hostname = here(c);
        pid_t pid;

        create(c, &(Create){ .id = "lives" });
        pid = create(c, &(Create){ .id = "dies" });
        create(c, &(Create){ .id = "waits", .runtime = ALWAYS, .wait = "ready" });
        agent_signal(c, "waits", SIGKILL);
        agent_wait_end(c, "waits", "signal", SIGKILL);

        service_signal("agenthostd.service", SIGSTOP);
        kill(pid, SIGKILL);
        process_wait_end(pid);
        agenthostd_crash();
        agent_wait(c, "dies", "State", "failed");
        agent_wait(c, "lives", "Location", "registered");
        agent_wait(c, "waits", "Location", "registered");
        redis_wait("", "GET agent_location:dies");
        redis_wait("lives waits", "SMEMBERS host_agents:%s", hostname);
}

/* Its agents run on, so they stay known, for a TTL. */
static void test_stopping_the_service_leaves_its_agents_known(void)
{
        _cleanup_client_ Client *c =
                begin_with("[Registry]\nRedisUrl=" REDIS_URL "\nHeartbeatSec=1h\nTtlSec=7200\n");
        g_autofree char *address = location_here(c);

        create(c, &(Create){ .id = "a1" });
        g_free(systemctl("stop agenthostd.service"));
        redis_expect(address, "GET agent_location:a1");
        g_free(systemctl("start agenthostd.service"));
        agent_wait(c, "a1", "Location", "registered");
}

/* As at the machine's shutdown, where the launcher may be stopped before it has told. */
static void test_agent_whose_end_nobody_tells_is_gone_all_the_same(void)
{
        _cleanup_client_ Client *c =
                begin_with("[Registry]\nRedisUrl=" REDIS_URL "\nHeartbeatSec=1h\nTtlSec=7200\n");
        g_autofree char *hostname = here(c), *address = location_here(c);
        pid_t pid = create(c, &(Create){ .id = "dies" });

        create(c, &(Create){ .id = "lives" });
        service_signal("agenthost-launcher.service", SIGSTOP);
        kill(pid, SIGKILL);
        process_wait_end(pid);
        g_free(systemctl("stop agenthostd.service"));
        redis_expect("", "GET agent_location:dies");
        redis_expect("lives", "SMEMBERS host_agents:%s", hostname);
        redis_expect(address, "GET agent_location:lives");

        service_signal("agenthost-launcher.service", SIGCONT);
        g_free(systemctl("start agenthostd.service"));
        agent_wait(c, "dies", "State", "failed");
        redis_wait("lives", "SMEMBERS host_agents:%s", hostname);
        redis_expect("", "GET agent_location:dies");
}

static void test_last_words_arrive(void)
{
        _cleanup_client_ Client *c =
                begin_with("[Registry]\nRedisUrl=" REDIS_URL "\nHeartbeatSec=1h\nTtlSec=7200\n");
        g_autofree char *hostname = here(c);

        for (unsigned i = 0; i < 20; i++) {
                g_autofree char *id = g_strdup_printf("a%u", i);

                create(c, &(Create){ .id = id });
        }
        sd_bus_message_unref(client_call(c, MANAGER, "ShutdownAgents", "u", 0u));
        g_free(systemctl("stop agenthostd.service"));
        redis_expect("0", "SCARD host_agents:%s", hostname);
        redis_expect("", "KEYS 'agent_location:*'");
}

static void test_agents_move_with_the_name_of_their_host(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *hostname = here(c);

        create(c, &(Create){ .id = "a1" });
        config_write("[Host]\nHostname=other\n" REDIS_SETTINGS);
        host_reload();
        redis_wait("other:50051", "GET agent_location:a1");
        redis_wait("a1", "SMEMBERS host_agents:other");
        redis_wait("", "SMEMBERS host_agents:%s", hostname);
        agent_wait(c, "a1", "Location", "registered");
        agent_expect(c, "a1", "State", "running");
}

static void test_restarted_agent_keeps_its_place(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "a1", .runtime = ALWAYS, .wait = "ready" });
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        create_expect_error(c, &(Create){ .id = "a1" }, ERROR_("AgentExists"), NULL);
        expect_in_redis(c, "a1");
        agent_restart(c, "a1");
        expect_in_redis(c, "a1");
        agent_expect(c, "a1", "Location", "registered");
}

static void test_restart_of_an_ended_agent_claims_its_id_again(void)
{
        _cleanup_client_ Client *c = begin();
        _cleanup_free_ char *path = agent_path("a1");

        create(c, &(Create){ .id = "a1" });
        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        redis_wait("", "GET agent_location:a1");
        g_free(redis_ask("SET agent_location:a1 " ELSEWHERE));
        call_expect_error(client_send(c, path, AGENT_INTERFACE, "Restart", ""), ERROR_("AgentExists"),
                "already exists on host " ELSEWHERE);
        agent_expect(c, "a1", "State", "failed");
        agent_expect(c, "a1", "Location", "off");

        g_free(redis_ask("DEL agent_location:a1"));
        agent_restart(c, "a1");
        agent_expect(c, "a1", "State", "running");
        expect_in_redis(c, "a1");
}

/* From where systemd looks for credentials. Like a container's, this host's mounts are private, which
 * systemd does not expect: what it mounts for a service would not be seen by that. */
static void test_password_comes_from_systemd(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *arguments = NULL;

        redis_server_start("--requirepass s3cr3t");
        g_free(command("mount --make-rshared /"));
        g_free(command("mkdir -p /etc/credstore"));
        expect_true("credential", g_file_set_contents("/etc/credstore/redis-password", "s3cr3t", -1, NULL));
        config_write(REDIS_SETTINGS);
        g_free(systemctl("restart agenthostd.service"));
        g_free(command("rm /etc/credstore/redis-password"));
        g_free(command("mount --make-rprivate /"));
        client_wait_property(c, MANAGER, "RegistryState", "ok");
        create(c, &(Create){ .id = "a1" });
        agent_expect(c, "a1", "Location", "registered");

        expect_false("journal", journal_has("agenthostd.service", "s3cr3t"));
        arguments = command("ps -o args= -p %d", (int)service_pid("agenthostd.service"));
        expect_false("arguments", strstr(arguments, "s3cr3t"));
        g_free(systemctl("restart agenthostd.service"));
}

static void test_redis_at_a_socket(void)
{
        _cleanup_client_ Client *c = agents_begin();

        redis_server_start("--unixsocket /run/test-redis.sock --unixsocketperm 777");
        config_write("[Registry]\nRedisUrl=unix:///run/test-redis.sock\n");
        host_reload();
        client_wait_property(c, MANAGER, "RegistryState", "ok");
        create(c, &(Create){ .id = "a1" });
        expect_in_redis(c, "a1");
}

static void test_many_launches_at_once_are_all_registered(void)
{
        enum { N = 80 };
        _cleanup_client_ Client *c = begin();
        g_autofree char *hostname = here(c);
        Call *calls[N];

        for (unsigned i = 0; i < N; i++) {
                g_autofree char *id = g_strdup_printf("a%u", i);

                calls[i] = create_send(c, &(Create){ .id = id });
        }
        for (unsigned i = 0; i < N; i++)
                sd_bus_message_unref(call_success(calls[i]));
        redis_wait("80", "SCARD host_agents:%s", hostname);
        sd_bus_message_unref(client_call(c, MANAGER, "ShutdownAgents", "u", 0u));
        redis_wait("0", "SCARD host_agents:%s", hostname);
        redis_wait("", "KEYS 'agent_location:*'");
}

/* A claim that hangs is a launch that waits; whoever stops it need not. */
static void test_stop_does_not_wait_for_a_claim(void)
{
        _cleanup_client_ Client *c = begin();
        Call *creation;

        redis_server_hang(true);
        creation = create_send(c, &(Create){ .id = "a1" });
        while (!agent_is_known(c, "a1"))
                ;
        if (!call_is_answered(creation))
                expect_true("StopAgent", agent_stop(c, "a1", 0));
        sd_bus_message_unref(call_answer(creation));
        redis_server_hang(false);
        client_wait_property(c, MANAGER, "RegistryState", "ok");
        expect_true("nothing is left or it is stopped", !agent_is_known(c, "a1") || agent_stop(c, "a1", 0));
        redis_wait("", "GET agent_location:a1");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/redis-host/" name, test_##function)
        ADD("running-agents-are-where-the-originals-clients-look",
                running_agents_are_where_the_originals_clients_look);
        ADD("ended-agents-are-gone-at-once", ended_agents_are_gone_at_once);
        ADD("stop-is-answered-when-redis-knows", stop_is_answered_when_redis_knows);
        ADD("failed-launch-gives-its-claim-back", failed_launch_gives_its_claim_back);
        ADD("what-runs-elsewhere-exists", what_runs_elsewhere_exists);
        ADD("dead-entries-of-any-host-are-cleaned-up", dead_entries_of_any_host_are_cleaned_up);
        ADD("agent-that-another-host-has-is-stopped", agent_that_another_host_has_is_stopped);
        ADD("agent-that-a-dead-host-has-gets-its-place-back",
                agent_that_a_dead_host_has_gets_its_place_back);
        ADD("agent-that-another-host-has-is-kept-if-so-configured",
                agent_that_another_host_has_is_kept_if_so_configured);
        ADD("what-redis-forgets-is-written-again", what_redis_forgets_is_written_again);
        ADD("agents-come-and-go-while-redis-is-dead", agents_come_and_go_while_redis_is_dead);
        ADD("agents-come-and-go-while-redis-hangs", agents_come_and_go_while_redis_hangs);
        ADD("agents-come-and-go-while-redis-refuses", agents_come_and_go_while_redis_refuses);
        ADD("a-crash-leaves-everything-in-place", a_crash_leaves_everything_in_place);
        ADD("stopping-the-service-leaves-its-agents-known", stopping_the_service_leaves_its_agents_known);
        ADD("agent-whose-end-nobody-tells-is-gone-all-the-same",
                agent_whose_end_nobody_tells_is_gone_all_the_same);
        ADD("last-words-arrive", last_words_arrive);
        ADD("agents-move-with-the-name-of-their-host", agents_move_with_the_name_of_their_host);
        ADD("restarted-agent-keeps-its-place", restarted_agent_keeps_its_place);
        ADD("restart-of-an-ended-agent-claims-its-id-again", restart_of_an_ended_agent_claims_its_id_again);
        ADD("password-comes-from-systemd", password_comes_from_systemd);
        ADD("redis-at-a-socket", redis_at_a_socket);
        ADD("many-launches-at-once-are-all-registered", many_launches_at_once_are_all_registered);
        ADD("stop-does-not-wait-for-a-claim", stop_does_not_wait_for_a_claim);
#undef ADD

        return host_tests_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host knows of the others, and whose turn it is: by its settings, by an API server of Kubernetes
 * that changes its mind, or is away, with a Redis that counts, or does not; and that agents notice nothing
 * of it.
 */

#include <glib.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/locations.h"
#include "common/outcome.h"
#include "common/redis-server.h"
#include "kube-fixture.h"

#define PEERS "host-2:50051 host-0:50051 host-1:50051"
#define STATIC "[Discovery]\nSource=static\nPeers=" PEERS "\n"
#define NO_SERVER "[Discovery]\nSource=kubernetes\nKubeConfig=/nonexistent/config\n"

/* polkit, without a rule, would have them asked for a password. */
#define DENIED SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED

/* Where agenthostd can read what a test writes. */
#define KUBE_DIR "/run/agenthost-tests/kube"

static Client *begin_with(const char *settings)
{
        Client *c = agents_begin();

        config_write(settings);
        host_reload();
        /* In memory it goes on from one test to the next. */
        sd_bus_message_unref(client_call(c, MANAGER, "ResetPlacementCounter", ""));
        return c;
}

static Client *begin_with_redis(const char *settings)
{
        g_autofree char *all = g_strconcat(REDIS_SETTINGS, settings, NULL);
        Client *c = agents_begin();

        redis_server_begin(c, all);
        return c;
}

static Call *ask_host(Client *c)
{
        g_autofree char *spec = agent_spec_text("a1");

        return client_send(c, MANAGER, "SelectHost", "s", spec);
}

/* The caller's. */
static char *select_host(Client *c)
{
        _cleanup_message_ sd_bus_message *m = call_success(ask_host(c));
        const char *address;

        must(sd_bus_message_read(m, "s", &address), "reading the host");
        return g_strdup(address);
}

static void expect_host(Client *c, const char *expected)
{
        g_autofree char *address = select_host(c);

        expect_text("SelectHost", expected, address);
}

/* ListHosts as "host-1:50051 10.0.0.1 zone node, -host-2:50051 ...": "-" is not ready. The caller's. */
static char *list_hosts(Client *c)
{
        _cleanup_message_ sd_bus_message *m = client_call(c, MANAGER, "ListHosts", "");
        const char *address, *ip, *zone, *node;
        GString *text = g_string_new(NULL);
        int ready;

        must(sd_bus_message_enter_container(m, 'a', "(ssbss)"), "reading the hosts");
        while (sd_bus_message_read(m, "(ssbss)", &address, &ip, &ready, &zone, &node) > 0)
                g_string_append_printf(text, "%s%s%s %s %s %s", text->len > 0 ? ", " : "", ready ? "" : "-",
                        address, ip, zone, node);
        return g_string_free(text, FALSE);
}

static void expect_hosts(Client *c, const char *expected)
{
        g_autofree char *hosts = list_hosts(c);

        expect_text("ListHosts", expected, hosts);
}

/* Each change is told. */
static bool has_hosts(Client *c, void *userdata)
{
        g_autofree char *hosts = list_hosts(c);

        return strcmp(hosts, userdata) == 0;
}

static void wait_hosts(Client *c, const char *expected)
{
        client_wait(c, has_hosts, (void *)expected, "hosts");
}

static void expect_agents_live(Client *c, const char *id)
{
        create(c, &(Create){ .id = id });
        agent_expect(c, id, "State", "running");
}

/* -- By the settings -- */

static void test_host_without_a_source_is_the_only_one(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *here = location_here(c), *expected = g_strconcat(here, "   ", NULL);

        client_expect_property(c, MANAGER, "DiscoveryState", "off");
        client_expect_property(c, MANAGER, "PlacementCounter", "off");
        client_expect_property(c, MANAGER, "HostCount", "1");
        expect_hosts(c, expected);
        expect_host(c, here);
        expect_host(c, here);
}

static void test_static_peers_take_turns(void)
{
        _cleanup_client_ Client *c = begin_with(STATIC);

        client_wait_property(c, MANAGER, "DiscoveryState", "ok");
        client_expect_property(c, MANAGER, "HostCount", "3");
        expect_hosts(c, "host-0:50051   , host-1:50051   , host-2:50051   ");
        for (int i = 0; i < 2; i++) {
                expect_host(c, "host-0:50051");
                expect_host(c, "host-1:50051");
                expect_host(c, "host-2:50051");
        }
}

static void test_change_of_the_settings_is_told(void)
{
        _cleanup_client_ Client *c = begin_with(STATIC);
        g_autofree char *changed = NULL;

        client_wait_property(c, MANAGER, "HostCount", "3");
        client_drop_signals(c);
        config_write("[Discovery]\nSource=static\nPeers=host-7:1\n");
        host_reload();
        changed = client_wait_changed(c, MANAGER, "HostCount");
        expect_text("changes", "DiscoveryState=ok HostCount=1", changed);
        expect_host(c, "host-7:1");
}

static void test_no_peers_are_an_error(void)
{
        _cleanup_client_ Client *c = begin_with("[Discovery]\nSource=static\n");

        client_wait_property(c, MANAGER, "HostCount", "0");
        expect_hosts(c, "");
        call_expect_error(ask_host(c), ERROR_("NoHosts"), "No agent hosts available");
        expect_agents_live(c, "a1");
}

static void test_bad_spec_is_placed_nowhere(void)
{
        _cleanup_client_ Client *c = begin_with(STATIC);

        call_expect_error(
                client_send(c, MANAGER, "SelectHost", "s", "{}"), ERROR_("InvalidSpec"), "$.id: missing");
        /* And it has used no turn. */
        expect_host(c, "host-0:50051");
}

static void test_everybody_may_look_and_not_everybody_choose(void)
{
        _cleanup_client_ Client *c = begin_with(STATIC), *nobody = client_new_as("nobody", NULL);

        expect_hosts(nobody, "host-0:50051   , host-1:50051   , host-2:50051   ");
        call_expect_error(ask_host(nobody), DENIED, "SelectHost");
        call_expect_error(
                client_send(nobody, MANAGER, "ResetPlacementCounter", ""), DENIED, "ResetPlacementCounter");
        expect_host(c, "host-0:50051");
}

static void test_source_that_cannot_be_used_hurts_no_agent(void)
{
        _cleanup_client_ Client *c = agents_begin();

        create(c, &(Create){ .id = "before" });
        config_write(NO_SERVER);
        host_reload();
        client_wait_property(c, MANAGER, "DiscoveryState", "down");
        client_expect_property(c, MANAGER, "HostCount", "0");
        call_expect_error(client_send(c, MANAGER, "ListHosts", ""), ERROR_("DiscoveryUnavailable"),
                "/nonexistent/config");
        call_expect_error(ask_host(c), ERROR_("DiscoveryUnavailable"), "Failed to discover agent hosts: ");
        agent_expect(c, "before", "State", "running");
        expect_agents_live(c, "a1");
        expect_true("journal", journal_has("agenthostd.service", "Discovery is down"));

        config_write("");
        host_reload();
        client_wait_property(c, MANAGER, "DiscoveryState", "off");
        client_expect_property(c, MANAGER, "HostCount", "1");
}

/* -- Redis -- */

static void test_turns_are_counted_in_redis(void)
{
        _cleanup_client_ Client *c = begin_with_redis(STATIC);

        client_expect_property(c, MANAGER, "PlacementCounter", "shared");
        redis_expect("0", "EXISTS placement:counter");
        expect_host(c, "host-0:50051");
        redis_expect("1", "GET placement:counter");
        expect_host(c, "host-1:50051");
        redis_expect("2", "GET placement:counter");

        /* Another host has had turns. */
        g_free(redis_ask("INCRBY placement:counter 2"));
        expect_host(c, "host-1:50051");
        agenthostd_crash();
        client_wait_property(c, MANAGER, "RegistryState", "ok");
        expect_host(c, "host-2:50051");
}

static void test_reset_begins_with_the_first_host(void)
{
        _cleanup_client_ Client *c = begin_with_redis(STATIC);

        expect_host(c, "host-0:50051");
        expect_host(c, "host-1:50051");
        sd_bus_message_unref(client_call(c, MANAGER, "ResetPlacementCounter", ""));
        redis_expect("0", "EXISTS placement:counter");
        expect_host(c, "host-0:50051");
        redis_expect("1", "GET placement:counter");
}

static void test_no_hosts_move_no_counter(void)
{
        _cleanup_client_ Client *c = begin_with_redis("[Discovery]\nSource=static\n");

        call_expect_error(ask_host(c), ERROR_("NoHosts"), "No agent hosts available");
        redis_expect("0", "EXISTS placement:counter");
}

static unsigned number_of_host(Client *c)
{
        g_autofree char *address = select_host(c);

        expect_true("SelectHost", g_str_has_prefix(address, "host-"));
        return (unsigned)(address[strlen("host-")] - '0');
}

static void test_without_redis_turns_go_on_here(void)
{
        _cleanup_client_ Client *c = begin_with_redis(STATIC);
        unsigned first;

        expect_host(c, "host-0:50051");
        redis_server_kill();
        first = number_of_host(c);
        client_wait_property(c, MANAGER, "PlacementCounter", "local");
        for (unsigned i = 1; i < 6; i++)
                expect_number("turn", (first + i) % 3, number_of_host(c));
        expect_true("journal",
                journal_has("agenthostd.service", "Turns of placement are counted by this host alone"));
        call_expect_error(
                client_send(c, MANAGER, "ResetPlacementCounter", ""), ERROR_("RegistryUnavailable"), NULL);
        expect_agents_live(c, "a1");

        redis_server_start("");
        client_wait_property(c, MANAGER, "PlacementCounter", "shared");
        expect_host(c, "host-0:50051");
        redis_expect("1", "GET placement:counter");
}

static void test_redis_that_hangs_is_not_waited_for_long(void)
{
        _cleanup_client_ Client *c = begin_with_redis(STATIC);

        redis_server_hang(true);
        (void)number_of_host(c);
        client_wait_property(c, MANAGER, "PlacementCounter", "local");
        expect_agents_live(c, "a1");
        redis_server_hang(false);
        client_wait_property(c, MANAGER, "RegistryState", "ok");
}

static void test_least_agents_looks_at_what_hosts_say(void)
{
        _cleanup_client_ Client *c = begin_with_redis(STATIC "[Placement]\nStrategy=least-agents\n");

        expect_host(c, "host-0:50051");
        g_free(redis_ask("HSET host_status:host-1 agents 5"));
        g_free(redis_ask("HSET host_status:host-2 agents 4"));
        expect_host(c, "host-2:50051");
        g_free(redis_ask("HSET host_status:host-0 agents 9"));
        expect_host(c, "host-2:50051");
        expect_host(c, "host-1:50051");
}

/* The first three turns: "host-0:50051 host-2:50051 host-2:50051". */
static bool has_turns(Client *c, const char *expected)
{
        g_autoptr(GString) turns = g_string_new(NULL);

        sd_bus_message_unref(client_call(c, MANAGER, "ResetPlacementCounter", ""));
        for (int i = 0; i < 3; i++) {
                g_autofree char *address = select_host(c);

                g_string_append_printf(turns, "%s%s", i > 0 ? " " : "", address);
        }
        return strcmp(turns->str, expected) == 0;
}

/* With a heartbeat; nobody tells. */
static void wait_turns(Client *c, const char *expected)
{
        gint64 since = g_get_monotonic_time();

        while (!has_turns(c, expected)) {
                if (g_get_monotonic_time() > since + LIMIT_SEC * G_USEC_PER_SEC)
                        fail("turns: expected %s", expected);
                g_usleep(20 * 1000);
        }
}

/* "host-0 1/5, host-1 0/5 draining"; the caller's. */
static char *list_statuses(Client *c)
{
        _cleanup_message_ sd_bus_message *m = client_call(c, MANAGER, "GetHostStatuses", "");
        GString *text = g_string_new(NULL);
        uint32_t n_agents, capacity;
        const char *hostname;
        int draining;

        must(sd_bus_message_enter_container(m, 'a', "{s(uub)}"), "reading the statuses");
        while (sd_bus_message_read(m, "{s(uub)}", &hostname, &n_agents, &capacity, &draining) > 0)
                g_string_append_printf(text, "%s%s %" PRIu32 "/%" PRIu32 "%s", text->len > 0 ? ", " : "",
                        hostname, n_agents, capacity, draining ? " draining" : "");
        return g_string_free(text, FALSE);
}

static void test_what_hosts_say_of_themselves_is_told(void)
{
        _cleanup_client_ Client *c = begin_with_redis("[Host]\nHostname=host-0\nMaxAgents=9\n" STATIC);
        g_autofree char *before = list_statuses(c), *after = NULL;

        expect_text("GetHostStatuses", "host-0 0/9", before);
        g_free(redis_ask("HSET host_status:host-1 agents 1 capacity 5 draining 1"));
        create(c, &(Create){ .id = "a1" });
        wait_turns(c, "host-0:50051 host-2:50051 host-2:50051");
        after = list_statuses(c);
        expect_text("GetHostStatuses", "host-0 1/9, host-1 1/5 draining", after);
}

static void test_hosts_that_say_they_take_no_agents_come_last(void)
{
        _cleanup_client_ Client *c = begin_with_redis(STATIC);

        wait_turns(c, "host-0:50051 host-1:50051 host-2:50051");
        g_free(redis_ask("HSET host_status:host-1 agents 1 capacity 5 draining 1"));
        wait_turns(c, "host-0:50051 host-2:50051 host-2:50051");
        g_free(redis_ask("HSET host_status:host-0 agents 5 capacity 5 draining 0"));
        wait_turns(c, "host-2:50051 host-2:50051 host-2:50051");
        /* A full one may have room by now; one that drains has none. */
        g_free(redis_ask("HSET host_status:host-2 agents 0 capacity 5 draining 1"));
        wait_turns(c, "host-0:50051 host-0:50051 host-0:50051");
        g_free(redis_ask("HSET host_status:host-0 agents 4"));
        g_free(redis_ask("HSET host_status:host-1 draining 0"));
        wait_turns(c, "host-0:50051 host-1:50051 host-0:50051");
        g_free(redis_ask("DEL host_status:host-2"));
        wait_turns(c, "host-0:50051 host-1:50051 host-2:50051");
}

static void test_what_was_said_in_another_registry_does_not_count(void)
{
        _cleanup_client_ Client *c = begin_with_redis(STATIC);

        g_free(redis_ask("HSET host_status:host-1 agents 1 capacity 5 draining 1"));
        wait_turns(c, "host-0:50051 host-2:50051 host-2:50051");
        config_write(STATIC);
        host_reload();
        expect_true("all have their turns", has_turns(c, "host-0:50051 host-1:50051 host-2:50051"));
}

static void test_host_that_drains_says_so_and_comes_last_at_once(void)
{
        _cleanup_client_ Client *c = begin_with_redis(
                "[Host]\nHostname=host-0\n" STATIC "[Registry]\nHeartbeatSec=1h\nTtlSec=2h\n");

        redis_expect("0", "HGET host_status:host-0 draining");
        sd_bus_message_unref(client_call(c, MANAGER, "Drain", "bu", false, 0u));
        redis_wait("1", "HGET host_status:host-0 draining");
        expect_host(c, "host-1:50051");
        agenthostd_crash();
        client_wait_property(c, MANAGER, "RegistryState", "ok");
        redis_expect("1", "HGET host_status:host-0 draining");
        sd_bus_message_unref(client_call(c, MANAGER, "Resume", ""));
        redis_wait("0", "HGET host_status:host-0 draining");
        expect_true("turns", has_turns(c, "host-0:50051 host-1:50051 host-2:50051"));
}

static void test_others_learn_soon_how_many_agents_there_are(void)
{
        _cleanup_client_ Client *c = begin_with_redis(STATIC "[Registry]\nHeartbeatSec=1h\nTtlSec=2h\n");
        g_autofree char *hostname = client_property(c, MANAGER, "Hostname");

        redis_expect("0", "HGET host_status:%s agents", hostname);
        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2" });
        redis_wait("2", "HGET host_status:%s agents", hostname);
        expect_true("StopAgent", agent_stop(c, "a1", 0));
        redis_wait("1", "HGET host_status:%s agents", hostname);
}

/* -- Kubernetes -- */

static void write_file(const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(KUBE_DIR, name, NULL);

        expect_true("directory", g_mkdir_with_parents(KUBE_DIR, 0755) == 0);
        expect_true("file", g_file_set_contents(path, text, -1, NULL));
        expect_true("mode", g_chmod(path, 0644) == 0);
}

static void put_slice(FakeKube *kube, const char *hosts)
{
        g_autofree char *slice = kube_slice("s1", "agent-host", hosts);

        fake_kube_put(kube, KUBE_SLICES, slice);
}

static Client *begin_with_kube(FakeKube *kube)
{
        g_autofree char *settings = g_strdup_printf("[Discovery]\nSource=kubernetes\nNamespace=demo\n"
                                                    "Server=%s\nTokenFile=" KUBE_DIR "/token\n"
                                                    "CaFile=" KUBE_DIR "/ca.crt\n",
                fake_kube_url(kube));

        write_file("token", FAKE_KUBE_TOKEN);
        write_file("ca.crt", pki_ca_pem(fake_kube_pki(kube)));
        return begin_with(settings);
}

static void test_list_follows_the_cluster(void)
{
        g_autoptr(FakeKube) kube = fake_kube_new();
        _cleanup_client_ Client *c = NULL;

        put_slice(kube, "host-0=10.0.0.1 -host-1=10.0.0.2");
        c = begin_with_kube(kube);
        client_wait_property(c, MANAGER, "DiscoveryState", "ok");
        client_expect_property(c, MANAGER, "HostCount", "2");
        expect_hosts(c, "host-0:50051 10.0.0.1 zone-1 node-a, -host-1:50051 10.0.0.2 zone-1 node-a");
        /* Only who is ready gets a turn. */
        expect_host(c, "host-0:50051");
        expect_host(c, "host-0:50051");

        put_slice(kube, "host-0=10.0.0.1 host-1=10.0.0.2");
        wait_hosts(c, "host-0:50051 10.0.0.1 zone-1 node-a, host-1:50051 10.0.0.2 zone-1 node-a");
        expect_host(c, "host-0:50051");
        expect_host(c, "host-1:50051");

        fake_kube_remove(kube, KUBE_SLICES, "s1");
        wait_hosts(c, "");
        client_expect_property(c, MANAGER, "HostCount", "0");
        call_expect_error(ask_host(c), ERROR_("NoHosts"), "No agent hosts available");
}

static void test_last_list_serves_while_the_server_is_away(void)
{
        g_autoptr(FakeKube) kube = fake_kube_new();
        _cleanup_client_ Client *c = NULL;

        put_slice(kube, "host-0=10.0.0.1");
        c = begin_with_kube(kube);
        client_wait_property(c, MANAGER, "DiscoveryState", "ok");

        fake_kube_stop(kube);
        client_wait_property(c, MANAGER, "DiscoveryState", "stale");
        client_expect_property(c, MANAGER, "HostCount", "1");
        expect_host(c, "host-0:50051");
        expect_agents_live(c, "a1");
        expect_true("journal", journal_has("agenthostd.service", "Discovery is stale"));

        put_slice(kube, "host-0=10.0.0.1 host-1=10.0.0.2");
        fake_kube_start(kube);
        wait_hosts(c, "host-0:50051 10.0.0.1 zone-1 node-a, host-1:50051 10.0.0.2 zone-1 node-a");
        client_wait_property(c, MANAGER, "DiscoveryState", "ok");
}

/* What is refused again and again stays so for as long as the test looks. */
static void expect_unknown(const char *reply, size_t size, const char *part)
{
        const FakeReply laid = { .data = reply, .size = size };
        g_autoptr(FakeKube) kube = fake_kube_new();
        _cleanup_client_ Client *c = NULL;

        for (int i = 0; i < 20; i++)
                fake_kube_next_list(kube, &laid);
        c = begin_with_kube(kube);
        /* The state is no news; its reason is. */
        while (fake_kube_count_lists(kube) < 2)
                g_usleep(1000);
        client_expect_property(c, MANAGER, "DiscoveryState", "down");
        client_expect_property(c, MANAGER, "HostCount", "0");
        call_expect_error(client_send(c, MANAGER, "ListHosts", ""), ERROR_("DiscoveryUnavailable"), part);
        call_expect_error(ask_host(c), ERROR_("DiscoveryUnavailable"), "Failed to discover agent hosts: ");
        expect_agents_live(c, "a1");
}

static void test_P7_refusal_is_an_error_that_says_so(void)
{
        g_auto(Recorded) reply = recorded_load("errors/404-unknown-resource");

        expect_unknown(reply.raw, reply.raw_size, "404");
}

static void test_P14_server_in_trouble_means_no_hosts(void)
{
        g_autofree char *reply = fake_kube_make_reply("500 Internal Server Error", NULL, "{}");

        expect_unknown(reply, strlen(reply), "500");
}

static void test_new_list_is_there_after_a_crash(void)
{
        g_autoptr(FakeKube) kube = fake_kube_new();
        _cleanup_client_ Client *c = NULL;

        put_slice(kube, "host-0=10.0.0.1");
        c = begin_with_kube(kube);
        client_wait_property(c, MANAGER, "DiscoveryState", "ok");
        agenthostd_crash();
        client_wait_property(c, MANAGER, "DiscoveryState", "ok");
        expect_host(c, "host-0:50051");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) host_test_add("/host-placement/" name, test_##function)
        ADD("host-without-a-source-is-the-only-one", host_without_a_source_is_the_only_one);
        ADD("P8-static-peers-take-turns", static_peers_take_turns);
        ADD("change-of-the-settings-is-told", change_of_the_settings_is_told);
        ADD("no-peers-are-an-error", no_peers_are_an_error);
        ADD("bad-spec-is-placed-nowhere", bad_spec_is_placed_nowhere);
        ADD("everybody-may-look-and-not-everybody-choose", everybody_may_look_and_not_everybody_choose);
        ADD("P+1-source-that-cannot-be-used-hurts-no-agent", source_that_cannot_be_used_hurts_no_agent);
        ADD("P11-turns-are-counted-in-redis", turns_are_counted_in_redis);
        ADD("P12-reset-begins-with-the-first-host", reset_begins_with_the_first_host);
        ADD("P10-no-hosts-move-no-counter", no_hosts_move_no_counter);
        ADD("without-redis-turns-go-on-here", without_redis_turns_go_on_here);
        ADD("redis-that-hangs-is-not-waited-for-long", redis_that_hangs_is_not_waited_for_long);
        ADD("least-agents-looks-at-what-hosts-say", least_agents_looks_at_what_hosts_say);
        ADD("what-hosts-say-of-themselves-is-told", what_hosts_say_of_themselves_is_told);
        ADD("hosts-that-say-they-take-no-agents-come-last", hosts_that_say_they_take_no_agents_come_last);
        ADD("what-was-said-in-another-registry-does-not-count",
                what_was_said_in_another_registry_does_not_count);
        ADD("host-that-drains-says-so-and-comes-last-at-once",
                host_that_drains_says_so_and_comes_last_at_once);
        ADD("others-learn-soon-how-many-agents-there-are", others_learn_soon_how_many_agents_there_are);
        ADD("list-follows-the-cluster", list_follows_the_cluster);
        ADD("last-list-serves-while-the-server-is-away", last_list_serves_while_the_server_is_away);
        ADD("P7-refusal-is-an-error-that-says-so", P7_refusal_is_an_error_that_says_so);
        ADD("P14-server-in-trouble-means-no-hosts", P14_server_in_trouble_means_no_hosts);
        ADD("new-list-is-there-after-a-crash", new_list_is_there_after_a_crash);
#undef ADD

        return host_tests_run();
}

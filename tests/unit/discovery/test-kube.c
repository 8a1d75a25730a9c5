/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Discovery in Kubernetes, from the settings to the list of hosts, against an API server over TLS: what
 * happens when nothing is wrong. */

#include <string.h>

#include "kube-fixture.h"
#include "log.h"

static void be_silent(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;
        g_test_message("%s", text);
}

static void test_list_becomes_the_hosts(KubeFixture *f, gconstpointer data)
{
        g_auto(Recorded) r = recorded_load("list/agent-host");
        const DiscoveryHost *host;
        const char *reason = "unset";

        (void)data;

        fake_kube_put_list(f->kube, KUBE_SLICES, r.body);
        kube_fixture_start(f);
        g_assert_cmpint(discovery_state(f->discovery, &reason), ==, DISCOVERY_DOWN);
        g_assert_null(reason);
        kube_fixture_expect_hosts(f, "");

        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
        kube_fixture_expect_hosts(f, "agent-host-0 agent-host-1 agent-host-2 -agent-host-3 -agent-host-4");
        host = discovery_find(f->discovery, "agent-host-2");
        g_assert_cmpstr(host->address, ==, "agent-host-2:50051");
        g_assert_cmpstr(host->ip, ==, "10.244.2.13");
        g_assert_cmpstr(host->zone, ==, "zone-2");
        g_assert_cmpstr(host->node, ==, "node-b");
        g_assert_null(discovery_find(f->discovery, "agent-host-9"));
}

static void test_P3_port_is_that_of_the_settings(KubeFixture *f, gconstpointer data)
{
        (void)data;

        f->settings.port = 8080;
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_start(f);
        kube_fixture_until_hosts(f, "a");
        g_assert_cmpstr(discovery_find(f->discovery, "a")->address, ==, "a:8080");
}

static void test_requests_are_those_of_the_api(KubeFixture *f, gconstpointer data)
{
        g_autofree char *list = NULL, *watch = NULL;
        unsigned sec;

        (void)data;

        kube_fixture_start(f);
        kube_fixture_until_watching(f);
        list = fake_kube_last_list(f->kube);
        watch = fake_kube_last_watch(f->kube);
        g_assert_true(g_str_has_prefix(
                list, KUBE_SLICES "?labelSelector=kubernetes.io%2Fservice-name%3Dagent-host&limit=100\n"));
        g_assert_nonnull(strstr(list, "\naccept-encoding: gzip"));
        g_assert_nonnull(strstr(list, "\naccept: application/json"));
        g_assert_nonnull(strstr(list, "\nuser-agent: agenthost/"));
        g_assert_nonnull(strstr(list, "\nauthorization: Bearer " FAKE_KUBE_TOKEN));

        g_assert_true(g_str_has_prefix(watch,
                KUBE_SLICES
                "?labelSelector=kubernetes.io%2Fservice-name%3Dagent-host&watch=1&allowWatchBookmarks=true"
                "&resourceVersion=1000&timeoutSeconds="));
        g_assert_null(strstr(watch, "\naccept-encoding"));
        sec = (unsigned)atoi(strstr(watch, "timeoutSeconds=") + strlen("timeoutSeconds="));
        g_assert_cmpuint(sec, >=, 300);
        g_assert_cmpuint(sec, <=, 600);
}

static void test_changes_are_followed(KubeFixture *f, gconstpointer data)
{
        g_autofree char *other = kube_slice("other", "other-svc", "x=10.0.9.9");

        (void)data;

        kube_fixture_put_slice(f, "s1", "b=10.0.0.2 -c=10.0.0.3");
        kube_fixture_start(f);
        kube_fixture_until_hosts(f, "b -c");
        kube_fixture_until_watching(f);

        kube_fixture_put_slice(f, "s1", "b=10.0.0.2 c=10.0.0.3");
        kube_fixture_until_hosts(f, "b c");
        fake_kube_put(f->kube, KUBE_SLICES, other);
        kube_fixture_put_slice(f, "s2", "a=10.0.1.1");
        kube_fixture_until_hosts(f, "a b c");
        kube_fixture_put_slice(f, "s1", "");
        kube_fixture_until_hosts(f, "a");
        fake_kube_remove(f->kube, KUBE_SLICES, "s2");
        kube_fixture_until_hosts(f, "");
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
        /* All of it through one watch. */
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 1);
        g_assert_cmpuint(fake_kube_count_asked_watches(f->kube), ==, 1);
}

static void test_what_changes_nothing_is_not_told(KubeFixture *f, gconstpointer data)
{
        unsigned n;

        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_start(f);
        kube_fixture_until_watching(f);
        loop_for(f->event, 20);
        n = f->n_changed;
        g_assert_cmpuint(n, >, 0);

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        fake_kube_bookmark(f->kube);
        loop_for(f->event, 100);
        g_assert_cmpuint(f->n_changed, ==, n);

        kube_fixture_put_slice(f, "s1", "a=10.0.0.2");
        kube_fixture_until_hosts(f, "a");
        loop_for(f->event, 50);
        g_assert_cmpuint(f->n_changed, ==, n + 1);
        g_assert_cmpstr(discovery_find(f->discovery, "a")->ip, ==, "10.0.0.2");
}

static void test_label_that_goes_takes_the_slice_along(KubeFixture *f, gconstpointer data)
{
        g_autofree char *moved = kube_slice("s1", "other-svc", "a=10.0.0.1");

        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_start(f);
        kube_fixture_until_watching(f);
        fake_kube_put(f->kube, KUBE_SLICES, moved);
        kube_fixture_until_hosts(f, "");
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_until_hosts(f, "a");
}

static void test_lists_come_in_pages(KubeFixture *f, gconstpointer data)
{
        const DiscoveryHost *hosts;
        g_autofree char *list = NULL;
        size_t n;

        (void)data;

        for (unsigned i = 0; i < 250; i++) {
                g_autofree char *name = g_strdup_printf("s%03u", i);
                g_autofree char *host = g_strdup_printf("host-%03u=10.0.%u.%u", i, i / 200, i % 200 + 1);

                kube_fixture_put_slice(f, name, host);
        }
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
        hosts = discovery_hosts(f->discovery, &n);
        g_assert_cmpuint(n, ==, 250);
        g_assert_cmpstr(hosts[0].hostname, ==, "host-000");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 3);
        list = fake_kube_last_list(f->kube);
        g_assert_nonnull(strstr(list, "&limit=100&continue="));
}

static void test_recorded_pages_are_put_together(KubeFixture *f, gconstpointer data)
{
        size_t n;

        (void)data;

        g_free(f->settings.namespace);
        f->settings.namespace = g_strdup("paged");
        f->settings.service = g_strdup("paged-svc");
        fake_kube_next_list_recorded(f->kube, "list/page1-of-3");
        fake_kube_next_list_recorded(f->kube, "list/page2-of-3");
        fake_kube_next_list_recorded(f->kube, "list/page3-of-3");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
        discovery_hosts(f->discovery, &n);
        g_assert_cmpuint(n, >, 3);
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 3);
}

static void test_compressed_lists_are_read(KubeFixture *f, gconstpointer data)
{
        size_t n;

        (void)data;

        g_free(f->settings.namespace);
        f->settings.namespace = g_strdup("big");
        f->settings.service = g_strdup("big-svc");
        fake_kube_next_list_recorded(f->kube, "gzip/page-of-6-slices-raw");
        fake_kube_next_list_recorded(f->kube, "list/empty");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
        discovery_hosts(f->discovery, &n);
        g_assert_cmpuint(n, ==, 600);
}

static void test_five_thousand_hosts_are_followed(KubeFixture *f, gconstpointer data)
{
        g_autofree char *body = NULL, *reply = NULL, *text = NULL;
        FakeReply list;
        gsize size;
        size_t n;

        (void)data;

        g_free(f->settings.namespace);
        f->settings.namespace = g_strdup("big");
        f->settings.service = g_strdup("big-svc");
        body = recorded_load_big_list(&size);
        text = g_strndup(body, size);
        reply = fake_kube_make_reply("200 OK", NULL, text);
        list = (FakeReply){ .data = reply, .size = strlen(reply) };
        fake_kube_next_list(f->kube, &list);
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
        discovery_hosts(f->discovery, &n);
        g_assert_cmpuint(n, ==, 5000);
}

/* The recorded watch: what it says is what the list becomes. */
static void test_recorded_watch_is_followed(KubeFixture *f, gconstpointer data)
{
        g_autofree char *watch = NULL;

        (void)data;

        fake_kube_next_list_recorded(f->kube, "list/agent-host");
        fake_kube_next_watch_recorded(f->kube, "watch/events-and-bookmark-20s");
        kube_fixture_start(f);
        kube_fixture_until_watches(f, 2);
        kube_fixture_expect_hosts(f, "agent-host-0 agent-host-1 agent-host-2 agent-host-3");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 1);
        /* The bookmark's version, and the connection that was there. */
        watch = fake_kube_last_watch(f->kube);
        g_assert_nonnull(strstr(watch, "resourceVersion=258&"));
        g_assert_cmpuint(fake_kube_count_connections(f->kube), ==, 1);
}

static void test_watch_that_the_server_ends_goes_on(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_start(f);
        kube_fixture_until_watching(f);
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1 b=10.0.0.2");
        kube_fixture_until_hosts(f, "a b");
        fake_kube_end_watches(f->kube);
        kube_fixture_until_watches(f, 2);
        kube_fixture_put_slice(f, "s1", "b=10.0.0.2");
        kube_fixture_until_hosts(f, "b");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 1);
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
}

/* Or else a watch that is quiet for long would begin where nobody remembers. */
static void test_bookmarks_move_the_version_on(KubeFixture *f, gconstpointer data)
{
        g_autofree char *other = kube_slice("other", "other-svc", "x=10.0.9.9"), *watch = NULL;

        (void)data;

        kube_fixture_start(f);
        kube_fixture_until_watching(f);
        fake_kube_put(f->kube, KUBE_SLICES, other);
        fake_kube_bookmark(f->kube);
        loop_for(f->event, 50);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_watches(f, 2);
        watch = fake_kube_last_watch(f->kube);
        g_assert_nonnull(strstr(watch, "resourceVersion=1001&"));
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 1);
}

static void test_initial_events_that_nobody_asked_for_do_no_harm(KubeFixture *f, gconstpointer data)
{
        (void)data;

        fake_kube_next_list_recorded(f->kube, "list/agent-host");
        fake_kube_next_watch_recorded(f->kube, "watch/watchlist-initial-events");
        kube_fixture_start(f);
        kube_fixture_until_watches(f, 2);
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
}

static void test_endpoints_are_followed(KubeFixture *f, gconstpointer data)
{
        (void)data;

        f->settings.source = DISCOVERY_ENDPOINTS;
        fake_kube_next_list_recorded(f->kube, "endpoints/list");
        kube_fixture_start(f);
        kube_fixture_until_hosts(f, "agent-host-0 agent-host-1 agent-host-2 -agent-host-3 agent-host-5");
}

static void test_recorded_endpoints_watch_is_followed(KubeFixture *f, gconstpointer data)
{
        (void)data;

        f->settings.source = DISCOVERY_ENDPOINTS;
        fake_kube_next_list_recorded(f->kube, "endpoints/list");
        fake_kube_next_watch_recorded(f->kube, "endpoints/watch-event");
        kube_fixture_start(f);
        kube_fixture_until_watches(f, 2);
        kube_fixture_expect_hosts(f, "");
}

static void test_recorded_nodes_are_followed(KubeFixture *f, gconstpointer data)
{
        (void)data;

        f->settings.source = DISCOVERY_NODES;
        fake_kube_next_list_recorded(f->kube, "nodes/list");
        fake_kube_next_watch_recorded(f->kube, "nodes/watch-cordon-notready");
        kube_fixture_start(f);
        kube_fixture_until_watches(f, 2);
        kube_fixture_expect_hosts(f, "node-a -node-b -node-c");
}

/* Written by a real endpointslice controller while Pods came and went. */
static void test_recorded_life_of_a_service_is_followed(KubeFixture *f, gconstpointer data)
{
        (void)data;

        g_free(f->settings.namespace);
        f->settings.namespace = g_strdup("live");
        fake_kube_next_list_recorded(f->kube, "list/empty");
        fake_kube_next_watch_recorded(f->kube, "controller/watch-slices-lifecycle");
        kube_fixture_start(f);
        kube_fixture_until_watches(f, 2);
        kube_fixture_expect_hosts(f, "");
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
}

static void test_quiet_watch_costs_nothing(KubeFixture *f, gconstpointer data)
{
        uint64_t iteration, later;

        (void)data;

        kube_fixture_start(f);
        kube_fixture_until_watching(f);
        while (sd_event_run(f->event, 100 * USEC_PER_MSEC) > 0)
                ;
        g_assert_cmpint(sd_event_get_iteration(f->event, &iteration), >=, 0);
        /* Nothing to be woken up for. */
        g_assert_cmpint(sd_event_run(f->event, 1500 * USEC_PER_MSEC), ==, 0);
        g_assert_cmpint(sd_event_get_iteration(f->event, &later), >=, 0);
        g_assert_cmpuint(later - iteration, ==, 1);
}

static void test_it_can_be_freed_at_any_time(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        for (unsigned steps = 0; steps < 40; steps++) {
                kube_fixture_start(f);
                for (unsigned i = 0; i < steps; i++)
                        g_assert_cmpint(sd_event_run(f->event, USEC_PER_MSEC), >=, 0);
                f->discovery = discovery_free(f->discovery);
        }
}

#define ADD(name, test) \
        g_test_add("/kube/" name, KubeFixture, NULL, kube_fixture_set_up, test, kube_fixture_tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        log_set_sink(be_silent);
        ADD("list-becomes-the-hosts", test_list_becomes_the_hosts);
        ADD("P3-port-is-that-of-the-settings", test_P3_port_is_that_of_the_settings);
        ADD("requests-are-those-of-the-api", test_requests_are_those_of_the_api);
        ADD("changes-are-followed", test_changes_are_followed);
        ADD("what-changes-nothing-is-not-told", test_what_changes_nothing_is_not_told);
        ADD("label-that-goes-takes-the-slice-along", test_label_that_goes_takes_the_slice_along);
        ADD("lists-come-in-pages", test_lists_come_in_pages);
        ADD("recorded-pages-are-put-together", test_recorded_pages_are_put_together);
        ADD("compressed-lists-are-read", test_compressed_lists_are_read);
        ADD("five-thousand-hosts-are-followed", test_five_thousand_hosts_are_followed);
        ADD("recorded-watch-is-followed", test_recorded_watch_is_followed);
        ADD("watch-that-the-server-ends-goes-on", test_watch_that_the_server_ends_goes_on);
        ADD("bookmarks-move-the-version-on", test_bookmarks_move_the_version_on);
        ADD("initial-events-that-nobody-asked-for-do-no-harm",
                test_initial_events_that_nobody_asked_for_do_no_harm);
        ADD("endpoints-are-followed", test_endpoints_are_followed);
        ADD("recorded-endpoints-watch-is-followed", test_recorded_endpoints_watch_is_followed);
        ADD("recorded-nodes-are-followed", test_recorded_nodes_are_followed);
        ADD("recorded-life-of-a-service-is-followed", test_recorded_life_of_a_service_is_followed);
        ADD("quiet-watch-costs-nothing", test_quiet_watch_costs_nothing);
        ADD("it-can-be-freed-at-any-time", test_it_can_be_freed_at_any_time);
        return g_test_run();
}

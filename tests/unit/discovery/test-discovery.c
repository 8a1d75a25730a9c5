/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "discovery.h"

#include <glib.h>
#include <string.h>

#include "host-list.h"
#include "log.h"
#include "loop.h"

static void be_silent(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;
        (void)text;
}

static void on_changed(Discovery *d, void *userdata)
{
        (void)d;

        (*(unsigned *)userdata)++;
}

static Discovery *must_start(sd_event *event, const DiscoverySettings *s, unsigned *n_changed)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Discovery *d = NULL;

        discovery_new(event, s, on_changed, n_changed, &d, &fault);
        g_assert_cmpstr(fault.text, ==, NULL);
        return d;
}

static void test_sources_are_found_by_their_names(void)
{
        for (DiscoverySource s = DISCOVERY_NONE; s < _DISCOVERY_SOURCE_MAX; s++)
                g_assert_cmpint(discovery_source_from_name(discovery_source_name(s)), ==, s);
        g_assert_cmpint(discovery_source_from_name(""), ==, _DISCOVERY_SOURCE_MAX);
        g_assert_cmpint(discovery_source_from_name("Static"), ==, _DISCOVERY_SOURCE_MAX);
}

static void test_states_have_the_names_of_the_property(void)
{
        g_assert_cmpstr(discovery_state_name(DISCOVERY_OK), ==, "ok");
        g_assert_cmpstr(discovery_state_name(DISCOVERY_STALE), ==, "stale");
        g_assert_cmpstr(discovery_state_name(DISCOVERY_DOWN), ==, "down");
        g_assert_cmpstr(discovery_state_name(DISCOVERY_OFF), ==, "off");
}

static void test_without_a_source_it_is_off(void)
{
        sd_event *event = loop_new();
        DiscoverySettings s = { .source = DISCOVERY_NONE };
        unsigned n_changed = 0;
        Discovery *d = must_start(event, &s, &n_changed);
        const char *reason = "unset";
        size_t n = 9;

        g_assert_cmpint(discovery_state(d, &reason), ==, DISCOVERY_OFF);
        g_assert_null(reason);
        discovery_hosts(d, &n);
        g_assert_cmpuint(n, ==, 0);
        g_assert_null(discovery_find(d, "a"));
        discovery_free(d);
        sd_event_unref(event);
}

static void test_P13_static_peers_are_sorted_and_ready(void)
{
        char *peers[] = { (char *)"host-b:50051", (char *)"[fd00::1]:7", (char *)"10.0.0.1:1",
                (char *)"host-a:50051", (char *)"host-b:50051", NULL };
        sd_event *event = loop_new();
        DiscoverySettings s = { .source = DISCOVERY_STATIC, .peers = peers };
        unsigned n_changed = 0;
        Discovery *d = must_start(event, &s, &n_changed);
        static const char *const expected[][3] = {
                { "10.0.0.1", "10.0.0.1:1", "10.0.0.1" },
                { "[fd00::1]", "[fd00::1]:7", "fd00::1" },
                { "host-a", "host-a:50051", "" },
                { "host-b", "host-b:50051", "" },
        };
        const DiscoveryHost *hosts;
        size_t n;

        /* Known at once; told from the loop. */
        g_assert_cmpint(discovery_state(d, NULL), ==, DISCOVERY_OK);
        g_assert_cmpuint(n_changed, ==, 0);
        hosts = discovery_hosts(d, &n);
        g_assert_cmpuint(n, ==, G_N_ELEMENTS(expected));
        for (size_t i = 0; i < n; i++) {
                g_assert_cmpstr(hosts[i].hostname, ==, expected[i][0]);
                g_assert_cmpstr(hosts[i].address, ==, expected[i][1]);
                g_assert_cmpstr(hosts[i].ip, ==, expected[i][2]);
                g_assert_true(hosts[i].ready && hosts[i].serving);
                g_assert_cmpstr(hosts[i].zone, ==, "");
        }
        g_assert_true(discovery_find(d, "host-a") == &hosts[2]);
        g_assert_null(discovery_find(d, "host-aa"));
        loop_for(event, 10);
        g_assert_cmpuint(n_changed, ==, 1);
        discovery_free(d);
        sd_event_unref(event);
}

static void test_static_peers_that_are_none_are_refused(void)
{
        static const char *const bad[] = { "host", "host:", "host:0", "host:65536", ":1", "a b:1", "fd00::1",
                "[fd00::1]", "host:80x", "under_score:1", "" };
        sd_event *event = loop_new();

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                char *peers[] = { (char *)"good:1", (char *)bad[i], NULL };
                DiscoverySettings s = { .source = DISCOVERY_STATIC, .peers = peers };
                _cleanup_fault_ Fault fault = FAULT_INIT;
                Discovery *d = NULL;

                g_assert_cmpint(discovery_new(event, &s, on_changed, NULL, &d, &fault), <, 0);
                g_assert_cmpint(fault.kind, ==, FAULT_INVALID_ARGS);
                g_assert_null(d);
        }
        sd_event_unref(event);
}

static void test_settings_are_copied_and_compared(void)
{
        char *peers[] = { (char *)"a:1", (char *)"b:2", NULL };
        const DiscoverySettings s = { .source = DISCOVERY_NODES,
                .peers = peers,
                .namespace = (char *)"n",
                .service = (char *)"s",
                .node_selector = (char *)"x=y",
                .kube_config = (char *)"/k",
                .server = (char *)"https://h",
                .token_file = (char *)"/t",
                .ca_file = (char *)"/c",
                .port = 7 };
        DiscoverySettings copy, none = { 0 }, empty;

        discovery_settings_copy(&s, &copy);
        g_assert_true(discovery_settings_equal(&s, &copy));
        g_assert_false(discovery_settings_equal(&s, &none));
        g_free(copy.ca_file);
        copy.ca_file = NULL;
        g_assert_false(discovery_settings_equal(&s, &copy));
        discovery_settings_done(&copy);
        g_assert_true(discovery_settings_equal(&copy, &none));
        discovery_settings_copy(&none, &empty);
        g_assert_true(discovery_settings_equal(&empty, &none));
        discovery_settings_done(&empty);
}

static HostEntries *entries_of(const HostEntry *list, size_t n)
{
        HostEntries *e = host_entries_new();

        for (size_t i = 0; i < n; i++)
                host_entries_add(e, &list[i]);
        return e;
}

/* Whatever order they come in. */
static void test_entry_that_counts_is_the_same_everywhere(void)
{
        static const HostEntry list[] = {
                { .hostname = "a", .ip = "10.0.0.9", .port = 1, .ready = true, .serving = true },
                { .hostname = "a", .ip = "10.0.0.2", .port = 1, .ready = true, .serving = true },
                { .hostname = "a", .ip = "10.0.0.1", .port = 1, .serving = true },
                { .hostname = "a", .ip = "10.0.0.0", .port = 1 },
                { .hostname = "a",
                        .ip = "::1",
                        .family = HOST_FAMILY_IPV6,
                        .port = 1,
                        .ready = true,
                        .serving = true },
        };

        for (unsigned seed = 0; seed < 120; seed++) {
                HostEntry shuffled[G_N_ELEMENTS(list)];
                g_autoptr(GPtrArray) sets = g_ptr_array_new();
                unsigned left = seed;
                HostEntries *e;
                HostList *l;

                memcpy(shuffled, list, sizeof(list));
                for (unsigned i = G_N_ELEMENTS(list); i > 1; i--) {
                        HostEntry swapped = shuffled[i - 1];

                        shuffled[i - 1] = shuffled[left % i];
                        shuffled[left % i] = swapped;
                        left /= i;
                }
                e = entries_of(shuffled, G_N_ELEMENTS(list));
                g_ptr_array_add(sets, e);
                l = host_list_new(sets);
                g_assert_cmpuint(l->n, ==, 1);
                g_assert_cmpstr(l->hosts[0].ip, ==, "10.0.0.2");
                g_assert_true(l->hosts[0].ready);
                host_list_free(l);
                host_entries_free(e);
        }
}

static void test_lists_are_equal_only_if_all_is(void)
{
        static const HostEntry base = { .hostname = "a",
                .ip = "10.0.0.1",
                .zone = "z",
                .node = "n",
                .port = 1,
                .ready = true,
                .serving = true };
        HostEntry others[6] = { base, base, base, base, base, base };
        g_autoptr(GPtrArray) sets = g_ptr_array_new();
        HostEntries *e = entries_of(&base, 1);
        HostList *l;

        others[0].hostname = "b";
        others[1].ip = "10.0.0.2";
        others[2].zone = "";
        others[3].node = "m";
        others[4].port = 2;
        others[5].ready = false;
        g_ptr_array_add(sets, e);
        l = host_list_new(sets);
        g_assert_true(host_list_equal(l, l));
        for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
                g_autoptr(GPtrArray) other_sets = g_ptr_array_new();
                HostEntries *o = entries_of(&others[i], 1);
                HostList *m;

                g_ptr_array_add(other_sets, o);
                m = host_list_new(other_sets);
                g_assert_false(host_list_equal(l, m));
                host_list_free(m);
                host_entries_free(o);
        }
        host_list_free(l);
        host_entries_free(e);
}

/* As the host has it in a cluster where nothing is set up. */
static void test_kubernetes_without_any_configuration_is_down(void)
{
        sd_event *event = loop_new();
        DiscoverySettings s = { .source = DISCOVERY_KUBERNETES,
                .kube_config = (char *)"/nonexistent/config" };
        unsigned n_changed = 0;
        Discovery *d = must_start(event, &s, &n_changed);
        const char *reason;
        size_t n;

        g_assert_cmpint(discovery_state(d, &reason), ==, DISCOVERY_DOWN);
        g_assert_cmpstr(reason, ==, "KubeConfig=/nonexistent/config does not exist");
        discovery_hosts(d, &n);
        g_assert_cmpuint(n, ==, 0);
        loop_for(event, 700);
        g_assert_cmpint(discovery_state(d, NULL), ==, DISCOVERY_DOWN);
        g_assert_cmpuint(n_changed, ==, 1);
        discovery_free(d);
        sd_event_unref(event);
}

#define ADD(name, test) g_test_add_func("/discovery/" name, test)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        log_set_sink(be_silent);
        ADD("sources-are-found-by-their-names", test_sources_are_found_by_their_names);
        ADD("states-have-the-names-of-the-property", test_states_have_the_names_of_the_property);
        ADD("without-a-source-it-is-off", test_without_a_source_it_is_off);
        ADD("P13-static-peers-are-sorted-and-ready", test_P13_static_peers_are_sorted_and_ready);
        ADD("static-peers-that-are-none-are-refused", test_static_peers_that_are_none_are_refused);
        ADD("settings-are-copied-and-compared", test_settings_are_copied_and_compared);
        ADD("entry-that-counts-is-the-same-everywhere", test_entry_that_counts_is_the_same_everywhere);
        ADD("lists-are-equal-only-if-all-is", test_lists_are_equal_only_if_all_is);
        ADD("kubernetes-without-any-configuration-is-down",
                test_kubernetes_without_any_configuration_is_down);
        return g_test_run();
}

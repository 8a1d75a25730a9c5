/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-source.h"

#include <string.h>

#include "kube-event.h"
#include "kube-store.h"
#include "log.h"
#include "recorded.h"

static const KubeTarget demo = {
        .namespace = "demo", .service = "agent-host", .node_selector = "", .port = 50051
};

static void be_silent(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;
        (void)text;
}

/* "name/ip/ready,serving/zone/node" for each. */
static char *show(const HostList *l)
{
        GString *text = g_string_new(NULL);

        for (size_t i = 0; i < l->n; i++) {
                const DiscoveryHost *h = &l->hosts[i];

                g_string_append_printf(text, "%s %s %s%s%s %s %s\n", h->address, h->ip,
                        h->ready ? "ready" : "-", h->serving ? "," : "", h->serving ? "serving" : "",
                        *h->zone ? h->zone : "-", *h->node ? h->node : "-");
        }
        return g_string_free(text, FALSE);
}

static int put_list(KubeStore *s, const char *body, size_t size, Fault *fault)
{
        KubePage p = { 0 };
        int r;

        r = kube_page_parse(body, size, &p, fault);
        kube_store_begin(s);
        for (size_t i = 0; r >= 0 && p.items && i < json_object_array_length(p.items); i++)
                r = kube_store_put(s, json_object_array_get_idx(p.items, i), fault);
        if (r >= 0)
                kube_store_commit(s);
        kube_page_done(&p);
        return r;
}

static char *hosts_of(const KubeSource *source, const KubeTarget *target, const char *body, size_t size)
{
        KubeStore *s = kube_store_new(source, target);
        _cleanup_fault_ Fault fault = FAULT_INIT;
        HostList *l;
        char *text;

        put_list(s, body, size, &fault);
        g_assert_cmpstr(fault.text, ==, NULL);
        l = kube_store_hosts(s);
        text = show(l);
        host_list_free(l);
        kube_store_free(s);
        return text;
}

static void expect_recorded(
        const KubeSource *source, const KubeTarget *target, const char *name, const char *expected)
{
        g_auto(Recorded) r = recorded_load(name);
        g_autofree char *text = hosts_of(source, target, r.body, r.body_size);

        g_assert_cmpstr(text, ==, expected);
}

/* The list of 3 ready ones, one not ready, one ending, and an IPv6 slice of the same Pods. */
static void test_P4_slices_become_one_host_for_each_pod(void)
{
        expect_recorded(&kube_slices, &demo, "list/agent-host",
                "agent-host-0:50051 10.244.1.11 ready,serving zone-1 node-a\n"
                "agent-host-1:50051 10.244.1.12 ready,serving zone-1 node-a\n"
                "agent-host-2:50051 10.244.2.13 ready,serving zone-2 node-b\n"
                "agent-host-3:50051 10.244.2.14 - zone-2 node-b\n"
                "agent-host-4:50051 10.244.3.15 -,serving zone-3 node-c\n");
}

static void test_slices_of_other_services_are_left_out(void)
{
        g_auto(Recorded) all = recorded_load("list/namespace-no-selector");
        g_auto(Recorded) ours = recorded_load("list/agent-host");
        g_autofree char *a = hosts_of(&kube_slices, &demo, all.body, all.body_size);
        g_autofree char *b = hosts_of(&kube_slices, &demo, ours.body, ours.body_size);

        g_assert_cmpstr(a, ==, b);
}

static void test_slices_of_other_namespaces_are_left_out(void)
{
        static const KubeTarget elsewhere = { .namespace = "live", .service = "agent-host", .port = 50051 };

        expect_recorded(&kube_slices, &elsewhere, "list/agent-host", "");
}

static void test_slices_without_anything_are_no_hosts(void)
{
        static const KubeTarget live = { .namespace = "live", .service = "agent-host", .port = 50051 };

        expect_recorded(&kube_slices, &demo, "list/empty", "");
        expect_recorded(&kube_slices, &live, "controller/list-no-pods", "");
}

static void test_pods_that_end_are_not_ready_but_serve(void)
{
        static const KubeTarget live = { .namespace = "live", .service = "agent-host", .port = 8080 };
        g_auto(Recorded) r = recorded_load("controller/list-one-terminating");
        g_autofree char *text = hosts_of(&kube_slices, &live, r.body, r.body_size);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        unsigned n_ready = 0, n_serving_only = 0;

        for (char **line = lines; *line && **line; line++) {
                n_ready += strstr(*line, " ready,serving ") != NULL;
                n_serving_only += strstr(*line, " -,serving ") != NULL;
                g_assert_nonnull(strstr(*line, ":8080 "));
        }
        g_assert_cmpuint(n_ready, ==, 4);
        g_assert_cmpuint(n_serving_only, ==, 1);
}

static void test_odd_slices_are_read(void)
{
        static const KubeTarget edge = { .namespace = "demo", .service = "edge-svc", .port = 1 };

        /* What has neither a Pod's name nor a hostname is nobody we know. */
        expect_recorded(&kube_slices, &edge, "list/edge-cases",
                "h-0:1 10.244.9.11 ready,serving zone-1 node-a\n"
                "m-1:1 10.244.9.43 ready,serving zone-2 node-b\n"
                "p-0:1 10.244.9.21 ready,serving zone-1 node-a\n"
                "t-0:1 10.244.9.31 ready,serving zone-1 node-a\n");
}

#define SLICE(more, endpoints)                                                                      \
        "{\"metadata\":{\"name\":\"s" more "\",\"namespace\":\"demo\",\"labels\":{\"kubernetes.io/" \
        "service-name\":\"agent-host\"}},\"addressType\":\"IPv4\",\"endpoints\":[" endpoints "]}"
#define LIST(items) \
        "{\"kind\":\"EndpointSliceList\",\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[" items "]}"
#define POD(name) "\"targetRef\":{\"kind\":\"Pod\",\"name\":\"" name "\"}"

static void expect_hosts(const char *list, const char *expected)
{
        g_autofree char *text = hosts_of(&kube_slices, &demo, list, strlen(list));

        g_assert_cmpstr(text, ==, expected);
}

static void test_what_is_not_said_means_ready(void)
{
        expect_hosts(
                LIST(SLICE("",
                        "{\"addresses\":[\"10.0.0.1\"]," POD(
                                "a") "},"
                                     "{\"addresses\":[\"10.0.0.2\"],\"conditions\":{}," POD(
                                             "b") "},"
                                                  "{\"addresses\":[\"10.0.0.3\"],\"conditions\":null," POD(
                                                          "c") "},"
                                                               "{\"addresses\":[\"10.0.0.4\"],\"conditions\":{\"ready\":null}," POD(
                                                                       "d") "},"
                                                                            "{\"addresses\":[\"10.0.0.5\"],\"conditions\":{\"ready\":false}," POD(
                                                                                    "e") "}")),
                "a:50051 10.0.0.1 ready,serving - -\n"
                "b:50051 10.0.0.2 ready,serving - -\n"
                "c:50051 10.0.0.3 ready,serving - -\n"
                "d:50051 10.0.0.4 ready,serving - -\n"
                "e:50051 10.0.0.5 - - -\n");
}

/* publishNotReadyAddresses makes them ready. */
static void test_what_ends_is_never_ready(void)
{
        expect_hosts(LIST(SLICE("",
                             "{\"addresses\":[\"10.0.0.1\"],\"conditions\":{\"ready\":true,\"serving\":true,"
                             "\"terminating\":true}," POD("a") "}")),
                "a:50051 10.0.0.1 -,serving - -\n");
}

static void test_one_host_in_several_slices_is_one(void)
{
        expect_hosts(
                LIST(SLICE("1",
                        "{\"addresses\":[\"10.0.0.9\"],\"conditions\":{\"ready\":false}," POD(
                                "a") "},"
                                     "{\"addresses\":[\"10.0.0.7\"]," POD("b") "}") "," SLICE("2",
                        "{\"addresses\":[\"10.0.0.2\"]," POD("a") "},{\"addresses\":[\"10.0.0.3\"]," POD(
                                "b") "},"
                                     "{\"addresses\":[\"10.0.0.3\"]," POD("b") "}")),
                "a:50051 10.0.0.2 ready,serving - -\n"
                "b:50051 10.0.0.3 ready,serving - -\n");
}

static void test_endpoints_that_cannot_be_hosts_are_left_out(void)
{
        expect_hosts(
                LIST(SLICE("",
                        "{\"addresses\":[\"10.0.0.1\"]},"
                        "{\"addresses\":[\"10.0.0.1\"],\"targetRef\":null,\"hostname\":\"by-hand\"},"
                        "{\"addresses\":[]," POD(
                                "none") "},"
                                        "{\"addresses\":null," POD(
                                                "none") "},"
                                                        "{" POD("none") "},"
                                                                        "{\"addresses\":[\"not an address\"]," POD(
                                                                                "none") "},"
                                                                                        "{\"addresses\":[\"10.0.0.1/24\"]," POD(
                                                                                                "none") "},"
                                                                                                        "{\"addresses\":[\"fd00::1\"]," POD(
                                                                                                                "none") "},"
                                                                                                                        "{\"addresses\":[\"10.0.0.1\"]," POD(
                                                                                                                                "a b") "},"
                                                                                                                                       "{\"addresses\":[\"10.0.0.1\"]," POD(
                                                                                                                                               "a:1") "},"
                                                                                                                                                      "{\"addresses\":[\"10.0.0.1\"]," POD(
                                                                                                                                                              "") "},"
                                                                                                                                                                  "{\"addresses\":[\"10.0.0.1\"]," POD(
                                                                                                                                                                          "a\\nb") "},"
                                                                                                                                                                                   "{\"addresses\":[\"10.0.0.1\"]," POD(
                                                                                                                                                                                           "h\xc3\xb6st") "},"
                                                                                                                                                                                                          "{\"addresses\":[\"10.0.0.2\",\"10.0.0.3\"]," POD(
                                                                                                                                                                                                                  "good") "}")),
                "by-hand:50051 10.0.0.1 ready,serving - -\n"
                "good:50051 10.0.0.2 ready,serving - -\n");
}

static void test_names_of_zones_and_nodes_are_names(void)
{
        expect_hosts(
                LIST(SLICE("",
                        "{\"addresses\":[\"10.0.0.1\"],\"zone\":\"a\\u001bb\",\"nodeName\":\"n o\"," POD(
                                "a") "},"
                                     "{\"addresses\":[\"10.0.0.2\"],\"zone\":\"eu_1.a-b\",\"nodeName\":\"n.1\"," POD(
                                             "b") "}")),
                "a:50051 10.0.0.1 ready,serving - -\n"
                "b:50051 10.0.0.2 ready,serving eu_1.a-b n.1\n");
}

static void test_wrong_types_are_refused(void)
{
        static const char *const lists[] = {
                LIST("5"),
                LIST("null"),
                LIST("{}"),
                LIST("{\"metadata\":{\"name\":7}}"),
                LIST("{\"metadata\":{\"name\":\"a\\u0000b\"}}"),
                LIST("{\"metadata\":{\"name\":\"a\",\"labels\":[]}}"),
                LIST(SLICE("", "5")),
                LIST(SLICE("", "null")),
                LIST(SLICE("", "{\"addresses\":\"10.0.0.1\"}")),
                LIST(SLICE("", "{\"addresses\":[1]}")),
                LIST(SLICE("", "{\"addresses\":[\"10.0.0.1\"],\"conditions\":[]}")),
                LIST(SLICE("", "{\"addresses\":[\"10.0.0.1\"],\"conditions\":{\"ready\":\"yes\"}}")),
                LIST(SLICE("", "{\"addresses\":[\"10.0.0.1\"],\"targetRef\":\"a\"}")),
                LIST(SLICE("", "{\"addresses\":[\"10.0.0.1\"],\"targetRef\":{\"name\":\"a\\u0000b\"}}")),
                LIST(SLICE("", "{\"addresses\":[\"10.0.0.1\"],\"zone\":1," POD("a") "}")),
        };

        for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
                KubeStore *s = kube_store_new(&kube_slices, &demo);
                _cleanup_fault_ Fault fault = FAULT_INIT;

                g_assert_cmpint(put_list(s, lists[i], strlen(lists[i]), &fault), <, 0);
                g_assert_cmpint(fault.kind, ==, FAULT_DISCOVERY_UNAVAILABLE);
                kube_store_free(s);
        }
}

static void test_endpoints_are_read_as_the_original_did(void)
{
        expect_recorded(&kube_endpoints, &demo, "endpoints/list",
                "agent-host-0:50051 10.244.1.11 ready,serving - node-a\n"
                "agent-host-1:50051 10.244.1.12 ready,serving - node-a\n"
                "agent-host-2:50051 10.244.2.13 ready,serving - node-b\n"
                "agent-host-3:50051 10.244.2.14 - - node-b\n"
                "agent-host-5:50051 10.244.3.20 ready,serving - node-c\n");
}

#define ENDPOINTS(subsets)                                                                                \
        "{\"kind\":\"EndpointsList\",\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[{\"metadata\":{" \
        "\"name\":\"agent-host\",\"namespace\":\"demo\"}" subsets "}]}"

static void test_P5_P6_no_subsets_are_no_hosts(void)
{
        static const char *const lists[] = { ENDPOINTS(""), ENDPOINTS(",\"subsets\":[]"),
                ENDPOINTS(",\"subsets\":null"), ENDPOINTS(",\"subsets\":[{}]"),
                ENDPOINTS(",\"subsets\":[{\"addresses\":null}]"),
                ENDPOINTS(",\"subsets\":[{\"addresses\":[{\"ip\":\"10.0.0.1\"}]}]") };

        for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
                g_autofree char *text = hosts_of(&kube_endpoints, &demo, lists[i], strlen(lists[i]));

                g_assert_cmpstr(text, ==, "");
        }
}

static void test_nodes_are_ready_unless_cordoned(void)
{
        expect_recorded(&kube_nodes, &demo, "nodes/list",
                "node-a:50051 10.128.0.11 ready,serving zone-1 node-a\n"
                "node-b:50051 10.128.0.12 -,serving zone-2 node-b\n"
                "node-c:50051 10.128.0.13 - zone-3 node-c\n");
}

static void test_paths_are_those_that_were_recorded(void)
{
        static const KubeTarget nodes = { .node_selector = "topology.kubernetes.io/zone!=zone-3,pool" };
        static const KubeTarget odd = { .namespace = "a/b", .service = "c&d=e" };
        g_autofree char *slices = kube_slices.make_path(&demo), *endpoints = kube_endpoints.make_path(&demo);
        g_autofree char *all = kube_nodes.make_path(&demo), *some = kube_nodes.make_path(&nodes);
        g_autofree char *escaped = kube_slices.make_path(&odd);

        g_assert_cmpstr(slices, ==,
                "/apis/discovery.k8s.io/v1/namespaces/demo/endpointslices"
                "?labelSelector=kubernetes.io%2Fservice-name%3Dagent-host");
        g_assert_cmpstr(
                endpoints, ==, "/api/v1/namespaces/demo/endpoints?fieldSelector=metadata.name%3Dagent-host");
        g_assert_cmpstr(all, ==, "/api/v1/nodes");
        g_assert_cmpstr(
                some, ==, "/api/v1/nodes?labelSelector=topology.kubernetes.io%2Fzone%21%3Dzone-3%2Cpool");
        g_assert_cmpstr(escaped, ==,
                "/apis/discovery.k8s.io/v1/namespaces/a%2Fb/endpointslices"
                "?labelSelector=kubernetes.io%2Fservice-name%3Dc%26d%3De");
}

static void test_five_thousand_endpoints_are_taken(void)
{
        static const KubeTarget big = { .namespace = "big", .service = "big-svc", .port = 50051 };
        KubeStore *s = kube_store_new(&kube_slices, &big);
        _cleanup_fault_ Fault fault = FAULT_INIT;
        g_autofree char *text = NULL;
        HostList *l;
        gsize size;

        text = recorded_load_big_list(&size);
        g_assert_cmpuint(size, ==, 1288711);
        put_list(s, text, size, &fault);
        g_assert_cmpstr(fault.text, ==, NULL);
        l = kube_store_hosts(s);
        g_assert_cmpuint(l->n, ==, 5000);
        for (size_t i = 1; i < l->n; i++)
                g_assert_cmpint(strcmp(l->hosts[i - 1].hostname, l->hosts[i].hostname), <, 0);
        g_assert_true(host_list_find(l, l->hosts[4321].hostname) == &l->hosts[4321]);
        host_list_free(l);
        kube_store_free(s);
}

static void test_a_list_that_is_given_up_changes_nothing(void)
{
        g_auto(Recorded) r = recorded_load("list/agent-host");
        KubeStore *s = kube_store_new(&kube_slices, &demo);
        const char *bad =
                LIST(SLICE("", "{\"addresses\":[\"10.0.0.1\"]," POD("new") "}") "," SLICE("2", "5"));
        HostList *l;

        g_assert_cmpint(put_list(s, r.body, r.body_size, NULL), ==, 0);
        g_assert_cmpint(put_list(s, bad, strlen(bad), NULL), <, 0);
        l = kube_store_hosts(s);
        g_assert_cmpuint(l->n, ==, 5);
        host_list_free(l);

        kube_store_abort(s);
        l = kube_store_hosts(s);
        g_assert_cmpuint(l->n, ==, 5);
        host_list_free(l);
        kube_store_free(s);
}

static void test_what_a_server_can_make_us_keep_is_bounded(void)
{
        KubeStore *s = kube_store_new(&kube_nodes, &demo);
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r = 0;

        for (unsigned i = 0; r >= 0 && i <= KUBE_OBJECTS_MAX; i++) {
                g_autofree char *text = g_strdup_printf(
                        "{\"metadata\":{\"name\":\"n%u\"},\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":"
                        "\"10.0.0.1\"}]}}",
                        i);
                struct json_object *o = json_tokener_parse(text);

                r = kube_store_put(s, o, &fault);
                json_object_put(o);
        }
        g_assert_cmpint(r, <, 0);
        g_assert_nonnull(strstr(fault_text(&fault), "cannot be kept"));
        kube_store_free(s);
}

#define ADD(name, test) g_test_add_func("/kube-sources/" name, test)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        log_set_sink(be_silent);
        ADD("P4-slices-become-one-host-for-each-pod", test_P4_slices_become_one_host_for_each_pod);
        ADD("slices-of-other-services-are-left-out", test_slices_of_other_services_are_left_out);
        ADD("slices-of-other-namespaces-are-left-out", test_slices_of_other_namespaces_are_left_out);
        ADD("slices-without-anything-are-no-hosts", test_slices_without_anything_are_no_hosts);
        ADD("pods-that-end-are-not-ready-but-serve", test_pods_that_end_are_not_ready_but_serve);
        ADD("odd-slices-are-read", test_odd_slices_are_read);
        ADD("what-is-not-said-means-ready", test_what_is_not_said_means_ready);
        ADD("what-ends-is-never-ready", test_what_ends_is_never_ready);
        ADD("one-host-in-several-slices-is-one", test_one_host_in_several_slices_is_one);
        ADD("endpoints-that-cannot-be-hosts-are-left-out", test_endpoints_that_cannot_be_hosts_are_left_out);
        ADD("names-of-zones-and-nodes-are-names", test_names_of_zones_and_nodes_are_names);
        ADD("wrong-types-are-refused", test_wrong_types_are_refused);
        ADD("endpoints-are-read-as-the-original-did", test_endpoints_are_read_as_the_original_did);
        ADD("P5-P6-no-subsets-are-no-hosts", test_P5_P6_no_subsets_are_no_hosts);
        ADD("nodes-are-ready-unless-cordoned", test_nodes_are_ready_unless_cordoned);
        ADD("paths-are-those-that-were-recorded", test_paths_are_those_that_were_recorded);
        ADD("five-thousand-endpoints-are-taken", test_five_thousand_endpoints_are_taken);
        ADD("a-list-that-is-given-up-changes-nothing", test_a_list_that_is_given_up_changes_nothing);
        ADD("what-a-server-can-make-us-keep-is-bounded", test_what_a_server_can_make_us_keep_is_bounded);
        return g_test_run();
}

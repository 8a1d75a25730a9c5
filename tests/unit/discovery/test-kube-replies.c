/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Discovery in Kubernetes when what comes is no good: lists and events that are none, too large, of others.
 */

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

static void expect_refused_list(KubeFixture *f, const char *body, const char *words)
{
        g_autofree char *reply = fake_kube_make_reply("200 OK", NULL, body);

        kube_fixture_lay_list(f, reply, FAKE_END_KEEP);
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, words);
        kube_fixture_expect_hosts(f, "");
        kube_fixture_until_hosts(f, "a");
        f->discovery = discovery_free(f->discovery);
}

static void test_lists_that_are_none_are_told(KubeFixture *f, gconstpointer data)
{
        g_auto(Recorded) good = recorded_load("list/agent-host");
        g_autofree char *half = g_strndup(good.body, good.body_size / 2);
        g_autofree char *deep = g_strnfill(10000, '[');

        (void)data;

        expect_refused_list(f, "<html>a proxy's login page</html>", "the list: unexpected character");
        expect_refused_list(f, half, "the list: ");
        expect_refused_list(f, "", "the list: ");
        expect_refused_list(f, "null", "no object");
        expect_refused_list(f, deep, "Failed to discover");
        expect_refused_list(f, "{\"kind\":\"Status\",\"metadata\":{},\"code\":200}", "no list");
        expect_refused_list(f,
                "{\"kind\":\"EndpointSliceList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{}}]}",
                "no name");
        expect_refused_list(f,
                "{\"kind\":\"EndpointSliceList\",\"metadata\":{\"resourceVersion\":1},\"items\":[]}",
                "expected a string");
}

static void test_list_of_fifty_mebibytes_is_refused(KubeFixture *f, gconstpointer data)
{
        g_autoptr(GString) text =
                g_string_new("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                             "52428800\r\n\r\n{\"kind\":\"EndpointSliceList\",\"x\":\"");
        g_autofree char *filler = g_strnfill(52428800, 'x');
        const FakeReply reply = { .data = text->str, .size = 0, .end = FAKE_END_CLOSE };
        FakeReply big;

        (void)data;

        g_string_append(text, filler);
        big = reply;
        big.data = text->str;
        big.size = text->len;
        /* With fewer objects in a page it may be smaller: 100, 50, 25, 12, 6, 3, 1. */
        for (unsigned i = 0; i < 7; i++)
                fake_kube_next_list(f->kube, &big);
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "larger than");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 7);
        kube_fixture_expect_well(f);
}

static void test_list_that_is_too_large_is_asked_for_in_smaller_pages(KubeFixture *f, gconstpointer data)
{
        g_autofree char *filler = g_strnfill(9u << 20, ' '), *list = NULL;
        g_autofree char *body = g_strdup_printf("{%s%s}", filler, filler);
        g_autofree char *reply = fake_kube_make_reply("200 OK", NULL, body);

        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_lay_list(f, reply, FAKE_END_CLOSE);
        kube_fixture_start(f);
        kube_fixture_until_hosts(f, "a");
        list = fake_kube_last_list(f->kube);
        g_assert_nonnull(strstr(list, "limit=50\n"));
}

static void expect_refused_stream(KubeFixture *f, const char *lines, const char *words)
{
        unsigned n = fake_kube_count_lists(f->kube);

        kube_fixture_lay_stream(f, lines, false, FAKE_END_HANG);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_state(f, DISCOVERY_STALE, words);
        kube_fixture_expect_hosts(f, "a");
        /* What it was before is not believed any more. */
        kube_fixture_until_lists(f, n + 1);
        kube_fixture_until_watching(f);
}

static const struct {
        const char *name;
        const char *lines; /* or */
        const char *recorded;
        const char *words;
} bad_streams[] = {
        { "no-json", "<html>\n", NULL, "an event: " },
        { "no-type", "{}\n", NULL, "an event has no type" },
        { "no-version", "{\"type\":\"ADDED\",\"object\":{\"metadata\":{}}}\n", NULL, "no resourceVersion" },
        { "wrong-type",
                "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"s1\",\"namespace\":\"demo\",\"labels\":{"
                "\"kubernetes.io/service-name\":\"agent-host\"},\"resourceVersion\":\"2000\"},\"endpoints\":7}}\n",
                NULL, "endpoints: expected an array, got an integer" },
        { "version-in-future", NULL, "watch/watchlist-rv-in-future", "504 " },
        { "store-down", NULL, "etcd-down/watchlist", "500 " },
        { "error-of-nothing", "{\"type\":\"ERROR\",\"object\":{}}\n", NULL, "an error of an unknown kind" },
};

static void test_stream_that_is_none_is_told(KubeFixture *f, gconstpointer data)
{
        size_t i = GPOINTER_TO_SIZE(data);
        g_auto(Recorded) r = { 0 };

        if (bad_streams[i].recorded)
                r = recorded_load(bad_streams[i].recorded);
        kube_fixture_begin(f);
        expect_refused_stream(f, r.body ? r.body : bad_streams[i].lines, bad_streams[i].words);
}

static void test_event_that_is_too_large_is_refused(KubeFixture *f, gconstpointer data)
{
        g_autofree char *filler = g_strnfill(5u << 20, 'x');

        (void)data;

        kube_fixture_begin(f);
        expect_refused_stream(f, filler, "an event is larger than");
}

static void test_events_of_unknown_types_are_left_out(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_begin(f);
        kube_fixture_lay_stream(f, "{\"type\":\"NEWS\",\"object\":{}}\n", true, FAKE_END_KEEP);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_watches(f, 3);
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 1);
}

#define SLICE_EVENT(type, name, service, version, host)                                                      \
        "{\"type\":\"" type "\",\"object\":{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"demo\","     \
        "\"labels\":{\"kubernetes.io/service-name\":\"" service "\"},\"resourceVersion\":\"" version         \
        "\"},\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"10.0.0.7\"],\"targetRef\":{\"name\":" \
        "\"" host "\"}}]}}\n"

static void test_events_of_other_services_are_left_out(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_begin(f);
        kube_fixture_lay_stream(
                f, SLICE_EVENT("ADDED", "o1", "other-svc", "1002", "x"), true, FAKE_END_KEEP);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_watches(f, 3);
        kube_fixture_expect_hosts(f, "a");
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
}

/* Its store was put back, say: what we know is of another history. */
static void test_versions_that_go_backwards_are_listed_again(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_begin(f);
        kube_fixture_lay_stream(
                f, SLICE_EVENT("ADDED", "s7", "agent-host", "900", "g"), false, FAKE_END_HANG);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_lists(f, 2);
        kube_fixture_until_hosts(f, "a");
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
}

static void test_hosts_that_cannot_be_are_left_out(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1 under_score=10.0.0.2 x:1=10.0.0.3 b=none");
        kube_fixture_start(f);
        kube_fixture_until_hosts(f, "a");
}

static void test_streams_may_come_in_pieces_of_any_size(KubeFixture *f, gconstpointer data)
{
        static const gsize sizes[] = { 1, 7, 100, 2048 };
        g_auto(Recorded) r = recorded_load("watch/events-and-bookmark-20s");

        (void)data;

        for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
                const FakeReply reply = { .data = r.raw, .size = r.raw_size, .piece = sizes[i] };
                unsigned n = fake_kube_count_asked_watches(f->kube);

                fake_kube_next_list_recorded(f->kube, "list/agent-host");
                fake_kube_next_watch(f->kube, &reply);
                kube_fixture_start(f);
                kube_fixture_until_watches(f, n + 2);
                kube_fixture_expect_hosts(f, "agent-host-0 agent-host-1 agent-host-2 agent-host-3");
                f->discovery = discovery_free(f->discovery);
        }
}

#define ADD(name, test)                                                                 \
        g_test_add("/kube-replies/" name, KubeFixture, NULL, kube_fixture_set_up, test, \
                kube_fixture_tear_down)

static void add_bad_streams(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(bad_streams); i++) {
                g_autofree char *name =
                        g_strdup_printf("/kube-replies/stream-that-is-none-is-told/%s", bad_streams[i].name);

                g_test_add(name, KubeFixture, GSIZE_TO_POINTER(i), kube_fixture_set_up,
                        test_stream_that_is_none_is_told, kube_fixture_tear_down);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        log_set_sink(be_silent);
        add_bad_streams();
        ADD("lists-that-are-none-are-told", test_lists_that_are_none_are_told);
        ADD("list-of-fifty-mebibytes-is-refused", test_list_of_fifty_mebibytes_is_refused);
        ADD("list-that-is-too-large-is-asked-for-in-smaller-pages",
                test_list_that_is_too_large_is_asked_for_in_smaller_pages);
        ADD("event-that-is-too-large-is-refused", test_event_that_is_too_large_is_refused);
        ADD("events-of-unknown-types-are-left-out", test_events_of_unknown_types_are_left_out);
        ADD("events-of-other-services-are-left-out", test_events_of_other_services_are_left_out);
        ADD("versions-that-go-backwards-are-listed-again", test_versions_that_go_backwards_are_listed_again);
        ADD("hosts-that-cannot-be-are-left-out", test_hosts_that_cannot_be_are_left_out);
        ADD("streams-may-come-in-pieces-of-any-size", test_streams_may_come_in_pieces_of_any_size);
        return g_test_run();
}

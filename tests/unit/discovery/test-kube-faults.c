/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Discovery in Kubernetes when something is wrong: with the server, the network, the credentials, or with
 * what comes. */

#include <string.h>

#include "kube-fixture.h"
#include "kube-watch.h"
#include "log.h"

static void be_silent(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;
        g_test_message("%s", text);
}

static void lay_list(KubeFixture *f, const char *text, FakeEnd end)
{
        const FakeReply reply = { .data = text, .size = strlen(text), .end = end };

        fake_kube_next_list(f->kube, &reply);
}

static void lay_watch(KubeFixture *f, const char *text, FakeEnd end)
{
        const FakeReply reply = { .data = text, .size = strlen(text), .end = end };

        fake_kube_next_watch(f->kube, &reply);
}

#define STREAM_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

/* A watch of these lines, which the server then ends in this way. */
static void lay_stream(KubeFixture *f, const char *lines, bool last_chunk, FakeEnd end)
{
        g_autofree char *text = *lines ? g_strdup_printf(STREAM_HEAD "%zx\r\n%s\r\n%s", strlen(lines), lines,
                                                 last_chunk ? "0\r\n\r\n" : "")
                                       : g_strdup_printf(STREAM_HEAD "%s", last_chunk ? "0\r\n\r\n" : "");

        lay_watch(f, text, end);
}

/* One host is known, and watched. */
static void begin(KubeFixture *f)
{
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_start(f);
        kube_fixture_until_watching(f);
        kube_fixture_expect_hosts(f, "a");
}

/* What comes next is seen. */
static void expect_well(KubeFixture *f)
{
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
        kube_fixture_put_slice(f, "s2", "b=10.0.0.2");
        kube_fixture_until_hosts(f, "a b");
}

/* --- the server goes away --- */

static void test_server_that_is_not_there_is_down_and_then_found(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        fake_kube_stop(f->kube);
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "Failed to discover agent hosts at https://127.0.0.1:");
        fake_kube_start(f->kube);
        kube_fixture_until_hosts(f, "a");
        expect_well(f);
}

static void test_last_list_serves_while_the_server_is_away(KubeFixture *f, gconstpointer data)
{
        g_autofree char *watch = NULL;

        (void)data;

        begin(f);
        fake_kube_stop(f->kube);
        kube_fixture_until_state(f, DISCOVERY_STALE, "Failed to discover agent hosts");
        kube_fixture_expect_hosts(f, "a");

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1 c=10.0.0.3");
        fake_kube_start(f->kube);
        kube_fixture_until_hosts(f, "a c");
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
        /* From where it was: without a list. */
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 1);
}

static void test_history_that_is_gone_is_listed_again(KubeFixture *f, gconstpointer data)
{
        (void)data;

        begin(f);
        fake_kube_stop(f->kube);
        kube_fixture_until_state(f, DISCOVERY_STALE, NULL);
        fake_kube_remove(f->kube, KUBE_SLICES, "s1");
        kube_fixture_put_slice(f, "s9", "z=10.0.0.9");
        fake_kube_forget_history(f->kube);
        fake_kube_start(f->kube);
        /* 410 comes as an event. */
        kube_fixture_until_hosts(f, "z");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 2);
}

static void test_watch_too_old_is_no_outage(KubeFixture *f, gconstpointer data)
{
        (void)data;

        begin(f);
        fake_kube_next_watch_recorded(f->kube, "gone/10-watch-compacted-rv-410");
        fake_kube_end_watches(f->kube);
        kube_fixture_until_lists(f, 2);
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
        expect_well(f);
}

/* It was never seen, but the API's documentation has it. */
static void test_watch_refused_with_410_is_listed_again(KubeFixture *f, gconstpointer data)
{
        (void)data;

        begin(f);
        fake_kube_next_watch_recorded(f->kube, "gone/7-continue-410");
        fake_kube_end_watches(f->kube);
        kube_fixture_until_lists(f, 2);
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
        expect_well(f);
}

static void test_server_that_finds_everything_too_old_is_not_asked_all_the_time(
        KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        for (unsigned i = 0; i < 50; i++)
                fake_kube_next_watch_recorded(f->kube, "gone/10-watch-compacted-rv-410");
        kube_fixture_start(f);
        loop_for(f->event, 1000);
        kube_fixture_expect_hosts(f, "a");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), <, 25);
}

static void test_continue_token_that_is_too_old_begins_anew(KubeFixture *f, gconstpointer data)
{
        g_autofree char *list = NULL;

        (void)data;

        fake_kube_next_list_recorded(f->kube, "gone/0-page1-before-compaction");
        fake_kube_next_list_recorded(f->kube, "gone/7-continue-410");
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_start(f);
        kube_fixture_until_hosts(f, "a");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 3);
        list = fake_kube_last_list(f->kube);
        g_assert_null(strstr(list, "continue="));
}

/* The half of a list never shows. */
static void test_list_that_breaks_off_between_pages_changes_nothing(KubeFixture *f, gconstpointer data)
{
        (void)data;

        begin(f);
        fake_kube_next_watch_recorded(f->kube, "gone/10-watch-compacted-rv-410");
        fake_kube_next_list_recorded(f->kube, "gone/0-page1-before-compaction");
        lay_list(f, "", FAKE_END_CLOSE);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_state(f, DISCOVERY_STALE, NULL);
        kube_fixture_expect_hosts(f, "a");
        expect_well(f);
}

/* As in restart/watch-during-sigkill. */
static void test_watch_that_is_cut_is_taken_up_again(KubeFixture *f, gconstpointer data)
{
        static const FakeEnd ends[] = { FAKE_END_CLOSE, FAKE_END_RESET };
        g_autofree char *watch = NULL;

        (void)data;

        begin(f);
        for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
                lay_stream(f,
                        "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"EndpointSlice\",\"metadata\":{\"resourceVersion\":"
                        "\"1001\"}}}\n{\"type\":\"ADD",
                        false, ends[i]);
                fake_kube_end_watches(f->kube);
                kube_fixture_until_state(f, DISCOVERY_STALE, NULL);
                kube_fixture_until_watching(f);
        }
        expect_well(f);
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 1);
}

static void test_recorded_end_by_sigkill_is_an_outage(KubeFixture *f, gconstpointer data)
{
        g_auto(Recorded) r = recorded_load("restart/watch-during-sigkill");
        const FakeReply cut = { .data = r.raw, .size = r.raw_size, .end = FAKE_END_CLOSE };

        (void)data;

        fake_kube_next_list_recorded(f->kube, "list/empty");
        fake_kube_next_watch(f->kube, &cut);
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_STALE, NULL);
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
}

static void test_recorded_end_by_sigterm_is_none(KubeFixture *f, gconstpointer data)
{
        (void)data;

        fake_kube_next_list_recorded(f->kube, "list/agent-host");
        fake_kube_next_watch_recorded(f->kube, "restart/watch-during-sigterm");
        kube_fixture_start(f);
        kube_fixture_until_watches(f, 2);
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
}

static void test_stream_that_ends_amid_an_event_is_an_outage(KubeFixture *f, gconstpointer data)
{
        (void)data;

        begin(f);
        lay_stream(f, "{\"type\":\"ADDED\",\"obj", true, FAKE_END_KEEP);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_state(f, DISCOVERY_STALE, "amid an event");
        expect_well(f);
}

static void test_server_that_ends_every_watch_at_once_is_not_asked_all_the_time(
        KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        for (unsigned i = 0; i < 50; i++)
                lay_stream(f, "", true, FAKE_END_KEEP);
        kube_fixture_start(f);
        loop_for(f->event, 1000);
        g_assert_cmpuint(fake_kube_count_asked_watches(f->kube), <, 25);
}

/* --- it refuses --- */

static const struct {
        const char *recorded;
        const char *words;
} refusals[] = {
        { "errors/403-no-rights-list", "403 " },
        { "errors/404-unknown-resource", "404 " },
        { "errors/404-unknown-path", "404 page not found" },
        { "errors/406-accept-xml", "406 " },
        { "errors/429-apf-list", "429 Too many requests" },
        { "errors/429-max-in-flight-list", "429 Too many requests" },
        { "errors/504-list-rv-in-future", "504 " },
        { "errors/param-bad-continue", "400 " },
        { "errors/param-watch-bad-resourceversion", "500 " },
        { "errors/400-plain-http-to-tls-port", "400 " },
        { "etcd-down/get-one", "504 " },
        { "restart/starting-list-403", "403 " },
        { "restart/starting-livez-500", "500 " },
};

static void test_refused_list_is_told_and_tried_again(KubeFixture *f, gconstpointer data)
{
        size_t i = GPOINTER_TO_SIZE(data);
        g_auto(Recorded) r = recorded_load(refusals[i].recorded);
        const FakeReply reply = { .data = r.raw,
                .size = r.raw_size,
                .end = g_str_has_prefix(r.raw, "HTTP/1.0") ? FAKE_END_CLOSE : FAKE_END_KEEP };

        fake_kube_next_list(f->kube, &reply);
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, refusals[i].words);
        kube_fixture_until_hosts(f, "a");
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
}

static void test_refused_watch_is_told_and_tried_again(KubeFixture *f, gconstpointer data)
{
        size_t i = GPOINTER_TO_SIZE(data);
        g_auto(Recorded) r = recorded_load(refusals[i].recorded);
        const FakeReply reply = { .data = r.raw,
                .size = r.raw_size,
                .end = g_str_has_prefix(r.raw, "HTTP/1.0") ? FAKE_END_CLOSE : FAKE_END_KEEP };

        begin(f);
        fake_kube_next_watch(f->kube, &reply);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_state(f, DISCOVERY_STALE, refusals[i].words);
        expect_well(f);
}

static void test_refusals_say_what_to_do(KubeFixture *f, gconstpointer data)
{
        (void)data;

        fake_kube_next_list_recorded(f->kube, "errors/403-no-rights-list");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "a role must allow list and watch");
}

static void test_P7_refused_list_is_told(KubeFixture *f, gconstpointer data)
{
        (void)data;

        fake_kube_next_list_recorded(f->kube, "errors/404-unknown-resource");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "Failed to discover agent hosts at https://127.0.0.1:");
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
}

static void test_P14_without_a_list_there_are_no_hosts(KubeFixture *f, gconstpointer data)
{
        size_t n = 9;

        (void)data;

        fake_kube_next_list_recorded(f->kube, "errors/param-watch-bad-resourceversion");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "500 ");
        discovery_hosts(f->discovery, &n);
        g_assert_cmpuint(n, ==, 0);
}

static void test_retry_after_is_kept_to(KubeFixture *f, gconstpointer data)
{
        gint64 begun;

        (void)data;

        fake_kube_next_list_recorded(f->kube, "errors/429-max-in-flight-list");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "429");
        begun = g_get_monotonic_time();
        kube_fixture_until_lists(f, 2);
        /* It asks for a second. */
        g_assert_cmpint(g_get_monotonic_time() - begun, >=, 950 * 1000);
}

/* --- credentials --- */

static void test_token_that_was_replaced_is_read_again(KubeFixture *f, gconstpointer data)
{
        g_autofree char *list = NULL;

        (void)data;

        begin(f);
        fake_kube_set_token(f->kube, "second-token");
        kube_fixture_write(f, "token", "second-token\n");
        fake_kube_end_watches(f->kube);
        kube_fixture_until_watches(f, 2);
        /* Not a single refusal. */
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
        expect_well(f);
        g_assert_cmpuint(fake_kube_count_asked_watches(f->kube), ==, 2);
}

static void test_token_that_is_refused_is_read_again_at_once(KubeFixture *f, gconstpointer data)
{
        (void)data;

        begin(f);
        fake_kube_next_watch_recorded(f->kube, "errors/401-expired-serviceaccount-token");
        fake_kube_end_watches(f->kube);
        kube_fixture_until_watches(f, 3);
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
        expect_well(f);
}

static void test_token_that_stays_refused_is_told(KubeFixture *f, gconstpointer data)
{
        (void)data;

        begin(f);
        fake_kube_set_token(f->kube, "another");
        fake_kube_end_watches(f->kube);
        kube_fixture_until_state(f, DISCOVERY_STALE, "401 Unauthorized; the credentials are unknown there");
        kube_fixture_expect_hosts(f, "a");
        kube_fixture_write(f, "token", "another");
        expect_well(f);
}

static void test_token_file_that_is_missing_is_told(KubeFixture *f, gconstpointer data)
{
        (void)data;

        g_free(f->settings.token_file);
        f->settings.token_file = g_build_filename(f->dir, "later", NULL);
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "/later cannot be read: No such file");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 0);
        kube_fixture_write(f, "later", FAKE_KUBE_TOKEN);
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
}

static void test_token_that_is_none_is_not_sent(KubeFixture *f, gconstpointer data)
{
        static const char *const tokens[] = { "", "\n \n", "a b", "a\nX-Other: b", "a\tb", "t\xc3\xb6ken" };

        (void)data;

        for (size_t i = 0; i < G_N_ELEMENTS(tokens); i++) {
                kube_fixture_write(f, "token", tokens[i]);
                kube_fixture_start(f);
                kube_fixture_until_state(f, DISCOVERY_DOWN, "/token");
                g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 0);
                f->discovery = discovery_free(f->discovery);
        }
}

static void test_token_file_that_goes_counts_as_it_was(KubeFixture *f, gconstpointer data)
{
        (void)data;

        begin(f);
        g_assert_cmpint(remove(f->token_file), ==, 0);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_watches(f, 2);
        expect_well(f);
}

static void test_certificate_that_has_expired_is_told(KubeFixture *f, gconstpointer data)
{
        g_auto(PkiCert) expired = pki_issue(fake_kube_pki(f->kube), "kube-apiserver", "IP:127.0.0.1", -60);
        g_auto(PkiCert) good = pki_issue(fake_kube_pki(f->kube), "kube-apiserver", "IP:127.0.0.1", 3600);

        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        fake_kube_restart_with(f->kube, &expired);
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "expired");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 0);
        fake_kube_restart_with(f->kube, &good);
        expect_well(f);
}

static void test_authority_that_is_another_is_told(KubeFixture *f, gconstpointer data)
{
        g_autoptr(Pki) other = pki_new("another CA");

        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_write(f, "ca.crt", pki_ca_pem(other));
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "certificate");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 0);
        /* The file is replaced, and nobody is told. */
        kube_fixture_write(f, "ca.crt", pki_ca_pem(fake_kube_pki(f->kube)));
        expect_well(f);
}

static void test_authorities_that_are_none_are_told(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_write(f, "ca.crt", "this is no certificate");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "Failed to discover agent hosts");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 0);
}

/* --- what comes is no good --- */

static void expect_refused_list(KubeFixture *f, const char *body, const char *words)
{
        g_autofree char *reply = fake_kube_make_reply("200 OK", NULL, body);

        lay_list(f, reply, FAKE_END_KEEP);
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

        expect_refused_list(f, "<html>a proxy's login page</html>", "line 1 column 1");
        expect_refused_list(f, half, "line 1 column");
        expect_refused_list(f, "", "line 1 column 1");
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
        expect_well(f);
}

static void test_list_that_is_too_large_is_asked_for_in_smaller_pages(KubeFixture *f, gconstpointer data)
{
        g_autofree char *filler = g_strnfill(9u << 20, ' '), *list = NULL;
        g_autofree char *body = g_strdup_printf("{%s%s}", filler, filler);
        g_autofree char *reply = fake_kube_make_reply("200 OK", NULL, body);

        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        lay_list(f, reply, FAKE_END_CLOSE);
        kube_fixture_start(f);
        kube_fixture_until_hosts(f, "a");
        list = fake_kube_last_list(f->kube);
        g_assert_nonnull(strstr(list, "limit=50\n"));
}

static void expect_refused_stream(KubeFixture *f, const char *lines, const char *words)
{
        unsigned n = fake_kube_count_lists(f->kube);

        lay_stream(f, lines, false, FAKE_END_HANG);
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
        { "no-json", "<html>\n", NULL, "line 1 column 1" },
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
        begin(f);
        expect_refused_stream(f, r.body ? r.body : bad_streams[i].lines, bad_streams[i].words);
}

static void test_event_that_is_too_large_is_refused(KubeFixture *f, gconstpointer data)
{
        g_autofree char *filler = g_strnfill(5u << 20, 'x');

        (void)data;

        begin(f);
        expect_refused_stream(f, filler, "an event is larger than");
}

static void test_events_of_unknown_types_are_left_out(KubeFixture *f, gconstpointer data)
{
        (void)data;

        begin(f);
        lay_stream(f, "{\"type\":\"NEWS\",\"object\":{}}\n", true, FAKE_END_KEEP);
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

        begin(f);
        lay_stream(f, SLICE_EVENT("ADDED", "o1", "other-svc", "1002", "x"), true, FAKE_END_KEEP);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_watches(f, 3);
        kube_fixture_expect_hosts(f, "a");
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
}

/* Its store was put back, say: what we know is of another history. */
static void test_versions_that_go_backwards_are_listed_again(KubeFixture *f, gconstpointer data)
{
        (void)data;

        begin(f);
        lay_stream(f, SLICE_EVENT("ADDED", "s7", "agent-host", "900", "g"), false, FAKE_END_HANG);
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

/* --- a server that says nothing: with shorter times than those that hold --- */

typedef struct Quiet {
        KubeClient *client;
        KubeStore *store;
        KubeWatch *watch;
        unsigned n_away, n_ok;
        char *why;
} Quiet;

static void on_changed(void *userdata)
{
        (void)userdata;
}

static void on_state(const char *why, void *userdata)
{
        Quiet *q = userdata;

        if (why) {
                q->n_away++;
                g_free(q->why);
                q->why = g_strdup(why);
        } else
                q->n_ok++;
}

static void quiet_begin(Quiet *q, KubeFixture *f, const KubeWatchTimes *times)
{
        static const KubeTarget target = { .namespace = "demo", .service = "agent-host", .port = 1 };
        static const KubeWatchHandlers handlers = { on_changed, on_state };
        KubeEnvironment environment = { 0 };
        KubeConfig config = { 0 };

        g_assert_cmpint(kube_config_find(&f->settings, &environment, &config, NULL), ==, 0);
        g_assert_cmpint(kube_client_new(f->event, &config, &q->client), ==, 0);
        q->store = kube_store_new(&kube_slices, &target);
        q->watch = kube_watch_new(f->event, q->client, &kube_slices, &target, q->store, times, &handlers, q);
}

static void quiet_end(Quiet *q)
{
        kube_watch_free(q->watch);
        kube_client_free(q->client);
        kube_store_free(q->store);
        g_free(q->why);
}

static bool is_away(void *userdata)
{
        return ((Quiet *)userdata)->n_away > 0;
}

/* As a real server does whose store is gone, or that was given a version it has not reached. */
static void test_watch_that_stays_silent_is_listed_again(KubeFixture *f, gconstpointer data)
{
        KubeWatchTimes times = kube_watch_times;
        Quiet q = { 0 };

        (void)data;

        times.quiet_limit_usec = 200 * USEC_PER_MSEC;
        quiet_begin(&q, f, &times);
        kube_fixture_until_lists(f, 2);
        /* Nothing has failed. */
        g_assert_cmpuint(q.n_away, ==, 0);
        quiet_end(&q);
}

static void test_bookmarks_are_a_sign_of_life(KubeFixture *f, gconstpointer data)
{
        KubeWatchTimes times = kube_watch_times;
        Quiet q = { 0 };

        (void)data;

        times.quiet_limit_usec = 2 * USEC_PER_SEC;
        fake_kube_set_bookmarks(f->kube, 100);
        quiet_begin(&q, f, &times);
        loop_for(f->event, 3500);
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 1);
        g_assert_cmpuint(fake_kube_count_asked_watches(f->kube), ==, 1);
        quiet_end(&q);
}

static void test_watch_that_is_not_answered_is_an_outage(KubeFixture *f, gconstpointer data)
{
        KubeWatchTimes times = kube_watch_times;
        Quiet q = { 0 };

        (void)data;

        times.head_limit_usec = 200 * USEC_PER_MSEC;
        lay_watch(f, "", FAKE_END_HANG);
        quiet_begin(&q, f, &times);
        loop_until(f->event, is_away, &q);
        g_assert_nonnull(strstr(q.why, "does not answer"));
        quiet_end(&q);
}

static void test_list_that_is_not_answered_is_an_outage(KubeFixture *f, gconstpointer data)
{
        KubeWatchTimes times = kube_watch_times;
        Quiet q = { 0 };

        (void)data;

        times.list_limit_usec = 200 * USEC_PER_MSEC;
        lay_list(f, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{", FAKE_END_HANG);
        quiet_begin(&q, f, &times);
        loop_until(f->event, is_away, &q);
        g_assert_nonnull(strstr(q.why, "timed out"));
        quiet_end(&q);
}

/* Its time, and half a minute. */
static void test_watch_that_outlives_its_time_is_ended(KubeFixture *f, gconstpointer data)
{
        KubeWatchTimes times = kube_watch_times;
        g_autofree char *watch = NULL;
        Quiet q = { 0 };

        (void)data;

        times.watch_min_sec = times.watch_max_sec = 1;
        quiet_begin(&q, f, &times);
        kube_fixture_until_watches(f, 3);
        watch = fake_kube_last_watch(f->kube);
        g_assert_nonnull(strstr(watch, "&timeoutSeconds=1\n"));
        g_assert_cmpuint(q.n_away, ==, 0);
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 1);
        quiet_end(&q);
}

#define ADD(name, test) \
        g_test_add(     \
                "/kube-faults/" name, KubeFixture, NULL, kube_fixture_set_up, test, kube_fixture_tear_down)

static void add_refusals(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                g_autofree char *list =
                        g_strdup_printf("/kube-faults/refused-list-is-told/%s", refusals[i].recorded);
                g_autofree char *watch =
                        g_strdup_printf("/kube-faults/refused-watch-is-told/%s", refusals[i].recorded);

                g_test_add(list, KubeFixture, GSIZE_TO_POINTER(i), kube_fixture_set_up,
                        test_refused_list_is_told_and_tried_again, kube_fixture_tear_down);
                g_test_add(watch, KubeFixture, GSIZE_TO_POINTER(i), kube_fixture_set_up,
                        test_refused_watch_is_told_and_tried_again, kube_fixture_tear_down);
        }
}

static void add_bad_streams(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(bad_streams); i++) {
                g_autofree char *name =
                        g_strdup_printf("/kube-faults/stream-that-is-none-is-told/%s", bad_streams[i].name);

                g_test_add(name, KubeFixture, GSIZE_TO_POINTER(i), kube_fixture_set_up,
                        test_stream_that_is_none_is_told, kube_fixture_tear_down);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        log_set_sink(be_silent);
        ADD("server-that-is-not-there-is-down-and-then-found",
                test_server_that_is_not_there_is_down_and_then_found);
        ADD("last-list-serves-while-the-server-is-away", test_last_list_serves_while_the_server_is_away);
        ADD("history-that-is-gone-is-listed-again", test_history_that_is_gone_is_listed_again);
        ADD("watch-too-old-is-no-outage", test_watch_too_old_is_no_outage);
        ADD("watch-refused-with-410-is-listed-again", test_watch_refused_with_410_is_listed_again);
        ADD("server-that-finds-everything-too-old-is-not-asked-all-the-time",
                test_server_that_finds_everything_too_old_is_not_asked_all_the_time);
        ADD("continue-token-that-is-too-old-begins-anew", test_continue_token_that_is_too_old_begins_anew);
        ADD("list-that-breaks-off-between-pages-changes-nothing",
                test_list_that_breaks_off_between_pages_changes_nothing);
        ADD("watch-that-is-cut-is-taken-up-again", test_watch_that_is_cut_is_taken_up_again);
        ADD("recorded-end-by-sigkill-is-an-outage", test_recorded_end_by_sigkill_is_an_outage);
        ADD("recorded-end-by-sigterm-is-none", test_recorded_end_by_sigterm_is_none);
        ADD("stream-that-ends-amid-an-event-is-an-outage", test_stream_that_ends_amid_an_event_is_an_outage);
        ADD("server-that-ends-every-watch-at-once-is-not-asked-all-the-time",
                test_server_that_ends_every_watch_at_once_is_not_asked_all_the_time);
        add_refusals();
        ADD("refusals-say-what-to-do", test_refusals_say_what_to_do);
        ADD("P7-refused-list-is-told", test_P7_refused_list_is_told);
        ADD("P14-without-a-list-there-are-no-hosts", test_P14_without_a_list_there_are_no_hosts);
        ADD("retry-after-is-kept-to", test_retry_after_is_kept_to);
        ADD("token-that-was-replaced-is-read-again", test_token_that_was_replaced_is_read_again);
        ADD("token-that-is-refused-is-read-again-at-once", test_token_that_is_refused_is_read_again_at_once);
        ADD("token-that-stays-refused-is-told", test_token_that_stays_refused_is_told);
        ADD("token-file-that-is-missing-is-told", test_token_file_that_is_missing_is_told);
        ADD("token-that-is-none-is-not-sent", test_token_that_is_none_is_not_sent);
        ADD("token-file-that-goes-counts-as-it-was", test_token_file_that_goes_counts_as_it_was);
        ADD("certificate-that-has-expired-is-told", test_certificate_that_has_expired_is_told);
        ADD("authority-that-is-another-is-told", test_authority_that_is_another_is_told);
        ADD("authorities-that-are-none-are-told", test_authorities_that_are_none_are_told);
        ADD("lists-that-are-none-are-told", test_lists_that_are_none_are_told);
        ADD("list-of-fifty-mebibytes-is-refused", test_list_of_fifty_mebibytes_is_refused);
        ADD("list-that-is-too-large-is-asked-for-in-smaller-pages",
                test_list_that_is_too_large_is_asked_for_in_smaller_pages);
        add_bad_streams();
        ADD("event-that-is-too-large-is-refused", test_event_that_is_too_large_is_refused);
        ADD("events-of-unknown-types-are-left-out", test_events_of_unknown_types_are_left_out);
        ADD("events-of-other-services-are-left-out", test_events_of_other_services_are_left_out);
        ADD("versions-that-go-backwards-are-listed-again", test_versions_that_go_backwards_are_listed_again);
        ADD("hosts-that-cannot-be-are-left-out", test_hosts_that_cannot_be_are_left_out);
        ADD("streams-may-come-in-pieces-of-any-size", test_streams_may_come_in_pieces_of_any_size);
        ADD("watch-that-stays-silent-is-listed-again", test_watch_that_stays_silent_is_listed_again);
        ADD("bookmarks-are-a-sign-of-life", test_bookmarks_are_a_sign_of_life);
        ADD("watch-that-is-not-answered-is-an-outage", test_watch_that_is_not_answered_is_an_outage);
        ADD("list-that-is-not-answered-is-an-outage", test_list_that_is_not_answered_is_an_outage);
        ADD("watch-that-outlives-its-time-is-ended", test_watch_that_outlives_its_time_is_ended);
        return g_test_run();
}

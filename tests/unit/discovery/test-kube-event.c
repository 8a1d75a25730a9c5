/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-event.h"

#include <string.h>

#include "kube-backoff.h"
#include "kube-lines.h"
#include "recorded.h"

#define LINE_MAX_TEST (4u * 1024 * 1024)

/* Every event as "TYPE NAME VERSION". */
static int on_line(const char *line, size_t size, void *userdata)
{
        GPtrArray *events = userdata;
        _cleanup_fault_ Fault fault = FAULT_INIT;
        KubeEvent e = { 0 };
        struct json_object *metadata, *name = NULL;
        int r;

        r = kube_event_parse(line, size, &e, &fault);
        g_assert_cmpint(fault.kind, ==, r < 0 ? FAULT_DISCOVERY_UNAVAILABLE : FAULT_NONE);
        if (r < 0)
                return r;
        if (json_object_object_get_ex(e.object, "metadata", &metadata))
                json_object_object_get_ex(metadata, "name", &name);
        g_ptr_array_add(events,
                g_strdup_printf("%d %s %s", e.type, name ? json_object_get_string(name) : "-",
                        e.version ? e.version : "-"));
        kube_event_done(&e);
        return 0;
}

static GPtrArray *read_whole(const char *body, size_t size)
{
        GPtrArray *events = g_ptr_array_new_with_free_func(g_free);
        KubeLines lines;

        kube_lines_init(&lines, LINE_MAX_TEST);
        g_assert_cmpint(kube_lines_feed(&lines, body, size, on_line, events), ==, 0);
        g_assert_false(kube_lines_is_open(&lines));
        kube_lines_done(&lines);
        return events;
}

static void expect_same(const GPtrArray *a, const GPtrArray *b)
{
        g_assert_cmpuint(a->len, ==, b->len);
        for (guint i = 0; i < a->len; i++)
                g_assert_cmpstr(a->pdata[i], ==, b->pdata[i]);
}

static const char *const streams[] = {
        "watch/events-and-bookmark-20s",
        "watch/no-events-bookmarks-5s",
        "watch/watchlist-initial-events",
        "watch/timeout-1s",
        "gone/5-watch-rv1",
        "gone/10-watch-compacted-rv-410",
        "gone/12-watchlist-old-rv-is-fine",
        "gone/6-watch-compacted-rv-still-cached",
        "endpoints/watch-event",
        "nodes/watch-cordon-notready",
        "errors/param-bad-watch-bool",
};

/* The lines themselves: what they mean is looked at once. */
static int on_raw_line(const char *line, size_t size, void *userdata)
{
        g_string_append_len(userdata, line, (gssize)size);
        g_string_append_c(userdata, '\n');
        return 0;
}

static void test_streams_may_be_cut_anywhere(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(streams); i++) {
                g_auto(Recorded) r = recorded_load(streams[i]);
                g_autoptr(GString) pieces = g_string_new(NULL);
                KubeLines lines;

                kube_lines_init(&lines, LINE_MAX_TEST);
                for (size_t cut = 0; cut <= r.body_size; cut++) {
                        size_t second = MIN(r.body_size, cut + 1 + cut % 700);

                        g_string_truncate(pieces, 0);
                        kube_lines_feed(&lines, r.body, cut, on_raw_line, pieces);
                        kube_lines_feed(&lines, r.body + cut, second - cut, on_raw_line, pieces);
                        kube_lines_feed(&lines, r.body + second, r.body_size - second, on_raw_line, pieces);
                        g_assert_false(kube_lines_is_open(&lines));
                        g_assert_cmpstr(pieces->str, ==, r.body);
                }
                kube_lines_done(&lines);
        }
}

static void test_streams_may_come_byte_by_byte(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(streams); i++) {
                g_auto(Recorded) r = recorded_load(streams[i]);
                g_autoptr(GPtrArray) whole = read_whole(r.body, r.body_size);
                g_autoptr(GPtrArray) bytes = g_ptr_array_new_with_free_func(g_free);
                KubeLines lines;

                kube_lines_init(&lines, LINE_MAX_TEST);
                for (size_t at = 0; at < r.body_size; at++)
                        g_assert_cmpint(kube_lines_feed(&lines, r.body + at, 1, on_line, bytes), ==, 0);
                kube_lines_done(&lines);
                expect_same(bytes, whole);
        }
}

static void expect_events(const char *name, const char *const *expected)
{
        g_auto(Recorded) r = recorded_load(name);
        g_autoptr(GPtrArray) events = read_whole(r.body, r.body_size);
        g_autofree char *all = NULL, *wanted = g_strjoinv("; ", (char **)expected);

        g_ptr_array_add(events, NULL);
        all = g_strjoinv("; ", (char **)events->pdata);
        g_assert_cmpstr(all, ==, wanted);
}

static void test_recorded_events_are_understood(void)
{
        static const char *const main_watch[] = { "0 agent-host-q8t5n 249", "1 agent-host-7k2xq 250",
                "1 agent-host-7k2xq 251", "2 agent-host-q8t5n 252", "0 agent-host-q8t5n 253",
                "2 agent-host-q8t5n 255", "3 - 258", "3 - 258", NULL };
        static const char *const too_old[] = { "4 - -", NULL };

        expect_events("watch/events-and-bookmark-20s", main_watch);
        expect_events("gone/10-watch-compacted-rv-410", too_old);
}

static int refuse_third(const char *line, size_t size, void *userdata)
{
        unsigned *n = userdata;

        (void)line;
        (void)size;

        return ++*n == 3 ? -ECANCELED : 0;
}

static void test_reader_ends_a_stream_at_a_line(void)
{
        KubeLines lines;
        unsigned n = 0;

        kube_lines_init(&lines, 100);
        g_assert_cmpint(kube_lines_feed(&lines, "a\nb\nc\nd\n", 8, refuse_third, &n), ==, -ECANCELED);
        g_assert_cmpuint(n, ==, 3);
        kube_lines_done(&lines);
}

static int count_lines(const char *line, size_t size, void *userdata)
{
        unsigned *n = userdata;

        g_assert_cmpuint(size, >, 0);
        g_assert_nonnull(line);
        (*n)++;
        return 0;
}

static void test_lines_have_a_limit(void)
{
        unsigned n = 0;
        KubeLines lines;

        kube_lines_init(&lines, 8);
        g_assert_cmpint(kube_lines_feed(&lines, "12345678\n\n1234", 14, count_lines, &n), ==, 0);
        g_assert_cmpuint(n, ==, 1);
        g_assert_true(kube_lines_is_open(&lines));
        g_assert_cmpint(kube_lines_feed(&lines, "56789\n", 6, count_lines, &n), ==, -EFBIG);
        kube_lines_reset(&lines);
        g_assert_cmpint(kube_lines_feed(&lines, "123456789", 9, count_lines, &n), ==, -EFBIG);
        kube_lines_done(&lines);
}

static void test_what_is_no_event_is_refused(void)
{
        static const char *const lines[] = {
                "",
                "null",
                "[]",
                "{}",
                "{\"type\":\"ADDED\"}",
                "{\"type\":\"ADDED\",\"object\":null}",
                "{\"type\":\"ADDED\",\"object\":[]}",
                "{\"type\":5,\"object\":{}}",
                "{\"type\":\"ADDED\",\"object\":{}}",
                "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":7}}}",
                "{\"type\":\"ADDED\",\"object\":{\"metadata\":\"x\"}}",
                "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"\"}}}",
                "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}}",
                "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}}} x",
                "<html>not what you think</html>",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
                _cleanup_fault_ Fault fault = FAULT_INIT;
                KubeEvent e = { 0 };

                g_assert_cmpint(kube_event_parse(lines[i], strlen(lines[i]), &e, &fault), <, 0);
                g_assert_cmpint(fault.kind, ==, FAULT_DISCOVERY_UNAVAILABLE);
                g_assert_null(e.json);
        }
}

static void test_deep_and_long_texts_are_refused(void)
{
        g_autofree char *deep = g_strnfill(100000, '[');
        g_autofree char *version = g_strnfill(KUBE_TOKEN_MAX + 1, '7');
        g_autofree char *event = g_strdup_printf(
                "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"%s\"}}}", version);
        KubeEvent e = { 0 };

        g_assert_cmpint(kube_event_parse(deep, strlen(deep), &e, NULL), <, 0);
        g_assert_cmpint(kube_event_parse(event, strlen(event), &e, NULL), <, 0);
}

static void test_pages_tell_what_comes_next(void)
{
        static const struct {
                const char *name;
                size_t n;
                const char *version;
                bool more;
        } cases[] = {
                { "list/agent-host", 2, NULL, false },
                { "list/agent-host-pretty-param", 2, NULL, false },
                { "list/empty", 0, NULL, false },
                { "list/namespace-that-does-not-exist", 0, NULL, false },
                { "list/edge-cases", 8, "242", false },
                { "list/page1-of-3", 2, NULL, true },
                { "list/page2-of-3", 2, NULL, true },
                { "list/page3-of-3", 2, NULL, false },
                { "list/page-with-selector-1", 2, NULL, true },
                { "list/page-limit-equals-count", 6, NULL, false },
                { "gone/9-inconsistent-continue-last", 2, NULL, false },
                { "endpoints/list", 1, "242", false },
                { "nodes/list", 3, "242", false },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Recorded) r = recorded_load(cases[i].name);
                _cleanup_fault_ Fault fault = FAULT_INIT;
                KubePage p = { 0 };

                kube_page_parse(r.body, r.body_size, &p, &fault);
                g_assert_cmpstr(fault.text, ==, NULL);
                g_assert_cmpuint(p.items ? json_object_array_length(p.items) : 0, ==, cases[i].n);
                g_assert_true((p.next != NULL) == cases[i].more);
                g_assert_nonnull(p.version);
                if (cases[i].version)
                        g_assert_cmpstr(p.version, ==, cases[i].version);
                kube_page_done(&p);
        }
}

static void test_what_is_no_list_is_refused(void)
{
        static const char *const names[] = { "list/get-one", "list/table", "errors/404-unknown-path",
                "errors/403-no-rights-list", "errors/200-accept-yaml" };
        static const char *const texts[] = {
                "",
                "{\"kind\":\"EndpointSliceList\",\"metadata\":{},\"items\":[]}",
                "{\"kind\":\"EndpointSliceList\",\"items\":[]}",
                "{\"kind\":\"EndpointSliceList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":{}}",
                "{\"kind\":7,\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_auto(Recorded) r = recorded_load(names[i]);
                KubePage p = { 0 };

                g_assert_cmpint(kube_page_parse(r.body, r.body_size, &p, NULL), <, 0);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                _cleanup_fault_ Fault fault = FAULT_INIT;
                KubePage p = { 0 };

                g_assert_cmpint(kube_page_parse(texts[i], strlen(texts[i]), &p, &fault), <, 0);
                g_assert_cmpint(fault.kind, ==, FAULT_DISCOVERY_UNAVAILABLE);
        }
}

static void test_truncated_lists_are_refused(void)
{
        g_auto(Recorded) r = recorded_load("list/agent-host");

        for (size_t size = 0; size + 1 < r.body_size; size += 7) {
                KubePage p = { 0 };

                g_assert_cmpint(kube_page_parse(r.body, size, &p, NULL), <, 0);
        }
}

static void test_recorded_errors_are_told_in_one_line(void)
{
        static const struct {
                const char *name;
                unsigned code;
                const char *words;
        } cases[] = {
                { "errors/401-bad-token", 401, "Unauthorized" },
                { "errors/403-no-rights-list", 403, "cannot list resource" },
                { "errors/404-unknown-resource", 404, "could not find the requested resource" },
                { "errors/404-unknown-path", 404, "404 page not found" },
                { "errors/406-accept-xml", 406, "Not Acceptable  Available representations" },
                { "errors/429-apf-list", 429, "Too many requests, please try again later." },
                { "errors/429-max-in-flight-list", 429, "Too many requests" },
                { "errors/504-list-rv-in-future", 504, "Too large resource version" },
                { "errors/param-watch-bad-resourceversion", 500, "" },
                { "errors/400-plain-http-to-tls-port", 400,
                        "Client sent an HTTP request to an HTTPS server." },
                { "etcd-down/get-one", 504, "timeout" },
                { "gone/7-continue-410", 410, "continue parameter is too old" },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_auto(Recorded) r = recorded_load(cases[i].name);
                KubeStatus s;

                g_assert_cmpuint(r.status, ==, cases[i].code);
                kube_status_parse(r.status, r.body, r.body_size, &s);
                g_assert_cmpuint(s.code, ==, cases[i].code);
                if (!strstr(s.text, cases[i].words))
                        g_error("%s: '%s'", cases[i].name, s.text);
                g_assert_null(strpbrk(s.text, "\r\n"));
                kube_status_done(&s);
        }
}

static void test_every_recorded_error_is_read(void)
{
        g_autoptr(GDir) dir = g_dir_open(TEST_DATA_DIR "/kubernetes/errors", 0, NULL);
        const char *file;
        unsigned n = 0;

        while ((file = g_dir_read_name(dir))) {
                g_autofree char *name = g_strdup_printf("errors/%.*s", (int)(strlen(file) - 5), file);
                g_auto(Recorded) r = recorded_load(name);
                KubeStatus s;

                kube_status_parse(r.status, r.body, r.body_size, &s);
                g_assert_cmpuint(s.code, ==, r.status);
                kube_status_done(&s);
                n++;
        }
        g_assert_cmpuint(n, >, 50);
}

static void test_words_of_a_server_are_bounded_and_harmless(void)
{
        g_autofree char *long_text = g_strnfill(100000, 'x');
        const char *wild = "\033[2J\xff\n\001"
                           "done";
        KubeStatus s;

        kube_status_parse(500, long_text, 100000, &s);
        g_assert_cmpuint(strlen(s.text), <=, 300);
        kube_status_done(&s);
        kube_status_parse(500, wild, strlen(wild), &s);
        g_assert_true(g_utf8_validate(s.text, -1, NULL));
        for (const char *p = s.text; *p; p++)
                g_assert_false(g_ascii_iscntrl(*p));
        kube_status_done(&s);
        kube_status_parse(503, "", 0, &s);
        g_assert_cmpuint(s.code, ==, 503);
        g_assert_null(s.text);
}

static void test_versions_are_compared_where_they_can_be(void)
{
        g_assert_cmpint(kube_version_compare("9", "10"), ==, -1);
        g_assert_cmpint(kube_version_compare("10", "9"), ==, 1);
        g_assert_cmpint(kube_version_compare("255", "255"), ==, 0);
        g_assert_cmpint(kube_version_compare("99999999999999999999998", "99999999999999999999999"), ==, -1);
        g_assert_cmpint(kube_version_compare("abc", "5"), ==, 0);
        g_assert_cmpint(kube_version_compare("5", ""), ==, 0);
        g_assert_cmpint(kube_version_compare("05", "7"), ==, 0);
}

static void test_backoff_doubles_and_has_full_jitter(void)
{
        static const uint64_t caps[] = { 500, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000 };

        for (unsigned n = 0; n < G_N_ELEMENTS(caps); n++) {
                g_assert_cmpuint(kube_backoff_cap_usec(n), ==, caps[n] * USEC_PER_MSEC);
                g_assert_cmpuint(kube_backoff_usec(n, 0, UINT32_MAX), ==, caps[n] * USEC_PER_MSEC);
                g_assert_cmpuint(kube_backoff_usec(n, 0, 0), <=, 100 * USEC_PER_MSEC);
                g_assert_cmpuint(kube_backoff_usec(n, 0, 0), >, 0);
        }
        g_assert_cmpuint(kube_backoff_cap_usec(UINT32_MAX), ==, 30 * USEC_PER_SEC);
        /* Never before the server wants to be asked again. */
        g_assert_cmpuint(kube_backoff_usec(1, 7 * USEC_PER_SEC, 0), >, 7 * USEC_PER_SEC);
        g_assert_cmpuint(kube_backoff_usec(1, 7 * USEC_PER_SEC, UINT32_MAX), ==, 7500 * USEC_PER_MSEC);
}

#define ADD(name, test) g_test_add_func("/kube-event/" name, test)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("streams-may-be-cut-anywhere", test_streams_may_be_cut_anywhere);
        ADD("streams-may-come-byte-by-byte", test_streams_may_come_byte_by_byte);
        ADD("recorded-events-are-understood", test_recorded_events_are_understood);
        ADD("reader-ends-a-stream-at-a-line", test_reader_ends_a_stream_at_a_line);
        ADD("lines-have-a-limit", test_lines_have_a_limit);
        ADD("what-is-no-event-is-refused", test_what_is_no_event_is_refused);
        ADD("deep-and-long-texts-are-refused", test_deep_and_long_texts_are_refused);
        ADD("pages-tell-what-comes-next", test_pages_tell_what_comes_next);
        ADD("what-is-no-list-is-refused", test_what_is_no_list_is_refused);
        ADD("truncated-lists-are-refused", test_truncated_lists_are_refused);
        ADD("recorded-errors-are-told-in-one-line", test_recorded_errors_are_told_in_one_line);
        ADD("every-recorded-error-is-read", test_every_recorded_error_is_read);
        ADD("words-of-a-server-are-bounded-and-harmless", test_words_of_a_server_are_bounded_and_harmless);
        ADD("versions-are-compared-where-they-can-be", test_versions_are_compared_where_they_can_be);
        ADD("backoff-doubles-and-has-full-jitter", test_backoff_doubles_and_has_full_jitter);
        return g_test_run();
}

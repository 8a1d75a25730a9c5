/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The server for metrics, and clients that send what a fuzzer would, take their time, or are many. */

#include <string.h>
#include <sys/resource.h>

#include "page-server.h"

#include "fake/loop.h"
#include "fake/raw-tls.h"

typedef struct Fixture {
        sd_event *event;
        PageServer *server;
        unsigned n_asked;
        size_t size; /* of /large */
} Fixture;

static bool find(const char *path, Page *ret, void *userdata)
{
        Fixture *f = userdata;

        f->n_asked++;
        *ret = (Page){ .status = 200, .content_type = "text/plain" };
        if (strcmp(path, "/livez") == 0)
                ret->body = g_bytes_new_static("ok\n", 3);
        else if (strcmp(path, "/large") == 0)
                ret->body = g_bytes_new_take(g_strnfill(f->size, 'x'), f->size);
        else
                return false;
        return true;
}

static Fixture *start_with(const PageServerSettings *settings)
{
        Fixture *f = g_new0(Fixture, 1);

        f->event = loop_new();
        g_assert_cmpint(page_server_new(f->event, settings, find, f, &f->server), ==, 0);
        return f;
}

static Fixture *start(void)
{
        return start_with(&(PageServerSettings){ .address = "127.0.0.1" });
}

/* So much as tests can wait for. */
static Fixture *start_with_limit(void)
{
        return start_with(
                &(PageServerSettings){ .address = "127.0.0.1", .limit_usec = 300 * USEC_PER_MSEC });
}

static void fixture_free(Fixture *f)
{
        page_server_free(f->server);
        sd_event_unref(f->event);
        g_free(f);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

static RawTls *connect_to(Fixture *f)
{
        RawTls *c = raw_tls_new_plain(f->event, page_server_port(f->server));

        g_assert_nonnull(c);
        return c;
}

/* NULL: closed without an answer. The caller's. */
static char *ask(Fixture *f, const char *request)
{
        g_autoptr(RawTls) c = connect_to(f);

        return raw_tls_send(c, request, -1) ? raw_tls_read(c) : NULL;
}

static char *get(Fixture *f, const char *path)
{
        g_autofree char *request = g_strdup_printf("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);

        return ask(f, request);
}

static void assert_has(const char *text, const char *part)
{
        if (!text || !strstr(text, part))
                g_error("no '%s' in: %.300s", part, text ? text : "(closed)");
}

static void assert_well(Fixture *f)
{
        g_autofree char *reply = get(f, "/livez");

        assert_has(reply, "HTTP/1.1 200 ");
}

/* status: "400 -": one of these; "-" is an end without an answer. */
static void assert_refused(Fixture *f, const char *request, const char *status)
{
        g_autofree char *reply = ask(f, request), *got = NULL;

        got = reply ? g_strndup(reply + strlen("HTTP/1.1 "), 3) : g_strdup("-");
        if (!strstr(status, got))
                g_error("%.200s: %.300s", request, reply ? reply : "closed");
}

static bool has_no_connections(void *userdata)
{
        Fixture *f = userdata;

        return page_server_count_connections(f->server) == 0;
}

static bool has_a_connection(void *userdata)
{
        return !has_no_connections(userdata);
}

/* It must not be run again and again meanwhile. */
static void assert_ends_in_peace(Fixture *f, RawTls *c)
{
        uint64_t n_runs = page_server_runs(f->server);

        g_assert_true(raw_tls_ends(c));
        loop_until(f->event, has_no_connections, f);
        g_assert_cmpuint(page_server_runs(f->server) - n_runs, <, 300);
}

/* --- what it does --- */

static void test_a_page_is_given(void)
{
        g_autoptr(Fixture) f = start();
        g_autofree char *reply = get(f, "/livez");

        assert_has(reply, "HTTP/1.1 200 ");
        assert_has(reply, "Content-Type: text/plain\r\n");
        assert_has(reply, "Connection: close\r\n");
        assert_has(reply, "\r\n\r\nok\n");
}

static void test_a_query_is_nothing_to_it(void)
{
        g_autoptr(Fixture) f = start();
        g_autofree char *reply = get(f, "/livez?verbose=1");

        assert_has(reply, "HTTP/1.1 200 ");
}

static void test_head_is_a_page_without_its_body(void)
{
        g_autoptr(Fixture) f = start();
        g_autoptr(RawTls) c = connect_to(f);
        g_autofree char *reply = NULL;

        g_assert_true(raw_tls_send(c, "HEAD /livez HTTP/1.0\r\n\r\n", -1));
        /* Its length is said, so that there is no reading it as one with a body. */
        g_assert_null(reply = raw_tls_read(c));
        assert_well(f);
}

static void test_an_old_client_is_answered(void)
{
        g_autoptr(Fixture) f = start();
        g_autofree char *reply = ask(f, "GET /livez HTTP/1.0\r\n\r\n");

        assert_has(reply, " 200 ");
        assert_has(reply, "\r\n\r\nok\n");
}

static void test_another_page_does_not_exist(void)
{
        g_autoptr(Fixture) f = start();
        g_autofree char *reply = get(f, "/metricsx");

        assert_has(reply, "HTTP/1.1 404 ");
        assert_has(reply, "/metrics, /livez and /readyz");
}

static void test_one_request_for_each_connection(void)
{
        g_autoptr(Fixture) f = start();
        g_autoptr(RawTls) c = connect_to(f);
        g_autofree char *reply = NULL;

        g_assert_true(raw_tls_send(
                c, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n", -1));
        reply = raw_tls_read(c);
        assert_has(reply, " 200 ");
        g_assert_true(raw_tls_ends(c));
        g_assert_cmpuint(f->n_asked, ==, 1);
}

static void test_a_large_page_is_given_whole(void)
{
        g_autoptr(Fixture) f = start();
        g_autofree char *reply = NULL;

        f->size = 8u * 1024 * 1024;
        reply = get(f, "/large");
        assert_has(reply, "HTTP/1.1 200 ");
        g_assert_cmpuint(strlen(strstr(reply, "\r\n\r\n")), ==, f->size + 4);
}

static void test_an_idle_one_wakes_nobody(void)
{
        g_autoptr(Fixture) f = start();
        uint64_t n_runs;

        assert_well(f);
        loop_until(f->event, has_no_connections, f);
        loop_for(f->event, 50);
        n_runs = page_server_runs(f->server);
        loop_for(f->event, 500);
        g_assert_cmpuint(page_server_runs(f->server), ==, n_runs);
}

/* --- what it does not do --- */

static void test_wrong_methods_targets_and_versions(void)
{
        static const struct {
                const char *line;
                const char *status;
        } cases[] = {
                { "BREW /livez HTTP/1.1", "405" },
                { "get /livez HTTP/1.1", "405" },
                { "POST /livez HTTP/1.1", "405" },
                { "DELETE /livez HTTP/1.1", "405" },
                { "OPTIONS * HTTP/1.1", "405" },
                { "CONNECT localhost:1 HTTP/1.1", "405 400" },
                { "GET / HTTP/1.1", "404" },
                { "GET //livez HTTP/1.1", "404" },
                { "GET /../livez HTTP/1.1", "404" },
                { "GET /livez/ HTTP/1.1", "404" },
                { "GET /livez%00 HTTP/1.1", "404 400 -" },
                { "GET http://localhost/livez HTTP/1.1", "404" },
                { "GET /livez HTTP/2.0", "505 400" },
                { "GET /livez", "505 400 -" },
                { "GET", "400 404 405 505 -" },
                { "\x16\x03\x01\x02", "400 404 405 505 -" },
                { "\x01\xff\xfe", "400 404 405 505 -" },
        };
        g_autoptr(Fixture) f = start();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *request = g_strdup_printf("%s\r\nHost: x\r\n\r\n", cases[i].line);

                assert_refused(f, request, cases[i].status);
        }
        assert_refused(f, "GET /livez HTTP/1.1\r\n\r\n", "400");
        assert_refused(f, "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400 413 200 -");
        assert_well(f);
}

static void test_bodies_are_not_read(void)
{
        g_autoptr(Fixture) f = start();

        assert_refused(f, "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n{", "405");
        assert_refused(f,
                "POST /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                "fffffffffffffff\r\n",
                "405");
        assert_refused(f, "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", "200");
        loop_until(f->event, has_no_connections, f);
        assert_well(f);
}

static void test_heads_that_are_too_large(void)
{
        g_autoptr(Fixture) f = start();
        g_autofree char *filler = g_strnfill(1000000, 'a'), *target = NULL, *header = NULL;
        g_autoptr(GString) many = g_string_new("GET /livez HTTP/1.1\r\nHost: x\r\n");

        target = g_strdup_printf("GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", filler);
        header = g_strdup_printf("GET /livez HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", filler);
        for (unsigned i = 0; i < 5000; i++)
                g_string_append_printf(many, "X-%u: y\r\n", i);
        g_string_append(many, "\r\n");

        assert_refused(f, target, "414 431 413 -");
        assert_refused(f, header, "431 413 -");
        assert_refused(f, many->str, "431 413 -");
        assert_refused(f, filler, "414 431 413 400 -");
        g_assert_cmpuint(f->n_asked, ==, 0);
        assert_well(f);
}

/* --- who takes his time --- */

static void test_a_client_that_says_nothing(void)
{
        g_autoptr(Fixture) f = start_with_limit();
        g_autoptr(RawTls) c = connect_to(f);

        loop_until(f->event, has_a_connection, f);
        assert_ends_in_peace(f, c);
        assert_well(f);
}

static void test_a_head_that_trickles(void)
{
        g_autoptr(Fixture) f = start_with_limit();
        g_autoptr(RawTls) c = connect_to(f);

        g_assert_true(raw_tls_send(c, "GET /livez HTTP/1.1\r\n", -1));
        for (unsigned i = 0; i < 5; i++) {
                loop_for(f->event, 20);
                g_assert_true(raw_tls_send(c, "X: y\r\n", -1));
        }
        assert_ends_in_peace(f, c);
        g_assert_cmpuint(f->n_asked, ==, 0);
}

static void test_a_client_that_does_not_read(void)
{
        g_autoptr(Fixture) f = start_with_limit();
        g_autoptr(RawTls) c = connect_to(f);
        uint64_t n_runs;

        f->size = 64u * 1024 * 1024;
        g_assert_true(raw_tls_send(c, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n", -1));
        loop_until(f->event, has_a_connection, f);
        loop_for(f->event, 50);
        n_runs = page_server_runs(f->server);
        loop_until(f->event, has_no_connections, f);
        g_assert_cmpuint(page_server_runs(f->server) - n_runs, <, 300);
        assert_well(f);
}

static void test_a_client_that_goes_away(void)
{
        g_autoptr(Fixture) f = start();
        RawTls *c = connect_to(f);

        f->size = 64u * 1024 * 1024;
        g_assert_true(raw_tls_send(c, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n", -1));
        loop_until(f->event, has_a_connection, f);
        raw_tls_free(c);
        loop_until(f->event, has_no_connections, f);
        assert_well(f);
}

/* --- who are many --- */

static void test_more_connections_than_there_may_be_wait(void)
{
        g_autoptr(Fixture) f = start_with(&(PageServerSettings){
                .address = "127.0.0.1", .n_connections = 4, .limit_usec = 500 * USEC_PER_MSEC });
        RawTls *silent[64];
        uint64_t n_runs;

        for (size_t i = 0; i < ELEMENTSOF(silent); i++)
                silent[i] = connect_to(f);
        loop_until(f->event, has_a_connection, f);
        loop_for(f->event, 100);
        g_assert_cmpuint(page_server_count_connections(f->server), <=, 4);
        n_runs = page_server_runs(f->server);
        loop_for(f->event, 200);
        g_assert_cmpuint(page_server_runs(f->server) - n_runs, <, 100);

        for (size_t i = 0; i < ELEMENTSOF(silent); i++)
                raw_tls_free(silent[i]);
        assert_well(f);
}

/* Connections then wait in the kernel, and the loop must not spin about them. */
static void test_connections_for_which_there_is_no_descriptor(void)
{
        g_autoptr(Fixture) f = start();
        g_autoptr(RawTls) one = connect_to(f);
        struct rlimit before, none;
        uint64_t n_runs;

        g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
        none = before;
        none.rlim_cur = 0;
        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
        n_runs = page_server_runs(f->server);
        loop_for(f->event, 300);
        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
        g_assert_cmpuint(page_server_count_connections(f->server), ==, 0);
        g_assert_cmpuint(page_server_runs(f->server) - n_runs, <, 300);

        loop_until(f->event, has_a_connection, f);
        assert_well(f);
        (void)one;
}

static void test_its_end_closes_connections(void)
{
        Fixture *f = start();
        RawTls *c = connect_to(f);

        loop_until(f->event, has_a_connection, f);
        f->server = page_server_free(f->server);
        g_assert_true(raw_tls_ends(c));
        raw_tls_free(c);
        fixture_free(f);
}

static void test_a_port_that_is_taken_is_an_error(void)
{
        g_autoptr(Fixture) f = start();
        PageServerSettings same = { .address = "127.0.0.1", .port = page_server_port(f->server) };
        PageServer *second = NULL;

        g_assert_cmpint(page_server_new(f->event, &same, find, f, &second), ==, -EADDRINUSE);
        g_assert_null(second);
        same.address = "localhost";
        g_assert_cmpint(page_server_new(f->event, &same, find, f, &second), ==, -EINVAL);
        assert_well(f);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
#define ADD(name, f) g_test_add_func("/metrics/page-server/" name, f)
        ADD("a-page-is-given", test_a_page_is_given);
        ADD("a-query-is-nothing-to-it", test_a_query_is_nothing_to_it);
        ADD("head-is-a-page-without-its-body", test_head_is_a_page_without_its_body);
        ADD("an-old-client-is-answered", test_an_old_client_is_answered);
        ADD("another-page-does-not-exist", test_another_page_does_not_exist);
        ADD("one-request-for-each-connection", test_one_request_for_each_connection);
        ADD("a-large-page-is-given-whole", test_a_large_page_is_given_whole);
        ADD("an-idle-one-wakes-nobody", test_an_idle_one_wakes_nobody);
        ADD("wrong-methods-targets-and-versions", test_wrong_methods_targets_and_versions);
        ADD("bodies-are-not-read", test_bodies_are_not_read);
        ADD("heads-that-are-too-large", test_heads_that_are_too_large);
        ADD("a-client-that-says-nothing", test_a_client_that_says_nothing);
        ADD("a-head-that-trickles", test_a_head_that_trickles);
        ADD("a-client-that-does-not-read", test_a_client_that_does_not_read);
        ADD("a-client-that-goes-away", test_a_client_that_goes_away);
        ADD("more-connections-than-there-may-be-wait", test_more_connections_than_there_may_be_wait);
        ADD("connections-for-which-there-is-no-descriptor",
                test_connections_for_which_there_is_no_descriptor);
        ADD("its-end-closes-connections", test_its_end_closes_connections);
        ADD("a-port-that-is-taken-is-an-error", test_a_port_that_is_taken_is_an_error);
#undef ADD
        return g_test_run();
}

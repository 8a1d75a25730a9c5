/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http-client.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fake-http.h"
#include "loop.h"
#include "pki.h"
#include "recorded.h"
#include "test-dir.h"

/* What the server does with a request, and what came of it. */
typedef struct Fixture {
        sd_event *event;
        HttpClient *client;
        FakeHttp *server;
        Pki *pki;
        bool (*serve)(FakeConnection *c, const FakeRequest *r, struct Fixture *f);
        GPtrArray *replies; /* all that there were */
        const char *reply;
        size_t reply_size;
        char *seen; /* of the last request */
        char *server_name;

        HttpRequest *request;
        GString *body;
        unsigned n_heads, n_pieces, n_done;
        HttpHead head;
        bool has_head;
        char *failure; /* NULL: none */
        bool too_large, may_have_arrived;
        int reader_error, refuse_with;
        char *warning;
} Fixture;

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static bool serve_reply(FakeConnection *c, const FakeRequest *r, Fixture *f)
{
        (void)r;

        return fake_send(c, f->reply, f->reply_size);
}

static bool on_request(FakeConnection *c, const FakeRequest *r, void *userdata)
{
        Fixture *f = userdata;
        GString *text = g_string_new(NULL);
        GHashTableIter i;
        gpointer name, value;

        g_string_append_printf(text, "%s %s\n", r->method, r->target);
        g_hash_table_iter_init(&i, r->headers);
        while (g_hash_table_iter_next(&i, &name, &value))
                g_string_append_printf(text, "%s: %s\n", (char *)name, (char *)value);
        g_string_append_printf(text, "client: %s\n", r->client ? r->client : "");
        g_string_append_len(text, r->body, (gssize)r->body_size);
        g_free(f->seen);
        f->seen = g_string_free(text, FALSE);
        g_free(f->server_name);
        f->server_name = g_strdup(fake_server_name(c));
        return f->serve(c, r, f);
}

/* Outlives the test: the server may be sending it still when that ends. */
static void set_reply_data(Fixture *f, const char *reply, size_t size)
{
        g_ptr_array_add(f->replies, g_memdup2(reply, size + 1));
        f->reply = f->replies->pdata[f->replies->len - 1];
        f->reply_size = size;
}

static void set_reply(Fixture *f, const char *reply)
{
        set_reply_data(f, reply, strlen(reply));
}

static void set_up_with(Fixture *f, const PkiCert *cert)
{
        FakeTls tls = {
                .cert = cert ? cert->cert : NULL,
                .key = cert ? cert->key : NULL,
                .client_ca = cert ? pki_ca_pem(f->pki) : NULL,
        };

        f->event = loop_new();
        g_assert_cmpint(http_client_new(f->event, &f->client), ==, 0);
        f->serve = serve_reply;
        f->replies = g_ptr_array_new_with_free_func(g_free);
        set_reply(f, OK_REPLY);
        f->body = g_string_new(NULL);
        f->server = fake_http_new(&tls, 0, on_request, f);
}

static void set_up(Fixture *f, gconstpointer data)
{
        (void)data;

        set_up_with(f, NULL);
}

static void set_up_tls(Fixture *f, gconstpointer data)
{
        g_auto(PkiCert) cert = { 0 };

        (void)data;

        f->pki = pki_new("test CA");
        cert = pki_issue(f->pki, "server", "DNS:kube.example.com,IP:127.0.0.1", 3600);
        set_up_with(f, &cert);
}

static void tear_down(Fixture *f, gconstpointer data)
{
        (void)data;

        http_client_free(f->client);
        fake_http_free(f->server);
        g_clear_pointer(&f->pki, pki_free);
        sd_event_unref(f->event);
        g_string_free(f->body, TRUE);
        g_free(f->failure);
        g_free(f->seen);
        g_free(f->server_name);
        g_free(f->warning);
        g_ptr_array_unref(f->replies);
}

static int on_head(HttpRequest *request, const HttpHead *head, void *userdata)
{
        Fixture *f = userdata;

        f->n_heads++;
        f->head = *head;
        g_free(f->warning);
        f->warning = g_strdup(http_request_header(request, "Warning"));
        return 0;
}

static int on_body(const void *data, size_t size, void *userdata)
{
        Fixture *f = userdata;

        f->n_pieces++;
        g_string_append_len(f->body, data, (gssize)size);
        return f->refuse_with;
}

static void on_done(const HttpResult *result, void *userdata)
{
        Fixture *f = userdata;

        g_assert_null(f->request);
        f->n_done++;
        f->has_head = result->head != NULL;
        if (result->head)
                f->head = *result->head;
        g_free(f->failure);
        f->failure = result->fault ? g_strdup(fault_text(result->fault)) : NULL;
        f->too_large = result->too_large;
        f->may_have_arrived = result->may_have_arrived;
        f->reader_error = result->reader_error;
}

static const HttpHandlers handlers = { on_head, on_body, on_done };

static char *url_of(Fixture *f, const char *path)
{
        return g_strdup_printf(
                "%s://127.0.0.1:%u%s", f->pki ? "https" : "http", fake_http_port(f->server), path);
}

static void start(Fixture *f, const char *path, const HttpOptions *more)
{
        g_autofree char *url = url_of(f, path);
        _cleanup_fault_ Fault fault = FAULT_INIT;
        HttpOptions options = more ? *more : (HttpOptions){ 0 };

        options.url = url;
        if (options.total_usec == 0)
                options.total_usec = 20 * USEC_PER_SEC;
        if (f->pki && !options.tls.ca.data && !options.tls.ca_file)
                options.tls.ca = (HttpBytes){ pki_ca_pem(f->pki), strlen(pki_ca_pem(f->pki)) };
        f->n_done = f->n_heads = 0;
        g_string_truncate(f->body, 0);
        http_request_start(f->client, &options, &handlers, f, &f->request, &fault);
        g_assert_cmpint(fault.kind, ==, FAULT_NONE);
        g_assert_nonnull(f->request);
        g_assert_cmpuint(f->n_done, ==, 0);
}

static bool is_done(void *userdata)
{
        return ((Fixture *)userdata)->n_done > 0;
}

static void run(Fixture *f, const char *path, const HttpOptions *more)
{
        start(f, path, more);
        loop_until(f->event, is_done, f);
        g_assert_cmpuint(f->n_done, ==, 1);
}

static void expect_failure(Fixture *f, const char *words)
{
        g_assert_nonnull(f->failure);
        if (!strstr(f->failure, words))
                g_error("'%s' does not say '%s'", f->failure, words);
}

static void test_reply_is_handed_over(Fixture *f, gconstpointer data)
{
        (void)data;

        run(f, "/a?b=c", NULL);
        g_assert_null(f->failure);
        g_assert_cmpuint(f->head.status, ==, 200);
        g_assert_cmpuint(f->n_heads, ==, 1);
        g_assert_cmpstr(f->body->str, ==, "hello");
        g_assert_true(g_str_has_prefix(f->seen, "GET /a?b=c\n"));
        g_assert_true(f->may_have_arrived);
}

static void test_request_carries_method_headers_and_body(Fixture *f, gconstpointer data)
{
        static const char *const headers[] = { "User-Agent: agenthost/1", "X-Test: yes", NULL };
        const HttpOptions options = { .method = "DELETE", .headers = headers, .body = { "a body", 6 } };

        (void)data;

        run(f, "/v1/agents/1", &options);
        g_assert_true(g_str_has_prefix(f->seen, "DELETE /v1/agents/1\n"));
        g_assert_nonnull(strstr(f->seen, "user-agent: agenthost/1\n"));
        g_assert_nonnull(strstr(f->seen, "x-test: yes\n"));
        g_assert_true(g_str_has_suffix(f->seen, "\na body"));
}

static void test_errors_are_replies_too(Fixture *f, gconstpointer data)
{
        (void)data;

        set_reply(f, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nwait");
        run(f, "/", NULL);
        g_assert_null(f->failure);
        g_assert_cmpuint(f->head.status, ==, 429);
        g_assert_cmpuint(f->head.retry_after_usec, ==, 7 * USEC_PER_SEC);
        g_assert_cmpstr(f->body->str, ==, "wait");
}

static void test_headers_can_be_read(Fixture *f, gconstpointer data)
{
        (void)data;

        set_reply(f,
                "HTTP/1.1 200 OK\r\nwarning: 299 - \"first\"\r\nWarning: 299 - \"last\"\r\nContent-Length: "
                "0\r\n\r\n");
        run(f, "/", NULL);
        g_assert_cmpstr(f->warning, ==, "299 - \"last\"");
}

static void test_interim_replies_are_left_out(Fixture *f, gconstpointer data)
{
        (void)data;

        set_reply(f, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" OK_REPLY);
        run(f, "/", NULL);
        g_assert_cmpuint(f->n_heads, ==, 1);
        g_assert_cmpuint(f->head.status, ==, 200);
}

static void test_redirects_are_not_followed(Fixture *f, gconstpointer data)
{
        (void)data;

        set_reply(f, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
        run(f, "/here", NULL);
        g_assert_cmpuint(f->head.status, ==, 302);
        g_assert_true(g_str_has_prefix(f->seen, "GET /here\n"));
}

static void test_proxies_of_the_environment_are_not_used(Fixture *f, gconstpointer data)
{
        (void)data;

        g_assert_nonnull(g_getenv("http_proxy"));
        run(f, "/", NULL);
        g_assert_null(f->failure);
        g_assert_cmpstr(f->body->str, ==, "hello");
}

static void test_connections_are_used_again(Fixture *f, gconstpointer data)
{
        (void)data;

        for (int i = 0; i < 5; i++)
                run(f, "/", NULL);
        g_assert_cmpuint(fake_http_count_connections(f->server), ==, 1);
}

static void test_connection_that_was_closed_meanwhile_is_made_again(Fixture *f, gconstpointer data)
{
        (void)data;

        run(f, "/", NULL);
        fake_http_cut(f->server);
        run(f, "/", NULL);
        g_assert_null(f->failure);
        g_assert_cmpuint(fake_http_count_connections(f->server), ==, 2);
}

static bool serve_stream(FakeConnection *c, const FakeRequest *r, Fixture *f)
{
        const char *head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

        (void)r;
        (void)f;

        if (!fake_send(c, head, strlen(head)))
                return false;
        while (fake_send(c, "3\r\nabc\r\n", 8) && fake_wait(c, 5))
                ;
        return false;
}

static bool has_three_pieces(void *userdata)
{
        return ((Fixture *)userdata)->n_pieces >= 3;
}

static void test_endless_reply_comes_in_pieces_and_can_be_given_up(Fixture *f, gconstpointer data)
{
        (void)data;

        f->serve = serve_stream;
        start(f, "/", NULL);
        loop_until(f->event, has_three_pieces, f);
        g_assert_cmpuint(f->n_heads, ==, 1);
        g_assert_cmpuint(f->n_done, ==, 0);

        f->request = http_request_free(f->request);
        f->n_pieces = 0;
        loop_for(f->event, 50);
        g_assert_cmpuint(f->n_pieces, ==, 0);
        g_assert_cmpuint(f->n_done, ==, 0);
}

static void test_client_gives_up_what_is_under_way(Fixture *f, gconstpointer data)
{
        (void)data;

        f->serve = serve_stream;
        start(f, "/", NULL);
        loop_until(f->event, has_three_pieces, f);
        f->client = http_client_free(f->client);
        g_assert_null(f->request);
        loop_for(f->event, 20);
        g_assert_cmpuint(f->n_done, ==, 0);
}

static void test_request_can_be_given_up_before_it_begins(Fixture *f, gconstpointer data)
{
        (void)data;

        start(f, "/", NULL);
        f->request = http_request_free(f->request);
        loop_for(f->event, 50);
        g_assert_cmpuint(f->n_done, ==, 0);
}

static void test_reader_can_end_a_reply(Fixture *f, gconstpointer data)
{
        (void)data;

        f->serve = serve_stream;
        f->refuse_with = -ECANCELED;
        run(f, "/", NULL);
        g_assert_cmpint(f->reader_error, ==, -ECANCELED);
        g_assert_nonnull(f->failure);
        g_assert_cmpuint(f->n_pieces, ==, 1);
}

static void test_reply_has_a_limit(Fixture *f, gconstpointer data)
{
        const HttpOptions options = { .reply_max = 100 };

        (void)data;

        f->serve = serve_stream;
        run(f, "/", &options);
        g_assert_true(f->too_large);
        expect_failure(f, "larger than 100 bytes");
        g_assert_cmpuint(f->body->len, <=, 100);
}

static bool serve_nothing(FakeConnection *c, const FakeRequest *r, Fixture *f)
{
        (void)r;
        (void)f;

        while (fake_wait(c, 1000))
                ;
        return false;
}

static void test_reply_that_does_not_come_has_a_limit(Fixture *f, gconstpointer data)
{
        const HttpOptions options = { .total_usec = 200 * USEC_PER_MSEC };

        (void)data;

        f->serve = serve_nothing;
        run(f, "/", &options);
        expect_failure(f, "timed out");
        g_assert_false(f->has_head);
        g_assert_true(f->may_have_arrived);
}

static void test_reply_that_stops_has_a_limit(Fixture *f, gconstpointer data)
{
        const HttpOptions options = { .stall_usec = USEC_PER_SEC };

        (void)data;

        f->serve = serve_nothing;
        run(f, "/", &options);
        expect_failure(f, "too slow");
}

static void test_nobody_there_is_a_failure_before_anything_was_sent(Fixture *f, gconstpointer data)
{
        HttpOptions options = { .url = "http://127.0.0.1:1/" };

        (void)data;

        http_request_start(f->client, &options, &handlers, f, &f->request, NULL);
        loop_until(f->event, is_done, f);
        expect_failure(f, "127.0.0.1");
        g_assert_false(f->may_have_arrived);
}

static bool serve_cut(FakeConnection *c, const FakeRequest *r, Fixture *f)
{
        serve_reply(c, r, f);
        return false;
}

static void test_reply_that_is_cut_is_a_failure(Fixture *f, gconstpointer data)
{
        static const char *const replies[] = {
                "",
                "HTTP/1.1 200 OK\r\nContent-Le",
                "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
                "SSH-2.0-OpenSSH_9.2\r\n",
        };

        (void)data;

        f->serve = serve_cut;
        for (size_t i = 0; i < ELEMENTSOF(replies); i++) {
                set_reply(f, replies[i]);
                run(f, "/", NULL);
                g_assert_nonnull(f->failure);
        }
}

static void test_broken_options_are_refused(Fixture *f, gconstpointer data)
{
        static const char *const urls[] = { "", "no url", "ftp://127.0.0.1/", "file:///etc/passwd",
                "https://", "http://host:99999/" };
        static const char *const headers[] = { "Good: yes", "Authorization: Bearer a\r\nX: y", NULL };
        HttpOptions options = { .url = "http://127.0.0.1/", .headers = headers };

        (void)data;

        for (size_t i = 0; i < ELEMENTSOF(urls); i++) {
                _cleanup_fault_ Fault fault = FAULT_INIT;
                const HttpOptions bad = { .url = urls[i] };

                g_assert_cmpint(
                        http_request_start(f->client, &bad, &handlers, f, &f->request, &fault), <, 0);
                g_assert_cmpint(fault.kind, ==, FAULT_INVALID_ARGS);
                g_assert_null(f->request);
        }
        {
                _cleanup_fault_ Fault fault = FAULT_INIT;

                g_assert_cmpint(
                        http_request_start(f->client, &options, &handlers, f, &f->request, &fault), <, 0);
                /* Without the secret. */
                g_assert_cmpstr(fault_text(&fault), ==, "Header 2 is none");
        }
        loop_for(f->event, 10);
        g_assert_cmpuint(f->n_done, ==, 0);
}

static void test_compressed_reply_is_read_plain(Fixture *f, gconstpointer data)
{
        const HttpOptions options = { .gzip = true }, small = { .gzip = true, .reply_max = 100000 };
        g_auto(Recorded) r = recorded_load("gzip/page-of-6-slices-raw");

        (void)data;

        set_reply_data(f, r.raw, r.raw_size);
        run(f, "/", &options);
        g_assert_null(f->failure);
        g_assert_nonnull(strstr(f->seen, "accept-encoding: gzip\n"));
        g_assert_cmpuint(f->body->len, ==, 154384);
        g_assert_true(g_str_has_prefix(f->body->str, "{\"kind\":\"EndpointSliceList\""));
        g_assert_true(g_str_has_suffix(f->body->str, "}\n"));

        /* The limit is of what it becomes, not of what comes. */
        run(f, "/", &small);
        g_assert_true(f->too_large);
}

static void test_nothing_is_compressed_unless_asked_for(Fixture *f, gconstpointer data)
{
        (void)data;

        run(f, "/", NULL);
        g_assert_null(strstr(f->seen, "accept-encoding"));
}

/* --- TLS --- */

static void test_server_is_known_by_its_authority(Fixture *f, gconstpointer data)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *ca = test_dir_write(&dir, "ca.crt", pki_ca_pem(f->pki), -1);
        const HttpOptions from_file = { .tls = { .ca_file = ca } };

        (void)data;

        run(f, "/", NULL);
        g_assert_null(f->failure);
        run(f, "/", &from_file);
        g_assert_null(f->failure);
}

static void test_server_of_another_authority_is_refused(Fixture *f, gconstpointer data)
{
        g_autoptr(Pki) other = pki_new("test CA");
        const HttpOptions wrong = { .tls = { .ca = { pki_ca_pem(other), strlen(pki_ca_pem(other)) } } };
        const HttpOptions insecure = { .tls = { .ca = wrong.tls.ca, .insecure = true } };

        (void)data;

        run(f, "/", &wrong);
        expect_failure(f, "certificate");
        g_assert_false(f->may_have_arrived);
        g_assert_null(f->seen);

        run(f, "/", &insecure);
        g_assert_null(f->failure);
}

static void test_authorities_that_are_none_are_refused(Fixture *f, gconstpointer data)
{
        const HttpOptions none = { .tls = { .ca = { "no certificate", 14 } } };
        const HttpOptions missing = { .tls = { .ca_file = "/nonexistent/ca.crt" } };

        (void)data;

        run(f, "/", &none);
        g_assert_nonnull(f->failure);
        run(f, "/", &missing);
        expect_failure(f, "/nonexistent/ca.crt");
}

static void test_file_of_authorities_counts_as_it_is_now(Fixture *f, gconstpointer data)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autoptr(Pki) other = pki_new("test CA");
        g_autofree char *ca = test_dir_write(&dir, "ca.crt", pki_ca_pem(other), -1);
        const HttpOptions options = { .tls = { .ca_file = ca } };

        (void)data;

        run(f, "/", &options);
        g_assert_nonnull(f->failure);
        test_dir_put(&dir, "ca.crt", pki_ca_pem(f->pki));
        run(f, "/", &options);
        g_assert_null(f->failure);
}

static void restart_with(Fixture *f, const char *alt, int valid_sec)
{
        g_auto(PkiCert) cert = pki_issue(f->pki, "server", alt, valid_sec);
        FakeTls tls = { .cert = cert.cert, .key = cert.key, .client_ca = pki_ca_pem(f->pki) };

        fake_http_free(f->server);
        f->server = fake_http_new(&tls, 0, on_request, f);
}

static void test_expired_certificate_is_refused(Fixture *f, gconstpointer data)
{
        (void)data;

        restart_with(f, "IP:127.0.0.1", -60);
        run(f, "/", NULL);
        expect_failure(f, "expired");
}

static void test_certificate_of_another_name_is_refused(Fixture *f, gconstpointer data)
{
        const HttpOptions named = { .tls = { .server_name = "kube.example.com" } };
        const HttpOptions wrong = { .tls = { .server_name = "kube.example.org" } };

        (void)data;

        restart_with(f, "DNS:kube.example.com", 3600);
        run(f, "/", NULL);
        g_assert_nonnull(f->failure);
        g_assert_null(f->seen);

        run(f, "/path?query", &named);
        g_assert_null(f->failure);
        g_assert_cmpstr(f->server_name, ==, "kube.example.com");
        g_assert_true(g_str_has_prefix(f->seen, "GET /path?query\n"));
        g_assert_nonnull(strstr(f->seen, "host: 127.0.0.1:"));

        run(f, "/", &wrong);
        g_assert_nonnull(f->failure);
}

static void test_client_shows_its_certificate(Fixture *f, gconstpointer data)
{
        g_auto(PkiCert) cert = pki_issue(f->pki, "agent-host", NULL, 3600);
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *cert_file = test_dir_write(&dir, "client.crt", cert.cert, -1);
        g_autofree char *key_file = test_dir_write(&dir, "client.key", cert.key, -1);
        const HttpOptions from_data = {
                .tls = { .cert = { cert.cert, strlen(cert.cert) }, .key = { cert.key, strlen(cert.key) } },
        };
        const HttpOptions from_files = { .tls = { .cert_file = cert_file, .key_file = key_file } };

        (void)data;

        run(f, "/", &from_data);
        g_assert_null(f->failure);
        g_assert_nonnull(strstr(f->seen, "client: agent-host\n"));
        run(f, "/", &from_files);
        g_assert_nonnull(strstr(f->seen, "client: agent-host\n"));

        /* A connection that was made as somebody is not used as nobody. */
        run(f, "/", NULL);
        g_assert_nonnull(strstr(f->seen, "client: \n"));
}

static void test_key_with_a_passphrase_is_refused(Fixture *f, gconstpointer data)
{
        g_auto(PkiCert) cert = pki_issue(f->pki, "agent-host", NULL, 3600);
        g_autofree char *key = pki_encrypt_key(cert.key, "secret");
        const HttpOptions options = {
                .tls = { .cert = { cert.cert, strlen(cert.cert) }, .key = { key, strlen(key) } },
        };

        (void)data;

        run(f, "/", &options);
        g_assert_nonnull(f->failure);
        g_assert_null(f->seen);
}

static void test_plain_server_is_none_for_https(Fixture *f, gconstpointer data)
{
        g_autofree char *url = g_strdup_printf("https://127.0.0.1:%u/", fake_http_port(f->server));
        const HttpOptions options = { .url = url, .total_usec = 5 * USEC_PER_SEC };

        (void)data;

        http_request_start(f->client, &options, &handlers, f, &f->request, NULL);
        loop_until(f->event, is_done, f);
        g_assert_nonnull(f->failure);
        g_assert_null(f->seen);
}

/* --- a network that goes away --- */

static int set_loopback(bool up)
{
        struct ifreq request = { .ifr_name = "lo" };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

        g_assert_cmpint(ioctl(fd, SIOCGIFFLAGS, &request), ==, 0);
        if (up)
                request.ifr_flags |= IFF_UP;
        else
                request.ifr_flags &= (short)~IFF_UP;
        r = ioctl(fd, SIOCSIFFLAGS, &request);
        close(fd);
        return r;
}

static bool serve_head_only(FakeConnection *c, const FakeRequest *r, Fixture *f)
{
        const char *head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";

        (void)r;
        (void)f;

        if (fake_send(c, head, strlen(head)))
                while (fake_wait(c, 1000))
                        ;
        return false;
}

static bool has_piece(void *userdata)
{
        return ((Fixture *)userdata)->n_pieces > 0;
}

static void lose_the_network(void)
{
        const HttpOptions options = { .total_usec = 60 * USEC_PER_SEC,
                .keepalive_usec = USEC_PER_SEC,
                .keepalive_interval_usec = USEC_PER_SEC };
        Fixture f = { 0 };

        set_up(&f, NULL);
        f.serve = serve_head_only;
        start(&f, "/", &options);
        loop_until(f.event, has_piece, &f);
        g_assert_cmpint(set_loopback(false), ==, 0);
        loop_until(f.event, is_done, &f);
        g_assert_nonnull(f.failure);
        /* What it is told by the kernel, not its own limit. */
        g_assert_null(strstr(f.failure, "timed out after"));
        g_assert_cmpint(set_loopback(true), ==, 0);
        tear_down(&f, NULL);
}

static void test_half_open_connection_is_noticed(void)
{
        if (geteuid() != 0) {
                g_test_skip("needs root, for a network of its own");
                return;
        }
        if (g_test_subprocess()) {
                g_assert_cmpint(unshare(CLONE_NEWNET), ==, 0);
                g_assert_cmpint(set_loopback(true), ==, 0);
                lose_the_network();
                return;
        }
        g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
        g_test_trap_assert_passed();
}

#define ADD(name, set_up, test) g_test_add("/http-client/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        /* Of all of them; while there is one thread. */
        g_setenv("http_proxy", "http://127.0.0.1:1", TRUE);
        g_setenv("ALL_PROXY", "http://127.0.0.1:1", TRUE);
        ADD("reply-is-handed-over", set_up, test_reply_is_handed_over);
        ADD("request-carries-method-headers-and-body", set_up, test_request_carries_method_headers_and_body);
        ADD("errors-are-replies-too", set_up, test_errors_are_replies_too);
        ADD("headers-can-be-read", set_up, test_headers_can_be_read);
        ADD("interim-replies-are-left-out", set_up, test_interim_replies_are_left_out);
        ADD("redirects-are-not-followed", set_up, test_redirects_are_not_followed);
        ADD("proxies-of-the-environment-are-not-used", set_up, test_proxies_of_the_environment_are_not_used);
        ADD("connections-are-used-again", set_up, test_connections_are_used_again);
        ADD("connection-that-was-closed-meanwhile-is-made-again", set_up,
                test_connection_that_was_closed_meanwhile_is_made_again);
        ADD("endless-reply-comes-in-pieces-and-can-be-given-up", set_up,
                test_endless_reply_comes_in_pieces_and_can_be_given_up);
        ADD("client-gives-up-what-is-under-way", set_up, test_client_gives_up_what_is_under_way);
        ADD("request-can-be-given-up-before-it-begins", set_up,
                test_request_can_be_given_up_before_it_begins);
        ADD("reader-can-end-a-reply", set_up, test_reader_can_end_a_reply);
        ADD("reply-has-a-limit", set_up, test_reply_has_a_limit);
        ADD("reply-that-does-not-come-has-a-limit", set_up, test_reply_that_does_not_come_has_a_limit);
        ADD("reply-that-stops-has-a-limit", set_up, test_reply_that_stops_has_a_limit);
        ADD("nobody-there-is-a-failure-before-anything-was-sent", set_up,
                test_nobody_there_is_a_failure_before_anything_was_sent);
        ADD("reply-that-is-cut-is-a-failure", set_up, test_reply_that_is_cut_is_a_failure);
        ADD("broken-options-are-refused", set_up, test_broken_options_are_refused);
        ADD("compressed-reply-is-read-plain", set_up, test_compressed_reply_is_read_plain);
        ADD("nothing-is-compressed-unless-asked-for", set_up, test_nothing_is_compressed_unless_asked_for);
        ADD("server-is-known-by-its-authority", set_up_tls, test_server_is_known_by_its_authority);
        ADD("server-of-another-authority-is-refused", set_up_tls,
                test_server_of_another_authority_is_refused);
        ADD("authorities-that-are-none-are-refused", set_up_tls, test_authorities_that_are_none_are_refused);
        ADD("file-of-authorities-counts-as-it-is-now", set_up_tls,
                test_file_of_authorities_counts_as_it_is_now);
        ADD("expired-certificate-is-refused", set_up_tls, test_expired_certificate_is_refused);
        ADD("certificate-of-another-name-is-refused", set_up_tls,
                test_certificate_of_another_name_is_refused);
        ADD("client-shows-its-certificate", set_up_tls, test_client_shows_its_certificate);
        ADD("key-with-a-passphrase-is-refused", set_up_tls, test_key_with_a_passphrase_is_refused);
        ADD("plain-server-is-none-for-https", set_up, test_plain_server_is_none_for_https);
        g_test_add_func(
                "/http-client/half-open-connection-is-noticed", test_half_open_connection_is_noticed);
        return g_test_run();
}

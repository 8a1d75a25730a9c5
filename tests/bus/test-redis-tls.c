/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* TLS with a real server: whom it proves to be, and whom we do. */

#include <string.h>

#include "fake-redis.h"
#include "redis-client.h"
#include "test-certificates.h"
#include "test-dir.h"
#include "test-redis.h"
#include "test-until.h"

#define ATTEMPT_LIMIT_USEC (500 * USEC_PER_MSEC)
#define BACKOFF_USEC (200 * USEC_PER_MSEC)

typedef struct Fixture {
        sd_event *event;
        TestRedis *redis;
        unsigned port; /* of TLS */
        RedisClient *client;
        unsigned n_ready, n_away;
        size_t n_echoed;
        char *why;
} Fixture;

/* All of its tests share them: making keys takes time. */
static TestDir certificates;

static char *file(const char *name)
{
        return test_dir_path(&certificates, name);
}

static void on_ready(const RedisServer *server, void *userdata)
{
        Fixture *f = userdata;

        (void)server;

        f->n_ready++;
}

static void on_away(const Fault *why, void *userdata)
{
        Fixture *f = userdata;

        g_free(f->why);
        f->why = g_strdup(fault_text(why));
        f->n_away++;
}

static void on_drained(void *userdata)
{
        (void)userdata;
}

/* clients: "yes" if they must have certificates. */
static void start_redis(Fixture *f, const char *clients)
{
        g_autofree char *cert = file("server.pem"), *key = file("server.key"), *ca = file("ca.pem"),
                        *port = NULL;

        f->port = test_free_port();
        port = g_strdup_printf("%u", f->port);
        f->redis = test_redis_new((const char *[]){ "--tls-port", port, "--tls-cert-file", cert,
                "--tls-key-file", key, "--tls-ca-cert-file", ca, "--tls-auth-clients", clients, NULL });
}

static void start_client_at(Fixture *f, const char *url, const char *ca, const char *client)
{
        static const RedisClientHandlers handlers = {
                .ready = on_ready,
                .away = on_away,
                .drained = on_drained,
        };
        g_autofree char *ca_file = file(ca), *cert = NULL, *key = NULL;
        RedisClientSettings settings = {
                .client_name = "agenthost:host-1",
                .attempt_limit_usec = ATTEMPT_LIMIT_USEC,
                .backoff_last_usec = BACKOFF_USEC,
        };

        if (client) {
                g_autofree char *cert_name = g_strconcat(client, ".pem", NULL),
                                *key_name = g_strconcat(client, ".key", NULL);

                cert = file(cert_name);
                key = file(key_name);
        }
        settings.tls = (RedisTlsSettings){ ca_file, cert, key };
        g_assert_cmpint(redis_url_parse(url, &settings.url, NULL), ==, 0);
        g_assert_cmpint(redis_client_new(f->event, &settings, &handlers, f, &f->client, NULL), ==, 0);
}

static void start_client(Fixture *f, const char *host, const char *ca, const char *client)
{
        g_autofree char *url = g_strdup_printf("rediss://%s:%u", host, f->port);

        start_client_at(f, url, ca, client);
}

static void expect_away(Fixture *f, const char *why)
{
        run_until(f, f->n_away > 0);
        g_test_message("%s", f->why);
        g_assert_nonnull(strstr(f->why, why));
        g_assert_cmpuint(f->n_ready, ==, 0);
}

static void set_up(Fixture *f, const void *data)
{
        (void)data;

        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        (void)data;

        redis_client_free(f->client);
        g_clear_pointer(&f->redis, test_redis_free);
        g_free(f->why);
        sd_event_unref(f->event);
}

static void test_server_is_reached_by_name(Fixture *f)
{
        start_redis(f, "no");
        start_client(f, "localhost", "ca.pem", NULL);
        run_until(f, f->n_ready == 1);
}

static void test_server_is_reached_by_address(Fixture *f)
{
        start_redis(f, "no");
        start_client(f, "127.0.0.1", "ca.pem", NULL);
        run_until(f, f->n_ready == 1);
}

static void on_echo(const redisReply *reply, const Fault *fault, void *userdata)
{
        Fixture *f = userdata;

        g_assert_null(fault);
        f->n_echoed += reply->len;
}

/* More than a record, a socket and a turn of the loop hold, both ways. */
static void test_much_goes_both_ways(Fixture *f)
{
        g_autofree char *large = g_strnfill(3 * 1024 * 1024, 'x');
        const RedisWord words[] = { { "ECHO", 4 }, { large, strlen(large) } };

        start_redis(f, "no");
        start_client(f, "localhost", "ca.pem", NULL);
        run_until(f, f->n_ready == 1);
        for (int i = 0; i < 3; i++)
                g_assert_cmpint(redis_client_send(f->client, words, 2, on_echo, f, NULL), ==, 0);
        run_until(f, f->n_echoed == 3 * strlen(large));
        g_assert_cmpuint(f->n_away, ==, 0);
}

static void test_other_ca_is_not_trusted(Fixture *f)
{
        start_redis(f, "no");
        start_client(f, "localhost", "other-ca.pem", NULL);
        expect_away(f, "the server's certificate is not accepted");
}

static void test_certificate_must_be_of_the_host(Fixture *f)
{
        start_redis(f, "no");
        /* ::1 is the same server, and not in its certificate. */
        start_client(f, "[::1]", "ca.pem", NULL);
        run_until(f, f->n_away > 0);
        if (strstr(f->why, "cannot connect"))
                g_test_skip("there is no IPv6 here");
        else
                expect_away(f, "the server's certificate is not accepted");
}

static void test_client_shows_its_certificate(Fixture *f)
{
        start_redis(f, "yes");
        start_client(f, "localhost", "ca.pem", "client");
        run_until(f, f->n_ready == 1);
}

static void test_client_without_a_certificate_is_refused(Fixture *f)
{
        start_redis(f, "yes");
        start_client(f, "localhost", "ca.pem", NULL);
        expect_away(f, "ertificate");
}

static void test_missing_files_are_told(Fixture *f)
{
        start_redis(f, "no");
        start_client(f, "localhost", "no-such.pem", NULL);
        expect_away(f, "no-such.pem");
        f->client = redis_client_free(f->client);
        f->n_away = 0;
        start_client(f, "localhost", "ca.pem", "no-such");
        expect_away(f, "RedisCertFile=");
}

static void test_plain_server_is_recognised(Fixture *f)
{
        FakeRedis *fake = fake_redis_new(f->event, FAKE_ANSWERS, "-ERR unknown command\r\n");

        f->port = fake->port;
        start_client(f, "localhost", "ca.pem", NULL);
        expect_away(f, "does the server speak TLS at this port?");
        fake_redis_free(fake);
}

static void test_server_that_is_silent_is_given_up(Fixture *f)
{
        FakeRedis *fake = fake_redis_new(f->event, FAKE_IS_SILENT, NULL);

        f->port = fake->port;
        start_client(f, "127.0.0.1", "ca.pem", NULL);
        expect_away(f, "nobody answers there");
        fake_redis_free(fake);
}

static void test_certificate_and_key_belong_together(Fixture *f)
{
        static const RedisClientHandlers handlers = { on_ready, on_away, on_drained };
        RedisClientSettings settings = { .client_name = "x", .tls = { .cert_file = "/a" } };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(redis_url_parse("rediss://h", &settings.url, NULL), ==, 0);
        g_assert_cmpint(
                redis_client_new(f->event, &settings, &handlers, f, &f->client, &fault), ==, -EINVAL);
        g_assert_nonnull(strstr(fault_text(&fault), "belong together"));
}

typedef void (*Test)(Fixture *f);

static void run_test(Fixture *f, gconstpointer test)
{
        if (test_redis_is_there())
                (*(const Test *)test)(f);
        else
                g_test_skip("there is no such server on this machine");
}

#define ADD(name, function)                                                                  \
        do {                                                                                 \
                static const Test test = test_##function;                                    \
                                                                                             \
                g_test_add("/redis-tls/" name, Fixture, &test, set_up, run_test, tear_down); \
        } while (0)

int main(int argc, char **argv)
{
        int r;

        g_test_init(&argc, &argv, NULL);
        certificates = test_dir_new();
        test_certificates_make(certificates.path);
        ADD("server-is-reached-by-name", server_is_reached_by_name);
        ADD("server-is-reached-by-address", server_is_reached_by_address);
        ADD("much-goes-both-ways", much_goes_both_ways);
        ADD("other-ca-is-not-trusted", other_ca_is_not_trusted);
        ADD("certificate-must-be-of-the-host", certificate_must_be_of_the_host);
        ADD("client-shows-its-certificate", client_shows_its_certificate);
        ADD("client-without-a-certificate-is-refused", client_without_a_certificate_is_refused);
        ADD("missing-files-are-told", missing_files_are_told);
        ADD("plain-server-is-recognised", plain_server_is_recognised);
        ADD("server-that-is-silent-is-given-up", server_that_is_silent_is_given_up);
        ADD("certificate-and-key-belong-together", certificate_and_key_belong_together);
        r = g_test_run();
        test_dir_done(&certificates);
        return r;
}

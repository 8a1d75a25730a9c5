/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-url.h"

#include <glib.h>
#include <string.h>

typedef struct Good {
        const char *text;
        RedisTransport transport;
        const char *place; /* host or path */
        unsigned port, db;
        const char *user, *password;
        const char *shown;
} Good;

#define TCP REDIS_TRANSPORT_TCP
#define TLS REDIS_TRANSPORT_TLS
#define UNIX REDIS_TRANSPORT_UNIX

static const Good good[] = {
        { "redis://localhost:6379/0", TCP, "localhost", 6379, 0, NULL, NULL, "redis://localhost:6379/0" },
        { "redis://", TCP, "localhost", 6379, 0, NULL, NULL, "redis://localhost:6379/0" },
        { "redis:///3", TCP, "localhost", 6379, 3, NULL, NULL, "redis://localhost:6379/3" },
        { "REDIS://h", TCP, "h", 6379, 0, NULL, NULL, "redis://h:6379/0" },
        { "redis://h:/", TCP, "h", 6379, 0, NULL, NULL, "redis://h:6379/0" },
        { "redis://my_redis.svc:1/15", TCP, "my_redis.svc", 1, 15, NULL, NULL, "redis://my_redis.svc:1/15" },
        { "rediss://h:65535/2", TLS, "h", 65535, 2, NULL, NULL, "rediss://h:65535/2" },
        { "redis://user@h", TCP, "h", 6379, 0, "user", NULL, "redis://user@h:6379/0" },
        { "redis://user:secret@h", TCP, "h", 6379, 0, "user", "secret", "redis://user@h:6379/0" },
        { "redis://:secret@h", TCP, "h", 6379, 0, NULL, "secret", "redis://h:6379/0" },
        { "redis://user:@h", TCP, "h", 6379, 0, "user", NULL, "redis://user@h:6379/0" },
        { "redis://u%40x:s%2F%40%3A%23@h", TCP, "h", 6379, 0, "u@x", "s/@:#", "redis://u%40x@h:6379/0" },
        { "redis://u:a@b:c@h", TCP, "h", 6379, 0, "u", "a@b:c", "redis://u@h:6379/0" },
        { "redis://[::1]", TCP, "::1", 6379, 0, NULL, NULL, "redis://[::1]:6379/0" },
        { "redis://u:p@[fd00::7]:7000/1", TCP, "fd00::7", 7000, 1, "u", "p", "redis://u@[fd00::7]:7000/1" },
        { "redis://[fe80::1%25eth0]:1", TCP, "fe80::1%eth0", 1, 0, NULL, NULL,
                "redis://[fe80::1%25eth0]:1/0" },
        { "redis://[fe80::1%eth0]:1", TCP, "fe80::1%eth0", 1, 0, NULL, NULL,
                "redis://[fe80::1%25eth0]:1/0" },
        { "redis://h/0?db=4", TCP, "h", 6379, 4, NULL, NULL, "redis://h:6379/4" },
        { "redis://h?password=p%26q&db=5", TCP, "h", 6379, 5, NULL, "p&q", "redis://h:6379/5" },
        { "redis://h?", TCP, "h", 6379, 0, NULL, NULL, "redis://h:6379/0" },
        { "unix:///run/redis.sock", UNIX, "/run/redis.sock", 0, 0, NULL, NULL,
                "unix:///run/redis.sock?db=0" },
        { "unix:///run/redis.sock?db=2", UNIX, "/run/redis.sock", 0, 2, NULL, NULL,
                "unix:///run/redis.sock?db=2" },
        { "unix://u:p@/run/a%20b", UNIX, "/run/a b", 0, 0, "u", "p", "unix://u@/run/a%20b?db=0" },
};

static void test_urls_are_read(void)
{
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                const Good *g = &good[i];
                _cleanup_(redis_url_freep) RedisUrl *url = NULL;
                _cleanup_fault_ Fault fault = FAULT_INIT;

                g_test_message("%s", g->text);
                g_assert_cmpint(redis_url_parse(g->text, &url, &fault), ==, 0);
                g_assert_cmpint(url->transport, ==, g->transport);
                g_assert_cmpstr(g->transport == UNIX ? url->path : url->host, ==, g->place);
                g_assert_cmpuint(url->port, ==, g->port);
                g_assert_cmpuint(url->db, ==, g->db);
                g_assert_cmpstr(url->user, ==, g->user);
                g_assert_cmpstr(url->password, ==, g->password);
                g_assert_cmpstr(url->shown, ==, g->shown);
        }
}

static void test_what_is_shown_is_read_as_the_same(void)
{
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                _cleanup_(redis_url_freep) RedisUrl *again = NULL;
                _cleanup_fault_ Fault fault = FAULT_INIT;

                g_assert_cmpint(redis_url_parse(good[i].shown, &again, &fault), ==, 0);
                g_assert_cmpstr(again->shown, ==, good[i].shown);
                g_assert_cmpstr(again->user, ==, good[i].user);
                g_assert_null(again->password);
        }
}

static void expect_refused(const char *text, const char *why)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        RedisUrl *url = NULL;

        g_test_message("%.80s", text);
        g_assert_cmpint(redis_url_parse(text, &url, &fault), ==, -EINVAL);
        g_assert_null(url);
        g_assert_cmpint(fault.kind, ==, FAULT_INVALID_ARGS);
        g_assert_nonnull(strstr(fault_text(&fault), why));
        g_assert_null(strstr(fault_text(&fault), "secret"));
}

static void test_wrong_urls_are_refused_with_what_is_wrong(void)
{
        static const struct {
                const char *text, *why;
        } bad[] = {
                { "", "no scheme" },
                { "localhost:6379", "no scheme" },
                { "http://h", "no scheme" },
                { "secret", "no scheme" },
                { "redis://h:0", "port" },
                { "redis://h:65536", "port" },
                { "redis://h:+1", "port" },
                { "redis://h:6379x", "port" },
                { "redis://user:secret/x@h", "port" },
                { "redis://h/x", "database" },
                { "redis://h/-1", "database" },
                { "redis://h/1/2", "database" },
                { "redis://h?db=", "database" },
                { "redis://h?ssl_cert_reqs=none", "option" },
                { "redis://a b", "blank" },
                { "redis://h\n", "blank" },
                { "redis://h#0", "%23" },
                { "redis://:se#cret@h", "%23" },
                { "redis://::1", "brackets" },
                { "redis://fd00::1:6379", "brackets" },
                { "redis://h\xc3\xa4", "host" },
                { "redis://[::1", "IPv6" },
                { "redis://[h]", "IPv6" },
                { "redis://[::1]6379", "port" },
                { "redis://[::1%]:1", "IPv6" },
                { "redis://u:%zzsecret@h", "password" },
                { "redis://u:%00secret@h", "password" },
                { "redis://%00@h", "user" },
                { "redis://%ff@h", "user" },
                { "unix://", "path" },
                { "unix://run/redis.sock", "path" },
                { "unix://secret@run/redis.sock", "path" },
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                expect_refused(bad[i].text, bad[i].why);
}

static void test_sentinel_and_cluster_are_refused_by_name(void)
{
        expect_refused("redis+sentinel://:secret@h:26379/0/mymaster", "Sentinel");
        expect_refused("rediss+sentinel://h", "Sentinel");
        expect_refused("sentinel://h", "Sentinel");
        expect_refused("redis+cluster://h", "Cluster");
}

static void test_long_urls_are_refused(void)
{
        g_autofree char *name = g_strnfill(5000, 'a'), *url = g_strconcat("redis://", name, NULL);
        g_autofree char *path = g_strnfill(108, 'a'), *socket = g_strconcat("unix:///", path, NULL);

        expect_refused(url, "too long");
        name[254] = '\0';
        g_free(url);
        url = g_strconcat("redis://", name, NULL);
        expect_refused(url, "host");
        expect_refused(socket, "too long");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/redis-url/urls-are-read", test_urls_are_read);
        g_test_add_func(
                "/redis-url/what-is-shown-is-read-as-the-same", test_what_is_shown_is_read_as_the_same);
        g_test_add_func("/redis-url/wrong-urls-are-refused-with-what-is-wrong",
                test_wrong_urls_are_refused_with_what_is_wrong);
        g_test_add_func("/redis-url/sentinel-and-cluster-are-refused-by-name",
                test_sentinel_and_cluster_are_refused_by_name);
        g_test_add_func("/redis-url/long-urls-are-refused", test_long_urls_are_refused);
        return g_test_run();
}

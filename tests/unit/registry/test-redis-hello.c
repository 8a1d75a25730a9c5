/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-hello.h"

#include <glib.h>
#include <string.h>

static RedisUrl *url_of(const char *text)
{
        RedisUrl *url = NULL;

        g_assert_cmpint(redis_url_parse(text, &url, NULL), ==, 0);
        return url;
}

/* "AUTH user pass; CLIENT SETNAME ..." */
static char *what_is_said(const RedisUrl *url, const char *password)
{
        g_autoptr(GString) said = g_string_new(NULL);
        RedisWord words[REDIS_HELLO_WORDS_MAX];
        RedisHello hello;

        redis_hello_init(&hello, url, password, "name");
        for (RedisHelloStep step = 0; step < _REDIS_HELLO_STEP_MAX; step++) {
                size_t n = redis_hello_words(&hello, step, words);

                for (size_t i = 0; i < n; i++)
                        g_string_append_printf(
                                said, "%.*s%s", (int)words[i].size, words[i].data, i + 1 < n ? " " : "; ");
        }
        redis_hello_done(&hello);
        return g_string_free(g_steal_pointer(&said), FALSE);
}

static void test_what_is_said_depends_on_the_url(void)
{
#define REST                                                                                                \
        "CLIENT SETNAME name; CLIENT SETINFO LIB-NAME agenthost; CLIENT SETINFO LIB-VER " AGENTHOST_VERSION \
        "; "
        static const struct {
                const char *url, *password, *said;
        } cases[] = {
                { "redis://h", NULL, REST "INFO; " },
                { "redis://h/5", NULL, REST "SELECT 5; INFO; " },
                { "redis://h", "p w", "AUTH p w; " REST "INFO; " },
                { "redis://u@h/1", "pw", "AUTH u pw; " REST "SELECT 1; INFO; " },
                { "redis://u@h", NULL, REST "INFO; " },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(redis_url_freep) RedisUrl *url = url_of(cases[i].url);
                g_autofree char *said = what_is_said(url, cases[i].password);

                g_assert_cmpstr(said, ==, cases[i].said);
        }
}

static redisReply text_reply(int type, const char *text)
{
        return (redisReply){ .type = type, .str = (char *)text, .len = strlen(text) };
}

/* With a password and a database: six answers. error: that of this step, the others are fine. */
static int judge(const char *info,
        RedisHelloStep step,
        const char *error,
        RedisServer *server,
        bool *lasting,
        char **ret_text)
{
        _cleanup_(redis_url_freep) RedisUrl *url = url_of("redis://h/1");
        _cleanup_fault_ Fault fault = FAULT_INIT;
        RedisHello hello;
        int r;

        redis_hello_init(&hello, url, "pw", "name");
        for (RedisHelloStep s = 0; s < _REDIS_HELLO_STEP_MAX; s++) {
                redisReply reply = error && s == step ? text_reply(REDIS_REPLY_ERROR, error)
                        : s == REDIS_HELLO_INFO       ? text_reply(REDIS_REPLY_STRING, info)
                                                      : text_reply(REDIS_REPLY_STATUS, "OK");

                g_assert_true(redis_hello_take(&hello, &reply) == (s == REDIS_HELLO_INFO));
        }
        r = redis_hello_judge(&hello, server, lasting, &fault);
        *ret_text = r < 0 ? g_strdup(fault_text(&fault)) : NULL;
        redis_hello_done(&hello);
        return r;
}

static void test_servers_are_told_apart(void)
{
        static const struct {
                const char *info, *refused, *product, *version, *eviction;
                bool lasting;
        } cases[] = {
                { "", NULL, "Redis", "", "", false },
                { "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n", NULL, "Redis", "7.0.15",
                        "", false },
                { "redis_version:7.2.4\r\nvalkey_version:8.1.1\r\n", NULL, "Valkey", "8.1.1", "", false },
                { "maxmemory:1000\r\nmaxmemory_policy:volatile-ttl\r\n", NULL, "Redis", "", "volatile-ttl",
                        false },
                { "maxmemory:1000\r\nmaxmemory_policy:noeviction\r\n", NULL, "Redis", "", "", false },
                { "maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", NULL, "Redis", "", "", false },
                { "role:master\r\nloading:0\r\ncluster_enabled:0\r\n", NULL, "Redis", "", "", false },
                { "role:slave\r\nslave_read_only:0\r\n", NULL, "Redis", "", "", false },
                { "role:slave\r\nslave_read_only:1\r\nmaster_host:a\r\nmaster_port:7\r\n", "of a port 7",
                        NULL, NULL, NULL, false },
                { "loading:1\r\n", "loading its data", NULL, NULL, NULL, false },
                { "redis_mode:cluster\r\n", "Cluster", NULL, NULL, NULL, true },
                { "cluster_enabled:1\r\n", "Cluster", NULL, NULL, NULL, true },
                { "redis_mode:sentinel\r\n", "Sentinel", NULL, NULL, NULL, true },
                { "xredis_mode:sentinel\r\nredis_modex:cluster\r\n", NULL, "Redis", "", "", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *text = NULL;
                RedisServer server;
                bool lasting;
                int r = judge(cases[i].info, 0, NULL, &server, &lasting, &text);

                g_assert_cmpint(r, ==, cases[i].refused ? -ENOTCONN : 0);
                g_assert_true(lasting == cases[i].lasting);
                if (cases[i].refused)
                        g_assert_nonnull(strstr(text, cases[i].refused));
                else {
                        g_assert_cmpstr(server.product, ==, cases[i].product);
                        g_assert_cmpstr(server.version, ==, cases[i].version);
                        g_assert_cmpstr(server.eviction, ==, cases[i].eviction);
                }
        }
}

static void test_only_errors_that_matter_are_refusals(void)
{
        static const struct {
                RedisHelloStep step;
                const char *error, *refused;
                bool lasting;
        } cases[] = {
                { REDIS_HELLO_AUTH, "WRONGPASS no", "does not accept our user", true },
                { REDIS_HELLO_AUTH, "ERR AUTH <password> called without any password", "it has none", true },
                { REDIS_HELLO_AUTH, "ERR something new", "it answers: ERR something new", false },
                { REDIS_HELLO_NAME, "ERR unknown command", NULL, false },
                { REDIS_HELLO_NAME, "NOPERM no", NULL, false },
                { REDIS_HELLO_NAME, "ERR max number of clients reached", "maxclients", false },
                { REDIS_HELLO_LIBRARY, "ERR unknown subcommand", NULL, false },
                { REDIS_HELLO_SELECT, "ERR DB index is out of range", "no database of that number", true },
                { REDIS_HELLO_SELECT, "NOPERM no", "ACL", true },
                { REDIS_HELLO_INFO, "NOPERM no", NULL, false },
                { REDIS_HELLO_INFO, "NOAUTH no", "wants a password", true },
                { REDIS_HELLO_INFO, "LOADING no", "loading", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *text = NULL;
                RedisServer server;
                bool lasting;
                int r = judge("role:master\r\n", cases[i].step, cases[i].error, &server, &lasting, &text);

                g_assert_cmpint(r, ==, cases[i].refused ? -ENOTCONN : 0);
                g_assert_true(lasting == cases[i].lasting);
                if (cases[i].refused)
                        g_assert_nonnull(strstr(text, cases[i].refused));
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func(
                "/redis-hello/what-is-said-depends-on-the-url", test_what_is_said_depends_on_the_url);
        g_test_add_func("/redis-hello/servers-are-told-apart", test_servers_are_told_apart);
        g_test_add_func("/redis-hello/only-errors-that-matter-are-refusals",
                test_only_errors_that_matter_are_refusals);
        return g_test_run();
}

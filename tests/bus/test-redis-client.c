/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client against servers that are there, and against those that are away, hang, refuse, or are none. */

#include "redis-client.h"

#include <string.h>

#include "fake-redis.h"
#include "redis-error.h"
#include "test-dir.h"
#include "test-redis.h"
#include "test-until.h"
#include "time-util.h"

/* For servers that hang on purpose. */
#define SHORT_USEC (200 * USEC_PER_MSEC)

typedef struct Fixture {
        sd_event *event;
        TestRedis *redis;
        FakeRedis *fake;
        RedisClient *client;
        RedisServer server;
        unsigned n_ready, n_away, n_replies, n_faults;
        char *why; /* of the last time that it was away */
        char *last_reply;
} Fixture;

static void on_ready(const RedisServer *server, void *userdata)
{
        Fixture *f = userdata;

        f->server = *server;
        f->n_ready++;
}

static void on_away(const Fault *why, void *userdata)
{
        Fixture *f = userdata;

        g_assert_cmpint(why->kind, ==, FAULT_REGISTRY_UNAVAILABLE);
        g_free(f->why);
        f->why = g_strdup(fault_text(why));
        f->n_away++;
}

static void on_drained(void *userdata)
{
        (void)userdata;
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
        g_clear_pointer(&f->fake, fake_redis_free);
        g_free(f->why);
        g_free(f->last_reply);
        sd_event_unref(f->event);
}

static bool start_redis(Fixture *f, const char *const *options)
{
        if (!test_redis_is_there()) {
                g_test_skip("there is no such server on this machine");
                return false;
        }
        f->redis = test_redis_new(options);
        return true;
}

static void start_client_with(Fixture *f, const char *url, RedisClientSettings settings)
{
        static const RedisClientHandlers handlers = {
                .ready = on_ready,
                .away = on_away,
                .drained = on_drained,
        };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        g_assert_cmpint(redis_url_parse(url, &settings.url, &fault), ==, 0);
        settings.client_name = "agenthost:host-1";
        settings.backoff_last_usec = SHORT_USEC;
        g_assert_cmpint(redis_client_new(f->event, &settings, &handlers, f, &f->client, &fault), ==, 0);
}

static void start_client(Fixture *f, const char *url)
{
        start_client_with(f, url, (RedisClientSettings){ 0 });
}

static void expect_away(Fixture *f, const char *why)
{
        unsigned before = f->n_away;

        run_until(f, f->n_away > before);
        g_test_message("%s", f->why);
        g_assert_false(redis_client_is_ready(f->client));
        g_assert_nonnull(strstr(f->why, why));
        g_assert_true(g_str_has_prefix(f->why, "Redis at "));
        g_assert_null(strstr(f->why, "secret"));
}

static void on_reply(const redisReply *reply, const Fault *fault, void *userdata)
{
        Fixture *f = userdata;

        g_assert_true((reply == NULL) != (fault == NULL));
        g_free(f->last_reply);
        if (reply) {
                f->n_replies++;
                f->last_reply = reply->type == REDIS_REPLY_INTEGER ? g_strdup_printf("%lld", reply->integer)
                                                                   : g_strdup(reply->str);
        } else {
                f->n_faults++;
                f->last_reply = g_strdup(fault_text(fault));
        }
}

static int send_words(Fixture *f, const char *const *texts, Fault *fault)
{
        RedisWord words[8];
        size_t n = 0;

        for (; texts[n]; n++)
                words[n] = (RedisWord){ texts[n], strlen(texts[n]) };
        return redis_client_send(f->client, words, n, on_reply, f, fault);
}

#define SEND(f, ...) g_assert_cmpint(send_words(f, (const char *[]){ __VA_ARGS__, NULL }, NULL), ==, 0)

static void expect_works(Fixture *f)
{
        unsigned before = f->n_replies;

        SEND(f, "ECHO", "hello");
        run_until(f, f->n_replies > before);
        g_assert_cmpstr(f->last_reply, ==, "hello");
}

static void start_both(Fixture *f)
{
        g_autofree char *url = test_redis_url(f->redis);

        start_client(f, url);
        run_until(f, f->n_ready == 1);
}

/* -- Servers that are there -- */

static void test_server_is_reached_by_its_socket(Fixture *f, const void *data)
{
        (void)data;

        if (!start_redis(f, NULL))
                return;
        start_both(f);
        g_assert_cmpuint(f->n_away, ==, 0);
        g_assert_true(g_str_has_prefix(g_getenv("AGENTHOST_TEST_REDIS"), "valkey") ==
                (strcmp(f->server.product, "Valkey") == 0));
        g_assert_cmpstr(f->server.version, !=, "");
        g_assert_cmpstr(f->server.eviction, ==, "");
        expect_works(f);
}

static void test_server_is_reached_by_name_address_and_port(Fixture *f, const void *data)
{
        static const char *const hosts[] = { "127.0.0.1", "localhost" };

        (void)data;

        if (!start_redis(f, NULL))
                return;
        for (size_t i = 0; i < ELEMENTSOF(hosts); i++) {
                g_autofree char *url = g_strdup_printf("redis://%s:%u", hosts[i], test_redis_port(f->redis));

                start_client(f, url);
                run_until(f, f->n_ready == i + 1);
                expect_works(f);
                f->client = redis_client_free(f->client);
        }
}

static void test_client_says_who_it_is(Fixture *f, const void *data)
{
        g_autofree char *clients = NULL;

        (void)data;

        if (!start_redis(f, NULL))
                return;
        start_both(f);
        clients = test_redis_ask(f->redis, "CLIENT LIST");
        g_assert_nonnull(strstr(clients, "name=agenthost:host-1 "));
}

static void test_database_is_selected(Fixture *f, const void *data)
{
        g_autofree char *url = NULL, *found = NULL;

        (void)data;

        if (!start_redis(f, NULL))
                return;
        url = g_strdup_printf("redis://127.0.0.1:%u/3", test_redis_port(f->redis));
        start_client(f, url);
        run_until(f, f->n_ready == 1);
        SEND(f, "SET", "a", "b");
        run_until(f, f->n_replies == 1);
        g_free(test_redis_ask(f->redis, "SELECT 3"));
        found = test_redis_ask(f->redis, "GET a");
        g_assert_cmpstr(found, ==, "b");
}

static void test_database_that_is_not_there_is_told(Fixture *f, const void *data)
{
        g_autofree char *url = NULL;

        (void)data;

        if (!start_redis(f, NULL))
                return;
        url = g_strdup_printf("redis://127.0.0.1:%u/99", test_redis_port(f->redis));
        start_client(f, url);
        expect_away(f, "no database of that number");
}

static void on_counted(const redisReply *reply, const Fault *fault, void *userdata)
{
        Fixture *f = userdata;

        g_assert_null(fault);
        g_assert_cmpint(reply->integer, ==, ++f->n_replies);
}

static void test_answers_come_in_the_order_of_the_commands(Fixture *f, const void *data)
{
        static const RedisWord words[] = { { "INCR", 4 }, { "n", 1 } };

        (void)data;

        if (!start_redis(f, NULL))
                return;
        start_both(f);
        for (unsigned i = 0; i < 1000; i++)
                g_assert_cmpint(redis_client_send(f->client, words, 2, on_counted, f, NULL), ==, 0);
        run_until(f, f->n_replies == 1000);
}

static void test_commands_are_bounded_in_number(Fixture *f, const void *data)
{
        static const RedisWord words[] = { { "INCR", 4 }, { "n", 1 } };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        (void)data;

        if (!start_redis(f, NULL))
                return;
        start_both(f);
        for (unsigned i = 0; i < REDIS_CALLS_MAX; i++) {
                g_assert_true(redis_client_has_room(f->client) == (i < REDIS_BULK_CALLS_MAX));
                g_assert_cmpint(redis_client_send(f->client, words, 2, on_counted, f, NULL), ==, 0);
        }
        g_assert_cmpint(redis_client_send(f->client, words, 2, on_counted, f, &fault), <, 0);
        g_assert_cmpint(fault.kind, ==, FAULT_REGISTRY_UNAVAILABLE);
        run_until(f, f->n_replies == REDIS_CALLS_MAX);
        g_assert_cmpint(redis_client_send(f->client, words, 2, on_counted, f, NULL), ==, 0);
        run_until(f, f->n_replies == REDIS_CALLS_MAX + 1);
}

static void on_never(const redisReply *reply, const Fault *fault, void *userdata)
{
        (void)reply;
        (void)fault;
        (void)userdata;

        g_assert_not_reached();
}

static void test_forgotten_command_is_not_answered(Fixture *f, const void *data)
{
        static const RedisWord words[] = { { "PING", 4 } };
        int token;

        (void)data;

        if (!start_redis(f, NULL))
                return;
        start_both(f);
        g_assert_cmpint(redis_client_send(f->client, words, 1, on_never, &token, NULL), ==, 0);
        redis_client_forget(f->client, &token);
        expect_works(f);
}

static void test_large_values_are_taken(Fixture *f, const void *data)
{
        g_autofree char *large = g_strnfill(1024 * 1024, 'x');

        (void)data;

        if (!start_redis(f, NULL))
                return;
        start_both(f);
        SEND(f, "SET", "a", large);
        SEND(f, "GET", "a");
        run_until(f, f->n_replies == 2);
        g_assert_cmpstr(f->last_reply, ==, large);
        expect_works(f);
}

/* -- Servers that are away -- */

static void test_server_that_is_down_is_told_and_reached_later(Fixture *f, const void *data)
{
        g_autofree char *url = NULL;

        (void)data;

        if (!start_redis(f, NULL))
                return;
        url = test_redis_tcp_url(f->redis);
        test_redis_stop(f->redis);
        start_client(f, url);
        expect_away(f, "Connection refused");
        expect_away(f, "Connection refused");
        test_redis_start(f->redis, NULL);
        run_until(f, f->n_ready == 1);
        expect_works(f);
}

static void test_socket_that_is_not_there_is_told(Fixture *f, const void *data)
{
        (void)data;

        start_client(f, "unix:///nowhere/redis.sock");
        expect_away(f, "No such file");
}

static void test_name_that_does_not_exist_is_told(Fixture *f, const void *data)
{
        (void)data;

        start_client(f, "redis://no-such-host.invalid");
        expect_away(f, "'no-such-host.invalid' cannot be resolved");
}

static void test_client_can_be_freed_while_a_name_is_looked_up(Fixture *f, const void *data)
{
        (void)data;

        for (int i = 0; i < 20; i++) {
                start_client(f, "redis://no-such-host.invalid");
                g_assert_cmpint(sd_event_run(f->event, UINT64_MAX), >=, 0);
                f->client = redis_client_free(f->client);
        }
}

static void test_commands_to_a_server_that_dies_are_answered(Fixture *f, const void *data)
{
        (void)data;

        if (!start_redis(f, NULL))
                return;
        start_both(f);
        test_redis_pause(f->redis);
        for (int i = 0; i < 100; i++)
                SEND(f, "PING");
        g_assert_cmpint(sd_event_run(f->event, UINT64_MAX), >=, 0);
        test_redis_stop(f->redis);
        run_until(f, f->n_away == 1);
        g_assert_cmpuint(f->n_faults, ==, 100);
        g_assert_cmpint(send_words(f, (const char *[]){ "PING", NULL }, NULL), <, 0);
        test_redis_start(f->redis, NULL);
        run_until(f, f->n_ready == 2);
        expect_works(f);
}

static void test_server_that_hangs_is_given_up(Fixture *f, const void *data)
{
        g_autofree char *url = NULL;

        (void)data;

        if (!start_redis(f, NULL))
                return;
        url = test_redis_url(f->redis);
        start_client_with(f, url,
                (RedisClientSettings){ .command_limit_usec = SHORT_USEC, .attempt_limit_usec = SHORT_USEC });
        run_until(f, f->n_ready == 1);
        test_redis_pause(f->redis);
        SEND(f, "PING");
        expect_away(f, "has not answered for 200ms");
        g_assert_cmpuint(f->n_faults, ==, 1);
        expect_away(f, "lets us connect, but does not answer");
        test_redis_resume(f->redis);
        run_until(f, f->n_ready == 2);
        expect_works(f);
}

static void test_idle_server_that_hangs_is_noticed(Fixture *f, const void *data)
{
        g_autofree char *url = NULL;

        (void)data;

        if (!start_redis(f, NULL))
                return;
        url = test_redis_url(f->redis);
        start_client_with(
                f, url, (RedisClientSettings){ .command_limit_usec = SHORT_USEC, .idle_usec = SHORT_USEC });
        run_until(f, f->n_ready == 1);
        test_redis_pause(f->redis);
        expect_away(f, "has not answered");
}

/* -- Servers that refuse -- */

static void test_wrong_password_is_told_and_a_new_one_counts(Fixture *f, const void *data)
{
        const char *const options[] = { "--requirepass", "right", NULL };
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *path = test_dir_write(&dir, "password", "wrong\n", -1), *url = NULL;

        (void)data;

        if (!start_redis(f, options))
                return;
        url = test_redis_url(f->redis);
        start_client_with(f, url, (RedisClientSettings){ .password_file = path });
        expect_away(f, "does not accept our user and password");
        test_dir_put(&dir, "password", "right\n");
        run_until(f, f->n_ready == 1);
        expect_works(f);
}

static void test_missing_password_is_told(Fixture *f, const void *data)
{
        const char *const options[] = { "--requirepass", "secret", NULL };
        g_autofree char *url = NULL;

        (void)data;

        if (!start_redis(f, options))
                return;
        url = test_redis_url(f->redis);
        start_client(f, url);
        expect_away(f, "it wants a password");
}

static void test_password_file_that_is_not_there_is_told(Fixture *f, const void *data)
{
        (void)data;

        start_client_with(
                f, "unix:///nowhere", (RedisClientSettings){ .password_file = "/nowhere/password" });
        expect_away(f, "RedisPasswordFile= /nowhere/password: No such file");
}

static void test_password_is_taken_from_the_credential(Fixture *f, const void *data)
{
        const char *const options[] = { "--requirepass", "right", NULL };
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *url = NULL;

        (void)data;

        if (!start_redis(f, options))
                return;
        test_dir_put(&dir, "redis-password", "right");
        g_setenv("CREDENTIALS_DIRECTORY", dir.path, TRUE);
        url = test_redis_url(f->redis);
        start_client(f, url);
        run_until(f, f->n_ready == 1);
        g_unsetenv("CREDENTIALS_DIRECTORY");
}

static void test_user_of_an_acl_is_let_in(Fixture *f, const void *data)
{
        g_autofree char *url = NULL, *wrong = NULL;

        (void)data;

        if (!start_redis(f, NULL))
                return;
        g_free(test_redis_ask(f->redis, "ACL SETUSER node on >right ~agent_location:* +get +ping"));
        url = g_strdup_printf("redis://node:right@127.0.0.1:%u", test_redis_port(f->redis));
        start_client(f, url);
        run_until(f, f->n_ready == 1);
        SEND(f, "GET", "agent_location:a");
        SEND(f, "GET", "other");
        run_until(f, f->n_replies == 2);
        g_assert_true(g_str_has_prefix(f->last_reply, "NOPERM"));
        f->client = redis_client_free(f->client);

        wrong = g_strdup_printf("redis://node:secret@127.0.0.1:%u", test_redis_port(f->redis));
        start_client(f, wrong);
        expect_away(f, "does not accept our user and password");
}

/* The test's own connection is the only one that it takes. */
static void test_server_with_too_many_clients_is_told(Fixture *f, const void *data)
{
        const char *const options[] = { "--maxclients", "1", NULL };
        g_autofree char *url = NULL;

        (void)data;

        if (!start_redis(f, options))
                return;
        url = test_redis_tcp_url(f->redis);
        start_client(f, url);
        expect_away(f, "maxclients");
        g_free(test_redis_ask(f->redis, "CONFIG SET maxclients 10"));
        run_until(f, f->n_ready == 1);
        expect_works(f);
}

static void test_replica_is_refused_until_it_is_the_primary(Fixture *f, const void *data)
{
        g_autofree char *url = NULL, *port = g_strdup_printf("%u", test_free_port());

        (void)data;

        if (!start_redis(f, NULL))
                return;
        g_free(test_redis_ask(f->redis, "REPLICAOF 127.0.0.1 %s", port));
        url = test_redis_url(f->redis);
        start_client(f, url);
        expect_away(f, "read-only replica of 127.0.0.1");
        g_assert_nonnull(strstr(f->why, port));
        g_free(test_redis_ask(f->redis, "REPLICAOF NO ONE"));
        run_until(f, f->n_ready == 1);
}

static void test_primary_that_becomes_a_replica_is_left(Fixture *f, const void *data)
{
        (void)data;

        if (!start_redis(f, NULL))
                return;
        start_both(f);
        g_free(test_redis_ask(f->redis, "REPLICAOF 127.0.0.1 %u", test_free_port()));
        SEND(f, "SET", "a", "b");
        expect_away(f, "read-only replica");
        g_assert_cmpuint(f->n_replies, ==, 1);
}

static void test_cluster_is_refused(Fixture *f, const void *data)
{
        g_autofree char *port = g_strdup_printf("%u", test_free_port()), *url = NULL;
        const char *const options[] = { "--cluster-enabled", "yes", "--cluster-port", port, NULL };

        (void)data;

        if (!start_redis(f, options))
                return;
        url = test_redis_url(f->redis);
        start_client(f, url);
        expect_away(f, "belongs to a Redis Cluster, which is not supported yet");
}

/* Each of its keys takes a while. */
static void test_server_that_reads_what_it_has_saved_is_waited_for(Fixture *f, const void *data)
{
        const char *const options[] = { "--enable-debug-command", "yes", NULL };
        const char *const slow[] = { "--key-load-delay", "500", "--loading-process-events-interval-bytes",
                "1024", NULL };
        g_autofree char *url = NULL;

        (void)data;

        if (!start_redis(f, options))
                return;
        g_free(test_redis_ask(f->redis, "DEBUG POPULATE 4000"));
        g_free(test_redis_ask(f->redis, "SAVE"));
        test_redis_stop(f->redis);
        test_redis_start_loading(f->redis, slow);
        url = test_redis_url(f->redis);
        start_client(f, url);
        expect_away(f, "it is loading its data");
        run_until(f, f->n_ready == 1);
        expect_works(f);
}

static void test_eviction_is_noticed(Fixture *f, const void *data)
{
        const char *const options[] = { "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru", NULL };

        (void)data;

        if (!start_redis(f, options))
                return;
        start_both(f);
        g_assert_cmpstr(f->server.eviction, ==, "allkeys-lru");
}

/* -- What is no Redis server, or a bad one -- */

static void start_fake(Fixture *f, FakeHabit habit, const char *answer)
{
        g_autofree char *url = NULL;

        f->fake = fake_redis_new(f->event, habit, answer);
        url = fake_redis_url(f->fake);
        start_client_with(f, url,
                (RedisClientSettings){ .command_limit_usec = SHORT_USEC, .attempt_limit_usec = SHORT_USEC });
}

static void start_fake_with_info(Fixture *f, const char *info)
{
        g_autofree char *greeting = fake_greeting(info);

        start_fake(f, FAKE_ANSWERS, greeting);
}

static void test_sentinel_is_refused(Fixture *f, const void *data)
{
        (void)data;

        start_fake_with_info(f, "redis_version:7.0.15\r\nredis_mode:sentinel\r\n");
        expect_away(f, "it is a Sentinel, which is not supported yet");
}

static void test_server_that_loads_its_data_is_told(Fixture *f, const void *data)
{
        (void)data;

        start_fake_with_info(f, "redis_mode:standalone\r\nrole:master\r\nloading:1\r\n");
        expect_away(f, "it is loading its data");
        g_free(f->fake->answer->str);
        f->fake->answer->str = fake_greeting("redis_mode:standalone\r\nrole:master\r\nloading:0\r\n");
        f->fake->answer->len = strlen(f->fake->answer->str);
        run_until(f, f->n_ready == 1);
}

static void test_server_without_info_is_taken(Fixture *f, const void *data)
{
        (void)data;

        start_fake(f, FAKE_ANSWERS, "+OK\r\n-NOPERM no\r\n-NOPERM no\r\n-NOPERM no\r\n");
        run_until(f, f->n_ready == 1);
        g_assert_cmpstr(f->server.version, ==, "");
}

static void test_silent_server_is_given_up(Fixture *f, const void *data)
{
        (void)data;

        start_fake(f, FAKE_IS_SILENT, NULL);
        expect_away(f, "lets us connect, but does not answer");
}

static void test_other_protocols_are_recognised(Fixture *f, const void *data)
{
        (void)data;

        start_fake(f, FAKE_ANSWERS, "HTTP/1.1 400 Bad Request\r\n\r\n");
        expect_away(f, "not Redis's protocol");
        expect_away(f, "not Redis's protocol");
}

static void test_reply_that_is_cut_off_is_told(Fixture *f, const void *data)
{
        (void)data;

        start_fake(f, FAKE_ANSWERS_AND_CLOSES, "+OK\r\n+OK\r\n+OK\r\n$100\r\nredis_ver");
        expect_away(f, "closed the connection");
        expect_away(f, "closed the connection");
}

static void test_refusal_before_the_end_is_what_counts(Fixture *f, const void *data)
{
        (void)data;

        start_fake(f, FAKE_ANSWERS_AND_CLOSES, "-ERR max number of clients reached\r\n");
        expect_away(f, "maxclients");
}

static void test_answer_that_nobody_asked_for_is_an_end(Fixture *f, const void *data)
{
        g_autofree char *greeting = fake_greeting("role:master\r\n");

        (void)data;

        start_fake(f, FAKE_ANSWERS, greeting);
        run_until(f, f->n_ready == 1);
        fake_redis_say(f->fake, "+surprise\r\n");
        expect_away(f, "nobody has asked for");
        run_until(f, f->n_ready == 2);
        fake_redis_say(f->fake, "-ERR you are idle\r\n");
        expect_away(f, "you are idle");
}

static void test_monstrous_replies_are_refused(Fixture *f, const void *data)
{
        static const char *const monsters[] = {
                "*2147483647\r\n",
                "*5000000\r\n",
                "$-7\r\n",
                "*-7\r\n",
                ":99999999999999999999\r\n",
                "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
        };
        g_autofree char *greeting = fake_greeting("role:master\r\n");

        (void)data;

        start_fake(f, FAKE_ANSWERS, greeting);
        for (unsigned i = 0; i < ELEMENTSOF(monsters); i++) {
                run_until(f, f->n_ready == i + 1);
                fake_redis_say(f->fake, monsters[i]);
                expect_away(f, "not Redis's protocol");
        }
}

static void test_what_a_server_says_is_made_printable(Fixture *f, const void *data)
{
        (void)data;

        start_fake(f, FAKE_SPEAKS_FIRST, "-LOADING \033[31m\xff\xfe red\r\n");
        expect_away(f, "loading");
        g_assert_true(g_utf8_validate(f->why, -1, NULL));
        for (const char *p = f->why; *p; p++)
                g_assert_false(g_ascii_iscntrl(*p));
}

static void test_attempts_become_rarer(Fixture *f, const void *data)
{
        uint64_t begun = now_usec(CLOCK_MONOTONIC);
        RedisClientSettings settings = { 0 };
        static const RedisClientHandlers handlers = {
                .ready = on_ready,
                .away = on_away,
                .drained = on_drained,
        };

        (void)data;

        g_assert_cmpint(redis_url_parse("unix:///nowhere", &settings.url, NULL), ==, 0);
        settings.client_name = "agenthost:host-1";
        g_assert_cmpint(redis_client_new(f->event, &settings, &handlers, f, &f->client, NULL), ==, 0);
        run_until(f, f->n_away == 4);
        /* Each wait is a tenth of a second at least. */
        g_assert_cmpuint(now_usec(CLOCK_MONOTONIC) - begun, >=, 300 * USEC_PER_MSEC);
}

#define ADD(name, function) \
        g_test_add("/redis-client/" name, Fixture, NULL, set_up, test_##function, tear_down)

static void add_servers_that_are_there(void)
{
        ADD("server-is-reached-by-its-socket", server_is_reached_by_its_socket);
        ADD("server-is-reached-by-name-address-and-port", server_is_reached_by_name_address_and_port);
        ADD("client-says-who-it-is", client_says_who_it_is);
        ADD("database-is-selected", database_is_selected);
        ADD("database-that-is-not-there-is-told", database_that_is_not_there_is_told);
        ADD("answers-come-in-the-order-of-the-commands", answers_come_in_the_order_of_the_commands);
        ADD("commands-are-bounded-in-number", commands_are_bounded_in_number);
        ADD("forgotten-command-is-not-answered", forgotten_command_is_not_answered);
        ADD("large-values-are-taken", large_values_are_taken);
}

static void add_servers_that_are_away(void)
{
        ADD("server-that-is-down-is-told-and-reached-later", server_that_is_down_is_told_and_reached_later);
        ADD("socket-that-is-not-there-is-told", socket_that_is_not_there_is_told);
        ADD("name-that-does-not-exist-is-told", name_that_does_not_exist_is_told);
        ADD("client-can-be-freed-while-a-name-is-looked-up", client_can_be_freed_while_a_name_is_looked_up);
        ADD("commands-to-a-server-that-dies-are-answered", commands_to_a_server_that_dies_are_answered);
        ADD("server-that-hangs-is-given-up", server_that_hangs_is_given_up);
        ADD("idle-server-that-hangs-is-noticed", idle_server_that_hangs_is_noticed);
        ADD("attempts-become-rarer", attempts_become_rarer);
}

static void add_servers_that_refuse(void)
{
        ADD("wrong-password-is-told-and-a-new-one-counts", wrong_password_is_told_and_a_new_one_counts);
        ADD("missing-password-is-told", missing_password_is_told);
        ADD("password-file-that-is-not-there-is-told", password_file_that_is_not_there_is_told);
        ADD("password-is-taken-from-the-credential", password_is_taken_from_the_credential);
        ADD("user-of-an-acl-is-let-in", user_of_an_acl_is_let_in);
        ADD("server-with-too-many-clients-is-told", server_with_too_many_clients_is_told);
        ADD("replica-is-refused-until-it-is-the-primary", replica_is_refused_until_it_is_the_primary);
        ADD("primary-that-becomes-a-replica-is-left", primary_that_becomes_a_replica_is_left);
        ADD("cluster-is-refused", cluster_is_refused);
        ADD("server-that-reads-what-it-has-saved-is-waited-for",
                server_that_reads_what_it_has_saved_is_waited_for);
        ADD("eviction-is-noticed", eviction_is_noticed);
}

static void add_bad_servers(void)
{
        ADD("sentinel-is-refused", sentinel_is_refused);
        ADD("server-that-loads-its-data-is-told", server_that_loads_its_data_is_told);
        ADD("server-without-info-is-taken", server_without_info_is_taken);
        ADD("silent-server-is-given-up", silent_server_is_given_up);
        ADD("other-protocols-are-recognised", other_protocols_are_recognised);
        ADD("reply-that-is-cut-off-is-told", reply_that_is_cut_off_is_told);
        ADD("refusal-before-the-end-is-what-counts", refusal_before_the_end_is_what_counts);
        ADD("answer-that-nobody-asked-for-is-an-end", answer_that_nobody_asked_for_is_an_end);
        ADD("monstrous-replies-are-refused", monstrous_replies_are_refused);
        ADD("what-a-server-says-is-made-printable", what_a_server_says_is_made_printable);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!g_getenv("AGENTHOST_TEST_REDIS"))
                g_setenv("AGENTHOST_TEST_REDIS", "redis-server", TRUE);
        g_unsetenv("CREDENTIALS_DIRECTORY");
        add_servers_that_are_there();
        add_servers_that_are_away();
        add_servers_that_refuse();
        add_bad_servers();
        return g_test_run();
}

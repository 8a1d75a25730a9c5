/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The registry in Redis through everything that happens to a server, to its data, and to the network
 * between: agents come and go meanwhile, and in the end Redis says what is true. */

#include <string.h>

#include "log.h"
#include "redis.h"
#include "test-redis.h"
#include "test-until.h"
#include "test-wire.h"
#include "time-util.h"

#define HOST_1 "host-1:50051"
#define HOST_2 "host-2:50051"

typedef struct Node {
        struct Fixture *fixture;
        Registry *registry;
        RegistryState state;
        char *why; /* of the state */
        GHashTable *locations; /* id -> LocationState, as told */
        char *other; /* who has the id that was lost last */
        bool other_alive;
        unsigned n_lost, n_renewed;
} Node;

typedef struct Fixture {
        sd_event *event;
        TestRedis *redis;
        TestWire *wire; /* of the tests that cut it */
        Node one, two;
} Fixture;

/* What has been logged, a line each. */
static GString *logged;

static void log_to_memory(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;

        g_string_append_printf(logged, "%s\n", text);
}

static int on_limit(sd_event_source *s, uint64_t usec, void *userdata)
{
        (void)s;
        (void)usec;

        g_error("The test waits for what does not come: %s; logged:\n%s", (const char *)userdata,
                logged->str);
        return 0;
}

#define run_until_or_tell(f, condition) run_until_or(f, condition, on_limit)

static void on_location(
        const char *id, LocationState state, const RegistryConflict *conflict, void *userdata)
{
        Node *node = userdata;

        g_assert_true((conflict != NULL) == (state == LOCATION_LOST));
        g_hash_table_insert(node->locations, g_strdup(id), GINT_TO_POINTER(state));
        if (conflict) {
                g_free(node->other);
                node->other = g_strdup(conflict->address);
                node->other_alive = conflict->alive;
                node->n_lost++;
        }
}

static void on_state(RegistryState state, const Fault *why, void *userdata)
{
        Node *node = userdata;

        g_assert_true((why != NULL) == (state != REGISTRY_OK));
        node->state = state;
        g_free(node->why);
        node->why = why ? g_strdup(fault_text(why)) : NULL;
}

static void on_renewed(void *userdata)
{
        Node *node = userdata;

        g_assert_cmpint(node->state, ==, REGISTRY_OK);
        node->n_renewed++;
}

static void node_start_at(
        Node *node, const char *address, const char *url, uint64_t heartbeat_usec, uint64_t ttl_usec)
{
        static const RegistryHandlers handlers = {
                .location_changed = on_location, .state_changed = on_state, .renewed = on_renewed
        };
        const RegistrySettings settings = {
                .url = (char *)url,
                .heartbeat_usec = heartbeat_usec,
                .ttl_usec = ttl_usec,
        };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        node->state = REGISTRY_DOWN;
        node->locations = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_assert_cmpint(registry_new(node->fixture->event, &settings, address, NULL, &handlers, node,
                                &node->registry, &fault),
                ==, 0);
}

/* One that beats ten times a second, and whose entries live for a second or so. */
static void node_start(Node *node, const char *address)
{
        g_autofree char *url = test_redis_url(node->fixture->redis);

        node_start_at(node, address, url, 100 * USEC_PER_MSEC, 2 * USEC_PER_SEC);
        run_until_or_tell(node->fixture, node->state == REGISTRY_OK);
}

static void node_stop(Node *node)
{
        node->registry = registry_free(node->registry);
        g_clear_pointer(&node->locations, g_hash_table_unref);
        g_clear_pointer(&node->why, g_free);
        g_clear_pointer(&node->other, g_free);
}

static void set_up(Fixture *f, const void *data)
{
        (void)data;

        g_string_truncate(logged, 0);
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        f->one.fixture = f->two.fixture = f;
        if (test_redis_is_there())
                f->redis = test_redis_new(NULL);
        else
                g_test_skip("there is no such server on this machine");
}

static void tear_down(Fixture *f, const void *data)
{
        (void)data;

        node_stop(&f->one);
        node_stop(&f->two);
        g_clear_pointer(&f->wire, test_wire_free);
        g_clear_pointer(&f->redis, test_redis_free);
        sd_event_unref(f->event);
}

/* -- What is asked of nodes -- */

typedef struct Answer {
        bool come;
        FaultKind kind;
        char *text; /* of the fault, or an address, or ids joined */
} Answer;

static void answer_done(Answer *a)
{
        g_free(a->text);
}
#define _cleanup_answer_ _cleanup_(answer_done)

static void on_answer(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        Answer *a = userdata;

        a->come = true;
        if (fault) {
                a->kind = fault->kind;
                a->text = g_strdup(fault_text(fault));
        } else if (answer->ids)
                a->text = g_strjoinv(" ", (char **)answer->ids);
        else
                a->text = g_strdup(answer->address);
}

static void put(Node *node, const char *id)
{
        g_hash_table_insert(
                node->locations, g_strdup(id), GINT_TO_POINTER(registry_put(node->registry, id)));
}

static bool is_at(Node *node, const char *id, LocationState state)
{
        gpointer told;

        return g_hash_table_lookup_extended(node->locations, id, NULL, &told) &&
                GPOINTER_TO_INT(told) == (int)state;
}

static bool is_registered(Node *node, const char *id)
{
        return is_at(node, id, LOCATION_REGISTERED);
}

static void put_and_see(Node *node, const char *id)
{
        put(node, id);
        run_until_or_tell(node->fixture, is_registered(node, id));
}

static bool redis_says(Fixture *f, const char *command, const char *expected)
{
        g_autofree char *got = test_redis_ask(f->redis, command);

        return strcmp(got, expected) == 0;
}

/* A round from its beginning to its end. */
static void beat(Node *node)
{
        _cleanup_answer_ Answer a = { 0 };

        registry_redis_beat(node->registry);
        registry_flush(node->registry, on_answer, &a, NULL);
        run_until_or_tell(node->fixture, a.come);
        g_assert_cmpint(a.kind, ==, FAULT_NONE);
}

#define expect_redis(f, command, expected)                                   \
        do {                                                                 \
                g_autofree char *_got = test_redis_ask((f)->redis, command); \
                                                                             \
                g_assert_cmpstr(_got, ==, expected);                         \
        } while (0)

static void expect_unavailable(Node *node, const char *why)
{
        _cleanup_answer_ Answer a = { 0 }, b = { 0 };

        registry_find(node->registry, "a1", on_answer, &a, NULL);
        g_assert_true(a.come);
        g_assert_cmpint(a.kind, ==, FAULT_REGISTRY_UNAVAILABLE);
        g_assert_nonnull(strstr(a.text, why));
        registry_claim(node->registry, "a9", false, on_answer, &b, NULL);
        g_assert_true(b.come);
        g_assert_cmpint(b.kind, ==, FAULT_REGISTRY_UNAVAILABLE);
}

/* -- Data that is lost -- */

static void test_location_that_expired_is_back_within_a_beat(Fixture *f)
{
        node_start(&f->one, HOST_1);
        put_and_see(&f->one, "a1");
        g_free(test_redis_ask(f->redis, "DEL agent_location:a1"));
        run_until_or_tell(f, redis_says(f, "GET agent_location:a1", HOST_1));
        run_until_or_tell(f, strstr(logged->str, "gone from Redis and have been written again: 1\n"));
}

static void test_everything_is_back_after_a_flush(Fixture *f)
{
        node_start(&f->one, HOST_1);
        put_and_see(&f->one, "a1");
        put_and_see(&f->one, "a2");
        g_free(test_redis_ask(f->redis, "FLUSHALL"));
        run_until_or_tell(f, redis_says(f, "SMEMBERS host_agents:host-1", "a1 a2"));
        expect_redis(f, "GET agent_location:a1", HOST_1);
        expect_redis(f, "GET agent_location:a2", HOST_1);
        run_until_or_tell(f, redis_says(f, "HGET host_status:host-1 agents", "2"));
}

static void test_scripts_that_were_flushed_are_sent_anew(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 };

        node_start(&f->one, HOST_1);
        g_free(test_redis_ask(f->redis, "SCRIPT FLUSH"));
        registry_claim(f->one.registry, "a1", false, on_answer, &a, NULL);
        run_until_or_tell(f, a.come);
        g_assert_cmpint(a.kind, ==, FAULT_NONE);
        g_free(test_redis_ask(f->redis, "SCRIPT FLUSH"));
        put_and_see(&f->one, "a2");
        g_free(test_redis_ask(f->redis, "SCRIPT FLUSH"));
        registry_drop(f->one.registry, "a1");
        beat(&f->one);
        expect_redis(f, "EXISTS agent_location:a1", "0");
        expect_redis(f, "SMEMBERS host_agents:host-1", "a2");
}

static void test_claim_that_is_given_up_does_not_stand_when_scripts_are_flushed(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 };
        RegistryCall *call = NULL;

        node_start(&f->one, HOST_1);
        g_free(test_redis_ask(f->redis, "SCRIPT FLUSH"));
        registry_claim(f->one.registry, "a1", false, on_answer, &a, &call);
        registry_call_free(call);
        beat(&f->one);
        g_assert_false(a.come);
        expect_redis(f, "EXISTS agent_location:a1", "0");
        expect_redis(f, "EXISTS host_agents:host-1", "0");
}

/* -- Servers that are away -- */

static void test_server_restarted_empty_has_everything_again(Fixture *f)
{
        node_start(&f->one, HOST_1);
        put_and_see(&f->one, "a1");
        put_and_see(&f->one, "gone");
        test_redis_stop(f->redis);
        run_until_or_tell(f, f->one.state == REGISTRY_STALE);
        g_assert_nonnull(f->one.why);
        expect_unavailable(&f->one, "Redis at unix://");

        registry_drop(f->one.registry, "gone");
        put(&f->one, "a2");
        g_assert_true(is_at(&f->one, "a2", LOCATION_PENDING));
        test_redis_start(f->redis, NULL);
        run_until_or_tell(f, f->one.state == REGISTRY_OK);
        g_assert_true(is_registered(&f->one, "a1"));
        g_assert_true(is_registered(&f->one, "a2"));
        expect_redis(f, "SMEMBERS host_agents:host-1", "a1 a2");
        expect_redis(f, "GET agent_location:a2", HOST_1);
        expect_redis(f, "EXISTS agent_location:gone", "0");
}

/* The server has kept all, and has not heard of what happened meanwhile. */
static void test_what_happened_during_a_hang_is_told_after_it(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 };

        node_start(&f->one, HOST_1);
        put_and_see(&f->one, "a1");
        put_and_see(&f->one, "gone");
        test_redis_pause(f->redis);
        registry_find(f->one.registry, "a1", on_answer, &a, NULL);
        registry_drop(f->one.registry, "gone");
        put(&f->one, "a2");
        run_until_or_tell(f, a.come);
        g_assert_cmpint(a.kind, ==, FAULT_REGISTRY_UNAVAILABLE);
        g_assert_nonnull(strstr(a.text, "has not answered"));
        expect_unavailable(&f->one, "Redis at unix://");

        test_redis_resume(f->redis);
        run_until_or_tell(f, f->one.state == REGISTRY_OK);
        expect_redis(f, "SMEMBERS host_agents:host-1", "a1 a2");
        expect_redis(f, "EXISTS agent_location:gone", "0");
        expect_redis(f, "GET agent_location:a2", HOST_1);
}

static void test_state_goes_down_when_entries_have_expired(Fixture *f)
{
        node_start(&f->one, HOST_1);
        put_and_see(&f->one, "a1");
        test_redis_stop(f->redis);
        run_until_or_tell(f, f->one.state == REGISTRY_STALE);
        g_assert_true(is_registered(&f->one, "a1"));
        run_until_or_tell(f, f->one.state == REGISTRY_DOWN);
        run_until_or_tell(f, is_at(&f->one, "a1", LOCATION_PENDING));
        test_redis_start(f->redis, NULL);
        run_until_or_tell(f, f->one.state == REGISTRY_OK);
        g_assert_true(is_registered(&f->one, "a1"));
}

static void test_start_without_a_server_heals_later(Fixture *f)
{
        g_autofree char *url = test_redis_tcp_url(f->redis);

        test_redis_stop(f->redis);
        node_start_at(&f->one, HOST_1, url, 100 * USEC_PER_MSEC, 2 * USEC_PER_SEC);
        put(&f->one, "a1");
        run_until_or_tell(f, strstr(logged->str, "Connection refused"));
        expect_unavailable(&f->one, "Connection refused");
        test_redis_start(f->redis, NULL);
        run_until_or_tell(f, f->one.state == REGISTRY_OK);
        g_assert_true(is_registered(&f->one, "a1"));
        expect_redis(f, "SMEMBERS host_agents:host-1", "a1");
}

static void test_cause_is_logged_once(Fixture *f)
{
        const char *first;

        test_redis_stop(f->redis);
        node_start_at(&f->one, HOST_1, "unix:///nowhere/redis.sock", 100 * USEC_PER_MSEC, USEC_PER_SEC);
        run_until_or_tell(f, strstr(logged->str, "No such file"));
        /* Two more attempts, of which nothing can be seen from here, begin within this time. */
        for (uint64_t until = now_usec(CLOCK_MONOTONIC) + USEC_PER_SEC; now_usec(CLOCK_MONOTONIC) < until;)
                g_assert_cmpint(sd_event_run(f->event, 100 * USEC_PER_MSEC), >=, 0);
        first = strstr(logged->str, "No such file");
        g_assert_null(strstr(first + 1, "No such file"));
}

/* -- Servers that refuse -- */

static void test_full_server_is_told_and_the_rest_goes_on(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 }, b = { 0 };

        node_start(&f->one, HOST_1);
        put_and_see(&f->one, "a1");
        g_free(test_redis_ask(f->redis, "CONFIG SET maxmemory 1"));
        put(&f->one, "a2");
        run_until_or_tell(f, f->one.state == REGISTRY_STALE);
        g_assert_nonnull(strstr(f->one.why, "it is full (maxmemory)"));
        registry_claim(f->one.registry, "a3", false, on_answer, &a, NULL);
        run_until_or_tell(f, a.come);
        g_assert_cmpint(a.kind, ==, FAULT_REGISTRY_UNAVAILABLE);
        g_assert_nonnull(strstr(a.text, "it is full (maxmemory)"));
        /* What stands is found, and kept. */
        registry_find(f->one.registry, "a1", on_answer, &b, NULL);
        run_until_or_tell(f, b.come);
        g_assert_cmpstr(b.text, ==, HOST_1);
        g_assert_true(is_at(&f->one, "a2", LOCATION_PENDING));

        g_free(test_redis_ask(f->redis, "CONFIG SET maxmemory 0"));
        run_until_or_tell(f, f->one.state == REGISTRY_OK);
        g_assert_true(is_registered(&f->one, "a2"));
        expect_redis(f, "SMEMBERS host_agents:host-1", "a1 a2");
        expect_redis(f, "EXISTS agent_location:a3", "0");
}

static void test_primary_that_becomes_a_replica_is_waited_for(Fixture *f)
{
        node_start(&f->one, HOST_1);
        put_and_see(&f->one, "a1");
        g_free(test_redis_ask(f->redis, "REPLICAOF 127.0.0.1 %u", test_free_port()));
        put(&f->one, "a2");
        run_until_or_tell(f, f->one.state == REGISTRY_STALE);
        g_assert_nonnull(strstr(f->one.why, "read-only replica"));
        g_free(test_redis_ask(f->redis, "REPLICAOF NO ONE"));
        run_until_or_tell(f, f->one.state == REGISTRY_OK);
        expect_redis(f, "SMEMBERS host_agents:host-1", "a1 a2");
}

static void start_with_user(Fixture *f, const char *rules)
{
        g_autofree char *url = g_strdup_printf("redis://node:right@127.0.0.1:%u", test_redis_port(f->redis));
        g_auto(GStrv) words = g_strsplit(rules, " ", -1);
        g_autoptr(GPtrArray) argv = g_ptr_array_new();
        redisContext *c = redisConnect("127.0.0.1", (int)test_redis_port(f->redis));
        redisReply *reply;

        for (char **w = (char *[]){ (char *)"ACL", (char *)"SETUSER", (char *)"node", (char *)"on",
                     (char *)">right", NULL };
                *w; w++)
                g_ptr_array_add(argv, *w);
        for (char **w = words; *w; w++)
                g_ptr_array_add(argv, *w);
        reply = redisCommandArgv(c, (int)argv->len, (const char **)argv->pdata, NULL);
        g_assert_cmpstr(reply->str, ==, "OK");
        freeReplyObject(reply);
        redisFree(c);
        node_start_at(&f->one, HOST_1, url, 100 * USEC_PER_MSEC, 2 * USEC_PER_SEC);
}

/* As docs/howto-redis.md says it. */
#define KEYS                                                                                \
        "~agent_location:* ~agent_spec:* ~host_agents:* ~host_status:* ~placement:counter " \
        "~agenthost:lease:*"
#define COMMANDS                                                                                                \
        "+get +set +getex +del +expire +exists +type +sadd +srem +scard +sscan +scan +incr +hset +hget +hmget " \
        "+evalsha +eval +script|load +ping +info +select +client|setname"

static void test_least_user_is_enough(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 };

        start_with_user(f, KEYS " " COMMANDS);
        run_until_or_tell(f, f->one.state == REGISTRY_OK);
        put_and_see(&f->one, "a1");
        beat(&f->one);
        registry_cleanup(f->one.registry, on_answer, &a, NULL);
        run_until_or_tell(f, a.come);
        g_assert_cmpint(a.kind, ==, FAULT_NONE);
        expect_redis(f, "SMEMBERS host_agents:host-1", "a1");
        g_assert_cmpint(f->one.state, ==, REGISTRY_OK);
}

static void test_user_without_getex_is_enough_too(Fixture *f)
{
        start_with_user(f, KEYS " " COMMANDS " -getex");
        run_until_or_tell(f, f->one.state == REGISTRY_OK);
        put_and_see(&f->one, "a1");
        g_free(test_redis_ask(f->redis, "PEXPIRE agent_location:a1 1500"));
        beat(&f->one);
        g_autofree char *left = test_redis_ask(f->redis, "PTTL agent_location:a1");
        g_assert_cmpint(g_ascii_strtoll(left, NULL, 10), >, 1500);
        g_assert_cmpint(f->one.state, ==, REGISTRY_OK);
}

static void test_user_who_may_not_write_is_told(Fixture *f)
{
        start_with_user(f, "~* +@read +ping +info +client|setname");
        run_until_or_tell(f, strstr(logged->str, "its ACL does not let our user"));
        g_assert_cmpint(f->one.state, ==, REGISTRY_DOWN);
}

/* -- Values of others -- */

static void test_foreign_values_are_replaced_with_a_warning(Fixture *f)
{
        g_autofree char *large = g_strnfill(1024 * 1024, 'x');

        g_free(test_redis_ask(f->redis, "LPUSH agent_location:list x"));
        g_free(test_redis_ask(
                f->redis, "SET agent_location:garbage %b", "\xff\x01 not an address", (size_t)17));
        g_free(test_redis_ask(f->redis, "SET agent_location:large %s", large));
        g_free(test_redis_ask(f->redis, "SET agent_location:empty %s", ""));
        g_free(test_redis_ask(f->redis, "SET agent_location:port host-9:99999"));
        g_free(test_redis_ask(f->redis, "SET host_agents:host-1 x"));
        g_free(test_redis_ask(f->redis, "LPUSH host_status:host-1 x"));
        node_start(&f->one, HOST_1);
        put_and_see(&f->one, "list");
        put_and_see(&f->one, "garbage");
        put_and_see(&f->one, "large");
        put_and_see(&f->one, "empty");
        put_and_see(&f->one, "port");
        run_until_or_tell(f, redis_says(f, "SMEMBERS host_agents:host-1", "empty garbage large list port"));
        expect_redis(f, "GET agent_location:list", HOST_1);
        expect_redis(f, "GET agent_location:port", HOST_1);
        g_assert_nonnull(
                strstr(logged->str, "agent_location:large stood what is no location, replaced: xxx"));
        g_assert_nonnull(strstr(logged->str, "host_agents:host-1 held something else than a set"));
        run_until_or_tell(f, redis_says(f, "HGET host_status:host-1 address", HOST_1));
        g_assert_true(g_utf8_validate(logged->str, -1, NULL));
}

static void test_foreign_values_that_come_later_are_replaced_by_a_beat(Fixture *f)
{
        node_start(&f->one, HOST_1);
        put_and_see(&f->one, "a1");
        put_and_see(&f->one, "a2");
        g_free(test_redis_ask(f->redis, "SET agent_location:a1 garbage"));
        g_free(test_redis_ask(f->redis, "DEL agent_location:a2"));
        g_free(test_redis_ask(f->redis, "LPUSH agent_location:a2 x"));
        run_until_or_tell(f, redis_says(f, "GET agent_location:a1", HOST_1));
        run_until_or_tell(f, redis_says(f, "TYPE agent_location:a2", "string"));
        expect_redis(f, "GET agent_location:a2", HOST_1);
}

static void test_questions_survive_foreign_values(Fixture *f)
{
        _cleanup_answer_ Answer found = { 0 }, members = { 0 }, load = { 0 }, cleanup = { 0 }, turn = { 0 };

        node_start(&f->one, HOST_1);
        g_free(test_redis_ask(f->redis, "SET agent_location:a1 garbage"));
        g_free(test_redis_ask(f->redis, "SET host_agents:host-9 x"));
        g_free(test_redis_ask(f->redis, "SADD host_agents:%b x", "\xff\n", (size_t)2));
        g_free(test_redis_ask(f->redis, "SADD host_agents:host-8 %b", "\xff\0z", (size_t)3));
        g_free(test_redis_ask(f->redis, "SET placement:counter abc"));
        registry_find(f->one.registry, "a1", on_answer, &found, NULL);
        registry_members(f->one.registry, "host-9", on_answer, &members, NULL);
        registry_load(f->one.registry, on_answer, &load, NULL);
        registry_cleanup(f->one.registry, on_answer, &cleanup, NULL);
        registry_turn(f->one.registry, on_answer, &turn, NULL);
        run_until_or_tell(f, found.come && members.come && load.come && cleanup.come && turn.come);
        g_assert_cmpint(found.kind, ==, FAULT_FAILED);
        g_assert_nonnull(strstr(found.text, "agent_location:a1"));
        g_assert_cmpint(members.kind, ==, FAULT_FAILED);
        g_assert_cmpint(load.kind, ==, FAULT_NONE);
        g_assert_cmpint(cleanup.kind, ==, FAULT_NONE);
        g_assert_cmpint(turn.kind, ==, FAULT_FAILED);
        g_assert_nonnull(strstr(turn.text, "placement:counter"));
        expect_redis(f, "EXISTS host_agents:host-8", "0");
        expect_redis(f, "GET host_agents:host-9", "x");
}

/* -- Our set -- */

static void test_what_is_in_our_set_and_not_ours_is_removed(Fixture *f)
{
        g_free(test_redis_ask(f->redis, "SADD host_agents:host-1 old moved %b", "\xff\0", (size_t)2));
        g_free(test_redis_ask(f->redis, "SET agent_location:old host-1:1234"));
        g_free(test_redis_ask(f->redis, "SET agent_location:moved " HOST_2));
        node_start(&f->one, HOST_1);
        put_and_see(&f->one, "a1");
        expect_redis(f, "SMEMBERS host_agents:host-1", "a1");
        expect_redis(f, "EXISTS agent_location:old", "0");
        expect_redis(f, "GET agent_location:moved", HOST_2);
}

static void test_host_says_what_it_is(Fixture *f)
{
        node_start(&f->one, HOST_1);
        registry_describe(f->one.registry, &(RegistryHostInfo){ .capacity = 7, .draining = true });
        put_and_see(&f->one, "a1");
        beat(&f->one);
        expect_redis(f, "HGET host_status:host-1 address", HOST_1);
        expect_redis(f, "HGET host_status:host-1 agents", "1");
        expect_redis(f, "HGET host_status:host-1 capacity", "7");
        expect_redis(f, "HGET host_status:host-1 draining", "1");
        expect_redis(f, "HGET host_status:host-1 version", AGENTHOST_VERSION);
        g_autofree char *ttl = test_redis_ask(f->redis, "PTTL host_status:host-1");
        g_assert_cmpint(g_ascii_strtoll(ttl, NULL, 10), >, 0);
}

static void on_statuses(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        GString *told = userdata;

        g_assert_null(fault);
        for (size_t i = 0; i < answer->n_load; i++)
                g_string_append_printf(told, "%s %u/%u%s; ", answer->load[i].hostname,
                        answer->load[i].n_agents, answer->load[i].capacity,
                        answer->load[i].draining ? " draining" : "");
        g_string_append(told, ".");
}

static void test_hosts_hear_what_others_are(Fixture *f)
{
        static const char *const hostnames[] = { "host-1", "host-2", "host-3", "host-4", "host-5",
                "host-6" };
        g_autoptr(GString) told = g_string_new(NULL);

        node_start(&f->one, HOST_1);
        node_start(&f->two, HOST_2);
        registry_describe(f->one.registry, &(RegistryHostInfo){ .capacity = 7, .draining = true });
        put_and_see(&f->one, "a1");
        beat(&f->one);
        g_free(test_redis_ask(f->redis, "HSET host_status:host-3 agents 2 capacity -1 draining yes"));
        g_free(test_redis_ask(f->redis, "HSET host_status:host-4 agents many capacity 3"));
        g_free(test_redis_ask(f->redis, "SET host_status:host-5 x"));
        registry_agents(f->two.registry, hostnames, ELEMENTSOF(hostnames), on_statuses, told, NULL);
        run_until_or_tell(f, told->len > 0);
        g_assert_cmpstr(told->str, ==, "host-1 1/7 draining; host-2 0/0; host-3 2/0; .");
}

static void test_each_heartbeat_that_went_well_is_told(Fixture *f)
{
        unsigned before;

        node_start(&f->one, HOST_1);
        run_until_or_tell(f, f->one.n_renewed >= 3);
        test_redis_stop(f->redis);
        run_until_or_tell(f, f->one.state != REGISTRY_OK);
        before = f->one.n_renewed;
        run_until_or_tell(f, f->one.state == REGISTRY_DOWN);
        g_assert_cmpuint(f->one.n_renewed, ==, before);
}

/* -- Two hosts -- */

static void test_agent_that_moves_is_lost_to_the_new_host(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 };

        node_start(&f->one, HOST_1);
        node_start(&f->two, HOST_2);
        put_and_see(&f->one, "a1");
        registry_claim(f->two.registry, "a1", true, on_answer, &a, NULL);
        run_until_or_tell(f, a.come);
        put(&f->two, "a1");
        run_until_or_tell(f, is_at(&f->one, "a1", LOCATION_LOST));
        g_assert_cmpstr(f->one.other, ==, HOST_2);
        g_assert_true(f->one.other_alive);
        expect_redis(f, "GET agent_location:a1", HOST_2);
        expect_redis(f, "SMEMBERS host_agents:host-1", "");
        expect_redis(f, "SMEMBERS host_agents:host-2", "a1");
        /* It is not fought over, and dropping it changes nothing. */
        beat(&f->one);
        registry_drop(f->one.registry, "a1");
        beat(&f->one);
        expect_redis(f, "GET agent_location:a1", HOST_2);
        g_assert_true(is_registered(&f->two, "a1"));
        g_assert_cmpuint(f->one.n_lost, ==, 1);
}

/* One that the original's host has registered says nothing of itself. */
static void test_other_host_is_alive_when_it_says_so(Fixture *f)
{
        node_start(&f->one, HOST_1);
        put_and_see(&f->one, "a1");
        g_free(test_redis_ask(f->redis, "SET agent_location:a1 host-9:50051"));
        run_until_or_tell(f, is_at(&f->one, "a1", LOCATION_LOST));
        g_assert_false(f->one.other_alive);
        beat(&f->one);
        g_assert_cmpuint(f->one.n_lost, ==, 1);
        g_free(test_redis_ask(f->redis, "HSET host_status:host-9 address host-9:50051"));
        run_until_or_tell(f, f->one.n_lost == 2);
        g_assert_true(f->one.other_alive);
        beat(&f->one);
        g_assert_cmpuint(f->one.n_lost, ==, 2);
}

static void test_agent_whose_other_host_vanishes_is_ours_again(Fixture *f)
{
        node_start(&f->one, HOST_1);
        put_and_see(&f->one, "a1");
        g_free(test_redis_ask(f->redis, "SET agent_location:a1 host-9:50051 PX 500"));
        run_until_or_tell(f, is_at(&f->one, "a1", LOCATION_LOST));
        run_until_or_tell(f, is_registered(&f->one, "a1"));
        expect_redis(f, "GET agent_location:a1", HOST_1);
        run_until_or_tell(f, redis_says(f, "SMEMBERS host_agents:host-1", "a1"));
}

/* host-1 does not hear for so long that its entries expire, and host-2 takes one of its agents. */
static void test_partition_ends_with_one_owner(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 };
        g_autofree char *url = NULL, *socket = NULL;

        socket = g_strdup_printf("%s/redis.sock", test_redis_directory(f->redis));
        f->wire = test_wire_new(f->event, socket);
        url = g_strdup_printf("redis://127.0.0.1:%u", test_wire_port(f->wire));
        node_start_at(&f->one, HOST_1, url, 100 * USEC_PER_MSEC, USEC_PER_SEC);
        run_until_or_tell(f, f->one.state == REGISTRY_OK);
        node_start(&f->two, HOST_2);
        put_and_see(&f->one, "a1");
        put_and_see(&f->one, "a2");

        test_wire_cut(f->wire);
        run_until_or_tell(f, redis_says(f, "EXISTS agent_location:a1 agent_location:a2", "0"));
        run_until_or_tell(f, is_at(&f->one, "a1", LOCATION_PENDING));
        g_assert_cmpint(f->one.state, ==, REGISTRY_DOWN);
        registry_claim(f->two.registry, "a1", false, on_answer, &a, NULL);
        run_until_or_tell(f, a.come);
        g_assert_cmpint(a.kind, ==, FAULT_NONE);
        put(&f->two, "a1");

        test_wire_mend(f->wire);
        run_until_or_tell(f, is_at(&f->one, "a1", LOCATION_LOST) && is_registered(&f->one, "a2"));
        g_assert_cmpstr(f->one.other, ==, HOST_2);
        g_assert_true(f->one.other_alive);
        run_until_or_tell(f, redis_says(f, "SMEMBERS host_agents:host-1", "a2"));
        expect_redis(f, "GET agent_location:a1", HOST_2);
        expect_redis(f, "GET agent_location:a2", HOST_1);
        expect_redis(f, "SMEMBERS host_agents:host-2", "a1");
}

static void test_set_of_a_dead_host_is_cleaned_up_by_another(Fixture *f)
{
        g_free(test_redis_ask(f->redis, "SADD host_agents:host-9 a1 a2"));
        g_free(test_redis_ask(f->redis, "SET agent_location:a2 " HOST_2));
        node_start(&f->one, HOST_1);
        node_start(&f->two, HOST_2);
        run_until_or_tell(f, redis_says(f, "EXISTS host_agents:host-9", "0"));
        run_until_or_tell(f, strstr(logged->str, "taken out of their hosts' sets in Redis: 1\n"));
}

static void test_live_host_is_left_alone_by_cleanup(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 };

        node_start(&f->one, HOST_1);
        node_start(&f->two, HOST_2);
        for (int i = 0; i < 700; i++) {
                g_autofree char *id = g_strdup_printf("agent-%d", i);

                put(&f->one, id);
        }
        g_free(test_redis_ask(f->redis, "SADD host_agents:host-9 d1 d2"));
        beat(&f->one);
        registry_cleanup(f->two.registry, on_answer, &a, NULL);
        run_until_or_tell(f, a.come);
        g_assert_true(strcmp(a.text, "d1 d2") == 0 || strcmp(a.text, "d2 d1") == 0);
        expect_redis(f, "SCARD host_agents:host-1", "700");
}

/* -- Many -- */

static void test_ten_thousand_agents_are_kept(Fixture *f)
{
        node_start(&f->one, HOST_1);
        for (int i = 0; i < 10000; i++) {
                g_autofree char *id = g_strdup_printf("agent-%d", i);

                put(&f->one, id);
        }
        beat(&f->one);
        expect_redis(f, "SCARD host_agents:host-1", "10000");
        g_free(test_redis_ask(f->redis, "FLUSHALL"));
        run_until_or_tell(f, redis_says(f, "SCARD host_agents:host-1", "10000"));
        for (int i = 0; i < 10000; i++) {
                g_autofree char *id = g_strdup_printf("agent-%d", i);

                registry_drop(f->one.registry, id);
        }
        beat(&f->one);
        expect_redis(f, "EXISTS host_agents:host-1", "0");
        expect_redis(f, "KEYS agent_location:*", "");
}

static gint compare_texts(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void test_agents_that_come_and_go_during_rounds_are_right_in_the_end(Fixture *f)
{
        g_autoptr(GPtrArray) expected = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *joined = NULL;

        node_start(&f->one, HOST_1);
        for (int round = 0; round < 50; round++) {
                for (int i = 0; i < 40; i++) {
                        g_autofree char *id = g_strdup_printf("agent-%d", g_test_rand_int_range(0, 60));

                        if (g_test_rand_bit())
                                put(&f->one, id);
                        else
                                registry_drop(f->one.registry, id);
                        if (g_test_rand_int_range(0, 5) == 0)
                                registry_redis_beat(f->one.registry);
                }
                if (round == 25)
                        g_free(test_redis_ask(f->redis, "FLUSHALL"));
                g_assert_cmpint(sd_event_run(f->event, 0), >=, 0);
        }
        for (int i = 0; i < 60; i++) {
                g_autofree char *id = g_strdup_printf("agent-%d", i);

                if (i % 2)
                        registry_drop(f->one.registry, id);
                else {
                        put(&f->one, id);
                        g_ptr_array_add(expected, g_steal_pointer(&id));
                }
        }
        beat(&f->one);
        beat(&f->one);
        g_ptr_array_sort(expected, compare_texts);
        g_ptr_array_add(expected, NULL);
        joined = g_strjoinv(" ", (char **)expected->pdata);
        expect_redis(f, "SMEMBERS host_agents:host-1", joined);
        for (int i = 0; i < 60; i++) {
                g_autofree char *got = test_redis_ask(f->redis, "GET agent_location:agent-%d", i);

                g_assert_cmpstr(got, ==, i % 2 ? "" : HOST_1);
        }
}

typedef void (*Test)(Fixture *f);

static void run_test(Fixture *f, gconstpointer test)
{
        if (f->redis)
                (*(const Test *)test)(f);
}

#define ADD(name, function)                                                                     \
        do {                                                                                    \
                static const Test test = test_##function;                                       \
                                                                                                \
                g_test_add("/redis-faults/" name, Fixture, &test, set_up, run_test, tear_down); \
        } while (0)

static void add_servers(void)
{
        ADD("B1-location-that-expired-is-back-within-a-beat", location_that_expired_is_back_within_a_beat);
        ADD("everything-is-back-after-a-flush", everything_is_back_after_a_flush);
        ADD("scripts-that-were-flushed-are-sent-anew", scripts_that_were_flushed_are_sent_anew);
        ADD("claim-that-is-given-up-does-not-stand-when-scripts-are-flushed",
                claim_that_is_given_up_does_not_stand_when_scripts_are_flushed);
        ADD("server-restarted-empty-has-everything-again", server_restarted_empty_has_everything_again);
        ADD("what-happened-during-a-hang-is-told-after-it", what_happened_during_a_hang_is_told_after_it);
        ADD("state-goes-down-when-entries-have-expired", state_goes_down_when_entries_have_expired);
        ADD("start-without-a-server-heals-later", start_without_a_server_heals_later);
        ADD("cause-is-logged-once", cause_is_logged_once);
        ADD("full-server-is-told-and-the-rest-goes-on", full_server_is_told_and_the_rest_goes_on);
        ADD("primary-that-becomes-a-replica-is-waited-for", primary_that_becomes_a_replica_is_waited_for);
        ADD("least-user-is-enough", least_user_is_enough);
        ADD("user-without-getex-is-enough-too", user_without_getex_is_enough_too);
        ADD("user-who-may-not-write-is-told", user_who_may_not_write_is_told);
}

static void add_data(void)
{
        ADD("foreign-values-are-replaced-with-a-warning", foreign_values_are_replaced_with_a_warning);
        ADD("foreign-values-that-come-later-are-replaced-by-a-beat",
                foreign_values_that_come_later_are_replaced_by_a_beat);
        ADD("questions-survive-foreign-values", questions_survive_foreign_values);
        ADD("what-is-in-our-set-and-not-ours-is-removed", what_is_in_our_set_and_not_ours_is_removed);
        ADD("host-says-what-it-is", host_says_what_it_is);
        ADD("hosts-hear-what-others-are", hosts_hear_what_others_are);
        ADD("each-heartbeat-that-went-well-is-told", each_heartbeat_that_went_well_is_told);
}

static void add_fleets(void)
{
        ADD("agent-that-moves-is-lost-to-the-new-host", agent_that_moves_is_lost_to_the_new_host);
        ADD("other-host-is-alive-when-it-says-so", other_host_is_alive_when_it_says_so);
        ADD("agent-whose-other-host-vanishes-is-ours-again", agent_whose_other_host_vanishes_is_ours_again);
        ADD("partition-ends-with-one-owner", partition_ends_with_one_owner);
        ADD("B7-set-of-a-dead-host-is-cleaned-up-by-another", set_of_a_dead_host_is_cleaned_up_by_another);
        ADD("live-host-is-left-alone-by-cleanup", live_host_is_left_alone_by_cleanup);
        ADD("ten-thousand-agents-are-kept", ten_thousand_agents_are_kept);
        ADD("agents-that-come-and-go-during-rounds-are-right-in-the-end",
                agents_that_come_and_go_during_rounds_are_right_in_the_end);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        logged = g_string_new(NULL);
        log_set_sink(log_to_memory);
        add_servers();
        add_data();
        add_fleets();
        return g_test_run();
}

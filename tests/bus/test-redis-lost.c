/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Agents that are to be placed again when their host is lost: what is kept of them in Redis, who is told of
 * them, and when nobody is. Hosts are registries here, up to four on one server. */

#include <string.h>

#include "log.h"
#include "redis.h"
#include "test-redis.h"
#include "test-until.h"
#include "test-wire.h"
#include "time-util.h"

#define HEARTBEAT_USEC (100 * USEC_PER_MSEC)
#define TTL_USEC USEC_PER_SEC
#define TRUST_USEC (2 * TTL_USEC)

#define N_NODES 3u

/* How a host does with orphans. */
typedef enum Manner {
        MANNER_PLACES,
        MANNER_REFUSES,
        MANNER_IS_SLOW, /* it does not come to an end */
} Manner;

typedef struct Node {
        struct Fixture *fixture;
        Registry *registry;
        const char *hostname;
        RegistryState state;
        Manner manner;
        char *orphan; /* it was told of last, and from where, with which spec */
        unsigned n_orphans;
        uint64_t orphan_usec;
        unsigned n_placed;
        char *lost_to; /* who has what it has lost */
        RegistryCall *claim;
} Node;

typedef struct Fixture {
        sd_event *event;
        TestRedis *redis;
        TestWire *wire;
        Node nodes[N_NODES];
} Fixture;

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

#define wait_for(f, condition) run_until_or(f, condition, on_limit)

/* -- A host -- */

static void on_location(
        const char *id, LocationState state, const RegistryConflict *conflict, void *userdata)
{
        Node *node = userdata;

        if (state != LOCATION_LOST)
                return;
        g_free(node->lost_to);
        node->lost_to = g_strdup(conflict->address);
        /* As OnConflict=stop does it. */
        if (conflict->alive)
                registry_drop(node->registry, id);
}

static void on_state(RegistryState state, const Fault *why, void *userdata)
{
        Node *node = userdata;

        (void)why;
        node->state = state;
}

static char *on_spec_wanted(const char *id, void *userdata)
{
        (void)userdata;
        return g_strconcat("what makes ", id, NULL);
}

static const char *word_of(const char *text, unsigned n, char buffer[64])
{
        g_auto(GStrv) words = g_strsplit(text, " ", 3);

        g_strlcpy(buffer, words[n], 64);
        return buffer;
}

static void on_claimed(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        Node *node = userdata;
        char id[64];

        (void)fault;

        word_of(node->orphan, 0, id);
        if (answer) {
                (void)registry_put(node->registry, id);
                registry_keep_spec(node->registry, id);
                node->n_placed++;
        }
        registry_orphan_done(node->registry, id, answer != NULL);
}

static void on_orphan(const RegistryOrphan *orphan, void *userdata)
{
        Node *node = userdata;

        g_free(node->orphan);
        node->orphan = g_strjoin(" ", orphan->id, orphan->hostname, orphan->spec, NULL);
        node->n_orphans++;
        node->orphan_usec = now_usec(CLOCK_MONOTONIC);
        if (node->manner == MANNER_PLACES)
                registry_claim(node->registry, orphan->id, false, on_claimed, node, &node->claim);
        else if (node->manner == MANNER_REFUSES)
                registry_orphan_done(node->registry, orphan->id, false);
}

static void start_at(Node *node, const char *url, const char *life, unsigned capacity)
{
        static const RegistryHandlers handlers = {
                .location_changed = on_location,
                .state_changed = on_state,
                .spec_wanted = on_spec_wanted,
                .orphan_found = on_orphan,
        };
        const RegistrySettings settings = {
                .url = (char *)url,
                .heartbeat_usec = HEARTBEAT_USEC,
                .ttl_usec = TTL_USEC,
        };
        g_autofree char *address = g_strconcat(node->hostname, ":50051", NULL);
        _cleanup_fault_ Fault fault = FAULT_INIT;

        node->state = REGISTRY_DOWN;
        g_assert_cmpint(registry_new(node->fixture->event, &settings, address, NULL, &handlers, node,
                                &node->registry, &fault),
                ==, 0);
        registry_describe(node->registry, &(RegistryHostInfo){ .capacity = capacity, .life = life });
        wait_for(node->fixture, node->state == REGISTRY_OK);
}

static void start(Node *node, const char *life)
{
        g_autofree char *url = test_redis_url(node->fixture->redis);

        start_at(node, url, life, 10);
}

/* Without power: what it has written stays. */
static void stop(Node *node)
{
        node->registry = registry_free(node->registry);
}

static bool redis_says(Fixture *f, const char *command, const char *expected)
{
        g_autofree char *got = test_redis_ask(f->redis, command);

        return strcmp(got, expected) == 0;
}

static void expect_redis(Fixture *f, const char *command, const char *expected)
{
        g_autofree char *got = test_redis_ask(f->redis, command);

        g_assert_cmpstr(got, ==, expected);
}

static void put_kept(Node *node, const char *id)
{
        g_autofree char *command = g_strdup_printf("HGET agent_spec:%s host", id);

        (void)registry_put(node->registry, id);
        registry_keep_spec(node->registry, id);
        wait_for(node->fixture, redis_says(node->fixture, command, node->hostname));
}

/* Who of the hosts looks after lost ones. */
static Node *find_watcher(Fixture *f)
{
        g_autofree char *holder = test_redis_ask(f->redis, "GET agenthost:lease:lost-hosts");

        for (unsigned i = 0; i < N_NODES; i++)
                if (f->nodes[i].registry && strncmp(holder, f->nodes[i].hostname, strlen("host-N")) == 0)
                        return &f->nodes[i];
        return NULL;
}

static unsigned count_placed(const Fixture *f)
{
        unsigned n = 0;

        for (unsigned i = 0; i < N_NODES; i++)
                n += f->nodes[i].n_placed;
        return n;
}

/* Of a host that there never was. */
static void leave_orphan(Fixture *f, const char *id)
{
        g_free(test_redis_ask(f->redis, "HSET agent_spec:%s host host-9 life nine spec old", id));
        g_free(test_redis_ask(f->redis, "SADD host_agents:host-9 %s", id));
}

static void set_up(Fixture *f, const void *data)
{
        static const char *const names[N_NODES] = { "host-1", "host-2", "host-3" };

        (void)data;

        g_string_truncate(logged, 0);
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        for (unsigned i = 0; i < N_NODES; i++) {
                f->nodes[i].fixture = f;
                f->nodes[i].hostname = names[i];
        }
        if (test_redis_is_there())
                f->redis = test_redis_new(NULL);
        else
                g_test_skip("there is no such server on this machine");
}

static void tear_down(Fixture *f, const void *data)
{
        (void)data;

        for (unsigned i = 0; i < N_NODES; i++) {
                stop(&f->nodes[i]);
                g_free(f->nodes[i].orphan);
                g_free(f->nodes[i].lost_to);
        }
        g_clear_pointer(&f->wire, test_wire_free);
        g_clear_pointer(&f->redis, test_redis_free);
        sd_event_unref(f->event);
}

/* -- What is kept -- */

static void test_spec_is_kept_of_those_agents_only(Fixture *f)
{
        start(&f->nodes[0], "one");
        (void)registry_put(f->nodes[0].registry, "plain");
        put_kept(&f->nodes[0], "a1");
        expect_redis(f, "HGET agent_spec:a1 spec", "what makes a1");
        expect_redis(f, "HGET agent_spec:a1 life", "one");
        expect_redis(f, "TTL agent_spec:a1", "-1");
        expect_redis(f, "KEYS agent_spec:*", "agent_spec:a1");
}

static void test_spec_goes_with_its_agent(Fixture *f)
{
        start(&f->nodes[0], "one");
        put_kept(&f->nodes[0], "a1");
        registry_drop(f->nodes[0].registry, "a1");
        wait_for(f, redis_says(f, "EXISTS agent_spec:a1 agent_location:a1", "0"));
}

static void start_on_wire(Fixture *f, Node *node)
{
        g_autofree char *socket = g_strdup_printf("%s/redis.sock", test_redis_directory(f->redis)),
                        *url = NULL;

        f->wire = test_wire_new(f->event, socket);
        url = g_strdup_printf("redis://127.0.0.1:%u", test_wire_port(f->wire));
        start_at(node, url, "one", 10);
}

static void test_agent_that_ends_while_the_server_is_away_leaves_no_spec(Fixture *f)
{
        start_on_wire(f, &f->nodes[0]);
        put_kept(&f->nodes[0], "a1");
        test_wire_cut(f->wire);
        wait_for(f, f->nodes[0].state != REGISTRY_OK);
        registry_drop(f->nodes[0].registry, "a1");
        test_wire_mend(f->wire);
        wait_for(f, redis_says(f, "EXISTS agent_spec:a1", "0"));
}

/* The same id as another agent, of which nothing is to be kept. */
static void test_spec_of_a_former_agent_goes_too(Fixture *f)
{
        start_on_wire(f, &f->nodes[0]);
        put_kept(&f->nodes[0], "a1");
        test_wire_cut(f->wire);
        wait_for(f, f->nodes[0].state != REGISTRY_OK);
        registry_drop(f->nodes[0].registry, "a1");
        (void)registry_put(f->nodes[0].registry, "a1");
        test_wire_mend(f->wire);
        wait_for(f, redis_says(f, "EXISTS agent_spec:a1", "0"));
        wait_for(f, redis_says(f, "GET agent_location:a1", "host-1:50051"));
}

static void test_spec_that_was_flushed_is_written_again(Fixture *f)
{
        start(&f->nodes[0], "one");
        put_kept(&f->nodes[0], "a1");
        g_free(test_redis_ask(f->redis, "FLUSHALL"));
        wait_for(f, redis_says(f, "HGET agent_spec:a1 spec", "what makes a1"));
}

static void test_scripts_that_were_flushed_do_not_keep_a_spec(Fixture *f)
{
        start(&f->nodes[0], "one");
        put_kept(&f->nodes[0], "a1");
        g_free(test_redis_ask(f->redis, "SCRIPT FLUSH"));
        registry_drop(f->nodes[0].registry, "a1");
        wait_for(f, redis_says(f, "EXISTS agent_spec:a1", "0"));
}

static void test_foreign_value_is_replaced(Fixture *f)
{
        g_free(test_redis_ask(f->redis, "SET agent_spec:a1 mine"));
        start(&f->nodes[0], "one");
        (void)registry_put(f->nodes[0].registry, "a1");
        registry_keep_spec(f->nodes[0].registry, "a1");
        wait_for(f, redis_says(f, "TYPE agent_spec:a1", "hash"));
        expect_redis(f, "HGET agent_spec:a1 host", "host-1");
        g_assert_nonnull(strstr(logged->str, "the key agent_spec:a1 held something else than a hash"));
}

/* It was stopped while the server was away, and agenthostd was started anew then. */
static void test_spec_of_an_agent_that_is_in_our_set_only_goes(Fixture *f)
{
        g_free(test_redis_ask(f->redis, "HSET agent_spec:a1 host host-1 life one spec old"));
        g_free(test_redis_ask(f->redis, "SADD host_agents:host-1 a1"));
        start(&f->nodes[0], "one");
        wait_for(f, redis_says(f, "EXISTS agent_spec:a1 host_agents:host-1", "0"));
}

static void test_spec_that_is_nobodys_goes(Fixture *f)
{
        start(&f->nodes[0], "one");
        start(&f->nodes[1], "two");
        g_free(test_redis_ask(f->redis, "HSET agent_spec:gone host host-1 life one spec old"));
        g_free(test_redis_ask(f->redis, "HSET agent_spec:moved host host-9 life nine spec old"));
        g_free(test_redis_ask(f->redis, "SET agent_location:moved host-2:50051"));
        wait_for(f, redis_says(f, "EXISTS agent_spec:moved", "0"));
        wait_for(f, redis_says(f, "EXISTS agent_spec:gone", "0"));
        g_assert_cmpuint(f->nodes[0].n_orphans + f->nodes[1].n_orphans, ==, 0);
}

/* -- Who is told -- */

static void test_agents_of_a_lost_host_are_placed_once(Fixture *f)
{
        Node *survivor;

        for (unsigned i = 0; i < N_NODES; i++)
                start(&f->nodes[i], f->nodes[i].hostname);
        put_kept(&f->nodes[0], "a1");
        put_kept(&f->nodes[0], "a2");
        (void)registry_put(f->nodes[0].registry, "plain");
        wait_for(f, redis_says(f, "EXISTS agent_location:plain", "1"));
        stop(&f->nodes[0]);
        wait_for(f, count_placed(f) == 2);
        survivor = f->nodes[1].n_placed ? &f->nodes[1] : &f->nodes[2];
        g_assert_cmpuint(survivor->n_placed, ==, 2);
        g_assert_cmpuint(f->nodes[1].n_orphans + f->nodes[2].n_orphans, ==, 2);
        g_assert_true(strcmp(survivor->orphan, "a1 host-1 what makes a1") == 0 ||
                strcmp(survivor->orphan, "a2 host-1 what makes a2") == 0);
        g_assert_nonnull(strstr(logged->str, "Host host-1 is lost"));

        wait_for(f, redis_says(f, "HGET agent_spec:a1 host", survivor->hostname));
        wait_for(f, redis_says(f, "HGET agent_spec:a2 host", survivor->hostname));
        wait_for(f, redis_says(f, "EXISTS host_agents:host-1 agent_location:plain", "0"));
}

static void test_host_that_dies_over_it_is_followed_by_another(Fixture *f)
{
        Node *first, *second;

        start(&f->nodes[0], "one");
        put_kept(&f->nodes[0], "a1");
        start(&f->nodes[1], "two");
        start(&f->nodes[2], "three");
        f->nodes[1].manner = f->nodes[2].manner = MANNER_IS_SLOW;
        stop(&f->nodes[0]);
        wait_for(f, f->nodes[1].n_orphans + f->nodes[2].n_orphans > 0);
        first = f->nodes[1].n_orphans ? &f->nodes[1] : &f->nodes[2];
        second = first == &f->nodes[1] ? &f->nodes[2] : &f->nodes[1];
        g_assert_true(find_watcher(f) == first);
        second->manner = MANNER_PLACES;
        stop(first);
        wait_for(f, second->n_placed == 1);
        wait_for(f, redis_says(f, "HGET agent_spec:a1 host", second->hostname));
}

static void test_what_one_host_cannot_place_another_does(Fixture *f)
{
        start(&f->nodes[0], "one");
        f->nodes[0].manner = MANNER_REFUSES;
        leave_orphan(f, "a1");
        wait_for(f, f->nodes[0].n_orphans > 0);
        start(&f->nodes[1], "two");
        wait_for(f, f->nodes[1].n_placed == 1);
        expect_redis(f, "GET agent_location:a1", "host-2:50051");
}

/* The full one is there first, and has two TTLs more. */
static void test_full_and_draining_hosts_leave_it_to_others(Fixture *f)
{
        g_autofree char *url = test_redis_url(f->redis);

        start_at(&f->nodes[0], url, "one", 0);
        start(&f->nodes[1], "two");
        registry_describe(f->nodes[1].registry,
                &(RegistryHostInfo){ .capacity = 10, .draining = true, .life = "two" });
        leave_orphan(f, "a1");
        start(&f->nodes[2], "three");
        wait_for(f, f->nodes[2].n_placed == 1);
        g_assert_cmpuint(f->nodes[0].n_orphans + f->nodes[1].n_orphans, ==, 0);
}

static void test_host_that_begins_to_drain_gives_the_lease_back(Fixture *f)
{
        start(&f->nodes[0], "one");
        wait_for(f, find_watcher(f) == &f->nodes[0]);
        registry_describe(f->nodes[0].registry,
                &(RegistryHostInfo){ .capacity = 10, .draining = true, .life = "one" });
        start(&f->nodes[1], "two");
        wait_for(f, find_watcher(f) == &f->nodes[1]);
}

static void test_cut_off_host_loses_its_agent_when_it_is_back(Fixture *f)
{
        start_on_wire(f, &f->nodes[0]);
        put_kept(&f->nodes[0], "a1");
        start(&f->nodes[1], "two");
        test_wire_cut(f->wire);
        wait_for(f, f->nodes[1].n_placed == 1);
        wait_for(f, redis_says(f, "HGET agent_spec:a1 host", "host-2"));
        test_wire_mend(f->wire);
        wait_for(f, f->nodes[0].lost_to);
        g_assert_cmpstr(f->nodes[0].lost_to, ==, "host-2:50051");
        wait_for(f, f->nodes[0].state == REGISTRY_OK);
        expect_redis(f, "HGET agent_spec:a1 host", "host-2");
        expect_redis(f, "GET agent_location:a1", "host-2:50051");
}

/* Its agents are gone, though its name is there all the time. */
static void test_host_that_was_born_again_has_lost_its_agents(Fixture *f)
{
        start(&f->nodes[0], "first life");
        put_kept(&f->nodes[0], "a1");
        stop(&f->nodes[0]);
        start(&f->nodes[0], "second life");
        wait_for(f, f->nodes[0].n_placed == 1);
        g_assert_cmpstr(f->nodes[0].orphan, ==, "a1 host-1 what makes a1");
        wait_for(f, redis_says(f, "HGET agent_spec:a1 life", "second life"));
        wait_for(f, redis_says(f, "SMEMBERS host_agents:host-1", "a1"));
}

/* agenthostd alone was started anew: nothing has ended. */
static void test_host_that_is_back_in_the_same_life_keeps_its_agents(Fixture *f)
{
        start(&f->nodes[0], "one");
        put_kept(&f->nodes[0], "a1");
        start(&f->nodes[1], "two");
        wait_for(f, find_watcher(f));
        stop(&f->nodes[0]);
        start(&f->nodes[0], "one");
        put_kept(&f->nodes[0], "a1");
        leave_orphan(f, "o1");
        wait_for(f, count_placed(f) == 1);
        expect_redis(f, "GET agent_location:a1", "host-1:50051");
        g_assert_cmpuint(f->nodes[0].n_orphans + f->nodes[1].n_orphans, ==, 1);
}

static char *cleanup_answer;

static void on_cleaned(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        (void)userdata;

        g_assert_null(fault);
        cleanup_answer = g_strjoinv(" ", (char **)answer->ids);
}

static void test_cleanup_leaves_orphans_alone(Fixture *f)
{
        start(&f->nodes[0], "one");
        leave_orphan(f, "a1");
        g_free(test_redis_ask(f->redis, "SADD host_agents:host-9 dead"));
        registry_cleanup(f->nodes[0].registry, on_cleaned, NULL, NULL);
        wait_for(f, cleanup_answer);
        g_assert_cmpstr(cleanup_answer, ==, "dead");
        g_clear_pointer(&cleanup_answer, g_free);
        expect_redis(f, "SMEMBERS host_agents:host-9", "a1");
        wait_for(f, f->nodes[0].n_placed == 1);
        wait_for(f, redis_says(f, "EXISTS host_agents:host-9", "0"));
}

static int evicted; /* -1: it is not known yet */

static void on_evicted(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        (void)userdata;

        g_assert_null(fault);
        evicted = answer->evicted;
}

static void expect_evict(Fixture *f, const char *id, const char *address, bool expected)
{
        evicted = -1;
        registry_evict(f->nodes[0].registry, id, address, on_evicted, NULL, NULL);
        wait_for(f, evicted >= 0);
        g_assert_cmpint(evicted, ==, expected);
}

static void test_agent_that_was_let_go_of_is_not_placed_again(Fixture *f)
{
        start(&f->nodes[0], "one");
        put_kept(&f->nodes[0], "a1");
        leave_orphan(f, "located");
        g_free(test_redis_ask(f->redis, "SET agent_location:located host-9:50051"));
        leave_orphan(f, "orphan");
        expect_evict(f, "located", "host-9:50051", true);
        expect_evict(f, "orphan", NULL, true);
        expect_redis(f, "EXISTS agent_spec:located agent_spec:orphan host_agents:host-9", "0");

        expect_evict(f, "unknown", NULL, false);
        /* Its host is there: it is about to write its location again. */
        expect_evict(f, "a1", NULL, false);
        expect_redis(f, "EXISTS agent_spec:a1", "1");
}

/* -- When nobody is -- */

static void expect_patience(const Node *node, uint64_t since_usec)
{
        g_assert_cmpuint(node->orphan_usec, >=, since_usec + TRUST_USEC);
}

static void test_nobody_is_lost_soon_after_a_connect(Fixture *f)
{
        uint64_t since = now_usec(CLOCK_MONOTONIC);

        leave_orphan(f, "a1");
        start(&f->nodes[0], "one");
        wait_for(f, f->nodes[0].n_placed == 1);
        expect_patience(&f->nodes[0], since);
}

static void test_nobody_is_lost_soon_after_a_flush(Fixture *f)
{
        uint64_t since;

        start(&f->nodes[0], "one");
        wait_for(f, find_watcher(f) == &f->nodes[0]);
        g_free(test_redis_ask(f->redis, "FLUSHALL"));
        since = now_usec(CLOCK_MONOTONIC);
        leave_orphan(f, "a1");
        wait_for(f, f->nodes[0].n_placed == 1);
        expect_patience(&f->nodes[0], since);
}

static void test_nobody_is_lost_soon_after_redis_was_away(Fixture *f)
{
        uint64_t since;

        start(&f->nodes[0], "one");
        wait_for(f, find_watcher(f) == &f->nodes[0]);
        test_redis_stop(f->redis);
        wait_for(f, f->nodes[0].state != REGISTRY_OK);
        test_redis_start(f->redis, NULL);
        since = now_usec(CLOCK_MONOTONIC);
        leave_orphan(f, "a1");
        wait_for(f, f->nodes[0].n_placed == 1);
        expect_patience(&f->nodes[0], since);
}

static void test_nobody_is_lost_soon_after_redis_was_full(Fixture *f)
{
        uint64_t since;

        start(&f->nodes[0], "one");
        put_kept(&f->nodes[0], "a0");
        wait_for(f, find_watcher(f) == &f->nodes[0]);
        g_free(test_redis_ask(f->redis, "CONFIG SET maxmemory 1"));
        wait_for(f, f->nodes[0].state != REGISTRY_OK);
        since = now_usec(CLOCK_MONOTONIC);
        g_free(test_redis_ask(f->redis, "CONFIG SET maxmemory 0"));
        leave_orphan(f, "a1");
        wait_for(f, f->nodes[0].n_placed == 1);
        expect_patience(&f->nodes[0], since);
}

/* Also when it has long been sure of Redis: one look is not enough. The last host that was lost shows that
 * it is. */
static void test_host_is_lost_at_the_second_check(Fixture *f)
{
        uint64_t since;

        start(&f->nodes[0], "one");
        wait_for(f, find_watcher(f) == &f->nodes[0]);
        leave_orphan(f, "o1");
        wait_for(f, f->nodes[0].n_placed == 1);
        for (unsigned i = 0; i < 5; i++) {
                since = now_usec(CLOCK_MONOTONIC);
                g_free(test_redis_ask(
                        f->redis, "HSET agent_spec:b%u host host-%u life b spec old", i, 4 + i));
                wait_for(f, f->nodes[0].n_placed == 2 + i);
                g_assert_cmpuint(f->nodes[0].orphan_usec - since, >=, HEARTBEAT_USEC);
        }
}

/* For less than a heartbeat. That many checks have been made is seen by the other orphan. */
static void test_host_that_blinks_is_not_lost(Fixture *f)
{
        start(&f->nodes[0], "one");
        start(&f->nodes[1], "two");
        put_kept(&f->nodes[1], "a1");
        wait_for(f, find_watcher(f));
        g_free(test_redis_ask(f->redis, "DEL agent_location:a1 host_status:host-2"));
        wait_for(f, redis_says(f, "EXISTS agent_location:a1 host_status:host-2", "2"));
        leave_orphan(f, "o1");
        wait_for(f, count_placed(f) == 1);
        /* By now it is sure of Redis. */
        g_free(test_redis_ask(f->redis, "DEL agent_location:a1 host_status:host-2"));
        wait_for(f, redis_says(f, "EXISTS agent_location:a1 host_status:host-2", "2"));
        leave_orphan(f, "o2");
        wait_for(f, count_placed(f) == 2);
        g_assert_cmpuint(f->nodes[0].n_orphans + f->nodes[1].n_orphans, ==, 2);
        g_assert_null(strstr(logged->str, "Host host-2 is lost"));
}

typedef void (*Test)(Fixture *f);

static void run_test(Fixture *f, gconstpointer test)
{
        if (f->redis)
                (*(const Test *)test)(f);
}

#define ADD(name, function)                                                                   \
        do {                                                                                  \
                static const Test test = test_##function;                                     \
                                                                                              \
                g_test_add("/redis-lost/" name, Fixture, &test, set_up, run_test, tear_down); \
        } while (0)

static void add_specs(void)
{
        ADD("spec-is-kept-of-those-agents-only", spec_is_kept_of_those_agents_only);
        ADD("spec-goes-with-its-agent", spec_goes_with_its_agent);
        ADD("agent-that-ends-while-the-server-is-away-leaves-no-spec",
                agent_that_ends_while_the_server_is_away_leaves_no_spec);
        ADD("spec-of-a-former-agent-goes-too", spec_of_a_former_agent_goes_too);
        ADD("spec-that-was-flushed-is-written-again", spec_that_was_flushed_is_written_again);
        ADD("scripts-that-were-flushed-do-not-keep-a-spec", scripts_that_were_flushed_do_not_keep_a_spec);
        ADD("foreign-value-is-replaced", foreign_value_is_replaced);
        ADD("spec-of-an-agent-that-is-in-our-set-only-goes", spec_of_an_agent_that_is_in_our_set_only_goes);
        ADD("spec-that-is-nobodys-goes", spec_that_is_nobodys_goes);
}

static void add_orphans(void)
{
        ADD("agents-of-a-lost-host-are-placed-once", agents_of_a_lost_host_are_placed_once);
        ADD("host-that-dies-over-it-is-followed-by-another", host_that_dies_over_it_is_followed_by_another);
        ADD("what-one-host-cannot-place-another-does", what_one_host_cannot_place_another_does);
        ADD("full-and-draining-hosts-leave-it-to-others", full_and_draining_hosts_leave_it_to_others);
        ADD("host-that-begins-to-drain-gives-the-lease-back",
                host_that_begins_to_drain_gives_the_lease_back);
        ADD("cut-off-host-loses-its-agent-when-it-is-back", cut_off_host_loses_its_agent_when_it_is_back);
        ADD("host-that-was-born-again-has-lost-its-agents", host_that_was_born_again_has_lost_its_agents);
        ADD("host-that-is-back-in-the-same-life-keeps-its-agents",
                host_that_is_back_in_the_same_life_keeps_its_agents);
        ADD("cleanup-leaves-orphans-alone", cleanup_leaves_orphans_alone);
        ADD("agent-that-was-let-go-of-is-not-placed-again", agent_that_was_let_go_of_is_not_placed_again);
}

static void add_patience(void)
{
        ADD("nobody-is-lost-soon-after-a-connect", nobody_is_lost_soon_after_a_connect);
        ADD("nobody-is-lost-soon-after-a-flush", nobody_is_lost_soon_after_a_flush);
        ADD("nobody-is-lost-soon-after-redis-was-away", nobody_is_lost_soon_after_redis_was_away);
        ADD("nobody-is-lost-soon-after-redis-was-full", nobody_is_lost_soon_after_redis_was_full);
        ADD("host-is-lost-at-the-second-check", host_is_lost_at_the_second_check);
        ADD("host-that-blinks-is-not-lost", host_that_blinks_is_not_lost);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        logged = g_string_new(NULL);
        log_set_sink(log_to_memory);
        add_specs();
        add_orphans();
        add_patience();
        return g_test_run();
}

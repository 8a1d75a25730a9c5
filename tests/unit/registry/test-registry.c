/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever is behind registry.h: the original's registry, case by case (R1 to R15, and R+ for what its code
 * does besides; ../../data/contract.txt), and what ours promises beyond it. */

#include <glib.h>
#include <string.h>

#include "host-address.h"
#include "registry-maker.h"
#include "time-util.h"

#define HOST_1 "host-1:50051"
#define HOST_2 "host-2:50051"
#define SETTLE_LIMIT_USEC (10 * USEC_PER_SEC)

typedef struct Fixture {
        sd_event *event;
        void *store; /* NULL: the test is skipped */
        Registry *one; /* host-1 */
        Registry *two; /* host-2 */
} Fixture;

/* What a call has answered, copied. */
typedef struct Answer {
        bool come;
        FaultKind kind;
        char *text; /* an address, or of the fault */
        GPtrArray *ids;
        GHashTable *load;
        uint64_t turn;
} Answer;

static void answer_done(Answer *a)
{
        g_free(a->text);
        g_clear_pointer(&a->ids, g_ptr_array_unref);
        g_clear_pointer(&a->load, g_hash_table_unref);
        *a = (Answer){ 0 };
}
#define _cleanup_answer_ _cleanup_(answer_done)

static void copy_answer(Answer *a, const RegistryAnswer *answer)
{
        a->text = g_strdup(answer->address);
        a->turn = answer->turn;
        a->ids = g_ptr_array_new_with_free_func(g_free);
        for (char *const *id = answer->ids; id && *id; id++)
                g_ptr_array_add(a->ids, g_strdup(*id));
        a->load = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (size_t i = 0; i < answer->n_load; i++)
                g_hash_table_insert(a->load, g_strdup(answer->load[i].hostname),
                        GUINT_TO_POINTER(answer->load[i].n_agents));
}

static void on_answer(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        Answer *a = userdata;

        g_assert_false(a->come);
        g_assert_true((answer == NULL) != (fault == NULL));
        a->come = true;
        if (fault) {
                a->kind = fault->kind;
                a->text = g_strdup(fault_text(fault));
        } else
                copy_answer(a, answer);
}

static void await(Fixture *f, const bool *come)
{
        uint64_t until = now_usec(CLOCK_MONOTONIC) + SETTLE_LIMIT_USEC;

        while (!*come) {
                g_assert_cmpint(sd_event_run(f->event, SETTLE_LIMIT_USEC), >=, 0);
                g_assert_cmpuint(now_usec(CLOCK_MONOTONIC), <, until);
        }
}

static void await_usable(Fixture *f, const Registry *registry)
{
        uint64_t until = now_usec(CLOCK_MONOTONIC) + SETTLE_LIMIT_USEC;

        while (registry_state(registry) != REGISTRY_OK && registry_state(registry) != REGISTRY_OFF) {
                g_assert_cmpint(sd_event_run(f->event, SETTLE_LIMIT_USEC), >=, 0);
                g_assert_cmpuint(now_usec(CLOCK_MONOTONIC), <, until);
        }
}

static void ignore_location(
        const char *id, LocationState state, const RegistryConflict *conflict, void *userdata)
{
        (void)id;
        (void)state;
        (void)conflict;
        (void)userdata;
}

static void ignore_state(RegistryState state, const Fault *why, void *userdata)
{
        (void)state;
        (void)why;
        (void)userdata;
}

static const RegistryHandlers no_handlers = {
        .location_changed = ignore_location,
        .state_changed = ignore_state,
};

static Registry *new_registry_with(
        Fixture *f, const char *address, uint64_t ttl_usec, const RegistryHandlers *handlers, void *userdata)
{
        Registry *registry =
                registry_maker.new_registry(f->store, f->event, address, ttl_usec, handlers, userdata);

        g_assert_nonnull(registry);
        await_usable(f, registry);
        return registry;
}

static Registry *new_registry(Fixture *f, const char *address)
{
        return new_registry_with(f, address, 0, &no_handlers, NULL);
}

static void set_up(Fixture *f, const void *data)
{
        (void)data;

        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        f->store = registry_maker.open();
        if (!f->store)
                return;
        f->one = new_registry(f, HOST_1);
        f->two = new_registry(f, HOST_2);
}

static void tear_down(Fixture *f, const void *data)
{
        (void)data;

        registry_free(f->one);
        registry_free(f->two);
        if (f->store)
                registry_maker.close(f->store);
        sd_event_unref(f->event);
}

/* Everything told before has reached the store. */
static void flush(Fixture *f, Registry *registry)
{
        _cleanup_answer_ Answer a = { 0 };

        registry_flush(registry, on_answer, &a, NULL);
        await(f, &a.come);
        g_assert_cmpint(a.kind, ==, FAULT_NONE);
}

static FaultKind claim(Fixture *f, Registry *registry, const char *id, bool takeover, char **ret_text)
{
        _cleanup_answer_ Answer a = { 0 };

        registry_claim(registry, id, takeover, on_answer, &a, NULL);
        await(f, &a.come);
        if (ret_text)
                *ret_text = g_steal_pointer(&a.text);
        return a.kind;
}

/* As an agent is launched, also from another host as the original did it. */
static void enter(Fixture *f, Registry *registry, const char *id)
{
        g_assert_cmpint(claim(f, registry, id, true, NULL), ==, FAULT_NONE);
        g_assert_cmpint(registry_put(registry, id), !=, LOCATION_LOST);
        flush(f, registry);
}

static void drop(Fixture *f, Registry *registry, const char *id)
{
        registry_drop(registry, id);
        flush(f, registry);
}

static void beat(Registry *registry)
{
        if (registry_maker.beat)
                registry_maker.beat(registry);
}

/* Asks either: both say the same. */
static void expect_at(Fixture *f, const char *id, const char *address)
{
        Registry *const registries[] = { f->one, f->two };

        for (size_t i = 0; i < ELEMENTSOF(registries); i++) {
                _cleanup_answer_ Answer a = { 0 };

                registry_find(registries[i], id, on_answer, &a, NULL);
                await(f, &a.come);
                g_assert_cmpint(a.kind, ==, FAULT_NONE);
                g_assert_cmpstr(a.text, ==, address);
        }
}

static gint compare_texts(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "a b c" */
static char *join_ids(GPtrArray *ids)
{
        g_ptr_array_sort(ids, compare_texts);
        g_ptr_array_add(ids, NULL);
        return g_strjoinv(" ", (char **)ids->pdata);
}

static void expect_members(Fixture *f, const char *hostname, const char *expected)
{
        _cleanup_answer_ Answer a = { 0 };
        g_autofree char *got = NULL;

        registry_members(f->one, hostname, on_answer, &a, NULL);
        await(f, &a.come);
        g_assert_cmpint(a.kind, ==, FAULT_NONE);
        got = join_ids(a.ids);
        g_assert_cmpstr(got, ==, expected);
}

static void expect_cleanup(Fixture *f, const char *expected)
{
        _cleanup_answer_ Answer a = { 0 };
        g_autofree char *got = NULL;

        registry_cleanup(f->one, on_answer, &a, NULL);
        await(f, &a.come);
        g_assert_cmpint(a.kind, ==, FAULT_NONE);
        got = join_ids(a.ids);
        g_assert_cmpstr(got, ==, expected);
}

/* "host-1=2 host-2=1" */
static void expect_load(Fixture *f, const char *expected)
{
        g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(g_free);
        _cleanup_answer_ Answer a = { 0 };
        g_autofree char *got = NULL;
        gpointer hostname, n;
        GHashTableIter i;

        registry_load(f->one, on_answer, &a, NULL);
        await(f, &a.come);
        g_assert_cmpint(a.kind, ==, FAULT_NONE);
        g_hash_table_iter_init(&i, a.load);
        while (g_hash_table_iter_next(&i, &hostname, &n))
                g_ptr_array_add(hosts, g_strdup_printf("%s=%u", (char *)hostname, GPOINTER_TO_UINT(n)));
        got = join_ids(hosts);
        g_assert_cmpstr(got, ==, expected);
}

/* The same, as the hosts themselves say it. */
static void expect_told(Fixture *f, const char *expected)
{
        static const char *const hostnames[] = { "host-1", "host-2", "host-9" };
        g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(g_free);
        _cleanup_answer_ Answer a = { 0 };
        g_autofree char *got = NULL;
        gpointer hostname, n;
        GHashTableIter i;

        registry_agents(f->one, hostnames, ELEMENTSOF(hostnames), on_answer, &a, NULL);
        await(f, &a.come);
        g_assert_cmpint(a.kind, ==, FAULT_NONE);
        g_hash_table_iter_init(&i, a.load);
        while (g_hash_table_iter_next(&i, &hostname, &n))
                g_ptr_array_add(hosts, g_strdup_printf("%s=%u", (char *)hostname, GPOINTER_TO_UINT(n)));
        got = join_ids(hosts);
        g_assert_cmpstr(got, ==, expected);
}

static void enter_three(Fixture *f)
{
        enter(f, f->one, "a1");
        enter(f, f->one, "a2");
        enter(f, f->two, "a3");
}

static void test_registered_agent_is_found(Fixture *f)
{
        enter(f, f->one, "a1");
        expect_at(f, "a1", HOST_1);
}

static void test_agents_have_addresses_of_their_own(Fixture *f)
{
        enter_three(f);
        expect_at(f, "a1", HOST_1);
        expect_at(f, "a2", HOST_1);
        expect_at(f, "a3", HOST_2);
}

static void test_unknown_agent_is_nowhere(Fixture *f)
{
        expect_at(f, "a1", NULL);
}

static void test_heartbeat_keeps_an_agent(Fixture *f)
{
        enter(f, f->one, "a1");
        beat(f->one);
        expect_at(f, "a1", HOST_1);
}

static void test_heartbeat_creates_nothing(Fixture *f)
{
        beat(f->one);
        expect_at(f, "a1", NULL);
        expect_load(f, "");
}

static void test_deregistered_agent_is_nowhere(Fixture *f)
{
        enter(f, f->one, "a1");
        drop(f, f->one, "a1");
        expect_at(f, "a1", NULL);
}

static void test_deregistered_agent_leaves_its_hosts_set(Fixture *f)
{
        enter(f, f->one, "a1");
        enter(f, f->one, "a2");
        drop(f, f->one, "a1");
        expect_members(f, "host-1", "a2");
}

static void test_load_counts_by_hostname(Fixture *f)
{
        enter_three(f);
        expect_load(f, "host-1=2 host-2=1");
}

static void test_load_of_nothing_is_empty(Fixture *f)
{
        expect_load(f, "");
}

static void test_hosts_say_how_many_agents_they_have(Fixture *f)
{
        enter_three(f);
        beat(f->one);
        beat(f->two);
        flush(f, f->one);
        flush(f, f->two);
        expect_told(f, "host-1=2 host-2=1");
}

static void test_agents_of_a_host_are_listed(Fixture *f)
{
        enter_three(f);
        expect_members(f, "host-1", "a1 a2");
        expect_members(f, "host-2", "a3");
}

static void test_unknown_host_has_no_agents(Fixture *f)
{
        enter(f, f->one, "a1");
        expect_members(f, "host-9", "");
}

static void test_location_expires(Fixture *f)
{
        uint64_t left;

        enter(f, f->one, "a1");
        left = registry_maker.ttl_usec(f->store, "a1");
        g_assert_cmpuint(left, >, 0);
        g_assert_cmpuint(left, <=, 60 * USEC_PER_SEC);
}

static void test_cleanup_removes_what_has_no_location(Fixture *f)
{
        enter(f, f->one, "a1");
        enter(f, f->one, "a2");
        registry_maker.expire(f->store, "a1");
        expect_cleanup(f, "a1");
        expect_members(f, "host-1", "a2");
        expect_cleanup(f, "");
}

static void test_moved_agent_leaves_the_old_hosts_set(Fixture *f)
{
        enter(f, f->one, "a1");
        enter(f, f->two, "a1");
        expect_at(f, "a1", HOST_2);
        expect_members(f, "host-1", "");
        expect_members(f, "host-2", "a1");
}

static void test_agent_survives_five_heartbeats(Fixture *f)
{
        enter(f, f->one, "a1");
        for (int i = 0; i < 5; i++) {
                beat(f->one);
                expect_at(f, "a1", HOST_1);
        }
}

static void test_new_port_of_the_same_host_replaces_the_address(Fixture *f)
{
        Registry *moved;

        enter(f, f->one, "a1");
        moved = new_registry(f, "host-1:6000");
        g_assert_cmpint(claim(f, moved, "a1", false, NULL), ==, FAULT_NONE);
        g_assert_cmpint(registry_put(moved, "a1"), !=, LOCATION_LOST);
        flush(f, moved);
        expect_at(f, "a1", "host-1:6000");
        expect_load(f, "host-1=1");
        registry_free(moved);
}

static void test_deregistering_an_unknown_agent_is_no_error(Fixture *f)
{
        enter(f, f->one, "a1");
        drop(f, f->one, "a2");
        expect_members(f, "host-1", "a1");
}

static void test_host_without_agents_has_no_load(Fixture *f)
{
        enter_three(f);
        drop(f, f->two, "a3");
        expect_load(f, "host-1=2");
}

static void run_for(Fixture *f, uint64_t usec)
{
        uint64_t until = now_usec(CLOCK_MONOTONIC) + usec, now;

        while ((now = now_usec(CLOCK_MONOTONIC)) < until)
                g_assert_cmpint(sd_event_run(f->event, until - now), >=, 0);
}

/* The host itself is gone, not only its agent. */
static void test_ttl_can_be_set(Fixture *f)
{
        Registry *brief = new_registry_with(f, "host-3:50051", USEC_PER_SEC, &no_handlers, NULL);

        enter(f, brief, "a1");
        expect_at(f, "a1", "host-3:50051");
        registry_free(brief);
        run_for(f, 2 * USEC_PER_SEC);
        expect_at(f, "a1", NULL);
}

static void test_heartbeat_renews_the_whole_ttl(Fixture *f)
{
        Registry *brief = new_registry_with(f, "host-3:50051", 2 * USEC_PER_SEC, &no_handlers, NULL);

        enter(f, brief, "a1");
        run_for(f, USEC_PER_SEC);
        beat(brief);
        registry_free(brief);
        run_for(f, 3 * USEC_PER_SEC / 2);
        expect_at(f, "a1", "host-3:50051");
}

static void test_cleanup_tells_an_id_once(Fixture *f)
{
        enter(f, f->one, "a1");
        registry_maker.expire(f->store, "a1");
        enter(f, f->two, "a1");
        registry_maker.expire(f->store, "a1");
        expect_cleanup(f, "a1");
        expect_load(f, "");
}

static void test_address_without_a_port_is_refused(Fixture *f)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        const RegistrySettings settings = { 0 };
        Registry *registry = NULL;

        g_assert_cmpint(
                registry_new(f->event, &settings, "nocolon", NULL, &no_handlers, NULL, &registry, &fault),
                ==, -EINVAL);
        g_assert_null(registry);
        g_assert_cmpint(fault.kind, ==, FAULT_INVALID_ARGS);
        g_assert_true(g_str_has_prefix(fault_text(&fault), "Invalid host address format: 'nocolon'"));
}

static void test_agent_that_moved_after_expiry_is_in_one_set(Fixture *f)
{
        enter(f, f->one, "a1");
        registry_maker.expire(f->store, "a1");
        enter(f, f->two, "a1");
        expect_cleanup(f, "");
        expect_load(f, "host-2=1");
        expect_at(f, "a1", HOST_2);
}

static void test_old_host_cannot_deregister_what_has_moved(Fixture *f)
{
        enter(f, f->one, "a1");
        enter(f, f->two, "a1");
        drop(f, f->one, "a1");
        expect_at(f, "a1", HOST_2);
        expect_members(f, "host-2", "a1");
}

static void test_hostname_of_an_ipv6_address_has_its_brackets(Fixture *f)
{
        Registry *six = new_registry(f, "[fd00::1]:50051");

        enter(f, six, "a1");
        expect_at(f, "a1", "[fd00::1]:50051");
        expect_members(f, "[fd00::1]", "a1");
        expect_load(f, "[fd00::1]=1");
        registry_free(six);
}

static void test_claimed_id_is_refused_to_others(Fixture *f)
{
        g_autofree char *why = NULL;

        g_assert_cmpint(claim(f, f->one, "a1", false, NULL), ==, FAULT_NONE);
        g_assert_cmpint(claim(f, f->two, "a1", false, &why), ==, FAULT_AGENT_EXISTS);
        g_assert_nonnull(strstr(why, HOST_1));
        expect_at(f, "a1", HOST_1);
}

static void test_claim_of_ones_own_is_granted_again(Fixture *f)
{
        enter(f, f->one, "a1");
        g_assert_cmpint(claim(f, f->one, "a1", false, NULL), ==, FAULT_NONE);
        expect_at(f, "a1", HOST_1);
}

static void test_claim_is_given_back(Fixture *f)
{
        g_assert_cmpint(claim(f, f->one, "a1", false, NULL), ==, FAULT_NONE);
        drop(f, f->one, "a1");
        expect_at(f, "a1", NULL);
        expect_load(f, "");
        g_assert_cmpint(claim(f, f->two, "a1", false, NULL), ==, FAULT_NONE);
}

static void test_claim_takes_over_where_asked_to(Fixture *f)
{
        enter(f, f->one, "a1");
        g_assert_cmpint(claim(f, f->two, "a1", true, NULL), ==, FAULT_NONE);
        expect_at(f, "a1", HOST_2);
}

static void test_put_without_a_claim_registers_what_is_free(Fixture *f)
{
        g_assert_cmpint(registry_put(f->one, "a1"), !=, LOCATION_LOST);
        flush(f, f->one);
        expect_at(f, "a1", HOST_1);
        expect_members(f, "host-1", "a1");
}

static void test_put_without_a_claim_leaves_others_alone(Fixture *f)
{
        enter(f, f->two, "a1");
        (void)registry_put(f->one, "a1");
        flush(f, f->one);
        expect_at(f, "a1", HOST_2);
        expect_load(f, "host-2=1");
}

static void test_repeated_put_is_one_entry(Fixture *f)
{
        for (int i = 0; i < 3; i++)
                g_assert_cmpint(registry_put(f->one, "a1"), !=, LOCATION_LOST);
        flush(f, f->one);
        expect_load(f, "host-1=1");
        drop(f, f->one, "a1");
        expect_load(f, "");
}

static void test_every_id_is_taken_as_it_is(Fixture *f)
{
        static const char *const ids[] = {
                " ",
                "a b",
                "a:b/c",
                "host_agents:host-1",
                "*?[a]\\{}$'\"",
                "%s%n",
                "\xf0\x9f\xa4\x96",
                "\xc3\xa4\xe2\x82\xac",
        };
        g_autofree char *longest = g_strnfill(255, 'x');

        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                enter(f, f->one, ids[i]);
                expect_at(f, ids[i], HOST_1);
                expect_members(f, "host-1", ids[i]);
                drop(f, f->one, ids[i]);
                expect_at(f, ids[i], NULL);
        }
        enter(f, f->one, longest);
        expect_members(f, "host-1", longest);
}

static void test_every_byte_of_an_id_is_kept(Fixture *f)
{
        unsigned n = 0;

        for (int c = 0x20; c < 0x7f; c++) {
                char id[] = { 'a', (char)c, 'b', '\0' };

                enter(f, f->one, id);
                expect_at(f, id, HOST_1);
                n++;
        }
        g_autofree char *load = g_strdup_printf("host-1=%u", n);
        expect_load(f, load);
}

static void expect_turn(Fixture *f, Registry *registry, uint64_t expected)
{
        _cleanup_answer_ Answer a = { 0 };

        registry_turn(registry, on_answer, &a, NULL);
        await(f, &a.come);
        g_assert_cmpint(a.kind, ==, FAULT_NONE);
        g_assert_cmpuint(a.turn, ==, expected);
}

static void test_turns_count_over_all_hosts(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 };

        expect_turn(f, f->one, 1);
        expect_turn(f, f->two, 2);
        expect_turn(f, f->one, 3);
        registry_reset_turn(f->two, on_answer, &a, NULL);
        await(f, &a.come);
        g_assert_cmpint(a.kind, ==, FAULT_NONE);
        expect_turn(f, f->one, 1);
}

/* Memory has answered before it can be freed. */
static void test_freed_call_is_never_answered(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 };
        RegistryCall *call = NULL;
        bool answered;

        registry_find(f->one, "a1", on_answer, &a, &call);
        answered = a.come;
        g_assert_true(answered == (call == NULL));
        registry_call_free(call);
        flush(f, f->one);
        g_assert_true(a.come == answered);
}

static void test_freed_claim_does_not_stand(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 };
        RegistryCall *call = NULL;

        registry_claim(f->one, "a1", false, on_answer, &a, &call);
        if (call)
                registry_call_free(call);
        else
                registry_drop(f->one, "a1");
        flush(f, f->one);
        expect_at(f, "a1", NULL);
        expect_load(f, "");
}

static void on_find_again(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        Registry *registry = ((gpointer *)userdata)[0];
        Answer *a = ((gpointer *)userdata)[1];

        g_assert_nonnull(answer);
        g_assert_null(fault);
        registry_find(registry, "a1", on_answer, a, NULL);
}

static void test_callback_may_ask_again(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 };
        gpointer both[] = { f->one, &a };

        enter(f, f->one, "a1");
        registry_find(f->one, "a1", on_find_again, both, NULL);
        await(f, &a.come);
        g_assert_cmpstr(a.text, ==, HOST_1);
}

/* Called at the end: a call that is open when the registry goes is answered. */
static void test_no_call_is_left_open(Fixture *f)
{
        _cleanup_answer_ Answer a = { 0 };
        RegistryCall *call = NULL;

        registry_load(f->two, on_answer, &a, &call);
        f->two = registry_free(f->two);
        g_assert_true(a.come);
        g_assert_null(call);
}

typedef void (*Test)(Fixture *f);

static void run_test(Fixture *f, gconstpointer test)
{
        if (f->store)
                (*(const Test *)test)(f);
}

#define ADD(name, function)                                                                 \
        do {                                                                                \
                static const Test test = test_##function;                                   \
                                                                                            \
                g_test_add("/registry/" name, Fixture, &test, set_up, run_test, tear_down); \
        } while (0)

static void add_cases_of_the_original(void)
{
        ADD("R1-registered-agent-is-found", registered_agent_is_found);
        ADD("R2-agents-have-addresses-of-their-own", agents_have_addresses_of_their_own);
        ADD("R3-unknown-agent-is-nowhere", unknown_agent_is_nowhere);
        ADD("R4-heartbeat-keeps-an-agent", heartbeat_keeps_an_agent);
        ADD("R5-heartbeat-creates-nothing", heartbeat_creates_nothing);
        ADD("R6-deregistered-agent-is-nowhere", deregistered_agent_is_nowhere);
        ADD("R7-deregistered-agent-leaves-its-hosts-set", deregistered_agent_leaves_its_hosts_set);
        ADD("R8-load-counts-by-hostname", load_counts_by_hostname);
        ADD("R9-load-of-nothing-is-empty", load_of_nothing_is_empty);
        ADD("R10-agents-of-a-host-are-listed", agents_of_a_host_are_listed);
        ADD("R11-unknown-host-has-no-agents", unknown_host_has_no_agents);
        ADD("R13-cleanup-removes-what-has-no-location", cleanup_removes_what_has_no_location);
        ADD("R14-moved-agent-leaves-the-old-hosts-set", moved_agent_leaves_the_old_hosts_set);
        ADD("R15-agent-survives-five-heartbeats", agent_survives_five_heartbeats);
        ADD("R+1-new-port-of-the-same-host-replaces-the-address",
                new_port_of_the_same_host_replaces_the_address);
        ADD("R+1-deregistering-an-unknown-agent-is-no-error", deregistering_an_unknown_agent_is_no_error);
        ADD("R+2-host-without-agents-has-no-load", host_without_agents_has_no_load);
        ADD("R+4-cleanup-tells-an-id-once", cleanup_tells_an_id_once);
        ADD("R+5-address-without-a-port-is-refused", address_without_a_port_is_refused);

        if (registry_maker.ttl_usec) {
                ADD("R12-location-expires", location_expires);
                ADD("R+3-ttl-can-be-set", ttl_can_be_set);
                ADD("R+3-heartbeat-renews-the-whole-ttl", heartbeat_renews_the_whole_ttl);
        }
}

static void add_what_is_ours(void)
{
        ADD("B2-agent-that-moved-after-expiry-is-in-one-set", agent_that_moved_after_expiry_is_in_one_set);
        ADD("B3-old-host-cannot-deregister-what-has-moved", old_host_cannot_deregister_what_has_moved);
        ADD("B5-hostname-of-an-ipv6-address-has-its-brackets", hostname_of_an_ipv6_address_has_its_brackets);
        ADD("claimed-id-is-refused-to-others", claimed_id_is_refused_to_others);
        ADD("claim-of-ones-own-is-granted-again", claim_of_ones_own_is_granted_again);
        ADD("claim-is-given-back", claim_is_given_back);
        ADD("claim-takes-over-where-asked-to", claim_takes_over_where_asked_to);
        ADD("put-without-a-claim-registers-what-is-free", put_without_a_claim_registers_what_is_free);
        ADD("put-without-a-claim-leaves-others-alone", put_without_a_claim_leaves_others_alone);
        ADD("repeated-put-is-one-entry", repeated_put_is_one_entry);
        ADD("every-id-is-taken-as-it-is", every_id_is_taken_as_it_is);
        ADD("every-byte-of-an-id-is-kept", every_byte_of_an_id_is_kept);
        ADD("hosts-say-how-many-agents-they-have", hosts_say_how_many_agents_they_have);
        ADD("turns-count-over-all-hosts", turns_count_over_all_hosts);
        ADD("freed-call-is-never-answered", freed_call_is_never_answered);
        ADD("freed-claim-does-not-stand", freed_claim_does_not_stand);
        ADD("callback-may-ask-again", callback_may_ask_again);
        ADD("no-call-is-left-open", no_call_is_left_open);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        add_cases_of_the_original();
        add_what_is_ours();
        return g_test_run();
}

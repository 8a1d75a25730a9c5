/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Orders of hosts: of what discovery and the registry say, whatever these do meanwhile. */

#include <glib.h>
#include <string.h>

#include "fake-registry.h"
#include "fleet-hosts.h"
#include "log.h"
#include "memory-store.h"
#include "memory.h"
#include "select.h"
#include "unusable.h"

typedef struct Fixture {
        sd_event *event;
        Registry *registry;
        Discovery *discovery;
        HostSelector *selector;
        HostSelection *selection;
        GString *told; /* "host-1 host-2; " */
        HostStatuses *statuses;
        unsigned n_counter_changes, n_agents, capacity;
        bool draining;
} Fixture;

static void ignore_log(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;
        (void)text;
}

static void on_location(
        const char *id, LocationState state, const RegistryConflict *conflict, void *userdata)
{
        (void)id;
        (void)state;
        (void)conflict;
        (void)userdata;
}

static void on_state(RegistryState state, const Fault *why, void *userdata)
{
        (void)state;
        (void)why;
        (void)userdata;
}

static const RegistryHandlers registry_handlers = {
        .location_changed = on_location,
        .state_changed = on_state,
};

static void on_hosts(Discovery *discovery, void *userdata)
{
        (void)discovery;
        (void)userdata;
}

/* peers: "host:port ..." */
static void set_hosts(Fixture *f, const char *peers)
{
        g_auto(GStrv) list = g_strsplit(peers, " ", -1);
        const DiscoverySettings settings = { .source = DISCOVERY_STATIC, .peers = peers[0] ? list : NULL };

        discovery_free(f->discovery);
        g_assert_cmpint(discovery_new(f->event, &settings, on_hosts, f, &f->discovery, NULL), ==, 0);
}

static void set_unusable_discovery(Fixture *f)
{
        _cleanup_fault_ Fault why = FAULT_INIT;

        fault_set(&why, FAULT_INVALID_ARGS, "Peers= is nonsense");
        discovery_free(f->discovery);
        f->discovery = discovery_unusable_new(&why);
}

static FakeRegistry *use_fake_registry(Fixture *f)
{
        FakeRegistry *fake = fake_registry_new(f->event, &registry_handlers, f);

        registry_free(f->registry);
        f->registry = &fake->registry;
        host_selector_registry_changed(f->selector);
        return fake;
}

static void use_registry_that_is_away(Fixture *f)
{
        _cleanup_fault_ Fault why = FAULT_INIT;

        fault_set(&why, FAULT_REGISTRY_UNAVAILABLE, "it is away");
        registry_free(f->registry);
        f->registry = registry_unusable_new(f->event, "host-1:50051", &why, &registry_handlers, f);
        host_selector_registry_changed(f->selector);
}

static void look(SelectView *ret, void *userdata)
{
        const Fixture *f = userdata;

        *ret = (SelectView){
                .registry = f->registry,
                .discovery = f->discovery,
                .hostname = "host-1",
                .address = "host-1:50051",
                .n_agents = f->n_agents,
                .capacity = f->capacity,
                .draining = f->draining,
                .statuses = f->statuses,
        };
}

static void on_counter(void *userdata)
{
        ((Fixture *)userdata)->n_counter_changes++;
}

static void set_up(Fixture *f, const void *data)
{
        static const SelectHandlers handlers = { .look = look, .counter_changed = on_counter };

        (void)data;

        log_set_sink(ignore_log);
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        f->told = g_string_new(NULL);
        f->statuses = host_statuses_new();
        f->registry = registry_memory_new(f->event, NULL, "host-1:50051", &registry_handlers, f);
        set_hosts(f, "host-3:50051 host-1:50051 host-2:50051");
        f->selector = host_selector_new(&handlers, f);
}

static void tear_down(Fixture *f, const void *data)
{
        (void)data;

        host_selector_free(f->selector);
        host_statuses_free(f->statuses);
        discovery_free(f->discovery);
        registry_free(f->registry);
        g_string_free(f->told, TRUE);
        sd_event_unref(f->event);
        log_set_sink(NULL);
}

static void on_selected(const HostOrder *order, const Fault *fault, void *userdata)
{
        Fixture *f = userdata;

        g_assert_true((order == NULL) != (fault == NULL));
        g_assert_null(f->selection);
        if (fault)
                g_string_append(f->told, fault_text(fault));
        for (size_t i = 0; order && i < order->n; i++)
                g_string_append_printf(f->told, "%s%s", i > 0 ? " " : "", order->hosts[i]->hostname);
        g_string_append(f->told, order && order->counted_here ? "!; " : "; ");
}

static void ask(Fixture *f, PlacementStrategy strategy)
{
        host_select(f->selector, strategy, on_selected, f, &f->selection);
}

static void expect_told(Fixture *f, const char *expected)
{
        g_assert_cmpstr(f->told->str, ==, expected);
        g_string_truncate(f->told, 0);
}

static void expect_order(Fixture *f, const char *expected)
{
        g_autofree char *whole = g_strconcat(expected, "; ", NULL);

        ask(f, PLACEMENT_ROUND_ROBIN);
        expect_told(f, whole);
}

static void grant_turn(FakeRegistry *fake, uint64_t turn)
{
        RegistryCall *call = g_steal_pointer(&fake->call);

        g_assert_nonnull(call);
        registry_call_finish(call, &(RegistryAnswer){ .turn = turn }, NULL);
}

static void grant_counts(FakeRegistry *fake, const RegistryLoad *load, size_t n)
{
        RegistryCall *call = g_steal_pointer(&fake->call);

        g_assert_nonnull(call);
        registry_call_finish(call, &(RegistryAnswer){ .load = load, .n_load = n }, NULL);
}

static void test_turns_go_round_in_the_order_of_hostnames(Fixture *f, const void *data)
{
        (void)data;

        for (int i = 0; i < 2; i++) {
                expect_order(f, "host-1 host-2 host-3");
                expect_order(f, "host-2 host-3 host-1");
                expect_order(f, "host-3 host-1 host-2");
        }
}

static void test_only_host_is_always_the_one(Fixture *f, const void *data)
{
        (void)data;

        set_hosts(f, "host-1:50051");
        for (int i = 0; i < 3; i++)
                expect_order(f, "host-1");
}

static void on_turn(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        g_assert_null(fault);
        *(uint64_t *)userdata = answer->turn;
}

static void test_no_hosts_use_no_turn(Fixture *f, const void *data)
{
        uint64_t turn = 0;

        (void)data;

        set_hosts(f, "");
        expect_order(f, "No agent hosts available");
        registry_turn(f->registry, on_turn, &turn, NULL);
        g_assert_cmpuint(turn, ==, 1);
}

static void test_unknown_hosts_are_another_error_than_none(Fixture *f, const void *data)
{
        (void)data;

        set_unusable_discovery(f);
        ask(f, PLACEMENT_ROUND_ROBIN);
        g_assert_nonnull(strstr(f->told->str, "Failed to discover agent hosts: "));
        g_assert_nonnull(strstr(f->told->str, "Peers= is nonsense"));
}

static void test_counter_begins_anew_after_a_reset(Fixture *f, const void *data)
{
        uint64_t ignored = 0;

        (void)data;

        expect_order(f, "host-1 host-2 host-3");
        expect_order(f, "host-2 host-3 host-1");
        registry_reset_turn(f->registry, on_turn, &ignored, NULL);
        expect_order(f, "host-1 host-2 host-3");
}

static void test_host_that_refused_comes_last(Fixture *f, const void *data)
{
        (void)data;

        host_selector_pass_over(f->selector, "host-1");
        expect_order(f, "host-2 host-3 host-1");
        expect_order(f, "host-2 host-3 host-1");
        expect_order(f, "host-3 host-2 host-1");
        host_selector_pass_over(f->selector, "host-2");
        host_selector_pass_over(f->selector, "host-3");
        expect_order(f, "host-1 host-2 host-3");
}

/* What they say is known by then. */
static void say(Fixture *f, const RegistryLoad *load, size_t n_load)
{
        FakeRegistry *fake = fake_registry_new(f->event, &registry_handlers, f);
        const DiscoveryHost *hosts;
        size_t n;

        hosts = discovery_hosts(f->discovery, &n);
        host_statuses_ask(f->statuses, &fake->registry, hosts, n, NULL, USEC_PER_SEC * 60);
        grant_counts(fake, load, n_load);
        registry_free(&fake->registry);
}

static void test_full_hosts_come_late_and_those_that_drain_last(Fixture *f, const void *data)
{
        static const RegistryLoad load[] = {
                { .hostname = "host-1", .draining = true, .capacity = 9 },
                { .hostname = "host-2", .n_agents = 9, .capacity = 9 },
                { .hostname = "host-3", .n_agents = 8, .capacity = 9 },
                { .hostname = "host-4", .n_agents = 1 },
                { .hostname = "host-9", .draining = true }, /* not one of ours any more */
        };

        (void)data;

        set_hosts(f, "host-1:1 host-2:1 host-3:1 host-4:1 host-5:1");
        say(f, load, ELEMENTSOF(load));
        host_selector_pass_over(f->selector, "host-5");
        expect_order(f, "host-3 host-4 host-5 host-2 host-1");
        expect_order(f, "host-3 host-4 host-5 host-2 host-1");
        expect_order(f, "host-3 host-4 host-5 host-2 host-1");
        expect_order(f, "host-4 host-3 host-5 host-2 host-1");

        /* They take agents again. */
        say(f, NULL, 0);
        expect_order(f, "host-1 host-2 host-3 host-4 host-5");
}

static void test_when_all_drain_they_are_asked_in_turn(Fixture *f, const void *data)
{
        static const RegistryLoad load[] = { { .hostname = "host-1", .draining = true },
                { .hostname = "host-2", .draining = true }, { .hostname = "host-3", .draining = true } };

        (void)data;

        say(f, load, ELEMENTSOF(load));
        expect_order(f, "host-1 host-2 host-3");
        expect_order(f, "host-2 host-3 host-1");
}

static void test_how_it_is_with_this_host_is_known_for_sure(Fixture *f, const void *data)
{
        static const RegistryLoad load[] = { { .hostname = "host-2", .draining = true } };

        (void)data;

        say(f, load, ELEMENTSOF(load));
        f->capacity = 2;
        f->n_agents = 1;
        expect_order(f, "host-1 host-3 host-2");
        f->n_agents = 2;
        expect_order(f, "host-3 host-1 host-2");
        f->n_agents = 0;
        f->draining = true;
        expect_order(f, "host-3 host-1 host-2");
        f->draining = false;
        expect_order(f, "host-1 host-3 host-2");
}

static void test_least_agents_does_not_prefer_a_host_that_drains(Fixture *f, const void *data)
{
        static const RegistryLoad draining[] = { { .hostname = "host-3", .draining = true } };
        static const RegistryLoad load[] = { { .hostname = "host-2", .n_agents = 5 },
                { .hostname = "host-1", .n_agents = 4 } };
        FakeRegistry *fake = use_fake_registry(f);

        (void)data;

        say(f, draining, 1);
        f->n_agents = 4;
        ask(f, PLACEMENT_LEAST_AGENTS);
        grant_turn(fake, 2);
        fake_registry_expect(fake, "ask something; agents host-2; ");
        grant_counts(fake, load, ELEMENTSOF(load));
        expect_told(f, "host-1 host-2 host-3; ");
}

static void test_waits_for_the_registrys_turn(Fixture *f, const void *data)
{
        FakeRegistry *fake = use_fake_registry(f);

        (void)data;

        ask(f, PLACEMENT_ROUND_ROBIN);
        g_assert_nonnull(f->selection);
        expect_told(f, "");
        grant_turn(fake, 6);
        expect_told(f, "host-3 host-1 host-2; ");
        g_assert_cmpint(host_selector_counter(f->selector), ==, PLACEMENT_COUNTER_SHARED);
}

static void test_order_is_of_the_hosts_when_the_turn_comes(Fixture *f, const void *data)
{
        FakeRegistry *fake = use_fake_registry(f);

        (void)data;

        ask(f, PLACEMENT_ROUND_ROBIN);
        set_hosts(f, "host-8:50051 host-9:50051");
        grant_turn(fake, 2);
        expect_told(f, "host-9 host-8; ");

        ask(f, PLACEMENT_ROUND_ROBIN);
        set_hosts(f, "");
        grant_turn(fake, 3);
        expect_told(f, "No agent hosts available; ");
}

static void test_freed_selection_is_not_answered(Fixture *f, const void *data)
{
        FakeRegistry *fake = use_fake_registry(f);

        (void)data;

        ask(f, PLACEMENT_ROUND_ROBIN);
        host_selection_free(f->selection);
        g_assert_null(f->selection);
        g_assert_null(fake->call);
        expect_told(f, "");
}

static void test_whoever_waits_is_answered_at_the_end(Fixture *f, const void *data)
{
        (void)data;

        (void)use_fake_registry(f);
        ask(f, PLACEMENT_ROUND_ROBIN);
        f->selector = host_selector_free(f->selector);
        expect_told(f, "agenthostd stops; ask again; ");
}

/* "host-2 host-3 host-1!; " and the like: the first of them. */
static unsigned first_of(Fixture *f)
{
        unsigned first = (unsigned)(f->told->str[strlen("host-")] - '1');

        g_assert_true(g_str_has_suffix(f->told->str, "!; "));
        g_string_truncate(f->told, 0);
        return first;
}

static void test_turns_are_counted_here_while_the_registry_is_away(Fixture *f, const void *data)
{
        unsigned first;

        (void)data;

        g_assert_cmpint(host_selector_counter(f->selector), ==, PLACEMENT_COUNTER_OFF);
        use_registry_that_is_away(f);
        ask(f, PLACEMENT_LEAST_AGENTS);
        g_assert_cmpint(host_selector_counter(f->selector), ==, PLACEMENT_COUNTER_LOCAL);
        g_assert_cmpuint(f->n_counter_changes, ==, 1);
        first = first_of(f);
        for (unsigned i = 1; i < 6; i++) {
                ask(f, PLACEMENT_ROUND_ROBIN);
                g_assert_cmpuint(first_of(f), ==, (first + i) % 3);
        }
        g_assert_cmpuint(f->n_counter_changes, ==, 1);

        (void)use_fake_registry(f);
        g_assert_cmpint(host_selector_counter(f->selector), ==, PLACEMENT_COUNTER_SHARED);
        g_assert_cmpuint(f->n_counter_changes, ==, 2);
}

static void test_registry_that_does_not_answer_is_not_waited_for_long(Fixture *f, const void *data)
{
        (void)data;

        (void)use_fake_registry(f);
        ask(f, PLACEMENT_ROUND_ROBIN);
        while (f->told->len == 0)
                g_assert_cmpint(sd_event_run(f->event, UINT64_MAX), >=, 0);
        (void)first_of(f);
}

static void test_least_agents_asks_for_the_next_two(Fixture *f, const void *data)
{
        static const RegistryLoad load[] = { { .hostname = "host-2", .n_agents = 5 },
                { .hostname = "host-3", .n_agents = 4 } };
        FakeRegistry *fake = use_fake_registry(f);

        (void)data;

        ask(f, PLACEMENT_LEAST_AGENTS);
        fake_registry_expect(fake, "ask something; ");
        grant_turn(fake, 2);
        fake_registry_expect(fake, "agents host-2 host-3; ");
        grant_counts(fake, load, ELEMENTSOF(load));
        expect_told(f, "host-3 host-2 host-1; ");

        /* One of them is not known. */
        ask(f, PLACEMENT_LEAST_AGENTS);
        grant_turn(fake, 2);
        grant_counts(fake, load, 1);
        expect_told(f, "host-2 host-3 host-1; ");
}

static void test_least_agents_knows_its_own(Fixture *f, const void *data)
{
        static const RegistryLoad load[] = { { .hostname = "host-2", .n_agents = 5 } };
        FakeRegistry *fake = use_fake_registry(f);

        (void)data;

        f->n_agents = 6;
        ask(f, PLACEMENT_LEAST_AGENTS);
        grant_turn(fake, 1);
        fake_registry_expect(fake, "ask something; agents host-2; ");
        grant_counts(fake, load, ELEMENTSOF(load));
        expect_told(f, "host-2 host-1 host-3; ");
}

static void test_least_agents_goes_on_without_counts(Fixture *f, const void *data)
{
        FakeRegistry *fake = use_fake_registry(f);

        (void)data;

        ask(f, PLACEMENT_LEAST_AGENTS);
        grant_turn(fake, 1);
        fake_registry_refuse(fake, FAULT_REGISTRY_UNAVAILABLE, "away");
        expect_told(f, "host-1 host-2 host-3; ");
}

static void test_least_agents_of_one_host_asks_nothing(Fixture *f, const void *data)
{
        FakeRegistry *fake = use_fake_registry(f);

        (void)data;

        set_hosts(f, "host-2:50051");
        ask(f, PLACEMENT_LEAST_AGENTS);
        grant_turn(fake, 1);
        expect_told(f, "host-2; ");
}

static void test_this_host_is_the_one_of_its_name_or_address(Fixture *f, const void *data)
{
        (void)data;

        g_assert_cmpstr(fleet_self(f->discovery, "host-2", "host-3:50051")->hostname, ==, "host-2");
        g_assert_cmpstr(fleet_self(f->discovery, "me", "host-3:50051")->hostname, ==, "host-3");
        g_assert_null(fleet_self(f->discovery, "me", "host-3:1"));
}

static void test_without_a_source_this_host_is_the_only_one(Fixture *f, const void *data)
{
        const DiscoverySettings settings = { .source = DISCOVERY_NONE, .self = (char *)"[fd00::1]:7" };
        const DiscoveryHost *hosts;
        size_t n;

        (void)data;

        discovery_free(f->discovery);
        g_assert_cmpint(discovery_new(f->event, &settings, on_hosts, f, &f->discovery, NULL), ==, 0);
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OFF);
        g_assert_cmpint(fleet_hosts(f->discovery, &hosts, &n, NULL), ==, 0);
        g_assert_cmpuint(n, ==, 1);
        g_assert_cmpstr(hosts[0].address, ==, "[fd00::1]:7");
        g_assert_cmpstr(hosts[0].ip, ==, "fd00::1");
        g_assert_true(hosts[0].ready);
        expect_order(f, "[fd00::1]");
}

static void test_strategies_are_those_it_can_do(Fixture *f, const void *data)
{
        PlacementStrategy strategy = _PLACEMENT_STRATEGY_MAX;
        _cleanup_fault_ Fault fault = FAULT_INIT;

        (void)f;
        (void)data;

        g_assert_cmpint(select_strategy_parse("least-agents", &strategy, NULL), ==, 0);
        g_assert_cmpint(strategy, ==, PLACEMENT_LEAST_AGENTS);
        g_assert_cmpint(select_strategy_parse("spread-guild", &strategy, &fault), <, 0);
        g_assert_cmpint(strategy, ==, PLACEMENT_LEAST_AGENTS);
        g_assert_nonnull(strstr(fault_text(&fault), "'round-robin' and 'least-agents'"));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, test) g_test_add("/select/" name, Fixture, NULL, set_up, test_##test, tear_down)
        ADD("turns-go-round-in-the-order-of-hostnames", turns_go_round_in_the_order_of_hostnames);
        ADD("only-host-is-always-the-one", only_host_is_always_the_one);
        ADD("no-hosts-use-no-turn", no_hosts_use_no_turn);
        ADD("unknown-hosts-are-another-error-than-none", unknown_hosts_are_another_error_than_none);
        ADD("counter-begins-anew-after-a-reset", counter_begins_anew_after_a_reset);
        ADD("host-that-refused-comes-last", host_that_refused_comes_last);
        ADD("full-hosts-come-late-and-those-that-drain-last",
                full_hosts_come_late_and_those_that_drain_last);
        ADD("when-all-drain-they-are-asked-in-turn", when_all_drain_they_are_asked_in_turn);
        ADD("how-it-is-with-this-host-is-known-for-sure", how_it_is_with_this_host_is_known_for_sure);
        ADD("least-agents-does-not-prefer-a-host-that-drains",
                least_agents_does_not_prefer_a_host_that_drains);
        ADD("waits-for-the-registrys-turn", waits_for_the_registrys_turn);
        ADD("order-is-of-the-hosts-when-the-turn-comes", order_is_of_the_hosts_when_the_turn_comes);
        ADD("freed-selection-is-not-answered", freed_selection_is_not_answered);
        ADD("whoever-waits-is-answered-at-the-end", whoever_waits_is_answered_at_the_end);
        ADD("turns-are-counted-here-while-the-registry-is-away",
                turns_are_counted_here_while_the_registry_is_away);
        ADD("registry-that-does-not-answer-is-not-waited-for-long",
                registry_that_does_not_answer_is_not_waited_for_long);
        ADD("least-agents-asks-for-the-next-two", least_agents_asks_for_the_next_two);
        ADD("least-agents-knows-its-own", least_agents_knows_its_own);
        ADD("least-agents-goes-on-without-counts", least_agents_goes_on_without_counts);
        ADD("least-agents-of-one-host-asks-nothing", least_agents_of_one_host_asks_nothing);
        ADD("this-host-is-the-one-of-its-name-or-address", this_host_is_the_one_of_its_name_or_address);
        ADD("without-a-source-this-host-is-the-only-one", without_a_source_this_host_is_the_only_one);
        ADD("strategies-are-those-it-can-do", strategies_are_those_it_can_do);
        return g_test_run();
}

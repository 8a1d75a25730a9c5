/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What other hosts say of themselves, and for how long that counts. */

#include <glib.h>
#include <string.h>

#include "fake-registry.h"
#include "host-statuses.h"
#include "log.h"
#include "time-util.h"

#define VALID_USEC (60 * USEC_PER_SEC)

typedef struct Fixture {
        sd_event *event;
        FakeRegistry *fake;
        HostStatuses *statuses;
        uint64_t now_usec; /* at the beginning */
} Fixture;

static void ignore_log(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;
        (void)text;
}

static void set_up(Fixture *f, const void *data)
{
        static const RegistryHandlers handlers = { 0 };

        (void)data;

        log_set_sink(ignore_log);
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        f->fake = fake_registry_new(f->event, &handlers, f);
        f->statuses = host_statuses_new();
        f->now_usec = now_usec(CLOCK_MONOTONIC);
}

static void tear_down(Fixture *f, const void *data)
{
        (void)data;

        host_statuses_free(f->statuses);
        registry_free(&f->fake->registry);
        sd_event_unref(f->event);
        log_set_sink(NULL);
}

static const DiscoveryHost two[] = { { .hostname = "host-1" }, { .hostname = "host-2" } };

static void ask(Fixture *f, const DiscoveryHost *hosts, size_t n)
{
        host_statuses_ask(f->statuses, &f->fake->registry, hosts, n, NULL, VALID_USEC);
}

static void tell(Fixture *f, const RegistryLoad *load, size_t n)
{
        RegistryCall *call = g_steal_pointer(&f->fake->call);

        g_assert_nonnull(call);
        registry_call_finish(call, &(RegistryAnswer){ .load = load, .n_load = n }, NULL);
}

static void ask_and_tell(Fixture *f, const RegistryLoad *load, size_t n)
{
        ask(f, two, ELEMENTSOF(two));
        tell(f, load, n);
}

static int compare_texts(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "host-1 draining, host-2 full", sorted. */
static void expect_unwilling(Fixture *f, uint64_t now, const char *expected)
{
        g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *got = NULL;
        const char *hostname;
        HostStatus status;

        for (size_t i = 0; (hostname = host_statuses_next_unwilling(f->statuses, now, &i, &status));)
                g_ptr_array_add(found, g_strconcat(hostname, status.draining ? " draining" : " full", NULL));
        g_ptr_array_sort(found, compare_texts);
        g_ptr_array_add(found, NULL);
        got = g_strjoinv(", ", (char **)found->pdata);
        g_assert_cmpstr(got, ==, expected);
}

static void test_nothing_is_known_before_the_first_answer(Fixture *f, const void *data)
{
        HostStatus status;

        (void)data;

        ask(f, two, ELEMENTSOF(two));
        fake_registry_expect(f->fake, "agents host-1 host-2; ");
        g_assert_false(host_statuses_find(f->statuses, "host-1", f->now_usec, &status));
        expect_unwilling(f, f->now_usec, "");
}

static void test_what_a_host_says_is_known(Fixture *f, const void *data)
{
        static const RegistryLoad load[] = { { .hostname = "host-2", .n_agents = 3, .capacity = 7 } };
        HostStatus status;

        (void)data;

        ask_and_tell(f, load, 1);
        g_assert_false(host_statuses_find(f->statuses, "host-1", f->now_usec, &status));
        g_assert_true(host_statuses_find(f->statuses, "host-2", f->now_usec, &status));
        g_assert_cmpuint(status.n_agents, ==, 3);
        g_assert_cmpuint(status.capacity, ==, 7);
        g_assert_false(status.draining);
        expect_unwilling(f, f->now_usec, "");
}

static void test_unwilling_are_those_that_drain_or_are_full(Fixture *f, const void *data)
{
        static const RegistryLoad first[] = { { .hostname = "host-1", .draining = true },
                { .hostname = "host-2", .n_agents = 8, .capacity = 7 } };
        /* A capacity that is not known is none that is reached. */
        static const RegistryLoad second[] = { { .hostname = "host-2", .n_agents = 8 } };

        (void)data;

        ask_and_tell(f, first, ELEMENTSOF(first));
        expect_unwilling(f, f->now_usec, "host-1 draining, host-2 full");
        ask_and_tell(f, second, ELEMENTSOF(second));
        expect_unwilling(f, f->now_usec, "");
}

static void test_what_was_said_counts_for_a_while(Fixture *f, const void *data)
{
        static const RegistryLoad load[] = { { .hostname = "host-1", .draining = true } };
        uint64_t over = f->now_usec + VALID_USEC + 60 * USEC_PER_SEC;
        HostStatus status;

        (void)data;

        ask_and_tell(f, load, 1);
        expect_unwilling(f, f->now_usec + VALID_USEC - 1, "host-1 draining");
        expect_unwilling(f, over, "");
        g_assert_false(host_statuses_find(f->statuses, "host-1", over, &status));

        /* Redis is away meanwhile. */
        ask(f, two, ELEMENTSOF(two));
        fake_registry_refuse(f->fake, FAULT_REGISTRY_UNAVAILABLE, "away");
        expect_unwilling(f, f->now_usec + VALID_USEC - 1, "host-1 draining");
}

static void test_nothing_is_known_when_it_is_forgotten(Fixture *f, const void *data)
{
        const RegistryLoad full = { .hostname = "host-1", .n_agents = 5, .capacity = 5 };
        HostStatus status;

        (void)data;

        ask_and_tell(f, &full, 1);
        expect_unwilling(f, f->now_usec, "host-1 full");
        ask(f, two, ELEMENTSOF(two));
        host_statuses_forget(f->statuses);
        g_assert_null(f->fake->call);
        expect_unwilling(f, f->now_usec, "");
        g_assert_false(host_statuses_find(f->statuses, "host-1", f->now_usec, &status));

        ask_and_tell(f, &full, 1);
        expect_unwilling(f, f->now_usec, "host-1 full");
}

static void test_question_is_asked_once_at_a_time(Fixture *f, const void *data)
{
        (void)data;

        ask(f, two, ELEMENTSOF(two));
        ask(f, two, ELEMENTSOF(two));
        fake_registry_expect(f->fake, "agents host-1 host-2; ");
        tell(f, NULL, 0);
        host_statuses_ask(f->statuses, &f->fake->registry, two, ELEMENTSOF(two), &two[0], VALID_USEC);
        fake_registry_expect(f->fake, "agents host-2; ");
        tell(f, NULL, 0);

        /* Nobody but us. */
        host_statuses_ask(f->statuses, &f->fake->registry, two, 1, &two[0], VALID_USEC);
        ask(f, two, 0);
        fake_registry_expect(f->fake, "");
}

static void test_many_hosts_have_their_turns(Fixture *f, const void *data)
{
        const size_t n = 2 * HOST_STATUSES_AT_ONCE + 1;
        g_autofree DiscoveryHost *hosts = g_new0(DiscoveryHost, n);
        g_autoptr(GHashTable) asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        (void)data;

        for (size_t i = 0; i < n; i++)
                hosts[i].hostname = g_strdup_printf("host-%zu", i);
        for (int round = 0; round < 3; round++) {
                g_auto(GStrv) words = NULL;

                ask(f, hosts, n);
                words = g_strsplit(f->fake->heard->str + strlen("agents "), " ", -1);
                /* With what stands behind the last. */
                g_assert_cmpuint(g_strv_length(words), ==, HOST_STATUSES_AT_ONCE + 1);
                for (size_t i = 0; i < HOST_STATUSES_AT_ONCE; i++)
                        g_hash_table_add(asked, g_strdelimit(g_strdup(words[i]), ";", '\0'));
                g_string_truncate(f->fake->heard, 0);
                tell(f, NULL, 0);
        }
        g_assert_cmpuint(g_hash_table_size(asked), ==, n);
        for (size_t i = 0; i < n; i++)
                g_free((char *)hosts[i].hostname);
}

static void test_freed_while_it_waits_nothing_comes(Fixture *f, const void *data)
{
        (void)data;

        ask(f, two, ELEMENTSOF(two));
        f->statuses = host_statuses_free(f->statuses);
        fake_registry_expect(f->fake, "agents host-1 host-2; cancel it; ");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, test) g_test_add("/host-statuses/" name, Fixture, NULL, set_up, test_##test, tear_down)
        ADD("nothing-is-known-before-the-first-answer", nothing_is_known_before_the_first_answer);
        ADD("what-a-host-says-is-known", what_a_host_says_is_known);
        ADD("unwilling-are-those-that-drain-or-are-full", unwilling_are_those_that_drain_or_are_full);
        ADD("what-was-said-counts-for-a-while", what_was_said_counts_for_a_while);
        ADD("nothing-is-known-when-it-is-forgotten", nothing_is_known_when_it_is_forgotten);
        ADD("question-is-asked-once-at-a-time", question_is_asked_once_at_a_time);
        ADD("many-hosts-have-their-turns", many_hosts_have_their_turns);
        ADD("freed-while-it-waits-nothing-comes", freed_while_it_waits_nothing_comes);
        return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What registry.c does for every backend: calls have an owner, an end and a cancel path. */

#include <glib.h>
#include <string.h>

#include "fake-registry.h"
#include "time-util.h"
#include "unusable.h"

typedef struct Fixture {
        sd_event *event;
        FakeRegistry *fake;
        GString *told; /* by the handlers and callbacks */
} Fixture;

static void on_location(
        const char *id, LocationState state, const RegistryConflict *conflict, void *userdata)
{
        Fixture *f = userdata;

        g_string_append_printf(
                f->told, "%s %s %s; ", id, location_state_name(state), conflict ? conflict->address : "-");
}

static void on_state(RegistryState state, const Fault *why, void *userdata)
{
        Fixture *f = userdata;

        g_string_append_printf(f->told, "%s %s; ", registry_state_name(state), why ? fault_text(why) : "-");
}

static void on_answer(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        Fixture *f = userdata;

        g_assert_true((answer == NULL) != (fault == NULL));
        g_string_append_printf(f->told, "%s; ", fault ? fault_text(fault) : "done");
}

static const RegistryHandlers handlers = { .location_changed = on_location, .state_changed = on_state };

static void set_up(Fixture *f, const void *data)
{
        (void)data;

        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        f->told = g_string_new(NULL);
        f->fake = fake_registry_new(f->event, &handlers, f);
}

static void tear_down(Fixture *f, const void *data)
{
        (void)data;

        if (f->fake)
                registry_free(&f->fake->registry);
        g_string_free(f->told, true);
        sd_event_unref(f->event);
}

static void expect_told(Fixture *f, const char *expected)
{
        g_assert_cmpstr(f->told->str, ==, expected);
        g_string_truncate(f->told, 0);
}

static void test_holder_is_empty_when_its_call_is_answered(Fixture *f, const void *data)
{
        RegistryCall *call = NULL;

        (void)data;

        registry_claim(&f->fake->registry, "a1", true, on_answer, f, &call);
        g_assert_nonnull(call);
        fake_registry_expect(f->fake, "take a1; ");
        fake_registry_grant(f->fake);
        g_assert_null(call);
        expect_told(f, "done; ");
        fake_registry_expect(f->fake, "");
}

static void test_call_without_a_holder_is_answered_too(Fixture *f, const void *data)
{
        (void)data;

        registry_find(&f->fake->registry, "a1", on_answer, f, NULL);
        fake_registry_refuse(f->fake, FAULT_REGISTRY_UNAVAILABLE, "away");
        expect_told(f, "away; ");
}

static void test_freed_call_is_cancelled(Fixture *f, const void *data)
{
        RegistryCall *call = NULL;

        (void)data;

        registry_claim(&f->fake->registry, "a1", false, on_answer, f, &call);
        g_assert_null(registry_call_free(call));
        g_assert_null(call);
        fake_registry_expect(f->fake, "claim a1; cancel it; ");
        expect_told(f, "");
}

static void test_claim_that_is_not_answered_ends(Fixture *f, const void *data)
{
        uint64_t begin = now_usec(CLOCK_MONOTONIC);
        RegistryCall *call = NULL;

        (void)data;

        registry_claim(&f->fake->registry, "a1", false, on_answer, f, &call);
        while (call)
                g_assert_cmpint(sd_event_run(f->event, UINT64_MAX), >=, 0);
        g_assert_cmpuint(now_usec(CLOCK_MONOTONIC) - begin, >=, REGISTRY_CLAIM_LIMIT_USEC);
        g_assert_true(g_str_has_prefix(f->told->str, "The registry has not answered in time"));
        fake_registry_expect(f->fake, "claim a1; cancel it; ");
}

static void test_open_calls_are_answered_at_the_end(Fixture *f, const void *data)
{
        RegistryCall *call = NULL;

        (void)data;

        registry_load(&f->fake->registry, on_answer, f, &call);
        registry_turn(&f->fake->registry, on_answer, f, NULL);
        g_assert_null(registry_free(&f->fake->registry));
        f->fake = NULL;
        g_assert_null(call);
        g_assert_nonnull(strstr(f->told->str, "being closed"));
        g_assert_nonnull(strstr(strstr(f->told->str, "being closed") + 1, "being closed"));
}

static void test_only_changes_of_the_state_are_told(Fixture *f, const void *data)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        (void)data;

        fault_set(&fault, FAULT_REGISTRY_UNAVAILABLE, "away");
        registry_set_state(&f->fake->registry, REGISTRY_OK, NULL);
        expect_told(f, "");
        registry_set_state(&f->fake->registry, REGISTRY_STALE, &fault);
        registry_set_state(&f->fake->registry, REGISTRY_STALE, &fault);
        registry_set_state(&f->fake->registry, REGISTRY_DOWN, &fault);
        registry_set_state(&f->fake->registry, REGISTRY_OK, NULL);
        expect_told(f, "stale away; down away; ok -; ");
}

static void test_conflict_names_who_has_it(Fixture *f, const void *data)
{
        (void)data;

        registry_tell_location(&f->fake->registry, "a1", LOCATION_REGISTERED, NULL);
        registry_tell_location(&f->fake->registry, "a1", LOCATION_LOST,
                &(RegistryConflict){ .address = "host-2:50051", .alive = true });
        expect_told(f, "a1 registered -; a1 lost host-2:50051; ");
}

static void test_unusable_registry_says_why(Fixture *f, const void *data)
{
        _cleanup_fault_ Fault why = FAULT_INIT;
        const char *hostname = "host-1";
        Registry *registry;

        (void)data;

        fault_set(&why, FAULT_INVALID_ARGS, "RedisUrl= is nonsense");
        registry = registry_unusable_new(f->event, "host-1:50051", &why, &handlers, f);
        g_assert_cmpint(registry_state(registry), ==, REGISTRY_DOWN);
        g_assert_cmpint(registry_put(registry, "a1"), ==, LOCATION_PENDING);
        registry_drop(registry, "a1");
        registry_describe(registry, &(RegistryHostInfo){ .capacity = 1 });

        registry_claim(registry, "a1", false, on_answer, f, NULL);
        g_assert_nonnull(strstr(f->told->str, "RedisUrl= is nonsense"));
        g_string_truncate(f->told, 0);
        registry_find(registry, "a1", on_answer, f, NULL);
        registry_members(registry, "host-1", on_answer, f, NULL);
        registry_agents(registry, &hostname, 1, on_answer, f, NULL);
        registry_load(registry, on_answer, f, NULL);
        registry_cleanup(registry, on_answer, f, NULL);
        registry_turn(registry, on_answer, f, NULL);
        registry_reset_turn(registry, on_answer, f, NULL);
        registry_flush(registry, on_answer, f, NULL);
        g_auto(GStrv) answers = g_strsplit(f->told->str, "RedisUrl= is nonsense", -1);
        g_assert_cmpuint(g_strv_length(answers), ==, 8 + 1);
        registry_free(registry);
}

static void test_settings_are_copied_and_compared(void)
{
        RegistrySettings a = { .url = g_strdup("redis://x"), .heartbeat_usec = 1, .ttl_usec = 2 }, b;

        registry_settings_copy(&a, &b);
        g_assert_true(registry_settings_equal(&a, &b));
        g_assert_cmpstr(b.url, ==, "redis://x");
        g_assert_true(a.url != b.url);

        b.ttl_usec = 3;
        g_assert_false(registry_settings_equal(&a, &b));
        b.ttl_usec = 2;
        b.password = g_strdup("x");
        g_assert_false(registry_settings_equal(&a, &b));
        registry_settings_done(&b);
        g_assert_null(b.url);
        registry_settings_done(&a);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) \
        g_test_add("/registry-call/" name, Fixture, NULL, set_up, test_##function, tear_down)
        ADD("holder-is-empty-when-its-call-is-answered", holder_is_empty_when_its_call_is_answered);
        ADD("call-without-a-holder-is-answered-too", call_without_a_holder_is_answered_too);
        ADD("freed-call-is-cancelled", freed_call_is_cancelled);
        ADD("claim-that-is-not-answered-ends", claim_that_is_not_answered_ends);
        ADD("open-calls-are-answered-at-the-end", open_calls_are_answered_at_the_end);
        ADD("only-changes-of-the-state-are-told", only_changes_of_the_state_are_told);
        ADD("conflict-names-who-has-it", conflict_names_who_has_it);
        ADD("unusable-registry-says-why", unusable_registry_says_why);
#undef ADD
        g_test_add_func(
                "/registry-call/settings-are-copied-and-compared", test_settings_are_copied_and_compared);
        return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What polkit is asked, and what becomes of its answers: it is played here, on a message bus of our own. */

#include <grp.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "access.h"
#include "log.h"
#include "macros.h"
#include "private-bus.h"

#define SERVICE_NAME "org.agenthost.Test"
#define UID_NOBODY 65534

typedef struct Fixture {
        PrivateBus *bus;
        sd_event *event;
        sd_bus *service, *polkit, *caller;
        Access *access;
        unsigned n_acted;

        /* what polkit was asked last; NULL: nothing */
        unsigned n_asked;
        sd_bus_message *question;
        char *subject, *action, *details, *cancellation_id, *cancelled;
        uint32_t flags;

        sd_bus_message *answer; /* to the caller */
} Fixture;

static int act_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Fixture *f = userdata;
        const char *text;

        (void)error;

        /* From its beginning, whoever has read it before. */
        g_assert_cmpint(sd_bus_message_read(m, "s", &text), >, 0);
        g_assert_cmpstr(text, ==, "argument");
        f->n_acted++;
        return sd_bus_reply_method_return(m, NULL);
}

static int method_act(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Fixture *f = userdata;

        return access_require(f->access, m, act_allowed, f, error);
}

static const sd_bus_vtable service_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Act", "s", NULL, method_act, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void describe(sd_bus_message *call, AccessDetails *ret, void *userdata)
{
        const char *text;

        (void)userdata;

        g_assert_cmpint(sd_bus_message_read(call, "s", &text), >, 0);
        ret->verb = g_strdup(sd_bus_message_get_member(call));
        ret->guild = g_strdup(text);
        g_assert_cmpint(sd_bus_message_rewind(call, true), >=, 0);
}

static char *read_details(sd_bus_message *m)
{
        g_autoptr(GString) text = g_string_new(NULL);
        const char *key, *value;

        g_assert_cmpint(sd_bus_message_enter_container(m, 'a', "{ss}"), >, 0);
        while (sd_bus_message_read(m, "{ss}", &key, &value) > 0)
                g_string_append_printf(text, "%s=%s ", key, value);
        g_assert_cmpint(sd_bus_message_exit_container(m), >=, 0);
        return g_string_free(g_steal_pointer(&text), FALSE);
}

static int on_check(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *kind, *key, *name, *action, *cancellation_id;
        Fixture *f = userdata;

        (void)error;

        g_assert_cmpint(sd_bus_message_read(m, "(sa{sv})s", &kind, 1, &key, "s", &name, &action), >, 0);
        g_assert_cmpstr(kind, ==, "system-bus-name");
        g_assert_cmpstr(key, ==, "name");
        f->details = read_details(m);
        g_assert_cmpint(sd_bus_message_read(m, "us", &f->flags, &cancellation_id), >, 0);
        f->subject = g_strdup(name);
        f->action = g_strdup(action);
        f->cancellation_id = g_strdup(cancellation_id);
        f->question = sd_bus_message_ref(m);
        f->n_asked++;
        return 1;
}

static int on_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *cancellation_id;
        Fixture *f = userdata;

        (void)error;

        g_assert_cmpint(sd_bus_message_read(m, "s", &cancellation_id), >, 0);
        f->cancelled = g_strdup(cancellation_id);
        return sd_bus_reply_method_return(m, NULL);
}

/* No vtable: it would not let us answer wrongly. */
static int on_polkit_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *interface = "org.freedesktop.PolicyKit1.Authority";

        if (sd_bus_message_is_method_call(m, interface, "CheckAuthorization") > 0)
                return on_check(m, userdata, error);
        if (sd_bus_message_is_method_call(m, interface, "CancelCheckAuthorization") > 0)
                return on_cancel(m, userdata, error);
        return 0;
}

static void connect_service(Fixture *f)
{
        g_assert_cmpint(private_bus_connect(f->bus, &f->service), ==, 0);
        g_assert_cmpint(sd_bus_request_name(f->service, SERVICE_NAME, 0), >=, 0);
        g_assert_cmpint(
                sd_bus_add_object_vtable(f->service, NULL, "/test", SERVICE_NAME, service_vtable, f), >=, 0);
        g_assert_cmpint(sd_bus_attach_event(f->service, f->event, 0), >=, 0);
        f->access = access_new(f->service, describe, NULL);
}

static void connect_polkit(Fixture *f)
{
        g_assert_cmpint(private_bus_connect(f->bus, &f->polkit), ==, 0);
        g_assert_cmpint(sd_bus_request_name(f->polkit, "org.freedesktop.PolicyKit1", 0), >=, 0);
        g_assert_cmpint(sd_bus_add_object(
                                f->polkit, NULL, "/org/freedesktop/PolicyKit1/Authority", on_polkit_call, f),
                >=, 0);
        g_assert_cmpint(sd_bus_attach_event(f->polkit, f->event, 0), >=, 0);
}

/* As nobody: who we are is looked at by the kernel when we connect. */
static void connect_caller(Fixture *f)
{
        g_assert_cmpint(setgroups(0, NULL), ==, 0);
        g_assert_cmpint(seteuid(UID_NOBODY), ==, 0);
        g_assert_cmpint(private_bus_connect(f->bus, &f->caller), ==, 0);
        g_assert_cmpint(seteuid(0), ==, 0);
        g_assert_cmpint(sd_bus_attach_event(f->caller, f->event, 0), >=, 0);
}

static void fixture_up(Fixture *f, gconstpointer data)
{
        (void)data;

        f->bus = private_bus_new();
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        connect_service(f);
        connect_polkit(f);
        connect_caller(f);
}

static void forget_question(Fixture *f)
{
        sd_bus_message_unref(f->question);
        g_free(f->subject);
        g_free(f->action);
        g_free(f->details);
        g_free(f->cancellation_id);
        g_free(f->cancelled);
        f->question = NULL;
        f->subject = f->action = f->details = f->cancellation_id = f->cancelled = NULL;
}

static void fixture_down(Fixture *f, gconstpointer data)
{
        (void)data;

        forget_question(f);
        access_free(f->access);
        sd_bus_message_unref(f->answer);
        sd_bus_flush_close_unref(f->caller);
        sd_bus_flush_close_unref(f->polkit);
        sd_bus_flush_close_unref(f->service);
        sd_event_unref(f->event);
        private_bus_free(f->bus);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Fixture *f = userdata;

        (void)error;

        f->answer = sd_bus_message_ref(m);
        return 0;
}

static void call(Fixture *f, bool interactive)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        f->answer = sd_bus_message_unref(f->answer);
        g_assert_cmpint(
                sd_bus_message_new_method_call(f->caller, &m, SERVICE_NAME, "/test", SERVICE_NAME, "Act"),
                >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "s", "argument"), >=, 0);
        g_assert_cmpint(sd_bus_message_set_allow_interactive_authorization(m, interactive), >=, 0);
        g_assert_cmpint(sd_bus_call_async(f->caller, NULL, m, on_answer, f, UINT64_MAX), >=, 0);
}

#define run_until(f, condition) \
        while (!(condition))    \
        g_assert_cmpint(sd_event_run((f)->event, 30 * USEC_PER_SEC), >, 0)

static void call_until_asked(Fixture *f, bool interactive)
{
        forget_question(f);
        call(f, interactive);
        run_until(f, f->question);
}

static void polkit_says(Fixture *f, int authorized, int challenge)
{
        g_assert_cmpint(
                sd_bus_reply_method_return(f->question, "(bba{ss})", authorized, challenge, 1, "a", "b"), >=,
                0);
        run_until(f, f->answer);
}

static void expect_error(const Fixture *f, const char *name, const char *part)
{
        const sd_bus_error *error = sd_bus_message_get_error(f->answer);

        g_assert_nonnull(error);
        g_assert_cmpstr(error->name, ==, name);
        if (!strstr(error->message, part))
                g_error("'%s' is not in: %s", part, error->message);
        g_assert_cmpuint(f->n_acted, ==, 0);
}

static void test_polkit_is_asked_about_the_caller(Fixture *f, gconstpointer data)
{
        const char *name;

        (void)data;

        g_assert_cmpint(sd_bus_get_unique_name(f->caller, &name), >=, 0);
        call_until_asked(f, false);
        g_assert_cmpstr(f->subject, ==, name);
        g_assert_cmpstr(f->action, ==, ACCESS_ACTION);
        g_assert_cmpstr(f->details, ==, "verb=Act guild=argument ");
        g_assert_cmpuint(f->flags, ==, 0);
        g_assert_cmpstr(f->cancellation_id, !=, "");
        polkit_says(f, 1, 0);
        g_assert_false(sd_bus_message_is_method_error(f->answer, NULL));
        g_assert_cmpuint(f->n_acted, ==, 1);
}

static void test_what_polkit_said_is_not_remembered(Fixture *f, gconstpointer data)
{
        (void)data;

        call_until_asked(f, false);
        polkit_says(f, 1, 0);
        call_until_asked(f, false);
        g_assert_cmpuint(f->n_asked, ==, 2);
        f->n_acted = 0;
        polkit_says(f, 0, 0);
        expect_error(f, SD_BUS_ERROR_ACCESS_DENIED, "or let a rule of polkit allow you " ACCESS_ACTION);
}

static void test_a_password_is_asked_for_if_the_call_allows_it(Fixture *f, gconstpointer data)
{
        (void)data;

        call_until_asked(f, true);
        g_assert_cmpuint(f->flags, ==, 1);
        polkit_says(f, 0, 1);
        expect_error(f, SD_BUS_ERROR_ACCESS_DENIED, "no polkit agent runs in your session");

        call_until_asked(f, false);
        g_assert_cmpuint(f->flags, ==, 0);
        polkit_says(f, 0, 1);
        expect_error(f, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                "call with interactive authorization allowed");
}

static void test_an_error_of_polkit_allows_nothing(Fixture *f, gconstpointer data)
{
        (void)data;

        call_until_asked(f, true);
        g_assert_cmpint(sd_bus_reply_method_errorf(f->question, "org.freedesktop.PolicyKit1.Error.Failed",
                                "Only trusted callers"),
                >=, 0);
        run_until(f, f->answer);
        expect_error(f, SD_BUS_ERROR_ACCESS_DENIED, "(polkit does not help now: Only trusted callers)");
}

static void test_an_answer_that_is_none_allows_nothing(Fixture *f, gconstpointer data)
{
        (void)data;

        call_until_asked(f, true);
        g_assert_cmpint(sd_bus_reply_method_return(f->question, "b", 1), >=, 0);
        run_until(f, f->answer);
        expect_error(f, SD_BUS_ERROR_ACCESS_DENIED, "polkit does not help now");
}

static void test_a_polkit_that_dies_allows_nothing(Fixture *f, gconstpointer data)
{
        (void)data;

        call_until_asked(f, true);
        forget_question(f);
        f->polkit = sd_bus_flush_close_unref(f->polkit);
        run_until(f, f->answer);
        expect_error(f, SD_BUS_ERROR_ACCESS_DENIED, "polkit does not help now");
}

static void test_who_leaves_is_not_acted_for(Fixture *f, gconstpointer data)
{
        (void)data;

        call_until_asked(f, true);
        f->caller = sd_bus_flush_close_unref(f->caller);
        run_until(f, f->cancelled);
        g_assert_cmpstr(f->cancelled, ==, f->cancellation_id);

        /* Said too late. */
        g_assert_cmpint(sd_bus_reply_method_return(f->question, "(bba{ss})", 1, 0, 0), >=, 0);
        connect_caller(f);
        call_until_asked(f, false);
        polkit_says(f, 1, 0);
        g_assert_cmpuint(f->n_acted, ==, 1);
}

static void test_a_bus_that_was_restarted_knows_of_nothing(Fixture *f, gconstpointer data)
{
        (void)data;

        call_until_asked(f, true);
        access_set_bus(f->access, NULL);
        run_until(f, f->cancelled);
        access_set_bus(f->access, f->service);
        g_assert_cmpint(sd_bus_reply_method_return(f->question, "(bba{ss})", 1, 0, 0), >=, 0);
        call_until_asked(f, false);
        g_assert_cmpuint(f->n_acted, ==, 0);
        polkit_says(f, 0, 0);
        expect_error(f, SD_BUS_ERROR_ACCESS_DENIED, "Act is for root and members of group agenthost");
}

#define ADD(name, function) g_test_add("/polkit/" name, Fixture, NULL, fixture_up, function, fixture_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        log_set_level(LOG_ERR);
        ADD("polkit-is-asked-about-the-caller", test_polkit_is_asked_about_the_caller);
        ADD("what-polkit-said-is-not-remembered", test_what_polkit_said_is_not_remembered);
        ADD("a-password-is-asked-for-if-the-call-allows-it",
                test_a_password_is_asked_for_if_the_call_allows_it);
        ADD("an-error-of-polkit-allows-nothing", test_an_error_of_polkit_allows_nothing);
        ADD("an-answer-that-is-none-allows-nothing", test_an_answer_that_is_none_allows_nothing);
        ADD("a-polkit-that-dies-allows-nothing", test_a_polkit_that_dies_allows_nothing);
        ADD("who-leaves-is-not-acted-for", test_who_leaves_is_not_acted_for);
        ADD("a-bus-that-was-restarted-knows-of-nothing", test_a_bus_that_was_restarted_knows_of_nothing);
        return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "access.h"

#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

#include "log.h"
#include "macros.h"
#include "private-bus.h"

#define SERVICE_NAME "org.agenthost.Test"
#define CALL_LIMIT_USEC (30 * USEC_PER_SEC)
#define UID_NOBODY 65534

/* The exit codes of a calling process. */
enum {
        CALLER_ALLOWED,
        CALLER_DENIED,
        CALLER_OTHER,
};

typedef struct Fixture {
        PrivateBus *bus;
        sd_event *event;
        sd_bus *service;
        Access *access;
        unsigned n_acted;
        uint64_t last_cookie; /* of the calls that were acted on */
} Fixture;

static int act_allowed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Fixture *f = userdata;
        uint64_t cookie;

        (void)error;

        f->n_acted++;
        g_assert_cmpint(sd_bus_message_get_cookie(m, &cookie), >=, 0);
        g_assert_cmpuint(cookie, >, f->last_cookie);
        f->last_cookie = cookie;
        return sd_bus_reply_method_return(m, NULL);
}

static int method_act(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Fixture *f = userdata;

        return access_require(f->access, m, act_allowed, f, error);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Act", NULL, NULL, method_act, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void fixture_up(Fixture *f, gconstpointer data)
{
        (void)data;

        f->bus = private_bus_new();
        g_assert_cmpint(sd_event_new(&f->event), >=, 0);
        g_assert_cmpint(private_bus_connect(f->bus, &f->service), ==, 0);
        g_assert_cmpint(sd_bus_request_name(f->service, SERVICE_NAME, 0), >=, 0);
        g_assert_cmpint(sd_bus_add_object_vtable(f->service, NULL, "/test", SERVICE_NAME, vtable, f), >=, 0);
        g_assert_cmpint(sd_bus_attach_event(f->service, f->event, 0), >=, 0);
        f->access = access_new(f->service, NULL, NULL);
}

static void fixture_down(Fixture *f, gconstpointer data)
{
        (void)data;

        access_free(f->access);
        sd_bus_flush_close_unref(f->service);
        sd_event_unref(f->event);
        private_bus_free(f->bus);
}

static int call_act(sd_bus *bus)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        if (sd_bus_message_new_method_call(bus, &m, SERVICE_NAME, "/test", SERVICE_NAME, "Act") < 0)
                return CALLER_OTHER;
        if (sd_bus_call(bus, m, CALL_LIMIT_USEC, &error, NULL) >= 0)
                return CALLER_ALLOWED;
        if (sd_bus_error_has_name(&error, SD_BUS_ERROR_ACCESS_DENIED) &&
                strstr(error.message, "group agenthost"))
                return CALLER_DENIED;

        fprintf(stderr, "# %s: %s\n", error.name, error.message);
        return CALLER_OTHER;
}

_Noreturn static void caller(const PrivateBus *bus, uid_t uid, unsigned n_calls)
{
        sd_bus *connection;
        int result = CALLER_OTHER;

        if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 ||
                private_bus_connect(bus, &connection) < 0)
                _exit(CALLER_OTHER);
        for (unsigned i = 0; i < n_calls; i++) {
                result = call_act(connection);
                if (result == CALLER_OTHER)
                        break;
        }
        _exit(result);
}

static int on_caller_exit(sd_event_source *s, const siginfo_t *si, void *userdata)
{
        (void)userdata;

        return sd_event_exit(
                sd_event_source_get_event(s), si->si_code == CLD_EXITED ? si->si_status : CALLER_OTHER);
}

/* What a process of this user is answered, the last time. */
static int call_as(Fixture *f, uid_t uid, unsigned n_calls)
{
        sigset_t mask;
        pid_t pid;

        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        g_assert_cmpint(sigprocmask(SIG_BLOCK, &mask, NULL), ==, 0);

        pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0)
                caller(f->bus, uid, n_calls);
        g_assert_cmpint(sd_event_add_child(f->event, NULL, pid, WEXITED, on_caller_exit, NULL), >=, 0);
        return sd_event_loop(f->event);
}

static void test_root_may_act(Fixture *f, gconstpointer data)
{
        (void)data;

        g_assert_cmpint(call_as(f, 0, 1), ==, CALLER_ALLOWED);
        g_assert_cmpuint(f->n_acted, ==, 1);
}

static void test_others_may_not_and_are_told_how_they_could(Fixture *f, gconstpointer data)
{
        (void)data;

        g_assert_cmpint(call_as(f, UID_NOBODY, 1), ==, CALLER_DENIED);
        g_assert_cmpuint(f->n_acted, ==, 0);
}

static void test_answer_is_the_same_from_memory(Fixture *f, gconstpointer data)
{
        (void)data;

        g_assert_cmpint(call_as(f, 0, 3), ==, CALLER_ALLOWED);
        g_assert_cmpuint(f->n_acted, ==, 3);
}

static void test_refusal_is_the_same_from_memory(Fixture *f, gconstpointer data)
{
        (void)data;

        g_assert_cmpint(call_as(f, UID_NOBODY, 3), ==, CALLER_DENIED);
        g_assert_cmpuint(f->n_acted, ==, 0);
}

/* Some of them arrive when it is known already who is calling: they wait for those before them. */
static void test_calls_of_one_are_acted_on_in_their_order(Fixture *f, gconstpointer data)
{
        sd_bus *connection;

        (void)data;

        g_assert_cmpint(private_bus_connect(f->bus, &connection), ==, 0);
        for (unsigned i = 0; i < 300; i++)
                g_assert_cmpint(sd_bus_call_method_async(connection, NULL, SERVICE_NAME, "/test",
                                        SERVICE_NAME, "Act", NULL, NULL, NULL),
                        >=, 0);
        g_assert_cmpint(sd_bus_flush(connection), >=, 0);
        while (f->n_acted < 300)
                g_assert_cmpint(sd_event_run(f->event, CALL_LIMIT_USEC), >, 0);
        sd_bus_close_unref(connection);
}

static int on_call_arrived(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Fixture *f = userdata;
        int r;

        r = access_require(f->access, m, act_allowed, f, error);
        /* The question to the bus is under way: it must go with the access. */
        f->access = access_free(f->access);
        (void)sd_event_exit(f->event, 0);
        return r;
}

static void test_freed_while_asking_calls_nobody_back(Fixture *f, gconstpointer data)
{
        sd_bus *connection;

        (void)data;

        g_assert_cmpint(sd_bus_add_object(f->service, NULL, "/late", on_call_arrived, f), >=, 0);
        g_assert_cmpint(private_bus_connect(f->bus, &connection), ==, 0);
        g_assert_cmpint(sd_bus_call_method_async(
                                connection, NULL, SERVICE_NAME, "/late", "a.b", "C", NULL, NULL, NULL),
                >=, 0);
        g_assert_cmpint(sd_bus_flush(connection), >=, 0);
        g_assert_cmpint(sd_event_loop(f->event), ==, 0);
        g_assert_cmpuint(f->n_acted, ==, 0);
        sd_bus_close_unref(connection);
}

#define ADD(name, function) g_test_add("/access/" name, Fixture, NULL, fixture_up, function, fixture_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        log_set_level(LOG_ERR);
        ADD("root-may-act", test_root_may_act);
        ADD("others-may-not-and-are-told-how-they-could", test_others_may_not_and_are_told_how_they_could);
        ADD("answer-is-the-same-from-memory", test_answer_is_the_same_from_memory);
        ADD("refusal-is-the-same-from-memory", test_refusal_is_the_same_from_memory);
        ADD("calls-of-one-are-acted-on-in-their-order", test_calls_of_one_are_acted_on_in_their_order);
        ADD("freed-while-asking-calls-nobody-back", test_freed_while_asking_calls_nobody_back);
        return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Discovery in Kubernetes from a server that says nothing: with shorter times than those that hold. */

#include <string.h>

#include "kube-fixture.h"
#include "kube-watch.h"
#include "log.h"

static void be_silent(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;
        g_test_message("%s", text);
}

typedef struct Quiet {
        KubeClient *client;
        KubeStore *store;
        KubeWatch *watch;
        unsigned n_away, n_ok;
        char *why;
} Quiet;

static void on_changed(void *userdata)
{
        (void)userdata;
}

static void on_state(const char *why, void *userdata)
{
        Quiet *q = userdata;

        if (why) {
                q->n_away++;
                g_free(q->why);
                q->why = g_strdup(why);
        } else
                q->n_ok++;
}

static void quiet_begin(Quiet *q, KubeFixture *f, const KubeWatchTimes *times)
{
        static const KubeTarget target = { .namespace = "demo", .service = "agent-host", .port = 1 };
        static const KubeWatchHandlers handlers = { on_changed, on_state };
        KubeEnvironment environment = { 0 };
        KubeConfig config = { 0 };

        g_assert_cmpint(kube_config_find(&f->settings, &environment, &config, NULL), ==, 0);
        g_assert_cmpint(kube_client_new(f->event, &config, &q->client), ==, 0);
        q->store = kube_store_new(&kube_slices, &target);
        q->watch = kube_watch_new(f->event, q->client, &kube_slices, &target, q->store, times, &handlers, q);
}

static void quiet_end(Quiet *q)
{
        kube_watch_free(q->watch);
        kube_client_free(q->client);
        kube_store_free(q->store);
        g_free(q->why);
}

static bool is_away(void *userdata)
{
        return ((Quiet *)userdata)->n_away > 0;
}

/* As a real server does whose store is gone, or that was given a version it has not reached. */
static void test_watch_that_stays_silent_is_listed_again(KubeFixture *f, gconstpointer data)
{
        KubeWatchTimes times = kube_watch_times;
        Quiet q = { 0 };

        (void)data;

        times.quiet_limit_usec = 200 * USEC_PER_MSEC;
        quiet_begin(&q, f, &times);
        kube_fixture_until_lists(f, 2);
        /* Nothing has failed. */
        g_assert_cmpuint(q.n_away, ==, 0);
        quiet_end(&q);
}

static void test_bookmarks_are_a_sign_of_life(KubeFixture *f, gconstpointer data)
{
        KubeWatchTimes times = kube_watch_times;
        Quiet q = { 0 };

        (void)data;

        times.quiet_limit_usec = 2 * USEC_PER_SEC;
        fake_kube_set_bookmarks(f->kube, 100);
        quiet_begin(&q, f, &times);
        loop_for(f->event, 3500);
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 1);
        g_assert_cmpuint(fake_kube_count_asked_watches(f->kube), ==, 1);
        quiet_end(&q);
}

static void test_watch_that_is_not_answered_is_an_outage(KubeFixture *f, gconstpointer data)
{
        KubeWatchTimes times = kube_watch_times;
        Quiet q = { 0 };

        (void)data;

        times.head_limit_usec = 200 * USEC_PER_MSEC;
        kube_fixture_lay_watch(f, "", FAKE_END_HANG);
        quiet_begin(&q, f, &times);
        loop_until(f->event, is_away, &q);
        g_assert_nonnull(strstr(q.why, "does not answer"));
        quiet_end(&q);
}

static void test_list_that_is_not_answered_is_an_outage(KubeFixture *f, gconstpointer data)
{
        KubeWatchTimes times = kube_watch_times;
        Quiet q = { 0 };

        (void)data;

        times.list_limit_usec = 200 * USEC_PER_MSEC;
        kube_fixture_lay_list(f, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{", FAKE_END_HANG);
        quiet_begin(&q, f, &times);
        loop_until(f->event, is_away, &q);
        g_assert_nonnull(strstr(q.why, "timed out"));
        quiet_end(&q);
}

/* Its time, and half a minute. */
static void test_watch_that_outlives_its_time_is_ended(KubeFixture *f, gconstpointer data)
{
        KubeWatchTimes times = kube_watch_times;
        g_autofree char *watch = NULL;
        Quiet q = { 0 };

        (void)data;

        times.watch_min_sec = times.watch_max_sec = 1;
        quiet_begin(&q, f, &times);
        kube_fixture_until_watches(f, 3);
        watch = fake_kube_last_watch(f->kube);
        g_assert_nonnull(strstr(watch, "&timeoutSeconds=1\n"));
        g_assert_cmpuint(q.n_away, ==, 0);
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 1);
        quiet_end(&q);
}

#define ADD(name, test) \
        g_test_add("/kube-quiet/" name, KubeFixture, NULL, kube_fixture_set_up, test, kube_fixture_tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        log_set_sink(be_silent);
        ADD("watch-that-stays-silent-is-listed-again", test_watch_that_stays_silent_is_listed_again);
        ADD("bookmarks-are-a-sign-of-life", test_bookmarks_are_a_sign_of_life);
        ADD("watch-that-is-not-answered-is-an-outage", test_watch_that_is_not_answered_is_an_outage);
        ADD("list-that-is-not-answered-is-an-outage", test_list_that_is_not_answered_is_an_outage);
        ADD("watch-that-outlives-its-time-is-ended", test_watch_that_outlives_its_time_is_ended);
        return g_test_run();
}

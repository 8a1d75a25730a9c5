/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Discovery in Kubernetes when something is wrong with the server, the network or the credentials. */

#include <string.h>

#include "kube-fixture.h"
#include "log.h"

static void be_silent(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;
        g_test_message("%s", text);
}

/* --- the server goes away --- */

static void test_server_that_is_not_there_is_down_and_then_found(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        fake_kube_stop(f->kube);
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "Failed to discover agent hosts at https://127.0.0.1:");
        fake_kube_start(f->kube);
        kube_fixture_until_hosts(f, "a");
        kube_fixture_expect_well(f);
}

static void test_last_list_serves_while_the_server_is_away(KubeFixture *f, gconstpointer data)
{
        g_autofree char *watch = NULL;

        (void)data;

        kube_fixture_begin(f);
        fake_kube_stop(f->kube);
        kube_fixture_until_state(f, DISCOVERY_STALE, "Failed to discover agent hosts");
        kube_fixture_expect_hosts(f, "a");

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1 c=10.0.0.3");
        fake_kube_start(f->kube);
        kube_fixture_until_hosts(f, "a c");
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
        /* From where it was: without a list. */
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 1);
}

static void test_history_that_is_gone_is_listed_again(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_begin(f);
        fake_kube_stop(f->kube);
        kube_fixture_until_state(f, DISCOVERY_STALE, NULL);
        fake_kube_remove(f->kube, KUBE_SLICES, "s1");
        kube_fixture_put_slice(f, "s9", "z=10.0.0.9");
        fake_kube_forget_history(f->kube);
        fake_kube_start(f->kube);
        /* 410 comes as an event. */
        kube_fixture_until_hosts(f, "z");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 2);
}

static void test_watch_too_old_is_no_outage(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_begin(f);
        fake_kube_next_watch_recorded(f->kube, "gone/10-watch-compacted-rv-410");
        fake_kube_end_watches(f->kube);
        kube_fixture_until_lists(f, 2);
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
        kube_fixture_expect_well(f);
}

/* It was never seen, but the API's documentation has it. */
static void test_watch_refused_with_410_is_listed_again(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_begin(f);
        fake_kube_next_watch_recorded(f->kube, "gone/7-continue-410");
        fake_kube_end_watches(f->kube);
        kube_fixture_until_lists(f, 2);
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
        kube_fixture_expect_well(f);
}

static void test_server_that_finds_everything_too_old_is_not_asked_all_the_time(
        KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        for (unsigned i = 0; i < 50; i++)
                fake_kube_next_watch_recorded(f->kube, "gone/10-watch-compacted-rv-410");
        kube_fixture_start(f);
        loop_for(f->event, 1000);
        kube_fixture_expect_hosts(f, "a");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), <, 25);
}

static void test_continue_token_that_is_too_old_begins_anew(KubeFixture *f, gconstpointer data)
{
        g_autofree char *list = NULL;

        (void)data;

        fake_kube_next_list_recorded(f->kube, "gone/0-page1-before-compaction");
        fake_kube_next_list_recorded(f->kube, "gone/7-continue-410");
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_start(f);
        kube_fixture_until_hosts(f, "a");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 3);
        list = fake_kube_last_list(f->kube);
        g_assert_null(strstr(list, "continue="));
}

/* The half of a list never shows. */
static void test_list_that_breaks_off_between_pages_changes_nothing(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_begin(f);
        fake_kube_next_watch_recorded(f->kube, "gone/10-watch-compacted-rv-410");
        fake_kube_next_list_recorded(f->kube, "gone/0-page1-before-compaction");
        kube_fixture_lay_list(f, "", FAKE_END_CLOSE);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_state(f, DISCOVERY_STALE, NULL);
        kube_fixture_expect_hosts(f, "a");
        kube_fixture_expect_well(f);
}

/* As in restart/watch-during-sigkill. */
static void test_watch_that_is_cut_is_taken_up_again(KubeFixture *f, gconstpointer data)
{
        static const FakeEnd ends[] = { FAKE_END_CLOSE, FAKE_END_RESET };
        g_autofree char *watch = NULL;

        (void)data;

        kube_fixture_begin(f);
        for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
                kube_fixture_lay_stream(f,
                        "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"EndpointSlice\",\"metadata\":{\"resourceVersion\":"
                        "\"1001\"}}}\n{\"type\":\"ADD",
                        false, ends[i]);
                fake_kube_end_watches(f->kube);
                kube_fixture_until_state(f, DISCOVERY_STALE, NULL);
                kube_fixture_until_watching(f);
        }
        kube_fixture_expect_well(f);
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 1);
}

static void test_recorded_end_by_sigkill_is_an_outage(KubeFixture *f, gconstpointer data)
{
        g_auto(Recorded) r = recorded_load("restart/watch-during-sigkill");
        const FakeReply cut = { .data = r.raw, .size = r.raw_size, .end = FAKE_END_CLOSE };

        (void)data;

        fake_kube_next_list_recorded(f->kube, "list/empty");
        fake_kube_next_watch(f->kube, &cut);
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_STALE, NULL);
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
}

static void test_recorded_end_by_sigterm_is_none(KubeFixture *f, gconstpointer data)
{
        (void)data;

        fake_kube_next_list_recorded(f->kube, "list/agent-host");
        fake_kube_next_watch_recorded(f->kube, "restart/watch-during-sigterm");
        kube_fixture_start(f);
        kube_fixture_until_watches(f, 2);
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
}

static void test_stream_that_ends_amid_an_event_is_an_outage(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_begin(f);
        kube_fixture_lay_stream(f, "{\"type\":\"ADDED\",\"obj", true, FAKE_END_KEEP);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_state(f, DISCOVERY_STALE, "amid an event");
        kube_fixture_expect_well(f);
}

static void test_server_that_ends_every_watch_at_once_is_not_asked_all_the_time(
        KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        for (unsigned i = 0; i < 50; i++)
                kube_fixture_lay_stream(f, "", true, FAKE_END_KEEP);
        kube_fixture_start(f);
        loop_for(f->event, 1000);
        g_assert_cmpuint(fake_kube_count_asked_watches(f->kube), <, 25);
}

/* --- it refuses --- */

static const struct {
        const char *recorded;
        const char *words;
} refusals[] = {
        { "errors/403-no-rights-list", "403 " },
        { "errors/404-unknown-resource", "404 " },
        { "errors/404-unknown-path", "404 page not found" },
        { "errors/406-accept-xml", "406 " },
        { "errors/429-apf-list", "429 Too many requests" },
        { "errors/429-max-in-flight-list", "429 Too many requests" },
        { "errors/504-list-rv-in-future", "504 " },
        { "errors/param-bad-continue", "400 " },
        { "errors/param-watch-bad-resourceversion", "500 " },
        { "errors/400-plain-http-to-tls-port", "400 " },
        { "etcd-down/get-one", "504 " },
        { "restart/starting-list-403", "403 " },
        { "restart/starting-livez-500", "500 " },
};

static void test_refused_list_is_told_and_tried_again(KubeFixture *f, gconstpointer data)
{
        size_t i = GPOINTER_TO_SIZE(data);
        g_auto(Recorded) r = recorded_load(refusals[i].recorded);
        const FakeReply reply = { .data = r.raw,
                .size = r.raw_size,
                .end = g_str_has_prefix(r.raw, "HTTP/1.0") ? FAKE_END_CLOSE : FAKE_END_KEEP };

        fake_kube_next_list(f->kube, &reply);
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, refusals[i].words);
        kube_fixture_until_hosts(f, "a");
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
}

static void test_refused_watch_is_told_and_tried_again(KubeFixture *f, gconstpointer data)
{
        size_t i = GPOINTER_TO_SIZE(data);
        g_auto(Recorded) r = recorded_load(refusals[i].recorded);
        const FakeReply reply = { .data = r.raw,
                .size = r.raw_size,
                .end = g_str_has_prefix(r.raw, "HTTP/1.0") ? FAKE_END_CLOSE : FAKE_END_KEEP };

        kube_fixture_begin(f);
        fake_kube_next_watch(f->kube, &reply);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_state(f, DISCOVERY_STALE, refusals[i].words);
        kube_fixture_expect_well(f);
}

static void test_refusals_say_what_to_do(KubeFixture *f, gconstpointer data)
{
        (void)data;

        fake_kube_next_list_recorded(f->kube, "errors/403-no-rights-list");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "a role must allow list and watch");
}

static void test_P7_refused_list_is_told(KubeFixture *f, gconstpointer data)
{
        (void)data;

        fake_kube_next_list_recorded(f->kube, "errors/404-unknown-resource");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "Failed to discover agent hosts at https://127.0.0.1:");
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
}

static void test_P14_without_a_list_there_are_no_hosts(KubeFixture *f, gconstpointer data)
{
        size_t n = 9;

        (void)data;

        fake_kube_next_list_recorded(f->kube, "errors/param-watch-bad-resourceversion");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "500 ");
        discovery_hosts(f->discovery, &n);
        g_assert_cmpuint(n, ==, 0);
}

static void test_retry_after_is_kept_to(KubeFixture *f, gconstpointer data)
{
        gint64 begun;

        (void)data;

        fake_kube_next_list_recorded(f->kube, "errors/429-max-in-flight-list");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "429");
        begun = g_get_monotonic_time();
        kube_fixture_until_lists(f, 2);
        /* It asks for a second. */
        g_assert_cmpint(g_get_monotonic_time() - begun, >=, 950 * 1000);
}

/* --- credentials --- */

static void test_token_that_was_replaced_is_read_again(KubeFixture *f, gconstpointer data)
{
        g_autofree char *list = NULL;

        (void)data;

        kube_fixture_begin(f);
        fake_kube_set_token(f->kube, "second-token");
        kube_fixture_write(f, "token", "second-token\n");
        fake_kube_end_watches(f->kube);
        kube_fixture_until_watches(f, 2);
        /* Not a single refusal. */
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
        kube_fixture_expect_well(f);
        g_assert_cmpuint(fake_kube_count_asked_watches(f->kube), ==, 2);
}

static void test_token_that_is_refused_is_read_again_at_once(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_begin(f);
        fake_kube_next_watch_recorded(f->kube, "errors/401-expired-serviceaccount-token");
        fake_kube_end_watches(f->kube);
        kube_fixture_until_watches(f, 3);
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
        kube_fixture_expect_well(f);
}

static void test_token_that_stays_refused_is_told(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_begin(f);
        fake_kube_set_token(f->kube, "another");
        fake_kube_end_watches(f->kube);
        kube_fixture_until_state(f, DISCOVERY_STALE, "401 Unauthorized; the credentials are unknown there");
        kube_fixture_expect_hosts(f, "a");
        kube_fixture_write(f, "token", "another");
        kube_fixture_expect_well(f);
}

static void test_token_file_that_is_missing_is_told(KubeFixture *f, gconstpointer data)
{
        (void)data;

        g_free(f->settings.token_file);
        f->settings.token_file = g_build_filename(f->dir, "later", NULL);
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "/later cannot be read: No such file");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 0);
        kube_fixture_write(f, "later", FAKE_KUBE_TOKEN);
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
}

static void test_token_that_is_none_is_not_sent(KubeFixture *f, gconstpointer data)
{
        static const char *const tokens[] = { "", "\n \n", "a b", "a\nX-Other: b", "a\tb", "t\xc3\xb6ken" };

        (void)data;

        for (size_t i = 0; i < G_N_ELEMENTS(tokens); i++) {
                kube_fixture_write(f, "token", tokens[i]);
                kube_fixture_start(f);
                kube_fixture_until_state(f, DISCOVERY_DOWN, "/token");
                g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 0);
                f->discovery = discovery_free(f->discovery);
        }
}

static void test_token_file_that_goes_counts_as_it_was(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_begin(f);
        g_assert_cmpint(remove(f->token_file), ==, 0);
        fake_kube_end_watches(f->kube);
        kube_fixture_until_watches(f, 2);
        kube_fixture_expect_well(f);
}

static void test_certificate_that_has_expired_is_told(KubeFixture *f, gconstpointer data)
{
        g_auto(PkiCert) expired = pki_issue(fake_kube_pki(f->kube), "kube-apiserver", "IP:127.0.0.1", -60);
        g_auto(PkiCert) good = pki_issue(fake_kube_pki(f->kube), "kube-apiserver", "IP:127.0.0.1", 3600);

        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        fake_kube_restart_with(f->kube, &expired);
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "expired");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 0);
        fake_kube_restart_with(f->kube, &good);
        kube_fixture_expect_well(f);
}

static void test_authority_that_is_another_is_told(KubeFixture *f, gconstpointer data)
{
        g_autoptr(Pki) other = pki_new("another CA");

        (void)data;

        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_write(f, "ca.crt", pki_ca_pem(other));
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "certificate");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 0);
        /* The file is replaced, and nobody is told. */
        kube_fixture_write(f, "ca.crt", pki_ca_pem(fake_kube_pki(f->kube)));
        kube_fixture_expect_well(f);
}

static void test_authorities_that_are_none_are_told(KubeFixture *f, gconstpointer data)
{
        (void)data;

        kube_fixture_write(f, "ca.crt", "this is no certificate");
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "Failed to discover agent hosts");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 0);
}

#define ADD(name, test) \
        g_test_add(     \
                "/kube-faults/" name, KubeFixture, NULL, kube_fixture_set_up, test, kube_fixture_tear_down)

static void add_refusals(void)
{
        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                g_autofree char *list =
                        g_strdup_printf("/kube-faults/refused-list-is-told/%s", refusals[i].recorded);
                g_autofree char *watch =
                        g_strdup_printf("/kube-faults/refused-watch-is-told/%s", refusals[i].recorded);

                g_test_add(list, KubeFixture, GSIZE_TO_POINTER(i), kube_fixture_set_up,
                        test_refused_list_is_told_and_tried_again, kube_fixture_tear_down);
                g_test_add(watch, KubeFixture, GSIZE_TO_POINTER(i), kube_fixture_set_up,
                        test_refused_watch_is_told_and_tried_again, kube_fixture_tear_down);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        log_set_sink(be_silent);
        add_refusals();
        ADD("server-that-is-not-there-is-down-and-then-found",
                test_server_that_is_not_there_is_down_and_then_found);
        ADD("last-list-serves-while-the-server-is-away", test_last_list_serves_while_the_server_is_away);
        ADD("history-that-is-gone-is-listed-again", test_history_that_is_gone_is_listed_again);
        ADD("watch-too-old-is-no-outage", test_watch_too_old_is_no_outage);
        ADD("watch-refused-with-410-is-listed-again", test_watch_refused_with_410_is_listed_again);
        ADD("server-that-finds-everything-too-old-is-not-asked-all-the-time",
                test_server_that_finds_everything_too_old_is_not_asked_all_the_time);
        ADD("continue-token-that-is-too-old-begins-anew", test_continue_token_that_is_too_old_begins_anew);
        ADD("list-that-breaks-off-between-pages-changes-nothing",
                test_list_that_breaks_off_between_pages_changes_nothing);
        ADD("watch-that-is-cut-is-taken-up-again", test_watch_that_is_cut_is_taken_up_again);
        ADD("recorded-end-by-sigkill-is-an-outage", test_recorded_end_by_sigkill_is_an_outage);
        ADD("recorded-end-by-sigterm-is-none", test_recorded_end_by_sigterm_is_none);
        ADD("stream-that-ends-amid-an-event-is-an-outage", test_stream_that_ends_amid_an_event_is_an_outage);
        ADD("server-that-ends-every-watch-at-once-is-not-asked-all-the-time",
                test_server_that_ends_every_watch_at_once_is_not_asked_all_the_time);
        ADD("refusals-say-what-to-do", test_refusals_say_what_to_do);
        ADD("P7-refused-list-is-told", test_P7_refused_list_is_told);
        ADD("P14-without-a-list-there-are-no-hosts", test_P14_without_a_list_there_are_no_hosts);
        ADD("retry-after-is-kept-to", test_retry_after_is_kept_to);
        ADD("token-that-was-replaced-is-read-again", test_token_that_was_replaced_is_read_again);
        ADD("token-that-is-refused-is-read-again-at-once", test_token_that_is_refused_is_read_again_at_once);
        ADD("token-that-stays-refused-is-told", test_token_that_stays_refused_is_told);
        ADD("token-file-that-is-missing-is-told", test_token_file_that_is_missing_is_told);
        ADD("token-that-is-none-is-not-sent", test_token_that_is_none_is_not_sent);
        ADD("token-file-that-goes-counts-as-it-was", test_token_file_that_goes_counts_as_it_was);
        ADD("certificate-that-has-expired-is-told", test_certificate_that_has_expired_is_told);
        ADD("authority-that-is-another-is-told", test_authority_that_is_another_is_told);
        ADD("authorities-that-are-none-are-told", test_authorities_that_are_none_are_told);
        return g_test_run();
}

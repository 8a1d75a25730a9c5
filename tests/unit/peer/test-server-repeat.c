/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests that come again with their Idempotency-Key. */

#include "peer-host.h"

#include "fake/loop.h"

#define KEY "Idempotency-Key: 8e03978e-40d5-43dd-bc93-6894a57f9324\r\n"

static PeerHost *start(void)
{
        PeerHost *h = peer_host_new();

        peer_host_start(h);
        return h;
}

static char *make_keyed_post(const char *agent_id)
{
        g_autofree char *body = make_body(agent_id);

        return make_post(KEY, body);
}

static void test_a_repeat_gets_the_same_answer_and_makes_no_agent(void)
{
        g_autoptr(PeerHost) h = start();
        g_autofree char *post = make_keyed_post("agent-1"), *first = NULL, *second = NULL;

        first = peer_host_ask(h, post, -1);
        second = peer_host_ask(h, post, -1);
        assert_status(second, "201");
        assert_has(second, "\r\nLocation: /v1/agents/agent-1\r\n");
        g_assert_cmpstr(strstr(first, "\r\n\r\n"), ==, strstr(second, "\r\n\r\n"));
        g_assert_cmpuint(h->n_agents, ==, 1);
}

static void test_without_a_key_it_is_another_request(void)
{
        g_autoptr(PeerHost) h = start();
        g_autofree char *body = make_body("agent-1"), *post = make_post("", body);

        g_free(peer_host_ask(h, post, -1));
        g_free(peer_host_ask(h, post, -1));
        g_assert_cmpuint(h->n_agents, ==, 2);
}

static void test_a_repeat_joins_what_is_under_way(void)
{
        g_autoptr(PeerHost) h = start();
        g_autoptr(RawTls) one = peer_host_connect(h), two = peer_host_connect(h);
        g_autofree char *post = make_keyed_post("agent-1"), *first = NULL, *second = NULL;

        h->mode = PEER_HOST_WAITS;
        g_assert_true(raw_tls_send(one, post, -1));
        peer_host_until_waiting(h, 1);
        g_assert_true(raw_tls_send(two, post, -1));
        loop_for(h->event, 50);
        g_assert_cmpuint(h->n_asked, ==, 1);
        peer_host_go_on(h, 0);
        first = raw_tls_read(one);
        second = raw_tls_read(two);
        assert_status(first, "201");
        assert_status(second, "201");
        g_assert_cmpuint(h->n_agents, ==, 1);
}

static void test_a_client_that_comes_back_finds_its_request(void)
{
        g_autoptr(PeerHost) h = start();
        g_autoptr(RawTls) again = NULL;
        RawTls *lost = peer_host_connect(h);
        g_autofree char *post = make_keyed_post("agent-1"), *reply = NULL;

        h->mode = PEER_HOST_WAITS;
        g_assert_true(raw_tls_send(lost, post, -1));
        peer_host_until_waiting(h, 1);
        raw_tls_free(lost);
        peer_host_until_connections(h, 0);
        g_assert_cmpuint(h->n_cancelled, ==, 0);

        again = peer_host_connect(h);
        g_assert_true(raw_tls_send(again, post, -1));
        loop_for(h->event, 50);
        peer_host_go_on(h, 0);
        reply = raw_tls_read(again);
        assert_status(reply, "201");
        g_assert_cmpuint(h->n_agents, ==, 1);
}

static void test_what_was_done_while_its_client_was_away_is_told(void)
{
        g_autoptr(PeerHost) h = start();
        RawTls *lost = peer_host_connect(h);
        g_autofree char *post = make_keyed_post("agent-1"), *reply = NULL;

        h->mode = PEER_HOST_WAITS;
        g_assert_true(raw_tls_send(lost, post, -1));
        peer_host_until_waiting(h, 1);
        raw_tls_free(lost);
        peer_host_until_connections(h, 0);
        peer_host_go_on(h, 0);
        reply = peer_host_ask(h, post, -1);
        assert_status(reply, "201");
        g_assert_cmpuint(h->n_asked, ==, 1);
}

static void test_a_client_that_stays_away_cancels_in_the_end(void)
{
        g_autoptr(PeerHost) h = peer_host_new();
        RawTls *c;
        g_autofree char *post = make_keyed_post("agent-1"), *reply = NULL;

        h->settings.limits.grace_usec = 50 * USEC_PER_MSEC;
        peer_host_start(h);
        c = peer_host_connect(h);
        h->mode = PEER_HOST_WAITS;
        g_assert_true(raw_tls_send(c, post, -1));
        peer_host_until_waiting(h, 1);
        raw_tls_free(c);
        peer_host_until_cancelled(h, 1);

        h->mode = PEER_HOST_ANSWERS;
        reply = peer_host_ask(h, post, -1);
        assert_status(reply, "201");
        g_assert_cmpuint(h->n_agents, ==, 1);
}

static void test_the_key_for_another_request_is_refused(void)
{
        g_autoptr(PeerHost) h = start();
        g_autofree char *post = make_keyed_post("agent-1"), *other = make_keyed_post("agent-2"),
                        *reply = NULL;

        g_free(peer_host_ask(h, post, -1));
        reply = peer_host_ask(h, other, -1);
        assert_status(reply, "422");
        g_assert_cmpuint(h->n_agents, ==, 1);
}

static void test_a_refusal_is_no_answer_to_keep(void)
{
        g_autoptr(PeerHost) h = start();
        g_autofree char *post = make_keyed_post("agent-1"), *first = NULL, *second = NULL;

        h->mode = PEER_HOST_FAILS;
        fault_set(&h->fault, FAULT_DRAINING, "This host is draining");
        first = peer_host_ask(h, post, -1);
        assert_status(first, "503");
        h->mode = PEER_HOST_ANSWERS;
        second = peer_host_ask(h, post, -1);
        assert_status(second, "201");
}

/* So are all of this status, as the description of the API says. */
static void test_no_503_is_kept(void)
{
        static const FaultKind kinds[] = { FAULT_LIMIT_REACHED, FAULT_DRAINING, FAULT_LAUNCHER_UNAVAILABLE,
                FAULT_REGISTRY_UNAVAILABLE, FAULT_DISCOVERY_UNAVAILABLE, FAULT_NO_HOSTS,
                FAULT_PEER_UNREACHABLE };
        g_autoptr(PeerHost) h = start();
        g_autofree char *post = make_keyed_post("agent-1"), *last = NULL;

        h->mode = PEER_HOST_FAILS;
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                g_autofree char *reply = NULL;

                fault_done(&h->fault);
                fault_set(&h->fault, kinds[i], "No");
                reply = peer_host_ask(h, post, -1);
                assert_status(reply, "503");
                assert_has(reply, "\r\nRetry-After: 1\r\n");
        }
        h->mode = PEER_HOST_ANSWERS;
        last = peer_host_ask(h, post, -1);
        assert_status(last, "201");
        g_assert_cmpuint(h->n_asked, ==, ELEMENTSOF(kinds) + 1);
}

static void test_with_too_many_under_way_another_is_refused(void)
{
        g_autoptr(PeerHost) h = peer_host_new();
        g_autoptr(RawTls) first = NULL;
        g_autofree char *body = make_body("agent-2"), *post = make_keyed_post("agent-1"),
                        *other = make_post("Idempotency-Key: other\r\n", body),
                        *keyless = make_post("", body), *one = NULL, *two = NULL, *three = NULL,
                        *four = NULL;

        h->mode = PEER_HOST_WAITS;
        h->settings.limits.n_keys = 1;
        peer_host_start(h);
        first = peer_host_connect(h);
        g_assert_true(raw_tls_send(first, post, -1));
        peer_host_until_waiting(h, 1);

        two = peer_host_ask(h, other, -1);
        assert_status(two, "503");
        assert_has(two, "org.agenthost.Host1.Error.LimitReached");
        assert_has(two, "\r\nRetry-After: 1\r\n");
        g_assert_cmpuint(h->n_asked, ==, 1);

        h->mode = PEER_HOST_ANSWERS;
        three = peer_host_ask(h, keyless, -1);
        assert_status(three, "201");
        peer_host_go_on(h, 0);
        one = raw_tls_read(first);
        assert_status(one, "201");
        four = peer_host_ask(h, other, -1);
        assert_status(four, "201");
}

static void test_a_failure_is_an_answer_to_keep(void)
{
        g_autoptr(PeerHost) h = start();
        g_autofree char *post = make_keyed_post("agent-1"), *first = NULL, *second = NULL;

        h->mode = PEER_HOST_FAILS;
        fault_set(&h->fault, FAULT_START_FAILED, "No");
        first = peer_host_ask(h, post, -1);
        assert_status(first, "500");
        second = peer_host_ask(h, post, -1);
        assert_status(second, "500");
        g_assert_cmpuint(h->n_asked, ==, 1);
}

static void test_a_stop_is_repeated_too(void)
{
        static const char stop[] = "DELETE /v1/agents/agent-1 HTTP/1.1\r\nHost: x\r\n" KEY "\r\n";
        g_autoptr(PeerHost) h = start();

        for (unsigned i = 0; i < 2; i++) {
                g_autofree char *reply = peer_host_ask(h, stop, -1);

                assert_status(reply, "200");
        }
        g_assert_cmpuint(h->n_asked, ==, 1);
}

static void test_a_key_outlives_the_server_as_the_request_id(void)
{
        g_autoptr(PeerHost) h = start();
        g_autofree char *post = make_keyed_post("agent-1"), *first = NULL;

        g_free(peer_host_ask(h, post, -1));
        g_assert_nonnull(h->request_id);
        first = g_strdup(h->request_id);
        peer_server_free(h->server);
        peer_host_start(h);
        g_free(peer_host_ask(h, post, -1));
        g_assert_cmpstr(h->request_id, ==, first);
        g_assert_cmpuint(strlen(first), <, 255);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/repeat/a-repeat-gets-the-same-answer-and-makes-no-agent",
                test_a_repeat_gets_the_same_answer_and_makes_no_agent);
        g_test_add_func(
                "/repeat/without-a-key-it-is-another-request", test_without_a_key_it_is_another_request);
        g_test_add_func("/repeat/a-repeat-joins-what-is-under-way", test_a_repeat_joins_what_is_under_way);
        g_test_add_func("/repeat/a-client-that-comes-back-finds-its-request",
                test_a_client_that_comes_back_finds_its_request);
        g_test_add_func("/repeat/what-was-done-while-its-client-was-away-is-told",
                test_what_was_done_while_its_client_was_away_is_told);
        g_test_add_func("/repeat/a-client-that-stays-away-cancels-in-the-end",
                test_a_client_that_stays_away_cancels_in_the_end);
        g_test_add_func("/repeat/the-key-for-another-request-is-refused",
                test_the_key_for_another_request_is_refused);
        g_test_add_func("/repeat/a-refusal-is-no-answer-to-keep", test_a_refusal_is_no_answer_to_keep);
        g_test_add_func("/repeat/no-503-is-kept", test_no_503_is_kept);
        g_test_add_func("/repeat/with-too-many-under-way-another-is-refused",
                test_with_too_many_under_way_another_is_refused);
        g_test_add_func("/repeat/a-failure-is-an-answer-to-keep", test_a_failure_is_an_answer_to_keep);
        g_test_add_func("/repeat/a-stop-is-repeated-too", test_a_stop_is_repeated_too);
        g_test_add_func("/repeat/a-key-outlives-the-server-as-the-request-id",
                test_a_key_outlives_the_server_as_the_request_id);
        return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the peer API does for a client that means well. */

#include "peer-host.h"
#include "time-util.h"

#include "fake/loop.h"

static PeerHost *start(void)
{
        PeerHost *h = peer_host_new();

        peer_host_start(h);
        return h;
}

static void test_create_answers_201_with_the_location(void)
{
        g_autoptr(PeerHost) h = start();
        g_autofree char *body = make_body("a/b c"), *post = make_post("", body), *reply = NULL;

        reply = peer_host_ask(h, post, -1);
        assert_status(reply, "201");
        assert_has(reply, "\r\nLocation: /v1/agents/a%2Fb%20c\r\n");
        assert_has(reply, "\r\nContent-Type: application/json\r\n");
        assert_has(reply, "\"agent_id\":\"a/b c\"");
        assert_has(reply, "\"pid\":4711");
        g_assert_cmpstr(h->asked->str, ==, "create a/b c\n");
        g_assert_null(h->request_id);
}

static void assert_reply(PeerHost *h, const char *request, const char *status, const char *text)
{
        g_autofree char *whole = g_strdup_printf("%s HTTP/1.1\r\nHost: localhost\r\n\r\n", request);
        g_autofree char *reply = peer_host_ask(h, whole, -1);
        g_autofree char *begin = g_strdup_printf("HTTP/1.1 %s ", status);

        g_assert_nonnull(reply);
        if (!g_str_has_prefix(reply, begin) || !strstr(reply, text))
                g_error("%s: %s", request, reply);
}

static void test_every_request_reaches_its_handler(void)
{
        g_autoptr(PeerHost) h = start();

        assert_reply(h, "GET /v1/health", "200", "\"agent_count\":3");
        assert_reply(h, "GET /v1/agents", "200", "\"state\":\"running\"");
        assert_reply(h, "GET /v1/agents?guild_id=g%2F1", "200", "{\"agents\":[{");
        assert_reply(h, "GET /v1/agents/a%2F1", "200", "\"agent_id\":\"a/1\"");
        assert_reply(h, "GET /v1/agents/none", "404", "org.agenthost.Host1.Error.NoSuchAgent");
        assert_reply(h, "DELETE /v1/agents/a%2F1?timeout=10", "200", "{\"stopped\":true}");
        assert_reply(h, "DELETE /v1/agents/none", "200", "{\"stopped\":false}");
        g_assert_cmpstr(
                h->asked->str, ==, "list \nlist g/1\ninfo a/1\ninfo none\nstop a/1 10\nstop none 0\n");
}

static void test_an_answer_may_come_later(void)
{
        g_autoptr(PeerHost) h = start();
        g_autoptr(RawTls) c = peer_host_connect(h);
        g_autofree char *body = make_body("agent-1"), *post = make_post("", body), *reply = NULL;
        uint64_t n_runs;

        h->mode = PEER_HOST_WAITS;
        g_assert_true(raw_tls_send(c, post, -1));
        peer_host_until_waiting(h, 1);
        loop_for(h->event, 20);
        n_runs = peer_server_runs(h->server);
        loop_for(h->event, 100);
        g_assert_cmpuint(peer_server_runs(h->server), ==, n_runs);

        peer_host_go_on(h, 0);
        reply = raw_tls_read(c);
        assert_status(reply, "201");
        g_assert_cmpuint(h->n_cancelled, ==, 0);
}

static void test_a_connection_is_kept_for_many_requests(void)
{
        g_autoptr(PeerHost) h = start();
        g_autoptr(RawTls) c = peer_host_connect(h);
        g_autofree char *body = make_body("agent-1"), *post = make_post("", body);

        for (unsigned i = 0; i < 20; i++) {
                g_autofree char *reply = NULL;

                g_assert_true(raw_tls_send(c, post, -1));
                reply = raw_tls_read(c);
                assert_status(reply, "201");
        }
        g_assert_cmpuint(h->n_agents, ==, 20);
        g_assert_cmpuint(peer_server_count_connections(h->server), ==, 1);
}

static void test_pipelined_requests_are_answered_in_order(void)
{
        g_autoptr(PeerHost) h = start();
        g_autoptr(RawTls) c = peer_host_connect(h);
        g_autofree char *first = NULL, *second = NULL;

        g_assert_true(raw_tls_send(c,
                "GET /v1/agents/one HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/agents/two HTTP/1.1\r\nHost: x\r\n\r\n",
                -1));
        first = raw_tls_read(c);
        second = raw_tls_read(c);
        assert_has(first, "\"agent_id\":\"one\"");
        assert_has(second, "\"agent_id\":\"two\"");
}

static void test_a_large_answer_arrives_whole(void)
{
        g_autoptr(PeerHost) h = start();
        g_autofree char *reply = NULL;

        h->n_agents_listed = 20000;
        reply = peer_host_ask(h, "GET /v1/agents HTTP/1.1\r\nHost: x\r\n\r\n", -1);
        assert_status(reply, "200");
        g_assert_cmpuint(strlen(reply), >, 2000000);
        g_assert_true(g_str_has_suffix(reply, "]}"));
}

static void test_a_large_body_arrives_whole(void)
{
        g_autoptr(PeerHost) h = start();
        g_autofree char *filler = g_strnfill(7 * 1024 * 1024, 'x'), *body = NULL, *post = NULL,
                        *reply = NULL;

        body = g_strdup_printf(
                "{\"agent_spec\":\"{\\\"id\\\": \\\"big\\\"}\",\"guild_spec\":\"%s\"}", filler);
        post = make_post("", body);
        reply = peer_host_ask(h, post, -1);
        assert_status(reply, "201");
}

static void test_a_chunked_body_is_read(void)
{
        g_autoptr(PeerHost) h = start();
        g_autofree char *body = make_body("agent-1"), *request = NULL, *reply = NULL;

        request = g_strdup_printf("POST /v1/agents HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                                  "Content-Type: application/json; charset=utf-8\r\n\r\n"
                                  "8\r\n%.8s\r\n%zx\r\n%s\r\n0\r\n\r\n",
                body, strlen(body) - 8, body + 8);
        reply = peer_host_ask(h, request, -1);
        assert_status(reply, "201");
}

static void test_faults_are_problems_with_our_names(void)
{
        static const struct {
                FaultKind kind;
                const char *status;
                const char *name;
        } cases[] = {
                { FAULT_INVALID_SPEC, "422", "org.agenthost.Host1.Error.InvalidSpec" },
                { FAULT_AGENT_EXISTS, "409", "org.agenthost.Host1.Error.AgentExists" },
                { FAULT_LIMIT_REACHED, "503", "org.agenthost.Host1.Error.LimitReached" },
                { FAULT_DRAINING, "503", "org.agenthost.Host1.Error.Draining" },
                { FAULT_START_FAILED, "500", "org.agenthost.Host1.Error.StartFailed" },
                { FAULT_START_TIMEOUT, "504", "org.agenthost.Host1.Error.StartTimeout" },
        };
        g_autoptr(PeerHost) h = start();
        g_autofree char *body = make_body("agent-1"), *post = make_post("", body);

        h->mode = PEER_HOST_FAILS;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *reply = NULL, *begin = NULL;

                fault_set(&h->fault, cases[i].kind, "It is \"so\"");
                reply = peer_host_ask(h, post, -1);
                fault_done(&h->fault);
                begin = g_strdup_printf("HTTP/1.1 %s ", cases[i].status);
                g_assert_true(g_str_has_prefix(reply, begin));
                assert_has(reply, "\r\nContent-Type: application/problem+json\r\n");
                assert_has(reply, "\"detail\":\"It is \\\"so\\\"\"");
                assert_has(reply, cases[i].name);
        }
}

static void test_a_client_that_goes_away_cancels(void)
{
        g_autoptr(PeerHost) h = start();
        RawTls *c = peer_host_connect(h);
        g_autofree char *body = make_body("agent-1"), *post = make_post("", body);

        h->mode = PEER_HOST_WAITS;
        g_assert_true(raw_tls_send(c, post, -1));
        peer_host_until_waiting(h, 1);
        raw_tls_free(c);
        peer_host_until_cancelled(h, 1);
        peer_host_until_connections(h, 0);
        g_assert_cmpuint(h->n_agents, ==, 0);
}

static void test_a_host_that_never_answers_is_given_up(void)
{
        g_autoptr(PeerHost) h = peer_host_new();
        g_autofree char *reply = NULL;

        h->mode = PEER_HOST_WAITS;
        h->settings.limits.call_usec = 50 * USEC_PER_MSEC;
        peer_host_start(h);
        reply = peer_host_ask(h, "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n", -1);
        assert_status(reply, "504");
        g_assert_cmpuint(h->n_cancelled, ==, 1);
        g_assert_cmpuint(h->n_deadline_asked, ==, 1);
}

static bool is_deadline_asked(void *userdata)
{
        return ((PeerHost *)userdata)->n_deadline_asked > 0;
}

/* As that of a runtime which gives its agents more time. */
static void test_what_its_host_gives_more_time_is_waited_for(void)
{
        g_autoptr(PeerHost) h = peer_host_new();
        g_autoptr(RawTls) c = NULL;
        g_autofree char *body = make_body("agent-1"), *post = make_post("", body), *reply = NULL;

        h->mode = PEER_HOST_WAITS;
        h->settings.limits.call_usec = 20 * USEC_PER_MSEC;
        h->deadline_usec = USEC_INFINITY;
        peer_host_start(h);
        c = peer_host_connect(h);
        g_assert_true(raw_tls_send(c, post, -1));
        loop_until(h->event, is_deadline_asked, h);
        peer_host_until_waiting(h, 1);
        g_assert_cmpuint(h->n_cancelled, ==, 0);
        peer_host_go_on(h, 0);
        reply = raw_tls_read(c);
        assert_status(reply, "201");
}

static void test_the_time_that_its_host_gives_ends(void)
{
        g_autoptr(PeerHost) h = peer_host_new();
        g_autofree char *reply = NULL;

        h->mode = PEER_HOST_WAITS;
        h->settings.limits.call_usec = 20 * USEC_PER_MSEC;
        h->deadline_usec = now_usec(CLOCK_MONOTONIC) + 200 * USEC_PER_MSEC;
        peer_host_start(h);
        reply = peer_host_ask(h, "DELETE /v1/agents/a HTTP/1.1\r\nHost: x\r\n\r\n", -1);
        assert_status(reply, "504");
        g_assert_cmpuint(h->n_cancelled, ==, 1);
        g_assert_cmpuint(now_usec(CLOCK_MONOTONIC), >, h->deadline_usec);
}

static void test_a_server_that_ends_cancels_and_closes(void)
{
        g_autoptr(PeerHost) h = start();
        g_autoptr(RawTls) c = peer_host_connect(h), idle = peer_host_connect(h);
        g_autofree char *body = make_body("agent-1"), *post = make_post("Idempotency-Key: k\r\n", body);

        h->mode = PEER_HOST_WAITS;
        g_assert_true(raw_tls_send(c, post, -1));
        peer_host_until_waiting(h, 1);
        h->server = peer_server_free(h->server);
        g_assert_cmpuint(h->n_cancelled, ==, 1);
        g_assert_true(raw_tls_ends(c));
        g_assert_true(raw_tls_ends(idle));
}

static void test_an_old_connection_is_not_kept(void)
{
        g_autoptr(PeerHost) h = peer_host_new();
        g_autoptr(RawTls) c = NULL;
        g_autofree char *reply = NULL;

        h->settings.limits.age_usec = 1;
        peer_host_start(h);
        c = peer_host_connect(h);
        g_assert_true(raw_tls_send(c, "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n", -1));
        reply = raw_tls_read(c);
        assert_status(reply, "200");
        assert_has(reply, "\r\nConnection: close\r\n");
        g_assert_true(raw_tls_ends(c));
}

static void test_without_certificates_it_listens_nowhere(void)
{
        g_autoptr(PeerHost) h = peer_host_new();

        h->settings.tls.key_file = NULL;
        peer_host_start(h);
        g_assert_null(h->server);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func(
                "/server/create-answers-201-with-the-location", test_create_answers_201_with_the_location);
        g_test_add_func("/server/every-request-reaches-its-handler", test_every_request_reaches_its_handler);
        g_test_add_func("/server/an-answer-may-come-later", test_an_answer_may_come_later);
        g_test_add_func("/server/a-connection-is-kept-for-many-requests",
                test_a_connection_is_kept_for_many_requests);
        g_test_add_func("/server/pipelined-requests-are-answered-in-order",
                test_pipelined_requests_are_answered_in_order);
        g_test_add_func("/server/a-large-answer-arrives-whole", test_a_large_answer_arrives_whole);
        g_test_add_func("/server/a-large-body-arrives-whole", test_a_large_body_arrives_whole);
        g_test_add_func("/server/a-chunked-body-is-read", test_a_chunked_body_is_read);
        g_test_add_func(
                "/server/faults-are-problems-with-our-names", test_faults_are_problems_with_our_names);
        g_test_add_func("/server/a-client-that-goes-away-cancels", test_a_client_that_goes_away_cancels);
        g_test_add_func(
                "/server/a-host-that-never-answers-is-given-up", test_a_host_that_never_answers_is_given_up);
        g_test_add_func(
                "/server/a-server-that-ends-cancels-and-closes", test_a_server_that_ends_cancels_and_closes);
        g_test_add_func("/server/what-its-host-gives-more-time-is-waited-for",
                test_what_its_host_gives_more_time_is_waited_for);
        g_test_add_func("/server/the-time-that-its-host-gives-ends", test_the_time_that_its_host_gives_ends);
        g_test_add_func("/server/an-old-connection-is-not-kept", test_an_old_connection_is_not_kept);
        g_test_add_func("/server/without-certificates-it-listens-nowhere",
                test_without_certificates_it_listens_nowhere);
        return g_test_run();
}

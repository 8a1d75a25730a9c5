/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client, with the server that it is made for, and with servers that do everything wrong. */

#include <netinet/in.h>
#include <sys/socket.h>

#include "client.h"
#include "peer-host.h"

#include "fake/fake-http.h"
#include "fake/loop.h"

#define N_AT_ONCE 20u

/* What a result said, and how often there was one. */
typedef struct Got {
        unsigned n, n_wanted;
        PeerVerdict verdict;
        FaultKind kind;
        char *fault;
        char *agent_id;
        bool stopped;
        guint n_agents;
        char *state;
        uint64_t agent_count;
} Got;

static void on_done(PeerResult *result, void *userdata)
{
        Got *got = userdata;

        got->n++;
        got->verdict = result->verdict;
        got->kind = result->fault.kind;
        g_free(got->fault);
        got->fault = g_strdup(result->fault.text);
        if (result->created.agent_id) {
                free(got->agent_id);
                got->agent_id = steal_ptr(result->created.agent_id);
        }
        if (result->agents)
                got->n_agents = result->agents->len;
        if (result->agent.state)
                got->state = steal_ptr(result->agent.state);
        got->stopped = result->stopped;
        got->agent_count = result->health.agent_count;
}

static void got_done(Got *got)
{
        g_free(got->fault);
        free(got->agent_id);
        free(got->state);
        *got = (Got){ 0 };
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Got, got_done)

static bool has_got(void *userdata)
{
        return ((Got *)userdata)->n > 0;
}

/* --- with our server --- */

typedef struct Pair {
        PeerHost *host;
        PeerClient *client;
        char *cert_file, *key_file;
        char *address;
        PeerClientSettings settings;
} Pair;

static Pair *pair_new(void)
{
        Pair *p = g_new0(Pair, 1);

        p->host = peer_host_new();
        p->cert_file = test_dir_write(&p->host->dir, "client-cert.pem", p->host->client.cert, -1);
        p->key_file = test_dir_write(&p->host->dir, "client-key.pem", p->host->client.key, -1);
        p->settings.tls = (PeerTls){
                .cert_file = p->cert_file,
                .key_file = p->key_file,
                .ca_file = p->host->ca_file,
        };
        return p;
}

static void pair_start(Pair *p)
{
        peer_host_start(p->host);
        p->address = g_strdup_printf("127.0.0.1:%u", peer_server_port(p->host->server));
        g_assert_cmpint(peer_client_new(p->host->event, &p->settings, &p->client), >=, 0);
}

static void pair_free(Pair *p)
{
        peer_client_free(p->client);
        peer_host_free(p->host);
        g_free(p->cert_file);
        g_free(p->key_file);
        g_free(p->address);
        g_free(p);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pair, pair_free)

static Pair *start(void)
{
        Pair *p = pair_new();

        pair_start(p);
        return p;
}

static PeerAddress address_of(const Pair *p)
{
        return (PeerAddress){ .address = p->address, .name = "localhost" };
}

static void ask_create(PeerClient *client, const PeerAddress *host, Got *got, PeerRequest **ret)
{
        const PeerCreate create = {
                .agent_spec = (char *)"{\"id\": \"agent-1\", \"name\": \"One\"}",
                .guild_spec = (char *)"{\"id\": \"guild-1\"}",
        };

        g_assert_cmpint(peer_client_create(client, host, &create, on_done, got, ret, NULL), >=, 0);
}

static void test_every_request_is_answered(void)
{
        g_autoptr(Pair) p = start();
        const PeerAddress host = address_of(p);
        g_auto(Got) got = { 0 };

        ask_create(p->client, &host, &got, NULL);
        loop_until(p->host->event, has_got, &got);
        g_assert_cmpint(got.verdict, ==, PEER_ANSWERED);
        g_assert_cmpstr(got.agent_id, ==, "agent-1");
        got_done(&got);

        peer_client_stop(p->client, &host, "a/b +", 7 * USEC_PER_SEC, on_done, &got, NULL, NULL);
        loop_until(p->host->event, has_got, &got);
        g_assert_true(got.stopped);
        got_done(&got);

        peer_client_list(p->client, &host, "g +%", on_done, &got, NULL, NULL);
        loop_until(p->host->event, has_got, &got);
        g_assert_cmpuint(got.n_agents, ==, 1);
        got_done(&got);

        peer_client_info(p->client, &host, "a?b#", on_done, &got, NULL, NULL);
        loop_until(p->host->event, has_got, &got);
        g_assert_cmpstr(got.state, ==, "exited");
        got_done(&got);

        peer_client_health(p->client, &host, on_done, &got, NULL, NULL);
        loop_until(p->host->event, has_got, &got);
        g_assert_cmpuint(got.agent_count, ==, 3);

        g_assert_cmpstr(p->host->asked->str, ==, "create agent-1\nstop a/b + 7\nlist g +%\ninfo a?b#\n");
        g_assert_cmpuint(peer_server_count_connections(p->host->server), ==, 1);
}

static bool have_all_got(void *userdata)
{
        return ((Got *)userdata)->n == ((Got *)userdata)->n_wanted;
}

static void list_at_once(Pair *p, unsigned n)
{
        const PeerAddress host = address_of(p);
        g_auto(Got) got = { 0 };

        for (unsigned i = 0; i < n; i++)
                peer_client_list(p->client, &host, "", on_done, &got, NULL, NULL);
        peer_host_until_waiting(p->host, n);
        for (unsigned i = 0; i < n; i++)
                peer_host_go_on(p->host, 0);
        got.n_wanted = n;
        loop_until(p->host->event, have_all_got, &got);
}

static void test_connections_of_many_requests_at_once_are_kept(void)
{
        g_autoptr(Pair) p = start();

        p->host->mode = PEER_HOST_WAITS;
        list_at_once(p, N_AT_ONCE);
        for (unsigned i = 0; i < N_AT_ONCE; i++)
                list_at_once(p, 1);
        loop_for(p->host->event, 20);
        g_assert_cmpuint(peer_server_count_connections(p->host->server), ==, N_AT_ONCE);
}

static void test_large_texts_arrive(void)
{
        g_autoptr(Pair) p = start();
        const PeerAddress host = address_of(p);
        g_autofree char *spec = g_strnfill(3 * 1024 * 1024, 'x');
        const PeerCreate create = {
                .agent_spec = (char *)"{\"id\": \"agent-1\"}",
                .guild_spec = spec,
        };
        g_auto(Got) got = { 0 };

        g_assert_cmpint(peer_client_create(p->client, &host, &create, on_done, &got, NULL, NULL), >=, 0);
        loop_until(p->host->event, has_got, &got);
        g_assert_cmpint(got.verdict, ==, PEER_ANSWERED);
        g_assert_cmpstr(got.agent_id, ==, "agent-1");
}

static void test_addresses_of_ipv6_are_dialled(void)
{
        g_autoptr(Pair) p = pair_new();
        g_autofree char *address = NULL;
        g_auto(Got) got = { 0 };

        if (!g_file_test("/proc/net/if_inet6", G_FILE_TEST_EXISTS)) {
                g_test_skip("no IPv6 here");
                return;
        }
        p->host->settings.listen_address = "[::1]";
        pair_start(p);
        address = g_strdup_printf("[::1]:%u", peer_server_port(p->host->server));
        ask_create(p->client, &(PeerAddress){ .address = address, .name = "localhost" }, &got, NULL);
        loop_until(p->host->event, has_got, &got);
        g_assert_cmpint(got.verdict, ==, PEER_ANSWERED);
}

static void test_a_connection_that_the_host_closed_is_replaced(void)
{
        g_autoptr(Pair) p = pair_new();
        PeerAddress host;

        p->host->settings.limits.idle_usec = 30 * USEC_PER_MSEC;
        pair_start(p);
        host = address_of(p);
        for (unsigned i = 0; i < 3; i++) {
                g_auto(Got) got = { 0 };

                ask_create(p->client, &host, &got, NULL);
                loop_until(p->host->event, has_got, &got);
                g_assert_cmpint(got.verdict, ==, PEER_ANSWERED);
                peer_host_until_connections(p->host, 0);
        }
        g_assert_cmpuint(p->host->n_agents, ==, 3);
}

static void test_the_fault_of_the_host_arrives(void)
{
        g_autoptr(Pair) p = start();
        const PeerAddress host = address_of(p);
        g_auto(Got) got = { 0 };

        p->host->mode = PEER_HOST_FAILS;
        fault_set(&p->host->fault, FAULT_AGENT_EXISTS, "Agent x already exists");
        ask_create(p->client, &host, &got, NULL);
        loop_until(p->host->event, has_got, &got);
        g_assert_cmpint(got.verdict, ==, PEER_ANSWERED);
        g_assert_cmpint(got.kind, ==, FAULT_AGENT_EXISTS);
        g_assert_cmpstr(got.fault, ==, "Agent x already exists");
        g_assert_cmpuint(p->host->n_asked, ==, 1);
}

static void test_a_request_that_is_given_up_is_cancelled_there(void)
{
        g_autoptr(Pair) p = pair_new();
        PeerRequest *request = NULL;
        g_auto(Got) got = { 0 };
        PeerAddress host;

        p->host->settings.limits.grace_usec = 1;
        pair_start(p);
        host = address_of(p);
        p->host->mode = PEER_HOST_WAITS;
        ask_create(p->client, &host, &got, &request);
        peer_host_until_waiting(p->host, 1);
        g_assert_nonnull(request);
        peer_request_free(request);
        g_assert_null(request);
        peer_host_until_cancelled(p->host, 1);
        g_assert_cmpuint(got.n, ==, 0);
}

/* The answer comes after more time than the settings of the test give for it. */
static void expect_waited_for(Pair *p, Got *got)
{
        peer_host_until_waiting(p->host, 1);
        loop_for(p->host->event, 300);
        g_assert_cmpuint(got->n, ==, 0);
        peer_host_go_on(p->host, 0);
        loop_until(p->host->event, has_got, got);
}

static void test_an_answer_that_is_late_is_asked_for_again_and_nothing_done_twice(void)
{
        g_autoptr(Pair) p = pair_new();
        g_auto(Got) got = { 0 };
        PeerAddress host;

        p->settings.create_usec = 200 * USEC_PER_MSEC;
        pair_start(p);
        host = address_of(p);
        p->host->mode = PEER_HOST_WAITS;
        ask_create(p->client, &host, &got, NULL);
        expect_waited_for(p, &got);
        g_assert_cmpint(got.verdict, ==, PEER_ANSWERED);
        g_assert_cmpstr(got.agent_id, ==, "agent-1");
        g_assert_cmpuint(p->host->n_asked, ==, 1);
}

/* Its runtime may give the agent any time, which only its host knows. */
static void test_an_agent_that_is_to_be_ready_is_waited_for_as_long_as_its_host_does(void)
{
        g_autoptr(Pair) p = pair_new();
        const PeerCreate create = {
                .agent_spec = (char *)"{\"id\": \"agent-1\"}",
                .guild_spec = (char *)"{\"id\": \"guild-1\"}",
                .wait_ready = true,
        };
        g_auto(Got) got = { 0 };
        PeerAddress host;

        p->settings.create_usec = p->settings.again_usec = 50 * USEC_PER_MSEC;
        pair_start(p);
        host = address_of(p);
        p->host->mode = PEER_HOST_WAITS;
        g_assert_cmpint(peer_client_create(p->client, &host, &create, on_done, &got, NULL, NULL), >=, 0);
        expect_waited_for(p, &got);
        g_assert_cmpint(got.verdict, ==, PEER_ANSWERED);
}

static void test_a_stop_is_waited_for_as_long_as_the_host_does(void)
{
        g_autoptr(Pair) p = pair_new();
        g_auto(Got) got = { 0 };
        PeerAddress host;

        p->settings.stop_usec = p->settings.again_usec = 50 * USEC_PER_MSEC;
        pair_start(p);
        host = address_of(p);
        p->host->mode = PEER_HOST_WAITS;
        g_assert_cmpint(peer_client_stop(p->client, &host, "a", 0, on_done, &got, NULL, NULL), >=, 0);
        expect_waited_for(p, &got);
        g_assert_true(got.stopped);
}

static void assert_not_connected(Pair *p, const PeerAddress *host)
{
        g_auto(Got) got = { 0 };

        ask_create(p->client, host, &got, NULL);
        loop_until(p->host->event, has_got, &got);
        g_assert_cmpint(got.verdict, ==, PEER_NOT_CONNECTED);
        g_assert_cmpint(got.kind, ==, FAULT_PEER_UNREACHABLE);
        g_assert_nonnull(strstr(got.fault, host->name));
        g_assert_cmpuint(p->host->n_asked, ==, 0);
}

static void test_a_host_of_another_name_is_not_asked(void)
{
        g_autoptr(Pair) p = start();

        assert_not_connected(p, &(PeerAddress){ .address = p->address, .name = "host-b" });
}

static void test_a_host_of_a_foreign_authority_is_not_asked(void)
{
        g_autoptr(Pair) p = pair_new();
        g_autoptr(Pki) foreign = pki_new("peers");
        g_autofree char *ca = test_dir_write(&p->host->dir, "foreign.pem", pki_ca_pem(foreign), -1);
        PeerAddress host;

        p->settings.tls.ca_file = ca;
        pair_start(p);
        host = address_of(p);
        assert_not_connected(p, &host);
}

static void test_a_port_that_nobody_has_is_not_asked(void)
{
        g_autoptr(Pair) p = start();
        const PeerAddress host = address_of(p);

        p->host->server = peer_server_free(p->host->server);
        assert_not_connected(p, &host);
}

static void test_a_host_that_accepts_and_says_nothing_is_left_in_time(void)
{
        g_autoptr(Pair) p = pair_new();
        g_autofree char *address = NULL;
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(at);
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        g_assert_cmpint(bind(fd, (struct sockaddr *)&at, size), ==, 0);
        g_assert_cmpint(listen(fd, 8), ==, 0);
        g_assert_cmpint(getsockname(fd, (struct sockaddr *)&at, &size), ==, 0);
        address = g_strdup_printf("127.0.0.1:%u", ntohs(at.sin_port));
        p->settings.connect_usec = 100 * USEC_PER_MSEC;
        pair_start(p);
        assert_not_connected(p, &(PeerAddress){ .address = address, .name = "localhost" });
}

static void test_without_certificates_nobody_is_asked(void)
{
        g_autoptr(Pair) p = pair_new();
        _cleanup_fault_ Fault fault = FAULT_INIT;
        PeerRequest *request = NULL;
        g_auto(Got) got = { 0 };
        PeerAddress host;

        p->settings.tls.cert_file = NULL;
        pair_start(p);
        host = address_of(p);
        g_assert_cmpint(peer_client_health(p->client, &host, on_done, &got, &request, &fault), <, 0);
        g_assert_cmpint(fault.kind, ==, FAULT_PEER_UNREACHABLE);
        g_assert_null(request);
}

static void test_a_client_that_ends_gives_everything_up(void)
{
        g_autoptr(Pair) p = start();
        const PeerAddress host = address_of(p);
        PeerRequest *requests[3] = { 0 };
        g_auto(Got) got = { 0 };

        p->host->mode = PEER_HOST_WAITS;
        for (size_t i = 0; i < ELEMENTSOF(requests); i++)
                ask_create(p->client, &host, &got, &requests[i]);
        peer_host_until_waiting(p->host, 3);
        p->client = peer_client_free(p->client);
        for (size_t i = 0; i < ELEMENTSOF(requests); i++)
                g_assert_null(requests[i]);
        peer_host_until_connections(p->host, 0);
        g_assert_cmpuint(got.n, ==, 0);
}

/* The client hears of it when it has sent the request. */
static void assert_refused(const PkiCert *cert, Pair *p)
{
        g_autofree char *large = g_strnfill(3 * 1024 * 1024, 'x');
        const PeerCreate creates[] = {
                { .agent_spec = (char *)"{\"id\": \"agent-1\"}", .guild_spec = (char *)"{}" },
                { .agent_spec = (char *)"{\"id\": \"agent-1\"}", .guild_spec = large },
        };
        const PeerAddress host = address_of(p);

        peer_host_put(p->host, "client-cert.pem", cert->cert);
        peer_host_put(p->host, "client-key.pem", cert->key);
        for (unsigned i = 0; i < N_AT_ONCE; i++) {
                g_auto(Got) got = { 0 };

                g_assert_cmpint(
                        peer_client_create(p->client, &host, &creates[i % 2], on_done, &got, NULL, NULL), >=,
                        0);
                loop_until(p->host->event, has_got, &got);
                if (got.verdict != PEER_NOT_CONNECTED)
                        g_error("%u: %s", i, got.fault);
                g_assert_cmpint(got.kind, ==, FAULT_PEER_UNREACHABLE);
        }
        g_assert_cmpuint(p->host->n_asked, ==, 0);
}

static void test_a_host_that_refuses_our_certificate_was_not_asked(void)
{
        g_autoptr(Pair) p = start();
        g_autoptr(Pki) pki = pki_new("strangers");
        g_auto(PkiCert) foreign = pki_issue(pki, "client", "DNS:client.example.com", 3600);
        g_auto(PkiCert) expired = pki_issue(p->host->pki, "client", "DNS:client.example.com", -60);
        g_auto(PkiCert) no_client =
                pki_issue_for(p->host->pki, "client", "DNS:client.example.com", 3600, "serverAuth");

        assert_refused(&foreign, p);
        assert_refused(&expired, p);
        assert_refused(&no_client, p);
}

static void test_a_rotated_certificate_of_the_client_serves_new_connections(void)
{
        g_autoptr(Pair) p = pair_new();
        g_auto(PkiCert) expired = pki_issue(p->host->pki, "client", "DNS:client.example.com", -60);
        g_auto(Got) got = { 0 };
        PeerAddress host;

        peer_host_put(p->host, "client-cert.pem", expired.cert);
        peer_host_put(p->host, "client-key.pem", expired.key);
        pair_start(p);
        host = address_of(p);
        ask_create(p->client, &host, &got, NULL);
        loop_until(p->host->event, has_got, &got);
        g_assert_cmpint(got.verdict, !=, PEER_ANSWERED);
        got_done(&got);

        peer_host_put(p->host, "client-cert.pem", p->host->client.cert);
        peer_host_put(p->host, "client-key.pem", p->host->client.key);
        ask_create(p->client, &host, &got, NULL);
        loop_until(p->host->event, has_got, &got);
        g_assert_cmpint(got.verdict, ==, PEER_ANSWERED);
        g_assert_cmpstr(got.agent_id, ==, "agent-1");
}

static void test_a_rotated_certificate_of_the_client_leaves_connections_that_are_kept(void)
{
        g_autoptr(Pair) p = start();
        g_auto(PkiCert) other = pki_issue(p->host->pki, "client", "DNS:new.example.com", 3600);
        const PeerAddress host = address_of(p);
        g_auto(Got) got = { 0 };

        ask_create(p->client, &host, &got, NULL);
        loop_until(p->host->event, has_got, &got);
        peer_host_put(p->host, "client-cert.pem", other.cert);
        peer_host_put(p->host, "client-key.pem", other.key);

        /* That of before, by the name of before; a second one by the new. */
        p->host->mode = PEER_HOST_WAITS;
        ask_create(p->client, &host, &got, NULL);
        peer_host_until_waiting(p->host, 1);
        g_assert_cmpuint(peer_server_count_connections(p->host->server), ==, 1);
        p->host->client_name = "new.example.com";
        ask_create(p->client, &host, &got, NULL);
        peer_host_until_waiting(p->host, 2);
        g_assert_cmpuint(peer_server_count_connections(p->host->server), ==, 2);

        peer_host_go_on(p->host, 0);
        peer_host_go_on(p->host, 0);
        got.n_wanted = 3;
        loop_until(p->host->event, have_all_got, &got);
        g_assert_cmpint(got.verdict, ==, PEER_ANSWERED);
}

/* --- with others --- */

/* What the next requests are answered with, to the byte; NULL: nothing, for ever. */
typedef struct Script {
        const char *replies[2];
        GMutex lock;
        unsigned n; /* requests */
        char *keys[4];
        char *client; /* the name of its certificate */
} Script;

static bool play(FakeConnection *c, const FakeRequest *request, void *userdata)
{
        Script *s = userdata;
        const char *reply;

        g_mutex_lock(&s->lock);
        reply = s->replies[MIN(s->n, 1)];
        if (s->n < ELEMENTSOF(s->keys))
                s->keys[s->n] = g_strdup(g_hash_table_lookup(request->headers, "idempotency-key"));
        g_free(s->client);
        s->client = g_strdup(request->client);
        s->n++;
        g_mutex_unlock(&s->lock);

        if (reply)
                fake_send(c, reply, strlen(reply));
        else
                fake_wait(c, 60000);
        return false;
}

typedef enum Kind {
        CREATE,
        LIST,
} Kind;

/* Asks a server that plays the script. */
static void ask(Kind kind, Script *script, Got *got)
{
        g_autoptr(Pair) p = pair_new();
        g_auto(PkiCert) cert = pki_issue(p->host->pki, "server", "DNS:localhost", 3600);
        const FakeTls tls = { .cert = cert.cert, .key = cert.key, .client_ca = pki_ca_pem(p->host->pki) };
        g_autoptr(FakeHttp) fake = fake_http_new(&tls, 0, play, script);
        g_autofree char *address = g_strdup_printf("127.0.0.1:%u", fake_http_port(fake));
        const PeerAddress host = { .address = address, .name = "localhost" };

        p->settings.create_usec = 500 * USEC_PER_MSEC;
        p->settings.look_usec = 500 * USEC_PER_MSEC;
        p->settings.pause_usec = USEC_PER_MSEC;
        p->settings.again_usec = 2 * USEC_PER_SEC;
        pair_start(p);
        if (kind == CREATE)
                ask_create(p->client, &host, got, NULL);
        else
                g_assert_cmpint(peer_client_list(p->client, &host, "", on_done, got, NULL, NULL), >=, 0);
        loop_until(p->host->event, has_got, got);
        g_assert_cmpuint(got->n, ==, 1);
}

static void script_done(Script *s)
{
        for (size_t i = 0; i < ELEMENTSOF(s->keys); i++)
                g_free(s->keys[i]);
        g_free(s->client);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Script, script_done)

#define CREATED                                              \
        "HTTP/1.1 201 Created\r\nContent-Length: 48\r\n\r\n" \
        "{\"agent_id\":\"agent-1\",\"pid\":1,\"object_path\":\"/\"}"

static void assert_no_answer(Kind kind, const char *reply, unsigned n_asked)
{
        g_auto(Script) script = { .replies = { reply, reply } };
        g_auto(Got) got = { 0 };

        ask(kind, &script, &got);
        g_assert_cmpint(got.verdict, ==, PEER_NO_ANSWER);
        g_assert_cmpint(got.kind, ==, FAULT_PEER_UNREACHABLE);
        g_assert_nonnull(strstr(got.fault, "localhost"));
        if (script.n != n_asked)
                g_error("%u: %s", script.n, got.fault);
        if (n_asked == 2)
                g_assert_cmpstr(script.keys[0], ==, script.keys[1]);
        if (kind == CREATE)
                g_assert_nonnull(script.keys[0]);
        g_assert_cmpstr(script.client, ==, "client");
}

static void test_a_host_that_never_answers_is_asked_twice(void)
{
        assert_no_answer(CREATE, NULL, 2);
        assert_no_answer(LIST, NULL, 2);
}

static void test_a_host_that_dies_in_its_reply_is_asked_twice(void)
{
        assert_no_answer(CREATE, "", 2);
        assert_no_answer(CREATE, "HTTP/1.1 2", 2);
        assert_no_answer(CREATE, "HTTP/1.1 201 Created\r\nContent-Le", 2);
        assert_no_answer(CREATE, "HTTP/1.1 201 Created\r\nContent-Length: 48\r\n\r\n{\"agent_id\":", 2);
        assert_no_answer(LIST, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"ag", 2);
}

static void test_a_host_that_answers_garbage_is_not_believed(void)
{
        static const char *const replies[] = {
                "HTTP/1.1 201 Created\r\nContent-Length: 7\r\n\r\ngarbage",
                "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}",
                "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 48\r\n\r\n"
                "{\"agent_id\":\"agent-1\",\"pid\":1,\"object_path\":\"/\"}",
                "HTTP/1.1 204 No Content\r\n\r\n",
                "HTTP/1.1 302 Found\r\nLocation: https://localhost/\r\nContent-Length: 0\r\n\r\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(replies); i++)
                assert_no_answer(CREATE, replies[i], 1);
        assert_no_answer(LIST, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"agents\":{}}", 1);
}

static void test_what_is_no_http_is_no_answer(void)
{
        g_auto(Script) script = { .replies = { "SSH-2.0-OpenSSH_9.2\r\n", "\x16\x03\x01" } };
        g_auto(Got) got = { 0 };

        ask(CREATE, &script, &got);
        g_assert_cmpint(got.verdict, ==, PEER_NO_ANSWER);
}

static void test_a_second_try_may_do(void)
{
        g_auto(Script) script = { .replies = { "HTTP/1.1 201 Cr", CREATED } };
        g_auto(Got) got = { 0 };

        ask(CREATE, &script, &got);
        g_assert_cmpint(got.verdict, ==, PEER_ANSWERED);
        g_assert_cmpstr(got.agent_id, ==, "agent-1");
        g_assert_cmpuint(script.n, ==, 2);
        g_assert_cmpstr(script.keys[0], ==, script.keys[1]);
}

static void ask_old_server(bool allow_tls12, Script *script, Got *got)
{
        g_autoptr(Pair) p = pair_new();
        g_auto(PkiCert) cert = pki_issue(p->host->pki, "server", "DNS:localhost", 3600);
        const FakeTls tls = {
                .cert = cert.cert,
                .key = cert.key,
                .client_ca = pki_ca_pem(p->host->pki),
                .only_tls12 = true,
        };
        g_autoptr(FakeHttp) fake = fake_http_new(&tls, 0, play, script);
        g_autofree char *address = g_strdup_printf("127.0.0.1:%u", fake_http_port(fake));

        p->settings.tls.allow_tls12 = allow_tls12;
        pair_start(p);
        ask_create(p->client, &(PeerAddress){ .address = address, .name = "localhost" }, got, NULL);
        loop_until(p->host->event, has_got, got);
}

static void test_tls_12_is_for_those_who_allow_it(void)
{
        g_auto(Script) script = { .replies = { CREATED } };
        g_auto(Got) refused = { 0 }, allowed = { 0 };

        ask_old_server(false, &script, &refused);
        g_assert_cmpint(refused.verdict, ==, PEER_NOT_CONNECTED);
        g_assert_cmpuint(script.n, ==, 0);
        ask_old_server(true, &script, &allowed);
        g_assert_cmpint(allowed.verdict, ==, PEER_ANSWERED);
        g_assert_cmpuint(script.n, ==, 1);
        g_assert_cmpstr(script.client, ==, "client");
}

/* A server of that port for a while. */
typedef struct Life {
        Pair *pair;
        PkiCert cert;
        char *address;
        FakeHttp *fake;
} Life;

static void life_begin(Life *life, unsigned port, Script *script)
{
        const FakeTls tls = {
                .cert = life->cert.cert,
                .key = life->cert.key,
                .client_ca = pki_ca_pem(life->pair->host->pki),
        };

        life->fake = fake_http_new(&tls, port, play, script);
        if (!life->address)
                life->address = g_strdup_printf("127.0.0.1:%u", fake_http_port(life->fake));
}

static Life life_new(Pair *p, Script *script)
{
        Life life = { .pair = p, .cert = pki_issue(p->host->pki, "server", "DNS:localhost", 3600) };

        life_begin(&life, 0, script);
        return life;
}

static void life_done(Life *life)
{
        fake_http_free(life->fake);
        pki_cert_done(&life->cert);
        g_free(life->address);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Life, life_done)

static bool has_been_asked(void *userdata)
{
        Script *script = userdata;
        bool asked;

        g_mutex_lock(&script->lock);
        asked = script->n > 0;
        g_mutex_unlock(&script->lock);
        return asked;
}

/* It dies with the request, and is there again a little later. */
static void test_a_host_that_is_being_restarted_is_asked_when_it_is_back(void)
{
        g_autoptr(Pair) p = start();
        g_auto(Script) before = { .replies = { NULL } }, after = { .replies = { CREATED } };
        g_auto(Life) life = life_new(p, &before);
        unsigned port = fake_http_port(life.fake);
        const PeerAddress host = { .address = life.address, .name = "localhost" };
        g_auto(Got) got = { 0 };

        ask_create(p->client, &host, &got, NULL);
        loop_until(p->host->event, has_been_asked, &before);
        fake_http_free(life.fake);
        loop_for(p->host->event, 100);
        g_assert_cmpuint(got.n, ==, 0);
        life_begin(&life, port, &after);
        loop_until(p->host->event, has_got, &got);
        g_assert_cmpint(got.verdict, ==, PEER_ANSWERED);
        g_assert_cmpstr(got.agent_id, ==, "agent-1");
        g_assert_cmpstr(before.keys[0], ==, after.keys[0]);
}

static void test_who_waits_to_ask_again_can_be_given_up(void)
{
        g_autoptr(Pair) p = pair_new();
        g_auto(Script) script = { .replies = { "" } };
        g_auto(Life) life = life_new(p, &script);
        const PeerAddress host = { .address = life.address, .name = "localhost" };
        PeerRequest *request = NULL, *other = NULL;
        g_auto(Got) got = { 0 };

        p->settings.pause_usec = 3600 * USEC_PER_SEC;
        pair_start(p);
        ask_create(p->client, &host, &got, &request);
        ask_create(p->client, &host, &got, &other);
        loop_until(p->host->event, has_been_asked, &script);
        loop_for(p->host->event, 50);
        g_assert_nonnull(request);
        peer_request_free(request);
        g_assert_null(request);
        p->client = peer_client_free(p->client);
        g_assert_null(other);
        g_assert_cmpuint(got.n, ==, 0);
}

static void test_an_error_without_a_problem_is_told_by_its_status(void)
{
        static const char reply[] = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 12\r\n\r\n<h1>502</h1>";
        g_auto(Script) script = { .replies = { reply, reply } };
        g_auto(Got) got = { 0 };

        ask(CREATE, &script, &got);
        g_assert_cmpint(got.verdict, ==, PEER_ANSWERED);
        g_assert_cmpint(got.kind, ==, FAULT_FAILED);
        g_assert_nonnull(strstr(got.fault, "502"));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client/every-request-is-answered", test_every_request_is_answered);
        g_test_add_func("/client/connections-of-many-requests-at-once-are-kept",
                test_connections_of_many_requests_at_once_are_kept);
        g_test_add_func("/client/large-texts-arrive", test_large_texts_arrive);
        g_test_add_func("/client/addresses-of-ipv6-are-dialled", test_addresses_of_ipv6_are_dialled);
        g_test_add_func("/client/a-connection-that-the-host-closed-is-replaced",
                test_a_connection_that_the_host_closed_is_replaced);
        g_test_add_func("/client/the-fault-of-the-host-arrives", test_the_fault_of_the_host_arrives);
        g_test_add_func("/client/a-request-that-is-given-up-is-cancelled-there",
                test_a_request_that_is_given_up_is_cancelled_there);
        g_test_add_func("/client/an-answer-that-is-late-is-asked-for-again-and-nothing-done-twice",
                test_an_answer_that_is_late_is_asked_for_again_and_nothing_done_twice);
        g_test_add_func("/client/an-agent-that-is-to-be-ready-is-waited-for-as-long-as-its-host-does",
                test_an_agent_that_is_to_be_ready_is_waited_for_as_long_as_its_host_does);
        g_test_add_func("/client/a-stop-is-waited-for-as-long-as-the-host-does",
                test_a_stop_is_waited_for_as_long_as_the_host_does);
        g_test_add_func(
                "/client/a-host-of-another-name-is-not-asked", test_a_host_of_another_name_is_not_asked);
        g_test_add_func("/client/a-host-of-a-foreign-authority-is-not-asked",
                test_a_host_of_a_foreign_authority_is_not_asked);
        g_test_add_func(
                "/client/a-port-that-nobody-has-is-not-asked", test_a_port_that_nobody_has_is_not_asked);
        g_test_add_func("/client/a-host-that-accepts-and-says-nothing-is-left-in-time",
                test_a_host_that_accepts_and_says_nothing_is_left_in_time);
        g_test_add_func(
                "/client/without-certificates-nobody-is-asked", test_without_certificates_nobody_is_asked);
        g_test_add_func("/client/a-client-that-ends-gives-everything-up",
                test_a_client_that_ends_gives_everything_up);
        g_test_add_func("/client/a-host-that-refuses-our-certificate-was-not-asked",
                test_a_host_that_refuses_our_certificate_was_not_asked);
        g_test_add_func("/client/a-rotated-certificate-of-the-client-serves-new-connections",
                test_a_rotated_certificate_of_the_client_serves_new_connections);
        g_test_add_func("/client/a-rotated-certificate-of-the-client-leaves-connections-that-are-kept",
                test_a_rotated_certificate_of_the_client_leaves_connections_that_are_kept);
        g_test_add_func("/client/a-host-that-never-answers-is-asked-twice",
                test_a_host_that_never_answers_is_asked_twice);
        g_test_add_func("/client/a-host-that-dies-in-its-reply-is-asked-twice",
                test_a_host_that_dies_in_its_reply_is_asked_twice);
        g_test_add_func("/client/a-host-that-answers-garbage-is-not-believed",
                test_a_host_that_answers_garbage_is_not_believed);
        g_test_add_func("/client/what-is-no-http-is-no-answer", test_what_is_no_http_is_no_answer);
        g_test_add_func("/client/a-second-try-may-do", test_a_second_try_may_do);
        g_test_add_func("/client/tls-12-is-for-those-who-allow-it", test_tls_12_is_for_those_who_allow_it);
        g_test_add_func("/client/a-host-that-is-being-restarted-is-asked-when-it-is-back",
                test_a_host_that_is_being_restarted_is_asked_when_it_is_back);
        g_test_add_func("/client/who-waits-to-ask-again-can-be-given-up",
                test_who_waits_to_ask_again_can_be_given_up);
        g_test_add_func("/client/an-error-without-a-problem-is-told-by-its-status",
                test_an_error_without_a_problem_is_told_by_its_status);
        return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peer-host.h"

#include "fake/loop.h"
#include "fault-bus.h"

typedef struct Pending {
        PeerHost *host;
        PeerCall *call;
        char kind;
        char *id;
} Pending;

static void pending_free(void *userdata)
{
        Pending *p = userdata;

        g_free(p->id);
        g_free(p);
}

static void on_cancel(void *userdata)
{
        Pending *p = userdata;

        p->host->n_cancelled++;
        g_ptr_array_remove(p->host->waiting, p);
}

static uint64_t on_deadline(void *userdata)
{
        Pending *p = userdata;

        p->host->n_deadline_asked++;
        return p->host->deadline_usec;
}

static void answer_list(PeerHost *h, PeerCall *call)
{
        g_autofree PeerAgent *agents = g_new0(PeerAgent, h->n_agents_listed);

        for (unsigned i = 0; i < h->n_agents_listed; i++)
                agents[i] = (PeerAgent){
                        .agent_id = (char *)"agent-1",
                        .guild_id = (char *)"guild-1",
                        .name = (char *)"One",
                        .pid = 4711,
                        .is_alive = true,
                        .created_usec = 1700000000000000,
                        .state = (char *)"running",
                        .object_path = (char *)"/org/agenthost/Host1/agent/agent_2d1",
                };
        peer_call_listed(call, agents, h->n_agents_listed);
}

static void answer_info(PeerCall *call, const char *id)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (g_str_has_prefix(id, "no")) {
                fault_set(&fault, FAULT_NO_SUCH_AGENT, "Agent %s not found", id);
                peer_call_failed(call, &fault);
                return;
        }
        peer_call_found(call,
                &(PeerAgent){ .agent_id = (char *)id,
                        .guild_id = (char *)"guild-1",
                        .name = (char *)"One",
                        .state = (char *)"exited",
                        .object_path = (char *)"/org/agenthost/Host1/agent/x" });
}

static void answer(PeerHost *h, PeerCall *call, char kind, const char *id)
{
        switch (kind) {
        case 'c':
                h->n_agents++;
                peer_call_created(call,
                        &(PeerCreated){ .agent_id = (char *)id,
                                .pid = 4711,
                                .object_path = (char *)"/org/agenthost/Host1/agent/agent_2d1" });
                break;
        case 's':
                peer_call_stopped(call, !g_str_has_prefix(id, "no"));
                break;
        case 'l':
                answer_list(h, call);
                break;
        case 'i':
                answer_info(call, id);
                break;
        default:
                peer_call_healthy(call,
                        &(PeerHealth){ .healthy = true, .agent_count = 3, .hostname = (char *)"host-a" });
                break;
        }
}

static bool fail_by_id(PeerCall *call, const char *id)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        FaultKind kind = fault_kind_from_name(id);

        if (kind == FAULT_NONE)
                return false;
        fault_set(&fault, kind, "It is called so");
        peer_call_failed(call, &fault);
        return true;
}

static void take(PeerHost *h, PeerCall *call, char kind, const char *id)
{
        Pending *p;

        h->n_asked++;
        g_assert_cmpstr(peer_call_client(call), ==, h->client_name);
        if (fail_by_id(call, id))
                return;
        if (h->mode == PEER_HOST_ANSWERS && strcmp(id, "never") != 0) {
                answer(h, call, kind, id);
        } else if (h->mode == PEER_HOST_FAILS) {
                peer_call_failed(call, &h->fault);
        } else {
                p = g_new0(Pending, 1);
                *p = (Pending){ .host = h, .call = call, .kind = kind, .id = g_strdup(id) };
                g_ptr_array_add(h->waiting, p);
                peer_call_set_operation(call, p, on_cancel);
                peer_call_set_deadline(call, on_deadline);
        }
}

static void on_create(PeerCall *call, PeerCreate *create, void *userdata)
{
        PeerHost *h = userdata;
        const char *start = strstr(create->agent_spec, "\"id\": \"");
        g_autofree char *id = NULL;

        g_assert_nonnull(start);
        start += strlen("\"id\": \"");
        id = g_strndup(start, strcspn(start, "\""));
        g_free(h->request_id);
        h->request_id = g_strdup(create->request_id);
        g_string_append_printf(h->asked, "create %s%s\n", id, create->wait_ready ? " ready" : "");
        take(h, call, 'c', id);
}

static void on_stop(PeerCall *call, const char *agent_id, uint64_t timeout_usec, void *userdata)
{
        PeerHost *h = userdata;

        g_string_append_printf(
                h->asked, "stop %s %" PRIu64 "\n", agent_id, (uint64_t)(timeout_usec / USEC_PER_SEC));
        take(h, call, 's', agent_id);
}

static void on_list(PeerCall *call, const char *guild_id, void *userdata)
{
        PeerHost *h = userdata;

        g_string_append_printf(h->asked, "list %s\n", guild_id);
        take(h, call, 'l', guild_id);
}

static void on_info(PeerCall *call, const char *agent_id, void *userdata)
{
        PeerHost *h = userdata;

        g_string_append_printf(h->asked, "info %s\n", agent_id);
        take(h, call, 'i', agent_id);
}

static void on_health(PeerCall *call, void *userdata)
{
        take(userdata, call, 'h', "");
}

static bool on_page(const char *path, PeerPage *ret, void *userdata)
{
        bool is_metrics = strcmp(path, "/metrics") == 0;
        const char *text = is_metrics ? "# HELP a A.\n# TYPE a gauge\na 1\n" : "fine\n";

        (void)userdata;

        *ret = (PeerPage){
                .status = 200,
                .content_type = is_metrics ? "text/plain; version=0.0.4; charset=utf-8"
                                           : "text/plain; charset=utf-8",
                .body = g_bytes_new_static(text, strlen(text)),
        };
        return true;
}

static void on_observe(const PeerObservation *observation, void *userdata)
{
        PeerHost *h = userdata;

        h->last_status = observation->status;
}

static const PeerHandlers handlers = {
        .create = on_create,
        .stop = on_stop,
        .list = on_list,
        .info = on_info,
        .health = on_health,
        .page = on_page,
        .observe = on_observe,
};

void peer_host_put(PeerHost *h, const char *name, const char *text)
{
        g_autofree char *path = test_dir_path(&h->dir, name);

        (void)g_unlink(path);
        test_dir_put(&h->dir, name, text);
}

void peer_host_use(PeerHost *h, const PkiCert *cert, const char *ca)
{
        peer_host_put(h, "cert.pem", cert->cert);
        peer_host_put(h, "key.pem", cert->key);
        peer_host_put(h, "ca.pem", ca);
}

PeerHost *peer_host_new(void)
{
        PeerHost *h = g_new0(PeerHost, 1);
        g_auto(PkiCert) cert = { 0 };

        *h = (PeerHost){
                .event = loop_new(),
                .dir = test_dir_new(),
                .pki = pki_new("peers"),
                .waiting = g_ptr_array_new_with_free_func(pending_free),
                .asked = g_string_new(NULL),
                .n_agents_listed = 1,
                .client_name = "client.example.com",
        };
        h->client = pki_issue(h->pki, "client", "DNS:client.example.com", 3600);
        cert = pki_issue(h->pki, "server", "DNS:localhost", 3600);
        h->cert_file = test_dir_path(&h->dir, "cert.pem");
        h->key_file = test_dir_path(&h->dir, "key.pem");
        h->ca_file = test_dir_path(&h->dir, "ca.pem");
        peer_host_use(h, &cert, pki_ca_pem(h->pki));
        h->settings = (PeerServerSettings){
                .listen_address = "127.0.0.1",
                .tls = { .cert_file = h->cert_file, .key_file = h->key_file, .ca_file = h->ca_file },
        };
        return h;
}

void peer_host_start(PeerHost *h)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (peer_server_new(h->event, &h->settings, &handlers, h, &h->server, &fault) < 0)
                g_error("%s", fault_text(&fault));
}

void peer_host_free(PeerHost *h)
{
        peer_server_free(h->server);
        g_ptr_array_unref(h->waiting);
        g_string_free(h->asked, TRUE);
        fault_done(&h->fault);
        g_free(h->request_id);
        pki_cert_done(&h->client);
        pki_free(h->pki);
        g_free(h->cert_file);
        g_free(h->key_file);
        g_free(h->ca_file);
        test_dir_done(&h->dir);
        sd_event_unref(h->event);
        g_free(h);
}

void peer_host_go_on(PeerHost *h, unsigned n)
{
        Pending *p = g_ptr_array_steal_index(h->waiting, n);

        answer(h, p->call, p->kind, p->id);
        pending_free(p);
}

typedef struct Wanted {
        PeerHost *host;
        unsigned n;
} Wanted;

static bool are_waiting(void *userdata)
{
        Wanted *w = userdata;

        return w->host->waiting->len == w->n;
}

static bool are_cancelled(void *userdata)
{
        Wanted *w = userdata;

        return w->host->n_cancelled == w->n;
}

static bool are_connected(void *userdata)
{
        Wanted *w = userdata;

        return peer_server_count_connections(w->host->server) == w->n;
}

void peer_host_until_waiting(PeerHost *h, unsigned n)
{
        loop_until(h->event, are_waiting, &(Wanted){ h, n });
}

void peer_host_until_cancelled(PeerHost *h, unsigned n)
{
        loop_until(h->event, are_cancelled, &(Wanted){ h, n });
}

void peer_host_until_connections(PeerHost *h, unsigned n)
{
        loop_until(h->event, are_connected, &(Wanted){ h, n });
}

RawTls *peer_host_connect(PeerHost *h)
{
        return raw_tls_new(h->event, peer_server_port(h->server), pki_ca_pem(h->pki), &h->client);
}

char *peer_host_ask(PeerHost *h, const char *request, gssize size)
{
        g_autoptr(RawTls) c = peer_host_connect(h);

        g_assert_nonnull(c);
        (void)raw_tls_send(c, request, size);
        return raw_tls_read(c);
}

char *make_post(const char *headers, const char *body)
{
        return g_strdup_printf(
                "POST /v1/agents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                "Content-Length: %zu\r\n%s\r\n%s",
                strlen(body), headers, body);
}

char *make_body(const char *agent_id)
{
        return g_strdup_printf("{\"agent_spec\": \"{\\\"id\\\": \\\"%s\\\", \\\"name\\\": \\\"One\\\"}\", "
                               "\"guild_spec\": \"{\\\"id\\\": \\\"guild-1\\\"}\"}",
                agent_id);
}

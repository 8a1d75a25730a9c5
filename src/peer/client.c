/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client.h"

#include "client-request.h"
#include "time-util.h"
#include "wire.h"

/* For how long its runtime lets an agent start or stop, and whether the agent asks for more, only its host
 * knows, which answers in time. That one is cut off, or dead, shows by its connection. */
#define HOSTS_TIME_USEC (24 * 3600 * USEC_PER_SEC)

static const PeerClientSettings preset = {
        .connect_usec = 2 * USEC_PER_SEC,
        .create_usec = 60 * USEC_PER_SEC,
        .stop_usec = 30 * USEC_PER_SEC,
        .look_usec = 10 * USEC_PER_SEC,
        .pause_usec = USEC_PER_SEC,
        .again_usec = 10 * USEC_PER_SEC,
};

void peer_client_set_tls(PeerClient *c, const PeerTls *tls)
{
        g_free(c->cert_file);
        g_free(c->key_file);
        g_free(c->ca_file);
        c->cert_file = g_strdup(tls->cert_file);
        c->key_file = g_strdup(tls->key_file);
        c->ca_file = g_strdup(tls->ca_file);
        c->settings.tls = (PeerTls){
                .cert_file = c->cert_file,
                .key_file = c->key_file,
                .ca_file = c->ca_file,
                .allow_tls12 = tls->allow_tls12,
        };
}

static void set_up(PeerClient *c, const PeerClientSettings *settings)
{
        c->settings = (PeerClientSettings){
                .connect_usec = settings->connect_usec ? settings->connect_usec : preset.connect_usec,
                .create_usec = settings->create_usec ? settings->create_usec : preset.create_usec,
                .stop_usec = settings->stop_usec ? settings->stop_usec : preset.stop_usec,
                .look_usec = settings->look_usec ? settings->look_usec : preset.look_usec,
                .pause_usec = settings->pause_usec ? settings->pause_usec : preset.pause_usec,
                .again_usec = settings->again_usec ? settings->again_usec : preset.again_usec,
        };
        peer_client_set_tls(c, &settings->tls);
}

int peer_client_new(sd_event *event, const PeerClientSettings *settings, PeerClient **ret)
{
        PeerClient *c = g_new0(PeerClient, 1);
        int r = http_client_new(event, &c->http);

        if (r < 0) {
                g_free(c);
                return r;
        }

        c->event = sd_event_ref(event);
        set_up(c, settings);
        *ret = c;
        return 0;
}

PeerClient *peer_client_free(PeerClient *c)
{
        if (!c)
                return NULL;

        while (c->requests)
                peer_request_free(c->requests);
        http_client_free(c->http);
        sd_event_unref(c->event);
        g_free(c->cert_file);
        g_free(c->key_file);
        g_free(c->ca_file);
        g_free(c);
        return NULL;
}

static int read_created(const char *text, size_t size, PeerResult *result, Fault *fault)
{
        return wire_read_created(text, size, &result->created, fault);
}

static int read_stopped(const char *text, size_t size, PeerResult *result, Fault *fault)
{
        return wire_read_stopped(text, size, &result->stopped, fault);
}

static int read_agents(const char *text, size_t size, PeerResult *result, Fault *fault)
{
        return wire_read_agents(text, size, &result->agents, fault);
}

static int read_agent(const char *text, size_t size, PeerResult *result, Fault *fault)
{
        return wire_read_agent(text, size, &result->agent, fault);
}

static int read_health(const char *text, size_t size, PeerResult *result, Fault *fault)
{
        return wire_read_health(text, size, &result->health, fault);
}

int peer_client_create(PeerClient *c,
        const PeerAddress *host,
        const PeerCreate *create,
        PeerDone done,
        void *userdata,
        PeerRequest **ret_request,
        Fault *fault)
{
        PeerAsk ask = {
                .method = "POST",
                .target = g_strdup(WIRE_AGENTS),
                .body = wire_write_create(create),
                .has_effect = true,
                .wanted_status = 201,
                .read = read_created,
                .limit_usec = usec_add(c->settings.create_usec, create->wait_ready ? HOSTS_TIME_USEC : 0),
        };

        return peer_request_start(c, host, &ask, done, userdata, ret_request, fault);
}

int peer_client_stop(PeerClient *c,
        const PeerAddress *host,
        const char *agent_id,
        uint64_t timeout_usec,
        PeerDone done,
        void *userdata,
        PeerRequest **ret_request,
        Fault *fault)
{
        g_autofree char *path = wire_agent_path(agent_id);
        PeerAsk ask = {
                .method = "DELETE",
                .target = g_strdup_printf(
                        "%s?timeout=%" PRIu64, path, (uint64_t)(timeout_usec / USEC_PER_SEC)),
                .has_effect = true,
                .wanted_status = 200,
                .read = read_stopped,
                .limit_usec =
                        usec_add(c->settings.stop_usec, timeout_usec > 0 ? timeout_usec : HOSTS_TIME_USEC),
        };

        return peer_request_start(c, host, &ask, done, userdata, ret_request, fault);
}

static int look(PeerClient *c,
        const PeerAddress *host,
        char *target,
        PeerReader read,
        PeerDone done,
        void *userdata,
        PeerRequest **ret_request,
        Fault *fault)
{
        PeerAsk ask = {
                .method = "GET",
                .target = target,
                .wanted_status = 200,
                .read = read,
                .limit_usec = c->settings.look_usec,
        };

        return peer_request_start(c, host, &ask, done, userdata, ret_request, fault);
}

int peer_client_list(PeerClient *c,
        const PeerAddress *host,
        const char *guild_id,
        PeerDone done,
        void *userdata,
        PeerRequest **ret_request,
        Fault *fault)
{
        g_autofree char *escaped = http_escape(guild_id);
        char *target =
                *guild_id ? g_strconcat(WIRE_AGENTS "?guild_id=", escaped, NULL) : g_strdup(WIRE_AGENTS);

        return look(c, host, target, read_agents, done, userdata, ret_request, fault);
}

int peer_client_info(PeerClient *c,
        const PeerAddress *host,
        const char *agent_id,
        PeerDone done,
        void *userdata,
        PeerRequest **ret_request,
        Fault *fault)
{
        return look(c, host, wire_agent_path(agent_id), read_agent, done, userdata, ret_request, fault);
}

int peer_client_health(PeerClient *c,
        const PeerAddress *host,
        PeerDone done,
        void *userdata,
        PeerRequest **ret_request,
        Fault *fault)
{
        return look(c, host, g_strdup(WIRE_HEALTH), read_health, done, userdata, ret_request, fault);
}

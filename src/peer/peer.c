/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peer.h"

#include "strv.h"

void peer_create_done(PeerCreate *c)
{
        free(c->agent_spec);
        free(c->guild_spec);
        free(c->messaging_config);
        free(c->client_type);
        free(c->client_properties);
        free(c->request_id);
        free(c->runtime);
        free(c->restart);
        strv_free(c->environment);
        g_clear_pointer(&c->unit_properties, g_variant_unref);
        *c = (PeerCreate){ 0 };
}

void peer_created_done(PeerCreated *c)
{
        free(c->agent_id);
        free(c->object_path);
        *c = (PeerCreated){ 0 };
}

void peer_agent_done(PeerAgent *a)
{
        free(a->agent_id);
        free(a->guild_id);
        free(a->name);
        free(a->state);
        free(a->object_path);
        *a = (PeerAgent){ 0 };
}

void peer_health_done(PeerHealth *h)
{
        free(h->hostname);
        *h = (PeerHealth){ 0 };
}

bool peer_tls_is_set(const PeerTls *tls)
{
        return tls->cert_file && tls->key_file && tls->ca_file;
}
